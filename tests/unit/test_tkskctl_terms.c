/* Terms, review and books as tkskctl handles them: what it signs, what it refuses to sign, and what
 * it says before. */
#include "tests/unit/ctl_fixture.h"

#include <time.h>

#include "proto/policy_text.h"
#include "proto/trust.h"
#include "proto/value.h"

#define LEAF_A "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define LEAF_B "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"
#define LEAF_C "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"
#define CHECKED                                                                                    \
    {                                                                                              \
        "enrolment_check",                                                                         \
            "{\"done\":{\"operator_key\":\"" KEY_HEX "\",\"name\":\"Budi\",\"role\":\"tksk\"}}\n"  \
    }
#define APPROVE                                                                                    \
    "operator", "approve", "36.04.29", "Budi", "--words", "a b c d e f", "--sk", "SK 2", "--from"

static char state_text[128 * 1024], rules_text[256 * 1024];

static const char *trust_state(const char *operators)
{
    (void)snprintf(state_text, sizeof(state_text),
                   "{\"done\":{\"district\":\"36.04\",\"version\":5,\"hash\":\"" KEY_HEX
                   "\",\"epoch\":1,\"rules_version\":0,\"rules_hash\":null,"
                   "\"nodes\":[{\"node\":\"36.04.29\",\"positions\":[]}],\"operators\":[%s]}}\n",
                   operators);
    return state_text;
}

/* An operator of trust_state, in one of eight texts that take turns. */
static const char *person(unsigned number, const char *role, const char *from, const char *until,
                          const char *state)
{
    static char texts[8][400];
    static unsigned turn;
    char *text = texts[turn++ % COUNT_OF(texts)];
    (void)snprintf(text, sizeof(texts[0]),
                   "{\"number\":%u,\"name\":\"Orang %u\",\"node\":\"36.04.29\",\"role\":\"%s\","
                   "\"area\":\"36.04.29\",\"sk\":\"SK 1\",\"from\":\"%s\",\"until\":\"%s\","
                   "\"state\":\"%s\"}",
                   number, number, role, from, until, state);
    return text;
}

/* A day so far from now, as ISO text, in one of four texts. */
static const char *day(int days)
{
    static char texts[4][DATE_TEXT_BYTES];
    static unsigned turn;
    char *text = texts[turn++ % COUNT_OF(texts)];
    date_of_ms((uint64_t)((int64_t)time(NULL) * 1000 + days * INT64_C(86400000)), text);
    return text;
}

/* Rules with a role that one person holds in an area, and one that several may. */
static const char *rules(void)
{
    char path[160];
    struct problem problem = { .code = OK };
    struct hash previous = { .at = { 0 } };
    struct secret_key *key = secret_key_new();
    struct buf document = buf_of(malloc(RULES_BYTES_MAX), RULES_BYTES_MAX);
    uint8_t *space = malloc(SIGNED_RULES_BYTES_MAX);
    struct writer out = writer_of(space, SIGNED_RULES_BYTES_MAX);
    (void)snprintf(path, sizeof(path), "%s/policy", directory);
    (void)mkdir(path, 0700);
    write_file("policy/areas.csv", "kode,nama\n36,BANTEN\n36.04,SERANG\n36.04.29,SATU\n");
    write_file("policy/rules.conf",
               "authority T { label = 'Office' }\n"
               "role tksk { label = 'TKSK' authority = {T} single = true }\n"
               "role pendamping { label = 'Helper' authority = {T} }\n"
               "areas { file = 'areas.csv' within = '36.04' }\n"
               "collection person { title = 'Person' area_field = area\n"
               "  field area { type = area level = 3 required = true authority = {T} "
               "sensitivity = U label = 'Area' } }\n");
    enum err err = policy_text_compile(path, "36.04", 1, &previous, &document, &problem);
    if (err != OK)
        fail_msg("policy: %s %s", problem.thing, problem.detail);
    assert_int_equal(
        rules_sign(buf_bytes(&document), (const struct secret_key *const[]){ key }, 1, &out), OK);
    (void)strcpy(rules_text, "{\"done\":{\"version\":1,\"document\":\"");
    size_t used = strlen(rules_text);
    assert_int_equal(
        crypto_base64(writer_bytes(&out), rules_text + used, sizeof(rules_text) - used), OK);
    (void)strcat(rules_text, "\"}}\n");
    secret_key_close(&key);
    free(document.at);
    free(space);
    return rules_text;
}

