/* What the tests of proto/ share: cmocka, keys from fixed seeds, and a sample of each form. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/must.h"
#include "proto/txn.h"

#define SAMPLE_DISTRICT "36.04"
#define SAMPLE_NODE "36.04.29"

/* A secret of 32 equal bytes; the caller closes it. */
static inline struct secret_key *sample_secret(uint8_t filler)
{
    uint8_t raw[SECRET_KEY_BYTES];
    memset(raw, filler, sizeof(raw));
    struct secret_key *key = secret_key_from(raw);
    must(key);
    return key;
}

static inline struct public_key sample_sign_public(uint8_t filler)
{
    struct secret_key *seed = sample_secret(filler);
    struct public_key key;
    crypto_sign_public(seed, &key);
    secret_key_close(&seed);
    return key;
}

static inline struct public_key sample_box_public(uint8_t filler)
{
    struct secret_key *secret = sample_secret(filler);
    struct public_key key;
    crypto_box_public(secret, &key);
    secret_key_close(&secret);
    return key;
}

static inline struct id sample_id(uint8_t filler)
{
    struct id id;
    memset(id.at, filler, sizeof(id.at));
    return id;
}

static inline struct hash sample_hash(uint8_t filler)
{
    struct hash hash;
    memset(hash.at, filler, sizeof(hash.at));
    return hash;
}

/* An update of one field, or a create of two with a group of its own, appended to `txn`. */
static inline void sample_change(struct txn *txn, struct change change, struct writer *space)
{
    must(txn->change_count < CHANGES_PER_TRANSACTION_MAX);
    size_t before = space->buf.len;
    change_encode(&change, space);
    must(!space->err);
    txn->changes[txn->change_count++].raw =
        bytes_of(space->buf.at + before, space->buf.len - before);
}

/* Map {"jk": "L", "nama": text}. */
static inline struct bytes sample_fields(struct writer *space, const char *nama)
{
    size_t before = space->buf.len;
    writer_map(space, 2);
    writer_text(space, "jk");
    writer_text(space, "L");
    writer_text(space, "nama");
    writer_text(space, nama);
    must(!space->err);
    return bytes_of(space->buf.at + before, space->buf.len - before);
}

static inline struct bytes sample_no_fields(void)
{
    static const uint8_t empty_map[] = { 0x80 };
    return bytes_of(empty_map, sizeof(empty_map));
}

/* One of each op, in two groups; `space` keeps the changes. */
static inline void sample_txn(struct txn *txn, struct writer *space)
{
    *txn = (struct txn){
        .operator_number = 3,
        .trust_version = 5,
        .rules_version = 2,
        .request = sample_id(0x41),
        .claimed_ms = 1790000000123,
    };
    memset(txn->seed, 0x5e, sizeof(txn->seed));
    sample_change(txn,
                  (struct change){ .group = 0,
                                   .op = OP_CREATE,
                                   .collection = bytes_text("orang"),
                                   .record = sample_id(0x01),
                                   .fields = sample_fields(space, "Siti"),
                                   .number = 417 },
                  space);
    sample_change(txn,
                  (struct change){ .group = 0,
                                   .op = OP_UPDATE,
                                   .collection = bytes_text("orang"),
                                   .record = sample_id(0x02),
                                   .has_base = true,
                                   .base = { .epoch = 1, .rev = 70000 },
                                   .fields = sample_fields(space, "Budi") },
                  space);
    sample_change(txn,
                  (struct change){ .group = 1,
                                   .op = OP_DELETE,
                                   .collection = bytes_text("keluarga"),
                                   .record = sample_id(0x03),
                                   .has_base = true,
                                   .base = { .has_leaf = true, .leaf = sample_hash(0x77) },
                                   .fields = sample_no_fields() },
                  space);
    static const uint8_t existence[] = { 0x81, 0xa0, 0xc3 };
    sample_change(txn,
                  (struct change){ .group = 2,
                                   .op = OP_RESOLVE,
                                   .collection = bytes_text("orang"),
                                   .record = sample_id(0x04),
                                   .has_base = true,
                                   .base = { .epoch = 2, .rev = 9 },
                                   .fields = bytes_of(existence, sizeof(existence)),
                                   .conflict = sample_id(0x05) },
                  space);
}

/* A small generator for tests that try many inputs: the same sequence in each run (xorshift64*). */
struct sample_random {
    uint64_t state;
};

static inline uint64_t sample_next(struct sample_random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1d;
}

static inline size_t sample_below(struct sample_random *random, size_t bound)
{
    return (size_t)(sample_next(random) >> 16) % bound;
}

static inline int sample_start(void **state)
{
    (void)state;
    return crypto_start() == OK ? 0 : -1;
}
