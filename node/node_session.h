/* What a node decides about its conversation with the hub: when to say HELLO, what to push, which
 * answers and feed slices to take. Pure: plain data, no heap, clock, socket, file or randomness;
 * time and a random number come with each event. The driver decodes and verifies, hands over
 * events, and then carries out what node_session_next gives, one action after the other, until it
 * gives nothing.
 *
 *   UNENROLLED ─ invite ─▶ ENROLLING ─ approved ─▶ OFFLINE ─ WELCOME ─▶ LINKED | WAITING |
 * REOPENING LINKED, WAITING ─ silence ─▶ OFFLINE;   REOPENING ─ a new incarnation ─▶ OFFLINE
 *
 * PROTOCOL.md §3, §6, §7. */
#pragma once

#include "node/node_push.h"

#define NODE_BACKOFF_MS_MIN 2000u
#define NODE_BACKOFF_MS_MAX 300000u
#define NODE_NO_LINK_MS_MIN 200u /* nothing connected: asking costs no traffic */
#define NODE_NO_LINK_MS_MAX 30000u
#define NODE_NO_LINK_TRIES 7u   /* then the next endpoint */
#define NODE_ANSWER_MS 20000u   /* a HELLO that left waits so long for its WELCOME at least */
#define NODE_HELLO_GAP_MS 2000u /* between two of them, whatever kicks */
#define NODE_RELINK_MS 500u     /* a connection that ends still swallows what is sent so long */
#define NODE_SILENCE_MS 240000u /* then HELLO again: the hub may have lost us */
#define NODE_WAITING_MS 60000u  /* a hub that does not merge is asked so often, up to twice that */
#define NODE_APPROVAL_MS 20000u /* the same for one whose officer has not approved yet */
#define NODE_OPERATORS_MS_MIN 60000u
#define NODE_OPERATORS_MS_MAX 600000u
#define NODE_ENDPOINT_TRIES 4u /* HELLOs without an answer before the next endpoint */
#define NODE_REST_MS 5000u     /* after a failure of our own store */

enum node_state {
    NODE_UNENROLLED,
    NODE_ENROLLING, /* ENROL is repeated under the one-time key */
    NODE_OFFLINE,   /* HELLO is repeated */
    NODE_LINKED,
    NODE_WAITING,   /* the hub merges nothing now */
    NODE_REOPENING, /* the store opens a new incarnation */
    NODE_STATES
};

const char *node_state_name(enum node_state state);

enum node_event_kind {
    NODE_TICK,
    NODE_KICK,        /* something was appended, unlocked or requested */
    NODE_LINK_LOST,   /* the connection is gone: whoever answers next may know nothing of us */
    NODE_IDENTITY,    /* keys or endpoints of the link are others than before */
    NODE_GOT_WELCOME, /* verified, for our incarnation and the last nonce; `fork`: a head is not
                         ours */
    NODE_GOT_PROGRESS,
    NODE_GOT_ACK,         /* verified */
    NODE_GOT_FEED,        /* `same`: what it repeats of the bytes held is the same */
    NODE_GOT_ENROL_STATE, /* verified */
    NODE_GOT_OPERATOR_STATE,
    NODE_GOT_REFUSE, /* code, has_lane, lane, seq */
    NODE_LOADED,     /* run */
    NODE_MISSING,
    NODE_ACK_STORED,
    NODE_FEED_STORED,
    NODE_FEED_BAD, /* the batch does not verify, or cannot be taken now */
    NODE_REOPENED,
    NODE_TOLD_REOPEN, /* by a file that the hub signed: as a WELCOME that says so */
    NODE_BUSY,        /* the last action that sends did not leave */
    NODE_FAILED,      /* the store failed in the last action */
};

struct node_event {
    enum node_event_kind kind;
    uint64_t now_ms;
    uint32_t random;
    const struct node_facts *facts; /* NULL: as before */
    const struct welcome *welcome;
    bool fork;
    const struct progress *progress;
    const struct node_ack *ack;
    const struct feed *feed;
    bool same;
    enum enrol_standing standing;
    enum err code;
    bool has_lane;
    enum lane lane;
    uint64_t seq;
    const struct node_run *run;
    bool carried; /* GOT_ACK: in a file, so that it says nothing about the link */
};

/* A batch that is put together; the driver holds its bytes. */
struct node_batch {
    bool active;
    uint64_t epoch, to, total, offset;
    bool confirm_due;
    uint64_t confirm_epoch;
};

struct node_session {
    enum node_state state;
    uint64_t now_ms;
    uint32_t random;
    struct node_facts facts;
    struct node_action last; /* what was given last */

    unsigned attempts;   /* HELLO or ENROL without an answer */
    unsigned busy_tries; /* such that did not even leave */
    uint64_t retry_ms;   /* the next one; in LINKED: when the present one has failed */
    uint64_t hello_ms;   /* when the last one left */
    bool hello_waits;    /* one is unanswered */
    bool hello_wanted;   /* while linked */
    uint64_t hello_after_ms;
    bool wants_said; /* wants_records as the last HELLO said */
    bool reconnect;
    unsigned missed,
        unsent;       /* attempts at the present endpoint: without an answer, without a link */
    unsigned reopens; /* since the last link */
    bool reopen_due;
    unsigned bad_feeds; /* since one was good */

    enum standing standing;
    uint64_t since_ms, heard_ms;
    uint64_t operators_ms;
    unsigned operator_tries;

    bool ack_due;
    struct node_ack ack;
    bool take_due;
    struct node_action take;
    bool drop_feed[FEED_STREAMS];
    bool reset[FEED_STREAMS];
    bool standing_due, approved;
    struct node_batch batches[FEED_STREAMS];
    struct node_push push;
    uint64_t ignored; /* late, doubled or foreign messages: harmless, counted */
};

/* The first event brings the facts. */
void node_session_open(struct node_session *session, uint64_t now_ms);
void node_session_step(struct node_session *session, const struct node_event *event);
/* The next thing to do now, or false. Results come back as events before the next call. */
bool node_session_next(struct node_session *session, struct node_action *ret_action);
/* When time alone gives it something to do; UINT64_MAX: never. */
uint64_t node_session_wake_ms(const struct node_session *session);
/* Spread between half and all of 2 s · 2^(attempt - 1), 2 s at least and 5 min at most. */
uint64_t node_backoff_ms(unsigned attempt, uint32_t random);
