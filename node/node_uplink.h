/* The link to the hub: one DEALER, the hub's CURVE key from invite or trust part, its endpoints
 * tried in their order. Under the invite's one-time key until the node is enrolled, then under its
 * own. */
#pragma once

#include "common/loop.h"
#include "node/node_store.h"

struct node_uplink;

/* `link` (may be NULL) hears of the connection coming and going. */
typedef void uplink_receive(void *ctx, struct bytes frame);

NODISCARD enum err node_uplink_open(struct loop *loop, struct node_store *store,
                                    uplink_receive *receive, dealer_link *link, void *ctx,
                                    struct node_uplink **ret_uplink);
void node_uplink_close(struct node_uplink **uplink);

/* Connects anew: to the first endpoint when keys or endpoints are others than before, else to the
 * next one. Nothing to connect to (not enrolled) closes the link. */
void node_uplink_reconnect(struct node_uplink *uplink);

/* Never blocks. ERR_BUSY: no link, or its queue is full. */
NODISCARD enum err node_uplink_send(struct node_uplink *uplink, struct bytes frame);

/* Where it connects to, or "" when it does not. Borrowed until the next reconnect. */
const char *node_uplink_endpoint(const struct node_uplink *uplink);
