/* Evaluation: one function a kind of node, each over the values of its children. */
#include "common/must.h"
#include "proto/expr_inside.h"
#include "proto/policy.h"

const struct value expr_nil = { .kind = EXPR_NIL };
const struct value expr_unknown = { .kind = EXPR_UNKNOWN };

struct value expr_bool(bool b)
{
    return (struct value){ .kind = EXPR_BOOL, .b = b };
}

struct value expr_int(int64_t i)
{
    return (struct value){ .kind = EXPR_INT, .i = i };
}

struct value expr_text(struct bytes text)
{
    return (struct value){ .kind = EXPR_TEXT, .at = text };
}

struct value expr_raw(struct bytes raw, bool fleeting)
{
    if (raw.len == 0)
        return expr_nil;
    struct value value = { .kind = EXPR_RAW, .at = raw, .fleeting = fleeting };
    struct reader reader = reader_of(raw);
    switch (reader_peek(&reader)) {
    case KIND_END:
    case KIND_NIL:
        return expr_nil;
    case KIND_BOOL:
        value = expr_bool(reader_bool(&reader));
        break;
    case KIND_INT:
        value = expr_int(reader_int(&reader));
        break;
    case KIND_STR:
        value.kind = EXPR_TEXT;
        value.raw = raw;
        value.at = reader_str(&reader);
        break;
    case KIND_BIN:
    case KIND_ARRAY:
    case KIND_MAP:
        break;
    }
    return reader.err ? expr_nil : value;
}

static bool is_true(struct value value)
{
    return value.kind == EXPR_BOOL && value.b;
}

/* --- nodes --------------------------------------------------------------------------------- */

struct value eval_hold(struct eval *eval, struct value value)
{
    if (!value.fleeting)
        return value;
    value.fleeting = false;
    if (value.at.len > EXPR_TEXT_BYTES_MAX)
        return (struct value){ .kind = EXPR_RAW };
    uint8_t *place = eval->held[eval->depth - 1];
    if (value.at.len > 0)
        memcpy(place, value.at.at, value.at.len);
    value.at = bytes_of(place, value.at.len);
    return value;
}

static struct value eval_literal(struct eval *eval, const struct node *node)
{
    switch ((int)node->kind) {
    case NODE_BOOL:
        return expr_bool(node->value != 0);
    case NODE_INT:
        return expr_int(node->value);
    case NODE_NIL:
        return expr_nil;
    default: /* a text, or what is written like one */
        return expr_text(node_text(eval->expr, node));
    }
}

static struct value eval_date(struct eval *eval, const struct node *node)
{
    const char *date = node->kind == NODE_EVENT ? eval->env->event : eval->env->claimed;
    return date == NULL || date[0] == '\0' ? expr_nil : expr_text(bytes_text(date));
}

/* --- paths --------------------------------------------------------------------------------- */

struct bytes expr_key(struct bytes raw, struct bytes key)
{
    struct reader reader = reader_of(raw);
    size_t pairs = raw.len > 0 && reader_peek(&reader) == KIND_MAP ? reader_map(&reader) : 0;
    while (pairs-- > 0 && !reader.err) {
        bool found = bytes_equal(reader_str(&reader), key);
        struct bytes value = reader_raw(&reader);
        if (found && !reader.err)
            return value;
    }
    return bytes_of(NULL, 0);
}

/* Whether a record that the field may refer to can have a field of that name. */
static bool may_have(const struct policy *policy, const struct policy_field *reference,
                     struct bytes name)
{
    for (size_t i = 0; i < reference->target_count; i++) {
        const struct policy_collection *target =
            policy_collection(policy, bytes_text(reference->targets[i]));
        if (target != NULL && policy_field(target, name) != NULL)
            return true;
    }
    return false;
}

enum truth eval_follow(const struct expr_env *env, const struct policy_field **field,
                       struct bytes name, struct bytes *raw)
{
    struct id id;
    struct reader reader = reader_of(*raw);
    reader_fixed(&reader, &id, sizeof id);
    if (reader.err || !may_have(env->policy, *field, name))
        return TRUTH_NO;
    const struct policy_collection *collection = NULL;
    struct bytes found = { .at = NULL };
    if (env->follow == NULL || !env->follow(env->context, *field, &id, name, &collection, &found))
        return TRUTH_UNKNOWN;
    *field = collection == NULL ? NULL : policy_field(collection, name);
    *raw = found;
    return *field == NULL || found.len == 0 ? TRUTH_NO : TRUTH_YES;
}

static struct value eval_path(struct eval *eval, const struct node *node)
{
    const struct expr_env *env = eval->env;
    struct bytes rest = node_text(eval->expr, node);
    const struct policy_field *field = policy_field(env->collection, path_take(&rest));
    if (field == NULL)
        return expr_nil;
    struct bytes raw = { .at = NULL };
    if (env->field == NULL || !env->field(env->context, field, node->old, &raw))
        return expr_unknown;
    bool fleeting = false;
    while (rest.len > 0 && raw.len > 0) {
        struct bytes name = path_take(&rest);
        if (field->type == FIELD_MAP)
            return rest.len > 0 ? expr_nil : expr_raw(expr_key(raw, name), fleeting);
        if (field->type != FIELD_REFERENCE)
            return expr_nil;
        enum truth truth = eval_follow(env, &field, name, &raw);
        if (truth != TRUTH_YES)
            return truth == TRUTH_UNKNOWN ? expr_unknown : expr_nil;
        fleeting = true;
    }
    return expr_raw(raw, fleeting);
}

