/* Two values of one field, and deletes against edits: held until a person decides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/merge.h"
#include "tests/support/hub_fixture.h"

static struct fixture f;

static const char *area_of(unsigned node)
{
    return node == NODE_B ? "36.04.30" : "36.04.29";
}

/* A person of the node's area, in a transaction of its own. */
static struct sent person_new(unsigned node, uint32_t op, const char *name, struct id *ret_id)
{
    struct draft *d = draft_new(&f, node, op);
    *ret_id = fixture_id(&f);
    draft_create(d, "person", ret_id, VALUES(V_TEXT("area", area_of(node)), V_TEXT("name", name)));
    return fixture_send(d);
}

static struct sent update_with(unsigned node, uint32_t op, const struct id *id, struct base base,
                               struct value value)
{
    struct draft *d = draft_new(&f, node, op);
    draft_update(d, "person", id, base, &value, 1);
    return fixture_send(d);
}

static struct sent name_set(unsigned node, uint32_t op, const struct id *id, struct base base,
                            const char *name)
{
    return update_with(node, op, id, base, V_TEXT("name", name));
}

static struct sent age_set(unsigned node, uint32_t op, const struct id *id, struct base base,
                           int64_t age)
{
    return update_with(node, op, id, base, V_INT("age", age));
}

/* --- conflicts ------------------------------------------------------------------------------- */

/* Made at A, age set to 40 at D and, unseen, to 41 at A: A's is held. */
struct quarrel {
    struct id id, conflict;
    struct sent made, first, held;
};

static struct quarrel quarrel_new(void)
{
    struct quarrel q;
    q.made = person_new(NODE_A, OPERATOR_A, "Ani", &q.id);
    q.first = age_set(NODE_D, OPERATOR_D, &q.id, base_rev(q.made.number), 40);
    q.held = age_set(NODE_A, OPERATOR_A, &q.id, base_rev(q.made.number), 41);
    assert_answer(&f, &q.held, 0, HELD, "");
    assert_true(fixture_conflict(&f, &q.id, "age", NODE_A, &q.conflict));
    assert_string_equal(fixture_text(&f, "person", &q.id, "age"), "40");
    return q;
}

static struct sent resolve_age(unsigned node, uint32_t op, const struct quarrel *q,
                               struct base base, int64_t age)
{
    struct draft *d = draft_new(&f, node, op);
    draft_resolve(d, "person", &q->id, base, &q->conflict, VALUES(V_INT("age", age)));
    return fixture_send(d);
}

static void two_values_of_one_field_are_held_until_someone_decides(void **state)
{
    (void)state;
    struct quarrel q = quarrel_new();
    struct id expected;
    merge_conflict_id(&q.held.leaf, 0, bytes_text("age"), &expected);
    assert_memory_equal(expected.at, q.conflict.at, ID_BYTES);
    struct answer answer = fixture_answer(&f, &q.held, 0);
    assert_string_equal(answer.field, "age");
    struct sent resolve = resolve_age(NODE_D, OPERATOR_D, &q, base_rev(q.first.number), 41);
    assert_answer(&f, &resolve, 0, ACCEPTED, "");
    assert_answer(&f, &q.held, 0, ACCEPTED, "");
    assert_answer(&f, &q.first, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &q.id, "age"), "41");
    assert_false(fixture_conflict(&f, &q.id, "age", NODE_A, &q.conflict));
}

static void the_held_change_is_superseded_when_the_other_value_is_chosen(void **state)
{
    (void)state;
    struct quarrel q = quarrel_new();
    struct sent resolve = resolve_age(NODE_D, OPERATOR_D, &q, base_rev(q.first.number), 40);
    assert_answer(&f, &resolve, 0, ACCEPTED, "");
    assert_answer(&f, &q.held, 0, SUPERSEDED, "");
    assert_string_equal(fixture_text(&f, "person", &q.id, "age"), "40");
    assert_int_equal(fixture_rev(&f, "person", &q.id), resolve.number);
}

