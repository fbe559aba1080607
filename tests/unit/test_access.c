/* The access log's chain, and what masks leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/crypto.h"
#include "proto/access.h"
#include "proto/mask.h"

#define ROWS 8

static struct access_row rows[ROWS];
static struct hash hashes[ROWS];
static struct access_end whole;

static int chain_setup(void **state)
{
    (void)state;
    struct hash head = { .at = { 0 } };
    for (unsigned i = 0; i < ROWS; i++) {
        rows[i] = (struct access_row){ .number = i + 1,
                                       .wall_ms = 1000 * i,
                                       .op = i % 2 ? ACCESS_LOOK : ACCESS_LIST,
                                       .who = 7,
                                       .name = bytes_text("Siti"),
                                       .count = 1,
                                       .note = bytes_text("sealed") };
        access_hash(&rows[i], &head, &hashes[i]);
        head = hashes[i];
    }
    whole = (struct access_end){ .last = ROWS, .last_hash = head };
    return 0;
}

static struct access_check checked(unsigned from, unsigned to, const struct access_end *end)
{
    struct access_check check;
    access_check_start(&check, end);
    for (unsigned i = from; i < to; i++)
        if (!access_check_row(&check, &rows[i], &hashes[i]))
            break;
    access_check_end(&check);
    return check;
}

static void a_whole_chain_is_sound(void **state)
{
    (void)state;
    struct access_check check = checked(0, ROWS, &whole);
    assert_int_equal(check.fault, ACCESS_SOUND);
    assert_int_equal(check.next, ROWS + 1);
    struct access_end none = { .first = 0 };
    access_check_start(&check, &none);
    access_check_end(&check);
    assert_int_equal(check.fault, ACCESS_SOUND);
}

static void every_altered_member_is_found_and_named(void **state)
{
    (void)state;
    struct access_row *row = &rows[3], was = rows[3];
    const struct access_row altered[] = {
        { .wall_ms = 1 }, { .op = ACCESS_EXPORT }, { .full = true },
        { .who = 8 },     { .count = 2 },          { .has_record = true },
    };
    for (size_t i = 0; i < COUNT_OF(altered); i++) {
        *row = was;
        row->wall_ms += altered[i].wall_ms;
        row->op = altered[i].op ? altered[i].op : row->op;
        row->full = altered[i].full;
        row->who = altered[i].who ? altered[i].who : row->who;
        row->count = altered[i].count ? altered[i].count : row->count;
        row->has_record = altered[i].has_record;
        struct access_check check = checked(0, ROWS, &whole);
        assert_int_equal(check.fault, ACCESS_ALTERED);
        assert_int_equal(check.at, 4);
    }
    *row = was;
    row->name = bytes_text("Sita");
    assert_int_equal(checked(0, ROWS, &whole).at, 4);
    *row = was;
    row->note = bytes_text("Sealed");
    assert_int_equal(checked(0, ROWS, &whole).at, 4);
    *row = was;
    static uint8_t long_text[ACCESS_BOX_BYTES_MAX + 1];
    row->note = bytes_of(long_text, sizeof long_text);
    assert_int_equal(checked(0, ROWS, &whole).at, 4);
}

static void a_row_hashed_anew_breaks_the_one_after_it(void **state)
{
    (void)state;
    rows[3].count = 99;
    access_hash(&rows[3], &hashes[2], &hashes[3]);
    struct access_check check = checked(0, ROWS, &whole);
    assert_int_equal(check.fault, ACCESS_ALTERED);
    assert_int_equal(check.at, 5);
}

static void a_removed_row_is_found_wherever_it_stood(void **state)
{
    (void)state;
    for (unsigned gone = 0; gone < ROWS; gone++) {
        struct access_check check;
        access_check_start(&check, &whole);
        for (unsigned i = 0; i < ROWS; i++)
            if (i != gone && !access_check_row(&check, &rows[i], &hashes[i]))
                break;
        access_check_end(&check);
        assert_int_equal(check.fault, gone == ROWS - 1 ? ACCESS_CUT : ACCESS_MISSING);
        assert_int_equal(check.at, gone + 1);
    }
}

static void swapped_rows_are_found(void **state)
{
    (void)state;
    struct access_row row = rows[2];
    struct hash hash = hashes[2];
    rows[2] = rows[5];
    hashes[2] = hashes[5];
    rows[5] = row;
    hashes[5] = hash;
    assert_int_equal(checked(0, ROWS, &whole).fault, ACCESS_MISSING);
    rows[2].number = 3; /* with their numbers made to fit */
    rows[5].number = 6;
    struct access_check check = checked(0, ROWS, &whole);
    assert_int_equal(check.fault, ACCESS_ALTERED);
    assert_int_equal(check.at, 3);
}

