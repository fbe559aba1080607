/* The listening end of the admin socket. Private to admin*.c. */
#pragma once

#include "common/err.h"

#define ADMIN_PATH_BYTES_MAX 107 /* sun_path of unix(7), less its NUL */

/* As admin_open says of `path` and `group`. The caller closes *ret_fd and unlinks `path`. */
NODISCARD enum err admin_listen(const char *path, const char *group, int *ret_fd,
                                struct problem *problem);
