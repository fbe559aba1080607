/* Answers: acknowledgements, later decisions, own changes with what became of them, figures. */
#include <stdlib.h>

#include "common/must.h"
#include "node/node_countersign.h"
#include "node/node_store_inside.h"

/* Changes folded in the commit of an ACK; the rest follows when the node is idle. Views know both.
 */
#define ACK_FOLD_MAX 1000

/* ---- one transaction's answer */

/* What an answer comes to for one change. */
struct verdict {
    enum disposition disposition;
    struct bytes reason, field;
    uint8_t held[FIELDS_PER_CHANGE_MAX * (IDENTIFIER_BYTES_MAX + 1)];
    size_t held_len;
};

static void verdict_hold(struct verdict *verdict, struct bytes field)
{
    if (field.len == 0 || field.len > IDENTIFIER_BYTES_MAX || memchr(field.at, '\n', field.len) ||
        verdict->held_len + field.len + 1 > sizeof verdict->held)
        return;
    memcpy(verdict->held + verdict->held_len, field.at, field.len);
    verdict->held_len += field.len;
    verdict->held[verdict->held_len++] = '\n';
}

/* Entries of one change may repeat (one a held field); one that names the change beats one for all.
 */
static struct verdict verdict_of(const struct answer *answer, unsigned index)
{
    struct verdict verdict = { 0 };
    struct items_iter iter = items_of(answer->entries);
    struct ack_entry entry;
    bool own = false;
    if (!answer->decision && answer->number > 0)
        verdict.disposition = DISPOSITION_ACCEPTED;
    while (ack_entry_next(&iter, &entry)) {
        if (!entry.whole && entry.index != index)
            continue;
        if (entry.disposition == DISPOSITION_HELD)
            verdict_hold(&verdict, entry.field);
        if (own)
            continue;
        verdict.disposition = entry.disposition;
        verdict.reason = entry.reason;
        verdict.field = entry.field;
        own = !entry.whole;
    }
    if (verdict.disposition != DISPOSITION_HELD)
        verdict.held_len = 0;
    return verdict;
}

/* Of one epoch. A restore may have taken the decision back, and then the hub decides again. */
static bool is_final(enum disposition disposition)
{
    switch (disposition) {
    case DISPOSITION_ACCEPTED:
    case DISPOSITION_SUPERSEDED:
    case DISPOSITION_REJECTED:
        return true;
    case DISPOSITION_NONE:
    case DISPOSITION_HELD:
    case DISPOSITION_QUARANTINED:
    case DISPOSITION_PARKED:
        break;
    }
    return false;
}

/* A hub does not change a final answer. Where a later one differs, it went back to a backup before
 * the first, so short that nothing else shows it: then the later one is what it holds. */
static bool stays(enum disposition before, enum disposition now, bool later)
{
    return is_final(before) && (before == DISPOSITION_ACCEPTED || now == before || !later);
}

