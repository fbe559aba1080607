/* What one node sees of the journal. Built from the feed index and from rows as they stand now: of
 * an entry come the fields that it wrote last, since what a later entry wrote comes with that one.
 * */
#include <stdio.h>

#include "common/must.h"
#include "hub/hub_store_state.h"
#include "proto/mask.h"
#include "proto/announce.h"
#include "proto/value.h"

/* One key of the feed index that the reader looks under: its area, and the audiences that it is in.
 * `number` is the next entry there; 0: none any more. */
struct lookout {
    char scope[IDENTIFIER_BYTES_MAX + 2];
    bool known;
    uint64_t number, txn;
};

struct feeder {
    struct hub_store *store;
    const struct hub_reader *reader;
    struct writer *out;
    unsigned count;
    unsigned looked;                         /* changes, and one for each entry */
    uint64_t number;                         /* the entry at hand */
    uint64_t rules;                          /* number of the newest rules entry */
    uint64_t dictionary, dictionary_version; /* where the newest one comes; 0 = none */
    struct lookout lookouts[AREA_LEVELS_MAX + 3];
    unsigned lookout_count;
    enum err err;
};

static const uint8_t nil_value[] = { 0xc0 };

static void give(struct feeder *f, const struct feed_item *item)
{
    feed_item_encode(item, f->out);
    f->count++;
}

static struct bytes or_nil(struct bytes raw)
{
    return raw.len > 0 ? raw : bytes_of(nil_value, sizeof(nil_value));
}

/* --- records as they stand ---------------------------------------------------------------------
 */

struct hub_value record_stands(const struct hub_record *record, const struct policy_field *field)
{
    static const uint8_t encoded[] = { 0xc2, 0xc3 };
    if (field)
        return record->fields[field - record->collection->fields];
    return (struct hub_value){ .raw = bytes_of(&encoded[record->deleted ? 1 : 0], 1),
                               .rev = record->existence_rev };
}

struct bytes record_area(const struct hub_record *record)
{
    struct bytes raw = record->fields[record->collection->area_field].raw;
    struct reader reader = reader_of(raw);
    return raw.len > 0 ? reader_str(&reader) : bytes_of(NULL, 0);
}

/* --- records --------------------------------------------------------------------------------- */

/* An audience is in the feed index as '>' and its area, and as '<' and each area above it; '>'
 * alone is everybody. An office is in it that lies in one of its areas, or has one inside. */
bool feed_in_audience(const struct hub_record *record, struct bytes area)
{
    const struct policy_collection *c = record->collection;
    return announce_in_audience(
        c,
        c->audience == AUDIENCE_FIELD ? record->fields[c->audience_field].raw : bytes_of(NULL, 0),
        area);
}

enum sight { SIGHT_NONE, SIGHT_LEFT, SIGHT_CHANGED, SIGHT_WHOLE };

/* Whom the record goes to was written in this entry: some may not have it yet. */
static bool audience_is_new(const struct feeder *f)
{
    const struct hub_record *record = f->store->record;
    return record->collection->audience == AUDIENCE_FIELD &&
           record->fields[record->collection->audience_field].rev == f->number;
}

/* What of the record the reader gets from this change. */
static enum sight sight_of(const struct feeder *f, const struct row_change *change)
{
    struct bytes area = bytes_text(f->reader->area);
    struct bytes left = bytes_text(change->moved_from);
    bool inside = area_within(record_area(f->store->record), area);
    bool was_inside = left.len > 0 && area_within(left, area);
    bool whole = (change->flags & CHANGE_WHOLE) != 0;
    if (!inside && feed_in_audience(f->store->record, area))
        return whole || audience_is_new(f) ? SIGHT_WHOLE : SIGHT_CHANGED;
    if (!inside)
        return was_inside ? SIGHT_LEFT : SIGHT_NONE;
    return (left.len > 0 && !was_inside) || whole ? SIGHT_WHOLE : SIGHT_CHANGED;
}

static bool field_is_due(const struct feeder *f, size_t index, enum sight sight)
{
    const struct hub_record *record = f->store->record;
    const struct policy_field *field = &record->collection->fields[index];
    const struct hub_value *value = &record->fields[index];
    bool own_area = bytes_equal(record_area(record), bytes_text(f->reader->area));
    if (sight == SIGHT_LEFT) /* that it left is all that is told */
        return (int)index == record->collection->area_field;
    if (value->rev > f->number || (sight == SIGHT_CHANGED && value->rev != f->number))
        return false;
    if (value->raw.len == 0 && value->rev == record->born)
        return false;
    return own_area || !mask_restricted(field, value->raw);
}

