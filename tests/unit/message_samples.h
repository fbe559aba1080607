/* A sample of each message, signed with keys from fixed seeds: device 0x21, hub 0x51, operator
 * 0x31. What a sample points to lies in static space and lasts until the next one of its kind is
 * made. */
#pragma once

#include "proto/message.h"
#include "tests/unit/proto_samples.h"

static uint8_t statement_space[4096];
static uint8_t slice[FRAME_DATA_BYTES_MAX + 1];

/* Signs a statement as `type` with a seed of equal bytes. */
static inline struct bytes sign(struct writer *statement, const char *type, uint8_t filler,
                                struct signature *ret_signature)
{
    struct secret_key *seed = sample_secret(filler);
    assert_int_equal(statement->err, OK);
    crypto_sign_typed(type, writer_bytes(statement), seed, ret_signature);
    secret_key_close(&seed);
    return writer_bytes(statement);
}

static inline struct message hello_sample(void)
{
    struct hello hello = { .version = PROTOCOL_VERSION,
                           .district = bytes_text(SAMPLE_DISTRICT),
                           .node = bytes_text(SAMPLE_NODE),
                           .incarnation = sample_id(1),
                           .has_previous = true,
                           .previous = sample_id(2),
                           .nonce = sample_id(3),
                           .lanes = { { 0, sample_hash(4), 0, 0 },
                                      { 7, sample_hash(5), 9, 8 },
                                      { 300, sample_hash(6), 70000, 0 } },
                           .seen_epoch = 1,
                           .seen_number = 88,
                           .cursors = { { 1, 80, sample_hash(7) }, { 0, 0, sample_hash(0) } },
                           .policy = { 5, 2, sample_hash(8), sample_hash(9) },
                           .wants_records = true,
                           .wall_ms = 1790000000000 };
    struct writer out = writer_of(statement_space, sizeof(statement_space));
    hello_statement(&hello, &out);
    hello.statement = sign(&out, "hello", 0x21, &hello.signature);
    return (struct message){ .type = MESSAGE_HELLO, .hello = hello };
}

static inline struct message welcome_sample(void)
{
    struct welcome welcome = {
        .version = PROTOCOL_VERSION,
        .district = bytes_text(SAMPLE_DISTRICT),
        .node = bytes_text(SAMPLE_NODE),
        .incarnation = sample_id(1),
        .nonce = sample_id(3),
        .standing = STANDING_ACTIVE,
        .journal = { 1, 88, sample_hash(0x0a) },
        .lanes = { { 0, sample_hash(4), 1 },
                   { 7, sample_hash(5), 3 },
                   { 301, sample_hash(6), 200 } },
        .proven = { true, false },
        .policy = { 6, 2, sample_hash(8), sample_hash(9) },
        .partials = { [LANE_NORMAL] = { true, 8, { 9, 8, 7 }, 4096 },
                      [LANE_BULK] = { true, 302, { 1, 2, 3, 4, 5, 6, 7, 8 }, 31744 } },
        .lost = 12,
        .wall_ms = 1790000000001
    };
    struct writer out = writer_of(statement_space, sizeof(statement_space));
    welcome_statement(&welcome, &out);
    welcome.statement = sign(&out, "welcome", 0x51, &welcome.signature);
    return (struct message){ .type = MESSAGE_WELCOME, .welcome = welcome };
}

static inline struct message enrol_sample(void)
{
    struct enrol enrol = { .district = bytes_text(SAMPLE_DISTRICT),
                           .node = bytes_text(SAMPLE_NODE),
                           .invite = sample_id(0x71),
                           .token = sample_hash(0x72),
                           .device_key = sample_sign_public(0x21),
                           .curve_key = sample_box_public(0x22),
                           .seal_key = sample_box_public(0x23),
                           .nonce = sample_id(3) };
    struct writer out = writer_of(statement_space, sizeof(statement_space));
    enrol_request(&enrol, &out);
    enrol.request = sign(&out, "enrol", 0x21, &enrol.signature);
    return (struct message){ .type = MESSAGE_ENROL, .enrol = enrol };
}

static inline struct message operator_request_sample(void)
{
    struct operator_request request = { .district = bytes_text(SAMPLE_DISTRICT),
                                        .node = bytes_text(SAMPLE_NODE),
                                        .key = sample_sign_public(0x31),
                                        .name = bytes_text("Siti Aminah"),
                                        .role = bytes_text("tksk"),
                                        .nonce = sample_id(4),
                                        .has_seal_key = true,
                                        .seal_key = sample_box_public(0x24) };
    struct writer out = writer_of(statement_space, sizeof(statement_space));
    operator_request_encode(&request, &out);
    request.request = sign(&out, "operator", 0x31, &request.operator_signature);
    (void)sign(&out, "operator", 0x21, &request.device_signature);
    return (struct message){ .type = MESSAGE_OPERATOR, .operator_request = request };
}

