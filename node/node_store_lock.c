/* Operators, the lock, boxes under the cache key, and the memory that plain values live in. */
#include <stdlib.h>

#include "common/must.h"
#include "node/node_store_inside.h"

/* ---- scratch */

struct scratch_block {
    struct scratch_block *next;
    size_t used, cap;
    _Alignas(16) uint8_t bytes[];
};

#define SCRATCH_BLOCK_BYTES 4096

void scratch_clear(struct scratch *scratch)
{
    while (scratch->blocks) {
        struct scratch_block *block = scratch->blocks;
        scratch->blocks = block->next;
        crypto_wipe(block->bytes, block->used);
        free(block);
    }
}

void *scratch_take(struct scratch *scratch, size_t len)
{
    size_t rounded = (len + 15) & ~(size_t)15;
    struct scratch_block *block = scratch->blocks;
    if (!block || block->cap - block->used < rounded) {
        size_t cap = rounded > SCRATCH_BLOCK_BYTES ? rounded : SCRATCH_BLOCK_BYTES;
        block = malloc(sizeof *block + cap);
        if (!block)
            return NULL;
        block->next = scratch->blocks;
        block->used = 0;
        block->cap = cap;
        scratch->blocks = block;
    }
    void *at = block->bytes + block->used;
    block->used += rounded;
    return at;
}

enum err scratch_copy(struct scratch *scratch, struct bytes in, struct bytes *ret_copy)
{
    uint8_t *at = scratch_take(scratch, in.len);
    if (!at)
        return ERR_MEMORY;
    if (in.len > 0)
        memcpy(at, in.at, in.len);
    *ret_copy = bytes_of(at, in.len);
    return OK;
}

/* ---- boxes */

struct box_name box_name(const char *kind, struct bytes id, unsigned index)
{
    struct box_name name = { 0 };
    size_t kind_len = strlen(kind) + 1;
    must(kind_len + id.len + 4 <= sizeof name.at);
    memcpy(name.at, kind, kind_len);
    memcpy(name.at + kind_len, id.at, id.len);
    uint8_t *tail = name.at + kind_len + id.len;
    for (int i = 0; i < 4; i++)
        tail[i] = (uint8_t)(index >> (24 - 8 * i));
    name.len = kind_len + id.len + 4;
    return name;
}

enum err node_box_put(struct node_store *store, const struct box_name *name, struct bytes plain,
                      struct bytes *ret_box)
{
    if (!store->box)
        return ERR_LOCKED;
    size_t cap = plain.len + BOX_EXTRA_BYTES;
    struct buf box = buf_of(scratch_take(&store->scratch, cap), cap);
    if (!box.at)
        return ERR_MEMORY;
    enum err err = crypto_box_put(plain, bytes_of(name->at, name->len), store->box, &box);
    if (err == OK)
        *ret_box = buf_bytes(&box);
    return err;
}

enum err node_box_get(struct node_store *store, const struct box_name *name, struct bytes box,
                      struct bytes *ret_plain)
{
    if (!store->box)
        return ERR_LOCKED;
    if (box.len < BOX_EXTRA_BYTES)
        return ERR_STORE;
    size_t cap = box.len - BOX_EXTRA_BYTES;
    struct buf plain = buf_of(scratch_take(&store->scratch, cap), cap);
    if (!plain.at)
        return ERR_MEMORY;
    enum err err = crypto_box_get(box, bytes_of(name->at, name->len), store->box, &plain);
    if (err == OK)
        *ret_plain = buf_bytes(&plain);
    return err == ERR_DECRYPT ? ERR_STORE : err;
}

void node_index_hash(const struct node_store *store, const struct bytes *parts, size_t count,
                     struct id *ret_hash)
{
    must(store->index != NULL && count <= 4);
    /* Values can be long: the parts go through a plain hash first, the key comes last. */
    struct hasher hasher;
    hasher_start(&hasher, "node-index");
    for (size_t i = 0; i < count; i++) {
        uint8_t len[4];
        for (int j = 0; j < 4; j++)
            len[j] = (uint8_t)(parts[i].len >> (24 - 8 * j));
        hasher_add(&hasher, bytes_of(len, sizeof len));
        hasher_add(&hasher, parts[i]);
    }
    struct hash plain;
    hasher_end(&hasher, &plain);
    crypto_keyed_hash(bytes_of(secret_key_bytes(store->index), SECRET_KEY_BYTES),
                      bytes_hash(&plain), ret_hash->at, ID_BYTES);
    crypto_wipe(&plain, sizeof plain);
    crypto_wipe(&hasher, sizeof hasher);
}

