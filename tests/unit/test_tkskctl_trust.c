/* What tkskctl signs: statements and rules that the trust part takes, in the order of a district's
 * life. */
#include "tests/unit/ctl_fixture.h"

#include "common/keyfile.h"
#include "proto/trust.h"
#include "proto/value.h"

#define INCARNATION "0a0b0c0d-0000-4000-8000-000000000001"
#define LEAF_A "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define LEAF_B "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"

/* The hub's side: the trust part as published so far. */
static struct trust trust;

/* A script needs texts that live on. */
static char state_text[8192];

static const char *trust_state(const char *operators)
{
    char hash[2 * HASH_BYTES + 1];
    crypto_hex(bytes_hash(&trust.hash), hash);
    (void)snprintf(state_text, sizeof(state_text),
                   "{\"done\":{\"district\":\"36.04\",\"version\":%llu,\"hash\":\"%s\",\"epoch\":1,"
                   "\"rules_version\":0,\"rules_hash\":null,\"nodes\":[{\"node\":\"36.04.29\","
                   "\"positions\":[{\"incarnation\":\"" INCARNATION
                   "\",\"lane\":1,\"seq\":41}]}],\"operators\":[%s]}}\n",
                   (unsigned long long)trust.version, hash, operators);
    return state_text;
}

static struct buf unbase64(const json_t *asked, const char *name)
{
    struct buf bytes = buf_of(malloc(RULES_BYTES_MAX + 8192), RULES_BYTES_MAX + 8192);
    assert_non_null(bytes.at);
    assert_int_equal(crypto_unbase64(bytes_text(arg_of(asked, name)), &bytes), OK);
    return bytes;
}

/* Applies what the nth trust_publish brought. */
static void take_statement(unsigned nth)
{
    struct problem problem = { .code = OK };
    json_t *publish = request("trust_publish", nth);
    assert_non_null(publish);
    struct buf statement = unbase64(publish, "statement");
    enum err err = trust_apply(&trust, buf_bytes(&statement), NULL, &problem);
    if (err != OK)
        fail_msg("%s: %s", err_name(err), problem.detail);
    free(statement.at);
    json_decref(publish);
}

static void founding_makes_two_keys_and_the_first_statement(void **state)
{
    (void)state;
    static const struct line script[] = { FOUNDING };
    struct stat info;
    char path[160];
    write_file("pass", "rahasia dapur kami\n");
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "trust", "init", "--district", "36.04", "--officer",
                         "Kepala Dinas", "--root-key", "root.key", NULL),
                     EXIT_DONE);
    (void)snprintf(path, sizeof(path), "%s/conf/officer.key", directory);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    says("root.key", "tksk-key 1 root ");
    says("conf/officer.key", "tksk-key 1 officer ");
    take_statement(0);
    assert_int_equal(trust.version, 1);
    assert_string_equal(trust.district, "36.04");
    assert_string_equal(trust.signers.list[0].name, "Kepala Dinas");
    assert_int_equal(trust.root.threshold, 1);
    assert_string_equal(trust.hub.endpoints[0], "tcp://10.0.0.1:7436");
    /* The same two keys serve when the first attempt did not get through; with their passphrase. */
    write_file("other", "some other words\n");
    assert_int_equal(run(NULL, "--passphrase-file", "other", "--key", "conf/officer.key", "trust",
                         "init", "--district", "36.04", "--root-key", "root.key", NULL),
                     EXIT_REFUSED);
    says("err", "wrong passphrase");
    assert_null(request("trust_publish", 1));
    stop_daemon();
}

static void founding_twice_is_refused(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state("") },
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "--passphrase-file", "pass", "--key", "o.key", "trust", "init",
                         "--district", "36.04", "--root-key", "r.key", NULL),
                     EXIT_REFUSED);
    assert_string_equal(file_text("r.key"), "");
    assert_int_equal(
        run(NULL, PASS, "trust", "init", "--district", "Serang", "--root-key", "r.key", NULL),
        EXIT_USAGE);
    assert_int_equal(run(NULL, PASS, "trust", "init", "--district", "36.04", "--root-key",
                         "conf/officer.key", NULL),
                     EXIT_USAGE);
    stop_daemon();
}

