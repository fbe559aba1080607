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

/* A node in incarnation A with 5 entries of the normal lane, all here, known to the hub as active. */
static int setup(void **state)
{
    (void)state;
    hub_session_init(&session, 7);
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

static enum hello_verdict judge(void)
{
    return hub_session_judge(&session, &hello, &facts);
}

static enum hello_verdict say_hello(void)
{
    enum hello_verdict verdict = judge();
    hub_session_hello(&session, &hello, verdict, &facts, &facts.own, NOW_MS);
    return verdict;
}

static bool next(struct session_action *ret)
{
    return hub_session_next(&session, NOW_MS, ret);
}

static void sent(const struct session_action *action)
{
    hub_session_sent(&session, action, action->last, OK, NOW_MS);
}

static enum session_action_kind next_kind(void)
{
    struct session_action action;
    assert_true(next(&action));
    return action.kind;
}

/* Sends what is due until only the feed is left. */
static void drain(void)
{
    struct session_action action;
    while (next(&action) && action.kind != SESSION_BUILD_FEED && action.kind != SESSION_SEND_FEED)
        sent(&action);
}

static struct push push_of(uint64_t first, uint64_t total, uint64_t offset, size_t len, uint8_t tag)
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

static enum push_verdict push(struct push slice, bool *ret_assembled)
{
    return hub_session_push(&session, &slice, NOW_MS, ret_assembled);
}

static struct bundle_facts bundle_of(uint64_t first, unsigned count)
{
    return (struct bundle_facts){ .lane = LANE_NORMAL,
                                  .first = first,
                                  .count = count,
                                  .bytes = 1000,
                                  .head_fits = true,
                                  .verified = true,
                                  .same_leaves = true };
}

/* ---- HELLO */

static void a_first_contact_opens_the_incarnation(void **state)
{
    (void)state;
    facts.any_active = false;
    facts.own = (struct hub_incarnation){ .state = INCARNATION_UNKNOWN };
    hello.lanes[LANE_NORMAL] = (struct hello_lane){ .highest = 3 };
    assert_int_equal(judge(), HELLO_OPEN);
}

static void the_active_incarnation_is_welcomed(void **state)
{
    (void)state;
    assert_int_equal(say_hello(), HELLO_WELCOME);
    assert_int_equal(session.state, SESSION_ACTIVE);
    assert_int_equal(session.welcome.standing, STANDING_ACTIVE);
    assert_true(id_equal(&session.welcome.nonce, &hello.nonce));
}

static void a_successor_of_the_active_one_is_opened(void **state)
{
    (void)state;
    hello.incarnation = B;
    hello.has_previous = true;
    hello.previous = A;
    hello.lanes[LANE_NORMAL].acked = 0;
    facts.own = (struct hub_incarnation){ .state = INCARNATION_UNKNOWN };
    facts.previous = INCARNATION_ACTIVE;
    assert_int_equal(judge(), HELLO_OPEN);
}

static void a_second_successor_of_the_same_one_is_a_twin(void **state)
{
    (void)state;
    hello.incarnation = C;
    hello.has_previous = true;
    hello.previous = A;
    hello.lanes[LANE_NORMAL].acked = 0;
    facts.active = B;
    facts.previous = INCARNATION_SUPERSEDED;
    facts.own = (struct hub_incarnation){ .state = INCARNATION_UNKNOWN };
    assert_int_equal(judge(), HELLO_TWIN);
    facts.own.state = INCARNATION_QUARANTINED; /* as the store has it after that */
    hub_session_hello(&session, &hello, HELLO_TWIN, &facts, &facts.own, NOW_MS);
    assert_int_equal(session.state, SESSION_QUARANTINED);
    assert_int_equal(session.welcome.standing, STANDING_QUARANTINED);
    /* And it does not slip out through a further successor when nothing is active any more. */
    hello.incarnation = (struct id){ .at = { 0xd } };
    hello.previous = C;
    facts.any_active = false;
    facts.previous = INCARNATION_QUARANTINED;
    facts.own = (struct hub_incarnation){ .state = INCARNATION_UNKNOWN };
    assert_int_equal(judge(), HELLO_TWIN);
}

static void a_store_that_follows_nobody_is_a_twin(void **state)
{
    (void)state;
    hello.incarnation = B;
    hello.lanes[LANE_NORMAL].acked = 0;
    facts.own = (struct hub_incarnation){ .state = INCARNATION_UNKNOWN };
    assert_int_equal(judge(), HELLO_TWIN); /* no predecessor at all */
    hello.has_previous = true;
    hello.previous = C;
    assert_int_equal(judge(), HELLO_TWIN); /* one that the hub never heard of */
    facts.any_active = false;
    facts.known = true;
    assert_int_equal(judge(), HELLO_TWIN); /* nor when the others are quarantined */
    facts.reenrolled = true;
    assert_int_equal(judge(), HELLO_OPEN);
}

static void a_predecessor_that_a_restored_hub_lost_proves_nothing(void **state)
{
    (void)state;
    hello.incarnation = C;
    hello.has_previous = true;
    hello.previous = B;
    hello.lanes[LANE_NORMAL].acked = 0;
    facts.epoch = 2;
    facts.own = (struct hub_incarnation){ .state = INCARNATION_UNKNOWN };
    facts.previous = INCARNATION_UNKNOWN;
    assert_int_equal(judge(), HELLO_OPEN);
}

static void a_superseded_one_on_a_new_connection_is_a_twin(void **state)
{
    (void)state;
    facts.active = B;
    facts.own.state = INCARNATION_SUPERSEDED;
    assert_int_equal(judge(), HELLO_SUPERSEDED);
    facts.fresh = true;
    assert_int_equal(judge(), HELLO_TWIN);
}

static void a_late_hello_of_a_former_life_leaves_the_session_as_it_is(void **state)
{
    (void)state;
    hello.incarnation = B;
    facts.active = B;
    say_hello();
    drain();
    struct hub_session before = session;
    hello.incarnation = A;
    facts.own.state = INCARNATION_SUPERSEDED;
    assert_int_equal(say_hello(), HELLO_SUPERSEDED);
    assert_int_equal(session.welcome.standing, STANDING_REOPEN);
    assert_true(id_equal(&session.welcome.incarnation, &A));
    assert_int_equal(session.state, before.state);
    assert_true(id_equal(&session.incarnation, &B));
    assert_memory_equal(session.received, before.received, sizeof before.received);
}

static void an_older_or_forked_store_is_told_to_reopen(void **state)
{
    (void)state;
    facts.head_fits[LANE_NORMAL] = false;
    assert_int_equal(judge(), HELLO_REOPEN);
    facts.head_fits[LANE_NORMAL] = true;
    hello.lanes[LANE_NORMAL] = (struct hello_lane){ .acked = 3, .highest = 4 };
    assert_int_equal(say_hello(), HELLO_REOPEN);
    assert_int_equal(session.state, SESSION_REOPEN);
    assert_int_equal(session.welcome.standing, STANDING_REOPEN);
}

static void what_a_node_has_seen_and_the_hub_has_not_proves_a_rollback(void **state)
{
    (void)state;
    hello.lanes[LANE_NORMAL] = (struct hello_lane){ .acked = 6, .highest = 6 };
    assert_int_equal(judge(), HELLO_ROLLED_BACK);
    setup(NULL);
    hello.seen_number = 61;
    assert_int_equal(judge(), HELLO_ROLLED_BACK);
    setup(NULL);
    hello.seen_epoch = 2;
    assert_int_equal(judge(), HELLO_ROLLED_BACK);
    setup(NULL);
    facts.proven[FEED_RECORDS] = false;
    assert_int_equal(judge(), HELLO_ROLLED_BACK);
    setup(NULL);
    hello.cursors[FEED_CONTROL].epoch = 2;
    assert_int_equal(judge(), HELLO_ROLLED_BACK);
    assert_int_equal(say_hello(), HELLO_ROLLED_BACK);
    assert_int_equal(session.state, SESSION_WAITING);
    assert_int_equal(session.welcome.standing, STANDING_WAITING);
}

/* What lay beyond the cut was given up by a signed statement: no second alarm. */
static void an_older_epoch_proves_nothing(void **state)
{
    (void)state;
    facts.epoch = 2;
    hello.lanes[LANE_NORMAL] = (struct hello_lane){ .acked = 9, .highest = 9 };
    hello.seen_number = 500;
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        hello.cursors[i].number = 500;
        facts.proven[i] = false;
    }
    assert_int_equal(judge(), HELLO_WELCOME);
    say_hello();
    assert_int_equal(session.flows[FEED_CONTROL].number, 0);
    assert_int_equal(session.flows[FEED_RECORDS].number, 0);
}

