/* The golden vectors: every wire form with its inputs, as JSON with hex for bytes. Keys are made
 * from secrets of 32 equal bytes, randomness is replaced, so the same code makes the same bytes.
 * make_vectors writes the files, tests/unit/test_vectors.c checks that they are still what the code
 * makes, check_vectors.py verifies them without any of our code.
 * (Compressed forms also depend on the version of libzstd; see test_vectors.c.) */
#pragma once

#include "proto/envelope.h"
#include "proto/invite.h"
#include "proto/merge.h"
#include "tests/unit/feed_samples.h"
#include "tests/unit/message_samples.h"
#include "tests/unit/trust_samples.h"

/* --- writing JSON
 * --------------------------------------------------------------------------------- */

struct json {
    FILE *out;
    unsigned depth;
    bool first;
};

static inline void json_name(struct json *json, const char *name)
{
    (void)fprintf(json->out, "%s\n%*s", json->first ? "" : ",", (int)(2 * json->depth), "");
    if (name)
        (void)fprintf(json->out, "\"%s\": ", name);
    json->first = false;
}

/* `bracket` is '{' or '['; `name` is NULL inside lists. */
static inline void json_open(struct json *json, const char *name, char bracket)
{
    if (json->depth > 0)
        json_name(json, name);
    (void)fputc(bracket, json->out);
    json->depth++;
    json->first = true;
}

static inline void json_close(struct json *json, char bracket)
{
    json->depth--;
    (void)fprintf(json->out, "\n%*s%c", (int)(2 * json->depth), "", bracket);
    json->first = false;
    if (json->depth == 0)
        (void)fputc('\n', json->out);
}

static inline void json_hex(struct json *json, const char *name, struct bytes bytes)
{
    json_name(json, name);
    (void)fputc('"', json->out);
    for (size_t i = 0; i < bytes.len; i++)
        (void)fprintf(json->out, "%02x", bytes.at[i]);
    (void)fputc('"', json->out);
}

static inline void json_hash(struct json *json, const char *name, const struct hash *hash)
{
    json_hex(json, name, bytes_hash(hash));
}

static inline void json_key(struct json *json, const char *name, struct public_key key)
{
    json_hex(json, name, bytes_of(key.at, PUBLIC_KEY_BYTES));
}

/* The secret of 32 bytes `filler`. */
static inline void json_secret(struct json *json, const char *name, uint8_t filler)
{
    uint8_t raw[SECRET_KEY_BYTES];
    memset(raw, filler, sizeof(raw));
    json_hex(json, name, bytes_of(raw, sizeof(raw)));
}

/* Text without quotes, backslashes and controls other than newline. */
static inline void json_text(struct json *json, const char *name, const char *text)
{
    json_name(json, name);
    (void)fputc('"', json->out);
    for (; *text; text++) {
        if (*text == '\n')
            (void)fputs("\\n", json->out);
        else
            (void)fputc(*text, json->out);
    }
    (void)fputc('"', json->out);
}

static inline void json_number(struct json *json, const char *name, uint64_t number)
{
    json_name(json, name);
    (void)fprintf(json->out, "%llu", (unsigned long long)number);
}

/* --- forms
 * ---------------------------------------------------------------------------------------- */

/* Values in hex, with a space behind each. */
static const char vectors_canonical[] =
    "c0 c2 c3 00 7f cc80 ccff cd0100 cdffff ce00010000 ceffffffff cf0000000100000000 "
    "cf7fffffffffffffff ff e0 d0df d080 d1ff7f d18000 d2ffff7fff d280000000 "
    "d3ffffffff7fffffff d38000000000000000 a0 a161 a2c3a9 c400 c402ff00 90 93010203 "
    "80 81a0c0 82a161c0a26161c0 82a161c0a162c0 9191919191919190 919191919191919101 ";
static const char vectors_refused[] =
    "c0c0 cc00 cc7f cd00ff ce0000ffff cf00000000ffffffff cf8000000000000000 d005 "
    "d0e0 d1ff80 d2ffff8000 d3ffffffff80000000 ca3f800000 cb3ff0000000000000 c1 "
    "d40100 c7010000 d6ff00000000 d90161 da000161 c5000161 dc0001c0 de0001a161c0 "
    "82a162c0a161c0 82a26161c0a161c0 82a161c0a161c0 8101c0 81c40161c0 81c0c0 a2c080 "
    "a3eda080 a4f4908080 a180 a100 919191919191919190 ddffffffff dbffffffff 91 "
    "81a161 ";

