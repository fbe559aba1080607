#include "node/node_session.h"

#include "common/must.h"

#define BIT(state) (1u << (state))

static const unsigned successors[NODE_STATES] = {
    [NODE_UNENROLLED] = BIT(NODE_ENROLLING) | BIT(NODE_OFFLINE),
    [NODE_ENROLLING] = BIT(NODE_UNENROLLED) | BIT(NODE_OFFLINE),
    [NODE_OFFLINE] = BIT(NODE_LINKED) | BIT(NODE_WAITING) | BIT(NODE_REOPENING),
    [NODE_LINKED] = BIT(NODE_OFFLINE) | BIT(NODE_WAITING) | BIT(NODE_REOPENING),
    [NODE_WAITING] = BIT(NODE_OFFLINE) | BIT(NODE_LINKED) | BIT(NODE_REOPENING),
    [NODE_REOPENING] = BIT(NODE_OFFLINE),
};

const char *node_state_name(enum node_state state)
{
    static const char *const names[NODE_STATES] = {
        [NODE_UNENROLLED] = "unenrolled", [NODE_ENROLLING] = "enrolling",
        [NODE_OFFLINE] = "offline",       [NODE_LINKED] = "linked",
        [NODE_WAITING] = "waiting",       [NODE_REOPENING] = "reopening",
    };
    must(state < NODE_STATES);
    return names[state];
}

static void move(struct node_session *session, enum node_state to)
{
    must((successors[session->state] & BIT(to)) != 0);
    session->state = to;
}

uint64_t node_backoff_ms(unsigned attempt, uint32_t random)
{
    uint64_t full = NODE_BACKOFF_MS_MAX;
    if (attempt < 8 && (uint64_t)NODE_BACKOFF_MS_MIN << attempt < 2 * full)
        full = ((uint64_t)NODE_BACKOFF_MS_MIN << attempt) / 2;
    if (full < NODE_BACKOFF_MS_MIN)
        full = NODE_BACKOFF_MS_MIN;
    uint64_t delay = full / 2 + random % (full / 2 + 1);
    return delay < NODE_BACKOFF_MS_MIN ? NODE_BACKOFF_MS_MIN : delay;
}

static uint64_t spread(const struct node_session *session, uint64_t ms)
{
    return ms + session->random % (ms + 1);
}

void node_session_open(struct node_session *session, uint64_t now_ms)
{
    *session = (struct node_session){ .state = NODE_UNENROLLED,
                                      .now_ms = now_ms,
                                      .last = { .kind = NODE_RECONNECT } };
    node_push_open(&session->push);
}

static bool answering(const struct node_session *session)
{
    return session->state == NODE_LINKED || session->state == NODE_WAITING;
}

/* Towards OFFLINE; HELLO at once, or after its backoff when the last one is not answered. */
static void unlink_hub(struct node_session *session)
{
    move(session, NODE_OFFLINE);
    session->hello_waits = false;
    session->hello_wanted = false;
    session->retry_ms = session->now_ms;
    session->since_ms = session->now_ms;
    node_push_unlinked(&session->push);
}

static void batch_drop(struct node_session *session, enum feed_stream stream)
{
    if (session->batches[stream].active)
        session->drop_feed[stream] = true;
    session->batches[stream] = (struct node_batch){ .active = false };
}

/* ---- facts */

static void start_asking(struct node_session *session, enum node_state to)
{
    move(session, to);
    session->reconnect = true;
    session->attempts = 0;
    session->busy_tries = 0;
    session->hello_waits = false;
    session->retry_ms = session->now_ms;
}

static void reopen(struct node_session *session)
{
    move(session, NODE_REOPENING);
    session->reopen_due = true;
    session->retry_ms = session->now_ms;
    node_push_unlinked(&session->push);
}

/* A file brought what a batch under way was to bring. */
static void cursors_moved(struct node_session *session, const struct node_facts *facts)
{
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        if (facts->cursors[i].epoch != session->facts.cursors[i].epoch ||
            facts->cursors[i].number != session->facts.cursors[i].number)
            batch_drop(session, (enum feed_stream)i);
    }
}

