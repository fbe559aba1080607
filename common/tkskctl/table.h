/* Aligned tables, labelled lists and paragraphs for people. Columns are as wide as their text looks
 * (UTF-8, wide characters), and control characters never reach the terminal.
 *
 * A table that is wider than the terminal gives way in this order: the column that wraps, if there
 * is one, becomes narrower and takes more lines; titles that are wider than what stands under them
 * are cut with "…"; then the widest columns of words; numbers, dates, long identifiers and the
 * first column stay whole as long as anything else can give. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "common/bytes.h"
#include "common/tkskctl/paint.h"

#define TABLE_COLUMNS_MAX 64

struct table {
    size_t columns;
    bool head;                     /* the first row is a head line */
    bool right[TABLE_COLUMNS_MAX]; /* numbers stand right */
    bool whole[TABLE_COLUMNS_MAX]; /* never cut while another column can be */
    bool drops_empty;              /* columns without any text under their title are left out */
    int wraps;                     /* the column whose text takes several lines; -1: none */
    json_t *rows;                  /* arrays of texts, then of paints */
};

/* `columns` titles; NULL: no head line. In a table of two columns without head the second wraps. */
void table_open(struct table *ret_table, size_t columns, const char *const *titles);
/* `columns` texts; NULL is an empty cell. */
void table_add(struct table *table, const char *const *cells);
/* Colours a cell of the row that was added last. */
void table_paint(struct table *table, size_t column, enum paint paint);
/* Row of a labelled list: label and value. Left out when `value` is NULL. */
void table_label(struct table *table, const char *label, const char *value);
/* No line is wider than `width_max` columns; 0: as wide as it wants to be. */
void table_print(const struct table *table, FILE *out, size_t width_max);
void table_close(struct table *table);

/* Columns that `text` takes on a terminal, as table_print shows it. */
size_t text_width(const char *text);
/* Prints one line of outside text, cleaned. */
void text_print(FILE *out, const char *text);
/* A paragraph of outside text, ended with a line feed: lines of at most `width_max` columns (0: one
 * line) broken between words; all but the first are indented by `indent` blanks. */
void text_wrap(FILE *out, const char *text, size_t indent, size_t width_max);
/* Columns of the terminal behind `out`; 0 when it is none. */
size_t terminal_width(FILE *out);
