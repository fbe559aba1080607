/* What the policy says of one change against the record that it meets: ways between states, what is
 * frozen or only appended to, rules, and authority that holds for some records only. The node asks
 * before it takes an entry, the hub before it merges; both give the record through callbacks. Pure.
 */
#pragma once

#include "proto/validate.h"

struct rules_input {
    const struct policy *policy; /* under which it was written */
    /* Whose dated lists and tables the rules ask: the newest there is, since the day of the event
     * decides, not what the author had heard of; NULL: `policy`. */
    const struct policy *dated;
    const struct change *change; /* NULL in rules_finish: the record as it stands */
    const struct author *author;
    uint64_t claimed_ms;
    /* What cannot be known here refuses nothing; the hub, which decides, knows all. */
    bool decides;
    /* The value that stands before the change, {NULL, 0} for nil; not asked for a create. False:
     * not known here. */
    bool (*stands)(void *context, const struct policy_field *field, struct bytes *ret_raw);
    /* As in struct expr_env; NULL: unknown. */
    bool (*follow)(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw);
    /* Of the field as the change leaves it; `env` gives the values that it covers. */
    enum signature_state (*signature)(void *context, const struct policy_field *field,
                                      const struct expr_env *env);
    void *context;
};

/* Whether anything is asked beyond the fields and their authority; else validate_authority says
 * all.
 */
bool rules_asked(const struct policy *policy, const struct policy_collection *collection,
                 const struct author *author);

/* validate_authority with the letters that count for this record. */
NODISCARD enum err rules_authority(const struct rules_input *in, struct problem *problem);

/* ERR_CODE, ERR_AREA_UNKNOWN: not in force on the day of the event, where the record has that day
 * or the change moves it. ERR_WORKFLOW: no such way, or not this author's; the detail has both
 * states, who may, and what would be allowed. ERR_FROZEN, ERR_APPEND, ERR_REQUIRED (on entering a
 * state). ERR_RULE: the thing is "collection.rule", the detail its label and remedy; a rule that
 * only warns goes to `warnings`.
 */
NODISCARD enum err rules_check(const struct rules_input *in, struct problem *problem,
                               struct warnings *warnings);

/* What of that goes by the rules in force too, under whichever the change was written: ERR_FROZEN
 * alone. */
NODISCARD enum err rules_frozen(const struct rules_input *in, struct problem *problem);

/* What a state may become by people's hands, and whose: "batal (TKSK kecamatan)". What does not fit
 * whole is left out. */
void rules_allowed(const struct policy *policy, const struct policy_workflow *workflow,
                   struct bytes state, char *ret, size_t cap);

/* What a refusal that came back says to people: the detail of `reason` about `field`, which with
 * ERR_RULE is the rule's name. `state`: what the record is in now, when that is known; `who`: the
 * role of who reads it, may be NULL. Empty: `reason` says all by itself. */
void rules_refusal(const struct policy *policy, const struct policy_collection *collection,
                   enum err reason, struct bytes field, struct bytes state, const char *who,
                   char *ret, size_t cap);

/* Whether the hub may add anything to a record that was written. */
bool rules_finishes(const struct policy *policy, const struct policy_collection *collection);
/* What the hub adds to a record that was written: computed fields, and its own moves. `put` changes
 * what `stands` gives. */
NODISCARD enum err rules_finish(const struct rules_input *in,
                                const struct policy_collection *collection,
                                enum err (*put)(void *context, const struct policy_field *field,
                                                struct bytes value));
