/* What waits for a countersignature: in life 0 until it is queued or refused. */
#include "common/must.h"
#include "node/node_countersign.h"
#include "node/node_store_inside.h"

static struct box_name wait_box(const struct hash *leaf)
{
    return box_name("wait", bytes_hash(leaf), 0);
}

static struct box_name reason_box(const struct hash *leaf)
{
    return box_name("refusal", bytes_hash(leaf), 0);
}

enum err node_wait_put(struct node_store *store, const struct queue_entry *entry, uint64_t *ret_id)
{
    struct bytes box;
    const struct box_name name = wait_box(&entry->leaf);
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_entry);
    sql_bind_uint(st, 1, entry->lane);
    sql_bind_hash(st, 2, &entry->leaf);
    sql_bind_uint(st, 3, entry->change_count);
    sql_bind_uint(st, 4, entry->txn.len);
    sql_bind_uint(st, 5, entry->wall_ms);
    sql_bind_uint(st, 6, entry->author);
    enum err err = node_sql_run(store, st);
    if (err != OK)
        return err;
    uint64_t id = (uint64_t)sqlite3_last_insert_rowid(store->db.handle);
    err = node_box_put(store, &name, entry->txn, &box);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_wait_put);
    sql_bind_uint(st, 1, id);
    sql_bind(st, 2, box);
    err = node_sql_run(store, st);
    if (err == OK)
        *ret_id = id;
    return err;
}

/* ---- reading */

static enum err count(struct node_store *store, uint32_t author, struct waiting_count *ret_count,
                      uint64_t *ret_bytes)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_count);
    sql_bind_uint(st, 1, author);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct waiting_count counted = { sql_uint(st, 0), sql_uint(st, 1) };
    uint64_t bytes = sql_uint(st, 2);
    err = node_sql_end(store, st, OK);
    if (err != OK)
        return err;
    *ret_count = counted;
    *ret_bytes = bytes;
    return OK;
}

enum err node_store_waiting_count(struct node_store *store, uint32_t author,
                                  struct waiting_count *ret_count)
{
    uint64_t bytes;
    return count(store, author, ret_count, &bytes);
}

enum err node_wait_bytes(struct node_store *store, uint64_t *ret_bytes)
{
    struct waiting_count counted;
    return count(store, 0, &counted, ret_bytes);
}

/* A row of SQL_wait_all or SQL_wait_get; the transaction goes to scratch while unlocked. */
static enum err read_waiting(struct node_store *store, struct sqlite3_stmt *st,
                             struct waiting_txn *ret_txn)
{
    struct waiting_txn txn = { .number = sql_uint(st, 0),
                               .author = (uint32_t)sql_uint(st, 2),
                               .lane = (enum lane)sql_uint(st, 3),
                               .wall_ms = sql_uint(st, 4),
                               .change_count = (unsigned)sql_uint(st, 5) };
    enum err err = OK;
    node_sql_fixed(store, st, 1, txn.leaf.at, HASH_BYTES);
    const struct box_name name = wait_box(&txn.leaf);
    if (txn.lane >= LANE_COUNT)
        return ERR_STORE;
    if (store->box)
        err = node_box_get(store, &name, sql_bytes(st, 6), &txn.txn);
    if (err == OK)
        *ret_txn = txn;
    return err;
}

enum err node_store_waiting(struct node_store *store, waiting_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_all);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct waiting_txn txn;
        scratch_clear(&store->scratch);
        err = read_waiting(store, st, &txn);
        if (err != OK)
            break;
        each(ctx, &txn);
    }
    scratch_clear(&store->scratch);
    return node_sql_end(store, st, err);
}

enum err node_store_waiting_get(struct node_store *store, const struct hash *leaf,
                                struct waiting_txn *ret_txn)
{
    if (!store->box)
        return ERR_LOCKED;
    scratch_clear(&store->scratch);
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_get);
    sql_bind_hash(st, 1, leaf);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct waiting_txn txn = { 0 };
    err = sql_uint(st, 7) == COUNTERSIGN_WAITS ? read_waiting(store, st, &txn) : ERR_NOT_FOUND;
    err = node_sql_end(store, st, err);
    if (err == OK)
        *ret_txn = txn;
    return err;
}

enum err node_store_countersign_fate(struct node_store *store, const struct hash *leaf,
                                     struct countersign_fate *ret_fate)
{
    scratch_clear(&store->scratch);
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_get);
    sql_bind_hash(st, 1, leaf);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct countersign_fate fate = { .state = (enum countersign_state)sql_uint(st, 7),
                                     .operator_number = (uint32_t)sql_uint(st, 8) };
    const struct box_name name = reason_box(leaf);
    if (fate.state == COUNTERSIGN_REFUSED && store->box && sql_bytes(st, 9).len > 0)
        err = node_box_get(store, &name, sql_bytes(st, 9), &fate.reason);
    err = node_sql_end(store, st, err);
    if (err == OK)
        *ret_fate = fate;
    return err;
}

