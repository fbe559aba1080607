#include "proto/codec.h"

#include <msgpack/pack.h>

#include "common/must.h"
#include "proto/limits.h"

/* One head: everything before the payload of a string or the items of a container. */
struct head {
    enum codec_kind kind;
    size_t size;    /* bytes of the head itself */
    uint64_t count; /* bytes of str and bin, items of an array, pairs of a map */
    int64_t number; /* INT; BOOL as 0 and 1 */
};

/* How the bytes 0xc0..0xdf start a value. `least` is what the next shorter form cannot say: a
 * smaller number in this form is not the shortest one. A kind of KIND_END is refused (floats,
 * extensions). */
struct form {
    enum codec_kind kind;
    unsigned width; /* bytes of number or count after the first byte */
    bool negative;
    uint64_t least;
};

#define FORM_FIRST 0xc0
static const struct form forms[0x20] = {
    [0xc0 - FORM_FIRST] = { KIND_NIL, 0, false, 0 },
    [0xc2 - FORM_FIRST] = { KIND_BOOL, 0, false, 0 },
    [0xc3 - FORM_FIRST] = { KIND_BOOL, 0, false, 0 },
    [0xc4 - FORM_FIRST] = { KIND_BIN, 1, false, 0 },
    [0xc5 - FORM_FIRST] = { KIND_BIN, 2, false, 0x100 },
    [0xc6 - FORM_FIRST] = { KIND_BIN, 4, false, 0x10000 },
    [0xcc - FORM_FIRST] = { KIND_INT, 1, false, 0x80 },
    [0xcd - FORM_FIRST] = { KIND_INT, 2, false, 0x100 },
    [0xce - FORM_FIRST] = { KIND_INT, 4, false, 0x10000 },
    [0xcf - FORM_FIRST] = { KIND_INT, 8, false, 0x100000000 },
    [0xd0 - FORM_FIRST] = { KIND_INT, 1, true, 33 },
    [0xd1 - FORM_FIRST] = { KIND_INT, 2, true, 0x81 },
    [0xd2 - FORM_FIRST] = { KIND_INT, 4, true, 0x8001 },
    [0xd3 - FORM_FIRST] = { KIND_INT, 8, true, 0x80000001 },
    [0xd9 - FORM_FIRST] = { KIND_STR, 1, false, 32 },
    [0xda - FORM_FIRST] = { KIND_STR, 2, false, 0x100 },
    [0xdb - FORM_FIRST] = { KIND_STR, 4, false, 0x10000 },
    [0xdc - FORM_FIRST] = { KIND_ARRAY, 2, false, 16 },
    [0xdd - FORM_FIRST] = { KIND_ARRAY, 4, false, 0x10000 },
    [0xde - FORM_FIRST] = { KIND_MAP, 2, false, 16 },
    [0xdf - FORM_FIRST] = { KIND_MAP, 4, false, 0x10000 },
};

static enum err head_formed(const uint8_t *at, const uint8_t *end, struct head *ret_head)
{
    const struct form *form = &forms[at[0] - FORM_FIRST];
    if (form->kind == KIND_END || (size_t)(end - at) < 1 + (size_t)form->width)
        return ERR_MALFORMED;

    uint64_t number = 0;
    for (unsigned i = 0; i < form->width; i++)
        number = number << 8 | at[1 + i];

    struct head head = { .kind = form->kind, .size = 1 + (size_t)form->width };
    if (form->negative) {
        /* Magnitude of the two's complement; a positive number in this form is too long. */
        unsigned bits = 8 * form->width;
        if (!(at[1] & 0x80))
            return ERR_MALFORMED;
        uint64_t magnitude = bits == 64 ? ~number + 1 : ((uint64_t)1 << bits) - number;
        if (magnitude < form->least)
            return ERR_MALFORMED;
        head.number = -(int64_t)(magnitude - 1) - 1;
    } else if (number < form->least || number > INT64_MAX) {
        return ERR_MALFORMED;
    } else if (form->kind == KIND_INT) {
        head.number = (int64_t)number;
    } else if (form->kind == KIND_BOOL) {
        head.number = at[0] == 0xc3;
    } else {
        head.count = number;
    }
    *ret_head = head;
    return OK;
}

