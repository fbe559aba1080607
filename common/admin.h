/* The admin socket: one JSON object a line, {"v":1,"cmd":"put","args":{…},"lang":"id"}; answers are
 * {"row":{…}}, {"progress":{…}}, {"done":{…}} or {"error":{code,thing,rule,remedy,…}}, one a line.
 * The socket is hostile input: lines have a limit, callers are identified by SO_PEERCRED, the count
 * of connections is bounded, a slow reader is dropped, half-open and endless lines time out. A
 * connection may send several lines; one call of it runs at a time, in order. Unknown keys beside
 * v, cmd, args and lang are ignored. */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "common/err.h"

#define ADMIN_LINE_BYTES_MAX (1024 * 1024)
#define ADMIN_CONNECTIONS_MAX 32
#define ADMIN_OUTPUT_BYTES_MAX (8 * 1024 * 1024)
#define ADMIN_CMD_TEXT_MAX 63
#define ADMIN_LINE_MS (10 * 1000) /* from the first byte of a line to its end */
#define ADMIN_IDLE_MS (60 * 1000) /* without a call; or without taking a byte that waits for it */

struct loop;
struct admin;

/* One request. Lives until admin_done or admin_fail, which may come later than the handler returns
 * (queries in a child, waiting for the hub), even after admin_close. A call whose caller hung up
 * swallows its answers. */
struct admin_call;

typedef void admin_handler(void *ctx, struct admin_call *call);

/* Binds `path` (0660, group `group` when given and known), replaces a stale socket, refuses one
 * that a live daemon holds (ERR_BUSY) and paths over 107 bytes (ERR_LIMIT). From then on jansson
 * wipes what it frees, as requests carry keys. */
NODISCARD enum err admin_open(struct loop *loop, const char *path, const char *group,
                              admin_handler *handler, void *ctx, struct admin **ret_admin,
                              struct problem *problem);
void admin_close(struct admin **admin); /* unlinks the socket */
/* Other patience than ADMIN_LINE_MS and ADMIN_IDLE_MS, for tests. */
void admin_set_patience(struct admin *admin, uint64_t line_ms, uint64_t idle_ms);

const char *admin_call_cmd(const struct admin_call *call);
/* Borrowed; always an object. */
json_t *admin_call_args(const struct admin_call *call);
uid_t admin_call_uid(const struct admin_call *call);
enum lang admin_call_lang(const struct admin_call *call);

/* True when nobody listens any more: a long answer may be cut short (it must still be ended). */
bool admin_call_is_orphan(const struct admin_call *call);

/* These take ownership of the JSON (may be NULL for an empty object). Row and progress may repeat.
 * A caller that reads as it goes gets any number of rows: these wait for it for a short while. */
void admin_row(struct admin_call *call, json_t *row);
void admin_row_all(struct admin_call *call, json_t *rows); /* of an array */
void admin_progress(struct admin_call *call, json_t *progress);
/* These end the call. */
void admin_done(struct admin_call *call, json_t *result);
void admin_fail(struct admin_call *call, const struct problem *problem);
/* The same; the error also gets the members of the object `more` ("field", "tries_left"), which it
 * takes. */
void admin_fail_with(struct admin_call *call, const struct problem *problem, json_t *more);
