#include "proto/bundle.h"

#include "common/must.h"

#define CHECKPOINT_BYTES_MAX 512

/* --- items ------------------------------------------------------------------------ */

void bundle_item_leaf(const struct bundle_item *item, struct hash *ret_leaf)
{
    switch (item->kind) {
    case ITEM_TXN:
        *ret_leaf = item->sealed.leaf;
        break;
    case ITEM_POLICY:
        chain_policy_leaf(&item->mark, ret_leaf);
        break;
    }
}

static void txn_item_encode(const struct bundle_item *item, struct writer *out)
{
    must(item->after_count <= AFTER_MAX);
    writer_array(out, 7);
    writer_uint(out, ITEM_TXN);
    writer_array(out, 2 * (size_t)item->after_count);
    for (unsigned i = 0; i < item->after_count; i++) {
        writer_uint(out, item->after[i].lane);
        writer_uint(out, item->after[i].seq);
    }
    writer_bin(out, bytes_hash(&item->sealed.leaf));
    writer_uint(out, item->sealed.key_number);
    writer_uint(out, item->sealed.dictionary);
    writer_uint(out, item->sealed.plain_bytes);
    writer_bin(out, item->sealed.body);
}

void bundle_item_encode(const struct bundle_item *item, struct writer *out)
{
    switch (item->kind) {
    case ITEM_TXN:
        txn_item_encode(item, out);
        break;
    case ITEM_POLICY:
        writer_array(out, 5);
        writer_uint(out, ITEM_POLICY);
        writer_uint(out, item->mark.trust_version);
        writer_uint(out, item->mark.rules_version);
        writer_bin(out, bytes_hash(&item->mark.trust_hash));
        writer_bin(out, bytes_hash(&item->mark.rules_hash));
        break;
    }
}

/* Other lanes than the item's own, each once, ascending. */
static void after_decode(struct reader *reader, enum lane own, struct bundle_item *item)
{
    size_t count = reader_array(reader);
    if (reader->err || count % 2 || count > (size_t)2 * AFTER_MAX) {
        reader_refuse(reader);
        return;
    }
    item->after_count = (unsigned)(count / 2);
    for (unsigned i = 0; i < item->after_count; i++) {
        struct after *after = &item->after[i];
        after->lane = lane_decode(reader);
        after->seq = reader_uint(reader);
        if (after->lane == own || after->seq == 0 ||
            (i > 0 && after->lane <= item->after[i - 1].lane))
            reader_refuse(reader);
    }
}

static enum err item_decode(struct reader *reader, enum lane lane, struct bundle_item *ret_item)
{
    struct bundle_item item = { .kind = ITEM_TXN };
    size_t count = reader_array(reader);
    uint64_t kind = reader_uint(reader);
    if (reader->err)
        return reader->err;
    if (kind == ITEM_TXN && count == 7) {
        after_decode(reader, lane, &item);
        reader_fixed(reader, item.sealed.leaf.at, HASH_BYTES);
        item.sealed.key_number = reader_uint(reader);
        item.sealed.dictionary = (uint32_t)reader_uint_max(reader, UINT32_MAX);
        item.sealed.plain_bytes = (uint32_t)reader_uint_max(reader, TRANSACTION_BYTES_MAX);
        item.sealed.body = reader_bin(reader);
        if (item.sealed.key_number == 0 || item.sealed.plain_bytes == 0 ||
            item.sealed.body.len <= AEAD_TAG_BYTES)
            return ERR_MALFORMED;
        if (item.sealed.body.len > SEALED_BYTES_MAX)
            return ERR_LIMIT;
    } else if (kind == ITEM_POLICY && count == 5) {
        item.kind = ITEM_POLICY;
        item.mark.trust_version = reader_uint(reader);
        item.mark.rules_version = reader_uint(reader);
        reader_fixed(reader, item.mark.trust_hash.at, HASH_BYTES);
        reader_fixed(reader, item.mark.rules_hash.at, HASH_BYTES);
    } else {
        return kind > ITEM_POLICY ? ERR_VERSION : ERR_MALFORMED;
    }
    if (!reader->err)
        *ret_item = item;
    return reader->err;
}

