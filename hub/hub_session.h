/* What the hub knows and decides about one node's conversation. Pure: plain data, no heap, clock,
 * socket, file or randomness; time comes with each event. The driver asks for a verdict, carries it
 * out in the store, and after the commit pulls what is to be sent with hub_session_next.
 *
 * A session is made for an enrolled node when it first speaks and outlives its connections, so that
 * the slices of a bundle which were here before a cut are still here after it.
 *
 *   AWAY ── HELLO ─▶ ACTIVE | REOPEN | QUARANTINED | WAITING ── gone, revoked, rolled back ─▶ AWAY
 *
 * Only HELLO leads out of AWAY, and HELLO judges anew in every state. PROTOCOL.md §3, §6, §7. */
#pragma once

#include "hub/hub_store.h"

enum session_state {
    SESSION_AWAY, /* said no HELLO since it came: everything else is refused */
    SESSION_ACTIVE,
    SESSION_REOPEN,      /* told to open a new incarnation: nothing is taken */
    SESSION_QUARANTINED, /* taken and kept */
    SESSION_WAITING,     /* the hub was rolled back: nothing is taken */
    SESSION_STATES
};

const char *session_state_name(enum session_state state);

/* ---- limits of a session */

#define SESSION_RETRY_MS_MIN 10000u /* feed slice without CONFIRM */
#define SESSION_RETRY_MS_MAX 120000u
#define SESSION_BUSY_MS 100u   /* back-pressure of one peer */
#define SESSION_LOOK_MS 250u   /* at most so often one node's feed is looked up */
#define SESSION_STEP_MS 2u     /* where there is more to look at: after the other nodes' turn */
#define SESSION_LATER_MS 2000u /* again after the hub itself failed */
#define SESSION_WINDOW_SLICES 3u
#define SESSION_SILENCE_MS 600000u /* a node says HELLO more often; libzmq tells us of no end */
#define SESSION_QUICK_MS 1500u     /* a slice confirmed within this: the next is larger */
#define SESSION_SLOW_MS 6000u
#define SESSION_QUOTA_BYTES_MAX (64u * 1024 * 1024) /* bundles: burst, and refill a second */
#define SESSION_QUOTA_BYTES_PER_S (4u * 1024 * 1024)
#define SESSION_BATCH_SLICES                                                                       \
    10u /* plain bytes of a batch: so many slices, which zip to about 2                            \
         */
#define SESSION_BATCH_BYTES_MIN (40u * 1024)
#define SESSION_BATCH_BYTES_MAX (160u * 1024)
#define SESSION_EMPTY_STEPS                                                                        \
    4096u /* a batch without items moves a cursor that lies so far behind                          \
           */

/* ---- state */

/* A bundle of a lane whose slices are under way; the driver holds the bytes. Contiguous from 0 to
 * `offset`. One a lane, so that a person's entry overtakes an import in the middle of a bundle. */
struct session_assembly {
    bool any;
    uint64_t first;
    uint8_t tag[BUNDLE_TAG_BYTES];
    uint64_t total, offset;
    uint64_t heard_ms;
};

struct session_welcome {
    bool due;
    enum standing standing;
    struct id incarnation, nonce;
    bool proven[FEED_STREAMS];
};

struct session_ack {
    uint64_t first, last; /* 0, 0: none due */
};

struct session_refuse {
    bool due;
    enum err code;
    bool has_lane;
    enum lane lane;
    uint64_t seq;
};

struct session_progress {
    bool due;
    uint64_t first, offset;
};

/* One stream of the feed. */
struct session_flow {
    bool open;
    uint64_t number;  /* the node has everything up to here */
    uint64_t scanned; /* nothing for it up to here; >= number */
    uint64_t end;     /* the journal's end as WELCOME named it; records only */
    bool moved;       /* the journal may hold more than `scanned` */
    uint64_t look_ms; /* not looked up again before */
    bool batch;       /* the driver holds a batch from `number` to `to` */
    uint64_t to, total;
    uint64_t sent, confirmed;
    uint64_t back; /* 1 + a lower number that the node confirmed; 0 = none */
    uint32_t slice_bytes;
    uint32_t retry_ms;
    uint64_t sent_ms;
    uint64_t deadline_ms; /* UINT64_MAX: nothing is out */
};

