/* The embedded backend, inside its own files only: statements by name, binding and reading of
 * rows. */
#pragma once

#include <sqlite3.h>

#include "common/db.h"
#include "hub/hub_store_backend.h"
#include "hub/hub_tables.h"

/* Every section of hub_store_statements.sql. */
/* clang-format off */
#define STATEMENTS(X)                                                                              \
    X(meta_put) X(meta_get) X(journal_put) X(journal_get) X(journal_last) X(journal_policy_next)   \
    X(epoch_put) X(epoch_cut) X(incarnation_get) X(incarnation_put) X(incarnation_active)          \
    X(incarnation_replaced)                                                                        \
    X(hello_put) X(hello_get)                                                                      \
    X(lane_get) X(lane_put) X(entry_put) X(entry_get) X(entry_walk) X(key_put) X(key_get)          \
    X(txn_put) X(txn_get) X(txn_find) X(txn_body) X(txn_decide) X(txn_merged_in)                   \
    X(txn_quarantined_next) X(change_put) X(changes_drop) X(changes_get) X(change_get)             \
    X(change_decide) X(creation) X(conflict_put) X(conflict_get) X(conflict_find)                  \
    X(conflicts_held) X(conflicts_weigh) X(conflicts_renew) X(conflicts_opened)                    \
    X(conflicts_closed)                                                                            \
    X(conflicts_open) X(decision_put) X(decision_next) X(decisions_at) X(scope_put)                \
    X(scope_next) X(wait_put) X(wait_drop) X(wait_ready) X(wait_any) X(wake_txn) X(wake_lane)    \
    X(wake_moved) X(document_put) X(document_get) X(document_last) X(collection_put)               \
    X(collections_get) X(field_put) X(fields_get) X(backup_put) X(backup_lanes_drop)               \
    X(backup_lanes_put) X(backup_forget) X(backup_lanes_forget) X(backup_marks_drop)               \
    X(backup_mark) X(backup_mark_lanes) X(backup_mark_get) X(backup_confirm)                       \
    X(backup_confirm_lanes) X(keep_from_move) X(scan_journal) X(scan_epoch) X(scan_lane)           \
    X(scan_entry) X(scan_txn) X(scan_change) X(scan_conflict) X(scan_decision) X(scan_scope)       \
    X(scan_wait) X(scan_document) X(scan_field) X(list_nodes) X(list_review) X(list_totals)        \
    X(list_history) X(list_positions) X(list_lost) X(list_backups) X(list_terms)                   \
    X(list_books_lanes) X(list_books_entries) X(list_books_answers) X(owed_put) X(owed_drop)       \
    X(list_owed) X(list_owed_one) X(list_owed_units)
/* clang-format on */

enum statement {
#define X(name) STMT_##name,
    STATEMENTS(X)
#undef X
        STMT_COUNT
};

struct column {
    char name[IDENTIFIER_BYTES_MAX + 1];
    int policy_field; /* index in the policy in force; -1: it does not know it */
};

/* One typed table; columns in the order of their numbers, which count from 1. */
struct table {
    int64_t id;
    char name[IDENTIFIER_BYTES_MAX + 1];
    int policy_collection; /* -1: the policy in force does not know it */
    size_t column_count;
    struct column columns[FIELDS_PER_CHANGE_MAX];
    sqlite3_stmt *get, *insert, *update, *exists, *scan;
};

/* Grows, never shrinks; what it holds is valid until its next use. */
struct space {
    uint8_t *at;
    size_t cap;
};

struct sqlite_backend {
    struct hub_backend base;
    struct db db;
    sqlite3_stmt *statements[STMT_COUNT];
    const struct policy *policy;
    size_t table_count;
    struct table *tables;
    uint8_t entry[JOURNAL_ENTRY_BYTES_MAX];
    char node[NODE_TEXT_MAX + 1];
    struct space values, json, body, document, held, chosen;
};

static inline struct sqlite_backend *sqlite_of(struct hub_backend *b)
{
    return (struct sqlite_backend *)b;
}

