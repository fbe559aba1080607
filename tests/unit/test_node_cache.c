/* What the node shows: confirmed state, own changes on top, answers, conflicts, policy, cursors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/merge.h"
#include "tests/support/node_fixture.h"

static const struct bytes accepted; /* no entries: everything is accepted */

static int open_office(void **state)
{
    struct office *o = malloc(sizeof *o);
    if (!o)
        return -1;
    office_open(o, false);
    *state = o;
    return 0;
}

static int close_office(void **state)
{
    office_close(*state);
    free(*state);
    return 0;
}

static struct id put(struct office *o, const char *name)
{
    return office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", name));
}

static struct node_lane lane_of(struct office *o, enum lane lane)
{
    struct node_lane row;
    assert_int_equal(node_store_lane(o->store, lane, &row), OK);
    return row;
}

/* Answers everything that waits in the normal lane; `entries` for the last. */
static void ack_all(struct office *o, struct bytes entries)
{
    struct node_lane row = lane_of(o, LANE_NORMAL);
    assert_true(row.acked < row.highest);
    assert_int_equal(office_ack(o, LANE_NORMAL, row.acked + 1, row.highest, 1, entries), OK);
}

static struct node_figures figures(struct office *o)
{
    struct node_figures figures;
    assert_int_equal(node_store_figures(o->store, &figures), OK);
    return figures;
}

/* ---- own changes on top */

static void a_pending_create_is_seen_at_once(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    const struct record_view *view = office_view(o, &person);
    assert_true(view->pending);
    assert_false(view->confirmed);
    assert_true(view->has_leaf);
    assert_int_equal(view->rev, 0);
    assert_int_equal(view->slowest_lane, LANE_NORMAL);
    assert_int_equal(view->pending_seq[LANE_NORMAL], lane_of(o, LANE_NORMAL).highest);
    assert_true(bytes_is(view->short_text, "29-0001"));
    assert_true(bytes_is(view->collection, "orang"));
    assert_string_equal(office_value(view, "nama"), "Maimunah");
    assert_string_equal(office_value(view, "status"), "baru");
    assert_true(office_field(view, "nama")->pending);
}

static void an_accepted_change_is_confirmed_by_its_ack(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    ack_all(o, accepted);
    const struct record_view *view = office_view(o, &person);
    assert_true(view->confirmed);
    assert_false(view->pending);
    assert_int_equal(view->rev, o->journal);
    assert_int_equal(office_field(view, "nama")->rev, o->journal);
    assert_false(office_field(view, "nama")->pending);
    assert_int_equal(view->pending_seq[LANE_NORMAL], 0);
    assert_int_equal(figures(o).accepted, 1);
    assert_int_equal(figures(o).records, 1);
    /* The feed has not come as far: the base speaks through the leaf. */
    assert_int_equal(view->base_rev, 0);
    assert_true(view->has_leaf);
    assert_int_equal(office_feed(o, FEED_RECORDS, NULL, 0), OK);
    view = office_view(o, &person);
    assert_int_equal(view->base_rev, view->rev);
    assert_int_equal(view->epoch, 1);
    assert_false(view->has_leaf);
}

static void local_order_decides_between_own_pending_changes(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Satu");
    office_edit(o, &person, FIELDS("nama", "Dua"));
    struct hash last = office_edit(o, &person, FIELDS("nama", "Tiga"));
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Tiga");
    assert_true(hash_equal(&view->leaf, &last));
    /* An answer to the first two leaves the third on top. */
    uint64_t highest = lane_of(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, highest - 1, 1, accepted), OK);
    view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Tiga");
    assert_true(view->pending && view->confirmed);
    assert_true(hash_equal(&view->leaf, &last));
}

struct seen_changes {
    unsigned count, with_raw;
    struct own_change last;
    char field[64], reason[64], value[64];
};

static void see_change(void *ctx, const struct own_change *change)
{
    struct seen_changes *seen = ctx;
    seen->count++;
    seen->with_raw += change->raw.len > 0;
    seen->last = *change;
    snprintf(seen->field, sizeof seen->field, "%.*s", (int)change->field.len,
             (const char *)change->field.at);
    snprintf(seen->reason, sizeof seen->reason, "%.*s", (int)change->reason.len,
             (const char *)change->reason.at);
    struct change decoded;
    if (change->raw.len > 0 && change_decode(change->raw, &decoded) == OK) {
        struct reader in = reader_of(fields_get(decoded.fields, bytes_text("nama")));
        struct bytes text = reader_str(&in);
        snprintf(seen->value, sizeof seen->value, "%.*s", (int)text.len, (const char *)text.at);
    }
}

static struct seen_changes changes_of(struct office *o, const struct id *record, bool attention)
{
    struct seen_changes seen = { 0 };
    assert_int_equal(node_store_changes(o->store, record, attention, see_change, &seen), OK);
    return seen;
}

