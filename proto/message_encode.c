/* The writing half of message.h. */
#include "common/must.h"
#include "proto/message.h"

static void signature_encode(const struct signature *signature, struct writer *out)
{
    writer_bin(out, bytes_of(signature->at, SIGNATURE_BYTES));
}

static void key_encode(const struct public_key *key, struct writer *out)
{
    writer_bin(out, bytes_of(key->at, PUBLIC_KEY_BYTES));
}

static void hello_encode(const struct hello *hello, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, MESSAGE_HELLO);
    writer_bin(out, hello->statement);
    signature_encode(&hello->signature, out);
}

static void push_encode(const struct push *push, struct writer *out)
{
    if (push->data.len == push->total) {
        writer_array(out, 2);
        writer_uint(out, MESSAGE_PUSH);
        writer_bin(out, push->data);
        return;
    }
    writer_array(out, 7);
    writer_uint(out, MESSAGE_PUSH);
    writer_uint(out, push->lane);
    writer_uint(out, push->first);
    writer_bin(out, bytes_of(push->tag, BUNDLE_TAG_BYTES));
    writer_uint(out, push->total);
    writer_uint(out, push->offset);
    writer_bin(out, push->data);
}

static void confirm_encode(const struct confirm *confirm, struct writer *out)
{
    writer_array(out, 5);
    writer_uint(out, MESSAGE_CONFIRM);
    writer_uint(out, confirm->stream);
    writer_uint(out, confirm->epoch);
    writer_uint(out, confirm->number);
    writer_uint(out, confirm->offset);
}

static void policy_return_encode(const struct policy_return *back, struct writer *out)
{
    writer_array(out, 6);
    writer_uint(out, MESSAGE_RETURN);
    writer_uint(out, back->kind);
    writer_uint(out, back->version);
    writer_uint(out, back->total);
    writer_uint(out, back->offset);
    writer_bin(out, back->data);
}

static void enrol_encode(const struct enrol *enrol, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, MESSAGE_ENROL);
    writer_bin(out, enrol->request);
    signature_encode(&enrol->signature, out);
}

static void operator_encode(const struct operator_request *request, struct writer *out)
{
    writer_array(out, 4);
    writer_uint(out, MESSAGE_OPERATOR);
    writer_bin(out, request->request);
    signature_encode(&request->operator_signature, out);
    signature_encode(&request->device_signature, out);
}

static void welcome_encode(const struct welcome *welcome, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, MESSAGE_WELCOME);
    writer_bin(out, welcome->statement);
    signature_encode(&welcome->signature, out);
}

static void progress_encode(const struct progress *progress, struct writer *out)
{
    writer_array(out, 4);
    writer_uint(out, MESSAGE_PROGRESS);
    writer_uint(out, progress->lane);
    writer_uint(out, progress->first);
    writer_uint(out, progress->offset);
}

static void ack_encode(const struct ack *ack, struct writer *out)
{
    writer_array(out, 8);
    writer_uint(out, MESSAGE_ACK);
    writer_uint(out, ack->lane);
    writer_uint(out, ack->last);
    writer_uint(out, ack->epoch);
    writer_uint(out, ack->number);
    writer_uint(out, ack->keep_from);
    writer_raw(out, ack->items);
    signature_encode(&ack->signature, out);
}

static void feed_encode(const struct feed *feed, struct writer *out)
{
    writer_array(out, 8);
    writer_uint(out, MESSAGE_FEED);
    writer_uint(out, feed->stream);
    writer_uint(out, feed->epoch);
    writer_uint(out, feed->from);
    writer_uint(out, feed->to);
    writer_uint(out, feed->total);
    writer_uint(out, feed->offset);
    writer_bin(out, feed->data);
}

static void enrol_state_encode(const struct enrol_state *state, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, MESSAGE_ENROL_STATE);
    writer_bin(out, state->statement);
    signature_encode(&state->signature, out);
}

static void operator_state_encode(const struct operator_state *state, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, MESSAGE_OPERATOR_STATE);
    key_encode(&state->key, out);
    writer_uint(out, state->standing);
}

static void refuse_encode(const struct refuse *refuse, struct writer *out)
{
    writer_array(out, 5);
    writer_uint(out, MESSAGE_REFUSE);
    writer_str(out, refuse->code);
    if (refuse->has_lane)
        writer_uint(out, refuse->lane);
    else
        writer_nil(out);
    writer_uint(out, refuse->seq);
    writer_str(out, refuse->detail);
}

