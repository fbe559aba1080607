#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/merge.h"
#include "tests/support/hub_fixture.h"

static struct fixture f;

static const char *area_of(unsigned node)
{
    return node == NODE_B ? "36.04.30" : "36.04.29";
}

/* A person of the node's area, in a transaction of its own. */
static struct sent person_new(unsigned node, uint32_t op, const char *name, struct id *ret_id)
{
    struct draft *d = draft_new(&f, node, op);
    *ret_id = fixture_id(&f);
    draft_create(d, "person", ret_id, VALUES(V_TEXT("area", area_of(node)), V_TEXT("name", name)));
    return fixture_send(d);
}

static struct sent update_with(unsigned node, uint32_t op, const struct id *id, struct base base,
                               struct value value)
{
    struct draft *d = draft_new(&f, node, op);
    draft_update(d, "person", id, base, &value, 1);
    return fixture_send(d);
}

static struct sent name_set(unsigned node, uint32_t op, const struct id *id, struct base base,
                            const char *name)
{
    return update_with(node, op, id, base, V_TEXT("name", name));
}

static struct sent age_set(unsigned node, uint32_t op, const struct id *id, struct base base,
                           int64_t age)
{
    return update_with(node, op, id, base, V_INT("age", age));
}

/* --- plain ways ------------------------------------------------------------------------------ */

static void a_created_record_stands_with_its_values_and_its_number(void **state)
{
    (void)state;
    struct id id = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    d->short_number = 417;
    draft_create(d, "person", &id,
                 VALUES(V_TEXT("name", "Ani"), V_TEXT("area", "36.04.29"), V_INT("age", -3)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ani");
    assert_string_equal(fixture_text(&f, "person", &id, "age"), "-3");
    assert_string_equal(fixture_text(&f, "person", &id, "income"), "");
    assert_int_equal(fixture_rev(&f, "person", &id), sent.number);
    struct answer answer = fixture_answer(&f, &sent, 0);
    assert_int_equal(answer.number, sent.number);
}

static void every_field_type_comes_back_as_it_was_written(void **state)
{
    (void)state;
    uint8_t space[1024];
    struct writer w = writer_of(space, sizeof(space));
    struct hash hash = { .at = { 1, 2, 3 } };
    struct id house = fixture_id(&f), friend = fixture_id(&f), id = fixture_id(&f);
    writer_array(&w, 3);
    writer_bin(&w, bytes_hash(&hash));
    writer_uint(&w, 70000);
    writer_text(&w, "image/jpeg");
    struct bytes picture = writer_bytes(&w);
    struct writer w2 = writer_of(space + w.buf.len, sizeof(space) - w.buf.len);
    writer_map(&w2, 3);
    writer_text(&w2, "a");
    writer_text(&w2, "q\"\\ \xc3\xa9,]}");
    writer_text(&w2, "b");
    writer_int(&w2, -70000);
    writer_text(&w2, "c");
    writer_bool(&w2, false);
    struct bytes traits = writer_bytes(&w2);
    struct writer w3 = writer_of(space + 512, 256);
    writer_array(&w3, 2);
    writer_text(&w3, "open");
    writer_text(&w3, "shut");
    struct bytes kinds = writer_bytes(&w3);
    struct writer w4 = writer_of(space + 768, 256);
    writer_array(&w4, 1);
    writer_bin(&w4, bytes_id(&friend));
    struct bytes friends = writer_bytes(&w4);

    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "house", &house, VALUES(V_TEXT("area", "36.04.29.2001"), V_ID("head", &id)));
    draft_create(d, "person", &friend, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "F")));
    const struct value values[] = {
        V_TEXT("area", "36.04.29"),
        V_TEXT("name", "O'Neil \"x\""),
        V_INT("age", 3),
        V_INT("income", INT64_C(-9000000000)),
        V_TEXT("height", "-1.5"),
        V_TEXT("born", "1990-02-28"),
        V_INT("seen", INT64_C(1700000000123)),
        V_BOOL("alive", 1),
        V_TEXT("kind", "open"),
        V_RAW("kinds", kinds),
        V_ID("house", &house),
        V_RAW("friends", friends),
        V_RAW("picture", picture),
        V_RAW("traits", traits),
        V_TEXT("secret", "s"),
    };
    draft_create(d, "person", &id, values, COUNT_OF(values));
    struct sent sent = fixture_send(d);
    for (unsigned i = 0; i < 3; i++)
        assert_answer(&f, &sent, i, ACCEPTED, "");

    const struct policy_collection *c =
        policy_collection(hub_store_policy(f.store), bytes_text("person"));
    struct hub_record *record = f.store->record;
    assert_int_equal(f.store->ops->record_get(f.store->backend, c, &id, record), OK);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const struct policy_field *field = policy_field(c, bytes_text(values[i].name));
        struct bytes raw = record->fields[field - c->fields].raw;
        assert_int_equal(codec_scan(raw), OK);
        if (values[i].kind == VALUE_RAW) {
            assert_int_equal(raw.len, values[i].raw.len);
            assert_memory_equal(raw.at, values[i].raw.at, raw.len);
        }
    }
    assert_string_equal(fixture_text(&f, "person", &id, "income"), "-9000000000");
    assert_string_equal(fixture_text(&f, "person", &id, "height"), "-1.5");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "O'Neil \"x\"");
}

