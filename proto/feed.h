/* Feed batches: what one node sees of the journal, signed by the hub. PROTOCOL.md §7.
 *
 *   batch     = [statement as bin, signature, body as bin]
 *   statement = [suite, district, node, stream, epoch, from, to, journal hash at `to`, count,
 *                plain length, sealed, H("feed", body)]
 *   body      = zstd of [item …]; sealed to the node's seal key on the record stream, only there
 *
 * Signature type "feed". Signed documents stand in items as bin, so that their own depth does not
 * add to the batch's.
 *
 *   control items   [1, number, signed trust statement]
 *                   [2, number, signed rules document]
 *                   [3, number, leaf, index | nil, disposition, reason, field]
 *                   [4, number, version, dictionary]
 *   record items    [8, number, collection, record, deleted, short text, fields,
 *                    [node, operator, claimed_ms]]
 *                   [9, number, conflict, collection, record, field, value a, value b,
 *                    author a, author b]
 *                   [10, number, conflict, record, field, chosen value]
 */
#pragma once

#include "proto/message.h"

enum feed_item_kind {
    FEED_TRUST = 1,
    FEED_RULES = 2,
    FEED_DECISION = 3,
    FEED_DICTIONARY = 4,
    FEED_RECORD = 8,
    FEED_CONFLICT = 9,
    FEED_RESOLVED = 10
};

struct feed_origin {
    struct bytes node;
    uint32_t operator_number;
    uint64_t claimed_ms;
};

/* Decoded item; points into the plain body. Only the members of its kind are set. */
struct feed_item {
    enum feed_item_kind kind;
    uint64_t number;
    struct bytes document;     /* TRUST, RULES: the signed bytes; DICTIONARY: its bytes */
    uint64_t version;          /* DICTIONARY: of the rules that named it first, its id */
    struct hash leaf;          /* DECISION */
    struct ack_entry decision; /* DECISION */
    struct bytes collection;   /* RECORD, CONFLICT */
    struct id record;          /* RECORD, CONFLICT, RESOLVED */
    bool deleted;              /* RECORD */
    struct bytes short_text;   /* RECORD: "29-0417" or empty */
    struct bytes fields; /* RECORD: raw map of fields as they now stand; each has rev `number` */
    struct feed_origin origin; /* RECORD */
    struct id conflict;        /* CONFLICT, RESOLVED */
    struct bytes field;        /* CONFLICT, RESOLVED; empty = existence */
    struct bytes value_a,
        value_b; /* CONFLICT: the hub's and the held one; RESOLVED: value_a is chosen */
    struct bytes author_a, author_b; /* CONFLICT: node names */
};

void feed_item_encode(const struct feed_item *item, struct writer *out);
/* `raw` lies in scanned bytes. ERR_MALFORMED; ERR_VERSION: a kind of a newer program. */
NODISCARD enum err feed_item_decode(struct bytes raw, struct feed_item *ret_item);

struct feed_batch {
    struct bytes statement, body;
    struct signature signature;
    struct bytes district, node;
    enum feed_stream stream;
    uint64_t epoch, from, to;
    struct hash journal_hash;
    uint64_t count, plain_bytes;
    bool sealed;
    struct hash body_hash;
};

/* Builds one batch from raw encoded items (concatenated, `count` of them). `seal_to` NULL on the
 * control stream. `work` holds at least FEED_PLAIN_BYTES_MAX + 8 KiB. The statement's members
 * district, node, stream, epoch, from, to, journal_hash and count are taken from `batch`.
 * ERR_LIMIT: over FEED_ITEMS_MAX, FEED_PLAIN_BYTES_MAX or, once compressed, FEED_BYTES_MAX: take
 * fewer items. */
NODISCARD enum err feed_batch_build(const struct feed_batch *batch, struct bytes items,
                                    const struct public_key *seal_to,
                                    const struct secret_key *hub_sign_key, struct buf *work,
                                    struct writer *out);
/* Decodes, checks signature, district, node, body hash. Points into `raw`. ERR_MALFORMED,
 * ERR_LIMIT, ERR_VERSION, ERR_SIGNATURE; ERR_DENIED: the hub's, for another node or district. */
NODISCARD enum err feed_batch_open(struct bytes raw, const char *district, const char *node,
                                   const struct public_key *hub_sign_key,
                                   struct feed_batch *ret_batch);
/* Opens and decompresses the body into `ret_items` (capacity FEED_PLAIN_BYTES_MAX) as a scanned
 * array; walk with items_of and reader_raw. `work` as above; `seal_key` may be NULL when not
 * sealed, else ERR_LOCKED. ERR_DECRYPT: sealed to another key; ERR_MALFORMED. */
NODISCARD enum err feed_batch_items(const struct feed_batch *batch,
                                    const struct secret_key *seal_key, struct buf *work,
                                    struct buf *ret_items);
