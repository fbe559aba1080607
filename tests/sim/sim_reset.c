#include "tests/sim/sim_reset.h"

#include <stdlib.h>

#include "common/must.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_drafts.h"
#include "tests/sim/sim_fate.h"
#include "tests/sim/sim_office.h"
#include "tests/sim/sim_officer.h"
#include "tests/sim/sim_random.h"

#define GHOSTS_MAX 8192
#define REPLACED_MAX 3
#define HEARD_STEPS_MAX 600

struct seen_change *sim_ghosts;
size_t sim_ghost_count;

static unsigned replaced_count;

void sim_reset_start(void)
{
    replaced_count = 0;
    sim_ghost_count = 0;
    sim_ghosts = calloc(GHOSTS_MAX, sizeof(*sim_ghosts));
    must(sim_ghosts != NULL);
}

void sim_reset_stop(void)
{
    free(sim_ghosts);
    sim_ghosts = NULL;
}

static bool hub_works(void)
{
    return world.hub.up && !sim_disk_frozen(SIM_HUB) && !world.hub.rolled_back;
}

/* ---- passphrases */

/* What waits for a second signature was readable by the old key only. */
static void lose_waiting(const struct sim_node *node)
{
    sim_see_all();
    for (size_t i = 0; i < sim_seen_count; i++) {
        if (&world.nodes[sim_seen[i].node] != node || sim_seen[i].countersign != COUNTERSIGN_WAITS)
            continue;
        for (size_t k = 0; k < sim_promise_count; k++) {
            if (sim_promises[k].node == sim_seen[i].node &&
                hash_equal(&sim_promises[k].leaf, &sim_seen[i].leaf))
                sim_promises[k].lost_with_store = true;
        }
    }
    sim_see_end();
}

void sim_reset_forgotten(struct sim_node *node)
{
    const struct sim_person *last = &node->people[node->person_count - 1];
    if (!node->up || !hub_works() || sim_disk_frozen(node->machine) ||
        sim_work_plan() == PLAN_TWIN || node->person_count == SIM_PEOPLE_MAX ||
        trust_operator_by_key(hub_store_trust(world.hub.store), &last->key) == NULL)
        return;
    if (!node->locked && sim_chance(500))
        sim_office_lock(node);
    bool loses = node->locked;
    if (loses) {
        lose_waiting(node);
        sim_drafts_lost(node);
    }
    enum err err = sim_office_reset(node);
    sim_say("%s: a passphrase was reset%s: %s", node->name, loses ? ", nobody could open" : "",
            err_name(err));
    sim_reap();
}

/* ---- netbooks */

/* Promises that the hub has are its to keep; the rest is gone. */
static void leave_netbook(const struct sim_node *node)
{
    sim_fate_lose(node);
    for (size_t i = 0; i < sim_promise_count; i++) {
        if (&world.nodes[sim_promises[i].node] == node)
            sim_promises[i].former = true;
    }
    sim_see_all();
    for (size_t i = 0; i < sim_seen_count; i++) {
        if (&world.nodes[sim_seen[i].node] != node)
            continue;
        must(sim_ghost_count < GHOSTS_MAX);
        sim_ghosts[sim_ghost_count] = sim_seen[i];
        sim_ghosts[sim_ghost_count].raw = NULL;
        sim_ghosts[sim_ghost_count++].raw_len = 0;
    }
    sim_see_end();
    sim_drafts_lost(node);
}

void sim_reset_replace(void)
{
    struct sim_node *node = &world.nodes[sim_below(world.office_count)];
    if (!node->up || !hub_works() || node->person_count == SIM_PEOPLE_MAX ||
        replaced_count == REPLACED_MAX || sim_chance(500))
        return;
    (void)!hub_driver_flush(world.hub.driver, world.now_ms);
    sim_reap();
    if (!node->up || !hub_works())
        return;
    leave_netbook(node);
    sim_node_down(node, 0);
    sim_disk_wipe(node->machine);
    node->trust_version = node->rules_version = 0;
    node->devices++;
    replaced_count++;
    sim_say("%s: another netbook", node->name);
    sim_office_move(node);
    node->load_crashes = (unsigned)sim_below(6);
    if (sim_chance(700))
        sim_reset_approve(node);
}

