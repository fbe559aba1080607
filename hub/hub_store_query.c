/* SQL that a person wrote, on a copy, in a child of its own. Only reading is allowed, by SQLite's
 * own judgement of the prepared statement, not by looking at its text. */
#include <sqlite3.h>
#include <stdlib.h>

#include "common/db.h"
#include "hub/hub_query.h"

#define HEAP_BYTES_MAX (256ll * 1024 * 1024)

static void line_write(FILE *out, const char *key, json_t *value)
{
    json_t *line = json_pack("{s:o}", key, value);
    char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text != NULL && strlen(text) < QUERY_LINE_BYTES_MAX)
        (void)fprintf(out, "%s\n", text);
    else
        (void)fprintf(out, "{\"error\":{\"code\":\"limit\",\"detail\":\"one row\"}}\n");
    free(text);
    json_decref(line);
}

static void fail_write(FILE *out, enum err code, const char *detail)
{
    line_write(out, "error", json_pack("{s:s, s:s}", "code", err_name(code), "detail", detail));
}

static int authorise(void *ctx, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    (void)ctx;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION ||
                   action == SQLITE_RECURSIVE
               ? SQLITE_OK
               : SQLITE_DENY;
}

static json_t *cell_of(sqlite3_stmt *stmt, int column)
{
    const unsigned char *at = NULL;
    int len = 0;
    json_t *cell = NULL;
    switch (sqlite3_column_type(stmt, column)) {
    case SQLITE_INTEGER:
        return json_integer(sqlite3_column_int64(stmt, column));
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(stmt, column));
    case SQLITE_TEXT:
        return json_string((const char *)sqlite3_column_text(stmt, column));
    case SQLITE_BLOB:
        at = sqlite3_column_blob(stmt, column);
        len = sqlite3_column_bytes(stmt, column);
        char *hex = malloc(2 * (size_t)len + 1);
        if (hex != NULL) {
            static const char digits[] = "0123456789abcdef";
            for (int i = 0; i < len; i++) {
                hex[2 * i] = digits[at[i] >> 4];
                hex[2 * i + 1] = digits[at[i] & 15];
            }
            hex[2 * len] = '\0';
            cell = json_string(hex);
            free(hex);
        }
        return cell;
    default:
        return json_null();
    }
}

static void columns_write(sqlite3_stmt *stmt, FILE *out)
{
    json_t *names = json_array();
    for (int i = 0; i < sqlite3_column_count(stmt); i++)
        (void)json_array_append_new(names, json_string(sqlite3_column_name(stmt, i)));
    line_write(out, "row", json_pack("{s:o}", "columns", names));
}

/* False: the statement failed, and that is said. */
static bool rows_write(struct db *db, sqlite3_stmt *stmt, uint64_t *ret_count, FILE *out)
{
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        json_t *cells = json_array();
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
            json_t *cell = cell_of(stmt, i);
            (void)json_array_append_new(cells, cell != NULL ? cell : json_null());
        }
        line_write(out, "row", json_pack("{s:o}", "cells", cells));
        ++*ret_count;
        if (ferror(out) != 0)
            return false; /* nobody reads any more */
    }
    if (code == SQLITE_DONE)
        return true;
    if (code == SQLITE_INTERRUPT)
        fail_write(out, ERR_LIMIT, "the time for one question; ask for less, or raise --limit-ms");
    else
        fail_write(out, db_err(db, code), sqlite3_errmsg(db->handle));
    return false;
}

void hub_store_query(const char *path, const char *sql, unsigned limit_ms, FILE *out)
{
    struct db db;
    struct problem problem = { .code = OK };
    sqlite3_stmt *stmt = NULL;
    const char *rest = NULL;
    uint64_t count = 0;
    enum err err = db_open_copy(path, limit_ms, &db, &problem);
    if (err != OK) {
        fail_write(out, err, problem.detail);
        return;
    }
    (void)sqlite3_set_authorizer(db.handle, authorise, NULL);
    (void)sqlite3_hard_heap_limit64(HEAP_BYTES_MAX);
    int code = sqlite3_prepare_v2(db.handle, sql, -1, &stmt, &rest);
    while (code == SQLITE_OK &&
           (*rest == ' ' || *rest == '\n' || *rest == '\t' || *rest == '\r' || *rest == ';'))
        rest++;
    if (code == SQLITE_AUTH)
        fail_write(out, ERR_DENIED, "a question reads; only one SELECT is answered");
    else if (code == SQLITE_INTERRUPT)
        fail_write(out, ERR_LIMIT, "the time for one question");
    else if (code != SQLITE_OK)
        fail_write(out, ERR_USAGE, sqlite3_errmsg(db.handle));
    else if (stmt == NULL || *rest != '\0' || sqlite3_stmt_readonly(stmt) == 0 ||
             sqlite3_column_count(stmt) == 0)
        fail_write(out, ERR_USAGE, "exactly one SELECT is answered");
    else {
        columns_write(stmt, out);
        if (rows_write(&db, stmt, &count, out))
            line_write(out, "done", json_pack("{s:I}", "count", (json_int_t)count));
    }
    (void)sqlite3_finalize(stmt);
    db_close(&db);
}
