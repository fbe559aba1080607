/* Rows of a file through the admin socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/node_world.h"

#define FILE_HASH "aa000000000000000000000000000000000000000000000000000000000000bb"
#define REQUEST_1 "0191f0c2-0000-8000-8000-000000000001"
#define REQUEST_2 "0191f0c2-0000-8000-8000-000000000002"

static json_t *row(int line, const char *name, const char *nik)
{
    json_t *fields = json_pack("{s:s, s:s}", "kec", OFFICE_NODE, "nama", name);
    if (nik != NULL)
        json_object_set_new(fields, "nik", json_string(nik));
    return json_pack("{s:i, s:o}", "line", line, "fields", fields);
}

/* Takes `rows`. */
static json_t *rows_args(const char *request, json_t *rows)
{
    return json_pack("{s:s, s:s, s:o, s:s?}", "file_hash", FILE_HASH, "collection", "orang", "rows",
                     rows, "request", request);
}

/* As rows_args, of another file. */
static json_t *other_file(const char *request, char last, json_t *rows)
{
    char hash[] = FILE_HASH;
    json_t *args = rows_args(request, rows);
    hash[sizeof hash - 2] = last;
    json_object_set_new(args, "file_hash", json_string(hash));
    return args;
}

static json_t *dry(json_t *args)
{
    json_object_del(args, "request");
    json_object_set_new(args, "dry", json_true());
    return args;
}

static json_t *three_rows(void)
{
    return json_pack("[o, o, o]", row(2, "Maimunah", "3604294107800017"), row(3, "Aminah", "123"),
                     row(4, "Budi", NULL));
}

static size_t records(struct admin_world *w)
{
    assert_true(world_ask(w, "list", json_pack("{s:s, s:i}", "collection", "orang", "max", 1000)));
    return world_rows(w);
}

static json_int_t line_of(struct admin_world *w)
{
    assert_true(world_ask(
        w, "import_begin",
        json_pack("{s:s, s:s, s:[]}", "file_hash", FILE_HASH, "collection", "orang", "columns")));
    return world_number(w, "line");
}

static const char *text(struct admin_world *w, size_t index, const char *key)
{
    const char *value = json_string_value(json_object_get(world_row(w, index), key));
    return value != NULL ? value : "";
}

static uint64_t highest(struct admin_world *w, enum lane lane)
{
    struct node_lane row_of;
    assert_int_equal(node_store_lane(w->o.store, lane, &row_of), OK);
    return row_of.highest;
}

static void columns_are_found_by_name_label_and_look_up(void **state)
{
    struct admin_world *w = *state;
    static const char *const expect[] = { "nama", "nik", "rumah.kk", "rumah.kk",
                                          NULL,   NULL,  NULL,       "kec" };
    assert_true(
        world_ask(w, "import_begin",
                  json_pack("{s:s, s:s, s:[s, s, s, s, s, s, s, s]}", "file_hash", FILE_HASH,
                            "collection", "Orang", "columns", "NAMA LENGKAP", "nik", "rumah.kk",
                            "Rumah.No KK", "hantu", "rumah.kec", "skor", " kec ")));
    assert_int_equal(world_number(w, "line"), 0);
    json_t *columns = json_object_get(world_done(w), "columns");
    assert_int_equal(json_array_size(columns), COUNT_OF(expect));
    for (size_t i = 0; i < COUNT_OF(expect); i++) {
        json_t *field = json_object_get(json_array_get(columns, i), "field");
        if (expect[i] == NULL)
            assert_true(json_is_null(field));
        else
            assert_string_equal(json_string_value(field), expect[i]);
    }
    world_refused(w, "usage", "import_begin",
                  json_pack("{s:s, s:s}", "file_hash", "x", "collection", "orang"));
    world_refused(w, "usage", "import_begin",
                  json_pack("{s:s, s:s, s:[i]}", "file_hash", FILE_HASH, "collection", "orang",
                            "columns", 1));
}

