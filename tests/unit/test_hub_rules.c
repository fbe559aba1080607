/* What the policy says of a record, at the hub: in the entry that merges it, by what stands then.
 * Every history here is played again from its journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/endorse.h"
#include "tests/support/hub_fixture.h"

#define JULY_MS UINT64_C(1785000000000) /* 2026-07-25: after the term of OPERATOR_LATE */

/* clang-format off */
static const char more[] =
    "authority H { label = 'Hub' computed = true }\n"
    "table seats { version '2020-01-01' { basis = 'Rule' row few { value = 2 } } }\n"
    "code_list held { version '2020-01-01' { code planned { } code valid { } code disputed "
    "{ } } }\n"
    "code_list stage { version '2020-01-01' { code draft { } code asked { } code signed { } "
    "code taken { } code fast { } code void { } } }\n"
    "collection meeting { title = 'Meeting' area_field = area\n"
    "field area { type = area required = true authority = {T, D} sensitivity = U }\n"
    "field present { type = integer authority = {T} sensitivity = U }\n"
    "field quorum { type = bool authority = {H} compute = 'present >= table(\"seats\", "
    "\"few\")' sensitivity = U }\n"
    "field held { type = enum codes = held default = planned authority = {T, D} sensitivity = U }\n"
    "workflow held { edge plan { to = planned authority = {T} }\n"
    "    edge hold { from = {planned} to = valid authority = {T} rules = {enough} }\n"
    "    edge dispute { from = {valid} to = disputed authority = {D} }\n"
    "    frozen valid { open = {held} } }\n"
    "rule enough { label = 'Too few' check = 'quorum = true' on = edge }\n"
    "}\n"
    "collection request { title = 'Request' area_field = area\n"
    "field area { type = area required = true authority = {T, D} sensitivity = U }\n"
    "field what { type = text required = true authority = {T} sensitivity = U }\n"
    "field note { type = text authority = {T, D} sensitivity = U }\n"
    "field meeting { type = reference targets = {meeting} authority = {T} sensitivity = U }\n"
    "field amount { type = integer authority = {T, D} sensitivity = U }\n"
    "field shown { type = text authority = {H} compute = 'stage' sensitivity = U }\n"
    "field twice { type = integer authority = {H} compute = 'amount * 2' sensitivity = U }\n"
    "field mark { type = signature covers = {what, meeting} signers = {writer} authority = "
    "{T} sensitivity = U }\n"
    "field log { type = list element = text append_only = true authority = {T, D} "
    "sensitivity = U }\n"
    "field stage { type = enum codes = stage default = draft authority = {T, D, H} "
    "sensitivity = U }\n"
    "workflow stage { edge start { to = draft authority = {T} }\n"
    "    edge ask { from = {draft} to = asked authority = {T} }\n"
    "    edge sign { from = {asked} to = signed authority = {T} requires = {mark} }\n"
    "    edge take { from = {signed} to = taken authority = {H} rules = {unsigned, ended, "
    "elsewhere, met} }\n"
    "    edge speed { from = {draft} to = fast authority = {D} }\n"
    "    edge drop { from = {draft, asked} to = void authority = {T, D} }\n"
    "    frozen taken { open = {stage, log} }\n"
    "    frozen void { } }\n"
    "rule unsigned { label = 'Not signed' check = 'signature(mark) != \"none\"' on = edge }\n"
    "rule ended { label = 'Signer ended' check = 'signature(mark) != \"ended\"' on = edge }\n"
    "rule elsewhere { label = 'Signer of elsewhere' check = 'signature(mark) != \"area\"' "
    "on = edge }\n"
    "rule met { label = 'Meeting not valid' when = 'has(meeting)' check = 'meeting.held = "
    "\"valid\"' on = edge }\n"
    "rule planned { label = 'No such meeting' when = 'has(meeting)' check = "
    "'has(meeting.present)' }\n"
    "}\n";
/* clang-format on */

static struct fixture f;

