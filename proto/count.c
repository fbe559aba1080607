#include "proto/count.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "common/must.h"
#include "proto/label.h"

#define HIDDEN "?"

void count_open(const struct policy *policy, const struct policy_collection *collection,
                struct count *ret_count)
{
    *ret_count = (struct count){ .policy = policy, .collection = collection };
}

void count_close(struct count *count)
{
    free(count->cells);
    *count = (struct count){ .policy = NULL };
}

static bool countable(const struct policy_field *field)
{
    return field->sensitivity != SENSITIVITY_R &&
           (field->type == FIELD_ENUM || field->type == FIELD_AREA || field->type == FIELD_BOOL ||
            field->type == FIELD_DATE);
}

static enum err find(const struct count *count, const char *name,
                     const struct policy_field **ret_field, struct problem *problem)
{
    const struct policy_field *field = policy_field_loose(count->collection, bytes_text(name));
    char names[PROBLEM_DETAIL_MAX] = "";
    size_t len = 0;
    if (field != NULL && countable(field)) {
        *ret_field = field;
        return OK;
    }
    for (size_t i = 0; i < count->collection->field_count && len < sizeof names; i++)
        if (countable(&count->collection->fields[i]))
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "",
                                    count->collection->fields[i].name);
    return problem_set(problem, field == NULL ? ERR_FIELD : ERR_COUNT_BY, name, names);
}

enum err count_by(struct count *count, const char *name, struct problem *problem)
{
    if (count->by_count == COUNT_BY_MAX)
        return problem_set(problem, ERR_USAGE, name, "one field or two");
    enum err err = find(count, name, &count->by[count->by_count], problem);
    if (err == OK)
        count->by_count++;
    return err;
}

static bool is_year(const char *text)
{
    return strlen(text) == 4 && strspn(text, "0123456789") == 4;
}

static bool is_yes(const char *text)
{
    return strcasecmp(text, "ya") == 0 || strcasecmp(text, "yes") == 0 || strcmp(text, "1") == 0;
}

static bool is_no(const char *text)
{
    return strcasecmp(text, "tidak") == 0 || strcasecmp(text, "no") == 0 || strcmp(text, "0") == 0;
}

enum err count_where(struct count *count, const char *name, const char *text,
                     struct problem *problem)
{
    if (count->where_count == COUNT_WHERE_MAX)
        return problem_set(problem, ERR_USAGE, name, "at most 8 fields, each with a text");
    struct count_where *where = &count->where[count->where_count];
    enum err err = find(count, name, &where->field, problem);
    if (err != OK)
        return err;
    bool known = where->field->type == FIELD_DATE ? is_year(text)
                 : where->field->type == FIELD_BOOL
                     ? is_yes(text) || is_no(text)
                     : label_known(count->policy, where->field, text);
    if (!known && text[0] != '\0')
        return problem_set(problem, ERR_CODE, name, text);
    where->text = text;
    count->where_count++;
    return OK;
}

static bool matches(const struct count *count, const struct count_where *where, struct bytes value)
{
    if (value.len == 0 || where->text[0] == '\0')
        return value.len == 0 && where->text[0] == '\0';
    if (where->field->type == FIELD_DATE)
        return value.len >= 4 && memcmp(value.at, where->text, 4) == 0;
    if (where->field->type == FIELD_BOOL)
        return bytes_is(value, "1") == is_yes(where->text);
    return !label_restricted(where->field, value) &&
           label_means(count->policy, where->field, value, where->text);
}

static void code_put(const struct policy_field *field, struct bytes value,
                     char ret[COUNT_CODE_BYTES])
{
    if (field->type == FIELD_DATE && value.len > 4)
        value.len = 4;
    if (label_restricted(field, value))
        value = bytes_text(HIDDEN);
    if (value.len >= COUNT_CODE_BYTES)
        value.len = COUNT_CODE_BYTES - 1;
    if (value.len > 0)
        memcpy(ret, value.at, value.len);
    ret[value.len] = '\0';
}

static int compare(const struct count_cell *a, const struct count_cell *b)
{
    int order = strcmp(a->codes[0], b->codes[0]);
    return order != 0 ? order : strcmp(a->codes[1], b->codes[1]);
}

/* Where the cell is, or belongs. */
static size_t place(const struct count *count, const struct count_cell *cell, bool *ret_there)
{
    size_t low = 0, high = count->cell_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&count->cells[middle], cell) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_there = low < count->cell_count && compare(&count->cells[low], cell) == 0;
    return low;
}

static enum err grow(struct count *count)
{
    if (count->cell_count == COUNT_CELLS_MAX)
        return ERR_LIMIT;
    if (count->cell_count < count->cell_cap)
        return OK;
    size_t cap = count->cell_cap > 0 ? 2 * count->cell_cap : 64;
    struct count_cell *cells = realloc(count->cells, cap * sizeof *cells);
    if (cells == NULL)
        return ERR_MEMORY;
    count->cells = cells;
    count->cell_cap = cap;
    return OK;
}

enum err count_add(struct count *count, const struct bytes *values)
{
    struct count_cell cell = { .records = 1 };
    bool there = false;
    must(count->by_count > 0);
    for (size_t i = 0; i < count->where_count; i++)
        if (!matches(count, &count->where[i], values[count->by_count + i]))
            return OK;
    for (size_t i = 0; i < count->by_count; i++)
        code_put(count->by[i], values[i], cell.codes[i]);
    size_t at = place(count, &cell, &there);
    enum err err = there ? OK : grow(count);
    if (err != OK)
        return err;
    if (!there) {
        memmove(&count->cells[at + 1], &count->cells[at],
                (count->cell_count - at) * sizeof count->cells[0]);
        count->cells[at] = cell;
        count->cell_count++;
    } else {
        count->cells[at].records++;
    }
    count->total++;
    return OK;
}

const char *count_label(const struct count *count, size_t by, const char *code)
{
    must(by < count->by_count);
    const char *label = label_of(count->policy, count->by[by], bytes_text(code));
    return label != NULL ? label : code;
}