enum err message_encode(const struct message *message, struct writer *out)
{
    size_t before = out->buf.len;
    switch (message->type) {
    case MESSAGE_HELLO:
        hello_encode(&message->hello, out);
        break;
    case MESSAGE_PUSH:
        push_encode(&message->push, out);
        break;
    case MESSAGE_RETURN:
        policy_return_encode(&message->policy_return, out);
        break;
    case MESSAGE_CONFIRM:
        confirm_encode(&message->confirm, out);
        break;
    case MESSAGE_ENROL:
        enrol_encode(&message->enrol, out);
        break;
    case MESSAGE_OPERATOR:
        operator_encode(&message->operator_request, out);
        break;
    case MESSAGE_WELCOME:
        welcome_encode(&message->welcome, out);
        break;
    case MESSAGE_PROGRESS:
        progress_encode(&message->progress, out);
        break;
    case MESSAGE_ACK:
        ack_encode(&message->ack, out);
        break;
    case MESSAGE_FEED:
        feed_encode(&message->feed, out);
        break;
    case MESSAGE_ENROL_STATE:
        enrol_state_encode(&message->enrol_state, out);
        break;
    case MESSAGE_OPERATOR_STATE:
        operator_state_encode(&message->operator_state, out);
        break;
    case MESSAGE_REFUSE:
        refuse_encode(&message->refuse, out);
        break;
    }
    if (!out->err && out->buf.len - before > FRAME_BYTES_MAX)
        out->err = ERR_LIMIT;
    return out->err;
}

/* --- statements ------------------------------------------------------------------- */

void hello_statement(const struct hello *hello, struct writer *out)
{
    writer_array(out, 13);
    writer_uint(out, SUITE);
    writer_uint(out, hello->version);
    writer_str(out, hello->district);
    writer_str(out, hello->node);
    writer_bin(out, bytes_id(&hello->incarnation));
    if (hello->has_previous)
        writer_bin(out, bytes_id(&hello->previous));
    else
        writer_nil(out);
    writer_bin(out, bytes_id(&hello->nonce));
    writer_array(out, LANE_COUNT);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        writer_array(out, 4);
        writer_uint(out, hello->lanes[i].acked);
        writer_bin(out, bytes_hash(&hello->lanes[i].head));
        writer_uint(out, hello->lanes[i].highest);
        writer_uint(out, hello->lanes[i].unread);
    }
    writer_array(out, 2);
    writer_uint(out, hello->seen_epoch);
    writer_uint(out, hello->seen_number);
    writer_array(out, FEED_STREAMS);
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        writer_array(out, 3);
        writer_uint(out, hello->cursors[i].epoch);
        writer_uint(out, hello->cursors[i].number);
        writer_bin(out, bytes_hash(&hello->cursors[i].hash));
    }
    policy_mark_encode(&hello->policy, out);
    writer_bool(out, hello->wants_records);
    writer_uint(out, hello->wall_ms);
}

void welcome_statement(const struct welcome *welcome, struct writer *out)
{
    size_t partials = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        partials += welcome->partials[i].any;
    writer_array(out, 16);
    writer_uint(out, SUITE);
    writer_uint(out, welcome->version);
    writer_str(out, welcome->district);
    writer_str(out, welcome->node);
    writer_bin(out, bytes_id(&welcome->incarnation));
    writer_bin(out, bytes_id(&welcome->nonce));
    writer_uint(out, welcome->standing);
    writer_uint(out, welcome->journal.epoch);
    writer_uint(out, welcome->journal.number);
    writer_bin(out, bytes_hash(&welcome->journal.hash));
    writer_array(out, LANE_COUNT);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        writer_array(out, 3);
        writer_uint(out, welcome->lanes[i].received);
        writer_bin(out, bytes_hash(&welcome->lanes[i].head));
        writer_uint(out, welcome->lanes[i].keep_from);
    }
    writer_array(out, FEED_STREAMS);
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        writer_bool(out, welcome->proven[i]);
    policy_mark_encode(&welcome->policy, out);
    writer_array(out, partials);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct welcome_partial *partial = &welcome->partials[i];
        if (!partial->any)
            continue;
        writer_array(out, 4);
        writer_uint(out, i);
        writer_uint(out, partial->first);
        writer_bin(out, bytes_of(partial->tag, BUNDLE_TAG_BYTES));
        writer_uint(out, partial->offset);
    }
    writer_uint(out, welcome->lost);
    writer_uint(out, welcome->wall_ms);
}

void enrol_request(const struct enrol *enrol, struct writer *out)
{
    writer_array(out, 9);
    writer_uint(out, SUITE);
    writer_str(out, enrol->district);
    writer_str(out, enrol->node);
    writer_bin(out, bytes_id(&enrol->invite));
    writer_bin(out, bytes_hash(&enrol->token));
    key_encode(&enrol->device_key, out);
    key_encode(&enrol->curve_key, out);
    key_encode(&enrol->seal_key, out);
    writer_bin(out, bytes_id(&enrol->nonce));
}

