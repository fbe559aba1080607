#include "hub/hub_access.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "common/log.h"
#include "common/must.h"
#include "proto/limits.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_DOMAIN "tksk"
#define ZAP_FRAMES_MAX 16
#define OPTION_ZAP_ENFORCE_DOMAIN 93 /* a draft in 4.3.4's header, at work in Debian's build */
#define HANDSHAKE_MS 5000
#define HEARTBEAT_MS 30000
#define HEARTBEAT_TIMEOUT_MS 60000
#define HEARTBEAT_TTL_MS 180000
#define HIGH_WATER 16 /* frames queued for or from one peer */
#define BACKLOG 128
#define FRAMES_A_TURN 64
#define DESCRIPTORS_KEPT 64 /* databases, sockets of the loop, admin connections */
#define ACCEPT_FAILED_PAUSE_MS 1000
#define HEX_CHARS (2 * PUBLIC_KEY_BYTES)

struct hub_access {
    struct loop *loop;
    struct hub_access_events events;
    void *zap, *router, *monitor;
    int listen_fd; /* ours, of the socket that libzmq listens on */
    unsigned connections_max;
    bool gate_closed;
    int gate_timer;
    char endpoint[ENDPOINT_TEXT_MAX + 1];
    struct hub_access_counters counters;
};

/* ---- the listening socket */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* "tcp://HOST:PORT" with a literal address, so that nothing is resolved and no netlink is asked. */
static bool listen_parse(const char *text, union address *ret, socklen_t *ret_len)
{
    static const char scheme[] = "tcp://";
    char host[INET6_ADDRSTRLEN + 2];
    if (strncmp(text, scheme, strlen(scheme)) != 0)
        return false;
    text += strlen(scheme);
    const char *colon = strrchr(text, ':');
    if (colon == NULL || (size_t)(colon - text) >= sizeof host)
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = '\0';

    unsigned long port = 0;
    if (strcmp(colon + 1, "*") != 0) {
        char *end;
        if (colon[1] < '0' || colon[1] > '9')
            return false;
        port = strtoul(colon + 1, &end, 10);
        if (*end != '\0' || port > UINT16_MAX)
            return false;
    }
    memset(ret, 0, sizeof *ret);
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        ret->v6.sin6_family = AF_INET6;
        ret->v6.sin6_port = htons((uint16_t)port);
        *ret_len = sizeof ret->v6;
        return inet_pton(AF_INET6, host + 1, &ret->v6.sin6_addr) == 1;
    }
    ret->v4.sin_family = AF_INET;
    ret->v4.sin_port = htons((uint16_t)port);
    *ret_len = sizeof ret->v4;
    return strcmp(host, "*") == 0 || inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1;
}

static void endpoint_write(int fd, char ret[ENDPOINT_TEXT_MAX + 1])
{
    union address address = { .v6 = { .sin6_family = AF_UNSPEC } };
    socklen_t len = sizeof address;
    char host[INET6_ADDRSTRLEN] = "";
    int code = getsockname(fd, &address.any, &len);
    must(code == 0);
    if (address.any.sa_family == AF_INET6) {
        (void)inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof host);
        (void)snprintf(ret, ENDPOINT_TEXT_MAX + 1, "tcp://[%s]:%u", host,
                       (unsigned)ntohs(address.v6.sin6_port));
    } else {
        (void)inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof host);
        (void)snprintf(ret, ENDPOINT_TEXT_MAX + 1, "tcp://%s:%u", host,
                       (unsigned)ntohs(address.v4.sin_port));
    }
}

static enum err listen_open(const char *text, int *ret_fd, bool *ret_v6, struct problem *problem)
{
    union address address;
    socklen_t len;
    const int one = 1, zero = 0;
    if (!listen_parse(text, &address, &len))
        return problem_setf(problem, ERR_CONFIG, "listen",
                            "%s is not of the form tcp://*:7443 or tcp://192.0.2.1:7443", text);
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return problem_set(problem, ERR_IO, text, strerror(errno));
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
    if (bind(fd, &address.any, len) != 0 || listen(fd, BACKLOG) != 0) {
        int number = errno;
        (void)close(fd);
        return problem_set(problem, number == EADDRINUSE ? ERR_BUSY : ERR_IO, text,
                           number == EADDRINUSE ? "this address and port" : strerror(number));
    }
    *ret_fd = fd;
    *ret_v6 = address.any.sa_family == AF_INET6;
    return OK;
}

/* ---- the gate: how many connections there may be */

static unsigned connections_allowed(unsigned asked)
{
    struct rlimit limit;
    unsigned max = asked != 0 ? asked : ACCESS_CONNECTIONS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        rlim_t room = limit.rlim_cur > 2 * DESCRIPTORS_KEPT ? limit.rlim_cur - DESCRIPTORS_KEPT
                                                            : DESCRIPTORS_KEPT;
        if (max > room)
            max = (unsigned)room;
    }
    return max;
}

