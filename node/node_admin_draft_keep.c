/* A refused or unfinished request becomes a draft. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_draft.h"

#define ANSWER_BYTES_MAX 4096

bool node_draft_may_keep(const struct problem *problem)
{
    static const enum err not_these[] = { OK,        ERR_LOCKED,     ERR_MEMORY,    ERR_IO,
                                          ERR_STORE, ERR_FULL,       ERR_INTERNAL,  ERR_USAGE,
                                          ERR_BUSY,  ERR_DRAFT_FULL, ERR_DRAFT_GONE };
    for (size_t i = 0; i < COUNT_OF(not_these); i++) {
        if (problem->code == not_these[i])
            return false;
    }
    return problem->code != ERR_STATE || strcmp(problem->thing, "request") != 0;
}

/* What was typed for one change, under the names that the policy has for the fields. */
static enum err keep_change(struct node_admin *admin, struct draft *draft, unsigned index,
                            const struct entry_change *change)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    struct draft_change *to = &draft->changes[index];
    const struct record_view *view;
    enum err err = OK;
    to->group = change->group;
    to->op = change->op;
    to->record = change->record;
    if (change->op == OP_CREATE) {
        err = node_draft_copy(draft, change->collection, &to->collection);
    } else {
        err = node_store_view(admin->parts.store, &change->record, &view);
        if (err == OK)
            err = node_draft_copy(draft, view->collection, &to->collection);
    }
    if (err != OK)
        return err;
    const struct policy_collection *collection =
        policy != NULL ? policy_collection(policy, to->collection) : NULL;
    for (size_t i = 0; err == OK && i < change->field_count; i++) {
        const struct entry_field *given = &change->fields[i];
        const struct policy_field *field =
            collection != NULL ? policy_field_loose(collection, given->name) : NULL;
        if (change->op != OP_CREATE || given->text.len > 0)
            err = node_draft_set(
                draft, index, field != NULL ? bytes_text(field->name) : given->name, given->text);
    }
    return err;
}

static enum err keep_request(struct entering *entering, const struct problem *problem,
                             unsigned failed, struct draft **ret_draft)
{
    struct node_admin *admin = entering->admin;
    struct bytes lane = node_arg_text(admin_call_args(entering->call), "lane");
    struct draft *draft = node_draft_new(entering->count);
    if (draft == NULL)
        return ERR_MEMORY;
    draft->wall_ms = loop_wall_ms();
    draft->failed = failed;
    if (problem != NULL)
        draft->reason = *problem;
    enum err err = node_store_draft_next(admin->parts.store, &draft->number);
    if (err == OK)
        err = node_draft_copy(draft, bytes_text(admin->name), &draft->author);
    if (err == OK)
        err = node_draft_copy(draft, lane, &draft->lane);
    for (unsigned i = 0; err == OK && i < entering->count; i++)
        err = keep_change(admin, draft, i, &entering->changes[i]);
    if (err == OK)
        *ret_draft = draft;
    else
        node_draft_close(&draft);
    return err;
}

/* What is stored for a repeat of the request. */
static json_t *kept_answer(const struct draft *draft)
{
    json_t *answer = json_object();
    node_json_set(answer, "draft", node_json_uint(draft->number));
    if (draft->reason.code == OK)
        return answer;
    node_json_set(answer, "code", json_string(err_name(draft->reason.code)));
    node_json_set(answer, "thing", json_string(draft->reason.thing));
    node_json_set(answer, "detail", json_string(draft->reason.detail));
    return answer;
}

void node_draft_answer(struct admin_call *call, const json_t *answer)
{
    char name[DRAFT_NAME_BYTES], rule[PROBLEM_DETAIL_MAX + 256];
    struct problem problem = { .code = OK };
    json_int_t number = json_integer_value(json_object_get(answer, "draft"));
    struct bytes code = node_arg_text(answer, "code");
    enum err err = code.len > 0 ? err_from_name(code) : OK;
    json_t *done = json_object();
    node_draft_name(number > 0 ? (uint64_t)number : 0, name);
    node_json_set(done, "draft", json_string(name));
    if (err != OK && err != ERR_COUNT) {
        const char *thing = json_string_value(json_object_get(answer, "thing"));
        (void)problem_set(&problem, err, thing,
                          json_string_value(json_object_get(answer, "detail")));
        problem_rule(&problem, admin_call_lang(call), rule, sizeof rule);
        const char *point = strchr(problem.thing, '.');
        node_json_set(done, "code", json_string(err_name(err)));
        node_json_set(done, "thing", json_string(problem.thing));
        node_json_set(done, "rule", json_string(rule));
        node_json_set(done, "remedy", json_string(problem_remedy(&problem, admin_call_lang(call))));
        node_json_set(done, "field", point != NULL ? json_string(point + 1) : NULL);
    }
    admin_done(call, done);
}

void node_draft_refuse_put(struct admin_call *call, enum err err, const struct problem *refused)
{
    struct problem problem = { .code = OK };
    json_t *more = json_object();
    if (err == ERR_LIMIT)
        (void)problem_setf(&problem, ERR_DRAFT_FULL, "draft",
                           "at most %d, each up to %d KiB, together %d MiB", DRAFTS_MAX,
                           DRAFT_BYTES_MAX / 1024, (int)(DRAFTS_BYTES_MAX / 1024 / 1024));
    else
        (void)problem_set(&problem, err == ERR_NOT_FOUND ? ERR_DRAFT_GONE : err, "draft", NULL);
    if (refused != NULL && refused->code != OK) {
        char rule[PROBLEM_DETAIL_MAX + 256];
        problem_rule(refused, admin_call_lang(call), rule, sizeof rule);
        node_json_set(more, "refused",
                      json_pack("{s:s, s:s, s:s}", "code", err_name(refused->code), "thing",
                                refused->thing, "rule", rule));
    }
    admin_fail_with(call, &problem, more);
}

void node_draft_keep(struct entering *entering, const struct problem *problem, unsigned failed)
{
    struct node_admin *admin = entering->admin;
    struct draft *draft = NULL;
    char space[ANSWER_BYTES_MAX];
    if (id_is_zero(&entering->request))
        entering->request = crypto_random_id();
    enum err err = keep_request(entering, problem, failed, &draft);
    if (err != OK) {
        node_draft_refuse_put(entering->call, err, problem);
        return;
    }
    json_t *answer = kept_answer(draft);
    size_t len = json_dumpb(answer, space, sizeof space, JSON_COMPACT);
    must(len > 0 && len <= sizeof space);
    err = node_store_draft_put(admin->parts.store, draft, &entering->request, bytes_of(space, len));
    if (err == OK)
        node_draft_answer(entering->call, answer);
    else
        node_draft_refuse_put(entering->call, err, problem);
    json_decref(answer);
    node_draft_close(&draft);
}
