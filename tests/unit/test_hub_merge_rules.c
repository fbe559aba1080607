/* What a merge looks up it finds by an index: states, rules that follow references, computed
 * fields, submissions that wait for an answer, audiences, conflicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "hub/hub_store_sqlite.h"
#include "tests/support/hub_fixture.h"

#define PLACE "36.04.29.2001"
#define MANY 100

/* Behind the fixture's own source. */
static const char more[] =
    "authority H { label = 'Worked out' computed = true }\n"
    "code_list state { version '2020-01-01' {\n"
    "code open { label = 'Open' }\ncode sent { label = 'Sent' }\ncode taken { label = 'Taken' }\n"
    "} }\n"
    "collection plea {\ntitle = 'Plea'\narea_field = area\naudience_field = also\n"
    "field area { type = area required = true authority = {T, D} sensitivity = P }\n"
    "field also { type = list element = area authority = {T} sensitivity = P }\n"
    "field who { type = reference targets = {house, person} authority = {T} sensitivity = P }\n"
    "field note { type = text length = 100 authority = {T, D} sensitivity = P }\n"
    "field size { type = integer authority = {H} sensitivity = P compute = 'length(note)' }\n"
    "field state { type = enum codes = state required = true default = open\n"
    "    authority = {T, H} sensitivity = P }\n"
    "field replies { type = list element = map append_only = true authority = {D}\n"
    "    sensitivity = P }\n"
    "answer { field = replies state = state days = 14 open = {taken} }\n"
    "workflow state {\nedge open { to = open authority = {T} }\n"
    "edge send { from = {open} to = sent authority = {T} requires = {who} }\n"
    "edge take { from = {sent} to = taken authority = {H} rules = {named} }\n"
    "frozen taken { open = {replies, note} }\n}\n"
    "rule named { label = 'Nobody' check = 'has(who.name) and who.house.street != \"\"'\n"
    "    on = edge }\n"
    "rule said { label = 'Nothing said' check = 'has(note)' }\n"
    "}\n";

static struct fixture f;
static struct id people[MANY], pleas[MANY];

static struct sqlite3 *database(void)
{
    return ((struct sqlite_backend *)f.store->backend)->db.handle;
}

static void forget_scans(void)
{
    for (sqlite3_stmt *s = sqlite3_next_stmt(database(), NULL); s;
         s = sqlite3_next_stmt(database(), s)) {
        (void)sqlite3_stmt_status(s, SQLITE_STMTSTATUS_FULLSCAN_STEP, true);
        (void)sqlite3_stmt_status(s, SQLITE_STMTSTATUS_SORT, true);
    }
}

static void nothing_was_scanned(void)
{
    for (sqlite3_stmt *s = sqlite3_next_stmt(database(), NULL); s;
         s = sqlite3_next_stmt(database(), s)) {
        int steps = sqlite3_stmt_status(s, SQLITE_STMTSTATUS_FULLSCAN_STEP, false);
        int sorts = sqlite3_stmt_status(s, SQLITE_STMTSTATUS_SORT, false);
        if (steps > 0 || sorts > 0)
            fail_msg("%d rows scanned, sorted %d times: %s", steps, sorts, sqlite3_sql(s));
    }
}

static struct draft *draft_of(unsigned node)
{
    return draft_new(&f, node, node == NODE_A ? OPERATOR_A : OPERATOR_D);
}

static void make_many(void)
{
    struct draft *d = draft_of(NODE_A);
    for (unsigned i = 0; i < MANY; i++) {
        people[i] = fixture_id(&f);
        draft_create(d, "person", &people[i],
                     VALUES(V_TEXT("area", PLACE), V_TEXT("name", "somebody")));
    }
    (void)fixture_send(d);
    d = draft_of(NODE_A);
    for (unsigned i = 0; i < MANY; i++) {
        pleas[i] = fixture_id(&f);
        draft_create(d, "plea", &pleas[i],
                     VALUES(V_TEXT("area", PLACE), V_TEXT("note", "help"), V_ID("who", &people[i]),
                            V_TEXT("state", "open")));
    }
    (void)fixture_send(d);
}

static int open_hub(void **state)
{
    (void)state;
    char *source = NULL;
    fixture_open(&f, false);
    assert_true(asprintf(&source, "%s%s", fixture_source, more) > 0);
    fixture_rules(&f, source);
    free(source);
    make_many();
    return 0;
}

