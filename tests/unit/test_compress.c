#include "tests/unit/proto_samples.h"

#include <zstd.h>

#include "proto/compress.h"

#define PLAIN_BYTES TRANSACTION_BYTES_MAX

static uint8_t plain[PLAIN_BYTES];
static uint8_t packed_space[COMPRESS_BOUND(PLAIN_BYTES)];
static uint8_t back_space[PLAIN_BYTES];

static struct buf packed_of(struct bytes in)
{
    struct buf packed = buf_of(packed_space, sizeof(packed_space));
    assert_int_equal(compress(in, &packed), OK);
    return packed;
}

static void every_size_and_kind_of_content_comes_back(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 1, 100, 1024, 131072, 131073, PLAIN_BYTES };
    struct sample_random random = { 7 };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (unsigned noise = 0; noise < 2; noise++) {
            for (size_t k = 0; k < sizes[i]; k++)
                plain[k] = noise ? (uint8_t)sample_next(&random) : (uint8_t)(k / 100);
            struct bytes in = bytes_of(plain, sizes[i]);
            struct buf packed = packed_of(in);
            struct buf back = buf_of(back_space, sizeof(back_space));
            assert_int_equal(decompress(buf_bytes(&packed), sizes[i], &back), OK);
            assert_true(bytes_equal(buf_bytes(&back), in));
        }
    }
}

static void it_is_appended_behind_what_is_there(void **state)
{
    (void)state;
    uint8_t space[256] = "before", out[64] = "first";
    struct buf packed = { space, 6, sizeof(space) }, back = { out, 5, sizeof(out) };
    assert_int_equal(compress(bytes_text("hello hello hello"), &packed), OK);
    assert_memory_equal(space, "before", 6);
    assert_int_equal(decompress(bytes_of(space + 6, packed.len - 6), 17, &back), OK);
    assert_memory_equal(out, "firsthello hello hello", 22);
}

static void parts_are_one_text(void **state)
{
    (void)state;
    struct bytes parts[] = { bytes_text("one "), bytes_of(NULL, 0), bytes_text("two") };
    struct buf packed = buf_of(packed_space, sizeof(packed_space));
    struct buf back = buf_of(back_space, sizeof(back_space));
    assert_int_equal(compress_parts(parts, COUNT_OF(parts), &packed), OK);
    assert_int_equal(decompress(buf_bytes(&packed), 7, &back), OK);
    assert_memory_equal(back.at, "one two", 7);
}

static void any_other_length_is_malformed(void **state)
{
    (void)state;
    memset(plain, 'a', 1000);
    struct buf packed = packed_of(bytes_of(plain, 1000));
    for (size_t wrong = 990; wrong < 1010; wrong++) {
        struct buf back = buf_of(back_space, sizeof(back_space));
        assert_int_equal(decompress(buf_bytes(&packed), wrong, &back),
                         wrong == 1000 ? OK : ERR_MALFORMED);
        assert_int_equal(back.len, wrong == 1000 ? 1000 : 0);
    }
    struct buf small = buf_of(back_space, 999);
    assert_int_equal(decompress(buf_bytes(&packed), 1000, &small), ERR_LIMIT);
}

/* 1 GiB of zeros is about 32 KB: it must not be unpacked before somebody asks how much it is. */
static void a_bomb_stops_at_the_length_that_was_promised(void **state)
{
    (void)state;
    static const uint8_t zeros[1 << 16];
    ZSTD_CCtx *ctx = ZSTD_createCCtx();
    assert_non_null(ctx);
    (void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_contentSizeFlag, 0);
    (void)ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 0);
    ZSTD_outBuffer out = { packed_space, sizeof(packed_space), 0 };
    for (unsigned i = 0; i < 1 << 14; i++) {
        ZSTD_inBuffer in = { zeros, sizeof(zeros), 0 };
        assert_int_equal(ZSTD_isError(ZSTD_compressStream2(ctx, &out, &in, ZSTD_e_continue)), 0);
        assert_int_equal(in.pos, in.size);
    }
    ZSTD_inBuffer none = { 0 };
    assert_int_equal(ZSTD_compressStream2(ctx, &out, &none, ZSTD_e_end), 0);
    ZSTD_freeCCtx(ctx);
    struct buf back = buf_of(back_space, sizeof(back_space));
    assert_int_equal(decompress(bytes_of(packed_space + 4, out.pos - 4), PLAIN_BYTES, &back),
                     ERR_MALFORMED);
}

static void other_frames_and_what_follows_a_frame_are_refused(void **state)
{
    (void)state;
    struct buf back = buf_of(back_space, sizeof(back_space));
    struct buf packed = packed_of(bytes_text("hello hello"));
    assert_int_equal(decompress(buf_bytes(&packed), 11, &back), OK);
    assert_int_equal(packed_space[0], 0);

    /* A byte behind it; a second frame; with its magic; cut. */
    packed_space[packed.len] = 0;
    assert_int_equal(decompress(bytes_of(packed_space, packed.len + 1), 11, &back), ERR_MALFORMED);
    size_t two = ZSTD_compress(packed_space + packed.len, 64, "", 0, 3);
    assert_int_equal(decompress(bytes_of(packed_space, packed.len + two), 11, &back),
                     ERR_MALFORMED);
    for (size_t len = 0; len < packed.len; len++)
        assert_int_equal(decompress(bytes_of(packed_space, len), 11, &back), ERR_MALFORMED);
    size_t plain_frame = ZSTD_compress(packed_space, 64, "hello hello", 11, 3);
    assert_int_equal(decompress(bytes_of(packed_space, plain_frame), 11, &back), ERR_MALFORMED);
    /* Without its magic, but with a content size. */
    assert_int_equal(decompress(bytes_of(packed_space + 4, plain_frame - 4), 11, &back),
                     ERR_MALFORMED);
}