static void a_change_over_what_its_author_saw_is_taken(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent sent = name_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), "Ana");
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
    assert_int_equal(fixture_rev(&f, "person", &id), sent.number);
}

static void own_pending_work_counts_as_seen(void **state)
{
    (void)state;
    struct id id;
    struct sent one = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent two = name_set(NODE_A, OPERATOR_A, &id, base_leaf(0, &one.leaf), "Ana");
    struct sent three = name_set(NODE_A, OPERATOR_A, &id, base_leaf(0, &two.leaf), "Ane");
    assert_answer(&f, &two, 0, ACCEPTED, "");
    assert_answer(&f, &three, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ane");
}

static void anothers_change_between_own_ones_does_not_count_as_seen(void **state)
{
    (void)state;
    struct id id;
    struct sent one = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent other = age_set(NODE_D, OPERATOR_D, &id, base_rev(one.number), 40);
    struct sent two = name_set(NODE_A, OPERATOR_A, &id, base_leaf(0, &one.leaf), "Ana");
    struct sent three = age_set(NODE_A, OPERATOR_A, &id, base_leaf(0, &two.leaf), 41);
    assert_answer(&f, &other, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, ACCEPTED, "");
    assert_answer(&f, &three, 0, HELD, "");
}

static void own_work_that_the_author_did_not_see_is_held(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    (void)name_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), "lost with a backup");
    fixture_reincarnate(&f, NODE_A, true);
    struct sent again = name_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), "entered anew");
    assert_answer(&f, &again, 0, HELD, "");
    /* What builds on the held one does not slip past it. */
    struct sent later =
        name_set(NODE_A, OPERATOR_A, &id, base_leaf(made.number, &again.leaf), "and once more");
    assert_answer(&f, &again, 0, SUPERSEDED, "");
    assert_answer(&f, &later, 0, HELD, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "lost with a backup");
}

static void different_fields_merge_without_asking(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent one = age_set(NODE_D, OPERATOR_D, &id, base_rev(made.number), 40);
    struct sent two = name_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), "Ana");
    assert_answer(&f, &one, 0, ACCEPTED, "");
    assert_answer(&f, &two, 0, ACCEPTED, "");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ana");
    assert_string_equal(fixture_text(&f, "person", &id, "age"), "40");
}

