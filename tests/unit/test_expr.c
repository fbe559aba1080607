#include "tests/unit/expr_fixture.h"

static void not_binds_tighter_than_and_and_that_tighter_than_or(void **state)
{
    (void)state;
    yes("true or true and false");
    no("(true or true) and false");
    no("not true or false");
    yes("not (true and false)");
    no("not true = true"); /* not (true = true) */
    yes("not 1 = 2 and 2 = 2");
    yes("1 + 1 = 2 and not 3 < 2 or nil");
}

static void times_binds_tighter_than_plus_and_that_tighter_than_comparing(void **state)
{
    (void)state;
    gives("2 + 3 * 4", 14);
    gives("(2 + 3) * 4", 20);
    gives("10 - 3 - 2", 5);
    gives("10 - (3 - 2)", 9);
    gives("2 * -3 + 1", -5);
    gives("- -4", 4);
    gives("-2 * -2 * 3", 12);
    gives("1 - 2 * 3", -5);
    yes("1 + 2 * 3 >= 2 + 5");
    gives("\t1\n+ 1 ", 2);
}

static void numbers_stop_at_64_bits_and_what_does_not_fit_is_nil(void **state)
{
    (void)state;
    gives("9223372036854775807", INT64_MAX);
    gives("-9223372036854775807 - 1", INT64_MIN);
    gives("-1 - (-9223372036854775807 - 1)", INT64_MAX);
    gives_nil("9223372036854775807 + 1");
    gives_nil("-(-9223372036854775807 - 1)");
    gives_nil("9223372036854775807 * 2");
    gives_nil("9223372036854775807 + 1 - 1");
    SET_INT("", "jumlah", INT64_MIN);
    gives_nil("jumlah - 1");
    gives("jumlah + 1", -INT64_MAX);
}

static void values_of_one_kind_are_compared_and_those_of_two_are_only_unequal(void **state)
{
    (void)state;
    yes("\"a\" < \"b\" and \"a\" < \"aa\" and \"B\" < \"a\" and \"a\" >= \"a\"");
    yes("\"2026-02-28\" < event and event <= \"2026-03-01\" and claimed > event");
    yes("-1 < 1 and 10 > 9 and 3 <= 3");
    yes("\"1\" != 1 and not \"1\" = 1 and true != 1 and true = true and true != false");
    no("\"1\" < 1 or \"1\" >= 1 or true > false or true <= true");
    yes("\"rtlh\" = \"rtlh\" and \"\" = \"\" and \"\" != nil");
    SET("", "aktif", writer_bool(&w, false));
    yes("aktif = false and aktif != true and not aktif");
    SET_REF("", "rapat", "r1");
    SET_REF("", "rapat2", "r1");
    yes("rapat = rapat2 and rapat != nil and rapat != \"r1\"");
    no("rapat < rapat2 or rapat <= rapat2");
}

static void nil_is_what_is_not_there_and_orders_with_nothing(void **state)
{
    (void)state;
    gives_nil("nil");
    gives_nil("nama");
    gives_nil("no_such_field");
    gives_nil("no_such_field.further.down");
    yes("nama = nil and nil = nil and nama = no_such_field");
    no("nama != nil or nama = \"\" or nama = 0 or nama = false");
    no("nama < 1 or nama > 1 or nama <= nil or nama >= nil");
    gives_nil("jumlah + 1");
    gives_nil("2 * jumlah");
    gives_nil("-jumlah");
    gives_nil("1 + \"1\"");
    gives_nil("1 + true");
    no("nil");
    yes("not nil and not 1 and not \"true\""); /* only true is true */
    no("1 or \"true\" or nil");
    yes("nil in (1, nil)");
    no("nil in (1, \"\") or nama in list(\"jenis\")");
    SET("", "nama", writer_nil(&w));
    yes("nama = nil and not has(nama)");
}

