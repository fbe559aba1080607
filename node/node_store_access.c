/* Who looked at what. */
#include "node/node_access.h"

#include "common/must.h"
#include "node/node_store_inside.h"

static enum err end_get(struct node_store *store, struct access_end *ret_end)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_access_end_get);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    struct access_end end = { .first = sql_uint(st, 0), .last = sql_uint(st, 2) };
    node_sql_fixed(store, st, 1, end.first_hash.at, HASH_BYTES);
    node_sql_fixed(store, st, 3, end.last_hash.at, HASH_BYTES);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_end = end;
    return err;
}

/* ---- writing. All in a transaction of the caller. */

static struct box_name note_box(uint64_t number)
{
    uint8_t at[8];
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(number >> (56 - 8 * i));
    return box_name("access", bytes_of(at, sizeof at), 0);
}

/* Appends `row` behind *end, which moves on; its note is in the clear. */
static enum err row_put(struct node_store *store, struct access_end *end, struct access_row *row,
                        const struct access_note *note)
{
    uint8_t space[ACCESS_NOTE_BYTES_MAX];
    struct writer plain = writer_of(space, sizeof space);
    struct hash hash;
    row->number = end->last + 1;
    if (row->name.len > ACCESS_NAME_BYTES_MAX)
        row->name.len = 0;
    enum err err = access_note_encode(note, &plain);
    const struct box_name name = note_box(row->number);
    if (err == OK)
        err = node_box_put(store, &name, writer_bytes(&plain), &row->note);
    crypto_wipe(space, sizeof space);
    if (err != OK)
        return err;
    access_hash(row, &end->last_hash, &hash);
    struct sqlite3_stmt *st = node_sql(store, SQL_access_put);
    sql_bind_uint(st, 1, row->number);
    sql_bind_uint(st, 2, row->wall_ms);
    sql_bind_uint(st, 3, row->op);
    sql_bind_uint(st, 4, row->full);
    sql_bind_uint(st, 5, row->who);
    sql_bind_text(st, 6, row->name);
    if (row->has_record)
        sql_bind_id(st, 7, &row->record);
    sql_bind_uint(st, 8, row->count);
    sql_bind(st, 9, row->note);
    sql_bind_hash(st, 10, &hash);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    end->last = row->number;
    end->last_hash = hash;
    st = node_sql(store, SQL_access_end_put);
    sql_bind_uint(st, 1, end->last);
    sql_bind_hash(st, 2, &end->last_hash);
    return node_sql_run(store, st);
}

/* ERR_NOT_FOUND: somebody removed it. */
static enum err row_at(struct node_store *store, uint64_t number, uint64_t *ret_wall_ms,
                       struct hash *ret_hash)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_access_at);
    sql_bind_uint(st, 1, number);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    uint64_t wall_ms = sql_uint(st, 0);
    node_sql_fixed(store, st, 1, ret_hash->at, HASH_BYTES);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_wall_ms = wall_ms;
    return err;
}

/* A chain with a hole in front is left as it is, for `audit verify` to find. */
static enum err trim(struct node_store *store, struct access_end *end, uint64_t now_ms)
{
    uint64_t oldest_ms, until_ms = 0, wall_ms, to = end->first;
    struct hash hash, anchor = end->first_hash;
    if (end->last - end->first < ACCESS_ROWS_MIN + ACCESS_TRIM_LEAST)
        return OK;
    enum err err = row_at(store, end->first + 1, &oldest_ms, &hash);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    uint64_t room = access_trim_room(end->first + 1, oldest_ms, end->last, now_ms, &until_ms);
    for (; room > 0; room--) {
        err = row_at(store, to + 1, &wall_ms, &hash);
        if (err != OK || wall_ms >= until_ms)
            break;
        anchor = hash;
        to++;
    }
    if (err == ERR_NOT_FOUND || (err == OK && to - end->first < ACCESS_TRIM_LEAST))
        return OK;
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_access_cut);
    sql_bind_uint(st, 1, to);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_access_anchor);
    sql_bind_uint(st, 1, to);
    sql_bind_hash(st, 2, &anchor);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    struct access_row row = { .wall_ms = now_ms, .op = ACCESS_TRIM, .count = to };
    return row_put(store, end, &row, &(struct access_note){ .what = { NULL, 0 } });
}

