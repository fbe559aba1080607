/* Drafts that a person keeps: as typed, never sent, one command from a record. */
#include "tests/unit/draft_fixture.h"

/* ---- kept by a person */

static void what_is_refused_is_kept_as_typed_and_never_queued(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w);
    assert_true(put_text(w,
                         "{\"kec\":\"36.04.29\",\"Nama lengkap\":\"Maimunah Sakti\","
                         "\"umur\":\"27 s/d 40\",\"bukan_isian\":\"x\"}",
                         NULL));
    assert_string_equal(world_text(w, "draft"), "D-1");
    assert_true(strlen(world_text(w, "code")) > 0 && strlen(world_text(w, "rule")) > 0);
    assert_int_equal(highest(w), before);
    assert_int_equal(drafts(w), 1);
    assert_string_equal(row_text(w, 0, "draft"), "D-1");
    assert_string_equal(row_text(w, 0, "origin"), "kept");
    assert_string_equal(row_text(w, 0, "by"), "siti");
    assert_string_equal(row_text(w, 0, "collection"), "orang");
    assert_true(strlen(row_text(w, 0, "since")) > 0);
    assert_false(office_disk_holds(&w->o, bytes_text("Maimunah Sakti")));
    assert_false(office_disk_holds(&w->o, bytes_text("27 s/d 40")));
    /* Another start, the same draft. */
    world_restart(w);
    world_refused(w, "locked", "draft_list", NULL);
    assert_true(world_unlock(w));
    assert_true(show(w, "D-1"));
    assert_string_equal(value(w, 1, "umur"), "27 s/d 40");
    assert_string_equal(value(w, 1, "nama"), "Maimunah Sakti");
    assert_string_equal(value(w, 1, "bukan_isian"), "x");
    assert_true(has_problem(w, "umur", "number"));
    assert_true(has_problem(w, "bukan_isian", "field"));
    assert_int_equal(problems(w), 2);
    assert_int_equal(attention(w), 1);
    assert_int_equal(world_number(w, "drafts"), 1);
}

static void what_is_complete_is_entered_and_no_draft(void **state)
{
    struct admin_world *w = *state;
    assert_true(put_text(w, "{\"kec\":\"36.04.29\",\"nama\":\"Ani\"}", NULL));
    assert_string_equal(world_text(w, "short"), "29-0001");
    assert_int_equal(drafts(w), 0);
    /* A person who stops sends nothing, complete or not. */
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s}, s:s}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Budi", "draft", "only")));
    assert_string_equal(world_text(w, "draft"), "D-1");
    assert_true(show(w, "D-1"));
    assert_int_equal(problems(w), 0);
    world_refused(w, "usage", "put",
                  json_pack("{s:s, s:{}, s:s}", "collection", "orang", "fields", "draft", "x"));
}

static void a_repeat_of_the_request_keeps_one_draft(void **state)
{
    struct admin_world *w = *state;
    for (int i = 0; i < 3; i++) {
        assert_true(put_text(w, "{\"nama\":\"Ani\"}", REQUEST));
        assert_string_equal(world_text(w, "draft"), "D-1");
        assert_string_equal(world_text(w, "code"), "required");
        assert_string_equal(world_text(w, "field"), "kec");
    }
    assert_int_equal(drafts(w), 1);
}

static void all_that_is_missing_is_said_and_new_values_stay(void **state)
{
    struct admin_world *w = *state;
    assert_true(put_text(w, "{\"umur\":\"tua\",\"jk\":\"Q\"}", NULL));
    assert_false(send_draft(w, "D-1", "{\"umur\":\"200\",\"nik\":\"12\"}"));
    assert_true(has_problem(w, "kec", "required"));
    assert_true(has_problem(w, "nama", "required"));
    assert_true(has_problem(w, "umur", "range"));
    assert_true(has_problem(w, "jk", "code"));
    assert_true(has_problem(w, "nik", "nik"));
    assert_int_equal(problems(w), 5);
    assert_true(show(w, "D-1"));
    assert_string_equal(value(w, 1, "umur"), "200");
    assert_string_equal(value(w, 1, "nik"), "12");
    /* An empty value of a new record takes the field out, and so does null. */
    assert_true(
        with_fields(w, "draft_edit", "d-1", "{\"umur\":\"\",\"nik\":null,\"jk\":\"P\"}", NULL));
    assert_int_equal(problems(w), 2);
    assert_null(value(w, 1, "umur"));
    world_refused(w, "field", "draft_edit",
                  json_pack("{s:s, s:{s:s}}", "draft", "D-1", "fields", "tak_ada", "x"));
    world_refused(w, "usage", "draft_edit", json_pack("{s:s}", "draft", "D-1"));
    world_refused(w, "draft_gone", "draft_show", json_pack("{s:s}", "draft", "D-9"));
    world_refused(w, "draft_gone", "draft_show", json_pack("{s:s}", "draft", "29-0001"));
}