static int set_up(void **state)
{
    static char source[32 * 1024];
    (void)state;
    fixture_open(&f, false);
    int len = snprintf(source, sizeof source, "%s%s", fixture_source, more);
    assert_true(len > 0 && (size_t)len < sizeof source);
    fixture_rules(&f, source);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_check_replay(&f);
    fixture_close(&f);
    return 0;
}

/* --- small histories ------------------------------------------------------------------------- */

static struct sent meeting_with(uint32_t op, int64_t present, struct id *ret_id)
{
    struct draft *d = draft_new(&f, NODE_A, op);
    *ret_id = fixture_id(&f);
    draft_create(
        d, "meeting", ret_id,
        VALUES(V_TEXT("area", "36.04.29"), V_INT("present", present), V_TEXT("held", "planned")));
    return fixture_send(d);
}

static struct sent edit(unsigned node, uint32_t op, const char *collection, const struct id *id,
                        struct value value)
{
    struct draft *d = draft_new(&f, node, op);
    draft_update(d, collection, id, base_rev(hub_store_journal(f.store).number), &value, 1);
    return fixture_send(d);
}

static struct id valid_meeting(void)
{
    struct id id;
    struct sent sent = meeting_with(OPERATOR_A, 3, &id);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    sent = edit(NODE_A, OPERATOR_A, "meeting", &id, V_TEXT("held", "valid"));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    return id;
}

static struct sent request_new(struct id *ret_id)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    *ret_id = fixture_id(&f);
    draft_create(
        d, "request", ret_id,
        VALUES(V_TEXT("area", "36.04.29"), V_TEXT("what", "roof"), V_TEXT("stage", "draft")));
    return fixture_send(d);
}

static struct id asked_request(void)
{
    struct id id;
    (void)request_new(&id);
    struct sent sent = edit(NODE_A, OPERATOR_A, "request", &id, V_TEXT("stage", "asked"));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    return id;
}

static const char *stage_of(const struct id *id)
{
    return fixture_text(&f, "request", id, "stage");
}

/* --- signatures ------------------------------------------------------------------------------ */

struct covered {
    const char *what;
    const struct id *meeting; /* NULL: none */
};

static bool covered_value(void *context, const struct policy_field *field, bool old,
                          struct bytes *ret)
{
    static uint8_t space[2][64];
    const struct covered *covered = context;
    bool text = strcmp(field->name, "what") == 0;
    struct writer out = writer_of(space[text ? 0 : 1], sizeof space[0]);
    (void)old;
    *ret = bytes_of(NULL, 0);
    if (text)
        writer_text(&out, covered->what);
    else if (covered->meeting != NULL)
        writer_bin(&out, bytes_id(covered->meeting));
    else
        return true;
    *ret = writer_bytes(&out);
    return true;
}

/* `op` signs; the text lives until the next call. */
static const char *mark_by(uint32_t op, const struct id *record, struct covered covered)
{
    static char text[ENDORSEMENT_TEXT_BYTES];
    uint8_t space[1024];
    const struct policy_collection *c =
        policy_collection(hub_store_policy(f.store), bytes_text("request"));
    struct endorsement made = { .operator_number = op,
                                .trust_version = hub_store_trust(f.store)->version,
                                .signed_ms = FIXTURE_CLAIMED_MS };
    const struct expr_env env = { .collection = c, .field = covered_value, .context = &covered };
    struct writer out = writer_of(space, sizeof space);
    assert_int_equal(endorsement_statement(&made, FIXTURE_DISTRICT, c,
                                           policy_field(c, bytes_text("mark")), record, &env, &out),
                     OK);
    endorsement_sign(&made, writer_bytes(&out), f.operators[op]);
    endorsement_text(&made, text);
    return text;
}

static struct sent sign_as(const struct id *id, const char *mark)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "request", id, base_rev(hub_store_journal(f.store).number),
                 VALUES(V_TEXT("mark", mark), V_TEXT("stage", "signed")));
    return fixture_send(d);
}

