/* What the morning line tells: the time, the cut-off, and how long the rest will take. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

#include "common/bytes.h"
#include "node/node_clock.h"
#include "node/node_forecast.h"

#define S UINT64_C(1000)
#define DAY (24 * 3600 * S)
#define JAKARTA_MINUTES 420

/* "2026-10-17 16:00" at an office seven hours ahead of UTC. */
static uint64_t at(const char *local)
{
    struct tm tm = { 0 };
    const char *rest = strptime(local, "%Y-%m-%d %H:%M", &tm);
    assert_non_null(rest);
    assert_int_equal(*rest, '\0');
    time_t utc = timegm(&tm);
    assert_true(utc > 0);
    return (uint64_t)utc * 1000 - JAKARTA_MINUTES * 60 * S;
}

static void next_is(int day, const char *now, const char *wanted)
{
    const struct node_cutoff cutoff = { .day = day,
                                        .hour = 16,
                                        .utc_offset_minutes = JAKARTA_MINUTES };
    assert_true(node_cutoff_valid(&cutoff));
    assert_int_equal(node_cutoff_next(&cutoff, at(now)), at(wanted));
}

/* --- the cut-off ----------------------------------------------------------------------------- */

static void cutoff_is_the_next_one_in_the_offices_zone(void **state)
{
    (void)state;
    next_is(17, "2026-10-01 00:00", "2026-10-17 16:00");
    next_is(17, "2026-10-17 15:59", "2026-10-17 16:00");
    /* From its moment on it is the next month's. */
    next_is(17, "2026-10-17 16:00", "2026-11-17 16:00");
    next_is(17, "2026-12-18 08:00", "2027-01-17 16:00");
    /* The last evening of a month in UTC is the first morning of the next one there. */
    next_is(1, "2026-11-01 06:00", "2026-11-01 16:00");
    next_is(1, "2026-12-31 23:00", "2027-01-01 16:00");
}

static void cutoff_on_the_31st_falls_on_the_last_day_of_every_month(void **state)
{
    (void)state;
    next_is(31, "2026-02-01 08:00", "2026-02-28 16:00");
    next_is(31, "2026-02-28 16:00", "2026-03-31 16:00");
    next_is(31, "2028-02-01 08:00", "2028-02-29 16:00");
    next_is(30, "2028-02-29 15:00", "2028-02-29 16:00");
    next_is(31, "2026-03-31 17:00", "2026-04-30 16:00");
    next_is(29, "2027-02-28 17:00", "2027-03-29 16:00");
    next_is(31, "2099-12-31 17:00", "2100-01-31 16:00");
    next_is(31, "2100-02-01 00:00", "2100-02-28 16:00");
}

static void cutoff_without_sense_is_none(void **state)
{
    (void)state;
    assert_false(node_cutoff_valid(&(struct node_cutoff){ .day = 0, .hour = 16 }));
    assert_false(node_cutoff_valid(&(struct node_cutoff){ .day = 32 }));
    assert_false(node_cutoff_valid(&(struct node_cutoff){ .day = 17, .hour = 24 }));
    assert_false(node_cutoff_valid(&(struct node_cutoff){ .day = 17, .minute = -1 }));
    assert_false(
        node_cutoff_valid(&(struct node_cutoff){ .day = 17, .utc_offset_minutes = 100000 }));
    /* In 1970 and at the beginning of it too: a dead battery must not stop anything. */
    const struct node_cutoff east = { .day = 1, .utc_offset_minutes = 14 * 60 };
    assert_true(node_cutoff_next(&east, 0) > 0);
}

/* --- the clock ------------------------------------------------------------------------------- */

static void time_is_the_hubs_once_it_has_spoken(void **state)
{
    (void)state;
    struct node_clock clock = { .heard = false };
    uint64_t hub = at("2026-10-17 09:00"), own = 20 * S, now = 5 * S, got = 0;
    int64_t off = 0;
    assert_int_equal(node_clock_now(&clock, now, own, &got), CLOCK_OWN);
    assert_int_equal(got, own);
    assert_false(node_clock_off(&clock, now, own, &off));
    node_clock_hear(&clock, hub, now, own);
    assert_int_equal(node_clock_now(&clock, now + 60 * S, own + 60 * S, &got), CLOCK_HUB);
    assert_int_equal(got, hub + 60 * S);
    assert_true(node_clock_off(&clock, now + 60 * S, own + 60 * S, &off));
    assert_true(off < -(int64_t)(50 * 365 * DAY));
}

static void time_goes_on_while_the_machine_sleeps_and_not_when_its_clock_is_set(void **state)
{
    (void)state;
    struct node_clock clock = { .heard = false };
    uint64_t hub = at("2026-10-17 09:00"), got = 0;
    node_clock_hear(&clock, hub, 0, hub);
    /* Eight hours of sleep that the monotonic clock did not see. */
    (void)node_clock_now(&clock, 60 * S, hub + 8 * 3600 * S, &got);
    assert_int_equal(got, hub + 8 * 3600 * S);
    /* Somebody set the clock back, or far ahead. */
    (void)node_clock_now(&clock, 60 * S, hub - DAY, &got);
    assert_int_equal(got, hub + 60 * S);
    (void)node_clock_now(&clock, 60 * S, hub + 400 * DAY, &got);
    assert_int_equal(got, hub + 60 * S);
}

