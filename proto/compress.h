/* zstd frames without their 4 magic bytes, no content size, no checksum, no dictionary id. Only
 * user of zstd.h and zdict.h. Decompression goes into a fixed buffer of known length and never
 * beyond it. */
#pragma once

#include "common/bytes.h"
#include "common/err.h"
#include "proto/limits.h"

#define COMPRESS_LEVEL 3

/* Appends to `ret`. ERR_LIMIT: no room; ERR_MEMORY. Incompressible input still becomes a frame. */
NODISCARD enum err compress(struct bytes plain, struct buf *ret);
/* The same over parts that lie apart, as if they were one. */
NODISCARD enum err compress_parts(const struct bytes *parts, size_t count, struct buf *ret);
/* Appends exactly `plain_bytes`; ERR_MALFORMED for any other length, for another kind of frame or
 * for anything behind it; ERR_LIMIT without room; ERR_MEMORY. */
NODISCARD enum err decompress(struct bytes packed, size_t plain_bytes, struct buf *ret);
#define COMPRESS_BOUND(n) ((n) + ((n) >> 7) + 1024)

/* The same with a dictionary (RFC 8878, section 5), which both sides must have; empty = none.
 * Nothing of it is kept between calls. */
NODISCARD enum err compress_with(struct bytes plain, struct bytes dictionary, struct buf *ret);
NODISCARD enum err decompress_with(struct bytes packed, size_t plain_bytes, struct bytes dictionary,
                                   struct buf *ret);
/* Whole, of zstd's own form, and not over the limit. */
NODISCARD bool compress_dictionary_usable(struct bytes dictionary);
/* Makes one that fills the room of `ret`, from samples that lie one after the other. The same
 * samples give the same bytes with the same version of the library. ERR_LIMIT: the room is too
 * small, or the samples are too few. */
NODISCARD enum err compress_dictionary_train(struct bytes samples, const size_t *sizes,
                                             unsigned count, struct buf *ret);
