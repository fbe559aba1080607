/* Drafts. A kept one, or one that a person edited, is one box (node_store_draft_form.c). One made
 * of a rejected answer has no box of its own: its values are read from the changes. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_draft.h"
#include "node/node_store_inside.h"
#include "proto/value.h"

#define VALUE_TEXT_MAX (2 * CHANGE_BYTES_MAX)
#define CORRECTED_STEPS_MAX 64 /* a correction that was refused and corrected in its turn */

/* ---- from rejected changes */

struct rejected {
    struct node_store *store;
    struct draft *draft;
    uint64_t entry, group;
    char *text; /* VALUE_TEXT_MAX */
};

/* What a create did not say itself is left to the policy in force when it is sent again. */
static bool is_default(const struct policy_field *field, struct bytes value)
{
    return field->default_value.at && bytes_equal(field->default_value, value);
}

static enum err rejected_fields(const struct rejected *from, unsigned at,
                                const struct change *change)
{
    const struct policy *policy = from->store->policy;
    const struct policy_collection *collection =
        policy ? policy_collection(policy, change->collection) : NULL;
    struct field_iter iter = fields_of(change->fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field = collection ? policy_field(collection, name) : NULL;
        if (!field)
            return ERR_STATE; /* a policy never takes a field away */
        bool nil = value_is_nil(value);
        if (change->op == OP_CREATE && (nil || is_default(field, value)))
            continue;
        if (!nil && value_to_text(field, value, from->text, VALUE_TEXT_MAX) != OK)
            return ERR_STORE;
        if (nil)
            from->text[0] = '\0';
        enum err err = node_draft_set(from->draft, at, name, bytes_text(from->text));
        if (err != OK)
            return err;
    }
    return OK;
}

static bool has_index(const struct draft *draft, unsigned index)
{
    for (unsigned i = 0; i < draft->change_count; i++) {
        if (draft->changes[i].rejected && draft->changes[i].index == index)
            return true;
    }
    return false;
}

static enum err rejected_row(struct rejected *from, struct sqlite3_stmt *st)
{
    struct node_store *store = from->store;
    struct draft *draft = from->draft;
    struct change change;
    struct hash leaf;
    struct bytes raw;
    unsigned index = (unsigned)sql_uint(st, 0), at = draft->change_count;
    bool edited = draft->edited;
    if (has_index(draft, index))
        return OK;
    if (at == CHANGES_PER_TRANSACTION_MAX)
        return ERR_STORE;
    node_sql_fixed(store, st, 7, leaf.at, HASH_BYTES);
    const struct box_name name = box_name("change", bytes_hash(&leaf), index);
    enum err err = node_box_get(store, &name, sql_bytes(st, 6), &raw);
    if (err == OK)
        err = change_decode(raw, &change) == OK ? OK : ERR_STORE;
    if (err != OK)
        return err;
    struct draft_change *to = &draft->changes[at];
    *to = (struct draft_change){
        .op = change.op, .record = change.record, .rejected = true, .index = index
    };
    draft->change_count++;
    err = node_draft_copy(draft, change.collection, &to->collection);
    if (err == OK)
        err = rejected_fields(from, at, &change);
    /* The rest of a group falls for the reason of one: that one names a field. */
    struct bytes field = sql_bytes(st, 5);
    if (err == OK && !edited && (draft->reason.code == OK || draft->reason.thing[0] == '\0')) {
        char thing[PROBLEM_THING_MAX];
        snprintf(thing, sizeof thing, "%.*s.%.*s", (int)to->collection.len,
                 (const char *)to->collection.at, (int)field.len, (const char *)field.at);
        node_draft_reason(sql_bytes(st, 4), field.len > 0 ? bytes_text(thing) : field, field,
                          &draft->reason);
        draft->failed = at;
    }
    return err;
}

