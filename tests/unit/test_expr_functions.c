#include "tests/unit/expr_fixture.h"

static void count_tells_the_items_of_a_list_or_map(void **state)
{
    (void)state;
    gives("count(peserta)", 0);
    SET("", "peserta", write_people(&w));
    gives("count(peserta)", 3);
    SET("", "tag", {
        writer_array(&w, 2);
        writer_text(&w, "a");
        writer_text(&w, "b");
    });
    gives("count(tag)", 2);
    SET("", "rumah", {
        writer_map(&w, 1);
        writer_text(&w, "luas");
        writer_int(&w, 36);
    });
    gives("count(rumah)", 1);
    SET_TEXT("", "nama", "abc");
    gives_nil("count(nama)");
    SET_INT("", "count", 7);
    gives("count + count(tag)", 9); /* only a bracket makes it a function */
    SET_REF("", "rapat", "r1");
    SET("r1", "peserta", write_people(&w));
    gives("count(rapat.peserta)", 3);
    gives_nil("count(rapat)");
}

static void count_of_a_key_tells_the_maps_that_have_that_value(void **state)
{
    (void)state;
    gives("count(peserta, \"hadir\", true)", 0);
    SET("", "peserta", write_people(&w));
    gives("count(peserta, \"hadir\", true)", 2);
    gives("count(peserta, \"hadir\", false)", 1);
    gives("count(peserta, \"nama\", \"Budi\")", 1);
    gives("count(peserta, \"jumlah\", 40)", 1);
    gives("count(peserta, \"jumlah\", \"40\")", 0);
    gives("count(peserta, \"jumlah\", nil)", 1); /* Citra has none */
    gives("count(peserta, \"alamat\", nil)", 3);
    gives_nil("count(rumah, \"x\", 1) + count(event, \"x\", 1)");
    yes("count(peserta, \"hadir\", true) * 2 > count(peserta)");
}

static void sum_adds_what_is_there_and_all_says_whether_each_has_it(void **state)
{
    (void)state;
    gives("sum(peserta, \"jumlah\")", 0);
    yes("all(peserta, \"dasar\")"); /* of none */
    SET("", "peserta", write_people(&w));
    gives("sum(peserta, \"jumlah\")", 42);
    gives("sum(peserta, \"alamat\")", 0);
    gives_nil("sum(peserta, \"nama\")");
    yes("all(peserta, \"nama\") and all(peserta, \"hadir\")");
    no("all(peserta, \"jumlah\") or all(peserta, \"alamat\")");
    gives_nil("sum(event, \"x\")");
    gives_nil("all(event, \"x\")");
    SET("", "peserta", {
        writer_array(&w, 2);
        for (int i = 0; i < 2; i++) {
            writer_map(&w, 1);
            writer_text(&w, "jumlah");
            writer_int(&w, INT64_MAX);
        }
    });
    gives_nil("sum(peserta, \"jumlah\")");
    SET("", "tag", {
        writer_array(&w, 1);
        writer_text(&w, "a");
    });
    no("all(tag, \"a\")");
    gives("sum(tag, \"a\")", 0);
}

static void has_and_first_tell_what_is_there(void **state)
{
    (void)state;
    SET_TEXT("", "nama", "");
    SET("", "aktif", writer_bool(&w, false));
    yes("has(nama) and has(aktif) and has(0) and not has(jumlah) and not has(nil)");
    gives("first(jumlah, harga, 3, 4)", 3);
    gives_text("first(nama, \"x\")", "");
    gives_nil("first(jumlah, nil)");
    yes("first(aktif, true) = false");
}

