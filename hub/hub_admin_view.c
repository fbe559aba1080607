#include <stdio.h>

#include "hub/hub_admin_inside.h"
#include "proto/mask.h"
#include "proto/value.h"

#define MATCHES_MAX 50

static json_t *column_json(const struct hub_row *row, const char *name)
{
    const char *text = hub_row_text(row, name);
    return text != NULL ? json_string(text) : NULL;
}

static void column_copy(const struct hub_row *row, const char *name, char *ret, size_t cap)
{
    const char *text = hub_row_text(row, name);
    (void)snprintf(ret, cap, "%s", text != NULL ? text : "");
}

/* The label of a field, where the policy knows it. */
static json_t *label_json(const struct policy_collection *collection, const char *field)
{
    const struct policy_field *known =
        collection != NULL && field != NULL ? policy_field(collection, bytes_text(field)) : NULL;
    return known != NULL && known->label != NULL ? json_string(known->label) : NULL;
}

static const struct policy_collection *collection_of(const struct hub_admin *admin,
                                                     const char *name)
{
    const struct policy *policy = hub_store_policy(admin->daemon->store);
    return policy != NULL && name != NULL ? policy_collection(policy, bytes_text(name)) : NULL;
}

/* ---- conflict_list */

struct rows_to {
    const struct hub_admin *admin;
    json_t *rows;
};

/* Specific values are told by `show --full` alone; restricted ones have gone already. */
static json_t *conflict_value(const struct policy_field *field, const char *value)
{
    bool masked = field != NULL && mask_of(field, bytes_of(NULL, 0), MASK_RECORD) != MASK_NONE;
    return value == NULL ? NULL : json_string(masked ? MASK_TEXT : value);
}

static void row_conflict(void *ctx, const struct hub_row *row)
{
    static const char *const columns[] = { "conflict", "short",    "collection",
                                           "field",    "author_a", "author_b" };
    struct rows_to *to = ctx;
    const struct policy_collection *collection =
        collection_of(to->admin, hub_row_text(row, "collection"));
    const char *name = hub_row_text(row, "field");
    const struct policy_field *field =
        collection != NULL && name != NULL ? policy_field(collection, bytes_text(name)) : NULL;
    json_t *object = json_object();
    hub_json_set(object, "value_a", conflict_value(field, hub_row_text(row, "value_a")));
    hub_json_set(object, "value_b", conflict_value(field, hub_row_text(row, "value_b")));
    for (size_t i = 0; i < COUNT_OF(columns); i++)
        hub_json_set(object, columns[i], column_json(row, columns[i]));
    hub_json_set(object, "id", column_json(row, "record"));
    hub_json_set(object, "number", hub_json_uint(hub_row_uint(row, "number")));
    hub_json_set(object, "label", label_json(collection, name));
    (void)json_array_append_new(to->rows, object);
}

void hub_cmd_conflict_list(struct hub_admin *admin, struct admin_call *call)
{
    struct rows_to to = { .admin = admin, .rows = json_array() };
    size_t index;
    json_t *row;
    enum err err =
        hub_store_list(admin->daemon->store, HUB_LIST_CONFLICTS, NULL, row_conflict, &to);
    const struct hub_looked looked = { .op = ACCESS_LIST,
                                       .what = "conflict",
                                       .count = json_array_size(to.rows) };
    if (err != OK) {
        hub_refuse(call, err, "conflicts", "the database");
    } else if (looked.count == 0 || hub_ask_log(admin, call, NULL, &looked)) {
        json_array_foreach(to.rows, index, row)
            admin_row(call, json_incref(row));
        admin_done(call, NULL);
    }
    json_decref(to.rows);
}

/* ---- show */

struct found {
    unsigned count;
    json_t *rows;
    char id[UUID_TEXT_BYTES];
    char collection[IDENTIFIER_BYTES_MAX + 1];
    char short_text[24];
    bool deleted;
};

static void row_found(void *ctx, const struct hub_row *row)
{
    struct found *found = ctx;
    if (++found->count > MATCHES_MAX)
        return;
    column_copy(row, "id", found->id, sizeof found->id);
    column_copy(row, "collection", found->collection, sizeof found->collection);
    column_copy(row, "short", found->short_text, sizeof found->short_text);
    found->deleted = hub_row_uint(row, "deleted") != 0;
    json_t *object = json_object();
    hub_json_set(object, "id", column_json(row, "id"));
    hub_json_set(object, "short", column_json(row, "short"));
    hub_json_set(object, "collection", column_json(row, "collection"));
    (void)json_array_append_new(found->rows, object);
}

struct shown {
    const struct hub_admin *admin;
    struct admin_call *call;
    const struct found *found;
    bool full;
    json_t *fields; /* array */
    json_t *held;   /* object: names of fields in an open conflict */
    json_t *history;
    uint64_t rev;
};

