/* `export`: the records of a collection as a CSV file that `import` takes back unchanged. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/tkskctl/audit.h"
#include "common/tkskctl/ctl.h"
#include "common/tkskctl/damage.h"
#include "common/tkskctl/fields.h"
#include "common/tkskctl/outfile.h"

struct outgoing {
    struct ctl *ctl;
    const char *path; /* NULL: standard output */
    struct outfile file;
    FILE *out;
    json_t *begun; /* columns [{name, type}], left_out [name] */
    json_t *find;
    json_t *ask; /* --full and --reason */
    uint64_t rows, hidden;
    bool unnoted;
};

/* A number that begins with "-" is no formula. */
static bool is_number(const char *type)
{
    return strcmp(type, "integer") == 0 || strcmp(type, "money") == 0 ||
           strcmp(type, "decimal") == 0;
}

static void put_cell(const struct outgoing *outgoing, size_t column, const char *text)
{
    const char *type =
        text_of(json_array_get(json_object_get(outgoing->begun, "columns"), column), "type");
    size_t len = strlen(text);
    if (column > 0)
        (void)fputc(',', outgoing->out);
    if (is_number(type) || !damage_needs_protection(bytes_of(text, len))) {
        csv_put(outgoing->out, text, len, ',');
        return;
    }
    char *guarded = ctl_memory(malloc(len + 2));
    guarded[0] = '\'';
    (void)memcpy(guarded + 1, text, len + 1);
    csv_put(outgoing->out, guarded, len + 1, ',');
    free(guarded);
}

static enum err put_row(void *ctx, json_t *row)
{
    struct outgoing *outgoing = ctx;
    size_t index;
    json_t *cell;
    json_array_foreach(json_object_get(row, "cells"), index, cell)
        put_cell(outgoing, index, json_is_string(cell) ? json_string_value(cell) : "");
    (void)fputc('\n', outgoing->out);
    outgoing->rows++;
    return ferror(outgoing->out) ? ERR_IO : OK;
}

static void put_header(struct outgoing *outgoing)
{
    size_t index;
    json_t *column;
    /* Without the mark a spreadsheet takes the file for windows-1252 and spoils names. Programs
     * that read a pipe do without. */
    if (outgoing->path)
        (void)fputs("\xef\xbb\xbf", outgoing->out);
    json_array_foreach(json_object_get(outgoing->begun, "columns"), index, column) {
        const char *name = text_of(column, "name");
        if (index > 0)
            (void)fputc(',', outgoing->out);
        csv_put(outgoing->out, name, strlen(name), ',');
    }
    (void)fputc('\n', outgoing->out);
}

static json_t *page_args(const struct outgoing *outgoing, const char *after)
{
    json_t *args = ctl_memory(json_pack("{s:O, s:O, s:s?}", "collection",
                                        json_object_get(outgoing->begun, "collection"), "find",
                                        outgoing->find, "after", after));
    json_object_update(args, outgoing->ask);
    return args;
}

/* Page by page, so that neither side holds more than one. */
static enum exit_code write_pages(struct outgoing *outgoing)
{
    char after[40] = "";
    bool more = true;
    enum exit_code code = EXIT_DONE;
    while (code == EXIT_DONE && more) {
        json_t *done = NULL;
        code = ctl_stream(outgoing->ctl, "export_rows",
                          page_args(outgoing, after[0] != '\0' ? after : NULL), put_row, outgoing,
                          &done);
        if (code == EXIT_DONE) {
            more = truth_of(done, "more");
            outgoing->hidden += (uint64_t)number_of(done, "hidden");
            outgoing->unnoted = outgoing->unnoted || !truth_of(done, "noted");
            (void)snprintf(after, sizeof(after), "%s", text_of(done, "after"));
        }
        json_decref(done);
        if (code == EXIT_DONE && !outgoing->ctl->args.json && outgoing->path && more &&
            isatty(STDERR_FILENO))
            (void)fprintf(stderr, tr("\r%" PRIu64 " rows ", "\r%" PRIu64 " baris "),
                          outgoing->rows);
    }
    if (!outgoing->ctl->args.json && outgoing->path && isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
    return code;
}

static enum exit_code begin(struct outgoing *outgoing)
{
    struct answer answer;
    json_t *args = ctl_memory(json_pack("{s:s}", "collection", outgoing->ctl->args.words[0]));
    json_object_update(args, outgoing->ask);
    enum exit_code code = ctl_ask(outgoing->ctl, "export_begin", args, &answer);
    if (code != EXIT_DONE)
        return code;
    outgoing->begun = json_incref(answer.done);
    answer_close(&answer);
    return code;
}

static enum exit_code write_file(struct outgoing *outgoing)
{
    struct problem problem;
    outgoing->out = stdout;
    if (outgoing->path) {
        if (outfile_open(outgoing->path, &outgoing->file, &problem) != OK)
            return ctl_problem(outgoing->ctl, &problem);
        outgoing->out = outgoing->file.out;
    }
    put_header(outgoing);
    enum exit_code code = write_pages(outgoing);
    if (!outgoing->path) {
        if (code == EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout)))
            code = ctl_problemf(outgoing->ctl, ERR_IO, "-", "%s", strerror(errno));
        return code;
    }
    enum err err = outfile_close(&outgoing->file, code == EXIT_DONE, &problem);
    return code == EXIT_DONE && err != OK ? ctl_problem(outgoing->ctl, &problem) : code;
}

