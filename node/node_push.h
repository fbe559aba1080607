/* What goes out: per lane the run of entries that is under way, its slices, timeouts and sizes.
 * Part of node_session: pure, plain data, no heap; times are monotonic milliseconds.
 *
 * One bundle a lane is under way, and the hub puts one together for each. Before every slice the
 * fastest lane that has something goes first, so an entry waits for the few slices that have left
 * already and not for an import's bundle. What has been passed NODE_PASSED_MAX times goes once: an
 * import comes to its end however much is typed. Sizes start small, grow while the hub answers
 * quickly, and shrink when it does not. */
#pragma once

#include "proto/message.h"

#define NODE_BUNDLE_BYTES_MIN (8u * 1024)
#define NODE_BUNDLE_BYTES_MAX (256u * 1024)
#define NODE_BUNDLE_ITEMS_MIN 16u
#define NODE_SLICE_BYTES_FIRST (8u * 1024)
#define NODE_WINDOW_SLICES_MIN 2u
#define NODE_WINDOW_SLICES_MAX 4u
#define NODE_WAIT_MS_FIRST 20000u /* for PROGRESS or ACK, until the link has been measured */
#define NODE_WAIT_MS_MIN 10000u
#define NODE_WAIT_MS_MAX 120000u
#define NODE_SLICE_QUICK_MS 3000u
#define NODE_SLICE_SLOW_MS 8000u
#define NODE_BUNDLE_QUICK_MS 8000u
#define NODE_BUNDLE_SLOW_MS 60000u
#define NODE_BUSY_MS_MIN 250u /* the link's own queue is full */
#define NODE_BUSY_MS_MAX 8000u
#define NODE_PASSED_MAX 8u   /* slices of faster lanes before one of a slower lane */
#define NODE_TIMEOUTS_MAX 2u /* without an answer in between: the link counts as lost */

static_assert(NODE_BUNDLE_BYTES_MAX <= BUNDLE_BYTES_MAX, "a bundle's aim lies below its limit");

/* What the session knows of the store. */
struct node_facts {
    bool enrolling, enrolled;
    struct {
        uint64_t acked, highest;
    } lanes[LANE_COUNT];
    struct {
        uint64_t epoch, number;
    } cursors[FEED_STREAMS];
    bool wants_records;         /* unlocked */
    bool stranded;              /* entries of an earlier incarnation are not at the hub any more */
    unsigned operators_waiting; /* whose keys are not in the trust part yet */
};

enum node_action_kind {
    NODE_RECONNECT, /* other keys or endpoints, or the next endpoint */
    NODE_SEND_ENROL,
    NODE_SEND_HELLO,
    NODE_SEND_OPERATORS,
    NODE_SEND_CONFIRM,   /* stream, epoch, number, offset */
    NODE_SEND_SLICE,     /* lane, offset, bytes */
    NODE_LOAD_RUN,       /* lane, first, max_items, max_bytes, all_keys: answer LOADED or MISSING */
    NODE_DROP_RUN,       /* lane */
    NODE_STORE_ACK,      /* the ACK at hand: answer ACK_STORED */
    NODE_TAKE_FEED,      /* the slice at hand: stream, start, offset, whole: answer FEED_STORED or
                            FEED_BAD */
    NODE_DROP_FEED,      /* stream */
    NODE_STORE_STANDING, /* approved */
    NODE_RESET_CURSOR,   /* stream */
    NODE_REOPEN,         /* a new incarnation: answer REOPENED */
};

struct node_action {
    enum node_action_kind kind;
    enum lane lane;
    enum feed_stream stream;
    uint64_t first;
    unsigned max_items;
    size_t max_bytes;
    bool all_keys;
    uint64_t epoch, number, offset, bytes, total;
    bool start, whole, approved;
};

/* A bundle as loaded; the driver holds its bytes. */
struct node_run {
    enum lane lane;
    uint64_t first, last;
    uint64_t total;
    uint8_t tag[BUNDLE_TAG_BYTES];
};

