#include "tests/unit/proto_samples.h"

#include <msgpack.h>

#include "proto/codec.h"
#include "proto/limits.h"

/* --- msgpack-c as the judge
 * ----------------------------------------------------------------------- */

static bool canonical_pairs(const msgpack_object_map *map);

/* The rules about content, on an unpacked object; the shortest forms are checked by packing it
 * again. */
static bool canonical_object(const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
    case MSGPACK_OBJECT_BOOLEAN:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
    case MSGPACK_OBJECT_BIN:
        return true;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        return object->via.u64 <= INT64_MAX;
    case MSGPACK_OBJECT_STR:
        return codec_utf8(bytes_of(object->via.str.ptr, object->via.str.size));
    case MSGPACK_OBJECT_ARRAY:
        for (uint32_t i = 0; i < object->via.array.size; i++) {
            if (!canonical_object(&object->via.array.ptr[i]))
                return false;
        }
        return true;
    case MSGPACK_OBJECT_MAP:
        return canonical_pairs(&object->via.map);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
    case MSGPACK_OBJECT_EXT:
        return false;
    }
    return false;
}

static bool canonical_pairs(const msgpack_object_map *map)
{
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key;
        if (key->type != MSGPACK_OBJECT_STR || !canonical_object(key) ||
            !canonical_object(&map->ptr[i].val))
            return false;
        if (i == 0)
            continue;
        const msgpack_object *before = &map->ptr[i - 1].key;
        uint32_t shared =
            before->via.str.size < key->via.str.size ? before->via.str.size : key->via.str.size;
        int order = shared ? memcmp(before->via.str.ptr, key->via.str.ptr, shared) : 0;
        if (order > 0 || (order == 0 && before->via.str.size >= key->via.str.size))
            return false;
    }
    return true;
}

/* msgpack-c allocates what a head promises before it looks whether it is there: 24 bytes for each
 * of up to 2^32 items. It is not asked about inputs that could be read so. */
static bool too_much_for_msgpack_c(struct bytes in)
{
    for (size_t i = 0; i + 4 < in.len; i++) {
        if ((in.at[i] == 0xdd || in.at[i] == 0xdf) && (in.at[i + 1] || in.at[i + 2]))
            return true;
    }
    return false;
}

static bool judged_canonical(struct bytes in)
{
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    size_t offset = 0;
    bool yes = false;
    if (msgpack_unpack_next(&unpacked, (const char *)in.at, in.len, &offset) ==
            MSGPACK_UNPACK_SUCCESS &&
        offset == in.len && canonical_object(&unpacked.data)) {
        msgpack_sbuffer again;
        msgpack_sbuffer_init(&again);
        msgpack_packer packer;
        msgpack_packer_init(&packer, &again, msgpack_sbuffer_write);
        (void)msgpack_pack_object(&packer, unpacked.data);
        yes = bytes_equal(in, bytes_of(again.data, again.size));
        msgpack_sbuffer_destroy(&again);
    }
    msgpack_unpacked_destroy(&unpacked);
    return yes;
}

/* --- samples
 * -------------------------------------------------------------------------------------- */

