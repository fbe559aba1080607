/* The sending half of hub_session: the feed's flow control and what is due after a commit. */
#include "common/must.h"
#include "hub/hub_session.h"

static uint64_t later(struct hub_session *session, uint64_t now_ms, uint32_t wait_ms)
{
    session->jitter = session->jitter * 1664525u + 1013904223u; /* Numerical Recipes' LCG */
    return now_ms + wait_ms + (session->jitter >> 16) % (wait_ms / 4 + 1);
}

void hub_session_moved(struct hub_session *session, bool at_once)
{
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        session->flows[i].moved = true;
        if (at_once)
            session->flows[i].look_ms = 0;
    }
    /* A dictionary that comes after its rules adds no entry: it stands at a number that may have
     * been looked at. */
    if (at_once && session->flows[FEED_CONTROL].open)
        session->flows[FEED_CONTROL].scanned = session->flows[FEED_CONTROL].number;
}

void hub_session_feed_later(struct hub_session *session, enum feed_stream stream, uint64_t now_ms)
{
    must(!session->flows[stream].batch);
    session->flows[stream].look_ms = now_ms + SESSION_LATER_MS;
}

void hub_session_fed(struct hub_session *session, enum feed_stream stream, uint64_t to,
                     uint64_t total, uint64_t now_ms)
{
    struct session_flow *flow = &session->flows[stream];
    must(flow->open && !flow->batch && to > flow->number && total > 0);
    flow->batch = true;
    flow->to = to;
    flow->total = total;
    flow->sent = flow->confirmed = 0;
    flow->deadline_ms = UINT64_MAX;
    flow->look_ms = now_ms + SESSION_LOOK_MS;
}

void hub_session_welcomed(struct hub_session *session, uint64_t number)
{
    session->flows[FEED_RECORDS].end = number;
}

bool hub_session_empty_due(const struct session_flow *flow, uint64_t to)
{
    return to >= flow->number + SESSION_EMPTY_STEPS ||
           (flow->number < flow->end && to >= flow->end);
}

size_t hub_session_batch_bytes(const struct session_flow *flow)
{
    size_t bytes = (size_t)flow->slice_bytes * SESSION_BATCH_SLICES;
    if (bytes < SESSION_BATCH_BYTES_MIN)
        return SESSION_BATCH_BYTES_MIN;
    return bytes < SESSION_BATCH_BYTES_MAX ? bytes : SESSION_BATCH_BYTES_MAX;
}

void hub_session_fed_nothing(struct hub_session *session, enum feed_stream stream, uint64_t to,
                             bool more, uint64_t now_ms)
{
    struct session_flow *flow = &session->flows[stream];
    must(to >= flow->scanned);
    flow->scanned = to;
    flow->moved = more;
    flow->look_ms = now_ms + (more ? SESSION_STEP_MS : SESSION_LOOK_MS);
}

/* The next slice follows what the link showed: larger when it was quick, smaller when it was slow.
 */
static void slice_adapt(struct session_flow *flow, uint64_t now_ms)
{
    uint64_t took_ms = now_ms > flow->sent_ms ? now_ms - flow->sent_ms : 0;
    if (took_ms <= SESSION_QUICK_MS) {
        flow->slice_bytes *= 2;
        if (flow->slice_bytes > FRAME_DATA_BYTES_MAX)
            flow->slice_bytes = FRAME_DATA_BYTES_MAX;
    } else if (took_ms >= SESSION_SLOW_MS && flow->slice_bytes > FRAME_DATA_BYTES_MIN) {
        flow->slice_bytes = flow->slice_bytes / 2 < FRAME_DATA_BYTES_MIN ? FRAME_DATA_BYTES_MIN
                                                                         : flow->slice_bytes / 2;
    }
    flow->retry_ms = SESSION_RETRY_MS_MIN;
}

static void flow_replace(struct session_flow *flow, uint64_t number, uint64_t now_ms)
{
    flow->batch = false;
    flow->to = flow->total = flow->sent = flow->confirmed = 0;
    flow->deadline_ms = UINT64_MAX;
    flow->back = 0;
    if (number < flow->number || flow->scanned < number)
        flow->scanned = number;
    flow->number = number;
    flow->moved = true;
    flow->look_ms = now_ms; /* the next batch goes at once */
}

void hub_session_confirm(struct hub_session *session, const struct confirm *confirm,
                         uint64_t journal_epoch, uint64_t journal_number, uint64_t now_ms)
{
    if (session->state == SESSION_AWAY) {
        hub_session_refuse(session, ERR_STATE);
        return;
    }
    must(confirm->stream < FEED_STREAMS);
    struct session_flow *flow = &session->flows[confirm->stream];
    if (!flow->open || confirm->epoch != journal_epoch || confirm->number > journal_number)
        return;
    if (confirm->number > flow->number) {
        if (flow->batch && confirm->number == flow->to)
            slice_adapt(flow, now_ms);
        flow_replace(flow, confirm->number, now_ms);
        return;
    }
    if (confirm->number < flow->number) {
        /* Once it may be a late message; twice the same is a node that stands there. */
        if (flow->back == confirm->number + 1)
            flow_replace(flow, confirm->number, now_ms);
        else
            flow->back = confirm->number + 1;
        return;
    }
    if (!flow->batch || confirm->offset <= flow->confirmed || confirm->offset > flow->total)
        return;
    flow->confirmed = confirm->offset;
    if (flow->sent < flow->confirmed)
        flow->sent = flow->confirmed; /* kept from before a cut */
    slice_adapt(flow, now_ms);
    flow->sent_ms = now_ms;
    flow->deadline_ms = later(session, now_ms, flow->retry_ms);
}

