#include "tests/unit/policy_fixture.h"

#include "proto/validate.h"

#define NOW_MS UINT64_C(1714521600000) /* 2024-05-01 */

static struct policy *policy;
static const struct author tksk = { .authority = AUTHORITY('T'),
                                    .area = { (const uint8_t *)"36.04.29", 8 } };
static const struct author officer = { .authority = AUTHORITY('D'),
                                       .area = { (const uint8_t *)"36.04", 5 } };
static const struct author hub = { .authority = AUTHORITY('H') | AUTHORITY('D'),
                                   .area = { (const uint8_t *)"36.04", 5 } };

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

/* "name=text" pairs in bytewise order of the names, ended by NULL; "name=" is nil; a leading "!"
 * writes the text as a plain string, unchecked. */
static struct change change_of(enum change_op op, const char *const *pairs)
{
    static uint8_t space[16384];
    struct writer out = writer_of(space, sizeof space);
    struct problem problem;
    size_t count = 0;
    while (pairs[count] != NULL)
        count++;
    writer_map(&out, count);
    for (size_t i = 0; i < count; i++) {
        const char *equals = strchr(pairs[i], '=');
        struct bytes name = bytes_of(pairs[i], (size_t)(equals - pairs[i]));
        const struct policy_field *field =
            policy_field(policy_collection(policy, bytes_text("benda")), name);
        writer_str(&out, name);
        if (equals[1] == '!' || field == NULL)
            writer_text(&out, equals[1] == '!' ? equals + 2 : equals + 1);
        else if (value_from_text(policy, field, "2024-05-01", bytes_text(equals + 1), &out,
                                 &problem) != OK)
            fail_msg("%s", pairs[i]);
    }
    assert_int_equal(codec_scan(writer_bytes(&out)), OK);
    return (struct change){ .op = op,
                            .collection = bytes_text("benda"),
                            .record = { { 1 } },
                            .fields = writer_bytes(&out) };
}

#define CHANGE(op, ...) change_of(op, (const char *const[]){ __VA_ARGS__, NULL })

static enum err validate(const struct change *change, const struct author *author,
                         struct problem *problem, struct warnings *warnings)
{
    *problem = (struct problem){ .code = OK };
    enum err err = validate_change(policy, change, author, NOW_MS, problem, warnings);
    assert_true(err == OK || problem->code == err);
    return err;
}

static void refused(const struct change *change, const struct author *author, enum err code,
                    const char *thing, const char *detail)
{
    struct problem problem;
    enum err err = validate(change, author, &problem, NULL);
    if (err != code || strcmp(problem.thing, thing) != 0 || !strstr(problem.detail, detail))
        print_error("%s: %s: %s\n", err_name(err), problem.thing, problem.detail);
    assert_int_equal(err, code);
    assert_string_equal(problem.thing, thing);
    assert_non_null(strstr(problem.detail, detail));
}

static void whole_create_passes(void **state)
{
    (void)state;
    struct problem problem;
    struct warnings warnings = { .count = 0 };
    struct change change = CHANGE(OP_CREATE, "desa=36.04.29.2001", "jk=L", "kec=36.04.29",
                                  "lahir=1990-01-01", "nik=3604290101900001", "teks=abc");
    assert_int_equal(validate(&change, &tksk, &problem, &warnings), OK);
    assert_int_equal(warnings.count, 0);
}

static void unknown_collection_and_field_name_the_nearest(void **state)
{
    (void)state;
    struct change change = CHANGE(OP_UPDATE, "teks=abc");
    change.collection = bytes_text("bendaa");
    refused(&change, &tksk, ERR_COLLECTION, "bendaa", "benda");
    change = CHANGE(OP_UPDATE, "tekss=abc");
    refused(&change, &tksk, ERR_FIELD, "benda.tekss", "teks");
    change = CHANGE(OP_UPDATE, "Isi teks=abc"); /* labels are for people, names for changes */
    refused(&change, &tksk, ERR_FIELD, "benda.Isi teks", "teks");
}

