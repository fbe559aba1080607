/* What the feed tells a node of a record's past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/node_fixture.h"

/* ---- what was told, as text: "number node/operator flags: fields" */

struct told {
    unsigned count;
    struct told_row {
        uint64_t number, claimed_ms;
        uint32_t operator_number;
        bool first, deleted, decided;
        char node[NODE_TEXT_MAX + 1];
        char names[256]; /* each with a space behind */
    } rows[2 * HISTORY_MAX];
};

static void take(void *ctx, const struct told_change *change)
{
    struct told *told = ctx;
    assert_true(told->count < COUNT_OF(told->rows));
    struct told_row *row = &told->rows[told->count++];
    *row = (struct told_row){ .number = change->number,
                              .claimed_ms = change->claimed_ms,
                              .operator_number = change->operator_number,
                              .first = change->first,
                              .deleted = change->deleted,
                              .decided = change->decided };
    snprintf(row->node, sizeof row->node, "%.*s", (int)change->node.len,
             (const char *)change->node.at);
    struct items_iter iter = items_of(change->field_names);
    for (; iter.left > 0; iter.left--) {
        struct bytes name = reader_str(&iter.reader);
        size_t used = strlen(row->names);
        snprintf(row->names + used, sizeof row->names - used, "%.*s ", (int)name.len,
                 (const char *)name.at);
    }
}

static const struct told *told_of(struct office *o, const struct id *record)
{
    static struct told told;
    told.count = 0;
    assert_int_equal(node_store_told(o->store, record, take, &told), OK);
    return &told;
}

static void feed(struct office *o, const struct id *record, const char *const *fields)
{
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS, office_record(record, "orang", "05-0001", fields)), OK);
}

static struct feed_item decided(const struct id *record, const char *field)
{
    return (struct feed_item){ .kind = FEED_RESOLVED,
                               .conflict = crypto_random_id(),
                               .record = *record,
                               .field = bytes_text(field),
                               .value_a = office_text("Siti") };
}

static void changes_of_others_are_kept_with_author_time_and_field_names(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    feed(o, &person, FIELDS("kec", "36.04.29", "nama", "Siti"));
    struct feed_item item = office_record(&person, "orang", "05-0001", FIELDS("alamat", "Jalan"));
    item.origin = (struct feed_origin){ bytes_text("36.04.05"), 9, 1790000000000 };
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    item = office_record(&person, "orang", "05-0001", FIELDS(NULL));
    item.deleted = true;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    office_restart(o);
    office_unlock(o);
    const struct told *told = told_of(o, &person);
    assert_int_equal(told->count, 3);
    assert_true(told->rows[0].first);
    assert_string_equal(told->rows[0].names, "kec nama ");
    assert_string_equal(told->rows[1].node, "36.04.05");
    assert_int_equal(told->rows[1].operator_number, 9);
    assert_int_equal(told->rows[1].claimed_ms, 1790000000000);
    assert_string_equal(told->rows[1].names, "alamat ");
    assert_false(told->rows[1].first || told->rows[1].deleted || told->rows[1].decided);
    assert_true(told->rows[2].deleted);
    assert_true(told->rows[2].number > told->rows[1].number);
    struct id other = crypto_uuid7(2);
    assert_int_equal(told_of(o, &other)->count, 0);
}

/* The hub echoes an own change that it merged late. */
static void an_own_change_is_not_told_again(void **state)
{
    struct office *o = *state;
    struct id person = office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Siti"));
    struct node_lane lane;
    assert_int_equal(node_store_lane(o->store, LANE_NORMAL, &lane), OK);
    assert_int_equal(office_ack(o, LANE_NORMAL, lane.acked + 1, lane.highest, 1, bytes_of(NULL, 0)),
                     OK);
    struct feed_item item =
        office_record(&person, "orang", "29-0001", FIELDS("kec", "36.04.29", "nama", "Siti"));
    item.number = o->journal;
    item.origin = (struct feed_origin){ bytes_text(OFFICE_NODE), 1, OFFICE_WALL_MS };
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_int_equal(told_of(o, &person)->count, 0);
    feed(o, &person, FIELDS("nama", "Siti S."));
    assert_int_equal(told_of(o, &person)->count, 1);
}

static void a_decision_is_told_with_its_author_when_the_record_item_names_one(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    feed(o, &person, FIELDS("kec", "36.04.29", "nama", "Sity"));
    assert_int_equal(office_feed_one(o, FEED_RECORDS, decided(&person, "nama")), OK);
    struct feed_item items[] = { office_record(&person, "orang", "05-0001", FIELDS("nama", "Siti")),
                                 decided(&person, "nama") };
    items[0].number = items[1].number = ++o->journal;
    assert_int_equal(office_feed(o, FEED_RECORDS, items, 2), OK);
    const struct told *told = told_of(o, &person);
    assert_int_equal(told->count, 3);
    assert_true(told->rows[1].decided);
    assert_string_equal(told->rows[1].node, "");
    assert_string_equal(told->rows[1].names, "nama ");
    assert_true(told->rows[2].decided);
    assert_string_equal(told->rows[2].node, "36.04");
    assert_string_equal(told->rows[2].names, "nama ");
}

