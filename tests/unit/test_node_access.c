/* What an office writes down of looks and changes, and what it refuses to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/node_access.h"
#include "node/node_store_inside.h"
#include "tests/support/node_world.h"

static const char nik[] = "3604290107800001";

/* Row `back` from the end of the log: 0 is the newest. */
static json_t *logged(struct admin_world *w, size_t back)
{
    assert_true(world_ask(w, "audit_list", NULL));
    assert_true(world_rows(w) > back);
    return world_row(w, world_rows(w) - 1 - back);
}

static const char *text(const json_t *row, const char *key)
{
    const char *value = json_string_value(json_object_get(row, key));
    return value != NULL ? value : "";
}

static json_int_t number(const json_t *row, const char *key)
{
    return json_integer_value(json_object_get(row, key));
}

static const char *put_person(struct admin_world *w)
{
    static char id[40];
    assert_true(
        world_ask(w, "put",
                  json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "collection", "orang", "fields", "kec",
                            OFFICE_NODE, "nama", "Maimunah", "nik", nik, "rahasia", "tahu")));
    snprintf(id, sizeof id, "%s", world_text(w, "id"));
    return id;
}

static bool sound(struct admin_world *w)
{
    assert_true(world_ask(w, "audit_verify", NULL));
    return json_is_true(json_object_get(world_done(w), "sound"));
}

static void changes_and_looks_are_logged_with_who_what_and_why(void **state)
{
    struct admin_world *w = *state;
    const char *id = put_person(w);
    json_t *row = logged(w, 0);
    assert_string_equal(text(row, "op"), "change");
    assert_string_equal(text(row, "id"), id);
    assert_string_equal(text(row, "what"), "orang");
    assert_string_equal(text(row, "name"), "Siti Aminah");
    assert_true(number(row, "operator") > 0);
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id)));
    row = logged(w, 0);
    assert_string_equal(text(row, "op"), "look");
    assert_string_equal(text(row, "id"), id);
    assert_true(json_is_false(json_object_get(row, "full")));
    assert_true(world_ask(
        w, "show", json_pack("{s:s, s:b, s:s}", "id", id, "full", 1, "reason", "cocokkan KTP")));
    row = logged(w, 0);
    assert_true(json_is_true(json_object_get(row, "full")));
    assert_string_equal(text(row, "reason"), "cocokkan KTP");
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    row = logged(w, 0);
    assert_string_equal(text(row, "op"), "list");
    assert_int_equal(number(row, "count"), 1);
    assert_true(world_ask(w, "export_rows",
                          json_pack("{s:s, s:s}", "collection", "orang", "reason", "laporan")));
    row = logged(w, 0);
    assert_string_equal(text(row, "op"), "export");
    assert_string_equal(text(row, "reason"), "laporan");
    assert_int_equal(number(row, "count"), 1);
    /* Of that record alone. */
    assert_true(world_ask(w, "audit_list", json_pack("{s:s}", "id", id)));
    assert_int_equal(world_rows(w), 3);
    assert_true(sound(w));
}

static void lists_mask_and_the_whole_value_still_finds(void **state)
{
    struct admin_world *w = *state;
    (void)put_person(w);
    assert_true(world_ask(w, "list",
                          json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "nik", nik)));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(text(json_object_get(world_row(w, 0), "fields"), "nik"),
                        "3604••••••••0001");
    assert_true(world_ask(
        w, "list",
        json_pack("{s:s, s:b, s:s}", "collection", "orang", "full", 1, "reason", "pemadanan")));
    assert_string_equal(text(json_object_get(world_row(w, 0), "fields"), "nik"), nik);
    assert_null(json_object_get(json_object_get(world_row(w, 0), "fields"), "rahasia"));
}

