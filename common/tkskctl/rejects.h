/* FILE.rejected.csv: the rows of an import that were not taken, with the reason, ready to be mended
 * and imported again. */
#pragma once

#include <stdio.h>

#include "common/tkskctl/csv.h"

/* Columns that stand behind the original ones; a re-import leaves them out. */
#define REJECT_COLUMNS 4
extern const char *const reject_columns[REJECT_COLUMNS];

struct rejects {
    char path[4096];
    char separator;
    bool mark;      /* begins with the byte order mark, for spreadsheets */
    size_t columns; /* original ones */
    const char *const *names;
    FILE *out;             /* NULL until the first rejected row */
    bool unsaved, unnamed; /* not durable yet: what was added, the name of the file */
    uint64_t count;        /* rows in the file */
};

/* Names the file beside `path`; of `rejects` the separator, mark, columns and names (borrowed) are
 * given. ERR_LIMIT: the path is too long. */
NODISCARD enum err rejects_open(const char *path, struct rejects *rejects, struct problem *problem);
/* Keeps what an interrupted import wrote about lines before `line`; 1 keeps nothing. */
NODISCARD enum err rejects_resume(struct rejects *rejects, unsigned line, struct problem *problem);
NODISCARD enum err rejects_add(struct rejects *rejects, const struct csv_row *row,
                               const char *column, const char *rule, const char *reason,
                               struct problem *problem);
/* Makes durable what was added. */
NODISCARD enum err rejects_sync(struct rejects *rejects, struct problem *problem);
void rejects_close(struct rejects *rejects);
