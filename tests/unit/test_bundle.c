#include "tests/unit/proto_samples.h"

#include "proto/bundle.h"

static uint8_t item_space[4096], key_space[4096], bundle_space[BUNDLE_BYTES_MAX + 4096];
static struct bundle bundle;

struct sample {
    struct bundle_context context;
    struct hash before, after;
    struct bytes keys, items, raw;
    unsigned count;
};

static struct bundle_item txn_item(uint8_t filler)
{
    static const uint8_t body[40] = { 1, 2, 3 };
    return (struct bundle_item){ .kind = ITEM_TXN,
                                 .sealed = { .leaf = sample_hash(filler),
                                             .key_number = 1,
                                             .plain_bytes = 100,
                                             .body = bytes_of(body, sizeof(body)) } };
}

static struct bundle_item policy_item(void)
{
    return (struct bundle_item){ .kind = ITEM_POLICY,
                                 .mark = { 4, 2, sample_hash(0x61), sample_hash(0x62) } };
}

static struct bytes keys_encode(const uint64_t *numbers, unsigned count)
{
    static const uint8_t sealed[DATA_KEY_SEALED_BYTES] = { 9 };
    struct writer out = writer_of(key_space, sizeof(key_space));
    writer_array(&out, count);
    for (unsigned i = 0; i < count; i++) {
        writer_array(&out, 2);
        writer_uint(&out, numbers[i]);
        writer_bin(&out, bytes_of(sealed, sizeof(sealed)));
    }
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

/* Encodes items and signs a bundle of the normal lane from seq 5, highest 20. */
static enum err sign_items(const struct bundle_item *items, unsigned count, struct sample *ret)
{
    *ret = (struct sample){ .count = count, .before = sample_hash(0x10) };
    ret->context = (struct bundle_context){ SAMPLE_DISTRICT, SAMPLE_NODE, sample_id(0x0c),
                                            sample_sign_public(0x51) };
    ret->after = ret->before;
    struct writer out = writer_of(item_space, sizeof(item_space));
    writer_array(&out, count);
    for (unsigned i = 0; i < count; i++) {
        struct hash leaf;
        bundle_item_encode(&items[i], &out);
        bundle_item_leaf(&items[i], &leaf);
        chain_next(&ret->after, &leaf, &ret->after);
    }
    assert_int_equal(out.err, OK);
    ret->items = writer_bytes(&out);
    ret->keys = keys_encode((uint64_t[]){ 1, 3 }, 2);