NODISCARD enum err space_need(struct space *space, size_t bytes);
NODISCARD enum err space_copy(struct space *space, struct bytes content, struct bytes *ret_copy);

/* Formats: n uint64_t, N uint64_t with 0 as NULL, i int, s const char * (NULL is NULL), b struct
 * bytes (at NULL is NULL), h const struct hash *, d const struct id *. */
void statement_bind(sqlite3_stmt *statement, const char *format, ...);
/* Binds, runs to the end, resets. */
NODISCARD enum err statement_run(struct sqlite_backend *s, enum statement which, const char *format,
                                 ...);
/* Steps once; OK with a row, ERR_NOT_FOUND without one, and then the statement is reset already. */
NODISCARD enum err statement_row(struct sqlite_backend *s, sqlite3_stmt *statement);

/* A number in the first column of the only row; ERR_NOT_FOUND also for NULL. */
NODISCARD enum err statement_number(struct sqlite_backend *s, enum statement which, uint64_t *ret);

uint64_t column_u64(sqlite3_stmt *statement, int column);
struct bytes column_bytes(sqlite3_stmt *statement, int column);
void column_text(sqlite3_stmt *statement, int column, char *ret, size_t cap);
NODISCARD enum err column_hash(sqlite3_stmt *statement, int column, struct hash *ret);
NODISCARD enum err column_id(sqlite3_stmt *statement, int column, struct id *ret);
enum err column_err(sqlite3_stmt *statement, int column);
/* NULL for OK. */
const char *reason_text(enum err reason);

/* hub_store_sqlite_tables.c */
const struct table *tables_of(const struct sqlite_backend *s,
                              const struct policy_collection *collection);
/* 0 for NULL. */
int64_t tables_id(const struct sqlite_backend *s, const struct policy_collection *collection);
const struct policy_collection *tables_collection(const struct sqlite_backend *s, int64_t id);
void tables_close(struct sqlite_backend *s);

/* hub_store_sqlite_owed.c: what waits for its answer, after a record was written, and after the
 * policy changed. */
NODISCARD enum err owed_note(struct sqlite_backend *s, const struct table *t,
                             const struct hub_record *record, bool insert);
NODISCARD enum err owed_migrate(struct sqlite_backend *s, int64_t id,
                                const struct policy_collection *c);

/* The functions of the table, by file. */
/* clang-format off */
#define SQLITE_CHAIN_OPS(X)                                                                        \
    X(incarnation_get) X(incarnation_put) X(incarnation_active) X(hello_put) X(hello_get)          \
    X(incarnation_replaced) X(lane_get) X(lane_put)                                                \
    X(entry_put) X(entry_get) X(entry_walk) X(key_put) X(key_get) X(decision_put)                  \
    X(decision_next) X(decisions_at) X(scope_put) X(scope_next) X(wait_put) X(wait_drop)           \
    X(wait_any) X(wait_ready) X(wake_txn) X(wake_lane) X(wake_moved)
#define SQLITE_TXN_OPS(X)                                                                          \
    X(txn_put) X(txn_get) X(txn_find) X(txn_body) X(txn_decide) X(txn_merged_in)                   \
    X(txn_quarantined_next) X(changes_put) X(changes_drop) X(changes_get) X(change_get)            \
    X(change_decide) X(creation) X(conflict_put) X(conflict_get) X(conflict_find)                  \
    X(conflicts_held) X(conflicts_weigh) X(conflicts_renew) X(conflicts_at) X(conflicts_open)
#define SQLITE_TABLE_OPS(X)                                                                        \
    X(record_get) X(record_insert) X(record_update) X(record_exists) X(tables_migrate)             \
    X(tables_load)
#define SQLITE_LIST_OPS(X)                                                                         \
    X(scan) X(list)
/* clang-format on */

#define MEMBER(name) __typeof__(*((struct hub_backend_ops *)NULL)->name) sqlite_##name;
SQLITE_CHAIN_OPS(MEMBER)
SQLITE_TXN_OPS(MEMBER)
SQLITE_TABLE_OPS(MEMBER)
SQLITE_LIST_OPS(MEMBER)
#undef MEMBER
