#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "hub/hub_admin_inside.h"

#define CHUNK_BYTES (192 * 1024)
#define STREAMS_MAX 4
#define BACKUP_NAME_BYTES 64

/* One copy on its way to a caller; the file has no name any more. */
struct hub_stream {
    struct hub_stream *next;
    struct hub_admin *admin;
    struct admin_call *call;
    int fd;
    int timer;
    uint64_t bytes;
    char name[BACKUP_NAME_BYTES]; /* of a backup, else empty */
    uint8_t chunk[CHUNK_BYTES];
};

/* A copy of the present state under a new name in STATE/copies; false: the call is ended. */
bool hub_copy_make(struct hub_admin *admin, struct admin_call *call, char ret_path[HUB_PATH_MAX])
{
    struct problem problem = { .code = OK };
    char name[48];
    (void)snprintf(name, sizeof name, "copies/%llu.db", (unsigned long long)++admin->copies);
    hub_daemon_path(admin->daemon, name, ret_path);
    enum err err = hub_daemon_settle(admin->daemon);
    if (err == OK)
        err = hub_store_copy(admin->daemon->store, ret_path, &problem);
    if (err != OK)
        hub_refuse_problem(call, err, &problem, "the copy");
    return err == OK;
}

/* ---- questions */

void hub_cmd_query(struct hub_admin *admin, struct admin_call *call)
{
    char copy[HUB_PATH_MAX];
    const char *sql;
    uint64_t limit_ms;
    struct hub_ask ask;
    if (!hub_arg_text(call, "sql", &sql) || !hub_ask_read(call, &ask) ||
        !hub_arg_uint(call, "limit_ms", QUERY_LIMIT_MS_MAX, QUERY_LIMIT_MS_DEFAULT, &limit_ms) ||
        !hub_ask_log(admin, call, &ask, &(struct hub_looked){ .op = ACCESS_QUERY, .what = sql }) ||
        !hub_copy_make(admin, call, copy))
        return;
    hub_query_start(admin->daemon, &admin->queries, call, ask.full ? QUERY_SQL_FULL : QUERY_SQL,
                    copy, sql, limit_ms > 0 ? limit_ms : 1);
}

void hub_cmd_verify(struct hub_admin *admin, struct admin_call *call)
{
    char copy[HUB_PATH_MAX];
    if (hub_copy_make(admin, call, copy))
        hub_query_start(admin->daemon, &admin->queries, call, QUERY_VERIFY, copy,
                        hub_store_trust(admin->daemon->store)->district, QUERY_LIMIT_MS_MAX);
}

/* ---- streams */

static void stream_end(struct hub_stream *stream)
{
    struct hub_admin *admin = stream->admin;
    loop_cancel(admin->daemon->loop, stream->timer);
    (void)close(stream->fd);
    struct hub_stream **at = &admin->streams;
    while (*at != NULL && *at != stream)
        at = &(*at)->next;
    must(*at != NULL);
    *at = stream->next;
    free(stream);
}

static void stream_done(struct hub_stream *stream)
{
    json_t *done = json_object();
    hub_json_set(done, "bytes", hub_json_uint(stream->bytes));
    if (stream->name[0] != '\0')
        hub_json_set(done, "name", json_string(stream->name));
    admin_done(stream->call, done);
    stream_end(stream);
}

static void stream_fail(struct hub_stream *stream, enum err code, const char *detail)
{
    hub_refuse(stream->call, code, "the copy", detail);
    stream_end(stream);
}

static void on_pump(void *ctx)
{
    struct hub_stream *stream = ctx;
    stream->timer = 0;
    if (admin_call_is_orphan(stream->call)) {
        stream_fail(stream, ERR_STATE, "nobody listens");
        return;
    }
    ssize_t got = read(stream->fd, stream->chunk, sizeof stream->chunk);
    if (got < 0 && errno != EINTR) {
        stream_fail(stream, ERR_IO, strerror(errno));
        return;
    }
    if (got == 0) {
        stream_done(stream);
        return;
    }
    if (got > 0) {
        json_t *data = hub_json_base64(bytes_of(stream->chunk, (size_t)got));
        if (data == NULL) {
            stream_fail(stream, ERR_MEMORY, NULL);
            return;
        }
        stream->bytes += (uint64_t)got;
        admin_row(stream->call, json_pack("{s:o}", "data", data));
    }
    stream->timer = loop_after(stream->admin->daemon->loop, 0, on_pump, stream);
}

