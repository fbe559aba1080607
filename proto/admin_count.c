#include "proto/admin_count.h"

enum err admin_count_ask(const json_t *args, struct count *count, struct problem *problem)
{
    json_t *find = json_object_get(args, "find"), *value;
    const char *name;
    size_t index;
    enum err err = OK;
    json_array_foreach(json_object_get(args, "by"), index, value) {
        name = json_string_value(value);
        if (err == OK)
            err = count_by(count, name != NULL ? name : "", problem);
    }
    json_object_foreach(find, name, value) {
        const char *text = json_string_value(value);
        if (err == OK)
            err = count_where(count, name, text != NULL ? text : "", problem);
    }
    if (err == OK && count->by_count == 0)
        err = problem_set(problem, ERR_USAGE, "by", "one field or two");
    return err;
}

json_t *admin_count_cell(const struct count *count, const struct count_cell *cell)
{
    json_t *codes = json_array(), *labels = json_array();
    for (size_t i = 0; i < count->by_count; i++) {
        (void)json_array_append_new(codes, json_string(cell->codes[i]));
        (void)json_array_append_new(labels, json_string(count_label(count, i, cell->codes[i])));
    }
    return json_pack("{s:o, s:o, s:I}", "codes", codes, "labels", labels, "records",
                     (json_int_t)cell->records);
}

json_t *admin_count_done(const struct count *count)
{
    json_t *fields = json_array();
    for (size_t i = 0; i < count->by_count; i++)
        (void)json_array_append_new(fields, json_pack("{s:s, s:s}", "name", count->by[i]->name,
                                                      "label", count->by[i]->label));
    return json_pack("{s:s, s:s, s:o, s:I}", "collection", count->collection->name, "title",
                     count->collection->title, "fields", fields, "records",
                     (json_int_t)count->total);
}
