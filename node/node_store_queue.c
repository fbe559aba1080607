/* The queue and the chains: append, lanes, runs for bundles, requests. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#include "common/must.h"
#include "node/node_store_inside.h"

/* Items deleted in one transaction, so that an ACK after months without one stays short. */
#define DROP_ITEMS_MAX 500

/* ---- lanes */

enum err node_lane_row(struct node_store *store, uint64_t life, enum lane lane,
                       struct lane_row *ret_row)
{
    must(lane < LANE_COUNT);
    struct sqlite3_stmt *st = node_sql(store, SQL_lane_get);
    sql_bind_uint(st, 1, life);
    sql_bind_uint(st, 2, lane);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STATE : err; /* not enrolled */
    struct lane_row row = { 0 };
    row.lane.highest = sql_uint(st, 0);
    node_sql_fixed(store, st, 1, row.lane.head.at, HASH_BYTES);
    row.lane.acked = sql_uint(st, 2);
    node_sql_fixed(store, st, 3, row.lane.acked_head.at, HASH_BYTES);
    row.lane.keep_from = sql_uint(st, 4);
    row.dropped = sql_uint(st, 5);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_row = row;
    return err;
}

enum err node_lane_new(struct node_store *store, uint64_t life, enum lane lane)
{
    struct hash genesis;
    chain_genesis(store->identity.district, store->identity.node, &store->identity.incarnation,
                  lane, &genesis);
    struct sqlite3_stmt *st = node_sql(store, SQL_lane_put);
    sql_bind_uint(st, 1, life);
    sql_bind_uint(st, 2, lane);
    sql_bind_hash(st, 3, &genesis);
    return node_sql_run(store, st);
}

enum err node_store_lane(struct node_store *store, enum lane lane, struct node_lane *ret)
{
    struct lane_row row;
    enum err err = node_lane_row(store, store->life, lane, &row);
    if (err == OK)
        *ret = row.lane;
    return err;
}

enum err node_store_head(struct node_store *store, enum lane lane, uint64_t seq,
                         struct hash *ret_head)
{
    if (!store->enrolled)
        return ERR_STATE;
    if (seq == 0) {
        chain_genesis(store->identity.district, store->identity.node, &store->identity.incarnation,
                      lane, ret_head);
        return OK;
    }
    if (seq > INT64_MAX)
        return ERR_NOT_FOUND;
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_at);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, seq);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct hash head = { { 0 } };
    node_sql_fixed(store, st, 1, head.at, HASH_BYTES);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_head = head;
    return err;
}

enum err node_sums(struct node_store *store, uint64_t life, enum lane lane, uint64_t seq,
                   uint64_t *ret_changes, uint64_t *ret_bytes)
{
    if (seq == 0) {
        *ret_changes = *ret_bytes = 0;
        return OK;
    }
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_sums);
    sql_bind_uint(st, 1, life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, seq);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t changes = sql_uint(st, 0), bytes = sql_uint(st, 1);
    err = node_sql_end(store, st, OK);
    if (err == OK) {
        *ret_changes = changes;
        *ret_bytes = bytes;
    }
    return err;
}

enum err node_queued(struct node_store *store, uint64_t *ret_changes, uint64_t *ret_bytes)
{
    uint64_t changes = 0, bytes = 0;
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++) {
        struct lane_row row;
        uint64_t high_changes, high_bytes, acked_changes, acked_bytes;
        enum err err = node_lane_row(store, store->life, lane, &row);
        if (err == OK)
            err = node_sums(store, store->life, lane, row.lane.highest, &high_changes, &high_bytes);
        if (err == OK)
            err = node_sums(store, store->life, lane, row.lane.acked, &acked_changes, &acked_bytes);
        if (err != OK)
            return err;
        changes += high_changes - acked_changes;
        bytes += high_bytes - acked_bytes;
    }
    *ret_changes = changes;
    *ret_bytes = bytes;
    return OK;
}

/* ---- append */

enum err node_chain_append(struct node_store *store, const struct chain_entry *entry,
                           uint64_t *ret_id, uint64_t *ret_seq)
{
    struct lane_row row;
    struct hash head;
    uint64_t changes, bytes;
    enum err err = node_lane_row(store, store->life, entry->lane, &row);
    if (err == OK)
        err = node_sums(store, store->life, entry->lane, row.lane.highest, &changes, &bytes);
    if (err != OK)
        return err;
    uint64_t seq = row.lane.highest + 1;
    chain_next(&row.lane.head, &entry->leaf, &head);
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_put);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, entry->lane);
    sql_bind_uint(st, 3, seq);
    sql_bind_uint(st, 4, entry->kind);
    sql_bind_hash(st, 5, &entry->leaf);
    sql_bind_hash(st, 6, &head);
    sql_bind_uint(st, 7, entry->key);
    sql_bind_uint(st, 8, entry->changes);
    sql_bind_uint(st, 9, entry->bytes);
    sql_bind_uint(st, 10, changes + entry->changes);
    sql_bind_uint(st, 11, bytes + entry->bytes);
    sql_bind_uint(st, 12, entry->wall_ms);
    sql_bind_uint(st, 13, entry->author);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    uint64_t id = (uint64_t)sqlite3_last_insert_rowid(store->db.handle);
    st = node_sql(store, SQL_lane_append);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, entry->lane);
    sql_bind_uint(st, 3, seq);
    sql_bind_hash(st, 4, &head);
    err = node_sql_run(store, st);
    if (err == OK) {
        *ret_id = id;
        *ret_seq = seq;
    }
    return err;
}

