/* What a transaction refers to: there beside it, at the hub, or still to come. */
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_merge.h"

static enum err references_add(struct merge *m, unsigned index, const struct policy_field *field,
                               struct reader *in)
{
    struct id target = { .at = { 0 } };
    reader_fixed(in, target.at, ID_BYTES);
    if (in->err)
        return ERR_VALUE;
    if (m->reference_count == m->reference_cap) {
        size_t cap = m->reference_cap == 0 ? 256 : 2 * m->reference_cap;
        struct merge_reference *grown = realloc(m->references, cap * sizeof(*grown));
        if (!grown)
            return ERR_MEMORY;
        m->references = grown;
        m->reference_cap = cap;
    }
    m->references[m->reference_count++] =
        (struct merge_reference){ .index = index, .field = field, .target = target };
    return OK;
}

enum err merge_references_of(struct merge *m, unsigned index)
{
    const struct policy_collection *c =
        policy_collection(m->then, m->txn->changes[index].collection);
    struct field_iter iter = fields_of(m->txn->changes[index].fields);
    struct bytes name, value;
    enum err err = OK;
    while (!err && fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(c, name);
        struct reader in = reader_of(value);
        if (!field || value_is_nil(value))
            continue;
        if (field->type == FIELD_REFERENCE) {
            err = references_add(m, index, field, &in);
        } else if (field->type == FIELD_LIST && field->element == FIELD_REFERENCE) {
            size_t count = reader_array(&in);
            for (size_t i = 0; i < count && !err; i++)
                err = references_add(m, index, field, &in);
        }
    }
    return err;
}

/* --- references ------------------------------------------------------------------------------ */

static bool is_target(const struct policy_field *field, const char *collection)
{
    for (size_t i = 0; i < field->target_count; i++)
        if (strcmp(field->targets[i], collection) == 0)
            return true;
    return false;
}

/* Whether the target exists, in this transaction or at the hub; parks when it may come to exist. */
static enum err reference_stands(struct merge *m, const struct merge_reference *reference,
                                 bool *ret_stands)
{
    const struct hub_backend_ops *ops = m->store->ops;
    const struct change *beside = merge_created(m, &reference->target);
    struct row_creation creation;
    *ret_stands = false;
    if (beside) {
        for (size_t i = 0; i < reference->field->target_count && !*ret_stands; i++)
            *ret_stands = bytes_is(beside->collection, reference->field->targets[i]);
        return OK;
    }
    for (size_t i = 0; i < reference->field->target_count && !*ret_stands; i++) {
        const struct policy_collection *c =
            policy_collection(m->store->policy, bytes_text(reference->field->targets[i]));
        enum err err =
            c ? ops->record_exists(m->store->backend, c, &reference->target, ret_stands) : OK;
        if (err)
            return err;
    }
    if (*ret_stands)
        return OK;
    enum err err = ops->creation(m->store->backend, &reference->target, m->row.number, &creation);
    if (err)
        return err == ERR_NOT_FOUND ? OK : err;
    *ret_stands = creation.collection && is_target(reference->field, creation.collection->name) &&
                  merge_park_behind(m, creation.txn, creation.disposition);
    return OK;
}

enum err merge_check_references(struct merge *m)
{
    bool fell = true;
    while (fell) {
        fell = false;
        for (size_t i = 0; i < m->reference_count; i++) {
            const struct merge_reference *reference = &m->references[i];
            bool stands = true;
            if (m->failed[m->txn->changes[reference->index].group])
                continue;
            enum err err = reference_stands(m, reference, &stands);
            if (err)
                return err;
            if (!stands) {
                merge_refuse(m, reference->index, ERR_REFERENCE, reference->field->name);
                fell = true;
            }
        }
    }
    return OK;
}
