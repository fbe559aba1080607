/* What the hub adds to a record that was written. */
#include "common/must.h"
#include "proto/rules_inside.h"

static enum err finish_computed(const struct visit *visit, bool *ret_changed,
                                enum err (*put)(void *context, const struct policy_field *field,
                                                struct bytes value))
{
    uint8_t space[EXPR_TEXT_BYTES_MAX + 16];
    for (size_t i = 0; i < visit->collection->field_count; i++) {
        const struct policy_field *field = &visit->collection->fields[i];
        struct writer out = writer_of(space, sizeof space);
        struct bytes stands, value = bytes_of(NULL, 0);
        if (field->compute == NULL || !rules_stood(visit, field, &stands) ||
            !rules_compute(visit, field, stands, &out, &value) || bytes_equal(value, stands))
            continue;
        enum err err = put(visit->in->context, field, value);
        if (err != OK)
            return err;
        *ret_changed = true;
    }
    return OK;
}

static enum err finish_move(const struct visit *visit, const struct policy_workflow *workflow,
                            bool *ret_changed,
                            enum err (*put)(void *context, const struct policy_field *field,
                                            struct bytes value))
{
    const struct policy_field *field = &visit->collection->fields[workflow->field];
    uint8_t space[IDENTIFIER_BYTES_MAX + 8];
    struct problem unheard = { .code = OK };
    struct visit quiet = *visit;
    struct bytes raw;
    quiet.problem = &unheard;
    quiet.env.context = &quiet;
    if (!rules_stood(&quiet, field, &raw))
        return OK;
    struct bytes state = value_string(raw);
    for (size_t i = 0; i < workflow->edge_count && state.len > 0; i++) {
        const struct policy_edge *edge = &workflow->edges[i];
        if (!rules_is_hubs(visit, edge) || !rules_leaves(edge, state) ||
            rules_enter(&quiet, edge) != OK)
            continue;
        struct writer out = writer_of(space, sizeof space);
        writer_text(&out, edge->to);
        must(out.err == OK);
        *ret_changed = true;
        return put(visit->in->context, field, writer_bytes(&out));
    }
    return OK;
}

bool rules_finishes(const struct policy *policy, const struct policy_collection *collection)
{
    for (size_t i = 0; i < collection->workflow_count; i++)
        for (size_t k = 0; k < collection->workflows[i].edge_count; k++)
            if ((collection->workflows[i].edges[k].authority & policy->computed) != 0)
                return true;
    for (size_t i = 0; i < collection->field_count; i++)
        if (collection->fields[i].compute != NULL)
            return true;
    return false;
}

enum err rules_finish(const struct rules_input *in, const struct policy_collection *collection,
                      enum err (*put)(void *context, const struct policy_field *field,
                                      struct bytes value))
{
    enum err err = OK;
    bool changed = true;
    for (unsigned round = 0; round < FINISH_ROUNDS_MAX && changed && err == OK; round++) {
        struct visit visit;
        changed = false;
        rules_visit(&visit, in, collection, NULL);
        err = finish_computed(&visit, &changed, put);
        for (size_t i = 0; i < collection->workflow_count && err == OK; i++)
            err = finish_move(&visit, &collection->workflows[i], &changed, put);
    }
    return err;
}
