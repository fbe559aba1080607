#include "tests/unit/proto_samples.h"

#include "proto/txn.h"

static uint8_t change_space[256 * 1024];
static uint8_t txn_space[TRANSACTION_BYTES_MAX + 4096];
static struct txn txn, decoded;

/* Signs the sample; the bytes stay in txn_space. */
static struct bytes sign_sample(struct hash *ret_leaf)
{
    struct writer changes = writer_of(change_space, sizeof(change_space));
    struct writer out = writer_of(txn_space, sizeof(txn_space));
    struct secret_key *seed = sample_secret(0x31);
    sample_txn(&txn, &changes);
    assert_int_equal(txn_sign(&txn, SAMPLE_DISTRICT, seed, &out, ret_leaf), OK);
    secret_key_close(&seed);
    return writer_bytes(&out);
}

static void what_is_signed_reads_back_and_verifies(void **state)
{
    (void)state;
    struct hash leaf, again;
    struct bytes raw = sign_sample(&leaf);
    struct public_key key = sample_sign_public(0x31);
    assert_int_equal(txn_decode(raw, &decoded), OK);
    assert_int_equal(txn_verify(&decoded, SAMPLE_DISTRICT, &key, &leaf), OK);
    txn_leaf(&decoded, SAMPLE_DISTRICT, &key, &again);
    assert_true(hash_equal(&leaf, &again));

    assert_int_equal(decoded.operator_number, 3);
    assert_int_equal(decoded.trust_version, 5);
    assert_int_equal(decoded.rules_version, 2);
    assert_true(decoded.claimed_ms == 1790000000123);
    assert_int_equal(decoded.change_count, 4);
    assert_int_equal(decoded.changes[0].op, OP_CREATE);
    assert_int_equal(decoded.changes[0].number, 417);
    assert_false(decoded.changes[0].has_base);
    assert_true(bytes_is(decoded.changes[1].collection, "orang"));
    assert_int_equal(decoded.changes[1].base.rev, 70000);
    assert_false(decoded.changes[1].base.has_leaf);
    assert_int_equal(decoded.changes[2].group, 1);
    assert_true(decoded.changes[2].base.has_leaf);
    struct id conflict = sample_id(0x05);
    assert_true(id_equal(&decoded.changes[3].conflict, &conflict));
}

static void fields_are_found_by_name(void **state)
{
    (void)state;
    struct hash leaf;
    assert_int_equal(txn_decode(sign_sample(&leaf), &decoded), OK);
    struct bytes fields = decoded.changes[0].fields;
    struct reader in = reader_of(fields_get(fields, bytes_text("nama")));
    assert_true(bytes_is(reader_str(&in), "Siti"));
    assert_null(fields_get(fields, bytes_text("nam")).at);
    assert_null(fields_get(sample_no_fields(), bytes_text("nama")).at);
    size_t count = 0;
    struct bytes name, value;
    for (struct field_iter iter = fields_of(fields); fields_next(&iter, &name, &value);)
        count++;
    assert_int_equal(count, 2);
}