enum err node_store_waiting_before(struct node_store *store, const struct id *record,
                                   uint64_t number, bool makes, bool *ret_before)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_before);
    sql_bind_id(st, 1, record);
    sql_bind_uint(st, 2, number);
    sql_bind_uint(st, 3, makes);
    enum err err = node_sql_row(store, st);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    *ret_before = err == OK;
    return err == OK ? node_sql_end(store, st, OK) : OK;
}

/* ---- settling */

static enum err settle(struct node_store *store, uint64_t number, enum countersign_state state,
                       uint32_t by, struct bytes reason)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_settled);
    sql_bind_uint(st, 1, number);
    sql_bind_uint(st, 2, state);
    sql_bind_uint(st, 3, by);
    sql_bind(st, 4, reason);
    return node_sql_run(store, st);
}

enum err node_store_countersign_begin(struct node_store *store)
{
    if (!store->box)
        return ERR_LOCKED;
    enum err err = node_disk_room(store);
    return err == OK ? node_begin(store) : err;
}

/* The entry keeps its id, so that its changes stay where they are; it gets a place in the chain. */
static enum err take_place(struct node_store *store, uint64_t number, unsigned change_count,
                           const struct queue_entry *entry)
{
    struct lane_row row;
    struct hash head;
    uint64_t changes, bytes;
    enum err err = node_lane_row(store, store->life, entry->lane, &row);
    if (err == OK)
        err = node_sums(store, store->life, entry->lane, row.lane.highest, &changes, &bytes);
    if (err != OK)
        return err;
    chain_next(&row.lane.head, &entry->leaf, &head);
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_queue);
    sql_bind_uint(st, 1, number);
    sql_bind_uint(st, 2, store->life);
    sql_bind_uint(st, 3, entry->lane);
    sql_bind_uint(st, 4, row.lane.highest + 1);
    sql_bind_hash(st, 5, &head);
    sql_bind_uint(st, 6, entry->key_number);
    sql_bind_uint(st, 7, entry->item.len);
    sql_bind_uint(st, 8, changes + change_count);
    sql_bind_uint(st, 9, bytes + entry->item.len);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_lane_append);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, entry->lane);
    sql_bind_uint(st, 3, row.lane.highest + 1);
    sql_bind_hash(st, 4, &head);
    return node_sql_run(store, st);
}

enum err node_store_countersign_put(struct node_store *store, uint64_t number,
                                    const struct queue_entry *entry, uint32_t countersigner)
{
    must(entry->key_number > 0 && !entry->waits && countersigner > 0);
    enum err err = take_place(store, number, entry->change_count, entry);
    if (err == OK)
        err = node_item_put(store, number, entry);
    if (err == OK)
        err = settle(store, number, COUNTERSIGN_SIGNED, countersigner, bytes_of("", 0));
    if (err == OK)
        err = node_access_changes(store, entry, countersigner);
    scratch_clear(&store->scratch);
    return err;
}

enum err node_store_countersign_end(struct node_store *store, enum err err)
{
    err = node_end(store, err);
    scratch_clear(&store->scratch);
    return err;
}

static enum err refuse_one(struct node_store *store, const struct hash *leaf, uint32_t by,
                           struct bytes reason)
{
    struct waiting_txn txn;
    struct bytes box;
    const struct box_name name = reason_box(leaf);
    enum err err = node_store_waiting_get(store, leaf, &txn);
    if (err == OK)
        err = node_box_put(store, &name, reason, &box);
    if (err == OK)
        err = settle(store, txn.number, COUNTERSIGN_REFUSED, by, box);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_wait_refused);
    sql_bind_uint(st, 1, txn.number);
    sql_bind_text(st, 2, bytes_text(err_name(ERR_COUNTERSIGN_REFUSED)));
    err = node_sql_run(store, st);
    for (unsigned i = 0; err == OK && i < txn.change_count; i++)
        err = node_draft_rejected(store, txn.number, i);
    return err;
}

enum err node_store_countersign_refuse(struct node_store *store, const struct hash *leaves,
                                       size_t leaf_count, uint32_t by, struct bytes reason)
{
    if (!store->box)
        return ERR_LOCKED;
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    for (size_t i = 0; err == OK && i < leaf_count; i++)
        err = refuse_one(store, &leaves[i], by, reason);
    err = node_end(store, err);
    scratch_clear(&store->scratch);
    return err;
}
