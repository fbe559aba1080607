/* Announcements at an office: what is told, what a look leaves behind, where it was passed on; the
 * forum; news of the rules. Through the real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/node_world.h"

#define ELSEWHERE "36.04.27"

/* Behind world_source. */
static const char more[] =
    "collection kabar { title = 'Kabar' area_field = kec date_field = mulai\n"
    "audience_field = untuk read_by = 'baca.kabar' must_read = wajib covered_by = 'acara.kabar'\n"
    "field kec { type = area required = true authority = {D} sensitivity = U }\n"
    "field judul { type = text length = 50 required = true lookup = true summary = true\n"
    "    authority = {D} sensitivity = U label = 'Judul' }\n"
    "field mulai { type = date authority = {D} sensitivity = U }\n"
    "field untuk { type = list element = area authority = {D} sensitivity = U }\n"
    "field wajib { type = bool authority = {D} sensitivity = U }\n}\n"
    "collection baca { title = 'Baca' area_field = kec date_field = hari\n"
    "field kec { type = area required = true authority = {T} sensitivity = U }\n"
    "field kabar { type = reference targets = {kabar} required = true authority = {T}\n"
    "    sensitivity = U }\n"
    "field hari { type = date required = true authority = {T} sensitivity = U }\n}\n"
    "collection acara { title = 'Acara' area_field = kec date_field = hari\n"
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"
    "field desa { type = area level = 4 child_of = kec authority = {T} sensitivity = U }\n"
    "field hari { type = date authority = {T} sensitivity = U }\n"
    "field kabar { type = reference targets = {kabar} authority = {T} sensitivity = U }\n}\n"
    "collection pesan { title = 'Pesan' area_field = kec audience = 'all' forum = true\n"
    "field kec { type = area required = true authority = {T, D} sensitivity = U }\n"
    "field isi { type = text length = 100 required = true summary = true authority = {T, D}\n"
    "    sensitivity = U label = 'Isi' }\n"
    "field balas { type = reference targets = {pesan} authority = {T, D} sensitivity = U }\n"
    "rule nomor { label = 'Tanpa nomor' field = isi check = 'not digits(isi, 16)' } }\n";

static int set_up(void **state)
{
    char source[16384];
    if (world_ready(state) != 0)
        return -1;
    struct admin_world *w = *state;
    (void)snprintf(source, sizeof source, "%s%s", world_source, more);
    const struct hash before = node_store_policy(w->o.store)->hash;
    assert_int_equal(
        office_feed_document(&w->o, FEED_RULES, office_rules(&w->o, source, 2, &before)), OK);
    return 0;
}

/* ---- what the hub sends */

static struct id id_of(uint8_t number)
{
    return (struct id){ .at = { 0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80, [15] = number } };
}

static const char *uuid(const struct id *id)
{
    static char text[UUID_TEXT_BYTES];
    uuid_to_text(id, text);
    return text;
}

/* By the district, for `audience` (NULL: every office). */
static struct id announce(struct admin_world *w, uint8_t number, const char *audience, bool must,
                          bool deleted)
{
    static uint8_t space[256];
    struct writer out = writer_of(space, sizeof space);
    const struct id id = id_of(number);
    writer_map(&out, audience != NULL ? 5 : 4);
    writer_text(&out, "judul");
    writer_text(&out, number == 1 ? "Kabar satu" : "Kabar lain");
    writer_text(&out, "kec");
    writer_text(&out, OFFICE_DISTRICT);
    writer_text(&out, "mulai");
    writer_text(&out, number == 1 ? "2026-06-01" : "2026-07-01");
    if (audience != NULL) {
        writer_text(&out, "untuk");
        writer_array(&out, 1);
        writer_text(&out, audience);
    }
    writer_text(&out, "wajib");
    writer_bool(&out, must);
    assert_int_equal(out.err, OK);
    const struct feed_item item = { .kind = FEED_RECORD,
                                    .collection = bytes_text("kabar"),
                                    .record = id,
                                    .deleted = deleted,
                                    .short_text = bytes_text("04-0001"),
                                    .fields = writer_bytes(&out),
                                    .origin = { bytes_text(OFFICE_DISTRICT), 2, OFFICE_WALL_MS } };
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
    return id;
}

