/* What time it is, as well as a netbook with a dead clock battery can know, and when the month's
 * cut-off is. Pure. The hub's WELCOME names its time; from then on that time goes on with our own
 * clocks. Time decides nothing (order comes from chains and journal numbers): this is for people.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_WRONG_MS (10 * 60 * 1000)        /* so far from the hub's is wrong */
#define CLOCK_MS_MAX UINT64_C(253402300800000) /* the year 10,000: no time */

struct node_clock {
    bool heard;             /* since the start of the daemon */
    uint64_t hub_ms;        /* wall time, as the hub said it last */
    uint64_t heard_now_ms;  /* then: monotonic */
    uint64_t heard_wall_ms; /* and our own wall clock */
    uint64_t floor_ms;      /* no right clock shows less: the hub said this once */
};

/* A WELCOME named `hub_ms`. */
void node_clock_hear(struct node_clock *clock, uint64_t hub_ms, uint64_t now_ms, uint64_t wall_ms);

enum clock_source {
    CLOCK_HUB,    /* the hub's time */
    CLOCK_OWN,    /* our own, which nothing contradicts */
    CLOCK_NOBODY, /* our own is impossible and the hub has not spoken: nobody knows */
};
/* *ret_ms is our own clock's with CLOCK_NOBODY. */
enum clock_source node_clock_now(const struct node_clock *clock, uint64_t now_ms, uint64_t wall_ms,
                                 uint64_t *ret_ms);
/* What an author's claim says: the same, and with CLOCK_NOBODY the last moment that is certain. The
 * hub compares it with terms of office and dates of codes; it may be early, never impossible. */
uint64_t node_clock_claim(const struct node_clock *clock, uint64_t now_ms, uint64_t wall_ms);
/* How far our own clock is ahead of the hub's (negative: behind). False: not known. */
bool node_clock_off(const struct node_clock *clock, uint64_t now_ms, uint64_t wall_ms,
                    int64_t *ret_off_ms);

/* The cut-off of every month, as the policy's settings name it. */
struct node_cutoff {
    int64_t day; /* 1..31, the last day in shorter months; 0: there is none */
    int64_t hour, minute;
    int64_t utc_offset_minutes; /* of the office */
};
/* Whether the numbers name a cut-off. */
bool node_cutoff_valid(const struct node_cutoff *cutoff);
/* The next one after `wall_ms`; from the moment of one on, that of the next month. */
uint64_t node_cutoff_next(const struct node_cutoff *cutoff, uint64_t wall_ms);