static void a_rejection_takes_the_overlay_away_and_keeps_the_values(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Benar");
    ack_all(o, accepted);
    struct hash leaf = office_edit(o, &person, FIELDS("nama", "Salah"));
    assert_string_equal(office_value(office_view(o, &person), "nama"), "Salah");
    ack_all(o, office_answer(0, DISPOSITION_REJECTED, "authority", "nama"));
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Benar");
    assert_false(view->pending);
    struct seen_changes seen = changes_of(o, &person, true);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.disposition, DISPOSITION_REJECTED);
    assert_string_equal(seen.reason, "authority");
    assert_string_equal(seen.field, "nama");
    assert_string_equal(seen.value, "Salah");
    assert_true(hash_equal(&seen.last.leaf, &leaf));
    assert_int_equal(seen.last.queued_wall_ms, OFFICE_WALL_MS);
    assert_int_equal(changes_of(o, &person, false).count, 2);
    /* A correction takes it off the list. */
    office_edit(o, &person, FIELDS("nama", "Lebih benar"));
    assert_int_equal(changes_of(o, &person, true).count, 0);
}

static void a_dismissed_rejection_leaves_the_list_not_the_history(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Tertolak");
    struct hash leaf = office_view(o, &person)->leaf;
    ack_all(o, office_answer(-1, DISPOSITION_REJECTED, "area", ""));
    const struct record_view *view;
    struct id found;
    assert_int_equal(node_store_view(o->store, &person, &view), ERR_NOT_FOUND);
    assert_int_equal(node_store_find(o->store, bytes_text("29-0001"), &found, NULL, NULL), OK);
    assert_true(id_equal(&found, &person));
    assert_int_equal(changes_of(o, NULL, true).count, 1);
    assert_int_equal(node_store_dismiss(o->store, &leaf, 0), OK);
    assert_int_equal(node_store_dismiss(o->store, &leaf, 1), ERR_NOT_FOUND);
    assert_int_equal(changes_of(o, NULL, true).count, 0);
    assert_int_equal(changes_of(o, &person, false).count, 1);
    assert_int_equal(figures(o).rejected, 1);
    assert_int_equal(figures(o).records, 0);
}

static void an_ack_that_comes_while_locked_is_folded_at_unlock(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    office_edit(o, &person, FIELDS("nama", "Maimunah S."));
    office_restart(o);
    ack_all(o, accepted);
    uint64_t number = o->journal;
    assert_int_equal(figures(o).accepted, 2);
    assert_int_equal(figures(o).records, 0);
    struct seen_changes seen = changes_of(o, &person, false);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.with_raw, 0);
    assert_int_equal(seen.last.disposition, DISPOSITION_ACCEPTED);
    office_unlock(o);
    const struct record_view *view = office_view(o, &person);
    assert_true(view->confirmed && !view->pending);
    assert_string_equal(office_value(view, "nama"), "Maimunah S.");
    assert_int_equal(office_field(view, "nama")->rev, number);
    assert_int_equal(office_field(view, "kec")->rev, number - 1);
    assert_int_equal(figures(o).records, 1);
    assert_int_equal(changes_of(o, &person, false).with_raw, 2);
}

static void an_ack_may_come_twice(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    ack_all(o, accepted);
    uint64_t rev = office_view(o, &person)->rev;
    uint64_t highest = lane_of(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, highest, 1,
                                office_answer(-1, DISPOSITION_REJECTED, "area", "")),
                     OK);
    assert_int_equal(office_view(o, &person)->rev, rev); /* final is final */
    assert_int_equal(figures(o).accepted, 1);
    assert_int_equal(figures(o).rejected, 0);
}

static enum err decide(struct office *o, const struct hash *leaf, enum disposition disposition,
                       const char *reason, const char *field)
{
    return office_feed_one(o, FEED_CONTROL,
                           (struct feed_item){ .kind = FEED_DECISION,
                                               .leaf = *leaf,
                                               .decision = { .index = 0,
                                                             .disposition = disposition,
                                                             .reason = bytes_text(reason),
                                                             .field = bytes_text(field) } });
}

static void a_quarantined_change_stays_pending_until_a_decision(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    struct hash leaf = office_view(o, &person)->leaf;
    ack_all(o, office_answer(-1, DISPOSITION_QUARANTINED, "term_ended", ""));
    const struct record_view *view = office_view(o, &person);
    assert_true(view->pending && view->has_leaf);
    assert_int_equal(view->pending_seq[LANE_NORMAL], 0); /* the hub has it: nothing to wait for */
    assert_int_equal(changes_of(o, NULL, true).count, 1);
    node_store_lock(o->store);
    assert_int_equal(decide(o, &leaf, DISPOSITION_ACCEPTED, "", ""), OK);
    uint64_t number = o->journal;
    office_unlock(o);
    view = office_view(o, &person);
    assert_true(view->confirmed && !view->pending);
    assert_int_equal(view->rev, number);
    assert_int_equal(figures(o).quarantined, 0);
    assert_int_equal(changes_of(o, NULL, true).count, 0);
}

