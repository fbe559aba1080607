#include "tests/unit/trust_samples.h"

/* --- the roster
 * ----------------------------------------------------------------------------------- */

static void nodes_and_operators_are_found_by_name_key_and_number(void **state)
{
    (void)state;
    struct trust trust;
    found_with_people(&trust);
    const struct trust_node *node = trust_node(&trust, bytes_text("36.04.29"));
    assert_non_null(node);
    assert_int_equal(node->since, 2);
    assert_int_equal(node->ended.reason, END_NONE);
    struct public_key curve = sample_box_public(0x21), other = sample_box_public(0x29);
    assert_ptr_equal(trust_node_by_curve(&trust, &curve), node);
    assert_null(trust_node_by_curve(&trust, &other));
    assert_null(trust_node(&trust, bytes_text("36.04.2")));
    assert_null(trust_node(&trust, bytes_text("36.04.290")));

    const struct trust_operator *op = trust_operator(&trust, 2);
    assert_non_null(op);
    assert_string_equal(op->name, "Siti Aminah");
    assert_string_equal(op->until, "2028-02-29");
    struct public_key key = sample_sign_public(0x32);
    assert_ptr_equal(trust_operator_by_key(&trust, &key), op);
    assert_null(trust_operator(&trust, 0));
    assert_null(trust_operator(&trust, 3));
    trust_close(&trust);
}

static void a_node_that_enrols_again_stays_the_same_node(void **state)
{
    (void)state;
    struct trust trust;
    struct ended ended = ended_sample(END_ENDED);
    struct trust_node again = node_sample("36.04.29", 0x26), other = node_sample("36.04.28", 0x26);
    found_with_people(&trust);
    trust_op_node_end(one_op(), "36.04.29", &ended);
    assert_int_equal(apply_one(&trust), OK);
    const struct trust_node *node = trust_node(&trust, bytes_text("36.04.29"));
    assert_int_equal(node->ended.reason, END_ENDED);
    assert_int_equal(node->ended.trust_version, 3);
    assert_int_equal(node->ended.cut_count, 2);
    assert_int_equal(node->ended.cuts[1].seq, 70000);

    trust_op_node(one_op(), &again);
    assert_int_equal(apply_one(&trust), OK);
    assert_int_equal(trust.node_count, 1);
    node = trust_node(&trust, bytes_text("36.04.29"));
    assert_int_equal(node->ended.reason, END_NONE);
    assert_int_equal(node->since, 2);
    assert_memory_equal(&node->curve_key, &again.curve_key, PUBLIC_KEY_BYTES);
    /* Another node may not take over its keys. */
    trust_op_node(one_op(), &other);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_close(&trust);
}

static void operators_are_numbered_without_gaps_and_have_keys_of_their_own(void **state)
{
    (void)state;
    struct trust trust;
    found_with_people(&trust);
    struct trust_operator op = operator_sample(4, 0x33);
    trust_op_operator(one_op(), &op);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    op = operator_sample(2, 0x33);
    trust_op_operator(one_op(), &op);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    op = operator_sample(3, 0x31);
    trust_op_operator(one_op(), &op);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    op = operator_sample(3, 0x33);
    (void)snprintf(op.node, sizeof(op.node), "36.04.28");
    trust_op_operator(one_op(), &op);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    op = operator_sample(3, 0x33);
    trust_op_operator(one_op(), &op);
    assert_int_equal(apply_one(&trust), OK);
    trust_close(&trust);
}

static void an_operator_ends_once_unless_the_key_leaked(void **state)
{
    (void)state;
    struct trust trust;
    struct ended succession = ended_sample(END_SUCCESSION), leaked = ended_sample(END_LEAKED);
    found_with_people(&trust);
    trust_op_operator_end(one_op(), 9, &succession);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_op_operator_end(one_op(), 1, &succession);
    assert_int_equal(apply_one(&trust), OK);
    assert_int_equal(trust_operator(&trust, 1)->ended.trust_version, 3);
    trust_op_operator_end(one_op(), 1, &succession);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_op_operator_until(one_op(), 1, "", "2030-01-01");
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_op_operator_end(one_op(), 1, &leaked);
    assert_int_equal(apply_one(&trust), OK);
    assert_int_equal(trust_operator(&trust, 1)->ended.reason, END_LEAKED);
    trust_op_operator_end(one_op(), 1, &leaked);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    /* Kept on the list, and the number is not used again. */
    assert_int_equal(trust.operator_count, 2);
    trust_close(&trust);
}

