/* Messages between node and hub: one canonical msgpack array a frame, [number, …]; types in
 * messages.def, grammar in PROTOCOL.md §3. What is signed (statement, request) stands in its
 * message as bin. Decoded messages point into the frame. No heap. */
#pragma once

#include "proto/bundle.h"
#include "proto/disposition.h"
#include "proto/trust.h"

enum message_type {
#define MESSAGE(name, number, member, text, direction) MESSAGE_##name = number,
#include "proto/messages.def"
#undef MESSAGE
};

enum feed_stream { FEED_CONTROL = 0, FEED_RECORDS = 1, FEED_STREAMS = 2 };

/* Where a reader of the journal stands; the hash is the hub-signed journal hash at `number`. */
struct cursor {
    uint64_t epoch;
    uint64_t number;
    struct hash hash;
};

struct hello_lane {
    uint64_t acked;   /* last seq that the hub has acknowledged; 0 = none */
    struct hash head; /* head at `acked` */
    uint64_t highest; /* highest queued */
    uint64_t unread;  /* what the node itself cannot read any more up to here: the feed tells it its
                         own changes too; 0 = it reads all */
};

/* [1, statement, signature]; signature type "hello";
 *   statement = [suite, version, district, node, incarnation, previous | nil, nonce,
 *                [[acked, head, highest, unread] ×3], [epoch, number], [[epoch, number, hash] ×2],
 *                [trust, rules, trust hash, rules hash], wants records, wall_ms]
 */
struct hello {
    struct bytes statement; /* as received */
    struct signature signature;
    uint64_t version;
    struct bytes district, node;
    struct id incarnation;
    bool has_previous;
    struct id previous;
    struct id nonce;
    struct hello_lane lanes[LANE_COUNT];
    uint64_t seen_epoch, seen_number; /* highest journal number that an ACK or the feed has shown */
    struct cursor cursors[FEED_STREAMS];
    struct policy_mark policy;
    bool wants_records; /* unlocked: the record feed may flow */
    uint64_t wall_ms;
};

/* [2, bundle] when the bundle fits a frame, else [2, lane, first, tag, total, offset, data]. */
struct push {
    enum lane lane;
    uint64_t first;
    bool has_tag; /* a slice */
    uint8_t tag[BUNDLE_TAG_BYTES];
    uint64_t total, offset;
    struct bytes data;
};

/* [3, stream, epoch, number, offset]: applied up to `number`; `offset` bytes of the next batch are
 * here. */
struct confirm {
    enum feed_stream stream;
    uint64_t epoch, number, offset;
};

/* [4, request, signature]; request = [suite, district, node, invite id, token, device key, curve
 * key, seal key, nonce]; signature type "enrol" by the device key. */
struct enrol {
    struct bytes request;
    struct signature signature;
    struct bytes district, node;
    struct id invite;
    struct hash token;
    struct public_key device_key, curve_key, seal_key;
    struct id nonce;
};

/* [5, request, operator signature, device signature]; request = [suite, district, node, operator
 * key, name, role, nonce, seal key | nil]; signature type "operator" for both. With a seal key the
 * office lost the one before, and the record feed is to be sealed to this one. */
struct operator_request {
    struct bytes request;
    struct signature operator_signature, device_signature;
    struct bytes district, node;
    struct public_key key;
    struct bytes name, role;
    struct id nonce;
    bool has_seal_key;
    struct public_key seal_key;
};

/* [6, kind, version, total, offset, data]: from a node that was told to wait (STANDING_WAITING).
 * Either what shows that the hub was rolled back, [statement, signature] of the newest ACK or feed
 * batch that it signed for this node (version 0), or signed policy that it lost. Or the dictionary
 * of that number, also after a REFUSE that says it is missing. Slices in order, from offset 0. */
enum return_kind {
    RETURN_TRUST = 1,
    RETURN_RULES = 2,
    RETURN_ACK = 3,
    RETURN_FEED = 4,
    RETURN_DICTIONARY = 5
};

struct policy_return {
    unsigned kind; /* enum return_kind */
    uint64_t version, total, offset;
    struct bytes data;
};

enum standing {
    STANDING_ACTIVE = 1,
    STANDING_REOPEN = 2,      /* the store is old or forked: open a new incarnation */
    STANDING_QUARANTINED = 3, /* a twin spoke: taken and kept, not merged, until a person decides */
    STANDING_WAITING = 4,     /* the hub does not merge now (rolled back, see `tkskctl restore`) */
};

struct welcome_lane {
    uint64_t received;
    struct hash head; /* at `received` */
    uint64_t keep_from;
};

/* [16, statement, signature]; signature type "welcome";
 *   statement = [suite, version, district, node, incarnation, nonce, standing, epoch, number,
 *                journal hash, [[received, head, keep_from] ×3], [proven, proven],
 *                [trust, rules, trust hash, rules hash], [[lane, first, tag, offset] …],
 *                lost, wall_ms]
 */
struct welcome_partial { /* slices of a bundle that are here already */
    bool any;
    uint64_t first;
    uint8_t tag[BUNDLE_TAG_BYTES];
    uint64_t offset;
};

struct welcome {
    struct bytes statement;
    struct signature signature;
    uint64_t version;
    struct bytes district, node;
    struct id incarnation, nonce;
    enum standing standing;
    struct cursor journal;
    struct welcome_lane lanes[LANE_COUNT];
    bool proven[FEED_STREAMS]; /* the hub has that journal hash at that number */
    struct policy_mark policy;
    struct welcome_partial partials[LANE_COUNT];
    uint64_t lost; /* entries that the office's former device had queued and that never came */
    uint64_t wall_ms;
};

