/* Columns of a file: which field each one is, and the records that look-up columns name. */
#include <stdio.h>

#include "node/node_admin_inside.h"
#include "proto/value_form.h"

static const struct policy_field *reference_field(const struct policy_collection *collection,
                                                  struct bytes name)
{
    const struct policy_field *field = policy_field_loose(collection, name);
    return field != NULL && field->type == FIELD_REFERENCE ? field : NULL;
}

bool node_import_column(const struct policy *policy, const struct policy_collection *collection,
                        struct bytes name, struct import_column *ret_column)
{
    name = text_trim(name);
    struct import_column column = { .field = policy_field_loose(collection, name) };
    for (size_t i = 0; column.field == NULL && i < name.len; i++) {
        if (name.at[i] != '.')
            continue;
        const struct policy_field *field = reference_field(collection, bytes_of(name.at, i));
        struct bytes rest = bytes_of(name.at + i + 1, name.len - i - 1);
        for (size_t j = 0; field != NULL && column.by == NULL && j < field->target_count; j++) {
            column.target = policy_collection(policy, bytes_text(field->targets[j]));
            column.by = column.target != NULL ? policy_field_loose(column.target, rest) : NULL;
            if (column.by != NULL && !column.by->lookup)
                column.by = NULL;
        }
        if (column.by != NULL)
            column.field = field;
    }
    *ret_column = column;
    return column.field != NULL;
}

void node_import_column_name(const struct policy *policy, const struct policy_field *field,
                             char ret[IMPORT_COLUMN_BYTES_MAX])
{
    const struct policy_field *by = NULL;
    for (size_t i = 0; field->type == FIELD_REFERENCE && by == NULL && i < field->target_count;
         i++) {
        const struct policy_collection *target =
            policy_collection(policy, bytes_text(field->targets[i]));
        for (size_t j = 0; target != NULL && j < target->field_count; j++) {
            const struct policy_field *at = &target->fields[j];
            bool number = at->type == FIELD_NIK || at->type == FIELD_KK;
            if (at->lookup && (by == NULL || (number && by->type == FIELD_TEXT)))
                by = at;
        }
    }
    snprintf(ret, IMPORT_COLUMN_BYTES_MAX, "%s%s%s", field->name, by != NULL ? "." : "",
             by != NULL ? by->name : "");
}

/* ---- import_begin */

/* The field that was likely meant: one whose name or label holds what is written, the shortest of
 * these, else the nearest, unless nothing of it is the same. */
static json_t *nearest_json(const struct policy_collection *collection, struct bytes name)
{
    struct nearest nearest = { .typed = name };
    char text[LABEL_BYTES_MAX + 1];
    const char *holds = NULL;
    snprintf(text, sizeof text, "%.*s", name.len < LABEL_BYTES_MAX ? (int)name.len : 0,
             (const char *)name.at);
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        if (field->computed)
            continue;
        nearest_add(&nearest, field->name, field->label);
        if (strlen(text) > 2 &&
            (strcasestr(field->name, text) != NULL || strcasestr(field->label, text) != NULL) &&
            (holds == NULL || strlen(field->name) < strlen(holds)))
            holds = field->name;
    }
    if (holds != NULL)
        return json_string(holds);
    bool near = nearest.count > 0 && name.len > 0 && 2 * nearest.distance[0] <= name.len;
    return near ? json_string(nearest.name[0]) : NULL;
}

static json_t *column_json(const struct policy *policy, const struct policy_collection *collection,
                           const json_t *name)
{
    char full[IMPORT_COLUMN_BYTES_MAX];
    struct import_column column;
    json_t *row = json_object();
    json_t *field = NULL, *type = NULL, *nearest = NULL;
    struct bytes text = bytes_of(json_string_value(name), json_string_length(name));
    bool known = node_import_column(policy, collection, text, &column);
    /* What the hub computes comes back in its tables; it is left out here. */
    if (known && !column.field->computed) {
        const struct policy_field *typed = column.by != NULL ? column.by : column.field;
        snprintf(full, sizeof full, "%s%s%s", column.field->name, column.by != NULL ? "." : "",
                 column.by != NULL ? column.by->name : "");
        field = json_string(full);
        type = json_string(field_type_name(typed->type));
    } else if (!known) {
        nearest = nearest_json(collection, text_trim(text));
    }
    node_json_set(row, "name", json_incref((json_t *)(uintptr_t)name));
    node_json_set(row, "field", field);
    node_json_set(row, "type", type);
    node_json_set(row, "computed", json_boolean(known && column.field->computed));
    node_json_set(row, "nearest", nearest);
    return row;
}

bool node_import_arg_file(struct admin_call *call, struct hash *ret_file)
{
    struct bytes text;
    if (!node_arg_needed(call, "file_hash", &text))
        return false;
    if (crypto_unhex(text, ret_file->at, HASH_BYTES))
        return true;
    node_admin_refuse(call, ERR_USAGE, "file_hash", "64 hexadecimal digits");
    return false;
}

