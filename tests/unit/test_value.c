#include "tests/unit/policy_fixture.h"

#include "proto/value_form.h"

#define TODAY "2024-05-01"

static struct policy *policy;

static int open_policy(void **state)
{
    if (start_crypto(state) != 0)
        return -1;
    policy = small_policy();
    return 0;
}

static int close_policy(void **state)
{
    (void)state;
    policy_close(&policy);
    return 0;
}

static enum err parse(const char *field, const char *text, struct bytes *ret,
                      struct problem *problem)
{
    static uint8_t space[32768];
    struct writer out = writer_of(space, sizeof space);
    *problem = (struct problem){ .code = OK };
    enum err err =
        value_from_text(policy, field_of(policy, field), TODAY, bytes_text(text), &out, problem);
    assert_int_equal(err == OK, out.buf.len > 0); /* nothing is left behind on failure */
    *ret = writer_bytes(&out);
    if (err == OK)
        assert_int_equal(codec_scan(*ret), OK);
    return err;
}

/* `text` becomes a canonical value that reads as `again`, and `again` becomes the same value. */
static void reads_as(const char *field, const char *text, const char *again)
{
    struct bytes value;
    struct problem problem;
    uint8_t first[32768];
    char back[32768];
    enum err err = parse(field, text, &value, &problem);
    if (err != OK)
        print_error("%s '%s': %s %s\n", field, text, err_name(err), problem.detail);
    assert_int_equal(err, OK);
    assert_int_equal(value_to_text(field_of(policy, field), value, back, sizeof back), OK);
    assert_string_equal(back, again);
    size_t len = value.len;
    memcpy(first, value.at, len);
    assert_int_equal(parse(field, again, &value, &problem), OK);
    assert_true(bytes_equal(value, bytes_of(first, len)));
}

static void refused(const char *field, const char *text, enum err code, const char *detail)
{
    struct bytes value;
    struct problem problem;
    enum err err = parse(field, text, &value, &problem);
    if (err != code || strstr(problem.detail, detail) == NULL)
        print_error("%s '%s': %s %s\n", field, text, err_name(err), problem.detail);
    assert_int_equal(err, code);
    assert_int_equal(problem.code, code);
    assert_string_equal(problem.thing, field);
    assert_non_null(strstr(problem.detail, detail));
    assert_true(strlen(problem_remedy(&problem, LANG_ID)) > 0);
}

static void nothing_typed_clears_a_field(void **state)
{
    (void)state;
    struct bytes value;
    struct problem problem;
    assert_int_equal(parse("teks", "  \t ", &value, &problem), OK);
    assert_true(value_is_nil(value));
    assert_int_equal(parse("warna2", " | ", &value, &problem), OK);
    assert_true(value_is_nil(value));
    reads_as("nik", "", "");
}

static void text_keeps_its_letters_and_its_limit(void **state)
{
    (void)state;
    reads_as("teks", "  abc ", "abc");
    reads_as("teks", "h\xc3\xa9\xe2\x80\x99\xf0\x9f\x98\x80o",
             "h\xc3\xa9\xe2\x80\x99\xf0\x9f\x98\x80o");
    refused("teks", "abcdef", ERR_LENGTH, "6 > 5");
    refused("teks", "a\x01", ERR_TEXT, "control");
    refused("teks", "a\xc2\x85", ERR_TEXT, "control");
    refused("teks", "a\xff", ERR_TEXT, "UTF-8");
}

