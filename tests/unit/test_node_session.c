/* The node's session alone: events in, actions out, time as a number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

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

static void drive(struct world *w);

static void give(struct world *w, struct node_event event)
{
    event.now_ms = w->now_ms;
    event.random = w->random;
    event.facts = &w->facts;
    node_session_step(&w->session, &event);
    drive(w);
}

static void load(struct world *w, const struct node_action *action)
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
static void drive(struct world *w)
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

static unsigned count_of(const struct world *w, enum node_action_kind kind)
{
    unsigned count = 0;
    for (unsigned i = 0; i < w->count; i++)
        count += w->log[i].kind == kind;
    return count;
}

static const struct node_action *last_of(const struct world *w, enum node_action_kind kind)
{
    for (unsigned i = w->count; i-- > 0;) {
        if (w->log[i].kind == kind)
            return &w->log[i];
    }
    return NULL;
}

static void pass(struct world *w, uint64_t ms)
{
    w->now_ms += ms;
    give(w, (struct node_event){ .kind = NODE_TICK });
}

/* Goes from wake to wake, as a loop does. */
static void pass_waking(struct world *w, uint64_t ms)
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

static struct world *enrolled(void)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->now_ms = 1000;
    w->item_bytes = 400;
    w->facts.enrolled = true;
    node_session_open(&w->session, w->now_ms);
    give(w, (struct node_event){ .kind = NODE_KICK });
    return w;
}

static struct welcome welcome_now(const struct world *w)
{
    struct welcome welcome = { .standing = STANDING_ACTIVE, .proven = { true, true } };
    welcome.journal.epoch = 1;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        welcome.lanes[i].received = w->facts.lanes[i].acked;
    return welcome;
}

static void welcome_give(struct world *w, const struct welcome *welcome)
{
    give(w, (struct node_event){ .kind = NODE_GOT_WELCOME, .welcome = welcome });
}

static struct world *linked(void)
{
    struct world *w = enrolled();
    struct welcome welcome = welcome_now(w);
    welcome_give(w, &welcome);
    assert_int_equal(w->session.state, NODE_LINKED);
    w->count = 0;
    return w;
}

static void queue(struct world *w, enum lane lane, uint64_t count)
{
    w->facts.lanes[lane].highest += count;
    give(w, (struct node_event){ .kind = NODE_KICK });
}

static void ack(struct world *w, enum lane lane, uint64_t last)
{
    const struct node_ack ack = { .lane = lane,
                                  .first = w->facts.lanes[lane].acked + 1,
                                  .last = last,
                                  .epoch = 1,
                                  .number = last,
                                  .keep_from = 1 };
    give(w, (struct node_event){ .kind = NODE_GOT_ACK, .ack = &ack });
}

static void progress(struct world *w, enum lane lane, uint64_t first, uint64_t offset)
{
    const struct progress at = { .lane = lane, .first = first, .offset = offset };
    give(w, (struct node_event){ .kind = NODE_GOT_PROGRESS, .progress = &at });
}

static void refuse(struct world *w, enum err code, enum lane lane, uint64_t seq)
{
    give(
        w,
        (struct node_event){
            .kind = NODE_GOT_REFUSE, .code = code, .has_lane = seq > 0, .lane = lane, .seq = seq });
}

/* Answers every slice at once until nothing is under way. */
static void settle(struct world *w)
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

/* ---- HELLO */

static void hello_is_repeated_until_welcome_with_growing_pauses(void **state)
{
    (void)state;
    struct world *w = enrolled();
    uint64_t before = 0;
    assert_int_equal(count_of(w, NODE_RECONNECT), 1);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    for (unsigned i = 0; i < 12; i++) {
        uint64_t wait = node_session_wake_ms(&w->session) - w->now_ms;
        assert_true(wait >= NODE_ANSWER_MS && wait <= NODE_BACKOFF_MS_MAX);
        assert_true(i > 9 || wait >= before);
        before = wait;
        pass(w, wait - 1);
        assert_int_equal(count_of(w, NODE_SEND_HELLO), 1 + i);
        pass(w, 1);
        assert_int_equal(count_of(w, NODE_SEND_HELLO), 2 + i);
    }
    struct welcome welcome = welcome_now(w);
    welcome_give(w, &welcome);
    unsigned said = count_of(w, NODE_SEND_HELLO);
    pass(w, NODE_SILENCE_MS - 1);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), said);
    test_free(w);
}

static void backoff_stays_between_two_seconds_and_five_minutes(void **state)
{
    (void)state;
    const uint32_t randoms[] = { 0, 1, 0x7fffffff, 0xffffffff, 123456789 };
    for (unsigned attempt = 0; attempt < 200; attempt++) {
        for (size_t i = 0; i < COUNT_OF(randoms); i++) {
            uint64_t ms = node_backoff_ms(attempt, randoms[i]);
            assert_in_range(ms, NODE_BACKOFF_MS_MIN, NODE_BACKOFF_MS_MAX);
        }
    }
    assert_int_equal(node_backoff_ms(1, 0xffffffff), NODE_BACKOFF_MS_MIN);
    assert_int_equal(node_backoff_ms(4, 0), 8000);
    assert_int_equal(node_backoff_ms(4, 8000), 16000);
    assert_int_equal(node_backoff_ms(100, 0), NODE_BACKOFF_MS_MAX / 2);
}

static void kick_brings_the_next_hello_forward_but_never_floods(void **state)
{
    (void)state;
    struct world *w = enrolled();
    pass_waking(w, 1000000);
    w->count = 0;
    uint64_t far = node_session_wake_ms(&w->session);
    w->now_ms = w->session.hello_ms + NODE_ANSWER_MS + 1;
    assert_true(far > w->now_ms);
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    for (unsigned i = 0; i < 50; i++) {
        w->now_ms += 10;
        give(w, (struct node_event){ .kind = NODE_KICK });
    }
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    test_free(w);
}

