/* The one error convention. `enum err` travels up; the driver logs once, with context.
 * `struct problem` is what a person is told: thing, rule, remedy. Texts stand in err.def. */
#pragma once

#include "common/bytes.h"

enum err {
    OK = 0,
#define ERR(code, name, rule_en, remedy_en, rule_id, remedy_id) code,
#include "common/err.def"
#undef ERR
    ERR_COUNT
};

enum lang { LANG_EN, LANG_ID };

#define PROBLEM_THING_MAX 160
#define PROBLEM_DETAIL_MAX 320

/* `thing` names what is wrong ("field nik of row 17"); `detail` stands in the rule's "%s". Both are
 * valid UTF-8 without control characters, cut at the limit. */
struct problem {
    enum err code;
    char thing[PROBLEM_THING_MAX];
    char detail[PROBLEM_DETAIL_MAX];
};

/* Stable snake_case name ("bad_nik"), for JSON, logs and the wire. "ok" for OK. */
const char *err_name(enum err code);

/* Inverse of err_name. ERR_COUNT when no error has that name. */
enum err err_from_name(struct bytes name);

/* Sets all three parts and returns `code`, so that callers can `return problem_set(…)`.
 * `problem` may be NULL: then only the code travels. `thing` and `detail` may be NULL (empty). */
enum err problem_set(struct problem *problem, enum err code, const char *thing, const char *detail);
enum err problem_setf(struct problem *problem, enum err code, const char *thing, const char *fmt,
                      ...) PRINTF_LIKE(4, 5);

/* The rule with the detail filled in, and the remedy, in `lang`, NUL-terminated into `ret`. */
void problem_rule(const struct problem *problem, enum lang lang, char *ret, size_t cap);
const char *problem_remedy(const struct problem *problem, enum lang lang);
/* A detail or thing as code says it, in the language of a person: into `ret` when the table
 * (details.def) knows it, else `text` itself. */
const char *err_detail(const char *text, enum lang lang, char *ret, size_t cap);
