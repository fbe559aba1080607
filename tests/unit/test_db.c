#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/db.h"
#include "tests/unit/place.h"

static const char *const first_steps[] = {
    "CREATE TABLE item (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
};
static const char *const two_steps[] = {
    "CREATE TABLE item (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    "CREATE TABLE note (text TEXT NOT NULL) STRICT; INSERT INTO note VALUES ('moved')",
};
static const char *const broken_steps[] = {
    "CREATE TABLE item (number INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
    "CREATE TABLE extra (text TEXT) STRICT; INSERT INTO nowhere VALUES (1)",
};
static const struct db_kind kind_1 = { 0x746b7401, first_steps, 1, 1000 };
static const struct db_kind kind_2 = { 0x746b7401, two_steps, 2, 1000 };
static const struct db_kind kind_broken = { 0x746b7401, broken_steps, 2, 1000 };
static const struct db_kind kind_other = { 0x746b7402, first_steps, 1, 1000 };
static const struct db_kind kind_short_log = { 0x746b7401, first_steps, 1, 4 };

static int64_t number_of(struct db *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(db_prepare(db, sql, &stmt), OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(stmt, 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    return number;
}

static void open_kind(const struct place *place, const struct db_kind *kind, struct db *db)
{
    struct problem problem;
    enum err err = db_open(place_path(place, "a.db"), NULL, kind, db, &problem);
    if (err)
        print_message("%s: %s\n", problem.thing, problem.detail);
    assert_int_equal(err, OK);
}

static void a_new_file_is_made_as_the_design_says(void **state)
{
    struct db db;
    struct stat st;
    open_kind(*state, &kind_1, &db);
    assert_int_equal(number_of(&db, "PRAGMA application_id"), kind_1.application_id);
    assert_int_equal(number_of(&db, "PRAGMA user_version"), 1);
    assert_int_equal(number_of(&db, "PRAGMA synchronous"), 2);
    assert_int_equal(number_of(&db, "PRAGMA secure_delete"), 1);
    assert_int_equal(number_of(&db, "PRAGMA cell_size_check"), 1);
    assert_int_equal(number_of(&db, "PRAGMA trusted_schema"), 0);
    assert_int_equal(number_of(&db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(number_of(&db, "SELECT locking_mode = 'exclusive' FROM pragma_locking_mode"),
                     1);
    assert_int_equal(stat(place_path(*state, "a.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* DEFENSIVE */
    assert_int_not_equal(db_exec(&db, "PRAGMA writable_schema=ON; DELETE FROM sqlite_schema"), OK);
    /* No shared memory: nobody else is to come in. */
    assert_int_not_equal(access(place_path(*state, "a.db-shm"), F_OK), 0);
    db_close(&db);
    db_close(&db);
}

static void a_second_opener_is_told_that_it_is_in_use(void **state)
{
    struct db db;
    struct db second = { .handle = NULL };
    struct problem problem;
    open_kind(*state, &kind_1, &db);
    pid_t child = fork();
    if (child == 0)
        _exit((int)db_open(place_path(*state, "a.db"), NULL, &kind_1, &second, &problem));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERR_BUSY);
    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind_1, &second, &problem),
                     ERR_BUSY);
    assert_null(second.handle);
    /* The first one goes on. */
    assert_int_equal(db_exec(&db, "INSERT INTO item VALUES (1, x'00')"), OK);
    db_close(&db);
}

static void migration_goes_step_by_step_and_a_failing_step_leaves_nothing(void **state)
{
    struct db db;
    struct problem problem;
    open_kind(*state, &kind_1, &db);
    assert_int_equal(db_exec(&db, "INSERT INTO item VALUES (1, x'00')"), OK);
    db_close(&db);
    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind_broken, &db, &problem),
                     ERR_STORE);
    open_kind(*state, &kind_1, &db);
    assert_int_equal(number_of(&db, "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
    db_close(&db);
    open_kind(*state, &kind_2, &db);
    assert_int_equal(number_of(&db, "SELECT count(*) FROM item"), 1);
    assert_int_equal(number_of(&db, "SELECT count(*) FROM note"), 1);
    db_close(&db);
    open_kind(*state, &kind_2, &db);
    assert_int_equal(number_of(&db, "SELECT count(*) FROM note"), 1);
    db_close(&db);
}

static void a_newer_or_foreign_file_is_refused_and_left_alone(void **state)
{
    struct db db;
    struct problem problem;
    open_kind(*state, &kind_2, &db);
    db_close(&db);
    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind_1, &db, &problem),
                     ERR_VERSION);
    assert_non_null(strstr(problem.detail, "version 2"));
    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind_other, &db, &problem),
                     ERR_VERSION);
    open_kind(*state, &kind_2, &db);
    db_close(&db);
}

