#include "tests/unit/proto_samples.h"

#include "proto/trust.h"

/* Root 0x01 0x02 0x03, two of three; signers 0x11 0x12, two of two; hub 0x51 0x52 0x53. */
static uint8_t ops_space[64 * 1024], signed_space[64 * 1024];

struct ops {
    struct writer out;
    size_t count;
};

static struct ops ops_start(void)
{
    return (struct ops){ .out = writer_of(ops_space + 3, sizeof(ops_space) - 3) };
}

/* The array head goes in front of what has been written. */
static struct bytes ops_end(struct ops *ops)
{
    uint8_t head[3];
    struct writer out = writer_of(head, sizeof(head));
    assert_int_equal(ops->out.err, OK);
    writer_array(&out, ops->count);
    uint8_t *at = ops_space + 3 - out.buf.len;
    memcpy(at, head, out.buf.len);
    return bytes_of(at, out.buf.len + ops->out.buf.len);
}

static struct signer_list signers(unsigned threshold, const char *fillers)
{
    struct signer_list list = { .threshold = threshold };
    for (; *fillers; fillers++) {
        list.list[list.count].key = sample_sign_public((uint8_t)*fillers);
        (void)snprintf(list.list[list.count].name, sizeof(list.list[0].name), "officer %d",
                       *fillers);
        list.count++;
    }
    return list;
}

static struct trust_hub hub_sample(void)
{
    return (struct trust_hub){ .sign_key = sample_sign_public(0x51),
                               .seal_key = sample_box_public(0x52),
                               .seal_number = 1,
                               .curve_key = sample_box_public(0x53),
                               .endpoint_count = 1,
                               .endpoints = { "tcp://dinsos.example:7740" } };
}

static struct trust_node node_sample(const char *name, uint8_t filler)
{
    struct trust_node node = { .device_key = sample_sign_public(filler),
                               .curve_key = sample_box_public(filler),
                               .seal_key = sample_box_public((uint8_t)(filler + 1)) };
    (void)snprintf(node.name, sizeof(node.name), "%s", name);
    (void)snprintf(node.area, sizeof(node.area), "%s", name);
    return node;
}

static struct trust_operator operator_sample(uint32_t number, uint8_t filler)
{
    return (struct trust_operator){ .number = number,
                                    .key = sample_sign_public(filler),
                                    .node = "36.04.29",
                                    .name = "Siti Aminah",
                                    .role = "tksk",
                                    .area = "36.04.29",
                                    .sk = "460/12/2026",
                                    .from = "2026-01-01",
                                    .until = "2028-02-29" };
}

static struct ended ended_sample(enum end_reason reason)
{
    return (struct ended){ .reason = reason,
                           .cut_count = 2,
                           .cuts = { { sample_id(1), LANE_URGENT, 4 },
                                     { sample_id(1), LANE_BULK, 70000 } } };
}

/* Signs ops as the statement after `trust` with one seed per character. */
static struct bytes sign_after(const struct trust *trust, struct bytes ops, const char *fillers)
{
    struct secret_key *keys[24];
    unsigned count = 0;
    for (; *fillers; fillers++)
        keys[count++] = sample_secret((uint8_t)*fillers);
    struct writer out = writer_of(signed_space, sizeof(signed_space));
    assert_int_equal(trust_sign(SAMPLE_DISTRICT, trust->version + 1, &trust->hash, 1790000000000,
                                ops, (const struct secret_key *const *)keys, count, &out),
                     OK);
    for (unsigned i = 0; i < count; i++)
        secret_key_close(&keys[i]);
    return writer_bytes(&out);
}

static enum err apply_ops(struct trust *trust, struct ops *ops, const char *fillers)
{
    return trust_apply(trust, sign_after(trust, ops_end(ops), fillers), NULL, NULL);
}