static void unknown_refuses_nothing_unless_the_rest_decides(void **state)
{
    (void)state;
    cell_set("", "nama")->unknown = true;
    open_to_doubt("nama");
    open_to_doubt("not nama");
    open_to_doubt("nama = nil");
    open_to_doubt("nama != nil");
    open_to_doubt("nil < nama");
    open_to_doubt("nama + 1");
    open_to_doubt("nil * nama");
    open_to_doubt("-nama");
    open_to_doubt("has(nama)");
    open_to_doubt("first(nil, nama, 1)");
    open_to_doubt("length(nama)");
    open_to_doubt("digits(nama, 16)");
    open_to_doubt("days(event, nama)");
    open_to_doubt("years(nama, event)");
    open_to_doubt("count(nama)");
    open_to_doubt("count(peserta, \"hadir\", nama)");
    open_to_doubt("sum(nama, \"x\")");
    open_to_doubt("all(nama, \"x\")");
    open_to_doubt("table(\"t\", nama)");
    open_to_doubt("nama in (1, 2)");
    open_to_doubt("nama in list(\"jenis\")");
    open_to_doubt("1 in (2, nama)");
    open_to_doubt("true and nama");
    open_to_doubt("false or nama");
    open_to_doubt("nama or nil");
    no("nama and false");
    no("false and nama");
    yes("nama or true");
    yes("true or nama");
    yes("1 in (nama, 1)");
    yes("first(1, nama) = 1");
    yes("not (nama and 1 = 2)");
}

static void what_the_environment_cannot_say_is_unknown(void **state)
{
    (void)state;
    struct expr_env bare = { .policy = &policy, .collection = &collections[0] };
    assert_int_equal(expr_truth(compiled("nama = 1"), &bare), TRUTH_UNKNOWN);
    assert_int_equal(expr_truth(compiled("signature(ttd) = \"ok\""), &bare), TRUTH_UNKNOWN);
    assert_int_equal(expr_truth(compiled("no_such_field = nil"), &bare), TRUTH_YES);
    assert_int_equal(expr_truth(compiled("event = nil and claimed = nil"), &bare), TRUTH_YES);
    assert_int_equal(expr_truth(compiled("\"kube\" in list(\"jenis\")"), &bare), TRUTH_NO);
    SET_REF("", "rapat", "r1");
    env.follow = NULL;
    open_to_doubt("rapat.status");
    yes("has(rapat)");
}

static void a_path_goes_into_a_map_and_through_references_of_any_depth(void **state)
{
    (void)state;
    SET("", "rumah", {
        writer_map(&w, 2);
        writer_text(&w, "lantai");
        writer_text(&w, "tanah");
        writer_text(&w, "luas");
        writer_int(&w, 36);
    });
    gives_text("rumah.lantai", "tanah");
    gives("rumah.luas * 2", 72);
    gives_nil("rumah.dinding");
    gives_nil("rumah.lantai.warna");
    gives_nil("nama.lantai");

    SET_REF("", "rapat", "r1");
    SET_TEXT("r1", "status", "sah");
    SET_REF("r1", "desa", "d7");
    SET_TEXT("d7", "nama", "Sukamaju");
    SET("d7", "rumah", {
        writer_map(&w, 1);
        writer_text(&w, "lantai");
        writer_text(&w, "keramik");
    });
    yes("rapat.status = \"sah\"");
    gives_text("rapat.desa.nama", "Sukamaju");
    gives_text("rapat.desa.rumah.lantai", "keramik");
    gives_nil("rapat.desa.rumah.atap");
    gives_nil("rapat.desa.nama.lagi");
    gives_nil("rapat.hadir");
    assert_int_equal(value_of("rapat.desa").kind, EXPR_RAW);
}

static void a_reference_may_name_records_of_several_collections(void **state)
{
    (void)state;
    SET_REF("", "siapa", "k1");
    SET_TEXT("k1", "program", "pkh");
    gives_text("siapa.program", "pkh");
    gives_nil("siapa.nik"); /* a person has it, a family has not */
    SET_REF("", "siapa", "o1");
    gives_nil("siapa.program");
    gives_text("first(siapa.program, \"-\")", "-");
}

static void a_record_that_exists_nowhere_is_nil_and_one_elsewhere_unknown(void **state)
{
    (void)state;
    SET_REF("", "rapat", "r-none");
    gives_nil("rapat.status");
    gives_nil("rapat.desa.nama");
    SET_REF("", "rapat", "r-elsewhere");
    open_to_doubt("rapat.status = \"sah\"");
    open_to_doubt("rapat.desa.nama");
    follows = 0;
    gives_nil("rapat.no_such_field"); /* no record of it can have that */
    assert_int_equal(follows, 0);
    SET_REF("", "rapat", "r1");
    SET_REF("r1", "desa", "d1");
    cell_set("d1", "nama")->unknown = true;
    open_to_doubt("rapat.desa.nama");
}

