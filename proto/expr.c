/* From the text of an expression to its nodes: a reader of tokens and a parser by descent, one
 * function a level of precedence. */
#include "proto/expr_inside.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/must.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NUMBER,
    TOKEN_TEXT,
    TOKEN_NAME, /* a word or a path */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_TIMES,
    TOKEN_EQUAL,
    TOKEN_UNEQUAL,
    TOKEN_LESS,
    TOKEN_LESS_EQUAL,
    TOKEN_MORE,
    TOKEN_MORE_EQUAL,
    TOKEN_BAD, /* the error is set */
};

struct token {
    enum token_kind kind;
    size_t at;         /* where it begins: for columns */
    struct bytes text; /* TEXT without its quotes */
    int64_t value;
};

struct parser {
    struct bytes text;
    size_t at;          /* behind the token */
    struct token token; /* the next one, not yet used */
    unsigned nesting;
    size_t node_count;
    struct node nodes[EXPR_NODES_MAX];
    bool failed;
    char *why;
    size_t cap;
};

static const struct {
    const char *name;
    size_t fewest, most;
    enum wants wants;
    uint8_t kind;
} functions[] = {
#define X(kind, name, fewest, most, wants) { name, fewest, most, wants, kind },
    EXPR_FUNCTIONS(X)
#undef X
};

/* --- errors -------------------------------------------------------------------------------- */

/* The first thing that is wrong stays. Always NODE_NONE. */
PRINTF_LIKE(3, 4) static uint8_t fail(struct parser *p, size_t at, const char *fmt, ...)
{
    if (p->failed)
        return NODE_NONE;
    p->failed = true;
    p->token = (struct token){ .kind = TOKEN_BAD, .at = at };
    int len = snprintf(p->why, p->cap, "column %zu: ", expr_column(p->text, at));
    if (len > 0 && (size_t)len < p->cap) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(p->why + len, p->cap - (size_t)len, fmt, args);
        va_end(args);
    }
    return NODE_NONE;
}

static uint8_t fail_here(struct parser *p, const char *text)
{
    return fail(p, p->token.at, "%s", text);
}

/* --- tokens -------------------------------------------------------------------------------- */

static bool is_small(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static bool is_name(uint8_t c)
{
    return is_small(c) || is_digit(c) || c == '_';
}

static bool at_end(const struct parser *p)
{
    return p->at == p->text.len;
}

static void read_number(struct parser *p)
{
    int64_t value = 0;
    while (!at_end(p) && is_digit(p->text.at[p->at])) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, p->text.at[p->at] - '0', &value)) {
            (void)fail(p, p->token.at, "the number is too large");
            return;
        }
        p->at++;
    }
    if (!at_end(p) && (is_name(p->text.at[p->at]) || p->text.at[p->at] == '.')) {
        (void)fail(p, p->at, "a number has digits only");
        return;
    }
    p->token.kind = TOKEN_NUMBER;
    p->token.value = value;
}

static void read_text(struct parser *p)
{
    size_t from = ++p->at;
    while (!at_end(p) && p->text.at[p->at] != '"')
        p->at++;
    if (at_end(p)) {
        (void)fail(p, from - 1, "the closing quote is missing");
        return;
    }
    p->token.kind = TOKEN_TEXT;
    p->token.text = bytes_of(p->text.at + from, p->at - from);
    p->at++;
}

static void read_name(struct parser *p)
{
    size_t from = p->at;
    size_t part = from;
    for (;;) {
        if (at_end(p) || !is_small(p->text.at[p->at])) {
            (void)fail(p, p->at, "a name is missing after the point");
            return;
        }
        while (!at_end(p) && is_name(p->text.at[p->at]))
            p->at++;
        if (p->at - part > IDENTIFIER_BYTES_MAX) {
            (void)fail(p, part, "a name has at most %d characters", IDENTIFIER_BYTES_MAX);
            return;
        }
        if (at_end(p) || p->text.at[p->at] != '.')
            break;
        part = ++p->at;
    }
    p->token.kind = TOKEN_NAME;
    p->token.text = bytes_of(p->text.at + from, p->at - from);
}

static void read_sign(struct parser *p)
{
    static const struct {
        const char *text; /* longer ones first */
        enum token_kind kind;
    } signs[] = {
        { "!=", TOKEN_UNEQUAL }, { "<=", TOKEN_LESS_EQUAL }, { ">=", TOKEN_MORE_EQUAL },
        { "=", TOKEN_EQUAL },    { "<", TOKEN_LESS },        { ">", TOKEN_MORE },
        { "(", TOKEN_OPEN },     { ")", TOKEN_CLOSE },       { ",", TOKEN_COMMA },
        { "+", TOKEN_PLUS },     { "-", TOKEN_MINUS },       { "*", TOKEN_TIMES },
    };
    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        size_t len = strlen(signs[i].text);
        if (p->text.len - p->at < len || memcmp(p->text.at + p->at, signs[i].text, len) != 0)
            continue;
        p->token.kind = signs[i].kind;
        p->at += len;
        return;
    }
    (void)fail(p, p->at, "this character means nothing here");
}

