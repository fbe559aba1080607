/* A passphrase that was forgotten, and a netbook that is replaced. */
#pragma once

#include "tests/sim/sim_check.h"

void sim_reset_start(void);
void sim_reset_stop(void);

/* Someone forgot the passphrase: beside a colleague nothing is lost; where nobody can open, all
 * that only the old key read goes. */
void sim_reset_forgotten(struct sim_node *node);
/* Some office's netbook is gone: an empty one enrols in its place. */
void sim_reset_replace(void);
/* The first load meets a crash now and then. */
void sim_reset_cut(struct sim_node *node);
/* The officer approves new keys of people and offices. */
void sim_reset_approve(struct sim_node *node);
/* The same, and the office has read of it. */
void sim_reset_finish(struct sim_node *node);

/* Own changes of netbooks that are gone: nobody can tell their answers any more. */
extern struct seen_change *sim_ghosts;
extern size_t sim_ghost_count;
