#include "tests/sim/sim_drafts.h"

#include <stdio.h>

#include "common/must.h"
#include "node/node_draft.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_work.h"

#define KEPT_MAX 512
#define CHANGES_MAX 16
#define TEXT_MAX 24

/* A draft whose texts are known: its first change has this name. */
struct kept {
    const struct sim_node *node;
    uint64_t number;
    char text[TEXT_MAX];
};

struct dealt {
    const struct sim_node *node;
    struct hash leaf;
    unsigned index; /* of the change */
    bool sure;
};

static struct kept kept[KEPT_MAX];
static size_t kept_count;
static struct dealt dealt[KEPT_MAX];
static size_t dealt_count;

void sim_drafts_start(void)
{
    kept_count = dealt_count = 0;
}

static void forget(const struct sim_node *node, uint64_t number)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].node == node && kept[i].number == number)
            kept[i--] = kept[--kept_count];
    }
}

static void remember(const struct sim_node *node, uint64_t number, const char *text)
{
    forget(node, number);
    if (kept_count == KEPT_MAX)
        return;
    struct kept *to = &kept[kept_count++];
    *to = (struct kept){ .node = node, .number = number };
    snprintf(to->text, sizeof(to->text), "%s", text);
}

void sim_drafts_lost(const struct sim_node *node)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].node == node)
            kept[i--] = kept[--kept_count];
    }
    for (size_t i = 0; i < dealt_count; i++)
        dealt[i].sure = dealt[i].sure && dealt[i].node != node;
}

bool sim_drafts_dealt(const struct sim_node *node, const struct hash *leaf, unsigned index,
                      bool *ret_sure)
{
    for (size_t i = 0; i < dealt_count; i++) {
        if (dealt[i].node != node || dealt[i].index != index || !hash_equal(&dealt[i].leaf, leaf))
            continue;
        *ret_sure = dealt[i].sure;
        return true;
    }
    return false;
}

static void deal(const struct sim_node *node, const struct draft *draft, bool sure)
{
    forget(node, draft->number);
    if (draft->origin == DRAFT_KEPT)
        return;
    for (unsigned i = 0; i < draft->change_count; i++) {
        must(dealt_count < KEPT_MAX);
        dealt[dealt_count++] = (struct dealt){
            .node = node, .leaf = draft->leaf, .index = draft->changes[i].index, .sure = sure
        };
    }
}

/* ---- acts */

struct picked {
    unsigned seen;
    uint64_t number;
};

static void pick(void *ctx, const struct draft_mark *mark)
{
    struct picked *picked = ctx;
    if (sim_below(++picked->seen) == 0)
        picked->number = mark->number;
}

static enum err put(struct sim_node *node, struct draft *draft)
{
    char text[TEXT_MAX];
    struct bytes none = { NULL, 0 };
    snprintf(text, sizeof(text), "d%llu", (unsigned long long)sim_below(1000000));
    must(node_draft_set(draft, 0, bytes_text("name"), bytes_text(text)) == OK);
    forget(node, draft->number);
    enum err err = node_store_draft_put(node->store, draft, NULL, none);
    if (err == OK && !sim_disk_frozen(node->machine))
        remember(node, draft->number, text);
    return err;
}

static void keep(struct sim_node *node)
{
    struct draft *draft = node_draft_new(1);
    const char *area = strcmp(node->name, SIM_DISTRICT) == 0 ? "36.04.01" : node->name;
    must(draft != NULL);
    draft->wall_ms = sim_wall_ms(node);
    draft->changes[0].op = OP_CREATE;
    draft->changes[0].collection = bytes_text("person");
    must(node_draft_set(draft, 0, bytes_text("area"), bytes_text(area)) == OK);
    enum err err = node_store_draft_next(node->store, &draft->number);
    if (err == OK)
        err = put(node, draft);
    sim_say("%s: draft %llu kept: %s", node->name, (unsigned long long)draft->number,
            err_name(err));
    node_draft_close(&draft);
}

