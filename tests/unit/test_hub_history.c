/* What the hub tells of one record's past. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hub/hub_admin_inside.h"
#include "proto/value.h"
#include "tests/support/hub_fixture.h"

static struct fixture f;
static struct hub_daemon daemon_now;
static struct hub_admin admin = { .daemon = &daemon_now };
static json_t *rows;

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
    rows = NULL;
    fixture_close(&f);
    return 0;
}

static void read_history(const struct id *record)
{
    char text[UUID_TEXT_BYTES];
    daemon_now.store = f.store;
    uuid_to_text(record, text);
    json_decref(rows);
    rows = json_array();
    assert_int_equal(hub_history(&admin, text,
                                 policy_collection(hub_store_policy(f.store), bytes_text("person")),
                                 LANG_EN, rows),
                     OK);
}

static const char *row_text(size_t at, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(rows, at), key));
    return text != NULL ? text : "";
}

static const json_t *row_field(size_t at, const char *name)
{
    return json_object_get(json_object_get(json_array_get(rows, at), "fields"), name);
}

static struct sent person_new(struct id *ret_id, const struct value *values, size_t count)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    *ret_id = fixture_id(&f);
    draft_create(d, "person", ret_id, values, count);
    return fixture_send(d);
}

static void each_row_tells_when_who_what_and_which_fields(void **state)
{
    (void)state;
    struct id id, other;
    struct sent made = person_new(&id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Siti")));
    /* A change that is not the first of its transaction. */
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    other = fixture_id(&f);
    (void)person_new(&other, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani")));
    draft_update(d, "person", &other, base_rev(made.number), VALUES(V_INT("age", 7)));
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", 41)));
    (void)fixture_send(d);
    read_history(&id);
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(row_text(0, "op"), "create");
    assert_string_equal(row_text(0, "node"), f.nodes[NODE_A].name);
    assert_string_equal(row_text(0, "operator_name"), "person 1");
    assert_string_equal(row_text(0, "disposition"), "accepted");
    assert_true(strlen(row_text(0, "claimed")) > 10);
    assert_int_equal(json_object_size(json_object_get(json_array_get(rows, 0), "fields")), 2);
    assert_string_equal(json_string_value(row_field(0, "name")), "Siti");
    assert_string_equal(row_text(1, "op"), "update");
    assert_string_equal(row_text(1, "node"), f.nodes[NODE_D].name);
    assert_string_equal(row_text(1, "operator_name"), "person 3");
    assert_string_equal(json_string_value(row_field(1, "age")), "41");
    assert_null(row_field(1, "name"));
}

static void restricted_values_are_named_but_never_told(void **state)
{
    (void)state;
    struct id id;
    (void)person_new(&id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Siti"),
                                 V_TEXT("secret", "hidden words"), V_TEXT("kind", "shut")));
    read_history(&id);
    assert_int_equal(json_array_size(rows), 1);
    assert_string_equal(row_text(0, "disposition"), "accepted");
    assert_true(json_is_null(row_field(0, "secret")));
    assert_true(json_is_null(row_field(0, "kind")));
    assert_string_equal(json_string_value(row_field(0, "name")), "Siti");
    char *all = json_dumps(rows, 0);
    assert_null(strstr(all, "hidden words"));
    free(all);
}

static void a_refused_change_tells_its_fields_and_why(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(&id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Siti")));
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_TEXT("verdict", "yes")));
    (void)fixture_send(d);
    read_history(&id);
    assert_int_equal(json_array_size(rows), 2);
    assert_string_equal(row_text(1, "disposition"), "rejected");
    assert_string_equal(row_text(1, "reason"), "authority");
    assert_true(strlen(row_text(1, "reason_text")) > 10);
    assert_string_equal(json_string_value(row_field(1, "verdict")), "yes");
}

static void a_change_is_found_by_leaf_and_index_only(void **state)
{
    (void)state;
    struct id id;
    struct change change;
    struct txn *txn = malloc(sizeof *txn);
    struct buf plain = buf_of(malloc(TRANSACTION_BYTES_MAX), TRANSACTION_BYTES_MAX);
    struct sent made = person_new(&id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Siti")));
    assert_int_equal(hub_store_change(f.store, &made.leaf, 0, &plain, txn, &change), OK);
    assert_true(id_equal(&change.record, &id));
    assert_int_equal(hub_store_change(f.store, &made.leaf, 1, &plain, txn, &change), ERR_NOT_FOUND);
    made.leaf.at[0] ^= 1;
    assert_int_equal(hub_store_change(f.store, &made.leaf, 0, &plain, txn, &change), ERR_NOT_FOUND);
    free(plain.at);
    free(txn);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_row_tells_when_who_what_and_which_fields),
        TEST(restricted_values_are_named_but_never_told),
        TEST(a_refused_change_tells_its_fields_and_why),
        TEST(a_change_is_found_by_leaf_and_index_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