static void facts_changed(struct node_session *session, const struct node_facts *facts)
{
    if (facts->operators_waiting > session->facts.operators_waiting) {
        session->operators_ms = session->now_ms;
        session->operator_tries = 0;
    }
    /* ACKs that overtook the statement of their epoch were not taken: HELLO brings them again. */
    uint64_t epoch_before = session->facts.cursors[FEED_CONTROL].epoch;
    if (answering(session) && epoch_before > 0 && facts->cursors[FEED_CONTROL].epoch > epoch_before)
        session->hello_wanted = true;
    session->facts = *facts;
    if (facts->enrolled &&
        (session->state == NODE_UNENROLLED || session->state == NODE_ENROLLING)) {
        start_asking(session, NODE_OFFLINE);
    } else if (facts->enrolling && session->state == NODE_UNENROLLED) {
        start_asking(session, NODE_ENROLLING);
    } else if (!facts->enrolling && session->state == NODE_ENROLLING) {
        move(session, NODE_UNENROLLED);
        session->reconnect = true;
    }
    if (!facts->wants_records)
        batch_drop(session, FEED_RECORDS);
    if (facts->stranded && answering(session))
        reopen(session);
    if (answering(session) && facts->wants_records != session->wants_said)
        session->hello_wanted = true;
}

/* ---- WELCOME */

static bool is_ahead(const struct node_session *session, const struct welcome *welcome)
{
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (welcome->lanes[i].received > session->facts.lanes[i].highest)
            return true;
    }
    return false;
}

static void linked(struct node_session *session, const struct welcome *welcome)
{
    if (session->state != NODE_LINKED) {
        move(session, NODE_LINKED);
        session->since_ms = session->now_ms;
        session->operators_ms = session->now_ms;
        session->operator_tries = 0;
    }
    session->reopens = 0;
    if (session->facts.wants_records != session->wants_said) /* unlocked since that HELLO */
        session->hello_wanted = true;
    node_push_welcome(&session->push, &session->facts, welcome, session->now_ms);
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        if (welcome->proven[i] || session->facts.cursors[i].number == 0)
            continue;
        /* Another journal than the one that we read: from its beginning, and the hub must know. */
        session->reset[i] = true;
        session->hello_wanted = true;
        batch_drop(session, (enum feed_stream)i);
    }
}

static void got_welcome(struct node_session *session, const struct node_event *event)
{
    const struct welcome *welcome = event->welcome;
    bool may = session->state == NODE_OFFLINE || answering(session);
    if (!may || !session->hello_waits) {
        session->ignored++;
        return;
    }
    session->hello_waits = false;
    session->attempts = 0;
    session->standing = welcome->standing;
    switch (welcome->standing) {
    case STANDING_REOPEN:
        reopen(session);
        return;
    case STANDING_WAITING:
        if (session->state != NODE_WAITING)
            move(session, NODE_WAITING);
        session->retry_ms = session->now_ms + spread(session, NODE_WAITING_MS);
        node_push_unlinked(&session->push);
        return;
    case STANDING_ACTIVE:
    case STANDING_QUARANTINED:
        if (event->fork || is_ahead(session, welcome))
            reopen(session);
        else
            linked(session, welcome);
        return;
    }
}

static void reopened(struct node_session *session)
{
    must(session->state == NODE_REOPENING);
    node_push_reset(&session->push);
    session->reopens++;
    unlink_hub(session);
    if (session->reopens > 1) /* the hub says so again: not in a tight circle */
        session->retry_ms =
            session->now_ms + node_backoff_ms(session->reopens + 1, session->random);
}

/* ---- ACK, feed */

static void got_ack(struct node_session *session, const struct node_ack *ack)
{
    bool may = session->state == NODE_OFFLINE || answering(session);
    if (!may || !node_push_news(&session->push, &session->facts, ack)) {
        session->ignored++;
        return;
    }
    session->ack_due = true;
    session->ack = *ack;
}

