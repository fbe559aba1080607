/* What the files of node_driver share: not for others.
 *
 * node_driver.c      facts, events, the round of actions
 * node_driver_in.c   what the hub says: verified, then an event
 * node_driver_out.c  what is sent: statements, runs, slices
 * node_carry*.c      the same in files */
#pragma once

#include "node/node_clock.h"
#include "node/node_driver.h"
#include "node/node_forecast.h"
#include "node/node_session.h"

#define STATEMENT_BYTES_MAX (FRAME_BYTES_MAX + 1024)

struct node_driver {
    struct node_store *store;
    struct node_driver_ports ports;
    struct node_session session;
    struct node_identity identity;
    struct node_facts facts;
    bool stale; /* the store changed by other hands: facts are read again */
    bool kicked;
    uint64_t wall_ms;
    bool has_nonce;
    struct id nonce; /* of the HELLO that waits */
    struct run_bytes {
        uint8_t *at; /* whole bundle, NULL = none */
        struct node_run run;
    } runs[LANE_COUNT];
    struct feed_bytes {
        uint8_t *at;
        size_t len, cap;
    } batches[FEED_STREAMS];
    const struct ack *ack; /* at hand during node_driver_receive */
    const struct feed *feed;
    struct problem refusal; /* the last one; code OK = none */
    struct node_clock clock;
    struct node_rate rate;
    uint64_t bad_messages;
    uint8_t frame[FRAME_BYTES_MAX];
    uint8_t statement[STATEMENT_BYTES_MAX];
};

/* node_driver.c */
void driver_step(struct node_driver *driver, struct node_event *event);
/* Time, and what changed by other hands, before anything else happens; and all that is due after
 * it. */
NODISCARD enum err driver_come_in(struct node_driver *driver, uint64_t now_ms, uint64_t wall_ms);
NODISCARD enum err driver_round(struct node_driver *driver);
void driver_refused(struct node_driver *driver, const struct problem *problem);
/* What is known of the link is kept with the next commit that comes by. */
void driver_note_link(struct node_driver *driver);

/* node_driver_in.c. A returned error is the store's own; all else ends in an event or a count. */
NODISCARD enum err driver_message(struct node_driver *driver, const struct message *message);
/* The slice at hand; *ret_event is FEED_STORED or FEED_BAD once the batch is whole, else TICK. */
NODISCARD enum err driver_take_feed(struct node_driver *driver, const struct node_action *action,
                                    enum node_event_kind *ret_event);
void driver_drop_feed(struct node_driver *driver, enum feed_stream stream);
/* Whether the hub has signed this about our chain: then *ret_known says what the session must know.
 * ERR_SIGNATURE; ERR_MALFORMED; ERR_STATE: of entries that are not here. */
NODISCARD enum err driver_ack_check(struct node_driver *driver, const struct ack *ack,
                                    struct node_ack *ret_known);

/* node_driver_out.c. ERR_BUSY: it did not leave. */
/* HELLO as things stand, signed; its statement is in driver->statement. */
NODISCARD enum err driver_hello_make(struct node_driver *driver, const struct id *nonce,
                                     struct message *ret_message);
/* A bundle of at most `bytes_max` bytes: lane, first, max_items, max_bytes (of items, about) and
 * all_keys of `action`. `space` has RUN_SPACE_BYTES and holds the bundle then. ERR_NOT_FOUND:
 * nothing is queued at `first`; ERR_LIMIT: not even one entry fits. */
#define RUN_KEYS_BYTES (BUNDLE_KEYS_MAX * 128)
#define RUN_SPACE_BYTES (RUN_KEYS_BYTES + 2 * (size_t)BUNDLE_BYTES_MAX)
NODISCARD enum err driver_bundle_make(struct node_driver *driver, const struct node_action *action,
                                      size_t bytes_max, uint8_t *space, struct queue_run *ret_run,
                                      struct bytes *ret_bundle);
NODISCARD enum err driver_send_hello(struct node_driver *driver);
NODISCARD enum err driver_send_enrol(struct node_driver *driver);
NODISCARD enum err driver_send_operators(struct node_driver *driver);
/* Shows a hub that was rolled back that it was, and gives it the signed policy that it lost: all
 * above `hub`. */
NODISCARD enum err driver_send_returns(struct node_driver *driver, const struct policy_mark *hub);
/* The dictionary of that number, when it is here. */
NODISCARD enum err driver_send_dictionary(struct node_driver *driver, uint64_t version);
NODISCARD enum err driver_send_confirm(struct node_driver *driver,
                                       const struct node_action *action);
NODISCARD enum err driver_send_slice(struct node_driver *driver, const struct node_action *action);
/* Loads, signs and keeps a bundle. ERR_NOT_FOUND: there is nothing to send. */
NODISCARD enum err driver_load_run(struct node_driver *driver, const struct node_action *action);
void driver_drop_run(struct node_driver *driver, enum lane lane);
