/* The node's driver with its real store, codec and crypto against a hub that is played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

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
    struct frame assembly;
    size_t assembled;
    struct frame last_bundle;
    struct secret_key *data_keys[16];
    struct hash enrol_request;
};

/* ---- what the node sends */

static enum err take_frame(void *ctx, struct bytes frame)
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

static void reconnected(void *ctx)
{
    ((struct world *)ctx)->reconnects++;
}

/* ---- the hub */

static void give(struct world *w, const struct message *message)
{
    static uint8_t space[FRAME_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    assert_int_equal(message_encode(message, &out), OK);
    assert_int_equal(node_driver_receive(w->driver, writer_bytes(&out), w->now_ms, OFFICE_WALL_MS),
                     OK);
}

static struct node_identity identity_of(struct world *w)
{
    struct node_identity identity;
    assert_int_equal(node_store_identity(w->o.store, &identity), OK);
    return identity;
}

static struct hash head_at(struct world *w, enum lane lane, uint64_t seq)
{
    struct hash head;
    if (seq > 0)
        return w->heads[lane][seq];
    chain_genesis(OFFICE_DISTRICT, OFFICE_NODE, &w->incarnation, lane, &head);
    return head;
}

static struct welcome welcome_of(struct world *w)
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

static void give_welcome(struct world *w, struct welcome welcome, const struct secret_key *key)
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

static struct ack make_ack(struct world *w, enum lane lane, uint64_t first, uint64_t last,
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

static void give_ack(struct world *w, const struct ack *ack)
{
    const struct message message = { .type = MESSAGE_ACK, .ack = *ack };
    give(w, &message);
}

static void give_refuse(struct world *w, const char *code, enum lane lane, uint64_t seq)
{
    const struct message message = { .type = MESSAGE_REFUSE,
                                     .refuse = { .code = bytes_text(code),
                                                 .has_lane = seq > 0,
                                                 .lane = lane,
                                                 .seq = seq,
                                                 .detail = bytes_text("test") } };
    give(w, &message);
}

static void open_txn(struct world *w, const struct bundle_item *item)
{
    static struct txn txn;
    static uint8_t work_space[ENVELOPE_WORK_BYTES], plain_space[TRANSACTION_BYTES_MAX];
    struct buf work = buf_of(work_space, sizeof work_space);
    struct buf plain = buf_of(plain_space, sizeof plain_space);
    struct hash leaf;
    assert_true(item->sealed.key_number < COUNT_OF(w->data_keys));
    assert_non_null(w->data_keys[item->sealed.key_number]);
    assert_int_equal(envelope_open(&item->sealed, OFFICE_DISTRICT,
                                   w->data_keys[item->sealed.key_number], &work, &plain),
                     OK);
    assert_int_equal(txn_decode(buf_bytes(&plain), &txn), OK);
    bundle_item_leaf(item, &leaf);
    assert_int_equal(txn_verify(&txn, OFFICE_DISTRICT, &w->o.operator_key, &leaf), OK);
    w->transactions++;
}

/* A whole bundle: checked as a hub does, then acknowledged. */
static void take_bundle(struct world *w, struct bytes raw)
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

static void take_push(struct world *w, const struct push *push)
{
    if (push->offset == 0 && (w->assembly.at == NULL || w->assembly.len != push->total)) {
        free(w->assembly.at);
        w->assembly = (struct frame){ .at = malloc(push->total), .len = push->total };
        w->assembled = 0;
    }
    if (push->offset == w->assembled && w->assembly.len == push->total) {
        memcpy(w->assembly.at + push->offset, push->data.at, push->data.len);
        w->assembled += push->data.len;
    }
    if (w->assembled < w->assembly.len) {
        const struct message message = {
            .type = MESSAGE_PROGRESS,
            .progress = { .lane = push->lane, .first = push->first, .offset = w->assembled }
        };
        give(w, &message);
        return;
    }
    struct frame whole = w->assembly;
    uint8_t tag[BUNDLE_TAG_BYTES];
    w->assembly = (struct frame){ .at = NULL };
    w->assembled = 0;
    if (push->has_tag) {
        bundle_tag(bytes_of(whole.at, whole.len), tag);
        assert_memory_equal(tag, push->tag, sizeof tag);
    } else {
        assert_int_equal(push->data.len, push->total);
    }
    take_bundle(w, bytes_of(whole.at, whole.len));
    free(whole.at);
}

static void take_hello(struct world *w, const struct hello *hello)
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
static void hub(struct world *w)
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

static void tick(struct world *w, uint64_t ms)
{
    w->now_ms += ms;
    assert_int_equal(node_driver_tick(w->driver, w->now_ms, OFFICE_WALL_MS), OK);
    hub(w);
}

/* From wake to wake. */
static void pass(struct world *w, uint64_t ms)
{
    uint64_t end = w->now_ms + ms;
    for (unsigned turn = 0; node_driver_wake_ms(w->driver) <= end; turn++) {
        uint64_t wake = node_driver_wake_ms(w->driver);
        assert_true(turn < 1000);
        tick(w, wake > w->now_ms ? wake - w->now_ms : 0);
    }
    w->now_ms = end;
}

static void drop_sent(struct world *w)
{
    while (w->frame_count > 0)
        free(w->frames[--w->frame_count].at);
}

/* ---- worlds */

static void driver_open(struct world *w)
{
    const struct node_driver_ports ports = { .ctx = w,
                                             .send = take_frame,
                                             .reconnect = reconnected };
    assert_int_equal(node_driver_open(w->o.store, &ports, &w->driver), OK);
}

static int world_open(void **state)
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

static int world_close(void **state)
{
    struct world *w = *state;
    node_driver_close(&w->driver);
    drop_sent(w);
    free(w->assembly.at);
    free(w->last_bundle.at);
    for (size_t i = 0; i < COUNT_OF(w->data_keys); i++)
        secret_key_close(&w->data_keys[i]);
    office_close(&w->o);
    free(w);
    return 0;
}

static struct id put(struct world *w, const char *name)
{
    struct id id = office_put(&w->o, "orang", FIELDS("kec", "36.04.29", "nama", name));
    node_driver_kick(w->driver);
    return id;
}

static struct node_lane lane_of(struct world *w, enum lane lane)
{
    struct node_lane row;
    assert_int_equal(node_store_lane(w->o.store, lane, &row), OK);
    return row;
}

static bool linked(struct world *w)
{
    struct node_link link;
    node_driver_link(w->driver, &link);
    return link.linked;
}

/* ---- the way of a record */

static void entries_arrive_whole_in_order_and_once(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 40; i++)
        (void)put(w, "Maimunah");
    pass(w, 1000);
    assert_true(linked(w));
    assert_int_equal(w->transactions, 40);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct node_lane lane = lane_of(w, (enum lane)i);
        assert_int_equal(w->received[i], lane.highest);
        assert_int_equal(lane.acked, lane.highest);
    }
    struct node_figures figures;
    assert_int_equal(node_store_figures(w->o.store, &figures), OK);
    assert_int_equal(figures.queued, 0);
    assert_int_equal(figures.accepted, 40);
}

