/* What must hold at the end: one reader of the whole journal against what each node shows, what
 * each node was told against what the hub decided, and the journal against the state. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/merge.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_reset.h"

#define RECORDS_MAX 8192
#define VALUE_MAX 64
#define EPOCHS_MAX 16

/* ---- the journal, read from its beginning */

struct folded_field {
    char name[32];
    uint8_t value[VALUE_MAX];
    size_t value_len;
    uint64_t rev;
};

struct folded {
    struct id record;
    bool deleted;
    uint64_t deleted_rev;
    size_t field_count;
    struct folded_field fields[8];
};

static struct folded *folds;
static size_t fold_count;

/* Every conflict that the journal ever named, open or answered. */
static struct id conflicts[RECORDS_MAX];
static size_t conflict_count;

static bool made_conflict(const struct seen_change *change, struct bytes field)
{
    struct id id;
    merge_conflict_id(&change->leaf, change->index, field, &id);
    for (size_t i = 0; i < conflict_count; i++) {
        if (id_equal(&conflicts[i], &id))
            return true;
    }
    return false;
}

/* Held itself, or in the place of an earlier held value of the same office: the conflict is named
 * after the first. */
static bool once_held(const struct seen_change *change, struct bytes field)
{
    for (size_t i = 0; i < sim_seen_count; i++) {
        if (world.nodes[sim_seen[i].node].office == world.nodes[change->node].office &&
            id_equal(&sim_seen[i].record, &change->record) &&
            sim_seen[i].number <= change->number && made_conflict(&sim_seen[i], field))
            return true;
    }
    for (size_t i = 0; i < sim_ghost_count; i++) {
        if (world.nodes[sim_ghosts[i].node].office == world.nodes[change->node].office &&
            id_equal(&sim_ghosts[i].record, &change->record) &&
            made_conflict(&sim_ghosts[i], field))
            return true;
    }
    return false;
}

static struct folded *fold_find(const struct id *record)
{
    for (size_t i = 0; i < fold_count; i++) {
        if (id_equal(&folds[i].record, record))
            return &folds[i];
    }
    return NULL;
}

static void fold_item(const struct feed_item *item)
{
    struct folded *fold = fold_find(&item->record);
    if (fold == NULL) {
        must(fold_count < RECORDS_MAX);
        fold = &folds[fold_count++];
        fold->record = item->record;
    }
    fold->deleted = item->deleted;
    struct field_iter iter = fields_of(item->fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        size_t i = 0;
        while (i < fold->field_count && !bytes_is(name, fold->fields[i].name))
            i++;
        must(i < COUNT_OF(fold->fields) && name.len < 32 && value.len <= VALUE_MAX);
        if (i == fold->field_count) {
            memcpy(fold->fields[i].name, name.at, name.len);
            fold->fields[i].name[name.len] = '\0';
            fold->field_count++;
        }
        memcpy(fold->fields[i].value, value.at, value.len);
        fold->fields[i].value_len = value.len;
        fold->fields[i].rev = item->number;
    }
}

/* Epochs as the journal opened them. */
static struct {
    uint64_t epoch, cut, number;
} epochs[EPOCHS_MAX];
static unsigned epoch_count;

static void note_epochs(const struct feed_item *item)
{
    struct trust_view view;
    sim_ok(trust_view(item->document, &view));
    struct items_iter iter = items_of(view.ops);
    for (; iter.left > 0; iter.left--) {
        struct reader op = reader_of(reader_raw(&iter.reader));
        (void)reader_array(&op);
        if (reader_uint(&op) != TRUST_EPOCH)
            continue;
        must(epoch_count < EPOCHS_MAX);
        epochs[epoch_count].epoch = reader_uint(&op);
        epochs[epoch_count].cut = reader_uint(&op);
        epochs[epoch_count++].number = item->number;
    }
}

/* What a base counts as in entry `merged`: at most the cut of each epoch that had begun by then. */
static uint64_t base_rev(const struct base *base, uint64_t merged)
{
    uint64_t rev = base->rev;
    for (unsigned i = 0; i < epoch_count; i++) {
        if (base->epoch < epochs[i].epoch && merged > epochs[i].number && rev > epochs[i].cut)
            rev = epochs[i].cut;
    }
    return rev;
}

static void read_item(const struct feed_item *item)
{
    switch (item->kind) {
    case FEED_RECORD:
        fold_item(item);
        return;
    case FEED_CONFLICT:
    case FEED_RESOLVED:
        must(conflict_count < RECORDS_MAX);
        conflicts[conflict_count++] = item->conflict;
        return;
    case FEED_TRUST:
        note_epochs(item);
        return;
    case FEED_RULES:
    case FEED_DECISION:
    case FEED_DICTIONARY:
        return;
    }
}