static void the_same_value_from_both_sides_is_accepted(void **state)
{
    (void)state;
    struct id id;
    struct id conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent one = age_set(NODE_D, OPERATOR_D, &id, base_rev(made.number), 40);
    struct sent two = age_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), 40);
    assert_answer(&f, &two, 0, ACCEPTED, "");
    assert_false(fixture_conflict(&f, &id, "age", NODE_A, &conflict));
    assert_int_equal(fixture_rev(&f, "person", &id), one.number);
}

static void clearing_a_field_is_a_value_like_others(void **state)
{
    (void)state;
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct sent set = age_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), 5);
    struct sent sent = update_with(NODE_A, OPERATOR_A, &id, base_rev(set.number), V_NIL("age"));
    struct sent late = age_set(NODE_D, OPERATOR_D, &id, base_rev(set.number), 6);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_answer(&f, &late, 0, HELD, "");
    assert_string_equal(fixture_text(&f, "person", &id, "age"), "");
}

/* --- refusals -------------------------------------------------------------------------------- */

static void a_field_outside_the_authors_authority_rejects_its_group_alone(void **state)
{
    (void)state;
    struct id a = fixture_id(&f), b = fixture_id(&f), c = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &a, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "a")));
    draft_create(d, "person", &b,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "b"), V_TEXT("verdict", "x")));
    d->same_group = true;
    draft_create(d, "person", &c, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "c")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_answer(&f, &sent, 1, REJECTED, "authority");
    assert_answer(&f, &sent, 2, REJECTED, "authority");
    struct answer answer = fixture_answer(&f, &sent, 1);
    assert_string_equal(answer.field, "verdict");
    assert_int_equal(fixture_rev(&f, "person", &a), sent.number);
    assert_int_equal(fixture_rev(&f, "person", &b), 0);
    assert_int_equal(fixture_rev(&f, "person", &c), 0);
}

static struct sent delete_of(unsigned node, uint32_t op, const struct id *id, struct base base)
{
    struct draft *d = draft_new(&f, node, op);
    draft_delete(d, "person", id, base);
    return fixture_send(d);
}

static void records_of_another_area_are_refused(void **state)
{
    (void)state;
    struct id id, other = fixture_id(&f);
    struct sent made = person_new(NODE_B, OPERATOR_B, "Budi", &id);
    struct sent edit = name_set(NODE_A, OPERATOR_A, &id, base_rev(made.number), "stolen");
    struct sent gone = delete_of(NODE_A, OPERATOR_A, &id, base_rev(made.number));
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &other, VALUES(V_TEXT("area", "36.04.30"), V_TEXT("name", "x")));
    struct sent create = fixture_send(d);
    assert_answer(&f, &edit, 0, REJECTED, "area");
    assert_answer(&f, &gone, 0, REJECTED, "area");
    assert_answer(&f, &create, 0, REJECTED, "area");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Budi");
}

static void a_create_of_a_known_id_is_a_duplicate(void **state)
{
    (void)state;
    struct id id;
    (void)person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct draft *d = draft_new(&f, NODE_B, OPERATOR_B);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.30"), V_TEXT("name", "B")));
    struct sent person = fixture_send(d);
    d = draft_new(&f, NODE_B, OPERATOR_B);
    draft_create(d, "house", &id, VALUES(V_TEXT("area", "36.04.30")));
    struct sent house = fixture_send(d);
    assert_answer(&f, &person, 0, REJECTED, "duplicate");
    assert_answer(&f, &house, 0, REJECTED, "duplicate");
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ani");
}

static void what_builds_on_a_rejected_create_is_rejected_with_that_reason(void **state)
{
    (void)state;
    struct id id = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.30"), V_TEXT("name", "x")));
    struct sent create = fixture_send(d);
    struct sent edit = name_set(NODE_A, OPERATOR_A, &id, base_leaf(0, &create.leaf), "y");
    assert_answer(&f, &edit, 0, REJECTED, "base_rejected");
    /* Entered again under the same id it stands. */
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    struct sent again = fixture_send(d);
    assert_answer(&f, &again, 0, ACCEPTED, "");
}