/* Adds what was rejected and is not in the draft yet. */
static enum err add_rejected(struct rejected *from)
{
    struct draft *draft = from->draft;
    bool row = false;
    enum err err = OK;
    if (!draft->changes) {
        draft->changes =
            node_draft_take(draft, CHANGES_PER_TRANSACTION_MAX * sizeof *draft->changes);
        if (!draft->changes)
            return ERR_MEMORY;
    }
    from->text = malloc(VALUE_TEXT_MAX);
    if (!from->text)
        return ERR_MEMORY;
    struct sqlite3_stmt *st = node_sql(from->store, SQL_change_group);
    sql_bind_uint(st, 1, from->entry);
    sql_bind_uint(st, 2, from->group);
    while ((err = node_sql_step(from->store, st, &row)) == OK && row) {
        err = rejected_row(from, st);
        if (err != OK)
            break;
    }
    err = node_sql_end(from->store, st, err);
    crypto_wipe(from->text, VALUE_TEXT_MAX);
    free(from->text);
    return err;
}

/* ---- reading */

struct draft_row {
    uint64_t entry, group, wall_ms;
    struct bytes box; /* in scratch */
    struct hash leaf;
    uint32_t author;
    enum draft_origin origin;
};

static enum err row_get(struct node_store *store, uint64_t number, struct draft_row *ret)
{
    if (number == 0 || number > INT64_MAX)
        return ERR_NOT_FOUND;
    struct sqlite3_stmt *st = node_sql(store, SQL_draft_get);
    sql_bind_uint(st, 1, number);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    struct draft_row row = { 0 };
    row.entry = sql_uint(st, 0);
    row.group = sql_uint(st, 1);
    row.wall_ms = sql_uint(st, 2);
    err = scratch_copy(&store->scratch, sql_bytes(st, 3), &row.box);
    if (row.entry > 0)
        node_sql_fixed(store, st, 4, row.leaf.at, HASH_BYTES);
    row.author = (uint32_t)sql_uint(st, 5);
    row.origin = (enum draft_origin)sql_uint(st, 6);
    err = node_sql_end(store, st, err);
    if (err == OK)
        *ret = row;
    return err;
}

static enum err fill_boxed(struct node_store *store, struct draft *draft, struct bytes box)
{
    struct bytes plain, copy;
    const struct box_name name = node_draft_box(draft->number);
    enum err err = node_box_get(store, &name, box, &plain);
    if (err == OK)
        err = node_draft_copy(draft, plain, &copy);
    return err == OK ? node_draft_decode(draft, copy) : err;
}

static enum err fill(struct node_store *store, const struct draft_row *row, struct draft *draft)
{
    draft->wall_ms = row->wall_ms;
    draft->origin = row->origin;
    draft->leaf = row->leaf;
    draft->edited = row->entry > 0 && row->box.len > 0;
    enum err err = row->box.len > 0 ? fill_boxed(store, draft, row->box) : OK;
    if (err != OK || row->entry == 0)
        return err;
    const struct trust_operator *author = trust_operator(&store->trust, row->author);
    struct rejected from = {
        .store = store, .draft = draft, .entry = row->entry, .group = row->group
    };
    if (!draft->edited && author)
        err = node_draft_copy(draft, bytes_text(author->name), &draft->author);
    if (err == OK)
        err = add_rejected(&from);
    return err == OK && draft->change_count == 0 ? ERR_STORE : err;
}

enum err node_store_draft_get(struct node_store *store, uint64_t number, struct draft **ret_draft)
{
    struct draft_row row;
    if (!store->box)
        return ERR_LOCKED;
    scratch_clear(&store->scratch);
    enum err err = row_get(store, number, &row);
    if (err != OK)
        return err;
    struct draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return ERR_MEMORY;
    draft->number = number;
    err = fill(store, &row, draft);
    scratch_clear(&store->scratch);
    if (err == OK)
        *ret_draft = draft;
    else
        node_draft_close(&draft);
    return err;
}