/* Reads the next token; after a failure there is only TOKEN_BAD. */
static void advance(struct parser *p)
{
    if (p->failed)
        return;
    while (!at_end(p) && is_blank(p->text.at[p->at]))
        p->at++;
    p->token = (struct token){ .kind = TOKEN_END, .at = p->at };
    if (at_end(p))
        return;
    uint8_t first = p->text.at[p->at];
    if (is_digit(first))
        read_number(p);
    else if (first == '"')
        read_text(p);
    else if (is_small(first))
        read_name(p);
    else
        read_sign(p);
}

static bool token_is(const struct parser *p, const char *word)
{
    return p->token.kind == TOKEN_NAME && bytes_is(p->token.text, word);
}

static bool expect(struct parser *p, enum token_kind kind, const char *otherwise)
{
    if (p->token.kind != kind) {
        (void)fail_here(p, otherwise);
        return false;
    }
    advance(p);
    return true;
}

/* --- nodes --------------------------------------------------------------------------------- */

static uint8_t node_add(struct parser *p, enum node_kind kind, struct bytes text)
{
    if (p->failed)
        return NODE_NONE;
    if (p->node_count == EXPR_NODES_MAX)
        return fail(p, p->token.at, "more than %d parts", EXPR_NODES_MAX);
    p->nodes[p->node_count] = (struct node){
        .kind = (uint8_t)kind,
        .child = NODE_NONE,
        .next = NODE_NONE,
        .height = 1,
        .at = text.len ? (uint16_t)(text.at - p->text.at) : 0,
        .len = (uint16_t)text.len,
    };
    return (uint8_t)p->node_count++;
}

/* Nodes inside each other, as nodes and as the parser's own calls. */
static bool enter(struct parser *p)
{
    if (++p->nesting > EXPR_DEPTH_MAX)
        (void)fail(p, p->token.at, "more than %d inside each other", EXPR_DEPTH_MAX);
    return !p->failed;
}

static void leave(struct parser *p)
{
    p->nesting--;
}

/* The children of one node while they are read. */
struct children {
    uint8_t parent, last;
    size_t count;
};

static void child_add(struct parser *p, struct children *children, uint8_t child)
{
    if (p->failed)
        return;
    struct node *parent = &p->nodes[children->parent];
    if (children->last == NODE_NONE)
        parent->child = child;
    else
        p->nodes[children->last].next = child;
    children->last = child;
    children->count++;
    if (parent->height <= p->nodes[child].height)
        parent->height = (uint8_t)(p->nodes[child].height + 1);
    if (parent->height > EXPR_DEPTH_MAX)
        (void)fail(p, p->token.at, "more than %d inside each other", EXPR_DEPTH_MAX);
}

static struct children parent_of(struct parser *p, enum node_kind kind, uint8_t first)
{
    struct children children = { .parent = node_add(p, kind, bytes_of(NULL, 0)),
                                 .last = NODE_NONE };
    if (first != NODE_NONE)
        child_add(p, &children, first);
    return children;
}

/* --- grammar ------------------------------------------------------------------------------- */

static uint8_t parse_any(struct parser *p);

/* What certain functions want of their values, beyond how many. */
static void check_values(struct parser *p, const struct children *call, size_t function, size_t at)
{
    if (p->failed)
        return;
    struct node *first = &p->nodes[p->nodes[call->parent].child];
    switch (functions[function].wants) {
    case WANTS_ANY:
        return;
    case WANTS_KEY:
        if (call->count > 1 && p->nodes[first->next].kind != NODE_TEXT)
            (void)fail(p, at, "the second value of %s is a name in quotes",
                       functions[function].name);
        return;
    case WANTS_TABLE:
        if (first->kind != NODE_TEXT)
            (void)fail(p, at, "the first value of table is a name in quotes");
        first->kind = NODE_TABLE_NAME;
        return;
    case WANTS_FIELD:
        if (first->kind != NODE_PATH || first->old ||
            memchr(p->text.at + first->at, '.', first->len) != NULL)
            (void)fail(p, at, "signature takes the name of a field");
        first->kind = NODE_SIGNED;
        return;
    }
}

