#include "proto/carry.h"

#include "common/must.h"
#include "proto/message.h"

/* ---- header and end */

void carry_header_encode(const struct carry_header *header, struct writer *out)
{
    must(header->part > 0 && header->part <= header->part_count &&
         header->part_count <= CARRY_PARTS_MAX);
    writer_array(out, 8);
    writer_uint(out, SUITE);
    writer_str(out, header->district);
    writer_str(out, header->node);
    writer_uint(out, header->way);
    writer_bin(out, bytes_id(&header->export_id));
    writer_uint(out, header->made_ms);
    writer_uint(out, header->part);
    writer_array(out, header->part_count);
    for (unsigned i = 0; i < header->part_count; i++) {
        writer_array(out, 3);
        writer_uint(out, header->begins[i].kind);
        writer_uint(out, header->begins[i].place);
        writer_uint(out, header->begins[i].first);
    }
}

static bool name_is_plain(struct bytes name, size_t bytes_max)
{
    return name.len > 0 && name.len <= bytes_max && codec_plain(name, "");
}

enum err carry_header_decode(struct bytes raw, struct carry_header *ret_header)
{
    if (raw.len > CARRY_HEADER_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = codec_scan(raw);
    if (err)
        return err;
    struct reader in = reader_of(raw);
    reader_array_of(&in, 8);
    uint64_t suite = reader_uint(&in);
    if (!in.err && suite != SUITE)
        return ERR_VERSION;
    struct bytes district = reader_str(&in), node = reader_str(&in);
    uint64_t way = reader_uint_max(&in, CARRY_TO_NODE);
    reader_fixed(&in, ret_header->export_id.at, ID_BYTES);
    ret_header->made_ms = reader_uint(&in);
    ret_header->part = (unsigned)reader_uint_max(&in, CARRY_PARTS_MAX);
    size_t count = reader_array(&in);
    if (!in.err && count > CARRY_PARTS_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < count && !in.err; i++) {
        struct carry_place *begin = &ret_header->begins[i];
        reader_array_of(&in, 3);
        begin->kind = (unsigned)reader_uint_max(&in, UINT8_MAX);
        begin->place = (unsigned)reader_uint_max(&in, UINT8_MAX);
        begin->first = reader_uint(&in);
    }
    err = reader_end(&in);
    if (err)
        return err;
    if (!name_is_plain(district, DISTRICT_TEXT_MAX) || !name_is_plain(node, NODE_TEXT_MAX) ||
        way == 0 || ret_header->part == 0 || ret_header->part > count)
        return ERR_MALFORMED;
    ret_header->district = district;
    ret_header->node = node;
    ret_header->way = (enum carry_way)way;
    ret_header->part_count = (unsigned)count;
    return OK;
}

/* Order of the pieces of one export: the control feed comes before the ACKs, which come before the
 * records. */
static unsigned rank_of(const struct carry_place *place)
{
    switch (place->kind) {
    case CARRY_PROOF:
        return 1;
    case CARRY_BUNDLE:
        return 2 + place->place;
    case CARRY_FEED:
        return place->place == FEED_CONTROL ? 5 : 9;
    case CARRY_ACK:
        return 6 + place->place;
    default:
        return 0;
    }
}

unsigned carry_part_of(const struct carry_header *header, const struct carry_place *place)
{
    unsigned rank = rank_of(place), part = 0;
    for (unsigned i = 0; i < header->part_count; i++) {
        const struct carry_place *begin = &header->begins[i];
        unsigned begin_rank = rank_of(begin);
        if (begin_rank < rank || (begin_rank == rank && begin->first <= place->first))
            part = i + 1;
    }
    return part;
}

void carry_end_encode(const struct carry_end *end, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, 0);
    writer_uint(out, end->pieces);
    writer_bin(out, bytes_hash(&end->hash));
}

bool carry_end_decode(struct bytes raw, struct carry_end *ret_end)
{
    if (raw.len > CARRY_END_BYTES_MAX || codec_scan(raw))
        return false;
    struct carry_end end = { .pieces = 0 };
    struct reader in = reader_of(raw);
    reader_array_of(&in, 3);
    (void)reader_uint_max(&in, 0);
    end.pieces = reader_uint(&in);
    reader_fixed(&in, end.hash.at, HASH_BYTES);
    if (reader_end(&in))
        return false;
    *ret_end = end;
    return true;
}

/* ---- bins */

size_t carry_frame_head(size_t bytes, uint8_t ret[CARRY_FRAME_HEAD_BYTES_MAX])
{
    unsigned length = bytes <= UINT8_MAX ? 1 : bytes <= UINT16_MAX ? 2 : 4;
    must(bytes > 0 && bytes <= UINT32_MAX);
    ret[0] = length == 1 ? 0xc4 : length == 2 ? 0xc5 : 0xc6;
    for (unsigned i = 0; i < length; i++)
        ret[1 + i] = (uint8_t)(bytes >> (8 * (length - 1 - i)));
    return 1 + length;
}

unsigned carry_frame_length(uint8_t first)
{
    return first == 0xc4 ? 1 : first == 0xc5 ? 2 : first == 0xc6 ? 4 : 0;
}

enum err carry_frame_size(uint8_t first, const uint8_t *length, size_t *ret_bytes)
{
    uint8_t again[CARRY_FRAME_HEAD_BYTES_MAX];
    unsigned count = carry_frame_length(first);
    size_t bytes = 0;
    for (unsigned i = 0; i < count; i++)
        bytes = bytes << 8 | length[i];
    if (count == 0 || bytes == 0 || carry_frame_head(bytes, again) != 1 + (size_t)count)
        return ERR_MALFORMED;
    *ret_bytes = bytes;
    return OK;
}
