/* Quarantine, parking, release: what waits is kept, tells its author, and merges as if it had come
 * then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

#define JULY_MS UINT64_C(1785000000000) /* 2026-07-25: after the term of OPERATOR_LATE */

static struct fixture f;

static struct draft *person_draft(unsigned node, uint32_t op, struct id *ret_id)
{
    struct draft *d = draft_new(&f, node, op);
    *ret_id = fixture_id(&f);
    draft_create(d, "person", ret_id,
                 VALUES(V_TEXT("area", f.nodes[node].name), V_TEXT("name", "Ani")));
    return d;
}

static struct sent late_person(struct id *ret_id)
{
    struct draft *d = person_draft(NODE_A, OPERATOR_LATE, ret_id);
    d->claimed_ms = JULY_MS;
    return fixture_send(d);
}

static struct sent name_set(uint32_t op, const struct id *id, struct base base, const char *name)
{
    struct draft *d = draft_new(&f, NODE_A, op);
    draft_update(d, "person", id, base, VALUES(V_TEXT("name", name)));
    return fixture_send(d);
}

static void renew(uint32_t op, const char *until)
{
    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_operator_until(&ops, op, "SK 2", until);
    fixture_trust(&f, 1, writer_bytes(&ops));
}

static unsigned decisions(unsigned node, uint64_t from, const struct hash *leaf,
                          enum disposition disposition)
{
    const struct items *items = fixture_feed(&f, node, FEED_CONTROL, from);
    unsigned count = 0;
    for (unsigned i = 0; i < items->count; i++)
        count += items->list[i].kind == FEED_DECISION && hash_equal(&items->list[i].leaf, leaf) &&
                 items->list[i].decision.disposition == disposition;
    return count;
}

/* --- terms and ends -------------------------------------------------------------------------- */

static void work_after_the_end_of_a_term_waits_and_one_renewal_releases_it(void **state)
{
    (void)state;
    struct id id, in_time;
    struct sent one = late_person(&id);
    assert_answer(&f, &one, 0, QUARANTINED, "term_ended");
    struct sent two = fixture_send(person_draft(NODE_A, OPERATOR_LATE, &in_time));
    assert_answer(&f, &two, 0, ACCEPTED, "");
    struct sent three = name_set(OPERATOR_A, &id, base_leaf(0, &one.leaf), "Ana");
    assert_answer(&f, &three, 0, PARKED, "after");
    assert_int_equal(fixture_rev(&f, "person", &id), 0);

    uint64_t before = hub_store_journal(f.store).number;
    renew(OPERATOR_LATE, "2026-07-01"); /* not far enough */
    assert_answer(&f, &one, 0, QUARANTINED, "term_ended");
    assert_int_equal(hub_store_journal(f.store).number, before + 1);
    renew(OPERATOR_LATE, "2027-06-30");
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &three, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
    assert_int_equal(decisions(NODE_A, before, &one.leaf, DISPOSITION_ACCEPTED), 1);
    assert_int_equal(decisions(NODE_A, before, &three.leaf, DISPOSITION_ACCEPTED), 1);
    assert_int_equal(decisions(NODE_B, before, &one.leaf, DISPOSITION_ACCEPTED), 0);
}

static void released_work_has_the_number_of_its_release_and_comes_back_in_the_feed(void **state)
{
    (void)state;
    struct id id;
    struct sent one = late_person(&id);
    renew(OPERATOR_LATE, "2027-06-30");
    struct answer answer = fixture_answer(&f, &one, 0);
    assert_true(answer.number > one.number);
    assert_int_equal(fixture_rev(&f, "person", &id), answer.number);
    const struct items *items = fixture_feed(&f, NODE_A, FEED_RECORDS, one.number);
    const struct feed_item *item = items_find(items, FEED_RECORD, &id);
    assert_non_null(item);
    assert_int_equal(item->number, answer.number);
    /* The base that the feed showed is good for the next change. */
    struct sent edit = name_set(OPERATOR_A, &id, base_rev(answer.number), "Ana");
    assert_answer(&f, &edit, 0, ACCEPTED, "");
    struct sent old = name_set(OPERATOR_A, &id, base_leaf(0, &one.leaf), "Ane");
    assert_answer(&f, &old, 0, HELD, ""); /* the edit between was not seen */
}