void sim_reset_cut(struct sim_node *node)
{
    if (!node->up || node->load_crashes == 0 || !sim_chance(400))
        return;
    node->load_crashes--;
    sim_disk_crash_after(node->machine, 1 + (unsigned)sim_below(120));
}

/* ---- the officer */

/* The person's former key ends where the new one begins. */
static unsigned approve_person(const struct sim_node *node, const struct sim_person *person,
                               uint32_t number, struct writer *ops)
{
    const struct trust *trust = hub_store_trust(world.hub.store);
    struct ended ended = { .reason = END_SUCCESSION };
    unsigned count = 1;
    for (uint32_t i = 1; i <= trust->operator_count; i++) {
        const struct trust_operator *op = trust_operator(trust, i);
        if (strcmp(op->node, node->name) != 0 || op->ended.reason != END_NONE ||
            strcmp(op->role, person == &node->typist ? "typist" : node->role) != 0)
            continue;
        trust_op_operator_end(ops, i, &ended);
        count++;
    }
    sim_office_person_op(node, person, number, ops);
    return count;
}

static bool waits_for_approval(const struct sim_node *node, const struct sim_person *person)
{
    return (person == &node->typist || person->reset) &&
           trust_operator_by_key(hub_store_trust(world.hub.store), &person->key) == NULL;
}

static unsigned approve_ops(struct sim_node *node, struct writer *ops)
{
    const struct trust *trust = hub_store_trust(world.hub.store);
    const struct trust_node *known = trust_node(trust, bytes_text(node->name));
    const struct sim_person *last = &node->people[node->person_count - 1];
    struct node_identity identity;
    uint32_t number = (uint32_t)trust->operator_count + 1;
    unsigned count = 0;
    sim_ok(node_store_identity(node->store, &identity));
    if (memcmp(&known->device_key, &identity.device_public, PUBLIC_KEY_BYTES) != 0 ||
        memcmp(&known->seal_key, &identity.seal_public, PUBLIC_KEY_BYTES) != 0) {
        struct trust_node office = *known;
        office.device_key = identity.device_public;
        office.curve_key = identity.curve_public;
        office.seal_key = identity.seal_public;
        trust_op_node(ops, &office);
        count++;
    }
    if (waits_for_approval(node, last))
        count += approve_person(node, last, number++, ops);
    if (node->has_typist && waits_for_approval(node, &node->typist))
        count += approve_person(node, &node->typist, number, ops);
    return count;
}

void sim_reset_approve(struct sim_node *node)
{
    static uint8_t space[8192], all_space[8192];
    struct writer ops = writer_of(space, sizeof(space));
    struct writer all = writer_of(all_space, sizeof(all_space));
    if (!node->up || node->gone || !hub_works() || sim_disk_frozen(node->machine))
        return;
    unsigned count = approve_ops(node, &ops);
    if (count == 0)
        return;
    writer_array(&all, count);
    writer_raw(&all, writer_bytes(&ops));
    if (sim_publish_trust(writer_bytes(&all)) == OK && !sim_disk_frozen(SIM_HUB)) {
        node->people[node->person_count - 1].approved = true;
        sim_say("%s: new keys approved", node->name);
    }
    sim_reap();
}

void sim_reset_finish(struct sim_node *node)
{
    if (node->gone || sim_work_plan() == PLAN_TWIN)
        return;
    sim_reset_approve(node);
    for (unsigned i = 0; i < HEARD_STEPS_MAX; i++) {
        if (node_store_policy_mark(node->store).trust_version ==
            hub_store_trust(world.hub.store)->version)
            break;
        sim_advance(1000);
    }
    sim_office_lock(node);
    sim_office_unlock(node);
}
