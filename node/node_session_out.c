/* The giving half of node_session: which action is next, and when time brings one. */
#include "node/node_session.h"

static bool hello_due(const struct node_session *session)
{
    switch (session->state) {
    case NODE_ENROLLING:
    case NODE_OFFLINE:
    case NODE_WAITING:
        return session->now_ms >= session->retry_ms;
    case NODE_LINKED:
        return session->hello_wanted && !session->hello_waits &&
               session->now_ms >= session->hello_after_ms;
    case NODE_UNENROLLED:
    case NODE_REOPENING:
    case NODE_STATES:
        break;
    }
    return false;
}

static void hello_left(struct node_session *session)
{
    session->attempts++;
    session->missed++;
    session->hello_ms = session->now_ms;
    session->hello_waits = true;
    session->hello_wanted = false;
    session->hello_after_ms = 0;
    session->wants_said = session->facts.wants_records;
    uint64_t wait = node_backoff_ms(session->attempts, session->random);
    session->retry_ms = session->now_ms + (wait < NODE_ANSWER_MS ? NODE_ANSWER_MS : wait);
}

static bool next_store(struct node_session *session, struct node_action *ret_action)
{
    if (session->ack_due) {
        session->ack_due = false;
        *ret_action = (struct node_action){ .kind = NODE_STORE_ACK, .lane = session->ack.lane };
        return true;
    }
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        if (!session->drop_feed[i])
            continue;
        session->drop_feed[i] = false;
        *ret_action = (struct node_action){ .kind = NODE_DROP_FEED, .stream = (enum feed_stream)i };
        return true;
    }
    if (session->take_due) {
        session->take_due = false;
        *ret_action = session->take;
        return true;
    }
    if (session->standing_due) {
        session->standing_due = false;
        *ret_action =
            (struct node_action){ .kind = NODE_STORE_STANDING, .approved = session->approved };
        return true;
    }
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        if (!session->reset[i])
            continue;
        session->reset[i] = false;
        *ret_action =
            (struct node_action){ .kind = NODE_RESET_CURSOR, .stream = (enum feed_stream)i };
        return true;
    }
    if (session->state == NODE_REOPENING && session->reopen_due &&
        session->now_ms >= session->retry_ms) {
        session->reopen_due = false;
        *ret_action = (struct node_action){ .kind = NODE_REOPEN };
        return true;
    }
    return false;
}

static bool next_asking(struct node_session *session, struct node_action *ret_action)
{
    bool due = hello_due(session);
    if (due && session->state != NODE_WAITING &&
        (session->missed >= NODE_ENDPOINT_TRIES || session->unsent >= NODE_NO_LINK_TRIES))
        session->reconnect = true;
    if (session->reconnect) {
        session->reconnect = false;
        session->missed = 0;
        session->unsent = 0;
        *ret_action = (struct node_action){ .kind = NODE_RECONNECT };
        return true;
    }
    if (!due)
        return false;
    *ret_action =
        (struct node_action){ .kind = session->state == NODE_ENROLLING ? NODE_SEND_ENROL
                                                                       : NODE_SEND_HELLO };
    hello_left(session);
    return true;
}

static bool next_linked(struct node_session *session, struct node_action *ret_action)
{
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        struct node_batch *batch = &session->batches[i];
        if (!batch->confirm_due || session->push.pause_ms > session->now_ms)
            continue;
        batch->confirm_due = false;
        *ret_action = (struct node_action){ .kind = NODE_SEND_CONFIRM,
                                            .stream = (enum feed_stream)i,
                                            .epoch = batch->confirm_epoch,
                                            .number = session->facts.cursors[i].number,
                                            .offset = batch->offset };
        return true;
    }
    if (session->facts.operators_waiting > 0 && session->now_ms >= session->operators_ms) {
        uint64_t wait = (uint64_t)NODE_OPERATORS_MS_MIN << session->operator_tries;
        if (wait < NODE_OPERATORS_MS_MAX)
            session->operator_tries++;
        else
            wait = NODE_OPERATORS_MS_MAX;
        session->operators_ms = session->now_ms + wait;
        *ret_action = (struct node_action){ .kind = NODE_SEND_OPERATORS };
        return true;
    }
    return node_push_next(&session->push, &session->facts, session->now_ms, ret_action);
}

bool node_session_next(struct node_session *session, struct node_action *ret_action)
{
    struct node_action action;
    bool any = next_store(session, &action) || next_asking(session, &action) ||
               (session->state == NODE_LINKED && next_linked(session, &action));
    if (!any)
        return false;
    session->last = action;
    *ret_action = action;
    return true;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t node_session_wake_ms(const struct node_session *session)
{
    switch (session->state) {
    case NODE_UNENROLLED:
        return UINT64_MAX;
    case NODE_ENROLLING:
    case NODE_OFFLINE:
    case NODE_WAITING:
    case NODE_REOPENING:
        return session->retry_ms;
    case NODE_LINKED:
    case NODE_STATES:
        break;
    }
    uint64_t wake_ms = node_push_wake_ms(&session->push, session->now_ms);
    if (session->hello_waits)
        wake_ms = sooner(wake_ms, session->retry_ms);
    else if (session->hello_wanted)
        wake_ms = sooner(wake_ms, session->hello_after_ms);
    else
        wake_ms = sooner(wake_ms, session->heard_ms + NODE_SILENCE_MS);
    if (session->facts.operators_waiting > 0)
        wake_ms = sooner(wake_ms, session->operators_ms);
    return wake_ms;
}
