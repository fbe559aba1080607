/* Records with an audience: which offices get them beside that of their area, and how much. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

/* Version 2: what is told to every office, to some, and to none. */
/* clang-format off */
#define F(name, rest) "field " name " { " rest " sensitivity = U label = '" name "' }\n"
#define COMMON                                                                                     \
    "area_field = area\n" F("area", "type = area required = true authority = {T, D}")
#define TEXT(name, rest) F(name, "type = text length = 200 authority = {T, D} " rest)
static const char more[] =
    "collection notice {\ntitle = 'Notice'\n" COMMON
    "audience_field = targets\nmust_read = must\nread_by = 'receipt.notice'\n"
    F("targets", "type = list element = area authority = {T, D}")
    F("must", "type = bool authority = {T, D}")
    TEXT("title", "required = true") TEXT("body", "")
    "field secret { type = text authority = {T, D} sensitivity = R label = 's' }\n}\n"
    "collection message {\ntitle = 'Message'\n" COMMON "audience = 'all'\nforum = true\n"
    TEXT("words", "required = true")
    F("answers", "type = reference targets = {message} authority = {T, D}") "}\n"
    "collection receipt {\ntitle = 'Receipt'\n" COMMON
    F("notice", "type = reference targets = {notice} required = true authority = {T}") "}\n";
/* clang-format on */

static struct fixture f;

static int set_up(void **state)
{
    char source[16384];
    (void)state;
    fixture_open(&f, false);
    (void)snprintf(source, sizeof(source), "%s%s", fixture_source, more);
    fixture_rules(&f, source);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

/* A list of areas as a value; static: used once at a time. */
static struct value targets(unsigned count, const char *const *areas)
{
    static uint8_t space[256];
    struct writer out = writer_of(space, sizeof(space));
    writer_array(&out, count);
    for (unsigned i = 0; i < count; i++)
        writer_text(&out, areas[i]);
    return V_RAW("targets", writer_bytes(&out));
}
#define TARGETS(...)                                                                               \
    targets(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *),                   \
            (const char *const[]){ __VA_ARGS__ })

/* By the district for its own area. */
static struct sent notice_new(struct value audience, struct id *ret_id)
{
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    *ret_id = fixture_id(&f);
    draft_create(d, "notice", ret_id,
                 VALUES(V_TEXT("area", "36.04"), V_TEXT("title", "First"), V_TEXT("body", "old"),
                        V_TEXT("secret", "hush"), audience));
    return fixture_send(d);
}

static struct sent notice_set(const struct id *id, uint64_t rev, struct value value)
{
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "notice", id, base_rev(rev), &value, 1);
    return fixture_send(d);
}

static struct sent message_new(unsigned node, uint32_t op, const char *area, struct id *ret_id)
{
    struct draft *d = draft_new(&f, node, op);
    *ret_id = fixture_id(&f);
    draft_create(d, "message", ret_id,
                 VALUES(V_TEXT("area", area), V_TEXT("words", "Good morning")));
    return fixture_send(d);
}

static const struct feed_item *got(unsigned node, uint64_t from, const struct id *id)
{
    return items_find(fixture_feed(&f, node, FEED_RECORDS, from), FEED_RECORD, id);
}

static bool has(const struct feed_item *item, const char *field)
{
    return item && fields_get(item->fields, bytes_text(field)).len > 0;
}