static void a_decision_about_an_unknown_leaf_is_not_ours(void **state)
{
    struct office *o = *state;
    struct hash leaf;
    crypto_random(&leaf, sizeof leaf);
    assert_int_equal(decide(o, &leaf, DISPOSITION_ACCEPTED, "", ""), OK);
}

/* ---- held */

static struct feed_item conflict_item(const struct id *conflict, const struct id *record,
                                      const char *field, const char *hub, const char *held)
{
    return (struct feed_item){ .kind = FEED_CONFLICT,
                               .conflict = *conflict,
                               .collection = bytes_text("orang"),
                               .record = *record,
                               .field = bytes_text(field),
                               .value_a = office_text(hub),
                               .value_b = office_text(held),
                               .author_a = bytes_text("36.04"),
                               .author_b = bytes_text(OFFICE_NODE) };
}

struct seen_conflicts {
    unsigned count;
    char held[64];
};

static void see_conflict(void *ctx, const struct node_conflict *conflict)
{
    struct seen_conflicts *seen = ctx;
    struct reader in = reader_of(conflict->value_b);
    struct bytes text = reader_str(&in);
    seen->count++;
    snprintf(seen->held, sizeof seen->held, "%.*s", (int)text.len, (const char *)text.at);
}

static void a_held_field_shows_the_hub_value_and_the_other_fields_are_taken(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah"), conflict;
    ack_all(o, accepted);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "29-0001", FIELDS("nama", "Maemunah"))),
        OK);
    struct hash leaf = office_edit(o, &person, FIELDS("nama", "Maymunah", "alamat", "Sukamaju"));
    ack_all(o, office_answer(0, DISPOSITION_HELD, "", "nama"));
    uint64_t number = o->journal;
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Maemunah");
    assert_true(office_field(view, "nama")->held);
    assert_true(bytes_equal(office_field(view, "nama")->held_value, office_text("Maymunah")));
    assert_false(view->pending);
    assert_string_equal(office_value(view, "alamat"), "Sukamaju");
    assert_int_equal(office_field(view, "alamat")->rev, number);
    assert_false(office_field(view, "alamat")->held);
    assert_int_equal(figures(o).held, 1);
    assert_int_equal(changes_of(o, NULL, true).count, 1);

    /* The conflict itself comes by the feed; so does its answer. */
    merge_conflict_id(&leaf, 0, bytes_text("nama"), &conflict);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        conflict_item(&conflict, &person, "nama", "Maemunah", "Maymunah")),
        OK);
    struct seen_conflicts seen = { 0 };
    assert_int_equal(node_store_conflicts(o->store, see_conflict, &seen), OK);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.held, "Maymunah");
    struct node_conflict one;
    assert_int_equal(node_store_conflict(o->store, &conflict, &one), OK);
    assert_true(bytes_is(one.field, "nama") && bytes_is(one.author_b, OFFICE_NODE));
    assert_int_equal(office_feed_one(o, FEED_RECORDS,
                                     (struct feed_item){ .kind = FEED_RESOLVED,
                                                         .conflict = conflict,
                                                         .record = person,
                                                         .field = bytes_text("nama"),
                                                         .value_a = office_text("Maymunah") }),
                     OK);
    assert_int_equal(decide(o, &leaf, DISPOSITION_ACCEPTED, "", ""), OK);
    view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Maymunah");
    assert_false(office_field(view, "nama")->held);
    assert_string_equal(office_value(view, "alamat"), "Sukamaju");
    assert_int_equal(office_field(view, "alamat")->rev, number);
    assert_int_equal(figures(o).conflicts, 0);
    assert_int_equal(figures(o).held, 0);
    assert_int_equal(node_store_conflict(o->store, &conflict, &one), ERR_NOT_FOUND);
}

static void what_was_taken_of_a_held_change_outlives_a_lock_and_its_loss(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    ack_all(o, accepted);
    struct hash leaf = office_edit(o, &person, FIELDS("nama", "Maymunah", "alamat", "Sukamaju"));
    office_restart(o); /* locked from here on */
    ack_all(o, office_answer(0, DISPOSITION_HELD, "", "nama"));
    uint64_t number = o->journal;
    assert_int_equal(decide(o, &leaf, DISPOSITION_SUPERSEDED, "", "nama"), OK);
    office_unlock(o);
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Maimunah");
    assert_false(office_field(view, "nama")->held);
    assert_string_equal(office_value(view, "alamat"), "Sukamaju");
    assert_int_equal(office_field(view, "alamat")->rev, number);
}

