#include "common/admin_rows.h"

#include <stdlib.h>

#include "common/crypto.h"
#include "common/loop.h"
#include "common/must.h"

/* ---- rows out */

struct admin_rows {
    struct admin_rows *next_in_list;
    struct admin_rows **list;
    struct loop *loop;
    struct admin_call *call;
    admin_rows_next *next;
    admin_rows_end *end;
    void *ctx;
    int timer;
};

static void rows_close(struct admin_rows *rows)
{
    loop_cancel(rows->loop, rows->timer);
    rows->end(rows->ctx);
    struct admin_rows **at = rows->list;
    while (*at != NULL && *at != rows)
        at = &(*at)->next_in_list;
    must(*at != NULL);
    *at = rows->next_in_list;
    free(rows);
}

static void rows_fail(struct admin_rows *rows, const struct problem *problem)
{
    admin_fail(rows->call, problem);
    rows_close(rows);
}

static void on_turn(void *ctx)
{
    struct admin_rows *rows = ctx;
    struct problem problem = { .code = OK };
    json_t *row = NULL;
    rows->timer = 0;
    if (admin_call_is_orphan(rows->call)) {
        (void)problem_set(&problem, ERR_STATE, "rows", "nobody listens");
        rows_fail(rows, &problem);
        return;
    }
    enum err err = rows->next(rows->ctx, &row, &problem);
    if (err == ERR_NOT_FOUND) {
        admin_done(rows->call, row);
        rows_close(rows);
        return;
    }
    if (err != OK) {
        json_decref(row);
        if (problem.code == OK)
            (void)problem_set(&problem, err, admin_call_cmd(rows->call), NULL);
        rows_fail(rows, &problem);
        return;
    }
    if (row != NULL)
        admin_row(rows->call, row);
    rows->timer = loop_after(rows->loop, 0, on_turn, rows);
}

enum err admin_rows_start(struct admin_rows **list, struct loop *loop, struct admin_call *call,
                          admin_rows_next *next, admin_rows_end *end, void *ctx)
{
    unsigned running = 0;
    for (const struct admin_rows *at = *list; at != NULL; at = at->next_in_list)
        running++;
    if (running >= ADMIN_ROWS_MAX)
        return ERR_BUSY;
    struct admin_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return ERR_MEMORY;
    *rows = (struct admin_rows){ .next_in_list = *list,
                                 .list = list,
                                 .loop = loop,
                                 .call = call,
                                 .next = next,
                                 .end = end,
                                 .ctx = ctx };
    *list = rows;
    rows->timer = loop_after(loop, 0, on_turn, rows);
    return OK;
}

void admin_rows_stop(struct admin_rows **list)
{
    struct problem problem;
    (void)problem_set(&problem, ERR_STATE, "rows", "the daemon stops");
    for (struct admin_rows *rows = *list, *next; rows != NULL; rows = next) {
        next = rows->next_in_list;
        rows_fail(rows, &problem);
    }
}

json_t *admin_json_bytes(struct bytes bytes)
{
    size_t cap = (bytes.len + 2) / 3 * 4 + 1;
    char *text = malloc(cap);
    json_t *json = NULL;
    if (text != NULL && crypto_base64(bytes, text, cap) == OK)
        json = json_string(text);
    free(text);
    return json;
}

/* ---- bytes in */

/* Appends the bytes of a base64 text to `space`, which has room for `max` of them. */
static enum err unbase64_into(const char *text, const char *name, struct buf *space,
                              struct problem *problem)
{
    size_t len = strlen(text), room = space->cap - space->len;
    if (len > (room + 2) / 3 * 4)
        return problem_set(problem, ERR_LIMIT, name, "it is too long");
    enum err err = crypto_unbase64(bytes_of(text, len), space);
    if (err != OK)
        return problem_set(problem, err == ERR_LIMIT ? ERR_LIMIT : ERR_MALFORMED, name,
                           "not base64, or too long");
    return OK;
}

enum err admin_arg_bytes(const struct admin_call *call, const char *name, size_t bytes_max,
                         struct buf *ret, struct problem *problem)
{
    const json_t *value = json_object_get(admin_call_args(call), name);
    if (value == NULL || json_is_null(value))
        return OK;
    if (!json_is_string(value))
        return problem_set(problem, ERR_USAGE, name, "base64 text is needed");
    struct buf space = buf_of(malloc(bytes_max + 4), bytes_max + 4);
    if (space.at == NULL)
        return problem_set(problem, ERR_MEMORY, name, NULL);
    enum err err = unbase64_into(json_string_value(value), name, &space, problem);
    if (err == OK && space.len > bytes_max)
        err = problem_set(problem, ERR_LIMIT, name, "it is too long");
    if (err != OK) {
        free(space.at);
        return err;
    }
    *ret = space;
    return OK;
}

void admin_chunks_release(struct admin_chunks *chunks)
{
    free(chunks->at);
    *chunks = (struct admin_chunks){ .at = NULL };
}

static bool number_of(const json_t *args, const char *name, size_t *ret)
{
    const json_t *value = json_object_get(args, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret = (size_t)json_integer_value(value);
    return true;
}

static enum err chunks_begin(struct admin_chunks *chunks, const char *token, size_t total,
                             struct problem *problem)
{
    admin_chunks_release(chunks);
    chunks->at = malloc(total + 4);
    if (chunks->at == NULL)
        return problem_set(problem, ERR_MEMORY, "data", NULL);
    memcpy(chunks->token, token, strlen(token) + 1);
    chunks->total = total;
    return OK;
}

enum err admin_chunks_take(struct admin_chunks *chunks, const struct admin_call *call,
                           size_t bytes_max, bool *ret_whole, struct problem *problem)
{
    const json_t *args = admin_call_args(call);
    const char *token = json_string_value(json_object_get(args, "token"));
    const char *data = json_string_value(json_object_get(args, "data"));
    size_t total = 0, offset = 0;
    if (token == NULL || strlen(token) >= sizeof chunks->token || data == NULL ||
        !number_of(args, "total", &total) || !number_of(args, "offset", &offset) || total == 0)
        return problem_set(problem, ERR_USAGE, "data", "token, total, offset and data are needed");
    if (total > bytes_max)
        return problem_set(problem, ERR_LIMIT, "data", "the whole is too long");
    enum err err = offset == 0 ? chunks_begin(chunks, token, total, problem) : OK;
    if (err != OK)
        return err;
    if (chunks->at == NULL || strcmp(chunks->token, token) != 0 || chunks->total != total ||
        chunks->len != offset)
        return problem_set(problem, ERR_STATE, "data", "another file came in between; try again");
    struct buf space = { .at = chunks->at, .len = chunks->len, .cap = chunks->total };
    err = unbase64_into(data, "data", &space, problem);
    if (err != OK || space.len == chunks->len) {
        admin_chunks_release(chunks);
        return err != OK ? err : problem_set(problem, ERR_USAGE, "data", "it is empty");
    }
    chunks->len = space.len;
    *ret_whole = chunks->len == chunks->total;
    return OK;
}