/* The ops of the nth statement that was published, as text: "until 1 2027-12-31 SK 9;". */
static const char *ops_of(unsigned nth)
{
    static char text[64 * 1024];
    static uint8_t space[TRUST_STATEMENT_BYTES_MAX + 64];
    json_t *publish = request("trust_publish", nth);
    struct buf statement = buf_of(space, sizeof(space));
    struct trust_view view;
    size_t used = 0;
    text[0] = '\0';
    if (!publish)
        return NULL;
    assert_int_equal(crypto_unbase64(bytes_text(arg_of(publish, "statement")), &statement), OK);
    assert_int_equal(trust_view(buf_bytes(&statement), &view), OK);
    struct reader ops = reader_of(view.ops);
    size_t count = reader_array(&ops);
    for (size_t i = 0; i < count; i++) {
        struct reader op = reader_of(reader_raw(&ops));
        (void)reader_array(&op);
        uint64_t code = reader_uint(&op), number = code == TRUST_RELEASE ? 0 : reader_uint(&op);
        if (code == TRUST_OPERATOR_UNTIL) {
            struct bytes sk = reader_str(&op), until = reader_str(&op);
            used += (size_t)snprintf(text + used, sizeof(text) - used, "until %u %.*s %.*s;",
                                     (unsigned)number, (int)until.len, (const char *)until.at,
                                     (int)sk.len, (const char *)sk.at);
        } else if (code == TRUST_OPERATOR_END) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "end %u %u;",
                                     (unsigned)number, (unsigned)reader_uint(&op));
        } else if (code == TRUST_RELEASE) {
            const char *what = reader_bool(&op) ? "accept" : "refuse";
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s %zu;", what,
                                     reader_array(&op));
        } else {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "op %u %u;", (unsigned)code,
                                     (unsigned)number);
        }
    }
    json_decref(publish);
    return text;
}

/* --- renewing -------------------------------------------------------------------------------- */

static void all_that_end_soon_are_renewed_by_one_statement(void **state)
{
    (void)state;
    char operators[4096];
    (void)snprintf(operators, sizeof(operators), "%s,%s,%s,%s,%s",
                   person(1, "tksk", "2020-01-01", day(-10), "approved"),
                   person(2, "pendamping", "2020-01-01", day(59), "approved"),
                   person(3, "pendamping", "2020-01-01", day(61), "approved"),
                   person(4, "pendamping", "2020-01-01", day(5), "ended"),
                   person(5, "pendamping", "2020-01-01", "2099-12-31", "approved"));
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state(operators) },
                                   { "rules_get", rules() },
                                   PUBLISHED(6),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "operator", "renew", "--expiring", "60", "--sk", "SK 9",
                         "--until", "2098-12-31", NULL),
                     EXIT_REFUSED); /* who it would be is shown, and asked */
    says("err", "Orang 1");
    says("err", "--yes");
    assert_null(ops_of(0));
    assert_int_equal(run(NULL, PASS, "operator", "renew", "--expiring", "60", "--sk", "SK 9",
                         "--until", "2098-12-31", "--yes", NULL),
                     EXIT_DONE);
    assert_string_equal(ops_of(0), "until 1 2098-12-31 SK 9;until 2 2098-12-31 SK 9;");
    assert_null(ops_of(1));
    assert_int_equal(run(NULL, PASS, "operator", "renew", "2", "3", "Orang 2", "--sk", "SK 9",
                         "--until", "2098-12-31", NULL),
                     EXIT_DONE);
    assert_string_equal(ops_of(1), "until 2 2098-12-31 SK 9;until 3 2098-12-31 SK 9;");
    assert_int_equal(
        run(NULL, PASS, "operator", "renew", "4", "--sk", "9", "--until", "2098-12-31", NULL),
        EXIT_REFUSED); /* who was ended is not renewed */
    assert_int_equal(
        run(NULL, PASS, "operator", "renew", "--sk", "9", "--until", "2098-12-31", NULL),
        EXIT_USAGE);
    assert_null(ops_of(2));
    stop_daemon();
}

