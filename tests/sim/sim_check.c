#include "tests/sim/sim_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/merge.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_random.h"

#define RECORDS_MAX 8192
#define VALUE_MAX 64

/* ---- after each step */

static void check_versions(const char *who, const struct policy_mark *mark, uint64_t *trust,
                           uint64_t *rules)
{
    if (mark->trust_version < *trust || mark->rules_version < *rules)
        sim_fail("I4: %s went back in policy: trust %llu after %llu, rules %llu after %llu", who,
                 (unsigned long long)mark->trust_version, (unsigned long long)*trust,
                 (unsigned long long)mark->rules_version, (unsigned long long)*rules);
    *trust = mark->trust_version;
    *rules = mark->rules_version;
}

/* What a node takes for acknowledged is in the hub's database, at that position, with that head. */
static void check_acked(const struct sim_node *node)
{
    struct node_identity identity;
    struct hub_incarnation seen;
    uint64_t seen_epoch, seen_number;
    sim_ok(node_store_seen(node->store, &seen_epoch, &seen_number));
    if (seen_epoch < hub_store_journal(world.hub.store).epoch)
        return; /* it has not heard of the restore yet */
    sim_ok(node_store_identity(node->store, &identity));
    sim_ok(hub_store_incarnation(world.hub.store, node->name, &identity.incarnation, &seen));
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        struct node_lane own;
        struct hash head;
        sim_ok(node_store_lane(node->store, (enum lane)lane, &own));
        if (own.acked > own.highest)
            sim_fail("I2: %s lane %u: acked %llu of %llu", node->name, lane,
                     (unsigned long long)own.acked, (unsigned long long)own.highest);
        if (own.acked > seen.lanes[lane].received)
            sim_fail("I1: %s lane %u: acked %llu, the hub has %llu", node->name, lane,
                     (unsigned long long)own.acked, (unsigned long long)seen.lanes[lane].received);
        if (own.acked == 0)
            continue;
        sim_ok(hub_store_head(world.hub.store, node->name, &identity.incarnation, (enum lane)lane,
                              own.acked, &head));
        if (!hash_equal(&head, &own.acked_head))
            sim_fail("I1: %s lane %u: heads differ at %llu", node->name, lane,
                     (unsigned long long)own.acked);
    }
}

void sim_check_step(void)
{
    if (world.hub.up && !sim_disk_frozen(SIM_HUB)) {
        struct policy_mark mark = hub_store_policy_mark(world.hub.store);
        check_versions("the hub", &mark, &world.hub.trust_version, &world.hub.rules_version);
    }
    for (unsigned i = 0; i < world.node_count; i++) {
        struct sim_node *node = &world.nodes[i];
        if (!node->up || sim_disk_frozen(node->machine))
            continue;
        struct policy_mark mark = node_store_policy_mark(node->store);
        check_versions(node->name, &mark, &node->trust_version, &node->rules_version);
        if (world.hub.up && !world.hub.rolled_back && !sim_disk_frozen(SIM_HUB))
            check_acked(node);
    }
}

/* ---- promises */

struct seen_change {
    struct hash leaf;
    struct id record;
    enum disposition disposition;
    uint64_t number;
    enum change_op op;
    enum lane lane;
    uint64_t seq;
    unsigned node;
    uint8_t *raw;
    size_t raw_len;
    unsigned index;
};

static struct seen_change *seen;
static size_t seen_count;
static unsigned seen_node;

static void see(void *ctx, const struct own_change *change)
{
    (void)ctx;
    must(seen_count < RECORDS_MAX);
    struct seen_change *to = &seen[seen_count++];
    *to = (struct seen_change){ .leaf = change->leaf,
                                .record = change->record,
                                .disposition = change->disposition,
                                .number = change->number,
                                .op = change->op,
                                .lane = change->lane,
                                .seq = change->seq,
                                .index = change->index,
                                .node = seen_node,
                                .raw_len = change->raw.len };
    to->raw = malloc(change->raw.len + 1);
    must(to->raw != NULL);
    if (change->raw.len > 0)
        memcpy(to->raw, change->raw.at, change->raw.len);
}

static void see_all(void)
{
    seen = calloc(RECORDS_MAX, sizeof(*seen));
    must(seen != NULL);
    seen_count = 0;
    for (seen_node = 0; seen_node < world.node_count; seen_node++) {
        if (world.nodes[seen_node].up)
            sim_ok(node_store_changes(world.nodes[seen_node].store, NULL, false, see, NULL));
    }
}