static void clock_before_what_the_hub_once_said_is_nobodys(void **state)
{
    (void)state;
    struct node_clock clock = { .floor_ms = at("2026-10-17 09:00") };
    uint64_t got = 0;
    assert_int_equal(node_clock_now(&clock, 0, at("2009-01-01 00:00"), &got), CLOCK_NOBODY);
    assert_int_equal(node_clock_now(&clock, 0, at("2026-10-17 08:59"), &got), CLOCK_NOBODY);
    assert_int_equal(node_clock_now(&clock, 0, at("2026-10-18 08:00"), &got), CLOCK_OWN);
    assert_int_equal(node_clock_now(&clock, 0, at("2099-01-01 00:00"), &got), CLOCK_NOBODY);
}

static void an_entry_claims_the_best_known_time_and_never_an_impossible_one(void **state)
{
    (void)state;
    struct node_clock clock = { .floor_ms = at("2026-10-17 09:00") };
    uint64_t y2000 = at("2000-01-01 00:00");
    assert_int_equal(node_clock_claim(&clock, 0, y2000), at("2026-10-17 09:00"));
    assert_int_equal(node_clock_claim(&clock, 0, at("2099-01-01 00:00")), at("2026-10-17 09:00"));
    assert_int_equal(node_clock_claim(&clock, 0, at("2026-10-18 08:00")), at("2026-10-18 08:00"));
    node_clock_hear(&clock, at("2026-11-02 08:00"), 0, y2000);
    assert_int_equal(node_clock_claim(&clock, 60 * S, y2000 + 60 * S), at("2026-11-02 08:01"));
    const struct node_clock alone = { .heard = false };
    assert_int_equal(node_clock_claim(&alone, 0, y2000), y2000); /* nothing says otherwise */
}

/* --- the forecast ---------------------------------------------------------------------------- */

static void unknown_rate_forecasts_nothing(void **state)
{
    (void)state;
    struct node_rate rate = { 0 };
    uint64_t s = 77;
    assert_int_equal(node_rate_bytes_s(&rate), 0);
    assert_false(node_forecast(&rate, 1, &s));
    assert_int_equal(s, 77);
    assert_true(node_forecast(&rate, 0, &s)); /* nothing waits: that is known */
    assert_int_equal(s, 0);
    node_rate_add(&rate, FORECAST_BYTES_MIN - 1, 10); /* says nothing */
    assert_int_equal(node_rate_bytes_s(&rate), 0);
}

static void forecast_is_bytes_by_the_rate_of_long_bundles(void **state)
{
    (void)state;
    struct node_rate rate = { 0 };
    uint64_t s;
    /* One entry alone waits longer for its answer than for its bytes. */
    node_rate_add(&rate, 500, 1500);
    assert_int_equal(node_rate_bytes_s(&rate), 333);
    node_rate_add(&rate, 20000, 10000);
    assert_int_equal(node_rate_bytes_s(&rate), 2000);
    for (int i = 0; i < 100; i++)
        node_rate_add(&rate, 500, 1500);
    assert_int_equal(node_rate_bytes_s(&rate), 2000);
    assert_true(node_forecast(&rate, 240000, &s));
    assert_int_equal(s, 120);
    assert_true(node_forecast(&rate, 1, &s));
    assert_int_equal(s, 1);
}

static void rate_follows_a_link_that_changes(void **state)
{
    (void)state;
    struct node_rate rate = { 0 };
    for (int i = 0; i < 50; i++)
        node_rate_add(&rate, 64 * 1024, 1000);
    assert_int_equal(node_rate_bytes_s(&rate), 64 * 1024);
    for (int i = 0; i < 20; i++)
        node_rate_add(&rate, 16 * 1024, 16000); /* 1 kB/s */
    assert_in_range(node_rate_bytes_s(&rate), 900, 1300);
    for (int i = 0; i < 50; i++)
        node_rate_add(&rate, 64 * 1024, 1000);
    assert_in_range(node_rate_bytes_s(&rate), 55000, 66000);
}

static void rate_of_an_earlier_run_is_soon_overruled(void **state)
{
    (void)state;
    struct node_rate rate = { 0 };
    node_rate_restore(&rate, 0);
    assert_int_equal(node_rate_bytes_s(&rate), 0);
    node_rate_restore(&rate, 50000);
    assert_int_equal(node_rate_bytes_s(&rate), 50000);
    for (int i = 0; i < 6; i++)
        node_rate_add(&rate, 8 * 1024, 8000);
    assert_in_range(node_rate_bytes_s(&rate), 1000, 4000);
    node_rate_add(&rate, UINT64_MAX, 1); /* nonsense is left out */
    node_rate_add(&rate, 8 * 1024, UINT64_MAX);
    assert_in_range(node_rate_bytes_s(&rate), 1000, 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutoff_is_the_next_one_in_the_offices_zone),
        cmocka_unit_test(cutoff_on_the_31st_falls_on_the_last_day_of_every_month),
        cmocka_unit_test(cutoff_without_sense_is_none),
        cmocka_unit_test(time_is_the_hubs_once_it_has_spoken),
        cmocka_unit_test(time_goes_on_while_the_machine_sleeps_and_not_when_its_clock_is_set),
        cmocka_unit_test(clock_before_what_the_hub_once_said_is_nobodys),
        cmocka_unit_test(an_entry_claims_the_best_known_time_and_never_an_impossible_one),
        cmocka_unit_test(unknown_rate_forecasts_nothing),
        cmocka_unit_test(forecast_is_bytes_by_the_rate_of_long_bundles),
        cmocka_unit_test(rate_follows_a_link_that_changes),
        cmocka_unit_test(rate_of_an_earlier_run_is_soon_overruled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