static void the_author_of_the_held_value_may_resolve_too(void **state)
{
    (void)state;
    struct quarrel q = quarrel_new();
    struct sent resolve = resolve_age(NODE_A, OPERATOR_A, &q, base_rev(q.first.number), 41);
    assert_answer(&f, &resolve, 0, ACCEPTED, "");
    assert_answer(&f, &q.held, 0, ACCEPTED, "");
}

static void a_resolve_over_a_value_that_its_author_did_not_see_leaves_the_conflict_open(
    void **state)
{
    (void)state;
    struct quarrel q = quarrel_new();
    struct sent moved_on = age_set(NODE_D, OPERATOR_D, &q.id, base_rev(q.first.number), 42);
    assert_answer(&f, &moved_on, 0, ACCEPTED, "");
    struct sent resolve = resolve_age(NODE_A, OPERATOR_A, &q, base_rev(q.first.number), 41);
    assert_answer(&f, &resolve, 0, SUPERSEDED, "");
    assert_answer(&f, &q.held, 0, HELD, "");
    assert_true(fixture_conflict(&f, &q.id, "age", NODE_A, &q.conflict));
    assert_string_equal(fixture_text(&f, "person", &q.id, "age"), "42");
}

static void the_second_of_two_resolves_is_superseded_unless_it_says_the_same(void **state)
{
    (void)state;
    struct quarrel q = quarrel_new();
    (void)resolve_age(NODE_D, OPERATOR_D, &q, base_rev(q.first.number), 40);
    struct sent same = resolve_age(NODE_A, OPERATOR_A, &q, base_rev(q.first.number), 40);
    struct sent other = resolve_age(NODE_A, OPERATOR_A, &q, base_rev(q.first.number), 41);
    assert_answer(&f, &same, 0, ACCEPTED, "");
    assert_answer(&f, &other, 0, SUPERSEDED, "");
    assert_string_equal(fixture_text(&f, "person", &q.id, "age"), "40");
}

static void a_later_own_change_replaces_the_held_value(void **state)
{
    (void)state;
    struct quarrel q = quarrel_new();
    struct id conflict;
    struct sent later =
        age_set(NODE_A, OPERATOR_A, &q.id, base_leaf(q.made.number, &q.held.leaf), 45);
    assert_answer(&f, &later, 0, HELD, "");
    assert_answer(&f, &q.held, 0, SUPERSEDED, "");
    assert_true(fixture_conflict(&f, &q.id, "age", NODE_A, &conflict));
    assert_memory_equal(conflict.at, q.conflict.at, ID_BYTES);
    (void)resolve_age(NODE_D, OPERATOR_D, &q, base_rev(q.first.number), 45);
    assert_answer(&f, &later, 0, ACCEPTED, "");
}

static void giving_in_to_the_hubs_value_ends_the_conflict(void **state)
{
    (void)state;
    struct quarrel q = quarrel_new();
    struct id conflict;
    struct sent later = age_set(NODE_A, OPERATOR_A, &q.id, base_rev(q.first.number), 40);
    assert_answer(&f, &later, 0, ACCEPTED, "");
    assert_answer(&f, &q.held, 0, SUPERSEDED, "");
    assert_false(fixture_conflict(&f, &q.id, "age", NODE_A, &conflict));
}

static void only_the_held_fields_of_a_change_wait(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    (void)age_set(NODE_D, OPERATOR_D, &id, base_rev(made.number), 40);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number),
                 VALUES(V_INT("age", 41), V_TEXT("name", "Ana"), V_INT("income", 5)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, HELD, "");
    assert_string_equal(fixture_text(&f, "person", &id, "age"), "40");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
    assert_string_equal(fixture_text(&f, "person", &id, "income"), "5");
}