/* Whatever is altered on the way: it does not decode, or does not verify. */
static void no_bit_of_a_transaction_can_be_changed(void **state)
{
    (void)state;
    struct hash leaf;
    struct bytes raw = sign_sample(&leaf);
    struct public_key key = sample_sign_public(0x31);
    uint8_t *bits = malloc(raw.len);
    assert_non_null(bits);
    for (size_t bit = 0; bit < 8 * raw.len; bit++) {
        memcpy(bits, raw.at, raw.len);
        bits[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (txn_decode(bytes_of(bits, raw.len), &decoded))
            continue;
        /* The operator's number says which key to take: another one leads to another key. */
        if (decoded.operator_number != 3)
            continue;
        assert_int_equal(txn_verify(&decoded, SAMPLE_DISTRICT, &key, &leaf), ERR_SIGNATURE);
    }
    for (size_t len = 0; len < raw.len; len++)
        assert_int_not_equal(txn_decode(bytes_of(raw.at, len), &decoded), OK);
    free(bits);
}

static void a_signature_holds_for_its_district_key_and_leaf(void **state)
{
    (void)state;
    struct hash leaf, other = sample_hash(1);
    assert_int_equal(txn_decode(sign_sample(&leaf), &decoded), OK);
    struct public_key key = sample_sign_public(0x31), stranger = sample_sign_public(0x32);
    assert_int_equal(txn_verify(&decoded, "36.05", &key, &leaf), ERR_SIGNATURE);
    assert_int_equal(txn_verify(&decoded, SAMPLE_DISTRICT, &stranger, &leaf), ERR_SIGNATURE);
    assert_int_equal(txn_verify(&decoded, SAMPLE_DISTRICT, &key, &other), ERR_SIGNATURE);
    /* The leaf is right for what it holds, but nobody signed that. */
    decoded.claimed_ms++;
    txn_leaf(&decoded, SAMPLE_DISTRICT, &key, &other);
    assert_int_equal(txn_verify(&decoded, SAMPLE_DISTRICT, &key, &other), ERR_SIGNATURE);
}

static void a_commitment_hides_and_binds(void **state)
{
    (void)state;
    uint8_t seed[SEED_BYTES] = { 1 }, other_seed[SEED_BYTES] = { 2 };
    struct hash one, two;
    txn_commitment(seed, 0, bytes_text("change"), &one);
    txn_commitment(other_seed, 0, bytes_text("change"), &two);
    assert_false(hash_equal(&one, &two));
    txn_commitment(seed, 1, bytes_text("change"), &two);
    assert_false(hash_equal(&one, &two));
    txn_commitment(seed, 0, bytes_text("Change"), &two);
    assert_false(hash_equal(&one, &two));
}

/* --- form ------------------------------------------------------------------------- */

static struct change plain_update(struct writer *space)
{
    return (struct change){ .op = OP_UPDATE,
                            .collection = bytes_text("orang"),
                            .record = sample_id(9),
                            .has_base = true,
                            .base = { .epoch = 1, .rev = 1 },
                            .fields = sample_fields(space, "x") };
}

static enum err form_of(const struct change *change)
{
    uint8_t space[CHANGE_BYTES_MAX + 256];
    struct writer out = writer_of(space, sizeof(space));
    struct change back;
    change_encode(change, &out);
    assert_int_equal(out.err, OK);
    return change_decode(writer_bytes(&out), &back);
}

static void a_change_has_the_parts_of_its_kind(void **state)
{
    (void)state;
    struct writer space = writer_of(change_space, sizeof(change_space));
    struct change good = plain_update(&space), bad = good;
    assert_int_equal(form_of(&good), OK);

    bad.has_base = false;
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad = good;
    bad.base = (struct base){ .epoch = 0, .rev = 0 };
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad.base.has_leaf = true;
    assert_int_equal(form_of(&bad), OK);
    bad.base = (struct base){ .epoch = 0, .rev = 5, .has_leaf = true };
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad = good;
    bad.collection = bytes_text("");
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad = good;
    bad.record = sample_id(0);
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad = good;
    bad.fields = sample_no_fields();
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad.op = OP_DELETE;
    assert_int_equal(form_of(&bad), OK);
    bad.fields = good.fields;
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad = good;
    bad.op = OP_CREATE;
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad.has_base = false;
    assert_int_equal(form_of(&bad), OK);
    static const uint8_t unnamed[] = { 0x81, 0xa0, 0xc3 };
    bad = good;
    bad.fields = bytes_of(unnamed, sizeof(unnamed));
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
    bad.op = OP_RESOLVE;
    assert_int_equal(form_of(&bad), ERR_MALFORMED); /* no conflict is named */
    bad.conflict = sample_id(1);
    assert_int_equal(form_of(&bad), OK);
    bad.fields = good.fields; /* two fields: a conflict is about one */
    assert_int_equal(form_of(&bad), ERR_MALFORMED);
}

static void a_change_stays_within_its_limits(void **state)
{
    (void)state;
    struct writer space = writer_of(change_space, sizeof(change_space));
    struct change change = plain_update(&space);
    for (unsigned count = FIELDS_PER_CHANGE_MAX; count <= FIELDS_PER_CHANGE_MAX + 1; count++) {
        struct writer fields = writer_of(change_space, sizeof(change_space));
        writer_map(&fields, count);
        for (unsigned i = 0; i < count; i++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "f%03u", i);
            writer_text(&fields, name);
            writer_nil(&fields);
        }
        change.fields = writer_bytes(&fields);
        assert_int_equal(form_of(&change), count <= FIELDS_PER_CHANGE_MAX ? OK : ERR_LIMIT);
    }
    static uint8_t big[CHANGE_BYTES_MAX];
    struct writer fields = writer_of(change_space, sizeof(change_space));
    writer_map(&fields, 1);
    writer_text(&fields, "f");
    writer_bin(&fields, bytes_of(big, sizeof(big)));
    change.fields = writer_bytes(&fields);
    assert_int_equal(form_of(&change), ERR_LIMIT);
}

