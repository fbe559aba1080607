/* What a person sees of work that waits for a decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hub/hub_admin_inside.h"
#include "proto/mask.h"
#include "proto/value.h"
#include "tests/support/hub_fixture.h"

#define JULY_MS UINT64_C(1785000000000) /* 2026-07-25: after the term of OPERATOR_LATE */
#define Y2000_MS UINT64_C(946684800000)

static struct fixture f;
static struct hub_daemon daemon_now;
static struct hub_admin admin = { .daemon = &daemon_now };
static json_t *rows, *whole;

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(rows);
    json_decref(whole);
    rows = whole = NULL;
    fixture_close(&f);
    return 0;
}

static void read_rows(void)
{
    daemon_now.store = f.store;
    json_decref(rows);
    rows = NULL;
    assert_int_equal(hub_review_rows(&admin, LANG_EN, &rows), OK);
}

static void read_whole(const struct hash *leaf)
{
    char hex[2 * HASH_BYTES + 1];
    crypto_hex(bytes_hash(leaf), hex);
    daemon_now.store = f.store;
    json_decref(whole);
    whole = NULL;
    assert_int_equal(hub_review_whole(&admin, LANG_EN, hex, &whole), OK);
}

static const char *row_text(size_t at, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(rows, at), key));
    return text != NULL ? text : "";
}

static const json_t *field_of(size_t change, const char *name)
{
    const json_t *fields =
        json_object_get(json_array_get(json_object_get(whole, "changes"), change), "fields");
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        if (strcmp(json_string_value(json_object_get(field, "name")), name) == 0)
            return field;
    }
    return NULL;
}

static struct sent kept(uint32_t op, uint64_t claimed_ms, struct id *ret_id)
{
    struct draft *d = draft_new(&f, NODE_A, op);
    *ret_id = fixture_id(&f);
    d->claimed_ms = claimed_ms;
    d->short_number = 417;
    draft_create(d, "person", ret_id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani"),
                        V_TEXT("secret", "hidden words")));
    return fixture_send(d);
}

static void the_list_tells_the_record_its_author_and_why(void **state)
{
    (void)state;
    struct id id;
    char text[UUID_TEXT_BYTES];
    (void)kept(OPERATOR_LATE, JULY_MS, &id);
    read_rows();
    assert_int_equal(json_array_size(rows), 1);
    uuid_to_text(&id, text);
    assert_string_equal(row_text(0, "id"), text);
    assert_string_equal(row_text(0, "short"), "29-0417");
    assert_string_equal(row_text(0, "collection"), "person");
    assert_string_equal(row_text(0, "op"), "create");
    assert_string_equal(row_text(0, "operator_name"), "person 5");
    assert_string_equal(row_text(0, "reason"), "term_ended");
    assert_true(strlen(row_text(0, "reason_text")) > 10);
    assert_true(strlen(row_text(0, "since")) > 10);
}

static void every_value_is_shown_but_what_few_may_see(void **state)
{
    (void)state;
    struct id id;
    struct sent sent = kept(OPERATOR_LATE, JULY_MS, &id);
    read_whole(&sent.leaf);
    assert_string_equal(json_string_value(json_object_get(field_of(0, "name"), "value")), "Ani");
    assert_non_null(field_of(0, "secret")); /* that it is there, not what */
    char *all = json_dumps(whole, 0);
    assert_null(strstr(all, "hidden words"));
    free(all);
    read_rows();
    all = json_dumps(rows, 0);
    assert_null(strstr(all, "hidden words"));
    free(all);
}

static void a_change_is_shown_beside_what_stands(void **state)
{
    (void)state;
    struct id id;
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    id = fixture_id(&f);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani")));
    struct sent made = fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_LATE);
    d->claimed_ms = JULY_MS;
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_TEXT("name", "Ana")));
    struct sent sent = fixture_send(d);
    read_whole(&sent.leaf);
    assert_string_equal(json_string_value(json_object_get(field_of(0, "name"), "value")), "Ana");
    assert_string_equal(json_string_value(json_object_get(field_of(0, "name"), "now")), "Ani");
    char hex[2 * HASH_BYTES + 1];
    json_t *none = NULL;
    crypto_hex(bytes_hash(&made.leaf), hex); /* merged: it does not wait */
    assert_int_equal(hub_review_whole(&admin, LANG_EN, hex, &none), ERR_NOT_FOUND);
}

static void a_clock_that_cannot_be_right_is_named(void **state)
{
    (void)state;
    uint8_t space[128];
    struct id id;
    struct writer ops = writer_of(space, sizeof(space));
    f.statement_ms = JULY_MS;
    trust_op_operator_until(&ops, OPERATOR_A, "SK 3", "2030-12-31");
    fixture_trust(&f, 1, writer_bytes(&ops));
    (void)kept(OPERATOR_LATE, Y2000_MS, &id);
    read_rows();
    assert_int_equal(json_array_size(rows), 1);
    assert_non_null(strstr(row_text(0, "doubt"), "2000-01-01"));
    assert_non_null(strstr(row_text(0, "doubt"), "2026-07-26"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_list_tells_the_record_its_author_and_why),
        TEST(every_value_is_shown_but_what_few_may_see),
        TEST(a_change_is_shown_beside_what_stands),
        TEST(a_clock_that_cannot_be_right_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
