/* Copies of the hub's database, written with the rights of the person who asks, and questions to
 * it. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/crypto.h"
#include "common/tkskctl/audit.h"
#include "common/tkskctl/ctl.h"
#include "common/tkskctl/outfile.h"
#include "common/tkskctl/table.h"

#define CHUNK_BYTES_MAX (1024U * 1024)
#define CELL_COLUMNS_MAX TABLE_COLUMNS_MAX

/* --- a stream into a file ------------------------------------------------------------------- */

struct stream_file {
    struct outfile file;
    uint64_t bytes;
    uint8_t *chunk;
    struct problem problem;
};

static enum err stream_open(const char *path, struct stream_file *file)
{
    *file = (struct stream_file){ .bytes = 0 };
    file->chunk = malloc(CHUNK_BYTES_MAX);
    if (!file->chunk)
        return problem_set(&file->problem, ERR_MEMORY, path, NULL);
    return outfile_open(path, &file->file, &file->problem);
}

static enum err stream_row(void *ctx, json_t *row)
{
    struct stream_file *file = ctx;
    const char *data = json_string_value(json_object_get(row, "data"));
    struct buf chunk = buf_of(file->chunk, CHUNK_BYTES_MAX);
    enum err err = data ? crypto_unbase64(bytes_text(data), &chunk) : ERR_MALFORMED;
    if (err != OK)
        return problem_set(&file->problem, err, "data", file->file.path);
    if (fwrite(chunk.at, 1, chunk.len, file->file.out) != chunk.len)
        return outfile_failed(&file->file, errno, &file->problem);
    file->bytes += chunk.len;
    return OK;
}

static enum err stream_close(struct stream_file *file, bool keep)
{
    free(file->chunk);
    file->chunk = NULL;
    return outfile_close(&file->file, keep, &file->problem);
}

/* Streams `cmd` into `path`; *ret_done is the caller's. */
static enum exit_code stream_to(struct ctl *ctl, const char *cmd, const char *path,
                                struct stream_file *file, json_t **ret_done)
{
    json_t *done = NULL, *args = ctl_memory(json_object());
    enum exit_code asked = audit_ask(ctl, args);
    if (asked != EXIT_DONE) {
        json_decref(args);
        return asked;
    }
    enum err err = stream_open(path, file);
    if (err != OK)
        json_decref(args);
    enum exit_code code = err == OK ? ctl_stream(ctl, cmd, args, stream_row, file, &done)
                                    : ctl_problem(ctl, &file->problem);
    if (code == EXIT_DONE && json_object_get(done, "bytes") &&
        (uint64_t)number_of(done, "bytes") != file->bytes)
        code = ctl_problemf(ctl, ERR_MALFORMED, path, "%" PRIu64, file->bytes);
    err = stream_close(file, code == EXIT_DONE);
    if (code == EXIT_DONE && err != OK)
        code = ctl_problem(ctl, &file->problem);
    if (code == EXIT_DONE)
        *ret_done = done;
    else
        json_decref(done);
    return code;
}

static enum exit_code say_written(struct ctl *ctl, const struct stream_file *file,
                                  const char *sentence)
{
    char size[SAY_SIZE_MAX];
    if (ctl->args.json) {
        json_t *result = ctl_memory(
            json_pack("{s:s, s:I}", "file", file->file.path, "bytes", (json_int_t)file->bytes));
        enum exit_code code = ctl_document(ctl, result, NULL);
        json_decref(result);
        return code;
    }
    say_size(file->bytes, size);
    (void)printf("%s, %s. %s\n", file->file.path, size, sentence);
    return EXIT_DONE;
}

enum exit_code cmd_snapshot(struct ctl *ctl)
{
    struct stream_file *file = ctl_memory(malloc(sizeof(*file)));
    json_t *done = NULL;
    enum exit_code code = stream_to(ctl, "snapshot", ctl->args.words[0], file, &done);
    if (code == EXIT_DONE)
        code = say_written(ctl, file,
                           tr("A copy for reading; changes in it go nowhere.",
                              "Salinan untuk dibaca; perubahan di dalamnya tidak ke mana-mana."));
    json_decref(done);
    free(file);
    return code;
}

/* The name says which journal it holds; the hub counts it only when it is told that it is on the
 * disk. */