/* The slice that may go out now, if any. */
static uint32_t slice_due(const struct session_flow *flow)
{
    if (!flow->batch || flow->sent >= flow->total ||
        flow->sent - flow->confirmed >= (uint64_t)SESSION_WINDOW_SLICES * flow->slice_bytes)
        return 0;
    uint64_t left = flow->total - flow->sent;
    return left < flow->slice_bytes ? (uint32_t)left : flow->slice_bytes;
}

static bool look_due(const struct session_flow *flow)
{
    return flow->open && !flow->batch && flow->moved;
}

bool hub_session_next(struct hub_session *session, uint64_t now_ms,
                      struct session_action *ret_action)
{
    if (session->busy_ms > now_ms)
        return false;
    session->busy_ms = 0;
    struct session_action action = { .kind = SESSION_SEND_REFUSE };
    if (session->refuse.due) {
        *ret_action = action;
        return true;
    }
    if (session->welcome.due) {
        action.kind = SESSION_SEND_WELCOME;
        *ret_action = action;
        return true;
    }
    if (session->state == SESSION_AWAY)
        return false;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (session->progress[i].due) {
            *ret_action =
                (struct session_action){ .kind = SESSION_SEND_PROGRESS, .lane = (enum lane)i };
            return true;
        }
    }
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct session_ack *due = &session->acks[i];
        if (due->first != 0) {
            *ret_action = (struct session_action){ .kind = SESSION_SEND_ACK,
                                                   .lane = (enum lane)i,
                                                   .first = due->first,
                                                   .last = due->last };
            return true;
        }
    }
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        const struct session_flow *flow = &session->flows[i];
        uint32_t bytes = slice_due(flow);
        if (bytes > 0) {
            *ret_action = (struct session_action){ .kind = SESSION_SEND_FEED,
                                                   .stream = (enum feed_stream)i,
                                                   .offset = flow->sent,
                                                   .bytes = bytes };
            return true;
        }
        if (look_due(flow) && flow->look_ms <= now_ms) {
            *ret_action = (struct session_action){ .kind = SESSION_BUILD_FEED,
                                                   .stream = (enum feed_stream)i,
                                                   .first = flow->scanned };
            return true;
        }
    }
    return false;
}

void hub_session_sent(struct hub_session *session, const struct session_action *action,
                      uint64_t last, enum err result, uint64_t now_ms)
{
    if (result == ERR_BUSY) {
        session->busy_ms = now_ms + SESSION_BUSY_MS;
        return;
    }
    if (result != OK) {
        hub_session_away(session);
        return;
    }
    struct session_flow *flow = &session->flows[action->stream];
    struct session_ack *ack = &session->acks[action->lane];
    switch (action->kind) {
    case SESSION_SEND_REFUSE:
        session->refuse.due = false;
        return;
    case SESSION_SEND_WELCOME:
        session->welcome.due = false;
        return;
    case SESSION_SEND_PROGRESS:
        session->progress[action->lane].due = false;
        return;
    case SESSION_SEND_ACK:
        must(last >= action->first && last <= ack->last);
        ack->first = last + 1;
        if (ack->first > ack->last)
            *ack = (struct session_ack){ .first = 0 };
        return;
    case SESSION_SEND_FEED:
        must(flow->batch && action->offset == flow->sent);
        if (flow->sent == flow->confirmed)
            flow->sent_ms = now_ms;
        flow->sent += action->bytes;
        if (flow->deadline_ms == UINT64_MAX)
            flow->deadline_ms = later(session, now_ms, flow->retry_ms);
        return;
    case SESSION_BUILD_FEED:
        break;
    }
    must_failed("an action that sends", __FILE__, __LINE__);
}

void hub_session_tick(struct hub_session *session, uint64_t now_ms)
{
    if (session->state != SESSION_AWAY && now_ms > session->heard_ms + SESSION_SILENCE_MS)
        hub_session_away(session);
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        struct session_flow *flow = &session->flows[i];
        if (!flow->batch || now_ms < flow->deadline_ms)
            continue;
        flow->sent = flow->confirmed;
        flow->slice_bytes = FRAME_DATA_BYTES_MIN;
        flow->retry_ms =
            flow->retry_ms * 2 > SESSION_RETRY_MS_MAX ? SESSION_RETRY_MS_MAX : flow->retry_ms * 2;
        flow->deadline_ms = UINT64_MAX;
    }
}

uint64_t hub_session_wake_ms(const struct hub_session *session)
{
    uint64_t wake_ms = UINT64_MAX;
    if (session->busy_ms > 0)
        return session->busy_ms;
    if (session->state == SESSION_AWAY)
        return UINT64_MAX;
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        const struct session_flow *flow = &session->flows[i];
        if (flow->batch && flow->deadline_ms < wake_ms)
            wake_ms = flow->deadline_ms;
        if (look_due(flow) && flow->look_ms < wake_ms)
            wake_ms = flow->look_ms;
    }
    return wake_ms;
}
