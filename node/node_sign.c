#include "node/node_sign.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/rules.h"

/* ---- the record, apart from the store */

static enum err keep_values(struct node_sign *sign, const struct record_view *view)
{
    size_t need = 0;
    for (size_t i = 0; i < view->field_count; i++)
        need += view->fields[i].value.len;
    /* The state and the statements that the signing sets come behind what stands. */
    sign->space_len = need + IDENTIFIER_BYTES_MAX + 8;
    sign->space = malloc(sign->space_len);
    if (!sign->space)
        return ERR_MEMORY;
    struct buf out = buf_of(sign->space, sign->space_len);
    for (size_t i = 0; i < view->field_count; i++) {
        const struct policy_field *field = policy_field(sign->collection, view->fields[i].name);
        struct bytes raw = view->fields[i].value;
        if (!field || raw.len == 0 || value_is_nil(raw))
            continue;
        memcpy(out.at + out.len, raw.at, raw.len);
        sign->values[sign->value_count++] =
            (struct node_sign_value){ .field = field, .raw = bytes_of(out.at + out.len, raw.len) };
        out.len += raw.len;
    }
    return OK;
}

struct bytes node_sign_value(const struct node_sign *sign, const struct policy_field *field)
{
    for (size_t i = 0; i < sign->value_count; i++)
        if (sign->values[i].field == field)
            return sign->values[i].raw;
    return bytes_of(NULL, 0);
}

static enum err set_value(struct node_sign *sign, const struct policy_field *field,
                          struct bytes raw)
{
    const struct node_sign_value set = { .field = field, .raw = raw, .sets = true };
    for (size_t i = 0; i < sign->value_count; i++)
        if (sign->values[i].field == field) {
            sign->values[i] = set;
            return OK;
        }
    if (sign->value_count == COUNT_OF(sign->values))
        return ERR_LIMIT;
    sign->values[sign->value_count++] = set;
    return OK;
}

/* ---- the edge */

/* The field of type signature that the edge asks for; NULL: none. */
static const struct policy_field *asks_for(const struct policy_collection *collection,
                                           const struct policy_edge *edge)
{
    for (size_t i = 0; i < edge->required_count; i++)
        if (collection->fields[edge->required[i]].type == FIELD_SIGNATURE)
            return &collection->fields[edge->required[i]];
    return NULL;
}

static bool leaves(const struct policy_edge *edge, struct bytes state)
{
    for (size_t i = 0; i < edge->from_count; i++)
        if (bytes_is(state, edge->from[i]))
            return true;
    return false;
}

static enum err refuse(const struct node_sign *sign, struct problem *problem, enum err code,
                       const char *field, const char *detail)
{
    char thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%s.%s", sign->collection->name, field);
    return problem_set(problem, code, thing, detail);
}

static enum err refuse_state(const struct node_sign *sign, const struct policy *policy,
                             const struct policy_workflow *workflow, struct problem *problem)
{
    const struct policy_field *field = &sign->collection->fields[workflow->field];
    struct bytes state = value_string(node_sign_value(sign, field));
    char allowed[PROBLEM_DETAIL_MAX - 64], detail[PROBLEM_DETAIL_MAX];
    rules_allowed(policy, workflow, state, allowed, sizeof allowed);
    snprintf(detail, sizeof detail, "%.*s; %s", state.len > 0 ? (int)state.len : 1,
             state.len > 0 ? (const char *)state.at : "-", allowed[0] != '\0' ? allowed : "-");
    return refuse(sign, problem, ERR_WORKFLOW, field->name, detail);
}

/* The people's edge out of the present state that asks for a signature; one of the signer's letters
 * before others. */
static enum err find_edge(struct node_sign *sign, const struct policy *policy,
                          authority_set letters, struct problem *problem)
{
    const struct policy_workflow *signs = NULL;
    for (size_t i = 0; i < sign->collection->workflow_count; i++) {
        const struct policy_workflow *workflow = &sign->collection->workflows[i];
        struct bytes state =
            value_string(node_sign_value(sign, &sign->collection->fields[workflow->field]));
        for (size_t k = 0; k < workflow->edge_count; k++) {
            const struct policy_edge *edge = &workflow->edges[k];
            const struct policy_field *field = asks_for(sign->collection, edge);
            if (!field || (edge->authority & policy->computed) != 0)
                continue;
            signs = workflow;
            if (!leaves(edge, state) || (sign->edge && ((sign->edge->authority & letters) != 0 ||
                                                        (edge->authority & letters) == 0)))
                continue;
            sign->edge = edge;
            sign->workflow = workflow;
            sign->field = field;
            sign->state = state;
        }
    }
    if (sign->edge)
        return OK;
    if (signs)
        return refuse_state(sign, policy, signs, problem);
    return problem_setf(problem, ERR_STATE, sign->short_text, "records of %s are not signed",
                        sign->collection->title);
}

/* ---- who */

static void signers_text(const struct policy *policy, const struct policy_field *field, char *ret,
                         size_t cap)
{
    size_t len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < field->signer_count && len < cap; i++) {
        const struct policy_role *role = policy_role(policy, bytes_text(field->signers[i]));
        len += (size_t)snprintf(ret + len, cap - len, "%s%s", len > 0 ? ", " : "",
                                role ? role->label : field->signers[i]);
    }
}

