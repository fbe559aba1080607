/* A session in the middle of things, and events for it: for the tests of hub_session. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "hub/hub_session.h"

#define NOW_MS 1000000ull

static const struct id A = { .at = { 0xa } }, B = { .at = { 0xb } }, C = { .at = { 0xc } };

static struct hub_session session;
static struct hello hello;
static struct hello_facts facts;

/* A node in incarnation A with 5 entries of the normal lane, all here, known to the hub as active.
 */
static inline int setup(void **state)
{
    (void)state;
    hub_session_init(&session, 7);
    hub_session_heard(&session, NOW_MS);
    hello = (struct hello){ .version = 1,
                            .incarnation = A,
                            .nonce = { .at = { 1 } },
                            .seen_epoch = 1,
                            .seen_number = 50,
                            .wants_records = true };
    hello.lanes[LANE_NORMAL] = (struct hello_lane){ .acked = 5, .highest = 5 };
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        hello.cursors[i] = (struct cursor){ .epoch = 1, .number = 40 };
    facts = (struct hello_facts){ .epoch = 1, .number = 60, .any_active = true, .active = A };
    facts.own.state = INCARNATION_ACTIVE;
    facts.own.lanes[LANE_NORMAL].received = 5;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        facts.head_fits[i] = true;
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        facts.proven[i] = true;
    return 0;
}

static inline enum hello_verdict judge(void)
{
    return hub_session_judge(&session, &hello, &facts);
}

static inline enum hello_verdict say_hello(void)
{
    enum hello_verdict verdict = judge();
    hub_session_hello(&session, &hello, verdict, &facts, &facts.own, NOW_MS);
    return verdict;
}

static inline bool next(struct session_action *ret)
{
    return hub_session_next(&session, NOW_MS, ret);
}

static inline void sent(const struct session_action *action)
{
    hub_session_sent(&session, action, action->last, OK, NOW_MS);
}

static inline enum session_action_kind next_kind(void)
{
    struct session_action action;
    assert_true(next(&action));
    return action.kind;
}

/* Sends what is due until only the feed is left. */
static inline void drain(void)
{
    struct session_action action;
    while (next(&action) && action.kind != SESSION_BUILD_FEED && action.kind != SESSION_SEND_FEED)
        sent(&action);
}

static inline struct push push_of(uint64_t first, uint64_t total, uint64_t offset, size_t len,
                                  uint8_t tag)
{
    static const uint8_t data[FRAME_DATA_BYTES_MAX + 1];
    return (struct push){ .lane = LANE_NORMAL,
                          .first = first,
                          .has_tag = true,
                          .tag = { tag },
                          .total = total,
                          .offset = offset,
                          .data = bytes_of(data, len) };
}

static inline enum push_verdict push(struct push slice, bool *ret_assembled)
{
    return hub_session_push(&session, &slice, NOW_MS, ret_assembled);
}

static inline struct bundle_facts bundle_of(uint64_t first, unsigned count)
{
    return (struct bundle_facts){ .lane = LANE_NORMAL,
                                  .first = first,
                                  .count = count,
                                  .bytes = 1000,
                                  .head_fits = true,
                                  .verified = true,
                                  .same_leaves = true };
}
