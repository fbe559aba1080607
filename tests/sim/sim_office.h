/* The people of the offices: enrolment, keys, the lock, successors. */
#pragma once

#include "tests/sim/sim_world.h"

/* Makes its store, keys and first person, and enters it in the roster. */
void sim_office_enrol(struct sim_node *node);

/* With the key of the newest person whom the node's roster knows. */
void sim_office_unlock(struct sim_node *node);
void sim_office_lock(struct sim_node *node);
/* Whose key signs there from now on; the office is unlocked. */
void sim_office_act(struct sim_node *node, bool typist);
/* Who entered last has ended as far as this node knows: the successor takes over. */
void sim_office_take_over(struct sim_node *node);
/* A new person registers here and awaits approval; the office is unlocked. NULL: no. */
struct sim_person *sim_office_newcomer(struct sim_node *node);
/* One op for the roster. */
void sim_office_person_op(const struct sim_node *node, const struct sim_person *person,
                          uint32_t number, struct writer *ops);
/* A new key for someone whose passphrase is lost: the officer approves it later. With nobody who
 * can open (the office is locked) the cache begins anew. */
enum err sim_office_reset(struct sim_node *node);
/* New keys for machine and people on an empty disk; the officer approves them later. */
void sim_office_move(struct sim_node *node);
