/* Bundles as files: exported now, carried late, twice, in part, damaged or out of order, beside
 * whatever the link does. */
#pragma once

#include "tests/sim/sim_world.h"

void sim_carry_start(void);
void sim_carry_stop(void);

/* One random act: an export, or some pieces of a file that someone carries. */
void sim_carry_act(struct sim_node *node);
/* Sometimes an office has no link any more: what is left to settle goes by files. */
void sim_carry_only(void);
/* Export, take, answer, take, whole and in order, for offices without a link. */
void sim_carry_round(void);
