#include "tests/unit/rules_fixture.h"

/* --- codes of the day ---------------------------------------------------------------------------
 */

static void an_old_record_keeps_the_codes_of_its_day(void **state)
{
    (void)state;
    begin("draf", T);
    put_text(at.stands, "tgl", "2012-06-01");
    put_text(at.stands, "program", "pkh");
    put_text(at.gives, "program", "raskin");
    passes();
    put_text(at.gives, "program", "kube");
    refused(ERR_CODE, "usul.program");
    put_text(at.stands, "tgl", "2020-06-01");
    passes();
    put_text(at.gives, "program", "raskin");
    refused(ERR_CODE, "usul.program");
}

static void a_date_that_moves_takes_no_ended_code_along(void **state)
{
    (void)state;
    begin("draf", T);
    put_text(at.stands, "tgl", "2012-06-01");
    put_text(at.stands, "program", "raskin");
    put_text(at.gives, "isi", "lain");
    passes();
    put_text(at.gives, "tgl", "2012-07-01");
    passes();
    put_text(at.gives, "tgl", "2020-07-01");
    refused(ERR_CODE, "usul.program");
    put_text(at.gives, "program", "kube");
    passes();
}

/* --- states ------------------------------------------------------------------------------------
 */

static void a_move_along_an_edge_of_the_own_letters_passes(void **state)
{
    (void)state;
    begin("draf", T);
    put_text(at.gives, "status", "batal");
    passes();
    begin("draf", D);
    put_text(at.gives, "status", "batal");
    passes();
}

static void a_forbidden_move_says_the_state_what_is_open_and_for_whom(void **state)
{
    (void)state;
    begin("diajukan", D);
    put_text(at.gives, "status", "ditandatangani");
    refused(ERR_WORKFLOW, "usul.status");
    assert_non_null(strstr(at.problem.detail, "diajukan"));
    assert_non_null(strstr(at.problem.detail, "ditandatangani (TKSK)"));
    assert_non_null(strstr(at.problem.detail, "batal (Dinas / TKSK)"));
    begin("batal", T);
    put_text(at.gives, "status", "draf");
    refused(ERR_WORKFLOW, "usul.status");
}

static void nobody_goes_the_ways_of_the_hub(void **state)
{
    (void)state;
    begin("ditandatangani", T | D | AUTHORITY('H'));
    put_text(at.stands, "ttd", "1/1/1/x");
    put_text(at.gives, "status", "diterima");
    at.letters = T | D;
    refused(ERR_WORKFLOW, "usul.status");
    assert_non_null(strstr(at.problem.detail, "; -")); /* nothing is open to people */
}

static void the_state_that_stands_may_be_written_again(void **state)
{
    (void)state;
    begin("diajukan", D);
    put_text(at.gives, "status", "diajukan");
    passes();
}

static void a_state_is_not_emptied(void **state)
{
    (void)state;
    begin("draf", T);
    put_text(at.gives, "status", NULL);
    refused(ERR_WORKFLOW, "usul.status");
}

static void a_record_begins_where_an_edge_from_nowhere_leads(void **state)
{
    (void)state;
    begin(NULL, T);
    at.op = OP_CREATE;
    put_text(at.gives, "status", "draf");
    passes();
    put_text(at.gives, "status", "diajukan");
    put_text(at.gives, "isi", "x");
    refused(ERR_WORKFLOW, "usul.status");
    begin(NULL, D); /* the default state asks for no letter */
    at.op = OP_CREATE;
    put_text(at.gives, "status", "draf");
    passes();
}

static void what_a_step_requires_is_there_before_or_with_it(void **state)
{
    (void)state;
    begin("draf", T);
    put_text(at.gives, "status", "diajukan");
    refused(ERR_REQUIRED, "usul.isi");
    assert_string_equal(at.problem.detail, "diajukan");
    put_text(at.gives, "isi", "x");
    passes();
    put_text(at.gives, "isi", NULL);
    put_text(at.stands, "isi", "x");
    refused(ERR_REQUIRED, "usul.isi");
    begin("draf", T);
    put_text(at.stands, "isi", "x");
    put_text(at.gives, "status", "diajukan");
    passes();
}

