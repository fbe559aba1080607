/* Opening, statements, transactions, identity and enrolment. */
#include "node/node_store.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_store_inside.h"

#include "node_store.sql.h"
#include "node_store_statements.sql.h"

#define APPLICATION_ID 0x746b736e /* "tksn" */
#define AUTOCHECKPOINT_PAGES 1000
#define IDLE_FOLD_MAX 500

/* ---- statements */

static const char *const statement_names[SQL_COUNT] = {
#define X(name) #name,
    NODE_STATEMENTS(X)
#undef X
};

static enum err statements_open(struct node_store *store)
{
    static const struct db_statements statements = { .text = node_store_statements_sql,
                                                     .names = statement_names,
                                                     .count = SQL_COUNT };
    return db_prepare_all(&store->db, &statements, store->statements);
}

struct sqlite3_stmt *node_sql(struct node_store *store, enum node_statement which)
{
    struct sqlite3_stmt *st = store->statements[which];
    must(!sqlite3_stmt_busy(st));
    return st;
}

void sql_bind_uint(struct sqlite3_stmt *st, int at, uint64_t value)
{
    must(value <= INT64_MAX);
    must(sqlite3_bind_int64(st, at, (int64_t)value) == SQLITE_OK);
}

void sql_bind(struct sqlite3_stmt *st, int at, struct bytes blob)
{
    /* A NULL pointer would bind NULL where an empty blob is meant. */
    must(sqlite3_bind_blob64(st, at, blob.len ? (const void *)blob.at : "", blob.len,
                             SQLITE_STATIC) == SQLITE_OK);
}

void sql_bind_id(struct sqlite3_stmt *st, int at, const struct id *id)
{
    sql_bind(st, at, bytes_id(id));
}

void sql_bind_hash(struct sqlite3_stmt *st, int at, const struct hash *hash)
{
    sql_bind(st, at, bytes_hash(hash));
}

void sql_bind_text(struct sqlite3_stmt *st, int at, struct bytes text)
{
    must(sqlite3_bind_text64(st, at, text.len ? (const char *)text.at : "", text.len, SQLITE_STATIC,
                             SQLITE_UTF8) == SQLITE_OK);
}

enum err node_sql_step(struct node_store *store, struct sqlite3_stmt *st, bool *ret_row)
{
    int code = sqlite3_step(st);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return db_err(&store->db, code);
    *ret_row = code == SQLITE_ROW;
    return OK;
}

enum err node_sql_end(struct node_store *store, struct sqlite3_stmt *st, enum err err)
{
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    if (err == OK && store->damaged)
        err = ERR_STORE;
    store->damaged = false;
    return err;
}

enum err node_sql_run(struct node_store *store, struct sqlite3_stmt *st)
{
    bool row = false;
    enum err err = node_sql_step(store, st, &row);
    must(err != OK || !row);
    return node_sql_end(store, st, err);
}

enum err node_sql_row(struct node_store *store, struct sqlite3_stmt *st)
{
    bool row = false;
    enum err err = node_sql_step(store, st, &row);
    if (err == OK && !row)
        err = ERR_NOT_FOUND;
    return err == OK ? OK : node_sql_end(store, st, err);
}

uint64_t sql_uint(struct sqlite3_stmt *st, int at)
{
    int64_t value = sqlite3_column_int64(st, at);
    return value < 0 ? 0 : (uint64_t)value;
}

struct bytes sql_bytes(struct sqlite3_stmt *st, int at)
{
    const void *blob = sqlite3_column_blob(st, at);
    return bytes_of(blob, blob ? (size_t)sqlite3_column_bytes(st, at) : 0);
}

void node_sql_fixed(struct node_store *store, struct sqlite3_stmt *st, int at, void *ret,
                    size_t len)
{
    struct bytes blob = sql_bytes(st, at);
    if (blob.len == len) {
        memcpy(ret, blob.at, len);
    } else {
        memset(ret, 0, len);
        store->damaged = true;
    }
}

