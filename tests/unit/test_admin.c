#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/admin.h"
#include "common/loop.h"
#include "tests/unit/place.h"

static struct loop *loop;
static struct admin *admin;
static struct admin_call *kept; /* a call that is answered later */
static int calls;

static void stop(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

static void run_ms(uint64_t ms)
{
    (void)loop_after(loop, ms, stop, NULL);
    assert_int_equal(loop_run(loop), OK);
}

static void handle(void *ctx, struct admin_call *call)
{
    (void)ctx;
    const char *cmd = admin_call_cmd(call);
    struct problem problem;
    calls++;
    if (strcmp(cmd, "echo") == 0) {
        admin_done(call, json_incref(admin_call_args(call)));
    } else if (strcmp(cmd, "who") == 0) {
        admin_row(call, json_pack("{s:I}", "uid", (json_int_t)admin_call_uid(call)));
        admin_progress(call, NULL);
        admin_done(call, NULL);
    } else if (strcmp(cmd, "keep") == 0) {
        kept = call;
    } else if (strcmp(cmd, "flood") == 0) {
        char text[1001];
        memset(text, 'x', 1000);
        text[1000] = '\0';
        for (int i = 0; i < 30000; i++)
            admin_row(call, json_pack("{s:s}", "text", text));
        admin_done(call, NULL);
    } else {
        (void)problem_set(&problem, ERR_NOT_FOUND, "command", cmd);
        admin_fail(call, &problem);
    }
}

static int dial(const void *place)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s",
                   ((const struct place *)place)->dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What has come by now; "" and *ret_end when the daemon closed. */
static const char *heard(int fd, bool *ret_end)
{
    static char text[8192];
    size_t len = 0;
    ssize_t got = 0;
    while (len + 1 < sizeof(text) && (got = recv(fd, text + len, sizeof(text) - len - 1, 0)) > 0)
        len += (size_t)got;
    text[len] = '\0';
    if (ret_end)
        *ret_end = got == 0 || (got < 0 && errno != EAGAIN);
    return text;
}

static const char *ask(int fd, const char *line)
{
    say(fd, line);
    run_ms(20);
    return heard(fd, NULL);
}

static void a_request_is_answered_with_its_callers_uid(void **state)
{
    int fd = dial(*state);
    char expected[64];
    assert_string_equal(ask(fd, "{\"v\":1,\"cmd\":\"echo\",\"args\":{\"a\":[1]},\"x\":0}\n"),
                        "{\"done\":{\"a\":[1]}}\n");
    assert_string_equal(ask(fd, "{\"v\":1,\"cmd\":\"echo\"}\n"), "{\"done\":{}}\n");
    (void)snprintf(expected, sizeof(expected),
                   "{\"row\":{\"uid\":%u}}\n{\"progress\":{}}\n{\"done\":{}}\n", getuid());
    assert_string_equal(ask(fd, "{\"v\":1,\"cmd\":\"who\"}\n"), expected);
    close(fd);
}

static void a_refusal_names_code_thing_rule_and_remedy_in_the_callers_language(void **state)
{
    int fd = dial(*state);
    assert_string_equal(ask(fd, "{\"v\":1,\"cmd\":\"fly\",\"lang\":\"id\"}\n"),
                        "{\"error\":{\"code\":\"not_found\",\"thing\":\"command\","
                        "\"rule\":\"tidak ditemukan: fly\","
                        "\"remedy\":\"periksa ejaannya atau lihat daftarnya\"}}\n");
    close(fd);
}

static void lines_in_pieces_and_several_at_once_are_taken_in_order(void **state)
{
    int fd = dial(*state);
    say(fd, "{\"v\":1,\"cmd\":\"ec");
    run_ms(10);
    say(fd, "ho\",\"args\":{\"n\":1}}\n{\"v\":1,\"cmd\":\"echo\",\"args\":{\"n\":2}}\n{\"v\":1,");
    run_ms(10);
    assert_string_equal(ask(fd, "\"cmd\":\"echo\",\"args\":{\"n\":3}}\n"),
                        "{\"done\":{\"n\":1}}\n{\"done\":{\"n\":2}}\n{\"done\":{\"n\":3}}\n");
    /* A reader that has said all it wants to say still gets its answer. */
    say(fd, "{\"v\":1,\"cmd\":\"echo\"}\n");
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    run_ms(20);
    bool end = false;
    assert_string_equal(heard(fd, &end), "{\"done\":{}}\n");
    assert_true(end);
    close(fd);
}

static void malformed_requests_are_refused_and_the_connection_goes_on(void **state)
{
    static const char *const bad[] = {
        "\n",
        "{\n",
        "[]\n",
        "null\n",
        "{\"cmd\":\"echo\"}\n",
        "{\"v\":2,\"cmd\":\"echo\"}\n",
        "{\"v\":\"1\",\"cmd\":\"echo\"}\n",
        "{\"v\":1}\n",
        "{\"v\":1,\"cmd\":\"\"}\n",
        "{\"v\":1,\"cmd\":7}\n",
        "{\"v\":1,\"cmd\":\"echo\\u0000x\"}\n",
        "{\"v\":1,\"cmd\":\"echo\",\"cmd\":\"fly\"}\n",
        "{\"v\":1,\"cmd\":\"echo\",\"args\":[]}\n",
        "{\"v\":1,\"cmd\":\"echo\",\"lang\":\"de\"}\n",
        "{\"v\":1,\"cmd\":\"echo\"} x\n",
        "{\"v\":1,\"cmd\":\"\xff\xfe\"}\n",
        "{\"v\":1,\"cmd\":\"0123456789012345678901234567890123456789012345678901234567890123\"}\n",
    };
    int fd = dial(*state);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const char *answer = ask(fd, bad[i]);
        if (strncmp(answer, "{\"error\":{\"code\":\"", 18) != 0)
            fail_msg("%s -> %s", bad[i], answer);
    }
    char deep[9000];
    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"v\":1,\"cmd\":\"echo\",\"args\":", 27);
    deep[sizeof(deep) - 2] = '\n';
    deep[sizeof(deep) - 1] = '\0';
    assert_non_null(strstr(ask(fd, deep), "malformed"));
    assert_int_equal(calls, 0);
    assert_string_equal(ask(fd, "{\"v\":1,\"cmd\":\"echo\"}\n"), "{\"done\":{}}\n");
    close(fd);
}