static void good_rows_are_stored_and_bad_ones_come_back(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w, LANE_BULK);
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, three_rows())));
    assert_int_equal(world_number(w, "accepted"), 2);
    assert_int_equal(world_number(w, "rejected"), 1);
    assert_int_equal(world_number(w, "line"), 4);
    assert_int_equal(world_rows(w), 1);
    assert_int_equal(json_integer_value(json_object_get(world_row(w, 0), "line")), 3);
    assert_string_equal(text(w, 0, "code"), "nik");
    assert_string_equal(text(w, 0, "field"), "nik");
    assert_true(strlen(text(w, 0, "rule")) > 0 && strlen(text(w, 0, "remedy")) > 0);
    assert_int_equal(highest(w, LANE_BULK), before + 1); /* one transaction, one sync */
    assert_int_equal(records(w), 2);
    assert_int_equal(line_of(w), 4);
}

static void a_repeat_gets_the_same_answer_and_enters_nothing_twice(void **state)
{
    struct admin_world *w = *state;
    for (unsigned i = 0; i < 3; i++) {
        assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, three_rows())));
        assert_int_equal(world_number(w, "accepted"), 2);
        assert_int_equal(world_rows(w),
                         1); /* the refusals too: they may not have reached the file */
        assert_string_equal(text(w, 0, "code"), "nik");
        assert_int_equal(records(w), 2);
        world_restart(w);
        assert_true(world_unlock(w));
    }
}

static void rows_that_were_dealt_with_are_passed_over(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, three_rows())));
    json_t *rows = three_rows();
    json_array_append_new(rows, row(5, "Cecep", NULL));
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_2, rows))); /* other batches now */
    assert_int_equal(world_number(w, "accepted"), 1);
    assert_int_equal(records(w), 3);
    assert_int_equal(line_of(w), 5);
}

static void a_batch_that_is_refused_whole_keeps_progress_and_answer(void **state)
{
    struct admin_world *w = *state;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t before = highest(w, LANE_BULK);
        assert_true(world_ask(
            w, "import_rows",
            rows_args(REQUEST_1, json_pack("[o, o]", row(2, "Maimunah", "1"), row(3, "", NULL)))));
        assert_int_equal(world_number(w, "accepted"), 0);
        assert_int_equal(world_number(w, "rejected"), 2);
        assert_int_equal(world_rows(w), 2);
        assert_string_equal(text(w, 1, "code"), "required");
        assert_int_equal(highest(w, LANE_BULK), before);
        assert_int_equal(line_of(w), 3);
        world_restart(w);
        assert_true(world_unlock(w));
    }
}

static void look_up_columns_find_exactly_one_record(void **state)
{
    struct admin_world *w = *state;
    char family[40];
    for (unsigned i = 0; i < 3; i++) /* the second number stands twice */
        assert_true(world_ask(w, "put",
                              json_pack("{s:s, s:{s:s, s:s}}", "collection", "keluarga", "fields",
                                        "kec", OFFICE_NODE, "kk",
                                        i == 0 ? "3604290112090001" : "3604290112090002")));
    assert_true(world_ask(
        w, "list",
        json_pack("{s:s, s:{s:s}}", "collection", "keluarga", "find", "kk", "3604290112090001")));
    snprintf(family, sizeof family, "%s", text(w, 0, "id"));
    json_t *rows = json_pack("[o, o, o, o]", row(2, "Maimunah", NULL), row(3, "Aminah", NULL),
                             row(4, "Budi", NULL), row(5, "Cecep", NULL));
    static const char *const kk[] = { "3604290112090001", "3604290112090002", "3604290112090009",
                                      "36" };
    for (size_t i = 0; i < COUNT_OF(kk); i++)
        json_object_set_new(json_object_get(json_array_get(rows, i), "fields"), "rumah.kk",
                            json_string(kk[i]));
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, rows)));
    assert_int_equal(world_number(w, "accepted"), 1);
    assert_int_equal(world_rows(w), 3);
    assert_string_equal(text(w, 0, "code"), "ambiguous");
    assert_non_null(strstr(text(w, 0, "rule"), "2 × Keluarga"));
    assert_string_equal(text(w, 0, "field"), "rumah.kk");
    assert_string_equal(text(w, 1, "code"), "reference");
    assert_non_null(strstr(text(w, 1, "rule"), "0 × Keluarga"));
    assert_string_equal(text(w, 2, "code"), "kk");
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", text(w, 0, "id"))));
    size_t index;
    json_t *field;
    bool found = false;
    json_array_foreach(json_object_get(world_done(w), "fields"), index, field) {
        if (strcmp(json_string_value(json_object_get(field, "name")), "rumah") != 0)
            continue;
        found = true;
        assert_string_equal(json_string_value(json_object_get(field, "value")), family);
    }
    assert_true(found);
}

