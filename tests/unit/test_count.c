#include "tests/unit/policy_fixture.h"

#include "proto/count.h"
#include "proto/label.h"

static void add(struct count *count, const char *a, const char *b)
{
    const struct bytes values[] = { bytes_text(a), bytes_text(b) };
    assert_int_equal(count_add(count, values), OK);
}

static uint64_t cell(const struct count *count, const char *a, const char *b)
{
    for (size_t i = 0; i < count->cell_count; i++)
        if (strcmp(count->cells[i].codes[0], a) == 0 && strcmp(count->cells[i].codes[1], b) == 0)
            return count->cells[i].records;
    return 0;
}

static void records_are_counted_by_two_codes(void **state)
{
    struct policy *policy = small_policy();
    struct problem problem;
    struct count count;
    (void)state;
    count_open(policy, &policy->collections[0], &count);
    assert_int_equal(count_by(&count, "jk", &problem), OK);
    assert_int_equal(count_by(&count, "WARNA", &problem), OK);
    add(&count, "L", "merah");
    add(&count, "P", "merah");
    add(&count, "L", "merah");
    add(&count, "", "ungu");
    assert_int_equal(count.total, 4);
    assert_int_equal(count.cell_count, 3);
    assert_int_equal(cell(&count, "L", "merah"), 2);
    assert_int_equal(cell(&count, "", "ungu"), 1);
    assert_string_equal(count_label(&count, 0, "L"), "Laki-laki");
    assert_string_equal(count_label(&count, 0, ""), "");
    assert_int_equal(count_by(&count, "aktif", &problem), ERR_USAGE);
    count_close(&count);
    policy_close(&policy);
}

static void a_restricted_code_is_never_named(void **state)
{
    struct policy *policy = small_policy();
    struct problem problem;
    struct count count;
    (void)state;
    count_open(policy, &policy->collections[0], &count);
    assert_int_equal(count_by(&count, "warna", &problem), OK);
    add(&count, "hijau", "");
    add(&count, "BIRU", "");
    assert_int_equal(cell(&count, "hijau", ""), 0);
    assert_int_equal(cell(&count, "?", ""), 1);
    count_close(&count);

    /* Nor found by asking for it. */
    count_open(policy, &policy->collections[0], &count);
    assert_int_equal(count_by(&count, "jk", &problem), OK);
    assert_int_equal(count_where(&count, "warna", "hijau", &problem), OK);
    add(&count, "L", "hijau");
    assert_int_equal(count.total, 0);
    count_close(&count);
    policy_close(&policy);
}

static void what_tells_of_a_person_is_not_counted_by(void **state)
{
    static const char *const bad[] = { "nik", "teks", "uang", "rumah", "induk", "catatan", "kk" };
    struct policy *policy = small_policy();
    struct problem problem;
    struct count count;
    (void)state;
    count_open(policy, &policy->collections[0], &count);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_int_equal(count_by(&count, bad[i], &problem), ERR_COUNT_BY);
    assert_int_equal(count_by(&count, "tiada", &problem), ERR_FIELD);
    assert_non_null(strstr(problem.detail, "warna"));
    struct policy_field *fields = (struct policy_field *)(uintptr_t)policy->collections[0].fields;
    const struct policy_field *kind = policy_field(&policy->collections[0], bytes_text("jk"));
    fields[kind - fields].sensitivity = SENSITIVITY_R;
    assert_int_equal(count_by(&count, "jk", &problem), ERR_COUNT_BY);
    assert_int_equal(count_where(&count, "jk", "L", &problem), ERR_COUNT_BY);
    assert_null(strstr(problem.detail, "jk,"));
    count_close(&count);
    policy_close(&policy);
}

static void conditions_take_codes_labels_areas_years_and_yes_or_no(void **state)
{
    static const struct {
        const char *field, *text, *yes, *no;
    } cases[] = {
        { "jk", "laki-laki", "L", "P" },
        { "jk", "p", "P", "L" },
        { "kec", "36.04", "36.04.29", "" },
        { "kec", "36.04.29", "36.04.29", "36.04.27" },
        { "tgl", "2026", "2026-03-01", "2025-12-31" },
        { "aktif", "ya", "1", "0" },
        { "aktif", "tidak", "0", "1" },
        { "jk", "", "", "L" },
    };
    struct policy *policy = small_policy();
    struct problem problem;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct count count;
        count_open(policy, &policy->collections[0], &count);
        assert_int_equal(count_by(&count, "warna", &problem), OK);
        assert_int_equal(count_where(&count, cases[i].field, cases[i].text, &problem), OK);
        add(&count, "merah", cases[i].no);
        assert_int_equal(count.total, 0);
        add(&count, "merah", cases[i].yes);
        assert_int_equal(count.total, 1);
        count_close(&count);
    }
    struct count count;
    count_open(policy, &policy->collections[0], &count);
    assert_int_equal(count_where(&count, "jk", "X", &problem), ERR_CODE);
    assert_int_equal(count_where(&count, "tgl", "kemarin", &problem), ERR_CODE);
    count_close(&count);
    policy_close(&policy);
}

static void dates_count_by_their_year(void **state)
{
    struct policy *policy = small_policy();
    struct problem problem;
    struct count count;
    (void)state;
    count_open(policy, &policy->collections[0], &count);
    assert_int_equal(count_by(&count, "tgl", &problem), OK);
    add(&count, "2026-03-01", "");
    add(&count, "2026-11-30", "");
    add(&count, "2025-01-01", "");
    assert_int_equal(cell(&count, "2026", ""), 2);
    assert_int_equal(cell(&count, "2025", ""), 1);
    count_close(&count);
    policy_close(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_counted_by_two_codes),
        cmocka_unit_test(a_restricted_code_is_never_named),
        cmocka_unit_test(what_tells_of_a_person_is_not_counted_by),
        cmocka_unit_test(conditions_take_codes_labels_areas_years_and_yes_or_no),
        cmocka_unit_test(dates_count_by_their_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
