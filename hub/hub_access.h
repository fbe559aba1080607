/* The hub's door: a ZeroMQ ROUTER over CURVE with our own ZAP handler, in the daemon's loop. Who
 * may connect is asked live at every handshake; which node a message is from says the key that the
 * handler vouched for, never a routing id. Design §5 "Known traps" names what each setting is for.
 *
 * Too many connections: the listening socket takes no SYN any more (a classic BPF filter on it)
 * until enough have gone. Unbinding, as libzmq offers it, would end every living connection with
 * it. */
#pragma once

#include "common/loop.h"
#include "hub/hub_driver.h"

struct hub_access;

#define ACCESS_CONNECTIONS_MAX 2048 /* several for each of the nodes that a district may have */

struct hub_access_options {
    const char *listen; /* tcp:, then "*", IPv4 or [IPv6], then a port or "*"; no names */
    const struct secret_key *curve; /* borrowed during the call */
    unsigned connections_max;       /* 0: ACCESS_CONNECTIONS_MAX, or what RLIMIT_NOFILE leaves */
};

struct hub_access_events {
    void *ctx;
    /* May this key connect? */
    bool (*admits)(void *ctx, const struct public_key *curve_key);
    /* One frame; borrowed. */
    void (*receive)(void *ctx, const struct hub_peer *peer, struct bytes frame);
    /* No further frame is at hand, or 64 were given. */
    void (*turn_end)(void *ctx);
};

/* ERR_CONFIG: `listen`; ERR_BUSY: the port is taken, or another access lives in this loop; ERR_IO.
 */
NODISCARD enum err hub_access_open(struct loop *loop, const struct hub_access_options *options,
                                   const struct hub_access_events *events,
                                   struct hub_access **ret_access, struct problem *problem);
void hub_access_close(struct hub_access **access);

/* The endpoint as bound: the port is filled in. */
const char *hub_access_endpoint(const struct hub_access *access);

/* Never blocks. ERR_BUSY: this peer does not read; ERR_NOT_FOUND: it is gone. */
NODISCARD enum err hub_access_send(struct hub_access *access, const struct hub_peer *peer,
                                   struct bytes frame);

/* X(member): since the start, for `metrics` only; `connections` is now */
#define ACCESS_COUNTERS(X)                                                                         \
    X(connections)                                                                                 \
    X(handshakes_admitted)                                                                         \
    X(handshakes_denied)                                                                           \
    X(frames_refused)                                                                              \
    X(gate_closed)

struct hub_access_counters {
#define X(member) uint64_t member;
    ACCESS_COUNTERS(X)
#undef X
};
const struct hub_access_counters *hub_access_counters(const struct hub_access *access);

/* Takes the ZAP handler away; nobody gets in from then on. For the test that this fails closed. */
void hub_access_drop_handler(struct hub_access *access);