/* [17, lane, first, offset]: the next byte that the hub wants of that bundle. */
struct progress {
    enum lane lane;
    uint64_t first, offset;
};

struct ack_entry {
    bool whole; /* every change of the transaction; else `index` */
    unsigned index;
    enum disposition disposition;
    struct bytes reason; /* name in err.def, or empty */
    struct bytes field;  /* or empty */
};

/* item = [seq, number, [[index | nil, disposition, reason, field] …]]; a change not named is
 * accepted; number 0: received and stored, not in the journal's merged part yet. */
struct ack_item {
    uint64_t seq;
    uint64_t number;
    struct bytes entries; /* raw array, walk with ack_entry_next */
};

/* [18, lane, last, epoch, number, keep_from, [item …], signature]; signature type "ack" over
 *   [suite, district, node, incarnation, lane, last, head at `last`, epoch, number, keep_from,
 *    [item …]]
 * Items follow each other without a gap and end at `last`. */
struct ack {
    enum lane lane;
    uint64_t last;
    uint64_t epoch, number;
    uint64_t keep_from;
    struct bytes items; /* raw array, walk with ack_item_next */
    struct signature signature;
};

/* [19, stream, epoch, from, to, total, offset, data]: a slice of the batch that leads from cursor
 * `from` to `to`. The whole batch: feed.h. */
struct feed {
    enum feed_stream stream;
    uint64_t epoch, from, to, total, offset;
    struct bytes data;
};

enum enrol_standing { ENROL_WAITING = 1, ENROL_APPROVED = 2, ENROL_REFUSED = 3 };
/* [20, statement, signature]; statement = [suite, district, node, invite id, device key, standing,
 * tries]; type "enrol-state" by the hub's signing key. */
struct enrol_state {
    struct bytes statement;
    struct signature signature;
    struct bytes district, node;
    struct id invite;
    struct public_key device_key;
    enum enrol_standing standing;
    unsigned tries;
};

/* [21, operator key, standing]: the request is here; the approval comes as trust statement. */
struct operator_state {
    struct public_key key;
    enum enrol_standing standing;
};

/* [22, code, lane | nil, seq, detail]: code is a name of err.def: "gap" (send from seq), "fork",
 * "signature", "quota", "limit", "malformed", "waiting" … */
struct refuse {
    struct bytes code;
    bool has_lane;
    enum lane lane;
    uint64_t seq;
    struct bytes detail;
};

struct message {
    enum message_type type;
    union {
        struct hello hello;
        struct push push;
        struct confirm confirm;
        struct enrol enrol;
        struct operator_request operator_request;
        struct policy_return policy_return;
        struct welcome welcome;
        struct progress progress;
        struct ack ack;
        struct feed feed;
        struct enrol_state enrol_state;
        struct operator_state operator_state;
        struct refuse refuse;
    };
};

const char *message_name(enum message_type type);

/* Scans and decodes one frame, the lists of an ACK included. ERR_MALFORMED; ERR_LIMIT; ERR_VERSION:
 * an unknown type or suite. Nothing is verified here. */
NODISCARD enum err message_decode(struct bytes frame, struct message *ret_message);
/* Encodes a frame of at most FRAME_BYTES_MAX. For signed messages `statement`/`request` bytes and
 * the signature are taken as they stand: build them with the …_statement functions. */
NODISCARD enum err message_encode(const struct message *message, struct writer *out);

/* Statements from the other members (those are then signed and put into .statement / .request). */
void hello_statement(const struct hello *hello, struct writer *out);
void welcome_statement(const struct welcome *welcome, struct writer *out);
void enrol_request(const struct enrol *enrol, struct writer *out);
void enrol_state_statement(const struct enrol_state *state, struct writer *out);
void operator_request_encode(const struct operator_request *request, struct writer *out);
/* What an ACK's signature covers. */
void ack_statement(const struct ack *ack, const char *district, const char *node,
                   const struct id *incarnation, const struct hash *head, struct writer *out);

/* For those who build the lists of an ACK; they write the heads of the arrays. */
void ack_item_encode(const struct ack_item *item, struct writer *out);
void ack_entry_encode(const struct ack_entry *entry, struct writer *out);

/* Over what message_decode has accepted these end at the end, never early. */
struct items_iter {
    struct reader reader;
    size_t left;
};
struct items_iter items_of(struct bytes raw_array);
bool ack_item_next(struct items_iter *iter, struct ack_item *ret_item);
bool ack_entry_next(struct items_iter *iter, struct ack_entry *ret_entry);
/* The four values of an entry in a row, as a decision in the feed has them. The reader keeps its
 * error. */
void ack_entry_values_encode(const struct ack_entry *entry, struct writer *out);
void ack_entry_values_decode(struct reader *reader, struct ack_entry *ret_entry);

/* The transcripts that six words are made of:
 * [district, invite id, root key, hub sign key, hub seal key, hub curve key, request bin];
 * [district, node, hub sign key, request bin]. */
void enrol_transcript(const struct enrol *enrol, const struct trust_hub *hub,
                      const struct public_key *root, struct writer *out);
void operator_transcript(const struct operator_request *request,
                         const struct public_key *hub_sign_key, struct writer *out);
