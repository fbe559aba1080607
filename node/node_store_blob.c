/* Files of bytes that records name, and the table that knows them; see node_blob.h. Writing goes
 * temporary file, fsync, rename, fsync of the directories, row: a cut at any point leaves at most a
 * file that nothing names. */
#include "node/node_blob.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/files.h"
#include "common/must.h"
#include "node/node_store_inside.h"

#define STATE_HERE 1

struct blob_writer {
    struct hasher hasher;
    struct node_store *store;
    uint64_t size, got;
    struct blob_seal seal;
    int fd;
    char path[PATH_MAX]; /* of the temporary file; empty: it has its name, or is gone */
    uint8_t head[BLOB_HEAD_BYTES];
    size_t head_len, piece_len;
    uint8_t piece[BLOB_PIECE_BYTES];
    uint8_t box[BLOB_BOX_BYTES_MAX];
};

struct blob_reader {
    struct node_store *store;
    int fd;
    struct hash hash;
    uint64_t left; /* sealed bytes */
    struct blob_seal seal;
    struct hasher hasher;
    bool over;
    uint8_t box[BLOB_BOX_BYTES_MAX];
    uint8_t piece[BLOB_PIECE_BYTES];
};

/* ---- names */

static void blob_key(const struct node_store *store, const struct hash *hash, struct id *ret_key)
{
    const struct bytes parts[] = { bytes_text(BLOB_HASH), bytes_hash(hash) };
    node_index_hash(store, parts, COUNT_OF(parts), ret_key);
}

/* DIR/ab/cdef… */
static enum err blob_path(const struct node_store *store, const struct id *key, char ret[PATH_MAX])
{
    char hex[2 * ID_BYTES + 1];
    crypto_hex(bytes_id(key), hex);
    int len = snprintf(ret, PATH_MAX, "%s/%.2s/%s", store->blob_dir, hex, hex + 2);
    return len > 0 && len < PATH_MAX ? OK : ERR_LIMIT;
}

static enum err err_of_errno(int number)
{
    return number == ENOSPC || number == EDQUOT || number == EFBIG ? ERR_FULL
           : number == ENOMEM                                      ? ERR_MEMORY
                                                                   : ERR_IO;
}

/* ---- the table */

struct blob_row {
    uint64_t size;
};

/* ERR_NOT_FOUND */
static enum err row_get(struct node_store *store, const struct id *key, struct blob_row *ret_row)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_blob_get);
    sql_bind_id(st, 1, key);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    ret_row->size = sql_uint(st, 0);
    return node_sql_end(store, st, OK);
}

static enum err row_put(struct node_store *store, const struct id *key, const struct blob_ref *ref,
                        uint64_t wall_ms)
{
    uint8_t space[HASH_BYTES + BLOB_TYPE_BYTES_MAX + 16];
    struct writer plain = writer_of(space, sizeof space);
    const struct box_name name = box_name("blob", bytes_id(key), 0);
    struct bytes box;
    writer_array(&plain, 2);
    writer_bin(&plain, bytes_hash(&ref->hash));
    writer_text(&plain, ref->type);
    must(plain.err == OK);
    enum err err = node_box_put(store, &name, writer_bytes(&plain), &box);
    if (err == OK)
        err = node_begin(store);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_blob_put);
    sql_bind_id(st, 1, key);
    sql_bind_uint(st, 2, STATE_HERE);
    sql_bind_uint(st, 3, ref->size);
    sql_bind_uint(st, 4, wall_ms);
    sql_bind(st, 5, box);
    return node_end(store, node_sql_run(store, st));
}

/* ---- writing */

static int64_t bytes_max(const struct node_store *store)
{
    int64_t max = store->policy ? policy_setting(store->policy, "blob_bytes_max", BLOB_BYTES_USUAL)
                                : BLOB_BYTES_USUAL;
    return max < 1 ? BLOB_BYTES_USUAL : max < BLOB_BYTES_MAX ? max : BLOB_BYTES_MAX;
}

