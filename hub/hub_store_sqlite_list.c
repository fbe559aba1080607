/* The embedded backend: rows for people, and all state in a fixed order for the content hash. */
#include <stdio.h>
#include <stdlib.h>

#include "common/crypto.h"
#include "common/must.h"
#include "hub/hub_store_sqlite.h"
#include "hub/hub_views.h"

#define LIST_COLUMNS_MAX (FIELDS_PER_CHANGE_MAX + 8)
#define FIND_ROWS_MAX 50

/* --- content --------------------------------------------------------------------------------- */

static void scan_number(hub_scan_callback *each, void *ctx, uint8_t kind, uint64_t number,
                        size_t bytes)
{
    uint8_t space[9];
    space[0] = kind;
    for (size_t i = 0; i < bytes; i++)
        space[i + 1] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
    each(ctx, bytes_of(space, bytes + 1));
}

static void scan_column(sqlite3_stmt *st, int column, hub_scan_callback *each, void *ctx)
{
    int type = sqlite3_column_type(st, column);
    if (type == SQLITE_INTEGER) {
        scan_number(each, ctx, 'i', column_u64(st, column), 8);
    } else if (type == SQLITE_NULL) {
        scan_number(each, ctx, 'n', 0, 0);
    } else {
        struct bytes bytes = column_bytes(st, column);
        scan_number(each, ctx, type == SQLITE_TEXT ? 't' : 'b', bytes.len, 4);
        each(ctx, bytes);
    }
}

