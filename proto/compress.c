#include "proto/compress.h"

#include <stdlib.h>
#include <zdict.h>
#include <zstd.h>

/* The frame's own magic number is left out on the wire: 4 bytes of each small transaction. */
static const uint8_t magic[4] = { 0x28, 0xb5, 0x2f, 0xfd };

/* Frame_Header_Descriptor (RFC 8878, 3.1.1.1.1) of the only form that we write: no content size, no
 * single segment, no checksum, no dictionary id (the envelope names the dictionary). */
#define DESCRIPTOR 0x00

static size_t compress_all(ZSTD_CCtx *ctx, const struct bytes *parts, size_t count,
                           ZSTD_outBuffer *out)
{
    for (size_t i = 0; i < count; i++) {
        ZSTD_inBuffer in = { .src = parts[i].at, .size = parts[i].len };
        while (in.pos < in.size) {
            size_t left = ZSTD_compressStream2(ctx, out, &in, ZSTD_e_continue);
            if (ZSTD_isError(left))
                return left;
            if (out->pos == out->size && in.pos < in.size)
                return 1;
        }
    }
    ZSTD_inBuffer none = { 0 };
    return ZSTD_compressStream2(ctx, out, &none, ZSTD_e_end);
}

/* More work for what is small: a millisecond for a twentieth of the bytes. */
#define SMALL_BYTES 4096
#define SMALL_LEVEL 19

static bool prepare(ZSTD_CCtx *ctx, unsigned long long plain_bytes, struct bytes dictionary)
{
    bool small = dictionary.len > 0 && plain_bytes <= SMALL_BYTES;
    int level = small ? SMALL_LEVEL : COMPRESS_LEVEL;
    /* The known size keeps the window, and with it the memory, as small as the input. */
    return !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 0)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_dictIDFlag, 0)) &&
           !ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(ctx, plain_bytes)) &&
           (dictionary.len == 0 ||
            !ZSTD_isError(ZSTD_CCtx_loadDictionary(ctx, dictionary.at, dictionary.len)));
}

static enum err compress_all_with(const struct bytes *parts, size_t count, struct bytes dictionary,
                                  struct buf *ret)
{
    unsigned long long plain_bytes = 0;
    for (size_t i = 0; i < count; i++)
        plain_bytes += parts[i].len;

    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    if (!ctx)
        return ERR_MEMORY;
    enum err err = ERR_INTERNAL;
    if (!prepare(ctx, plain_bytes, dictionary))
        goto out;

    ZSTD_outBuffer frame = { .dst = ret->at + ret->len, .size = ret->cap - ret->len };
    size_t left = compress_all(ctx, parts, count, &frame);
    if (ZSTD_isError(left))
        goto out;
    err = ERR_LIMIT;
    if (left != 0)
        goto out;
    memmove(ret->at + ret->len, ret->at + ret->len + sizeof(magic), frame.pos - sizeof(magic));
    ret->len += frame.pos - sizeof(magic);
    err = OK;
out:
    ZSTD_freeCCtx(ctx);
    return err;
}

enum err compress_parts(const struct bytes *parts, size_t count, struct buf *ret)
{
    return compress_all_with(parts, count, bytes_of(NULL, 0), ret);
}

enum err compress_with(struct bytes plain, struct bytes dictionary, struct buf *ret)
{
    return compress_all_with(&plain, 1, dictionary, ret);
}

enum err compress(struct bytes plain, struct buf *ret)
{
    return compress_parts(&plain, 1, ret);
}

enum err decompress(struct bytes packed, size_t plain_bytes, struct buf *ret)
{
    return decompress_with(packed, plain_bytes, bytes_of(NULL, 0), ret);
}

enum err decompress_with(struct bytes packed, size_t plain_bytes, struct bytes dictionary,
                         struct buf *ret)
{
    if (plain_bytes > ret->cap - ret->len)
        return ERR_LIMIT;
    if (packed.len == 0 || packed.at[0] != DESCRIPTOR || packed.len > COMPRESS_BOUND(plain_bytes))
        return ERR_MALFORMED;

    enum err err = ERR_MEMORY;
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    size_t frame_bytes = sizeof(magic) + packed.len;
    uint8_t *frame = malloc(frame_bytes);
    if (!ctx || !frame)
        goto out;
    memcpy(frame, magic, sizeof(magic));
    memcpy(frame + sizeof(magic), packed.at, packed.len);

    /* One frame and nothing behind it: the library would go on with whatever follows. */
    err = ERR_MALFORMED;
    if (ZSTD_findFrameCompressedSize(frame, frame_bytes) != frame_bytes)
        goto out;
    /* In one call the output is the window: a frame cannot ask for memory of its own. */
    if (ZSTD_decompress_usingDict(ctx, ret->at + ret->len, plain_bytes, frame, frame_bytes,
                                  dictionary.at, dictionary.len) != plain_bytes)
        goto out;
    ret->len += plain_bytes;
    err = OK;
out:
    free(frame);
    ZSTD_freeDCtx(ctx);
    return err;
}

/* --- dictionaries ---------------------------------------------------------------------------- */

bool compress_dictionary_usable(struct bytes dictionary)
{
    if (dictionary.len > DICTIONARY_BYTES_MAX ||
        ZDICT_getDictID(dictionary.at, dictionary.len) == 0)
        return false;
    /* Bytes that begin like a dictionary must be one: its tables are read here. */
    ZSTD_DDict *digested = ZSTD_createDDict(dictionary.at, dictionary.len);
    ZSTD_freeDDict(digested);
    return digested != NULL;
}

enum err compress_dictionary_train(struct bytes samples, const size_t *sizes, unsigned count,
                                   struct buf *ret)
{
    size_t len =
        ZDICT_trainFromBuffer(ret->at + ret->len, ret->cap - ret->len, samples.at, sizes, count);
    if (ZDICT_isError(len))
        return ERR_LIMIT;
    ret->len += len;
    return OK;
}
