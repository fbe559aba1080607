#include "tests/unit/trust_samples.h"
#include "tests/unit/same_hub.h"

/* --- the first statement
 * -------------------------------------------------------------------------- */

static void the_first_statement_founds_root_signers_and_hub(void **state)
{
    (void)state;
    struct trust trust;
    found(&trust);
    assert_int_equal(trust.version, 1);
    assert_string_equal(trust.district, SAMPLE_DISTRICT);
    assert_int_equal(trust.root.threshold, 2);
    assert_int_equal(trust.root.count, 3);
    assert_int_equal(trust.signers.count, 2);
    assert_string_equal(trust.signers.list[1].name, "officer 18");
    struct trust_hub hub = hub_sample();
    assert_same_hub(&trust.hub, &hub);
    assert_int_equal(trust.epoch, 1);
    trust_close(&trust);
    trust_close(NULL);
}

static void the_first_statement_needs_its_own_root_threshold(void **state)
{
    (void)state;
    struct trust trust;
    trust_open(&trust);
    struct ops ops = founding_ops();
    assert_int_equal(apply_ops(&trust, &ops, "\x01"), ERR_SIGNATURE);
    assert_int_equal(apply_ops(&trust, &ops, ""), ERR_SIGNATURE);
    assert_int_equal(apply_ops(&trust, &ops, "\x01\x01"), ERR_MALFORMED);
    assert_int_equal(apply_ops(&trust, &ops, "\x11\x12"), ERR_SIGNATURE);
    assert_int_equal(apply_ops(&trust, &ops, "\x01\x02\x44"), ERR_SIGNATURE);
    assert_int_equal(trust.version, 0);
    assert_int_equal(apply_ops(&trust, &ops, "\x03\x01\x02"), OK);
    trust_close(&trust);
}

static void the_first_statement_holds_the_pinned_root_key(void **state)
{
    (void)state;
    struct trust trust;
    trust_open(&trust);
    struct ops ops = founding_ops();
    struct bytes raw = sign_after(&trust, ops_end(&ops), "\x01\x02");
    struct public_key stranger = sample_sign_public(0x44), pin = sample_sign_public(0x03);
    struct problem problem;
    assert_int_equal(trust_apply(&trust, raw, &stranger, &problem), ERR_DENIED);
    assert_string_equal(problem.thing, "trust statement 1");
    assert_int_equal(trust_apply(&trust, raw, &pin, &problem), OK);
    trust_close(&trust);
}

static void the_first_statement_names_all_three(void **state)
{
    (void)state;
    struct signer_list root = signers(1, "\x01"), list = signers(1, "\x11");
    struct trust_hub hub = hub_sample();
    for (unsigned missing = 0; missing < 3; missing++) {
        struct trust trust;
        struct ops ops = ops_start();
        trust_open(&trust);
        ops.count = 2;
        if (missing != 0)
            trust_op_signers(&ops.out, TRUST_ROOT, &root);
        if (missing != 1)
            trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
        if (missing != 2)
            trust_op_hub(&ops.out, &hub);
        assert_int_equal(apply_ops(&trust, &ops, "\x01"), ERR_MALFORMED);
        trust_close(&trust);
    }
}

/* --- order
 * ---------------------------------------------------------------------------------------- */

static void statements_apply_in_order_and_once(void **state)
{
    (void)state;
    struct trust trust;
    struct ops ops = ops_start();
    struct trust_node node = node_sample("36.04.29", 0x21);
    found(&trust);
    trust_op_node(&ops.out, &node);
    ops.count = 1;

    struct trust later = trust;
    later.version = 2;
    struct hash before = fingerprint(&trust);
    assert_int_equal(trust_apply(&trust, sign_after(&later, ops_end(&ops), "\x11\x12"), NULL, NULL),
                     ERR_STATE); /* a gap */
    later = trust;
    later.hash.at[0] ^= 1;
    assert_int_equal(trust_apply(&trust, sign_after(&later, ops_end(&ops), "\x11\x12"), NULL, NULL),
                     ERR_STATE); /* another predecessor */
    struct hash after = fingerprint(&trust);
    assert_true(hash_equal(&before, &after));

    struct bytes raw = sign_after(&trust, ops_end(&ops), "\x11\x12");
    assert_int_equal(trust_apply(&trust, raw, NULL, NULL), OK);
    assert_int_equal(trust.version, 2);
    assert_int_equal(trust_apply(&trust, raw, NULL, NULL), ERR_STATE); /* again */
    assert_int_equal(trust.version, 2);
    trust_close(&trust);
}

