/* Records counted by codes: one line a code, or a table of two. */
#include <stdlib.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"

#define ACROSS_MAX 24 /* more columns than this are lines instead */

static const char *cell_label(const json_t *row, size_t by)
{
    const char *label = json_string_value(json_array_get(json_object_get(row, "labels"), by));
    const char *code = json_string_value(json_array_get(json_object_get(row, "codes"), by));
    if (!code || code[0] == '\0')
        return tr("(none)", "(kosong)");
    if (strcmp(code, "?") == 0)
        return tr("(not shown)", "(tidak ditampilkan)");
    if (strcmp(code, "1") == 0 && label && strcmp(label, "1") == 0)
        return tr("yes", "ya");
    if (strcmp(code, "0") == 0 && label && strcmp(label, "0") == 0)
        return tr("no", "tidak");
    return label ? label : code;
}

static const char *cell_code(const json_t *row, size_t by)
{
    const char *code = json_string_value(json_array_get(json_object_get(row, "codes"), by));
    return code ? code : "";
}

/* "36.04.29.2001 SUKAMAJU": names of villages repeat. */
static void line_label(const json_t *row, size_t by, char *ret, size_t cap)
{
    const char *code = cell_code(row, by), *label = cell_label(row, by);
    bool area = strchr(code, '.') != NULL && strcmp(code, label) != 0;
    (void)snprintf(ret, cap, "%s%s%s", area ? code : "", area ? " " : "", label);
}

static const char *field_label(const json_t *done, size_t by)
{
    return text_of(json_array_get(json_object_get(done, "fields"), by), "label");
}

static void print_lines(const json_t *done, const json_t *rows, size_t fields)
{
    const char *titles[] = { field_label(done, 0), fields > 1 ? field_label(done, 1) : "",
                             tr("records", "jumlah") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.right[2] = true;
    table.drops_empty = true;
    json_array_foreach(rows, index, row) {
        char first[256], second[256] = "", number[SAY_NUMBER_MAX];
        line_label(row, 0, first, sizeof(first));
        if (fields > 1)
            line_label(row, 1, second, sizeof(second));
        say_number(number_of(row, "records"), number);
        table_add(&table, (const char *const[]){ first, second, number });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

/* Codes of the second field across, in the order of their coming; false: too many of them. */
struct across {
    size_t count;
    const char *codes[ACROSS_MAX], *labels[ACROSS_MAX];
};

static size_t across_at(const struct across *across, const char *code)
{
    size_t at = 0;
    while (at < across->count && strcmp(across->codes[at], code) != 0)
        at++;
    return at;
}

static bool across_of(const json_t *rows, struct across *ret_across)
{
    size_t index;
    json_t *row;
    ret_across->count = 0;
    json_array_foreach(rows, index, row) {
        const char *code = cell_code(row, 1);
        if (across_at(ret_across, code) < ret_across->count)
            continue;
        if (ret_across->count == ACROSS_MAX)
            return false;
        ret_across->codes[ret_across->count] = code;
        ret_across->labels[ret_across->count++] = cell_label(row, 1);
    }
    return true;
}

struct line {
    char label[256];
    const char *code;
    int64_t numbers[ACROSS_MAX], sum;
};

static void line_add(struct table *table, const struct line *line, size_t count)
{
    char texts[ACROSS_MAX + 1][SAY_NUMBER_MAX];
    const char *cells[ACROSS_MAX + 2] = { line->label };
    for (size_t i = 0; i < count; i++) {
        say_number(line->numbers[i], texts[i]);
        cells[i + 1] = line->numbers[i] > 0 ? texts[i] : "-";
    }
    say_number(line->sum, texts[count]);
    cells[count + 1] = texts[count];
    table_add(table, cells);
}

static void print_across(const json_t *done, const json_t *rows, const struct across *across)
{
    const char *titles[ACROSS_MAX + 2] = { field_label(done, 0) };
    struct line line = { .code = NULL }, total = { .code = NULL };
    struct table table;
    size_t index;
    json_t *row;
    for (size_t i = 0; i < across->count; i++)
        titles[i + 1] = across->labels[i];
    titles[across->count + 1] = tr("together", "jumlah");
    table_open(&table, across->count + 2, titles);
    for (size_t i = 1; i < across->count + 2; i++)
        table.right[i] = true;
    json_array_foreach(rows, index, row) { /* sorted by the first code */
        size_t at = across_at(across, cell_code(row, 1));
        if (line.code && strcmp(line.code, cell_code(row, 0)) != 0) {
            line_add(&table, &line, across->count);
            line = (struct line){ .code = NULL };
        }
        line.code = cell_code(row, 0);
        line_label(row, 0, line.label, sizeof(line.label));
        line.numbers[at] += number_of(row, "records");
        line.sum += number_of(row, "records");
        total.numbers[at] += number_of(row, "records");
        total.sum += number_of(row, "records");
    }
    line_add(&table, &line, across->count);
    (void)snprintf(total.label, sizeof(total.label), "%s", tr("together", "jumlah"));
    line_add(&table, &total, across->count);
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

static void print_count(const json_t *done, const json_t *rows)
{
    size_t fields = json_array_size(json_object_get(done, "fields"));
    struct across across;
    char number[SAY_NUMBER_MAX];
    say_number(number_of(done, "records"), number);
    if (json_array_size(rows) > 0 && fields == 2 && across_of(rows, &across))
        print_across(done, rows, &across);
    else if (json_array_size(rows) > 0)
        print_lines(done, rows, fields);
    (void)fputs(text_of(done, "title"), stdout);
    (void)printf(": %s\n", number);
}

/* FIELD words name what is counted by, FIELD=TEXT words what is counted. */
enum exit_code cmd_count(struct ctl *ctl)
{
    json_t *by = ctl_memory(json_array()), *find = ctl_memory(json_object());
    struct answer answer;
    enum exit_code code = EXIT_DONE;
    for (size_t i = 1; i < ctl->args.count && code == EXIT_DONE; i++) {
        const char *word = ctl->args.words[i], *equals = strchr(word, '=');
        if (!equals) {
            json_array_append_new(by, json_string(word));
            continue;
        }
        char name[128];
        (void)snprintf(name, sizeof(name), "%.*s", (int)(equals - word), word);
        if (json_object_get(find, name))
            code = ctl_problemf(ctl, ERR_TWICE, name, "%s", word);
        json_object_set_new(find, name, json_string(equals + 1));
    }
    json_t *args = ctl_memory(
        json_pack("{s:s, s:o, s:o}", "collection", ctl->args.words[0], "by", by, "find", find));
    if (code != EXIT_DONE) {
        json_decref(args);
        return code;
    }
    code = ctl_ask(ctl, "count", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, answer.rows);
    else
        print_count(answer.done, answer.rows);
    answer_close(&answer);
    return code;
}
