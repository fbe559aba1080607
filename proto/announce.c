#include "proto/announce.h"

#include <string.h>

#include "proto/value.h"

bool announce_meets(struct bytes audience, struct bytes office)
{
    return area_within(office, audience) || area_within(audience, office);
}

bool announce_in_audience(const struct policy_collection *collection, struct bytes raw,
                          struct bytes office)
{
    if (collection->audience == AUDIENCE_AREA)
        return false;
    if (collection->audience == AUDIENCE_ALL || raw.len == 0 || value_is_nil(raw))
        return true;
    struct reader reader = reader_of(raw);
    bool list = collection->fields[collection->audience_field].type == FIELD_LIST;
    size_t count = list ? reader_array(&reader) : 1;
    for (size_t i = 0; i < count && !reader.err; i++)
        if (announce_meets(reader_str(&reader), office))
            return true;
    return false;
}

bool announce_reference(struct bytes raw, struct id *ret_id)
{
    struct reader reader = reader_of(raw);
    struct id id = { { 0 } };
    if (raw.len == 0 || value_is_nil(raw))
        return false;
    reader_fixed(&reader, id.at, ID_BYTES);
    if (reader_end(&reader) != OK)
        return false;
    *ret_id = id;
    return true;
}

const struct policy_collection *announce_receipts(const struct policy *policy,
                                                  const struct policy_collection *collection,
                                                  const struct policy_field **ret_of)
{
    if (collection->read_by.collection == NULL)
        return NULL;
    const struct policy_collection *receipts =
        policy_collection(policy, bytes_text(collection->read_by.collection));
    *ret_of = policy_field(receipts, bytes_text(collection->read_by.field));
    return receipts;
}

const struct policy_field *announce_when(const struct policy_collection *collection)
{
    if (collection->date_field >= 0)
        return &collection->fields[collection->date_field];
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        if (field->type == FIELD_TIME || field->type == FIELD_DATE)
            return field;
    }
    return NULL;
}

const struct policy_field *announce_place(const struct policy_collection *collection,
                                          unsigned *ret_level)
{
    const struct policy_field *place = &collection->fields[collection->area_field];
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        if (field->type == FIELD_AREA && field->area_level > place->area_level)
            place = field;
    }
    *ret_level = place->area_level > 0 ? place->area_level : AREA_LEVELS_MAX;
    return place;
}

const struct policy_field *announce_title(const struct policy_collection *collection)
{
    for (size_t i = 0; i < collection->field_count; i++)
        if (collection->fields[i].summary && collection->fields[i].type == FIELD_TEXT)
            return &collection->fields[i];
    return NULL;
}

const struct policy_collection *announce_forum(const struct policy *policy)
{
    for (size_t i = 0; i < policy->collection_count; i++)
        if (policy->collections[i].forum)
            return &policy->collections[i];
    return NULL;
}
