/* The rows of a CSV file, in batches that the daemon commits together with the progress: after a
 * kill the same command goes on where it was, and no row is entered twice. */
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/crypto.h"
#include "common/files.h"
#include "common/must.h"
#include "common/tkskctl/csv.h"
#include "common/tkskctl/fields.h"
#include "common/tkskctl/rejects.h"

#define BATCH_ROWS_MAX 256
#define BATCH_BYTES_MAX (ADMIN_LINE_BYTES_MAX / 2)
#define HEADER_ROWS_SEARCHED 20

struct import {
    struct ctl *ctl;
    const char *path;
    char collection[64];
    struct buf content; /* of the file */
    char *converted;    /* when it was not UTF-8 */
    struct csv csv;     /* stands before the next row */
    struct csv_row row;
    size_t columns; /* without those that a rejected file adds */
    size_t cells;   /* of a row, with them */
    char *names[CSV_COLUMNS_MAX];
    const char *fields[CSV_COLUMNS_MAX]; /* NULL: the column is left out */
    json_t *begun;                       /* import_begin's answer; owns what `fields` points to */
    char file_hash[2 * HASH_BYTES + 1];
    struct rejects rejects;
    uint64_t rows, seen, accepted;
    unsigned resumed; /* line after which an interrupted import goes on; 0 = from the start */
};

/* A run of rows that are sent and committed together. Where it ends follows from the file alone, so
 * a repeat after a kill is the same batch. */
struct batch {
    struct csv start;
    unsigned first, last; /* lines; 0: no row */
    size_t count, bytes;
    json_t *rows;
};

static void import_close(struct import *import)
{
    for (size_t i = 0; i < import->cells; i++)
        free(import->names[i]);
    json_decref(import->begun);
    rejects_close(&import->rejects);
    csv_row_close(&import->row);
    free(import->converted);
    files_release(&import->content);
}

/* --- the file ------------------------------------------------------------------------------- */

static enum exit_code open_file(struct import *import)
{
    struct ctl *ctl = import->ctl;
    struct problem problem;
    const char *encoding = args_option(&ctl->args, "--encoding");
    bool windows = encoding && strcasecmp(encoding, "windows-1252") == 0;
    if (encoding && !windows && strcasecmp(encoding, "utf-8") != 0)
        return ctl_problemf(ctl, ERR_USAGE, "--encoding", "utf-8, windows-1252");
    enum err err = files_read(import->path, CSV_FILE_BYTES_MAX, &import->content, &problem);
    struct bytes text = buf_bytes(&import->content);
    if (err == OK && windows) {
        size_t len = 0;
        err = csv_from_windows_1252(text, import->path, &import->converted, &len, &problem);
        text = bytes_of(import->converted, len);
    }
    if (err == OK)
        err = csv_open(text, import->path, &import->csv, &problem);
    if (err == OK && csv_row_open(&import->row) != OK)
        err = problem_set(&problem, ERR_MEMORY, import->path, NULL);
    return err == OK ? EXIT_DONE : ctl_problem(ctl, &problem);
}

static char *trimmed(const char *text)
{
    text += strspn(text, " \t\n");
    char *copy = ctl_memory(strdup(text));
    size_t len = strlen(copy);
    while (len > 0 && strchr(" \t\n", copy[len - 1]))
        copy[--len] = '\0';
    return copy;
}

/* How many cells of a row name fields of the collection, itself or ("field.lookup") one referred
 * to. */
static size_t header_score(const struct csv_row *row, const json_t *known)
{
    size_t score = 0;
    for (size_t i = 0; i < row->count; i++) {
        char *name = trimmed(row->cells[i]);
        const json_t *field = name[0] ? fields_find(known, name) : NULL;
        char *point = strchr(name, '.');
        if (!field && point) {
            *point = '\0';
            field = fields_find(known, name);
        }
        score += field ? 1 : 0;
        free(name);
    }
    return score;
}

/* Title rows may stand above the header: of the first rows, the one that names most fields is it.
 */
