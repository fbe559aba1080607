#include "common/tkskctl/fields.h"

#include <strings.h>

enum exit_code ctl_fields(struct ctl *ctl, const char *collection, json_t **ret_collection)
{
    struct answer answer;
    size_t index;
    json_t *row, *found = NULL;
    char names[PROBLEM_DETAIL_MAX] = "";
    enum exit_code code = ctl_ask(ctl, "collections", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    json_array_foreach(answer.rows, index, row) {
        size_t used = strlen(names);
        if (strcasecmp(text_of(row, "name"), collection) == 0 ||
            strcasecmp(text_of(row, "title"), collection) == 0)
            found = row;
        (void)snprintf(names + used, sizeof(names) - used, "%s%s", index ? ", " : "",
                       text_of(row, "name"));
    }
    if (found)
        *ret_collection = json_incref(found);
    else
        code = ctl_problemf(ctl, ERR_COLLECTION, collection, "%s", names);
    answer_close(&answer);
    return code;
}

const json_t *fields_find(const json_t *fields, const char *name)
{
    size_t index;
    json_t *field;
    json_array_foreach(fields, index, field) {
        if (strcasecmp(text_of(field, "name"), name) == 0 ||
            strcasecmp(text_of(field, "label"), name) == 0)
            return field;
    }
    return NULL;
}

enum exit_code fields_from_words(struct ctl *ctl, size_t from, json_t **ret_fields)
{
    json_t *fields = ctl_memory(json_object());
    for (size_t i = from; i < ctl->args.count; i++) {
        const char *word = ctl->args.words[i];
        const char *equals = strchr(word, '=');
        json_t *value = equals ? json_string(equals + 1) : NULL;
        json_t *name = equals ? json_stringn(word, (size_t)(equals - word)) : NULL;
        const char *wrong = NULL;
        if (!equals || equals == word)
            wrong = tr("write FIELD=VALUE", "tulis ISIAN=NILAI");
        else if (!value || !name)
            wrong = tr("this is not UTF-8", "ini bukan UTF-8");
        else if (json_object_get(fields, json_string_value(name)))
            wrong = tr("given twice", "disebut dua kali");
        else
            json_object_set(fields, json_string_value(name), value);
        json_decref(name);
        json_decref(value);
        if (wrong) {
            json_decref(fields);
            return ctl_problemf(ctl, ERR_USAGE, word, "%s", wrong);
        }
    }
    *ret_fields = fields;
    return EXIT_DONE;
}