void node_sql_text(struct node_store *store, struct sqlite3_stmt *st, int at, char *ret, size_t cap)
{
    struct bytes text = sql_bytes(st, at);
    if (text.len >= cap) {
        store->damaged = true;
        text.len = 0;
    }
    if (text.len > 0)
        memcpy(ret, text.at, text.len);
    ret[text.len] = '\0';
}

/* ---- transactions */

enum err node_begin(struct node_store *store)
{
    return db_begin(&store->db);
}

static enum err load_counters(struct node_store *store)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_counter_get);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    store->next_number = (uint32_t)sql_uint(st, 0);
    return node_sql_end(store, st, OK);
}

enum err node_end(struct node_store *store, enum err err)
{
    if (err == OK)
        err = db_commit(&store->db);
    if (err != OK) {
        db_rollback(&store->db);
        /* What the caches hold may have been rolled back. That this read fails too changes nothing
         * for the caller: the store has failed. */
        if (load_counters(store) != OK)
            return ERR_STORE;
    }
    return err;
}

/* ---- the hub as the invite named it */

#define HUB_BYTES_MAX 1024

static void hub_encode(const struct trust_hub *hub, struct writer *out)
{
    writer_array(out, 5);
    writer_bin(out, bytes_of(hub->sign_key.at, PUBLIC_KEY_BYTES));
    writer_bin(out, bytes_of(hub->seal_key.at, PUBLIC_KEY_BYTES));
    writer_uint(out, hub->seal_number);
    writer_bin(out, bytes_of(hub->curve_key.at, PUBLIC_KEY_BYTES));
    writer_array(out, hub->endpoint_count);
    for (unsigned i = 0; i < hub->endpoint_count; i++)
        writer_text(out, hub->endpoints[i]);
}

static enum err hub_decode(struct bytes raw, struct trust_hub *ret_hub)
{
    struct trust_hub hub = { 0 };
    if (codec_scan(raw) != OK)
        return ERR_STORE;
    struct reader in = reader_of(raw);
    reader_array_of(&in, 5);
    reader_fixed(&in, hub.sign_key.at, PUBLIC_KEY_BYTES);
    reader_fixed(&in, hub.seal_key.at, PUBLIC_KEY_BYTES);
    hub.seal_number = reader_uint(&in);
    reader_fixed(&in, hub.curve_key.at, PUBLIC_KEY_BYTES);
    size_t count = reader_array(&in);
    if (count > ENDPOINTS_MAX)
        return ERR_STORE;
    for (size_t i = 0; i < count; i++) {
        struct bytes text = reader_str(&in);
        if (text.len > ENDPOINT_TEXT_MAX)
            return ERR_STORE;
        if (text.len > 0)
            memcpy(hub.endpoints[i], text.at, text.len);
    }
    hub.endpoint_count = (unsigned)count;
    if (reader_end(&in) != OK)
        return ERR_STORE;
    *ret_hub = hub;
    return OK;
}

/* ---- identity */

static enum err secret_load(struct node_store *store, const char *name, struct secret_key **ret_key)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_secret_get);
    sql_bind_text(st, 1, bytes_text(name));
    enum err err = node_sql_row(store, st);
    if (err == ERR_NOT_FOUND)
        return OK;
    if (err != OK)
        return err;
    struct secret_key *key = NULL;
    struct bytes value = sql_bytes(st, 0);
    if (value.len != SECRET_KEY_BYTES)
        store->damaged = true;
    else if ((key = secret_key_from(value.at)) == NULL)
        err = ERR_MEMORY;
    err = node_sql_end(store, st, err);
    if (err != OK) {
        secret_key_close(&key);
        return err;
    }
    secret_key_close(ret_key);
    *ret_key = key;
    return OK;
}

