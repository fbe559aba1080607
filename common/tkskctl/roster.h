/* What approving and ending have in common for offices and people. */
#pragma once

#include "common/tkskctl/sign.h"

/* Asks for the six words (or takes --words) until the hub says that they are right. `name` of an
 * operator, else NULL. */
NODISCARD enum exit_code ask_six_words(struct ctl *ctl, const char *node, const char *kind,
                                       const char *name, struct answer *ret_answer);

/* --reason, or asked on a terminal. */
NODISCARD enum exit_code ask_end_reason(struct ctl *ctl, enum end_reason *ret_reason);

/* Fills the cuts of an end: the highest positions that the hub has received from `node`, the newest
 * incarnations when there are more than a statement holds. An office that never sent has none. */
NODISCARD enum exit_code roster_cuts(struct ctl *ctl, const json_t *trust_state, const char *node,
                                     struct ended *ended);
