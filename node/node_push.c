#include "node/node_push.h"

#include "common/must.h"

static uint64_t smaller(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t wait_ms(const struct node_push *push, unsigned timeouts)
{
    return smaller(push->wait_ms << timeouts, NODE_WAIT_MS_MAX);
}

void node_push_open(struct node_push *push)
{
    *push = (struct node_push){ .loading = -1,
                                .wait_ms = NODE_WAIT_MS_FIRST,
                                .bundle_bytes = NODE_BUNDLE_BYTES_MIN,
                                .slice_bytes = NODE_SLICE_BYTES_FIRST,
                                .bundle_items = NODE_BUNDLE_ITEMS_MIN,
                                .window_slices = NODE_WINDOW_SLICES_MIN };
}

static void flight_end(struct node_push *push, enum lane lane)
{
    struct push_lane *at = &push->lanes[lane];
    if (at->flight.active)
        at->drop = true;
    at->flight = (struct push_flight){ .active = false };
}

void node_push_reset(struct node_push *push)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        flight_end(push, (enum lane)i);
        push->lanes[i] = (struct push_lane){ .drop = push->lanes[i].drop };
    }
    push->hub_lost = false;
    push->loading = -1;
}

/* ---- sizes follow what the link shows */

static void shrink(struct node_push *push)
{
    push->slice_bytes = larger(push->slice_bytes / 2, FRAME_DATA_BYTES_MIN);
    push->bundle_bytes = larger(push->bundle_bytes / 2, NODE_BUNDLE_BYTES_MIN);
    push->bundle_items = (unsigned)larger(push->bundle_items / 2, NODE_BUNDLE_ITEMS_MIN);
    push->window_slices = NODE_WINDOW_SLICES_MIN;
}

/* One slice was answered after `took_ms`. */
static void measure(struct node_push *push, uint64_t took_ms, uint64_t bytes)
{
    push->mean_ms = push->mean_ms == 0 ? larger(took_ms, 1) : (7 * push->mean_ms + took_ms) / 8;
    push->wait_ms = smaller(larger(3 * push->mean_ms, NODE_WAIT_MS_MIN), NODE_WAIT_MS_MAX);
    if (took_ms <= NODE_SLICE_QUICK_MS && bytes >= push->slice_bytes / 2) {
        push->slice_bytes = smaller(push->slice_bytes * 2, FRAME_DATA_BYTES_MAX);
        if (push->window_slices < NODE_WINDOW_SLICES_MAX)
            push->window_slices++;
    } else if (took_ms >= NODE_SLICE_SLOW_MS) {
        push->slice_bytes = larger(push->slice_bytes / 2, FRAME_DATA_BYTES_MIN);
        push->window_slices = NODE_WINDOW_SLICES_MIN;
    }
}

static void probe_end(struct node_push *push, struct push_flight *flight, uint64_t now_ms)
{
    if (flight->probe_bytes > 0 && !flight->repeated)
        measure(push, now_ms - flight->probe_ms, flight->probe_bytes);
    flight->probe_bytes = 0;
}

/* A bundle that filled its aim says something about the next one's; small ones say nothing. */
static void bundle_through(struct node_push *push, const struct push_flight *flight,
                           uint64_t now_ms)
{
    uint64_t took_ms = now_ms - flight->started_ms;
    uint64_t count = flight->run.last - flight->run.first + 1;
    if (flight->overtaken)
        return;
    bool filled = flight->run.total * 2 >= push->bundle_bytes || count * 2 >= push->bundle_items;
    if (filled && !flight->repeated && took_ms <= NODE_BUNDLE_QUICK_MS) {
        push->bundle_bytes = smaller(push->bundle_bytes * 2, NODE_BUNDLE_BYTES_MAX);
        push->bundle_items = (unsigned)smaller(push->bundle_items * 2, BUNDLE_ITEMS_MAX);
    } else if (took_ms >= NODE_BUNDLE_SLOW_MS) {
        push->bundle_bytes = larger(push->bundle_bytes / 2, NODE_BUNDLE_BYTES_MIN);
        push->bundle_items = (unsigned)larger(push->bundle_items / 2, NODE_BUNDLE_ITEMS_MIN);
    }
}

/* ---- what the hub says */

static bool partial_is(const struct node_push *push, const struct node_run *run)
{
    const struct welcome_partial *partial = &push->lanes[run->lane].partial;
    return partial->any && partial->first == run->first && partial->offset <= run->total &&
           memcmp(partial->tag, run->tag, BUNDLE_TAG_BYTES) == 0;
}