static void confirm_due(struct node_session *session, const struct feed *feed)
{
    session->batches[feed->stream].confirm_due = true;
    session->batches[feed->stream].confirm_epoch = feed->epoch;
}

static void got_feed(struct node_session *session, const struct feed *feed, bool same)
{
    struct node_batch *batch = &session->batches[feed->stream];
    bool wanted = feed->stream == FEED_CONTROL || session->facts.wants_records;
    if (session->state != NODE_LINKED || !wanted || session->reset[feed->stream] ||
        feed->epoch < session->facts.cursors[feed->stream].epoch || feed->to < feed->from ||
        feed->total > FEED_BYTES_MAX) {
        session->ignored++;
        return;
    }
    if (feed->from != session->facts.cursors[feed->stream].number) {
        /* A batch that is here already, or one that we cannot take: say where we are. */
        session->ignored++;
        confirm_due(session, feed);
        return;
    }
    bool other = batch->epoch != feed->epoch || batch->to != feed->to ||
                 batch->total != feed->total || !same;
    if (batch->active && other)
        batch_drop(session, feed->stream);
    if (feed->offset != batch->offset) {
        session->ignored++;
        confirm_due(session, feed);
        return;
    }
    session->take_due = true;
    session->take = (struct node_action){ .kind = NODE_TAKE_FEED,
                                          .stream = feed->stream,
                                          .start = !batch->active,
                                          .offset = feed->offset,
                                          .bytes = feed->data.len,
                                          .total = feed->total,
                                          .whole = feed->offset + feed->data.len == feed->total };
    if (!batch->active)
        *batch = (struct node_batch){
            .active = true, .epoch = feed->epoch, .to = feed->to, .total = feed->total
        };
    batch->offset += feed->data.len;
    must(batch->offset <= batch->total);
    confirm_due(session, feed);
}

static void feed_over(struct node_session *session, bool good)
{
    enum feed_stream stream = session->take.stream;
    uint64_t epoch = session->batches[stream].confirm_epoch;
    session->batches[stream] = (struct node_batch){ .active = false };
    if (good) {
        session->bad_feeds = 0;
        session->batches[stream].confirm_due = true;
        session->batches[stream].confirm_epoch = epoch;
        return;
    }
    /* The hub sends it again by itself; a HELLO makes it begin anew. */
    session->bad_feeds++;
    session->hello_wanted = true;
    session->hello_after_ms =
        session->now_ms + node_backoff_ms(session->bad_feeds + 1, session->random);
}

/* ---- REFUSE */

static void refused_lane(struct node_session *session, const struct node_event *event)
{
    uint64_t highest = session->facts.lanes[event->lane].highest;
    if (event->code == ERR_GAP && event->has_lane && event->seq > 0 && event->seq <= highest + 1) {
        node_push_gap(&session->push, &session->facts, event->lane, event->seq, session->now_ms);
        return;
    }
    /* Something of it was not to the hub's liking: again, but slowly, and made anew. */
    if (event->has_lane)
        node_push_remake(&session->push, event->lane);
    session->attempts++;
    node_push_pause(&session->push,
                    session->now_ms + node_backoff_ms(session->attempts + 2, session->random));
}

/* HELLO is answered by a refusal, or the session behind it is gone. */
static void ask_again(struct node_session *session, unsigned attempts)
{
    if (session->state != NODE_OFFLINE)
        unlink_hub(session);
    if (session->attempts < attempts)
        session->attempts = attempts;
    session->retry_ms = session->now_ms + node_backoff_ms(session->attempts, session->random);
}