/* ---- the feed of records */

static void the_higher_journal_number_wins_whatever_comes_first(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    ack_all(o, accepted);
    uint64_t mine = o->journal;
    struct feed_item older =
        office_record(&person, "orang", "29-0001", FIELDS("alamat", "Lama", "nama", "Lama"));
    older.number = mine - 1;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, older), OK);
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Maimunah");
    assert_string_equal(office_value(view, "alamat"), "Lama");
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "29-0001", FIELDS("nama", "Baru"))),
        OK);
    view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Baru");
    assert_int_equal(view->rev, mine + 1);
    assert_int_equal(view->base_rev, mine + 1);
}

/* Others' changes between the cursor and an own accepted number may be under way still: a base that
 * claimed that number would overwrite them unseen. */
static void an_own_ack_does_not_claim_to_have_seen_what_others_wrote(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    assert_int_equal(office_feed_one(o, FEED_RECORDS,
                                     office_record(&person, "orang", "05-0001",
                                                   FIELDS("kec", "36.04.29", "nama", "Asal"))),
                     OK);
    uint64_t shown = o->journal;
    o->journal += 5; /* another office writes meanwhile */
    struct hash leaf = office_edit(o, &person, FIELDS("alamat", "Sukamaju"));
    ack_all(o, accepted);
    const struct record_view *view = office_view(o, &person);
    assert_true(view->rev > shown + 5);
    assert_int_equal(view->base_rev, shown);
    assert_true(view->has_leaf && hash_equal(&view->leaf, &leaf));
}

static void a_deleted_record_says_so(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    ack_all(o, accepted);
    struct feed_item item = office_record(&person, "orang", "", FIELDS(NULL));
    item.deleted = true;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_true(office_view(o, &person)->deleted);
    assert_true(bytes_is(office_view(o, &person)->short_text, "29-0001"));
    item = office_record(&person, "orang", "29-0001", FIELDS("nama", "Kembali"));
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_false(office_view(o, &person)->deleted);
    /* An own delete shows at once and goes when it is refused. */
    struct hash leaf;
    uint64_t seq;
    struct id id = person;
    assert_int_equal(office_try(o, OP_DELETE, NULL, &id, NULL, LANE_NORMAL, &leaf, &seq), OK);
    assert_true(office_view(o, &person)->deleted && office_view(o, &person)->pending);
    ack_all(o, office_answer(0, DISPOSITION_REJECTED, "authority", ""));
    assert_false(office_view(o, &person)->deleted);
}

static void records_wait_for_the_unlocked_cache(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    struct cursor cursor;
    node_store_lock(o->store);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "05-0001", FIELDS("nama", "Asal"))),
        ERR_LOCKED);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    const struct record_view *view;
    struct id found;
    assert_int_equal(node_store_view(o->store, &person, &view), ERR_LOCKED);
    assert_int_equal(node_store_find(o->store, bytes_text("29-0001"), &found, NULL, NULL),
                     ERR_LOCKED);
}

static void a_batch_moves_cursor_and_seen_once(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    struct cursor before, cursor;
    uint64_t epoch, number;
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "05-0001", FIELDS("nama", "Asal"))),
        OK);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &before), OK);
    assert_int_equal(before.number, o->journal);
    assert_int_equal(before.epoch, 1);
    assert_int_equal(node_store_seen(o->store, &epoch, &number), OK);
    assert_int_equal(number, o->journal);
    /* A batch that begins beyond the cursor has a gap; one that ends before it is old. */
    struct feed_batch batch = {
        .stream = FEED_RECORDS, .epoch = 1, .from = before.number + 1, .to = before.number + 2
    };
    assert_int_equal(node_store_feed(o->store, &batch, bytes_of("\x90", 1), NULL), ERR_STATE);
    batch.from = 0;
    batch.to = 1;
    assert_int_equal(node_store_feed(o->store, &batch, bytes_of("\x90", 1), NULL), OK);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_memory_equal(&cursor, &before, sizeof cursor);
    office_restart(o);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_memory_equal(&cursor, &before, sizeof cursor);
}

static void a_bad_item_leaves_the_whole_batch_out(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    struct hash leaf = { { 0 } };
    struct feed_item items[] = {
        office_record(&person, "orang", "05-0001", FIELDS("nama", "Asal")),
        { .kind = FEED_DECISION,
          .leaf = leaf,
          .decision = { .disposition = DISPOSITION_ACCEPTED } },
    };
    assert_int_equal(office_feed(o, FEED_RECORDS, items, 2), ERR_MALFORMED); /* the wrong stream */
    const struct record_view *view;
    assert_int_equal(node_store_view(o->store, &person, &view), ERR_NOT_FOUND);
    struct cursor cursor;
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
}

