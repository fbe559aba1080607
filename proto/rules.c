#include "proto/rules.h"

#include <stdio.h>

#include "common/must.h"
#include "proto/rules_inside.h"
#include "proto/value_form.h"

bool rules_stood(const struct visit *visit, const struct policy_field *field, struct bytes *ret)
{
    const struct rules_input *in = visit->in;
    *ret = bytes_of(NULL, 0);
    if ((in->change != NULL && in->change->op == OP_CREATE) || in->stands == NULL)
        return true;
    return in->stands(in->context, field, ret);
}

static bool given(const struct visit *visit, const struct policy_field *field, struct bytes *ret)
{
    if (visit->in->change == NULL)
        return false;
    *ret = fields_get(visit->in->change->fields, bytes_text(field->name));
    if (ret->len == 0)
        return false;
    *ret = value_or_nothing(*ret);
    return true;
}

static bool after(const struct visit *visit, const struct policy_field *field, struct bytes *ret)
{
    for (size_t i = 0; field->compute != NULL && visit->works != NULL && i < visit->works->count;
         i++) {
        const struct work *work = &visit->works->list[i];
        if (work->field != field)
            continue;
        *ret = work->raw;
        return work->known;
    }
    return given(visit, field, ret) || rules_stood(visit, field, ret);
}

static bool value_of(void *context, const struct policy_field *field, bool old, struct bytes *ret)
{
    return old ? rules_stood(context, field, ret) : after(context, field, ret);
}

static bool follow(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw)
{
    const struct rules_input *in = ((const struct visit *)context)->in;
    return in->follow != NULL &&
           in->follow(in->context, reference, id, name, ret_collection, ret_raw);
}

static enum signature_state signature_of(void *context, const struct policy_field *field)
{
    const struct visit *visit = context;
    const struct rules_input *in = visit->in;
    return in->signature == NULL ? SIGNATURE_NONE : in->signature(in->context, field, &visit->env);
}

void rules_visit(struct visit *visit, const struct rules_input *in,
                 const struct policy_collection *collection, struct problem *problem)
{
    struct bytes date = bytes_of(NULL, 0);
    visit->in = in;
    visit->works = NULL;
    visit->collection = collection;
    visit->problem = problem;
    date_of_ms(in->claimed_ms, visit->claimed);
    visit->env = (struct expr_env){ .policy = in->dated != NULL ? in->dated : in->policy,
                                    .event = visit->event,
                                    .claimed = visit->claimed,
                                    .collection = collection,
                                    .field = value_of,
                                    .follow = follow,
                                    .signature = signature_of,
                                    .context = visit };
    memcpy(visit->event, visit->claimed, sizeof visit->event);
    if (collection->date_field >= 0 &&
        after(visit, &collection->fields[collection->date_field], &date))
        date = value_string(date);
    if (date.len == 10 && date_iso(date))
        memcpy(visit->event, date.at, 10);
}

static enum err refuse(const struct visit *visit, enum err code, const char *name,
                       const char *detail)
{
    char thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%s.%s", visit->collection->name, name);
    return problem_set(visit->problem, code, thing, detail);
}

bool rules_asked(const struct policy *policy, const struct policy_collection *collection,
                 const struct author *author)
{
    if (collection->workflow_count > 0 || collection->rule_count > 0 ||
        collection->date_field >= 0 || (author->authority & policy->narrow) != 0)
        return true;
    for (size_t i = 0; i < collection->field_count; i++)
        if (collection->fields[i].append_only || collection->fields[i].compute != NULL)
            return true;
    return false;
}

/* --- authority ------------------------------------------------------------------------------- */

static bool holds(const struct visit *visit, const struct expr *expr)
{
    if (expr == NULL)
        return true;
    enum truth truth = expr_truth(expr, &visit->env);
    return truth == TRUTH_YES || (truth == TRUTH_UNKNOWN && !visit->in->decides);
}