#define assert_ruled(sent, rule)                                                                   \
    do {                                                                                           \
        struct answer found = fixture_answer(&f, (sent), 0);                                       \
        assert_answer(&f, (sent), 0, REJECTED, "rule");                                            \
        assert_string_equal(found.field, (rule));                                                  \
    } while (0)

static void the_hub_moves_on_in_the_same_entry(void **state)
{
    (void)state;
    struct id id = asked_request();
    struct sent sent = sign_as(&id, mark_by(OPERATOR_A, &id, (struct covered){ "roof", NULL }));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(stage_of(&id), "taken");
    assert_string_equal(fixture_text(&f, "request", &id, "shown"), "taken"); /* its step included */
    assert_int_equal(fixture_rev(&f, "request", &id), sent.number);
    assert_int_equal(hub_store_journal(f.store).number, sent.number);
    /* and the author's own office hears of it */
    const struct items *items = fixture_feed(&f, NODE_A, FEED_RECORDS, sent.number - 1);
    const struct feed_item *item = items_find(items, FEED_RECORD, &id);
    assert_non_null(item);
    assert_int_equal(item->number, sent.number);
    struct reader stage = reader_of(fields_get(item->fields, bytes_text("stage")));
    assert_true(bytes_is(reader_str(&stage), "taken"));
}

static void a_covered_value_that_changed_is_not_signed(void **state)
{
    (void)state;
    struct id id = asked_request(), meeting = valid_meeting();
    struct sent sent = sign_as(&id, mark_by(OPERATOR_A, &id, (struct covered){ "wall", NULL }));
    assert_ruled(&sent, "unsigned");
    sent = sign_as(&id, mark_by(OPERATOR_A, &id, (struct covered){ "roof", &meeting }));
    assert_ruled(&sent, "unsigned");
    sent = sign_as(&id, mark_by(OPERATOR_A, &meeting, (struct covered){ "roof", NULL }));
    assert_ruled(&sent, "unsigned");
    sent = sign_as(&id, mark_by(OPERATOR_D, &id, (struct covered){ "roof", NULL }));
    assert_ruled(&sent, "unsigned"); /* another role's */
    assert_string_equal(stage_of(&id), "asked");
    assert_string_equal(fixture_text(&f, "request", &id, "mark"), "");
}

static void a_signer_of_another_area_or_whose_term_ended_does_not_count(void **state)
{
    (void)state;
    struct id id = asked_request();
    struct sent sent = sign_as(&id, mark_by(OPERATOR_B, &id, (struct covered){ "roof", NULL }));
    assert_ruled(&sent, "elsewhere");
    uint8_t space[256];
    struct writer ops = writer_of(space, sizeof space);
    const struct ended ended = { .reason = END_SUCCESSION };
    const char *mark = mark_by(OPERATOR_A2, &id, (struct covered){ "roof", NULL });
    trust_op_operator_end(&ops, OPERATOR_A2, &ended);
    fixture_trust(&f, 1, writer_bytes(&ops));
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL); /* the office knows */
    sent = sign_as(&id, mark);
    assert_ruled(&sent, "ended");
    sent = sign_as(&id, mark_by(OPERATOR_A, &id, (struct covered){ "roof", NULL }));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
}

/* --- what is worked out ---------------------------------------------------------------------- */

static void computed_fields_stand_in_the_entry_that_merges(void **state)
{
    (void)state;
    struct id id;
    struct sent sent = request_new(&id);
    assert_string_equal(fixture_text(&f, "request", &id, "twice"), "");
    sent = edit(NODE_A, OPERATOR_A, "request", &id, V_INT("amount", 21));
    assert_string_equal(fixture_text(&f, "request", &id, "twice"), "42");
    const struct items *items = fixture_feed(&f, NODE_A, FEED_RECORDS, sent.number - 1);
    const struct feed_item *item = items_find(items, FEED_RECORD, &id);
    assert_non_null(item);
    assert_true(fields_get(item->fields, bytes_text("twice")).len > 0);
    sent = edit(NODE_D, OPERATOR_D, "request", &id, V_NIL("amount"));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "request", &id, "twice"), "");
    sent = edit(NODE_A, OPERATOR_A, "request", &id, V_INT("twice", 5)); /* nobody writes it */
    assert_answer(&f, &sent, 0, REJECTED, "computed");
}

