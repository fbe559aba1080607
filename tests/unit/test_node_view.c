/* What the admin socket tells: conflicts, lists, attention, explain, policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/support/node_world.h"

static uint64_t highest(struct admin_world *w)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct node_lane lane;
        assert_int_equal(node_store_lane(w->o.store, (enum lane)i, &lane), OK);
        sum += lane.highest;
    }
    return sum;
}

static json_t *field_row(struct admin_world *w, const char *name)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(world_done(w), "fields"), index, row) {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return row;
    }
    return NULL;
}

static const char *shown(struct admin_world *w, const char *name)
{
    const char *text = json_string_value(json_object_get(field_row(w, name), "value"));
    return text != NULL ? text : "";
}

static const char *row_text(struct admin_world *w, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(world_row(w, index), key));
    return text != NULL ? text : "";
}

static bool show(struct admin_world *w, const char *id)
{
    return world_ask(w, "show", json_pack("{s:s}", "id", id));
}

/* A record that is confirmed, with a conflict about its name. */
static struct id conflicted(struct admin_world *w, struct id *ret_conflict)
{
    struct id record = crypto_uuid7(OFFICE_WALL_MS);
    *ret_conflict = crypto_random_id();
    struct feed_item items[] = {
        office_record(&record, "orang", "29-0044", FIELDS("kec", OFFICE_NODE, "nama", "Maimunah")),
        { .kind = FEED_CONFLICT,
          .conflict = *ret_conflict,
          .collection = bytes_text("orang"),
          .record = record,
          .field = bytes_text("nama"),
          .value_a = office_text("Maimunah"),
          .value_b = office_text("Maemunah"),
          .author_a = bytes_text("36.04"),
          .author_b = bytes_text(OFFICE_NODE) },
    };
    items[0].number = w->o.journal + 1;
    items[1].number = w->o.journal + 2;
    w->o.journal += 2;
    assert_int_equal(office_feed(&w->o, FEED_RECORDS, items, 2), OK);
    return record;
}

static void conflicts_are_listed_and_answered(void **state)
{
    struct admin_world *w = *state;
    struct id conflict;
    (void)conflicted(w, &conflict);
    char text[40];
    uuid_to_text(&conflict, text);
    assert_true(world_ask(w, "conflict_list", NULL));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "conflict"), text);
    assert_string_equal(row_text(w, 0, "short"), "29-0044");
    assert_string_equal(row_text(w, 0, "label"), "Nama lengkap");
    assert_string_equal(row_text(w, 0, "value_a"), "Maimunah");
    assert_string_equal(row_text(w, 0, "value_b"), "Maemunah");
    assert_string_equal(row_text(w, 0, "author_b"), OFFICE_NODE);
    assert_true(world_ask(w, "attention", NULL));
    assert_string_equal(row_text(w, 0, "kind"), "conflict");
    uint64_t before = highest(w);
    world_refused(w, "usage", "resolve", json_pack("{s:s}", "conflict", text));
    world_refused(w, "usage", "resolve",
                  json_pack("{s:s, s:s, s:s}", "conflict", text, "choose", "a", "value", "x"));
    world_refused(w, "usage", "resolve", json_pack("{s:s, s:s}", "conflict", text, "choose", "c"));
    world_refused(
        w, "not_found", "resolve",
        json_pack("{s:s, s:s}", "conflict", "0191f0c2-0000-7000-8000-00000000000f", "choose", "a"));
    assert_int_equal(highest(w), before);
    assert_true(world_ask(w, "resolve", json_pack("{s:s, s:s}", "conflict", text, "choose", "b")));
    assert_int_equal(highest(w), before + 1);
    assert_true(show(w, "29-0044"));
    json_t *history = json_object_get(world_done(w), "history");
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(history, json_array_size(history) - 1), "op")),
                        "resolve");
}

static void a_conflict_may_be_answered_with_a_third_value(void **state)
{
    struct admin_world *w = *state;
    struct id conflict;
    (void)conflicted(w, &conflict);
    char text[40];
    uuid_to_text(&conflict, text);
    assert_true(
        world_ask(w, "resolve", json_pack("{s:s, s:s}", "conflict", text, "value", "Maimunah S.")));
    assert_true(show(w, "29-0044"));
    assert_string_equal(shown(w, "nama"), "Maimunah S.");
}

