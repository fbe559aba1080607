#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/hub_fixture.h"

static struct fixture f;

static int set_up(void **state)
{
    (void)state;
    fixture_open(&f, false);
    return 0;
}

static int set_up_bare(void **state)
{
    (void)state;
    fixture_open(&f, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_close(&f);
    return 0;
}

static struct sent person_new(unsigned node, uint32_t op, struct id *ret_id)
{
    struct draft *d = draft_new(&f, node, op);
    *ret_id = fixture_id(&f);
    d->short_number = 417;
    draft_create(d, "person", ret_id,
                 VALUES(V_TEXT("area", f.nodes[node].name), V_TEXT("name", "Ani"),
                        V_TEXT("secret", "hush")));
    return fixture_send(d);
}

static struct hash content(void)
{
    struct hash hash;
    assert_int_equal(hub_store_content_hash(f.store, &hash), OK);
    return hash;
}

static void path_of(const char *name, char ret[128])
{
    (void)snprintf(ret, 128, "%s/%s", f.directory, name);
}

/* --- life ------------------------------------------------------------------------------------ */

static void a_file_belongs_to_one_district(void **state)
{
    (void)state;
    char path[128];
    struct hub_store *other = NULL;
    struct problem problem = { .code = OK };
    path_of("hub.db", path);
    hub_store_close(&f.store);
    assert_int_equal(hub_store_open(path, NULL, "36.05", &other, &problem), ERR_STATE);
    assert_null(other);
    assert_non_null(strstr(problem.detail, "36.04"));
    f.store = fixture_store_at(&f, "hub.db");
}

static void everything_is_there_after_opening_again(void **state)
{
    (void)state;
    struct id id, conflict;
    struct sent made = person_new(NODE_A, OPERATOR_A, &id);
    struct draft *d = draft_new(&f, NODE_D, OPERATOR_D);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", 1)));
    (void)fixture_send(d);
    d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_INT("age", 2)));
    (void)fixture_send(d);
    struct hash before = content();
    struct cursor end = hub_store_journal(f.store);
    struct policy_mark mark = hub_store_policy_mark(f.store);
    fixture_reopen(&f);
    struct hash after = content();
    struct cursor again = hub_store_journal(f.store);
    struct policy_mark mark_again = hub_store_policy_mark(f.store);
    assert_memory_equal(before.at, after.at, HASH_BYTES);
    assert_int_equal(end.number, again.number);
    assert_memory_equal(end.hash.at, again.hash.at, HASH_BYTES);
    assert_memory_equal(&mark, &mark_again, sizeof(mark));
    assert_true(fixture_conflict(&f, &id, "age", NODE_A, &conflict));
    (void)person_new(NODE_A, OPERATOR_A, &id);
}

static void a_rollback_leaves_no_trace(void **state)
{
    (void)state;
    uint8_t space[256];
    struct id id;
    (void)person_new(NODE_A, OPERATOR_A, &id);
    struct hash before = content();
    struct policy_mark mark = hub_store_policy_mark(f.store);
    struct writer ops = writer_of(space, sizeof(space));
    static uint8_t out_space[TRUST_STATEMENT_BYTES_MAX];
    struct writer array = writer_of(space + 128, 128);
    struct writer out = writer_of(out_space, sizeof(out_space));
    trust_op_operator_until(&ops, OPERATOR_A, "SK 9", "2031-01-01");
    writer_array(&array, 1);
    writer_raw(&array, writer_bytes(&ops));
    const struct secret_key *keys[] = { f.officer };
    assert_int_equal(trust_sign(FIXTURE_DISTRICT, mark.trust_version + 1, &mark.trust_hash, 1,
                                writer_bytes(&array), keys, 1, &out),
                     OK);
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_trust_put(f.store, writer_bytes(&out), 1, NULL), OK);
    assert_int_equal(hub_store_policy_mark(f.store).trust_version, mark.trust_version + 1);
    hub_store_rollback(f.store);
    struct hash after = content();
    struct policy_mark mark_after = hub_store_policy_mark(f.store);
    assert_memory_equal(before.at, after.at, HASH_BYTES);
    assert_memory_equal(&mark, &mark_after, sizeof(mark));
    struct sent next = person_new(NODE_A, OPERATOR_A, &id);
    assert_answer(&f, &next, 0, ACCEPTED, "");
}

