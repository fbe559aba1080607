#include "proto/txn.h"

#include "common/must.h"

#define TXN_FORM 1
#define COMMITMENTS_BYTES_MAX (CHANGES_PER_TRANSACTION_MAX * HASH_BYTES)
#define STATEMENT_BYTES_MAX (COMMITMENTS_BYTES_MAX + 256)
#define COUNTERSIGNATURES_BYTES_MAX (COUNTERSIGNATURES_MAX * COUNTERSIGNATURE_BYTES_MAX)

/* --- one change ------------------------------------------------------------------- */

static void base_encode(const struct change *change, struct writer *out)
{
    if (!change->has_base) {
        writer_nil(out);
        return;
    }
    writer_array(out, change->base.has_leaf ? 3 : 2);
    writer_uint(out, change->base.epoch);
    writer_uint(out, change->base.rev);
    if (change->base.has_leaf)
        writer_bin(out, bytes_hash(&change->base.leaf));
}

static void base_decode(struct reader *reader, struct change *change)
{
    change->has_base = reader_peek(reader) == KIND_ARRAY;
    if (!change->has_base) {
        reader_nil(reader);
        return;
    }
    size_t count = reader_array(reader);
    change->base.epoch = reader_uint(reader);
    change->base.rev = reader_uint(reader);
    change->base.has_leaf = count == 3;
    if (count == 3)
        reader_fixed(reader, change->base.leaf.at, HASH_BYTES);
    else if (count != 2)
        reader_refuse(reader);
}

const char *change_op_name(enum change_op op)
{
    switch (op) {
    case OP_CREATE:
        return "create";
    case OP_UPDATE:
        return "update";
    case OP_DELETE:
        return "delete";
    case OP_RESOLVE:
        return "resolve";
    }
    return "unknown";
}

void change_encode(const struct change *change, struct writer *out)
{
    writer_array(out, 7);
    writer_uint(out, change->group);
    writer_uint(out, change->op);
    writer_str(out, change->collection);
    writer_bin(out, bytes_id(&change->record));
    base_encode(change, out);
    writer_raw(out, change->fields);
    switch (change->op) {
    case OP_CREATE:
        writer_uint(out, change->number);
        break;
    case OP_RESOLVE:
        writer_bin(out, bytes_id(&change->conflict));
        break;
    case OP_UPDATE:
    case OP_DELETE:
        writer_nil(out);
        break;
    }
}

/* A base of (0, 0) says that the hub had no row yet; then the author saw an own pending change. */
static bool base_fits(const struct change *change)
{
    const struct base *base = &change->base;
    if (change->op == OP_CREATE)
        return !change->has_base;
    if (!change->has_base || (base->epoch == 0) != (base->rev == 0))
        return false;
    return base->rev > 0 || base->has_leaf;
}

/* Only an answer to a conflict about a record's existence has a field without a name. */
static enum err fields_check(const struct change *change)
{
    size_t count = 0;
    struct bytes name, value;
    for (struct field_iter iter = fields_of(change->fields); fields_next(&iter, &name, &value);) {
        if (name.len == 0 && change->op != OP_RESOLVE)
            return ERR_MALFORMED;
        count++;
    }
    if (count > FIELDS_PER_CHANGE_MAX)
        return ERR_LIMIT;

    bool fits = false;
    switch (change->op) {
    case OP_CREATE:
        fits = true;
        break;
    case OP_UPDATE:
        fits = count > 0;
        break;
    case OP_DELETE:
        fits = count == 0;
        break;
    case OP_RESOLVE:
        fits = count == 1 && !id_is_zero(&change->conflict);
        break;
    }
    return fits ? OK : ERR_MALFORMED;
}

/* Decodes one scanned change, without a check of its place among others. */
static enum err change_read(struct bytes raw, struct change *ret_change)
{
    if (raw.len > CHANGE_BYTES_MAX)
        return ERR_LIMIT;