static void nobody_finds_by_what_few_may_see(void **state)
{
    struct admin_world *w = *state;
    (void)put_person(w);
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s, s:s}}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Nuraini", "jk", "X")));
    world_refused(w, "denied", "list",
                  json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "rahasia", "tahu"));
    world_refused(w, "denied", "list",
                  json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "riwayat", "sakit"));
    assert_true(world_ask(w, "list",
                          json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "jk", "X")));
    assert_int_equal(world_rows(w), 0);
    assert_true(world_ask(w, "list",
                          json_pack("{s:s, s:{s:s, s:s}, s:b, s:s}", "collection", "orang", "find",
                                    "rahasia", "tahu", "jk", "", "full", 1, "reason", "periksa")));
    assert_int_equal(world_rows(w), 1);
}

static void a_number_is_not_found_digit_by_digit(void **state)
{
    static const struct {
        const char *wanted;
        size_t rows;
    } asked[] = { { "36042901", 0 }, { "901078", 0 }, { "3604290107800002", 0 }, { "8", 0 },
                  { "3604", 1 },     { "0001", 1 },   { "3604290107800001", 1 } };
    struct admin_world *w = *state;
    (void)put_person(w);
    for (size_t i = 0; i < COUNT_OF(asked); i++) {
        assert_true(world_ask(
            w, "list",
            json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "nik", asked[i].wanted)));
        assert_int_equal(world_rows(w), asked[i].rows);
    }
    assert_true(world_ask(w, "list",
                          json_pack("{s:s, s:{s:s}, s:b, s:s}", "collection", "orang", "find",
                                    "nik", "901078", "full", 1, "reason", "pemadanan")));
    assert_int_equal(world_rows(w), 1);
}

static void all_of_it_needs_a_reason(void **state)
{
    struct admin_world *w = *state;
    const char *id = put_person(w);
    world_refused(w, "usage", "show", json_pack("{s:s, s:b}", "id", id, "full", 1));
    world_refused(w, "usage", "show",
                  json_pack("{s:s, s:b, s:s}", "id", id, "full", 1, "reason", "..."));
    world_refused(w, "usage", "list", json_pack("{s:s, s:b}", "collection", "orang", "full", 1));
    world_refused(w, "usage", "export_begin",
                  json_pack("{s:s, s:b}", "collection", "orang", "full", 1));
    world_refused(w, "usage", "export_rows",
                  json_pack("{s:s, s:b}", "collection", "orang", "full", 1));
    assert_string_equal(text(logged(w, 0), "op"), "change"); /* nothing was shown */
}

static void a_locked_office_checks_its_log_and_tells_no_reason(void **state)
{
    struct admin_world *w = *state;
    const char *id = put_person(w);
    assert_true(world_ask(
        w, "show", json_pack("{s:s, s:b, s:s}", "id", id, "full", 1, "reason", "cocokkan KTP")));
    world_restart(w);
    assert_true(sound(w));
    json_t *row = logged(w, 0);
    assert_string_equal(text(row, "op"), "look");
    assert_string_equal(text(row, "id"), id);
    assert_string_equal(text(row, "what"), "");
    assert_string_equal(text(row, "reason"), "");
    assert_true(world_unlock(w));
    assert_string_equal(text(logged(w, 0), "reason"), "cocokkan KTP");
}

static void damage(struct admin_world *w, const char *sql)
{
    assert_int_equal(db_exec(&w->o.store->db, sql), OK);
}

static void whoever_touches_the_log_is_found(void **state)
{
    struct admin_world *w = *state;
    static const char *const touches[][3] = {
        { "UPDATE access SET name = 'tuti' WHERE number = 2", "altered", "2" },
        { "UPDATE access SET count = -1 WHERE number = 2", "altered", "2" },
        { "UPDATE access SET note = x'00' WHERE number = 2", "altered", "2" },
        { "UPDATE access SET record = x'00' WHERE number = 1", "altered", "1" },
        { "DELETE FROM access WHERE number = 3", "missing", "3" },
        { "DELETE FROM access WHERE number = 4", "cut", "4" },
        { "UPDATE access SET number = 9 - number", "missing", "1" },
        { "UPDATE access_end SET last = 3", "added", "4" },
    };
    const char *id = put_person(w);
    for (unsigned i = 0; i < 3; i++)
        assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id)));
    damage(w, "CREATE TEMP TABLE kept AS SELECT * FROM access");
    damage(w, "CREATE TEMP TABLE kept_end AS SELECT * FROM access_end");
    for (size_t i = 0; i < COUNT_OF(touches); i++) {
        assert_true(sound(w));
        damage(w, touches[i][0]);
        assert_false(sound(w));
        assert_string_equal(world_text(w, "fault"), touches[i][1]);
        assert_int_equal(world_number(w, "at"), atoi(touches[i][2]));
        damage(w, "DELETE FROM access; INSERT INTO access SELECT * FROM kept; "
                  "DELETE FROM access_end; INSERT INTO access_end SELECT * FROM kept_end");
    }
}

