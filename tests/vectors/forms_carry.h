/* Carry files with one piece of each kind. Inside forms.h only. */
#pragma once

#include "proto/carry_piece.h"

struct carry_made {
    struct writer out;
    uint64_t pieces;
};

static inline void carry_frame(struct carry_made *made, struct bytes content)
{
    uint8_t head[CARRY_FRAME_HEAD_BYTES_MAX];
    size_t len = carry_frame_head(content.len, head);
    writer_raw(&made->out, bytes_of(head, len));
    writer_raw(&made->out, content);
}

static inline void carry_begin(struct carry_made *made, uint8_t *space, size_t cap,
                               const struct carry_header *header)
{
    static uint8_t head_space[CARRY_HEADER_BYTES_MAX];
    struct writer head = writer_of(head_space, sizeof(head_space));
    *made = (struct carry_made){ .out = writer_of(space, cap) };
    carry_header_encode(header, &head);
    writer_raw(&made->out, bytes_of(CARRY_MAGIC, CARRY_MAGIC_BYTES));
    carry_frame(made, writer_bytes(&head));
}

static inline void carry_add(struct carry_made *made, const struct writer *piece)
{
    struct carry_piece decoded;
    must(!piece->err && carry_piece_decode(writer_bytes(piece), &decoded) == OK);
    carry_frame(made, writer_bytes(piece));
    made->pieces++;
}

static inline void carry_finish(struct carry_made *made, struct json *json, const char *name)
{
    uint8_t end_space[CARRY_END_BYTES_MAX];
    struct writer out = writer_of(end_space, sizeof(end_space));
    struct carry_end end = { .pieces = made->pieces };
    struct bytes whole = writer_bytes(&made->out);
    crypto_hash("carry", &whole, 1, &end.hash);
    carry_end_encode(&end, &out);
    carry_frame(made, writer_bytes(&out));
    must(!made->out.err);
    json_hex(json, name, writer_bytes(&made->out));
}

static inline struct writer carry_message(uint8_t *space, size_t cap, const struct message *message)
{
    struct writer out = writer_of(space, cap);
    must(message_encode(message, &out) == OK);
    return out;
}

/* A bundle of one policy entry at seq 5 of the normal lane. */
static inline struct writer carry_sample_bundle(uint8_t *space, size_t cap)
{
    static uint8_t item_space[512], raw_space[2048];
    const struct bundle_context context = { SAMPLE_DISTRICT, SAMPLE_NODE, sample_id(0x0c),
                                            sample_sign_public(0x51) };
    const struct bundle_item item = { .kind = ITEM_POLICY,
                                      .mark = { 4, 2, sample_hash(0x61), sample_hash(0x62) } };
    struct secret_key *device = sample_secret(0x21);
    struct hash before = sample_hash(0x77), after, leaf;
    struct writer items = writer_of(item_space, sizeof(item_space));
    struct writer raw = writer_of(raw_space, sizeof(raw_space)), out = writer_of(space, cap);
    bundle_item_leaf(&item, &leaf);
    chain_next(&before, &leaf, &after);
    writer_array(&items, 0);
    writer_array(&items, 1);
    bundle_item_encode(&item, &items);
    must(bundle_sign(&context, LANE_NORMAL, 5, 5, 4, 2, &before, &after, 1, bytes_of(item_space, 1),
                     bytes_of(item_space + 1, items.buf.len - 1), device, &raw) == OK);
    carry_bundle_encode(&before, writer_bytes(&raw), &out);
    secret_key_close(&device);
    return out;
}

static inline struct writer carry_sample_proof(uint8_t *space, size_t cap)
{
    uint8_t proof_space[256];
    struct secret_key *hub = sample_secret(0x51);
    struct signature signature;
    struct bytes statement = bytes_text("what an ACK's signature covers");
    struct writer proof = writer_of(proof_space, sizeof(proof_space)), out = writer_of(space, cap);
    crypto_sign_typed("ack", statement, hub, &signature);
    secret_key_close(&hub);
    writer_array(&proof, 2);
    writer_bin(&proof, statement);
    writer_bin(&proof, bytes_of(signature.at, SIGNATURE_BYTES));
    carry_proof_encode(RETURN_ACK, writer_bytes(&proof), &out);
    return out;
}

static inline struct writer carry_sample_feed(uint8_t *space, size_t cap)
{
    static uint8_t item_space[4096], batch_space[8192];
    static uint8_t work_space[FEED_PLAIN_BYTES_MAX + 8 * 1024];
    struct secret_key *hub = sample_secret(0x51);
    struct feed_batch batch = feed_sample_batch(FEED_CONTROL, 1);
    struct feed_item item = feed_sample_item(2); /* a decision */
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct writer items = writer_of(item_space, sizeof(item_space));
    struct writer raw = writer_of(batch_space, sizeof(batch_space)), out = writer_of(space, cap);
    feed_item_encode(&item, &items);
    must(feed_batch_build(&batch, writer_bytes(&items), NULL, hub, &work, &raw) == OK);
    carry_feed_encode(writer_bytes(&raw), &out);
    secret_key_close(&hub);
    return out;
}

static inline void vectors_carry(struct json *json)
{
    static uint8_t file_space[65536], space[8192], second[8192];
    static struct carry_header header;
    struct carry_made made;
    struct message message = hello_sample(); /* one sample at a time: they share their space */
    header = (struct carry_header){ .district = bytes_text(SAMPLE_DISTRICT),
                                    .node = bytes_text(SAMPLE_NODE),
                                    .way = CARRY_TO_HUB,
                                    .export_id = sample_id(0x44),
                                    .made_ms = 1795300000000,
                                    .part = 2,
                                    .part_count = 2,
                                    .begins = { { CARRY_PROOF, 0, 0 },
                                                { CARRY_BUNDLE, LANE_NORMAL, 5 } } };
    json_text(json, "district", SAMPLE_DISTRICT);
    json_text(json, "node", SAMPLE_NODE);
    json_secret(json, "device_seed", 0x21);
    json_secret(json, "hub_seed", 0x51);
    struct id life = sample_id(0x0c);
    json_hex(json, "incarnation", bytes_id(&life));

    carry_begin(&made, file_space, sizeof(file_space), &header);
    struct writer piece = carry_message(space, sizeof(space), &message);
    carry_add(&made, &piece);
    piece = carry_sample_proof(space, sizeof(space));
    carry_add(&made, &piece);
    piece = carry_sample_bundle(space, sizeof(space));
    carry_add(&made, &piece);
    carry_finish(&made, json, "to_hub");

    header.way = CARRY_TO_NODE;
    header.part = header.part_count = 1;
    header.begins[0] = (struct carry_place){ CARRY_FEED, FEED_CONTROL, 80 };
    carry_begin(&made, file_space, sizeof(file_space), &header);
    message = hello_sample();
    struct writer first = carry_message(space, sizeof(space), &message);
    message = welcome_sample();
    struct writer answer = carry_message(second, sizeof(second), &message);
    static uint8_t both[8192];
    piece = writer_of(both, sizeof(both));
    carry_answer_encode(writer_bytes(&first), writer_bytes(&answer), &piece);
    carry_add(&made, &piece);
    piece = carry_sample_feed(space, sizeof(space));
    carry_add(&made, &piece);
    message = ack_sample();
    piece = carry_message(space, sizeof(space), &message);
    carry_add(&made, &piece);
    carry_finish(&made, json, "to_node");
}