static void a_full_batch_is_one_transaction(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w, LANE_BULK);
    json_t *rows = json_array();
    for (int i = 0; i < IMPORT_ROWS_MAX; i++)
        json_array_append_new(rows, row(i + 2, "Maimunah", i % 50 == 7 ? "x" : NULL));
    json_t *args = rows_args(REQUEST_1, rows);
    json_object_set_new(args, "lane", json_string("bulk"));
    assert_true(world_ask(w, "import_rows", args));
    assert_int_equal(world_number(w, "rejected"), 5);
    assert_int_equal(world_number(w, "accepted"), IMPORT_ROWS_MAX - 5);
    for (size_t i = 1; i < world_rows(w); i++)
        assert_true(json_integer_value(json_object_get(world_row(w, i), "line")) >
                    json_integer_value(json_object_get(world_row(w, i - 1), "line")));
    assert_int_equal(highest(w, LANE_BULK), before + 1);
    assert_int_equal(records(w), IMPORT_ROWS_MAX - 5);
}

static void many_long_refusals_still_have_room(void **state)
{
    struct admin_world *w = *state;
    char unknown[200];
    memset(unknown, '"', sizeof unknown - 1);
    unknown[sizeof unknown - 1] = '\0';
    json_t *rows = json_array();
    for (int i = 0; i < IMPORT_ROWS_MAX; i++) {
        json_t *item = row(i + 2, "Maimunah", NULL);
        json_object_set_new(json_object_get(item, "fields"), unknown, json_string("x"));
        json_array_append_new(rows, item);
    }
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, rows)));
    assert_int_equal(world_number(w, "rejected"), IMPORT_ROWS_MAX);
    assert_int_equal(world_rows(w), IMPORT_ROWS_MAX);
}

static void bad_requests_store_nothing(void **state)
{
    struct admin_world *w = *state;
    world_refused(w, "limit", "import_rows", rows_args(REQUEST_1, json_array()));
    world_refused(w, "usage", "import_rows", rows_args(REQUEST_1, json_pack("[i]", 3)));
    world_refused(w, "usage", "import_rows",
                  rows_args(REQUEST_1,
                            json_pack("[o, o]", row(3, "Maimunah", NULL), row(2, "Aminah", NULL))));
    world_refused(w, "usage", "import_rows",
                  rows_args("x", json_pack("[o]", row(2, "Maimunah", NULL))));
    assert_int_equal(records(w), 0);
    assert_int_equal(line_of(w), 0);
    (void)world_put(w, "Maimunah");
    world_restart(w);
    world_refused(w, "locked", "import_rows", rows_args(REQUEST_1, three_rows()));
}

static void a_request_of_another_command_is_not_mistaken(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s}, s:s}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Maimunah", "request", REQUEST_1)));
    world_refused(w, "state", "import_rows", rows_args(REQUEST_1, three_rows()));
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_2, three_rows())));
    world_refused(w, "state", "put",
                  json_pack("{s:s, s:{s:s, s:s}, s:s}", "collection", "orang", "fields", "kec",
                            OFFICE_NODE, "nama", "Maimunah", "request", REQUEST_2));
}

/* ---- the ledger */

static void counts(struct admin_world *w, json_int_t accepted, json_int_t known,
                   json_int_t rejected)
{
    assert_int_equal(world_number(w, "accepted"), accepted);
    assert_int_equal(world_number(w, "known"), known);
    assert_int_equal(world_number(w, "rejected"), rejected);
}