/* Connections that stand are not touched: a filter drops what arrives for the listening socket.
 * Where the kernel keeps filters to the privileged, and a sandbox has none of these, what has been
 * on its way for a single hop is dropped instead (ip(7), IP_MINTTL): all but a neighbour who sends
 * with 255. */
static bool gate_move(int fd, bool closed)
{
    struct sock_filter drop[] = { BPF_STMT(BPF_RET | BPF_K, 0) };
    const struct sock_fprog program = { .len = COUNT_OF(drop), .filter = drop };
    const int unused = 0, hops = closed ? 255 : 0;
    if (closed && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0)
        return true;
    if (!closed)
        (void)setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused);
    bool v4 = setsockopt(fd, IPPROTO_IP, IP_MINTTL, &hops, sizeof hops) == 0;
    bool v6 = setsockopt(fd, IPPROTO_IPV6, IPV6_MINHOPCOUNT, &hops, sizeof hops) == 0;
    return v4 || v6;
}

static void gate_set(struct hub_access *access, bool closed)
{
    if (closed == access->gate_closed)
        return;
    if (!gate_move(access->listen_fd, closed))
        log_error("the gate for new connections does not move closed=%d error=\"%s\"", closed,
                  strerror(errno));
    access->gate_closed = closed;
    if (closed) {
        access->counters.gate_closed++;
        log_warning("no new connections for now connections=%llu max=%u",
                    (unsigned long long)access->counters.connections, access->connections_max);
    } else {
        log_info("new connections are taken again connections=%llu",
                 (unsigned long long)access->counters.connections);
    }
}

static void gate_settle(struct hub_access *access)
{
    uint64_t now = access->counters.connections;
    if (now >= access->connections_max)
        gate_set(access, true);
    else if (access->gate_timer == 0 && now + access->connections_max / 8 < access->connections_max)
        gate_set(access, false);
}

static void gate_pause_over(void *ctx)
{
    struct hub_access *access = ctx;
    access->gate_timer = 0;
    gate_settle(access);
}

static void monitor_readable(void *ctx)
{
    struct hub_access *access = ctx;
    uint8_t event[8], rest[256];
    while (zmq_recv(access->monitor, event, sizeof event, ZMQ_DONTWAIT) >= 2) {
        (void)zmq_recv(access->monitor, rest, sizeof rest, 0);
        uint16_t kind;
        memcpy(&kind, event, sizeof kind);
        if (kind == ZMQ_EVENT_ACCEPTED) {
            access->counters.connections++;
        } else if (kind == ZMQ_EVENT_DISCONNECTED) {
            if (access->counters.connections > 0)
                access->counters.connections--;
        } else if (kind == ZMQ_EVENT_ACCEPT_FAILED && access->gate_timer == 0) {
            /* Out of descriptors: libzmq would try again at once, for ever. */
            gate_set(access, true);
            access->gate_timer =
                loop_after(access->loop, ACCEPT_FAILED_PAUSE_MS, gate_pause_over, access);
        }
    }
    gate_settle(access);
}

/* ---- the ZAP handler (ZeroMQ RFC 27) */

struct zap_frame {
    uint8_t at[256];
    size_t len;
};

/* Version, request id, domain, address, identity, mechanism, credentials. 0: nothing there. */
static unsigned zap_receive(void *socket, struct zap_frame frames[ZAP_FRAMES_MAX])
{
    struct zap_frame spare = { .len = 0 };
    unsigned count = 0;
    for (int more = 1; more != 0; count++) {
        struct zap_frame *frame = count < ZAP_FRAMES_MAX ? &frames[count] : &spare;
        int len = zmq_recv(socket, frame->at, sizeof frame->at, ZMQ_DONTWAIT);
        if (len < 0)
            return 0;
        frame->len = (size_t)len > sizeof frame->at ? sizeof frame->at : (size_t)len;
        size_t size = sizeof more;
        if (zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &size) != 0)
            return 0;
    }
    return count;
}

static bool zap_is(const struct zap_frame *frame, const char *text)
{
    return bytes_is(bytes_of(frame->at, frame->len), text);
}

static void zap_answer(void *socket, const struct zap_frame *request, const char *status,
                       const char *text, const char *user)
{
    (void)zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    (void)zmq_send(socket, request->at, request->len, ZMQ_SNDMORE);
    (void)zmq_send(socket, status, strlen(status), ZMQ_SNDMORE);
    (void)zmq_send(socket, text, strlen(text), ZMQ_SNDMORE);
    (void)zmq_send(socket, user, strlen(user), ZMQ_SNDMORE);
    (void)zmq_send(socket, "", 0, 0);
}

