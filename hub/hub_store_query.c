/* SQL that a person wrote, on a copy, in a child of its own. Only reading is allowed, by SQLite's
 * own judgement of the prepared statement, not by looking at its text. */
#include <sqlite3.h>
#include <stdlib.h>
#include <strings.h>

#include "common/crypto.h"
#include "common/db.h"
#include "hub/hub_query.h"
#include "hub/hub_views.h"

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

/* ---- what a question may read
 *
 * Masked, the tables of the collections are shadowed by temporary views: `orang` reads a second
 * view that reads main.orang with the masks. SQLite tells the authorizer through which view a
 * column is read, but a common table expression may take any name, a view's too. So the second
 * view's name is a secret of this question: 128 random bits, which no text of the question can
 * hold. */

#define SECRET_BYTES_MAX 48

struct asked {
    const struct policy *policy;
    char secret[SECRET_BYTES_MAX]; /* what the names of the second views begin with */
    json_t *masked;                /* names of columns that were read and are masked */
    bool refused;                  /* something that only a full question reads */
};

/* Tables of the store that hold no values, or whose values stand in the columns named here, which
 * read as NULL. All others are for a full question. */
#define WITHHELD_MAX 2
static const struct {
    const char *table;
    const char *withheld[WITHHELD_MAX];
} open_tables[] = {
    { "tksk_backup", { NULL } },
    { "tksk_backup_lane", { NULL } },
    { "tksk_change", { NULL } },
    { "tksk_collection", { NULL } },
    { "tksk_conflict", { "held_value", "chosen" } },
    { "tksk_decision", { NULL } },
    { "tksk_document", { "signed" } },
    { "tksk_entry", { NULL } },
    { "tksk_epoch", { NULL } },
    { "tksk_field", { NULL } },
    { "tksk_incarnation", { NULL } },
    { "tksk_journal", { "entry" } },
    { "tksk_lane", { NULL } },
    { "tksk_owed", { NULL } },
    { "tksk_scope", { NULL } },
    { "tksk_txn", { "body" } },
    { "tksk_wait", { NULL } },
    { "json_each", { NULL } }, /* functions over what is read by other means */
    { "json_tree", { NULL } },
};

static void note_masked(struct asked *asked, const char *view, const char *column)
{
    char name[2 * IDENTIFIER_BYTES_MAX + 8];
    size_t index;
    json_t *known;
    const char *table = strncmp(view, "v_", 2) == 0 ? view + 2 : view;
    const struct policy_collection *collection =
        policy_collection(asked->policy, bytes_text(table));
    if (collection == NULL || !views_masks(collection, column))
        return;
    (void)snprintf(name, sizeof name, "%s.%s", table, column);
    json_array_foreach(asked->masked, index, known) {
        if (strcmp(json_string_value(known), name) == 0)
            return;
    }
    (void)json_array_append_new(asked->masked, json_string(name));
}

static int may_read(struct asked *asked, const char *table, const char *column,
                    const char *database, const char *through)
{
    bool temporary = strcmp(database, "temp") == 0;
    if (column[0] == '\0')
        return SQLITE_OK; /* rows are counted; and the name may be that of an expression */
    if (temporary && strncmp(table, "sqlite_", 7) != 0) {
        note_masked(asked, table, column);
        return SQLITE_OK;
    }
    if (!temporary && asked->policy != NULL &&
        policy_collection(asked->policy, bytes_text(table)) != NULL) {
        bool masked =
            through != NULL && strncmp(through, asked->secret, strlen(asked->secret)) == 0;
        asked->refused = asked->refused || !masked;
        return masked ? SQLITE_OK : SQLITE_DENY;
    }
    for (size_t i = 0; i < COUNT_OF(open_tables) && !temporary; i++) {
        if (strcmp(open_tables[i].table, table) != 0)
            continue;
        for (size_t k = 0; k < WITHHELD_MAX; k++)
            if (open_tables[i].withheld[k] != NULL &&
                strcasecmp(open_tables[i].withheld[k], column) == 0)
                return SQLITE_IGNORE;
        return SQLITE_OK;
    }
    asked->refused = true;
    return SQLITE_DENY;
}

