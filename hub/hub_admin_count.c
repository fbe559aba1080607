/* Counting records by codes, a page of them a turn of the loop. */
#include <stdlib.h>

#include "hub/hub_admin_inside.h"
#include "proto/admin_count.h"
#include "proto/value_form.h"

#define COLUMNS_TEXT_MAX ((COUNT_BY_MAX + COUNT_WHERE_MAX) * (IDENTIFIER_BYTES_MAX + 1) + 1)

struct counting {
    struct hub_admin *admin;
    struct count count;
    uint64_t rules_version;
    char columns[COLUMNS_TEXT_MAX];
    char last[2 * ID_BYTES + 1];
    size_t read, at;
    bool whole; /* all were read */
    enum err err;
};

static void count_row(void *ctx, const struct hub_row *row)
{
    struct counting *counting = ctx;
    struct bytes values[COUNT_BY_MAX + COUNT_WHERE_MAX];
    must(row->count <= (int)COUNT_OF(values) + 1);
    for (int i = 1; i < row->count; i++)
        values[i - 1] = row->values[i] != NULL ? bytes_text(row->values[i]) : bytes_of(NULL, 0);
    (void)snprintf(counting->last, sizeof counting->last, "%s",
                   row->values[0] != NULL ? row->values[0] : "");
    counting->read++;
    if (counting->err == OK)
        counting->err = count_add(&counting->count, values);
}

static enum err count_page(struct counting *counting)
{
    char last[sizeof counting->last];
    memcpy(last, counting->last, sizeof last); /* the callback moves it on */
    const char *const parameters[] = { counting->count.collection->name, last, counting->columns };
    counting->read = 0;
    enum err err = hub_store_list(counting->admin->daemon->store, HUB_LIST_VALUES, parameters,
                                  count_row, counting);
    counting->whole = counting->read < HUB_VALUES_ROWS;
    return err != OK ? err : counting->err;
}

/* While pages are read a turn gives no row. */
static enum err count_next(void *ctx, json_t **ret_row, struct problem *problem)
{
    struct counting *counting = ctx;
    if (hub_store_policy_mark(counting->admin->daemon->store).rules_version !=
        counting->rules_version)
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

/* By name or title. False: refused. */
static bool find_collection(const struct policy *policy, struct admin_call *call, const char *name,
                            const struct policy_collection **ret_collection)
{
    char names[PROBLEM_DETAIL_MAX] = "";
    *ret_collection = policy != NULL ? policy_collection_loose(policy, bytes_text(name)) : NULL;
    if (*ret_collection != NULL)
        return true;
    if (policy != NULL)
        policy_collection_names(policy, names, sizeof names);
    hub_refuse(call, ERR_COLLECTION, name, names);
    return false;
}

static void columns_add(struct counting *counting, const struct policy_field *field)
{
    size_t len = strlen(counting->columns);
    (void)snprintf(counting->columns + len, sizeof counting->columns - len, "%s%s",
                   len > 0 ? "," : "", field->name);
}

void hub_cmd_count(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_store *store = admin->daemon->store;
    const struct policy *policy = hub_store_policy(store);
    const struct policy_collection *collection;
    struct problem problem = { .code = OK };
    const char *name;
    if (!hub_arg_text(call, "collection", &name) ||
        !find_collection(policy, call, name, &collection))
        return;
    struct counting *counting = calloc(1, sizeof *counting);
    if (counting == NULL) {
        hub_refuse(call, ERR_MEMORY, "count", NULL);
        return;
    }
    counting->admin = admin;
    counting->rules_version = hub_store_policy_mark(store).rules_version;
    count_open(policy, collection, &counting->count);
    enum err err = admin_count_ask(admin_call_args(call), &counting->count, &problem);
    if (err != OK) {
        count_end(counting);
        admin_fail(call, &problem);
        return;
    }
    for (size_t i = 0; i < counting->count.by_count; i++)
        columns_add(counting, counting->count.by[i]);
    for (size_t i = 0; i < counting->count.where_count; i++)
        columns_add(counting, counting->count.where[i].field);
    err =
        admin_rows_start(&admin->rows, admin->daemon->loop, call, count_next, count_end, counting);
    if (err != OK) {
        count_end(counting);
        hub_refuse(call, err, "count", NULL);
    }
}
