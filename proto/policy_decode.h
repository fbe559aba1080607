/* What policy_decode.c and policy_fields.c share: not for others. The first thing that does not fit
 * sets `err` and the problem; all later calls leave both as they are. */
#pragma once

#include <strings.h>

#include "proto/limits.h"
#include "proto/policy.h"
#include "proto/value_form.h"

#define RULES_FORMAT 1

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

void decode_collections(struct decoder *d, struct bytes raw);
