/* The four eyes of a role: what its holders sign counts with another's signature only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

#define JULY_MS (FIXTURE_CLAIMED_MS + UINT64_C(60) * 24 * 3600 * 1000)
#define TYPIST_ROLE(by)                                                                            \
    "role typist { label = 'Typist' authority = {T} countersigned_by = {" by "} }\n"

/* A typist at office A, and one whose area is the whole district. */
enum { TYPIST = 6, TYPIST_D = 7, NEW_WRITER = 8, STRANGER = 9 };

static struct fixture f;

static void add_operator(uint32_t number, unsigned node, const char *role)
{
    uint8_t space[512], seed[SECRET_KEY_BYTES];
    struct writer ops = writer_of(space, sizeof(space));
    struct trust_operator op = {
        .number = number, .from = "2020-01-01", .until = "2030-12-31", .sk = "SK 1"
    };
    memset(seed, (int)number, sizeof(seed));
    f.operators[number] = secret_key_from(seed);
    crypto_sign_public(f.operators[number], &op.key);
    (void)snprintf(op.node, sizeof(op.node), "%s", f.nodes[node].name);
    (void)snprintf(op.area, sizeof(op.area), "%s", f.nodes[node].name);
    (void)snprintf(op.name, sizeof(op.name), "person %u", number);
    (void)snprintf(op.role, sizeof(op.role), "%s", role);
    trust_op_operator(&ops, &op);
    fixture_trust(&f, 1, writer_bytes(&ops));
}

static void rules_with(const char *more)
{
    char source[16384];
    int len = snprintf(source, sizeof(source), "%s%s", fixture_source, more);
    assert_true(len > 0 && (size_t)len < sizeof(source));
    fixture_rules(&f, source);
}

/* Rules version 2 names the role; all chains know it. */
static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, false);
    rules_with(TYPIST_ROLE("writer"));
    add_operator(TYPIST, NODE_A, "typist");
    add_operator(TYPIST_D, NODE_D, "typist");
    for (unsigned i = 0; i < FIXTURE_NODES; i++)
        fixture_policy_entry(&f, i, LANE_NORMAL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    assert_int_equal(hub_store_verify(f.store, &problem), OK);
    fixture_check_replay(&f);
    fixture_close(&f);
    return 0;
}

static struct draft *person_in(uint32_t author, const char *area, struct id *ret_id)
{
    struct draft *d = draft_new(&f, author == TYPIST_D ? NODE_D : NODE_A, author);
    *ret_id = fixture_id(&f);
    draft_create(d, "person", ret_id, VALUES(V_TEXT("area", area), V_TEXT("name", "Ani")));
    return d;
}

static struct draft *person(uint32_t author, struct id *ret_id)
{
    return person_in(author, f.nodes[NODE_A].name, ret_id);
}

static struct signed_txn *countersign(struct draft *d, const uint32_t *numbers, size_t count)
{
    static struct txn txn;
    static uint8_t space[TRANSACTION_BYTES_MAX];
    struct signed_txn *s = draft_sign(d);
    for (size_t i = 0; i < count; i++) {
        struct writer out = writer_of(space, sizeof(space));
        struct countersignature one;
        assert_int_equal(txn_decode(bytes_of(s->bytes, s->len), &txn), OK);
        txn_countersign(&s->leaf, numbers[i], f.operators[numbers[i]], &one);
        assert_int_equal(txn_add_countersignature(bytes_of(s->bytes, s->len), &txn, &one, &out),
                         OK);
        memcpy(s->bytes, space, out.buf.len);
        s->len = out.buf.len;
    }
    return s;
}

/* As the hub's driver does: what does not verify is a fault. */
static struct sent send_signed(struct signed_txn *s, unsigned node)
{
    static struct txn txn;
    s->fault = txn_decode(bytes_of(s->bytes, s->len), &txn);
    if (s->fault == OK)
        s->fault = hub_store_txn_verify(f.store, &txn, &s->leaf);
    struct sent sent = fixture_send_at(&f, s, node, LANE_NORMAL);
    free(s);
    return sent;
}

#define send(d, ...)                                                                               \
    send_by((d), (const uint32_t[]){ __VA_ARGS__ },                                                \
            sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))