static void digits_finds_numbers_however_they_are_spaced(void **state)
{
    (void)state;
    SET_TEXT("", "nama", "NIK 3604 1234-5678.9012 ada");
    yes("digits(nama, 16) and digits(nama, 4)");
    no("digits(nama, 17)");
    SET_TEXT("", "nama", "3604123456789012");
    yes("digits(nama, 16)");
    SET_TEXT("", "nama", "3604\u20131234\u00a05678\n9012");
    yes("digits(nama, 16)");
    SET_TEXT("", "nama", "36041234, 56789012");
    no("digits(nama, 16)");
    SET_TEXT("", "nama", "Rapat 22-11-2026 09.00-12.00");
    no("digits(nama, 8)");
    SET_TEXT("", "nama", "36041234x56789012");
    no("digits(nama, 9)");
    SET_TEXT("", "nama", "-. -");
    no("digits(nama, 1)");
    yes("digits(nama, 0)");
    no("digits(jumlah, 1) or digits(7, 1)");
    gives_nil("digits(nama, nil)");
    SET("", "tag", {
        writer_array(&w, 3);
        writer_text(&w, "36041234");
        writer_text(&w, "56789012");
        writer_text(&w, "3604123456789012");
    });
    yes("digits(tag, 16)");
    no("digits(tag, 17)");
    SET("", "rumah", {
        writer_map(&w, 1);
        writer_text(&w, "nik");
        writer_text(&w, "3604.1234.5678.9012");
    });
    yes("digits(rumah, 16) and digits(rumah.nik, 16)");
}

static void days_and_years_count_between_dates(void **state)
{
    (void)state;
    gives("days(event, claimed)", 3);
    gives("days(claimed, event)", -3);
    gives("days(\"2024-02-28\", \"2024-03-01\")", 2);
    gives("days(\"1999-12-31\", \"2000-12-31\")", 366);
    gives("years(\"1966-03-01\", event)", 60);
    gives("years(\"1966-03-02\", event)", 59);
    gives("years(\"2024-02-29\", \"2025-02-28\")", 0);
    gives("years(\"2024-02-29\", \"2025-03-01\")", 1);
    gives("years(event, \"2026-02-28\")", -1);
    SET_TEXT("", "lahir", "1960-05-01");
    yes("years(lahir, event) >= 60");
    gives_nil("years(nama, event)");
    gives_nil("days(event, \"2026-02-30\")");
    gives_nil("days(event, 20260301)");
    gives_nil("days(\"kemarin\", event)");
}

static void table_gives_the_number_in_force_on_the_day_of_the_event(void **state)
{
    (void)state;
    SET_TEXT("", "jenis", "apbn");
    gives("table(\"tali_asih\", jenis)", 700000);
    gives("table(\"tali_asih\", \"apbd_kab\") * 3", 750000);
    env.event = "2024-12-30";
    gives("table(\"tali_asih\", jenis)", 500000);
    gives_nil("table(\"tali_asih\", \"apbd_kab\")");
    static const char *const without[] = { "2024-12-31", "2017-12-31", "" };
    for (size_t i = 0; i < COUNT_OF(without); i++) {
        env.event = without[i];
        gives_nil("table(\"tali_asih\", jenis)");
    }
    env.event = "2026-03-01";
    gives_nil("table(\"no_such_table\", jenis)");
    gives_nil("table(\"tali_asih\", nama)");
    gives_nil("table(\"tali_asih\", 1)");
    SET_REF("", "rapat", "r1");
    SET_TEXT("r1", "status", "apbn");
    gives("first(table(\"tali_asih\", rapat.hadir), table(\"tali_asih\", rapat.status))", 700000);
}

static void length_counts_characters(void **state)
{
    (void)state;
    gives("length(nama)", 0);
    SET_TEXT("", "nama", "b\u00e9\u20ac");
    gives("length(nama)", 3);
    gives("length(\"\")", 0);
    gives_nil("length(5)");
}

