/* What the feed brings: records, policy, cursors, the epoch of a restored hub. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/node_fixture.h"

static const struct bytes accepted; /* no entries: everything is accepted */

static struct id put(struct office *o, const char *name)
{
    return office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", name));
}

static char *wider_source(void)
{
    static char text[8192];
    const char *at = strstr(office_source, "field alamat { type = text length = 200");
    assert_non_null(at);
    const char *rest = at + strlen("field alamat { type = text length = 200");
    snprintf(text, sizeof text, "%.*sfield alamat { type = text length = 200 lookup = true%s",
             (int)(at - office_source), office_source, rest);
    return text;
}

/* ---- the feed of records */

static void the_higher_journal_number_wins_whatever_comes_first(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    office_ack_all(o, accepted);
    uint64_t mine = o->journal;
    struct feed_item older =
        office_record(&person, "orang", "29-0001", FIELDS("alamat", "Lama", "nama", "Lama"));
    older.number = mine - 1;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, older), OK);
    const struct record_view *view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Maimunah");
    assert_string_equal(office_value(view, "alamat"), "Lama");
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "29-0001", FIELDS("nama", "Baru"))),
        OK);
    view = office_view(o, &person);
    assert_string_equal(office_value(view, "nama"), "Baru");
    assert_int_equal(view->rev, mine + 1);
    assert_int_equal(view->base_rev, mine + 1);
}

/* Others' changes between the cursor and an own accepted number may be under way still: a base that
 * claimed that number would overwrite them unseen. */
static void an_own_ack_does_not_claim_to_have_seen_what_others_wrote(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    assert_int_equal(office_feed_one(o, FEED_RECORDS,
                                     office_record(&person, "orang", "05-0001",
                                                   FIELDS("kec", "36.04.29", "nama", "Asal"))),
                     OK);
    uint64_t shown = o->journal;
    o->journal += 5; /* another office writes meanwhile */
    struct hash leaf = office_edit(o, &person, FIELDS("alamat", "Sukamaju"));
    office_ack_all(o, accepted);
    const struct record_view *view = office_view(o, &person);
    assert_true(view->rev > shown + 5);
    assert_int_equal(view->base_rev, shown);
    assert_true(view->has_leaf && hash_equal(&view->leaf, &leaf));
}

static void a_deleted_record_says_so(void **state)
{
    struct office *o = *state;
    struct id person = put(o, "Maimunah");
    office_ack_all(o, accepted);
    struct feed_item item = office_record(&person, "orang", "", FIELDS(NULL));
    item.deleted = true;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_true(office_view(o, &person)->deleted);
    assert_true(bytes_is(office_view(o, &person)->short_text, "29-0001"));
    item = office_record(&person, "orang", "29-0001", FIELDS("nama", "Kembali"));
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_false(office_view(o, &person)->deleted);
    /* An own delete shows at once and goes when it is refused. */
    struct hash leaf;
    uint64_t seq;
    struct id id = person;
    assert_int_equal(office_try(o, OP_DELETE, NULL, &id, NULL, LANE_NORMAL, &leaf, &seq), OK);
    assert_true(office_view(o, &person)->deleted && office_view(o, &person)->pending);
    office_ack_all(o, office_answer(0, DISPOSITION_REJECTED, "authority", ""));
    assert_false(office_view(o, &person)->deleted);
}

static void records_wait_for_the_unlocked_cache(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    struct cursor cursor;
    node_store_lock(o->store);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "05-0001", FIELDS("nama", "Asal"))),
        ERR_LOCKED);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    const struct record_view *view;
    struct id found;
    assert_int_equal(node_store_view(o->store, &person, &view), ERR_LOCKED);
    assert_int_equal(node_store_find(o->store, bytes_text("29-0001"), &found, NULL, NULL),
                     ERR_LOCKED);
}

