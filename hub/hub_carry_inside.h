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
/* A session that no connection belongs to; freed with free(). */
NODISCARD enum err carry_slot(const struct trust_node *node, struct peer_slot **ret_slot);