static void endpoints_change_after_some_hellos_without_an_answer(void **state)
{
    (void)state;
    struct world *w = enrolled();
    assert_int_equal(count_of(w, NODE_RECONNECT), 1);
    while (count_of(w, NODE_SEND_HELLO) < NODE_ENDPOINT_TRIES)
        pass(w, node_session_wake_ms(&w->session) - w->now_ms);
    assert_int_equal(count_of(w, NODE_RECONNECT), 1);
    pass(w, node_session_wake_ms(&w->session) - w->now_ms);
    assert_int_equal(count_of(w, NODE_RECONNECT), 2);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), NODE_ENDPOINT_TRIES + 1);
    test_free(w);
}

static void without_a_link_it_asks_often_and_still_changes_endpoints(void **state)
{
    (void)state;
    struct world *w = test_calloc(1, sizeof *w);
    w->now_ms = 5;
    w->busy = true;
    w->facts.enrolled = true;
    node_session_open(&w->session, w->now_ms);
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_in_range(node_session_wake_ms(&w->session) - w->now_ms, 1, NODE_NO_LINK_MS_MIN);
    pass_waking(w, 60000);
    assert_true(count_of(w, NODE_RECONNECT) >= 2);
    assert_in_range(node_session_wake_ms(&w->session) - w->now_ms, 0, NODE_NO_LINK_MS_MAX);
    w->busy = false;
    pass_waking(w, NODE_NO_LINK_MS_MAX);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    test_free(w);
}

static void welcome_that_was_not_asked_for_is_ignored(void **state)
{
    (void)state;
    struct world *w = linked();
    struct welcome welcome = welcome_now(w);
    welcome.standing = STANDING_REOPEN;
    welcome_give(w, &welcome);
    assert_int_equal(w->session.state, NODE_LINKED);
    assert_int_equal(w->session.ignored, 1);
    assert_int_equal(w->reopens, 0);
    test_free(w);
}

static void silence_is_ended_by_hello_and_then_counts_as_lost(void **state)
{
    (void)state;
    struct world *w = linked();
    pass_waking(w, NODE_SILENCE_MS);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    assert_int_equal(w->session.state, NODE_LINKED);
    pass(w, NODE_ANSWER_MS);
    assert_int_equal(w->session.state, NODE_OFFLINE);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 2);
    test_free(w);
}

static void a_linked_session_never_wakes_in_the_past(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 1000);
    pass_waking(w, 3600000); /* asserts inside; the hub never answers */
    assert_int_equal(w->session.state, NODE_OFFLINE);
    test_free(w);
}

static void unlocking_says_hello_again(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.wants_records = true;
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    struct welcome welcome = welcome_now(w);
    welcome_give(w, &welcome);
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    w->facts.wants_records = false;
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 2);
    test_free(w);
}

/* ---- standing */

static void waiting_hub_is_asked_slowly_and_gets_no_pushes(void **state)
{
    (void)state;
    struct world *w = enrolled();
    struct welcome welcome = welcome_now(w);
    welcome.standing = STANDING_WAITING;
    welcome.proven[0] = false;
    w->facts.cursors[0].number = 7;
    welcome_give(w, &welcome);
    assert_int_equal(w->session.state, NODE_WAITING);
    queue(w, LANE_NORMAL, 3);
    w->count = 0;
    pass(w, NODE_WAITING_MS - 1);
    assert_int_equal(w->count, 0);
    pass(w, NODE_WAITING_MS + 1);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 0);
    assert_int_equal(count_of(w, NODE_RESET_CURSOR),
                     0); /* the cursor is the proof of what was there */
    welcome.standing = STANDING_ACTIVE;
    welcome.proven[0] = true;
    welcome_give(w, &welcome);
    assert_int_equal(w->session.state, NODE_LINKED);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 1);
    test_free(w);
}

static void fork_leads_to_a_new_incarnation_and_hello(void **state)
{
    (void)state;
    struct world *w = enrolled();
    struct welcome welcome = welcome_now(w);
    welcome.standing = STANDING_REOPEN;
    w->count = 0;
    welcome_give(w, &welcome);
    assert_int_equal(w->reopens, 1);
    assert_int_equal(w->session.state, NODE_OFFLINE);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    test_free(w);
}

static void heads_that_are_not_ours_and_a_hub_that_is_ahead_reopen(void **state)
{
    (void)state;
    struct world *w = enrolled();
    struct welcome welcome = welcome_now(w);
    give(w, (struct node_event){ .kind = NODE_GOT_WELCOME, .welcome = &welcome, .fork = true });
    assert_int_equal(w->reopens, 1);
    welcome.lanes[LANE_BULK].received = 1; /* we have queued nothing */
    welcome_give(w, &welcome);
    assert_int_equal(w->reopens, 2);
    test_free(w);
}

static void reopening_again_and_again_slows_down(void **state)
{
    (void)state;
    struct world *w = enrolled();
    struct welcome welcome = welcome_now(w);
    welcome.standing = STANDING_REOPEN;
    unsigned asked = 0;
    uint64_t end = w->now_ms + 3600000;
    while (w->now_ms < end) {
        if (w->session.hello_waits) {
            asked++;
            welcome_give(w, &welcome);
        }
        pass(w, node_session_wake_ms(&w->session) - w->now_ms);
    }
    assert_in_range(asked, 5, 40);
    test_free(w);
}

static void failed_reopening_is_tried_again(void **state)
{
    (void)state;
    struct world *w = enrolled();
    struct welcome welcome = welcome_now(w);
    welcome.standing = STANDING_REOPEN;
    struct node_event event = { .kind = NODE_GOT_WELCOME,
                                .now_ms = w->now_ms,
                                .welcome = &welcome };
    struct node_action action;
    node_session_step(&w->session, &event);
    assert_true(node_session_next(&w->session, &action));
    assert_int_equal(action.kind, NODE_REOPEN);
    event = (struct node_event){ .kind = NODE_FAILED, .now_ms = w->now_ms };
    node_session_step(&w->session, &event);
    assert_false(node_session_next(&w->session, &action));
    assert_int_equal(node_session_wake_ms(&w->session), w->now_ms + NODE_REST_MS);
    pass(w, NODE_REST_MS);
    assert_int_equal(w->reopens, 1);
    test_free(w);
}