static void more_than_a_statement_holds_becomes_several(void **state)
{
    (void)state;
    static char operators[100 * 1024];
    size_t used = 0, total = 0;
    for (unsigned i = 1; i <= 300; i++)
        used +=
            (size_t)snprintf(operators + used, sizeof(operators) - used, "%s%s", i > 1 ? "," : "",
                             person(i, "pendamping", "2020-01-01", day(3), "approved"));
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state(operators) },
                                   { "rules_get", REFUSED("not_found") },
                                   PUBLISHED(6),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "operator", "renew", "--expiring", "60", "--sk",
                         "460/17/Dinsos/SK/2027 tentang perpanjangan masa tugas TKSK 2027",
                         "--until", "2098-12-31", "--yes", NULL),
                     EXIT_REFUSED); /* longer than an SK may be */
    assert_int_equal(run(NULL, PASS, "operator", "renew", "--expiring", "60", "--sk",
                         "460/17/Dinsos/SK/2027 tentang perpanjangan masa tugas TKSK", "--until",
                         "2098-12-31", "--yes", NULL),
                     EXIT_DONE);
    for (unsigned nth = 0; nth < 3; nth++) {
        const char *at = ops_of(nth);
        assert_non_null(at);
        while ((at = strstr(at, "until ")) != NULL) {
            total++;
            at++;
        }
    }
    assert_int_equal(total, 300);
    assert_null(ops_of(3));
    stop_daemon();
}

static void a_renewal_makes_no_second_holder(void **state)
{
    (void)state;
    char operators[2048];
    (void)snprintf(operators, sizeof(operators), "%s,%s",
                   person(1, "tksk", "2026-01-01", "2026-06-30", "approved"),
                   person(2, "tksk", "2026-07-01", "2027-12-31", "approved"));
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state(operators) },
                                   { "rules_get", rules() },
                                   PUBLISHED(6),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(
        run(NULL, PASS, "operator", "renew", "1", "--sk", "9", "--until", "2026-12-31", NULL),
        EXIT_REFUSED);
    says("err", "Orang 2");
    assert_int_equal(
        run(NULL, PASS, "operator", "renew", "2", "--sk", "9", "--until", "2028-12-31", NULL),
        EXIT_DONE);
    assert_int_equal(run(NULL, PASS, "operator", "renew", "1", "--sk", "9", "--until", "2026-12-31",
                         "--acting", NULL),
                     EXIT_DONE);
    assert_string_equal(ops_of(1), "until 1 2026-12-31 9;");
    stop_daemon();
}

/* --- one holder ------------------------------------------------------------------------------ */

static void a_second_holder_stands_in_or_takes_over_and_is_refused_else(void **state)
{
    (void)state;
    char operators[2048];
    (void)snprintf(operators, sizeof(operators), "%s,%s",
                   person(1, "tksk", "2026-01-01", "2027-12-31", "approved"),
                   person(2, "pendamping", "2026-01-01", "2027-12-31", "approved"));
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state(operators) },
                                   { "rules_get", rules() },
                                   CHECKED,
                                   PUBLISHED(6),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, APPROVE, "2027-01-01", "--until", "2027-06-30", NULL),
                     EXIT_REFUSED);
    says("err", "number 1, Orang 1, until 2027-12-31");
    says("err", "--acting");
    assert_null(ops_of(0));
    assert_int_equal(
        run(NULL, PASS, APPROVE, "2027-01-01", "--until", "2027-06-30", "--acting", NULL),
        EXIT_DONE);
    assert_string_equal(ops_of(0), "op 5 3;");
    says("out", "number 1, Orang 1");
    assert_int_equal(
        run(NULL, PASS, APPROVE, "2027-01-01", "--until", "2028-06-30", "--succeeds", "1", NULL),
        EXIT_DONE);
    assert_string_equal(ops_of(1), "end 1 1;op 5 3;");
    assert_int_equal(/* whose assignment is another one */
                     run(NULL, PASS, APPROVE, "2027-01-01", "--until", "2028-06-30", "--succeeds",
                         "2", NULL),
                     EXIT_USAGE);
    assert_int_equal(run(NULL, PASS, APPROVE, "2027-01-01", "--until", "2028-06-30", "--succeeds",
                         "1", "--acting", NULL),
                     EXIT_USAGE);
    assert_int_equal(/* after the last day there is no second one */
                     run(NULL, PASS, APPROVE, "2028-01-01", "--until", "2028-06-30", NULL),
                     EXIT_DONE);
    assert_int_equal(/* the role of several */
                     run(NULL, PASS, APPROVE, "2027-01-01", "--until", "2028-06-30", "--role",
                         "pendamping", NULL),
                     EXIT_DONE);
    stop_daemon();
}

