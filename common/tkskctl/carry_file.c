#include "common/tkskctl/carry_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/files.h"
#include "common/tkskctl/outfile.h"
#include "common/tkskctl/say.h"

/* --- writing -------------------------------------------------------------------------------- */

void carry_out_name(const struct carry_out *out, unsigned part, unsigned parts, char *ret,
                    size_t cap)
{
    if (parts == 1)
        (void)snprintf(ret, cap, "%s", out->path);
    else
        (void)snprintf(ret, cap, "%s.%u", out->path, part);
}

static enum err check_free(const struct carry_out *out, unsigned part, unsigned parts, bool force,
                           struct problem *problem)
{
    char name[4120];
    carry_out_name(out, part, parts, name, sizeof(name));
    if (force || access(name, F_OK) != 0)
        return OK;
    return problem_set(problem, ERR_EXISTS, name, NULL);
}

enum err carry_out_open(const char *path, size_t part_bytes, bool force, struct carry_out *ret_out,
                        struct problem *problem)
{
    char name[4120];
    *ret_out = (struct carry_out){ .part_bytes = part_bytes };
    if (strlen(path) >= sizeof(ret_out->path))
        return problem_set(problem, ERR_LIMIT, path, NULL);
    (void)snprintf(ret_out->path, sizeof(ret_out->path), "%s", path);
    enum err err = check_free(ret_out, 1, 1, force, problem);
    if (err == OK)
        err = check_free(ret_out, 1, 2, force, problem);
    if (err != OK)
        return err;
    (void)snprintf(name, sizeof(name), "%s.XXXXXX", path);
    int fd = mkostemp(name, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        return problem_set(problem, errno == EACCES ? ERR_DENIED : ERR_IO, path, strerror(errno));
    (void)unlink(name);
    ret_out->spool = fdopen(fd, "w+");
    if (ret_out->spool)
        return OK;
    (void)close(fd);
    return problem_set(problem, ERR_MEMORY, path, NULL);
}

enum err carry_out_add(struct carry_out *out, const struct carry_place *where, struct bytes piece,
                       struct problem *problem)
{
    bool leads = where->kind == CARRY_HELLO || where->kind == CARRY_ANSWER;
    if (leads && (out->count > 0 || out->lead_bytes > 0 || piece.len > sizeof(out->lead)))
        return problem_set(problem, ERR_MALFORMED, out->path, "its first piece");
    if (leads) {
        memcpy(out->lead, piece.at, piece.len);
        out->lead_bytes = piece.len;
        return OK;
    }
    if (CARRY_REST_BYTES + piece.len > out->part_bytes)
        return problem_setf(problem, ERR_LIMIT, "--part-size", "%zu KiB",
                            (CARRY_REST_BYTES + piece.len + 1023) / 1024);
    if (out->count == out->cap) {
        size_t cap = out->cap ? 2 * out->cap : 64;
        struct carry_spooled *pieces = realloc(out->pieces, cap * sizeof(*pieces));
        if (!pieces)
            return problem_set(problem, ERR_MEMORY, out->path, NULL);
        out->pieces = pieces;
        out->cap = cap;
    }
    if (fwrite(piece.at, 1, piece.len, out->spool) != piece.len)
        return problem_set(problem, errno == ENOSPC ? ERR_FULL : ERR_IO, out->path,
                           strerror(errno));
    out->pieces[out->count++] = (struct carry_spooled){ .where = *where, .bytes = piece.len };
    return OK;
}

/* How many pieces from `first` on one part holds. */
static size_t part_holds(const struct carry_out *out, size_t first)
{
    size_t used = CARRY_REST_BYTES - CARRY_FRAME_HEAD_BYTES_MAX, count = 0;
    while (first + count < out->count) {
        used += out->pieces[first + count].bytes + CARRY_FRAME_HEAD_BYTES_MAX;
        if (used > out->part_bytes)
            break;
        count++;
    }
    return count;
}

struct part_writer {
    struct hasher hasher;
    struct outfile file;
    uint64_t pieces, bytes;
    uint8_t *space;
    struct problem *problem;
};

static enum err put_bytes(struct part_writer *part, struct bytes bytes)
{
    hasher_add(&part->hasher, bytes);
    part->bytes += bytes.len;
    if (fwrite(bytes.at, 1, bytes.len, part->file.out) != bytes.len)
        return outfile_failed(&part->file, errno, part->problem);
    return OK;
}

static enum err put_frame(struct part_writer *part, struct bytes content)
{
    uint8_t head[CARRY_FRAME_HEAD_BYTES_MAX];
    enum err err = put_bytes(part, bytes_of(head, carry_frame_head(content.len, head)));
    return err == OK ? put_bytes(part, content) : err;
}

static enum err put_end(struct part_writer *part)
{
    uint8_t space[CARRY_END_BYTES_MAX];
    struct writer out = writer_of(space, sizeof(space));
    struct carry_end end = { .pieces = part->pieces };
    hasher_end(&part->hasher, &end.hash);
    hasher_start(&part->hasher, "carry"); /* what follows is not hashed */
    carry_end_encode(&end, &out);
    return out.err == OK ? put_frame(part, writer_bytes(&out)) : out.err;
}

static enum err put_piece(struct carry_out *out, struct part_writer *part, size_t bytes)
{
    if (fread(part->space, 1, bytes, out->spool) != bytes)
        return problem_set(part->problem, ERR_IO, out->path, "the spool");
    part->pieces++;
    return put_frame(part, bytes_of(part->space, bytes));
}

static enum err write_part(struct carry_out *out, const struct carry_header *header, size_t first,
                           size_t count, struct part_writer *part)
{
    uint8_t space[CARRY_HEADER_BYTES_MAX];
    struct writer head = writer_of(space, sizeof(space));
    char name[4120];
    carry_out_name(out, header->part, header->part_count, name, sizeof(name));
    enum err err = outfile_open(name, &part->file, part->problem);
    if (err != OK)
        return err;
    hasher_start(&part->hasher, "carry");
    part->pieces = 0;
    carry_header_encode(header, &head);
    err = head.err != OK ? problem_set(part->problem, head.err, name, NULL)
                         : put_bytes(part, bytes_of(CARRY_MAGIC, CARRY_MAGIC_BYTES));
    if (err == OK)
        err = put_frame(part, writer_bytes(&head));
    if (err == OK && out->lead_bytes > 0) {
        part->pieces++;
        err = put_frame(part, bytes_of(out->lead, out->lead_bytes));
    }
    for (size_t i = 0; err == OK && i < count; i++)
        err = put_piece(out, part, out->pieces[first + i].bytes);
    return err == OK ? put_end(part) : err;
}

/* On the disk, under the name that it has until all of them are. */
static enum err part_settle(struct part_writer *part)
{
    FILE *file = part->file.out;
    part->file.out = NULL;
    bool good = fflush(file) == 0 && !ferror(file) && fsync(fileno(file)) == 0;
    int number = errno;
    if (fclose(file) != 0 && good) {
        number = errno;
        good = false;
    }
    return good ? OK : outfile_failed(&part->file, number, part->problem);
}

/* Where each part begins; false: there would be too many. */
static bool parts_plan(const struct carry_out *out, struct carry_header *header)
{
    size_t at = 0;
    header->part_count = 0;
    do {
        if (header->part_count == CARRY_PARTS_MAX)
            return false;
        header->begins[header->part_count++] =
            at < out->count ? out->pieces[at].where : (struct carry_place){ .kind = 0 };
        at += part_holds(out, at);
    } while (at < out->count);
    return true;
}

enum err carry_out_write(struct carry_out *out, struct carry_header *header, bool force,
                         unsigned *ret_parts, uint64_t *ret_bytes, struct problem *problem)
{
    if (!parts_plan(out, header))
        return problem_setf(problem, ERR_LIMIT, "--part-size",
                            tr("more than %d parts; choose larger ones",
                               "lebih dari %d bagian; pilih ukuran lebih besar"),
                            CARRY_PARTS_MAX);
    unsigned parts = header->part_count, written = 0;
    struct part_writer part = { .problem = problem };
    struct outfile *files = calloc(parts, sizeof(*files));
    part.space = malloc(CARRY_PIECE_BYTES_MAX);
    enum err err = files && part.space ? OK : ERR_MEMORY;
    if (err != OK)
        (void)problem_set(problem, err, out->path, NULL);
    if (err == OK && (fflush(out->spool) != 0 || fseek(out->spool, 0, SEEK_SET) != 0))
        err = problem_set(problem, errno == ENOSPC ? ERR_FULL : ERR_IO, out->path, strerror(errno));
    for (size_t at = 0; err == OK && written < parts; written++) {
        size_t count = part_holds(out, at);
        header->part = written + 1;
        err = check_free(out, header->part, parts, force, problem);
        if (err == OK)
            err = write_part(out, header, at, count, &part);
        at += count;
        if (err == OK)
            err = part_settle(&part);
        files[written] = part.file;
        part.file = (struct outfile){ .out = NULL };
    }
    /* All are there before the first gets its name. */
    for (unsigned i = 0; i < written; i++) {
        if (err == OK && rename(files[i].part, files[i].path) != 0)
            err = outfile_failed(&files[i], errno, problem);
        if (err != OK && outfile_close(&files[i], false, problem) != OK)
            break; /* nothing is kept: it cannot fail */
    }
    if (err == OK && files_sync_directory_of(out->path) != OK)
        err = problem_set(problem, ERR_IO, out->path, NULL);
    free(files);
    free(part.space);
    *ret_parts = parts;
    *ret_bytes = part.bytes;
    return err;
}

void carry_out_close(struct carry_out *out)
{
    if (out->spool)
        (void)fclose(out->spool);
    free(out->pieces);
    *out = (struct carry_out){ .spool = NULL };
}

/* --- reading -------------------------------------------------------------------------------- */

static enum err bad(const struct carry_in *in, struct problem *problem, const char *why)
{
    if (ferror(in->file))
        return problem_set(problem, ERR_IO, in->path, strerror(errno));
    return problem_set(problem, ERR_CARRY, in->path, why);
}

static const char *too_short(void)
{
    return tr("it ends too early", "isinya terpotong");
}

/* The next bin of at most `bytes_max`, into `space`; `head` gets its head. */
static enum err read_frame(struct carry_in *in, uint8_t *space, size_t bytes_max,
                           uint8_t head[CARRY_FRAME_HEAD_BYTES_MAX], size_t *ret_bytes,
                           struct problem *problem)
{
    size_t bytes = 0;
    if (fread(head, 1, 1, in->file) != 1)
        return bad(in, problem, too_short());
    unsigned length = carry_frame_length(head[0]);
    if (length == 0)
        return bad(in, problem, tr("not its form", "bentuknya lain"));
    if (fread(head + 1, 1, length, in->file) != length)
        return bad(in, problem, too_short());
    if (carry_frame_size(head[0], head + 1, &bytes) != OK || bytes > bytes_max)
        return bad(in, problem, tr("a piece of an impossible size", "ukuran potongannya mustahil"));
    if (fread(space, 1, bytes, in->file) != bytes)
        return bad(in, problem, too_short());
    *ret_bytes = bytes;
    return OK;
}

enum err carry_in_open(const char *path, struct carry_in *ret_in, struct problem *problem)
{
    char magic[CARRY_MAGIC_BYTES];
    uint8_t head[CARRY_FRAME_HEAD_BYTES_MAX];
    size_t bytes = 0;
    ret_in->path = path;
    ret_in->pieces = 0;
    ret_in->space = malloc(CARRY_PIECE_BYTES_MAX);
    ret_in->file = fopen(path, "re");
    if (!ret_in->file || !ret_in->space) {
        enum err code = !ret_in->space    ? ERR_MEMORY
                        : errno == ENOENT ? ERR_NOT_FOUND
                        : errno == EACCES ? ERR_DENIED
                                          : ERR_IO;
        (void)problem_set(problem, code, path, strerror(errno));
        carry_in_close(ret_in);
        return code;
    }
    enum err err = OK;
    if (fread(magic, 1, sizeof(magic), ret_in->file) != sizeof(magic) ||
        memcmp(magic, CARRY_MAGIC, sizeof(magic)) != 0)
        err = bad(ret_in, problem, tr("it is something else", "ini berkas lain"));
    if (err == OK)
        err = read_frame(ret_in, ret_in->header_space, sizeof(ret_in->header_space), head, &bytes,
                         problem);
    if (err == OK) {
        enum err form = carry_header_decode(bytes_of(ret_in->header_space, bytes), &ret_in->header);
        if (form == ERR_VERSION)
            err = problem_set(problem, ERR_VERSION, path, NULL);
        else if (form != OK)
            err = bad(ret_in, problem, tr("its header", "bagian kepalanya"));
    }
    if (err != OK) {
        carry_in_close(ret_in);
        return err;
    }
    hasher_start(&ret_in->hasher, "carry");
    hasher_add(&ret_in->hasher, bytes_of(magic, sizeof(magic)));
    hasher_add(&ret_in->hasher, bytes_of(head, 1 + (size_t)carry_frame_length(head[0])));
    hasher_add(&ret_in->hasher, bytes_of(ret_in->header_space, bytes));
    return OK;
}

enum err carry_in_next(struct carry_in *in, struct bytes *ret_piece, struct problem *problem)
{
    uint8_t head[CARRY_FRAME_HEAD_BYTES_MAX];
    size_t bytes = 0;
    struct carry_end end;
    enum err err = read_frame(in, in->space, CARRY_PIECE_BYTES_MAX, head, &bytes, problem);
    if (err != OK)
        return err;
    struct bytes piece = bytes_of(in->space, bytes);
    if (carry_end_decode(piece, &end)) {
        struct hash hash;
        hasher_end(&in->hasher, &hash);
        if (!hash_equal(&hash, &end.hash) || end.pieces != in->pieces)
            return bad(in, problem, tr("a byte of it was altered", "ada isi yang berubah"));
        if (fgetc(in->file) != EOF)
            return bad(in, problem, tr("something follows its end", "ada isi setelah akhirnya"));
        return ERR_NOT_FOUND;
    }
    hasher_add(&in->hasher, bytes_of(head, 1 + (size_t)carry_frame_length(head[0])));
    hasher_add(&in->hasher, piece);
    in->pieces++;
    *ret_piece = piece;
    return OK;
}

void carry_in_close(struct carry_in *in)
{
    if (in->file)
        (void)fclose(in->file);
    free(in->space);
    in->file = NULL;
    in->space = NULL;
}
