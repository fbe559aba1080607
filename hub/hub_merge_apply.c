/* Writing what stands of a transaction. */
#include <stdio.h>

#include "common/must.h"
#include "hub/hub_merge.h"

/* --- feed index ------------------------------------------------------------------------------ */

/* The area and each one above it. */
static void scope_add(struct merge *m, struct bytes area)
{
    if (area.len == 0 || area.len > IDENTIFIER_BYTES_MAX || bytes_is(area, m->area))
        return;
    memcpy(m->area, area.at, area.len);
    m->area[area.len] = '\0';
    for (size_t len = 1; len <= area.len; len++) {
        bool known = false;
        if (len < area.len && area.at[len] != '.')
            continue;
        for (size_t i = 0; i < m->scope_count && !known; i++)
            known = m->scopes[i].len == len && memcmp(m->scopes[i].text, area.at, len) == 0;
        if (known)
            continue;
        must(m->scope_count < COUNT_OF(m->scopes));
        struct merge_scope *scope = &m->scopes[m->scope_count++];
        scope->len = len;
        memcpy(scope->text, area.at, len);
    }
}

static enum err scopes_write(struct merge *m)
{
    enum err err = OK;
    for (size_t i = 0; i < m->scope_count && !err; i++)
        err = m->store->ops->scope_put(m->store->backend,
                                       bytes_of(m->scopes[i].text, m->scopes[i].len), m->number,
                                       m->row.number);
    return err;
}

static enum err audience_put(struct merge *m, char mark, struct bytes area)
{
    char scope[IDENTIFIER_BYTES_MAX + 2];
    if (area.len > IDENTIFIER_BYTES_MAX)
        return OK;
    scope[0] = mark;
    if (area.len > 0)
        memcpy(scope + 1, area.at, area.len);
    return m->store->ops->scope_put(m->store->backend, bytes_of(scope, 1 + area.len), m->number,
                                    m->row.number);
}

/* Who else gets the record, wherever it belongs (hub_feed.c): straight into the index, since an
 * audience may have many areas. */
static enum err audience_write(struct merge *m)
{
    const struct policy_collection *c = m->record.collection;
    if (c->audience == AUDIENCE_AREA)
        return OK;
    struct bytes raw =
        c->audience == AUDIENCE_ALL ? bytes_of(NULL, 0) : m->record.fields[c->audience_field].raw;
    if (raw.len == 0)
        return audience_put(m, '>', raw);
    struct reader reader = reader_of(raw);
    size_t count = c->fields[c->audience_field].type == FIELD_LIST ? reader_array(&reader) : 1;
    enum err err = OK;
    for (size_t i = 0; i < count && !err && !reader.err; i++) {
        struct bytes area = reader_str(&reader);
        err = audience_put(m, '>', area);
        for (size_t len = 1; len < area.len && !err; len++)
            if (area.at[len] == '.')
                err = audience_put(m, '<', bytes_of(area.at, len));
    }
    return err;
}

/* --- conflicts ------------------------------------------------------------------------------- */

/* What became of a held change, told to its author: once none of its fields is open any more it was
 * accepted, or superseded where one of them lost. */
static enum err held_settle(struct merge *m, uint64_t txn, unsigned index, const char *field,
                            bool won)
{
    const struct hub_backend_ops *ops = m->store->ops;
    struct row_change held;
    struct row_txn author;
    unsigned open = 0;
    enum err err = ops->change_get(m->store->backend, txn, index, &held);
    if (!err)
        err = ops->conflicts_held(m->store->backend, txn, index, &open);
    if (!err)
        err = ops->txn_get(m->store->backend, txn, &author);
    if (err)
        return err;
    if (!won)
        held.flags |= CHANGE_LOST;
    if (open == 0) {
        bool lost = (held.flags & CHANGE_LOST) != 0;
        held.disposition = lost ? DISPOSITION_SUPERSEDED : DISPOSITION_ACCEPTED;
        (void)snprintf(held.field, sizeof(held.field), "%s", lost ? field : "");
    }
    err = ops->change_decide(m->store->backend, &held);
    if (err || open > 0)
        return err;
    struct row_decision decision = {
        .number = m->number, .txn = txn, .index = index, .disposition = held.disposition
    };
    memcpy(decision.field, held.field, sizeof(held.field));
    /* Where all its changes had one answer they have it no more. */
    if (author.state != DISPOSITION_NONE) {
        author.state = DISPOSITION_NONE;
        author.reason = OK;
        err = ops->txn_decide(m->store->backend, &author);
    }
    return err ? err : ops->decision_put(m->store->backend, author.node, &decision);
}