static void nobody_has_seen_what_is_not_written_yet(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", 40)));
    (void)fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev((uint64_t)1 << 62), VALUES(V_INT("age", 41)));
    struct sent liar = fixture_send(d);
    assert_answer(&f, &liar, 0, REJECTED, "malformed");
    assert_string_equal(fixture_text(&f, "person", &id, "age"), "40");
}

static void an_office_does_not_move_a_record_out_of_its_area(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_TEXT("area", "36.04.30")));
    struct sent moved = fixture_send(d);
    assert_answer(&f, &moved, 0, REJECTED, "area");
    d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_TEXT("area", "36.04.30")));
    moved = fixture_send(d);
    assert_answer(&f, &moved, 0, ACCEPTED, "");
}

static void a_change_with_two_held_fields_is_answered_when_both_are(void **state)
{
    (void)state;
    struct id id, on_age, on_area;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "person", &id, base_rev(made.number),
                 VALUES(V_INT("age", 40), V_TEXT("area", "36.04.29.2002")));
    struct sent first = fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number),
                 VALUES(V_INT("age", 41), V_TEXT("area", "36.04.29.2001")));
    struct sent held = fixture_send(d);
    assert_answer(&f, &held, 0, HELD, "");
    assert_true(fixture_conflict(&f, &id, "age", NODE_A, &on_age));
    assert_true(fixture_conflict(&f, &id, "area", NODE_A, &on_area));
    d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &id, base_rev(first.number), &on_age, VALUES(V_INT("age", 40)));
    struct sent one = fixture_send(d);
    assert_answer(&f, &held, 0, HELD, "");
    d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &id, base_rev(one.number), &on_area,
                  VALUES(V_TEXT("area", "36.04.29.2001")));
    (void)fixture_send(d);
    assert_answer(&f, &held, 0, SUPERSEDED, ""); /* one of its values lost */
    assert_string_equal(fixture_text(&f, "person", &id, "area"), "36.04.29.2001");
}

static void a_resolve_needs_authority_and_the_right_conflict(void **state)
{
    (void)state;
    struct id id, conflict;
    struct quarrel q = quarrel_new();
    struct sent made = person_new(NODE_B, OPERATOR_B, "Budi", &id);
    struct draft *d = draft_new(&f, NODE_B, OPERATOR_B);
    draft_resolve(d, "person", &id, base_rev(made.number), &q.conflict, VALUES(V_INT("age", 1)));
    struct sent stranger = fixture_send(d);
    assert_answer(&f, &stranger, 0, REJECTED, "not_found");
    d = draft_new(&f, NODE_B, OPERATOR_B);
    draft_resolve(d, "person", &q.id, base_rev(made.number), &q.conflict, VALUES(V_INT("age", 1)));
    struct sent outside = fixture_send(d);
    assert_answer(&f, &outside, 0, REJECTED, "area");
    d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &q.id, base_rev(q.first.number), &q.conflict,
                  VALUES(V_TEXT("verdict", "x")));
    struct sent other_field = fixture_send(d);
    assert_answer(&f, &other_field, 0, REJECTED, "not_found");
    assert_true(fixture_conflict(&f, &q.id, "age", NODE_A, &conflict));
}

/* --- existence ------------------------------------------------------------------------------- */

static struct sent delete_of(unsigned node, uint32_t op, const struct id *id, struct base base)
{
    struct draft *d = draft_new(&f, node, op);
    draft_delete(d, "person", id, base);
    return fixture_send(d);
}

static void a_delete_of_what_its_author_saw_is_taken(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent gone = delete_of(NODE_A, OPERATOR_A, &id, base_rev(made.number));
    assert_answer(&f, &gone, 0, ACCEPTED, "");
    assert_true(fixture_deleted(&f, "person", &id));
    struct sent late = name_set(NODE_A, OPERATOR_A, &id, base_rev(gone.number), "ghost");
    assert_answer(&f, &late, 0, REJECTED, "not_found");
    struct sent again = delete_of(NODE_D, OPERATOR_D, &id, base_rev(made.number));
    assert_answer(&f, &again, 0, ACCEPTED, "");
}

