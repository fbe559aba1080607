/* The confirmed state of a record: one box a record, folding of own accepted changes, look-up rows.
 *
 *   plain = [1, collection, [[name, epoch, rev, value] …]]
 * The field with the empty name is the record's existence: true = deleted. */
#include <stdlib.h>

#include "common/must.h"
#include "node/node_look.h"
#include "node/node_store_inside.h"

#define STATE_FORM 1
#define FOLD_CHANGES_MAX 256 /* in one transaction */

static const uint8_t raw_true = 0xc3, raw_false = 0xc2;
const struct bytes STATE_TRUE = { &raw_true, 1 }, STATE_FALSE = { &raw_false, 1 };

/* ---- fields of a state */

const struct state_field *state_field(const struct state *state, struct bytes name)
{
    for (size_t i = 0; i < state->count; i++) {
        if (bytes_equal(state->fields[i].name, name))
            return &state->fields[i];
    }
    return NULL;
}

enum err state_set(struct state *state, const struct state_field *field, bool older_only)
{
    for (size_t i = 0; i < state->count; i++) {
        struct state_field *mine = &state->fields[i];
        if (!bytes_equal(mine->name, field->name))
            continue;
        if (mine->rev < field->rev || (mine->rev == field->rev && !older_only))
            *mine = *field;
        return OK;
    }
    if (state->count == STATE_FIELDS_MAX)
        return ERR_LIMIT;
    state->fields[state->count++] = *field;
    return OK;
}

bool state_deleted(const struct state *state)
{
    const struct state_field *existence = state_field(state, bytes_of(NULL, 0));
    return existence && bytes_equal(existence->value, STATE_TRUE);
}

bool held_names(struct bytes held, struct bytes name)
{
    for (size_t start = 0, i = 0; i < held.len; i++) {
        if (held.at[i] != '\n')
            continue;
        if (bytes_equal(bytes_of(held.at + start, i - start), name))
            return true;
        start = i + 1;
    }
    return false;
}

bool held_all(struct bytes held, const struct change *change)
{
    struct field_iter iter = fields_of(change->fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        if (held_names(held, name))
            return false;
    }
    return true;
}

/* ---- the box */

/* What an epoch's cut has undone is not there: the feed brings it again if it happened. */
static bool undone(const struct node_store *store, const struct state_field *field)
{
    for (size_t i = 0; i < store->epoch_count; i++) {
        if (field->epoch < store->epochs[i].epoch && field->rev > store->epochs[i].cut)
            return true;
    }
    return false;
}

static enum err state_decode(const struct node_store *store, struct bytes plain,
                             struct state *ret_state)
{
    struct reader in = reader_of(plain);
    reader_array_of(&in, 3);
    if (reader_uint(&in) != STATE_FORM)
        return ERR_STORE;
    ret_state->collection = reader_str(&in);
    size_t count = reader_array(&in);
    if (count > STATE_FIELDS_MAX)
        return ERR_STORE;
    for (size_t i = 0; i < count; i++) {
        struct state_field field = { .rev = 0 };
        reader_array_of(&in, 4);
        field.name = reader_str(&in);
        field.epoch = reader_uint(&in);
        field.rev = reader_uint(&in);
        field.value = reader_raw(&in);
        if (!undone(store, &field))
            ret_state->fields[ret_state->count++] = field;
    }
    if (ret_state->count == 0)
        ret_state->collection = bytes_of(NULL, 0);
    return reader_end(&in) == OK ? OK : ERR_STORE;
}

enum err node_state_load(struct node_store *store, const struct id *record, struct state *ret_state,
                         struct bytes *ret_short)
{
    ret_state->collection = bytes_of(NULL, 0);
    ret_state->count = 0;
    struct sqlite3_stmt *st = node_sql(store, SQL_record_get);
    sql_bind_id(st, 1, record);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct bytes plain = { .len = 0 }, short_text;
    const struct box_name name = box_name("record", bytes_id(record), 0);
    err = scratch_copy(&store->scratch, sql_bytes(st, 0), &short_text);
    bool confirmed = sql_uint(st, 1) != 0;
    if (err == OK && confirmed)
        err = node_box_get(store, &name, sql_bytes(st, 2), &plain);
    err = node_sql_end(store, st, err);
    if (err == OK && confirmed)
        err = state_decode(store, plain, ret_state);
    if (err == OK)
        *ret_short = short_text;
    return err;
}

