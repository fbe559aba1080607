/* Feed batches and cursors. One batch is one commit. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_store_inside.h"

/* ---- decisions */

static enum err apply_decision(struct feed_apply *apply, const struct feed_item *item)
{
    struct node_store *store = apply->store;
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_leaf);
    sql_bind_hash(st, 1, &item->leaf);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK
                                    : err; /* of a life of this node that this store never saw */
    uint64_t id = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err != OK)
        return err;
    /* The one decision as the raw array of entries that an ACK would carry. */
    uint8_t space[256];
    struct writer out = writer_of(space, sizeof space);
    writer_array(&out, 1);
    writer_array(&out, 4);
    if (item->decision.whole)
        writer_nil(&out);
    else
        writer_uint(&out, item->decision.index);
    writer_uint(&out, item->decision.disposition);
    writer_str(&out, item->decision.reason);
    writer_str(&out, item->decision.field);
    if (out.err != OK)
        return out.err;
    const struct answer answer = { .epoch = apply->batch->epoch,
                                   .number = item->number,
                                   .told = item->number,
                                   .entries = writer_bytes(&out),
                                   .decision = true };
    return node_answer_entry(store, id, &answer);
}

/* ---- record items */

/* Records of former lives of this node carry numbers that this store may not know it gave. */
static enum err number_seen(struct node_store *store, struct bytes short_text)
{
    char mine[16], theirs[16];
    node_store_short(store->identity.node, 1, mine);
    size_t prefix = (size_t)(strchr(mine, '-') + 1 - mine);
    if (short_text.len >= sizeof theirs || short_text.len <= prefix ||
        memcmp(short_text.at, mine, prefix) != 0)
        return OK;
    memcpy(theirs, short_text.at, short_text.len);
    theirs[short_text.len] = '\0';
    unsigned long number = strtoul(theirs + prefix, NULL, 10);
    if (number < store->next_number || number >= UINT32_MAX - 1)
        return OK;
    store->next_number = (uint32_t)number + 1;
    struct sqlite3_stmt *st = node_sql(store, SQL_counter_number);
    sql_bind_uint(st, 1, store->next_number);
    return node_sql_run(store, st);
}

static enum err apply_record(struct feed_apply *apply, const struct feed_item *item)
{
    struct node_store *store = apply->store;
    struct state *state = scratch_take(&store->scratch, sizeof *state);
    struct bytes short_text;
    if (!state)
        return ERR_MEMORY;
    enum err err = node_state_load(store, &item->record, state, &short_text);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    bool first = err == ERR_NOT_FOUND, own = false;
    err = node_history_add(apply, item, first);
    if (err == OK)
        err = node_owed_own(store, &item->record, &own);
    state->collection = item->collection;
    struct state_field field = { .epoch = apply->batch->epoch, .rev = item->number };
    struct field_iter iter = fields_of(item->fields);
    while (err == OK && fields_next(&iter, &field.name, &field.value))
        err = state_set(state, &field, false);
    field.name = bytes_of(NULL, 0);
    field.value = item->deleted ? STATE_TRUE : STATE_FALSE;
    if (err == OK)
        err = state_set(state, &field, false);
    if (err == OK)
        err = node_state_save(store, &item->record, state, item->short_text);
    if (err == OK)
        err =
            node_owed_note(store, &item->record, state, bytes_of(NULL, 0), item->origin.claimed_ms);
    if (err == OK && !first)
        err = node_answer_told(apply, item, own);
    if (err == OK)
        err = node_lookup_add(store, item->collection, item->fields, &item->record);
    return err == OK ? number_seen(store, item->short_text) : err;
}

static enum err apply_conflict(struct feed_apply *apply, const struct feed_item *item)
{
    struct node_store *store = apply->store;
    size_t cap = 64 + item->collection.len + item->field.len + item->value_a.len +
                 item->value_b.len + item->author_a.len + item->author_b.len;
    uint8_t *space = scratch_take(&store->scratch, cap);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, cap);
    writer_array(&out, 6);
    writer_str(&out, item->collection);
    writer_str(&out, item->field);
    writer_raw(&out, item->value_a);
    writer_raw(&out, item->value_b);
    writer_str(&out, item->author_a);
    writer_str(&out, item->author_b);
    must(out.err == OK);
    const struct box_name name = box_name("conflict", bytes_id(&item->conflict), 0);
    struct bytes box;
    enum err err = node_box_put(store, &name, writer_bytes(&out), &box);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_conflict_put);
    sql_bind_id(st, 1, &item->conflict);
    sql_bind_id(st, 2, &item->record);
    sql_bind_uint(st, 3, item->number);
    sql_bind(st, 4, box);
    return node_sql_run(store, st);
}