static void flight_place(struct push_flight *flight, uint64_t offset)
{
    must(offset <= flight->run.total);
    flight->confirmed = offset;
    flight->sent = offset;
    flight->probe_bytes = 0;
    flight->hurried = false;
}

void node_push_welcome(struct node_push *push, const struct node_facts *facts,
                       const struct welcome *welcome, uint64_t now_ms)
{
    push->hub_lost = false;
    push->pause_ms = 0;
    push->busy_ms = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct push_lane *lane = &push->lanes[i];
        struct push_flight *flight = &lane->flight;
        uint64_t acked = facts->lanes[i].acked;
        lane->partial = welcome->partials[i];
        lane->received = welcome->lanes[i].received;
        lane->done = smaller(acked, lane->received);
        lane->grace_ms = lane->received > acked ? now_ms + push->wait_ms : 0;
        push->hub_lost = push->hub_lost || lane->received < acked;
        if (!flight->active)
            continue;
        flight->timeouts = 0;
        flight->repeated = true;
        flight->hub_has = false;
        flight->timer_ms = now_ms + push->wait_ms;
        if (lane->received >= flight->run.last && flight->run.last > lane->done) {
            flight->hub_has = true;
            flight_place(flight, flight->run.total);
        } else if (flight->run.first > lane->done + 1 || flight->run.last <= lane->done) {
            flight_end(push, (enum lane)i);
        } else {
            flight_place(flight, partial_is(push, &flight->run) ? lane->partial.offset : 0);
        }
    }
}

void node_push_loaded(struct node_push *push, const struct node_run *run, uint64_t now_ms)
{
    struct push_flight *flight = &push->lanes[run->lane].flight;
    must(push->loading == (int)run->lane && !flight->active);
    must(run->first > 0 && run->last >= run->first && run->total > 0);
    push->loading = -1;
    *flight = (struct push_flight){
        .active = true, .run = *run, .started_ms = now_ms, .timer_ms = now_ms + push->wait_ms
    };
    if (partial_is(push, run)) {
        flight_place(flight, push->lanes[run->lane].partial.offset);
        flight->repeated = true;
    }
    push->lanes[run->lane].partial.any = false;
}

void node_push_missing(struct node_push *push, uint64_t now_ms)
{
    must(push->loading >= 0);
    push->lanes[push->loading].grace_ms = now_ms + NODE_WAIT_MS_MAX;
    push->loading = -1;
}

void node_push_progress(struct node_push *push, const struct progress *progress, uint64_t now_ms)
{
    struct push_flight *flight = &push->lanes[progress->lane].flight;
    if (!flight->active || flight->run.first != progress->first ||
        progress->offset > flight->run.total || flight->hub_has)
        return;
    push->busy_ms = 0;
    if (progress->offset > flight->confirmed) {
        if (flight->probe_bytes > 0 && progress->offset >= flight->probe_offset)
            probe_end(push, flight, now_ms);
        flight->confirmed = progress->offset;
        flight->sent = larger(flight->sent, flight->confirmed);
        flight->timeouts = 0;
        flight->hurried = false;
        flight->timer_ms = now_ms + push->wait_ms;
    } else if (progress->offset < flight->confirmed) {
        /* The hub put the slices away, for another bundle or by a restart. */
        flight->repeated = true;
        flight_place(flight, progress->offset);
    } else if (flight->sent > flight->confirmed && !flight->hurried) {
        flight->repeated = true;
        flight_place(flight, flight->confirmed);
        flight->hurried = true;
    }
    must(flight->sent >= flight->confirmed);
}

bool node_push_news(const struct node_push *push, const struct node_facts *facts,
                    const struct node_ack *ack)
{
    const struct push_lane *lane = &push->lanes[ack->lane];
    uint64_t acked = facts->lanes[ack->lane].acked;
    if (ack->last > facts->lanes[ack->lane].highest || ack->first > ack->last + 1)
        return false;
    if (ack->last > acked)
        return ack->first <= acked + 1;
    return ack->last > lane->done || ack->keep_from > lane->keep_from ||
           ack->epoch > lane->ack_epoch ||
           (ack->epoch == lane->ack_epoch && ack->number > lane->ack_number);
}

