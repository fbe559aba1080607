#include "common/db.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/files.h"
#include "common/log.h"
#include "common/must.h"

#define DAMAGED_FILES_MAX 1000
#define PROGRESS_STEPS 1000     /* of SQLite's machine between two looks at the clock */
#define WORK_STEPS 50000        /* of it between two signs of life */
#define COPY_PAGES 256          /* of a copy between two signs of life */
#define READ_BYTES_PER_MS 1024u /* of a disk that is slow, but not dead */
#define PROBE_BYTES 4096
#define PROBE_STRIDE (PROBE_BYTES * 251u) /* to the next page that a probe reads */

/* --- signs of life --------------------------------------------------------------------------- */

static db_progress *progress;

void db_on_progress(db_progress *call)
{
    progress = call;
}

static void say_alive(uint64_t expect_ms)
{
    if (progress)
        progress(expect_ms);
}

static int on_work(void *unused)
{
    (void)unused;
    say_alive(0);
    return 0; /* go on */
}

/* --- results --------------------------------------------------------------------------------- */

/* After a failed fsync the kernel may have dropped the pages and will report the next one as good,
 * so nothing written so far can be trusted from inside this process. The restart reads what is
 * there. */
static void stop_when_sync_failed(const struct db *db, int code)
{
    if (code != SQLITE_IOERR_FSYNC && code != SQLITE_IOERR_DIR_FSYNC)
        return;
    log_error("the disk failed to store what was written; stopping path=%s sqlite_code=%d errno=%d",
              db->path, code, sqlite3_system_errno(db->handle));
    abort();
}

static int last_errno(struct sqlite3 *handle, int file_pointer)
{
    sqlite3_file *file = NULL;
    int number = 0;
    if (sqlite3_file_control(handle, "main", file_pointer, &file) == SQLITE_OK && file &&
        file->pMethods &&
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &number) == SQLITE_OK)
        return number;
    return 0;
}

/* SQLite calls ENOSPC alone SQLITE_FULL; a quota or a file size limit is the same to a person. */
static bool is_no_space(const struct db *db)
{
    const int numbers[] = { last_errno(db->handle, SQLITE_FCNTL_JOURNAL_POINTER),
                            last_errno(db->handle, SQLITE_FCNTL_FILE_POINTER) };
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        if (numbers[i] == ENOSPC || numbers[i] == EDQUOT || numbers[i] == EFBIG)
            return true;
    }
    return false;
}

enum err db_err(const struct db *db, int code)
{
    stop_when_sync_failed(db, code);
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return OK;
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return ERR_BUSY;
    case SQLITE_NOMEM:
        return ERR_MEMORY;
    case SQLITE_TOOBIG:
    case SQLITE_INTERRUPT:
        return ERR_LIMIT;
    default:
        break;
    }
    if (code == SQLITE_IOERR_WRITE && is_no_space(db))
        return ERR_FULL;
    log_error("sqlite path=%s code=%d text=\"%s\"", db->path, code, sqlite3_errstr(code));
    return ERR_STORE;
}

static enum err problem_db(const struct db *db, int code, struct problem *problem)
{
    return problem_set(problem, db_err(db, code), db->path, sqlite3_errmsg(db->handle));
}

static bool is_damage(int code)
{
    return (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
}

/* --- opening --------------------------------------------------------------------------------- */

/* The first column of the first row as a number; *ret_number stays when there is no row. */
static int read_number(sqlite3 *handle, const char *sql, int64_t *ret_number)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(stmt, 0);
        code = SQLITE_OK;
    } else if (code == SQLITE_DONE)
        code = SQLITE_OK;
    int end = sqlite3_finalize(stmt);
    return code == SQLITE_OK ? end : code;
}

/* SQLITE_OK when the first column of the first row is `expected`, else `otherwise`. */
static int expect_text(sqlite3 *handle, const char *sql, const char *expected, int otherwise)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        code = text && strcmp(text, expected) == 0 ? SQLITE_OK : otherwise;
    }
    (void)sqlite3_finalize(stmt);
    return code;
}

/* Checkpoints as SQLite's own autocheckpoint does, but does not swallow a failed fsync. */
static int checkpoint_when_long(void *pages_max, sqlite3 *handle, const char *name, int pages)
{
    if (pages >= (int)(intptr_t)pages_max) {
        const struct db db = { .handle = handle, .path = sqlite3_db_filename(handle, name) };
        stop_when_sync_failed(
            &db, sqlite3_wal_checkpoint_v2(handle, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL));
    }
    return SQLITE_OK;
}

static void harden(sqlite3 *handle)
{
    (void)sqlite3_extended_result_codes(handle, 1);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    (void)sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
}