static void buffers_are_given_back_when_nothing_is_under_way(void **state)
{
    struct world *w = *state;
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    assert_non_null(w->driver->runs[LANE_NORMAL].at);
    w->mute_acks = false;
    pass(w, 60000);
    for (unsigned i = 0; i < LANE_COUNT; i++)
        assert_null(w->driver->runs[i].at);
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        assert_null(w->driver->batches[i].at);
}

static void lost_ack_brings_the_same_bytes_again(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    struct frame first = w->last_bundle;
    w->last_bundle = (struct frame){ .at = NULL };
    assert_non_null(first.at);
    unsigned before = w->bundles;
    pass(w, NODE_WAIT_MS_FIRST);
    assert_true(w->bundles > before);
    assert_int_equal(w->last_bundle.len, first.len);
    assert_memory_equal(w->last_bundle.at, first.at, first.len);
    w->mute_acks = false;
    pass(w, 10 * NODE_WAIT_MS_FIRST);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
    assert_int_equal(w->transactions, 1);
    free(first.at);
}

static void a_hub_that_is_gone_loses_nothing(void **state)
{
    struct world *w = *state;
    w->gone = true;
    struct id id = put(w, "Maimunah");
    pass(w, 4 * 3600 * 1000);
    assert_false(linked(w));
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, 0);
    w->gone = false;
    pass(w, NODE_NO_LINK_MS_MAX);
    assert_true(linked(w));
    assert_int_equal(w->transactions, 1);
    assert_false(office_view(&w->o, &id)->pending);
}