static void operator_end(uint32_t op, enum end_reason reason, uint64_t seq)
{
    uint8_t space[512];
    struct writer ops = writer_of(space, sizeof(space));
    struct ended ended = { .reason = reason };
    if (seq > 0) {
        ended.cut_count = 1;
        ended.cuts[0] = (struct cut){ .incarnation = f.nodes[NODE_A].incarnation,
                                      .lane = LANE_NORMAL,
                                      .seq = seq };
    }
    trust_op_operator_end(&ops, op, &ended);
    fixture_trust(&f, 1, writer_bytes(&ops));
}

static void after_a_succession_the_chains_own_policy_entry_is_the_line(void **state)
{
    (void)state;
    struct id a, b, c;
    struct draft *d = person_draft(NODE_A, OPERATOR_A2, &a);
    struct draft *late = person_draft(NODE_A, OPERATOR_A2, &b);
    struct draft *other = person_draft(NODE_A, OPERATOR_A, &c);
    operator_end(OPERATOR_A2, END_SUCCESSION, 0);
    struct sent queued_before = fixture_send(d);
    assert_answer(&f, &queued_before, 0, ACCEPTED, "");
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent queued_after = fixture_send(late);
    struct sent colleague = fixture_send(other);
    assert_answer(&f, &queued_after, 0, QUARANTINED, "author_ended");
    assert_answer(&f, &colleague, 0, ACCEPTED, "");
    fixture_release(&f, false, &queued_after.leaf, 1);
    assert_answer(&f, &queued_after, 0, REJECTED, "author_ended");
    assert_int_equal(fixture_rev(&f, "person", &b), 0);
}

static void who_claims_a_policy_that_ended_him_is_not_taken(void **state)
{
    (void)state;
    struct id a;
    operator_end(OPERATOR_A2, END_ENDED, 0);
    struct draft *d = person_draft(NODE_A, OPERATOR_A2, &a); /* written under the ending version */
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, QUARANTINED, "author_ended");
}

static void a_leaked_key_sends_everything_above_the_cut_to_review(void **state)
{
    (void)state;
    struct id a, b, c, d;
    struct draft *below = person_draft(NODE_A, OPERATOR_A2, &a);
    struct draft *above = person_draft(NODE_A, OPERATOR_A2, &b);
    struct draft *elsewhere = person_draft(NODE_A, OPERATOR_A2, &c);
    struct draft *moved = person_draft(NODE_A, OPERATOR_A2, &d);
    operator_end(OPERATOR_A2, END_LEAKED, 1);
    struct sent one = fixture_send(below);
    struct sent two = fixture_send(above);
    elsewhere->lane = LANE_BULK;
    struct sent three = fixture_send(elsewhere);
    fixture_reincarnate(&f, NODE_A, true);
    struct sent four = fixture_send(moved);
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, QUARANTINED, "key_leaked");
    assert_answer(&f, &three, 0, QUARANTINED, "key_leaked");
    assert_answer(&f, &four, 0, QUARANTINED, "key_leaked");
    const struct hash both[] = { two.leaf, three.leaf };
    fixture_release(&f, true, both, 2);
    assert_answer(&f, &two, 0, ACCEPTED, "");
    assert_answer(&f, &three, 0, ACCEPTED, "");
    assert_answer(&f, &four, 0, QUARANTINED, "key_leaked");
    assert_true(fixture_rev(&f, "person", &b) < fixture_rev(&f, "person", &c));
}

static void a_node_that_was_replaced_is_judged_like_its_authors(void **state)
{
    (void)state;
    uint8_t space[256];
    struct id a, b;
    struct draft *before = person_draft(NODE_A, OPERATOR_A, &a);
    struct draft *after = person_draft(NODE_A, OPERATOR_A, &b);
    struct ended ended = { .reason = END_SUCCESSION };
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_node_end(&ops, f.nodes[NODE_A].name, &ended);
    fixture_trust(&f, 1, writer_bytes(&ops));
    struct sent one = fixture_send(before);
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent two = fixture_send(after);
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, QUARANTINED, "author_ended");
}

/* --- twins ----------------------------------------------------------------------------------- */

static void twin(const struct id *a, const struct id *b)
{
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_incarnation_twin(f.store, f.nodes[NODE_A].name, a, b), OK);
    assert_int_equal(hub_store_commit(f.store), OK);
}

