/* Old copies of a node's disk that come back, and twins: two living copies of one. */
#pragma once

#include "tests/sim/sim_world.h"

void sim_fate_start(void);
void sim_fate_old_node(void);
void sim_fate_twin(void);
/* Nothing that quarantined twins sent after they were noticed has been merged. */
void sim_fate_check(void);
/* Both twins are heard, and quarantined; then the copy is taken away. */
void sim_fate_end_twin(void);
/* Promises of this node that the hub does not know are lost with its disk. */
void sim_fate_lose(const struct sim_node *node);
