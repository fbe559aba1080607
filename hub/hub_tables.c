#include "hub/hub_tables.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/crypto.h"
#include "common/must.h"
#include "proto/limits.h"

const char *tables_sql_type(enum field_type type)
{
    switch (type) {
    case FIELD_INTEGER:
    case FIELD_MONEY:
    case FIELD_TIME:
    case FIELD_BOOL:
        return "INTEGER";
    case FIELD_REFERENCE:
        return "BLOB";
    case FIELD_TEXT:
    case FIELD_DECIMAL:
    case FIELD_DATE:
    case FIELD_ENUM:
    case FIELD_NIK:
    case FIELD_KK:
    case FIELD_AREA:
    case FIELD_BLOB:
    case FIELD_LIST:
    case FIELD_MAP:
    case FIELD_SIGNATURE:
    case FIELD_TYPE_COUNT:
        break;
    }
    return "TEXT";
}

bool tables_is_json(enum field_type type)
{
    return type == FIELD_BLOB || type == FIELD_LIST || type == FIELD_MAP;
}

bool tables_name_fits(const char *collection)
{
    static const char *const taken[] = { "tksk_", "sqlite_", "pg_", "v_" };
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        if (strncmp(collection, taken[i], strlen(taken[i])) == 0)
            return false;
    return true;
}

/* --- writing JSON ---------------------------------------------------------------------------- */

static void put(struct buf *out, const void *at, size_t len)
{
    must(out->cap - out->len >= len);
    memcpy(out->at + out->len, at, len);
    out->len += len;
}

static void put_text(struct buf *out, const char *text)
{
    put(out, text, strlen(text));
}

static void put_string(struct buf *out, struct bytes text)
{
    put(out, "\"", 1);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        char escape[8];
        if (c == '"' || c == '\\') {
            put(out, (const char[]){ '\\', (char)c }, 2);
        } else if (c < 0x20) {
            (void)snprintf(escape, sizeof(escape), "\\u%04x", c);
            put_text(out, escape);
        } else {
            put(out, &c, 1);
        }
    }
    put(out, "\"", 1);
}

static void put_int(struct buf *out, int64_t number)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    put_text(out, text);
}

static void put_blob(struct reader *in, struct buf *out)
{
    struct hash hash;
    char hex[2 * HASH_BYTES + 1];
    reader_array_of(in, 3);
    reader_fixed(in, hash.at, HASH_BYTES);
    crypto_hex(bytes_hash(&hash), hex);
    put_text(out, "{\"hash\":\"");
    put_text(out, hex);
    put_text(out, "\",\"size\":");
    put_int(out, (int64_t)reader_uint(in));
    put_text(out, ",\"type\":");
    put_string(out, reader_str(in));
    put_text(out, "}");
}

static void put_plain(struct reader *in, struct buf *out)
{
    switch (reader_peek(in)) {
    case KIND_BOOL:
        put_text(out, reader_bool(in) ? "true" : "false");
        break;
    case KIND_INT:
        put_int(out, reader_int(in));
        break;
    case KIND_STR:
    case KIND_END:
    case KIND_NIL:
    case KIND_BIN:
    case KIND_ARRAY:
    case KIND_MAP:
        put_string(out, reader_str(in)); /* anything but a string sets the reader's error */
        break;
    }
}

static void put_map(struct reader *in, struct buf *out)
{
    size_t count = reader_map(in);
    put_text(out, "{");
    for (size_t i = 0; i < count && !in->err; i++) {
        if (i > 0)
            put_text(out, ",");
        put_string(out, reader_str(in));
        put_text(out, ":");
        put_plain(in, out);
    }
    put_text(out, "}");
}

static void put_value(enum field_type type, struct reader *in, struct buf *out)
{
    struct id id;
    char uuid[UUID_TEXT_BYTES];
    if (type == FIELD_BLOB) {
        put_blob(in, out);
    } else if (type == FIELD_MAP) {
        put_map(in, out);
    } else if (type == FIELD_REFERENCE) {
        reader_fixed(in, id.at, ID_BYTES);
        uuid_to_text(&id, uuid);
        put_string(out, bytes_text(uuid));
    } else {
        put_plain(in, out);
    }
}

enum err tables_to_json(const struct policy_field *field, struct bytes value, struct buf *ret)
{
    if (ret->cap - ret->len < TABLES_JSON_BYTES(value.len))
        return ERR_LIMIT;
    struct reader in = reader_of(value);
    if (field->type != FIELD_LIST) {
        put_value(field->type, &in, ret);
        return reader_end(&in);
    }
    size_t count = reader_array(&in);
    put_text(ret, "[");
    for (size_t i = 0; i < count && !in.err; i++) {
        if (i > 0)
            put_text(ret, ",");
        put_value(field->element, &in, ret);
    }
    put_text(ret, "]");
    return reader_end(&in);
}

/* --- reading it back ------------------------------------------------------------------------- */

