/* put, edit, delete, resolve, apply: from JSON to one transaction, and its answer. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_draft.h"

/* Whether what is refused shall be kept as a draft. */
static bool keep_of(struct admin_call *call, enum keep *ret_keep)
{
    const json_t *draft = json_object_get(admin_call_args(call), "draft");
    *ret_keep = json_is_true(draft) ? KEEP_REFUSED : KEEP_NOT;
    if (draft == NULL || json_is_null(draft) || json_is_boolean(draft))
        return true;
    if (json_is_string(draft) && strcmp(json_string_value(draft), "only") == 0) {
        *ret_keep = KEEP_ONLY;
        return true;
    }
    node_admin_refuse(call, ERR_USAGE, "draft", "true, or \"only\"");
    return false;
}

bool node_entering_open(struct node_admin *admin, struct admin_call *call, unsigned count,
                        struct entering *ret)
{
    *ret = (struct entering){ .admin = admin, .call = call, .single = true };
    if (!node_arg_request(call, &ret->request) || !node_arg_lane(call, &ret->lane))
        return false;
    ret->changes = calloc(count, sizeof *ret->changes);
    ret->fields = calloc(count, sizeof *ret->fields);
    if (ret->changes != NULL && ret->fields != NULL) {
        ret->count = count;
        return true;
    }
    free(ret->changes);
    free(ret->fields);
    node_admin_refuse(call, ERR_MEMORY, "entry", NULL);
    return false;
}

void node_entering_close(struct entering *entering)
{
    for (unsigned i = 0; i < entering->count; i++)
        node_fields_close(&entering->fields[i]);
    free(entering->fields);
    free(entering->changes);
}

/* Fields of change `index`; false: refused. */
static bool entering_fields(struct entering *entering, unsigned index, const json_t *object)
{
    struct problem problem = { .code = OK };
    struct node_fields *fields = &entering->fields[index];
    enum err err = node_fields_open(object, fields, &problem);
    if (err != OK) {
        admin_fail(entering->call, &problem);
        return false;
    }
    entering->changes[index].fields = fields->list;
    entering->changes[index].field_count = fields->count;
    return true;
}

/* ---- answers. Stored: {"leaf", "ids", "warnings"}. Lane, seq and short numbers are looked up each
 * time: a queue that was re-homed has other positions. */

static void make_answer(void *ctx, const struct entry_request *request, const struct hash *leaf,
                        struct buf *ret)
{
    struct entering *entering = ctx;
    json_t *answer = json_object();
    json_t *ids = json_array();
    for (unsigned i = 0; i < request->change_count; i++)
        json_array_append_new(ids, node_json_uuid(&request->changes[i].record));
    node_json_set(answer, "leaf", node_json_hash(leaf));
    node_json_set(answer, "ids", ids);
    node_json_set(answer, "warnings",
                  node_json_warnings(&entering->warnings, admin_call_lang(entering->call)));
    size_t len = json_dumpb(answer, (char *)ret->at + ret->len, ret->cap - ret->len, JSON_COMPACT);
    if (len <= ret->cap - ret->len)
        ret->len += len;
    json_decref(answer);
}

struct place {
    const char *leaf;
    bool found;
    enum lane lane;
    uint64_t seq;
    bool waits; /* for a countersignature */
};

static void find_place(void *ctx, const struct own_change *change)
{
    struct place *place = ctx;
    char leaf[2 * HASH_BYTES + 1];
    crypto_hex(bytes_hash(&change->leaf), leaf);
    if (strcmp(leaf, place->leaf) != 0)
        return;
    place->found = true;
    place->lane = change->lane;
    place->seq = change->seq;
    place->waits = change->countersign == COUNTERSIGN_WAITS;
}

/* Its short number, and the receipt number of a submission. */
static void name_record(struct node_admin *admin, const struct id *record, json_t *name)
{
    const struct record_view *view;
    bool known = node_store_view(admin->parts.store, record, &view) == OK;
    node_json_set(name, "short", known ? node_json_bytes(view->short_text) : NULL);
    json_t *receipt = known ? node_json_receipt(admin, view) : NULL;
    if (receipt != NULL)
        node_json_set(name, "receipt", receipt);
}