/* ---- operators */

enum err node_store_operators(struct node_store *store, node_operator_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_operator_all);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct node_operator op = { 0 };
        node_sql_fixed(store, st, 0, op.key.at, PUBLIC_KEY_BYTES);
        node_sql_text(store, st, 1, op.name, sizeof op.name);
        node_sql_text(store, st, 2, op.role, sizeof op.role);
        op.keyfile = sql_bytes(st, 3);
        op.request = sql_bytes(st, 4);
        const struct trust_operator *known = trust_operator_by_key(&store->trust, &op.key);
        op.number = known ? known->number : 0;
        each(ctx, &op);
    }
    return node_sql_end(store, st, err);
}

static struct secret_key *wrapping_key(const struct secret_key *seed)
{
    return crypto_subkey(seed, 1, "tkskcach");
}

/* The clear copy that stands in the store until the first operator wraps it. */
static enum err cache_in_clear(struct node_store *store, struct secret_key **ret_key)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_secret_get);
    sql_bind_text(st, 1, bytes_text("cache"));
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct bytes value = sql_bytes(st, 0);
    struct secret_key *key = value.len == SECRET_KEY_BYTES ? secret_key_from(value.at) : NULL;
    err = node_sql_end(store, st,
                       key                             ? OK
                       : value.len == SECRET_KEY_BYTES ? ERR_MEMORY
                                                       : ERR_STORE);
    if (err == OK)
        *ret_key = key;
    else
        secret_key_close(&key);
    return err;
}

static enum err box_open_key(struct bytes box, struct bytes ad, const struct secret_key *key,
                             struct secret_key **ret_key)
{
    uint8_t space[SECRET_KEY_BYTES];
    struct buf plain = buf_of(space, sizeof space);
    enum err err = crypto_box_get(box, ad, key, &plain);
    if (err == OK && plain.len != SECRET_KEY_BYTES)
        err = ERR_DECRYPT;
    if (err == OK && (*ret_key = secret_key_from(space)) == NULL)
        err = ERR_MEMORY;
    crypto_wipe(space, sizeof space);
    return err == ERR_LIMIT ? ERR_DECRYPT : err;
}

enum err node_wrap(const struct secret_key *seed, const struct secret_key *cache,
                   struct buf *wrapped)
{
    struct public_key key;
    struct secret_key *wrapping = wrapping_key(seed);
    if (!wrapping)
        return ERR_MEMORY;
    crypto_sign_public(seed, &key);
    enum err err = crypto_box_put(bytes_of(secret_key_bytes(cache), SECRET_KEY_BYTES),
                                  bytes_of(key.at, PUBLIC_KEY_BYTES), wrapping, wrapped);
    secret_key_close(&wrapping);
    return err;
}

enum err node_seal_put(struct node_store *store, const struct secret_key *seal,
                       const struct secret_key *cache)
{
    uint8_t space[BOX_EXTRA_BYTES + SECRET_KEY_BYTES];
    struct buf box = buf_of(space, sizeof space);
    enum err err = crypto_box_put(bytes_of(secret_key_bytes(seal), SECRET_KEY_BYTES),
                                  bytes_text("seal"), cache, &box);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_secret_put);
    sql_bind_text(st, 1, bytes_text("seal"));
    sql_bind(st, 2, buf_bytes(&box));
    return node_sql_run(store, st);
}

static enum err seal_key_get(struct node_store *store, const struct secret_key *cache,
                             struct secret_key **ret_seal)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_secret_get);
    sql_bind_text(st, 1, bytes_text("seal"));
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    return node_sql_end(store, st,
                        box_open_key(sql_bytes(st, 0), bytes_text("seal"), cache, ret_seal));
}

/* What stood in clear may be found again in freed blocks of the disk, so the first operator gets a
 * new cache key. Nothing but the seal key was under the old one. */
static enum err cache_replace(struct node_store *store, const struct secret_key *clear,
                              const struct secret_key *cache)
{
    struct secret_key *seal = NULL;
    enum err err = seal_key_get(store, clear, &seal);
    if (err == OK)
        err = node_seal_put(store, seal, cache);
    if (err == OK) {
        struct sqlite3_stmt *st = node_sql(store, SQL_secret_delete);
        sql_bind_text(st, 1, bytes_text("cache"));
        err = node_sql_run(store, st);
    }
    secret_key_close(&seal);
    return err;
}

