/* Answering a submission: one item more at the end of its answer field, and what else the same
 * change says. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "node/node_admin_draft.h"
#include "proto/receipt.h"
#include "proto/value.h"

#define ITEM_KEYS_MAX 32
#define TIME_TEXT_BYTES 24

struct reply {
    struct node_admin *admin;
    const struct policy_collection *collection;
    const struct policy_field *field;
    size_t count;
    struct {
        const char *key, *text;
    } items[ITEM_KEYS_MAX]; /* of the new map */
    json_t *fields;         /* what else changes: {name: text} */
    char time_text[TIME_TEXT_BYTES];
};

static bool has_key(const struct policy_field *field, const char *name)
{
    for (size_t i = 0; i < field->map_key_count; i++)
        if (strcmp(field->map_keys[i], name) == 0)
            return true;
    return false;
}

static bool item_set(struct reply *reply, const char *key, const char *text)
{
    for (size_t i = 0; i < reply->count; i++)
        if (strcmp(reply->items[i].key, key) == 0)
            return false;
    if (reply->count == ITEM_KEYS_MAX)
        return false;
    reply->items[reply->count].key = key;
    reply->items[reply->count++].text = text;
    return true;
}

/* The words that every collection understands, beside the names that its policy gives. */
static const char *known_word(const struct reply *reply, const char *name, bool *ret_key)
{
    const struct policy_answer *answer = reply->collection->answer;
    const struct {
        const char *word, *key;
        int field;
    } words[] = { { "decision", answer->decision_key, -1 },
                  { "target", answer->target_key, -1 },
                  { "state", NULL, answer->state },
                  { "unit", NULL, answer->unit } };
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(words[i].word, name) != 0)
            continue;
        *ret_key = words[i].key != NULL;
        return words[i].field >= 0 ? reply->collection->fields[words[i].field].name : words[i].key;
    }
    return NULL;
}

static void refuse_key(const struct reply *reply, struct admin_call *call, const char *name)
{
    char names[PROBLEM_DETAIL_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < reply->field->map_key_count && len < sizeof names; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i > 0 ? ", " : "",
                                reply->field->map_keys[i]);
    node_admin_refuse(call, ERR_PART, name, names);
}

/* Each value goes into the item, or is a field of its own. False: refused. */
static bool take_values(struct reply *reply, struct admin_call *call)
{
    json_t *values = json_object_get(admin_call_args(call), "values"), *value;
    const char *name;
    json_object_foreach(values, name, value) {
        const char *text = json_string_value(value);
        bool key = has_key(reply->field, name);
        const char *meant = key ? name : known_word(reply, name, &key);
        const struct policy_field *field =
            meant == NULL || !key
                ? policy_field_loose(reply->collection, bytes_text(meant != NULL ? meant : name))
                : NULL;
        if (text == NULL || (!key && field == NULL) || field == reply->field) {
            refuse_key(reply, call, name);
            return false;
        }
        if (key ? !item_set(reply, meant, text)
                : json_object_get(reply->fields, field->name) != NULL) {
            node_admin_refuse(call, ERR_TWICE, name, name);
            return false;
        }
        if (!key)
            node_json_set(reply->fields, field->name, json_string(text));
    }
    if (reply->count > 0)
        return true;
    refuse_key(reply, call, "KEY=VALUE");
    return false;
}

/* The edges into the state that the answer names ask for this field. */
static bool state_requires(const struct reply *reply, size_t index)
{
    const int state = reply->collection->answer->state;
    const char *name = reply->collection->fields[state].name;
    const char *to = json_string_value(json_object_get(reply->fields, name));
    for (size_t w = 0; to != NULL && w < reply->collection->workflow_count; w++) {
        const struct policy_workflow *workflow = &reply->collection->workflows[w];
        for (size_t e = 0; workflow->field == state && e < workflow->edge_count; e++)
            for (size_t r = 0; r < workflow->edges[e].required_count; r++)
                if (workflow->edges[e].required[r] == index &&
                    strcmp(workflow->edges[e].to, to) == 0)
                    return true;
    }
    return false;
}

/* A part of the answer that is a field of the record too (a reason, say) goes into both, where the
 * new state asks for it: nobody types it twice. */
static void share_parts(struct reply *reply)
{
    for (size_t i = 0; i < reply->collection->field_count; i++) {
        const char *name = reply->collection->fields[i].name;
        for (size_t n = 0; n < reply->count; n++)
            if (strcmp(reply->items[n].key, name) == 0 && state_requires(reply, i))
                node_json_set(reply->fields, name, json_string(reply->items[n].text));
    }
}