/* --- ending ---------------------------------------------------------------------------------- */

static void without_a_terminal_the_three_reasons_are_named(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"), { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "operator", "end", "1", NULL), EXIT_USAGE);
    says("err", "succession, ended, leaked");
    assert_int_equal(run(NULL, PASS, "--lang", "id", "node", "revoke", "36.04.29", NULL),
                     EXIT_USAGE);
    says("err", "diganti");
    says("err", "bocor");
    assert_int_equal(
        run(NULL, PASS, "node", "revoke", "36.04.29", "--reason", "lost", "--yes", NULL),
        EXIT_USAGE);
    stop_daemon();
}

static void what_waits_is_said_before_anything_ends(void **state)
{
    (void)state;
    const struct line script[] = {
        HELLO("tksk-hub"),
        { "trust_state", trust_state(person(1, "tksk", "2026-01-01", "2027-12-31", "approved")) },
        { "nodes",
          "{\"row\":{\"node\":\"36.04.29\",\"received\":412,\"queued\":3,\"heard\":null}}\n"
          "{\"done\":{}}\n" },
        { "review", "{\"row\":{\"leaf\":\"" LEAF_A "\",\"node\":\"36.04.29\",\"operator\":1}}\n"
                    "{\"row\":{\"leaf\":\"" LEAF_B "\",\"node\":\"36.04.29\",\"operator\":2}}\n"
                    "{\"done\":{}}\n" },
        PUBLISHED(6),
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "operator", "end", "1", "--reason", "leaked", NULL),
                     EXIT_REFUSED);
    says("err", "412 entries arrived; 3 more");
    says("err", "1 are kept");
    assert_null(ops_of(0));
    assert_int_equal(
        run(NULL, PASS, "--lang", "id", "operator", "end", "1", "--reason", "bocor", "--yes", NULL),
        EXIT_DONE);
    assert_string_equal(ops_of(0), "end 1 3;");
    assert_int_equal(
        run(NULL, PASS, "node", "revoke", "36.04.29", "--reason", "succession", "--yes", NULL),
        EXIT_DONE);
    says("err", "2 are kept");
    stop_daemon();
}

/* --- review ---------------------------------------------------------------------------------- */

static const char review_rows[] =
    "{\"row\":{\"leaf\":\"" LEAF_A "\",\"node\":\"36.04.29\",\"operator\":1,"
    "\"operator_name\":\"Siti\",\"short\":\"29-0417\",\"collection\":\"person\","
    "\"title\":\"Warga\",\"summary\":{\"name\":\"Ani\"},\"changes\":3,"
    "\"reason\":\"term_ended\",\"reason_text\":\"entered after the end of the term\","
    "\"doubt\":\"the clock there is wrong\",\"since\":\"2026-07-25T00:00:00Z\"}}\n"
    "{\"row\":{\"leaf\":\"" LEAF_B "\",\"node\":\"36.04.29\",\"operator\":2,"
    "\"reason\":\"key_leaked\",\"changes\":1}}\n"
    "{\"row\":{\"leaf\":\"" LEAF_C "\",\"node\":\"36.04.30\",\"operator\":1,\"changes\":1}}\n"
    "{\"done\":{}}\n";

