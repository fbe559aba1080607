#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/db.h"
#include "common/files.h"
#include "common/service.h"
#include "tests/unit/place.h"

static const struct service_program program = { "tksk-node", CONFIG_NODE, "a test" };

static bool parse(struct service_options *found, int *exit_code, char *a, char *b)
{
    char name[] = "tksk-node";
    char *argv[] = { name, a, b, NULL };
    return service_options(&program, b ? 3 : a ? 2 : 1, argv, found, exit_code);
}

static void options_are_taken_or_refused_with_exit_2(void **state)
{
    (void)state;
    static char config[] = "--config";
    static char file[] = "x.conf";
    static char ready[] = "--ready-fd";
    static char one[] = "1";
    static char closed[] = "987";
    static char word[] = "one";
    static char check[] = "--check-config";
    static char unknown[] = "--fly";
    struct service_options found;
    int exit_code = 0;
    assert_true(parse(&found, &exit_code, NULL, NULL));
    assert_null(found.config_path);
    assert_int_equal(found.ready_fd, -1);
    assert_true(parse(&found, &exit_code, config, file));
    assert_string_equal(found.config_path, "x.conf");
    assert_true(parse(&found, &exit_code, ready, one));
    assert_int_equal(found.ready_fd, 1);
    assert_true(parse(&found, &exit_code, check, NULL));
    assert_true(found.check_config);
    assert_false(parse(&found, &exit_code, ready, closed));
    assert_int_equal(exit_code, EXIT_USAGE);
    assert_false(parse(&found, &exit_code, ready, word));
    assert_false(parse(&found, &exit_code, unknown, NULL));
    assert_int_equal(exit_code, EXIT_USAGE);
    assert_false(parse(&found, &exit_code, file, NULL));
    assert_int_equal(exit_code, EXIT_USAGE);
    assert_false(parse(&found, &exit_code, config, NULL));
    assert_int_equal(exit_code, EXIT_USAGE);
}

static void a_second_daemon_on_the_same_store_is_told_who_has_it(void **state)
{
    const char *dir = ((const struct place *)*state)->dir;
    struct problem problem;
    char pid[32];
    int first = -1;
    int second = -1;
    assert_int_equal(service_lock_state(dir, &first, &problem), OK);
    assert_int_equal(service_lock_state(dir, &second, &problem), ERR_BUSY);
    (void)snprintf(pid, sizeof(pid), "(pid %ld)", (long)getpid());
    assert_non_null(strstr(problem.detail, pid));
    assert_string_equal(problem.thing, dir);
    close(first);
    assert_int_equal(service_lock_state(dir, &second, &problem), OK);
    close(second);
    assert_int_equal(service_lock_state("/nonexistent", &second, &problem), ERR_IO);
}

static void write_config(const struct place *place)
{
    char text[300];
    struct problem problem;
    (void)snprintf(text, sizeof(text), "state = '%s/a/b'\nsocket = '%s/s'\nlog_level = error\n",
                   place->dir, place->dir);
    assert_int_equal(files_write(place_path(place, "c"), 0600, bytes_text(text), &problem), OK);
}

static bool start(const struct place *place, const char *last, struct service **service,
                  int *exit_code)
{
    char name[] = "tksk-node";
    char config[] = "--config";
    char path[200];
    char option[64];
    (void)snprintf(path, sizeof(path), "%s", place_path(place, "c"));
    (void)snprintf(option, sizeof(option), "%s", last ? last : "");
    char *argv[] = { name, config, path, last ? option : NULL, NULL };
    return service_start(&program, last ? 4 : 3, argv, service, exit_code);
}

/* systemd's side of sd_notify(3). */
static int notify_socket(const struct place *place)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", place->dir);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
    return fd;
}

static void assert_notified(int fd, const char *expected)
{
    char text[512];
    ssize_t got = recv(fd, text, sizeof(text) - 1, 0);
    assert_true(got >= 0);
    text[got] = '\0';
    assert_string_equal(text, expected);
}

