/* Carry files: the messages of the wire in a file, for a stick or a messenger. PROTOCOL.md
 * "Bundles as files". Pure: whoever reads and writes files does that elsewhere.
 *
 *   file   = "tksk-sync carry 1\n" ‖ bin(header) ‖ bin(piece) … ‖ bin(end)
 *   header = [suite, district, node, way, export id, made_ms, part, [[kind, place, first] …]]
 *   end    = [0, pieces, H("carry", all bytes of the file before this bin)]
 *
 * Each piece is signed on its own, so that nothing is believed because of header or end: they find
 * damage early and name the part that is needed. */
#pragma once

#include "proto/codec.h"
#include "proto/limits.h"

#define CARRY_MAGIC "tksk-sync carry 1\n"
#define CARRY_MAGIC_BYTES (sizeof(CARRY_MAGIC) - 1)
#define CARRY_PARTS_MAX 999
#define CARRY_PART_BYTES_MIN (64 * 1024)
#define CARRY_HEADER_BYTES_MAX (14 * 1024)
#define CARRY_LEAD_BYTES_MAX 2048
#define CARRY_END_BYTES_MAX 64
#define CARRY_FRAME_HEAD_BYTES_MAX 5 /* of a bin */
/* What of a part is not for the pieces behind the first one. */
#define CARRY_REST_BYTES                                                                           \
    (CARRY_MAGIC_BYTES + CARRY_HEADER_BYTES_MAX + CARRY_LEAD_BYTES_MAX + CARRY_END_BYTES_MAX +     \
     4 * CARRY_FRAME_HEAD_BYTES_MAX)
#define CARRY_PIECE_BYTES_MAX (FEED_BYTES_MAX + 64) /* a feed batch, a bundle */
#define CARRY_PIECE_BYTES_MIN (CARRY_PART_BYTES_MIN - CARRY_REST_BYTES)

static_assert(BUNDLE_BYTES_MAX + 64 <= CARRY_PIECE_BYTES_MAX, "a bundle fits a piece");
static_assert(CARRY_PARTS_MAX * 13 + 256 <= CARRY_HEADER_BYTES_MAX, "a header fits its space");
static_assert(RETURN_PROOF_BYTES_MAX + 64 <= CARRY_PIECE_BYTES_MIN, "a proof fits each part");

enum carry_way { CARRY_TO_HUB = 1, CARRY_TO_NODE = 2 };

/* What a piece holds; numbers are those of the messages where there is one. Every part begins with
 * the first one of its way: HELLO, or ANSWER where the hub has a HELLO of the office. */
enum carry_kind {
    CARRY_HELLO = 1,   /* [1, statement, signature], as on the wire */
    CARRY_BUNDLE = 2,  /* [2, head before, bundle] */
    CARRY_PROOF = 6,   /* [6, kind, proof] as in RETURN */
    CARRY_ANSWER = 16, /* [16, HELLO message, WELCOME message]: what is answered, and the answer */
    CARRY_ACK = 18,    /* as on the wire */
    CARRY_FEED = 19,   /* [19, batch] */
};

/* Where a piece stands: a bundle or ACK by lane and first seq, a feed batch by stream and `from`,
 * else zeros. Pieces stand in the order in which they are taken. */
struct carry_place {
    unsigned kind; /* enum carry_kind */
    unsigned place;
    uint64_t first;
};

struct carry_header {
    struct bytes district, node;
    enum carry_way way;
    struct id export_id; /* one for all parts */
    uint64_t made_ms;    /* a claim */
    unsigned part, part_count;
    struct carry_place begins[CARRY_PARTS_MAX]; /* of each part, behind its first piece */
};

/* `header` without its bin. ERR_LIMIT: no room. */
void carry_header_encode(const struct carry_header *header, struct writer *out);
/* Strings point into `raw`. ERR_MALFORMED; ERR_LIMIT; ERR_VERSION: another suite. */
NODISCARD enum err carry_header_decode(struct bytes raw, struct carry_header *ret_header);
/* The part of the same export that holds this place; 0: an earlier export has it. `place` is not
 * before what the file holds of its kind and place unless 0 comes back. */
unsigned carry_part_of(const struct carry_header *header, const struct carry_place *place);

struct carry_end {
    uint64_t pieces;
    struct hash hash;
};
void carry_end_encode(const struct carry_end *end, struct writer *out);
/* Whether this is an end; false leaves it to carry_piece_decode. */
NODISCARD bool carry_end_decode(struct bytes raw, struct carry_end *ret_end);

/* Writes the head of a bin of `bytes`; gives its length. */
size_t carry_frame_head(size_t bytes, uint8_t ret[CARRY_FRAME_HEAD_BYTES_MAX]);
/* The length that follows a bin's first byte, in bytes; 0: no bin begins like this. */
unsigned carry_frame_length(uint8_t first);
/* The size that these bytes name (`length` holds carry_frame_length of them). ERR_MALFORMED: not
 * the shortest form, or empty. */
NODISCARD enum err carry_frame_size(uint8_t first, const uint8_t *length, size_t *ret_bytes);
