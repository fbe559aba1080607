/* The books of every office: what its lanes say that it entered against what became of it. The two
 * sides are counted from different tables (positions of the chains; answers to changes), so that
 * they can disagree. Runs in a child, on a copy. */
#include <stdlib.h>

#include "hub/hub_admin_inside.h"
#include "proto/disposition.h"
#include "proto/value.h"

#define MONTH_TEXT_BYTES 8

/* Of one office. Entries: transactions, whatever number of changes they hold. */
struct books {
    char node[NODE_TEXT_MAX + 1];
    uint64_t received, queued, lost, heard_ms; /* positions, by the lanes */
    uint64_t positions, policy, again;         /* by what stands there */
    uint64_t entries[DISPOSITION_PARKED + 1];  /* by the gravest answer; NONE: did not open */
    uint64_t changes, missing;                 /* changes that have no answer */
    uint64_t dated_entered;                    /* of the month */
    uint64_t dated[DISPOSITION_PARKED + 1];
};

struct library {
    size_t count;
    struct books list[NODES_MAX];
    bool full;
};

static struct books *books_of(struct library *library, const char *node)
{
    for (size_t i = 0; i < library->count; i++) {
        if (strcmp(library->list[i].node, node) == 0)
            return &library->list[i];
    }
    if (library->count == NODES_MAX || strlen(node) > NODE_TEXT_MAX) {
        library->full = true;
        return NULL;
    }
    struct books *books = &library->list[library->count++];
    memcpy(books->node, node, strlen(node) + 1);
    return books;
}

static struct books *books_of_row(struct library *library, const struct hub_row *row)
{
    const char *node = hub_row_text(row, "node");
    return node != NULL ? books_of(library, node) : NULL;
}

static void row_lanes(void *ctx, const struct hub_row *row)
{
    struct books *books = books_of_row(ctx, row);
    if (books == NULL)
        return;
    books->received = hub_row_uint(row, "received");
    books->queued = hub_row_uint(row, "queued");
    books->lost = hub_row_uint(row, "lost");
    books->heard_ms = hub_row_uint(row, "heard_ms");
}

static void row_entries(void *ctx, const struct hub_row *row)
{
    struct books *books = books_of_row(ctx, row);
    if (books == NULL)
        return;
    books->positions = hub_row_uint(row, "positions");
    books->policy = hub_row_uint(row, "policy");
    books->again = hub_row_uint(row, "again");
    books->dated_entered = hub_row_uint(row, "dated");
}

static void row_answers(void *ctx, const struct hub_row *row)
{
    struct books *books = books_of_row(ctx, row);
    uint64_t disposition = hub_row_uint(row, "disposition");
    if (books == NULL || disposition > DISPOSITION_PARKED)
        return; /* an answer that is none leaves its entry without one */
    books->entries[disposition] += hub_row_uint(row, "entries");
    books->dated[disposition] += hub_row_uint(row, "dated");
    books->changes += hub_row_uint(row, "changes");
    books->missing += hub_row_uint(row, "short");
}

/* What a difference says: entries that were entered and are in no answer (negative: the other way
 * around), of all and of the month. */
struct balance {
    int64_t entered, answered, month_entered, month_answered, pending;
    bool even;
};

static struct balance balance_of(const struct books *books)
{
    struct balance balance = { .pending = (int64_t)(books->queued + books->lost) };
    for (size_t i = 0; i < COUNT_OF(books->entries); i++) {
        balance.answered += (int64_t)books->entries[i];
        balance.month_answered += (int64_t)books->dated[i];
    }
    balance.answered += balance.pending;
    balance.entered = (int64_t)(books->received + books->queued + books->lost) -
                      (int64_t)(books->policy + books->again);
    balance.month_entered = (int64_t)books->dated_entered;
    balance.even = balance.entered == balance.answered &&
                   balance.month_entered == balance.month_answered &&
                   books->positions == books->received && books->missing == 0;
    return balance;
}

