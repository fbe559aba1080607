/* The invariants I1 to I5 of design.md §1, looked at from outside the code that keeps them. */
#pragma once

#include "tests/sim/sim_work.h"

void sim_check_step(void);    /* after each step: what must hold in the middle of everything */
void sim_check_answers(void); /* at times: every promise is on its node, answered or not */
/* Every change has an answer or waits for a person, and every node has read the whole journal.
 * `tell` says on stderr what is not. */
bool sim_check_settled(bool tell);
void sim_check_end(void); /* once all is settled: hub, journal and nodes agree */
