#include "proto/invite.h"

#include <stdio.h>

#include "common/must.h"

#define LAST_LINE "end"
#define BASE64_LINE_CHARS 64

static void statement_write(const struct invite *invite, struct writer *out)
{
    writer_array(out, 12);
    writer_uint(out, SUITE);
    writer_text(out, invite->district);
    writer_text(out, invite->node);
    writer_bin(out, bytes_id(&invite->invite));
    writer_bin(out, bytes_hash(&invite->token));
    writer_bin(out, bytes_of(invite->one_time, SECRET_KEY_BYTES));
    writer_bin(out, bytes_of(invite->hub.sign_key.at, PUBLIC_KEY_BYTES));
    writer_bin(out, bytes_of(invite->hub.curve_key.at, PUBLIC_KEY_BYTES));
    writer_bin(out, bytes_of(invite->hub.seal_key.at, PUBLIC_KEY_BYTES));
    writer_bin(out, bytes_of(invite->root_key.at, PUBLIC_KEY_BYTES));
    writer_array(out, invite->hub.endpoint_count);
    for (unsigned i = 0; i < invite->hub.endpoint_count; i++)
        writer_text(out, invite->hub.endpoints[i]);
    writer_uint(out, invite->expires_ms);
}

static enum err armour(struct bytes packed, char *ret, size_t cap)
{
    char base64[INVITE_TEXT_MAX];
    enum err err = crypto_base64(packed, base64, sizeof base64);
    if (err == OK) {
        struct buf text = buf_of(ret, cap);
        int n = snprintf(ret, cap, "%s\n", INVITE_FIRST_LINE);
        for (size_t at = 0; n > 0 && base64[at] != '\0'; at += strnlen(base64 + at, BASE64_LINE_CHARS)) {
            text.len += (size_t)n;
            if (text.len >= cap)
                break;
            n = snprintf(ret + text.len, cap - text.len, "%.*s\n", BASE64_LINE_CHARS, base64 + at);
        }
        text.len += n > 0 ? (size_t)n : 0;
        if (text.len >= cap ||
            (size_t)snprintf(ret + text.len, cap - text.len, "%s\n", LAST_LINE) >= cap - text.len)
            err = ERR_LIMIT;
    }
    crypto_wipe(base64, sizeof base64);
    return err;
}

enum err invite_format(const struct invite *invite, const struct secret_key *hub_sign_key, char *ret,
                       size_t cap)
{
    must(invite->hub.endpoint_count <= ENDPOINTS_MAX);
    uint8_t statement_space[INVITE_TEXT_MAX / 2];
    uint8_t packed_space[INVITE_TEXT_MAX / 2 + SIGNATURE_BYTES + 8];
    struct writer statement = writer_of(statement_space, sizeof statement_space);
    struct writer packed = writer_of(packed_space, sizeof packed_space);

    statement_write(invite, &statement);
    struct signature signature;
    crypto_sign_typed("invite", writer_bytes(&statement), hub_sign_key, &signature);
    writer_array(&packed, 2);
    writer_bin(&packed, writer_bytes(&statement));
    writer_bin(&packed, bytes_of(signature.at, SIGNATURE_BYTES));

    enum err err = statement.err != OK ? statement.err : packed.err;
    if (err == OK)
        err = armour(writer_bytes(&packed), ret, cap);
    crypto_wipe(statement_space, sizeof statement_space);
    crypto_wipe(packed_space, sizeof packed_space);
    return err;
}

/* Takes the next line without its end of line (LF or CRLF); false at the end of the text. */
static bool line_next(struct bytes *text, struct bytes *ret_line)
{
    if (text->len == 0)
        return false;
    const uint8_t *end = memchr(text->at, '\n', text->len);
    size_t len = end != NULL ? (size_t)(end - text->at) : text->len;
    size_t taken = end != NULL ? len + 1 : len;
    *ret_line = bytes_of(text->at, len);
    while (ret_line->len > 0 && (ret_line->at[ret_line->len - 1] == '\r' ||
                                 ret_line->at[ret_line->len - 1] == ' '))
        ret_line->len--;
    text->at += taken;
    text->len -= taken;
    return true;
}

