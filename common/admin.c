#include "common/admin.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/admin_listen.h"
#include "common/admin_wire.h"
#include "common/crypto.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/must.h"

#define INPUT_STEP_BYTES (16 * 1024)
#define TICK_MS_MAX 1000
/* How long a writer waits in all for a reader that is behind, before it drops it. */
#define WAIT_FOR_READER_MS 500
#define READER_STEP_BYTES (16 * 1024)
#define OUTPUT_SOFT_BYTES (ADMIN_OUTPUT_BYTES_MAX / 2)

struct connection {
    struct admin *admin;
    struct connection *next;
    int fd;
    uid_t uid;
    struct buf in;
    struct buf out;
    size_t out_sent;
    struct admin_call *call; /* the one that runs */
    uint64_t since_ms;       /* of the last thing that shows a living peer */
    unsigned waited_ms;
    bool finished; /* nothing more is read; closed when the output is out */
    bool pumping;
    bool dead; /* freed when no longer pumping */
};

struct admin_call {
    struct connection *connection; /* NULL: the caller hung up */
    uid_t uid;
    struct admin_request request;
};

struct admin {
    struct loop *loop;
    int fd;
    char path[ADMIN_PATH_BYTES_MAX + 1];
    admin_handler *handler;
    void *ctx;
    struct connection *connections;
    unsigned connection_count;
    uint64_t line_ms;
    uint64_t idle_ms;
    int tick;
    bool full; /* the listening socket rests until a connection goes */
};

static void pump(struct connection *connection);
static void refuse_line(struct connection *connection, enum err code, const char *rule);
static void on_tick(void *ctx);
static void on_connect(void *ctx);
static void on_readable(void *ctx);
static void on_writable(void *ctx);

/* --- connections ----------------------------------------------------------------------------- */

static void buf_release(struct buf *buf)
{
    if (buf->at)
        crypto_wipe(buf->at, buf->cap);
    free(buf->at);
    *buf = (struct buf){ .at = NULL };
}

/* Room for `more` bytes; the old space is wiped. False: out of memory. */
static bool buf_grow(struct buf *buf, size_t more)
{
    if (buf->cap - buf->len >= more)
        return true;
    size_t cap = buf->cap * 2 > buf->len + more ? buf->cap * 2 : buf->len + more;
    uint8_t *at = malloc(cap);
    if (!at)
        return false;
    size_t len = buf->len;
    if (len > 0)
        memcpy(at, buf->at, len);
    buf_release(buf);
    buf->at = at;
    buf->len = len;
    buf->cap = cap;
    return true;
}

static void watch_connection(struct connection *c)
{
    /* While a call runs reading goes on, up to what a line may have, to see the peer hang up. */
    bool reads = !c->finished && (!c->call || c->in.len <= ADMIN_LINE_BYTES_MAX);
    bool writes = c->out.len > c->out_sent;
    if (writes)
        loop_watch(c->admin->loop, c->fd, reads ? on_readable : NULL, on_writable, c);
    else if (reads)
        loop_watch(c->admin->loop, c->fd, on_readable, NULL, c);
    else
        loop_unwatch(c->admin->loop, c->fd);
}

static void arm_tick(struct admin *admin)
{
    uint64_t shortest = admin->line_ms < admin->idle_ms ? admin->line_ms : admin->idle_ms;
    if (admin->tick == 0)
        admin->tick = loop_after(
            admin->loop, shortest / 2 < TICK_MS_MAX ? shortest / 2 : TICK_MS_MAX, on_tick, admin);
}

static void free_connection(struct connection *c)
{
    struct admin *admin = c->admin;
    struct connection **at = &admin->connections;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    admin->connection_count--;
    if (admin->full) {
        admin->full = false;
        loop_watch(admin->loop, admin->fd, on_connect, NULL, admin);
    }
    free(c);
}