static enum exit_code find_header(struct import *import, const json_t *known)
{
    struct csv csv = import->csv, best = csv;
    size_t best_score = 0;
    bool any = false;
    for (size_t i = 0; i < HEADER_ROWS_SEARCHED; i++) {
        struct csv before = csv;
        if (!csv_next(&csv, &import->row))
            break;
        size_t score = header_score(&import->row, known);
        if (!any || score > best_score) {
            best = before;
            best_score = score;
        }
        any = true;
    }
    import->csv = best;
    if (!any || !csv_next(&import->csv, &import->row))
        return ctl_problemf(import->ctl, ERR_CSV, import->path, "%s",
                            tr("there is no header row", "tidak ada baris judul kolom"));
    import->cells = import->row.count;
    for (size_t i = 0; i < import->cells; i++)
        import->names[i] = trimmed(import->row.cells[i]);
    /* Blank columns at the right are what spreadsheets leave behind. */
    import->columns = import->cells;
    while (import->columns > 1 && import->names[import->columns - 1][0] == '\0')
        import->columns--;
    bool mended = import->columns > REJECT_COLUMNS;
    for (size_t i = 0; mended && i < REJECT_COLUMNS; i++)
        mended =
            strcmp(import->names[import->columns - REJECT_COLUMNS + i], reject_columns[i]) == 0;
    import->columns -= mended ? REJECT_COLUMNS : 0;
    for (csv = import->csv; csv_next(&csv, &import->row);)
        import->rows++;
    return EXIT_DONE;
}

/* Which column is which field. Unknown ones refuse the file unless --ignore; two of one field
 * always. */
static enum exit_code map_columns(struct import *import)
{
    const json_t *answers = json_object_get(import->begun, "columns");
    char unknown[PROBLEM_DETAIL_MAX] = "";
    size_t used_count = 0;
    for (size_t i = 0; i < import->columns; i++) {
        const json_t *answer = json_array_get(answers, i);
        import->fields[i] = json_string_value(json_object_get(answer, "field"));
        used_count += import->fields[i] ? 1 : 0;
        if (!import->fields[i]) {
            size_t used = strlen(unknown);
            (void)snprintf(unknown + used, sizeof(unknown) - used, "%s%s", used ? ", " : "",
                           import->names[i][0] ? import->names[i] : "\"\"");
        }
        for (size_t j = 0; import->fields[i] && j < i; j++) {
            if (import->fields[j] && strcmp(import->fields[i], import->fields[j]) == 0)
                return ctl_problemf(import->ctl, ERR_TWICE, import->path, "%s", import->fields[i]);
        }
    }
    bool refuse = unknown[0] && !args_option(&import->ctl->args, "--ignore");
    if (refuse || used_count == 0)
        return ctl_problemf(import->ctl, ERR_COLUMN, import->path, "%s", unknown);
    return EXIT_DONE;
}

static enum exit_code begin(struct import *import)
{
    struct answer answer;
    struct problem problem;
    struct hash hash;
    json_t *columns = ctl_memory(json_array());
    const struct bytes parts[] = { bytes_of(import->collection, strlen(import->collection) + 1),
                                   buf_bytes(&import->content) };
    crypto_hash("import-file", parts, COUNT_OF(parts), &hash);
    crypto_hex(bytes_hash(&hash), import->file_hash);
    for (size_t i = 0; i < import->columns; i++)
        json_array_append_new(columns, json_string(import->names[i]));
    enum exit_code code =
        ctl_ask(import->ctl, "import_begin",
                ctl_memory(json_pack("{s:s, s:s, s:o}", "file_hash", import->file_hash,
                                     "collection", import->collection, "columns", columns)),
                &answer);
    if (code != EXIT_DONE)
        return code;
    import->begun = json_incref(answer.done);
    import->resumed = (unsigned)number_of(answer.done, "line");
    answer_close(&answer);
    code = map_columns(import);
    if (code == EXIT_DONE &&
        rejects_open(import->path, import->csv.separator, import->columns,
                     (const char *const *)import->names, &import->rejects, &problem) != OK)
        code = ctl_problem(import->ctl, &problem);
    return code;
}

/* --- batches -------------------------------------------------------------------------------- */

/* A row whose cells do not fit the header is not guessed at. Blank cells too many at the right are.
 */
static bool cells_fit(const struct import *import, const struct csv_row *row)
{
    for (size_t i = import->cells; i < row->count; i++) {
        if (row->lens[i] > 0)
            return false;
    }
    return row->count >= import->columns;
}

static json_t *row_json(const struct import *import, const struct csv_row *row)
{
    json_t *fields = ctl_memory(json_object());
    for (size_t i = 0; i < import->columns; i++) {
        if (import->fields[i] && row->lens[i] > 0)
            json_object_set_new(fields, import->fields[i],
                                ctl_memory(json_stringn(row->cells[i], row->lens[i])));
    }
    return ctl_memory(json_pack("{s:i, s:o}", "line", (int)row->line, "fields", fields));
}

static size_t row_bytes(const struct csv_row *row)
{
    size_t bytes = 64;
    for (size_t i = 0; i < row->count; i++)
        bytes += 2 * row->lens[i] + 48;
    return bytes;
}