static inline void json_words(struct json *json, const char *name, const char *words)
{
    json_open(json, name, '[');
    for (size_t len; *words; words += len + 1) {
        char word[64];
        len = strcspn(words, " ");
        (void)snprintf(word, sizeof(word), "%.*s", (int)len, words);
        json_text(json, NULL, word);
    }
    json_close(json, ']');
}

static inline void vectors_codec(struct json *json)
{
    json_words(json, "canonical", vectors_canonical);
    json_words(json, "refused", vectors_refused);
}

static inline void vectors_chain(struct json *json)
{
    struct id life = sample_id(0x0c);
    struct hash head, leaf = sample_hash(0x22);
    json_text(json, "district", SAMPLE_DISTRICT);
    json_text(json, "node", SAMPLE_NODE);
    json_hex(json, "incarnation", bytes_id(&life));
    json_open(json, "genesis", '[');
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        chain_genesis(SAMPLE_DISTRICT, SAMPLE_NODE, &life, (enum lane)lane, &head);
        json_hash(json, NULL, &head);
    }
    json_close(json, ']');
    json_hash(json, "leaf", &leaf);
    chain_next(&head, &leaf, &head);
    json_hash(json, "bulk_head_1", &head);
    struct policy_mark mark = { 4, 2, sample_hash(0x61), sample_hash(0x62) };
    json_number(json, "policy_trust", mark.trust_version);
    json_number(json, "policy_rules", mark.rules_version);
    json_hash(json, "policy_trust_hash", &mark.trust_hash);
    json_hash(json, "policy_rules_hash", &mark.rules_hash);
    struct hash policy_leaf;
    chain_policy_leaf(&mark, &policy_leaf);
    json_hash(json, "policy_leaf", &policy_leaf);
    chain_next(&head, &policy_leaf, &head);
    json_hash(json, "bulk_head_2", &head);

    uint8_t space[128];
    struct writer out = writer_of(space, sizeof(space));
    writer_array(&out, 8);
    writer_uint(&out, 1);
    writer_uint(&out, 1);
    writer_uint(&out, 1);
    writer_text(&out, SAMPLE_NODE);
    writer_bin(&out, bytes_id(&life));
    writer_uint(&out, LANE_BULK);
    writer_uint(&out, 1);
    writer_bin(&out, bytes_hash(&leaf));
    must(!out.err);
    struct hash journal;
    journal_genesis(SAMPLE_DISTRICT, &journal);
    json_hash(json, "journal_0", &journal);
    json_hex(json, "journal_entry", writer_bytes(&out));
    journal_next(&journal, writer_bytes(&out), &journal);
    json_hash(json, "journal_1", &journal);

    struct id conflict;
    merge_conflict_id(&leaf, 3, bytes_text("alamat"), &conflict);
    json_number(json, "conflict_index", 3);
    json_text(json, "conflict_field", "alamat");
    json_hex(json, "conflict", bytes_id(&conflict));
}

/* What vectors_bundle goes on with. */
struct made_txn {
    struct bytes raw;
    struct hash leaf;
};

static inline struct made_txn vectors_txn(struct json *json)
{
    static uint8_t change_space[4096], txn_space[8192];
    static struct txn txn;
    struct made_txn made;
    struct writer changes = writer_of(change_space, sizeof(change_space));
    struct writer out = writer_of(txn_space, sizeof(txn_space));
    struct secret_key *seed = sample_secret(0x31);
    sample_txn(&txn, &changes);
    must(txn_sign(&txn, SAMPLE_DISTRICT, seed, &out, &made.leaf) == OK);
    secret_key_close(&seed);
    made.raw = writer_bytes(&out);

    json_text(json, "district", SAMPLE_DISTRICT);
    json_secret(json, "operator_seed", 0x31);
    json_key(json, "operator_key", sample_sign_public(0x31));
    json_open(json, "changes", '[');
    for (unsigned i = 0; i < txn.change_count; i++)
        json_hex(json, NULL, txn.changes[i].raw);
    json_close(json, ']');
    json_open(json, "commitments", '[');
    for (unsigned i = 0; i < txn.change_count; i++) {
        struct hash commitment;
        txn_commitment(txn.seed, i, txn.changes[i].raw, &commitment);
        json_hash(json, NULL, &commitment);
    }
    json_close(json, ']');
    json_hash(json, "leaf", &made.leaf);
    json_hex(json, "transaction", made.raw);
    return made;
}