static void zap_readable(void *ctx)
{
    struct hub_access *access = ctx;
    struct zap_frame frames[ZAP_FRAMES_MAX];
    unsigned count;
    while (access->zap != NULL && (count = zap_receive(access->zap, frames)) > 0) {
        struct public_key key;
        bool form = count == 7 && zap_is(&frames[0], "1.0") && zap_is(&frames[2], ZAP_DOMAIN) &&
                    zap_is(&frames[5], "CURVE") && frames[6].len == PUBLIC_KEY_BYTES;
        bool room = access->counters.connections <= access->connections_max;
        if (form)
            memcpy(key.at, frames[6].at, PUBLIC_KEY_BYTES);
        if (form && room && access->events.admits(access->events.ctx, &key)) {
            char user[HEX_CHARS + 1];
            crypto_hex(bytes_of(key.at, PUBLIC_KEY_BYTES), user);
            access->counters.handshakes_admitted++;
            zap_answer(access->zap, &frames[1], "200", "", user);
        } else {
            access->counters.handshakes_denied++;
            zap_answer(access->zap, &frames[1], "400", "not enrolled", "");
        }
    }
}

/* ---- frames */

static bool peer_of(zmq_msg_t *route, zmq_msg_t *body, struct hub_peer *ret)
{
    const char *user = zmq_msg_gets(body, "User-Id");
    ret->route_len = zmq_msg_size(route);
    if (user == NULL || strlen(user) != HEX_CHARS || ret->route_len > sizeof ret->route)
        return false;
    memcpy(ret->route, zmq_msg_data(route), ret->route_len);
    return crypto_unhex(bytes_text(user), ret->curve_key.at, PUBLIC_KEY_BYTES);
}

/* Takes one message off the socket. False: there is none. */
static bool message_take(struct hub_access *access)
{
    zmq_msg_t route, body, rest;
    struct hub_peer peer;
    (void)zmq_msg_init(&route);
    (void)zmq_msg_init(&body);
    bool any = zmq_msg_recv(&route, access->router, ZMQ_DONTWAIT) >= 0;
    bool whole =
        any && zmq_msg_more(&route) && zmq_msg_recv(&body, access->router, ZMQ_DONTWAIT) >= 0;
    bool more = whole && zmq_msg_more(&body);
    bool refused = any && (!whole || more || !peer_of(&route, &body, &peer));
    while (more) {
        (void)zmq_msg_init(&rest);
        more = zmq_msg_recv(&rest, access->router, ZMQ_DONTWAIT) >= 0 && zmq_msg_more(&rest);
        (void)zmq_msg_close(&rest);
    }
    if (refused)
        access->counters.frames_refused++;
    else if (any)
        access->events.receive(access->events.ctx, &peer,
                               bytes_of(zmq_msg_data(&body), zmq_msg_size(&body)));
    (void)zmq_msg_close(&route);
    (void)zmq_msg_close(&body);
    return any;
}

static void router_readable(void *ctx)
{
    struct hub_access *access = ctx;
    unsigned count = 0;
    while (count < FRAMES_A_TURN && message_take(access))
        count++;
    access->events.turn_end(access->events.ctx);
}

