/* A feed batch. The first byte chooses how deep the rest goes in: 0 the batch as received; 1 the
 * body behind a good signature; 2 the items behind the compression. */
#include "common/must.h"
#include "proto/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t plain_space[FEED_PLAIN_BYTES_MAX], work_space[FEED_PLAIN_BYTES_MAX];

static void items_check(struct bytes array)
{
    static uint8_t again[FEED_PLAIN_BYTES_MAX];
    struct items_iter items = items_of(array);
    for (; items.left > 0; items.left--) {
        struct bytes raw = reader_raw(&items.reader);
        struct feed_item item;
        if (feed_item_decode(raw, &item))
            continue;
        struct writer out = writer_of(again, sizeof(again));
        feed_item_encode(&item, &out);
        must(!out.err && bytes_equal(writer_bytes(&out), raw));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started)
        must(crypto_start() == OK);
    started = true;
    if (size < 5)
        return 0;

    struct feed_batch batch = { .stream = FEED_CONTROL };
    struct public_key key = { { 1 } };
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct buf plain = buf_of(plain_space, sizeof(plain_space));
    struct bytes rest = bytes_of(data + 1, size - 1);
    if (data[0] == 0) {
        must(feed_batch_open(rest, "36.04", "36.04.29", &key, &batch) != OK);
    } else if (data[0] == 1) {
        batch.plain_bytes = (uint64_t)data[1] << 16 | (uint64_t)data[2] << 8 | data[3];
        batch.count = data[4];
        batch.body = bytes_of(data + 5, size - 5);
        if (feed_batch_items(&batch, NULL, &work, &plain) == OK)
            items_check(buf_bytes(&plain));
    } else if (rest.len <= FEED_PLAIN_BYTES_MAX && codec_scan(rest) == OK) {
        items_check(rest);
    }
    return 0;
}