static void a_row_behind_the_end_is_found(void **state)
{
    (void)state;
    struct access_end shorter = { .last = ROWS - 1, .last_hash = hashes[ROWS - 2] };
    struct access_check check = checked(0, ROWS, &shorter);
    assert_int_equal(check.fault, ACCESS_ADDED);
    assert_int_equal(check.at, ROWS);
}

static void a_trimmed_chain_holds_from_its_anchor_and_no_other(void **state)
{
    (void)state;
    rows[6].op = ACCESS_TRIM;
    rows[6].count = 3;
    access_hash(&rows[6], &hashes[5], &hashes[6]);
    access_hash(&rows[7], &hashes[6], &hashes[7]);
    struct access_end end = {
        .first = 3, .first_hash = hashes[2], .last = ROWS, .last_hash = hashes[7]
    };
    assert_int_equal(checked(3, ROWS, &end).fault, ACCESS_SOUND);
    struct access_end later = end; /* somebody removed a row more, and moved the anchor */
    later.first = 4;
    later.first_hash = hashes[3];
    struct access_check check = checked(4, ROWS, &later);
    assert_int_equal(check.fault, ACCESS_ANCHOR);
    struct access_end other = end;
    other.first_hash.at[0] ^= 1;
    check = checked(3, ROWS, &other);
    assert_int_equal(check.fault, ACCESS_ALTERED);
    assert_int_equal(check.at, 4);
}

static void a_year_is_kept_and_many_rows_whatever_the_clock_says(void **state)
{
    (void)state;
    const uint64_t now = ACCESS_KEEP_MS * 3, old = ACCESS_KEEP_MS;
    uint64_t until = 0;
    assert_int_equal(access_trim_room(1, now - ACCESS_KEEP_MS, 1000000, now, &until), 0);
    assert_int_equal(access_trim_room(1, old, ACCESS_ROWS_MIN, now, &until), 0);
    assert_int_equal(access_trim_room(1, old, ACCESS_ROWS_MIN + ACCESS_TRIM_LEAST - 1, now, &until),
                     0);
    assert_int_equal(access_trim_room(1, old, ACCESS_ROWS_MIN + ACCESS_TRIM_LEAST, now, &until),
                     ACCESS_TRIM_LEAST);
    assert_int_equal(until, now - ACCESS_KEEP_MS);
    assert_int_equal(access_trim_room(1, old, 1000000, now, &until), ACCESS_TRIM_ROWS);
    assert_int_equal(access_trim_room(1, 5, 1000000, 10, &until), 0);
}

static void a_reason_is_one_line_that_says_something(void **state)
{
    (void)state;
    char text[ACCESS_REASON_CHARS_MAX + 2];
    struct problem problem;
    assert_int_equal(access_reason_check(bytes_text("pengaduan 12/2026"), &problem), OK);
    memset(text, 'a', sizeof text);
    assert_int_equal(access_reason_check(bytes_of(text, ACCESS_REASON_CHARS_MAX), &problem), OK);
    assert_int_equal(access_reason_check(bytes_of(text, ACCESS_REASON_CHARS_MAX + 1), &problem),
                     ERR_USAGE);
    static const char *const refused[] = { "", "   ", "12.", "a\nb", "a\x1b[31m", "\xff\xfe" };
    for (size_t i = 0; i < COUNT_OF(refused); i++)
        assert_int_equal(access_reason_check(bytes_text(refused[i]), &problem), ERR_USAGE);
}

static void a_note_comes_back_and_a_long_question_is_cut_between_characters(void **state)
{
    (void)state;
    uint8_t space[ACCESS_NOTE_BYTES_MAX];
    char text[ACCESS_WHAT_BYTES_MAX + 8];
    struct writer out = writer_of(space, sizeof space);
    memset(text, 'q', sizeof text);
    memcpy(text + ACCESS_WHAT_BYTES_MAX - 1, "•", 3);
    const struct access_note note = { bytes_of(text, sizeof text), bytes_text("sebab") };
    struct access_note read;
    assert_int_equal(access_note_encode(&note, &out), OK);
    assert_int_equal(access_note_decode(writer_bytes(&out), &read), OK);
    assert_int_equal(read.what.len, ACCESS_WHAT_BYTES_MAX - 1);
    assert_true(bytes_is(read.reason, "sebab"));
    assert_int_equal(access_note_decode(bytes_text("rubbish"), &read), ERR_MALFORMED);
}

/* ---- masks */

