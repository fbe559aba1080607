/* What the parts of the policy compiler share: not for others. The first thing that does not fit
 * sets `err` and the problem; all later calls leave both as they are. */
#pragma once

#include <confuse.h>

#include "proto/limits.h"
#include "proto/policy.h"
#include "proto/policy_files.h"

struct compile {
    const char *directory;
    const char *district;
    struct source_files *files;
    cfg_t *cfg;
    struct problem *problem;
    enum err err;
};

/* Always false. `place` is written as policy_decode does; file and line are put before it. */
PRINTF_LIKE(4, 5)
bool compile_fail(struct compile *c, enum err code, const char *place, const char *fmt, ...);
bool compile_bool(struct compile *c, const char *place, cfg_t *section, const char *key);
bool compile_int(struct compile *c, const char *place, const char *key, const char *text,
                 int64_t *ret);
/* {T, D} → "DT" */
void compile_letters(struct compile *c, const char *place, cfg_t *section, struct writer *out);
void compile_collection(struct compile *c, cfg_t *section, struct writer *out);
/* The dictionary of the compiled rules, with the examples of the source; appends nothing when the
 * policy wants none. */
void compile_dictionary(struct compile *c, const struct policy *policy, struct buf *ret);

static inline const char *compile_text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}