static void another_district_is_refused(void **state)
{
    (void)state;
    struct trust trust;
    struct ops ops = ops_start();
    struct secret_key *keys[] = { sample_secret(0x11), sample_secret(0x12) };
    struct writer out = writer_of(signed_space, sizeof(signed_space));
    found(&trust);
    trust_op_epoch(&ops.out, 2, 1, &trust.hash);
    ops.count = 1;
    assert_int_equal(trust_sign("36.05", 2, &trust.hash, 1, ops_end(&ops),
                                (const struct secret_key *const *)keys, 2, &out),
                     OK);
    assert_int_equal(trust_apply(&trust, writer_bytes(&out), NULL, NULL), ERR_DENIED);
    secret_key_close(&keys[0]);
    secret_key_close(&keys[1]);
    trust_close(&trust);
}

/* --- who may decide what
 * -------------------------------------------------------------------------- */

static void daily_decisions_need_the_signers_or_the_root(void **state)
{
    (void)state;
    static const struct {
        const char *fillers;
        enum err err;
    } cases[] = {
        { "\x11", ERR_SIGNATURE },
        { "\x11\x01", ERR_SIGNATURE },
        { "\x11\x11", ERR_MALFORMED },
        { "\x11\x12\x44", ERR_SIGNATURE },
        { "\x44\x45", ERR_SIGNATURE },
        { "", ERR_SIGNATURE },
        { "\x12\x11", OK },
        { "\x01\x03", OK },
        { "\x11\x12\x01", OK },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trust trust;
        struct ops ops = ops_start();
        struct trust_node node = node_sample("36.04.29", 0x21);
        found(&trust);
        trust_op_node(&ops.out, &node);
        ops.count = 1;
        if (apply_ops(&trust, &ops, cases[i].fillers) != cases[i].err)
            fail_msg("case %zu", i);
        assert_int_equal(trust.node_count, cases[i].err ? 0 : 1);
        trust_close(&trust);
    }
}

static void signers_root_and_hub_keys_need_the_root(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 6; which++) {
        struct trust trust;
        struct ops ops = ops_start();
        struct signer_list list = signers(1, "\x14");
        struct trust_hub hub = hub_sample();
        found(&trust);
        if (which == 1)
            hub.sign_key = sample_sign_public(0x54);
        if (which == 2) {
            hub.seal_key = sample_box_public(0x55);
            hub.seal_number = 2;
        }
        if (which == 3)
            hub.curve_key = sample_box_public(0x56);
        if (which == 4)
            trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
        else if (which == 5)
            trust_op_signers(&ops.out, TRUST_ROOT, &list);
        else
            trust_op_hub(&ops.out, &hub);
        ops.count = 1;
        /* Case 0: the same keys with other endpoints is a daily decision. */
        assert_int_equal(apply_ops(&trust, &ops, "\x11\x12"), which == 0 ? OK : ERR_SIGNATURE);
        assert_int_equal(apply_ops(&trust, &ops, "\x11\x12\x01"), which == 0 ? OK : ERR_SIGNATURE);
        assert_int_equal(apply_ops(&trust, &ops, "\x01\x02"), OK);
        trust_close(&trust);
    }
}

