/* Looking at a transaction before anything of it is written. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_merge.h"

/* --- small things ---------------------------------------------------------------------------- */

struct bytes merge_bool(bool value)
{
    static const uint8_t encoded[] = { 0xc2, 0xc3 };
    return bytes_of(&encoded[value ? 1 : 0], 1);
}

void merge_refuse(struct merge *m, unsigned index, enum err reason, const char *field)
{
    struct row_change *row = &m->changes[index];
    row->disposition = DISPOSITION_REJECTED;
    row->reason = reason;
    if (field)
        (void)snprintf(row->field, sizeof(row->field), "%s", field);
    m->failed[m->txn->changes[index].group] = true;
}

/* A thing is "collection.field": the field's name goes into the answer, and nothing else. */
static void refuse_with(struct merge *m, unsigned index, const struct problem *problem)
{
    const char *dot = strchr(problem->thing, '.');
    const struct policy_collection *c =
        policy_collection(m->then, m->txn->changes[index].collection);
    bool known = dot && c &&
                 (policy_field(c, bytes_text(dot + 1)) ||
                  (problem->code == ERR_RULE && policy_rule(c, bytes_text(dot + 1))));
    merge_refuse(m, index, problem->code, known ? dot + 1 : NULL);
}

static bool is_waiting(enum disposition disposition)
{
    return disposition == DISPOSITION_PARKED || disposition == DISPOSITION_QUARANTINED;
}

bool merge_park_behind(struct merge *m, uint64_t txn, enum disposition disposition)
{
    if (!is_waiting(disposition) || txn >= m->row.number || m->ruling == RULING_ACCEPT)
        return false;
    if (!m->parks) {
        m->parks = true;
        m->wait = (struct row_wait){ .txn = m->row.number, .on_txn = txn };
    }
    return true;
}

/* --- creates beside each other --------------------------------------------------------------- */

static size_t slot_of(const struct id *id)
{
    size_t slot = 0;
    for (size_t i = 0; i < 4; i++)
        slot = slot << 8 | id->at[ID_BYTES - 1 - i];
    return slot;
}

static void created_add(struct merge *m, unsigned index)
{
    size_t slot = slot_of(&m->txn->changes[index].record) % COUNT_OF(m->created);
    while (m->created[slot] != 0)
        slot = (slot + 1) % COUNT_OF(m->created);
    m->created[slot] = (uint16_t)(index + 1);
}

const struct change *merge_created(const struct merge *m, const struct id *id)
{
    size_t slot = slot_of(id) % COUNT_OF(m->created);
    for (; m->created[slot] != 0; slot = (slot + 1) % COUNT_OF(m->created)) {
        const struct change *change = &m->txn->changes[m->created[slot] - 1];
        if (id_equal(&change->record, id))
            return m->failed[change->group] ? NULL : change;
    }
    return NULL;
}

/* --- three-way ------------------------------------------------------------------------------- */

