#include "common/tkskctl/table.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "common/must.h"
#include "common/tkskctl/ctl.h"

#define GAP 2

void table_open(struct table *ret_table, size_t columns, const char *const *titles)
{
    must(columns > 0 && columns <= TABLE_COLUMNS_MAX);
    *ret_table = (struct table){ .columns = columns, .rows = ctl_memory(json_array()) };
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
    (void)json_array_append_new(table->rows, row);
}

void table_label(struct table *table, const char *label, const char *value)
{
    must(table->columns == 2);
    if (value)
        table_add(table, (const char *const[]){ label, value });
}

/* Reads one character of `at` (valid UTF-8 in a UTF-8 locale): its bytes and columns. What a
 * terminal must not see becomes a '?' or, for ends of lines and tabs, a space: *ret_shown. */
static size_t next_char(const char *at, int *ret_columns, char *ret_shown)
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
    *ret_columns = columns;
    return len;
}

size_t text_width(const char *text)
{
    size_t width = 0;
    while (*text) {
        int columns;
        char shown;
        text += next_char(text, &columns, &shown);
        width += (size_t)columns;
    }
    return width;
}

/* Prints at most `width_max` columns; returns how many. */
static size_t print_clean(FILE *out, const char *text, size_t width_max)
{
    size_t width = 0;
    bool cut = text_width(text) > width_max;
    while (*text) {
        int columns;
        char shown;
        size_t len = next_char(text, &columns, &shown);
        if (width + (size_t)columns > width_max - (cut ? 1 : 0))
            break;
        if (shown)
            (void)fputc(shown, out);
        else
            (void)fwrite(text, 1, len, out);
        width += (size_t)columns;
        text += len;
    }
    if (cut && width_max > 0) {
        (void)fputs("…", out);
        width++;
    }
    return width;
}

void text_print(FILE *out, const char *text)
{
    (void)print_clean(out, text, SIZE_MAX);
}

static const char *cell_text(const struct table *table, size_t row, size_t column)
{
    return json_string_value(json_array_get(json_array_get(table->rows, row), column));
}

static void pad(FILE *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)fputc(' ', out);
}

static void print_row(const struct table *table, FILE *out, size_t row, const size_t *widths,
                      size_t width_max)
{
    size_t used = 0, wanted = 0;
    for (size_t c = 0; c < table->columns; c++) {
        const char *text = cell_text(table, row, c);
        size_t width = text_width(text);
        bool right = table->right[c] && !(table->head && row == 0);
        size_t room = width_max == 0 || width_max > wanted ? SIZE_MAX : 0;
        if (width_max > 0 && room > 0)
            room = width_max - wanted;
        /* Spaces are only printed when something follows them: no blanks at ends of lines. */
        if (width > 0 && room > 0) {
            size_t lead = right && width < widths[c] ? widths[c] - width : 0;
            if (lead >= room)
                lead = 0;
            pad(out, wanted - used + lead);
            used = wanted + lead + print_clean(out, text, room - lead);
        }
        wanted += widths[c] + GAP;
    }
    (void)fputc('\n', out);
}

void table_print(const struct table *table, FILE *out, size_t width_max)
{
    size_t widths[TABLE_COLUMNS_MAX] = { 0 };
    size_t count = json_array_size(table->rows);
    for (size_t r = 0; r < count; r++) {
        for (size_t c = 0; c < table->columns; c++) {
            size_t width = text_width(cell_text(table, r, c));
            if (width > widths[c])
                widths[c] = width;
        }
    }
    for (size_t r = 0; r < count; r++)
        print_row(table, out, r, widths, width_max);
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