static void drop(struct connection *c)
{
    if (c->dead)
        return;
    c->dead = true;
    loop_unwatch(c->admin->loop, c->fd);
    (void)close(c->fd);
    buf_release(&c->in);
    buf_release(&c->out);
    if (c->call)
        c->call->connection = NULL;
    c->call = NULL;
    if (!c->pumping)
        free_connection(c);
}

/* Sends what the peer takes now. False: the connection is gone. */
static bool send_some(struct connection *c)
{
    while (c->out_sent < c->out.len) {
        ssize_t sent = send(c->fd, c->out.at + c->out_sent, c->out.len - c->out_sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (sent < 0) {
            drop(c);
            return false;
        }
        c->out_sent += (size_t)sent;
        c->since_ms = loop_now_ms();
    }
    /* Not kept for the next answer: it may be as large as the limit. */
    buf_release(&c->out);
    c->out_sent = 0;
    return true;
}

/* Waits a little for a reader that is far behind. False: the connection is gone. */
static bool wait_for_reader(struct connection *c)
{
    while (c->out.len - c->out_sent > OUTPUT_SOFT_BYTES && c->waited_ms < WAIT_FOR_READER_MS) {
        struct pollfd item = { .fd = c->fd, .events = POLLOUT };
        uint64_t before_ms = loop_now_ms();
        (void)poll(&item, 1, (int)(WAIT_FOR_READER_MS - c->waited_ms));
        c->waited_ms += (unsigned)(loop_now_ms() - before_ms) + 1;
        size_t sent = c->out_sent;
        if (!send_some(c))
            return false;
        if (c->out.len == 0 || c->out_sent - sent >= READER_STEP_BYTES)
            c->waited_ms = 0; /* it does read */
    }
    return true;
}

/* Moves what waits to the front, when that is worth it. */
static void compact_output(struct connection *c)
{
    if (c->out_sent == 0 || c->out_sent < c->out.len / 2)
        return;
    memmove(c->out.at, c->out.at + c->out_sent, c->out.len - c->out_sent);
    c->out.len -= c->out_sent;
    c->out_sent = 0;
}

/* Takes the text. */
static void put_answer(struct connection *c, char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (!text) {
        log_error("out of memory for an answer");
        drop(c);
        return;
    }
    if (c->out.len - c->out_sent + len + 1 > OUTPUT_SOFT_BYTES && !wait_for_reader(c))
        goto out;
    compact_output(c);
    if (c->out.len - c->out_sent + len + 1 > ADMIN_OUTPUT_BYTES_MAX) {
        log_warning("slow reader dropped uid=%u", (unsigned)c->uid);
        drop(c);
    } else if (!buf_grow(&c->out, len + 1)) {
        log_error("out of memory for an answer");
        drop(c);
    } else {
        memcpy(c->out.at + c->out.len, text, len);
        c->out.at[c->out.len + len] = '\n';
        c->out.len += len + 1;
        if (send_some(c))
            watch_connection(c);
    }
out:
    admin_text_free(text);
}

static void put_problem(struct connection *c, const struct problem *problem, enum lang lang)
{
    put_answer(c, admin_answer_text("error", admin_problem_json(problem, lang)));
}

/* --- requests -------------------------------------------------------------------------------- */

static void start_call(struct connection *c, struct bytes line)
{
    struct admin *admin = c->admin;
    struct problem problem;
    struct admin_call *call = calloc(1, sizeof(*call));
    if (!call) {
        drop(c);
        return;
    }
    enum err err = admin_request_parse(line, &call->request, &problem);
    if (err) {
        put_problem(c, &problem, call->request.lang);
        free(call);
        return;
    }
    call->connection = c;
    call->uid = c->uid;
    c->call = call;
    c->waited_ms = 0;
    admin->handler(admin->ctx, call);
}

static void end_call(struct admin_call *call)
{
    struct connection *c = call->connection;
    json_decref(call->request.args);
    free(call);
    if (!c)
        return;
    c->call = NULL;
    c->since_ms = loop_now_ms();
    if (!c->pumping)
        pump(c);
}

static void go_on(struct connection *c)
{
    if (c->finished && !c->call && c->out.len == c->out_sent)
        drop(c);
    else
        watch_connection(c);
}

/* Runs the lines that are there, one call at a time. An answer within the handler comes back here,
 * not into a deeper pump. */
static void pump(struct connection *c)
{
    must(!c->pumping);
    c->pumping = true;
    size_t used = 0;
    while (!c->dead && !c->call && used < c->in.len) {
        const uint8_t *from = c->in.at + used;
        const uint8_t *end = memchr(from, '\n', c->in.len - used);
        if (!end)
            break;
        used = (size_t)(end - c->in.at) + 1;
        start_call(c, bytes_of(from, (size_t)(end - from)));
    }
    c->pumping = false;
    if (c->dead) {
        free_connection(c);
        return;
    }
    if (used > 0) {
        size_t rest = c->in.len - used;
        memmove(c->in.at, c->in.at + used, rest);
        crypto_wipe(c->in.at + rest, used);
        c->in.len = rest;
    }
    if (!c->call && c->in.len > ADMIN_LINE_BYTES_MAX)
        refuse_line(c, ERR_LIMIT, "a line of 1 MiB at most");
    else
        go_on(c);
}

static void refuse_line(struct connection *c, enum err code, const char *rule)
{
    struct problem problem;
    (void)problem_set(&problem, code, "request", rule);
    log_warning("admin line refused uid=%u code=%s", (unsigned)c->uid, err_name(code));
    c->finished = true;
    c->pumping = true; /* so that it is freed here and nowhere deeper */
    put_problem(c, &problem, LANG_EN);
    c->pumping = false;
    if (c->dead)
        free_connection(c);
    else if (c->out.len == c->out_sent)
        drop(c);
}

static void on_readable(void *ctx)
{
    struct connection *c = ctx;
    if (!buf_grow(&c->in, INPUT_STEP_BYTES)) {
        drop(c);
        return;
    }
    ssize_t got = recv(c->fd, c->in.at + c->in.len, INPUT_STEP_BYTES, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (got < 0) {
        drop(c);
        return;
    }
    if (got == 0)
        c->finished = true; /* it may still read */
    if (c->in.len == 0)
        c->since_ms = loop_now_ms();
    c->in.len += (size_t)got;
    if (c->call)
        watch_connection(c);
    else
        pump(c);
}

static void on_writable(void *ctx)
{
    struct connection *c = ctx;
    if (!send_some(c))
        return;
    go_on(c);
}

static void on_connect(void *ctx)
{
    struct admin *admin = ctx;
    struct ucred peer;
    socklen_t len = sizeof(peer);
    int fd = accept4(admin->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) {
            admin->full = true; /* the next tick tries again */
            loop_unwatch(admin->loop, admin->fd);
            arm_tick(admin);
        }
        return;
    }
    struct connection *c = calloc(1, sizeof(*c));
    if (!c || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
        free(c);
        (void)close(fd);
        return;
    }
    *c = (struct connection){ .admin = admin,
                              .next = admin->connections,
                              .fd = fd,
                              .uid = peer.uid,
                              .since_ms = loop_now_ms() };
    admin->connections = c;
    admin->connection_count++;
    arm_tick(admin);
    watch_connection(c);
    if (admin->connection_count > ADMIN_CONNECTIONS_MAX)
        refuse_line(c, ERR_BUSY, "32 connections are open");
}

static void on_tick(void *ctx)
{
    struct admin *admin = ctx;
    uint64_t now_ms = loop_now_ms();
    admin->tick = 0;
    struct connection *next = NULL;
    for (struct connection *c = admin->connections; c; c = next) {
        next = c->next;
        uint64_t quiet_ms = now_ms - c->since_ms;
        bool writes = c->out.len > c->out_sent;
        if ((writes || (!c->call && c->in.len == 0)) && quiet_ms >= admin->idle_ms)
            drop(c);
        else if (!writes && !c->call && c->in.len > 0 && quiet_ms >= admin->line_ms)
            refuse_line(c, ERR_LIMIT, "the line was not finished in time");
    }
    if (admin->full && admin->connection_count < ADMIN_CONNECTIONS_MAX) {
        admin->full = false;
        loop_watch(admin->loop, admin->fd, on_connect, NULL, admin);
    }
    if (admin->connections || admin->full)
        arm_tick(admin);
}

/* --- answers --------------------------------------------------------------------------------- */

const char *admin_call_cmd(const struct admin_call *call)
{
    return call->request.cmd;
}

json_t *admin_call_args(const struct admin_call *call)
{
    return call->request.args;
}

uid_t admin_call_uid(const struct admin_call *call)
{
    return call->uid;
}

enum lang admin_call_lang(const struct admin_call *call)
{
    return call->request.lang;
}

bool admin_call_is_orphan(const struct admin_call *call)
{
    return !call->connection;
}

static void answer(struct admin_call *call, const char *kind, json_t *value)
{
    if (call->connection)
        put_answer(call->connection, admin_answer_text(kind, value));
    else
        json_decref(value);
}

void admin_row(struct admin_call *call, json_t *row)
{
    answer(call, "row", row);
}

void admin_row_all(struct admin_call *call, json_t *rows)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
        admin_row(call, json_incref(row));
    json_decref(rows);
}