/* "4.1 MiB", in KiB below one MiB; rounded up, so that what is over a limit never looks like it. */
static void size_text(uint64_t bytes, char ret[24])
{
    uint64_t unit = bytes < 1024 * 1024 ? 1024 : 1024 * 1024;
    uint64_t tenths = (bytes * 10 + unit - 1) / unit;
    (void)snprintf(ret, 24, "%llu.%llu %s", (unsigned long long)(tenths / 10),
                   (unsigned long long)(tenths % 10), unit == 1024 ? "KiB" : "MiB");
}

static enum err check_size(const struct node_store *store, uint64_t size, struct problem *problem)
{
    char is[24], most[24];
    struct statvfs disk;
    uint64_t max = (uint64_t)bytes_max(store);
    if (size == 0)
        return problem_set(problem, ERR_BLOB_EMPTY, "blob", NULL);
    size_text(size, is);
    size_text(max, most);
    if (size > max)
        return problem_setf(problem, ERR_BLOB_LARGE, "blob", "%s; at most %s", is, most);
    if (store->watch_disk && statvfs(store->db.path, &disk) == 0 &&
        (uint64_t)disk.f_bavail * disk.f_frsize < QUEUE_DISK_BYTES_MIN + blob_sealed_bytes(size))
        return problem_setf(problem, ERR_FULL, "disk", "%s, and 16 MiB must stay free", is);
    return OK;
}

static bool write_all(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.at, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes = bytes_of(bytes.at + put, bytes.len - (size_t)put);
    }
    return true;
}

enum err node_store_blob_begin(struct node_store *store, uint64_t size,
                               struct blob_writer **ret_writer, struct problem *problem)
{
    struct blob_writer *writer = NULL;
    if (!store->blob)
        return problem_set(problem, ERR_LOCKED, "blob", NULL);
    if (!store->blob_dir)
        return problem_set(problem, ERR_STATE, "blob", NULL);
    enum err err = check_size(store, size, problem);
    if (err == OK)
        err = files_make_directory(store->blob_dir, 0700, problem);
    if (err != OK)
        return err;
    writer = calloc(1, sizeof *writer);
    if (!writer)
        return problem_set(problem, ERR_MEMORY, "blob", NULL);
    writer->store = store;
    writer->size = size;
    (void)snprintf(writer->path, sizeof writer->path, "%s/tmp-XXXXXX", store->blob_dir);
    writer->fd = mkostemp(writer->path, O_CLOEXEC); /* 0600 */
    if (writer->fd < 0) {
        writer->path[0] = '\0';
        err = err_of_errno(errno);
    }
    blob_seal_new(&writer->seal);
    hasher_start(&writer->hasher, BLOB_HASH);
    if (err == OK && !write_all(writer->fd, bytes_of(writer->seal.lead, BLOB_LEAD_BYTES)))
        err = err_of_errno(errno);
    if (err != OK) {
        (void)problem_set(problem, err, store->blob_dir, strerror(errno));
        node_store_blob_close(&writer);
        return err;
    }
    *ret_writer = writer;
    return OK;
}

static enum err put_piece(struct blob_writer *writer)
{
    struct buf box = buf_of(writer->box, sizeof writer->box);
    if (!writer->store->blob)
        return ERR_LOCKED;
    enum err err = blob_seal_put(&writer->seal, writer->store->blob,
                                 bytes_of(writer->piece, writer->piece_len),
                                 writer->got == writer->size, &box);
    if (err != OK)
        return err;
    writer->piece_len = 0;
    return write_all(writer->fd, buf_bytes(&box)) ? OK : err_of_errno(errno);
}

enum err node_store_blob_add(struct blob_writer *writer, struct bytes part)
{
    enum err err = OK;
    if (part.len > writer->size - writer->got)
        return ERR_LIMIT;
    hasher_add(&writer->hasher, part);
    while (err == OK && part.len > 0) {
        size_t room = BLOB_PIECE_BYTES - writer->piece_len;
        size_t take = part.len < room ? part.len : room;
        memcpy(writer->piece + writer->piece_len, part.at, take);
        if (writer->head_len < BLOB_HEAD_BYTES) {
            size_t more = BLOB_HEAD_BYTES - writer->head_len;
            more = take < more ? take : more;
            memcpy(writer->head + writer->head_len, part.at, more);
            writer->head_len += more;
        }
        writer->piece_len += take;
        writer->got += take;
        part = bytes_of(part.at + take, part.len - take);
        if (writer->piece_len == BLOB_PIECE_BYTES || writer->got == writer->size)
            err = put_piece(writer);
    }
    return err;
}