/* Something of everything, nested. */
static struct bytes rich_sample(uint8_t *space, size_t cap)
{
    struct writer out = writer_of(space, cap);
    writer_array(&out, 9);
    writer_nil(&out);
    writer_bool(&out, true);
    writer_int(&out, -33);
    writer_uint(&out, 70000);
    writer_text(&out, "Désa \xe2\x9c\x93");
    writer_bin(&out, bytes_of("\x00\xff", 2));
    writer_map(&out, 3);
    writer_text(&out, "a");
    writer_array(&out, 2);
    writer_uint(&out, 0);
    writer_map(&out, 0);
    writer_text(&out, "aa");
    writer_int(&out, INT64_MIN);
    writer_text(&out, "b");
    writer_uint(&out, INT64_MAX);
    writer_array(&out, 17);
    for (unsigned i = 0; i < 17; i++)
        writer_uint(&out, i);
    writer_text(&out, "a string of more than thirty-one bytes");
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

static enum err scan_hex(const char *hex)
{
    uint8_t raw[512];
    size_t len = strlen(hex) / 2;
    assert_true(crypto_unhex(bytes_text(hex), raw, len));
    return codec_scan(bytes_of(raw, len));
}

/* --- promises
 * ------------------------------------------------------------------------------------- */

static void integers_are_written_in_their_shortest_form_and_read_back(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        size_t bytes;
    } cases[] = {
        { 0, 1 },      { 127, 1 },    { 128, 2 },         { 255, 2 },         { 256, 3 },
        { 65535, 3 },  { 65536, 5 },  { 4294967295, 5 },  { 4294967296, 9 },  { INT64_MAX, 9 },
        { -1, 1 },     { -32, 1 },    { -33, 2 },         { -128, 2 },        { -129, 3 },
        { -32768, 3 }, { -32769, 5 }, { -2147483648, 5 }, { -2147483649, 9 }, { INT64_MIN, 9 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t space[16];
        struct writer out = writer_of(space, sizeof(space));
        writer_int(&out, cases[i].value);
        assert_int_equal(out.err, OK);
        assert_int_equal(out.buf.len, cases[i].bytes);
        assert_int_equal(codec_scan(writer_bytes(&out)), OK);
        assert_true(judged_canonical(writer_bytes(&out)));
        struct reader in = reader_of(writer_bytes(&out));
        assert_true(reader_int(&in) == cases[i].value);
        assert_int_equal(reader_end(&in), OK);
        if (cases[i].value >= 0) {
            in = reader_of(writer_bytes(&out));
            assert_true(reader_uint(&in) == (uint64_t)cases[i].value);
        }
    }
}

static void heads_of_strings_and_lists_are_the_shortest(void **state)
{
    (void)state;
    static const size_t lengths[] = { 0, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000 };
    size_t cap = 80000;
    uint8_t *space = malloc(cap);
    char *text = malloc(cap);
    assert_non_null(space);
    assert_non_null(text);
    memset(text, 'x', cap);
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        struct bytes payload = bytes_of(text, lengths[i]);
        struct writer out = writer_of(space, cap);
        writer_str(&out, payload);
        assert_int_equal(codec_scan(writer_bytes(&out)), OK);
        assert_true(judged_canonical(writer_bytes(&out)));
        struct reader in = reader_of(writer_bytes(&out));
        assert_true(bytes_equal(reader_str(&in), payload));

        out = writer_of(space, cap);
        writer_bin(&out, payload);
        assert_int_equal(codec_scan(writer_bytes(&out)), OK);
        assert_true(judged_canonical(writer_bytes(&out)));
        in = reader_of(writer_bytes(&out));
        assert_true(bytes_equal(reader_bin(&in), payload));

        out = writer_of(space, cap);
        writer_array(&out, lengths[i]);
        for (size_t k = 0; k < lengths[i]; k++)
            writer_nil(&out);
        assert_int_equal(codec_scan(writer_bytes(&out)), OK);
        assert_true(judged_canonical(writer_bytes(&out)));
        in = reader_of(writer_bytes(&out));
        assert_int_equal(reader_array(&in), lengths[i]);
    }
    free(space);
    free(text);
}

static void maps_of_every_head_size_are_read(void **state)
{
    (void)state;
    static const size_t counts[] = { 0, 1, 15, 16, 65535, 65536 };
    size_t cap = 700000;
    uint8_t *space = malloc(cap);
    assert_non_null(space);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        struct writer out = writer_of(space, cap);
        writer_map(&out, counts[i]);
        for (size_t k = 0; k < counts[i]; k++) {
            char key[24];
            (void)snprintf(key, sizeof(key), "%06zu", k);
            writer_text(&out, key);
            writer_bool(&out, false);
        }
        assert_int_equal(codec_scan(writer_bytes(&out)), OK);
        struct reader in = reader_of(writer_bytes(&out));
        assert_int_equal(reader_map(&in), counts[i]);
    }
    free(space);
}