void node_push_acked(struct node_push *push, const struct node_ack *ack, uint64_t now_ms)
{
    struct push_lane *lane = &push->lanes[ack->lane];
    struct push_flight *flight = &lane->flight;
    lane->ack_epoch = ack->epoch;
    lane->ack_number = ack->number;
    lane->keep_from = larger(lane->keep_from, ack->keep_from);
    lane->done = larger(lane->done, ack->last);
    if (lane->grace_ms > 0)
        lane->grace_ms = lane->done < lane->received ? now_ms + push->wait_ms : 0;
    push->busy_ms = 0;
    if (!flight->active || lane->done < flight->run.first)
        return;
    if (lane->done < flight->run.last) { /* answered in parts */
        flight->timeouts = 0;
        flight->timer_ms = now_ms + push->wait_ms;
        return;
    }
    probe_end(push, flight, now_ms);
    bundle_through(push, flight, now_ms);
    flight_end(push, ack->lane);
}

void node_push_gap(struct node_push *push, const struct node_facts *facts, enum lane lane,
                   uint64_t seq, uint64_t now_ms)
{
    struct push_lane *at = &push->lanes[lane];
    must(seq > 0 && seq <= facts->lanes[lane].highest + 1);
    uint64_t acked = facts->lanes[lane].acked;
    bool same = at->flight.active && at->flight.run.first == seq;
    flight_end(push, lane);
    at->received = seq - 1;
    at->done = smaller(acked, at->received);
    push->hub_lost = push->hub_lost || at->received < acked;
    /* The hub has more than it answered, or asks for what it just refused: not at once. */
    at->grace_ms = at->received > acked || same ? now_ms + push->wait_ms : 0;
}

void node_push_remake(struct node_push *push, enum lane lane)
{
    flight_end(push, lane);
    shrink(push);
}

void node_push_pause(struct node_push *push, uint64_t until_ms)
{
    push->pause_ms = larger(push->pause_ms, until_ms);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct push_flight *flight = &push->lanes[i].flight;
        if (flight->active) {
            flight->timer_ms = larger(flight->timer_ms, push->pause_ms + push->wait_ms);
            flight->repeated = true;
        }
    }
}

void node_push_busy(struct node_push *push, const struct node_action *action, uint64_t now_ms)
{
    struct push_flight *flight = &push->lanes[action->lane].flight;
    must(flight->active && action->offset <= flight->sent);
    flight->sent = larger(action->offset, flight->confirmed);
    flight->probe_bytes = 0;
    push->busy_ms =
        push->busy_ms == 0 ? NODE_BUSY_MS_MIN : smaller(push->busy_ms * 2, NODE_BUSY_MS_MAX);
    push->pause_ms = now_ms + push->busy_ms;
}

void node_push_unlinked(struct node_push *push)
{
    push->busy_ms = 0;
    push->pause_ms = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        push->lanes[i].flight.probe_bytes = 0;
}

/* ---- time */

/* Nothing of it is out, because a faster lane goes first: no answer can be late. */
static bool flight_rests(const struct node_push *push, unsigned lane)
{
    const struct push_flight *flight = &push->lanes[lane].flight;
    bool faster = false;
    for (unsigned i = 0; i < lane; i++)
        faster = faster || push->lanes[i].flight.active;
    return faster && flight->sent == flight->confirmed && flight->sent < flight->run.total;
}

enum push_state node_push_tick(struct node_push *push, uint64_t now_ms)
{
    enum push_state state = NODE_PUSH_FINE;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct push_flight *flight = &push->lanes[i].flight;
        if (!flight->active || flight->timer_ms > now_ms)
            continue;
        if (flight_rests(push, i)) {
            flight->timer_ms = now_ms + wait_ms(push, flight->timeouts);
            continue;
        }
        shrink(push);
        flight->timeouts++;
        flight->timer_ms = now_ms + wait_ms(push, flight->timeouts);
        if (flight->timeouts > NODE_TIMEOUTS_MAX) {
            flight->timeouts = 0;
            state = NODE_PUSH_LOST;
            continue;
        }
        bool all_sent = flight->sent == flight->run.total;
        if (flight->hub_has) {
            flight->hub_has = false;
            flight_place(flight, 0);
        } else if (all_sent && flight->run.total > push->slice_bytes) {
            /* Asking costs less than sending it all again. */
            state = state == NODE_PUSH_LOST ? state : NODE_PUSH_ASK;
        } else {
            flight_place(flight, flight->confirmed == flight->run.total ? 0 : flight->confirmed);
        }
        flight->repeated = true;
    }
    return state;
}

