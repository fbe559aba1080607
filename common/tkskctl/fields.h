/* Collections and fields as the daemon describes them (`collections`), and FIELD=VALUE words. */
#pragma once

#include "common/tkskctl/ctl.h"

/* The description of one collection {name, title, fields:[…]}, by name or title; the caller's. */
NODISCARD enum exit_code ctl_fields(struct ctl *ctl, const char *collection,
                                    json_t **ret_collection);

/* The field with this name or label, letters of either case; NULL when there is none. Borrowed. */
const json_t *fields_find(const json_t *fields, const char *name);

/* {"field": "text", …} from the command's words from `from` on. ERR_USAGE is said. */
NODISCARD enum exit_code fields_from_words(struct ctl *ctl, size_t from, json_t **ret_fields);