static void got_refuse(struct node_session *session, const struct node_event *event)
{
    bool busy = event->code == ERR_BUSY || event->code == ERR_QUOTA;
    if (session->state == NODE_ENROLLING) {
        session->attempts += busy ? 0 : 2;
        session->hello_waits = false;
        session->retry_ms =
            session->now_ms + node_backoff_ms(session->attempts + 1, session->random);
        return;
    }
    /* About slices that were on their way when the link broke: HELLO asks already. */
    bool late = session->state == NODE_OFFLINE &&
                (event->code == ERR_STATE || event->code == ERR_GAP || event->code == ERR_FORK);
    if (late || (session->state != NODE_OFFLINE && !answering(session))) {
        session->ignored++;
        return;
    }
    if (event->code == ERR_DENIED) /* not enrolled any more, or not yet: no use in asking often */
        ask_again(session, 8);
    else if (event->code == ERR_WAITING && session->state == NODE_LINKED)
        ask_again(session, 4);
    else if (session->state != NODE_LINKED)
        ask_again(session, session->attempts);
    else if (event->code == ERR_FORK || event->code == ERR_STATE)
        ask_again(session, 0);
    else if (busy)
        node_push_pause(&session->push, session->now_ms + node_backoff_ms(2, session->random));
    else
        refused_lane(session, event);
}

/* ---- events */

static void got_enrol_state(struct node_session *session, enum enrol_standing standing)
{
    if (session->state != NODE_ENROLLING) {
        session->ignored++;
        return;
    }
    session->hello_waits = false;
    session->attempts = 0;
    session->retry_ms = session->now_ms + spread(session, NODE_APPROVAL_MS);
    if (standing == ENROL_WAITING)
        return;
    session->standing_due = true;
    session->approved = standing == ENROL_APPROVED;
}

static void kick(struct node_session *session)
{
    if (session->state != NODE_OFFLINE && session->state != NODE_ENROLLING)
        return;
    session->attempts = 0;
    uint64_t gap = session->hello_waits ? NODE_ANSWER_MS : NODE_HELLO_GAP_MS;
    uint64_t earliest = session->hello_ms == 0 ? 0 : session->hello_ms + gap;
    if (earliest < session->now_ms)
        earliest = session->now_ms;
    if (session->retry_ms > earliest)
        session->retry_ms = earliest;
}

/* No answer comes on this connection any more, and what leaves at once would still go into it. */
static void link_lost(struct node_session *session)
{
    if (answering(session)) {
        unlink_hub(session);
        session->attempts = 0;
    }
    session->hello_waits = false;
    if (session->state == NODE_OFFLINE && session->retry_ms < session->now_ms + NODE_RELINK_MS)
        session->retry_ms = session->now_ms + NODE_RELINK_MS;
}

static void not_sent(struct node_session *session)
{
    const struct node_action *last = &session->last;
    if (last->kind == NODE_SEND_SLICE) {
        node_push_busy(&session->push, last, session->now_ms);
    } else if (last->kind == NODE_SEND_CONFIRM) {
        session->batches[last->stream].confirm_due = true;
        node_push_pause(&session->push, session->now_ms + NODE_BUSY_MS_MIN);
    } else if (last->kind == NODE_SEND_HELLO || last->kind == NODE_SEND_ENROL) {
        if (session->state == NODE_LINKED)
            unlink_hub(session);
        session->attempts--; /* it did not leave */
        session->missed--;
        session->unsent++;
        session->hello_waits = false;
        uint64_t wait = NODE_NO_LINK_MS_MAX;
        if (session->busy_tries < NODE_NO_LINK_TRIES)
            wait = (uint64_t)NODE_NO_LINK_MS_MIN << session->busy_tries;
        session->busy_tries++;
        session->retry_ms = session->now_ms + wait / 2 + session->random % (wait / 2 + 1);
    }
}