/* --- frozen, appended --------------------------------------------------------------------------
 */

static void in_a_frozen_state_only_what_is_open_changes(void **state)
{
    (void)state;
    begin("sah", T);
    put_text(at.stands, "isi", "x");
    put_text(at.gives, "isi", "y");
    refused(ERR_FROZEN, "usul.isi");
    assert_string_equal(at.problem.detail, "sah");
    put_text(at.gives, "isi", "x"); /* the same again changes nothing */
    passes();
    put_text(at.gives, "isi", NULL);
    refused(ERR_FROZEN, "usul.isi");
    begin("sah", T);
    put_list(at.gives, "log", "a", NULL);
    passes();
    begin("sah", T);
    at.op = OP_DELETE;
    refused(ERR_FROZEN, "usul.status");
}

static void what_freezes_may_be_written_in_the_step_that_freezes(void **state)
{
    (void)state;
    begin("diajukan", T);
    put_int(at.gives, "hadir", 2);
    put_text(at.gives, "isi", "z");
    put_text(at.gives, "status", "sah");
    passes();
}

static void a_list_that_is_appended_to_keeps_what_stands(void **state)
{
    (void)state;
    begin("draf", T);
    put_list(at.stands, "log", "a", NULL);
    put_list(at.gives, "log", "a", "b");
    passes();
    put_list(at.gives, "log", "b", "a");
    refused(ERR_APPEND, "usul.log");
    put_text(at.gives, "log", NULL);
    refused(ERR_APPEND, "usul.log");
    begin("draf", T);
    at.op = OP_RESOLVE; /* an answer to a conflict is no way around it */
    put_list(at.stands, "log", "a", "b");
    put_list(at.gives, "log", "a", NULL);
    refused(ERR_APPEND, "usul.log");
}

/* --- rules -------------------------------------------------------------------------------------
 */

static void a_rule_refuses_with_its_label_and_remedy(void **state)
{
    (void)state;
    begin("draf", T);
    put_int(at.gives, "nominal", 1001);
    refused(ERR_RULE, "usul.nominal_batas");
    assert_string_equal(at.problem.detail, "Nominal terlalu besar; kurangi");
    put_int(at.gives, "nominal", 1000);
    passes();
    begin("draf", T); /* whenever it is written, also another field */
    put_int(at.stands, "nominal", 5000);
    put_text(at.gives, "isi", "x");
    refused(ERR_RULE, "usul.nominal_batas");
}

static void a_rule_that_warns_refuses_nothing(void **state)
{
    (void)state;
    begin("draf", T);
    put_int(at.gives, "hadir", 100);
    passes();
    assert_int_equal(at.warnings.count, 1);
    assert_int_equal(at.warnings.list[0].code, ERR_RULE_WARNS);
    assert_string_equal(at.warnings.list[0].thing, "usul.hadir");
    assert_string_equal(at.warnings.list[0].detail, "Hadir banyak sekali; periksa");
}

static void a_rule_of_an_edge_is_asked_on_that_edge_only(void **state)
{
    (void)state;
    begin("diajukan", T);
    put_text(at.gives, "status", "sah");
    refused(ERR_RULE, "usul.kuorum_perlu");
    begin("draf", T);
    put_text(at.gives, "isi", "x");
    passes();
}

static void a_rule_that_keeps_is_asked_of_a_delete_too(void **state)
{
    (void)state;
    begin("draf", T);
    at.op = OP_DELETE;
    put_ref(at.stands, "rapat");
    at.meeting = "batal";
    refused(ERR_RULE, "usul.tetap");
    at.meeting = "sah";
    passes();
    put_int(at.stands, "nominal", 5000); /* rules of writing are not */
    passes();
}

static void what_is_unknown_refuses_nothing_at_an_office_and_all_at_the_hub(void **state)
{
    (void)state;
    for (int hub = 0; hub < 2; hub++) {
        begin("draf", T);
        at.decides = hub == 1;
        at.knows_meeting = false;
        put_ref(at.gives, "rapat");
        if (hub == 1)
            refused(ERR_RULE, "usul.tetap");
        else
            passes();
    }
}

