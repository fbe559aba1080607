#include "proto/invite.h"

#include <stdio.h>

#include "common/must.h"

#define FIRST_WORDS "tksk-sync invite "
#define LAST_LINE "end"
#define BASE64_LINE_CHARS 64
#define PACKED_BYTES_MAX (INVITE_TEXT_MAX / 4 * 3)

static void key_write(struct writer *out, const struct public_key *key)
{
    writer_bin(out, bytes_of(key->at, PUBLIC_KEY_BYTES));
}

static void statement_write(const struct invite *invite, struct writer *out)
{
    writer_array(out, 12);
    writer_uint(out, SUITE);
    writer_text(out, invite->district);
    writer_text(out, invite->node);
    writer_bin(out, bytes_id(&invite->invite));
    writer_bin(out, bytes_hash(&invite->token));
    writer_bin(out, bytes_of(invite->one_time, SECRET_KEY_BYTES));
    key_write(out, &invite->hub.sign_key);
    key_write(out, &invite->hub.curve_key);
    key_write(out, &invite->hub.seal_key);
    key_write(out, &invite->root_key);
    writer_array(out, invite->hub.endpoint_count);
    for (unsigned i = 0; i < invite->hub.endpoint_count; i++)
        writer_text(out, invite->hub.endpoints[i]);
    writer_uint(out, invite->expires_ms);
}

/* Appends one line of at most BASE64_LINE_CHARS. ERR_LIMIT: no room. */
static enum err line_put(struct buf *text, const char *line)
{
    int len = snprintf((char *)text->at + text->len, text->cap - text->len, "%.*s\n",
                       BASE64_LINE_CHARS, line);
    if (len < 0 || (size_t)len >= text->cap - text->len)
        return ERR_LIMIT;
    text->len += (size_t)len;
    return OK;
}

static enum err armour(struct bytes packed, char *ret, size_t cap)
{
    char base64[INVITE_TEXT_MAX];
    struct buf text = buf_of(ret, cap);
    enum err err = crypto_base64(packed, base64, sizeof(base64));
    if (!err)
        err = line_put(&text, INVITE_FIRST_LINE);
    if (!err) {
        size_t left = strlen(base64);
        for (const char *at = base64; left > 0 && !err;) {
            size_t len = left < BASE64_LINE_CHARS ? left : BASE64_LINE_CHARS;
            err = line_put(&text, at);
            at += len;
            left -= len;
        }
    }
    if (!err)
        err = line_put(&text, LAST_LINE);
    crypto_wipe(base64, sizeof(base64));
    return err;
}

enum err invite_format(const struct invite *invite, const struct secret_key *hub_sign_key,
                       char *ret, size_t cap)
{
    must(invite->hub.endpoint_count >= 1 && invite->hub.endpoint_count <= ENDPOINTS_MAX);
    uint8_t statement_space[PACKED_BYTES_MAX];
    uint8_t packed_space[PACKED_BYTES_MAX];
    struct writer statement = writer_of(statement_space, sizeof(statement_space));
    struct writer packed = writer_of(packed_space, sizeof(packed_space));

    statement_write(invite, &statement);
    struct signature signature;
    crypto_sign_typed("invite", writer_bytes(&statement), hub_sign_key, &signature);
    writer_array(&packed, 2);
    writer_bin(&packed, writer_bytes(&statement));
    writer_bin(&packed, bytes_of(signature.at, SIGNATURE_BYTES));

    enum err err = statement.err ? statement.err : packed.err;
    if (!err)
        err = armour(writer_bytes(&packed), ret, cap);
    crypto_wipe(statement_space, sizeof(statement_space));
    crypto_wipe(packed_space, sizeof(packed_space));
    return err;
}

/* Takes the next line that is not empty, without its end (LF or CRLF) and blanks before that: files
 * come through mail and chat programs. False at the end of the text. */
static bool line_next(struct bytes *text, struct bytes *ret_line)
{
    while (text->len > 0) {
        const uint8_t *end = memchr(text->at, '\n', text->len);
        size_t len = end ? (size_t)(end - text->at) : text->len;
        struct bytes line = bytes_of(text->at, len);
        *text = bytes_of(text->at + len + (end != NULL), text->len - len - (end != NULL));
        while (line.len > 0 && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == ' '))
            line.len--;
        if (line.len > 0) {
            *ret_line = line;
            return true;
        }
    }
    return false;
}