static void see_end(void)
{
    for (size_t i = 0; i < seen_count; i++)
        free(seen[i].raw);
    free(seen);
    seen = NULL;
}

static struct seen_change *seen_find(unsigned node, const struct hash *leaf,
                                     const struct id *record)
{
    for (size_t i = 0; i < seen_count; i++) {
        if (seen[i].node == node && hash_equal(&seen[i].leaf, leaf) &&
            id_equal(&seen[i].record, record))
            return &seen[i];
    }
    return NULL;
}

void sim_check_answers(void)
{
    see_all();
    for (size_t i = 0; i < sim_promise_count; i++) {
        const struct sim_promise *promise = &sim_promises[i];
        const struct sim_node *node = &world.nodes[promise->node];
        if (!node->up || promise->lost_with_store || node->restored)
            continue;
        struct seen_change *change = seen_find(promise->node, &promise->leaf, &promise->record);
        if (change == NULL)
            sim_fail("I1: %s promised a change and does not have it (promise %zu)", node->name, i);
    }
    see_end();
}

static bool change_settled(const struct seen_change *change, bool tell)
{
    bool open =
        change->disposition == DISPOSITION_NONE || change->disposition == DISPOSITION_PARKED;
    if (open && tell)
        fprintf(stderr, "  %s: a change (op %d) at lane %d seq %llu is %s\n",
                world.nodes[change->node].name, change->op, change->lane,
                (unsigned long long)change->seq, disposition_name(change->disposition));
    return !open;
}

/* Nothing in the journal after its cursor that concerns this node. (The hub does not bother a node
 * with batches that hold nothing for it, so the cursor itself may lag.) */
static bool stream_settled(const struct sim_node *node, enum feed_stream stream, bool tell)
{
    static uint8_t space[FEED_PLAIN_BYTES_MAX];
    struct node_identity identity;
    struct cursor cursor;
    sim_ok(node_store_identity(node->store, &identity));
    sim_ok(node_store_cursor(node->store, stream, &cursor));
    if (cursor.number > hub_store_journal(world.hub.store).number)
        return false; /* it has not heard of the restore yet */
    const struct hub_reader reader = { .node = node->name,
                                       .area = node->name,
                                       .incarnation = identity.incarnation };
    struct writer out = writer_of(space, sizeof(space));
    unsigned count = 0;
    uint64_t to = 0;
    struct hash hash;
    sim_ok(hub_store_feed(world.hub.store, &reader, stream, cursor.number, FEED_ITEMS_MAX, &out,
                          &count, &to, &hash));
    if (count > 0 && tell) {
        struct node_link link;
        node_driver_link(node->driver, &link);
        fprintf(stderr, "  %s: stream %d at %llu has %u items to come, %slinked, standing %d, %s\n",
                node->name, stream, (unsigned long long)cursor.number, count,
                link.linked ? "" : "not ", link.standing, link.last_refusal);
    }
    return count == 0;
}

bool sim_check_settled(bool tell)
{
    bool settled = true;
    if (!world.hub.up)
        return false;
    see_all();
    for (size_t i = 0; i < seen_count; i++)
        settled = change_settled(&seen[i], tell) && settled;
    see_end();
    for (unsigned i = 0; i < world.node_count && world.hub.up; i++) {
        settled = stream_settled(&world.nodes[i], FEED_CONTROL, tell) && settled;
        settled = stream_settled(&world.nodes[i], FEED_RECORDS, tell) && settled;
    }
    return settled;
}

/* ---- the end: one reader of everything against each node's view */

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