static int close_hub(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

static struct sent change_note(unsigned node, uint64_t seen, const char *note)
{
    struct draft *d = draft_of(node);
    draft_update(d, "plea", &pleas[1], base_rev(seen), VALUES(V_TEXT("note", note)));
    return fixture_send(d);
}

/* A person in a transaction that waits for a position of another lane; `policy_entry` ends that. */
static void make_waiting(struct id *ret_person)
{
    struct draft *d = draft_of(NODE_A);
    *ret_person = fixture_id(&f);
    d->after_count = 1;
    d->after[0] = (struct after){ .lane = LANE_BULK, .seq = 1 };
    draft_create(d, "person", ret_person,
                 VALUES(V_TEXT("area", PLACE), V_TEXT("name", "late in coming")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, PARKED, "after");
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_rule_waits_for_the_record_that_a_change_refers_to(void **state)
{
    (void)state;
    struct id late;
    make_waiting(&late);
    struct draft *d = draft_of(NODE_A);
    draft_update(d, "plea", &pleas[0], base_rev(fixture_rev(&f, "plea", &pleas[0])),
                 VALUES(V_ID("who", &late), V_TEXT("state", "sent")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, PARKED, "after");
    fixture_policy_entry(&f, NODE_A, LANE_BULK);
    assert_string_equal(fixture_text(&f, "plea", &pleas[0], "state"), "taken");
}

static void a_rule_sees_what_is_made_beside_an_update(void **state)
{
    (void)state;
    struct id beside = fixture_id(&f);
    struct draft *d = draft_of(NODE_A);
    draft_update(d, "plea", &pleas[0], base_rev(fixture_rev(&f, "plea", &pleas[0])),
                 VALUES(V_ID("who", &beside), V_TEXT("state", "sent")));
    draft_create(d, "person", &beside, VALUES(V_TEXT("area", PLACE), V_TEXT("name", "beside")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "plea", &pleas[0], "state"), "taken");
}

static void one_of_two_updates_falls_by_a_rule_and_the_other_stands(void **state)
{
    (void)state;
    struct draft *d = draft_of(NODE_A);
    for (unsigned i = 0; i < 2; i++)
        draft_update(
            d, "plea", &pleas[i], base_rev(fixture_rev(&f, "plea", &pleas[i])),
            VALUES(i == 0 ? V_NIL("note") : V_TEXT("note", "said"), V_TEXT("state", "sent")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "rule");
    assert_answer(&f, &sent, 1, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "plea", &pleas[0], "state"), "open");
    assert_string_equal(fixture_text(&f, "plea", &pleas[1], "state"), "taken");

    d = draft_of(NODE_A);
    draft_update(d, "plea", &pleas[1], base_rev(fixture_rev(&f, "plea", &pleas[1])),
                 VALUES(V_ID("who", &people[3])));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "frozen");
}

static void moves_rules_and_answers_scan_no_table(void **state)
{
    (void)state;
    static const uint8_t replies[] = { 0x91, 0x81, 0xa1, 'k', 0xa2, 'o', 'k' };
    static const uint8_t areas[] = "\x91\xa8"
                                   "36.04.30";
    struct id another = fixture_id(&f);
    uint64_t rev = fixture_rev(&f, "plea", &pleas[0]);
    forget_scans();

    struct draft *d = draft_of(NODE_A);
    draft_create(d, "plea", &another,
                 VALUES(V_TEXT("area", PLACE), V_TEXT("note", "all"), V_ID("who", &people[2]),
                        V_RAW("also", bytes_of(areas, sizeof(areas) - 1)),
                        V_TEXT("state", "open")));
    draft_update(d, "plea", &pleas[0], base_rev(rev), VALUES(V_TEXT("state", "sent")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_answer(&f, &sent, 1, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "plea", &pleas[0], "state"), "taken");
    assert_string_equal(fixture_text(&f, "plea", &another, "size"), "3");

    d = draft_of(NODE_D);
    draft_update(d, "plea", &pleas[0], base_rev(fixture_rev(&f, "plea", &pleas[0])),
                 VALUES(V_RAW("replies", bytes_of(replies, sizeof(replies)))));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    nothing_was_scanned();
}

static void conflicts_and_deletes_scan_no_table(void **state)
{
    (void)state;
    struct id conflict;
    uint64_t seen = fixture_rev(&f, "plea", &pleas[1]);
    forget_scans();
    struct sent sent = change_note(NODE_D, seen, "of the district");
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    sent = change_note(NODE_A, seen, "of the office");
    assert_answer(&f, &sent, 0, HELD, "");
    assert_true(fixture_conflict(&f, &pleas[1], "note", NODE_A, &conflict));

    struct draft *d = draft_of(NODE_A);
    draft_resolve(d, "plea", &pleas[1], base_rev(fixture_rev(&f, "plea", &pleas[1])), &conflict,
                  VALUES(V_TEXT("note", "of both")));
    draft_delete(d, "plea", &pleas[2], base_rev(fixture_rev(&f, "plea", &pleas[2])));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_answer(&f, &sent, 1, ACCEPTED, "");
    nothing_was_scanned();
}

#define WITH_HUB(test) cmocka_unit_test_setup_teardown(test, open_hub, close_hub)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HUB(a_rule_waits_for_the_record_that_a_change_refers_to),
        WITH_HUB(a_rule_sees_what_is_made_beside_an_update),
        WITH_HUB(one_of_two_updates_falls_by_a_rule_and_the_other_stands),
        WITH_HUB(moves_rules_and_answers_scan_no_table),
        WITH_HUB(conflicts_and_deletes_scan_no_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
