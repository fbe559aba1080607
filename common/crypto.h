/* All cryptography of the project; the only file family that includes sodium.h.
 * Primitives: BLAKE2b (RFC 7693), Ed25519 (RFC 8032), X25519 sealed boxes (libsodium
 * crypto_box_seal), XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), Argon2id (RFC 9106). Every
 * signature and every hash is over "tksk-sync/1/<type>\0" first, so that bytes made for one use
 * never verify for another; the types in use are listed in proto/PROTOCOL.md. */
#pragma once

#include "common/bytes.h"
#include "common/err.h"

#define PUBLIC_KEY_BYTES 32
#define SIGNATURE_BYTES 64
#define SECRET_KEY_BYTES 32 /* Ed25519 seeds, X25519 and CURVE secrets, symmetric keys alike */
#define AEAD_NONCE_BYTES 24
#define AEAD_TAG_BYTES 16
#define SEAL_EXTRA_BYTES 48

struct public_key {
    uint8_t at[PUBLIC_KEY_BYTES];
};

struct signature {
    uint8_t at[SIGNATURE_BYTES];
};

/* Lives in sodium_malloc memory only; made, read and freed through the functions here. */
struct secret_key;

/* Once per process, before all else. ERR_INTERNAL when libsodium cannot start. */
NODISCARD enum err crypto_start(void);

/* Replaces the source of randomness of the whole process, including libsodium's own use of it
 * (simulator and vectors only). `fill` must fill all of `len`. */
void crypto_random_replace(void (*fill)(void *buffer, size_t len));
void crypto_random(void *ret, size_t len);
uint32_t crypto_random_below(uint32_t bound);

/* UUIDv7 (RFC 9562) of `now_ms`, rest random. */
struct id crypto_uuid7(uint64_t now_ms);
struct id crypto_random_id(void);

/* BLAKE2b-256 over "tksk-sync/1/<type>\0" and the parts, one after the other, without lengths. */
void crypto_typed_hash(const char *type, const struct bytes *parts, size_t count,
                       struct hash *ret_hash);
/* libsodium exports another function of the short name, so the symbol is the long one. */
#define crypto_hash crypto_typed_hash

/* Running form of the same, for streams. */
struct hasher {
    _Alignas(64) uint8_t opaque[384];
};
void hasher_start(struct hasher *hasher, const char *type);
void hasher_add(struct hasher *hasher, struct bytes part);
void hasher_end(struct hasher *hasher, struct hash *ret_hash);

/* Keyed BLAKE2b of `out_len` (16..64) bytes over `input`, without a type prefix: salts, look-up
 * hashes. The key has 16..64 bytes. */
void crypto_keyed_hash(struct bytes key, struct bytes input, uint8_t *ret, size_t out_len);

/* New random secret; NULL when memory is out. `secret_key_from` copies SECRET_KEY_BYTES. */
struct secret_key *secret_key_new(void);
struct secret_key *secret_key_from(const uint8_t at[SECRET_KEY_BYTES]);
const uint8_t *secret_key_bytes(const struct secret_key *key);
void secret_key_close(struct secret_key **key); /* wipes; NULL is fine */

/* The public half of a secret used as Ed25519 seed, as X25519 (sealing) or as CURVE key. */
void crypto_sign_public(const struct secret_key *seed, struct public_key *ret_key);
void crypto_box_public(const struct secret_key *secret, struct public_key *ret_key);

/* Ed25519 over "tksk-sync/1/<type>\0" ‖ u64 big-endian length ‖ message. */
void crypto_sign_typed(const char *type, struct bytes message, const struct secret_key *seed,
                       struct signature *ret_sig);
NODISCARD bool crypto_verify_typed(const char *type, struct bytes message,
                                   const struct public_key *key, const struct signature *sig);

/* crypto_box_seal: appends len + SEAL_EXTRA_BYTES, opening appends len - SEAL_EXTRA_BYTES.
 * ERR_LIMIT: no room. ERR_KEY: `to` is no usable key. ERR_DECRYPT when it does not open. */
