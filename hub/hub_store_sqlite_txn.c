/* The embedded backend: transactions, their changes, conflicts. */
#include "common/must.h"
#include "hub/hub_store_sqlite.h"

/* --- transactions ---------------------------------------------------------------------------- */

enum err sqlite_txn_put(struct hub_backend *b, const struct row_txn *row, struct bytes body)
{
    uint8_t space[64];
    struct writer after = writer_of(space, sizeof(space));
    for (unsigned i = 0; i < row->after_count; i++) {
        writer_uint(&after, row->after[i].lane);
        writer_uint(&after, row->after[i].seq);
    }
    must(!after.err);
    return statement_run(sqlite_of(b), STMT_txn_put, "nhsdinnnnnnnibsisNinb", row->number,
                         &row->leaf, row->node, &row->incarnation, (int)row->lane, row->seq,
                         (uint64_t)row->operator_number, row->claimed_ms, row->trust_version,
                         row->rules_version, row->chain_trust, row->chain_rules, (int)row->twin,
                         row->after_count > 0 ? writer_bytes(&after) : bytes_of(NULL, 0),
                         reason_text(row->fault), (int)row->state, reason_text(row->reason),
                         row->merged, (int)row->change_count, (uint64_t)row->plain_bytes, body);
}

static enum err txn_read(sqlite3_stmt *st, struct row_txn *ret_row)
{
    struct row_txn row = { .number = column_u64(st, 0),
                           .lane = (enum lane)sqlite3_column_int(st, 4),
                           .seq = column_u64(st, 5),
                           .operator_number = (uint32_t)column_u64(st, 6),
                           .claimed_ms = column_u64(st, 7),
                           .trust_version = column_u64(st, 8),
                           .rules_version = column_u64(st, 9),
                           .chain_trust = column_u64(st, 10),
                           .twin = sqlite3_column_int(st, 11) != 0,
                           .fault = column_err(st, 13),
                           .state = (enum disposition)sqlite3_column_int(st, 14),
                           .reason = column_err(st, 15),
                           .merged = column_u64(st, 16),
                           .change_count = (unsigned)sqlite3_column_int(st, 17),
                           .plain_bytes = (size_t)column_u64(st, 18),
                           .chain_rules = column_u64(st, 19) };
    column_text(st, 2, row.node, sizeof(row.node));
    struct reader after = reader_of(column_bytes(st, 12));
    while (row.after_count < AFTER_MAX && reader_peek(&after) == KIND_INT) {
        row.after[row.after_count].lane = lane_decode(&after);
        row.after[row.after_count++].seq = reader_uint(&after);
    }
    enum err err = reader_end(&after) == OK ? OK : ERR_STORE;
    if (!err)
        err = column_hash(st, 1, &row.leaf);
    if (!err)
        err = column_id(st, 3, &row.incarnation);
    if (!err)
        *ret_row = row;
    return err;
}

enum err sqlite_txn_get(struct hub_backend *b, uint64_t number, struct row_txn *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_txn_get];
    statement_bind(st, "n", number);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = txn_read(st, ret_row);
    (void)sqlite3_reset(st);
    return err;
}

static enum err number_of(struct sqlite_backend *s, sqlite3_stmt *st, uint64_t *ret_number)
{
    enum err err = statement_row(s, st);
    if (err)
        return err;
    *ret_number = column_u64(st, 0);
    (void)sqlite3_reset(st);
    return OK;
}

enum err sqlite_txn_find(struct hub_backend *b, const struct hash *leaf, uint64_t *ret_number)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_txn_find], "h", leaf);
    return number_of(s, s->statements[STMT_txn_find], ret_number);
}

enum err sqlite_txn_body(struct hub_backend *b, uint64_t number, struct bytes *ret_body)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_txn_body];
    statement_bind(st, "n", number);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = space_copy(&s->body, column_bytes(st, 0), ret_body);
    (void)sqlite3_reset(st);
    return err;
}

enum err sqlite_txn_decide(struct hub_backend *b, const struct row_txn *row)
{
    return statement_run(sqlite_of(b), STMT_txn_decide, "nisN", row->number, (int)row->state,
                         reason_text(row->reason), row->merged);
}

enum err sqlite_txn_merged_in(struct hub_backend *b, uint64_t number, uint64_t *ret_txn)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_txn_merged_in], "n", number);
    return number_of(s, s->statements[STMT_txn_merged_in], ret_txn);
}

