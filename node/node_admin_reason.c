/* Why something was refused, in the words of the policy where it has some. */
#include <stdio.h>

#include "node/node_admin_inside.h"
#include "proto/rules.h"

/* What the workflow field is in now, copied; empty when the record is not here. */
static struct bytes state_now(struct node_admin *admin, const struct id *record,
                              const struct policy_field *field,
                              char space[IDENTIFIER_BYTES_MAX + 1])
{
    const struct record_view *view;
    if (record == NULL || id_is_zero(record) ||
        node_store_view(admin->parts.store, record, &view) != OK)
        return bytes_of(NULL, 0);
    struct bytes state = value_string(record_view_value(view, field));
    if (state.len == 0 || state.len > IDENTIFIER_BYTES_MAX)
        return bytes_of(NULL, 0);
    memcpy(space, state.at, state.len);
    return bytes_of(space, state.len);
}

static const char *role_of_actor(const struct node_admin *admin, const struct policy *policy)
{
    const struct trust_operator *op = node_store_operator(admin->parts.store);
    const struct policy_role *role = op != NULL ? policy_role(policy, bytes_text(op->role)) : NULL;
    return role != NULL ? role->label : NULL;
}

const char *node_problem_field(const struct node_admin *admin, const struct problem *problem)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const char *point = strchr(problem->thing, '.');
    if (point == NULL || strchr(point + 1, '.') != NULL)
        return NULL;
    const struct policy_collection *collection =
        policy != NULL
            ? policy_collection(policy, bytes_of(problem->thing, (size_t)(point - problem->thing)))
            : NULL;
    const struct policy_rule *rule = collection != NULL && problem->code == ERR_RULE
                                         ? policy_rule(collection, bytes_text(point + 1))
                                         : NULL;
    if (rule == NULL)
        return point + 1;
    return rule->field >= 0 ? collection->fields[rule->field].name : NULL;
}

bool node_reason_knows(const struct node_admin *admin, struct bytes collection, struct bytes field)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *known =
        policy != NULL ? policy_collection(policy, collection) : NULL;
    return known != NULL &&
           (policy_rule(known, field) != NULL || policy_field(known, field) != NULL);
}

void node_reason_about(struct node_admin *admin, struct bytes reason, struct bytes field,
                       struct bytes collection, const struct id *record, enum lang lang, char *ret,
                       size_t cap)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *known =
        policy != NULL ? policy_collection(policy, collection) : NULL;
    const enum err code = err_from_name(reason);
    char detail[PROBLEM_DETAIL_MAX] = "", space[IDENTIFIER_BYTES_MAX + 1];
    struct problem problem = { .code = OK };
    struct bytes state = bytes_of(NULL, 0);
    node_reason_text(reason, field, lang, ret, cap);
    if (known == NULL || code == ERR_COUNT || code == OK)
        return;
    if (code == ERR_WORKFLOW)
        state = state_now(admin, record, policy_field(known, field), space);
    rules_refusal(policy, known, code, field, state, role_of_actor(admin, policy), detail,
                  sizeof detail);
    if (detail[0] == '\0')
        return;
    problem_set(&problem, code, "", detail);
    problem_rule(&problem, lang, ret, cap);
}

void node_reason_row(struct node_admin *admin, struct bytes collection, const struct id *record,
                     enum lang lang, json_t *row)
{
    struct bytes reason = node_arg_text(row, "reason");
    char text[PROBLEM_DETAIL_MAX + 256];
    if (reason.len == 0 || collection.len == 0)
        return;
    node_reason_about(admin, reason, node_arg_text(row, "field"), collection, record, lang, text,
                      sizeof text);
    if (text[0] != '\0')
        node_json_set(row, "reason_text", json_string(text));
}