static bool letter_holds(const struct visit *visit, const struct expr *only)
{
    const struct rules_input *in = visit->in;
    if (!holds(visit, only))
        return false;
    if (in->change == NULL || in->change->op == OP_CREATE)
        return true;
    /* Nobody gets a hold of a record by what the own change makes of it. */
    struct rules_input as_stands = *in;
    struct visit before;
    as_stands.change = NULL;
    rules_visit(&before, &as_stands, visit->collection, NULL);
    return holds(&before, only);
}

/* The author's letters that count for this record. */
static authority_set letters_of(const struct visit *visit)
{
    authority_set set = visit->in->author->authority;
    for (size_t i = 0; i < visit->in->policy->authority_count; i++) {
        const struct policy_authority *one = &visit->in->policy->authorities[i];
        if (one->only != NULL && (set & AUTHORITY(one->letter)) != 0 &&
            !letter_holds(visit, one->only))
            set &= ~AUTHORITY(one->letter);
    }
    return set;
}

enum err rules_authority(const struct rules_input *in, struct problem *problem)
{
    struct visit visit;
    const struct policy_collection *collection =
        policy_collection(in->policy, in->change->collection);
    struct author author = *in->author;
    if (collection != NULL) {
        rules_visit(&visit, in, collection, problem);
        author.authority = letters_of(&visit);
    }
    return validate_authority(in->policy, in->change, &author, problem);
}

/* --- rules ----------------------------------------------------------------------------------- */

static bool rule_holds(const struct visit *visit, const struct policy_rule *rule)
{
    if (rule->when != NULL) {
        enum truth when = expr_truth(rule->when, &visit->env);
        if (when == TRUTH_NO || (when == TRUTH_UNKNOWN && !visit->in->decides))
            return true;
    }
    return holds(visit, rule->check);
}

static enum err refuse_rule(const struct visit *visit, const struct policy_rule *rule)
{
    char detail[PROBLEM_DETAIL_MAX];
    policy_rule_text(rule, detail, sizeof detail);
    return refuse(visit, ERR_RULE, rule->name, detail);
}

static enum err check_rules(const struct visit *visit, struct warnings *warnings)
{
    for (size_t i = 0; i < visit->collection->rule_count; i++) {
        const struct policy_rule *rule = &visit->collection->rules[i];
        char thing[PROBLEM_THING_MAX], detail[PROBLEM_DETAIL_MAX];
        if (rule->on == RULE_EDGE || (rule->on == RULE_WARN && warnings == NULL) ||
            (rule->on != RULE_KEEP && visit->in->change->op == OP_DELETE) ||
            rule_holds(visit, rule))
            continue;
        if (rule->on != RULE_WARN)
            return refuse_rule(visit, rule);
        if (warnings->count == WARNINGS_MAX)
            continue;
        snprintf(thing, sizeof thing, "%s.%s", visit->collection->name,
                 rule->field >= 0 ? visit->collection->fields[rule->field].name : rule->name);
        policy_rule_text(rule, detail, sizeof detail);
        (void)problem_set(&warnings->list[warnings->count++], ERR_RULE_WARNS, thing, detail);
    }
    return OK;
}

/* --- states ---------------------------------------------------------------------------------- */

bool rules_leaves(const struct policy_edge *edge, struct bytes state)
{
    for (size_t i = 0; i < edge->from_count; i++)
        if (bytes_is(state, edge->from[i]))
            return true;
    return edge->from_count == 0 && state.len == 0;
}

bool rules_is_hubs(const struct visit *visit, const struct policy_edge *edge)
{
    return (edge->authority & visit->in->policy->computed) != 0;
}

/* "TKSK or district office": who holds one of the letters. */
static void who_may(const struct policy *policy, authority_set set, char *ret, size_t cap)
{
    size_t len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < policy->authority_count && len < cap; i++) {
        const struct policy_authority *one = &policy->authorities[i];
        if ((set & AUTHORITY(one->letter)) != 0)
            len += (size_t)snprintf(ret + len, cap - len, "%s%s", len > 0 ? " / " : "", one->label);
    }
}