/* Decodes the head at `at`. What it promises has room in what remains: bytes for strings, at least
 * one byte an item for containers; so five bytes cannot ask for gigabytes. */
static enum err head_read(const uint8_t *at, const uint8_t *end, struct head *ret_head)
{
    struct head head = { .size = 1 };
    if (at == end)
        return ERR_MALFORMED;

    uint8_t first = at[0];
    if (first < 0x80) {
        head.kind = KIND_INT;
        head.number = first;
    } else if (first < 0x90) {
        head.kind = KIND_MAP;
        head.count = first & 0x0f;
    } else if (first < 0xa0) {
        head.kind = KIND_ARRAY;
        head.count = first & 0x0f;
    } else if (first < 0xc0) {
        head.kind = KIND_STR;
        head.count = first & 0x1f;
    } else if (first >= 0xe0) {
        head.kind = KIND_INT;
        head.number = first - 0x100;
    } else {
        enum err err = head_formed(at, end, &head);
        if (err)
            return err;
    }

    uint64_t least_bytes = head.kind == KIND_MAP ? 2 * head.count : head.count;
    if (least_bytes > (uint64_t)(end - at) - head.size)
        return ERR_MALFORMED;
    *ret_head = head;
    return OK;
}

static struct bytes head_payload(const uint8_t *at, const struct head *head)
{
    return bytes_of(at + head->size, (size_t)head->count);
}

/* No arithmetic on NULL, which the empty range may be. */
static const uint8_t *end_of(struct bytes in)
{
    return in.len ? in.at + in.len : in.at;
}

