#include "proto/validate.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/value_form.h"

struct visit {
    const struct policy *policy;
    const struct policy_collection *collection;
    const struct change *change;
    const struct author *author;
    const char *date;
    bool dated; /* false: the event's date stands in the record, and is not here */
    struct problem *problem;
    struct warnings *warnings;
};

static enum err refuse(const struct visit *visit, enum err code, const char *field,
                       const char *detail)
{
    char thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%s.%s", visit->collection->name, field);
    return problem_set(visit->problem, code, thing, detail);
}

static enum err unknown_collection(const struct policy *policy, struct bytes name,
                                   struct problem *problem)
{
    char detail[PROBLEM_DETAIL_MAX];
    char thing[PROBLEM_THING_MAX];
    struct nearest nearest = { .typed = name };
    for (size_t i = 0; i < policy->collection_count; i++)
        nearest_add(&nearest, policy->collections[i].name, policy->collections[i].title);
    nearest_text(&nearest, detail, sizeof detail);
    snprintf(thing, sizeof thing, "%.*s",
             (int)(name.len < IDENTIFIER_BYTES_MAX ? name.len : IDENTIFIER_BYTES_MAX),
             (const char *)name.at);
    return problem_set(problem, ERR_COLLECTION, thing, detail);
}

static enum err unknown_field(const struct visit *visit, struct bytes name)
{
    char detail[PROBLEM_DETAIL_MAX];
    char field[IDENTIFIER_BYTES_MAX + 1];
    struct nearest nearest = { .typed = name };
    const struct policy_collection *collection = visit->collection;
    must(collection->fields != NULL); /* it has an area field at least */
    for (size_t i = 0; i < collection->field_count; i++)
        nearest_add(&nearest, collection->fields[i].name, collection->fields[i].label);
    nearest_text(&nearest, detail, sizeof detail);
    snprintf(field, sizeof field, "%.*s",
             (int)(name.len < IDENTIFIER_BYTES_MAX ? name.len : IDENTIFIER_BYTES_MAX),
             (const char *)name.at);
    return refuse(visit, ERR_FIELD, field, detail);
}

static bool is_default(const struct policy_field *field, struct bytes value)
{
    return field->default_value.at != NULL && bytes_equal(field->default_value, value);
}

static bool retired(const char *until, const char *date)
{
    return until != NULL && strcmp(date, until) >= 0;
}

/* The day that decides codes and dated rules. */
static bool event_date(const struct policy_collection *collection, const struct change *change,
                       uint64_t claimed_ms, char ret_date[11])
{
    date_of_ms(claimed_ms, ret_date);
    if (collection->date_field < 0)
        return true;
    const char *name = collection->fields[collection->date_field].name;
    struct bytes raw = fields_get(change->fields, bytes_text(name));
    struct bytes value = value_string(raw);
    if (value.len == 10 && date_iso(value))
        memcpy(ret_date, value.at, 10);
    return change->op == OP_CREATE || raw.len > 0;
}

static enum err check_field(const struct visit *visit, const struct policy_field *field,
                            struct bytes value)
{
    struct problem found = { .code = OK };
    bool hub = (visit->author->authority & visit->policy->computed) != 0;
    if (field->computed && !hub)
        return refuse(visit, ERR_COMPUTED, field->name, NULL);
    bool nil = value_is_nil(value);
    if (nil && field->required)
        return refuse(visit, ERR_REQUIRED, field->name, NULL);
    if (!nil && retired(field->until, visit->date) && !is_default(field, value))
        return refuse(visit, ERR_RETIRED, field->name, field->until);

    size_t warned = visit->warnings == NULL ? 0 : visit->warnings->count;
    enum err err = value_check(visit->policy, field, visit->dated ? visit->date : NULL, value,
                               &found, visit->warnings);
    if (err != OK)
        return refuse(visit, err, field->name, found.detail);
    for (size_t i = warned; visit->warnings != NULL && i < visit->warnings->count; i++) {
        struct problem *warning = &visit->warnings->list[i];
        snprintf(warning->thing, sizeof warning->thing, "%s.%s", visit->collection->name,
                 field->name);
    }
    return OK;
}

/* A resolve may answer whether the record is deleted: the field with the empty name. */
static bool is_existence(const struct change *change, struct bytes name)
{
    return change->op == OP_RESOLVE && name.len == 0;
}