/* Reads the next batch; its rows as JSON when `build`. false: no row is left. */
static bool next_batch(struct import *import, bool build, struct batch *ret_batch)
{
    struct batch batch = { .start = import->csv };
    if (build)
        batch.rows = ctl_memory(json_array());
    while (batch.count < BATCH_ROWS_MAX) {
        struct csv before = import->csv;
        if (!csv_next(&import->csv, &import->row))
            break;
        size_t bytes = row_bytes(&import->row);
        if (batch.count > 0 && batch.bytes + bytes > BATCH_BYTES_MAX) {
            import->csv = before;
            break;
        }
        batch.bytes += bytes;
        batch.count++;
        batch.first = batch.first ? batch.first : import->row.line;
        batch.last = import->row.line;
        if (build && cells_fit(import, &import->row))
            json_array_append_new(batch.rows, row_json(import, &import->row));
    }
    *ret_batch = batch;
    return batch.count > 0;
}

/* Stands before the batch in which the interrupted import was stopped, or before the last one that
 * was committed: its rejected rows may not have reached the file. */
static enum exit_code go_to_resumed(struct import *import)
{
    struct problem problem;
    struct batch batch;
    struct csv stand = import->csv;
    unsigned from = 1;
    uint64_t seen = 0, stand_seen = 0;
    while (import->resumed > 0 && next_batch(import, false, &batch) &&
           batch.first <= import->resumed) {
        stand = batch.start;
        from = batch.first;
        stand_seen = seen;
        seen += batch.count;
    }
    import->csv = stand;
    import->seen = stand_seen;
    return rejects_resume(&import->rejects, from, &problem) == OK
               ? EXIT_DONE
               : ctl_problem(import->ctl, &problem);
}

/* The same batch of the same file is the same request. */
static void batch_request(const struct import *import, const struct batch *batch, char ret[37])
{
    char line[32];
    struct hash hash;
    char hex[2 * HASH_BYTES + 1];
    (void)snprintf(line, sizeof(line), "%u-%u", batch->first, batch->last);
    const struct bytes parts[] = { bytes_text(import->file_hash), bytes_text(line) };
    crypto_hash("import-batch", parts, COUNT_OF(parts), &hash);
    hash.at[6] = (uint8_t)(0x80 | (hash.at[6] & 0x0f)); /* RFC 9562, version 8 */
    hash.at[8] = (uint8_t)(0x80 | (hash.at[8] & 0x3f));
    crypto_hex(bytes_hash(&hash), hex);
    (void)snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
}

/* The column of the file that holds a field. */
static const char *column_of(const struct import *import, const char *field)
{
    for (size_t i = 0; i < import->columns; i++) {
        if (import->fields[i] && strcmp(import->fields[i], field) == 0)
            return import->names[i];
    }
    return field;
}

static const json_t *rejected_row(const json_t *rows, unsigned line)
{
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row) {
        if (number_of(row, "line") == (int64_t)line)
            return row;
    }
    return NULL;
}

/* Goes through the batch once more and writes out what was not taken. */
static enum exit_code write_rejects(struct import *import, const struct batch *batch,
                                    const json_t *rejected)
{
    struct problem problem;
    struct csv csv = batch->start;
    enum err err = OK;
    for (size_t i = 0; i < batch->count && err == OK && csv_next(&csv, &import->row); i++) {
        char reason[PROBLEM_DETAIL_MAX * 2];
        const json_t *row = rejected_row(rejected, import->row.line);
        if (row) {
            (void)snprintf(reason, sizeof(reason), "%s; %s", text_of(row, "rule"),
                           text_of(row, "remedy"));
            err = rejects_add(&import->rejects, &import->row,
                              column_of(import, text_of(row, "field")), text_of(row, "code"),
                              reason, &problem);
        } else if (!cells_fit(import, &import->row)) {
            struct problem cells;
            (void)problem_setf(&cells, ERR_CELLS, NULL, "%zu, %zu", import->row.count,
                               import->columns);
            problem_rule(&cells, say_lang_now(), reason, sizeof(reason));
            err = rejects_add(&import->rejects, &import->row, "", err_name(ERR_CELLS), reason,
                              &problem);
        }
    }
    if (err == OK)
        err = rejects_sync(&import->rejects, &problem);
    return err == OK ? EXIT_DONE : ctl_problem(import->ctl, &problem);
}

static void show_progress(const struct import *import)
{
    if (import->ctl->args.json || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr,
                  tr("\r%" PRIu64 " of %" PRIu64 " rows; %" PRIu64 " rejected ",
                     "\r%" PRIu64 " dari %" PRIu64 " baris; %" PRIu64 " ditolak "),
                  import->seen, import->rows, import->rejects.count);
    (void)fflush(stderr);
}