static void an_endless_line_is_cut_with_an_error(void **state)
{
    int fd = dial(*state);
    static char piece[64 * 1024];
    memset(piece, 'a', sizeof(piece));
    size_t sent = 0;
    bool refused = false;
    for (int i = 0; i < 200 && !refused; i++) {
        ssize_t got = send(fd, piece, sizeof(piece), MSG_NOSIGNAL);
        if (got > 0)
            sent += (size_t)got;
        refused = got < 0 && errno == EPIPE;
        run_ms(2);
    }
    assert_true(refused);
    assert_in_range(sent, ADMIN_LINE_BYTES_MAX, ADMIN_LINE_BYTES_MAX + 1024 * 1024);
    assert_non_null(strstr(heard(fd, NULL), "\"code\":\"limit\""));
    close(fd);
    fd = dial(*state);
    assert_string_equal(ask(fd, "{\"v\":1,\"cmd\":\"echo\"}\n"), "{\"done\":{}}\n");
    close(fd);
}

static void half_a_line_and_silence_time_out(void **state)
{
    bool end = false;
    admin_set_patience(admin, 60, 200);
    int half = dial(*state);
    int silent = dial(*state);
    int working = dial(*state);
    say(half, "{\"v\":1");
    say(working, "{\"v\":1,\"cmd\":\"keep\"}\n");
    run_ms(140);
    assert_non_null(strstr(heard(half, &end), "not finished in time"));
    assert_true(end);
    (void)heard(silent, &end);
    assert_false(end);
    run_ms(300);
    (void)heard(silent, &end);
    assert_true(end);
    (void)heard(working, &end);
    assert_false(end);
    admin_done(kept, NULL);
    run_ms(10);
    assert_string_equal(heard(working, NULL), "{\"done\":{}}\n");
    close(half);
    close(silent);
    close(working);
}

static void too_many_connections_are_told_so(void **state)
{
    int fds[ADMIN_CONNECTIONS_MAX + 1];
    bool end = false;
    for (size_t i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = dial(*state);
        run_ms(2);
    }
    assert_non_null(strstr(heard(fds[ADMIN_CONNECTIONS_MAX], &end), "\"code\":\"busy\""));
    assert_true(end);
    close(fds[ADMIN_CONNECTIONS_MAX]);
    close(fds[0]);
    run_ms(10);
    fds[0] = dial(*state);
    assert_string_equal(ask(fds[0], "{\"v\":1,\"cmd\":\"echo\"}\n"), "{\"done\":{}}\n");
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
        close(fds[i]);
}

