/* Merging full transactions at the hub, from the bytes of the bundle on, against the bare insertion
 * of the very same rows into the same tables with the same commits, in one run. Prints changes a
 * second and their ratio. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "proto/bundle.h"
#include "tests/support/hub_fixture.h"

#define TRANSACTIONS 64
#define TXNS_PER_COMMIT 4 /* as many as a turn of the driver commonly takes */
#define CHANGES CHANGES_PER_TRANSACTION_MAX
#define ROUNDS 5

static struct fixture f;

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail_sql(sqlite3 *db, const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

/* --- merge ----------------------------------------------------------------------------------- */

/* What a node would send: transactions sealed under one data key, in bundles signed by a device. */
struct pushed {
    struct hash before; /* head before the first */
    size_t len;
    uint8_t *bytes;
};

static struct secret_key *device, *data_key;
static struct pushed bundles[TRANSACTIONS / TXNS_PER_COMMIT];

static void add_changes(struct draft *d, unsigned t)
{
    for (unsigned i = 0; i < CHANGES; i++) {
        char name[48];
        struct id id = fixture_id(&f);
        d->short_number = t * CHANGES + i + 1;
        (void)snprintf(name, sizeof(name), "person %u of many", t * CHANGES + i);
        draft_create(d, "person", &id,
                     VALUES(V_TEXT("area", "36.04.29.2001"), V_TEXT("name", name),
                            V_INT("age", i % 90), V_INT("income", 1500000 + i),
                            V_TEXT("born", "1970-03-17"), V_BOOL("alive", 1),
                            V_TEXT("kind", "open"), V_TEXT("height", "1.625"),
                            V_TEXT("secret", "a sentence that nobody else may read")));
    }
}

static struct bundle_context context_of(const struct fixture_node *node)
{
    struct bundle_context context = { .district = FIXTURE_DISTRICT,
                                      .node = node->name,
                                      .incarnation = node->incarnation };
    return context; /* a hub key of zeros: the same on both sides */
}

static void seal_item(const struct signed_txn *txn, struct writer *items)
{
    static uint8_t body_space[SEALED_BYTES_MAX], work_space[ENVELOPE_WORK_BYTES];
    struct buf body = buf_of(body_space, sizeof(body_space));
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct bundle_item item = { .kind = ITEM_TXN };
    assert_int_equal(envelope_seal(bytes_of(txn->bytes, txn->len), FIXTURE_DISTRICT, &txn->leaf, 1,
                                   data_key, NULL, &work, &body, &item.sealed),
                     OK);
    bundle_item_encode(&item, items);
}

static void queue_bundle(struct pushed *pushed, unsigned first, struct hash *head)
{
    static uint8_t items_space[BUNDLE_BYTES_MAX], out_space[BUNDLE_BYTES_MAX];
    static const uint8_t no_keys[] = { 0x90 };
    const struct bundle_context context = context_of(&f.nodes[NODE_A]);
    struct writer items = writer_of(items_space, sizeof(items_space));
    struct writer out = writer_of(out_space, sizeof(out_space));
    pushed->before = *head;
    writer_array(&items, TXNS_PER_COMMIT);
    for (unsigned t = first; t < first + TXNS_PER_COMMIT; t++) {
        struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
        add_changes(d, t);
        struct signed_txn *txn = draft_sign(d);
        seal_item(txn, &items);
        chain_next(head, &txn->leaf, head);
        free(txn);
    }
    assert_int_equal(bundle_sign(&context, LANE_NORMAL, first + 1, TRANSACTIONS, 2, 1,
                                 &pushed->before, head, TXNS_PER_COMMIT,
                                 bytes_of(no_keys, sizeof(no_keys)), writer_bytes(&items), device,
                                 &out),
                     OK);
    pushed->len = out.buf.len;
    pushed->bytes = malloc(pushed->len);
    memcpy(pushed->bytes, out_space, pushed->len);
}

static void queue_transactions(void)
{
    struct hash head = f.nodes[NODE_A].lanes[LANE_NORMAL].head;
    for (unsigned i = 0; i < COUNT_OF(bundles); i++)
        queue_bundle(&bundles[i], i * TXNS_PER_COMMIT, &head);
}

/* As the hub's driver takes a transaction of a bundle: every check of PROTOCOL.md §6. */
static void merge_item(const struct bundle_item *item, const struct public_key *operator_key,
                       struct hub_entry *entry)
{
    static uint8_t plain_space[TRANSACTION_BYTES_MAX], work_space[ENVELOPE_WORK_BYTES];
    static struct txn txn;
    struct buf plain = buf_of(plain_space, sizeof(plain_space));
    struct buf work = buf_of(work_space, sizeof(work_space));
    bool known = true;
    assert_int_equal(hub_store_knows(f.store, &item->sealed.leaf, &known), OK);
    assert_false(known);
    assert_int_equal(envelope_open(&item->sealed, FIXTURE_DISTRICT, data_key, NULL, &work, &plain),
                     OK);
    assert_int_equal(txn_decode(buf_bytes(&plain), &txn), OK);
    assert_int_equal(txn_verify(&txn, FIXTURE_DISTRICT, operator_key, &item->sealed.leaf), OK);
    entry->item = item;
    entry->txn = &txn;
    entry->txn_bytes = buf_bytes(&plain);
    assert_int_equal(hub_store_merge(f.store, entry), OK);
}

static double merge_all(void)
{
    static struct bundle bundle;
    struct fixture_node *node = &f.nodes[NODE_A];
    struct fixture_chain *chain = &node->lanes[LANE_NORMAL];
    const struct bundle_context context = context_of(node);
    struct public_key device_key, operator_key;
    crypto_sign_public(device, &device_key);
    crypto_sign_public(f.operators[OPERATOR_A], &operator_key);
    double start = now_s();
    for (unsigned i = 0; i < COUNT_OF(bundles); i++) {
        struct hash after;
        assert_int_equal(bundle_decode(bytes_of(bundles[i].bytes, bundles[i].len), &bundle), OK);
        assert_int_equal(bundle_verify(&bundle, &context, &chain->head, &device_key, &after), OK);
        assert_int_equal(hub_store_begin(f.store), OK);
        for (unsigned k = 0; k < bundle.item_count; k++) {
            chain_next(&chain->head, &bundle.items[k].sealed.leaf, &chain->head);
            struct hub_entry entry = { .node = node->name,
                                       .incarnation = node->incarnation,
                                       .lane = LANE_NORMAL,
                                       .seq = ++chain->seq,
                                       .head = chain->head };
            merge_item(&bundle.items[k], &operator_key, &entry);
        }
        assert_int_equal(hub_store_commit(f.store), OK);
    }
    return now_s() - start;
}

/* --- the same rows, bare --------------------------------------------------------------------- */

/* Rows of one table in the order of their coming, `per_txn` for each transaction. */
struct rows {
    const char *table, *order;
    unsigned per_txn;
    int columns;
    size_t count;
    sqlite3_value **values;
    sqlite3_stmt *insert;
};

static struct rows tables[] = {
    { .table = "tksk_journal", .order = "WHERE kind = 1 ORDER BY number", .per_txn = 1 },
    { .table = "tksk_entry", .order = "ORDER BY seq", .per_txn = 1 },
    { .table = "tksk_txn", .order = "ORDER BY number", .per_txn = 1 },
    { .table = "tksk_change", .order = "ORDER BY txn, idx", .per_txn = CHANGES },
    { .table = "person", .order = "ORDER BY _rowid_", .per_txn = CHANGES },
    { .table = "tksk_scope", .order = "ORDER BY number, area", .per_txn = 4 },
};

static void rows_read(sqlite3 *db, struct rows *rows)
{
    char sql[160];
    sqlite3_stmt *st = NULL;
    (void)snprintf(sql, sizeof(sql), "SELECT * FROM %s %s", rows->table, rows->order);
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        fail_sql(db, sql);
    rows->columns = sqlite3_column_count(st);
    rows->count = 0;
    size_t cells = (size_t)rows->columns * rows->per_txn * TRANSACTIONS;
    rows->values = calloc(cells, sizeof(*rows->values));
    while (sqlite3_step(st) == SQLITE_ROW) {
        assert_true((rows->count + 1) * (size_t)rows->columns <= cells);
        for (int i = 0; i < rows->columns; i++)
            rows->values[rows->count * (size_t)rows->columns + (size_t)i] =
                sqlite3_value_dup(sqlite3_column_value(st, i));
        rows->count++;
    }
    assert_int_equal(rows->count, (size_t)rows->per_txn * TRANSACTIONS);
    (void)sqlite3_finalize(st);
}

static void rows_prepare(sqlite3 *db, struct rows *rows)
{
    char sql[512];
    int len = snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?", rows->table);
    for (int i = 1; i < rows->columns; i++)
        len += snprintf(sql + len, sizeof(sql) - (size_t)len, ", ?");
    (void)snprintf(sql + len, sizeof(sql) - (size_t)len, ")");
    if (sqlite3_prepare_v2(db, sql, -1, &rows->insert, NULL) != SQLITE_OK)
        fail_sql(db, sql);
}

static void rows_insert(sqlite3 *db, const struct rows *rows, unsigned txn)
{
    for (size_t r = (size_t)txn * rows->per_txn; r < (size_t)(txn + 1) * rows->per_txn; r++) {
        for (int i = 0; i < rows->columns; i++)
            (void)sqlite3_bind_value(rows->insert, i + 1,
                                     rows->values[r * (size_t)rows->columns + (size_t)i]);
        if (sqlite3_step(rows->insert) != SQLITE_DONE)
            fail_sql(db, rows->table);
        (void)sqlite3_reset(rows->insert);
    }
}

static double insert_all(const char *path)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        fail_sql(db, path);
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        rows_read(db, &tables[i]);
    /* The settings of common/db.c. */
    if (sqlite3_exec(db,
                     "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; "
                     "PRAGMA synchronous=FULL; PRAGMA secure_delete=ON; PRAGMA cell_size_check=ON; "
                     "PRAGMA wal_autocheckpoint=10000; "
                     "DELETE FROM tksk_journal; DELETE FROM tksk_entry; DELETE FROM tksk_txn; "
                     "DELETE FROM tksk_change; DELETE FROM person; DELETE FROM tksk_scope; VACUUM; "
                     "PRAGMA wal_checkpoint(TRUNCATE)",
                     NULL, NULL, NULL) != SQLITE_OK)
        fail_sql(db, "emptying");
    for (size_t i = 0; i < COUNT_OF(tables); i++)
        rows_prepare(db, &tables[i]);
    double start = now_s();
    for (unsigned t = 0; t < TRANSACTIONS; t += TXNS_PER_COMMIT) {
        if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
            fail_sql(db, "begin");
        for (unsigned k = t; k < t + TXNS_PER_COMMIT; k++)
            for (size_t i = 0; i < COUNT_OF(tables); i++)
                rows_insert(db, &tables[i], k);
        if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            fail_sql(db, "commit");
    }
    double spent = now_s() - start;
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        (void)sqlite3_finalize(tables[i].insert);
        for (size_t k = 0; k < tables[i].count * (size_t)tables[i].columns; k++)
            sqlite3_value_free(tables[i].values[k]);
        free(tables[i].values);
    }
    (void)sqlite3_close(db);
    return spent;
}

