/* Questions that take long or that people write themselves: each runs in a forked child, on a copy
 * of the database, with a time limit, and answers over a pipe. The live file and the daemon's loop
 * never wait for one; a child that crashes or is too slow ends with its question. */
#pragma once

#include <stdio.h>

#include "common/admin.h"
#include "hub/hub_daemon.h"

struct hub_query;

#define QUERIES_MAX 4
#define QUERY_LIMIT_MS_DEFAULT 10000
#define QUERY_LIMIT_MS_MAX (10 * 60 * 1000)
#define QUERY_LINE_BYTES_MAX (1024 * 1024)

enum query_kind {
    QUERY_SQL,   /* `text` is one SELECT: a row of columns, rows of cells, done */
    QUERY_VERIFY /* the journal, its replay and the content hash */
};

/* Starts a child that reads the file `copy`, which is removed with it. The call is ended in any
 * case.
 * `*queries` is the list that it stands in. */
void hub_query_start(struct hub_daemon *daemon, struct hub_query **queries, struct admin_call *call,
                     enum query_kind kind, const char *copy, const char *text, uint64_t limit_ms);
/* Kills all; their calls are ended. */
void hub_queries_close(struct hub_query **queries);

/* hub_store_query.c: one SELECT on the copy at `path`, as lines of JSON to `out`, ending in
 * {"done":…} or
 * {"error":…}. Runs in the child. */
void hub_store_query(const char *path, const char *sql, unsigned limit_ms, FILE *out);