/* Ends the call with the stored answer of a request. */
static void answer_stored(struct entering *entering, struct bytes stored)
{
    struct node_admin *admin = entering->admin;
    json_t *answer = json_loadb((const char *)stored.at, stored.len, 0, NULL);
    struct place place = { .leaf = json_string_value(json_object_get(answer, "leaf")) };
    json_t *names = json_array(), *text;
    size_t index;
    if (json_object_get(answer, "draft") != NULL) {
        node_draft_answer(entering->call, answer);
        json_decref(answer);
        json_decref(names);
        return;
    }
    if (place.leaf == NULL) {
        json_decref(answer);
        json_decref(names);
        node_admin_refuse(entering->call, ERR_STATE, "request", "it belongs to another command");
        return;
    }
    json_t *done = json_pack("{s:s}", "leaf", place.leaf);
    json_array_foreach(json_object_get(answer, "ids"), index, text) {
        struct id record;
        if (!uuid_from_text(bytes_text(json_string_value(text)), &record))
            continue;
        json_t *name = json_pack("{s:O}", "id", text);
        name_record(admin, &record, name);
        json_array_append_new(names, name);
        if (index == 0 &&
            node_store_changes(admin->parts.store, &record, false, find_place, &place) != OK)
            place.found = false;
    }
    node_json_set(done, "lane", place.found ? json_string(node_lane_name(place.lane)) : NULL);
    node_json_set(done, "seq", place.found && !place.waits ? node_json_uint(place.seq) : NULL);
    node_json_set(done, "to_countersign", json_boolean(place.found && place.waits));
    node_json_set(done, "warnings", json_incref(json_object_get(answer, "warnings")));
    if (entering->single && json_array_size(names) == 1)
        (void)json_object_update(done, json_array_get(names, 0));
    else
        node_json_set(done, "ids", json_incref(names));
    json_decref(names);
    json_decref(answer);
    admin_done(entering->call, done);
}

/* True when the request has been stored before: then the call is answered. */
bool node_entering_answered(struct entering *entering)
{
    struct bytes stored;
    if (id_is_zero(&entering->request))
        return false;
    enum err err = node_store_answer(entering->admin->parts.store, &entering->request, &stored);
    if (err == ERR_NOT_FOUND)
        return false;
    if (err == OK)
        answer_stored(entering, stored);
    else
        node_admin_refuse(entering->call, err, "request", NULL);
    return true;
}

/* The error names the field as the form calls it, and in a longer request the change. */
static void fail_submit(struct entering *entering, enum err err, const struct problem *problem,
                        unsigned index)
{
    json_t *more = json_object();
    const char *field = node_problem_field(entering->admin, problem);
    if (field != NULL)
        node_json_set(more, "field", json_string(field));
    if (entering->count > 1)
        node_json_set(more, "change", json_integer((json_int_t)index + 1));
    if (problem->code != OK) {
        admin_fail_with(entering->call, problem, more);
        return;
    }
    json_decref(more);
    node_admin_refuse(entering->call, err, "entry", NULL);
}

/* Signs, seals and stores. The call ends here either way. */
void node_entering_submit(struct entering *entering)
{
    struct node_admin *admin = entering->admin;
    struct problem problem = { .code = OK };
    struct hash leaf;
    uint64_t seq = 0;
    unsigned failed = 0;
    struct bytes stored;
    if (id_is_zero(&entering->request))
        entering->request = crypto_random_id();
    const struct entry_request request = { .request = entering->request,
                                           .wall_ms = node_admin_claim_ms(admin),
                                           .lane = entering->lane,
                                           .changes = entering->changes,
                                           .change_count = entering->count,
                                           .draft = entering->draft ? entering->draft->number : 0,
                                           .answer = make_answer,
                                           .ctx = entering };
    if (entering->keep == KEEP_ONLY) {
        node_draft_keep(entering, NULL, 0);
        return;
    }
    enum err err = node_entry_submit(admin->parts.entry, &request, &leaf, &seq, &failed, &problem,
                                     &entering->warnings);
    if (err != OK && problem.code == OK)
        (void)problem_set(&problem, err, "entry", NULL);
    if (err != OK && entering->draft != NULL) {
        node_draft_refused(entering, &problem, failed);
        return;
    }
    if (err != OK && entering->keep == KEEP_REFUSED && node_draft_may_keep(&problem)) {
        node_draft_keep(entering, &problem, failed);
        return;
    }
    if (err != OK) {
        fail_submit(entering, err, &problem, failed);
        return;
    }
    node_admin_changed(admin);
    err = node_store_answer(admin->parts.store, &entering->request, &stored);
    if (err == OK)
        answer_stored(entering, stored);
    else
        node_admin_refuse(entering->call, err, "request", NULL);
}

/* ---- commands */

