/* Questions to the hub, copies of its database, and what status warns of. */
#include "tests/unit/hub_admin_fixture.h"

/* ---- questions and copies */

static void one_select_is_answered_and_nothing_else(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_done("query", sql_args("SELECT count(*) AS n, 'x', NULL, x'0aff', 1.5 FROM person; "));
    json_t *columns = json_object_get(json_array_get(answer.rows, 0), "columns");
    json_t *cells = json_object_get(json_array_get(answer.rows, 1), "cells");
    assert_string_equal(json_string_value(json_array_get(columns, 0)), "n");
    assert_int_equal(json_integer_value(json_array_get(cells, 0)), 0);
    assert_string_equal(json_string_value(json_array_get(cells, 1)), "x");
    assert_true(json_is_null(json_array_get(cells, 2)));
    assert_string_equal(json_string_value(json_array_get(cells, 3)), "0aff");
    static const char *const refused[] = {
        "DELETE FROM person",
        "INSERT INTO person DEFAULT VALUES",
        "PRAGMA journal_mode",
        "ATTACH '/tmp/x.db' AS x",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE person",
        "CREATE TABLE t (a)",
        "SELECT * FROM no_such_table",
        "VACUUM INTO '/tmp/y.db'",
        "not sql",
        ";",
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        ask("query", sql_args(refused[i]));
        if (answer.error == NULL)
            fail_msg("answered: %s", refused[i]);
    }
    ask_done("query", sql_args("SELECT count(*) FROM person"));
}

static const char *logged(const char *key)
{
    ask_done("audit_list", json_pack("{s:i}", "max", 1));
    const json_t *row = json_array_get(answer.rows, 0);
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

static void questions_and_copies_are_logged_with_user_and_reason(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_refused("query", json_pack("{s:s, s:b}", "sql", "SELECT 1", "full", 1), ERR_USAGE);
    ask_refused("query", json_pack("{s:s, s:b, s:s}", "sql", "SELECT 1", "full", 1, "reason", "  "),
                ERR_USAGE);
    ask_done("audit_list", NULL);
    assert_int_equal(json_array_size(answer.rows), 0); /* nothing was asked */
    ask_done("query", json_pack("{s:s, s:b, s:s}", "sql", "SELECT 1", "full", 1, "reason",
                                "pemadanan DTSEN"));
    assert_string_equal(logged("op"), "query");
    assert_string_equal(logged("what"), "SELECT 1");
    assert_string_equal(logged("reason"), "pemadanan DTSEN");
    const json_t *row = json_array_get(answer.rows, 0);
    assert_int_equal(json_integer_value(json_object_get(row, "uid")), getuid());
    assert_true(json_is_true(json_object_get(row, "full")));
    ask_done("snapshot", json_pack("{s:s}", "reason", "untuk BI"));
    assert_string_equal(logged("op"), "snapshot");
    assert_string_equal(logged("reason"), "untuk BI");
    ask_done("backup", NULL);
    assert_string_equal(logged("op"), "backup");
    daemon_down();
    daemon_up();
    ask_done("audit_verify", NULL);
    assert_true(json_is_true(json_object_get(answer.done, "sound")));
    assert_int_equal(done_int("last"), 3);
}

static void a_slow_question_ends_and_the_daemon_lives_on(void **state)
{
    (void)state;
    found();
    ask_refused("query",
                json_pack("{s:s, s:i}", "sql",
                          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                          "SELECT count(*) FROM n",
                          "limit_ms", 200),
                ERR_LIMIT);
    ask_done("status", NULL);
}

static void verify_replays_the_journal_of_a_copy(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_done("verify", NULL);
    assert_int_equal(done_int("journal"), 2);
    assert_int_equal(strlen(done_text("content_hash")), 2 * HASH_BYTES);
}

static void a_snapshot_is_a_whole_database(void **state)
{
    (void)state;
    static uint8_t space[8 * 1024 * 1024];
    struct buf file = buf_of(space, sizeof space);
    size_t at;
    json_t *row;
    found();
    ask_done("snapshot", NULL);
    json_array_foreach(answer.rows, at, row) {
        struct buf chunk = buf_of(file.at + file.len, file.cap - file.len);
        assert_ok(
            crypto_unbase64(bytes_text(json_string_value(json_object_get(row, "data"))), &chunk));
        file.len += chunk.len;
    }
    assert_int_equal(done_int("bytes"), file.len);
    assert_memory_equal(file.at, "SQLite format 3", 16);
}

static void a_backup_counts_once_it_is_confirmed(void **state)
{
    (void)state;
    char name[80];
    found();
    ask_done("backup", NULL);
    snprintf(name, sizeof name, "%s", done_text("name"));
    ask_done("status", NULL);
    assert_true(json_is_null(json_object_get(answer.done, "last_backup")));
    ask_refused("backup_done", json_pack("{s:s}", "name", "other"), ERR_NOT_FOUND);
    ask_done("backup_done", json_pack("{s:s}", "name", name));
    ask_refused("backup_done", json_pack("{s:s}", "name", name), ERR_NOT_FOUND);
    ask_done("status", NULL);
    assert_true(json_is_string(json_object_get(answer.done, "last_backup")));
}

static const json_t *alarm_of(const char *kind)
{
    size_t index;
    json_t *alarm;
    json_array_foreach(json_object_get(answer.done, "alarms"), index, alarm) {
        if (strcmp(json_string_value(json_object_get(alarm, "kind")), kind) == 0)
            return alarm;
    }
    return NULL;
}

static void status_warns_of_terms_and_backups(void **state)
{
    (void)state;
    static uint8_t space[1024];
    struct fix_office office;
    char soon[11];
    fix_office_open(&office, "36.04.29", 1);
    found();
    ask_done("trust_publish",
             statement_args(fix_enrolment(&district, hub_store_trust(hub.store), &office)));
    ask_done("status", NULL);
    assert_non_null(alarm_of("no_backup"));
    assert_null(alarm_of("term_ending")); /* 2090 */
    assert_null(alarm_of("silent"));      /* it has not begun */
    assert_null(alarm_of("rolled_back"));
    date_of_ms(loop_wall_ms() + UINT64_C(59) * 24 * 3600 * 1000, soon);
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 1);
    trust_op_operator_until(&ops, office.operator_number, "SK 2", soon);
    ask_done("trust_publish", statement_args(fix_statement(&district, hub_store_trust(hub.store),
                                                           writer_bytes(&ops))));
    ask_done("status", NULL);
    const json_t *alarm = alarm_of("term_ending");
    assert_non_null(alarm);
    assert_int_equal(json_integer_value(json_object_get(alarm, "days")), 59);
    assert_string_equal(json_string_value(json_object_get(alarm, "until")), soon);
    assert_int_equal(done_int("nodes_trust"), 0); /* it has not heard of any version yet */
    fix_office_close(&office);
}