static enum err conflict_close(struct merge *m, struct row_conflict *conflict, struct bytes chosen)
{
    static const uint8_t nil[] = { 0xc0 };
    bool won = bytes_equal(value_or_nothing(conflict->held_value), chosen);
    conflict->closed = m->number;
    conflict->chosen = chosen.len > 0 ? chosen : bytes_of(nil, sizeof(nil));
    enum err err = m->store->ops->conflict_put(m->store->backend, conflict);
    must(m->record.held > 0);
    m->record.held--;
    if (!err)
        err = held_settle(m, conflict->held_txn, conflict->held_index, conflict->field, won);
    return err;
}

/* Keeps `value` beside the hub's own. */
static enum err conflict_hold(struct merge *m, unsigned index, const char *field,
                              struct bytes value, struct merge_finding *finding)
{
    static const uint8_t nil[] = { 0xc0 };
    struct row_conflict row = { .collection = m->record.collection, .record = m->record.id };
    uint64_t old_txn = finding->conflict.held_txn;
    unsigned old_index = finding->conflict.held_index;
    if (finding->replaces)
        row.id = finding->conflict.id;
    else
        merge_conflict_id(&m->row.leaf, index, bytes_text(field), &row.id);
    (void)snprintf(row.field, sizeof(row.field), "%s", field);
    memcpy(row.held_node, m->row.node, sizeof(row.held_node));
    row.number = m->number;
    row.held_txn = m->row.number;
    row.held_index = index;
    row.held_value = value.len > 0 ? value : bytes_of(nil, sizeof(nil));
    enum err err = m->store->ops->conflict_put(m->store->backend, &row);
    if (!err && finding->replaces)
        err = held_settle(m, old_txn, old_index, field, false);
    if (!err && !finding->replaces)
        m->record.held++;
    return err;
}

static void is_held(struct row_change *row, const char *field)
{
    if (row->disposition != DISPOSITION_HELD)
        (void)snprintf(row->field, sizeof(row->field), "%s", field);
    row->disposition = DISPOSITION_HELD;
}

/* --- changes --------------------------------------------------------------------------------- */

static void short_text(const struct merge *m, uint32_t number, char ret[SHORT_TEXT_BYTES])
{
    const char *dot = strrchr(m->row.node, '.');
    ret[0] = '\0';
    if (number > 0)
        (void)snprintf(ret, SHORT_TEXT_BYTES, "%s-%04u", dot ? dot + 1 : m->row.node, number);
}

/* What the hub adds comes to the author in the feed. */
static enum err finish(struct merge *m, unsigned index)
{
    bool added = false;
    enum err err = merge_finish(m, &added);
    if (added)
        m->changes[index].flags |= CHANGE_ECHO;
    return err;
}

static enum err apply_create(struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    struct hub_record *record = &m->record;
    record->collection = m->now[index];
    record->id = change->record;
    record->deleted = false;
    record->held = 0;
    record->rev = record->born = record->existence_rev = m->number;
    short_text(m, change->number, record->short_text);
    for (size_t i = 0; i < record->collection->field_count; i++)
        record->fields[i] = (struct hub_value){ .rev = m->number };
    struct field_iter iter = fields_of(change->fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(record->collection, name);
        must(field != NULL);
        record->fields[field - record->collection->fields].raw = value_or_nothing(value);
    }
    scope_add(m, record_area(record));
    enum err err = finish(m, index);
    if (!err)
        err = audience_write(m);
    return err ? err : m->store->ops->record_insert(m->store->backend, record);
}

static void touch(struct merge *m, struct hub_value *field, struct bytes value)
{
    field->raw = value;
    field->rev = m->number;
    m->record.rev = m->number;
}

static enum err moved(struct merge *m, unsigned index, struct bytes left)
{
    struct row_change *row = &m->changes[index];
    if (left.len > 0 && left.len <= IDENTIFIER_BYTES_MAX)
        memcpy(row->moved_from, left.at, left.len);
    if (m->record.held == 0)
        return OK;
    return m->store->ops->conflicts_renew(m->store->backend, &m->record.id, m->number);
}

static enum err apply_field(struct merge *m, unsigned index, const struct policy_field *field,
                            struct bytes value)
{
    const struct change *change = &m->txn->changes[index];
    struct hub_record *record = &m->record;
    struct hub_value *stands = &record->fields[field - record->collection->fields];
    struct merge_finding finding;
    enum err err = merge_find(m, change, field, value, &finding);
    if (err)
        return err;
    switch (finding.verdict) {
    case MERGE_SAME:
        return finding.answers ? conflict_close(m, &finding.conflict, value) : OK;
    case MERGE_HOLD:
        is_held(&m->changes[index], field->name);
        return conflict_hold(m, index, field->name, value, &finding);
    case MERGE_TAKE:
        break;
    }
    if (field - record->collection->fields == record->collection->area_field &&
        !bytes_equal(stands->raw, value))
        err = moved(m, index, record_area(record));
    touch(m, stands, value);
    return err;
}

