/* The embedded backend: opening, statements, journal, documents, backups. */
#include "hub/hub_store_sqlite.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"
#include "hub_store.sql.h"
#include "hub_store_statements.sql.h"

#define HUB_APPLICATION_ID 0x746b7368 /* "tksh" */
#define AUTOCHECKPOINT_PAGES 10000
#define STATEMENT_NAME_MAX 40

/* --- statements ------------------------------------------------------------------------------ */

static const char *const statement_names[STMT_COUNT] = {
#define X(name) #name,
    STATEMENTS(X)
#undef X
};

static void bind_list(sqlite3_stmt *statement, const char *format, va_list *args)
{
    int code = SQLITE_OK;
    for (int i = 1; format[i - 1] != '\0' && code == SQLITE_OK; i++) {
        struct bytes bytes = { .at = NULL };
        const char *text = NULL;
        uint64_t number = 0;
        switch (format[i - 1]) {
        case 'n':
        case 'N':
            number = va_arg(*args, uint64_t);
            code = number == 0 && format[i - 1] == 'N'
                       ? sqlite3_bind_null(statement, i)
                       : sqlite3_bind_int64(statement, i, (sqlite3_int64)number);
            continue;
        case 'i':
            code = sqlite3_bind_int(statement, i, va_arg(*args, int));
            continue;
        case 's':
            text = va_arg(*args, const char *);
            code = sqlite3_bind_text(statement, i, text, -1, SQLITE_STATIC);
            continue;
        case 'h':
            bytes = bytes_hash(va_arg(*args, const struct hash *));
            break;
        case 'd':
            bytes = bytes_id(va_arg(*args, const struct id *));
            break;
        default:
            must(format[i - 1] == 'b');
            bytes = va_arg(*args, struct bytes);
            break;
        }
        code = bytes.at ? sqlite3_bind_blob64(statement, i, bytes.at, bytes.len, SQLITE_STATIC)
                        : sqlite3_bind_null(statement, i);
    }
    must(code == SQLITE_OK || code == SQLITE_NOMEM || code == SQLITE_TOOBIG);
}

void statement_bind(sqlite3_stmt *statement, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    bind_list(statement, format, &args);
    va_end(args);
}

enum err statement_run(struct sqlite_backend *s, enum statement which, const char *format, ...)
{
    sqlite3_stmt *statement = s->statements[which];
    va_list args;
    va_start(args, format);
    bind_list(statement, format, &args);
    va_end(args);
    int code = sqlite3_step(statement);
    must(code != SQLITE_ROW);
    (void)sqlite3_reset(statement);
    return db_err(&s->db, code);
}

enum err statement_row(struct sqlite_backend *s, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        return OK;
    (void)sqlite3_reset(statement);
    return code == SQLITE_DONE ? ERR_NOT_FOUND : db_err(&s->db, code);
}

uint64_t column_u64(sqlite3_stmt *statement, int column)
{
    return (uint64_t)sqlite3_column_int64(statement, column);
}

struct bytes column_bytes(sqlite3_stmt *statement, int column)
{
    const void *at = sqlite3_column_type(statement, column) == SQLITE_TEXT
                         ? (const void *)sqlite3_column_text(statement, column)
                         : sqlite3_column_blob(statement, column);
    return bytes_of(at, (size_t)sqlite3_column_bytes(statement, column));
}

void column_text(sqlite3_stmt *statement, int column, char *ret, size_t cap)
{
    struct bytes text = column_bytes(statement, column);
    size_t len = text.len < cap ? text.len : cap - 1;
    if (len > 0)
        memcpy(ret, text.at, len);
    ret[len] = '\0';
}

enum err column_hash(sqlite3_stmt *statement, int column, struct hash *ret)
{
    struct bytes bytes = column_bytes(statement, column);
    if (bytes.len != HASH_BYTES)
        return ERR_STORE;
    memcpy(ret->at, bytes.at, HASH_BYTES);
    return OK;
}

enum err column_id(sqlite3_stmt *statement, int column, struct id *ret)
{
    struct bytes bytes = column_bytes(statement, column);
    if (bytes.len != ID_BYTES)
        return ERR_STORE;
    memcpy(ret->at, bytes.at, ID_BYTES);
    return OK;
}

enum err column_err(sqlite3_stmt *statement, int column)
{
    struct bytes name = column_bytes(statement, column);
    enum err code = name.len == 0 ? OK : err_from_name(name);
    return code == ERR_COUNT ? ERR_INTERNAL : code;
}

const char *reason_text(enum err reason)
{
    return reason == OK ? NULL : err_name(reason);
}

enum err space_need(struct space *space, size_t bytes)
{
    if (space->cap >= bytes)
        return OK;
    uint8_t *at = realloc(space->at, bytes);
    if (!at)
        return ERR_MEMORY;
    *space = (struct space){ .at = at, .cap = bytes };
    return OK;
}

