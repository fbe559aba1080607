/* The names in an expression, for those who check that what they name is there. */
#include "proto/expr_inside.h"

size_t expr_column(struct bytes text, size_t at)
{
    size_t column = 1;
    for (size_t i = 0; i < at && i < text.len; i++)
        column += (text.at[i] & 0xc0) != 0x80;
    return column;
}

struct bytes path_take(struct bytes *path)
{
    size_t len = 0;
    while (len < path->len && path->at[len] != '.')
        len++;
    struct bytes name = bytes_of(path->at, len);
    size_t used = len < path->len ? len + 1 : len;
    *path = bytes_of(path->at + used, path->len - used);
    return name;
}

bool expr_names(const struct expr *expr, size_t i, struct expr_name *ret_name)
{
    static const struct {
        enum node_kind node;
        enum expr_name_kind name;
    } kinds[] = { { NODE_PATH, EXPR_PATH },
                  { NODE_SIGNED, EXPR_SIGNATURE },
                  { NODE_LIST_NAME, EXPR_LIST },
                  { NODE_TABLE_NAME, EXPR_TABLE } };
    for (size_t n = 0; n < expr->node_count; n++) {
        const struct node *node = &expr->nodes[n];
        size_t k = 0;
        while (k < COUNT_OF(kinds) && node->kind != kinds[k].node)
            k++;
        if (k == COUNT_OF(kinds) || i-- > 0)
            continue;
        struct bytes path = node_text(expr, node);
        struct bytes rest = path;
        ret_name->kind = kinds[k].name;
        ret_name->path = path;
        ret_name->name = node->kind == NODE_PATH ? path_take(&rest) : path;
        ret_name->old = node->old;
        ret_name->column = expr_column(expr->text, node->at - (node->old ? strlen("old.") : 0));
        return true;
    }
    return false;
}
