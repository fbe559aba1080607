/* What a session sends: answers, back-pressure, the feed. */
#include "tests/unit/hub_session_fixture.h"

/* ---- sending */

static void back_pressure_keeps_what_is_due(void **state)
{
    (void)state;
    struct session_action action;
    say_hello();
    assert_true(next(&action));
    hub_session_sent(&session, &action, 0, ERR_BUSY, NOW_MS);
    assert_false(next(&action));
    assert_int_equal(hub_session_wake_ms(&session), NOW_MS + SESSION_BUSY_MS);
    assert_true(hub_session_next(&session, NOW_MS + SESSION_BUSY_MS, &action));
    assert_int_equal(action.kind, SESSION_SEND_WELCOME);
}

static void a_peer_that_is_gone_says_hello_again(void **state)
{
    (void)state;
    struct session_action action;
    say_hello();
    assert_true(next(&action));
    hub_session_sent(&session, &action, 0, ERR_NOT_FOUND, NOW_MS);
    assert_int_equal(session.state, SESSION_AWAY);
    assert_false(next(&action));
    assert_int_equal(hub_session_wake_ms(&session), UINT64_MAX);
}

static void a_silent_node_counts_as_away(void **state)
{
    (void)state;
    say_hello();
    hub_session_heard(&session, NOW_MS);
    hub_session_tick(&session, NOW_MS + SESSION_SILENCE_MS);
    assert_int_equal(session.state, SESSION_ACTIVE);
    hub_session_tick(&session, NOW_MS + SESSION_SILENCE_MS + 1);
    assert_int_equal(session.state, SESSION_AWAY);
}

static void acks_that_do_not_fit_one_frame_follow_in_the_next(void **state)
{
    (void)state;
    struct session_action action;
    hello.lanes[LANE_NORMAL].acked = 0;
    say_hello();
    assert_true(next(&action));
    sent(&action);
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_SEND_ACK);
    hub_session_sent(&session, &action, 3, OK, NOW_MS);
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_SEND_ACK);
    assert_int_equal(action.first, 4);
    assert_int_equal(action.last, 5);
    sent(&action);
    assert_int_equal(session.acks[LANE_NORMAL].first, 0);
}

/* ---- feed */

static void feed_start(uint64_t total)
{
    struct session_action action;
    say_hello();
    drain();
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_BUILD_FEED);
    assert_int_equal(action.stream, FEED_CONTROL);
    assert_int_equal(action.first, 40);
    hub_session_fed(&session, FEED_CONTROL, 60, total, NOW_MS);
    assert_true(next(&action));
    hub_session_fed_nothing(&session, FEED_RECORDS, 60, false, NOW_MS);
    (void)action;
}

static unsigned slices(uint64_t now_ms)
{
    struct session_action action;
    unsigned count = 0;
    while (hub_session_next(&session, now_ms, &action) && action.kind == SESSION_SEND_FEED) {
        hub_session_sent(&session, &action, 0, OK, now_ms);
        count++;
    }
    return count;
}

static void confirm(uint64_t number, uint64_t offset, uint64_t now_ms)
{
    struct confirm message = {
        .stream = FEED_CONTROL, .epoch = 1, .number = number, .offset = offset
    };
    hub_session_confirm(&session, &message, 1, 60, now_ms);
}

static void records_flow_only_when_they_are_wanted(void **state)
{
    (void)state;
    hello.wants_records = false;
    say_hello();
    assert_true(session.flows[FEED_CONTROL].open);
    assert_false(session.flows[FEED_RECORDS].open);
}

static void a_load_ends_with_a_batch_even_without_items(void **state)
{
    (void)state;
    struct session_flow *flow = &session.flows[FEED_RECORDS];
    say_hello();
    assert_false(hub_session_empty_due(flow, 60)); /* WELCOME has not left: nothing was promised */
    hub_session_welcomed(&session, 60);
    assert_false(hub_session_empty_due(flow, 59)); /* there is more to look at */
    assert_true(hub_session_empty_due(flow, 60));
    hub_session_fed(&session, FEED_RECORDS, 60, 100, NOW_MS);
    const struct confirm there = { .stream = FEED_RECORDS, .epoch = 1, .number = 60 };
    hub_session_confirm(&session, &there, 1, 60, NOW_MS);
    assert_false(hub_session_empty_due(flow, 70)); /* once: a cursor may lag behind the journal */
    assert_true(hub_session_empty_due(flow, 60 + SESSION_EMPTY_STEPS));
}

