/* Rows of files: how far each file was dealt with, and the ledger of what the rows said. */
#include "common/must.h"
#include "node/node_store_inside.h"

static void file_name(const struct node_store *store, const struct hash *file, struct id *ret_name)
{
    const struct bytes parts[] = { bytes_text("file"), bytes_hash(file) };
    node_index_hash(store, parts, COUNT_OF(parts), ret_name);
}

enum err node_store_import(struct node_store *store, const struct hash *file,
                           struct import_file *ret_file)
{
    struct id name;
    if (!store->box)
        return ERR_LOCKED;
    file_name(store, file, &name);
    struct sqlite3_stmt *st = node_sql(store, SQL_import_get);
    sql_bind_id(st, 1, &name);
    enum err err = node_sql_row(store, st);
    if (err == ERR_NOT_FOUND) {
        *ret_file = (struct import_file){ .line = 0 };
        return OK;
    }
    if (err != OK)
        return err;
    const struct import_file found = { .number = sql_uint(st, 0), .line = sql_uint(st, 1) };
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_file = found;
    return err;
}

/* ---- the ledger */

void node_store_row_hash(const struct node_store *store, struct bytes collection,
                         struct bytes fields, struct id *ret_hash)
{
    const struct bytes parts[] = { bytes_text("row"), collection, fields };
    node_index_hash(store, parts, COUNT_OF(parts), ret_hash);
}

enum err node_store_ledger(struct node_store *store, const struct import_file *file,
                           const struct id *hash, uint64_t *ret_here, uint64_t *ret_known)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_ledger_get);
    sql_bind_id(st, 1, hash);
    sql_bind_uint(st, 2, file->number); /* no row has 0 */
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t here = sql_uint(st, 0), files = sql_uint(st, 1), exported = sql_uint(st, 2);
    err = node_sql_end(store, st, OK);
    if (err != OK)
        return err;
    *ret_here = here;
    *ret_known = files > exported ? files : exported;
    return OK;
}

enum err node_store_lookup_count(struct node_store *store, struct bytes collection,
                                 struct bytes field, struct bytes value, unsigned max,
                                 unsigned *ret_count)
{
    struct id hash;
    if (!store->box)
        return ERR_LOCKED;
    node_lookup_hash(store, collection, field, value, &hash);
    struct sqlite3_stmt *st = node_sql(store, SQL_lookup_count);
    sql_bind_id(st, 1, &hash);
    sql_bind_uint(st, 2, max);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    unsigned count = (unsigned)sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_count = count;
    return err;
}

static enum err ledger_put(struct node_store *store, const struct id *hash, int64_t file,
                           uint64_t seen)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_ledger_put);
    sql_bind_id(st, 1, hash);
    must(sqlite3_bind_int64(st, 2, file) == SQLITE_OK);
    sql_bind_uint(st, 3, seen);
    return node_sql_run(store, st);
}

enum err node_import_note(struct node_store *store, const struct import_progress *progress)
{
    struct id name;
    file_name(store, &progress->file, &name);
    struct sqlite3_stmt *st = node_sql(store, SQL_import_put);
    sql_bind_id(st, 1, &name);
    sql_bind_uint(st, 2, progress->line);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t id = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err == OK && (id == 0 || id > INT64_MAX))
        err = ERR_STORE;
    for (unsigned i = 0; err == OK && i < progress->mark_count; i++)
        err = ledger_put(store, &progress->marks[i].hash, (int64_t)id, progress->marks[i].seen);
    return err;
}

enum err node_store_import_put(struct node_store *store, const struct import_progress *progress,
                               const struct id *request, struct bytes answer)
{
    if (!store->box)
        return ERR_LOCKED;
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    scratch_clear(&store->scratch);
    err = node_import_note(store, progress);
    if (err == OK)
        err = node_request_put(store, request, answer);
    return node_end(store, err);
}

/* A negative number that is always the same for a record, and tells nothing of it. */
static int64_t record_number(const struct node_store *store, const struct id *record)
{
    struct id name;
    uint64_t number = 0;
    const struct bytes parts[] = { bytes_text("exported"), bytes_id(record) };
    node_index_hash(store, parts, COUNT_OF(parts), &name);
    for (size_t i = 0; i < 8; i++)
        number = number << 8 | name.at[i];
    return -(int64_t)(number >> 2) - 1;
}

enum err node_store_ledger_export(struct node_store *store, const struct export_mark *marks,
                                  size_t count)
{
    if (!store->box)
        return ERR_LOCKED;
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    for (size_t i = 0; err == OK && i < count; i++)
        err = ledger_put(store, &marks[i].hash, record_number(store, &marks[i].record), 1);
    return node_end(store, err);
}