/* ---- find, list, lookup */

struct seen_views {
    unsigned count;
    struct id ids[64];
};

static void see_view(void *ctx, const struct record_view *view)
{
    struct seen_views *seen = ctx;
    seen->ids[seen->count++] = view->id;
}

static void records_are_found_by_short_number_and_by_id(void **state)
{
    struct office *o = *state;
    struct id first = put(o, "Satu"), second = put(o, "Dua"), found;
    char text[UUID_TEXT_BYTES];
    assert_int_equal(node_store_find(o->store, bytes_text("29-0002"), &found, NULL, NULL), OK);
    assert_true(id_equal(&found, &second));
    assert_int_equal(node_store_find(o->store, bytes_text("29-2"), &found, NULL, NULL), OK);
    assert_true(id_equal(&found, &second));
    uuid_to_text(&first, text);
    assert_int_equal(node_store_find(o->store, bytes_text(text), &found, NULL, NULL), OK);
    assert_true(id_equal(&found, &first));
    assert_int_equal(node_store_find(o->store, bytes_of(text, 20), &found, NULL, NULL), OK);
    assert_true(id_equal(&found, &first));
    assert_int_equal(node_store_find(o->store, bytes_text("29-0009"), &found, NULL, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(node_store_find(o->store, bytes_text("1234567"), &found, NULL, NULL),
                     ERR_NOT_FOUND);
    assert_int_equal(node_store_find(o->store, bytes_text(""), &found, NULL, NULL), ERR_NOT_FOUND);
}

static void an_ambiguous_short_number_lists_every_match(void **state)
{
    struct office *o = *state;
    struct id mine = put(o, "Satu"), other = crypto_uuid7(7), found;
    assert_int_equal(office_feed_one(o, FEED_RECORDS,
                                     office_record(&other, "orang", "29-0001",
                                                   FIELDS("nama", "Dari netbook lama"))),
                     OK);
    struct seen_views seen = { 0 };
    assert_int_equal(node_store_find(o->store, bytes_text("29-0001"), &found, see_view, &seen),
                     ERR_AMBIGUOUS);
    assert_int_equal(seen.count, 2);
    assert_true(id_equal(&seen.ids[0], &other) && id_equal(&seen.ids[1], &mine));
    /* A number that a former life of this node gave is not given again. */
    struct feed_item item = office_record(&other, "orang", "29-0040", FIELDS("nama", "X"));
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_int_equal(node_store_next_number(o->store), 41);
    office_restart(o);
    assert_int_equal(node_store_next_number(o->store), 41);
}

static void a_list_goes_on_where_it_stopped(void **state)
{
    struct office *o = *state;
    struct id ids[5];
    for (int i = 0; i < 5; i++)
        ids[i] = put(o, "Nama");
    (void)office_put(o, "keluarga", FIELDS("kec", "36.04.29"));
    ack_all(o, office_answer(0, DISPOSITION_REJECTED, "area", "")); /* the family */
    struct seen_views seen = { 0 };
    const struct id start = { { 0 } };
    assert_int_equal(node_store_list(o->store, bytes_text("orang"), &start, 3, see_view, &seen),
                     OK);
    assert_int_equal(seen.count, 3);
    assert_int_equal(
        node_store_list(o->store, bytes_text("orang"), &seen.ids[2], 10, see_view, &seen), OK);
    assert_int_equal(seen.count, 5);
    for (unsigned i = 1; i < 5; i++)
        assert_true(memcmp(&seen.ids[i - 1], &seen.ids[i], sizeof seen.ids[0]) < 0);
    for (unsigned i = 0; i < 5; i++) {
        bool found = false;
        for (unsigned j = 0; j < 5; j++)
            found = found || id_equal(&ids[i], &seen.ids[j]);
        assert_true(found);
    }
    seen.count = 0;
    assert_int_equal(node_store_list(o->store, bytes_text("keluarga"), &start, 10, see_view, &seen),
                     OK);
    assert_int_equal(seen.count, 0); /* its create was refused */
}

static unsigned lookup(struct office *o, const char *field, const char *value)
{
    struct seen_views seen = { 0 };
    assert_int_equal(node_store_lookup(o->store, bytes_text("orang"), bytes_text(field),
                                       office_text(value), see_view, &seen),
                     OK);
    return seen.count;
}

static void lookup_finds_exactly_what_is_shown(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    assert_int_equal(lookup(o, "nama", "Maimunah"), 1);
    assert_int_equal(lookup(o, "nama", "maimunah"), 0);
    assert_int_equal(lookup(o, "status", "baru"), 0); /* not a look-up field */
    office_edit(o, &person, FIELDS("nama", "Maemunah"));
    assert_int_equal(lookup(o, "nama", "Maimunah"), 0);
    assert_int_equal(lookup(o, "nama", "Maemunah"), 1);
    uint64_t highest = lane_of(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, highest, 1,
                                office_answer(0, DISPOSITION_REJECTED, "authority", "nama")),
                     OK);
    assert_int_equal(lookup(o, "nama", "Maimunah"), 1);
    assert_int_equal(lookup(o, "nama", "Maemunah"), 0);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "29-0001", FIELDS("nama", "Munah"))),
        OK);
    assert_int_equal(lookup(o, "nama", "Munah"), 1);
    office_restart(o);
    office_unlock(o);
    assert_int_equal(lookup(o, "nama", "Munah"), 1);
}