static void read_stream(enum feed_stream stream)
{
    static uint8_t space[FEED_PLAIN_BYTES_MAX];
    const struct hub_reader reader = { .node = "nobody", .area = SIM_DISTRICT };
    uint64_t from = 0, end = hub_store_journal(world.hub.store).number;
    while (from < end) {
        struct writer out = writer_of(space, sizeof(space));
        unsigned count = 0;
        struct hash hash;
        uint64_t to = 0;
        sim_ok(hub_store_feed(world.hub.store, &reader, stream, from, FEED_ITEMS_MAX, &out, &count,
                              &to, &hash));
        struct reader items = reader_of(writer_bytes(&out));
        for (unsigned i = 0; i < count; i++) {
            struct feed_item item;
            sim_ok(feed_item_decode(reader_raw(&items), &item));
            read_item(&item);
        }
        must(to > from);
        from = to;
    }
}

static void read_journal(void)
{
    folds = calloc(RECORDS_MAX, sizeof(*folds));
    must(folds != NULL);
    fold_count = conflict_count = epoch_count = 0;
    read_stream(FEED_CONTROL);
    read_stream(FEED_RECORDS);
}

/* ---- views */

/* An own delete, or an own answer about its existence, that waits for its answer. */
static bool existence_waits(const struct sim_node *node, const struct id *record)
{
    for (size_t i = 0; i < sim_seen_count; i++) {
        const struct seen_change *change = &sim_seen[i];
        if (&world.nodes[change->node] == node && id_equal(&change->record, record) &&
            (change->op == OP_DELETE || change->op == OP_RESOLVE) &&
            (change->disposition == DISPOSITION_QUARANTINED ||
             change->disposition == DISPOSITION_PARKED))
            return true;
    }
    return false;
}

static void check_node_view(const struct sim_node *node, const struct folded *fold)
{
    const struct record_view *view = NULL;
    enum err err = node_store_view(node->store, &fold->record, &view);
    if (err != OK) {
        struct cursor cursor;
        sim_ok(node_store_cursor(node->store, FEED_RECORDS, &cursor));
        sim_fail("I2: %s does not know a record of the hub: %s (its first value is of %llu, the "
                 "cursor at %llu)",
                 node->name, err_name(err),
                 (unsigned long long)(fold->field_count > 0 ? fold->fields[0].rev : 0),
                 (unsigned long long)cursor.number);
    }
    if (view->deleted != fold->deleted && !existence_waits(node, &fold->record))
        sim_fail("I3: %s and the hub differ on whether a record is deleted", node->name);
    for (size_t i = 0; i < fold->field_count; i++) {
        bool found = false, pending = false;
        for (size_t k = 0; k < view->field_count; k++) {
            if (!bytes_is(view->fields[k].name, fold->fields[i].name))
                continue;
            found = true;
            pending = view->fields[k].pending || view->fields[k].held;
            if (!pending &&
                !bytes_equal(view->fields[k].value,
                             bytes_of(fold->fields[i].value, fold->fields[i].value_len)))
                sim_fail("I3: %s and the hub differ in %s (rev %llu there, %llu here)", node->name,
                         fold->fields[i].name, (unsigned long long)fold->fields[i].rev,
                         (unsigned long long)view->fields[k].rev);
        }
        if (!found && fold->fields[i].value_len > 1)
            sim_fail("I3: %s lacks field %s of a record", node->name, fold->fields[i].name);
    }
}

static bool in_area(const struct folded *fold, const char *area)
{
    for (size_t i = 0; i < fold->field_count; i++) {
        if (strcmp(fold->fields[i].name, "area") == 0)
            return fold->fields[i].value_len > 1 &&
                   area_within(bytes_of(fold->fields[i].value + 1, fold->fields[i].value_len - 1),
                               bytes_text(area));
    }
    return false;
}

/* ---- answers */

/* Each accepted create is one record; the last accepted writer of a field is what the hub shows. */
static void check_values(void)
{
    for (size_t i = 0; i < sim_seen_count; i++) {
        struct change change;
        if (sim_seen[i].disposition != DISPOSITION_ACCEPTED || sim_seen[i].raw_len == 0)
            continue;
        const struct folded *fold = fold_find(&sim_seen[i].record);
        if (fold == NULL)
            sim_fail("I1: an accepted change of %s has no record at the hub",
                     world.nodes[sim_seen[i].node].name);
        sim_ok(change_decode(bytes_of(sim_seen[i].raw, sim_seen[i].raw_len), &change));
        struct field_iter iter = fields_of(change.fields);
        struct bytes name, value;
        while (fields_next(&iter, &name, &value)) {
            for (size_t k = 0; k < fold->field_count; k++) {
                const struct folded_field *field = &fold->fields[k];
                if (!bytes_is(name, field->name) || field->rev > sim_seen[i].number)
                    continue;
                if (field->rev < sim_seen[i].number && name.len > 0 &&
                    !bytes_equal(value, bytes_of(field->value, field->value_len)))
                    sim_fail("I1: an accepted value of %s is lost: field %s shows rev %llu, "
                             "accepted as %llu",
                             world.nodes[sim_seen[i].node].name, field->name,
                             (unsigned long long)field->rev,
                             (unsigned long long)sim_seen[i].number);
            }
        }
    }
}