void enrol_state_statement(const struct enrol_state *state, struct writer *out)
{
    writer_array(out, 7);
    writer_uint(out, SUITE);
    writer_str(out, state->district);
    writer_str(out, state->node);
    writer_bin(out, bytes_id(&state->invite));
    key_encode(&state->device_key, out);
    writer_uint(out, state->standing);
    writer_uint(out, state->tries);
}

void operator_request_encode(const struct operator_request *request, struct writer *out)
{
    writer_array(out, 8);
    writer_uint(out, SUITE);
    writer_str(out, request->district);
    writer_str(out, request->node);
    key_encode(&request->key, out);
    writer_str(out, request->name);
    writer_str(out, request->role);
    writer_bin(out, bytes_id(&request->nonce));
    if (request->has_seal_key)
        key_encode(&request->seal_key, out);
    else
        writer_nil(out);
}

void ack_statement(const struct ack *ack, const char *district, const char *node,
                   const struct id *incarnation, const struct hash *head, struct writer *out)
{
    writer_array(out, 11);
    writer_uint(out, SUITE);
    writer_text(out, district);
    writer_text(out, node);
    writer_bin(out, bytes_id(incarnation));
    writer_uint(out, ack->lane);
    writer_uint(out, ack->last);
    writer_bin(out, bytes_hash(head));
    writer_uint(out, ack->epoch);
    writer_uint(out, ack->number);
    writer_uint(out, ack->keep_from);
    writer_raw(out, ack->items);
}

void enrol_transcript(const struct enrol *enrol, const struct trust_hub *hub,
                      const struct public_key *root, struct writer *out)
{
    writer_array(out, 7);
    writer_str(out, enrol->district);
    writer_bin(out, bytes_id(&enrol->invite));
    key_encode(root, out);
    key_encode(&hub->sign_key, out);
    key_encode(&hub->seal_key, out);
    key_encode(&hub->curve_key, out);
    writer_bin(out, enrol->request);
}

void operator_transcript(const struct operator_request *request,
                         const struct public_key *hub_sign_key, struct writer *out)
{
    writer_array(out, 4);
    writer_str(out, request->district);
    writer_str(out, request->node);
    key_encode(hub_sign_key, out);
    writer_bin(out, request->request);
}

/* --- lists inside an ACK ---------------------------------------------------------- */

void ack_entry_encode(const struct ack_entry *entry, struct writer *out)
{
    writer_array(out, 4);
    ack_entry_values_encode(entry, out);
}

void ack_entry_values_encode(const struct ack_entry *entry, struct writer *out)
{
    must(entry->disposition != DISPOSITION_NONE);
    if (entry->whole)
        writer_nil(out);
    else
        writer_uint(out, entry->index);
    writer_uint(out, entry->disposition);
    writer_str(out, entry->reason);
    writer_str(out, entry->field);
}

void ack_entry_values_decode(struct reader *reader, struct ack_entry *ret_entry)
{
    ret_entry->whole = reader_peek(reader) == KIND_NIL;
    ret_entry->index = 0;
    if (ret_entry->whole)
        reader_nil(reader);
    else
        ret_entry->index = (unsigned)reader_uint_max(reader, CHANGES_PER_TRANSACTION_MAX - 1);
    uint64_t disposition = reader_uint_max(reader, DISPOSITION_PARKED);
    if (disposition == DISPOSITION_NONE)
        reader_refuse(reader);
    ret_entry->disposition = (enum disposition)disposition;
    ret_entry->reason = reader_str(reader);
    ret_entry->field = reader_str(reader);
}

void ack_item_encode(const struct ack_item *item, struct writer *out)
{
    writer_array(out, 3);
    writer_uint(out, item->seq);
    writer_uint(out, item->number);
    writer_raw(out, item->entries);
}

struct items_iter items_of(struct bytes raw_array)
{
    struct items_iter iter = { .reader = reader_of(raw_array) };
    iter.left = reader_array(&iter.reader);
    return iter;
}

bool ack_item_next(struct items_iter *iter, struct ack_item *ret_item)
{
    if (iter->left == 0 || iter->reader.err)
        return false;
    struct ack_item item;
    reader_array_of(&iter->reader, 3);
    item.seq = reader_uint(&iter->reader);
    item.number = reader_uint(&iter->reader);
    item.entries = reader_raw(&iter->reader);
    if (iter->reader.err)
        return false;
    iter->left--;
    *ret_item = item;
    return true;
}

bool ack_entry_next(struct items_iter *iter, struct ack_entry *ret_entry)
{
    if (iter->left == 0 || iter->reader.err)
        return false;
    struct ack_entry entry;
    reader_array_of(&iter->reader, 4);
    ack_entry_values_decode(&iter->reader, &entry);
    if (iter->reader.err)
        return false;
    iter->left--;
    *ret_entry = entry;
    return true;
}
