#include "proto/message.h"

#include "common/must.h"

const char *message_name(enum message_type type)
{
    switch (type) {
#define MESSAGE(name, number, member, text, direction)                                             \
    case MESSAGE_##name:                                                                           \
        return text;
#include "proto/messages.def"
#undef MESSAGE
    }
    return "unknown";
}

/* --- decoding: one function a type, after the scan, on the items behind the number  */

static void signature_decode(struct reader *in, struct signature *ret_signature)
{
    reader_fixed(in, ret_signature->at, SIGNATURE_BYTES);
}

/* Not empty and not longer than `max`. */
static struct bytes text_decode(struct reader *in, size_t max)
{
    struct bytes text = reader_str(in);
    if (text.len == 0 || text.len > max)
        reader_refuse(in);
    return text;
}

static void key_decode(struct reader *in, struct public_key *ret_key)
{
    reader_fixed(in, ret_key->at, PUBLIC_KEY_BYTES);
}

/* A slice of something that is longer: inside its total, and never empty. */
static void slice_decode(struct reader *in, uint64_t total_max, uint64_t *ret_total,
                         uint64_t *ret_offset, struct bytes *ret_data)
{
    *ret_total = reader_uint_max(in, total_max);
    *ret_offset = reader_uint(in);
    *ret_data = reader_bin(in);
    if (ret_data->len == 0 || ret_data->len > FRAME_DATA_BYTES_MAX || *ret_offset > *ret_total ||
        ret_data->len > *ret_total - *ret_offset)
        reader_refuse(in);
}

/* What is signed stands as bin, so that its bytes are plain to see; inside it is canonical again.
 * It names its suite first: another one is a newer program's, not damage. */
static struct reader statement_open(struct bytes statement, size_t count)
{
    struct reader in = reader_of(statement);
    in.err = codec_scan(statement);
    reader_array_of(&in, count);
    uint64_t suite = reader_uint(&in);
    if (!in.err && suite != SUITE)
        in.err = ERR_VERSION;
    return in;
}

static enum err hello_decode(struct reader *in, struct hello *ret)
{
    ret->statement = reader_bin(in);
    signature_decode(in, &ret->signature);

    struct reader st = statement_open(ret->statement, 13);
    ret->version = reader_uint(&st);
    ret->district = text_decode(&st, DISTRICT_TEXT_MAX);
    ret->node = text_decode(&st, NODE_TEXT_MAX);
    reader_fixed(&st, ret->incarnation.at, ID_BYTES);
    ret->has_previous = reader_peek(&st) == KIND_BIN;
    if (ret->has_previous)
        reader_fixed(&st, ret->previous.at, ID_BYTES);
    else
        reader_nil(&st);
    reader_fixed(&st, ret->nonce.at, ID_BYTES);
    reader_array_of(&st, LANE_COUNT);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        reader_array_of(&st, 4);
        ret->lanes[i].acked = reader_uint(&st);
        reader_fixed(&st, ret->lanes[i].head.at, HASH_BYTES);
        ret->lanes[i].highest = reader_uint(&st);
        ret->lanes[i].unread = reader_uint(&st);
        if (ret->lanes[i].acked > ret->lanes[i].highest ||
            ret->lanes[i].unread > ret->lanes[i].highest)
            reader_refuse(&st);
    }
    reader_array_of(&st, 2);
    ret->seen_epoch = reader_uint(&st);
    ret->seen_number = reader_uint(&st);
    reader_array_of(&st, FEED_STREAMS);
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        reader_array_of(&st, 3);
        ret->cursors[i].epoch = reader_uint(&st);
        ret->cursors[i].number = reader_uint(&st);
        reader_fixed(&st, ret->cursors[i].hash.at, HASH_BYTES);
    }
    policy_mark_decode(&st, &ret->policy);
    ret->wants_records = reader_bool(&st);
    ret->wall_ms = reader_uint(&st);
    return reader_end(&st);
}

#define PUSH_WHOLE_ITEMS 2

/* A whole bundle says itself where it belongs. */
static enum err push_whole_decode(struct reader *in, struct push *ret)
{
    ret->data = reader_bin(in);
    if (in->err)
        return in->err;
    if (ret->data.len == 0 || ret->data.len > FRAME_DATA_BYTES_MAX)
        return ERR_MALFORMED;
    ret->total = ret->data.len;
    enum err err = bundle_begin(ret->data, &ret->lane, &ret->first);
    return !err && ret->first == 0 ? ERR_MALFORMED : err;
}

static enum err push_decode(struct reader *in, struct push *ret)
{
    if (reader_peek(in) == KIND_BIN)
        return push_whole_decode(in, ret);
    ret->lane = lane_decode(in);
    ret->first = reader_uint(in);
    ret->has_tag = true;
    reader_fixed(in, ret->tag, BUNDLE_TAG_BYTES);
    slice_decode(in, BUNDLE_BYTES_MAX, &ret->total, &ret->offset, &ret->data);
    return ret->first == 0 || ret->data.len == ret->total ? ERR_MALFORMED : OK;
}