/* --- the hub's ways ----------------------------------------------------------------------------
 */

static void sign_now(void)
{
    begin("diajukan", T);
    put_bool(at.gives, "tahu", true);
    put_text(at.gives, "ttd", "1/1/1/x");
    put_text(at.gives, "status", "ditandatangani");
}

static void a_step_into_the_hubs_hands_is_refused_with_the_first_rule_that_fails(void **state)
{
    (void)state;
    sign_now();
    passes();
    at.signature = SIGNATURE_NONE;
    refused(ERR_RULE, "usul.tanpa_ttd");
    at.signature = SIGNATURE_ENDED;
    refused(ERR_RULE, "usul.dicabut");
    at.signature = SIGNATURE_AREA;
    refused(ERR_RULE, "usul.wilayah");
    sign_now();
    put_text(at.stands, "program", "kube");
    put_ref(at.stands, "rapat");
    at.meeting = "draf";
    refused(ERR_RULE, "usul.perlu_rapat");
    at.meeting = "sah";
    passes();
    put_text(at.stands, "program", "pkh");
    at.meeting = "draf";
    passes();
}

static void a_quorum_that_is_lost_in_the_same_edit_counts_as_lost(void **state)
{
    (void)state;
    begin("diajukan", T);
    put_int(at.stands, "hadir", 2);
    put_bool(at.stands, "kuorum", true);
    put_text(at.gives, "status", "sah");
    passes();
    put_int(at.gives, "hadir", 1);
    refused(ERR_RULE, "usul.kuorum_perlu");
    begin("diajukan", T); /* and one that is reached, as reached */
    put_bool(at.stands, "kuorum", false);
    put_int(at.gives, "hadir", 2);
    put_text(at.gives, "status", "sah");
    passes();
}

/* --- authority that holds for some records -----------------------------------------------------
 */

static enum err authority(void)
{
    return ask(ask_authority);
}

static void a_letter_counts_where_its_condition_holds(void **state)
{
    (void)state;
    begin("draf", K);
    put_text(at.stands, "program", "pkh");
    put_int(at.gives, "nominal", 5);
    assert_int_equal(authority(), OK);
    put_text(at.stands, "program", "kube");
    assert_int_equal(authority(), ERR_AUTHORITY);
    assert_string_equal(at.problem.thing, "usul.nominal");
    assert_non_null(strstr(at.problem.detail, "T (TKSK)"));
}

static void nobody_makes_a_record_his_own(void **state)
{
    (void)state;
    begin("draf", K);
    put_text(at.stands, "program", "kube");
    put_text(at.gives, "program", "pkh");
    put_int(at.gives, "nominal", 5);
    assert_int_equal(authority(), ERR_AUTHORITY);
    at.op = OP_CREATE;
    assert_int_equal(authority(), OK);
}

/* --- what the hub adds -------------------------------------------------------------------------
 */

static enum err put(void *context, const struct policy_field *field, struct bytes value)
{
    struct slot *slot = &at.stands[field - usul()->fields];
    (void)context;
    assert_true(value.len <= sizeof slot->raw);
    slot->set = value.len > 0;
    slot->len = value.len;
    if (value.len > 0)
        memcpy(slot->raw, value.at, value.len);
    return OK;
}

static void finish(void)
{
    struct author author;
    struct rules_input in = input_of(&author);
    assert_int_equal(rules_finish(&in, usul(), put), OK);
}

static const char *text_at(const char *name)
{
    static char text[64];
    const struct slot *slot = &at.stands[place_of(name)];
    struct reader reader = reader_of(bytes_of(slot->raw, slot->len));
    struct bytes found = slot->set ? reader_str(&reader) : bytes_of(NULL, 0);
    snprintf(text, sizeof text, "%.*s", (int)found.len, (const char *)found.at);
    return text;
}