static struct sent send_by(struct draft *d, const uint32_t *numbers, size_t count)
{
    unsigned node = d->node;
    return send_signed(countersign(d, numbers, count), node);
}

static struct sent send_alone(struct draft *d)
{
    return send_by(d, NULL, 0);
}

static void operator_end(uint32_t number, enum end_reason reason, uint64_t seq)
{
    uint8_t space[512];
    struct writer ops = writer_of(space, sizeof(space));
    struct ended ended = { .reason = reason, .cut_count = seq > 0 ? 1 : 0 };
    ended.cuts[0] =
        (struct cut){ .incarnation = f.nodes[NODE_A].incarnation, .lane = LANE_NORMAL, .seq = seq };
    trust_op_operator_end(&ops, number, &ended);
    fixture_trust(&f, 1, writer_bytes(&ops));
}

/* --- who ------------------------------------------------------------------------------------- */

static void work_of_such_a_role_counts_with_the_signature_of_another_only(void **state)
{
    (void)state;
    struct id a, b, c, d;
    struct sent alone = send_alone(person(TYPIST, &a));
    assert_answer(&f, &alone, 0, REJECTED, "countersign");
    assert_int_equal(fixture_rev(&f, "person", &a), 0);
    struct sent both = send(person(TYPIST, &b), OPERATOR_A);
    assert_answer(&f, &both, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &b, "name"), "Ani");
    struct sent wrong_role = send(person(TYPIST, &c), OPERATOR_D, TYPIST_D);
    assert_answer(&f, &wrong_role, 0, REJECTED, "countersign");
    struct sent with_others = send(person(TYPIST, &d), OPERATOR_D, OPERATOR_A2, TYPIST_D);
    assert_answer(&f, &with_others, 0, ACCEPTED, "");
}

static void others_need_nobody_and_may_have_somebody(void **state)
{
    (void)state;
    struct id a, b;
    struct sent alone = send_alone(person(OPERATOR_A, &a));
    assert_answer(&f, &alone, 0, ACCEPTED, "");
    struct sent more = send(person(OPERATOR_A, &b), OPERATOR_D);
    assert_answer(&f, &more, 0, ACCEPTED, "");
}

static void a_countersignature_that_does_not_verify_rejects_and_leaves_the_leaf_free(void **state)
{
    (void)state;
    struct id id;
    struct signed_txn *s = countersign(person(TYPIST, &id), (uint32_t[]){ OPERATOR_A }, 1);
    struct signed_txn *again = calloc(1, sizeof(*again) + s->len);
    assert_non_null(again);
    again->leaf = s->leaf;
    again->len = s->len;
    memcpy(again->bytes, s->bytes, s->len);
    s->bytes[s->len - 1] ^= 1;
    struct sent bad = send_signed(s, NODE_A);
    assert_answer(&f, &bad, 0, REJECTED, "signature");
    struct sent mended = send_signed(again, NODE_A);
    assert_answer(&f, &mended, 0, ACCEPTED, "");
}

static void an_unknown_countersigner_rejects(void **state)
{
    (void)state;
    struct id id;
    uint8_t seed[SECRET_KEY_BYTES] = { STRANGER };
    f.operators[STRANGER] = secret_key_from(seed);
    struct sent sent = send(person(TYPIST, &id), OPERATOR_A, STRANGER);
    assert_answer(&f, &sent, 0, REJECTED, "key");
}

static void a_forged_one_that_got_into_the_store_is_found(void **state)
{
    (void)state;
    struct id id;
    struct problem problem = { .code = OK };
    struct signed_txn *s = countersign(person(TYPIST, &id), (uint32_t[]){ OPERATOR_A }, 1);
    s->bytes[s->len - 1] ^= 1;
    (void)fixture_send_at(&f, s, NODE_A, LANE_NORMAL); /* nobody looked at its signatures */
    free(s);
    assert_int_equal(hub_store_verify(f.store, &problem), ERR_STORE);
    fixture_close(&f);
    (void)set_up(NULL);
}

/* --- where ----------------------------------------------------------------------------------- */