static inline struct message enrol_state_sample(void)
{
    struct enrol_state enrol = { .district = bytes_text(SAMPLE_DISTRICT),
                                 .node = bytes_text(SAMPLE_NODE),
                                 .invite = sample_id(0x71),
                                 .device_key = sample_sign_public(0x21),
                                 .standing = ENROL_WAITING,
                                 .tries = 2 };
    struct writer out = writer_of(statement_space, sizeof(statement_space));
    enrol_state_statement(&enrol, &out);
    enrol.statement = sign(&out, "enrol-state", 0x51, &enrol.signature);
    return (struct message){ .type = MESSAGE_ENROL_STATE, .enrol_state = enrol };
}

/* Items 4 (all accepted), 5 (one change rejected, one held), 6 (all quarantined). */
static inline struct bytes ack_items(uint8_t *space, size_t cap)
{
    uint8_t entry_space[256];
    struct writer entries = writer_of(entry_space, sizeof(entry_space));
    struct writer out = writer_of(space, cap);
    writer_array(&out, 3);
    writer_array(&entries, 0);
    ack_item_encode(&(struct ack_item){ 4, 81, writer_bytes(&entries) }, &out);

    entries = writer_of(entry_space, sizeof(entry_space));
    writer_array(&entries, 2);
    ack_entry_encode(
        &(struct ack_entry){ false, 1, DISPOSITION_REJECTED, bytes_text("nik"), bytes_text("nik") },
        &entries);
    ack_entry_encode(
        &(struct ack_entry){ false, 2, DISPOSITION_HELD, bytes_text(""), bytes_text("alamat") },
        &entries);
    ack_item_encode(&(struct ack_item){ 5, 82, writer_bytes(&entries) }, &out);

    entries = writer_of(entry_space, sizeof(entry_space));
    writer_array(&entries, 1);
    ack_entry_encode(&(struct ack_entry){ true, 0, DISPOSITION_QUARANTINED,
                                          bytes_text("author_ended"), bytes_text("") },
                     &entries);
    ack_item_encode(&(struct ack_item){ 6, 0, writer_bytes(&entries) }, &out);
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

static inline struct message ack_sample(void)
{
    static uint8_t items[512];
    struct ack ack = {
        .lane = LANE_NORMAL,
        .last = 6,
        .epoch = 1,
        .number = 82,
        .keep_from = 2,
        .items = ack_items(items, sizeof(items)),
    };
    struct id incarnation = sample_id(1);
    struct hash head = sample_hash(0x0b);
    struct writer out = writer_of(statement_space, sizeof(statement_space));
    ack_statement(&ack, SAMPLE_DISTRICT, SAMPLE_NODE, &incarnation, &head, &out);
    (void)sign(&out, "ack", 0x51, &ack.signature);
    return (struct message){ .type = MESSAGE_ACK, .ack = ack };
}

static inline struct message push_sample(void)
{
    return (struct message){ .type = MESSAGE_PUSH,
                             .push = { .lane = LANE_BULK,
                                       .first = 302,
                                       .has_tag = true,
                                       .tag = { 1, 2, 3, 4, 5, 6, 7, 8 },
                                       .total = 40000,
                                       .offset = 4096,
                                       .data = bytes_of(slice, 4096) } };
}

static inline struct message feed_sample(void)
{
    return (struct message){
        .type = MESSAGE_FEED, .feed = { FEED_RECORDS, 1, 80, 88, 5000, 4096, bytes_of(slice, 904) }
    };
}

static inline struct message plain_sample(unsigned which)
{
    switch (which) {
    case 0:
        return (struct message){ .type = MESSAGE_CONFIRM, .confirm = { FEED_CONTROL, 1, 88, 0 } };
    case 1:
        return (struct message){ .type = MESSAGE_PROGRESS, .progress = { LANE_URGENT, 3, 4096 } };
    case 2:
        return (struct message){ .type = MESSAGE_OPERATOR_STATE,
                                 .operator_state = { sample_sign_public(0x31), ENROL_REFUSED } };
    case 3:
        return (struct message){ .type = MESSAGE_RETURN,
                                 .policy_return = { 2, 7, 5000, 4096, bytes_of(slice, 904) } };
    default:
        return (struct message){ .type = MESSAGE_REFUSE,
                                 .refuse = { bytes_text("gap"), true, LANE_NORMAL, 5,
                                             bytes_text("") } };
    }
}

#define SAMPLE_COUNT 13
static inline struct message message_sample(unsigned which)
{
    switch (which) {
    case 0:
        return hello_sample();
    case 1:
        return push_sample();
    case 2:
        return enrol_sample();
    case 3:
        return operator_request_sample();
    case 4:
        return welcome_sample();
    case 5:
        return ack_sample();
    case 6:
        return feed_sample();
    case 7:
        return enrol_state_sample();
    default:
        return plain_sample(which - 8);
    }
}
