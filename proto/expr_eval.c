/* Evaluation: one function a kind of node, each over the values of its children. */
#include "common/must.h"
#include "proto/expr_inside.h"
#include "proto/policy.h"
#include "proto/value_form.h"

struct value {
    enum expr_kind kind;
    bool b;
    int64_t i;
    struct bytes at;  /* TEXT: its characters; RAW: its msgpack */
    struct bytes raw; /* TEXT of a field: its msgpack */
    bool fleeting;    /* both live until the next follow */
};

struct eval {
    const struct expr *expr;
    const struct expr_env *env;
    unsigned depth; /* of the node that is evaluated, from 1 */
    /* What a node holds while it asks for its other child. */
    uint8_t held[EXPR_DEPTH_MAX][EXPR_TEXT_BYTES_MAX];
};

static const struct value nil = { .kind = EXPR_NIL };
static const struct value unknown = { .kind = EXPR_UNKNOWN };

static struct value of_bool(bool b)
{
    return (struct value){ .kind = EXPR_BOOL, .b = b };
}

static struct value of_int(int64_t i)
{
    return (struct value){ .kind = EXPR_INT, .i = i };
}

static struct value of_text(struct bytes text)
{
    return (struct value){ .kind = EXPR_TEXT, .at = text };
}

static struct value of_raw(struct bytes raw, bool fleeting)
{
    if (raw.len == 0)
        return nil;
    struct value value = { .kind = EXPR_RAW, .at = raw, .fleeting = fleeting };
    struct reader reader = reader_of(raw);
    switch (reader_peek(&reader)) {
    case KIND_END:
    case KIND_NIL:
        return nil;
    case KIND_BOOL:
        value = of_bool(reader_bool(&reader));
        break;
    case KIND_INT:
        value = of_int(reader_int(&reader));
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
    return reader.err ? nil : value;
}

static bool is_true(struct value value)
{
    return value.kind == EXPR_BOOL && value.b;
}

/* --- nodes --------------------------------------------------------------------------------- */

static struct value eval_node(struct eval *eval, const struct node *node);

static const struct node *node_at(const struct eval *eval, uint8_t index)
{
    return index == NODE_NONE ? NULL : &eval->expr->nodes[index];
}

static const struct node *first_of(const struct eval *eval, const struct node *node)
{
    return node_at(eval, node->child);
}

static const struct node *after(const struct eval *eval, const struct node *child)
{
    return node_at(eval, child->next);
}

/* A value to compare or to keep while another is asked for. One that came through a reference moves
 * to the node's own place; if it has no room there it equals nothing (RAW without bytes). */
static struct value hold(struct eval *eval, struct value value)
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
        return of_bool(node->value != 0);
    case NODE_INT:
        return of_int(node->value);
    case NODE_NIL:
        return nil;
    default: /* a text, or what is written like one */
        return of_text(node_text(eval->expr, node));
    }
}

static struct value eval_date(struct eval *eval, const struct node *node)
{
    const char *date = node->kind == NODE_EVENT ? eval->env->event : eval->env->claimed;
    return date == NULL || date[0] == '\0' ? nil : of_text(bytes_text(date));
}

/* --- paths --------------------------------------------------------------------------------- */

/* {NULL, 0}: the map has no such key, or it is no map. */
static struct bytes map_get(struct bytes raw, struct bytes key)
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

/* One step of a path, from the reference in *raw to the field `name` of that record. */
static enum truth follow(const struct expr_env *env, const struct policy_field **field,
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
        return nil;
    struct bytes raw = { .at = NULL };
    if (env->field == NULL || !env->field(env->context, field, node->old, &raw))
        return unknown;
    bool fleeting = false;
    while (rest.len > 0 && raw.len > 0) {
        struct bytes name = path_take(&rest);
        if (field->type == FIELD_MAP)
            return rest.len > 0 ? nil : of_raw(map_get(raw, name), fleeting);
        if (field->type != FIELD_REFERENCE)
            return nil;
        enum truth truth = follow(env, &field, name, &raw);
        if (truth != TRUTH_YES)
            return truth == TRUTH_UNKNOWN ? unknown : nil;
        fleeting = true;
    }
    return of_raw(raw, fleeting);
}

/* --- logic --------------------------------------------------------------------------------- */