static void required_fields_are_given_at_create_and_never_cleared(void **state)
{
    (void)state;
    struct problem problem;
    struct change change = CHANGE(OP_CREATE, "kec=36.04.29");
    refused(&change, &tksk, ERR_REQUIRED, "benda.teks", "");
    change = CHANGE(OP_CREATE, "kec=36.04.29", "teks=");
    refused(&change, &tksk, ERR_REQUIRED, "benda.teks", "");
    change = CHANGE(OP_UPDATE, "teks=");
    refused(&change, &tksk, ERR_REQUIRED, "benda.teks", "");
    change = CHANGE(OP_UPDATE, "angka=3");
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
    change = CHANGE(OP_UPDATE, "angka=");
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
}

static void bad_values_name_the_field_of_the_collection(void **state)
{
    (void)state;
    struct change change = CHANGE(OP_UPDATE, "tgl=!2018-03-40");
    refused(&change, &tksk, ERR_DATE, "benda.tgl", "2018-03-40");
    change = CHANGE(OP_UPDATE, "nik=!360429010190001");
    refused(&change, &tksk, ERR_NIK, "benda.nik", "15");
    change = CHANGE(OP_UPDATE, "jk=!X");
    refused(&change, &tksk, ERR_CODE, "benda.jk", "L, P");
    change = CHANGE(OP_UPDATE, "angka=!tiga");
    refused(&change, &tksk, ERR_VALUE, "benda.angka", "integer");
}

static void computed_fields_belong_to_the_hub(void **state)
{
    (void)state;
    struct problem problem;
    struct change change = CHANGE(OP_UPDATE, "hasil=7");
    refused(&change, &tksk, ERR_COMPUTED, "benda.hasil", "");
    refused(&change, &officer, ERR_COMPUTED, "benda.hasil", "");
    assert_int_equal(validate(&change, &hub, &problem, NULL), OK);
    /* required and computed is not asked of an author */
    change = CHANGE(OP_CREATE, "kec=36.04.29", "teks=abc");
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
}

static void record_of_another_kecamatan_is_refused_at_create(void **state)
{
    (void)state;
    struct problem problem;
    struct change change = CHANGE(OP_CREATE, "kec=36.04.05", "teks=abc");
    refused(&change, &tksk, ERR_AREA, "benda.kec", "36.04.05 (36.04.29)");
    assert_int_equal(validate(&change, &officer, &problem, NULL), OK);
    struct author nobody = { .authority = AUTHORITY('T') };
    refused(&change, &nobody, ERR_AREA, "benda.kec", "36.04.05");
}

static void child_area_lies_inside_its_parent(void **state)
{
    (void)state;
    struct problem problem;
    struct change change = CHANGE(OP_CREATE, "desa=36.04.05.2001", "kec=36.04.29", "teks=abc");
    refused(&change, &tksk, ERR_AREA_CHILD, "benda.desa", "36.04.29");
    change = CHANGE(OP_UPDATE, "desa=36.04.05.2001");
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK); /* the parent is at the store */
}

static void nik_that_disagrees_is_told_and_taken(void **state)
{
    (void)state;
    struct problem problem;
    struct warnings warnings = { .count = 0 };
    struct change change = CHANGE(OP_UPDATE, "jk=P", "lahir=1990-02-01", "nik=3604290101900001");
    assert_int_equal(validate(&change, &tksk, &problem, &warnings), OK);
    assert_int_equal(warnings.count, 2);
    assert_int_equal(warnings.list[0].code, ERR_NIK_MISMATCH);
    assert_string_equal(warnings.list[0].thing, "benda.nik");
    assert_string_equal(warnings.list[0].detail, "lahir");
    assert_string_equal(warnings.list[1].detail, "jk");

    warnings.count = 0;
    change = CHANGE(OP_UPDATE, "jk=P", "lahir=2090-01-01", "nik=3604294101900001");
    assert_int_equal(validate(&change, &tksk, &problem, &warnings), OK);
    assert_int_equal(warnings.count, 0); /* women: day + 40; no century */

    change = CHANGE(OP_UPDATE, "nik=3604293201900001");
    assert_int_equal(validate(&change, &tksk, &problem, &warnings), OK);
    assert_int_equal(warnings.count, 1);
    assert_int_equal(warnings.list[0].code, ERR_NIK_ODD);
    assert_string_equal(warnings.list[0].thing, "benda.nik");
}