static void unproven_cursor_starts_again_and_the_hub_is_told(void **state)
{
    (void)state;
    struct world *w = enrolled();
    w->facts.cursors[FEED_RECORDS].number = 70;
    w->facts.cursors[FEED_RECORDS].epoch = 1;
    w->facts.wants_records = true;
    give(w, (struct node_event){ .kind = NODE_KICK });
    struct welcome welcome = welcome_now(w);
    welcome.proven[FEED_RECORDS] = false;
    w->count = 0;
    welcome_give(w, &welcome);
    assert_int_equal(count_of(w, NODE_RESET_CURSOR), 1);
    assert_int_equal(last_of(w, NODE_RESET_CURSOR)->stream, FEED_RECORDS);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    assert_true(last_of(w, NODE_SEND_HELLO) > last_of(w, NODE_RESET_CURSOR));
    test_free(w);
}

/* ---- pushing */

static void entries_go_out_in_order_and_in_slices(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 5000;
    queue(w, LANE_NORMAL, 40);
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_NORMAL].acked, 40);
    uint64_t next = 1, offset = 0, total = 0;
    for (unsigned i = 0; i < w->count; i++) {
        const struct node_action *action = &w->log[i];
        if (action->kind == NODE_LOAD_RUN) {
            assert_int_equal(offset, total);
            assert_int_equal(action->first, next);
            assert_false(action->all_keys);
            uint64_t count = action->max_bytes / w->item_bytes;
            count = count < action->max_items ? count : action->max_items;
            count = count < 40 - next + 1 ? count : 40 - next + 1;
            next += count;
            total = count * w->item_bytes;
            offset = 0;
        } else if (action->kind == NODE_SEND_SLICE) {
            assert_int_equal(action->offset, offset);
            offset += action->bytes;
            assert_true(action->bytes >= FRAME_DATA_BYTES_MIN || offset == total);
            assert_true(action->bytes <= FRAME_DATA_BYTES_MAX);
        }
    }
    test_free(w);
}

static void lost_ack_sends_the_same_bytes_again(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 2);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 1);
    pass(w, NODE_WAIT_MS_FIRST);
    assert_int_equal(count_of(w, NODE_LOAD_RUN), 1); /* not made anew: the same bundle */
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 2);
    assert_int_equal(last_of(w, NODE_SEND_SLICE)->offset, 0);
    ack(w, LANE_NORMAL, 2);
    assert_int_equal(count_of(w, NODE_DROP_RUN), 1);
    assert_int_equal(node_push_in_flight(&w->session.push), 0);
    test_free(w);
}

static void window_limits_what_is_under_way(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 200000; /* one entry, many slices */
    queue(w, LANE_NORMAL, 1);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), NODE_WINDOW_SLICES_MIN);
    progress(w, LANE_NORMAL, 1, NODE_SLICE_BYTES_FIRST);
    assert_true(w->session.push.lanes[LANE_NORMAL].flight.sent >
                NODE_WINDOW_SLICES_MIN * NODE_SLICE_BYTES_FIRST);
    assert_true(w->session.push.lanes[LANE_NORMAL].flight.sent < 200000);
    test_free(w);
}

static void timeout_goes_on_from_the_last_progress(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 100000;
    queue(w, LANE_NORMAL, 1);
    w->now_ms += 5000; /* neither quick nor slow */
    progress(w, LANE_NORMAL, 1, NODE_SLICE_BYTES_FIRST);
    w->count = 0;
    pass(w, w->session.push.lanes[LANE_NORMAL].flight.timer_ms - w->now_ms);
    assert_int_equal(w->log[0].kind, NODE_SEND_SLICE);
    assert_int_equal(w->log[0].offset, NODE_SLICE_BYTES_FIRST);
    assert_int_equal(w->log[0].bytes, FRAME_DATA_BYTES_MIN); /* smaller than before */
    test_free(w);
}

static void sizes_grow_on_a_quick_link_and_shrink_on_timeouts(void **state)
{
    (void)state;
    struct world *w = linked();
    assert_int_equal(w->session.push.bundle_bytes, NODE_BUNDLE_BYTES_MIN);
    queue(w, LANE_NORMAL, 5000);
    settle(w);
    assert_int_equal(w->session.push.slice_bytes, FRAME_DATA_BYTES_MAX);
    assert_int_equal(w->session.push.bundle_bytes, NODE_BUNDLE_BYTES_MAX);
    assert_int_equal(w->session.push.bundle_items, BUNDLE_ITEMS_MAX);
    queue(w, LANE_NORMAL, 1);
    pass(w, 2 * NODE_WAIT_MS_FIRST);
    assert_true(w->session.push.slice_bytes < FRAME_DATA_BYTES_MAX);
    assert_true(w->session.push.bundle_bytes < NODE_BUNDLE_BYTES_MAX);
    test_free(w);
}

static void small_bundles_prove_nothing_about_large_ones(void **state)
{
    (void)state;
    struct world *w = linked();
    for (unsigned i = 0; i < 30; i++) {
        queue(w, LANE_NORMAL, 1);
        settle(w);
    }
    assert_int_equal(w->session.push.bundle_bytes, NODE_BUNDLE_BYTES_MIN);
    assert_int_equal(w->session.push.slice_bytes, NODE_SLICE_BYTES_FIRST);
    test_free(w);
}

