/* What people read of a record at the hub. */
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
static json_t *shown; /* {field: text} */

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, false);
    shown = json_object();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    json_decref(shown);
    fixture_close(&f);
    return 0;
}

static const struct policy_collection *person(void)
{
    return policy_collection(hub_store_policy(f.store), bytes_text("person"));
}

static void row_shown(void *ctx, const struct hub_row *row)
{
    (void)ctx;
    for (size_t i = 0; i < person()->field_count; i++) {
        const struct policy_field *field = &person()->fields[i];
        hub_json_set(
            shown, field->name,
            hub_json_shown(hub_store_policy(f.store), field, hub_row_text(row, field->name)));
    }
}

static const char *text(const char *field)
{
    const char *found = json_string_value(json_object_get(shown, field));
    return found != NULL ? found : "";
}

static void columns_read_as_a_person_would_write_them(void **state)
{
    (void)state;
    uint8_t space[256];
    struct writer kinds = writer_of(space, 64), traits = writer_of(space + 64, 64);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    struct id id = fixture_id(&f), friend_id = fixture_id(&f);
    char record[UUID_TEXT_BYTES], friend_text[UUID_TEXT_BYTES];
    writer_array(&kinds, 2);
    writer_str(&kinds, bytes_text("open"));
    writer_str(&kinds, bytes_text("shut"));
    writer_map(&traits, 2);
    writer_str(&traits, bytes_text("floor"));
    writer_str(&traits, bytes_text("a=b"));
    writer_str(&traits, bytes_text("rooms"));
    writer_int(&traits, 3);
    struct writer friends = writer_of(space + 128, 64);
    writer_array(&friends, 1);
    writer_bin(&friends, bytes_id(&friend_id));
    draft_create(d, "person", &friend_id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Siti")));
    draft_create(d, "person", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani"), V_INT("age", 41),
                        V_INT("income", 1500000), V_BOOL("alive", false), V_TEXT("kind", "shut"),
                        V_RAW("kinds", writer_bytes(&kinds)),
                        V_RAW("traits", writer_bytes(&traits)),
                        V_RAW("friends", writer_bytes(&friends)),
                        V_INT("seen", INT64_C(1786000000000)), V_TEXT("height", "1.6")));
    (void)fixture_send(d);
    uuid_to_text(&id, record);
    uuid_to_text(&friend_id, friend_text);
    const char *const parameters[] = { "person", record };
    assert_int_equal(hub_store_list(f.store, HUB_LIST_RECORD_FULL, parameters, row_shown, NULL),
                     OK);
    assert_string_equal(text("area"), "ALPHA (36.04.29)");
    assert_string_equal(text("name"), "Ani");
    assert_string_equal(text("age"), "41");
    assert_string_equal(text("income"), "1500000");
    assert_string_equal(text("alive"), "tidak");
    assert_string_equal(text("kind"), "Shut"); /* the code says no more than its label */
    assert_string_equal(text("kinds"), "Open, Shut");
    assert_string_equal(text("traits"), "floor=a\\=b|rooms=3");
    assert_string_equal(text("friends"), friend_text);
    assert_string_equal(text("seen"), "2026-08-06T07:06:40Z");
    assert_string_equal(text("height"), "1.6");
    assert_true(json_is_null(json_object_get(shown, "born")));
}

static void what_is_not_of_its_field_is_left_to_the_plain_value(void **state)
{
    (void)state;
    const struct policy *policy = hub_store_policy(f.store);
    const struct policy_field *kinds = policy_field(person(), bytes_text("kinds"));
    const struct policy_field *kind = policy_field(person(), bytes_text("kind"));
    assert_null(hub_json_shown(policy, kinds, "[\"open\""));
    assert_null(hub_json_shown(policy, kinds, "{}"));
    assert_null(hub_json_shown(policy, kinds, NULL));
    json_t *gone = hub_json_shown(policy, kind, "gone"); /* of a list that no longer has it */
    assert_string_equal(json_string_value(gone), "gone");
    json_decref(gone);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(columns_read_as_a_person_would_write_them),
        TEST(what_is_not_of_its_field_is_left_to_the_plain_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