static void an_office_is_approved_with_the_keys_that_the_words_stand_for(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state("") },
                                   { "enrolment_check", "{\"done\":{\"device_key\":\"" KEY_HEX
                                                        "\",\"curve_key\":\"" KEY_HEX
                                                        "\",\"seal_key\":\"" KEY_HEX "\"}}\n" },
                                   PUBLISHED(1),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run("a b c d e f\n", PASS, "node", "approve", "36.04.29", NULL), EXIT_DONE);
    take_statement(0);
    const struct trust_node *node = trust_node(&trust, bytes_text("36.04.29"));
    assert_non_null(node);
    assert_string_equal(node->area, "36.04.29");
    assert_int_equal(node->device_key.at[0], 1);
    assert_int_equal(run("a b c d e f\n", PASS, "node", "approve", "kantor", NULL), EXIT_USAGE);
    stop_daemon();
}

static void a_statement_that_was_overtaken_is_signed_again(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state("") },
                                   { "rules_get", REFUSED("not_found") },
                                   { "enrolment_check", "{\"done\":{\"operator_key\":\"" KEY_HEX
                                                        "\",\"name\":\"Siti\","
                                                        "\"role\":\"tksk\"}}\n" },
                                   { "trust_publish", REFUSED("state") },
                                   PUBLISHED(1),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "--json", "operator", "approve", "36.04.29", "Siti", "--words",
                         "a b c d e f", "--sk", "460/17/2026", "--from", "01/01/2026", "--until",
                         "2026-12-31", NULL),
                     EXIT_DONE);
    says("out", "\"number\": 1");
    take_statement(1);
    const struct trust_operator *op = trust_operator(&trust, 1);
    assert_non_null(op);
    assert_string_equal(op->name, "Siti");
    assert_string_equal(op->role, "tksk");
    assert_string_equal(op->from, "2026-01-01");
    assert_string_equal(op->area, "36.04.29");
    stop_daemon();
}

static void terms_are_checked_before_anybody_types_words(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"), { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "operator", "approve", "36.04.29", "Siti", "--sk", "1",
                         "--from", "2026-02-30", "--until", "2026-12-31", NULL),
                     EXIT_REFUSED);
    says("err", "2026-02-30");
    assert_int_equal(run(NULL, PASS, "operator", "approve", "36.04.29", "Siti", "--sk", "1",
                         "--from", "2026-12-31", "--until", "2026-01-01", NULL),
                     EXIT_USAGE);
    assert_null(request("enrolment_check", 0));
    stop_daemon();
}

static void terms_are_renewed_by_number(void **state)
{
    (void)state;
    const struct line script[] = {
        HELLO("tksk-hub"),
        { "trust_state", trust_state("{\"number\":1,\"name\":\"Siti\",\"node\":\"36.04.29\"}") },
        { "rules_get", REFUSED("not_found") },
        PUBLISHED(1),
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(
        run(NULL, PASS, "operator", "renew", "1", "--sk", "9/2027", "--until", "2027-12-31", NULL),
        EXIT_DONE);
    take_statement(0);
    assert_string_equal(trust_operator(&trust, 1)->until, "2027-12-31");
    assert_int_equal(
        run(NULL, PASS, "operator", "renew", "6", "--sk", "9", "--until", "2027-12-31", NULL),
        EXIT_REFUSED);
    stop_daemon();
}

static void kept_work_is_released_by_its_leaf(void **state)
{
    (void)state;
    static const char rows[] = "{\"row\":{\"leaf\":\"" LEAF_A "\",\"short\":\"29-1\"}}\n"
                               "{\"row\":{\"leaf\":\"" LEAF_A "\",\"short\":\"29-2\"}}\n"
                               "{\"row\":{\"leaf\":\"" LEAF_B "\",\"short\":\"29-3\"}}\n"
                               "{\"done\":{}}\n";
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state("") },
                                   { "review", rows },
                                   PUBLISHED(1),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "review", "accept", "a1a1a1a1", "29-3", NULL), EXIT_DONE);
    json_t *publish = request("trust_publish", 0);
    struct buf statement = unbase64(publish, "statement");
    struct trust_view view;
    assert_int_equal(trust_view(buf_bytes(&statement), &view), OK);
    struct reader ops = reader_of(view.ops);
    assert_int_equal(reader_array(&ops), 1);
    reader_array_of(&ops, 3);
    assert_int_equal(reader_uint(&ops), TRUST_RELEASE);
    assert_true(reader_bool(&ops));
    assert_int_equal(reader_array(&ops), 2);
    free(statement.at);
    json_decref(publish);
    take_statement(0);
    assert_int_equal(run(NULL, PASS, "review", "refuse", "ffffffff", NULL), EXIT_REFUSED);
    assert_int_equal(run(NULL, PASS, "review", "refuse", "a1a1", NULL), EXIT_REFUSED);
    stop_daemon();
}

