/* The traps of design §5, each on real sockets over loopback. */
#include "tests/unit/hub_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <zmq.h>

#include "common/loop.h"
#include "hub/hub_access.h"

#define SHORT_MS 400 /* that nothing arrives */
#define LONG_MS 8000 /* until something must have */
#define CONNECTIONS_MAX 8

static struct loop *loop;
static struct hub_access *access_;
static struct secret_key *hub_curve;
static struct public_key hub_public;
static void *clients; /* a context of their own, as other machines have */
static struct fix_office office, stranger;
static bool office_admitted;

static unsigned received;
static struct hub_peer last_peer;
static char last_frame[64];
static bool echo;

static bool admits(void *ctx, const struct public_key *curve_key)
{
    (void)ctx;
    return office_admitted && memcmp(curve_key, &office.curve_key, sizeof *curve_key) == 0;
}

static void receive(void *ctx, const struct hub_peer *peer, struct bytes frame)
{
    (void)ctx;
    received++;
    last_peer = *peer;
    snprintf(last_frame, sizeof last_frame, "%.*s", (int)frame.len, (const char *)frame.at);
    if (echo)
        assert_ok(hub_access_send(access_, peer, frame));
}

static void turn_end(void *ctx)
{
    (void)ctx;
}

static enum err access_try(const char *listen, struct problem *problem)
{
    const struct hub_access_options options = { .listen = listen,
                                                .curve = hub_curve,
                                                .connections_max = CONNECTIONS_MAX };
    const struct hub_access_events events = { .admits = admits,
                                              .receive = receive,
                                              .turn_end = turn_end };
    return hub_access_open(loop, &options, &events, &access_, problem);
}

static int setup(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    received = 0;
    echo = false;
    office_admitted = true;
    hub_curve = secret_key_new();
    crypto_box_public(hub_curve, &hub_public);
    fix_office_open(&office, "36.04.29", 1);
    fix_office_open(&stranger, "36.04.30", 2);
    assert_ok(loop_open(&loop));
    assert_ok(access_try("tcp://127.0.0.1:*", &problem));
    clients = zmq_ctx_new();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hub_access_close(&access_);
    zmq_ctx_term(clients);
    loop_close(&loop);
    secret_key_close(&hub_curve);
    fix_office_close(&office);
    fix_office_close(&stranger);
    return 0;
}

/* ---- driving the loop */

struct wait {
    bool (*done)(void);
    uint64_t end_ms;
};

static void wait_look(void *ctx)
{
    struct wait *wait = ctx;
    if ((wait->done != NULL && wait->done()) || loop_now_ms() >= wait->end_ms)
        loop_stop(loop);
    else
        (void)loop_after(loop, 5, wait_look, wait);
}

static bool run_until(bool (*done)(void), uint64_t limit_ms)
{
    struct wait wait = { .done = done, .end_ms = loop_now_ms() + limit_ms };
    (void)loop_after(loop, 0, wait_look, &wait);
    assert_ok(loop_run(loop));
    return done != NULL && done();
}

static unsigned wanted;
static bool received_enough(void)
{
    return received >= wanted;
}

static bool arrives(unsigned count)
{
    wanted = count;
    return run_until(received_enough, LONG_MS);
}

static bool nothing_arrives(void)
{
    unsigned before = received;
    (void)run_until(NULL, SHORT_MS);
    return received == before;
}

/* ---- clients */

static void *dealer_of(const struct fix_office *from)
{
    const int zero = 0;
    void *socket = zmq_socket(clients, ZMQ_DEALER);
    assert_non_null(socket);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero), 0);
    if (from != NULL) {
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, hub_public.at, 32), 0);
        assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, from->curve_key.at, 32), 0);
        assert_int_equal(
            zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key_bytes(from->curve), 32), 0);
    }
    return socket;
}

static void *dealer_connected(const struct fix_office *from)
{
    void *socket = dealer_of(from);
    assert_int_equal(zmq_connect(socket, hub_access_endpoint(access_)), 0);
    return socket;
}

static void say(void *socket, const char *text)
{
    assert_true(zmq_send(socket, text, strlen(text), ZMQ_DONTWAIT) >= 0);
}

static void *heard_socket;
static char heard[64];
static bool heard_something(void)
{
    int len = zmq_recv(heard_socket, heard, sizeof heard - 1, ZMQ_DONTWAIT);
    if (len < 0)
        return heard[0] != '\0';
    heard[len] = '\0';
    return true;
}

