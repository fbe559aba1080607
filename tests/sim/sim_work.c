#include "tests/sim/sim_work.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_countersign.h"
#include "tests/sim/sim_carry.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_drafts.h"
#include "tests/sim/sim_fate.h"
#include "tests/sim/sim_office.h"
#include "tests/sim/sim_officer.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_reset.h"

#define PROMISES_MAX 4096

struct sim_promise *sim_promises;
size_t sim_promise_count;

static enum sim_plan plan;

void sim_work_start(enum sim_plan wanted)
{
    plan = wanted;
    sim_officer_start();
    sim_fate_start();
    sim_carry_start();
    sim_drafts_start();
    sim_reset_start();
    sim_promise_count = 0;
    sim_promises = calloc(PROMISES_MAX, sizeof(*sim_promises));
    must(sim_promises != NULL);
}

enum sim_plan sim_work_plan(void)
{
    return plan;
}

void sim_work_stop(void)
{
    sim_carry_stop();
    sim_reset_stop();
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

void sim_work_promise(const struct sim_node *node, const struct entry_change *changes,
                      unsigned count, const struct hash *leaf)
{
    for (unsigned i = 0; i < count && sim_promise_count < PROMISES_MAX; i++) {
        sim_promises[sim_promise_count++] =
            (struct sim_promise){ .node = (unsigned)(node - world.nodes),
                                  .record = changes[i].record,
                                  .leaf = *leaf,
                                  .op = changes[i].op };
    }
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
    bool typed = node->has_typist && !node->locked && sim_chance(300);
    if (typed)
        sim_office_act(node, true);
    enum err err =
        node_entry_submit(node->entry, &request, &leaf, &seq, &failed, &problem, &warnings);
    if (typed)
        sim_office_act(node, false);
    if (sim_disk_frozen(node->machine))
        return; /* the power went before the answer */
    if (err != OK) {
        sim_say("%s: refused: %s %s %s", node->name, err_name(err), problem.thing, problem.detail);
        return;
    }
    node_driver_kick(node->driver);
    sim_work_promise(node, changes, count, &leaf);
    sim_say("%s: stored %u change(s) as %s %llu", node->name, count, typed ? "waiting" : "seq",
            (unsigned long long)seq);
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

/* A step of the workflow, mostly with what it asks for; often one that is not open. */
static void act_move(struct sim_node *node)
{
    static const char *const stages[] = { "asked", "asked", "void", "draft", "taken" };
    char score[24];
    struct entry_field fields[2] = {
        { .name = bytes_text("stage"), .text = bytes_text(stages[sim_below(COUNT_OF(stages))]) },
        { .name = bytes_text("score") },
    };
    struct entry_change change = { .op = OP_UPDATE,
                                   .fields = fields,
                                   .field_count = sim_chance(600) ? 2 : 1 };
    (void)snprintf(score, sizeof(score), "%u", (unsigned)sim_below(101));
    fields[1].text = bytes_text(score);
    if (some_record(node, &change.record))
        submit(node, &change, 1);
}

/* Behind what stands here, or over it. */
static void act_append(struct sim_node *node)
{
    char text[80];
    const struct record_view *view;
    struct entry_field field = { .name = bytes_text("log") };
    struct entry_change change = { .op = OP_UPDATE, .fields = &field, .field_count = 1 };
    size_t count = 0;
    if (!some_record(node, &change.record) ||
        node_store_view(node->store, &change.record, &view) != OK)
        return;
    for (size_t i = 0; i < view->field_count; i++) {
        struct reader in = reader_of(view->fields[i].value);
        if (bytes_is(view->fields[i].name, "log") && reader_peek(&in) == KIND_ARRAY)
            count = reader_array(&in);
    }
    if (count >= 4 || sim_chance(100))
        count = 0;
    size_t len = 0;
    for (size_t i = 0; i <= count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%sl%zu", i > 0 ? "|" : "", i);
    field.text = bytes_of(text, len);
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

/* ---- the second signature */

static void settle_waiting(struct sim_node *node, const struct waiting_plan *all, bool refuse)
{
    struct hash leaves[256];
    struct problem problem = { .code = OK };
    size_t count = 0, done = 0;
    for (size_t i = 0; i < all->count && count < COUNT_OF(leaves); i++) {
        if (all->rows[i].chosen || all->rows[i].implied)
            leaves[count++] = all->rows[i].txn.leaf;
    }
    if (count == 0)
        return;
    enum err err = refuse ? node_entry_refuse(node->entry, leaves, count,
                                              bytes_text("not in the register"), &problem)
                          : node_entry_countersign(node->entry, leaves, count, sim_wall_ms(node),
                                                   &done, &problem);
    node_driver_kick(node->driver);
    sim_say("%s: %s %zu that waited: %s %s", node->name, refuse ? "refused" : "countersigned",
            count, err_name(err), problem.detail);
}

/* Some of what waits, or one of it refused, with what belongs to it. */
static void act_countersign(struct sim_node *node)
{
    struct waiting_plan all;
    if (node->locked || !node->has_typist)
        return;
    bool refuse = sim_chance(150);
    enum err err = waiting_plan_open(node->store, &all);
    size_t one = all.count > 0 ? sim_below(all.count) : 0;
    for (size_t i = 0; i < all.count; i++)
        all.rows[i].chosen = refuse ? i == one : sim_chance(600);
    if (err == OK)
        err = refuse ? waiting_plan_after(&all) : waiting_plan_before(&all);
    if (err == OK)
        settle_waiting(node, &all, refuse);
    waiting_plan_close(&all);
}

void sim_work_countersign(void)
{
    for (unsigned n = 0; n < world.node_count; n++) {
        struct sim_node *node = &world.nodes[n];
        struct waiting_plan all = { .count = 0 };
        if (!node->up || node->locked || !node->has_typist)
            continue;
        sim_office_take_over(node);
        if (!node->locked && waiting_plan_open(node->store, &all) == OK) {
            for (size_t i = 0; i < all.count; i++)
                all.rows[i].chosen = true;
            settle_waiting(node, &all, false);
        }
        waiting_plan_close(&all);
    }
    sim_reap();
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

/* Cut and full last for a while, but not for most of the time. */
static void act_cut(void)
{
    struct sim_node *node = some_node();
    bool cut = sim_net_is_cut(node->machine);
    if (!node->gone && (!cut || sim_chance(700)))
        sim_node_cut(node, !cut);
}

static void act_full(void)
{
    unsigned machine = (unsigned)sim_below(world.node_count + 1);
    for (unsigned i = 0; i <= world.node_count; i++)
        sim_disk_full(i, false);
    if (sim_chance(500))
        sim_disk_full(machine, true);
}

static void act_lock(struct sim_node *node)
{
    if (!node->locked) {
        sim_office_lock(node);
        if (sim_chance(100)) /* nobody comes for long */
            node->locked_until_step = world.step + 50 + (unsigned)sim_below(250);
    } else if (world.step >= node->locked_until_step) {
        sim_office_unlock(node);
    }
}

/* ---- the day */

void sim_work_enter(struct sim_node *node)
{
    sim_office_take_over(node);
    act_create(node);
    sim_reap();
}

static void act_fate(void)
{
    switch (plan) {
    case PLAN_OLD_NODE:
        sim_fate_old_node();
        return;
    case PLAN_OLD_HUB:
        sim_officer_old_copy();
        return;
    case PLAN_TWIN:
        sim_fate_twin();
        return;
    case PLAN_REPLACED:
        sim_reset_replace();
        return;
    case PLAN_PLAIN:
    case PLAN_COUNT:
        return;
    }
}

static void act_officer(void)
{
    switch (sim_below(4)) {
    case 0:
        sim_officer_policy();
        return;
    case 1:
        sim_officer_review();
        return;
    case 2:
        sim_reset_approve(some_node());
        return;
    default:
        sim_officer_backup();
        return;
    }
}

void sim_work_step(void)
{
    struct sim_node *node = some_node();
    uint64_t act = sim_below(100);
    if (node->up && node->locked && world.step >= node->locked_until_step && sim_chance(500))
        sim_office_unlock(node);
    if (node->up)
        sim_office_take_over(node);
    sim_reap();
    sim_reset_cut(node);
    if (world.hub.rolled_back && sim_chance(50))
        sim_officer_restore();
    sim_reap();
    if (act < 24 && node->up)
        act_create(node);
    else if (act < 38 && node->up)
        act_update(node);
    else if (act < 45 && node->up)
        act_move(node);
    else if (act < 48 && node->up)
        act_append(node);
    else if (act < 52 && node->up)
        act_delete(node);
    else if (act < 58 && node->up)
        act_resolve(node);
    else if (act < 60 && node->up)
        act_countersign(node);
    else if (act < 64 && node->up)
        sim_drafts_act(node);
    else if (act < 71)
        sim_carry_act(node);
    else if (act < 80)
        act_officer();
    else if (act < 86)
        act_crash();
    else if (act < 89)
        act_cut();
    else if (act < 91)
        act_full();
    else if (act < 94 && node->up)
        act_lock(node);
    else if (act < 95)
        sim_reset_forgotten(node);
    else
        act_fate();
    sim_reap();
}

static void all_up(void)
{
    for (unsigned i = 0; i < 100; i++) {
        bool up = world.hub.up;
        sim_advance(1000);
        for (unsigned n = 0; n < world.node_count; n++)
            up = up && (world.nodes[n].up || world.nodes[n].gone);
        if (up)
            return;
    }
    sim_fail("the hub or a node does not come back");
}

void sim_work_heal(void)
{
    sim_net_calm();
    for (unsigned machine = 0; machine <= world.node_count; machine++)
        sim_disk_heal(machine);
    all_up();
    for (unsigned n = 0; n < world.node_count; n++) {
        struct sim_node *node = &world.nodes[n];
        node->connection++;
        node_driver_connection(node->driver, true);
        if (node->locked)
            sim_office_unlock(node);
    }
    sim_officer_finish_restore();
    for (unsigned n = 0; n < world.node_count; n++)
        sim_reset_finish(&world.nodes[n]);
    for (unsigned n = 0; n < world.node_count; n++)
        sim_office_take_over(&world.nodes[n]);
    sim_work_countersign();
    sim_fate_end_twin();
    sim_carry_only();
}
