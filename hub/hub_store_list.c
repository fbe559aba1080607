/* Rows for people, and one change as it came. What a backend tells in ids and raw values is put
 * into words here. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_store_state.h"
#include "proto/mask.h"
#include "proto/value.h"

#define VALUE_TEXT_BYTES (64 * 1024)

static const char *roster_text(const struct trust_node *node)
{
    return node->ended.reason == END_NONE ? "enrolled" : end_reason_name(node->ended.reason);
}

static enum err list_nodes(struct hub_store *store, hub_row_callback *row, void *ctx)
{
    enum err err = OK;
    for (size_t i = 0; i < store->trust.node_count && !err; i++) {
        const struct trust_node *node = &store->trust.nodes[i];
        const char *const parameters[] = { node->name, node->area, roster_text(node) };
        err = store->ops->list(store->backend, HUB_LIST_NODES, parameters, row, ctx);
    }
    return err;
}

struct conflict_list {
    struct hub_store *store;
    hub_row_callback *row;
    void *ctx;
    char *text_a, *text_b;
    enum err err;
};

/* Restricted values stay out of lists. */
static const char *value_text(const struct policy_field *field, struct bytes raw, char *space)
{
    if (!field)
        return raw.len > 0 && raw.at[0] == 0xc3 ? "deleted" : "kept";
    if (mask_restricted(field, raw))
        return "(restricted)";
    if (raw.len == 0 || value_is_nil(raw))
        return NULL;
    return value_to_text(field, raw, space, VALUE_TEXT_BYTES) == OK ? space : NULL;
}

static bool list_conflict(void *ctx, const struct row_conflict *row)
{
    static const char *const names[] = {
        "conflict", "collection", "record",   "short",    "field",
        "value_a",  "value_b",    "author_a", "author_b", "number"
    };
    struct conflict_list *list = ctx;
    struct hub_store *store = list->store;
    struct hub_record *record = store->record;
    char conflict[UUID_TEXT_BYTES], id[UUID_TEXT_BYTES], number[24];
    struct row_txn author = { .number = 0 };
    uint64_t txn = 0;
    if (!row->collection)
        return true;
    list->err = store->ops->record_get(store->backend, row->collection, &row->record, record);
    if (list->err)
        return false;
    const struct policy_field *field =
        row->field[0] ? policy_field(row->collection, bytes_text(row->field)) : NULL;
    struct hub_value stands = record_stands(record, field);
    enum err err = store->ops->txn_merged_in(store->backend, stands.rev, &txn);
    if (!err)
        err = store->ops->txn_get(store->backend, txn, &author);
    list->err = err;
    uuid_to_text(&row->id, conflict);
    uuid_to_text(&row->record, id);
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)row->number);
    const char *const values[] = { conflict,
                                   row->collection->name,
                                   id,
                                   record->short_text,
                                   row->field,
                                   value_text(field, stands.raw, list->text_a),
                                   value_text(field, row->held_value, list->text_b),
                                   author.node,
                                   row->held_node,
                                   number };
    struct hub_row given = { .names = names, .values = values, .count = COUNT_OF(names) };
    if (!err)
        list->row(list->ctx, &given);
    return err == OK;
}

static enum err list_conflicts(struct hub_store *store, hub_row_callback *row, void *ctx)
{
    struct conflict_list list = { .store = store, .row = row, .ctx = ctx };
    list.text_a = malloc(VALUE_TEXT_BYTES);
    list.text_b = malloc(VALUE_TEXT_BYTES);
    enum err err = list.text_a && list.text_b ? OK : ERR_MEMORY;
    if (!err)
        err = store->ops->conflicts_open(store->backend, list_conflict, &list);
    free(list.text_a);
    free(list.text_b);
    return err ? err : list.err;
}

enum err hub_store_list(struct hub_store *store, enum hub_list list, const char *const *parameters,
                        hub_row_callback *row, void *ctx)
{
    if (list == HUB_LIST_NODES)
        return list_nodes(store, row, ctx);
    if (list == HUB_LIST_CONFLICTS)
        return list_conflicts(store, row, ctx);
    return store->ops->list(store->backend, list, parameters, row, ctx);
}

enum err hub_store_change(struct hub_store *store, const struct hash *leaf, unsigned index,
                          struct buf *plain, struct txn *txn, struct change *ret_change)
{
    struct row_txn row;
    uint64_t number = 0;
    enum err err = store->ops->txn_find(store->backend, leaf, &number);
    if (!err)
        err = store->ops->txn_get(store->backend, number, &row);
    if (!err && row.fault)
        err = ERR_NOT_FOUND;
    if (!err)
        err = merge_plain(store, &row, plain);
    if (!err)
        err = txn_decode(buf_bytes(plain), txn);
    if (!err && index >= txn->change_count)
        err = ERR_NOT_FOUND;
    if (!err)
        *ret_change = txn->changes[index];
    return err;
}