static enum err apply_resolved(struct feed_apply *apply, const struct feed_item *item)
{
    struct node_store *store = apply->store;
    struct sqlite3_stmt *st = node_sql(store, SQL_conflict_delete);
    sql_bind_id(st, 1, &item->conflict);
    enum err err = node_sql_run(store, st);
    if (err == OK)
        err = node_history_add(apply, item, false);
    if (err != OK)
        return err;
    struct state *state = scratch_take(&store->scratch, sizeof *state);
    struct bytes short_text;
    if (!state)
        return ERR_MEMORY;
    err = node_state_load(store, &item->record, state, &short_text);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    if (state->collection.len == 0)
        return OK; /* its RECORD item is still to come, or nothing of it was ever confirmed here */
    const struct state_field field = { .name = item->field,
                                       .value = item->value_a,
                                       .epoch = apply->batch->epoch,
                                       .rev = item->number };
    err = state_set(state, &field, false);
    if (err == OK)
        err = node_state_save(store, &item->record, state, short_text);
    if (err == OK)
        err = node_owed_note(store, &item->record, state, bytes_of(NULL, 0), 0);
    if (err != OK || item->field.len == 0)
        return err;
    size_t cap = item->field.len + item->value_a.len + 16;
    uint8_t *space = scratch_take(&store->scratch, cap);
    if (!space)
        return ERR_MEMORY;
    struct writer one = writer_of(space, cap);
    writer_map(&one, 1);
    writer_str(&one, item->field);
    writer_raw(&one, item->value_a);
    must(one.err == OK);
    return node_lookup_add(store, state->collection, writer_bytes(&one), &item->record);
}

/* ---- the batch */

static enum feed_stream stream_of(enum feed_item_kind kind)
{
    switch (kind) {
    case FEED_TRUST:
    case FEED_RULES:
    case FEED_DECISION:
    case FEED_DICTIONARY:
        return FEED_CONTROL;
    case FEED_RECORD:
    case FEED_CONFLICT:
    case FEED_RESOLVED:
        break;
    }
    return FEED_RECORDS;
}

static enum err apply_item(struct feed_apply *apply, struct bytes raw)
{
    struct feed_item item;
    enum err err = feed_item_decode(raw, &item);
    if (err != OK)
        return problem_set(apply->problem, err, "feed item", NULL);
    if (stream_of(item.kind) != apply->batch->stream || item.number > apply->batch->to)
        return problem_set(apply->problem, ERR_MALFORMED, "feed item", "on the wrong stream");
    switch (item.kind) {
    case FEED_TRUST:
        return node_apply_trust(apply, &item);
    case FEED_RULES:
        return node_apply_rules(apply, &item);
    case FEED_DECISION:
        return apply_decision(apply, &item);
    case FEED_DICTIONARY:
        return node_apply_dictionary(apply, &item);
    case FEED_RECORD:
        return apply_record(apply, &item);
    case FEED_CONFLICT:
        return apply_conflict(apply, &item);
    case FEED_RESOLVED:
        return apply_resolved(apply, &item);
    }
    return ERR_MALFORMED;
}

static enum err apply_batch(struct feed_apply *apply, struct bytes items)
{
    struct node_store *store = apply->store;
    const struct feed_batch *batch = apply->batch;
    struct items_iter iter = items_of(items);
    enum err err = OK;
    for (; err == OK && iter.left > 0; iter.left--) {
        scratch_clear(&store->scratch);
        err = apply_item(apply, reader_raw(&iter.reader));
    }
    scratch_clear(&store->scratch);
    if (err == OK && iter.reader.err != OK)
        err = ERR_MALFORMED;
    const struct policy_mark mark = node_store_policy_mark(store);
    for (enum lane lane = LANE_URGENT; err == OK && apply->policy_moved && lane < LANE_COUNT;
         lane++)
        err = node_chain_policy(store, lane, &mark);
    const struct cursor to = { batch->epoch, batch->to, batch->journal_hash };
    if (err == OK)
        err = node_cursor_put(store, batch->stream, &to);
    if (err == OK && batch->stream == FEED_RECORDS) {
        struct sqlite3_stmt *st = node_sql(store, SQL_counter_shown);
        sql_bind_uint(st, 1, batch->to);
        err = node_sql_run(store, st);
    }
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_counter_seen);
    sql_bind_uint(st, 1, batch->epoch);
    sql_bind_uint(st, 2, batch->to);
    err = node_sql_run(store, st);
    return err == OK ? node_proof_feed(store, batch) : err;
}

