#include "tests/unit/hub_session_fixture.h"

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

/* An older copy of its store, or another one in its name, is judged by what it says itself. */
static void a_node_that_waits_alone_may_claim_less_next_time(void **state)
{
    (void)state;
    hello.seen_number = 61;
    assert_int_equal(say_hello(), HELLO_ROLLED_BACK);
    assert_int_equal(session.state, SESSION_WAITING);
    hello.seen_number = 60;
    assert_int_equal(say_hello(), HELLO_WELCOME);
    assert_int_equal(session.state, SESSION_ACTIVE);
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
        assert_false(session.assemblies[LANE_NORMAL].any);
    }
}

static void slices_come_together_in_order_and_repeats_are_harmless(void **state)
{
    (void)state;
    bool assembled;
    say_hello();
    drain();
    assert_int_equal(push(push_of(6, 25000, 0, 10000, 1), &assembled), PUSH_START);
    assert_int_equal(session.progress[LANE_NORMAL].offset, 10000);
    assert_int_equal(push(push_of(6, 25000, 0, 10000, 1), &assembled), PUSH_ANSWERED);
    assert_int_equal(push(push_of(6, 25000, 20000, 5000, 1), &assembled), PUSH_ANSWERED);
    assert_int_equal(session.progress[LANE_NORMAL].offset, 10000);
    assert_int_equal(push(push_of(6, 25000, 5000, 10000, 1), &assembled), PUSH_COPY);
    assert_int_equal(session.progress[LANE_NORMAL].offset, 15000);
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
    assert_int_equal(session.progress[LANE_NORMAL].offset, 0);
    assert_int_equal(session.assemblies[LANE_NORMAL].total, 25000);
    assert_int_equal(push(push_of(6, 30000, 0, 10000, 2), &assembled), PUSH_START);
    assert_int_equal(session.assemblies[LANE_NORMAL].total, 30000);
}

static void each_lane_puts_its_own_bundle_together(void **state)
{
    (void)state;
    bool assembled;
    struct session_action action;
    struct push urgent = push_of(1, 9000, 0, 5000, 3);
    urgent.lane = LANE_URGENT;
    say_hello();
    drain();
    assert_int_equal(push(push_of(6, 25000, 0, 10000, 1), &assembled), PUSH_START);
    assert_int_equal(push(urgent, &assembled), PUSH_START);
    for (unsigned i = 0; i < 2; i++) { /* each is told how far it is, the urgent lane first */
        assert_true(next(&action));
        assert_int_equal(action.kind, SESSION_SEND_PROGRESS);
        assert_int_equal(action.lane, i == 0 ? LANE_URGENT : LANE_NORMAL);
        sent(&action);
    }
    urgent.offset = 5000;
    urgent.data.len = 4000;
    assert_int_equal(push(urgent, &assembled), PUSH_COPY);
    assert_true(assembled);
    hub_session_assembly_drop(&session, LANE_URGENT);
    assert_int_equal(push(push_of(6, 25000, 10000, 10000, 1), &assembled), PUSH_COPY);
    assert_int_equal(session.assemblies[LANE_NORMAL].offset, 20000);
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
    const struct CMUnitTest tests[] = {
        TEST(a_first_contact_opens_the_incarnation),
        TEST(the_active_incarnation_is_welcomed),
        TEST(a_successor_of_the_active_one_is_opened),
        TEST(a_second_successor_of_the_same_one_is_a_twin),
        TEST(a_store_that_follows_nobody_is_a_twin),
        TEST(a_predecessor_that_a_restored_hub_lost_proves_nothing),
        TEST(a_superseded_one_on_a_new_connection_is_a_twin),
        TEST(a_late_hello_of_a_former_life_leaves_the_session_as_it_is),
        TEST(an_older_or_forked_store_is_told_to_reopen),
        TEST(what_a_node_has_seen_and_the_hub_has_not_proves_a_rollback),
        TEST(a_node_that_waits_alone_may_claim_less_next_time),
        TEST(an_older_epoch_proves_nothing),
        TEST(a_halted_hub_welcomes_everyone_to_wait),
        TEST(a_welcome_is_followed_by_the_acks_that_were_lost),
        TEST(nothing_is_taken_before_hello),
        TEST(a_gap_is_answered_with_the_first_missing_seq),
        TEST(slices_beyond_the_limits_are_refused),
        TEST(slices_come_together_in_order_and_repeats_are_harmless),
        TEST(another_bundle_replaces_the_assembly_only_from_its_start),
        TEST(each_lane_puts_its_own_bundle_together),
        TEST(what_is_assembled_survives_the_connection),
        TEST(a_repeated_bundle_is_acknowledged_before_it_is_whole),
        TEST(a_bundle_is_merged_from_the_first_new_entry),
        TEST(another_leaf_at_a_taken_seq_is_a_fork),
        TEST(a_head_that_does_not_fit_is_a_fork),
        TEST(a_damaged_head_of_the_first_entry_is_no_fork),
        TEST(a_late_bundle_of_the_former_life_is_let_go),
        TEST(an_unsigned_bundle_changes_nothing),
        TEST(a_node_that_floods_waits_for_its_quota),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
