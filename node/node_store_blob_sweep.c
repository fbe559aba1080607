/* What nothing names any more. References are not counted but looked for: of the few files that no
 * own change and no record has been seen to name, every text and value of this store is read, and
 * whatever holds the hash, as bytes or as typed, keeps the file. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/must.h"
#include "node/node_blob.h"
#include "node/node_draft.h"
#include "node/node_store_inside.h"

#define CANDIDATES_MAX 512 /* a sweep; the others have their turn later */
#define SWEEP_MS (UINT64_C(60) * 60 * 1000)

struct candidate {
    struct id key;
    struct hash hash;
    bool named;   /* by something */
    bool settled; /* by what does not go away */
};

struct sweep {
    struct node_store *store;
    size_t count, open; /* open: not named yet */
    struct candidate list[CANDIDATES_MAX];
};

/* ---- candidates */

static enum err take_candidate(struct sweep *sweep, struct sqlite3_stmt *st)
{
    struct node_store *store = sweep->store;
    struct candidate *candidate = &sweep->list[sweep->count];
    struct bytes plain;
    node_sql_fixed(store, st, 0, candidate->key.at, ID_BYTES);
    const struct box_name name = box_name("blob", bytes_id(&candidate->key), 0);
    enum err err = node_box_get(store, &name, sql_bytes(st, 1), &plain);
    if (err != OK)
        return err;
    struct reader in = reader_of(plain);
    reader_array_of(&in, 2);
    reader_fixed(&in, candidate->hash.at, HASH_BYTES);
    if (in.err != OK)
        return ERR_STORE;
    sweep->count++;
    return OK;
}

static enum err find_candidates(struct sweep *sweep, uint64_t before_ms)
{
    struct node_store *store = sweep->store;
    struct sqlite3_stmt *st = node_sql(store, SQL_blob_old);
    bool row = false;
    sql_bind_uint(st, 1, before_ms);
    enum err err = node_sql_step(store, st, &row);
    while (err == OK && row && sweep->count < CANDIDATES_MAX) {
        err = take_candidate(sweep, st);
        if (err == OK)
            err = node_sql_step(store, st, &row);
    }
    sweep->open = sweep->count;
    return node_sql_end(store, st, err);
}

/* ---- what names them */

static void note(struct sweep *sweep, const uint8_t *hash, bool settled)
{
    for (size_t i = 0; i < sweep->count; i++) {
        struct candidate *candidate = &sweep->list[i];
        if (memcmp(candidate->hash.at, hash, HASH_BYTES) != 0)
            continue;
        sweep->open -= candidate->named ? 0 : 1;
        candidate->named = true;
        candidate->settled = candidate->settled || settled;
    }
}

static bool is_hex(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') ||
           (byte >= 'A' && byte <= 'F');
}

/* As a value: bin 8 of 32 bytes. As typed: 64 hex digits. */
static void look_through(struct sweep *sweep, struct bytes plain, bool settled)
{
    size_t run = 0;
    for (size_t i = 0; i < plain.len; i++) {
        uint8_t hash[HASH_BYTES];
        if (plain.at[i] == 0xc4 && plain.len - i >= 2 + HASH_BYTES && plain.at[i + 1] == HASH_BYTES)
            note(sweep, plain.at + i + 2, settled);
        run = is_hex(plain.at[i]) ? run + 1 : 0;
        if (run >= 2 * (size_t)HASH_BYTES &&
            crypto_unhex(bytes_of(plain.at + i + 1 - 2 * HASH_BYTES, 2 * HASH_BYTES), hash,
                         sizeof hash))
            note(sweep, hash, settled);
    }
}

/* Boxes of one kind: named by their first columns, as `name_of` says. */
struct place {
    enum node_statement boxes;
    bool settled;
    struct box_name (*name_of)(struct node_store *store, struct sqlite3_stmt *st);
    int box_column;
};

static struct box_name change_name(struct node_store *store, struct sqlite3_stmt *st)
{
    struct hash leaf;
    node_sql_fixed(store, st, 0, leaf.at, HASH_BYTES);
    return box_name("change", bytes_hash(&leaf), (unsigned)sql_uint(st, 1));
}

static struct box_name record_name(struct node_store *store, struct sqlite3_stmt *st)
{
    struct id id;
    node_sql_fixed(store, st, 0, id.at, ID_BYTES);
    return box_name("record", bytes_id(&id), 0);
}

static struct box_name conflict_name(struct node_store *store, struct sqlite3_stmt *st)
{
    struct id id;
    node_sql_fixed(store, st, 0, id.at, ID_BYTES);
    return box_name("conflict", bytes_id(&id), 0);
}

static struct box_name draft_name(struct node_store *store, struct sqlite3_stmt *st)
{
    (void)store;
    return node_draft_box(sql_uint(st, 0));
}

static enum err look_in(struct sweep *sweep, const struct place *place)
{
    struct node_store *store = sweep->store;
    struct sqlite3_stmt *st = node_sql(store, place->boxes);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row && sweep->open > 0) {
        const struct box_name name = place->name_of(store, st);
        struct bytes plain;
        err = node_box_get(store, &name, sql_bytes(st, place->box_column), &plain);
        if (err != OK)
            break;
        look_through(sweep, plain, place->settled);
        scratch_clear(&store->scratch);
    }
    return node_sql_end(store, st, err);
}