static struct bytes accepted_value(const struct seen_change *change, struct bytes field,
                                   struct change *ret_change)
{
    struct bytes none = { NULL, 0 };
    if (change->disposition != DISPOSITION_ACCEPTED || change->raw_len == 0)
        return none;
    sim_ok(change_decode(bytes_of(change->raw, change->raw_len), ret_change));
    return field.at == NULL ? none : fields_get(ret_change->fields, field);
}

/* Whether `later` overwrote in silence what `earlier`, another office's accepted change, had
 * written after its author looked. */
static bool overwrote(const struct seen_change *later, const struct change *what,
                      struct bytes field, struct bytes value, const struct seen_change *earlier)
{
    struct change other;
    if (world.nodes[earlier->node].office == world.nodes[later->node].office ||
        !id_equal(&earlier->record, &later->record) ||
        earlier->number <= base_rev(&what->base, later->number) || earlier->number >= later->number)
        return false;
    struct bytes before = accepted_value(earlier, field, &other);
    return before.at != NULL && other.op != OP_CREATE && !bytes_equal(before, value);
}

/* Two offices wrote one field, neither saw the other: a person decides, the later never just wins.
 * A held change that was chosen is accepted too, by a resolve: those say nothing here. */
static void check_three_way(void)
{
    for (size_t i = 0; i < sim_seen_count; i++) {
        struct change what;
        if (sim_seen[i].disposition != DISPOSITION_ACCEPTED || sim_seen[i].op != OP_UPDATE ||
            sim_seen[i].raw_len == 0)
            continue;
        sim_ok(change_decode(bytes_of(sim_seen[i].raw, sim_seen[i].raw_len), &what));
        struct field_iter iter = fields_of(what.fields);
        struct bytes field, value;
        while (!what.base.has_leaf && fields_next(&iter, &field, &value)) {
            for (size_t k = 0; k < sim_seen_count; k++) {
                if (!once_held(&sim_seen[i], field) && !once_held(&sim_seen[k], field) &&
                    sim_seen[k].op != OP_RESOLVE &&
                    overwrote(&sim_seen[i], &what, field, value, &sim_seen[k]))
                    sim_fail("I2: %s overwrote a value of %s that it had not seen, without a word: "
                             "%llu over %llu, looked at %llu of epoch %llu",
                             world.nodes[sim_seen[i].node].name, world.nodes[sim_seen[k].node].name,
                             (unsigned long long)sim_seen[i].number,
                             (unsigned long long)sim_seen[k].number,
                             (unsigned long long)what.base.rev,
                             (unsigned long long)what.base.epoch);
            }
        }
    }
}

/* What the hub's history says of one change. */
struct told {
    char leaf[2 * HASH_BYTES + 1], index[16];
    char disposition[16];
};

static void note_told(void *ctx, const struct hub_row *row)
{
    struct told *told = ctx;
    must(strcmp(row->names[5], "disposition") == 0 && strcmp(row->names[8], "leaf") == 0 &&
         strcmp(row->names[9], "index") == 0);
    if (strcmp(row->values[8], told->leaf) == 0 && strcmp(row->values[9], told->index) == 0)
        snprintf(told->disposition, sizeof(told->disposition), "%s", row->values[5]);
}

