/* The pieces of a carry file: messages of the wire. PROTOCOL.md "Bundles as files". */
#pragma once

#include "proto/carry.h"
#include "proto/message.h"

struct carry_piece {
    struct carry_place where;
    struct bytes raw;
    struct message message; /* HELLO; of an ANSWER the HELLO; ACK */
    struct welcome welcome; /* ANSWER */
    struct hash head_before;
    struct bytes body; /* BUNDLE, FEED: as signed; PROOF */
    unsigned proof;    /* PROOF: enum return_kind */
};

/* Points into `raw`. Nothing is verified. Of a bundle and a batch only the outer form is looked at,
 * and where it stands. ERR_MALFORMED; ERR_LIMIT; ERR_VERSION: a kind of a newer program. */
NODISCARD enum err carry_piece_decode(struct bytes raw, struct carry_piece *ret_piece);

/* Pieces that are not messages of the wire as they stand. */
void carry_bundle_encode(const struct hash *head_before, struct bytes bundle, struct writer *out);
void carry_proof_encode(enum return_kind kind, struct bytes proof, struct writer *out);
void carry_answer_encode(struct bytes hello, struct bytes welcome, struct writer *out);
void carry_feed_encode(struct bytes batch, struct writer *out);
