/* From canonical values to what people read and CSV keeps; the inverse of value_text.c. */
#include <stdio.h>

#include "common/crypto.h"
#include "common/must.h"
#include "proto/value_form.h"

struct text_out {
    char *at;
    size_t len;
    size_t cap;
    bool full;
};

static void put(struct text_out *out, struct bytes text, const char *escaped)
{
    for (size_t i = 0; i < text.len; i++) {
        bool escape = text.at[i] != 0 && strchr(escaped, text.at[i]) != NULL;
        if (out->len + (escape ? 2 : 1) >= out->cap) {
            out->full = true;
            return;
        }
        if (escape)
            out->at[out->len++] = '\\';
        out->at[out->len++] = (char)text.at[i];
    }
}

static void put_number(struct text_out *out, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    put(out, bytes_text(text), "");
}

static void put_scalar(struct text_out *out, struct reader *reader, const char *escaped)
{
    enum codec_kind kind = reader_peek(reader);
    if (kind == KIND_STR)
        put(out, reader_str(reader), escaped);
    else if (kind == KIND_INT)
        put_number(out, reader_int(reader));
    else
        put(out, bytes_text(reader_bool(reader) ? "true" : "false"), "");
}

static void put_map(struct text_out *out, struct reader *reader, const char *separator)
{
    size_t count = reader_map(reader);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            put(out, bytes_text(separator), "");
        put(out, reader_str(reader), "\\|=;");
        put(out, bytes_text("="), "");
        put_scalar(out, reader, "\\|=;");
    }
}

static void put_one(struct text_out *out, enum field_type type, struct reader *reader, bool in_list)
{
    char text[TIME_TEXT_BYTES + 2 * HASH_BYTES];
    const char *escaped = in_list ? "\\|" : "";
    if (type == FIELD_BOOL) {
        put(out, bytes_text(reader_bool(reader) ? "ya" : "tidak"), "");
    } else if (type == FIELD_TIME) {
        if (!time_to_text(reader_int(reader), text))
            reader->err = ERR_MALFORMED;
        else
            put(out, bytes_text(text), "");
    } else if (type == FIELD_REFERENCE) {
        struct id id = { { 0 } };
        reader_fixed(reader, id.at, ID_BYTES);
        uuid_to_text(&id, text);
        put(out, bytes_text(text), "");
    } else if (type == FIELD_BLOB) {
        uint8_t hash[HASH_BYTES] = { 0 };
        reader_array_of(reader, 3);
        reader_fixed(reader, hash, sizeof hash);
        crypto_hex(bytes_of(hash, sizeof hash), text);
        put(out, bytes_text(text), "");
        put(out, bytes_text(" "), "");
        put_number(out, reader_int(reader));
        put(out, bytes_text(" "), "");
        put(out, reader_str(reader), escaped);
    } else if (type == FIELD_MAP) {
        put_map(out, reader, in_list ? ";" : "|");
    } else if (type == FIELD_INTEGER || type == FIELD_MONEY) {
        put_number(out, reader_int(reader));
    } else {
        put(out, reader_str(reader), escaped);
    }
}

enum err value_to_text(const struct policy_field *field, struct bytes value, char *ret, size_t cap)
{
    if (cap == 0)
        return ERR_LIMIT;
    struct text_out out = { .at = ret, .cap = cap };
    struct reader reader = reader_of(value);
    if (reader_peek(&reader) == KIND_NIL) {
        reader_nil(&reader);
    } else if (field->type == FIELD_LIST) {
        size_t count = reader_array(&reader);
        for (size_t i = 0; i < count && reader.err == OK; i++) {
            if (i > 0)
                put(&out, bytes_text("|"), "");
            put_one(&out, field->element, &reader, true);
        }
    } else {
        put_one(&out, field->type, &reader, false);
    }
    ret[out.len] = '\0';
    if (reader_end(&reader) != OK)
        return ERR_MALFORMED;
    return out.full ? ERR_LIMIT : OK;
}

void uuid_to_text(const struct id *id, char ret[UUID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;
    for (size_t i = 0; i < ID_BYTES; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            ret[at++] = '-';
        ret[at++] = digits[id->at[i] >> 4];
        ret[at++] = digits[id->at[i] & 15];
    }
    ret[at] = '\0';
    must(at + 1 == UUID_TEXT_BYTES);
}

bool uuid_from_text(struct bytes text, struct id *ret_id)
{
    struct id id;
    char hex[2 * ID_BYTES];
    size_t len = 0;
    if (text.len != UUID_TEXT_BYTES - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash != (text.at[i] == '-'))
            return false;
        if (!dash)
            hex[len++] =
                (char)(text.at[i] >= 'A' && text.at[i] <= 'F' ? text.at[i] + 32 : text.at[i]);
    }
    if (!crypto_unhex(bytes_of(hex, len), id.at, ID_BYTES))
        return false;
    *ret_id = id;
    return true;
}
