/* The dictionary of a policy source: what its examples say beside the rules. */
#include <stdlib.h>

#include "proto/dictionary.h"
#include "proto/policy_text_inside.h"

#define EXAMPLES_MAX 4096

/* The section of a field, in its collection or among the common ones. */
static cfg_t *field_section(cfg_t *cfg, const char *collection, const char *field)
{
    cfg_t *section = cfg_gettsec(cfg, "collection", collection);
    cfg_t *found = section != NULL ? cfg_gettsec(section, "field", field) : NULL;
    cfg_t *common = cfg_getsec(cfg, "common");
    return found == NULL && common != NULL ? cfg_gettsec(common, "field", field) : found;
}

static size_t gather(const struct compile *c, const struct policy *policy,
                     struct dictionary_example *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < policy->collection_count; i++) {
        const struct policy_collection *collection = &policy->collections[i];
        for (size_t k = 0; k < collection->field_count; k++) {
            const struct policy_field *field = &collection->fields[k];
            cfg_t *section = field_section(c->cfg, collection->name, field->name);
            unsigned texts = section != NULL ? cfg_size(section, "examples") : 0;
            for (unsigned t = 0; t < texts && count < EXAMPLES_MAX; t++)
                ret[count++] = (struct dictionary_example){
                    .collection = collection,
                    .field = field,
                    .text = cfg_getnstr(section, "examples", t),
                };
        }
    }
    return count;
}

void compile_dictionary(struct compile *c, const struct policy *policy, struct buf *ret)
{
    struct problem found = { .code = OK };
    size_t bytes = 0;
    enum err err = dictionary_size(policy, &bytes, &found);
    struct dictionary_example *examples = NULL;
    if (err == OK && (bytes == 0 || policy->collection_count == 0))
        return;
    if (err == OK) {
        examples = calloc(EXAMPLES_MAX, sizeof *examples);
        err = examples == NULL ? ERR_MEMORY : OK;
        if (err != OK)
            (void)problem_set(&found, err, "dictionary", NULL);
    }
    if (err == OK) {
        struct buf room = buf_of(ret->at + ret->len, ret->cap - ret->len);
        room.cap = room.cap < bytes ? room.cap : bytes;
        err = dictionary_make(policy, examples, gather(c, policy, examples), &room, &found);
        if (err == OK)
            ret->len += room.len;
    }
    free(examples);
    if (err != OK)
        compile_fail(c, err == ERR_MEMORY ? err : ERR_POLICY_MEANING, found.thing, "%s",
                     found.detail);
}
