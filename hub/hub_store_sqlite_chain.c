/* The embedded backend: positions of the nodes, answers, feed index, what waits. */
#include "common/must.h"
#include "hub/hub_store_sqlite.h"

/* --- incarnations, lanes, chains ------------------------------------------------------------- */

enum err sqlite_incarnation_get(struct hub_backend *b, const char *node,
                                const struct id *incarnation, struct row_incarnation *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_incarnation_get];
    statement_bind(st, "sd", node, incarnation);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    column_text(st, 0, ret_row->node, sizeof(ret_row->node));
    ret_row->incarnation = *incarnation;
    ret_row->state = (enum incarnation_state)sqlite3_column_int(st, 2);
    for (int lane = 0; lane < LANE_COUNT; lane++)
        ret_row->highest[lane] = column_u64(st, 3 + lane);
    ret_row->trust_version = column_u64(st, 6);
    ret_row->rules_version = column_u64(st, 7);
    ret_row->heard_ms = column_u64(st, 8);
    (void)sqlite3_reset(st);
    return OK;
}

enum err sqlite_incarnation_put(struct hub_backend *b, const struct row_incarnation *row)
{
    return statement_run(sqlite_of(b), STMT_incarnation_put, "sdinnnnnn", row->node,
                         &row->incarnation, (int)row->state, row->highest[LANE_URGENT],
                         row->highest[LANE_NORMAL], row->highest[LANE_BULK], row->trust_version,
                         row->rules_version, row->heard_ms);
}

enum err sqlite_incarnation_replaced(struct hub_backend *b, const char *node, uint64_t version)
{
    return statement_run(sqlite_of(b), STMT_incarnation_replaced, "sn", node, version);
}

enum err sqlite_incarnation_active(struct hub_backend *b, const char *node,
                                   struct id *ret_incarnation)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_incarnation_active];
    statement_bind(st, "s", node);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = column_id(st, 0, ret_incarnation);
    (void)sqlite3_reset(st);
    return err;
}

enum err sqlite_hello_put(struct hub_backend *b, const char *node, struct bytes frame)
{
    return statement_run(sqlite_of(b), STMT_hello_put, "sb", node, frame);
}

enum err sqlite_hello_get(struct hub_backend *b, const char *node, struct bytes *ret_frame)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_hello_get];
    statement_bind(st, "s", node);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = space_copy(&s->document, column_bytes(st, 0), ret_frame);
    (void)sqlite3_reset(st);
    return err;
}

enum err sqlite_lane_get(struct hub_backend *b, const char *node, const struct id *incarnation,
                         enum lane lane, struct hub_lane *ret_lane)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_lane_get];
    statement_bind(st, "sdi", node, incarnation, (int)lane);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    struct hub_lane row = { .received = column_u64(st, 0),
                            .keep_from = column_u64(st, 2),
                            .trust_version = column_u64(st, 3),
                            .rules_version = column_u64(st, 4) };
    err = column_hash(st, 1, &row.head);
    (void)sqlite3_reset(st);
    if (!err)
        *ret_lane = row;
    return err;
}

enum err sqlite_lane_put(struct hub_backend *b, const char *node, const struct id *incarnation,
                         enum lane lane, const struct hub_lane *row)
{
    return statement_run(sqlite_of(b), STMT_lane_put, "sdinhnnn", node, incarnation, (int)lane,
                         row->received, &row->head, row->keep_from, row->trust_version,
                         row->rules_version);
}

enum err sqlite_entry_put(struct hub_backend *b, const struct row_entry *row)
{
    return statement_run(sqlite_of(b), STMT_entry_put, "sdinnNhh", row->node, &row->incarnation,
                         (int)row->lane, row->seq, row->number, row->txn, &row->leaf, &row->head);
}

/* The node's name is valid until the next entry is read. */
static enum err entry_read(struct sqlite_backend *s, sqlite3_stmt *st, struct row_entry *ret_row)
{
    struct row_entry row = { .node = s->node,
                             .lane = (enum lane)sqlite3_column_int(st, 2),
                             .seq = column_u64(st, 3),
                             .number = column_u64(st, 4),
                             .txn = column_u64(st, 5) };
    column_text(st, 0, s->node, sizeof(s->node));
    enum err err = column_id(st, 1, &row.incarnation);
    if (!err)
        err = column_hash(st, 6, &row.leaf);
    if (!err)
        err = column_hash(st, 7, &row.head);
    if (!err)
        *ret_row = row;
    return err;
}

enum err sqlite_entry_get(struct hub_backend *b, const char *node, const struct id *incarnation,
                          enum lane lane, uint64_t seq, struct row_entry *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_entry_get];
    statement_bind(st, "sdin", node, incarnation, (int)lane, seq);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = entry_read(s, st, ret_row);
    (void)sqlite3_reset(st);
    return err;
}

enum err sqlite_entry_walk(struct hub_backend *b, hub_entry_callback *each, void *ctx)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_entry_walk];
    enum err err = OK;
    bool more = true;
    while (!err && more && (err = statement_row(s, st)) == OK) {
        struct row_entry row;
        err = entry_read(s, st, &row);
        if (!err)
            more = each(ctx, &row);
    }
    (void)sqlite3_reset(st);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_key_put(struct hub_backend *b, const char *node, const struct id *incarnation,
                        uint64_t number, struct bytes sealed)
{
    return statement_run(sqlite_of(b), STMT_key_put, "sdnb", node, incarnation, number, sealed);
}

