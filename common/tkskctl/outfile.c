#include "common/tkskctl/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/files.h"

enum err outfile_failed(const struct outfile *file, int number, struct problem *problem)
{
    enum err code = number == ENOSPC || number == EDQUOT  ? ERR_FULL
                    : number == EACCES || number == EPERM ? ERR_DENIED
                                                          : ERR_IO;
    return problem_set(problem, code, file->path, strerror(number));
}

enum err outfile_open(const char *path, struct outfile *ret_file, struct problem *problem)
{
    *ret_file = (struct outfile){ .out = NULL };
    if (strlen(path) >= sizeof(ret_file->path))
        return problem_set(problem, ERR_LIMIT, path, NULL);
    (void)snprintf(ret_file->path, sizeof(ret_file->path), "%s", path);
    (void)snprintf(ret_file->part, sizeof(ret_file->part), "%s.XXXXXX", path);
    int fd = mkostemp(ret_file->part, O_CLOEXEC); /* 0600 */
    if (fd < 0) {
        int number = errno;
        ret_file->part[0] = '\0';
        return outfile_failed(ret_file, number, problem);
    }
    ret_file->out = fdopen(fd, "w");
    if (ret_file->out)
        return OK;
    (void)close(fd);
    return problem_set(problem, ERR_MEMORY, path, NULL);
}

enum err outfile_close(struct outfile *file, bool keep, struct problem *problem)
{
    enum err err = OK;
    keep = keep && file->out;
    if (keep && (fflush(file->out) != 0 || ferror(file->out) || fsync(fileno(file->out)) != 0))
        err = outfile_failed(file, errno ? errno : EIO, problem);
    if (file->out && fclose(file->out) != 0 && keep && err == OK)
        err = outfile_failed(file, errno, problem);
    file->out = NULL;
    if (keep && err == OK && rename(file->part, file->path) != 0)
        err = outfile_failed(file, errno, problem);
    if (keep && err == OK && files_sync_directory_of(file->path) != OK)
        err = outfile_failed(file, EIO, problem);
    if ((!keep || err != OK) && file->part[0] != '\0')
        (void)unlink(file->part);
    return err;
}
