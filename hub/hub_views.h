/* SQL text of the views through which people read the typed tables, made from the policy. For every
 * backend that speaks SQLite's dialect; no database is touched here. */
#pragma once

#include <stdio.h>

#include "proto/policy.h"

/* SELECT for people with sqlite3 or a spreadsheet: ids as text, times as ISO, nothing deleted.
 * `from` is a table or view as SQL. Without `full` no restricted values. */
void views_people(FILE *out, const struct policy_collection *collection, const char *from,
                  bool full);
/* SELECT of the table's own columns with the values masked as in a list (proto/mask.h): numbers of
 * people in part; specific and restricted values are NULL, so that no sum or average counts them as
 * something else. */
void views_masked(FILE *out, const struct policy_collection *collection, const char *from);
/* Whether views_masked gives less of that column than there is. */
bool views_masks(const struct policy_collection *collection, const char *column);