static void a_halted_hub_welcomes_everyone_to_wait(void **state)
{
    (void)state;
    facts.halted = true;
    say_hello();
    assert_int_equal(session.state, SESSION_WAITING);
    bool assembled;
    assert_int_equal(push(push_of(6, 100, 0, 100, 1), &assembled), PUSH_REFUSED);
    assert_int_equal(session.refuse.code, ERR_WAITING);
}

static void a_welcome_is_followed_by_the_acks_that_were_lost(void **state)
{
    (void)state;
    hello.lanes[LANE_NORMAL].acked = 2;
    say_hello();
    struct session_action action;
    assert_int_equal(next_kind(), SESSION_SEND_WELCOME);
    assert_true(next(&action));
    sent(&action);
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_SEND_ACK);
    assert_int_equal(action.lane, LANE_NORMAL);
    assert_int_equal(action.first, 3);
    assert_int_equal(action.last, 5);
}

/* ---- PUSH */

static void nothing_is_taken_before_hello(void **state)
{
    (void)state;
    bool assembled;
    assert_int_equal(push(push_of(1, 10, 0, 10, 1), &assembled), PUSH_REFUSED);
    assert_int_equal(session.refuse.code, ERR_STATE);
}

static void a_gap_is_answered_with_the_first_missing_seq(void **state)
{
    (void)state;
    bool assembled;
    say_hello();
    assert_int_equal(push(push_of(7, 10, 0, 10, 1), &assembled), PUSH_REFUSED);
    assert_int_equal(session.refuse.code, ERR_GAP);
    assert_true(session.refuse.has_lane);
    assert_int_equal(session.refuse.lane, LANE_NORMAL);
    assert_int_equal(session.refuse.seq, 6);
    assert_int_equal(push(push_of(0, 10, 0, 10, 1), &assembled), PUSH_REFUSED);
    assert_int_equal(session.refuse.code, ERR_GAP);
}