/* A record of `collection` with area, day and reference `field` to `to` (NULL: none). */
static void refer(struct admin_world *w, uint8_t number, const char *collection, const char *area,
                  const char *village, const struct id *to)
{
    static uint8_t space[256];
    struct writer out = writer_of(space, sizeof space);
    const struct id id = id_of(number);
    writer_map(&out, village != NULL ? 4 : 3);
    if (village != NULL) {
        writer_text(&out, "desa");
        writer_text(&out, village);
    }
    writer_text(&out, "hari");
    writer_text(&out, "2026-06-02");
    writer_text(&out, "kabar");
    writer_bin(&out, bytes_id(to));
    writer_text(&out, "kec");
    writer_text(&out, area);
    assert_int_equal(out.err, OK);
    const struct feed_item item = { .kind = FEED_RECORD,
                                    .collection = bytes_text(collection),
                                    .record = id,
                                    .short_text = bytes_text("29-0900"),
                                    .fields = writer_bytes(&out),
                                    .origin = { bytes_text(area), 1, OFFICE_WALL_MS } };
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS, item), OK);
}

/* ---- what people see */

static uint64_t highest(struct admin_world *w)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        sum += office_lane(&w->o, (enum lane)i).highest;
    return sum;
}

static bool row_is(struct admin_world *w, size_t index, const char *key)
{
    return json_is_true(json_object_get(world_row(w, index), key));
}

static const char *row_text(struct admin_world *w, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(world_row(w, index), key));
    return text != NULL ? text : "";
}

static json_int_t unread(struct admin_world *w)
{
    assert_true(world_ask(w, "status", NULL));
    return world_number(w, "unread");
}

static unsigned told(struct admin_world *w, const char *kind)
{
    unsigned count = 0;
    assert_true(world_ask(w, "attention", NULL));
    for (size_t i = 0; i < world_rows(w); i++)
        count += strcmp(row_text(w, i, "kind"), kind) == 0;
    return count;
}

/* Shows it; what came of reading: "made", "there" or "". */
static const char *look(struct admin_world *w, const struct id *id)
{
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", uuid(id))));
    return world_text(w, "receipt");
}

static size_t listed(struct admin_world *w, bool only_unread)
{
    assert_true(world_ask(w, "announcements", json_pack("{s:b}", "unread", (int)only_unread)));
    return world_rows(w);
}

/* ---- announcements */

static void what_must_be_read_is_told_until_it_was(void **state)
{
    struct admin_world *w = *state;
    assert_int_equal(unread(w), 0);
    const struct id id = announce(w, 1, NULL, true, false);
    (void)announce(w, 2, NULL, false, false);
    assert_int_equal(listed(w, false), 2);
    assert_string_equal(row_text(w, 0, "since"), "2026-07-01"); /* newest first */
    assert_string_equal(row_text(w, 1, "title"), "Kabar satu");
    assert_true(row_is(w, 1, "must_read") && row_is(w, 1, "asked") && !row_is(w, 1, "read"));
    assert_int_equal(listed(w, true), 2);
    assert_int_equal(unread(w), 1);
    assert_int_equal(told(w, "unread"), 1);
    assert_string_equal(look(w, &id), "made");
    assert_int_equal(unread(w), 0);
    assert_int_equal(told(w, "unread"), 0);
    assert_int_equal(listed(w, true), 1);
    assert_int_equal(listed(w, false), 2);
    assert_true(row_is(w, 1, "read"));
}

static void a_look_makes_one_signed_receipt(void **state)
{
    struct admin_world *w = *state;
    struct bundle_item item;
    const struct id id = announce(w, 1, NULL, true, false);
    uint64_t before = highest(w);
    assert_string_equal(look(w, &id), "made");
    assert_int_equal(highest(w), before + 1);
    assert_string_equal(look(w, &id), "there");
    assert_int_equal(highest(w), before + 1);
    uint64_t seq = office_lane(&w->o, LANE_NORMAL).highest;
    struct txn *txn = office_sent(&w->o, LANE_NORMAL, seq, &item);
    assert_int_equal(txn->change_count, 1);
    assert_true(bytes_is(txn->changes[0].collection, "baca"));
    struct reader area = reader_of(fields_get(txn->changes[0].fields, bytes_text("kec")));
    struct reader of = reader_of(fields_get(txn->changes[0].fields, bytes_text("kabar")));
    struct id target;
    assert_true(bytes_is(reader_str(&area), OFFICE_NODE));
    reader_fixed(&of, target.at, ID_BYTES);
    assert_true(of.err == OK && id_equal(&target, &id));
    assert_true(fields_get(txn->changes[0].fields, bytes_text("hari")).len > 0);
    world_restart(w);
    assert_true(world_unlock(w));
    assert_string_equal(look(w, &id), "there");
    assert_int_equal(highest(w), before + 1);
}

