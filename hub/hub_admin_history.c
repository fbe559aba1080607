/* What became of one record: who changed which of its fields, when by their own clock, and what the
 * merge made of it. Names of fields are told of all; values of those that few may see never are. */
#include <stdlib.h>

#include "hub/hub_admin_inside.h"
#include "proto/mask.h"
#include "proto/txn.h"
#include "proto/value.h"

/* The newest changes are read in full, within these; of older ones the row alone is told. */
#define CHANGES_READ_MAX 512
#define VALUE_BYTES_SUM_MAX (1024 * 1024)
#define VALUE_BYTES_MAX (64 * 1024)

struct history {
    struct hub_store *store;
    enum lang lang;
    const struct policy_collection *collection;
    json_t *rows;
    size_t value_bytes; /* told so far */
    struct buf plain;
    struct txn *txn;
    char *text; /* VALUE_BYTES_MAX */
};

static json_t *text_json(const char *text)
{
    return text != NULL ? json_string(text) : NULL;
}

static json_t *operator_json(const struct history *history, uint64_t number)
{
    const struct trust_operator *op =
        number <= UINT32_MAX ? trust_operator(hub_store_trust(history->store), (uint32_t)number)
                             : NULL;
    return op != NULL ? json_string(op->name) : NULL;
}

static void row_history(void *ctx, const struct hub_row *row)
{
    static const char *const columns[] = { "leaf", "op", "disposition", "node", "reason", "field" };
    struct history *history = ctx;
    uint64_t operator_number = hub_row_uint(row, "operator");
    json_t *object = json_object();
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        hub_json_set(object, columns[i], text_json(hub_row_text(row, columns[i])));
    hub_json_set(object, "state", json_string("received"));
    hub_json_set(object, "reason_text",
                 hub_json_refusal(history->store, history->collection, hub_row_text(row, "reason"),
                                  hub_row_text(row, "field"), history->lang));
    hub_json_set(object, "number", hub_json_uint(hub_row_uint(row, "number")));
    hub_json_set(object, "index", hub_json_uint(hub_row_uint(row, "index")));
    hub_json_set(object, "operator", hub_json_uint(operator_number));
    hub_json_set(object, "operator_name", operator_json(history, operator_number));
    hub_json_set(object, "claimed", hub_json_time(hub_row_uint(row, "claimed_ms")));
    hub_json_set(object, "received", hub_json_time(hub_row_uint(row, "received_ms")));
    hub_json_set(object, "fields", NULL);
    (void)json_array_append_new(history->rows, object);
}

/* Only what the policy in force knows as open or personal: not specific or restricted values, not
 * fields it has no word for. */
static json_t *value_json(struct history *history, struct bytes name, struct bytes value)
{
    const struct policy_field *field =
        history->collection != NULL ? policy_field(history->collection, name) : NULL;
    if (field == NULL || field->sensitivity > SENSITIVITY_P || mask_restricted(field, value) ||
        value_is_nil(value) || value_to_text(field, value, history->text, VALUE_BYTES_MAX) != OK)
        return NULL;
    history->value_bytes += strlen(history->text);
    json_t *json = history->value_bytes <= VALUE_BYTES_SUM_MAX ? json_string(history->text) : NULL;
    crypto_wipe(history->text, strlen(history->text));
    return json;
}

/* {name: value}; null where the value is not told. */
static json_t *fields_json(struct history *history, struct bytes fields)
{
    char key[IDENTIFIER_BYTES_MAX + 1];
    json_t *object = json_object();
    struct field_iter iter = fields_of(fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        if (name.len == 0 || name.len > IDENTIFIER_BYTES_MAX)
            continue; /* whether the record is there: `op` says it */
        memcpy(key, name.at, name.len);
        key[name.len] = '\0';
        hub_json_set(object, key, value_json(history, name, value));
    }
    return object;
}

/* Names of those who countersigned the transaction in history->txn; null when nobody did. */
static json_t *countersigners_json(const struct history *history)
{
    const struct txn *txn = history->txn;
    if (txn->countersignature_count == 0)
        return NULL;
    json_t *names = json_array();
    for (unsigned i = 0; i < txn->countersignature_count; i++) {
        json_t *name = operator_json(history, txn->countersignatures[i].operator_number);
        (void)json_array_append_new(names, name != NULL ? name : json_null());
    }
    return names;
}

static enum err row_fields(struct history *history, json_t *row)
{
    struct hash leaf;
    struct change change;
    const char *hex = json_string_value(json_object_get(row, "leaf"));
    json_int_t index = json_integer_value(json_object_get(row, "index"));
    if (hex == NULL || !crypto_unhex(bytes_text(hex), leaf.at, sizeof leaf.at))
        return ERR_STORE;
    enum err err = hub_store_change(history->store, &leaf, (unsigned)index, &history->plain,
                                    history->txn, &change);
    if (err == OK) {
        hub_json_set(row, "fields", fields_json(history, change.fields));
        hub_json_set(row, "countersigned_by", countersigners_json(history));
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err hub_history(struct hub_admin *admin, const char *record,
                     const struct policy_collection *collection, enum lang lang, json_t *rows)
{
    const char *const parameters[] = { record };
    struct history history = { .store = admin->daemon->store,
                               .lang = lang,
                               .collection = collection,
                               .rows = rows,
                               .plain =
                                   buf_of(malloc(TRANSACTION_BYTES_MAX), TRANSACTION_BYTES_MAX),
                               .txn = malloc(sizeof *history.txn),
                               .text = malloc(VALUE_BYTES_MAX) };
    enum err err =
        history.plain.at != NULL && history.txn != NULL && history.text != NULL ? OK : ERR_MEMORY;
    if (err == OK)
        err = hub_store_list(history.store, HUB_LIST_HISTORY, parameters, row_history, &history);
    size_t count = json_array_size(rows);
    for (size_t i = 0; i < count && i < CHANGES_READ_MAX && err == OK; i++)
        err = row_fields(&history, json_array_get(rows, count - 1 - i));
    if (history.plain.at != NULL)
        crypto_wipe(history.plain.at, history.plain.cap);
    free(history.plain.at);
    free(history.txn);
    free(history.text);
    return err;
}