static void everybody_gets_what_is_for_everybody(void **state)
{
    struct id id, person;
    (void)state;
    struct sent made = message_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    assert_answer(&f, &made, 0, ACCEPTED, "");
    const struct feed_item *item = got(NODE_B, 0, &id);
    assert_true(has(item, "words") && has(item, "area"));
    assert_true(bytes_is(item->origin.node, "36.04.29"));
    assert_non_null(got(NODE_D, 0, &id));
    assert_null(got(NODE_A, 0, &id)); /* its ACK has told it */
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    person = fixture_id(&f);
    draft_create(d, "person", &person, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani")));
    (void)fixture_send(d);
    assert_null(got(NODE_B, 0, &person));
    fixture_check_replay(&f);
}

static void an_empty_audience_is_everybody(void **state)
{
    struct id id;
    (void)state;
    (void)notice_new(V_NIL("targets"), &id);
    assert_non_null(got(NODE_A, 0, &id));
    assert_non_null(got(NODE_B, 0, &id));
}

static void only_offices_of_the_audience_get_it(void **state)
{
    struct id one, village, district, both;
    (void)state;
    (void)notice_new(TARGETS("36.04.29"), &one);
    (void)notice_new(TARGETS("36.04.30.2001"), &village);
    (void)notice_new(TARGETS("36.04"), &district);
    (void)notice_new(TARGETS("36.04.29", "36.04.30"), &both);
    assert_true(has(got(NODE_A, 0, &one), "title"));
    assert_null(got(NODE_B, 0, &one));
    /* Of a village: the office that it belongs to. */
    assert_null(got(NODE_A, 0, &village));
    assert_true(has(got(NODE_B, 0, &village), "title"));
    assert_non_null(got(NODE_A, 0, &district));
    assert_non_null(got(NODE_B, 0, &district));
    assert_non_null(got(NODE_A, 0, &both));
    assert_non_null(got(NODE_B, 0, &both));
    fixture_check_replay(&f);
}

static void a_later_edit_comes_alone(void **state)
{
    struct id id;
    (void)state;
    struct sent made = notice_new(TARGETS("36.04.29"), &id);
    struct sent edit = notice_set(&id, made.number, V_TEXT("body", "new"));
    const struct feed_item *item = got(NODE_A, made.number, &id);
    assert_true(has(item, "body"));
    assert_false(has(item, "title"));
    assert_int_equal(item->number, edit.number);
    /* From 0 each value comes once, with the entry that wrote it last. */
    const struct items *all = fixture_feed(&f, NODE_A, FEED_RECORDS, 0);
    assert_int_equal(items_count(all, FEED_RECORD), 2);
    assert_true(has(&all->list[0], "title") && !has(&all->list[0], "body"));
    assert_true(has(&all->list[1], "body") && !has(&all->list[1], "title"));
    assert_null(got(NODE_B, 0, &id));
}

static void who_comes_into_the_audience_later_gets_the_whole_record(void **state)
{
    struct id id;
    (void)state;
    struct sent made = notice_new(TARGETS("36.04.29"), &id);
    struct sent edit = notice_set(&id, made.number, V_TEXT("body", "new"));
    struct sent wider = notice_set(&id, edit.number, TARGETS("36.04.29", "36.04.30"));
    const struct feed_item *item = got(NODE_B, edit.number, &id);
    assert_true(has(item, "title") && has(item, "body") && has(item, "area"));
    assert_int_equal(item->number, wider.number);
    /* One that begins at 0 has it whole as well. */
    assert_true(has(got(NODE_B, 0, &id), "title"));
    struct sent after = notice_set(&id, wider.number, V_TEXT("body", "newer"));
    assert_true(has(got(NODE_B, wider.number, &id), "body"));
    assert_false(has(got(NODE_B, wider.number, &id), "title"));
    assert_int_equal(got(NODE_B, wider.number, &id)->number, after.number);
    fixture_check_replay(&f);
}

static void who_left_the_audience_hears_no_more_of_it(void **state)
{
    struct id id;
    (void)state;
    struct sent made = notice_new(TARGETS("36.04.29", "36.04.30"), &id);
    struct sent narrow = notice_set(&id, made.number, TARGETS("36.04.29"));
    (void)notice_set(&id, narrow.number, V_TEXT("body", "new"));
    assert_null(got(NODE_B, made.number, &id));
    assert_non_null(got(NODE_A, narrow.number, &id));
}

static void deleted_and_restored_records_are_told_to_the_audience(void **state)
{
    struct id id;
    (void)state;
    struct sent made = notice_new(TARGETS("36.04.29"), &id);
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_delete(d, "notice", &id, base_rev(made.number));
    struct sent gone = fixture_send(d);
    assert_answer(&f, &gone, 0, ACCEPTED, "");
    const struct feed_item *item = got(NODE_A, made.number, &id);
    assert_non_null(item);
    assert_true(item->deleted);
}

static void restricted_values_do_not_go_to_the_audience(void **state)
{
    struct id id;
    (void)state;
    struct sent made = notice_new(V_NIL("targets"), &id);
    assert_false(has(got(NODE_A, 0, &id), "secret"));
    (void)notice_set(&id, made.number, V_TEXT("secret", "other"));
    assert_null(got(NODE_A, made.number, &id));
    (void)notice_set(&id, hub_store_journal(f.store).number, TARGETS("36.04.30"));
    assert_true(has(got(NODE_B, made.number, &id), "title"));
    assert_false(has(got(NODE_B, made.number, &id), "secret"));
}

/* An author of the audience who is not of the area changes nothing. */
static void the_audience_reads_and_does_not_write(void **state)
{
    struct id id;
    (void)state;
    struct sent made = message_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    struct draft *d = draft_new(&f, NODE_B, OPERATOR_B);
    draft_update(d, "message", &id, base_rev(made.number), VALUES(V_TEXT("words", "mine")));
    struct sent change = fixture_send(d);
    struct answer answer = fixture_answer(&f, &change, 0);
    assert_int_equal(answer.disposition, DISPOSITION_REJECTED);
    assert_string_equal(fixture_text(&f, "message", &id, "words"), "Good morning");
}

/* What it refers to may be of another area. */
static void the_audience_answers_with_records_of_its_own(void **state)
{
    struct id id, answer_id = fixture_id(&f);
    (void)state;
    (void)message_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    struct draft *d = draft_new(&f, NODE_B, OPERATOR_B);
    draft_create(
        d, "message", &answer_id,
        VALUES(V_TEXT("area", "36.04.30"), V_TEXT("words", "And to you"), V_ID("answers", &id)));
    struct sent made = fixture_send(d);
    assert_answer(&f, &made, 0, ACCEPTED, "");
    assert_true(has(got(NODE_A, 0, &answer_id), "answers"));
}

static void conflicts_stay_with_the_area(void **state)
{
    struct id id, conflict;
    (void)state;
    struct sent made = message_new(NODE_A, OPERATOR_A, "36.04.29", &id);
    struct draft *mine = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(mine, "message", &id, base_rev(made.number), VALUES(V_TEXT("words", "mine")));
    (void)fixture_send(mine);
    struct draft *theirs = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(theirs, "message", &id, base_rev(made.number), VALUES(V_TEXT("words", "ours")));
    struct sent held = fixture_send(theirs);
    assert_int_equal(fixture_answer(&f, &held, 0).disposition, DISPOSITION_HELD);
    assert_true(fixture_conflict(&f, &id, "words", NODE_D, &conflict));
    assert_int_equal(items_count(fixture_feed(&f, NODE_A, FEED_RECORDS, 0), FEED_CONFLICT), 1);
    assert_int_equal(items_count(fixture_feed(&f, NODE_B, FEED_RECORDS, 0), FEED_CONFLICT), 0);
    fixture_check_replay(&f);
}

/* It had the record by its area, and has it by the audience now. */
static void a_record_that_moves_away_stays_with_its_audience(void **state)
{
    struct id id;
    (void)state;
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    id = fixture_id(&f);
    draft_create(d, "message", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("words", "Good morning")));
    struct sent made = fixture_send(d);
    d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "message", &id, base_rev(made.number),
                 VALUES(V_TEXT("area", "36.04.30"), V_TEXT("words", "Good evening")));
    struct sent moved = fixture_send(d);
    assert_answer(&f, &moved, 0, ACCEPTED, "");
    assert_true(has(got(NODE_A, made.number, &id), "words"));
    assert_true(has(got(NODE_B, made.number, &id), "words"));
}