    struct secret_key *device = sample_secret(0x21);
    struct writer raw = writer_of(bundle_space, sizeof(bundle_space));
    enum err err = bundle_sign(&ret->context, LANE_NORMAL, 5, 20, 4, 2, &ret->before, &ret->after,
                               count, ret->keys, ret->items, device, &raw);
    secret_key_close(&device);
    ret->raw = writer_bytes(&raw);
    return err;
}

static void sign_sample(struct sample *ret)
{
    struct bundle_item items[] = { txn_item(1), policy_item(), txn_item(2) };
    items[0].after_count = 2;
    items[0].after[0] = (struct after){ LANE_URGENT, 3 };
    items[0].after[1] = (struct after){ LANE_BULK, 70000 };
    assert_int_equal(sign_items(items, COUNT_OF(items), ret), OK);
}

static enum err verify(const struct sample *sample, struct hash *ret_after)
{
    struct public_key device = sample_sign_public(0x21);
    return bundle_verify(&bundle, &sample->context, &sample->before, &device, ret_after);
}

static void what_is_signed_reads_back_and_verifies(void **state)
{
    (void)state;
    struct sample sample;
    struct hash after;
    sign_sample(&sample);
    assert_int_equal(bundle_decode(sample.raw, &bundle), OK);
    assert_int_equal(verify(&sample, &after), OK);
    assert_true(hash_equal(&after, &sample.after));

    assert_int_equal(bundle.lane, LANE_NORMAL);
    assert_int_equal(bundle.first, 5);
    assert_int_equal(bundle.highest, 20);
    assert_int_equal(bundle.item_count, 3);
    assert_int_equal(bundle.key_count, 2);
    assert_int_equal(bundle.keys[1].number, 3);
    assert_int_equal(bundle.items[0].after_count, 2);
    assert_int_equal(bundle.items[0].after[1].lane, LANE_BULK);
    assert_int_equal(bundle.items[0].after[1].seq, 70000);
    assert_int_equal(bundle.items[1].kind, ITEM_POLICY);
    assert_int_equal(bundle.items[1].mark.trust_version, 4);
    assert_int_equal(bundle.items[2].sealed.body.len, 40);
    assert_memory_equal(bundle.head_tag, sample.before.at, HEAD_TAG_BYTES);
}

static void no_bit_of_a_bundle_can_be_changed(void **state)
{
    (void)state;
    struct sample sample;
    struct hash after;
    sign_sample(&sample);
    for (size_t bit = 0; bit < 8 * sample.raw.len; bit++) {
        bundle_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        enum err err = bundle_decode(sample.raw, &bundle);
        if (!err)
            err = verify(&sample, &after);
        if (!err)
            fail_msg("bit %zu does not matter", bit);
        bundle_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t len = 0; len < sample.raw.len; len++)
        assert_int_not_equal(bundle_decode(bytes_of(sample.raw.at, len), &bundle), OK);
}

static void a_checkpoint_binds_what_is_not_sent(void **state)
{
    (void)state;
    struct sample sample, other;
    struct hash after;
    sign_sample(&sample);
    assert_int_equal(bundle_decode(sample.raw, &bundle), OK);
    other = sample;
    other.context.district = "36.05";
    assert_int_equal(verify(&other, &after), ERR_SIGNATURE);
    other = sample;
    other.context.node = "36.04.28";
    assert_int_equal(verify(&other, &after), ERR_SIGNATURE);
    other = sample;
    other.context.incarnation.at[3] ^= 1;
    assert_int_equal(verify(&other, &after), ERR_SIGNATURE);
    other = sample;
    other.context.hub_key = sample_sign_public(0x52);
    assert_int_equal(verify(&other, &after), ERR_SIGNATURE);
    other = sample;
    other.before.at[31] ^= 1; /* behind the tag */
    assert_int_equal(verify(&other, &after), ERR_SIGNATURE);
    struct public_key stranger = sample_sign_public(0x22);
    assert_int_equal(bundle_verify(&bundle, &sample.context, &sample.before, &stranger, &after),
                     ERR_SIGNATURE);
}

static void another_head_before_is_told_from_a_bad_signature(void **state)
{
    (void)state;
    struct sample sample;
    struct hash after;
    sign_sample(&sample);
    assert_int_equal(bundle_decode(sample.raw, &bundle), OK);
    sample.before.at[0] ^= 1;
    assert_int_equal(verify(&sample, &after), ERR_STATE);
}

static enum err decode_items(const struct bundle_item *items, unsigned count)
{
    struct sample sample;
    assert_int_equal(sign_items(items, count, &sample), OK);
    return bundle_decode(sample.raw, &bundle);
}

static void after_names_other_lanes_in_order(void **state)
{
    (void)state;
    struct bundle_item item = txn_item(1);
    item.after_count = 1;
    item.after[0] = (struct after){ LANE_NORMAL, 3 };
    assert_int_equal(decode_items(&item, 1), ERR_MALFORMED);
    item.after[0] = (struct after){ LANE_URGENT, 0 };
    assert_int_equal(decode_items(&item, 1), ERR_MALFORMED);
    item.after[0] = (struct after){ LANE_URGENT, 1 };
    assert_int_equal(decode_items(&item, 1), OK);
    item.after_count = 2;
    item.after[1] = (struct after){ LANE_URGENT, 2 };
    assert_int_equal(decode_items(&item, 1), ERR_MALFORMED);
    item.after[0] = (struct after){ LANE_BULK, 2 };
    assert_int_equal(decode_items(&item, 1), ERR_MALFORMED);
}

static void items_out_of_range_are_refused(void **state)
{
    (void)state;
    struct bundle_item item = txn_item(1);
    item.sealed.key_number = 0;
    assert_int_equal(decode_items(&item, 1), ERR_MALFORMED);
    item = txn_item(1);
    item.sealed.plain_bytes = TRANSACTION_BYTES_MAX + 1;
    assert_int_equal(decode_items(&item, 1), ERR_MALFORMED);
    item = txn_item(1);
    item.sealed.body.len = AEAD_TAG_BYTES;
    assert_int_equal(decode_items(&item, 1), ERR_MALFORMED);
}

/* A bundle with another value at `index` of its array; unsigned, for the decoder only. */
static enum err decode_with(unsigned index, struct bytes value)
{
    static uint8_t again[sizeof(bundle_space)];
    struct sample sample;
    sign_sample(&sample);
    struct reader in = reader_of(sample.raw);
    struct writer out = writer_of(again, sizeof(again));
    writer_array(&out, reader_array(&in));
    for (unsigned i = 0; i < 10; i++) {
        struct bytes raw = reader_raw(&in);
        writer_raw(&out, i == index ? value : raw);
    }
    assert_int_equal(out.err, OK);
    return bundle_decode(writer_bytes(&out), &bundle);
}

static enum err decode_with_keys(const uint64_t *numbers, unsigned count)
{
    uint8_t keep[sizeof(key_space)]; /* decode_with encodes keys of its own */
    struct bytes keys = keys_encode(numbers, count);
    memcpy(keep, keys.at, keys.len);
    return decode_with(8, bytes_of(keep, keys.len));
}

static void a_bundle_has_a_place_and_a_content(void **state)
{
    (void)state;
    static const uint8_t number[] = { 0x00, 0x02, 0x03, 0x06, 0x07, 0x90 };
    assert_int_equal(decode_with(0, bytes_of(&number[1], 1)), ERR_VERSION);
    assert_int_equal(decode_with(1, bytes_of(&number[2], 1)), ERR_MALFORMED); /* no such lane */
    assert_int_equal(decode_with(2, bytes_of(&number[0], 1)), ERR_MALFORMED); /* seqs begin at 1 */
    assert_int_equal(decode_with(3, bytes_of(&number[3], 1)), ERR_MALFORMED); /* 5..7 is above 6 */
    assert_int_equal(decode_with(3, bytes_of(&number[4], 1)), OK);
    assert_int_equal(decode_with(8, bytes_of(&number[5], 1)), OK);            /* no new keys */
    assert_int_equal(decode_with(9, bytes_of(&number[5], 1)), ERR_MALFORMED); /* no items */
    assert_int_equal(decode_with_keys((uint64_t[]){ 1, 2 }, 2), OK);
    assert_int_equal(decode_with_keys((uint64_t[]){ 2, 2 }, 2), ERR_MALFORMED);
    assert_int_equal(decode_with_keys((uint64_t[]){ 2, 1 }, 2), ERR_MALFORMED);
    assert_int_equal(decode_with_keys((uint64_t[]){ 0 }, 1), ERR_MALFORMED);
    uint64_t many[BUNDLE_KEYS_MAX + 1];
    for (unsigned i = 0; i < COUNT_OF(many); i++)
        many[i] = i + 1;
    assert_int_equal(decode_with_keys(many, BUNDLE_KEYS_MAX), OK);
    assert_int_equal(decode_with_keys(many, BUNDLE_KEYS_MAX + 1), ERR_LIMIT);
    static const uint8_t future[] = { 0x91, 0x92, 0x03, 0x00 };
    assert_int_equal(decode_with(9, bytes_of(future, sizeof(future))), ERR_VERSION);
}

static void a_bundle_over_its_size_is_refused(void **state)
{
    (void)state;
    static uint8_t big[BUNDLE_BYTES_MAX + 1];
    assert_int_equal(bundle_decode(bytes_of(big, sizeof(big)), &bundle), ERR_LIMIT);

    struct sample sample;
    sign_sample(&sample);
    struct secret_key *device = sample_secret(0x21);
    struct writer out = writer_of(bundle_space, sizeof(bundle_space));
    assert_int_equal(bundle_sign(&sample.context, LANE_NORMAL, 1, 3, 1, 1, &sample.before,
                                 &sample.after, 3, sample.keys, bytes_of(big, BUNDLE_BYTES_MAX),
                                 device, &out),
                     ERR_LIMIT);
    struct writer small = writer_of(bundle_space, 100);
    assert_int_equal(bundle_sign(&sample.context, LANE_NORMAL, 1, 3, 1, 1, &sample.before,
                                 &sample.after, 3, sample.keys, sample.items, device, &small),
                     ERR_LIMIT);
    secret_key_close(&device);
}

static void a_tag_names_a_bundle(void **state)
{
    (void)state;
    uint8_t one[BUNDLE_TAG_BYTES], two[BUNDLE_TAG_BYTES];
    bundle_tag(bytes_text("one"), one);
    bundle_tag(bytes_text("two"), two);
    assert_memory_not_equal(one, two, BUNDLE_TAG_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_reads_back_and_verifies),
        cmocka_unit_test(no_bit_of_a_bundle_can_be_changed),
        cmocka_unit_test(a_checkpoint_binds_what_is_not_sent),
        cmocka_unit_test(another_head_before_is_told_from_a_bad_signature),
        cmocka_unit_test(after_names_other_lanes_in_order),
        cmocka_unit_test(items_out_of_range_are_refused),
        cmocka_unit_test(a_bundle_has_a_place_and_a_content),
        cmocka_unit_test(a_bundle_over_its_size_is_refused),
        cmocka_unit_test(a_tag_names_a_bundle),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
