/* What the feed brings to whom: areas, restricted values, conflicts, moves, batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

static struct fixture f;

static struct sent person_new(unsigned node, uint32_t op, const char *area, struct id *ret_id)
{
    struct draft *d = draft_new(&f, node, op);
    *ret_id = fixture_id(&f);
    d->short_number = 7;
    draft_create(d, "person", ret_id,
                 VALUES(V_TEXT("area", area), V_TEXT("name", "Ani"), V_TEXT("secret", "hush")));
    return fixture_send(d);
}

static struct sent set(unsigned node, uint32_t op, const struct id *id, uint64_t rev,
                       struct value value)
{
    struct draft *d = draft_new(&f, node, op);
    draft_update(d, "person", id, base_rev(rev), &value, 1);
    return fixture_send(d);
}

static bool has(const struct feed_item *item, const char *field)
{
    return fields_get(item->fields, bytes_text(field)).len > 0;
}

static void a_node_sees_the_records_of_its_area_and_no_others(void **state)
{
    (void)state;
    struct id a, b;
    (void)person_new(NODE_D, OPERATOR_D, "36.04.29.2001", &a);
    (void)person_new(NODE_D, OPERATOR_D, "36.04.30", &b);
    const struct items *items = fixture_feed(&f, NODE_A, FEED_RECORDS, 0);
    assert_non_null(items_find(items, FEED_RECORD, &a));
    assert_null(items_find(items, FEED_RECORD, &b));
    assert_int_equal(items->to, hub_store_journal(f.store).number);
}

static void an_own_accepted_change_is_not_echoed(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    assert_int_equal(fixture_feed(&f, NODE_A, FEED_RECORDS, 0)->count, 0);
    const struct items *items = fixture_feed(&f, NODE_D, FEED_RECORDS, 0);
    const struct feed_item *item = items_find(items, FEED_RECORD, &id);
    assert_non_null(item);
    assert_int_equal(item->number, made.number);
    assert_true(bytes_is(item->collection, "person"));
    assert_true(bytes_is(item->short_text, "29-0007"));
    assert_true(bytes_is(item->origin.node, "36.04.29"));
    assert_int_equal(item->origin.operator_number, OPERATOR_A);
    assert_int_equal(item->origin.claimed_ms, FIXTURE_CLAIMED_MS);
    assert_true(has(item, "name"));
    assert_false(has(item, "age"));
}

static void another_life_of_the_node_gets_what_the_former_one_wrote(void **state)
{
    (void)state;
    struct id id;
    (void)person_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    fixture_reincarnate(&f, NODE_A, true);
    assert_non_null(items_find(fixture_feed(&f, NODE_A, FEED_RECORDS, 0), FEED_RECORD, &id));
}

static void restricted_values_go_to_the_records_own_area_only(void **state)
{
    (void)state;
    struct id id, deeper;
    struct sent made = person_new(NODE_D, OPERATOR_D, "36.04.29", &id);
    (void)person_new(NODE_D, OPERATOR_D, "36.04.29.2001", &deeper);
    struct sent open = set(NODE_D, OPERATOR_D, &id, made.number, V_TEXT("kind", "open"));
    const struct items *items = fixture_feed(&f, NODE_A, FEED_RECORDS, 0);
    assert_true(has(items_find(items, FEED_RECORD, &id), "secret"));
    assert_false(has(items_find(items, FEED_RECORD, &deeper), "secret"));
    fixture_reincarnate(&f, NODE_D, true);
    items = fixture_feed(&f, NODE_D, FEED_RECORDS, 0);
    assert_false(has(items_find(items, FEED_RECORD, &id), "secret"));
    items = fixture_feed(&f, NODE_D, FEED_RECORDS, made.number);
    assert_true(has(items_find(items, FEED_RECORD, &id), "kind"));
    /* A restricted code makes the value one. */
    struct sent shut = set(NODE_D, OPERATOR_D, &id, open.number, V_TEXT("kind", "shut"));
    fixture_reincarnate(&f, NODE_D, true);
    items = fixture_feed(&f, NODE_D, FEED_RECORDS, shut.number - 1);
    assert_null(items_find(items, FEED_RECORD, &id));
    items = fixture_feed(&f, NODE_A, FEED_RECORDS, shut.number - 1);
    assert_true(has(items_find(items, FEED_RECORD, &id), "kind"));
}

