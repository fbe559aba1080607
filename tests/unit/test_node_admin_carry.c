/* Bundles as files over the admin socket of an office: rows out, chunks in, hostile callers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/carry_piece.h"
#include "tests/support/node_world.h"

static json_t *chunk(const char *token, json_int_t total, json_int_t offset, struct bytes data)
{
    return json_pack("{s:s, s:I, s:I, s:o}", "token", token, "total", total, "offset", offset,
                     "data", admin_json_bytes(data));
}

static void export_gives_the_hello_and_every_bundle_as_rows(void **state)
{
    struct admin_world *w = *state;
    (void)world_put(w, "Maimunah");
    assert_true(world_ask(w, "bundle_export", NULL));
    assert_true(world_rows(w) >= 2);
    assert_true(world_number(w, "entries") >= 1);
    for (size_t i = 0; i < world_rows(w); i++) {
        json_t *row = world_row(w, i);
        json_int_t kind = json_integer_value(json_object_get(row, "kind"));
        assert_int_equal(i == 0, kind == CARRY_HELLO);
        assert_true(json_is_string(json_object_get(row, "data")));
    }
    world_refused(w, "usage", "bundle_export", json_pack("{s:i}", "piece_bytes", 100));
}

static void piece_in_chunks_is_judged_when_the_last_is_there(void **state)
{
    struct admin_world *w = *state;
    uint8_t space[64];
    struct writer out = writer_of(space, sizeof space);
    carry_proof_encode(RETURN_ACK, bytes_text("for a hub"), &out);
    struct bytes piece = writer_bytes(&out);
    json_int_t total = (json_int_t)piece.len;
    for (size_t at = 0; at + 5 < piece.len; at += 5)
        assert_true(world_ask(w, "bundle_take",
                              chunk("a", total, (json_int_t)at, bytes_of(piece.at + at, 5))));
    size_t done = (piece.len - 1) / 5 * 5;
    world_refused(w, "carry_place", "bundle_take",
                  chunk("a", total, (json_int_t)done, bytes_of(piece.at + done, piece.len - done)));
    /* It is gone then; and someone else's beginning ends what was under way. */
    world_refused(w, "state", "bundle_take", chunk("a", total, 5, bytes_of(piece.at, 5)));
    assert_true(world_ask(w, "bundle_take", chunk("b", total, 0, bytes_of(piece.at, 5))));
    assert_true(world_ask(w, "bundle_take", chunk("c", total, 0, bytes_of(piece.at, 5))));
    world_refused(w, "state", "bundle_take", chunk("b", total, 5, bytes_of(piece.at, 5)));
}

static void chunks_that_lie_about_themselves_are_refused(void **state)
{
    struct admin_world *w = *state;
    struct bytes five = bytes_text("12345");
    world_refused(w, "usage", "bundle_take", NULL);
    world_refused(w, "usage", "bundle_take", chunk("a", 0, 0, five));
    world_refused(w, "usage", "bundle_take", chunk("a", -1, 0, five));
    world_refused(w, "usage", "bundle_take", chunk("a", 10, -5, five));
    world_refused(w, "limit", "bundle_take", chunk("a", CARRY_PIECE_BYTES_MAX + 1, 0, five));
    world_refused(w, "limit", "bundle_take", chunk("a", 3, 0, bytes_text("1234567890")));
    world_refused(w, "usage", "bundle_take", chunk("a", 10, 0, bytes_text("")));
    world_refused(w, "malformed", "bundle_take",
                  json_pack("{s:s, s:i, s:i, s:s}", "token", "a", "total", 9, "offset", 0, "data",
                            "not*base64"));
    world_refused(w, "malformed", "bundle_take", chunk("a", 5, 0, five));
    json_t *args = chunk("a", 5, 0, five);
    json_object_set_new(args, "answer", json_integer(7));
    world_refused(w, "usage", "bundle_take", args);
    assert_true(world_ask(w, "status", NULL));
}

static void office_without_approval_has_nothing_to_carry(void **state)
{
    struct admin_world *w = *state;
    world_refused(w, "state", "bundle_export", NULL);
    world_refused(w, "state", "bundle_take", chunk("a", 5, 0, bytes_text("12345")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_ready, world_close)
        TEST(export_gives_the_hello_and_every_bundle_as_rows),
        TEST(piece_in_chunks_is_judged_when_the_last_is_there),
        TEST(chunks_that_lie_about_themselves_are_refused),
#undef TEST
        cmocka_unit_test_setup_teardown(office_without_approval_has_nothing_to_carry, world_fresh,
                                        world_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
