/* The files of a policy source: read once, then looked through by the lexical half and by
 * libconfuse. Not for others. */
#pragma once

#include "proto/policy_source.h"

#define FILE_NAME_BYTES 100

struct source_files {
    char name[SOURCE_FILES_MAX][FILE_NAME_BYTES]; /* in name order */
    char *text[SOURCE_FILES_MAX];                 /* NUL-terminated, \n line ends */
    size_t count;
    struct source_index index; /* sorted; no section or key stands twice */
};

/* Reads all *.conf of `directory`. Caller closes *ret_files. ERR_IO, ERR_NOT_FOUND (none there),
 * ERR_LIMIT, ERR_POLICY_SYNTAX, ERR_POLICY_DUPLICATE. */
NODISCARD enum err source_files_open(const char *directory, struct source_files **ret_files,
                                     struct problem *problem);
void source_files_close(struct source_files **files);

/* Reads a whole plain file of at most `max` bytes. Caller frees *ret_text; a NUL follows the text.
 * ERR_IO with `name` as thing; ERR_LIMIT; ERR_MEMORY. */
NODISCARD enum err file_read_all(const char *path, const char *name, size_t max, char **ret_text,
                                 size_t *ret_len, struct problem *problem);