static struct ops founding_ops(void)
{
    struct ops ops = ops_start();
    struct signer_list root = signers(2, "\x01\x02\x03"), list = signers(2, "\x11\x12");
    struct trust_hub hub = hub_sample();
    trust_op_signers(&ops.out, TRUST_ROOT, &root);
    trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
    trust_op_hub(&ops.out, &hub);
    ops.count = 3;
    return ops;
}

static void found(struct trust *trust)
{
    struct ops ops = founding_ops();
    trust_open(trust);
    assert_int_equal(apply_ops(trust, &ops, "\x01\x02"), OK);
}

/* With node 36.04.29 and operators 1 and 2. */
static void found_with_people(struct trust *trust)
{
    struct ops ops = ops_start();
    struct trust_node node = node_sample("36.04.29", 0x21);
    struct trust_operator one = operator_sample(1, 0x31), two = operator_sample(2, 0x32);
    found(trust);
    trust_op_node(&ops.out, &node);
    trust_op_operator(&ops.out, &one);
    trust_op_operator(&ops.out, &two);
    ops.count = 3;
    assert_int_equal(apply_ops(trust, &ops, "\x11\x12"), OK);
}

/* Room for one op; it is applied, signed by both signers, by apply_one. */
static struct ops one;

static struct writer *one_op(void)
{
    one = ops_start();
    one.count = 1;
    return &one.out;
}

static enum err apply_one(struct trust *trust)
{
    return apply_ops(trust, &one, "\x11\x12");
}

/* What a state says, as bytes, for "nothing has changed". */
static struct hash fingerprint(const struct trust *trust)
{
    struct bytes parts[] = {
        bytes_of(trust->district, sizeof(trust->district)),
        bytes_of(&trust->version, sizeof(trust->version)),
        bytes_hash(&trust->hash),
        bytes_of(&trust->root, sizeof(trust->root)),
        bytes_of(&trust->signers, sizeof(trust->signers)),
        bytes_of(&trust->hub, sizeof(trust->hub)),
        bytes_of(&trust->epoch, sizeof(trust->epoch)),
        bytes_of(trust->nodes, trust->node_count * sizeof(*trust->nodes)),
        bytes_of(trust->operators, trust->operator_count * sizeof(*trust->operators)),
    };
    struct hash hash;
    crypto_hash("test", parts, COUNT_OF(parts), &hash);
    return hash;
}

/* --- the first statement -------------------------------------------------------------------------- */

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
    assert_memory_equal(&trust.hub, &hub, sizeof(hub));
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

/* --- order ---------------------------------------------------------------------------------------- */

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

/* --- who may decide what -------------------------------------------------------------------------- */

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

/* --- the roster ----------------------------------------------------------------------------------- */

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

/* --- rules ---------------------------------------------------------------------------------------- */

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
        cmocka_unit_test(nodes_and_operators_are_found_by_name_key_and_number),
        cmocka_unit_test(a_node_that_enrols_again_stays_the_same_node),
        cmocka_unit_test(operators_are_numbered_without_gaps_and_have_keys_of_their_own),
        cmocka_unit_test(an_operator_ends_once_unless_the_key_leaked),
        cmocka_unit_test(a_renewal_moves_the_end_of_a_term),
        cmocka_unit_test(dates_are_in_the_calendar),
        cmocka_unit_test(the_sealing_keys_number_only_rises),
        cmocka_unit_test(an_epoch_is_the_next_one),
        cmocka_unit_test(releases_and_incarnations_are_checked_for_form),
        cmocka_unit_test(names_are_safe_to_print),
        cmocka_unit_test(newer_kinds_of_decisions_are_told_from_damage),
        cmocka_unit_test(a_statement_applies_whole_or_not_at_all),
        cmocka_unit_test(lists_of_signers_make_sense),
        cmocka_unit_test(statements_have_their_limits),
        cmocka_unit_test(a_view_gives_what_the_hub_acts_on),
        cmocka_unit_test(rules_need_the_signers_or_the_root),
        cmocka_unit_test(no_bit_of_signed_rules_can_be_changed),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