void node_import_begin(struct node_admin *admin, struct admin_call *call)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *collection;
    const json_t *columns = json_object_get(admin_call_args(call), "columns");
    struct import_file file;
    struct hash hash;
    struct bytes name;
    if (!node_import_arg_file(call, &hash) || !node_arg_needed(call, "collection", &name) ||
        !node_arg_collection(admin, call, name, &collection))
        return;
    enum err err = node_store_import(admin->parts.store, &hash, &file);
    if (err != OK) {
        node_admin_refuse(call, err, "import", NULL);
        return;
    }
    json_t *done = json_object(), *answers = json_array();
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        if (!json_is_string(column)) {
            json_decref(done);
            json_decref(answers);
            node_admin_refuse(call, ERR_USAGE, "columns", "a list of texts");
            return;
        }
        json_array_append_new(answers, column_json(policy, collection, column));
    }
    node_json_set(done, "line", node_json_uint(file.line));
    node_json_set(done, "columns", answers);
    admin_done(call, done);
}

/* ---- look-ups */

struct found {
    unsigned count;
    struct id record;
};

static void count_one(void *ctx, const struct record_view *view)
{
    struct found *found = ctx;
    found->count++;
    found->record = view->id;
}

enum err node_import_count(struct node_store *store, const struct import_column *column,
                           struct bytes value, unsigned *ret_count, struct id *ret_record)
{
    struct found found = { .count = 0 };
    enum err err = node_store_lookup(store, bytes_text(column->target->name),
                                     bytes_text(column->by->name), value, count_one, &found);
    if (err != OK)
        return err;
    *ret_count = found.count;
    *ret_record = found.record;
    return OK;
}

/* A UUID, or "29-0417". */
static bool is_id(struct bytes text)
{
    struct id id;
    size_t dash = 0;
    if (uuid_from_text(text, &id))
        return true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '-' && i > 0 && dash == 0)
            dash = i;
        else if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    }
    return dash > 0 && dash <= 4 && dash + 1 < text.len && text.len - dash <= 10;
}

enum err node_import_look_up(struct node_store *store, const char today[11],
                             const struct import_column *column, const char *thing,
                             struct bytes text, char ret[UUID_TEXT_BYTES], struct problem *problem)
{
    uint8_t space[4 * TEXT_CHARS_MAX + 16];
    struct problem own = { .code = OK };
    struct writer value = writer_of(space, sizeof space);
    unsigned count = 0;
    struct id record;
    text = text_trim(text);
    enum err wrong =
        value_from_text(node_store_policy(store), column->by, today, text, &value, &own);
    enum err err = OK;
    if (wrong == OK)
        err = node_import_count(store, column, writer_bytes(&value), &count, &record);
    crypto_wipe(space, value.buf.len);
    if (err == OK && count == 0 && is_id(text)) {
        err = node_store_find(store, text, &record, NULL, NULL);
        if (err == OK) {
            count = 1;
            wrong = OK;
        } else if (err == ERR_NOT_FOUND || err == ERR_AMBIGUOUS) {
            count = err == ERR_AMBIGUOUS ? 2 : 0;
            wrong = OK;
            err = OK;
        }
    }
    if (err != OK)
        return err;
    if (wrong != OK)
        return problem_set(problem, wrong, thing, own.detail);
    if (count != 1)
        return problem_setf(problem, count == 0 ? ERR_REFERENCE : ERR_AMBIGUOUS, thing, "%u × %s",
                            count, column->target->title);
    uuid_to_text(&record, ret);
    return OK;
}

/* ---- zeros that a spreadsheet dropped */

static bool same_but_zeros(struct bytes text, const char *code)
{
    size_t at = 0;
    for (;;) {
        while (at + 1 < text.len && text.at[at] == '0' && text.at[at + 1] != '.')
            at++;
        while (code[0] == '0' && code[1] != '.' && code[1] != '\0')
            code++;
        while (at < text.len && text.at[at] != '.' && text.at[at] == (uint8_t)*code) {
            at++;
            code++;
        }
        if (at == text.len || *code == '\0')
            return at == text.len && *code == '\0';
        if (text.at[at] != '.' || *code != '.')
            return false;
        at++;
        code++;
    }
}

const struct policy_area *node_import_area(const struct policy *policy, struct bytes text)
{
    const struct policy_area *found = NULL;
    text = text_trim(text);
    for (size_t i = 0; text.len > 0 && i < policy->area_count; i++) {
        if (!same_but_zeros(text, policy->areas[i].code))
            continue;
        if (found != NULL)
            return NULL;
        found = &policy->areas[i];
    }
    return found;
}
