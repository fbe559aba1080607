/* Personal signatures at the hub, as somebody would try them who wants one to count for what it was
 * not made for. Every history here is played again from its journal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/endorse.h"
#include "tests/support/hub_fixture.h"

#define AREA "36.04.29"

/* clang-format off */
#define SIGNED(name)                                                                               \
    "field " name " { type = signature covers = {what, area} signers = {writer}\n"                 \
    "    authority = {T} sensitivity = U }\n"
#define PLEA(name, stays)                                                                          \
    "collection " name " { title = 'T " name "' area_field = area\n"                               \
    "field area { type = area required = true authority = {T, D} sensitivity = U }\n"              \
    "field what { type = text required = true authority = {T, D} sensitivity = U }\n"              \
    SIGNED("known") SIGNED("agreed")                                                               \
    "field stage { type = enum codes = step default = draft authority = {T, D, H}\n"               \
    "    sensitivity = U }\n"                                                                      \
    "workflow stage { edge start { to = draft authority = {T} }\n"                                 \
    "    edge send { from = {draft} to = sent authority = {T} requires = {agreed} }\n"             \
    "    edge take { from = {sent} to = taken authority = {H} rules = {signed} }\n"                \
    "    frozen taken { open = {stage} } " stays "}\n"                                             \
    "rule signed { label = 'Not signed' check = 'signature(agreed) = \"ok\"' on = edge }\n"        \
    "}\n"
#define SHARED                                                                                     \
    "authority H { label = 'Hub' computed = true }\n"                                              \
    "code_list step { version '2020-01-01' { code draft { } code sent { } code taken { } } }\n"
static const char more[] = SHARED PLEA("plea", "") PLEA("wish", "");
/* With one more state that freezes. */
static const char later[] =
    SHARED PLEA("plea", "frozen draft { open = {stage, agreed} } ") PLEA("wish", "");
/* clang-format on */

static struct fixture f;

static void rules(const char *of)
{
    char *source = NULL;
    assert_true(asprintf(&source, "%s%s", fixture_source, of) > 0);
    fixture_rules(&f, source);
    free(source);
}

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, false);
    rules(more);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_check_replay(&f);
    fixture_close(&f);
    return 0;
}

/* --- signing --------------------------------------------------------------------------------- */

struct signing {
    const char *collection, *field, *what;
    const struct id *record;
    uint32_t op;
    uint64_t says;          /* the number that is signed; 0: that of op */
    uint64_t trust_version; /* 0: the hub's */
};

static bool covered_value(void *context, const struct policy_field *field, bool old,
                          struct bytes *ret)
{
    static uint8_t space[2][64];
    const struct signing *signing = context;
    bool what = strcmp(field->name, "what") == 0;
    struct writer out = writer_of(space[what ? 1 : 0], sizeof space[0]);
    (void)old;
    writer_text(&out, what ? signing->what : AREA);
    *ret = writer_bytes(&out);
    return true;
}

static const char *signed_by(struct signing signing)
{
    static char text[ENDORSEMENT_TEXT_BYTES];
    uint8_t space[1024];
    const struct policy_collection *c =
        policy_collection(hub_store_policy(f.store), bytes_text(signing.collection));
    struct endorsement made = { .operator_number = signing.says > 0 ? signing.says : signing.op,
                                .trust_version = signing.trust_version > 0
                                                     ? signing.trust_version
                                                     : hub_store_trust(f.store)->version,
                                .signed_ms = FIXTURE_CLAIMED_MS };
    const struct expr_env env = { .collection = c, .field = covered_value, .context = &signing };
    struct writer out = writer_of(space, sizeof space);
    assert_int_equal(endorsement_statement(&made, FIXTURE_DISTRICT, c,
                                           policy_field(c, bytes_text(signing.field)),
                                           signing.record, &env, &out),
                     OK);
    endorsement_sign(&made, writer_bytes(&out), f.operators[signing.op]);
    endorsement_text(&made, text);
    return text;
}

static const char *agreed_by(uint32_t op, const struct id *record)
{
    return signed_by((struct signing){
        .collection = "plea", .field = "agreed", .what = "roof", .record = record, .op = op });
}

