#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/files.h"
#include "common/log.h"
#include "tests/unit/place.h"

static unsigned names_in(const struct place *place)
{
    unsigned count = 0;
    DIR *dir = opendir(place->dir);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void a_file_is_replaced_whole_and_read_back(void **state)
{
    struct problem problem;
    struct stat st;
    struct buf content = { .at = NULL };
    const char *path = place_path(*state, "f");
    assert_int_equal(files_write(path, 0640, bytes_text("first and long"), &problem), OK);
    assert_int_equal(files_write(path, 0600, bytes_of("a\0b", 3), &problem), OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(files_read(path, 3, &content, &problem), OK);
    assert_true(bytes_equal(buf_bytes(&content), bytes_of("a\0b", 3)));
    assert_int_equal(content.at[3], 0);
    files_release(&content);
    assert_null(content.at);
    assert_int_equal(files_read(path, 2, &content, &problem), ERR_LIMIT);
    assert_int_equal(names_in(*state), 1);
}

static void a_new_file_never_overwrites(void **state)
{
    struct problem problem;
    struct buf content = { .at = NULL };
    const char *path = place_path(*state, "f");
    assert_int_equal(files_write_new(path, 0600, bytes_text("1"), &problem), OK);
    assert_int_equal(files_write_new(path, 0600, bytes_text("2"), &problem), ERR_BUSY);
    assert_int_equal(files_read(path, 10, &content, &problem), OK);
    assert_true(bytes_is(buf_bytes(&content), "1"));
    files_release(&content);
    assert_int_equal(names_in(*state), 1);
}

static int write_without_space(const char *path)
{
    static char large[64 * 1024];
    struct rlimit limit = { .rlim_cur = 4096, .rlim_max = 4096 };
    struct problem problem;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    return files_write(path, 0600, bytes_of(large, sizeof(large)), &problem) == ERR_FULL ? 0 : 2;
}

static void without_space_the_old_content_stands(void **state)
{
    struct problem problem;
    struct buf content = { .at = NULL };
    const char *path = place_path(*state, "f");
    assert_int_equal(files_write(path, 0600, bytes_text("old"), &problem), OK);
    pid_t child = fork();
    if (child == 0)
        _exit(write_without_space(path));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(files_read(path, 10, &content, &problem), OK);
    assert_true(bytes_is(buf_bytes(&content), "old"));
    files_release(&content);
    assert_int_equal(names_in(*state), 1);
}

static void what_is_missing_or_no_file_is_named(void **state)
{
    struct problem problem;
    struct buf content = { .at = NULL };
    const char *path = place_path(*state, "no/f");
    assert_int_equal(files_read(path, 10, &content, &problem), ERR_NOT_FOUND);
    assert_string_equal(problem.thing, path);
    assert_int_equal(files_write(path, 0600, bytes_text("x"), &problem), ERR_NOT_FOUND);
    assert_int_equal(files_read(place_path(*state, ""), 10, &content, &problem), ERR_IO);
    assert_int_equal(files_make_directory(place_path(*state, "a/b/c"), 0700, &problem), OK);
    assert_int_equal(files_make_directory(place_path(*state, "a/b/c"), 0700, &problem), OK);
    assert_int_equal(files_write(place_path(*state, "a/f"), 0600, bytes_text("x"), &problem), OK);
    assert_int_not_equal(files_make_directory(place_path(*state, "a/f"), 0700, &problem), OK);
    assert_int_not_equal(files_make_directory(place_path(*state, "a/f/g"), 0700, &problem), OK);
}

/* What `log` writes to standard error in a child whose environment names `stream` as the journal.
 */
static const char *logged(const struct place *place, bool to_journal)
{
    static char text[4096];
    const char *path = place_path(place, "log");
    pid_t child = fork();
    if (child == 0) {
        char stream[64];
        struct stat st;
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (dup2(fd, STDERR_FILENO) < 0 || fstat(STDERR_FILENO, &st) != 0)
            _exit(1);
        (void)snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
                       (unsigned long long)(to_journal ? st.st_ino : st.st_ino + 1));
        setenv("JOURNAL_STREAM", stream, 1);
        struct problem problem;
        log_start(LOG_LEVEL_INFO);
        log_warning("seen node=%s", "a\nb\x1b[1m");
        log_debug("not seen");
        (void)problem_set(&problem, ERR_BUSY, "store", "by 7");
        log_problem(LOG_LEVEL_ERROR, "cannot start", &problem);
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
    struct buf content = { .at = NULL };
    struct problem problem;
    assert_int_equal(files_read(path, sizeof(text) - 1, &content, &problem), OK);
    memcpy(text, content.at, content.len + 1);
    files_release(&content);
    return text;
}

static void log_lines_are_single_and_carry_the_journals_priority(void **state)
{
    assert_string_equal(
        logged(*state, true),
        "<4>seen node=a?b?[1m\n"
        "<3>cannot start thing=\"store\" code=busy rule=\"in use by another process: "
        "by 7\" remedy=\"stop the other one first\"\n");
    const char *plain = logged(*state, false);
    assert_non_null(strstr(plain, "Z warning: seen node=a?b?[1m\n"));
    assert_int_equal(plain[0], '2');
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_replaced_whole_and_read_back),
        TEST(a_new_file_never_overwrites),
        TEST(without_space_the_old_content_stands),
        TEST(what_is_missing_or_no_file_is_named),
        TEST(log_lines_are_single_and_carry_the_journals_priority),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