/* What a former netbook of the office confirmed comes back in the feed. */
static void a_receipt_that_comes_back_is_not_made_again(void **state)
{
    struct admin_world *w = *state;
    const struct id id = announce(w, 1, NULL, true, false);
    refer(w, 9, "baca", OFFICE_NODE, NULL, &id);
    assert_int_equal(unread(w), 0);
    assert_int_equal(listed(w, false), 1);
    assert_true(row_is(w, 0, "read"));
    assert_string_equal(row_text(w, 0, "read_on"), "2026-06-02");
    uint64_t before = highest(w);
    assert_string_equal(look(w, &id), "there");
    assert_int_equal(highest(w), before);
}

static void receipts_of_other_offices_do_not_count(void **state)
{
    struct admin_world *w = *state;
    const struct id id = announce(w, 1, NULL, true, false);
    refer(w, 9, "baca", ELSEWHERE, NULL, &id);
    assert_int_equal(unread(w), 1);
    assert_string_equal(look(w, &id), "made");
}

static void what_is_for_others_or_gone_asks_for_nothing(void **state)
{
    struct admin_world *w = *state;
    const struct id other = announce(w, 1, ELSEWHERE, true, false);
    assert_int_equal(unread(w), 0);
    assert_string_equal(look(w, &other), "");
    (void)announce(w, 2, OFFICE_NODE, true, false);
    assert_int_equal(unread(w), 1);
    const struct id gone = announce(w, 2, OFFICE_NODE, true, true);
    assert_int_equal(unread(w), 0);
    assert_string_equal(look(w, &gone), "");
    assert_int_equal(listed(w, true), 0);
}

static void while_locked_nothing_is_counted(void **state)
{
    struct admin_world *w = *state;
    (void)announce(w, 1, NULL, true, false);
    assert_int_equal(unread(w), 1);
    assert_true(world_ask(w, "lock", NULL));
    assert_true(world_ask(w, "status", NULL));
    assert_true(json_is_null(json_object_get(world_done(w), "unread")));
    world_refused(w, "locked", "announcements", NULL);
    world_refused(w, "locked", "forum_list", NULL);
    world_refused(w, "locked", "coverage", json_pack("{s:s}", "id", "04-0001"));
}

/* ---- records of other areas */

static void they_are_read_and_not_written_here(void **state)
{
    struct admin_world *w = *state;
    const struct id id = announce(w, 1, NULL, false, false);
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "kabar")));
    assert_int_equal(world_rows(w), 1);
    assert_true(world_ask(
        w, "list",
        json_pack("{s:s, s:{s:s}}", "collection", "kabar", "find", "judul", "Kabar satu")));
    assert_int_equal(world_rows(w), 1);
    assert_true(world_ask(w, "show", json_pack("{s:s}", "id", "04-1")));
    uint64_t before = highest(w);
    world_refused(w, "area", "edit",
                  json_pack("{s:s, s:{s:s}}", "id", uuid(&id), "fields", "judul", "Lain"));
    assert_false(world_ask(w, "delete", json_pack("{s:s}", "id", uuid(&id))));
    /* A message of another office: the right letter, the wrong area. */
    const struct id message = id_of(20);
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS,
                                     office_record(&message, "pesan", "27-0001",
                                                   FIELDS("isi", "Halo", "kec", ELSEWHERE))),
                     OK);
    assert_false(world_ask(
        w, "edit", json_pack("{s:s, s:{s:s}}", "id", uuid(&message), "fields", "isi", "Lain")));
    assert_int_equal(highest(w), before);
}

/* ---- coverage */

static void an_office_sees_which_of_its_villages_it_reached(void **state)
{
    struct admin_world *w = *state;
    const struct id id = announce(w, 1, NULL, true, false), other = id_of(2);
    size_t villages = 0, reached = 0, offices = 0, read = 0;
    refer(w, 10, "acara", OFFICE_NODE, OFFICE_NODE ".2001", &id);
    refer(w, 11, "acara", OFFICE_NODE, OFFICE_NODE ".2001", &id);
    refer(w, 12, "acara", OFFICE_NODE, OFFICE_NODE ".2002", &other);
    assert_string_equal(look(w, &id), "made");
    assert_true(world_ask(w, "coverage", json_pack("{s:s}", "id", uuid(&id))));
    assert_string_equal(world_text(w, "title"), "Kabar satu");
    for (size_t i = 0; i < world_rows(w); i++) {
        if (strcmp(row_text(w, i, "kind"), "office") == 0) {
            offices++;
            read += row_is(w, i, "read");
            assert_string_equal(row_text(w, i, "area"), OFFICE_NODE);
            continue;
        }
        json_int_t covered = json_integer_value(json_object_get(world_row(w, i), "covered"));
        villages++;
        reached += covered > 0;
        assert_string_equal(row_text(w, i, "within"), OFFICE_NODE);
        if (covered > 0) {
            assert_int_equal(covered, 2);
            assert_string_equal(row_text(w, i, "area"), OFFICE_NODE ".2001");
            assert_string_equal(row_text(w, i, "on"), "2026-06-02");
        }
    }
    assert_int_equal(offices, 1);
    assert_int_equal(read, 1);
    assert_int_equal(reached, 1);
    assert_true(villages >= 1);
    world_refused(w, "state", "coverage", json_pack("{s:s}", "id", world_put(w, "Ani")));
}