static inline void vectors_transaction(struct json *json)
{
    static uint8_t again_space[2][4096];
    static const struct {
        uint8_t seed;
        uint32_t number;
    } people[] = { { 0x33, 300 }, { 0x32, 2 } }; /* in the order of signing, not of their numbers */
    static struct txn decoded;
    struct made_txn made = vectors_txn(json);
    struct bytes raw = made.raw;
    json_open(json, "countersigners", '[');
    for (unsigned i = 0; i < COUNT_OF(people); i++) {
        struct countersignature one;
        struct writer out = writer_of(again_space[i], sizeof(again_space[i]));
        struct secret_key *seed = sample_secret(people[i].seed);
        txn_countersign(&made.leaf, people[i].number, seed, &one);
        secret_key_close(&seed);
        must(txn_decode(raw, &decoded) == OK);
        must(txn_add_countersignature(raw, &decoded, &one, &out) == OK);
        raw = writer_bytes(&out);
        json_open(json, NULL, '{');
        json_secret(json, "seed", people[i].seed);
        json_number(json, "number", people[i].number);
        json_close(json, '}');
    }
    json_close(json, ']');
    json_hex(json, "countersigned", raw);
}

/* Trained on what such transactions have in common; a small one, as a policy's is made. */
static inline struct bytes sample_dictionary(void)
{
    static uint8_t space[1024], samples[128 * 1024];
    static size_t sizes[600];
    struct buf out = buf_of(space, sizeof(space));
    size_t len = 0;
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        int n = snprintf((char *)samples + len, sizeof(samples) - len,
                         "%u orang kode_kec 36.04.%02u nama number %u of many keluarga jk %s", i,
                         i % 29 + 1, i * 7919 % 997, i % 2 ? "L" : "P");
        sizes[i] = (size_t)n;
        len += sizes[i];
    }
    must(compress_dictionary_train(bytes_of(samples, len), sizes, COUNT_OF(sizes), &out) == OK);
    return buf_bytes(&out);
}

/* The same transaction sealed with a dictionary that the rules of version 2 named. */
static inline void vectors_dictionary(struct json *json, const struct made_txn *made,
                                      const struct secret_key *data_key)
{
    static uint8_t work_space[ENVELOPE_WORK_BYTES], body_space[8192], item_space[8192];
    const struct dictionary dictionary = { .id = 2, .bytes = sample_dictionary() };
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf body = buf_of(body_space, sizeof(body_space));
    struct writer out = writer_of(item_space, sizeof(item_space));
    struct bundle_item item = { .kind = ITEM_TXN };
    struct hash hash;
    must(envelope_seal(made->raw, SAMPLE_DISTRICT, &made->leaf, 9, data_key, &dictionary, &work,
                       &body, &item.sealed) == OK);
    bundle_item_encode(&item, &out);
    dictionary_hash(dictionary.bytes, &hash);
    json_hex(json, "dictionary", dictionary.bytes);
    json_hash(json, "dictionary_hash", &hash);
    json_hex(json, "dictionary_item", writer_bytes(&out));
}

/* The bundle as it is pushed when it is one slice. */
static inline void vectors_push_whole(struct json *json, struct bytes bundle)
{
    static uint8_t frame_space[FRAME_BYTES_MAX];
    struct writer out = writer_of(frame_space, sizeof(frame_space));
    const struct message message = { .type = MESSAGE_PUSH,
                                     .push = { .total = bundle.len, .data = bundle } };
    must(message_encode(&message, &out) == OK);
    json_hex(json, "push", writer_bytes(&out));
}

