#include <stdlib.h>

#include "hub/hub_admin_inside.h"
#include "hub/hub_tables.h"
#include "proto/label.h"
#include "proto/rules.h"
#include "proto/value_form.h"

/* Labels may be longer than the codes that stand in a column. */
#define SHOWN_BYTES_MORE (64 * 1024)

void hub_refuse(struct admin_call *call, enum err code, const char *thing, const char *detail)
{
    struct problem problem;
    (void)problem_set(&problem, code, thing, detail);
    admin_fail(call, &problem);
}

void hub_refuse_problem(struct admin_call *call, enum err code, const struct problem *problem,
                        const char *thing)
{
    if (problem->code != OK)
        admin_fail(call, problem);
    else
        hub_refuse(call, code, thing, NULL);
}

bool hub_arg_text(struct admin_call *call, const char *name, const char **ret_text)
{
    const char *text = json_string_value(json_object_get(admin_call_args(call), name));
    if (text == NULL || text[0] == '\0') {
        hub_refuse(call, ERR_USAGE, name, "it must be given, as text");
        return false;
    }
    *ret_text = text;
    return true;
}

bool hub_arg_base64(struct admin_call *call, const char *name, size_t bytes_max, struct buf *ret)
{
    const char *text;
    if (!hub_arg_text(call, name, &text))
        return false;
    size_t len = strlen(text);
    if (len > (bytes_max + 2) / 3 * 4) {
        hub_refuse(call, ERR_LIMIT, name, "it is too long");
        return false;
    }
    struct buf bytes = buf_of(malloc(len + 4), len + 4);
    enum err err = bytes.at == NULL ? ERR_MEMORY : crypto_unbase64(bytes_of(text, len), &bytes);
    if (err != OK) {
        free(bytes.at);
        hub_refuse(call, err == ERR_MEMORY ? ERR_MEMORY : ERR_MALFORMED, name, "not base64");
        return false;
    }
    *ret = bytes;
    return true;
}

bool hub_arg_uint(struct admin_call *call, const char *name, uint64_t max, uint64_t fallback,
                  uint64_t *ret_value)
{
    const json_t *value = json_object_get(admin_call_args(call), name);
    if (value == NULL || json_is_null(value)) {
        *ret_value = fallback;
        return true;
    }
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > max) {
        hub_refuse(call, ERR_USAGE, name, "a whole number within its limits");
        return false;
    }
    *ret_value = (uint64_t)number;
    return true;
}

json_t *hub_json_uint(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *hub_json_hash(const struct hash *hash)
{
    char hex[2 * HASH_BYTES + 1];
    crypto_hex(bytes_hash(hash), hex);
    return json_string(hex);
}

json_t *hub_json_key(const struct public_key *key)
{
    char hex[2 * PUBLIC_KEY_BYTES + 1];
    crypto_hex(bytes_of(key->at, PUBLIC_KEY_BYTES), hex);
    return json_string(hex);
}

json_t *hub_json_text(struct bytes text)
{
    return json_stringn((const char *)text.at, text.len);
}

json_t *hub_json_time(uint64_t ms_utc)
{
    char text[TIME_TEXT_BYTES];
    if (ms_utc == 0 || ms_utc > INT64_MAX || !time_to_text((int64_t)(ms_utc - ms_utc % 1000), text))
        return NULL;
    return json_string(text);
}

json_t *hub_json_base64(struct bytes bytes)
{
    size_t cap = (bytes.len + 2) / 3 * 4 + 1;
    char *text = malloc(cap);
    json_t *json = NULL;
    if (text != NULL && crypto_base64(bytes, text, cap) == OK)
        json = json_string(text);
    free(text);
    return json;
}

void hub_json_set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value != NULL ? value : json_null());
}

const char *hub_row_text(const struct hub_row *row, const char *name)
{
    for (int i = 0; i < row->count; i++) {
        if (strcmp(row->names[i], name) == 0)
            return row->values[i];
    }
    return NULL;
}

uint64_t hub_row_uint(const struct hub_row *row, const char *name)
{
    const char *text = hub_row_text(row, name);
    return text != NULL ? strtoull(text, NULL, 10) : 0;
}

/* The canonical value behind a column's text, for those fields whose text people would not read. */
static enum err column_value(const struct policy_field *field, const char *text, struct writer *out)
{
    if (tables_is_json(field->type))
        return tables_from_json(field, bytes_text(text), out);
    if (field->type == FIELD_BOOL)
        writer_bool(out, strcmp(text, "0") != 0);
    else
        writer_str(out, bytes_text(text));
    return out->err;
}

json_t *hub_json_shown(const struct policy *policy, const struct policy_field *field,
                       const char *value)
{
    bool as_it_is = !tables_is_json(field->type) && field->type != FIELD_BOOL &&
                    field->type != FIELD_ENUM && field->type != FIELD_AREA;
    if (value == NULL || as_it_is)
        return value != NULL ? json_string(value) : NULL;
    size_t cap = 2 * strlen(value) + SHOWN_BYTES_MORE;
    struct writer out = writer_of(malloc(cap), cap);
    char *text = malloc(cap);
    json_t *shown = NULL;
    if (out.buf.at != NULL && text != NULL && column_value(field, value, &out) == OK &&
        label_value(policy, field, writer_bytes(&out), text, cap) == OK)
        shown = json_string(text);
    if (out.buf.at != NULL)
        crypto_wipe(out.buf.at, cap);
    if (text != NULL)
        crypto_wipe(text, cap);
    free(out.buf.at);
    free(text);
    return shown;
}

json_t *hub_json_refusal(const struct hub_store *store, const struct policy_collection *collection,
                         const char *reason, const char *field, enum lang lang)
{
    const struct policy *policy = hub_store_policy(store);
    enum err code = reason != NULL ? err_from_name(bytes_text(reason)) : ERR_COUNT;
    char detail[PROBLEM_DETAIL_MAX] = "", rule[PROBLEM_DETAIL_MAX + PROBLEM_DETAIL_MAX];
    struct problem problem;
    /* Which state it met is history: of a step it is only said that it was not open. */
    if (policy != NULL && collection != NULL && field != NULL && code != ERR_COUNT &&
        code != ERR_WORKFLOW)
        rules_refusal(policy, collection, code, bytes_text(field), bytes_of(NULL, 0), NULL, detail,
                      sizeof detail);
    if (detail[0] == '\0')
        return hub_json_reason(reason, lang);
    (void)problem_set(&problem, code, NULL, detail);
    problem_rule(&problem, lang, rule, sizeof rule);
    return json_string(rule);
}

json_t *hub_json_reason(const char *reason, enum lang lang)
{
    char rule[PROBLEM_DETAIL_MAX + PROBLEM_DETAIL_MAX];
    struct problem problem;
    enum err code = reason != NULL ? err_from_name(bytes_text(reason)) : ERR_COUNT;
    if (code == ERR_COUNT || code == OK)
        return NULL;
    (void)problem_set(&problem, code, NULL, "");
    problem_rule(&problem, lang, rule, sizeof rule);
    return json_sprintf("%s; %s", rule, problem_remedy(&problem, lang));
}