/* ERR_NOT_FOUND: the transaction has no change of that index. */
static enum err answer_change(struct node_store *store, uint64_t entry_id, unsigned index,
                              const struct answer *answer)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_change_of_entry);
    sql_bind_uint(st, 1, entry_id);
    sql_bind_uint(st, 2, index);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    enum disposition before = (enum disposition)sql_uint(st, 0);
    uint64_t epoch = sql_uint(st, 1), number = sql_uint(st, 2);
    uint64_t told_epoch = sql_uint(st, 3), told = sql_uint(st, 4);
    err = node_sql_end(store, st, OK);
    if (err != OK || answer->epoch < told_epoch ||
        (answer->epoch == told_epoch && answer->told < told))
        return err;
    const struct verdict verdict = verdict_of(answer, index);
    if (verdict.disposition == DISPOSITION_NONE ||
        (answer->epoch == told_epoch && stays(before, verdict.disposition, answer->told > told)))
        return OK;
    /* What was not held of a held change was taken at the number of its own entry, not of the
     * decision. */
    if (before != DISPOSITION_HELD) {
        epoch = answer->epoch;
        number = answer->number;
    }
    st = node_sql(store, SQL_change_answer);
    sql_bind_uint(st, 1, entry_id);
    sql_bind_uint(st, 2, index);
    sql_bind_uint(st, 3, verdict.disposition);
    sql_bind_text(st, 4, verdict.reason);
    sql_bind_text(st, 5, verdict.field);
    sql_bind_text(st, 6, bytes_of(verdict.held, verdict.held_len));
    sql_bind_uint(st, 7, epoch);
    sql_bind_uint(st, 8, number);
    sql_bind_uint(st, 9, answer->epoch);
    sql_bind_uint(st, 10, answer->told);
    err = node_sql_run(store, st);
    if (err == OK && verdict.disposition == DISPOSITION_REJECTED)
        err = node_draft_rejected(store, entry_id, index);
    else if (err == OK && before == DISPOSITION_REJECTED)
        err = node_draft_take_back(store);
    return err;
}

enum err node_answer_entry(struct node_store *store, uint64_t entry_id, const struct answer *answer)
{
    enum err err = OK;
    for (unsigned index = 0; err == OK && index < CHANGES_PER_TRANSACTION_MAX; index++)
        err = answer_change(store, entry_id, index, answer);
    return err == ERR_NOT_FOUND ? OK : err;
}

/* ---- acknowledgement */

static enum err ack_item(struct node_store *store, const struct ack *ack,
                         const struct ack_item *item)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_at);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, ack->lane);
    sql_bind_uint(st, 3, item->seq);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STATE : err;
    uint64_t id = sql_uint(st, 0);
    bool is_txn = sql_uint(st, 2) == ITEM_TXN;
    err = node_sql_end(store, st, OK);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_entry_received);
    sql_bind_uint(st, 1, id);
    sql_bind_uint(st, 2, ack->epoch);
    sql_bind_uint(st, 3, ack->number);
    err = node_sql_run(store, st);
    if (err != OK || !is_txn)
        return err;
    const struct answer answer = {
        .epoch = ack->epoch, .number = item->number, .told = ack->number, .entries = item->entries
    };
    return node_answer_entry(store, id, &answer);
}

/* An ACK that skips positions would leave their changes without an answer: the one before it was
 * lost, and HELLO makes the hub repeat it. */
static enum err check_contiguous(const struct ack *ack, uint64_t acked)
{
    struct items_iter iter = items_of(ack->items);
    struct ack_item item;
    uint64_t next = 0;
    while (ack_item_next(&iter, &item)) {
        if (next == 0 && item.seq > acked + 1)
            return ERR_STATE;
        if (next != 0 && item.seq != next)
            return ERR_MALFORMED;
        next = item.seq + 1;
    }
    if (iter.reader.err != OK)
        return ERR_MALFORMED;
    return next == 0 ? (ack->last <= acked ? OK : ERR_STATE)
                     : (next == ack->last + 1 ? OK : ERR_MALFORMED);
}

static enum err lane_acked(struct node_store *store, const struct ack *ack,
                           const struct lane_row *row)
{
    struct node_lane lane = row->lane;
    if (ack->last > lane.acked) {
        enum err err = node_store_head(store, ack->lane, ack->last, &lane.acked_head);
        if (err != OK)
            return err;
        lane.acked = ack->last;
    }
    if (ack->keep_from > lane.keep_from)
        lane.keep_from = ack->keep_from;
    struct sqlite3_stmt *st = node_sql(store, SQL_lane_ack);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, ack->lane);
    sql_bind_uint(st, 3, lane.acked);
    sql_bind_hash(st, 4, &lane.acked_head);
    sql_bind_uint(st, 5, lane.keep_from);
    enum err err = node_sql_run(store, st);
    if (err == OK && lane.keep_from > 1 && store->life > 1) {
        st = node_sql(store, SQL_lane_safe);
        sql_bind_uint(st, 1, store->life);
        err = node_sql_run(store, st);
        if (err == OK && sqlite3_changes(store->db.handle) > 0) {
            st = node_sql(store, SQL_item_drop_old);
            sql_bind_uint(st, 1, store->life);
            err = node_sql_run(store, st);
        }
    }
    return err;
}