static void slow_link_keeps_small_sizes(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 4000;
    queue(w, LANE_NORMAL, 60);
    for (unsigned i = 0; i < 60 && w->facts.lanes[LANE_NORMAL].acked < 60; i++) {
        const struct push_flight *flight = &w->session.push.lanes[LANE_NORMAL].flight;
        assert_true(flight->active);
        w->now_ms += 9000;
        if (flight->sent == flight->run.total)
            ack(w, LANE_NORMAL, flight->run.last);
        else
            progress(w, LANE_NORMAL, flight->run.first, flight->sent);
        assert_true(w->session.push.slice_bytes <= NODE_SLICE_BYTES_FIRST);
        assert_true(w->session.push.bundle_bytes <= 2 * NODE_BUNDLE_BYTES_MIN);
    }
    assert_int_equal(w->facts.lanes[LANE_NORMAL].acked, 60);
    assert_int_equal(w->session.state, NODE_LINKED);
    test_free(w);
}

static void higher_lane_overtakes_between_bundles(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 4000;
    queue(w, LANE_BULK, 50);
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->lane, LANE_BULK);
    w->count = 0;
    w->facts.lanes[LANE_NORMAL].highest = 1;
    queue(w, LANE_URGENT, 1);
    const struct push_flight *bulk = &w->session.push.lanes[LANE_BULK].flight;
    if (bulk->sent < bulk->run.total) /* its slices are not cut through */
        progress(w, LANE_BULK, bulk->run.first, bulk->sent);
    assert_true(count_of(w, NODE_LOAD_RUN) >= 2);
    unsigned seen = 0;
    for (unsigned i = 0; i < w->count; i++) {
        if (w->log[i].kind == NODE_LOAD_RUN)
            assert_int_equal(w->log[i].lane, seen++ == 0 ? LANE_URGENT : LANE_NORMAL);
        if (w->log[i].kind == NODE_LOAD_RUN && seen == 2)
            break;
    }
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_URGENT].acked, 1);
    assert_int_equal(w->facts.lanes[LANE_BULK].acked, 50);
    test_free(w);
}

static void slices_of_two_lanes_never_mix(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 60000;
    queue(w, LANE_BULK, 1);
    queue(w, LANE_URGENT, 1);
    assert_int_equal(last_of(w, NODE_SEND_SLICE)->lane, LANE_BULK);
    for (;;) {
        const struct push_flight *flight = &w->session.push.lanes[LANE_BULK].flight;
        if (flight->sent == flight->run.total)
            break;
        assert_int_equal(last_of(w, NODE_SEND_SLICE)->lane, LANE_BULK);
        progress(w, LANE_BULK, 1, flight->sent);
    }
    settle(w);
    test_free(w);
}

static void reconnecting_takes_up_the_slices_that_are_there(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 100000;
    queue(w, LANE_NORMAL, 1);
    progress(w, LANE_NORMAL, 1, NODE_SLICE_BYTES_FIRST);
    pass(w, 1000000); /* gone */
    pass_waking(w, 1000000);
    assert_int_equal(w->session.state, NODE_OFFLINE);
    w->count = 0;
    struct welcome welcome = welcome_now(w);
    welcome.has_partial = true;
    welcome.partial_lane = LANE_NORMAL;
    welcome.partial_first = 1;
    welcome.partial_offset = 2 * NODE_SLICE_BYTES_FIRST;
    memcpy(welcome.partial_tag, w->runs[LANE_NORMAL].tag, BUNDLE_TAG_BYTES);
    welcome_give(w, &welcome);
    assert_int_equal(count_of(w, NODE_LOAD_RUN), 0);
    assert_int_equal(w->log[0].kind, NODE_SEND_SLICE);
    assert_int_equal(w->log[0].offset, 2 * NODE_SLICE_BYTES_FIRST);
    test_free(w);
}

static void slices_of_another_bundle_are_not_taken_up(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 100000;
    queue(w, LANE_NORMAL, 1);
    pass_waking(w, 1000000);
    w->count = 0;
    struct welcome welcome = welcome_now(w);
    welcome.has_partial = true;
    welcome.partial_lane = LANE_NORMAL;
    welcome.partial_first = 1;
    welcome.partial_offset = NODE_SLICE_BYTES_FIRST;
    welcome_give(w, &welcome);
    assert_int_equal(w->log[0].kind, NODE_SEND_SLICE);
    assert_int_equal(w->log[0].offset, 0);
    test_free(w);
}

static void after_a_restart_the_same_bundle_goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct world *w = enrolled();
    w->item_bytes = 100000;
    w->facts.lanes[LANE_NORMAL].highest = 1;
    struct welcome welcome = welcome_now(w);
    welcome.has_partial = true;
    welcome.partial_lane = LANE_NORMAL;
    welcome.partial_first = 1;
    welcome.partial_offset = 50000;
    snprintf((char *)welcome.partial_tag, BUNDLE_TAG_BYTES, "%u%05u", LANE_NORMAL, 1);
    give(w, (struct node_event){ .kind = NODE_KICK });
    welcome_give(w, &welcome);
    assert_int_equal(count_of(w, NODE_LOAD_RUN), 1);
    for (unsigned i = 0; i < w->count; i++) {
        if (w->log[i].kind == NODE_SEND_SLICE) {
            assert_int_equal(w->log[i].offset, 50000);
            break;
        }
    }
    test_free(w);
}

static void what_was_received_is_answered_before_it_is_sent_again(void **state)
{
    (void)state;
    struct world *w = enrolled();
    w->facts.lanes[LANE_NORMAL].highest = 10;
    give(w, (struct node_event){ .kind = NODE_KICK });
    struct welcome welcome = welcome_now(w);
    welcome.lanes[LANE_NORMAL].received = 7;
    w->count = 0;
    welcome_give(w, &welcome);
    assert_int_equal(count_of(w, NODE_LOAD_RUN), 0);
    ack(w, LANE_NORMAL, 7);
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->first, 8);
    test_free(w);
}