static void a_crash_between_send_and_ack_doubles_nothing(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    assert_int_equal(w->transactions, 1);
    node_driver_close(&w->driver);
    drop_sent(w);
    office_restart(&w->o);
    driver_open(w);
    w->mute_acks = false;
    pass(w, 2 * NODE_WAIT_MS_FIRST);
    assert_int_equal(w->transactions, 1);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
}

static void a_large_bundle_goes_in_slices_with_progress(void **state)
{
    struct world *w = *state;
    char text[190];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (unsigned i = 0; i < 120; i++) {
        for (unsigned j = 0; j < sizeof text - 1; j++) /* what does not compress */
            text[j] = (char)('a' + crypto_random_below(26));
        (void)office_put(&w->o, "orang",
                         FIELDS("kec", "36.04.29", "nama", "Maimunah", "alamat", text));
    }
    node_driver_kick(w->driver);
    pass(w, 1000);
    assert_int_equal(w->transactions, 120);
    assert_true(w->driver->session.push.bundle_bytes > NODE_BUNDLE_BYTES_MIN);
}

/* ---- what must not be believed */

static void forged_ack_is_ignored(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    uint64_t highest = lane_of(w, LANE_NORMAL).highest;
    uint64_t acked = lane_of(w, LANE_NORMAL).acked;
    struct ack ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.officer);
    give_ack(w, &ack); /* another key */
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    ack.keep_from = highest + 1;
    give_ack(w, &ack); /* altered */
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    ack.lane = LANE_BULK;
    give_ack(w, &ack); /* about another lane */
    struct id own = w->incarnation;
    w->incarnation.at[0] ^= 1;
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    give_ack(w, &ack); /* for another life of the store */
    w->incarnation = own;
    struct hash head = w->heads[LANE_NORMAL][highest];
    w->heads[LANE_NORMAL][highest].at[0] ^= 1;
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    w->heads[LANE_NORMAL][highest] = head;
    give_ack(w, &ack); /* over another chain */
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, acked);
    assert_int_equal(w->driver->bad_messages, 5);
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    give_ack(w, &ack);
    give_ack(w, &ack); /* doubled */
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, highest);
}

static void only_the_hub_that_was_asked_can_welcome(void **state)
{
    struct world *w = *state;
    w->mute_welcome = true;
    pass(w, 100);
    assert_int_equal(w->hellos, 1);
    struct welcome welcome = welcome_of(w);
    give_welcome(w, welcome, w->o.officer);
    welcome.nonce.at[0] ^= 1;
    give_welcome(w, welcome, w->o.hub_sign);
    welcome = welcome_of(w);
    welcome.incarnation.at[0] ^= 1;
    give_welcome(w, welcome, w->o.hub_sign);
    welcome = welcome_of(w);
    welcome.node = bytes_text("36.04.05");
    give_welcome(w, welcome, w->o.hub_sign);
    welcome = welcome_of(w);
    welcome.version = 2;
    give_welcome(w, welcome, w->o.hub_sign);
    assert_false(linked(w));
    assert_int_equal(w->driver->bad_messages, 5);
    give_welcome(w, welcome_of(w), w->o.hub_sign);
    assert_true(linked(w));
}