/* Map keys stand in bytewise order. */
static void give_fields(const struct feeder *f, enum sight sight, struct writer *map,
                        size_t *ret_count)
{
    const struct hub_record *record = f->store->record;
    size_t due[FIELDS_PER_CHANGE_MAX];
    size_t count = 0;
    for (size_t i = 0; i < record->collection->field_count; i++) {
        if (!field_is_due(f, i, sight))
            continue;
        size_t at = count++;
        for (; at > 0 && codec_compare(bytes_text(record->collection->fields[due[at - 1]].name),
                                       bytes_text(record->collection->fields[i].name)) > 0;
             at--)
            due[at] = due[at - 1];
        due[at] = i;
    }
    writer_map(map, count);
    for (size_t i = 0; i < count; i++) {
        writer_text(map, record->collection->fields[due[i]].name);
        writer_raw(map, or_nil(record->fields[due[i]].raw));
    }
    *ret_count = count;
}

/* What the ACK has confirmed is at its author's, unless that can no longer read it. */
static bool is_there(const struct feeder *f, const struct row_txn *txn,
                     const struct row_change *change)
{
    return strcmp(txn->node, f->reader->node) == 0 &&
           id_equal(&txn->incarnation, &f->reader->incarnation) &&
           txn->seq > f->reader->unread[txn->lane] && (change->flags & CHANGE_ECHO) == 0;
}

static void give_record(struct feeder *f, const struct row_txn *txn,
                        const struct row_change *change)
{
    struct hub_record *record = f->store->record;
    if (!change->collection || change->disposition == DISPOSITION_REJECTED ||
        change->disposition == DISPOSITION_PARKED || change->disposition == DISPOSITION_QUARANTINED)
        return;
    if (is_there(f, txn, change))
        return;
    f->err =
        f->store->ops->record_get(f->store->backend, change->collection, &change->record, record);
    if (f->err)
        return;
    enum sight sight = sight_of(f, change);
    size_t fields = 0;
    static uint8_t space[FEED_PLAIN_BYTES_MAX];
    struct writer map = writer_of(space, sizeof(space));
    if (sight == SIGHT_NONE)
        return;
    give_fields(f, sight, &map, &fields);
    if (fields == 0 && record->born != f->number && record->existence_rev != f->number)
        return;
    if (map.err) {
        f->err = ERR_LIMIT;
        return;
    }
    struct feed_item item = {
        .kind = FEED_RECORD,
        .number = f->number,
        .collection = bytes_text(record->collection->name),
        .record = record->id,
        .deleted = record->deleted,
        .short_text = bytes_text(record->short_text),
        .fields = writer_bytes(&map),
        .origin = { .node = bytes_text(txn->node),
                    .operator_number = txn->operator_number,
                    .claimed_ms = txn->claimed_ms },
    };
    give(f, &item);
}

/* Who wrote the value that stands. */
static enum err writer_node(struct hub_store *store, uint64_t rev, struct row_txn *ret_txn)
{
    uint64_t number;
    enum err err = store->ops->txn_merged_in(store->backend, rev, &number);
    return err ? err : store->ops->txn_get(store->backend, number, ret_txn);
}

static bool give_conflict(void *ctx, const struct row_conflict *row)
{
    struct feeder *f = ctx;
    struct hub_record *record = f->store->record;
    struct row_txn author;
    if (!row->collection)
        return true;
    f->err = f->store->ops->record_get(f->store->backend, row->collection, &row->record, record);
    if (f->err)
        return false;
    const struct policy_field *field =
        row->field[0] ? policy_field(row->collection, bytes_text(row->field)) : NULL;
    struct hub_value stands = record_stands(record, field);
    struct bytes area = bytes_text(f->reader->area);
    if (!area_within(record_area(record), area))
        return true;
    if (field && !bytes_equal(record_area(record), area) &&
        (mask_restricted(field, stands.raw) || mask_restricted(field, row->held_value) ||
         mask_restricted(field, row->chosen)))
        return true;
    struct feed_item item = { .kind = row->closed > 0 ? FEED_RESOLVED : FEED_CONFLICT,
                              .number = f->number,
                              .conflict = row->id,
                              .collection = bytes_text(row->collection->name),
                              .record = row->record,
                              .field = bytes_text(row->field),
                              .value_a = row->closed > 0 ? row->chosen : or_nil(stands.raw),
                              .value_b = row->held_value,
                              .author_b = bytes_text(row->held_node) };
    if (row->closed == 0) {
        f->err = writer_node(f->store, stands.rev, &author);
        if (f->err)
            return false;
        item.author_a = bytes_text(author.node);
    }
    give(f, &item);
    return true;
}