/* --- logic --------------------------------------------------------------------------------- */

/* `decisive` settles it: yes for `or`, no for `and`. */
static struct value eval_chain(struct eval *eval, const struct node *node)
{
    bool decisive = node->kind == NODE_OR;
    bool open = false;
    for (const struct node *child = child_first(eval, node); child;
         child = child_next(eval, child)) {
        struct value value = eval_node(eval, child);
        if (value.kind == EXPR_UNKNOWN)
            open = true;
        else if (is_true(value) == decisive)
            return expr_bool(decisive);
    }
    return open ? expr_unknown : expr_bool(!decisive);
}

static struct value eval_not(struct eval *eval, const struct node *node)
{
    struct value value = eval_node(eval, child_first(eval, node));
    return value.kind == EXPR_UNKNOWN ? expr_unknown : expr_bool(!is_true(value));
}

bool expr_same(struct value a, struct value b)
{
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case EXPR_NIL:
        return true;
    case EXPR_BOOL:
        return a.b == b.b;
    case EXPR_INT:
        return a.i == b.i;
    case EXPR_TEXT:
        return bytes_equal(a.at, b.at);
    case EXPR_RAW:
        return a.at.len > 0 && bytes_equal(a.at, b.at);
    case EXPR_UNKNOWN:
        break;
    }
    return false;
}

/* The second value of two needs no place of its own, only the limit of one. */
static struct value second(struct value value)
{
    if (value.fleeting && value.at.len > EXPR_TEXT_BYTES_MAX)
        value = (struct value){ .kind = EXPR_RAW };
    return value;
}

static struct value eval_equal(struct eval *eval, const struct node *node)
{
    const struct node *left = child_first(eval, node);
    struct value a = eval_hold(eval, eval_node(eval, left));
    struct value b = second(eval_node(eval, child_next(eval, left)));
    if (a.kind == EXPR_UNKNOWN || b.kind == EXPR_UNKNOWN)
        return expr_unknown;
    return expr_bool(expr_same(a, b) == (node->kind == NODE_EQUAL));
}

static struct value eval_order(struct eval *eval, const struct node *node)
{
    const struct node *left = child_first(eval, node);
    struct value a = eval_hold(eval, eval_node(eval, left));
    struct value b = second(eval_node(eval, child_next(eval, left)));
    if (a.kind == EXPR_UNKNOWN || b.kind == EXPR_UNKNOWN)
        return expr_unknown;
    int order = 0;
    if (a.kind == EXPR_INT && b.kind == EXPR_INT)
        order = (a.i > b.i) - (a.i < b.i);
    else if (a.kind == EXPR_TEXT && b.kind == EXPR_TEXT)
        order = codec_compare(a.at, b.at);
    else
        return expr_bool(false);
    switch ((int)node->kind) {
    case NODE_LESS:
        return expr_bool(order < 0);
    case NODE_LESS_EQUAL:
        return expr_bool(order <= 0);
    case NODE_MORE:
        return expr_bool(order > 0);
    default:
        return expr_bool(order >= 0);
    }
}

static struct value eval_in_list(struct eval *eval, struct value value, struct bytes name)
{
    const struct expr_env *env = eval->env;
    const struct policy_code_list *lists = env->policy->code_lists;
    for (size_t i = 0; i < env->policy->code_list_count; i++) {
        if (!bytes_is(name, lists[i].name))
            continue;
        return expr_bool(value.kind == EXPR_TEXT && env->event != NULL && env->event[0] != '\0' &&
                         policy_code(policy_codes_at(&lists[i], env->event), value.at) != NULL);
    }
    return expr_bool(false);
}

static struct value eval_in(struct eval *eval, const struct node *node)
{
    const struct node *left = child_first(eval, node);
    const struct node *item = child_next(eval, left);
    struct value value = eval_hold(eval, eval_node(eval, left));
    if (value.kind == EXPR_UNKNOWN)
        return expr_unknown;
    if (item->kind == NODE_LIST_NAME)
        return eval_in_list(eval, value, node_text(eval->expr, item));
    bool open = false;
    for (; item; item = child_next(eval, item)) {
        struct value other = second(eval_node(eval, item));
        if (other.kind == EXPR_UNKNOWN)
            open = true;
        else if (expr_same(value, other))
            return expr_bool(true);
    }
    return open ? expr_unknown : expr_bool(false);
}

/* --- numbers ------------------------------------------------------------------------------- */

