/* A district for the hub's tests: root, hub keys, trust statements, and offices with all their
 * keys. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "hub/hub_keys.h"
#include "proto/message.h"
#include "proto/trust.h"

#define FIX_DISTRICT "36.04"
#define FIX_WALL_MS 1795300000000ull

#define assert_ok(expression) assert_string_equal(err_name(expression), "ok")
#define assert_err(expression, code) assert_string_equal(err_name(expression), err_name(code))

struct fix_office {
    char name[NODE_TEXT_MAX + 1];
    struct secret_key *device, *curve, *seal, *operator_seed;
    struct public_key device_key, curve_key, seal_key, operator_key;
    uint32_t operator_number;
};

struct fix_district {
    struct secret_key *root;
    struct public_key root_key;
    struct hub_keys keys;
};

static inline void fix_district_open(struct fix_district *ret)
{
    *ret = (struct fix_district){ .root = secret_key_new() };
    assert_non_null(ret->root);
    crypto_sign_public(ret->root, &ret->root_key);
    assert_ok(hub_keys_make(&ret->keys));
}

static inline void fix_district_close(struct fix_district *district)
{
    secret_key_close(&district->root);
    hub_keys_close(&district->keys);
}

static inline void fix_office_open(struct fix_office *ret, const char *name, uint32_t number)
{
    *ret = (struct fix_office){ .device = secret_key_new(),
                                .curve = secret_key_new(),
                                .seal = secret_key_new(),
                                .operator_seed = secret_key_new(),
                                .operator_number = number };
    snprintf(ret->name, sizeof ret->name, "%s", name);
    crypto_sign_public(ret->device, &ret->device_key);
    crypto_box_public(ret->curve, &ret->curve_key);
    crypto_box_public(ret->seal, &ret->seal_key);
    crypto_sign_public(ret->operator_seed, &ret->operator_key);
}

static inline void fix_office_close(struct fix_office *office)
{
    secret_key_close(&office->device);
    secret_key_close(&office->curve);
    secret_key_close(&office->seal);
    secret_key_close(&office->operator_seed);
}

/* Signs `ops` (an encoded array) as the statement that follows `trust`. */
static inline struct bytes fix_statement(const struct fix_district *district,
                                         const struct trust *trust, struct bytes ops)
{
    static uint8_t space[TRUST_STATEMENT_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    const struct secret_key *const signers[] = { district->root };
    assert_ok(trust_sign(FIX_DISTRICT, trust->version + 1, &trust->hash, FIX_WALL_MS, ops, signers,
                         1, &out));
    return writer_bytes(&out);
}

/* Version 1: one root key, which is the officer too, and the hub. */
static inline struct bytes fix_founding(const struct fix_district *district,
                                        const struct trust *trust)
{
    static uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof space);
    struct signer_list list = { .threshold = 1, .count = 1, .list = { { .name = "Root" } } };
    list.list[0].key = district->root_key;
    struct trust_hub hub = { .sign_key = district->keys.sign_public,
                             .seal_key = district->keys.seal_public,
                             .seal_number = 1,
                             .curve_key = district->keys.curve_public,
                             .endpoint_count = 1 };
    snprintf(hub.endpoints[0], sizeof hub.endpoints[0], "tcp://127.0.0.1:7443");
    writer_array(&ops, 3);
    trust_op_signers(&ops, TRUST_ROOT, &list);
    trust_op_signers(&ops, TRUST_SIGNERS, &list);
    trust_op_hub(&ops, &hub);
    assert_ok(ops.err);
    return fix_statement(district, trust, writer_bytes(&ops));
}

static inline void fix_node_op(struct writer *ops, const struct fix_office *office)
{
    struct trust_node node = { .device_key = office->device_key,
                               .curve_key = office->curve_key,
                               .seal_key = office->seal_key };
    snprintf(node.name, sizeof node.name, "%s", office->name);
    snprintf(node.area, sizeof node.area, "%s", office->name);
    trust_op_node(ops, &node);
}

static inline void fix_operator_op(struct writer *ops, const struct fix_office *office)
{
    struct trust_operator op = { .number = office->operator_number, .key = office->operator_key };
    snprintf(op.node, sizeof op.node, "%s", office->name);
    snprintf(op.name, sizeof op.name, "Operator");
    snprintf(op.role, sizeof op.role, "tksk");
    snprintf(op.area, sizeof op.area, "%s", office->name);
    snprintf(op.sk, sizeof op.sk, "SK 1");
    snprintf(op.from, sizeof op.from, "2020-01-01");
    snprintf(op.until, sizeof op.until, "2090-12-31");
    trust_op_operator(ops, &op);
}

/* A statement that makes the office a node, and its operator one. */
static inline struct bytes fix_enrolment(const struct fix_district *district,
                                         const struct trust *trust, const struct fix_office *office)
{
    static uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 2);
    fix_node_op(&ops, office);
    fix_operator_op(&ops, office);
    assert_ok(ops.err);
    return fix_statement(district, trust, writer_bytes(&ops));
}

static inline struct bytes fix_end(const struct fix_district *district, const struct trust *trust,
                                   const struct fix_office *office)
{
    static uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof space);
    struct ended ended = { .reason = END_ENDED };
    writer_array(&ops, 1);
    trust_op_node_end(&ops, office->name, &ended);
    assert_ok(ops.err);
    return fix_statement(district, trust, writer_bytes(&ops));
}

static inline void fix_apply(struct trust *trust, struct bytes statement)
{
    struct problem problem = { .code = OK };
    enum err err = trust_apply(trust, statement, NULL, &problem);
    if (err != OK)
        fail_msg("trust_apply: %s %s %s", err_name(err), problem.thing, problem.detail);
}

/* A directory under /tmp and its end. */
static inline void fix_directory(char *ret, size_t cap)
{
    snprintf(ret, cap, "/tmp/tksk-hub-test-XXXXXX");
    assert_non_null(mkdtemp(ret));
}

static inline void fix_directory_drop(const char *directory)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    assert_int_equal(system(command), 0);
}
