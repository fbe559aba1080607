/* What there is: lists, one record, conflicts, and what a form needs to know. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "node/node_admin_inside.h"
#include "proto/value_form.h"

#define LIST_ROWS_DEFAULT 100
#define LIST_ROWS_MAX 1000
#define LIST_PAGE 256

/* ---- list */

struct listing {
    struct node_admin *admin;
    const struct policy_collection *collection;
    struct node_finds finds;
    struct node_ask ask;
    struct id after, last;
    unsigned max, seen;
    json_t *rows;
};

/* A number of a person is found by itself, or by what a list shows of it: whoever asks for one more
 * digit at a time would have it in the end. */
static bool number_matches(const char *text, const char *wanted)
{
    char part[256];
    mask_part(text, part, sizeof part);
    bool same = strstr(part, wanted) != NULL;
    for (size_t len; !same && *text != '\0'; text += len + (text[len] == '|' ? 1 : 0)) {
        len = strcspn(text, "|");
        same = bytes_is(bytes_of(text, len), wanted);
    }
    return same;
}

/* Part of the value, letters of either case; the code or the label of a code. What few may see is
 * not found by it either, unless it is asked for. */
static bool find_matches(struct node_admin *admin, const struct node_find *find, bool full,
                         const struct record_view *view)
{
    const struct view_field *at = record_view_field(view, find->field->name);
    if (at == NULL || at->value.len == 0 || value_is_nil(at->value))
        return find->text[0] == '\0';
    if (!full && node_value_is_restricted(find->field, at->value))
        return false;
    if (value_to_text(find->field, at->value, admin->text, sizeof admin->text) != OK)
        return false;
    bool same = !full && mask_is_number(find->field) ? number_matches(admin->text, find->text)
                                                     : strcasestr(admin->text, find->text) != NULL;
    if (!same && find->field->codes != NULL) {
        const struct policy_code_list *codes = find->field->codes;
        const struct policy_code *code =
            policy_code(&codes->versions[codes->version_count - 1], bytes_text(admin->text));
        same = code != NULL && strcasecmp(code->label, find->text) == 0;
    }
    crypto_wipe(admin->text, strlen(admin->text));
    return same;
}

bool node_finds_match(struct node_admin *admin, const struct node_finds *finds,
                      const struct record_view *view)
{
    for (size_t i = 0; i < finds->count; i++) {
        if (!find_matches(admin, &finds->list[i], finds->full, view))
            return false;
    }
    return true;
}

static void list_add(void *ctx, const struct record_view *view)
{
    struct listing *listing = ctx;
    struct node_admin *admin = listing->admin;
    listing->seen++;
    listing->last = view->id;
    if (view->deleted || json_array_size(listing->rows) >= listing->max ||
        memcmp(view->id.at, listing->after.at, ID_BYTES) <= 0 ||
        !node_finds_match(admin, &listing->finds, view))
        return;
    json_t *row = json_object(), *fields = json_object();
    node_json_set(row, "id", node_json_uuid(&view->id));
    node_json_set(row, "short", node_json_bytes(view->short_text));
    node_json_set(row, "state", json_string(node_state_of(view)));
    node_json_set(row, "hop", json_string(node_hop(admin, view)));
    const enum mask_place place = listing->ask.full ? MASK_LIST_FULL : MASK_LIST;
    for (size_t i = 0; i < listing->collection->field_count; i++) {
        const struct policy_field *field = &listing->collection->fields[i];
        const struct view_field *at = record_view_field(view, field->name);
        if (field->summary && at != NULL && mask_of(field, at->value, place) != MASK_AWAY)
            node_json_set(fields, field->name, node_json_masked(admin, field, at->value, place));
    }
    node_json_set(row, "fields", fields);
    json_array_append_new(listing->rows, row);
}

