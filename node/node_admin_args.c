#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_inside.h"
#include "proto/label.h"
#include "proto/value_form.h"

/* ---- refusals */

void node_admin_refuse(struct admin_call *call, enum err code, const char *thing,
                       const char *detail)
{
    struct problem problem = { .code = OK };
    problem_set(&problem, code, thing, detail);
    admin_fail(call, &problem);
}

void node_admin_refuse_problem(struct admin_call *call, enum err code,
                               const struct problem *problem, const char *thing)
{
    if (problem->code != OK)
        admin_fail(call, problem);
    else
        node_admin_refuse(call, code, thing, NULL);
}

/* ---- arguments */

struct bytes node_arg_text(const json_t *args, const char *name)
{
    const json_t *value = json_object_get(args, name);
    if (!json_is_string(value))
        return (struct bytes){ NULL, 0 };
    return bytes_of(json_string_value(value), json_string_length(value));
}

bool node_arg_needed(struct admin_call *call, const char *name, struct bytes *ret_text)
{
    struct bytes text = node_arg_text(admin_call_args(call), name);
    if (text.len == 0) {
        node_admin_refuse(call, ERR_USAGE, name, "it must be given, as text");
        return false;
    }
    *ret_text = text;
    return true;
}

bool node_arg_request(struct admin_call *call, struct id *ret_request)
{
    struct bytes text = node_arg_text(admin_call_args(call), "request");
    *ret_request = (struct id){ .at = { 0 } };
    if (text.len == 0)
        return true;
    if (uuid_from_text(text, ret_request) && !id_is_zero(ret_request))
        return true;
    node_admin_refuse(call, ERR_USAGE, "request", "it is a UUID");
    return false;
}

const char *node_lane_name(enum lane lane)
{
    static const char *const names[LANE_COUNT] = { "urgent", "normal", "bulk" };
    must(lane < LANE_COUNT);
    return names[lane];
}

bool node_arg_lane(struct admin_call *call, enum lane *ret_lane)
{
    struct bytes text = node_arg_text(admin_call_args(call), "lane");
    *ret_lane = LANE_OF_POLICY;
    for (unsigned i = 0; i < LANE_COUNT && text.len > 0; i++) {
        if (bytes_is(text, node_lane_name((enum lane)i))) {
            *ret_lane = (enum lane)i;
            return true;
        }
    }
    if (text.len == 0)
        return true;
    node_admin_refuse(call, ERR_USAGE, "lane", "urgent, normal, bulk");
    return false;
}

struct matches {
    json_t *rows;
};

static void add_match(void *ctx, const struct record_view *view)
{
    struct matches *matches = ctx;
    json_t *row = json_object();
    node_json_set(row, "id", node_json_uuid(&view->id));
    node_json_set(row, "short", node_json_bytes(view->short_text));
    node_json_set(row, "collection", node_json_bytes(view->collection));
    node_json_set(row, "state", json_string(node_state_of(view)));
    json_array_append_new(matches->rows, row);
}

bool node_arg_record(struct node_admin *admin, struct admin_call *call, struct bytes text,
                     struct id *ret_record)
{
    char thing[PROBLEM_THING_MAX];
    struct matches matches = { .rows = json_array() };
    size_t index;
    json_t *row;
    enum err err = node_store_find(admin->parts.store, text, ret_record, add_match, &matches);
    if (err == ERR_AMBIGUOUS) {
        json_array_foreach(matches.rows, index, row)
            admin_row(call, json_incref(row));
    }
    json_decref(matches.rows);
    if (err == OK)
        return true;
    snprintf(thing, sizeof thing, "%.*s", (int)(text.len < 100 ? text.len : 100),
             (const char *)text.at);
    node_admin_refuse(call, err, thing, err == ERR_NOT_FOUND ? "record" : NULL);
    return false;
}

bool node_arg_collection(struct node_admin *admin, struct admin_call *call, struct bytes text,
                         const struct policy_collection **ret_collection)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    char names[PROBLEM_DETAIL_MAX];
    char thing[PROBLEM_THING_MAX];
    if (policy == NULL) {
        node_admin_refuse(call, ERR_STATE, "policy",
                          "no policy has arrived from the district office yet");
        return false;
    }
    *ret_collection = policy_collection_loose(policy, text);
    if (*ret_collection != NULL)
        return true;
    policy_collection_names(policy, names, sizeof names);
    snprintf(thing, sizeof thing, "%.*s", (int)(text.len < 100 ? text.len : 100),
             (const char *)text.at);
    node_admin_refuse(call, ERR_COLLECTION, thing, names);
    return false;
}