/* Names the record of a boxed draft's first change, where the box can be opened. */
static enum err mark_boxed(struct node_store *store, struct bytes box, struct draft_mark *mark)
{
    struct draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return ERR_MEMORY;
    draft->number = mark->number;
    enum err err = fill_boxed(store, draft, box);
    if (err == OK)
        mark->record = draft->changes[0].record;
    node_draft_close(&draft);
    return err;
}

enum err node_store_drafts(struct node_store *store, draft_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_draft_all);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct draft_mark mark = { .number = sql_uint(st, 0), .wall_ms = sql_uint(st, 1) };
        bool boxed = sql_uint(st, 3) != 0;
        mark.edited = sql_uint(st, 2) > 0 && boxed;
        if (sqlite3_column_type(st, 4) != SQLITE_NULL)
            node_sql_fixed(store, st, 4, mark.record.at, ID_BYTES);
        mark.reason = sql_bytes(st, 5);
        mark.field = sql_bytes(st, 6);
        mark.origin = (enum draft_origin)sql_uint(st, 7);
        scratch_clear(&store->scratch);
        if (boxed && store->box)
            err = mark_boxed(store, sql_bytes(st, 8), &mark);
        if (err != OK)
            break;
        each(ctx, &mark);
    }
    return node_sql_end(store, st, err);
}

/* ---- writing */

static enum err one_number(struct node_store *store, enum node_statement which, uint64_t *ret)
{
    struct sqlite3_stmt *st = node_sql(store, which);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t number = sql_uint(st, 0);
    err = node_sql_end(store, st, OK);
    if (err == OK)
        *ret = number;
    return err;
}

enum err node_store_draft_next(struct node_store *store, uint64_t *ret_number)
{
    return one_number(store, SQL_draft_next, ret_number);
}

static enum err check_room(struct node_store *store, uint64_t number, size_t box_len)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_draft_room);
    sql_bind_uint(st, 1, number);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    uint64_t count = sql_uint(st, 0), bytes = sql_uint(st, 1);
    err = node_sql_end(store, st, OK);
    if (err == OK && (count >= DRAFTS_MAX || bytes + box_len > DRAFTS_BYTES_MAX))
        err = ERR_LIMIT;
    return err;
}

static enum err put(struct node_store *store, const struct draft *draft, const struct id *request,
                    struct bytes answer)
{
    struct bytes plain, box;
    uint64_t next = 0;
    const struct box_name name = node_draft_box(draft->number);
    enum err err = node_draft_encode(store, draft, &plain);
    if (err == OK)
        err = node_box_put(store, &name, plain, &box);
    if (err == OK)
        err = check_room(store, draft->number, box.len);
    if (err == OK)
        err = node_store_draft_next(store, &next);
    if (err != OK)
        return err;
    must(draft->number > 0 && draft->number <= next);
    bool fresh = draft->number == next;
    struct sqlite3_stmt *st = node_sql(store, fresh ? SQL_draft_add : SQL_draft_set);
    sql_bind_uint(st, 1, draft->number);
    if (fresh)
        sql_bind_uint(st, 2, draft->wall_ms);
    sql_bind(st, fresh ? 3 : 2, box);
    err = node_sql_run(store, st);
    if (err == OK && sqlite3_changes(store->db.handle) == 0)
        err = ERR_NOT_FOUND;
    return err == OK && request ? node_request_put(store, request, answer) : err;
}

enum err node_store_draft_put(struct node_store *store, const struct draft *draft,
                              const struct id *request, struct bytes answer)
{
    if (!store->box)
        return ERR_LOCKED;
    enum err err = node_disk_room(store);
    if (err == OK)
        err = node_begin(store);
    if (err != OK)
        return err;
    scratch_clear(&store->scratch);
    err = node_end(store, put(store, draft, request, answer));
    scratch_clear(&store->scratch);
    return err;
}

