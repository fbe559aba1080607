/* How fast the link is and how long what waits will take. Pure. A measure is a bundle that went out
 * whole and was acknowledged: its bytes, and the milliseconds from its first byte to the answer.
 * Long bundles measure the link; short ones measure little but the wait for the answer and count
 * only while nothing better is known. Old measures fade, so that the rate follows the link. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FORECAST_LARGE_BYTES 4096u          /* a bundle of this size measures the link */
#define FORECAST_WINDOW_MS 120000u          /* of sending: then older measures count half */
#define FORECAST_WINDOW_BYTES (512u * 1024) /* the same on a fast link */
#define FORECAST_BYTES_MIN 128u             /* less says nothing */

struct node_rate {
    struct node_measure {
        uint64_t bytes, ms;
    } large, small;
};

void node_rate_add(struct node_rate *rate, uint64_t bytes, uint64_t took_ms);
/* What an earlier run of the daemon measured: counts like one bundle, so that the next ones
 * overrule it. 0: nothing was known. */
void node_rate_restore(struct node_rate *rate, uint64_t bytes_s);
/* 0: unknown. */
uint64_t node_rate_bytes_s(const struct node_rate *rate);
/* Seconds until `bytes` have gone out and been answered, rounded up; 0 for nothing. False: the rate
 * is unknown; *ret_s is untouched. */
bool node_forecast(const struct node_rate *rate, uint64_t bytes, uint64_t *ret_s);