void admin_progress(struct admin_call *call, json_t *progress)
{
    answer(call, "progress", progress);
}

void admin_done(struct admin_call *call, json_t *result)
{
    answer(call, "done", result);
    end_call(call);
}

void admin_fail(struct admin_call *call, const struct problem *problem)
{
    admin_fail_with(call, problem, NULL);
}

void admin_fail_with(struct admin_call *call, const struct problem *problem, json_t *more)
{
    must(problem->code != OK);
    json_t *error = admin_problem_json(problem, call->request.lang);
    if (more && error)
        (void)json_object_update_missing(error, more);
    json_decref(more);
    answer(call, "error", error);
    end_call(call);
}

/* --- life ------------------------------------------------------------------------------------ */

enum err admin_open(struct loop *loop, const char *path, const char *group, admin_handler *handler,
                    void *ctx, struct admin **ret_admin, struct problem *problem)
{
    struct admin *admin = calloc(1, sizeof(*admin));
    if (!admin)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    *admin = (struct admin){ .loop = loop,
                             .fd = -1,
                             .handler = handler,
                             .ctx = ctx,
                             .line_ms = ADMIN_LINE_MS,
                             .idle_ms = ADMIN_IDLE_MS };
    enum err err = admin_listen(path, group, &admin->fd, problem);
    if (err) {
        free(admin);
        return err;
    }
    memcpy(admin->path, path, strlen(path) + 1);
    admin_wipe_json();
    loop_watch(loop, admin->fd, on_connect, NULL, admin);
    *ret_admin = admin;
    return OK;
}

void admin_close(struct admin **admin)
{
    if (!admin || !*admin)
        return;
    struct admin *a = *admin;
    struct connection *next = NULL;
    for (struct connection *c = a->connections; c; c = next) {
        must(!c->pumping); /* never from within a handler */
        next = c->next;
        drop(c);
    }
    loop_unwatch(a->loop, a->fd);
    loop_cancel(a->loop, a->tick);
    (void)close(a->fd);
    (void)unlink(a->path);
    free(a);
    *admin = NULL;
}

void admin_set_patience(struct admin *admin, uint64_t line_ms, uint64_t idle_ms)
{
    admin->line_ms = line_ms;
    admin->idle_ms = idle_ms;
    loop_cancel(admin->loop, admin->tick);
    admin->tick = 0;
    arm_tick(admin);
}