/* EXCLUSIVE before WAL: then no shared memory is needed and nobody else gets in. Temporary tables
 * stay in memory, since a spilled one would leave personal data in the clear on a disk. */
static int set_up(struct db *db, const struct db_kind *kind)
{
    harden(db->handle);
    int code = sqlite3_exec(db->handle,
                            "PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY;"
                            "PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON;",
                            NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = expect_text(db->handle, "PRAGMA journal_mode=WAL", "wal", SQLITE_CANTOPEN);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->handle, "PRAGMA synchronous=FULL", NULL, NULL, NULL);
    if (code != SQLITE_OK)
        return code;
    (void)sqlite3_wal_hook(db->handle, checkpoint_when_long,
                           (void *)(intptr_t)kind->autocheckpoint_pages);
    sqlite3_progress_handler(db->handle, WORK_STEPS, on_work, NULL);
    return SQLITE_OK;
}

static int run_step(struct db *db, const struct db_kind *kind, int step)
{
    char close_step[128];
    (void)snprintf(close_step, sizeof(close_step),
                   "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
                   (int32_t)kind->application_id, step + 1);
    int code = sqlite3_exec(db->handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->handle, kind->steps[step], NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_exec(db->handle, close_step, NULL, NULL, NULL);
    return code;
}

/* *ret_code is SQLite's when it says why. */
static enum err recognise_and_migrate(struct db *db, const struct db_kind *kind, int *ret_code,
                                      struct problem *problem)
{
    int64_t application_id = 0;
    int64_t version = 0;
    int64_t tables = 0;
    int code = read_number(db->handle, "PRAGMA application_id", &application_id);
    if (code == SQLITE_OK)
        code = read_number(db->handle, "PRAGMA user_version", &version);
    if (code == SQLITE_OK)
        code = read_number(db->handle, "SELECT count(*) FROM sqlite_schema", &tables);
    if (code != SQLITE_OK)
        goto failed;
    bool is_new = application_id == 0 && version == 0 && tables == 0;
    if (!is_new && (uint32_t)application_id != kind->application_id)
        return problem_set(problem, ERR_VERSION, db->path, "not a database of this program");
    if (version < 0 || version > kind->step_count)
        return problem_setf(problem, ERR_VERSION, db->path,
                            "database version %lld, this program knows up to %d",
                            (long long)version, kind->step_count);
    for (int step = (int)version; step < kind->step_count; step++) {
        code = run_step(db, kind, step);
        if (code != SQLITE_OK) {
            log_error("migration failed path=%s step=%d text=\"%s\"", db->path, step + 1,
                      sqlite3_errmsg(db->handle));
            goto failed;
        }
    }
    return OK;
failed:
    *ret_code = code;
    return problem_db(db, code, problem);
}

/* SQLite reads all b-trees of the file in one go. */
static int verify_file(const struct db *db)
{
    struct stat st;
    if (stat(db->path, &st) == 0 && st.st_size > 0)
        say_alive(1 + (uint64_t)st.st_size / READ_BYTES_PER_MS);
    return expect_text(db->handle, "PRAGMA quick_check(1)", "ok", SQLITE_CORRUPT);
}

/* A log that is not empty was left by a process that did not end in order. */
static bool ended_in_disorder(const char *path, const char *vfs_name)
{
    char wal[PATH_MAX];
    int exists = 0;
    sqlite3_vfs *vfs = sqlite3_vfs_find(vfs_name);
    int len = snprintf(wal, sizeof(wal), "%s-wal", path);
    return vfs && len > 0 && (size_t)len < sizeof(wal) &&
           vfs->xAccess(vfs, wal, SQLITE_ACCESS_EXISTS, &exists) == SQLITE_OK && exists;
}

/* Moves the file and what belongs to it to PATH.damaged-N, where sqlite3 can still read them
 * together. */
static void set_aside(const char *path, struct problem *problem)
{
    static const char *const parts[] = { "-wal", "-journal", "" };
    char from[PATH_MAX];
    char to[PATH_MAX];
    char aside[PATH_MAX];
    for (int number = 1; number < DAMAGED_FILES_MAX; number++) {
        int len = snprintf(aside, sizeof(aside), "%s.damaged-%d", path, number);
        if (len < 0 || (size_t)len >= sizeof(aside) - 16)
            return;
        if (access(aside, F_OK) != 0)
            break;
    }
    bool moved = false;
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        int from_len = snprintf(from, sizeof(from), "%s%s", path, parts[i]);
        int to_len = snprintf(to, sizeof(to), "%s%s", aside, parts[i]);
        moved = from_len > 0 && to_len > 0 && (size_t)from_len < sizeof(from) &&
                (size_t)to_len < sizeof(to) && rename(from, to) == 0;
    }
    enum err synced = files_sync_directory_of(path);
    if (moved && !synced)
        (void)problem_setf(problem, ERR_STORE, path, "the file is damaged; it was set aside as %s",
                           aside);
    log_error("database damaged path=%s set_aside=%s moved=%d", path, aside, moved);
}

