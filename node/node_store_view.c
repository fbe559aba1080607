/* What people see of a record: confirmed state, own changes on top, open conflicts. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_store_inside.h"
#include "proto/value.h"

#define MATCHES_MAX 32

/* ---- one view */

static struct view_field *view_field(struct record_view *view, struct bytes name)
{
    for (size_t i = 0; i < view->field_count; i++) {
        if (bytes_equal(view->fields[i].name, name))
            return &view->fields[i];
    }
    return NULL;
}

const struct view_field *record_view_field(const struct record_view *view, const char *name)
{
    for (size_t i = 0; i < view->field_count; i++)
        if (bytes_is(view->fields[i].name, name))
            return &view->fields[i];
    return NULL;
}

struct bytes record_view_value(const struct record_view *view, const struct policy_field *field)
{
    const struct view_field *at = field != NULL ? record_view_field(view, field->name) : NULL;
    return at != NULL ? value_or_nothing(at->value) : bytes_of(NULL, 0);
}

/* Finds or adds. ERR_LIMIT. */
static enum err view_field_at(struct record_view *view, struct bytes name,
                              struct view_field **ret_field)
{
    struct view_field *field = view_field(view, name);
    if (!field) {
        if (view->field_count == FIELDS_PER_CHANGE_MAX)
            return ERR_LIMIT;
        field = &view->fields[view->field_count++];
        *field = (struct view_field){ .name = name };
    }
    *ret_field = field;
    return OK;
}

static enum err view_confirmed(struct record_view *view, const struct state *state, uint64_t shown)
{
    view->collection = state->collection;
    view->confirmed = true;
    view->deleted = state_deleted(state);
    for (size_t i = 0; i < state->count; i++) {
        const struct state_field *from = &state->fields[i];
        if (from->rev > view->rev)
            view->rev = from->rev;
        if (from->rev <= shown && from->rev > view->base_rev)
            view->base_rev = from->rev;
        if (from->name.len == 0)
            continue;
        struct view_field *to;
        enum err err = view_field_at(view, from->name, &to);
        if (err != OK)
            return err;
        to->value = from->value;
        to->rev = from->rev;
    }
    return OK;
}

/* One own change, as SQL_change_of_record gives it. */
struct overlay {
    unsigned index;
    enum disposition disposition;
    struct bytes held;
    uint64_t number;
    bool folded;
    struct hash leaf;
    uint64_t life, seq;
    enum lane lane;
    bool received;
    struct change change;
};

/* Taken by the hub, not in the box yet. */
static enum err overlay_taken(struct record_view *view, const struct overlay *over,
                              struct bytes name, struct bytes value)
{
    struct view_field *field;
    enum err err = view_field_at(view, name, &field);
    if (err == OK && over->number > field->rev) {
        field->value = value;
        field->rev = over->number;
        if (over->number > view->rev)
            view->rev = over->number;
    }
    return err;
}

static enum err overlay_field(struct record_view *view, const struct overlay *over, bool all_held,
                              struct bytes name, struct bytes value)
{
    struct view_field *field;
    enum err err;
    switch (over->disposition) {
    case DISPOSITION_ACCEPTED:
        return over->held.len > 0 && held_names(over->held, name)
                   ? OK
                   : overlay_taken(view, over, name, value);
    case DISPOSITION_HELD:
        if (!all_held && !held_names(over->held, name))
            return over->folded ? OK : overlay_taken(view, over, name, value);
        err = view_field_at(view, name, &field);
        if (err == OK) {
            field->held = true;
            field->held_value = value;
        }
        return err;
    case DISPOSITION_NONE:
    case DISPOSITION_QUARANTINED:
    case DISPOSITION_PARKED:
        err = view_field_at(view, name, &field);
        if (err == OK) {
            field->value = value;
            field->pending = true;
        }
        return err;
    case DISPOSITION_SUPERSEDED:
    case DISPOSITION_REJECTED:
        break;
    }
    return OK;
}

