/* Merging full transactions at the hub, from the bytes of the bundle on, against the bare insertion
 * of the very same rows into the same tables with the same commits, in one run. Prints changes a
 * second and their ratio. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sqlite3.h>

#include "tests/support/hub_pusher.h"

#define TRANSACTIONS 64
#define TXNS_PER_COMMIT 4 /* as many as a turn of the driver commonly takes */
#define CHANGES CHANGES_PER_TRANSACTION_MAX
#define ROUNDS 5

static struct fixture f;

static void fail_sql(sqlite3 *db, const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, sqlite3_errmsg(db));
    exit(1);
}

/* --- merge ----------------------------------------------------------------------------------- */

static struct pusher pusher;
static struct pushed bundles[TRANSACTIONS / TXNS_PER_COMMIT];

static struct draft *draft_of(unsigned t)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
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
    return d;
}

static void queue_transactions(void)
{
    for (unsigned i = 0; i < COUNT_OF(bundles); i++) {
        struct draft *drafts[TXNS_PER_COMMIT];
        for (unsigned k = 0; k < TXNS_PER_COMMIT; k++)
            drafts[k] = draft_of(i * TXNS_PER_COMMIT + k);
        bundles[i] = pusher_bundle(&pusher, drafts, TXNS_PER_COMMIT);
    }
}

static double merge_all(void)
{
    double spent_s = 0;
    for (unsigned i = 0; i < COUNT_OF(bundles); i++)
        spent_s += pusher_merge(&pusher, &f, &bundles[i]).wall_s;
    return spent_s;
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
    struct spent start = bench_now();
    for (unsigned t = 0; t < TRANSACTIONS; t += TXNS_PER_COMMIT) {
        if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK)
            fail_sql(db, "begin");
        for (unsigned k = t; k < t + TXNS_PER_COMMIT; k++)
            for (size_t i = 0; i < COUNT_OF(tables); i++)
                rows_insert(db, &tables[i], k);
        if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
            fail_sql(db, "commit");
    }
    double spent = bench_since(start).wall_s;
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
    pusher_open(&pusher, &f, NODE_A);
    queue_transactions();
    *ret_merged_s = merge_all();
    (void)snprintf(path, sizeof(path), "%s/bare.db", f.directory);
    assert_int_equal(hub_store_copy(f.store, path, &problem), OK);
    *ret_bare_s = insert_all(path);
    for (unsigned i = 0; i < COUNT_OF(bundles); i++)
        free(bundles[i].bytes);
    pusher_close(&pusher);
    fixture_close(&f);
    return *ret_bare_s / *ret_merged_s;
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
    double median = bench_median(ratios, ROUNDS);
    printf("merge: ratio to bare SQLite FULL %.2f median, %.2f to %.2f in %d rounds; at least "
           "0.50 wanted\n",
           median, ratios[0], ratios[ROUNDS - 1], ROUNDS);
    return median < 0.5;
}