enum err node_state_save(struct node_store *store, const struct id *record,
                         const struct state *state, struct bytes short_text)
{
    must(state->collection.len > 0);
    size_t cap = 64 + state->collection.len;
    for (size_t i = 0; i < state->count; i++)
        cap += 32 + state->fields[i].name.len + state->fields[i].value.len;
    uint8_t *space = scratch_take(&store->scratch, cap);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, cap);
    writer_array(&out, 3);
    writer_uint(&out, STATE_FORM);
    writer_str(&out, state->collection);
    writer_array(&out, state->count);
    for (size_t i = 0; i < state->count; i++) {
        const struct state_field *field = &state->fields[i];
        writer_array(&out, 4);
        writer_str(&out, field->name);
        writer_uint(&out, field->epoch);
        writer_uint(&out, field->rev);
        writer_raw(&out, field->value);
    }
    must(out.err == OK);
    struct bytes box;
    struct id kind;
    const struct box_name name = box_name("record", bytes_id(record), 0);
    enum err err = node_box_put(store, &name, writer_bytes(&out), &box);
    if (err != OK)
        return err;
    node_kind(store, state->collection, &kind);
    struct sqlite3_stmt *st = node_sql(store, SQL_record_put);
    sql_bind_id(st, 1, record);
    sql_bind_text(st, 2, short_text);
    sql_bind_id(st, 3, &kind);
    sql_bind(st, 4, box);
    return node_sql_run(store, st);
}

/* ---- folding */

struct unfolded {
    uint64_t entry, epoch, number, wall_ms;
    unsigned index;
    struct id record;
    enum disposition disposition;
    struct bytes held, raw;
};

static enum err next_unfolded(struct node_store *store, struct unfolded *ret)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_change_unfolded);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct hash leaf;
    ret->entry = sql_uint(st, 0);
    ret->index = (unsigned)sql_uint(st, 1);
    node_sql_fixed(store, st, 2, ret->record.at, ID_BYTES);
    ret->disposition = (enum disposition)sql_uint(st, 3);
    ret->epoch = sql_uint(st, 5);
    ret->number = sql_uint(st, 6);
    node_sql_fixed(store, st, 8, leaf.at, HASH_BYTES);
    ret->wall_ms = sql_uint(st, 9);
    const struct box_name name = box_name("change", bytes_hash(&leaf), ret->index);
    err = scratch_copy(&store->scratch, sql_bytes(st, 4), &ret->held);
    if (err == OK)
        err = node_box_get(store, &name, sql_bytes(st, 7), &ret->raw);
    return node_sql_end(store, st, err);
}

/* The values of one change that the hub took, at the journal number where it took them. What stands
 * there from the same number came by the feed and is what the hub has. */
static enum err fold_change(struct node_store *store, const struct unfolded *one)
{
    struct state *state = scratch_take(&store->scratch, sizeof *state);
    struct change change;
    struct bytes short_text = bytes_of(NULL, 0);
    if (!state)
        return ERR_MEMORY;
    enum err err = change_decode(one->raw, &change);
    if (err != OK)
        return ERR_STORE;
    bool held = one->disposition == DISPOSITION_HELD || one->held.len > 0;
    if (held && held_all(one->held, &change))
        return OK;
    err = node_state_load(store, &one->record, state, &short_text);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    err = OK;
    if (state->collection.len == 0)
        state->collection = change.collection;
    struct field_iter iter = fields_of(change.fields);
    struct state_field field = { .epoch = one->epoch, .rev = one->number };
    while (err == OK && fields_next(&iter, &field.name, &field.value)) {
        if (!held || !held_names(one->held, field.name))
            err = state_set(state, &field, true);
    }
    if (err == OK && (change.op == OP_DELETE || change.op == OP_CREATE)) {
        field.name = bytes_of(NULL, 0);
        field.value = change.op == OP_DELETE ? STATE_TRUE : STATE_FALSE;
        err = state_set(state, &field, true);
    }
    if (err == OK)
        err = node_state_save(store, &one->record, state, short_text);
    return err == OK ? node_owed_note(store, &one->record, state, change.fields, one->wall_ms)
                     : err;
}

