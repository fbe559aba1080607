#include "node/node_clock.h"

#include "common/must.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS (24 * 60 * MINUTE_MS)
/* A clock that went on while the machine slept has gone on longer than the monotonic one. More than
 * this and somebody has set it. */
#define SLEEP_MS_MAX ((uint64_t)(3 * DAY_MS))
/* Nobody runs this program with one hub's word for so long. */
#define OWN_MS_MAX ((uint64_t)(10 * 366 * DAY_MS))

void node_clock_hear(struct node_clock *clock, uint64_t hub_ms, uint64_t now_ms, uint64_t wall_ms)
{
    if (hub_ms >= CLOCK_MS_MAX)
        return; /* no time at all: as if it had not been named */
    clock->heard = true;
    clock->hub_ms = hub_ms;
    clock->heard_now_ms = now_ms;
    clock->heard_wall_ms = wall_ms;
    clock->floor_ms = hub_ms; /* the hub's last word, also when it has set its clock back */
}

static uint64_t hub_time(const struct node_clock *clock, uint64_t now_ms, uint64_t wall_ms)
{
    uint64_t passed = now_ms > clock->heard_now_ms ? now_ms - clock->heard_now_ms : 0;
    uint64_t wall = wall_ms > clock->heard_wall_ms ? wall_ms - clock->heard_wall_ms : 0;
    if (wall > passed && wall - passed < SLEEP_MS_MAX)
        passed = wall;
    return clock->hub_ms + passed;
}

enum clock_source node_clock_now(const struct node_clock *clock, uint64_t now_ms, uint64_t wall_ms,
                                 uint64_t *ret_ms)
{
    if (clock->heard) {
        *ret_ms = hub_time(clock, now_ms, wall_ms);
        return CLOCK_HUB;
    }
    *ret_ms = wall_ms;
    if (clock->floor_ms == 0)
        return CLOCK_OWN;
    return wall_ms >= clock->floor_ms && wall_ms - clock->floor_ms < OWN_MS_MAX ? CLOCK_OWN
                                                                                : CLOCK_NOBODY;
}

uint64_t node_clock_claim(const struct node_clock *clock, uint64_t now_ms, uint64_t wall_ms)
{
    uint64_t ms;
    return node_clock_now(clock, now_ms, wall_ms, &ms) == CLOCK_NOBODY ? clock->floor_ms : ms;
}

bool node_clock_off(const struct node_clock *clock, uint64_t now_ms, uint64_t wall_ms,
                    int64_t *ret_off_ms)
{
    if (!clock->heard)
        return false;
    *ret_off_ms = (int64_t)wall_ms - (int64_t)hub_time(clock, now_ms, wall_ms);
    return true;
}

/* ---- the cut-off. Days since 1970-01-01 of the proleptic Gregorian calendar. */

static int64_t days_before_year(int64_t year)
{
    int64_t y = year - 1;
    return 365 * y + y / 4 - y / 100 + y / 400 - 719162;
}

static bool leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t month_days(int64_t year, int64_t month)
{
    static const int64_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && leap(year) ? 29 : days[month - 1];
}

/* The cut-off of one month, in UTC milliseconds. */
static int64_t cutoff_of(const struct node_cutoff *cutoff, int64_t year, int64_t month)
{
    int64_t days = days_before_year(year);
    int64_t last = month_days(year, month);
    for (int64_t m = 1; m < month; m++)
        days += month_days(year, m);
    days += (cutoff->day < last ? cutoff->day : last) - 1;
    return days * DAY_MS +
           (cutoff->hour * 60 + cutoff->minute - cutoff->utc_offset_minutes) * MINUTE_MS;
}

bool node_cutoff_valid(const struct node_cutoff *cutoff)
{
    return cutoff->day >= 1 && cutoff->day <= 31 && cutoff->hour >= 0 && cutoff->hour <= 23 &&
           cutoff->minute >= 0 && cutoff->minute <= 59 && cutoff->utc_offset_minutes >= -24 * 60 &&
           cutoff->utc_offset_minutes <= 24 * 60;
}

uint64_t node_cutoff_next(const struct node_cutoff *cutoff, uint64_t wall_ms)
{
    must(node_cutoff_valid(cutoff));
    must(wall_ms < (uint64_t)INT64_MAX / 2);
    int64_t local_ms = (int64_t)wall_ms + cutoff->utc_offset_minutes * MINUTE_MS;
    int64_t day = local_ms < 0 ? -1 : local_ms / DAY_MS;
    int64_t year = 1970 + day / 366, month = 1;
    while (days_before_year(year + 1) <= day)
        year++;
    for (int64_t rest = day - days_before_year(year); month < 12 && rest >= month_days(year, month);
         month++)
        rest -= month_days(year, month);
    int64_t at = cutoff_of(cutoff, year, month);
    if (at <= (int64_t)wall_ms)
        at = month == 12 ? cutoff_of(cutoff, year + 1, 1) : cutoff_of(cutoff, year, month + 1);
    return at > 0 ? (uint64_t)at : 0;
}