static void a_renewal_moves_the_end_of_a_term(void **state)
{
    (void)state;
    struct trust trust;
    found_with_people(&trust);
    trust_op_operator_until(one_op(), 2, "460/99/2028", "2030-12-31");
    assert_int_equal(apply_one(&trust), OK);
    assert_string_equal(trust_operator(&trust, 2)->until, "2030-12-31");
    assert_string_equal(trust_operator(&trust, 2)->sk, "460/99/2028");
    assert_string_equal(trust_operator(&trust, 2)->from, "2026-01-01");
    assert_string_equal(trust_operator(&trust, 1)->until, "2028-02-29");
    trust_op_operator_until(one_op(), 2, "", "2025-12-31");
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_close(&trust);
}

static void who_came_second_stands_in_while_the_first_holds_it(void **state)
{
    (void)state;
    struct trust_operator people[] = {
        { .number = 1,
          .role = "tksk",
          .area = "36.04.29",
          .from = "2026-01-01",
          .until = "2026-12-31" },
        { .number = 2,
          .role = "tksk",
          .area = "36.04.29",
          .from = "2026-10-01",
          .until = "2027-03-31" },
        { .number = 3,
          .role = "tksk",
          .area = "36.04.30",
          .from = "2026-01-01",
          .until = "2026-12-31" },
        { .number = 4,
          .role = "korteks",
          .area = "36.04.29",
          .from = "2026-01-01",
          .until = "2026-12-31" },
        { .number = 5,
          .role = "tksk",
          .area = "36.04.30",
          .from = "2027-01-01",
          .until = "2027-12-31" },
    };
    const struct trust trust = { .operator_count = COUNT_OF(people), .operators = people };
    assert_ptr_equal(trust_acts_for(&trust, &people[1], "2026-11-01"), &people[0]);
    assert_null(trust_acts_for(&trust, &people[0], "2026-11-01")); /* the first one */
    assert_null(trust_acts_for(&trust, &people[2], "2026-11-01")); /* another area */
    assert_null(trust_acts_for(&trust, &people[3], "2026-11-01")); /* another role */
    assert_null(trust_acts_for(&trust, &people[4], "2026-11-01")); /* one after the other */
    /* The last day still counts; then the second one is alone. */
    assert_non_null(trust_acts_for(&trust, &people[1], "2026-12-31"));
    assert_null(trust_acts_for(&trust, &people[1], "2027-01-01"));
    people[0].ended.reason = END_SUCCESSION;
    assert_null(trust_acts_for(&trust, &people[1], "2026-11-01"));
}

static void each_statement_keeps_when_it_was_signed(void **state)
{
    (void)state;
    struct trust trust;
    found_with_people(&trust);
    uint64_t version = trust.version, first_ms = trust_signed_ms(&trust, 1);
    assert_true(first_ms > 0);
    assert_int_equal(trust_signed_ms(&trust, 0), 0);
    assert_int_equal(trust_signed_ms(&trust, version + 1), 0);
    for (unsigned i = 0; i < 40; i++) { /* as the list grows */
        trust_op_operator_until(one_op(), 2, "SK", "2030-12-31");
        assert_int_equal(apply_one(&trust), OK);
    }
    assert_int_equal(trust_signed_ms(&trust, 1), first_ms);
    assert_true(trust_signed_ms(&trust, version + 40) > 0);
    trust_op_operator_until(one_op(), 2, "SK", "2025-01-01"); /* refused: nothing is kept of it */
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    assert_int_equal(trust_signed_ms(&trust, version + 41), 0);
    trust_close(&trust);
}