static void make_private(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0)
        (void)close(fd);
}

enum err db_open(const char *path, const char *vfs, const struct db_kind *kind, struct db *ret_db,
                 struct problem *problem)
{
    enum err err = OK;
    int code = SQLITE_OK;
    bool damaged = false;
    struct db db = { .path = strdup(path) };
    if (!db.path)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    bool verify = ended_in_disorder(path, vfs);
    if (!vfs)
        make_private(path);

    code = sqlite3_open_v2(path, &db.handle,
                           SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs);
    if (code == SQLITE_OK)
        code = set_up(&db, kind);
    if (code == SQLITE_OK && verify)
        code = verify_file(&db);
    if (code == SQLITE_OK)
        err = recognise_and_migrate(&db, kind, &code, problem);
    else if (db.handle)
        err = problem_db(&db, code, problem);
    else
        err = problem_set(problem, ERR_MEMORY, path, NULL);
    if (!err) {
        *ret_db = db;
        return OK;
    }

    damaged = is_damage(code);
    if (damaged) {
        /* Closing must not work the log into the damaged file. */
        (void)sqlite3_db_config(db.handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)problem_set(problem, err, path, "the file is damaged");
    }
    db_close(&db);
    if (damaged && !vfs)
        set_aside(path, problem);
    return err;
}

void db_close(struct db *db)
{
    if (!db)
        return;
    db_rollback(db);
    int code = sqlite3_close(db->handle);
    must(code == SQLITE_OK); /* statements are finalised before */
    /* Last: closing any descriptor of a file drops SQLite's locks on it (fcntl(2)). */
    if (db->probe_fd > 0)
        (void)close(db->probe_fd);
    free((void *)(uintptr_t)db->path);
    *db = (struct db){ .handle = NULL };
}

/* --- use ------------------------------------------------------------------------------------- */