static void without_that_answer_it_is_sent_again(void **state)
{
    (void)state;
    struct world *w = enrolled();
    w->facts.lanes[LANE_NORMAL].highest = 10;
    give(w, (struct node_event){ .kind = NODE_KICK });
    struct welcome welcome = welcome_now(w);
    welcome.lanes[LANE_NORMAL].received = 7;
    welcome_give(w, &welcome);
    pass_waking(w, NODE_WAIT_MS_FIRST);
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->first, 1);
    test_free(w);
}

static void gap_is_filled_from_the_first_missing(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.lanes[LANE_NORMAL].acked = 20;
    w->session.push.lanes[LANE_NORMAL].done = 20;
    queue(w, LANE_NORMAL, 25);
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->first, 21);
    refuse(w, ERR_GAP, LANE_NORMAL, 5);
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->first, 5);
    assert_true(last_of(w, NODE_LOAD_RUN)->all_keys);
    refuse(w, ERR_GAP, LANE_NORMAL, 1000); /* beyond what we have: a bad answer, no harm */
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->first, 5);
    test_free(w);
}

static void hub_that_lost_data_gets_it_again_from_what_is_kept(void **state)
{
    (void)state;
    struct world *w = enrolled();
    w->facts.lanes[LANE_NORMAL].highest = 30;
    w->facts.lanes[LANE_NORMAL].acked = 30;
    give(w, (struct node_event){ .kind = NODE_KICK });
    struct welcome welcome = welcome_now(w);
    welcome.journal.epoch = 2;
    welcome.lanes[LANE_NORMAL].received = 12;
    welcome_give(w, &welcome);
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->first, 13);
    assert_true(last_of(w, NODE_LOAD_RUN)->all_keys);
    unsigned stored = count_of(w, NODE_STORE_ACK);
    const struct node_ack again = {
        .lane = LANE_NORMAL, .first = 13, .last = 28, .epoch = 2, .number = 15
    };
    give(w, (struct node_event){ .kind = NODE_GOT_ACK, .ack = &again });
    assert_int_equal(count_of(w, NODE_STORE_ACK), stored + 1); /* what came out may differ */
    assert_int_equal(last_of(w, NODE_LOAD_RUN)->first, 29);
    test_free(w);
}

static void fork_refusal_says_hello(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 1);
    refuse(w, ERR_FORK, LANE_NORMAL, 1);
    assert_int_equal(w->session.state, NODE_OFFLINE);
    pass(w, NODE_BACKOFF_MS_MIN);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    test_free(w);
}

static void back_pressure_pauses_and_goes_on(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 1);
    refuse(w, ERR_BUSY, LANE_NORMAL, 0);
    w->count = 0;
    queue(w, LANE_URGENT, 1);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 0);
    assert_int_equal(w->session.state, NODE_LINKED);
    pass_waking(w, NODE_BACKOFF_MS_MIN * 2);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 1);
    pass_waking(w, 2 * NODE_WAIT_MS_FIRST);
    assert_true(count_of(w, NODE_SEND_SLICE) >= 2);
    test_free(w);
}

static void refused_bundle_is_made_anew_slowly(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 1);
    unsigned sent = 0;
    for (unsigned i = 0; i < 200; i++) {
        if (w->session.push.lanes[LANE_NORMAL].flight.active) {
            sent++;
            refuse(w, ERR_SIGNATURE, LANE_NORMAL, 1);
        }
        pass(w, 5000);
    }
    assert_in_range(sent, 3, 20); /* in 1,000 s */
    assert_true(count_of(w, NODE_LOAD_RUN) >= sent);
    test_free(w);
}

static void denied_node_asks_rarely(void **state)
{
    (void)state;
    struct world *w = enrolled();
    w->random = 0;
    refuse(w, ERR_DENIED, LANE_URGENT, 0);
    assert_true(node_session_wake_ms(&w->session) - w->now_ms >= NODE_BACKOFF_MS_MAX / 3);
    test_free(w);
}

static void full_queue_of_the_link_holds_back_without_loss(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 50000;
    w->busy = true;
    queue(w, LANE_NORMAL, 1);
    pass_waking(w, 3000);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 0);
    w->busy = false;
    pass_waking(w, NODE_BUSY_MS_MAX);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), NODE_WINDOW_SLICES_MIN);
    for (unsigned i = 0; i < w->count; i++) {
        if (w->log[i].kind == NODE_SEND_SLICE) {
            assert_int_equal(w->log[i].offset, 0);
            break;
        }
    }
    settle(w);
    test_free(w);
}

static void a_bundle_that_is_held_back_is_not_cut_through(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 20000;
    queue(w, LANE_BULK, 1); /* two slices leave, the last one will not */
    w->busy = true;
    progress(w, LANE_BULK, 1, NODE_SLICE_BYTES_FIRST);
    w->busy = false;
    w->count = 0;
    queue(w, LANE_URGENT, 1);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 0);
    pass(w, NODE_BUSY_MS_MIN);
    const struct node_action *first = NULL;
    for (unsigned i = w->count; i-- > 0;) {
        if (w->log[i].kind == NODE_SEND_SLICE)
            first = &w->log[i];
    }
    assert_non_null(first);
    assert_int_equal(first->lane, LANE_BULK);
    assert_int_equal(first->offset, 2 * NODE_SLICE_BYTES_FIRST);
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_URGENT].acked, 1);
    test_free(w);
}

static void late_refusals_do_not_hinder_the_next_welcome(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 50000;
    queue(w, LANE_NORMAL, 1);
    refuse(w, ERR_STATE, LANE_NORMAL, 0); /* the hub came back and knows us no more */
    pass(w, NODE_BACKOFF_MS_MIN);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    uint64_t retry_ms = w->session.retry_ms;
    refuse(w, ERR_STATE, LANE_NORMAL, 0); /* for the second slice */
    refuse(w, ERR_GAP, LANE_NORMAL, 1);
    assert_int_equal(w->session.retry_ms, retry_ms);
    struct welcome welcome = welcome_now(w);
    welcome_give(w, &welcome);
    assert_int_equal(w->session.state, NODE_LINKED);
    settle(w);
    test_free(w);
}