static void dates_are_in_the_calendar(void **state)
{
    (void)state;
    static const struct {
        const char *until;
        bool fits;
    } cases[] = {
        { "2027-02-28", true },  { "2027-02-29", false }, { "2028-02-29", true },
        { "2100-02-29", false }, { "2400-02-29", true },  { "2027-13-01", false },
        { "2027-00-01", false }, { "2027-04-31", false }, { "2027-01-00", false },
        { "2027-1-01", false },  { "27-01-2027", false }, { "2027/01/01", false },
        { "2027-01-0x", false }, { "", false },           { "2025-12-31", false },
        { "0000-01-01", false }, { "2026-01-01", true },  { "2027-01-01 ", false },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trust trust;
        found_with_people(&trust);
        struct ops ops = ops_start();
        struct trust_operator op = operator_sample(3, 0x33);
        char until[16];
        (void)snprintf(until, sizeof(until), "%s", cases[i].until);
        writer_array(&ops.out, 10);
        writer_uint(&ops.out, TRUST_OPERATOR);
        writer_uint(&ops.out, 3);
        writer_bin(&ops.out, bytes_of(op.key.at, PUBLIC_KEY_BYTES));
        writer_text(&ops.out, op.node);
        writer_text(&ops.out, op.name);
        writer_text(&ops.out, op.role);
        writer_text(&ops.out, op.area);
        writer_text(&ops.out, op.sk);
        writer_text(&ops.out, op.from);
        writer_text(&ops.out, until);
        ops.count = 1;
        enum err err = apply_ops(&trust, &ops, "\x11\x12");
        if (err != (cases[i].fits ? OK : ERR_MALFORMED))
            fail_msg("%s: %s", cases[i].until, err_name(err));
        trust_close(&trust);
    }
}

static void the_sealing_keys_number_only_rises(void **state)
{
    (void)state;
    static const struct {
        uint8_t filler;
        uint64_t number;
        enum err err;
    } cases[] = {
        { 0x52, 1, OK }, { 0x52, 2, ERR_DENIED }, { 0x57, 1, ERR_DENIED },
        { 0x57, 2, OK }, { 0x57, 9, OK },         { 0x57, 0, ERR_MALFORMED },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct trust trust;
        struct ops ops = ops_start();
        struct trust_hub hub = hub_sample();
        found(&trust);
        hub.seal_key = sample_box_public(cases[i].filler);
        hub.seal_number = cases[i].number;
        trust_op_hub(&ops.out, &hub);
        ops.count = 1;
        if (apply_ops(&trust, &ops, "\x01\x02") != cases[i].err)
            fail_msg("case %zu", i);
        trust_close(&trust);
    }
}

static void an_epoch_is_the_next_one(void **state)
{
    (void)state;
    struct trust trust;
    found_with_people(&trust);
    struct hash hash = sample_hash(1);
    trust_op_epoch(one_op(), 3, 80, &hash);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_op_epoch(one_op(), 1, 80, &hash);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_op_epoch(one_op(), 2, 80, &hash);
    assert_int_equal(apply_one(&trust), OK);
    assert_int_equal(trust.epoch, 2);
    trust_close(&trust);
}

static void releases_and_incarnations_are_checked_for_form(void **state)
{
    (void)state;
    struct trust trust;
    struct hash leaves[2] = { sample_hash(1), sample_hash(2) };
    struct id life = sample_id(7);
    found_with_people(&trust);
    trust_op_release(one_op(), true, leaves, 2);
    assert_int_equal(apply_one(&trust), OK);
    trust_op_release(one_op(), true, leaves, 0);
    assert_int_equal(apply_one(&trust), ERR_MALFORMED);
    trust_op_incarnation(one_op(), "36.04.29", &life, false);
    assert_int_equal(apply_one(&trust), OK);
    trust_op_incarnation(one_op(), "36.04.28", &life, false);
    assert_int_equal(apply_one(&trust), ERR_DENIED);
    trust_close(&trust);
}

static void names_are_safe_to_print(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "", "-rf", "36 04", "36.04\n", "..", "a/b", "36.04.29.36.04.29.36.04"
    };
    struct trust trust;
    found(&trust);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct trust_node node = node_sample("x", 0x21);
        struct ops ops = ops_start();
        (void)snprintf(node.name, sizeof(node.name), "%s", bad[i]);
        trust_op_node(&ops.out, &node);
        ops.count = 1;
        enum err err = apply_ops(&trust, &ops, "\x11\x12");
        /* The last one is just short enough. */
        if (err != (i + 1 < COUNT_OF(bad) ? ERR_MALFORMED : OK))
            fail_msg("\"%s\": %s", bad[i], err_name(err));
    }
    trust_close(&trust);
}