struct push_flight {
    bool active;
    struct node_run run;
    uint64_t confirmed; /* the hub has the bytes before */
    uint64_t sent;      /* >= confirmed */
    bool hub_has;       /* WELCOME said so: only the ACK is missing */
    bool repeated;      /* some bytes went twice: no measure of the link */
    bool hurried;       /* sent again from `confirmed` before the timeout, once */
    bool overtaken;     /* a faster lane sent meanwhile: how long it took says nothing */
    unsigned timeouts;  /* since the hub last answered */
    uint64_t started_ms, timer_ms;
    uint64_t probe_offset, probe_ms, probe_bytes;
};

struct push_lane {
    uint64_t done;     /* the hub has answered up to here, and still has it */
    uint64_t received; /* as WELCOME said */
    uint64_t grace_ms; /* until then the ACK of what was received may come by itself */
    uint64_t ack_epoch, ack_number, keep_from; /* of the last ACK that was stored */
    bool drop;                      /* the driver still holds bytes of a run that is over */
    unsigned passed;                /* slices of faster lanes since it could have sent one */
    struct welcome_partial partial; /* slices that the hub has of some bundle of this lane */
    struct push_flight flight;
};

struct node_push {
    struct push_lane lanes[LANE_COUNT];
    int loading;       /* lane whose run was asked for, -1 = none */
    bool hub_lost;     /* the hub has less than it acknowledged once: it may lack data keys too */
    uint64_t pause_ms; /* nothing goes out before */
    uint64_t busy_ms;  /* present wait for a full queue; 0 = it was not full */
    uint64_t mean_ms;  /* smoothed time to an answer; 0 = not measured */
    uint64_t wait_ms;
    size_t bundle_bytes, slice_bytes;
    unsigned bundle_items, window_slices;
};

void node_push_open(struct node_push *push);
/* The incarnation is over: nothing of it is under way any more. */
void node_push_reset(struct node_push *push);
/* What the hub has; both take up from there. */
void node_push_welcome(struct node_push *push, const struct node_facts *facts,
                       const struct welcome *welcome, uint64_t now_ms);
void node_push_loaded(struct node_push *push, const struct node_run *run, uint64_t now_ms);
/* Nothing there at `first`, or the store failed: that lane rests a while. */
void node_push_missing(struct node_push *push, uint64_t now_ms);
void node_push_progress(struct node_push *push, const struct progress *progress, uint64_t now_ms);

/* A verified ACK: `first` is the seq of its first item, last + 1 when it has none. */
struct node_ack {
    enum lane lane;
    uint64_t first, last;
    uint64_t epoch, number, keep_from;
};
/* Whether it says something new and leaves no answer out. */
NODISCARD bool node_push_news(const struct node_push *push, const struct node_facts *facts,
                              const struct node_ack *ack);
void node_push_acked(struct node_push *push, const struct node_ack *ack, uint64_t now_ms);
/* The hub wants `seq` next. */
void node_push_gap(struct node_push *push, const struct node_facts *facts, enum lane lane,
                   uint64_t seq, uint64_t now_ms);
/* The bundle under way was refused as it is: it is made anew. */
void node_push_remake(struct node_push *push, enum lane lane);
void node_push_pause(struct node_push *push, uint64_t until_ms);
/* A slice did not leave. */
void node_push_busy(struct node_push *push, const struct node_action *action, uint64_t now_ms);
/* The link is gone: timers rest, what is under way is kept. */
void node_push_unlinked(struct node_push *push);

enum push_state {
    NODE_PUSH_FINE,
    NODE_PUSH_ASK /* say HELLO to learn what arrived */,
    NODE_PUSH_LOST
};
enum push_state node_push_tick(struct node_push *push, uint64_t now_ms);
bool node_push_next(struct node_push *push, const struct node_facts *facts, uint64_t now_ms,
                    struct node_action *ret_action);
/* Entries sent and not acknowledged. */
uint64_t node_push_in_flight(const struct node_push *push);
uint64_t node_push_wake_ms(const struct node_push *push, uint64_t now_ms);
