#include "tests/sim/sim_fate.h"

#include <stdio.h>

#include "common/must.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_drafts.h"
#include "tests/sim/sim_office.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_work.h"

#define TWIN_STEPS_MAX 3000

#define KNOWN_MAX 2048

/* When the hub noticed: what it did not know by then is not merged before a person has decided.
 * What came in a former life and comes again under a new position is known. */
struct quarantine {
    bool on;
    struct id incarnation;
    size_t known_count;
    struct hash known[KNOWN_MAX];
};

static bool old_copy_used[SIM_NODES_MAX];
static struct sim_node *twin;        /* NULL: none was made */
static struct quarantine noticed[2]; /* of the original and of its twin */

void sim_fate_start(void)
{
    memset(old_copy_used, 0, sizeof(old_copy_used));
    memset(noticed, 0, sizeof(noticed));
    twin = NULL;
}

void sim_fate_lose(const struct sim_node *node)
{
    for (size_t i = 0; i < sim_promise_count; i++) {
        bool known = false;
        if (&world.nodes[sim_promises[i].node] != node)
            continue;
        sim_ok(hub_store_knows(world.hub.store, &sim_promises[i].leaf, &known));
        if (!known)
            sim_promises[i].lost_with_store = true;
    }
}

/* ---- old copies */

/* An old copy of a node's disk comes back. What the hub did not have by then is gone for good, and
 * the promise for it with it: that loss is real, and HELLO's highest lets the hub count it. */
void sim_fate_old_node(void)
{
    struct sim_node *node = &world.nodes[sim_below(world.office_count)];
    for (unsigned i = 0; i < world.office_count && sim_chance(700); i++) {
        if (sim_disk_saved(world.nodes[i].machine, 0) && !old_copy_used[i])
            node = &world.nodes[i];
    }
    if (!node->up || !world.hub.up || old_copy_used[node->office])
        return;
    if (!sim_disk_saved(node->machine, 0)) {
        sim_disk_save(node->machine, 0);
        sim_say("%s: copy of the disk taken", node->name);
        return;
    }
    (void)!hub_driver_flush(world.hub.driver, world.now_ms);
    sim_reap();
    if (!world.hub.up)
        return;
    sim_fate_lose(node);
    sim_drafts_lost(node);
    sim_node_down(node, 1000);
    sim_disk_load(node->machine, 0);
    node->restored = true;
    node->trust_version = node->rules_version = 0;
    old_copy_used[node->office] = true;
    sim_say("%s: the old copy is back", node->name);
}

/* ---- twins */

void sim_fate_twin(void)
{
    struct sim_node *node = &world.nodes[sim_below(world.office_count)];
    if (twin != NULL || !node->up || sim_disk_frozen(node->machine))
        return;
    twin = &world.nodes[world.node_count];
    *twin = *node;
    twin->machine = ++world.node_count;
    twin->up = false;
    twin->store = NULL;
    twin->entry = NULL;
    twin->driver = NULL;
    twin->restart_ms = world.now_ms + 1 + sim_below(5000);
    sim_disk_clone(node->machine, twin->machine);
    sim_say("%s: a twin on machine %u", node->name, twin->machine);
}

static void notice(struct quarantine *quarantine, const struct sim_node *node)
{
    struct node_identity identity;
    struct hub_incarnation seen;
    if (quarantine->on || !node->up || sim_disk_frozen(node->machine))
        return;
    sim_ok(node_store_identity(node->store, &identity));
    sim_ok(hub_store_incarnation(world.hub.store, node->name, &identity.incarnation, &seen));
    if (seen.state != INCARNATION_QUARANTINED)
        return;
    quarantine->on = true;
    quarantine->incarnation = identity.incarnation;
    for (size_t i = 0; i < sim_seen_count; i++) {
        bool known = false;
        sim_ok(hub_store_knows(world.hub.store, &sim_seen[i].leaf, &known));
        if (!known || &world.nodes[sim_seen[i].node] != node)
            continue;
        must(quarantine->known_count < KNOWN_MAX);
        quarantine->known[quarantine->known_count++] = sim_seen[i].leaf;
    }
    sim_say("%s: machine %u is in quarantine", node->name, node->machine);
}

static bool was_known(const struct quarantine *quarantine, const struct hash *leaf)
{
    for (size_t i = 0; i < quarantine->known_count; i++) {
        if (hash_equal(&quarantine->known[i], leaf))
            return true;
    }
    return false;
}

static void check_kept(const struct quarantine *quarantine, const struct sim_node *node)
{
    struct node_identity identity;
    if (!quarantine->on || !node->up)
        return;
    sim_ok(node_store_identity(node->store, &identity));
    if (!id_equal(&identity.incarnation, &quarantine->incarnation))
        return;
    for (size_t i = 0; i < sim_seen_count; i++) {
        const struct seen_change *change = &sim_seen[i];
        if (&world.nodes[change->node] == node && !was_known(quarantine, &change->leaf) &&
            (change->disposition == DISPOSITION_ACCEPTED ||
             change->disposition == DISPOSITION_HELD))
            sim_fail("twin: lane %d seq %llu of %s on machine %u was merged in quarantine",
                     change->lane, (unsigned long long)change->seq, node->name, node->machine);
    }
}

void sim_fate_check(void)
{
    if (twin == NULL || twin->gone || !world.hub.up || sim_disk_frozen(SIM_HUB))
        return;
    sim_see_all();
    notice(&noticed[0], &world.nodes[twin->office]);
    notice(&noticed[1], twin);
    check_kept(&noticed[0], &world.nodes[twin->office]);
    check_kept(&noticed[1], twin);
    sim_see_end();
}

static bool standing_quarantined(const struct sim_node *node)
{
    struct node_link link;
    node_driver_link(node->driver, &link);
    return link.linked && link.standing == STANDING_QUARANTINED;
}

void sim_fate_end_twin(void)
{
    if (twin == NULL)
        return;
    struct sim_node *original = &world.nodes[twin->office];
    unsigned steps = 0;
    /* Both are at work: a twin that never speaks again is no twin. */
    while (!standing_quarantined(original) || !standing_quarantined(twin)) {
        if (++steps > TWIN_STEPS_MAX)
            sim_fail("twin: two stores live as %s and are not both in quarantine", twin->name);
        if (steps % 100 == 1) {
            sim_work_enter(original);
            sim_work_enter(twin);
        }
        sim_advance(1000);
        sim_fate_check();
    }
    sim_say("%s: the twin is taken away after %u steps", twin->name, steps);
    if (sim_chance(700)) {
        for (unsigned i = 0; i < 400; i++)
            sim_advance(1000); /* what it has goes to the hub first */
        sim_fate_check();
    }
    (void)!hub_driver_flush(world.hub.driver, world.now_ms);
    sim_fate_lose(twin);
    sim_node_down(twin, 0);
    twin->gone = true;
}