static void slices_beyond_the_limits_are_refused(void **state)
{
    (void)state;
    bool assembled;
    say_hello();
    const struct push bad[] = {
        push_of(6, BUNDLE_BYTES_MAX + 1, 0, 10, 1),
        push_of(6, 100, 95, 10, 1),
        push_of(6, 100, 101, 10, 1),
        push_of(6, 100, 10, 0, 1),
        push_of(6, 0, 0, 0, 1),
        push_of(6, BUNDLE_BYTES_MAX, 0, FRAME_DATA_BYTES_MAX + 1, 1),
        push_of(6, INT64_MAX, INT64_MAX, 10, 1),
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        session.refuse.due = false;
        assert_int_equal(push(bad[i], &assembled), PUSH_REFUSED);
        assert_int_equal(session.refuse.code, ERR_LIMIT);
        assert_false(session.assembly.any);
    }
}

static void slices_come_together_in_order_and_repeats_are_harmless(void **state)
{
    (void)state;
    bool assembled;
    say_hello();
    drain();
    assert_int_equal(push(push_of(6, 25000, 0, 10000, 1), &assembled), PUSH_START);
    assert_int_equal(session.progress.offset, 10000);
    assert_int_equal(push(push_of(6, 25000, 0, 10000, 1), &assembled), PUSH_ANSWERED);
    assert_int_equal(push(push_of(6, 25000, 20000, 5000, 1), &assembled), PUSH_ANSWERED);
    assert_int_equal(session.progress.offset, 10000);
    assert_int_equal(push(push_of(6, 25000, 5000, 10000, 1), &assembled), PUSH_COPY);
    assert_int_equal(session.progress.offset, 15000);
    assert_false(assembled);
    assert_int_equal(push(push_of(6, 25000, 15000, 10000, 1), &assembled), PUSH_COPY);
    assert_true(assembled);
}

