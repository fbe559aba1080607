/* Values of fields: between what people type and canonical msgpack, and what a field allows.
 *
 * Wire forms: text, nik, kk, area, enum, date ("2026-11-22"), decimal ("-6.1234") are strings;
 * integer, money (rupiah) and time (ms since 1970 UTC) are integers; bool; reference is bin 16;
 * blob is an array [bin 32 hash, size, media type]; list is an array of the element's form; map is
 * a map of strings to strings, integers or booleans; nil clears a field. */
#pragma once

#include "proto/policy.h"

/* Something that is legal but odd ("NIK says born 1990-01-02, the form says 1990-02-01"). */
#define WARNINGS_MAX 16
struct warnings {
    size_t count;
    struct problem list[WARNINGS_MAX];
};

/* Typed text as a person writes it → one canonical value. Dates as ISO, dd/mm/yyyy or dd-mm-yyyy;
 * codes by code or label; lists "a|b"; maps "k=v|k=v"; references as UUID text (short numbers are
 * looked up by the caller before). Errors name field, rule and remedy. */
NODISCARD enum err value_from_text(const struct policy *policy, const struct policy_field *field,
                                   const char date[11], struct bytes text, struct writer *out,
                                   struct problem *problem);
/* The inverse, for people and CSV. `ret` NUL-terminated; ERR_LIMIT: no room. */
NODISCARD enum err value_to_text(const struct policy_field *field, struct bytes value, char *ret,
                                 size_t cap);

/* One value against its field: form, length, range, code in the list at `date`, known area. `date`
 * NULL: not known yet; a code or area that was ever in force passes. */
NODISCARD enum err value_check(const struct policy *policy, const struct policy_field *field,
                               const char *date, struct bytes value, struct problem *problem,
                               struct warnings *warnings);

bool value_is_nil(struct bytes value);
/* The value; {NULL, 0} for nil and for nothing. */
struct bytes value_or_nothing(struct bytes value);
/* What a value that is a string says; empty for nil, nothing, and all else. */
struct bytes value_string(struct bytes value);

/* "xxxxxxxx-xxxx-…" and back. */
#define UUID_TEXT_BYTES 37
void uuid_to_text(const struct id *id, char ret[UUID_TEXT_BYTES]);
NODISCARD bool uuid_from_text(struct bytes text, struct id *ret_id);

/* Civil dates, proleptic Gregorian, no time zone. */
NODISCARD bool date_parse(struct bytes text, char ret_iso[11]);
void date_of_ms(uint64_t ms_utc, char ret_iso[11]); /* at UTC+7, where the offices are */
/* Milliseconds from which on, and before which, the date is in the month "YYYY-MM". */
NODISCARD bool month_parse(struct bytes text, uint64_t *ret_from_ms, uint64_t *ret_until_ms);
