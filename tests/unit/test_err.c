#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/err.h"

static void names_lead_there_and_back_and_are_unique(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ERR_COUNT; i++)
        assert_int_equal(err_from_name(bytes_text(err_name((enum err)i))), i);
    assert_int_equal(err_from_name(bytes_text("no_such_error")), ERR_COUNT);
    assert_int_equal(err_from_name(bytes_of("full\0", 5)), ERR_COUNT);
}

static void every_error_has_texts_in_both_languages(void **state)
{
    (void)state;
    for (unsigned i = 1; i < ERR_COUNT; i++) {
        struct problem problem = { .code = (enum err)i, .detail = "rincian" };
        for (int lang = LANG_EN; lang <= LANG_ID; lang++) {
            char rule[512];
            problem_rule(&problem, (enum lang)lang, rule, sizeof(rule));
            assert_true(strlen(rule) > 0);
            assert_null(strstr(rule, "%"));
            assert_true(strlen(problem_remedy(&problem, (enum lang)lang)) > 0);
        }
    }
}

static void detail_stands_in_the_rule(void **state)
{
    (void)state;
    struct problem problem;
    char rule[128];
    assert_int_equal(problem_setf(&problem, ERR_NOT_FOUND, "record", "%d-%s", 29, "0417"),
                     ERR_NOT_FOUND);
    problem_rule(&problem, LANG_EN, rule, sizeof(rule));
    assert_string_equal(rule, "not found: 29-0417");
    problem_rule(&problem, LANG_ID, rule, sizeof(rule));
    assert_string_equal(rule, "tidak ditemukan: 29-0417");
    /* A detail is text, never a format. */
    (void)problem_set(&problem, ERR_NOT_FOUND, NULL, "%s%n");
    problem_rule(&problem, LANG_EN, rule, sizeof(rule));
    assert_string_equal(rule, "not found: %s%n");
    (void)problem_set(&problem, ERR_NOT_FOUND, NULL, NULL);
    problem_rule(&problem, LANG_EN, rule, sizeof(rule));
    assert_string_equal(rule, "not found");
}

static void texts_from_outside_are_cleaned_and_cut_between_characters(void **state)
{
    (void)state;
    struct problem problem;
    (void)problem_set(&problem, ERR_USAGE,
                      "a\x1b[2J\nb\x7f"
                      "c\xff\xc3\xa9\xc2\x9b\xed\xa0\x80",
                      NULL);
    assert_string_equal(problem.thing, "a?[2J?b?c?\xc3\xa9????");

    char wide[3 * PROBLEM_THING_MAX + 1];
    for (size_t i = 0; i < PROBLEM_THING_MAX; i++)
        memcpy(wide + 3 * i, "\xe2\x82\xac", 3);
    wide[3 * PROBLEM_THING_MAX] = '\0';
    (void)problem_set(&problem, ERR_USAGE, wide, wide);
    assert_int_equal(strlen(problem.thing) % 3, 0);
    assert_in_range(strlen(problem.thing), PROBLEM_THING_MAX - 4, PROBLEM_THING_MAX - 1);
}

static void a_problem_may_be_set_from_its_own_text(void **state)
{
    (void)state;
    struct problem problem;
    (void)problem_set(&problem, ERR_IO, "file a", "no space");
    (void)problem_setf(&problem, ERR_FULL, problem.thing, "%s (again)", problem.detail);
    assert_string_equal(problem.thing, "file a");
    assert_string_equal(problem.detail, "no space (again)");
    assert_int_equal(problem_set(NULL, ERR_IO, "x", "y"), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_lead_there_and_back_and_are_unique),
        cmocka_unit_test(every_error_has_texts_in_both_languages),
        cmocka_unit_test(detail_stands_in_the_rule),
        cmocka_unit_test(texts_from_outside_are_cleaned_and_cut_between_characters),
        cmocka_unit_test(a_problem_may_be_set_from_its_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