/* Signs `count` updates of records 0, 1, … in the groups given; `twice` repeats the first. */
static enum err sign_groups(const unsigned *groups, unsigned count, bool twice)
{
    struct writer changes = writer_of(change_space, sizeof(change_space));
    struct writer out = writer_of(txn_space, sizeof(txn_space));
    struct secret_key *seed = sample_secret(0x31);
    struct hash leaf;
    txn = (struct txn){ .operator_number = 1, .request = sample_id(1) };
    for (unsigned i = 0; i < count; i++) {
        struct change change = plain_update(&changes);
        change.group = groups[i];
        change.record = sample_id(0x80);
        change.record.at[0] = (uint8_t)(twice && i + 1 == count ? 0 : i);
        sample_change(&txn, change, &changes);
    }
    enum err err = txn_sign(&txn, SAMPLE_DISTRICT, seed, &out, &leaf);
    if (!err)
        assert_int_equal(txn_decode(writer_bytes(&out), &decoded), OK);
    secret_key_close(&seed);
    return err;
}

static void groups_begin_at_zero_and_leave_no_gap(void **state)
{
    (void)state;
    assert_int_equal(sign_groups((unsigned[]){ 0, 0, 1, 2, 2 }, 5, false), OK);
    assert_int_equal(sign_groups((unsigned[]){ 1 }, 1, false), ERR_MALFORMED);
    assert_int_equal(sign_groups((unsigned[]){ 0, 2 }, 2, false), ERR_MALFORMED);
    assert_int_equal(sign_groups((unsigned[]){ 0, 1, 0 }, 3, false), ERR_MALFORMED);
}

static void a_record_is_touched_at_most_once(void **state)
{
    (void)state;
    assert_int_equal(sign_groups((unsigned[]){ 0, 1, 2 }, 3, false), OK);
    assert_int_equal(sign_groups((unsigned[]){ 0, 1, 2 }, 3, true), ERR_MALFORMED);
}

static void a_transaction_holds_1_to_256_changes(void **state)
{
    (void)state;
    static unsigned groups[CHANGES_PER_TRANSACTION_MAX];
    for (unsigned i = 0; i < COUNT_OF(groups); i++)
        groups[i] = i;
    assert_int_equal(sign_groups(groups, CHANGES_PER_TRANSACTION_MAX, false), OK);
    assert_int_equal(decoded.change_count, CHANGES_PER_TRANSACTION_MAX);
    assert_int_equal(sign_groups(groups, 0, false), ERR_LIMIT);
}

