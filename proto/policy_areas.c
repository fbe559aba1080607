#include "proto/policy_areas.h"

#include <stdio.h>
#include <stdlib.h>

#include "proto/policy.h"
#include "proto/policy_files.h"

#define AREA_FILE_BYTES_MAX ((size_t)16 * 1024 * 1024)

struct row {
    struct bytes code;
    struct bytes name;
    const char *from;
    const char *until;
    unsigned line;
};

struct rows {
    struct row *at;
    size_t count;
    size_t cap;
};

static enum err refuse(struct problem *problem, const char *name, unsigned line, const char *detail)
{
    char thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%s:%u", name, line);
    return problem_set(problem, ERR_POLICY_SYNTAX, thing, detail);
}

static bool take_line(struct bytes *rest, struct bytes *ret_line)
{
    if (rest->len == 0)
        return false;
    const uint8_t *end = memchr(rest->at, '\n', rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->at);
    size_t used = end == NULL ? len : len + 1;
    *ret_line = bytes_of(rest->at, len);
    if (len > 0 && rest->at[len - 1] == '\r')
        ret_line->len--;
    *rest = bytes_of(rest->at + used, rest->len - used);
    return true;
}

static bool rows_add(struct rows *rows, struct row row)
{
    if (rows->count == rows->cap) {
        size_t cap = rows->cap == 0 ? 512 : rows->cap * 2;
        struct row *at = realloc(rows->at, cap * sizeof *at);
        if (at == NULL)
            return false;
        rows->at = at;
        rows->cap = cap;
    }
    rows->at[rows->count++] = row;
    return true;
}

static enum err rows_read(struct bytes text, const char *name, struct bytes within,
                          struct rows *rows, struct problem *problem)
{
    struct bytes line;
    unsigned number = 0;
    while (take_line(&text, &line)) {
        number++;
        if (!codec_utf8(line))
            return refuse(problem, name, number, "not UTF-8 text");
        if (number == 1) {
            if (!bytes_is(line, "kode,nama"))
                return refuse(problem, name, 1, "the header is not kode,nama");
            continue;
        }
        const uint8_t *comma = line.len == 0 ? NULL : memchr(line.at, ',', line.len);
        if (comma == NULL)
            return refuse(problem, name, number, "not code,name");
        struct row row = { .line = number, .from = "", .until = "" };
        row.code = bytes_of(line.at, (size_t)(comma - line.at));
        row.name = bytes_of(comma + 1, line.len - row.code.len - 1);
        if (area_level(row.code) == 0)
            return refuse(problem, name, number, "not an area code such as 12.34.56");
        if (row.name.len == 0 || memchr(row.name.at, '"', row.name.len) != NULL)
            return refuse(problem, name, number, "the name is empty or has quotes");
        if (!area_within(row.code, within) && !area_within(within, row.code))
            continue;
        if (!rows_add(rows, row))
            return problem_set(problem, ERR_MEMORY, name, NULL);
    }
    return OK;
}

static int row_order(const void *a, const void *b)
{
    const struct row *left = a;
    const struct row *right = b;
    int order = codec_compare(left->code, right->code);
    return order != 0 ? order : left->line < right->line ? -1 : left->line > right->line;
}

/* What the policy source says beside the file: an area of the file gets dates (and perhaps another
 * name), another one is added. */
static enum err rows_date(struct rows *rows, const struct area_dated *dated, size_t count,
                          struct bytes within, struct problem *problem)
{
    char thing[PROBLEM_THING_MAX];
    for (size_t i = 0; i < count; i++) {
        struct row row = { .code = bytes_text(dated[i].code),
                           .from = dated[i].from,
                           .until = dated[i].until };
        size_t at = 0;
        if (dated[i].name != NULL)
            row.name = bytes_text(dated[i].name);
        while (at < rows->count && !bytes_equal(rows->at[at].code, row.code))
            at++;
        snprintf(thing, sizeof thing, "areas area %s", dated[i].code);
        if (at < rows->count) {
            if (row.name.len > 0)
                rows->at[at].name = row.name;
            rows->at[at].from = row.from;
            rows->at[at].until = row.until;
        } else if (row.name.len == 0) {
            return problem_set(problem, ERR_POLICY_MEANING, thing,
                               "is not in the file, so it needs a name");
        } else if (!area_within(row.code, within)) {
            return problem_set(problem, ERR_POLICY_MEANING, thing, "is not of this district");
        } else if (!rows_add(rows, row)) {
            return problem_set(problem, ERR_MEMORY, thing, NULL);
        }
    }
    return OK;
}

static enum err rows_unique(const struct rows *rows, const char *name, struct bytes within,
                            struct problem *problem)
{
    char thing[PROBLEM_THING_MAX];
    bool found = false;
    for (size_t i = 0; i < rows->count; i++) {
        found = found || bytes_equal(rows->at[i].code, within);
        if (i == 0 || !bytes_equal(rows->at[i - 1].code, rows->at[i].code))
            continue;
        snprintf(thing, sizeof thing, "%s:%u", name, rows->at[i].line);
        return problem_setf(problem, ERR_POLICY_DUPLICATE, thing, "%s:%u", name,
                            rows->at[i - 1].line);
    }
    return found ? OK
                 : problem_setf(problem, ERR_POLICY_MEANING, name, "area %.*s is not there",
                                (int)within.len, (const char *)within.at);
}

enum err areas_write(const char *path, const char *name, struct bytes within,
                     const struct area_dated *dated, size_t dated_count, struct writer *out,
                     struct problem *problem)
{
    char *text = NULL;
    size_t len = 0;
    struct rows rows = { 0 };
    enum err err = file_read_all(path, name, AREA_FILE_BYTES_MAX, &text, &len, problem);
    if (err == OK)
        err = rows_read(bytes_of(text, len), name, within, &rows, problem);
    if (err == OK)
        err = rows_date(&rows, dated, dated_count, within, problem);
    if (err == OK && rows.count > 0)
        qsort(rows.at, rows.count, sizeof rows.at[0], row_order);
    if (err == OK)
        err = rows_unique(&rows, name, within, problem);
    if (err != OK)
        goto done;
    writer_array(out, rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        writer_array(out, 4);
        writer_str(out, rows.at[i].code);
        writer_str(out, rows.at[i].name);
        writer_text(out, rows.at[i].from);
        writer_text(out, rows.at[i].until);
    }

done:
    free(rows.at);
    free(text);
    return err;
}