enum err node_fold(struct node_store *store, unsigned max, bool *ret_left)
{
    enum err err = OK;
    unsigned count = 0;
    for (; err == OK && count < max; count++) {
        struct unfolded one = { 0 };
        scratch_clear(&store->scratch);
        err = next_unfolded(store, &one);
        if (err == OK)
            err = fold_change(store, &one);
        if (err != OK)
            break;
        struct sqlite3_stmt *st = node_sql(store, SQL_change_folded);
        sql_bind_uint(st, 1, one.entry);
        sql_bind_uint(st, 2, one.index);
        err = node_sql_run(store, st);
    }
    scratch_clear(&store->scratch);
    *ret_left = err == OK && count == max;
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err node_fold_all(struct node_store *store)
{
    bool left = true;
    enum err err = OK;
    while (err == OK && left) {
        err = node_begin(store);
        if (err == OK)
            err = node_end(store, node_fold(store, FOLD_CHANGES_MAX, &left));
    }
    return err;
}

/* ---- look-up rows */

void node_kind(const struct node_store *store, struct bytes collection, struct id *ret_kind)
{
    const struct bytes parts[] = { bytes_text("kind"), collection };
    node_index_hash(store, parts, COUNT_OF(parts), ret_kind);
}

void node_lookup_hash(const struct node_store *store, struct bytes collection, struct bytes field,
                      struct bytes value, struct id *ret_hash)
{
    const struct bytes parts[] = { bytes_text("value"), collection, field, value };
    node_index_hash(store, parts, COUNT_OF(parts), ret_hash);
}

enum err node_lookup_add(struct node_store *store, struct bytes collection, struct bytes fields,
                         const struct id *record)
{
    const struct policy_collection *known =
        store->policy ? policy_collection(store->policy, collection) : NULL;
    if (!known)
        return OK;
    struct field_iter iter = fields_of(fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(known, name);
        if (!field || !field->lookup ||
            reader_peek(&(struct reader){ value.at, value.at + value.len, OK }) == KIND_NIL)
            continue;
        struct id hash;
        node_lookup_hash(store, collection, name, value, &hash);
        struct sqlite3_stmt *st = node_sql(store, SQL_lookup_put);
        sql_bind_id(st, 1, &hash);
        sql_bind_id(st, 2, record);
        enum err err = node_sql_run(store, st);
        if (err != OK)
            return err;
    }
    return OK;
}

static void hash_answer(struct hasher *hasher, const struct policy_collection *collection)
{
    const struct policy_answer *answer = collection->answer;
    if (!answer)
        return;
    const int64_t numbers[] = { answer->field, answer->state, answer->days };
    hasher_add(hasher, bytes_of(collection->name, strlen(collection->name) + 1));
    hasher_add(hasher, bytes_of(numbers, sizeof numbers));
    for (size_t i = 0; i < answer->open_count; i++)
        hasher_add(hasher, bytes_of(answer->open[i], strlen(answer->open[i]) + 1));
}

/* Names the set of look-up fields of the policy in force, what is owed answers, and the epochs,
 * whose cuts take answers back. */
static void lookup_shape(const struct node_store *store, struct hash *ret_shape)
{
    struct hasher hasher;
    hasher_start(&hasher, "node-lookup-shape");
    for (size_t i = 0; store->policy && i < store->policy->collection_count; i++) {
        const struct policy_collection *collection = &store->policy->collections[i];
        hash_answer(&hasher, collection);
        for (size_t j = 0; j < collection->field_count; j++) {
            if (!collection->fields[j].lookup)
                continue;
            hasher_add(&hasher, bytes_of(collection->name, strlen(collection->name) + 1));
            hasher_add(&hasher, bytes_of(collection->fields[j].name,
                                         strlen(collection->fields[j].name) + 1));
        }
    }
    const uint64_t epochs = store->epoch_count;
    hasher_add(&hasher, bytes_of(&epochs, sizeof epochs));
    hasher_end(&hasher, ret_shape);
}

static enum err lookup_record(struct node_store *store, const struct id *record, uint64_t wall_ms)
{
    struct state *state = scratch_take(&store->scratch, sizeof *state);
    struct bytes short_text;
    if (!state)
        return ERR_MEMORY;
    enum err err = node_state_load(store, record, state, &short_text);
    if (err == OK)
        err = node_owed_again(store, record, state, wall_ms);
    for (size_t i = 0; err == OK && i < state->count; i++) {
        const struct state_field *field = &state->fields[i];
        size_t cap = field->name.len + field->value.len + 16;
        uint8_t *space = scratch_take(&store->scratch, cap);
        if (!space)
            return ERR_MEMORY;
        struct writer one = writer_of(space, cap);
        writer_map(&one, 1);
        writer_str(&one, field->name);
        writer_raw(&one, field->value);
        must(one.err == OK);
        err = node_lookup_add(store, state->collection, writer_bytes(&one), record);
    }
    return err;
}

/* What begins to wait by a new policy waits from now on. */
static enum err lookup_records(struct node_store *store)
{
    bool row = false;
    struct node_link_note link = { .hub_ms = 0 };
    enum err err = node_store_link(store, &link);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_record_all);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct id record;
        node_sql_fixed(store, st, 0, record.at, ID_BYTES);
        scratch_clear(&store->scratch);
        err = lookup_record(store, &record, link.hub_ms);
        if (err != OK)
            break;
    }
    return node_sql_end(store, st, err);
}