/* ---- history */

static const char *past(struct admin_world *w, size_t at, const char *key)
{
    const char *text = json_string_value(
        json_object_get(json_array_get(json_object_get(world_done(w), "history"), at), key));
    return text != NULL ? text : "";
}

static size_t past_fields(struct admin_world *w, size_t at)
{
    return json_array_size(
        json_object_get(json_array_get(json_object_get(world_done(w), "history"), at), "fields"));
}

static void history_tells_changes_of_others_between_own_ones(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    struct id record;
    struct node_lane lane;
    snprintf(id, sizeof id, "%s", world_put(w, "Maimunah"));
    assert_true(uuid_from_text(bytes_text(id), &record));
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    assert_int_equal(office_ack(&w->o, LANE_NORMAL, 1, lane.highest, 1, bytes_of(NULL, 0)), OK);
    struct feed_item item =
        office_record(&record, "orang", "29-0001", FIELDS("alamat", "Dinas", "nama", "Maemunah"));
    item.origin.operator_number = 1; /* whom the trust part knows */
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    assert_true(
        world_ask(w, "edit", json_pack("{s:s, s:{s:s}}", "id", id, "fields", "nama", "Siti")));
    assert_true(show(w, id));
    assert_int_equal(json_array_size(json_object_get(world_done(w), "history")), 3);
    assert_string_equal(past(w, 0, "op"), "create");
    assert_string_equal(past(w, 0, "node"), OFFICE_NODE);
    assert_true(strlen(past(w, 0, "claimed")) > 10);
    assert_string_equal(past(w, 1, "op"), "update");
    assert_string_equal(past(w, 1, "node"), "36.04");
    assert_string_equal(past(w, 1, "operator_name"), "Siti Aminah");
    assert_string_equal(past(w, 1, "disposition"), "accepted");
    assert_true(strlen(past(w, 1, "claimed")) > 10);
    assert_int_equal(past_fields(w, 1), 2);
    assert_string_equal(past(w, 2, "op"), "update"); /* waits, so it is last */
    assert_string_equal(past(w, 2, "state"), "queued");
    assert_int_equal(past_fields(w, 2), 1);
}

/* ---- looking */

static void lists_find_by_part_code_and_look_up(void **state)
{
    struct admin_world *w = *state;
    static const char *const names[] = { "Maimunah", "Aminah", "Budi" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_true(world_ask(w, "put",
                              json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "collection", "orang",
                                        "fields", "kec", OFFICE_NODE, "nama", names[i], "jk",
                                        i == 2 ? "L" : "P", "rahasia", "tidak terlihat")));
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    assert_int_equal(world_rows(w), 3);
    json_t *fields = json_object_get(world_row(w, 0), "fields");
    assert_string_equal(json_string_value(json_object_get(fields, "nama")), "Maimunah");
    assert_null(json_object_get(fields, "rahasia")); /* restricted */
    assert_null(json_object_get(fields, "kec"));     /* no summary field */
    assert_true(world_ask(
        w, "list", json_pack("{s:s, s:{s:s}}", "collection", "Orang", "find", "nama", "min")));
    assert_int_equal(world_rows(w), 1);
    assert_true(world_ask(
        w, "list", json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "nama", "Aminah")));
    assert_int_equal(world_rows(w), 1);
    assert_true(world_ask(
        w, "list", json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "jk", "perempuan")));
    assert_int_equal(world_rows(w), 2);
    assert_true(world_ask(
        w, "list",
        json_pack("{s:s, s:{s:s, s:s}}", "collection", "orang", "find", "jk", "P", "nama", "mai")));
    assert_int_equal(world_rows(w), 1);
    world_refused(w, "field", "list",
                  json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "hantu", "x"));
}

static void restricted_codes_are_not_listed(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s, s:s}}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Maimunah", "jk", "X")));
    char id[40];
    snprintf(id, sizeof id, "%s", world_text(w, "id"));
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    assert_null(json_object_get(json_object_get(world_row(w, 0), "fields"), "jk"));
    assert_true(show(w, id));
    assert_string_equal(shown(w, "jk"), "");
    assert_true(json_is_true(json_object_get(field_row(w, "jk"), "masked")));
    assert_true(world_ask(w, "show",
                          json_pack("{s:s, s:b, s:s}", "id", id, "full", 1, "reason", "periksa")));
    assert_string_equal(shown(w, "jk"), "X");
}