static void give_entry(struct feeder *f, uint64_t txn_number)
{
    const struct hub_backend_ops *ops = f->store->ops;
    struct row_txn txn;
    unsigned count = 0;
    f->err = ops->txn_get(f->store->backend, txn_number, &txn);
    if (!f->err)
        f->err = ops->changes_get(f->store->backend, txn_number, f->store->changes, &count);
    f->looked += count + 1;
    for (unsigned i = 0; i < count && !f->err; i++)
        give_record(f, &txn, &f->store->changes[i]);
    if (f->err)
        return;
    enum err err = ops->conflicts_at(f->store->backend, f->number, give_conflict, f);
    if (!f->err)
        f->err = err;
}

static enum err records_next(struct feeder *f, uint64_t after, uint64_t *ret_number,
                             uint64_t *ret_txn)
{
    const struct lookout *first = NULL;
    for (unsigned i = 0; i < f->lookout_count; i++) {
        struct lookout *one = &f->lookouts[i];
        if (!one->known || (one->number > 0 && one->number <= after)) {
            enum err err = f->store->ops->scope_next(f->store->backend, one->scope, after,
                                                     &one->number, &one->txn);
            if (err && err != ERR_NOT_FOUND)
                return err;
            if (err)
                one->number = 0;
            one->known = true;
        }
        if (one->number > 0 && (!first || one->number < first->number))
            first = one;
    }
    if (!first)
        return ERR_NOT_FOUND;
    *ret_number = first->number;
    *ret_txn = first->txn;
    return OK;
}

static bool has_audiences(const struct policy *policy)
{
    for (size_t i = 0; policy && i < policy->collection_count; i++)
        if (policy->collections[i].audience != AUDIENCE_AREA)
            return true;
    return false;
}

/* Its area; everybody; audiences that hold its area, and those inside it. */
static void lookouts_set(struct feeder *f)
{
    const char *area = f->reader->area;
    (void)snprintf(f->lookouts[f->lookout_count++].scope, sizeof(f->lookouts[0].scope), "%s", area);
    if (!has_audiences(f->store->policy))
        return;
    f->lookouts[f->lookout_count++].scope[0] = '>';
    (void)snprintf(f->lookouts[f->lookout_count++].scope, sizeof(f->lookouts[0].scope), "<%s",
                   area);
    for (size_t len = 1; len <= strlen(area) && f->lookout_count < COUNT_OF(f->lookouts); len++)
        if (area[len] == '\0' || area[len] == '.')
            (void)snprintf(f->lookouts[f->lookout_count++].scope, sizeof(f->lookouts[0].scope),
                           ">%.*s", (int)len, area);
}

/* --- control --------------------------------------------------------------------------------- */

static enum err control_next(struct feeder *f, uint64_t after, uint64_t *ret_number)
{
    uint64_t policy = 0;
    uint64_t decision = 0;
    enum err err = f->store->ops->journal_policy_next(f->store->backend, after, &policy);
    if (err && err != ERR_NOT_FOUND)
        return err;
    err = f->store->ops->decision_next(f->store->backend, f->reader->node, after, &decision);
    if (err && err != ERR_NOT_FOUND)
        return err;
    uint64_t next = policy == 0 || (decision > 0 && decision < policy) ? decision : policy;
    if (f->dictionary > after && (next == 0 || f->dictionary < next))
        next = f->dictionary;
    *ret_number = next;
    return next == 0 ? ERR_NOT_FOUND : OK;
}

static bool give_decision(void *ctx, const struct row_decision *row)
{
    struct feeder *f = ctx;
    struct row_txn txn;
    f->err = f->store->ops->txn_get(f->store->backend, row->txn, &txn);
    if (f->err)
        return false;
    struct feed_item item = {
        .kind = FEED_DECISION,
        .number = f->number,
        .leaf = txn.leaf,
        .decision = { .whole = row->whole,
                      .index = row->index,
                      .disposition = row->disposition,
                      .reason = bytes_text(row->reason ? err_name(row->reason) : ""),
                      .field = bytes_text(row->field) },
    };
    give(f, &item);
    return true;
}

