#include "tests/unit/rules_fixture.h"

static uint8_t document[RULES_BYTES_MAX];

/* The source with the first `old` in it replaced. */
static void with(const char *old, const char *new, char *ret, size_t cap)
{
    static const char source[] = WORK_SOURCE;
    const char *found = strstr(source, old);
    if (found == NULL)
        fail_msg("the source has no %s", old);
    int len =
        snprintf(ret, cap, "%.*s%s%s", (int)(found - source), source, new, found + strlen(old));
    assert_true(len > 0 && (size_t)len < cap);
}

static enum err compile(const char *old, const char *new, struct problem *problem)
{
    static char text[2 * sizeof(WORK_SOURCE)];
    struct buf ret = buf_of(document, sizeof document);
    with(old, new, text, sizeof text);
    *problem = (struct problem){ .code = OK };
    return compile_bytes(bytes_text(text), NULL, 1, NULL, &ret, problem);
}

struct wrong {
    const char *old, *new;
    const char *place;  /* that the answer names */
    const char *detail; /* part of it */
};

static void all_refused(const struct wrong *list, size_t count)
{
    unsigned bad = 0;
    for (size_t i = 0; i < count; i++) {
        struct problem problem;
        enum err err = compile(list[i].old, list[i].new, &problem);
        if (err != OK && strstr(problem.thing, list[i].place) != NULL &&
            strstr(problem.detail, list[i].detail) != NULL)
            continue;
        print_error("%s: %s: %s: %s\n", list[i].new, err_name(err), problem.thing, problem.detail);
        bad++;
    }
    assert_int_equal(bad, 0);
}

static void the_source_that_the_others_spoil_is_right(void **state)
{
    (void)state;
    struct problem problem;
    enum err err = compile("", "", &problem);
    if (err != OK)
        fail_msg("%s: %s", problem.thing, problem.detail);
}

#define EDGE_BATAL "edge batalkan { from = {draf, diajukan} to = batal authority = {D, T} }"

static void a_wrong_workflow_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        { "workflow status {", "workflow isi {", "collection usul workflow", "enum" },
        { "workflow status {", "workflow tidak_ada {", "workflow tidak_ada", "no field" },
        { "to = batal authority = {D, T}", "to = hilang authority = {D, T}", "edge batalkan",
          "\"hilang\" is no code of status" },
        { "from = {draf, diajukan}", "from = {draf, hilang}", "edge batalkan",
          "\"hilang\" is no code of status" },
        { "to = batal authority = {D, T}", "to = batal", "edge batalkan", "not empty" },
        { "to = batal authority = {D, T}", "to = batal authority = {D, H}", "edge batalkan",
          "people's, or the hub's" },
        { "to = batal authority = {D, T}", "to = batal authority = {K}", "edge batalkan",
          "wider than that of field status" },
        { "to = batal authority = {D, T}", "to = batal authority = {Z}", "edge batalkan", "Z" },
        { EDGE_BATAL, "edge batalkan { to = batal authority = {H} }", "edge batalkan",
          "the hub begins no records" },
        { "requires = {isi}", "requires = {hilang}", "edge ajukan", "hilang" },
        { "requires = {isi}", "requires = {isi, isi}", "edge ajukan", "twice" },
        { "rules = {kuorum_perlu}", "rules = {hilang}", "edge sahkan", "no rule \"hilang\"" },
        { "rules = {kuorum_perlu}", "rules = {nominal_batas}", "edge sahkan",
          "nominal_batas is not on = edge" },
        { "edge mulai { to = draf authority = {T} }", "", "workflow status",
          "no edge without `from`" },
        { "edge mulai { to = draf", "edge mulai { to = batal", "workflow status", "the default" },
        { "frozen sah {", "frozen hilang {", "workflow status", "\"hilang\" is no code" },
        { "frozen sah {", "frozen diterima {", "frozen diterima", "" },
        { "open = {status, log}", "open = {hilang}", "frozen sah", "hilang" },
        { EDGE_BATAL, "edge ajukan { from = {draf} to = batal authority = {T} }", "edge ajukan",
          "" },
    };
    all_refused(list, COUNT_OF(list));
}

static void a_wrong_rule_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        { "rule tetap {", "rule isi {", "rule isi", "name of a field" },
        { "field = nominal ", "field = hilang ", "rule nominal_batas", "hilang" },
        { "check = 'nominal <= 1000'", "", "rule nominal_batas", "check is empty" },
        { "check = 'nominal <= 1000'", "check = 'nominal <='", "rule nominal_batas", "column" },
        { "check = 'nominal <= 1000'", "check = 'hilang <= 1000'", "rule nominal_batas", "hilang" },
        { "check = 'nominal <= 1000'", "check = 'nominal <= table(\"hilang\", \"a\")'",
          "rule nominal_batas", "hilang" },
        { "check = 'nominal <= 1000'", "check = 'program in list(\"hilang\")'",
          "rule nominal_batas", "hilang" },
        { "check = 'nominal <= 1000'", "check = 'signature(isi) = \"ok\"'", "rule nominal_batas",
          "isi" },
        { "when = 'has(nominal)'", "when = 'has(nominal'", "rule nominal_batas", "column" },
        { "< 100' on = warn", "< 100' on = selalu", "rule hadir_aneh", "selalu" },
        { "label = 'KORTEKS' only = 'program in list(\"bansos\")'",
          "label = 'KORTEKS' only = 'program in'", "authority K", "column" },
    };
    all_refused(list, COUNT_OF(list));
}

