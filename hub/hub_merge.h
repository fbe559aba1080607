/* One transaction on its way into the hub's tables, inside hub_merge*.c only. First everything is
 * looked at (hub_merge_check.c) and nothing is written; then what stands is written
 * (hub_merge_apply.c), which only the database can make fail. A transaction touches a record at
 * most once (PROTOCOL.md §4). */
#pragma once

#include "hub/hub_store_state.h"
#include "proto/endorse.h"
#include "proto/merge.h"
#include "proto/validate.h"

/* What one transaction may add to the record stream, so that the items of one journal number
 * always fit one feed batch: conflicts and answers, and bytes beyond the values that it brings
 * itself. */
#define MERGE_EVENTS_MAX 256
#define MERGE_EVENT_BYTES 160
#define MERGE_EXTRA_BYTES_MAX (440 * 1024)

/* What the hub may add to one record, in all rounds. */
#define MERGE_ADDED_BYTES_MAX ((size_t)FIELDS_PER_CHANGE_MAX * (EXPR_TEXT_BYTES_MAX + 16) * 4)

#define MERGE_SCOPES_MAX (CHANGES_PER_TRANSACTION_MAX * 2 * AREA_LEVELS_MAX)

/* A transaction refers to a record: checked once it is known which creates beside it stand. */
struct merge_reference {
    unsigned index; /* of the change */
    const struct policy_field *field;
    struct id target;
};

struct merge_scope {
    size_t len;
    char text[IDENTIFIER_BYTES_MAX + 1];
};

struct merge {
    struct hub_store *store;
    const struct txn *txn;
    struct row_txn row;
    enum ruling ruling;
    uint64_t number;           /* of the entry that merges it: the rev of what it writes */
    const struct policy *then; /* the rules it was written under */
    struct author author;
    bool needs_countersigner;
    unsigned countersigner_count;                       /* who countersigned, and may */
    struct bytes countersigners[COUNTERSIGNATURES_MAX]; /* their areas */

    const struct policy_collection *now[CHANGES_PER_TRANSACTION_MAX]; /* in force; NULL unknown */
    struct row_change changes[CHANGES_PER_TRANSACTION_MAX];
    bool failed[CHANGES_PER_TRANSACTION_MAX];          /* by group */
    uint16_t created[4 * CHANGES_PER_TRANSACTION_MAX]; /* open hash of ids: index + 1 of creates */
    bool ruled[CHANGES_PER_TRANSACTION_MAX];           /* its rules have been asked */
    size_t reference_count, reference_cap;
    struct merge_reference *references;
    unsigned events;
    size_t extra_bytes;

    /* The transaction waits: `row.state` is PARKED. */
    bool parks;
    struct row_wait wait;

    size_t scope_count;
    struct merge_scope scopes[MERGE_SCOPES_MAX];
    char area[IDENTIFIER_BYTES_MAX + 1]; /* the last one given to merge_scope_add */

    struct hub_record record;

    /* Of hub_merge_rules.c: its values apart from the database's, what the hub added to them, the
     * record that a reference named last, and a failure of the database on the way. */
    struct buf kept;
    uint8_t added[MERGE_ADDED_BYTES_MAX];
    size_t added_len;
    bool finished;
    struct hub_record other;
    struct id endorsed;
    uint8_t statement[ENDORSEMENT_BYTES_MAX];
    enum err rules_err;
    struct txn decoded; /* of a transaction that is looked at again */
    struct buf plain, packed;
};

/* ---- hub_merge_author.c */

/* May its author, and who had to countersign? ACCEPTED: its changes may be looked at. Fills
 * m->then, m->author and m->countersigners. */
enum disposition merge_gate(struct merge *m, enum err *ret_reason);
/* Where the author's role asks for it: somebody who may has countersigned for a record there. */
bool merge_countersigned(const struct merge *m, struct bytes area);

/* Who signed something in a record held the assignment no more, at the position of what brings it.
 */
bool merge_signer_ended(const struct merge *m, const struct trust_operator *op);

/* ---- hub_merge_rules.c */

/* Its collection asks more than what its fields allow. */
bool merge_has_rules(const struct merge *m, const struct change *change);
/* Authority over the fields, states, rules; m->record is what an update meets. A refusal fills
 * `problem`. */
NODISCARD enum err merge_rules(struct merge *m, const struct change *change,
                               struct problem *problem);
/* Computed fields and the hub's own moves, in m->record, as part of m->number. */
NODISCARD enum err merge_finish(struct merge *m, bool *ret_added);
/* What that may add to the feed. */
size_t merge_finish_bytes(const struct policy_collection *c);
/* Values of m->record outlive the next record_get. */
NODISCARD enum err merge_keep_record(struct merge *m);

/* ---- hub_merge_check.c */

/* The create of `id` in this transaction whose group stands. */
const struct change *merge_created(const struct merge *m, const struct id *id);

/* Looks at every change: m->changes get REJECTED with a reason or stay NONE, m->parks is set when
 * it must wait. Writes nothing. */
NODISCARD enum err merge_check(struct merge *m);

/* The change is rejected, and its group with it. `field` may be NULL. */
void merge_refuse(struct merge *m, unsigned index, enum err reason, const char *field);
/* Waits for an earlier transaction only, so that no two wait for each other. False: it does not
 * wait. */
bool merge_park_behind(struct merge *m, uint64_t txn, enum disposition disposition);

/* ---- hub_merge_references.c */

/* Notes what change `index` refers to. */
NODISCARD enum err merge_references_of(struct merge *m, unsigned index);
/* A group that fails takes its creates with it, and so what refers to them, until nothing more
 * falls. */
NODISCARD enum err merge_check_references(struct merge *m);

/* What a change does to one field of m->record. */
struct merge_finding {
    enum merge_verdict verdict;
    bool answers;                 /* SAME, and an open conflict of this node ends with it */
    bool replaces;                /* HOLD of a field that this node holds already */
    struct row_conflict conflict; /* the open one, when `answers` or `replaces` */
};
/* `field` NULL: the record's existence, `value` then an encoded bool (deleted). */
NODISCARD enum err merge_find(struct merge *m, const struct change *change,
                              const struct policy_field *field, struct bytes value,
                              struct merge_finding *ret_finding);
/* Whether the author had seen what stands since `rev`, in the base or as own pending work. */
NODISCARD enum err merge_saw(struct merge *m, const struct change *change, uint64_t rev,
                             bool *ret_seen);
/* What a delete, or an update of a deleted record, does to the record's existence. SAME: nothing.
 * */
NODISCARD enum err merge_existence(struct merge *m, const struct change *change,
                                   struct merge_finding *ret_finding);

struct bytes merge_bool(bool value);

/* ---- hub_merge_apply.c */

/* Writes records, conflicts, dispositions and feed index of what stands; fills the rest of
 * m->changes. */
NODISCARD enum err merge_apply(struct merge *m);
