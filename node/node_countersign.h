/* Work that needs a second signature. Its author has signed: leaf, short numbers and the request's
 * answer are fixed, and from then on it is kept as safely as what is queued. It is neither chained
 * nor sealed nor sent until the one who countersigns has signed too; others' work overtakes it. It
 * shows on top of the cache like a pending change.
 *
 * Waiting transactions keep their order of entry, by `number`. One that builds on another (changes
 * the same record, or refers to a record that it makes) is countersigned after it. */
#pragma once

#include "node/node_entry.h"

struct waiting_txn {
    uint64_t number; /* ascends in the order of entry */
    struct hash leaf;
    uint32_t author; /* number of the operator who entered it */
    enum lane lane;  /* asked for */
    uint64_t wall_ms;
    unsigned change_count;
    struct bytes txn; /* plain, as signed by its author; empty while locked */
};

struct waiting_count {
    uint64_t transactions, changes;
};
/* Of one author; 0: of all. Usable while locked. */
NODISCARD enum err node_store_waiting_count(struct node_store *store, uint32_t author,
                                            struct waiting_count *ret_count);
typedef void waiting_callback(void *ctx, const struct waiting_txn *txn);
/* In the order of entry. Callbacks call nothing of this store. */
NODISCARD enum err node_store_waiting(struct node_store *store, waiting_callback *each, void *ctx);

/* What became of one that had to be countersigned. `reason` only of a refused one, unlocked,
 * and not from before the cache was reset.
 * Both valid until the next call. ERR_NOT_FOUND: the leaf needed nobody, or is not known. */
struct countersign_fate {
    enum countersign_state state;
    uint32_t operator_number; /* who signed or refused; 0 while it waits */
    struct bytes reason;
};
NODISCARD enum err node_store_countersign_fate(struct node_store *store, const struct hash *leaf,
                                               struct countersign_fate *ret_fate);
/* One that waits. ERR_LOCKED; ERR_NOT_FOUND: it does not wait (any more). */
NODISCARD enum err node_store_waiting_get(struct node_store *store, const struct hash *leaf,
                                          struct waiting_txn *ret_txn);
/* An earlier one than `number` waits that changes the record (`makes`: that makes it). */
NODISCARD enum err node_store_waiting_before(struct node_store *store, const struct id *record,
                                             uint64_t number, bool makes, bool *ret_before);

/* Queues countersigned ones: begin, any number of put, end. Durable when end returns OK; given an
 * error, end leaves all of them waiting. Of `entry`: lane, item, leaf, key_number, key_sealed, txn
 * (with the countersignature). ERR_FULL: the disk is nearly. */
NODISCARD enum err node_store_countersign_begin(struct node_store *store);
NODISCARD enum err node_store_countersign_put(struct node_store *store, uint64_t number,
                                              const struct queue_entry *entry,
                                              uint32_t countersigner);
NODISCARD enum err node_store_countersign_end(struct node_store *store, enum err err);

/* These go back to their authors: their changes count as refused by `by`, with a reason in plain
 * words, and each group becomes a draft. All or none. ERR_NOT_FOUND: one of them does not wait. */
NODISCARD enum err node_store_countersign_refuse(struct node_store *store,
                                                 const struct hash *leaves, size_t count,
                                                 uint32_t by, struct bytes reason);

/* ---- what belongs together (node_entry_countersign.c) */

struct waiting_row {
    struct waiting_txn txn; /* without its bytes */
    bool chosen;            /* asked for */
    bool implied;           /* goes along */
    size_t first, count;    /* of the plan's ids */
};
struct waiting_id {
    struct id record;
    bool touched, made; /* else referred to */
};
struct waiting_plan {
    size_t count, cap, id_count, id_cap;
    struct waiting_row *rows; /* in the order of entry */
    struct waiting_id *ids;
};
/* All that waits. ERR_LOCKED, ERR_MEMORY. Close in any case. */
NODISCARD enum err waiting_plan_open(struct node_store *store, struct waiting_plan *ret_plan);
void waiting_plan_close(struct waiting_plan *plan);
/* Chooses those that change the record; gives their count. */
size_t waiting_plan_choose(struct waiting_plan *plan, const struct id *record);
/* What must be countersigned before the chosen ones; what falls with them when they are refused:
 * only what cannot be without a record that they make. ERR_MEMORY. */
NODISCARD enum err waiting_plan_before(struct waiting_plan *plan);
NODISCARD enum err waiting_plan_after(struct waiting_plan *plan);

/* May who acts countersign this one? OK, or ERR_LOCKED, ERR_STATE (not approved), ERR_DENIED,
 * ERR_AREA with the problem. */
NODISCARD enum err node_entry_may_countersign(struct node_entry *entry, const struct hash *leaf,
                                              struct problem *problem);
/* Who acts countersigns these, in the order of entry. All are checked before the first is signed:
 * ERR_COUNTERSIGN_FIRST: one builds on another that waits and is not among them; ERR_NOT_FOUND: one
 * does not wait (those that were countersigned already are passed over). Durable in groups: with an
 * error, *ret_done of them are queued and the rest still waits. `wall_ms`: for the access log. */
NODISCARD enum err node_entry_countersign(struct node_entry *entry, const struct hash *leaves,
                                          size_t count, uint64_t wall_ms, size_t *ret_done,
                                          struct problem *problem);
/* Who acts refuses these (see node_store_countersign_refuse). */
NODISCARD enum err node_entry_refuse(struct node_entry *entry, const struct hash *leaves,
                                     size_t count, struct bytes reason, struct problem *problem);
/* Whether somebody at this office may countersign for that role. The roles' labels, joined by
 * ", ", when nobody does. */
bool node_entry_has_countersigner(struct node_store *store, const struct policy_role *role,
                                  char *ret_roles, size_t cap);
