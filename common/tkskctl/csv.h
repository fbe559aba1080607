/* Strict CSV (RFC 4180) as spreadsheets of this world write it: separator , ; or tab, quotes and
 * ends of lines inside cells, byte order mark, LF, CRLF or CR, UTF-8 or windows-1252. Reads through
 * a small window, so that a file may be larger than memory; what cannot be read without guessing is
 * refused with its line. */
#pragma once

#include <stdio.h>
#include <time.h>

#include "common/err.h"

#define CSV_STDIN_BYTES_MAX (64U * 1024 * 1024) /* a pipe is kept in memory */
#define CSV_COLUMNS_MAX 256
#define CSV_ROW_BYTES_MAX (256U * 1024)
#define CSV_WINDOW_BYTES (64U * 1024)

/* Where the bytes come from. Closed with csv_file_close, also when opening failed. */
struct csv_file {
    int fd;            /* -1: all of it is in `memory` */
    struct buf memory; /* owned when it came from a pipe */
    uint64_t len;
    struct timespec changed; /* of the file, when it was opened */
    const uint8_t *window;   /* bytes from window_at on */
    uint64_t window_at;
    size_t window_len;
    uint8_t *space;
    bool windows_1252;
    bool failed; /* it could not be read, or is not what it was: see csv_check */
};

/* "-" is standard input. ERR_NOT_FOUND, ERR_DENIED, ERR_IO, ERR_LIMIT (of a pipe), ERR_MEMORY. */
NODISCARD enum err csv_file_open(const char *path, struct csv_file *ret_file,
                                 struct problem *problem);
/* Content that the caller keeps. */
void csv_file_of(struct bytes content, struct csv_file *ret_file);
void csv_file_close(struct csv_file *file);
/* H(type, label ‖ 0 ‖ content). ERR_IO. */
NODISCARD enum err csv_file_hash(struct csv_file *file, const char *type, const char *label,
                                 struct hash *ret_hash);
/* Is it still the file that was opened? ERR_FILE_CHANGED, named `name`. */
NODISCARD enum err csv_check(const struct csv_file *file, const char *name,
                             struct problem *problem);

/* A place in the file; a copy is a place of its own. */
struct csv {
    struct csv_file *file;
    uint64_t at;
    unsigned line; /* of `at`, from 1 */
    char separator;
    bool has_mark; /* it began with the byte order mark of UTF-8 */
};

/* One row; cells are NUL-terminated, unquoted UTF-8, in the row's own space. */
struct csv_row {
    unsigned line; /* where it begins */
    size_t count;
    const char *cells[CSV_COLUMNS_MAX];
    size_t lens[CSV_COLUMNS_MAX];
    char *space; /* CSV_ROW_BYTES_MAX */
};

NODISCARD enum err csv_row_open(struct csv_row *ret_row);
void csv_row_close(struct csv_row *row);

/* Knows workbooks and other things that are no CSV by their first bytes, finds the separator and
 * stands before the first row. `file` must live as long. ERR_WORKBOOK, ERR_TEXT. */
NODISCARD enum err csv_open(struct csv_file *file, const char *name, struct csv *ret_csv,
                            struct problem *problem);

/* Reads everything from `csv` on and hands each row with anything in it to `each` (may be NULL):
 * text that is text, quotes that close, widths within the limits, so that a flaw at the end is
 * known before the first row is used. ERR_TEXT, ERR_CSV, ERR_LIMIT; the problem's thing is `name`
 * and the line. */
typedef void csv_each(void *ctx, const struct csv_row *row);
NODISCARD enum err csv_scan(struct csv csv, const char *name, struct csv_row *row, csv_each *each,
                            void *ctx, struct problem *problem);

/* The next row with anything in it; false at the end, and when the file is not what csv_scan saw
 * (csv->file->failed). */
bool csv_next(struct csv *csv, struct csv_row *row);

/* Writes one cell, quoted when it must be. */
void csv_put(FILE *out, const char *text, size_t len, char separator);
