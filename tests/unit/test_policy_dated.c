/* What people see of rules that have dates, and of what a new version changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/tkskctl/policy_dated.h"
#include "common/tkskctl/policy_diff.h"
#include "tests/unit/rules_fixture.h"

static const char source[] = WORK_SOURCE;

/* The source with each pair of texts replaced, as the version after `before`. */
static struct policy *changed(const struct policy *before, const char *const *pairs)
{
    static char text[4 * sizeof(source)], next[sizeof text];
    (void)snprintf(text, sizeof text, "%s", source);
    for (; *pairs; pairs += 2) {
        const char *found = strstr(text, pairs[0]);
        if (found == NULL)
            fail_msg("the source has no %s", pairs[0]);
        (void)snprintf(next, sizeof next, "%.*s%s%s", (int)(found - text), text, pairs[1],
                       found + strlen(pairs[0]));
        memcpy(text, next, sizeof text);
    }
    return policy_of(text, before ? before->version + 1 : 1, before ? &before->hash : NULL);
}
#define CHANGED(before, ...) changed(before, (const char *const[]){ __VA_ARGS__, NULL })

static bool says(const json_t *rows, const char *what, const char *name, const char *change)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row) {
        if (strcmp(json_string_value(json_object_get(row, "what")), what) == 0 &&
            strcmp(json_string_value(json_object_get(row, "name")), name) == 0 &&
            strcmp(json_string_value(json_object_get(row, "change")), change) == 0)
            return true;
    }
    return false;
}

static void print_rows(const json_t *rows)
{
    char *text = json_dumps(rows, JSON_INDENT(1));
    print_error("%s\n", text);
    free(text);
}
#define assert_says(rows, ...)                                                                     \
    do {                                                                                           \
        if (!says(rows, __VA_ARGS__)) {                                                            \
            print_rows(rows);                                                                      \
            fail();                                                                                \
        }                                                                                          \
    } while (0)

static void the_same_rules_differ_in_nothing(void **state)
{
    (void)state;
    struct policy *before = policy_of(source, 1, NULL);
    struct policy *after = policy_of(source, 2, &before->hash);
    json_t *rows = json_array();
    policy_diff(before, after, rows);
    if (json_array_size(rows) != 0) {
        print_rows(rows);
        fail();
    }
    json_decref(rows);
    policy_close(&after);
    policy_close(&before);
}

static void a_table_stays_and_takes_new_versions(void **state)
{
    (void)state;
    struct policy *before = policy_of(source, 1, NULL);
    struct policy *gone =
        CHANGED(before, "table kuorum {", "table lain {", "table(\"kuorum\"", "table(\"lain\"");
    struct policy *dated = CHANGED(
        before, "row desa { value = 2 } }",
        "row desa { value = 2 } } version '2027-01-01' { basis = 'Baru' row desa { value = 3 } }");
    struct problem problem = { .code = OK };
    assert_int_equal(policy_may_follow(before, gone, &problem), ERR_POLICY_FOLLOW);
    assert_string_equal(problem.thing, "table kuorum");
    assert_int_equal(policy_may_follow(before, dated, &problem), OK);
    policy_close(&dated);
    policy_close(&gone);
    policy_close(&before);
}

static void changed_rules_steps_and_tables_are_named(void **state)
{
    (void)state;
    struct policy *before = policy_of(source, 1, NULL);
    struct policy *after = CHANGED(
        before, "nominal <= 1000", "nominal <= 2000", "on = warn", "on = write", "rule tetap {",
        "rule tetap2 {", "requires = {isi} }", "requires = {isi, tgl} }", "edge batalkan {",
        "edge gugur {", "frozen diterima { open = {status} }",
        "frozen diterima { open = {status, log} }", "row desa { value = 2 } }",
        "row desa { value = 2 } } version '2027-01-01' { basis = 'Baru' row desa { value = 3 } }");
    json_t *rows = json_array();
    policy_diff(before, after, rows);
    assert_says(rows, "rule", "usul.nominal_batas", "check");
    assert_says(rows, "rule", "usul.hadir_aneh", "on");
    assert_says(rows, "rule", "usul.tetap2", "new");
    assert_says(rows, "rule", "usul.tetap", "gone");
    assert_says(rows, "edge", "usul.ajukan", "requires");
    assert_says(rows, "edge", "usul.gugur", "new, to batal");
    assert_says(rows, "edge", "usul.batalkan", "gone");
    assert_says(rows, "frozen", "usul.diterima", "open");
    assert_says(rows, "table", "kuorum", "from 2027-01-01 desa: 2 -> 3");
    assert_int_equal(json_array_size(rows), 9);
    json_decref(rows);
    policy_close(&after);
    policy_close(&before);
}

static json_t *dated(const struct policy *rules, const char *date)
{
    char iso[11];
    json_t *done = json_object();
    (void)snprintf(iso, sizeof iso, "%s", date);
    policy_dated(rules, iso, done);
    return done;
}

static const char *text_at(const json_t *list, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, index), key));
    return text ? text : "";
}

static void a_day_has_its_tables_and_its_areas(void **state)
{
    (void)state;
    struct policy *rules = CHANGED(
        NULL, "row desa { value = 2 } }",
        "row desa { value = 2 } } version '2027-01-01' { until = '2028-01-01' basis = 'Baru' "
        "row desa { value = 3 } }",
        "within = '36.04' }",
        "within = '36.04' area '36.04.77' { name = 'Baru' from = '2027-01-01' } }");
    json_t *done = dated(rules, "2026-12-31");
    json_t *now = json_object_get(done, "tables"), *later = json_object_get(done, "tables_later");
    assert_int_equal(json_array_size(now), 1);
    assert_string_equal(text_at(now, 0, "from"), "2018-01-01");
    assert_string_equal(text_at(now, 0, "until"), "2027-01-01"); /* the next one begins */
    assert_string_equal(text_at(now, 0, "basis"), "Perbup");
    assert_int_equal(json_array_size(later), 1);
    assert_string_equal(text_at(later, 0, "from"), "2027-01-01");
    json_t *areas = json_object_get(done, "areas_dated");
    assert_int_equal(json_array_size(areas), 1);
    assert_string_equal(text_at(areas, 0, "area"), "36.04.77");
    assert_true(json_is_false(json_object_get(json_array_get(areas, 0), "in_force")));
    json_decref(done);
    done = dated(rules, "2027-01-01");
    now = json_object_get(done, "tables");
    assert_int_equal(json_array_size(now), 1);
    assert_string_equal(text_at(now, 0, "basis"), "Baru");
    assert_string_equal(text_at(now, 0, "until"), "2028-01-01");
    areas = json_object_get(done, "areas_dated");
    assert_true(json_is_true(json_object_get(json_array_get(areas, 0), "in_force")));
    json_decref(done);
    done = dated(rules, "2028-01-01");
    assert_int_equal(json_array_size(json_object_get(done, "tables")), 0);
    json_decref(done);
    policy_close(&rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_rules_differ_in_nothing),
        cmocka_unit_test(a_table_stays_and_takes_new_versions),
        cmocka_unit_test(changed_rules_steps_and_tables_are_named),
        cmocka_unit_test(a_day_has_its_tables_and_its_areas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