static void another_bundle_replaces_the_assembly_only_from_its_start(void **state)
{
    (void)state;
    bool assembled;
    say_hello();
    assert_int_equal(push(push_of(6, 25000, 0, 10000, 1), &assembled), PUSH_START);
    assert_int_equal(push(push_of(6, 30000, 10000, 10000, 2), &assembled), PUSH_ANSWERED);
    assert_int_equal(session.progress.offset, 0);
    assert_int_equal(session.assembly.total, 25000);
    assert_int_equal(push(push_of(6, 30000, 0, 10000, 2), &assembled), PUSH_START);
    assert_int_equal(session.assembly.total, 30000);
}

static void what_is_assembled_survives_the_connection(void **state)
{
    (void)state;
    bool assembled;
    say_hello();
    assert_int_equal(push(push_of(6, 25000, 0, 10000, 1), &assembled), PUSH_START);
    hub_session_away(&session);
    say_hello();
    assert_int_equal(push(push_of(6, 25000, 10000, 10000, 1), &assembled), PUSH_COPY);
}

static void a_repeated_bundle_is_acknowledged_before_it_is_whole(void **state)
{
    (void)state;
    bool assembled;
    say_hello();
    drain();
    assert_int_equal(push(push_of(4, 25000, 0, 10000, 1), &assembled), PUSH_START);
    assert_int_equal(session.acks[LANE_NORMAL].first, 4);
    assert_int_equal(session.acks[LANE_NORMAL].last, 5);
}

/* ---- bundles */

static void a_bundle_is_merged_from_the_first_new_entry(void **state)
{
    (void)state;
    say_hello();
    drain();
    struct bundle_facts bundle = bundle_of(4, 4);
    assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS), BUNDLE_MERGE);
    hub_session_merged(&session, LANE_NORMAL, 6);
    hub_session_merged(&session, LANE_NORMAL, 7);
    assert_int_equal(session.acks[LANE_NORMAL].first, 4);
    assert_int_equal(session.acks[LANE_NORMAL].last, 7);
    bundle = bundle_of(6, 2);
    assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS), BUNDLE_AGAIN);
}

static void another_leaf_at_a_taken_seq_is_a_fork(void **state)
{
    (void)state;
    say_hello();
    struct bundle_facts bundle = bundle_of(5, 2);
    bundle.same_leaves = false;
    assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS), BUNDLE_REFUSED);
    assert_int_equal(session.refuse.code, ERR_FORK);
    assert_int_equal(judge(), HELLO_REOPEN);
    assert_int_equal(session.received[LANE_NORMAL], 5);
}

static void a_head_that_does_not_fit_is_a_fork(void **state)
{
    (void)state;
    say_hello();
    struct bundle_facts bundle = bundle_of(6, 1);
    bundle.head_fits = false;
    assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS), BUNDLE_REFUSED);
    assert_int_equal(session.refuse.code, ERR_FORK);
    assert_int_equal(judge(), HELLO_REOPEN);
}

static void a_damaged_head_of_the_first_entry_is_no_fork(void **state)
{
    (void)state;
    facts.own.lanes[LANE_NORMAL].received = 0;
    hello.lanes[LANE_NORMAL].acked = 0;
    say_hello();
    struct bundle_facts bundle = bundle_of(1, 1);
    bundle.head_fits = false;
    assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS), BUNDLE_REFUSED);
    assert_int_equal(session.refuse.code, ERR_SIGNATURE);
    assert_int_equal(judge(), HELLO_WELCOME);
}

static void a_late_bundle_of_the_former_life_is_let_go(void **state)
{
    (void)state;
    say_hello();
    struct bundle_facts bundle = bundle_of(6, 1);
    bundle.head_fits = false;
    bundle.head_former = true;
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS), BUNDLE_LATE);
    assert_false(session.refuse.due);
    assert_int_equal(judge(), HELLO_WELCOME);
}