static enum err check_fields(const struct visit *visit)
{
    struct field_iter iter = fields_of(visit->change->fields);
    struct bytes name;
    struct bytes value;
    size_t count = 0;
    while (fields_next(&iter, &name, &value)) {
        count++;
        if (is_existence(visit->change, name)) {
            struct reader reader = reader_of(value);
            if (reader_peek(&reader) != KIND_BOOL)
                return problem_set(visit->problem, ERR_VALUE, visit->collection->name, "bool");
            continue;
        }
        const struct policy_field *field = policy_field(visit->collection, name);
        if (field == NULL)
            return unknown_field(visit, name);
        enum err err = check_field(visit, field, value);
        if (err != OK)
            return err;
    }
    if (iter.reader.err != OK)
        return problem_set(visit->problem, ERR_MALFORMED, visit->collection->name, "fields");
    if (count == 0 && visit->change->op != OP_DELETE)
        return problem_set(visit->problem, ERR_VALUE, visit->collection->name, "0");
    if (count > 0 && visit->change->op == OP_DELETE)
        return problem_set(visit->problem, ERR_MALFORMED, visit->collection->name,
                           "a delete with fields");
    return OK;
}

static enum err check_required(const struct visit *visit)
{
    for (size_t i = 0; i < visit->collection->field_count; i++) {
        const struct policy_field *field = &visit->collection->fields[i];
        if (field->required && !field->computed && !retired(field->until, visit->date) &&
            fields_get(visit->change->fields, bytes_text(field->name)).len == 0)
            return refuse(visit, ERR_REQUIRED, field->name, NULL);
    }
    return OK;
}

static struct bytes field_string(const struct visit *visit, int index)
{
    if (index < 0)
        return bytes_of(NULL, 0);
    const char *name = visit->collection->fields[index].name;
    return value_string(fields_get(visit->change->fields, bytes_text(name)));
}

static enum err check_areas(const struct visit *visit)
{
    char detail[2 * IDENTIFIER_BYTES_MAX + 8];
    const struct policy_collection *collection = visit->collection;
    for (size_t i = 0; i < collection->field_count; i++) {
        if (collection->fields[i].child_of < 0)
            continue;
        struct bytes child = field_string(visit, (int)i);
        struct bytes parent = field_string(visit, collection->fields[i].child_of);
        if (child.len == 0 || parent.len == 0 || area_within(child, parent))
            continue;
        snprintf(detail, sizeof detail, "%.*s", (int)parent.len, (const char *)parent.at);
        return refuse(visit, ERR_AREA_CHILD, collection->fields[i].name, detail);
    }
    struct bytes area = field_string(visit, collection->area_field);
    struct bytes own = visit->author->area;
    /* Also when it moves: a record is handed over by someone whose area holds both places. */
    if ((visit->change->op != OP_CREATE && area.len == 0) || area_within(area, own))
        return OK;
    snprintf(detail, sizeof detail, "%.*s (%.*s)", (int)area.len, (const char *)area.at,
             (int)(own.len < IDENTIFIER_BYTES_MAX ? own.len : IDENTIFIER_BYTES_MAX),
             (const char *)own.at);
    return refuse(visit, ERR_AREA, collection->fields[collection->area_field].name, detail);
}

static void warn_mismatch(const struct visit *visit, const char *nik, int other)
{
    if (visit->warnings == NULL || visit->warnings->count == WARNINGS_MAX)
        return;
    char thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%s.%s", visit->collection->name, nik);
    (void)problem_set(&visit->warnings->list[visit->warnings->count++], ERR_NIK_MISMATCH, thing,
                      visit->collection->fields[other].name);
}

/* A NIK keeps what was first registered, so that it may differ from the truth: told, never refused.
 */
static void warn_nik(const struct visit *visit, const struct policy_field *field)
{
    struct bytes nik = value_string(fields_get(visit->change->fields, bytes_text(field->name)));
    struct bytes date = field_string(visit, field->nik_date);
    struct bytes sex = field_string(visit, field->nik_sex);
    if (nik.len != NUMBER_16_DIGITS)
        return;
    int day = (nik.at[6] - '0') * 10 + (nik.at[7] - '0');
    bool plus_40 = day > 40;
    if (date.len == 10) { /* yyyy-mm-dd against ddmmyy */
        int born = (date.at[8] - '0') * 10 + (date.at[9] - '0');
        if ((plus_40 ? day - 40 : day) != born || memcmp(nik.at + 8, date.at + 5, 2) != 0 ||
            memcmp(nik.at + 10, date.at + 2, 2) != 0)
            warn_mismatch(visit, field->name, field->nik_date);
    }
    if (sex.len > 0 && bytes_is(sex, field->nik_plus_40) != plus_40)
        warn_mismatch(visit, field->name, field->nik_sex);
}

