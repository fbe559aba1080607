/* What the files that read a rules document share: not for others. The first thing that does not
 * fit sets `err` and the problem; all later calls leave both as they are. */
#pragma once

#include <strings.h>

#include "proto/limits.h"
#include "proto/policy.h"
#include "proto/value_form.h"

#define RULES_FORMAT 1

/* Flags of a role. */
#define ROLE_FULL 1u
#define ROLE_SINGLE 2u

struct decoder {
    struct policy *policy;
    struct problem *problem;
    enum err err;
    authority_set letters; /* declared */
    char place[PROBLEM_THING_MAX];
};

enum string_form { FORM_NAME, FORM_CODE, FORM_DATE, FORM_AREA, FORM_LABEL };

/* Zeroed memory of the policy's arena; NULL (and `err`) when memory is out. */
void *decoder_take(struct decoder *d, size_t count, size_t size);
void *decoder_take_bytes(void *decoder, size_t size); /* the same, for expr_compile */
const char *decoder_copy(struct decoder *d, struct bytes text);

/* Always false, so that a check can `return decoder_bad(…)`. */
PRINTF_LIKE(2, 3) bool decoder_bad(struct decoder *d, const char *fmt, ...);
PRINTF_LIKE(2, 3) void decoder_place(struct decoder *d, const char *fmt, ...);

/* The raw values of a map, by position in the sorted `keys`; {NULL, 0} where a key is not there. */
NODISCARD bool decoder_map(struct decoder *d, struct bytes raw, const char *const *keys,
                           size_t key_count, struct bytes *ret_values);
/* A copy of a string of that form; NULL when it is none or missing. */
const char *decoder_string(struct decoder *d, struct bytes raw, enum string_form form,
                           const char *what);
/* "DT" → mask of declared letters; missing is the empty set. */
NODISCARD bool decoder_letters(struct decoder *d, struct bytes raw, authority_set *ret_set);

/* The head of an array of at most `max`; 0 after a fault. */
size_t decoder_array(struct decoder *d, struct bytes raw, struct reader *ret_reader, size_t max,
                     const char *what);
/* "" or a date; NULL after a fault. */
const char *decoder_date_or_none(struct decoder *d, struct bytes raw, const char *what);
/* The index of one of `count` fields; -1 for nil or nothing. */
NODISCARD bool decoder_index_or_none(struct decoder *d, struct bytes raw, const char *what,
                                     size_t count, int *ret);
/* Indexes of fields, each once, ascending. */
NODISCARD bool decoder_indexes(struct decoder *d, struct bytes raw, const char *what,
                               size_t field_count, const uint16_t **ret, size_t *ret_count);
/* NULL where there is no text, or an empty one. */
NODISCARD bool decoder_expr(struct decoder *d, struct bytes raw, const char *what,
                            const struct expr **ret);

void decode_collections(struct decoder *d, struct bytes raw);
void decode_tables(struct decoder *d, struct bytes raw);

/* ---- policy_work.c: the parts of a collection that speak of the work on its records */
struct work_raw {
    struct bytes rules, workflows, answer, audience, read_by, covered_by, must_read, forum;
};
/* The collection's fields are known. */
NODISCARD bool decode_work(struct decoder *d, const struct work_raw *raw,
                           struct policy_collection *collection);

/* ---- policy_fits.c: all collections are known; what they and the authorities name is there */
NODISCARD bool document_fits(struct decoder *d);
