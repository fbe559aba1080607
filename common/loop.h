/* The event loop of a daemon: timers, descriptors, signals and ZeroMQ sockets, single-threaded.
 * The only place besides hub access that knows ZeroMQ. */
#pragma once

#include <signal.h>

#include "common/crypto.h"
#include "common/err.h"

struct loop;

/* From here on SIGINT and SIGTERM are blocked (they end loop_run) and SIGPIPE is ignored. One loop
 * a process. All sockets of its ZeroMQ context are closed before loop_close. */
NODISCARD enum err loop_open(struct loop **ret_loop);
void loop_close(struct loop **loop);

/* Runs until loop_stop, SIGINT or SIGTERM (signalfd; czmq's handlers are not in use). May be called
 * again. */
NODISCARD enum err loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Every child that is forked from a daemon calls this first: it takes signals again, and with the
 * parent it dies. */
void loop_in_child(void);

uint64_t loop_now_ms(void);  /* CLOCK_BOOTTIME: for timeouts */
uint64_t loop_wall_ms(void); /* CLOCK_REALTIME: a claim, never an order */

typedef void loop_callback(void *ctx);

/* One-shot timer; returns an id (> 0) for loop_cancel. `ctx` is borrowed until it fired. */
int loop_after(struct loop *loop, uint64_t delay_ms, loop_callback *call, void *ctx);
void loop_cancel(struct loop *loop, int timer); /* one that has fired, or 0: nothing */

/* Watches a descriptor (borrowed). `readable` and/or `writable` may be NULL. Call again to change.
 * Errors and hang-ups count as readable. Callbacks may watch and unwatch anything. */
void loop_watch(struct loop *loop, int fd, loop_callback *readable, loop_callback *writable,
                void *ctx);
void loop_unwatch(struct loop *loop, int fd);

/* ZeroMQ for hub access: the context (made at the first call; NULL: ZeroMQ cannot start), and
 * watching of its sockets, level-triggered. */
void *loop_zmq(struct loop *loop);
void loop_watch_socket(struct loop *loop, void *socket, loop_callback *readable,
                       loop_callback *writable, void *ctx);
void loop_unwatch_socket(struct loop *loop, void *socket);

/* A DEALER to one hub endpoint over CURVE, set up as design §5 says: IMMEDIATE, heartbeats
 * 30/60/180, MAXMSGSIZE, linger 0, no routing id. It connects, and connects again, by itself.
 * ERR_USAGE: not an endpoint. ERR_INTERNAL, ERR_MEMORY. */
struct dealer;
/* The frame is borrowed for the call, which may close the dealer. */
typedef void dealer_receive(void *ctx, struct bytes frame);
NODISCARD enum err dealer_open(struct loop *loop, const char *endpoint,
                               const struct public_key *hub_curve,
                               const struct secret_key *own_curve, size_t message_bytes_max,
                               dealer_receive *receive, void *ctx, struct dealer **ret_dealer);
/* Tells when the connection is there (CURVE handshake done) and when it is gone. Without it a
 * restarted hub would go unnoticed for as long as there is nothing to send. Once a dealer;
 * ERR_INTERNAL. */
typedef void dealer_link(void *ctx, bool up);
NODISCARD enum err dealer_on_link(struct dealer *dealer, dealer_link *call, void *ctx);
void dealer_close(struct dealer **dealer);
/* Never blocks. ERR_BUSY: the queue to the hub is full or there is no connection yet. */
NODISCARD enum err dealer_send(struct dealer *dealer, struct bytes frame);
/* Calls `ready` once, from the loop, when the dealer can send (again); with `call` NULL no more. */
void dealer_when_ready(struct dealer *dealer, loop_callback *call, void *ctx);
