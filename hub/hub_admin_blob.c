/* Photos and files of a record: the hub has their references only, and says which office has the
 * bytes: the one whose entry brought the reference. */
#include "hub/hub_admin_inside.h"
#include "proto/blob.h"

static void add_ref(json_t *list, json_t *ref)
{
    json_t *object = json_object();
    hub_json_set(object, "hash", json_incref(json_object_get(ref, "hash")));
    hub_json_set(object, "size", json_incref(json_object_get(ref, "size")));
    hub_json_set(object, "type", json_incref(json_object_get(ref, "type")));
    hub_json_set(object, "where", json_string("unknown"));
    hub_json_set(object, "office", NULL);
    (void)json_array_append_new(list, object);
}

json_t *hub_json_blobs(const struct policy_field *field, const char *text)
{
    size_t at;
    json_t *ref;
    if (!blob_field(field) || text == NULL)
        return NULL;
    json_t *value = json_loads(text, 0, NULL), *list = json_array();
    if (json_is_object(value))
        add_ref(list, value);
    json_array_foreach(value, at, ref)
        add_ref(list, ref);
    json_decref(value);
    return list;
}

/* The office whose accepted change of the field is the last one; NULL: it is not told. */
static const char *last_author(const json_t *history, const char *field)
{
    for (size_t i = json_array_size(history); i > 0; i--) {
        const json_t *row = json_array_get(history, i - 1);
        const char *disposition = json_string_value(json_object_get(row, "disposition"));
        if (disposition != NULL && strcmp(disposition, "accepted") == 0 &&
            json_object_get(json_object_get(row, "fields"), field) != NULL)
            return json_string_value(json_object_get(row, "node"));
    }
    return NULL;
}

void hub_blobs_locate(json_t *fields, const json_t *history)
{
    size_t at, index;
    json_t *row, *blob;
    json_array_foreach(fields, at, row) {
        json_t *blobs = json_object_get(row, "blobs");
        const char *name = json_string_value(json_object_get(row, "name"));
        const char *office = blobs != NULL && name != NULL ? last_author(history, name) : NULL;
        json_array_foreach(blobs, index, blob) {
            if (office == NULL)
                continue;
            hub_json_set(blob, "where", json_string("office"));
            hub_json_set(blob, "office", json_string(office));
        }
    }
}