static void row_held(void *ctx, const struct hub_row *row)
{
    struct shown *shown = ctx;
    const char *record = hub_row_text(row, "record");
    const char *field = hub_row_text(row, "field");
    if (record != NULL && field != NULL && strcmp(record, shown->found->id) == 0)
        hub_json_set(shown->held, field, json_true());
}

/* The columns of the view in the order of the policy; restricted fields are only among them when
 * all is asked for. */
static void row_record(void *ctx, const struct hub_row *row)
{
    struct shown *shown = ctx;
    const struct policy_collection *collection =
        collection_of(shown->admin, shown->found->collection);
    const char *rev = hub_row_text(row, "_rev") != NULL ? "_rev" : "rev";
    shown->rev = hub_row_uint(row, rev);
    for (size_t i = 0; collection != NULL && i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        const char *value = hub_row_text(row, field->name);
        bool held = json_object_get(shown->held, field->name) != NULL;
        bool masked = !shown->full && mask_of(field, bytes_of(NULL, 0), MASK_RECORD) != MASK_NONE;
        if (value == NULL && !held)
            continue;
        if (value != NULL && masked)
            value = MASK_TEXT;
        json_t *object = json_object();
        hub_json_set(object, "name", json_string(field->name));
        hub_json_set(object, "label", label_json(collection, field->name));
        hub_json_set(object, "value", value != NULL ? json_string(value) : NULL);
        hub_json_set(
            object, "text",
            masked ? NULL
                   : hub_json_shown(hub_store_policy(shown->admin->daemon->store), field, value));
        hub_json_set(object, "masked", json_boolean(masked));
        hub_json_set(object, "held", json_boolean(held));
        json_t *blobs = masked ? NULL : hub_json_blobs(field, value);
        if (blobs != NULL)
            hub_json_set(object, "blobs", blobs);
        (void)json_array_append_new(shown->fields, object);
    }
}

static void record_show(struct hub_admin *admin, struct admin_call *call, const struct found *found,
                        const struct hub_ask *ask)
{
    struct hub_store *store = admin->daemon->store;
    struct shown shown = { .admin = admin,
                           .call = call,
                           .found = found,
                           .full = ask->full,
                           .fields = json_array(),
                           .held = json_object(),
                           .history = json_array() };
    const char *const record[] = { found->collection, found->id };
    const struct policy_collection *collection = collection_of(admin, found->collection);
    enum err err = hub_store_list(store, HUB_LIST_CONFLICTS, NULL, row_held, &shown);
    if (err == OK)
        err = hub_store_list(store, ask->full ? HUB_LIST_RECORD_FULL : HUB_LIST_RECORD, record,
                             row_record, &shown);
    if (err == OK)
        err = hub_history(admin, found->id, collection, admin_call_lang(call), shown.history);
    bool held = json_object_size(shown.held) > 0;
    json_t *done = json_object();
    hub_json_set(done, "id", json_string(found->id));
    hub_json_set(done, "short", json_string(found->short_text));
    hub_json_set(done, "collection", json_string(found->collection));
    hub_json_set(done, "title",
                 collection != NULL && collection->title != NULL ? json_string(collection->title)
                                                                 : NULL);
    hub_json_set(done, "rev", hub_json_uint(shown.rev));
    hub_json_set(done, "state",
                 json_string(found->deleted ? "deleted"
                             : held         ? "held"
                                            : "confirmed"));
    hub_answer_show(admin, collection, found->id, found->short_text, done);
    hub_blobs_locate(shown.fields, shown.history);
    hub_json_set(done, "fields", shown.fields);
    hub_json_set(done, "history", shown.history);
    json_decref(shown.held);
    const struct hub_looked looked = { .op = ACCESS_LOOK,
                                       .what = found->collection,
                                       .record = found->id };
    if (err != OK)
        hub_refuse(call, err, found->id, "the database");
    else if (hub_ask_log(admin, call, ask, &looked))
        admin_done(call, json_incref(done));
    json_decref(done);
}

void hub_cmd_show(struct hub_admin *admin, struct admin_call *call)
{
    struct found found = { .rows = json_array() };
    const char *text;
    struct hub_ask ask = { .full = false };
    enum err err = ERR_USAGE;
    bool given = hub_arg_text(call, "id", &text) && hub_ask_read(call, &ask);
    if (given) {
        const char *const parameters[] = { text };
        err = hub_store_list(admin->daemon->store, HUB_LIST_FIND, parameters, row_found, &found);
    }
    size_t at;
    json_t *row;
    if (given && err != OK) {
        hub_refuse(call, err, "the record", "the database");
    } else if (given && found.count == 0) {
        hub_refuse(call, ERR_NOT_FOUND, "the record",
                   "no record has this number, or an id that begins so");
    } else if (given && found.count > 1) {
        json_array_foreach(found.rows, at, row)
            admin_row(call, json_incref(row));
        hub_refuse(call, ERR_AMBIGUOUS, "the record", "the rows before this line");
    } else if (given) {
        record_show(admin, call, &found, &ask);
    }
    json_decref(found.rows);
}