static void lost_slices_make_it_ask_before_sending_all_again(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 20000;
    queue(w, LANE_NORMAL, 1);
    progress(w, LANE_NORMAL, 1, 16000);
    assert_int_equal(w->session.push.lanes[LANE_NORMAL].flight.sent, 20000);
    w->count = 0;
    pass(w, w->session.push.lanes[LANE_NORMAL].flight.timer_ms - w->now_ms);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 0);
    struct welcome welcome = welcome_now(w); /* nothing is there: all of it again, the same bytes */
    welcome_give(w, &welcome);
    assert_int_equal(count_of(w, NODE_LOAD_RUN), 0);
    assert_int_equal(last_of(w, NODE_SEND_HELLO) < last_of(w, NODE_SEND_SLICE), 1);
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_NORMAL].acked, 1);
    test_free(w);
}

static void hub_that_put_the_slices_away_gets_them_from_the_start(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 60000;
    queue(w, LANE_NORMAL, 1);
    progress(w, LANE_NORMAL, 1, 8192);
    w->count = 0;
    progress(w, LANE_NORMAL, 1, 0);
    assert_int_equal(w->log[0].kind, NODE_SEND_SLICE);
    assert_int_equal(w->log[0].offset, 0);
    settle(w);
    test_free(w);
}

/* ---- ACK */

static void duplicate_ack_is_harmless(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 2);
    const struct node_ack same = {
        .lane = LANE_NORMAL, .first = 1, .last = 2, .epoch = 1, .number = 9, .keep_from = 1
    };
    for (unsigned i = 0; i < 5; i++)
        give(w, (struct node_event){ .kind = NODE_GOT_ACK, .ack = &same });
    assert_int_equal(count_of(w, NODE_STORE_ACK), 1);
    assert_int_equal(w->session.ignored, 4);
    assert_int_equal(w->facts.lanes[LANE_NORMAL].acked, 2);
    test_free(w);
}

static void ack_beyond_what_was_queued_is_ignored(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 2);
    ack(w, LANE_NORMAL, 3);
    assert_int_equal(count_of(w, NODE_STORE_ACK), 0);
    assert_int_equal(w->facts.lanes[LANE_NORMAL].acked, 0);
    test_free(w);
}

static void ack_that_leaves_answers_out_is_not_taken(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 5);
    const struct node_ack late = { .lane = LANE_NORMAL, .first = 4, .last = 5, .epoch = 1 };
    give(w, (struct node_event){ .kind = NODE_GOT_ACK, .ack = &late });
    assert_int_equal(count_of(w, NODE_STORE_ACK), 0);
    test_free(w);
}

static void ack_in_parts_keeps_the_bundle_until_the_last(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 5);
    ack(w, LANE_NORMAL, 3);
    assert_int_equal(count_of(w, NODE_DROP_RUN), 0);
    assert_int_equal(node_push_in_flight(&w->session.push), 2);
    ack(w, LANE_NORMAL, 5);
    assert_int_equal(count_of(w, NODE_DROP_RUN), 1);
    test_free(w);
}

static void later_keep_from_alone_is_news(void **state)
{
    (void)state;
    struct world *w = linked();
    queue(w, LANE_NORMAL, 2);
    ack(w, LANE_NORMAL, 2);
    const struct node_ack backup = {
        .lane = LANE_NORMAL, .first = 3, .last = 2, .epoch = 1, .number = 2, .keep_from = 3
    };
    give(w, (struct node_event){ .kind = NODE_GOT_ACK, .ack = &backup });
    assert_int_equal(count_of(w, NODE_STORE_ACK), 2);
    test_free(w);
}

static void failure_of_the_store_rests_and_goes_on(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.lanes[LANE_NORMAL].highest = 1;
    struct node_event event = { .kind = NODE_KICK, .now_ms = w->now_ms, .facts = &w->facts };
    struct node_action action;
    node_session_step(&w->session, &event);
    assert_true(node_session_next(&w->session, &action));
    assert_int_equal(action.kind, NODE_LOAD_RUN);
    event = (struct node_event){ .kind = NODE_FAILED, .now_ms = w->now_ms };
    node_session_step(&w->session, &event);
    assert_false(node_session_next(&w->session, &action));
    pass_waking(w, NODE_WAIT_MS_MAX + NODE_REST_MS);
    assert_int_equal(w->session.push.lanes[LANE_NORMAL].flight.active, true);
    test_free(w);
}

/* ---- feed */

static void feed(struct world *w, enum feed_stream stream, uint64_t from, uint64_t to,
                 uint64_t total, uint64_t offset, size_t len, bool same)
{
    static const uint8_t data[FRAME_DATA_BYTES_MAX];
    const struct feed slice = { .stream = stream,
                                .epoch = 1,
                                .from = from,
                                .to = to,
                                .total = total,
                                .offset = offset,
                                .data = { .at = data, .len = len } };
    give(w, (struct node_event){ .kind = NODE_GOT_FEED, .feed = &slice, .same = same });
}

static void feed_is_confirmed_slice_by_slice_and_when_stored(void **state)
{
    (void)state;
    struct world *w = linked();
    feed(w, FEED_CONTROL, 0, 5, 9000, 0, 4096, true);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->offset, 4096);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->number, 0);
    feed(w, FEED_CONTROL, 0, 5, 9000, 4096, 4096, true);
    assert_false(last_of(w, NODE_TAKE_FEED)->whole);
    feed(w, FEED_CONTROL, 0, 5, 9000, 8192, 808, true);
    assert_true(last_of(w, NODE_TAKE_FEED)->whole);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->number, 5);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->offset, 0);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->epoch, 1);
    assert_true(last_of(w, NODE_SEND_CONFIRM) > last_of(w, NODE_TAKE_FEED)); /* stored, then said */
    test_free(w);
}

