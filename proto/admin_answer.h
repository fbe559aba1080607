/* Submissions and their answers on the admin socket, the same at an office and at the hub: what is
 * told of one, and what waits by units. How records are read is each daemon's own. */
#pragma once

#include <jansson.h>

#include "proto/policy.h"

/* Adds collection, title, state and unit with their labels. Empty codes become null. `collection`
 * has an answer. */
void admin_answer_state(json_t *object, const struct policy *policy,
                        const struct policy_collection *collection, struct bytes state,
                        struct bytes unit);
/* Adds of the last answer what is a code or a date (all else is text that somebody wrote):
 * answered, decision, decision_label, target. Of an answer that few may read only that there is
 * one. */
void admin_answer_last(json_t *object, const struct policy *policy,
                       const struct policy_collection *collection, bool given,
                       struct bytes decision, struct bytes target);
/* Adds unanswered_days (null when nothing is owed), limit_days, late. */
void admin_answer_waits(json_t *object, const struct policy_answer *answer, bool owed,
                        uint64_t age_ms);

/* Adds the row of one that waits to the lines by units, [{unit, unit_label, count, late}]. */
void admin_units_add(json_t *units, const json_t *row, bool late);
/* Some collection has a unit that is meant by `unit`; else `ret_names` are those of one. */
bool admin_unit_known(const struct policy *policy, const char *unit, char *ret_names, size_t cap);
