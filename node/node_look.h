/* Part of the node's store: what an operator has seen and what came since, and what the link was
 * like, for the lines of `status`. Marks are journal positions, never times; the times beside them
 * are for people. */
#pragma once

#include "node/node_store.h"

enum node_look {
    LOOK_COME, /* unlocked: the news of this sitting begin where the last one ended */
    LOOK_READ, /* read the answers (`attention`): news begin here */
    LOOK_GO,   /* locked */
};
/* One durable transaction. `wall_ms`: as well as it is known. */
NODISCARD enum err node_store_look(struct node_store *store, const struct public_key *operator_key,
                                   enum node_look look, uint64_t wall_ms);

/* The version of the rules that this operator has seen; of a first look, the one then in force.
 * ERR_NOT_FOUND: was never here. */
NODISCARD enum err node_store_rules_seen(struct node_store *store,
                                         const struct public_key *operator_key,
                                         uint64_t *ret_version);
/* One durable transaction. */
NODISCARD enum err node_store_rules_see(struct node_store *store,
                                        const struct public_key *operator_key, uint64_t version);

/* What came since then: own changes that arrived at the hub, and answers to own changes by what
 * they say. */
struct node_news {
    uint64_t since_ms;
    uint64_t arrived;
    uint64_t answers; /* the sum of the following */
    uint64_t accepted, superseded, rejected, held, quarantined, parked;
};
/* Of the operator who works here; NULL: since anyone was here last. ERR_NOT_FOUND: nobody was. */
NODISCARD enum err node_store_news(struct node_store *store, const struct public_key *operator_key,
                                   struct node_news *ret_news);

/* Held changes whose conflict the feed has told of: they count once. */
NODISCARD enum err node_store_held_told(struct node_store *store, uint64_t *ret_count);

/* Sealed bytes that leave before an entry of the present incarnation is through, its own included:
 * all of faster lanes, and of its own what stands before it. 0: it has been acknowledged. */
NODISCARD enum err node_store_ahead(struct node_store *store, enum lane lane, uint64_t seq,
                                    uint64_t *ret_bytes);

/* What is worth knowing of the link after a restart; 0: not known. */
struct node_link_note {
    uint64_t hub_ms; /* the time that the hub named last */
    uint64_t rate_bytes_s;
};
NODISCARD enum err node_store_link(struct node_store *store, struct node_link_note *ret_note);
/* Kept with the next commit of an ACK or a look: a fsync of its own it is not worth. */
void node_store_link_note(struct node_store *store, const struct node_link_note *note);
