/* A lost passphrase: a new key for the person, and where nobody can open the cache any more a new
 * cache and seal key. What was under the old cache key is gone; the queue is sealed to the hub and
 * goes on. PROTOCOL.md §7. */
#include <stdlib.h>

#include "common/must.h"
#include "node/node_store_inside.h"

enum err node_store_unread(struct node_store *store, enum lane lane, uint64_t *ret_seq)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_unread);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t seq = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_seq = seq;
    return err;
}

/* The person's row with the new key in place of the old one. */
static enum err operator_swap(struct node_store *store, const struct node_operator *op,
                              const struct public_key *key, struct bytes request,
                              struct bytes wrapped)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_operator_swap);
    sql_bind_text(st, 1, bytes_text(op->name));
    sql_bind(st, 2, bytes_of(key->at, PUBLIC_KEY_BYTES));
    sql_bind_text(st, 3, bytes_text(op->role));
    sql_bind_text(st, 4, op->keyfile);
    sql_bind(st, 5, request);
    sql_bind(st, 6, wrapped);
    enum err err = node_sql_run(store, st);
    if (err == OK && sqlite3_changes(store->db.handle) == 0)
        err = ERR_NOT_FOUND;
    return err;
}

static enum err seal_swap(struct node_store *store, const struct secret_key *seal,
                          const struct secret_key *cache)
{
    struct public_key public_key;
    enum err err = node_seal_put(store, seal, cache);
    if (err != OK)
        return err;
    crypto_box_public(seal, &public_key);
    struct sqlite3_stmt *st = node_sql(store, SQL_node_seal);
    sql_bind(st, 1, bytes_of(public_key.at, PUBLIC_KEY_BYTES));
    return node_sql_run(store, st);
}

/* All that only the old cache key opened. Entries stay, with their sealed bytes and answers: they
 * are marked, so that the feed tells their changes like those of others. */
static enum err cache_forget(struct node_store *store)
{
    static const enum node_statement steps[] = {
        SQL_reset_wait_changes, SQL_reset_wait_entries, SQL_reset_waits,    SQL_reset_wrapped,
        SQL_reset_records,      SQL_lookup_clear,       SQL_reset_history,  SQL_conflict_clear,
        SQL_reset_changes,      SQL_reset_entries,      SQL_reset_items,    SQL_reset_requests,
        SQL_reset_imports,      SQL_reset_ledger,       SQL_reset_reasons,  SQL_reset_counters,
        SQL_blob_clear,         SQL_owed_clear,         SQL_answered_clear,
    };
    uint64_t drafts = 0;
    enum err err = node_drafts_lost(store, &drafts);
    for (size_t i = 0; err == OK && i < COUNT_OF(steps); i++)
        err = node_sql_run(store, node_sql(store, steps[i]));
    struct cursor start;
    if (err == OK)
        err = node_store_cursor(store, FEED_RECORDS, &start);
    if (err != OK)
        return err;
    start.number = 0;
    start.hash = (struct hash){ { 0 } };
    return node_cursor_put(store, FEED_RECORDS, &start);
}

enum err node_store_operator_reset(struct node_store *store, const struct node_operator *op,
                                   const struct message *request, const struct secret_key *seed,
                                   const struct secret_key *seal)
{
    uint8_t space[BOX_EXTRA_BYTES + SECRET_KEY_BYTES];
    struct buf wrapped = buf_of(space, sizeof space);
    struct secret_key *fresh = NULL;
    struct public_key key;
    if (!store->enrolled || (seal != NULL) == node_store_unlocked(store))
        return seal == NULL ? ERR_LOCKED : ERR_STATE;
    if (seal && (fresh = secret_key_new()) == NULL)
        return ERR_MEMORY;
    const struct secret_key *cache = seal ? fresh : store->cache;
    uint8_t *frame = malloc(FRAME_BYTES_MAX);
    struct writer out = writer_of(frame, FRAME_BYTES_MAX);
    crypto_sign_public(seed, &key);
    enum err err = frame ? message_encode(request, &out) : ERR_MEMORY;
    if (err == OK)
        err = node_wrap(seed, cache, &wrapped);
    if (err == OK && (err = node_begin(store)) == OK) {
        if (seal)
            err = cache_forget(store);
        if (err == OK)
            err = operator_swap(store, op, &key, writer_bytes(&out), buf_bytes(&wrapped));
        if (err == OK && seal)
            err = seal_swap(store, seal, cache);
        err = node_end(store, err);
    }
    if (err == OK && seal) {
        crypto_box_public(seal, &store->identity.seal_public);
        err = db_checkpoint(&store->db); /* no page of the old keys stays in the log */
    }
    free(frame);
    secret_key_close(&fresh);
    return err;
}

enum err node_store_welcomed(struct node_store *store, uint64_t number, uint64_t lost)
{
    struct cursor records;
    enum err err = node_store_cursor(store, FEED_RECORDS, &records);
    struct sqlite3_stmt *st = err == OK ? node_sql(store, SQL_counter_get) : NULL;
    if (err == OK)
        err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t load_to = sql_uint(st, 5), known = sql_uint(st, 6);
    err = node_sql_end(store, st, OK);
    bool begins = load_to == 0 && records.number == 0 && number > 0;
    if (err != OK || (!begins && known == lost))
        return err;
    err = node_begin(store);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_counter_welcomed);
    sql_bind_uint(st, 1, begins ? number : load_to);
    sql_bind_uint(st, 2, lost);
    return node_end(store, node_sql_run(store, st));
}

enum err node_store_load(struct node_store *store, struct node_load *ret_load)
{
    struct cursor records;
    enum err err = node_store_cursor(store, FEED_RECORDS, &records);
    struct sqlite3_stmt *st = err == OK ? node_sql(store, SQL_counter_get) : NULL;
    if (err == OK)
        err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    struct node_load load = { .to = sql_uint(st, 5), .lost = sql_uint(st, 6) };
    err = node_sql_end(store, st, OK);
    load.number = records.number;
    load.on = load.number < load.to;
    if (err == OK)
        *ret_load = load;
    return err;
}