/* --- the checkpoint --------------------------------------------------------------- */

struct checkpoint {
    const struct bundle_context *context;
    enum lane lane;
    uint64_t first, last, highest;
    uint64_t trust_version, rules_version;
    const struct hash *head_before, *head_after;
    struct hash content; /* H("bundle", keys ‖ items) */
};

static struct bytes checkpoint_encode(const struct checkpoint *point,
                                      uint8_t space[CHECKPOINT_BYTES_MAX])
{
    struct writer out = writer_of(space, CHECKPOINT_BYTES_MAX);
    writer_array(&out, 14);
    writer_uint(&out, SUITE);
    writer_text(&out, point->context->district);
    writer_bin(&out, bytes_of(point->context->hub_key.at, PUBLIC_KEY_BYTES));
    writer_text(&out, point->context->node);
    writer_bin(&out, bytes_id(&point->context->incarnation));
    writer_uint(&out, point->lane);
    writer_uint(&out, point->first);
    writer_uint(&out, point->last);
    writer_bin(&out, bytes_hash(point->head_before));
    writer_bin(&out, bytes_hash(point->head_after));
    writer_uint(&out, point->highest);
    writer_uint(&out, point->trust_version);
    writer_uint(&out, point->rules_version);
    writer_bin(&out, bytes_hash(&point->content));
    must(!out.err);
    return writer_bytes(&out);
}

enum err bundle_sign(const struct bundle_context *context, enum lane lane, uint64_t first,
                     uint64_t highest, uint64_t trust_version, uint64_t rules_version,
                     const struct hash *head_before, const struct hash *head_after,
                     unsigned item_count, struct bytes keys, struct bytes items,
                     const struct secret_key *device_key, struct writer *out)
{
    must(first > 0 && item_count > 0 && highest >= first + item_count - 1);
    struct checkpoint point = {
        .context = context,
        .lane = lane,
        .first = first,
        .last = first + item_count - 1,
        .highest = highest,
        .trust_version = trust_version,
        .rules_version = rules_version,
        .head_before = head_before,
        .head_after = head_after,
    };
    struct bytes parts[] = { keys, items };
    crypto_hash("bundle", parts, COUNT_OF(parts), &point.content);

    uint8_t space[CHECKPOINT_BYTES_MAX];
    struct signature signature;
    crypto_sign_typed("checkpoint", checkpoint_encode(&point, space), device_key, &signature);

    size_t before = out->buf.len;
    writer_array(out, 10);
    writer_uint(out, SUITE);
    writer_uint(out, lane);
    writer_uint(out, first);
    writer_uint(out, highest);
    writer_uint(out, trust_version);
    writer_uint(out, rules_version);
    writer_bin(out, bytes_of(head_before->at, HEAD_TAG_BYTES));
    writer_bin(out, bytes_of(signature.at, SIGNATURE_BYTES));
    writer_raw(out, keys);
    writer_raw(out, items);
    if (out->err)
        return out->err;
    if (item_count > BUNDLE_ITEMS_MAX || out->buf.len - before > BUNDLE_BYTES_MAX)
        return ERR_LIMIT;
    return OK;
}

static enum err keys_decode(struct reader *reader, struct bundle *bundle)
{
    size_t count = reader_array(reader);
    if (count > BUNDLE_KEYS_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        struct bundle_key *key = &bundle->keys[i];
        reader_array_of(reader, 2);
        key->number = reader_uint(reader);
        key->sealed = reader_bin(reader);
        if (key->sealed.len != DATA_KEY_SEALED_BYTES || key->number == 0 ||
            (i > 0 && key->number <= bundle->keys[i - 1].number))
            return ERR_MALFORMED;
    }
    bundle->key_count = (unsigned)count;
    return reader->err;
}

