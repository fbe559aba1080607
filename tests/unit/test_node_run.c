/* Runs of the queue as bundles, what keep_from lets go, new incarnations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/node_store_inside.h"
#include "tests/support/node_fixture.h"

#define NAME "Maimunah binti Sarkawi"
#define NIK "3604294107800017"

static struct id put_person(struct office *o)
{
    return office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", NAME, "nik", NIK));
}

/* ---- runs */

struct run_read {
    unsigned key_count, count;
    uint64_t keys[BUNDLE_KEYS_MAX];
    struct hash leaves[BUNDLE_ITEMS_MAX];
    unsigned after_count[BUNDLE_ITEMS_MAX];
    struct after after[BUNDLE_ITEMS_MAX];
    struct policy_mark marks[BUNDLE_ITEMS_MAX];
    struct bytes bodies[BUNDLE_ITEMS_MAX];
    struct queue_run run;
};

/* Reads a run and checks it as the hub would: a signed bundle whose chain leads from head to head.
 */
static struct run_read *read_run(struct office *o, enum lane lane, uint64_t first,
                                 unsigned max_items, size_t max_bytes, bool all_keys)
{
    static uint8_t keys_space[8192], items_space[BUNDLE_BYTES_MAX], bundle_space[BUNDLE_BYTES_MAX];
    static struct bundle bundle;
    static struct run_read read;
    struct writer keys = writer_of(keys_space, sizeof keys_space);
    struct writer items = writer_of(items_space, sizeof items_space);
    struct writer out = writer_of(bundle_space, sizeof bundle_space);
    struct node_identity identity;
    struct hash head;
    memset(&read, 0, sizeof read);
    assert_int_equal(node_store_identity(o->store, &identity), OK);
    assert_int_equal(node_store_run(o->store, lane, first, max_items, max_bytes, all_keys, &keys,
                                    &items, &read.run),
                     OK);
    struct bundle_context context = { .district = identity.district,
                                      .node = identity.node,
                                      .incarnation = identity.incarnation,
                                      .hub_key = identity.hub.sign_key };
    assert_int_equal(bundle_sign(&context, lane, first, office_lane(o, lane).highest, 1, 1,
                                 &read.run.head_before, &read.run.head_after, read.run.count,
                                 writer_bytes(&keys), writer_bytes(&items),
                                 node_store_device_key(o->store), &out),
                     OK);
    assert_int_equal(bundle_decode(writer_bytes(&out), &bundle), OK);
    assert_int_equal(
        bundle_verify(&bundle, &context, &read.run.head_before, &identity.device_public, &head),
        OK);
    assert_true(hash_equal(&head, &read.run.head_after));
    read.count = bundle.item_count;
    assert_int_equal(read.count, read.run.count);
    read.key_count = bundle.key_count;
    for (unsigned i = 0; i < bundle.key_count; i++)
        read.keys[i] = bundle.keys[i].number;
    for (unsigned i = 0; i < bundle.item_count; i++) {
        bundle_item_leaf(&bundle.items[i], &read.leaves[i]);
        read.after_count[i] = bundle.items[i].after_count;
        read.after[i] = bundle.items[i].after[0];
        read.marks[i] = bundle.items[i].mark;
        read.bodies[i] = bundle.items[i].sealed.body;
    }
    return &read;
}

static void a_run_is_a_bundle_that_verifies(void **state)
{
    struct office *o = *state;
    for (int i = 0; i < 5; i++)
        (void)put_person(o);
    uint64_t last = office_lane(o, LANE_NORMAL).highest;
    const struct run_read *read = read_run(o, LANE_NORMAL, 1, 512, 1 << 20, false);
    assert_int_equal(read->count, last);
    assert_int_equal(read->key_count, 1);
    read = read_run(o, LANE_NORMAL, 2, 3, 1 << 20, false);
    assert_int_equal(read->count, 3);
    read = read_run(o, LANE_NORMAL, 1, 512, 1, false); /* at least one */
    assert_int_equal(read->count, 1);
    struct hash head;
    assert_int_equal(node_store_head(o->store, LANE_NORMAL, 1, &head), OK);
    assert_true(hash_equal(&head, &read->run.head_after));
    assert_int_equal(node_store_head(o->store, LANE_NORMAL, last + 1, &head), ERR_NOT_FOUND);
}