/* Behind its name, at the bracket. */
static uint8_t parse_call(struct parser *p, struct bytes name, size_t at)
{
    size_t i = 0;
    while (i < COUNT_OF(functions) && !bytes_is(name, functions[i].name))
        i++;
    if (i == COUNT_OF(functions))
        return fail(p, at, "there is no function \"%.*s\"", (int)name.len, (const char *)name.at);

    struct children call = parent_of(p, (enum node_kind)functions[i].kind, NODE_NONE);
    do {
        advance(p);
        child_add(p, &call, parse_any(p));
    } while (p->token.kind == TOKEN_COMMA);
    if (!expect(p, TOKEN_CLOSE, "\")\" is missing"))
        return NODE_NONE;
    if (functions[i].kind == NODE_COUNT && call.count != 1 && call.count != 3)
        return fail(p, at, "count takes 1 or 3 values");
    if (call.count < functions[i].fewest || call.count > functions[i].most)
        return fail(p, at, "%s takes %zu value%s", functions[i].name, functions[i].fewest,
                    functions[i].fewest == 1 ? "" : "s");
    check_values(p, &call, i, at);
    return call.parent;
}

static uint8_t parse_path(struct parser *p, struct bytes path, size_t at)
{
    struct bytes rest = path;
    bool old = bytes_is(path_take(&rest), "old");
    if (old && rest.len == 0)
        return fail(p, at, "old wants the name of a field: old.field");
    uint8_t index = node_add(p, NODE_PATH, old ? rest : path);
    if (index != NODE_NONE)
        p->nodes[index].old = old;
    return index;
}

/* A word that the language keeps for itself, a call or a path. */
static uint8_t parse_name(struct parser *p)
{
    static const struct {
        const char *word;
        enum node_kind kind;
        int64_t value;
    } words[] = {
        { "nil", NODE_NIL, 0 },     { "true", NODE_BOOL, 1 },       { "false", NODE_BOOL, 0 },
        { "event", NODE_EVENT, 0 }, { "claimed", NODE_CLAIMED, 0 },
    };
    static const char *const operators[] = { "or", "and", "not", "in" };
    struct token name = p->token;
    for (size_t i = 0; i < COUNT_OF(operators); i++)
        if (token_is(p, operators[i]))
            return fail(p, name.at, "a value is missing before \"%s\"", operators[i]);
    advance(p);
    if (p->token.kind == TOKEN_OPEN)
        return parse_call(p, name.text, name.at);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (!bytes_is(name.text, words[i].word))
            continue;
        uint8_t index = node_add(p, words[i].kind, bytes_of(NULL, 0));
        if (index != NODE_NONE)
            p->nodes[index].value = words[i].value;
        return index;
    }
    return parse_path(p, name.text, name.at);
}

static uint8_t parse_value(struct parser *p)
{
    uint8_t index = NODE_NONE;
    struct token token = p->token;
    if (token.kind == TOKEN_NAME)
        return parse_name(p);
    if (token.kind == TOKEN_OPEN) {
        advance(p);
        index = parse_any(p);
        return expect(p, TOKEN_CLOSE, "\")\" is missing") ? index : NODE_NONE;
    }
    if (token.kind == TOKEN_MINUS) {
        advance(p);
        if (!enter(p))
            return NODE_NONE;
        index = parse_value(p);
        leave(p);
        return p->failed ? NODE_NONE : parent_of(p, NODE_MINUS, index).parent;
    }
    if (token.kind != TOKEN_NUMBER && token.kind != TOKEN_TEXT)
        return fail_here(p, "a value is missing");
    index = node_add(p, token.kind == TOKEN_TEXT ? NODE_TEXT : NODE_INT, token.text);
    if (index != NODE_NONE)
        p->nodes[index].value = token.value;
    advance(p);
    return index;
}

static uint8_t parse_product(struct parser *p)
{
    uint8_t first = parse_value(p);
    if (p->token.kind != TOKEN_TIMES)
        return first;
    struct children product = parent_of(p, NODE_TIMES, first);
    while (p->token.kind == TOKEN_TIMES) {
        advance(p);
        child_add(p, &product, parse_value(p));
    }
    return product.parent;
}

static uint8_t parse_sum(struct parser *p)
{
    uint8_t first = parse_product(p);
    if (p->token.kind != TOKEN_PLUS && p->token.kind != TOKEN_MINUS)
        return first;
    struct children sum = parent_of(p, NODE_PLUS, first);
    while (p->token.kind == TOKEN_PLUS || p->token.kind == TOKEN_MINUS) {
        bool minus = p->token.kind == TOKEN_MINUS;
        advance(p);
        uint8_t child = parse_product(p);
        child_add(p, &sum, child);
        if (!p->failed)
            p->nodes[child].subtracted = minus;
    }
    return sum.parent;
}