enum exit_code cmd_backup(struct ctl *ctl)
{
    const char *directory = ctl->args.words[0];
    struct stream_file *file = ctl_memory(malloc(sizeof(*file)));
    struct answer status, confirmed = { 0 };
    struct stat info;
    json_t *done = NULL;
    char path[4096];
    if (stat(directory, &info) != 0 || !S_ISDIR(info.st_mode)) {
        free(file);
        return ctl_problemf(ctl, ERR_NOT_FOUND, directory, "%s",
                            tr("no such directory; make it first with mkdir",
                               "direktori ini tidak ada; buat dahulu dengan mkdir"));
    }
    enum exit_code code = ctl_ask(ctl, "status", NULL, &status);
    if (code != EXIT_DONE) {
        free(file);
        return code;
    }
    (void)snprintf(path, sizeof(path), "%.4000s/hub-%.15s-%s-%s.db", directory,
                   text_of(status.done, "district"), text_of(status.done, "epoch"),
                   text_of(status.done, "journal"));
    answer_close(&status);
    code = stream_to(ctl, "backup", path, file, &done);
    if (code == EXIT_DONE)
        code = ctl_ask(ctl, "backup_done",
                       ctl_memory(json_pack("{s:s}", "name", text_of(done, "name"))), &confirmed);
    if (code == EXIT_DONE)
        code = say_written(ctl, file,
                           tr("What it holds counts as safe. Keep a copy in another place, and the "
                              "keys directory of the hub apart from it.",
                              "Isinya dihitung aman. Simpan salinan di tempat lain, dan direktori "
                              "kunci hub terpisah darinya."));
    answer_close(&confirmed);
    json_decref(done);
    free(file);
    return code;
}

/* --- query ---------------------------------------------------------------------------------- */

static void cell_text(const json_t *cell, char *space, size_t cap, const char **ret_text)
{
    *ret_text = space;
    if (json_is_string(cell))
        *ret_text = json_string_value(cell);
    else if (json_is_integer(cell))
        (void)snprintf(space, cap, "%" JSON_INTEGER_FORMAT, json_integer_value(cell));
    else if (json_is_real(cell))
        (void)snprintf(space, cap, "%.10g", json_real_value(cell));
    else
        space[0] = '\0';
}

static void print_cells(json_t *columns, json_t *rows)
{
    const char *cells[CELL_COLUMNS_MAX];
    char space[CELL_COLUMNS_MAX][32];
    struct table table;
    size_t index;
    json_t *row;
    size_t count = json_array_size(columns);
    count = count > CELL_COLUMNS_MAX ? CELL_COLUMNS_MAX : count;
    for (size_t i = 0; i < count; i++)
        cells[i] = json_string_value(json_array_get(columns, i));
    table_open(&table, count, cells);
    json_array_foreach(rows, index, row) {
        json_t *values = json_object_get(row, "cells");
        for (size_t i = 0; i < count; i++) {
            const json_t *cell = json_array_get(values, i);
            table.right[i] = json_is_number(cell);
            cell_text(cell, space[i], sizeof(space[i]), &cells[i]);
        }
        table_add(&table, cells);
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

/* Beside the table, so that nobody takes a mask for what is stored. */
static void print_masked(const json_t *names)
{
    size_t index;
    json_t *name;
    json_array_foreach(names, index, name)
        (void)fprintf(stderr, "%s%s", index > 0 ? ", " : tr("Masked: ", "Disamarkan: "),
                      json_string_value(name));
    if (json_array_size(names) > 0)
        (void)fputs(
            tr(" (--full --reason TEXT shows it)\n", " (--full --reason ALASAN menampilkannya)\n"),
            stderr);
}

enum exit_code cmd_query(struct ctl *ctl)
{
    struct answer answer;
    const char *limit = args_option(&ctl->args, "--limit-ms");
    char *end = NULL;
    long limit_ms = limit ? strtol(limit, &end, 10) : 0;
    if (limit && (*end != '\0' || limit_ms <= 0))
        return ctl_problemf(ctl, ERR_USAGE, "--limit-ms", "%s", limit);
    json_t *args = ctl_memory(json_pack("{s:s}", "sql", ctl->args.words[0]));
    if (limit)
        json_object_set_new(args, "limit_ms", json_integer(limit_ms));
    enum exit_code code = audit_ask(ctl, args);
    if (code != EXIT_DONE) {
        json_decref(args);
        return code;
    }
    code = ctl_ask(ctl, "query", args, &answer);
    if (code != EXIT_DONE)
        return code;
    json_t *columns = json_object_get(json_array_get(answer.rows, 0), "columns");
    if (!columns)
        columns = json_object_get(answer.done, "columns");
    columns = json_incref(columns);
    if (json_object_get(json_array_get(answer.rows, 0), "columns"))
        json_array_remove(answer.rows, 0);
    if (ctl->args.json) {
        json_t *result = json_deep_copy(answer.done);
        if (columns)
            json_object_set(result, "columns", columns);
        code = ctl_document(ctl, result, answer.rows);
        json_decref(result);
    } else if (json_array_size(columns) > 0) {
        print_cells(columns, answer.rows);
        print_masked(json_object_get(answer.done, "masked"));
    }
    json_decref(columns);
    answer_close(&answer);
    return code;
}