static char *wider_source(void)
{
    static char text[8192];
    const char *at = strstr(office_source, "field alamat { type = text length = 200");
    assert_non_null(at);
    const char *rest = at + strlen("field alamat { type = text length = 200");
    snprintf(text, sizeof text, "%.*sfield alamat { type = text length = 200 lookup = true%s",
             (int)(at - office_source), office_source, rest);
    return text;
}

static void a_new_lookup_field_finds_older_records(void **state)
{
    struct office *o = *state;
    struct id confirmed = put(o, "Satu"), pending;
    office_edit(o, &confirmed, FIELDS("alamat", "Sukamaju"));
    ack_all(o, accepted);
    pending = put(o, "Dua");
    office_edit(o, &pending, FIELDS("alamat", "Sukamaju"));
    assert_int_equal(lookup(o, "alamat", "Sukamaju"), 0);
    struct hash previous = o->rules_hash;
    node_store_lock(o->store); /* policy flows while locked; the rows follow at unlock */
    assert_int_equal(
        office_feed_document(o, FEED_RULES, office_rules(o, wider_source(), 2, &previous)), OK);
    office_unlock(o);
    assert_int_equal(lookup(o, "alamat", "Sukamaju"), 2);
    assert_int_equal(lookup(o, "nama", "Dua"), 1);
}

/* ---- policy */

static void applying_policy_is_an_entry_in_every_lane(void **state)
{
    struct office *o = *state;
    uint64_t before[LANE_COUNT];
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++)
        before[lane] = lane_of(o, lane).highest;
    struct hash previous = o->rules_hash;
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &previous)), OK);
    struct policy_mark mark = node_store_policy_mark(o->store);
    struct hash leaf, head;
    assert_int_equal(mark.rules_version, 2);
    assert_true(hash_equal(&mark.rules_hash, &o->rules_hash));
    assert_int_equal(mark.trust_version, 2);
    chain_policy_leaf(&mark, &leaf);
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++) {
        struct node_lane row = lane_of(o, lane);
        struct hash expected;
        assert_int_equal(row.highest, before[lane] + 1);
        assert_int_equal(node_store_head(o->store, lane, before[lane], &head), OK);
        chain_next(&head, &leaf, &expected);
        assert_true(hash_equal(&row.head, &expected));
    }
    office_restart(o);
    struct policy_mark after = node_store_policy_mark(o->store);
    assert_memory_equal(&after, &mark, sizeof mark);
    assert_int_equal(node_store_trust(o->store)->operator_count, 1);
}

static void an_older_policy_is_refused_and_the_rest_of_the_batch_stands(void **state)
{
    struct office *o = *state;
    struct hash first = o->rules_hash;
    static uint8_t older_space[RULES_BYTES_MAX];
    /* Version 1 again, but with another content: what a rolled-back officer might sign. */
    struct bytes older = office_rules(o, wider_source(), 1, NULL);
    memcpy(older_space, older.at, older.len);
    older = bytes_of(older_space, older.len);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &first)), OK);
    struct id person = put(o, "Maimunah");
    struct hash leaf = office_view(o, &person)->leaf;
    struct policy_mark before = node_store_policy_mark(o->store);
    uint64_t highest = lane_of(o, LANE_BULK).highest;
    struct feed_item items[] = {
        { .kind = FEED_RULES, .document = older },
        { .kind = FEED_DECISION,
          .leaf = leaf,
          .decision = { .whole = true,
                        .disposition = DISPOSITION_REJECTED,
                        .reason = bytes_text("area"),
                        .field = bytes_text("") } },
    };
    assert_int_equal(office_feed(o, FEED_CONTROL, items, 2), OK);
    assert_int_equal(o->problem.code, ERR_STATE);
    assert_string_equal(o->problem.thing, "rules version 1");
    struct policy_mark after = node_store_policy_mark(o->store);
    assert_memory_equal(&after, &before, sizeof before);
    assert_int_equal(lane_of(o, LANE_BULK).highest, highest);
    assert_int_equal(figures(o).rejected, 1);
}

