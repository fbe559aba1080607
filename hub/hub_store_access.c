#include "hub/hub_store_access.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/db.h"
#include "common/must.h"

#include "hub_store_access.sql.h"
#include "hub_store_access_statements.sql.h"

#define APPLICATION_ID 0x746b7361 /* "tksa" */
#define AUTOCHECKPOINT_PAGES 100

#define STATEMENTS(X)                                                                              \
    X(END_GET, "end_get")                                                                          \
    X(END_PUT, "end_put")                                                                          \
    X(ROW_PUT, "row_put")                                                                          \
    X(ROW_AT, "row_at")                                                                            \
    X(ROW_CUT, "row_cut")                                                                          \
    X(ROW_ALL, "row_all")                                                                          \
    X(ROW_NEWEST, "row_newest")                                                                    \
    X(ROW_OF_RECORD, "row_of_record")

enum statement {
#define X(name, text) name,
    STATEMENTS(X)
#undef X
        STATEMENT_COUNT
};

static const char *const statement_names[STATEMENT_COUNT] = {
#define X(name, text) [name] = (text),
    STATEMENTS(X)
#undef X
};

struct access_store {
    struct db db;
    sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* ---- opening */

enum err access_store_open(const char *path, const char *vfs, struct access_store **ret_store,
                           struct problem *problem)
{
    static const char *const steps[] = { hub_store_access_sql };
    static const struct db_kind kind = { .application_id = APPLICATION_ID,
                                         .steps = steps,
                                         .step_count = COUNT_OF(steps),
                                         .autocheckpoint_pages = AUTOCHECKPOINT_PAGES };
    static const struct db_statements statements = { .text = hub_store_access_statements_sql,
                                                     .names = statement_names,
                                                     .count = STATEMENT_COUNT };
    struct access_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    enum err err =
        db_open_prepared(path, vfs, &kind, &statements, &store->db, store->statements, problem);
    if (err != OK) {
        free(store);
        return err;
    }
    *ret_store = store;
    return OK;
}

void access_store_close(struct access_store **store)
{
    if (*store == NULL)
        return;
    db_finalize((*store)->statements, STATEMENT_COUNT);
    db_close(&(*store)->db);
    free(*store);
    *store = NULL;
}

/* ---- statements */

static void bind_uint(sqlite3_stmt *stmt, int at, uint64_t value)
{
    (void)sqlite3_bind_int64(stmt, at, (sqlite3_int64)value);
}

/* A NULL pointer would bind NULL where an empty blob is meant. */
static void bind_blob(sqlite3_stmt *stmt, int at, struct bytes blob)
{
    (void)sqlite3_bind_blob(stmt, at, blob.len > 0 ? (const void *)blob.at : "", (int)blob.len,
                            SQLITE_STATIC);
}

static enum err end_of(struct access_store *store, sqlite3_stmt *stmt, int code)
{
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return code == SQLITE_DONE || code == SQLITE_ROW ? OK : db_err(&store->db, code);
}

static enum err run(struct access_store *store, sqlite3_stmt *stmt)
{
    return end_of(store, stmt, sqlite3_step(stmt));
}

static void column_hash(sqlite3_stmt *stmt, int at, struct hash *ret)
{
    const void *blob = sqlite3_column_blob(stmt, at);
    memset(ret, 0, sizeof *ret);
    if (blob != NULL && sqlite3_column_bytes(stmt, at) == HASH_BYTES)
        memcpy(ret->at, blob, HASH_BYTES);
}

/* What is out of range is told as what no row has. */
static uint64_t column_uint(sqlite3_stmt *stmt, int at)
{
    sqlite3_int64 value = sqlite3_column_int64(stmt, at);
    return value < 0 ? INT64_MAX : (uint64_t)value;
}

static struct bytes column_bytes(sqlite3_stmt *stmt, int at)
{
    const void *blob = sqlite3_column_blob(stmt, at);
    return bytes_of(blob, blob != NULL ? (size_t)sqlite3_column_bytes(stmt, at) : 0);
}

static enum err end_get(struct access_store *store, struct access_end *ret_end)
{
    sqlite3_stmt *stmt = store->statements[END_GET];
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        ret_end->first = column_uint(stmt, 0);
        column_hash(stmt, 1, &ret_end->first_hash);
        ret_end->last = column_uint(stmt, 2);
        column_hash(stmt, 3, &ret_end->last_hash);
    }
    enum err err = end_of(store, stmt, code);
    return err == OK && code != SQLITE_ROW ? ERR_STORE : err;
}

/* ---- writing. All in a transaction. */

