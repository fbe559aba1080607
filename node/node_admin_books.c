/* The office's own books, as `reconcile` tells them. */
#include "node/node_admin_inside.h"
#include "node/node_books.h"
#include "proto/value.h"

static json_t *books_json(const struct node_books *books, bool month, const char *node,
                          uint64_t to_countersign, bool *ret_even)
{
    const uint64_t *answers = month ? books->dated : books->answers;
    uint64_t entered = month ? books->dated_entered : books->entered;
    uint64_t sum = 0, dated = 0, answered = 0;
    for (size_t i = 0; i < COUNT_OF(books->answers); i++) {
        sum += answers[i];
        answered += books->answers[i];
        dated += books->dated[i];
    }
    *ret_even = books->entered == answered && books->dated_entered == dated && books->missing == 0;
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        { "entered", entered },
        { "accepted", answers[DISPOSITION_ACCEPTED] },
        { "superseded", answers[DISPOSITION_SUPERSEDED] },
        { "rejected", answers[DISPOSITION_REJECTED] },
        { "held", answers[DISPOSITION_HELD] },
        { "quarantined", answers[DISPOSITION_QUARANTINED] },
        { "pending", answers[DISPOSITION_NONE] + answers[DISPOSITION_PARKED] },
        { "parked", answers[DISPOSITION_PARKED] },
        { "queued", answers[DISPOSITION_NONE] },
        { "undated", 0 },
        { "policy", books->policy },
        { "to_countersign", to_countersign },
    };
    json_t *row = json_object();
    node_json_set(row, "node", json_string(node));
    for (size_t i = 0; i < COUNT_OF(list); i++)
        node_json_set(row, list[i].name, node_json_uint(list[i].value));
    node_json_set(row, "difference", json_integer((json_int_t)entered - (json_int_t)sum));
    node_json_set(row, "balanced", json_boolean(*ret_even));
    return row;
}

void node_cmd_reconcile(struct node_admin *admin, struct admin_call *call)
{
    struct node_store *store = admin->parts.store;
    struct node_identity identity;
    struct node_books books;
    struct node_figures figures;
    uint64_t from_ms = 0, until_ms = 0;
    bool even = false;
    const char *month = json_string_value(json_object_get(admin_call_args(call), "month"));
    const json_t *given = json_object_get(admin_call_args(call), "month");
    if (given != NULL && !json_is_null(given) &&
        (month == NULL || !month_parse(bytes_text(month), &from_ms, &until_ms))) {
        node_admin_refuse(call, ERR_USAGE, "month", "YYYY-MM");
        return;
    }
    enum err err = node_store_identity(store, &identity);
    if (err == OK)
        err = node_store_books(store, from_ms, until_ms, &books);
    if (err == OK)
        err = node_store_figures(store, &figures);
    if (err != OK) {
        node_admin_refuse(call, err, "reconcile", NULL);
        return;
    }
    admin_row(call,
              books_json(&books, month != NULL, identity.node, figures.to_countersign, &even));
    json_t *uneven = json_array();
    if (!even)
        json_array_append_new(uneven, json_string(identity.node));
    json_t *done = json_object();
    node_json_set(done, "month", month != NULL ? json_string(month) : NULL);
    node_json_set(done, "offices", json_integer(1));
    node_json_set(done, "unbalanced", uneven);
    admin_done(call, done);
}