static void a_wrong_field_of_the_new_kinds_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        { "covers = {isi, program}", "covers = {isi, ttd}", "field ttd", "covers itself" },
        { "covers = {isi, program}", "covers = {isi, hilang}", "field ttd", "hilang" },
        { "covers = {isi, program} ", "", "field ttd", "needs covers and signers" },
        { "signers = {tksk} ", "", "field ttd", "needs covers and signers" },
        { "signers = {tksk} ", "signers = {camat} ", "field ttd", "no role \"camat\"" },
        { "field isi { type = text ", "field isi { type = text append_only = true ", "field isi",
          "append_only" },
        { "field isi { type = text ", "field isi { type = text compute = 'hadir' ", "field isi",
          "compute is for fields of the hub" },
        { "compute = 'hadir * 2' ", "compute = 'hadir *' ", "field ganda", "column" },
        { "compute = 'hadir * 2' ", "compute = 'hilang * 2' ", "field ganda", "hilang" },
    };
    all_refused(list, COUNT_OF(list));
}

static void a_wrong_table_or_area_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct wrong list[] = {
        { "version '2018-01-01' { basis", "version '2018-13-01' { basis", "table kuorum",
          "2018-13-01" },
        { "basis = 'Perbup' row", "until = '2018-01-01' basis = 'Perbup' row", "table kuorum",
          "until is not after" },
        { "value = 2", "value = dua", "row desa", "dua" },
        { "value = 2 } }", "value = 2 } row desa { value = 3 } }", "row desa", "" },
        { "within = '36.04' }",
          "within = '36.04' area '36.04.77' { name = 'X' from = '2026-02-30' } }", "36.04.77", "" },
        { "within = '36.04' }",
          "within = '36.04' area '36.04.77' { name = 'X' "
          "from = '2026-02-01' until = '2026-01-01' } }",
          "36.04.77", "until" },
        { "within = '36.04' }", "within = '36.04' area '74.01' { name = 'X' } }", "74.01", "" },
    };
    all_refused(list, COUNT_OF(list));
}

static void sharing_and_answers_name_what_is_there(void **state)
{
    (void)state;
#define AREA_FIELD "area_field = kec date_field = tgl\n"
    static const struct wrong list[] = {
        { AREA_FIELD, AREA_FIELD "audience = 'semua'\n", "collection usul", "all" },
        { AREA_FIELD, AREA_FIELD "audience_field = isi\n", "collection usul", "areas" },
        { AREA_FIELD, AREA_FIELD "audience = 'all' audience_field = kec\n", "collection usul",
          "exclude" },
        { AREA_FIELD, AREA_FIELD "covered_by = 'rapat'\n", "collection usul", "collection.field" },
        { AREA_FIELD, AREA_FIELD "covered_by = 'rapat.status'\n", "collection usul", "rapat" },
        { AREA_FIELD, AREA_FIELD "forum = true\n", "collection usul", "audience" },
        { AREA_FIELD, AREA_FIELD "audience = 'all' forum = true\n", "collection usul",
          "required field of type text" },
        { AREA_FIELD, AREA_FIELD "must_read = isi\n", "collection usul", "bool" },
        { AREA_FIELD, AREA_FIELD "must_read = tahu\n", "collection usul", "read_by" },
        { AREA_FIELD, AREA_FIELD "answer { field = isi state = status days = 0 open = {draf} }\n",
          "collection usul answer", "days" },
        { AREA_FIELD, AREA_FIELD "answer { field = isi state = isi days = 3 open = {draf} }\n",
          "collection usul answer", "enum" },
        { AREA_FIELD, AREA_FIELD "answer { field = isi state = status days = 3 open = {x} }\n",
          "collection usul answer", "\"x\"" },
        { AREA_FIELD, AREA_FIELD "answer { field = isi state = status days = 3 }\n",
          "collection usul answer", "open is empty" },
    };
    all_refused(list, COUNT_OF(list));
}

/* --- dates -------------------------------------------------------------------------------------
 */

