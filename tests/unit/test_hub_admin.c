/* Founding a district at the hub, publishing, joining. */
#include "tests/unit/hub_admin_fixture.h"

/* ---- before there is a district */

static void a_daemon_without_trust_says_the_next_command(void **state)
{
    (void)state;
    ask_done("hello", NULL);
    assert_string_equal(done_text("program"), "tksk-hub");
    assert_true(json_is_null(json_object_get(answer.done, "district")));
    ask_done("status", NULL);
    assert_non_null(strstr(done_text("next"), "trust init"));
    assert_int_equal(done_int("trust_version"), 0);
    assert_null(hub.access);
    ask_done("trust_state", NULL);
    assert_int_equal(done_int("version"), 0);
    ask_refused("nodes", NULL, ERR_STATE);
    ask_refused("query", sql_args("SELECT 1"), ERR_STATE);
    ask_refused("no_such_command", NULL, ERR_USAGE);
}

static void keys_name_an_endpoint_that_offices_can_reach(void **state)
{
    (void)state;
    char hex[2 * PUBLIC_KEY_BYTES + 1];
    ask_done("keys", NULL);
    crypto_hex(bytes_of(hub.keys.sign_public.at, PUBLIC_KEY_BYTES), hex);
    assert_string_equal(done_text("sign_key"), hex);
    assert_int_equal(done_int("seal_number"), 1);
    const json_t *endpoints = json_object_get(answer.done, "endpoints");
    assert_int_equal(json_array_size(endpoints), 1);
    assert_string_equal(json_string_value(json_array_get(endpoints, 0)),
                        hub_access_endpoint(hub.access));
}

static void a_statement_that_names_other_hub_keys_founds_nothing(void **state)
{
    (void)state;
    struct trust nothing;
    trust_open(&nothing);
    district.keys = made_keys;
    ask_refused("trust_publish", statement_args(fix_founding(&district, &nothing)), ERR_KEY);
    ask_refused("trust_publish", json_pack("{s:s}", "statement", "AAAA"), ERR_MALFORMED);
    ask_refused("trust_publish", json_pack("{s:s}", "statement", "no base 64!"), ERR_MALFORMED);
    ask_refused("trust_publish", NULL, ERR_USAGE);
    assert_null(hub.store);
    trust_close(&nothing);
}

/* ---- founding */

static void founding_opens_the_door_and_outlives_a_restart(void **state)
{
    (void)state;
    char endpoint[ENDPOINT_TEXT_MAX + 1];
    found();
    assert_non_null(hub.access);
    snprintf(endpoint, sizeof endpoint, "%s", hub_access_endpoint(hub.access));
    daemon_down();
    daemon_up();
    assert_non_null(hub.access);
    assert_string_equal(hub_access_endpoint(hub.access), endpoint); /* offices know this port */
    ask_done("status", NULL);
    assert_string_equal(done_text("district"), FIX_DISTRICT);
    assert_int_equal(done_int("trust_version"), 1);
    assert_int_equal(done_int("journal"), 1);
    assert_non_null(strstr(done_text("next"), "policy publish"));
    ask_done("trust_state", NULL);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(answer.done, "signers"), "keys")), 1);
}

static void statements_out_of_order_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct trust nothing;
    struct fix_office office;
    fix_office_open(&office, "36.04.29", 1);
    found();
    trust_open(&nothing);
    ask_refused("trust_publish", statement_args(fix_founding(&district, &nothing)), ERR_STATE);
    struct bytes statement = fix_enrolment(&district, hub_store_trust(hub.store), &office);
    uint8_t altered[TRUST_STATEMENT_BYTES_MAX];
    memcpy(altered, statement.at, statement.len);
    altered[statement.len - 1] ^= 1;
    ask_refused("trust_publish", statement_args(bytes_of(altered, statement.len)), ERR_SIGNATURE);
    assert_int_equal(hub_store_trust(hub.store)->version, 1);
    ask_done("trust_publish", statement_args(bytes_of(statement.at, statement.len)));
    assert_int_equal(done_int("version"), 2);
    ask_done("nodes", NULL);
    assert_int_equal(json_array_size(answer.rows), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(answer.rows, 0), "state")),
                        "never");
    trust_close(&nothing);
    fix_office_close(&office);
}

static void rules_are_published_once_and_come_back_as_signed(void **state)
{
    (void)state;
    found();
    ask_refused("rules_get", NULL, ERR_NOT_FOUND);
    ask_refused("rules_publish", json_pack("{s:s}", "document", "AAAA"), ERR_MALFORMED);
    struct bytes document = rules_made(1);
    ask_done("rules_publish", document_args(document));
    assert_int_equal(done_int("version"), 1);
    ask_done("rules_get", NULL);
    struct buf back = buf_of(malloc(document.len + 64), document.len + 64);
    assert_ok(crypto_unbase64(bytes_text(done_text("document")), &back));
    assert_true(bytes_equal(buf_bytes(&back), document));
    free(back.at);
    ask("rules_publish", document_args(document));
    assert_non_null(answer.error);
    ask_refused("rules_get", json_pack("{s:i}", "version", 9), ERR_NOT_FOUND);
}

/* ---- joining */

static void an_invite_is_a_file_and_wrong_words_approve_nobody(void **state)
{
    (void)state;
    struct invite invite;
    struct problem problem = { .code = OK };
    found();
    ask_done("invite", json_pack("{s:s, s:i}", "node", "36.04.29", "hours", 24));
    assert_ok(invite_parse(bytes_text(done_text("invite")), &invite, &problem));
    assert_string_equal(invite.node, "36.04.29");
    ask_refused("invite", json_pack("{s:s, s:i}", "node", "kantor", "hours", 24), ERR_VALUE);
    ask_refused("invite", json_pack("{s:s, s:i}", "node", "36.04.29", "hours", -1), ERR_USAGE);
    ask_done("enrolments", NULL);
    assert_int_equal(json_array_size(answer.rows), 0);
    ask_refused("enrolment_check",
                json_pack("{s:s, s:s, s:s}", "node", "36.04.29", "kind", "node", "words",
                          "baku baku baku baku baku baku"),
                ERR_NOT_FOUND);
    ask_refused("enrolment_check",
                json_pack("{s:s, s:s, s:s}", "node", "36.04.29", "kind", "other", "words", "x"),
                ERR_USAGE);
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_daemon_without_trust_says_the_next_command),
        TEST(keys_name_an_endpoint_that_offices_can_reach),
        TEST(a_statement_that_names_other_hub_keys_founds_nothing),
        TEST(founding_opens_the_door_and_outlives_a_restart),
        TEST(statements_out_of_order_are_refused_and_change_nothing),
        TEST(rules_are_published_once_and_come_back_as_signed),
        TEST(an_invite_is_a_file_and_wrong_words_approve_nobody),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    answer_close();
    return failed;
}
