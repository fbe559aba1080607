#include "tests/sim/sim_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_random.h"

#define PROMISES_MAX 4096
#define RETURN_STEPS_MIN 200 /* an office that waits asks at most 120 s apart */
#define RETURN_STEPS_MAX 2000

struct sim_promise *sim_promises;
size_t sim_promise_count;

static enum sim_plan plan;
static unsigned rules_published;
static uint64_t hub_restored_epoch;
static bool old_copy_used;

void sim_work_start(enum sim_plan wanted)
{
    plan = wanted;
    rules_published = 1;
    hub_restored_epoch = 1;
    old_copy_used = false;
    sim_promise_count = 0;
    sim_promises = calloc(PROMISES_MAX, sizeof(*sim_promises));
    must(sim_promises != NULL);
}

void sim_work_stop(void)
{
    free(sim_promises);
    sim_promises = NULL;
}

/* ---- entries */

struct gathered {
    size_t count;
    struct id ids[64];
};

static void gather(void *ctx, const struct record_view *view)
{
    struct gathered *found = ctx;
    if (!view->deleted && found->count < COUNT_OF(found->ids))
        found->ids[found->count++] = view->id;
}

static bool some_record(struct sim_node *node, struct id *ret_record)
{
    struct gathered found = { .count = 0 };
    const struct id start = { { 0 } };
    enum err err = node_store_list(node->store, bytes_text("person"), &start, 64, gather, &found);
    if (err != OK || found.count == 0)
        return false;
    *ret_record = found.ids[sim_below(found.count)];
    return true;
}

static const char *random_text(char *space, size_t cap)
{
    snprintf(space, cap, "v%llu", (unsigned long long)sim_below(1000000));
    return space;
}

static void submit(struct sim_node *node, struct entry_change *changes, unsigned count)
{
    struct entry_request request = { .wall_ms = sim_wall_ms(node),
                                     .lane = (enum lane)sim_below(LANE_COUNT),
                                     .changes = changes,
                                     .change_count = count };
    struct hash leaf;
    uint64_t seq = 0;
    unsigned failed = 0;
    struct problem problem = { .code = OK };
    struct warnings warnings = { .count = 0 };
    enum err err =
        node_entry_submit(node->entry, &request, &leaf, &seq, &failed, &problem, &warnings);
    if (sim_disk_frozen(node->machine))
        return; /* the power went before the answer */
    if (err != OK) {
        sim_say("%s: refused: %s %s %s", node->name, err_name(err), problem.thing, problem.detail);
        return;
    }
    node_driver_kick(node->driver);
    node->confirmed += count;
    for (unsigned i = 0; i < count && sim_promise_count < PROMISES_MAX; i++) {
        sim_promises[sim_promise_count++] =
            (struct sim_promise){ .node = (unsigned)(node - world.nodes),
                                  .record = changes[i].record,
                                  .leaf = leaf,
                                  .op = changes[i].op };
    }
    sim_say("%s: stored %u change(s) as seq %llu", node->name, count, (unsigned long long)seq);
}

static void act_create(struct sim_node *node)
{
    char text[4][24];
    unsigned count = 1 + (unsigned)sim_below(3);
    struct entry_field fields[3][4];
    struct entry_change changes[3];
    const char *area = node->name;
    if (strcmp(area, SIM_DISTRICT) == 0)
        area = "36.04.01";
    for (unsigned i = 0; i < count; i++) {
        fields[i][0] = (struct entry_field){ .name = bytes_text("area"), .text = bytes_text(area) };
        fields[i][1] =
            (struct entry_field){ .name = bytes_text("name"),
                                  .text = bytes_text(random_text(text[i], sizeof(text[i]))) };
        fields[i][2] =
            (struct entry_field){ .name = bytes_text("friend"), .text = bytes_text("$1") };
        changes[i] = (struct entry_change){ .group = (unsigned)i,
                                            .op = OP_CREATE,
                                            .collection = bytes_text("person"),
                                            .fields = fields[i],
                                            .field_count = i > 0 && sim_chance(500) ? 3 : 2 };
    }
    submit(node, changes, count);
}

