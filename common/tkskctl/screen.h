/* The screens of `status` and `nodes`, made from what a daemon answers: first the lines that a
 * person came for, then the figures. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "common/tkskctl/table.h"

/* `width` 0: lines as long as they come. */
void screen_node(FILE *out, const json_t *done, size_t width);
void screen_hub(FILE *out, const json_t *done, size_t width);
void screen_offices(FILE *out, const json_t *rows, size_t width);

/* One paragraph in one colour. */
void screen_line(FILE *out, enum paint paint, size_t width, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* "Next: tkskctl attention", in the words of the language; nothing when there is none. */
void screen_next(FILE *out, const json_t *done, size_t width);

/* Rows of a labelled list; the first two always, the others only when there is something. */
void screen_number(struct table *table, const char *label, const json_t *done, const char *key);
void screen_size(struct table *table, const char *label, const json_t *done, const char *key);
void screen_some(struct table *table, const char *label, const json_t *done, const char *key,
                 enum paint paint);
/* "62 %" of the journal, while `load` says that records are on their way. */
void screen_load(struct table *table, const char *label, const json_t *done);
void screen_time(struct table *table, const char *label, const json_t *done, const char *key);
