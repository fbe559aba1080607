/* What of a value a person sees who did not give a reason to see all of it (UU 27/2022 art. 31).
 * Decided by the field's sensitivity alone, the same at a node and at the hub. */
#pragma once

#include "proto/policy.h"

/* What stands in place of a value, and of the middle of a number. */
#define MASK_TEXT "•••"
#define MASK_MIDDLE "••••••••"

enum mask_place {
    MASK_LIST,        /* many records: numbers of people in part, nothing specific */
    MASK_RECORD,      /* one record: whoever works on it needs its personal fields */
    MASK_LIST_FULL,   /* asked for with a reason; what few may see is in no list */
    MASK_RECORD_FULL, /* the same, of one record: all */
    MASK_PLACE_COUNT
};

enum mask {
    MASK_NONE,  /* as it is */
    MASK_PART,  /* mask_part */
    MASK_WHOLE, /* MASK_TEXT: it tells that there is a value */
    MASK_AWAY   /* not even that */
};

/* Numbers that name a person or a family, alone or in a list. */
bool mask_is_number(const struct policy_field *field);
/* The field, or this value of it (one code of several is enough), is for few: in no list, and at no
 * office but that of the record's own area. */
bool mask_restricted(const struct policy_field *field, struct bytes value);
/* NULL: a field that the policy does not know; nothing of it is shown. */
enum mask mask_of(const struct policy_field *field, struct bytes value, enum mask_place place);

/* "3604290107800017" → "3604••••••••0017", each part of "a|b" by itself; a part that is too short
 * for that becomes MASK_TEXT. `ret` NUL-terminated, cut at `cap`. */
void mask_part(const char *text, char *ret, size_t cap);