    struct change change = { .raw = raw };
    struct reader reader = reader_of(raw);
    reader_array_of(&reader, 7);
    change.group = (unsigned)reader_uint_max(&reader, CHANGES_PER_TRANSACTION_MAX - 1);
    uint64_t op = reader_uint_max(&reader, OP_RESOLVE);
    change.collection = reader_str(&reader);
    reader_fixed(&reader, change.record.at, ID_BYTES);
    base_decode(&reader, &change);
    if (reader_peek(&reader) != KIND_MAP)
        return ERR_MALFORMED;
    change.fields = reader_raw(&reader);
    if (op == OP_CREATE)
        change.number = (uint32_t)reader_uint_max(&reader, UINT32_MAX);
    else if (op == OP_RESOLVE)
        reader_fixed(&reader, change.conflict.at, ID_BYTES);
    else
        reader_nil(&reader);
    enum err err = reader_end(&reader);
    if (err)
        return err;

    if (op < OP_CREATE || change.collection.len == 0 || id_is_zero(&change.record))
        return ERR_MALFORMED;
    change.op = (enum change_op)op;
    if (!base_fits(&change))
        return ERR_MALFORMED;
    err = fields_check(&change);
    if (!err)
        *ret_change = change;
    return err;
}

enum err change_decode(struct bytes raw, struct change *ret_change)
{
    enum err err = codec_scan(raw);
    return err ? err : change_read(raw, ret_change);
}

struct field_iter fields_of(struct bytes fields)
{
    struct field_iter iter = { .reader = reader_of(fields) };
    iter.left = reader_map(&iter.reader);
    return iter;
}

bool fields_next(struct field_iter *iter, struct bytes *ret_name, struct bytes *ret_value)
{
    if (iter->left == 0)
        return false;
    struct bytes name = reader_str(&iter->reader);
    struct bytes value = reader_raw(&iter->reader);
    if (iter->reader.err)
        return false;
    iter->left--;
    *ret_name = name;
    *ret_value = value;
    return true;
}

struct bytes fields_get(struct bytes fields, struct bytes name)
{
    struct bytes at, value;
    for (struct field_iter iter = fields_of(fields); fields_next(&iter, &at, &value);) {
        if (bytes_equal(at, name))
            return value;
    }
    return bytes_of(NULL, 0);
}

bool change_is_existence(const struct change *change)
{
    return change->op == OP_RESOLVE && fields_get(change->fields, bytes_text("")).len > 0;
}

bool change_says_deleted(const struct change *change)
{
    struct bytes value = fields_get(change->fields, bytes_text(""));
    struct reader reader = reader_of(value);
    return change->op == OP_RESOLVE && value.len > 0 && reader_peek(&reader) == KIND_BOOL &&
           reader_bool(&reader);
}

struct change change_as_delete(const struct change *answer)
{
    static const uint8_t empty_map[] = { 0x80 };
    struct change change = *answer;
    change.op = OP_DELETE;
    change.fields = bytes_of(empty_map, sizeof empty_map);
    return change;
}

/* --- the transaction -------------------------------------------------------------- */

void txn_commitment(const uint8_t seed[SEED_BYTES], unsigned index, struct bytes change,
                    struct hash *ret)
{
    uint8_t number[4] = { (uint8_t)(index >> 24), (uint8_t)(index >> 16), (uint8_t)(index >> 8),
                          (uint8_t)index };
    uint8_t salt[SALT_BYTES];
    crypto_keyed_hash(bytes_of(seed, SEED_BYTES), bytes_of(number, sizeof(number)), salt,
                      sizeof(salt));
    struct bytes parts[] = { bytes_of(salt, sizeof(salt)), change };
    crypto_hash("commit", parts, COUNT_OF(parts), ret);
}

/* What the operator signs and the leaf is the hash of. Both sides build it; it is never sent. */
static struct bytes txn_statement(const struct txn *txn, const char *district,
                                  const struct public_key *op_key,
                                  uint8_t space[STATEMENT_BYTES_MAX])
{
    must(txn->change_count <= CHANGES_PER_TRANSACTION_MAX);
    uint8_t commitments[COMMITMENTS_BYTES_MAX];
    for (unsigned i = 0; i < txn->change_count; i++) {
        struct hash hash;
        txn_commitment(txn->seed, i, txn->changes[i].raw, &hash);
        memcpy(commitments + (size_t)i * HASH_BYTES, hash.at, HASH_BYTES);
    }

    struct writer out = writer_of(space, STATEMENT_BYTES_MAX);
    writer_array(&out, 8);
    writer_text(&out, district);
    writer_bin(&out, bytes_of(op_key->at, PUBLIC_KEY_BYTES));
    writer_uint(&out, txn->trust_version);
    writer_uint(&out, txn->rules_version);
    writer_bin(&out, bytes_id(&txn->request));
    writer_uint(&out, txn->claimed_ms);
    writer_uint(&out, txn->change_count);
    writer_bin(&out, bytes_of(commitments, (size_t)txn->change_count * HASH_BYTES));
    must(!out.err);
    return writer_bytes(&out);
}

