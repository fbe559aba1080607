/* The form of carry files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/carry_piece.h"

static struct carry_header *sample(unsigned parts)
{
    struct carry_header *header = test_calloc(1, sizeof *header);
    header->district = bytes_text("36.04");
    header->node = bytes_text("36.04.29");
    header->way = CARRY_TO_HUB;
    memset(header->export_id.at, 7, ID_BYTES);
    header->made_ms = 1795300000000;
    header->part = parts;
    header->part_count = parts;
    for (unsigned i = 0; i < parts; i++)
        header->begins[i] =
            (struct carry_place){ CARRY_BUNDLE, i % 3, UINT64_C(0x7ffffffffffff000) + i };
    return header;
}

static void header_comes_back_whole_even_with_all_parts_there_may_be(void **state)
{
    (void)state;
    static uint8_t space[CARRY_HEADER_BYTES_MAX];
    struct carry_header *header = sample(CARRY_PARTS_MAX), *found = test_calloc(1, sizeof *found);
    struct writer out = writer_of(space, sizeof space);
    carry_header_encode(header, &out);
    assert_int_equal(out.err, OK);
    assert_int_equal(carry_header_decode(writer_bytes(&out), found), OK);
    assert_true(bytes_equal(found->node, header->node));
    assert_true(id_equal(&found->export_id, &header->export_id));
    assert_int_equal(found->part, CARRY_PARTS_MAX);
    assert_memory_equal(found->begins, header->begins, sizeof header->begins);
    test_free(header);
    test_free(found);
}

static void header_that_is_odd_is_refused(void **state)
{
    (void)state;
    static uint8_t space[CARRY_HEADER_BYTES_MAX];
    struct carry_header *header = sample(2), *found = test_calloc(1, sizeof *found);
    struct writer out = writer_of(space, sizeof space);
    header->part = 1;
    carry_header_encode(header, &out);
    size_t len = out.buf.len;
    for (size_t cut = 0; cut < len; cut++)
        assert_int_not_equal(carry_header_decode(bytes_of(space, cut), found), OK);
    space[1] = SUITE + 1;
    assert_int_equal(carry_header_decode(bytes_of(space, len), found), ERR_VERSION);
    space[1] = SUITE;
    static const struct {
        const char *node;
        unsigned way, part;
    } odd[] = { { "", 1, 1 }, { "a\nb", 1, 1 }, { "36.04.29.2001.123456789", 1, 1 } };
    for (size_t i = 0; i < COUNT_OF(odd); i++) {
        out = writer_of(space, sizeof space);
        header->node = bytes_text(odd[i].node);
        carry_header_encode(header, &out);
        assert_int_equal(carry_header_decode(writer_bytes(&out), found),
                         i < 2 ? ERR_MALFORMED : OK);
    }
    test_free(header);
    test_free(found);
}

static void part_that_holds_a_place_is_named(void **state)
{
    (void)state;
    struct carry_header *header = sample(4);
    header->begins[0] = (struct carry_place){ CARRY_PROOF, 0, 0 };
    header->begins[1] = (struct carry_place){ CARRY_BUNDLE, LANE_NORMAL, 100 };
    header->begins[2] = (struct carry_place){ CARRY_BUNDLE, LANE_NORMAL, 200 };
    header->begins[3] = (struct carry_place){ CARRY_BUNDLE, LANE_BULK, 50 };
    static const struct {
        struct carry_place place;
        unsigned part;
    } list[] = {
        { { CARRY_BUNDLE, LANE_URGENT, 1 }, 1 },   { { CARRY_BUNDLE, LANE_NORMAL, 99 }, 1 },
        { { CARRY_BUNDLE, LANE_NORMAL, 100 }, 2 }, { { CARRY_BUNDLE, LANE_NORMAL, 199 }, 2 },
        { { CARRY_BUNDLE, LANE_NORMAL, 999 }, 3 }, { { CARRY_BUNDLE, LANE_BULK, 10 }, 3 },
        { { CARRY_BUNDLE, LANE_BULK, 50 }, 4 },
    };
    for (size_t i = 0; i < COUNT_OF(list); i++)
        assert_int_equal(carry_part_of(header, &list[i].place), list[i].part);
    /* The control feed comes before the ACKs, which come before the records. */
    header->begins[0] = (struct carry_place){ CARRY_FEED, FEED_CONTROL, 0 };
    header->begins[1] = (struct carry_place){ CARRY_ACK, LANE_NORMAL, 1 };
    header->begins[2] = (struct carry_place){ CARRY_FEED, FEED_RECORDS, 10 };
    header->begins[3] = (struct carry_place){ CARRY_FEED, FEED_RECORDS, 40 };
    const struct carry_place control = { CARRY_FEED, FEED_CONTROL, 30 };
    const struct carry_place records = { CARRY_FEED, FEED_RECORDS, 39 };
    assert_int_equal(carry_part_of(header, &control), 1);
    assert_int_equal(carry_part_of(header, &records), 3);
    test_free(header);
}