struct hub_session {
    enum session_state state;
    struct id incarnation;
    struct id previous; /* as HELLO named it; zero: none */
    uint64_t received[LANE_COUNT];
    uint64_t unread[LANE_COUNT]; /* as HELLO stated: own changes up to there are told too */
    uint64_t since_ms;           /* of this standing */
    uint64_t heard_ms;
    bool forked; /* `incarnation` is not to go on */
    uint64_t quota_bytes, quota_ms;
    uint64_t busy_ms; /* nothing is sent before */
    uint32_t jitter;
    struct session_assembly assemblies[LANE_COUNT];
    struct session_welcome welcome;
    struct session_refuse refuse;
    struct session_progress progress[LANE_COUNT];
    struct session_ack acks[LANE_COUNT];
    struct session_flow flows[FEED_STREAMS];
};

/* `seed` spreads the sessions' retries; any number that differs from node to node. */
void hub_session_init(struct hub_session *session, uint32_t seed);
/* Gone, revoked or rolled back: what was due is forgotten; what is assembled stays. */
void hub_session_away(struct hub_session *session);
/* Every message of the node. */
void hub_session_heard(struct hub_session *session, uint64_t now_ms);
void hub_session_refuse(struct hub_session *session, enum err code);
void hub_session_refuse_lane(struct hub_session *session, enum err code, enum lane lane,
                             uint64_t seq);

/* ---- HELLO */

/* What the store says about a HELLO. */
struct hello_facts {
    uint64_t epoch, number; /* the journal's end */
    bool halted;            /* rolled back already: nothing merges */
    bool any_active;
    struct id active;
    struct hub_incarnation own;      /* of the HELLO's incarnation */
    enum incarnation_state previous; /* of the one that it names; UNKNOWN when it names none */
    bool known;                      /* one was active before, under the same enrolment */
    bool reenrolled;                 /* the active one belongs to an earlier enrolment */
    bool fresh;                      /* it came on a connection that was made after the active
                                        incarnation had said HELLO */
    bool head_fits[LANE_COUNT];      /* our head at `acked` is the node's; true beyond `received` */
    bool proven[FEED_STREAMS];       /* the journal has the cursor's hash at its number */
};

enum hello_verdict {
    HELLO_WELCOME,    /* as it stands */
    HELLO_OPEN,       /* open its incarnation, then welcome */
    HELLO_TWIN,       /* quarantine it and the active one, then welcome */
    HELLO_REOPEN,     /* older or forked store */
    HELLO_SUPERSEDED, /* an incarnation that was replaced, on a connection that may be as old as it:
                         told to reopen, the session stays as it is. A late or repeated HELLO of a
                         node's former life looks the same and must not count as a twin; a living
                         twin opens a successor of the superseded one next, which no honest store
                         does. */
    HELLO_ROLLED_BACK, /* the hub lost what this node has seen: stop merging for all */
};

/* Pure judgement; changes nothing. */
enum hello_verdict hub_session_judge(const struct hub_session *session, const struct hello *hello,
                                     const struct hello_facts *facts);

/* After the store did what the verdict asks. `own` is the incarnation as it stands now. */
void hub_session_hello(struct hub_session *session, const struct hello *hello,
                       enum hello_verdict verdict, const struct hello_facts *facts,
                       const struct hub_incarnation *own, uint64_t now_ms);

/* ---- PUSH */

enum push_verdict {
    PUSH_REFUSED, /* an answer is due */
    PUSH_WHOLE,   /* the data is a whole bundle */
    PUSH_START, /* begin an assembly of `total` bytes in place of the lane's other, then copy; when
                   memory is short call hub_session_push_busy instead */
    PUSH_COPY,  /* copy to `offset` */
    PUSH_ANSWERED, /* nothing to copy: progress is due */
};

/* Whether to take a slice. `assembled` after PUSH_START and PUSH_COPY says that the bundle is
 * whole. */
enum push_verdict hub_session_push(struct hub_session *session, const struct push *push,
                                   uint64_t now_ms, bool *ret_assembled);
void hub_session_push_busy(struct hub_session *session, enum lane lane);
/* The assembled bytes were taken, or are not what the tag said. */
void hub_session_assembly_drop(struct hub_session *session, enum lane lane);

/* What the driver found about a whole bundle, in the order of design §4.4; later facts count only
 * when the earlier ones hold. */
