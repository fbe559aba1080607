/* Position: per node, incarnation and lane a sequence without gaps and a hash chain over entries.
 *   head_0 = H("genesis", [district, node, incarnation, lane])
 *   head_n = H("head", head_(n-1) ‖ leaf_n)
 * The leaf of a policy entry is H("policy-entry", [trust, rules, trust hash, rules hash]). */
#pragma once

#include "common/crypto.h"
#include "proto/codec.h"
#include "proto/limits.h"

enum lane { LANE_URGENT = 0, LANE_NORMAL = 1, LANE_BULK = 2 };

/* Which policy: both parts, with their hashes. */
struct policy_mark {
    uint64_t trust_version;
    uint64_t rules_version;
    struct hash trust_hash;
    struct hash rules_hash;
};

void chain_genesis(const char *district, const char *node, const struct id *incarnation,
                   enum lane lane, struct hash *ret_head);
/* `ret_head` may be `head`. */
void chain_next(const struct hash *head, const struct hash *leaf, struct hash *ret_head);
void chain_policy_leaf(const struct policy_mark *mark, struct hash *ret_leaf);

/* [trust, rules, trust hash, rules hash], wherever a message carries it. The reader keeps its
 * error. */
void policy_mark_encode(const struct policy_mark *mark, struct writer *out);
void policy_mark_decode(struct reader *reader, struct policy_mark *ret_mark);
enum lane lane_decode(struct reader *reader);

/* Journal, PROTOCOL.md §9; an entry is [epoch, number, kind, …]:
 *   jhash_0 = H("journal-genesis", [district])
 *   jhash_n = H("journal", jhash_(n-1) ‖ entry_n)
 */
void journal_genesis(const char *district, struct hash *ret_hash);
void journal_next(const struct hash *previous, struct bytes entry, struct hash *ret_hash);
