/* What the two files of node_entry share: node_entry.c carries a request out, node_entry_change.c
 * makes one change of it. */
#pragma once

#include "node/node_entry.h"

/* One request under way; on the heap, since it is large. */
struct submit {
    struct node_store *store;
    const struct entry_request *request;
    struct problem *problem;
    struct warnings *warnings;

    const struct trust_operator *operator;
    const struct policy *policy;
    struct node_identity identity;
    struct author author;
    struct id request_id;

    struct txn *txn;
    uint8_t *raw_space;
    struct writer raw; /* encoded changes, one after the other */
    uint32_t numbers[CHANGES_PER_TRANSACTION_MAX];
    uint32_t next_number;

    enum lane lane;
    uint64_t pending_seq[LANE_COUNT]; /* last pending positions of what is touched or referred to */
    bool waits; /* the author's role needs a countersignature */
};

/* Builds, validates and encodes change `index` into submit->txn. */
NODISCARD enum err submit_change(struct submit *submit, unsigned index);
/* Lane and positions follow a record that has changes on their way. */
void submit_touch(struct submit *submit, const struct record_view *view);
    unsigned told; /* problems, when they are only told */
/* Hands submit->problem to request->tell and goes on without it. */
void submit_tell(struct submit *submit, unsigned index, enum err err);
/* Who acts, as author: fills operator, policy, identity, author, waits. */
NODISCARD enum err submit_find_author(struct submit *submit);