/* Many ops of every kind, then one that cannot be: the state is as it was, to the byte. */
static void a_statement_applies_whole_or_not_at_all(void **state)
{
    (void)state;
    struct trust trust;
    found_with_people(&trust);
    struct hash before = fingerprint(&trust);
    struct ended ended = ended_sample(END_ENDED), leaked = ended_sample(END_LEAKED);
    struct signer_list list = signers(1, "\x14");
    struct trust_hub hub = hub_sample();
    hub.endpoint_count = 0;
    for (unsigned good = 0; good < 2; good++) {
        struct ops ops = ops_start();
        struct trust_node renewed = node_sample("36.04.29", 0x27);
        trust_op_node(&ops.out, &renewed);
        trust_op_node_end(&ops.out, "36.04.29", &ended);
        for (unsigned i = 0; i < 20; i++) {
            char name[16];
            (void)snprintf(name, sizeof(name), "36.04.%02u", 40 + i);
            struct trust_node node = node_sample(name, (uint8_t)(0x80 + 2 * i));
            struct trust_operator op = operator_sample(3 + i, (uint8_t)(0x80 + i));
            trust_op_node(&ops.out, &node);
            trust_op_operator(&ops.out, &op);
        }
        trust_op_operator_until(&ops.out, 1, "new", "2031-01-01");
        trust_op_operator_end(&ops.out, 1, &ended);
        trust_op_operator_end(&ops.out, 1, &leaked);
        trust_op_operator_until(&ops.out, 22, "new", "2031-01-01");
        trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
        trust_op_hub(&ops.out, &hub);
        trust_op_epoch(&ops.out, good ? 2 : 3, 1, &before);
        ops.count = 2 + 40 + 7;
        assert_int_equal(apply_ops(&trust, &ops, "\x01\x02"), good ? OK : ERR_DENIED);
        struct hash after = fingerprint(&trust);
        assert_int_equal(hash_equal(&before, &after), !good);
    }
    assert_int_equal(trust.node_count, 21);
    assert_int_equal(trust.operator_count, 22);
    assert_int_equal(trust_operator(&trust, 1)->ended.reason, END_LEAKED);
    trust_close(&trust);
}

static void lists_of_signers_make_sense(void **state)
{
    (void)state;
    static const struct {
        unsigned threshold;
        const char *fillers;
    } bad[] = { { 0, "\x01\x02" }, { 3, "\x01\x02" }, { 1, "\x01\x01" }, { 1, "" } };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct trust trust;
        struct ops ops = ops_start();
        struct signer_list list = signers(bad[i].threshold, bad[i].fillers);
        found(&trust);
        trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
        ops.count = 1;
        assert_int_equal(apply_ops(&trust, &ops, "\x01\x02"), ERR_MALFORMED);
        trust_close(&trust);
    }
    /* Two lists in one statement: which one would count? */
    struct trust trust;
    struct ops ops = ops_start();
    struct signer_list list = signers(1, "\x14");
    found(&trust);
    trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
    trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
    ops.count = 2;
    assert_int_equal(apply_ops(&trust, &ops, "\x01\x02"), ERR_MALFORMED);
    trust_close(&trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_and_operators_are_found_by_name_key_and_number),
        cmocka_unit_test(a_node_that_enrols_again_stays_the_same_node),
        cmocka_unit_test(operators_are_numbered_without_gaps_and_have_keys_of_their_own),
        cmocka_unit_test(an_operator_ends_once_unless_the_key_leaked),
        cmocka_unit_test(a_renewal_moves_the_end_of_a_term),
        cmocka_unit_test(who_came_second_stands_in_while_the_first_holds_it),
        cmocka_unit_test(each_statement_keeps_when_it_was_signed),
        cmocka_unit_test(dates_are_in_the_calendar),
        cmocka_unit_test(the_sealing_keys_number_only_rises),
        cmocka_unit_test(an_epoch_is_the_next_one),
        cmocka_unit_test(releases_and_incarnations_are_checked_for_form),
        cmocka_unit_test(names_are_safe_to_print),
        cmocka_unit_test(a_statement_applies_whole_or_not_at_all),
        cmocka_unit_test(lists_of_signers_make_sense),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