static void a_corrected_file_adds_only_what_is_new(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, three_rows())));
    counts(w, 2, 0, 1);
    world_restart(w);
    assert_true(world_unlock(w));
    /* Other lines, the mended row, a new one; what was refused was not noted as entered. */
    json_t *rows =
        json_pack("[o, o, o, o]", row(7, "Budi", NULL), row(8, "Aminah", "3604294107800018"),
                  row(9, "Maimunah", "3604294107800017"), row(10, "Cecep", NULL));
    assert_true(world_ask(w, "import_rows", other_file(REQUEST_2, '1', rows)));
    counts(w, 2, 2, 0);
    assert_int_equal(records(w), 4);
    /* A known row, told otherwise: a default that is named, a blank, another order of columns. */
    rows = json_pack("[{s:i, s:{s:s, s:s, s:s}}]", "line", 2, "fields", "Nama lengkap", " Budi ",
                     "nik", "", "kec", OFFICE_NODE);
    assert_true(world_ask(w, "import_rows", other_file(NULL, '2', rows)));
    counts(w, 0, 1, 0);
    /* One value differs: another row. */
    assert_true(world_ask(w, "import_rows",
                          other_file(NULL, '3', json_pack("[o]", row(2, "Budi S", NULL)))));
    counts(w, 1, 0, 0);
    assert_int_equal(records(w), 5);
}

static void rows_that_are_alike_are_as_many_as_the_file_has(void **state)
{
    struct admin_world *w = *state;
    json_t *twice = json_pack("[o, o]", row(2, "Ani", NULL), row(3, "Ani", NULL));
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, twice)));
    counts(w, 2, 0, 0);
    assert_int_equal(world_number(w, "alike"), 1);
    /* In batches of another file, with the work of a third one in between: three of them. */
    assert_true(
        world_ask(w, "import_rows", other_file(NULL, '1', json_pack("[o]", row(2, "Ani", NULL)))));
    counts(w, 0, 1, 0);
    assert_true(
        world_ask(w, "import_rows", other_file(NULL, '2', json_pack("[o]", row(2, "Ani", NULL)))));
    counts(w, 0, 1, 0);
    assert_true(
        world_ask(w, "import_rows", other_file(NULL, '1', json_pack("[o]", row(3, "Ani", NULL)))));
    counts(w, 0, 1, 0);
    assert_true(
        world_ask(w, "import_rows", other_file(NULL, '1', json_pack("[o]", row(4, "Ani", NULL)))));
    counts(w, 1, 0, 0);
    assert_int_equal(records(w), 3);
    assert_true(
        world_ask(w, "import_rows", other_file(NULL, '2', json_pack("[o]", row(3, "Ani", NULL)))));
    counts(w, 0, 1, 0);
}

static void records_that_say_the_same_are_known_without_a_ledger(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s, s:s}}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Ani", "umur", "40")));
    (void)world_put(w, "Budi");
    json_t *rows = json_pack("[o, o, o, o]", row(2, "Ani", NULL), row(3, "Budi", NULL),
                             row(4, "Budi", NULL), row(5, "Budi", "3604294107800017"));
    assert_true(world_ask(w, "import_rows", dry(rows_args(REQUEST_1, json_deep_copy(rows)))));
    counts(w, 3, 1, 0); /* of Ani the record says more */
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, rows)));
    counts(w, 3, 1, 0);
    /* Too many of one name to be compared: nothing is left out. */
    rows = json_array();
    for (int i = 0; i < 40; i++)
        json_array_append_new(rows, row(i + 2, "Euis", NULL));
    assert_true(world_ask(w, "import_rows", other_file(NULL, '1', rows)));
    counts(w, 40, 0, 0);
}

static void a_check_says_the_same_and_stores_nothing(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w, LANE_BULK);
    for (unsigned i = 0; i < 2; i++) {
        assert_true(world_ask(w, "import_rows", dry(rows_args(REQUEST_1, three_rows()))));
        counts(w, 2, 0, 1);
        assert_int_equal(world_rows(w), 1);
        assert_string_equal(text(w, 0, "code"), "nik");
    }
    assert_int_equal(records(w), 0);
    assert_int_equal(line_of(w), 0);
    assert_int_equal(highest(w, LANE_BULK), before);
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, three_rows())));
    counts(w, 2, 0, 1);
    assert_true(world_ask(w, "import_rows", dry(other_file(NULL, '1', three_rows()))));
    counts(w, 0, 2, 1);
    /* Numbers that people see have no gap for what was checked or refused. */
    assert_true(world_ask(
        w, "list", json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "nama", "Budi")));
    assert_string_equal(text(w, 0, "short"), "29-0002");
}