static enum err scan_rows(struct sqlite_backend *s, sqlite3_stmt *st, hub_scan_callback *each,
                          void *ctx)
{
    enum err err;
    while ((err = statement_row(s, st)) == OK) {
        for (int i = 0; i < sqlite3_column_count(st); i++)
            scan_column(st, i, each, ctx);
        each(ctx, bytes_text("\n"));
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_scan(struct hub_backend *b, hub_scan_callback *each, void *ctx)
{
    static const enum statement order[] = {
        STMT_scan_journal, STMT_scan_epoch,  STMT_scan_lane,     STMT_scan_entry,
        STMT_scan_txn,     STMT_scan_change, STMT_scan_conflict, STMT_scan_decision,
        STMT_scan_scope,   STMT_scan_wait,   STMT_scan_document, STMT_scan_field,
    };
    struct sqlite_backend *s = sqlite_of(b);
    enum err err = OK;
    for (size_t i = 0; i < COUNT_OF(order) && !err; i++) {
        each(ctx, bytes_text("=\n"));
        err = scan_rows(s, s->statements[order[i]], each, ctx);
    }
    for (size_t i = 0; i < s->table_count && !err; i++) { /* by id: the order of coming */
        each(ctx, bytes_text("="));
        each(ctx, bytes_text(s->tables[i].name));
        each(ctx, bytes_text("\n"));
        err = scan_rows(s, s->tables[i].scan, each, ctx);
    }
    return err;
}

/* --- lists ----------------------------------------------------------------------------------- */

static enum err give_rows(struct sqlite_backend *s, sqlite3_stmt *st, hub_row_callback *row,
                          void *ctx)
{
    const char *names[LIST_COLUMNS_MAX];
    const char *values[LIST_COLUMNS_MAX];
    int count = sqlite3_column_count(st);
    must(count <= LIST_COLUMNS_MAX);
    enum err err;
    while ((err = statement_row(s, st)) == OK) {
        for (int i = 0; i < count; i++) {
            names[i] = sqlite3_column_name(st, i);
            values[i] = (const char *)sqlite3_column_text(st, i);
        }
        struct hub_row given = { .names = names, .values = values, .count = count };
        row(ctx, &given);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

/* A statement of the moment, over table names that the policy gave. */
static enum err give_sql(struct sqlite_backend *s, FILE *out, char **text, struct bytes low,
                         struct bytes high, const char *const *parameters, size_t count,
                         hub_row_callback *row, void *ctx)
{
    sqlite3_stmt *st = NULL;
    enum err err = fclose(out) != 0 ? ERR_MEMORY : db_prepare(&s->db, *text, &st);
    for (size_t i = 0; i < count && !err; i++)
        err = db_err(&s->db, sqlite3_bind_text(st, (int)i + 1, parameters[i], -1, SQLITE_STATIC));
    if (!err && low.at) {
        (void)sqlite3_bind_blob64(st, (int)count + 1, low.at, low.len, SQLITE_STATIC);
        (void)sqlite3_bind_blob64(st, (int)count + 2, high.at, high.len, SQLITE_STATIC);
    }
    if (!err)
        err = give_rows(s, st, row, ctx);
    (void)sqlite3_finalize(st);
    free(*text);
    *text = NULL;
    return err;
}

static enum err list_collections(struct sqlite_backend *s, hub_row_callback *row, void *ctx)
{
    char *text = NULL;
    size_t len = 0;
    if (s->table_count == 0)
        return OK;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ERR_MEMORY;
    for (size_t i = 0; i < s->table_count; i++)
        fprintf(out,
                "%sSELECT '%s' AS collection, count(*) AS records FROM \"%s\" WHERE _deleted = 0",
                i > 0 ? " UNION ALL " : "", s->tables[i].name, s->tables[i].name);
    return give_sql(s, out, &text, bytes_of(NULL, 0), bytes_of(NULL, 0), NULL, 0, row, ctx);
}

static enum err list_records(struct sqlite_backend *s, const char *const *parameters,
                             hub_row_callback *row, void *ctx)
{
    char *text = NULL;
    size_t len = 0;
    const struct policy_collection *c =
        s->policy ? policy_collection(s->policy, bytes_text(parameters[0])) : NULL;
    if (!c)
        return ERR_NOT_FOUND;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ERR_MEMORY;
    const char *area = c->fields[c->area_field].name;
    fprintf(out,
            "SELECT * FROM \"v_%s\" WHERE ?1 = '%%' OR \"%s\" = ?1 OR \"%s\" GLOB ?1 || '.*' "
            "ORDER BY 2, 1",
            c->name, area, area);
    return give_sql(s, out, &text, bytes_of(NULL, 0), bytes_of(NULL, 0), parameters + 1, 1, row,
                    ctx);
}

static enum err list_record(struct sqlite_backend *s, const char *const *parameters, bool full,
                            hub_row_callback *row, void *ctx)
{
    char from[IDENTIFIER_BYTES_MAX + 3];
    char *text = NULL;
    size_t len = 0;
    const struct policy_collection *c =
        s->policy ? policy_collection(s->policy, bytes_text(parameters[0])) : NULL;
    if (!c)
        return ERR_NOT_FOUND;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ERR_MEMORY;
    (void)snprintf(from, sizeof(from), "\"%s\"", c->name);
    fprintf(out, "SELECT * FROM (");
    views_people(out, c, from, full);
    fprintf(out, ") WHERE \"%s\" = ?1", policy_field(c, bytes_text("id")) ? "_id" : "id");
    return give_sql(s, out, &text, bytes_of(NULL, 0), bytes_of(NULL, 0), parameters + 1, 1, row,
                    ctx);
}

/* Columns of a page of records, for counting; names that the policy does not have are refused. */
static enum err list_values(struct sqlite_backend *s, const char *const *parameters,
                            hub_row_callback *row, void *ctx)
{
    char *text = NULL;
    size_t len = 0;
    struct id after = { .at = { 0 } };
    const struct policy_collection *c =
        s->policy ? policy_collection(s->policy, bytes_text(parameters[0])) : NULL;
    if (!c ||
        (parameters[1][0] != '\0' && !crypto_unhex(bytes_text(parameters[1]), after.at, ID_BYTES)))
        return ERR_NOT_FOUND;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ERR_MEMORY;
    enum err err = OK;
    fprintf(out, "SELECT lower(hex(_id)) AS id");
    for (const char *at = parameters[2]; *at != '\0' && !err;) {
        size_t name = strcspn(at, ",");
        const struct policy_field *field = policy_field(c, bytes_of(at, name));
        err = field ? OK : ERR_FIELD;
        if (field)
            fprintf(out, ", \"%s\"", field->name);
        at += name + (at[name] == ',');
    }
    fprintf(out,
            " FROM \"%s\" WHERE _id BETWEEN ?1 AND ?2 AND _id <> ?1 AND _deleted = 0 "
            "ORDER BY _id LIMIT %d",
            c->name, HUB_VALUES_ROWS);
    if (err) {
        (void)fclose(out);
        free(text);
        return err;
    }
    struct id last;
    memset(last.at, 0xff, sizeof(last.at));
    return give_sql(s, out, &text, bytes_id(&after), bytes_id(&last), NULL, 0, row, ctx);
}

static enum err list_referring(struct sqlite_backend *s, const char *const *parameters,
                               hub_row_callback *row, void *ctx)
{
    char from[2 * IDENTIFIER_BYTES_MAX + 64];
    char *text = NULL;
    size_t len = 0;
    struct id record;
    const struct policy_collection *c =
        s->policy ? policy_collection(s->policy, bytes_text(parameters[0])) : NULL;
    const struct policy_field *field = c ? policy_field(c, bytes_text(parameters[1])) : NULL;
    if (!field || field->type != FIELD_REFERENCE ||
        !uuid_from_text(bytes_text(parameters[2]), &record))
        return ERR_NOT_FOUND;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ERR_MEMORY;
    (void)snprintf(from, sizeof(from), "(SELECT * FROM \"%s\" WHERE \"%s\" = ?1)", c->name,
                   field->name);
    views_people(out, c, from, false);
    return give_sql(s, out, &text, bytes_id(&record), bytes_id(&record), NULL, 0, row, ctx);
}

/* The ids that begin with the hex digits of `text` (dashes left out). False: fewer than eight of
 * them. */
static bool id_range(const char *text, struct id *ret_low, struct id *ret_high)
{
    char low[2 * ID_BYTES + 1];
    char high[2 * ID_BYTES + 1];
    size_t len = 0;
    for (; *text != '\0'; text++) {
        if (*text == '-')
            continue;
        if (len == 2 * ID_BYTES)
            return false;
        low[len] = high[len] = *text;
        len++;
    }
    if (len < 8)
        return false;
    memset(low + len, '0', 2 * ID_BYTES - len);
    memset(high + len, 'f', 2 * ID_BYTES - len);
    return crypto_unhex(bytes_of(low, 2 * ID_BYTES), ret_low->at, ID_BYTES) &&
           crypto_unhex(bytes_of(high, 2 * ID_BYTES), ret_high->at, ID_BYTES);
}

static enum err list_find(struct sqlite_backend *s, const char *const *parameters,
                          hub_row_callback *row, void *ctx)
{
    char *text = NULL;
    size_t len = 0;
    struct id low, high;
    bool by_id = id_range(parameters[0], &low, &high);
    if (s->table_count == 0)
        return OK;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return ERR_MEMORY;
    fprintf(out, "SELECT collection, lower(substr(id, 1, 8) || '-' || substr(id, 9, 4) || '-' || "
                 "substr(id, 13, 4) || '-' || substr(id, 17, 4) || '-' || substr(id, 21)) AS id, "
                 "short, deleted FROM (");
    for (size_t i = 0; i < s->table_count; i++)
        fprintf(out,
                "%sSELECT '%s' AS collection, hex(_id) AS id, _short AS short, _deleted AS deleted "
                "FROM \"%s\" WHERE _short = ?1 OR _id BETWEEN ?2 AND ?3",
                i > 0 ? " UNION ALL " : "", s->tables[i].name, s->tables[i].name);
    fprintf(out, ") LIMIT %d", FIND_ROWS_MAX);
    return give_sql(s, out, &text, by_id ? bytes_id(&low) : bytes_of(NULL, 0),
                    by_id ? bytes_id(&high) : bytes_of(NULL, 0), parameters, 1, row, ctx);
}

static enum err list_bound(struct sqlite_backend *s, enum statement which,
                           const char *const *parameters, int count, hub_row_callback *row,
                           void *ctx)
{
    sqlite3_stmt *st = s->statements[which];
    for (int i = 0; i < count; i++)
        (void)sqlite3_bind_text(st, i + 1, parameters[i], -1, SQLITE_STATIC);
    return give_rows(s, st, row, ctx);
}

enum err sqlite_list(struct hub_backend *b, enum hub_list list, const char *const *parameters,
                     hub_row_callback *row, void *ctx)
{
    struct sqlite_backend *s = sqlite_of(b);
    struct id record;
    switch (list) {
    case HUB_LIST_NODES:
        return list_bound(s, STMT_list_nodes, parameters, 3, row, ctx);
    case HUB_LIST_REVIEW:
        return list_bound(s, STMT_list_review, parameters, 0, row, ctx);
    case HUB_LIST_TERMS:
        return list_bound(s, STMT_list_terms, parameters, 0, row, ctx);
    case HUB_LIST_BOOKS_LANES:
        return list_bound(s, STMT_list_books_lanes, parameters, 0, row, ctx);
    case HUB_LIST_BOOKS_ENTRIES:
        return list_bound(s, STMT_list_books_entries, parameters, 2, row, ctx);
    case HUB_LIST_BOOKS_ANSWERS:
        return list_bound(s, STMT_list_books_answers, parameters, 2, row, ctx);
    case HUB_LIST_TOTALS:
        return list_bound(s, STMT_list_totals, parameters, 0, row, ctx);
    case HUB_LIST_COLLECTIONS:
        return list_collections(s, row, ctx);
    case HUB_LIST_RECORDS:
        return list_records(s, parameters, row, ctx);
    case HUB_LIST_FIND:
        return list_find(s, parameters, row, ctx);
    case HUB_LIST_RECORD:
    case HUB_LIST_RECORD_FULL:
        return list_record(s, parameters, list == HUB_LIST_RECORD_FULL, row, ctx);
    case HUB_LIST_OWED:
        return list_bound(s, STMT_list_owed, parameters, 2, row, ctx);
    case HUB_LIST_OWED_ONE:
        if (!crypto_unhex(bytes_text(parameters[0]), record.at, ID_BYTES))
            return ERR_NOT_FOUND;
        statement_bind(s->statements[STMT_list_owed_one], "d", &record);
        return give_rows(s, s->statements[STMT_list_owed_one], row, ctx);
    case HUB_LIST_OWED_UNITS:
        return list_bound(s, STMT_list_owed_units, parameters, 2, row, ctx);
    case HUB_LIST_VALUES:
        return list_values(s, parameters, row, ctx);
    case HUB_LIST_REFERRING:
        return list_referring(s, parameters, row, ctx);
    case HUB_LIST_POSITIONS:
        return list_bound(s, STMT_list_positions, parameters, 1, row, ctx);
    case HUB_LIST_LOST:
        return list_bound(s, STMT_list_lost, parameters, 1, row, ctx);
    case HUB_LIST_BACKUPS:
        return list_bound(s, STMT_list_backups, parameters, 0, row, ctx);
    case HUB_LIST_HISTORY:
        if (!uuid_from_text(bytes_text(parameters[0]), &record))
            return ERR_NOT_FOUND;
        statement_bind(s->statements[STMT_list_history], "d", &record);
        return give_rows(s, s->statements[STMT_list_history], row, ctx);
    case HUB_LIST_CONFLICTS: /* made above the backends, from rows */
    case HUB_LIST_COUNT:
        break;
    }
    must_failed("a list that the backend knows", __FILE__, __LINE__);
}
