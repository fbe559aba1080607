/* What the node shows: confirmed state, own changes on top, answers, conflicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/merge.h"
#include "tests/support/node_fixture.h"

static const struct bytes accepted; /* no entries: everything is accepted */

static struct id put(struct office *o, const char *name)
{
    return office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", name));
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
    assert_int_equal(view->pending_seq[LANE_NORMAL], office_lane(o, LANE_NORMAL).highest);
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
    office_ack_all(o, accepted);
    const struct record_view *view = office_view(o, &person);
    assert_true(view->confirmed);
    assert_false(view->pending);
    assert_int_equal(view->rev, o->journal);
    assert_int_equal(office_field(view, "nama")->rev, o->journal);
    assert_false(office_field(view, "nama")->pending);
    assert_int_equal(view->pending_seq[LANE_NORMAL], 0);
    assert_int_equal(office_figures(o).accepted, 1);
    assert_int_equal(office_figures(o).records, 1);
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
    uint64_t highest = office_lane(o, LANE_NORMAL).highest;
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
    office_ack_all(o, accepted);
    struct hash leaf = office_edit(o, &person, FIELDS("nama", "Salah"));
    assert_string_equal(office_value(office_view(o, &person), "nama"), "Salah");
    office_ack_all(o, office_answer(0, DISPOSITION_REJECTED, "authority", "nama"));
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Benar");
    assert_false(view->pending);
    /* It waits for its author as a draft. */
    assert_int_equal(changes_of(o, &person, true).count, 0);
    assert_int_equal(office_figures(o).drafts, 1);
    struct seen_changes seen = changes_of(o, &person, false);
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.last.disposition, DISPOSITION_REJECTED);
    assert_string_equal(seen.reason, "authority");
    assert_string_equal(seen.field, "nama");
    assert_string_equal(seen.value, "Salah");
    assert_true(hash_equal(&seen.last.leaf, &leaf));
    assert_int_equal(seen.last.queued_wall_ms, OFFICE_WALL_MS);
}

static void a_dismissed_rejection_leaves_the_list_not_the_history(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Tertolak");
    struct hash leaf = office_view(o, &person)->leaf;
    office_ack_all(o, office_answer(-1, DISPOSITION_REJECTED, "area", ""));
    const struct record_view *view;
    struct id found;
    assert_int_equal(node_store_view(o->store, &person, &view), ERR_NOT_FOUND);
    assert_int_equal(node_store_find(o->store, bytes_text("29-0001"), &found, NULL, NULL), OK);
    assert_true(id_equal(&found, &person));
    assert_int_equal(office_figures(o).drafts, 1);
    assert_int_equal(node_store_dismiss(o->store, &leaf, 0), OK);
    assert_int_equal(node_store_dismiss(o->store, &leaf, 1), ERR_NOT_FOUND);
    assert_int_equal(office_figures(o).drafts, 0);
    assert_int_equal(changes_of(o, NULL, true).count, 0);
    assert_int_equal(changes_of(o, &person, false).count, 1);
    assert_int_equal(office_figures(o).rejected, 1);
    assert_int_equal(office_figures(o).records, 0);
}

static void an_ack_that_comes_while_locked_is_folded_at_unlock(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    office_edit(o, &person, FIELDS("nama", "Maimunah S."));
    office_restart(o);
    office_ack_all(o, accepted);
    uint64_t number = o->journal;
    assert_int_equal(office_figures(o).accepted, 2);
    assert_int_equal(office_figures(o).records, 0);
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
    assert_int_equal(office_figures(o).records, 1);
    assert_int_equal(changes_of(o, &person, false).with_raw, 2);
}