static void a_batch_moves_cursor_and_seen_once(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    struct cursor before, cursor;
    uint64_t epoch, number;
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&person, "orang", "05-0001", FIELDS("nama", "Asal"))),
        OK);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &before), OK);
    assert_int_equal(before.number, o->journal);
    assert_int_equal(before.epoch, 1);
    assert_int_equal(node_store_seen(o->store, &epoch, &number), OK);
    assert_int_equal(number, o->journal);
    /* A batch that begins beyond the cursor has a gap; one that ends before it is old. */
    struct feed_batch batch = {
        .stream = FEED_RECORDS, .epoch = 1, .from = before.number + 1, .to = before.number + 2
    };
    assert_int_equal(node_store_feed(o->store, &batch, bytes_of("\x90", 1), NULL), ERR_STATE);
    batch.from = 0;
    batch.to = 1;
    assert_int_equal(node_store_feed(o->store, &batch, bytes_of("\x90", 1), NULL), OK);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_memory_equal(&cursor, &before, sizeof cursor);
    office_restart(o);
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_memory_equal(&cursor, &before, sizeof cursor);
}

static void a_bad_item_leaves_the_whole_batch_out(void **state)
{
    struct office *o = *state;
    struct id person = crypto_uuid7(1);
    struct hash leaf = { { 0 } };
    struct feed_item items[] = {
        office_record(&person, "orang", "05-0001", FIELDS("nama", "Asal")),
        { .kind = FEED_DECISION,
          .leaf = leaf,
          .decision = { .disposition = DISPOSITION_ACCEPTED } },
    };
    assert_int_equal(office_feed(o, FEED_RECORDS, items, 2), ERR_MALFORMED); /* the wrong stream */
    const struct record_view *view;
    assert_int_equal(node_store_view(o->store, &person, &view), ERR_NOT_FOUND);
    struct cursor cursor;
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
}

/* ---- policy */

static void applying_policy_is_an_entry_in_every_lane(void **state)
{
    struct office *o = *state;
    uint64_t before[LANE_COUNT];
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++)
        before[lane] = office_lane(o, lane).highest;
    struct hash previous = o->rules_hash;
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &previous)), OK);
    struct policy_mark mark = node_store_policy_mark(o->store);
    struct hash leaf, head;
    assert_int_equal(mark.rules_version, 2);
    assert_true(hash_equal(&mark.rules_hash, &o->rules_hash));
    assert_int_equal(mark.trust_version, 2);
    chain_policy_leaf(&mark, &leaf);
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++) {
        struct node_lane row = office_lane(o, lane);
        struct hash expected;
        assert_int_equal(row.highest, before[lane] + 1);
        assert_int_equal(node_store_head(o->store, lane, before[lane], &head), OK);
        chain_next(&head, &leaf, &expected);
        assert_true(hash_equal(&row.head, &expected));
    }
    office_restart(o);
    struct policy_mark after = node_store_policy_mark(o->store);
    assert_memory_equal(&after, &mark, sizeof mark);
    assert_int_equal(node_store_trust(o->store)->operator_count, 1);
}

static void an_older_policy_is_refused_and_the_rest_of_the_batch_stands(void **state)
{
    struct office *o = *state;
    struct hash first = o->rules_hash;
    static uint8_t older_space[RULES_BYTES_MAX];
    /* Version 1 again, but with another content: what a rolled-back officer might sign. */
    struct bytes older = office_rules(o, wider_source(), 1, NULL);
    memcpy(older_space, older.at, older.len);
    older = bytes_of(older_space, older.len);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &first)), OK);
    struct id person = put(o, "Maimunah");
    struct hash leaf = office_view(o, &person)->leaf;
    struct policy_mark before = node_store_policy_mark(o->store);
    uint64_t highest = office_lane(o, LANE_BULK).highest;
    struct feed_item items[] = {
        { .kind = FEED_RULES, .document = older },
        { .kind = FEED_DECISION,
          .leaf = leaf,
          .decision = { .whole = true,
                        .disposition = DISPOSITION_REJECTED,
                        .reason = bytes_text("area"),
                        .field = bytes_text("") } },
    };
    assert_int_equal(office_feed(o, FEED_CONTROL, items, 2), OK);
    assert_int_equal(o->problem.code, ERR_STATE);
    assert_string_equal(o->problem.thing, "rules version 1");
    struct policy_mark after = node_store_policy_mark(o->store);
    assert_memory_equal(&after, &before, sizeof before);
    assert_int_equal(office_lane(o, LANE_BULK).highest, highest);
    assert_int_equal(office_figures(o).rejected, 1);
}

