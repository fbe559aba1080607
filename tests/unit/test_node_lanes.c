/* Lanes in the node's session: who goes first, also in the middle of a bundle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/session_world.h"

/* Slices in the order in which they left, as lanes: "2210". */
static const char *lanes_sent(const struct world *w)
{
    static char text[LOG_MAX + 1];
    size_t len = 0;
    for (unsigned i = 0; i < w->count; i++) {
        if (w->log[i].kind == NODE_SEND_SLICE)
            text[len++] = (char)('0' + (int)w->log[i].lane);
    }
    text[len] = '\0';
    return text;
}

static void faster_lanes_go_first(void **state)
{
    (void)state;
    struct world *w = linked();
    w->facts.lanes[LANE_BULK].highest = 3;
    w->facts.lanes[LANE_NORMAL].highest = 1;
    queue(w, LANE_URGENT, 1);
    assert_string_equal(lanes_sent(w), "012");
    settle(w);
    test_free(w);
}

static void an_entry_overtakes_in_the_middle_of_a_bundle(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 200000; /* one entry, many slices */
    queue(w, LANE_BULK, 1);
    const struct push_flight *bulk = &w->session.push.lanes[LANE_BULK].flight;
    assert_true(bulk->active && bulk->sent < bulk->run.total);
    uint64_t before = bulk->sent;
    w->item_bytes = 500;
    w->facts.lanes[LANE_NORMAL].highest = 1;
    w->count = 0;
    queue(w, LANE_URGENT, 1); /* bulk's window is full, the entries do not wait for it */
    assert_string_equal(lanes_sent(w), "01");
    assert_int_equal(bulk->sent, before);
    ack(w, LANE_URGENT, 1);
    ack(w, LANE_NORMAL, 1);
    w->count = 0;
    progress(w, LANE_BULK, 1, before); /* what had left is there: it goes on behind it */
    assert_int_equal(w->log[0].kind, NODE_SEND_SLICE);
    assert_int_equal(w->log[0].offset, before);
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_BULK].acked, 1);
    assert_int_equal(count_of(w, NODE_LOAD_RUN), 0); /* the same bundle to its end */
    test_free(w);
}

static void a_slower_lane_waits_while_a_faster_one_has_slices(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 60000;
    w->facts.lanes[LANE_BULK].highest = 1;
    queue(w, LANE_URGENT, 1);
    assert_string_equal(lanes_sent(w), "00");
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_URGENT].acked, 1);
    assert_int_equal(w->facts.lanes[LANE_BULK].acked, 1);
    test_free(w);
}

/* The hub answers whatever is out. */
static void answer_all(struct world *w)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct push_flight *flight = &w->session.push.lanes[i].flight;
        if (!flight->active)
            continue;
        if (flight->sent == flight->run.total)
            ack(w, (enum lane)i, flight->run.last);
        else
            progress(w, (enum lane)i, flight->run.first, flight->sent);
    }
}

static void a_flood_of_urgent_does_not_starve_the_others(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 50000000; /* it never comes to its end */
    w->facts.lanes[LANE_BULK].highest = 1000;
    w->facts.lanes[LANE_NORMAL].highest = 1000;
    queue(w, LANE_URGENT, 1000);
    for (unsigned i = 0; i < 200; i++) {
        w->now_ms += 5000; /* neither quick nor slow */
        answer_all(w);
    }
    unsigned sent[LANE_COUNT] = { 0 };
    for (const char *lane = lanes_sent(w); *lane != '\0'; lane++)
        sent[*lane - '0']++;
    assert_true(sent[LANE_URGENT] > 4 * sent[LANE_NORMAL]);
    assert_true(sent[LANE_NORMAL] >= 10 && sent[LANE_BULK] >= 10);
    test_free(w);
}

static void a_lane_that_was_passed_is_not_late(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 300000;
    queue(w, LANE_BULK, 1);
    const struct push_flight *bulk = &w->session.push.lanes[LANE_BULK].flight;
    queue(w, LANE_NORMAL, 1);
    progress(w, LANE_BULK, 1, bulk->sent); /* nothing of it is out now */
    uint64_t sent = bulk->sent;
    for (unsigned i = 0; i < 4; i++) {
        const struct push_flight *normal = &w->session.push.lanes[LANE_NORMAL].flight;
        w->now_ms += 15000;
        progress(w, LANE_NORMAL, 1, normal->confirmed + FRAME_DATA_BYTES_MIN);
        assert_int_equal(w->session.state, NODE_LINKED);
        assert_int_equal(bulk->sent, sent);
        assert_int_equal(bulk->timeouts, 0);
    }
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_BULK].acked, 1);
    test_free(w);
}

static void what_is_held_back_goes_on_behind_the_faster_lane(void **state)
{
    (void)state;
    struct world *w = linked();
    w->item_bytes = 20000;
    queue(w, LANE_BULK, 1); /* two slices leave, the last one will not */
    w->busy = true;
    progress(w, LANE_BULK, 1, NODE_SLICE_BYTES_FIRST);
    w->busy = false;
    w->count = 0;
    w->item_bytes = 500;
    queue(w, LANE_URGENT, 1);
    assert_int_equal(count_of(w, NODE_SEND_SLICE), 0);
    pass(w, NODE_BUSY_MS_MIN);
    assert_string_equal(lanes_sent(w), "02");
    const struct node_action *last = last_of(w, NODE_SEND_SLICE);
    assert_non_null(last);
    assert_int_equal(last->offset, 2 * NODE_SLICE_BYTES_FIRST);
    settle(w);
    assert_int_equal(w->facts.lanes[LANE_URGENT].acked, 1);
    test_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faster_lanes_go_first),
        cmocka_unit_test(an_entry_overtakes_in_the_middle_of_a_bundle),
        cmocka_unit_test(a_slower_lane_waits_while_a_faster_one_has_slices),
        cmocka_unit_test(a_flood_of_urgent_does_not_starve_the_others),
        cmocka_unit_test(a_lane_that_was_passed_is_not_late),
        cmocka_unit_test(what_is_held_back_goes_on_behind_the_faster_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