static void copies_leave_no_file_behind(void **state)
{
    (void)state;
    char command[160];
    found();
    ask_done("snapshot", NULL);
    ask_done("query", sql_args("SELECT 1"));
    ask_done("verify", NULL);
    ask_done("status", NULL); /* a turn later the children are gone */
    snprintf(command, sizeof command, "test -z \"$(ls -A '%s/state/copies')\"", directory);
    assert_int_equal(system(command), 0);
}

static void a_record_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_refused("show", json_pack("{s:s}", "id", "29-0001"), ERR_NOT_FOUND);
    ask_refused("show", json_pack("{s:s}", "id", "' OR 1=1 --"), ERR_NOT_FOUND);
    ask_refused("show", NULL, ERR_USAGE);
    ask_done("conflict_list", NULL);
    ask_done("review", NULL);
    assert_int_equal(json_array_size(answer.rows), 0);
    ask_refused("restore_info", NULL, ERR_STATE);
    ask_done("metrics", NULL);
    assert_true(json_is_object(json_object_get(answer.done, "counters")));
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(one_select_is_answered_and_nothing_else),
        TEST(questions_and_copies_are_logged_with_user_and_reason),
        TEST(a_slow_question_ends_and_the_daemon_lives_on),
        TEST(verify_replays_the_journal_of_a_copy),
        TEST(a_snapshot_is_a_whole_database),
        TEST(a_backup_counts_once_it_is_confirmed),
        TEST(status_warns_of_terms_and_backups),
        TEST(copies_leave_no_file_behind),
        TEST(a_record_that_is_not_there_is_not_found),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    answer_close();
    return failed;
}