static enum err operator_put(struct node_store *store, const struct node_operator *op,
                             const struct public_key *key, struct bytes request,
                             struct bytes wrapped)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_operator_clash);
    sql_bind(st, 1, bytes_of(key->at, PUBLIC_KEY_BYTES));
    sql_bind_text(st, 2, bytes_text(op->name));
    enum err err = node_sql_row(store, st);
    if (err == OK)
        return node_sql_end(store, st, ERR_STATE);
    if (err != ERR_NOT_FOUND)
        return err;
    st = node_sql(store, SQL_operator_put);
    sql_bind(st, 1, bytes_of(key->at, PUBLIC_KEY_BYTES));
    sql_bind_text(st, 2, bytes_text(op->name));
    sql_bind_text(st, 3, bytes_text(op->role));
    sql_bind_text(st, 4, op->keyfile);
    sql_bind(st, 5, request);
    sql_bind(st, 6, wrapped);
    return node_sql_run(store, st);
}

enum err node_store_operator_add(struct node_store *store, const struct node_operator *op,
                                 const struct message *request, const struct secret_key *seed)
{
    struct secret_key *clear = NULL, *fresh = NULL;
    uint8_t *frame = NULL, space[BOX_EXTRA_BYTES + SECRET_KEY_BYTES];
    struct buf wrapped = buf_of(space, sizeof space);
    struct public_key key;
    enum err err = OK;

    if (!store->enrolled)
        return ERR_STATE;
    const struct secret_key *cache = store->cache;
    if (!cache) {
        err = cache_in_clear(store, &clear);
        if (err != OK)
            return err == ERR_NOT_FOUND ? ERR_LOCKED : err;
        cache = fresh = secret_key_new();
    }
    crypto_sign_public(seed, &key);
    frame = malloc(FRAME_BYTES_MAX);
    struct writer out = writer_of(frame, FRAME_BYTES_MAX);
    err = frame && cache ? message_encode(request, &out) : ERR_MEMORY;
    if (err == OK)
        err = node_wrap(seed, cache, &wrapped);
    if (err == OK && (err = node_begin(store)) == OK) {
        err = operator_put(store, op, &key, writer_bytes(&out), buf_bytes(&wrapped));
        if (err == OK && clear)
            err = cache_replace(store, clear, cache);
        err = node_end(store, err);
    }
    free(frame);
    secret_key_close(&fresh);
    secret_key_close(&clear);
    return err;
}

/* ---- the lock */

struct unlocked {
    struct secret_key *seed, *cache, *box, *index, *seal, *blob;
};

static void unlocked_close(struct unlocked *keys)
{
    secret_key_close(&keys->seed);
    secret_key_close(&keys->cache);
    secret_key_close(&keys->box);
    secret_key_close(&keys->index);
    secret_key_close(&keys->seal);
    secret_key_close(&keys->blob);
}

static enum err unwrap_cache(struct node_store *store, struct unlocked *keys)
{
    struct public_key key;
    crypto_sign_public(keys->seed, &key);
    struct secret_key *wrapping = wrapping_key(keys->seed);
    if (!wrapping)
        return ERR_MEMORY;
    struct sqlite3_stmt *st = node_sql(store, SQL_operator_get);
    sql_bind(st, 1, bytes_of(key.at, PUBLIC_KEY_BYTES));
    enum err err = node_sql_row(store, st);
    if (err == OK && sql_bytes(st, 0).len == 0)
        err = node_sql_end(store, st, ERR_STATE);
    else if (err == OK)
        err = node_sql_end(store, st,
                           box_open_key(sql_bytes(st, 0), bytes_of(key.at, PUBLIC_KEY_BYTES),
                                        wrapping, &keys->cache));
    else if (err == ERR_NOT_FOUND)
        err = ERR_KEY;
    secret_key_close(&wrapping);
    return err;
}

static unsigned unlocked_find(const struct node_store *store, const struct public_key *key)
{
    unsigned at = 0;
    for (; at < store->operator_count; at++) {
        struct public_key other;
        crypto_sign_public(store->operators[at], &other);
        if (crypto_equal(other.at, key->at, PUBLIC_KEY_BYTES))
            break;
    }
    return at;
}

