#include "tests/unit/feed_samples.h"

static uint8_t item_space[FEED_PLAIN_BYTES_MAX + 4096], batch_space[FEED_BYTES_MAX + 4096];
static uint8_t work_space[FEED_PLAIN_BYTES_MAX + 8 * 1024], back_space[FEED_PLAIN_BYTES_MAX];

static enum err build(enum feed_stream stream, struct bytes items, uint64_t count,
                      struct bytes *ret_raw)
{
    struct feed_batch batch = feed_sample_batch(stream, count);
    struct secret_key *hub = sample_secret(0x51);
    struct public_key node = sample_box_public(0x23);
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct writer out = writer_of(batch_space, sizeof(batch_space));
    enum err err =
        feed_batch_build(&batch, items, stream == FEED_RECORDS ? &node : NULL, hub, &work, &out);
    secret_key_close(&hub);
    *ret_raw = writer_bytes(&out);
    return err;
}

/* Items `first` to `last` of the samples, in a batch. */
static struct bytes build_samples(enum feed_stream stream, unsigned first, unsigned last)
{
    struct writer items = writer_of(item_space, sizeof(item_space));
    struct bytes raw;
    for (unsigned i = first; i <= last; i++) {
        struct feed_item item = feed_sample_item(i);
        feed_item_encode(&item, &items);
    }
    assert_int_equal(items.err, OK);
    assert_int_equal(build(stream, writer_bytes(&items), last - first + 1, &raw), OK);
    return raw;
}

static enum err open_batch(struct bytes raw, struct feed_batch *ret_batch)
{
    struct public_key hub = sample_sign_public(0x51);
    return feed_batch_open(raw, SAMPLE_DISTRICT, SAMPLE_NODE, &hub, ret_batch);
}

static enum err open_items(const struct feed_batch *batch, uint8_t filler, struct buf *ret_items)
{
    struct secret_key *seal = sample_secret(filler);
    struct buf work = buf_of(work_space, sizeof(work_space));
    *ret_items = buf_of(back_space, sizeof(back_space));
    enum err err = feed_batch_items(batch, seal, &work, ret_items);
    secret_key_close(&seal);
    return err;
}

static void every_item_is_the_same_bytes_after_reading_and_writing(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FEED_SAMPLE_COUNT; i++) {
        uint8_t first[512], again[512];
        struct writer out = writer_of(first, sizeof(first));
        struct feed_item item = feed_sample_item(i), back;
        feed_item_encode(&item, &out);
        assert_int_equal(out.err, OK);
        assert_int_equal(codec_scan(writer_bytes(&out)), OK);
        assert_int_equal(feed_item_decode(writer_bytes(&out), &back), OK);
        assert_int_equal(back.kind, item.kind);
        struct writer second = writer_of(again, sizeof(again));
        feed_item_encode(&back, &second);
        assert_true(bytes_equal(writer_bytes(&out), writer_bytes(&second)));
    }
}

static void a_batch_gives_back_its_items(void **state)
{
    (void)state;
    for (unsigned stream = 0; stream < FEED_STREAMS; stream++) {
        unsigned first = stream == FEED_CONTROL ? 0 : 3;
        struct bytes raw = build_samples((enum feed_stream)stream, first, first + 2);
        struct feed_batch batch;
        struct buf plain;
        assert_int_equal(open_batch(raw, &batch), OK);
        assert_int_equal(batch.stream, stream);
        assert_int_equal(batch.sealed, stream == FEED_RECORDS);
        assert_int_equal(batch.from, 80);
        assert_int_equal(batch.to, 90);
        assert_int_equal(batch.count, 3);
        struct hash journal = sample_hash(0x0a);
        assert_true(hash_equal(&batch.journal_hash, &journal));

        assert_int_equal(open_items(&batch, 0x23, &plain), OK);
        struct items_iter items = items_of(buf_bytes(&plain));
        assert_int_equal(items.left, 3);
        for (unsigned i = first; i < first + 3; i++) {
            struct feed_item expected = feed_sample_item(i), item;
            assert_int_equal(feed_item_decode(reader_raw(&items.reader), &item), OK);
            assert_int_equal(item.kind, expected.kind);
            assert_int_equal(item.number, expected.number);
        }
        assert_int_equal(reader_end(&items.reader), OK);
    }
}