static unsigned streams_running(const struct hub_admin *admin)
{
    unsigned count = 0;
    for (const struct hub_stream *at = admin->streams; at != NULL; at = at->next)
        count++;
    return count;
}

/* `name` for a backup. */
static void stream_start(struct hub_admin *admin, struct admin_call *call, const char *path,
                         const char *name)
{
    struct hub_stream *stream =
        streams_running(admin) < STREAMS_MAX ? calloc(1, sizeof *stream) : NULL;
    int fd = stream != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    (void)unlink(path);
    if (fd < 0) {
        free(stream);
        hub_refuse(call, stream == NULL ? ERR_BUSY : ERR_IO, "the copy",
                   stream == NULL ? "other copies, try again in a moment" : strerror(errno));
        return;
    }
    stream->admin = admin;
    stream->call = call;
    stream->fd = fd;
    (void)snprintf(stream->name, sizeof stream->name, "%s", name);
    stream->next = admin->streams;
    admin->streams = stream;
    stream->timer = loop_after(admin->daemon->loop, 0, on_pump, stream);
}

void hub_streams_close(struct hub_admin *admin)
{
    for (struct hub_stream *stream = admin->streams, *next; stream != NULL; stream = next) {
        next = stream->next;
        stream_fail(stream, ERR_STATE, "the daemon stops");
    }
}

void hub_cmd_snapshot(struct hub_admin *admin, struct admin_call *call)
{
    char path[HUB_PATH_MAX];
    struct hub_ask ask;
    if (hub_ask_read(call, &ask) &&
        hub_ask_log(admin, call, &ask, &(struct hub_looked){ .op = ACCESS_SNAPSHOT }) &&
        hub_copy_make(admin, call, path))
        stream_start(admin, call, path, "");
}

/* ---- backup */

/* Writes on the store, alone in a transaction. */
static enum err backup_write(struct hub_admin *admin, bool mark, const char *name)
{
    struct hub_store *store = admin->daemon->store;
    enum err err = hub_daemon_settle(admin->daemon);
    if (err == OK)
        err = hub_store_begin(store);
    if (err != OK)
        return err;
    err = mark ? hub_store_backup_mark(store, name)
               : hub_store_backup_confirm(store, name, loop_wall_ms());
    if (err == OK)
        err = hub_store_commit(store);
    if (err != OK)
        hub_store_rollback(store);
    return err;
}

/* The mark is set before the copy and in the same turn, so that it never claims more than the copy
 * holds. */
void hub_cmd_backup(struct hub_admin *admin, struct admin_call *call)
{
    char path[HUB_PATH_MAX], name[BACKUP_NAME_BYTES];
    const struct cursor journal = hub_store_journal(admin->daemon->store);
    if (!hub_ask_log(admin, call, NULL, &(struct hub_looked){ .op = ACCESS_BACKUP }))
        return;
    (void)snprintf(name, sizeof name, "%llu-%llu-%llu", (unsigned long long)journal.epoch,
                   (unsigned long long)journal.number, (unsigned long long)loop_wall_ms());
    enum err err = backup_write(admin, true, name);
    if (err != OK) {
        hub_refuse(call, err, "backup", "the database");
        return;
    }
    if (hub_copy_make(admin, call, path))
        stream_start(admin, call, path, name);
}

void hub_cmd_backup_done(struct hub_admin *admin, struct admin_call *call)
{
    const char *name;
    if (!hub_arg_text(call, "name", &name))
        return;
    enum err err = backup_write(admin, false, name);
    if (err == ERR_NOT_FOUND) {
        hub_refuse(call, err, name, "this backup is not the last one that was begun; make another");
        return;
    }
    if (err != OK) {
        hub_refuse(call, err, name, "the database");
        return;
    }
    log_info("backup counted name=%s uid=%lu", name, (unsigned long)admin_call_uid(call));
    hub_daemon_moved(admin->daemon);
    admin_done(call, NULL);
}