static void an_empty_store_answers_without_policy(void **state)
{
    (void)state;
    struct hub_incarnation found;
    bool any = true, proven = false;
    struct id id = fixture_id(&f);
    assert_null(hub_store_policy(f.store));
    assert_null(hub_store_policy_at(f.store, 1));
    assert_int_equal(hub_store_trust(f.store)->version, 0);
    assert_int_equal(hub_store_journal(f.store).number, 0);
    assert_int_equal(hub_store_journal(f.store).epoch, 1);
    assert_int_equal(hub_store_incarnation(f.store, "36.04.29", &id, &found), OK);
    assert_int_equal(found.state, INCARNATION_UNKNOWN);
    struct hash genesis;
    chain_genesis(FIXTURE_DISTRICT, "36.04.29", &id, LANE_BULK, &genesis);
    assert_memory_equal(found.lanes[LANE_BULK].head.at, genesis.at, HASH_BYTES);
    assert_int_equal(found.lanes[LANE_BULK].keep_from, 1);
    assert_int_equal(hub_store_active(f.store, "36.04.29", &any, &id), OK);
    assert_false(any);
    const struct cursor start = { .epoch = 7 };
    assert_int_equal(hub_store_proves(f.store, &start, &proven), OK);
    assert_true(proven);
    assert_int_equal(fixture_feed(&f, NODE_A, FEED_CONTROL, 0)->count, 0);
    assert_int_equal(fixture_feed(&f, NODE_A, FEED_RECORDS, 0)->count, 0);
}

/* --- positions ------------------------------------------------------------------------------- */

static void a_chain_is_kept_with_its_heads_and_leaves(void **state)
{
    (void)state;
    struct id id;
    struct hash head, leaf;
    struct sent one = person_new(NODE_A, OPERATOR_A, &id);
    fixture_policy_entry(&f, NODE_A, LANE_NORMAL);
    struct sent three = person_new(NODE_A, OPERATOR_A, &id);
    struct fixture_node *node = &f.nodes[NODE_A];
    struct hub_incarnation found;
    assert_int_equal(hub_store_incarnation(f.store, node->name, &node->incarnation, &found), OK);
    assert_int_equal(found.state, INCARNATION_ACTIVE);
    assert_int_equal(found.lanes[LANE_NORMAL].received, 3);
    assert_int_equal(found.lanes[LANE_NORMAL].trust_version, 2);
    assert_int_equal(found.lanes[LANE_NORMAL].rules_version, 1);
    assert_memory_equal(found.lanes[LANE_NORMAL].head.at, node->lanes[LANE_NORMAL].head.at,
                        HASH_BYTES);
    assert_int_equal(found.lanes[LANE_URGENT].received, 0);
    assert_int_equal(hub_store_head(f.store, node->name, &node->incarnation, LANE_NORMAL, 3, &head),
                     OK);
    assert_memory_equal(head.at, node->lanes[LANE_NORMAL].head.at, HASH_BYTES);
    assert_int_equal(hub_store_head(f.store, node->name, &node->incarnation, LANE_NORMAL, 4, &head),
                     ERR_NOT_FOUND);
    assert_int_equal(
        hub_store_leaf_at(f.store, node->name, &node->incarnation, LANE_NORMAL, 1, &leaf), OK);
    assert_memory_equal(leaf.at, one.leaf.at, HASH_BYTES);
    bool known = false;
    assert_int_equal(hub_store_knows(f.store, &three.leaf, &known), OK);
    assert_true(known);
    struct answer answer = fixture_answer(&f, &three, 0);
    assert_int_equal(answer.number, three.number);
}