static void a_leaked_key_ends_at_the_positions_that_the_hub_has(void **state)
{
    (void)state;
    const struct line script[] = {
        HELLO("tksk-hub"),
        { "trust_state", trust_state("{\"number\":1,\"name\":\"Siti\",\"node\":\"36.04.29\"}") },
        PUBLISHED(1),
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "operator", "end", "1", NULL), EXIT_USAGE);
    assert_int_equal(run(NULL, PASS, "operator", "end", "1", "--reason", "leaked", NULL),
                     EXIT_REFUSED);
    says("err", "--yes");
    assert_int_equal(
        run(NULL, PASS, "operator", "end", "Siti", "--reason", "leaked", "--yes", NULL), EXIT_DONE);
    take_statement(0);
    const struct ended *ended = &trust_operator(&trust, 1)->ended;
    assert_int_equal(ended->reason, END_LEAKED);
    assert_int_equal(ended->cut_count, 1);
    assert_int_equal(ended->cuts[0].seq, 41);
    assert_int_equal(ended->cuts[0].lane, 1);
    assert_int_equal(ended->cuts[0].incarnation.at[0], 0x0a);
    stop_daemon();
}

static void a_restore_opens_the_next_epoch_at_the_cut(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state("") },
                                   { "restore_info",
                                     "{\"done\":{\"epoch\":1,\"number\":77,\"hash\":"
                                     "\"" KEY_HEX "\",\"why\":\"older\"}}\n" },
                                   PUBLISHED(1),
                                   { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "restore", NULL), EXIT_REFUSED);
    assert_int_equal(run(NULL, PASS, "restore", "--yes", NULL), EXIT_DONE);
    take_statement(0);
    assert_int_equal(trust.epoch, 2);
    stop_daemon();
}

static void a_policy_source_is_compiled_signed_and_published(void **state)
{
    (void)state;
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", trust_state("") },
                                   { "rules_publish", "{\"done\":{\"version\":1}}\n" },
                                   { NULL, NULL } };
    struct problem problem;
    struct bytes document;
    char policy[1024];
    assert_non_null(getcwd(policy, sizeof(policy) - 32));
    (void)strcat(policy, "/hub/policy");
    start_daemon(script);
    assert_int_equal(run(NULL, PASS, "policy", "publish", policy, NULL), EXIT_DONE);
    json_t *publish = request("rules_publish", 0);
    struct buf rules = unbase64(publish, "document");
    assert_int_equal(rules_open(&trust, buf_bytes(&rules), &document, &problem), OK);
    free(rules.at);
    json_decref(publish);
    /* In two steps, the same. */
    assert_int_equal(run(NULL, PASS, "policy", "sign", policy, "-o", "rules.signed", NULL),
                     EXIT_DONE);
    assert_int_equal(run(NULL, "policy", "publish", "rules.signed", NULL), EXIT_DONE);
    publish = request("rules_publish", 1);
    rules = unbase64(publish, "document");
    assert_int_equal(rules_open(&trust, buf_bytes(&rules), &document, &problem), OK);
    free(rules.at);
    json_decref(publish);
    stop_daemon();
}

static int set_up(void **state)
{
    trust_open(&trust);
    return make_directory(state);
}

static int tear_down(void **state)
{
    trust_close(&trust);
    return remove_directory(state);
}

int main(void)
{
    /* One district's life: each goes on where the one before ended. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(founding_makes_two_keys_and_the_first_statement),
        cmocka_unit_test(founding_twice_is_refused),
        cmocka_unit_test(an_office_is_approved_with_the_keys_that_the_words_stand_for),
        cmocka_unit_test(a_statement_that_was_overtaken_is_signed_again),
        cmocka_unit_test(terms_are_checked_before_anybody_types_words),
        cmocka_unit_test(terms_are_renewed_by_number),
        cmocka_unit_test(kept_work_is_released_by_its_leaf),
        cmocka_unit_test(a_leaked_key_ends_at_the_positions_that_the_hub_has),
        cmocka_unit_test(a_restore_opens_the_next_epoch_at_the_cut),
        cmocka_unit_test(a_policy_source_is_compiled_signed_and_published),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