bool node_finds_read(struct admin_call *call, const struct policy_collection *collection, bool full,
                     struct node_finds *ret_finds)
{
    json_t *find = json_object_get(admin_call_args(call), "find");
    const char *name;
    json_t *value;
    ret_finds->count = 0;
    ret_finds->full = full;
    json_object_foreach(find, name, value) {
        const struct policy_field *field = policy_field_loose(collection, bytes_text(name));
        if (field == NULL || !json_is_string(value) || ret_finds->count == FINDS_MAX) {
            node_admin_refuse(call, field == NULL ? ERR_FIELD : ERR_USAGE, name,
                              field == NULL ? collection->name
                                            : "at most 8 fields, each with a text");
            return false;
        }
        if (!full && field->sensitivity >= SENSITIVITY_S) {
            node_admin_refuse(call, ERR_DENIED, field->label, "say --full --reason TEXT");
            return false;
        }
        ret_finds->list[ret_finds->count++] =
            (struct node_find){ .field = field, .text = json_string_value(value) };
    }
    return true;
}

/* The first of them whose exact value can be looked up; NULL. */
static const struct node_find *find_lookup(const struct node_finds *finds)
{
    for (size_t i = 0; i < finds->count; i++) {
        if (finds->list[i].field->lookup && finds->list[i].text[0] != '\0')
            return &finds->list[i];
    }
    return NULL;
}

/* Exact look-up; ERR_NOT_FOUND: the text is no whole value of that field, so a search must do. */
static enum err list_lookup(struct listing *listing, const struct node_find *find)
{
    struct node_store *store = listing->admin->parts.store;
    uint8_t space[4 * TEXT_CHARS_MAX];
    struct writer value = writer_of(space, sizeof space);
    char today[11];
    date_of_ms(loop_wall_ms(), today);
    if (value_from_text(node_store_policy(store), find->field, today, bytes_text(find->text),
                        &value, NULL) != OK)
        return ERR_NOT_FOUND;
    enum err err =
        node_store_lookup(store, bytes_text(listing->collection->name),
                          bytes_text(find->field->name), writer_bytes(&value), list_add, listing);
    crypto_wipe(space, value.buf.len);
    return err == OK && listing->seen == 0 ? ERR_NOT_FOUND : err;
}

static enum err list_pages(struct listing *listing)
{
    struct node_store *store = listing->admin->parts.store;
    struct id at = listing->after;
    enum err err = OK;
    do {
        listing->seen = 0;
        err = node_store_list(store, bytes_text(listing->collection->name), &at, LIST_PAGE,
                              list_add, listing);
        at = listing->last;
    } while (err == OK && listing->seen == LIST_PAGE &&
             json_array_size(listing->rows) < listing->max);
    return err;
}

void node_cmd_list(struct node_admin *admin, struct admin_call *call)
{
    const json_t *args = admin_call_args(call);
    struct listing listing = { .admin = admin };
    struct bytes name, after = node_arg_text(args, "after");
    json_int_t max = json_integer_value(json_object_get(args, "max"));
    size_t index;
    json_t *row;
    listing.max = max <= 0              ? LIST_ROWS_DEFAULT
                  : max < LIST_ROWS_MAX ? (unsigned)max
                                        : LIST_ROWS_MAX;
    if (!node_arg_needed(call, "collection", &name) ||
        !node_arg_collection(admin, call, name, &listing.collection) ||
        !node_ask_read(admin, call, &listing.ask) ||
        !node_finds_read(call, listing.collection, listing.ask.full, &listing.finds))
        return;
    if (after.len > 0 && !uuid_from_text(after, &listing.after)) {
        node_admin_refuse(call, ERR_USAGE, "after", "the id of the last row seen");
        return;
    }
    listing.rows = json_array();
    const struct node_find *lookup = find_lookup(&listing.finds);
    enum err err = lookup != NULL ? list_lookup(&listing, lookup) : ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND)
        err = list_pages(&listing);
    const struct node_looked looked = { .op = ACCESS_LIST,
                                        .collection = bytes_text(listing.collection->name),
                                        .count = json_array_size(listing.rows) };
    if (err != OK) {
        node_admin_refuse(call, err, "list", NULL);
    } else if (node_ask_log(admin, call, &listing.ask, &looked)) {
        json_array_foreach(listing.rows, index, row)
            admin_row(call, json_incref(row));
        admin_done(call, NULL);
    }
    json_decref(listing.rows);
}

/* ---- show */

struct history {
    struct node_admin *admin;
    enum lang lang;
    struct bytes collection; /* of the first change, when the record itself is not there */
    char collection_space[IDENTIFIER_BYTES_MAX];
    char node[NODE_TEXT_MAX + 1]; /* this office */
    json_t *rows;
};

