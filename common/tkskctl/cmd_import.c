/* `import`: the file, its header, the result. The rows go to the daemon in import_rows.c. */
#include <inttypes.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/files.h"
#include "common/tkskctl/attach.h"
#include "common/tkskctl/fields.h"
#include "common/tkskctl/hop.h"
#include "common/tkskctl/import.h"

#define HEADER_ROWS_SEARCHED 20
#define UNKNOWN_TEXT_MAX (16 * 1024)

static void import_close(struct import *import)
{
    for (size_t i = 0; i < import->columns; i++)
        free(import->names[i]);
    free(import->base);
    json_decref(import->begun);
    json_decref(import->refusals);
    json_decref(import->receipts);
    rejects_close(&import->rejects);
    csv_row_close(&import->row);
    csv_file_close(&import->file);
}

/* --- the file ------------------------------------------------------------------------------- */

static void count_row(void *ctx, const struct csv_row *row)
{
    damage_count(ctx, row);
}

/* All of it is read once before anything is asked or entered. */
static enum exit_code open_file(struct import *import)
{
    struct ctl *ctl = import->ctl;
    struct problem problem;
    const char *encoding = args_option(&ctl->args, "--encoding");
    bool windows = encoding && strcasecmp(encoding, "windows-1252") == 0;
    if (encoding && !windows && strcasecmp(encoding, "utf-8") != 0)
        return ctl_problemf(ctl, ERR_USAGE, "--encoding", "utf-8, windows-1252");
    enum err err = csv_file_open(import->path, &import->file, &problem);
    import->file.windows_1252 = windows;
    if (err == OK)
        err = csv_open(&import->file, import->path, &import->csv, &problem);
    if (err == OK && csv_row_open(&import->row) != OK)
        err = problem_set(&problem, ERR_MEMORY, import->path, NULL);
    if (err == OK)
        err =
            csv_scan(import->csv, import->path, &import->row, count_row, &import->damage, &problem);
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

/* --- the header ----------------------------------------------------------------------------- */

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

/* The four columns of a rejected file, next to each other. */
static size_t own_columns(const struct csv_row *row)
{
    for (size_t at = 0; at + REJECT_COLUMNS < row->count + 1; at++) {
        size_t same = 0;
        while (same < REJECT_COLUMNS &&
               strcasecmp(row->cells[at + same], reject_columns[same]) == 0)
            same++;
        if (same == REJECT_COLUMNS)
            return at;
    }
    return SIZE_MAX;
}

/* Title rows may stand above the header: of the first rows, the one that names most fields is it.
 */
static enum exit_code find_header(struct import *import, const json_t *known)
{
    struct csv csv = import->csv, best = csv;
    size_t best_score = 0, rows = 0, best_rows = 0;
    for (; rows < HEADER_ROWS_SEARCHED; rows++) {
        struct csv before = csv;
        if (!csv_next(&csv, &import->row))
            break;
        size_t score = header_score(&import->row, known);
        if (rows == 0 || score > best_score) {
            best = before;
            best_score = score;
            best_rows = rows;
        }
    }
    import->csv = best;
    import->own = SIZE_MAX;
    import->columns = import->loose = CSV_COLUMNS_MAX;
    if (rows == 0 || !csv_next(&import->csv, &import->row))
        return ctl_problemf(import->ctl, ERR_CSV, import->path, "%s",
                            tr("there is no header row", "tidak ada baris judul kolom"));
    const struct csv_row *row = &import->row;
    import->own = own_columns(row);
    import->rows = import->damage.rows - best_rows - 1;
    import->columns = 0;
    for (size_t i = 0; i < row->count; i++) {
        if (import->own == SIZE_MAX || i < import->own || i >= import->own + REJECT_COLUMNS)
            import->names[import->columns++] = trimmed(row->cells[i]);
    }
    import->loose = import->columns;
    /* Blank columns at the right are what spreadsheets leave behind. */
    while (import->columns > 1 && import->names[import->columns - 1][0] == '\0')
        free(import->names[--import->columns]);
    if (!args_option(&import->ctl->args, "--ignore"))
        import->loose = import->columns;
    return EXIT_DONE;
}

/* "Nama Ibu (nama_ibu_kandung?)" */
static void add_unknown(const struct import *import, size_t column, const json_t *answer,
                        char *text, size_t cap)
{
    const char *name = import->names[column][0] ? import->names[column] : "\"\"";
    const char *nearest = maybe_text_of(answer, "nearest");
    size_t used = strlen(text);
    (void)snprintf(text + used, cap - used, "%s%s", used ? ", " : "", name);
    used = strlen(text);
    if (nearest)
        (void)snprintf(text + used, cap - used, " (%s?)", nearest);
}

/* Which column is which field. Unknown ones refuse the file unless --ignore; two of one field
 * always. */
static enum exit_code map_columns(struct import *import)
{
    const json_t *answers = json_object_get(import->begun, "columns");
    char *unknown = ctl_memory(calloc(1, UNKNOWN_TEXT_MAX));
    size_t used_count = 0;
    enum exit_code code = EXIT_DONE;
    for (size_t i = 0; i < import->columns && code == EXIT_DONE; i++) {
        const json_t *answer = json_array_get(answers, i);
        import->fields[i] = json_string_value(json_object_get(answer, "field"));
        import->types[i] = json_string_value(json_object_get(answer, "type"));
        import->types[i] = import->types[i] ? import->types[i] : "";
        used_count += import->fields[i] ? 1 : 0;
        if (!import->fields[i] && !truth_of(answer, "computed"))
            add_unknown(import, i, answer, unknown, UNKNOWN_TEXT_MAX);
        for (size_t j = 0; import->fields[i] && j < i; j++) {
            if (import->fields[j] && strcmp(import->fields[i], import->fields[j]) == 0)
                code = ctl_problemf(import->ctl, ERR_TWICE, import->path, "%s", import->fields[i]);
        }
    }
    bool refuse = unknown[0] && !args_option(&import->ctl->args, "--ignore");
    if (code == EXIT_DONE && (refuse || used_count == 0)) {
        /* The message has room for some of them; all are named. */
        if (strlen(unknown) >= PROBLEM_DETAIL_MAX && !import->ctl->args.json)
            (void)fprintf(stderr, "%s\n", unknown);
        code = ctl_problemf(import->ctl, ERR_COLUMN, import->path, "%s", unknown);
    }
    free(unknown);
    return code;
}

static void find_files(struct import *import, const json_t *known)
{
    import->base = attach_base(import->path);
    for (size_t i = 0; i < import->columns; i++) {
        const json_t *field = import->fields[i] ? fields_find(known, import->fields[i]) : NULL;
        import->files[i] = field && attach_field(field);
    }
}

static enum exit_code begin(struct import *import)
{
    struct answer answer;
    struct problem problem;
    struct hash hash;
    json_t *columns = ctl_memory(json_array());
    if (csv_file_hash(&import->file, "import-file", import->collection, &hash) != OK) {
        json_decref(columns);
        return ctl_problemf(import->ctl, ERR_FILE_CHANGED, import->path, "%s", "");
    }
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
    import->rejects = (struct rejects){ .separator = import->csv.separator,
                                        .mark = import->csv.has_mark || import->file.windows_1252,
                                        .columns = import->columns,
                                        .names = (const char *const *)import->names };
    if (code == EXIT_DONE && rejects_open(import->path, &import->rejects, &problem) != OK)
        code = ctl_problem(import->ctl, &problem);
    return code;
}

/* --- the result ----------------------------------------------------------------------------- */

static void say_json(struct import *import)
{
    json_t *result = ctl_memory(json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:b, s:b}", "rows_read", (json_int_t)import->rows,
        "accepted", (json_int_t)import->accepted, "known", (json_int_t)import->known, "alike",
        (json_int_t)import->alike, "rejected",
        (json_int_t)(import->dry ? import->rejected : import->rejects.count), "apostrophes",
        (json_int_t)import->unprotected, "resumed_after", (int)import->resumed, "dry_run",
        (int)import->dry, "stopped", (int)import->stopped));
    json_object_set_new(result, "rejected_file",
                        import->rejects.count > 0 ? json_string(import->rejects.path)
                                                  : json_null());
    if (json_array_size(import->receipts) > 0)
        json_object_set(result, "receipts", import->receipts);
    (void)ctl_document(import->ctl, result, import->refusals);
    json_decref(result);
}

