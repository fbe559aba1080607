#include "proto/feed.h"

#include "common/must.h"
#include "proto/compress.h"

#define STATEMENT_BYTES_MAX 256
#define ARRAY_HEAD_BYTES_MAX 5

/* --- items ------------------------------------------------------------------------ */

static void record_encode(const struct feed_item *item, struct writer *out)
{
    writer_str(out, item->collection);
    writer_bin(out, bytes_id(&item->record));
    writer_bool(out, item->deleted);
    writer_str(out, item->short_text);
    writer_raw(out, item->fields);
    writer_array(out, 3);
    writer_str(out, item->origin.node);
    writer_uint(out, item->origin.operator_number);
    writer_uint(out, item->origin.claimed_ms);
}

static void record_decode(struct reader *in, struct feed_item *item)
{
    item->collection = reader_str(in);
    reader_fixed(in, item->record.at, ID_BYTES);
    item->deleted = reader_bool(in);
    item->short_text = reader_str(in);
    if (reader_peek(in) != KIND_MAP)
        reader_refuse(in);
    item->fields = reader_raw(in);
    reader_array_of(in, 3);
    item->origin.node = reader_str(in);
    item->origin.operator_number = (uint32_t)reader_uint_max(in, UINT32_MAX);
    item->origin.claimed_ms = reader_uint(in);
}

static void conflict_encode(const struct feed_item *item, struct writer *out)
{
    writer_bin(out, bytes_id(&item->conflict));
    writer_str(out, item->collection);
    writer_bin(out, bytes_id(&item->record));
    writer_str(out, item->field);
    writer_raw(out, item->value_a);
    writer_raw(out, item->value_b);
    writer_str(out, item->author_a);
    writer_str(out, item->author_b);
}

static void conflict_decode(struct reader *in, struct feed_item *item)
{
    reader_fixed(in, item->conflict.at, ID_BYTES);
    item->collection = reader_str(in);
    reader_fixed(in, item->record.at, ID_BYTES);
    item->field = reader_str(in);
    item->value_a = reader_raw(in);
    item->value_b = reader_raw(in);
    item->author_a = reader_str(in);
    item->author_b = reader_str(in);
}

/* Items in the array of each kind, kind and number included; 0: no such kind. */
static size_t item_count(uint64_t kind)
{
    static const uint8_t counts[] = {
        [FEED_TRUST] = 3,  [FEED_RULES] = 3,     [FEED_DECISION] = 7, [FEED_DICTIONARY] = 4,
        [FEED_RECORD] = 8, [FEED_CONFLICT] = 10, [FEED_RESOLVED] = 6,
    };
    return kind < COUNT_OF(counts) ? counts[kind] : 0;
}

void feed_item_encode(const struct feed_item *item, struct writer *out)
{
    writer_array(out, item_count(item->kind));
    writer_uint(out, item->kind);
    writer_uint(out, item->number);
    switch (item->kind) {
    case FEED_TRUST:
    case FEED_RULES:
        writer_bin(out, item->document);
        break;
    case FEED_DECISION:
        writer_bin(out, bytes_hash(&item->leaf));
        ack_entry_values_encode(&item->decision, out);
        break;
    case FEED_DICTIONARY:
        writer_uint(out, item->version);
        writer_bin(out, item->document);
        break;
    case FEED_RECORD:
        record_encode(item, out);
        break;
    case FEED_CONFLICT:
        conflict_encode(item, out);
        break;
    case FEED_RESOLVED:
        writer_bin(out, bytes_id(&item->conflict));
        writer_bin(out, bytes_id(&item->record));
        writer_str(out, item->field);
        writer_raw(out, item->value_a);
        break;
    }
}

enum err feed_item_decode(struct bytes raw, struct feed_item *ret_item)
{
    struct reader in = reader_of(raw);
    size_t count = reader_array(&in);
    uint64_t kind = reader_uint(&in);
    if (in.err)
        return in.err;
    if (item_count(kind) == 0)
        return ERR_VERSION;
    if (item_count(kind) != count)
        return ERR_MALFORMED;

    struct feed_item item = { .kind = (enum feed_item_kind)kind, .number = reader_uint(&in) };
    switch (item.kind) {
    case FEED_TRUST:
    case FEED_RULES:
        item.document = reader_bin(&in);
        break;
    case FEED_DECISION:
        reader_fixed(&in, item.leaf.at, HASH_BYTES);
        ack_entry_values_decode(&in, &item.decision);
        break;
    case FEED_DICTIONARY:
        item.version = reader_uint_max(&in, UINT32_MAX);
        item.document = reader_bin(&in);
        if (item.version == 0 || item.document.len > DICTIONARY_BYTES_MAX)
            reader_refuse(&in);
        break;
    case FEED_RECORD:
        record_decode(&in, &item);
        break;
    case FEED_CONFLICT:
        conflict_decode(&in, &item);
        break;
    case FEED_RESOLVED:
        reader_fixed(&in, item.conflict.at, ID_BYTES);
        reader_fixed(&in, item.record.at, ID_BYTES);
        item.field = reader_str(&in);
        item.value_a = reader_raw(&in);
        break;
    }
    enum err err = reader_end(&in);
    if (!err)
        *ret_item = item;
    return err;
}

/* --- batches ---------------------------------------------------------------------- */

static struct bytes statement_encode(const struct feed_batch *batch,
                                     uint8_t space[STATEMENT_BYTES_MAX])
{
    struct writer out = writer_of(space, STATEMENT_BYTES_MAX);
    writer_array(&out, 12);
    writer_uint(&out, SUITE);
    writer_str(&out, batch->district);
    writer_str(&out, batch->node);
    writer_uint(&out, batch->stream);
    writer_uint(&out, batch->epoch);
    writer_uint(&out, batch->from);
    writer_uint(&out, batch->to);
    writer_bin(&out, bytes_hash(&batch->journal_hash));
    writer_uint(&out, batch->count);
    writer_uint(&out, batch->plain_bytes);
    writer_bool(&out, batch->sealed);
    writer_bin(&out, bytes_hash(&batch->body_hash));
    must(!out.err);
    return writer_bytes(&out);
}