/* One transaction and one policy entry, at seqs 5 and 6 of the normal lane; 20 are queued. */
static inline void vectors_bundle(struct json *json)
{
    static uint8_t work_space[ENVELOPE_WORK_BYTES], body_space[8192], item_space[8192];
    static uint8_t bundle_space[16384];
    struct made_txn made = vectors_txn(json);

    struct secret_key *data_key = sample_secret(0x11), *device = sample_secret(0x21);
    struct public_key hub_seal = sample_box_public(0x52);
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf body = buf_of(body_space, sizeof(body_space));
    struct bundle_item txn_item = { .kind = ITEM_TXN,
                                    .after_count = 1,
                                    .after = { { LANE_URGENT, 3 } } };
    must(envelope_seal(made.raw, SAMPLE_DISTRICT, &made.leaf, 9, data_key, NULL, &work, &body,
                       &txn_item.sealed) == OK);
    struct bundle_item policy_item = { .kind = ITEM_POLICY,
                                       .mark = { 4, 2, sample_hash(0x61), sample_hash(0x62) } };
    uint8_t sealed_key[DATA_KEY_SEALED_BYTES];
    must(data_key_seal(data_key, &hub_seal, sealed_key) == OK);

    struct bundle_context context = { SAMPLE_DISTRICT, SAMPLE_NODE, sample_id(0x0c),
                                      sample_sign_public(0x51) };
    struct hash before, after, leaf;
    chain_genesis(SAMPLE_DISTRICT, SAMPLE_NODE, &context.incarnation, LANE_NORMAL, &before);
    for (unsigned i = 0; i < 4; i++)
        chain_next(&before, &made.leaf, &before);
    chain_next(&before, &made.leaf, &after);
    bundle_item_leaf(&policy_item, &leaf);
    chain_next(&after, &leaf, &after);

    struct writer out = writer_of(item_space, sizeof(item_space));
    writer_array(&out, 1);
    writer_array(&out, 2);
    writer_uint(&out, 9);
    writer_bin(&out, bytes_of(sealed_key, sizeof(sealed_key)));
    size_t key_bytes = out.buf.len;
    writer_array(&out, 2);
    bundle_item_encode(&txn_item, &out);
    bundle_item_encode(&policy_item, &out);
    must(!out.err);
    struct writer raw = writer_of(bundle_space, sizeof(bundle_space));
    must(bundle_sign(&context, LANE_NORMAL, 5, 20, 4, 2, &before, &after, 2,
                     bytes_of(item_space, key_bytes),
                     bytes_of(item_space + key_bytes, out.buf.len - key_bytes), device,
                     &raw) == OK);

    json_text(json, "node", SAMPLE_NODE);
    json_hex(json, "incarnation", bytes_id(&context.incarnation));
    json_key(json, "hub_sign_key", context.hub_key);
    json_secret(json, "hub_seal_secret", 0x52);
    json_secret(json, "data_key", 0x11);
    json_secret(json, "device_seed", 0x21);
    json_hash(json, "head_before", &before);
    json_hash(json, "head_after", &after);
    json_hex(json, "bundle", writer_bytes(&raw));
    uint8_t tag[BUNDLE_TAG_BYTES];
    bundle_tag(writer_bytes(&raw), tag);
    json_hex(json, "push_tag", bytes_of(tag, sizeof(tag)));
    vectors_push_whole(json, writer_bytes(&raw));
    vectors_dictionary(json, &made, data_key);
    secret_key_close(&data_key);
    secret_key_close(&device);
}

