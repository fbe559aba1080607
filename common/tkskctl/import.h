/* One import under way: cmd_import.c opens the file, finds the header and says the result;
 * import_rows.c takes the rows to the daemon. */
#pragma once

#include <time.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/damage.h"
#include "common/tkskctl/rejects.h"

#define IMPORT_REFUSALS_SHOWN 20 /* by --dry-run */

struct import {
    struct ctl *ctl;
    const char *path;
    bool dry;
    char collection[64];
    struct csv_file file;
    struct csv csv; /* stands before the next row */
    struct csv_row row;
    struct damage damage; /* of columns as they stand in the file */
    size_t columns;       /* without those that a rejected file adds */
    size_t loose;         /* --ignore: cells under nameless columns up to this one are left out */
    size_t own;           /* index of the first of those four; SIZE_MAX: not there */
    char *names[CSV_COLUMNS_MAX];
    const char *fields[CSV_COLUMNS_MAX]; /* NULL: the column is left out */
    const char *types[CSV_COLUMNS_MAX];  /* of the fields: "nik" */
    bool files[CSV_COLUMNS_MAX];         /* the field is for photos and files */
    char *base;                          /* directory of the file: "@front.jpg" lies there */
    json_t *begun;                       /* import_begin's answer; owns fields and types */
    char file_hash[2 * HASH_BYTES + 1];
    struct rejects rejects;
    json_t *refusals;     /* the first ones, when dry */
    json_t *receipts;     /* of submissions: {line, short, receipt} */
    uint64_t rows;        /* below the header */
    uint64_t rows_before; /* down to the header, with titles */
    uint64_t seen;
    uint64_t accepted, known, alike, rejected;
    uint64_t unprotected;  /* cells that had an apostrophe in front of digits */
    unsigned resumed;      /* line after which an interrupted import goes on; 0 = from the start */
    bool fresh;            /* there were rows that no earlier run had dealt with */
    bool stopped;          /* by Ctrl-C */
    enum exit_code failed; /* while a file was handed over */
    struct timespec began;
    uint64_t began_at; /* rows seen then */
};

/* The next row, without the columns that a rejected file adds. */
bool import_next(struct import *import, struct csv_row *row);
/* The column of the file that holds a field. */
const char *import_column_of(const struct import *import, const char *field);

/* All rows, in batches that the daemon commits together with the progress. */
NODISCARD enum exit_code import_rows(struct import *import);
