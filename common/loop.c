#include "common/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "common/log.h"
#include "common/must.h"

/* One descriptor or ZeroMQ socket. `serial` tells a watcher from a later one in its place. */
struct watcher {
    void *socket; /* NULL: `fd` */
    int fd;
    loop_callback *readable;
    loop_callback *writable;
    void *ctx;
    uint64_t serial; /* 0: gone, to be swept */
};

struct timer {
    int id;
    uint64_t due_ms;
    loop_callback *call;
    void *ctx;
};

struct loop {
    struct watcher *watchers;
    size_t watcher_count;
    size_t watcher_cap;
    struct timer *timers;
    size_t timer_count;
    size_t timer_cap;
    zmq_pollitem_t *items;
    uint64_t *item_serials;
    size_t item_cap;
    uint64_t next_serial;
    int next_timer;
    int signal_fd;
    void *zmq;
    bool stopping;
};

static uint64_t clock_read_ms(clockid_t clock)
{
    struct timespec now;
    int code = clock_gettime(clock, &now);
    must(code == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t loop_now_ms(void)
{
    return clock_read_ms(CLOCK_BOOTTIME);
}

uint64_t loop_wall_ms(void)
{
    return clock_read_ms(CLOCK_REALTIME);
}

/* Room for one more. A daemon that has no memory for a few bytes of its own has none to go on with.
 */
static void *with_room(void *array, size_t count, size_t *cap, size_t item_bytes)
{
    if (count < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 16;
    void *grown = realloc(array, *cap * item_bytes);
    must(grown);
    return grown;
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_signal(void *ctx)
{
    struct loop *loop = ctx;
    struct signalfd_siginfo info;
    if (read(loop->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        log_info("stopping signal=%u", info.ssi_signo);
        loop_stop(loop);
    }
}

static void ending_signals(sigset_t *ret_set)
{
    (void)sigemptyset(ret_set);
    (void)sigaddset(ret_set, SIGINT);
    (void)sigaddset(ret_set, SIGTERM);
}

enum err loop_open(struct loop **ret_loop)
{
    sigset_t set;
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return ERR_MEMORY;
    ending_signals(&set);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (loop->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0) {
        free(loop);
        return ERR_INTERNAL;
    }
    loop->next_serial = 1;
    loop->next_timer = 1;
    loop_watch(loop, loop->signal_fd, on_signal, NULL, loop);
    *ret_loop = loop;
    return OK;
}

void loop_close(struct loop **loop)
{
    if (!loop || !*loop)
        return;
    struct loop *l = *loop;
    (void)close(l->signal_fd);
    if (l->zmq)
        (void)zmq_ctx_term(l->zmq);
    free(l->watchers);
    free(l->timers);
    free(l->items);
    free(l->item_serials);
    free(l);
    *loop = NULL;
}

void loop_in_child(void)
{
    sigset_t set;
    ending_signals(&set);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/* --- timers ---------------------------------------------------------------------------------- */

static bool timer_is_in_use(const struct loop *loop, int id)
{
    for (size_t i = 0; i < loop->timer_count; i++) {
        if (loop->timers[i].id == id)
            return true;
    }
    return false;
}

int loop_after(struct loop *loop, uint64_t delay_ms, loop_callback *call, void *ctx)
{
    must(call);
    int id = loop->next_timer;
    while (timer_is_in_use(loop, id))
        id = id == INT_MAX ? 1 : id + 1;
    loop->next_timer = id == INT_MAX ? 1 : id + 1;
    uint64_t now_ms = loop_now_ms();
    loop->timers =
        with_room(loop->timers, loop->timer_count, &loop->timer_cap, sizeof(*loop->timers));
    loop->timers[loop->timer_count++] = (struct timer){
        .id = id,
        .due_ms = delay_ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + delay_ms,
        .call = call,
        .ctx = ctx,
    };
    return id;
}

/* Keeps the order: timers of the same time fire as they were set. */
static void remove_timer(struct loop *loop, size_t i)
{
    loop->timer_count--;
    memmove(&loop->timers[i], &loop->timers[i + 1],
            (loop->timer_count - i) * sizeof(*loop->timers));
}

void loop_cancel(struct loop *loop, int timer)
{
    for (size_t i = 0; i < loop->timer_count; i++) {
        if (loop->timers[i].id == timer) {
            remove_timer(loop, i);
            return;
        }
    }
}

/* Index of the one that is due first; timer_count when there is none. */
static size_t first_timer(const struct loop *loop)
{
    size_t first = loop->timer_count;
    for (size_t i = 0; i < loop->timer_count; i++) {
        if (first == loop->timer_count || loop->timers[i].due_ms < loop->timers[first].due_ms)
            first = i;
    }
    return first;
}

static void fire_timers(struct loop *loop)
{
    uint64_t now_ms = loop_now_ms();
    /* A timer that sets itself again without delay must not keep the sockets waiting. */
    size_t turns = loop->timer_count;
    for (size_t first; turns > 0 && (first = first_timer(loop)) < loop->timer_count &&
                       loop->timers[first].due_ms <= now_ms && !loop->stopping;
         turns--) {
        struct timer timer = loop->timers[first];
        remove_timer(loop, first);
        timer.call(timer.ctx);
    }
}

static long wait_ms(const struct loop *loop)
{
    size_t first = first_timer(loop);
    if (first == loop->timer_count)
        return -1;
    uint64_t now_ms = loop_now_ms();
    uint64_t due_ms = loop->timers[first].due_ms;
    uint64_t wait = due_ms > now_ms ? due_ms - now_ms : 0;
    return wait > INT_MAX ? INT_MAX : (long)wait;
}

/* --- watching -------------------------------------------------------------------------------- */

static struct watcher *find_watcher(struct loop *loop, void *socket, int fd)
{
    for (size_t i = 0; i < loop->watcher_count; i++) {
        struct watcher *w = &loop->watchers[i];
        if (w->serial != 0 && w->socket == socket && (socket || w->fd == fd))
            return w;
    }
    return NULL;
}

static void watch(struct loop *loop, const struct watcher *wanted)
{
    must(wanted->readable || wanted->writable);
    struct watcher *w = find_watcher(loop, wanted->socket, wanted->fd);
    if (!w) {
        loop->watchers = with_room(loop->watchers, loop->watcher_count, &loop->watcher_cap,
                                   sizeof(*loop->watchers));
        w = &loop->watchers[loop->watcher_count++];
        *w = (struct watcher){ .serial = 0 };
    }
    uint64_t serial = w->serial ? w->serial : loop->next_serial++;
    *w = *wanted;
    w->serial = serial;
}

static void unwatch(struct loop *loop, void *socket, int fd)
{
    struct watcher *w = find_watcher(loop, socket, fd);
    if (w)
        w->serial = 0;
}

void loop_watch(struct loop *loop, int fd, loop_callback *readable, loop_callback *writable,
                void *ctx)
{
    must(fd >= 0);
    watch(loop,
          &(struct watcher){ .fd = fd, .readable = readable, .writable = writable, .ctx = ctx });
}

void loop_unwatch(struct loop *loop, int fd)
{
    unwatch(loop, NULL, fd);
}

void loop_watch_socket(struct loop *loop, void *socket, loop_callback *readable,
                       loop_callback *writable, void *ctx)
{
    must(socket);
    watch(loop,
          &(struct watcher){
              .socket = socket, .fd = -1, .readable = readable, .writable = writable, .ctx = ctx });
}

void loop_unwatch_socket(struct loop *loop, void *socket)
{
    unwatch(loop, socket, -1);
}

/* --- turns ----------------------------------------------------------------------------------- */

/* Sweeps what is gone and lays out what to wait for. */
static size_t lay_out(struct loop *loop)
{
    size_t count = 0;
    for (size_t i = 0; i < loop->watcher_count; i++) {
        if (loop->watchers[i].serial != 0)
            loop->watchers[count++] = loop->watchers[i];
    }
    loop->watcher_count = count;
    if (loop->item_cap < loop->watcher_cap) {
        loop->item_cap = loop->watcher_cap;
        loop->items = realloc(loop->items, loop->item_cap * sizeof(*loop->items));
        loop->item_serials =
            realloc(loop->item_serials, loop->item_cap * sizeof(*loop->item_serials));
        must(loop->items && loop->item_serials);
    }
    for (size_t i = 0; i < count; i++) {
        const struct watcher *w = &loop->watchers[i];
        loop->items[i] = (zmq_pollitem_t){
            .socket = w->socket,
            .fd = w->fd,
            .events = (short)((w->readable ? ZMQ_POLLIN : 0) | (w->writable ? ZMQ_POLLOUT : 0)),
        };
        loop->item_serials[i] = w->serial;
    }
    return count;
}

static void dispatch(struct loop *loop, size_t i)
{
    short got = loop->items[i].revents;
    const struct watcher *w = &loop->watchers[i];
    bool failed = (got & ZMQ_POLLERR) != 0;
    /* A callback before us may have unwatched it; the place stays until the next sweep. */
    if (w->serial == loop->item_serials[i] && w->readable && ((got & ZMQ_POLLIN) || failed))
        w->readable(w->ctx);
    w = &loop->watchers[i];
    if (w->serial == loop->item_serials[i] && w->writable &&
        ((got & ZMQ_POLLOUT) || (failed && !w->readable)))
        w->writable(w->ctx);
}

enum err loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping) {
        size_t count = lay_out(loop);
        int ready = zmq_poll(loop->items, (int)count, wait_ms(loop));
        if (ready < 0 && errno != EINTR) {
            log_error("waiting for events failed text=\"%s\"", zmq_strerror(errno));
            return ERR_INTERNAL;
        }
        for (size_t i = 0; ready > 0 && i < count && !loop->stopping; i++) {
            if (loop->items[i].revents != 0)
                dispatch(loop, i);
        }
        fire_timers(loop);
    }
    return OK;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
}

void *loop_zmq(struct loop *loop)
{
    if (!loop->zmq)
        loop->zmq = zmq_ctx_new();
    return loop->zmq;
}
