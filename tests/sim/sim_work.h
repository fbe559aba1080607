/* What people and bad luck do: entries, edits, deletes, answers to conflicts; crashes, cut links,
 * full disks, locked nodes. */
#pragma once

#include "tests/sim/sim_world.h"

/* Everything a person was told is stored; the checks hold it against node and hub. */
struct sim_promise {
    unsigned node; /* index */
    struct id record;
    struct hash leaf;
    enum change_op op;
    bool lost_with_store; /* its store was replaced by an older copy before the hub had it */
    bool former;          /* entered on a netbook that the office does not have any more */
};

extern struct sim_promise *sim_promises;
extern size_t sim_promise_count;

enum sim_plan {
    PLAN_PLAIN,
    PLAN_OLD_NODE,
    PLAN_OLD_HUB,
    PLAN_TWIN,
    PLAN_REPLACED, /* offices get another netbook */
    PLAN_COUNT
};
enum sim_plan sim_work_plan(void);
void sim_work_promise(const struct sim_node *node, const struct entry_change *changes,
                      unsigned count, const struct hash *leaf);

void sim_work_start(enum sim_plan plan);
void sim_work_stop(void);
void sim_work_step(void);                   /* one random act */
void sim_work_enter(struct sim_node *node); /* somebody enters something there */
/* Whoever may signs all that waits for it, at all offices. */
void sim_work_countersign(void);
void sim_work_heal(void); /* faults end: links, disks, locks, the restore that a person would do */