static void only_the_newest_changes_of_a_record_are_kept(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1), other = crypto_uuid7(2);
    feed(o, &other, FIELDS("kec", "36.04.29", "nama", "Ani"));
    for (unsigned i = 0; i < HISTORY_MAX + 3; i++)
        feed(o, &person, FIELDS("alamat", i % 2 == 0 ? "Satu" : "Dua"));
    const struct told *told = told_of(o, &person);
    assert_int_equal(told->count, HISTORY_MAX);
    assert_int_equal(told->rows[HISTORY_MAX - 1].number, o->journal);
    assert_int_equal(told->rows[0].number, o->journal - HISTORY_MAX + 1);
    assert_int_equal(told_of(o, &other)->count, 1);
}

/* After a cursor is set back the feed tells less of old changes: newer ones took their fields. */
static void a_second_telling_adds_and_takes_nothing_away(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    const struct cursor start = { .epoch = 1 };
    struct feed_item item =
        office_record(&person, "orang", "05-0001", FIELDS("alamat", "Satu", "kec", "36.04.29"));
    item.number = ++o->journal;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_int_equal(node_store_cursor_reset(o->store, FEED_RECORDS, &start), OK);
    uint64_t number = item.number;
    item = office_record(&person, "orang", "05-0001", FIELDS("kec", "36.04.29"));
    item.number = number;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    const struct told *told = told_of(o, &person);
    assert_int_equal(told->count, 1);
    assert_true(told->rows[0].first);
    assert_string_equal(told->rows[0].names, "kec alamat ");
}

static void a_batch_that_fails_tells_nothing(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    struct feed_item items[] = {
        office_record(&person, "orang", "05-0001", FIELDS("kec", "36.04.29", "nama", "Siti")),
        { .kind = FEED_DECISION, .decision = { .disposition = DISPOSITION_ACCEPTED } }
    };
    assert_int_not_equal(office_feed(o, FEED_RECORDS, items, 2), OK);
    assert_int_equal(told_of(o, &person)->count, 0);
}

static void a_new_epoch_takes_back_what_was_told_beyond_its_cut(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    uint8_t space[128];
    struct hash hash = { { 0 } };
    feed(o, &person, FIELDS("kec", "36.04.29", "nama", "Siti"));
    uint64_t cut = o->journal;
    assert_int_equal(office_feed(o, FEED_CONTROL, NULL, 0), OK); /* proven so far */
    feed(o, &person, FIELDS("alamat", "Dibatalkan"));
    assert_int_equal(told_of(o, &person)->count, 2);
    struct writer ops = writer_of(space, sizeof space);
    trust_op_epoch(&ops, 2, cut, &hash);
    struct bytes statement = office_statement(o, 1, writer_bytes(&ops));
    o->journal += 10;
    o->epoch = 2;
    assert_int_equal(office_feed_document(o, FEED_TRUST, statement), OK);
    const struct told *told = told_of(o, &person);
    assert_int_equal(told->count, 1);
    assert_int_equal(told->rows[0].number, cut);
}

static void history_is_locked_with_the_cache_and_stands_nowhere_in_clear(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    char command[256];
    struct told told = { 0 };
    struct feed_item item = office_record(&person, "orang", "05-0001", FIELDS("nama", "Siti"));
    item.origin.node = bytes_text("36.04.77");
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    node_store_lock(o->store);
    assert_int_equal(node_store_told(o->store, &person, take, &told), ERR_LOCKED);
    assert_int_equal(node_store_idle(o->store), OK);
    snprintf(command, sizeof command, "cat '%s'/* | grep -aq '05-0001'", o->directory);
    assert_int_equal(system(command), 0); /* the short number is no secret: this is the place */
    snprintf(command, sizeof command, "cat '%s'/* | grep -aq '36.04.77'", o->directory);
    assert_int_not_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(changes_of_others_are_kept_with_author_time_and_field_names),
        WITH_OFFICE(an_own_change_is_not_told_again),
        WITH_OFFICE(a_decision_is_told_with_its_author_when_the_record_item_names_one),
        WITH_OFFICE(only_the_newest_changes_of_a_record_are_kept),
        WITH_OFFICE(a_second_telling_adds_and_takes_nothing_away),
        WITH_OFFICE(a_batch_that_fails_tells_nothing),
        WITH_OFFICE(a_new_epoch_takes_back_what_was_told_beyond_its_cut),
        WITH_OFFICE(history_is_locked_with_the_cache_and_stands_nowhere_in_clear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
