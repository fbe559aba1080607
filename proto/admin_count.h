/* `count` on the admin socket, the same at an office and at the hub: what is asked for, and the
 * rows of the answer. How records are read is each daemon's own. */
#pragma once

#include <jansson.h>

#include "proto/count.h"

/* args.by: names; args.find: {name: text}, borrowed by `count`. Errors of count_by and count_where;
 * ERR_USAGE: no field to count by. */
NODISCARD enum err admin_count_ask(const json_t *args, struct count *count,
                                   struct problem *problem);
/* A row; what ends the list. */
json_t *admin_count_cell(const struct count *count, const struct count_cell *cell);
json_t *admin_count_done(const struct count *count);