void rules_allowed(const struct policy *policy, const struct policy_workflow *workflow,
                   struct bytes state, char *ret, size_t cap)
{
    size_t len = 0;
    must(cap > 0);
    ret[0] = '\0';
    for (size_t i = 0; i < workflow->edge_count; i++) {
        const struct policy_edge *edge = &workflow->edges[i];
        char who[PROBLEM_DETAIL_MAX];
        if (!rules_leaves(edge, state) || (edge->authority & policy->computed) != 0)
            continue;
        who_may(policy, edge->authority, who, sizeof who);
        int added = snprintf(ret + len, cap - len, "%s%s (%s)", len > 0 ? ", " : "", edge->to, who);
        must(added > 0);
        if ((size_t)added >= cap - len) { /* what does not fit whole is left out */
            ret[len] = '\0';
            break;
        }
        len += (size_t)added;
    }
}

static enum err refuse_move(const struct visit *visit, const struct policy_workflow *workflow,
                            struct bytes before, struct bytes next)
{
    char detail[PROBLEM_DETAIL_MAX];
    char allowed[PROBLEM_DETAIL_MAX - 128];
    rules_allowed(visit->in->policy, workflow, before, allowed, sizeof allowed);
    snprintf(detail, sizeof detail, "%.*s → %.*s; %s", before.len > 0 ? (int)before.len : 1,
             before.len > 0 ? (const char *)before.at : "-", next.len > 0 ? (int)next.len : 1,
             next.len > 0 ? (const char *)next.at : "-", allowed[0] != '\0' ? allowed : "-");
    return refuse(visit, ERR_WORKFLOW, visit->collection->fields[workflow->field].name, detail);
}

/* The first field that the edge requires and that is empty; NULL: none. */
static const struct policy_field *edge_lacks(const struct visit *visit,
                                             const struct policy_edge *edge)
{
    for (size_t i = 0; i < edge->required_count; i++) {
        const struct policy_field *field = &visit->collection->fields[edge->required[i]];
        struct bytes value = bytes_of(NULL, 0);
        if (after(visit, field, &value) ? value.len == 0 : visit->in->decides)
            return field;
    }
    return NULL;
}

enum err rules_enter(const struct visit *visit, const struct policy_edge *edge)
{
    const struct policy_field *lacks = edge_lacks(visit, edge);
    if (lacks != NULL)
        return refuse(visit, ERR_REQUIRED, lacks->name, edge->to);
    for (size_t i = 0; i < edge->rule_count; i++)
        if (!rule_holds(visit, edge->rules[i]))
            return refuse_rule(visit, edge->rules[i]);
    return OK;
}

/* The hub's way out of a state that somebody has just brought the record to: if there is one, it
 * must be open, else the move itself is refused for what bars it. */
static enum err check_hub_moves(const struct visit *visit, const struct policy_workflow *workflow,
                                struct bytes state)
{
    enum err first = OK;
    for (size_t i = 0; i < workflow->edge_count; i++) {
        const struct policy_edge *edge = &workflow->edges[i];
        if (!rules_is_hubs(visit, edge) || !rules_leaves(edge, state))
            continue;
        struct problem found = { .code = OK };
        struct visit quiet = *visit;
        quiet.problem = &found;
        quiet.env.context = &quiet;
        enum err err = rules_enter(&quiet, edge);
        if (err == OK)
            return OK;
        if (first == OK && visit->problem != NULL)
            *visit->problem = found;
        first = first == OK ? err : first;
    }
    return first;
}