static enum err hold_existence(struct merge *m, unsigned index, bool deleted)
{
    struct merge_finding finding;
    enum err err = merge_existence(m, &m->txn->changes[index], &finding);
    if (err || finding.verdict != MERGE_HOLD)
        return err;
    is_held(&m->changes[index], "");
    return conflict_hold(m, index, "", merge_bool(deleted), &finding);
}

static enum err apply_update(struct merge *m, unsigned index)
{
    struct field_iter iter = fields_of(m->txn->changes[index].fields);
    struct bytes name, value;
    enum err err = hold_existence(m, index, false);
    while (!err && fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(m->record.collection, name);
        must(field != NULL);
        err = apply_field(m, index, field, value_or_nothing(value));
    }
    return err;
}

static void existence_set(struct merge *m, unsigned index, bool deleted)
{
    /* Who had dropped the record needs all of it again. */
    if (!deleted)
        m->changes[index].flags |= CHANGE_WHOLE;
    m->record.deleted = deleted;
    m->record.existence_rev = m->number;
    m->record.rev = m->number;
}

static enum err apply_delete(struct merge *m, unsigned index)
{
    struct merge_finding finding;
    enum err err = merge_existence(m, &m->txn->changes[index], &finding);
    if (err)
        return err;
    switch (finding.verdict) {
    case MERGE_SAME:
        return finding.answers ? conflict_close(m, &finding.conflict, merge_bool(true)) : OK;
    case MERGE_HOLD:
        is_held(&m->changes[index], "");
        return conflict_hold(m, index, "", merge_bool(true), &finding);
    case MERGE_TAKE:
        break;
    }
    if (!m->record.deleted)
        existence_set(m, index, true);
    return OK;
}

/* A resolve stands when its author had seen the value that it answers over; else the conflict
 * stays open and the author answers again, over what stands now. */
static enum err apply_resolve(struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    struct row_change *row = &m->changes[index];
    struct hub_record *record = &m->record;
    struct row_conflict conflict;
    enum err err = m->store->ops->conflict_get(m->store->backend, &change->conflict, &conflict);
    if (err)
        return err;
    struct bytes chosen = value_or_nothing(fields_get(change->fields, bytes_text(conflict.field)));
    const struct policy_field *field =
        conflict.field[0] ? policy_field(record->collection, bytes_text(conflict.field)) : NULL;
    struct hub_value stands = record_stands(record, field);
    if (conflict.closed > 0) {
        if (!bytes_equal(stands.raw, chosen)) {
            row->disposition = DISPOSITION_SUPERSEDED;
            memcpy(row->field, conflict.field, sizeof(row->field));
        }
        return OK;
    }
    bool seen = true;
    err = merge_saw(m, change, stands.rev, &seen);
    if (err)
        return err;
    if (!seen && !bytes_equal(stands.raw, chosen)) {
        row->disposition = DISPOSITION_SUPERSEDED;
        memcpy(row->field, conflict.field, sizeof(row->field));
        return OK;
    }
    err = conflict_close(m, &conflict, chosen);
    if (err)
        return err;
    if (!field) {
        struct reader reader = reader_of(chosen);
        existence_set(m, index, reader_bool(&reader));
        return OK;
    }
    if (field - record->collection->fields == record->collection->area_field &&
        !bytes_equal(stands.raw, chosen))
        err = moved(m, index, record_area(record));
    touch(m, &record->fields[field - record->collection->fields], chosen);
    return err;
}

static enum err apply_existing(struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    struct hub_record *record = &m->record;
    enum err err =
        m->store->ops->record_get(m->store->backend, m->now[index], &change->record, record);
    if (err)
        return err;
    unsigned held = record->held;
    scope_add(m, record_area(record));
    if (change->op == OP_UPDATE)
        err = apply_update(m, index);
    else if (change->op == OP_DELETE)
        err = apply_delete(m, index);
    else
        err = apply_resolve(m, index);
    if (err)
        return err;
    scope_add(m, record_area(record));
    if (record->rev == m->number)
        err = finish(m, index);
    if (!err && record->rev == m->number)
        err = audience_write(m);
    if (err)
        return err;
    if (record->rev != m->number && record->held == held)
        return OK;
    return m->store->ops->record_update(m->store->backend, record);
}

enum err merge_apply(struct merge *m)
{
    enum err err = OK;
    m->scope_count = 0;
    m->area[0] = '\0';
    for (unsigned i = 0; i < m->txn->change_count && !err; i++) {
        struct row_change *row = &m->changes[i];
        if (row->disposition == DISPOSITION_REJECTED)
            continue;
        row->disposition = DISPOSITION_ACCEPTED;
        err = m->txn->changes[i].op == OP_CREATE ? apply_create(m, i) : apply_existing(m, i);
        /* Its node confirms what the ACK calls accepted; all else comes to it in the feed. */
        if (row->disposition != DISPOSITION_ACCEPTED || m->number != m->row.number)
            row->flags |= CHANGE_ECHO;
    }
    return err ? err : scopes_write(m);
}
