#include "tests/unit/policy_fixture.h"

#include "proto/receipt.h"

static struct id numbered(unsigned number)
{
    struct id id = { .at = { 0x01, 0x9a } };
    id.at[14] = (uint8_t)(number >> 8);
    id.at[15] = (uint8_t)number;
    return id;
}

static void a_receipt_number_is_read_as_it_was_written(void **state)
{
    char text[RECEIPT_TEXT_MAX], number[RECEIPT_TEXT_MAX], letters[RECEIPT_LETTERS_MAX],
        again[RECEIPT_LETTERS_MAX];
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        const struct id id = numbered(i);
        receipt_text(bytes_text("29-0417"), &id, text);
        assert_int_equal(strlen(text), strlen("29-0417-KM"));
        assert_null(strpbrk(text, "IOQ"));
        assert_true(receipt_parse(bytes_text(text), number, letters));
        assert_string_equal(number, "29-0417");
        receipt_letters(&id, again);
        assert_string_equal(letters, again);
    }
    assert_true(receipt_parse(bytes_text("  29-0417-km "), number, letters));
    assert_string_equal(letters, "KM");
    assert_string_equal(number, "29-0417");
}

/* As PROTOCOL.md has it; the number was worked out with another program. */
static void the_letters_follow_from_the_id(void **state)
{
    char letters[RECEIPT_LETTERS_MAX];
    struct id id;
    (void)state;
    assert_true(uuid_from_text(bytes_text("019a0000-0000-7000-8000-000000000001"), &id));
    receipt_letters(&id, letters);
    assert_string_equal(letters, "HU");
}

static void what_is_no_receipt_number_is_none(void **state)
{
    static const char *const bad[] = { "",           "29-0417",     "29-0417-K",   "29-0417-KI",
                                       "29-0417-K1", "29-0417KM",   "KM",          "-KM",
                                       "0417-KM",    "29-0417-KM-", "29-0417- KM", "29-0417-ÄM" };
    char number[RECEIPT_TEXT_MAX], letters[RECEIPT_LETTERS_MAX], text[RECEIPT_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(receipt_parse(bytes_text(bad[i]), number, letters));
    assert_false(receipt_parse(bytes_of("29-\0"
                                        "0417-KM",
                                        11),
                               number, letters));
    const struct id id = numbered(1);
    receipt_text(bytes_of(NULL, 0), &id, text);
    assert_string_equal(text, "");
}

/* One pair of letters in 529 fits, whatever the record: none is much likelier than others. */
static void letters_are_spread(void **state)
{
    static unsigned seen[26 * 26];
    char letters[RECEIPT_LETTERS_MAX];
    unsigned most = 0;
    (void)state;
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < 52900; i++) {
        const struct id id = numbered(i);
        receipt_letters(&id, letters);
        unsigned *count = &seen[(letters[0] - 'A') * 26 + letters[1] - 'A'];
        most = ++*count > most ? *count : most;
    }
    assert_true(most < 160); /* 100 on average */
}

/* --- what is owed ---------------------------------------------------------------------------- */

static void an_answer_is_owed_while_the_state_is_open_and_nothing_was_said(void **state)
{
    static const char *const open[] = { "diterima", "diverifikasi" };
    const struct policy_answer answer = { .open = open, .open_count = 2 };
    static const uint8_t none[] = { 0x90 }, nil[] = { 0xc0 }, one[] = { 0x91, 0x80 };
    static const uint8_t draft[] = { 0xa4, 'd', 'r', 'a', 'f' };
    static const uint8_t there[] = { 0xa8, 'd', 'i', 't', 'e', 'r', 'i', 'm', 'a' };
    const struct bytes in = bytes_of(there, sizeof there);
    (void)state;
    assert_true(answer_is_owed(&answer, in, bytes_of(NULL, 0)));
    assert_true(answer_is_owed(&answer, in, bytes_of(nil, sizeof nil)));
    assert_true(answer_is_owed(&answer, in, bytes_of(none, sizeof none)));
    assert_false(answer_is_owed(&answer, in, bytes_of(one, sizeof one)));
    assert_false(answer_is_owed(&answer, bytes_of(draft, sizeof draft), bytes_of(NULL, 0)));
    assert_false(answer_is_owed(&answer, bytes_of(NULL, 0), bytes_of(NULL, 0)));
    assert_false(answer_is_owed(NULL, in, bytes_of(NULL, 0)));
}

