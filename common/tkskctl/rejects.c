#include "common/tkskctl/rejects.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/files.h"
#include "common/tkskctl/say.h"

const char *const reject_columns[REJECT_COLUMNS] = { "baris", "kolom", "aturan", "alasan" };

static enum err io_failed(const struct rejects *rejects, struct problem *problem)
{
    return problem_set(problem, errno == ENOSPC ? ERR_FULL : ERR_IO, rejects->path,
                       strerror(errno));
}

enum err rejects_open(const char *path, char separator, size_t columns, const char *const *names,
                      struct rejects *ret_rejects, struct problem *problem)
{
    struct rejects rejects = { .separator = separator, .columns = columns, .names = names };
    size_t len = strlen(path);
    bool csv = len > 4 && strcmp(path + len - 4, ".csv") == 0;
    int used = snprintf(rejects.path, sizeof(rejects.path), "%.*s.rejected.csv",
                        (int)(csv ? len - 4 : len), path);
    if (used < 0 || (size_t)used >= sizeof(rejects.path))
        return problem_set(problem, ERR_LIMIT, path, NULL);
    *ret_rejects = rejects;
    return OK;
}

static void put_cell(struct rejects *rejects, const char *text, size_t index)
{
    if (index > 0)
        (void)fputc(rejects->separator, rejects->out);
    csv_put(rejects->out, text, strlen(text), rejects->separator);
}

static enum err start_file(struct rejects *rejects, struct problem *problem)
{
    rejects->out = fopen(rejects->path, "we");
    /* People's data: for the eyes of who imports. */
    if (!rejects->out || fchmod(fileno(rejects->out), 0600) != 0)
        return io_failed(rejects, problem);
    for (size_t i = 0; i < rejects->columns; i++)
        put_cell(rejects, rejects->names[i], i);
    for (size_t i = 0; i < REJECT_COLUMNS; i++)
        put_cell(rejects, reject_columns[i], rejects->columns + i);
    (void)fputc('\n', rejects->out);
    return ferror(rejects->out) ? io_failed(rejects, problem) : OK;
}

/* Copies the rows about earlier lines out of the old content into a fresh file. */
static enum err keep_before(struct rejects *rejects, struct bytes content, unsigned line,
                            struct problem *problem)
{
    struct csv csv;
    struct csv_row row;
    enum err err = csv_row_open(&row);
    if (err != OK)
        return problem_set(problem, err, rejects->path, NULL);
    /* Somebody's half-mended file is no reason to stop: then nothing of it is kept. */
    bool readable = csv_open(content, rejects->path, &csv, problem) == OK;
    csv.separator = rejects->separator;
    size_t want = rejects->columns + REJECT_COLUMNS;
    bool head = readable && csv_next(&csv, &row) && row.count == want;
    while (err == OK && head && csv_next(&csv, &row)) {
        if (row.count != want || strtoul(row.cells[rejects->columns], NULL, 10) >= line)
            continue;
        if (!rejects->out)
            err = start_file(rejects, problem);
        for (size_t i = 0; err == OK && i < want; i++)
            put_cell(rejects, row.cells[i], i);
        if (err == OK) {
            (void)fputc('\n', rejects->out);
            rejects->count++;
        }
    }
    csv_row_close(&row);
    return err;
}

enum err rejects_resume(struct rejects *rejects, unsigned line, struct problem *problem)
{
    struct buf content = { 0 };
    enum err err = OK;
    if (line > 1 && files_read(rejects->path, CSV_FILE_BYTES_MAX, &content, problem) == OK) {
        /* The old file stays until the new one is whole: a kill in between loses nothing. */
        char real[sizeof(rejects->path)];
        (void)memcpy(real, rejects->path, sizeof(real));
        int used = snprintf(rejects->path, sizeof(rejects->path), "%.4080s.new", real);
        err = used < 0 ? ERR_IO : keep_before(rejects, buf_bytes(&content), line, problem);
        if (err == OK && rejects->out) {
            err = rejects_sync(rejects, problem);
            if (err == OK && rename(rejects->path, real) != 0)
                err = io_failed(rejects, problem);
        }
        (void)memcpy(rejects->path, real, sizeof(real));
        files_release(&content);
    }
    if (err == OK && !rejects->out && unlink(rejects->path) != 0 && errno != ENOENT)
        err = io_failed(rejects, problem);
    return err;
}

enum err rejects_add(struct rejects *rejects, const struct csv_row *row, const char *column,
                     const char *rule, const char *reason, struct problem *problem)
{
    char line[16];
    if (!rejects->out) {
        enum err err = start_file(rejects, problem);
        if (err != OK)
            return err;
    }
    for (size_t i = 0; i < rejects->columns; i++)
        put_cell(rejects, i < row->count ? row->cells[i] : "", i);
    (void)snprintf(line, sizeof(line), "%u", row->line);
    put_cell(rejects, line, rejects->columns);
    put_cell(rejects, column, rejects->columns + 1);
    put_cell(rejects, rule, rejects->columns + 2);
    put_cell(rejects, reason, rejects->columns + 3);
    (void)fputc('\n', rejects->out);
    rejects->count++;
    return ferror(rejects->out) ? io_failed(rejects, problem) : OK;
}

enum err rejects_sync(struct rejects *rejects, struct problem *problem)
{
    if (rejects->out && (fflush(rejects->out) != 0 || fsync(fileno(rejects->out)) != 0))
        return io_failed(rejects, problem);
    return OK;
}

void rejects_close(struct rejects *rejects)
{
    if (rejects->out)
        (void)fclose(rejects->out);
    rejects->out = NULL;
}