static void holds_finds_an_item_of_a_list(void **state)
{
    (void)state;
    no("holds(tag, \"a\")");
    SET("", "tag", {
        writer_array(&w, 2);
        writer_text(&w, "a");
        writer_text(&w, "bc");
    });
    yes("holds(tag, \"a\") and holds(tag, \"bc\") and not holds(tag, \"b\")");
    SET_TEXT("", "nama", "bc");
    yes("holds(tag, nama)");
    no("holds(nama, \"bc\") or holds(tag, nil) or holds(tag, 1)");
    SET_REF("", "rapat", "r1");
    SET_TEXT("r1", "status", "a");
    yes("holds(tag, rapat.status)");
    cell_set("", "tag")->unknown = true;
    open_to_doubt("holds(tag, \"a\")");
    refused("holds(tag)", "column 1: holds takes 2 values");
}

static void most_is_the_largest_of_maps_or_of_the_records_named(void **state)
{
    (void)state;
    gives_nil("most(peserta, \"jumlah\")");
    SET("", "peserta", write_people(&w));
    gives("most(peserta, \"jumlah\")", 40);
    gives_nil("most(peserta, \"nama\")");
    gives_nil("most(nama, \"x\")");

    struct id first = id_of("r1"), second = id_of("r2");
    SET("", "rapat_lain", {
        writer_array(&w, 2);
        writer_bin(&w, bytes_id(&first));
        writer_bin(&w, bytes_id(&second));
    });
    gives_nil("most(rapat_lain, \"hadir\")");
    SET_INT("r1", "hadir", -4);
    gives("most(rapat_lain, \"hadir\")", -4);
    SET_INT("r2", "hadir", 9);
    gives("most(rapat_lain, \"hadir\") * 2", 18);
    gives_nil("most(rapat_lain, \"status\")");
    gives_nil("most(rapat_lain, \"nik\")"); /* none of them has it */
    cell_set("r1", "hadir")->unknown = true;
    open_to_doubt("most(rapat_lain, \"hadir\") > 5");
    refused("most(rapat_lain, nama)", "column 1: the second value of most is a name in quotes");
}

static void after_counts_days_on_from_a_date(void **state)
{
    (void)state;
    gives_text("after(event, 14)", "2026-03-15");
    gives_text("after(\"2024-02-28\", 2)", "2024-03-01");
    gives_text("after(\"2024-03-01\", -1)", "2024-02-29");
    gives_text("after(after(event, 1), 1)", "2026-03-03");
    yes("after(event, 3) = claimed and days(event, after(claimed, 1)) = 4");
    SET_TEXT("", "lahir", "1960-05-01");
    gives_text("first(harga, after(lahir, 0))", "1960-05-01");
    gives_text("after(\"2199-12-30\", 1)", "2199-12-31");
    gives_nil("after(\"2199-12-31\", 1)");
    gives_nil("after(\"1800-01-01\", -1)");
    gives_nil("after(event, 9223372036854775807)");
    gives_nil("after(event, nil)");
    gives_nil("after(nama, 1)");
    gives_nil("after(3, 1)");
}

static void signature_tells_how_the_signature_stands(void **state)
{
    (void)state;
    static const char *const states[] = { "none", "ok", "ended", "area" };
    for (int i = SIGNATURE_NONE; i <= SIGNATURE_AREA; i++) {
        signature_says = (enum signature_state)i;
        gives_text("signature(ttd)", states[i]);
    }
    gives_text("signature(no_such_field)", "none");
    yes("signature(ttd) in (\"ok\", \"area\")");
}