static enum err statement_decode(struct bytes statement, struct feed_batch *batch)
{
    enum err err = codec_scan(statement);
    if (err)
        return err;
    struct reader in = reader_of(statement);
    reader_array_of(&in, 12);
    uint64_t suite = reader_uint(&in);
    if (!in.err && suite != SUITE)
        return ERR_VERSION;
    batch->statement = statement;
    batch->district = reader_str(&in);
    batch->node = reader_str(&in);
    batch->stream = (enum feed_stream)reader_uint_max(&in, FEED_STREAMS - 1);
    batch->epoch = reader_uint(&in);
    batch->from = reader_uint(&in);
    batch->to = reader_uint(&in);
    reader_fixed(&in, batch->journal_hash.at, HASH_BYTES);
    batch->count = reader_uint_max(&in, FEED_ITEMS_MAX);
    batch->plain_bytes = reader_uint_max(&in, FEED_PLAIN_BYTES_MAX);
    batch->sealed = reader_bool(&in);
    reader_fixed(&in, batch->body_hash.at, HASH_BYTES);
    if (batch->from > batch->to || batch->sealed != (batch->stream == FEED_RECORDS))
        reader_refuse(&in);
    return reader_end(&in);
}

/* Compresses into `work`; when sealed, the result is sealed into the rest of it. */
static enum err body_build(const struct bytes *parts, size_t count,
                           const struct public_key *seal_to, struct buf *work,
                           struct bytes *ret_body)
{
    work->len = 0;
    enum err err = compress_parts(parts, count, work);
    if (err)
        return err;
    struct bytes packed = buf_bytes(work);
    if (!seal_to) {
        *ret_body = packed;
        return OK;
    }
    err = crypto_seal(packed, seal_to, work);
    if (!err)
        *ret_body = bytes_of(work->at + packed.len, work->len - packed.len);
    return err;
}

enum err feed_batch_build(const struct feed_batch *batch, struct bytes items,
                          const struct public_key *seal_to, const struct secret_key *hub_sign_key,
                          struct buf *work, struct writer *out)
{
    must(batch->from <= batch->to);
    must((seal_to != NULL) == (batch->stream == FEED_RECORDS));
    uint8_t head_space[ARRAY_HEAD_BYTES_MAX];
    struct writer head = writer_of(head_space, sizeof(head_space));
    writer_array(&head, batch->count);
    struct bytes parts[] = { writer_bytes(&head), items };

    struct feed_batch made = *batch;
    made.plain_bytes = parts[0].len + items.len;
    made.sealed = seal_to != NULL;
    if (made.count > FEED_ITEMS_MAX || made.plain_bytes > FEED_PLAIN_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = body_build(parts, COUNT_OF(parts), seal_to, work, &made.body);
    if (err)
        return err;
    crypto_hash("feed", &made.body, 1, &made.body_hash);

    uint8_t space[STATEMENT_BYTES_MAX];
    struct bytes statement = statement_encode(&made, space);
    crypto_sign_typed("feed", statement, hub_sign_key, &made.signature);

    size_t before = out->buf.len;
    writer_array(out, 3);
    writer_bin(out, statement);
    writer_bin(out, bytes_of(made.signature.at, SIGNATURE_BYTES));
    writer_bin(out, made.body);
    if (!out->err && out->buf.len - before > FEED_BYTES_MAX)
        return ERR_LIMIT;
    return out->err;
}

enum err feed_batch_open(struct bytes raw, const char *district, const char *node,
                         const struct public_key *hub_sign_key, struct feed_batch *ret_batch)
{
    if (raw.len > FEED_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = codec_scan(raw);
    if (err)
        return err;

    struct feed_batch batch = { .stream = FEED_CONTROL };
    struct reader in = reader_of(raw);
    reader_array_of(&in, 3);
    struct bytes statement = reader_bin(&in);
    reader_fixed(&in, batch.signature.at, SIGNATURE_BYTES);
    batch.body = reader_bin(&in);
    err = reader_end(&in);
    if (!err)
        err = statement_decode(statement, &batch);
    if (err)
        return err;

    struct hash body_hash;
    crypto_hash("feed", &batch.body, 1, &body_hash);
    if (!crypto_verify_typed("feed", statement, hub_sign_key, &batch.signature) ||
        !hash_equal(&body_hash, &batch.body_hash))
        return ERR_SIGNATURE;
    if (!bytes_is(batch.district, district) || !bytes_is(batch.node, node))
        return ERR_DENIED;
    *ret_batch = batch;
    return OK;
}

enum err feed_batch_items(const struct feed_batch *batch, const struct secret_key *seal_key,
                          struct buf *work, struct buf *ret_items)
{
    struct bytes packed = batch->body;
    if (batch->sealed) {
        if (!seal_key)
            return ERR_LOCKED;
        work->len = 0;
        enum err err = crypto_seal_open(batch->body, seal_key, work);
        if (err)
            return err;
        packed = buf_bytes(work);
    }
    ret_items->len = 0;
    enum err err = decompress(packed, batch->plain_bytes, ret_items);
    if (err)
        return err;
    err = codec_scan(buf_bytes(ret_items));
    if (err)
        return err;
    struct reader in = reader_of(buf_bytes(ret_items));
    size_t count = reader_array(&in);
    return in.err || count != batch->count ? ERR_MALFORMED : OK;
}