static void feed_slice_out_of_order_is_answered_with_what_is_here(void **state)
{
    (void)state;
    struct world *w = linked();
    feed(w, FEED_CONTROL, 0, 5, 9000, 4096, 4096, true);
    assert_int_equal(count_of(w, NODE_TAKE_FEED), 0);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->offset, 0);
    feed(w, FEED_CONTROL, 0, 5, 9000, 0, 4096, true);
    feed(w, FEED_CONTROL, 0, 5, 9000, 0, 4096, true); /* doubled */
    assert_int_equal(count_of(w, NODE_TAKE_FEED), 1);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->offset, 4096);
    test_free(w);
}

static void other_bytes_under_the_same_name_start_the_batch_again(void **state)
{
    (void)state;
    struct world *w = linked();
    feed(w, FEED_CONTROL, 0, 5, 9000, 0, 4096, true);
    feed(w, FEED_CONTROL, 0, 5, 9000, 0, 4096, false);
    assert_int_equal(count_of(w, NODE_TAKE_FEED), 2);
    assert_true(last_of(w, NODE_TAKE_FEED)->start);
    assert_int_equal(count_of(w, NODE_DROP_FEED), 1);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->offset, 4096);
    test_free(w);
}

static void feed_that_begins_elsewhere_is_not_taken(void **state)
{
    (void)state;
    struct world *w = linked();
    feed(w, FEED_CONTROL, 3, 5, 100, 0, 100, true);
    assert_int_equal(count_of(w, NODE_TAKE_FEED), 0);
    assert_int_equal(last_of(w, NODE_SEND_CONFIRM)->number, 0);
    test_free(w);
}

static void locked_node_takes_no_records(void **state)
{
    (void)state;
    struct world *w = linked();
    feed(w, FEED_RECORDS, 0, 5, 100, 0, 100, true);
    assert_int_equal(count_of(w, NODE_TAKE_FEED), 0);
    assert_int_equal(count_of(w, NODE_SEND_CONFIRM), 0);
    test_free(w);
}

static void locking_drops_half_a_batch_of_records(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.wants_records = true;
    give(w, (struct node_event){ .kind = NODE_KICK });
    struct welcome welcome = welcome_now(w);
    welcome_give(w, &welcome);
    feed(w, FEED_RECORDS, 0, 5, 9000, 0, 4096, true);
    assert_int_equal(count_of(w, NODE_TAKE_FEED), 1);
    w->facts.wants_records = false;
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_DROP_FEED), 1);
    test_free(w);
}

static void bad_batch_is_asked_for_anew_and_not_at_full_speed(void **state)
{
    (void)state;
    struct world *w = linked();
    static const uint8_t data[100];
    const struct feed slice = {
        .epoch = 1, .to = 5, .total = sizeof data, .data = { .at = data, .len = sizeof data }
    };
    struct node_event event = {
        .kind = NODE_GOT_FEED, .now_ms = w->now_ms, .feed = &slice, .same = true
    };
    struct node_action action;
    node_session_step(&w->session, &event);
    assert_true(node_session_next(&w->session, &action));
    assert_int_equal(action.kind, NODE_TAKE_FEED);
    event = (struct node_event){ .kind = NODE_FEED_BAD, .now_ms = w->now_ms };
    node_session_step(&w->session, &event);
    assert_false(node_session_next(&w->session, &action));
    pass(w, NODE_BACKOFF_MS_MIN - 1);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 0);
    pass_waking(w, 2 * NODE_BACKOFF_MS_MIN);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    test_free(w);
}

/* ---- enrolment */

static struct world *enrolling(void)
{
    struct world *w = test_calloc(1, sizeof *w);
    w->now_ms = 1;
    w->facts.enrolling = true;
    node_session_open(&w->session, w->now_ms);
    give(w, (struct node_event){ .kind = NODE_KICK });
    return w;
}

static void enrolment_is_repeated_until_the_hub_decides(void **state)
{
    (void)state;
    struct world *w = enrolling();
    assert_int_equal(count_of(w, NODE_SEND_ENROL), 1);
    pass_waking(w, 100000);
    assert_in_range(count_of(w, NODE_SEND_ENROL), 3, 8);
    give(w, (struct node_event){ .kind = NODE_GOT_ENROL_STATE, .standing = ENROL_WAITING });
    unsigned before = count_of(w, NODE_SEND_ENROL);
    pass_waking(w, 2 * NODE_APPROVAL_MS);
    assert_in_range(count_of(w, NODE_SEND_ENROL), before + 1, before + 3);
    w->count = 0;
    give(w, (struct node_event){ .kind = NODE_GOT_ENROL_STATE, .standing = ENROL_APPROVED });
    assert_int_equal(w->session.state, NODE_OFFLINE);
    assert_int_equal(w->log[0].kind, NODE_STORE_STANDING);
    assert_int_equal(w->log[1].kind, NODE_RECONNECT); /* under its own key now */
    assert_int_equal(w->log[2].kind, NODE_SEND_HELLO);
    test_free(w);
}

static void refused_enrolment_ends_the_asking(void **state)
{
    (void)state;
    struct world *w = enrolling();
    give(w, (struct node_event){ .kind = NODE_GOT_ENROL_STATE, .standing = ENROL_REFUSED });
    assert_int_equal(w->session.state, NODE_UNENROLLED);
    assert_int_equal(node_session_wake_ms(&w->session), UINT64_MAX);
    test_free(w);
}

static void unenrolled_node_says_nothing(void **state)
{
    (void)state;
    struct world *w = test_calloc(1, sizeof *w);
    node_session_open(&w->session, 0);
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(w->count, 0);
    assert_int_equal(node_session_wake_ms(&w->session), UINT64_MAX);
    test_free(w);
}