static void a_table_says_what_was_in_force_on_that_day(void **state)
{
    (void)state;
    struct policy *made = policy_of(
        WORK_HEAD
        "table tali { version '2018-01-01' { until = '2020-01-01' basis = 'A' "
        "row apbn { value = 5 } }\n"
        "    version '2025-01-01' { basis = 'B' "
        "row apbn { value = 7 } row kab { value = -2 } } }\n" WORK_COLLECTION WORK_MEETING,
        1, NULL);
    static const struct {
        const char *date, *key;
        bool there;
        int64_t number;
    } cases[] = {
        { "2017-12-31", "apbn", false, 0 }, { "2018-01-01", "apbn", true, 5 },
        { "2019-12-31", "apbn", true, 5 },  { "2020-01-01", "apbn", false, 0 },
        { "2024-12-31", "apbn", false, 0 }, { "2025-01-01", "apbn", true, 7 },
        { "2025-01-01", "kab", true, -2 },  { "2018-01-01", "kab", false, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t number = 0;
        assert_int_equal(policy_table_at(made, bytes_text("tali"), bytes_text(cases[i].key),
                                         cases[i].date, &number),
                         cases[i].there);
        assert_int_equal(number, cases[i].number);
    }
    policy_close(&made);
}

static void an_area_counts_between_its_dates(void **state)
{
    (void)state;
    static char text[2 * sizeof(WORK_SOURCE)];
    struct author author = { .authority = AUTHORITY('T'), .area = bytes_text("36.04") };
    with("within = '36.04' }",
         "within = '36.04' area '36.04.77' { name = 'X' "
         "from = '2026-03-01' until = '2026-05-01' } }",
         text, sizeof text);
    struct policy *made = policy_of(text, 1, NULL);
    const struct policy_area *area = policy_area(made, bytes_text("36.04.77"));
    assert_non_null(area);
    assert_false(policy_area_at(area, "2026-02-28"));
    assert_true(policy_area_at(area, "2026-03-01"));
    assert_true(policy_area_at(area, "2026-04-30"));
    assert_false(policy_area_at(area, "2026-05-01"));
    static const struct {
        const char *day;
        bool fits;
    } days[] = { { "2026-02-28", false }, { "2026-03-01", true }, { "2026-05-01", false } };
    for (size_t i = 0; i < COUNT_OF(days); i++) {
        uint8_t fields[256];
        struct writer out = writer_of(fields, sizeof fields);
        struct problem problem;
        writer_map(&out, 3);
        writer_text(&out, "kec");
        writer_text(&out, "36.04.77");
        writer_text(&out, "tgl");
        writer_text(&out, days[i].day);
        writer_text(&out, "status");
        writer_text(&out, "draf");
        const struct change change = { .op = OP_CREATE,
                                       .collection = bytes_text("usul"),
                                       .fields = writer_bytes(&out) };
        enum err err =
            validate_change(made, &change, &author, UINT64_C(1780000000000), &problem, NULL);
        if ((err == OK) != days[i].fits)
            fail_msg("%s: %s %s: %s", days[i].day, err_name(err), problem.thing, problem.detail);
    }
    policy_close(&made);
}

static void what_was_read_stands_in_the_policy(void **state)
{
    (void)state;
    struct policy *made = policy_of(WORK_SOURCE, 1, NULL);
    const struct policy_collection *usul = policy_collection(made, bytes_text("usul"));
    assert_int_equal(usul->workflow_count, 1);
    const struct policy_workflow *flow = &usul->workflows[0];
    assert_string_equal(usul->fields[flow->field].name, "status");
    assert_int_equal(flow->edge_count, 6);
    assert_string_equal(flow->edges[3].name, "terima");
    assert_true(flow->edges[3].authority == AUTHORITY('H'));
    assert_int_equal(flow->edges[3].rule_count, 4);
    assert_string_equal(flow->edges[3].rules[0]->name, "tanpa_ttd"); /* in the source's order */
    assert_string_equal(flow->edges[3].rules[3]->name, "perlu_rapat");
    assert_int_equal(flow->edges[0].from_count, 0);
    assert_int_equal(flow->edges[5].from_count, 2);
    assert_int_equal(flow->frozen_count, 2);
    assert_true(made->narrow == AUTHORITY('K'));
    const struct policy_field *ttd = policy_field(usul, bytes_text("ttd"));
    assert_int_equal(ttd->type, FIELD_SIGNATURE);
    assert_int_equal(ttd->cover_count, 2);
    assert_string_equal(ttd->signers[0], "tksk");
    assert_null(policy_rule(usul, bytes_text("nominal_batas"))->when == NULL ? "no when" : NULL);
    policy_close(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_source_that_the_others_spoil_is_right),
        cmocka_unit_test(a_wrong_workflow_is_refused_at_its_place),
        cmocka_unit_test(a_wrong_rule_is_refused_at_its_place),
        cmocka_unit_test(a_wrong_field_of_the_new_kinds_is_refused_at_its_place),
        cmocka_unit_test(a_wrong_table_or_area_is_refused_at_its_place),
        cmocka_unit_test(sharing_and_answers_name_what_is_there),
        cmocka_unit_test(a_table_says_what_was_in_force_on_that_day),
        cmocka_unit_test(an_area_counts_between_its_dates),
        cmocka_unit_test(what_was_read_stands_in_the_policy),
    };
    return cmocka_run_group_tests(tests, start_crypto, NULL);
}
