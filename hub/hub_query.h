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
    QUERY_SQL,      /* `text` is one SELECT: a row of columns, rows of cells, done */
    QUERY_SQL_FULL, /* the same without masks */
    QUERY_VERIFY,   /* the journal, its replay and the content hash */
    QUERY_RECONCILE /* `text` is "DISTRICT" or "DISTRICT MONTH": the books of every office */
};

/* Starts a child that reads the file `copy`, which is removed with it. The call is ended in any
 * case.
 * `*queries` is the list that it stands in. */
void hub_query_start(struct hub_daemon *daemon, struct hub_query **queries, struct admin_call *call,
                     enum query_kind kind, const char *copy, const char *text, uint64_t limit_ms);
/* Kills all; their calls are ended. */
void hub_queries_close(struct hub_query **queries);

/* hub_store_query.c: one SELECT on the copy at `path`, as lines of JSON to `out`, ending in
 * {"done":{count, masked: names of columns that were read and are masked}} or {"error":…}. Runs in
 * the child. Unless it is full, it reads values only as views_masked gives them, and of the store's
 * own tables only what holds none. */
struct hub_question {
    const char *sql;
    unsigned limit_ms;
    bool full;
    const struct policy *policy; /* NULL: none yet, so no collections */
};
void hub_store_query(const char *path, const struct hub_question *question, FILE *out);

/* hub_admin_reconcile.c: the same for the books. */
void hub_reconcile_write(const char *path, const char *text, FILE *out);