static enum err apply_ack(struct node_store *store, const struct ack *ack)
{
    struct lane_row row;
    enum err err = node_lane_row(store, store->life, ack->lane, &row);
    /* Of a journal that was given up: nothing in it counts any more. Of one whose opening statement
     * is not here yet: what the old one said must be taken back first; the hub repeats its answer.
     */
    if (err == OK && (ack->last > row.lane.highest || ack->epoch != store->trust.epoch))
        err = ERR_STATE;
    if (err == OK)
        err = check_contiguous(ack, row.lane.acked);
    struct items_iter iter = items_of(ack->items);
    struct ack_item item;
    while (err == OK && ack_item_next(&iter, &item))
        err = ack_item(store, ack, &item);
    if (err == OK)
        err = lane_acked(store, ack, &row);
    if (err == OK) {
        struct sqlite3_stmt *st = node_sql(store, SQL_counter_seen);
        sql_bind_uint(st, 1, ack->epoch);
        sql_bind_uint(st, 2, ack->number);
        err = node_sql_run(store, st);
    }
    if (err == OK)
        err = node_proof_ack(store, ack, row.lane.acked);
    if (err == OK)
        err = node_link_keep(store);
    bool left;
    if (err == OK && store->box)
        err = node_fold(store, ACK_FOLD_MAX, &left);
    if (err == OK)
        err = node_drop_passed(store, ack->lane);
    return err;
}

enum err node_store_ack(struct node_store *store, const struct ack *ack)
{
    if (!store->enrolled || ack->lane >= LANE_COUNT)
        return ERR_STATE;
    enum err err = node_begin(store);
    return err == OK ? node_end(store, apply_ack(store, ack)) : err;
}

/* ---- own changes */

static enum err own_change_row(struct node_store *store, struct sqlite3_stmt *st,
                               own_change_callback *each, void *ctx)
{
    struct own_change own = { 0 };
    enum err err = OK;
    own.index = (unsigned)sql_uint(st, 1);
    node_sql_fixed(store, st, 2, own.record.at, ID_BYTES);
    own.op = (enum change_op)sql_uint(st, 3);
    own.disposition = (enum disposition)sql_uint(st, 4);
    own.reason = sql_bytes(st, 5);
    own.field = sql_bytes(st, 6);
    own.number = sql_uint(st, 7);
    node_sql_fixed(store, st, 9, own.leaf.at, HASH_BYTES);
    own.lane = (enum lane)sql_uint(st, 10);
    own.seq = sql_uint(st, 11);
    own.queued_wall_ms = sql_uint(st, 12);
    own.safe = sql_uint(st, 13) != 0;
    own.author = (uint32_t)sql_uint(st, 14);
    own.countersign = sqlite3_column_type(st, 15) == SQLITE_NULL
                          ? COUNTERSIGN_NONE
                          : (enum countersign_state)sql_uint(st, 15);
    own.countersigner = (uint32_t)sql_uint(st, 16);
    scratch_clear(&store->scratch);
    if (store->box && sql_bytes(st, 8).len > 0) {
        const struct box_name name = box_name("change", bytes_hash(&own.leaf), own.index);
        err = node_box_get(store, &name, sql_bytes(st, 8), &own.raw);
    }
    if (err == OK)
        each(ctx, &own);
    return err;
}

enum err node_store_changes(struct node_store *store, const struct id *record, bool attention,
                            own_change_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, attention ? SQL_change_attention
                                              : record  ? SQL_change_list_record
                                                        : SQL_change_list);
    bool row = false;
    enum err err;
    if (record)
        sql_bind_id(st, 1, record);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        err = own_change_row(store, st, each, ctx);
        if (err != OK)
            break;
    }
    return node_sql_end(store, st, err);
}

