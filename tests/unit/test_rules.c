#include "tests/unit/rules_fixture.h"

#define CLAIMED_MS UINT64_C(1780000000000) /* in May 2026 */

/* --- one record, one change --------------------------------------------------------------------
 */

static struct policy *policy;

struct slot {
    bool set;
    size_t len;
    uint8_t raw[256];
};

static struct case_of {
    struct slot stands[32], gives[32]; /* by the field's place */
    enum change_op op;
    authority_set letters;
    bool decides, knows_meeting;
    const char *meeting; /* its status; NULL: nil */
    enum signature_state signature;
    struct problem problem;
    struct warnings warnings;
} at;

static const struct policy_collection *usul(void)
{
    return policy_collection(policy, bytes_text("usul"));
}

static size_t place_of(const char *name)
{
    const struct policy_field *field = policy_field(usul(), bytes_text(name));
    assert_non_null(field);
    return (size_t)(field - usul()->fields);
}

static void put_text(struct slot *slots, const char *name, const char *text)
{
    struct slot *slot = &slots[place_of(name)];
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    if (text == NULL)
        writer_nil(&out);
    else
        writer_text(&out, text);
    slot->set = true;
    slot->len = out.buf.len;
}

static void put_int(struct slot *slots, const char *name, int64_t number)
{
    struct slot *slot = &slots[place_of(name)];
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    writer_int(&out, number);
    slot->set = true;
    slot->len = out.buf.len;
}

static void put_bool(struct slot *slots, const char *name, bool value)
{
    struct slot *slot = &slots[place_of(name)];
    slot->raw[0] = value ? 0xc3 : 0xc2;
    slot->set = true;
    slot->len = 1;
}

static void put_list(struct slot *slots, const char *name, const char *first, const char *second)
{
    struct slot *slot = &slots[place_of(name)];
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    writer_array(&out, second == NULL ? 1 : 2);
    writer_text(&out, first);
    if (second != NULL)
        writer_text(&out, second);
    slot->set = true;
    slot->len = out.buf.len;
}

static void put_ref(struct slot *slots, const char *name)
{
    struct slot *slot = &slots[place_of(name)];
    static const struct id id = { .at = { 7 } };
    struct writer out = writer_of(slot->raw, sizeof slot->raw);
    writer_bin(&out, bytes_id(&id));
    slot->set = true;
    slot->len = out.buf.len;
}

static bool stands(void *context, const struct policy_field *field, struct bytes *ret_raw)
{
    (void)context;
    const struct slot *slot = &at.stands[field - usul()->fields];
    *ret_raw = slot->set ? bytes_of(slot->raw, slot->len) : bytes_of(NULL, 0);
    return true;
}

static bool follow(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw)
{
    static uint8_t space[64];
    struct writer out = writer_of(space, sizeof space);
    (void)context;
    (void)reference;
    (void)id;
    *ret_collection = policy_collection(policy, bytes_text("rapat"));
    *ret_raw = bytes_of(NULL, 0);
    if (at.meeting != NULL && bytes_is(name, "status")) {
        writer_text(&out, at.meeting);
        *ret_raw = writer_bytes(&out);
    }
    return at.knows_meeting;
}

static enum signature_state signature(void *context, const struct policy_field *field,
                                      const struct expr_env *env)
{
    struct bytes raw;
    (void)context;
    return env->field(env->context, field, false, &raw) && raw.len > 0 ? at.signature
                                                                       : SIGNATURE_NONE;
}

static int compare_fields(const void *a, const void *b)
{
    const struct policy_field *const *left = a, *const *right = b;
    return codec_compare(bytes_text((*left)->name), bytes_text((*right)->name));
}