enum err space_copy(struct space *space, struct bytes content, struct bytes *ret_copy)
{
    enum err err = space_need(space, content.len + 1);
    if (err)
        return err;
    if (content.len > 0)
        memcpy(space->at, content.at, content.len);
    space->at[content.len] = 0;
    *ret_copy = bytes_of(space->at, content.len);
    return OK;
}

enum err statement_number(struct sqlite_backend *s, enum statement which, uint64_t *ret)
{
    sqlite3_stmt *st = s->statements[which];
    enum err err = statement_row(s, st);
    if (err)
        return err;
    bool null = sqlite3_column_type(st, 0) == SQLITE_NULL;
    uint64_t number = column_u64(st, 0);
    (void)sqlite3_reset(st);
    if (null)
        return ERR_NOT_FOUND;
    *ret = number;
    return OK;
}

/* --- life ------------------------------------------------------------------------------------ */

static void sqlite_close(struct hub_backend **backend)
{
    struct sqlite_backend *s = sqlite_of(*backend);
    tables_close(s);
    db_finalize(s->statements, STMT_COUNT);
    db_close(&s->db);
    struct space *const spaces[] = { &s->values,   &s->json, &s->body,
                                     &s->document, &s->held, &s->chosen };
    for (size_t i = 0; i < COUNT_OF(spaces); i++)
        free(spaces[i]->at);
    free(s);
    *backend = NULL;
}

static enum err sqlite_begin(struct hub_backend *b)
{
    return db_begin(&sqlite_of(b)->db);
}

static enum err sqlite_commit(struct hub_backend *b)
{
    return db_commit(&sqlite_of(b)->db);
}

static void sqlite_rollback(struct hub_backend *b)
{
    db_rollback(&sqlite_of(b)->db);
}

static enum err sqlite_meta(struct hub_backend *b, const char *name, const char *value, char *ret,
                            size_t cap)
{
    struct sqlite_backend *s = sqlite_of(b);
    enum err err = statement_run(s, STMT_meta_put, "ss", name, value);
    if (err)
        return err;
    sqlite3_stmt *st = s->statements[STMT_meta_get];
    statement_bind(st, "s", name);
    err = statement_row(s, st);
    if (err)
        return err;
    column_text(st, 0, ret, cap);
    (void)sqlite3_reset(st);
    return OK;
}

static enum err sqlite_idle(struct hub_backend *b)
{
    return db_checkpoint(&sqlite_of(b)->db);
}

static enum err sqlite_probe(struct hub_backend *b)
{
    return db_probe(&sqlite_of(b)->db);
}

static enum err sqlite_copy(struct hub_backend *b, const char *path, struct problem *problem)
{
    return db_copy(&sqlite_of(b)->db, path, problem);
}

/* --- journal --------------------------------------------------------------------------------- */

static enum err sqlite_journal_put(struct hub_backend *b, const struct row_journal *row)
{
    return statement_run(sqlite_of(b), STMT_journal_put, "nnibhn", row->number, row->epoch,
                         (int)row->kind, row->entry, &row->hash, row->wall_ms);
}

static enum err journal_read(struct sqlite_backend *s, sqlite3_stmt *st,
                             struct row_journal *ret_row)
{
    struct row_journal row = { .number = 0 };
    enum err err = statement_row(s, st);
    if (err)
        return err;
    struct bytes entry = column_bytes(st, 3);
    row.number = column_u64(st, 0);
    row.epoch = column_u64(st, 1);
    row.kind = (enum journal_kind)sqlite3_column_int(st, 2);
    row.wall_ms = column_u64(st, 5);
    err = column_hash(st, 4, &row.hash);
    if (!err && entry.len > sizeof(s->entry))
        err = ERR_STORE;
    if (!err) {
        if (entry.len > 0)
            memcpy(s->entry, entry.at, entry.len);
        row.entry = bytes_of(s->entry, entry.len);
        *ret_row = row;
    }
    (void)sqlite3_reset(st);
    return err;
}

static enum err sqlite_journal_get(struct hub_backend *b, uint64_t number,
                                   struct row_journal *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_journal_get], "n", number);
    return journal_read(s, s->statements[STMT_journal_get], ret_row);
}

static enum err sqlite_journal_last(struct hub_backend *b, struct row_journal *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    return journal_read(s, s->statements[STMT_journal_last], ret_row);
}

static enum err sqlite_journal_policy_next(struct hub_backend *b, uint64_t after,
                                           uint64_t *ret_number)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_journal_policy_next], "n", after);
    return statement_number(s, STMT_journal_policy_next, ret_number);
}

static enum err sqlite_epoch_put(struct hub_backend *b, uint64_t epoch, uint64_t cut,
                                 const struct hash *hash)
{
    return statement_run(sqlite_of(b), STMT_epoch_put, "nnh", epoch, cut, hash);
}

static enum err sqlite_epoch_cut(struct hub_backend *b, uint64_t epoch, uint64_t *ret_cut)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_epoch_cut], "n", epoch);
    return statement_number(s, STMT_epoch_cut, ret_cut);
}