static void a_call_may_be_answered_later_and_outlive_its_caller(void **state)
{
    int fd = dial(*state);
    say(fd, "{\"v\":1,\"cmd\":\"keep\"}\n{\"v\":1,\"cmd\":\"echo\"}\n");
    run_ms(10);
    assert_int_equal(calls, 1); /* the second waits for the first */
    assert_false(admin_call_is_orphan(kept));
    admin_row(kept, NULL);
    admin_done(kept, NULL);
    run_ms(10);
    assert_int_equal(calls, 2);
    assert_string_equal(heard(fd, NULL), "{\"row\":{}}\n{\"done\":{}}\n{\"done\":{}}\n");

    say(fd, "{\"v\":1,\"cmd\":\"keep\"}\n");
    run_ms(10);
    close(fd);
    run_ms(10);
    admin_row(kept, json_object());
    assert_true(admin_call_is_orphan(kept));
    admin_row(kept, json_object());
    admin_done(kept, json_object());
    run_ms(10);
}

static void a_reader_that_does_not_read_is_dropped(void **state)
{
    bool end = false;
    int fd = dial(*state);
    uint64_t start_ms = loop_now_ms();
    say(fd, "{\"v\":1,\"cmd\":\"flood\"}\n");
    run_ms(10);
    assert_true(loop_now_ms() - start_ms < 3000);
    for (int i = 0; i < 2000 && !end; i++)
        (void)heard(fd, &end);
    assert_true(end);
    close(fd);
}

static void a_reader_that_reads_gets_all(void **state)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        static char text[65536];
        uint64_t bytes = 0;
        int fd = dial(*state);
        say(fd, "{\"v\":1,\"cmd\":\"flood\"}\n");
        (void)shutdown(fd, SHUT_WR);
        for (;;) {
            ssize_t got = recv(fd, text, sizeof(text), 0);
            if (got == 0 || (got < 0 && errno != EAGAIN))
                break;
            bytes += got > 0 ? (uint64_t)got : 0;
        }
        _exit(write(fds[1], &bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) ? 0 : 1);
    }
    uint64_t bytes = 0;
    loop_watch(loop, fds[0], stop, NULL, NULL);
    run_ms(20000);
    loop_unwatch(loop, fds[0]);
    assert_int_equal(read(fds[0], &bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(bytes, 30000 * (1000 + 20) + 12);
    close(fds[0]);
    close(fds[1]);
}

static void the_socket_is_for_user_and_group_and_a_living_one_is_kept(void **state)
{
    struct stat st;
    struct problem problem;
    struct admin *second = NULL;
    char long_path[200];
    assert_int_equal(stat(place_path(*state, "s"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(
        admin_open(loop, place_path(*state, "s"), NULL, handle, NULL, &second, &problem), ERR_BUSY);
    memset(long_path, 'p', sizeof(long_path));
    long_path[0] = '/';
    long_path[108] = '\0';
    assert_int_equal(admin_open(loop, long_path, NULL, handle, NULL, &second, &problem), ERR_LIMIT);
    int fd = dial(*state);
    assert_string_equal(ask(fd, "{\"v\":1,\"cmd\":\"echo\"}\n"), "{\"done\":{}}\n");
    close(fd);

    /* A dead one is replaced; a file is not. */
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/dead",
                   ((const struct place *)*state)->dir);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
    assert_int_equal(
        admin_open(loop, address.sun_path, "no such group", handle, NULL, &second, &problem), OK);
    admin_close(&second);
    assert_int_not_equal(access(address.sun_path, F_OK), 0);
    FILE *file = fopen(address.sun_path, "w");
    (void)fclose(file);
    assert_int_equal(admin_open(loop, address.sun_path, NULL, handle, NULL, &second, &problem),
                     ERR_BUSY);
    assert_int_equal(access(address.sun_path, F_OK), 0);
}

static int setup(void **state)
{
    struct problem problem;
    calls = 0;
    kept = NULL;
    if (place_make(state) || crypto_start() || loop_open(&loop))
        return -1;
    return admin_open(loop, place_path(*state, "s"), NULL, handle, NULL, &admin, &problem) ? -1 : 0;
}

static int teardown(void **state)
{
    admin_close(&admin);
    loop_close(&loop);
    return place_remove(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_with_its_callers_uid),
        TEST(a_refusal_names_code_thing_rule_and_remedy_in_the_callers_language),
        TEST(lines_in_pieces_and_several_at_once_are_taken_in_order),
        TEST(malformed_requests_are_refused_and_the_connection_goes_on),
        TEST(an_endless_line_is_cut_with_an_error),
        TEST(half_a_line_and_silence_time_out),
        TEST(too_many_connections_are_told_so),
        TEST(a_call_may_be_answered_later_and_outlive_its_caller),
        TEST(a_reader_that_does_not_read_is_dropped),
        TEST(a_reader_that_reads_gets_all),
        TEST(the_socket_is_for_user_and_group_and_a_living_one_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