/* Takes the sample apart and writes it again with one item replaced. */
static enum err decode_with(unsigned index, struct bytes item)
{
    static uint8_t again[sizeof(txn_space)];
    struct hash leaf;
    struct reader in = reader_of(sign_sample(&leaf));
    struct writer out = writer_of(again, sizeof(again));
    size_t count = reader_array(&in);
    writer_array(&out, count);
    for (unsigned i = 0; i < count; i++) {
        struct bytes raw = reader_raw(&in);
        writer_raw(&out, i == index ? item : raw);
    }
    assert_int_equal(out.err, OK);
    return txn_decode(writer_bytes(&out), &decoded);
}

static void what_a_newer_program_writes_is_told_from_damage(void **state)
{
    (void)state;
    static const uint8_t two[] = { 0x02 }, zero[] = { 0x00 }, one_item[] = { 0x91, 0x01 },
                         none[] = { 0x90 };
    assert_int_equal(decode_with(0, bytes_of(two, 1)), ERR_VERSION);
    assert_int_equal(decode_with(9, bytes_of(one_item, 2)), ERR_MALFORMED);
    assert_int_equal(decode_with(9, bytes_of(none, 1)), OK);
    assert_int_equal(decode_with(1, bytes_of(zero, 1)), ERR_MALFORMED);
    assert_int_equal(decode_with(7, bytes_of(none, 1)), ERR_MALFORMED);
}

