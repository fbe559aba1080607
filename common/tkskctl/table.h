/* Aligned tables and labelled lists for people. Columns are as wide as their text looks (UTF-8),
 * and control characters never reach the terminal. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "common/bytes.h"

#define TABLE_COLUMNS_MAX 64

struct table {
    size_t columns;
    bool head;                     /* the first row is a head line */
    bool right[TABLE_COLUMNS_MAX]; /* numbers stand right */
    json_t *rows;                  /* arrays of strings */
};

/* `columns` titles follow as const char *; NULL as the first: a labelled list without a head line.
 */
void table_open(struct table *ret_table, size_t columns, const char *const *titles);
/* `columns` texts; NULL is an empty cell. */
void table_add(struct table *table, const char *const *cells);
/* Row of a labelled list: label and value. Left out when `value` is NULL. */
void table_label(struct table *table, const char *label, const char *value);
/* Lines are cut at `width_max` columns; 0: never. */
void table_print(const struct table *table, FILE *out, size_t width_max);
void table_close(struct table *table);

/* Columns that `text` takes on a terminal, as table_print shows it. */
size_t text_width(const char *text);
/* Prints one line of outside text, cleaned. */
void text_print(FILE *out, const char *text);
/* Columns of the terminal behind `out`; 0 when it is none. */
size_t terminal_width(FILE *out);