static enum err check_signer(const struct node_sign *sign, const struct policy *policy,
                             const struct trust_operator *op, struct problem *problem)
{
    const struct policy_role *role = policy_role(policy, bytes_text(op->role));
    char detail[PROBLEM_DETAIL_MAX];
    bool signs = false;
    for (size_t i = 0; i < sign->field->signer_count; i++)
        signs = signs || strcmp(sign->field->signers[i], op->role) == 0;
    if (!role || !signs) {
        signers_text(policy, sign->field, detail, sizeof detail);
        return refuse(sign, problem, ERR_AUTHORITY, sign->field->name, detail);
    }
    if ((sign->edge->authority & role->authority) == 0) {
        policy_authority_text(policy, sign->edge->authority, detail, sizeof detail);
        return refuse(sign, problem, ERR_AUTHORITY,
                      sign->collection->fields[sign->workflow->field].name, detail);
    }
    const struct policy_field *area = &sign->collection->fields[sign->collection->area_field];
    return area_within(bytes_text(sign->area), bytes_text(op->area))
               ? OK
               : refuse(sign, problem, ERR_AREA, area->name, sign->area);
}

/* ---- what the signing sets */

static enum err set_all(struct node_sign *sign, struct problem *problem)
{
    static const uint8_t yes[] = { 0xc3 };
    uint8_t *behind = sign->space + sign->space_len - IDENTIFIER_BYTES_MAX - 8;
    struct writer state = writer_of(behind, IDENTIFIER_BYTES_MAX + 8);
    enum err err = OK;
    writer_text(&state, sign->edge->to);
    must(state.err == OK);
    for (size_t i = 0; i < sign->edge->required_count && err == OK; i++) {
        const struct policy_field *field = &sign->collection->fields[sign->edge->required[i]];
        if (field->type == FIELD_BOOL && !field->computed)
            err = set_value(sign, field, bytes_of(yes, sizeof yes));
        else if (field != sign->field && field->compute == NULL &&
                 node_sign_value(sign, field).len == 0)
            return refuse(sign, problem, ERR_REQUIRED, field->name, sign->edge->to);
    }
    if (err == OK)
        err =
            set_value(sign, &sign->collection->fields[sign->workflow->field], writer_bytes(&state));
    return err;
}

enum err node_sign_open(struct node_store *store, const struct policy *policy,
                        const struct trust_operator *op, const struct id *record,
                        struct node_sign *ret_sign, struct problem *problem)
{
    const struct record_view *view;
    struct node_sign sign = { .record = *record };
    const struct policy_role *role = policy_role(policy, bytes_text(op->role));
    enum err err = node_store_view(store, record, &view);
    if (err != OK)
        return err;
    snprintf(sign.short_text, sizeof sign.short_text, "%.*s", (int)view->short_text.len,
             (const char *)view->short_text.at);
    sign.collection = policy_collection(policy, view->collection);
    if (!sign.collection)
        return problem_set(problem, ERR_STATE, sign.short_text,
                           "the policy in force does not have its collection");
    if (view->deleted)
        return problem_set(problem, ERR_STATE, sign.short_text, "the record has been deleted");
    err = keep_values(&sign, view);
    if (err == OK) {
        struct bytes area = value_string(
            node_sign_value(&sign, &sign.collection->fields[sign.collection->area_field]));
        snprintf(sign.area, sizeof sign.area, "%.*s", (int)area.len, (const char *)area.at);
        err = find_edge(&sign, policy, role ? role->authority : 0, problem);
    }
    if (err == OK)
        err = check_signer(&sign, policy, op, problem);
    if (err == OK)
        err = set_all(&sign, problem);
    if (err == OK)
        *ret_sign = sign;
    else
        node_sign_close(&sign);
    return err;
}

void node_sign_close(struct node_sign *sign)
{
    if (sign->space)
        crypto_wipe(sign->space, sign->space_len);
    free(sign->space);
    *sign = (struct node_sign){ .space = NULL };
}

/* ---- what is signed */

static bool value_of(void *context, const struct policy_field *field, bool old, struct bytes *ret)
{
    (void)old;
    *ret = node_sign_value(context, field);
    return true;
}

enum err node_sign_statement(const struct node_sign *sign, const char *district,
                             const struct endorsement *endorsement, struct writer *out)
{
    struct node_sign values = *sign; /* the environment takes no const */
    const struct expr_env env = { .collection = sign->collection,
                                  .field = value_of,
                                  .context = &values };
    return endorsement_statement(endorsement, district, sign->collection, sign->field,
                                 &sign->record, &env, out);
}

enum err node_sign_mark(const struct node_sign *sign, const char *district,
                        const struct trust_operator *op, struct hash *ret_mark)
{
    const struct endorsement shown = { .operator_number = op->number };
    uint8_t *space = malloc(ENDORSEMENT_BYTES_MAX + 256);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, ENDORSEMENT_BYTES_MAX + 256);
    enum err err = node_sign_statement(sign, district, &shown, &out);
    if (err == OK) {
        writer_text(&out, sign->field->name);
        writer_text(&out, sign->edge->name);
        writer_text(&out, sign->edge->to);
        err = out.err;
    }
    const struct bytes shown_bytes = writer_bytes(&out);
    if (err == OK)
        crypto_hash("sign-shown", &shown_bytes, 1, ret_mark);
    crypto_wipe(space, out.buf.len);
    free(space);
    return err;
}

size_t node_sign_fields(const struct node_sign *sign, struct bytes signature,
                        struct entry_field ret[NODE_SIGN_FIELDS_MAX])
{
    size_t count = 0;
    ret[count++] =
        (struct entry_field){ .name = bytes_text(sign->field->name), .value = signature };
    for (size_t i = 0; i < sign->value_count && count < NODE_SIGN_FIELDS_MAX; i++)
        if (sign->values[i].sets)
            ret[count++] = (struct entry_field){ .name = bytes_text(sign->values[i].field->name),
                                                 .value = sign->values[i].raw };
    return count;
}