static void a_field_comes_with_the_entry_that_wrote_it_last(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    struct sent one = set(NODE_A, OPERATOR_A, &id, made.number, V_TEXT("name", "Ana"));
    struct sent two = set(NODE_A, OPERATOR_A, &id, one.number, V_NIL("secret"));
    const struct items *items = fixture_feed(&f, NODE_D, FEED_RECORDS, 0);
    assert_int_equal(items->count, 2);
    assert_int_equal(items->list[0].number, made.number);
    assert_false(has(&items->list[0], "name"));
    assert_int_equal(items->list[1].number, one.number);
    assert_true(has(&items->list[1], "name"));
    assert_int_equal(items->to, two.number); /* a restricted field: nothing to see here */
    items = fixture_feed(&f, NODE_A, FEED_RECORDS, 0);
    assert_int_equal(items->count, 0);
    /* A cleared field goes out as nil. */
    fixture_reincarnate(&f, NODE_A, true);
    items = fixture_feed(&f, NODE_A, FEED_RECORDS, one.number);
    struct bytes cleared = fields_get(items->list[0].fields, bytes_text("secret"));
    assert_int_equal(cleared.len, 1);
    assert_int_equal(cleared.at[0], 0xc0);
}

static void the_author_of_a_held_change_gets_what_was_taken_of_it(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    (void)set(NODE_D, OPERATOR_D, &id, made.number, V_INT("age", 40));
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number),
                 VALUES(V_INT("age", 41), V_TEXT("name", "Ana")));
    struct sent held = fixture_send(d);
    const struct items *items = fixture_feed(&f, NODE_A, FEED_RECORDS, made.number);
    assert_int_equal(items->count, 3);
    assert_true(has(&items->list[0], "age")); /* the officer's */
    assert_int_equal(items->list[1].number, held.number);
    assert_true(has(&items->list[1], "name"));
    assert_false(has(&items->list[1], "age"));
    const struct feed_item *conflict = items_find(items, FEED_CONFLICT, &id);
    assert_non_null(conflict);
    assert_true(bytes_is(conflict->field, "age"));
    assert_true(bytes_is(conflict->author_a, "36.04"));
    assert_true(bytes_is(conflict->author_b, "36.04.29"));
    assert_int_equal(conflict->value_a.at[0], 40);
    assert_int_equal(conflict->value_b.at[0], 41);
}

static void an_answered_conflict_is_told_to_all_of_the_area(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    struct sent first = set(NODE_D, OPERATOR_D, &id, made.number, V_INT("age", 40));
    struct sent held = set(NODE_A, OPERATOR_A, &id, made.number, V_INT("age", 41));
    assert_true(fixture_conflict(&f, &id, "age", NODE_A, &conflict));
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "person", &id, base_rev(first.number), &conflict, VALUES(V_INT("age", 42)));
    (void)fixture_send(d);
    for (unsigned node = NODE_A; node <= NODE_D; node += NODE_D) {
        const struct items *items = fixture_feed(&f, node, FEED_RECORDS, held.number);
        assert_int_equal(items_count(items, FEED_RESOLVED), 1);
        assert_int_equal(items_count(items, FEED_CONFLICT), 0);
        const struct feed_item *item = &items->list[items->count - 1];
        assert_int_equal(item->kind, FEED_RESOLVED);
        assert_memory_equal(item->conflict.at, conflict.at, ID_BYTES);
        assert_int_equal(item->value_a.at[0], 42);
    }
    assert_int_equal(items_count(fixture_feed(&f, NODE_B, FEED_RECORDS, 0), FEED_RESOLVED), 0);
}

static void restricted_values_stay_out_of_conflicts_for_others(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    (void)set(NODE_D, OPERATOR_D, &id, made.number, V_TEXT("secret", "one"));
    (void)set(NODE_A, OPERATOR_A, &id, made.number, V_TEXT("secret", "two"));
    assert_true(fixture_conflict(&f, &id, "secret", NODE_A, &conflict));
    assert_int_equal(items_count(fixture_feed(&f, NODE_A, FEED_RECORDS, 0), FEED_CONFLICT), 1);
    assert_int_equal(items_count(fixture_feed(&f, NODE_D, FEED_RECORDS, 0), FEED_CONFLICT), 0);
}