static void a_run_past_the_end_finds_nothing(void **state)
{
    struct office *o = *state;
    uint8_t space[512];
    struct writer keys = writer_of(space, 256), items = writer_of(space + 256, 256);
    struct queue_run run;
    assert_int_equal(node_store_run(o->store, LANE_NORMAL, office_lane(o, LANE_NORMAL).highest + 1,
                                    10, 1000, false, &keys, &items, &run),
                     ERR_NOT_FOUND);
}

static void data_keys_ride_with_their_first_use_in_each_lane(void **state)
{
    struct office *o = *state;
    (void)put_person(o);
    uint64_t first = office_lane(o, LANE_NORMAL).highest;
    (void)put_person(o);
    office_restart(o); /* another run of the daemon, another data key */
    office_unlock(o);
    (void)put_person(o);
    const struct run_read *read = read_run(o, LANE_NORMAL, first, 512, 1 << 20, false);
    assert_int_equal(read->key_count, 2);
    assert_int_equal(read->keys[0], 1);
    assert_int_equal(read->keys[1], 2);
    read = read_run(o, LANE_NORMAL, first + 1, 512, 1 << 20, false);
    assert_int_equal(read->key_count, 1);
    assert_int_equal(read->keys[0], 2);
    read = read_run(o, LANE_NORMAL, first + 1, 512, 1 << 20, true);
    assert_int_equal(read->key_count, 2);
    struct id record;
    struct hash leaf;
    uint64_t seq;
    assert_int_equal(office_try(o, OP_CREATE, "orang", &record,
                                FIELDS("kec", "36.04.29", "nama", NAME), LANE_URGENT, &leaf, &seq),
                     OK);
    read = read_run(o, LANE_URGENT, seq, 512, 1 << 20, false);
    assert_int_equal(read->key_count, 1); /* lanes travel apart: key 2 again */
    assert_int_equal(read->keys[0], 2);
}

static void items_stay_until_keep_from_has_passed_them(void **state)
{
    struct office *o = *state;
    struct id person = put_person(o);
    (void)put_person(o);
    uint64_t last = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, last, 1, bytes_of(NULL, 0)), OK);
    assert_int_equal(office_figures(o).safe, 0);
    assert_int_equal(read_run(o, LANE_NORMAL, last - 1, 2, 1 << 20, true)->count, 2);
    assert_int_equal(office_ack(o, LANE_NORMAL, last, last, last, bytes_of(NULL, 0)), OK);
    assert_int_equal(office_figures(o).safe, 1);
    uint8_t space[4096];
    struct writer keys = writer_of(space, 256), items = writer_of(space + 256, 3000);
    struct queue_run run;
    assert_int_equal(
        node_store_run(o->store, LANE_NORMAL, last - 1, 2, 3000, true, &keys, &items, &run),
        ERR_STATE);
    assert_int_equal(read_run(o, LANE_NORMAL, last, 2, 1 << 20, true)->count, 1);
    assert_string_equal(office_value(office_view(o, &person), "nama"), NAME);
    /* What is not acknowledged stays, whatever keep_from says. */
    (void)put_person(o);
    assert_int_equal(office_ack(o, LANE_NORMAL, last, last, last + 2, bytes_of(NULL, 0)), OK);
    assert_int_equal(read_run(o, LANE_NORMAL, last + 1, 2, 1 << 20, true)->count, 1);
    assert_int_equal(office_figures(o).safe, 2);
    /* keep_from never falls. */
    assert_int_equal(office_ack(o, LANE_NORMAL, last, last, 1, bytes_of(NULL, 0)), OK);
    assert_int_equal(office_figures(o).safe, 2);
}

static void an_ack_for_what_was_never_queued_changes_nothing(void **state)
{
    struct office *o = *state;
    (void)put_person(o);
    uint64_t last = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, last + 1, 1, bytes_of(NULL, 0)), ERR_STATE);
    assert_int_equal(office_ack(o, LANE_NORMAL, 2, last, 1, bytes_of(NULL, 0)), ERR_STATE);
    struct node_lane lane;
    assert_int_equal(node_store_lane(o->store, LANE_NORMAL, &lane), OK);
    assert_int_equal(lane.acked, 0);
    assert_int_equal(office_figures(o).accepted, 0);
}

