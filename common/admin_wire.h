/* Lines of the admin socket as JSON, without I/O. Private to admin*.c. */
#pragma once

#include "common/admin.h"

struct admin_request {
    char cmd[ADMIN_CMD_TEXT_MAX + 1];
    json_t *args; /* an object */
    enum lang lang;
};

/* ERR_MALFORMED or ERR_USAGE; *ret_request is untouched but for `lang`, in which to answer. */
NODISCARD enum err admin_request_parse(struct bytes line, struct admin_request *ret_request,
                                       struct problem *problem);

/* {"<kind>": value} and a line end. Takes the value (NULL: an empty object). The caller frees the
 * text with admin_text_free; NULL when memory is out. */
char *admin_answer_text(const char *kind, json_t *value);
json_t *admin_problem_json(const struct problem *problem, enum lang lang);
void admin_text_free(char *text);

/* Makes jansson wipe what it frees. */
void admin_wipe_json(void);
