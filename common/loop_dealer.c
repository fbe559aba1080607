#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

#include "common/log.h"
#include "common/loop.h"
#include "common/must.h"

/* Thin links livelock on short heartbeats (a frame of 32 KiB takes 13 s at 20 kbit/s). */
#define HEARTBEAT_EVERY_MS 30000
#define HEARTBEAT_TIMEOUT_MS 60000
#define HEARTBEAT_TTL_MS 180000
#define RECONNECT_MS 1000
#define RECONNECT_MAX_MS 60000
/* What waits here is lost with the connection; the session sends again. Few, so that little is. */
#define SEND_FRAMES_MAX 8
#define RECEIVE_FRAMES_MAX 64
#define FRAMES_A_TURN_MAX 32
/* ZeroMQ counts the CURVE MESSAGE command around a frame: 16 nonce and name, 16 tag, 1 flags. */
#define CURVE_OVERHEAD_BYTES 33
#define ENDPOINT_BYTES_MAX 256

struct dealer {
    struct loop *loop;
    void *socket;
    dealer_receive *receive;
    void *ctx;
    loop_callback *ready;
    void *ready_ctx;
    void *monitor; /* PAIR with the events of the connection, or NULL */
    dealer_link *link;
    void *link_ctx;
    bool *closed; /* set while a callback runs that may close us */
};

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof(value)) == 0;
}

static bool set_up(void *socket, const struct public_key *hub_curve,
                   const struct secret_key *own_curve, size_t message_bytes_max)
{
    struct public_key own;
    int64_t bytes_max = (int64_t)message_bytes_max + CURVE_OVERHEAD_BYTES;
    crypto_box_public(own_curve, &own);
    return set_int(socket, ZMQ_LINGER, 0) && set_int(socket, ZMQ_IMMEDIATE, 1) &&
           set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_EVERY_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_TIMEOUT_MS) &&
           set_int(socket, ZMQ_HEARTBEAT_TTL, HEARTBEAT_TTL_MS) &&
           set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS) &&
           set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS) &&
           set_int(socket, ZMQ_SNDHWM, SEND_FRAMES_MAX) &&
           set_int(socket, ZMQ_RCVHWM, RECEIVE_FRAMES_MAX) && set_int(socket, ZMQ_IPV6, 1) &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof(bytes_max)) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, hub_curve->at, PUBLIC_KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own.at, PUBLIC_KEY_BYTES) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key_bytes(own_curve),
                          SECRET_KEY_BYTES) == 0;
}

/* Takes one message. False: there is none. Only its first part counts, and only if it stands alone:
 * a message of ours has one part. */
static bool take(struct dealer *dealer, zmq_msg_t *message, bool *ret_whole)
{
    if (zmq_msg_recv(message, dealer->socket, ZMQ_DONTWAIT) < 0)
        return false;
    *ret_whole = !zmq_msg_more(message);
    while (zmq_msg_more(message)) {
        if (zmq_msg_recv(message, dealer->socket, ZMQ_DONTWAIT) < 0)
            return false;
    }
    return true;
}

static void on_readable(void *ctx)
{
    struct dealer *dealer = ctx;
    bool closed = false;
    bool whole = false;
    zmq_msg_t message;
    (void)zmq_msg_init(&message);
    dealer->closed = &closed;
    for (int i = 0; i < FRAMES_A_TURN_MAX && take(dealer, &message, &whole); i++) {
        if (!whole) {
            log_warning("message of several parts dropped");
            continue;
        }
        dealer->receive(dealer->ctx, bytes_of(zmq_msg_data(&message), zmq_msg_size(&message)));
        if (closed)
            goto out;
    }
    dealer->closed = NULL;
out:
    (void)zmq_msg_close(&message);
}

static void on_writable(void *ctx)
{
    struct dealer *dealer = ctx;
    loop_callback *ready = dealer->ready;
    void *ready_ctx = dealer->ready_ctx;
    dealer_when_ready(dealer, NULL, NULL);
    if (ready)
        ready(ready_ctx);
}