static void an_ack_may_come_twice(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    office_ack_all(o, accepted);
    uint64_t rev = office_view(o, &person)->rev;
    uint64_t highest = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, highest, 1,
                                office_answer(-1, DISPOSITION_REJECTED, "area", "")),
                     OK);
    assert_int_equal(office_view(o, &person)->rev, rev); /* final is final */
    assert_int_equal(office_figures(o).accepted, 1);
    assert_int_equal(office_figures(o).rejected, 0);
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
    office_ack_all(o, office_answer(-1, DISPOSITION_QUARANTINED, "term_ended", ""));
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
    assert_int_equal(office_figures(o).quarantined, 0);
    assert_int_equal(changes_of(o, NULL, true).count, 0);
}

/* A hub that went back to a backup from before the refusal, unnoticed, and decided again. */
static void a_later_word_that_differs_from_a_refusal_counts(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    struct hash leaf = office_view(o, &person)->leaf;
    office_ack_all(o, office_answer(-1, DISPOSITION_REJECTED, "term_ended", ""));
    assert_int_equal(office_figures(o).rejected, 1);
    assert_int_equal(decide(o, &leaf, DISPOSITION_ACCEPTED, "", ""), OK);
    assert_true(office_view(o, &person)->confirmed);
    assert_string_equal(office_value(office_view(o, &person), "nama"), "Maimunah");
    assert_int_equal(office_figures(o).rejected, 0);
    assert_int_equal(office_figures(o).accepted, 1);
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
    office_ack_all(o, accepted);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "29-0001", FIELDS("nama", "Maemunah"))),
        OK);
    struct hash leaf = office_edit(o, &person, FIELDS("nama", "Maymunah", "alamat", "Sukamaju"));
    office_ack_all(o, office_answer(0, DISPOSITION_HELD, "", "nama"));
    uint64_t number = o->journal;
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Maemunah");
    assert_true(office_field(view, "nama")->held);
    assert_true(bytes_equal(office_field(view, "nama")->held_value, office_text("Maymunah")));
    assert_false(view->pending);
    assert_string_equal(office_value(view, "alamat"), "Sukamaju");
    assert_int_equal(office_field(view, "alamat")->rev, number);
    assert_false(office_field(view, "alamat")->held);
    assert_int_equal(office_figures(o).held, 1);
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
    assert_int_equal(office_figures(o).conflicts, 0);
    assert_int_equal(office_figures(o).held, 0);
    assert_int_equal(node_store_conflict(o->store, &conflict, &one), ERR_NOT_FOUND);
}

static void what_was_taken_of_a_held_change_outlives_a_lock_and_its_loss(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    office_ack_all(o, accepted);
    struct hash leaf = office_edit(o, &person, FIELDS("nama", "Maymunah", "alamat", "Sukamaju"));
    office_restart(o); /* locked from here on */
    office_ack_all(o, office_answer(0, DISPOSITION_HELD, "", "nama"));
    uint64_t number = o->journal;
    assert_int_equal(decide(o, &leaf, DISPOSITION_SUPERSEDED, "", "nama"), OK);
    office_unlock(o);
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Maimunah");
    assert_false(office_field(view, "nama")->held);
    assert_string_equal(office_value(view, "alamat"), "Sukamaju");
    assert_int_equal(office_field(view, "alamat")->rev, number);
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
    office_ack_all(o, office_answer(0, DISPOSITION_REJECTED, "area", "")); /* the family */
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
    uint64_t highest = office_lane(o, LANE_NORMAL).highest;
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
    office_ack_all(o, accepted);
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
        WITH_OFFICE(a_later_word_that_differs_from_a_refusal_counts),
        WITH_OFFICE(a_decision_about_an_unknown_leaf_is_not_ours),
        WITH_OFFICE(a_held_field_shows_the_hub_value_and_the_other_fields_are_taken),
        WITH_OFFICE(what_was_taken_of_a_held_change_outlives_a_lock_and_its_loss),
        WITH_OFFICE(records_are_found_by_short_number_and_by_id),
        WITH_OFFICE(an_ambiguous_short_number_lists_every_match),
        WITH_OFFICE(a_list_goes_on_where_it_stopped),
        WITH_OFFICE(lookup_finds_exactly_what_is_shown),
        WITH_OFFICE(a_new_lookup_field_finds_older_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