/* One round in a fresh directory: ratio of bare insertion's time to ours. */
static double round_of(double *ret_merged_s, double *ret_bare_s)
{
    char path[128];
    struct problem problem = { .code = OK };
    fixture_open(&f, false);
    device = secret_key_new();
    data_key = secret_key_new();
    queue_transactions();
    *ret_merged_s = merge_all();
    (void)snprintf(path, sizeof(path), "%s/bare.db", f.directory);
    assert_int_equal(hub_store_copy(f.store, path, &problem), OK);
    *ret_bare_s = insert_all(path);
    for (unsigned i = 0; i < COUNT_OF(bundles); i++)
        free(bundles[i].bytes);
    secret_key_close(&device);
    secret_key_close(&data_key);
    fixture_close(&f);
    return *ret_bare_s / *ret_merged_s;
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int main(void)
{
    double ratios[ROUNDS];
    const double changes = (double)TRANSACTIONS * CHANGES;
    for (unsigned i = 0; i < ROUNDS; i++) {
        double merged, bare;
        ratios[i] = round_of(&merged, &bare);
        printf("merge: %.0f changes/s with all checks; bare insertion of the same rows: %.0f; "
               "ratio %.2f\n",
               changes / merged, changes / bare, ratios[i]);
    }
    qsort(ratios, ROUNDS, sizeof(ratios[0]), ascending);
    printf("merge: ratio to bare SQLite FULL %.2f median, %.2f to %.2f in %d rounds; at least "
           "0.50 wanted\n",
           ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1], ROUNDS);
    return ratios[ROUNDS / 2] < 0.5;
}