static void operator_requests_are_repeated_until_the_trust_part_has_them(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.operators_waiting = 1;
    give(w, (struct node_event){ .kind = NODE_KICK });
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_OPERATORS), 1);
    w->session.heard_ms = w->now_ms;
    pass_waking(w, 2 * NODE_OPERATORS_MS_MIN);
    assert_int_equal(count_of(w, NODE_SEND_OPERATORS), 2);
    w->facts.operators_waiting = 2; /* one more is sent at once */
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_OPERATORS), 3);
    w->facts.operators_waiting = 0;
    give(w, (struct node_event){ .kind = NODE_KICK });
    pass_waking(w, NODE_OPERATORS_MS_MAX);
    assert_int_equal(count_of(w, NODE_SEND_OPERATORS), 3);
    test_free(w);
}

static void other_keys_of_the_hub_mean_a_new_connection(void **state)
{
    (void)state;
    struct world *w = linked();
    give(w, (struct node_event){ .kind = NODE_IDENTITY });
    assert_int_equal(w->session.state, NODE_OFFLINE);
    assert_int_equal(w->log[0].kind, NODE_RECONNECT);
    assert_int_equal(w->log[1].kind, NODE_SEND_HELLO);
    test_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_is_repeated_until_welcome_with_growing_pauses),
        cmocka_unit_test(backoff_stays_between_two_seconds_and_five_minutes),
        cmocka_unit_test(kick_brings_the_next_hello_forward_but_never_floods),
        cmocka_unit_test(endpoints_change_after_some_hellos_without_an_answer),
        cmocka_unit_test(without_a_link_it_asks_often_and_still_changes_endpoints),
        cmocka_unit_test(welcome_that_was_not_asked_for_is_ignored),
        cmocka_unit_test(silence_is_ended_by_hello_and_then_counts_as_lost),
        cmocka_unit_test(a_linked_session_never_wakes_in_the_past),
        cmocka_unit_test(unlocking_says_hello_again),
        cmocka_unit_test(waiting_hub_is_asked_slowly_and_gets_no_pushes),
        cmocka_unit_test(fork_leads_to_a_new_incarnation_and_hello),
        cmocka_unit_test(heads_that_are_not_ours_and_a_hub_that_is_ahead_reopen),
        cmocka_unit_test(reopening_again_and_again_slows_down),
        cmocka_unit_test(failed_reopening_is_tried_again),
        cmocka_unit_test(unproven_cursor_starts_again_and_the_hub_is_told),
        cmocka_unit_test(entries_go_out_in_order_and_in_slices),
        cmocka_unit_test(lost_ack_sends_the_same_bytes_again),
        cmocka_unit_test(window_limits_what_is_under_way),
        cmocka_unit_test(timeout_goes_on_from_the_last_progress),
        cmocka_unit_test(sizes_grow_on_a_quick_link_and_shrink_on_timeouts),
        cmocka_unit_test(small_bundles_prove_nothing_about_large_ones),
        cmocka_unit_test(slow_link_keeps_small_sizes),
        cmocka_unit_test(higher_lane_overtakes_between_bundles),
        cmocka_unit_test(slices_of_two_lanes_never_mix),
        cmocka_unit_test(reconnecting_takes_up_the_slices_that_are_there),
        cmocka_unit_test(slices_of_another_bundle_are_not_taken_up),
        cmocka_unit_test(after_a_restart_the_same_bundle_goes_on_where_it_stopped),
        cmocka_unit_test(what_was_received_is_answered_before_it_is_sent_again),
        cmocka_unit_test(without_that_answer_it_is_sent_again),
        cmocka_unit_test(gap_is_filled_from_the_first_missing),
        cmocka_unit_test(hub_that_lost_data_gets_it_again_from_what_is_kept),
        cmocka_unit_test(fork_refusal_says_hello),
        cmocka_unit_test(back_pressure_pauses_and_goes_on),
        cmocka_unit_test(refused_bundle_is_made_anew_slowly),
        cmocka_unit_test(denied_node_asks_rarely),
        cmocka_unit_test(full_queue_of_the_link_holds_back_without_loss),
        cmocka_unit_test(a_bundle_that_is_held_back_is_not_cut_through),
        cmocka_unit_test(late_refusals_do_not_hinder_the_next_welcome),
        cmocka_unit_test(lost_slices_make_it_ask_before_sending_all_again),
        cmocka_unit_test(hub_that_put_the_slices_away_gets_them_from_the_start),
        cmocka_unit_test(duplicate_ack_is_harmless),
        cmocka_unit_test(ack_beyond_what_was_queued_is_ignored),
        cmocka_unit_test(ack_that_leaves_answers_out_is_not_taken),
        cmocka_unit_test(ack_in_parts_keeps_the_bundle_until_the_last),
        cmocka_unit_test(later_keep_from_alone_is_news),
        cmocka_unit_test(failure_of_the_store_rests_and_goes_on),
        cmocka_unit_test(feed_is_confirmed_slice_by_slice_and_when_stored),
        cmocka_unit_test(feed_slice_out_of_order_is_answered_with_what_is_here),
        cmocka_unit_test(other_bytes_under_the_same_name_start_the_batch_again),
        cmocka_unit_test(feed_that_begins_elsewhere_is_not_taken),
        cmocka_unit_test(locked_node_takes_no_records),
        cmocka_unit_test(locking_drops_half_a_batch_of_records),
        cmocka_unit_test(bad_batch_is_asked_for_anew_and_not_at_full_speed),
        cmocka_unit_test(enrolment_is_repeated_until_the_hub_decides),
        cmocka_unit_test(refused_enrolment_ends_the_asking),
        cmocka_unit_test(unenrolled_node_says_nothing),
        cmocka_unit_test(operator_requests_are_repeated_until_the_trust_part_has_them),
        cmocka_unit_test(other_keys_of_the_hub_mean_a_new_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