static void computed_fields_follow_what_they_are_made_of(void **state)
{
    (void)state;
    begin("draf", T);
    put_int(at.stands, "hadir", 3);
    finish();
    struct slot *doubled = &at.stands[place_of("ganda")], *quorum = &at.stands[place_of("kuorum")];
    assert_true(doubled->set && doubled->len == 1 && doubled->raw[0] == 6);
    assert_true(quorum->set && quorum->raw[0] == 0xc3);
    at.stands[place_of("hadir")].set = false; /* and go with it */
    finish();
    assert_false(doubled->set);
    assert_true(quorum->raw[0] == 0xc2);
}

static void the_hub_goes_the_first_of_its_ways_that_is_open(void **state)
{
    (void)state;
    begin("ditandatangani", T);
    put_bool(at.stands, "tahu", true);
    put_text(at.stands, "ttd", "1/1/1/x");
    finish();
    assert_string_equal(text_at("status"), "diterima");
    begin("ditandatangani", T);
    at.signature = SIGNATURE_NONE;
    put_text(at.stands, "ttd", "1/1/1/x");
    finish();
    assert_string_equal(text_at("status"), "ditandatangani");
}

/* --- what came back, for people ----------------------------------------------------------------
 */

static void a_refusal_that_came_back_speaks_in_the_words_of_the_policy(void **state)
{
    (void)state;
    char text[PROBLEM_DETAIL_MAX];
    rules_refusal(policy, usul(), ERR_RULE, bytes_text("tanpa_ttd"), bytes_of(NULL, 0), NULL, text,
                  sizeof text);
    assert_string_equal(text, "Belum ditandatangani; tanda tangani");
    rules_refusal(policy, usul(), ERR_WORKFLOW, bytes_text("status"), bytes_text("draf"), "TKSK",
                  text, sizeof text);
    assert_string_equal(text, "Draf (TKSK); diajukan (TKSK), batal (Dinas / TKSK)");
    rules_refusal(policy, usul(), ERR_AUTHORITY, bytes_text("isi"), bytes_of(NULL, 0), NULL, text,
                  sizeof text);
    assert_string_equal(text, "T (TKSK)");
    rules_refusal(policy, usul(), ERR_RULE, bytes_text("tidak_ada"), bytes_of(NULL, 0), NULL, text,
                  sizeof text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_record_keeps_the_codes_of_its_day),
        cmocka_unit_test(a_date_that_moves_takes_no_ended_code_along),
        cmocka_unit_test(a_move_along_an_edge_of_the_own_letters_passes),
        cmocka_unit_test(a_forbidden_move_says_the_state_what_is_open_and_for_whom),
        cmocka_unit_test(nobody_goes_the_ways_of_the_hub),
        cmocka_unit_test(the_state_that_stands_may_be_written_again),
        cmocka_unit_test(a_state_is_not_emptied),
        cmocka_unit_test(a_record_begins_where_an_edge_from_nowhere_leads),
        cmocka_unit_test(what_a_step_requires_is_there_before_or_with_it),
        cmocka_unit_test(in_a_frozen_state_only_what_is_open_changes),
        cmocka_unit_test(what_freezes_may_be_written_in_the_step_that_freezes),
        cmocka_unit_test(a_list_that_is_appended_to_keeps_what_stands),
        cmocka_unit_test(a_rule_refuses_with_its_label_and_remedy),
        cmocka_unit_test(a_rule_that_warns_refuses_nothing),
        cmocka_unit_test(a_rule_of_an_edge_is_asked_on_that_edge_only),
        cmocka_unit_test(a_rule_that_keeps_is_asked_of_a_delete_too),
        cmocka_unit_test(what_is_unknown_refuses_nothing_at_an_office_and_all_at_the_hub),
        cmocka_unit_test(a_step_into_the_hubs_hands_is_refused_with_the_first_rule_that_fails),
        cmocka_unit_test(a_quorum_that_is_lost_in_the_same_edit_counts_as_lost),
        cmocka_unit_test(a_letter_counts_where_its_condition_holds),
        cmocka_unit_test(nobody_makes_a_record_his_own),
        cmocka_unit_test(computed_fields_follow_what_they_are_made_of),
        cmocka_unit_test(the_hub_goes_the_first_of_its_ways_that_is_open),
        cmocka_unit_test(a_refusal_that_came_back_speaks_in_the_words_of_the_policy),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
