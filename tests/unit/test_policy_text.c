#include "proto/chain.h"
#include "tests/unit/policy_fixture.h"

static uint8_t space[RULES_BYTES_MAX];

/* Compiles HEAD LISTS and then `text`, which starts at line 12. */
static enum err compile(const char *text, struct problem *problem)
{
    char whole[16384];
    struct buf ret = buf_of(space, sizeof space);
    int len = snprintf(whole, sizeof whole, "%s%s%s", HEAD, LISTS, text);
    assert_true(len > 0 && (size_t)len < sizeof whole);
    *problem = (struct problem){ .code = OK };
    enum err err = compile_bytes(bytes_text(whole), NULL, 1, NULL, &ret, problem);
    assert_int_equal(ret.len > 0, err == OK);
    return err;
}

static void refused(const char *text, enum err code, const char *thing, const char *detail)
{
    struct problem problem;
    enum err err = compile(text, &problem);
    if (err != code || strcmp(problem.thing, thing) != 0 || !strstr(problem.detail, detail))
        print_error("%s\ngot %s: %s: %s\n", text, err_name(err), problem.thing, problem.detail);
    assert_int_equal(err, code);
    assert_int_equal(problem.code, code);
    assert_string_equal(problem.thing, thing);
    assert_non_null(strstr(problem.detail, detail));
}

/* One field `x` more in a collection that is otherwise right. */
static void field_refused(const char *options, const char *detail)
{
    char text[4096];
    snprintf(text, sizeof text,
             "collection k { area_field = kec\n"
             "field kec { type = area required = true" REST "field x { %s }\n}\n",
             options);
    refused(text, ERR_POLICY_MEANING, "10-a.conf:14 collection k field x", detail);
}

static void reference_policy_compiles_small(void **state)
{
    (void)state;
    static const struct hash zero;
    struct buf document = buf_of(space, sizeof space);
    struct problem problem = { .code = OK };
    struct policy *policy = NULL;
    enum err err = policy_text_compile("hub/policy", DISTRICT, 1, &zero, &document, &problem);
    if (err != OK)
        print_error("%s: %s\n", problem.thing, problem.detail);
    assert_int_equal(err, OK);
    assert_true(document.len <
                192 * 1024); /* goes down a 2G link, and stays in an office's memory */
    assert_int_equal(policy_decode(buf_bytes(&document), &policy, &problem), OK);

    assert_int_equal(policy->area_count, 2 + 29 + 326);
    assert_null(policy_area(policy, bytes_text("74")));
    assert_int_equal(policy_setting(policy, "idle_lock_minutes", 0), 15);
    policy_close(&policy);
    assert_null(policy);
}

static void equal_sources_give_equal_bytes_whatever_their_order(void **state)
{
    (void)state;
    static uint8_t other[RULES_BYTES_MAX];
    struct buf one = buf_of(space, sizeof space);
    struct buf two = buf_of(other, sizeof other);
    struct problem problem;
    assert_int_equal(
        compile_bytes(bytes_text(HEAD LISTS COLLECTION), NULL, 1, NULL, &one, &problem), OK);
    assert_int_equal(
        compile_bytes(bytes_text(COLLECTION), LISTS "# catatan\r\n" HEAD, 1, NULL, &two, &problem),
        OK);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    assert_int_equal(codec_scan(buf_bytes(&one)), OK);
}