static enum err append(struct node_store *store, struct access_row *row,
                       const struct access_note *note)
{
    struct access_end end;
    row->wall_ms = row->wall_ms <= INT64_MAX ? row->wall_ms : 0;
    enum err err = end_get(store, &end);
    if (err == OK)
        err = trim(store, &end, row->wall_ms);
    return err == OK ? row_put(store, &end, row, note) : err;
}

enum err node_access_changes(struct node_store *store, const struct queue_entry *entry,
                             uint32_t who)
{
    const struct trust_operator *op = trust_operator(&store->trust, who);
    struct change first;
    must(entry->changes != NULL && entry->change_count > 0);
    enum err err = change_decode(entry->changes[0].raw, &first);
    if (err != OK)
        return err;
    const struct access_note note = { .what = first.collection };
    struct access_row row = { .wall_ms = entry->wall_ms,
                              .op = ACCESS_CHANGE,
                              .who = who,
                              .name = op ? bytes_text(op->name) : bytes_of(NULL, 0),
                              .has_record = entry->change_count == 1,
                              .record = first.record,
                              .count = entry->change_count };
    return append(store, &row, &note);
}

enum err node_store_access(struct node_store *store, const struct node_access *access)
{
    must(access->op < ACCESS_OP_COUNT);
    struct access_row row = { .wall_ms = access->wall_ms,
                              .op = access->op,
                              .full = access->full,
                              .name = access->name,
                              .has_record = access->record != NULL,
                              .count = access->count };
    if (!store->acting)
        return ERR_LOCKED;
    const struct trust_operator *op = node_store_operator(store);
    if (op) {
        row.who = op->number;
        row.name = bytes_text(op->name);
    }
    if (access->record)
        row.record = *access->record;
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    err = node_end(store, append(store, &row, &access->note));
    scratch_clear(&store->scratch);
    return err;
}

/* ---- reading */

/* What is out of range is told as what no row has. */
static uint64_t exact(struct sqlite3_stmt *st, int at)
{
    int64_t value = sqlite3_column_int64(st, at);
    return value < 0 ? INT64_MAX : (uint64_t)value;
}

static void row_read(struct sqlite3_stmt *st, struct access_row *ret, struct hash *ret_hash)
{
    struct bytes record = sql_bytes(st, 6), hash = sql_bytes(st, 9);
    *ret = (struct access_row){ .number = exact(st, 0),
                                .wall_ms = exact(st, 1),
                                .op = (enum access_op)exact(st, 2),
                                .full = exact(st, 3) == 1,
                                .who = exact(st, 4),
                                .name = sql_bytes(st, 5),
                                .has_record = sqlite3_column_type(st, 6) != SQLITE_NULL,
                                .count = exact(st, 7),
                                .note = sql_bytes(st, 8) };
    if (record.len == ID_BYTES)
        memcpy(ret->record.at, record.at, ID_BYTES);
    memset(ret_hash, 0, sizeof *ret_hash);
    if (hash.len == HASH_BYTES)
        memcpy(ret_hash->at, hash.at, HASH_BYTES);
}

static bool note_open(struct node_store *store, const struct access_row *row,
                      struct access_note *ret_note)
{
    struct bytes plain;
    const struct box_name name = note_box(row->number);
    return node_box_get(store, &name, row->note, &plain) == OK &&
           access_note_decode(plain, ret_note) == OK;
}

enum err node_store_access_rows(struct node_store *store, const struct id *record, unsigned max,
                                node_access_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, record ? SQL_access_of_record : SQL_access_newest);
    sql_bind_uint(st, 1, max);
    if (record)
        sql_bind_id(st, 2, record);
    bool got = false;
    enum err err;
    while ((err = node_sql_step(store, st, &got)) == OK && got) {
        struct access_row row;
        struct access_note note;
        struct hash hash;
        row_read(st, &row, &hash);
        bool opens = note_open(store, &row, &note);
        each(ctx, &row, opens ? &note : NULL);
        scratch_clear(&store->scratch);
    }
    return node_sql_end(store, st, err);
}

enum err node_store_access_check(struct node_store *store, struct access_check *ret_check)
{
    struct access_end end;
    enum err err = end_get(store, &end);
    if (err != OK)
        return err;
    access_check_start(ret_check, &end);
    struct sqlite3_stmt *st = node_sql(store, SQL_access_all);
    bool got = false;
    while ((err = node_sql_step(store, st, &got)) == OK && got) {
        struct access_row row;
        struct hash hash;
        row_read(st, &row, &hash);
        if (!access_check_row(ret_check, &row, &hash))
            break;
    }
    access_check_end(ret_check);
    return node_sql_end(store, st, err);
}