static bool hears(void *socket)
{
    heard_socket = socket;
    heard[0] = '\0';
    return run_until(heard_something, LONG_MS);
}

static int tcp_open(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    const char *port = strrchr(hub_access_endpoint(access_), ':') + 1;
    address.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        assert_int_equal(errno, EINPROGRESS);
    return fd;
}

static size_t resident_kib(void)
{
    char line[128];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "VmRSS: %zu", &kib) == 1)
            break;
    (void)fclose(status);
    return kib;
}

/* ---- the traps */

static void an_enrolled_key_is_heard_and_answered(void **state)
{
    (void)state;
    echo = true;
    void *socket = dealer_connected(&office);
    say(socket, "hello");
    assert_true(arrives(1));
    assert_string_equal(last_frame, "hello");
    assert_memory_equal(&last_peer.curve_key, &office.curve_key, PUBLIC_KEY_BYTES);
    assert_true(hears(socket));
    assert_string_equal(heard, "hello");
    zmq_close(socket);
}

static void a_peer_without_a_key_is_not_heard(void **state)
{
    (void)state;
    void *socket = dealer_connected(NULL);
    say(socket, "hello");
    assert_true(nothing_arrives());
    zmq_close(socket);
}

static bool denied(void)
{
    return hub_access_counters(access_)->handshakes_denied > 0;
}

static void a_key_that_is_not_enrolled_is_not_heard(void **state)
{
    (void)state;
    void *socket = dealer_connected(&stranger);
    say(socket, "hello");
    assert_true(run_until(denied, LONG_MS));
    assert_true(nothing_arrives());
    assert_int_equal(hub_access_counters(access_)->handshakes_admitted, 0);
    zmq_close(socket);
}

static void a_client_of_another_hub_key_is_not_heard(void **state)
{
    (void)state;
    void *socket = dealer_of(&office);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, stranger.curve_key.at, 32), 0);
    assert_int_equal(zmq_connect(socket, hub_access_endpoint(access_)), 0);
    say(socket, "hello");
    assert_true(nothing_arrives());
    zmq_close(socket);
}

/* CURVE alone would let any client key in: the trap that the enforced domain closes. */
static void without_the_handler_nobody_gets_in(void **state)
{
    (void)state;
    hub_access_drop_handler(access_);
    void *socket = dealer_connected(&office);
    void *other = dealer_connected(&stranger);
    say(socket, "hello");
    say(other, "hello");
    assert_true(nothing_arrives());
    zmq_close(socket);
    zmq_close(other);
}

/* What a routing id claims does not matter: the key does, on each message. */
static void a_routing_id_names_nobody(void **state)
{
    (void)state;
    void *socket = dealer_of(&office);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_ROUTING_ID, "36.04.30", 8), 0);
    assert_int_equal(zmq_connect(socket, hub_access_endpoint(access_)), 0);
    say(socket, "one");
    assert_true(arrives(1));
    assert_memory_equal(&last_peer.curve_key, &office.curve_key, PUBLIC_KEY_BYTES);
    /* A second connection with the same id does not take the first one's place. */
    void *second = dealer_of(&office);
    assert_int_equal(zmq_setsockopt(second, ZMQ_ROUTING_ID, "36.04.30", 8), 0);
    assert_int_equal(zmq_connect(second, hub_access_endpoint(access_)), 0);
    say(second, "thief");
    assert_true(nothing_arrives());
    echo = true;
    say(socket, "two");
    assert_true(arrives(2));
    assert_true(hears(socket));
    assert_string_equal(heard, "two");
    zmq_close(socket);
    zmq_close(second);
}