static enum err load_life(struct node_store *store)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_life_last);
    struct node_identity *identity = &store->identity;
    bool row = false;
    enum err err = node_sql_step(store, st, &row);
    if (err == OK && !row)
        err = ERR_STORE;
    if (err == OK) {
        store->life = sql_uint(st, 0);
        node_sql_fixed(store, st, 1, identity->incarnation.at, ID_BYTES);
        err = node_sql_step(store, st, &row);
    }
    if (err == OK) {
        identity->has_previous = row;
        if (row)
            node_sql_fixed(store, st, 1, identity->previous.at, ID_BYTES);
    }
    return node_sql_end(store, st, err);
}

static enum err load_identity(struct node_store *store)
{
    struct node_identity identity = { 0 };
    struct sqlite3_stmt *st = node_sql(store, SQL_node_get);
    enum err err = node_sql_row(store, st);
    if (err == ERR_NOT_FOUND)
        return OK; /* not enrolled */
    if (err != OK)
        return err;
    identity.enrolment = (enum enrolment)sql_uint(st, 0);
    node_sql_text(store, st, 1, identity.district, sizeof identity.district);
    node_sql_text(store, st, 2, identity.node, sizeof identity.node);
    node_sql_fixed(store, st, 3, identity.root_key.at, PUBLIC_KEY_BYTES);
    err = hub_decode(sql_bytes(st, 4), &identity.hub);
    node_sql_fixed(store, st, 5, identity.device_public.at, PUBLIC_KEY_BYTES);
    node_sql_fixed(store, st, 6, identity.curve_public.at, PUBLIC_KEY_BYTES);
    node_sql_fixed(store, st, 7, identity.seal_public.at, PUBLIC_KEY_BYTES);
    node_sql_fixed(store, st, 8, identity.invite.at, ID_BYTES);
    node_sql_fixed(store, st, 9, identity.token.at, HASH_BYTES);
    err = node_sql_end(store, st, err);
    if (err != OK)
        return err;
    store->identity = identity;
    store->enrolled = true;
    err = load_life(store);
    if (err == OK)
        err = secret_load(store, "device", &store->device);
    if (err == OK)
        err = secret_load(store, "curve", &store->curve);
    if (err == OK)
        err = secret_load(store, "one_time", &store->one_time);
    if (err == OK && (!store->device || !store->curve))
        err = ERR_STORE;
    return err;
}

enum err node_store_identity(struct node_store *store, struct node_identity *ret_identity)
{
    struct node_identity identity = store->identity;
    if (store->enrolled && store->trust.version > 0)
        identity.hub = store->trust.hub;
    *ret_identity = identity;
    return OK;
}

const struct secret_key *node_store_device_key(const struct node_store *store)
{
    return store->device;
}

const struct secret_key *node_store_curve_key(const struct node_store *store)
{
    return store->curve;
}

const struct secret_key *node_store_one_time_key(const struct node_store *store)
{
    return store->one_time;
}

/* ---- enrolment */

static enum err secret_put(struct node_store *store, const char *name, struct bytes value)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_secret_put);
    sql_bind_text(st, 1, bytes_text(name));
    sql_bind(st, 2, value);
    return node_sql_run(store, st);
}

static enum err secret_put_key(struct node_store *store, const char *name,
                               const struct secret_key *key)
{
    return secret_put(store, name, bytes_of(secret_key_bytes(key), SECRET_KEY_BYTES));
}

struct node_keys {
    struct secret_key *device, *curve, *seal, *cache;
};

static enum err keys_new(struct node_keys *keys)
{
    *keys = (struct node_keys){ secret_key_new(), secret_key_new(), secret_key_new(),
                                secret_key_new() };
    return keys->device && keys->curve && keys->seal && keys->cache ? OK : ERR_MEMORY;
}

static void keys_close(struct node_keys *keys)
{
    secret_key_close(&keys->device);
    secret_key_close(&keys->curve);
    secret_key_close(&keys->seal);
    secret_key_close(&keys->cache);
}