static enum exit_code send_batch(struct import *import, struct batch *batch)
{
    struct answer answer = { 0 };
    char request[37];
    enum exit_code code = EXIT_DONE;
    bool repeat = batch->first <= import->resumed; /* committed whole, or not at all */
    batch_request(import, batch, request);
    if (json_array_size(batch->rows) > 0) {
        code = ctl_ask(import->ctl, "import_rows",
                       ctl_memory(json_pack("{s:s, s:s, s:O, s:s}", "file_hash", import->file_hash,
                                            "collection", import->collection, "rows", batch->rows,
                                            "request", request)),
                       &answer);
    }
    if (code == EXIT_DONE)
        code = write_rejects(import, batch, answer.rows);
    if (code == EXIT_DONE && !repeat)
        import->accepted += (uint64_t)number_of(answer.done, "accepted");
    import->seen += batch->count;
    answer_close(&answer);
    return code;
}

/* --- the command ---------------------------------------------------------------------------- */

static enum exit_code say_result(struct import *import)
{
    uint64_t rejected = import->rejects.count;
    if (import->ctl->args.json) {
        json_t *result = ctl_memory(json_pack(
            "{s:I, s:I, s:I, s:i, s:s?}", "rows_read", (json_int_t)import->rows, "accepted",
            (json_int_t)import->accepted, "rejected", (json_int_t)rejected, "resumed_after",
            (int)import->resumed, "rejected_file", rejected ? import->rejects.path : NULL));
        (void)ctl_document(import->ctl, result, NULL);
        json_decref(result);
    } else {
        if (isatty(STDERR_FILENO))
            (void)fputc('\n', stderr);
        if (import->resumed > 0)
            (void)printf(tr("Went on after line %u. ", "Dilanjutkan setelah baris %u. "),
                         import->resumed);
        (void)printf(tr("%" PRIu64 " rows stored here, not sent yet",
                        "%" PRIu64 " baris tersimpan di netbook, belum terkirim"),
                     import->accepted);
        if (rejected > 0)
            (void)printf(tr("; %" PRIu64 " rejected, with reasons: %s",
                            "; %" PRIu64 " ditolak, dengan alasannya: %s"),
                         rejected, import->rejects.path);
        (void)puts(".");
    }
    return rejected > 0 ? EXIT_REFUSED : EXIT_DONE;
}

static enum exit_code run_batches(struct import *import)
{
    enum exit_code code = go_to_resumed(import);
    struct batch batch;
    while (code == EXIT_DONE && next_batch(import, true, &batch)) {
        struct csv after = import->csv;
        code = send_batch(import, &batch);
        import->csv = after;
        json_decref(batch.rows);
        show_progress(import);
    }
    return code;
}

/* A header of all fields that a person fills in. */
static enum exit_code write_template(struct ctl *ctl, const json_t *collection, const char *path)
{
    struct problem problem;
    size_t index, written = 0, len = 0;
    json_t *field;
    char *text = NULL;
    FILE *out = ctl_memory(open_memstream(&text, &len));
    json_array_foreach(json_object_get(collection, "fields"), index, field) {
        const char *name = text_of(field, "name");
        if (truth_of(field, "computed") || json_is_false(json_object_get(field, "writable")))
            continue;
        if (written++ > 0)
            (void)fputc(',', out);
        csv_put(out, name, strlen(name), ',');
    }
    (void)fputc('\n', out);
    (void)fclose(out);
    enum err err = OK;
    if (path)
        err = files_write(path, 0644, bytes_of(text, len), &problem);
    else
        (void)fwrite(text, 1, len, stdout);
    free(text);
    return err == OK ? EXIT_DONE : ctl_problem(ctl, &problem);
}

enum exit_code cmd_import(struct ctl *ctl)
{
    struct import *import = ctl_memory(calloc(1, sizeof(*import)));
    json_t *collection = NULL;
    bool template = args_option(&ctl->args, "--template") != NULL;
    import->ctl = ctl;
    import->path = ctl->args.count > 1 ? ctl->args.words[1] : NULL;
    enum exit_code code = EXIT_DONE;
    if (!import->path && !template)
        code = ctl_problemf(ctl, ERR_USAGE, "FILE", "%s", tr("must be given", "harus disebut"));
    if (code == EXIT_DONE && !template)
        code = open_file(import);
    if (code == EXIT_DONE)
        code = ctl_fields(ctl, ctl->args.words[0], &collection);
    if (code == EXIT_DONE && template) {
        code = write_template(ctl, collection, import->path);
    } else if (code == EXIT_DONE) {
        (void)snprintf(import->collection, sizeof(import->collection), "%s",
                       text_of(collection, "name"));
        code = find_header(import, json_object_get(collection, "fields"));
        if (code == EXIT_DONE)
            code = begin(import);
        if (code == EXIT_DONE)
            code = run_batches(import);
        if (code == EXIT_DONE)
            code = say_result(import);
    }
    json_decref(collection);
    import_close(import);
    free(import);
    return code;
}