static enum feed_stream stream_decode(struct reader *in)
{
    return (enum feed_stream)reader_uint_max(in, FEED_STREAMS - 1);
}

static enum err confirm_decode(struct reader *in, struct confirm *ret)
{
    ret->stream = stream_decode(in);
    ret->epoch = reader_uint(in);
    ret->number = reader_uint(in);
    ret->offset = reader_uint_max(in, FEED_BYTES_MAX);
    return OK;
}

static enum err policy_return_decode(struct reader *in, struct policy_return *ret)
{
    ret->kind = (unsigned)reader_uint_max(in, RETURN_DICTIONARY);
    ret->version = reader_uint(in);
    slice_decode(in, SIGNED_RULES_BYTES_MAX, &ret->total, &ret->offset, &ret->data);
    bool proof = ret->kind == RETURN_ACK || ret->kind == RETURN_FEED;
    if (ret->kind == 0 || (ret->version == 0) != proof)
        reader_refuse(in);
    return OK;
}

static enum err enrol_decode(struct reader *in, struct enrol *ret)
{
    ret->request = reader_bin(in);
    signature_decode(in, &ret->signature);

    struct reader st = statement_open(ret->request, 9);
    ret->district = text_decode(&st, DISTRICT_TEXT_MAX);
    ret->node = text_decode(&st, NODE_TEXT_MAX);
    reader_fixed(&st, ret->invite.at, ID_BYTES);
    reader_fixed(&st, ret->token.at, HASH_BYTES);
    key_decode(&st, &ret->device_key);
    key_decode(&st, &ret->curve_key);
    key_decode(&st, &ret->seal_key);
    reader_fixed(&st, ret->nonce.at, ID_BYTES);
    return reader_end(&st);
}

static enum err operator_request_decode(struct reader *in, struct operator_request *ret)
{
    ret->request = reader_bin(in);
    signature_decode(in, &ret->operator_signature);
    signature_decode(in, &ret->device_signature);

    struct reader st = statement_open(ret->request, 8);
    ret->district = text_decode(&st, DISTRICT_TEXT_MAX);
    ret->node = text_decode(&st, NODE_TEXT_MAX);
    key_decode(&st, &ret->key);
    ret->name = text_decode(&st, NAME_TEXT_MAX);
    if (!codec_plain(ret->name, ""))
        reader_refuse(&st);
    ret->role = text_decode(&st, ROLE_TEXT_MAX);
    reader_fixed(&st, ret->nonce.at, ID_BYTES);
    ret->has_seal_key = reader_peek(&st) == KIND_BIN;
    if (ret->has_seal_key)
        key_decode(&st, &ret->seal_key);
    else
        reader_nil(&st);
    return reader_end(&st);
}

static enum standing standing_decode(struct reader *in)
{
    uint64_t standing = reader_uint_max(in, STANDING_WAITING);
    if (standing < STANDING_ACTIVE)
        reader_refuse(in);
    return (enum standing)standing;
}

/* At most one of each lane, lanes ascend. */
static void partials_decode(struct reader *in, struct welcome *ret)
{
    size_t count = reader_array(in);
    if (count > LANE_COUNT)
        reader_refuse(in);
    for (size_t i = 0, from = 0; i < count && !in->err; i++) {
        reader_array_of(in, 4);
        enum lane lane = lane_decode(in);
        if (lane < from)
            reader_refuse(in);
        from = lane + 1u;
        struct welcome_partial *partial = &ret->partials[lane];
        partial->any = true;
        partial->first = reader_uint(in);
        reader_fixed(in, partial->tag, BUNDLE_TAG_BYTES);
        partial->offset = reader_uint_max(in, BUNDLE_BYTES_MAX);
    }
}

static enum err welcome_decode(struct reader *in, struct welcome *ret)
{
    ret->statement = reader_bin(in);
    signature_decode(in, &ret->signature);

    struct reader st = statement_open(ret->statement, 16);
    ret->version = reader_uint(&st);
    ret->district = text_decode(&st, DISTRICT_TEXT_MAX);
    ret->node = text_decode(&st, NODE_TEXT_MAX);
    reader_fixed(&st, ret->incarnation.at, ID_BYTES);
    reader_fixed(&st, ret->nonce.at, ID_BYTES);
    ret->standing = standing_decode(&st);
    ret->journal.epoch = reader_uint(&st);
    ret->journal.number = reader_uint(&st);
    reader_fixed(&st, ret->journal.hash.at, HASH_BYTES);
    reader_array_of(&st, LANE_COUNT);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        reader_array_of(&st, 3);
        ret->lanes[i].received = reader_uint(&st);
        reader_fixed(&st, ret->lanes[i].head.at, HASH_BYTES);
        ret->lanes[i].keep_from = reader_uint(&st);
    }
    reader_array_of(&st, FEED_STREAMS);
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        ret->proven[i] = reader_bool(&st);
    policy_mark_decode(&st, &ret->policy);
    partials_decode(&st, ret);
    ret->lost = reader_uint(&st);
    ret->wall_ms = reader_uint(&st);
    return reader_end(&st);
}

