/* What a new policy would change, for the person who publishes it. */
#pragma once

#include <jansson.h>

#include "proto/policy.h"

/* Adds rows {what, name, change} to `rows`: collections, fields, code lists, areas, roles,
 * settings, rules, workflows, tables that are new, changed or retired. `before` may be NULL:
 * everything is new. */
void policy_diff(const struct policy *before, const struct policy *after, json_t *rows);
/* policy_diff_work.c: of that, rules, workflows, answers, announcements and tables. */
void policy_diff_work(const struct policy *before, const struct policy *after, json_t *rows);