static void another_statement_or_document_of_a_known_version_is_refused(void **state)
{
    struct office *o = *state;
    uint8_t ops_space[512], space[2048];
    struct writer ops = writer_of(ops_space, sizeof ops_space);
    struct writer out = writer_of(space, sizeof space);
    const struct secret_key *keys[] = { o->root };
    struct policy_mark before = node_store_policy_mark(o->store);
    writer_array(&ops, 1);
    trust_op_operator_until(&ops, 1, "461/1/2027", "2099-12-31");
    assert_int_equal(
        trust_sign(OFFICE_DISTRICT, 2, &o->trust.hash, 1, writer_bytes(&ops), keys, 1, &out), OK);
    assert_int_equal(office_feed_document(o, FEED_TRUST, writer_bytes(&out)), OK);
    assert_int_equal(o->problem.code, ERR_STATE);
    assert_string_equal(o->problem.thing, "trust part version 2");
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, wider_source(), 1, NULL)),
                     OK);
    assert_string_equal(o->problem.thing, "rules version 1");
    struct policy_mark after = node_store_policy_mark(o->store);
    assert_memory_equal(&after, &before, sizeof before);
    /* The very same again is nothing new and no complaint. */
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 1, NULL)), OK);
    assert_int_equal(o->problem.code, OK);
}

static void rules_may_skip_versions_but_not_fork(void **state)
{
    struct office *o = *state;
    struct hash other;
    memset(&other, 7, sizeof other);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &other)), OK);
    assert_int_equal(o->problem.code, ERR_POLICY_FOLLOW);
    assert_int_equal(node_store_policy_mark(o->store).rules_version, 1);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 5, &other)), OK);
    assert_int_equal(o->problem.code, OK);
    assert_int_equal(node_store_policy_mark(o->store).rules_version, 5);
}

static void a_gap_or_a_bad_signature_in_the_trust_log_leaves_everything_as_it_was(void **state)
{
    struct office *o = *state;
    uint8_t ops_space[512], copy[TRUST_STATEMENT_BYTES_MAX];
    struct writer ops = writer_of(ops_space, sizeof ops_space);
    struct cursor before, after;
    trust_op_operator_until(&ops, 1, "461/1/2027", "2028-12-31");
    struct bytes third = office_statement(o, 1, writer_bytes(&ops));
    memcpy(copy, third.at, third.len);
    size_t third_len = third.len;
    struct bytes fourth = office_statement(o, 1, writer_bytes(&ops));
    uint64_t highest = office_lane(o, LANE_URGENT).highest;
    assert_int_equal(node_store_cursor(o->store, FEED_CONTROL, &before), OK);
    assert_int_equal(office_feed_document(o, FEED_TRUST, fourth), ERR_STATE);
    copy[third_len - 1] ^= 1;
    assert_int_not_equal(office_feed_document(o, FEED_TRUST, bytes_of(copy, third_len)), OK);
    /* A good one before a bad one in the same batch goes with it. */
    copy[third_len - 1] ^= 1;
    uint8_t bad[TRUST_STATEMENT_BYTES_MAX];
    memcpy(bad, fourth.at, fourth.len);
    bad[fourth.len - 1] ^= 1;
    struct feed_item items[] = {
        { .kind = FEED_TRUST, .document = bytes_of(copy, third_len) },
        { .kind = FEED_TRUST, .document = bytes_of(bad, fourth.len) },
    };
    assert_int_not_equal(office_feed(o, FEED_CONTROL, items, 2), OK);
    assert_int_equal(node_store_trust(o->store)->version, 2);
    assert_int_equal(node_store_cursor(o->store, FEED_CONTROL, &after), OK);
    assert_memory_equal(&after, &before, sizeof before);
    assert_int_equal(office_lane(o, LANE_URGENT).highest, highest);
    assert_int_equal(office_feed_document(o, FEED_TRUST, bytes_of(copy, third_len)), OK);
    assert_int_equal(office_feed_document(o, FEED_TRUST, fourth), OK);
    assert_int_equal(node_store_trust(o->store)->version, 4);
    assert_string_equal(trust_operator(node_store_trust(o->store), 1)->until, "2028-12-31");
    /* Again: known, no entry, no complaint. */
    highest = office_lane(o, LANE_URGENT).highest;
    assert_int_equal(office_feed_document(o, FEED_TRUST, fourth), OK);
    assert_int_equal(o->problem.code, OK);
    assert_int_equal(office_lane(o, LANE_URGENT).highest, highest);
}