/* The seed joins those that are unlocked, and acts. Takes it. */
static enum err operator_joins(struct node_store *store, struct secret_key **seed)
{
    struct public_key key;
    crypto_sign_public(*seed, &key);
    unsigned at = unlocked_find(store, &key);
    if (at == UNLOCKED_MAX)
        return ERR_LIMIT;
    if (at == store->operator_count) {
        store->operators[store->operator_count++] = *seed;
        *seed = NULL;
    }
    secret_key_close(seed);
    store->acting = store->operators[at];
    return OK;
}

/* The first one opens the cache; the key that a further one unwraps must be the same. */
static enum err open_cache(struct node_store *store, struct unlocked *keys)
{
    if (store->cache)
        return crypto_equal(secret_key_bytes(store->cache), secret_key_bytes(keys->cache),
                            SECRET_KEY_BYTES)
                   ? OK
                   : ERR_DECRYPT;
    enum err err = seal_key_get(store, keys->cache, &keys->seal);
    if (err != OK)
        return err;
    keys->box = crypto_subkey(keys->cache, 1, "tksknbox");
    keys->index = crypto_subkey(keys->cache, 2, "tkskindx");
    keys->blob = crypto_subkey(keys->cache, 3, "tkskblob");
    if (!keys->box || !keys->index || !keys->blob)
        return ERR_MEMORY;
    store->cache = keys->cache;
    store->box = keys->box;
    store->index = keys->index;
    store->seal = keys->seal;
    store->blob = keys->blob;
    *keys = (struct unlocked){ .seed = keys->seed };
    return OK;
}

enum err node_store_unlock(struct node_store *store, struct secret_key *seed)
{
    must(seed != NULL);
    struct unlocked keys = { .seed = seed };
    bool was_open = store->cache != NULL;
    enum err err = unwrap_cache(store, &keys);
    if (err == OK)
        err = open_cache(store, &keys);
    if (err == OK)
        err = operator_joins(store, &keys.seed);
    unlocked_close(&keys);
    if (err != OK || was_open)
        return err;
    err = node_fold_all(store);
    if (err == OK)
        err = node_lookup_refresh(store);
    if (err == ERR_FULL)
        return OK; /* views show what is not folded too; it is tried again when the node is idle */
    if (err != OK)
        node_store_lock(store);
    return err;
}

void node_store_lock_operator(struct node_store *store, const struct public_key *key)
{
    unsigned at = unlocked_find(store, key);
    if (at == store->operator_count)
        return;
    if (store->acting == store->operators[at])
        store->acting = NULL;
    secret_key_close(&store->operators[at]);
    store->operators[at] = store->operators[--store->operator_count];
    store->operators[store->operator_count] = NULL;
    if (store->operator_count == 0)
        node_store_lock(store);
}

void node_store_lock(struct node_store *store)
{
    struct unlocked keys = {
        NULL, store->cache, store->box, store->index, store->seal, store->blob
    };
    unlocked_close(&keys);
    store->cache = store->box = store->index = store->seal = store->blob = NULL;
    store->acting = NULL;
    while (store->operator_count > 0)
        secret_key_close(&store->operators[--store->operator_count]);
    scratch_clear(&store->scratch);
    crypto_wipe(&store->view, sizeof store->view);
}

bool node_store_unlocked(const struct node_store *store)
{
    return store->cache != NULL;
}

enum err node_store_act(struct node_store *store, const struct public_key *key)
{
    unsigned at = key ? unlocked_find(store, key) : 0;
    if (key && at == store->operator_count)
        return ERR_LOCKED;
    store->acting = key ? store->operators[at] : NULL;
    return OK;
}

const struct secret_key *node_store_operator_seed(const struct node_store *store)
{
    return store->acting;
}

bool node_store_operator_key(const struct node_store *store, struct public_key *ret_key)
{
    if (store->acting)
        crypto_sign_public(store->acting, ret_key);
    return store->acting != NULL;
}

const struct trust_operator *node_store_operator(const struct node_store *store)
{
    struct public_key key;
    return node_store_operator_key(store, &key) ? trust_operator_by_key(&store->trust, &key) : NULL;
}

const struct secret_key *node_store_seal_key(const struct node_store *store)
{
    return store->seal;
}

enum err node_any_operator(struct node_store *store, bool *ret_any)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_operator_all);
    enum err err = node_sql_row(store, st);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    *ret_any = err == OK;
    return err == OK ? node_sql_end(store, st, OK) : OK;
}