static void twins_wait_until_a_person_says_which_goes_on(void **state)
{
    (void)state;
    uint8_t space[256];
    struct id a, b;
    struct fixture_node old = f.nodes[NODE_A];
    fixture_reincarnate(&f, NODE_A, true);
    struct fixture_node young = f.nodes[NODE_A];
    twin(&old.incarnation, &young.incarnation);
    struct sent from_young = fixture_send(person_draft(NODE_A, OPERATOR_A, &a));
    young = f.nodes[NODE_A];
    f.nodes[NODE_A] = old;
    struct sent from_old = fixture_send(person_draft(NODE_A, OPERATOR_A, &b));
    assert_answer(&f, &from_young, 0, QUARANTINED, "twin");
    assert_answer(&f, &from_old, 0, QUARANTINED, "twin");

    struct writer ops = writer_of(space, sizeof(space));
    trust_op_incarnation(&ops, old.name, &young.incarnation, true);
    trust_op_incarnation(&ops, old.name, &old.incarnation, false);
    fixture_trust(&f, 2, writer_bytes(&ops));
    assert_answer(&f, &from_young, 0, ACCEPTED, "");
    assert_answer(&f, &from_old, 0, REJECTED, "twin");
    struct hub_incarnation found;
    assert_int_equal(hub_store_incarnation(f.store, old.name, &young.incarnation, &found), OK);
    assert_int_equal(found.state, INCARNATION_ACTIVE);
    assert_int_equal(hub_store_incarnation(f.store, old.name, &old.incarnation, &found), OK);
    assert_int_equal(found.state, INCARNATION_QUARANTINED);
    f.nodes[NODE_A] = young;
    struct sent next = fixture_send(person_draft(NODE_A, OPERATOR_A, &a));
    assert_answer(&f, &next, 0, ACCEPTED, "");
}

/* --- parking --------------------------------------------------------------------------------- */

static void a_transaction_waits_for_the_seqs_of_other_lanes_that_it_names(void **state)
{
    (void)state;
    struct id id, other;
    struct draft *d = person_draft(NODE_A, OPERATOR_A, &id);
    struct signed_txn *create = draft_sign(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_leaf(0, &create->leaf), VALUES(V_TEXT("name", "Ana")));
    d->lane = LANE_URGENT;
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_BULK, .seq = 2 };
    struct sent waits = fixture_send(d);
    assert_answer(&f, &waits, 0, PARKED, "after");
    d = person_draft(NODE_A, OPERATOR_A, &other);
    d->lane = LANE_URGENT;
    struct sent behind = fixture_send(d); /* is not blocked */
    assert_answer(&f, &behind, 0, ACCEPTED, "");
    d = person_draft(NODE_A, OPERATOR_A, &other);
    d->lane = LANE_BULK;
    (void)fixture_send(d);
    assert_answer(&f, &waits, 0, PARKED, "after");
    struct sent made = fixture_send_at(&f, create, NODE_A, LANE_BULK);
    free(create);
    assert_answer(&f, &waits, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
    assert_int_equal(fixture_rev(&f, "person", &id), made.number + 1);
}

static void a_policy_entry_can_be_what_a_transaction_waits_for(void **state)
{
    (void)state;
    struct id id;
    struct draft *d = person_draft(NODE_A, OPERATOR_A, &id);
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_URGENT, .seq = 1 };
    struct sent waits = fixture_send(d);
    assert_answer(&f, &waits, 0, PARKED, "after");
    fixture_policy_entry(&f, NODE_A, LANE_URGENT);
    assert_answer(&f, &waits, 0, ACCEPTED, "");
}

static void what_refers_to_waiting_work_parks_behind_it_and_shares_its_fate(void **state)
{
    (void)state;
    struct id house = fixture_id(&f), id = fixture_id(&f), second = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_LATE);
    d->claimed_ms = JULY_MS;
    draft_create(d, "house", &house, VALUES(V_TEXT("area", "36.04.29")));
    struct sent one = fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x"), V_ID("house", &house)));
    struct sent two = fixture_send(d);
    d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "person", &id, base_leaf(0, &two.leaf), VALUES(V_INT("age", 4)));
    struct sent three = fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "house", &second, VALUES(V_TEXT("area", "36.04.29"), V_ID("head", &id)));
    struct sent four = fixture_send(d);
    assert_answer(&f, &two, 0, PARKED, "after");
    assert_answer(&f, &three, 0, PARKED, "after");
    assert_answer(&f, &four, 0, PARKED, "after");

    fixture_release(&f, false, &one.leaf, 1);
    assert_answer(&f, &one, 0, REJECTED, "term_ended");
    assert_answer(&f, &two, 0, REJECTED, "reference");
    assert_answer(&f, &three, 0, REJECTED, "base_rejected");
    assert_answer(&f, &four, 0, REJECTED, "reference");
}

