/* Part of the node's store: submissions that are owed an answer, and answers that came. Positions,
 * times and random ids only, so that figures are there while it is locked; it is written with the
 * confirmed state of the records, which needs the unlocked cache. */
#pragma once

#include "node/node_store.h"

struct node_owed {
    struct id record;
    uint64_t since_ms; /* claimed time of the change that made it wait; 0: not known */
    int64_t days;      /* within which an answer is owed */
};
bool node_owed_late(const struct node_owed *owed, uint64_t now_ms);

typedef void node_owed_callback(void *ctx, const struct node_owed *owed);
/* The longest waiting first. Callbacks call nothing of this store. */
NODISCARD enum err node_store_owed(struct node_store *store, node_owed_callback *each, void *ctx);
/* ERR_NOT_FOUND: nothing is owed. */
NODISCARD enum err node_store_owed_one(struct node_store *store, const struct id *record,
                                       struct node_owed *ret_owed);

/* Somebody elsewhere answered a submission of this office, or moved its state. */
struct node_answered {
    struct id record;
    uint64_t wall_ms; /* their claimed time */
};
typedef void node_answered_callback(void *ctx, const struct node_answered *answered);
/* Those that nobody has put away yet, oldest first. */
NODISCARD enum err node_store_answered(struct node_store *store, node_answered_callback *each,
                                       void *ctx);
/* ERR_NOT_FOUND: none stands for that record. */
NODISCARD enum err node_store_answered_done(struct node_store *store, const struct id *record);

struct node_answer_figures {
    uint64_t owed, late;
    uint64_t answered; /* that nobody has put away */
    uint64_t fresh;    /* came since the operator looked last; with nobody known, all of them */
};
/* `operator_key` as for node_store_news. */
NODISCARD enum err node_store_answer_figures(struct node_store *store,
                                             const struct public_key *operator_key, uint64_t now_ms,
                                             struct node_answer_figures *ret_figures);
