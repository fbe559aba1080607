/* Asking field by field: with labels, defaults and a code picker on a terminal; from lines of
 * standard input elsewhere. */
#pragma once

#include "common/tkskctl/fields.h"

/* Fields of a new record, or the changed ones of `current` (fields as `show` gives them; NULL for a
 * new record). On a terminal it shows what was entered and asks whether to store it. Elsewhere the
 * lines are either FIELD=VALUE, or one answer for each field of the form in its order. *ret_fields
 * {"field": "text", …} is the caller's. EXIT_REFUSED: the person stopped; what was entered until
 * then is in *ret_fields, which is NULL when nothing was. */
NODISCARD enum exit_code form_ask(struct ctl *ctl, const json_t *collection, const json_t *current,
                                  json_t **ret_fields);

/* On a terminal: asks again for the field that `error` names. false: there is nothing to ask. */
NODISCARD bool form_ask_again(struct ctl *ctl, const json_t *collection, const json_t *error,
                              json_t *fields);

/* On a terminal: asks for each field that a draft's `problems` name, the texts of the draft
 * (`draft_show`) standing, and adds what is typed to `fields` under "2.field". false: there was
 * nothing to ask, or the person stopped. */
NODISCARD bool form_ask_problems(struct ctl *ctl, const json_t *draft, const json_t *problems,
                                 json_t *fields);