static void fill(struct db *db, int count, enum err *ret_err)
{
    for (int i = 0; i < count; i++) {
        enum err err = db_exec(db, "INSERT INTO item (body) VALUES (zeroblob(4000))");
        if (err) {
            *ret_err = err;
            return;
        }
    }
}

static void a_full_database_says_full_and_keeps_what_it_had(void **state)
{
    struct db db;
    enum err err = OK;
    open_kind(*state, &kind_1, &db);
    assert_int_equal(db_exec(&db, "INSERT INTO item (body) VALUES (x'00')"), OK);
    assert_int_equal(number_of(&db, "PRAGMA max_page_count=20"), 20);
    assert_int_equal(db_begin(&db), OK);
    fill(&db, 100, &err);
    assert_int_equal(err, ERR_FULL);
    db_rollback(&db);
    assert_int_equal(number_of(&db, "SELECT count(*) FROM item"), 1);
    assert_int_equal(db_exec(&db, "INSERT INTO item (body) VALUES (x'01')"), OK);
    db_close(&db);
}

/* In a child, since the limit holds for the whole process. Exit code 0: as promised. */
static int meet_the_file_size_limit(const char *path)
{
    struct db db;
    struct problem problem;
    enum err err = OK;
    struct rlimit limit = { .rlim_cur = 256 * 1024, .rlim_max = 256 * 1024 };
    (void)signal(SIGXFSZ, SIG_IGN);
    if (db_open(path, NULL, &kind_1, &db, &problem) || setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    fill(&db, 1000, &err);
    if (err != ERR_FULL)
        return 2;
    if (number_of(&db, "SELECT count(*) FROM item") == 0)
        return 3;
    db_close(&db);
    return 0;
}

static void a_disk_without_space_says_full(void **state)
{
    pid_t child = fork();
    if (child == 0)
        _exit(meet_the_file_size_limit(place_path(*state, "a.db")));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct db db;
    open_kind(*state, &kind_1, &db);
    assert_true(number_of(&db, "SELECT count(*) FROM item") > 10);
    db_close(&db);
}

static void write_at(const char *path, off_t at, const char *text)
{
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
    close(fd);
}

static void a_damaged_file_is_set_aside_with_its_log(void **state)
{
    struct db db;
    struct problem problem;
    /* A process that dies leaves a log; the file beneath it is then damaged. */
    pid_t child = fork();
    if (child == 0) {
        enum err err = OK;
        if (db_open(place_path(*state, "a.db"), NULL, &kind_1, &db, &problem))
            _exit(1);
        fill(&db, 50, &err);
        if (err || db_checkpoint(&db) || db_exec(&db, "INSERT INTO item (body) VALUES (x'01')"))
            _exit(1);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(access(place_path(*state, "a.db-wal"), F_OK), 0);
    for (off_t page = 2; page < 20; page++)
        write_at(place_path(*state, "a.db"), page * 4096, "this is no page of a tree");

    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind_1, &db, &problem), ERR_STORE);
    assert_non_null(strstr(problem.detail, "a.db.damaged-1"));
    assert_int_equal(access(place_path(*state, "a.db.damaged-1"), F_OK), 0);
    assert_int_equal(access(place_path(*state, "a.db.damaged-1-wal"), F_OK), 0);
    assert_int_not_equal(access(place_path(*state, "a.db"), F_OK), 0);

    write_at(place_path(*state, "a.db.damaged-1"), 0, "keep");
    FILE *file = fopen(place_path(*state, "a.db"), "w");
    for (int i = 0; i < 500; i++)
        (void)fputs("this was never a database ", file);
    (void)fclose(file);
    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind_1, &db, &problem), ERR_STORE);
    assert_int_equal(access(place_path(*state, "a.db.damaged-2"), F_OK), 0);
    open_kind(*state, &kind_1, &db);
    db_close(&db);
}