static enum err items_decode(struct reader *reader, struct bundle *bundle)
{
    size_t count = reader_array(reader);
    if (count > BUNDLE_ITEMS_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < count; i++) {
        enum err err = item_decode(reader, bundle->lane, &bundle->items[i]);
        if (err)
            return err;
    }
    bundle->item_count = (unsigned)count;
    return reader->err;
}

enum err bundle_decode(struct bytes raw, struct bundle *ret_bundle)
{
    if (raw.len > BUNDLE_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = codec_scan(raw);
    if (err)
        return err;

    struct reader reader = reader_of(raw);
    reader_array_of(&reader, 10);
    uint64_t suite = reader_uint(&reader);
    if (!reader.err && suite != SUITE)
        return ERR_VERSION;
    ret_bundle->lane = lane_decode(&reader);
    ret_bundle->first = reader_uint(&reader);
    ret_bundle->highest = reader_uint(&reader);
    ret_bundle->trust_version = reader_uint(&reader);
    ret_bundle->rules_version = reader_uint(&reader);
    reader_fixed(&reader, ret_bundle->head_tag, HEAD_TAG_BYTES);
    reader_fixed(&reader, ret_bundle->signature.at, SIGNATURE_BYTES);
    const uint8_t *body = reader.at;
    err = keys_decode(&reader, ret_bundle);
    if (!err)
        err = items_decode(&reader, ret_bundle);
    if (!err)
        err = reader_end(&reader);
    if (err)
        return err;
    ret_bundle->body = bytes_of(body, (size_t)(reader.at - body));

    /* Numbers on the wire are below 2^63: the sum does not wrap. */
    if (ret_bundle->item_count == 0 || ret_bundle->first == 0 ||
        ret_bundle->first + ret_bundle->item_count - 1 > ret_bundle->highest)
        return ERR_MALFORMED;
    return OK;
}

enum err bundle_verify(const struct bundle *bundle, const struct bundle_context *context,
                       const struct hash *head_before, const struct public_key *device_key,
                       struct hash *ret_head_after)
{
    if (memcmp(bundle->head_tag, head_before->at, HEAD_TAG_BYTES) != 0)
        return ERR_STATE;

    struct hash head_after = *head_before;
    for (unsigned i = 0; i < bundle->item_count; i++) {
        struct hash leaf;
        bundle_item_leaf(&bundle->items[i], &leaf);
        chain_next(&head_after, &leaf, &head_after);
    }
    struct checkpoint point = {
        .context = context,
        .lane = bundle->lane,
        .first = bundle->first,
        .last = bundle->first + bundle->item_count - 1,
        .highest = bundle->highest,
        .trust_version = bundle->trust_version,
        .rules_version = bundle->rules_version,
        .head_before = head_before,
        .head_after = &head_after,
    };
    crypto_hash("bundle", &bundle->body, 1, &point.content);

    uint8_t space[CHECKPOINT_BYTES_MAX];
    if (!crypto_verify_typed("checkpoint", checkpoint_encode(&point, space), device_key,
                             &bundle->signature))
        return ERR_SIGNATURE;
    *ret_head_after = head_after;
    return OK;
}

void bundle_tag(struct bytes raw, uint8_t ret[BUNDLE_TAG_BYTES])
{
    struct hash hash;
    crypto_hash("push", &raw, 1, &hash);
    memcpy(ret, hash.at, BUNDLE_TAG_BYTES);
}

enum err bundle_begin(struct bytes raw, enum lane *ret_lane, uint64_t *ret_first)
{
    enum err err = codec_scan(raw);
    if (err)
        return err;
    struct reader in = reader_of(raw);
    reader_array_of(&in, 10);
    uint64_t suite = reader_uint(&in);
    enum lane lane = lane_decode(&in);
    uint64_t first = reader_uint(&in);
    if (in.err)
        return in.err;
    if (suite != SUITE)
        return ERR_VERSION;
    *ret_lane = lane;
    *ret_first = first;
    return OK;
}