/* An own change stays for ever, so what it names needs no second look. */
static const struct place places[] = {
    { SQL_blob_changes, true, change_name, 2 },
    { SQL_blob_records, false, record_name, 1 },
    { SQL_blob_conflicts, false, conflict_name, 1 },
    { SQL_blob_drafts, false, draft_name, 1 },
};

static enum err run_on(struct sweep *sweep, enum node_statement which, const struct id *key)
{
    struct sqlite3_stmt *st = node_sql(sweep->store, which);
    sql_bind_id(st, 1, key);
    return node_sql_run(sweep->store, st);
}

/* Rows first: a file without one goes a sweep later, the other way round it would be missed. */
static enum err settle(struct sweep *sweep)
{
    enum err err = node_begin(sweep->store);
    if (err != OK)
        return err;
    for (size_t i = 0; i < sweep->count && err == OK; i++) {
        const struct candidate *candidate = &sweep->list[i];
        if (!candidate->named)
            err = run_on(sweep, SQL_blob_delete, &candidate->key);
        else if (candidate->settled)
            err = run_on(sweep, SQL_blob_named, &candidate->key);
    }
    return node_end(sweep->store, err);
}

static enum err sweep_rows(struct node_store *store, uint64_t before_ms)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (!sweep)
        return ERR_MEMORY;
    sweep->store = store;
    enum err err = find_candidates(sweep, before_ms);
    scratch_clear(&store->scratch);
    for (size_t i = 0; i < COUNT_OF(places) && err == OK && sweep->open > 0; i++)
        err = look_in(sweep, &places[i]);
    if (err == OK && sweep->count > 0)
        err = settle(sweep);
    scratch_clear(&store->scratch);
    crypto_wipe(sweep, sizeof *sweep);
    free(sweep);
    return err;
}

/* ---- files */

static bool has_row(struct node_store *store, const struct id *key, enum err *ret_err)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_blob_get);
    sql_bind_id(st, 1, key);
    enum err err = node_sql_row(store, st);
    if (err == OK)
        err = node_sql_end(store, st, OK);
    else if (err == ERR_NOT_FOUND)
        return false;
    *ret_err = err;
    return true; /* or not known: it stays */
}

/* The files of one directory of two hex digits. */
static enum err sweep_directory(struct node_store *store, const char *first, uint64_t before_ms)
{
    char path[PATH_MAX];
    const struct dirent *entry;
    enum err err = OK;
    int len = snprintf(path, sizeof path, "%s/%s", store->blob_dir, first);
    DIR *dir = len > 0 && (size_t)len < sizeof path ? opendir(path) : NULL;
    while (dir && err == OK && (entry = readdir(dir)) != NULL) {
        char hex[2 * ID_BYTES + 1];
        struct stat st;
        struct id key;
        if (strlen(entry->d_name) != 2 * ID_BYTES - 2)
            continue;
        (void)snprintf(hex, sizeof hex, "%.2s%s", first, entry->d_name);
        if (!crypto_unhex(bytes_text(hex), key.at, ID_BYTES) || has_row(store, &key, &err) ||
            fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
            (uint64_t)st.st_mtim.tv_sec * 1000 >= before_ms)
            continue;
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        (void)closedir(dir);
    return err;
}

static enum err sweep_files(struct node_store *store, uint64_t before_ms)
{
    const struct dirent *entry;
    enum err err = OK;
    DIR *dir = opendir(store->blob_dir);
    while (dir && err == OK && (entry = readdir(dir)) != NULL)
        if (strlen(entry->d_name) == 2 && entry->d_name[0] != '.')
            err = sweep_directory(store, entry->d_name, before_ms);
    if (dir)
        (void)closedir(dir);
    return err;
}

enum err node_store_blob_sweep(struct node_store *store, uint64_t wall_ms)
{
    enum err err = OK;
    bool again = wall_ms >= store->blob_swept_ms && wall_ms < store->blob_swept_ms + SWEEP_MS;
    if (!store->blob_dir || wall_ms < BLOB_KEPT_MS || (again && !store->blob_unswept))
        return OK;
    if (!again)
        store->blob_unswept = true;
    if (store->blob && store->blob_unswept) {
        err = sweep_rows(store, wall_ms - BLOB_KEPT_MS);
        store->blob_unswept = false;
    }
    if (err == OK)
        err = sweep_files(store, wall_ms - BLOB_KEPT_MS);
    store->blob_swept_ms = wall_ms;
    return err;
}

/* ---- the directory */

enum err node_blob_open(struct node_store *store, const char *path)
{
    const struct dirent *entry;
    const char *slash = strrchr(path, '/');
    size_t len = slash ? (size_t)(slash - path) + 1 : 0;
    char *dir = malloc(len + sizeof "blobs");
    if (!dir)
        return ERR_MEMORY;
    memcpy(dir, path, len);
    memcpy(dir + len, "blobs", sizeof "blobs");
    store->blob_dir = dir;
    DIR *blobs = opendir(dir);
    while (blobs && (entry = readdir(blobs)) != NULL)
        if (strncmp(entry->d_name, "tmp-", 4) == 0) /* nobody writes it any more */
            (void)unlinkat(dirfd(blobs), entry->d_name, 0);
    if (blobs)
        (void)closedir(blobs);
    return OK;
}
