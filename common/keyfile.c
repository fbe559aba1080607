#include "common/keyfile.h"

#include <stdio.h>

#include "common/must.h"

#define HEADER_TEXT_MAX 256

static bool kind_is_well_formed(const char *kind)
{
    size_t len = strlen(kind);
    return len > 0 && len < sizeof(((struct keyfile *)0)->kind) &&
           strspn(kind, "abcdefghijklmnopqrstuvwxyz0123456789-_") == len;
}

static bool costs_are_bearable(const struct keyfile *file)
{
    return file->mem_kib >= 8 && file->mem_kib <= KEYFILE_MEM_KIB_MAX && file->passes >= 1 &&
           file->passes <= KEYFILE_PASSES_MAX;
}

/* All but the box, which is bound to it: nobody exchanges kind, public key or costs unnoticed. */
static struct bytes header_text(const struct keyfile *file, char ret[HEADER_TEXT_MAX])
{
    char public_hex[2 * PUBLIC_KEY_BYTES + 1];
    char salt_hex[2 * ARGON_SALT_BYTES + 1];
    must(kind_is_well_formed(file->kind));
    crypto_hex(bytes_of(file->public_key.at, PUBLIC_KEY_BYTES), public_hex);
    crypto_hex(bytes_of(file->salt, ARGON_SALT_BYTES), salt_hex);
    int len = snprintf(ret, HEADER_TEXT_MAX, "tksk-key 1 %s %s argon2id %u %u %s", file->kind,
                       public_hex, file->mem_kib, file->passes, salt_hex);
    must(len > 0 && len < HEADER_TEXT_MAX);
    return bytes_of(ret, (size_t)len);
}

enum err keyfile_wrap(const char *kind, const struct public_key *public_key,
                      const struct secret_key *secret, struct bytes passphrase,
                      struct keyfile *ret_file)
{
    struct keyfile file = {
        .mem_kib = KEYFILE_MEM_KIB_DEFAULT,
        .passes = KEYFILE_PASSES_DEFAULT,
    };
    struct secret_key *derived = NULL;
    must(kind_is_well_formed(kind));
    memcpy(file.kind, kind, strlen(kind));
    if (public_key)
        file.public_key = *public_key;
    crypto_random(file.salt, sizeof(file.salt));

    enum err err = keyfile_derive(&file, passphrase, &derived);
    if (!err)
        err = keyfile_wrap_derived(derived, secret, &file);
    if (!err)
        *ret_file = file;
    secret_key_close(&derived);
    return err;
}

enum err keyfile_wrap_derived(const struct secret_key *derived, const struct secret_key *secret,
                              struct keyfile *file)
{
    char header[HEADER_TEXT_MAX];
    struct buf box = buf_of(file->box, sizeof(file->box));
    return crypto_box_put(bytes_of(secret_key_bytes(secret), SECRET_KEY_BYTES),
                          header_text(file, header), derived, &box);
}

enum err keyfile_derive(const struct keyfile *file, struct bytes passphrase,
                        struct secret_key **ret_derived)
{
    if (!costs_are_bearable(file))
        return ERR_LIMIT;
    return crypto_passphrase_key(passphrase, file->salt, file->mem_kib, file->passes, ret_derived);
}

enum err keyfile_open_derived(const struct keyfile *file, const struct secret_key *derived,
                              struct secret_key **ret_secret)
{
    char header[HEADER_TEXT_MAX];
    uint8_t plain[SECRET_KEY_BYTES];
    struct buf out = buf_of(plain, sizeof(plain));
    enum err err = crypto_box_get(bytes_of(file->box, sizeof(file->box)), header_text(file, header),
                                  derived, &out);
    if (err)
        return err == ERR_DECRYPT ? ERR_PASSPHRASE : err;
    struct secret_key *secret = secret_key_from(plain);
    crypto_wipe(plain, sizeof(plain));
    if (!secret)
        return ERR_MEMORY;
    *ret_secret = secret;
    return OK;
}

enum err keyfile_open(const struct keyfile *file, struct bytes passphrase,
                      struct secret_key **ret_secret)
{
    struct secret_key *derived = NULL;
    enum err err = keyfile_derive(file, passphrase, &derived);
    if (!err)
        err = keyfile_open_derived(file, derived, ret_secret);
    secret_key_close(&derived);
    return err;
}

void keyfile_format(const struct keyfile *file, char ret[KEYFILE_TEXT_MAX])
{
    char header[HEADER_TEXT_MAX];
    char box[sizeof(file->box) * 2];
    (void)header_text(file, header);
    enum err err = crypto_base64(bytes_of(file->box, sizeof(file->box)), box, sizeof(box));
    must(!err);
    int len = snprintf(ret, KEYFILE_TEXT_MAX, "%s %s\n", header, box);
    must(len > 0 && len < KEYFILE_TEXT_MAX);
}

/* The next word of a line whose words stand between single spaces; empty when there is none. */
static struct bytes next_word(struct bytes *rest)
{
    const uint8_t *space = rest->len ? memchr(rest->at, ' ', rest->len) : NULL;
    size_t len = space ? (size_t)(space - rest->at) : rest->len;
    struct bytes word = bytes_of(rest->at, len);
    size_t used = space ? len + 1 : len;
    *rest = bytes_of(rest->at + used, rest->len - used);
    return word;
}

/* Decimal without leading zeros. */
static bool read_number(struct bytes word, uint32_t *ret)
{
    uint32_t number = 0;
    if (word.len == 0 || word.len > 9 || word.at[0] == '0')
        return false;
    for (size_t i = 0; i < word.len; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return false;
        number = number * 10 + (uint32_t)(word.at[i] - '0');
    }
    *ret = number;
    return true;
}

static bool read_kind(struct bytes word, struct keyfile *file)
{
    if (word.len == 0 || word.len >= sizeof(file->kind))
        return false;
    memcpy(file->kind, word.at, word.len);
    return strlen(file->kind) == word.len && kind_is_well_formed(file->kind);
}

static bool read_box(struct bytes word, struct keyfile *file)
{
    struct buf box = buf_of(file->box, sizeof(file->box));
    return !crypto_unbase64(word, &box) && box.len == sizeof(file->box);
}

enum err keyfile_parse(struct bytes text, struct keyfile *ret_file)
{
    struct keyfile file = { .kind = "" };
    if (text.len > KEYFILE_TEXT_MAX)
        return ERR_MALFORMED;
    if (text.len > 0 && text.at[text.len - 1] == '\n')
        text.len--;
    bool good = bytes_is(next_word(&text), "tksk-key") && bytes_is(next_word(&text), "1") &&
                read_kind(next_word(&text), &file) &&
                crypto_unhex(next_word(&text), file.public_key.at, PUBLIC_KEY_BYTES) &&
                bytes_is(next_word(&text), "argon2id") &&
                read_number(next_word(&text), &file.mem_kib) &&
                read_number(next_word(&text), &file.passes) &&
                crypto_unhex(next_word(&text), file.salt, ARGON_SALT_BYTES) &&
                read_box(next_word(&text), &file) && text.len == 0;
    if (!good)
        return ERR_MALFORMED;
    if (!costs_are_bearable(&file))
        return ERR_LIMIT;
    *ret_file = file;
    return OK;
}
