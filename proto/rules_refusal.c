/* Refusals in the words of the policy. */
#include <stdio.h>

#include "common/must.h"
#include "proto/rules.h"

static const struct policy_workflow *workflow_of(const struct policy_collection *collection,
                                                 const struct policy_field *field)
{
    for (size_t i = 0; i < collection->workflow_count; i++)
        if (&collection->fields[collection->workflows[i].field] == field)
            return &collection->workflows[i];
    return NULL;
}

static const char *label_of(const struct policy_field *field, struct bytes state)
{
    const struct policy_code *code = NULL;
    if (field->codes != NULL && field->codes->version_count > 0)
        code = policy_code(&field->codes->versions[field->codes->version_count - 1], state);
    return code != NULL ? code->label : "-";
}

static void refused_rule(const struct policy_collection *collection, struct bytes name, char *ret,
                         size_t cap)
{
    const struct policy_rule *rule = policy_rule(collection, name);
    if (rule != NULL)
        policy_rule_text(rule, ret, cap);
}

static void refused_step(const struct policy *policy, const struct policy_collection *collection,
                         const struct policy_field *field, struct bytes state, const char *who,
                         char *ret, size_t cap)
{
    const struct policy_workflow *workflow = workflow_of(collection, field);
    char allowed[PROBLEM_DETAIL_MAX / 2];
    if (workflow == NULL)
        return;
    rules_allowed(policy, workflow, state, allowed, sizeof allowed);
    snprintf(ret, cap, "%s (%s); %s", label_of(field, state), who != NULL ? who : "-",
             allowed[0] != '\0' ? allowed : "-");
}

void rules_refusal(const struct policy *policy, const struct policy_collection *collection,
                   enum err reason, struct bytes field, struct bytes state, const char *who,
                   char *ret, size_t cap)
{
    const struct policy_field *known = policy_field(collection, field);
    must(cap > 0);
    ret[0] = '\0';
    if (reason == ERR_RULE)
        refused_rule(collection, field, ret, cap);
    else if (reason == ERR_WORKFLOW && known != NULL)
        refused_step(policy, collection, known, state, who, ret, cap);
    else if (reason == ERR_FROZEN && known != NULL)
        snprintf(ret, cap, "%s", known->label);
    else if (reason == ERR_AUTHORITY && known != NULL)
        policy_authority_text(policy, known->authority, ret, cap);
}