static void a_complete_draft_becomes_one_record_with_one_command(void **state)
{
    struct admin_world *w = *state;
    char id[40];
    assert_true(put_text(w, "{\"nama\":\"Ani\",\"umur\":\"tua\"}", NULL));
    uint64_t before = highest(w);
    for (int i = 0; i < 3; i++) {
        assert_true(
            with_fields(w, "draft_send", "D-1", "{\"kec\":\"36.04.29\",\"umur\":\"40\"}", REQUEST));
        assert_string_equal(world_text(w, "short"), "29-0001");
        if (i > 0)
            assert_string_equal(world_text(w, "id"), id);
        snprintf(id, sizeof id, "%s", world_text(w, "id"));
        assert_int_equal(highest(w), before + 1);
    }
    assert_int_equal(drafts(w), 0);
    assert_int_equal(attention(w), 0);
    world_refused(w, "draft_gone", "draft_send", json_pack("{s:s}", "draft", "D-1"));
    /* Numbers are never given twice. */
    assert_true(put_text(w, "{\"nama\":\"Budi\"}", NULL));
    assert_string_equal(world_text(w, "draft"), "D-2");
}

static void what_cannot_be_stored_leaves_the_draft(void **state)
{
    struct admin_world *w = *state;
    assert_true(put_text(w, "{\"nama\":\"Ani\"}", NULL));
    node_store_queue_limit(w->o.store, 1);
    assert_false(send_draft(w, "D-1", "{\"kec\":\"36.04.29\"}"));
    assert_string_equal(world_text(w, "code"), "limit");
    assert_true(json_is_true(json_object_get(world_done(w), "kept")));
    assert_true(show(w, "D-1"));
    assert_string_equal(value(w, 1, "kec"), "36.04.29");
    node_store_queue_limit(w->o.store, QUEUE_BYTES_MAX);
    assert_true(send_draft(w, "D-1", NULL));
    assert_int_equal(drafts(w), 0);
}

static void an_edit_is_kept_with_the_record_it_changes(void **state)
{
    struct admin_world *w = *state;
    const char *id = world_put(w, "Ani");
    assert_true(world_ask(w, "edit",
                          json_pack("{s:s, s:{s:s, s:s}, s:b}", "id", id, "fields", "umur", "tua",
                                    "status", "lama", "draft", 1)));
    assert_string_equal(world_text(w, "draft"), "D-1");
    assert_int_equal(drafts(w), 1);
    assert_string_equal(row_text(w, 0, "short"), "29-0001");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(world_row(w, 0), "summary"), "nama")),
        "Ani");
    assert_false(send_draft(w, "D-1", "{\"umur\":\"30\"}"));
    assert_string_equal(world_text(w, "code"), "authority");
    assert_true(send_draft(w, "D-1", "{\"status\":null}"));
    assert_string_equal(world_text(w, "id"), id);
}