void node_cmd_put(struct node_admin *admin, struct admin_call *call)
{
    struct entering entering;
    struct bytes collection;
    const struct policy_collection *known;
    if (!node_arg_needed(call, "collection", &collection) ||
        !node_entering_open(admin, call, 1, &entering))
        return;
    if (keep_of(call, &entering.keep) && !node_entering_answered(&entering) &&
        node_arg_collection(admin, call, collection, &known) &&
        entering_fields(&entering, 0, json_object_get(admin_call_args(call), "fields"))) {
        entering.changes[0].op = OP_CREATE;
        entering.changes[0].collection = bytes_text(known->name);
        node_entering_submit(&entering);
    }
    node_entering_close(&entering);
}

static uint64_t expected_rev(const json_t *args)
{
    json_int_t rev = json_integer_value(json_object_get(args, "expect_rev"));
    return rev > 0 ? (uint64_t)rev : 0;
}

void node_cmd_edit(struct node_admin *admin, struct admin_call *call)
{
    struct entering entering;
    struct bytes id;
    const json_t *args = admin_call_args(call);
    if (!node_arg_needed(call, "id", &id) || !node_entering_open(admin, call, 1, &entering))
        return;
    struct entry_change *change = &entering.changes[0];
    if (keep_of(call, &entering.keep) && !node_entering_answered(&entering) &&
        node_arg_record(admin, call, id, &change->record) &&
        entering_fields(&entering, 0, json_object_get(args, "fields"))) {
        change->op = OP_UPDATE;
        change->expect_rev = expected_rev(args);
        if (change->field_count == 0)
            node_admin_refuse(call, ERR_USAGE, "fields", "an edit changes at least one field");
        else
            node_entering_submit(&entering);
    }
    node_entering_close(&entering);
}

/* Why it is deleted goes ahead as a transaction of its own: a delete carries no fields. */
static enum err store_reasons(struct entering *entering, const struct id *record,
                              struct problem *problem)
{
    struct node_admin *admin = entering->admin;
    struct id request;
    struct hash leaf;
    struct bytes stored;
    uint64_t seq;
    unsigned failed;
    crypto_keyed_hash(bytes_id(&entering->request), bytes_text("reason"), request.at, ID_BYTES);
    if (node_store_answer(admin->parts.store, &request, &stored) == OK)
        return OK;
    struct entry_change change = { .op = OP_UPDATE,
                                   .record = *record,
                                   .fields = entering->fields[0].list,
                                   .field_count = entering->fields[0].count };
    const struct entry_request reasons = { .request = request,
                                           .wall_ms = node_admin_claim_ms(admin),
                                           .lane = entering->lane,
                                           .changes = &change,
                                           .change_count = 1 };
    return node_entry_submit(admin->parts.entry, &reasons, &leaf, &seq, &failed, problem,
                             &entering->warnings);
}

void node_cmd_delete(struct node_admin *admin, struct admin_call *call)
{
    struct entering entering;
    struct bytes id;
    struct problem problem = { .code = OK };
    if (!node_arg_needed(call, "id", &id) || !node_entering_open(admin, call, 1, &entering))
        return;
    struct entry_change *change = &entering.changes[0];
    if (!node_entering_answered(&entering) && node_arg_record(admin, call, id, &change->record) &&
        entering_fields(&entering, 0, json_object_get(admin_call_args(call), "reason_fields"))) {
        enum err err = OK;
        if (id_is_zero(&entering.request))
            entering.request = crypto_random_id();
        if (change->field_count > 0)
            err = store_reasons(&entering, &change->record, &problem);
        change->op = OP_DELETE;
        change->fields = NULL;
        change->field_count = 0;
        if (err == OK)
            node_entering_submit(&entering);
        else
            fail_submit(&entering, err, &problem, 0);
    }
    node_entering_close(&entering);
}

static bool find_conflict(struct node_admin *admin, struct admin_call *call, struct id *ret_id,
                          struct node_conflict *ret_conflict)
{
    struct bytes text;
    enum err err = ERR_NOT_FOUND;
    if (!node_arg_needed(call, "conflict", &text))
        return false;
    if (uuid_from_text(text, ret_id))
        err = node_store_conflict(admin->parts.store, ret_id, ret_conflict);
    if (err == OK)
        return true;
    node_admin_refuse(call, err, "conflict", "see `tkskctl conflict list`");
    return false;
}

