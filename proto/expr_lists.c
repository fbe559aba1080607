/* Functions of expressions over what a list holds or refers to, and the date that makes one. */
#include <stdio.h>

#include "common/must.h"
#include "proto/expr_inside.h"
#include "proto/policy.h"
#include "proto/value_form.h"

/* A reader of the items of a list; false: it is none. */
static bool items_of(struct value value, struct reader *ret_reader, size_t *ret_count)
{
    *ret_reader = reader_of(value.kind == EXPR_RAW ? value.at : bytes_of(NULL, 0));
    if (value.kind != EXPR_RAW || reader_peek(ret_reader) != KIND_ARRAY)
        return false;
    *ret_count = reader_array(ret_reader);
    return true;
}

struct value eval_holds(struct eval *eval, const struct node *node)
{
    const struct node *list = child_first(eval, node);
    /* The list last: nothing is asked for while it is walked. */
    struct value wanted = eval_hold(eval, eval_node(eval, child_next(eval, list)));
    struct value value = eval_node(eval, list);
    if (value.kind == EXPR_UNKNOWN || wanted.kind == EXPR_UNKNOWN)
        return expr_unknown;
    struct reader reader;
    size_t items = 0;
    bool found = false;
    if (items_of(value, &reader, &items))
        while (items-- > 0 && !reader.err && !found)
            found = expr_same(expr_raw(reader_raw(&reader), false), wanted);
    return expr_bool(found);
}

/* The field of the record that a list of references stands in; NULL: it is none such. */
static const struct policy_field *references(const struct eval *eval, const struct node *list)
{
    struct bytes rest = node_text(eval->expr, list);
    if (list->kind != NODE_PATH)
        return NULL;
    const struct policy_field *field = policy_field(eval->env->collection, path_take(&rest));
    bool fits = field != NULL && rest.len == 0 && field->type == FIELD_LIST &&
                field->element == FIELD_REFERENCE;
    return fits ? field : NULL;
}

struct value eval_most(struct eval *eval, const struct node *node)
{
    const struct node *list = child_first(eval, node);
    struct bytes key = node_text(eval->expr, child_next(eval, list));
    const struct policy_field *refers = references(eval, list);
    struct value value = eval_node(eval, list);
    struct value most = expr_nil;
    struct reader reader;
    size_t items = 0;
    bool open = value.kind == EXPR_UNKNOWN;
    if (!items_of(value, &reader, &items))
        return open ? expr_unknown : expr_nil;
    while (items-- > 0 && !reader.err) {
        struct bytes raw = reader_raw(&reader);
        const struct policy_field *field = refers;
        if (refers == NULL)
            raw = expr_key(raw, key);
        else if (eval_follow(eval->env, &field, key, &raw) == TRUTH_UNKNOWN)
            open = true;
        else if (field == NULL || field == refers)
            continue;
        struct value item = open ? expr_nil : expr_raw(raw, true);
        if (item.kind == EXPR_INT && (most.kind == EXPR_NIL || item.i > most.i))
            most = item;
    }
    return open ? expr_unknown : most;
}

struct value eval_after(struct eval *eval, const struct node *node)
{
    const struct node *left = child_first(eval, node);
    struct value from = eval_hold(eval, eval_node(eval, left));
    struct value count = eval_node(eval, child_next(eval, left));
    if (from.kind == EXPR_UNKNOWN || count.kind == EXPR_UNKNOWN)
        return expr_unknown;
    int64_t days = 0;
    uint8_t *place = eval->held[eval->depth - 1];
    if (from.kind != EXPR_TEXT || count.kind != EXPR_INT || !date_days(from.at, &days) ||
        __builtin_add_overflow(days, count.i, &days) || !date_of_days(days, (char *)place))
        return expr_nil;
    struct value value = expr_text(bytes_of(place, strlen((const char *)place)));
    value.fleeting = true; /* the place is this node's, and soon another's */
    return value;
}