struct bundle_facts {
    enum lane lane;
    uint64_t first;
    unsigned count;
    size_t bytes;
    bool head_fits;   /* head tag = our head before `first` */
    bool head_former; /* the tag is a head of the previous incarnation: a late slice of it */
    bool verified;    /* the device's signature */
    bool same_leaves; /* of the seqs that are here already */
};

enum bundle_verdict {
    BUNDLE_REFUSED, /* an answer is due */
    BUNDLE_AGAIN,   /* all of it is here: it is acknowledged again */
    BUNDLE_MERGE,   /* merge from received + 1 on, then hub_session_merged for each */
    BUNDLE_LATE,    /* of a former life: nothing */
};

/* `first` is not beyond received + 1: ask hub_session_gap before. */
bool hub_session_gap(struct hub_session *session, enum lane lane, uint64_t first);
enum bundle_verdict hub_session_bundle(struct hub_session *session,
                                       const struct bundle_facts *facts, uint64_t now_ms);
/* Whether a whole bundle that did not come in slices (a carry file) may be looked at now; else the
 * refusal is due. */
bool hub_session_whole(struct hub_session *session, enum lane lane, uint64_t first);
/* Entries up to `received` of this incarnation came by another way: they count here too, and are
 * acknowledged to a node that is linked. */
void hub_session_received(struct hub_session *session, const struct id *incarnation, enum lane lane,
                          uint64_t received);
/* Entry `seq` = received + 1 stands in the open transaction. */
void hub_session_merged(struct hub_session *session, enum lane lane, uint64_t seq);

/* ---- feed */

void hub_session_confirm(struct hub_session *session, const struct confirm *confirm,
                         uint64_t journal_epoch, uint64_t journal_number, uint64_t now_ms);
/* The journal grew. `at_once`: somebody waits for it (policy), the feed is looked up without the
 * pause. */
void hub_session_moved(struct hub_session *session, bool at_once);
/* Answers to SESSION_BUILD_FEED: the driver holds a batch, or there was nothing up to `to`. */
void hub_session_fed(struct hub_session *session, enum feed_stream stream, uint64_t to,
                     uint64_t total, uint64_t now_ms);
/* `more`: the journal goes on behind `to`. */
void hub_session_fed_nothing(struct hub_session *session, enum feed_stream stream, uint64_t to,
                             bool more, uint64_t now_ms);
/* Whether a batch without items is due that leads to `to`: the node's cursor is moved when it lies
 * far behind, and once over what WELCOME named, so that the node knows that its load is over. */
bool hub_session_empty_due(const struct session_flow *flow, uint64_t to);
/* WELCOME left, and named `number` as the journal's end. */
void hub_session_welcomed(struct hub_session *session, uint64_t number);
/* Plain bytes of the next batch: what is half here when the link is cut is small on a thin one. */
size_t hub_session_batch_bytes(const struct session_flow *flow);
/* No batch could be built now (memory, store): later. */
void hub_session_feed_later(struct hub_session *session, enum feed_stream stream, uint64_t now_ms);

/* ---- what to send, after the commit */

enum session_action_kind {
    SESSION_SEND_REFUSE,
    SESSION_SEND_WELCOME,
    SESSION_SEND_PROGRESS,
    SESSION_SEND_ACK,   /* lane, first, last: as much as fits a frame */
    SESSION_BUILD_FEED, /* stream, from `first` (scanned); answer with hub_session_fed… */
    SESSION_SEND_FEED,  /* stream, offset, bytes */
};

struct session_action {
    enum session_action_kind kind;
    enum lane lane;
    uint64_t first, last;
    enum feed_stream stream;
    uint64_t offset;
    uint32_t bytes;
};

/* The next thing to do, or false. The driver carries it out and calls hub_session_sent with the
 * result (not for BUILD_FEED): OK; ERR_BUSY: again after SESSION_BUSY_MS; anything else: the peer
 * is gone. `last`: for an ACK, the last seq that fitted. */
bool hub_session_next(struct hub_session *session, uint64_t now_ms,
                      struct session_action *ret_action);
void hub_session_sent(struct hub_session *session, const struct session_action *action,
                      uint64_t last, enum err result, uint64_t now_ms);

/* Time passed: slices without an answer are due again, and a silent node counts as away. */
void hub_session_tick(struct hub_session *session, uint64_t now_ms);
/* When hub_session_tick or hub_session_next has something to do by time alone; UINT64_MAX: never.
 */
uint64_t hub_session_wake_ms(const struct hub_session *session);