static void another_root_than_the_pinned_one_is_refused(void **state)
{
    struct office *bare = malloc(sizeof *bare);
    (void)state;
    assert_non_null(bare);
    office_open(bare, true);
    secret_key_close(&bare->root);
    bare->root = secret_key_new();
    assert_int_not_equal(office_feed_document(bare, FEED_TRUST, office_founding(bare)), OK);
    assert_int_equal(node_store_trust(bare->store)->version, 0);
    assert_null(node_store_policy(bare->store));
    office_close(bare);
    free(bare);
}

/* ---- a restored hub */

static void an_epoch_takes_back_what_lies_beyond_its_cut(void **state)
{
    struct office *o = *state;
    struct id kept = put(o, "Tetap");
    office_ack_all(o, accepted);
    assert_int_equal(office_feed(o, FEED_RECORDS, NULL, 0), OK);
    uint64_t cut = o->journal, acked = office_lane(o, LANE_NORMAL).acked;
    struct id lost = put(o, "Hilang di Dinas");
    office_ack_all(o, accepted);
    assert_int_equal(
        office_feed_one(o, FEED_RECORDS,
                        office_record(&kept, "orang", "29-0001", FIELDS("alamat", "Dibatalkan"))),
        OK);
    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof space);
    struct hash hash = { { 0 } };
    trust_op_epoch(&ops, 2, cut, &hash);
    struct bytes statement = office_statement(o, 1, writer_bytes(&ops));
    o->journal += 10;
    o->epoch = 2;
    assert_int_equal(office_feed_document(o, FEED_TRUST, statement), OK);
    assert_int_equal(office_lane(o, LANE_NORMAL).acked, acked);
    assert_int_equal(office_figures(o).accepted, 1);
    assert_int_equal(office_figures(o).queued, 1);
    const struct record_view *view = office_view(o, &lost);
    assert_true(view->pending && !view->confirmed);
    view = office_view(o, &kept);
    assert_string_equal(office_value(view, "nama"), "Tetap");
    assert_null(office_value(view, "alamat"));
    assert_int_equal(view->base_rev, cut);
    struct cursor cursor;
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    office_restart(o);
    office_unlock(o);
    assert_null(office_value(office_view(o, &kept), "alamat"));
    assert_int_equal(
        office_ack(o, LANE_NORMAL, acked + 1, office_lane(o, LANE_NORMAL).highest, 1, accepted),
        OK);
    view = office_view(o, &lost);
    assert_true(view->confirmed && !view->pending);
    assert_true(view->rev > cut + 10);
}

/* The feed does not echo own changes, so what cannot be asked for again must stay. */
static void what_every_backup_holds_outlives_two_epochs_at_once(void **state)
{
    struct office *o = *state;
    struct id kept = put(o, "Tersimpan");
    uint64_t last = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, last, last + 1, accepted), OK);
    uint64_t journal = o->journal;
    struct feed_item items[2];
    uint8_t statements[2][TRUST_STATEMENT_BYTES_MAX];
    for (unsigned i = 0; i < 2; i++) {
        uint8_t space[128];
        struct writer ops = writer_of(space, sizeof space);
        struct hash hash = { { 0 } };
        trust_op_epoch(&ops, 2 + i, 0, &hash);
        struct bytes statement = office_statement(o, 1, writer_bytes(&ops));
        memcpy(statements[i], statement.at, statement.len);
        items[i] = (struct feed_item){ .kind = FEED_TRUST,
                                       .document = bytes_of(statements[i], statement.len) };
    }
    o->epoch = 3;
    assert_int_equal(office_feed(o, FEED_CONTROL, items, 2), OK);
    /* The next ACK, of whatever lane, folds it in again. */
    o->journal = journal + 20;
    assert_int_equal(office_ack(o, LANE_URGENT, 1, 1, 1, accepted), OK);
    const struct record_view *view = office_view(o, &kept);
    assert_true(view->confirmed && !view->pending);
    assert_string_equal(office_value(view, "nama"), "Tersimpan");
}

