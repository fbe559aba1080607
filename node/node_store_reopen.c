/* A new incarnation: what the hub has not received is queued again in its order, under new
 * positions. Leaf, sealed bytes and data keys stay, so that a transaction that did arrive is known
 * by its leaf. */
#include <stdlib.h>

#include "common/must.h"
#include "node/node_store_inside.h"

/* Where an entry stood and where it stands now; one ascending list a lane. */
struct moved {
    uint64_t life, seq, now;
};

struct move {
    uint64_t from; /* the life that ends */
    size_t count[LANE_COUNT], cap[LANE_COUNT];
    struct moved *list[LANE_COUNT];
};

static enum err moved_add(struct move *move, enum lane lane, const struct moved *one)
{
    if (move->count[lane] == move->cap[lane]) {
        size_t cap = move->cap[lane] ? move->cap[lane] * 2 : 256;
        struct moved *list = realloc(move->list[lane], cap * sizeof *list);
        if (!list)
            return ERR_MEMORY;
        move->list[lane] = list;
        move->cap[lane] = cap;
    }
    move->list[lane][move->count[lane]++] = *one;
    return OK;
}

static int compare_moved(const void *a, const void *b)
{
    const struct moved *x = a, *y = b;
    if (x->life != y->life)
        return x->life < y->life ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* 0: it was not moved, so the hub has it. */
static uint64_t moved_to(const struct move *move, uint64_t life, enum lane lane, uint64_t seq)
{
    const struct moved key = { .life = life, .seq = seq };
    if (move->count[lane] == 0)
        return 0;
    const struct moved *found =
        bsearch(&key, move->list[lane], move->count[lane], sizeof key, compare_moved);
    return found ? found->now : 0;
}

struct waiting {
    uint64_t id, seq, changes, bytes;
    struct hash leaf;
};

static enum err next_waiting(struct node_store *store, uint64_t life, enum lane lane,
                             uint64_t after, struct waiting *ret)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_unreceived);
    sql_bind_uint(st, 1, life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, after);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    ret->id = sql_uint(st, 0);
    ret->seq = sql_uint(st, 1);
    node_sql_fixed(store, st, 2, ret->leaf.at, HASH_BYTES);
    ret->changes = sql_uint(st, 3);
    ret->bytes = sql_uint(st, 4);
    return node_sql_end(store, st, OK);
}

/* Where the new chain of a lane goes on: the first position that has to move, or the end of what
 * was received. */
static enum err going_on(struct node_store *store, const struct move *move, enum lane lane,
                         uint64_t *ret_life, uint64_t *ret_seq)
{
    struct lane_row row;
    struct waiting first;
    for (uint64_t life = 1; life <= move->from; life++) {
        enum err err = next_waiting(store, life, lane, 0, &first);
        if (err == OK) {
            *ret_life = life;
            *ret_seq = first.seq;
        }
        if (err != ERR_NOT_FOUND)
            return err;
    }
    enum err err = node_lane_row(store, move->from, lane, &row);
    if (err == OK) {
        *ret_life = move->from;
        *ret_seq = row.lane.highest + 1;
    }
    return err;
}

/* The policy in force before the first moved position opens the new chain: versions never fall in
 * it, and what follows was written under this one. */
static enum err open_with_policy(struct node_store *store, const struct move *move, enum lane lane)
{
    uint64_t life, seq;
    enum err err = going_on(store, move, lane, &life, &seq);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_policy_at);
    sql_bind_uint(st, 1, life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, seq - 1);
    err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    uint64_t id = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err != OK)
        return err;
    struct policy_mark mark = { 0 };
    st = node_sql(store, SQL_item_get);
    sql_bind_uint(st, 1, id);
    err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    struct bytes raw = sql_bytes(st, 0);
    if (codec_scan(raw) != OK)
        return node_sql_end(store, st, ERR_STORE);
    struct reader in = reader_of(raw);
    reader_array_of(&in, 5);
    if (reader_uint(&in) != ITEM_POLICY)
        store->damaged = true;
    mark.trust_version = reader_uint(&in);
    mark.rules_version = reader_uint(&in);
    reader_fixed(&in, mark.trust_hash.at, HASH_BYTES);
    reader_fixed(&in, mark.rules_hash.at, HASH_BYTES);
    err = node_sql_end(store, st, reader_end(&in) == OK ? OK : ERR_STORE);
    return err == OK ? node_chain_policy(store, lane, &mark) : err;
}

