#include "hub/hub_store_enrol.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/db.h"
#include "common/must.h"

#include "hub_store_enrol.sql.h"
#include "hub_store_enrol_statements.sql.h"

#define APPLICATION_ID 0x746b7365 /* "tkse" */
#define AUTOCHECKPOINT_PAGES 100

#define STATEMENTS(X)                                                                              \
    X(INVITE_PUT, "invite_put")                                                                    \
    X(INVITE_GET, "invite_get")                                                                    \
    X(INVITE_BY_CURVE, "invite_by_curve")                                                          \
    X(INVITE_WAITING, "invite_waiting")                                                            \
    X(INVITE_REQUEST, "invite_request")                                                            \
    X(INVITE_STANDING, "invite_standing")                                                          \
    X(INVITE_ARRIVED, "invite_arrived")                                                            \
    X(INVITE_SWEEP, "invite_sweep")                                                                \
    X(OPERATOR_PUT, "operator_put")                                                                \
    X(OPERATOR_GET, "operator_get")                                                                \
    X(OPERATOR_WAITING, "operator_waiting")                                                        \
    X(OPERATOR_COUNT, "operator_count")                                                            \
    X(OPERATOR_STANDING, "operator_standing")                                                      \
    X(DEVICE_GET, "device_get")                                                                    \
    X(DEVICE_PUT, "device_put")                                                                    \
    X(HALT_GET, "halt_get")                                                                        \
    X(HALT_PUT, "halt_put")                                                                        \
    X(HALT_DROP, "halt_drop")

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

