/* Entry: from what an operator asks to a signed, sealed, queued transaction. One call, one durable
 * SQLite transaction; the answer is only given after it. */
#pragma once

#include "node/node_store.h"
#include "proto/validate.h"

struct node_entry; /* holds the data key of this run of the daemon and the work buffers */

NODISCARD enum err node_entry_open(struct node_store *store, struct node_entry **ret_entry);
void node_entry_close(struct node_entry **entry);

struct entry_field {
    struct bytes name;  /* field name or label */
    struct bytes text;  /* as typed; empty clears the field in an update */
    struct bytes value; /* or raw canonical msgpack, when `text.at` is NULL */
};

struct entry_change {
    unsigned group;
    enum change_op op;
    struct bytes collection; /* create */
    struct id record;        /* update, delete, resolve; for create: zero, filled in by the call */
    const struct entry_field *fields;
    size_t field_count;
    struct id conflict;   /* resolve */
    struct id instead_of; /* create from a draft: the record that was refused */
    uint64_t expect_rev;  /* nonzero: refuse (ERR_STATE) when the record moved on */
};

/* Nobody asked: the fastest of the lanes that the policy gives the collections. */
#define LANE_OF_POLICY ((enum lane)LANE_COUNT)

struct entry_request {
    struct id request; /* zero: minted here */
    uint64_t wall_ms;
    enum lane lane; /* asked for, or LANE_OF_POLICY; pending records may force a slower
                       one */
    struct entry_change *changes; /* `record` of creates is filled in */
    unsigned change_count;
    const struct import_progress *import; /* see queue_entry */
    bool dry;                             /* checked as ever, then nothing is stored */
    bool presumes_signature; /* with `dry`: of who acts, where a field has one; it is made later */
    /* May leave a change out instead of refusing all: called for each after its check, with the
     * error (OK: `change` is what would be stored). What it returns, unless OK, refuses the whole
     * request. */
    enum err (*each)(void *ctx, unsigned index, enum err err, const struct problem *problem,
                     const struct change *change, bool *ret_leave_out);
    uint64_t draft; /* that it is made of, and that goes in the same commit; 0 = none */
    /* With `dry`: all that is wrong is told, change by change, instead of the first; then the
     * answer is ERR_VALUE. */
    void (*tell)(void *ctx, unsigned index, const struct problem *problem);
    /* Makes the answer to store from the result (JSON text into `ret`); called before the commit.
     */
    void (*answer)(void *ctx, const struct entry_request *request, const struct hash *leaf,
                   struct buf *ret);
    void *ctx;
};

/* References between changes of one request: a value "$1" names the record of change 1 (from 1).
 * Checks: unlocked, operator approved, policy there, every change against policy and authority,
 * references exist in the cache or in this request. `*ret_failed` is the index of the change that
 * was refused. On success nothing is pending in memory: it is on the disk. *ret_seq is 0 when there
 * was nothing to store, or `dry`. ERR_LOCKED, ERR_STATE, validation errors, ERR_LIMIT (queue),
 * ERR_FULL (disk). */
NODISCARD enum err node_entry_submit(struct node_entry *entry, const struct entry_request *request,
                                     struct hash *ret_leaf, uint64_t *ret_seq, unsigned *ret_failed,
                                     struct problem *problem, struct warnings *warnings);

/* Short text of a record number at this node: "29-0417". */
void node_entry_short(const char *node, uint32_t number, char ret[16]);