/* `ctx` NULL: nothing is masked. */
static int authorise(void *ctx, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    switch (action) {
    case SQLITE_READ:
        return ctx == NULL ? SQLITE_OK
                           : may_read(ctx, a != NULL ? a : "", b != NULL ? b : "",
                                      c != NULL ? c : "main", d);
    case SQLITE_SELECT:
    case SQLITE_FUNCTION:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

static void views_write(FILE *out, const struct asked *asked)
{
    char from[SECRET_BYTES_MAX + IDENTIFIER_BYTES_MAX + 16];
    for (size_t i = 0; i < asked->policy->collection_count; i++) {
        const struct policy_collection *collection = &asked->policy->collections[i];
        const char *name = collection->name;
        (void)snprintf(from, sizeof from, "main.\"%s\"", name);
        fprintf(out, "CREATE TEMP VIEW \"%s_%s\" AS ", asked->secret, name);
        views_masked(out, collection, from);
        (void)snprintf(from, sizeof from, "temp.\"%s_%s\"", asked->secret, name);
        fprintf(out, "; CREATE TEMP VIEW \"%s\" AS SELECT * FROM %s; CREATE TEMP VIEW \"v_%s\" AS ",
                name, from, name);
        views_people(out, collection, from, false);
        fprintf(out, ";\n");
    }
}

/* The file is open for reading alone; query_only would also keep the views out. */
static enum err views_make(struct db *db, struct asked *asked)
{
    char *text = NULL;
    size_t len = 0;
    struct id random = crypto_random_id();
    char hex[2 * ID_BYTES + 1];
    crypto_hex(bytes_id(&random), hex);
    (void)snprintf(asked->secret, sizeof asked->secret, "tksk_%s", hex);
    asked->masked = json_array();
    if (asked->policy == NULL)
        return OK;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return ERR_MEMORY;
    fprintf(out, "PRAGMA query_only=OFF;\n");
    views_write(out, asked);
    fprintf(out, "PRAGMA query_only=ON;\n");
    enum err err = fclose(out) == 0 ? db_exec(db, text) : ERR_MEMORY;
    free(text);
    return err;
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

static void refusal_write(FILE *out, const struct asked *asked, int code, sqlite3 *handle)
{
    if (code == SQLITE_AUTH && asked->refused)
        fail_write(out, ERR_DENIED, "this is only read with --full --reason TEXT");
    else if (code == SQLITE_AUTH)
        fail_write(out, ERR_DENIED, "a question reads; only one SELECT is answered");
    else if (code == SQLITE_INTERRUPT)
        fail_write(out, ERR_LIMIT, "the time for one question");
    else
        fail_write(out, ERR_USAGE, sqlite3_errmsg(handle));
}

void hub_store_query(const char *path, const struct hub_question *question, FILE *out)
{
    struct db db;
    struct problem problem = { .code = OK };
    struct asked asked = { .policy = question->policy };
    sqlite3_stmt *stmt = NULL;
    const char *rest = NULL;
    uint64_t count = 0;
    enum err err = db_open_copy(path, question->limit_ms, &db, &problem);
    if (err != OK) {
        fail_write(out, err, problem.detail);
        return;
    }
    if (!question->full)
        err = views_make(&db, &asked);
    if (err != OK) {
        fail_write(out, err, "the views for it");
        db_close(&db);
        return;
    }
    (void)sqlite3_set_authorizer(db.handle, authorise, question->full ? NULL : &asked);
    (void)sqlite3_hard_heap_limit64(HEAP_BYTES_MAX);
    int code = sqlite3_prepare_v2(db.handle, question->sql, -1, &stmt, &rest);
    while (code == SQLITE_OK &&
           (*rest == ' ' || *rest == '\n' || *rest == '\t' || *rest == '\r' || *rest == ';'))
        rest++;
    if (code != SQLITE_OK)
        refusal_write(out, &asked, code, db.handle);
    else if (stmt == NULL || *rest != '\0' || sqlite3_stmt_readonly(stmt) == 0 ||
             sqlite3_stmt_isexplain(stmt) != 0 || sqlite3_column_count(stmt) == 0)
        fail_write(out, ERR_USAGE, "exactly one SELECT is answered");
    else {
        columns_write(stmt, out);
        if (rows_write(&db, stmt, &count, out))
            line_write(
                out, "done",
                json_pack("{s:I, s:O?}", "count", (json_int_t)count, "masked", asked.masked));
    }
    (void)sqlite3_finalize(stmt);
    json_decref(asked.masked);
    db_close(&db);
}