static void an_entry_out_of_order_or_with_another_head_is_refused(void **state)
{
    (void)state;
    struct bundle_item item = { .kind = ITEM_POLICY, .mark = hub_store_policy_mark(f.store) };
    struct fixture_node *node = &f.nodes[NODE_A];
    struct hub_entry entry = { .node = node->name,
                               .incarnation = node->incarnation,
                               .lane = LANE_NORMAL,
                               .seq = 2,
                               .item = &item };
    struct hash leaf;
    bundle_item_leaf(&item, &leaf);
    chain_next(&node->lanes[LANE_NORMAL].head, &leaf, &entry.head);
    struct hash before = content();
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_merge(f.store, &entry), ERR_STATE);
    entry.seq = 1;
    entry.head.at[0] ^= 1;
    assert_int_equal(hub_store_merge(f.store, &entry), ERR_STATE);
    hub_store_rollback(f.store);
    struct hash after = content();
    assert_memory_equal(before.at, after.at, HASH_BYTES);
}

static void a_new_incarnation_supersedes_the_active_one(void **state)
{
    (void)state;
    struct hub_incarnation found;
    struct id active;
    bool any = false;
    struct id old = f.nodes[NODE_A].incarnation;
    const uint64_t highest[LANE_COUNT] = { 1, 22, 3 };
    struct policy_mark mark = hub_store_policy_mark(f.store);
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_heard(f.store, "36.04.29", &old, highest, &mark, 77), OK);
    assert_int_equal(hub_store_commit(f.store), OK);
    fixture_reincarnate(&f, NODE_A, true);
    assert_int_equal(hub_store_active(f.store, "36.04.29", &any, &active), OK);
    assert_true(any);
    assert_memory_equal(active.at, f.nodes[NODE_A].incarnation.at, ID_BYTES);
    assert_int_equal(hub_store_incarnation(f.store, "36.04.29", &old, &found), OK);
    assert_int_equal(found.state, INCARNATION_SUPERSEDED);
    assert_int_equal(found.highest[LANE_NORMAL], 22);
}

static void sealed_keys_come_back_as_they_were_received(void **state)
{
    (void)state;
    uint8_t sealed[DATA_KEY_SEALED_BYTES], found[DATA_KEY_SEALED_BYTES];
    struct id id = f.nodes[NODE_A].incarnation;
    memset(sealed, 9, sizeof(sealed));
    assert_int_equal(hub_store_key_get(f.store, "36.04.29", &id, 1, found), ERR_NOT_FOUND);
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_key_put(f.store, "36.04.29", &id, 1, bytes_of(sealed, 3)),
                     ERR_MALFORMED);
    assert_int_equal(
        hub_store_key_put(f.store, "36.04.29", &id, 1, bytes_of(sealed, sizeof(sealed))), OK);
    assert_int_equal(hub_store_commit(f.store), OK);
    assert_int_equal(hub_store_key_get(f.store, "36.04.29", &id, 1, found), OK);
    assert_memory_equal(sealed, found, sizeof(sealed));
}

static void an_ack_that_is_full_goes_as_far_as_it_can(void **state)
{
    (void)state;
    struct id id;
    uint8_t space[40];
    unsigned count = 0;
    uint64_t last = 0;
    for (int i = 0; i < 12; i++)
        (void)person_new(NODE_A, OPERATOR_A, &id);
    struct writer out = writer_of(space, sizeof(space));
    assert_int_equal(hub_store_ack_items(f.store, "36.04.29", &f.nodes[NODE_A].incarnation,
                                         LANE_NORMAL, 1, 12, &out, &count, &last),
                     OK);
    assert_int_equal(out.err, OK);
    assert_true(count > 3 && count < 12);
    assert_int_equal(last, count);
    out = writer_of(space, sizeof(space));
    assert_int_equal(hub_store_ack_items(f.store, "36.04.29", &f.nodes[NODE_A].incarnation,
                                         LANE_NORMAL, 11, 40, &out, &count, &last),
                     OK);
    assert_int_equal(count, 2);
    assert_int_equal(last, 12);
}