/* Sums, products and the minus before one value. Unknown first, then nil. */
static struct value eval_arithmetic(struct eval *eval, const struct node *node)
{
    int64_t total = node->kind == NODE_TIMES;
    bool fits = true;
    bool open = false;
    for (const struct node *child = child_first(eval, node); child;
         child = child_next(eval, child)) {
        struct value value = eval_node(eval, child);
        if (value.kind == EXPR_UNKNOWN)
            open = true;
        else if (value.kind != EXPR_INT)
            fits = false;
        else if (node->kind == NODE_TIMES)
            fits = !__builtin_mul_overflow(total, value.i, &total) && fits;
        else if (child->subtracted || node->kind == NODE_MINUS)
            fits = !__builtin_sub_overflow(total, value.i, &total) && fits;
        else
            fits = !__builtin_add_overflow(total, value.i, &total) && fits;
    }
    return open ? expr_unknown : fits ? expr_int(total) : expr_nil;
}

/* --- the module ---------------------------------------------------------------------------- */

struct value eval_node(struct eval *eval, const struct node *node)
{
    static struct value (*const by_kind[])(struct eval *, const struct node *) = {
        [NODE_NIL] = eval_literal,
        [NODE_BOOL] = eval_literal,
        [NODE_INT] = eval_literal,
        [NODE_TEXT] = eval_literal,
        [NODE_PATH] = eval_path,
        [NODE_EVENT] = eval_date,
        [NODE_CLAIMED] = eval_date,
        [NODE_LIST_NAME] = eval_literal,
        [NODE_TABLE_NAME] = eval_literal,
        [NODE_SIGNED] = eval_literal,
        [NODE_OR] = eval_chain,
        [NODE_AND] = eval_chain,
        [NODE_NOT] = eval_not,
        [NODE_EQUAL] = eval_equal,
        [NODE_UNEQUAL] = eval_equal,
        [NODE_LESS] = eval_order,
        [NODE_LESS_EQUAL] = eval_order,
        [NODE_MORE] = eval_order,
        [NODE_MORE_EQUAL] = eval_order,
        [NODE_IN] = eval_in,
        [NODE_PLUS] = eval_arithmetic,
        [NODE_TIMES] = eval_arithmetic,
        [NODE_MINUS] = eval_arithmetic,
        [NODE_COUNT] = eval_count,
        [NODE_SUM_OF] = eval_over,
        [NODE_ALL] = eval_over,
        [NODE_HAS] = eval_has,
        [NODE_FIRST] = eval_first,
        [NODE_TABLE] = eval_table,
        [NODE_DIGITS] = eval_digits,
        [NODE_DAYS] = eval_days,
        [NODE_YEARS] = eval_days,
        [NODE_LENGTH] = eval_length,
        [NODE_SIGNATURE] = eval_signature,
        [NODE_HOLDS] = eval_holds,
        [NODE_MOST] = eval_most,
        [NODE_AFTER] = eval_after,
    };
    _Static_assert(COUNT_OF(by_kind) == NODE_KIND_COUNT, "one for each kind");
    must(node != NULL && eval->depth < EXPR_DEPTH_MAX);
    eval->depth++;
    struct value value = by_kind[node->kind](eval, node);
    eval->depth--;
    return value;
}

/* A text may stand in *eval. */
static struct value evaluate(struct eval *eval, const struct expr *expr, const struct expr_env *env)
{
    eval->expr = expr;
    eval->env = env;
    eval->depth = 0;
    return eval_node(eval, &expr->nodes[expr->root]);
}

enum truth expr_truth(const struct expr *expr, const struct expr_env *env)
{
    struct eval eval;
    struct value value = evaluate(&eval, expr, env);
    if (value.kind == EXPR_UNKNOWN)
        return TRUTH_UNKNOWN;
    return is_true(value) ? TRUTH_YES : TRUTH_NO;
}

bool expr_value(const struct expr *expr, const struct expr_env *env, struct expr_result *ret_result)
{
    struct eval eval;
    struct value value = evaluate(&eval, expr, env);
    ret_result->kind = value.kind;
    ret_result->b = value.b;
    ret_result->i = value.i;
    ret_result->text[0] = '\0';
    ret_result->raw = bytes_of(NULL, 0);
    if (value.kind == EXPR_RAW) {
        ret_result->raw = value.at;
    } else if (value.kind == EXPR_TEXT && value.at.len > EXPR_TEXT_BYTES_MAX) {
        ret_result->kind = EXPR_RAW;
        ret_result->raw = value.raw;
    } else if (value.kind == EXPR_TEXT) {
        if (value.at.len > 0)
            memcpy(ret_result->text, value.at.at, value.at.len);
        ret_result->text[value.at.len] = '\0';
    }
    return value.kind != EXPR_UNKNOWN;
}

void expr_write(const struct expr_result *result, struct writer *writer)
{
    switch (result->kind) {
    case EXPR_NIL:
        writer_nil(writer);
        return;
    case EXPR_BOOL:
        writer_bool(writer, result->b);
        return;
    case EXPR_INT:
        writer_int(writer, result->i);
        return;
    case EXPR_TEXT:
        writer_text(writer, result->text);
        return;
    case EXPR_RAW:
        writer_raw(writer, result->raw);
        return;
    case EXPR_UNKNOWN:
        break;
    }
    must(false);
}