static enum err overlay_change(struct node_store *store, struct record_view *view,
                               const struct overlay *over)
{
    const struct change *change = &over->change;
    bool taken = over->disposition == DISPOSITION_ACCEPTED;
    bool held = over->disposition == DISPOSITION_HELD;
    bool all_held = held && held_all(over->held, change);
    if (view->collection.len == 0)
        view->collection = change->collection;
    if (taken || held)
        view->confirmed = true;
    else
        view->pending = true;
    if (change->op == OP_DELETE && !held)
        view->deleted = true;
    struct field_iter iter = fields_of(change->fields);
    struct bytes name, value;
    enum err err = OK;
    while (err == OK && fields_next(&iter, &name, &value)) {
        if (name.len > 0)
            err = overlay_field(view, over, all_held, name, value);
    }
    if (taken || held)
        return err;
    view->has_leaf = true;
    view->leaf = over->leaf;
    if (over->life == 0)
        view->to_countersign = true;
    if (!over->received && over->life == store->life) {
        if (over->lane > view->slowest_lane)
            view->slowest_lane = over->lane;
        if (over->seq > view->pending_seq[over->lane])
            view->pending_seq[over->lane] = over->seq;
    }
    return err;
}

static enum err view_overlays(struct node_store *store, struct record_view *view)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_change_of_record);
    bool row = false;
    enum err err;
    sql_bind_id(st, 1, &view->id);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct overlay over = { 0 };
        struct bytes raw;
        over.index = (unsigned)sql_uint(st, 0);
        over.disposition = (enum disposition)sql_uint(st, 1);
        over.number = sql_uint(st, 4);
        over.folded = sql_uint(st, 5) != 0;
        node_sql_fixed(store, st, 7, over.leaf.at, HASH_BYTES);
        over.life = sql_uint(st, 8);
        over.lane = (enum lane)sql_uint(st, 9);
        over.seq = sql_uint(st, 10);
        over.received = sql_uint(st, 11) != 0;
        const struct box_name name = box_name("change", bytes_hash(&over.leaf), over.index);
        if (over.lane >= LANE_COUNT)
            err = ERR_STORE;
        if (err == OK)
            err = scratch_copy(&store->scratch, sql_bytes(st, 2), &over.held);
        if (err == OK)
            err = node_box_get(store, &name, sql_bytes(st, 6), &raw);
        if (err == OK)
            err = change_decode(raw, &over.change) == OK ? OK : ERR_STORE;
        if (err == OK)
            err = overlay_change(store, view, &over);
        if (err != OK)
            break;
    }
    return node_sql_end(store, st, err);
}

static enum err conflict_decode(struct bytes plain, struct node_conflict *ret_conflict)
{
    struct reader in = reader_of(plain);
    reader_array_of(&in, 6);
    ret_conflict->collection = reader_str(&in);
    ret_conflict->field = reader_str(&in);
    ret_conflict->value_a = reader_raw(&in);
    ret_conflict->value_b = reader_raw(&in);
    ret_conflict->author_a = reader_str(&in);
    ret_conflict->author_b = reader_str(&in);
    return reader_end(&in) == OK ? OK : ERR_STORE;
}

static enum err view_conflicts(struct node_store *store, struct record_view *view)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_conflict_of_record);
    bool row = false;
    enum err err;
    sql_bind_id(st, 1, &view->id);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct node_conflict conflict = { 0 };
        struct bytes plain;
        node_sql_fixed(store, st, 0, conflict.conflict.at, ID_BYTES);
        const struct box_name name = box_name("conflict", bytes_id(&conflict.conflict), 0);
        err = node_box_get(store, &name, sql_bytes(st, 1), &plain);
        if (err == OK)
            err = conflict_decode(plain, &conflict);
        struct view_field *field = err == OK ? view_field(view, conflict.field) : NULL;
        if (field) {
            field->held = true;
            field->held_value = conflict.value_b;
        }
        if (err != OK)
            break;
    }
    return node_sql_end(store, st, err);
}

/* An own change that the hub numbered beyond what the feed has shown: base_rev does not speak for
 * it. */
static enum err view_last_own(struct node_store *store, struct record_view *view, uint64_t shown)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_change_last_own);
    sql_bind_id(st, 1, &view->id);
    sql_bind_uint(st, 2, shown);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    node_sql_fixed(store, st, 0, view->leaf.at, HASH_BYTES);
    view->has_leaf = true;
    return node_sql_end(store, st, OK);
}

static enum err shown_number(struct node_store *store, uint64_t *ret_number)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_counter_get);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STORE : err;
    *ret_number = sql_uint(st, 4);
    return node_sql_end(store, st, OK);
}