int codec_compare(struct bytes a, struct bytes b)
{
    size_t shared = a.len < b.len ? a.len : b.len;
    int order = shared ? memcmp(a.at, b.at, shared) : 0;
    if (order)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

/* Length of the sequence that `lead` opens, and the range of the byte after it, which is where
 * overlong forms, surrogates and what lies above U+10FFFF show (Unicode 15, table 3-7). */
static size_t utf8_sequence(uint8_t lead, uint8_t *ret_low, uint8_t *ret_high)
{
    *ret_low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *ret_high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 2;
    if (lead >= 0xe0 && lead <= 0xef)
        return 3;
    if (lead >= 0xf0 && lead <= 0xf4)
        return 4;
    return 0;
}

bool codec_utf8(struct bytes text)
{
    for (size_t i = 0; i < text.len;) {
        if (text.at[i] == 0)
            return false;
        if (text.at[i] < 0x80) {
            i++;
            continue;
        }
        uint8_t low, high;
        size_t len = utf8_sequence(text.at[i], &low, &high);
        if (len == 0 || len > text.len - i || text.at[i + 1] < low || text.at[i + 1] > high)
            return false;
        for (size_t k = 2; k < len; k++) {
            if ((text.at[i + k] & 0xc0) != 0x80)
                return false;
        }
        i += len;
    }
    return true;
}

/* --- scan ------------------------------------------------------------------------- */

/* An open container. A map counts keys and values; an even `left` is about to see a key. */
struct level {
    uint64_t left;
    bool map;
    bool has_key;
    struct bytes key; /* the last one: the next must be greater */
};

static enum err scan_key(struct level *level, const uint8_t *at, const struct head *head)
{
    if (head->kind != KIND_STR)
        return ERR_MALFORMED;
    struct bytes key = head_payload(at, head);
    if (level->has_key && codec_compare(level->key, key) >= 0)
        return ERR_MALFORMED;
    level->key = key;
    level->has_key = true;
    return OK;
}

enum err codec_scan(struct bytes in)
{
    struct level levels[DEPTH_MAX];
    unsigned depth = 0;
    const uint8_t *at = in.at;
    const uint8_t *end = end_of(in);

    do {
        struct head head;
        enum err err = head_read(at, end, &head);
        if (err)
            return err;
        if (depth > 0) {
            struct level *level = &levels[depth - 1];
            if (level->map && level->left % 2 == 0 && (err = scan_key(level, at, &head)))
                return err;
            level->left--;
        }
        if (head.kind == KIND_STR && !codec_utf8(head_payload(at, &head)))
            return ERR_MALFORMED;

        at += head.size;
        if (head.kind == KIND_STR || head.kind == KIND_BIN) {
            at += head.count;
        } else if (head.kind == KIND_ARRAY || head.kind == KIND_MAP) {
            if (depth == DEPTH_MAX)
                return ERR_LIMIT;
            bool map = head.kind == KIND_MAP;
            levels[depth++] =
                (struct level){ .left = map ? 2 * head.count : head.count, .map = map };
        }
        while (depth > 0 && levels[depth - 1].left == 0)
            depth--;
    } while (depth > 0);
    return at == end ? OK : ERR_MALFORMED;
}

/* --- reader ----------------------------------------------------------------------- */

struct reader reader_of(struct bytes scanned)
{
    return (struct reader){ .at = scanned.at, .end = end_of(scanned) };
}

enum codec_kind reader_peek(const struct reader *reader)
{
    struct head head;
    if (reader->err || head_read(reader->at, reader->end, &head))
        return KIND_END;
    return head.kind;
}

/* Takes the next head, which must be of `kind`; moves past it and past a string's payload. */
static struct head take(struct reader *reader, enum codec_kind kind, struct bytes *ret_payload)
{
    struct head head = { .kind = KIND_END };
    if (reader->err)
        return head;
    if (head_read(reader->at, reader->end, &head) || head.kind != kind) {
        reader->err = ERR_MALFORMED;
        return (struct head){ .kind = KIND_END };
    }
    if (ret_payload)
        *ret_payload = head_payload(reader->at, &head);
    reader->at += head.size;
    if (kind == KIND_STR || kind == KIND_BIN)
        reader->at += head.count;
    return head;
}

void reader_nil(struct reader *reader)
{
    (void)take(reader, KIND_NIL, NULL);
}

bool reader_bool(struct reader *reader)
{
    return take(reader, KIND_BOOL, NULL).number != 0;
}

int64_t reader_int(struct reader *reader)
{
    return take(reader, KIND_INT, NULL).number;
}

uint64_t reader_uint(struct reader *reader)
{
    return reader_uint_max(reader, INT64_MAX);
}

uint64_t reader_uint_max(struct reader *reader, uint64_t max)
{
    int64_t number = reader_int(reader);
    if (number < 0 || (uint64_t)number > max) {
        reader_refuse(reader);
        return 0;
    }
    return (uint64_t)number;
}

struct bytes reader_str(struct reader *reader)
{
    struct bytes text = { NULL, 0 };
    (void)take(reader, KIND_STR, &text);
    return text;
}

struct bytes reader_bin(struct reader *reader)
{
    struct bytes bin = { NULL, 0 };
    (void)take(reader, KIND_BIN, &bin);
    return bin;
}

void reader_fixed(struct reader *reader, void *ret, size_t len)
{
    struct bytes bin = reader_bin(reader);
    if (bin.len != len)
        reader_refuse(reader);
    if (reader->err)
        memset(ret, 0, len);
    else
        memcpy(ret, bin.at, len);
}

size_t reader_array(struct reader *reader)
{
    return (size_t)take(reader, KIND_ARRAY, NULL).count;
}

void reader_array_of(struct reader *reader, size_t count)
{
    size_t got = reader_array(reader);
    if (got != count)
        reader_refuse(reader);
}

size_t reader_map(struct reader *reader)
{
    return (size_t)take(reader, KIND_MAP, NULL).count;
}

struct bytes reader_raw(struct reader *reader)
{
    if (reader->err)
        return bytes_of(NULL, 0);
    const uint8_t *at = reader->at;
    /* Each promise fits in what remains, so the sum of open ones cannot wrap. */
    for (uint64_t open = 1; open > 0; open--) {
        struct head head;
        if (head_read(at, reader->end, &head)) {
            reader->err = ERR_MALFORMED;
            return bytes_of(NULL, 0);
        }
        at += head.size;
        if (head.kind == KIND_STR || head.kind == KIND_BIN)
            at += head.count;
        else
            open += head.kind == KIND_MAP ? 2 * head.count : head.count;
    }
    struct bytes raw = bytes_of(reader->at, (size_t)(at - reader->at));
    reader->at = at;
    return raw;
}

void reader_refuse(struct reader *reader)
{
    if (!reader->err)
        reader->err = ERR_MALFORMED;
}

enum err reader_end(const struct reader *reader)
{
    if (reader->err)
        return reader->err;
    return reader->at == reader->end ? OK : ERR_MALFORMED;
}

/* --- writer: msgpack-c, which picks the shortest forms, over a bounded buffer ----- */

struct writer writer_of(void *at, size_t cap)
{
    return (struct writer){ .buf = buf_of(at, cap) };
}

static int append(void *data, const char *at, size_t len)
{
    struct writer *writer = data;
    if (writer->err)
        return -1;
    if (len > writer->buf.cap - writer->buf.len) {
        writer->err = ERR_LIMIT;
        return -1;
    }
    if (len)
        memcpy(writer->buf.at + writer->buf.len, at, len);
    writer->buf.len += len;
    return 0;
}

static msgpack_packer packer(struct writer *writer)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, writer, append);
    return pk;
}