static void what_has_to_be_looked_at_longer_waits_for_the_other_nodes(void **state)
{
    (void)state;
    struct session_action action;
    feed_start(5000);
    (void)slices(NOW_MS);
    hub_session_moved(&session, true);
    assert_true(hub_session_next(&session, NOW_MS, &action));
    assert_int_equal(action.kind, SESSION_BUILD_FEED);
    assert_int_equal(action.stream, FEED_RECORDS);
    hub_session_fed_nothing(&session, FEED_RECORDS, 60, true, NOW_MS);
    assert_false(hub_session_next(&session, NOW_MS, &action));
    assert_int_equal(hub_session_wake_ms(&session), NOW_MS + SESSION_STEP_MS);
    assert_true(hub_session_next(&session, NOW_MS + SESSION_STEP_MS, &action));
    assert_int_equal(action.kind, SESSION_BUILD_FEED);
    assert_int_equal(action.first, 60);
}

static void what_comes_at_a_number_that_was_looked_at_is_found(void **state)
{
    (void)state;
    struct session_action action;
    say_hello();
    drain();
    hub_session_fed_nothing(&session, FEED_CONTROL, 60, false, NOW_MS);
    hub_session_fed_nothing(&session, FEED_RECORDS, 60, false, NOW_MS);
    hub_session_moved(&session, true);
    assert_true(hub_session_next(&session, NOW_MS, &action));
    assert_int_equal(action.stream, FEED_CONTROL);
    assert_int_equal(action.first, 40); /* from the node's cursor again */
}

static void batches_are_small_on_a_thin_link(void **state)
{
    (void)state;
    struct session_flow flow = { .slice_bytes = FRAME_DATA_BYTES_MIN };
    assert_int_equal(hub_session_batch_bytes(&flow), SESSION_BATCH_BYTES_MIN);
    flow.slice_bytes = FRAME_DATA_BYTES_MAX;
    assert_int_equal(hub_session_batch_bytes(&flow), SESSION_BATCH_BYTES_MAX);
}

static void slices_keep_to_a_window_and_begin_small(void **state)
{
    (void)state;
    feed_start(200000);
    assert_int_equal(slices(NOW_MS), SESSION_WINDOW_SLICES);
    assert_int_equal(session.flows[FEED_CONTROL].sent,
                     SESSION_WINDOW_SLICES * FRAME_DATA_BYTES_MIN);
}

static void a_quick_link_gets_larger_slices_and_a_slow_one_smaller(void **state)
{
    (void)state;
    struct session_flow *flow = &session.flows[FEED_CONTROL];
    feed_start(4000000);
    (void)slices(NOW_MS);
    confirm(40, FRAME_DATA_BYTES_MIN, NOW_MS + 100);
    assert_int_equal(flow->slice_bytes, 2 * FRAME_DATA_BYTES_MIN);
    for (unsigned i = 2; i < 9; i++) {
        (void)slices(NOW_MS + 100 * i);
        confirm(40, flow->sent, NOW_MS + 100 * i);
    }
    assert_int_equal(flow->slice_bytes, FRAME_DATA_BYTES_MAX);
    (void)slices(NOW_MS + 1000);
    confirm(40, flow->sent, NOW_MS + 1000 + SESSION_SLOW_MS);
    assert_int_equal(flow->slice_bytes, FRAME_DATA_BYTES_MAX / 2);
}

static void silence_sends_from_the_confirmed_byte_again_and_backs_off(void **state)
{
    (void)state;
    struct session_flow *flow = &session.flows[FEED_CONTROL];
    feed_start(200000);
    (void)slices(NOW_MS);
    confirm(40, 4096, NOW_MS);
    (void)slices(NOW_MS);
    uint64_t now_ms = NOW_MS, last_wait_ms = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t wake_ms = hub_session_wake_ms(&session);
        assert_in_range(wake_ms, now_ms + SESSION_RETRY_MS_MIN,
                        now_ms + SESSION_RETRY_MS_MAX + SESSION_RETRY_MS_MAX / 4);
        last_wait_ms = wake_ms - now_ms;
        now_ms = wake_ms;
        hub_session_heard(&session, now_ms); /* it speaks, but does not confirm */
        hub_session_tick(&session, now_ms);
        assert_int_equal(flow->sent, 4096);
        assert_int_equal(flow->slice_bytes, FRAME_DATA_BYTES_MIN);
        assert_int_equal(slices(now_ms), SESSION_WINDOW_SLICES);
    }
    assert_true(last_wait_ms >= SESSION_RETRY_MS_MAX);
}