static void a_record_that_moves_is_whole_where_it_comes_and_gone_where_it_was(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    (void)set(NODE_D, OPERATOR_D, &id, made.number, V_INT("age", 40));
    (void)set(NODE_A, OPERATOR_A, &id, made.number, V_INT("age", 41));
    assert_true(fixture_conflict(&f, &id, "age", NODE_A, &conflict));
    uint64_t before = hub_store_journal(f.store).number;
    struct sent moved = set(NODE_D, OPERATOR_D, &id, before, V_TEXT("area", "36.04.30"));
    const struct items *items = fixture_feed(&f, NODE_B, FEED_RECORDS, 0);
    const struct feed_item *item = items_find(items, FEED_RECORD, &id);
    assert_non_null(item);
    assert_int_equal(item->number, moved.number);
    assert_true(has(item, "name") && has(item, "age") && has(item, "area") && has(item, "secret"));
    assert_int_equal(items_count(items, FEED_CONFLICT), 1);
    items = fixture_feed(&f, NODE_A, FEED_RECORDS, before);
    assert_int_equal(items->count, 1);
    assert_true(has(&items->list[0], "area"));
    assert_false(has(&items->list[0], "name") || has(&items->list[0], "secret"));
    (void)set(NODE_D, OPERATOR_D, &id, moved.number, V_TEXT("name", "Ana"));
    assert_int_equal(fixture_feed(&f, NODE_A, FEED_RECORDS, moved.number)->count, 0);
    /* What was written after the move comes with its own entry, not with the whole. */
    items = fixture_feed(&f, NODE_B, FEED_RECORDS, 0);
    assert_false(has(&items->list[0], "name"));
    assert_true(has(&items->list[0], "secret"));
    assert_true(has(&items->list[items->count - 1], "name"));
}

static void a_whole_transaction_of_moves_fits_one_batch(void **state)
{
    (void)state;
    static struct id ids[CHANGES_PER_TRANSACTION_MAX];
    char name[101];
    memset(name, 'n', sizeof(name) - 1);
    name[100] = '\0';
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        ids[i] = fixture_id(&f);
        draft_create(d, "person", &ids[i],
                     VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", name),
                            V_TEXT("secret", name), V_INT("age", 1), V_INT("income", 7000000),
                            V_TEXT("born", "1990-01-01"), V_TEXT("kind", "open")));
    }
    struct sent made = fixture_send(d);
    d = draft_new(&f, NODE_D, OPERATOR_D);
    for (unsigned i = 0; i < COUNT_OF(ids); i++)
        draft_update(d, "person", &ids[i], base_rev(made.number),
                     VALUES(V_TEXT("area", "36.04.30")));
    struct sent moved = fixture_send(d);
    assert_answer(&f, &moved, 0, ACCEPTED, "");
    assert_answer(&f, &moved, CHANGES_PER_TRANSACTION_MAX - 1, ACCEPTED, "");
    const struct items *items = fixture_feed(&f, NODE_B, FEED_RECORDS, 0);
    assert_int_equal(items->count, COUNT_OF(ids));
    assert_true(has(&items->list[255], "secret"));
}

static void control_brings_trust_in_order_and_only_the_newest_rules(void **state)
{
    (void)state;
    uint8_t space[128];
    const struct items *items = fixture_feed(&f, NODE_A, FEED_CONTROL, 0);
    assert_int_equal(items->count, 3);
    assert_int_equal(items->list[0].kind, FEED_TRUST);
    assert_int_equal(items->list[1].kind, FEED_TRUST);
    assert_int_equal(items->list[2].kind, FEED_RULES);
    fixture_rules(&f, fixture_source_wider);
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_operator_until(&ops, OPERATOR_A, "SK 2", "2031-01-01");
    fixture_trust(&f, 1, writer_bytes(&ops));
    items = fixture_feed(&f, NODE_A, FEED_CONTROL, 0);
    assert_int_equal(items->count, 4);
    assert_int_equal(items_count(items, FEED_RULES), 1);
    struct trust trust;
    trust_open(&trust);
    for (unsigned i = 0; i < items->count; i++)
        if (items->list[i].kind == FEED_TRUST)
            assert_int_equal(trust_apply(&trust, items->list[i].document, NULL, NULL), OK);
    assert_memory_equal(trust.hash.at, hub_store_trust(f.store)->hash.at, HASH_BYTES);
    trust_close(&trust);
}