/* Behind `in`: ("a", "b") or list("name"). */
static uint8_t parse_in(struct parser *p, uint8_t left)
{
    struct children in = parent_of(p, NODE_IN, left);
    bool list = token_is(p, "list");
    if (list)
        advance(p);
    if (p->token.kind != TOKEN_OPEN)
        return fail_here(p, "after \"in\" comes (\"a\", \"b\") or list(\"name\")");
    if (list) {
        advance(p);
        struct bytes name = p->token.text;
        if (!expect(p, TOKEN_TEXT, "list takes a name in quotes"))
            return NODE_NONE;
        child_add(p, &in, node_add(p, NODE_LIST_NAME, name));
    } else {
        do {
            advance(p);
            child_add(p, &in, parse_any(p));
        } while (p->token.kind == TOKEN_COMMA);
    }
    return expect(p, TOKEN_CLOSE, "\")\" is missing") ? in.parent : NODE_NONE;
}

_Static_assert(TOKEN_MORE_EQUAL - TOKEN_EQUAL == NODE_MORE_EQUAL - NODE_EQUAL, "the same order");

static bool compares(enum token_kind kind)
{
    return kind >= TOKEN_EQUAL && kind <= TOKEN_MORE_EQUAL;
}

static uint8_t parse_comparison(struct parser *p)
{
    uint8_t left = parse_sum(p);
    if (token_is(p, "in")) {
        advance(p);
        left = parse_in(p, left);
    } else if (compares(p->token.kind)) {
        enum node_kind kind = (enum node_kind)(NODE_EQUAL + (p->token.kind - TOKEN_EQUAL));
        struct children both = parent_of(p, kind, left);
        advance(p);
        child_add(p, &both, parse_sum(p));
        left = both.parent;
    }
    if (compares(p->token.kind) || token_is(p, "in"))
        return fail_here(p, "compare two values only, or use brackets");
    return left;
}

static uint8_t parse_not(struct parser *p)
{
    if (!token_is(p, "not"))
        return parse_comparison(p);
    advance(p);
    if (!enter(p))
        return NODE_NONE;
    uint8_t index = parse_not(p);
    leave(p);
    return p->failed ? NODE_NONE : parent_of(p, NODE_NOT, index).parent;
}

static uint8_t parse_and(struct parser *p)
{
    uint8_t first = parse_not(p);
    if (!token_is(p, "and"))
        return first;
    struct children all = parent_of(p, NODE_AND, first);
    while (token_is(p, "and")) {
        advance(p);
        child_add(p, &all, parse_not(p));
    }
    return all.parent;
}

/* A whole expression: the text, what stands in brackets, a value of a function or of `in`. */
static uint8_t parse_any(struct parser *p)
{
    if (!enter(p))
        return NODE_NONE;
    uint8_t index = parse_and(p);
    if (token_is(p, "or")) {
        struct children any = parent_of(p, NODE_OR, index);
        while (token_is(p, "or")) {
            advance(p);
            child_add(p, &any, parse_and(p));
        }
        index = any.parent;
    }
    leave(p);
    return p->failed ? NODE_NONE : index;
}

/* --- the module ---------------------------------------------------------------------------- */

enum err expr_compile(struct bytes text, void *(*take)(void *arena, size_t size), void *arena,
                      const struct expr **ret_expr, char *ret_why, size_t cap)
{
    must(cap > 0);
    struct parser parser = { .text = text, .why = ret_why, .cap = cap };
    uint8_t root = NODE_NONE;
    if (text.len > EXPR_BYTES_MAX)
        (void)fail(&parser, EXPR_BYTES_MAX, "more than %d bytes", EXPR_BYTES_MAX);
    else if (!codec_utf8(text) || !codec_plain(text, "\t\n"))
        (void)fail(&parser, 0, "this is no plain text");
    advance(&parser);
    if (!parser.failed)
        root = parse_any(&parser);
    if (!parser.failed && parser.token.kind != TOKEN_END)
        (void)fail(&parser, parser.token.at, "an operator is missing, or this is too much");
    if (parser.failed)
        return ERR_POLICY_MEANING;

    size_t nodes_bytes = parser.node_count * sizeof parser.nodes[0];
    struct expr *expr = take(arena, sizeof *expr + nodes_bytes + text.len);
    if (expr == NULL)
        return ERR_MEMORY;
    memcpy(expr->nodes, parser.nodes, nodes_bytes);
    uint8_t *copy = (uint8_t *)&expr->nodes[parser.node_count];
    memcpy(copy, text.at, text.len);
    expr->text = bytes_of(copy, text.len);
    expr->node_count = parser.node_count;
    expr->root = root;
    *ret_expr = expr;
    return OK;
}

struct bytes expr_source(const struct expr *expr)
{
    return expr->text;
}
