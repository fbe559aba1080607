/* The morning line: what came since an operator was last here, and what stands before an entry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "node/node_look.h"
#include "tests/support/node_world.h"

static int open_world(void **state)
{
    return world_ready(state);
}

static json_int_t news(struct admin_world *w, const char *key)
{
    assert_true(world_ask(w, "status", NULL));
    return json_integer_value(json_object_get(json_object_get(world_done(w), "news"), key));
}

static void ack_all(struct admin_world *w, struct bytes items)
{
    struct node_lane lane;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    assert_int_equal(
        office_ack(&w->o, LANE_NORMAL, lane.acked + 1, lane.highest, lane.acked + 1, items), OK);
}

static void news_begin_where_the_operator_left_and_end_when_they_are_read(void **state)
{
    struct admin_world *w = *state;
    world_put(w, "Ani");
    world_put(w, "Budi");
    assert_int_equal(news(w, "answers"), 0);
    assert_true(world_ask(w, "lock", NULL));
    ack_all(w, bytes_of(NULL, 0));           /* at night */
    assert_int_equal(news(w, "arrived"), 2); /* also for who has not unlocked yet */
    assert_true(world_unlock(w));
    assert_int_equal(news(w, "arrived"), 2);
    assert_int_equal(news(w, "answers"), 2);
    assert_int_equal(news(w, "accepted"), 2);
    /* A restart in between, such as a power cut, takes no news away. */
    world_restart(w);
    assert_int_equal(news(w, "answers"), 0); /* nothing since the sitting began */
    assert_true(world_unlock(w));
    assert_true(world_ask(w, "attention", NULL));
    assert_int_equal(news(w, "answers"), 0);
    world_put(w, "Citra");
    ack_all(w, office_answer(0, DISPOSITION_REJECTED, "nik", "nik"));
    assert_int_equal(news(w, "answers"), 1);
    assert_int_equal(news(w, "rejected"), 1);
    assert_int_equal(news(w, "arrived"), 1);
    assert_true(world_ask(w, "attention", NULL));
    assert_int_equal(news(w, "rejected"), 0);
}

static void an_entry_waits_for_the_bytes_before_it_and_for_faster_lanes(void **state)
{
    struct admin_world *w = *state;
    struct node_lane lane;
    uint64_t first = 0, second = 0, bytes = 77;
    world_put(w, "Ani");
    world_put(w, "Budi");
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    assert_int_equal(node_store_ahead(w->o.store, LANE_NORMAL, lane.highest - 1, &first), OK);
    assert_int_equal(node_store_ahead(w->o.store, LANE_NORMAL, lane.highest, &second), OK);
    assert_true(first > 0 && second > first);
    struct node_figures figures;
    assert_int_equal(node_store_figures(w->o.store, &figures), OK);
    /* The slowest lane goes last: everything stands before its end. */
    assert_int_equal(node_store_lane(w->o.store, LANE_BULK, &lane), OK);
    assert_int_equal(node_store_ahead(w->o.store, LANE_BULK, lane.highest, &bytes), OK);
    assert_true(bytes == figures.queued_bytes || lane.acked == lane.highest);
    ack_all(w, bytes_of(NULL, 0));
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    assert_int_equal(node_store_ahead(w->o.store, LANE_NORMAL, lane.highest, &bytes), OK);
    assert_int_equal(bytes, 0);
}

static void the_note_of_the_link_outlives_a_restart_with_the_next_commit(void **state)
{
    struct admin_world *w = *state;
    struct node_link_note note = { .hub_ms = UINT64_C(1792224000000), .rate_bytes_s = 1234 };
    node_store_link_note(w->o.store, &note);
    assert_int_equal(node_store_link(w->o.store, &note), OK);
    assert_int_equal(note.rate_bytes_s, 0); /* not yet */
    world_put(w, "Ani");
    note = (struct node_link_note){ .hub_ms = UINT64_C(1792224000000), .rate_bytes_s = 1234 };
    node_store_link_note(w->o.store, &note);
    ack_all(w, bytes_of(NULL, 0));
    world_restart(w);
    assert_int_equal(node_store_link(w->o.store, &note), OK);
    assert_int_equal(note.hub_ms, UINT64_C(1792224000000));
    assert_int_equal(note.rate_bytes_s, 1234);
    assert_true(world_unlock(w));
    world_put(w, "Budi");
    assert_true(world_ask(w, "status", NULL));
    assert_true(json_is_integer(json_object_get(world_done(w), "forecast_s")));
}

static void unknown_is_null_and_never_a_guess(void **state)
{
    struct admin_world *w = *state;
    world_put(w, "Ani");
    assert_true(world_ask(w, "status", NULL));
    assert_true(json_is_null(json_object_get(world_done(w), "forecast_s")));
    assert_true(json_is_null(json_object_get(world_done(w), "rate_bytes_s")));
    assert_true(json_is_null(json_object_get(world_done(w), "clock_off_s")));
    /* The policy of these tests names no cut-off. */
    assert_true(json_is_null(json_object_get(world_done(w), "cutoff")));
    assert_string_equal(world_text(w, "clock"), "own");
}

int main(void)
{
#define READY(name) cmocka_unit_test_setup_teardown(name, open_world, world_close)
    const struct CMUnitTest tests[] = {
        READY(news_begin_where_the_operator_left_and_end_when_they_are_read),
        READY(an_entry_waits_for_the_bytes_before_it_and_for_faster_lanes),
        READY(the_note_of_the_link_outlives_a_restart_with_the_next_commit),
        READY(unknown_is_null_and_never_a_guess),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