enum err validate_change(const struct policy *policy, const struct change *change,
                         const struct author *author, uint64_t claimed_ms, struct problem *problem,
                         struct warnings *warnings)
{
    char date[11];
    const struct policy_collection *collection = policy_collection(policy, change->collection);
    if (collection == NULL)
        return unknown_collection(policy, change->collection, problem);
    bool dated = event_date(collection, change, claimed_ms, date);
    struct visit visit = { .policy = policy,
                           .collection = collection,
                           .change = change,
                           .author = author,
                           .date = date,
                           .dated = dated,
                           .problem = problem,
                           .warnings = warnings };
    if (change->op == OP_CREATE && retired(collection->until, date))
        return problem_set(problem, ERR_RETIRED, collection->name, collection->until);
    enum err err = check_fields(&visit);
    if (err == OK && change->op == OP_CREATE)
        err = check_required(&visit);
    if (err == OK)
        err = check_areas(&visit);
    for (size_t i = 0; i < collection->field_count && err == OK; i++)
        if (collection->fields[i].type == FIELD_NIK)
            warn_nik(&visit, &collection->fields[i]);
    return err;
}

static enum err refuse_authority(const struct visit *visit, const struct policy_field *field)
{
    char detail[PROBLEM_DETAIL_MAX];
    policy_authority_text(visit->policy, field->authority, detail, sizeof detail);
    return refuse(visit, ERR_AUTHORITY, field->name, detail);
}

enum err validate_authority(const struct policy *policy, const struct change *change,
                            const struct author *author, struct problem *problem)
{
    struct bytes name;
    struct bytes value;
    const struct policy_collection *collection = policy_collection(policy, change->collection);
    if (collection == NULL)
        return unknown_collection(policy, change->collection, problem);
    struct visit visit = { .policy = policy, .collection = collection, .problem = problem };
    const struct policy_field *area = &collection->fields[collection->area_field];
    if (change->op == OP_DELETE && (area->authority & author->authority) == 0)
        return refuse_authority(&visit, area);
    struct field_iter iter = fields_of(change->fields);
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field =
            is_existence(change, name) ? area : policy_field(collection, name);
        if (field == NULL)
            return unknown_field(&visit, name);
        if ((field->authority & author->authority) != 0)
            continue;
        if (change->op == OP_CREATE && (value_is_nil(value) || is_default(field, value)))
            continue;
        return refuse_authority(&visit, field);
    }
    return iter.reader.err != OK ? problem_set(problem, ERR_MALFORMED, collection->name, "fields")
                                 : OK;
}

struct pair {
    struct bytes name;
    struct bytes value;
};

static int pair_order(const void *a, const void *b)
{
    return codec_compare(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

enum err validate_add_defaults(const struct policy_collection *collection, struct bytes fields,
                               struct writer *out)
{
    struct pair pairs[FIELDS_PER_CHANGE_MAX];
    size_t count = 0;
    struct bytes name;
    struct bytes value;
    struct field_iter iter = fields_of(fields);
    while (fields_next(&iter, &name, &value)) {
        if (count == FIELDS_PER_CHANGE_MAX)
            return ERR_LIMIT;
        pairs[count++] = (struct pair){ .name = name, .value = value };
    }
    if (iter.reader.err != OK)
        return ERR_MALFORMED;
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        if (field->default_value.at == NULL || field->computed ||
            fields_get(fields, bytes_text(field->name)).len > 0)
            continue;
        if (count == FIELDS_PER_CHANGE_MAX)
            return ERR_LIMIT;
        pairs[count++] =
            (struct pair){ .name = bytes_text(field->name), .value = field->default_value };
    }
    qsort(pairs, count, sizeof pairs[0], pair_order);
    writer_map(out, count);
    for (size_t i = 0; i < count; i++) {
        writer_str(out, pairs[i].name);
        writer_raw(out, pairs[i].value);
    }
    return out->err;
}