struct enrol_store {
    struct db db;
    struct sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* ---- opening */

enum err enrol_store_open(const char *path, const char *vfs, struct enrol_store **ret_store,
                          struct problem *problem)
{
    static const char *const steps[] = { hub_store_enrol_sql };
    static const struct db_kind kind = { .application_id = APPLICATION_ID,
                                         .steps = steps,
                                         .step_count = COUNT_OF(steps),
                                         .autocheckpoint_pages = AUTOCHECKPOINT_PAGES };
    static const struct db_statements statements = { .text = hub_store_enrol_statements_sql,
                                                     .names = statement_names,
                                                     .count = STATEMENT_COUNT };
    struct enrol_store *store = calloc(1, sizeof *store);
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

void enrol_store_close(struct enrol_store **store)
{
    if (*store == NULL)
        return;
    db_finalize((*store)->statements, STATEMENT_COUNT);
    db_close(&(*store)->db);
    free(*store);
    *store = NULL;
}

/* ---- statements */

static void bind_blob(struct sqlite3_stmt *stmt, int at, struct bytes blob)
{
    (void)sqlite3_bind_blob(stmt, at, blob.at, (int)blob.len, SQLITE_STATIC);
}

static void bind_text(struct sqlite3_stmt *stmt, int at, const char *text)
{
    (void)sqlite3_bind_text(stmt, at, text, -1, SQLITE_STATIC);
}

static void bind_uint(struct sqlite3_stmt *stmt, int at, uint64_t value)
{
    (void)sqlite3_bind_int64(stmt, at, (sqlite3_int64)value);
}

/* Runs to the end; its bound bytes may go away afterwards. */
static enum err run(struct enrol_store *store, enum statement which)
{
    struct sqlite3_stmt *stmt = store->statements[which];
    int code = sqlite3_step(stmt);
    enum err err = code == SQLITE_DONE ? OK : db_err(&store->db, code);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return err;
}

static void column_fixed(struct sqlite3_stmt *stmt, int at, void *ret, size_t len)
{
    const void *blob = sqlite3_column_blob(stmt, at);
    if (blob != NULL && (size_t)sqlite3_column_bytes(stmt, at) == len)
        memcpy(ret, blob, len);
    else
        memset(ret, 0, len);
}

static void column_text(struct sqlite3_stmt *stmt, int at, char *ret, size_t cap)
{
    const unsigned char *text = sqlite3_column_text(stmt, at);
    (void)snprintf(ret, cap, "%s", text != NULL ? (const char *)text : "");
}

static size_t column_frame(struct sqlite3_stmt *stmt, int at, uint8_t ret[ENROL_FRAME_BYTES_MAX])
{
    const void *blob = sqlite3_column_blob(stmt, at);
    size_t len = (size_t)sqlite3_column_bytes(stmt, at);
    if (blob == NULL || len > ENROL_FRAME_BYTES_MAX)
        return 0;
    memcpy(ret, blob, len);
    return len;
}

static uint64_t column_uint(struct sqlite3_stmt *stmt, int at)
{
    sqlite3_int64 value = sqlite3_column_int64(stmt, at);
    return value < 0 ? 0 : (uint64_t)value;
}

static void invite_read(struct sqlite3_stmt *stmt, struct invite_row *ret)
{
    column_fixed(stmt, 0, ret->invite.at, ID_BYTES);
    column_text(stmt, 1, ret->node, sizeof ret->node);
    column_fixed(stmt, 2, ret->token_hash.at, HASH_BYTES);
    column_fixed(stmt, 3, ret->curve_key.at, PUBLIC_KEY_BYTES);
    ret->made_ms = column_uint(stmt, 4);
    ret->expires_ms = column_uint(stmt, 5);
    ret->standing = (unsigned)column_uint(stmt, 6);
    ret->tries = (unsigned)column_uint(stmt, 7);
    ret->since_ms = column_uint(stmt, 8);
    ret->frame_len = column_frame(stmt, 9, ret->frame);
}

static void operator_read(struct sqlite3_stmt *stmt, struct operator_row *ret)
{
    column_fixed(stmt, 0, ret->key.at, PUBLIC_KEY_BYTES);
    column_text(stmt, 1, ret->node, sizeof ret->node);
    ret->standing = (unsigned)column_uint(stmt, 2);
    ret->tries = (unsigned)column_uint(stmt, 3);
    ret->since_ms = column_uint(stmt, 4);
    ret->frame_len = column_frame(stmt, 5, ret->frame);
}

/* ---- invites */

enum err enrol_store_invite_put(struct enrol_store *store, const struct invite_row *row)
{
    struct sqlite3_stmt *stmt = store->statements[INVITE_PUT];
    bind_blob(stmt, 1, bytes_id(&row->invite));
    bind_text(stmt, 2, row->node);
    bind_blob(stmt, 3, bytes_hash(&row->token_hash));
    bind_blob(stmt, 4, bytes_of(row->curve_key.at, PUBLIC_KEY_BYTES));
    bind_uint(stmt, 5, row->made_ms);
    bind_uint(stmt, 6, row->expires_ms);
    return run(store, INVITE_PUT);
}

static enum err invite_find(struct enrol_store *store, enum statement which, struct bytes key,
                            struct invite_row *ret_row)
{
    struct sqlite3_stmt *stmt = store->statements[which];
    bind_blob(stmt, 1, key);
    int code = sqlite3_step(stmt);
    enum err err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_err(&store->db, code);
    if (code == SQLITE_ROW)
        invite_read(stmt, ret_row);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return err;
}

enum err enrol_store_invite(struct enrol_store *store, const struct id *invite,
                            struct invite_row *ret_row)
{
    return invite_find(store, INVITE_GET, bytes_id(invite), ret_row);
}

enum err enrol_store_invite_by_curve(struct enrol_store *store, const struct public_key *curve_key,
                                     struct invite_row *ret_row)
{
    return invite_find(store, INVITE_BY_CURVE, bytes_of(curve_key->at, PUBLIC_KEY_BYTES), ret_row);
}

enum err enrol_store_invite_request(struct enrol_store *store, const struct id *invite,
                                    uint64_t since_ms, struct bytes frame)
{
    must(frame.len <= ENROL_FRAME_BYTES_MAX);
    struct sqlite3_stmt *stmt = store->statements[INVITE_REQUEST];
    bind_blob(stmt, 1, bytes_id(invite));
    bind_uint(stmt, 2, since_ms);
    bind_blob(stmt, 3, frame);
    return run(store, INVITE_REQUEST);
}

enum err enrol_store_invite_standing(struct enrol_store *store, const struct id *invite,
                                     unsigned standing, unsigned tries)
{
    struct sqlite3_stmt *stmt = store->statements[INVITE_STANDING];
    bind_blob(stmt, 1, bytes_id(invite));
    bind_uint(stmt, 2, standing);
    bind_uint(stmt, 3, tries);
    return run(store, INVITE_STANDING);
}

enum err enrol_store_invite_arrived(struct enrol_store *store, const char *node)
{
    bind_text(store->statements[INVITE_ARRIVED], 1, node);
    return run(store, INVITE_ARRIVED);
}

enum err enrol_store_sweep(struct enrol_store *store, uint64_t before_ms)
{
    bind_uint(store->statements[INVITE_SWEEP], 1, before_ms);
    return run(store, INVITE_SWEEP);
}

/* ---- operators */

enum err enrol_store_operator_put(struct enrol_store *store, const struct operator_row *row)
{
    must(row->frame_len > 0 && row->frame_len <= ENROL_FRAME_BYTES_MAX);
    struct sqlite3_stmt *stmt = store->statements[OPERATOR_PUT];
    bind_blob(stmt, 1, bytes_of(row->key.at, PUBLIC_KEY_BYTES));
    bind_text(stmt, 2, row->node);
    bind_uint(stmt, 3, row->since_ms);
    bind_blob(stmt, 4, bytes_of(row->frame, row->frame_len));
    return run(store, OPERATOR_PUT);
}

enum err enrol_store_operator(struct enrol_store *store, const struct public_key *key,
                              struct operator_row *ret_row)
{
    struct sqlite3_stmt *stmt = store->statements[OPERATOR_GET];
    bind_blob(stmt, 1, bytes_of(key->at, PUBLIC_KEY_BYTES));
    int code = sqlite3_step(stmt);
    enum err err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_err(&store->db, code);
    if (code == SQLITE_ROW)
        operator_read(stmt, ret_row);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return err;
}

enum err enrol_store_operator_standing(struct enrol_store *store, const struct public_key *key,
                                       unsigned standing, unsigned tries)
{
    struct sqlite3_stmt *stmt = store->statements[OPERATOR_STANDING];
    bind_blob(stmt, 1, bytes_of(key->at, PUBLIC_KEY_BYTES));
    bind_uint(stmt, 2, standing);
    bind_uint(stmt, 3, tries);
    return run(store, OPERATOR_STANDING);
}

enum err enrol_store_operator_count(struct enrol_store *store, const char *node,
                                    unsigned *ret_count)
{
    struct sqlite3_stmt *stmt = store->statements[OPERATOR_COUNT];
    bind_text(stmt, 1, node);
    int code = sqlite3_step(stmt);
    enum err err = code == SQLITE_ROW ? OK : db_err(&store->db, code);
    if (code == SQLITE_ROW)
        *ret_count = (unsigned)column_uint(stmt, 0);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return err;
}

enum err enrol_store_waiting(struct enrol_store *store, enrol_invite_callback *invite,
                             enrol_operator_callback *op, void *ctx)
{
    struct sqlite3_stmt *stmt = store->statements[INVITE_WAITING];
    struct invite_row invite_row;
    int code;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        invite_read(stmt, &invite_row);
        invite(ctx, &invite_row);
    }
    (void)sqlite3_reset(stmt);
    if (code != SQLITE_DONE)
        return db_err(&store->db, code);