static void an_unsigned_bundle_changes_nothing(void **state)
{
    (void)state;
    say_hello();
    struct bundle_facts bundle = bundle_of(6, 1);
    bundle.verified = false;
    assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS), BUNDLE_REFUSED);
    assert_int_equal(session.refuse.code, ERR_SIGNATURE);
    assert_int_equal(session.received[LANE_NORMAL], 5);
    assert_int_equal(judge(), HELLO_WELCOME);
}

static void a_node_that_floods_waits_for_its_quota(void **state)
{
    (void)state;
    say_hello();
    struct bundle_facts bundle = bundle_of(6, 1);
    bundle.bytes = BUNDLE_BYTES_MAX;
    unsigned taken = 0;
    while (hub_session_bundle(&session, &bundle, NOW_MS) == BUNDLE_MERGE)
        taken++;
    assert_int_equal(taken, SESSION_QUOTA_BYTES_MAX / BUNDLE_BYTES_MAX);
    assert_int_equal(session.refuse.code, ERR_QUOTA);
    assert_int_equal(hub_session_bundle(&session, &bundle, NOW_MS + 1000), BUNDLE_MERGE);
}

/* ---- sending */

static void back_pressure_keeps_what_is_due(void **state)
{
    (void)state;
    struct session_action action;
    say_hello();
    assert_true(next(&action));
    hub_session_sent(&session, &action, 0, ERR_BUSY, NOW_MS);
    assert_false(next(&action));
    assert_int_equal(hub_session_wake_ms(&session), NOW_MS + SESSION_BUSY_MS);
    assert_true(hub_session_next(&session, NOW_MS + SESSION_BUSY_MS, &action));
    assert_int_equal(action.kind, SESSION_SEND_WELCOME);
}

static void a_peer_that_is_gone_says_hello_again(void **state)
{
    (void)state;
    struct session_action action;
    say_hello();
    assert_true(next(&action));
    hub_session_sent(&session, &action, 0, ERR_NOT_FOUND, NOW_MS);
    assert_int_equal(session.state, SESSION_AWAY);
    assert_false(next(&action));
    assert_int_equal(hub_session_wake_ms(&session), UINT64_MAX);
}

static void acks_that_do_not_fit_one_frame_follow_in_the_next(void **state)
{
    (void)state;
    struct session_action action;
    hello.lanes[LANE_NORMAL].acked = 0;
    say_hello();
    assert_true(next(&action));
    sent(&action);
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_SEND_ACK);
    hub_session_sent(&session, &action, 3, OK, NOW_MS);
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_SEND_ACK);
    assert_int_equal(action.first, 4);
    assert_int_equal(action.last, 5);
    sent(&action);
    assert_int_equal(session.acks[LANE_NORMAL].first, 0);
}

/* ---- feed */

static void feed_start(uint64_t total)
{
    struct session_action action;
    say_hello();
    drain();
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_BUILD_FEED);
    assert_int_equal(action.stream, FEED_CONTROL);
    assert_int_equal(action.first, 40);
    hub_session_fed(&session, FEED_CONTROL, 60, total, NOW_MS);
    assert_true(next(&action));
    hub_session_fed_nothing(&session, FEED_RECORDS, 60, NOW_MS);
    (void)action;
}

static unsigned slices(uint64_t now_ms)
{
    struct session_action action;
    unsigned count = 0;
    while (hub_session_next(&session, now_ms, &action) && action.kind == SESSION_SEND_FEED) {
        hub_session_sent(&session, &action, 0, OK, now_ms);
        count++;
    }
    return count;
}

static void confirm(uint64_t number, uint64_t offset, uint64_t now_ms)
{
    struct confirm message = { .stream = FEED_CONTROL,
                               .epoch = 1,
                               .number = number,
                               .offset = offset };
    hub_session_confirm(&session, &message, 1, 60, now_ms);
}

