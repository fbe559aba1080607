/* Opening SQLite as this project does: one connection a file, EXCLUSIVE, WAL, synchronous=FULL,
 * STRICT tables, DEFENSIVE, trusted_schema=OFF, cell_size_check=ON, secure_delete=ON.
 * Stores include sqlite3.h themselves for binding and stepping; this module opens, migrates, runs
 * transactions and turns SQLite's codes into ours. Not for untrusted SQL. */
#pragma once

#include "common/err.h"

struct sqlite3;
struct sqlite3_stmt;

struct db {
    struct sqlite3 *handle;
    const char *path;  /* owned */
    int probe_fd;      /* of db_probe; 0: not opened yet */
    uint64_t probe_at; /* where it reads next */
};

/* How a kind of file is recognised and brought up to date. `steps[i]` is the SQL text that leads
 * from user_version i to i + 1; each step runs in one transaction. */
struct db_kind {
    uint32_t application_id;
    const char *const *steps;
    int step_count;
    int autocheckpoint_pages;
};

/* Opens or creates. `vfs` NULL = the default one (the simulator brings its own). A file whose last
 * process did not end in order is verified first (quick_check).
 * ERR_BUSY: another process has it. ERR_VERSION: made by a newer program, or not a file of this
 * kind. ERR_STORE: damaged (the file and its WAL are set aside as PATH.damaged-N, never deleted,
 * and named in the problem; not under a VFS of its own). ERR_FULL, ERR_MEMORY. */
NODISCARD enum err db_open(const char *path, const char *vfs, const struct db_kind *kind,
                           struct db *ret_db, struct problem *problem);
/* Rolls back what is open. All statements are finalised before. NULL and a closed one are fine. */
void db_close(struct db *db);

/* SQLite's result code as ours: FULL, and I/O errors for want of space → ERR_FULL; BUSY and LOCKED
 * → ERR_BUSY; INTERRUPT (out of time) and TOOBIG → ERR_LIMIT; NOMEM → ERR_MEMORY; all else →
 * ERR_STORE with a log line. A failed fsync ends the process through abort, since nothing that was
 * promised can be trusted after it. */
enum err db_err(const struct db *db, int sqlite_code);

NODISCARD enum err db_exec(struct db *db, const char *sql);
NODISCARD enum err db_begin(struct db *db);  /* BEGIN IMMEDIATE */
NODISCARD enum err db_commit(struct db *db); /* rolls back when it fails */
void db_rollback(struct db *db);             /* without a transaction: nothing */

/* Prepares with SQLITE_PREPARE_PERSISTENT. */
NODISCARD enum err db_prepare(struct db *db, const char *sql, struct sqlite3_stmt **ret_stmt);

/* The statements of a store in one .sql text: "-- @name" on a line of its own begins one. */
struct db_statements {
    const char *text;
    const char *const *names;
    size_t count;
};
/* Prepares all, in the order of the names: `ret_stmts` has room for them. After an error those
 * made so far are there, the others NULL: db_finalize takes both. */
NODISCARD enum err db_prepare_all(struct db *db, const struct db_statements *statements,
                                  struct sqlite3_stmt **ret_stmts);
void db_finalize(struct sqlite3_stmt **stmts, size_t count);
/* db_open and db_prepare_all; nothing is open after an error. */
NODISCARD enum err db_open_prepared(const char *path, const char *vfs, const struct db_kind *kind,
                                    const struct db_statements *statements, struct db *ret_db,
                                    struct sqlite3_stmt **ret_stmts, struct problem *problem);

/* Writes a consistent copy with journal mode DELETE to `path` (online backup on this connection, in
 * one go, outside a transaction), fsynced, mode 0600. ERR_BUSY when `path` exists. */
NODISCARD enum err db_copy(struct db *db, const char *path, struct problem *problem);

/* Opens a copy read-only for queries: query_only, no ATTACH, a progress handler that stops whatever
 * runs `limit_ms` after the opening (db_err: ERR_LIMIT). */
NODISCARD enum err db_open_copy(const char *path, unsigned limit_ms, struct db *ret_db,
                                struct problem *problem);

/* Checkpoints when idle (TRUNCATE). Busy or nothing to do is OK. */
enum err db_checkpoint(struct db *db);

/* Does the database answer, and the disk under it? Asks SQLite one small question and reads one
 * page of the file past the caches, another one each time. Not for a VFS of its own. ERR_STORE. */
NODISCARD enum err db_probe(struct db *db);

/* Called while SQLite works on something long, every few milliseconds, on every database of this
 * process (NULL: no more); with `expect_ms` > 0 before work that says nothing for so long, on a
 * slow disk. What stands still, in a system call that does not return, calls nothing. */
typedef void db_progress(uint64_t expect_ms);
void db_on_progress(db_progress *call);