struct text {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

static bool take(struct text *in, const char *expected)
{
    size_t len = strlen(expected);
    if ((size_t)(in->end - in->at) < len || memcmp(in->at, expected, len) != 0)
        return false;
    in->at += len;
    return true;
}

static void expect(struct text *in, const char *expected)
{
    if (!take(in, expected))
        in->bad = true;
}

/* The string without its escapes; `space` has room for the longest value of a change. */
static struct bytes take_string(struct text *in, uint8_t *space)
{
    size_t len = 0;
    expect(in, "\"");
    while (!in->bad && in->at < in->end && *in->at != '"') {
        if (len == CHANGE_BYTES_MAX) {
            in->bad = true;
            break;
        }
        if (*in->at != '\\') {
            space[len++] = *in->at++;
            continue;
        }
        in->at++;
        uint8_t code[2];
        if (in->end - in->at >= 5 && *in->at == 'u' &&
            crypto_unhex(bytes_of(in->at + 1, 4), code, sizeof(code)) && code[0] == 0) {
            space[len++] = code[1];
            in->at += 5;
        } else if (in->end - in->at >= 1) {
            space[len++] = *in->at++;
        } else {
            in->bad = true;
        }
    }
    expect(in, "\"");
    return bytes_of(space, len);
}

static int64_t take_int(struct text *in)
{
    bool negative = take(in, "-");
    uint64_t number = 0;
    const uint8_t *start = in->at;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9')
        number = number * 10 + (uint64_t)(*in->at++ - '0');
    if (in->at == start || in->at - start > 19)
        in->bad = true;
    return negative ? (int64_t)(0 - number) : (int64_t)number;
}

static void read_plain(struct text *in, uint8_t *space, struct writer *out)
{
    if (in->at < in->end && *in->at == '"')
        writer_str(out, take_string(in, space));
    else if (take(in, "true"))
        writer_bool(out, true);
    else if (take(in, "false"))
        writer_bool(out, false);
    else
        writer_int(out, take_int(in));
}

static void read_blob(struct text *in, uint8_t *space, struct writer *out)
{
    struct hash hash = { .at = { 0 } };
    writer_array(out, 3);
    expect(in, "{\"hash\":");
    struct bytes hex = take_string(in, space);
    if (!crypto_unhex(hex, hash.at, HASH_BYTES))
        in->bad = true;
    writer_bin(out, bytes_hash(&hash));
    expect(in, ",\"size\":");
    writer_int(out, take_int(in));
    expect(in, ",\"type\":");
    writer_str(out, take_string(in, space));
    expect(in, "}");
}

/* Commas outside strings, so that an array's or map's count is known before it is written. */
static size_t count_items(const struct text *in, char close)
{
    size_t items = 0;
    int depth = 0;
    bool quoted = false;
    for (const uint8_t *at = in->at; at < in->end; at++) {
        if (quoted) {
            if (*at == '\\')
                at++;
            else if (*at == '"')
                quoted = false;
            continue;
        }
        if (depth == 0 && *at == (uint8_t)close)
            break;
        items = items == 0 ? 1 : items;
        if (*at == '"')
            quoted = true;
        else if (*at == '{' || *at == '[')
            depth++;
        else if (*at == '}' || *at == ']')
            depth--;
        else if (*at == ',' && depth == 0)
            items++;
    }
    return items;
}

static void read_map(struct text *in, uint8_t *space, struct writer *out)
{
    expect(in, "{");
    size_t count = count_items(in, '}');
    writer_map(out, count);
    for (size_t i = 0; i < count && !in->bad; i++) {
        if (i > 0)
            expect(in, ",");
        writer_str(out, take_string(in, space));
        expect(in, ":");
        read_plain(in, space, out);
    }
    expect(in, "}");
}

static void read_value(enum field_type type, struct text *in, uint8_t *space, struct writer *out)
{
    struct id id = { .at = { 0 } };
    if (type == FIELD_BLOB) {
        read_blob(in, space, out);
    } else if (type == FIELD_MAP) {
        read_map(in, space, out);
    } else if (type == FIELD_REFERENCE) {
        if (!uuid_from_text(take_string(in, space), &id))
            in->bad = true;
        writer_bin(out, bytes_id(&id));
    } else {
        read_plain(in, space, out);
    }
}

enum err tables_from_json(const struct policy_field *field, struct bytes json, struct writer *out)
{
    uint8_t space[CHANGE_BYTES_MAX];
    if (json.len > TABLES_JSON_BYTES(CHANGE_BYTES_MAX))
        return ERR_MALFORMED;
    struct text in = { .at = json.at, .end = json.at + json.len };
    if (field->type != FIELD_LIST) {
        read_value(field->type, &in, space, out);
    } else {
        expect(&in, "[");
        size_t count = count_items(&in, ']');
        writer_array(out, count);
        for (size_t i = 0; i < count && !in.bad; i++) {
            if (i > 0)
                expect(&in, ",");
            read_value(field->element, &in, space, out);
        }
        expect(&in, "]");
    }
    return in.bad || in.at != in.end ? ERR_MALFORMED : out->err;
}

/* --- revs ------------------------------------------------------------------------------------ */

static void put_number(struct buf *out, uint64_t number)
{
    do {
        must(out->len < out->cap);
        uint8_t low = number & 0x7f;
        number >>= 7;
        out->at[out->len++] = (uint8_t)(low | (number > 0 ? 0x80 : 0));
    } while (number > 0);
}

static bool take_number(struct bytes *in, uint64_t *ret)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (in->len == 0)
            return false;
        uint8_t byte = *in->at;
        in->at++;
        in->len--;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *ret = number;
            return true;
        }
    }
    return false;
}

void tables_revs_add(struct buf *revs, uint64_t column, uint64_t rev)
{
    put_number(revs, column);
    put_number(revs, rev);
}

bool tables_revs_next(struct bytes *revs, uint64_t *ret_column, uint64_t *ret_rev,
                      enum err *ret_err)
{
    *ret_err = OK;
    if (revs->len == 0)
        return false;
    if (take_number(revs, ret_column) && take_number(revs, ret_rev))
        return true;
    *ret_err = ERR_STORE;
    return false;
}