static void a_value_is_written_as_a_field_holds_it(void **state)
{
    (void)state;
    static const struct {
        const char *text, *hex;
        size_t len;
    } cases[] = {
        { "nil", "\xc0", 1 },      { "1 = 1", "\xc3", 1 },    { "2 - 3", "\xff", 1 },
        { "\"ya\"", "\xa2ya", 3 }, { "tag", "\x91\xa1z", 3 }, { "first(tag, 1)", "\x91\xa1z", 3 },
    };
    SET("", "tag", {
        writer_array(&w, 1);
        writer_text(&w, "z");
    });
    uint8_t space[4096];
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct expr_result result = value_of(cases[i].text);
        struct writer out = writer_of(space, sizeof space);
        expr_write(&result, &out);
        assert_int_equal(out.err, OK);
        assert_true(bytes_equal(writer_bytes(&out), bytes_of(cases[i].hex, cases[i].len)));
    }
    static char text[3001];
    memset(text, 'y', sizeof text - 1);
    SET_REF("", "rapat", "r1");
    SET_TEXT("r1", "status", text);
    struct expr_result result = value_of("rapat.status"); /* whole, however long */
    struct writer out = writer_of(space, sizeof space);
    expr_write(&result, &out);
    assert_int_equal(writer_bytes(&out).len, 3003);
    assert_memory_equal(space + 3, text, 3000);
}

static void names_are_listed_in_the_order_of_the_text(void **state)
{
    (void)state;
    static const struct {
        enum expr_name_kind kind;
        const char *name, *path;
        bool old;
        size_t column;
    } expected[] = {
        { EXPR_LIST, "jenis", "jenis", false, 21 },
        { EXPR_PATH, "rapat", "rapat.desa.nama", false, 32 },
        { EXPR_PATH, "rumah", "rumah.luas", true, 50 },
        { EXPR_TABLE, "batas", "batas", false, 74 },
        { EXPR_PATH, "jenis", "jenis", false, 82 },
        { EXPR_SIGNATURE, "ttd", "ttd", false, 102 },
    };
    const struct expr *expr =
        compiled("\"r\u00e9\" in list(\"a\") or 1 in (2) or \"kube\" in list(\"jenis\")");
    struct expr_name name;
    assert_true(expr_names(expr, 0, &name));
    assert_int_equal(name.column, 15);
    expr = compiled("\"kube\" in list(    \"jenis\") or rapat.desa.nama = old.rumah.luas + "
                    "table(\"batas\", jenis) or signature(ttd) = \"ok\" or event < claimed");
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_true(expr_names(expr, i, &name));
        assert_int_equal(name.kind, expected[i].kind);
        assert_true(bytes_is(name.name, expected[i].name));
        assert_true(bytes_is(name.path, expected[i].path));
        assert_int_equal(name.old, expected[i].old);
        assert_int_equal(name.column, expected[i].column);
    }
    assert_false(expr_names(expr, COUNT_OF(expected), &name));
    assert_false(expr_names(compiled("1 + 1"), 0, &name));
}

/* --- what is refused ----------------------------------------------------------------------- */

static void what_is_wrong_is_told_with_its_column(void **state)
{
    (void)state;
    refused("", "column 1: a value is missing");
    refused("  ", "column 3: a value is missing");
    refused("nama =", "column 7: a value is missing");
    refused("nama = = 1", "column 8: a value is missing");
    refused("(1 + 2", "column 7: \")\" is missing");
    refused("count(nama", "column 11: \")\" is missing");
    refused("1 in (2", "column 8: \")\" is missing");
    refused("1 + 2)", "column 6: an operator is missing, or this is too much");
    refused("nama jumlah", "column 6: an operator is missing, or this is too much");
    refused("nama = \"a", "column 8: the closing quote is missing");
    refused("jumlah > 9223372036854775808", "column 10: the number is too large");
    refused("jumlah > 1.5", "column 11: a number has digits only");
    refused("jumlah > 12a", "column 12: a number has digits only");
    refused("nama == \"a\"", "column 7: a value is missing");
    refused("nama ~ 1", "column 6: this character means nothing here");
    refused("\"\u00e9\" = 'a'", "column 7: this character means nothing here");
    refused("Nama = 1", "column 1: this character means nothing here");
    refused("rumah. = 1", "column 7: a name is missing after the point");
    refused("rumah.Luas", "column 7: a name is missing after the point");
    refused("old = 1", "column 1: old wants the name of a field: old.field");
    refused("1 = old", "column 5: old wants the name of a field: old.field");
    refused("1 < 2 < 3", "column 7: compare two values only, or use brackets");
    refused("1 in (1) in (1)", "column 10: compare two values only, or use brackets");
    refused("1 in jenis", "column 6: after \"in\" comes (\"a\", \"b\") or list(\"name\")");
    refused("1 in list", "column 10: after \"in\" comes (\"a\", \"b\") or list(\"name\")");
    refused("1 in list(jenis)", "column 11: list takes a name in quotes");
    refused("1 in ()", "column 7: a value is missing");
    refused("not", "column 4: a value is missing");
    refused("and nama", "column 1: a value is missing before \"and\"");
    refused("1 = in", "column 5: a value is missing before \"in\"");
    refused("a\x01", "column 1: this is no plain text");
    refused("a\xff", "column 1: this is no plain text");
    refused("aaaaaaaaaabbbbbbbbbbccccccccccdddddddddde = 1",
            "column 1: a name has at most 40 characters");
    refused("a.aaaaaaaaaabbbbbbbbbbccccccccccdddddddddde",
            "column 3: a name has at most 40 characters");
}