static enum err lookup_changes(struct node_store *store)
{
    bool row = false;
    enum err err;
    struct sqlite3_stmt *st = node_sql(store, SQL_change_boxes);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct id record;
        struct hash leaf;
        struct bytes raw;
        struct change change;
        node_sql_fixed(store, st, 2, record.at, ID_BYTES);
        node_sql_fixed(store, st, 4, leaf.at, HASH_BYTES);
        scratch_clear(&store->scratch);
        const struct box_name name =
            box_name("change", bytes_hash(&leaf), (unsigned)sql_uint(st, 1));
        err = node_box_get(store, &name, sql_bytes(st, 3), &raw);
        if (err == OK)
            err = change_decode(raw, &change);
        if (err == OK)
            err = node_lookup_add(store, change.collection, change.fields, &record);
        if (err != OK)
            break;
    }
    return node_sql_end(store, st, err);
}

enum err node_lookup_refresh(struct node_store *store)
{
    if (!store->box)
        return OK; /* at unlock */
    struct hash shape;
    lookup_shape(store, &shape);
    struct sqlite3_stmt *st = node_sql(store, SQL_counter_get);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    bool same = bytes_equal(sql_bytes(st, 3), bytes_hash(&shape));
    err = node_sql_end(store, st, OK);
    if (err != OK || same)
        return err;
    err = node_begin(store);
    if (err != OK)
        return err;
    err = node_sql_run(store, node_sql(store, SQL_lookup_clear));
    if (err == OK)
        err = lookup_records(store);
    if (err == OK)
        err = lookup_changes(store);
    if (err == OK) {
        st = node_sql(store, SQL_counter_shape);
        sql_bind_hash(st, 1, &shape);
        err = node_sql_run(store, st);
    }
    scratch_clear(&store->scratch);
    return node_end(store, err);
}
