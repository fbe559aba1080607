#include "hub/hub_query.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "common/must.h"

#define PIPE_READ_BYTES (64 * 1024)
#define LINES_A_TURN 256
#define GRACE_MS 2000 /* the child stops itself first */
#define CHILD_PIPE 3

struct hub_query {
    struct hub_query *next;
    struct hub_query **list;
    struct loop *loop;
    struct admin_call *call; /* NULL: ended */
    pid_t child;
    int fd;
    int timer;
    char copy[HUB_PATH_MAX];
    size_t len; /* of `line` */
    char line[QUERY_LINE_BYTES_MAX];
};

/* ---- in the child */

static void verify_write(FILE *out, const char *path, const char *district)
{
    char replay_path[HUB_PATH_MAX + 8], hex[2 * HASH_BYTES + 1];
    struct problem problem = { .code = OK };
    struct hub_store *store = NULL, *replayed = NULL;
    struct hash hash, again;
    must(snprintf(replay_path, sizeof replay_path, "%s.replay", path) < (int)sizeof replay_path);
    enum err err = hub_store_open(path, NULL, district, &store, &problem);
    if (err == OK)
        err = hub_store_verify(store, &problem);
    if (err == OK)
        err = hub_store_content_hash(store, &hash);
    if (err == OK)
        err = hub_store_open(replay_path, NULL, district, &replayed, &problem);
    if (err == OK)
        err = hub_store_replay(store, replayed);
    if (err == OK)
        err = hub_store_content_hash(replayed, &again);
    if (err == OK && !hash_equal(&hash, &again))
        err = problem_set(&problem, ERR_STORE, "content", "the journal replays to another state");
    if (err == OK) {
        crypto_hex(bytes_hash(&hash), hex);
        (void)fprintf(out, "{\"done\":{\"journal\":%llu,\"content_hash\":\"%s\"}}\n",
                      (unsigned long long)hub_store_journal(store).number, hex);
    } else {
        json_t *line = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", err_name(err), "thing",
                                 problem.thing, "detail", problem.detail);
        char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
        (void)fprintf(out, "%s\n", text != NULL ? text : "{\"error\":{\"code\":\"memory\"}}");
        free(text);
        json_decref(line);
    }
    hub_store_close(&replayed);
    hub_store_close(&store);
    static const char *const rests[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        char rest[HUB_PATH_MAX + 24];
        (void)snprintf(rest, sizeof rest, "%s%s", replay_path, rests[i]);
        (void)unlink(rest);
    }
}

/* The daemon's descriptors and keys are no business of a question. */
__attribute__((noreturn)) static void child_run(struct hub_daemon *daemon, enum query_kind kind,
                                                const char *copy, const char *text,
                                                uint64_t limit_ms, int fd)
{
    loop_in_child();
    if (fd != CHILD_PIPE && dup2(fd, CHILD_PIPE) < 0)
        _exit(1);
    (void)close_range(CHILD_PIPE + 1, ~0U, 0);
    hub_keys_close(&daemon->keys);
    FILE *out = fdopen(CHILD_PIPE, "w");
    if (out == NULL)
        _exit(1);
    switch (kind) {
    case QUERY_SQL:
    case QUERY_SQL_FULL:
        hub_store_query(copy,
                        &(struct hub_question){ .sql = text,
                                                .limit_ms = (unsigned)limit_ms,
                                                .full = kind == QUERY_SQL_FULL,
                                                .policy = hub_store_policy(daemon->store) },
                        out);
        break;
    case QUERY_VERIFY:
        verify_write(out, copy, text);
        break;
    case QUERY_RECONCILE:
        hub_reconcile_write(copy, text, out);
        break;
    }
    _exit(fclose(out) == 0 ? 0 : 1);
}

/* ---- in the daemon */

static void copy_remove(const char *copy)
{
    static const char *const rests[] = { "",        "-wal",        "-shm",       "-journal",
                                         ".replay", ".replay-wal", ".replay-shm" };
    for (size_t i = 0; i < COUNT_OF(rests); i++) {
        char path[HUB_PATH_MAX + 16];
        (void)snprintf(path, sizeof path, "%s%s", copy, rests[i]);
        (void)unlink(path);
    }
}

static void call_fail(struct hub_query *query, enum err code, const char *thing, const char *detail)
{
    struct problem problem;
    if (query->call == NULL)
        return;
    (void)problem_set(&problem, code, thing, detail);
    admin_fail(query->call, &problem);
    query->call = NULL;
}

