/* What the files of node_entry share: node_entry.c carries a request out, node_entry_change.c makes
 * one change of it, node_entry_countersign.c adds the second signature to what waits for it. */
#pragma once

#include "node/node_entry.h"
#include "proto/compress.h"

struct node_entry {
    struct node_store *store;
    struct secret_key *data_key; /* of this run of the daemon; made at the first use */
    uint64_t key_number;
    uint64_t seal_number; /* hub key that it is sealed to */
    bool key_stored;      /* its sealed form went into the queue */
    uint8_t key_sealed[DATA_KEY_SEALED_BYTES];
};

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
    bool waits; /* the author's role needs a countersignature */
    struct id request_id;

    struct txn *txn;
    uint8_t *raw_space;
    struct writer raw; /* encoded changes, one after the other */
    uint32_t numbers[CHANGES_PER_TRANSACTION_MAX];
    uint32_t next_number;

    unsigned told;  /* problems, when they are only told */
    enum lane lane; /* the slowest that pending records force, in the end the one it goes to */
    enum lane policy_lane;            /* the fastest of the collections at hand */
    uint64_t pending_seq[LANE_COUNT]; /* last pending positions of what is touched or referred to */
};

/* Builds, validates and encodes change `index` into submit->txn. */
NODISCARD enum err submit_change(struct submit *submit, unsigned index);
/* node_entry_rules.c: authority over the fields, states, rules of the policy. */
NODISCARD enum err submit_rules(struct submit *submit, const struct change *change);
/* Hands submit->problem to request->tell and goes on without it. */
void submit_tell(struct submit *submit, unsigned index, enum err err);
/* Who acts, as author: fills operator, policy, identity, author, waits. */
NODISCARD enum err submit_find_author(struct submit *submit);
/* Lane and positions follow a record that has changes on their way. */
void submit_touch(struct submit *submit, const struct record_view *view);

/* ---- sealing */

#define WORK_BYTES_MAX (COMPRESS_BOUND(TRANSACTION_BYTES_MAX) + 4096)

/* Space for one answer: a line for each change of the largest transaction. */
#define ANSWER_BYTES_MAX (128 * 1024)

struct sealing {
    uint8_t *txn, *work, *body, *item, *answer;
};
bool sealing_open(struct sealing *space);
void sealing_close(struct sealing *space, size_t txn_len);
/* The data key of this run, sealed to the hub's present key. */
NODISCARD enum err entry_ready_key(struct node_entry *entry);
/* What the queue needs of a signed transaction. Of `submit`: store, identity, lane, pending_seq. */
NODISCARD enum err entry_seal(struct node_entry *entry, struct submit *submit,
                              struct sealing *space, struct bytes txn, const struct hash *leaf,
                              struct writer *item);
