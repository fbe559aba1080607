#include "node/node_books.h"

#include "node/node_store_inside.h"

static enum err read_chain(struct node_store *store, uint64_t from_ms, uint64_t until_ms,
                           struct node_books *books)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_books_chain);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, from_ms);
    sql_bind_uint(st, 3, until_ms);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    uint64_t positions = sql_uint(st, 0), former = sql_uint(st, 2);
    books->policy = sql_uint(st, 1);
    books->dated_entered = sql_uint(st, 3);
    err = node_sql_end(store, st, OK);
    if (err == OK && books->policy > positions)
        return ERR_STORE;
    books->entered = positions - books->policy + former;
    return err;
}

static enum err read_answers(struct node_store *store, uint64_t from_ms, uint64_t until_ms,
                             struct node_books *books)
{
    bool row = false;
    enum err err;
    struct sqlite3_stmt *st = node_sql(store, SQL_books_answers);
    sql_bind_uint(st, 1, from_ms);
    sql_bind_uint(st, 2, until_ms);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        uint64_t disposition = sql_uint(st, 0);
        if (disposition > DISPOSITION_PARKED)
            continue; /* no answer at all: the books will not balance */
        books->answers[disposition] = sql_uint(st, 1);
        books->dated[disposition] = sql_uint(st, 2);
        books->missing += sql_uint(st, 3);
    }
    return node_sql_end(store, st, err);
}

enum err node_store_books(struct node_store *store, uint64_t from_ms, uint64_t until_ms,
                          struct node_books *ret_books)
{
    struct node_books books = { .entered = 0 };
    if (!store->enrolled)
        return ERR_STATE;
    enum err err = read_chain(store, from_ms, until_ms, &books);
    if (err == OK)
        err = read_answers(store, from_ms, until_ms, &books);
    if (err == OK)
        *ret_books = books;
    return err;
}