static void say_refusals(const struct import *import)
{
    size_t index;
    json_t *row;
    json_array_foreach(import->refusals, index, row) {
        const char *column = text_of(row, "column");
        (void)printf(tr("line %s%s%s: %s\n", "baris %s%s%s: %s\n"), text_of(row, "line"),
                     column[0] ? ", " : "", column, text_of(row, "reason"));
    }
    if (import->rejected > json_array_size(import->refusals))
        (void)printf(tr("… and %" PRIu64 " more.\n", "… dan %" PRIu64 " lagi.\n"),
                     import->rejected - json_array_size(import->refusals));
}

static void say_dry(const struct import *import)
{
    say_refusals(import);
    if (import->resumed > 0)
        (void)printf(
            tr("The lines up to %u are dealt with already. ", "Baris sampai %u sudah diproses. "),
            import->resumed);
    (void)printf(tr("Nothing was stored. %" PRIu64 " rows would be entered",
                    "Tidak ada yang disimpan. %" PRIu64 " baris akan masuk"),
                 import->accepted);
    if (import->known > 0)
        (void)printf(tr("; %" PRIu64 " are entered already", "; %" PRIu64 " sudah pernah masuk"),
                     import->known);
    if (import->rejected > 0)
        (void)printf(tr("; %" PRIu64 " would be refused", "; %" PRIu64 " akan ditolak"),
                     import->rejected);
    (void)puts(".");
}