static void rows_do_not_name_each_other_and_unknown_areas_are_guessed_for_the_person(void **state)
{
    struct admin_world *w = *state;
    json_t *rows =
        json_pack("[o, o, o]", row(2, "Ani", NULL), row(3, "Budi", NULL), row(4, "Cecep", NULL));
    json_object_set_new(json_object_get(json_array_get(rows, 1), "fields"), "rumah",
                        json_string("$1"));
    json_object_set_new(json_object_get(json_array_get(rows, 2), "fields"), "kec",
                        json_string("36.4.29"));
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, rows)));
    counts(w, 1, 0, 2);
    assert_string_equal(text(w, 0, "code"), "reference");
    assert_string_equal(text(w, 1, "code"), "zeros");
    assert_non_null(strstr(text(w, 1, "rule"), OFFICE_NODE));
}

/* ---- exports */

static const char *cell(struct admin_world *w, size_t index, size_t at)
{
    const json_t *value = json_array_get(json_object_get(world_row(w, index), "cells"), at);
    return json_is_string(value) ? json_string_value(value) : "";
}

/* The row of an export as the fields of an import. */
static json_t *imported(const json_t *columns, const json_t *cells, int line)
{
    json_t *fields = json_object();
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *name = json_object_get(json_array_get(columns, i), "name");
        json_t *value = json_array_get(cells, i);
        if (json_is_string(value))
            json_object_set(fields, json_string_value(name), value);
    }
    return json_pack("{s:i, s:o}", "line", line, "fields", fields);
}

static void what_was_exported_goes_back_in_and_adds_nothing(void **state)
{
    struct admin_world *w = *state;
    char family[40];
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s}}", "collection", "keluarga", "fields",
                                    "kec", OFFICE_NODE, "kk", "3604290112090001")));
    snprintf(family, sizeof family, "%s", world_text(w, "id"));
    assert_true(
        world_ask(w, "put",
                  json_pack("{s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}}", "collection",
                            "orang", "fields", "kec", OFFICE_NODE, "nama", "=Ani, \"x\"", "rumah",
                            family, "rahasia", "tahu", "catatan", "a|b\\|c", "ukuran",
                            "lantai=tanah|milik=12", "aktif", "ya", "jk", "X")));
    (void)world_put(w, "Budi");
    (void)world_put(w, "Budi");
    for (unsigned full = 0; full < 2; full++) {
        assert_true(world_ask(w, "export_begin",
                              json_pack("{s:s, s:b, s:s}", "collection", "Orang", "full", (int)full,
                                        "reason", "laporan")));
        json_t *columns = json_incref(json_object_get(world_done(w), "columns"));
        /* jk holds a restricted code, rahasia is restricted, riwayat specific; status and skor are
         * not ours. */
        assert_int_equal(json_array_size(columns), full ? 12 : 10);
        assert_int_equal(json_array_size(json_object_get(world_done(w), "left_out")), full ? 0 : 2);
        assert_true(world_ask(w, "export_rows",
                              json_pack("{s:s, s:b, s:s}", "collection", "orang", "full", (int)full,
                                        "reason", "laporan")));
        assert_int_equal(world_rows(w), 3);
        assert_int_equal(world_number(w, "hidden"), full ? 0 : 1);
        assert_true(json_is_true(json_object_get(world_done(w), "noted")));
        assert_true(json_is_false(json_object_get(world_done(w), "more")));
        assert_string_equal(cell(w, 0, json_array_size(columns) - 1), "3604290112090001");
        json_t *rows = json_array();
        for (size_t i = 0; i < 3; i++)
            json_array_append_new(
                rows, imported(columns, json_object_get(world_row(w, i), "cells"), (int)i + 2));
        assert_true(world_ask(w, "import_rows", other_file(NULL, full ? '1' : '2', rows)));
        counts(w, 0, 3, 0);
        json_decref(columns);
    }
    assert_int_equal(records(w), 3);
    /* A third Budi is new. */
    json_t *rows = json_array();
    for (int i = 0; i < 3; i++)
        json_array_append_new(rows, row(i + 2, "Budi", NULL));
    assert_true(world_ask(w, "import_rows", other_file(NULL, '3', rows)));
    counts(w, 1, 2, 0);
}