/* The entry in which the author's last own change of this record was merged; 0 without one. */
static enum err lineage_of(struct merge *m, const struct change *change, uint64_t *ret_lineage)
{
    uint64_t number = 0;
    struct row_txn row = { .merged = 0 };
    *ret_lineage = 0;
    if (!change->base.has_leaf)
        return OK;
    enum err err = m->store->ops->txn_find(m->store->backend, &change->base.leaf, &number);
    if (!err)
        err = m->store->ops->txn_get(m->store->backend, number, &row);
    if (!err && strcmp(row.node, m->row.node) == 0)
        *ret_lineage = row.merged;
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err written_by_own(struct merge *m, uint64_t rev, bool *ret_own)
{
    uint64_t number;
    struct row_txn row;
    enum err err = m->store->ops->txn_merged_in(m->store->backend, rev, &number);
    if (!err)
        err = m->store->ops->txn_get(m->store->backend, number, &row);
    *ret_own = err == OK && strcmp(row.node, m->row.node) == 0;
    return err == ERR_NOT_FOUND ? OK : err;
}

/* Fills what merge_decide asks. The database is asked only where the answer depends on it. */
static enum err weigh(struct merge *m, const struct change *change, uint64_t rev,
                      struct merge_field *ret_field)
{
    struct merge_field field = { .field_rev = rev };
    enum err err = store_base_rev(m->store, &change->base, &field.base_rev);
    if (!err && rev > field.base_rev)
        err = lineage_of(m, change, &field.lineage);
    if (!err && rev > field.base_rev && rev <= field.lineage)
        err = written_by_own(m, rev, &field.own);
    *ret_field = field;
    return err;
}

enum err merge_saw(struct merge *m, const struct change *change, uint64_t rev, bool *ret_seen)
{
    struct merge_field field;
    enum err err = weigh(m, change, rev, &field);
    *ret_seen = !err && merge_decide(&field) == MERGE_TAKE;
    return err;
}

static enum err open_conflict(struct merge *m, const char *field, struct merge_finding *finding,
                              bool *ret_open)
{
    *ret_open = false;
    if (m->record.held == 0)
        return OK;
    enum err err = m->store->ops->conflict_find(m->store->backend, &m->record.id, field,
                                                m->row.node, &finding->conflict);
    *ret_open = err == OK;
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err merge_find(struct merge *m, const struct change *change, const struct policy_field *field,
                    struct bytes value, struct merge_finding *ret_finding)
{
    struct hub_value stands = record_stands(&m->record, field);
    struct merge_finding finding = { .verdict = MERGE_TAKE };
    struct merge_field weighed;
    bool open = false;
    enum err err = weigh(m, change, stands.rev, &weighed);
    if (!err)
        err = open_conflict(m, field ? field->name : "", &finding, &open);
    if (err)
        return err;
    weighed.equal = bytes_equal(stands.raw, value);
    finding.verdict = merge_decide(&weighed);
    if (open) { /* what this node says of a field it holds stays on its side of the conflict */
        finding.verdict = weighed.equal ? MERGE_SAME : MERGE_HOLD;
        finding.answers = weighed.equal;
        finding.replaces = !weighed.equal;
    }
    *ret_finding = finding;
    return OK;
}

enum err merge_existence(struct merge *m, const struct change *change,
                         struct merge_finding *ret_finding)
{
    const struct hub_record *record = &m->record;
    bool deletes = change->op == OP_DELETE;
    struct merge_finding finding = { .verdict = MERGE_SAME };
    if (!deletes && !record->deleted) {
        *ret_finding = finding;
        return OK;
    }
    enum err err = merge_find(m, change, NULL, merge_bool(deletes), &finding);
    /* A delete buries every field: what was written since is touched too. */
    for (size_t i = 0; i < record->collection->field_count && !err && deletes; i++) {
        bool seen = true;
        if (finding.verdict == MERGE_TAKE)
            err = merge_saw(m, change, record->fields[i].rev, &seen);
        if (!seen)
            finding.verdict = MERGE_HOLD;
    }
    if (!err)
        *ret_finding = finding;
    return err;
}

/* --- one change ------------------------------------------------------------------------------ */

static bool charge(struct merge *m, unsigned events, size_t bytes)
{
    m->events += events;
    m->extra_bytes += bytes + events * (size_t)MERGE_EVENT_BYTES;
    return m->events <= MERGE_EVENTS_MAX && m->extra_bytes <= MERGE_EXTRA_BYTES_MAX;
}

static size_t record_bytes(const struct hub_record *record)
{
    size_t bytes = 0;
    for (size_t i = 0; i < record->collection->field_count; i++)
        if (record->fields[i].raw.len > 0 || record->fields[i].rev != record->born)
            bytes += record->fields[i].raw.len + strlen(record->collection->fields[i].name) + 4;
    return bytes;
}

/* A record that moves goes out whole, and its open conflicts again with both their values. */
static enum err charge_move(struct merge *m, bool *ret_fits)
{
    unsigned open = 0;
    size_t held_bytes = 0;
    enum err err = OK;
    if (m->record.held > 0)
        err = m->store->ops->conflicts_weigh(m->store->backend, &m->record.id, &open, &held_bytes);
    if (!charge(m, open, record_bytes(&m->record) * (1 + open) + held_bytes))
        *ret_fits = false;
    return err;
}

/* Counts what the change would say in the feed beside its own values. */
static enum err check_amount(struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    const struct policy_collection *c = m->now[index];
    struct merge_finding finding;
    struct bytes name, value;
    bool fits = true;
    enum err err = merge_existence(m, change, &finding);
    if (!err && finding.verdict == MERGE_HOLD)
        fits = charge(m, 1, 0);
    fits = charge(m, 0, merge_finish_bytes(c)) && fits;
    if (!err && change->op == OP_RESOLVE) /* what was chosen goes out twice */
        fits = charge(m, 1,
                      change->fields.len +
                          (change_is_existence(change) ? record_bytes(&m->record) : 0));
    struct field_iter iter = fields_of(change->fields);
    while (!err && (change->op == OP_UPDATE || change->op == OP_RESOLVE) &&
           fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(c, name);
        if (field && field - c->fields == c->area_field)
            err = charge_move(m, &fits);
        if (err || change->op == OP_RESOLVE)
            continue;
        err = merge_find(m, change, field, value_or_nothing(value), &finding);
        if (!err && (finding.verdict == MERGE_HOLD || finding.answers))
            fits = charge(m, 1, record_stands(&m->record, field).raw.len) && fits;
    }
    if (!err && !fits)
        merge_refuse(m, index, ERR_LIMIT, NULL);
    return err;
}

static enum err check_resolve(struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    struct row_conflict conflict;
    struct bytes name, value;
    enum err err = m->store->ops->conflict_get(m->store->backend, &change->conflict, &conflict);
    if (err && err != ERR_NOT_FOUND)
        return err;
    struct field_iter iter = fields_of(change->fields);
    bool one = fields_next(&iter, &name, &value);
    if (err || !one || !id_equal(&conflict.record, &change->record) ||
        !bytes_is(name, conflict.field))
        merge_refuse(m, index, ERR_NOT_FOUND, NULL);
    return OK;
}

/* An update, delete or resolve whose record is not there. */
static enum err check_missing(struct merge *m, unsigned index)
{
    struct row_creation creation;
    const struct change *change = &m->txn->changes[index];
    enum err err =
        m->store->ops->creation(m->store->backend, &change->record, m->row.number, &creation);
    if (err && err != ERR_NOT_FOUND)
        return err;
    if (err)
        merge_refuse(m, index, ERR_NOT_FOUND, NULL);
    else if (!merge_park_behind(m, creation.txn, creation.disposition))
        merge_refuse(m, index, ERR_BASE_REJECTED, NULL);
    return OK;
}

static bool is_refusal(enum err err)
{
    return err != OK && err != ERR_STORE && err != ERR_FULL && err != ERR_MEMORY && err != ERR_IO &&
           err != ERR_BUSY;
}

/* Whose fields they are, and what the policy's rules say, of the record that stands. */
static enum err check_rules(struct merge *m, unsigned index)
{
    struct problem problem = { .code = OK };
    struct change change = m->txn->changes[index];
    if (change_is_existence(&change))
        change = change_as_delete(&change);
    enum err err = merge_rules(m, &change, &problem);
    if (!is_refusal(err))
        return err;
    problem.code = err;
    refuse_with(m, index, &problem);
    return OK;
}

static bool asks_rules(const struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    return !m->failed[change->group] && merge_has_rules(m, change) &&
           (!change_is_existence(change) || change_says_deleted(change));
}

/* Of a change that refers to nothing: what its record refers to is there already, so the rules need
 * not wait until it is known what stands beside it, and the record is at hand. */
static enum err check_rules_now(struct merge *m, unsigned index)
{
    if (m->parks || !asks_rules(m, index))
        return OK;
    m->ruled[index] = true;
    return check_rules(m, index);
}

static enum err check_existing(struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    const struct hub_backend_ops *ops = m->store->ops;
    struct row_txn pending = { .state = DISPOSITION_NONE };
    uint64_t number = 0;
    enum err err = OK;
    if (change->base.has_leaf) {
        err = ops->txn_find(m->store->backend, &change->base.leaf, &number);
        if (!err && number != m->row.number)
            err = ops->txn_get(m->store->backend, number, &pending);
        if (!err && number != m->row.number && merge_park_behind(m, number, pending.state))
            return OK;
        if (err && err != ERR_NOT_FOUND)
            return err;
    }
    err = ops->record_get(m->store->backend, m->now[index], &change->record, &m->record);
    if (err == ERR_NOT_FOUND)
        return check_missing(m, index);
    if (err)
        return err;
    if (!area_within(record_area(&m->record), m->author.area)) {
        merge_refuse(m, index, ERR_AREA, NULL);
        return OK;
    }
    if (!merge_countersigned(m, record_area(&m->record))) {
        merge_refuse(m, index, ERR_COUNTERSIGN, NULL);
        return OK;
    }
    if (change->base.epoch == m->store->trust.epoch && change->base.rev >= m->row.number) {
        merge_refuse(m, index, ERR_MALFORMED, NULL); /* nobody has seen what is not written yet */
        return OK;
    }
    bool gone = false;
    if (m->record.deleted && change->op == OP_UPDATE)
        err = merge_saw(m, change, m->record.existence_rev, &gone);
    if (!err && gone)
        merge_refuse(m, index, ERR_NOT_FOUND, NULL);
    else if (!err && change->op == OP_RESOLVE)
        err = check_resolve(m, index);
    return err || m->failed[change->group] ? err : check_amount(m, index);
}

static enum err check_create(struct merge *m, unsigned index)
{
    struct row_creation creation;
    const struct change *change = &m->txn->changes[index];
    enum err err =
        m->store->ops->creation(m->store->backend, &change->record, m->row.number, &creation);
    if (err && err != ERR_NOT_FOUND)
        return err;
    if (!err && creation.disposition != DISPOSITION_REJECTED)
        merge_refuse(m, index, ERR_DUPLICATE, NULL);
    else
        created_add(m, index);
    if (!charge(m, 0, merge_finish_bytes(m->now[index])))
        merge_refuse(m, index, ERR_LIMIT, NULL);
    return OK;
}

/* The answer to a conflict about existence names no field of the policy. */
static enum err check_existence_answer(struct merge *m, unsigned index)
{
    struct problem problem = { .code = OK };
    const struct change change = change_as_delete(&m->txn->changes[index]);
    struct reader reader = reader_of(fields_get(m->txn->changes[index].fields, bytes_text("")));
    if (reader_peek(&reader) != KIND_BOOL)
        return ERR_VALUE;
    return validate_authority(m->then, &change, &m->author, &problem);
}

/* Where a create or a move puts its record; what is there already is asked of the record. */
static bool countersigned_there(const struct merge *m, const struct change *change)
{
    const struct policy_collection *c = policy_collection(m->then, change->collection);
    if (!c || !m->needs_countersigner)
        return true;
    struct bytes value = fields_get(change->fields, bytes_text(c->fields[c->area_field].name));
    struct reader in = reader_of(value);
    return value.len == 0 || reader_peek(&in) != KIND_STR ||
           merge_countersigned(m, reader_str(&in));
}

static enum err check_change(struct merge *m, unsigned index)
{
    const struct change *change = &m->txn->changes[index];
    struct problem problem = { .code = OK };
    enum err err = OK;
    if (change_is_existence(change)) {
        problem.code = err = check_existence_answer(m, index);
    } else {
        err = validate_change(m->then, change, &m->author, m->txn->claimed_ms, &problem, NULL);
        if (!err) /* letters that count for some records only are asked about with the rules */
            err = validate_authority(m->then, change, &m->author, &problem);
        problem.code = err;
    }
    if (!err && !m->now[index])
        problem.code = err = ERR_COLLECTION;
    if (!err && !countersigned_there(m, change))
        problem.code = err = ERR_COUNTERSIGN;
    if (err) {
        if (!is_refusal(err))
            return err;
        refuse_with(m, index, &problem);
        return OK;
    }
    const size_t references = m->reference_count;
    err = merge_references_of(m, index);
    if (!err)
        err = change->op == OP_CREATE ? check_create(m, index) : check_existing(m, index);
    if (!err && change->op != OP_CREATE && m->reference_count == references)
        err = check_rules_now(m, index);
    if (is_refusal(err)) {
        merge_refuse(m, index, err, NULL);
        err = OK;
    }
    return err;
}

/* What the policy's rules say of the records that stand: once it is known what stands beside each
 * other. What falls by them may take others along. */
static enum err check_all_rules(struct merge *m)
{
    bool fell = false;
    enum err err = OK;
    for (unsigned i = 0; i < m->txn->change_count && !err; i++) {
        const struct change *change = &m->txn->changes[i];
        if (m->ruled[i] || !asks_rules(m, i))
            continue;
        if (change->op != OP_CREATE)
            err = m->store->ops->record_get(m->store->backend, m->now[i], &change->record,
                                            &m->record);
        if (!err)
            err = check_rules(m, i);
        fell = fell || m->failed[change->group];
    }
    return err || !fell ? err : merge_check_references(m);
}

/* After a move to another incarnation a change only waits for what it really needs. */
static bool lacks_something(const struct merge *m)
{
    for (unsigned i = 0; i < m->txn->change_count; i++)
        if (m->changes[i].reason == ERR_REFERENCE || m->changes[i].reason == ERR_NOT_FOUND)
            return true;
    return false;
}

enum err merge_check(struct merge *m)
{
    enum err err = OK;
    m->parks = false;
    m->reference_count = 0;
    m->events = 0;
    m->extra_bytes = 0;
    memset(m->failed, 0, sizeof(m->failed));
    memset(m->created, 0, sizeof(m->created));
    memset(m->ruled, 0, sizeof(m->ruled));
    for (unsigned i = 0; i < m->txn->change_count && !err; i++)
        if (!m->failed[m->txn->changes[i].group])
            err = check_change(m, i);
    if (!err)
        err = merge_check_references(m);
    if (!err && !m->parks)
        err = check_all_rules(m);
    if (err)
        return err;
    if (!m->parks && m->ruling == RULING_MOVED && lacks_something(m))
        m->parks = true; /* as before: m->wait was kept by the caller */

    /* The rest of a group falls with the one that failed, for its reason. */
    enum err reasons[CHANGES_PER_TRANSACTION_MAX] = { OK };
    for (unsigned i = 0; i < m->txn->change_count; i++)
        if (m->changes[i].disposition == DISPOSITION_REJECTED)
            reasons[m->txn->changes[i].group] = m->changes[i].reason;
    for (unsigned i = 0; i < m->txn->change_count; i++) {
        if (!m->failed[m->txn->changes[i].group])
            continue;
        if (m->changes[i].disposition != DISPOSITION_REJECTED)
            m->changes[i].reason = reasons[m->txn->changes[i].group];
        m->changes[i].disposition = DISPOSITION_REJECTED;
    }
    return OK;
}