static void what_waits_merges_in_the_order_in_which_it_came(void **state)
{
    (void)state;
    struct id id;
    struct sent one = late_person(&id);
    struct sent two = name_set(OPERATOR_A, &id, base_leaf(0, &one.leaf), "first");
    struct sent three = name_set(OPERATOR_A, &id, base_leaf(0, &two.leaf), "second");
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "person", &id, base_leaf(0, &one.leaf), VALUES(V_TEXT("name", "third")));
    struct sent four = fixture_send(d);
    fixture_release(&f, true, &one.leaf, 1);
    assert_answer(&f, &two, 0, ACCEPTED, "");
    assert_answer(&f, &three, 0, ACCEPTED, "");
    assert_answer(&f, &four, 0, HELD, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "second");
}

static void two_that_refer_to_each_other_do_not_wait_for_ever(void **state)
{
    (void)state;
    struct id house = fixture_id(&f), id = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_LATE);
    d->claimed_ms = JULY_MS;
    draft_create(d, "house", &house, VALUES(V_TEXT("area", "36.04.29"), V_ID("head", &id)));
    struct sent one = fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x"), V_ID("house", &house)));
    struct sent two = fixture_send(d);
    assert_answer(&f, &two, 0, PARKED, "after");
    renew(OPERATOR_LATE, "2027-06-30");
    assert_answer(&f, &one, 0, REJECTED, "reference");
    assert_answer(&f, &two, 0, REJECTED, "reference");
}

static void a_life_that_ended_leaves_nothing_waiting_for_it(void **state)
{
    (void)state;
    struct id id, other;
    struct signed_txn *create = draft_sign(person_draft(NODE_A, OPERATOR_A, &id));
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_leaf(0, &create->leaf), VALUES(V_TEXT("name", "Ana")));
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_BULK, .seq = 1 };
    struct sent waits = fixture_send(d);
    fixture_reincarnate(&f, NODE_A, true);
    /* Re-homed: the bulk lane's entry comes in the normal lane now, after another. */
    (void)fixture_send(person_draft(NODE_A, OPERATOR_A, &other));
    assert_answer(&f, &waits, 0, PARKED, "after");
    (void)fixture_send_at(&f, create, NODE_A, LANE_NORMAL);
    free(create);
    assert_answer(&f, &waits, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
}

static void after_a_move_it_goes_on_waiting_only_for_what_it_needs(void **state)
{
    (void)state;
    struct id id, other;
    struct sent late = late_person(&id);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_leaf(0, &late.leaf), VALUES(V_TEXT("name", "Ana")));
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_BULK, .seq = 1 };
    struct sent waits = fixture_send(d);
    fixture_reincarnate(&f, NODE_A, true);
    (void)fixture_send(person_draft(NODE_A, OPERATOR_A, &other));
    assert_answer(&f, &waits, 0, PARKED, "after");
    fixture_release(&f, true, &late.leaf, 1); /* no position of the ended life will come any more */
    assert_answer(&f, &waits, 0, ACCEPTED, "");
}

static void a_person_can_let_go_of_what_waits_in_vain(void **state)
{
    (void)state;
    struct id a, b;
    struct draft *d = person_draft(NODE_A, OPERATOR_A, &a);
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_BULK, .seq = 9 };
    struct sent one = fixture_send(d);
    d = person_draft(NODE_A, OPERATOR_A, &b);
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_BULK, .seq = 9 };
    struct sent two = fixture_send(d);
    fixture_release(&f, true, &one.leaf, 1);
    fixture_release(&f, false, &two.leaf, 1);
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, REJECTED, "denied");
}

