#include "proto/carry_piece.h"

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
