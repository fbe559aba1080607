/* Carries out what hub_session decides: frames in, store, frames out. Knows no socket and no clock
 * of its own, so that the simulator drives it as main does. Store before send: what a turn received
 * is merged and committed in hub_driver_flush, and only then ACKs leave. */
#pragma once

#include "hub/hub_enrol.h"
#include "hub/hub_keys.h"
#include "hub/hub_session.h"
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

/* One frame. Never fails for what a peer sent: that peer is answered or dropped. `now_ms` is
 * monotonic, `wall_ms` the claim of the clock. A returned error is the hub's own (store): the
 * caller logs; the turn was rolled back, its peers are told to try again, and the next call starts
 * afresh. */
NODISCARD enum err hub_driver_receive(struct hub_driver *driver, const struct hub_peer *peer,
                                      struct bytes frame, uint64_t now_ms, uint64_t wall_ms);
/* Ends the turn: commit, ACKs, feed pushes. Call when no further frame is at hand (or after 64). */
NODISCARD enum err hub_driver_flush(struct hub_driver *driver, uint64_t now_ms);
NODISCARD enum err hub_driver_tick(struct hub_driver *driver, uint64_t now_ms, uint64_t wall_ms);
uint64_t hub_driver_wake_ms(const struct hub_driver *driver); /* UINT64_MAX: nothing waits */

/* May this CURVE key connect at all (enrolled and not ended, or an open invite)? For ZAP. */
bool hub_driver_admits(const struct hub_driver *driver, const struct public_key *curve_key);

/* The journal or the set of members moved by another hand (policy published, an invite refused):
 * ended nodes lose their sessions at once, waiting offices are answered, feeds go out at the next
 * flush. */
void hub_driver_journal_moved(struct hub_driver *driver);

/* Enrolment is optional (the simulator's nodes are enrolled from the start). Borrowed; reads the
 * proof of a rollback that an earlier life has kept there. */
NODISCARD enum err hub_driver_enrol(struct hub_driver *driver, struct hub_enrol *enrol);

/* ---- for status */

/* Rolled back: a node has proved that the hub lost what it had acknowledged. Nothing merges until
 * the trust part opens the next epoch. */
struct hub_halt {
    bool on;
    char node[NODE_TEXT_MAX + 1]; /* which proved it */
    struct cursor journal;        /* the cut for a restore: the journal's end when it was opened */
};
const struct hub_halt *hub_driver_halt(const struct hub_driver *driver);
/* An office whose HELLO named later policy than the hub has: a claim, but what it holds may still
 * be on its way back, and a restore before that would publish beside it. NULL: none. */
const char *hub_driver_policy_ahead(const struct hub_driver *driver);

struct hub_link {
    enum session_state state;
    uint64_t since_ms, heard_ms; /* monotonic */
    bool receiving;              /* slices of a bundle are under way */
    bool has_clock;
    int64_t clock_off_ms;          /* how far its clock was ahead of ours when it last said HELLO */
    uint64_t load_number, load_to; /* the record feed: where the node is, and the journal's end as
                                      it was told at its HELLO; 0, 0: it reads no records now */
};
/* False when the node has not spoken since the start. */
bool hub_driver_link(const struct hub_driver *driver, const char *node, struct hub_link *ret_link);
unsigned hub_driver_linked(const struct hub_driver *driver);

/* X(member): since the start of the daemon, for `metrics` only */
#define HUB_COUNTERS(X)                                                                            \
    X(frames)                                                                                      \
    X(frames_unknown_peer)                                                                         \
    X(frames_malformed)                                                                            \
    X(hellos)                                                                                      \
    X(bundles)                                                                                     \
    X(entries)                                                                                     \
    X(entries_known)                                                                               \
    X(entries_faulty)                                                                              \
    X(commits)                                                                                     \
    X(rollbacks)                                                                                   \
    X(acks)                                                                                        \
    X(feed_batches)                                                                                \
    X(refusals)                                                                                    \
    X(sends_busy)                                                                                  \
    X(assembly_bytes)                                                                              \
    X(batch_bytes)

struct hub_counters {
#define X(member) uint64_t member;
    HUB_COUNTERS(X)
#undef X
};
const struct hub_counters *hub_driver_counters(const struct hub_driver *driver);
