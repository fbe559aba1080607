/* The office's own books: what it entered, by the positions of its chain, against what became of
 * it. The district's (`reconcile` at the hub) can be laid beside them. */
#pragma once

#include "node/node_store.h"

/* In entries: transactions, whatever number of changes they hold, each by the gravest answer to one
 * of its changes. NONE: not answered. */
struct node_books {
    uint64_t entered; /* positions of the present chain without policy entries; of former ones what
                         stayed there */
    uint64_t policy;
    uint64_t answers[DISPOSITION_PARKED + 1];
    uint64_t missing; /* changes that are not where their entry is */
    /* Of these, with a claimed time from `from_ms` until before `until_ms`. */
    uint64_t dated_entered;
    uint64_t dated[DISPOSITION_PARKED + 1];
};
/* ERR_STATE: not enrolled. */
NODISCARD enum err node_store_books(struct node_store *store, uint64_t from_ms, uint64_t until_ms,
                                    struct node_books *ret_books);