static void functions_are_refused_that_are_none_or_have_other_values(void **state)
{
    (void)state;
    refused("nama = foo(1)", "column 8: there is no function \"foo\"");
    refused("a.count(1)", "column 1: there is no function \"a.count\"");
    refused("list(\"jenis\")", "column 1: there is no function \"list\"");
    refused("1 = has()", "column 9: a value is missing");
    refused("1 = has(1, 2)", "column 5: has takes 1 value");
    refused("length(1, 2)", "column 1: length takes 1 value");
    refused("days(event)", "column 1: days takes 2 values");
    refused("years(event, event, event)", "column 1: years takes 2 values");
    refused("digits(nama)", "column 1: digits takes 2 values");
    refused("count(tag, \"a\")", "column 1: count takes 1 or 3 values");
    refused("count(tag, \"a\", 1, 2)", "column 1: count takes 1 or 3 values");
    refused("count(tag, nama, 1)", "column 1: the second value of count is a name in quotes");
    refused("1 + sum(tag, nama)", "column 5: the second value of sum is a name in quotes");
    refused("all(tag, 1)", "column 1: the second value of all is a name in quotes");
    refused("table(nama, nama)", "column 1: the first value of table is a name in quotes");
    refused("signature(\"ttd\")", "column 1: signature takes the name of a field");
    refused("signature(old.ttd)", "column 1: signature takes the name of a field");
    refused("signature(rapat.ttd)", "column 1: signature takes the name of a field");
    refused("signature(event)", "column 1: signature takes the name of a field");
}

static char *repeat(char *at, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, text);
    return at;
}

static void every_limit_holds_and_what_lies_at_it_works(void **state)
{
    (void)state;
    char text[2 * EXPR_BYTES_MAX];
    repeat(repeat(text, " ", EXPR_BYTES_MAX - 1), "7", 1);
    gives(text, 7);
    repeat(text + EXPR_BYTES_MAX, " ", 1);
    refused(text, "column 401: more than 400 bytes");

    /* The whole is one level. */
    repeat(repeat(repeat(text, "(", 15), "7", 1), ")", 15);
    gives(text, 7);
    repeat(repeat(repeat(text, "(", 16), "7", 1), ")", 16);
    refused(text, "column 17: more than 16 inside each other");
    repeat(repeat(text, "not ", 15), "true", 1);
    no(text);
    repeat(repeat(text, "not ", 16), "true", 1);
    refused(text, "column 65: more than 16 inside each other");
    repeat(repeat(text, "-", 15), "7", 1);
    gives(text, -7);
    repeat(repeat(text, "-", 16), "7", 1);
    refused(text, "column 17: more than 16 inside each other");

    /* Few brackets, but much inside each other: per bracket a sum and a product. */
    repeat(repeat(repeat(text, "1+2*(", 7), "7", 1), ")", 7);
    gives(text, 1 + 2 * (1 + 2 * (1 + 2 * (1 + 2 * (1 + 2 * (1 + 2 * (1 + 2 * 7)))))));
    repeat(repeat(repeat(text, "1+2*(", 8), "7", 1), ")", 8);
    refused(text, "column 50: more than 16 inside each other");

    /* A chain is not deep. */
    repeat(repeat(text, "1+", EXPR_NODES_MAX - 2), "1", 1);
    gives(text, EXPR_NODES_MAX - 1);
    repeat(repeat(text, "1+", EXPR_NODES_MAX - 1), "1", 1);
    refused(text, "column 255: more than 128 parts");
}

