#include "proto/chain.h"

#include "common/must.h"

void chain_genesis(const char *district, const char *node, const struct id *incarnation,
                   enum lane lane, struct hash *ret_head)
{
    uint8_t space[128];
    struct writer out = writer_of(space, sizeof(space));
    writer_array(&out, 4);
    writer_text(&out, district);
    writer_text(&out, node);
    writer_bin(&out, bytes_id(incarnation));
    writer_uint(&out, lane);
    must(!out.err);
    struct bytes input = writer_bytes(&out);
    crypto_hash("genesis", &input, 1, ret_head);
}

void chain_next(const struct hash *head, const struct hash *leaf, struct hash *ret_head)
{
    /* Callers step in place (`ret_head` == `head`): the hash is written last. */
    struct bytes parts[] = { bytes_hash(head), bytes_hash(leaf) };
    struct hash next;
    crypto_hash("head", parts, COUNT_OF(parts), &next);
    *ret_head = next;
}

void chain_policy_leaf(const struct policy_mark *mark, struct hash *ret_leaf)
{
    uint8_t space[128];
    struct writer out = writer_of(space, sizeof(space));
    policy_mark_encode(mark, &out);
    must(!out.err);
    struct bytes input = writer_bytes(&out);
    crypto_hash("policy-entry", &input, 1, ret_leaf);
}

void policy_mark_encode(const struct policy_mark *mark, struct writer *out)
{
    writer_array(out, 4);
    writer_uint(out, mark->trust_version);
    writer_uint(out, mark->rules_version);
    writer_bin(out, bytes_hash(&mark->trust_hash));
    writer_bin(out, bytes_hash(&mark->rules_hash));
}

void policy_mark_decode(struct reader *reader, struct policy_mark *ret_mark)
{
    reader_array_of(reader, 4);
    ret_mark->trust_version = reader_uint(reader);
    ret_mark->rules_version = reader_uint(reader);
    reader_fixed(reader, ret_mark->trust_hash.at, HASH_BYTES);
    reader_fixed(reader, ret_mark->rules_hash.at, HASH_BYTES);
}

enum lane lane_decode(struct reader *reader)
{
    return (enum lane)reader_uint_max(reader, LANE_COUNT - 1);
}

void journal_genesis(const char *district, struct hash *ret_hash)
{
    uint8_t space[64];
    struct writer out = writer_of(space, sizeof(space));
    writer_array(&out, 1);
    writer_text(&out, district);
    must(!out.err);
    struct bytes input = writer_bytes(&out);
    crypto_hash("journal-genesis", &input, 1, ret_hash);
}

void journal_next(const struct hash *previous, struct bytes entry, struct hash *ret_hash)
{
    struct bytes parts[] = { bytes_hash(previous), entry };
    struct hash next;
    crypto_hash("journal", parts, COUNT_OF(parts), &next);
    *ret_hash = next;
}