static void a_change_of_nothing_is_not_found(void **state)
{
    (void)state;
    struct id id = fixture_id(&f);
    struct sent edit = name_set(NODE_A, OPERATOR_A, &id, base_rev(1), "y");
    assert_answer(&f, &edit, 0, REJECTED, "not_found");
}

static void unknown_authors_rules_and_openings_that_failed_are_rejected_whole(void **state)
{
    (void)state;
    struct id id = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    d->rules_version = 2;
    struct sent rules = fixture_send(d);
    assert_answer(&f, &rules, 0, REJECTED, "version");

    f.operators[9] = secret_key_new();
    d = draft_new(&f, NODE_A, 9);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    struct sent author = fixture_send(d);
    assert_answer(&f, &author, 0, REJECTED, "key");

    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    d->fault = ERR_DECRYPT;
    struct signed_txn *s = draft_sign(d);
    struct sent sealed = fixture_send_at(&f, s, NODE_A, LANE_NORMAL);
    assert_answer(&f, &sealed, 0, REJECTED, "decrypt");
    /* Anyone may claim a leaf on bytes that do not open: the true transaction still merges. */
    s->fault = OK;
    struct sent genuine = fixture_send_at(&f, s, NODE_A, LANE_NORMAL);
    free(s);
    assert_answer(&f, &genuine, 0, ACCEPTED, "");
    assert_answer(&f, &sealed, 0, REJECTED, "decrypt");
    assert_int_equal(fixture_rev(&f, "person", &id), genuine.number);
}