static enum err check_move(const struct visit *visit, const struct policy_workflow *workflow)
{
    const struct policy_field *field = &visit->collection->fields[workflow->field];
    struct bytes raw = bytes_of(NULL, 0);
    if (!given(visit, field, &raw))
        return OK;
    struct bytes raw_next = raw;
    struct bytes next = value_string(raw);
    if (!rules_stood(visit, field, &raw))
        return OK; /* not known here: the hub decides */
    struct bytes before = value_string(raw);
    if (bytes_equal(before, next))
        return OK;
    authority_set letters = letters_of(visit);
    const struct policy_edge *way = NULL;
    /* Whoever may begin the record begins it in the default state, as validate_authority has it. */
    if (visit->in->change->op == OP_CREATE && field->default_value.at != NULL &&
        bytes_equal(raw_next, field->default_value))
        letters = ~(authority_set)0;
    for (size_t i = 0; i < workflow->edge_count && way == NULL && next.len > 0; i++) {
        const struct policy_edge *edge = &workflow->edges[i];
        if (bytes_is(next, edge->to) && rules_leaves(edge, before) &&
            (edge->authority & letters) != 0)
            way = edge;
    }
    if (way == NULL)
        return refuse_move(visit, workflow, before, next);
    enum err err = rules_enter(visit, way);
    return err != OK ? err : check_hub_moves(visit, workflow, next);
}

/* --- what may not change any more ------------------------------------------------------------ */

static bool is_open(const struct visit *visit, const struct policy_frozen *frozen,
                    const struct policy_field *field)
{
    for (size_t i = 0; i < frozen->open_count; i++)
        if (&visit->collection->fields[frozen->open[i]] == field)
            return true;
    return false;
}

static const struct policy_frozen *frozen_in(const struct visit *visit,
                                             const struct policy_workflow *workflow)
{
    struct bytes raw;
    if (workflow->frozen_count == 0 ||
        !rules_stood(visit, &visit->collection->fields[workflow->field], &raw))
        return NULL;
    struct bytes state = value_string(raw);
    for (size_t i = 0; i < workflow->frozen_count; i++)
        if (bytes_is(state, workflow->frozen[i].state))
            return &workflow->frozen[i];
    return NULL;
}

static enum err check_frozen(const struct visit *visit, const struct policy_workflow *workflow)
{
    const struct change *change = visit->in->change;
    const struct policy_frozen *frozen = frozen_in(visit, workflow);
    struct bytes name, value, stands;
    if (frozen == NULL)
        return OK;
    if (change->op == OP_DELETE)
        return refuse(visit, ERR_FROZEN, visit->collection->fields[workflow->field].name,
                      frozen->state);
    struct field_iter iter = fields_of(change->fields);
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(visit->collection, name);
        if (field == NULL || is_open(visit, frozen, field))
            continue;
        if (rules_stood(visit, field, &stands) && !bytes_equal(stands, value_or_nothing(value)))
            return refuse(visit, ERR_FROZEN, field->name, frozen->state);
    }
    return OK;
}

/* The items that stand are the first ones of the new list. */
static bool continues(struct bytes before, struct bytes later)
{
    struct reader old = reader_of(before);
    struct reader new = reader_of(later);
    size_t count = before.len == 0 ? 0 : reader_array(&old);
    size_t now = later.len == 0 ? 0 : reader_array(&new);
    if (now < count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!bytes_equal(reader_raw(&old), reader_raw(&new)))
            return false;
    return old.err == OK && new.err == OK;
}

static enum err check_appended(const struct visit *visit)
{
    struct bytes name, value, stands;
    struct field_iter iter = fields_of(visit->in->change->fields);
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(visit->collection, name);
        if (field == NULL || !field->append_only || !rules_stood(visit, field, &stands))
            continue;
        if (!continues(stands, value_or_nothing(value)))
            return refuse(visit, ERR_APPEND, field->name, NULL);
    }
    return OK;
}

/* The value of a computed field; false: not known here. What does not fit the field is left as it
 * stands. */
bool rules_compute(const struct visit *visit, const struct policy_field *field, struct bytes stands,
                   struct writer *out, struct bytes *ret)
{
    struct expr_result result;
    if (!expr_value(field->compute, &visit->env, &result))
        return false;
    *ret = stands;
    if (result.kind == EXPR_RAW)
        return true;
    expr_write(&result, out);
    struct bytes value = result.kind == EXPR_NIL ? bytes_of(NULL, 0) : writer_bytes(out);
    if (out->err == OK && (value.len == 0 || value_check(visit->in->policy, field, visit->event,
                                                         value, NULL, NULL) == OK))
        *ret = value;
    return true;
}