static enum err keys_put(struct node_store *store, const struct node_keys *keys)
{
    uint8_t space[BOX_EXTRA_BYTES + SECRET_KEY_BYTES];
    struct buf box = buf_of(space, sizeof space);
    enum err err = crypto_box_put(bytes_of(secret_key_bytes(keys->seal), SECRET_KEY_BYTES),
                                  bytes_text("seal"), keys->cache, &box);
    if (err == OK)
        err = secret_put(store, "seal", buf_bytes(&box));
    if (err == OK)
        err = secret_put_key(store, "cache", keys->cache);
    if (err == OK)
        err = secret_put_key(store, "device", keys->device);
    if (err == OK)
        err = secret_put_key(store, "curve", keys->curve);
    return err;
}

static enum err node_put(struct node_store *store, const struct node_identity *identity)
{
    uint8_t space[HUB_BYTES_MAX];
    struct writer hub = writer_of(space, sizeof space);
    hub_encode(&identity->hub, &hub);
    if (hub.err != OK)
        return hub.err;
    struct sqlite3_stmt *st = node_sql(store, SQL_node_put);
    sql_bind_uint(st, 1, ENROLMENT_WAITING);
    sql_bind_text(st, 2, bytes_text(identity->district));
    sql_bind_text(st, 3, bytes_text(identity->node));
    sql_bind(st, 4, bytes_of(identity->root_key.at, PUBLIC_KEY_BYTES));
    sql_bind(st, 5, writer_bytes(&hub));
    sql_bind(st, 6, bytes_of(identity->device_public.at, PUBLIC_KEY_BYTES));
    sql_bind(st, 7, bytes_of(identity->curve_public.at, PUBLIC_KEY_BYTES));
    sql_bind(st, 8, bytes_of(identity->seal_public.at, PUBLIC_KEY_BYTES));
    sql_bind_id(st, 9, &identity->invite);
    sql_bind_hash(st, 10, &identity->token);
    return node_sql_run(store, st);
}

/* The first incarnation and its three empty chains. */
static enum err first_life(struct node_store *store, const struct node_identity *identity)
{
    struct id incarnation = crypto_random_id();
    struct sqlite3_stmt *st = node_sql(store, SQL_life_put);
    sql_bind_uint(st, 1, 1);
    sql_bind_id(st, 2, &incarnation);
    enum err err = node_sql_run(store, st);
    for (enum lane lane = LANE_URGENT; err == OK && lane < LANE_COUNT; lane++) {
        struct hash genesis;
        chain_genesis(identity->district, identity->node, &incarnation, lane, &genesis);
        st = node_sql(store, SQL_lane_put);
        sql_bind_uint(st, 1, 1);
        sql_bind_uint(st, 2, lane);
        sql_bind_hash(st, 3, &genesis);
        err = node_sql_run(store, st);
    }
    return err;
}

enum err node_store_enrol(struct node_store *store, const struct node_identity *identity,
                          const struct secret_key *one_time)
{
    struct node_identity mine = *identity;
    struct node_keys keys = { 0 };
    bool first = !store->enrolled, other = false;
    enum err err;

    if (!first) {
        other = strcmp(store->identity.district, mine.district) != 0 ||
                strcmp(store->identity.node, mine.node) != 0;
        bool people = false;
        err = node_any_operator(store, &people);
        if (err != OK)
            return err;
        if (store->identity.enrolment == ENROLMENT_DONE || (other && people))
            return ERR_STATE;
        mine.device_public = store->identity.device_public;
        mine.curve_public = store->identity.curve_public;
        mine.seal_public = store->identity.seal_public;
    } else {
        err = keys_new(&keys);
        if (err != OK)
            goto out;
        crypto_sign_public(keys.device, &mine.device_public);
        crypto_box_public(keys.curve, &mine.curve_public);
        crypto_box_public(keys.seal, &mine.seal_public);
    }
    err = node_begin(store);
    if (err != OK)
        goto out;
    err = node_put(store, &mine);
    if (err == OK)
        err = secret_put_key(store, "one_time", one_time);
    if (err == OK && first)
        err = keys_put(store, &keys);
    if (err == OK && (first || other)) /* chains begin with the office's name */
        err = first_life(store, &mine);
    err = node_end(store, err);
    if (err == OK)
        err = load_identity(store);
out:
    keys_close(&keys);
    return err;
}