/* [[number, signature of the leaf by a key of that number] …] */
static struct bytes countersignatures(const struct hash *leaf, const uint32_t *numbers,
                                      unsigned count)
{
    static uint8_t space[16 * COUNTERSIGNATURE_BYTES_MAX];
    struct writer out = writer_of(space, sizeof(space));
    writer_array(&out, count);
    for (unsigned i = 0; i < count; i++) {
        struct countersignature one;
        struct secret_key *key = sample_secret((uint8_t)numbers[i]);
        txn_countersign(leaf, numbers[i], key, &one);
        secret_key_close(&key);
        writer_array(&out, 2);
        writer_uint(&out, one.operator_number);
        writer_bin(&out, bytes_of(one.signature.at, SIGNATURE_BYTES));
    }
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

static void countersigners_ascend_and_none_is_the_author(void **state)
{
    (void)state;
    struct hash leaf;
    (void)sign_sample(&leaf);
    assert_int_equal(decode_with(9, countersignatures(&leaf, (uint32_t[]){ 1, 2, 4, 5 }, 4)), OK);
    assert_int_equal(decode_with(9, countersignatures(&leaf, (uint32_t[]){ 1, 2, 4, 5, 6 }, 5)),
                     ERR_LIMIT);
    assert_int_equal(decode_with(9, countersignatures(&leaf, (uint32_t[]){ 2, 1 }, 2)),
                     ERR_MALFORMED);
    assert_int_equal(decode_with(9, countersignatures(&leaf, (uint32_t[]){ 2, 2 }, 2)),
                     ERR_MALFORMED);
    assert_int_equal(decode_with(9, countersignatures(&leaf, (uint32_t[]){ 3 }, 1)),
                     ERR_MALFORMED); /* operator 3 wrote it */
    assert_int_equal(decode_with(9, countersignatures(&leaf, (uint32_t[]){ 0 }, 1)), ERR_MALFORMED);
}

static void a_countersignature_is_added_and_the_leaf_stays(void **state)
{
    (void)state;
    static uint8_t spaces[COUNTERSIGNATURES_MAX + 1][sizeof(txn_space)];
    static const uint32_t order[] = { 9, 1, 70000, 4, 5 };
    struct public_key author = sample_sign_public(0x31), nine = sample_sign_public(9);
    struct hash leaf, other = { { 0 } };
    struct bytes raw = sign_sample(&leaf);
    for (unsigned i = 0; i < COUNT_OF(order); i++) {
        struct countersignature one;
        struct writer out = writer_of(spaces[i], sizeof(spaces[i]));
        struct secret_key *key = sample_secret((uint8_t)order[i]);
        txn_countersign(&leaf, order[i], key, &one);
        secret_key_close(&key);
        assert_int_equal(txn_decode(raw, &decoded), OK);
        enum err err = txn_add_countersignature(raw, &decoded, &one, &out);
        assert_int_equal(err, i < COUNTERSIGNATURES_MAX ? OK : ERR_LIMIT);
        if (err == OK)
            raw = writer_bytes(&out);
    }
    assert_int_equal(txn_decode(raw, &decoded), OK);
    assert_int_equal(decoded.countersignature_count, COUNTERSIGNATURES_MAX);
    assert_int_equal(decoded.countersignatures[0].operator_number, 1);
    assert_int_equal(decoded.countersignatures[3].operator_number, 70000);
    assert_int_equal(txn_verify(&decoded, SAMPLE_DISTRICT, &author, &leaf), OK);
    const struct countersignature *of_nine = &decoded.countersignatures[2];
    assert_int_equal(of_nine->operator_number, 9);
    assert_true(countersignature_verify(of_nine, &leaf, &nine));
    assert_false(countersignature_verify(of_nine, &leaf, &author));
    assert_false(countersignature_verify(of_nine, &other, &nine));

    struct writer out = writer_of(spaces[4], sizeof(spaces[4]));
    struct countersignature again = *of_nine;
    decoded.countersignature_count = 3;
    assert_int_equal(txn_add_countersignature(raw, &decoded, &again, &out), ERR_STATE);
    again.operator_number = decoded.operator_number;
    assert_int_equal(txn_add_countersignature(raw, &decoded, &again, &out), ERR_STATE);
}

static void a_transaction_over_its_size_is_refused(void **state)
{
    (void)state;
    memset(txn_space, 0xc0, sizeof(txn_space));
    assert_int_equal(txn_decode(bytes_of(txn_space, TRANSACTION_BYTES_MAX + 1), &decoded),
                     ERR_LIMIT);

    /* 17 changes of 31 KiB are each within their limit and together over the other. */
    static uint8_t changes[17 * CHANGE_BYTES_MAX], fields[CHANGE_BYTES_MAX], big[31 * 1024];
    struct writer space = writer_of(changes, sizeof(changes));
    struct writer map = writer_of(fields, sizeof(fields));
    struct writer out = writer_of(txn_space, sizeof(txn_space));
    struct secret_key *seed = sample_secret(0x31);
    struct hash leaf;
    writer_map(&map, 1);
    writer_text(&map, "f");
    writer_bin(&map, bytes_of(big, sizeof(big)));
    txn = (struct txn){ .operator_number = 1 };
    for (unsigned i = 0; i < 17; i++) {
        struct change change = { .op = OP_CREATE,
                                 .collection = bytes_text("orang"),
                                 .record = sample_id((uint8_t)(i + 1)),
                                 .fields = writer_bytes(&map) };
        sample_change(&txn, change, &space);
    }
    assert_int_equal(txn_sign(&txn, SAMPLE_DISTRICT, seed, &out, &leaf), ERR_LIMIT);
    secret_key_close(&seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_signed_reads_back_and_verifies),
        cmocka_unit_test(fields_are_found_by_name),
        cmocka_unit_test(no_bit_of_a_transaction_can_be_changed),
        cmocka_unit_test(a_signature_holds_for_its_district_key_and_leaf),
        cmocka_unit_test(a_commitment_hides_and_binds),
        cmocka_unit_test(a_change_has_the_parts_of_its_kind),
        cmocka_unit_test(a_change_stays_within_its_limits),
        cmocka_unit_test(groups_begin_at_zero_and_leave_no_gap),
        cmocka_unit_test(a_record_is_touched_at_most_once),
        cmocka_unit_test(a_transaction_holds_1_to_256_changes),
        cmocka_unit_test(what_a_newer_program_writes_is_told_from_damage),
        cmocka_unit_test(countersigners_ascend_and_none_is_the_author),
        cmocka_unit_test(a_countersignature_is_added_and_the_leaf_stays),
        cmocka_unit_test(a_transaction_over_its_size_is_refused),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