static void several_frames_in_one_message_are_refused(void **state)
{
    (void)state;
    void *socket = dealer_connected(&office);
    assert_int_equal(zmq_send(socket, "a", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(socket, "b", 1, ZMQ_SNDMORE), 1);
    assert_int_equal(zmq_send(socket, "c", 1, 0), 1);
    say(socket, "after");
    assert_true(arrives(1));
    assert_string_equal(last_frame, "after");
    assert_int_equal(received, 1);
    assert_int_equal(hub_access_counters(access_)->frames_refused, 1);
    zmq_close(socket);
}

static void an_oversized_message_ends_its_connection(void **state)
{
    (void)state;
    size_t bytes = FRAME_BYTES_MAX + 4096;
    char *large = calloc(1, bytes);
    assert_non_null(large);
    void *socket = dealer_connected(&office);
    say(socket, "before");
    assert_true(arrives(1));
    assert_true(zmq_send(socket, large, bytes, ZMQ_DONTWAIT) >= 0);
    assert_true(nothing_arrives());
    free(large);
    zmq_close(socket);
}

static void the_largest_frame_passes(void **state)
{
    (void)state;
    char *large = calloc(1, FRAME_BYTES_MAX);
    assert_non_null(large);
    void *socket = dealer_connected(&office);
    assert_true(zmq_send(socket, large, FRAME_BYTES_MAX, ZMQ_DONTWAIT) >= 0);
    assert_true(arrives(1));
    free(large);
    zmq_close(socket);
}

/* A greeting, then a command that promises 400 MB: without a limit each such peer costs that
 * memory. */
static void what_nobody_vouched_for_costs_little_memory(void **state)
{
    (void)state;
    static uint8_t chunk[64 * 1024];
    uint8_t greeting[64] = { 0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E' };
    const uint8_t command[] = { 0x06, 0, 0, 0, 0, 0x18, 0, 0, 0 };
    int fds[4];
    for (unsigned i = 0; i < COUNT_OF(fds); i++) {
        fds[i] = tcp_open();
        (void)run_until(NULL, 50);
        assert_int_equal(send(fds[i], greeting, sizeof greeting, MSG_NOSIGNAL), sizeof greeting);
        (void)send(fds[i], command, sizeof command, MSG_NOSIGNAL);
    }
    (void)run_until(NULL, 200);
    size_t before_kib = resident_kib();
    size_t swallowed = 0;
    for (unsigned turn = 0; turn < 100; turn++) {
        for (unsigned i = 0; i < COUNT_OF(fds); i++) {
            ssize_t sent = send(fds[i], chunk, sizeof chunk, MSG_NOSIGNAL);
            swallowed += sent > 0 ? (size_t)sent : 0;
        }
        (void)run_until(NULL, 2);
    }
    assert_true(resident_kib() < before_kib + 4096);
    assert_true(swallowed < sizeof fds / sizeof fds[0] * 8 * 1024 * 1024);
    for (unsigned i = 0; i < COUNT_OF(fds); i++)
        (void)close(fds[i]);
}

/* Access judges handshakes; a living connection goes on talking. So the driver asks the trust part
 * for every message (test_hub_driver); here: the key stands on each message, and no new handshake
 * passes. */
static void a_revoked_key_cannot_connect_again_and_stays_named_on_the_old_connection(void **state)
{
    (void)state;
    void *socket = dealer_connected(&office);
    say(socket, "one");
    assert_true(arrives(1));
    office_admitted = false;
    memset(&last_peer, 0, sizeof last_peer);
    say(socket, "two");
    assert_true(arrives(2));
    assert_memory_equal(&last_peer.curve_key, &office.curve_key, PUBLIC_KEY_BYTES);
    void *second = dealer_connected(&office);
    say(second, "three");
    assert_true(run_until(denied, LONG_MS));
    assert_true(nothing_arrives());
    zmq_close(socket);
    zmq_close(second);
}

/* A ROUTER drops in silence at its high-water mark unless it is told not to. */
static void a_peer_that_does_not_read_is_back_pressure_and_nothing_is_lost(void **state)
{
    (void)state;
    static uint8_t frame[FRAME_BYTES_MAX];
    const int one = 1;
    void *socket = dealer_of(&office);
    assert_int_equal(zmq_setsockopt(socket, ZMQ_RCVHWM, &one, sizeof one), 0);
    assert_int_equal(zmq_connect(socket, hub_access_endpoint(access_)), 0);
    say(socket, "hello");
    assert_true(arrives(1));
    unsigned sent = 0;
    enum err err = OK;
    while (sent < 10000 &&
           (err = hub_access_send(access_, &last_peer, bytes_of(frame, sizeof frame))) == OK)
        sent++;
    assert_err(err, ERR_BUSY);
    unsigned got = 0;
    for (uint64_t end_ms = loop_now_ms() + LONG_MS; got < sent && loop_now_ms() < end_ms;) {
        if (zmq_recv(socket, frame, sizeof frame, ZMQ_DONTWAIT) == sizeof frame)
            got++;
        else
            (void)run_until(NULL, 5);
    }
    assert_int_equal(got, sent);
    assert_ok(hub_access_send(access_, &last_peer, bytes_text("room again")));
    zmq_close(socket);
}

static struct hub_peer gone;
static bool is_gone(void)
{
    return hub_access_send(access_, &gone, bytes_text("x")) == ERR_NOT_FOUND;
}

static void a_peer_that_hung_up_is_not_found(void **state)
{
    (void)state;
    void *socket = dealer_connected(&office);
    say(socket, "hello");
    assert_true(arrives(1));
    gone = last_peer;
    zmq_close(socket);
    assert_true(run_until(is_gone, LONG_MS));
}

static bool is_full(void)
{
    return hub_access_counters(access_)->gate_closed > 0;
}

static bool has_room(void)
{
    return hub_access_counters(access_)->connections + CONNECTIONS_MAX / 8 < CONNECTIONS_MAX;
}

static bool is_connected(int fd)
{
    struct sockaddr_in peer;
    socklen_t len = sizeof peer;
    return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

/* libzmq caps no connections, and its unbind would end the living ones. */
static void at_the_cap_new_connections_wait_and_living_ones_go_on(void **state)
{
    (void)state;
    int fds[CONNECTIONS_MAX];
    echo = true;
    void *socket = dealer_connected(&office);
    say(socket, "one");
    assert_true(arrives(1));
    assert_true(hears(socket));
    for (unsigned i = 0; i < CONNECTIONS_MAX - 1; i++)
        fds[i] = tcp_open();
    assert_true(run_until(is_full, LONG_MS));

    fds[CONNECTIONS_MAX - 1] = tcp_open();
    say(socket, "two");
    assert_true(arrives(2));
    assert_true(hears(socket));
    assert_string_equal(heard, "two");
    assert_false(is_connected(fds[CONNECTIONS_MAX - 1]));

    for (unsigned i = 0; i < CONNECTIONS_MAX; i++)
        (void)close(fds[i]);
    assert_true(run_until(has_room, LONG_MS));
    void *second = dealer_connected(&office);
    say(second, "three");
    assert_true(arrives(3));
    zmq_close(socket);
    zmq_close(second);
}

static bool is_empty(void)
{
    return hub_access_counters(access_)->connections == 0;
}

static bool is_one(void)
{
    return hub_access_counters(access_)->connections == 1;
}

static void a_connection_that_says_nothing_is_closed_after_the_handshake_interval(void **state)
{
    (void)state;
    int fd = tcp_open();
    assert_true(run_until(is_one, LONG_MS));
    assert_true(run_until(is_empty, LONG_MS));
    (void)close(fd);
}

static void an_endpoint_must_be_a_literal_address(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    hub_access_close(&access_);
    static const char *const bad[] = {
        "",       "tcp://",          "127.0.0.1:7443",     "tcp://localhost:7443",
        "ipc:/x", "tcp://127.0.0.1", "tcp://127.0.0.1:",   "tcp://127.0.0.1:70000",
        "tcp://", "tcp://[::1:7443", "tcp://127.0.0.1:-1", "tcp://lo:7443",
    };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_err(access_try(bad[i], &problem), ERR_CONFIG);
    assert_ok(access_try("tcp://*:*", &problem));
    assert_non_null(strstr(hub_access_endpoint(access_), "tcp://0.0.0.0:"));
}

static void a_taken_port_is_named(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    struct hub_access *first = access_;
    char endpoint[ENDPOINT_TEXT_MAX + 1];
    snprintf(endpoint, sizeof endpoint, "%s", hub_access_endpoint(first));
    assert_err(access_try(endpoint, &problem), ERR_BUSY);
    assert_string_equal(problem.thing, endpoint);
    access_ = first;
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_enrolled_key_is_heard_and_answered),
        TEST(a_peer_without_a_key_is_not_heard),
        TEST(a_key_that_is_not_enrolled_is_not_heard),
        TEST(a_client_of_another_hub_key_is_not_heard),
        TEST(without_the_handler_nobody_gets_in),
        TEST(a_routing_id_names_nobody),
        TEST(several_frames_in_one_message_are_refused),
        TEST(an_oversized_message_ends_its_connection),
        TEST(the_largest_frame_passes),
        TEST(what_nobody_vouched_for_costs_little_memory),
        TEST(a_revoked_key_cannot_connect_again_and_stays_named_on_the_old_connection),
        TEST(a_peer_that_does_not_read_is_back_pressure_and_nothing_is_lost),
        TEST(a_peer_that_hung_up_is_not_found),
        TEST(at_the_cap_new_connections_wait_and_living_ones_go_on),
        TEST(a_connection_that_says_nothing_is_closed_after_the_handshake_interval),
        TEST(an_endpoint_must_be_a_literal_address),
        TEST(a_taken_port_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