static void a_step_goes_by_what_will_be_worked_out(void **state)
{
    (void)state;
    struct id id;
    (void)meeting_with(OPERATOR_A, 3, &id);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "meeting", &id, base_rev(hub_store_journal(f.store).number),
                 VALUES(V_INT("present", 1), V_TEXT("held", "valid")));
    struct sent sent = fixture_send(d);
    assert_ruled(&sent, "enough");
    (void)meeting_with(OPERATOR_A, 0, &id);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "meeting", &id, base_rev(hub_store_journal(f.store).number),
                 VALUES(V_INT("present", 2), V_TEXT("held", "valid")));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
}

/* The day of the event decides, not what its author had heard of. */
static void dated_numbers_are_those_of_the_newest_rules(void **state)
{
    (void)state;
    static const char two[] = "row few { value = 2 } }";
    static const char three[] =
        " version '2020-01-02' { basis = 'New rule' row few { value = 3 } }";
    static char source[32 * 1024];
    const uint64_t before = hub_store_policy_mark(f.store).rules_version;
    const char *at = strstr(more, two) + strlen(two);
    struct id id;
    (void)meeting_with(OPERATOR_A, 2, &id);
    (void)snprintf(source, sizeof source, "%s%.*s%s%s", fixture_source, (int)(at - more), more,
                   three, at);
    fixture_rules(&f, source);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    d->rules_version = before;
    draft_update(d, "meeting", &id, base_rev(hub_store_journal(f.store).number),
                 VALUES(V_TEXT("held", "valid")));
    struct sent sent = fixture_send(d);
    assert_ruled(&sent, "enough");
    sent = edit(NODE_A, OPERATOR_A, "meeting", &id, V_INT("present", 3));
    sent = edit(NODE_A, OPERATOR_A, "meeting", &id, V_TEXT("held", "valid"));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
}

/* --- what it refers to ----------------------------------------------------------------------- */

static void a_rule_sees_a_record_that_is_created_later_beside_it(void **state)
{
    (void)state;
    struct id meeting = fixture_id(&f), id = fixture_id(&f);
    for (int with = 0; with < 2; with++) {
        struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
        meeting = fixture_id(&f), id = fixture_id(&f);
        draft_create(d, "request", &id,
                     VALUES(V_TEXT("area", "36.04.29"), V_TEXT("what", "roof"),
                            V_ID("meeting", &meeting), V_TEXT("stage", "draft")));
        if (with == 1)
            draft_create(
                d, "meeting", &meeting,
                VALUES(V_TEXT("area", "36.04.29"), V_INT("present", 1), V_TEXT("held", "planned")));
        else
            draft_create(d, "meeting", &meeting,
                         VALUES(V_TEXT("area", "36.04.29"), V_TEXT("held", "planned")));
        struct sent sent = fixture_send(d);
        if (with == 1)
            assert_answer(&f, &sent, 0, ACCEPTED, "");
        else
            assert_ruled(&sent, "planned");
        assert_answer(&f, &sent, 1, ACCEPTED, ""); /* a group of its own */
    }
}

static void renew_late(void)
{
    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof space);
    trust_op_operator_until(&ops, OPERATOR_LATE, "SK 2", "2027-06-30");
    fixture_trust(&f, 1, writer_bytes(&ops));
}

static struct sent late_meeting(int64_t present, struct id *ret_id)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_LATE);
    d->claimed_ms = JULY_MS;
    *ret_id = fixture_id(&f);
    draft_create(
        d, "meeting", ret_id,
        VALUES(V_TEXT("area", "36.04.29"), V_INT("present", present), V_TEXT("held", "planned")));
    return fixture_send(d);
}

