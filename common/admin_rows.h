/* What the daemons share where a command hands out or takes more than a line holds: rows one a turn
 * of the loop, and bytes that come in several requests. */
#pragma once

#include "common/admin.h"

struct loop;
struct admin_rows;

/* The next row, which the callee takes; OK without one: none yet, ask again the next turn.
 * ERR_NOT_FOUND: there are no more, and *ret_row may be the `done` object. Any other error ends the
 * call with `problem`. */
typedef enum err admin_rows_next(void *ctx, json_t **ret_row, struct problem *problem);
typedef void admin_rows_end(void *ctx); /* frees it */

#define ADMIN_ROWS_MAX 4 /* at a time */

/* Answers `call` row by row; `ctx` is the list's until `end`. ERR_BUSY, ERR_MEMORY: nothing began,
 * `ctx` is the caller's still. */
NODISCARD enum err admin_rows_start(struct admin_rows **list, struct loop *loop,
                                    struct admin_call *call, admin_rows_next *next,
                                    admin_rows_end *end, void *ctx);
/* Ends all of them: the daemon stops. */
void admin_rows_stop(struct admin_rows **list);

/* Bytes on their way in; one at a time a daemon, in order from offset 0. */
struct admin_chunks {
    char token[40];
    uint8_t *at;
    size_t len, total;
};

/* Takes the chunk in the call's arguments {token, total, offset, data (base64)}. OK: *ret_whole
 * says whether all of it is here now, in chunks->at. ERR_USAGE, ERR_LIMIT, ERR_MALFORMED,
 * ERR_MEMORY; ERR_STATE: someone else's came in between, begin again. */
NODISCARD enum err admin_chunks_take(struct admin_chunks *chunks, const struct admin_call *call,
                                     size_t bytes_max, bool *ret_whole, struct problem *problem);
void admin_chunks_release(struct admin_chunks *chunks);

/* Base64 text of an argument into new memory; the caller frees ret->at. *ret stays empty when the
 * argument is absent or null. Errors as above. */
NODISCARD enum err admin_arg_bytes(const struct admin_call *call, const char *name,
                                   size_t bytes_max, struct buf *ret, struct problem *problem);
/* Base64 as a JSON string; NULL when memory is out. */
json_t *admin_json_bytes(struct bytes bytes);
