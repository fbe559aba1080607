#include "tests/unit/rules_fixture.h"
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
    static const struct {
        const char *before;
        int digits; /* of the hex */
        const char *behind;
    } wrong[] = {
        { "01/1/1/", 128, "" }, { "1/1/", 128, "" },     { "1/1/1/", 128, "a" },
        { "1/1/1/", 126, "" },  { "/1/1/", 128, "" },    { "1/1/-1/", 128, "" },
        { " 1/1/1/", 128, "" }, { "1/1/1/", 127, "G" },  { "1/1/1/AA", 126, "" },
        { "1//1/", 128, "" },   { "1/1/1/", 128, "\n" }, { "1/1/1234567890123456789/", 128, "" },
    };
    struct endorsement read;
    char text[256];
    snprintf(text, sizeof text, "1/0/123456789012345678/%s", hex);
    assert_true(endorsement_parse(bytes_text(text), &read));
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        snprintf(text, sizeof text, "%s%.*s%s", wrong[i].before, wrong[i].digits, hex,
                 wrong[i].behind);
        if (endorsement_parse(bytes_text(text), &read))
            fail_msg("taken: %s", text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_endorsement_holds_for_the_covered_values_of_that_record_only),
        cmocka_unit_test(an_endorsement_has_one_way_to_be_written),
    };
    return cmocka_run_group_tests(tests, open_policy, close_policy);
}
