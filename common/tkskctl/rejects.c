#include "common/tkskctl/rejects.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>
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

enum err rejects_open(const char *path, struct rejects *rejects, struct problem *problem)
{
    size_t len = strlen(path);
    bool csv = len > 4 && strcasecmp(path + len - 4, ".csv") == 0;
    if (strcmp(path, "-") == 0) { /* beside standard input: here */
        path = "import";
        len = strlen(path);
    }
    int used = snprintf(rejects->path, sizeof(rejects->path), "%.*s.rejected.csv",
                        (int)(csv ? len - 4 : len), path);
    if (used < 0 || (size_t)used >= sizeof(rejects->path))
        return problem_set(problem, ERR_LIMIT, path, NULL);
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
    rejects->unsaved = rejects->unnamed = true;
    if (rejects->mark)
        (void)fputs("\xef\xbb\xbf", rejects->out);
    for (size_t i = 0; i < rejects->columns; i++)
        put_cell(rejects, rejects->names[i], i);
    for (size_t i = 0; i < REJECT_COLUMNS; i++)
        put_cell(rejects, reject_columns[i], rejects->columns + i);
    (void)fputc('\n', rejects->out);
    return ferror(rejects->out) ? io_failed(rejects, problem) : OK;
}

/* Copies the rows about earlier lines out of the old file into a fresh one. */
static enum err keep_before(struct rejects *rejects, struct csv_file *old, unsigned line,
                            struct problem *problem)
{
    struct csv csv;
    struct csv_row row;
    struct problem unread;
    enum err err = csv_row_open(&row);
    if (err != OK)
        return problem_set(problem, err, rejects->path, NULL);
    /* Somebody's half-mended file is no reason to stop: then nothing of it is kept. */
    bool readable = csv_open(old, rejects->path, &csv, &unread) == OK;
    csv.separator = rejects->separator;
    readable = readable && csv_scan(csv, rejects->path, &row, NULL, NULL, &unread) == OK;
    size_t want = rejects->columns + REJECT_COLUMNS;
    bool head = readable && csv_next(&csv, &row) && row.count == want;
    while (err == OK && head && csv_next(&csv, &row)) {
        if (row.count < want || strtoul(row.cells[rejects->columns], NULL, 10) >= line)
            continue;
        if (!rejects->out)
            err = start_file(rejects, problem);
        for (size_t i = 0; err == OK && i < row.count; i++)
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
    struct csv_file old = { .fd = -1 };
    struct problem unread;
    enum err err = OK;
    if (line > 1 && csv_file_open(rejects->path, &old, &unread) == OK) {
        /* The old file stays until the new one is whole: a kill in between loses nothing. */
        char real[sizeof(rejects->path)];
        (void)memcpy(real, rejects->path, sizeof(real));
        int used = snprintf(rejects->path, sizeof(rejects->path), "%.4080s.new", real);
        err = used < 0 ? ERR_IO : keep_before(rejects, &old, line, problem);
        if (err == OK && rejects->out) {
            err = rejects_sync(rejects, problem);
            if (err == OK && rename(rejects->path, real) != 0)
                err = io_failed(rejects, problem);
            rejects->unsaved = rejects->unnamed = true;
        }
        (void)memcpy(rejects->path, real, sizeof(real));
    }
    csv_file_close(&old);
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
    /* Cells too many go last: nothing of the row is lost, and it does not fit the next time either.
     */
    for (size_t i = rejects->columns; i < row->count; i++)
        put_cell(rejects, row->cells[i], i + REJECT_COLUMNS);
    (void)fputc('\n', rejects->out);
    rejects->count++;
    rejects->unsaved = true;
    return ferror(rejects->out) ? io_failed(rejects, problem) : OK;
}

enum err rejects_sync(struct rejects *rejects, struct problem *problem)
{
    if (!rejects->out || !rejects->unsaved)
        return OK;
    if (fflush(rejects->out) != 0 || fsync(fileno(rejects->out)) != 0)
        return io_failed(rejects, problem);
    if (rejects->unnamed && files_sync_directory_of(rejects->path) != OK)
        return io_failed(rejects, problem);
    rejects->unsaved = rejects->unnamed = false;
    return OK;
}

void rejects_close(struct rejects *rejects)
{
    if (rejects->out)
        (void)fclose(rejects->out);
    rejects->out = NULL;
}