static void what_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const char *hex;
        enum err err;
    } cases[] = {
        { "nothing", "", ERR_MALFORMED },
        { "two values", "c0c0", ERR_MALFORMED },
        { "0 in two bytes", "cc00", ERR_MALFORMED },
        { "127 in two bytes", "cc7f", ERR_MALFORMED },
        { "255 in three bytes", "cd00ff", ERR_MALFORMED },
        { "65535 in five bytes", "ce0000ffff", ERR_MALFORMED },
        { "2^32-1 in nine bytes", "cf00000000ffffffff", ERR_MALFORMED },
        { "2^63", "cf8000000000000000", ERR_MALFORMED },
        { "5 as int8", "d005", ERR_MALFORMED },
        { "-32 in two bytes", "d0e0", ERR_MALFORMED },
        { "-128 in three bytes", "d1ff80", ERR_MALFORMED },
        { "-32768 in five bytes", "d2ffff8000", ERR_MALFORMED },
        { "-2^31 in nine bytes", "d3ffffffff80000000", ERR_MALFORMED },
        { "200 as int16", "d100c8", ERR_MALFORMED },
        { "float", "ca3f800000", ERR_MALFORMED },
        { "double", "cb3ff0000000000000", ERR_MALFORMED },
        { "never used", "c1", ERR_MALFORMED },
        { "fixext 1", "d40100", ERR_MALFORMED },
        { "fixext 16", "d801000102030405060708090a0b0c0d0e0f00", ERR_MALFORMED },
        { "ext 8", "c7010000", ERR_MALFORMED },
        { "timestamp", "d6ff00000000", ERR_MALFORMED },
        { "short str in str 8", "d90161", ERR_MALFORMED },
        { "short str in str 16", "da000161", ERR_MALFORMED },
        { "short str in str 32", "db0000000161", ERR_MALFORMED },
        { "short bin in bin 16", "c5000161", ERR_MALFORMED },
        { "short bin in bin 32", "c60000000161", ERR_MALFORMED },
        { "short array in array 16", "dc0001c0", ERR_MALFORMED },
        { "short array in array 32", "dd00000001c0", ERR_MALFORMED },
        { "short map in map 16", "de0001a161c0", ERR_MALFORMED },
        { "short map in map 32", "df00000001a161c0", ERR_MALFORMED },
        { "keys out of order", "82a162c0a161c0", ERR_MALFORMED },
        { "longer key first", "82a26161c0a161c0", ERR_MALFORMED },
        { "a key twice", "82a161c0a161c0", ERR_MALFORMED },
        { "a number as key", "8101c0", ERR_MALFORMED },
        { "bin as key", "81c40161c0", ERR_MALFORMED },
        { "nil as key", "81c0c0", ERR_MALFORMED },
        { "array as key", "8190c0", ERR_MALFORMED },
        { "a key without a value", "81a161", ERR_MALFORMED },
        { "keys out of order inside", "9182a162c0a161c0", ERR_MALFORMED },
        { "overlong NUL", "a2c080", ERR_MALFORMED },
        { "overlong slash", "a3e080af", ERR_MALFORMED },
        { "surrogate", "a3eda080", ERR_MALFORMED },
        { "above U+10FFFF", "a4f4908080", ERR_MALFORMED },
        { "lone continuation", "a180", ERR_MALFORMED },
        { "cut sequence", "a2e282", ERR_MALFORMED },
        { "U+0000", "a100", ERR_MALFORMED },
        { "bad UTF-8 in a key", "81a1ffc0", ERR_MALFORMED },
        { "nine arrays", "919191919191919190", ERR_LIMIT },
        { "nine maps", "81a16181a16181a16181a16181a16181a16181a16181a16180", ERR_LIMIT },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum err err = scan_hex(cases[i].hex);
        if (err != cases[i].err)
            fail_msg("%s (%s): %s", cases[i].what, cases[i].hex, err_name(err));
    }
}

