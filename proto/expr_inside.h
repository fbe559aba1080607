/* What expr.c and expr_eval.c share: not for others. */
#pragma once

#include "proto/expr.h"

/* What a function wants of its values, beyond how many there are. */
enum wants {
    WANTS_ANY,
    WANTS_KEY,   /* the second, if there is one: "quoted" */
    WANTS_TABLE, /* the first: "quoted" */
    WANTS_FIELD, /* the first: the name of a field */
};

/* X(NAME, "name", fewest values, most, what it wants) */
#define EXPR_FUNCTIONS(X)                                                                          \
    X(NODE_COUNT, "count", 1, 3, WANTS_KEY)                                                        \
    X(NODE_SUM_OF, "sum", 2, 2, WANTS_KEY)                                                         \
    X(NODE_ALL, "all", 2, 2, WANTS_KEY)                                                            \
    X(NODE_HAS, "has", 1, 1, WANTS_ANY)                                                            \
    X(NODE_FIRST, "first", 1, EXPR_NODES_MAX, WANTS_ANY)                                           \
    X(NODE_TABLE, "table", 2, 2, WANTS_TABLE)                                                      \
    X(NODE_DIGITS, "digits", 2, 2, WANTS_ANY)                                                      \
    X(NODE_DAYS, "days", 2, 2, WANTS_ANY)                                                          \
    X(NODE_YEARS, "years", 2, 2, WANTS_ANY)                                                        \
    X(NODE_LENGTH, "length", 1, 1, WANTS_ANY)                                                      \
    X(NODE_HOLDS, "holds", 2, 2, WANTS_ANY)                                                        \
    X(NODE_MOST, "most", 2, 2, WANTS_KEY)                                                          \
    X(NODE_AFTER, "after", 2, 2, WANTS_ANY)                                                        \
    X(NODE_SIGNATURE, "signature", 1, 1, WANTS_FIELD)

enum node_kind {
    NODE_NIL,
    NODE_BOOL, /* value */
    NODE_INT,  /* value */
    NODE_TEXT, /* without its quotes */
    NODE_PATH,
    NODE_EVENT,
    NODE_CLAIMED,
    NODE_LIST_NAME,  /* the right side of `in list("…")` */
    NODE_TABLE_NAME, /* the first value of table(…) */
    NODE_SIGNED,     /* the field of signature(…) */
    NODE_OR,
    NODE_AND,
    NODE_NOT,
    NODE_EQUAL,
    NODE_UNEQUAL,
    NODE_LESS,
    NODE_LESS_EQUAL,
    NODE_MORE,
    NODE_MORE_EQUAL,
    NODE_IN, /* the first child in the others; or in a NODE_LIST_NAME */
    NODE_PLUS,
    NODE_TIMES,
    NODE_MINUS, /* of one */
#define X(kind, name, fewest, most, wants) kind,
    EXPR_FUNCTIONS(X)
#undef X
        NODE_KIND_COUNT
};

/* Chains of `or`, `and`, `+` and `*` are one node with many children, so that only what stands
 * inside each other is deep. */
#define NODE_NONE UINT8_MAX
struct node {
    uint8_t kind;
    uint8_t child; /* the first; NODE_NONE */
    uint8_t next;  /* the next child of the same node; NODE_NONE */
    uint8_t height;
    bool old;        /* PATH */
    bool subtracted; /* a child of PLUS */
    uint16_t at;     /* its place in the text */
    uint16_t len;
    int64_t value;
};
_Static_assert(EXPR_NODES_MAX < NODE_NONE, "an index fits");
_Static_assert(EXPR_BYTES_MAX <= UINT16_MAX, "a place in the text fits");

struct expr {
    struct bytes text;
    size_t node_count;
    uint8_t root;
    struct node nodes[];
};

static inline struct bytes node_text(const struct expr *expr, const struct node *node)
{
    return bytes_of(expr->text.at + node->at, node->len);
}

/* In characters, from 1, of the byte `at`. */
size_t expr_column(struct bytes text, size_t at);
/* Takes the name before the next point off a path; the last one leaves {…, 0}. */
struct bytes path_take(struct bytes *path);

/* --- evaluation ---------------------------------------------------------------------------- */

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

extern const struct value expr_nil;
extern const struct value expr_unknown;
struct value expr_bool(bool b);
struct value expr_int(int64_t i);
struct value expr_text(struct bytes text);
struct value expr_raw(struct bytes raw, bool fleeting);
/* Of the same kind and equal; not for unknown. */
bool expr_same(struct value a, struct value b);
/* What stands under a key. {NULL, 0}: the map has no such key, or it is no map. */
struct bytes expr_key(struct bytes map, struct bytes key);

struct value eval_node(struct eval *eval, const struct node *node);
/* A value to compare or to keep while another is asked for. One that came through a reference moves
 * to the node's own place; if it has no room there it equals nothing (RAW without bytes). */
struct value eval_hold(struct eval *eval, struct value value);

/* One step of a path, from the reference in *raw to the field `name` of that record; *field becomes
 * that field (NULL: it has none such). */
enum truth eval_follow(const struct expr_env *env, const struct policy_field **field,
                       struct bytes name, struct bytes *raw);

static inline const struct node *node_at(const struct eval *eval, uint8_t index)
{
    return index == NODE_NONE ? NULL : &eval->expr->nodes[index];
}

static inline const struct node *child_first(const struct eval *eval, const struct node *node)
{
    return node_at(eval, node->child);
}

static inline const struct node *child_next(const struct eval *eval, const struct node *child)
{
    return node_at(eval, child->next);
}

/* expr_functions.c */
struct value eval_days(struct eval *eval, const struct node *node);
struct value eval_table(struct eval *eval, const struct node *node);
struct value eval_count(struct eval *eval, const struct node *node);
struct value eval_over(struct eval *eval, const struct node *node);
struct value eval_has(struct eval *eval, const struct node *node);
struct value eval_first(struct eval *eval, const struct node *node);
struct value eval_digits(struct eval *eval, const struct node *node);
struct value eval_length(struct eval *eval, const struct node *node);
struct value eval_signature(struct eval *eval, const struct node *node);

/* expr_lists.c */
struct value eval_holds(struct eval *eval, const struct node *node);
struct value eval_most(struct eval *eval, const struct node *node);
struct value eval_after(struct eval *eval, const struct node *node);
