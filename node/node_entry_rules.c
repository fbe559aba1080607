/* What the policy's rules say of a change, against the record as this office sees it. What another
 * office has, or what is only on its way, is not known here and refuses nothing: the hub decides.
 */
#include <stdlib.h>

#include "common/must.h"
#include "node/node_entry_inside.h"
#include "proto/endorse.h"
#include "proto/rules.h"

struct asking {
    struct submit *submit;
    const struct change *change;
    enum err err;
    /* The record before the change: its values, apart from the store's. */
    size_t field_count;
    struct view_field fields[FIELDS_PER_CHANGE_MAX];
    uint8_t *values;
    size_t values_len;
    uint8_t *followed; /* the value that a reference gave last */
    uint8_t *statement;
};

static enum err keep_record(struct asking *asking)
{
    const struct record_view *view;
    size_t need = 0;
    enum err err = node_store_view(asking->submit->store, &asking->change->record, &view);
    if (err != OK)
        return err;
    for (size_t i = 0; i < view->field_count; i++)
        need += view->fields[i].name.len + view->fields[i].value.len;
    asking->values = malloc(need + 1);
    if (!asking->values)
        return ERR_MEMORY;
    asking->values_len = need;
    struct buf out = buf_of(asking->values, need);
    for (size_t i = 0; i < view->field_count; i++) {
        struct view_field *field = &asking->fields[asking->field_count++];
        const struct bytes parts[2] = { view->fields[i].name, view->fields[i].value };
        struct bytes kept[2];
        for (int k = 0; k < 2; k++) {
            kept[k] = bytes_of(out.at + out.len, parts[k].len);
            if (parts[k].len > 0)
                memcpy(out.at + out.len, parts[k].at, parts[k].len);
            out.len += parts[k].len;
        }
        *field = view->fields[i];
        field->name = kept[0];
        field->value = kept[1];
    }
    return OK;
}

static bool stands(void *context, const struct policy_field *field, struct bytes *ret_raw)
{
    const struct asking *asking = context;
    *ret_raw = bytes_of(NULL, 0);
    for (size_t i = 0; i < asking->field_count; i++)
        if (bytes_is(asking->fields[i].name, field->name))
            *ret_raw = value_or_nothing(asking->fields[i].value);
    return true;
}

static bool space_of(struct asking *asking, uint8_t **space, size_t bytes)
{
    if (!*space)
        *space = malloc(bytes);
    if (!*space)
        asking->err = ERR_MEMORY;
    return *space != NULL;
}

static bool follow(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw)
{
    struct asking *asking = context;
    const struct record_view *view;
    bool target = false;
    enum err err = node_store_view(asking->submit->store, id, &view);
    *ret_raw = bytes_of(NULL, 0);
    if (err != OK) {
        if (err != ERR_NOT_FOUND)
            asking->err = err;
        return false;
    }
    for (size_t i = 0; i < reference->target_count; i++)
        target = target || bytes_is(view->collection, reference->targets[i]);
    *ret_collection = policy_collection(asking->submit->policy, view->collection);
    if (!target || !*ret_collection)
        return false;
    for (size_t i = 0; i < view->field_count && !view->deleted; i++) {
        struct bytes value = value_or_nothing(view->fields[i].value);
        if (!bytes_equal(view->fields[i].name, name) || value.len > CHANGE_BYTES_MAX ||
            !space_of(asking, &asking->followed, CHANGE_BYTES_MAX))
            continue;
        if (value.len > 0)
            memcpy(asking->followed, value.at, value.len);
        *ret_raw = bytes_of(asking->followed, value.len);
    }
    return true;
}

static enum signature_state signature(void *context, const struct policy_field *field,
                                      const struct expr_env *env)
{
    struct asking *asking = context;
    const struct trust *trust = node_store_trust(asking->submit->store);
    const struct entry_request *request = asking->submit->request;
    struct endorsement endorsement;
    const struct trust_operator *op = endorsement_by(trust, env, field, &endorsement);
    if (!op || !space_of(asking, &asking->statement, ENDORSEMENT_BYTES_MAX))
        return SIGNATURE_NONE;
    bool presumed = request->dry && request->presumes_signature &&
                    op->number == asking->submit->operator->number;
    if (!presumed && !endorsement_stands(&endorsement, trust, op, env, field,
                                         &asking->change->record, asking->statement))
        return SIGNATURE_NONE;
    return op->ended.reason != END_NONE ? SIGNATURE_ENDED : endorsement_place(op, env);
}

enum err submit_rules(struct submit *submit, const struct change *given)
{
    /* To answer that it is deleted is asked as a delete is. */
    const struct change asked = change_says_deleted(given) ? change_as_delete(given) : *given;
    const struct change *change = &asked;
    const struct policy_collection *collection =
        policy_collection(submit->policy, change->collection);
    if (change_is_existence(change) ||
        (collection && !rules_asked(submit->policy, collection, &submit->author)))
        return validate_authority(submit->policy, change, &submit->author, submit->problem);
    struct asking *asking = calloc(1, sizeof *asking);
    if (!asking)
        return problem_set(submit->problem, ERR_MEMORY, "rules", NULL);
    asking->submit = submit;
    asking->change = change;
    const struct rules_input in = { .policy = submit->policy,
                                    .change = change,
                                    .author = &submit->author,
                                    .claimed_ms = submit->request->wall_ms,
                                    .stands = stands,
                                    .follow = follow,
                                    .signature = signature,
                                    .context = asking };
    enum err err = change->op == OP_CREATE ? OK : keep_record(asking);
    if (err == OK)
        err = rules_authority(&in, submit->problem);
    if (err == OK)
        err = rules_check(&in, submit->problem, submit->warnings);
    if (asking->err != OK)
        err = problem_set(submit->problem, asking->err, "rules", NULL);
    if (asking->values)
        crypto_wipe(asking->values, asking->values_len);
    if (asking->followed)
        crypto_wipe(asking->followed, CHANGE_BYTES_MAX);
    if (asking->statement)
        crypto_wipe(asking->statement, ENDORSEMENT_BYTES_MAX);
    free(asking->values);
    free(asking->followed);
    free(asking->statement);
    free(asking);
    return err;
}
