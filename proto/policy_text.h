/* The compiler from a policy source (a directory of *.conf in libconfuse syntax, plus areas as CSV)
 * to a rules document. Run by tkskctl with the rights of the person. libconfuse is lax: duplicate
 * keys,
 * `${`, NUL and unknown sections are refused here, each with file, line, rule and remedy. */
#pragma once

#include "proto/policy.h"

/* Compiles all *.conf of `directory` in name order into the canonical document of version `version`
 * that names `previous` (zero hash for version 1), writing to `ret`. The result has passed
 * policy_decode. */
NODISCARD enum err policy_text_compile(const char *directory, const char *district,
                                       uint64_t version, const struct hash *previous,
                                       struct buf *ret, struct problem *problem);
/* The same with the dictionary that the document then names by its hash: appended to
 * `ret_dictionary`, nothing when the policy wants none (setting `dictionary_bytes` 0). The same
 * source gives the same bytes. */
NODISCARD enum err policy_text_compile_whole(const char *directory, const char *district,
                                             uint64_t version, const struct hash *previous,
                                             struct buf *ret, struct buf *ret_dictionary,
                                             struct problem *problem);