static bool once_held(const struct seen_change *change, struct bytes field)
{
    struct id id;
    merge_conflict_id(&change->leaf, change->index, field, &id);
    for (size_t i = 0; i < conflict_count; i++) {
        if (id_equal(&conflicts[i], &id))
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

static void fold_journal(void)
{
    static uint8_t space[FEED_PLAIN_BYTES_MAX];
    const struct hub_reader reader = { .node = "nobody", .area = SIM_DISTRICT };
    uint64_t from = 0, end = hub_store_journal(world.hub.store).number;
    folds = calloc(RECORDS_MAX, sizeof(*folds));
    must(folds != NULL);
    fold_count = 0;
    conflict_count = 0;
    while (from < end) {
        struct writer out = writer_of(space, sizeof(space));
        unsigned count = 0;
        struct hash hash;
        uint64_t to = 0;
        sim_ok(hub_store_feed(world.hub.store, &reader, FEED_RECORDS, from, FEED_ITEMS_MAX, &out,
                              &count, &to, &hash));
        struct reader items = reader_of(writer_bytes(&out));
        for (unsigned i = 0; i < count; i++) {
            struct feed_item item;
            sim_ok(feed_item_decode(reader_raw(&items), &item));
            if (item.kind == FEED_RECORD)
                fold_item(&item);
            else if (conflict_count < RECORDS_MAX)
                conflicts[conflict_count++] = item.conflict;
        }
        must(to > from);
        from = to;
    }
}

static void check_node_view(const struct sim_node *node, const struct folded *fold)
{
    const struct record_view *view = NULL;
    enum err err = node_store_view(node->store, &fold->record, &view);
    if (err != OK)
        sim_fail("I2: %s does not know a record of the hub: %s", node->name, err_name(err));
    if (view->deleted != fold->deleted)
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

/* Each accepted create is one record; the last accepted writer of a field is what the hub shows. */
static void check_values(void)
{
    for (size_t i = 0; i < seen_count; i++) {
        struct change change;
        if (seen[i].disposition != DISPOSITION_ACCEPTED || seen[i].raw_len == 0)
            continue;
        const struct folded *fold = fold_find(&seen[i].record);
        if (fold == NULL)
            sim_fail("I1: an accepted change of %s has no record at the hub",
                     world.nodes[seen[i].node].name);
        sim_ok(change_decode(bytes_of(seen[i].raw, seen[i].raw_len), &change));
        struct field_iter iter = fields_of(change.fields);
        struct bytes name, value;
        while (fields_next(&iter, &name, &value)) {
            for (size_t k = 0; k < fold->field_count; k++) {
                const struct folded_field *field = &fold->fields[k];
                if (!bytes_is(name, field->name) || field->rev > seen[i].number)
                    continue;
                if (field->rev < seen[i].number && name.len > 0 &&
                    !bytes_equal(value, bytes_of(field->value, field->value_len)))
                    sim_fail("I1: an accepted value of %s is lost: field %s shows rev %llu, "
                             "accepted as %llu",
                             world.nodes[seen[i].node].name, field->name,
                             (unsigned long long)field->rev, (unsigned long long)seen[i].number);
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
 * written after its author looked. Revs count within one epoch only. */
static bool overwrote(const struct seen_change *later, const struct change *what,
                      struct bytes field, struct bytes value, const struct seen_change *earlier)
{
    struct change other;
    if (earlier->node == later->node || !id_equal(&earlier->record, &later->record) ||
        earlier->number <= what->base.rev || earlier->number >= later->number)
        return false;
    struct bytes before = accepted_value(earlier, field, &other);
    return before.at != NULL && other.op != OP_CREATE && !bytes_equal(before, value);
}

/* Two offices wrote one field, neither saw the other: a person decides, the later never just wins.
 * A held change that was chosen is accepted too, by a resolve: those say nothing here. */
static void check_three_way(void)
{
    if (hub_store_journal(world.hub.store).epoch != 1)
        return;
    for (size_t i = 0; i < seen_count; i++) {
        struct change what;
        if (seen[i].disposition != DISPOSITION_ACCEPTED || seen[i].op != OP_UPDATE ||
            seen[i].raw_len == 0)
            continue;
        sim_ok(change_decode(bytes_of(seen[i].raw, seen[i].raw_len), &what));
        struct field_iter iter = fields_of(what.fields);
        struct bytes field, value;
        while (!what.base.has_leaf && fields_next(&iter, &field, &value)) {
            for (size_t k = 0; k < seen_count; k++) {
                if (!once_held(&seen[i], field) && !once_held(&seen[k], field) &&
                    seen[k].op != OP_RESOLVE && overwrote(&seen[i], &what, field, value, &seen[k]))
                    sim_fail("I2: %s overwrote a value of %s that it had not seen, without a word",
                             world.nodes[seen[i].node].name, world.nodes[seen[k].node].name);
            }
        }
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
    see_all();
    fold_journal();
    for (size_t i = 0; i < sim_promise_count; i++) {
        const struct sim_promise *promise = &sim_promises[i];
        bool known = false;
        if (promise->lost_with_store)
            continue;
        sim_ok(hub_store_knows(world.hub.store, &promise->leaf, &known));
        if (!known)
            sim_fail("I1: a promised transaction of %s never reached the hub",
                     world.nodes[promise->node].name);
    }
    check_values();
    check_three_way();
    for (unsigned n = 0; n < world.node_count; n++) {
        for (size_t i = 0; i < fold_count; i++) {
            if (in_area(&folds[i], world.nodes[n].name))
                check_node_view(&world.nodes[n], &folds[i]);
        }
    }
    check_replay();
    free(folds);
    see_end();
}