static void leaf_of(struct bytes statement, struct hash *ret_leaf)
{
    crypto_hash("leaf", &statement, 1, ret_leaf);
}

void txn_leaf(const struct txn *txn, const char *district, const struct public_key *op_key,
              struct hash *ret_leaf)
{
    uint8_t space[STATEMENT_BYTES_MAX];
    leaf_of(txn_statement(txn, district, op_key, space), ret_leaf);
}

enum err txn_verify(const struct txn *txn, const char *district, const struct public_key *op_key,
                    const struct hash *leaf)
{
    uint8_t space[STATEMENT_BYTES_MAX];
    struct bytes statement = txn_statement(txn, district, op_key, space);
    struct hash made;
    leaf_of(statement, &made);
    if (!hash_equal(&made, leaf) ||
        !crypto_verify_typed("transaction", statement, op_key, &txn->signature))
        return ERR_SIGNATURE;
    return OK;
}

/* Groups start at 0, never fall and leave no gap; a record is touched at most once. */
static enum err changes_check(const struct change *changes, unsigned count)
{
    unsigned group = 0;
    for (unsigned i = 0; i < count; i++) {
        if (changes[i].group != group && (i == 0 || changes[i].group != group + 1))
            return ERR_MALFORMED;
        group = changes[i].group;
        for (unsigned k = 0; k < i; k++) {
            if (id_equal(&changes[k].record, &changes[i].record))
                return ERR_MALFORMED;
        }
    }
    return OK;
}

static void countersignatures_encode(const struct countersignature *list, unsigned count,
                                     struct writer *out)
{
    writer_array(out, count);
    for (unsigned i = 0; i < count; i++) {
        writer_array(out, 2);
        writer_uint(out, list[i].operator_number);
        writer_bin(out, bytes_of(list[i].signature.at, SIGNATURE_BYTES));
    }
}

static enum err countersignatures_read(struct reader *reader, struct txn *txn)
{
    size_t count = reader_array(reader);
    uint32_t last = 0;
    if (count > COUNTERSIGNATURES_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        struct countersignature *one = &txn->countersignatures[i];
        reader_array_of(reader, 2);
        one->operator_number = (uint32_t)reader_uint_max(reader, UINT32_MAX);
        reader_fixed(reader, one->signature.at, SIGNATURE_BYTES);
        if (reader->err || one->operator_number <= last ||
            one->operator_number == txn->operator_number)
            return ERR_MALFORMED;
        last = one->operator_number;
    }
    txn->countersignature_count = (unsigned)count;
    return OK;
}

static void txn_encode(const struct txn *txn, struct writer *out)
{
    writer_array(out, 10);
    writer_uint(out, TXN_FORM);
    writer_uint(out, txn->operator_number);
    writer_uint(out, txn->trust_version);
    writer_uint(out, txn->rules_version);
    writer_bin(out, bytes_id(&txn->request));
    writer_uint(out, txn->claimed_ms);
    writer_bin(out, bytes_of(txn->seed, SEED_BYTES));
    writer_array(out, txn->change_count);
    for (unsigned i = 0; i < txn->change_count; i++)
        writer_raw(out, txn->changes[i].raw);
    writer_bin(out, bytes_of(txn->signature.at, SIGNATURE_BYTES));
    countersignatures_encode(txn->countersignatures, txn->countersignature_count, out);
}

enum err txn_sign(struct txn *txn, const char *district, const struct secret_key *op_key,
                  struct writer *out, struct hash *ret_leaf)
{
    if (txn->change_count == 0 || txn->change_count > CHANGES_PER_TRANSACTION_MAX)
        return ERR_LIMIT;
    /* What the hub would refuse is refused here, where a person can still mend it. */
    for (unsigned i = 0; i < txn->change_count; i++) {
        struct change change;
        enum err err = change_decode(txn->changes[i].raw, &change);
        if (err)
            return err;
        txn->changes[i] = change;
    }
    enum err err = changes_check(txn->changes, txn->change_count);
    if (err)
        return err;