static void what_is_canonical_is_taken(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "c0",
        "c2",
        "c3",
        "00",
        "7f",
        "ff",
        "e0",
        "d0df",
        "cc80",
        "cf7fffffffffffffff",
        "d38000000000000000",
        "a0",
        "c400",
        "90",
        "80",
        "82a161c0a26161c0",
        "81a0c0",
        "a2c280",
        "a3e0a080",
        "a3ed9fbf",
        "a3ee8080",
        "a4f0908080",
        "a4f48fbfbf",
        "a17f",
        "9191919191919190",
        "9191919191919191a161",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (scan_hex(cases[i]) != OK)
            fail_msg("%s is refused", cases[i]);
    }
}

static void a_head_may_not_promise_more_than_is_there(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "ddffffffff", "dfffffffff", "dbffffffff", "c6ffffffff", "dcffff",   "deffff",
        "daffff",     "c5ffff",     "d9ff",       "c4ff",       "9f",       "8f",
        "bf",         "dd00010000", "df7fffffff", "df80000000", "82c0c0c0",
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (scan_hex(cases[i]) != ERR_MALFORMED)
            fail_msg("%s is not refused", cases[i]);
        /* A reader over bytes that nobody scanned does not follow it either. */
        uint8_t raw[8];
        size_t len = strlen(cases[i]) / 2;
        assert_true(crypto_unhex(bytes_text(cases[i]), raw, len));
        struct reader in = reader_of(bytes_of(raw, len));
        assert_int_equal(reader_peek(&in), KIND_END);
        assert_int_equal(reader_raw(&in).len, 0);
        assert_int_equal(in.err, ERR_MALFORMED);
    }
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    uint8_t space[256];
    struct bytes sample = rich_sample(space, sizeof(space));
    assert_int_equal(codec_scan(sample), OK);
    assert_true(judged_canonical(sample));
    for (size_t len = 0; len < sample.len; len++) {
        /* Exactly as large as the cut, so that the sanitizer sees a read past it. */
        uint8_t *cut = malloc(len ? len : 1);
        assert_non_null(cut);
        memcpy(cut, sample.at, len);
        assert_int_not_equal(codec_scan(bytes_of(cut, len)), OK);
        free(cut);
    }
}

