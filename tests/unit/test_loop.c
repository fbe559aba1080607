#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "common/loop.h"

static struct loop *loop;
static char seen[64];

static void note(void *ctx)
{
    (void)strncat(seen, ctx, sizeof(seen) - strlen(seen) - 1);
}

static void stop(void *ctx)
{
    (void)ctx;
    loop_stop(loop);
}

static char a[] = "a";
static char b[] = "b";
static char c[] = "c";

static void timers_fire_once_in_order_and_not_when_cancelled(void **state)
{
    (void)state;
    (void)loop_after(loop, 20, note, b);
    int cancelled = loop_after(loop, 10, note, c);
    (void)loop_after(loop, 5, note, a);
    (void)loop_after(loop, 20, note, c);
    (void)loop_after(loop, 40, stop, NULL);
    loop_cancel(loop, cancelled);
    loop_cancel(loop, cancelled);
    loop_cancel(loop, 0);
    uint64_t start_ms = loop_now_ms();
    assert_int_equal(loop_run(loop), OK);
    assert_string_equal(seen, "abc");
    assert_true(loop_now_ms() - start_ms >= 39);
}

static void again(void *ctx)
{
    (void)loop_after(loop, 0, again, ctx);
}

static int pipe_fds[2];

static void on_pipe(void *ctx)
{
    char byte;
    assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
    note(ctx);
    loop_stop(loop);
}

static void a_timer_without_delay_does_not_keep_descriptors_waiting(void **state)
{
    (void)state;
    assert_int_equal(pipe(pipe_fds), 0);
    loop_watch(loop, pipe_fds[0], on_pipe, NULL, a);
    again(NULL);
    assert_int_equal(write(pipe_fds[1], "x", 1), 1);
    assert_int_equal(loop_run(loop), OK);
    assert_string_equal(seen, "a");
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static int first[2];
static int second[2];

static void unwatch_the_other(void *ctx)
{
    note(ctx);
    loop_unwatch(loop, first[0]);
    loop_unwatch(loop, second[0]);
    /* A new one in the place of the old must not be taken for it. */
    loop_watch(loop, second[0], unwatch_the_other, NULL, c);
    loop_unwatch(loop, second[0]);
}

static void a_callback_may_unwatch_what_is_ready_too(void **state)
{
    (void)state;
    assert_int_equal(pipe(first), 0);
    assert_int_equal(pipe(second), 0);
    assert_int_equal(write(first[1], "x", 1), 1);
    assert_int_equal(write(second[1], "x", 1), 1);
    loop_watch(loop, first[0], unwatch_the_other, NULL, a);
    loop_watch(loop, second[0], unwatch_the_other, NULL, b);
    (void)loop_after(loop, 20, stop, NULL);
    assert_int_equal(loop_run(loop), OK);
    assert_string_equal(seen, "a");
    for (int i = 0; i < 2; i++) {
        close(first[i]);
        close(second[i]);
    }
}

static void kill_self(void *ctx)
{
    (void)ctx;
    (void)raise(SIGTERM);
}

static void sigterm_ends_the_loop_in_order(void **state)
{
    (void)state;
    (void)loop_after(loop, 1, kill_self, NULL);
    (void)loop_after(loop, 10000, note, a);
    assert_int_equal(loop_run(loop), OK);
    assert_string_equal(seen, "");
}

static void a_child_takes_signals_again(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        loop_in_child();
        for (;;)
            pause();
    }
    assert_int_equal(kill(child, SIGTERM), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGTERM);
}

/* --- dealer ---------------------------------------------------------------------------------- */

struct hub {
    void *socket;
    char endpoint[128];
    struct secret_key *secret;
    struct public_key key;
};

