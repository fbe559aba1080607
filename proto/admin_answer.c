#include "proto/admin_answer.h"

#include "proto/label.h"
#include "proto/value.h"

#define DAY_MS UINT64_C(86400000)

static void set(json_t *object, const char *key, json_t *value)
{
    (void)json_object_set_new(object, key, value != NULL ? value : json_null());
}

static json_t *text_json(struct bytes text)
{
    return text.len > 0 ? json_stringn((const char *)text.at, text.len) : NULL;
}

static json_t *label_json(const struct policy *policy, const struct policy_collection *collection,
                          int field, struct bytes code)
{
    const char *label =
        field >= 0 && code.len > 0 ? label_of(policy, &collection->fields[field], code) : NULL;
    return label != NULL ? json_string(label) : NULL;
}

void admin_answer_state(json_t *object, const struct policy *policy,
                        const struct policy_collection *collection, struct bytes state,
                        struct bytes unit)
{
    const struct policy_answer *answer = collection->answer;
    set(object, "collection", json_string(collection->name));
    set(object, "title", json_string(collection->title));
    set(object, "state", text_json(state));
    set(object, "state_label", label_json(policy, collection, answer->state, state));
    set(object, "unit", text_json(unit));
    set(object, "unit_label", label_json(policy, collection, answer->unit, unit));
}

void admin_answer_last(json_t *object, const struct policy *policy,
                       const struct policy_collection *collection, bool given,
                       struct bytes decision, struct bytes target)
{
    const struct policy_answer *answer = collection->answer;
    bool secret = collection->fields[answer->field].sensitivity == SENSITIVITY_R;
    json_t *label = secret ? NULL : label_json(policy, collection, answer->state, decision);
    char iso[11];
    bool dated = !secret && target.len > 0 && date_parse(target, iso);
    set(object, "answered", json_boolean(given));
    set(object, "decision", label != NULL ? text_json(decision) : NULL);
    set(object, "decision_label", label);
    set(object, "target", dated ? json_string(iso) : NULL);
}

void admin_answer_waits(json_t *object, const struct policy_answer *answer, bool owed,
                        uint64_t age_ms)
{
    set(object, "unanswered_days", owed ? json_integer((json_int_t)(age_ms / DAY_MS)) : NULL);
    set(object, "limit_days", json_integer(answer->days));
    set(object, "late", json_boolean(owed && age_ms > (uint64_t)answer->days * DAY_MS));
}

void admin_units_add(json_t *units, const json_t *row, bool late)
{
    const char *unit = json_string_value(json_object_get(row, "unit"));
    size_t index;
    json_t *one, *found = NULL;
    json_array_foreach(units, index, one) {
        const char *known = json_string_value(json_object_get(one, "unit"));
        if (strcmp(known != NULL ? known : "", unit != NULL ? unit : "") == 0)
            found = one;
    }
    if (found == NULL) {
        found = json_pack("{s:O, s:O, s:i, s:i}", "unit", json_object_get(row, "unit"),
                          "unit_label", json_object_get(row, "unit_label"), "count", 0, "late", 0);
        (void)json_array_append_new(units, found);
    }
    set(found, "count", json_integer(json_integer_value(json_object_get(found, "count")) + 1));
    set(found, "late", json_integer(json_integer_value(json_object_get(found, "late")) + late));
}

bool admin_unit_known(const struct policy *policy, const char *unit, char *ret_names, size_t cap)
{
    ret_names[0] = '\0';
    for (size_t i = 0; policy != NULL && i < policy->collection_count; i++) {
        const struct policy_collection *collection = &policy->collections[i];
        if (collection->answer == NULL || collection->answer->unit < 0)
            continue;
        const struct policy_field *field = &collection->fields[collection->answer->unit];
        if (label_known(policy, field, unit))
            return true;
        if (ret_names[0] == '\0')
            label_codes(field, ret_names, cap);
    }
    return false;
}