static void codes_and_ends_go_by_the_day_of_the_event(void **state)
{
    (void)state;
    struct problem problem;
    struct change change = CHANGE(OP_UPDATE, "tgl=2015-06-01", "warna=!ungu");
    assert_int_equal(validate(&change, &officer, &problem, NULL), OK);
    change = CHANGE(OP_UPDATE, "tgl=2024-01-01", "warna=!ungu");
    refused(&change, &officer, ERR_CODE, "benda.warna", "merah");
    change = CHANGE(OP_UPDATE, "tgl=", "warna=!ungu"); /* no date any more: the claimed time */
    refused(&change, &officer, ERR_CODE, "benda.warna", "merah");
    change = CHANGE(OP_CREATE, "kec=36.04.29", "teks=abc", "warna=!ungu"); /* none given: too */
    refused(&change, &officer, ERR_CODE, "benda.warna", "merah");
    change = CHANGE(OP_UPDATE, "warna=!ungu"); /* the record's date decides, in rules_check */
    assert_int_equal(validate(&change, &officer, &problem, NULL), OK);
    change = CHANGE(OP_UPDATE, "warna=!nila"); /* never a code */
    refused(&change, &officer, ERR_CODE, "benda.warna", "merah");

    change = CHANGE(OP_UPDATE, "lama=1", "tgl=2020-12-31");
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
    change = CHANGE(OP_UPDATE, "lama=1", "tgl=2021-01-01");
    refused(&change, &tksk, ERR_RETIRED, "benda.lama", "2021-01-01");
    change = CHANGE(OP_UPDATE, "lama=", "tgl=2021-01-01");
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
}

static void resolve_may_answer_existence_and_others_may_not(void **state)
{
    (void)state;
    struct problem problem;
    uint8_t space[16];
    struct writer out = writer_of(space, sizeof space);
    writer_map(&out, 1);
    writer_text(&out, "");
    writer_bool(&out, true);
    struct change change = { .op = OP_RESOLVE,
                             .collection = bytes_text("benda"),
                             .fields = writer_bytes(&out) };
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), OK);
    struct author stranger = { .authority = AUTHORITY('K') };
    assert_int_equal(validate_authority(policy, &change, &stranger, &problem), ERR_AUTHORITY);
    change.op = OP_UPDATE;
    assert_int_equal(validate(&change, &tksk, &problem, NULL), ERR_FIELD);
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), ERR_FIELD);
}

static void empty_changes_and_deletes_with_fields_are_refused(void **state)
{
    (void)state;
    struct problem problem;
    struct change change = change_of(OP_UPDATE, (const char *const[]){ NULL });
    assert_int_equal(validate(&change, &tksk, &problem, NULL), ERR_VALUE);
    change.op = OP_DELETE;
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
    change = CHANGE(OP_DELETE, "teks=abc");
    assert_int_equal(validate(&change, &tksk, &problem, NULL), ERR_MALFORMED);
}