/* A ROUTER with CURVE as the hub has it, without its access checks. */
static void hub_open(struct hub *hub)
{
    int on = 1;
    size_t len = sizeof(hub->endpoint);
    hub->secret = secret_key_new();
    crypto_box_public(hub->secret, &hub->key);
    hub->socket = zmq_socket(loop_zmq(loop), ZMQ_ROUTER);
    assert_non_null(hub->socket);
    zmq_setsockopt(hub->socket, ZMQ_CURVE_SERVER, &on, sizeof(on));
    zmq_setsockopt(hub->socket, ZMQ_CURVE_SECRETKEY, secret_key_bytes(hub->secret), 32);
    assert_int_equal(zmq_bind(hub->socket, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_getsockopt(hub->socket, ZMQ_LAST_ENDPOINT, hub->endpoint, &len), 0);
}

static void hub_close(struct hub *hub)
{
    int linger = 0;
    if (!hub->socket)
        return;
    zmq_setsockopt(hub->socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_close(hub->socket);
    hub->socket = NULL;
    secret_key_close(&hub->secret);
}

static struct dealer *dealer;
static struct hub hub;

static void on_frame(void *ctx, struct bytes frame)
{
    (void)ctx;
    (void)snprintf(seen, sizeof(seen), "%.*s", (int)frame.len, (const char *)frame.at);
    dealer_close(&dealer); /* as a session does that has had enough */
    loop_stop(loop);
}

static void on_ready(void *ctx)
{
    (void)ctx;
    assert_int_equal(dealer_send(dealer, bytes_text("hello")), OK);
}

/* Echoes: first a message of two parts, which must not arrive, then one of one part. */
static void on_hub_readable(void *ctx)
{
    (void)ctx;
    char peer[64];
    char text[64];
    int peer_len = zmq_recv(hub.socket, peer, sizeof(peer), ZMQ_DONTWAIT);
    int text_len = zmq_recv(hub.socket, text, sizeof(text), ZMQ_DONTWAIT);
    if (peer_len < 0 || text_len < 0)
        return;
    zmq_send(hub.socket, peer, (size_t)peer_len, ZMQ_SNDMORE);
    zmq_send(hub.socket, "two", 3, ZMQ_SNDMORE);
    zmq_send(hub.socket, "parts", 5, 0);
    zmq_send(hub.socket, peer, (size_t)peer_len, ZMQ_SNDMORE);
    zmq_send(hub.socket, text, (size_t)text_len, 0);
}

static void a_dealer_is_told_when_it_can_send_and_gets_the_answer(void **state)
{
    (void)state;
    struct secret_key *own = secret_key_new();
    hub_open(&hub);
    loop_watch_socket(loop, hub.socket, on_hub_readable, NULL, NULL);
    assert_int_equal(
        dealer_open(loop, hub.endpoint, &hub.key, own, 32 * 1024, on_frame, NULL, &dealer), OK);
    dealer_when_ready(dealer, on_ready, NULL);
    int guard = loop_after(loop, 30000, stop, NULL);
    assert_int_equal(loop_run(loop), OK);
    loop_cancel(loop, guard);
    assert_string_equal(seen, "hello");
    assert_null(dealer);
    loop_unwatch_socket(loop, hub.socket);
    hub_close(&hub);
    secret_key_close(&own);
}

#define LIMIT_BYTES 4096

static size_t echo_bytes;

static void send_bytes(void *ctx)
{
    (void)ctx;
    static const uint8_t zeros[LIMIT_BYTES + 1];
    assert_int_equal(dealer_send(dealer, bytes_of(zeros, echo_bytes)), OK);
}

static void echo(void *ctx)
{
    (void)ctx;
    char peer[64];
    char text[LIMIT_BYTES + 1];
    int peer_len = zmq_recv(hub.socket, peer, sizeof(peer), ZMQ_DONTWAIT);
    int text_len = zmq_recv(hub.socket, text, sizeof(text), ZMQ_DONTWAIT);
    if (peer_len < 0 || text_len < 0)
        return;
    zmq_send(hub.socket, peer, (size_t)peer_len, ZMQ_SNDMORE);
    zmq_send(hub.socket, text, (size_t)text_len, 0);
}

static void note_length(void *ctx, struct bytes frame)
{
    (void)ctx;
    (void)snprintf(seen, sizeof(seen), "%zu", frame.len);
    loop_stop(loop);
}

static void a_frame_of_the_limit_arrives_and_one_byte_more_never(void **state)
{
    (void)state;
    struct secret_key *own = secret_key_new();
    hub_open(&hub);
    loop_watch_socket(loop, hub.socket, echo, NULL, NULL);
    for (size_t more = 0; more < 2; more++) {
        echo_bytes = LIMIT_BYTES + more;
        seen[0] = '\0';
        assert_int_equal(
            dealer_open(loop, hub.endpoint, &hub.key, own, LIMIT_BYTES, note_length, NULL, &dealer),
            OK);
        dealer_when_ready(dealer, send_bytes, NULL);
        int guard = loop_after(loop, more ? 400 : 30000, stop, NULL);
        assert_int_equal(loop_run(loop), OK);
        loop_cancel(loop, guard);
        assert_string_equal(seen, more ? "" : "4096");
        dealer_close(&dealer);
    }
    loop_unwatch_socket(loop, hub.socket);
    hub_close(&hub);
    secret_key_close(&own);
}

static void a_hub_with_another_key_is_never_spoken_to(void **state)
{
    (void)state;
    struct secret_key *own = secret_key_new();
    struct secret_key *wrong_secret = secret_key_new();
    struct public_key wrong;
    crypto_box_public(wrong_secret, &wrong);
    hub_open(&hub);
    assert_int_equal(
        dealer_open(loop, hub.endpoint, &wrong, own, 32 * 1024, on_frame, NULL, &dealer), OK);
    (void)loop_after(loop, 400, stop, NULL);
    assert_int_equal(loop_run(loop), OK);
    /* IMMEDIATE: nothing is queued for a connection that is not there. */
    assert_int_equal(dealer_send(dealer, bytes_text("x")), ERR_BUSY);
    dealer_close(&dealer);
    assert_int_equal(dealer_open(loop, "nonsense", &wrong, own, 32 * 1024, on_frame, NULL, &dealer),
                     ERR_USAGE);
    assert_null(dealer);
    hub_close(&hub);
    secret_key_close(&own);
    secret_key_close(&wrong_secret);
}

static int setup(void **state)
{
    (void)state;
    seen[0] = '\0';
    return crypto_start() || loop_open(&loop) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    /* What a failed test left open would keep the context from ending. */
    dealer_close(&dealer);
    hub_close(&hub);
    loop_close(&loop);
    return loop ? -1 : 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(timers_fire_once_in_order_and_not_when_cancelled),
        TEST(a_timer_without_delay_does_not_keep_descriptors_waiting),
        TEST(a_callback_may_unwatch_what_is_ready_too),
        TEST(sigterm_ends_the_loop_in_order),
        TEST(a_child_takes_signals_again),
        TEST(a_dealer_is_told_when_it_can_send_and_gets_the_answer),
        TEST(a_frame_of_the_limit_arrives_and_one_byte_more_never),
        TEST(a_hub_with_another_key_is_never_spoken_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