enum err node_store_dismiss(struct node_store *store, const struct hash *leaf, unsigned index)
{
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_change_dismiss);
    sql_bind_hash(st, 1, leaf);
    sql_bind_uint(st, 2, index);
    err = node_sql_run(store, st);
    if (err == OK && sqlite3_changes(store->db.handle) == 0)
        err = ERR_NOT_FOUND;
    if (err == OK)
        err = node_draft_take_back(store);
    return node_end(store, err);
}

/* ---- figures */

static enum err count_row(struct node_store *store, enum node_statement which, uint64_t *ret_count)
{
    struct sqlite3_stmt *st = node_sql(store, which);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    *ret_count = sql_uint(st, 0);
    return node_sql_end(store, st, OK);
}

static enum err count_dispositions(struct node_store *store, struct node_figures *figures)
{
    uint64_t *const places[] = {
        [DISPOSITION_ACCEPTED] = &figures->accepted,
        [DISPOSITION_SUPERSEDED] = &figures->superseded,
        [DISPOSITION_REJECTED] = &figures->rejected,
        [DISPOSITION_HELD] = &figures->held,
        [DISPOSITION_QUARANTINED] = &figures->quarantined,
        [DISPOSITION_PARKED] = &figures->parked,
    };
    struct sqlite3_stmt *st = node_sql(store, SQL_change_counts);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        uint64_t disposition = sql_uint(st, 0);
        if (disposition < COUNT_OF(places) && places[disposition])
            *places[disposition] = sql_uint(st, 1);
    }
    return node_sql_end(store, st, err);
}

/* A lane is safe before keep_from, as far as it was received. */
static enum err count_safe(struct node_store *store, uint64_t *ret_safe)
{
    uint64_t safe = 0;
    bool row = false;
    enum err err;
    struct sqlite3_stmt *st = node_sql(store, SQL_lane_all);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        uint64_t acked = sql_uint(st, 2), keep_from = sql_uint(st, 3);
        uint64_t to = keep_from > 0 && keep_from - 1 < acked ? keep_from - 1 : acked;
        uint64_t changes, bytes;
        if (keep_from == 0)
            to = 0;
        err = node_sums(store, sql_uint(st, 0), (enum lane)sql_uint(st, 1), to, &changes, &bytes);
        if (err != OK)
            break;
        safe += changes;
    }
    err = node_sql_end(store, st, err);
    if (err == OK)
        *ret_safe = safe;
    return err;
}

enum err node_store_figures(struct node_store *store, struct node_figures *ret_figures)
{
    struct node_figures figures = { .queue_limit_bytes = store->queue_limit_bytes };
    enum err err = OK;
    if (store->enrolled)
        err = node_queued(store, &figures.queued, &figures.queued_bytes);
    if (err == OK)
        err = count_dispositions(store, &figures);
    if (err == OK)
        err = count_safe(store, &figures.safe);
    if (err == OK)
        err = count_row(store, SQL_record_count, &figures.records);
    if (err == OK)
        err = count_row(store, SQL_conflict_count, &figures.conflicts);
    if (err == OK)
        err = count_row(store, SQL_draft_count, &figures.drafts);
    struct waiting_count waiting = { 0 };
    if (err == OK)
        err = node_store_waiting_count(store, 0, &waiting);
    figures.to_countersign = waiting.changes;
    if (err == OK)
        *ret_figures = figures;
    return err;
}

enum err node_store_queued(struct node_store *store, uint64_t *ret_queued)
{
    uint64_t queued = 0, bytes = 0;
    enum err err = store->enrolled ? node_queued(store, &queued, &bytes) : OK;
    if (err == OK)
        *ret_queued = queued;
    return err;
}
