#include "proto/merge.h"

#include "common/crypto.h"

enum merge_verdict merge_decide(const struct merge_field *field)
{
    /* Untouched since what the author saw. */
    if (field->field_rev <= field->base_rev)
        return MERGE_TAKE;
    /* Touched since, but by what the author's own queue sent before: it was seen as pending. */
    if (field->own && field->field_rev <= field->lineage)
        return MERGE_TAKE;
    return field->equal ? MERGE_SAME : MERGE_HOLD;
}

void merge_conflict_id(const struct hash *leaf, unsigned index, struct bytes field,
                       struct id *ret_id)
{
    uint8_t number[4] = { (uint8_t)(index >> 24), (uint8_t)(index >> 16), (uint8_t)(index >> 8),
                          (uint8_t)index };
    struct bytes parts[] = { bytes_hash(leaf), bytes_of(number, sizeof(number)), field };
    struct hash hash;
    crypto_hash("conflict", parts, COUNT_OF(parts), &hash);
    memcpy(ret_id->at, hash.at, ID_BYTES);
}
