/* A node over the real codec for the hub's tests: chain, sealed transactions, bundles, HELLO.
 * Nothing of node/ is used. */
#pragma once

#include "common/must.h"
#include "hub/hub_driver.h"
#include "proto/txn.h"
#include "tests/unit/hub_fixture.h"

#define FAKE_SEQ_MAX 64

struct fake_node {
    const struct fix_office *office;
    const struct fix_district *district;
    struct hub_peer peer;
    struct id incarnation, previous;
    bool has_previous;
    struct id nonce;
    uint64_t trust_version, rules_version;
    struct secret_key *data_key;
    uint64_t key_number;
    uint64_t highest;                    /* LANE_NORMAL is the only one it uses */
    struct hash heads[FAKE_SEQ_MAX + 1]; /* by seq; 0: genesis */
    struct hash leaves[FAKE_SEQ_MAX + 1];
    uint8_t *items[FAKE_SEQ_MAX + 1];
    size_t item_bytes[FAKE_SEQ_MAX + 1];
    uint64_t acked;
    uint64_t seen_epoch, seen_number;
    struct cursor cursors[FEED_STREAMS];
    bool wants_records;
};

static inline void fake_incarnation(struct fake_node *fake, uint8_t filler)
{
    memset(fake->incarnation.at, filler, ID_BYTES);
    chain_genesis(FIX_DISTRICT, fake->office->name, &fake->incarnation, LANE_NORMAL,
                  &fake->heads[0]);
}

static inline void fake_open(struct fake_node *fake, const struct fix_district *district,
                             const struct fix_office *office, uint8_t filler)
{
    *fake = (struct fake_node){ .office = office,
                                .district = district,
                                .trust_version = 3,
                                .rules_version = 1,
                                .data_key = secret_key_new(),
                                .key_number = 1 };
    fake->peer.curve_key = office->curve_key;
    fake->peer.route_len = 5;
    fake->peer.route[4] = filler;
    fake_incarnation(fake, filler);
}

static inline void fake_close(struct fake_node *fake)
{
    secret_key_close(&fake->data_key);
    for (unsigned i = 0; i <= FAKE_SEQ_MAX; i++)
        free(fake->items[i]);
}

/* Queues one transaction that creates a person; `name` may be long. */
static inline void fake_create_many(struct fake_node *fake, const char *name, unsigned count)
{
    static struct txn txn;
    static uint8_t plain_space[TRANSACTION_BYTES_MAX], work_space[TRANSACTION_BYTES_MAX + 4096];
    static uint8_t body_space[SEALED_BYTES_MAX], item_space[SEALED_BYTES_MAX + 512];
    static uint8_t change_space[TRANSACTION_BYTES_MAX];
    uint8_t fields_space[8192];
    must(fake->highest < FAKE_SEQ_MAX);

    struct writer fields = writer_of(fields_space, sizeof fields_space);
    writer_map(&fields, 2);
    writer_text(&fields, "area");
    writer_text(&fields, fake->office->name);
    writer_text(&fields, "name");
    writer_text(&fields, name);
    txn = (struct txn){ .operator_number = fake->office->operator_number,
                        .trust_version = fake->trust_version,
                        .rules_version = fake->rules_version,
                        .request = crypto_random_id(),
                        .claimed_ms = FIX_WALL_MS,
                        .change_count = count };
    crypto_random(txn.seed, sizeof txn.seed);
    struct writer raw = writer_of(change_space, sizeof change_space);
    for (unsigned i = 0; i < count; i++) {
        struct change change = { .group = i,
                                 .op = OP_CREATE,
                                 .collection = bytes_text("person"),
                                 .record = crypto_random_id(),
                                 .fields = writer_bytes(&fields) };
        size_t start = raw.buf.len;
        change_encode(&change, &raw);
        change.raw = bytes_of(change_space + start, raw.buf.len - start);
        txn.changes[i] = change;
    }
    assert_ok(raw.err);
    uint64_t seq = ++fake->highest;
    struct writer plain = writer_of(plain_space, sizeof plain_space);
    assert_ok(
        txn_sign(&txn, FIX_DISTRICT, fake->office->operator_seed, &plain, &fake->leaves[seq]));
    struct buf work = buf_of(work_space, sizeof work_space);
    struct buf body = buf_of(body_space, sizeof body_space);
    struct bundle_item item = { .kind = ITEM_TXN };
    assert_ok(envelope_seal(writer_bytes(&plain), FIX_DISTRICT, &fake->leaves[seq],
                            fake->key_number, fake->data_key, NULL, &work, &body, &item.sealed));
    struct writer out = writer_of(item_space, sizeof item_space);
    bundle_item_encode(&item, &out);
    assert_ok(out.err);
    chain_next(&fake->heads[seq - 1], &fake->leaves[seq], &fake->heads[seq]);
    fake->item_bytes[seq] = out.buf.len;
    fake->items[seq] = malloc(out.buf.len);
    memcpy(fake->items[seq], out.buf.at, out.buf.len);
}