static void another_statement_or_document_of_a_known_version_is_refused(void **state)
{
    struct office *o = *state;
    uint8_t ops_space[512], space[2048];
    struct writer ops = writer_of(ops_space, sizeof ops_space);
    struct writer out = writer_of(space, sizeof space);
    const struct secret_key *keys[] = { o->root };
    struct policy_mark before = node_store_policy_mark(o->store);
    writer_array(&ops, 1);
    trust_op_operator_until(&ops, 1, "461/1/2027", "2099-12-31");
    assert_int_equal(
        trust_sign(OFFICE_DISTRICT, 2, &o->trust.hash, 1, writer_bytes(&ops), keys, 1, &out), OK);
    assert_int_equal(office_feed_document(o, FEED_TRUST, writer_bytes(&out)), OK);
    assert_int_equal(o->problem.code, ERR_STATE);
    assert_string_equal(o->problem.thing, "trust part version 2");
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, wider_source(), 1, NULL)),
                     OK);
    assert_string_equal(o->problem.thing, "rules version 1");
    struct policy_mark after = node_store_policy_mark(o->store);
    assert_memory_equal(&after, &before, sizeof before);
    /* The very same again is nothing new and no complaint. */
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 1, NULL)), OK);
    assert_int_equal(o->problem.code, OK);
}

static void rules_may_skip_versions_but_not_fork(void **state)
{
    struct office *o = *state;
    struct hash other;
    memset(&other, 7, sizeof other);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &other)), OK);
    assert_int_equal(o->problem.code, ERR_POLICY_FOLLOW);
    assert_int_equal(node_store_policy_mark(o->store).rules_version, 1);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 5, &other)), OK);
    assert_int_equal(o->problem.code, OK);
    assert_int_equal(node_store_policy_mark(o->store).rules_version, 5);
}

static void a_gap_or_a_bad_signature_in_the_trust_log_leaves_everything_as_it_was(void **state)
{
    struct office *o = *state;
    uint8_t ops_space[512], copy[TRUST_STATEMENT_BYTES_MAX];
    struct writer ops = writer_of(ops_space, sizeof ops_space);
    struct cursor before, after;
    trust_op_operator_until(&ops, 1, "461/1/2027", "2028-12-31");
    struct bytes third = office_statement(o, 1, writer_bytes(&ops));
    memcpy(copy, third.at, third.len);
    size_t third_len = third.len;
    struct bytes fourth = office_statement(o, 1, writer_bytes(&ops));
    uint64_t highest = lane_of(o, LANE_URGENT).highest;
    assert_int_equal(node_store_cursor(o->store, FEED_CONTROL, &before), OK);
    assert_int_equal(office_feed_document(o, FEED_TRUST, fourth), ERR_STATE);
    copy[third_len - 1] ^= 1;
    assert_int_not_equal(office_feed_document(o, FEED_TRUST, bytes_of(copy, third_len)), OK);
    /* A good one before a bad one in the same batch goes with it. */
    copy[third_len - 1] ^= 1;
    uint8_t bad[TRUST_STATEMENT_BYTES_MAX];
    memcpy(bad, fourth.at, fourth.len);
    bad[fourth.len - 1] ^= 1;
    struct feed_item items[] = {
        { .kind = FEED_TRUST, .document = bytes_of(copy, third_len) },
        { .kind = FEED_TRUST, .document = bytes_of(bad, fourth.len) },
    };
    assert_int_not_equal(office_feed(o, FEED_CONTROL, items, 2), OK);
    assert_int_equal(node_store_trust(o->store)->version, 2);
    assert_int_equal(node_store_cursor(o->store, FEED_CONTROL, &after), OK);
    assert_memory_equal(&after, &before, sizeof before);
    assert_int_equal(lane_of(o, LANE_URGENT).highest, highest);
    assert_int_equal(office_feed_document(o, FEED_TRUST, bytes_of(copy, third_len)), OK);
    assert_int_equal(office_feed_document(o, FEED_TRUST, fourth), OK);
    assert_int_equal(node_store_trust(o->store)->version, 4);
    assert_string_equal(trust_operator(node_store_trust(o->store), 1)->until, "2028-12-31");
    /* Again: known, no entry, no complaint. */
    highest = lane_of(o, LANE_URGENT).highest;
    assert_int_equal(office_feed_document(o, FEED_TRUST, fourth), OK);
    assert_int_equal(o->problem.code, OK);
    assert_int_equal(lane_of(o, LANE_URGENT).highest, highest);
}

