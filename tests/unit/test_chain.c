#include "tests/unit/proto_samples.h"

#include "proto/chain.h"

static void a_genesis_binds_district_node_incarnation_and_lane(void **state)
{
    (void)state;
    struct id one = sample_id(1), two = sample_id(2);
    struct hash heads[5];
    chain_genesis(SAMPLE_DISTRICT, SAMPLE_NODE, &one, LANE_NORMAL, &heads[0]);
    chain_genesis("36.05", SAMPLE_NODE, &one, LANE_NORMAL, &heads[1]);
    chain_genesis(SAMPLE_DISTRICT, "36.04.28", &one, LANE_NORMAL, &heads[2]);
    chain_genesis(SAMPLE_DISTRICT, SAMPLE_NODE, &two, LANE_NORMAL, &heads[3]);
    chain_genesis(SAMPLE_DISTRICT, SAMPLE_NODE, &one, LANE_BULK, &heads[4]);
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(hash_equal(&heads[i], &heads[k]));
    }
    /* Written out by hand: ["36.04", "36.04.29", bin 16, 1]. */
    static const char *const hex = "94a533362e3034a833362e30342e3239"
                                   "c41001010101010101010101010101010101"
                                   "01";
    uint8_t input[35];
    assert_true(crypto_unhex(bytes_text(hex), input, sizeof(input)));
    struct bytes whole = bytes_of(input, sizeof(input));
    struct hash expected;
    crypto_hash("genesis", &whole, 1, &expected);
    assert_true(hash_equal(&heads[0], &expected));
}

static void a_head_depends_on_every_leaf_and_their_order(void **state)
{
    (void)state;
    struct hash start = sample_hash(0), a = sample_hash(1), b = sample_hash(2);
    struct hash ab, ba, expected;
    chain_next(&start, &a, &ab);
    chain_next(&ab, &b, &ab);
    chain_next(&start, &b, &ba);
    chain_next(&ba, &a, &ba);
    assert_false(hash_equal(&ab, &ba));

    struct bytes parts[] = { bytes_hash(&start), bytes_hash(&a) };
    crypto_hash("head", parts, 2, &expected);
    parts[0] = bytes_hash(&expected);
    parts[1] = bytes_hash(&b);
    struct hash second;
    crypto_hash("head", parts, 2, &second);
    assert_true(hash_equal(&ab, &second));
}

static void a_policy_leaf_names_both_parts_and_their_hashes(void **state)
{
    (void)state;
    struct policy_mark mark = { 3, 4, sample_hash(3), sample_hash(4) };
    struct hash leaf, other;
    chain_policy_leaf(&mark, &leaf);
    for (unsigned i = 0; i < 4; i++) {
        struct policy_mark changed = mark;
        if (i == 0)
            changed.trust_version++;
        else if (i == 1)
            changed.rules_version++;
        else if (i == 2)
            changed.trust_hash.at[31] ^= 1;
        else
            changed.rules_hash.at[0] ^= 1;
        chain_policy_leaf(&changed, &other);
        assert_false(hash_equal(&leaf, &other));
    }
}

static void a_policy_mark_reads_back(void **state)
{
    (void)state;
    struct policy_mark mark = { 3, 70000, sample_hash(3), sample_hash(4) }, back;
    uint8_t space[128];
    struct writer out = writer_of(space, sizeof(space));
    policy_mark_encode(&mark, &out);
    assert_int_equal(codec_scan(writer_bytes(&out)), OK);
    struct reader in = reader_of(writer_bytes(&out));
    policy_mark_decode(&in, &back);
    assert_int_equal(reader_end(&in), OK);
    assert_memory_equal(&mark, &back, sizeof(mark));
}

static void the_journal_has_a_beginning_of_its_own_district(void **state)
{
    (void)state;
    struct hash one, two, next, other;
    journal_genesis(SAMPLE_DISTRICT, &one);
    journal_genesis("36.05", &two);
    assert_false(hash_equal(&one, &two));
    journal_next(&one, bytes_text("entry"), &next);
    journal_next(&two, bytes_text("entry"), &other);
    assert_false(hash_equal(&next, &other));
    struct hash in_place = one;
    journal_next(&in_place, bytes_text("entry"), &in_place);
    assert_true(hash_equal(&in_place, &next));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_genesis_binds_district_node_incarnation_and_lane),
        cmocka_unit_test(a_head_depends_on_every_leaf_and_their_order),
        cmocka_unit_test(a_policy_leaf_names_both_parts_and_their_hashes),
        cmocka_unit_test(a_policy_mark_reads_back),
        cmocka_unit_test(the_journal_has_a_beginning_of_its_own_district),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
