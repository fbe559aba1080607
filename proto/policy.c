#include "proto/policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/limits.h"
#include "proto/value_form.h"

const char *field_type_name(enum field_type type)
{
    static const char *const names[] = {
#define X(name, text) [name] = (text),
        FIELD_TYPES(X)
#undef X
    };
    must((size_t)type < FIELD_TYPE_COUNT);
    return names[type];
}

const struct policy_collection *policy_collection(const struct policy *policy, struct bytes name)
{
    for (size_t i = 0; i < policy->collection_count; i++)
        if (bytes_is(name, policy->collections[i].name))
            return &policy->collections[i];
    return NULL;
}

const struct policy_collection *policy_collection_loose(const struct policy *policy,
                                                        struct bytes name)
{
    const struct policy_collection *found = policy_collection(policy, name);
    for (size_t i = 0; found == NULL && i < policy->collection_count; i++)
        if (text_same_loose(name, policy->collections[i].name) ||
            text_same_loose(name, policy->collections[i].title))
            found = &policy->collections[i];
    return found;
}

void policy_collection_names(const struct policy *policy, char *ret, size_t cap)
{
    size_t len = 0;
    must(cap > 0);
    ret[0] = '\0';
    for (size_t i = 0; i < policy->collection_count && len < cap; i++)
        len += (size_t)snprintf(ret + len, cap - len, "%s%s", i > 0 ? ", " : "",
                                policy->collections[i].name);
}

int policy_name_compare(struct bytes a, struct bytes b)
{
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return a.len ? memcmp(a.at, b.at, a.len) : 0;
}

const struct policy_field *policy_field(const struct policy_collection *collection,
                                        struct bytes name)
{
    size_t low = 0;
    size_t high = collection->field_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = policy_name_compare(collection->names[middle].name, name);
        if (order == 0)
            return collection->names[middle].field;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct policy_field *policy_field_loose(const struct policy_collection *collection,
                                              struct bytes name)
{
    for (size_t i = 0; i < collection->field_count; i++)
        if (text_same_loose(name, collection->fields[i].name) ||
            text_same_loose(name, collection->fields[i].label))
            return &collection->fields[i];
    return NULL;
}

const struct policy_area *policy_area(const struct policy *policy, struct bytes code)
{
    size_t low = 0;
    size_t high = policy->area_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = codec_compare(bytes_text(policy->areas[middle].code), code);
        if (order == 0)
            return &policy->areas[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool policy_area_at(const struct policy_area *area, const char date[11])
{
    return strcmp(area->from, date) <= 0 &&
           (area->until[0] == '\0' || strcmp(date, area->until) < 0);
}

const struct policy_role *policy_role(const struct policy *policy, struct bytes name)
{
    for (size_t i = 0; i < policy->role_count; i++)
        if (bytes_is(name, policy->roles[i].name))
            return &policy->roles[i];
    return NULL;
}

const struct policy_code_version *policy_codes_at(const struct policy_code_list *list,
                                                  const char date[11])
{
    must(list->version_count > 0);
    size_t at = 0;
    while (at + 1 < list->version_count && strcmp(list->versions[at + 1].from, date) <= 0)
        at++;
    return &list->versions[at];
}

const struct policy_code *policy_code(const struct policy_code_version *version, struct bytes code)
{
    size_t low = 0;
    size_t high = version->code_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = codec_compare(bytes_text(version->codes[middle].code), code);
        if (order == 0)
            return &version->codes[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool policy_countersigns(const struct policy_role *role, const char *countersigner)
{
    for (size_t i = 0; i < role->countersigner_count; i++)
        if (strcmp(role->countersigners[i], countersigner) == 0)
            return true;
    return false;
}

int64_t policy_setting(const struct policy *policy, const char *name, int64_t otherwise)
{
    for (size_t i = 0; i < policy->setting_count; i++)
        if (strcmp(policy->settings[i].name, name) == 0)
            return policy->settings[i].value;
    return otherwise;
}

void policy_authority_text(const struct policy *policy, authority_set set, char *ret, size_t cap)
{
    must(cap > 0);
    ret[0] = '\0';
    size_t len = 0;
    for (size_t i = 0; i < policy->authority_count && len < cap; i++) {
        const struct policy_authority *one = &policy->authorities[i];
        if ((set & AUTHORITY(one->letter)) == 0)
            continue;
        int added = snprintf(ret + len, cap - len, "%s%c (%s)", len > 0 ? ", " : "", one->letter,
                             one->label);
        must(added > 0);
        len += (size_t)added;
    }
}

unsigned area_level(struct bytes code)
{
    unsigned parts = 0;
    size_t digits = 0;
    for (size_t i = 0; i < code.len; i++) {
        if (code.at[i] >= '0' && code.at[i] <= '9') {
            digits++;
        } else if (code.at[i] == '.' && digits > 0) {
            parts++;
            digits = 0;
        } else {
            return 0;
        }
    }
    if (digits == 0 || parts + 1 > AREA_LEVELS_MAX || code.len > IDENTIFIER_BYTES_MAX)
        return 0;
    return parts + 1;
}

bool area_within(struct bytes code, struct bytes area)
{
    if (area.len == 0 || code.len < area.len || memcmp(code.at, area.at, area.len) != 0)
        return false;
    return code.len == area.len || code.at[area.len] == '.';
}
