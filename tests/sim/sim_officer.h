/* The officer at the hub: policy, terms, backups, restores, and what waits for a decision. */
#pragma once

#include "tests/sim/sim_world.h"

void sim_officer_start(void);

/* Signs and publishes. */
enum err sim_publish_trust(struct bytes ops);
enum err sim_publish_rules(const char *directory);

/* Random acts of a working day. */
void sim_officer_policy(void); /* rules, terms, ends and successors */
void sim_officer_review(void); /* one transaction in quarantine */
void sim_officer_backup(void);
void sim_officer_old_copy(void); /* the hub's disk is replaced by a backup that may be used */
void sim_officer_restore(void);  /* opens the next epoch, if everything has come back */

/* Afterwards. */
void sim_officer_finish_restore(void);
void sim_officer_decide_all(void); /* twins, terms, reviews: nothing waits for a person any more */
