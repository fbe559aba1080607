/* The area list of a policy source: CSV with the header "kode,nama", codes of any depth. Not for
 * others. */
#pragma once

#include "common/err.h"
#include "proto/codec.h"

#define AREAS_DATED_MAX 256

/* An area that the source itself speaks of. `name` may be NULL for one of the file; dates are "" or
 * ISO. */
struct area_dated {
    const char *code;
    const char *name;
    const char *from;
    const char *until;
};

/* Writes the areas inside `within` and those around it as [[code, name, from, until] …], sorted by
 * code. ERR_POLICY_SYNTAX, ERR_POLICY_DUPLICATE with file and line; ERR_POLICY_MEANING when
 * `within` itself is not there, or a dated area does not fit. */
NODISCARD enum err areas_write(const char *path, const char *name, struct bytes within,
                               const struct area_dated *dated, size_t dated_count,
                               struct writer *out, struct problem *problem);
