/* What hub_carry.c and hub_carry_out.c share: not for others. */
#pragma once

#include "hub/hub_carry.h"
#include "hub/hub_driver_inside.h"
#include "proto/carry_piece.h"

/* The HELLO message at the beginning of a file: of an office of this district that is enrolled, and
 * signed by its device. *ret_hello points into `frame`. */
NODISCARD enum err carry_hello(struct hub_driver *driver, struct bytes frame,
                               struct hello *ret_hello, const struct trust_node **ret_node,
                               struct problem *problem);
/* Makes it comparable with what came since it was written. */
NODISCARD enum err carry_settle(struct hub_driver *driver, const char *node, struct hello *hello,
                                enum hello_note *ret_note);
/* hub_carry_former.c: the office with the device that signed this HELLO once, when it has another
 * now. ERR_NOT_FOUND. */
NODISCARD enum err carry_former(struct hub_driver *driver, const struct hello *hello,
                                const struct trust_node *now, struct trust_node *ret_node);
/* One of its pieces: entries go to review. The caller flushes. */
NODISCARD enum err carry_former_take(struct hub_driver *driver, struct peer_slot *slot,
                                     const struct trust_node *node, const struct hello *hello,
                                     const struct carry_piece *piece, uint64_t now_ms,
                                     struct hub_carry_taken *taken, struct problem *problem);
/* hub_carry.c: what the piece says to a session that stands as HELLO leaves it. */
NODISCARD enum err carry_take_piece(struct hub_driver *driver, struct peer_slot *slot,
                                    const struct trust_node *node, const struct carry_piece *piece,
                                    uint64_t now_ms, struct hub_carry_taken *taken,
                                    struct problem *problem);
/* A session that no connection belongs to; freed with free(). */
NODISCARD enum err carry_slot(const struct trust_node *node, struct peer_slot **ret_slot);