/* An ACK that comes late or again does not take the place of a newer one, nor another lane's. */
static void the_newest_answer_of_each_lane_is_kept_as_proof(void **state)
{
    struct office *o = *state;
    struct bytes proof;
    uint8_t first[FRAME_BYTES_MAX];
    put(o, "Satu");
    office_ack_all(o, accepted);
    assert_int_equal(node_store_proof(o->store, RETURN_ACK, LANE_NORMAL, &proof), OK);
    assert_true(proof.len <= sizeof first);
    memcpy(first, proof.at, proof.len);
    size_t first_len = proof.len;
    uint64_t last = office_lane(o, LANE_NORMAL).acked, before = o->journal;
    o->journal = before - 2;
    assert_int_equal(office_ack(o, LANE_NORMAL, last, last, 1, accepted), OK);
    assert_int_equal(node_store_proof(o->store, RETURN_ACK, LANE_NORMAL, &proof), OK);
    assert_true(bytes_equal(proof, bytes_of(first, first_len)));
    o->journal = before + 5;
    assert_int_equal(office_ack(o, LANE_URGENT, 1, 1, 1, accepted), OK);
    assert_int_equal(node_store_proof(o->store, RETURN_ACK, LANE_NORMAL, &proof), OK);
    assert_true(bytes_equal(proof, bytes_of(first, first_len)));
    assert_int_equal(node_store_proof(o->store, RETURN_ACK, LANE_URGENT, &proof), OK);
    assert_int_equal(node_store_proof(o->store, RETURN_FEED, FEED_CONTROL, &proof), OK);
    /* One that was said again later reaches less far: it shows the number, the other the place. */
    o->journal = before + 7;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, last - 1, 1, accepted), OK);
    assert_int_equal(node_store_proof(o->store, RETURN_ACK, LANE_NORMAL, &proof), OK);
    assert_true(bytes_equal(proof, bytes_of(first, first_len)));
    assert_int_equal(node_store_proof(o->store, RETURN_ACK, PROOF_NEWEST_ACK, &proof), OK);
    assert_false(bytes_equal(proof, bytes_of(first, first_len)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(the_higher_journal_number_wins_whatever_comes_first),
        WITH_OFFICE(an_own_ack_does_not_claim_to_have_seen_what_others_wrote),
        WITH_OFFICE(a_deleted_record_says_so),
        WITH_OFFICE(records_wait_for_the_unlocked_cache),
        WITH_OFFICE(a_batch_moves_cursor_and_seen_once),
        WITH_OFFICE(a_bad_item_leaves_the_whole_batch_out),
        WITH_OFFICE(applying_policy_is_an_entry_in_every_lane),
        WITH_OFFICE(an_older_policy_is_refused_and_the_rest_of_the_batch_stands),
        WITH_OFFICE(another_statement_or_document_of_a_known_version_is_refused),
        WITH_OFFICE(rules_may_skip_versions_but_not_fork),
        WITH_OFFICE(a_gap_or_a_bad_signature_in_the_trust_log_leaves_everything_as_it_was),
        cmocka_unit_test(another_root_than_the_pinned_one_is_refused),
        WITH_OFFICE(an_epoch_takes_back_what_lies_beyond_its_cut),
        WITH_OFFICE(what_every_backup_holds_outlives_two_epochs_at_once),
        WITH_OFFICE(the_newest_answer_of_each_lane_is_kept_as_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
