/* What the files of hub_driver share: not for others.
 *
 * hub_driver.c        opening, peers, the turn, time, status
 * hub_driver_hello.c  HELLO and the facts behind it; the halt
 * hub_driver_push.c   slices, bundles, opening of transactions, merge
 * hub_driver_join.c   ENROL and OPERATOR
 * hub_driver_send.c   everything that leaves */
#pragma once

#include "hub/hub_driver.h"
#include "proto/txn.h"

#define ASSEMBLIES_BYTES_MAX (64u * 1024 * 1024) /* of all nodes; slices of the idle give way */
#define BATCHES_BYTES_MAX (64u * 1024 * 1024)
#define ASSEMBLY_IDLE_MS (30u * 60 * 1000) /* slices of a node that does not go on */
#define ASSEMBLY_YIELD_MS 60000u           /* the same when another node needs the memory */
#define DATA_KEYS_OPEN_MAX 32
#define JOINERS_MAX 32
#define ACTIONS_A_TURN 256
#define ROUTES_KNOWN 4

static_assert(ASSEMBLIES_BYTES_MAX >= 16 * ASSEMBLIES_A_NODE_BYTES_MAX,
              "several nodes send at once, whatever one of them does");

/* What an office gives back (hub_driver_return.c), one document at a time; of each office its own,
 * so that none disturbs another's. Counts as an assembly. */
struct returned {
    struct buf space;
    unsigned kind;
    uint64_t version;
};

/* One enrolled node that spoke since the start. */
struct peer_slot {
    struct hub_peer peer;       /* the connection of its last accepted HELLO */
    struct hub_peer welcome_to; /* where the HELLO came from that is being answered */
    char node[NODE_TEXT_MAX + 1];
    uint64_t routes[ROUTES_KNOWN]; /* of the connections it last spoke on; 0 = none */
    unsigned route_next;
    bool touched;                 /* something of it stands in the open turn */
    bool arrived;                 /* its HELLO is to be told to enrolment, after the commit */
    uint64_t highest[LANE_COUNT]; /* queued there, as it said last */
    struct policy_mark policy;    /* in force there, as it said last */
    bool has_clock;
    int64_t clock_off_ms; /* its wall clock against ours, as it said last */
    struct hub_session session;
    struct {
        uint8_t *at; /* NULL: none */
        size_t bytes;
    } assemblies[LANE_COUNT];
    struct {
        uint8_t *at;
        size_t bytes;
        uint64_t epoch, from, to;
    } batches[FEED_STREAMS];
    struct returned returned;
};

/* An office that waits for approval under its one-time key. */
struct joiner {
    bool any;
    struct hub_peer peer;
    struct id invite;
    enum enrol_standing told;
};

struct open_key {
    struct secret_key *key; /* NULL: free */
    char node[NODE_TEXT_MAX + 1];
    struct id incarnation;
    uint64_t number;
    uint64_t used;
};

struct hub_driver {
    struct hub_store *store;
    const struct hub_keys *keys;
    struct hub_driver_ports ports;
    struct hub_enrol *enrol; /* NULL: nobody can join */
    uint64_t wall_ms;
    bool turn;              /* a store transaction is open */
    bool moved;             /* the journal grew in it */
    uint64_t trust_version; /* as last looked at */
    uint64_t epoch;
    struct hub_halt halt;
    struct hub_counters counters;
    unsigned slot_count;
    struct peer_slot *slots[NODES_MAX];
    struct joiner joiners[JOINERS_MAX];
    unsigned joiner_next;
    struct open_key data_keys[DATA_KEYS_OPEN_MAX];
    uint64_t data_key_clock;
    /* Large and reused: what a turn works in. */
    struct bundle *bundle;
    struct txn *txn;
    struct buf work;  /* FEED_PLAIN_BYTES_MAX and more */
    struct buf plain; /* a transaction, or a feed batch's items */
    struct buf batch;
    uint8_t frame[FRAME_BYTES_MAX];
};