bool node_store_blob_whole(const struct blob_writer *writer)
{
    return writer->got == writer->size;
}

/* Under its name, durably. What stood there is the same bytes, or damaged. */
static enum err name_file(struct blob_writer *writer, const struct id *key)
{
    char path[PATH_MAX], dir[PATH_MAX];
    enum err err = blob_path(writer->store, key, path);
    if (err != OK)
        return err;
    memcpy(dir, path, strlen(path) + 1);
    *strrchr(dir, '/') = '\0';
    if (fsync(writer->fd) != 0 || (mkdir(dir, 0700) != 0 && errno != EEXIST) ||
        rename(writer->path, path) != 0)
        return err_of_errno(errno);
    writer->path[0] = '\0';
    err = files_sync_directory_of(path);
    if (err == OK)
        err = files_sync_directory_of(dir);
    if (err == OK)
        err = files_sync_directory_of(writer->store->blob_dir);
    return err;
}

enum err node_store_blob_end(struct blob_writer *writer, uint64_t wall_ms, struct blob_ref *ret_ref)
{
    struct blob_ref ref = { .size = writer->size };
    struct id key;
    must(node_store_blob_whole(writer) && writer->seal.over);
    if (!writer->store->blob)
        return ERR_LOCKED;
    hasher_end(&writer->hasher, &ref.hash);
    memcpy(ref.type, blob_media_type(bytes_of(writer->head, writer->head_len)),
           strlen(blob_media_type(bytes_of(writer->head, writer->head_len))) + 1);
    blob_key(writer->store, &ref.hash, &key);
    enum err err = name_file(writer, &key);
    if (err == OK)
        err = row_put(writer->store, &key, &ref, wall_ms);
    if (err == OK)
        *ret_ref = ref;
    scratch_clear(&writer->store->scratch);
    return err;
}

void node_store_blob_close(struct blob_writer **at)
{
    struct blob_writer *writer = *at;
    if (!writer)
        return;
    *at = NULL;
    if (writer->fd >= 0)
        (void)close(writer->fd);
    if (writer->path[0] != '\0')
        (void)unlink(writer->path);
    crypto_wipe(writer, sizeof *writer);
    free(writer);
}

/* ---- reading */

static bool read_all(int fd, uint8_t *at, size_t len)
{
    while (len > 0) {
        ssize_t got = read(fd, at, len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
    }
    return true;
}

static enum err reader_start(struct blob_reader *reader, const char *path, uint64_t size)
{
    uint8_t lead[BLOB_LEAD_BYTES];
    struct stat st;
    reader->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reader->fd < 0)
        return errno == ENOENT ? ERR_BLOB_GONE : err_of_errno(errno);
    if (fstat(reader->fd, &st) != 0)
        return err_of_errno(errno);
    if ((uint64_t)st.st_size != blob_sealed_bytes(size) ||
        !read_all(reader->fd, lead, sizeof lead) ||
        blob_seal_open(bytes_of(lead, sizeof lead), &reader->seal) != OK)
        return ERR_BLOB_DAMAGED;
    reader->left = (uint64_t)st.st_size - BLOB_LEAD_BYTES;
    return OK;
}

