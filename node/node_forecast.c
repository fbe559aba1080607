#include "node/node_forecast.h"

#define RESTORED_MS 2000u

static void measure_add(struct node_measure *measure, uint64_t bytes, uint64_t ms)
{
    if (measure->ms + ms > FORECAST_WINDOW_MS || measure->bytes + bytes > FORECAST_WINDOW_BYTES) {
        measure->bytes /= 2;
        measure->ms /= 2;
    }
    measure->bytes += bytes;
    measure->ms += ms;
}

void node_rate_add(struct node_rate *rate, uint64_t bytes, uint64_t took_ms)
{
    /* What took longer than any bundle may is a machine that slept. */
    if (bytes < FORECAST_BYTES_MIN || bytes > UINT32_MAX || took_ms > 3600u * 1000)
        return;
    measure_add(bytes >= FORECAST_LARGE_BYTES ? &rate->large : &rate->small, bytes,
                took_ms > 0 ? took_ms : 1);
}

void node_rate_restore(struct node_rate *rate, uint64_t bytes_s)
{
    if (bytes_s == 0 || bytes_s > UINT32_MAX)
        return;
    *rate = (struct node_rate){ .large = { bytes_s * RESTORED_MS / 1000, RESTORED_MS } };
}

uint64_t node_rate_bytes_s(const struct node_rate *rate)
{
    const struct node_measure *best = rate->large.ms > 0 ? &rate->large : &rate->small;
    if (best->ms == 0)
        return 0;
    uint64_t bytes_s = best->bytes * 1000 / best->ms;
    return bytes_s > 0 ? bytes_s : 1;
}

bool node_forecast(const struct node_rate *rate, uint64_t bytes, uint64_t *ret_s)
{
    uint64_t bytes_s = node_rate_bytes_s(rate);
    if (bytes_s == 0 && bytes > 0)
        return false;
    *ret_s = bytes == 0 ? 0 : (bytes - 1) / bytes_s + 1;
    return true;
}
