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

static void on_time(void *ctx)
{
    loop_stop(ctx);
}

static void a_daemon_says_ready_lives_and_stops_in_order(void **state)
{
    struct service *service = NULL;
    struct stat st;
    char option[32];
    char byte = 0;
    int exit_code = -1;
    int ready[2];
    write_config(*state);
    assert_int_equal(pipe(ready), 0);
    (void)snprintf(option, sizeof(option), "--ready-fd=%d", ready[1]);
    int fd = notify_socket(*state);
    setenv("WATCHDOG_USEC", "60000", 1);
    unsetenv("WATCHDOG_PID");

    assert_true(start(*state, option, &service, &exit_code));
    assert_int_equal(stat(place_path(*state, "a/b"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    service_ready(service, "works");
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(read(ready[0], &byte, 1), 0); /* closed behind it */
    assert_notified(fd, "READY=1\nSTATUS=works");
    assert_notified(fd, "WATCHDOG=1");
    service_status(service, "a\nb=%d", 1);
    assert_notified(fd, "STATUS=a b=1");
    (void)loop_after(service_loop(service), 30, on_time, service_loop(service));
    assert_int_equal(loop_run(service_loop(service)), OK);
    assert_notified(fd, "WATCHDOG=1");
    assert_int_equal(service_stop(&service), 0);
    assert_null(service);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    close(ready[0]);
    close(fd);
}

static void what_keeps_it_from_running_ends_it_with_1(void **state)
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
    assert_int_equal(exit_code, EXIT_REFUSED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(options_are_taken_or_refused_with_exit_2),
        TEST(a_second_daemon_on_the_same_store_is_told_who_has_it),
        TEST(a_daemon_says_ready_lives_and_stops_in_order),
        TEST(what_keeps_it_from_running_ends_it_with_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