/* ---- a new incarnation */

static void reopen_keeps_leaves_order_and_sealed_bytes(void **state)
{
    struct office *o = *state;
    struct node_identity before, after;
    struct id person = put_person(o);
    uint64_t received = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, received, 1, bytes_of(NULL, 0)), OK);
    /* An urgent entry, then a normal one that refers to it: it waits for the urgent lane. */
    struct hash leaf;
    uint64_t seq;
    assert_int_equal(
        office_try(o, OP_UPDATE, NULL, &person, FIELDS("alamat", "A"), LANE_URGENT, &leaf, &seq),
        OK);
    uint64_t urgent_seq = seq;
    struct hash second = office_edit(o, &person, FIELDS("alamat", "B"));
    struct hash third = office_edit(o, &person, FIELDS("alamat", "C"));
    const struct run_read *read = read_run(o, LANE_NORMAL, received + 1, 10, 1 << 20, true);
    assert_int_equal(read->count, 2);
    assert_true(hash_equal(&read->leaves[0], &second) && hash_equal(&read->leaves[1], &third));
    assert_int_equal(read->after_count[0], 1);
    assert_int_equal(read->after[0].lane, LANE_URGENT);
    assert_int_equal(read->after[0].seq, urgent_seq);
    uint8_t body[256];
    size_t body_len = read->bodies[0].len;
    assert_true(body_len <= sizeof body);
    memcpy(body, read->bodies[0].at, body_len);
    assert_int_equal(node_store_identity(o->store, &before), OK);

    assert_int_equal(node_store_reopen(o->store), OK);
    assert_int_equal(node_store_identity(o->store, &after), OK);
    assert_false(id_equal(&after.incarnation, &before.incarnation));
    assert_true(after.has_previous && id_equal(&after.previous, &before.incarnation));
    /* urgent: its three policy entries were not received either, so they came along; then the edit.
     */
    uint64_t urgent_now = office_lane(o, LANE_URGENT).highest;
    assert_int_equal(urgent_now, urgent_seq);
    read = read_run(o, LANE_URGENT, 1, 10, 1 << 20, false);
    assert_true(hash_equal(&read->leaves[urgent_now - 1], &leaf));
    assert_int_equal(read->marks[0].trust_version, 1);
    /* normal: the policy in force at the received position first, then both edits in order. */
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, 3);
    read = read_run(o, LANE_NORMAL, 1, 10, 1 << 20, false);
    assert_int_equal(read->marks[0].trust_version, 2);
    assert_int_equal(read->marks[0].rules_version, 1);
    assert_true(hash_equal(&read->leaves[1], &second) && hash_equal(&read->leaves[2], &third));
    assert_int_equal(read->after_count[1], 1);
    assert_int_equal(read->after[1].seq, urgent_now);
    assert_int_equal(read->bodies[1].len, body_len);
    assert_memory_equal(read->bodies[1].at, body, body_len);
    assert_int_equal(read->key_count, 1); /* first use in the new incarnation */
    struct node_lane lane;
    assert_int_equal(node_store_lane(o->store, LANE_NORMAL, &lane), OK);
    assert_int_equal(lane.acked, 0);
    assert_int_equal(office_figures(o).queued, 3);
    office_restart(o);
    office_unlock(o);
    assert_string_equal(office_value(office_view(o, &person), "alamat"), "C");
    assert_int_equal(office_figures(o).queued, 3);
    /* A key of the next run gets a number of its own. */
    (void)put_person(o);
    assert_int_equal(read_run(o, LANE_NORMAL, 4, 10, 1 << 20, false)->keys[0], 2);
}