static enum err item_put(struct node_store *store, uint64_t id, struct bytes item, struct bytes box)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_item_put);
    sql_bind_uint(st, 1, id);
    sql_bind(st, 2, item);
    sql_bind(st, 3, box);
    return node_sql_run(store, st);
}

enum err node_chain_policy(struct node_store *store, enum lane lane, const struct policy_mark *mark)
{
    uint8_t space[128];
    struct writer out = writer_of(space, sizeof space);
    struct bundle_item item = { .kind = ITEM_POLICY, .mark = *mark };
    bundle_item_encode(&item, &out);
    must(out.err == OK);
    struct chain_entry entry = { .lane = lane, .kind = ITEM_POLICY, .bytes = out.buf.len };
    bundle_item_leaf(&item, &entry.leaf);
    uint64_t id, seq;
    enum err err = node_chain_append(store, &entry, &id, &seq);
    return err == OK ? item_put(store, id, writer_bytes(&out), bytes_of(NULL, 0)) : err;
}

enum err node_disk_room(const struct node_store *store)
{
    struct statvfs disk;
    if (store->watch_disk && statvfs(store->db.path, &disk) == 0 &&
        (uint64_t)disk.f_bavail * disk.f_frsize < QUEUE_DISK_BYTES_MIN)
        return ERR_FULL;
    return OK;
}

/* Before anything is written: room in the queue and on the disk. */
static enum err room_for(struct node_store *store, const struct queue_entry *entry)
{
    uint64_t changes, bytes;
    enum err err = node_queued(store, &changes, &bytes);
    if (err != OK)
        return err;
    uint64_t waiting;
    err = node_wait_bytes(store, &waiting);
    if (err != OK)
        return err;
    if (bytes + waiting + (entry->waits ? entry->txn.len : entry->item.len) >
        store->queue_limit_bytes)
        return ERR_LIMIT;
    return node_disk_room(store);
}

/* The request is new, and so is the leaf. */
static enum err check_new(struct node_store *store, const struct queue_entry *entry)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_request_get);
    sql_bind_id(st, 1, &entry->request);
    enum err err = node_sql_row(store, st);
    if (err == OK)
        return node_sql_end(store, st, ERR_STATE);
    if (err != ERR_NOT_FOUND)
        return err;
    st = node_sql(store, SQL_entry_leaf);
    sql_bind_hash(st, 1, &entry->leaf);
    err = node_sql_row(store, st);
    if (err == OK)
        return node_sql_end(store, st, ERR_STATE);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err record_create(struct node_store *store, const struct change *change)
{
    char short_text[16] = "";
    struct id kind;
    if (change->number > 0)
        node_store_short(store->identity.node, change->number, short_text);
    node_kind(store, change->collection, &kind);
    struct sqlite3_stmt *st = node_sql(store, SQL_record_create);
    sql_bind_id(st, 1, &change->record);
    sql_bind_text(st, 2, bytes_text(short_text));
    sql_bind_id(st, 3, &kind);
    return node_sql_run(store, st);
}

static enum err change_put(struct node_store *store, uint64_t id, const struct queue_entry *entry,
                           unsigned index)
{
    struct change change;
    struct bytes box;
    enum err err = change_decode(entry->changes[index].raw, &change);
    if (err != OK)
        return err;
    const struct box_name name = box_name("change", bytes_hash(&entry->leaf), index);
    err = node_box_put(store, &name, change.raw, &box);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_change_put);
    sql_bind_uint(st, 1, id);
    sql_bind_uint(st, 2, index);
    sql_bind_id(st, 3, &change.record);
    sql_bind_uint(st, 4, change.op);
    sql_bind(st, 5, box);
    sql_bind_uint(st, 6, change.group);
    err = node_sql_run(store, st);
    if (err == OK && change.op == OP_CREATE)
        err = record_create(store, &change);
    if (err == OK)
        err = node_lookup_add(store, change.collection, change.fields, &change.record);
    return err;
}

enum err node_request_put(struct node_store *store, const struct id *request, struct bytes answer)
{
    struct bytes box;
    const struct box_name name = box_name("answer", bytes_id(request), 0);
    enum err err = node_box_put(store, &name, answer, &box);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_request_put);
    sql_bind_id(st, 1, request);
    sql_bind(st, 2, box);
    return node_sql_run(store, st);
}