enum err sqlite_key_get(struct hub_backend *b, const char *node, const struct id *incarnation,
                        uint64_t number, struct bytes *ret_sealed)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_key_get];
    statement_bind(st, "sdn", node, incarnation, number);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = space_copy(&s->document, column_bytes(st, 0), ret_sealed);
    (void)sqlite3_reset(st);
    return err;
}

/* --- decisions, feed index, waiting ---------------------------------------------------------- */

enum err sqlite_decision_put(struct hub_backend *b, const char *author,
                             const struct row_decision *row)
{
    return statement_run(sqlite_of(b), STMT_decision_put, "snniiss", author, row->number, row->txn,
                         row->whole ? -1 : (int)row->index, (int)row->disposition,
                         reason_text(row->reason), row->field[0] ? row->field : NULL);
}

enum err sqlite_decision_next(struct hub_backend *b, const char *node, uint64_t after,
                              uint64_t *ret_number)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_decision_next], "sn", node, after);
    return statement_number(s, STMT_decision_next, ret_number);
}

enum err sqlite_decisions_at(struct hub_backend *b, const char *node, uint64_t number,
                             hub_decision_callback *each, void *ctx)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_decisions_at];
    statement_bind(st, "sn", node, number);
    enum err err = OK;
    bool more = true;
    while (more && (err = statement_row(s, st)) == OK) {
        int index = sqlite3_column_int(st, 2);
        struct row_decision row = {
            .number = number,
            .txn = column_u64(st, 1),
            .whole = index < 0,
            .index = index < 0 ? 0 : (unsigned)index,
            .disposition = (enum disposition)sqlite3_column_int(st, 3),
            .reason = column_err(st, 4),
        };
        column_text(st, 5, row.field, sizeof(row.field));
        more = each(ctx, &row);
    }
    (void)sqlite3_reset(st);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_scope_put(struct hub_backend *b, struct bytes area, uint64_t number, uint64_t txn)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_scope_put];
    (void)sqlite3_bind_text64(st, 1, (const char *)area.at, area.len, SQLITE_STATIC, SQLITE_UTF8);
    (void)sqlite3_bind_int64(st, 2, (sqlite3_int64)number);
    (void)sqlite3_bind_int64(st, 3, (sqlite3_int64)txn);
    int code = sqlite3_step(st);
    (void)sqlite3_reset(st);
    return db_err(&s->db, code);
}

enum err sqlite_scope_next(struct hub_backend *b, const char *area, uint64_t after,
                           uint64_t *ret_number, uint64_t *ret_txn)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_scope_next];
    statement_bind(st, "sn", area, after);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    *ret_number = column_u64(st, 0);
    *ret_txn = column_u64(st, 1);
    (void)sqlite3_reset(st);
    return OK;
}

enum err sqlite_wait_put(struct hub_backend *b, const struct row_wait *row)
{
    struct sqlite_backend *s = sqlite_of(b);
    const char *none = NULL;
    if (row->on_txn > 0 || row->node[0] == '\0')
        return statement_run(s, STMT_wait_put, "nNsbssii", row->txn, row->on_txn, none,
                             bytes_of(NULL, 0), none, none, (int)row->ready, (int)row->ruling);
    return statement_run(s, STMT_wait_put, "nNsdinii", row->txn, row->on_txn, row->node,
                         &row->incarnation, (int)row->lane, row->seq, (int)row->ready,
                         (int)row->ruling);
}

enum err sqlite_wait_drop(struct hub_backend *b, uint64_t txn)
{
    return statement_run(sqlite_of(b), STMT_wait_drop, "n", txn);
}

enum err sqlite_wait_any(struct hub_backend *b, bool *ret_any)
{
    uint64_t any = 0;
    enum err err = statement_number(sqlite_of(b), STMT_wait_any, &any);
    *ret_any = any != 0;
    return err;
}

enum err sqlite_wait_ready(struct hub_backend *b, struct row_wait *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_wait_ready];
    enum err err = statement_row(s, st);
    if (err)
        return err;
    struct row_wait row = { .txn = column_u64(st, 0),
                            .on_txn = column_u64(st, 1),
                            .lane = (enum lane)sqlite3_column_int(st, 4),
                            .seq = column_u64(st, 5),
                            .ready = sqlite3_column_int(st, 6) != 0,
                            .ruling = (enum ruling)sqlite3_column_int(st, 7) };
    column_text(st, 2, row.node, sizeof(row.node));
    if (row.node[0] != '\0')
        err = column_id(st, 3, &row.incarnation);
    (void)sqlite3_reset(st);
    if (!err)
        *ret_row = row;
    return err;
}

enum err sqlite_wake_txn(struct hub_backend *b, uint64_t on_txn)
{
    return statement_run(sqlite_of(b), STMT_wake_txn, "n", on_txn);
}

enum err sqlite_wake_lane(struct hub_backend *b, const char *node, const struct id *incarnation,
                          enum lane lane, uint64_t seq)
{
    return statement_run(sqlite_of(b), STMT_wake_lane, "sdin", node, incarnation, (int)lane, seq);
}

enum err sqlite_wake_moved(struct hub_backend *b, const char *node, const struct id *incarnation)
{
    return statement_run(sqlite_of(b), STMT_wake_moved, "sd", node, incarnation);
}
