/* What the policy's rules ask of a record at the hub, and what the hub itself adds to it. */
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_merge.h"
#include "proto/endorse.h"
#include "proto/rules.h"

/* --- the record at hand ---------------------------------------------------------------------- */

bool merge_has_rules(const struct merge *m, const struct change *change)
{
    const struct policy_collection *c = policy_collection(m->then, change->collection);
    const struct policy_collection *now = policy_collection(m->store->policy, change->collection);
    return c && (rules_asked(m->then, c, &m->author) || (now && now->workflow_count > 0));
}

enum err merge_keep_record(struct merge *m)
{
    size_t need = 0;
    for (size_t i = 0; i < m->record.collection->field_count; i++)
        need += m->record.fields[i].raw.len;
    if (need > m->kept.cap) {
        uint8_t *grown = realloc(m->kept.at, 2 * need);
        if (!grown)
            return ERR_MEMORY;
        m->kept = buf_of(grown, 2 * need);
    }
    m->kept.len = 0;
    for (size_t i = 0; i < m->record.collection->field_count; i++) {
        struct bytes *raw = &m->record.fields[i].raw;
        if (raw->len == 0)
            continue;
        memcpy(m->kept.at + m->kept.len, raw->at, raw->len);
        *raw = bytes_of(m->kept.at + m->kept.len, raw->len);
        m->kept.len += raw->len;
    }
    return OK;
}

static bool stands(void *context, const struct policy_field *field, struct bytes *ret_raw)
{
    const struct merge *m = context;
    const struct policy_field *now = policy_field(m->record.collection, bytes_text(field->name));
    must(now != NULL); /* no field goes away */
    *ret_raw = m->record.fields[now - m->record.collection->fields].raw;
    return true;
}

/* --- what it refers to ----------------------------------------------------------------------- */

static bool beside(const struct merge *m, const struct policy_field *reference,
                   const struct change *change, struct bytes name,
                   const struct policy_collection **ret_collection, struct bytes *ret_raw)
{
    for (size_t i = 0; i < reference->target_count; i++)
        if (bytes_is(change->collection, reference->targets[i]))
            *ret_collection = policy_collection(m->then, change->collection);
    *ret_raw = value_or_nothing(fields_get(change->fields, name));
    return *ret_collection != NULL;
}

static bool follow(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw)
{
    struct merge *m = context;
    const struct policy *policy = m->store->policy;
    const struct change *create = merge_created(m, id);
    *ret_raw = bytes_of(NULL, 0);
    *ret_collection = NULL;
    if (create)
        return beside(m, reference, create, name, ret_collection, ret_raw);
    for (size_t i = 0; i < reference->target_count; i++) {
        const struct policy_collection *c =
            policy_collection(policy, bytes_text(reference->targets[i]));
        enum err err =
            c ? m->store->ops->record_get(m->store->backend, c, id, &m->other) : ERR_NOT_FOUND;
        if (err == ERR_NOT_FOUND)
            continue;
        if (err) {
            m->rules_err = err;
            return false;
        }
        const struct policy_field *field = policy_field(c, name);
        *ret_collection = c;
        if (field && !m->other.deleted)
            *ret_raw = m->other.fields[field - c->fields].raw;
        return true;
    }
    *ret_collection = reference->target_count > 0
                          ? policy_collection(policy, bytes_text(reference->targets[0]))
                          : NULL;
    return *ret_collection != NULL; /* nowhere: everything of it is nil */
}

/* --- personal signatures --------------------------------------------------------------------- */

static enum signature_state signature(void *context, const struct policy_field *field,
                                      const struct expr_env *env)
{
    struct merge *m = context;
    const struct trust *trust = &m->store->trust;
    struct endorsement endorsement;
    const struct trust_operator *op = endorsement_by(trust, env, field, &endorsement);
    if (!op || endorsement.trust_version > trust->version ||
        !endorsement_stands(&endorsement, trust, op, env, field, &m->endorsed, m->statement))
        return SIGNATURE_NONE;
    return merge_signer_ended(m, op) ? SIGNATURE_ENDED : endorsement_place(op, env);
}

/* --- asking ---------------------------------------------------------------------------------- */

static struct rules_input input_of(struct merge *m, const struct change *change)
{
    m->rules_err = OK;
    return (struct rules_input){ .policy = m->then,
                                 .dated = m->store->policy,
                                 .change = change,
                                 .author = &m->author,
                                 .claimed_ms = m->txn->claimed_ms,
                                 .decides = true,
                                 .stands = stands,
                                 .follow = follow,
                                 .signature = signature,
                                 .context = m };
}

enum err merge_rules(struct merge *m, const struct change *change, struct problem *problem)
{
    const struct policy_collection *c = policy_collection(m->then, change->collection);
    enum err err = OK;
    must(c != NULL);
    m->endorsed = change->record;
    if (change->op != OP_CREATE)
        err = merge_keep_record(m);
    if (err)
        return err;
    struct rules_input in = input_of(m, change);
    err = rules_authority(&in, problem);
    if (!err)
        err = rules_check(&in, problem, NULL);
    in.policy = m->store->policy; /* what froze stays as it is, whatever the author knows */
    if (!err && in.policy != m->then)
        err = rules_frozen(&in, problem);
    return m->rules_err ? m->rules_err : err;
}

/* --- adding ---------------------------------------------------------------------------------- */

static enum err put(void *context, const struct policy_field *field, struct bytes value)
{
    struct merge *m = context;
    const struct policy_collection *c = m->record.collection;
    const struct policy_field *now = policy_field(c, bytes_text(field->name));
    must(now != NULL);
    if (value.len > sizeof(m->added) - m->added_len)
        return ERR_LIMIT;
    if (value.len > 0)
        memcpy(m->added + m->added_len, value.at, value.len);
    struct hub_value *stand = &m->record.fields[now - c->fields];
    stand->raw = value.len > 0 ? bytes_of(m->added + m->added_len, value.len) : bytes_of(NULL, 0);
    stand->rev = m->number;
    m->record.rev = m->number;
    m->added_len += value.len;
    m->finished = true;
    return OK;
}

enum err merge_finish(struct merge *m, bool *ret_added)
{
    const struct policy_collection *c =
        policy_collection(m->then, bytes_text(m->record.collection->name));
    *ret_added = false;
    if (!c || m->record.deleted || !rules_finishes(m->then, c))
        return OK;
    enum err err = merge_keep_record(m);
    if (err)
        return err;
    struct rules_input in = input_of(m, NULL);
    m->added_len = 0;
    m->finished = false;
    m->endorsed = m->record.id;
    err = rules_finish(&in, c, put);
    *ret_added = m->finished;
    return m->rules_err ? m->rules_err : err;
}

size_t merge_finish_bytes(const struct policy_collection *c)
{
    size_t bytes = 0;
    for (size_t i = 0; i < c->field_count; i++)
        if (c->fields[i].compute)
            bytes += strlen(c->fields[i].name) + IDENTIFIER_BYTES_MAX +
                     (c->fields[i].type == FIELD_TEXT ? EXPR_TEXT_BYTES_MAX : 0);
    return bytes + c->workflow_count * 2 * (IDENTIFIER_BYTES_MAX + 4);
}
