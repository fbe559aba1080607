/* What people do with drafts: keep, mend, send, discard; and whether the store knows it too. */
#pragma once

#include "tests/sim/sim_world.h"

void sim_drafts_start(void);
void sim_drafts_act(struct sim_node *node);
/* All of this office are gone, or an old copy of its disk came back: nothing is sure any more. */
void sim_drafts_lost(const struct sim_node *node);
/* What a person kept is there, as it was typed. */
void sim_drafts_check(void);
/* Whether the draft of this rejected change was sent or discarded; *ret_sure: certainly. */
bool sim_drafts_dealt(const struct sim_node *node, const struct hash *leaf, unsigned index,
                      bool *ret_sure);