static void failed(struct node_session *session)
{
    if (session->push.loading >= 0)
        node_push_missing(&session->push, session->now_ms);
    node_push_pause(&session->push, session->now_ms + NODE_REST_MS);
    if (session->last.kind == NODE_TAKE_FEED)
        feed_over(session, false);
    /* No feed before that is done; a new link finds again that it must be. */
    if (session->last.kind == NODE_RESET_CURSOR && session->state == NODE_LINKED) {
        unlink_hub(session);
        session->retry_ms = session->now_ms + NODE_REST_MS;
    }
    if (session->last.kind == NODE_REOPEN) {
        session->reopen_due = true;
        session->retry_ms = session->now_ms + NODE_REST_MS;
    }
}

/* What the passing of time brings about, whatever the event. */
static void pass_time(struct node_session *session)
{
    if (!answering(session))
        return;
    if (session->hello_waits && session->now_ms >= session->retry_ms) {
        unlink_hub(session);
        return;
    }
    if (session->state != NODE_LINKED)
        return;
    if (session->now_ms >= session->heard_ms + NODE_SILENCE_MS)
        session->hello_wanted = true;
    enum push_state state = node_push_tick(&session->push, session->now_ms);
    if (state == NODE_PUSH_LOST)
        unlink_hub(session);
    else if (state == NODE_PUSH_ASK)
        session->hello_wanted = true;
}

static void event_take(struct node_session *session, const struct node_event *event)
{
    switch (event->kind) {
    case NODE_TICK:
    case NODE_GOT_OPERATOR_STATE:
        return;
    case NODE_KICK:
        kick(session);
        return;
    case NODE_LINK_LOST:
        link_lost(session);
        return;
    case NODE_IDENTITY:
        session->reconnect = true;
        if (answering(session))
            unlink_hub(session);
        session->attempts = 0;
        session->retry_ms = session->now_ms;
        return;
    case NODE_GOT_WELCOME:
        got_welcome(session, event);
        return;
    case NODE_GOT_PROGRESS:
        if (session->state == NODE_LINKED)
            node_push_progress(&session->push, event->progress, session->now_ms);
        return;
    case NODE_GOT_ACK:
        got_ack(session, event->ack);
        return;
    case NODE_GOT_FEED:
        got_feed(session, event->feed, event->same);
        return;
    case NODE_GOT_ENROL_STATE:
        got_enrol_state(session, event->standing);
        return;
    case NODE_GOT_REFUSE:
        got_refuse(session, event);
        return;
    case NODE_LOADED:
        node_push_loaded(&session->push, event->run, session->now_ms);
        return;
    case NODE_MISSING:
        node_push_missing(&session->push, session->now_ms);
        return;
    case NODE_ACK_STORED:
        session->attempts = 0;
        node_push_acked(&session->push, &session->ack, session->now_ms);
        return;
    case NODE_FEED_STORED:
        feed_over(session, true);
        return;
    case NODE_FEED_BAD:
        feed_over(session, false);
        return;
    case NODE_REOPENED:
        reopened(session);
        return;
    case NODE_TOLD_REOPEN:
        if (session->state == NODE_OFFLINE || answering(session))
            reopen(session);
        return;
    case NODE_BUSY:
        not_sent(session);
        return;
    case NODE_FAILED:
        failed(session);
        return;
    }
}

static bool heard(enum node_event_kind kind)
{
    return kind == NODE_GOT_WELCOME || kind == NODE_GOT_PROGRESS || kind == NODE_GOT_ACK ||
           kind == NODE_GOT_FEED || kind == NODE_GOT_REFUSE || kind == NODE_GOT_OPERATOR_STATE ||
           kind == NODE_GOT_ENROL_STATE;
}

void node_session_step(struct node_session *session, const struct node_event *event)
{
    must(event->now_ms >= session->now_ms);
    session->now_ms = event->now_ms;
    session->random = event->random;
    if (event->facts != NULL && event->kind == NODE_KICK)
        cursors_moved(session, event->facts);
    if (event->facts != NULL)
        facts_changed(session, event->facts);
    if (heard(event->kind) && !event->carried) {
        session->heard_ms = event->now_ms;
        session->missed = 0;
        session->unsent = 0;
        session->busy_tries = 0;
    }
    event_take(session, event);
    pass_time(session);
}
