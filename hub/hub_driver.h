/* Carries out what hub_session decides: frames in, store, frames out. Knows no socket and no clock of its
 * own, so that the simulator drives it as main does. Store before send: what a turn received is merged
 * and committed in hub_driver_flush, and only then ACKs leave. */
#pragma once

#include "hub/hub_keys.h"
#include "hub/hub_store.h"

struct hub_driver;

/* Where a frame came from: the CURVE key that our ZAP handler vouched for, and the way back. */
#define ROUTE_BYTES_MAX 255
struct hub_peer {
    struct public_key curve_key;
    uint8_t route[ROUTE_BYTES_MAX];
    size_t route_len;
};

struct hub_driver_ports {
    void *ctx;
    /* Non-blocking. ERR_BUSY: back-pressure for this peer alone; ERR_NOT_FOUND: gone. */
    enum err (*send)(void *ctx, const struct hub_peer *peer, struct bytes frame);
    /* The set of keys that may connect changed (enrolment, revocation, invites): refresh access. */
    void (*access_changed)(void *ctx);
};

NODISCARD enum err hub_driver_open(struct hub_store *store, const struct hub_keys *keys,
                                   const struct hub_driver_ports *ports,
                                   struct hub_driver **ret_driver);
void hub_driver_close(struct hub_driver **driver);

/* One frame. Never fails for what a peer sent: that peer is answered or dropped. `now_ms` is monotonic,
 * `wall_ms` the claim of the clock. A returned error is the hub's own (store): the caller logs. */
NODISCARD enum err hub_driver_receive(struct hub_driver *driver, const struct hub_peer *peer,
                                      struct bytes frame, uint64_t now_ms, uint64_t wall_ms);
/* Ends the turn: commit, ACKs, feed pushes. Call when no further frame is at hand (or after 64). */
NODISCARD enum err hub_driver_flush(struct hub_driver *driver, uint64_t now_ms);
NODISCARD enum err hub_driver_tick(struct hub_driver *driver, uint64_t now_ms, uint64_t wall_ms);
uint64_t hub_driver_wake_ms(const struct hub_driver *driver); /* UINT64_MAX: nothing waits */

/* May this CURVE key connect at all (enrolled and not ended, or an open invite)? For ZAP. */
bool hub_driver_admits(const struct hub_driver *driver, const struct public_key *curve_key);

/* The journal moved by another hand (policy published by an officer): push feeds at the next flush. */
void hub_driver_journal_moved(struct hub_driver *driver);