enum err node_item_put(struct node_store *store, uint64_t id, const struct queue_entry *entry)
{
    struct bytes box;
    const struct box_name name = box_name("txn", bytes_hash(&entry->leaf), 0);
    enum err err = node_box_put(store, &name, entry->txn, &box);
    if (err == OK)
        err = item_put(store, id, entry->item, box);
    if (err == OK && entry->key_sealed.len > 0) {
        struct sqlite3_stmt *st = node_sql(store, SQL_key_put);
        sql_bind_uint(st, 1, entry->key_number);
        sql_bind(st, 2, entry->key_sealed);
        err = node_sql_run(store, st);
    }
    return err;
}

static enum err append(struct node_store *store, const struct queue_entry *entry, uint64_t *ret_seq)
{
    uint64_t id = 0, seq = 0;
    const struct chain_entry chain = {
        .lane = entry->lane,
        .kind = ITEM_TXN,
        .leaf = entry->leaf,
        .key = entry->key_number,
        .changes = entry->change_count,
        .bytes = entry->item.len,
        .wall_ms = entry->wall_ms,
        .author = entry->author,
    };
    enum err err = check_new(store, entry);
    if (err == OK && entry->waits) {
        err = node_wait_put(store, entry, &id);
        seq = id;
    } else if (err == OK) {
        err = node_chain_append(store, &chain, &id, &seq);
        if (err == OK)
            err = node_item_put(store, id, entry);
    }
    for (unsigned i = 0; err == OK && i < entry->change_count; i++)
        err = change_put(store, id, entry, i);
    if (err == OK)
        err = node_request_put(store, &entry->request, entry->answer);
    if (err == OK && entry->draft > 0)
        err = node_draft_sent(store, entry);
    if (err == OK && entry->import)
        err = node_import_note(store, entry->import);
    if (err == OK)
        err = node_access_changes(store, entry, entry->author);
    if (err == OK && entry->next_number > 0) {
        struct sqlite3_stmt *st = node_sql(store, SQL_counter_number);
        sql_bind_uint(st, 1, entry->next_number);
        err = node_sql_run(store, st);
    }
    if (err == OK)
        *ret_seq = seq;
    return err;
}

enum err node_store_append(struct node_store *store, const struct queue_entry *entry,
                           uint64_t *ret_seq)
{
    must(entry->change_count > 0 && entry->change_count <= CHANGES_PER_TRANSACTION_MAX);
    must((entry->key_number == 0) == entry->waits && entry->lane < LANE_COUNT);
    uint64_t seq = 0;
    if (!store->enrolled)
        return ERR_STATE;
    if (!store->box)
        return ERR_LOCKED;
    enum err err = room_for(store, entry);
    if (err == OK)
        err = node_begin(store);
    if (err != OK)
        return err;
    err = node_end(store, append(store, entry, &seq));
    scratch_clear(&store->scratch);
    if (err != OK)
        return err;
    if (entry->next_number > 0)
        store->next_number = entry->next_number;
    *ret_seq = seq;
    return OK;
}

void node_store_queue_limit(struct node_store *store, uint64_t bytes)
{
    store->queue_limit_bytes = bytes;
}

enum err node_store_next_key(struct node_store *store, uint64_t *ret_number)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_key_next);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    uint64_t number = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_number = number;
    return err;
}

void node_store_short(const char *node, uint32_t number, char ret[16])
{
    const char *last = strrchr(node, '.');
    snprintf(ret, 16, "%.4s-%04u", last ? last + 1 : node, number);
}

/* ---- what is no longer needed */

enum err node_drop_passed(struct node_store *store, enum lane lane)
{
    struct lane_row row;
    enum err err = node_lane_row(store, store->life, lane, &row);
    if (err != OK)
        return err;
    uint64_t to = row.lane.keep_from > 0 ? row.lane.keep_from - 1 : 0;
    if (to > row.lane.acked)
        to = row.lane.acked;
    if (to > row.dropped + DROP_ITEMS_MAX)
        to = row.dropped + DROP_ITEMS_MAX;
    if (to <= row.dropped)
        return OK;
    struct sqlite3_stmt *st = node_sql(store, SQL_item_drop);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, row.dropped);
    sql_bind_uint(st, 4, to);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_lane_dropped);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, to);
    return node_sql_run(store, st);
}

/* ---- requests */

enum err node_store_answer(struct node_store *store, const struct id *request,
                           struct bytes *ret_answer)
{
    scratch_clear(&store->scratch);
    struct sqlite3_stmt *st = node_sql(store, SQL_request_get);
    sql_bind_id(st, 1, request);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    if (sql_bytes(st, 0).len == 0)
        return node_sql_end(store, st, ERR_STATE);
    const struct box_name name = box_name("answer", bytes_id(request), 0);
    struct bytes answer;
    err = node_sql_end(store, st, node_box_get(store, &name, sql_bytes(st, 0), &answer));
    if (err == OK)
        *ret_answer = answer;
    return err;
}
