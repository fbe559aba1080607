/* Changes and transactions: what an operator signs. Pure; no I/O, no heap. PROTOCOL.md §4.
 *
 *   change      = [group, op, collection, record, base, fields, arg]
 *   base        = nil | [epoch, rev] | [epoch, rev, leaf]
 *   arg         = short number (create, 0 = none) | conflict id (resolve) | nil
 *   transaction = [1, operator, trust, rules, request, claimed_ms, seed, [change …], signature,
 *                  [countersignature …]]
 *   countersignature = [operator, signature]
 *   statement   = [district, operator key, trust, rules, request, claimed_ms, count, commitments]
 *   leaf        = H("leaf", statement)
 *
 * The statement is never sent: both sides build it. `commitments` is one bin of count × 32 bytes.
 * Signature type "transaction"; a countersignature is one over the leaf, type "countersign", so
 * that it can be added later and the leaf stays.
 *
 * Rules of form, beside the limits: a create has no base, all others have one; base (0, 0) needs a
 * leaf; an update gives at least one field, a delete none, a resolve exactly one; only a resolve
 * may name the field "" (existence); record, conflict and collection are not empty; a transaction
 * touches a record at most once; countersigners ascend and the author is none of them. txn_sign and
 * txn_decode refuse the same things, so nothing is queued that a hub would not take. */
#pragma once

#include "common/crypto.h"
#include "proto/codec.h"
#include "proto/limits.h"

enum change_op { OP_CREATE = 1, OP_UPDATE = 2, OP_DELETE = 3, OP_RESOLVE = 4 };
const char *change_op_name(enum change_op op); /* "create" …; "unknown" for what is none */

/* What the author saw of the record. */
struct base {
    uint64_t epoch; /* 0 with rev 0: the hub's row was not there yet */
    uint64_t rev;
    bool has_leaf;
    struct hash leaf; /* the last of the author's own pending transactions on this record */
};

/* Points into the bytes it was decoded from. */
struct change {
    unsigned group; /* 0, 0, 1, 2, 2 …: never falls, no gap */
    enum change_op op;
    struct bytes collection;
    struct id record;
    bool has_base; /* false at create only */
    struct base base;
    struct bytes fields; /* raw map: name → value; empty map for delete */
    uint32_t number;     /* create: the running short number, 0 = none */
    struct id conflict;  /* resolve: the conflict that it answers */
    struct bytes raw;    /* the change as encoded: what the commitment covers */
};

void change_encode(const struct change *change, struct writer *out);
/* ERR_MALFORMED; ERR_LIMIT: over CHANGE_BYTES_MAX or FIELDS_PER_CHANGE_MAX. */
NODISCARD enum err change_decode(struct bytes raw, struct change *ret_change);

/* Walks a raw map of fields that has been scanned. */
struct field_iter {
    struct reader reader;
    size_t left;
};
struct field_iter fields_of(struct bytes fields);
bool fields_next(struct field_iter *iter, struct bytes *ret_name, struct bytes *ret_value);
/* One field's raw value; {NULL, 0} when the map has none of that name. */
struct bytes fields_get(struct bytes fields, struct bytes name);

struct countersignature {
    uint32_t operator_number;
    struct signature signature;
};
#define COUNTERSIGNATURE_BYTES_MAX 72 /* encoded */

#define SEED_BYTES 16
#define SALT_BYTES 16

struct txn {
    uint32_t operator_number; /* as the trust part numbers operators */
    uint64_t trust_version;
    uint64_t rules_version;
    struct id request;
    uint64_t claimed_ms; /* the author's clock: a claim */
    uint8_t seed[SEED_BYTES];
    unsigned change_count;
    struct change changes[CHANGES_PER_TRANSACTION_MAX];
    struct signature signature;
    unsigned countersignature_count;
    struct countersignature countersignatures[COUNTERSIGNATURES_MAX]; /* ascending by operator */
};

/* Checks changes, computes commitments, signs with the operator's key and writes the transaction.
 * The caller fills everything up to `seed` (crypto_random), `change_count` and each
 * `changes[i].raw` (change_encode); the other members of changes, signature and leaf are results.
 * Nobody has countersigned it; there is room for those who will. Errors: txn_decode. */
NODISCARD enum err txn_sign(struct txn *txn, const char *district, const struct secret_key *op_key,
                            struct writer *out, struct hash *ret_leaf);

/* Scans and decodes. `*ret_txn` (large) points into `raw`; after a failure its content is
 * unspecified. ERR_MALFORMED; ERR_LIMIT; ERR_VERSION: another form. */
NODISCARD enum err txn_decode(struct bytes raw, struct txn *ret_txn);

/* An answer to the conflict whether the record exists: a resolve of the field with the empty name.
 */
bool change_is_existence(const struct change *change);
/* Such an answer that says "deleted". */
bool change_says_deleted(const struct change *change);
/* Such an answer as the delete that it stands for. */
struct change change_as_delete(const struct change *answer);

/* Leaf of a decoded transaction under the operator's public key. */
void txn_leaf(const struct txn *txn, const char *district, const struct public_key *op_key,
              struct hash *ret_leaf);

/* ERR_SIGNATURE unless the operator signed exactly this and `leaf` is its leaf. */
NODISCARD enum err txn_verify(const struct txn *txn, const char *district,
                              const struct public_key *op_key, const struct hash *leaf);

void txn_countersign(const struct hash *leaf, uint32_t operator_number,
                     const struct secret_key *op_key, struct countersignature *ret);
bool countersignature_verify(const struct countersignature *one, const struct hash *leaf,
                             const struct public_key *op_key);
/* Writes the transaction again with one countersignature more. `raw` and `*txn` (decoded from it)
 * are left alone. ERR_STATE: that operator wrote or countersigned it already; ERR_LIMIT. */
NODISCARD enum err txn_add_countersignature(struct bytes raw, const struct txn *txn,
                                            const struct countersignature *one, struct writer *out);

/* salt_i = keyed BLAKE2b-128 (key = seed) of u32be i; commitment_i = H("commit", salt_i ‖
 * change_i). */
void txn_commitment(const uint8_t seed[SEED_BYTES], unsigned index, struct bytes change,
                    struct hash *ret);
