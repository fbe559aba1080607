/* What the files of rules share: not for others.
 *
 * rules.c         what may be: authority, states, what is frozen, rules
 * rules_finish.c  what the hub adds: computed fields, its own moves */
#pragma once

#include "proto/rules.h"

#define FINISH_ROUNDS_MAX 4

/* Computed fields as the hub will have them once the change is merged: what a check asks must not
 * be older than what it decides about. */
struct works {
    size_t count;
    struct work {
        const struct policy_field *field;
        bool known;
        struct bytes raw;
        uint8_t space[EXPR_TEXT_BYTES_MAX + 16];
    } list[COMPUTED_FIELDS_MAX];
};

struct visit {
    const struct rules_input *in;
    const struct works *works; /* NULL: as they stand */
    const struct policy_collection *collection;
    struct expr_env env;
    char event[11];
    char claimed[11];
    struct problem *problem;
};

void rules_visit(struct visit *visit, const struct rules_input *in,
                 const struct policy_collection *collection, struct problem *problem);
/* The value before the change; false: not known here. */
bool rules_stood(const struct visit *visit, const struct policy_field *field, struct bytes *ret);
/* The edge leads out of that state; out of none, for one that begins records. */
bool rules_leaves(const struct policy_edge *edge, struct bytes state);
bool rules_is_hubs(const struct visit *visit, const struct policy_edge *edge);
/* What the edge asks of the record: OK when it is open. */
NODISCARD enum err rules_enter(const struct visit *visit, const struct policy_edge *edge);
/* The value of a computed field; false: not known here. What does not fit the field is left as it
 * stands. */
bool rules_compute(const struct visit *visit, const struct policy_field *field, struct bytes stands,
                   struct writer *out, struct bytes *ret);
