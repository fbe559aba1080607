/* What waits for an answer, and what answers came. */
#include "common/must.h"
#include "node/node_answer.h"
#include "node/node_store_inside.h"
#include "proto/receipt.h"

#define DAY_MS UINT64_C(86400000)

static struct bytes state_value(const struct state *state, const struct policy_collection *c,
                                int field)
{
    const struct state_field *found =
        field < 0 ? NULL : state_field(state, bytes_text(c->fields[field].name));
    return found ? found->value : bytes_of(NULL, 0);
}

static const struct policy_collection *answered_collection(const struct node_store *store,
                                                           struct bytes name)
{
    const struct policy_collection *c =
        store->policy ? policy_collection(store->policy, name) : NULL;
    return c && c->answer ? c : NULL;
}

enum err node_owed_note(struct node_store *store, const struct id *record,
                        const struct state *state, struct bytes own, uint64_t wall_ms)
{
    const struct policy_collection *c = answered_collection(store, state->collection);
    if (!c)
        return OK;
    struct bytes moved = bytes_of(NULL, 0);
    if (own.len > 0)
        moved = fields_get(own, bytes_text(c->fields[c->answer->state].name));
    bool owed =
        !state_deleted(state) && answer_is_owed(c->answer, state_value(state, c, c->answer->state),
                                                state_value(state, c, c->answer->field));
    struct sqlite3_stmt *st = node_sql(store, owed ? SQL_owed_put : SQL_owed_drop);
    sql_bind_id(st, 1, record);
    if (owed) {
        sql_bind_uint(st, 2, wall_ms <= INT64_MAX ? wall_ms : 0);
        sql_bind_uint(st, 3, (uint64_t)c->answer->days);
        sql_bind_uint(st, 4, moved.len > 0);
    }
    return node_sql_run(store, st);
}

enum err node_owed_again(struct node_store *store, const struct id *record,
                         const struct state *state, uint64_t wall_ms)
{
    if (answered_collection(store, state->collection))
        return node_owed_note(store, record, state, bytes_of(NULL, 0), wall_ms);
    struct sqlite3_stmt *st = node_sql(store, SQL_owed_drop);
    sql_bind_id(st, 1, record);
    return node_sql_run(store, st);
}

enum err node_owed_own(struct node_store *store, const struct id *record, bool *ret_own)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_owed_own);
    sql_bind_id(st, 1, record);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    bool own = sql_uint(st, 0) == 1;
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_own = own;
    return err;
}

/* The number was given here, by this machine or one before it. */
static bool number_is_own(const struct node_store *store, struct bytes short_text)
{
    char mine[16];
    node_store_short(store->identity.node, 1, mine);
    size_t prefix = (size_t)(strchr(mine, '-') + 1 - mine);
    return short_text.len > prefix && memcmp(short_text.at, mine, prefix) == 0;
}

static bool answers(const struct policy_collection *c, struct bytes fields)
{
    struct bytes state = fields_get(fields, bytes_text(c->fields[c->answer->state].name));
    struct bytes given = fields_get(fields, bytes_text(c->fields[c->answer->field].name));
    return state.len > 0 || answer_given(given);
}

enum err node_answer_told(struct feed_apply *apply, const struct feed_item *item, bool own)
{
    struct node_store *store = apply->store;
    const struct policy_collection *c = answered_collection(store, item->collection);
    if (!c || item->deleted || bytes_is(item->origin.node, store->identity.node) ||
        (!own && !number_is_own(store, item->short_text)) || !answers(c, item->fields))
        return OK;
    struct sqlite3_stmt *st = node_sql(store, SQL_answered_put);
    sql_bind_id(st, 1, &item->record);
    sql_bind_uint(st, 2, apply->batch->epoch);
    sql_bind_uint(st, 3, item->number);
    sql_bind_uint(st, 4, item->origin.claimed_ms <= INT64_MAX ? item->origin.claimed_ms : 0);
    return node_sql_run(store, st);
}

/* ---- lists */

bool node_owed_late(const struct node_owed *owed, uint64_t now_ms)
{
    return owed->since_ms > 0 && now_ms > owed->since_ms &&
           now_ms - owed->since_ms > (uint64_t)owed->days * DAY_MS;
}

static void owed_row(struct node_store *store, struct sqlite3_stmt *st, struct node_owed *ret)
{
    node_sql_fixed(store, st, 0, ret->record.at, ID_BYTES);
    ret->since_ms = sql_uint(st, 1);
    ret->days = (int64_t)sql_uint(st, 2);
}

enum err node_store_owed(struct node_store *store, node_owed_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_owed_all);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct node_owed owed = { .since_ms = 0 };
        owed_row(store, st, &owed);
        each(ctx, &owed);
    }
    return node_sql_end(store, st, err);
}

enum err node_store_owed_one(struct node_store *store, const struct id *record,
                             struct node_owed *ret_owed)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_owed_get);
    struct node_owed owed = { .since_ms = 0 };
    sql_bind_id(st, 1, record);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    owed_row(store, st, &owed);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_owed = owed;
    return err;
}

enum err node_store_answered(struct node_store *store, node_answered_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_answered_open);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct node_answered answered = { .wall_ms = sql_uint(st, 1) };
        node_sql_fixed(store, st, 0, answered.record.at, ID_BYTES);
        each(ctx, &answered);
    }
    return node_sql_end(store, st, err);
}

enum err node_store_answered_done(struct node_store *store, const struct id *record)
{
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_answered_done);
    sql_bind_id(st, 1, record);
    err = node_sql_run(store, st);
    if (err == OK && sqlite3_changes(store->db.handle) == 0)
        err = ERR_NOT_FOUND;
    return node_end(store, err);
}

/* ---- figures */

static enum err count_row(struct node_store *store, struct sqlite3_stmt *st, uint64_t *ret_a,
                          uint64_t *ret_b)
{
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t a = sql_uint(st, 0), b = ret_b ? sql_uint(st, 1) : 0;
    err = node_sql_end(store, st, OK);
    if (err == OK) {
        *ret_a = a;
        if (ret_b)
            *ret_b = b;
    }
    return err;
}

enum err node_store_answer_figures(struct node_store *store, const struct public_key *operator_key,
                                   uint64_t now_ms, struct node_answer_figures *ret_figures)
{
    struct node_answer_figures figures = { .owed = 0 };
    uint64_t epoch = 0, number = 0;
    struct sqlite3_stmt *st = node_sql(store, SQL_owed_late);
    sql_bind_uint(st, 1, now_ms <= INT64_MAX ? now_ms : 0);
    enum err err = count_row(store, st, &figures.owed, &figures.late);
    if (err == OK)
        err = count_row(store, node_sql(store, SQL_answered_count), &figures.answered, NULL);
    if (err != OK)
        return err;
    st = node_sql(store, operator_key ? SQL_looked_get : SQL_looked_last);
    if (operator_key)
        sql_bind(st, 1, bytes_of(operator_key->at, PUBLIC_KEY_BYTES));
    err = count_row(store, st, &epoch, &number);
    if (err != OK && err != ERR_STORE) /* nobody looked yet */
        return err;
    st = node_sql(store, SQL_answered_news);
    sql_bind_uint(st, 1, epoch);
    sql_bind_uint(st, 2, number);
    err = count_row(store, st, &figures.fresh, NULL);
    if (err == OK)
        *ret_figures = figures;
    return err;
}
