/* Sealed transactions and data keys: compressed, then encrypted under a data key of this run of the
 * daemon, which is itself sealed to the hub. PROTOCOL.md §5.
 *
 *   head  = [suite, district, leaf, key number, dictionary, plain length]    (AAD, never sent
 * whole) nonce = first 24 bytes of H("nonce", head) body  = XChaCha20-Poly1305(zstd frame of the
 * transaction without its 4 magic bytes) */
#pragma once

#include "proto/chain.h"
#include "proto/dictionary.h"

struct sealed {
    struct hash leaf;
    uint64_t key_number; /* per incarnation, from 1 */
    uint32_t dictionary; /* rules version that named it first; 0 = none */
    uint32_t plain_bytes;
    struct bytes body;
};

/* `work` is scratch of at least ENVELOPE_WORK_BYTES; body is appended to `ret_body`, which needs
 * room for SEALED_BYTES_MAX. `dictionary`: NULL or id 0 = none. */
#define ENVELOPE_WORK_BYTES SEALED_BYTES_MAX
NODISCARD enum err envelope_seal(struct bytes txn, const char *district, const struct hash *leaf,
                                 uint64_t key_number, const struct secret_key *data_key,
                                 const struct dictionary *dictionary, struct buf *work,
                                 struct buf *ret_body, struct sealed *ret_sealed);
/* Decrypts and decompresses into `ret_txn` (capacity TRANSACTION_BYTES_MAX), never beyond it.
 * ERR_DECRYPT, ERR_LIMIT, ERR_MALFORMED (a length other than promised),
 * ERR_DICTIONARY (it was sealed with one, and `dictionary` is none or another). */
NODISCARD enum err envelope_open(const struct sealed *sealed, const char *district,
                                 const struct secret_key *data_key,
                                 const struct dictionary *dictionary, struct buf *work,
                                 struct buf *ret_txn);

#define DATA_KEY_SEALED_BYTES (SECRET_KEY_BYTES + SEAL_EXTRA_BYTES)
NODISCARD enum err data_key_seal(const struct secret_key *data_key, const struct public_key *hub,
                                 uint8_t ret[DATA_KEY_SEALED_BYTES]);
NODISCARD enum err data_key_open(struct bytes sealed, const struct secret_key *hub,
                                 struct secret_key **ret_key);