static void a_rejected_transaction_never_blocks_those_behind_it(void **state)
{
    (void)state;
    struct id id;
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    struct id bad = fixture_id(&f);
    draft_create(d, "person", &bad, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    d->fault = ERR_SIGNATURE;
    (void)fixture_send(d);
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    assert_answer(&f, &made, 0, ACCEPTED, "");
}

/* --- references ------------------------------------------------------------------------------ */

static void records_of_one_transaction_may_refer_to_each_other(void **state)
{
    (void)state;
    struct id house = fixture_id(&f), id = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "house", &house, VALUES(V_TEXT("area", "36.04.29"), V_ID("head", &id)));
    draft_create(d, "person", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x"), V_ID("house", &house)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_answer(&f, &sent, 1, ACCEPTED, "");
}

static void a_reference_to_nothing_or_to_the_wrong_kind_rejects_the_group(void **state)
{
    (void)state;
    struct id nothing = fixture_id(&f), id = fixture_id(&f), person, other = fixture_id(&f);
    (void)person_new(NODE_A, OPERATOR_A, "Ani", &person);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x"), V_ID("house", &nothing)));
    draft_create(d, "person", &other,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x"), V_ID("house", &person)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, REJECTED, "reference");
    assert_answer(&f, &sent, 1, REJECTED, "reference");
    struct answer answer = fixture_answer(&f, &sent, 0);
    assert_string_equal(answer.field, "house");
}

static void what_refers_to_a_create_that_falls_falls_with_it(void **state)
{
    (void)state;
    struct id house = fixture_id(&f), id = fixture_id(&f), far = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    /* person → house → a person of a group that fails: all three fall, in whatever order they
     * stand */
    draft_create(d, "person", &id,
                 VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x"), V_ID("house", &house)));
    draft_create(d, "house", &house, VALUES(V_TEXT("area", "36.04.29"), V_ID("head", &far)));
    draft_create(d, "person", &far, VALUES(V_TEXT("area", "36.04.30"), V_TEXT("name", "x")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 2, REJECTED, "area");
    assert_answer(&f, &sent, 1, REJECTED, "reference");
    assert_answer(&f, &sent, 0, REJECTED, "reference");
    assert_int_equal(fixture_rev(&f, "person", &id), 0);
}

/* --- known leaves and lives ------------------------------------------------------------------ */

static void a_known_transaction_is_answered_again_and_merged_once(void **state)
{
    (void)state;
    struct id id = fixture_id(&f);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    struct signed_txn *s = draft_sign(d);
    struct sent first = fixture_send_at(&f, s, NODE_A, LANE_NORMAL);
    struct sent edit = name_set(NODE_D, OPERATOR_D, &id, base_rev(first.number), "y");
    assert_answer(&f, &edit, 0, ACCEPTED, "");
    fixture_reincarnate(&f, NODE_A, true);
    struct sent second = fixture_send_at(&f, s, NODE_A, LANE_NORMAL);
    free(s);
    assert_answer(&f, &second, 0, ACCEPTED, "");
    struct answer answer = fixture_answer(&f, &second, 0);
    assert_int_equal(answer.number, first.number);
    assert_int_equal(hub_store_journal(f.store).number, second.number);
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "y");
}

static void an_epoch_cuts_what_a_base_may_claim(void **state)
{
    (void)state;
    uint8_t space[256];
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct cursor cut = hub_store_journal(f.store);
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_epoch(&ops, 2, cut.number, &cut.hash);
    fixture_trust(&f, 1, writer_bytes(&ops));
    assert_int_equal(hub_store_journal(f.store).epoch, 2);
    struct sent officer = age_set(NODE_D, OPERATOR_D, &id, base_rev(made.number), 40);
    /* Rev 1000 of epoch 1 was beyond the cut: it counts as the cut, and so not as having seen 40.
     * */
    struct sent late = age_set(NODE_A, OPERATOR_A, &id, base_rev(1000), 41);
    assert_answer(&f, &officer, 0, ACCEPTED, "");
    assert_answer(&f, &late, 0, HELD, "");
}

static void a_cut_below_the_end_counts_for_bases_and_ends_no_entry(void **state)
{
    (void)state;
    uint8_t space[256];
    struct id id;
    struct sent made = person_new(NODE_A, OPERATOR_A, "Ani", &id);
    struct cursor cut = hub_store_journal(f.store);
    struct sent officer = age_set(NODE_D, OPERATOR_D, &id, base_rev(made.number), 40);
    struct cursor end = hub_store_journal(f.store), there;
    assert_int_equal(hub_store_journal_at(f.store, cut.number, &there), OK);
    assert_true(hash_equal(&there.hash, &cut.hash));
    assert_int_equal(hub_store_journal_at(f.store, end.number + 1, &there), ERR_NOT_FOUND);
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_epoch(&ops, 2, cut.number, &cut.hash);
    fixture_trust(&f, 1, writer_bytes(&ops));
    assert_int_equal(hub_store_journal(f.store).number, end.number + 1);
    /* The lost journal's number of the same value says nothing about what was written here. */
    struct sent late = age_set(NODE_A, OPERATOR_A, &id, base_rev(end.number), 41);
    assert_answer(&f, &officer, 0, ACCEPTED, "");
    assert_answer(&f, &late, 0, HELD, "");
    fixture_check_replay(&f);
}

static void an_epoch_that_comes_back_need_not_lie_in_this_journal(void **state)
{
    (void)state;
    uint8_t space[512], ops_space[256];
    const struct trust *trust = hub_store_trust(f.store);
    const struct secret_key *officer[] = { f.officer };
    struct writer out = writer_of(space, sizeof(space));
    struct cursor lost = hub_store_journal(f.store);
    struct problem problem = { .code = OK };
    struct writer ops = writer_of(ops_space, sizeof(ops_space));
    lost.number += 20;
    trust_op_epoch(&ops, 2, lost.number, &lost.hash);
    assert_int_equal(fixture_try_trust(&f, 1, writer_bytes(&ops), &problem), ERR_STATE);
    ops = writer_of(ops_space, sizeof(ops_space));
    writer_array(&ops, 1);
    trust_op_epoch(&ops, 2, lost.number, &lost.hash);
    assert_int_equal(trust_sign(FIXTURE_DISTRICT, trust->version + 1, &trust->hash,
                                FIXTURE_CLAIMED_MS, writer_bytes(&ops), officer, 1, &out),
                     OK);
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_trust_again(f.store, writer_bytes(&out), 7, &problem), OK);
    assert_int_equal(hub_store_commit(f.store), OK);
    assert_int_equal(hub_store_trust(f.store)->epoch, 2);
    fixture_check_replay(&f);
}

static void a_transaction_that_would_flood_the_feed_is_refused_not_cut(void **state)
{
    (void)state;
    /* 200 people whose name and age both differ: 400 conflicts, over the limit of one entry. */
    static struct id ids[200];
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    for (unsigned i = 0; i < COUNT_OF(ids); i++) {
        ids[i] = fixture_id(&f);
        draft_create(d, "person", &ids[i],
                     VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "n"), V_INT("age", 1)));
    }
    struct sent made = fixture_send(d);
    d = draft_new(&f, NODE_D, OPERATOR_D);
    for (unsigned i = 0; i < COUNT_OF(ids); i++)
        draft_update(d, "person", &ids[i], base_rev(made.number),
                     VALUES(V_TEXT("name", "o"), V_INT("age", 2)));
    struct sent first = fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    for (unsigned i = 0; i < COUNT_OF(ids); i++)
        draft_update(d, "person", &ids[i], base_rev(made.number),
                     VALUES(V_TEXT("name", "p"), V_INT("age", 3)));
    struct sent late = fixture_send(d);
    assert_answer(&f, &first, 199, ACCEPTED, "");
    assert_answer(&f, &late, 0, HELD, "");
    assert_answer(&f, &late, 127, HELD, "");
    assert_answer(&f, &late, 199, REJECTED, "limit");
    const struct items *items = fixture_feed(&f, NODE_D, FEED_RECORDS, first.number);
    assert_true(items->count <= FEED_ITEMS_MAX);
}