void node_cmd_resolve(struct node_admin *admin, struct admin_call *call)
{
    struct entering entering;
    struct node_conflict conflict;
    struct entry_field field = { .text = { NULL, 0 } };
    const json_t *args = admin_call_args(call);
    struct bytes choose = node_arg_text(args, "choose");
    const json_t *value = json_object_get(args, "value");
    bool chosen = bytes_is(choose, "a") || bytes_is(choose, "b");
    if (chosen == (value != NULL && !json_is_null(value)) || (choose.len > 0 && !chosen)) {
        node_admin_refuse(call, ERR_USAGE, "resolve", "choose a or b, or give a value");
        return;
    }
    if (!node_entering_open(admin, call, 1, &entering))
        return;
    uint8_t *copy = malloc(CHANGE_BYTES_MAX + IDENTIFIER_BYTES_MAX);
    struct entry_change *change = &entering.changes[0];
    if (copy == NULL) {
        node_admin_refuse(call, ERR_MEMORY, "resolve", NULL);
    } else if (!node_entering_answered(&entering) &&
               find_conflict(admin, call, &change->conflict, &conflict)) {
        /* It is valid until the next call only, and the entry calls the store. */
        struct bytes given = bytes_is(choose, "a") ? conflict.value_a : conflict.value_b;
        must(conflict.field.len <= IDENTIFIER_BYTES_MAX && given.len <= CHANGE_BYTES_MAX);
        if (conflict.field.len > 0)
            memcpy(copy, conflict.field.at, conflict.field.len);
        field.name = bytes_of(copy, conflict.field.len);
        change->op = OP_RESOLVE;
        change->record = conflict.record;
        bool ready = true;
        if (chosen) {
            if (given.len > 0)
                memcpy(copy + IDENTIFIER_BYTES_MAX, given.at, given.len);
            field.value = bytes_of(copy + IDENTIFIER_BYTES_MAX, given.len);
        } else {
            json_t *object = json_pack("{s:O}", "value", value);
            ready = entering_fields(&entering, 0, object);
            if (ready)
                field.text = entering.fields[0].list[0].text;
            json_decref(object); /* the call's arguments hold the value */
        }
        change->fields = &field;
        change->field_count = 1;
        if (ready)
            node_entering_submit(&entering);
    }
    node_entering_close(&entering);
    free(copy);
}

/* ---- apply */

static bool op_of(struct bytes text, enum change_op *ret_op)
{
    static const enum change_op ops[] = { OP_CREATE, OP_UPDATE, OP_DELETE };
    for (size_t i = 0; i < COUNT_OF(ops); i++) {
        if (bytes_is(text, change_op_name(ops[i]))) {
            *ret_op = ops[i];
            return true;
        }
    }
    return false;
}

/* One member of `changes`. False: the call has ended. */
static bool apply_change(struct entering *entering, unsigned index, const json_t *item)
{
    struct node_admin *admin = entering->admin;
    struct entry_change *change = &entering->changes[index];
    const struct policy_collection *known;
    json_int_t group = json_integer_value(json_object_get(item, "group"));
    char thing[32];
    snprintf(thing, sizeof thing, "change %u", index + 1);
    if (!json_is_object(item) || group < 0 || group >= CHANGES_PER_TRANSACTION_MAX ||
        !op_of(node_arg_text(item, "op"), &change->op)) {
        node_admin_refuse(entering->call, ERR_USAGE, thing,
                          "an object with op create, update or delete");
        return false;
    }
    change->group = (unsigned)group;
    change->expect_rev = expected_rev(item);
    if (change->op == OP_CREATE) {
        if (!node_arg_collection(admin, entering->call, node_arg_text(item, "collection"), &known))
            return false;
        change->collection = bytes_text(known->name);
    } else if (!node_arg_record(admin, entering->call, node_arg_text(item, "id"),
                                &change->record)) {
        return false;
    }
    return entering_fields(entering, index, json_object_get(item, "fields"));
}

void node_cmd_apply(struct node_admin *admin, struct admin_call *call)
{
    struct entering entering;
    const json_t *changes = json_object_get(admin_call_args(call), "changes");
    size_t count = json_array_size(changes);
    if (count == 0 || count > CHANGES_PER_TRANSACTION_MAX) {
        node_admin_refuse(call, ERR_LIMIT, "changes", "1 to 256 in one request");
        return;
    }
    if (!node_entering_open(admin, call, (unsigned)count, &entering))
        return;
    entering.single = false;
    if (keep_of(call, &entering.keep) && !node_entering_answered(&entering)) {
        bool ready = true;
        for (unsigned i = 0; ready && i < count; i++)
            ready = apply_change(&entering, i, json_array_get(changes, i));
        if (ready)
            node_entering_submit(&entering);
    }
    node_entering_close(&entering);
}