static void the_deepest_expression_holds_every_value_it_needs(void **state)
{
    (void)state;
    SET_REF("", "rapat", "r1");
    SET_REF("", "rapat2", "r2");
    SET_TEXT("r1", "status", "a");
    SET_TEXT("r2", "status", "b");
    /* Each level holds its left side while the one inside it holds another and follows again. */
    char text[2 * EXPR_BYTES_MAX] = "rapat.status in (1, rapat.status)";
    for (int level = 0; level < 10; level++) {
        char inner[EXPR_BYTES_MAX];
        stpcpy(inner, text);
        const char *reference = level % 2 == 0 ? "rapat2" : "rapat";
        snprintf(text, sizeof text, "%s.status in(%s,%s.status)", reference, inner, reference);
        yes(text);
    }
    repeat(repeat(repeat(text, "rapat.status in(", 15), "1", 1), ")", 15);
    no(text);
    repeat(repeat(repeat(text, "rapat.status in(", 16), "1", 1), ")", 16);
    refused(text, "column 257: more than 16 inside each other");
}

static void *arena_empty(void *context, size_t size)
{
    assert_null(context);
    assert_true(size > 0);
    return NULL;
}

static void no_memory_and_no_room_for_the_reason_are_survived(void **state)
{
    (void)state;
    const struct expr *expr = NULL;
    char why[12] = "untouched";
    assert_int_equal(expr_compile(bytes_text("1"), arena_empty, NULL, &expr, why, sizeof why),
                     ERR_MEMORY);
    assert_string_equal(why, "untouched");
    for (size_t cap = 1; cap <= sizeof why; cap++) {
        memset(why, '#', sizeof why);
        assert_int_equal(expr_compile(bytes_text("1 +"), arena_empty, NULL, &expr, why, cap),
                         ERR_POLICY_MEANING);
        assert_int_equal(strlen(why), cap - 1);
        assert_memory_equal(why, "column 4: a value", cap - 1);
    }
    assert_null(expr);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(count_tells_the_items_of_a_list_or_map),
        T(count_of_a_key_tells_the_maps_that_have_that_value),
        T(sum_adds_what_is_there_and_all_says_whether_each_has_it),
        T(has_and_first_tell_what_is_there),
        T(digits_finds_numbers_however_they_are_spaced),
        T(days_and_years_count_between_dates),
        T(table_gives_the_number_in_force_on_the_day_of_the_event),
        T(length_counts_characters),
        T(holds_finds_an_item_of_a_list),
        T(most_is_the_largest_of_maps_or_of_the_records_named),
        T(after_counts_days_on_from_a_date),
        T(signature_tells_how_the_signature_stands),
        T(a_value_is_written_as_a_field_holds_it),
        T(names_are_listed_in_the_order_of_the_text),
        T(what_is_wrong_is_told_with_its_column),
        T(functions_are_refused_that_are_none_or_have_other_values),
        T(every_limit_holds_and_what_lies_at_it_works),
        T(the_deepest_expression_holds_every_value_it_needs),
        T(no_memory_and_no_room_for_the_reason_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