enum err node_store_blob_open(struct node_store *store, const struct hash *hash,
                              struct blob_reader **ret_reader)
{
    char path[PATH_MAX];
    struct blob_row row;
    struct id key;
    if (!store->blob)
        return ERR_LOCKED;
    if (!store->blob_dir)
        return ERR_BLOB_GONE;
    blob_key(store, hash, &key);
    enum err err = row_get(store, &key, &row);
    if (err == OK)
        err = blob_path(store, &key, path);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_BLOB_GONE : err;
    struct blob_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return ERR_MEMORY;
    reader->store = store;
    reader->hash = *hash;
    hasher_start(&reader->hasher, BLOB_HASH);
    err = reader_start(reader, path, row.size);
    if (err != OK) {
        node_store_blob_done(&reader);
        return err;
    }
    *ret_reader = reader;
    return OK;
}

/* The bytes as a whole are those that were asked for. */
static enum err reader_end_of(struct blob_reader *reader)
{
    struct hash hash;
    if (!reader->seal.over)
        return ERR_BLOB_DAMAGED;
    hasher_end(&reader->hasher, &hash);
    reader->over = true;
    return memcmp(hash.at, reader->hash.at, HASH_BYTES) == 0 ? OK : ERR_BLOB_DAMAGED;
}

enum err node_store_blob_read(struct blob_reader *reader, struct bytes *ret_piece)
{
    struct buf plain = buf_of(reader->piece, sizeof reader->piece);
    must(!reader->over);
    if (!reader->store->blob)
        return ERR_LOCKED;
    if (reader->left == 0) {
        enum err err = reader_end_of(reader);
        if (err == OK)
            *ret_piece = bytes_of(NULL, 0);
        return err;
    }
    size_t len = reader->left < BLOB_BOX_BYTES_MAX ? (size_t)reader->left : BLOB_BOX_BYTES_MAX;
    if (!read_all(reader->fd, reader->box, len))
        return ERR_BLOB_DAMAGED;
    reader->left -= len;
    enum err err = blob_seal_get(&reader->seal, reader->store->blob, bytes_of(reader->box, len),
                                 reader->left == 0, &plain);
    if (err != OK)
        return err == ERR_DECRYPT ? ERR_BLOB_DAMAGED : err;
    hasher_add(&reader->hasher, buf_bytes(&plain));
    *ret_piece = buf_bytes(&plain);
    return OK;
}

void node_store_blob_done(struct blob_reader **at)
{
    struct blob_reader *reader = *at;
    if (!reader)
        return;
    *at = NULL;
    if (reader->fd >= 0)
        (void)close(reader->fd);
    crypto_wipe(reader, sizeof *reader);
    free(reader);
}

enum err node_store_blob_here(struct node_store *store, const struct hash *hash, bool *ret_here)
{
    char path[PATH_MAX];
    struct blob_row row;
    struct stat st;
    struct id key;
    if (!store->blob)
        return ERR_LOCKED;
    blob_key(store, hash, &key);
    enum err err = store->blob_dir ? row_get(store, &key, &row) : ERR_NOT_FOUND;
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    *ret_here = err == OK && blob_path(store, &key, path) == OK && stat(path, &st) == 0 &&
                (uint64_t)st.st_size == blob_sealed_bytes(row.size);
    return OK;
}

enum err node_store_blob_warn(struct node_store *store, const struct policy_collection *collection,
                              struct bytes fields, struct warnings *warnings)
{
    struct field_iter iter = fields_of(fields);
    struct bytes name, value;
    while (warnings && warnings->count < WARNINGS_MAX && fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(collection, name);
        struct blob_iter blobs = { .left = 0 };
        struct blob_ref ref;
        bool here = true;
        if (field)
            blobs = blobs_of(field, value);
        while (here && blobs_next(&blobs, &ref)) {
            enum err err = node_store_blob_here(store, &ref.hash, &here);
            if (err != OK)
                return err;
        }
        if (!here && field)
            (void)problem_set(&warnings->list[warnings->count++], ERR_BLOB_GONE, field->name,
                              ref.type);
    }
    return OK;
}

enum err node_store_blob_figures(struct node_store *store, uint64_t *ret_count, uint64_t *ret_bytes)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_blob_figures);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t count = sql_uint(st, 0), bytes = sql_uint(st, 1);
    err = node_sql_end(store, st, OK);
    if (err == OK) {
        *ret_count = count;
        *ret_bytes = bytes;
    }
    return err;
}
