/* Part of the node's store: its access log (form and chain: proto/access.h). Changes are logged in
 * the transaction of their entry (node_store_append, node_store_countersign), without a commit of
 * their own; what only looks is one small commit. */
#pragma once

#include "node/node_store.h"
#include "proto/access.h"

struct node_access {
    enum access_op op;
    bool full;
    const struct id *record; /* NULL: several, `count` says how many */
    uint64_t count;
    struct access_note note;
    struct bytes name; /* of who acts, as known at the socket; used while the roster has no such
                          key */
    uint64_t wall_ms;
};
/* One durable transaction, for the operator who acts. ERR_LOCKED; ERR_FULL: then what was to be
 * looked at is not shown. */
NODISCARD enum err node_store_access(struct node_store *store, const struct node_access *access);

/* `note` NULL: it does not open (locked, or its key is lost); and `row->note` is the box. */
typedef void node_access_callback(void *ctx, const struct access_row *row,
                                  const struct access_note *note);
/* The newest `max` rows, newest first; of one record, or of all (NULL). Usable while locked. */
NODISCARD enum err node_store_access_rows(struct node_store *store, const struct id *record,
                                          unsigned max, node_access_callback *each, void *ctx);
/* Walks all of it. OK, also when the chain is broken: `ret_check` says that. */
NODISCARD enum err node_store_access_check(struct node_store *store,
                                           struct access_check *ret_check);
