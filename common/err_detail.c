/* Details of problems in another language: phrases that the code says in English, from one table.
 */
#include "common/err.h"

#include <stdio.h>

#define PARTS_MAX 4

static const struct {
    const char *en, *id;
} details[] = {
#define DETAIL(en, id) { en, id },
#include "common/details.def"
#undef DETAIL
};

/* Whether `text` is `pattern` with something for each "%s"; *ret_parts is what. A part ends where
 * the pattern goes on for the first time, the last one at the end of both. */
static bool matches(const char *pattern, const char *text, struct bytes ret_parts[PARTS_MAX])
{
    size_t count = 0;
    while (*pattern) {
        if (pattern[0] != '%' || pattern[1] != 's') {
            if (*pattern++ != *text++)
                return false;
            continue;
        }
        pattern += 2;
        size_t next_len = strcspn(pattern, "%");
        const char *end = text;
        while (*end && (next_len == 0 || strncmp(end, pattern, next_len) != 0))
            end++;
        if (end == text || count == PARTS_MAX || (next_len > 0 && *end == '\0'))
            return false;
        ret_parts[count++] = bytes_of(text, (size_t)(end - text));
        text = end;
    }
    return *text == '\0';
}

static void fill(const char *pattern, const struct bytes *parts, char *ret, size_t cap)
{
    size_t used = 0;
    ret[0] = '\0';
    while (*pattern && used < cap) {
        size_t len = strcspn(pattern, "%");
        bool hole = pattern[len] == '%' && pattern[len + 1] == 's';
        if (!hole && pattern[len] == '%')
            len++;
        int wrote = snprintf(ret + used, cap - used, "%.*s%.*s", (int)len, pattern,
                             hole ? (int)parts->len : 0, hole ? (const char *)parts->at : "");
        used += wrote > 0 ? (size_t)wrote : 0;
        parts += hole ? 1 : 0;
        pattern += len + (hole ? 2 : 0);
    }
}

const char *err_detail(const char *text, enum lang lang, char *ret, size_t cap)
{
    for (size_t i = 0; lang == LANG_ID && i < COUNT_OF(details); i++) {
        struct bytes parts[PARTS_MAX] = { { .at = NULL } };
        if (matches(details[i].en, text, parts)) {
            fill(details[i].id, parts, ret, cap);
            return ret;
        }
    }
    return text;
}