static void check_told(const struct seen_change *change)
{
    if (change->countersign == COUNTERSIGN_REFUSED)
        return; /* the hub never hears of it */
    struct told told = { .disposition = "unknown" };
    char hex[2 * ID_BYTES + 1], uuid[2 * ID_BYTES + 5];
    const char *const parameters[] = { uuid };
    crypto_hex(bytes_id(&change->record), hex);
    snprintf(uuid, sizeof(uuid), "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    crypto_hex(bytes_hash(&change->leaf), told.leaf);
    snprintf(told.index, sizeof(told.index), "%u", change->index);
    sim_ok(hub_store_list(world.hub.store, HUB_LIST_HISTORY, parameters, note_told, &told));
    if (strcmp(told.disposition, disposition_name(change->disposition)) != 0)
        sim_fail("I1: %s was told that lane %d seq %llu is %s, at the hub it is %s",
                 world.nodes[change->node].name, change->lane, (unsigned long long)change->seq,
                 disposition_name(change->disposition), told.disposition);
}

/* It was given back to its author, so that nobody waits for it. */
static bool was_refused(const struct sim_promise *promise)
{
    for (size_t i = 0; i < sim_seen_count; i++) {
        if (sim_seen[i].node == promise->node && hash_equal(&sim_seen[i].leaf, &promise->leaf))
            return sim_seen[i].countersign == COUNTERSIGN_REFUSED;
    }
    return false;
}

static const char *role_of(uint32_t number)
{
    const struct trust_operator *op = trust_operator(hub_store_trust(world.hub.store), number);
    return op != NULL ? op->role : "";
}

/* What a typist wrote and the hub took bears the valid signature of somebody else who may. */
static void check_countersigned(void)
{
    static uint8_t space[TRANSACTION_BYTES_MAX];
    static struct txn txn;
    for (size_t i = 0; i < sim_seen_count; i++) {
        const struct seen_change *change = &sim_seen[i];
        struct buf plain = buf_of(space, sizeof(space));
        struct change at_hub;
        if (strcmp(role_of(change->author), "typist") != 0 ||
            change->countersign == COUNTERSIGN_REFUSED)
            continue;
        sim_ok(
            hub_store_change(world.hub.store, &change->leaf, change->index, &plain, &txn, &at_hub));
        sim_ok(hub_store_txn_verify(world.hub.store, &txn, &change->leaf));
        if (txn.countersignature_count == 0 ||
            strcmp(role_of(txn.countersignatures[0].operator_number), "office") != 0)
            sim_fail("I4: %s: what a typist entered is %s and nobody countersigned it",
                     world.nodes[change->node].name, disposition_name(change->disposition));
    }
}

static bool created_here(const struct seen_change *change)
{
    for (size_t i = 0; i < sim_seen_count; i++) {
        if (sim_seen[i].node == change->node && sim_seen[i].op == OP_CREATE &&
            id_equal(&sim_seen[i].record, &change->record))
            return true;
    }
    return false;
}

/* What lies behind another change of the same office waits for it, whatever lane came first: an
 * edit of a record that is there is not refused for its absence. (Where the
 * hub was restored it may be, as far as this knows: what made the record may come back later.) */
static void check_order(void)
{
    if (epoch_count > 0)
        return;
    for (size_t i = 0; i < sim_seen_count; i++) {
        const struct seen_change *change = &sim_seen[i];
        const struct folded *fold = fold_find(&change->record);
        if (change->disposition == DISPOSITION_REJECTED && change->op == OP_UPDATE &&
            change->reason == ERR_NOT_FOUND && fold != NULL && !fold->deleted &&
            created_here(change))
            sim_fail("I2: %s: lane %d seq %llu came before the record that it edits",
                     world.nodes[change->node].name, change->lane, (unsigned long long)change->seq);
    }
}

static void check_replay(void)
{
    struct hub_store *into = NULL;
    struct problem problem = { .code = OK };
    struct hash here, there;
    enum err err = hub_store_open("m14/replay.db", SIM_VFS, SIM_DISTRICT, &into, &problem);
    if (err != OK)
        sim_fail("replay store: %s", err_name(err));
    sim_ok(hub_store_verify(world.hub.store, &problem));
    err = hub_store_replay(world.hub.store, into);
    if (err != OK)
        sim_fail("I3: the journal does not replay: %s", err_name(err));
    sim_ok(hub_store_content_hash(world.hub.store, &here));
    sim_ok(hub_store_content_hash(into, &there));
    hub_store_close(&into);
    if (!hash_equal(&here, &there))
        sim_fail("I3: replaying the journal gives another content hash");
}

void sim_check_end(void)
{
    sim_see_all();
    read_journal();
    for (size_t i = 0; i < sim_promise_count; i++) {
        const struct sim_promise *promise = &sim_promises[i];
        bool known = false;
        if (promise->lost_with_store)
            continue;
        sim_ok(hub_store_knows(world.hub.store, &promise->leaf, &known));
        if (!known && !was_refused(promise))
            sim_fail("I1: a promised transaction of %s never reached the hub",
                     world.nodes[promise->node].name);
    }
    for (size_t i = 0; i < sim_seen_count; i++)
        check_told(&sim_seen[i]);
    check_countersigned();
    check_order();
    sim_check_drafts();
    check_values();
    check_three_way();
    for (unsigned n = 0; n < world.node_count; n++) {
        for (size_t i = 0; world.nodes[n].up && i < fold_count; i++) {
            if (in_area(&folds[i], world.nodes[n].name))
                check_node_view(&world.nodes[n], &folds[i]);
        }
    }
    check_replay();
    free(folds);
    sim_see_end();
}