/* Puts one entry at the end of its lane's new chain. */
static enum err move_entry(struct node_store *store, const struct waiting *one, enum lane lane,
                           uint64_t *ret_seq)
{
    struct lane_row row;
    struct hash head;
    uint64_t changes, bytes;
    enum err err = node_lane_row(store, store->life, lane, &row);
    if (err == OK)
        err = node_sums(store, store->life, lane, row.lane.highest, &changes, &bytes);
    if (err != OK)
        return err;
    chain_next(&row.lane.head, &one->leaf, &head);
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_move);
    sql_bind_uint(st, 1, one->id);
    sql_bind_uint(st, 2, store->life);
    sql_bind_uint(st, 3, row.lane.highest + 1);
    sql_bind_hash(st, 4, &head);
    sql_bind_uint(st, 5, changes + one->changes);
    sql_bind_uint(st, 6, bytes + one->bytes);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_lane_append);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, row.lane.highest + 1);
    sql_bind_hash(st, 4, &head);
    *ret_seq = row.lane.highest + 1;
    return node_sql_run(store, st);
}

static enum err move_lane(struct node_store *store, struct move *move, enum lane lane)
{
    enum err err = open_with_policy(store, move, lane);
    /* Earlier lives hold something only after a restore of the hub took back what it had received.
     */
    for (uint64_t life = 1; err == OK && life <= move->from; life++) {
        struct waiting one = { 0 };
        while ((err = next_waiting(store, life, lane, one.seq, &one)) == OK) {
            struct moved moved = { .life = life, .seq = one.seq };
            err = move_entry(store, &one, lane, &moved.now);
            if (err == OK)
                err = moved_add(move, lane, &moved);
            if (err != OK)
                break;
        }
        if (err == ERR_NOT_FOUND)
            err = OK;
    }
    return err;
}

/* Decodes one stored item of a transaction: our own bytes, bound to nothing but their form. */
static enum err item_decode(struct bytes raw, struct bundle_item *ret_item)
{
    struct bundle_item item = { .kind = ITEM_TXN };
    if (codec_scan(raw) != OK)
        return ERR_STORE;
    struct reader in = reader_of(raw);
    reader_array_of(&in, 7);
    if (reader_uint(&in) != ITEM_TXN)
        return ERR_STORE;
    size_t count = reader_array(&in);
    if (count % 2 != 0 || count / 2 > AFTER_MAX)
        return ERR_STORE;
    item.after_count = (unsigned)(count / 2);
    for (unsigned i = 0; i < item.after_count; i++) {
        item.after[i].lane = (enum lane)reader_uint_max(&in, LANE_COUNT - 1);
        item.after[i].seq = reader_uint(&in);
    }
    reader_fixed(&in, item.sealed.leaf.at, HASH_BYTES);
    item.sealed.key_number = reader_uint(&in);
    item.sealed.dictionary = (uint32_t)reader_uint_max(&in, UINT32_MAX);
    item.sealed.plain_bytes = (uint32_t)reader_uint_max(&in, UINT32_MAX);
    item.sealed.body = reader_bin(&in);
    if (reader_end(&in) != OK)
        return ERR_STORE;
    *ret_item = item;
    return OK;
}

