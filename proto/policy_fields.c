/* Collections and their fields in a rules document: which options there are, which type takes
 * which. */
#include <stdio.h>

#include "common/must.h"
#include "proto/chain.h"
#include "proto/policy_decode.h"

/* X(KEY, "key"), sorted. */
#define COLLECTION_OPTIONS(X)                                                                      \
    X(ANSWER, "answer")                                                                            \
    X(AREA, "area")                                                                                \
    X(AUDIENCE, "audience")                                                                        \
    X(COVERED_BY, "covered_by")                                                                    \
    X(DATE, "date")                                                                                \
    X(FIELDS, "fields")                                                                            \
    X(FORUM, "forum")                                                                              \
    X(LANE, "lane")                                                                                \
    X(MUST_READ, "must_read")                                                                      \
    X(NAME, "name")                                                                                \
    X(READ_BY, "read_by")                                                                          \
    X(RULES, "rules")                                                                              \
    X(TITLE, "title")                                                                              \
    X(UNTIL, "until")                                                                              \
    X(WORKFLOWS, "workflows")

enum {
#define X(name, key) COLLECTION_##name,
    COLLECTION_OPTIONS(X)
#undef X
        COLLECTION_KEYS
};

static const char *const collection_keys[COLLECTION_KEYS] = {
#define X(name, key) [COLLECTION_##name] = (key),
    COLLECTION_OPTIONS(X)
#undef X
};

#define T(type) (1u << FIELD_##type)
#define T_ANY (~0u)
#define T_COMPUTED (T(TEXT) | T(INTEGER) | T(MONEY) | T(DATE) | T(TIME) | T(BOOL) | T(ENUM))
#define T_ENTRY (T(TEXT) | T(INTEGER) | T(MONEY) | T(DECIMAL) | T(DATE) | T(BOOL) | T(ENUM))

/* X(KEY, "key", types that take it; a list counts as its elements where `element` says so) */
#define FIELD_OPTIONS(X)                                                                           \
    X(APPEND_ONLY, "append_only", T(LIST), false)                                                  \
    X(AUTHORITY, "authority", T_ANY, false)                                                        \
    X(CHILD_OF, "child_of", T(AREA), false)                                                        \
    X(CODES, "codes", T(ENUM), true)                                                               \
    X(COMPUTE, "compute", T_COMPUTED, false)                                                       \
    X(COVERS, "covers", T(SIGNATURE), false)                                                       \
    X(DEFAULT, "default", T_ENTRY, false)                                                          \
    X(ELEMENT, "element", T(LIST), false)                                                          \
    X(KEYS, "keys", T(MAP), true)                                                                  \
    X(LABEL, "label", T_ANY, false)                                                                \
    X(LENGTH, "length", T(TEXT) | T(LIST) | T(MAP), false)                                         \
    X(LEVEL, "level", T(AREA), false)                                                              \
    X(LOOKUP, "lookup", T(TEXT) | T(NIK) | T(KK), false)                                           \
    X(MAX, "max", T(INTEGER) | T(MONEY) | T(DECIMAL), false)                                       \
    X(MIN, "min", T(INTEGER) | T(MONEY) | T(DECIMAL), false)                                       \
    X(NAME, "name", T_ANY, false)                                                                  \
    X(NIK_DATE, "nik_date", T(NIK), false)                                                         \
    X(NIK_PLUS_40, "nik_plus_40", T(NIK), false)                                                   \
    X(NIK_SEX, "nik_sex", T(NIK), false)                                                           \
    X(REQUIRED, "required", T_ANY, false)                                                          \
    X(SENSITIVITY, "sensitivity", T_ANY, false)                                                    \
    X(SIGNERS, "signers", T(SIGNATURE), false)                                                     \
    X(SUMMARY, "summary", T_ANY, false)                                                            \
    X(TARGETS, "targets", T(REFERENCE), true)                                                      \
    X(TYPE, "type", T_ANY, false)                                                                  \
    X(UNTIL, "until", T_ANY, false)