/* Fills store->view; scratch is the caller's to clear. */
static enum err view_load(struct node_store *store, const struct id *record)
{
    struct record_view *view = &store->view;
    uint64_t shown = 0;
    memset(view, 0, sizeof *view);
    view->id = *record;
    if (!store->box)
        return ERR_LOCKED;
    struct state *state = scratch_take(&store->scratch, sizeof *state);
    if (!state)
        return ERR_MEMORY;
    enum err err = shown_number(store, &shown);
    if (err == OK)
        err = node_state_load(store, record, state, &view->short_text);
    if (err == OK && state->collection.len > 0)
        err = view_confirmed(view, state, shown);
    if (err == OK)
        err = view_overlays(store, view);
    if (err == OK && !view->has_leaf)
        err = view_last_own(store, view, shown);
    if (err == OK)
        err = view_conflicts(store, view);
    if (err == OK && !view->confirmed && !view->pending)
        err = ERR_NOT_FOUND;
    if (view->base_rev > 0)
        view->epoch = store->trust.epoch;
    return err;
}

enum err node_store_view(struct node_store *store, const struct id *record,
                         const struct record_view **ret_view)
{
    scratch_clear(&store->scratch);
    enum err err = view_load(store, record);
    if (err == OK)
        *ret_view = &store->view;
    return err;
}

/* ---- find */

/* "29-417" and "29-0417" are the same. False: not a short number. */
static bool short_form(struct bytes text, char ret[32])
{
    size_t dash = text.len;
    while (dash > 0 && text.at[dash - 1] != '-')
        dash--;
    if (dash < 2 || dash > 5 || text.len - dash < 1 || text.len - dash > 9)
        return false;
    unsigned long number = 0;
    for (size_t i = dash; i < text.len; i++) {
        if (!isdigit(text.at[i]))
            return false;
        number = number * 10 + (unsigned long)(text.at[i] - '0');
    }
    snprintf(ret, 32, "%.*s%04lu", (int)dash, (const char *)text.at, number);
    return true;
}

/* Hex of 8 to 32 digits, dashes left out, as the range of ids that begin so. */
static bool id_range(struct bytes text, struct id *ret_from, struct id *ret_to)
{
    char hex[2 * ID_BYTES];
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '-')
            continue;
        if (!isxdigit(text.at[i]) || count == sizeof hex)
            return false;
        hex[count++] = (char)tolower(text.at[i]);
    }
    if (count < 8)
        return false;
    for (size_t i = 0; i < sizeof hex; i++) {
        bool high = i % 2 == 0;
        unsigned from = 0, to = 15;
        if (i < count)
            from = to = (unsigned)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10);
        uint8_t *a = &ret_from->at[i / 2], *b = &ret_to->at[i / 2];
        *a = (uint8_t)(high ? from << 4 : *a | from);
        *b = (uint8_t)(high ? to << 4 : *b | to);
    }
    return true;
}

struct matches {
    unsigned count;
    struct id list[MATCHES_MAX];
};

static enum err match(struct node_store *store, struct sqlite3_stmt *st, struct matches *matches)
{
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        if (matches->count == MATCHES_MAX)
            break;
        node_sql_fixed(store, st, 0, matches->list[matches->count++].at, ID_BYTES);
    }
    return node_sql_end(store, st, err);
}

/* Moves those that can be seen to the front; gives their count. */
static enum err visible_first(struct node_store *store, struct matches *matches,
                              unsigned *ret_visible)
{
    unsigned visible = 0;
    for (unsigned i = 0; i < matches->count; i++) {
        scratch_clear(&store->scratch);
        enum err err = view_load(store, &matches->list[i]);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
        if (err != OK)
            continue;
        struct id one = matches->list[i];
        matches->list[i] = matches->list[visible];
        matches->list[visible++] = one;
    }
    *ret_visible = visible;
    return OK;
}

enum err node_store_find(struct node_store *store, struct bytes text, struct id *ret_record,
                         node_record_callback *each, void *ctx)
{
    char short_text[32];
    struct id from, to;
    struct matches matches = { 0 };
    unsigned visible = 0;
    enum err err = OK;
    if (!store->box)
        return ERR_LOCKED;
    if (short_form(text, short_text)) {
        struct sqlite3_stmt *st = node_sql(store, SQL_record_short);
        sql_bind_text(st, 1, bytes_text(short_text));
        err = match(store, st, &matches);
    }
    if (err == OK && matches.count == 0 && id_range(text, &from, &to)) {
        struct sqlite3_stmt *st = node_sql(store, SQL_record_prefix);
        sql_bind_id(st, 1, &from);
        sql_bind_id(st, 2, &to);
        err = match(store, st, &matches);
    }
    if (err == OK)
        err = visible_first(store, &matches, &visible);
    if (err != OK)
        return err;
    if (visible > 0)
        matches.count = visible;
    if (matches.count == 0)
        return ERR_NOT_FOUND;
    if (matches.count == 1) {
        *ret_record = matches.list[0];
        return OK;
    }
    for (unsigned i = 0; i < matches.count && each; i++) {
        scratch_clear(&store->scratch);
        err = view_load(store, &matches.list[i]);
        if (err == OK || err == ERR_NOT_FOUND)
            each(ctx, &store->view);
        else
            return err;
    }
    return ERR_AMBIGUOUS;
}