/* --- dictionaries ---------------------------------------------------------------------------- */

static struct bytes dictionary_of(uint32_t seed)
{
    static uint8_t space[2][2048];
    static uint8_t samples[256 * 1024];
    static size_t sizes[1000];
    struct sample_random random = { seed };
    struct buf out = buf_of(space[seed % 2], sizeof(space[0]));
    size_t len = 0;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        int n = snprintf((char *)samples + len, sizeof(samples) - len,
                         "field_%u=value %u;other field=%u;last field=somebody %u", seed,
                         (unsigned)sample_next(&random) % 1000, (unsigned)sample_next(&random) % 9,
                         (unsigned)sample_next(&random) % 100);
        sizes[i] = (size_t)n;
        len += sizes[i];
    }
    assert_int_equal(
        compress_dictionary_train(bytes_of(samples, len), sizes, COUNT_OF(sizes), &out), OK);
    assert_true(out.len <= sizeof(space[0]));
    return buf_bytes(&out);
}

static void what_a_dictionary_holds_need_not_be_said_again(void **state)
{
    (void)state;
    struct bytes dictionary = dictionary_of(1);
    struct bytes text = bytes_text("field_1=value 77;other field=3;last field=somebody 42");
    struct buf packed = buf_of(packed_space, sizeof(packed_space));
    struct buf back = buf_of(back_space, sizeof(back_space));
    assert_int_equal(compress_with(text, dictionary, &packed), OK);
    assert_true(packed.len < text.len / 2);
    assert_int_equal(packed_space[0], 0); /* the same form of frame: it does not name it */
    assert_int_equal(decompress_with(buf_bytes(&packed), text.len, dictionary, &back), OK);
    assert_true(bytes_equal(buf_bytes(&back), text));
    back.len = 0;
    assert_int_equal(decompress(buf_bytes(&packed), text.len, &back), ERR_MALFORMED);
    for (size_t len = 0; len < packed.len; len++)
        assert_int_equal(decompress_with(bytes_of(packed_space, len), text.len, dictionary, &back),
                         ERR_MALFORMED);
    assert_int_equal(decompress_with(buf_bytes(&packed), text.len - 1, dictionary, &back),
                     ERR_MALFORMED);
    /* Any size and content, as without one. */
    struct sample_random random = { 5 };
    for (size_t size = 0; size <= PLAIN_BYTES; size = size * 5 + 1) {
        for (size_t i = 0; i < size; i++)
            plain[i] = (uint8_t)sample_next(&random);
        packed.len = back.len = 0;
        assert_int_equal(compress_with(bytes_of(plain, size), dictionary, &packed), OK);
        assert_int_equal(decompress_with(buf_bytes(&packed), size, dictionary, &back), OK);
        assert_memory_equal(back_space, plain, size);
    }
}

static void the_same_samples_make_the_same_dictionary(void **state)
{
    (void)state;
    uint8_t first[2048];
    struct bytes one = dictionary_of(1);
    memcpy(first, one.at, one.len);
    struct bytes again = dictionary_of(1);
    assert_int_equal(again.len, one.len);
    assert_memory_equal(first, again.at, again.len);
    assert_false(bytes_equal(again, dictionary_of(2)));
}

static void only_a_whole_dictionary_is_usable(void **state)
{
    (void)state;
    uint8_t copy[2048];
    struct bytes dictionary = dictionary_of(1);
    assert_true(compress_dictionary_usable(dictionary));
    assert_false(compress_dictionary_usable(bytes_of(NULL, 0)));
    assert_false(compress_dictionary_usable(bytes_text("any text is no dictionary of this form")));
    assert_false(compress_dictionary_usable(bytes_of(dictionary.at, 40))); /* tables cut off */
    memcpy(copy, dictionary.at, dictionary.len);
    copy[0] ^= 1;
    assert_false(compress_dictionary_usable(bytes_of(copy, dictionary.len)));
    static uint8_t large[DICTIONARY_BYTES_MAX + 1];
    memcpy(large, dictionary.at, dictionary.len);
    assert_false(compress_dictionary_usable(bytes_of(large, sizeof(large))));
    struct buf small = buf_of(copy, 16);
    const size_t sizes[] = { 4 };
    assert_int_equal(compress_dictionary_train(bytes_text("text"), sizes, 1, &small), ERR_LIMIT);
}

static void without_room_nothing_is_written_past_the_end(void **state)
{
    (void)state;
    struct sample_random random = { 9 };
    for (size_t i = 0; i < 2000; i++)
        plain[i] = (uint8_t)sample_next(&random);
    for (size_t cap = 0; cap < 2000; cap += 37) {
        uint8_t *small = malloc(cap ? cap : 1);
        assert_non_null(small);
        struct buf out = buf_of(small, cap);
        assert_int_equal(compress(bytes_of(plain, 2000), &out), ERR_LIMIT);
        assert_int_equal(out.len, 0);
        free(small);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_dictionary_holds_need_not_be_said_again),
        cmocka_unit_test(the_same_samples_make_the_same_dictionary),
        cmocka_unit_test(only_a_whole_dictionary_is_usable),
        cmocka_unit_test(every_size_and_kind_of_content_comes_back),
        cmocka_unit_test(it_is_appended_behind_what_is_there),
        cmocka_unit_test(parts_are_one_text),
        cmocka_unit_test(any_other_length_is_malformed),
        cmocka_unit_test(a_bomb_stops_at_the_length_that_was_promised),
        cmocka_unit_test(other_frames_and_what_follows_a_frame_are_refused),
        cmocka_unit_test(without_room_nothing_is_written_past_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
