/* Bundles that go and come as files (PROTOCOL.md "Bundles as files"). What goes stays queued until
 * an acknowledgement comes by whichever way; what comes is verified and taken as from the wire, and
 * a link that is up at the same time goes on from there. */
#pragma once

#include "node/node_driver.h"
#include "proto/carry.h"

/* ---- out */

struct node_carry;

/* All that the hub has not acknowledged up to now. ERR_STATE: not approved yet; ERR_LIMIT: pieces
 * of less than CARRY_PIECE_BYTES_MIN. */
NODISCARD enum err node_carry_open(struct node_driver *driver, size_t piece_bytes_max,
                                   uint64_t now_ms, uint64_t wall_ms, struct node_carry **ret_carry,
                                   struct problem *problem);
void node_carry_close(struct node_carry **carry);
/* The next piece, valid until the next call. ERR_NOT_FOUND: that was all. ERR_LIMIT: one entry is
 * larger than a piece may be; ERR_STATE: the store opened a new incarnation, begin again. */
NODISCARD enum err node_carry_next(struct node_carry *carry, struct bytes *ret_piece,
                                   struct carry_place *ret_where, struct problem *problem);
/* Entries given so far. */
uint64_t node_carry_entries(const struct node_carry *carry);

/* ---- in */

struct node_carry_taken {
    unsigned kind;          /* enum carry_kind */
    unsigned place;         /* lane of an ACK, stream of a batch */
    uint64_t first, last;   /* ACK: seqs; FEED: numbers `from` and `to` */
    bool news;              /* it said something new here */
    enum standing standing; /* ANSWER */
    bool reopened;          /* ANSWER: a new incarnation was opened, as it says */
    uint64_t missing;       /* ERR_CARRY_ORDER: where this store stands */
};

/* Takes one piece, in a commit of its own. `answer` is the ANSWER at the beginning of its file, or
 * empty. ERR_CARRY_PLACE (another office or district, or a piece for the hub), ERR_CARRY_LIFE (it
 * answers an earlier incarnation), ERR_CARRY_ORDER, ERR_SIGNATURE, ERR_MALFORMED, ERR_LIMIT,
 * ERR_VERSION, ERR_DECRYPT, ERR_LOCKED (records), ERR_STATE; else the store's own failure. The
 * store is as it was then. *ret_taken is set in any case. */
NODISCARD enum err node_carry_take(struct node_driver *driver, struct bytes answer,
                                   struct bytes piece, uint64_t now_ms, uint64_t wall_ms,
                                   struct node_carry_taken *ret_taken, struct problem *problem);