static void lists_go_on_page_by_page(void **state)
{
    struct admin_world *w = *state;
    char after[40] = "";
    unsigned seen = 0;
    for (unsigned i = 0; i < 7; i++)
        (void)world_put(w, "Maimunah");
    for (unsigned page = 0; page < 4; page++) {
        json_t *args = json_pack("{s:s, s:i}", "collection", "orang", "max", 3);
        if (page > 0)
            json_object_set_new(args, "after", json_string(after));
        assert_true(world_ask(w, "list", args));
        assert_int_equal(world_rows(w), page < 2 ? 3 : page == 2 ? 1 : 0);
        for (size_t i = 0; i < world_rows(w); i++) {
            assert_true(strcmp(row_text(w, i, "id"), after) > 0);
            snprintf(after, sizeof after, "%s", row_text(w, i, "id"));
            seen++;
        }
    }
    assert_int_equal(seen, 7);
    world_refused(w, "usage", "list",
                  json_pack("{s:s, s:s}", "collection", "orang", "after", "29-0001"));
}

static void several_matches_are_listed_and_never_guessed(void **state)
{
    struct admin_world *w = *state;
    char id[40], prefix[9];
    snprintf(id, sizeof id, "%s", world_put(w, "Maimunah"));
    (void)world_put(w, "Aminah");
    snprintf(prefix, sizeof prefix, "%.8s", id); /* ids begin with the time: the same for both */
    world_refused(w, "ambiguous", "show", json_pack("{s:s}", "id", prefix));
    assert_int_equal(world_rows(w), 2);
    assert_string_equal(row_text(w, 0, "short"), "29-0001");
    world_refused(w, "ambiguous", "edit",
                  json_pack("{s:s, s:{s:s}}", "id", prefix, "fields", "umur", "1"));
}

static void a_rejected_entry_waits_for_its_author(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    snprintf(id, sizeof id, "%s", world_put(w, "Maimunah"));
    struct node_lane lane;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    assert_int_equal(office_ack(&w->o, LANE_NORMAL, 1, lane.highest, 1,
                                office_answer(-1, DISPOSITION_REJECTED, "area", "kec")),
                     OK);
    assert_true(world_ask(w, "attention", NULL));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "kind"), "draft");
    assert_string_equal(row_text(w, 0, "origin"), "rejected");
    assert_string_equal(row_text(w, 0, "id"), id);
    assert_string_equal(row_text(w, 0, "reason"), "area");
    assert_string_equal(row_text(w, 0, "field"), "kec");
    assert_non_null(strstr(row_text(w, 0, "reason_text"), "another area"));
    assert_true(show(w, id)); /* the record is gone, its history is not */
    assert_string_equal(world_text(w, "state"), "rejected");
    json_t *history = json_object_get(world_done(w), "history");
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(history, 0), "disposition")), "rejected");
    assert_true(world_ask(w, "status", NULL));
    assert_int_equal(world_number(w, "attention"), 1);
    assert_int_equal(world_number(w, "rejected"), 1);
    assert_string_equal(world_text(w, "next"), "tkskctl attention");
    assert_true(world_ask(w, "lock", NULL));
    assert_true(world_ask(w, "attention", NULL)); /* locked: that there is something, not what */
    assert_int_equal(world_rows(w), 1);
    assert_true(json_is_null(json_object_get(world_row(w, 0), "short")));
    assert_true(json_is_null(json_object_get(world_row(w, 0), "collection")));
}

static bool steps_say(struct admin_world *w, const char *what)
{
    size_t index;
    json_t *step;
    json_array_foreach(json_object_get(world_done(w), "steps"), index, step) {
        if (strstr(json_string_value(step), what) != NULL)
            return true;
    }
    return false;
}