enum err node_store_enrolment_set(struct node_store *store, enum enrolment enrolment)
{
    if (!store->enrolled)
        return ERR_STATE;
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_node_enrolment);
    sql_bind_uint(st, 1, enrolment);
    err = node_sql_run(store, st);
    if (err == OK && enrolment == ENROLMENT_DONE) {
        st = node_sql(store, SQL_secret_delete);
        sql_bind_text(st, 1, bytes_text("one_time"));
        err = node_sql_run(store, st);
    }
    err = node_end(store, err);
    if (err == OK) {
        store->identity.enrolment = enrolment;
        if (enrolment == ENROLMENT_DONE)
            secret_key_close(&store->one_time);
    }
    return err;
}

/* ---- opening */

enum err node_store_open(const char *path, const char *vfs, struct node_store **ret_store,
                         struct problem *problem)
{
    static const char *const steps[] = { node_store_sql };
    const struct db_kind kind = {
        .application_id = APPLICATION_ID,
        .steps = steps,
        .step_count = COUNT_OF(steps),
        .autocheckpoint_pages = AUTOCHECKPOINT_PAGES,
    };
    struct node_store *store = calloc(1, sizeof *store);
    if (!store)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    trust_open(&store->trust);
    store->queue_limit_bytes = QUEUE_BYTES_MAX;
    store->watch_disk = vfs == NULL;
    enum err err = db_open(path, vfs, &kind, &store->db, problem);
    if (err != OK)
        goto fail;
    err = vfs == NULL ? node_blob_open(store, path) : OK;
    if (err == OK)
        err = db_exec(&store->db, "PRAGMA cache_size = -2000");
    if (err == OK)
        err = statements_open(store);
    if (err == OK)
        err = load_counters(store);
    if (err == OK)
        err = load_identity(store);
    if (err == OK)
        err = node_load_policy(store);
    if (err == OK)
        err = node_load_stranded(store);
    if (err != OK) {
        problem_set(problem, err, path, "reading the node's state");
        goto fail;
    }
    *ret_store = store;
    return OK;
fail:
    node_store_close(&store);
    return err;
}

void node_store_close(struct node_store **at)
{
    struct node_store *store = *at;
    if (!store)
        return;
    *at = NULL;
    node_store_lock(store);
    db_finalize(store->statements, SQL_COUNT);
    if (store->db.handle)
        db_close(&store->db);
    secret_key_close(&store->device);
    secret_key_close(&store->curve);
    secret_key_close(&store->one_time);
    trust_close(&store->trust);
    policy_close(&store->policy);
    free(store->epochs);
    free(store->blob_dir);
    scratch_clear(&store->scratch);
    free(store);
}

enum err node_store_idle(struct node_store *store)
{
    enum err err = node_begin(store);
    if (err == OK) {
        for (enum lane lane = LANE_URGENT; err == OK && store->enrolled && lane < LANE_COUNT;
             lane++)
            err = node_drop_passed(store, lane);
        bool left;
        if (err == OK && store->box)
            err = node_fold(store, IDLE_FOLD_MAX, &left);
        err = node_end(store, err);
    }
    scratch_clear(&store->scratch);
    if (err == OK)
        err = db_checkpoint(&store->db);
    sqlite3_db_release_memory(store->db.handle);
    return err;
}

enum err node_store_probe(struct node_store *store)
{
    return db_probe(&store->db);
}

uint32_t node_store_next_number(struct node_store *store)
{
    return store->next_number;
}