static inline void fake_create(struct fake_node *fake, const char *name)
{
    fake_create_many(fake, name, 1);
}

/* Signs entries first..last; valid until the next call. */
static inline struct bytes fake_bundle(struct fake_node *fake, uint64_t first, uint64_t last,
                                       bool with_key)
{
    static uint8_t keys_space[256], items_space[BUNDLE_BYTES_MAX], space[BUNDLE_BYTES_MAX];
    struct writer keys = writer_of(keys_space, sizeof keys_space);
    struct writer items = writer_of(items_space, sizeof items_space);
    writer_array(&keys, with_key ? 1 : 0);
    if (with_key) {
        uint8_t sealed[DATA_KEY_SEALED_BYTES];
        assert_ok(data_key_seal(fake->data_key, &fake->district->keys.seal_public, sealed));
        writer_array(&keys, 2);
        writer_uint(&keys, fake->key_number);
        writer_bin(&keys, bytes_of(sealed, sizeof sealed));
    }
    writer_array(&items, (size_t)(last - first + 1));
    for (uint64_t seq = first; seq <= last; seq++)
        writer_raw(&items, bytes_of(fake->items[seq], fake->item_bytes[seq]));
    const struct bundle_context context = { .district = FIX_DISTRICT,
                                            .node = fake->office->name,
                                            .incarnation = fake->incarnation,
                                            .hub_key = fake->district->keys.sign_public };
    struct writer out = writer_of(space, sizeof space);
    assert_ok(bundle_sign(&context, LANE_NORMAL, first, fake->highest, fake->trust_version,
                          fake->rules_version, &fake->heads[first - 1], &fake->heads[last],
                          (unsigned)(last - first + 1), writer_bytes(&keys), writer_bytes(&items),
                          fake->office->device, &out));
    return writer_bytes(&out);
}

static inline struct bytes fake_frame(const struct message *message)
{
    static uint8_t space[FRAME_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    assert_ok(message_encode(message, &out));
    return writer_bytes(&out);
}

/* A slice of a bundle; all of it when `bytes` is 0. */
static inline struct bytes fake_push(struct bytes bundle, uint64_t first, size_t offset,
                                     size_t bytes)
{
    struct message message = { .type = MESSAGE_PUSH,
                               .push = { .lane = LANE_NORMAL,
                                         .first = first,
                                         .has_tag = bytes != 0,
                                         .total = bundle.len,
                                         .offset = offset } };
    size_t len = bytes == 0 ? bundle.len : bytes;
    if (len > bundle.len - offset)
        len = bundle.len - offset;
    message.push.data = bytes_of(bundle.at + offset, len);
    bundle_tag(bundle, message.push.tag);
    return fake_frame(&message);
}

static inline struct bytes fake_hello(struct fake_node *fake)
{
    static uint8_t space[2048];
    struct message message = { .type = MESSAGE_HELLO };
    struct hello *hello = &message.hello;
    fake->nonce = crypto_random_id();
    *hello = (struct hello){ .version = PROTOCOL_VERSION,
                             .district = bytes_text(FIX_DISTRICT),
                             .node = bytes_text(fake->office->name),
                             .incarnation = fake->incarnation,
                             .has_previous = fake->has_previous,
                             .previous = fake->previous,
                             .nonce = fake->nonce,
                             .seen_epoch = fake->seen_epoch,
                             .seen_number = fake->seen_number,
                             .wants_records = fake->wants_records,
                             .wall_ms = FIX_WALL_MS };
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        hello->cursors[i] = fake->cursors[i];
    hello->lanes[LANE_NORMAL] = (struct hello_lane){ .acked = fake->acked,
                                                     .head = fake->heads[fake->acked],
                                                     .highest = fake->highest };
    struct writer statement = writer_of(space, sizeof space);
    hello_statement(hello, &statement);
    hello->statement = writer_bytes(&statement);
    crypto_sign_typed("hello", hello->statement, fake->office->device, &hello->signature);
    return fake_frame(&message);
}

static inline struct bytes fake_confirm(enum feed_stream stream, uint64_t epoch, uint64_t number,
                                        uint64_t offset)
{
    const struct message message = {
        .type = MESSAGE_CONFIRM,
        .confirm = { .stream = stream, .epoch = epoch, .number = number, .offset = offset }
    };
    return fake_frame(&message);
}