static void what_is_let_pass_before_all_has_arrived_waits_for_the_rest(void **state)
{
    (void)state;
    struct id id;
    struct draft *d = person_draft(NODE_A, OPERATOR_A, &id);
    struct signed_txn *create = draft_sign(d);
    d = draft_new(&f, NODE_A, OPERATOR_LATE);
    draft_update(d, "person", &id, base_leaf(0, &create->leaf), VALUES(V_TEXT("name", "Ana")));
    d->claimed_ms = JULY_MS;
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_BULK, .seq = 1 };
    struct sent edit = fixture_send(d);
    assert_answer(&f, &edit, 0, QUARANTINED, "term_ended");
    fixture_release(&f, true, &edit.leaf, 1);
    assert_answer(&f, &edit, 0, PARKED, "after");
    (void)fixture_send_at(&f, create, NODE_A, LANE_BULK);
    free(create);
    assert_answer(&f, &edit, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
}

static void a_quarantined_create_keeps_its_id_to_itself(void **state)
{
    (void)state;
    struct id id;
    struct sent one = late_person(&id);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    struct sent two = fixture_send(d);
    assert_answer(&f, &two, 0, REJECTED, "duplicate");
    fixture_release(&f, true, &one.leaf, 1);
    assert_answer(&f, &one, 0, ACCEPTED, "");
}

/* --- decisions ------------------------------------------------------------------------------- */

static void each_step_of_a_held_change_reaches_its_author(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = fixture_send(person_draft(NODE_A, OPERATOR_A, &id));
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", 40)));
    struct sent first = fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", 41)));
    struct sent held = fixture_send(d);
    assert_int_equal(decisions(NODE_A, 0, &held.leaf, DISPOSITION_ACCEPTED), 0);
    assert_true(fixture_conflict(&f, &id, "age", NODE_A, &conflict));
    d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &id, base_rev(first.number), &conflict, VALUES(V_INT("age", 41)));
    (void)fixture_send(d);
    assert_int_equal(decisions(NODE_A, 0, &held.leaf, DISPOSITION_ACCEPTED), 1);
    assert_int_equal(decisions(NODE_D, 0, &held.leaf, DISPOSITION_ACCEPTED), 0);
}

static void a_mixed_answer_is_told_change_by_change(void **state)
{
    (void)state;
    struct id good = fixture_id(&f), bad = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_LATE);
    d->claimed_ms = JULY_MS;
    draft_create(d, "person", &good, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    draft_create(d, "person", &bad, VALUES(V_TEXT("area", "36.04.30"), V_TEXT("name", "x")));
    struct sent sent = fixture_send(d);
    renew(OPERATOR_LATE, "2027-06-30");
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_answer(&f, &sent, 1, REJECTED, "area");
    assert_int_equal(decisions(NODE_A, 0, &sent.leaf, DISPOSITION_ACCEPTED), 1);
    assert_int_equal(decisions(NODE_A, 0, &sent.leaf, DISPOSITION_REJECTED), 1);
}

int main(void)
{
#define TEST(name) FIXTURE_TEST(name, &f)
    const struct CMUnitTest tests[] = {
        TEST(work_after_the_end_of_a_term_waits_and_one_renewal_releases_it),
        TEST(released_work_has_the_number_of_its_release_and_comes_back_in_the_feed),
        TEST(after_a_succession_the_chains_own_policy_entry_is_the_line),
        TEST(who_claims_a_policy_that_ended_him_is_not_taken),
        TEST(a_leaked_key_sends_everything_above_the_cut_to_review),
        TEST(a_node_that_was_replaced_is_judged_like_its_authors),
        TEST(twins_wait_until_a_person_says_which_goes_on),
        TEST(a_transaction_waits_for_the_seqs_of_other_lanes_that_it_names),
        TEST(a_policy_entry_can_be_what_a_transaction_waits_for),
        TEST(what_refers_to_waiting_work_parks_behind_it_and_shares_its_fate),
        TEST(what_waits_merges_in_the_order_in_which_it_came),
        TEST(two_that_refer_to_each_other_do_not_wait_for_ever),
        TEST(a_life_that_ended_leaves_nothing_waiting_for_it),
        TEST(after_a_move_it_goes_on_waiting_only_for_what_it_needs),
        TEST(a_person_can_let_go_of_what_waits_in_vain),
        TEST(what_is_let_pass_before_all_has_arrived_waits_for_the_rest),
        TEST(a_quarantined_create_keeps_its_id_to_itself),
        TEST(each_step_of_a_held_change_reaches_its_author),
        TEST(a_mixed_answer_is_told_change_by_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