static void explain_says_where_each_change_is_and_what_it_waits_for(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    snprintf(id, sizeof id, "%s", world_put(w, "Maimunah"));
    assert_true(world_ask(w, "explain", json_pack("{s:s}", "id", id)));
    assert_true(steps_say(w, "stored here, not sent yet"));
    assert_true(steps_say(w, "waits for a link"));
    struct node_lane lane;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &lane), OK);
    assert_int_equal(
        office_ack(&w->o, LANE_NORMAL, 1, lane.highest, lane.highest + 1, bytes_of(NULL, 0)), OK);
    assert_true(world_ask(w, "explain", json_pack("{s:s}", "id", id)));
    assert_true(steps_say(w, "arrived at the district office, accepted"));
    assert_true(steps_say(w, "in a backup"));
    assert_false(steps_say(w, "waits"));
}

static void forms_learn_what_may_be_written(void **state)
{
    struct admin_world *w = *state;
    size_t index, writable = 0;
    json_t *field;
    assert_true(world_ask(w, "collections", NULL));
    assert_int_equal(world_rows(w), 2);
    assert_string_equal(row_text(w, 0, "title"), "Orang");
    json_array_foreach(json_object_get(world_row(w, 0), "fields"), index, field) {
        const char *name = json_string_value(json_object_get(field, "name"));
        bool may = json_is_true(json_object_get(field, "writable"));
        writable += may;
        if (strcmp(name, "status") == 0 || strcmp(name, "skor") == 0)
            assert_false(may); /* the district's, and the hub's */
        if (strcmp(name, "jk") == 0)
            assert_int_equal(json_array_size(json_object_get(field, "codes")), 3);
        if (strcmp(name, "status") == 0)
            assert_string_equal(json_string_value(json_object_get(field, "default")), "baru");
        if (strcmp(name, "rumah") == 0)
            assert_int_equal(json_array_size(json_object_get(field, "targets")), 1);
        if (strcmp(name, "ukuran") == 0)
            assert_int_equal(json_array_size(json_object_get(field, "keys")), 2);
        if (strcmp(name, "kec") == 0) /* the only one that is the writer's own */
            assert_string_equal(json_string_value(json_object_get(field, "suggested")), "36.04.29");
    }
    assert_int_equal(writable, index - 2);
}

static void policy_show_names_who_may_sign_at_a_date(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "policy_show", json_pack("{s:s}", "at", "2026-06-01")));
    assert_int_equal(world_number(w, "trust_version"), 2);
    assert_int_equal(world_number(w, "rules_version"), 1);
    json_t *op = json_array_get(json_object_get(world_done(w), "operators"), 0);
    assert_string_equal(json_string_value(json_object_get(op, "state")), "active");
    assert_true(world_ask(w, "policy_show", json_pack("{s:s}", "at", "2029-01-01")));
    op = json_array_get(json_object_get(world_done(w), "operators"), 0);
    assert_string_equal(json_string_value(json_object_get(op, "state")), "ended");
    world_refused(w, "date", "policy_show", json_pack("{s:s}", "at", "someday"));
}

static void status_counts_what_is_queued(void **state)
{
    struct admin_world *w = *state;
    (void)world_put(w, "Maimunah");
    assert_true(world_ask(w, "status", NULL));
    assert_int_equal(world_number(w, "queued"), 1);
    assert_true(world_number(w, "queued_bytes") > 0);
    assert_int_equal(world_number(w, "operators"), 1);
    assert_false(json_is_true(json_object_get(world_done(w), "locked")));
    assert_false(json_is_true(json_object_get(world_done(w), "linked")));
    assert_int_equal(json_array_size(json_object_get(world_done(w), "lanes")), LANE_COUNT);
    assert_true(json_is_null(json_object_get(world_done(w), "next")));
}

int main(void)
{
#define READY(test) cmocka_unit_test_setup_teardown(test, world_ready, world_close)
    const struct CMUnitTest tests[] = {
        READY(conflicts_are_listed_and_answered),
        READY(a_conflict_may_be_answered_with_a_third_value),
        READY(history_tells_changes_of_others_between_own_ones),
        READY(lists_find_by_part_code_and_look_up),
        READY(restricted_codes_are_not_listed),
        READY(lists_go_on_page_by_page),
        READY(several_matches_are_listed_and_never_guessed),
        READY(a_rejected_entry_waits_for_its_author),
        READY(explain_says_where_each_change_is_and_what_it_waits_for),
        READY(forms_learn_what_may_be_written),
        READY(policy_show_names_who_may_sign_at_a_date),
        READY(status_counts_what_is_queued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