static void batches_of_many_audiences_lead_on(void **state)
{
    struct id ids[40];
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        if (i % 2 == 0)
            (void)message_new(NODE_A, OPERATOR_A, "36.04.29", &ids[i]);
        else
            (void)notice_new(i % 4 == 1 ? TARGETS("36.04.30") : V_NIL("targets"), &ids[i]);
    }
    const struct items *items = fixture_feed(&f, NODE_B, FEED_RECORDS, 0);
    assert_int_equal(items_count(items, FEED_RECORD), COUNT_OF(ids));
    for (unsigned i = 1; i < items->count; i++)
        assert_true(items->list[i].number > items->list[i - 1].number);
    assert_int_equal(items->to, hub_store_journal(f.store).number);
    fixture_reopen(&f);
    assert_int_equal(items_count(fixture_feed(&f, NODE_B, FEED_RECORDS, 0), FEED_RECORD),
                     COUNT_OF(ids));
}

static void an_audience_stays_what_it_was(void **state)
{
    char source[16384];
    struct problem problem = { .code = OK };
    (void)state;
    (void)snprintf(source, sizeof(source), "%s%s", fixture_source, more);
    char *at = strstr(source, "audience = 'all'");
    assert_non_null(at);
    memcpy(at, "lane = 'urgent' ", strlen("lane = 'urgent' "));
    at = strstr(source, "forum = true");
    memcpy(at, "            ", strlen("forum = true"));
    assert_int_equal(fixture_try_rules(&f, source, &problem), ERR_POLICY_FOLLOW);
    assert_non_null(strstr(problem.detail, "audience"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(everybody_gets_what_is_for_everybody),
        TEST(an_empty_audience_is_everybody),
        TEST(only_offices_of_the_audience_get_it),
        TEST(a_later_edit_comes_alone),
        TEST(who_comes_into_the_audience_later_gets_the_whole_record),
        TEST(who_left_the_audience_hears_no_more_of_it),
        TEST(deleted_and_restored_records_are_told_to_the_audience),
        TEST(restricted_values_do_not_go_to_the_audience),
        TEST(the_audience_reads_and_does_not_write),
        TEST(the_audience_answers_with_records_of_its_own),
        TEST(conflicts_stay_with_the_area),
        TEST(a_record_that_moves_away_stays_with_its_audience),
        TEST(batches_of_many_audiences_lead_on),
        TEST(an_audience_stays_what_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