static void records_flow_only_when_they_are_wanted(void **state)
{
    (void)state;
    hello.wants_records = false;
    say_hello();
    assert_true(session.flows[FEED_CONTROL].open);
    assert_false(session.flows[FEED_RECORDS].open);
}

static void slices_keep_to_a_window_and_begin_small(void **state)
{
    (void)state;
    feed_start(200000);
    assert_int_equal(slices(NOW_MS), SESSION_WINDOW_SLICES);
    assert_int_equal(session.flows[FEED_CONTROL].sent,
                     SESSION_WINDOW_SLICES * FRAME_DATA_BYTES_MIN);
}

static void a_quick_link_gets_larger_slices_and_a_slow_one_smaller(void **state)
{
    (void)state;
    struct session_flow *flow = &session.flows[FEED_CONTROL];
    feed_start(4000000);
    (void)slices(NOW_MS);
    confirm(40, FRAME_DATA_BYTES_MIN, NOW_MS + 100);
    assert_int_equal(flow->slice_bytes, 2 * FRAME_DATA_BYTES_MIN);
    for (unsigned i = 2; i < 9; i++) {
        (void)slices(NOW_MS + 100 * i);
        confirm(40, flow->sent, NOW_MS + 100 * i);
    }
    assert_int_equal(flow->slice_bytes, FRAME_DATA_BYTES_MAX);
    (void)slices(NOW_MS + 1000);
    confirm(40, flow->sent, NOW_MS + 1000 + SESSION_SLOW_MS);
    assert_int_equal(flow->slice_bytes, FRAME_DATA_BYTES_MAX / 2);
}

static void silence_sends_from_the_confirmed_byte_again_and_backs_off(void **state)
{
    (void)state;
    struct session_flow *flow = &session.flows[FEED_CONTROL];
    feed_start(200000);
    (void)slices(NOW_MS);
    confirm(40, 4096, NOW_MS);
    (void)slices(NOW_MS);
    uint64_t now_ms = NOW_MS, last_wait_ms = 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t wake_ms = hub_session_wake_ms(&session);
        assert_in_range(wake_ms, now_ms + SESSION_RETRY_MS_MIN,
                        now_ms + SESSION_RETRY_MS_MAX + SESSION_RETRY_MS_MAX / 4);
        last_wait_ms = wake_ms - now_ms;
        now_ms = wake_ms;
        hub_session_tick(&session, now_ms);
        assert_int_equal(flow->sent, 4096);
        assert_int_equal(flow->slice_bytes, FRAME_DATA_BYTES_MIN);
        assert_int_equal(slices(now_ms), SESSION_WINDOW_SLICES);
    }
    assert_true(last_wait_ms >= SESSION_RETRY_MS_MAX);
}

static void a_confirmed_batch_makes_room_for_the_next(void **state)
{
    (void)state;
    struct session_action action;
    feed_start(100);
    assert_int_equal(slices(NOW_MS), 1);
    confirm(60, 0, NOW_MS + 10);
    assert_false(session.flows[FEED_CONTROL].batch);
    assert_int_equal(session.flows[FEED_CONTROL].number, 60);
    assert_true(hub_session_next(&session, NOW_MS + 10, &action));
    assert_int_equal(action.kind, SESSION_BUILD_FEED);
    assert_int_equal(action.first, 60);
    hub_session_fed_nothing(&session, FEED_CONTROL, 60, NOW_MS + 10);
    assert_false(hub_session_next(&session, NOW_MS + 10, &action));
    assert_int_equal(hub_session_wake_ms(&session), UINT64_MAX);
    hub_session_moved(&session, false);
    assert_false(hub_session_next(&session, NOW_MS + 11, &action));
    assert_true(hub_session_next(&session, NOW_MS + 10 + SESSION_LOOK_MS, &action));
    hub_session_moved(&session, true);
    assert_true(hub_session_next(&session, NOW_MS + 11, &action));
}