static void query_end(struct hub_query *query)
{
    call_fail(query, ERR_INTERNAL, "the question", "its process ended without an answer");
    (void)kill(query->child, SIGKILL);
    while (waitpid(query->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    loop_cancel(query->loop, query->timer);
    loop_unwatch(query->loop, query->fd);
    (void)close(query->fd);
    copy_remove(query->copy);
    struct hub_query **at = query->list;
    while (*at != NULL && *at != query)
        at = &(*at)->next;
    must(*at != NULL);
    *at = query->next;
    free(query);
}

static void line_take(struct hub_query *query, const char *line, size_t len)
{
    json_t *object = json_loadb(line, len, 0, NULL);
    json_t *row = json_object_get(object, "row");
    json_t *done = json_object_get(object, "done");
    const json_t *error = json_object_get(object, "error");
    if (query->call != NULL && row != NULL) {
        admin_row(query->call, json_incref(row));
    } else if (query->call != NULL && done != NULL) {
        admin_done(query->call, json_incref(done));
        query->call = NULL;
    } else if (error != NULL) {
        const char *code = json_string_value(json_object_get(error, "code"));
        const char *thing = json_string_value(json_object_get(error, "thing"));
        enum err err = err_from_name(bytes_text(code != NULL ? code : ""));
        call_fail(query, err == ERR_COUNT || err == OK ? ERR_INTERNAL : err,
                  thing != NULL ? thing : "the question",
                  json_string_value(json_object_get(error, "detail")));
    }
    json_decref(object);
}

static void on_readable(void *ctx)
{
    struct hub_query *query = ctx;
    size_t room = sizeof query->line - query->len;
    ssize_t got =
        read(query->fd, query->line + query->len, room < PIPE_READ_BYTES ? room : PIPE_READ_BYTES);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        query_end(query);
        return;
    }
    query->len += (size_t)got;
    size_t at = 0;
    const char *end;
    while ((end = memchr(query->line + at, '\n', query->len - at)) != NULL) {
        size_t len = (size_t)(end - (query->line + at));
        line_take(query, query->line + at, len);
        at += len + 1;
    }
    memmove(query->line, query->line + at, query->len - at);
    query->len -= at;
    if (query->len == sizeof query->line)
        call_fail(query, ERR_LIMIT, "the question", "one row of its answer");
    if (query->call == NULL || admin_call_is_orphan(query->call)) {
        call_fail(query, ERR_STATE, "the question", "nobody listens");
        query_end(query);
    }
}

static void on_late(void *ctx)
{
    struct hub_query *query = ctx;
    query->timer = 0;
    call_fail(query, ERR_LIMIT, "the question",
              "the time for it; ask for less, or raise --limit-ms");
    query_end(query);
}

static unsigned queries_running(const struct hub_query *queries)
{
    unsigned count = 0;
    for (; queries != NULL; queries = queries->next)
        count++;
    return count;
}

void hub_query_start(struct hub_daemon *daemon, struct hub_query **queries, struct admin_call *call,
                     enum query_kind kind, const char *copy, const char *text, uint64_t limit_ms)
{
    struct problem problem;
    int fds[2] = { -1, -1 };
    struct hub_query *query = NULL;
    must(strlen(copy) < HUB_PATH_MAX && limit_ms <= QUERY_LIMIT_MS_MAX);
    enum err err = queries_running(*queries) >= QUERIES_MAX ? ERR_BUSY : OK;
    if (err == OK) {
        query = calloc(1, sizeof *query);
        err = query == NULL ? ERR_MEMORY : OK;
    }
    if (err == OK && pipe2(fds, O_CLOEXEC) != 0)
        err = ERR_IO;
    pid_t child = err == OK ? fork() : -1;
    if (child == 0)
        child_run(daemon, kind, copy, text, limit_ms, fds[1]);
    if (fds[1] >= 0)
        (void)close(fds[1]);
    if (err == OK && child < 0)
        err = ERR_MEMORY;
    if (err != OK) {
        if (fds[0] >= 0)
            (void)close(fds[0]);
        free(query);
        copy_remove(copy);
        (void)problem_set(&problem, err, "the question",
                          err == ERR_BUSY ? "other questions, try again in a moment" : NULL);
        admin_fail(call, &problem);
        return;
    }
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    query->list = queries;
    query->next = *queries;
    *queries = query;
    query->loop = daemon->loop;
    query->call = call;
    query->child = child;
    query->fd = fds[0];
    (void)snprintf(query->copy, sizeof query->copy, "%s", copy);
    loop_watch(query->loop, query->fd, on_readable, NULL, query);
    query->timer = loop_after(query->loop, limit_ms + GRACE_MS, on_late, query);
}

void hub_queries_close(struct hub_query **queries)
{
    for (struct hub_query *query = *queries, *next; query != NULL; query = next) {
        next = query->next;
        call_fail(query, ERR_STATE, "the question", "the daemon stops");
        query_end(query);
    }
}
