/* The functions of expressions, each over the values of its children. */
#include "common/must.h"
#include "proto/expr_inside.h"
#include "proto/policy.h"
#include "proto/value_form.h"

/* --- dates and tables ---------------------------------------------------------------------- */

struct value eval_days(struct eval *eval, const struct node *node)
{
    const struct node *left = child_first(eval, node);
    struct value from = eval_hold(eval, eval_node(eval, left));
    struct value to = eval_node(eval, child_next(eval, left));
    if (from.kind == EXPR_UNKNOWN || to.kind == EXPR_UNKNOWN)
        return expr_unknown;
    int64_t from_days = 0;
    int64_t to_days = 0;
    if (from.kind != EXPR_TEXT || to.kind != EXPR_TEXT || !date_days(from.at, &from_days) ||
        !date_days(to.at, &to_days))
        return expr_nil;
    if (node->kind == NODE_DAYS)
        return expr_int(to_days - from_days);
    /* "2026-11-22": years, less one before the day comes round. */
    int64_t years = 0;
    for (size_t i = 0, unit = 1000; i < 4; i++, unit /= 10)
        years += ((int64_t)to.at.at[i] - from.at.at[i]) * (int64_t)unit;
    return expr_int(years - (memcmp(to.at.at + 4, from.at.at + 4, 6) < 0));
}

struct value eval_table(struct eval *eval, const struct node *node)
{
    const struct expr_env *env = eval->env;
    const struct node *name = child_first(eval, node);
    struct value key = eval_node(eval, child_next(eval, name));
    if (key.kind == EXPR_UNKNOWN)
        return expr_unknown;
    int64_t found = 0;
    if (key.kind != EXPR_TEXT || env->event == NULL || env->event[0] == '\0' ||
        !policy_table_at(env->policy, node_text(eval->expr, name), key.at, env->event, &found))
        return expr_nil;
    return expr_int(found);
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

struct value eval_count(struct eval *eval, const struct node *node)
{
    const struct node *list = child_first(eval, node);
    const struct node *key = child_next(eval, list);
    /* The list last: nothing is asked for while it is walked. */
    struct value wanted = key ? eval_hold(eval, eval_node(eval, child_next(eval, key))) : expr_nil;
    struct value value = eval_node(eval, list);
    if (value.kind == EXPR_UNKNOWN || wanted.kind == EXPR_UNKNOWN)
        return expr_unknown;
    if (value.kind == EXPR_NIL)
        return expr_int(0);
    struct reader reader = { .at = NULL };
    size_t items = 0;
    if (!list_items(value, &reader, &items)) {
        bool map = value.kind == EXPR_RAW && reader_peek(&reader) == KIND_MAP;
        return map && key == NULL ? expr_int((int64_t)reader_map(&reader)) : expr_nil;
    }
    if (key == NULL)
        return expr_int((int64_t)items);
    int64_t count = 0;
    while (items-- > 0 && !reader.err) {
        struct bytes item = expr_key(reader_raw(&reader), node_text(eval->expr, key));
        count += expr_same(expr_raw(item, false), wanted);
    }
    return expr_int(count);
}

/* sum and all: nothing of a list that is not there. */
struct value eval_over(struct eval *eval, const struct node *node)
{
    const struct node *list = child_first(eval, node);
    const struct node *key = child_next(eval, list);
    struct value value = eval_node(eval, list);
    if (value.kind == EXPR_UNKNOWN)
        return expr_unknown;
    struct reader reader = { .at = NULL };
    size_t items = 0;
    if (value.kind != EXPR_NIL && !list_items(value, &reader, &items))
        return expr_nil;
    int64_t sum = 0;
    bool fits = true;
    bool all = true;
    while (items-- > 0 && !reader.err) {
        struct value item =
            expr_raw(expr_key(reader_raw(&reader), node_text(eval->expr, key)), false);
        all = all && item.kind != EXPR_NIL;
        if (item.kind == EXPR_INT)
            fits = !__builtin_add_overflow(sum, item.i, &sum) && fits;
        else if (item.kind != EXPR_NIL)
            fits = false;
    }
    if (node->kind == NODE_ALL)
        return expr_bool(all);
    return fits ? expr_int(sum) : expr_nil;
}

struct value eval_has(struct eval *eval, const struct node *node)
{
    struct value value = eval_node(eval, child_first(eval, node));
    return value.kind == EXPR_UNKNOWN ? expr_unknown : expr_bool(value.kind != EXPR_NIL);
}

struct value eval_first(struct eval *eval, const struct node *node)
{
    for (const struct node *child = child_first(eval, node); child;
         child = child_next(eval, child)) {
        struct value value = eval_node(eval, child);
        if (value.kind != EXPR_NIL)
            return value;
    }
    return expr_nil;
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

/* Digits in groups of three and more count as one number: "3604 2941-0190.0001" is one, "22-11-2026
 * 09.00-12.00" is none of sixteen. */
#define GROUP_DIGITS_MIN 3

static int64_t longest_run(struct bytes text)
{
    int64_t most = 0;
    int64_t run = 0; /* of whole groups before the one at hand */
    for (size_t i = 0; i < text.len;) {
        size_t group = 0;
        while (i + group < text.len && text.at[i + group] >= '0' && text.at[i + group] <= '9')
            group++;
        size_t skip = group > 0 ? 0 : separator(text, i);
        if (group >= GROUP_DIGITS_MIN)
            run += (int64_t)group;
        else if (group > 0 || skip == 0)
            run = 0;
        most = run > most ? run : most;
        most = (int64_t)group > most ? (int64_t)group : most;
        i += group > 0 ? group : skip > 0 ? skip : 1;
    }
    return most;
}

/* Over one text, or every text inside a list or map, its keys too. */
struct value eval_digits(struct eval *eval, const struct node *node)
{
    const struct node *where = child_first(eval, node);
    struct value least = eval_node(eval, child_next(eval, where));
    struct value value = eval_node(eval, where);
    if (value.kind == EXPR_UNKNOWN || least.kind == EXPR_UNKNOWN)
        return expr_unknown;
    if (least.kind != EXPR_INT)
        return expr_nil;
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
    return expr_bool(most >= least.i);
}

struct value eval_length(struct eval *eval, const struct node *node)
{
    struct value value = eval_node(eval, child_first(eval, node));
    if (value.kind == EXPR_UNKNOWN)
        return expr_unknown;
    if (value.kind != EXPR_TEXT)
        return value.kind == EXPR_NIL ? expr_int(0) : expr_nil;
    int64_t characters = 0;
    for (size_t i = 0; i < value.at.len; i++)
        characters += (value.at.at[i] & 0xc0) != 0x80;
    return expr_int(characters);
}

struct value eval_signature(struct eval *eval, const struct node *node)
{
    static const char *const names[] = { [SIGNATURE_NONE] = "none",
                                         [SIGNATURE_OK] = "ok",
                                         [SIGNATURE_ENDED] = "ended",
                                         [SIGNATURE_AREA] = "area" };
    const struct expr_env *env = eval->env;
    const struct policy_field *field =
        policy_field(env->collection, node_text(eval->expr, child_first(eval, node)));
    if (field == NULL)
        return expr_text(bytes_text(names[SIGNATURE_NONE]));
    if (env->signature == NULL)
        return expr_unknown;
    enum signature_state state = env->signature(env->context, field);
    must((size_t)state < COUNT_OF(names));
    return expr_text(bytes_text(names[state]));
}