static void what_refers_to_quarantined_work_waits_and_is_then_judged(void **state)
{
    (void)state;
    struct id meeting, id = fixture_id(&f);
    struct sent late = late_meeting(3, &meeting);
    assert_answer(&f, &late, 0, QUARANTINED, "term_ended");
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "request", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("what", "roof"),
                        V_ID("meeting", &meeting), V_TEXT("stage", "draft"), V_INT("amount", 4)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, PARKED, "after");
    renew_late();
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "request", &id, "twice"), "8");
}

static void what_waited_is_judged_by_the_state_that_stands_then(void **state)
{
    (void)state;
    struct id id, meeting;
    (void)request_new(&id);
    (void)late_meeting(3, &meeting);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "request", &id, base_rev(hub_store_journal(f.store).number),
                 VALUES(V_ID("meeting", &meeting), V_TEXT("stage", "asked")));
    struct sent waits = fixture_send(d);
    assert_answer(&f, &waits, 0, PARKED, "after");
    struct sent drops = edit(NODE_D, OPERATOR_D, "request", &id, V_TEXT("stage", "void"));
    assert_answer(&f, &drops, 0, ACCEPTED, "");
    renew_late();
    assert_answer(&f, &waits, 0, REJECTED, "frozen");
    assert_string_equal(stage_of(&id), "void");
}

/* --- at once --------------------------------------------------------------------------------- */

static struct sent move_from(unsigned node, uint32_t op, const struct id *id, uint64_t rev,
                             const char *stage)
{
    struct draft *d = draft_new(&f, node, op);
    draft_update(d, "request", id, base_rev(rev), VALUES(V_TEXT("stage", stage)));
    return fixture_send(d);
}

static void of_two_steps_at_once_the_later_one_meets_the_new_state(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent begun = request_new(&id);
    struct sent one = move_from(NODE_A, OPERATOR_A, &id, begun.number, "asked");
    struct sent two = move_from(NODE_D, OPERATOR_D, &id, begun.number, "fast");
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, REJECTED, "workflow"); /* no way leads there from what stands */
    struct answer answer = fixture_answer(&f, &two, 0);
    assert_string_equal(answer.field, "stage");
    struct sent three = move_from(NODE_D, OPERATOR_D, &id, begun.number, "void");
    assert_answer(&f, &three, 0, HELD, ""); /* one does: a person decides */
    assert_string_equal(stage_of(&id), "asked");
    assert_true(fixture_conflict(&f, &id, "stage", NODE_D, &conflict));

    const char *const chosen[] = { "fast", "signed", "taken", "void" };
    for (size_t i = 0; i < COUNT_OF(chosen); i++) {
        struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
        draft_resolve(d, "request", &id, base_rev(hub_store_journal(f.store).number), &conflict,
                      VALUES(V_TEXT("stage", chosen[i])));
        struct sent answered = fixture_send(d);
        if (i < 3)
            assert_answer(&f, &answered, 0, REJECTED, i == 1 ? "required" : "workflow");
        else
            assert_answer(&f, &answered, 0, ACCEPTED, "");
    }
    assert_string_equal(stage_of(&id), "void");
}

static void what_froze_meanwhile_refuses_what_comes_late(void **state)
{
    (void)state;
    struct id id = asked_request();
    uint64_t seen = hub_store_journal(f.store).number;
    struct sent sent = sign_as(&id, mark_by(OPERATOR_A, &id, (struct covered){ "roof", NULL }));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "request", &id, base_rev(seen), VALUES(V_TEXT("note", "x")));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "frozen");
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_delete(d, "request", &id, base_rev(hub_store_journal(f.store).number));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "frozen");
}

