/* The rows of a CSV file, in batches that the daemon commits together with the progress: after a
 * kill the same command goes on where it was, and no row is entered twice. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/crypto.h"
#include "common/tkskctl/attach.h"
#include "common/tkskctl/import.h"

#define BATCH_ROWS_MAX 256
#define BATCH_BYTES_MAX (ADMIN_LINE_BYTES_MAX / 2)

/* A run of rows that are sent and committed together. Where it ends follows from the file alone, so
 * a repeat after a kill is the same batch. */
struct batch {
    struct csv start;
    unsigned first, last; /* lines; 0: no row */
    size_t count, bytes;
    size_t refused; /* here, not by the daemon */
    json_t *rows;
    json_t *rejected; /* for their photos and files, as the daemon rejects rows; then also by it */
};

bool import_next(struct import *import, struct csv_row *row)
{
    if (!csv_next(&import->csv, row))
        return false;
    size_t own = import->own;
    if (own < row->count) {
        size_t end = own + REJECT_COLUMNS < row->count ? own + REJECT_COLUMNS : row->count;
        (void)memmove(&row->cells[own], &row->cells[end],
                      (row->count - end) * sizeof(row->cells[0]));
        (void)memmove(&row->lens[own], &row->lens[end], (row->count - end) * sizeof(row->lens[0]));
        row->count -= end - own;
    }
    /* Blank cells too many at the right are what spreadsheets leave behind. */
    while (row->count > import->columns && row->lens[row->count - 1] == 0)
        row->count--;
    if (row->count > import->columns && row->count <= import->loose)
        row->count = import->columns;
    return true;
}

const char *import_column_of(const struct import *import, const char *field)
{
    for (size_t i = 0; i < import->columns; i++) {
        if (import->fields[i] && strcmp(import->fields[i], field) == 0)
            return import->names[i];
    }
    return field;
}

/* --- one row -------------------------------------------------------------------------------- */

/* Which column of the file the mended columns' counts belong to. */
static const struct damage_column *damage_of(const struct import *import, size_t column)
{
    return &import->damage.columns[column < import->own ? column : column + REJECT_COLUMNS];
}

/* What is wrong with a row that the daemon need not see. *ret_column: of the cell, or SIZE_MAX.
 * Other numbers of cells than the header has are not guessed at. */
static enum err row_flaw(const struct import *import, const struct csv_row *row,
                         struct problem *problem, size_t *ret_column)
{
    *ret_column = SIZE_MAX;
    if (row->count != import->columns)
        return problem_setf(problem, ERR_CELLS, NULL, "%zu, %zu", row->count, import->columns);
    for (size_t i = 0; i < import->columns; i++) {
        enum protection protection;
        if (!import->fields[i] || row->lens[i] == 0)
            continue;
        struct bytes cell = damage_unprotect(bytes_of(row->cells[i], row->lens[i]), &protection);
        if (protection != PROTECTION_NONE)
            continue;
        enum err err = damage_find(damage_of(import, i), import->types[i], cell, problem);
        if (err != OK) {
            *ret_column = i;
            return err;
        }
    }
    return OK;
}

static json_t *row_json(struct import *import, const struct csv_row *row)
{
    json_t *fields = ctl_memory(json_object());
    for (size_t i = 0; i < import->columns; i++) {
        enum protection protection;
        if (!import->fields[i] || row->lens[i] == 0)
            continue;
        struct bytes cell = damage_unprotect(bytes_of(row->cells[i], row->lens[i]), &protection);
        import->unprotected += protection == PROTECTION_DIGITS;
        json_object_set_new(fields, import->fields[i],
                            ctl_memory(json_stringn((const char *)cell.at, cell.len)));
    }
    return ctl_memory(json_pack("{s:I, s:o}", "line", (json_int_t)row->line, "fields", fields));
}

static size_t row_bytes(const struct csv_row *row)
{
    size_t bytes = 64;
    for (size_t i = 0; i < row->count; i++)
        bytes += 2 * row->lens[i] + 48;
    return bytes;
}

/* --- batches -------------------------------------------------------------------------------- */

/* "@front.jpg" in a row becomes the reference to its bytes. A file that cannot be taken rejects the
 * row; another failure ends the import. False: the row does not go on. */
