/* What both daemons tell of submissions and announcements. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "proto/admin_answer.h"
#include "proto/admin_coverage.h"

static const struct policy_code codes[] = { { "done", "It is done", false },
                                            { "open", "Open", false } };
static const struct policy_code_version version = { "2020-01-01", codes, COUNT_OF(codes) };
static const struct policy_code_list list = { "step", &version, 1 };
static struct policy_field fields[] = {
    { .name = "step", .type = FIELD_ENUM, .codes = &list },
    { .name = "said", .type = FIELD_LIST, .element = FIELD_MAP },
};
static const struct policy_answer answer = { .field = 1, .state = 0, .unit = -1, .days = 14 };
static const struct policy_collection collection = {
    .name = "ask", .title = "Ask", .fields = fields, .field_count = 2, .answer = &answer
};
static const struct policy policy = { .collections = &collection, .collection_count = 1 };

static const char *text(const json_t *object, const char *key)
{
    const char *found = json_string_value(json_object_get(object, key));
    return found != NULL ? found : "";
}

static json_t *last(const char *decision, const char *target)
{
    json_t *object = json_object();
    admin_answer_last(object, &policy, &collection, true, bytes_text(decision), bytes_text(target));
    return object;
}

static void of_an_answer_only_codes_and_dates_are_told(void **state)
{
    (void)state;
    json_t *told = last("done", "2026-12-01"), *written = last("Ani said no", "soon, I hope");
    assert_true(json_is_true(json_object_get(told, "answered")));
    assert_string_equal(text(told, "decision"), "done");
    assert_string_equal(text(told, "decision_label"), "It is done");
    assert_string_equal(text(told, "target"), "2026-12-01");
    assert_true(json_is_true(json_object_get(written, "answered")));
    assert_true(json_is_null(json_object_get(written, "decision")));
    assert_true(json_is_null(json_object_get(written, "target")));
    json_decref(told);
    json_decref(written);
}

static void of_an_answer_that_few_may_read_only_its_being_there_is_told(void **state)
{
    (void)state;
    fields[1].sensitivity = SENSITIVITY_R;
    json_t *told = last("done", "2026-12-01");
    fields[1].sensitivity = SENSITIVITY_U;
    assert_true(json_is_true(json_object_get(told, "answered")));
    assert_true(json_is_null(json_object_get(told, "decision")));
    assert_true(json_is_null(json_object_get(told, "decision_label")));
    assert_true(json_is_null(json_object_get(told, "target")));
    json_decref(told);
}

static void what_is_not_owed_is_neither_late_nor_old(void **state)
{
    (void)state;
    const uint64_t day_ms = 86400000;
    json_t *object = json_object();
    admin_answer_waits(object, &answer, false, 90 * day_ms);
    assert_true(json_is_null(json_object_get(object, "unanswered_days")));
    assert_true(json_is_false(json_object_get(object, "late")));
    admin_answer_waits(object, &answer, true, 14 * day_ms);
    assert_true(json_is_false(json_object_get(object, "late")));
    admin_answer_waits(object, &answer, true, 14 * day_ms + 1);
    assert_true(json_is_true(json_object_get(object, "late")));
    assert_int_equal(json_integer_value(json_object_get(object, "unanswered_days")), 14);
    json_decref(object);
}

static void units_are_counted_and_none_is_one_of_them(void **state)
{
    (void)state;
    json_t *units = json_array();
    json_t *homes = json_pack("{s:s, s:s}", "unit", "homes", "unit_label", "Homes");
    json_t *none = json_pack("{s:n, s:n}", "unit", "unit_label");
    admin_units_add(units, homes, true);
    admin_units_add(units, none, false);
    admin_units_add(units, homes, false);
    assert_int_equal(json_array_size(units), 2);
    const json_t *first = json_array_get(units, 0);
    assert_string_equal(text(first, "unit_label"), "Homes");
    assert_int_equal(json_integer_value(json_object_get(first, "count")), 2);
    assert_int_equal(json_integer_value(json_object_get(first, "late")), 1);
    json_decref(units);
    json_decref(homes);
    json_decref(none);
}

static void an_area_is_covered_since_its_newest_day(void **state)
{
    (void)state;
    json_t *found = json_object();
    coverage_add(found, "36.04.29", "2026-05-02");
    coverage_add(found, "36.04.29", NULL);
    coverage_add(found, "36.04.29", "2026-04-30");
    const json_t *at = json_object_get(found, "36.04.29");
    assert_int_equal(json_integer_value(json_object_get(at, "count")), 3);
    assert_string_equal(text(at, "on"), "2026-05-02");
    json_decref(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_an_answer_only_codes_and_dates_are_told),
        cmocka_unit_test(of_an_answer_that_few_may_read_only_its_being_there_is_told),
        cmocka_unit_test(what_is_not_owed_is_neither_late_nor_old),
        cmocka_unit_test(units_are_counted_and_none_is_one_of_them),
        cmocka_unit_test(an_area_is_covered_since_its_newest_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
