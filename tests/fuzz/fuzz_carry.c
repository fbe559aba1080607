/* A carry file, from whoever's stick: header, frames and pieces, as tkskctl and the daemons read
 * them. What decodes is written again as the same bytes. */
#include "common/must.h"
#include "proto/carry_piece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The frame at `*at`; {NULL, 0} when there is none. */
static struct bytes frame_next(const uint8_t *data, size_t size, size_t *at)
{
    const struct bytes none = { NULL, 0 };
    if (*at >= size)
        return none;
    unsigned length = carry_frame_length(data[*at]);
    size_t bytes = 0;
    if (length == 0 || size - *at - 1 < length ||
        carry_frame_size(data[*at], data + *at + 1, &bytes) || size - *at - 1 - length < bytes)
        return none;
    uint8_t head[CARRY_FRAME_HEAD_BYTES_MAX];
    must(carry_frame_head(bytes, head) == 1 + (size_t)length);
    must(memcmp(head, data + *at, 1 + (size_t)length) == 0);
    *at += 1 + (size_t)length + bytes;
    return bytes_of(data + *at - bytes, bytes);
}

static void check_header(struct bytes raw)
{
    static struct carry_header header;
    static uint8_t space[CARRY_HEADER_BYTES_MAX];
    if (carry_header_decode(raw, &header))
        return;
    struct writer out = writer_of(space, sizeof(space));
    carry_header_encode(&header, &out);
    must(!out.err && bytes_equal(writer_bytes(&out), raw));
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        must(carry_part_of(&header, &(struct carry_place){ CARRY_BUNDLE, lane, raw.len }) <=
             header.part_count);
}

static void check_piece(struct bytes raw)
{
    static uint8_t space[CARRY_PIECE_BYTES_MAX];
    struct carry_piece piece;
    struct carry_end end;
    struct writer out = writer_of(space, sizeof(space));
    if (carry_end_decode(raw, &end)) {
        carry_end_encode(&end, &out);
        must(!out.err && bytes_equal(writer_bytes(&out), raw));
        return;
    }
    if (carry_piece_decode(raw, &piece))
        return;
    if (piece.where.kind == CARRY_BUNDLE)
        carry_bundle_encode(&piece.head_before, piece.body, &out);
    else if (piece.where.kind == CARRY_PROOF)
        carry_proof_encode((enum return_kind)piece.proof, piece.body, &out);
    else if (piece.where.kind == CARRY_FEED)
        carry_feed_encode(piece.body, &out);
    else
        return;
    must(!out.err && bytes_equal(writer_bytes(&out), raw));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = CARRY_MAGIC_BYTES;
    if (size < at || memcmp(data, CARRY_MAGIC, at) != 0) {
        check_piece(bytes_of(data, size));
        check_header(bytes_of(data, size));
        return 0;
    }
    struct bytes frame = frame_next(data, size, &at);
    if (frame.at)
        check_header(frame);
    while (frame.at) {
        frame = frame_next(data, size, &at);
        if (frame.at)
            check_piece(frame);
    }
    return 0;
}
