#include "common/admin_listen.h"

#include <errno.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"

#define BACKLOG 32

_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == ADMIN_PATH_BYTES_MAX + 1, "unix(7)");

/* Removes a socket that nobody answers on. */
static enum err clear_stale(const struct sockaddr_un *address, struct problem *problem)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0)
        return OK;
    if (!S_ISSOCK(st.st_mode))
        return problem_set(problem, ERR_BUSY, address->sun_path, "it exists and is no socket");
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return problem_set(problem, ERR_IO, address->sun_path, strerror(errno));
    bool stale = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                 errno == ECONNREFUSED;
    (void)close(fd);
    if (!stale)
        return problem_set(problem, ERR_BUSY, address->sun_path, "a daemon answers there");
    if (unlink(address->sun_path) != 0)
        return problem_set(problem, ERR_IO, address->sun_path, strerror(errno));
    return OK;
}

static enum err open_to_group(const char *path, const char *group, struct problem *problem)
{
    struct stat st;
    const struct group *known = group && group[0] ? getgrnam(group) : NULL;
    if (group && group[0] && !known)
        log_info("no such group, the socket is for this user alone group=%s", group);
    /* Under systemd it is made by the group already, and the sandbox knows no chown. */
    bool given = known && stat(path, &st) == 0 && st.st_gid == known->gr_gid;
    if (known && !given && chown(path, (uid_t)-1, known->gr_gid) != 0)
        log_warning("the socket is not given to the group group=%s text=\"%s\"", group,
                    strerror(errno));
    if (chmod(path, 0660) != 0)
        return problem_set(problem, ERR_IO, path, strerror(errno));
    return OK;
}

enum err admin_listen(const char *path, const char *group, int *ret_fd, struct problem *problem)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) > ADMIN_PATH_BYTES_MAX)
        return problem_setf(problem, ERR_LIMIT, path, "a socket path of %d bytes at most",
                            ADMIN_PATH_BYTES_MAX);
    memcpy(address.sun_path, path, strlen(path) + 1);
    enum err err = clear_stale(&address, problem);
    if (err)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return problem_set(problem, ERR_IO, path, strerror(errno));
    /* Nobody else connects before owner and mode are as they should be. */
    mode_t before = umask(0177);
    int code = bind(fd, (const struct sockaddr *)&address, sizeof(address));
    int bind_errno = errno;
    (void)umask(before);
    if (code != 0) {
        err = problem_set(problem, bind_errno == EADDRINUSE ? ERR_BUSY : ERR_IO, path,
                          strerror(bind_errno));
        goto failed;
    }
    err = open_to_group(path, group, problem);
    if (!err && listen(fd, BACKLOG) != 0)
        err = problem_set(problem, ERR_IO, path, strerror(errno));
    if (err) {
        (void)unlink(path);
        goto failed;
    }
    *ret_fd = fd;
    return OK;
failed:
    (void)close(fd);
    return err;
}
