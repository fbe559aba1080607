/* What a new rules document may change. Old records, queued transactions and typed tables refer to
 * what was there, so nothing goes away and nothing becomes narrower. */
#include "proto/policy.h"

#include <stdarg.h>
#include <stdio.h>

PRINTF_LIKE(3, 4)
static enum err refuse(struct problem *problem, const char *thing, const char *fmt, ...)
{
    char detail[PROBLEM_DETAIL_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    return problem_set(problem, ERR_POLICY_FOLLOW, thing, detail);
}

static const char *field_name_at(const struct policy_collection *collection, int index)
{
    return index < 0 ? NULL : collection->fields[index].name;
}

static bool same_or_null(const char *a, const char *b)
{
    return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

/* Every text of `before` is among `after`. */
static const char *first_missing(const char *const *before, size_t before_count,
                                 const char *const *after, size_t after_count)
{
    for (size_t i = 0; i < before_count; i++) {
        bool found = false;
        for (size_t j = 0; j < after_count && !found; j++)
            found = strcmp(before[i], after[j]) == 0;
        if (!found)
            return before[i];
    }
    return NULL;
}

static enum err follow_shape(const struct policy_field *before, const struct policy_field *after,
                             const char *place, struct problem *problem)
{
    if (before->type != after->type || before->element != after->element)
        return refuse(problem, place, "type was %s, is %s", field_type_name(before->type),
                      field_type_name(after->type));
    if (before->codes != NULL && strcmp(before->codes->name, after->codes->name) != 0)
        return refuse(problem, place, "code list was %s, is %s", before->codes->name,
                      after->codes->name);
    if (after->required && !before->required)
        return refuse(problem, place, "was optional, is required");
    if (after->length_max < before->length_max)
        return refuse(problem, place, "length was %u, is %u", before->length_max,
                      after->length_max);
    if (after->min > before->min || after->max < before->max)
        return refuse(problem, place, "range is narrower");
    if (after->area_level != 0 && after->area_level != before->area_level)
        return refuse(problem, place, "level of area is narrower");
    const char *gone =
        first_missing(before->targets, before->target_count, after->targets, after->target_count);
    if (gone != NULL)
        return refuse(problem, place, "target %s is gone", gone);
    if (after->map_key_count > 0 && before->map_key_count == 0)
        return refuse(problem, place, "keys were free, are listed");
    gone = after->map_key_count == 0 ? NULL
                                     : first_missing(before->map_keys, before->map_key_count,
                                                     after->map_keys, after->map_key_count);
    if (gone != NULL)
        return refuse(problem, place, "key %s is gone", gone);
    return OK;
}

static enum err follow_collection(const struct policy_collection *before,
                                  const struct policy_collection *after, struct problem *problem)
{
    char place[PROBLEM_THING_MAX];
    snprintf(place, sizeof place, "collection %s", before->name);
    if (strcmp(before->fields[before->area_field].name, after->fields[after->area_field].name) != 0)
        return refuse(problem, place, "area_field was %s", before->fields[before->area_field].name);
    const char *date_before = field_name_at(before, before->date_field);
    if (date_before != NULL && !same_or_null(date_before, field_name_at(after, after->date_field)))
        return refuse(problem, place, "date_field was %s", date_before);

    /* Who has not got the records so far would get pieces of them. */
    if (before->audience != after->audience ||
        !same_or_null(field_name_at(before, before->audience_field),
                      field_name_at(after, after->audience_field)))
        return refuse(problem, place, "audience has changed");

    for (size_t i = 0; i < before->field_count; i++) {
        const struct policy_field *old = &before->fields[i];
        const struct policy_field *new = policy_field(after, bytes_text(old->name));
        snprintf(place, sizeof place, "collection %s field %s", before->name, old->name);
        if (new == NULL)
            return refuse(problem, place, "is gone");
        enum err err = follow_shape(old, new, place, problem);
        if (err != OK)
            return err;
        const char *parent = field_name_at(after, new->child_of);
        if (parent != NULL && !same_or_null(parent, field_name_at(before, old->child_of)))
            return refuse(problem, place, "child_of is new: %s", parent);
    }
    return OK;
}

static const struct policy_code_list *find_list(const struct policy *policy, const char *name)
{
    for (size_t i = 0; i < policy->code_list_count; i++)
        if (strcmp(policy->code_lists[i].name, name) == 0)
            return &policy->code_lists[i];
    return NULL;
}

static const struct policy_code_version *find_version(const struct policy_code_list *list,
                                                      const char *from)
{
    for (size_t i = 0; i < list->version_count; i++)
        if (strcmp(list->versions[i].from, from) == 0)
            return &list->versions[i];
    return NULL;
}

static enum err follow_list(const struct policy_code_list *before,
                            const struct policy_code_list *after, struct problem *problem)
{
    char place[PROBLEM_THING_MAX];
    for (size_t i = 0; i < before->version_count; i++) {
        const struct policy_code_version *old = &before->versions[i];
        const struct policy_code_version *new = find_version(after, old->from);
        snprintf(place, sizeof place, "code_list %s version %s", before->name, old->from);
        if (new == NULL)
            return refuse(problem, place, "is gone");
        for (size_t k = 0; k < old->code_count; k++)
            if (policy_code(new, bytes_text(old->codes[k].code)) == NULL)
                return refuse(problem, place, "code %s is gone", old->codes[k].code);
    }
    /* A version put in before the last would change what was in force on days gone by. */
    const char *last = before->versions[before->version_count - 1].from;
    for (size_t i = 0; i < after->version_count; i++) {
        const char *from = after->versions[i].from;
        if (find_version(before, from) == NULL && strcmp(from, last) < 0) {
            snprintf(place, sizeof place, "code_list %s version %s", before->name, from);
            return refuse(problem, place, "a new version must start after %s", last);
        }
    }
    return OK;
}

static enum err follow_people_and_places(const struct policy *before, const struct policy *after,
                                         struct problem *problem)
{
    char place[PROBLEM_THING_MAX];
    authority_set letters = 0;
    for (size_t i = 0; i < after->authority_count; i++)
        letters |= AUTHORITY(after->authorities[i].letter);
    for (size_t i = 0; i < before->authority_count; i++) {
        authority_set one = AUTHORITY(before->authorities[i].letter);
        snprintf(place, sizeof place, "authority %c", before->authorities[i].letter);
        if ((letters & one) == 0)
            return refuse(problem, place, "is gone");
        if ((before->computed & one) != (after->computed & one))
            return refuse(problem, place, "computed has changed");
    }
    for (size_t i = 0; i < before->role_count; i++) {
        snprintf(place, sizeof place, "role %s", before->roles[i].name);
        if (policy_role(after, bytes_text(before->roles[i].name)) == NULL)
            return refuse(problem, place, "is gone");
    }
    for (size_t i = 0; i < before->area_count; i++)
        if (policy_area(after, bytes_text(before->areas[i].code)) == NULL)
            return refuse(problem, "areas", "area %s is gone", before->areas[i].code);
    return OK;
}

enum err policy_may_follow(const struct policy *before, const struct policy *after,
                           struct problem *problem)
{
    if (strcmp(before->district, after->district) != 0)
        return refuse(problem, "district", "was %s, is %s", before->district, after->district);
    if (after->version != before->version + 1)
        return refuse(problem, "version", "%llu follows %llu, this is %llu",
                      (unsigned long long)before->version + 1, (unsigned long long)before->version,
                      (unsigned long long)after->version);
    if (!hash_equal(&after->previous, &before->hash))
        return refuse(problem, "previous", "names another predecessor");

    enum err err = OK;
    char place[PROBLEM_THING_MAX];
    for (size_t i = 0; i < before->collection_count && err == OK; i++) {
        const struct policy_collection *old = &before->collections[i];
        const struct policy_collection *new = policy_collection(after, bytes_text(old->name));
        snprintf(place, sizeof place, "collection %s", old->name);
        err =
            new == NULL ? refuse(problem, place, "is gone") : follow_collection(old, new, problem);
    }
    for (size_t i = 0; i < before->table_count && err == OK; i++) {
        snprintf(place, sizeof place, "table %s", before->tables[i].name);
        if (policy_table(after, bytes_text(before->tables[i].name)) == NULL)
            err = refuse(problem, place, "is gone");
    }
    for (size_t i = 0; i < before->code_list_count && err == OK; i++) {
        const struct policy_code_list *old = &before->code_lists[i];
        const struct policy_code_list *new = find_list(after, old->name);
        snprintf(place, sizeof place, "code_list %s", old->name);
        err = new == NULL ? refuse(problem, place, "is gone") : follow_list(old, new, problem);
    }
    return err != OK ? err : follow_people_and_places(before, after, problem);
}