static void syntax_errors_name_file_and_line(void **state)
{
    (void)state;
    refused("collection k {\n area_field = kec\n", ERR_POLICY_SYNTAX, "10-a.conf:12",
            "collection k");
    refused("collection k { }\n}\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "}");
    refused("collection k {\n title = 'Orang\n }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "quote");
    refused("collection k {\n title 'Orang' }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "=");
    refused("collection k {\n lable = 'x' }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "lable");
    refused("\nbogus k { }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "bogus");
    refused("title = x\n", ERR_POLICY_SYNTAX, "10-a.conf:12", "outside");
    refused("include('/etc/passwd')\n", ERR_POLICY_SYNTAX, "10-a.conf:12", "character");
    refused("collection k {\n title += 'x' }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "character");
    refused("collection k {\n title = Ma'ruf\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "quote");
    refused("role r {\n authority = {T,} }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "comma");
    refused("/* open\n", ERR_POLICY_SYNTAX, "10-a.conf:12", "comment");
    refused("role r { label = 'tab\there' }\n", ERR_POLICY_SYNTAX, "10-a.conf:12", "control");
}

static void environment_is_never_expanded(void **state)
{
    (void)state;
    setenv("TKSK_TEST", "bocor", 1);
    refused("role r {\n label = \"${TKSK_TEST}\" }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "${");
    refused("role r {\n label = '${TKSK_TEST}' }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "${");
    refused("role r {\n label = ${TKSK_TEST} }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "${");
    refused("role ${TKSK_TEST} { }\n", ERR_POLICY_SYNTAX, "10-a.conf:12", "${");
}

static void nul_and_escapes_never_cut_a_text(void **state)
{
    (void)state;
    static const char nul[] = "role r {\n label = 'a\0b' }\n";
    struct buf ret = buf_of(space, sizeof space);
    struct problem problem;
    assert_int_equal(compile_bytes(bytes_of(nul, sizeof nul - 1), NULL, 1, NULL, &ret, &problem),
                     ERR_POLICY_SYNTAX);
    assert_string_equal(problem.thing, "10-a.conf:2");
    assert_string_equal(problem.detail, "a NUL byte");
    refused("role r {\n label = \"a\\x00b\" }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "backslash");
    refused("role r {\n label = \"a\\0b\" }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "backslash");
    refused("role r {\n label = 'a\\nb' }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "backslash");
    refused("role r {\n label = 'a\xff' }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "UTF-8");
    refused("role r {\n label = '\xed\xa0\x80' }\n", ERR_POLICY_SYNTAX, "10-a.conf:13", "UTF-8");
    struct policy *policy = policy_of(
        HEAD LISTS COLLECTION "role r { label = 'Ma\\'ruf \\\\ \xe2\x80\x99' }\n", 1, NULL);
    assert_string_equal(policy_role(policy, bytes_text("r"))->label, "Ma'ruf \\ \xe2\x80\x99");
    policy_close(&policy);
}

static void byte_order_mark_is_refused_with_the_way_out(void **state)
{
    (void)state;
    struct buf ret = buf_of(space, sizeof space);
    struct problem problem;
    assert_int_equal(compile_bytes(bytes_text("\xEF\xBB\xBF" HEAD), NULL, 1, NULL, &ret, &problem),
                     ERR_POLICY_SYNTAX);
    assert_non_null(strstr(problem.detail, "byte order mark"));
}

static void second_key_or_section_is_refused_with_both_places(void **state)
{
    (void)state;
    refused("role r {\n label = 'satu'\n label = 'dua' }\n", ERR_POLICY_DUPLICATE,
            "10-a.conf:14 role r label", "10-a.conf:13");
    refused("role tksk { label = 'lain' }\n", ERR_POLICY_DUPLICATE, "10-a.conf:12 role tksk",
            "10-a.conf:4");
    refused("settings { x = 1 }\n", ERR_POLICY_DUPLICATE, "10-a.conf:12 settings", "10-a.conf:5");
    refused("collection k {\n field a { type = text }\n field a { type = date } }\n",
            ERR_POLICY_DUPLICATE, "10-a.conf:14 collection k field a", "10-a.conf:13");
    refused("code_list l { version '2020-01-01' {\n code a { }\n code 'a' { } } }\n",
            ERR_POLICY_DUPLICATE, "10-a.conf:14 code_list l version 2020-01-01 code a",
            "10-a.conf:13");
    refused("role r { authority = {T} authority = {D} }\n", ERR_POLICY_DUPLICATE,
            "10-a.conf:12 role r authority", "10-a.conf:12");

    struct buf ret = buf_of(space, sizeof space);
    struct problem problem;
    assert_int_equal(compile_bytes(bytes_text(HEAD LISTS COLLECTION), "\nrole tksk { }\n", 1, NULL,
                                   &ret, &problem),
                     ERR_POLICY_DUPLICATE);
    assert_string_equal(problem.thing, "20-b.conf:2 role tksk");
    assert_string_equal(problem.detail, "10-a.conf:4");
}

/* What stands in the field, and a word of the refusal. */
static const char *const wrong_options[][2] = {
    { "type = texxt authority = {T} sensitivity = U", "field types" },
    { "authority = {T} sensitivity = U", "field types" },
    { "type = text authority = {T}", "sensitivity" },
    { "type = text authority = {T} sensitivity = X", "sensitivity" },
    { "type = text sensitivity = U", "authority" },
    { "type = text sensitivity = U authority = {Z}", "not declared" },
    { "type = text sensitivity = U authority = {T, T}", "twice" },
    { "type = text sensitivity = U authority = {tksk}", "capital" },
    { "type = text required = ya authority = {T} sensitivity = U", "true or false" },
    { "type = text length = banyak authority = {T} sensitivity = U", "whole number" },
    { "type = text length = 0 authority = {T} sensitivity = U", "length" },
    { "type = text length = 99999 authority = {T} sensitivity = U", "length" },
    { "type = text max = 3 authority = {T} sensitivity = U", "no option of type" },
    { "type = enum authority = {T} sensitivity = U", "needs codes" },
    { "type = enum codes = tak_ada authority = {T} sensitivity = U", "tak_ada" },
    { "type = reference authority = {T} sensitivity = U", "needs targets" },
    { "type = list authority = {T} sensitivity = U", "element" },
    { "type = list element = list authority = {T} sensitivity = U", "hold" },
    { "type = integer min = 3 max = 2 authority = {T} sensitivity = U", "min" },
    { "type = area child_of = entah authority = {T} sensitivity = U", "entah" },
    { "type = area level = 9 authority = {T} sensitivity = U", "level" },
    { "type = integer default = lima authority = {T} sensitivity = U", "default" },
    { "type = integer max = 3 default = 5 authority = {T} sensitivity = U", "default" },
    { "type = enum codes = warna default = ungu authority = {T} sensitivity = U", "default" },
    { "type = integer default = 1 authority = {H} sensitivity = U", "computed" },
    { "type = text summary = true authority = {T} sensitivity = R", "restricted" },
    { "type = text until = kemarin authority = {T} sensitivity = U", "until" },
    { "type = nik nik_sex = kec nik_plus_40 = P authority = {T} sensitivity = P", "nik_sex" },
    { "type = nik nik_plus_40 = P authority = {T} sensitivity = P", "together" },
    { "type = text label = 'kec' authority = {T} sensitivity = U", "field kec" },
};

static void field_options_are_checked_with_their_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong_options); i++)
        field_refused(wrong_options[i][0], wrong_options[i][1]);
    refused("collection k { area_field = kec\n"
            "field kec { type = area required = true" REST
            "field x { type = reference targets = {entah}" REST "}\n",
            ERR_POLICY_MEANING, "10-a.conf:14 collection k field x", "entah");
}

static void collections_and_lists_are_checked(void **state)
{
    (void)state;
    refused("collection k { title = 'K'\n field kec { type = area required = true" REST "}\n",
            ERR_POLICY_MEANING, "10-a.conf:12 collection k", "area_field");
    refused("collection k { area_field = a field a { type = text required = true" REST "}\n",
            ERR_POLICY_MEANING, "10-a.conf:12 collection k", "area_field");
    refused("collection k { area_field = a field a { type = area" REST "}\n", ERR_POLICY_MEANING,
            "10-a.conf:12 collection k", "required");
    refused(
        "collection k { area_field = a date_field = a field a { type = area required = true" REST
        "}\n",
        ERR_POLICY_MEANING, "10-a.conf:12 collection k", "date_field");
    refused("collection Orang { area_field = a field a { type = area required = true" REST "}\n",
            ERR_POLICY_MEANING, "collection", "Orang");
    refused("collection k { area_field = id field id { type = area required = true" REST "}\n",
            ERR_POLICY_MEANING, "10-a.conf:12 collection k", "id");
    refused("code_list l {\n version kemarin { code a { } } }\n" COLLECTION, ERR_POLICY_MEANING,
            "10-a.conf:12 code_list l", "date");
    refused("code_list l {\n version '2020-01-01' { } }\n" COLLECTION, ERR_POLICY_MEANING,
            "10-a.conf:13 code_list l version 2020-01-01", "no codes");
    refused("code_list l { }\n" COLLECTION, ERR_POLICY_MEANING, "10-a.conf:12 code_list l",
            "no version");
    refused("code_list l { version '2020-01-01' {\n code 'a|b' { } } }\n" COLLECTION,
            ERR_POLICY_MEANING, "10-a.conf:12 code_list l version 2020-01-01", "a|b");
    refused("code_list l { version '2020-01-01' { code a { } code A { } } }\n" COLLECTION,
            ERR_POLICY_MEANING, "10-a.conf:12 code_list l version 2020-01-01", "told apart");
    refused("role r { authority = {H} }\n" COLLECTION, ERR_POLICY_MEANING, "10-a.conf:12 role r",
            "computed");
    refused("authority TT { }\n" COLLECTION, ERR_POLICY_MEANING, "authority", "capitals");
    refused("", ERR_POLICY_MEANING, "collection", "collections");
}

static void countersigners_are_roles_that_exist_and_others(void **state)
{
    (void)state;
    struct policy *policy =
        policy_of(HEAD LISTS COLLECTION "role ketik {\n countersigned_by = {tksk, dua} }\n"
                                        "role dua { }\n",
                  1, NULL);
    const struct policy_role *role = policy_role(policy, bytes_text("ketik"));
    assert_int_equal(role->countersigner_count, 2);
    assert_string_equal(role->countersigners[0], "dua");
    assert_true(policy_countersigns(role, "tksk"));
    assert_false(policy_countersigns(role, "ketik"));
    assert_false(policy_countersigns(policy_role(policy, bytes_text("tksk")), "dua"));
    policy_close(&policy);
    refused("role r {\n countersigned_by = {r} }\n" COLLECTION, ERR_POLICY_MEANING,
            "10-a.conf:12 role r", "itself");
    refused("role r {\n countersigned_by = {lain} }\n" COLLECTION, ERR_POLICY_MEANING,
            "10-a.conf:12 role r", "lain");
    refused("role r {\n countersigned_by = {tksk, tksk} }\n" COLLECTION, ERR_POLICY_MEANING,
            "10-a.conf:12 role r", "unique");
}

static void lanes_are_given_by_name_and_examples_stay_at_home(void **state)
{
    (void)state;
#define OF_LANE(lane, examples)                                                                    \
    "collection k {" lane " area_field = a field a { type = area required = true" examples REST    \
    "}\n"
    static const struct {
        const char *text;
        int lane;
    } lanes[] = { { HEAD OF_LANE("", ""), LANE_NORMAL },
                  { HEAD OF_LANE("lane = urgent", ""), LANE_URGENT },
                  { HEAD OF_LANE("lane = normal", ""), LANE_NORMAL },
                  { HEAD OF_LANE("lane = bulk", ""), LANE_BULK } };
    for (size_t i = 0; i < COUNT_OF(lanes); i++) {
        struct policy *policy = policy_of(lanes[i].text, 1, NULL);
        assert_int_equal(policy->collections[0].lane, lanes[i].lane);
        assert_false(policy->has_dictionary);
        policy_close(&policy);
    }
    refused(OF_LANE("lane = cepat", ""), ERR_POLICY_MEANING, "10-a.conf:12 collection k", "lane");

    struct policy *without = policy_of(HEAD OF_LANE("", ""), 1, NULL);
    struct policy *with = policy_of(HEAD OF_LANE("", " examples = {'36.04.29', 'dua'}"), 1, NULL);
    assert_true(hash_equal(&without->hash, &with->hash));
    policy_close(&without);
    policy_close(&with);
#undef OF_LANE
}

static void common_fields_and_rules_are_those_of_every_collection_that_wants_them(void **state)
{
    (void)state;
    static const char source[] =
        HEAD "common {\n"
             "field kec { type = area required = true authority = {T} sensitivity = U }\n"
             "field b { type = text authority = {T} sensitivity = U }\n"
             "rule b_ada { label = 'Isi b' field = b check = 'has(b)' on = keep }\n"
             "}\n"
             "collection satu { area_field = kec\n"
             "field a { type = text authority = {T} sensitivity = U }\n"
             "rule a_ada { label = 'Isi a' field = a check = 'has(a)' }\n}\n"
             "collection dua { area_field = sendiri common = false\n"
             "field sendiri { type = area required = true authority = {T} sensitivity = U }\n}\n";
    struct policy *policy = policy_of(source, 1, NULL);
    const struct policy_collection *one = policy_collection(policy, bytes_text("satu"));
    const struct policy_collection *two = policy_collection(policy, bytes_text("dua"));
    assert_int_equal(one->field_count, 3);
    assert_int_equal(one->rule_count, 2);
    assert_string_equal(one->rules[1].name, "b_ada");
    assert_string_equal(one->fields[one->rules[1].field].name, "b");
    assert_int_equal(one->rules[1].on, RULE_KEEP);
    assert_int_equal(two->field_count, 1);
    assert_int_equal(two->rule_count, 0);
    policy_close(&policy);
    refused("collection k { common = mungkin area_field = kec\n"
            "field kec { type = area required = true authority = {T} sensitivity = U }\n}\n",
            ERR_POLICY_MEANING, "10-a.conf:12 collection k", "true or false");
}

static void area_file_stays_in_the_directory_and_is_checked(void **state)
{
    (void)state;
    struct {
        const char *text;
        enum err err;
        const char *detail;
    } cases[] = {
        { "areas { file = '../a.csv' }", ERR_POLICY_MEANING, "plain name" },
        { "areas { file = '/etc/passwd' }", ERR_POLICY_MEANING, "plain name" },
        { "areas { file = 'b.csv' }", ERR_IO, "" },
        { "areas { file = 'a.csv' within = '74.01' }", ERR_POLICY_MEANING, "74.01" },
        { "areas { file = '10-a.conf' }", ERR_POLICY_SYNTAX, "header" },
        { "settings { x = '1.5' }", ERR_POLICY_MEANING, "whole number" },
        { "settings { x = 99999999999999999999 }", ERR_POLICY_MEANING, "whole number" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf ret = buf_of(space, sizeof space);
        struct problem problem = { .code = OK };
        char text[8192];
        snprintf(text, sizeof text,
                 "authority T { }\nauthority D { }\nauthority H { computed = true }\n%s\n%s%s",
                 cases[i].text, LISTS, COLLECTION);
        assert_int_equal(compile_bytes(bytes_text(text), NULL, 1, NULL, &ret, &problem),
                         cases[i].err);
        assert_non_null(strstr(problem.detail, cases[i].detail));
        assert_int_equal(ret.len, 0);
    }
}

static void bad_rows_of_areas_name_their_line(void **state)
{
    (void)state;
    struct {
        const char *csv;
        enum err err;
        const char *thing;
    } cases[] = {
        { "kode,nama\n36.04,S\n36.04,S\n", ERR_POLICY_DUPLICATE, "a.csv:3" },
        { "kode,nama\n36.04,S\n36.04.x,S\n", ERR_POLICY_SYNTAX, "a.csv:3" },
        { "kode,nama\n36.04\n", ERR_POLICY_SYNTAX, "a.csv:2" },
        { "kode,nama\n36.04,\n", ERR_POLICY_SYNTAX, "a.csv:2" },
        { "kode,nama\n36.04,\"S\"\n", ERR_POLICY_SYNTAX, "a.csv:2" },
        { "kode,nama\n36.04,\xff\n", ERR_POLICY_SYNTAX, "a.csv:2" },
        { "kode;nama\n36.04;S\n", ERR_POLICY_SYNTAX, "a.csv:1" },
        { "kode,nama\n74,S\n", ERR_POLICY_MEANING, "a.csv" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        static const struct hash zero;
        char directory[] = "/tmp/tksk-areas-XXXXXX";
        struct buf ret = buf_of(space, sizeof space);
        struct problem problem = { .code = OK };
        assert_non_null(mkdtemp(directory));
        write_file(directory, "a.csv", cases[i].csv, strlen(cases[i].csv));
        write_file(directory, "x.conf", HEAD LISTS COLLECTION, strlen(HEAD LISTS COLLECTION));
        assert_int_equal(policy_text_compile(directory, DISTRICT, 1, &zero, &ret, &problem),
                         cases[i].err);
        assert_string_equal(problem.thing, cases[i].thing);
        remove_file(directory, "a.csv");
        remove_file(directory, "x.conf");
        assert_int_equal(rmdir(directory), 0);
    }
}

static void missing_and_empty_directories_are_told_apart(void **state)
{
    (void)state;
    static const struct hash zero;
    char directory[] = "/tmp/tksk-empty-XXXXXX";
    struct buf ret = buf_of(space, sizeof space);
    struct problem problem;
    assert_int_equal(policy_text_compile("/nonexistent/x", DISTRICT, 1, &zero, &ret, &problem),
                     ERR_IO);
    assert_non_null(mkdtemp(directory));
    assert_int_equal(policy_text_compile(directory, DISTRICT, 1, &zero, &ret, &problem),
                     ERR_NOT_FOUND);
    assert_int_equal(rmdir(directory), 0);
}

static void too_small_a_buffer_is_a_limit_not_a_cut(void **state)
{
    (void)state;
    struct buf ret = buf_of(space, 100);
    struct problem problem;
    assert_int_equal(
        compile_bytes(bytes_text(HEAD LISTS COLLECTION), NULL, 1, NULL, &ret, &problem), ERR_LIMIT);
    assert_int_equal(ret.len, 0);
}

/* Whatever is cut off or changed in a source: an error or a policy, never a crash. */
static void damaged_sources_are_answered(void **state)
{
    (void)state;
    static const char source[] = HEAD LISTS COLLECTION;
    static const char junk[] = "{}='\"\\#$,/ \n\xff";
    struct problem problem;
    unsigned refusals = 0;
    for (size_t len = 0; len < sizeof source - 1; len += 7) {
        struct buf ret = buf_of(space, sizeof space);
        refusals += compile_bytes(bytes_of(source, len), NULL, 1, NULL, &ret, &problem) != OK;
    }
    assert_true(refusals > 300);
    for (size_t at = 0; at < sizeof source - 1; at += 5) {
        static char damaged[sizeof source];
        struct buf ret = buf_of(space, sizeof space);
        memcpy(damaged, source, sizeof source);
        damaged[at] = junk[at / 5 % (sizeof junk - 1)];
        enum err err =
            compile_bytes(bytes_of(damaged, sizeof source - 1), NULL, 1, NULL, &ret, &problem);
        assert_true(err == OK || problem.code == err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reference_policy_compiles_small),
        cmocka_unit_test(equal_sources_give_equal_bytes_whatever_their_order),
        cmocka_unit_test(syntax_errors_name_file_and_line),
        cmocka_unit_test(environment_is_never_expanded),
        cmocka_unit_test(nul_and_escapes_never_cut_a_text),
        cmocka_unit_test(byte_order_mark_is_refused_with_the_way_out),
        cmocka_unit_test(second_key_or_section_is_refused_with_both_places),
        cmocka_unit_test(field_options_are_checked_with_their_line),
        cmocka_unit_test(collections_and_lists_are_checked),
        cmocka_unit_test(countersigners_are_roles_that_exist_and_others),
        cmocka_unit_test(lanes_are_given_by_name_and_examples_stay_at_home),
        cmocka_unit_test(common_fields_and_rules_are_those_of_every_collection_that_wants_them),
        cmocka_unit_test(area_file_stays_in_the_directory_and_is_checked),
        cmocka_unit_test(bad_rows_of_areas_name_their_line),
        cmocka_unit_test(missing_and_empty_directories_are_told_apart),
        cmocka_unit_test(too_small_a_buffer_is_a_limit_not_a_cut),
        cmocka_unit_test(damaged_sources_are_answered),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