/* What it refers to may be gone; somebody takes the reference out. */
static void send(struct sim_node *node, struct draft *draft)
{
    struct entry_field fields[CHANGES_MAX][8];
    struct entry_change changes[CHANGES_MAX];
    struct entry_request request = { .wall_ms = sim_wall_ms(node),
                                     .lane = LANE_OF_POLICY,
                                     .changes = changes,
                                     .change_count = draft->change_count,
                                     .draft = draft->number };
    struct problem problem = { .code = OK };
    struct warnings warnings = { .count = 0 };
    struct hash leaf;
    uint64_t seq = 0;
    unsigned failed = 0;
    must(draft->change_count <= CHANGES_MAX);
    for (unsigned i = 0; i < draft->change_count; i++) {
        const struct draft_change *from = &draft->changes[i];
        changes[i] = (struct entry_change){ .group = from->group,
                                            .op = from->op,
                                            .collection = from->collection,
                                            .fields = fields[i] };
        *(from->op == OP_CREATE ? &changes[i].instead_of : &changes[i].record) = from->record;
        must(from->field_count <= 8);
        for (size_t k = 0; k < from->field_count; k++) {
            if (!bytes_is(from->fields[k].name, "friend"))
                fields[i][changes[i].field_count++] =
                    (struct entry_field){ .name = from->fields[k].name,
                                          .text = from->fields[k].text };
        }
    }
    enum err err =
        node_entry_submit(node->entry, &request, &leaf, &seq, &failed, &problem, &warnings);
    sim_say("%s: draft %llu sent: %s %s", node->name, (unsigned long long)draft->number,
            err_name(err), problem.detail);
    bool sure = !sim_disk_frozen(node->machine);
    if (err != OK && sure)
        return;
    deal(node, draft, sure);
    if (sure && seq > 0)
        sim_work_promise(node, changes, draft->change_count, &leaf);
    if (sure)
        node_driver_kick(node->driver);
}

void sim_drafts_act(struct sim_node *node)
{
    struct picked picked = { .seen = 0 };
    struct draft *draft = NULL;
    if (node->locked || sim_disk_frozen(node->machine))
        return;
    enum err err = node_store_drafts(node->store, pick, &picked);
    if (err == OK && (picked.seen == 0 || sim_chance(200))) {
        keep(node);
        return;
    }
    if (err == OK)
        err = node_store_draft_get(node->store, picked.number, &draft);
    if (err != OK)
        sim_fail("I2: %s cannot open draft %llu: %s", node->name, (unsigned long long)picked.number,
                 err_name(err));
    uint64_t act = sim_below(10);
    if (act < 4) {
        (void)!put(node, draft);
    } else if (act < 9) {
        send(node, draft);
    } else {
        err = node_store_draft_discard(node->store, draft->number);
        if (err == OK || sim_disk_frozen(node->machine))
            deal(node, draft, !sim_disk_frozen(node->machine));
    }
    node_draft_close(&draft);
}

/* ---- checks */

static bool has_text(const struct draft *draft, const char *text)
{
    const struct draft_change *change = &draft->changes[0];
    for (size_t i = 0; i < change->field_count; i++) {
        if (bytes_is(change->fields[i].name, "name"))
            return bytes_is(change->fields[i].text, text);
    }
    return false;
}

void sim_drafts_check(void)
{
    for (size_t i = 0; i < kept_count; i++) {
        const struct sim_node *node = kept[i].node;
        struct draft *draft = NULL;
        if (!node->up || node->locked || node->restored || sim_disk_frozen(node->machine))
            continue;
        enum err err = node_store_draft_get(node->store, kept[i].number, &draft);
        if (err != OK)
            sim_fail("I2: %s lost draft %llu: %s", node->name, (unsigned long long)kept[i].number,
                     err_name(err));
        if (!has_text(draft, kept[i].text))
            sim_fail("I2: draft %llu of %s is not as it was typed",
                     (unsigned long long)kept[i].number, node->name);
        node_draft_close(&draft);
    }
}