static void the_oldest_backup_decides_what_nodes_keep(void **state)
{
    (void)state;
    struct id id;
    struct hub_incarnation found;
    struct id *incarnation = &f.nodes[NODE_A].incarnation;
    static const uint64_t expected[] = { 2, 2, 3 }; /* two backups count, the third forgets one */
    for (unsigned i = 0; i < 3; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "day %u", i);
        (void)person_new(NODE_A, OPERATOR_A, &id);
        assert_int_equal(hub_store_begin(f.store), OK);
        assert_int_equal(hub_store_backup_done(f.store, name, i), OK);
        assert_int_equal(hub_store_commit(f.store), OK);
        assert_int_equal(hub_store_incarnation(f.store, "36.04.29", incarnation, &found), OK);
        assert_int_equal(found.lanes[LANE_NORMAL].keep_from, expected[i]);
    }
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    id = fixture_id(&f);
    draft_create(d, "person", &id, VALUES(V_TEXT("area", "36.04.29"), V_TEXT("name", "x")));
    d->lane = LANE_BULK;
    (void)fixture_send(d);
    assert_int_equal(hub_store_incarnation(f.store, "36.04.29", incarnation, &found), OK);
    assert_int_equal(found.lanes[LANE_BULK].keep_from, 1);
    assert_int_equal(found.lanes[LANE_NORMAL].keep_from, 3);
}

/* --- policy ---------------------------------------------------------------------------------- */

static void rules_need_signers_and_follow_in_order(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    static uint8_t space[RULES_BYTES_MAX + 1024];
    uint8_t *document = NULL;
    size_t len = 0;
    assert_int_equal(hub_store_rules_get(f.store, 1, &document, &len), OK);
    assert_int_equal(hub_store_begin(f.store), OK);
    assert_int_equal(hub_store_rules_put(f.store, bytes_of(document, len), 1, &problem), ERR_STATE);
    document[len - 1] ^= 1; /* inside the signature */
    assert_int_equal(hub_store_rules_put(f.store, bytes_of(document, len), 1, &problem),
                     ERR_SIGNATURE);
    struct reader reader = reader_of(bytes_of(document, len));
    (void)reader_array(&reader);
    const struct secret_key *stranger[] = { f.operators[1] };
    struct writer out = writer_of(space, sizeof(space));
    assert_int_equal(rules_sign(reader_bin(&reader), stranger, 1, &out), OK);
    assert_int_not_equal(hub_store_rules_put(f.store, writer_bytes(&out), 1, &problem), OK);
    hub_store_rollback(f.store);
    free(document);
    assert_int_equal(hub_store_policy_mark(f.store).rules_version, 1);
}

static void wider_rules_widen_the_tables_and_keep_what_is_there(void **state)
{
    (void)state;
    struct id id, visit = fixture_id(&f);
    struct sent made = person_new(NODE_A, OPERATOR_A, &id);
    fixture_rules(&f, fixture_source_wider);
    assert_int_equal(hub_store_policy(f.store)->version, 2);
    assert_int_equal(hub_store_policy_at(f.store, 1)->version, 1);
    assert_string_equal(fixture_text(&f, "person", &id, "name"), "Ani");
    assert_string_equal(fixture_text(&f, "person", &id, "nickname"), "");
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_TEXT("nickname", "An")));
    draft_create(d, "visit", &visit, VALUES(V_TEXT("area", "36.04.29"), V_ID("who", &id)));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
    assert_answer(&f, &sent, 1, ACCEPTED, "");
    /* What was written under the older rules is judged by them. */
    d = draft_new(&f, NODE_A, OPERATOR_A);
    d->rules_version = 1;
    draft_update(d, "person", &id, base_rev(sent.number), VALUES(V_TEXT("nickname", "Ann")));
    struct sent old = fixture_send(d);
    assert_answer(&f, &old, 0, REJECTED, "field");
    fixture_reopen(&f);
    assert_string_equal(fixture_text(&f, "person", &id, "nickname"), "An");
    assert_int_equal(hub_store_policy_at(f.store, 1)->version, 1);
    fixture_check_replay(&f);
}

