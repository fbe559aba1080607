/* Small whole files, and directories of state. */
#pragma once

#include <sys/types.h>

#include "common/err.h"

/* Reads a regular file (or a pipe, "-" = standard input) of at most `bytes_max`. A NUL stands
 * behind the content, which the caller ends with files_release. ERR_NOT_FOUND, ERR_LIMIT, ERR_IO,
 * ERR_DENIED (no permission), ERR_MEMORY. */
NODISCARD enum err files_read(const char *path, size_t bytes_max, struct buf *ret_content,
                              struct problem *problem);

/* Wipes and frees. */
void files_release(struct buf *content);

/* Replaces `path` in one step: afterwards it holds the old or the new content, whatever happens,
 * and on success the new one survives a power cut. */
NODISCARD enum err files_write(const char *path, mode_t mode, struct bytes content,
                               struct problem *problem);

/* The same, but fails with ERR_BUSY when `path` exists. */
NODISCARD enum err files_write_new(const char *path, mode_t mode, struct bytes content,
                                   struct problem *problem);

/* Makes the directory and those above it. That it exists is fine. */
NODISCARD enum err files_make_directory(const char *path, mode_t mode, struct problem *problem);

/* fsync of the directory that holds `path`: makes a rename or a new name there durable. */
NODISCARD enum err files_sync_directory_of(const char *path);