/* `decisive` settles it: yes for `or`, no for `and`. */
static struct value eval_chain(struct eval *eval, const struct node *node)
{
    bool decisive = node->kind == NODE_OR;
    bool open = false;
    for (const struct node *child = first_of(eval, node); child; child = after(eval, child)) {
        struct value value = eval_node(eval, child);
        if (value.kind == EXPR_UNKNOWN)
            open = true;
        else if (is_true(value) == decisive)
            return of_bool(decisive);
    }
    return open ? unknown : of_bool(!decisive);
}

static struct value eval_not(struct eval *eval, const struct node *node)
{
    struct value value = eval_node(eval, first_of(eval, node));
    return value.kind == EXPR_UNKNOWN ? unknown : of_bool(!is_true(value));
}

static bool same(struct value a, struct value b)
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
    bool lost = value.fleeting && value.at.len > EXPR_TEXT_BYTES_MAX;
    return lost ? (struct value){ .kind = EXPR_RAW } : value;
}

static struct value eval_equal(struct eval *eval, const struct node *node)
{
    const struct node *left = first_of(eval, node);
    struct value a = hold(eval, eval_node(eval, left));
    struct value b = second(eval_node(eval, after(eval, left)));
    if (a.kind == EXPR_UNKNOWN || b.kind == EXPR_UNKNOWN)
        return unknown;
    return of_bool(same(a, b) == (node->kind == NODE_EQUAL));
}

static struct value eval_order(struct eval *eval, const struct node *node)
{
    const struct node *left = first_of(eval, node);
    struct value a = hold(eval, eval_node(eval, left));
    struct value b = second(eval_node(eval, after(eval, left)));
    if (a.kind == EXPR_UNKNOWN || b.kind == EXPR_UNKNOWN)
        return unknown;
    int order = 0;
    if (a.kind == EXPR_INT && b.kind == EXPR_INT)
        order = (a.i > b.i) - (a.i < b.i);
    else if (a.kind == EXPR_TEXT && b.kind == EXPR_TEXT)
        order = codec_compare(a.at, b.at);
    else
        return of_bool(false);
    switch ((int)node->kind) {
    case NODE_LESS:
        return of_bool(order < 0);
    case NODE_LESS_EQUAL:
        return of_bool(order <= 0);
    case NODE_MORE:
        return of_bool(order > 0);
    default:
        return of_bool(order >= 0);
    }
}

static struct value eval_in_list(struct eval *eval, struct value value, struct bytes name)
{
    const struct expr_env *env = eval->env;
    const struct policy_code_list *lists = env->policy->code_lists;
    for (size_t i = 0; i < env->policy->code_list_count; i++) {
        if (!bytes_is(name, lists[i].name))
            continue;
        return of_bool(value.kind == EXPR_TEXT && env->event != NULL && env->event[0] != '\0' &&
                       policy_code(policy_codes_at(&lists[i], env->event), value.at) != NULL);
    }
    return of_bool(false);
}

static struct value eval_in(struct eval *eval, const struct node *node)
{
    const struct node *left = first_of(eval, node);
    const struct node *item = after(eval, left);
    struct value value = hold(eval, eval_node(eval, left));
    if (value.kind == EXPR_UNKNOWN)
        return unknown;
    if (item->kind == NODE_LIST_NAME)
        return eval_in_list(eval, value, node_text(eval->expr, item));
    bool open = false;
    for (; item; item = after(eval, item)) {
        struct value other = second(eval_node(eval, item));
        if (other.kind == EXPR_UNKNOWN)
            open = true;
        else if (same(value, other))
            return of_bool(true);
    }
    return open ? unknown : of_bool(false);
}

/* --- numbers ------------------------------------------------------------------------------- */

