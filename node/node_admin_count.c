/* Counting records by codes, a page of them a turn of the loop. */
#include <stdlib.h>

#include "node/node_admin_inside.h"
#include "proto/admin_count.h"

#define COUNT_PAGE 256

struct counting {
    struct node_admin *admin;
    struct count count;
    struct hash rules; /* that it began with */
    struct id last;
    unsigned seen;
    size_t at;
    bool whole; /* all were read */
    enum err err;
};

/* "" none, "1" and "0" for a bool, else the code or date. Borrows from the view. */
static struct bytes value_text(const struct record_view *view, const struct policy_field *field)
{
    struct bytes value = record_view_value(view, field);
    struct reader in = reader_of(value);
    if (value.len > 0 && reader_peek(&in) == KIND_BOOL)
        return bytes_text(reader_bool(&in) ? "1" : "0");
    return value_string(value);
}

static void count_one(void *ctx, const struct record_view *view)
{
    struct counting *counting = ctx;
    const struct count *count = &counting->count;
    struct bytes values[COUNT_BY_MAX + COUNT_WHERE_MAX];
    counting->seen++;
    counting->last = view->id;
    if (view->deleted || counting->err != OK)
        return;
    for (size_t i = 0; i < count->by_count; i++)
        values[i] = value_text(view, count->by[i]);
    for (size_t i = 0; i < count->where_count; i++)
        values[count->by_count + i] = value_text(view, count->where[i].field);
    counting->err = count_add(&counting->count, values);
}

static enum err count_page(struct counting *counting)
{
    struct id after = counting->last;
    counting->seen = 0;
    enum err err =
        node_store_list(counting->admin->parts.store, bytes_text(counting->count.collection->name),
                        &after, COUNT_PAGE, count_one, counting);
    counting->whole = counting->seen < COUNT_PAGE;
    return err != OK ? err : counting->err;
}

/* While pages are read a turn gives no row. */
static enum err count_next(void *ctx, json_t **ret_row, struct problem *problem)
{
    struct counting *counting = ctx;
    const struct policy *policy = node_store_policy(counting->admin->parts.store);
    if (policy == NULL || !hash_equal(&policy->hash, &counting->rules))
        return problem_set(problem, ERR_BUSY, "count", "a new policy came; ask again");
    if (!counting->whole)
        return count_page(counting);
    if (counting->at < counting->count.cell_count) {
        *ret_row = admin_count_cell(&counting->count, &counting->count.cells[counting->at++]);
        return OK;
    }
    *ret_row = admin_count_done(&counting->count);
    return ERR_NOT_FOUND;
}

static void count_end(void *ctx)
{
    struct counting *counting = ctx;
    count_close(&counting->count);
    free(counting);
}

void node_cmd_count(struct node_admin *admin, struct admin_call *call)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *collection;
    struct problem problem = { .code = OK };
    struct bytes name;
    if (!node_arg_needed(call, "collection", &name) ||
        !node_arg_collection(admin, call, name, &collection))
        return;
    struct counting *counting = calloc(1, sizeof *counting);
    if (counting == NULL) {
        node_admin_refuse(call, ERR_MEMORY, "count", NULL);
        return;
    }
    counting->admin = admin;
    counting->rules = policy->hash;
    count_open(policy, collection, &counting->count);
    enum err err = admin_count_ask(admin_call_args(call), &counting->count, &problem);
    if (err != OK) {
        count_end(counting);
        admin_fail(call, &problem);
        return;
    }
    err = admin_rows_start(&admin->rows, admin->parts.loop, call, count_next, count_end, counting);
    if (err != OK) {
        count_end(counting);
        node_admin_refuse(call, err, "count", NULL);
    }
}