static void old_is_the_record_before_the_change(void **state)
{
    (void)state;
    SET_TEXT("", "nama", "baru");
    SET_TEXT("old", "nama", "lama");
    gives_text("old.nama", "lama");
    yes("nama != old.nama and old.jumlah = nil");
    SET_REF("", "rapat", "r2");
    SET_REF("old", "rapat", "r1");
    SET_TEXT("r1", "status", "draf");
    SET_TEXT("r2", "status", "sah");
    yes("old.rapat.status = \"draf\" and rapat.status = \"sah\"");
    cell_set("old", "jumlah")->unknown = true;
    open_to_doubt("old.jumlah = nil");
}

static void two_values_read_through_references_are_compared_with_each_other(void **state)
{
    (void)state;
    SET_REF("", "rapat", "r1");
    SET_REF("", "rapat2", "r2");
    SET_TEXT("r1", "status", "2026-01-31");
    SET_TEXT("r2", "status", "2026-02-28");
    no("rapat.status = rapat2.status");
    yes("rapat.status != rapat2.status and rapat.status < rapat2.status");
    gives("days(rapat.status, rapat2.status)", 28);
    yes("rapat.status in (rapat2.status, rapat.status)");
    no("rapat.status in (rapat2.status, nama)");
    gives_text("first(rapat.hadir, rapat2.status)", "2026-02-28");
    yes("(rapat.status = rapat2.status) = (rapat2.status < rapat.status)");
    SET("r1", "peserta", write_people(&w));
    SET_TEXT("r2", "status", "Budi");
    gives("count(rapat.peserta, \"nama\", rapat2.status)", 1);
    yes("days(rapat.status, first(rapat2.hadir, event)) = 29");
}

static void what_is_too_long_to_hold_equals_nothing(void **state)
{
    (void)state;
    static char text[EXPR_TEXT_BYTES_MAX + 2];
    memset(text, 'x', sizeof text - 1);
    SET_REF("", "rapat", "r1");
    SET_TEXT("r1", "status", text);
    SET_TEXT("", "nama", text);
    yes("rapat.status != nil and has(rapat.status) and rapat.status != rapat.status");
    no("rapat.status = nama or nama = rapat.status or rapat.status >= nama");
    no("nama <= rapat.status or rapat.status in (nama) or nama in (rapat.status)");
    gives("length(rapat.status)", EXPR_TEXT_BYTES_MAX + 1);
    yes("nama = nama and nama in (1, nama)"); /* its own fields have no such limit */
    text[EXPR_TEXT_BYTES_MAX] = '\0';
    SET_TEXT("r1", "status", text);
    SET_TEXT("", "nama", text);
    yes("rapat.status = nama and nama = rapat.status and rapat.status = rapat.status");
}

static void in_finds_one_of_several_or_a_code_in_force_on_the_day(void **state)
{
    (void)state;
    SET_TEXT("", "jenis", "rtlh");
    yes("jenis in (\"kube\", \"rtlh\")");
    no("jenis in (\"kube\") or jenis in (1, true, nil)");
    yes("not jenis in (\"kube\", \"pkh\")");
    yes("1 + 1 in (3 - 1) and (2 in (1, 2)) = true");
    yes("jenis in list(\"jenis\")");
    env.event = "2024-12-31";
    no("jenis in list(\"jenis\")");
    yes("\"kube\" in list(\"jenis\")");
    no("\"kube\" in list(\"no_such_list\") or 1 in list(\"jenis\")");
    env.event = "";
    no("\"kube\" in list(\"jenis\")");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(not_binds_tighter_than_and_and_that_tighter_than_or),
        T(times_binds_tighter_than_plus_and_that_tighter_than_comparing),
        T(numbers_stop_at_64_bits_and_what_does_not_fit_is_nil),
        T(values_of_one_kind_are_compared_and_those_of_two_are_only_unequal),
        T(nil_is_what_is_not_there_and_orders_with_nothing),
        T(unknown_refuses_nothing_unless_the_rest_decides),
        T(what_the_environment_cannot_say_is_unknown),
        T(a_path_goes_into_a_map_and_through_references_of_any_depth),
        T(a_reference_may_name_records_of_several_collections),
        T(a_record_that_exists_nowhere_is_nil_and_one_elsewhere_unknown),
        T(old_is_the_record_before_the_change),
        T(two_values_read_through_references_are_compared_with_each_other),
        T(what_is_too_long_to_hold_equals_nothing),
        T(in_finds_one_of_several_or_a_code_in_force_on_the_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