/* ---- list and lookup */

enum err node_store_list(struct node_store *store, struct bytes collection, const struct id *after,
                         unsigned max, node_record_callback *each, void *ctx)
{
    struct id kind;
    bool row = false;
    enum err err = OK;
    if (!store->box)
        return ERR_LOCKED;
    node_kind(store, collection, &kind);
    struct sqlite3_stmt *st = node_sql(store, SQL_record_list);
    sql_bind_id(st, 1, &kind);
    sql_bind_id(st, 2, after);
    for (unsigned count = 0; count < max && (err = node_sql_step(store, st, &row)) == OK && row;) {
        struct id record = { { 0 } };
        node_sql_fixed(store, st, 0, record.at, ID_BYTES);
        scratch_clear(&store->scratch);
        err = view_load(store, &record);
        if (err == ERR_NOT_FOUND)
            continue; /* a refused create */
        if (err != OK)
            break;
        each(ctx, &store->view);
        count++;
        err = OK;
    }
    return node_sql_end(store, st, err);
}

enum err node_store_lookup(struct node_store *store, struct bytes collection, struct bytes field,
                           struct bytes value, node_record_callback *each, void *ctx)
{
    struct id hash;
    bool row = false;
    enum err err;
    if (!store->box)
        return ERR_LOCKED;
    node_lookup_hash(store, collection, field, value, &hash);
    struct sqlite3_stmt *st = node_sql(store, SQL_record_lookup);
    sql_bind_id(st, 1, &hash);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct id record = { { 0 } };
        node_sql_fixed(store, st, 0, record.at, ID_BYTES);
        scratch_clear(&store->scratch);
        err = view_load(store, &record);
        if (err == ERR_NOT_FOUND)
            continue;
        if (err != OK)
            break;
        const struct view_field *found = view_field(&store->view, field);
        if (found && bytes_equal(found->value, value) && !store->view.deleted &&
            bytes_equal(store->view.collection, collection))
            each(ctx, &store->view);
    }
    return node_sql_end(store, st, err);
}

/* ---- conflicts */

static enum err conflict_row(struct node_store *store, const struct id *id, struct bytes box,
                             struct node_conflict *conflict)
{
    struct bytes plain;
    conflict->conflict = *id;
    const struct box_name name = box_name("conflict", bytes_id(id), 0);
    enum err err = node_box_get(store, &name, box, &plain);
    return err == OK ? conflict_decode(plain, conflict) : err;
}

enum err node_store_conflicts(struct node_store *store, node_conflict_callback *each, void *ctx)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_conflict_all);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct node_conflict conflict = { 0 };
        struct id id = { { 0 } };
        node_sql_fixed(store, st, 0, id.at, ID_BYTES);
        node_sql_fixed(store, st, 1, conflict.record.at, ID_BYTES);
        conflict.number = sql_uint(st, 2);
        scratch_clear(&store->scratch);
        err = conflict_row(store, &id, sql_bytes(st, 3), &conflict);
        if (err != OK)
            break;
        each(ctx, &conflict);
    }
    return node_sql_end(store, st, err);
}

enum err node_store_conflict(struct node_store *store, const struct id *conflict,
                             struct node_conflict *ret_conflict)
{
    struct node_conflict found = { 0 };
    if (!store->box)
        return ERR_LOCKED;
    scratch_clear(&store->scratch);
    struct sqlite3_stmt *st = node_sql(store, SQL_conflict_get);
    sql_bind_id(st, 1, conflict);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    node_sql_fixed(store, st, 0, found.record.at, ID_BYTES);
    found.number = sql_uint(st, 1);
    err = node_sql_end(store, st, conflict_row(store, conflict, sql_bytes(st, 2), &found));
    if (err == OK)
        *ret_conflict = found;
    return err;
}