/* Goes to standard error when the rows went to standard output. */
static void say_result(const struct outgoing *outgoing)
{
    FILE *out = outgoing->path ? stdout : stderr;
    size_t index;
    json_t *name;
    json_t *left_out = json_object_get(outgoing->begun, "left_out");
    if (outgoing->path)
        (void)fprintf(out, tr("%s: %" PRIu64 " rows.\n", "%s: %" PRIu64 " baris.\n"),
                      outgoing->path, outgoing->rows);
    json_array_foreach(left_out, index, name) {
        (void)fprintf(out, "%s%s",
                      index > 0
                          ? ", "
                          : tr("Left out, since few may see it (--full --reason TEXT writes it): ",
                               "Tidak ditulis karena terbatas (--full --reason ALASAN "
                               "menulisnya): "),
                      json_string_value(name));
    }
    if (json_array_size(left_out) > 0)
        (void)fputc('\n', out);
    if (outgoing->hidden > 0)
        (void)fprintf(out,
                      tr("%" PRIu64 " cells were left empty, since few may see their values "
                         "(--full --reason TEXT writes them).\n",
                         "%" PRIu64
                         " sel dikosongkan karena isinya terbatas (--full --reason ALASAN "
                         "menulisnya).\n"),
                      outgoing->hidden);
    if (outgoing->unnoted)
        (void)fputs(tr("This machine could not note what was written: importing the file here "
                       "would enter its rows again.\n",
                       "Komputer ini tidak bisa mencatat yang ditulis: bila berkas ini diimpor di "
                       "sini, barisnya masuk lagi.\n"),
                    out);
}

static enum exit_code say_json(const struct outgoing *outgoing)
{
    json_t *result = ctl_memory(json_pack(
        "{s:s, s:I, s:I, s:b, s:O}", "file", outgoing->path, "rows_written",
        (json_int_t)outgoing->rows, "cells_left_empty", (json_int_t)outgoing->hidden, "noted",
        (int)!outgoing->unnoted, "columns_left_out", json_object_get(outgoing->begun, "left_out")));
    enum exit_code code = ctl_document(outgoing->ctl, result, NULL);
    json_decref(result);
    return code;
}

/* The second word is a file unless it has the form FIELD=TEXT. */
static size_t take_path(struct outgoing *outgoing)
{
    const struct args *args = &outgoing->ctl->args;
    const char *word = args->count > 1 ? args->words[1] : NULL;
    const char *equals = word ? strchr(word, '=') : NULL;
    const char *slash = word ? strchr(word, '/') : NULL;
    if (!word || (equals && (!slash || slash > equals)))
        return 1;
    if (strcmp(word, "-") != 0)
        outgoing->path = word;
    return 2;
}

enum exit_code cmd_export(struct ctl *ctl)
{
    struct outgoing *outgoing = ctl_memory(calloc(1, sizeof(*outgoing)));
    outgoing->ctl = ctl;
    outgoing->ask = ctl_memory(json_object());
    size_t from = take_path(outgoing);
    enum exit_code code = audit_ask(ctl, outgoing->ask);
    if (code == EXIT_DONE)
        code = fields_from_words(ctl, from, &outgoing->find);
    if (code == EXIT_DONE && ctl->args.json && !outgoing->path)
        code = ctl_problemf(ctl, ERR_USAGE, "--json", "%s",
                            tr("the rows go to standard output; name a FILE",
                               "barisnya ditulis ke keluaran baku; sebut BERKAS"));
    if (code == EXIT_DONE)
        code = begin(outgoing);
    if (code == EXIT_DONE)
        code = write_file(outgoing);
    if (code == EXIT_DONE && ctl->args.json)
        code = say_json(outgoing);
    else if (code == EXIT_DONE)
        say_result(outgoing);
    json_decref(outgoing->begun);
    json_decref(outgoing->find);
    json_decref(outgoing->ask);
    free(outgoing);
    return code;
}
