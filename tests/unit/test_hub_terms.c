/* Terms of office at the hub: what lies outside of one waits, by days that a wrong clock cannot
 * choose, and one statement lets the work of many go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

#define Y2000_MS UINT64_C(946684800000)
#define AUGUST_MS UINT64_C(1786000000000)    /* 2026-08-06 */
#define OPERATOR_NEXT 6                      /* approved in May for a term from September on */
#define SEPTEMBER_MS UINT64_C(1789000000000) /* 2026-09-10 */

static struct fixture f;

static struct sent person_at(uint32_t op, uint64_t claimed_ms)
{
    struct draft *d = draft_new(&f, NODE_A, op);
    struct id id = fixture_id(&f);
    d->claimed_ms = claimed_ms;
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani")));
    return fixture_send(d);
}

static void approve_next(void)
{
    uint8_t space[512], seed[SECRET_KEY_BYTES];
    struct writer ops = writer_of(space, sizeof(space));
    struct trust_operator op = { .number = OPERATOR_NEXT,
                                 .node = "36.04.29",
                                 .area = "36.04.29",
                                 .name = "next",
                                 .role = "writer",
                                 .sk = "SK 7",
                                 .from = "2026-09-01",
                                 .until = "2030-12-31" };
    memset(seed, OPERATOR_NEXT, sizeof(seed));
    f.operators[OPERATOR_NEXT] = secret_key_from(seed);
    crypto_sign_public(f.operators[OPERATOR_NEXT], &op.key);
    trust_op_operator(&ops, &op);
    fixture_trust(&f, 1, writer_bytes(&ops));
}

static void one_statement_renews_many_and_releases_the_work_of_all(void **state)
{
    (void)state;
    uint8_t space[256];
    struct writer ops = writer_of(space, sizeof(space));
    approve_next();
    struct sent late = person_at(OPERATOR_LATE, AUGUST_MS);
    struct sent other = person_at(OPERATOR_A, UINT64_C(1930000000000)); /* in 2031 */
    struct sent early = person_at(OPERATOR_NEXT, AUGUST_MS);
    assert_answer(&f, &late, 0, QUARANTINED, "term_ended");
    assert_answer(&f, &other, 0, QUARANTINED, "term_ended");
    uint64_t before = hub_store_journal(f.store).number;
    trust_op_operator_until(&ops, OPERATOR_LATE, "SK 9", "2031-12-31");
    trust_op_operator_until(&ops, OPERATOR_A, "SK 9", "2031-12-31");
    fixture_trust(&f, 2, writer_bytes(&ops));
    assert_answer(&f, &late, 0, ACCEPTED, "");
    assert_answer(&f, &other, 0, ACCEPTED, "");
    assert_answer(&f, &early, 0, QUARANTINED, "term_start");
    /* The statement, and one entry for each that it let go: nothing is decided twice. */
    assert_int_equal(hub_store_journal(f.store).number, before + 3);
}

static void work_dated_before_the_start_of_a_term_waits_for_a_person(void **state)
{
    (void)state;
    approve_next();
    struct sent early = person_at(OPERATOR_NEXT, AUGUST_MS);
    assert_answer(&f, &early, 0, QUARANTINED, "term_start");
    struct sent good = person_at(OPERATOR_NEXT, SEPTEMBER_MS);
    assert_answer(&f, &good, 0, ACCEPTED, "");
    fixture_release(&f, true, &early.leaf, 1);
    assert_answer(&f, &early, 0, ACCEPTED, "");
}

static void a_dead_clock_costs_nothing_in_a_term_that_had_begun(void **state)
{
    (void)state;
    struct sent sent = person_at(OPERATOR_A, Y2000_MS); /* its term is from 2020 on */
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    approve_next();
    struct sent early = person_at(OPERATOR_NEXT, Y2000_MS); /* nothing shows that it has begun */
    assert_answer(&f, &early, 0, QUARANTINED, "term_start");
    f.statement_ms = SEPTEMBER_MS;
    fixture_release(&f, false, &early.leaf, 1); /* any statement of that day will do */
    assert_answer(&f, &early, 0, REJECTED, "term_start");
    struct sent seen = person_at(OPERATOR_NEXT, Y2000_MS);
    assert_answer(&f, &seen, 0, ACCEPTED, "");
}