static void the_countersigners_area_holds_the_record(void **state)
{
    (void)state;
    struct id a, b, c;
    const char *beta = f.nodes[NODE_B].name;
    struct sent elsewhere = send(person_in(TYPIST_D, beta, &a), OPERATOR_A);
    assert_answer(&f, &elsewhere, 0, REJECTED, "countersign");
    struct sent there = send(person_in(TYPIST_D, beta, &b), OPERATOR_B);
    assert_answer(&f, &there, 0, ACCEPTED, "");

    struct draft *move = draft_new(&f, NODE_D, TYPIST_D);
    draft_update(move, "person", &b, base_rev(fixture_rev(&f, "person", &b)),
                 VALUES(V_TEXT("area", f.nodes[NODE_A].name)));
    struct sent moved = send(move, OPERATOR_B); /* holds where it is, not where it goes */
    assert_answer(&f, &moved, 0, REJECTED, "countersign");
    move = draft_new(&f, NODE_D, TYPIST_D);
    draft_update(move, "person", &b, base_rev(fixture_rev(&f, "person", &b)),
                 VALUES(V_TEXT("name", "Budi")));
    struct sent not_there = send(move, OPERATOR_A);
    assert_answer(&f, &not_there, 0, REJECTED, "countersign");
    struct draft *delete = draft_new(&f, NODE_D, TYPIST_D);
    draft_delete(delete, "person", &b, base_rev(fixture_rev(&f, "person", &b)));
    struct sent deleted = send(delete, OPERATOR_A);
    assert_answer(&f, &deleted, 0, REJECTED, "countersign");
    assert_false(fixture_deleted(&f, "person", &b));

    struct draft *two = person_in(TYPIST_D, beta, &a);
    c = fixture_id(&f);
    draft_create(two, "person", &c,
                 VALUES(V_TEXT("area", f.nodes[NODE_A].name), V_TEXT("name", "Cici")));
    struct sent half = send(two, OPERATOR_A);
    assert_answer(&f, &half, 0, REJECTED, "countersign");
    assert_answer(&f, &half, 1, ACCEPTED, "");
    struct sent whole = send(person_in(TYPIST_D, beta, &a), OPERATOR_A, OPERATOR_B);
    assert_answer(&f, &whole, 0, ACCEPTED, "");
}

/* --- when ------------------------------------------------------------------------------------ */

static void after_a_succession_the_chains_policy_entry_is_the_line_for_both(void **state)
{
    (void)state;
    struct id a, b, c, d;
    struct draft *in_time = person(TYPIST, &a);
    struct draft *late = person(TYPIST, &b);
    struct draft *by_another = person(TYPIST, &c);
    operator_end(OPERATOR_A2, END_SUCCESSION, 0);
    struct sent before = send(in_time, OPERATOR_A2);
    assert_answer(&f, &before, 0, ACCEPTED, "");
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent after = send(late, OPERATOR_A2);
    assert_answer(&f, &after, 0, QUARANTINED, "author_ended");
    struct sent successor = send(by_another, OPERATOR_A);
    assert_answer(&f, &successor, 0, ACCEPTED, "");
    struct sent one_is_enough = send(person(TYPIST, &d), OPERATOR_A, OPERATOR_A2);
    assert_answer(&f, &one_is_enough, 0, ACCEPTED, "");

    uint8_t space[256];
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_release(&ops, true, &after.leaf, 1);
    fixture_trust(&f, 1, writer_bytes(&ops));
    assert_answer(&f, &after, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &b, "name"), "Ani");
}

static void what_an_ended_author_left_waiting_is_kept_for_review(void **state)
{
    (void)state;
    struct id id;
    struct draft *d = person(TYPIST, &id);
    operator_end(TYPIST, END_SUCCESSION, 0);
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent sent = send(d, OPERATOR_A);
    assert_answer(&f, &sent, 0, QUARANTINED, "author_ended");
}

static void a_leaked_key_of_a_countersigner_sends_its_work_to_review(void **state)
{
    (void)state;
    struct id a, b;
    struct draft *below = person(TYPIST, &a);
    struct draft *above = person(TYPIST, &b);
    operator_end(OPERATOR_A2, END_LEAKED, f.nodes[NODE_A].lanes[LANE_NORMAL].seq + 1);
    struct sent one = send(below, OPERATOR_A2);
    struct sent two = send(above, OPERATOR_A2);
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, QUARANTINED, "key_leaked");
}

