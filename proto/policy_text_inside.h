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
/* The sections of that name in the order of their titles. Caller frees; NULL and ERR_MEMORY, or
 * none. */
cfg_t **compile_sorted(struct compile *c, cfg_t *parent, const char *name, unsigned *ret_count);
void compile_collection(struct compile *c, cfg_t *section, struct writer *out);

/* Fields of one collection, with the common ones behind. */
struct field_list {
    cfg_t *field[FIELDS_PER_CHANGE_MAX];
    size_t count;
    cfg_t *common; /* whose fields and rules are among them; NULL: none */
};
/* The index of the field `name`, which the option `key` of `place` names. */
bool compile_index(struct compile *c, const char *place, const struct field_list *fields,
                   const char *key, const char *name, struct writer *out);
/* The indexes of the fields of a list option, ascending. */
void compile_indexes(struct compile *c, const char *place, const struct field_list *fields,
                     cfg_t *section, const char *key, struct writer *out);

/* ---- policy_text_work.c */
void compile_tables(struct compile *c, struct writer *out);
bool compile_has_answer(cfg_t *collection);
void compile_answer(struct compile *c, cfg_t *collection, const struct field_list *fields,
                    struct writer *out);
void compile_audience(struct compile *c, cfg_t *collection, const struct field_list *fields,
                      struct writer *out);
void compile_link(struct compile *c, cfg_t *collection, const char *key, struct writer *out);
/* Those of the collection, then those of `common` where it has its fields. */
unsigned compile_rule_count(cfg_t *collection, const struct field_list *fields);
void compile_rules(struct compile *c, cfg_t *collection, const struct field_list *fields,
                   struct writer *out);
void compile_workflows(struct compile *c, cfg_t *collection, const struct field_list *fields,
                       struct writer *out);
/* The dictionary of the compiled rules, with the examples of the source; appends nothing when the
 * policy wants none. */
void compile_dictionary(struct compile *c, const struct policy *policy, struct buf *ret);

static inline const char *compile_text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}