static bool lane_wants(const struct node_push *push, const struct node_facts *facts, unsigned lane,
                       uint64_t now_ms)
{
    const struct push_lane *at = &push->lanes[lane];
    if (at->flight.active)
        return at->flight.sent < at->flight.run.total;
    return at->done < facts->lanes[lane].highest && at->grace_ms <= now_ms;
}

static bool window_is_full(const struct node_push *push, unsigned lane)
{
    const struct push_flight *flight = &push->lanes[lane].flight;
    return flight->active &&
           flight->sent - flight->confirmed >= push->window_slices * push->slice_bytes;
}

/* The fastest lane that has something, unless a slower one has been passed often enough; -1: none.
 * While the fastest waits for room in its window the others do not fill the link. */
static int lane_next(const struct node_push *push, const struct node_facts *facts, uint64_t now_ms)
{
    int first = -1;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (!lane_wants(push, facts, i, now_ms))
            continue;
        if (first < 0)
            first = (int)i;
        else if (push->lanes[i].passed >= NODE_PASSED_MAX && !window_is_full(push, i))
            return (int)i;
    }
    return first >= 0 && window_is_full(push, (unsigned)first) ? -1 : first;
}

static void slice_next(struct node_push *push, const struct node_facts *facts, enum lane lane,
                       uint64_t now_ms, struct node_action *ret_action)
{
    struct push_flight *flight = &push->lanes[lane].flight;
    must(flight->active && flight->sent < flight->run.total);
    uint64_t bytes = smaller(push->slice_bytes, flight->run.total - flight->sent);
    *ret_action = (struct node_action){
        .kind = NODE_SEND_SLICE, .lane = lane, .offset = flight->sent, .bytes = bytes
    };
    if (flight->sent == flight->confirmed)
        flight->timer_ms = larger(flight->timer_ms, now_ms + wait_ms(push, flight->timeouts));
    flight->sent += bytes;
    if (flight->probe_bytes == 0) {
        flight->probe_offset = flight->sent;
        flight->probe_ms = now_ms;
        flight->probe_bytes = bytes;
    }
    push->lanes[lane].passed = 0;
    for (unsigned i = lane + 1u; i < LANE_COUNT; i++) {
        if (!lane_wants(push, facts, i, now_ms))
            continue;
        push->lanes[i].passed++;
        push->lanes[i].flight.overtaken = true;
    }
}

static void load_next(struct node_push *push, enum lane lane, struct node_action *ret_action)
{
    *ret_action = (struct node_action){ .kind = NODE_LOAD_RUN,
                                        .lane = lane,
                                        .first = push->lanes[lane].done + 1,
                                        .max_items = push->bundle_items,
                                        .max_bytes = push->bundle_bytes,
                                        .all_keys = push->hub_lost };
    push->loading = (int)lane;
}

bool node_push_next(struct node_push *push, const struct node_facts *facts, uint64_t now_ms,
                    struct node_action *ret_action)
{
    must(push->loading < 0);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (push->lanes[i].drop) {
            push->lanes[i].drop = false;
            *ret_action = (struct node_action){ .kind = NODE_DROP_RUN, .lane = (enum lane)i };
            return true;
        }
    }
    int lane = push->pause_ms > now_ms ? -1 : lane_next(push, facts, now_ms);
    if (lane < 0)
        return false;
    if (push->lanes[lane].flight.active)
        slice_next(push, facts, (enum lane)lane, now_ms, ret_action);
    else
        load_next(push, (enum lane)lane, ret_action);
    return true;
}

uint64_t node_push_in_flight(const struct node_push *push)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct push_lane *lane = &push->lanes[i];
        if (lane->flight.active)
            count += lane->flight.run.last - larger(lane->flight.run.first - 1, lane->done);
    }
    return count;
}

uint64_t node_push_wake_ms(const struct node_push *push, uint64_t now_ms)
{
    uint64_t wake_ms = push->pause_ms > now_ms ? push->pause_ms : UINT64_MAX;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct push_lane *lane = &push->lanes[i];
        if (lane->flight.active)
            wake_ms = smaller(wake_ms, lane->flight.timer_ms);
        if (lane->grace_ms > now_ms)
            wake_ms = smaller(wake_ms, lane->grace_ms);
    }
    return wake_ms;
}
