/* The office's own books: what its chain says that it entered against what became of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <sqlite3.h>

#include "node/node_books.h"
#include "proto/value.h"
#include "tests/support/node_fixture.h"

static struct node_books books_of(struct office *o, const char *month)
{
    struct node_books books;
    uint64_t from_ms = 0, until_ms = 0;
    if (month)
        assert_true(month_parse(bytes_text(month), &from_ms, &until_ms));
    assert_int_equal(node_store_books(o->store, from_ms, until_ms, &books), OK);
    return books;
}

static uint64_t sum_of(const uint64_t answers[DISPOSITION_PARKED + 1])
{
    uint64_t sum = 0;
    for (size_t i = 0; i <= DISPOSITION_PARKED; i++)
        sum += answers[i];
    return sum;
}

static void put(struct office *o)
{
    (void)office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", "Ani"));
}

static void what_was_entered_is_answered_or_waits(void **state)
{
    struct office *o = *state;
    put(o);
    put(o);
    office_ack_all(o, office_answer(-1, DISPOSITION_QUARANTINED, "term_ended", ""));
    put(o);
    struct node_books books = books_of(o, NULL);
    assert_int_equal(books.entered, 3);
    assert_true(books.policy > 0); /* positions that nobody entered */
    assert_int_equal(books.answers[DISPOSITION_ACCEPTED], 1);
    assert_int_equal(books.answers[DISPOSITION_QUARANTINED], 1);
    assert_int_equal(books.answers[DISPOSITION_NONE], 1);
    assert_int_equal(sum_of(books.answers), books.entered);
    assert_int_equal(books.missing, 0);
}

static void what_moves_to_a_new_incarnation_counts_once(void **state)
{
    struct office *o = *state;
    put(o);
    office_ack_all(o, bytes_of(NULL, 0));
    put(o);
    put(o);
    assert_int_equal(node_store_reopen(o->store), OK);
    put(o);
    struct node_books books = books_of(o, NULL);
    assert_int_equal(books.entered, 4);
    assert_int_equal(books.answers[DISPOSITION_ACCEPTED], 1);
    assert_int_equal(sum_of(books.answers), 4);
}

static void a_month_holds_what_claims_to_be_of_it(void **state)
{
    struct office *o = *state;
    put(o);
    put(o);
    struct node_books may = books_of(o, "2026-05"), june = books_of(o, "2026-06");
    assert_int_equal(may.dated_entered, 2); /* OFFICE_WALL_MS */
    assert_int_equal(sum_of(may.dated), 2);
    assert_int_equal(june.dated_entered, 0);
    assert_int_equal(sum_of(june.dated), 0);
}

static void books_that_were_harmed_differ(void **state)
{
    struct office *o = *state;
    sqlite3 *db = NULL;
    put(o);
    put(o);
    node_store_close(&o->store);
    assert_int_equal(sqlite3_open(o->path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "DELETE FROM change WHERE entry = (SELECT min(entry) FROM change)", NULL,
                     NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    office_restart(o);
    struct node_books books = books_of(o, NULL);
    assert_int_equal(books.entered, 2);
    assert_int_equal(sum_of(books.answers), 1);
}

static void months_are_those_of_the_offices(void **state)
{
    (void)state;
    uint64_t from_ms = 0, until_ms = 0, next_ms = 0, end_ms = 0;
    char iso[11];
    assert_true(month_parse(bytes_text("2026-12"), &from_ms, &until_ms));
    date_of_ms(from_ms, iso);
    assert_string_equal(iso, "2026-12-01");
    date_of_ms(from_ms - 1, iso);
    assert_string_equal(iso, "2026-11-30");
    assert_true(month_parse(bytes_text("2027-01"), &next_ms, &end_ms));
    assert_int_equal(next_ms, until_ms);
    static const char *const none[] = { "",       "2026",    "2026-13", "2026-00", "26-01",
                                        "2026-1", "2026/01", "2026-1x", "1969-12", "2026-01-01" };
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_false(month_parse(bytes_text(none[i]), &from_ms, &until_ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(what_was_entered_is_answered_or_waits),
        WITH_OFFICE(what_moves_to_a_new_incarnation_counts_once),
        WITH_OFFICE(a_month_holds_what_claims_to_be_of_it),
        WITH_OFFICE(books_that_were_harmed_differ),
        cmocka_unit_test(months_are_those_of_the_offices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
