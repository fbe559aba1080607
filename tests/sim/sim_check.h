/* The invariants I1 to I5 of design.md §1, looked at from outside the code that keeps them. */
#pragma once

#include "tests/sim/sim_work.h"

void sim_check_step(void);    /* after each step: what must hold in the middle of everything */
void sim_check_answers(void); /* at times: every promise is on its node, answered or not */
/* Every change has an answer or waits for a person (nothing does when all is `decided`), and every
 * node has read the whole journal. `tell` says on stderr what is not. */
bool sim_check_settled(bool decided, bool tell);
void sim_check_end(void); /* once all is settled and decided: hub, journal and nodes agree */

/* ---- own changes of all nodes, as the nodes tell them; between sim_see_all and sim_see_end */

struct seen_change {
    struct hash leaf;
    struct id record;
    enum disposition disposition;
    enum err reason;
    uint64_t number;
    enum change_op op;
    enum lane lane;
    uint64_t seq;
    unsigned node;
    uint8_t *raw;
    size_t raw_len;
    unsigned index;
    uint32_t author; /* number of the operator */
    enum countersign_state countersign;
};

extern struct seen_change *sim_seen;
extern size_t sim_seen_count;

void sim_see_all(void);
void sim_see_end(void);

/* Between these two: every rejected group of a node is one draft there, and nothing else is. */
void sim_check_drafts(void);