/* Sums, products and the minus before one value. Unknown first, then nil. */
static struct value eval_arithmetic(struct eval *eval, const struct node *node)
{
    int64_t total = node->kind == NODE_TIMES;
    bool fits = true;
    bool open = false;
    for (const struct node *child = first_of(eval, node); child; child = after(eval, child)) {
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
    return open ? unknown : fits ? of_int(total) : nil;
}

static struct value eval_days(struct eval *eval, const struct node *node)
{
    const struct node *left = first_of(eval, node);
    struct value from = hold(eval, eval_node(eval, left));
    struct value to = eval_node(eval, after(eval, left));
    if (from.kind == EXPR_UNKNOWN || to.kind == EXPR_UNKNOWN)
        return unknown;
    int64_t from_days = 0;
    int64_t to_days = 0;
    if (from.kind != EXPR_TEXT || to.kind != EXPR_TEXT || !date_days(from.at, &from_days) ||
        !date_days(to.at, &to_days))
        return nil;
    if (node->kind == NODE_DAYS)
        return of_int(to_days - from_days);
    /* "2026-11-22": years, less one before the day comes round. */
    int64_t years = 0;
    for (size_t i = 0, unit = 1000; i < 4; i++, unit /= 10)
        years += ((int64_t)to.at.at[i] - from.at.at[i]) * (int64_t)unit;
    return of_int(years - (memcmp(to.at.at + 4, from.at.at + 4, 6) < 0));
}

static struct value eval_table(struct eval *eval, const struct node *node)
{
    const struct expr_env *env = eval->env;
    const struct node *name = first_of(eval, node);
    struct value key = eval_node(eval, after(eval, name));
    if (key.kind == EXPR_UNKNOWN)
        return unknown;
    int64_t found = 0;
    if (key.kind != EXPR_TEXT || env->event == NULL || env->event[0] == '\0' ||
        !policy_table_at(env->policy, node_text(eval->expr, name), key.at, env->event, &found))
        return nil;
    return of_int(found);
}

/* --- lists and maps ------------------------------------------------------------------------ */

/* A reader of the items of a list; false: it is none. */
static bool list_items(struct value value, struct reader *ret_reader, size_t *ret_count)
{
    if (value.kind != EXPR_RAW || value.at.len == 0)
        return false;
    *ret_reader = reader_of(value.at);
    if (reader_peek(ret_reader) != KIND_ARRAY)
        return false;
    *ret_count = reader_array(ret_reader);
    return true;
}

static struct value eval_count(struct eval *eval, const struct node *node)
{
    const struct node *list = first_of(eval, node);
    const struct node *key = after(eval, list);
    /* The list last: nothing is asked for while it is walked. */
    struct value wanted = key ? hold(eval, eval_node(eval, after(eval, key))) : nil;
    struct value value = eval_node(eval, list);
    if (value.kind == EXPR_UNKNOWN || wanted.kind == EXPR_UNKNOWN)
        return unknown;
    if (value.kind == EXPR_NIL)
        return of_int(0);
    struct reader reader = { .at = NULL };
    size_t items = 0;
    if (!list_items(value, &reader, &items)) {
        bool map = value.kind == EXPR_RAW && reader_peek(&reader) == KIND_MAP;
        return map && key == NULL ? of_int((int64_t)reader_map(&reader)) : nil;
    }
    if (key == NULL)
        return of_int((int64_t)items);
    int64_t count = 0;
    while (items-- > 0 && !reader.err) {
        struct bytes item = map_get(reader_raw(&reader), node_text(eval->expr, key));
        count += same(of_raw(item, false), wanted);
    }
    return of_int(count);
}

/* sum and all: nothing of a list that is not there. */
static struct value eval_over(struct eval *eval, const struct node *node)
{
    const struct node *list = first_of(eval, node);
    const struct node *key = after(eval, list);
    struct value value = eval_node(eval, list);
    if (value.kind == EXPR_UNKNOWN)
        return unknown;
    struct reader reader = { .at = NULL };
    size_t items = 0;
    if (value.kind != EXPR_NIL && !list_items(value, &reader, &items))
        return nil;
    int64_t sum = 0;
    bool fits = true;
    bool all = true;
    while (items-- > 0 && !reader.err) {
        struct value item = of_raw(map_get(reader_raw(&reader), node_text(eval->expr, key)), false);
        all = all && item.kind != EXPR_NIL;
        if (item.kind == EXPR_INT)
            fits = !__builtin_add_overflow(sum, item.i, &sum) && fits;
        else if (item.kind != EXPR_NIL)
            fits = false;
    }
    if (node->kind == NODE_ALL)
        return of_bool(all);
    return fits ? of_int(sum) : nil;
}

static struct value eval_has(struct eval *eval, const struct node *node)
{
    struct value value = eval_node(eval, first_of(eval, node));
    return value.kind == EXPR_UNKNOWN ? unknown : of_bool(value.kind != EXPR_NIL);
}

static struct value eval_first(struct eval *eval, const struct node *node)
{
    for (const struct node *child = first_of(eval, node); child; child = after(eval, child)) {
        struct value value = eval_node(eval, child);
        if (value.kind != EXPR_NIL)
            return value;
    }
    return nil;
}

/* --- texts --------------------------------------------------------------------------------- */

/* Bytes of a separator at `i` that may stand between the digits of one number; 0: none. */
static size_t separator(struct bytes text, size_t i)
{
    static const char *const separators[] = { " ",      "\t",     "\n",     ".",
                                              "-",      "\u00a0", "\u2010", "\u2011",
                                              "\u2012", "\u2013", "\u2014", "\u2015" };
    for (size_t k = 0; k < COUNT_OF(separators); k++) {
        size_t len = strlen(separators[k]);
        if (text.len - i >= len && memcmp(text.at + i, separators[k], len) == 0)
            return len;
    }
    return 0;
}

static int64_t longest_run(struct bytes text)
{
    int64_t most = 0;
    int64_t run = 0;
    for (size_t i = 0; i < text.len;) {
        size_t skip = separator(text, i);
        bool digit = text.at[i] >= '0' && text.at[i] <= '9';
        run = digit ? run + 1 : skip > 0 ? run : 0;
        most = run > most ? run : most;
        i += skip > 0 ? skip : 1;
    }
    return most;
}

/* Over one text, or every text inside a list or map, its keys too. */
static struct value eval_digits(struct eval *eval, const struct node *node)
{
    const struct node *where = first_of(eval, node);
    struct value least = eval_node(eval, after(eval, where));
    struct value value = eval_node(eval, where);
    if (value.kind == EXPR_UNKNOWN || least.kind == EXPR_UNKNOWN)
        return unknown;
    if (least.kind != EXPR_INT)
        return nil;
    int64_t most = value.kind == EXPR_TEXT ? longest_run(value.at) : 0;
    struct reader reader = reader_of(value.kind == EXPR_RAW ? value.at : bytes_of(NULL, 0));
    while (!reader.err && reader_peek(&reader) != KIND_END) {
        enum codec_kind kind = reader_peek(&reader);
        int64_t run = 0;
        if (kind == KIND_ARRAY)
            (void)reader_array(&reader);
        else if (kind == KIND_MAP)
            (void)reader_map(&reader);
        else if (kind == KIND_STR)
            run = longest_run(reader_str(&reader));
        else
            (void)reader_raw(&reader);
        most = run > most ? run : most;
    }
    return of_bool(most >= least.i);
}

static struct value eval_length(struct eval *eval, const struct node *node)
{
    struct value value = eval_node(eval, first_of(eval, node));
    if (value.kind == EXPR_UNKNOWN)
        return unknown;
    if (value.kind != EXPR_TEXT)
        return value.kind == EXPR_NIL ? of_int(0) : nil;
    int64_t characters = 0;
    for (size_t i = 0; i < value.at.len; i++)
        characters += (value.at.at[i] & 0xc0) != 0x80;
    return of_int(characters);
}

static struct value eval_signature(struct eval *eval, const struct node *node)
{
    static const char *const names[] = { [SIGNATURE_NONE] = "none",
                                         [SIGNATURE_OK] = "ok",
                                         [SIGNATURE_ENDED] = "ended",
                                         [SIGNATURE_AREA] = "area" };
    const struct expr_env *env = eval->env;
    const struct policy_field *field =
        policy_field(env->collection, node_text(eval->expr, first_of(eval, node)));
    if (field == NULL)
        return of_text(bytes_text(names[SIGNATURE_NONE]));
    if (env->signature == NULL)
        return unknown;
    enum signature_state state = env->signature(env->context, field);
    must((size_t)state < COUNT_OF(names));
    return of_text(bytes_text(names[state]));
}

/* --- the module ---------------------------------------------------------------------------- */

static struct value eval_node(struct eval *eval, const struct node *node)
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
    };
    _Static_assert(COUNT_OF(by_kind) == NODE_KIND_COUNT, "one for each kind");
    must(node != NULL && eval->depth < EXPR_DEPTH_MAX);
    eval->depth++;
    struct value value = by_kind[node->kind](eval, node);
    eval->depth--;
    return value;
}

static struct value evaluate(const struct expr *expr, const struct expr_env *env)
{
    struct eval eval;
    eval.expr = expr;
    eval.env = env;
    eval.depth = 0;
    return eval_node(&eval, &expr->nodes[expr->root]);
}

enum truth expr_truth(const struct expr *expr, const struct expr_env *env)
{
    struct value value = evaluate(expr, env);
    if (value.kind == EXPR_UNKNOWN)
        return TRUTH_UNKNOWN;
    return is_true(value) ? TRUTH_YES : TRUTH_NO;
}

bool expr_value(const struct expr *expr, const struct expr_env *env, struct expr_result *ret_result)
{
    struct value value = evaluate(expr, env);
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