static void a_delete_never_silently_beats_an_edit(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent edit = age_set(NODE_D, OPERATOR_D, &id, base_rev(made.number), 40);
    struct sent gone = delete_of(NODE_A, OPERATOR_A, &id, base_rev(made.number));
    assert_answer(&f, &gone, 0, HELD, "");
    assert_false(fixture_deleted(&f, "person", &id));
    assert_true(fixture_conflict(&f, &id, "", NODE_A, &conflict));
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &id, base_rev(edit.number), &conflict, VALUES(V_BOOL("", 1)));
    struct sent resolve = fixture_send(d);
    assert_answer(&f, &resolve, 0, ACCEPTED, "");
    assert_answer(&f, &gone, 0, ACCEPTED, "");
    assert_true(fixture_deleted(&f, "person", &id));
}

static void an_edit_never_silently_undoes_a_delete(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent gone = delete_of(NODE_D, OPERATOR_D, &id, base_rev(made.number));
    struct sent edit = name_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), "Ana");
    assert_answer(&f, &edit, 0, HELD, "");
    assert_true(fixture_deleted(&f, "person", &id));
    assert_true(fixture_conflict(&f, &id, "", NODE_A, &conflict));
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &id, base_rev(gone.number), &conflict, VALUES(V_BOOL("", 0)));
    struct sent resolve = fixture_send(d);
    assert_answer(&f, &resolve, 0, ACCEPTED, "");
    assert_answer(&f, &edit, 0, ACCEPTED, "");
    assert_false(fixture_deleted(&f, "person", &id));
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
    /* The whole record goes out again, since a node may have dropped it. */
    const struct items *items = fixture_feed(&f, NODE_A, FEED_RECORDS, edit.number);
    const struct feed_item *item = items_find(items, FEED_RECORD, &id);
    assert_non_null(item);
    assert_false(item->deleted);
    assert_true(fields_get(item->fields, bytes_text("name")).len > 0);
    assert_true(fields_get(item->fields, bytes_text("area")).len > 0);
}

static void an_answer_about_existence_is_a_truth_value(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent edit = age_set(NODE_D, OPERATOR_D, &id, base_rev(made.number), 40);
    (void)delete_of(NODE_A, OPERATOR_A, &id, base_rev(made.number));
    assert_true(fixture_conflict(&f, &id, "", NODE_A, &conflict));
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &id, base_rev(edit.number), &conflict, VALUES(V_INT("", 1)));
    struct sent resolve = fixture_send(d);
    assert_answer(&f, &resolve, 0, REJECTED, "value");
}

int main(void)
{
#define TEST(name) FIXTURE_TEST(name, &f)
    const struct CMUnitTest tests[] = {
        TEST(two_values_of_one_field_are_held_until_someone_decides),
        TEST(the_held_change_is_superseded_when_the_other_value_is_chosen),
        TEST(the_author_of_the_held_value_may_resolve_too),
        TEST(a_resolve_over_a_value_that_its_author_did_not_see_leaves_the_conflict_open),
        TEST(the_second_of_two_resolves_is_superseded_unless_it_says_the_same),
        TEST(a_later_own_change_replaces_the_held_value),
        TEST(giving_in_to_the_hubs_value_ends_the_conflict),
        TEST(only_the_held_fields_of_a_change_wait),
        TEST(nobody_has_seen_what_is_not_written_yet),
        TEST(an_office_does_not_move_a_record_out_of_its_area),
        TEST(a_change_with_two_held_fields_is_answered_when_both_are),
        TEST(a_resolve_needs_authority_and_the_right_conflict),
        TEST(a_delete_of_what_its_author_saw_is_taken),
        TEST(a_delete_never_silently_beats_an_edit),
        TEST(an_edit_never_silently_undoes_a_delete),
        TEST(an_answer_about_existence_is_a_truth_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