static void bytes_that_outlived_a_cut_are_not_sent_again(void **state)
{
    (void)state;
    feed_start(100000);
    assert_int_equal(slices(NOW_MS), 3);
    say_hello(); /* the link broke; the node still has 3 slices */
    drain();
    confirm(40, 12288, NOW_MS);
    struct session_action action;
    assert_true(next(&action));
    assert_int_equal(action.kind, SESSION_SEND_FEED);
    assert_int_equal(action.offset, 12288);
}

static void one_late_confirm_does_not_turn_the_feed_back_but_a_standing_node_does(void **state)
{
    (void)state;
    feed_start(100);
    confirm(60, 0, NOW_MS);
    confirm(50, 0, NOW_MS);
    assert_int_equal(session.flows[FEED_CONTROL].number, 60);
    confirm(50, 0, NOW_MS);
    assert_int_equal(session.flows[FEED_CONTROL].number, 50);
    assert_int_equal(session.flows[FEED_CONTROL].scanned, 50);
}

static void confirms_of_another_epoch_or_beyond_the_journal_are_ignored(void **state)
{
    (void)state;
    feed_start(100);
    confirm(61, 0, NOW_MS);
    confirm(40, 101, NOW_MS);
    struct confirm other = { .stream = FEED_CONTROL, .epoch = 2, .number = 60 };
    hub_session_confirm(&session, &other, 1, 60, NOW_MS);
    assert_int_equal(session.flows[FEED_CONTROL].number, 40);
    assert_int_equal(session.flows[FEED_CONTROL].confirmed, 0);
    assert_true(session.flows[FEED_CONTROL].batch);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(a_first_contact_opens_the_incarnation),
        TEST(the_active_incarnation_is_welcomed),
        TEST(a_successor_of_the_active_one_is_opened),
        TEST(a_second_successor_of_the_same_one_is_a_twin),
        TEST(a_store_that_follows_nobody_is_a_twin),
        TEST(a_superseded_one_on_a_new_connection_is_a_twin),
        TEST(a_predecessor_that_a_restored_hub_lost_proves_nothing),
        TEST(a_late_hello_of_a_former_life_leaves_the_session_as_it_is),
        TEST(an_older_or_forked_store_is_told_to_reopen),
        TEST(what_a_node_has_seen_and_the_hub_has_not_proves_a_rollback),
        TEST(an_older_epoch_proves_nothing),
        TEST(a_halted_hub_welcomes_everyone_to_wait),
        TEST(a_welcome_is_followed_by_the_acks_that_were_lost),
        TEST(nothing_is_taken_before_hello),
        TEST(a_gap_is_answered_with_the_first_missing_seq),
        TEST(slices_beyond_the_limits_are_refused),
        TEST(slices_come_together_in_order_and_repeats_are_harmless),
        TEST(another_bundle_replaces_the_assembly_only_from_its_start),
        TEST(what_is_assembled_survives_the_connection),
        TEST(a_repeated_bundle_is_acknowledged_before_it_is_whole),
        TEST(a_bundle_is_merged_from_the_first_new_entry),
        TEST(another_leaf_at_a_taken_seq_is_a_fork),
        TEST(a_head_that_does_not_fit_is_a_fork),
        TEST(a_damaged_head_of_the_first_entry_is_no_fork),
        TEST(a_late_bundle_of_the_former_life_is_let_go),
        TEST(an_unsigned_bundle_changes_nothing),
        TEST(a_node_that_floods_waits_for_its_quota),
        TEST(back_pressure_keeps_what_is_due),
        TEST(a_peer_that_is_gone_says_hello_again),
        TEST(acks_that_do_not_fit_one_frame_follow_in_the_next),
        TEST(records_flow_only_when_they_are_wanted),
        TEST(slices_keep_to_a_window_and_begin_small),
        TEST(a_quick_link_gets_larger_slices_and_a_slow_one_smaller),
        TEST(silence_sends_from_the_confirmed_byte_again_and_backs_off),
        TEST(a_confirmed_batch_makes_room_for_the_next),
        TEST(bytes_that_outlived_a_cut_are_not_sent_again),
        TEST(one_late_confirm_does_not_turn_the_feed_back_but_a_standing_node_does),
        TEST(confirms_of_another_epoch_or_beyond_the_journal_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