/* Joins the base64 lines between the first and the last line. */
static enum err unarmour(struct bytes text, struct buf *ret_packed)
{
    char base64[INVITE_TEXT_MAX];
    size_t len = 0;
    struct bytes line;
    bool started = false, ended = false;
    while (!ended && line_next(&text, &line)) {
        if (line.len == 0)
            continue;
        if (!started) {
            if (!bytes_is(line, INVITE_FIRST_LINE))
                return ERR_MALFORMED;
            started = true;
        } else if (bytes_is(line, LAST_LINE)) {
            ended = true;
        } else {
            if (line.len > sizeof base64 - len)
                return ERR_MALFORMED;
            memcpy(base64 + len, line.at, line.len);
            len += line.len;
        }
    }
    enum err err = ended ? crypto_unbase64(bytes_of(base64, len), ret_packed) : ERR_MALFORMED;
    crypto_wipe(base64, sizeof base64);
    return err == OK ? OK : ERR_MALFORMED;
}

static void read_text(struct reader *in, char *ret, size_t cap)
{
    struct bytes text = reader_str(in);
    if (text.len == 0 || text.len >= cap) {
        in->err = ERR_MALFORMED;
        return;
    }
    memcpy(ret, text.at, text.len);
    ret[text.len] = '\0';
}

static enum err statement_read(struct bytes statement, struct invite *ret)
{
    enum err err = codec_scan(statement);
    if (err != OK)
        return err;
    struct reader in = reader_of(statement);
    reader_array_of(&in, 12);
    uint64_t suite = reader_uint(&in);
    if (in.err == OK && suite != SUITE)
        return ERR_VERSION;
    read_text(&in, ret->district, sizeof ret->district);
    read_text(&in, ret->node, sizeof ret->node);
    reader_fixed(&in, ret->invite.at, ID_BYTES);
    reader_fixed(&in, ret->token.at, HASH_BYTES);
    reader_fixed(&in, ret->one_time, SECRET_KEY_BYTES);
    reader_fixed(&in, ret->hub.sign_key.at, PUBLIC_KEY_BYTES);
    reader_fixed(&in, ret->hub.curve_key.at, PUBLIC_KEY_BYTES);
    reader_fixed(&in, ret->hub.seal_key.at, PUBLIC_KEY_BYTES);
    reader_fixed(&in, ret->root_key.at, PUBLIC_KEY_BYTES);
    size_t count = reader_array(&in);
    if (count == 0 || count > ENDPOINTS_MAX)
        return ERR_MALFORMED;
    ret->hub.endpoint_count = (unsigned)count;
    for (size_t i = 0; i < count; i++)
        read_text(&in, ret->hub.endpoints[i], sizeof ret->hub.endpoints[i]);
    ret->expires_ms = reader_uint(&in);
    return reader_end(&in);
}

enum err invite_parse(struct bytes text, struct invite *ret_invite, struct problem *problem)
{
    uint8_t space[INVITE_TEXT_MAX];
    struct buf packed = buf_of(space, sizeof space);
    struct invite invite = { .expires_ms = 0 };
    struct bytes statement = { NULL, 0 };
    struct signature signature;

    enum err err = text.len <= INVITE_TEXT_MAX ? unarmour(text, &packed) : ERR_MALFORMED;
    if (err == OK)
        err = codec_scan(buf_bytes(&packed));
    if (err == OK) {
        struct reader in = reader_of(buf_bytes(&packed));
        reader_array_of(&in, 2);
        statement = reader_bin(&in);
        reader_fixed(&in, signature.at, SIGNATURE_BYTES);
        err = reader_end(&in);
    }
    if (err == OK)
        err = statement_read(statement, &invite);
    if (err == OK && !crypto_verify_typed("invite", statement, &invite.hub.sign_key, &signature))
        err = ERR_SIGNATURE;
    if (err == OK)
        *ret_invite = invite;
    else
        (void)problem_set(problem, err == ERR_LIMIT ? ERR_MALFORMED : err, "the invite file",
                          err == ERR_SIGNATURE ? "it was altered" : "it is damaged or cut off");
    crypto_wipe(&invite, sizeof invite);
    crypto_wipe(space, sizeof space);
    return err == ERR_LIMIT ? ERR_MALFORMED : err;
}