static void what_was_committed_survives_a_kill(void **state)
{
    int pipe_fd[2];
    assert_int_equal(pipe(pipe_fd), 0);
    pid_t child = fork();
    if (child == 0) {
        struct db db;
        struct problem problem;
        char byte = 'x';
        if (db_open(place_path(*state, "a.db"), NULL, &kind_1, &db, &problem) ||
            db_exec(&db, "INSERT INTO item (body) VALUES (x'01')") || db_begin(&db) ||
            db_exec(&db, "INSERT INTO item (body) VALUES (x'02')"))
            byte = '!';
        ssize_t written = write(pipe_fd[1], &byte, 1);
        (void)written;
        for (;;)
            pause();
    }
    char byte = 0;
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    assert_int_equal(byte, 'x');
    kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    struct db db;
    open_kind(*state, &kind_1, &db);
    assert_int_equal(number_of(&db, "SELECT count(*) FROM item"), 1);
    db_close(&db);
}

static void the_log_stays_short(void **state)
{
    struct db db;
    struct stat st;
    enum err err = OK;
    open_kind(*state, &kind_short_log, &db);
    fill(&db, 200, &err);
    assert_int_equal(err, OK);
    assert_int_equal(stat(place_path(*state, "a.db-wal"), &st), 0);
    assert_true(st.st_size < 40 * 4096);
    assert_int_equal(db_checkpoint(&db), OK);
    assert_int_equal(stat(place_path(*state, "a.db-wal"), &st), 0);
    assert_int_equal(st.st_size, 0);
    /* An open statement keeps the checkpoint from its end; that is no error. */
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(db_prepare(&db, "SELECT number FROM item", &stmt), OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(db_checkpoint(&db), OK);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    db_close(&db);
}

static void a_copy_is_whole_private_and_read_only_for_queries(void **state)
{
    struct db db;
    struct db copy;
    struct problem problem;
    struct stat st;
    enum err err = OK;
    const char *path = place_path(*state, "copy.db");
    open_kind(*state, &kind_1, &db);
    fill(&db, 300, &err);
    assert_int_equal(db_copy(&db, path, &problem), OK);
    assert_int_equal(db_copy(&db, place_path(*state, "copy.db"), &problem), ERR_BUSY);
    assert_int_equal(db_copy(&db, place_path(*state, "no/copy.db"), &problem), ERR_NOT_FOUND);
    assert_int_equal(db_exec(&db, "INSERT INTO item (body) VALUES (x'01')"), OK);
    assert_int_equal(stat(place_path(*state, "copy.db"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_not_equal(access(place_path(*state, "copy.db-wal"), F_OK), 0);

    assert_int_equal(db_open_copy(place_path(*state, "copy.db"), 10000, &copy, &problem), OK);
    assert_int_equal(number_of(&copy, "SELECT count(*) FROM item"), 300);
    assert_int_equal(number_of(&copy, "SELECT journal_mode = 'delete' FROM pragma_journal_mode"),
                     1);
    assert_int_not_equal(db_exec(&copy, "DELETE FROM item"), OK);
    assert_int_not_equal(db_exec(&copy, "ATTACH 'other.db' AS other"), OK);
    db_close(&copy);

    assert_int_equal(db_open_copy(place_path(*state, "copy.db"), 50, &copy, &problem), OK);
    assert_int_equal(db_exec(&copy,
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
                             " SELECT count(*) FROM n"),
                     ERR_LIMIT);
    db_close(&copy);
    db_close(&db);
}

static unsigned signs;
static uint64_t longest_ms;

static void on_sign(uint64_t expect_ms)
{
    signs++;
    if (expect_ms > longest_ms)
        longest_ms = expect_ms;
}

static void long_work_gives_signs_of_life(void **state)
{
    struct db db;
    struct problem problem;
    open_kind(*state, &kind_1, &db);
    signs = 0;
    db_on_progress(on_sign);
    assert_int_equal(db_exec(&db, "INSERT INTO item WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL"
                                  " SELECT i + 1 FROM n WHERE i < 20000) SELECT i, zeroblob(100)"
                                  " FROM n"),
                     OK);
    assert_true(signs > 0);
    signs = 0;
    assert_int_equal(db_copy(&db, place_path(*state, "copy.db"), &problem), OK);
    assert_true(signs > 0);
    db_on_progress(NULL);
    signs = 0;
    assert_int_equal(number_of(&db, "SELECT count(*) FROM item, item AS b WHERE item.number < 50"),
                     49 * 20000);
    assert_int_equal(signs, 0);
    db_close(&db);
}

/* A child that ends in disorder leaves its log; the file is verified, which may take long. */
static void a_verification_says_beforehand_how_long_it_may_take(void **state)
{
    struct db db;
    pid_t child = fork();
    if (child == 0) {
        struct problem problem;
        if (db_open(place_path(*state, "a.db"), NULL, &kind_short_log, &db, &problem) == OK)
            for (int i = 0; i < 8; i++)
                if (db_exec(&db, "INSERT INTO item (body) VALUES (zeroblob(5000))"))
                    _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    longest_ms = 0;
    db_on_progress(on_sign);
    open_kind(*state, &kind_1, &db);
    db_on_progress(NULL);
    assert_true(longest_ms > 0);
    db_close(&db);
}

static void a_probe_reads_the_disk_and_leaves_the_lock_alone(void **state)
{
    struct db db;
    struct db second = { .handle = NULL };
    struct problem problem;
    open_kind(*state, &kind_1, &db);
    assert_int_equal(db_exec(&db, "INSERT INTO item VALUES (1, zeroblob(100000))"), OK);
    for (int i = 0; i < 100; i++)
        assert_int_equal(db_probe(&db), OK);
    pid_t child = fork();
    if (child == 0)
        _exit((int)db_open(place_path(*state, "a.db"), NULL, &kind_1, &second, &problem));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), ERR_BUSY);
    /* A disk that gives nothing back. */
    int broken = open(place_path(*state, "a.db"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(dup2(broken, db.probe_fd), db.probe_fd);
    assert_int_equal(db_probe(&db), ERR_STORE);
    db_close(&db);
    close(broken);
}

static void statements_come_by_name_and_a_bad_one_leaves_nothing_open(void **state)
{
    static const char *const names[] = { "two", "one" }, *const bad[] = { "one", "torn" };
    static const char text[] = "-- Of this test.\n-- @one\nSELECT 1;\n"
                               "-- @two\n-- why\nSELECT 2;\n-- @torn\nSELECT nowhere;\n";
    const struct db_statements good = { text, names, 2 }, torn = { text, bad, 2 };
    const char *path = place_path(*state, "a.db");
    struct problem problem = { .code = OK };
    sqlite3_stmt *stmts[2];
    struct db db;
    assert_int_equal(db_open_prepared(path, NULL, &kind_1, &torn, &db, stmts, &problem), ERR_STORE);
    assert_int_equal(problem.code, ERR_STORE);
    /* The lock is gone, too. */
    assert_int_equal(db_open_prepared(path, NULL, &kind_1, &good, &db, stmts, &problem), OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(sqlite3_step(stmts[i]), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(stmts[i], 0), 2 - i);
    }
    db_finalize(stmts, 2);
    assert_null(stmts[0]);
    db_close(&db);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_file_is_made_as_the_design_says),
        TEST(a_second_opener_is_told_that_it_is_in_use),
        TEST(migration_goes_step_by_step_and_a_failing_step_leaves_nothing),
        TEST(a_newer_or_foreign_file_is_refused_and_left_alone),
        TEST(a_full_database_says_full_and_keeps_what_it_had),
        TEST(a_disk_without_space_says_full),
        TEST(a_damaged_file_is_set_aside_with_its_log),
        TEST(what_was_committed_survives_a_kill),
        TEST(the_log_stays_short),
        TEST(a_copy_is_whole_private_and_read_only_for_queries),
        TEST(long_work_gives_signs_of_life),
        TEST(a_verification_says_beforehand_how_long_it_may_take),
        TEST(a_probe_reads_the_disk_and_leaves_the_lock_alone),
        TEST(statements_come_by_name_and_a_bad_one_leaves_nothing_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
