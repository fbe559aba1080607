#include "tests/sim/sim_check.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_drafts.h"
#include "tests/sim/sim_random.h"

#define SEEN_MAX 8192

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

struct seen_change *sim_seen;
size_t sim_seen_count;
static unsigned seen_node;

static void see(void *ctx, const struct own_change *change)
{
    (void)ctx;
    must(sim_seen_count < SEEN_MAX);
    struct seen_change *to = &sim_seen[sim_seen_count++];
    *to = (struct seen_change){ .leaf = change->leaf,
                                .record = change->record,
                                .disposition = change->disposition,
                                .reason =
                                    change->reason.len == 0 ? OK : err_from_name(change->reason),
                                .number = change->number,
                                .op = change->op,
                                .lane = change->lane,
                                .seq = change->seq,
                                .index = change->index,
                                .author = change->author,
                                .countersign = change->countersign,
                                .node = seen_node,
                                .raw_len = change->raw.len };
    to->raw = malloc(change->raw.len + 1);
    must(to->raw != NULL);
    if (change->raw.len > 0)
        memcpy(to->raw, change->raw.at, change->raw.len);
}

void sim_see_all(void)
{
    sim_seen = calloc(SEEN_MAX, sizeof(*sim_seen));
    must(sim_seen != NULL);
    sim_seen_count = 0;
    for (seen_node = 0; seen_node < world.node_count; seen_node++) {
        if (world.nodes[seen_node].up)
            sim_ok(node_store_changes(world.nodes[seen_node].store, NULL, false, see, NULL));
    }
}

void sim_see_end(void)
{
    for (size_t i = 0; i < sim_seen_count; i++)
        free(sim_seen[i].raw);
    free(sim_seen);
    sim_seen = NULL;
}

static struct seen_change *seen_find(unsigned node, const struct hash *leaf,
                                     const struct id *record)
{
    for (size_t i = 0; i < sim_seen_count; i++) {
        if (sim_seen[i].node == node && hash_equal(&sim_seen[i].leaf, leaf) &&
            id_equal(&sim_seen[i].record, record))
            return &sim_seen[i];
    }
    return NULL;
}

void sim_check_answers(void)
{
    sim_see_all();
    for (size_t i = 0; i < sim_promise_count; i++) {
        const struct sim_promise *promise = &sim_promises[i];
        const struct sim_node *node = &world.nodes[promise->node];
        if (!node->up || promise->lost_with_store || promise->former || node->restored)
            continue;
        struct seen_change *change = seen_find(promise->node, &promise->leaf, &promise->record);
        if (change == NULL)
            sim_fail("I1: %s promised a change and does not have it (promise %zu)", node->name, i);
    }
    sim_see_end();
    sim_drafts_check();
}

/* Until a person has decided, work waits in quarantine, and other work behind it. */
static bool change_settled(const struct seen_change *change, bool decided, bool tell)
{
    bool open = change->disposition == DISPOSITION_NONE ||
                (decided && (change->disposition == DISPOSITION_PARKED ||
                             change->disposition == DISPOSITION_QUARANTINED));
    if (open && tell)
        fprintf(stderr, "  %s: a change (op %d) at lane %d seq %llu is %s %s\n",
                world.nodes[change->node].name, change->op, change->lane,
                (unsigned long long)change->seq, disposition_name(change->disposition),
                change->reason == OK ? "" : err_name(change->reason));
    return !open;
}

/* Nothing in the journal after its cursor that concerns this node. (The hub does not bother a node
 * with batches that hold nothing for it, so the cursor itself may lag.) */
static bool stream_settled(const struct sim_node *node, enum feed_stream stream, bool tell)
{
    static uint8_t space[FEED_PLAIN_BYTES_MAX];
    struct node_identity identity;
    struct cursor cursor;
    bool proven = false;
    sim_ok(node_store_identity(node->store, &identity));
    sim_ok(node_store_cursor(node->store, stream, &cursor));
    sim_ok(hub_store_proves(world.hub.store, &cursor, &proven));
    if (!proven) {
        if (tell)
            fprintf(stderr, "  %s: stream %d at %llu of epoch %llu, which is not in the journal\n",
                    node->name, stream, (unsigned long long)cursor.number,
                    (unsigned long long)cursor.epoch);
        return false; /* it has not heard of the restore yet */
    }
    const struct hub_reader reader = { .node = node->name,
                                       .area = node->name,
                                       .incarnation = identity.incarnation };
    struct writer out = writer_of(space, sizeof(space));
    unsigned count = 0;
    uint64_t to = 0;
    struct hash hash;
    for (uint64_t from = cursor.number; count == 0; from = to) {
        sim_ok(hub_store_feed(world.hub.store, &reader, stream, from, FEED_ITEMS_MAX, &out, &count,
                              &to, &hash));
        if (to == from)
            break;
    }
    if (count > 0 && tell) {
        struct node_link link;
        node_driver_link(node->driver, &link);
        fprintf(stderr, "  %s: stream %d at %llu has %u items to come, %slinked, standing %d, %s\n",
                node->name, stream, (unsigned long long)cursor.number, count,
                link.linked ? "" : "not ", link.standing, link.last_refusal);
    }
    return count == 0;
}

bool sim_check_settled(bool decided, bool tell)
{
    bool settled = true;
    if (!world.hub.up)
        return false;
    sim_see_all();
    for (size_t i = 0; i < sim_seen_count; i++)
        settled = change_settled(&sim_seen[i], decided, tell) && settled;
    sim_see_end();
    for (unsigned i = 0; i < world.node_count && world.hub.up; i++) {
        if (world.nodes[i].gone)
            continue;
        settled = stream_settled(&world.nodes[i], FEED_CONTROL, tell) && settled;
        settled = stream_settled(&world.nodes[i], FEED_RECORDS, tell) && settled;
    }
    return settled;
}