static void another_root_than_the_pinned_one_is_refused(void **state)
{
    struct office *bare = malloc(sizeof *bare);
    (void)state;
    assert_non_null(bare);
    office_open(bare, true);
    secret_key_close(&bare->root);
    bare->root = secret_key_new();
    assert_int_not_equal(office_feed_document(bare, FEED_TRUST, office_founding(bare)), OK);
    assert_int_equal(node_store_trust(bare->store)->version, 0);
    assert_null(node_store_policy(bare->store));
    office_close(bare);
    free(bare);
}

/* ---- a restored hub */

static void an_epoch_takes_back_what_lies_beyond_its_cut(void **state)
{
    struct office *o = *state;
    struct id kept = put(o, "Tetap");
    ack_all(o, accepted);
    assert_int_equal(office_feed(o, FEED_RECORDS, NULL, 0), OK);
    uint64_t cut = o->journal, acked = lane_of(o, LANE_NORMAL).acked;
    struct id lost = put(o, "Hilang di Dinas");
    ack_all(o, accepted);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&kept, "orang", "29-0001", FIELDS("alamat", "Dibatalkan"))),
        OK);
    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof space);
    struct hash hash = { { 0 } };
    trust_op_epoch(&ops, 2, cut, &hash);
    struct bytes statement = office_statement(o, 1, writer_bytes(&ops));
    o->journal += 10;
    o->epoch = 2;
    assert_int_equal(office_feed_document(o, FEED_TRUST, statement), OK);
    assert_int_equal(lane_of(o, LANE_NORMAL).acked, acked);
    assert_int_equal(figures(o).accepted, 1);
    assert_int_equal(figures(o).queued, 1);
    const struct record_view *view = office_view(o, &lost);
    assert_true(view->pending && !view->confirmed);
    view = office_view(o, &kept);
    assert_string_equal(office_value(view, "nama"), "Tetap");
    assert_null(office_value(view, "alamat"));
    assert_int_equal(view->base_rev, cut);
    struct cursor cursor;
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    office_restart(o);
    office_unlock(o);
    assert_null(office_value(office_view(o, &kept), "alamat"));
    assert_int_equal(
        office_ack(o, LANE_NORMAL, acked + 1, lane_of(o, LANE_NORMAL).highest, 1, accepted), OK);
    view = office_view(o, &lost);
    assert_true(view->confirmed && !view->pending);
    assert_true(view->rev > cut + 10);
}

#define WITH_OFFICE(test) cmocka_unit_test_setup_teardown(test, open_office, close_office)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(a_pending_create_is_seen_at_once),
        WITH_OFFICE(an_accepted_change_is_confirmed_by_its_ack),
        WITH_OFFICE(local_order_decides_between_own_pending_changes),
        WITH_OFFICE(a_rejection_takes_the_overlay_away_and_keeps_the_values),
        WITH_OFFICE(a_dismissed_rejection_leaves_the_list_not_the_history),
        WITH_OFFICE(an_ack_that_comes_while_locked_is_folded_at_unlock),
        WITH_OFFICE(an_ack_may_come_twice),
        WITH_OFFICE(a_quarantined_change_stays_pending_until_a_decision),
        WITH_OFFICE(a_decision_about_an_unknown_leaf_is_not_ours),
        WITH_OFFICE(a_held_field_shows_the_hub_value_and_the_other_fields_are_taken),
        WITH_OFFICE(what_was_taken_of_a_held_change_outlives_a_lock_and_its_loss),
        WITH_OFFICE(the_higher_journal_number_wins_whatever_comes_first),
        WITH_OFFICE(an_own_ack_does_not_claim_to_have_seen_what_others_wrote),
        WITH_OFFICE(a_deleted_record_says_so),
        WITH_OFFICE(records_wait_for_the_unlocked_cache),
        WITH_OFFICE(a_batch_moves_cursor_and_seen_once),
        WITH_OFFICE(a_bad_item_leaves_the_whole_batch_out),
        WITH_OFFICE(records_are_found_by_short_number_and_by_id),
        WITH_OFFICE(an_ambiguous_short_number_lists_every_match),
        WITH_OFFICE(a_list_goes_on_where_it_stopped),
        WITH_OFFICE(lookup_finds_exactly_what_is_shown),
        WITH_OFFICE(a_new_lookup_field_finds_older_records),
        WITH_OFFICE(applying_policy_is_an_entry_in_every_lane),
        WITH_OFFICE(an_older_policy_is_refused_and_the_rest_of_the_batch_stands),
        WITH_OFFICE(another_statement_or_document_of_a_known_version_is_refused),
        WITH_OFFICE(rules_may_skip_versions_but_not_fork),
        WITH_OFFICE(a_gap_or_a_bad_signature_in_the_trust_log_leaves_everything_as_it_was),
        cmocka_unit_test(another_root_than_the_pinned_one_is_refused),
        WITH_OFFICE(an_epoch_takes_back_what_lies_beyond_its_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