static void the_term_of_a_countersigner_counts_and_a_renewal_releases(void **state)
{
    (void)state;
    struct id id;
    struct draft *d = person(TYPIST, &id);
    d->claimed_ms = JULY_MS;
    struct sent sent = send(d, OPERATOR_LATE);
    assert_answer(&f, &sent, 0, QUARANTINED, "term_ended");
    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_operator_until(&ops, OPERATOR_LATE, "SK 2", "2027-06-30");
    fixture_trust(&f, 1, writer_bytes(&ops));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
}

static void who_came_later_countersigns_what_was_written_before(void **state)
{
    (void)state;
    struct id a, b;
    struct draft *early = person(TYPIST, &a);
    struct draft *in_time = person(TYPIST, &b);
    add_operator(NEW_WRITER, NODE_A, "writer");
    struct sent unknown_there = send(early, NEW_WRITER); /* the chain does not know of them yet */
    assert_answer(&f, &unknown_there, 0, REJECTED, "countersign");
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent known = send(in_time, NEW_WRITER);
    assert_answer(&f, &known, 0, ACCEPTED, "");
}

/* --- which rules ----------------------------------------------------------------------------- */

static void nobody_gets_around_it_by_naming_older_rules(void **state)
{
    (void)state;
    struct id a, b, c;
    static const char writer[] = "role writer { label = 'Writer' authority = {T} }";
    char source[16384], *at;
    (void)snprintf(source, sizeof(source), "%s%s", fixture_source, TYPIST_ROLE("writer"));
    at = strstr(source, writer);
    assert_non_null(at);
    char rest[16384];
    (void)snprintf(rest, sizeof(rest), "%s", at + strlen(writer));
    (void)snprintf(at, sizeof(source) - (size_t)(at - source), "%s%s",
                   "role writer { label = 'Writer' authority = {T} countersigned_by = {officer} }",
                   rest);
    struct draft *before = person(OPERATOR_A, &a);
    struct draft *after = person(OPERATOR_A, &b);
    struct draft *older = person(OPERATOR_A, &c);
    fixture_rules(&f, source);
    struct sent queued_before = send_alone(before);
    assert_answer(&f, &queued_before, 0, ACCEPTED, "");
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent evades = send_alone(after);
    assert_answer(&f, &evades, 0, REJECTED, "countersign");
    struct sent waited = send(older, OPERATOR_D);
    assert_answer(&f, &waited, 0, ACCEPTED, "");
}

static void who_countersigns_may_change_while_work_waits(void **state)
{
    (void)state;
    struct id a, b, c;
    struct draft *by_new = person(TYPIST, &a);
    struct draft *by_old = person(TYPIST, &b);
    rules_with(TYPIST_ROLE("officer"));
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent one = send(by_new, OPERATOR_D);
    struct sent two = send(by_old, OPERATOR_A);
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, ACCEPTED, "");
    struct sent three = send(person(TYPIST, &c), OPERATOR_A);
    assert_answer(&f, &three, 0, REJECTED, "countersign");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(work_of_such_a_role_counts_with_the_signature_of_another_only),
        TEST(others_need_nobody_and_may_have_somebody),
        TEST(a_countersignature_that_does_not_verify_rejects_and_leaves_the_leaf_free),
        TEST(an_unknown_countersigner_rejects),
        TEST(a_forged_one_that_got_into_the_store_is_found),
        TEST(the_countersigners_area_holds_the_record),
        TEST(after_a_succession_the_chains_policy_entry_is_the_line_for_both),
        TEST(what_an_ended_author_left_waiting_is_kept_for_review),
        TEST(a_leaked_key_of_a_countersigner_sends_its_work_to_review),
        TEST(the_term_of_a_countersigner_counts_and_a_renewal_releases),
        TEST(who_came_later_countersigns_what_was_written_before),
        TEST(nobody_gets_around_it_by_naming_older_rules),
        TEST(who_countersigns_may_change_while_work_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