static void garbage_is_counted_and_nothing_else(void **state)
{
    struct world *w = *state;
    uint8_t junk[200];
    pass(w, 100);
    uint64_t before = w->driver->bad_messages;
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = crypto_random_below(sizeof junk);
        crypto_random(junk, sizeof junk);
        if (i % 2 == 0) {
            junk[0] = (uint8_t)(0x90 + crypto_random_below(12)); /* an array … */
            junk[1] = (uint8_t)crypto_random_below(24);          /* … of some type */
        }
        assert_int_equal(node_driver_receive(w->driver, bytes_of(junk, len), w->now_ms, 0), OK);
    }
    assert_int_equal(w->driver->bad_messages, before + 2000);
    assert_true(linked(w));
}

static void messages_for_a_hub_are_not_obeyed(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    const struct message message = { .type = MESSAGE_CONFIRM, .confirm = { .number = 5 } };
    uint64_t before = w->driver->bad_messages;
    give(w, &message);
    assert_int_equal(w->driver->bad_messages, before + 1);
}

/* ---- standing */

static void fork_opens_a_new_life_and_sends_all_of_it(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    struct id old = w->incarnation;
    w->mute_acks = true;
    (void)put(w, "Maimunah");
    (void)put(w, "Aminah");
    tick(w, 100);
    w->mute_acks = false;
    w->transactions = 0;
    give_refuse(w, "fork", LANE_NORMAL, 1);
    w->standing = STANDING_REOPEN;
    w->mute_welcome = true;
    pass(w, NODE_BACKOFF_MS_MIN);
    w->mute_welcome = false;
    struct welcome welcome = welcome_of(w);
    w->standing = STANDING_ACTIVE;
    give_welcome(w, welcome, w->o.hub_sign);
    hub(w);
    pass(w, 1000);
    assert_false(id_equal(&w->incarnation, &old));
    assert_true(id_equal(&w->previous, &old));
    assert_true(linked(w));
    assert_int_equal(w->transactions, 2);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
}

static void another_head_at_the_hub_is_a_fork(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    struct id old = w->incarnation;
    w->heads[LANE_BULK][w->received[LANE_BULK]].at[3] ^= 1;
    pass(w, NODE_SILENCE_MS);
    pass(w, 1000);
    assert_false(id_equal(&w->incarnation, &old));
    assert_true(linked(w));
}

static void gap_is_sent_from_the_first_missing(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 5; i++)
        (void)put(w, "Maimunah");
    pass(w, 100);
    uint64_t all = w->received[LANE_NORMAL];
    w->received[LANE_NORMAL] = 4; /* the hub lost some */
    (void)put(w, "Aminah");
    pass(w, 100);
    assert_int_equal(w->received[LANE_NORMAL], all + 1);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, all + 1);
}

static void waiting_hub_keeps_the_queue_and_the_cursor(void **state)
{
    struct world *w = *state;
    struct cursor before, after;
    assert_int_equal(node_store_cursor(w->o.store, FEED_CONTROL, &before), OK);
    w->standing = STANDING_WAITING;
    (void)put(w, "Maimunah");
    pass(w, 3600 * 1000);
    assert_int_equal(w->bundles, 0);
    assert_in_range(w->hellos, 20, 70);
    assert_int_equal(node_store_cursor(w->o.store, FEED_CONTROL, &after), OK);
    assert_int_equal(after.number, before.number);
    assert_true(w->returns > 0); /* the signed policy that it lost */
    w->standing = STANDING_ACTIVE;
    pass(w, 2 * NODE_WAITING_MS);
    assert_int_equal(w->transactions, 1);
}