    stmt = store->statements[OPERATOR_WAITING];
    struct operator_row operator_row;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        operator_read(stmt, &operator_row);
        op(ctx, &operator_row);
    }
    (void)sqlite3_reset(stmt);
    return code == SQLITE_DONE ? OK : db_err(&store->db, code);
}

/* ---- devices */

enum err enrol_store_device(struct enrol_store *store, const char *node, struct public_key *ret_key)
{
    struct sqlite3_stmt *stmt = store->statements[DEVICE_GET];
    bind_text(stmt, 1, node);
    int code = sqlite3_step(stmt);
    enum err err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_err(&store->db, code);
    if (code == SQLITE_ROW)
        column_fixed(stmt, 0, ret_key->at, PUBLIC_KEY_BYTES);
    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return err;
}

enum err enrol_store_device_put(struct enrol_store *store, const char *node,
                                const struct public_key *key)
{
    struct sqlite3_stmt *stmt = store->statements[DEVICE_PUT];
    bind_text(stmt, 1, node);
    bind_blob(stmt, 2, bytes_of(key->at, PUBLIC_KEY_BYTES));
    return run(store, DEVICE_PUT);
}

/* ---- the halt */

enum err enrol_store_halt(struct enrol_store *store, struct halt_row *ret_row)
{
    struct sqlite3_stmt *stmt = store->statements[HALT_GET];
    int code = sqlite3_step(stmt);
    enum err err = code == SQLITE_DONE ? ERR_NOT_FOUND : db_err(&store->db, code);
    if (code == SQLITE_ROW) {
        column_text(stmt, 0, ret_row->node, sizeof ret_row->node);
        ret_row->epoch = column_uint(stmt, 1);
        ret_row->number = column_uint(stmt, 2);
        ret_row->since_ms = column_uint(stmt, 3);
    }
    (void)sqlite3_reset(stmt);
    return err;
}

enum err enrol_store_halt_put(struct enrol_store *store, const struct halt_row *row)
{
    struct sqlite3_stmt *stmt = store->statements[HALT_PUT];
    bind_text(stmt, 1, row->node);
    bind_uint(stmt, 2, row->epoch);
    bind_uint(stmt, 3, row->number);
    bind_uint(stmt, 4, row->since_ms);
    return run(store, HALT_PUT);
}

enum err enrol_store_halt_drop(struct enrol_store *store)
{
    return run(store, HALT_DROP);
}