static void rules_that_fail_leave_tables_and_policy_as_they_were(void **state)
{
    (void)state;
    struct problem problem = { .code = OK };
    struct id id;
    char source[16 * 1024];
    struct sent made = person_new(NODE_A, OPERATOR_A, &id);
    struct hash before = content();
    (void)snprintf(source, sizeof(source),
                   "%scollection v_house {\n    title = 'x'\n    area_field = area\n"
                   "    field area { type = area required = true authority = {T} sensitivity = U "
                   "label = 'Area' }\n}\n",
                   fixture_source_wider);
    assert_int_equal(fixture_try_rules(&f, source, &problem), ERR_POLICY_MEANING);
    assert_string_equal(problem.thing, "v_house");
    struct hash after = content();
    assert_memory_equal(before.at, after.at, HASH_BYTES);
    struct draft *d = draft_new(&f, NODE_A, OPERATOR_A);
    draft_update(d, "person", &id, base_rev(made.number), VALUES(V_TEXT("name", "An")));
    struct sent sent = fixture_send(d);
    assert_answer(&f, &sent, 0, ACCEPTED, "");
}

static void an_epoch_must_name_a_number_of_this_journal(void **state)
{
    (void)state;
    uint8_t space[256];
    struct problem problem = { .code = OK };
    struct cursor end = hub_store_journal(f.store);
    struct writer ops = writer_of(space, sizeof(space));
    trust_op_epoch(&ops, 2, end.number - 1, &end.hash);
    assert_int_equal(fixture_try_trust(&f, 1, writer_bytes(&ops), &problem), ERR_STATE);
    ops = writer_of(space, sizeof(space));
    trust_op_epoch(&ops, 2, end.number, &end.hash);
    fixture_trust(&f, 1, writer_bytes(&ops));
    struct cursor now = hub_store_journal(f.store);
    assert_int_equal(now.epoch, 2);
    assert_int_equal(now.number, end.number + 1);
    bool proven = false;
    assert_int_equal(hub_store_proves(f.store, &end, &proven), OK);
    assert_true(proven);
    struct cursor lost = end; /* a number of epoch 1 beyond the cut */
    lost.number = end.number + 1;
    assert_int_equal(hub_store_proves(f.store, &lost, &proven), OK);
    assert_false(proven);
    now.epoch = 1;
    assert_int_equal(hub_store_proves(f.store, &now, &proven), OK);
    assert_false(proven);
    fixture_check_replay(&f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define TEST_BARE(name) cmocka_unit_test_setup_teardown(name, set_up_bare, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_file_belongs_to_one_district),
        TEST(everything_is_there_after_opening_again),
        TEST(a_rollback_leaves_no_trace),
        TEST_BARE(an_empty_store_answers_without_policy),
        TEST(a_chain_is_kept_with_its_heads_and_leaves),
        TEST(an_entry_out_of_order_or_with_another_head_is_refused),
        TEST(a_new_incarnation_supersedes_the_active_one),
        TEST(sealed_keys_come_back_as_they_were_received),
        TEST(an_ack_that_is_full_goes_as_far_as_it_can),
        TEST(the_oldest_backup_decides_what_nodes_keep),
        TEST(rules_need_signers_and_follow_in_order),
        TEST(wider_rules_widen_the_tables_and_keep_what_is_there),
        TEST(rules_that_fail_leave_tables_and_policy_as_they_were),
        TEST(an_epoch_must_name_a_number_of_this_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