static void what_cannot_be_written_down_is_not_shown(void **state)
{
    struct admin_world *w = *state;
    const char *id = put_person(w);
    unsigned looks = 0;
    damage(w, "PRAGMA max_page_count = 1"); /* what there is, and no page more */
    while (looks < 2000 && world_ask(w, "show", json_pack("{s:s}", "id", id)))
        looks++;
    assert_in_range(looks, 1, 1999);
    assert_string_equal(world_text(w, "code"), "full");
    assert_null(json_object_get(w->answer, "done"));
    while (world_ask(w, "list", json_pack("{s:s}", "collection", "orang")))
        looks++;
    assert_string_equal(world_text(w, "code"), "full");
    assert_int_equal(world_rows(w), 0);
    damage(w, "PRAGMA max_page_count = 1000000");
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", id)));
    assert_true(sound(w));
}

/* A year and more of changes, all in one commit, then one of today. */
static void old_rows_go_and_the_chain_goes_on(void **state)
{
    struct admin_world *w = *state;
    struct node_store *store = w->o.store;
    uint8_t raw[256];
    struct writer out = writer_of(raw, sizeof raw);
    struct access_check check;
    const uint64_t extra = ACCESS_TRIM_LEAST + 500;
    change_encode(&(struct change){ .op = OP_CREATE,
                                    .collection = bytes_text("orang"),
                                    .record = crypto_uuid7(OFFICE_WALL_MS),
                                    .fields = bytes_text("\x80") },
                  &out);
    const struct queue_change first = { .raw = writer_bytes(&out) };
    struct queue_entry entry = { .changes = &first, .change_count = 1 };
    assert_int_equal(node_begin(store), OK);
    for (uint64_t i = 0; i < ACCESS_ROWS_MIN + extra; i++) {
        entry.wall_ms = 1000 + i;
        assert_int_equal(node_access_changes(store, &entry, 1), OK);
        scratch_clear(&store->scratch);
    }
    assert_int_equal(node_end(store, OK), OK);
    assert_int_equal(node_store_access_check(store, &check), OK);
    assert_int_equal(check.fault, ACCESS_SOUND);
    assert_int_equal(check.end.first, 0);
    (void)put_person(w);
    assert_int_equal(node_store_access_check(store, &check), OK);
    assert_int_equal(check.fault, ACCESS_SOUND);
    assert_int_equal(check.end.first, extra);
    assert_int_equal(check.end.last, ACCESS_ROWS_MIN + extra + 2); /* the trimming, the change */
    assert_string_equal(text(logged(w, 1), "op"), "trim");
    damage(w, "DELETE FROM access WHERE number = (SELECT min(number) FROM access)");
    assert_false(sound(w));
    assert_string_equal(world_text(w, "fault"), "missing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_ready, world_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(changes_and_looks_are_logged_with_who_what_and_why),
        TEST(lists_mask_and_the_whole_value_still_finds),
        TEST(nobody_finds_by_what_few_may_see),
        TEST(a_number_is_not_found_digit_by_digit),
        TEST(all_of_it_needs_a_reason),
        TEST(a_locked_office_checks_its_log_and_tells_no_reason),
        TEST(whoever_touches_the_log_is_found),
        TEST(what_cannot_be_written_down_is_not_shown),
        TEST(old_rows_go_and_the_chain_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
