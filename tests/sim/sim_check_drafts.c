/* What was rejected waits as a draft, once, whatever the schedule of answers, locks and restores.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_draft.h"
#include "tests/sim/sim_check.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_drafts.h"

#define DRAFTS_SEEN_MAX 4096

static struct draft_mark drafts[DRAFTS_SEEN_MAX];
static size_t draft_count;

static void see_draft(void *ctx, const struct draft_mark *mark)
{
    (void)ctx;
    must(draft_count < DRAFTS_SEEN_MAX);
    drafts[draft_count++] = *mark;
}

/* Of a rejected change that can be mended; not one whose values only a lost passphrase opened. */
static bool wants_draft(const struct seen_change *change)
{
    return change->disposition == DISPOSITION_REJECTED && change->raw_len > 0 &&
           (change->op == OP_CREATE || change->op == OP_UPDATE);
}

static unsigned group_of(const struct seen_change *change)
{
    struct change decoded;
    sim_ok(change_decode(bytes_of(change->raw, change->raw_len), &decoded));
    return decoded.group;
}

/* The first of its group to want one: groups are counted by these. */
static bool is_first(size_t at)
{
    const struct seen_change *change = &sim_seen[at];
    for (size_t i = 0; i < at; i++) {
        if (sim_seen[i].node == change->node && wants_draft(&sim_seen[i]) &&
            hash_equal(&sim_seen[i].leaf, &change->leaf) &&
            group_of(&sim_seen[i]) == group_of(change))
            return false;
    }
    return true;
}

/* One draft holds exactly what was rejected of its group. */
static void check_content(const struct sim_node *node, unsigned index,
                          const struct draft_mark *mark)
{
    struct draft *draft = NULL;
    enum err err = node_store_draft_get(node->store, mark->number, &draft);
    if (err != OK)
        sim_fail("I2: %s cannot open draft %llu: %s", node->name, (unsigned long long)mark->number,
                 err_name(err));
    for (unsigned i = 0; i < draft->change_count; i++) {
        bool found = false;
        for (size_t j = 0; j < sim_seen_count && !found; j++)
            found = sim_seen[j].node == index && sim_seen[j].disposition == DISPOSITION_REJECTED &&
                    hash_equal(&sim_seen[j].leaf, &draft->leaf) &&
                    sim_seen[j].index == draft->changes[i].index;
        if (!found)
            sim_fail("I2: %s has a draft of a change that was not rejected", node->name);
    }
    node_draft_close(&draft);
}

/* Of the rejected groups of a node those that must have a draft; *ret_maybe: and so many may. */
static size_t count_wanted(unsigned n, size_t *ret_maybe)
{
    size_t wanted = 0;
    *ret_maybe = 0;
    for (size_t i = 0; i < sim_seen_count; i++) {
        bool sure = true;
        if (sim_seen[i].node != n || !wants_draft(&sim_seen[i]) || !is_first(i))
            continue;
        if (!sim_drafts_dealt(&world.nodes[n], &sim_seen[i].leaf, sim_seen[i].index, &sure))
            wanted++;
        else if (!sure)
            (*ret_maybe)++;
    }
    return wanted;
}

void sim_check_drafts(void)
{
    for (unsigned n = 0; n < world.node_count; n++) {
        const struct sim_node *node = &world.nodes[n];
        size_t maybe = 0, found = 0;
        if (!node->up || node->locked || sim_disk_frozen(node->machine))
            continue;
        size_t wanted = count_wanted(n, &maybe);
        draft_count = 0;
        sim_ok(node_store_drafts(node->store, see_draft, NULL));
        for (size_t i = 0; i < draft_count; i++) {
            if (drafts[i].origin != DRAFT_REJECTED && drafts[i].origin != DRAFT_KEPT &&
                !drafts[i].edited)
                sim_fail("I2: %s has a draft of what was taken back", node->name);
            if (drafts[i].origin != DRAFT_REJECTED)
                continue;
            found++;
            if (!drafts[i].edited)
                check_content(node, n, &drafts[i]);
        }
        if (found < wanted || found > wanted + maybe)
            sim_fail("I2: %s has %zu drafts of %zu rejected groups", node->name, found, wanted);
    }
    sim_drafts_check();
}
