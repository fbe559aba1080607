#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/files.h"
#include "common/tkskctl/csv_inside.h"

static bool load(struct csv_file *file, uint64_t from, uint8_t *at, size_t len, size_t *ret_len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t got = pread(file->fd, at + done, len - done, (off_t)(from + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return false;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_len = done;
    return true;
}

int csv_file_byte(struct csv_file *file, uint64_t at)
{
    size_t len = 0;
    if (at >= file->len || file->failed)
        return -1;
    if (at - file->window_at < file->window_len)
        return file->window[at - file->window_at];
    /* A little of what was read is kept: readers look one byte back and forth. */
    uint64_t from = at - (at < 64 ? at : 64);
    size_t want =
        file->len - from < CSV_WINDOW_BYTES ? (size_t)(file->len - from) : CSV_WINDOW_BYTES;
    if (file->fd < 0 || !load(file, from, file->space, want, &len) || len < want) {
        file->failed = true; /* it has become shorter */
        return -1;
    }
    file->window = file->space;
    file->window_at = from;
    file->window_len = len;
    return file->window[at - from];
}

static enum err open_regular(const char *path, const struct stat *st, struct csv_file *file,
                             struct problem *problem)
{
    file->len = (uint64_t)st->st_size;
    file->changed = st->st_mtim;
    file->space = malloc(CSV_WINDOW_BYTES);
    return file->space ? OK : problem_set(problem, ERR_MEMORY, path, NULL);
}

enum err csv_file_open(const char *path, struct csv_file *ret_file, struct problem *problem)
{
    struct csv_file file = { .fd = -1 };
    struct stat st;
    enum err err = OK;
    bool input = strcmp(path, "-") == 0;
    *ret_file = file;
    file.fd = input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (file.fd >= 0 && fstat(file.fd, &st) == 0 && S_ISREG(st.st_mode)) {
        err = open_regular(path, &st, &file, problem);
    } else {
        /* A pipe, or what says best why it cannot be read. */
        if (file.fd >= 0)
            (void)close(file.fd);
        file.fd = -1;
        err = files_read(path, CSV_STDIN_BYTES_MAX, &file.memory, problem);
        file.window = file.memory.at;
        file.len = file.window_len = file.memory.len;
    }
    *ret_file = file;
    return err;
}

void csv_file_of(struct bytes content, struct csv_file *ret_file)
{
    *ret_file = (struct csv_file){
        .fd = -1, .len = content.len, .window = content.at, .window_len = content.len
    };
}

void csv_file_close(struct csv_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    if (file->space)
        crypto_wipe(file->space, CSV_WINDOW_BYTES);
    free(file->space);
    files_release(&file->memory);
    *file = (struct csv_file){ .fd = -1 };
}

enum err csv_file_hash(struct csv_file *file, const char *type, const char *label,
                       struct hash *ret_hash)
{
    struct hasher hasher;
    hasher_start(&hasher, type);
    hasher_add(&hasher, bytes_of(label, strlen(label) + 1));
    for (uint64_t at = 0; at < file->len;) {
        if (csv_file_byte(file, at) < 0)
            return ERR_IO;
        size_t begin = (size_t)(at - file->window_at);
        hasher_add(&hasher, bytes_of(file->window + begin, file->window_len - begin));
        at += file->window_len - begin;
    }
    hasher_end(&hasher, ret_hash);
    return OK;
}

enum err csv_check(const struct csv_file *file, const char *name, struct problem *problem)
{
    struct stat st;
    bool same = !file->failed;
    if (same && file->fd >= 0)
        same = fstat(file->fd, &st) == 0 && (uint64_t)st.st_size == file->len &&
               st.st_mtim.tv_sec == file->changed.tv_sec &&
               st.st_mtim.tv_nsec == file->changed.tv_nsec;
    return same ? OK : problem_set(problem, ERR_FILE_CHANGED, name, NULL);
}

/* 0x80..0x9f; 0: not a character of this encoding. */
static const uint16_t windows_1252[32] = {
    0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178,
};

size_t csv_1252_to_utf8(uint8_t byte, char ret[3])
{
    unsigned code = byte;
    if (byte >= 0x80 && byte < 0xa0)
        code = windows_1252[byte - 0x80];
    if (code == 0)
        return 0;
    if (code < 0x80) {
        ret[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        ret[0] = (char)(0xc0 | code >> 6);
        ret[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    ret[0] = (char)(0xe0 | code >> 12);
    ret[1] = (char)(0x80 | (code >> 6 & 0x3f));
    ret[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}