NODISCARD enum err crypto_seal(struct bytes plain, const struct public_key *to, struct buf *ret);
NODISCARD enum err crypto_seal_open(struct bytes sealed, const struct secret_key *secret,
                                    struct buf *ret);

/* XChaCha20-Poly1305-IETF; appends len + AEAD_TAG_BYTES to `ret`. ERR_LIMIT: no room. */
NODISCARD enum err crypto_encrypt(struct bytes plain, struct bytes ad,
                                  const uint8_t nonce[AEAD_NONCE_BYTES],
                                  const struct secret_key *key, struct buf *ret);
NODISCARD enum err crypto_decrypt(struct bytes cipher, struct bytes ad,
                                  const uint8_t nonce[AEAD_NONCE_BYTES],
                                  const struct secret_key *key, struct buf *ret);

/* The same with a random nonce in front (nonce ‖ ciphertext): what stores use at rest. */
#define BOX_EXTRA_BYTES (AEAD_NONCE_BYTES + AEAD_TAG_BYTES)
NODISCARD enum err crypto_box_put(struct bytes plain, struct bytes ad, const struct secret_key *key,
                                  struct buf *ret);
NODISCARD enum err crypto_box_get(struct bytes box, struct bytes ad, const struct secret_key *key,
                                  struct buf *ret);

/* Subkey `number` of `key` for an 8-character context (crypto_kdf). NULL when memory is out. */
struct secret_key *crypto_subkey(const struct secret_key *key, uint64_t number,
                                 const char context[8]);

/* Argon2id. `mem_kib` and `passes` come from the key file. ERR_LIMIT: costs that Argon2id does not
 * take; ERR_MEMORY: this machine does not have that much. */
#define ARGON_SALT_BYTES 16
NODISCARD enum err crypto_passphrase_key(struct bytes passphrase,
                                         const uint8_t salt[ARGON_SALT_BYTES], uint32_t mem_kib,
                                         uint32_t passes, struct secret_key **ret_key);

/* Six words that two people compare by voice: 16 bytes of Argon2id (19 MiB, 2 passes) over the
 * transcript, salted with the first 16 bytes of crypto_hash("words-salt", transcript), of which the
 * first 66 bits count, big-endian, 11 a word. Of a word the upper 6 bits choose the first syllable,
 * the lower 5 the second:
 *
 *   ba be bi ca ce co cu da de di du ga ge go gu ja je ji jo ju ka ki ko ku la le li lo lu ma me
 *   mi mo mu na ne ni no nu pa pi po ra re ri ro ru sa se si so su ta te ti to tu wa we wi wo ya
 *   yo yu
 *
 *   da di do du gu ja ji jo ju ka ko ku la lu na no nu ra ri ro ru sa si ta to tu wa wi wo ya yo
 *   yu
 *
 * These open syllables are written as they are spoken in Indonesian ("baku", "rela"). `ret` gets
 * the words with single spaces. ERR_MEMORY. */
#define WORDS_TEXT_MAX 32
NODISCARD enum err crypto_six_words(struct bytes transcript, char ret[WORDS_TEXT_MAX]);

/* Constant-time comparison, and wiping that the compiler keeps. */
NODISCARD bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_wipe(void *at, size_t len);

/* Lower-case hex and the inverse; `ret` of hex needs 2 * len + 1. */
void crypto_hex(struct bytes in, char *ret);
NODISCARD bool crypto_unhex(struct bytes hex, uint8_t *ret, size_t len);
/* Base64 (RFC 4648, with padding) for armoured files. ret is NUL-terminated; reading skips spaces
 * and line ends and appends to `ret`. ERR_LIMIT: no room. ERR_MALFORMED. */
NODISCARD enum err crypto_base64(struct bytes in, char *ret, size_t cap);
NODISCARD enum err crypto_unbase64(struct bytes text, struct buf *ret);