enum err sqlite_txn_quarantined_next(struct hub_backend *b, uint64_t after, uint64_t *ret_number)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_txn_quarantined_next], "n", after);
    return number_of(s, s->statements[STMT_txn_quarantined_next], ret_number);
}

/* --- changes --------------------------------------------------------------------------------- */

static const char *text_or_null(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

enum err sqlite_changes_put(struct hub_backend *b, const struct row_change *rows, unsigned count)
{
    struct sqlite_backend *s = sqlite_of(b);
    for (unsigned i = 0; i < count; i++) {
        enum err err = statement_run(
            s, STMT_change_put, "nidniiisss", rows[i].txn, (int)rows[i].index, &rows[i].record,
            (uint64_t)tables_id(s, rows[i].collection), (int)rows[i].op, (int)rows[i].disposition,
            (int)rows[i].flags, reason_text(rows[i].reason), text_or_null(rows[i].field),
            text_or_null(rows[i].moved_from));
        if (err)
            return err;
    }
    return OK;
}

enum err sqlite_changes_drop(struct hub_backend *b, uint64_t txn)
{
    return statement_run(sqlite_of(b), STMT_changes_drop, "n", txn);
}

static enum err change_read(struct sqlite_backend *s, sqlite3_stmt *st, struct row_change *ret_row)
{
    ret_row->txn = column_u64(st, 0);
    ret_row->index = (unsigned)sqlite3_column_int(st, 1);
    ret_row->collection = tables_collection(s, sqlite3_column_int64(st, 3));
    ret_row->op = (enum change_op)sqlite3_column_int(st, 4);
    ret_row->disposition = (enum disposition)sqlite3_column_int(st, 5);
    ret_row->flags = (unsigned)sqlite3_column_int(st, 6);
    ret_row->reason = column_err(st, 7);
    column_text(st, 8, ret_row->field, sizeof(ret_row->field));
    column_text(st, 9, ret_row->moved_from, sizeof(ret_row->moved_from));
    return column_id(st, 2, &ret_row->record);
}

enum err sqlite_changes_get(struct hub_backend *b, uint64_t txn, struct row_change *ret_rows,
                            unsigned *ret_count)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_changes_get];
    statement_bind(st, "n", txn);
    enum err err = OK;
    unsigned count = 0;
    while (!err && (err = statement_row(s, st)) == OK) {
        if (count == CHANGES_PER_TRANSACTION_MAX)
            err = ERR_STORE;
        else
            err = change_read(s, st, &ret_rows[count++]);
    }
    (void)sqlite3_reset(st);
    if (err != ERR_NOT_FOUND)
        return err;
    *ret_count = count;
    return OK;
}

enum err sqlite_change_get(struct hub_backend *b, uint64_t txn, unsigned index,
                           struct row_change *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_change_get];
    statement_bind(st, "ni", txn, (int)index);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = change_read(s, st, ret_row);
    (void)sqlite3_reset(st);
    return err;
}

enum err sqlite_change_decide(struct hub_backend *b, const struct row_change *row)
{
    return statement_run(sqlite_of(b), STMT_change_decide, "niiiss", row->txn, (int)row->index,
                         (int)row->disposition, (int)row->flags, reason_text(row->reason),
                         text_or_null(row->field));
}

/* Accepted before waiting before rejected. */
static int creation_rank(enum disposition disposition)
{
    switch (disposition) {
    case DISPOSITION_REJECTED:
        return 2;
    case DISPOSITION_QUARANTINED:
    case DISPOSITION_PARKED:
        return 1;
    case DISPOSITION_NONE:
    case DISPOSITION_ACCEPTED:
    case DISPOSITION_SUPERSEDED:
    case DISPOSITION_HELD:
        break;
    }
    return 0;
}

enum err sqlite_creation(struct hub_backend *b, const struct id *record, uint64_t except,
                         struct row_creation *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_creation];
    bool any = false;
    enum err err;
    statement_bind(st, "dn", record, except);
    while ((err = statement_row(s, st)) == OK) {
        struct row_creation row = {
            .txn = column_u64(st, 0),
            .collection = tables_collection(s, sqlite3_column_int64(st, 1)),
            .disposition = (enum disposition)sqlite3_column_int(st, 2),
        };
        if (!any || creation_rank(row.disposition) < creation_rank(ret_row->disposition))
            *ret_row = row;
        any = true;
    }
    return err == ERR_NOT_FOUND && any ? OK : err;
}

/* --- conflicts ------------------------------------------------------------------------------- */