/* Waits for a message that begins so; others before it are passed over. */
static void await_notified(int fd, const char *expected, char ret[512])
{
    struct timeval limit = { .tv_sec = 20 };
    int flags = fcntl(fd, F_GETFL);
    (void)fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    do {
        ssize_t got = recv(fd, ret, 511, 0);
        assert_true(got >= 0);
        ret[got] = '\0';
    } while (strncmp(ret, expected, strlen(expected)) != 0);
    (void)fcntl(fd, F_SETFL, flags);
}

static bool nothing_notified(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
}

/* What a daemon would say about itself: the third look finds something new. */
struct telling {
    struct service *service;
    unsigned looks;
};

static void tell(void *ctx, char ret[SERVICE_STATUS_MAX])
{
    struct telling *telling = ctx;
    (void)snprintf(ret, SERVICE_STATUS_MAX, "works\n%u", telling->looks++ / 2);
    if (telling->looks == 2)
        service_moved(telling->service);
    if (telling->looks == 3)
        loop_stop(service_loop(telling->service));
}

static void on_time(void *ctx)
{
    loop_stop(ctx);
}

/* systemd's side is set up for a watchdog of 60 ms: signs of life every 20. */
static int under_systemd(const struct place *place)
{
    int fd = notify_socket(place);
    write_config(place);
    setenv("WATCHDOG_USEC", "60000", 1);
    unsetenv("WATCHDOG_PID");
    return fd;
}

static void systemd_gone(int fd)
{
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(fd);
}