static void work_out(struct visit *visit, struct works *works)
{
    const struct policy_collection *collection = visit->collection;
    bool changed = true;
    works->count = 0;
    for (size_t i = 0; i < collection->field_count; i++) {
        if (collection->fields[i].compute == NULL)
            continue;
        must(works->count < COUNT_OF(works->list));
        struct work *work = &works->list[works->count++];
        work->field = &collection->fields[i];
        work->known = rules_stood(visit, work->field, &work->raw);
        if (work->raw.len > sizeof work->space)
            work->raw = bytes_of(NULL, 0);
        if (work->raw.len > 0)
            work->raw = bytes_of(memcpy(work->space, work->raw.at, work->raw.len), work->raw.len);
    }
    visit->works = works;
    for (unsigned round = 0; round < FINISH_ROUNDS_MAX && changed; round++) {
        changed = false;
        for (size_t i = 0; i < works->count; i++) {
            struct work *work = &works->list[i];
            uint8_t space[sizeof work->space];
            struct writer out = writer_of(space, sizeof space);
            struct bytes value = bytes_of(NULL, 0);
            bool known = rules_compute(visit, work->field, work->raw, &out, &value);
            if (known == work->known && bytes_equal(value, work->raw))
                continue;
            changed = true;
            work->known = known;
            work->raw = value.len > 0 && value.at != work->space
                            ? bytes_of(memcpy(work->space, value.at, value.len), value.len)
                            : value;
        }
    }
}

/* --- codes and areas of the day -------------------------------------------------------------- */

static bool is_dated(const struct policy_field *field)
{
    return field->codes != NULL || field->type == FIELD_AREA ||
           (field->type == FIELD_LIST && field->element == FIELD_AREA);
}

/* A create gives its date itself and was checked; a later change is held against the date that the
 * record has, or gets. */
static enum err check_dated(const struct visit *visit)
{
    const struct policy_collection *c = visit->collection;
    struct bytes date, value;
    if (visit->in->change->op == OP_CREATE || c->date_field < 0 ||
        !after(visit, &c->fields[c->date_field], &date))
        return OK;
    bool moved = given(visit, &c->fields[c->date_field], &date);
    for (size_t i = 0; i < c->field_count; i++) {
        const struct policy_field *field = &c->fields[i];
        struct problem found = { .code = OK };
        if (!is_dated(field) || !(moved || given(visit, field, &value)) ||
            !after(visit, field, &value) || value.len == 0)
            continue;
        enum err err = value_check(visit->in->policy, field, visit->event, value, &found, NULL);
        if (err != OK)
            return refuse(visit, err, field->name, found.detail);
    }
    return OK;
}

enum err rules_frozen(const struct rules_input *in, struct problem *problem)
{
    struct visit visit;
    enum err err = OK;
    const struct policy_collection *collection =
        policy_collection(in->policy, in->change->collection);
    if (collection == NULL || in->change->op == OP_CREATE)
        return OK;
    rules_visit(&visit, in, collection, problem);
    for (size_t i = 0; i < collection->workflow_count && err == OK; i++)
        err = check_frozen(&visit, &collection->workflows[i]);
    return err;
}

enum err rules_check(const struct rules_input *in, struct problem *problem,
                     struct warnings *warnings)
{
    struct visit visit;
    struct works works;
    enum err err = OK;
    const struct policy_collection *collection =
        policy_collection(in->policy, in->change->collection);
    must(collection != NULL); /* validate_change comes first */
    rules_visit(&visit, in, collection, problem);
    for (size_t i = 0; i < collection->workflow_count && err == OK; i++)
        err = check_frozen(&visit, &collection->workflows[i]);
    if (err != OK)
        return err;
    if (in->change->op == OP_DELETE)
        return check_rules(&visit, warnings);
    work_out(&visit, &works);
    err = check_dated(&visit);
    if (err == OK)
        err = check_appended(&visit);
    for (size_t i = 0; i < collection->workflow_count && err == OK; i++)
        err = check_move(&visit, &collection->workflows[i]);
    return err != OK ? err : check_rules(&visit, warnings);
}