int main(void)
{
#define TEST(name) FIXTURE_TEST(name, &f)
    const struct CMUnitTest tests[] = {
        TEST(a_created_record_stands_with_its_values_and_its_number),
        TEST(every_field_type_comes_back_as_it_was_written),
        TEST(a_change_over_what_its_author_saw_is_taken),
        TEST(own_pending_work_counts_as_seen),
        TEST(anothers_change_between_own_ones_does_not_count_as_seen),
        TEST(own_work_that_the_author_did_not_see_is_held),
        TEST(different_fields_merge_without_asking),
        TEST(the_same_value_from_both_sides_is_accepted),
        TEST(clearing_a_field_is_a_value_like_others),
        TEST(a_field_outside_the_authors_authority_rejects_its_group_alone),
        TEST(records_of_another_area_are_refused),
        TEST(a_create_of_a_known_id_is_a_duplicate),
        TEST(what_builds_on_a_rejected_create_is_rejected_with_that_reason),
        TEST(a_change_of_nothing_is_not_found),
        TEST(unknown_authors_rules_and_openings_that_failed_are_rejected_whole),
        TEST(a_rejected_transaction_never_blocks_those_behind_it),
        TEST(records_of_one_transaction_may_refer_to_each_other),
        TEST(a_reference_to_nothing_or_to_the_wrong_kind_rejects_the_group),
        TEST(what_refers_to_a_create_that_falls_falls_with_it),
        TEST(a_known_transaction_is_answered_again_and_merged_once),
        TEST(an_epoch_cuts_what_a_base_may_claim),
        TEST(a_cut_below_the_end_counts_for_bases_and_ends_no_entry),
        TEST(an_epoch_that_comes_back_need_not_lie_in_this_journal),
        TEST(a_transaction_that_would_flood_the_feed_is_refused_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