enum err db_exec(struct db *db, const char *sql)
{
    return db_err(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

enum err db_begin(struct db *db)
{
    return db_exec(db, "BEGIN IMMEDIATE");
}

enum err db_commit(struct db *db)
{
    enum err err = db_exec(db, "COMMIT");
    if (err)
        db_rollback(db);
    return err;
}

void db_rollback(struct db *db)
{
    /* Some errors have rolled back already. */
    if (db->handle && !sqlite3_get_autocommit(db->handle))
        (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

enum err db_prepare(struct db *db, const char *sql, struct sqlite3_stmt **ret_stmt)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK) {
        /* The text of a statement is ours: what is wrong with it is no secret. */
        log_error("statement refused path=%s text=\"%s\"", db->path, sqlite3_errmsg(db->handle));
        return db_err(db, code);
    }
    *ret_stmt = stmt;
    return OK;
}

enum err db_prepare_all(struct db *db, const struct db_statements *statements,
                        struct sqlite3_stmt **ret_stmts)
{
    enum err err = OK;
    for (size_t i = 0; i < statements->count; i++)
        ret_stmts[i] = NULL;
    for (size_t i = 0; i < statements->count && err == OK; i++) {
        char mark[64];
        int len = snprintf(mark, sizeof mark, "-- @%s\n", statements->names[i]);
        must(len > 0 && (size_t)len < sizeof mark);
        const char *at = strstr(statements->text, mark);
        must(at != NULL);
        err = db_prepare(db, at + len, &ret_stmts[i]); /* it ends at the first ";" */
    }
    return err;
}

void db_finalize(struct sqlite3_stmt **stmts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        (void)sqlite3_finalize(stmts[i]);
        stmts[i] = NULL;
    }
}

enum err db_open_prepared(const char *path, const char *vfs, const struct db_kind *kind,
                          const struct db_statements *statements, struct db *ret_db,
                          struct sqlite3_stmt **ret_stmts, struct problem *problem)
{
    enum err err = db_open(path, vfs, kind, ret_db, problem);
    if (err != OK)
        return err;
    err = db_prepare_all(ret_db, statements, ret_stmts);
    if (err == OK)
        return OK;
    db_finalize(ret_stmts, statements->count);
    db_close(ret_db);
    return problem_set(problem, err, path, "its statements");
}

enum err db_checkpoint(struct db *db)
{
    int code = sqlite3_wal_checkpoint_v2(db->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    enum err err = db_err(db, code);
    return err == ERR_BUSY ? OK : err;
}

/* --- probe ----------------------------------------------------------------------------------- */

static bool probe_open(struct db *db)
{
    int fd = open(db->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    /* Not 0, which says "not opened yet". It stays open: see db_close. */
    db->probe_fd = fd > 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    (void)posix_fadvise(db->probe_fd, 0, 0, POSIX_FADV_RANDOM);
    return db->probe_fd > 0;
}

static bool probe_disk(struct db *db)
{
    uint8_t page[PROBE_BYTES];
    struct stat st;
    if ((db->probe_fd <= 0 && !probe_open(db)) || fstat(db->probe_fd, &st) != 0)
        return false;
    uint64_t pages = (uint64_t)st.st_size / PROBE_BYTES;
    off_t at = pages > 0 ? (off_t)(db->probe_at % (pages * PROBE_BYTES)) : 0;
    db->probe_at += PROBE_STRIDE;
    (void)posix_fadvise(db->probe_fd, at, PROBE_BYTES, POSIX_FADV_DONTNEED);
    return pread(db->probe_fd, page, sizeof(page), at) >= 0;
}

enum err db_probe(struct db *db)
{
    int64_t version = 0;
    enum err err = db_err(db, read_number(db->handle, "PRAGMA user_version", &version));
    if (err || probe_disk(db))
        return err;
    log_error("the disk does not give what is stored path=%s text=\"%s\"", db->path,
              strerror(errno));
    return ERR_STORE;
}

/* --- copies ---------------------------------------------------------------------------------- */

static int run_backup(struct db *db, struct db *copy)
{
    sqlite3_backup *backup = sqlite3_backup_init(copy->handle, "main", db->handle, "main");
    if (!backup)
        return sqlite3_extended_errcode(copy->handle);
    int code;
    while ((code = sqlite3_backup_step(backup, COPY_PAGES)) == SQLITE_OK)
        say_alive(0);
    int end = sqlite3_backup_finish(backup);
    if (code != SQLITE_DONE)
        return code;
    if (end == SQLITE_OK)
        end = expect_text(copy->handle, "PRAGMA journal_mode=DELETE", "delete", SQLITE_CANTOPEN);
    return end;
}

static enum err sync_file(const char *path, struct problem *problem)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (!synced || files_sync_directory_of(path))
        return problem_set(problem, ERR_IO, path, strerror(errno));
    return OK;
}

enum err db_copy(struct db *db, const char *path, struct problem *problem)
{
    struct db copy = { .path = path };
    enum err err = files_write_new(path, 0600, bytes_of(NULL, 0), problem);
    if (err)
        return err;
    int code = sqlite3_open_v2(path, &copy.handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
                               "unix-excl");
    if (code == SQLITE_OK) {
        (void)sqlite3_extended_result_codes(copy.handle, 1);
        code = run_backup(db, &copy);
    }
    if (code != SQLITE_OK)
        err = copy.handle ? problem_set(problem, db_err(&copy, code), path, sqlite3_errstr(code))
                          : problem_set(problem, ERR_MEMORY, path, NULL);
    (void)sqlite3_close(copy.handle);
    if (!err)
        err = sync_file(path, problem);
    if (err)
        (void)unlink(path);
    return err;
}

static uint32_t clock_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* The end of the time stands in the pointer itself, modulo 2^32 ms: `struct db` may be moved. */
static int time_is_up(void *deadline)
{
    return (int32_t)(clock_ms() - (uint32_t)(uintptr_t)deadline) >= 0;
}

enum err db_open_copy(const char *path, unsigned limit_ms, struct db *ret_db,
                      struct problem *problem)
{
    must(limit_ms <= INT32_MAX);
    struct db db = { .path = strdup(path) };
    if (!db.path)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    int code = sqlite3_open_v2(path, &db.handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) {
        harden(db.handle);
        code = sqlite3_exec(db.handle,
                            "PRAGMA query_only=ON; PRAGMA temp_store=MEMORY;"
                            "PRAGMA cell_size_check=ON; SELECT count(*) FROM sqlite_schema",
                            NULL, NULL, NULL);
    }
    if (code != SQLITE_OK) {
        enum err err = db.handle ? problem_db(&db, code, problem)
                                 : problem_set(problem, ERR_MEMORY, path, NULL);
        db_close(&db);
        return err;
    }
    sqlite3_progress_handler(db.handle, PROGRESS_STEPS, time_is_up,
                             (void *)(uintptr_t)(clock_ms() + limit_ms));
    *ret_db = db;
    return OK;
}
