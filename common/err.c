#include "common/err.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/must.h"

struct text {
    const char *name;
    const char *rule[2]; /* by enum lang */
    const char *remedy[2];
};

static const struct text texts[ERR_COUNT] = {
    [OK] = { "ok", { "done", "selesai" }, { "", "" } },
#define ERR(code, err_name_, rule_en, remedy_en, rule_id, remedy_id)                               \
    [code] = { err_name_, { rule_en, rule_id }, { remedy_en, remedy_id } },
#include "common/err.def"
#undef ERR
};

const char *err_name(enum err code)
{
    must((unsigned)code < ERR_COUNT);
    return texts[code].name;
}

enum err err_from_name(struct bytes name)
{
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        if (bytes_is(name, texts[i].name))
            return (enum err)i;
    }
    return ERR_COUNT;
}

/* Length of the well-formed UTF-8 sequence at `at` (RFC 3629), 0 when there is none. */
static size_t utf8_sequence(const unsigned char *at)
{
    size_t len = 0;
    if (at[0] < 0x80)
        return 1;
    if (at[0] >= 0xc2 && at[0] <= 0xdf)
        len = 2;
    else if (at[0] >= 0xe0 && at[0] <= 0xef)
        len = 3;
    else if (at[0] >= 0xf0 && at[0] <= 0xf4)
        len = 4;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] >= 0xa0;
    bool beyond = at[0] == 0xf4 && at[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : len;
}

/* Copies whole characters; control characters and bytes that are no UTF-8 become '?', so that no
 * text from outside writes escape sequences to a terminal or breaks a line of a log. */
static void copy_clean(char *ret, size_t cap, const char *text)
{
    size_t used = 0;
    const char *at = text ? text : "";
    while (*at) {
        size_t len = utf8_sequence((const unsigned char *)at);
        unsigned char first = (unsigned char)*at;
        bool c1 = first == 0xc2 && len == 2 && (unsigned char)at[1] < 0xa0;
        bool plain = len > 0 && first >= 0x20 && first != 0x7f && !c1;
        size_t out_len = plain ? len : 1;
        if (used + out_len >= cap)
            break;
        if (plain)
            memcpy(ret + used, at, len);
        else
            ret[used] = '?';
        used += out_len;
        at += len ? len : 1;
    }
    ret[used] = '\0';
}

enum err problem_set(struct problem *problem, enum err code, const char *thing, const char *detail)
{
    if (problem) {
        /* Through copies: either text may point into *problem itself. */
        struct problem fresh = { .code = code };
        copy_clean(fresh.thing, sizeof(fresh.thing), thing);
        copy_clean(fresh.detail, sizeof(fresh.detail), detail);
        *problem = fresh;
    }
    return code;
}

enum err problem_setf(struct problem *problem, enum err code, const char *thing, const char *fmt,
                      ...)
{
    char detail[PROBLEM_DETAIL_MAX * 2];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    return problem_set(problem, code, thing, len < 0 ? fmt : detail);
}

static const char *chosen(const char *const by_lang[2], enum lang lang)
{
    return by_lang[lang == LANG_ID ? 1 : 0];
}

void problem_rule(const struct problem *problem, enum lang lang, char *ret, size_t cap)
{
    must((unsigned)problem->code < ERR_COUNT);
    must(cap > 0);
    const char *rule = chosen(texts[problem->code].rule, lang);
    const char *hole = strstr(rule, "%s");
    char said[PROBLEM_DETAIL_MAX];
    const char *detail = err_detail(problem->detail, lang, said, sizeof(said));
    if (!hole)
        (void)snprintf(ret, cap, "%s", rule);
    else if (detail[0] != '\0')
        (void)snprintf(ret, cap, "%.*s%s%s", (int)(hole - rule), rule, detail, hole + 2);
    else {
        /* No detail: "not found: %s" reads "not found". */
        size_t len = (size_t)(hole - rule);
        while (len > 0 && (rule[len - 1] == ' ' || rule[len - 1] == ':'))
            len--;
        (void)snprintf(ret, cap, "%.*s%s", (int)len, rule, hole + 2);
    }
}

const char *problem_remedy(const struct problem *problem, enum lang lang)
{
    must((unsigned)problem->code < ERR_COUNT);
    return chosen(texts[problem->code].remedy, lang);
}