/* `after` in the new positions. What was not moved is at the hub and needs no waiting for. */
static enum err rewrite_after(struct node_store *store, const struct move *move, uint64_t life,
                              uint64_t id, struct bytes raw)
{
    struct bundle_item item;
    enum err err = item_decode(raw, &item);
    if (err != OK || item.after_count == 0)
        return err;
    unsigned kept = 0;
    for (unsigned i = 0; i < item.after_count; i++) {
        uint64_t now = moved_to(move, life, item.after[i].lane, item.after[i].seq);
        if (now > 0)
            item.after[kept++] = (struct after){ item.after[i].lane, now };
    }
    item.after_count = kept;
    size_t cap = raw.len + 64;
    uint8_t *space = malloc(cap);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, cap);
    bundle_item_encode(&item, &out);
    err = out.err;
    if (err == OK) {
        struct sqlite3_stmt *st = node_sql(store, SQL_item_set);
        sql_bind_uint(st, 1, id);
        sql_bind(st, 2, writer_bytes(&out));
        err = node_sql_run(store, st);
    }
    free(space);
    return err;
}

static enum err rewrite_lane(struct node_store *store, const struct move *move, enum lane lane)
{
    for (size_t i = 0; i < move->count[lane]; i++) {
        const struct moved *moved = &move->list[lane][i];
        struct sqlite3_stmt *st = node_sql(store, SQL_item_after);
        sql_bind_uint(st, 1, store->life);
        sql_bind_uint(st, 2, lane);
        sql_bind_uint(st, 3, moved->now);
        enum err err = node_sql_row(store, st);
        if (err == ERR_NOT_FOUND)
            continue; /* a policy entry */
        if (err != OK)
            return err;
        scratch_clear(&store->scratch);
        uint64_t id = sql_uint(st, 0);
        struct bytes raw;
        err = node_sql_end(store, st, scratch_copy(&store->scratch, sql_bytes(st, 1), &raw));
        if (err == OK)
            err = rewrite_after(store, move, moved->life, id, raw);
        if (err != OK)
            return err;
    }
    return OK;
}

/* The feed leaves out what the hub took for this store's own. Where another store went on in this
 * one's name, that was not so: records are read again, and the new incarnation is told all of them.
 */
static enum err records_anew(struct node_store *store)
{
    struct cursor start;
    enum err err = node_store_cursor(store, FEED_RECORDS, &start);
    if (err != OK)
        return err;
    start.number = 0;
    start.hash = (struct hash){ { 0 } };
    return node_cursor_put(store, FEED_RECORDS, &start);
}

static enum err reopen(struct node_store *store, struct move *move)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_life_put);
    sql_bind_uint(st, 1, store->life);
    sql_bind_id(st, 2, &store->identity.incarnation);
    enum err err = node_sql_run(store, st);
    for (enum lane lane = LANE_URGENT; err == OK && lane < LANE_COUNT; lane++)
        err = node_lane_new(store, store->life, lane);
    for (enum lane lane = LANE_URGENT; err == OK && lane < LANE_COUNT; lane++)
        err = move_lane(store, move, lane);
    for (enum lane lane = LANE_URGENT; err == OK && lane < LANE_COUNT; lane++)
        err = rewrite_lane(store, move, lane);
    if (err == OK) {
        st = node_sql(store, SQL_lane_close);
        sql_bind_uint(st, 1, move->from);
        err = node_sql_run(store, st);
    }
    return err == OK ? records_anew(store) : err;
}

enum err node_store_reopen(struct node_store *store)
{
    if (!store->enrolled)
        return ERR_STATE;
    struct move move = { .from = store->life };
    const struct node_identity before = store->identity;
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    store->life = move.from + 1;
    store->identity.has_previous = true;
    store->identity.previous = before.incarnation;
    store->identity.incarnation = crypto_random_id();
    err = node_end(store, reopen(store, &move));
    if (err == OK) {
        store->stranded = false;
    } else {
        store->life = move.from;
        store->identity = before;
    }
    for (unsigned i = 0; i < LANE_COUNT; i++)
        free(move.list[i]);
    scratch_clear(&store->scratch);
    return err;
}

enum err node_load_stranded(struct node_store *store)
{
    store->stranded = false;
    if (store->epoch_count == 0) /* only a restored hub strands entries */
        return OK;
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_stranded);
    sql_bind_uint(st, 1, store->life);
    enum err err = node_sql_row(store, st);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    store->stranded = err == OK;
    return err == OK ? node_sql_end(store, st, OK) : OK;
}

bool node_store_stranded(const struct node_store *store)
{
    return store->stranded;
}
