/* An office, its driver, and a hub that is played here with the real codec and crypto. Include
 * after cmocka.h. */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#include "node/node_driver_inside.h"
#include "node/node_enrol.h"
#include "tests/support/node_fixture.h"

#define FRAMES_MAX 256
#define SEQS_MAX 512

struct frame {
    uint8_t *at;
    size_t len;
};

/* An office, its driver, and a hub that answers as long as it is told to. */
struct world {
    struct office o;
    struct node_driver *driver;
    uint64_t now_ms;
    unsigned reconnects;
    bool gone; /* nothing leaves */
    unsigned frame_count;
    struct frame frames[FRAMES_MAX]; /* sent by the node, not taken by the hub yet */

    /* the hub */
    struct id incarnation;
    uint64_t received[LANE_COUNT];
    struct hash heads[LANE_COUNT][SEQS_MAX];
    struct hash leaves[LANE_COUNT][SEQS_MAX];
    bool mute_acks, mute_welcome;
    enum standing standing;
    unsigned hellos, bundles, enrols, operators, confirms, transactions, returns;
    bool wants_records;
    struct id last_nonce, previous;
    struct confirm confirm;
    struct frame assemblies[LANE_COUNT];
    size_t assembled[LANE_COUNT];
    struct frame last_bundle;
    struct secret_key *data_keys[16];
    struct hash enrol_request;
};

/* ---- what the node sends */

static inline enum err take_frame(void *ctx, struct bytes frame)
{
    struct world *w = ctx;
    if (w->gone)
        return ERR_BUSY;
    assert_true(w->frame_count < FRAMES_MAX);
    assert_true(frame.len <= FRAME_BYTES_MAX);
    struct frame *to = &w->frames[w->frame_count++];
    to->at = malloc(frame.len);
    to->len = frame.len;
    memcpy(to->at, frame.at, frame.len);
    return OK;
}

static inline void reconnected(void *ctx)
{
    ((struct world *)ctx)->reconnects++;
}

/* ---- the hub */

static inline void give(struct world *w, const struct message *message)
{
    static uint8_t space[FRAME_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    assert_int_equal(message_encode(message, &out), OK);
    assert_int_equal(node_driver_receive(w->driver, writer_bytes(&out), w->now_ms, OFFICE_WALL_MS),
                     OK);
}

static inline struct node_identity identity_of(struct world *w)
{
    struct node_identity identity;
    assert_int_equal(node_store_identity(w->o.store, &identity), OK);
    return identity;
}

static inline struct hash head_at(struct world *w, enum lane lane, uint64_t seq)
{
    struct hash head;
    if (seq > 0)
        return w->heads[lane][seq];
    chain_genesis(OFFICE_DISTRICT, OFFICE_NODE, &w->incarnation, lane, &head);
    return head;
}

static inline struct welcome welcome_of(struct world *w)
{
    struct welcome welcome = { .version = PROTOCOL_VERSION,
                               .district = bytes_text(OFFICE_DISTRICT),
                               .node = bytes_text(OFFICE_NODE),
                               .incarnation = w->incarnation,
                               .nonce = w->last_nonce,
                               .standing = w->standing,
                               .journal = { .epoch = 1, .number = w->o.journal },
                               .proven = { true, true } };
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        welcome.lanes[i].received = w->received[i];
        welcome.lanes[i].head = head_at(w, (enum lane)i, w->received[i]);
        welcome.lanes[i].keep_from = 1;
    }
    return welcome;
}

static inline void give_welcome(struct world *w, struct welcome welcome,
                                const struct secret_key *key)
{
    static uint8_t space[4096];
    struct writer out = writer_of(space, sizeof space);
    struct message message = { .type = MESSAGE_WELCOME, .welcome = welcome };
    welcome_statement(&welcome, &out);
    assert_int_equal(out.err, OK);
    message.welcome.statement = writer_bytes(&out);
    crypto_sign_typed("welcome", message.welcome.statement, key, &message.welcome.signature);
    give(w, &message);
}

static inline struct ack make_ack(struct world *w, enum lane lane, uint64_t first, uint64_t last,
                                  const struct secret_key *key)
{
    static uint8_t items[64 * 1024], statement[64 * 1024];
    struct writer list = writer_of(items, sizeof items);
    struct writer out = writer_of(statement, sizeof statement);
    writer_array(&list, last + 1 - first);
    for (uint64_t seq = first; seq <= last; seq++) {
        writer_array(&list, 3);
        writer_uint(&list, seq);
        writer_uint(&list, ++w->o.journal);
        writer_array(&list, 0);
    }
    struct ack ack = { .lane = lane,
                       .last = last,
                       .epoch = 1,
                       .number = w->o.journal,
                       .keep_from = 1,
                       .items = writer_bytes(&list) };
    struct hash head = head_at(w, lane, last);
    ack_statement(&ack, OFFICE_DISTRICT, OFFICE_NODE, &w->incarnation, &head, &out);
    assert_int_equal(out.err, OK);
    crypto_sign_typed("ack", writer_bytes(&out), key, &ack.signature);
    return ack;
}

