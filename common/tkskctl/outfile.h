/* A file that is written in pieces and appears whole or not at all: until then it stands beside its
 * place under another name, for the eyes of who writes it. */
#pragma once

#include <stdio.h>

#include "common/err.h"

struct outfile {
    char path[4096];
    char part[4104];
    FILE *out;
};

/* ERR_LIMIT: the path is too long; ERR_IO, ERR_DENIED, ERR_FULL. */
NODISCARD enum err outfile_open(const char *path, struct outfile *ret_file,
                                struct problem *problem);
/* When `keep`: durable under its own name, or an error and gone. Else gone. */
NODISCARD enum err outfile_close(struct outfile *file, bool keep, struct problem *problem);
/* What went wrong with the last write, by errno. */
enum err outfile_failed(const struct outfile *file, int number, struct problem *problem);
