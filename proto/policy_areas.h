/* The area list of a policy source: CSV with the header "kode,nama", codes of any depth. Not for
 * others. */
#pragma once

#include "common/err.h"
#include "proto/codec.h"

/* Writes the areas inside `within` and those around it as [[code, name] …], sorted by code.
 * ERR_POLICY_SYNTAX, ERR_POLICY_DUPLICATE with file and line; ERR_POLICY_MEANING when `within`
 * itself is not there. */
NODISCARD enum err areas_write(const char *path, const char *name, struct bytes within,
                               struct writer *out, struct problem *problem);