static void an_applied_file_is_one_draft(void **state)
{
    struct admin_world *w = *state;
    json_t *changes = json_loads(
        "[{\"op\":\"create\",\"collection\":\"keluarga\",\"fields\":{\"kec\":\"36.04.29\","
        "\"kk\":\"12\",\"kepala\":\"$2\"}},{\"op\":\"create\",\"collection\":\"orang\","
        "\"fields\":{\"nama\":\"Ani\",\"rumah\":\"$1\"}}]",
        0, NULL);
    assert_true(world_ask(w, "apply", json_pack("{s:o, s:b}", "changes", changes, "draft", 1)));
    assert_true(show(w, "D-1"));
    assert_true(has_problem(w, "kk", "kk"));
    assert_true(has_problem(w, "kec", "required"));
    world_refused(w, "usage", "draft_send",
                  json_pack("{s:s, s:{s:s}}", "draft", "D-1", "fields", "kec", "36.04.29"));
    assert_true(send_draft(w, "D-1", "{\"1.kk\":\"3604290101900001\",\"2.kec\":\"36.04.29\"}"));
    assert_int_equal(json_array_size(json_object_get(world_done(w), "ids")), 2);
    assert_int_equal(drafts(w), 0);
}

static void drafts_have_limits_and_nothing_is_dropped(void **state)
{
    struct admin_world *w = *state;
    struct draft *draft = node_draft_new(1);
    const uint8_t *large = calloc(1, DRAFT_BYTES_MAX);
    assert_non_null(draft);
    assert_non_null(large);
    memset((void *)(uintptr_t)large, 'a', DRAFT_BYTES_MAX);
    draft->changes[0].op = OP_CREATE;
    draft->changes[0].collection = bytes_text("orang");
    for (unsigned i = 1; i <= DRAFTS_MAX; i++) {
        assert_int_equal(node_store_draft_next(w->o.store, &draft->number), OK);
        assert_int_equal(draft->number, i);
        assert_int_equal(node_store_draft_put(w->o.store, draft, NULL, bytes_of(NULL, 0)), OK);
    }
    assert_int_equal(node_store_draft_next(w->o.store, &draft->number), OK);
    assert_int_equal(node_store_draft_put(w->o.store, draft, NULL, bytes_of(NULL, 0)), ERR_LIMIT);
    assert_false(put_text(w, "{\"nama\":\"Ani\"}", NULL));
    assert_string_equal(world_text(w, "code"), "draft_full");
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(world_done(w), "refused"), "code")),
        "required");
    /* One that is there can still be mended, and room can be made. */
    assert_true(with_fields(w, "draft_edit", "D-7", "{\"nama\":\"Budi\"}", NULL));
    assert_true(world_ask(w, "draft_discard", json_pack("{s:s}", "draft", "D-8")));
    assert_true(put_text(w, "{\"nama\":\"Ani\"}", NULL));
    draft->number = 9;
    assert_int_equal(node_draft_set(draft, 0, bytes_text("nama"), bytes_of(large, DRAFT_BYTES_MAX)),
                     OK);
    assert_int_equal(node_store_draft_put(w->o.store, draft, NULL, bytes_of(NULL, 0)), ERR_LIMIT);
    free((void *)(uintptr_t)large);
    node_draft_close(&draft);
}

static void restricted_values_are_shown_and_never_listed(void **state)
{
    struct admin_world *w = *state;
    assert_true(put_text(w, "{\"nama\":\"Ani\",\"rahasia\":\"sakit\",\"jk\":\"Rahasia\"}", NULL));
    assert_int_equal(drafts(w), 1);
    const json_t *summary = json_object_get(world_row(w, 0), "summary");
    assert_non_null(json_object_get(summary, "nama"));
    assert_null(json_object_get(summary, "jk"));
    assert_null(json_object_get(summary, "rahasia"));
    assert_true(show(w, "D-1"));
    assert_string_equal(value(w, 1, "rahasia"), "sakit");
}

int main(void)
{
#define READY(test) cmocka_unit_test_setup_teardown(test, world_ready, world_close)
    const struct CMUnitTest tests[] = {
        READY(what_is_refused_is_kept_as_typed_and_never_queued),
        READY(what_is_complete_is_entered_and_no_draft),
        READY(a_repeat_of_the_request_keeps_one_draft),
        READY(all_that_is_missing_is_said_and_new_values_stay),
        READY(a_complete_draft_becomes_one_record_with_one_command),
        READY(what_cannot_be_stored_leaves_the_draft),
        READY(an_edit_is_kept_with_the_record_it_changes),
        READY(an_applied_file_is_one_draft),
        READY(drafts_have_limits_and_nothing_is_dropped),
        READY(restricted_values_are_shown_and_never_listed),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