static inline void vectors_messages(struct json *json)
{
    static uint8_t frame_space[FRAME_BYTES_MAX];
    json_text(json, "district", SAMPLE_DISTRICT);
    json_text(json, "node", SAMPLE_NODE);
    json_secret(json, "device_seed", 0x21);
    json_secret(json, "operator_seed", 0x31);
    json_secret(json, "hub_seed", 0x51);
    /* What an ACK's signature covers and the frame does not carry: ack_sample. */
    struct id life = sample_id(1);
    struct hash head = sample_hash(0x0b);
    json_hex(json, "ack_incarnation", bytes_id(&life));
    json_hash(json, "ack_head", &head);
    json_open(json, "frames", '{');
    for (unsigned i = 0; i < SAMPLE_COUNT; i++) {
        struct message message = message_sample(i);
        struct writer out = writer_of(frame_space, sizeof(frame_space));
        must(message_encode(&message, &out) == OK);
        json_hex(json, message_name(message.type), writer_bytes(&out));
    }
    json_close(json, '}');

    uint8_t space[1024];
    char words[WORDS_TEXT_MAX];
    struct trust_hub hub = hub_sample();
    struct public_key root = sample_sign_public(0x01);
    json_key(json, "root_key", root);
    json_key(json, "hub_sign_key", hub.sign_key);
    json_key(json, "hub_seal_key", hub.seal_key);
    json_key(json, "hub_curve_key", hub.curve_key);
    struct message message = enrol_sample();
    struct writer out = writer_of(space, sizeof(space));
    enrol_transcript(&message.enrol, &hub, &root, &out);
    must(!out.err && crypto_six_words(writer_bytes(&out), words) == OK);
    json_hex(json, "enrol_transcript", writer_bytes(&out));
    json_text(json, "enrol_words", words);
    message = operator_request_sample();
    out = writer_of(space, sizeof(space));
    operator_transcript(&message.operator_request, &hub.sign_key, &out);
    must(!out.err && crypto_six_words(writer_bytes(&out), words) == OK);
    json_hex(json, "operator_transcript", writer_bytes(&out));
    json_text(json, "operator_words", words);
}

/* `count` items from `first` on of the samples in a batch. */
static inline void vectors_batch(struct json *json, const char *name, enum feed_stream stream,
                                 unsigned first, unsigned count)
{
    static uint8_t item_space[4096], batch_space[8192];
    static uint8_t work_space[FEED_PLAIN_BYTES_MAX + 8 * 1024];
    struct writer items = writer_of(item_space, sizeof(item_space));
    json_open(json, name, '{');
    json_open(json, "items", '[');
    for (unsigned i = first; i < first + count; i++) {
        size_t before = items.buf.len;
        struct feed_item item = feed_sample_item(i);
        feed_item_encode(&item, &items);
        must(!items.err);
        json_hex(json, NULL, bytes_of(item_space + before, items.buf.len - before));
    }
    json_close(json, ']');
    struct feed_batch batch = feed_sample_batch(stream, count);
    struct secret_key *hub = sample_secret(0x51);
    struct public_key node = sample_box_public(0x23);
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct writer out = writer_of(batch_space, sizeof(batch_space));
    must(feed_batch_build(&batch, writer_bytes(&items), stream == FEED_RECORDS ? &node : NULL, hub,
                          &work, &out) == OK);
    secret_key_close(&hub);
    json_hex(json, "batch", writer_bytes(&out));
    json_close(json, '}');
}

static inline void vectors_feed(struct json *json)
{
    json_text(json, "district", SAMPLE_DISTRICT);
    json_text(json, "node", SAMPLE_NODE);
    json_secret(json, "hub_seed", 0x51);
    json_secret(json, "node_seal_secret", 0x23);
    vectors_batch(json, "control", FEED_CONTROL, 0, 4);
    vectors_batch(json, "records", FEED_RECORDS, 4, 3);
}

/* Signs and applies one statement, and writes it down. */
static inline void vectors_statement(struct json *json, struct trust *trust, struct ops *ops,
                                     const char *fillers)
{
    struct bytes raw = sign_after(trust, ops_end(ops), fillers);
    must(trust_apply(trust, raw, NULL, NULL) == OK);
    json_open(json, NULL, '{');
    json_hex(json, "signed", raw);
    json_hash(json, "hash", &trust->hash);
    json_close(json, '}');
}