/* Deletes the draft; what was rejected is dealt with. */
static enum err row_delete(struct node_store *store, uint64_t number, uint64_t entry,
                           uint64_t group)
{
    if (entry > 0) {
        struct sqlite3_stmt *st = node_sql(store, SQL_change_group_done);
        sql_bind_uint(st, 1, entry);
        sql_bind_uint(st, 2, group);
        enum err err = node_sql_run(store, st);
        if (err != OK)
            return err;
    }
    struct sqlite3_stmt *st = node_sql(store, SQL_draft_delete);
    sql_bind_uint(st, 1, number);
    return node_sql_run(store, st);
}

enum err node_store_draft_discard(struct node_store *store, uint64_t number)
{
    struct draft_row row;
    enum err err = node_begin(store);
    if (err != OK)
        return err;
    scratch_clear(&store->scratch);
    err = row_get(store, number, &row);
    if (err == OK)
        err = row_delete(store, number, row.entry, row.group);
    return node_end(store, err);
}

enum err node_draft_sent(struct node_store *store, const struct queue_entry *entry)
{
    struct draft_row row;
    enum err err = row_get(store, entry->draft, &row);
    if (err == OK)
        err = row_delete(store, entry->draft, row.entry, row.group);
    for (unsigned i = 0; err == OK && i < entry->change_count; i++) {
        const struct queue_change *change = &entry->changes[i];
        if (id_is_zero(&change->instead_of))
            continue;
        struct sqlite3_stmt *st = node_sql(store, SQL_corrected_put);
        sql_bind_id(st, 1, &change->instead_of);
        sql_bind_id(st, 2, &change->record);
        err = node_sql_run(store, st);
    }
    return err;
}

/* ---- answers */

enum err node_draft_rejected(struct node_store *store, uint64_t entry_id, unsigned index)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_draft_rejected);
    sql_bind_uint(st, 1, entry_id);
    sql_bind_uint(st, 2, index);
    return node_sql_run(store, st);
}

enum err node_draft_take_back(struct node_store *store)
{
    return node_sql_run(store, node_sql(store, SQL_draft_take_back));
}

enum err node_drafts_lost(struct node_store *store, uint64_t *ret_count)
{
    uint64_t count = 0;
    enum err err = one_number(store, SQL_draft_count, &count);
    if (err == OK)
        err = node_sql_run(store, node_sql(store, SQL_draft_clear));
    if (err == OK)
        *ret_count = count;
    return err;
}

/* One rejected group of the record. ERR_NOT_FOUND: none is left. */
static enum err dismiss_next(struct node_store *store, const struct id *record, uint64_t *ret_draft)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_change_waiting);
    sql_bind_id(st, 1, record);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    uint64_t entry = sql_uint(st, 0), group = sql_uint(st, 1), number = sql_uint(st, 2);
    bool edited = sql_uint(st, 3) != 0;
    err = node_sql_end(store, st, OK);
    if (err != OK)
        return err;
    if (edited) {
        *ret_draft = number;
        return ERR_STATE;
    }
    return row_delete(store, number, entry, group);
}

enum err node_store_dismiss_record(struct node_store *store, const struct id *record,
                                   uint64_t *ret_draft)
{
    enum err err = node_begin(store);
    bool any = false;
    if (err != OK)
        return err;
    while ((err = dismiss_next(store, record, ret_draft)) == OK)
        any = true;
    return node_end(store, err == ERR_NOT_FOUND && any ? OK : err);
}

enum err node_store_corrected(struct node_store *store, const struct id *record,
                              struct id *ret_became)
{
    struct id at = *record;
    unsigned steps = 0;
    enum err err = OK;
    for (; steps < CORRECTED_STEPS_MAX; steps++) {
        struct sqlite3_stmt *st = node_sql(store, SQL_corrected_get);
        sql_bind_id(st, 1, &at);
        err = node_sql_row(store, st);
        if (err != OK)
            break;
        struct id next = { { 0 } };
        node_sql_fixed(store, st, 0, next.at, ID_BYTES);
        err = node_sql_end(store, st, OK);
        if (err != OK)
            return err;
        at = next;
    }
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (steps == 0)
        return ERR_NOT_FOUND;
    *ret_became = at;
    return OK;
}