static struct bytes fields_given(uint8_t *space, size_t cap)
{
    const struct policy_field *list[32];
    size_t count = 0;
    for (size_t i = 0; i < usul()->field_count; i++)
        if (at.gives[i].set)
            list[count++] = &usul()->fields[i];
    if (count > 1)
        qsort(list, count, sizeof list[0], compare_fields);
    struct writer out = writer_of(space, cap);
    writer_map(&out, count);
    for (size_t i = 0; i < count; i++) {
        const struct slot *slot = &at.gives[list[i] - usul()->fields];
        writer_text(&out, list[i]->name);
        writer_raw(&out, bytes_of(slot->raw, slot->len));
    }
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

static struct rules_input input_of(struct author *author)
{
    *author = (struct author){ .authority = at.letters, .area = bytes_text("36.04") };
    return (struct rules_input){ .policy = policy,
                                 .author = author,
                                 .claimed_ms = CLAIMED_MS,
                                 .decides = at.decides,
                                 .stands = stands,
                                 .follow = follow,
                                 .signature = signature };
}

static enum err ask(enum err (*what)(const struct rules_input *in))
{
    uint8_t space[4096];
    struct author author;
    struct rules_input in = input_of(&author);
    const struct change change = { .op = at.op,
                                   .collection = bytes_text("usul"),
                                   .fields = fields_given(space, sizeof space) };
    in.change = &change;
    at.problem = (struct problem){ .code = OK };
    at.warnings.count = 0;
    return what(&in);
}

static enum err ask_check(const struct rules_input *in)
{
    return rules_check(in, &at.problem, &at.warnings);
}

static enum err ask_authority(const struct rules_input *in)
{
    return rules_authority(in, &at.problem);
}

static enum err check(void)
{
    return ask(ask_check);
}

/* An update of a record in `state`, by these letters, at the hub. */
static void begin(const char *state, authority_set letters)
{
    at = (struct case_of){ .op = OP_UPDATE,
                           .letters = letters,
                           .decides = true,
                           .knows_meeting = true,
                           .signature = SIGNATURE_OK };
    put_text(at.stands, "kec", "36.04.05");
    if (state != NULL)
        put_text(at.stands, "status", state);
}

static void refused(enum err code, const char *thing)
{
    enum err err = check();
    if (err != code || strcmp(at.problem.thing, thing) != 0)
        fail_msg("%s %s (%s), wanted %s %s", err_name(err), at.problem.thing, at.problem.detail,
                 err_name(code), thing);
}

static void passes(void)
{
    enum err err = check();
    if (err != OK)
        fail_msg("%s %s: %s", err_name(err), at.problem.thing, at.problem.detail);
}

#define T AUTHORITY('T')
#define D AUTHORITY('D')
#define K AUTHORITY('K')

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

static void a_forbidden_move_says_the_state_the_letters_and_what_is_open(void **state)
{
    (void)state;
    begin("diajukan", D);
    put_text(at.gives, "status", "ditandatangani");
    refused(ERR_WORKFLOW, "usul.status");
    assert_non_null(strstr(at.problem.detail, "diajukan"));
    assert_non_null(strstr(at.problem.detail, "ditandatangani (T)"));
    assert_non_null(strstr(at.problem.detail, "batal (DT)"));
    assert_non_null(strstr(at.problem.detail, "(D);"));
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
    assert_string_equal(at.warnings.list[0].detail, "Hadir banyak sekali");
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
    assert_string_equal(text, "Draf (TKSK); diajukan (T), batal (DT)");
    rules_refusal(policy, usul(), ERR_AUTHORITY, bytes_text("isi"), bytes_of(NULL, 0), NULL, text,
                  sizeof text);
    assert_string_equal(text, "T (TKSK)");
    rules_refusal(policy, usul(), ERR_RULE, bytes_text("tidak_ada"), bytes_of(NULL, 0), NULL, text,
                  sizeof text);
    assert_string_equal(text, "");
}

/* --- endorsements ------------------------------------------------------------------------------
 */

static bool env_field(void *context, const struct policy_field *field, bool old,
                      struct bytes *ret_raw)
{
    (void)old;
    return stands(context, field, ret_raw);
}

static void an_endorsement_holds_for_the_covered_values_of_that_record_only(void **state)
{
    (void)state;
    uint8_t space[1024];
    struct endorsement made = { .operator_number = 7, .trust_version = 3, .signed_ms = 99 }, read;
    const struct policy_field *field = policy_field(usul(), bytes_text("ttd"));
    const struct expr_env env = { .collection = usul(), .field = env_field };
    struct id record = { .at = { 1 } };
    struct secret_key *key = secret_key_new();
    struct public_key public_key;
    char text[ENDORSEMENT_TEXT_BYTES];
    assert_non_null(key);
    crypto_sign_public(key, &public_key);
    begin("diajukan", T);
    put_text(at.stands, "isi", "kursi roda");
    struct writer out = writer_of(space, sizeof space);
    assert_int_equal(endorsement_statement(&made, DISTRICT, usul(), field, &record, &env, &out),
                     OK);
    endorsement_sign(&made, writer_bytes(&out), key);
    endorsement_text(&made, text);
    assert_true(endorsement_parse(bytes_text(text), &read));
    assert_memory_equal(&read, &made, sizeof read);
    assert_true(endorsement_verify(&read, writer_bytes(&out), &public_key));

    for (int change = 0; change < 5; change++) {
        struct endorsement other = made;
        struct id other_record = record;
        const char *district = DISTRICT;
        bool counts = change != 4;
        begin("diajukan", T);
        put_text(at.stands, "isi", change == 0 ? "kursi rodA" : "kursi roda");
        if (change == 1)
            put_text(at.stands, "program", "pkh");
        if (change == 2)
            other_record.at[15] = 1;
        if (change == 3)
            other.signed_ms++;
        if (change == 4)
            put_int(at.stands, "nominal", 5); /* is not covered */
        out = writer_of(space, sizeof space);
        assert_int_equal(
            endorsement_statement(&other, district, usul(), field, &other_record, &env, &out), OK);
        assert_int_equal(endorsement_verify(&other, writer_bytes(&out), &public_key), !counts);
    }
    secret_key_close(&key);
}

static void an_endorsement_has_one_way_to_be_written(void **state)
{
    (void)state;
    static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
                              "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    static const char *const wrong[] = {
        "01/1/1/%s", "1/1/%s",    "1/1/1/%sa",     "1/1/1/%.126s",   "/1/1/%s",
        "1/1/-1/%s", " 1/1/1/%s", "1/1/1/%.127sG", "1/1/1/AA%.126s", "1/1/1234567890123456789/%s"
    };
    struct endorsement read;
    char text[256];
    snprintf(text, sizeof text, "1/0/123456789012345678/%s", hex);
    assert_true(endorsement_parse(bytes_text(text), &read));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        snprintf(text, sizeof text, wrong[i], hex);
        if (endorsement_parse(bytes_text(text), &read))
            fail_msg("taken: %s", text);
    }
}

static int open_policy(void **state)
{
    if (start_crypto(state) != 0)
        return -1;
    policy = policy_of(WORK_SOURCE, 1, NULL);
    return 0;
}

static int close_policy(void **state)
{
    (void)state;
    policy_close(&policy);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_old_record_keeps_the_codes_of_its_day),
        cmocka_unit_test(a_date_that_moves_takes_no_ended_code_along),
        cmocka_unit_test(a_move_along_an_edge_of_the_own_letters_passes),
        cmocka_unit_test(a_forbidden_move_says_the_state_the_letters_and_what_is_open),
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
        cmocka_unit_test(an_endorsement_holds_for_the_covered_values_of_that_record_only),
        cmocka_unit_test(an_endorsement_has_one_way_to_be_written),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
