#include "tests/unit/proto_samples.h"

#include "proto/disposition.h"
#include "proto/merge.h"

static void a_field_is_decided_by_the_table(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct merge_field field; /* base_rev, lineage, field_rev, own, equal */
        enum merge_verdict verdict;
    } cases[] = {
        { "never written", { 0, 0, 0, false, false }, MERGE_TAKE },
        { "untouched since the base", { 10, 0, 10, false, false }, MERGE_TAKE },
        { "older than the base", { 10, 0, 7, false, false }, MERGE_TAKE },
        { "touched by another since", { 10, 0, 11, false, false }, MERGE_HOLD },
        { "touched by another, same value", { 10, 0, 11, false, true }, MERGE_SAME },
        { "own earlier change that was seen", { 10, 12, 12, true, false }, MERGE_TAKE },
        { "own earlier change before the last seen", { 10, 12, 11, true, false }, MERGE_TAKE },
        { "own later change that was not seen", { 10, 12, 13, true, false }, MERGE_HOLD },
        { "own, but no lineage was claimed", { 10, 0, 11, true, false }, MERGE_HOLD },
        { "another's at a number within the lineage", { 10, 12, 11, false, false }, MERGE_HOLD },
        { "another's within the lineage, same value", { 10, 12, 11, false, true }, MERGE_SAME },
        { "created unseen by another", { 0, 0, 3, false, false }, MERGE_HOLD },
        { "own create still pending at the base", { 0, 3, 3, true, false }, MERGE_TAKE },
        { "untouched and equal", { 10, 0, 10, false, true }, MERGE_TAKE },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum merge_verdict verdict = merge_decide(&cases[i].field);
        if (verdict != cases[i].verdict)
            fail_msg("%s: %d", cases[i].what, verdict);
    }
}

/* A value of another office is never overwritten unseen, whatever the numbers. */
static void no_numbers_make_a_value_of_another_disappear(void **state)
{
    (void)state;
    for (uint64_t base = 0; base < 6; base++) {
        for (uint64_t lineage = 0; lineage < 6; lineage++) {
            for (uint64_t rev = base + 1; rev < 8; rev++) {
                struct merge_field field = { base, lineage, rev, false, false };
                assert_int_equal(merge_decide(&field), MERGE_HOLD);
            }
        }
    }
}

static void a_conflict_is_named_by_leaf_index_and_field(void **state)
{
    (void)state;
    struct hash leaf = sample_hash(1), other = sample_hash(2);
    struct id ids[4], again;
    merge_conflict_id(&leaf, 0, bytes_text("nama"), &ids[0]);
    merge_conflict_id(&other, 0, bytes_text("nama"), &ids[1]);
    merge_conflict_id(&leaf, 1, bytes_text("nama"), &ids[2]);
    merge_conflict_id(&leaf, 0, bytes_text(""), &ids[3]);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(id_equal(&ids[i], &ids[k]));
    }
    merge_conflict_id(&leaf, 0, bytes_text("nama"), &again);
    assert_true(id_equal(&ids[0], &again));
}

static void dispositions_have_names(void **state)
{
    (void)state;
    assert_string_equal(disposition_name(DISPOSITION_NONE), "pending");
    assert_string_equal(disposition_name(DISPOSITION_ACCEPTED), "accepted");
    assert_string_equal(disposition_name(DISPOSITION_PARKED), "parked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_field_is_decided_by_the_table),
        cmocka_unit_test(no_numbers_make_a_value_of_another_disappear),
        cmocka_unit_test(a_conflict_is_named_by_leaf_index_and_field),
        cmocka_unit_test(dispositions_have_names),
    };
    return cmocka_run_group_tests(tests, sample_start, NULL);
}
