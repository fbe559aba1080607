/* Bundles that come and go as files (PROTOCOL.md "Bundles as files"): one piece at a time, through
 * the same judgement, checks and merge as the wire, by a session of its own. A session of the same
 * node over the wire goes on beside it and learns what came. */
#pragma once

#include "hub/hub_driver.h"
#include "proto/carry.h"

/* ---- in */

struct hub_carry_taken {
    char node[NODE_TEXT_MAX + 1];
    enum session_state state; /* as the HELLO is answered; AWAY: it was not judged */
    unsigned kind;            /* enum carry_kind */
    enum lane lane;           /* BUNDLE, and a refusal that names a place */
    uint64_t first, last;     /* BUNDLE */
    uint64_t known;           /* so many of them were here already */
    uint64_t received;        /* end of the lane now */
    uint64_t missing;         /* ERR_CARRY_ORDER: the first seq that is not here */
    bool forked;              /* another store went on in the name of this incarnation */
    struct hub_tally tally;   /* of the bundle's changes from `tally_from` on, as they stand now */
};

/* Takes one piece from a node under the HELLO message of its file, in a commit of its own, and
 * tells a session over the wire. A HELLO piece alone is judged. Refusals leave the store as it was,
 * but for what the HELLO opens: ERR_CARRY_PLACE (another district, no such office, or a piece for
 * offices), ERR_DENIED (its right has ended), ERR_SIGNATURE, ERR_MALFORMED, ERR_LIMIT, ERR_VERSION,
 * ERR_CARRY_ORDER, ERR_CARRY_LIFE, ERR_FORK, ERR_WAITING, ERR_KEY; else the hub's own failure.
 * *ret_taken is set in any case. */
NODISCARD enum err hub_carry_take(struct hub_driver *driver, struct bytes hello, struct bytes piece,
                                  uint64_t tally_from, uint64_t now_ms, uint64_t wall_ms,
                                  struct hub_carry_taken *ret_taken, struct problem *problem);

/* ---- out */

struct hub_carry;

/* What the hub has for `node`: answers to its HELLO (`hello` when not empty, unless a later one
 * came by another way; else the newest one), policy and decisions, records of its area, up to now.
 * Without any HELLO all of the feed. `forked`: taking the same HELLO's bundles has shown a fork. */
NODISCARD enum err hub_carry_open(struct hub_driver *driver, const char *node, struct bytes hello,
                                  bool forked, size_t piece_bytes_max, uint64_t now_ms,
                                  uint64_t wall_ms, struct hub_carry **ret_carry,
                                  struct problem *problem);
void hub_carry_close(struct hub_carry **carry);
/* The next piece, valid until the next call. ERR_NOT_FOUND: that was all. ERR_LIMIT: something that
 * cannot be cut is larger than a piece may be; ERR_STATE: a new epoch began, begin again. */
NODISCARD enum err hub_carry_next(struct hub_carry *carry, uint64_t now_ms, struct bytes *ret_piece,
                                  struct carry_place *ret_where, struct problem *problem);
/* When the HELLO that it answers was said, as the node claims; 0: there is none. */
uint64_t hub_carry_answers_ms(const struct hub_carry *carry);
