/* zstd frames without their 4 magic bytes, no content size, no checksum. Only user of zstd.h.
 * Decompression goes into a fixed buffer of known length and never beyond it. */
#pragma once

#include "common/bytes.h"
#include "common/err.h"

#define COMPRESS_LEVEL 3

/* Appends to `ret`. ERR_LIMIT: no room; ERR_MEMORY. Incompressible input still becomes a frame. */
NODISCARD enum err compress(struct bytes plain, struct buf *ret);
/* The same over parts that lie apart, as if they were one. */
NODISCARD enum err compress_parts(const struct bytes *parts, size_t count, struct buf *ret);
/* Appends exactly `plain_bytes`; ERR_MALFORMED for any other length, for another kind of frame or
 * for anything behind it; ERR_LIMIT without room; ERR_MEMORY. */
NODISCARD enum err decompress(struct bytes packed, size_t plain_bytes, struct buf *ret);
#define COMPRESS_BOUND(n) ((n) + ((n) >> 7) + 1024)