    uint8_t space[STATEMENT_BYTES_MAX];
    struct public_key public;
    crypto_sign_public(op_key, &public);
    struct bytes statement = txn_statement(txn, district, &public, space);
    struct hash leaf;
    leaf_of(statement, &leaf);
    crypto_sign_typed("transaction", statement, op_key, &txn->signature);
    txn->countersignature_count = 0;

    size_t before = out->buf.len;
    txn_encode(txn, out);
    if (out->err)
        return out->err;
    if (out->buf.len - before > TRANSACTION_BYTES_MAX - COUNTERSIGNATURES_BYTES_MAX)
        return ERR_LIMIT;
    *ret_leaf = leaf;
    return OK;
}

static enum err txn_read(struct bytes raw, struct txn *ret_txn)
{
    struct reader reader = reader_of(raw);
    reader_array_of(&reader, 10);
    uint64_t form = reader_uint(&reader);
    if (!reader.err && form != TXN_FORM)
        return ERR_VERSION;
    ret_txn->operator_number = (uint32_t)reader_uint_max(&reader, UINT32_MAX);
    ret_txn->trust_version = reader_uint(&reader);
    ret_txn->rules_version = reader_uint(&reader);
    reader_fixed(&reader, ret_txn->request.at, ID_BYTES);
    ret_txn->claimed_ms = reader_uint(&reader);
    reader_fixed(&reader, ret_txn->seed, SEED_BYTES);

    size_t count = reader_array(&reader);
    if (count > CHANGES_PER_TRANSACTION_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        enum err err = change_read(reader_raw(&reader), &ret_txn->changes[i]);
        if (err)
            return err;
    }
    ret_txn->change_count = (unsigned)count;

    reader_fixed(&reader, ret_txn->signature.at, SIGNATURE_BYTES);
    enum err err = countersignatures_read(&reader, ret_txn);
    if (!err)
        err = reader_end(&reader);
    if (err)
        return err;
    if (count == 0 || ret_txn->operator_number == 0)
        return ERR_MALFORMED;
    return changes_check(ret_txn->changes, ret_txn->change_count);
}

enum err txn_decode(struct bytes raw, struct txn *ret_txn)
{
    if (raw.len > TRANSACTION_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = codec_scan(raw);
    return err ? err : txn_read(raw, ret_txn);
}

/* --- countersignatures ------------------------------------------------------------ */

void txn_countersign(const struct hash *leaf, uint32_t operator_number,
                     const struct secret_key *op_key, struct countersignature *ret)
{
    ret->operator_number = operator_number;
    crypto_sign_typed("countersign", bytes_hash(leaf), op_key, &ret->signature);
}

bool countersignature_verify(const struct countersignature *one, const struct hash *leaf,
                             const struct public_key *op_key)
{
    return crypto_verify_typed("countersign", bytes_hash(leaf), op_key, &one->signature);
}

enum err txn_add_countersignature(struct bytes raw, const struct txn *txn,
                                  const struct countersignature *one, struct writer *out)
{
    struct countersignature list[COUNTERSIGNATURES_MAX];
    unsigned at = 0;
    if (one->operator_number == txn->operator_number)
        return ERR_STATE;
    if (txn->countersignature_count == COUNTERSIGNATURES_MAX)
        return ERR_LIMIT;
    while (at < txn->countersignature_count &&
           txn->countersignatures[at].operator_number < one->operator_number)
        at++;
    if (at < txn->countersignature_count &&
        txn->countersignatures[at].operator_number == one->operator_number)
        return ERR_STATE;
    memcpy(list, txn->countersignatures, at * sizeof list[0]);
    list[at] = *one;
    memcpy(list + at + 1, txn->countersignatures + at,
           (txn->countersignature_count - at) * sizeof list[0]);

    struct reader reader = reader_of(raw);
    size_t parts = reader_array(&reader);
    must(parts == 10);
    writer_array(out, parts);
    for (size_t i = 0; i + 1 < parts; i++)
        writer_raw(out, reader_raw(&reader));
    countersignatures_encode(list, txn->countersignature_count + 1, out);
    return out->err;
}
