/* A node's session with the facts of an imaginary store; time is a number. Include after cmocka.h.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "node/node_session.h"

#define LOG_MAX 4096

/* A session, the facts of an imaginary store, and what the session did with it. */
struct world {
    struct node_session session;
    struct node_facts facts;
    uint64_t now_ms;
    uint32_t random;
    bool busy;           /* nothing leaves */
    uint64_t item_bytes; /* of every queued entry */
    unsigned reopens;
    struct node_run runs[LANE_COUNT];
    unsigned count;
    struct node_action log[LOG_MAX];
};

static inline void drive(struct world *w);

static inline void give(struct world *w, struct node_event event)
{
    event.now_ms = w->now_ms;
    event.random = w->random;
    event.facts = &w->facts;
    node_session_step(&w->session, &event);
    drive(w);
}

static inline void load(struct world *w, const struct node_action *action)
{
    uint64_t highest = w->facts.lanes[action->lane].highest;
    struct node_run *run = &w->runs[action->lane];
    uint64_t count = action->max_bytes / w->item_bytes;
    if (count == 0)
        count = 1;
    if (count > action->max_items)
        count = action->max_items;
    if (count > highest - action->first + 1)
        count = highest - action->first + 1;
    *run = (struct node_run){ .lane = action->lane,
                              .first = action->first,
                              .last = action->first + count - 1,
                              .total = count * w->item_bytes };
    snprintf((char *)run->tag, sizeof run->tag, "%u%05u", (unsigned)action->lane,
             (unsigned)(action->first % 100000));
}

/* Carries out as the driver does; results go back before the next action. */
static inline void drive(struct world *w)
{
    struct node_action action;
    while (node_session_next(&w->session, &action)) {
        assert_true(w->count < LOG_MAX);
        struct node_event event = {
            .kind = NODE_TICK, .now_ms = w->now_ms, .random = w->random, .facts = &w->facts
        };
        bool sends = action.kind == NODE_SEND_HELLO || action.kind == NODE_SEND_ENROL ||
                     action.kind == NODE_SEND_SLICE || action.kind == NODE_SEND_CONFIRM;
        if (sends && w->busy) {
            event.kind = NODE_BUSY;
            node_session_step(&w->session, &event);
            continue;
        }
        w->log[w->count++] = action;
        if (action.kind == NODE_LOAD_RUN) {
            load(w, &action);
            event.kind = NODE_LOADED;
            event.run = &w->runs[action.lane];
        } else if (action.kind == NODE_STORE_ACK) {
            const struct node_ack *ack = &w->session.ack;
            if (ack->last > w->facts.lanes[ack->lane].acked)
                w->facts.lanes[ack->lane].acked = ack->last;
            event.kind = NODE_ACK_STORED;
        } else if (action.kind == NODE_TAKE_FEED && action.whole) {
            w->facts.cursors[action.stream].epoch = w->session.batches[action.stream].epoch;
            w->facts.cursors[action.stream].number = w->session.batches[action.stream].to;
            event.kind = NODE_FEED_STORED;
        } else if (action.kind == NODE_REOPEN) {
            w->reopens++;
            for (unsigned i = 0; i < LANE_COUNT; i++) {
                w->facts.lanes[i].highest -= w->facts.lanes[i].acked;
                w->facts.lanes[i].acked = 0;
            }
            event.kind = NODE_REOPENED;
        } else if (action.kind == NODE_RESET_CURSOR) {
            w->facts.cursors[action.stream].number = 0;
            w->facts.cursors[action.stream].epoch = 0;
        } else if (action.kind == NODE_STORE_STANDING) {
            w->facts.enrolling = false;
            w->facts.enrolled = action.approved;
        }
        node_session_step(&w->session, &event);
    }
}

static inline unsigned count_of(const struct world *w, enum node_action_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < w->count; i++)
        count += w->log[i].kind == kind;
    return count;
}

static inline const struct node_action *last_of(const struct world *w, enum node_action_kind kind)
{
    for (unsigned i = w->count; i-- > 0;) {
        if (w->log[i].kind == kind)
            return &w->log[i];
    }
    return NULL;
}

static inline void pass(struct world *w, uint64_t ms)
{
    w->now_ms += ms;
    give(w, (struct node_event){ .kind = NODE_TICK });
}

/* Goes from wake to wake, as a loop does. */
static inline void pass_waking(struct world *w, uint64_t ms)
{
    uint64_t end = w->now_ms + ms;
    unsigned turns = 0;
    for (;;) {
        uint64_t wake = node_session_wake_ms(&w->session);
        assert_true(turns++ < 10000);
        if (wake > end)
            break;
        assert_true(wake > w->now_ms); /* a wake in the past would spin */
        w->now_ms = wake;
        give(w, (struct node_event){ .kind = NODE_TICK });
    }
    w->now_ms = end;
}

static inline struct world *enrolled(void)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->now_ms = 1000;
    w->item_bytes = 400;
    w->facts.enrolled = true;
    node_session_open(&w->session, w->now_ms);
    give(w, (struct node_event){ .kind = NODE_KICK });
    return w;
}

static inline struct welcome welcome_now(const struct world *w)
{
    struct welcome welcome = { .standing = STANDING_ACTIVE, .proven = { true, true } };
    welcome.journal.epoch = 1;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        welcome.lanes[i].received = w->facts.lanes[i].acked;
    return welcome;
}

static inline void welcome_give(struct world *w, const struct welcome *welcome)
{
    give(w, (struct node_event){ .kind = NODE_GOT_WELCOME, .welcome = welcome });
}

static inline struct world *linked(void)
{
    struct world *w = enrolled();
    struct welcome welcome = welcome_now(w);
    welcome_give(w, &welcome);
    assert_int_equal(w->session.state, NODE_LINKED);
    w->count = 0;
    return w;
}

static inline void queue(struct world *w, enum lane lane, uint64_t count)
{
    w->facts.lanes[lane].highest += count;
    give(w, (struct node_event){ .kind = NODE_KICK });
}

static inline void ack(struct world *w, enum lane lane, uint64_t last)
{
    const struct node_ack ack = { .lane = lane,
                                  .first = w->facts.lanes[lane].acked + 1,
                                  .last = last,
                                  .epoch = 1,
                                  .number = last,
                                  .keep_from = 1 };
    give(w, (struct node_event){ .kind = NODE_GOT_ACK, .ack = &ack });
}

static inline void progress(struct world *w, enum lane lane, uint64_t first, uint64_t offset)
{
    const struct progress at = { .lane = lane, .first = first, .offset = offset };
    give(w, (struct node_event){ .kind = NODE_GOT_PROGRESS, .progress = &at });
}

static inline void refuse(struct world *w, enum err code, enum lane lane, uint64_t seq)
{
    give(
        w,
        (struct node_event){
            .kind = NODE_GOT_REFUSE, .code = code, .has_lane = seq > 0, .lane = lane, .seq = seq });
}

/* Answers every slice at once until nothing is under way. */
static inline void settle(struct world *w)
{
    for (unsigned turn = 0; turn < 2000; turn++) {
        bool any = false;
        for (unsigned i = 0; i < LANE_COUNT; i++) {
            const struct push_flight *flight = &w->session.push.lanes[i].flight;
            if (!flight->active)
                continue;
            any = true;
            if (flight->sent == flight->run.total)
                ack(w, (enum lane)i, flight->run.last);
            else
                progress(w, (enum lane)i, flight->run.first, flight->sent);
        }
        if (!any)
            return;
    }
    fail_msg("it does not settle");
}
