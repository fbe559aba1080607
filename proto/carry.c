#include "proto/carry.h"

#include "common/must.h"

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
    struct carry_end end;
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

/* ---- pieces */

/* Where a bundle begins, without looking further than its head. */
static void bundle_place(struct bytes bundle, struct reader *outer, struct carry_place *where)
{
    if (codec_scan(bundle) != OK) {
        reader_refuse(outer);
        return;
    }
    struct reader in = reader_of(bundle);
    reader_array_of(&in, 10);
    (void)reader_uint(&in);
    where->place = lane_decode(&in);
    where->first = reader_uint(&in);
    if (in.err != OK)
        reader_refuse(outer);
}

static void batch_place(struct bytes batch, struct reader *outer, struct carry_place *where)
{
    if (codec_scan(batch) != OK) {
        reader_refuse(outer);
        return;
    }
    struct reader in = reader_of(batch);
    reader_array_of(&in, 3);
    struct bytes statement = reader_bin(&in);
    if (in.err != OK || codec_scan(statement) != OK) {
        reader_refuse(outer);
        return;
    }
    struct reader st = reader_of(statement);
    reader_array_of(&st, 12);
    for (unsigned i = 0; i < 3; i++)
        (void)reader_raw(&st); /* suite, district, node */
    where->place = (unsigned)reader_uint_max(&st, FEED_STREAMS - 1);
    (void)reader_uint(&st);
    where->first = reader_uint(&st);
    if (st.err != OK)
        reader_refuse(outer);
}

static enum err message_of(struct bytes raw, enum message_type type, struct message *ret_message)
{
    enum err err = message_decode(raw, ret_message);
    return err == OK && ret_message->type != type ? ERR_MALFORMED : err;
}

static enum err answer_decode(struct reader *in, struct carry_piece *piece)
{
    struct message welcome;
    struct bytes hello = reader_bin(in), answer = reader_bin(in);
    enum err err = in->err != OK ? in->err : message_of(hello, MESSAGE_HELLO, &piece->message);
    if (err == OK)
        err = message_of(answer, MESSAGE_WELCOME, &welcome);
    if (err == OK)
        piece->welcome = welcome.welcome;
    return err;
}

/* The seq of the first item; an ACK without items says nothing that a file needs. */
static enum err ack_place(const struct ack *ack, struct carry_place *where)
{
    struct items_iter iter = items_of(ack->items);
    struct ack_item item;
    if (!ack_item_next(&iter, &item))
        return ERR_MALFORMED;
    where->place = ack->lane;
    where->first = item.seq;
    return OK;
}

static enum err body_decode(uint64_t kind, size_t count, struct reader *in,
                            struct carry_piece *piece)
{
    switch (kind) {
    case CARRY_BUNDLE:
        reader_fixed(in, piece->head_before.at, HASH_BYTES);
        piece->body = reader_bin(in);
        if (in->err == OK)
            bundle_place(piece->body, in, &piece->where);
        break;
    case CARRY_PROOF:
        piece->proof = (unsigned)reader_uint_max(in, RETURN_FEED);
        piece->body = reader_bin(in);
        if (piece->proof != RETURN_ACK && piece->proof != RETURN_FEED)
            reader_refuse(in);
        if (piece->body.len > RETURN_PROOF_BYTES_MAX)
            return ERR_LIMIT;
        break;
    case CARRY_ANSWER: {
        enum err err = answer_decode(in, piece);
        if (err != OK)
            return err;
        break;
    }
    case CARRY_FEED:
        piece->body = reader_bin(in);
        if (in->err == OK)
            batch_place(piece->body, in, &piece->where);
        break;
    default:
        return ERR_VERSION;
    }
    return count == (kind == CARRY_FEED ? 2u : 3u) ? reader_end(in) : ERR_MALFORMED;
}

enum err carry_piece_decode(struct bytes raw, struct carry_piece *ret_piece)
{
    if (raw.len > CARRY_PIECE_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = codec_scan(raw);
    if (err)
        return err;
    struct reader in = reader_of(raw);
    size_t count = reader_array(&in);
    uint64_t kind = reader_uint(&in);
    if (in.err)
        return in.err;
    *ret_piece = (struct carry_piece){ .raw = raw };
    ret_piece->where.kind = kind > UINT8_MAX ? UINT8_MAX : (unsigned)kind;
    if (kind == CARRY_HELLO)
        return message_of(raw, MESSAGE_HELLO, &ret_piece->message);
    if (kind == CARRY_ACK) {
        err = message_of(raw, MESSAGE_ACK, &ret_piece->message);
        return err == OK ? ack_place(&ret_piece->message.ack, &ret_piece->where) : err;
    }
    return body_decode(kind, count, &in, ret_piece);
}

void carry_bundle_encode(const struct hash *head_before, struct bytes bundle, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, CARRY_BUNDLE);
    writer_bin(out, bytes_hash(head_before));
    writer_bin(out, bundle);
}

void carry_proof_encode(enum return_kind kind, struct bytes proof, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, CARRY_PROOF);
    writer_uint(out, kind);
    writer_bin(out, proof);
}

void carry_answer_encode(struct bytes hello, struct bytes welcome, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, CARRY_ANSWER);
    writer_bin(out, hello);
    writer_bin(out, welcome);
}

void carry_feed_encode(struct bytes batch, struct writer *out)
{
    writer_array(out, 2);
    writer_uint(out, CARRY_FEED);
    writer_bin(out, batch);
}