enum {
#define X(name, key, types, of_element) OPTION_##name,
    FIELD_OPTIONS(X)
#undef X
        OPTION_COUNT
};

static const char *const option_keys[OPTION_COUNT] = {
#define X(name, key, types, of_element) [OPTION_##name] = (key),
    FIELD_OPTIONS(X)
#undef X
};

static const struct {
    unsigned types;
    bool of_element;
} option_rules[OPTION_COUNT] = {
#define X(name, key, types, of_element) [OPTION_##name] = { types, of_element },
    FIELD_OPTIONS(X)
#undef X
};

#define T_ELEMENTS (T(ENUM) | T(TEXT) | T(NIK) | T(KK) | T(AREA) | T(REFERENCE) | T(BLOB) | T(MAP))

static bool decode_type(struct decoder *d, struct bytes raw, const char *what,
                        enum field_type *ret_type)
{
    struct reader reader = reader_of(raw);
    struct bytes text = raw.at == NULL ? bytes_of(NULL, 0) : reader_str(&reader);
    for (int type = 0; type < FIELD_TYPE_COUNT; type++)
        if (bytes_is(text, field_type_name((enum field_type)type))) {
            *ret_type = (enum field_type)type;
            return true;
        }
    return decoder_bad(d, "%s \"%.*s\" is none of the field types", what,
                       (int)(text.len < 40 ? text.len : 40), (const char *)text.at);
}

/* Flags stand only where they are true, so that there is one way to write a document. */
static bool decode_flag(struct decoder *d, struct bytes raw, const char *what, bool *ret)
{
    struct reader reader = reader_of(raw);
    *ret = raw.at != NULL && reader_bool(&reader);
    if (raw.at != NULL && (reader_end(&reader) != OK || !*ret))
        return decoder_bad(d, "%s is not true", what);
    return true;
}

static bool decode_int(struct decoder *d, struct bytes raw, const char *what, int64_t otherwise,
                       int64_t *ret)
{
    struct reader reader = reader_of(raw);
    *ret = raw.at == NULL ? otherwise : reader_int(&reader);
    if (raw.at != NULL && reader_end(&reader) != OK)
        return decoder_bad(d, "%s is not a whole number", what);
    return true;
}

static bool decode_index(struct decoder *d, struct bytes raw, const char *what, int *ret)
{
    int64_t index = -1;
    if (!decode_int(d, raw, what, -1, &index))
        return false;
    if (raw.at != NULL && (index < 0 || index >= FIELDS_PER_CHANGE_MAX))
        return decoder_bad(d, "%s is not the index of a field", what);
    *ret = (int)index;
    return true;
}

bool decoder_index_or_none(struct decoder *d, struct bytes raw, const char *what, size_t count,
                           int *ret)
{
    *ret = -1;
    if (raw.at == NULL || value_is_nil(raw))
        return true;
    if (!decode_index(d, raw, what, ret))
        return false;
    return (size_t)*ret < count || decoder_bad(d, "%s is not the index of a field", what);
}

static bool decode_names(struct decoder *d, struct bytes raw, const char *what,
                         const char *const **ret_names, size_t *ret_count)
{
    if (raw.at == NULL)
        return true;
    struct reader reader = reader_of(raw);
    size_t count = reader_array(&reader);
    if (reader.err != OK || count == 0 || count > COLLECTIONS_MAX)
        return decoder_bad(d, "%s are 1 to %d names", what, COLLECTIONS_MAX);
    const char **names = decoder_take(d, count, sizeof *names);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        struct bytes name = reader_raw(&reader);
        names[i] = decoder_string(d, name, FORM_NAME, what);
        for (size_t k = 0; k < i && d->err == OK; k++)
            if (strcmp(names[i], names[k]) == 0)
                decoder_bad(d, "%s: %s stands twice", what, names[i]);
    }
    *ret_names = names;
    *ret_count = count;
    return d->err == OK;
}