static void act_update(struct sim_node *node)
{
    static const char *const names[] = { "name", "note", "phone" };
    char text[24];
    struct entry_field field = { .name = bytes_text(names[sim_below(COUNT_OF(names))]),
                                 .text = bytes_text(random_text(text, sizeof(text))) };
    struct entry_change change = { .op = OP_UPDATE, .fields = &field, .field_count = 1 };
    if (some_record(node, &change.record))
        submit(node, &change, 1);
}

static void act_delete(struct sim_node *node)
{
    struct entry_change change = { .op = OP_DELETE };
    if (some_record(node, &change.record))
        submit(node, &change, 1);
}

struct conflict_pick {
    unsigned seen;
    struct id conflict, record;
    uint8_t field[64], value[128];
    size_t field_len, value_len;
};

static void pick_conflict(void *ctx, const struct node_conflict *conflict)
{
    struct conflict_pick *pick = ctx;
    if (sim_below(++pick->seen) != 0)
        return;
    struct bytes value = sim_chance(500) ? conflict->value_a : conflict->value_b;
    must(conflict->field.len <= sizeof(pick->field) && value.len <= sizeof(pick->value));
    pick->conflict = conflict->conflict;
    pick->record = conflict->record;
    pick->field_len = conflict->field.len;
    pick->value_len = value.len;
    if (pick->field_len > 0)
        memcpy(pick->field, conflict->field.at, pick->field_len);
    if (pick->value_len > 0)
        memcpy(pick->value, value.at, pick->value_len);
}

static void act_resolve(struct sim_node *node)
{
    struct conflict_pick pick = { .seen = 0 };
    if (node_store_conflicts(node->store, pick_conflict, &pick) != OK || pick.seen == 0)
        return;
    struct entry_field field = { .name = bytes_of(pick.field, pick.field_len),
                                 .value = bytes_of(pick.value, pick.value_len) };
    struct entry_change change = { .op = OP_RESOLVE,
                                   .record = pick.record,
                                   .conflict = pick.conflict,
                                   .fields = &field,
                                   .field_count = 1 };
    submit(node, &change, 1);
}

/* ---- policy */

static void act_policy(void)
{
    /* Nobody publishes on a database that was just put back: `restore` comes first, and says so. */
    if (!world.hub.up || sim_disk_frozen(SIM_HUB) || world.hub.rolled_back)
        return;
    if (rules_published == 1 && sim_chance(300)) {
        if (sim_publish_rules("tests/sim/policy/2") == OK && !sim_disk_frozen(SIM_HUB))
            rules_published = 2;
        return;
    }
    const struct trust *trust = hub_store_trust(world.hub.store);
    if (trust->operator_count == 0)
        return;
    static uint8_t space[512];
    struct writer ops = writer_of(space, sizeof(space));
    writer_array(&ops, 1);
    trust_op_operator_until(&ops, 1 + (uint32_t)sim_below(trust->operator_count), "SK/2",
                            "2199-12-31");
    (void)!sim_publish_trust(writer_bytes(&ops));
}

/* ---- faults */

static struct sim_node *some_node(void)
{
    return &world.nodes[sim_below(world.node_count)];
}

static void act_crash(void)
{
    unsigned machine = (unsigned)sim_below(world.node_count + 1);
    sim_disk_crash_after(machine, (unsigned)sim_below(60));
    sim_reap();
}

static void act_cut(void)
{
    struct sim_node *node = some_node();
    sim_net_cut(node->machine, !sim_net_is_cut(node->machine));
    sim_say("%s: link %s", node->name, sim_net_is_cut(node->machine) ? "cut" : "back");
}

static void act_full(void)
{
    unsigned machine = (unsigned)sim_below(world.node_count + 1);
    sim_disk_full(machine, !sim_disk_is_full(machine));
}

static void act_lock(struct sim_node *node)
{
    if (node->locked) {
        sim_node_unlock(node);
        return;
    }
    node_store_lock(node->store);
    node->locked = true;
    node_driver_kick(node->driver);
}

/* An old copy of a node's disk comes back. What the hub did not have by then is gone for good, and
 * the promise for it with it: that loss is real, and HELLO's highest lets the hub count it. */
