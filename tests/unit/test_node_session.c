/* The node's session alone: HELLO, standing, feed, enrolment. Events in, actions out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/session_world.h"

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

static void unlocking_before_the_welcome_is_said_after_it(void **state)
{
    (void)state;
    struct world *w = enrolled();
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
    w->facts.wants_records = true;
    give(w, (struct node_event){ .kind = NODE_KICK });
    struct welcome welcome = welcome_now(w);
    welcome_give(w, &welcome);
    assert_int_equal(w->session.state, NODE_LINKED);
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 2);
    assert_true(w->session.wants_said);
    test_free(w);
}

static void a_hello_that_went_with_its_connection_is_said_on_the_next(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.wants_records = true;
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1); /* into a connection that ends */
    give(w, (struct node_event){ .kind = NODE_LINK_LOST });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1); /* not into the same once more */
    pass(w, NODE_RELINK_MS);
    give(w, (struct node_event){ .kind = NODE_LINK_LOST }); /* nor does it wait for its answer */
    pass(w, NODE_HELLO_GAP_MS);
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_in_range(count_of(w, NODE_SEND_HELLO), 2, 3);
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

/* An ACK of the new epoch may have come before the statement that begins it, and was not taken. */
static void a_new_epoch_says_hello_again(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.cursors[FEED_CONTROL].epoch = 1;
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 0);
    w->facts.cursors[FEED_CONTROL].epoch = 2;
    give(w, (struct node_event){ .kind = NODE_KICK });
    assert_int_equal(count_of(w, NODE_SEND_HELLO), 1);
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
        cmocka_unit_test(unlocking_before_the_welcome_is_said_after_it),
        cmocka_unit_test(a_hello_that_went_with_its_connection_is_said_on_the_next),
        cmocka_unit_test(welcome_that_was_not_asked_for_is_ignored),
        cmocka_unit_test(silence_is_ended_by_hello_and_then_counts_as_lost),
        cmocka_unit_test(a_linked_session_never_wakes_in_the_past),
        cmocka_unit_test(unlocking_says_hello_again),
        cmocka_unit_test(a_new_epoch_says_hello_again),
        cmocka_unit_test(waiting_hub_is_asked_slowly_and_gets_no_pushes),
        cmocka_unit_test(fork_leads_to_a_new_incarnation_and_hello),
        cmocka_unit_test(heads_that_are_not_ours_and_a_hub_that_is_ahead_reopen),
        cmocka_unit_test(reopening_again_and_again_slows_down),
        cmocka_unit_test(failed_reopening_is_tried_again),
        cmocka_unit_test(unproven_cursor_starts_again_and_the_hub_is_told),
        cmocka_unit_test(feed_is_confirmed_slice_by_slice_and_when_stored),
        cmocka_unit_test(feed_slice_out_of_order_is_answered_with_what_is_here),
        cmocka_unit_test(other_bytes_under_the_same_name_start_the_batch_again),
        cmocka_unit_test(feed_that_begins_elsewhere_is_not_taken),
        cmocka_unit_test(locked_node_takes_no_records),
        cmocka_unit_test(locking_drops_half_a_batch_of_records),
        cmocka_unit_test(bad_batch_is_asked_for_anew_and_not_at_full_speed),
        cmocka_unit_test(failure_of_the_store_rests_and_goes_on),
        cmocka_unit_test(enrolment_is_repeated_until_the_hub_decides),
        cmocka_unit_test(refused_enrolment_ends_the_asking),
        cmocka_unit_test(unenrolled_node_says_nothing),
        cmocka_unit_test(operator_requests_are_repeated_until_the_trust_part_has_them),
        cmocka_unit_test(other_keys_of_the_hub_mean_a_new_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