static bool decode_sensitivity(struct decoder *d, struct bytes raw, enum sensitivity *ret)
{
    static const char letters[4] = { 'U', 'P', 'S', 'R' };
    struct reader reader = reader_of(raw);
    struct bytes text = raw.at == NULL ? bytes_of(NULL, 0) : reader_str(&reader);
    const char *found = text.len == 1 ? memchr(letters, text.at[0], sizeof letters) : NULL;
    if (found == NULL)
        return decoder_bad(d, "sensitivity is not one of U, P, S, R");
    *ret = (enum sensitivity)(found - letters);
    return true;
}

static bool decode_length(struct decoder *d, struct bytes raw, struct policy_field *field)
{
    int64_t most = field->type == FIELD_LIST  ? LIST_ITEMS_MAX
                   : field->type == FIELD_MAP ? MAP_ITEMS_MAX
                                              : TEXT_CHARS_MAX;
    int64_t length = 0;
    if (!decode_int(d, raw, "length", most, &length))
        return false;
    if (length < 1 || length > most)
        return decoder_bad(d, "length is not 1 to %lld", (long long)most);
    field->length_max = (uint32_t)length;
    return true;
}

static bool decode_codes(struct decoder *d, struct bytes raw, struct policy_field *field)
{
    if (raw.at == NULL)
        return true;
    const char *name = decoder_string(d, raw, FORM_NAME, "codes");
    if (name == NULL)
        return false;
    for (size_t i = 0; i < d->policy->code_list_count; i++)
        if (strcmp(d->policy->code_lists[i].name, name) == 0)
            field->codes = &d->policy->code_lists[i];
    return field->codes != NULL || decoder_bad(d, "there is no code list \"%s\"", name);
}

static bool decode_identity(struct decoder *d, const struct bytes *raw, struct policy_field *field,
                            const char *collection)
{
    field->name = decoder_string(d, raw[OPTION_NAME], FORM_NAME, "name");
    if (field->name == NULL)
        return false;
    decoder_place(d, "collection %s field %s", collection, field->name);
    field->label = raw[OPTION_LABEL].at == NULL
                       ? field->name
                       : decoder_string(d, raw[OPTION_LABEL], FORM_LABEL, "label");
    if (field->label == NULL || !decode_type(d, raw[OPTION_TYPE], "type", &field->type))
        return false;
    field->element = field->type;
    if (raw[OPTION_ELEMENT].at == NULL)
        return field->type != FIELD_LIST || decoder_bad(d, "a list needs an element type");
    if (!decode_type(d, raw[OPTION_ELEMENT], "element", &field->element))
        return false;
    return (T_ELEMENTS & (1u << field->element)) != 0 ||
           decoder_bad(d, "a list cannot hold %s", field_type_name(field->element));
}

static bool options_fit(struct decoder *d, const struct bytes *raw,
                        const struct policy_field *field)
{
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        unsigned type = 1u << (option_rules[i].of_element ? field->element : field->type);
        if (raw[i].at != NULL && (option_rules[i].types & type) == 0)
            return decoder_bad(d, "%s is no option of type %s", option_keys[i],
                               field_type_name(field->type));
    }
    if (field->element == FIELD_ENUM && raw[OPTION_CODES].at == NULL)
        return decoder_bad(d, "type enum needs codes");
    if (field->element == FIELD_REFERENCE && raw[OPTION_TARGETS].at == NULL)
        return decoder_bad(d, "type reference needs targets");
    if (field->type == FIELD_SIGNATURE &&
        (raw[OPTION_COVERS].at == NULL || raw[OPTION_SIGNERS].at == NULL))
        return decoder_bad(d, "type signature needs covers and signers");
    if ((raw[OPTION_NIK_SEX].at != NULL) != (raw[OPTION_NIK_PLUS_40].at != NULL))
        return decoder_bad(d, "nik_sex and nik_plus_40 go together");
    return true;
}