enum err hub_access_send(struct hub_access *access, const struct hub_peer *peer, struct bytes frame)
{
    must(frame.len > 0 && frame.len <= FRAME_BYTES_MAX);
    if (zmq_send(access->router, peer->route, peer->route_len, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
        return errno == EAGAIN ? ERR_BUSY : ERR_NOT_FOUND;
    /* The router has room once it took the address. */
    return zmq_send(access->router, frame.at, frame.len, ZMQ_DONTWAIT) < 0 ? ERR_NOT_FOUND : OK;
}

/* ---- life */

static bool option_set(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static enum err router_make(struct hub_access *access, const struct secret_key *curve)
{
    const int64_t message_bytes_max = FRAME_BYTES_MAX + ZMTP_OVERHEAD_BYTES;
    void *router = zmq_socket(loop_zmq(access->loop), ZMQ_ROUTER);
    access->router = router;
    bool done =
        router != NULL && option_set(router, ZMQ_LINGER, 0) &&
        option_set(router, ZMQ_CURVE_SERVER, 1) &&
        zmq_setsockopt(router, ZMQ_CURVE_SECRETKEY, secret_key_bytes(curve), SECRET_KEY_BYTES) ==
            0 &&
        zmq_setsockopt(router, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN, strlen(ZAP_DOMAIN)) == 0 &&
        option_set(router, OPTION_ZAP_ENFORCE_DOMAIN, 1) &&
        option_set(router, ZMQ_ROUTER_MANDATORY, 1) && option_set(router, ZMQ_ROUTER_HANDOVER, 0) &&
        zmq_setsockopt(router, ZMQ_MAXMSGSIZE, &message_bytes_max, sizeof message_bytes_max) == 0 &&
        option_set(router, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS) &&
        option_set(router, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS) &&
        option_set(router, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
        option_set(router, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS) &&
        option_set(router, ZMQ_SNDHWM, HIGH_WATER) && option_set(router, ZMQ_RCVHWM, HIGH_WATER);
    return done ? OK : ERR_INTERNAL;
}

/* The monitor's queue has no limit: libzmq's own thread would block on a full one. */
static enum err monitor_make(struct hub_access *access)
{
    char address[64];
    (void)snprintf(address, sizeof address, "inproc://tksk-hub-monitor-%p", (void *)access);
    const int events = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_ACCEPT_FAILED;
    if (zmq_socket_monitor(access->router, address, events) != 0)
        return ERR_INTERNAL;
    access->monitor = zmq_socket(loop_zmq(access->loop), ZMQ_PAIR);
    bool done = access->monitor != NULL && option_set(access->monitor, ZMQ_LINGER, 0) &&
                option_set(access->monitor, ZMQ_RCVHWM, 0) &&
                zmq_connect(access->monitor, address) == 0;
    return done ? OK : ERR_INTERNAL;
}

/* The handler stands before anyone can knock. */
static enum err zap_make(struct hub_access *access)
{
    access->zap = zmq_socket(loop_zmq(access->loop), ZMQ_REP);
    if (access->zap == NULL || !option_set(access->zap, ZMQ_LINGER, 0))
        return ERR_INTERNAL;
    if (zmq_bind(access->zap, ZAP_ENDPOINT) != 0)
        return errno == EADDRINUSE ? ERR_BUSY : ERR_INTERNAL;
    return OK;
}

/* libzmq takes `fd` and closes it; ours is a duplicate of it. */
static enum err router_bind(struct hub_access *access, int fd, bool v6)
{
    access->listen_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (access->listen_fd < 0 || (v6 && !option_set(access->router, ZMQ_IPV6, 1)) ||
        !option_set(access->router, ZMQ_USE_FD, fd) ||
        zmq_bind(access->router, access->endpoint) != 0) {
        (void)close(fd);
        return ERR_IO;
    }
    return OK;
}

enum err hub_access_open(struct loop *loop, const struct hub_access_options *options,
                         const struct hub_access_events *events, struct hub_access **ret_access,
                         struct problem *problem)
{
    int fd = -1;
    bool v6 = false;
    struct hub_access *access = calloc(1, sizeof *access);
    if (access == NULL || loop_zmq(loop) == NULL) {
        free(access);
        return problem_set(problem, ERR_MEMORY, options->listen, NULL);
    }
    access->loop = loop;
    access->events = *events;
    access->listen_fd = -1;
    access->connections_max = connections_allowed(options->connections_max);
    enum err err = listen_open(options->listen, &fd, &v6, problem);
    if (err != OK) {
        hub_access_close(&access);
        return err;
    }
    endpoint_write(fd, access->endpoint);
    err = zap_make(access);
    if (err == OK)
        err = router_make(access, options->curve);
    if (err == OK)
        err = monitor_make(access);
    if (err == OK)
        err = router_bind(access, fd, v6);
    else
        (void)close(fd);
    if (err != OK) {
        int number = zmq_errno();
        hub_access_close(&access);
        return problem_set(problem, err, options->listen, zmq_strerror(number));
    }
    loop_watch_socket(loop, access->zap, zap_readable, NULL, access);
    loop_watch_socket(loop, access->monitor, monitor_readable, NULL, access);
    loop_watch_socket(loop, access->router, router_readable, NULL, access);
    *ret_access = access;
    return OK;
}

static void socket_close(struct hub_access *access, void **socket)
{
    if (*socket == NULL)
        return;
    loop_unwatch_socket(access->loop, *socket);
    (void)zmq_close(*socket);
    *socket = NULL;
}

void hub_access_drop_handler(struct hub_access *access)
{
    if (access->zap != NULL)
        (void)zmq_unbind(access->zap, ZAP_ENDPOINT); /* closing alone frees the name later */
    socket_close(access, &access->zap);
}

void hub_access_close(struct hub_access **access)
{
    if (*access == NULL)
        return;
    struct hub_access *a = *access;
    if (a->gate_timer != 0)
        loop_cancel(a->loop, a->gate_timer);
    if (a->router != NULL)
        (void)zmq_socket_monitor(a->router, NULL, 0);
    socket_close(a, &a->monitor);
    socket_close(a, &a->router);
    hub_access_drop_handler(a);
    if (a->listen_fd >= 0)
        (void)close(a->listen_fd);
    free(a);
    *access = NULL;
}

const char *hub_access_endpoint(const struct hub_access *access)
{
    return access->endpoint;
}

const struct hub_access_counters *hub_access_counters(const struct hub_access *access)
{
    return &access->counters;
}
