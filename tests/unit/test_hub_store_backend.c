/* What every backend of the hub's store must do, asked of its table of functions. A further
 * backend joins by a line in `backends`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hub/hub_tables.h"
#include "tests/support/hub_fixture.h"

typedef enum err backend_open(const char *path, const char *vfs, struct hub_backend **ret_backend,
                              struct problem *problem);
static const struct {
    const char *name;
    backend_open *open;
} backends[] = { { "sqlite", hub_store_sqlite_open } };

/* The fixture's store gives the policy; the backend under test is an empty one of its own. */
static struct fixture f;
static struct hub_backend *b;
static const struct hub_backend_ops *ops;
static const struct policy_collection *person;
static size_t backend_at;

static int set_up(void **state)
{
    (void)state;
    char path[128];
    struct problem problem = { .code = OK };
    fixture_open(&f, false);
    (void)snprintf(path, sizeof(path), "%s/backend.db", f.directory);
    assert_int_equal(backends[backend_at].open(path, NULL, &b, &problem), OK);
    ops = b->ops;
    person = policy_collection(hub_store_policy(f.store), bytes_text("person"));
    assert_int_equal(ops->begin(b), OK);
    assert_int_equal(ops->tables_migrate(b, hub_store_policy(f.store), &problem), OK);
    assert_int_equal(ops->commit(b), OK);
    assert_int_equal(ops->begin(b), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ops->rollback(b);
    ops->close(&b);
    fixture_close(&f);
    return 0;
}

static struct hash hash_of(uint8_t fill)
{
    struct hash hash;
    memset(hash.at, fill, sizeof(hash.at));
    return hash;
}

static void the_journal_keeps_entries_by_number(void **state)
{
    (void)state;
    struct row_journal row;
    uint64_t number = 0;
    assert_int_equal(ops->journal_last(b, &row), ERR_NOT_FOUND);
    for (uint64_t i = 1; i <= 3; i++) {
        const struct row_journal put = { .number = i,
                                         .epoch = 2,
                                         .kind = i == 2 ? JOURNAL_RULES : JOURNAL_TXN,
                                         .entry = bytes_of("abc", i),
                                         .hash = hash_of((uint8_t)i),
                                         .wall_ms = 100 + i };
        assert_int_equal(ops->journal_put(b, &put), OK);
    }
    assert_int_equal(ops->journal_get(b, 2, &row), OK);
    assert_int_equal(row.epoch, 2);
    assert_int_equal(row.kind, JOURNAL_RULES);
    assert_int_equal(row.wall_ms, 102);
    assert_true(bytes_is(row.entry, "ab"));
    assert_int_equal(row.hash.at[0], 2);
    assert_int_equal(ops->journal_last(b, &row), OK);
    assert_int_equal(row.number, 3);
    assert_int_equal(ops->journal_get(b, 4, &row), ERR_NOT_FOUND);
    assert_int_equal(ops->journal_policy_next(b, 0, &number), OK);
    assert_int_equal(number, 2);
    assert_int_equal(ops->journal_policy_next(b, 2, &number), ERR_NOT_FOUND);
}

static void the_lowest_later_cut_counts(void **state)
{
    (void)state;
    struct hash hash = hash_of(1);
    uint64_t cut = 0;
    assert_int_equal(ops->epoch_cut(b, 1, &cut), ERR_NOT_FOUND);
    assert_int_equal(ops->epoch_put(b, 2, 50, &hash), OK);
    assert_int_equal(ops->epoch_put(b, 3, 40, &hash), OK);
    assert_int_equal(ops->epoch_put(b, 4, 90, &hash), OK);
    assert_int_equal(ops->epoch_cut(b, 1, &cut), OK);
    assert_int_equal(cut, 40);
    assert_int_equal(ops->epoch_cut(b, 3, &cut), OK);
    assert_int_equal(cut, 90);
    assert_int_equal(ops->epoch_cut(b, 4, &cut), ERR_NOT_FOUND);
}

static void the_newest_hello_of_each_office_is_kept(void **state)
{
    (void)state;
    struct bytes frame;
    assert_int_equal(ops->hello_get(b, "n", &frame), ERR_NOT_FOUND);
    assert_int_equal(ops->hello_put(b, "n", bytes_text("first")), OK);
    assert_int_equal(ops->hello_put(b, "m", bytes_text("of another")), OK);
    assert_int_equal(ops->hello_put(b, "n", bytes_text("second")), OK);
    assert_int_equal(ops->hello_get(b, "n", &frame), OK);
    assert_true(bytes_is(frame, "second"));
}

static void a_rollback_takes_everything_back(void **state)
{
    (void)state;
    struct row_journal row;
    struct id incarnation = fixture_id(&f);
    struct hub_lane lane = { .received = 4, .head = hash_of(7), .keep_from = 2 };
    struct hub_lane found;
    assert_int_equal(ops->lane_put(b, "n", &incarnation, LANE_BULK, &lane), OK);
    assert_int_equal(ops->commit(b), OK);
    assert_int_equal(ops->begin(b), OK);
    lane.received = 5;
    assert_int_equal(ops->lane_put(b, "n", &incarnation, LANE_BULK, &lane), OK);
    const struct row_journal put = {
        .number = 1, .epoch = 1, .kind = JOURNAL_TXN, .entry = bytes_text("e")
    };
    assert_int_equal(ops->journal_put(b, &put), OK);
    ops->rollback(b);
    assert_int_equal(ops->begin(b), OK);
    assert_int_equal(ops->journal_get(b, 1, &row), ERR_NOT_FOUND);
    assert_int_equal(ops->lane_get(b, "n", &incarnation, LANE_BULK, &found), OK);
    assert_int_equal(found.received, 4);
    assert_int_equal(found.keep_from, 2);
    assert_int_equal(found.head.at[3], 7);
    assert_int_equal(ops->lane_get(b, "n", &incarnation, LANE_URGENT, &found), ERR_NOT_FOUND);
}

static struct row_txn txn_row(uint64_t number, uint8_t leaf)
{
    struct row_txn row = { .number = number,
                           .leaf = hash_of(leaf),
                           .node = "36.04.29",
                           .incarnation = { .at = { 1 } },
                           .lane = LANE_BULK,
                           .seq = 12,
                           .operator_number = 4000000000u,
                           .claimed_ms = UINT64_C(1) << 62,
                           .trust_version = 3,
                           .rules_version = 2,
                           .chain_trust = 1,
                           .twin = true,
                           .after_count = 2,
                           .after = { { LANE_URGENT, 5 }, { LANE_NORMAL, 70000 } },
                           .state = DISPOSITION_QUARANTINED,
                           .reason = ERR_TWIN,
                           .change_count = 3,
                           .plain_bytes = 77 };
    return row;
}

static void transactions_are_found_by_number_leaf_and_what_they_wait_for(void **state)
{
    (void)state;
    struct row_txn row = txn_row(5, 1), found;
    struct bytes body;
    uint64_t number = 0;
    assert_int_equal(ops->txn_put(b, &row, bytes_text("body")), OK);
    assert_int_equal(ops->txn_get(b, 5, &found), OK);
    assert_string_equal(found.node, row.node);
    assert_int_equal(found.operator_number, row.operator_number);
    assert_int_equal(found.claimed_ms, row.claimed_ms);
    assert_int_equal(found.after_count, 2);
    assert_int_equal(found.after[1].lane, LANE_NORMAL);
    assert_int_equal(found.after[1].seq, 70000);
    assert_true(found.twin);
    assert_int_equal(found.reason, ERR_TWIN);
    assert_int_equal(found.fault, OK);
    assert_int_equal(found.merged, 0);
    assert_int_equal(found.plain_bytes, 77);
    assert_int_equal(ops->txn_body(b, 5, &body), OK);
    assert_true(bytes_is(body, "body"));
    assert_int_equal(ops->txn_find(b, &row.leaf, &number), OK);
    assert_int_equal(number, 5);
    assert_int_equal(ops->txn_quarantined_next(b, 0, &number), OK);
    assert_int_equal(number, 5);
    assert_int_equal(ops->txn_quarantined_next(b, 5, &number), ERR_NOT_FOUND);

    row.state = DISPOSITION_NONE;
    row.reason = OK;
    row.merged = 9;
    assert_int_equal(ops->txn_decide(b, &row), OK);
    assert_int_equal(ops->txn_merged_in(b, 9, &number), OK);
    assert_int_equal(number, 5);
    assert_int_equal(ops->txn_merged_in(b, 5, &number), ERR_NOT_FOUND);
    assert_int_equal(ops->txn_quarantined_next(b, 0, &number), ERR_NOT_FOUND);
}

static void a_leaf_is_unique_among_transactions_that_opened(void **state)
{
    (void)state;
    uint64_t number = 0;
    struct row_txn bad = txn_row(5, 1), good = txn_row(6, 1), again = txn_row(7, 1);
    bad.fault = ERR_DECRYPT;
    assert_int_equal(ops->txn_put(b, &bad, bytes_text("x")), OK);
    assert_int_equal(ops->txn_find(b, &bad.leaf, &number), ERR_NOT_FOUND);
    assert_int_equal(ops->txn_put(b, &good, bytes_text("x")), OK);
    assert_int_equal(ops->txn_find(b, &bad.leaf, &number), OK);
    assert_int_equal(number, 6);
    assert_int_not_equal(ops->txn_put(b, &again, bytes_text("x")), OK);
}

static void changes_keep_their_answers(void **state)
{
    (void)state;
    static struct row_change found[CHANGES_PER_TRANSACTION_MAX];
    struct row_change rows[3] = { 0 };
    unsigned count = 0;
    for (unsigned i = 0; i < 3; i++) {
        rows[i] = (struct row_change){ .txn = 5,
                                       .index = i,
                                       .record = fixture_id(&f),
                                       .collection = i == 2 ? NULL : person,
                                       .op = OP_UPDATE,
                                       .disposition = DISPOSITION_ACCEPTED };
    }
    rows[1].disposition = DISPOSITION_HELD;
    rows[1].flags = CHANGE_ECHO;
    rows[1].reason = ERR_AREA;
    (void)snprintf(rows[1].field, sizeof(rows[1].field), "age");
    (void)snprintf(rows[1].moved_from, sizeof(rows[1].moved_from), "36.04.29");
    assert_int_equal(ops->changes_put(b, rows, 3), OK);
    assert_int_equal(ops->changes_get(b, 5, found, &count), OK);
    assert_int_equal(count, 3);
    assert_ptr_equal(found[0].collection, person);
    assert_null(found[2].collection);
    assert_int_equal(found[1].flags, CHANGE_ECHO);
    assert_int_equal(found[1].reason, ERR_AREA);
    assert_string_equal(found[1].field, "age");
    assert_string_equal(found[1].moved_from, "36.04.29");
    assert_memory_equal(found[2].record.at, rows[2].record.at, ID_BYTES);
    rows[1].disposition = DISPOSITION_SUPERSEDED;
    rows[1].flags |= CHANGE_LOST;
    assert_int_equal(ops->change_decide(b, &rows[1]), OK);
    assert_int_equal(ops->change_get(b, 5, 1, found), OK);
    assert_int_equal(found[0].disposition, DISPOSITION_SUPERSEDED);
    assert_int_equal(found[0].flags, CHANGE_ECHO | CHANGE_LOST);
    assert_int_equal(ops->changes_drop(b, 5), OK);
    assert_int_equal(ops->changes_get(b, 5, found, &count), OK);
    assert_int_equal(count, 0);
}

static void the_best_create_of_a_record_is_the_one_that_counts(void **state)
{
    (void)state;
    struct id id = fixture_id(&f);
    struct row_creation found;
    static const struct {
        enum disposition disposition;
        uint64_t expected;
    } steps[] = { { DISPOSITION_REJECTED, 1 },
                  { DISPOSITION_PARKED, 2 },
                  { DISPOSITION_QUARANTINED, 2 },
                  { DISPOSITION_ACCEPTED, 4 },
                  { DISPOSITION_REJECTED, 4 } };
    assert_int_equal(ops->creation(b, &id, 0, &found), ERR_NOT_FOUND);
    for (unsigned i = 0; i < COUNT_OF(steps); i++) {
        const struct row_change row = { .txn = i + 1,
                                        .record = id,
                                        .collection = person,
                                        .op = OP_CREATE,
                                        .disposition = steps[i].disposition };
        assert_int_equal(ops->changes_put(b, &row, 1), OK);
        assert_int_equal(ops->creation(b, &id, 0, &found), OK);
        assert_int_equal(found.txn, steps[i].expected);
    }
    assert_ptr_equal(found.collection, person);
    assert_int_equal(ops->creation(b, &id, 4, &found), OK);
    assert_int_equal(found.txn, 2);
}

static void records_keep_values_and_the_revs_of_their_fields(void **state)
{
    (void)state;
    static struct hub_record record, found;
    static const uint8_t five[] = { 5 };
    bool exists = true;
    record = (struct hub_record){ .collection = person,
                                  .id = fixture_id(&f),
                                  .short_text = "29-0001",
                                  .rev = 300,
                                  .born = 7,
                                  .existence_rev = 7,
                                  .held = 1 };
    for (size_t i = 0; i < person->field_count; i++)
        record.fields[i].rev = 7;
    const struct policy_field *age = policy_field(person, bytes_text("age"));
    size_t at = (size_t)(age - person->fields);
    assert_int_equal(ops->record_exists(b, person, &record.id, &exists), OK);
    assert_false(exists);
    assert_int_equal(ops->record_get(b, person, &record.id, &found), ERR_NOT_FOUND);
    assert_int_equal(ops->record_insert(b, &record), OK);
    assert_int_equal(ops->record_get(b, person, &record.id, &found), OK);
    assert_string_equal(found.short_text, "29-0001");
    assert_int_equal(found.born, 7);
    assert_int_equal(found.held, 1);
    assert_int_equal(found.fields[at].rev, 7);
    assert_int_equal(found.fields[at].raw.len, 0);
    record.fields[at] = (struct hub_value){ .raw = bytes_of(five, 1), .rev = 300 };
    record.existence_rev = UINT64_C(1) << 40;
    record.deleted = true;
    assert_int_equal(ops->record_update(b, &record), OK);
    assert_int_equal(ops->record_get(b, person, &record.id, &found), OK);
    assert_true(found.deleted);
    assert_int_equal(found.existence_rev, UINT64_C(1) << 40);
    assert_int_equal(found.fields[at].rev, 300);
    assert_int_equal(found.fields[at + 1].rev, 7);
    assert_int_equal(found.fields[at].raw.at[0], 5);
    assert_int_equal(ops->record_exists(b, person, &record.id, &exists), OK);
    assert_true(exists);
    assert_int_not_equal(ops->record_insert(b, &record), OK);
}

static bool count_conflict(void *ctx, const struct row_conflict *row)
{
    unsigned *counts = ctx;
    counts[row->closed > 0 ? 1 : 0]++;
    return true;
}

static void conflicts_are_open_until_they_are_closed(void **state)
{
    (void)state;
    struct id record = fixture_id(&f);
    unsigned counts[2] = { 0, 0 };
    unsigned open = 9;
    struct row_conflict found;
    struct row_conflict row = { .id = fixture_id(&f),
                                .collection = person,
                                .record = record,
                                .field = "age",
                                .number = 8,
                                .held_txn = 8,
                                .held_index = 2,
                                .held_node = "36.04.29",
                                .held_value = bytes_of("\x05", 1) };
    assert_int_equal(ops->conflict_put(b, &row), OK);
    assert_int_equal(ops->conflict_get(b, &row.id, &found), OK);
    assert_ptr_equal(found.collection, person);
    assert_int_equal(found.held_index, 2);
    assert_int_equal(found.held_value.at[0], 5);
    assert_int_equal(ops->conflict_find(b, &record, "age", "36.04.29", &found), OK);
    assert_int_equal(ops->conflict_find(b, &record, "age", "36.04.30", &found), ERR_NOT_FOUND);
    assert_int_equal(ops->conflict_find(b, &record, "", "36.04.29", &found), ERR_NOT_FOUND);
    assert_int_equal(ops->conflicts_held(b, 8, 2, &open), OK);
    assert_int_equal(open, 1);
    size_t bytes = 0;
    assert_int_equal(ops->conflicts_weigh(b, &record, &open, &bytes), OK);
    assert_int_equal(open, 1);
    assert_int_equal(bytes, 1);
    assert_int_equal(ops->conflicts_at(b, 8, count_conflict, counts), OK);
    assert_int_equal(counts[0], 1);
    assert_int_equal(ops->conflicts_renew(b, &record, 10), OK);
    assert_int_equal(ops->conflicts_at(b, 8, count_conflict, counts), OK);
    assert_int_equal(counts[0], 1);
    assert_int_equal(ops->conflict_get(b, &row.id, &row), OK);
    assert_int_equal(row.number, 10);
    row.closed = 12;
    row.chosen = bytes_of("\x06", 1);
    assert_int_equal(ops->conflict_put(b, &row), OK);
    assert_int_equal(ops->conflict_find(b, &record, "age", "36.04.29", &found), ERR_NOT_FOUND);
    assert_int_equal(ops->conflicts_held(b, 8, 2, &open), OK);
    assert_int_equal(open, 0);
    assert_int_equal(ops->conflicts_at(b, 12, count_conflict, counts), OK);
    assert_int_equal(counts[1], 1);
    assert_int_equal(ops->conflicts_open(b, count_conflict, counts), OK);
    assert_int_equal(counts[0], 1);
    assert_int_equal(ops->conflict_get(b, &row.id, &found), OK);
    assert_int_equal(found.chosen.at[0], 6);
}

static bool count_decision(void *ctx, const struct row_decision *row)
{
    unsigned *count = ctx;
    *count += row->whole ? 100 : row->index;
    return true;
}

static void decisions_go_to_every_node_that_sent_the_transaction(void **state)
{
    (void)state;
    uint64_t number = 0;
    unsigned sum = 0;
    struct row_entry entry = { .node = "other", .seq = 1, .number = 9, .txn = 5 };
    struct row_decision row = {
        .number = 11, .txn = 5, .index = 3, .disposition = DISPOSITION_HELD
    };
    assert_int_equal(ops->entry_put(b, &entry), OK);
    assert_int_equal(ops->decision_put(b, "author", &row), OK);
    row.whole = true;
    assert_int_equal(ops->decision_put(b, "author", &row), OK);
    assert_int_equal(ops->decision_next(b, "author", 0, &number), OK);
    assert_int_equal(number, 11);
    assert_int_equal(ops->decision_next(b, "other", 10, &number), OK);
    assert_int_equal(ops->decision_next(b, "other", 11, &number), ERR_NOT_FOUND);
    assert_int_equal(ops->decision_next(b, "third", 0, &number), ERR_NOT_FOUND);
    assert_int_equal(ops->decisions_at(b, "other", 11, count_decision, &sum), OK);
    assert_int_equal(sum, 103);
}

static void waiting_ends_by_position_by_transaction_or_by_a_move(void **state)
{
    (void)state;
    struct id x = fixture_id(&f), y = fixture_id(&f);
    struct row_wait found;
    bool any = false;
    struct row_wait on_txn = { .txn = 4, .on_txn = 2 };
    struct row_wait on_lane = {
        .txn = 3, .node = "n", .incarnation = x, .lane = LANE_BULK, .seq = 7
    };
    assert_int_equal(ops->wait_any(b, &any), OK);
    assert_false(any);
    assert_int_equal(ops->wait_put(b, &on_txn), OK);
    assert_int_equal(ops->wait_put(b, &on_lane), OK);
    assert_int_equal(ops->wait_any(b, &any), OK);
    assert_true(any);
    assert_int_equal(ops->wait_ready(b, &found), ERR_NOT_FOUND);
    assert_int_equal(ops->wake_lane(b, "n", &x, LANE_BULK, 6), OK);
    assert_int_equal(ops->wake_lane(b, "n", &y, LANE_BULK, 7), OK);
    assert_int_equal(ops->wake_moved(b, "n", &x), OK);
    assert_int_equal(ops->wait_ready(b, &found), ERR_NOT_FOUND);
    assert_int_equal(ops->wake_txn(b, 2), OK);
    assert_int_equal(ops->wait_ready(b, &found), OK);
    assert_int_equal(found.txn, 4);
    assert_int_equal(found.on_txn, 2);
    assert_int_equal(ops->wake_lane(b, "n", &x, LANE_BULK, 7), OK);
    assert_int_equal(ops->wait_ready(b, &found), OK);
    assert_int_equal(found.txn, 3); /* the lowest number first */
    assert_int_equal(found.ruling, RULING_NONE);
    assert_int_equal(ops->wait_put(b, &on_lane), OK);
    assert_int_equal(ops->wake_moved(b, "n", &y), OK);
    assert_int_equal(ops->wait_ready(b, &found), OK);
    assert_int_equal(found.txn, 3);
    assert_int_equal(found.ruling, RULING_MOVED);
    assert_int_equal(ops->wait_drop(b, 3), OK);
    assert_int_equal(ops->wait_ready(b, &found), OK);
    assert_int_equal(found.txn, 4);
}

static void the_feed_index_leads_from_entry_to_entry_of_an_area(void **state)
{
    (void)state;
    uint64_t number = 0, txn = 0;
    static const uint64_t numbers[] = { 3, 9, 5 };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        assert_int_equal(ops->scope_put(b, bytes_text("36.04"), numbers[i], numbers[i] + 1), OK);
    assert_int_equal(ops->scope_put(b, bytes_text("36.04.29"), 4, 4), OK);
    assert_int_equal(ops->scope_next(b, "36.04", 3, &number, &txn), OK);
    assert_int_equal(number, 5);
    assert_int_equal(txn, 6);
    assert_int_equal(ops->scope_next(b, "36.04", 5, &number, &txn), OK);
    assert_int_equal(number, 9);
    assert_int_equal(ops->scope_next(b, "36.04", 9, &number, &txn), ERR_NOT_FOUND);
}

/* --- values as they stand in tables ---------------------------------------------------------- */

static void json_comes_back_as_the_same_bytes(void **state)
{
    (void)state;
    static const char *const fields[] = { "picture", "kinds", "friends", "traits" };
    uint8_t space[4][1024], json_space[8192], back_space[1024];
    struct writer w[4];
    struct hash hash = hash_of(0xab);
    struct id id = fixture_id(&f);
    char all[128] = "";
    for (int c = 1; c < 127; c++)
        all[c - 1] = (char)c;
    for (int i = 0; i < 4; i++)
        w[i] = writer_of(space[i], sizeof(space[i]));
    writer_array(&w[0], 3);
    writer_bin(&w[0], bytes_hash(&hash));
    writer_uint(&w[0], INT64_MAX);
    writer_text(&w[0], "image/jpeg");
    writer_array(&w[1], 2);
    writer_text(&w[1], "open");
    writer_text(&w[1], "shut");
    writer_array(&w[2], 1);
    writer_bin(&w[2], bytes_id(&id));
    writer_map(&w[3], 5);
    writer_text(&w[3], "\" , } ]");
    writer_text(&w[3], all);
    writer_text(&w[3], "a");
    writer_int(&w[3], INT64_MIN);
    writer_text(&w[3], "b");
    writer_bool(&w[3], true);
    writer_text(&w[3], "c");
    writer_text(&w[3], "");
    writer_text(&w[3], "\xc3\xa9");
    writer_text(&w[3], "\xf0\x9f\x98\x80");
    for (int i = 0; i < 4; i++) {
        const struct policy_field *field = policy_field(person, bytes_text(fields[i]));
        struct buf json = buf_of(json_space, sizeof(json_space));
        struct writer back = writer_of(back_space, sizeof(back_space));
        assert_int_equal(codec_scan(writer_bytes(&w[i])), OK);
        assert_int_equal(tables_to_json(field, writer_bytes(&w[i]), &json), OK);
        assert_int_equal(tables_from_json(field, buf_bytes(&json), &back), OK);
        assert_int_equal(back.buf.len, w[i].buf.len);
        assert_memory_equal(back_space, space[i], back.buf.len);
        if (i == 1)
            assert_true(bytes_is(buf_bytes(&json), "[\"open\",\"shut\"]"));
        for (size_t cut = 0; cut < json.len; cut++) { /* damage is told, never read past */
            back = writer_of(back_space, sizeof(back_space));
            assert_int_not_equal(tables_from_json(field, bytes_of(json.at, cut), &back), OK);
        }
    }
}

static void empty_lists_and_maps_are_values(void **state)
{
    (void)state;
    static const uint8_t list[] = { 0x90 }, map[] = { 0x80 };
    uint8_t json_space[256], back_space[16];
    const struct {
        const char *field;
        struct bytes value;
        const char *json;
    } cases[] = {
        { "kinds", { list, 1 }, "[]" },
        { "traits", { map, 1 }, "{}" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct policy_field *field = policy_field(person, bytes_text(cases[i].field));
        struct buf json = buf_of(json_space, sizeof(json_space));
        struct writer back = writer_of(back_space, sizeof(back_space));
        assert_int_equal(tables_to_json(field, cases[i].value, &json), OK);
        assert_true(bytes_is(buf_bytes(&json), cases[i].json));
        assert_int_equal(tables_from_json(field, buf_bytes(&json), &back), OK);
        assert_true(bytes_equal(writer_bytes(&back), cases[i].value));
    }
}

static void packed_revs_come_back_and_damage_is_told(void **state)
{
    (void)state;
    static const uint64_t numbers[] = { 0, 1, 127, 128, 300, UINT64_C(1) << 62 };
    uint8_t space[TABLES_REVS_BYTES(COUNT_OF(numbers))];
    struct buf revs = buf_of(space, sizeof(space));
    uint64_t column, rev;
    enum err err;
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        tables_revs_add(&revs, i, numbers[i]);
    struct bytes in = buf_bytes(&revs);
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        assert_true(tables_revs_next(&in, &column, &rev, &err));
        assert_int_equal(column, i);
        assert_int_equal(rev, numbers[i]);
    }
    assert_false(tables_revs_next(&in, &column, &rev, &err));
    assert_int_equal(err, OK);
    in = bytes_of(space, 1);
    assert_false(tables_revs_next(&in, &column, &rev, &err));
    assert_int_equal(err, ERR_STORE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_journal_keeps_entries_by_number),
        TEST(the_lowest_later_cut_counts),
        TEST(the_newest_hello_of_each_office_is_kept),
        TEST(a_rollback_takes_everything_back),
        TEST(transactions_are_found_by_number_leaf_and_what_they_wait_for),
        TEST(a_leaf_is_unique_among_transactions_that_opened),
        TEST(changes_keep_their_answers),
        TEST(the_best_create_of_a_record_is_the_one_that_counts),
        TEST(records_keep_values_and_the_revs_of_their_fields),
        TEST(conflicts_are_open_until_they_are_closed),
        TEST(decisions_go_to_every_node_that_sent_the_transaction),
        TEST(waiting_ends_by_position_by_transaction_or_by_a_move),
        TEST(the_feed_index_leads_from_entry_to_entry_of_an_area),
        TEST(json_comes_back_as_the_same_bytes),
        TEST(empty_lists_and_maps_are_values),
        TEST(packed_revs_come_back_and_damage_is_told),
    };
    int failed = 0;
    for (backend_at = 0; backend_at < COUNT_OF(backends); backend_at++)
        failed += cmocka_run_group_tests_name(backends[backend_at].name, tests, NULL, NULL);
    return failed;
}