static void a_reference_that_cannot_be_looked_up_is_written_as_an_id(void **state)
{
    struct admin_world *w = *state;
    char family[2][40];
    for (unsigned i = 0; i < 2; i++) {
        assert_true(world_ask(w, "put",
                              json_pack("{s:s, s:{s:s, s:s}}", "collection", "keluarga", "fields",
                                        "kec", OFFICE_NODE, "kk", "3604290112090002")));
        snprintf(family[i], sizeof family[i], "%s", world_text(w, "id"));
    }
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s, s:s}}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Ani", "rumah", family[1])));
    assert_true(world_ask(w, "export_rows", json_pack("{s:s}", "collection", "orang")));
    assert_string_equal(cell(w, 0, 9), family[1]);
    json_t *rows = json_pack("[o, o]", row(2, "Ani", NULL), row(3, "Budi", NULL));
    for (size_t i = 0; i < 2; i++)
        json_object_set_new(json_object_get(json_array_get(rows, i), "fields"), "rumah.kk",
                            json_string(family[1]));
    assert_true(world_ask(w, "import_rows", rows_args(REQUEST_1, rows)));
    counts(w, 1, 1, 0);
}

static void exports_come_in_pages(void **state)
{
    struct admin_world *w = *state;
    char after[40] = "";
    size_t seen = 0;
    unsigned pages = 0;
    for (int i = 0; i < 3; i++) {
        json_t *rows = json_array();
        for (int j = 0; j < 200; j++)
            json_array_append_new(rows, row(i * 200 + j + 2, j % 2 ? "Ani" : "Budi", NULL));
        assert_true(world_ask(w, "import_rows", rows_args(NULL, rows)));
    }
    bool more = true;
    while (more) {
        json_t *args = json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "nama", "bud");
        if (after[0] != '\0')
            json_object_set_new(args, "after", json_string(after));
        assert_true(world_ask(w, "export_rows", args));
        for (size_t i = 0; i < world_rows(w); i++)
            assert_string_equal(cell(w, i, 1), "Budi");
        seen += world_rows(w);
        pages++;
        more = json_is_true(json_object_get(world_done(w), "more"));
        snprintf(after, sizeof after, "%s", world_text(w, "after"));
    }
    assert_int_equal(seen, 300);
    assert_int_equal(pages, 3);
    world_refused(w, "field", "export_rows",
                  json_pack("{s:s, s:{s:s}}", "collection", "orang", "find", "hantu", "x"));
    world_refused(w, "collection", "export_begin", json_pack("{s:s}", "collection", "hantu"));
}

int main(void)
{
#define READY(test) cmocka_unit_test_setup_teardown(test, world_ready, world_close)
    const struct CMUnitTest tests[] = {
        READY(columns_are_found_by_name_label_and_look_up),
        READY(good_rows_are_stored_and_bad_ones_come_back),
        READY(a_repeat_gets_the_same_answer_and_enters_nothing_twice),
        READY(rows_that_were_dealt_with_are_passed_over),
        READY(a_batch_that_is_refused_whole_keeps_progress_and_answer),
        READY(look_up_columns_find_exactly_one_record),
        READY(a_full_batch_is_one_transaction),
        READY(many_long_refusals_still_have_room),
        READY(bad_requests_store_nothing),
        READY(a_request_of_another_command_is_not_mistaken),
        READY(a_corrected_file_adds_only_what_is_new),
        READY(rows_that_are_alike_are_as_many_as_the_file_has),
        READY(records_that_say_the_same_are_known_without_a_ledger),
        READY(a_check_says_the_same_and_stores_nothing),
        READY(rows_do_not_name_each_other_and_unknown_areas_are_guessed_for_the_person),
        READY(what_was_exported_goes_back_in_and_adds_nothing),
        READY(a_reference_that_cannot_be_looked_up_is_written_as_an_id),
        READY(exports_come_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