static void numbers_keep_their_ends_only(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        { "3604290107800001", "3604••••••••0001" },
        { "3604290107800001|3604290107800002", "3604••••••••0001|3604••••••••0002" },
        { "12345678901", "•••" },
        { "", "" },
    };
    char ret[128];
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        mask_part(pairs[i][0], ret, sizeof ret);
        assert_string_equal(ret, pairs[i][1]);
    }
    char small[6];
    mask_part("3604290107800001", small, sizeof small);
    assert_int_equal(strlen(small), sizeof small - 1);
}

static void masks_follow_the_sensitivity(void **state)
{
    (void)state;
    static const enum sensitivity levels[] = { SENSITIVITY_U, SENSITIVITY_P, SENSITIVITY_S,
                                               SENSITIVITY_R };
    static const enum mask wanted[][MASK_PLACE_COUNT] = {
        { MASK_PART, MASK_NONE, MASK_NONE, MASK_NONE },
        { MASK_PART, MASK_NONE, MASK_NONE, MASK_NONE },
        { MASK_AWAY, MASK_WHOLE, MASK_NONE, MASK_NONE },
        { MASK_AWAY, MASK_AWAY, MASK_AWAY, MASK_NONE },
    };
    const struct bytes value = bytes_text("\xa1x");
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        struct policy_field nik = { .type = FIELD_NIK, .sensitivity = levels[i] };
        struct policy_field text = { .type = FIELD_TEXT, .sensitivity = levels[i] };
        struct policy_field list = { .type = FIELD_LIST,
                                     .element = FIELD_KK,
                                     .sensitivity = levels[i] };
        for (unsigned place = 0; place < MASK_PLACE_COUNT; place++) {
            enum mask number = wanted[i][place];
            assert_int_equal(mask_of(&nik, value, (enum mask_place)place), number);
            assert_int_equal(mask_of(&list, value, (enum mask_place)place), number);
            assert_int_equal(mask_of(&text, value, (enum mask_place)place),
                             number == MASK_PART ? MASK_NONE : number);
        }
    }
    assert_int_equal(mask_of(NULL, value, MASK_RECORD_FULL), MASK_AWAY);
}

static void one_restricted_code_hides_the_value(void **state)
{
    (void)state;
    static const struct policy_code list[] = { { .code = "A", .label = "a" },
                                               { .code = "X", .label = "x", .restricted = true } };
    static const struct policy_code_version version = { .from = "2020-01-01",
                                                        .codes = list,
                                                        .code_count = 2 };
    static const struct policy_code_list codes = { .name = "c",
                                                   .versions = &version,
                                                   .version_count = 1 };
    struct policy_field one = { .type = FIELD_ENUM, .sensitivity = SENSITIVITY_P, .codes = &codes };
    struct policy_field many = one;
    many.type = FIELD_LIST;
    many.element = FIELD_ENUM;
    assert_int_equal(mask_of(&one,
                             bytes_text("\xa1"
                                        "A"),
                             MASK_RECORD),
                     MASK_NONE);
    assert_int_equal(mask_of(&one, bytes_text("\xa1X"), MASK_RECORD), MASK_AWAY);
    assert_int_equal(mask_of(&many,
                             bytes_text("\x92\xa1"
                                        "A\xa1X"),
                             MASK_RECORD),
                     MASK_AWAY);
    assert_int_equal(mask_of(&many,
                             bytes_text("\x91\xa1"
                                        "A"),
                             MASK_LIST),
                     MASK_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_whole_chain_is_sound, chain_setup),
        cmocka_unit_test_setup(every_altered_member_is_found_and_named, chain_setup),
        cmocka_unit_test_setup(a_row_hashed_anew_breaks_the_one_after_it, chain_setup),
        cmocka_unit_test_setup(a_removed_row_is_found_wherever_it_stood, chain_setup),
        cmocka_unit_test_setup(swapped_rows_are_found, chain_setup),
        cmocka_unit_test_setup(a_row_behind_the_end_is_found, chain_setup),
        cmocka_unit_test_setup(a_trimmed_chain_holds_from_its_anchor_and_no_other, chain_setup),
        cmocka_unit_test(a_year_is_kept_and_many_rows_whatever_the_clock_says),
        cmocka_unit_test(a_reason_is_one_line_that_says_something),
        cmocka_unit_test(a_note_comes_back_and_a_long_question_is_cut_between_characters),
        cmocka_unit_test(numbers_keep_their_ends_only),
        cmocka_unit_test(masks_follow_the_sensitivity),
        cmocka_unit_test(one_restricted_code_hides_the_value),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