static void sizes_have_one_form_each(void **state)
{
    (void)state;
    static const size_t sizes[] = { 1, 255, 256, 65535, 65536, CARRY_PIECE_BYTES_MAX };
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        uint8_t head[CARRY_FRAME_HEAD_BYTES_MAX];
        size_t len = carry_frame_head(sizes[i], head), found = 0;
        assert_int_equal(carry_frame_length(head[0]), len - 1);
        assert_int_equal(carry_frame_size(head[0], head + 1, &found), OK);
        assert_int_equal(found, sizes[i]);
    }
    size_t found;
    assert_int_equal(carry_frame_size(0xc5, (const uint8_t[]){ 0, 9 }, &found), ERR_MALFORMED);
    assert_int_equal(carry_frame_size(0xc6, (const uint8_t[]){ 0, 0, 9, 9 }, &found),
                     ERR_MALFORMED);
    assert_int_equal(carry_frame_size(0xc4, (const uint8_t[]){ 0 }, &found), ERR_MALFORMED);
    assert_int_equal(carry_frame_length(0xdb), 0);
}

static void end_is_an_end_and_nothing_else_is(void **state)
{
    (void)state;
    uint8_t space[CARRY_END_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    const struct carry_end end = { .pieces = UINT64_C(0x7fffffffffffffff), .hash = { { 3 } } };
    struct carry_end found;
    carry_end_encode(&end, &out);
    assert_int_equal(out.err, OK);
    assert_true(carry_end_decode(writer_bytes(&out), &found));
    assert_memory_equal(&found, &end, sizeof end);
    space[1] = 1;
    assert_false(carry_end_decode(writer_bytes(&out), &found));
    assert_false(carry_end_decode(bytes_of(space, 5), &found));
}

static void pieces_of_another_form_are_refused(void **state)
{
    (void)state;
    static uint8_t space[4096];
    struct carry_piece piece;
    struct writer out = writer_of(space, sizeof space);
    carry_proof_encode(RETURN_ACK, bytes_text("what an ACK's signature covers"), &out);
    assert_int_equal(carry_piece_decode(writer_bytes(&out), &piece), OK);
    assert_int_equal(piece.where.kind, CARRY_PROOF);
    assert_int_equal(piece.proof, RETURN_ACK);

    out = writer_of(space, sizeof space);
    carry_proof_encode(RETURN_TRUST, bytes_text("no proof"), &out);
    assert_int_equal(carry_piece_decode(writer_bytes(&out), &piece), ERR_MALFORMED);

    out = writer_of(space, sizeof space);
    carry_feed_encode(bytes_text("no batch"), &out);
    assert_int_equal(carry_piece_decode(writer_bytes(&out), &piece), ERR_MALFORMED);
    out = writer_of(space, sizeof space);
    carry_bundle_encode(&(struct hash){ { 1 } }, bytes_text("no bundle"), &out);
    assert_int_equal(carry_piece_decode(writer_bytes(&out), &piece), ERR_MALFORMED);
    out = writer_of(space, sizeof space);
    carry_answer_encode(bytes_text("no HELLO"), bytes_text("no WELCOME"), &out);
    assert_int_equal(carry_piece_decode(writer_bytes(&out), &piece), ERR_MALFORMED);

    out = writer_of(space, sizeof space);
    writer_array(&out, 2);
    writer_uint(&out, 99);
    writer_nil(&out);
    assert_int_equal(carry_piece_decode(writer_bytes(&out), &piece), ERR_VERSION);
    assert_int_equal(carry_piece_decode(bytes_of(NULL, 0), &piece), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_comes_back_whole_even_with_all_parts_there_may_be),
        cmocka_unit_test(header_that_is_odd_is_refused),
        cmocka_unit_test(part_that_holds_a_place_is_named),
        cmocka_unit_test(sizes_have_one_form_each),
        cmocka_unit_test(end_is_an_end_and_nothing_else_is),
        cmocka_unit_test(pieces_of_another_form_are_refused),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