static void unproven_cursor_is_read_again_from_the_start(void **state)
{
    struct world *w = *state;
    struct cursor cursor;
    w->mute_welcome = true;
    pass(w, 10);
    w->mute_welcome = false;
    struct welcome welcome = welcome_of(w);
    welcome.proven[FEED_CONTROL] = false;
    give_welcome(w, welcome, w->o.hub_sign);
    assert_int_equal(node_store_cursor(w->o.store, FEED_CONTROL, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    hub(w);
    assert_int_equal(w->hellos, 2);
    assert_true(linked(w));
}

static void the_last_refusal_is_shown_until_the_next_welcome(void **state)
{
    struct world *w = *state;
    struct node_link link;
    w->mute_welcome = true;
    pass(w, 100);
    give_refuse(w, "denied", LANE_URGENT, 0);
    node_driver_link(w->driver, &link);
    assert_int_equal(link.refusal.code, ERR_DENIED);
    assert_non_null(strstr(link.last_refusal, "test"));
    w->mute_welcome = false;
    pass(w, 2 * NODE_BACKOFF_MS_MAX);
    node_driver_link(w->driver, &link);
    assert_int_equal(link.refusal.code, OK);
    assert_string_equal(link.last_refusal, "");
}

/* ---- feed */

static struct bytes make_batch(struct world *w, enum feed_stream stream, struct feed_item *item,
                               uint64_t to)
{
    static uint8_t raw[64 * 1024], space[FEED_BYTES_MAX], work_space[FEED_PLAIN_BYTES_MAX + 8192];
    struct writer items = writer_of(raw, sizeof raw), out = writer_of(space, sizeof space);
    struct buf work = buf_of(work_space, sizeof work_space);
    struct node_identity identity = identity_of(w);
    struct cursor cursor;
    assert_int_equal(node_store_cursor(w->o.store, stream, &cursor), OK);
    feed_item_encode(item, &items);
    struct feed_batch batch = { .district = bytes_text(OFFICE_DISTRICT),
                                .node = bytes_text(OFFICE_NODE),
                                .stream = stream,
                                .epoch = 1,
                                .from = cursor.number,
                                .to = to,
                                .count = 1 };
    assert_int_equal(feed_batch_build(&batch, writer_bytes(&items),
                                      stream == FEED_RECORDS ? &identity.seal_public : NULL,
                                      w->o.hub_sign, &work, &out),
                     OK);
    return writer_bytes(&out);
}

static void give_feed(struct world *w, enum feed_stream stream, struct bytes raw, uint64_t to,
                      size_t slice)
{
    struct cursor cursor;
    assert_int_equal(node_store_cursor(w->o.store, stream, &cursor), OK);
    for (size_t at = 0; at < raw.len; at += slice) {
        size_t left = raw.len - at;
        const struct message message = {
            .type = MESSAGE_FEED,
            .feed = { .stream = stream,
                      .epoch = 1,
                      .from = cursor.number,
                      .to = to,
                      .total = raw.len,
                      .offset = at,
                      .data = bytes_of(raw.at + at, left < slice ? left : slice) }
        };
        give(w, &message);
        hub(w);
    }
}

static void records_arrive_while_unlocked(void **state)
{
    struct world *w = *state;
    struct id id = crypto_uuid7(OFFICE_WALL_MS);
    pass(w, 100);
    assert_true(w->wants_records);
    struct feed_item item =
        office_record(&id, "orang", "29-0009", FIELDS("kec", "36.04.29", "nama", "Maimunah"));
    item.number = 9000;
    struct bytes raw = make_batch(w, FEED_RECORDS, &item, 9000);
    give_feed(w, FEED_RECORDS, raw, 9000, 100);
    assert_string_equal(office_value(office_view(&w->o, &id), "nama"), "Maimunah");
    assert_int_equal(w->confirm.number, 9000);
    assert_int_equal(w->confirm.offset, 0);
    assert_true(w->confirms > 2);               /* slice by slice */
    give_feed(w, FEED_RECORDS, raw, 9000, 100); /* late doubles change nothing */
    assert_int_equal(w->confirm.number, 9000);
}

static void altered_feed_is_refused_and_asked_for_anew(void **state)
{
    struct world *w = *state;
    struct id id = crypto_uuid7(OFFICE_WALL_MS);
    struct cursor cursor;
    const struct record_view *view;
    pass(w, 100);
    struct feed_item item =
        office_record(&id, "orang", "29-0009", FIELDS("kec", "36.04.29", "nama", "Maimunah"));
    item.number = 9000;
    struct bytes raw = make_batch(w, FEED_RECORDS, &item, 9000);
    uint8_t *copy = malloc(raw.len);
    memcpy(copy, raw.at, raw.len);
    copy[raw.len - 7] ^= 1;
    unsigned hellos = w->hellos;
    give_feed(w, FEED_RECORDS, bytes_of(copy, raw.len), 9000, 4096);
    assert_int_equal(node_store_cursor(w->o.store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    assert_int_equal(node_store_view(w->o.store, &id, &view), ERR_NOT_FOUND);
    assert_null(w->driver->batches[FEED_RECORDS].at);
    pass(w, 2 * NODE_BACKOFF_MS_MIN);
    assert_int_equal(w->hellos, hellos + 1);
    give_feed(w, FEED_RECORDS, raw, 9000, 4096);
    assert_int_equal(node_store_view(w->o.store, &id, &view), OK);
    free(copy);
}

static void locking_and_unlocking_tell_the_hub(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    assert_true(w->wants_records);
    node_store_lock(w->o.store);
    node_driver_kick(w->driver);
    pass(w, 10);
    assert_false(w->wants_records);
    office_unlock(&w->o);
    node_driver_kick(w->driver);
    pass(w, 10);
    assert_true(w->wants_records);
}

static void locked_node_still_sends(void **state)
{
    struct world *w = *state;
    w->gone = true;
    (void)put(w, "Maimunah");
    pass(w, 1000);
    node_driver_close(&w->driver);
    office_restart(&w->o); /* a restart locks */
    driver_open(w);
    w->gone = false;
    pass(w, 1000);
    assert_false(node_store_unlocked(w->o.store));
    assert_int_equal(w->transactions, 1);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
}

/* ---- enrolment */

static int bare_open(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -1;
    office_open(&w->o, true);
    w->standing = STANDING_ACTIVE;
    w->now_ms = 5000;
    w->incarnation = identity_of(w).incarnation;
    driver_open(w);
    *state = w;
    return 0;
}

static void operators_are_asked_for_until_the_roster_has_them(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    assert_int_equal(w->operators, 1);
    pass(w, 2 * NODE_OPERATORS_MS_MIN);
    assert_int_equal(w->operators, 2);
    assert_int_equal(office_feed_document(&w->o, FEED_TRUST, office_founding(&w->o)), OK);
    assert_int_equal(office_feed_document(&w->o, FEED_TRUST, office_roster(&w->o)), OK);
    node_driver_kick(w->driver);
    pass(w, 4 * NODE_OPERATORS_MS_MAX);
    assert_int_equal(w->operators, 2);
}

/* A store that has taken an invite and is not approved. */
static void enrolling_world(struct world *w)
{
    struct node_identity identity = { .district = OFFICE_DISTRICT,
                                      .node = OFFICE_NODE,
                                      .enrolment = ENROLMENT_WAITING,
                                      .invite = crypto_random_id() };
    struct secret_key *one_time = secret_key_new();
    node_driver_close(&w->driver);
    node_entry_close(&w->o.entry);
    node_store_close(&w->o.store);
    snprintf(w->o.path, sizeof w->o.path, "%s/other.db", w->o.directory);
    office_restart(&w->o);
    crypto_sign_public(w->o.root, &identity.root_key);
    crypto_sign_public(w->o.hub_sign, &identity.hub.sign_key);
    crypto_box_public(w->o.hub_seal, &identity.hub.seal_key);
    crypto_box_public(w->o.hub_curve, &identity.hub.curve_key);
    identity.hub.endpoint_count = 1;
    snprintf(identity.hub.endpoints[0], sizeof identity.hub.endpoints[0], "tcp://127.0.0.1:7740");
    assert_int_equal(node_store_enrol(w->o.store, &identity, one_time), OK);
    secret_key_close(&one_time);
    w->incarnation = identity_of(w).incarnation;
    driver_open(w);
}

static void give_enrol_state(struct world *w, enum enrol_standing standing,
                             const struct secret_key *key)
{
    static uint8_t space[1024];
    struct node_identity identity = identity_of(w);
    struct writer out = writer_of(space, sizeof space);
    struct message message = { .type = MESSAGE_ENROL_STATE };
    struct enrol_state *state = &message.enrol_state;
    state->district = bytes_text(OFFICE_DISTRICT);
    state->node = bytes_text(OFFICE_NODE);
    state->invite = identity.invite;
    state->device_key = identity.device_public;
    state->standing = standing;
    enrol_state_statement(state, &out);
    state->statement = writer_bytes(&out);
    crypto_sign_typed("enrol-state", state->statement, key, &state->signature);
    give(w, &message);
    hub(w);
}

static void enrolment_asks_the_same_until_it_is_approved(void **state)
{
    struct world *w = *state;
    char before[WORDS_TEXT_MAX], after[WORDS_TEXT_MAX];
    enrolling_world(w);
    w->reconnects = 0;
    pass(w, 100);
    assert_int_equal(w->enrols, 1);
    assert_int_equal(w->reconnects, 1);
    struct hash first = w->enrol_request;
    assert_int_equal(node_enrol_words(w->o.store, before), OK);
    node_driver_close(&w->driver);
    office_restart(&w->o);
    driver_open(w);
    pass(w, 100);
    assert_int_equal(w->enrols, 2);
    assert_true(hash_equal(&first, &w->enrol_request));
    assert_int_equal(node_enrol_words(w->o.store, after), OK);
    assert_string_equal(before, after); /* what was read out stays true */
    give_enrol_state(w, ENROL_APPROVED, w->o.officer);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_WAITING); /* not the hub's */
    give_enrol_state(w, ENROL_WAITING, w->o.hub_sign);
    give_enrol_state(w, ENROL_APPROVED, w->o.hub_sign);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_DONE);
    assert_int_equal(w->hellos, 1);
    assert_true(linked(w));
}

static void refused_enrolment_is_kept_and_silent(void **state)
{
    struct world *w = *state;
    enrolling_world(w);
    pass(w, 100);
    give_enrol_state(w, ENROL_REFUSED, w->o.hub_sign);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_REFUSED);
    unsigned asked = w->enrols;
    pass(w, 3600 * 1000);
    assert_int_equal(w->enrols, asked);
    assert_int_equal(w->hellos, 0);
}

int main(void)
{
#define WITH(world, test) cmocka_unit_test_setup_teardown(test, world##_open, world_close)
    const struct CMUnitTest tests[] = {
        WITH(world, entries_arrive_whole_in_order_and_once),
        WITH(world, buffers_are_given_back_when_nothing_is_under_way),
        WITH(world, lost_ack_brings_the_same_bytes_again),
        WITH(world, a_hub_that_is_gone_loses_nothing),
        WITH(world, a_crash_between_send_and_ack_doubles_nothing),
        WITH(world, a_large_bundle_goes_in_slices_with_progress),
        WITH(world, forged_ack_is_ignored),
        WITH(world, only_the_hub_that_was_asked_can_welcome),
        WITH(world, garbage_is_counted_and_nothing_else),
        WITH(world, messages_for_a_hub_are_not_obeyed),
        WITH(world, fork_opens_a_new_life_and_sends_all_of_it),
        WITH(world, another_head_at_the_hub_is_a_fork),
        WITH(world, gap_is_sent_from_the_first_missing),
        WITH(world, waiting_hub_keeps_the_queue_and_the_cursor),
        WITH(world, unproven_cursor_is_read_again_from_the_start),
        WITH(world, the_last_refusal_is_shown_until_the_next_welcome),
        WITH(world, records_arrive_while_unlocked),
        WITH(world, altered_feed_is_refused_and_asked_for_anew),
        WITH(world, locking_and_unlocking_tell_the_hub),
        WITH(world, locked_node_still_sends),
        WITH(bare, operators_are_asked_for_until_the_roster_has_them),
        WITH(bare, enrolment_asks_the_same_until_it_is_approved),
        WITH(bare, refused_enrolment_is_kept_and_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