static void a_clock_set_back_does_not_open_a_term_that_had_ended(void **state)
{
    (void)state;
    struct sent in_time = person_at(OPERATOR_LATE, Y2000_MS);
    assert_answer(&f, &in_time, 0, ACCEPTED, "");
    f.statement_ms = AUGUST_MS;
    approve_next();
    struct sent late = person_at(OPERATOR_LATE, Y2000_MS);
    assert_answer(&f, &late, 0, QUARANTINED, "term_ended");
    assert_int_equal(trust_signed_ms(hub_store_trust(f.store), 1), FIXTURE_CLAIMED_MS);
    assert_int_equal(trust_signed_ms(hub_store_trust(f.store), 99), 0);
}

/* --- what an office leaves out of its chain ----------------------------------------------------
 */

static void heard(uint64_t trust_version, uint64_t normal)
{
    const uint64_t highest[LANE_COUNT] = { 0, normal, 0 };
    const struct policy_mark mark = { .trust_version = trust_version };
    const struct fixture_node *node = &f.nodes[NODE_A];
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_heard(f.store, node->name, &node->incarnation, highest, &mark, 77),
                     OK);
    assert_int_equal(hub_store_commit(f.store), OK);
}

static uint64_t end_late(void)
{
    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof(space));
    struct ended ended = { .reason = END_ENDED };
    trust_op_operator_end(&ops, OPERATOR_LATE, &ended);
    fixture_trust(&f, 1, writer_bytes(&ops));
    return hub_store_trust(f.store)->version;
}

static struct sent old_person(void)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_LATE);
    struct id id = fixture_id(&f);
    d->trust_version = 2;
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani")));
    return fixture_send(d);
}

static void what_comes_after_an_office_knew_of_the_end_waits_without_a_policy_entry_too(
    void **state)
{
    (void)state;
    heard(2, 0);
    uint64_t version = end_late();
    struct sent before = old_person();
    assert_answer(&f, &before, 0, ACCEPTED, ""); /* it may not know yet */
    heard(version, 2); /* now it does, and has one more queued from before */
    struct sent queued = old_person();
    assert_answer(&f, &queued, 0, ACCEPTED, "");
    struct sent after = old_person();
    assert_answer(&f, &after, 0, QUARANTINED, "author_ended");
    uint64_t number = hub_store_journal(f.store).number;
    struct sent more = old_person();
    assert_answer(&f, &more, 0, QUARANTINED, "author_ended");
    assert_int_equal(hub_store_journal(f.store).number, number + 1); /* said once */
}

static void what_an_office_claims_to_know_beyond_what_there_is_moves_nothing(void **state)
{
    (void)state;
    heard(99, 0);
    struct sent one = old_person();
    assert_answer(&f, &one, 0, ACCEPTED, "");
    (void)end_late();
    struct sent two = old_person();
    assert_answer(&f, &two, 0, ACCEPTED, "");
}

int main(void)
{
#define TEST(name) FIXTURE_TEST(name, &f)
    const struct CMUnitTest tests[] = {
        TEST(one_statement_renews_many_and_releases_the_work_of_all),
        TEST(work_dated_before_the_start_of_a_term_waits_for_a_person),
        TEST(a_dead_clock_costs_nothing_in_a_term_that_had_begun),
        TEST(a_clock_set_back_does_not_open_a_term_that_had_ended),
        TEST(what_comes_after_an_office_knew_of_the_end_waits_without_a_policy_entry_too),
        TEST(what_an_office_claims_to_know_beyond_what_there_is_moves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