static bool decode_field(struct decoder *d, struct bytes document, const char *collection,
                         struct policy_field *field)
{
    struct bytes raw[OPTION_COUNT];
    int64_t level = 0;
    if (!decoder_map(d, document, option_keys, OPTION_COUNT, raw) ||
        !decode_identity(d, raw, field, collection) || !options_fit(d, raw, field) ||
        !decoder_letters(d, raw[OPTION_AUTHORITY], &field->authority) ||
        !decode_flag(d, raw[OPTION_REQUIRED], "required", &field->required) ||
        !decode_flag(d, raw[OPTION_LOOKUP], "lookup", &field->lookup) ||
        !decode_flag(d, raw[OPTION_SUMMARY], "summary", &field->summary) ||
        !decode_sensitivity(d, raw[OPTION_SENSITIVITY], &field->sensitivity) ||
        !decode_length(d, raw[OPTION_LENGTH], field) ||
        !decode_int(d, raw[OPTION_MIN], "min", INT64_MIN, &field->min) ||
        !decode_int(d, raw[OPTION_MAX], "max", INT64_MAX, &field->max) ||
        !decode_codes(d, raw[OPTION_CODES], field) ||
        !decode_names(d, raw[OPTION_TARGETS], "targets", &field->targets, &field->target_count) ||
        !decode_names(d, raw[OPTION_KEYS], "keys", &field->map_keys, &field->map_key_count) ||
        !decode_index(d, raw[OPTION_CHILD_OF], "child_of", &field->child_of) ||
        !decode_int(d, raw[OPTION_LEVEL], "level", 0, &level) ||
        !decode_index(d, raw[OPTION_NIK_DATE], "nik_date", &field->nik_date) ||
        !decode_index(d, raw[OPTION_NIK_SEX], "nik_sex", &field->nik_sex) ||
        !decode_flag(d, raw[OPTION_APPEND_ONLY], "append_only", &field->append_only) ||
        !decoder_expr(d, raw[OPTION_COMPUTE], "compute", &field->compute) ||
        !decode_names(d, raw[OPTION_SIGNERS], "signers", &field->signers, &field->signer_count))
        return false;
    if (raw[OPTION_NIK_PLUS_40].at != NULL)
        field->nik_plus_40 = decoder_string(d, raw[OPTION_NIK_PLUS_40], FORM_CODE, "nik_plus_40");
    if (raw[OPTION_UNTIL].at != NULL)
        field->until = decoder_string(d, raw[OPTION_UNTIL], FORM_DATE, "until");
    /* The copy of the document lives as long as the policy. */
    field->default_value = raw[OPTION_DEFAULT];
    field->area_level = (unsigned)level;
    field->computed = (field->authority & ~d->policy->computed) == 0;

    if (field->authority == 0)
        return decoder_bad(d, "has no authority");
    if (field->compute != NULL && !field->computed)
        return decoder_bad(d, "compute is for fields of the hub");
    if (field->min > field->max)
        return decoder_bad(d, "min is above max");
    if (raw[OPTION_LEVEL].at != NULL && (level < 1 || level > AREA_LEVELS_MAX))
        return decoder_bad(d, "level is not 1 to %d", AREA_LEVELS_MAX);
    if (field->summary && field->sensitivity == SENSITIVITY_R)
        return decoder_bad(d, "a restricted field is never shown in lists");
    if (field->computed && field->default_value.at != NULL)
        return decoder_bad(d, "a computed field has no default");
    return d->err == OK;
}

static bool default_fits(struct decoder *d, const struct policy_field *field)
{
    static const char any_day[11] = "2000-01-01";
    struct problem problem = { .code = OK };
    char rule[PROBLEM_DETAIL_MAX];
    if (field->default_value.at == NULL)
        return true;
    if (value_is_nil(field->default_value))
        return decoder_bad(d, "default is empty");
    /* A default may be added to an entry of any day, so every version must know its code. */
    size_t days = field->codes == NULL ? 1 : field->codes->version_count;
    for (size_t i = 0; i < days; i++) {
        const char *day = field->codes == NULL ? any_day : field->codes->versions[i].from;
        if (value_check(d->policy, field, day, field->default_value, &problem, NULL) != OK) {
            problem_rule(&problem, LANG_EN, rule, sizeof rule);
            return decoder_bad(d, "default: %s", rule);
        }
    }
    return true;
}