static enum err progress_decode(struct reader *in, struct progress *ret)
{
    ret->lane = lane_decode(in);
    ret->first = reader_uint(in);
    ret->offset = reader_uint_max(in, BUNDLE_BYTES_MAX);
    return OK;
}

/* Every item and entry is walked once, so that the iterators cannot fail later. Items follow each
 * other without a gap and end at `last`. */
static enum err ack_items_check(const struct ack *ack)
{
    struct items_iter items = items_of(ack->items);
    struct ack_item item;
    if (items.left > ack->last)
        return ERR_MALFORMED;
    uint64_t seq = ack->last - items.left;
    while (ack_item_next(&items, &item)) {
        if (item.seq != ++seq)
            return ERR_MALFORMED;
        struct items_iter entries = items_of(item.entries);
        struct ack_entry entry;
        while (ack_entry_next(&entries, &entry)) {
        }
        if (reader_end(&entries.reader))
            return ERR_MALFORMED;
    }
    return reader_end(&items.reader);
}

static enum err ack_decode(struct reader *in, struct ack *ret)
{
    ret->lane = lane_decode(in);
    ret->last = reader_uint(in);
    ret->epoch = reader_uint(in);
    ret->number = reader_uint(in);
    ret->keep_from = reader_uint(in);
    ret->items = reader_raw(in);
    signature_decode(in, &ret->signature);
    return in->err ? in->err : ack_items_check(ret);
}

static enum err feed_decode(struct reader *in, struct feed *ret)
{
    ret->stream = stream_decode(in);
    ret->epoch = reader_uint(in);
    ret->from = reader_uint(in);
    ret->to = reader_uint(in);
    slice_decode(in, FEED_BYTES_MAX, &ret->total, &ret->offset, &ret->data);
    return ret->from <= ret->to ? OK : ERR_MALFORMED;
}

static enum enrol_standing enrol_standing_decode(struct reader *in)
{
    uint64_t standing = reader_uint_max(in, ENROL_REFUSED);
    if (standing < ENROL_WAITING)
        reader_refuse(in);
    return (enum enrol_standing)standing;
}

static enum err enrol_state_decode(struct reader *in, struct enrol_state *ret)
{
    ret->statement = reader_bin(in);
    signature_decode(in, &ret->signature);

    struct reader st = statement_open(ret->statement, 7);
    ret->district = text_decode(&st, DISTRICT_TEXT_MAX);
    ret->node = text_decode(&st, NODE_TEXT_MAX);
    reader_fixed(&st, ret->invite.at, ID_BYTES);
    key_decode(&st, &ret->device_key);
    ret->standing = enrol_standing_decode(&st);
    ret->tries = (unsigned)reader_uint_max(&st, UINT8_MAX);
    return reader_end(&st);
}

static enum err operator_state_decode(struct reader *in, struct operator_state *ret)
{
    key_decode(in, &ret->key);
    ret->standing = enrol_standing_decode(in);
    return OK;
}

static enum err refuse_decode(struct reader *in, struct refuse *ret)
{
    ret->code = text_decode(in, REFUSE_CODE_MAX);
    ret->has_lane = reader_peek(in) == KIND_INT;
    if (ret->has_lane)
        ret->lane = lane_decode(in);
    else
        reader_nil(in);
    ret->seq = reader_uint(in);
    ret->detail = reader_str(in);
    return OK;
}

/* Items in the array of each message, its number included. */
static size_t message_items(uint64_t type)
{
    static const uint8_t counts[] = {
        [MESSAGE_HELLO] = 3,          [MESSAGE_PUSH] = 7,
        [MESSAGE_CONFIRM] = 5,        [MESSAGE_ENROL] = 3,
        [MESSAGE_OPERATOR] = 4,       [MESSAGE_WELCOME] = 3,
        [MESSAGE_PROGRESS] = 4,       [MESSAGE_ACK] = 8,
        [MESSAGE_FEED] = 8,           [MESSAGE_ENROL_STATE] = 3,
        [MESSAGE_OPERATOR_STATE] = 3, [MESSAGE_REFUSE] = 5,
        [MESSAGE_RETURN] = 6,
    };
    return type < COUNT_OF(counts) ? counts[type] : 0;
}

enum err message_decode(struct bytes frame, struct message *ret_message)
{
    if (frame.len > FRAME_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = codec_scan(frame);
    if (err)
        return err;

    struct reader in = reader_of(frame);
    size_t count = reader_array(&in);
    uint64_t type = reader_uint(&in);
    if (in.err)
        return in.err;
    if (message_items(type) == 0)
        return ERR_VERSION;
    if (message_items(type) != count && !(type == MESSAGE_PUSH && count == PUSH_WHOLE_ITEMS))
        return ERR_MALFORMED;

    struct message message = { .type = (enum message_type)type };
    switch (message.type) {
#define MESSAGE(name, number, member, text, direction)                                             \
    case MESSAGE_##name:                                                                           \
        err = member##_decode(&in, &message.member);                                               \
        break;
#include "proto/messages.def"
#undef MESSAGE
    }
    if (!err)
        err = reader_end(&in);
    if (!err)
        *ret_message = message;
    return err;
}