void writer_nil(struct writer *writer)
{
    msgpack_packer pk = packer(writer);
    (void)msgpack_pack_nil(&pk);
}

void writer_bool(struct writer *writer, bool value)
{
    msgpack_packer pk = packer(writer);
    (void)(value ? msgpack_pack_true(&pk) : msgpack_pack_false(&pk));
}

void writer_uint(struct writer *writer, uint64_t value)
{
    must(value <= INT64_MAX);
    writer_int(writer, (int64_t)value);
}

void writer_int(struct writer *writer, int64_t value)
{
    msgpack_packer pk = packer(writer);
    (void)msgpack_pack_int64(&pk, value);
}

void writer_str(struct writer *writer, struct bytes text)
{
    if (!codec_utf8(text)) {
        if (!writer->err)
            writer->err = ERR_MALFORMED;
        return;
    }
    msgpack_packer pk = packer(writer);
    (void)msgpack_pack_str(&pk, text.len);
    (void)append(writer, (const char *)text.at, text.len);
}

void writer_text(struct writer *writer, const char *text)
{
    writer_str(writer, bytes_text(text));
}

void writer_bin(struct writer *writer, struct bytes bin)
{
    msgpack_packer pk = packer(writer);
    (void)msgpack_pack_bin(&pk, bin.len);
    (void)append(writer, (const char *)bin.at, bin.len);
}

void writer_array(struct writer *writer, size_t count)
{
    msgpack_packer pk = packer(writer);
    (void)msgpack_pack_array(&pk, count);
}

void writer_map(struct writer *writer, size_t count)
{
    msgpack_packer pk = packer(writer);
    (void)msgpack_pack_map(&pk, count);
}

void writer_raw(struct writer *writer, struct bytes value)
{
    (void)append(writer, (const char *)value.at, value.len);
}

/* U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069, U+FEFF. */
static bool is_invisible(const uint8_t *at, size_t left)
{
    if (left < 3)
        return false;
    if (at[0] == 0xEF)
        return at[1] == 0xBB && at[2] == 0xBF;
    if (at[0] != 0xE2)
        return false;
    if (at[1] == 0x80)
        return at[2] == 0x8E || at[2] == 0x8F || (at[2] >= 0xA8 && at[2] <= 0xAE);
    return at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9;
}

bool codec_plain(struct bytes text, const char *but)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool c1 = c == 0xC2 && i + 1 < text.len && text.at[i + 1] < 0xA0;
        bool control = (c < 0x20 && strchr(but, c) == NULL) || c == 0 || c == 0x7F || c1;
        if (control || is_invisible(text.at + i, text.len - i))
            return false;
    }
    return true;
}