/* What is signed cannot hold the signature. */
static bool decode_covers(struct decoder *d, struct bytes document,
                          const struct policy_collection *collection, size_t at,
                          struct policy_field *field)
{
    struct bytes raw[OPTION_COUNT];
    if (field->type != FIELD_SIGNATURE)
        return true;
    decoder_place(d, "collection %s field %s", collection->name, field->name);
    if (!decoder_map(d, document, option_keys, OPTION_COUNT, raw) ||
        !decoder_indexes(d, raw[OPTION_COVERS], "covers", collection->field_count, &field->covers,
                         &field->cover_count))
        return false;
    for (size_t i = 0; i < field->cover_count; i++)
        if (field->covers[i] == at)
            return decoder_bad(d, "covers itself");
    return true;
}

static bool other_field(struct decoder *d, const struct policy_collection *collection, int index,
                        enum field_type type, const char *what)
{
    if (index < 0)
        return true;
    if ((size_t)index >= collection->field_count || collection->fields[index].type != type)
        return decoder_bad(d, "%s is not a field of type %s", what, field_type_name(type));
    return true;
}

/* What can be said only when all fields of the collection are known. */
static bool fields_fit(struct decoder *d, const struct policy_collection *collection)
{
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        decoder_place(d, "collection %s field %s", collection->name, field->name);
        for (size_t k = 0; k < i; k++) {
            const struct policy_field *other = &collection->fields[k];
            if (strcasecmp(field->name, other->name) == 0 ||
                strcasecmp(field->label, other->label) == 0 ||
                strcasecmp(field->name, other->label) == 0 ||
                strcasecmp(field->label, other->name) == 0)
                return decoder_bad(d, "name or label is also that of field %s", other->name);
        }
        if (!other_field(d, collection, field->child_of, FIELD_AREA, "child_of") ||
            !other_field(d, collection, field->nik_date, FIELD_DATE, "nik_date") ||
            !other_field(d, collection, field->nik_sex, FIELD_ENUM, "nik_sex") ||
            !default_fits(d, field))
            return false;
        if (field->child_of == (int)i)
            return decoder_bad(d, "is its own parent");
    }
    return true;
}

/* Insertion into an order that is almost there. */
static bool names_sort(struct decoder *d, struct policy_collection *collection)
{
    struct policy_field_name *names = decoder_take(d, collection->field_count, sizeof *names);
    if (names == NULL)
        return false;
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        const struct bytes name = bytes_text(field->name);
        size_t at = i;
        for (; at > 0 && policy_name_compare(names[at - 1].name, name) > 0; at--)
            names[at] = names[at - 1];
        names[at] = (struct policy_field_name){ .name = name, .field = field };
    }
    collection->names = names;
    return true;
}