/* Hidden behind a daily decision it needs the root all the same. */
static void a_mixed_statement_needs_the_most_of_all(void **state)
{
    (void)state;
    struct trust trust;
    struct ops ops = ops_start();
    struct trust_node node = node_sample("36.04.29", 0x21);
    struct signer_list list = signers(1, "\x44");
    found(&trust);
    trust_op_node(&ops.out, &node);
    trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
    ops.count = 2;
    assert_int_equal(apply_ops(&trust, &ops, "\x11\x12"), ERR_SIGNATURE);
    assert_int_equal(trust.node_count, 0);
    assert_int_equal(apply_ops(&trust, &ops, "\x01\x02"), OK);
    /* From now on the new signer alone decides. */
    trust_op_epoch(one_op(), 2, 1, &trust.hash);
    assert_int_equal(apply_one(&trust), ERR_SIGNATURE);
    struct ops epoch = ops_start();
    trust_op_epoch(&epoch.out, 2, 1, &trust.hash);
    epoch.count = 1;
    assert_int_equal(apply_ops(&trust, &epoch, "\x44"), OK);
    trust_close(&trust);
}

static void no_bit_of_a_statement_can_be_changed(void **state)
{
    (void)state;
    struct trust trust;
    struct ops ops = ops_start();
    struct trust_node node = node_sample("36.04.29", 0x21);
    found(&trust);
    trust_op_node(&ops.out, &node);
    ops.count = 1;
    struct bytes raw = sign_after(&trust, ops_end(&ops), "\x11\x12");
    struct hash before = fingerprint(&trust);
    for (size_t bit = 0; bit < 8 * raw.len; bit++) {
        signed_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (trust_apply(&trust, raw, NULL, NULL) == OK)
            fail_msg("bit %zu does not matter", bit);
        signed_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t len = 0; len < raw.len; len++)
        assert_int_not_equal(trust_apply(&trust, bytes_of(raw.at, len), NULL, NULL), OK);
    struct hash after = fingerprint(&trust);
    assert_true(hash_equal(&before, &after));
    assert_int_equal(trust_apply(&trust, raw, NULL, NULL), OK);
    trust_close(&trust);
}

static void newer_kinds_of_decisions_are_told_from_damage(void **state)
{
    (void)state;
    struct trust trust;
    struct problem problem;
    found(&trust);
    struct ops ops = ops_start();
    writer_array(&ops.out, 2);
    writer_uint(&ops.out, TRUST_INCARNATION + 1);
    writer_nil(&ops.out);
    ops.count = 1;
    struct bytes raw = sign_after(&trust, ops_end(&ops), "\x11\x12");
    assert_int_equal(trust_apply(&trust, raw, NULL, &problem), ERR_VERSION);
    assert_int_equal(problem.code, ERR_VERSION);
    ops = ops_start();
    assert_int_equal(apply_ops(&trust, &ops, "\x11\x12"), ERR_MALFORMED); /* no op at all */
    trust_close(&trust);
}

static void statements_have_their_limits(void **state)
{
    (void)state;
    struct trust trust;
    struct hash leaf = sample_hash(1);
    found(&trust);
    struct ops ops = ops_start();
    for (unsigned i = 0; i < 257; i++)
        trust_op_release(&ops.out, true, &leaf, 1);
    ops.count = 256;
    struct bytes raw = bytes_of(ops_end(&ops).at, 3 + 256 * 38);
    assert_int_equal(trust_apply(&trust, sign_after(&trust, raw, "\x11\x12"), NULL, NULL), OK);
    ops.count = 257;
    assert_int_equal(apply_ops(&trust, &ops, "\x11\x12"), ERR_LIMIT);

    memset(signed_space, 0xc0, sizeof(signed_space));
    assert_int_equal(
        trust_apply(&trust, bytes_of(signed_space, TRUST_STATEMENT_BYTES_MAX + 1), NULL, NULL),
        ERR_LIMIT);
    struct secret_key *key = sample_secret(0x11);
    struct writer out = writer_of(signed_space, sizeof(signed_space));
    static uint8_t big[TRUST_STATEMENT_BYTES_MAX];
    assert_int_equal(trust_sign(SAMPLE_DISTRICT, 2, &leaf, 1, bytes_of(big, sizeof(big)),
                                (const struct secret_key *const *)&key, 1, &out),
                     ERR_LIMIT);
    secret_key_close(&key);
    trust_close(&trust);
}