/* Whether the batch goes on from where this store is. */
static enum err check_batch(struct node_store *store, const struct feed_batch *batch,
                            struct problem *problem, bool *ret_known)
{
    struct cursor cursor;
    if (!store->enrolled || batch->stream >= FEED_STREAMS)
        return problem_set(problem, ERR_STATE, "feed", "this node is not enrolled");
    if (batch->stream == FEED_RECORDS && !store->box)
        return problem_set(problem, ERR_LOCKED, "feed of records", NULL);
    enum err err = node_store_cursor(store, batch->stream, &cursor);
    if (err != OK)
        return err;
    if (batch->from > cursor.number || batch->to < batch->from || batch->epoch < cursor.epoch)
        return problem_set(problem, ERR_STATE, "feed", "the batch does not begin at the cursor");
    if (batch->stream == FEED_RECORDS && batch->epoch > store->trust.epoch)
        return problem_set(problem, ERR_STATE, "feed of records",
                           "the statement that opens its epoch is not here yet");
    *ret_known = batch->epoch == cursor.epoch && batch->to <= cursor.number;
    return OK;
}

enum err node_store_feed(struct node_store *store, const struct feed_batch *batch,
                         struct bytes items, struct problem *problem)
{
    struct problem unused = { .code = OK };
    struct feed_apply apply = { .store = store,
                                .batch = batch,
                                .problem = problem ? problem : &unused };
    *apply.problem = (struct problem){ .code = OK };
    bool known = false;
    enum err err = check_batch(store, batch, apply.problem, &known);
    if (err == OK && !known)
        err = node_begin(store);
    if (err != OK || known)
        return err;
    err = node_end(store, apply_batch(&apply, items));
    if (err != OK) {
        if (apply.problem->code == OK)
            (void)problem_set(apply.problem, err, "feed", NULL);
        /* trust and rules in memory may be ahead of the database now. */
        enum err load = node_load_policy(store);
        return load == OK ? err : load;
    }
    if (apply.epoch_moved)
        err = node_load_policy(store);
    if (apply.epoch_moved && err == OK)
        err = node_load_stranded(store);
    return err == OK && apply.policy_moved ? node_lookup_refresh(store) : err;
}

/* ---- cursors */

enum err node_cursor_put(struct node_store *store, enum feed_stream stream,
                         const struct cursor *cursor)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_cursor_put);
    sql_bind_uint(st, 1, stream);
    sql_bind_uint(st, 2, cursor->epoch);
    sql_bind_uint(st, 3, cursor->number);
    sql_bind_hash(st, 4, &cursor->hash);
    enum err err = node_sql_run(store, st);
    if (err == OK && stream == FEED_RECORDS && cursor->number == 0)
        err = node_sql_run(store, node_sql(store, SQL_cursor_load));
    return err;
}

enum err node_store_cursor(struct node_store *store, enum feed_stream stream,
                           struct cursor *ret_cursor)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_cursor_get);
    sql_bind_uint(st, 1, stream);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    struct cursor cursor = { .epoch = sql_uint(st, 0), .number = sql_uint(st, 1) };
    node_sql_fixed(store, st, 2, cursor.hash.at, HASH_BYTES);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret_cursor = cursor;
    return err;
}

enum err node_store_cursor_reset(struct node_store *store, enum feed_stream stream,
                                 const struct cursor *to)
{
    enum err err = node_begin(store);
    return err == OK ? node_end(store, node_cursor_put(store, stream, to)) : err;
}

enum err node_store_seen(struct node_store *store, uint64_t *ret_epoch, uint64_t *ret_number)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_counter_get);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t epoch = sql_uint(st, 1), number = sql_uint(st, 2);
    err = node_sql_end(store, st, OK);
    if (err == OK) {
        *ret_epoch = epoch;
        *ret_number = number;
    }
    return err;
}
