/* Bundles: a checkpoint signed by the device over a run of entries, with the sealed data keys that
 * they need. Re-sent byte for byte. PROTOCOL.md §6.
 *
 *   bundle = [suite, lane, first, highest, trust, rules, head tag, signature, keys, items]
 *   keys   = [[number, sealed key] …]
 *   item   = [1, after, leaf, key number, dictionary, plain length, body]      a transaction
 *          | [2, trust, rules, trust hash, rules hash]                         a policy entry
 *   after  = [lane, seq, lane, seq …]
 * The signed checkpoint is [suite, district, hub key, node, incarnation, lane, first, last, head
 * before, head after, highest, trust, rules, H("bundle", keys ‖ items)]; what both sides know is
 * not sent. */
#pragma once

#include "proto/envelope.h"

enum item_kind { ITEM_TXN = 1, ITEM_POLICY = 2 };

struct after {
    enum lane lane;
    uint64_t seq;
};

struct bundle_item {
    enum item_kind kind;
    unsigned after_count;
    struct after after[AFTER_MAX];
    struct sealed sealed;    /* ITEM_TXN; body points into the bundle */
    struct policy_mark mark; /* ITEM_POLICY */
};

/* The leaf that the chain takes for this item. */
void bundle_item_leaf(const struct bundle_item *item, struct hash *ret_leaf);
void bundle_item_encode(const struct bundle_item *item, struct writer *out);

struct bundle_key {
    uint64_t number;
    struct bytes sealed;
};

/* Whom and what a checkpoint binds beside its items. */
struct bundle_context {
    const char *district;
    const char *node;
    struct id incarnation;
    struct public_key hub_key; /* the hub's signing key */
};

#define HEAD_TAG_BYTES 8

struct bundle {
    enum lane lane;
    uint64_t first;
    unsigned item_count;
    uint64_t highest;       /* highest queued seq of the lane when it was signed */
    uint64_t trust_version; /* policy floor */
    uint64_t rules_version;
    uint8_t head_tag[HEAD_TAG_BYTES]; /* first bytes of the head before `first` */
    struct signature signature;
    unsigned key_count;
    struct bundle_key keys[BUNDLE_KEYS_MAX];
    struct bundle_item items[BUNDLE_ITEMS_MAX];
    struct bytes body; /* raw keys ‖ items, as received */
};

/* `keys` and `items` are the raw encoded arrays, with their heads. Signs over heads before and
 * after (signature type "checkpoint"). ERR_LIMIT: over BUNDLE_BYTES_MAX or BUNDLE_ITEMS_MAX. */
NODISCARD enum err bundle_sign(const struct bundle_context *context, enum lane lane, uint64_t first,
                               uint64_t highest, uint64_t trust_version, uint64_t rules_version,
                               const struct hash *head_before, const struct hash *head_after,
                               unsigned item_count, struct bytes keys, struct bytes items,
                               const struct secret_key *device_key, struct writer *out);
/* Scans and decodes; `*ret_bundle` is large and points into `raw`; after a failure its content is
 * unspecified. At least one item; `after` names other lanes, ascending; data keys ascend by number.
 * ERR_MALFORMED; ERR_LIMIT; ERR_VERSION: another suite or kind of item. */
NODISCARD enum err bundle_decode(struct bytes raw, struct bundle *ret_bundle);
/* Where a bundle says that it begins, before anything of it is believed. ERR_MALFORMED;
 * ERR_VERSION.
 */
NODISCARD enum err bundle_begin(struct bytes raw, enum lane *ret_lane, uint64_t *ret_first);
/* Recomputes the head after from `head_before` and checks the device's signature. ERR_STATE: the
 * bundle goes on from another head (a fork, see `head_tag`); ERR_SIGNATURE. */
NODISCARD enum err bundle_verify(const struct bundle *bundle, const struct bundle_context *context,
                                 const struct hash *head_before,
                                 const struct public_key *device_key, struct hash *ret_head_after);

/* First 8 bytes of H("push", bundle): names a bundle while its frames are under way. */
#define BUNDLE_TAG_BYTES 8
void bundle_tag(struct bytes raw, uint8_t ret[BUNDLE_TAG_BYTES]);