static inline void give_ack(struct world *w, const struct ack *ack)
{
    const struct message message = { .type = MESSAGE_ACK, .ack = *ack };
    give(w, &message);
}

static inline void give_refuse(struct world *w, const char *code, enum lane lane, uint64_t seq)
{
    const struct message message = { .type = MESSAGE_REFUSE,
                                     .refuse = { .code = bytes_text(code),
                                                 .has_lane = seq > 0,
                                                 .lane = lane,
                                                 .seq = seq,
                                                 .detail = bytes_text("test") } };
    give(w, &message);
}

static inline void open_txn(struct world *w, const struct bundle_item *item)
{
    static struct txn txn;
    static uint8_t work_space[ENVELOPE_WORK_BYTES], plain_space[TRANSACTION_BYTES_MAX];
    struct buf work = buf_of(work_space, sizeof work_space);
    struct buf plain = buf_of(plain_space, sizeof plain_space);
    struct hash leaf;
    assert_true(item->sealed.key_number < COUNT_OF(w->data_keys));
    assert_non_null(w->data_keys[item->sealed.key_number]);
    assert_int_equal(envelope_open(&item->sealed, OFFICE_DISTRICT,
                                   w->data_keys[item->sealed.key_number], NULL, &work, &plain),
                     OK);
    assert_int_equal(txn_decode(buf_bytes(&plain), &txn), OK);
    bundle_item_leaf(item, &leaf);
    assert_int_equal(txn_verify(&txn, OFFICE_DISTRICT, &w->o.operator_key, &leaf), OK);
    w->transactions++;
}

/* A whole bundle: checked as a hub does, then acknowledged. */
static inline void take_bundle(struct world *w, struct bytes raw)
{
    static struct bundle bundle;
    struct node_identity identity = identity_of(w);
    struct bundle_context context = { .district = OFFICE_DISTRICT, .node = OFFICE_NODE };
    struct hash before, after;
    context.incarnation = w->incarnation;
    crypto_sign_public(w->o.hub_sign, &context.hub_key);
    w->bundles++;
    free(w->last_bundle.at);
    w->last_bundle = (struct frame){ .at = malloc(raw.len), .len = raw.len };
    memcpy(w->last_bundle.at, raw.at, raw.len);
    assert_int_equal(bundle_decode(raw, &bundle), OK);
    enum lane lane = bundle.lane;
    uint64_t last = bundle.first + bundle.item_count - 1;
    if (bundle.first > w->received[lane] + 1) {
        give_refuse(w, "gap", lane, w->received[lane] + 1);
        return;
    }
    before = head_at(w, lane, bundle.first - 1);
    assert_int_equal(bundle_verify(&bundle, &context, &before, &identity.device_public, &after),
                     OK);
    for (unsigned i = 0; i < bundle.key_count; i++) {
        struct secret_key **key = &w->data_keys[bundle.keys[i].number];
        if (*key == NULL)
            assert_int_equal(data_key_open(bundle.keys[i].sealed, w->o.hub_seal, key), OK);
    }
    for (unsigned i = 0; i < bundle.item_count; i++) {
        uint64_t seq = bundle.first + i;
        struct hash leaf;
        bundle_item_leaf(&bundle.items[i], &leaf);
        if (seq <= w->received[lane]) {
            assert_true(hash_equal(&leaf, &w->leaves[lane][seq]));
            continue;
        }
        assert_true(seq < SEQS_MAX);
        if (bundle.items[i].kind == ITEM_TXN)
            open_txn(w, &bundle.items[i]);
        w->leaves[lane][seq] = leaf;
        before = head_at(w, lane, seq - 1);
        chain_next(&before, &leaf, &w->heads[lane][seq]);
        w->received[lane] = seq;
    }
    if (!w->mute_acks) {
        struct ack ack = make_ack(w, lane, bundle.first, last, w->o.hub_sign);
        give_ack(w, &ack);
    }
}

static inline void take_push(struct world *w, const struct push *push)
{
    struct frame *assembly = &w->assemblies[push->lane];
    size_t *assembled = &w->assembled[push->lane];
    if (push->offset == 0 && (assembly->at == NULL || assembly->len != push->total)) {
        free(assembly->at);
        *assembly = (struct frame){ .at = malloc(push->total), .len = push->total };
        *assembled = 0;
    }
    if (push->offset == *assembled && assembly->len == push->total) {
        memcpy(assembly->at + push->offset, push->data.at, push->data.len);
        *assembled += push->data.len;
    }
    if (*assembled < assembly->len) {
        const struct message message = {
            .type = MESSAGE_PROGRESS,
            .progress = { .lane = push->lane, .first = push->first, .offset = *assembled }
        };
        give(w, &message);
        return;
    }
    struct frame whole = *assembly;
    uint8_t tag[BUNDLE_TAG_BYTES];
    *assembly = (struct frame){ .at = NULL };
    *assembled = 0;
    if (push->has_tag) {
        bundle_tag(bytes_of(whole.at, whole.len), tag);
        assert_memory_equal(tag, push->tag, sizeof tag);
    } else {
        assert_int_equal(push->data.len, push->total);
    }
    take_bundle(w, bytes_of(whole.at, whole.len));
    free(whole.at);
}