static void a_confirmed_batch_makes_room_for_the_next(void **state)
{
    (void)state;
    struct session_action action;
    feed_start(100);
    assert_int_equal(slices(NOW_MS), 1);
    confirm(60, 0, NOW_MS + 10);
    assert_false(session.flows[FEED_CONTROL].batch);
    assert_int_equal(session.flows[FEED_CONTROL].number, 60);
    assert_true(hub_session_next(&session, NOW_MS + 10, &action));
    assert_int_equal(action.kind, SESSION_BUILD_FEED);
    assert_int_equal(action.first, 60);
    hub_session_fed_nothing(&session, FEED_CONTROL, 60, false, NOW_MS + 10);
    assert_false(hub_session_next(&session, NOW_MS + 10, &action));
    assert_int_equal(hub_session_wake_ms(&session), UINT64_MAX);
    hub_session_moved(&session, false);
    assert_false(hub_session_next(&session, NOW_MS + 11, &action));
    assert_true(hub_session_next(&session, NOW_MS + 10 + SESSION_LOOK_MS, &action));
    hub_session_moved(&session, true);
    assert_true(hub_session_next(&session, NOW_MS + 11, &action));
}

static void bytes_that_outlived_a_cut_are_not_sent_again(void **state)
{
    (void)state;
    feed_start(100000);
    assert_int_equal(slices(NOW_MS), 3);
    say_hello(); /* the link broke; the node still has 3 slices */
    drain();
    confirm(40, 12288, NOW_MS);
    struct session_action action;
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_SEND_FEED);
    assert_int_equal(action.offset, 12288);
}

static void one_late_confirm_does_not_turn_the_feed_back_but_a_standing_node_does(void **state)
{
    (void)state;
    feed_start(100);
    confirm(60, 0, NOW_MS);
    confirm(50, 0, NOW_MS);
    assert_int_equal(session.flows[FEED_CONTROL].number, 60);
    confirm(50, 0, NOW_MS);
    assert_int_equal(session.flows[FEED_CONTROL].number, 50);
    assert_int_equal(session.flows[FEED_CONTROL].scanned, 50);
}

static void confirms_of_another_epoch_or_beyond_the_journal_are_ignored(void **state)
{
    (void)state;
    feed_start(100);
    confirm(61, 0, NOW_MS);
    confirm(40, 101, NOW_MS);
    struct confirm other = { .stream = FEED_CONTROL, .epoch = 2, .number = 60 };
    hub_session_confirm(&session, &other, 1, 60, NOW_MS);
    assert_int_equal(session.flows[FEED_CONTROL].number, 40);
    assert_int_equal(session.flows[FEED_CONTROL].confirmed, 0);
    assert_true(session.flows[FEED_CONTROL].batch);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(back_pressure_keeps_what_is_due),
        TEST(a_peer_that_is_gone_says_hello_again),
        TEST(a_silent_node_counts_as_away),
        TEST(acks_that_do_not_fit_one_frame_follow_in_the_next),
        TEST(records_flow_only_when_they_are_wanted),
        TEST(a_load_ends_with_a_batch_even_without_items),
        TEST(what_has_to_be_looked_at_longer_waits_for_the_other_nodes),
        TEST(what_comes_at_a_number_that_was_looked_at_is_found),
        TEST(batches_are_small_on_a_thin_link),
        TEST(slices_keep_to_a_window_and_begin_small),
        TEST(a_quick_link_gets_larger_slices_and_a_slow_one_smaller),
        TEST(silence_sends_from_the_confirmed_byte_again_and_backs_off),
        TEST(a_confirmed_batch_makes_room_for_the_next),
        TEST(bytes_that_outlived_a_cut_are_not_sent_again),
        TEST(one_late_confirm_does_not_turn_the_feed_back_but_a_standing_node_does),
        TEST(confirms_of_another_epoch_or_beyond_the_journal_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