/* ---- fields: what JSON can say, in the forms that people type */

struct text_out {
    char *at;
    size_t len, cap;
};

static void put_plain(struct text_out *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (out->len < out->cap)
            out->at[out->len] = text[i];
        out->len++;
    }
}

/* With a backslash before what separates parts. */
static void put_part(struct text_out *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("\\|;=", text[i]) != NULL && text[i] != '\0')
            put_plain(out, "\\", 1);
        put_plain(out, &text[i], 1);
    }
}

/* Numbers and booleans; a string goes its own way. */
static bool put_scalar(struct text_out *out, const json_t *value)
{
    char text[64];
    if (json_is_integer(value)) {
        snprintf(text, sizeof text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(text, sizeof text, "%.9f", json_real_value(value));
        size_t len = strlen(text);
        while (len > 1 && text[len - 1] == '0' && strchr(text, '.') != NULL)
            text[--len] = '\0';
        if (text[len - 1] == '.')
            text[len - 1] = '\0';
    } else if (json_is_boolean(value)) {
        snprintf(text, sizeof text, "%s", json_is_true(value) ? "ya" : "tidak");
    } else {
        return false;
    }
    put_plain(out, text, strlen(text));
    return true;
}

static bool put_map(struct text_out *out, const json_t *map, char separator)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    void *iter = json_object_iter((json_t *)(uintptr_t)map);
    for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)map, iter)) {
        key = json_object_iter_key(iter);
        value = json_object_iter_value(iter);
        if (count++ > 0)
            put_plain(out, &separator, 1);
        put_part(out, key, strlen(key));
        put_plain(out, "=", 1);
        if (json_is_string(value))
            put_part(out, json_string_value(value), json_string_length(value));
        else if (!put_scalar(out, value))
            return false;
    }
    return true;
}

static bool put_list(struct text_out *out, const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *value = json_array_get(list, i);
        if (i > 0)
            put_plain(out, "|", 1);
        if (json_is_string(value))
            put_part(out, json_string_value(value), json_string_length(value));
        else if (json_is_object(value) ? !put_map(out, value, ';') : !put_scalar(out, value))
            return false;
    }
    return true;
}

static bool put_value(struct text_out *out, const json_t *value)
{
    if (json_is_array(value))
        return put_list(out, value);
    if (json_is_object(value))
        return put_map(out, value, '|');
    return put_scalar(out, value);
}

static enum err field_take(const char *name, const json_t *value, struct entry_field *field,
                           char **ret_owned, struct problem *problem)
{
    static const uint8_t nothing[1];
    struct text_out out = { .at = NULL };
    field->name = bytes_text(name);
    if (json_is_null(value)) {
        field->text = bytes_of(nothing, 0);
        return OK;
    }
    if (json_is_string(value)) {
        field->text = bytes_of(json_string_value(value), json_string_length(value));
        return OK;
    }
    if (!put_value(&out, value))
        return problem_set(problem, ERR_USAGE, name, "a text, number, list or map of such");
    out = (struct text_out){ .at = malloc(out.len + 1), .cap = out.len };
    if (out.at == NULL)
        return problem_set(problem, ERR_MEMORY, name, NULL);
    (void)put_value(&out, value);
    must(out.len == out.cap);
    out.at[out.len] = '\0';
    field->text = bytes_of(out.at, out.len);
    *ret_owned = out.at;
    return OK;
}

