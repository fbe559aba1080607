/* A trust part under construction, for its tests: ops, signatures, a founded state with people. */
#pragma once

#include "proto/trust.h"
#include "tests/unit/proto_samples.h"

/* Root 0x01 0x02 0x03, two of three; signers 0x11 0x12, two of two; hub 0x51 0x52 0x53. */
static uint8_t ops_space[64 * 1024], signed_space[64 * 1024];

struct ops {
    struct writer out;
    size_t count;
};

static inline struct ops ops_start(void)
{
    return (struct ops){ .out = writer_of(ops_space + 3, sizeof(ops_space) - 3) };
}

/* The array head goes in front of what has been written. */
static inline struct bytes ops_end(struct ops *ops)
{
    uint8_t head[3];
    struct writer out = writer_of(head, sizeof(head));
    assert_int_equal(ops->out.err, OK);
    writer_array(&out, ops->count);
    uint8_t *at = ops_space + 3 - out.buf.len;
    memcpy(at, head, out.buf.len);
    return bytes_of(at, out.buf.len + ops->out.buf.len);
}

static inline struct signer_list signers(unsigned threshold, const char *fillers)
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

static inline struct trust_hub hub_sample(void)
{
    return (struct trust_hub){ .sign_key = sample_sign_public(0x51),
                               .seal_key = sample_box_public(0x52),
                               .seal_number = 1,
                               .curve_key = sample_box_public(0x53),
                               .endpoint_count = 1,
                               .endpoints = { "tcp://dinsos.example:7740" } };
}

static inline struct trust_node node_sample(const char *name, uint8_t filler)
{
    struct trust_node node = { .device_key = sample_sign_public(filler),
                               .curve_key = sample_box_public(filler),
                               .seal_key = sample_box_public((uint8_t)(filler + 1)) };
    (void)snprintf(node.name, sizeof(node.name), "%s", name);
    (void)snprintf(node.area, sizeof(node.area), "%s", name);
    return node;
}

static inline struct trust_operator operator_sample(uint32_t number, uint8_t filler)
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

static inline struct ended ended_sample(enum end_reason reason)
{
    return (struct ended){ .reason = reason,
                           .cut_count = 2,
                           .cuts = { { sample_id(1), LANE_URGENT, 4 },
                                     { sample_id(1), LANE_BULK, 70000 } } };
}

/* Signs ops as the statement after `trust` with one seed per character. */
static inline struct bytes sign_after(const struct trust *trust, struct bytes ops,
                                      const char *fillers)
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

static inline enum err apply_ops(struct trust *trust, struct ops *ops, const char *fillers)
{
    return trust_apply(trust, sign_after(trust, ops_end(ops), fillers), NULL, NULL);
}

static inline struct ops founding_ops(void)
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

static inline void found(struct trust *trust)
{
    struct ops ops = founding_ops();
    trust_open(trust);
    assert_int_equal(apply_ops(trust, &ops, "\x01\x02"), OK);
}

/* With node 36.04.29 and operators 1 and 2. */
static inline void found_with_people(struct trust *trust)
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
static struct ops single;

static inline struct writer *one_op(void)
{
    single = ops_start();
    single.count = 1;
    return &single.out;
}

static inline enum err apply_one(struct trust *trust)
{
    return apply_ops(trust, &single, "\x11\x12");
}

/* What a state says, as bytes, for "nothing has changed". */
static inline struct hash fingerprint(const struct trust *trust)
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