static void a_daemon_says_ready_lives_and_stops_in_order(void **state)
{
    struct telling telling = { .looks = 0 };
    struct service *service = NULL;
    struct stat st;
    char option[32], text[512];
    char byte = 0;
    int exit_code = -1;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    (void)snprintf(option, sizeof(option), "--ready-fd=%d", ready[1]);
    int fd = under_systemd(*state);
    setenv("WATCHDOG_USEC", "1500000", 1); /* rarely: nobody empties the socket meanwhile */

    assert_true(start(*state, option, &service, &exit_code));
    assert_int_equal(stat(place_path(*state, "a/b"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    telling.service = service;
    service_tells(service, tell, &telling);
    service_ready(service);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 0); /* closed behind it */
    assert_notified(fd, "READY=1\nSTATUS=works 0");
    assert_notified(fd, "WATCHDOG=1");
    service_moved(service);
    service_moved(service);
    assert_int_equal(service_run(service), OK);
    await_notified(fd, "WATCHDOG=1", text);
    await_notified(fd, "STATUS=", text);
    assert_string_equal(text, "STATUS=works 1");
    await_notified(fd, "STOPPING=1", text);
    assert_true(nothing_notified(fd));
    assert_int_equal(service_stop(&service), 0);
    assert_null(service);
    close(ready[0]);
    systemd_gone(fd);
}

static enum err answer_of_the_disk;

static enum err probe(void *ctx)
{
    (void)ctx;
    return answer_of_the_disk;
}

static void a_database_that_does_not_answer_feeds_no_watchdog(void **state)
{
    struct service *service = NULL;
    int exit_code = -1;
    char text[512];
    int fd = under_systemd(*state);
    assert_true(start(*state, NULL, &service, &exit_code));
    struct loop *loop = service_loop(service);
    answer_of_the_disk = ERR_STORE;
    service_probes(service, probe, NULL);
    service_ready(service);
    assert_notified(fd, "READY=1\nSTATUS=running");
    (void)loop_after(loop, 100, on_time, loop);
    assert_int_equal(loop_run(loop), OK);
    assert_true(nothing_notified(fd));
    answer_of_the_disk = OK;
    (void)loop_after(loop, 100, on_time, loop);
    assert_int_equal(loop_run(loop), OK);
    await_notified(fd, "WATCHDOG=1", text);
    assert_int_equal(service_stop(&service), 0);
    systemd_gone(fd);
}

static const char *const steps[] = { "CREATE TABLE item (number INTEGER) STRICT" };
static const struct db_kind kind = { 0x746b7401, steps, 1, 1000 };

/* Without a pass of the loop. The socket takes some messages only before it blocks. */
static void work_for_a_while(struct db *db, int fd)
{
    for (int i = 0; i < 200 && nothing_notified(fd); i++)
        assert_int_equal(db_exec(db, "WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1"
                                     " FROM n WHERE i < 10000) SELECT count(*) FROM n"),
                         OK);
}

static void long_work_is_not_taken_for_a_hang(void **state)
{
    struct service *service = NULL;
    struct problem problem;
    struct db db;
    int exit_code = -1;
    char text[512];
    int fd = under_systemd(*state);
    assert_true(start(*state, NULL, &service, &exit_code));
    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind, &db, &problem), OK);
    service_ready(service);
    await_notified(fd, "WATCHDOG=1", text);
    assert_true(nothing_notified(fd));
    work_for_a_while(&db, fd);
    await_notified(fd, "WATCHDOG=1", text);
    /* A child of the daemon is not the daemon. */
    while (recv(fd, text, sizeof(text), MSG_DONTWAIT) >= 0)
        ;
    pid_t child = fork();
    if (child == 0) {
        work_for_a_while(&db, fd);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(nothing_notified(fd));
    assert_int_equal(service_stop(&service), 0);
    work_for_a_while(&db, fd);
    assert_true(nothing_notified(fd));
    db_close(&db);
    systemd_gone(fd);
}

static void a_long_start_asks_for_more_time(void **state)
{
    struct service *service = NULL;
    struct problem problem;
    struct db db;
    int exit_code = -1;
    char text[512];
    int fd = under_systemd(*state);
    pid_t child = fork();
    if (child == 0) { /* ends without closing: the file is verified at the next opening */
        enum err err = db_open(place_path(*state, "a.db"), NULL, &kind, &db, &problem);
        _exit(err || db_checkpoint(&db) || db_exec(&db, "INSERT INTO item VALUES (1)"));
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(start(*state, NULL, &service, &exit_code));
    assert_int_equal(db_open(place_path(*state, "a.db"), NULL, &kind, &db, &problem), OK);
    await_notified(fd, "EXTEND_TIMEOUT_USEC=", text);
    assert_true(strtoull(strchr(text, '=') + 1, NULL, 10) > 60ull * 1000 * 1000);
    db_close(&db);
    assert_int_equal(service_stop(&service), 0);
    systemd_gone(fd);
}

static void what_keeps_it_from_running_ends_it_with_a_code(void **state)
{
    struct service *service = NULL;
    struct service *second = NULL;
    struct problem problem;
    int exit_code = -1;
    assert_false(start(*state, NULL, &service, &exit_code)); /* no such file */
    assert_int_equal(exit_code, EXIT_REFUSED);
    write_config(*state);
    assert_false(start(*state, "--check-config", &service, &exit_code));
    assert_int_equal(exit_code, 0);
    assert_int_not_equal(access(place_path(*state, "a"), F_OK), 0);
    assert_true(start(*state, NULL, &service, &exit_code));
    assert_false(start(*state, NULL, &second, &exit_code));
    assert_int_equal(exit_code, EXIT_REFUSED);
    (void)problem_set(&problem, ERR_STORE, "node.db", "damaged");
    service_fail(service, "cannot open the store", &problem);
    assert_int_equal(service_stop(&service), EXIT_REFUSED);
    assert_int_equal(files_write(place_path(*state, "c"), 0600, bytes_text("x = 1\n"), &problem),
                     OK);
    assert_false(start(*state, "--check-config", &service, &exit_code));
    assert_int_equal(exit_code, EXIT_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_are_taken_or_refused_with_exit_2),
        TEST(a_second_daemon_on_the_same_store_is_told_who_has_it),
        TEST(a_daemon_says_ready_lives_and_stops_in_order),
        TEST(a_database_that_does_not_answer_feeds_no_watchdog),
        TEST(long_work_is_not_taken_for_a_hang),
        TEST(a_long_start_asks_for_more_time),
        TEST(what_keeps_it_from_running_ends_it_with_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