static json_t *changed_fields(const struct change *change)
{
    json_t *names = json_array();
    struct field_iter iter = fields_of(change->fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value))
        json_array_append_new(names, node_json_bytes(name));
    return names;
}

/* Rows stand by their journal number; what has none yet comes last. */
static void history_place(struct history *history, json_t *row)
{
    json_int_t number = json_integer_value(json_object_get(row, "number"));
    size_t at = json_array_size(history->rows);
    for (; number > 0 && at > 0; at--) {
        json_t *before = json_array_get(history->rows, at - 1);
        json_int_t there = json_integer_value(json_object_get(before, "number"));
        if (there > 0 && there <= number)
            break;
    }
    json_array_insert_new(history->rows, at, row);
}

/* What the feed told: it came from the hub, so it stands there. */
static void history_told(void *ctx, const struct told_change *told)
{
    struct history *history = ctx;
    const struct trust_operator *op =
        trust_operator(node_store_trust(history->admin->parts.store), told->operator_number);
    json_t *row = json_object(), *names = json_array();
    struct items_iter iter = items_of(told->field_names);
    for (; iter.left > 0; iter.left--)
        json_array_append_new(names, node_json_bytes(reader_str(&iter.reader)));
    node_json_set(row, "leaf", NULL);
    node_json_set(row, "op",
                  json_string(told->decided   ? "resolve"
                              : told->deleted ? "delete"
                              : told->first   ? "first"
                                              : "update"));
    node_json_set(row, "state", json_string("received"));
    node_json_set(row, "node", told->node.len > 0 ? node_json_bytes(told->node) : NULL);
    node_json_set(row, "operator",
                  told->operator_number > 0 ? node_json_uint(told->operator_number) : NULL);
    node_json_set(row, "operator_name", op != NULL ? json_string(op->name) : NULL);
    node_json_set(row, "claimed", node_json_time(told->claimed_ms));
    node_json_set(row, "disposition", json_string(disposition_name(DISPOSITION_ACCEPTED)));
    node_json_set(row, "number", node_json_uint(told->number));
    node_json_set(row, "own", json_false());
    node_json_set(row, "fields", names);
    history_place(history, row);
}

static void history_add(void *ctx, const struct own_change *own)
{
    struct history *history = ctx;
    struct change change;
    char reason[PROBLEM_DETAIL_MAX + 256];
    json_t *row = json_object();
    node_json_set(row, "leaf", node_json_hash(&own->leaf));
    node_json_set(row, "op", json_string(change_op_name(own->op)));
    node_json_set(row, "state", json_string(node_change_place(history->admin, own)));
    node_json_set(row, "own", json_true());
    node_json_set(row, "operator", own->author > 0 ? node_json_uint(own->author) : NULL);
    node_json_set(row, "operator_name", node_json_operator(history->admin, own->author));
    node_json_set(row, "node", json_string(history->node));
    node_json_set(row, "lane", json_string(node_lane_name(own->lane)));
    node_json_set(row, "seq", node_json_uint(own->seq));
    node_json_set(row, "entered", node_json_time(own->queued_wall_ms));
    node_json_set(row, "claimed", node_json_time(own->queued_wall_ms));
    node_json_set(row, "disposition",
                  own->disposition == DISPOSITION_NONE
                      ? NULL
                      : json_string(disposition_name(own->disposition)));
    node_reason_text(own->reason, own->field, history->lang, reason, sizeof reason);
    node_json_set(row, "reason", own->reason.len > 0 ? node_json_bytes(own->reason) : NULL);
    node_json_set(row, "reason_text", reason[0] != '\0' ? json_string(reason) : NULL);
    node_json_set(row, "field", own->field.len > 0 ? node_json_bytes(own->field) : NULL);
    node_json_set(row, "number", own->number > 0 ? node_json_uint(own->number) : NULL);
    node_json_set(row, "safe", json_boolean(own->safe));
    if (own->raw.len > 0 && change_decode(own->raw, &change) == OK) {
        node_json_set(row, "fields", changed_fields(&change));
        if (history->collection.len == 0 && change.collection.len <= IDENTIFIER_BYTES_MAX) {
            memcpy(history->collection_space, change.collection.at, change.collection.len);
            history->collection = bytes_of(history->collection_space, change.collection.len);
        }
    }
    history_place(history, row);
}