static bool decode_one(struct decoder *d, struct bytes document, struct policy_collection *ret)
{
    struct bytes raw[COLLECTION_KEYS];
    decoder_place(d, "collection");
    if (!decoder_map(d, document, collection_keys, COLLECTION_KEYS, raw))
        return false;
    ret->name = decoder_string(d, raw[COLLECTION_NAME], FORM_NAME, "name");
    if (ret->name == NULL)
        return false;
    decoder_place(d, "collection %s", ret->name);
    ret->title = decoder_string(d, raw[COLLECTION_TITLE], FORM_LABEL, "title");
    if (raw[COLLECTION_UNTIL].at != NULL)
        ret->until = decoder_string(d, raw[COLLECTION_UNTIL], FORM_DATE, "until");
    struct reader lane = reader_of(raw[COLLECTION_LANE]);
    ret->lane =
        raw[COLLECTION_LANE].at == NULL ? LANE_NORMAL : (int)reader_uint_max(&lane, LANE_COUNT - 1);
    if (raw[COLLECTION_LANE].at != NULL && reader_end(&lane) != OK)
        return decoder_bad(d, "lane is not 0 to %d", LANE_COUNT - 1);
    struct reader reader = reader_of(raw[COLLECTION_FIELDS]);
    size_t count = raw[COLLECTION_FIELDS].at == NULL ? 0 : reader_array(&reader);
    if (count == 0 || count > FIELDS_PER_CHANGE_MAX)
        return decoder_bad(d, "has not 1 to %d fields", FIELDS_PER_CHANGE_MAX);
    struct policy_field *fields = decoder_take(d, count, sizeof *fields);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        struct bytes field = reader_raw(&reader);
        if (!decode_field(d, field, ret->name, &fields[i]))
            return false;
    }
    ret->fields = fields;
    ret->field_count = count;
    reader = reader_of(raw[COLLECTION_FIELDS]);
    (void)reader_array(&reader);
    for (size_t i = 0; i < count && d->err == OK; i++)
        if (!decode_covers(d, reader_raw(&reader), ret, i, &fields[i]))
            return false;
    if (d->err != OK || !names_sort(d, ret) || !fields_fit(d, ret))
        return false;
    size_t computed = 0;
    for (size_t i = 0; i < count; i++)
        computed += fields[i].compute != NULL;
    if (computed > COMPUTED_FIELDS_MAX)
        return decoder_bad(d, "has more than %d fields with compute", COMPUTED_FIELDS_MAX);

    decoder_place(d, "collection %s", ret->name);
    if (!decode_index(d, raw[COLLECTION_AREA], "area_field", &ret->area_field) ||
        !decode_index(d, raw[COLLECTION_DATE], "date_field", &ret->date_field) ||
        !other_field(d, ret, ret->area_field, FIELD_AREA, "area_field") ||
        !other_field(d, ret, ret->date_field, FIELD_DATE, "date_field"))
        return false;
    if (ret->area_field < 0)
        return decoder_bad(d, "has no area_field");
    const struct policy_field *area = &fields[ret->area_field];
    if (!area->required || area->computed || area->until != NULL)
        return decoder_bad(d, "area_field %s is not required, entered and in use", area->name);
    const struct work_raw work = { .rules = raw[COLLECTION_RULES],
                                   .workflows = raw[COLLECTION_WORKFLOWS],
                                   .answer = raw[COLLECTION_ANSWER],
                                   .audience = raw[COLLECTION_AUDIENCE],
                                   .read_by = raw[COLLECTION_READ_BY],
                                   .covered_by = raw[COLLECTION_COVERED_BY],
                                   .must_read = raw[COLLECTION_MUST_READ],
                                   .forum = raw[COLLECTION_FORUM] };
    return decode_work(d, &work, ret);
}

void decode_collections(struct decoder *d, struct bytes raw)
{
    struct policy *policy = d->policy;
    decoder_place(d, "collection");
    struct reader reader = reader_of(raw);
    size_t count = reader_array(&reader);
    if (reader.err != OK || count == 0 || count > COLLECTIONS_MAX) {
        decoder_bad(d, "there are not 1 to %d collections", COLLECTIONS_MAX);
        return;
    }
    struct policy_collection *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        struct bytes one = reader_raw(&reader);
        if (!decode_one(d, one, &all[i]))
            return;
        for (size_t k = 0; k < i; k++)
            if (strcmp(all[i].name, all[k].name) == 0)
                decoder_bad(d, "stands twice");
    }
    if (d->err != OK)
        return;
    policy->collections = all;
    policy->collection_count = count;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all[i].field_count; k++) {
            const struct policy_field *field = &all[i].fields[k];
            decoder_place(d, "collection %s field %s", all[i].name, field->name);
            for (size_t t = 0; t < field->target_count; t++)
                if (policy_collection(policy, bytes_text(field->targets[t])) == NULL)
                    decoder_bad(d, "there is no collection \"%s\"", field->targets[t]);
        }
    if (d->err == OK && !document_fits(d))
        must(d->err != OK);
}