static bool attach_files(struct import *import, struct batch *batch, json_t *row)
{
    json_t *fields = json_object_get(row, "fields");
    for (size_t i = 0; i < import->columns; i++) {
        const char *name = import->fields[i];
        const char *typed =
            import->files[i] ? json_string_value(json_object_get(fields, name)) : NULL;
        char *text = NULL;
        json_t *error = NULL;
        if (!typed || !strchr(typed, '@'))
            continue;
        bool list = strcmp(import->types[i], "blob") != 0;
        enum exit_code code =
            attach_text(import->ctl, typed, list, import->base, import->dry, &text, &error);
        if (code == EXIT_DONE)
            json_object_set_new(fields, name, ctl_memory(json_string(text)));
        free(text);
        if (code == EXIT_DONE)
            continue;
        if (code == EXIT_REFUSED && error) {
            json_object_set(error, "line", json_object_get(row, "line"));
            json_object_set_new(error, "field", json_string(name));
            json_array_append(batch->rejected, error);
        } else {
            const struct answer answer = { .error = error };
            import->failed = error ? ctl_refused(import->ctl, &answer) : code;
        }
        json_decref(error);
        return false;
    }
    return true;
}

/* Reads the next batch; its rows as JSON when `build`. false: no row is left. */
static bool next_batch(struct import *import, bool build, struct batch *ret_batch)
{
    struct batch batch = { .start = import->csv };
    struct problem problem;
    size_t column;
    if (build) {
        batch.rows = ctl_memory(json_array());
        batch.rejected = ctl_memory(json_array());
    }
    while (batch.count < BATCH_ROWS_MAX) {
        struct csv before = import->csv;
        if (!import_next(import, &import->row))
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
        if (!build)
            continue;
        if (row_flaw(import, &import->row, &problem, &column) != OK) {
            batch.refused++;
            continue;
        }
        json_t *row = row_json(import, &import->row);
        if (import->failed == EXIT_DONE && attach_files(import, &batch, row))
            json_array_append(batch.rows, row);
        json_decref(row);
    }
    if (batch.count == 0) {
        json_decref(batch.rows);
        json_decref(batch.rejected);
        return false;
    }
    *ret_batch = batch;
    return true;
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
    import->seen = import->began_at = stand_seen;
    if (import->dry)
        return EXIT_DONE;
    enum err err = rejects_resume(&import->rejects, from, &problem);
    return err == OK ? EXIT_DONE : ctl_problem(import->ctl, &problem);
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

/* --- what was not taken --------------------------------------------------------------------- */

struct refusal {
    const char *column, *code;
    char reason[PROBLEM_DETAIL_MAX * 3];
};

/* False: the row was taken. */
static bool find_refusal(const struct import *import, const struct csv_row *row,
                         const json_t *rejected, struct refusal *refusal)
{
    size_t index, column;
    json_t *item;
    struct problem problem;
    char rule[PROBLEM_DETAIL_MAX * 2];
    json_array_foreach(rejected, index, item) {
        if (number_of(item, "line") != (int64_t)row->line)
            continue;
        refusal->column = import_column_of(import, text_of(item, "field"));
        refusal->code = text_of(item, "code");
        (void)snprintf(refusal->reason, sizeof(refusal->reason), "%s; %s", text_of(item, "rule"),
                       text_of(item, "remedy"));
        return true;
    }
    if (row_flaw(import, row, &problem, &column) == OK)
        return false;
    problem_rule(&problem, say_lang_now(), rule, sizeof(rule));
    refusal->column = column == SIZE_MAX ? "" : import->names[column];
    refusal->code = err_name(problem.code);
    (void)snprintf(refusal->reason, sizeof(refusal->reason), "%s; %s", rule,
                   problem_remedy(&problem, say_lang_now()));
    return true;
}

static void keep_refusal(struct import *import, const struct csv_row *row,
                         const struct refusal *refusal)
{
    if (json_array_size(import->refusals) < IMPORT_REFUSALS_SHOWN)
        json_array_append_new(import->refusals,
                              json_pack("{s:I, s:s, s:s, s:s}", "line", (json_int_t)row->line,
                                        "column", refusal->column, "code", refusal->code, "reason",
                                        refusal->reason));
}

/* Goes through the batch once more and writes out what was not taken. */
static enum exit_code write_rejects(struct import *import, const struct batch *batch,
                                    const json_t *rejected)
{
    struct problem problem;
    struct csv after = import->csv;
    enum err err = OK;
    if (batch->refused == 0 && json_array_size(rejected) == 0)
        return EXIT_DONE;
    import->csv = batch->start;
    for (size_t i = 0; i < batch->count && err == OK && import_next(import, &import->row); i++) {
        struct refusal refusal;
        if (!find_refusal(import, &import->row, rejected, &refusal))
            continue;
        import->rejected++;
        if (import->dry)
            keep_refusal(import, &import->row, &refusal);
        else
            err = rejects_add(&import->rejects, &import->row, refusal.column, refusal.code,
                              refusal.reason, &problem);
    }
    import->csv = after;
    if (err == OK && !import->dry)
        err = rejects_sync(&import->rejects, &problem);
    return err == OK ? EXIT_DONE : ctl_problem(import->ctl, &problem);
}

/* --- sending -------------------------------------------------------------------------------- */

static enum exit_code send_batch(struct import *import, struct batch *batch)
{
    struct answer answer = { 0 };
    char request[37];
    enum exit_code code = import->failed;
    bool repeat = batch->first <= import->resumed; /* committed whole, or not at all */
    import->fresh = import->fresh || !repeat;
    batch_request(import, batch, request);
    if (code == EXIT_DONE && json_array_size(batch->rows) > 0) {
        json_t *args = ctl_memory(json_pack("{s:s, s:s, s:O, s:s}", "file_hash", import->file_hash,
                                            "collection", import->collection, "rows", batch->rows,
                                            "lane", "bulk"));
        json_object_set_new(args, import->dry ? "dry" : "request",
                            import->dry ? json_true() : json_string(request));
        code = ctl_ask(import->ctl, "import_rows", args, &answer);
    }
    if (code == EXIT_DONE) {
        json_array_extend(batch->rejected, answer.rows);
        json_array_extend(import->receipts, json_object_get(answer.done, "receipts"));
        code = write_rejects(import, batch, batch->rejected);
    }
    if (code == EXIT_DONE && !repeat) {
        import->accepted += (uint64_t)number_of(answer.done, "accepted");
        import->known += (uint64_t)number_of(answer.done, "known");
        import->alike += (uint64_t)number_of(answer.done, "alike");
    }
    import->seen += batch->count;
    answer_close(&answer);
    return code;
}

/* "1,280 of 6,000 rows (21 %), 1,300 a second, 4 s left" */
static void show_progress(const struct import *import)
{
    struct timespec now;
    if (import->ctl->args.json || !isatty(STDERR_FILENO))
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - import->began.tv_sec) +
                     (double)(now.tv_nsec - import->began.tv_nsec) / 1e9;
    double done = (double)(import->seen - import->began_at);
    double rate = seconds > 0 ? done / seconds : 0;
    double left = rate > 0 ? (double)(import->rows - import->seen) / rate : 0;
    (void)fprintf(stderr,
                  tr("\r%" PRIu64 " of %" PRIu64 " rows (%u %%), %.0f a second, %.0f s left; "
                     "%" PRIu64 " refused \033[K",
                     "\r%" PRIu64 " dari %" PRIu64 " baris (%u %%), %.0f per detik, sisa %.0f "
                     "detik; %" PRIu64 " ditolak \033[K"),
                  import->seen, import->rows,
                  (unsigned)(import->rows > 0 ? import->seen * 100 / import->rows : 100), rate,
                  left, import->rejected);
    (void)fflush(stderr);
}

/* Ctrl-C ends between two batches; a second one ends at once, which loses nothing either. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

enum exit_code import_rows(struct import *import)
{
    struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    struct sigaction before;
    struct batch batch;
    struct problem problem;
    interrupted = 0;
    (void)sigaction(SIGINT, NULL, &before);
    if (before.sa_handler != SIG_IGN)
        (void)sigaction(SIGINT, &action, NULL);
    enum exit_code code = go_to_resumed(import);
    (void)clock_gettime(CLOCK_MONOTONIC, &import->began);
    while (code == EXIT_DONE && !import->stopped && next_batch(import, true, &batch)) {
        if (csv_check(&import->file, import->path, &problem) != OK)
            code = ctl_problem(import->ctl, &problem);
        else
            code = send_batch(import, &batch);
        json_decref(batch.rows);
        json_decref(batch.rejected);
        show_progress(import);
        import->stopped = interrupted != 0 && import->seen < import->rows;
    }
    if (code == EXIT_DONE && csv_check(&import->file, import->path, &problem) != OK)
        code = ctl_problem(import->ctl, &problem);
    if (!import->ctl->args.json && isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
    (void)sigaction(SIGINT, &before, NULL);
    return code;
}
