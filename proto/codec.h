/* Strict, canonical msgpack: what goes on the wire and under signatures. The only user of
 * msgpack.h.
 *
 * Canonical: shortest integer, string, binary, array and map heads; integers from -2^63 to 2^63 -
 * 1; map keys are strings, bytewise sorted, unique; strings are valid UTF-8 without U+0000; no
 * floats, no extensions; at most 8 arrays and maps inside each other. Nothing is unpacked before
 * codec_scan has said yes; readers then walk the same bytes in place, so that signatures are
 * checked over bytes as received, never over a re-encoding. No heap. */
#pragma once

#include "common/bytes.h"
#include "common/err.h"

/* One whole canonical value and nothing after it, else ERR_MALFORMED (ERR_LIMIT for depth). A head
 * may not promise more items than bytes remain. */
NODISCARD enum err codec_scan(struct bytes in);

enum codec_kind {
    KIND_END,
    KIND_NIL,
    KIND_BOOL,
    KIND_INT,
    KIND_STR,
    KIND_BIN,
    KIND_ARRAY,
    KIND_MAP
};

/* A cursor over scanned bytes. The first thing that does not fit sets `err` to ERR_MALFORMED; all
 * later reads return zero or empty, so that a decoder checks once, at its end. */
struct reader {
    const uint8_t *at;
    const uint8_t *end;
    enum err err;
};

struct reader reader_of(struct bytes scanned);
enum codec_kind reader_peek(const struct reader *reader);
void reader_nil(struct reader *reader);
bool reader_bool(struct reader *reader);
uint64_t reader_uint(struct reader *reader); /* 0..2^63-1, else malformed */
uint64_t reader_uint_max(struct reader *reader, uint64_t max);
int64_t reader_int(struct reader *reader);
struct bytes reader_str(struct reader *reader);
struct bytes reader_bin(struct reader *reader);
void reader_fixed(struct reader *reader, void *ret, size_t len); /* bin of exactly `len` */
size_t reader_array(struct reader *reader);                      /* count of items */
void reader_array_of(struct reader *reader, size_t count);
size_t reader_map(struct reader *reader);       /* count of pairs */
struct bytes reader_raw(struct reader *reader); /* one whole value, its bytes */
/* Marks as malformed what a decoder does not accept; an earlier error stays. */
void reader_refuse(struct reader *reader);
/* OK when everything was read and nothing failed. */
NODISCARD enum err reader_end(const struct reader *reader);

/* Appends canonical msgpack to a fixed buffer; the first overflow sets `err` to ERR_LIMIT, a string
 * that is not UTF-8 sets it to ERR_MALFORMED, and nothing is written from then on. The caller
 * writes map keys in bytewise order (a scan in the tests of each module finds who does not). */
struct writer {
    struct buf buf;
    enum err err;
};

struct writer writer_of(void *at, size_t cap);
void writer_nil(struct writer *writer);
void writer_bool(struct writer *writer, bool value);
void writer_uint(struct writer *writer, uint64_t value);
void writer_int(struct writer *writer, int64_t value);
void writer_str(struct writer *writer, struct bytes text);
void writer_text(struct writer *writer, const char *text);
void writer_bin(struct writer *writer, struct bytes bin);
void writer_array(struct writer *writer, size_t count);
void writer_map(struct writer *writer, size_t count);
void writer_raw(struct writer *writer, struct bytes value);
static inline struct bytes writer_bytes(const struct writer *writer)
{
    return buf_bytes(&writer->buf);
}

/* Bytewise order of map keys and of codes. <0, 0, >0. */
int codec_compare(struct bytes a, struct bytes b);
/* Whether a person sees what stands there: no control characters (but those in `but`, ASCII), no
 * line or paragraph separator, nothing that turns the direction of writing. For valid UTF-8. */
NODISCARD bool codec_plain(struct bytes text, const char *but);
/* Valid UTF-8 (no surrogates, no overlong forms, no U+0000). */
NODISCARD bool codec_utf8(struct bytes text);