static void give_policy(struct feeder *f)
{
    struct row_journal row;
    struct bytes document;
    f->err = f->store->ops->journal_get(f->store->backend, f->number, &row);
    if (f->err || (row.kind != JOURNAL_TRUST && row.kind != JOURNAL_RULES))
        return;
    if (row.kind == JOURNAL_RULES && f->number != f->rules)
        return; /* a newer one follows */
    struct reader reader = reader_of(row.entry);
    (void)reader_array(&reader);
    for (int i = 0; i < 3; i++)
        (void)reader_uint(&reader);
    uint64_t version = reader_uint(&reader);
    f->err = f->store->ops->document_get(f->store->backend, row.kind, version, &document);
    if (f->err)
        return;
    struct feed_item item = { .kind = row.kind == JOURNAL_TRUST ? FEED_TRUST : FEED_RULES,
                              .number = f->number,
                              .document = document };
    give(f, &item);
}

/* Only the one that the rules in force name: others are of no use to anybody any more. */
static void give_dictionary(struct feeder *f)
{
    struct hub_store *store = f->store;
    struct hash hash;
    struct bytes bytes;
    if (f->number != f->dictionary)
        return;
    f->err = store->ops->document_get(store->backend, DOCUMENT_DICTIONARY, f->dictionary_version,
                                      &bytes);
    if (f->err)
        return;
    dictionary_hash(bytes, &hash);
    if (!hash_equal(&hash, &store->policy->dictionary))
        return;
    struct feed_item item = { .kind = FEED_DICTIONARY,
                              .number = f->number,
                              .version = f->dictionary_version,
                              .document = bytes };
    give(f, &item);
}

static void give_control(struct feeder *f)
{
    give_policy(f);
    if (!f->err)
        give_dictionary(f);
    if (f->err)
        return;
    enum err err = f->store->ops->decisions_at(f->store->backend, f->reader->node, f->number,
                                               give_decision, f);
    if (!f->err)
        f->err = err;
}

/* --- batches --------------------------------------------------------------------------------- */

static enum err batch_end(struct feeder *f, uint64_t to, unsigned *ret_count, uint64_t *ret_to,
                          struct hash *ret_hash)
{
    struct row_journal row;
    if (to == 0) {
        journal_genesis(f->store->district, ret_hash);
    } else {
        enum err err = f->store->ops->journal_get(f->store->backend, to, &row);
        if (err)
            return err;
        *ret_hash = row.hash;
    }
    *ret_count = f->count;
    *ret_to = to;
    return OK;
}

enum err hub_store_feed(struct hub_store *store, const struct hub_reader *reader,
                        enum feed_stream stream, uint64_t from, unsigned max_items,
                        struct writer *out, unsigned *ret_count, uint64_t *ret_to,
                        struct hash *ret_hash)
{
    struct feeder f = { .store = store, .reader = reader, .out = out, .number = from };
    uint64_t version = 0;
    must(from <= store->journal.number && max_items > 0 && !out->err);
    lookouts_set(&f);
    enum err err = store->ops->document_last(store->backend, JOURNAL_RULES, &version, &f.rules);
    if (err && err != ERR_NOT_FOUND)
        return err;
    err = store_dictionary_place(store, &f.dictionary, &f.dictionary_version);
    if (err)
        return err;
    while (true) {
        uint64_t number = 0;
        uint64_t txn = 0;
        unsigned count_before = f.count;
        size_t len_before = out->buf.len;
        err = stream == FEED_CONTROL ? control_next(&f, f.number, &number)
                                     : records_next(&f, f.number, &number, &txn);
        if (err == ERR_NOT_FOUND)
            return batch_end(&f, store->journal.number, ret_count, ret_to, ret_hash);
        if (err)
            return err;
        if (f.looked >= FEED_LOOK_CHANGES)
            return batch_end(&f, number - 1, ret_count, ret_to, ret_hash);
        f.number = number;
        if (stream == FEED_CONTROL)
            give_control(&f);
        else
            give_entry(&f, txn);
        if (f.err)
            return f.err;
        if (!out->err && (f.count <= max_items || count_before == 0))
            continue;
        /* This entry goes with the next batch; one that fills a batch alone goes alone. */
        if (count_before == 0)
            return ERR_LIMIT;
        out->buf.len = len_before;
        out->err = OK;
        f.count = count_before;
        return batch_end(&f, number - 1, ret_count, ret_to, ret_hash);
    }
}