static void every_flipped_bit_is_judged_as_msgpack_c_judges_it(void **state)
{
    (void)state;
    uint8_t space[256];
    struct bytes sample = rich_sample(space, sizeof(space));
    size_t taken = 0;
    for (size_t bit = 0; bit < 8 * sample.len; bit++) {
        uint8_t flipped[256];
        memcpy(flipped, sample.at, sample.len);
        flipped[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        struct bytes in = bytes_of(flipped, sample.len);
        enum err err = codec_scan(in);
        if (too_much_for_msgpack_c(in))
            continue;
        assert_int_equal(err == OK, judged_canonical(in));
        taken += err == OK;
    }
    assert_in_range(taken, 1, 8 * sample.len - 1);
}

/* Random walks over short inputs that are close to something valid. */
static void random_bytes_are_judged_as_msgpack_c_judges_them(void **state)
{
    (void)state;
    static const uint8_t starts[] = { 0x81, 0x82, 0x91, 0x92, 0x93, 0xa1, 0xa2, 0xc0, 0xc4, 0xcc,
                                      0xcd, 0xce, 0xd0, 0xd1, 0xd9, 0xda, 0xdc, 0xde, 0x00, 0x61,
                                      0x62, 0x01, 0x02, 0x7f, 0xff, 0x80, 0x90, 0xa0, 0xc1, 0xca };
    struct sample_random random = { 20261122 };
    size_t taken = 0;
    for (unsigned round = 0; round < 300000; round++) {
        uint8_t in[10];
        size_t len = 1 + sample_below(&random, sizeof(in));
        for (size_t i = 0; i < len; i++)
            in[i] = sample_below(&random, 4) ? starts[sample_below(&random, sizeof(starts))]
                                             : (uint8_t)sample_next(&random);
        struct bytes bytes = bytes_of(in, len);
        enum err err = codec_scan(bytes);
        if (!too_much_for_msgpack_c(bytes) && (err == OK) != judged_canonical(bytes)) {
            char hex[32];
            crypto_hex(bytes, hex);
            fail_msg("%s: scan says %s", hex, err_name(err));
        }
        taken += err == OK;
        /* Readers walk whatever it is without leaving it. */
        struct reader walk = reader_of(bytes);
        while (!walk.err && walk.at < walk.end)
            (void)reader_raw(&walk);
        if (err == OK)
            assert_int_equal(reader_end(&walk), OK);
    }
    assert_true(taken > 1000);
}

static void utf8_follows_the_unicode_table(void **state)
{
    (void)state;
    /* Each code point by its own encoder: valid but for U+0000 and the surrogates. */
    for (uint32_t point = 0; point < 0x110000; point++) {
        uint8_t text[4];
        size_t len;
        if (point < 0x80) {
            text[0] = (uint8_t)point;
            len = 1;
        } else if (point < 0x800) {
            text[0] = (uint8_t)(0xc0 | point >> 6);
            text[1] = (uint8_t)(0x80 | (point & 0x3f));
            len = 2;
        } else if (point < 0x10000) {
            text[0] = (uint8_t)(0xe0 | point >> 12);
            text[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
            text[2] = (uint8_t)(0x80 | (point & 0x3f));
            len = 3;
        } else {
            text[0] = (uint8_t)(0xf0 | point >> 18);
            text[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
            text[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
            text[3] = (uint8_t)(0x80 | (point & 0x3f));
            len = 4;
        }
        bool valid = point != 0 && (point < 0xd800 || point > 0xdfff);
        if (codec_utf8(bytes_of(text, len)) != valid)
            fail_msg("U+%04X", (unsigned)point);
        if (len > 1)
            assert_false(codec_utf8(bytes_of(text, len - 1)));
    }
    assert_true(codec_utf8(bytes_of(NULL, 0)));
}

static void a_reader_keeps_its_first_error_and_gives_nothing_after_it(void **state)
{
    (void)state;
    uint8_t space[256];
    struct bytes sample = rich_sample(space, sizeof(space));
    struct reader in = reader_of(sample);
    reader_array_of(&in, 8);
    assert_int_equal(in.err, ERR_MALFORMED);
    assert_int_equal(reader_peek(&in), KIND_END);
    assert_false(reader_bool(&in));
    assert_int_equal(reader_uint(&in), 0);
    assert_int_equal(reader_str(&in).len, 0);
    assert_int_equal(reader_bin(&in).len, 0);
    assert_int_equal(reader_array(&in), 0);
    assert_int_equal(reader_map(&in), 0);
    assert_int_equal(reader_raw(&in).len, 0);
    uint8_t fixed[4] = { 1, 2, 3, 4 };
    reader_fixed(&in, fixed, sizeof(fixed));
    assert_memory_equal(fixed, "\0\0\0\0", 4);
    assert_int_equal(reader_end(&in), ERR_MALFORMED);

    in = (struct reader){ .at = sample.at, .end = sample.at + sample.len, .err = ERR_VERSION };
    reader_refuse(&in);
    assert_int_equal(reader_end(&in), ERR_VERSION);
}

static void a_reader_takes_only_the_kind_and_range_it_is_asked_for(void **state)
{
    (void)state;
    static const uint8_t minus_one[] = { 0xff };
    static const uint8_t three[] = { 0x03 };
    static const uint8_t bin_two[] = { 0xc4, 0x02, 0x61, 0x62 };
    struct reader in = reader_of(bytes_of(minus_one, 1));
    (void)reader_uint(&in);
    assert_int_equal(in.err, ERR_MALFORMED);
    in = reader_of(bytes_of(three, 1));
    assert_int_equal(reader_uint_max(&in, 3), 3);
    assert_int_equal(reader_end(&in), OK);
    in = reader_of(bytes_of(three, 1));
    assert_int_equal(reader_uint_max(&in, 2), 0);
    assert_int_equal(in.err, ERR_MALFORMED);
    in = reader_of(bytes_of(bin_two, 4));
    assert_int_equal(reader_str(&in).len, 0);
    assert_int_equal(in.err, ERR_MALFORMED);
    uint8_t three_bytes[3];
    in = reader_of(bytes_of(bin_two, 4));
    reader_fixed(&in, three_bytes, 3);
    assert_int_equal(in.err, ERR_MALFORMED);
    in = reader_of(bytes_of(bin_two, 4));
    assert_int_equal(reader_end(&in), ERR_MALFORMED);
}

static void raw_values_are_the_bytes_as_they_stand(void **state)
{
    (void)state;
    uint8_t space[256], again[256];
    struct bytes sample = rich_sample(space, sizeof(space));
    struct reader in = reader_of(sample);
    struct writer out = writer_of(again, sizeof(again));
    size_t count = reader_array(&in);
    writer_array(&out, count);
    for (size_t i = 0; i < count; i++)
        writer_raw(&out, reader_raw(&in));
    assert_int_equal(reader_end(&in), OK);
    assert_true(bytes_equal(writer_bytes(&out), sample));
}

static void a_writer_stops_at_its_buffer_and_at_bad_text(void **state)
{
    (void)state;
    uint8_t space[256];
    struct bytes sample = rich_sample(space, sizeof(space));
    for (size_t cap = 0; cap < sample.len; cap++) {
        uint8_t *small = malloc(cap ? cap : 1);
        assert_non_null(small);
        struct writer out = writer_of(small, cap);
        struct reader in = reader_of(sample);
        writer_array(&out, reader_array(&in));
        while (in.at < in.end)
            writer_raw(&out, reader_raw(&in));
        assert_int_equal(out.err, ERR_LIMIT);
        assert_true(out.buf.len <= cap);
        free(small);
    }
    struct writer out = writer_of(space, sizeof(space));
    writer_str(&out, bytes_of("\xff", 1));
    writer_uint(&out, 1);
    assert_int_equal(out.err, ERR_MALFORMED);
    assert_int_equal(out.buf.len, 0);
}

static void keys_are_ordered_bytewise_and_a_prefix_comes_first(void **state)
{
    (void)state;
    assert_true(codec_compare(bytes_text("a"), bytes_text("b")) < 0);
    assert_true(codec_compare(bytes_text("a"), bytes_text("aa")) < 0);
    assert_true(codec_compare(bytes_text("Z"), bytes_text("a")) < 0);
    assert_true(codec_compare(bytes_text("\xc3\xa9"), bytes_text("z")) > 0);
    assert_true(codec_compare(bytes_text(""), bytes_text("")) == 0);
    assert_true(codec_compare(bytes_of(NULL, 0), bytes_text("a")) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_written_in_their_shortest_form_and_read_back),
        cmocka_unit_test(heads_of_strings_and_lists_are_the_shortest),
        cmocka_unit_test(maps_of_every_head_size_are_read),
        cmocka_unit_test(what_is_not_canonical_is_refused),
        cmocka_unit_test(what_is_canonical_is_taken),
        cmocka_unit_test(a_head_may_not_promise_more_than_is_there),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_flipped_bit_is_judged_as_msgpack_c_judges_it),
        cmocka_unit_test(random_bytes_are_judged_as_msgpack_c_judges_them),
        cmocka_unit_test(utf8_follows_the_unicode_table),
        cmocka_unit_test(a_reader_keeps_its_first_error_and_gives_nothing_after_it),
        cmocka_unit_test(a_reader_takes_only_the_kind_and_range_it_is_asked_for),
        cmocka_unit_test(raw_values_are_the_bytes_as_they_stand),
        cmocka_unit_test(a_writer_stops_at_its_buffer_and_at_bad_text),
        cmocka_unit_test(keys_are_ordered_bytewise_and_a_prefix_comes_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
