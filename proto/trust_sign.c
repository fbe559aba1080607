/* Signing and checking by k of n: trust statements and rules documents. */
#include "common/must.h"
#include "proto/trust_ops.h"

#define SIGNATURES_MAX (2 * SIGNERS_MAX)

static bool on_list(const struct signer_list *list, const struct public_key *key)
{
    for (unsigned i = 0; list && i < list->count; i++) {
        if (memcmp(list->list[i].key.at, key->at, PUBLIC_KEY_BYTES) == 0)
            return true;
    }
    return false;
}

enum err trust_signatures(const char *type, struct bytes message, struct bytes signatures,
                          const struct signer_list *root, const struct signer_list *signers,
                          struct trust_tally *ret_tally, const char **ret_why)
{
    struct public_key seen[SIGNATURES_MAX];
    struct trust_tally tally = { 0 };
    struct reader in = reader_of(signatures);
    size_t count = reader_array(&in);
    *ret_why = "its signatures do not have the right form";
    if (in.err || count > SIGNATURES_MAX)
        return ERR_MALFORMED;

    for (size_t i = 0; i < count; i++) {
        struct signature signature;
        reader_array_of(&in, 2);
        reader_fixed(&in, seen[i].at, PUBLIC_KEY_BYTES);
        reader_fixed(&in, signature.at, SIGNATURE_BYTES);
        for (size_t k = 0; k < i; k++) {
            if (memcmp(seen[k].at, seen[i].at, PUBLIC_KEY_BYTES) == 0)
                reader_refuse(&in);
        }
        if (in.err)
            return in.err;
        bool is_root = on_list(root, &seen[i]);
        bool is_signer = on_list(signers, &seen[i]);
        if (!is_root && !is_signer) {
            *ret_why = "signed with a key that may not sign";
            return ERR_SIGNATURE;
        }
        if (!crypto_verify_typed(type, message, &seen[i], &signature)) {
            *ret_why = "a signature does not verify";
            return ERR_SIGNATURE;
        }
        tally.root += is_root;
        tally.signers += is_signer;
    }
    if (reader_end(&in))
        return ERR_MALFORMED;
    *ret_tally = tally;
    return OK;
}

static void signatures_write(const char *type, struct bytes message,
                             const struct secret_key *const *keys, unsigned count,
                             struct writer *out)
{
    writer_array(out, count);
    for (unsigned i = 0; i < count; i++) {
        struct public_key public;
        struct signature signature;
        crypto_sign_public(keys[i], &public);
        crypto_sign_typed(type, message, keys[i], &signature);
        writer_array(out, 2);
        writer_bin(out, bytes_of(public.at, PUBLIC_KEY_BYTES));
        writer_bin(out, bytes_of(signature.at, SIGNATURE_BYTES));
    }
}

enum err trust_sign(const char *district, uint64_t version, const struct hash *previous,
                    uint64_t claimed_ms, struct bytes ops, const struct secret_key *const *keys,
                    unsigned count, struct writer *out)
{
    uint8_t space[TRUST_STATEMENT_BYTES_MAX];
    struct writer statement = writer_of(space, sizeof(space));
    writer_array(&statement, 6);
    writer_uint(&statement, SUITE);
    writer_text(&statement, district);
    writer_uint(&statement, version);
    writer_bin(&statement, bytes_hash(previous));
    writer_uint(&statement, claimed_ms);
    writer_raw(&statement, ops);
    if (statement.err)
        return statement.err;

    size_t before = out->buf.len;
    writer_array(out, 2);
    writer_bin(out, writer_bytes(&statement));
    signatures_write("trust", writer_bytes(&statement), keys, count, out);
    if (!out->err && out->buf.len - before > TRUST_STATEMENT_BYTES_MAX)
        return ERR_LIMIT;
    return out->err;
}

enum err rules_sign(struct bytes document, const struct secret_key *const *keys, unsigned count,
                    struct writer *out)
{
    if (document.len > RULES_BYTES_MAX)
        return ERR_LIMIT;
    writer_array(out, 2);
    writer_bin(out, document);
    signatures_write("rules", document, keys, count, out);
    return out->err;
}

enum err rules_open(const struct trust *trust, struct bytes signed_document,
                    struct bytes *ret_document, struct problem *problem)
{
    static const char thing[] = "rules document";
    if (trust->version == 0)
        return problem_set(problem, ERR_STATE, thing, "there is no trust part yet");
    if (signed_document.len > SIGNED_RULES_BYTES_MAX)
        return problem_set(problem, ERR_LIMIT, thing, "too large");
    enum err err = codec_scan(signed_document);
    if (err)
        return problem_set(problem, err, thing, "damaged or cut off");

    struct reader in = reader_of(signed_document);
    reader_array_of(&in, 2);
    struct bytes document = reader_bin(&in);
    struct bytes signatures = reader_raw(&in);
    if (reader_end(&in))
        return problem_set(problem, ERR_MALFORMED, thing, "not a signed document");

    struct trust_tally tally;
    const char *why;
    err = trust_signatures("rules", document, signatures, &trust->root, &trust->signers, &tally,
                           &why);
    if (err)
        return problem_set(problem, err, thing, why);
    if (tally.signers < trust->signers.threshold && tally.root < trust->root.threshold)
        return problem_setf(problem, ERR_SIGNATURE, thing, "signed by %u of the %u who must sign",
                            tally.signers, trust->signers.threshold);
    *ret_document = document;
    return OK;
}