static void the_last_answer_is_the_one_that_is_told(void **state)
{
    uint8_t list[64];
    struct writer out = writer_of(list, sizeof list);
    (void)state;
    writer_array(&out, 2);
    writer_map(&out, 1);
    writer_text(&out, "keputusan");
    writer_text(&out, "lama");
    writer_map(&out, 2);
    writer_text(&out, "keputusan");
    writer_text(&out, "baru");
    writer_text(&out, "nilai");
    writer_int(&out, 7);
    assert_int_equal(out.err, OK);
    assert_true(bytes_is(answer_last(writer_bytes(&out), "keputusan"), "baru"));
    assert_int_equal(answer_last(writer_bytes(&out), "nilai").len, 0);
    assert_int_equal(answer_last(writer_bytes(&out), "target").len, 0);
    assert_int_equal(answer_last(writer_bytes(&out), NULL).len, 0);
    assert_int_equal(answer_last(bytes_of(NULL, 0), "keputusan").len, 0);
}

/* --- in the policy --------------------------------------------------------------------------- */

#define SUBMISSION                                                                                 \
    "collection k { area_field = kec\n"                                                            \
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"        \
    "field warna { type = enum codes = warna default = merah" REST                                 \
    "field jawab { type = list element = map keys = {kapan, siapa, apa, sampai}"                   \
    " authority = {D} sensitivity = U }\n"

static enum err compile_answer(const char *keys, struct policy **ret, struct problem *problem)
{
    static uint8_t space[RULES_BYTES_MAX];
    char text[8192];
    struct buf document = buf_of(space, sizeof space);
    int len = snprintf(text, sizeof text,
                       "%s%s%sanswer { field = jawab state = warna days = 14 open = {merah} %s }\n"
                       "}\n",
                       HEAD, LISTS, SUBMISSION, keys);
    assert_true(len > 0 && (size_t)len < sizeof text);
    enum err err = compile_bytes(bytes_text(text), NULL, 1, NULL, &document, problem);
    return err == OK ? policy_decode(buf_bytes(&document), ret, problem) : err;
}

static void the_policy_says_what_the_keys_of_an_answer_hold(void **state)
{
    struct problem problem = { .code = OK };
    struct policy *policy = NULL;
    (void)state;
    assert_int_equal(compile_answer("time_key = kapan by_key = siapa decision_key = apa "
                                    "target_key = sampai",
                                    &policy, &problem),
                     OK);
    const struct policy_answer *answer = policy->collections[0].answer;
    assert_non_null(answer);
    assert_string_equal(answer->time_key, "kapan");
    assert_string_equal(answer->by_key, "siapa");
    assert_string_equal(answer->decision_key, "apa");
    assert_string_equal(answer->target_key, "sampai");
    assert_int_equal(answer->unit, -1);
    policy_close(&policy);

    assert_int_equal(compile_answer("", &policy, &problem), OK);
    assert_null(policy->collections[0].answer->time_key);
    assert_null(policy->collections[0].answer->by_key);
    policy_close(&policy);

    assert_int_equal(compile_answer("time_key = jam", &policy, &problem), ERR_POLICY_MEANING);
    assert_non_null(strstr(problem.detail, "jam"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_number_is_read_as_it_was_written),
        cmocka_unit_test(the_letters_follow_from_the_id),
        cmocka_unit_test(what_is_no_receipt_number_is_none),
        cmocka_unit_test(letters_are_spread),
        cmocka_unit_test(an_answer_is_owed_while_the_state_is_open_and_nothing_was_said),
        cmocka_unit_test(the_last_answer_is_the_one_that_is_told),
        cmocka_unit_test(the_policy_says_what_the_keys_of_an_answer_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
