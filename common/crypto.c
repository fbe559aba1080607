#include <sodium.h> /* before crypto.h, which takes the name crypto_hash */
#include <stdio.h>
#include <stdlib.h>

#include "common/crypto.h"
#include "common/must.h"

_Static_assert(PUBLIC_KEY_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(PUBLIC_KEY_BYTES == crypto_box_PUBLICKEYBYTES, "X25519 public key");
_Static_assert(SECRET_KEY_BYTES == crypto_sign_SEEDBYTES, "Ed25519 seed");
_Static_assert(SECRET_KEY_BYTES == crypto_box_SECRETKEYBYTES, "X25519 secret");
_Static_assert(SECRET_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "AEAD key");
_Static_assert(SECRET_KEY_BYTES == crypto_kdf_KEYBYTES, "KDF key");
_Static_assert(SIGNATURE_BYTES == crypto_sign_BYTES, "signature");
_Static_assert(AEAD_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(AEAD_TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
_Static_assert(SEAL_EXTRA_BYTES == crypto_box_SEALBYTES, "sealed box");
_Static_assert(ARGON_SALT_BYTES == crypto_pwhash_argon2id_SALTBYTES, "salt");
_Static_assert(sizeof(struct hasher) >= sizeof(crypto_generichash_state), "running hash");

struct secret_key {
    uint8_t at[SECRET_KEY_BYTES];
};

#define TYPE_PREFIX "tksk-sync/1/"
#define TYPE_BYTES_MAX 64
#define ARGON_MEM_KIB_MAX (2 * 1024 * 1024)

enum err crypto_start(void)
{
    return sodium_init() < 0 ? ERR_INTERNAL : OK;
}

/* --- randomness ------------------------------------------------------------------------------ */

static void (*replaced_fill)(void *buffer, size_t len);

static const char *replaced_name(void)
{
    return "replaced";
}

static uint32_t replaced_random(void)
{
    uint32_t number;
    replaced_fill(&number, sizeof(number));
    return number;
}

static void replaced_buf(void *const buffer, const size_t len)
{
    replaced_fill(buffer, len);
}

void crypto_random_replace(void (*fill)(void *buffer, size_t len))
{
    static randombytes_implementation replaced = {
        .implementation_name = replaced_name,
        .random = replaced_random,
        .buf = replaced_buf,
    };
    must(fill);
    replaced_fill = fill;
    int code = randombytes_set_implementation(&replaced);
    must(code == 0);
}

void crypto_random(void *ret, size_t len)
{
    randombytes_buf(ret, len);
}

uint32_t crypto_random_below(uint32_t bound)
{
    must(bound > 0);
    return randombytes_uniform(bound);
}

struct id crypto_uuid7(uint64_t now_ms)
{
    struct id id = crypto_random_id();
    for (int i = 0; i < 6; i++)
        id.at[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    id.at[6] = (uint8_t)((id.at[6] & 0x0f) | 0x70);
    id.at[8] = (uint8_t)((id.at[8] & 0x3f) | 0x80);
    return id;
}

struct id crypto_random_id(void)
{
    struct id id;
    randombytes_buf(id.at, sizeof(id.at));
    return id;
}

/* --- hashes ---------------------------------------------------------------------------------- */

static crypto_generichash_state *hash_state(struct hasher *hasher)
{
    /* cppcheck-suppress ctuuninitvar ; it is the place to initialise */
    return (crypto_generichash_state *)(void *)hasher->opaque;
}

static void hash_add(crypto_generichash_state *state, const void *at, size_t len)
{
    int code = crypto_generichash_update(state, at, len);
    must(code == 0);
}

/* "tksk-sync/1/<type>" with its NUL, into `ret`; the length with the NUL. */
static size_t type_prefix(const char *type, char ret[TYPE_BYTES_MAX])
{
    int len = snprintf(ret, TYPE_BYTES_MAX, TYPE_PREFIX "%s", type);
    must(len > 0 && len < TYPE_BYTES_MAX);
    return (size_t)len + 1;
}

void hasher_start(struct hasher *hasher, const char *type)
{
    char prefix[TYPE_BYTES_MAX];
    size_t prefix_len = type_prefix(type, prefix);
    int code = crypto_generichash_init(hash_state(hasher), NULL, 0, HASH_BYTES);
    must(code == 0);
    hash_add(hash_state(hasher), prefix, prefix_len);
}

void hasher_add(struct hasher *hasher, struct bytes part)
{
    hash_add(hash_state(hasher), part.at, part.len);
}

void hasher_end(struct hasher *hasher, struct hash *ret_hash)
{
    int code = crypto_generichash_final(hash_state(hasher), ret_hash->at, HASH_BYTES);
    must(code == 0);
}

void crypto_typed_hash(const char *type, const struct bytes *parts, size_t count,
                       struct hash *ret_hash)
{
    struct hasher hasher;
    hasher_start(&hasher, type);
    for (size_t i = 0; i < count; i++)
        hasher_add(&hasher, parts[i]);
    hasher_end(&hasher, ret_hash);
}

void crypto_keyed_hash(struct bytes key, struct bytes input, uint8_t *ret, size_t out_len)
{
    must(key.len >= crypto_generichash_KEYBYTES_MIN && key.len <= crypto_generichash_KEYBYTES_MAX);
    must(out_len >= crypto_generichash_BYTES_MIN && out_len <= crypto_generichash_BYTES_MAX);
    int code = crypto_generichash(ret, out_len, input.at, input.len, key.at, key.len);
    must(code == 0);
}

/* --- secrets --------------------------------------------------------------------------------- */

struct secret_key *secret_key_new(void)
{
    struct secret_key *key = sodium_malloc(sizeof(*key));
    if (key)
        randombytes_buf(key->at, sizeof(key->at));
    return key;
}

struct secret_key *secret_key_from(const uint8_t at[SECRET_KEY_BYTES])
{
    struct secret_key *key = sodium_malloc(sizeof(*key));
    if (key)
        memcpy(key->at, at, sizeof(key->at));
    return key;
}

const uint8_t *secret_key_bytes(const struct secret_key *key)
{
    return key->at;
}

void secret_key_close(struct secret_key **key)
{
    if (!key || !*key)
        return;
    sodium_free(*key); /* wipes */
    *key = NULL;
}

struct secret_key *crypto_subkey(const struct secret_key *key, uint64_t number,
                                 const char context[8])
{
    struct secret_key *subkey = sodium_malloc(sizeof(*subkey));
    if (!subkey)
        return NULL;
    int code = crypto_kdf_derive_from_key(subkey->at, sizeof(subkey->at), number, context, key->at);
    must(code == 0);
    return subkey;
}

enum err crypto_passphrase_key(struct bytes passphrase, const uint8_t salt[ARGON_SALT_BYTES],
                               uint32_t mem_kib, uint32_t passes, struct secret_key **ret_key)
{
    if (passes < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
        mem_kib < crypto_pwhash_argon2id_MEMLIMIT_MIN / 1024 || mem_kib > ARGON_MEM_KIB_MAX)
        return ERR_LIMIT;
    struct secret_key *key = sodium_malloc(sizeof(*key));
    if (!key)
        return ERR_MEMORY;
    if (crypto_pwhash(key->at, sizeof(key->at), (const char *)passphrase.at, passphrase.len, salt,
                      passes, (size_t)mem_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        secret_key_close(&key);
        return ERR_MEMORY;
    }
    *ret_key = key;
    return OK;
}

/* --- signatures ------------------------------------------------------------------------------ */

/* Prefix ‖ u64 length ‖ message in one piece, as Ed25519 reads its message twice. The caller frees
 * it. NULL when memory is out. */
static uint8_t *typed_message(const char *type, struct bytes message, size_t *ret_len)
{
    char prefix[TYPE_BYTES_MAX];
    size_t prefix_len = type_prefix(type, prefix);
    uint8_t *whole = malloc(prefix_len + 8 + message.len);
    if (!whole)
        return NULL;
    memcpy(whole, prefix, prefix_len);
    for (size_t i = 0; i < 8; i++)
        whole[prefix_len + i] = (uint8_t)((uint64_t)message.len >> (56 - 8 * i));
    if (message.len > 0)
        memcpy(whole + prefix_len + 8, message.at, message.len);
    *ret_len = prefix_len + 8 + message.len;
    return whole;
}

void crypto_sign_public(const struct secret_key *seed, struct public_key *ret_key)
{
    uint8_t expanded[crypto_sign_SECRETKEYBYTES];
    int code = crypto_sign_seed_keypair(ret_key->at, expanded, seed->at);
    must(code == 0);
    sodium_memzero(expanded, sizeof(expanded));
}

void crypto_box_public(const struct secret_key *secret, struct public_key *ret_key)
{
    int code = crypto_scalarmult_base(ret_key->at, secret->at);
    must(code == 0);
}

void crypto_sign_typed(const char *type, struct bytes message, const struct secret_key *seed,
                       struct signature *ret_sig)
{
    uint8_t public_key[crypto_sign_PUBLICKEYBYTES];
    uint8_t expanded[crypto_sign_SECRETKEYBYTES];
    size_t len = 0;
    uint8_t *whole = typed_message(type, message, &len);
    must(whole);
    int code = crypto_sign_seed_keypair(public_key, expanded, seed->at);
    must(code == 0);
    code = crypto_sign_detached(ret_sig->at, NULL, whole, len, expanded);
    must(code == 0);
    sodium_memzero(expanded, sizeof(expanded));
    free(whole);
}

bool crypto_verify_typed(const char *type, struct bytes message, const struct public_key *key,
                         const struct signature *sig)
{
    size_t len = 0;
    uint8_t *whole = typed_message(type, message, &len);
    if (!whole)
        return false;
    bool good = crypto_sign_verify_detached(sig->at, whole, len, key->at) == 0;
    free(whole);
    return good;
}

/* --- encryption ------------------------------------------------------------------------------ */

static bool has_room(const struct buf *ret, size_t len)
{
    must(ret->len <= ret->cap);
    return ret->cap - ret->len >= len;
}

enum err crypto_seal(struct bytes plain, const struct public_key *to, struct buf *ret)
{
    if (plain.len > SIZE_MAX - SEAL_EXTRA_BYTES || !has_room(ret, plain.len + SEAL_EXTRA_BYTES))
        return ERR_LIMIT;
    /* Fails for points of small order alone. */
    if (crypto_box_seal(ret->at + ret->len, plain.at, plain.len, to->at) != 0)
        return ERR_KEY;
    ret->len += plain.len + SEAL_EXTRA_BYTES;
    return OK;
}

enum err crypto_seal_open(struct bytes sealed, const struct secret_key *secret, struct buf *ret)
{
    if (sealed.len < SEAL_EXTRA_BYTES)
        return ERR_DECRYPT;
    if (!has_room(ret, sealed.len - SEAL_EXTRA_BYTES))
        return ERR_LIMIT;
    struct public_key own;
    crypto_box_public(secret, &own);
    if (crypto_box_seal_open(ret->at + ret->len, sealed.at, sealed.len, own.at, secret->at) != 0)
        return ERR_DECRYPT;
    ret->len += sealed.len - SEAL_EXTRA_BYTES;
    return OK;
}

enum err crypto_encrypt(struct bytes plain, struct bytes ad, const uint8_t nonce[AEAD_NONCE_BYTES],
                        const struct secret_key *key, struct buf *ret)
{
    if (plain.len > SIZE_MAX - AEAD_TAG_BYTES || !has_room(ret, plain.len + AEAD_TAG_BYTES))
        return ERR_LIMIT;
    int code = crypto_aead_xchacha20poly1305_ietf_encrypt(
        ret->at + ret->len, NULL, plain.at, plain.len, ad.at, ad.len, NULL, nonce, key->at);
    must(code == 0);
    ret->len += plain.len + AEAD_TAG_BYTES;
    return OK;
}

enum err crypto_decrypt(struct bytes cipher, struct bytes ad, const uint8_t nonce[AEAD_NONCE_BYTES],
                        const struct secret_key *key, struct buf *ret)
{
    if (cipher.len < AEAD_TAG_BYTES)
        return ERR_DECRYPT;
    if (!has_room(ret, cipher.len - AEAD_TAG_BYTES))
        return ERR_LIMIT;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(ret->at + ret->len, NULL, NULL, cipher.at,
                                                   cipher.len, ad.at, ad.len, nonce, key->at) != 0)
        return ERR_DECRYPT;
    ret->len += cipher.len - AEAD_TAG_BYTES;
    return OK;
}

enum err crypto_box_put(struct bytes plain, struct bytes ad, const struct secret_key *key,
                        struct buf *ret)
{
    if (plain.len > SIZE_MAX - BOX_EXTRA_BYTES || !has_room(ret, plain.len + BOX_EXTRA_BYTES))
        return ERR_LIMIT;
    uint8_t *nonce = ret->at + ret->len;
    randombytes_buf(nonce, AEAD_NONCE_BYTES);
    ret->len += AEAD_NONCE_BYTES;
    return crypto_encrypt(plain, ad, nonce, key, ret);
}

enum err crypto_box_get(struct bytes box, struct bytes ad, const struct secret_key *key,
                        struct buf *ret)
{
    if (box.len < BOX_EXTRA_BYTES)
        return ERR_DECRYPT;
    return crypto_decrypt(bytes_of(box.at + AEAD_NONCE_BYTES, box.len - AEAD_NONCE_BYTES), ad,
                          box.at, key, ret);
}

/* --- bytes as text --------------------------------------------------------------------------- */

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *at, size_t len)
{
    sodium_memzero(at, len);
}

void crypto_hex(struct bytes in, char *ret)
{
    sodium_bin2hex(ret, 2 * in.len + 1, in.at, in.len);
}

bool crypto_unhex(struct bytes hex, uint8_t *ret, size_t len)
{
    size_t written = 0;
    return hex.len == 2 * len &&
           sodium_hex2bin(ret, len, (const char *)hex.at, hex.len, NULL, &written, NULL) == 0 &&
           written == len;
}

enum err crypto_base64(struct bytes in, char *ret, size_t cap)
{
    if (in.len > SIZE_MAX / 2 ||
        sodium_base64_encoded_len(in.len, sodium_base64_VARIANT_ORIGINAL) > cap)
        return ERR_LIMIT;
    sodium_bin2base64(ret, cap, in.at, in.len, sodium_base64_VARIANT_ORIGINAL);
    return OK;
}

enum err crypto_unbase64(struct bytes text, struct buf *ret)
{
    static const char ignored[] = " \r\n";
    size_t written = 0;
    size_t digits = 0;
    for (size_t i = 0; i < text.len; i++)
        digits += text.at[i] != '=' && !memchr(ignored, text.at[i], sizeof(ignored) - 1);
    if (!has_room(ret, digits / 4 * 3 + digits % 4 * 6 / 8))
        return ERR_LIMIT;
    if (sodium_base642bin(ret->at + ret->len, ret->cap - ret->len, (const char *)text.at, text.len,
                          ignored, &written, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
        return ERR_MALFORMED;
    ret->len += written;
    return OK;
}