static void batches_end_between_entries_and_lead_on(void **state)
{
    (void)state;
    enum { PEOPLE = 40 };
    static struct id ids[3 * PEOPLE];
    for (unsigned t = 0; t < 3; t++) {
        struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
        for (unsigned i = 0; i < PEOPLE; i++) {
            ids[t * PEOPLE + i] = fixture_id(&f);
            draft_create(d, "person", &ids[t * PEOPLE + i],
                         VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "n")));
        }
        (void)fixture_send(d);
    }
    const struct hub_reader reader = { .node = "36.04", .area = "36.04" };
    static uint8_t space[16 * 1024];
    uint64_t from = 0, to = 0;
    unsigned total = 0, count = 0;
    struct hash hash;
    unsigned batches = 0;
    for (; from < hub_store_journal(f.store).number; from = to, batches++) {
        struct writer out = writer_of(space, sizeof(space));
        assert_int_equal(
            hub_store_feed(f.store, &reader, FEED_RECORDS, from, 10, &out, &count, &to, &hash), OK);
        assert_true(to > from);
        assert_true(count == 0 || count == PEOPLE); /* an entry is never torn */
        total += count;
    }
    assert_int_equal(total, 3 * PEOPLE);
    assert_true(batches >= 3);
    /* Too little room for one entry is the caller's mistake, and told. */
    struct writer out = writer_of(space, 100);
    assert_int_equal(
        hub_store_feed(f.store, &reader, FEED_RECORDS, 0, 10, &out, &count, &to, &hash), ERR_LIMIT);
}

static unsigned feed_from(const struct hub_reader *reader, uint64_t from, uint64_t *ret_to)
{
    static uint8_t space[FEED_PLAIN_BYTES_MAX];
    struct writer out = writer_of(space, sizeof(space));
    struct hash hash;
    unsigned count = 0;
    assert_int_equal(
        hub_store_feed(f.store, reader, FEED_RECORDS, from, 512, &out, &count, ret_to, &hash), OK);
    return count;
}

static void a_record_that_was_written_often_is_looked_at_in_steps(void **state)
{
    (void)state;
    const struct hub_reader reader = { .node = "36.04", .area = "36.04" };
    struct id id;
    uint64_t to = 0;
    unsigned total = 0, steps = 0;
    uint64_t rev = person_new(NODE_A, OPERATOR_A, "36.04.29", &id).number;
    uint64_t before = rev - 1;
    for (unsigned i = 0; i < FEED_LOOK_CHANGES; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "n%u", i);
        rev = set(NODE_A, OPERATOR_A, &id, rev, V_TEXT("name", name)).number;
    }
    for (uint64_t from = before; from < hub_store_journal(f.store).number; from = to, steps++) {
        total += feed_from(&reader, from, &to);
        assert_true(to > from && to - from <= FEED_LOOK_CHANGES);
    }
    assert_int_equal(total, 2); /* what the first entry wrote and still stands, and the last name */
    assert_true(steps >= 2);
}

static void what_a_reader_lost_is_told_like_the_work_of_others(void **state)
{
    (void)state;
    struct id first, second;
    uint64_t to = 0;
    struct hub_reader reader = { .node = f.nodes[NODE_A].name,
                                 .area = f.nodes[NODE_A].name,
                                 .incarnation = f.nodes[NODE_A].incarnation };
    (void)person_new(NODE_A, OPERATOR_A, "36.04.29", &first);
    (void)person_new(NODE_A, OPERATOR_A, "36.04.29", &second);
    assert_int_equal(feed_from(&reader, 0, &to), 0);
    reader.unread[LANE_NORMAL] = 1;
    assert_int_equal(feed_from(&reader, 0, &to), 1);
    reader.unread[LANE_NORMAL] = 2;
    assert_int_equal(feed_from(&reader, 0, &to), 2);
    reader.incarnation = fixture_id(&f); /* of its former life it lost everything anyway */
    reader.unread[LANE_NORMAL] = 0;
    assert_int_equal(feed_from(&reader, 0, &to), 2);
}

int main(void)
{
#define TEST(name) FIXTURE_TEST(name, &f)
    const struct CMUnitTest tests[] = {
        TEST(a_node_sees_the_records_of_its_area_and_no_others),
        TEST(an_own_accepted_change_is_not_echoed),
        TEST(a_record_that_was_written_often_is_looked_at_in_steps),
        TEST(what_a_reader_lost_is_told_like_the_work_of_others),
        TEST(another_life_of_the_node_gets_what_the_former_one_wrote),
        TEST(restricted_values_go_to_the_records_own_area_only),
        TEST(a_field_comes_with_the_entry_that_wrote_it_last),
        TEST(the_author_of_a_held_change_gets_what_was_taken_of_it),
        TEST(an_answered_conflict_is_told_to_all_of_the_area),
        TEST(restricted_values_stay_out_of_conflicts_for_others),
        TEST(a_record_that_moves_is_whole_where_it_comes_and_gone_where_it_was),
        TEST(a_whole_transaction_of_moves_fits_one_batch),
        TEST(control_brings_trust_in_order_and_only_the_newest_rules),
        TEST(batches_end_between_entries_and_lead_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