enum err sqlite_conflict_put(struct hub_backend *b, const struct row_conflict *row)
{
    struct sqlite_backend *s = sqlite_of(b);
    return statement_run(
        s, STMT_conflict_put, "dndsnnisbNb", &row->id, (uint64_t)tables_id(s, row->collection),
        &row->record, row->field, row->number, row->held_txn, (int)row->held_index, row->held_node,
        row->held_value, row->closed, row->closed > 0 ? row->chosen : bytes_of(NULL, 0));
}

static enum err conflict_read(struct sqlite_backend *s, sqlite3_stmt *st,
                              struct row_conflict *ret_row)
{
    struct row_conflict row = { .collection = tables_collection(s, sqlite3_column_int64(st, 1)),
                                .number = column_u64(st, 4),
                                .held_txn = column_u64(st, 5),
                                .held_index = (unsigned)sqlite3_column_int(st, 6),
                                .closed = column_u64(st, 9) };
    column_text(st, 3, row.field, sizeof(row.field));
    column_text(st, 7, row.held_node, sizeof(row.held_node));
    enum err err = column_id(st, 0, &row.id);
    if (!err)
        err = column_id(st, 2, &row.record);
    if (!err)
        err = space_copy(&s->held, column_bytes(st, 8), &row.held_value);
    if (!err)
        err = space_copy(&s->chosen, column_bytes(st, 10), &row.chosen);
    if (!err)
        *ret_row = row;
    return err;
}

static enum err conflict_one(struct sqlite_backend *s, sqlite3_stmt *st,
                             struct row_conflict *ret_row)
{
    enum err err = statement_row(s, st);
    if (err)
        return err;
    err = conflict_read(s, st, ret_row);
    (void)sqlite3_reset(st);
    return err;
}

enum err sqlite_conflict_get(struct hub_backend *b, const struct id *id,
                             struct row_conflict *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_conflict_get], "d", id);
    return conflict_one(s, s->statements[STMT_conflict_get], ret_row);
}

enum err sqlite_conflict_find(struct hub_backend *b, const struct id *record, const char *field,
                              const char *node, struct row_conflict *ret_row)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_conflict_find], "dss", record, field, node);
    return conflict_one(s, s->statements[STMT_conflict_find], ret_row);
}

enum err sqlite_conflicts_held(struct hub_backend *b, uint64_t txn, unsigned index,
                               unsigned *ret_open)
{
    struct sqlite_backend *s = sqlite_of(b);
    uint64_t count = 0;
    statement_bind(s->statements[STMT_conflicts_held], "ni", txn, (int)index);
    enum err err = number_of(s, s->statements[STMT_conflicts_held], &count);
    if (!err)
        *ret_open = (unsigned)count;
    return err;
}

enum err sqlite_conflicts_weigh(struct hub_backend *b, const struct id *record, unsigned *ret_open,
                                size_t *ret_bytes)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = s->statements[STMT_conflicts_weigh];
    statement_bind(st, "d", record);
    enum err err = statement_row(s, st);
    if (err)
        return err;
    *ret_open = (unsigned)sqlite3_column_int(st, 0);
    *ret_bytes = (size_t)column_u64(st, 1);
    (void)sqlite3_reset(st);
    return OK;
}

enum err sqlite_conflicts_renew(struct hub_backend *b, const struct id *record, uint64_t number)
{
    return statement_run(sqlite_of(b), STMT_conflicts_renew, "dn", record, number);
}

static enum err conflicts_each(struct sqlite_backend *s, sqlite3_stmt *st,
                               hub_conflict_callback *each, void *ctx)
{
    enum err err = OK;
    bool more = true;
    while (!err && more && (err = statement_row(s, st)) == OK) {
        struct row_conflict row;
        err = conflict_read(s, st, &row);
        if (!err)
            more = each(ctx, &row);
    }
    (void)sqlite3_reset(st);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_conflicts_at(struct hub_backend *b, uint64_t number, hub_conflict_callback *each,
                             void *ctx)
{
    struct sqlite_backend *s = sqlite_of(b);
    statement_bind(s->statements[STMT_conflicts_opened], "n", number);
    enum err err = conflicts_each(s, s->statements[STMT_conflicts_opened], each, ctx);
    if (err)
        return err;
    statement_bind(s->statements[STMT_conflicts_closed], "n", number);
    return conflicts_each(s, s->statements[STMT_conflicts_closed], each, ctx);
}

enum err sqlite_conflicts_open(struct hub_backend *b, hub_conflict_callback *each, void *ctx)
{
    struct sqlite_backend *s = sqlite_of(b);
    return conflicts_each(s, s->statements[STMT_conflicts_open], each, ctx);
}