static void a_frozen_record_is_not_deleted_by_the_answer_to_a_conflict(void **state)
{
    (void)state;
    struct id id = asked_request(), conflict;
    uint64_t seen = hub_store_journal(f.store).number;
    (void)edit(NODE_A, OPERATOR_A, "request", &id, V_TEXT("note", "x"));
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_delete(d, "request", &id, base_rev(seen));
    struct sent deletes = fixture_send(d);
    assert_answer(&f, &deletes, 0, HELD, "");
    assert_true(fixture_conflict(&f, &id, "", NODE_D, &conflict));
    struct sent sent = sign_as(&id, mark_by(OPERATOR_A, &id, (struct covered){ "roof", NULL }));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    for (int deleted = 1; deleted >= 0; deleted--) {
        d = draft_new(&f, NODE_D, OPERATOR_D);
        draft_resolve(d, "request", &id, base_rev(hub_store_journal(f.store).number), &conflict,
                      VALUES(V_BOOL("", deleted)));
        sent = fixture_send(d);
        if (deleted)
            assert_answer(&f, &sent, 0, REJECTED, "frozen");
        else
            assert_answer(&f, &sent, 0, ACCEPTED, "");
    }
    assert_false(fixture_deleted(&f, "request", &id));
}

static void two_who_append_at_once_do_not_lose_what_the_first_wrote(void **state)
{
    (void)state;
    uint8_t space[64], other[64];
    struct id id;
    struct sent begun = request_new(&id);
    struct writer one = writer_of(space, sizeof space), two = writer_of(other, sizeof other);
    writer_array(&one, 1);
    writer_text(&one, "a");
    writer_array(&two, 1);
    writer_text(&two, "b");
    const struct {
        unsigned node;
        uint32_t op;
        struct bytes raw;
    } both[2] = { { NODE_A, OPERATOR_A, writer_bytes(&one) },
                  { NODE_D, OPERATOR_D, writer_bytes(&two) } };
    for (int i = 0; i < 2; i++) {
        struct draft *d = draft_new(&f, both[i].node, both[i].op);
        draft_update(d, "request", &id, base_rev(begun.number), VALUES(V_RAW("log", both[i].raw)));
        struct sent sent = fixture_send(d);
        if (i == 0)
            assert_answer(&f, &sent, 0, ACCEPTED, "");
        else
            assert_answer(&f, &sent, 0, REJECTED, "append");
    }
}

static void a_group_falls_with_the_change_that_a_rule_refuses(void **state)
{
    (void)state;
    struct id id = asked_request(), person = fixture_id(&f), house = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &person, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "Ani")));
    d->same_group = true;
    draft_update(d, "request", &id, base_rev(hub_store_journal(f.store).number),
                 VALUES(V_TEXT("stage", "fast")));
    d->same_group = false;
    draft_create(d, "house", &house, VALUES(V_TEXT("area", "36.04.29"), V_ID("head", &person)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "workflow");
    assert_answer(&f, &sent, 1, REJECTED, "workflow");
    assert_answer(&f, &sent, 2, REJECTED, "reference"); /* and what refers to it */
    assert_int_equal(fixture_rev(&f, "person", &person), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_hub_moves_on_in_the_same_entry),
        TEST(a_covered_value_that_changed_is_not_signed),
        TEST(a_signer_of_another_area_or_whose_term_ended_does_not_count),
        TEST(computed_fields_stand_in_the_entry_that_merges),
        TEST(a_step_goes_by_what_will_be_worked_out),
        TEST(dated_numbers_are_those_of_the_newest_rules),
        TEST(a_rule_sees_a_record_that_is_created_later_beside_it),
        TEST(what_refers_to_quarantined_work_waits_and_is_then_judged),
        TEST(what_waited_is_judged_by_the_state_that_stands_then),
        TEST(of_two_steps_at_once_the_later_one_meets_the_new_state),
        TEST(what_froze_meanwhile_refuses_what_comes_late),
        TEST(a_frozen_record_is_not_deleted_by_the_answer_to_a_conflict),
        TEST(two_who_append_at_once_do_not_lose_what_the_first_wrote),
        TEST(a_group_falls_with_the_change_that_a_rule_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