/* When and by whom, where the policy has keys for it and nobody said otherwise. */
static void fill_in(struct reply *reply)
{
    const struct policy_answer *answer = reply->collection->answer;
    const struct policy *policy = node_store_policy(reply->admin->parts.store);
    int64_t minutes = policy_setting(policy, "utc_offset_minutes", 0);
    time_t seconds = (time_t)(node_admin_claim_ms(reply->admin) / 1000) + (time_t)(minutes * 60);
    struct tm local;
    if (answer->time_key != NULL && gmtime_r(&seconds, &local) != NULL &&
        strftime(reply->time_text, sizeof reply->time_text, "%Y-%m-%d %H:%M", &local) > 0)
        (void)item_set(reply, answer->time_key, reply->time_text);
    if (answer->by_key != NULL && reply->admin->name[0] != '\0')
        (void)item_set(reply, answer->by_key, reply->admin->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What stands, and the new map behind it. */
static enum err write_list(struct reply *reply, struct bytes stands, struct writer *out)
{
    struct reader in = reader_of(stands);
    size_t count = answer_given(stands) ? reader_array(&in) : 0;
    _Static_assert(offsetof(__typeof__(reply->items[0]), key) == 0, "sorted by the key");
    qsort(reply->items, reply->count, sizeof reply->items[0], by_key);
    writer_array(out, count + 1);
    for (size_t i = 0; i < count; i++)
        writer_raw(out, reader_raw(&in));
    writer_map(out, reply->count);
    for (size_t i = 0; i < reply->count; i++) {
        writer_text(out, reply->items[i].key);
        writer_text(out, reply->items[i].text);
    }
    return in.err != OK ? ERR_STORE : out->err;
}

/* The field to add to, as it stands here. False: refused. */
static bool find_field(struct reply *reply, struct admin_call *call, const struct id *record,
                       struct bytes *ret_stands)
{
    const struct policy *policy = node_store_policy(reply->admin->parts.store);
    const struct record_view *view;
    enum err err = node_store_view(reply->admin->parts.store, record, &view);
    if (err != OK) {
        node_admin_refuse(call, err, "record", err == ERR_NOT_FOUND ? "record" : NULL);
        return false;
    }
    const struct policy_collection *collection =
        policy != NULL ? policy_collection(policy, view->collection) : NULL;
    const struct policy_answer *answer = collection != NULL ? collection->answer : NULL;
    reply->collection = collection;
    reply->field = answer != NULL ? &collection->fields[answer->field] : NULL;
    if (reply->field == NULL || reply->field->type != FIELD_LIST ||
        reply->field->element != FIELD_MAP) {
        char thing[PROBLEM_THING_MAX];
        (void)snprintf(thing, sizeof thing, "%.*s", (int)view->short_text.len,
                       view->short_text.len > 0 ? (const char *)view->short_text.at : "");
        node_admin_refuse(call, ERR_UNANSWERED, thing,
                          collection != NULL ? collection->title : "?");
        return false;
    }
    const struct view_field *at = record_view_field(view, reply->field->name);
    *ret_stands = at != NULL ? at->value : bytes_of(NULL, 0);
    if (at == NULL || !at->held)
        return true;
    node_admin_refuse(call, ERR_STATE, reply->field->label,
                      "it has two values; decide first: `tkskctl conflict list`");
    return false;
}

static void reply_submit(struct reply *reply, struct entering *entering, struct bytes stands,
                         uint8_t *space)
{
    struct problem problem = { .code = OK };
    struct entry_change *change = &entering->changes[0];
    struct node_fields *fields = &entering->fields[0];
    struct writer out = writer_of(space, CHANGE_BYTES_MAX);
    enum err err = write_list(reply, stands, &out);
    if (err == OK)
        err = node_fields_open(reply->fields, fields, &problem);
    if (err != OK) {
        node_admin_refuse_problem(entering->call, err, &problem, reply->field->label);
        return;
    }
    /* node_fields_open leaves room for one more. */
    fields->list[fields->count] =
        (struct entry_field){ .name = bytes_text(reply->field->name), .value = writer_bytes(&out) };
    change->op = OP_UPDATE;
    change->fields = fields->list;
    change->field_count = fields->count + 1;
    node_entering_submit(entering);
}

void node_cmd_answer(struct node_admin *admin, struct admin_call *call)
{
    struct reply reply = { .admin = admin, .fields = json_object() };
    struct entering entering;
    struct bytes id, stands;
    uint8_t *space = malloc(CHANGE_BYTES_MAX);
    if (space == NULL) {
        node_admin_refuse(call, ERR_MEMORY, "answer", NULL);
    } else if (node_arg_needed(call, "id", &id) && node_entering_open(admin, call, 1, &entering)) {
        if (!node_entering_answered(&entering) &&
            node_arg_record(admin, call, id, &entering.changes[0].record) &&
            find_field(&reply, call, &entering.changes[0].record, &stands) &&
            take_values(&reply, call)) {
            share_parts(&reply);
            fill_in(&reply);
            reply_submit(&reply, &entering, stands, space);
        }
        node_entering_close(&entering);
    }
    json_decref(reply.fields);
    free(space);
}