/* Of a month only what has a date is counted; what has none is told beside it. */
static json_t *books_json(const struct books *books, bool month, const struct balance *balance)
{
    const uint64_t *entries = month ? books->dated : books->entries;
    int64_t entered = month ? balance->month_entered : balance->entered;
    int64_t answered = month ? balance->month_answered : balance->answered;
    uint64_t unread = books->entries[DISPOSITION_NONE];
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        { "accepted", entries[DISPOSITION_ACCEPTED] },
        { "superseded", entries[DISPOSITION_SUPERSEDED] },
        { "rejected", entries[DISPOSITION_REJECTED] + (month ? 0 : unread) },
        { "held", entries[DISPOSITION_HELD] },
        { "quarantined", entries[DISPOSITION_QUARANTINED] },
        { "pending", entries[DISPOSITION_PARKED] + (month ? 0 : books->queued + books->lost) },
        { "parked", entries[DISPOSITION_PARKED] },
        { "queued", books->queued },
        { "lost", books->lost },
        { "undated", month ? books->queued + books->lost + unread : 0 },
        { "unreadable", unread },
        { "policy", books->policy },
        { "again", books->again },
        { "unanswered_changes", books->missing },
    };
    json_t *row = json_object();
    hub_json_set(row, "node", json_string(books->node));
    hub_json_set(row, "entered", json_integer(entered));
    for (size_t i = 0; i < COUNT_OF(list); i++)
        hub_json_set(row, list[i].name, hub_json_uint(list[i].value));
    hub_json_set(row, "heard", hub_json_time(books->heard_ms));
    hub_json_set(row, "difference", json_integer(entered - answered));
    hub_json_set(row, "balanced", json_boolean(balance->even));
    return row;
}

static void line_write(FILE *out, const char *key, json_t *value)
{
    json_t *line = json_pack("{s:o}", key, value);
    char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
    (void)fprintf(out, "%s\n", text != NULL ? text : "{\"error\":{\"code\":\"memory\"}}");
    free(text);
    json_decref(line);
}

static void library_write(const struct library *library, const char *month, FILE *out)
{
    json_t *uneven = json_array();
    for (size_t i = 0; i < library->count; i++) {
        const struct balance balance = balance_of(&library->list[i]);
        if (!balance.even)
            (void)json_array_append_new(uneven, json_string(library->list[i].node));
        line_write(out, "row", books_json(&library->list[i], month != NULL, &balance));
    }
    json_t *done = json_object();
    hub_json_set(done, "month", month != NULL ? json_string(month) : NULL);
    hub_json_set(done, "offices", hub_json_uint(library->count));
    hub_json_set(done, "unbalanced", uneven);
    line_write(out, "done", done);
}

static enum err library_read(struct hub_store *store, const char *month, struct library *library)
{
    char from[24] = "0", until[24] = "0";
    const char *const range[] = { from, until };
    uint64_t from_ms, until_ms;
    if (month != NULL && !month_parse(bytes_text(month), &from_ms, &until_ms))
        return ERR_USAGE;
    if (month != NULL) {
        (void)snprintf(from, sizeof from, "%llu", (unsigned long long)from_ms);
        (void)snprintf(until, sizeof until, "%llu", (unsigned long long)until_ms);
    }
    enum err err = hub_store_list(store, HUB_LIST_BOOKS_LANES, NULL, row_lanes, library);
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_BOOKS_ENTRIES, range, row_entries, library);
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_BOOKS_ANSWERS, range, row_answers, library);
    return err == OK && library->full ? ERR_LIMIT : err;
}

void hub_reconcile_write(const char *path, const char *text, FILE *out)
{
    char district[DISTRICT_TEXT_MAX + 1];
    struct problem problem = { .code = OK };
    struct hub_store *store = NULL;
    const char *month = strchr(text, ' ');
    size_t len = month != NULL ? (size_t)(month - text) : strlen(text);
    struct library *library = calloc(1, sizeof *library);
    must(len < sizeof district);
    memcpy(district, text, len);
    district[len] = '\0';
    month = month != NULL ? month + 1 : NULL;
    enum err err = library != NULL ? OK : ERR_MEMORY;
    if (err == OK)
        err = hub_store_open(path, NULL, district, &store, &problem);
    if (err == OK)
        err = library_read(store, month, library);
    if (err == OK)
        library_write(library, month, out);
    else
        line_write(out, "error",
                   json_pack("{s:s, s:s, s:s}", "code", err_name(err), "thing", "reconcile",
                             "detail", problem.detail));
    hub_store_close(&store);
    free(library);
}

void hub_cmd_reconcile(struct hub_admin *admin, struct admin_call *call)
{
    const struct trust *trust = hub_store_trust(admin->daemon->store);
    const json_t *month = json_object_get(admin_call_args(call), "month");
    char copy[HUB_PATH_MAX], text[DISTRICT_TEXT_MAX + 1 + MONTH_TEXT_BYTES];
    uint64_t from_ms, until_ms;
    (void)snprintf(text, sizeof text, "%s", trust->district);
    if (month != NULL && !json_is_null(month)) {
        const char *name = json_string_value(month);
        if (name == NULL || !month_parse(bytes_text(name), &from_ms, &until_ms)) {
            hub_refuse(call, ERR_USAGE, "month", "YYYY-MM");
            return;
        }
        (void)snprintf(text, sizeof text, "%s %s", trust->district, name);
    }
    if (hub_copy_make(admin, call, copy))
        hub_query_start(admin->daemon, &admin->queries, call, QUERY_RECONCILE, copy, text,
                        QUERY_LIMIT_MS_MAX);
}
