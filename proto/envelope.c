#include "proto/envelope.h"

#include "common/must.h"
#include "proto/compress.h"

#define HEAD_BYTES_MAX 128

/* What every reader of the envelope must agree on before it opens; the leaf names the content. */
static struct bytes sealed_head(const struct sealed *sealed, const char *district,
                                uint8_t space[HEAD_BYTES_MAX])
{
    struct writer out = writer_of(space, HEAD_BYTES_MAX);
    writer_array(&out, 6);
    writer_uint(&out, SUITE);
    writer_text(&out, district);
    writer_bin(&out, bytes_hash(&sealed->leaf));
    writer_uint(&out, sealed->key_number);
    writer_uint(&out, sealed->dictionary);
    writer_uint(&out, sealed->plain_bytes);
    must(!out.err);
    return writer_bytes(&out);
}

/* From the leaf, never from a counter: a restored store cannot use a nonce for other content. */
static void sealed_nonce(struct bytes head, uint8_t ret[AEAD_NONCE_BYTES])
{
    struct hash hash;
    crypto_hash("nonce", &head, 1, &hash);
    memcpy(ret, hash.at, AEAD_NONCE_BYTES);
}

enum err envelope_seal(struct bytes txn, const char *district, const struct hash *leaf,
                       uint64_t key_number, const struct secret_key *data_key,
                       const struct dictionary *dictionary, struct buf *work, struct buf *ret_body,
                       struct sealed *ret_sealed)
{
    if (txn.len > TRANSACTION_BYTES_MAX)
        return ERR_LIMIT;
    struct sealed sealed = {
        .leaf = *leaf,
        .key_number = key_number,
        .dictionary = dictionary ? dictionary->id : 0,
        .plain_bytes = (uint32_t)txn.len,
    };
    uint8_t space[HEAD_BYTES_MAX];
    struct bytes head = sealed_head(&sealed, district, space);
    uint8_t nonce[AEAD_NONCE_BYTES];
    sealed_nonce(head, nonce);

    work->len = 0;
    bool with = dictionary != NULL && dictionary->id != 0;
    enum err err = compress_with(txn, with ? dictionary->bytes : bytes_of(NULL, 0), work);
    if (err)
        return err;
    size_t before = ret_body->len;
    err = crypto_encrypt(buf_bytes(work), head, nonce, data_key, ret_body);
    if (err)
        return err;
    sealed.body = bytes_of(ret_body->at + before, ret_body->len - before);
    must(sealed.body.len <= SEALED_BYTES_MAX);
    *ret_sealed = sealed;
    return OK;
}

enum err envelope_open(const struct sealed *sealed, const char *district,
                       const struct secret_key *data_key, const struct dictionary *dictionary,
                       struct buf *work, struct buf *ret_txn)
{
    bool with = sealed->dictionary != 0;
    if (with && (!dictionary || dictionary->id != sealed->dictionary))
        return ERR_DICTIONARY;
    if (sealed->plain_bytes > TRANSACTION_BYTES_MAX || sealed->body.len > SEALED_BYTES_MAX)
        return ERR_LIMIT;

    uint8_t space[HEAD_BYTES_MAX];
    struct bytes head = sealed_head(sealed, district, space);
    uint8_t nonce[AEAD_NONCE_BYTES];
    sealed_nonce(head, nonce);

    work->len = 0;
    enum err err = crypto_decrypt(sealed->body, head, nonce, data_key, work);
    if (err)
        return err;
    return decompress_with(buf_bytes(work), sealed->plain_bytes,
                           with ? dictionary->bytes : bytes_of(NULL, 0), ret_txn);
}

enum err data_key_seal(const struct secret_key *data_key, const struct public_key *hub,
                       uint8_t ret[DATA_KEY_SEALED_BYTES])
{
    struct buf out = buf_of(ret, DATA_KEY_SEALED_BYTES);
    return crypto_seal(bytes_of(secret_key_bytes(data_key), SECRET_KEY_BYTES), hub, &out);
}

enum err data_key_open(struct bytes sealed, const struct secret_key *hub,
                       struct secret_key **ret_key)
{
    uint8_t plain[SECRET_KEY_BYTES];
    struct buf out = buf_of(plain, sizeof(plain));
    if (sealed.len != DATA_KEY_SEALED_BYTES)
        return ERR_MALFORMED;
    enum err err = crypto_seal_open(sealed, hub, &out);
    if (err)
        return err;
    struct secret_key *key = secret_key_from(plain);
    crypto_wipe(plain, sizeof(plain));
    if (!key)
        return ERR_MEMORY;
    *ret_key = key;
    return OK;
}