static void dates_are_days_of_the_calendar(void **state)
{
    (void)state;
    reads_as("tgl", "2018-03-27", "2018-03-27");
    reads_as("tgl", "27/03/2018", "2018-03-27");
    reads_as("tgl", "27-03-2018", "2018-03-27");
    reads_as("tgl", "7/3/2018", "2018-03-07");
    reads_as("tgl", "29/02/2000", "2000-02-29");
    static const char *const bad[] = { "29/02/2018", "29/02/1900", "31/04/2018",  "2018-13-01",
                                       "2018-00-10", "00/01/2018", "2018-3-7",    "27 Maret 2018",
                                       "27/03/18",   "0018-03-27", "2018-03-27x", "27/03-2018" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused("tgl", bad[i], ERR_DATE, bad[i]);
}

static void real_bad_date_is_refused_with_rule_and_remedy(void **state)
{
    (void)state;
    struct bytes value;
    struct problem problem;
    char rule[512];
    assert_int_equal(parse("tgl", "27 s/d 40 Maret 2018", &value, &problem), ERR_DATE);
    problem_rule(&problem, LANG_ID, rule, sizeof rule);
    assert_string_equal(rule, "bukan satu tanggal yang ada di kalender: \"27 s/d 40 Maret 2018\"");
    assert_non_null(strstr(problem_remedy(&problem, LANG_ID), "27/03/2018"));
    assert_non_null(strstr(problem_remedy(&problem, LANG_EN), "2018-03-27"));
}

static void personal_values_never_stand_in_a_message(void **state)
{
    (void)state;
    struct bytes value;
    struct problem problem;
    assert_int_equal(parse("lahir", "31/02/1990", &value, &problem), ERR_DATE);
    assert_null(strstr(problem.detail, "1990"));
    assert_int_equal(parse("nik", "360429010190000", &value, &problem), ERR_NIK);
    assert_null(strstr(problem.detail, "3604"));
    assert_int_equal(parse("nik", "36042901O1900001", &value, &problem), ERR_NIK);
    assert_null(strstr(problem.detail, "3604"));
}

static void nik_and_kk_have_sixteen_digits(void **state)
{
    (void)state;
    reads_as("nik", "3604290101900001", "3604290101900001");
    reads_as("nik", "'3604 2901 0190 0001", "3604290101900001");
    reads_as("kk", "3604290101900001", "3604290101900001");
    refused("nik", "360429010190001", ERR_NIK, "15");
    refused("nik", "36042901019000011", ERR_NIK, "17");
    refused("nik", "0000000000000000", ERR_NIK, "16 × 0");
    refused("nik", "36042901019O0001", ERR_NIK, "15 digits, 1 other");
    refused("nik", "-", ERR_NIK, "0 digits, 1 other");
    refused("nik", "3.60429E+15", ERR_SPREADSHEET, "E+15");
    refused("nik", "3,60429e+15", ERR_SPREADSHEET, "e+15");
    refused("kk", "3.60429E+15", ERR_SPREADSHEET, "E+15");
    refused("kk", "360429010190001", ERR_KK, "15");
    refused("kk", "0000000000000000", ERR_KK, "16 × 0");
}

static void odd_nik_is_a_warning_never_a_refusal(void **state)
{
    (void)state;
    struct {
        const char *nik;
        const char *detail;
    } cases[] = {
        { "3604290101900001", NULL },   { "3604294101900001", NULL },
        { "3604293201900001", "7-12" }, { "3604297201900001", "7-12" },
        { "3604290113900001", "7-12" }, { "3604293002900001", "7-12" },
        { "3604290001900001", "7-12" }, { "3604290101900000", "13-16" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct bytes value;
        struct problem problem;
        struct warnings warnings = { .count = 0 };
        assert_int_equal(parse("nik", cases[i].nik, &value, &problem), OK);
        assert_int_equal(
            value_check(policy, field_of(policy, "nik"), TODAY, value, &problem, &warnings), OK);
        assert_int_equal(warnings.count, cases[i].detail != NULL);
        if (cases[i].detail != NULL) {
            assert_int_equal(warnings.list[0].code, ERR_NIK_ODD);
            assert_string_equal(warnings.list[0].detail, cases[i].detail);
        }
    }
}

static void whole_numbers_have_their_range(void **state)
{
    (void)state;
    reads_as("angka", "10", "10");
    reads_as("angka", "007", "7");
    refused("angka", "0", ERR_RANGE, "1..10");
    refused("angka", "11", ERR_RANGE, "1..10");
    refused("angka", "3,5", ERR_NUMBER, "3,5");
    refused("angka", "1.000", ERR_NUMBER, "1.000");
    refused("angka", "tiga", ERR_NUMBER, "tiga");
    refused("angka", "-", ERR_NUMBER, "-");
    refused("angka", "99999999999999999999", ERR_NUMBER, "999");
}

static void money_is_whole_rupiah_and_never_another_amount(void **state)
{
    (void)state;
    reads_as("uang", "1500000", "1500000");
    reads_as("uang", "Rp 1.500.000", "1500000");
    reads_as("uang", "Rp1,500,000", "1500000");
    reads_as("uang", "rp. 250.000,-", "250000");
    reads_as("uang", "1.500.000,00", "1500000");
    reads_as("uang", "0", "0");
    static const char *const bad[] = { "1,5",
                                       "1.50",
                                       "15.00.000",
                                       "1.5000",
                                       ".500",
                                       "1.500,5",
                                       "1.5 juta",
                                       "Rp",
                                       "1.500,000",
                                       "1..000",
                                       "12.34.567",
                                       "1.500.000,50",
                                       "9223372036854775808" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        refused("uang", bad[i], ERR_MONEY, bad[i]);
    refused("uang", "-500", ERR_RANGE, "0..");
}

static void decimals_have_one_form(void **state)
{
    (void)state;
    reads_as("lat", "-6,12340", "-6.1234");
    reads_as("lat", "+06.5", "6.5");
    reads_as("lat", "-0.0", "0");
    reads_as("lat", "90", "90");
    reads_as("lat", "-90.0", "-90");
    reads_as("lat", "0.123456789", "0.123456789");
    refused("lat", "0.1234567891", ERR_DECIMAL, "0.12345");
    refused("lat", "1234567890", ERR_DECIMAL, "");
    refused("lat", "1e2", ERR_DECIMAL, "1e2");
    refused("lat", "6.1.2", ERR_DECIMAL, "");
    refused("lat", "6°", ERR_DECIMAL, "");
    refused("lat", "90.000000001", ERR_RANGE, "-90..90");
    refused("lat", "-90.5", ERR_RANGE, "-90..90");
    static const char *const not_canonical[] = { "1.0", "01", "-0", "+1", ".5", "1.", "" };
    int64_t scaled = 0;
    for (size_t i = 0; i < COUNT_OF(not_canonical); i++)
        assert_false(decimal_scaled(bytes_text(not_canonical[i]), &scaled));
    assert_true(decimal_scaled(bytes_text("-0.5"), &scaled));
    assert_int_equal(scaled, -500000000);
}

static void yes_and_no_in_the_words_people_use(void **state)
{
    (void)state;
    static const char *const yes[] = { "ya", "Ya", "TRUE", "1" };
    static const char *const no[] = { "tidak", "TIDAK", "false", "0" };
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        reads_as("aktif", yes[i], "ya");
    for (size_t i = 0; i < COUNT_OF(no); i++)
        reads_as("aktif", no[i], "tidak");
    refused("aktif", "mungkin", ERR_BOOL, "mungkin");
}

static void times_are_utc_inside_and_offices_time_when_typed(void **state)
{
    (void)state;
    reads_as("jam", "2018-03-27 08:15", "2018-03-27T01:15:00Z");
    reads_as("jam", "27/03/2018 19.30", "2018-03-27T12:30:00Z");
    reads_as("jam", "27/03/2018 00:00:30", "2018-03-26T17:00:30Z");
    reads_as("jam", "2018-03-27T01:15:00.250Z", "2018-03-27T01:15:00.250Z");
    reads_as("jam", "2018-03-27T01:15:00-05:00", "2018-03-27T06:15:00Z");
    reads_as("jam", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z");
    refused("jam", "08:15", ERR_TIME, "08:15");
    refused("jam", "2018-03-27 24:00", ERR_TIME, "24:00");
    refused("jam", "2018-02-30 08:15", ERR_TIME, "");
}

static void codes_are_found_by_code_or_label_in_either_case(void **state)
{
    (void)state;
    reads_as("jk", "L", "L");
    reads_as("jk", "p", "P");
    reads_as("jk", "LAKI-LAKI", "L");
    reads_as("warna", "biru laut", "BIRU");
    refused("jk", "X", ERR_CODE, "L");
    refused("warna", "ungu", ERR_CODE, "hijau"); /* of the older version only */
}

static void unknown_code_is_answered_with_the_nearest_eight(void **state)
{
    (void)state;
    struct nearest nearest = { .typed = bytes_text("diverifkasi") };
    static const char *const names[] = { "selesai", "a1", "a2", "a3", "a4",
                                         "a5",      "a6", "a7", "a8", "diverifikasi" };
    char text[128];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        nearest_add(&nearest, names[i], NULL);
    assert_int_equal(nearest.count, NEAREST_MAX);
    nearest_text(&nearest, text, sizeof text);
    assert_int_equal(strncmp(text, "diverifikasi, ", 14), 0);
    nearest_text(&nearest, text, 10); /* cut, never beyond */
    assert_int_equal(strlen(text), 9);
}

static void codes_go_by_the_version_in_force_on_the_day(void **state)
{
    (void)state;
    struct problem problem;
    uint8_t space[16];
    struct writer out = writer_of(space, sizeof space);
    writer_text(&out, "ungu");
    const struct policy_field *field = field_of(policy, "warna");
    assert_int_equal(value_check(policy, field, "2019-12-31", writer_bytes(&out), &problem, NULL),
                     OK);
    assert_int_equal(value_check(policy, field, "1990-01-01", writer_bytes(&out), &problem, NULL),
                     OK);
    assert_int_equal(value_check(policy, field, "2020-01-01", writer_bytes(&out), &problem, NULL),
                     ERR_CODE);
}

static void areas_are_known_and_of_the_right_level(void **state)
{
    (void)state;
    reads_as("kec", "36.04.29", "36.04.29");
    reads_as("kec", "360429", "36.04.29");
    reads_as("kec", "cikeusal", "36.04.29");
    reads_as("kec", "Anyar", "36.04.05"); /* the village of that name has another level */
    reads_as("desa", "3604052002", "36.04.05.2002");
    refused("kec", "36.04.99", ERR_AREA_UNKNOWN, "36.04.99");
    refused("kec", "36.04.29.2001", ERR_AREA_LEVEL, "4");
    refused("desa", "SUKAMAJU", ERR_AMBIGUOUS, "36.04.05.2002, 36.04.29.2001");
    refused("kec", "Sidomulyo", ERR_AREA_UNKNOWN, "");
    refused("kec", "74.01", ERR_AREA_UNKNOWN, "");
}

static void references_are_uuids(void **state)
{
    (void)state;
    reads_as("induk", "018F3B4A-0000-7000-8000-0123456789AB",
             "018f3b4a-0000-7000-8000-0123456789ab");
    refused("induk", "29-0417", ERR_REFERENCE, "29-0417"); /* short numbers are the caller's */
    refused("induk", "018f3b4a-0000-7000-8000-0123456789a", ERR_REFERENCE, "");
    refused("induk", "018f3b4a00000-7000-8000-0123456789ab", ERR_REFERENCE, "");
    refused("induk", "018f3b4a-0000-7000-8000-0123456789ag", ERR_REFERENCE, "");
}

static void lists_hold_each_value_once(void **state)
{
    (void)state;
    reads_as("warna2", "hijau | Merah", "hijau|merah");
    refused("warna2", "merah|hijau|biru", ERR_LENGTH, "3 > 2");
    refused("warna2", "merah|MERAH", ERR_TWICE, "1 = 2");
    refused("warna2", "merah|kuning", ERR_CODE, "");
    reads_as("catatan", "a\\|b|c\\\\d", "a\\|b|c\\\\d");
    reads_as("catatan", "x=1;y|z", "x=1;y|z");
}

static void blobs_name_hash_size_and_kind(void **state)
{
    (void)state;
#define HASH_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    reads_as("foto", HASH_A " 1234 image/jpeg", HASH_A " 1234 image/jpeg");
    refused("foto", HASH_A " 0 image/jpeg", ERR_VALUE, "");
    refused("foto", HASH_A " 12 jpeg", ERR_VALUE, "");
    refused("foto", HASH_A " 12", ERR_VALUE, "");
    refused("foto", "rumah.jpg", ERR_VALUE, "");
}

static void maps_have_known_keys_in_order(void **state)
{
    (void)state;
    struct bytes value;
    struct problem problem;
    reads_as("rumah", "milik = ya | lantai=tanah | luas_m2=36", "lantai=tanah|luas_m2=36|milik=ya");
    reads_as("rumah", "lantai=a\\|b\\=c", "lantai=a\\|b\\=c");
    refused("rumah", "lantay=tanah", ERR_PART, "lantai");
    refused("rumah", "lantai=a|lantai=b", ERR_TWICE, "lantai");
    refused("rumah", "lantai", ERR_VALUE, "lantai=…|luas_m2=…|milik=…");
    reads_as("riwayat", "a=1;b=true|a=003", "a=1;b=true|a=003");

    assert_int_equal(parse("rumah", "luas_m2=36|lantai=036", &value, &problem), OK);
    struct reader reader = reader_of(value);
    assert_int_equal(reader_map(&reader), 2);
    assert_true(bytes_is(reader_str(&reader), "lantai"));
    assert_true(bytes_is(reader_str(&reader), "036")); /* a leading zero is text */
    assert_true(bytes_is(reader_str(&reader), "luas_m2"));
    assert_int_equal(reader_int(&reader), 36);
    assert_int_equal(reader_end(&reader), OK);
}

/* A peer can send any well-formed value for any field. */
static void values_of_the_wrong_kind_are_refused(void **state)
{
    (void)state;
    const struct policy_collection *collection = &policy->collections[0];
    uint8_t space[256];
    for (unsigned kind = 0; kind < 9; kind++) {
        struct writer out = writer_of(space, sizeof space);
        if (kind == 0)
            writer_bool(&out, true);
        else if (kind == 1)
            writer_int(&out, -5);
        else if (kind == 2)
            writer_text(&out, "");
        else if (kind == 3)
            writer_bin(&out, bytes_of("abc", 3));
        else if (kind == 4)
            writer_array(&out, 0);
        else if (kind == 5)
            writer_map(&out, 0);
        else if (kind == 6) {
            writer_array(&out, 1);
            writer_nil(&out);
        } else if (kind == 7) {
            writer_map(&out, 1);
            writer_text(&out, "lantai");
            writer_array(&out, 0);
        } else {
            writer_array(&out, 1);
            writer_array(&out, 1);
            writer_int(&out, 1);
        }
        assert_int_equal(codec_scan(writer_bytes(&out)), OK);
        for (size_t i = 0; i < collection->field_count; i++) {
            const struct policy_field *field = &collection->fields[i];
            struct problem problem = { .code = OK };
            enum err err = value_check(policy, field, TODAY, writer_bytes(&out), &problem, NULL);
            bool fits = (kind == 0 && field->type == FIELD_BOOL) ||
                        (kind == 1 && (field->type == FIELD_TIME ||
                                       (field->type == FIELD_INTEGER && field->min < -5)));
            if ((err == OK) != fits)
                print_error("kind %u field %s\n", kind, field->name);
            assert_int_equal(err == OK, fits);
        }
    }
}

static void no_room_is_told_and_leaves_nothing(void **state)
{
    (void)state;
    uint8_t space[4];
    char text[4];
    struct writer out = writer_of(space, sizeof space);
    struct problem problem;
    assert_int_equal(value_from_text(policy, field_of(policy, "teks"), TODAY, bytes_text("abcde"),
                                     &out, &problem),
                     ERR_LIMIT);
    assert_int_equal(out.buf.len, 0);
    uint8_t full[16];
    out = writer_of(full, sizeof full);
    writer_text(&out, "abcde");
    assert_int_equal(value_to_text(field_of(policy, "teks"), writer_bytes(&out), text, sizeof text),
                     ERR_LIMIT);
    assert_string_equal(text, "abc");
}

static void days_of_the_clock_are_days_at_the_offices(void **state)
{
    (void)state;
    char iso[11];
    date_of_ms(0, iso);
    assert_string_equal(iso, "1970-01-01");
    date_of_ms(UINT64_C(1709225999999), iso); /* 2024-02-29T16:59:59.999Z */
    assert_string_equal(iso, "2024-02-29");
    date_of_ms(UINT64_C(1709226000000), iso); /* midnight, UTC+7 */
    assert_string_equal(iso, "2024-03-01");
    date_of_ms(UINT64_MAX, iso);
    assert_string_equal(iso, "9999-12-31");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_typed_clears_a_field),
        cmocka_unit_test(text_keeps_its_letters_and_its_limit),
        cmocka_unit_test(dates_are_days_of_the_calendar),
        cmocka_unit_test(real_bad_date_is_refused_with_rule_and_remedy),
        cmocka_unit_test(personal_values_never_stand_in_a_message),
        cmocka_unit_test(nik_and_kk_have_sixteen_digits),
        cmocka_unit_test(odd_nik_is_a_warning_never_a_refusal),
        cmocka_unit_test(whole_numbers_have_their_range),
        cmocka_unit_test(money_is_whole_rupiah_and_never_another_amount),
        cmocka_unit_test(decimals_have_one_form),
        cmocka_unit_test(yes_and_no_in_the_words_people_use),
        cmocka_unit_test(times_are_utc_inside_and_offices_time_when_typed),
        cmocka_unit_test(codes_are_found_by_code_or_label_in_either_case),
        cmocka_unit_test(unknown_code_is_answered_with_the_nearest_eight),
        cmocka_unit_test(codes_go_by_the_version_in_force_on_the_day),
        cmocka_unit_test(areas_are_known_and_of_the_right_level),
        cmocka_unit_test(references_are_uuids),
        cmocka_unit_test(lists_hold_each_value_once),
        cmocka_unit_test(blobs_name_hash_size_and_kind),
        cmocka_unit_test(maps_have_known_keys_in_order),
        cmocka_unit_test(values_of_the_wrong_kind_are_refused),
        cmocka_unit_test(no_room_is_told_and_leaves_nothing),
        cmocka_unit_test(days_of_the_clock_are_days_at_the_offices),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
