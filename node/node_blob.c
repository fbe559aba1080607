#include "node/node_blob.h"

#include "common/must.h"

#define MARK "tkskblb1"
#define MARK_BYTES 8

void blob_seal_new(struct blob_seal *ret_seal)
{
    *ret_seal = (struct blob_seal){ .next = 0 };
    memcpy(ret_seal->lead, MARK, MARK_BYTES);
    crypto_random(ret_seal->lead + MARK_BYTES, BLOB_LEAD_BYTES - MARK_BYTES);
}

enum err blob_seal_open(struct bytes lead, struct blob_seal *ret_seal)
{
    if (lead.len != BLOB_LEAD_BYTES || memcmp(lead.at, MARK, MARK_BYTES) != 0)
        return ERR_DECRYPT;
    *ret_seal = (struct blob_seal){ .next = 0 };
    memcpy(ret_seal->lead, lead.at, BLOB_LEAD_BYTES);
    return OK;
}

/* What a piece is bound to. */
struct piece_name {
    uint8_t at[BLOB_LEAD_BYTES + 5];
};

static struct piece_name piece_name(const struct blob_seal *seal, bool last)
{
    struct piece_name name;
    memcpy(name.at, seal->lead, BLOB_LEAD_BYTES);
    for (int i = 0; i < 4; i++)
        name.at[BLOB_LEAD_BYTES + i] = (uint8_t)(seal->next >> (24 - 8 * i));
    name.at[BLOB_LEAD_BYTES + 4] = last;
    return name;
}

enum err blob_seal_put(struct blob_seal *seal, const struct secret_key *key, struct bytes plain,
                       bool last, struct buf *ret_box)
{
    must(!seal->over && plain.len > 0 && plain.len <= BLOB_PIECE_BYTES);
    must(last || plain.len == BLOB_PIECE_BYTES);
    const struct piece_name name = piece_name(seal, last);
    enum err err = crypto_box_put(plain, bytes_of(name.at, sizeof name.at), key, ret_box);
    if (err != OK)
        return err;
    seal->next++;
    seal->over = last;
    return OK;
}

enum err blob_seal_get(struct blob_seal *seal, const struct secret_key *key, struct bytes box,
                       bool last, struct buf *ret_plain)
{
    if (seal->over || box.len <= BOX_EXTRA_BYTES || box.len > BLOB_BOX_BYTES_MAX ||
        (!last && box.len != BLOB_BOX_BYTES_MAX))
        return ERR_DECRYPT;
    const struct piece_name name = piece_name(seal, last);
    enum err err = crypto_box_get(box, bytes_of(name.at, sizeof name.at), key, ret_plain);
    if (err != OK)
        return err;
    seal->next++;
    seal->over = last;
    return OK;
}

uint64_t blob_sealed_bytes(uint64_t size)
{
    uint64_t pieces = (size + BLOB_PIECE_BYTES - 1) / BLOB_PIECE_BYTES;
    return BLOB_LEAD_BYTES + size + pieces * BOX_EXTRA_BYTES;
}