enum err node_fields_open(const json_t *object, struct node_fields *ret_fields,
                          struct problem *problem)
{
    struct node_fields fields = { .count = 0 };
    size_t count = json_object_size(object);
    *ret_fields = fields;
    if (object != NULL && !json_is_object(object))
        return problem_set(problem, ERR_USAGE, "fields", "an object of field names and values");
    if (count > FIELDS_PER_CHANGE_MAX)
        return problem_set(problem, ERR_LIMIT, "fields", "at most 128");
    fields.list = calloc(count + 1, sizeof *fields.list);
    fields.owned = calloc(count + 1, sizeof *fields.owned);
    if (fields.list == NULL || fields.owned == NULL) {
        free(fields.list);
        free(fields.owned);
        return problem_set(problem, ERR_MEMORY, "fields", NULL);
    }
    *ret_fields = fields;
    void *iter = json_object_iter((json_t *)(uintptr_t)object);
    for (size_t i = 0; iter != NULL; i++) {
        enum err err = field_take(json_object_iter_key(iter), json_object_iter_value(iter),
                                  &fields.list[i], &fields.owned[i], problem);
        ret_fields->count = i + 1;
        if (err != OK)
            return err;
        iter = json_object_iter_next((json_t *)(uintptr_t)object, iter);
    }
    return OK;
}

void node_fields_close(struct node_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->owned[i] != NULL)
            crypto_wipe(fields->owned[i], strlen(fields->owned[i]));
        free(fields->owned[i]);
    }
    free(fields->owned);
    free(fields->list);
    *fields = (struct node_fields){ .count = 0 };
}

/* ---- JSON out */

void node_json_set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value != NULL ? value : json_null());
}

json_t *node_json_bytes(struct bytes text)
{
    return text.at == NULL ? NULL : json_stringn((const char *)text.at, text.len);
}

json_t *node_json_uuid(const struct id *id)
{
    char text[UUID_TEXT_BYTES];
    uuid_to_text(id, text);
    return json_string(text);
}

json_t *node_json_hash(const struct hash *hash)
{
    char text[2 * HASH_BYTES + 1];
    crypto_hex(bytes_hash(hash), text);
    return json_string(text);
}

json_t *node_json_uint(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *node_json_time(uint64_t ms_utc)
{
    char text[TIME_TEXT_BYTES];
    if (ms_utc == 0 || ms_utc > INT64_MAX || !time_to_text((int64_t)(ms_utc - ms_utc % 1000), text))
        return NULL;
    return json_string(text);
}

json_t *node_json_value(struct node_admin *admin, const struct policy_field *field,
                        struct bytes value)
{
    if (field == NULL || value.len == 0 || value_is_nil(value) ||
        value_to_text(field, value, admin->text, sizeof admin->text) != OK)
        return NULL;
    json_t *text = json_string(admin->text);
    crypto_wipe(admin->text, strlen(admin->text));
    return text;
}

json_t *node_json_shown(struct node_admin *admin, const struct policy_field *field,
                        struct bytes value)
{
    if (field == NULL || value.len == 0 || value_is_nil(value) ||
        label_value(node_store_policy(admin->parts.store), field, value, admin->text,
                    sizeof admin->text) != OK)
        return NULL;
    json_t *text = json_string(admin->text);
    crypto_wipe(admin->text, strlen(admin->text));
    return text;
}

json_t *node_json_warnings(const struct warnings *warnings, enum lang lang)
{
    json_t *list = json_array();
    for (size_t i = 0; i < warnings->count; i++) {
        char rule[PROBLEM_DETAIL_MAX + 256];
        problem_rule(&warnings->list[i], lang, rule, sizeof rule);
        json_array_append_new(list, json_sprintf("%s: %s", warnings->list[i].thing, rule));
    }
    return list;
}

const char *node_state_of(const struct record_view *view)
{
    for (size_t i = 0; i < view->field_count; i++) {
        if (view->fields[i].held)
            return "held";
    }
    if (view->to_countersign)
        return "to_countersign";
    return view->deleted ? "deleted" : view->pending ? "pending" : "confirmed";
}

void node_reason_text(struct bytes reason, struct bytes field, enum lang lang, char *ret,
                      size_t cap)
{
    struct problem problem = { .code = OK };
    char detail[IDENTIFIER_BYTES_MAX + 1];
    enum err code = err_from_name(reason);
    ret[0] = '\0';
    if (reason.len == 0 || code == OK || code == ERR_COUNT)
        return;
    snprintf(detail, sizeof detail, "%.*s", (int)field.len, (const char *)field.at);
    problem_set(&problem, code, "", detail);
    problem_rule(&problem, lang, ret, cap);
}