static void a_batch_may_only_move_the_cursor(void **state)
{
    (void)state;
    struct bytes raw;
    struct feed_batch batch;
    struct buf plain;
    assert_int_equal(build(FEED_RECORDS, bytes_of(NULL, 0), 0, &raw), OK);
    assert_int_equal(open_batch(raw, &batch), OK);
    assert_int_equal(open_items(&batch, 0x23, &plain), OK);
    assert_int_equal(items_of(buf_bytes(&plain)).left, 0);
}

static void no_bit_of_a_batch_can_be_changed(void **state)
{
    (void)state;
    struct bytes raw = build_samples(FEED_CONTROL, 0, 2);
    struct feed_batch batch;
    for (size_t bit = 0; bit < 8 * raw.len; bit++) {
        batch_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        if (open_batch(raw, &batch) == OK)
            fail_msg("bit %zu does not matter", bit);
        batch_space[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
    for (size_t len = 0; len < raw.len; len++)
        assert_int_not_equal(open_batch(bytes_of(raw.at, len), &batch), OK);
}

static void a_batch_is_for_one_node_of_one_hub(void **state)
{
    (void)state;
    struct bytes raw = build_samples(FEED_RECORDS, 3, 3);
    struct public_key hub = sample_sign_public(0x51), other = sample_sign_public(0x52);
    struct feed_batch batch;
    assert_int_equal(feed_batch_open(raw, "36.05", SAMPLE_NODE, &hub, &batch), ERR_DENIED);
    assert_int_equal(feed_batch_open(raw, SAMPLE_DISTRICT, "36.04.28", &hub, &batch), ERR_DENIED);
    assert_int_equal(feed_batch_open(raw, SAMPLE_DISTRICT, SAMPLE_NODE, &other, &batch),
                     ERR_SIGNATURE);
    struct buf plain;
    assert_int_equal(open_batch(raw, &batch), OK);
    assert_int_equal(open_items(&batch, 0x24, &plain), ERR_DECRYPT);
    struct buf work = buf_of(work_space, sizeof(work_space));
    assert_int_equal(feed_batch_items(&batch, NULL, &work, &plain), ERR_LOCKED);
}

static void records_do_not_stand_in_the_clear(void **state)
{
    (void)state;
    struct bytes raw = build_samples(FEED_RECORDS, 3, 3);
    assert_null(memmem(raw.at, raw.len, "Siti", 4));
    assert_null(memmem(raw.at, raw.len, "orang", 5));
}

/* The hub's own mistake, rightly signed: the node does not follow it. */
static void counts_and_lengths_must_hold(void **state)
{
    (void)state;
    struct writer items = writer_of(item_space, sizeof(item_space));
    struct feed_item item = feed_sample_item(0);
    struct bytes raw;
    struct feed_batch batch;
    struct buf plain;
    feed_item_encode(&item, &items);
    assert_int_equal(build(FEED_CONTROL, writer_bytes(&items), 2, &raw), OK);
    assert_int_equal(open_batch(raw, &batch), OK);
    assert_int_equal(open_items(&batch, 0x23, &plain), ERR_MALFORMED);

    assert_int_equal(build(FEED_CONTROL, writer_bytes(&items), 1, &raw), OK);
    assert_int_equal(open_batch(raw, &batch), OK);
    batch.count = 2;
    assert_int_equal(open_items(&batch, 0x23, &plain), ERR_MALFORMED);
    batch.count = 1;
    batch.plain_bytes++;
    assert_int_equal(open_items(&batch, 0x23, &plain), ERR_MALFORMED);
}

static void a_batch_has_its_limits(void **state)
{
    (void)state;
    struct bytes raw;
    assert_int_equal(build(FEED_CONTROL, bytes_of(NULL, 0), FEED_ITEMS_MAX + 1, &raw), ERR_LIMIT);
    memset(item_space, 0, sizeof(item_space));
    assert_int_equal(build(FEED_CONTROL, bytes_of(item_space, FEED_PLAIN_BYTES_MAX), 1, &raw),
                     ERR_LIMIT);
    /* What fits plain fits as sent, even when it does not compress: a number is never too large. */
    struct sample_random random = { 5 };
    for (size_t i = 0; i < 1000 * 1024; i++)
        item_space[i] = (uint8_t)sample_next(&random);
    assert_int_equal(build(FEED_CONTROL, bytes_of(item_space, 1000 * 1024), 1, &raw), OK);
}

static void a_whole_plain_limit_travels_and_opens(void **state)
{
    (void)state;
    struct writer items = writer_of(item_space, sizeof(item_space));
    static uint8_t document[FEED_PLAIN_BYTES_MAX - 64];
    struct feed_item item = { .kind = FEED_RULES,
                              .number = 1,
                              .document = bytes_of(document, sizeof(document)) };
    struct bytes raw;
    struct feed_batch batch;
    struct buf plain;
    feed_item_encode(&item, &items);
    assert_int_equal(build(FEED_RECORDS, writer_bytes(&items), 1, &raw), OK);
    assert_int_equal(open_batch(raw, &batch), OK);
    assert_int_equal(open_items(&batch, 0x23, &plain), OK);
}

static void a_dictionary_has_a_number_and_its_limit(void **state)
{
    (void)state;
    static uint8_t bytes[DICTIONARY_BYTES_MAX + 1];
    static uint8_t space[DICTIONARY_BYTES_MAX + 64];
    const struct {
        uint64_t version;
        size_t len;
        enum err err;
    } cases[] = { { 3, DICTIONARY_BYTES_MAX, OK },
                  { 3, DICTIONARY_BYTES_MAX + 1, ERR_MALFORMED },
                  { 0, 300, ERR_MALFORMED },
                  { UINT64_C(0x100000000), 300, ERR_MALFORMED } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct writer out = writer_of(space, sizeof(space));
        struct feed_item item = { .kind = FEED_DICTIONARY,
                                  .number = 4,
                                  .version = cases[i].version,
                                  .document = bytes_of(bytes, cases[i].len) };
        struct feed_item back;
        feed_item_encode(&item, &out);
        assert_int_equal(feed_item_decode(writer_bytes(&out), &back), cases[i].err);
    }
}

static void kinds_of_a_newer_program_are_told_from_damage(void **state)
{
    (void)state;
    struct feed_item back;
    assert_int_equal(feed_item_decode(bytes_of("\x92\x07\x01", 3), &back), ERR_VERSION);
    assert_int_equal(feed_item_decode(bytes_of("\x92\x04\x01", 3), &back), ERR_MALFORMED);
    assert_int_equal(feed_item_decode(bytes_of("\x92\x0b\x01", 3), &back), ERR_VERSION);
    assert_int_equal(feed_item_decode(bytes_of("\x92\x01\x01", 3), &back), ERR_MALFORMED);
    assert_int_equal(feed_item_decode(bytes_of("\xc0", 1), &back), ERR_MALFORMED);
    /* Fields are a map. */
    uint8_t space[512];
    struct writer out = writer_of(space, sizeof(space));
    struct feed_item item = feed_record_sample();
    item.fields = bytes_of("\x90", 1);
    feed_item_encode(&item, &out);
    assert_int_equal(feed_item_decode(writer_bytes(&out), &back), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_the_same_bytes_after_reading_and_writing),
        cmocka_unit_test(a_batch_gives_back_its_items),
        cmocka_unit_test(a_batch_may_only_move_the_cursor),
        cmocka_unit_test(no_bit_of_a_batch_can_be_changed),
        cmocka_unit_test(a_batch_is_for_one_node_of_one_hub),
        cmocka_unit_test(records_do_not_stand_in_the_clear),
        cmocka_unit_test(counts_and_lengths_must_hold),
        cmocka_unit_test(a_batch_has_its_limits),
        cmocka_unit_test(a_whole_plain_limit_travels_and_opens),
        cmocka_unit_test(a_dictionary_has_a_number_and_its_limit),
        cmocka_unit_test(kinds_of_a_newer_program_are_told_from_damage),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
