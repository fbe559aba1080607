#include "common/tkskctl/table.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "common/must.h"
#include "common/tkskctl/ctl.h"

#define GAP 2u
#define WRAP_COLUMNS_MIN 20u
#define CUT_COLUMNS_MIN 6u
#define TITLE_COLUMNS_MIN 4u
#define LABEL_COLUMNS_MIN 14u

void table_open(struct table *ret_table, size_t columns, const char *const *titles)
{
    must(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *ret_table = (struct table){ .columns = columns,
                                 .wraps = columns == 2 && !titles ? 1 : -1,
                                 .rows = ctl_memory(json_array()) };
    ret_table->whole[0] = true;
    if (titles) {
        table_add(ret_table, titles);
        ret_table->head = true;
    }
}

void table_close(struct table *table)
{
    json_decref(table->rows);
    table->rows = NULL;
}

void table_add(struct table *table, const char *const *cells)
{
    json_t *row = ctl_memory(json_array());
    for (size_t i = 0; i < table->columns; i++) {
        json_t *cell = json_string(cells[i] ? cells[i] : "");
        if (!cell)
            cell = json_string("?"); /* not UTF-8 */
        (void)json_array_append_new(row, ctl_memory(cell));
    }
    for (size_t i = 0; i < table->columns; i++)
        (void)json_array_append_new(row, ctl_memory(json_integer(PAINT_NONE)));
    (void)json_array_append_new(table->rows, row);
}

void table_paint(struct table *table, size_t column, enum paint paint)
{
    size_t count = json_array_size(table->rows);
    must(count > 0 && column < table->columns);
    (void)json_array_set_new(json_array_get(table->rows, count - 1), table->columns + column,
                             ctl_memory(json_integer(paint)));
}

void table_label(struct table *table, const char *label, const char *value)
{
    must(table->columns == 2);
    if (value)
        table_add(table, (const char *const[]){ label, value });
}

/* --- text ----------------------------------------------------------------------------------- */

/* Reads one character of `at` (valid UTF-8 in a UTF-8 locale): its bytes and columns. What a
 * terminal must not see becomes a '?' or, for ends of lines and tabs, a space: *ret_shown. */
static size_t next_char(const char *at, size_t *ret_columns, char *ret_shown)
{
    wchar_t wide;
    mbstate_t state = { 0 };
    size_t len = mbrtowc(&wide, at, strlen(at), &state);
    *ret_shown = '\0';
    if (len == (size_t)-1 || len == (size_t)-2 || len == 0) {
        *ret_shown = '?';
        *ret_columns = 1;
        return 1;
    }
    int columns = wcwidth(wide);
    if (columns < 0) {
        *ret_shown = at[0] == '\n' || at[0] == '\t' || at[0] == '\r' ? ' ' : '?';
        columns = 1;
    }
    *ret_columns = (size_t)columns;
    return len;
}

static size_t width_of(struct bytes text)
{
    const char *at = (const char *)text.at, *end = at + text.len;
    size_t width = 0;
    while (at < end) {
        size_t columns;
        char shown;
        at += next_char(at, &columns, &shown);
        width += columns;
    }
    return width;
}

size_t text_width(const char *text)
{
    return width_of(bytes_text(text));
}

/* Prints at most `width_max` columns, the last of them "…" when that is not all; returns how many.
 */
static size_t print_clean(FILE *out, struct bytes text, size_t width_max)
{
    const char *at = (const char *)text.at, *end = at + text.len;
    size_t width = 0;
    bool cut = width_of(text) > width_max;
    while (at < end) {
        size_t columns;
        char shown;
        size_t len = next_char(at, &columns, &shown);
        if (width_max == 0 || width + columns > width_max - (cut ? 1 : 0))
            break;
        if (shown)
            (void)fputc(shown, out);
        else
            (void)fwrite(at, 1, len, out);
        width += columns;
        at += len;
    }
    if (cut && width_max > 0) {
        (void)fputs("…", out);
        width++;
    }
    return width;
}

void text_print(FILE *out, const char *text)
{
    (void)print_clean(out, bytes_text(text), SIZE_MAX);
}

/* The part of *text that fits into `width` columns, ended between words where that is possible;
 * *text goes on behind it and the blanks after it. At least one character. */
static struct bytes take_line(struct bytes *text, size_t width)
{
    const char *begin = (const char *)text->at, *end = begin + text->len;
    const char *at = begin, *word_end = NULL;
    size_t used = 0;
    while (at < end) {
        size_t columns;
        char shown;
        size_t len = next_char(at, &columns, &shown);
        bool blank = *at == ' ' || shown == ' ';
        if (blank && at > begin)
            word_end = at;
        if (used + columns > width && at > begin)
            break;
        used += columns;
        at += len;
    }
    if (at >= end || !word_end)
        word_end = at;
    const char *next = word_end;
    while (next < end && (*next == ' ' || *next == '\n'))
        next++;
    *text = bytes_of(next, (size_t)(end - next));
    return bytes_of(begin, (size_t)(word_end - begin));
}

static void pad(FILE *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fputc(' ', out);
}

void text_wrap(FILE *out, const char *text, size_t indent, size_t width_max)
{
    struct bytes rest = bytes_text(text);
    bool first = true;
    if (width_max < indent + WRAP_COLUMNS_MIN)
        width_max = width_max == 0 ? SIZE_MAX : indent + WRAP_COLUMNS_MIN;
    do {
        size_t room = first ? width_max : width_max - indent;
        struct bytes line = take_line(&rest, room);
        pad(out, first ? 0 : indent);
        (void)print_clean(out, line, SIZE_MAX);
        (void)fputc('\n', out);
        first = false;
    } while (rest.len > 0);
}

/* --- widths --------------------------------------------------------------------------------- */

static const char *cell_text(const struct table *table, size_t row, size_t column)
{
    return json_string_value(json_array_get(json_array_get(table->rows, row), column));
}

static enum paint cell_paint(const struct table *table, size_t row, size_t column)
{
    if (table->head && row == 0)
        return PAINT_HEAD;
    return (enum paint)json_integer_value(
        json_array_get(json_array_get(table->rows, row), table->columns + column));
}

/* What fitting needs to know of the columns. */
struct shape {
    size_t widths[TABLE_COLUMNS_MAX];
    size_t body[TABLE_COLUMNS_MAX];  /* width without the title */
    bool figures[TABLE_COLUMNS_MAX]; /* nothing but digits and what stands between them */
    bool empty[TABLE_COLUMNS_MAX];   /* no text under the title */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void shape_of(const struct table *table, struct shape *ret_shape)
{
    size_t count = json_array_size(table->rows);
    struct shape shape = { .widths = { 0 } };
    for (size_t c = 0; c < table->columns; c++) {
        shape.figures[c] = true;
        for (size_t r = table->head ? 1 : 0; r < count; r++) {
            const char *text = cell_text(table, r, c);
            shape.body[c] = larger(shape.body[c], text_width(text));
            shape.figures[c] = shape.figures[c] && text[strspn(text, "0123456789.,:/- ")] == '\0';
        }
        shape.empty[c] = table->drops_empty && shape.body[c] == 0;
        shape.widths[c] = shape.body[c];
        if (table->head && !shape.empty[c])
            shape.widths[c] = larger(shape.body[c], text_width(cell_text(table, 0, c)));
    }
    *ret_shape = shape;
}

static size_t total_of(const struct table *table, const struct shape *shape)
{
    size_t total = 0, shown = 0;
    for (size_t c = 0; c < table->columns; c++) {
        total += shape->widths[c];
        shown += shape->empty[c] ? 0 : 1;
    }
    return total + (shown > 0 ? GAP * (shown - 1) : 0);
}

enum give { GIVE_TITLES, GIVE_WORDS, GIVE_ALL };

/* Makes the widest of the columns that may give way narrower until the table fits. */
static void cut_widest(const struct table *table, struct shape *shape, enum give give, size_t least,
                       size_t width_max)
{
    for (size_t total = total_of(table, shape); total > width_max; total--) {
        size_t widest = table->columns;
        for (size_t c = 0; c < table->columns; c++) {
            bool whole = table->whole[c] || table->right[c] || shape->figures[c];
            bool may = give == GIVE_TITLES  ? shape->widths[c] > larger(shape->body[c], least)
                       : give == GIVE_WORDS ? !whole && shape->widths[c] > least
                                            : shape->widths[c] > least;
            if (may && (int)c != table->wraps &&
                (widest == table->columns || shape->widths[c] > shape->widths[widest]))
                widest = c;
        }
        if (widest == table->columns)
            return;
        shape->widths[widest]--;
    }
}

static void fit(const struct table *table, struct shape *shape, size_t width_max)
{
    size_t *wrap = table->wraps >= 0 ? &shape->widths[table->wraps] : NULL;
    if (wrap) {
        size_t others = total_of(table, shape) - *wrap;
        size_t room = width_max > others ? width_max - others : 0;
        *wrap = smaller(*wrap, larger(room, WRAP_COLUMNS_MIN));
    }
    cut_widest(table, shape, GIVE_TITLES, TITLE_COLUMNS_MIN, width_max);
    cut_widest(table, shape, GIVE_WORDS, table->head ? CUT_COLUMNS_MIN : LABEL_COLUMNS_MIN,
               width_max);
    cut_widest(table, shape, GIVE_ALL, CUT_COLUMNS_MIN, width_max);
    if (wrap && total_of(table, shape) > width_max) {
        size_t others = total_of(table, shape) - *wrap;
        *wrap = width_max > others + 4 ? width_max - others : 4;
    }
}

/* --- printing ------------------------------------------------------------------------------- */

/* One line of a row; false when no cell has more. Lines never end in blanks. */
static bool print_line(const struct table *table, FILE *out, size_t row, const struct shape *shape,
                       size_t width_max, struct bytes *rest)
{
    const size_t *widths = shape->widths;
    size_t used = 0, wanted = 0;
    bool more = false;
    for (size_t c = 0; c < table->columns; c++) {
        struct bytes text = rest[c];
        if (shape->empty[c])
            continue;
        bool wraps = (int)c == table->wraps;
        rest[c] = bytes_text("");
        if (wraps && text.len > 0 && width_of(text) > widths[c]) {
            struct bytes tail = text;
            text = take_line(&tail, widths[c]);
            rest[c] = tail;
            more = more || tail.len > 0;
        }
        size_t width = smaller(width_of(text), widths[c]);
        size_t start = wanted + (table->right[c] ? widths[c] - width : 0);
        size_t room = width_max == 0      ? widths[c]
                      : width_max > start ? smaller(widths[c], width_max - start)
                                          : 0;
        if (text.len > 0 && room > 0) {
            enum paint paint = cell_paint(table, row, c);
            pad(out, start - used);
            (void)fputs(paint_begin(paint), out);
            used = start + print_clean(out, text, room);
            (void)fputs(paint_end(paint), out);
        }
        wanted += widths[c] + GAP;
    }
    (void)fputc('\n', out);
    return more;
}

void table_print(const struct table *table, FILE *out, size_t width_max)
{
    struct shape shape;
    size_t count = json_array_size(table->rows);
    shape_of(table, &shape);
    if (width_max > 0 && total_of(table, &shape) > width_max)
        fit(table, &shape, width_max);
    for (size_t r = 0; r < count; r++) {
        struct bytes rest[TABLE_COLUMNS_MAX];
        for (size_t c = 0; c < table->columns; c++)
            rest[c] = bytes_text(cell_text(table, r, c));
        while (print_line(table, out, r, &shape, width_max, rest))
            ;
    }
}

size_t terminal_width(FILE *out)
{
    struct winsize size;
    int fd = fileno(out);
    if (fd < 0 || !isatty(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < 20)
        return 80;
    return size.ws_col;
}