enum err dealer_open(struct loop *loop, const char *endpoint, const struct public_key *hub_curve,
                     const struct secret_key *own_curve, size_t message_bytes_max,
                     dealer_receive *receive, void *ctx, struct dealer **ret_dealer)
{
    enum err err = OK;
    void *zmq = loop_zmq(loop);
    struct dealer *dealer = calloc(1, sizeof(*dealer));
    if (!dealer)
        return ERR_MEMORY;
    *dealer = (struct dealer){ .loop = loop, .receive = receive, .ctx = ctx };
    dealer->socket = zmq ? zmq_socket(zmq, ZMQ_DEALER) : NULL;
    if (!dealer->socket || !set_up(dealer->socket, hub_curve, own_curve, message_bytes_max)) {
        log_error("no ZeroMQ socket text=\"%s\"", zmq_strerror(errno));
        err = ERR_INTERNAL;
        goto failed;
    }
    if (zmq_connect(dealer->socket, endpoint) != 0) {
        log_error("not an endpoint endpoint=\"%s\" text=\"%s\"", endpoint, zmq_strerror(errno));
        err = ERR_USAGE;
        goto failed;
    }
    loop_watch_socket(loop, dealer->socket, on_readable, NULL, dealer);
    *ret_dealer = dealer;
    return OK;
failed:
    if (dealer->socket)
        (void)zmq_close(dealer->socket);
    free(dealer);
    return err;
}

/* The next event; 0: none is there. An event is two frames: number and value, address. */
static unsigned next_event(struct dealer *dealer)
{
    uint8_t head[6];
    char address[ENDPOINT_BYTES_MAX];
    if (zmq_recv(dealer->monitor, head, sizeof(head), ZMQ_DONTWAIT) != (int)sizeof(head))
        return 0;
    (void)zmq_recv(dealer->monitor, address, sizeof(address), ZMQ_DONTWAIT);
    uint16_t event;
    memcpy(&event, head, sizeof(event));
    return event;
}

static void on_event(void *ctx)
{
    struct dealer *dealer = ctx;
    bool up = false, any = false;
    for (unsigned event; (event = next_event(dealer)) != 0;) {
        any = true;
        up = event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    }
    if (any)
        dealer->link(dealer->link_ctx, up);
}

enum err dealer_on_link(struct dealer *dealer, dealer_link *call, void *ctx)
{
    static unsigned count;
    char address[64];
    must(dealer->monitor == NULL);
    (void)snprintf(address, sizeof(address), "inproc://dealer-monitor-%u", count++);
    dealer->monitor = zmq_socket(loop_zmq(dealer->loop), ZMQ_PAIR);
    if (!dealer->monitor)
        return ERR_INTERNAL;
    if (!set_int(dealer->monitor, ZMQ_LINGER, 0) ||
        zmq_socket_monitor(dealer->socket, address,
                           ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0 ||
        zmq_connect(dealer->monitor, address) != 0) {
        (void)zmq_close(dealer->monitor);
        dealer->monitor = NULL;
        return ERR_INTERNAL;
    }
    dealer->link = call;
    dealer->link_ctx = ctx;
    loop_watch_socket(dealer->loop, dealer->monitor, on_event, NULL, dealer);
    return OK;
}

void dealer_close(struct dealer **dealer)
{
    if (!dealer || !*dealer)
        return;
    struct dealer *d = *dealer;
    if (d->monitor) {
        (void)zmq_socket_monitor(d->socket, NULL, 0);
        loop_unwatch_socket(d->loop, d->monitor);
        (void)zmq_close(d->monitor);
    }
    loop_unwatch_socket(d->loop, d->socket);
    (void)zmq_close(d->socket);
    if (d->closed)
        *d->closed = true;
    free(d);
    *dealer = NULL;
}

enum err dealer_send(struct dealer *dealer, struct bytes frame)
{
    if (zmq_send(dealer->socket, frame.at, frame.len, ZMQ_DONTWAIT) >= 0)
        return OK;
    if (errno == EAGAIN)
        return ERR_BUSY;
    log_error("sending failed text=\"%s\"", zmq_strerror(errno));
    return errno == ENOMEM ? ERR_MEMORY : ERR_INTERNAL;
}

void dealer_when_ready(struct dealer *dealer, loop_callback *call, void *ctx)
{
    dealer->ready = call;
    dealer->ready_ctx = ctx;
    loop_watch_socket(dealer->loop, dealer->socket, on_readable, call ? on_writable : NULL, dealer);
}
