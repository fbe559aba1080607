/* What value.c, value_text.c and validate.c share: not for others. */
#pragma once

#include "proto/limits.h"
#include "proto/value.h"

#define DECIMAL_SCALE INT64_C(1000000000) /* 9 digits on each side of the point */
#define DECIMAL_DIGITS_MAX 9
#define NUMBER_16_DIGITS 16 /* nik and kk */

/* The nearest few names to what was typed, for messages. Names are borrowed. */
#define NEAREST_MAX 8
struct nearest {
    struct bytes typed;
    size_t count;
    unsigned distance[NEAREST_MAX];
    const char *name[NEAREST_MAX];
};
void nearest_add(struct nearest *nearest, const char *name, const char *label);
void nearest_text(const struct nearest *nearest, char *ret, size_t cap); /* "a, b, c" */

/* Canonical decimal text ("-6.1234") as a number of 10^-9. False when it is not canonical. */
NODISCARD bool decimal_scaled(struct bytes text, int64_t *ret_scaled);

/* "2018-03-27T01:15:00Z" from ms; ms only where not zero. False beyond the year 9999. */
#define TIME_TEXT_BYTES 32
NODISCARD bool time_to_text(int64_t ms_utc, char ret[TIME_TEXT_BYTES]);
/* RFC 3339, or a date of date_parse and HH:MM[:SS[.mmm]]; without a zone it is UTC+7. */
NODISCARD bool time_parse(struct bytes text, int64_t *ret_ms_utc);
/* ISO form of date_parse only. */
NODISCARD bool date_iso(struct bytes text);
/* Days since 1970-01-01 of an ISO date. False: it is none. */
NODISCARD bool date_days(struct bytes iso, int64_t *ret_days);
/* From one ISO date to another; negative when that is past. False: one of them is none. */
NODISCARD bool date_days_until(const char *from, const char *to, int64_t *ret_days);
/* The inverse of date_days. False: no date that may be written. */
NODISCARD bool date_of_days(int64_t days, char ret_iso[11]);

struct bytes text_trim(struct bytes text);
/* ASCII letters of either case. */
NODISCARD bool text_same_loose(struct bytes text, const char *other);
/* `text` as the detail of a message (`: "text"`), or nothing where the field is personal. */
void text_echo(const struct policy_field *field, struct bytes text, char *ret, size_t cap);
#define ECHO_BYTES_MAX 64

/* `field` seen as the field of its elements (a list) or as itself. */
struct policy_field field_of_element(const struct policy_field *field);
