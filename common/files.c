#include "common/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto.h"

static enum err problem_errno(struct problem *problem, const char *path, int number)
{
    enum err code = ERR_IO;
    if (number == ENOENT || number == ENOTDIR)
        code = ERR_NOT_FOUND;
    else if (number == EACCES || number == EPERM)
        code = ERR_DENIED;
    else if (number == ENOSPC || number == EDQUOT || number == EFBIG)
        code = ERR_FULL;
    else if (number == EEXIST)
        code = ERR_BUSY;
    else if (number == ENOMEM)
        code = ERR_MEMORY;
    return problem_set(problem, code, path, strerror(number));
}

static int open_for_reading(const char *path)
{
    if (strcmp(path, "-") == 0)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
}

/* Up to `cap` bytes until the end of the file. */
static ssize_t read_whole(int fd, uint8_t *at, size_t cap)
{
    size_t len = 0;
    while (len < cap) {
        ssize_t got = read(fd, at + len, cap - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        len += (size_t)got;
    }
    return (ssize_t)len;
}

enum err files_read(const char *path, size_t bytes_max, struct buf *ret_content,
                    struct problem *problem)
{
    enum err err = OK;
    uint8_t *at = NULL;
    struct stat st;
    int fd = open_for_reading(path);
    if (fd < 0 || fstat(fd, &st) != 0) {
        err = problem_errno(problem, path, errno);
        goto out;
    }
    if (S_ISDIR(st.st_mode)) {
        err = problem_errno(problem, path, EISDIR);
        goto out;
    }
    /* One byte more than allowed tells "too large"; one for the NUL. */
    at = malloc(bytes_max + 2);
    if (!at) {
        err = problem_set(problem, ERR_MEMORY, path, NULL);
        goto out;
    }
    ssize_t len = read_whole(fd, at, bytes_max + 1);
    if (len < 0) {
        err = problem_errno(problem, path, errno);
        goto out;
    }
    if ((size_t)len > bytes_max) {
        err = problem_setf(problem, ERR_LIMIT, path, "%zu bytes at most", bytes_max);
        goto out;
    }
    at[len] = '\0';
    *ret_content = (struct buf){ .at = at, .len = (size_t)len, .cap = bytes_max + 2 };
    at = NULL;
out:
    free(at);
    if (fd >= 0)
        (void)close(fd);
    return err;
}

void files_release(struct buf *content)
{
    if (content->at)
        crypto_wipe(content->at, content->len);
    free(content->at);
    *content = (struct buf){ .at = NULL };
}

enum err files_sync_directory_of(const char *path)
{
    char dir[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(dir))
        return ERR_LIMIT;
    memcpy(dir, path, len + 1);
    char *slash = strrchr(dir, '/');
    if (!slash)
        memcpy(dir, ".", 2);
    else
        slash[slash == dir ? 1 : 0] = '\0';
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    enum err err = fsync(fd) == 0 ? OK : ERR_IO;
    (void)close(fd);
    return err;
}

static bool write_whole(int fd, struct bytes content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.at, content.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        content = bytes_of(content.at + put, content.len - (size_t)put);
    }
    return true;
}

static enum err write_and_name(const char *path, mode_t mode, struct bytes content, bool replace,
                               struct problem *problem)
{
    enum err err = OK;
    char temporary[PATH_MAX];
    int len = snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    if (len < 0 || (size_t)len >= sizeof(temporary))
        return problem_set(problem, ERR_LIMIT, path, "the path is too long");
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return problem_errno(problem, path, errno);

    if (fchmod(fd, mode) != 0 || !write_whole(fd, content) || fsync(fd) != 0) {
        err = problem_errno(problem, path, errno);
        goto out;
    }
    if (replace ? rename(temporary, path) != 0 : link(temporary, path) != 0) {
        err = problem_errno(problem, path, errno);
        goto out;
    }
    err = files_sync_directory_of(path);
    if (err)
        (void)problem_errno(problem, path, errno);
out:
    if (err || !replace)
        (void)unlink(temporary);
    (void)close(fd);
    return err;
}

enum err files_write(const char *path, mode_t mode, struct bytes content, struct problem *problem)
{
    return write_and_name(path, mode, content, true, problem);
}

enum err files_write_new(const char *path, mode_t mode, struct bytes content,
                         struct problem *problem)
{
    return write_and_name(path, mode, content, false, problem);
}

enum err files_make_directory(const char *path, mode_t mode, struct problem *problem)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part))
        return problem_set(problem, ERR_LIMIT, path, "the path is empty or too long");
    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char kept = part[i];
        part[i] = '\0';
        if (mkdir(part, mode) != 0 && errno != EEXIST)
            return problem_errno(problem, part, errno);
        part[i] = kept;
    }
    struct stat st;
    if (stat(path, &st) != 0)
        return problem_errno(problem, path, errno);
    return S_ISDIR(st.st_mode) ? OK : problem_errno(problem, path, ENOTDIR);
}