static enum err history_read(struct history *history, const struct id *record)
{
    struct node_store *store = history->admin->parts.store;
    struct node_identity identity;
    size_t index;
    json_t *row;
    enum err err = node_store_identity(store, &identity);
    if (err != OK)
        return err;
    memcpy(history->node, identity.node, sizeof history->node);
    history->rows = json_array();
    err = node_store_changes(store, record, false, history_add, history);
    json_array_foreach(history->rows, index, row)
        node_countersign_history(history->admin, row);
    return err == OK ? node_store_told(store, record, history_told, history) : err;
}

static json_t *show_field(struct node_admin *admin, const struct policy_collection *collection,
                          const struct view_field *at, bool full)
{
    const enum mask_place place = full ? MASK_RECORD_FULL : MASK_RECORD;
    const struct policy_field *field =
        collection != NULL ? policy_field(collection, at->name) : NULL;
    enum mask mask = value_is_nil(at->value) ? MASK_NONE : mask_of(field, at->value, place);
    json_t *row = json_object();
    node_json_set(row, "name", node_json_bytes(at->name));
    node_json_set(row, "label", field != NULL ? json_string(field->label) : NULL);
    node_json_set(row, "value", node_json_masked(admin, field, at->value, place));
    node_json_set(row, "text", mask == MASK_NONE ? node_json_shown(admin, field, at->value) : NULL);
    node_json_set(row, "masked", json_boolean(mask != MASK_NONE));
    node_json_set(row, "rev", at->rev > 0 ? node_json_uint(at->rev) : NULL);
    node_json_set(row, "pending", json_boolean(at->pending));
    node_json_set(row, "held", json_boolean(at->held));
    json_t *blobs = field != NULL && mask == MASK_NONE ? node_json_blobs(field, at->value) : NULL;
    if (blobs != NULL)
        node_json_set(row, "blobs", blobs);
    if (at->held_value.len > 0)
        node_json_set(row, "held_value", node_json_masked(admin, field, at->held_value, place));
    return row;
}

/* Fields in the order of the form; what the policy does not know comes last. */
static json_t *show_fields(struct node_admin *admin, const struct policy_collection *collection,
                           const struct record_view *view, bool full)
{
    json_t *rows = json_array();
    for (size_t i = 0; collection != NULL && i < collection->field_count; i++) {
        const struct view_field *at = record_view_field(view, collection->fields[i].name);
        if (at != NULL)
            json_array_append_new(rows, show_field(admin, collection, at, full));
    }
    for (size_t i = 0; i < view->field_count; i++) {
        if (collection == NULL || policy_field(collection, view->fields[i].name) == NULL)
            json_array_append_new(rows, show_field(admin, collection, &view->fields[i], full));
    }
    return rows;
}

void node_cmd_show(struct node_admin *admin, struct admin_call *call)
{
    struct node_store *store = admin->parts.store;
    const struct policy *policy = node_store_policy(store);
    const struct policy_collection *collection = NULL;
    const struct record_view *view;
    struct history history = { .admin = admin, .lang = admin_call_lang(call) };
    struct bytes text;
    struct node_ask ask;
    struct id record;
    if (!node_arg_needed(call, "id", &text) || !node_ask_read(admin, call, &ask) ||
        !node_arg_record(admin, call, text, &record))
        return;
    json_t *done = json_object(), *row;
    size_t index;
    enum err err = history_read(&history, &record);
    enum err seen = err == OK ? node_store_view(store, &record, &view) : err;
    node_json_set(done, "id", node_json_uuid(&record));
    if (seen == OK) {
        if (policy != NULL)
            collection = policy_collection(policy, view->collection);
        node_json_set(done, "short", node_json_bytes(view->short_text));
        node_json_set(done, "collection", node_json_bytes(view->collection));
        node_json_set(done, "rev", node_json_uint(view->rev));
        node_json_set(done, "state", json_string(node_state_of(view)));
        node_json_set(done, "fields", show_fields(admin, collection, view, ask.full));
        node_answer_show(admin, view, done);
        seen = node_blobs_locate(admin, &record, json_object_get(done, "fields"));
    } else if (seen == ERR_NOT_FOUND) { /* a create that was refused: only its history is left */
        if (policy != NULL)
            collection = policy_collection(policy, history.collection);
        node_json_set(done, "short", NULL);
        node_json_set(done, "collection", node_json_bytes(history.collection));
        node_json_set(done, "rev", json_integer(0));
        node_json_set(done, "state", json_string("rejected"));
        node_json_set(done, "fields", json_array());
    }
    node_json_set(done, "title", collection != NULL ? json_string(collection->title) : NULL);
    json_array_foreach(history.rows, index, row)
        node_reason_row(admin, node_arg_text(done, "collection"), &record, history.lang, row);
    node_json_set(done, "history", history.rows);
    const struct node_looked looked = { .op = ACCESS_LOOK,
                                        .collection = node_arg_text(done, "collection"),
                                        .record = &record };
    if (seen != OK && seen != ERR_NOT_FOUND) {
        node_admin_refuse(call, seen, "record", NULL);
    } else if (node_ask_log(admin, call, &ask, &looked)) {
        node_admin_shown(admin, &record, done);
        admin_done(call, json_incref(done));
    }
    json_decref(done);
}

