/* What of the rules has dates: tables and areas. */
#pragma once

#include <jansson.h>

#include "proto/policy.h"

/* Adds to `done`: "tables", the versions in force on that ISO date ({name, label, from, until,
 * basis, rows: [{key, value}]}), "tables_later", those that begin after it, and "areas_dated",
 * areas with a beginning or an end ({area, name, from, until, in_force}). `until` is the first day
 * on which it does not hold any more; null: not known. */
void policy_dated(const struct policy *policy, const char date[11], json_t *done);
/* For people. */
void policy_dated_print(const json_t *done);