static void who_may_write_is_said_by_name(void **state)
{
    (void)state;
    struct problem problem;
    struct change change = CHANGE(OP_UPDATE, "putusan=ya", "teks=abc");
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), ERR_AUTHORITY);
    assert_string_equal(problem.thing, "benda.putusan");
    assert_string_equal(problem.detail, "D (Dinas)");
    assert_int_equal(validate_authority(policy, &change, &officer, &problem), ERR_AUTHORITY);
    assert_string_equal(problem.thing, "benda.teks");
    change = CHANGE(OP_UPDATE, "kec=36.04.29");
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), OK);
    assert_int_equal(validate_authority(policy, &change, &officer, &problem), OK);
    struct author stranger = { .authority = AUTHORITY('K') };
    assert_int_equal(validate_authority(policy, &change, &stranger, &problem), ERR_AUTHORITY);
    assert_string_equal(problem.detail, "D (Dinas), T (TKSK)");
    change = change_of(OP_DELETE, (const char *const[]){ NULL });
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), OK);
    assert_int_equal(validate_authority(policy, &change, &stranger, &problem), ERR_AUTHORITY);
}

static void defaults_fill_a_create_whoever_writes_it(void **state)
{
    (void)state;
    uint8_t space[1024];
    struct problem problem;
    const struct policy_collection *collection = &policy->collections[0];
    struct change change = CHANGE(OP_CREATE, "kec=36.04.29", "teks=abc");
    struct writer out = writer_of(space, sizeof space);
    assert_int_equal(validate_add_defaults(collection, change.fields, &out), OK);
    assert_int_equal(codec_scan(writer_bytes(&out)), OK); /* sorted keys */
    change.fields = writer_bytes(&out);
    struct bytes color = fields_get(change.fields, bytes_text("warna"));
    struct reader reader = reader_of(color);
    assert_true(bytes_is(reader_str(&reader), "merah"));
    struct bytes active = fields_get(change.fields, bytes_text("aktif"));
    reader = reader_of(active);
    assert_true(reader_bool(&reader));
    assert_int_equal(validate(&change, &tksk, &problem, NULL), OK);
    /* warna is the district's, but its default stands in everyone's create */
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), OK);
    change.op = OP_UPDATE;
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), ERR_AUTHORITY);

    change = CHANGE(OP_CREATE, "kec=36.04.29", "teks=abc", "warna=hijau");
    assert_int_equal(validate_authority(policy, &change, &tksk, &problem), ERR_AUTHORITY);
    out = writer_of(space, sizeof space);
    assert_int_equal(validate_add_defaults(collection, change.fields, &out), OK);
    reader = reader_of(fields_get(writer_bytes(&out), bytes_text("warna")));
    assert_true(bytes_is(reader_str(&reader), "hijau")); /* given values stay */
    out = writer_of(space, 8);
    assert_int_equal(validate_add_defaults(collection, change.fields, &out), ERR_LIMIT);
}

static void full_warnings_are_not_written_beyond(void **state)
{
    (void)state;
    struct problem problem;
    struct warnings warnings = { .count = WARNINGS_MAX };
    struct change change = CHANGE(OP_UPDATE, "jk=P", "lahir=1990-02-01", "nik=3604293201900001");
    assert_int_equal(validate(&change, &tksk, &problem, &warnings), OK);
    assert_int_equal(warnings.count, WARNINGS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_create_passes),
        cmocka_unit_test(unknown_collection_and_field_name_the_nearest),
        cmocka_unit_test(required_fields_are_given_at_create_and_never_cleared),
        cmocka_unit_test(bad_values_name_the_field_of_the_collection),
        cmocka_unit_test(computed_fields_belong_to_the_hub),
        cmocka_unit_test(record_of_another_kecamatan_is_refused_at_create),
        cmocka_unit_test(child_area_lies_inside_its_parent),
        cmocka_unit_test(nik_that_disagrees_is_told_and_taken),
        cmocka_unit_test(codes_and_ends_go_by_the_day_of_the_event),
        cmocka_unit_test(resolve_may_answer_existence_and_others_may_not),
        cmocka_unit_test(empty_changes_and_deletes_with_fields_are_refused),
        cmocka_unit_test(who_may_write_is_said_by_name),
        cmocka_unit_test(defaults_fill_a_create_whoever_writes_it),
        cmocka_unit_test(full_warnings_are_not_written_beyond),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
