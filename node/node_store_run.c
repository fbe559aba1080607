/* Runs of queued entries, as the raw arrays that a bundle is signed over. */
#include "common/must.h"
#include "node/node_store_inside.h"

struct run {
    unsigned key_count;
    uint64_t keys[BUNDLE_KEYS_MAX];
    unsigned count;
    size_t bytes;
    struct hash head_after;
    struct writer *items;
};

/* Whether the bundle must bring this data key, which its entry at `seq` uses. */
static enum err key_needed(struct node_store *store, enum lane lane, uint64_t first, uint64_t key,
                           bool all_keys, bool *ret_needed)
{
    if (all_keys) {
        *ret_needed = true;
        return OK;
    }
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_first_key);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, key);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    bool needed = sql_uint(st, 0) >= first;
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_needed = needed;
    return err;
}

static bool run_has_key(const struct run *run, uint64_t key)
{
    for (unsigned i = 0; i < run->key_count; i++) {
        if (run->keys[i] == key)
            return true;
    }
    return false;
}

/* Takes one row of SQL_entry_run; *ret_full: it does not go in any more. */
static enum err run_take(struct node_store *store, struct sqlite3_stmt *st, struct run *run,
                         uint64_t *last_key, size_t max_bytes, bool *ret_full)
{
    struct bytes item = sql_bytes(st, 3);
    uint64_t key = sql_uint(st, 2);
    if (item.len == 0)
        return run->count > 0 ? (*ret_full = true, OK) : ERR_STATE;
    bool is_txn = sql_uint(st, 1) == ITEM_TXN;
    bool new_key = is_txn && key != *last_key && !run_has_key(run, key);
    if (run->count > 0 &&
        (run->bytes + item.len > max_bytes || (new_key && run->key_count == BUNDLE_KEYS_MAX))) {
        *ret_full = true;
        return OK;
    }
    if (new_key)
        run->keys[run->key_count++] = key;
    if (is_txn)
        *last_key = key;
    writer_raw(run->items, item);
    if (run->items->err != OK)
        return run->items->err;
    run->bytes += item.len;
    run->count++;
    node_sql_fixed(store, st, 0, run->head_after.at, HASH_BYTES);
    return OK;
}

static enum err run_keys(struct node_store *store, enum lane lane, uint64_t first, bool all_keys,
                         const struct run *run, struct writer *keys)
{
    uint64_t needed[BUNDLE_KEYS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < run->key_count; i++) {
        bool is_needed = false;
        enum err err = key_needed(store, lane, first, run->keys[i], all_keys, &is_needed);
        if (err != OK)
            return err;
        if (is_needed)
            needed[count++] = run->keys[i];
    }
    writer_array(keys, count);
    for (unsigned i = 0; i < count; i++) {
        struct sqlite3_stmt *st = node_sql(store, SQL_key_get);
        sql_bind_uint(st, 1, needed[i]);
        enum err err = node_sql_row(store, st);
        if (err != OK)
            return err == ERR_NOT_FOUND ? ERR_STORE : err;
        writer_array(keys, 2);
        writer_uint(keys, needed[i]);
        writer_bin(keys, sql_bytes(st, 0));
        err = node_sql_end(store, st, OK);
        if (err != OK)
            return err;
    }
    return keys->err;
}

/* The items go behind a head that is only known at the end: they are shifted to it. */
static enum err run_finish(struct writer *items, size_t start, unsigned count)
{
    uint8_t head[8];
    struct writer out = writer_of(head, sizeof head);
    writer_array(&out, count);
    must(out.err == OK);
    size_t len = out.buf.len;
    if (items->buf.cap - items->buf.len < len)
        return ERR_LIMIT;
    memmove(items->buf.at + start + len, items->buf.at + start, items->buf.len - start);
    memcpy(items->buf.at + start, head, len);
    items->buf.len += len;
    return OK;
}

enum err node_store_run(struct node_store *store, enum lane lane, uint64_t first,
                        unsigned max_items, size_t max_bytes, bool all_keys, struct writer *keys,
                        struct writer *items, struct queue_run *ret_run)
{
    must(first > 0 && max_items > 0 && lane < LANE_COUNT);
    struct run run = { .items = items };
    struct queue_run result = { .first = first };
    size_t start = items->buf.len;
    uint64_t last_key = 0;
    bool row = false, full = false;
    if (max_items > BUNDLE_ITEMS_MAX)
        max_items = BUNDLE_ITEMS_MAX;
    enum err err = node_store_head(store, lane, first - 1, &result.head_before);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_run);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, first);
    sql_bind_uint(st, 4, max_items);
    while (!full && (err = node_sql_step(store, st, &row)) == OK && row) {
        err = run_take(store, st, &run, &last_key, max_bytes, &full);
        if (err != OK)
            break;
    }
    err = node_sql_end(store, st, err);
    if (err == OK && run.count == 0)
        err = ERR_NOT_FOUND;
    if (err == OK)
        err = run_keys(store, lane, first, all_keys, &run, keys);
    if (err == OK)
        err = run_finish(items, start, run.count);
    if (err != OK)
        return err;
    result.count = run.count;
    result.head_after = run.head_after;
    *ret_run = result;
    return OK;
}