static void act_old_node(void)
{
    struct sim_node *node = some_node();
    if (!node->up || !world.hub.up || old_copy_used)
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
    for (size_t i = 0; i < sim_promise_count; i++) {
        bool known = false;
        if (&world.nodes[sim_promises[i].node] != node)
            continue;
        sim_ok(hub_store_knows(world.hub.store, &sim_promises[i].leaf, &known));
        if (!known)
            sim_promises[i].lost_with_store = true;
    }
    sim_node_down(node, 1000);
    sim_disk_load(node->machine, 0);
    node->restored = true;
    node->trust_version = node->rules_version = 0;
    old_copy_used = true;
    sim_say("%s: the old copy is back", node->name);
}

static void act_old_hub(void)
{
    if (!world.hub.up || old_copy_used)
        return;
    if (!sim_disk_saved(SIM_HUB, 0)) {
        sim_disk_save(SIM_HUB, 0);
        sim_say("hub: copy of the disk taken");
        return;
    }
    sim_hub_down(1000);
    sim_disk_load(SIM_HUB, 0);
    world.hub.rolled_back = true;
    world.hub.trust_version = world.hub.rules_version = 0;
    old_copy_used = true;
    sim_say("hub: the old copy is back");
}

/* ---- the day */

void sim_work_step(void)
{
    struct sim_node *node = some_node();
    uint64_t act = sim_below(100);
    if (act < 30 && node->up)
        act_create(node);
    else if (act < 60 && node->up)
        act_update(node);
    else if (act < 64 && node->up)
        act_delete(node);
    else if (act < 72 && node->up)
        act_resolve(node);
    else if (act < 75)
        act_policy();
    else if (act < 83)
        act_crash();
    else if (act < 88)
        act_cut();
    else if (act < 91)
        act_full();
    else if (act < 94 && node->up)
        act_lock(node);
    else if (act < 97 && plan == PLAN_OLD_NODE)
        act_old_node();
    else if (act < 97 && plan == PLAN_OLD_HUB)
        act_old_hub();
    sim_reap();
}

/* A rolled-back hub waits for a person: the officer signs a new epoch that names the cut. */
static void restore_hub(void)
{
    static uint8_t space[512];
    const struct hub_halt *halt = hub_driver_halt(world.hub.driver);
    world.hub.rolled_back = false;
    if (!halt->on) /* no office had seen more */
        return;
    const struct cursor cut = halt->journal;
    struct writer ops = writer_of(space, sizeof(space));
    writer_array(&ops, 1);
    trust_op_epoch(&ops, cut.epoch + 1, cut.number, &cut.hash);
    sim_ok(sim_publish_trust(writer_bytes(&ops)));
    sim_say("hub: epoch %llu opened, cut at %llu", (unsigned long long)cut.epoch + 1,
            (unsigned long long)cut.number);
}

/* The person waits until every office has been heard: they bring back what was signed since. */
static void wait_for_policy(void)
{
    for (unsigned i = 0; i < RETURN_STEPS_MAX; i++) {
        struct policy_mark newest = { .trust_version = 0 };
        for (unsigned n = 0; n < world.node_count; n++) {
            struct policy_mark mark = node_store_policy_mark(world.nodes[n].store);
            if (mark.trust_version > newest.trust_version)
                newest.trust_version = mark.trust_version;
            if (mark.rules_version > newest.rules_version)
                newest.rules_version = mark.rules_version;
        }
        struct policy_mark here = hub_store_policy_mark(world.hub.store);
        bool whole = here.trust_version >= newest.trust_version &&
                     here.rules_version >= newest.rules_version;
        if (whole && i >= RETURN_STEPS_MIN)
            return;
        sim_advance(1000);
    }
    sim_fail("I4: an office has policy that the restored hub lacks, and does not bring it back");
}

void sim_work_heal(void)
{
    sim_net_calm();
    for (unsigned machine = 0; machine <= world.node_count; machine++)
        sim_disk_heal(machine);
    for (unsigned i = 0; i < 100; i++) {
        sim_advance(1000);
        bool all_up = world.hub.up;
        for (unsigned n = 0; n < world.node_count; n++)
            all_up = all_up && world.nodes[n].up;
        if (all_up)
            break;
    }
    if (world.hub.rolled_back) {
        wait_for_policy();
        restore_hub();
    }
    for (unsigned n = 0; n < world.node_count; n++) {
        if (!world.nodes[n].up)
            sim_fail("node %s does not come back", world.nodes[n].name);
        if (world.nodes[n].locked)
            act_lock(&world.nodes[n]);
    }
}
