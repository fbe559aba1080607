/* Strict CSV (RFC 4180) as spreadsheets of this world write it: separator , ; or tab, quotes and
 * ends of lines inside fields, byte order mark, CRLF. Works over the whole file in memory; what
 * cannot be read without guessing is refused with its line. */
#pragma once

#include <stdio.h>

#include "common/err.h"

#define CSV_FILE_BYTES_MAX (64U * 1024 * 1024)
#define CSV_COLUMNS_MAX 256
#define CSV_ROW_BYTES_MAX (256U * 1024)

struct csv {
    struct bytes text; /* borrowed, UTF-8, without byte order mark */
    size_t at;
    unsigned line; /* of `at`, from 1 */
    char separator;
};

/* One row; cells are NUL-terminated and unquoted, in the row's own space. */
struct csv_row {
    unsigned line; /* where it begins */
    size_t count;
    const char *cells[CSV_COLUMNS_MAX];
    size_t lens[CSV_COLUMNS_MAX];
    char *space; /* CSV_ROW_BYTES_MAX */
};

/* Checks the text (UTF-8 without NUL, quotes that close, widths within the limits), finds the
 * separator and stands before the first row. `content` must live as long. ERR_TEXT, ERR_CSV,
 * ERR_LIMIT; the problem's thing is `name` and the line. */
NODISCARD enum err csv_open(struct bytes content, const char *name, struct csv *ret_csv,
                            struct problem *problem);

NODISCARD enum err csv_row_open(struct csv_row *ret_row);
void csv_row_close(struct csv_row *row);

/* The next row with anything in it; false at the end. After csv_open it cannot fail. */
bool csv_next(struct csv *csv, struct csv_row *row);

/* UTF-8 from windows-1252 into memory that the caller frees. ERR_TEXT with the line of a byte that
 * this encoding does not have. */
NODISCARD enum err csv_from_windows_1252(struct bytes content, const char *name, char **ret_text,
                                         size_t *ret_len, struct problem *problem);

/* Writes one cell, quoted when it must be. */
void csv_put(FILE *out, const char *text, size_t len, char separator);