static void the_review_list_tells_who_what_since_when_and_why(void **state)
{
    (void)state;
    const struct line script[] = {
        HELLO("tksk-hub"),
        { "review", review_rows },
        { "review_show",
          "{\"done\":{\"leaf\":\"" LEAF_A "\",\"node\":\"36.04.29\",\"operator\":1,"
          "\"reason\":\"term_ended\",\"changes\":[{\"short\":\"29-0417\",\"op\":\"update\","
          "\"title\":\"Warga\",\"fields\":[{\"name\":\"name\",\"label\":\"Nama\",\"value\":\"Ana\","
          "\"now\":\"Ani\",\"empties\":false},{\"name\":\"age\",\"label\":\"Umur\","
          "\"value\":null,\"empties\":true},{\"name\":\"kind\",\"label\":\"Jenis\","
          "\"value\":null,\"empties\":false}]}]}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "--lang", "id", "review", "list", NULL), EXIT_DONE);
    says("out", "29-0417");
    says("out", "Warga");
    says("out", "Ani +2");
    says("out", "Siti (36.04.29, 1)");
    says("out", "menunggu SK");
    says("out", "the clock there is wrong");
    assert_int_equal(run(NULL, "review", "show", "29-0417", NULL), EXIT_DONE);
    says("out", "Nama");
    says("out", "now: Ani");
    says("out", "(emptied)");
    says("out", "(restricted)");
    json_t *shown = request("review_show", 0);
    assert_string_equal(arg_of(shown, "leaf"), LEAF_A);
    json_decref(shown);
    assert_int_equal(run(NULL, "review", "show", "29-9999", NULL), EXIT_REFUSED);
    stop_daemon();
}

static void all_of_one_author_is_decided_in_one_go(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state("") },
                                   { "review", review_rows },
                                   PUBLISHED(6),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "review", "refuse", "--author", "1", NULL), EXIT_REFUSED);
    assert_null(ops_of(0)); /* asked, and nobody said yes */
    assert_int_equal(run(NULL, PASS, "review", "accept", "--author", "1", "--yes", NULL),
                     EXIT_DONE);
    assert_string_equal(ops_of(0), "accept 2;");
    assert_int_equal(run(NULL, PASS, "review", "accept", "--author", "7", "--yes", NULL),
                     EXIT_REFUSED);
    assert_int_equal(run(NULL, PASS, "review", "accept", NULL), EXIT_USAGE);
    assert_int_equal(run(NULL, PASS, "review", "accept", LEAF_A, "--author", "1", NULL),
                     EXIT_USAGE);
    assert_null(ops_of(1));
    stop_daemon();
}

/* --- books ----------------------------------------------------------------------------------- */

static void books_that_do_not_balance_name_the_office_and_fail(void **state)
{
    (void)state;
    static const char good[] =
        "{\"row\":{\"node\":\"36.04.29\",\"entered\":5,\"accepted\":4,\"pending\":1,\"undated\":0,"
        "\"difference\":0,\"balanced\":true}}\n{\"done\":{\"unbalanced\":[]}}\n";
    static const char bad[] =
        "{\"row\":{\"node\":\"36.04.29\",\"entered\":5,\"accepted\":4,\"pending\":0,\"undated\":2,"
        "\"difference\":1,\"balanced\":false}}\n{\"done\":{\"unbalanced\":[\"36.04.29\"]}}\n";
    const struct line script[] = {
        HELLO("tksk-hub"), { "reconcile", good }, { "reconcile", bad }, { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "cocokkan", NULL), EXIT_DONE);
    says("out", "accounted for");
    assert_int_equal(run(NULL, "reconcile", "--month", "2026-10", NULL), EXIT_REFUSED);
    says("err", "36.04.29");
    says("out", "off by 1");
    json_t *asked = request("reconcile", 1);
    assert_string_equal(arg_of(asked, "month"), "2026-10");
    json_decref(asked);
    assert_int_equal(run(NULL, "--json", "reconcile", NULL), EXIT_REFUSED);
    says("out", "\"unbalanced\"");
    assert_int_equal(run(NULL, "reconcile", "--month", "2026-13", NULL), EXIT_USAGE);
    assert_int_equal(run(NULL, "reconcile", "--month", "10-2026", NULL), EXIT_USAGE);
    stop_daemon();
}

static int set_up(void **state)
{
    /* The officer's key, as the founding of a district makes it. */
    static const struct line script[] = { FOUNDING };
    if (make_directory(state) != 0)
        return 1;
    write_file("pass", "rahasia dapur kami\n");
    start_daemon(script);
    int code =
        run(NULL, PASS, "trust", "init", "--district", "36.04", "--root-key", "root.key", NULL);
    stop_daemon();
    return code;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_end_soon_are_renewed_by_one_statement),
        cmocka_unit_test(more_than_a_statement_holds_becomes_several),
        cmocka_unit_test(a_renewal_makes_no_second_holder),
        cmocka_unit_test(a_second_holder_stands_in_or_takes_over_and_is_refused_else),
        cmocka_unit_test(without_a_terminal_the_three_reasons_are_named),
        cmocka_unit_test(what_waits_is_said_before_anything_ends),
        cmocka_unit_test(the_review_list_tells_who_what_since_when_and_why),
        cmocka_unit_test(all_of_one_author_is_decided_in_one_go),
        cmocka_unit_test(books_that_do_not_balance_name_the_office_and_fail),
    };
    return cmocka_run_group_tests(tests, set_up, remove_directory);
}