static inline void vectors_trust(struct json *json)
{
    struct trust trust;
    trust_open(&trust);
    json_text(json, "district", SAMPLE_DISTRICT);
    json_key(json, "root_pin", sample_sign_public(0x03));
    json_open(json, "log", '[');
    struct ops ops = founding_ops();
    vectors_statement(json, &trust, &ops, "\x01\x02");

    ops = ops_start();
    struct trust_node node = node_sample("36.04.29", 0x21);
    struct trust_operator one = operator_sample(1, 0x31), two = operator_sample(2, 0x32);
    trust_op_node(&ops.out, &node);
    trust_op_operator(&ops.out, &one);
    trust_op_operator(&ops.out, &two);
    ops.count = 3;
    vectors_statement(json, &trust, &ops, "\x11\x12");

    ops = ops_start();
    struct ended succession = ended_sample(END_SUCCESSION), leaked = ended_sample(END_LEAKED);
    struct hash leaves[2] = { sample_hash(1), sample_hash(2) };
    struct id life = sample_id(0x0c);
    trust_op_operator_until(&ops.out, 2, "460/99/2028", "2030-12-31");
    trust_op_operator_end(&ops.out, 1, &succession);
    trust_op_node_end(&ops.out, "36.04.29", &leaked);
    trust_op_release(&ops.out, true, leaves, 2);
    trust_op_epoch(&ops.out, 2, 70000, &trust.hash);
    trust_op_incarnation(&ops.out, "36.04.29", &life, false);
    ops.count = 6;
    vectors_statement(json, &trust, &ops, "\x01\x02\x11");

    ops = ops_start();
    struct signer_list list = signers(1, "\x14");
    trust_op_signers(&ops.out, TRUST_SIGNERS, &list);
    ops.count = 1;
    vectors_statement(json, &trust, &ops, "\x02\x03");
    json_close(json, ']');
    trust_close(&trust);

    struct secret_key *keys[] = { sample_secret(0x11), sample_secret(0x12) };
    struct writer out = writer_of(signed_space, sizeof(signed_space));
    must(rules_sign(bytes_text("\x81\xa6"
                               "format\x01"),
                    (const struct secret_key *const *)keys, 2, &out) == OK);
    json_hex(json, "rules", writer_bytes(&out));
    json_open(json, "rules_signers", '[');
    json_key(json, NULL, sample_sign_public(0x11));
    json_key(json, NULL, sample_sign_public(0x12));
    json_close(json, ']');
    secret_key_close(&keys[0]);
    secret_key_close(&keys[1]);
}

static inline void vectors_invite(struct json *json)
{
    char text[INVITE_TEXT_MAX];
    struct secret_key *hub = sample_secret(0x51);
    struct invite invite = { .district = SAMPLE_DISTRICT,
                             .node = SAMPLE_NODE,
                             .invite = sample_id(0x71),
                             .token = sample_hash(0x72),
                             .root_key = sample_sign_public(0x01),
                             .hub = hub_sample(),
                             .expires_ms = 1790000000000 };
    memset(invite.one_time, 0x73, sizeof(invite.one_time));
    must(invite_format(&invite, hub, text, sizeof(text)) == OK);
    secret_key_close(&hub);
    json_text(json, "district", invite.district);
    json_text(json, "node", invite.node);
    json_hex(json, "invite_id", bytes_id(&invite.invite));
    json_hash(json, "token", &invite.token);
    json_secret(json, "one_time_curve_secret", 0x73);
    json_key(json, "hub_sign_key", invite.hub.sign_key);
    json_key(json, "hub_curve_key", invite.hub.curve_key);
    json_key(json, "hub_seal_key", invite.hub.seal_key);
    json_key(json, "root_key", invite.root_key);
    json_text(json, "endpoint", invite.hub.endpoints[0]);
    json_number(json, "expires_ms", invite.expires_ms);
    json_text(json, "text", text);
}

/* --- files
 * ---------------------------------------------------------------------------------------- */

#include "tests/vectors/forms_carry.h"
#include "tests/vectors/forms_endorse.h"

struct vector_file {
    const char *name;
    void (*write)(struct json *json);
    bool compressed; /* holds what zstd made */
};

static const struct vector_file vector_files[] = {
    { "codec.json", vectors_codec, false },
    { "chain.json", vectors_chain, false },
    { "transaction.json", vectors_transaction, false },
    { "bundle.json", vectors_bundle, true },
    { "messages.json", vectors_messages, false },
    { "feed.json", vectors_feed, true },
    { "trust.json", vectors_trust, false },
    { "invite.json", vectors_invite, false },
    { "carry.json", vectors_carry, true },
    { "endorsement.json", vectors_endorsement, false },
};

static struct sample_random vector_random;

static inline void vector_fill(void *buffer, size_t len)
{
    uint8_t *at = buffer;
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(sample_next(&vector_random) >> 32);
}

/* Each file begins with the same randomness, so that one can change without the others. */
static inline void vector_write(const struct vector_file *file, FILE *out)
{
    struct json json = { .out = out };
    vector_random.state = 20261122;
    crypto_random_replace(vector_fill);
    json_open(&json, NULL, '{');
    file->write(&json);
    json_close(&json, '}');
}