/* ---- forum */

static void messages_stand_in_the_order_of_the_journal(void **state)
{
    struct admin_world *w = *state;
    const struct id second = id_of(21), first = id_of(22);
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS,
                                     office_record(&first, "pesan", "27-0001",
                                                   FIELDS("isi", "Pertama", "kec", ELSEWHERE))),
                     OK);
    assert_int_equal(office_feed_one(&w->o, FEED_RECORDS,
                                     office_record(&second, "pesan", "27-0002",
                                                   FIELDS("isi", "Kedua", "kec", ELSEWHERE))),
                     OK);
    assert_true(
        world_ask(w, "forum_post", json_pack("{s:s, s:s}", "text", "Ketiga", "to", uuid(&first))));
    assert_true(world_ask(w, "forum_list", NULL));
    assert_int_equal(world_rows(w), 3);
    assert_string_equal(row_text(w, 0, "text"), "Pertama");
    assert_string_equal(row_text(w, 0, "node"), OFFICE_DISTRICT); /* as its origin says */
    assert_string_equal(row_text(w, 1, "text"), "Kedua");
    assert_string_equal(row_text(w, 2, "text"), "Ketiga");
    assert_string_equal(row_text(w, 2, "node"), OFFICE_NODE);
    assert_string_equal(row_text(w, 2, "state"), "pending");
    assert_string_equal(row_text(w, 2, "answers_short"), "27-0001");
    assert_true(row_text(w, 2, "claimed")[0] != '\0');
    assert_true(world_ask(w, "forum_list", json_pack("{s:i}", "max", 1)));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "text"), "Ketiga");
}

static void a_message_with_a_citizens_number_is_refused(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w);
    world_refused(w, "rule", "forum_post", json_pack("{s:s}", "text", "NIK 3604 2901 0780 0001"));
    world_refused(w, "required", "forum_post", json_pack("{s:s}", "text", " "));
    assert_int_equal(highest(w), before);
    const char *request = "01900000-0000-7000-8000-0000000000aa";
    assert_true(
        world_ask(w, "forum_post", json_pack("{s:s, s:s}", "text", "Halo", "request", request)));
    assert_true(
        world_ask(w, "forum_post", json_pack("{s:s, s:s}", "text", "Halo", "request", request)));
    assert_int_equal(highest(w), before + 1); /* a repeat makes no second */
}

/* ---- rules */

static void new_rules_are_told_until_they_were_looked_at(void **state)
{
    struct admin_world *w = *state; /* version 2 came after the first unlock */
    assert_int_equal(told(w, "rules"), 1);
    assert_true(world_ask(w, "rules_get", NULL));
    assert_int_equal(world_number(w, "version"), 2);
    assert_int_equal(told(w, "rules"), 1);
    assert_true(world_ask(w, "policy_show", NULL));
    assert_int_equal(told(w, "rules"), 0);
    world_restart(w);
    assert_true(world_unlock(w));
    assert_int_equal(told(w, "rules"), 0);
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, world_close)
    const struct CMUnitTest tests[] = {
        WITH_WORLD(what_must_be_read_is_told_until_it_was),
        WITH_WORLD(a_look_makes_one_signed_receipt),
        WITH_WORLD(a_receipt_that_comes_back_is_not_made_again),
        WITH_WORLD(receipts_of_other_offices_do_not_count),
        WITH_WORLD(what_is_for_others_or_gone_asks_for_nothing),
        WITH_WORLD(while_locked_nothing_is_counted),
        WITH_WORLD(they_are_read_and_not_written_here),
        WITH_WORLD(an_office_sees_which_of_its_villages_it_reached),
        WITH_WORLD(messages_stand_in_the_order_of_the_journal),
        WITH_WORLD(a_message_with_a_citizens_number_is_refused),
        WITH_WORLD(new_rules_are_told_until_they_were_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