static void say_stored(const struct import *import)
{
    if (import->resumed > 0 && import->fresh)
        (void)printf(tr("Went on after line %u. ", "Dilanjutkan setelah baris %u. "),
                     import->resumed);
    if (import->resumed > 0 && !import->fresh)
        (void)printf("%s", tr("This file was imported before. ", "Berkas ini sudah diimpor. "));
    (void)printf(tr("%" PRIu64 " rows stored here, not sent yet",
                    "%" PRIu64 " baris tersimpan di netbook, belum terkirim"),
                 import->accepted);
    if (import->known > 0)
        (void)printf(tr("; %" PRIu64 " were entered before, and not again",
                        "; %" PRIu64 " sudah pernah masuk, tidak dimasukkan lagi"),
                     import->known);
    if (import->rejects.count > 0)
        (void)printf(tr("; %" PRIu64 " rejected, with reasons: %s",
                        "; %" PRIu64 " ditolak, dengan alasannya: %s"),
                     import->rejects.count, import->rejects.path);
    (void)puts(".");
}

/* One number a line of the file, so that each can be handed to whoever asked. */
static void say_receipts(const struct import *import)
{
    size_t index;
    json_t *row;
    json_array_foreach(import->receipts, index, row) {
        (void)printf(tr("line %s: ", "baris %s: "), text_of(row, "line"));
        hop_receipt(row);
    }
}

static enum exit_code say_result(struct import *import)
{
    uint64_t rejected = import->dry ? import->rejected : import->rejects.count;
    if (import->ctl->args.json) {
        say_json(import);
        return rejected > 0 || import->stopped ? EXIT_REFUSED : EXIT_DONE;
    }
    if (import->dry)
        say_dry(import);
    else
        say_stored(import);
    say_receipts(import);
    if (import->alike > 0)
        (void)printf(tr("%" PRIu64 " rows are the same as an earlier row of this file, and count "
                        "as rows of their own.\n",
                        "%" PRIu64 " baris sama persis dengan baris lain di berkas ini, dan tetap "
                        "dihitung sendiri.\n"),
                     import->alike);
    if (import->unprotected > 0)
        (void)printf(tr("In %" PRIu64 " cells the apostrophe in front of the digits was left "
                        "out.\n",
                        "Di %" PRIu64 " sel, tanda petik di depan angka dihilangkan.\n"),
                     import->unprotected);
    if (import->stopped)
        (void)puts(tr("Stopped. What was stored stays; the same command goes on from here.",
                      "Dihentikan. Yang sudah tersimpan tetap ada; perintah yang sama melanjutkan "
                      "dari sini."));
    return rejected > 0 || import->stopped ? EXIT_REFUSED : EXIT_DONE;
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
        const char *name = maybe_text_of(field, "column");
        name = name ? name : text_of(field, "name");
        if (truth_of(field, "computed") || json_is_false(json_object_get(field, "writable")))
            continue;
        if (written++ > 0)
            (void)fputc(',', out);
        csv_put(out, name, strlen(name), ',');
    }
    (void)fputc('\n', out);
    (void)fclose(out);
    enum err err = OK;
    if (path && strcmp(path, "-") != 0)
        err = files_write(path, 0644, bytes_of(text, len), &problem);
    else
        (void)fwrite(text, 1, len, stdout);
    free(text);
    return err == OK ? EXIT_DONE : ctl_problem(ctl, &problem);
}

/* --- the command ---------------------------------------------------------------------------- */

static enum exit_code run(struct import *import)
{
    json_t *collection = NULL;
    bool template = args_option(&import->ctl->args, "--template") != NULL;
    enum exit_code code = template ? EXIT_DONE : open_file(import);
    if (code == EXIT_DONE)
        code = ctl_fields(import->ctl, import->ctl->args.words[0], &collection);
    if (code == EXIT_DONE && template)
        code = write_template(import->ctl, collection, import->path);
    if (code != EXIT_DONE || template)
        goto out;
    (void)snprintf(import->collection, sizeof(import->collection), "%s",
                   text_of(collection, "name"));
    code = find_header(import, json_object_get(collection, "fields"));
    if (code == EXIT_DONE)
        code = begin(import);
    if (code == EXIT_DONE) {
        find_files(import, json_object_get(collection, "fields"));
        code = import_rows(import);
    }
    if (code == EXIT_DONE)
        code = say_result(import);
out:
    json_decref(collection);
    return code;
}

enum exit_code cmd_import(struct ctl *ctl)
{
    struct import *import = ctl_memory(calloc(1, sizeof(*import)));
    import->ctl = ctl;
    import->file.fd = -1;
    import->path = ctl->args.count > 1 ? ctl->args.words[1] : NULL;
    import->dry = args_option(&ctl->args, "--dry-run") != NULL;
    import->refusals = import->dry ? ctl_memory(json_array()) : NULL;
    import->receipts = ctl_memory(json_array());
    enum exit_code code;
    if (!import->path && !args_option(&ctl->args, "--template"))
        code = ctl_problemf(ctl, ERR_USAGE, "FILE", "%s", tr("must be given", "harus disebut"));
    else
        code = run(import);
    import_close(import);
    free(import);
    return code;
}