static struct id plea(void)
{
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    struct id id = fixture_id(&f);
    draft_create(d, "plea", &id,
                 VALUES(V_TEXT("area", AREA), V_TEXT("what", "roof"), V_TEXT("stage", "draft")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    return id;
}

static uint64_t now(void)
{
    return hub_store_journal(f.store).number;
}

static struct sent change(unsigned node, const struct id *id, uint64_t seen,
                          const struct value *values, size_t count)
{
    struct draft *d = draft_new(&f, node, node == NODE_A ? OPERATOR_A : OPERATOR_D);
    draft_update(d, "plea", id, base_rev(seen), values, count);
    return fixture_send(d);
}

static struct sent send_as(const struct id *id, const char *mark)
{
    return change(NODE_A, id, now(), VALUES(V_TEXT("agreed", mark), V_TEXT("stage", "sent")));
}

static const char *text_of(const struct id *id, const char *field)
{
    return fixture_text(&f, "plea", id, field);
}

static void does_not_count(const struct id *id, const char *mark)
{
    struct sent sent = send_as(id, mark);
    assert_answer(&f, &sent, 0, REJECTED, "rule");
    assert_string_equal(text_of(id, "stage"), "draft");
}

/* --- tests ----------------------------------------------------------------------------------- */

static void a_signature_is_for_one_field_of_one_record_of_one_collection(void **state)
{
    (void)state;
    struct id id = plea(), other = plea();
    struct signing signing = {
        .collection = "plea", .field = "agreed", .what = "roof", .record = &other, .op = OPERATOR_A
    };
    does_not_count(&id, signed_by(signing));
    signing.record = &id;
    signing.collection = "wish";
    does_not_count(&id, signed_by(signing));
    signing.collection = "plea";
    signing.field = "known"; /* covers the same, and says something else */
    does_not_count(&id, signed_by(signing));
    signing.field = "agreed";
    struct sent sent = send_as(&id, signed_by(signing));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(text_of(&id, "stage"), "taken");
}

static void a_signature_names_a_roster_that_there_is_and_that_knows_the_signer(void **state)
{
    (void)state;
    struct id id = plea();
    struct signing signing = {
        .collection = "plea", .field = "agreed", .what = "roof", .record = &id, .op = OPERATOR_A
    };
    signing.trust_version = 1; /* signers only: nobody was approved yet */
    does_not_count(&id, signed_by(signing));
    signing.trust_version = hub_store_trust(f.store)->version + 1;
    does_not_count(&id, signed_by(signing));
    signing.trust_version = 123456789012345678;
    does_not_count(&id, signed_by(signing));
}

static void a_signature_has_one_way_to_be_written(void **state)
{
    (void)state;
    struct id id = plea();
    char mark[ENDORSEMENT_TEXT_BYTES + 8], upper[ENDORSEMENT_TEXT_BYTES];
    const char *good = agreed_by(OPERATOR_A, &id);
    (void)snprintf(upper, sizeof upper, "%s", good);
    for (char *c = upper; *c; c++)
        *c = *c >= 'a' && *c <= 'f' ? (char)(*c - 'a' + 'A') : *c;
    (void)snprintf(mark, sizeof mark, "0%s", good);
    const char *const wrong[] = { upper, mark };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct sent sent = send_as(&id, wrong[i]);
        assert_answer(&f, &sent, 0, REJECTED, "value");
    }
    does_not_count(&id, signed_by((struct signing){ .collection = "plea",
                                                    .field = "agreed",
                                                    .what = "roof",
                                                    .record = &id,
                                                    .op = OPERATOR_A,
                                                    .says = (UINT64_C(1) << 32) + OPERATOR_A }));
}

static void whoever_brings_it_the_signer_is_asked(void **state)
{
    (void)state;
    struct id id = plea();
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A2);
    draft_update(d, "plea", &id, base_rev(now()),
                 VALUES(V_TEXT("agreed", agreed_by(OPERATOR_A, &id)), V_TEXT("stage", "sent")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(text_of(&id, "stage"), "taken");
    struct id early = fixture_id(&f);
    d = draft_new(&f, NODE_A, OPERATOR_A); /* there from the start: it begins all the same */
    draft_create(d, "plea", &early,
                 VALUES(V_TEXT("area", AREA), V_TEXT("what", "roof"),
                        V_TEXT("agreed", agreed_by(OPERATOR_A, &early)), V_TEXT("stage", "sent")));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "workflow");
}

/* What was signed is kept beside what stands: neither is what was signed until somebody decides. */
static void a_covered_value_that_is_held_holds_up_the_step(void **state)
{
    (void)state;
    struct id id = plea(), conflict;
    uint64_t seen = now();
    struct sent sent = change(NODE_D, &id, seen, VALUES(V_TEXT("what", "wall")));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    const char *mark = signed_by((struct signing){
        .collection = "plea", .field = "agreed", .what = "door", .record = &id, .op = OPERATOR_A });
    sent = change(NODE_A, &id, seen,
                  VALUES(V_TEXT("what", "door"), V_TEXT("agreed", mark), V_TEXT("stage", "sent")));
    assert_answer(&f, &sent, 0, HELD, "");
    assert_string_equal(text_of(&id, "what"), "wall");
    assert_string_not_equal(text_of(&id, "stage"), "taken");
    assert_true(fixture_conflict(&f, &id, "what", NODE_A, &conflict));
    fixture_check_replay(&f);
    /* The hub's own step follows the answer, in its entry. */
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_resolve(d, "plea", &id, base_rev(now()), &conflict, VALUES(V_TEXT("what", "door")));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(text_of(&id, "stage"), "taken");
    assert_int_equal(fixture_rev(&f, "plea", &id), sent.number);
}

static void an_answer_puts_no_signature_in_that_does_not_count(void **state)
{
    (void)state;
    struct id id = plea(), conflict;
    struct id other = plea();
    char first[ENDORSEMENT_TEXT_BYTES], second[ENDORSEMENT_TEXT_BYTES];
    uint64_t seen = now();
    (void)snprintf(first, sizeof first, "%s", agreed_by(OPERATOR_A2, &other));
    (void)snprintf(second, sizeof second, "%s", agreed_by(OPERATOR_A, &other));
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_A); /* of the same area, at another office */
    draft_update(d, "plea", &id, base_rev(seen), VALUES(V_TEXT("agreed", first)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    sent = change(NODE_A, &id, seen, VALUES(V_TEXT("agreed", second)));
    assert_answer(&f, &sent, 0, HELD, "");
    assert_true(fixture_conflict(&f, &id, "agreed", NODE_A, &conflict));
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_resolve(d, "plea", &id, base_rev(now()), &conflict, VALUES(V_TEXT("agreed", second)));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    sent = change(NODE_A, &id, now(), VALUES(V_TEXT("stage", "sent")));
    assert_answer(&f, &sent, 0, REJECTED, "rule");
    assert_string_equal(text_of(&id, "stage"), "draft");
}

static void what_is_taken_does_not_change_by_a_delete_an_undelete_or_a_move(void **state)
{
    (void)state;
    struct id id = plea();
    struct sent sent = send_as(&id, agreed_by(OPERATOR_A, &id));
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_delete(d, "plea", &id, base_rev(now()));
    sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "frozen");
    sent = change(NODE_D, &id, now(), VALUES(V_TEXT("area", "36.04.30")));
    assert_answer(&f, &sent, 0, REJECTED, "frozen");
    sent = change(NODE_D, &id, now(), VALUES(V_TEXT("what", "palace")));
    assert_answer(&f, &sent, 0, REJECTED, "frozen");
    sent = change(NODE_A, &id, now(), VALUES(V_NIL("stage")));
    assert_answer(&f, &sent, 0, REJECTED, "workflow");
    assert_string_equal(text_of(&id, "stage"), "taken");
    assert_false(fixture_deleted(&f, "plea", &id));
}

static void nobody_unfreezes_a_record_by_naming_older_rules(void **state)
{
    (void)state;
    struct id id = plea();
    const uint64_t before = hub_store_policy_mark(f.store).rules_version;
    rules(later);
    for (unsigned i = 0; i < 2; i++) {
        struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
        d->rules_version = before;
        if (i == 0)
            draft_update(d, "plea", &id, base_rev(now()), VALUES(V_TEXT("what", "palace")));
        else
            draft_delete(d, "plea", &id, base_rev(now()));
        struct sent sent = fixture_send(d);
        assert_answer(&f, &sent, 0, REJECTED, "frozen");
    }
    /* all else goes by the rules that its author had */
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    d->rules_version = before;
    draft_update(d, "plea", &id, base_rev(now()),
                 VALUES(V_TEXT("agreed", agreed_by(OPERATOR_A, &id)), V_TEXT("stage", "sent")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(text_of(&id, "stage"), "taken");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_signature_is_for_one_field_of_one_record_of_one_collection),
        TEST(a_signature_names_a_roster_that_there_is_and_that_knows_the_signer),
        TEST(a_signature_has_one_way_to_be_written),
        TEST(whoever_brings_it_the_signer_is_asked),
        TEST(a_covered_value_that_is_held_holds_up_the_step),
        TEST(an_answer_puts_no_signature_in_that_does_not_count),
        TEST(nobody_unfreezes_a_record_by_naming_older_rules),
        TEST(what_is_taken_does_not_change_by_a_delete_an_undelete_or_a_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