/* The bytes between the first and the last line. ERR_MALFORMED: not an invite, or not all of it;
 * ERR_SIGNATURE: all lines are there, but what they hold is not what was written. */
static enum err unarmour(struct bytes text, struct buf *ret_packed, const char **ret_why)
{
    struct bytes line = { NULL, 0 };
    *ret_why = "it is not an invite";
    if (text.len > INVITE_TEXT_MAX || !line_next(&text, &line))
        return ERR_MALFORMED;
    if (!bytes_is(line, INVITE_FIRST_LINE)) {
        size_t words = strlen(FIRST_WORDS);
        bool invite = line.len > words && memcmp(line.at, FIRST_WORDS, words) == 0;
        return invite ? ERR_VERSION : ERR_MALFORMED;
    }

    char base64[INVITE_TEXT_MAX];
    size_t len = 0;
    bool more;
    while ((more = line_next(&text, &line)) && !bytes_is(line, LAST_LINE)) {
        /* Fits: the lines are parts of a text that does. */
        memcpy(base64 + len, line.at, line.len);
        len += line.len;
    }
    *ret_why = "it is cut off: its last line is not \"" LAST_LINE "\"";
    enum err err = ERR_MALFORMED;
    if (more) {
        *ret_why = "it was altered";
        err = crypto_unbase64(bytes_of(base64, len), ret_packed) ? ERR_SIGNATURE : OK;
    }
    crypto_wipe(base64, sizeof(base64));
    return err;
}

static void read_text(struct reader *in, char *ret, size_t cap)
{
    struct bytes text = reader_str(in);
    if (text.len == 0 || text.len >= cap) {
        reader_refuse(in);
        return;
    }
    memcpy(ret, text.at, text.len);
    ret[text.len] = '\0';
}

static void read_key(struct reader *in, struct public_key *ret_key)
{
    reader_fixed(in, ret_key->at, PUBLIC_KEY_BYTES);
}

static enum err statement_read(struct bytes statement, struct invite *ret)
{
    struct reader in = reader_of(statement);
    in.err = codec_scan(statement);
    reader_array_of(&in, 12);
    uint64_t suite = reader_uint(&in);
    /* A newer form says so in its first line. */
    if (suite != SUITE)
        reader_refuse(&in);
    read_text(&in, ret->district, sizeof(ret->district));
    read_text(&in, ret->node, sizeof(ret->node));
    reader_fixed(&in, ret->invite.at, ID_BYTES);
    reader_fixed(&in, ret->token.at, HASH_BYTES);
    reader_fixed(&in, ret->one_time, SECRET_KEY_BYTES);
    read_key(&in, &ret->hub.sign_key);
    read_key(&in, &ret->hub.curve_key);
    read_key(&in, &ret->hub.seal_key);
    read_key(&in, &ret->root_key);
    size_t count = reader_array(&in);
    if (count == 0 || count > ENDPOINTS_MAX)
        reader_refuse(&in);
    for (size_t i = 0; i < count && !in.err; i++)
        read_text(&in, ret->hub.endpoints[i], sizeof(ret->hub.endpoints[i]));
    ret->hub.endpoint_count = (unsigned)count;
    ret->expires_ms = reader_uint(&in);
    return reader_end(&in);
}

static enum err packed_read(struct bytes packed, struct invite *ret)
{
    struct signature signature;
    struct reader in = reader_of(packed);
    in.err = codec_scan(packed);
    reader_array_of(&in, 2);
    struct bytes statement = reader_bin(&in);
    reader_fixed(&in, signature.at, SIGNATURE_BYTES);
    if (reader_end(&in) || statement_read(statement, ret))
        return ERR_SIGNATURE;
    return crypto_verify_typed("invite", statement, &ret->hub.sign_key, &signature) ? OK
                                                                                    : ERR_SIGNATURE;
}

enum err invite_parse(struct bytes text, struct invite *ret_invite, struct problem *problem)
{
    uint8_t space[PACKED_BYTES_MAX];
    struct buf packed = buf_of(space, sizeof(space));
    struct invite invite = { .expires_ms = 0 };
    const char *why;

    enum err err = unarmour(text, &packed, &why);
    if (!err)
        err = packed_read(buf_bytes(&packed), &invite);
    if (err)
        (void)problem_set(problem, err, "invite file", why);
    else
        *ret_invite = invite;
    crypto_wipe(&invite, sizeof(invite));
    crypto_wipe(space, sizeof(space));
    return err;
}