static void a_view_gives_what_the_hub_acts_on(void **state)
{
    (void)state;
    struct trust trust;
    struct trust_view view;
    struct hash leaf = sample_hash(1);
    found(&trust);
    struct ops ops = ops_start();
    trust_op_release(&ops.out, true, &leaf, 1);
    ops.count = 1;
    struct bytes expected = ops_end(&ops);
    struct bytes raw = sign_after(&trust, expected, "\x11\x12");
    assert_int_equal(trust_view(raw, &view), OK);
    assert_int_equal(view.version, 2);
    assert_true(view.claimed_ms == 1790000000000);
    assert_true(bytes_equal(view.ops, expected));
    assert_int_equal(trust_apply(&trust, raw, NULL, NULL), OK);
    assert_true(hash_equal(&view.hash, &trust.hash));
    assert_int_equal(trust_view(bytes_text("no statement"), &view), ERR_MALFORMED);
    trust_close(&trust);
}

/* --- rules
 * ---------------------------------------------------------------------------------------- */

static enum err open_rules(const struct trust *trust, const char *fillers, struct bytes *ret)
{
    struct secret_key *keys[8];
    unsigned count = 0;
    for (; *fillers; fillers++)
        keys[count++] = sample_secret((uint8_t)*fillers);
    struct writer out = writer_of(signed_space, sizeof(signed_space));
    assert_int_equal(
        rules_sign(bytes_text("a document"), (const struct secret_key *const *)keys, count, &out),
        OK);
    for (unsigned i = 0; i < count; i++)
        secret_key_close(&keys[i]);
    return rules_open(trust, writer_bytes(&out), ret, NULL);
}

static void rules_need_the_signers_or_the_root(void **state)
{
    (void)state;
    struct trust trust;
    struct bytes document = { NULL, 0 };
    trust_open(&trust);
    assert_int_equal(open_rules(&trust, "\x11\x12", &document), ERR_STATE);
    found(&trust);
    assert_int_equal(open_rules(&trust, "\x11", &document), ERR_SIGNATURE);
    assert_int_equal(open_rules(&trust, "\x11\x01", &document), ERR_SIGNATURE);
    assert_int_equal(open_rules(&trust, "\x11\x11", &document), ERR_MALFORMED);
    assert_int_equal(open_rules(&trust, "\x11\x12\x44", &document), ERR_SIGNATURE);
    assert_null(document.at);
    assert_int_equal(open_rules(&trust, "\x11\x12", &document), OK);
    assert_true(bytes_is(document, "a document"));
    assert_int_equal(open_rules(&trust, "\x02\x03", &document), OK);
    trust_close(&trust);
}

static void no_bit_of_signed_rules_can_be_changed(void **state)
{
    (void)state;
    struct trust trust;
    struct bytes document;
    found(&trust);
    assert_int_equal(open_rules(&trust, "\x11\x12", &document), OK);
    size_t len = 1 + 2 + 10 + 1 + 2 * (1 + 34 + 66);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        signed_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (rules_open(&trust, bytes_of(signed_space, len), &document, NULL) == OK)
            fail_msg("bit %zu does not matter", bit);
        signed_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    assert_int_equal(rules_open(&trust, bytes_of(signed_space, len), &document, NULL), OK);
    trust_close(&trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_statement_founds_root_signers_and_hub),
        cmocka_unit_test(the_first_statement_needs_its_own_root_threshold),
        cmocka_unit_test(the_first_statement_holds_the_pinned_root_key),
        cmocka_unit_test(the_first_statement_names_all_three),
        cmocka_unit_test(statements_apply_in_order_and_once),
        cmocka_unit_test(another_district_is_refused),
        cmocka_unit_test(daily_decisions_need_the_signers_or_the_root),
        cmocka_unit_test(signers_root_and_hub_keys_need_the_root),
        cmocka_unit_test(a_mixed_statement_needs_the_most_of_all),
        cmocka_unit_test(no_bit_of_a_statement_can_be_changed),
        cmocka_unit_test(newer_kinds_of_decisions_are_told_from_damage),
        cmocka_unit_test(statements_have_their_limits),
        cmocka_unit_test(a_view_gives_what_the_hub_acts_on),
        cmocka_unit_test(rules_need_the_signers_or_the_root),
        cmocka_unit_test(no_bit_of_signed_rules_can_be_changed),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
