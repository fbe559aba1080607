/* Byte ranges: `struct bytes` borrows, `struct buf` is a caller-owned space of fixed capacity. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Borrowed, never freed through this type. {NULL, 0} is the empty range. */
struct bytes {
    const uint8_t *at;
    size_t len;
};

/* Space that the caller owns; `len` of `cap` bytes are written. */
struct buf {
    uint8_t *at;
    size_t len;
    size_t cap;
};

#define HASH_BYTES 32
#define ID_BYTES 16

struct hash {
    uint8_t at[HASH_BYTES];
};

/* A 128-bit id: record (UUIDv7), incarnation, request, data key, conflict. */
struct id {
    uint8_t at[ID_BYTES];
};

static inline struct bytes bytes_of(const void *at, size_t len)
{
    return (struct bytes){ .at = at, .len = len };
}

static inline struct bytes bytes_text(const char *text)
{
    return bytes_of(text, strlen(text));
}

static inline struct bytes bytes_hash(const struct hash *hash)
{
    return bytes_of(hash->at, HASH_BYTES);
}

static inline struct bytes bytes_id(const struct id *id)
{
    return bytes_of(id->at, ID_BYTES);
}

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return bytes_of(buf->at, buf->len);
}

static inline struct buf buf_of(void *at, size_t cap)
{
    return (struct buf){ .at = at, .len = 0, .cap = cap };
}

static inline bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool bytes_is(struct bytes a, const char *text)
{
    return bytes_equal(a, bytes_text(text));
}

static inline bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->at, b->at, HASH_BYTES) == 0;
}

static inline bool id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->at, b->at, ID_BYTES) == 0;
}

static inline bool id_is_zero(const struct id *id)
{
    static const struct id zero;
    return id_equal(id, &zero);
}