static inline void take_hello(struct world *w, const struct hello *hello)
{
    struct node_identity identity = identity_of(w);
    assert_true(
        crypto_verify_typed("hello", hello->statement, &identity.device_public, &hello->signature));
    assert_true(bytes_is(hello->district, OFFICE_DISTRICT) && bytes_is(hello->node, OFFICE_NODE));
    assert_false(id_equal(&hello->nonce, &w->last_nonce)); /* fresh each time */
    w->hellos++;
    w->last_nonce = hello->nonce;
    w->wants_records = hello->wants_records;
    if (!id_equal(&hello->incarnation, &w->incarnation)) {
        w->previous = hello->has_previous ? hello->previous : (struct id){ .at = { 0 } };
        w->incarnation = hello->incarnation;
        memset(w->received, 0, sizeof w->received);
    }
    if (!w->mute_welcome)
        give_welcome(w, welcome_of(w), w->o.hub_sign);
}

/* Everything that the node has sent, until it is quiet. */
static inline void hub(struct world *w)
{
    for (unsigned turn = 0; w->frame_count > 0; turn++) {
        struct frame frame = w->frames[0];
        struct message message;
        assert_true(turn < 5000);
        w->frame_count--;
        memmove(w->frames, w->frames + 1, w->frame_count * sizeof *w->frames);
        assert_int_equal(message_decode(bytes_of(frame.at, frame.len), &message), OK);
        if (message.type == MESSAGE_HELLO) {
            take_hello(w, &message.hello);
        } else if (message.type == MESSAGE_PUSH) {
            take_push(w, &message.push);
        } else if (message.type == MESSAGE_CONFIRM) {
            w->confirms++;
            w->confirm = message.confirm;
        } else if (message.type == MESSAGE_ENROL) {
            w->enrols++;
            struct bytes part = message.enrol.request;
            crypto_hash("test", &part, 1, &w->enrol_request);
        } else if (message.type == MESSAGE_OPERATOR) {
            w->operators++;
        } else {
            assert_int_equal(message.type, MESSAGE_RETURN);
            w->returns++;
        }
        free(frame.at);
    }
}

static inline void tick(struct world *w, uint64_t ms)
{
    w->now_ms += ms;
    assert_int_equal(node_driver_tick(w->driver, w->now_ms, OFFICE_WALL_MS), OK);
    hub(w);
}

/* From wake to wake. */
static inline void pass(struct world *w, uint64_t ms)
{
    uint64_t end = w->now_ms + ms;
    for (unsigned turn = 0; node_driver_wake_ms(w->driver) <= end; turn++) {
        uint64_t wake = node_driver_wake_ms(w->driver);
        assert_true(turn < 1000);
        tick(w, wake > w->now_ms ? wake - w->now_ms : 0);
    }
    w->now_ms = end;
}

static inline void drop_sent(struct world *w)
{
    while (w->frame_count > 0)
        free(w->frames[--w->frame_count].at);
}

/* ---- worlds */

static inline void driver_open(struct world *w)
{
    const struct node_driver_ports ports = { .ctx = w,
                                             .send = take_frame,
                                             .reconnect = reconnected };
    assert_int_equal(node_driver_open(w->o.store, &ports, &w->driver), OK);
}

static inline int world_open(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -1;
    office_open(&w->o, false);
    w->standing = STANDING_ACTIVE;
    w->now_ms = 5000;
    w->incarnation = identity_of(w).incarnation;
    driver_open(w);
    *state = w;
    return 0;
}

static inline int world_close(void **state)
{
    struct world *w = *state;
    node_driver_close(&w->driver);
    drop_sent(w);
    for (unsigned i = 0; i < LANE_COUNT; i++)
        free(w->assemblies[i].at);
    free(w->last_bundle.at);
    for (size_t i = 0; i < COUNT_OF(w->data_keys); i++)
        secret_key_close(&w->data_keys[i]);
    office_close(&w->o);
    free(w);
    return 0;
}

static inline struct id put(struct world *w, const char *name)
{
    struct id id = office_put(&w->o, "orang", FIELDS("kec", "36.04.29", "nama", name));
    node_driver_kick(w->driver);
    return id;
}

static inline struct node_lane lane_of(struct world *w, enum lane lane)
{
    struct node_lane row;
    assert_int_equal(node_store_lane(w->o.store, lane, &row), OK);
    return row;
}

static inline bool linked(struct world *w)
{
    struct node_link link;
    node_driver_link(w->driver, &link);
    return link.linked;
}