/* Appends `row` with its note behind *end, which moves on. */
static enum err row_put(struct access_store *store, struct access_end *end, struct access_row *row,
                        const struct access_note *note)
{
    uint8_t space[ACCESS_NOTE_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    struct hash hash;
    enum err err = access_note_encode(note, &out);
    if (err != OK)
        return err;
    row->number = end->last + 1;
    row->note = writer_bytes(&out);
    access_hash(row, &end->last_hash, &hash);
    sqlite3_stmt *stmt = store->statements[ROW_PUT];
    bind_uint(stmt, 1, row->number);
    bind_uint(stmt, 2, row->wall_ms);
    bind_uint(stmt, 3, row->op);
    bind_uint(stmt, 4, row->full);
    bind_uint(stmt, 5, row->who);
    (void)sqlite3_bind_text(stmt, 6, row->name.len > 0 ? (const char *)row->name.at : "",
                            (int)row->name.len, SQLITE_STATIC);
    if (row->has_record)
        bind_blob(stmt, 7, bytes_id(&row->record));
    bind_uint(stmt, 8, row->count);
    bind_blob(stmt, 9, row->note);
    bind_blob(stmt, 10, bytes_hash(&hash));
    err = run(store, stmt);
    if (err == OK) {
        end->last = row->number;
        end->last_hash = hash;
    }
    return err;
}

/* *ret_found false: somebody removed it. */
static enum err row_at(struct access_store *store, uint64_t number, bool *ret_found,
                       uint64_t *ret_wall_ms, struct hash *ret_hash)
{
    sqlite3_stmt *stmt = store->statements[ROW_AT];
    bind_uint(stmt, 1, number);
    int code = sqlite3_step(stmt);
    *ret_found = code == SQLITE_ROW;
    if (*ret_found) {
        *ret_wall_ms = column_uint(stmt, 0);
        column_hash(stmt, 1, ret_hash);
    }
    return end_of(store, stmt, code);
}

/* A chain with a hole in front is left as it is, for `audit verify` to find. */
static enum err trim(struct access_store *store, struct access_end *end, uint64_t now_ms)
{
    uint64_t oldest_ms = 0, until_ms = 0, wall_ms = 0, to = end->first;
    struct hash hash, anchor = end->first_hash;
    bool found = false;
    if (end->last - end->first < ACCESS_ROWS_MIN + ACCESS_TRIM_LEAST)
        return OK;
    enum err err = row_at(store, end->first + 1, &found, &oldest_ms, &hash);
    if (err != OK || !found)
        return err;
    uint64_t room = access_trim_room(end->first + 1, oldest_ms, end->last, now_ms, &until_ms);
    for (; err == OK && room > 0; room--) {
        err = row_at(store, to + 1, &found, &wall_ms, &hash);
        if (err != OK || !found || wall_ms >= until_ms)
            break;
        anchor = hash;
        to++;
    }
    if (err != OK || !found || to - end->first < ACCESS_TRIM_LEAST)
        return err;
    sqlite3_stmt *stmt = store->statements[ROW_CUT];
    bind_uint(stmt, 1, to);
    err = run(store, stmt);
    if (err != OK)
        return err;
    end->first = to;
    end->first_hash = anchor;
    struct access_row row = { .wall_ms = now_ms, .op = ACCESS_TRIM, .count = to };
    return row_put(store, end, &row, &(struct access_note){ .what = { NULL, 0 } });
}

enum err access_store_put(struct access_store *store, const struct access_row *row,
                          const struct access_note *note)
{
    struct access_row mine = *row;
    struct access_end end;
    must(row->name.len <= ACCESS_NAME_BYTES_MAX && row->op < ACCESS_OP_COUNT);
    enum err err = db_begin(&store->db);
    if (err != OK)
        return err;
    err = end_get(store, &end);
    if (err == OK)
        err = trim(store, &end, mine.wall_ms);
    if (err == OK)
        err = row_put(store, &end, &mine, note);
    if (err == OK) {
        sqlite3_stmt *stmt = store->statements[END_PUT];
        bind_uint(stmt, 1, end.first);
        bind_blob(stmt, 2, bytes_hash(&end.first_hash));
        bind_uint(stmt, 3, end.last);
        bind_blob(stmt, 4, bytes_hash(&end.last_hash));
        err = run(store, stmt);
    }
    if (err == OK)
        return db_commit(&store->db);
    db_rollback(&store->db);
    return err;
}

/* ---- reading */

static void row_read(sqlite3_stmt *stmt, struct access_row *ret, struct hash *ret_hash)
{
    struct bytes record = column_bytes(stmt, 6);
    *ret = (struct access_row){ .number = column_uint(stmt, 0),
                                .wall_ms = column_uint(stmt, 1),
                                .op = (enum access_op)column_uint(stmt, 2),
                                .full = column_uint(stmt, 3) == 1,
                                .who = column_uint(stmt, 4),
                                .name = column_bytes(stmt, 5),
                                .has_record = sqlite3_column_type(stmt, 6) != SQLITE_NULL,
                                .count = column_uint(stmt, 7),
                                .note = column_bytes(stmt, 8) };
    if (record.len == ID_BYTES)
        memcpy(ret->record.at, record.at, ID_BYTES);
    column_hash(stmt, 9, ret_hash);
}

enum err access_store_rows(struct access_store *store, const struct id *record, unsigned max,
                           access_store_callback *each, void *ctx)
{
    sqlite3_stmt *stmt = store->statements[record != NULL ? ROW_OF_RECORD : ROW_NEWEST];
    bind_uint(stmt, 1, max);
    if (record != NULL)
        bind_blob(stmt, 2, bytes_id(record));
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct access_row row;
        struct access_note note;
        struct hash hash;
        row_read(stmt, &row, &hash);
        each(ctx, &row, access_note_decode(row.note, &note) == OK ? &note : NULL);
    }
    return end_of(store, stmt, code);
}

enum err access_store_check(struct access_store *store, struct access_check *ret_check)
{
    struct access_end end;
    enum err err = end_get(store, &end);
    if (err != OK)
        return err;
    access_check_start(ret_check, &end);
    sqlite3_stmt *stmt = store->statements[ROW_ALL];
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        struct access_row row;
        struct hash hash;
        row_read(stmt, &row, &hash);
        if (!access_check_row(ret_check, &row, &hash))
            break;
    }
    access_check_end(ret_check);
    return end_of(store, stmt, code);
}