static void reopening_twice_never_lets_policy_fall(void **state)
{
    struct office *o = *state;
    (void)put_person(o);
    assert_int_equal(
        office_ack(o, LANE_NORMAL, 1, office_lane(o, LANE_NORMAL).highest, 1, bytes_of(NULL, 0)),
        OK);
    (void)put_person(o);
    struct hash previous = o->rules_hash;
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &previous)), OK);
    (void)put_person(o);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(node_store_reopen(o->store), OK);
        const struct run_read *read = read_run(o, LANE_NORMAL, 1, 10, 1 << 20, false);
        assert_int_equal(read->count, 4);
        assert_int_equal(read->marks[0].rules_version, 1);
        assert_int_equal(read->marks[1].rules_version, 0); /* a transaction */
        assert_int_equal(read->marks[2].rules_version, 2);
    }
    /* Answers find the moved entries, and what an earlier life had received becomes safe. */
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, 4, 5, bytes_of(NULL, 0)), OK);
    assert_int_equal(office_figures(o).accepted, 3);
    assert_int_equal(office_figures(o).safe, 3);
    assert_int_equal(office_figures(o).queued, 0);
}

/* A hub that was restored to before an earlier incarnation: what that one had delivered is
 * stranded. */
static void what_a_restored_hub_lost_of_an_earlier_life_moves_along_in_order(void **state)
{
    struct office *o = *state;
    struct id first = put_person(o), second, third;
    assert_int_equal(
        office_ack(o, LANE_NORMAL, 1, office_lane(o, LANE_NORMAL).highest, 1, bytes_of(NULL, 0)),
        OK);
    uint64_t cut = o->journal;
    second = put_person(o);
    struct hash previous = o->rules_hash;
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 2, &previous)), OK);
    uint64_t last = office_lane(o, LANE_NORMAL).highest;
    assert_int_equal(office_ack(o, LANE_NORMAL, last - 1, last, 1, bytes_of(NULL, 0)), OK);
    assert_int_equal(node_store_reopen(o->store), OK);
    third = put_person(o);
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, 2, 1, bytes_of(NULL, 0)), OK);
    assert_int_equal(office_figures(o).accepted, 3);
    assert_false(node_store_stranded(o->store));

    uint8_t space[128];
    struct writer ops = writer_of(space, sizeof space);
    const struct hash hash = { { 0 } };
    trust_op_epoch(&ops, 2, cut, &hash);
    struct bytes statement = office_statement(o, 1, writer_bytes(&ops));
    o->epoch = 2;
    assert_int_equal(office_feed_document(o, FEED_TRUST, statement), OK);
    assert_true(node_store_stranded(o->store));
    office_restart(o);
    assert_true(node_store_stranded(o->store));
    office_unlock(o);
    assert_int_equal(node_store_reopen(o->store), OK);
    assert_false(node_store_stranded(o->store));

    const struct run_read *read = read_run(o, LANE_NORMAL, 1, 20, 1 << 20, false);
    struct policy_mark floor = { 0 };
    for (unsigned i = 0; i < read->count; i++) {
        if (read->marks[i].trust_version == 0)
            continue;
        assert_true(read->marks[i].trust_version >= floor.trust_version);
        assert_true(read->marks[i].rules_version >= floor.rules_version);
        floor = read->marks[i];
    }
    assert_int_equal(floor.trust_version, 3);
    assert_int_equal(read->marks[0].rules_version,
                     1); /* what the second person was written under */
    assert_true(hash_equal(&read->leaves[1], &office_view(o, &second)->leaf));
    assert_int_equal(read->marks[2].rules_version, 2);
    assert_true(hash_equal(&read->leaves[4], &office_view(o, &third)->leaf));
    assert_int_equal(office_figures(o).queued, 2);
    assert_true(office_view(o, &first)->confirmed);
    assert_true(office_view(o, &second)->pending);
    assert_int_equal(office_ack(o, LANE_NORMAL, 1, read->count, 1, bytes_of(NULL, 0)), OK);
    assert_int_equal(office_figures(o).accepted, 3);
    assert_true(office_view(o, &third)->confirmed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(a_run_is_a_bundle_that_verifies),
        WITH_OFFICE(a_run_past_the_end_finds_nothing),
        WITH_OFFICE(data_keys_ride_with_their_first_use_in_each_lane),
        WITH_OFFICE(items_stay_until_keep_from_has_passed_them),
        WITH_OFFICE(an_ack_for_what_was_never_queued_changes_nothing),
        WITH_OFFICE(reopen_keeps_leaves_order_and_sealed_bytes),
        WITH_OFFICE(reopening_twice_never_lets_policy_fall),
        WITH_OFFICE(what_a_restored_hub_lost_of_an_earlier_life_moves_along_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
