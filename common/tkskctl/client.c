#include "common/tkskctl/client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/tkskctl/say.h"

/* Answers may be wider than requests: a daemon of this machine is trusted that far. */
#define ANSWER_BYTES_MAX (16U * 1024 * 1024)
/* Checks and copies of a large database answer late; nothing answers later than this. */
#define SILENCE_S_MAX 900

struct client {
    int fd;
    char *buffer;
    size_t start, end, cap; /* unread bytes are buffer[start..end) */
};

enum err client_open(const char *path, struct client **ret_client)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval silence = { .tv_sec = SILENCE_S_MAX };
    if (strlen(path) >= sizeof(address.sun_path))
        return ERR_LIMIT;
    (void)memcpy(address.sun_path, path, strlen(path) + 1);
    struct client *client = calloc(1, sizeof(*client));
    if (!client)
        return ERR_MEMORY;
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    enum err err = client->fd < 0 ? ERR_IO : OK;
    if (err == OK && connect(client->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
        err = errno == EACCES || errno == EPERM ? ERR_DENIED : ERR_NOT_FOUND;
    if (err == OK &&
        setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof(silence)) != 0)
        err = ERR_IO;
    if (err == OK)
        *ret_client = client;
    else
        client_close(&client);
    return err;
}

void client_close(struct client **client)
{
    if (!*client)
        return;
    if ((*client)->fd >= 0)
        (void)close((*client)->fd);
    free((*client)->buffer);
    free(*client);
    *client = NULL;
}

static enum err send_all(struct client *client, const char *at, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(client->fd, at, len, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return ERR_IO;
        at += sent;
        len -= (size_t)sent;
    }
    return OK;
}

/* Makes room behind `end`. */
static enum err make_room(struct client *client)
{
    if (client->start > 0) {
        (void)memmove(client->buffer, client->buffer + client->start, client->end - client->start);
        client->end -= client->start;
        client->start = 0;
    }
    if (client->end < client->cap)
        return OK;
    size_t cap = client->cap ? client->cap * 2 : 64 * 1024;
    if (cap > ANSWER_BYTES_MAX)
        return ERR_MALFORMED;
    char *buffer = realloc(client->buffer, cap);
    if (!buffer)
        return ERR_MEMORY;
    client->buffer = buffer;
    client->cap = cap;
    return OK;
}

/* The next line, without its end; borrowed until the next call. */
static enum err read_line(struct client *client, struct bytes *ret_line)
{
    size_t seen = client->start;
    for (;;) {
        const char *end = NULL;
        if (client->end > seen)
            end = memchr(client->buffer + seen, '\n', client->end - seen);
        if (end) {
            size_t len = (size_t)(end - (client->buffer + client->start));
            *ret_line = bytes_of(client->buffer + client->start, len);
            client->start += len + 1;
            return OK;
        }
        enum err err = make_room(client);
        if (err != OK)
            return err;
        seen = client->end;
        ssize_t got = recv(client->fd, client->buffer + client->end, client->cap - client->end, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return ERR_IO;
        client->end += (size_t)got;
    }
}

static enum err send_request(struct client *client, const char *cmd, json_t *args)
{
    json_t *request = json_pack("{s:i, s:s, s:O, s:s}", "v", 1, "cmd", cmd, "args", args, "lang",
                                say_lang_now() == LANG_ID ? "id" : "en");
    char *line = request ? json_dumps(request, JSON_COMPACT) : NULL;
    enum err err = line ? OK : ERR_MEMORY;
    if (err == OK && strlen(line) + 1 > ADMIN_LINE_BYTES_MAX)
        err = ERR_LIMIT;
    if (err == OK)
        err = send_all(client, line, strlen(line));
    if (err == OK)
        err = send_all(client, "\n", 1);
    free(line);
    json_decref(request);
    return err;
}

enum err client_ask(struct client *client, const char *cmd, json_t *args, client_row *row,
                    client_progress *progress, void *ctx, json_t **ret_done, json_t **ret_error)
{
    enum err err = send_request(client, cmd, args);
    while (err == OK) {
        struct bytes line;
        err = read_line(client, &line);
        if (err != OK)
            break;
        json_t *answer = json_loadb((const char *)line.at, line.len, 0, NULL);
        json_t *done = json_object_get(answer, "done");
        json_t *error = json_object_get(answer, "error");
        json_t *item = json_object_get(answer, "row");
        json_t *step = json_object_get(answer, "progress");
        bool last = true;
        if (json_is_object(done))
            *ret_done = json_incref(done);
        else if (json_is_object(error))
            *ret_error = json_incref(error);
        else if (item || step)
            last = false;
        else
            err = ERR_MALFORMED;
        if (item && row)
            err = row(ctx, item);
        if (step && progress)
            progress(ctx, step);
        json_decref(answer);
        if (last)
            break;
    }
    return err;
}
