/* What a form needs to know: the collections, and what the person here may write in them. */
#include <stdio.h>

#include "node/node_admin_inside.h"
#include "proto/value_form.h"

#define FORM_AREAS_MAX 64

/* Whoever is at the form; op is NULL where that is open. */
struct form {
    struct node_admin *admin;
    const struct policy *policy;
    const struct trust_operator *op;
    authority_set author;
    char today[11];
};

authority_set node_admin_author(struct node_admin *admin, const struct policy *policy)
{
    authority_set all = 0;
    for (size_t i = 0; i < policy->role_count; i++)
        all |= policy->roles[i].authority;
    const struct trust_operator *op = node_store_operator(admin->parts.store);
    const struct policy_role *role = op != NULL ? policy_role(policy, bytes_text(op->role)) : NULL;
    return role != NULL ? role->authority : all;
}

static json_t *codes_json(const struct policy_field *field, const char today[11])
{
    json_t *codes = json_array();
    if (field->codes == NULL)
        return codes;
    const struct policy_code_version *version = policy_codes_at(field->codes, today);
    for (size_t i = 0; i < version->code_count; i++)
        json_array_append_new(codes, json_pack("{s:s, s:s}", "code", version->codes[i].code,
                                               "label", version->codes[i].label));
    return codes;
}

bool node_field_writable(const struct policy_field *field, authority_set author,
                         const char today[11])
{
    bool retired = field->until != NULL && strcmp(today, field->until) >= 0;
    return !field->computed && !retired && (field->authority & author) != 0;
}

/* The areas of the field's level inside the person's own; empty when too many to choose from. */
static json_t *areas_json(const struct form *form, const struct policy_field *field)
{
    json_t *areas = json_array();
    if (field->type != FIELD_AREA || field->area_level == 0 || form->op == NULL)
        return areas;
    for (size_t i = 0; i < form->policy->area_count; i++) {
        const struct policy_area *area = &form->policy->areas[i];
        struct bytes code = bytes_text(area->code);
        if (area_level(code) == field->area_level &&
            area_within(code, bytes_text(form->op->area)) && policy_area_at(area, form->today))
            json_array_append_new(areas,
                                  json_pack("{s:s, s:s}", "code", area->code, "label", area->name));
    }
    if (json_array_size(areas) > FORM_AREAS_MAX)
        json_array_clear(areas);
    return areas;
}

static json_t *map_keys_json(const struct policy_field *field)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < field->map_key_count; i++)
        json_array_append_new(keys, json_string(field->map_keys[i]));
    return keys;
}

/* The states in which this person may begin a record; NULL: the field holds no state. */
static json_t *start_json(const struct form *form, const struct policy_collection *collection,
                          const struct policy_field *field)
{
    for (size_t i = 0; i < collection->workflow_count; i++) {
        const struct policy_workflow *workflow = &collection->workflows[i];
        if (&collection->fields[workflow->field] != field)
            continue;
        json_t *states = json_array();
        for (size_t j = 0; j < workflow->edge_count; j++) {
            const struct policy_edge *edge = &workflow->edges[j];
            if (edge->from_count == 0 && (edge->authority & form->author) != 0)
                json_array_append_new(states, json_string(edge->to));
        }
        return states;
    }
    return NULL;
}

/* Is it asked for only on a later step of a record's way? */
static bool comes_later(const struct policy_collection *collection, size_t index)
{
    for (size_t i = 0; i < collection->workflow_count; i++) {
        const struct policy_workflow *workflow = &collection->workflows[i];
        for (size_t j = 0; j < workflow->edge_count; j++) {
            const struct policy_edge *edge = &workflow->edges[j];
            for (size_t k = 0; k < edge->required_count && edge->from_count > 0; k++)
                if (edge->required[k] == index)
                    return true;
        }
    }
    return false;
}

static json_t *field_json(const struct form *form, const struct policy_collection *collection,
                          size_t index)
{
    const struct policy_field *field = &collection->fields[index];
    char column[IMPORT_COLUMN_BYTES_MAX];
    json_t *targets = json_array(), *areas = areas_json(form, field);
    for (size_t i = 0; i < field->target_count; i++)
        json_array_append_new(targets, json_string(field->targets[i]));
    json_t *row = json_pack("{s:s, s:s, s:s, s:b, s:b}", "name", field->name, "label", field->label,
                            "type", field_type_name(field->type), "required", (int)field->required,
                            "computed", (int)field->computed);
    node_json_set(row, "element",
                  field->type == FIELD_LIST ? json_string(field_type_name(field->element)) : NULL);
    node_json_set(row, "codes", codes_json(field, form->today));
    node_json_set(row, "default", node_json_value(form->admin, field, field->default_value));
    node_json_set(row, "targets", targets);
    node_json_set(row, "writable",
                  json_boolean(node_field_writable(field, form->author, form->today)));
    node_json_set(row, "keys", map_keys_json(field));
    node_json_set(row, "start", start_json(form, collection, field));
    node_json_set(row, "later", json_boolean(comes_later(collection, index)));
    node_json_set(row, "suggested",
                  json_array_size(areas) == 1
                      ? json_incref(json_object_get(json_array_get(areas, 0), "code"))
                      : NULL);
    node_json_set(row, "areas", areas);
    node_import_column_name(form->policy, field, column);
    node_json_set(row, "column", json_string(column));
    return row;
}

void node_cmd_collections(struct node_admin *admin, struct admin_call *call)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    struct form form = { .admin = admin, .policy = policy };
    if (policy == NULL) {
        node_admin_refuse(call, ERR_STATE, "policy",
                          "no policy has arrived from the district office yet");
        return;
    }
    form.op = node_store_operator(admin->parts.store);
    form.author = node_admin_author(admin, policy);
    date_of_ms(loop_wall_ms(), form.today);
    for (size_t i = 0; i < policy->collection_count; i++) {
        const struct policy_collection *collection = &policy->collections[i];
        json_t *fields = json_array();
        for (size_t j = 0; j < collection->field_count; j++)
            json_array_append_new(fields, field_json(&form, collection, j));
        admin_row(call, json_pack("{s:s, s:s, s:o}", "name", collection->name, "title",
                                  collection->title, "fields", fields));
    }
    admin_done(call, NULL);
}
