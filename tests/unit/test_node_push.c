/* The node's session alone: what goes out, and the answers to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/session_world.h"

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
    struct welcome_partial *partial = &welcome.partials[LANE_NORMAL];
    *partial = (struct welcome_partial){ .any = true,
                                         .first = 1,
                                         .offset = (uint64_t)2 * NODE_SLICE_BYTES_FIRST };
    memcpy(partial->tag, w->runs[LANE_NORMAL].tag, BUNDLE_TAG_BYTES);
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
    welcome.partials[LANE_NORMAL] =
        (struct welcome_partial){ .any = true, .first = 1, .offset = NODE_SLICE_BYTES_FIRST };
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
    struct welcome_partial *partial = &welcome.partials[LANE_NORMAL];
    *partial = (struct welcome_partial){ .any = true, .first = 1, .offset = 50000 };
    snprintf((char *)partial->tag, BUNDLE_TAG_BYTES, "%u%05u", LANE_NORMAL, 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_go_out_in_order_and_in_slices),
        cmocka_unit_test(lost_ack_sends_the_same_bytes_again),
        cmocka_unit_test(window_limits_what_is_under_way),
        cmocka_unit_test(timeout_goes_on_from_the_last_progress),
        cmocka_unit_test(sizes_grow_on_a_quick_link_and_shrink_on_timeouts),
        cmocka_unit_test(small_bundles_prove_nothing_about_large_ones),
        cmocka_unit_test(slow_link_keeps_small_sizes),
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
        cmocka_unit_test(late_refusals_do_not_hinder_the_next_welcome),
        cmocka_unit_test(lost_slices_make_it_ask_before_sending_all_again),
        cmocka_unit_test(hub_that_put_the_slices_away_gets_them_from_the_start),
        cmocka_unit_test(duplicate_ack_is_harmless),
        cmocka_unit_test(ack_beyond_what_was_queued_is_ignored),
        cmocka_unit_test(ack_that_leaves_answers_out_is_not_taken),
        cmocka_unit_test(ack_in_parts_keeps_the_bundle_until_the_last),
        cmocka_unit_test(later_keep_from_alone_is_news),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