/* --- documents, backups ---------------------------------------------------------------------- */

static enum err sqlite_document_put(struct hub_backend *b, enum journal_kind kind, uint64_t version,
                                    uint64_t number, const struct hash *hash,
                                    struct bytes as_signed)
{
    return statement_run(sqlite_of(b), STMT_document_put, "innhb", (int)kind, version, number, hash,
                         as_signed);
}

static enum err sqlite_document_get(struct hub_backend *b, enum journal_kind kind, uint64_t version,
                                    struct bytes *ret_signed)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_document_get];
    statement_bind(st, "in", (int)kind, version);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = space_copy(&s->document, column_bytes(st, 0), ret_signed);
    (void)sqlite3_reset(st);
    return err;
}

static enum err sqlite_document_last(struct hub_backend *b, enum journal_kind kind,
                                     uint64_t *ret_version, uint64_t *ret_number)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_document_last];
    statement_bind(st, "i", (int)kind);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    *ret_version = column_u64(st, 0);
    *ret_number = column_u64(st, 1);
    (void)sqlite3_reset(st);
    return OK;
}

static enum err backups_settle(struct sqlite_backend *s, unsigned kept)
{
    enum err err = statement_run(s, STMT_backup_forget, "i", (int)kept);
    if (!err)
        err = statement_run(s, STMT_backup_lanes_forget, "");
    if (!err)
        err = statement_run(s, STMT_keep_from_move, "");
    return err;
}

static enum err sqlite_backup_put(struct hub_backend *b, const char *name, uint64_t number,
                                  uint64_t wall_ms, unsigned kept)
{
    struct sqlite_backend *s = sqlite_of(b);
    enum err err = statement_run(s, STMT_backup_put, "snn", name, number, wall_ms);
    if (!err)
        err = statement_run(s, STMT_backup_lanes_drop, "s", name);
    if (!err)
        err = statement_run(s, STMT_backup_lanes_put, "s", name);
    return err ? err : backups_settle(s, kept);
}

static enum err sqlite_backup_mark(struct hub_backend *b, const char *name, uint64_t number)
{
    struct sqlite_backend *s = sqlite_of(b);
    enum err err = statement_run(s, STMT_backup_marks_drop, "");
    if (!err)
        err = statement_run(s, STMT_backup_lanes_forget, "");
    if (!err)
        err = statement_run(s, STMT_backup_mark, "sn", name, number);
    if (!err)
        err = statement_run(s, STMT_backup_mark_lanes, "s", name);
    return err;
}

static enum err sqlite_backup_confirm(struct hub_backend *b, const char *name, uint64_t wall_ms,
                                      unsigned kept)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_backup_mark_get];
    statement_bind(st, "s", name);
    enum err err = statement_row(s, st);
    (void)sqlite3_reset(st);
    if (!err)
        err = statement_run(s, STMT_backup_lanes_drop, "s", name);
    if (!err)
        err = statement_run(s, STMT_backup_confirm, "sn", name, wall_ms);
    if (!err)
        err = statement_run(s, STMT_backup_confirm_lanes, "s", name);
    return err ? err : backups_settle(s, kept);
}

/* clang-format off */
static const struct hub_backend_ops sqlite_ops = {
#define OP(name) .name = sqlite_##name,
    SQLITE_CHAIN_OPS(OP)
    SQLITE_TXN_OPS(OP)
    SQLITE_TABLE_OPS(OP)
    SQLITE_LIST_OPS(OP)
    OP(close) OP(begin) OP(commit) OP(rollback) OP(meta) OP(idle) OP(probe) OP(copy)
    OP(journal_put) OP(journal_get) OP(journal_last) OP(journal_policy_next)
    OP(epoch_put) OP(epoch_cut) OP(document_put) OP(document_get) OP(document_last)
    OP(backup_put) OP(backup_mark) OP(backup_confirm)
#undef OP
};
/* clang-format on */

enum err hub_store_sqlite_open(const char *path, const char *vfs, struct hub_backend **ret_backend,
                               struct problem *problem)
{
    static const char *const steps[] = { hub_store_sql };
    static const struct db_kind kind = { .application_id = HUB_APPLICATION_ID,
                                         .steps = steps,
                                         .step_count = COUNT_OF(steps),
                                         .autocheckpoint_pages = AUTOCHECKPOINT_PAGES };
    static const struct db_statements statements = { .text = hub_store_statements_sql,
                                                     .names = statement_names,
                                                     .count = STMT_COUNT };
    struct sqlite_backend *s = calloc(1, sizeof(*s));
    if (!s)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    s->base.ops = &sqlite_ops;
    enum err err = db_open_prepared(path, vfs, &kind, &statements, &s->db, s->statements, problem);
    if (err) {
        free(s);
        return err;
    }
    *ret_backend = &s->base;
    return OK;
}
