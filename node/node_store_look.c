#include "node/node_look.h"

#include "common/must.h"
#include "node/node_store_inside.h"

struct mark {
    uint64_t epoch, number, wall_ms;
};

static enum err mark_row(struct node_store *store, struct sqlite3_stmt *st, struct mark *ret_mark)
{
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct mark mark = { sql_uint(st, 0), sql_uint(st, 1), sql_uint(st, 2) };
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_mark = mark;
    return err;
}

/* ---- the link */

enum err node_store_link(struct node_store *store, struct node_link_note *ret_note)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_link_get);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct node_link_note note = { sql_uint(st, 0), sql_uint(st, 1) };
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_note = note;
    return err;
}

void node_store_link_note(struct node_store *store, const struct node_link_note *note)
{
    store->link_noted = true;
    store->link_hub_ms = note->hub_ms;
    store->link_rate = note->rate_bytes_s;
}

enum err node_link_keep(struct node_store *store)
{
    if (!store->link_noted)
        return OK;
    struct sqlite3_stmt *st = node_sql(store, SQL_link_put);
    sql_bind_uint(st, 1, store->link_hub_ms);
    sql_bind_uint(st, 2, store->link_rate);
    return node_sql_run(store, st);
}

/* ---- marks */

enum err node_store_look(struct node_store *store, const struct public_key *operator_key,
                         enum node_look look, uint64_t wall_ms)
{
    static const enum node_statement statements[] = {
        [LOOK_COME] = SQL_looked_come, [LOOK_READ] = SQL_looked_read, [LOOK_GO] = SQL_looked_go
    };
    uint64_t epoch = 0, number = 0;
    enum err err = node_store_seen(store, &epoch, &number);
    if (err == OK)
        err = node_begin(store);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, statements[look]);
    sql_bind(st, 1, bytes_of(operator_key->at, PUBLIC_KEY_BYTES));
    sql_bind_uint(st, 2, epoch);
    sql_bind_uint(st, 3, number);
    sql_bind_uint(st, 4, wall_ms <= INT64_MAX ? wall_ms : 0);
    if (look != LOOK_GO) /* who was never here has no old rules in mind */
        sql_bind_uint(st, 5, node_store_policy_mark(store).rules_version);
    err = node_sql_run(store, st);
    if (err == OK)
        err = node_link_keep(store);
    return node_end(store, err);
}

enum err node_store_rules_seen(struct node_store *store, const struct public_key *operator_key,
                               uint64_t *ret_version)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_looked_rules);
    sql_bind(st, 1, bytes_of(operator_key->at, PUBLIC_KEY_BYTES));
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    uint64_t version = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_version = version;
    return err;
}

enum err node_store_rules_see(struct node_store *store, const struct public_key *operator_key,
                              uint64_t version)
{
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_looked_rules_put);
    sql_bind(st, 1, bytes_of(operator_key->at, PUBLIC_KEY_BYTES));
    sql_bind_uint(st, 2, version);
    return node_end(store, node_sql_run(store, st));
}

/* Own changes that the hub said after `mark` that it has. Positions of a lane are acknowledged in
 * their order, so the walk back ends at the first that it said before. */
static enum err count_arrived(struct node_store *store, const struct mark *mark,
                              uint64_t *ret_arrived)
{
    uint64_t arrived = 0;
    for (enum lane lane = LANE_URGENT; store->enrolled && lane < LANE_COUNT; lane++) {
        struct lane_row row;
        uint64_t changes, bytes, before = 0;
        enum err err = node_lane_row(store, store->life, lane, &row);
        if (err == OK)
            err = node_sums(store, store->life, lane, row.lane.acked, &changes, &bytes);
        if (err != OK)
            return err;
        struct sqlite3_stmt *st = node_sql(store, SQL_entry_news);
        sql_bind_uint(st, 1, store->life);
        sql_bind_uint(st, 2, lane);
        sql_bind_uint(st, 3, row.lane.acked);
        sql_bind_uint(st, 4, mark->epoch);
        sql_bind_uint(st, 5, mark->number);
        err = node_sql_row(store, st);
        if (err == OK) {
            before = sql_uint(st, 0);
            err = node_sql_end(store, st, OK);
        }
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
        arrived += changes > before ? changes - before : 0;
    }
    *ret_arrived = arrived;
    return OK;
}

static enum err count_answers(struct node_store *store, const struct mark *mark,
                              struct node_news *news)
{
    uint64_t *const places[] = {
        [DISPOSITION_ACCEPTED] = &news->accepted,
        [DISPOSITION_SUPERSEDED] = &news->superseded,
        [DISPOSITION_REJECTED] = &news->rejected,
        [DISPOSITION_HELD] = &news->held,
        [DISPOSITION_QUARANTINED] = &news->quarantined,
        [DISPOSITION_PARKED] = &news->parked,
    };
    struct sqlite3_stmt *st = node_sql(store, SQL_change_news);
    sql_bind_uint(st, 1, mark->epoch);
    sql_bind_uint(st, 2, mark->number);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        uint64_t disposition = sql_uint(st, 0), count = sql_uint(st, 1);
        if (disposition >= COUNT_OF(places) || !places[disposition])
            continue;
        *places[disposition] = count;
        news->answers += count;
    }
    return node_sql_end(store, st, err);
}

enum err node_store_news(struct node_store *store, const struct public_key *operator_key,
                         struct node_news *ret_news)
{
    struct mark mark;
    struct sqlite3_stmt *st = node_sql(store, operator_key ? SQL_looked_get : SQL_looked_last);
    if (operator_key)
        sql_bind(st, 1, bytes_of(operator_key->at, PUBLIC_KEY_BYTES));
    enum err err = mark_row(store, st, &mark);
    if (err != OK)
        return err;
    struct node_news news = { .since_ms = mark.wall_ms };
    err = count_arrived(store, &mark, &news.arrived);
    if (err == OK)
        err = count_answers(store, &mark, &news);
    if (err == OK)
        *ret_news = news;
    return err;
}

enum err node_store_held_told(struct node_store *store, uint64_t *ret_count)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_held_told);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    uint64_t count = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_count = count;
    return err;
}

/* ---- what stands before an entry */

enum err node_store_ahead(struct node_store *store, enum lane lane, uint64_t seq,
                          uint64_t *ret_bytes)
{
    uint64_t bytes = 0;
    must(lane < LANE_COUNT);
    for (enum lane at = LANE_URGENT; store->enrolled && at <= lane; at++) {
        struct lane_row row;
        uint64_t changes, high, acked;
        enum err err = node_lane_row(store, store->life, at, &row);
        if (err != OK)
            return err;
        uint64_t to = at == lane && seq < row.lane.highest ? seq : row.lane.highest;
        if (at == lane && to <= row.lane.acked) {
            bytes = 0;
            break;
        }
        err = node_sums(store, store->life, at, to, &changes, &high);
        if (err == OK)
            err = node_sums(store, store->life, at, row.lane.acked, &changes, &acked);
        if (err != OK)
            return err;
        bytes += high > acked ? high - acked : 0;
    }
    *ret_bytes = bytes;
    return OK;
}
