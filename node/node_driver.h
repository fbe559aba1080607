/* Carries out what node_session decides: bundles out, ACKs and feed in. Knows no socket and no
 * clock, so that the simulator drives it as main does. Every action on the store is durable before
 * the next send. */
#pragma once

#include "node/node_clock.h"
#include "node/node_look.h"

struct node_driver;

struct node_driver_ports {
    void *ctx;
    /* Non-blocking. ERR_BUSY: no link or the queue is full; the session tries again later. */
    enum err (*send)(void *ctx, struct bytes frame);
    /* Identity, endpoints or the CURVE key to use changed: connect anew. */
    void (*reconnect)(void *ctx);
};

NODISCARD enum err node_driver_open(struct node_store *store, const struct node_driver_ports *ports,
                                    struct node_driver **ret_driver);
void node_driver_close(struct node_driver **driver);

/* Whatever the hub (or someone else) sent; never fails for that. An error is the node's own store.
 */
NODISCARD enum err node_driver_receive(struct node_driver *driver, struct bytes frame,
                                       uint64_t now_ms, uint64_t wall_ms);
NODISCARD enum err node_driver_tick(struct node_driver *driver, uint64_t now_ms, uint64_t wall_ms);
uint64_t node_driver_wake_ms(const struct node_driver *driver);
/* Something was appended, unlocked or requested: look at once. */
void node_driver_kick(struct node_driver *driver);
/* The connection came (HELLO goes at once) or went (not linked any more). Tick after it. */
void node_driver_connection(struct node_driver *driver, bool up);

struct node_link {
    bool linked;       /* WELCOME since the last HELLO and heard within the time limit */
    uint64_t since_ms; /* of that, monotonic */
    enum standing standing;
    uint64_t in_flight;                    /* entries sent and not acknowledged */
    char last_refusal[PROBLEM_DETAIL_MAX]; /* the hub's last REFUSE in words, or empty */
    struct problem refusal; /* the same, to be said in any language; code OK = none */
};
void node_driver_link(const struct node_driver *driver, struct node_link *ret_link);
/* Whether bytes of the bundle that holds this entry have left and are not acknowledged. */
bool node_driver_is_sent(const struct node_driver *driver, enum lane lane, uint64_t seq);

/* What time it is, as well as it can be known here. *ret_off_ms (may be NULL): how far our own
 * clock is ahead of the hub's, 0 when the hub has not spoken. */
enum clock_source node_driver_time(const struct node_driver *driver, uint64_t now_ms,
                                   uint64_t wall_ms, uint64_t *ret_ms, int64_t *ret_off_ms);
/* The time that an entry made now claims (node_clock_claim). */
uint64_t node_driver_claim_ms(const struct node_driver *driver, uint64_t now_ms, uint64_t wall_ms);
/* Bytes of entries a second that the link carried when there was something to send; 0: unknown. */
uint64_t node_driver_rate(const struct node_driver *driver);
/* Seconds until `bytes` of entries have been acknowledged, at that rate. False: unknown. */
bool node_driver_forecast(const struct node_driver *driver, uint64_t bytes, uint64_t *ret_s);