/* ---- conflicts */

struct conflicts {
    struct node_admin *admin;
    const struct policy *policy;
    json_t *rows;
};

static json_t *conflict_value(struct conflicts *conflicts, const struct policy_field *field,
                              const struct node_conflict *conflict, struct bytes value)
{
    struct reader in = reader_of(value);
    if (conflict->field.len > 0 || reader_peek(&in) != KIND_BOOL)
        return mask_of(field, value, MASK_RECORD) == MASK_NONE
                   ? node_json_value(conflicts->admin, field, value)
                   : json_string(MASK_TEXT);                   /* `show --full` tells both values */
    return json_string(reader_bool(&in) ? "deleted" : "kept"); /* the record's existence */
}

static void conflict_add(void *ctx, const struct node_conflict *conflict)
{
    struct conflicts *conflicts = ctx;
    const struct policy_collection *collection =
        conflicts->policy != NULL ? policy_collection(conflicts->policy, conflict->collection)
                                  : NULL;
    const struct policy_field *field =
        collection != NULL ? policy_field(collection, conflict->field) : NULL;
    json_t *row = json_object();
    node_json_set(row, "conflict", node_json_uuid(&conflict->conflict));
    node_json_set(row, "id", node_json_uuid(&conflict->record));
    node_json_set(row, "collection", node_json_bytes(conflict->collection));
    node_json_set(row, "field", conflict->field.len > 0 ? node_json_bytes(conflict->field) : NULL);
    node_json_set(row, "label", field != NULL ? json_string(field->label) : NULL);
    node_json_set(row, "value_a", conflict_value(conflicts, field, conflict, conflict->value_a));
    node_json_set(row, "value_b", conflict_value(conflicts, field, conflict, conflict->value_b));
    node_json_set(row, "author_a", node_json_bytes(conflict->author_a));
    node_json_set(row, "author_b", node_json_bytes(conflict->author_b));
    json_array_append_new(conflicts->rows, row);
}

void node_cmd_conflict_list(struct node_admin *admin, struct admin_call *call)
{
    struct conflicts conflicts = { .admin = admin,
                                   .policy = node_store_policy(admin->parts.store),
                                   .rows = json_array() };
    size_t index;
    json_t *row;
    enum err err = node_store_conflicts(admin->parts.store, conflict_add, &conflicts);
    const struct node_looked looked = { .op = ACCESS_LIST,
                                        .collection = bytes_text("conflict"),
                                        .count = json_array_size(conflicts.rows) };
    if (err == OK && looked.count > 0 && !node_ask_log(admin, call, NULL, &looked)) {
        json_decref(conflicts.rows);
        return;
    }
    json_array_foreach(conflicts.rows, index, row) {
        const struct record_view *view;
        struct id record;
        bool known = uuid_from_text(node_arg_text(row, "id"), &record) &&
                     node_store_view(admin->parts.store, &record, &view) == OK;
        node_json_set(row, "short", known ? node_json_bytes(view->short_text) : NULL);
        admin_row(call, json_incref(row));
    }
    json_decref(conflicts.rows);
    if (err != OK)
        node_admin_refuse(call, err, "conflicts", NULL);
    else
        admin_done(call, NULL);
}
