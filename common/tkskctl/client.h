/* One connection to a daemon's admin socket: a request line out, answer lines in. */
#pragma once

#include <jansson.h>

#include "common/err.h"

struct client;

/* ERR_NOT_FOUND: nothing listens at `path`; ERR_DENIED: this user may not; ERR_LIMIT: path too
 * long. */
NODISCARD enum err client_open(const char *path, struct client **ret_client);
void client_close(struct client **client);

/* Called for each {"row":…}; `row` is borrowed. Anything but OK ends the request with that error.
 */
typedef enum err client_row(void *ctx, json_t *row);
/* Called for each {"progress":…}; may be NULL. */
typedef void client_progress(void *ctx, json_t *progress);

/* Sends one request and reads its answer. OK: exactly one of *ret_done and *ret_error is set and
 * the caller's. ERR_IO: the connection broke (what the daemon did is not known); ERR_MALFORMED: not
 * our language; ERR_LIMIT: the request is over a line; else what `row` said. `args` is borrowed. */
NODISCARD enum err client_ask(struct client *client, const char *cmd, json_t *args, client_row *row,
                              client_progress *progress, void *ctx, json_t **ret_done,
                              json_t **ret_error);