const struct trust *driver_trust(const struct hub_driver *driver);
/* Opens the turn's transaction when it is not open. */
NODISCARD enum err driver_turn(struct hub_driver *driver);
/* The hub's own failure: nothing of the turn stands, its peers try again. Returns `cause`. */
enum err driver_fail(struct hub_driver *driver, enum err cause);
void driver_assembly_release(struct hub_driver *driver, struct peer_slot *slot, enum lane lane);
void driver_returned_release(struct hub_driver *driver, struct peer_slot *slot);
void driver_batch_release(struct hub_driver *driver, struct peer_slot *slot,
                          enum feed_stream stream);

/* `fresh`: the connection has said nothing before. */
NODISCARD enum err driver_hello(struct hub_driver *driver, struct peer_slot *slot,
                                const struct trust_node *node, const struct hub_peer *peer,
                                bool fresh, const struct hello *hello, uint64_t now_ms);
/* What is noted of a HELLO whose sender is known. */
enum hello_note {
    HELLO_NEWS, /* all of it */
    HELLO_OLD,  /* of a carry file, and a later one was here before: what it opens, not what it says
                 */
    HELLO_LOOK, /* nothing: only what would be answered */
};
/* Judges it and does what the verdict asks; then the session stands as HELLO leaves it. */
NODISCARD enum err driver_hello_judge(struct hub_driver *driver, struct peer_slot *slot,
                                      const struct trust_node *node, bool fresh,
                                      enum hello_note note, const struct hello *hello,
                                      uint64_t now_ms, enum hello_verdict *ret_verdict);
/* An epoch that a node brought back is an old one: the halt goes on. */
void driver_halt_keep(struct hub_driver *driver);
/* Loads or clears the halt when the epoch moved on. True: it was lifted. */
bool driver_halt_lift(struct hub_driver *driver);

NODISCARD enum err driver_push(struct hub_driver *driver, struct peer_slot *slot,
                               const struct trust_node *node, const struct push *push,
                               uint64_t now_ms);
/* A whole bundle that begins at `first`, which is no gap. */
NODISCARD enum err driver_bundle(struct hub_driver *driver, struct peer_slot *slot,
                                 const struct trust_node *node, enum lane lane, uint64_t first,
                                 struct bytes raw, uint64_t now_ms);
void driver_keys_forget(struct hub_driver *driver);

NODISCARD enum err driver_enrol_request(struct hub_driver *driver, const struct hub_peer *peer,
                                        const struct enrol *request, struct bytes frame);
NODISCARD enum err driver_operator_request(struct hub_driver *driver, const struct hub_peer *peer,
                                           const struct trust_node *node,
                                           const struct operator_request *request,
                                           struct bytes frame);
/* This hub was rolled back, as `prover` has shown: nothing merges before a restore. */
void driver_halt(struct hub_driver *driver, const struct peer_slot *prover);
/* A waiting node proves that, or gives back signed policy that the hub lost. */
NODISCARD enum err driver_return(struct hub_driver *driver, struct peer_slot *slot,
                                 const struct policy_return *back, uint64_t now_ms);
/* Tells waiting offices what became of their request. */
void driver_joiners_tell(struct hub_driver *driver);

/* Outside of any session, at once. */
void driver_refuse(struct hub_driver *driver, const struct hub_peer *peer, enum err code);
void driver_send_message(struct hub_driver *driver, const struct hub_peer *peer,
                         const struct message *message);
/* The same messages for a carry file. The WELCOME that is due, encoded into `out`. */
NODISCARD enum err driver_welcome_write(struct hub_driver *driver, const struct peer_slot *slot,
                                        struct writer *out);
/* The ACK for action->first and as many after it as fit a frame. */
NODISCARD enum err driver_ack_write(struct hub_driver *driver, const struct peer_slot *slot,
                                    const struct session_action *action, struct writer *out,
                                    uint64_t *ret_last);
/* The next batch after `from` of at most `bytes_max` bytes, in driver->batch. *ret_count 0: there
 * is none. ERR_LIMIT: one number takes more than that; *ret_count is then what it takes. */
NODISCARD enum err driver_feed_batch(struct hub_driver *driver, const struct peer_slot *slot,
                                     const struct trust_node *node, enum feed_stream stream,
                                     uint64_t from, size_t bytes_max, uint64_t *ret_to,
                                     size_t *ret_count);
/* Carries out what is due for one node. */
NODISCARD enum err driver_pump(struct hub_driver *driver, struct peer_slot *slot, uint64_t now_ms);
