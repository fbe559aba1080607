#include "tests/unit/hub_driver_fixture.h"

/* ---- who is heard */

static void a_key_that_nobody_enrolled_is_denied(void **state)
{
    (void)state;
    struct fix_office stranger;
    struct fake_node fake;
    fix_office_open(&stranger, "36.04.29", 1);
    fake_open(&fake, &district, &stranger, 0xc1);
    assert_false(hub_driver_admits(driver, &stranger.curve_key));
    assert_true(hub_driver_admits(driver, &office.curve_key));
    receive(&fake, fake_hello(&fake));
    flush();
    refused(&fake, ERR_DENIED);
    fake_close(&fake);
    fix_office_close(&stranger);
}

static void the_identity_of_another_office_is_denied_whoever_signed_it(void **state)
{
    (void)state;
    struct message message;
    struct fake_node liar = neighbour;
    liar.peer = node.peer;
    receive(&liar, fake_hello(&liar)); /* other's name, other's device key, our connection */
    refused(&node, ERR_DENIED);
    liar = node;
    liar.office = &other;
    liar.peer = node.peer;
    struct fix_office mixed = office;
    mixed.device = other.device;
    liar.office = &mixed;
    receive(&liar, fake_hello(&liar)); /* our name under the other's device key */
    refused(&node, ERR_SIGNATURE);
    flush();
    assert_false(take(&node, MESSAGE_WELCOME, &message));
}

static void an_ended_office_has_no_influence_on_a_living_connection(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
    unsigned changes = access_changes;
    trust_publish(fix_end(&district, hub_store_trust(store), &office));
    assert_true(access_changes > changes);
    assert_false(hub_driver_admits(driver, &office.curve_key));
    out_count = 0;
    fake_create(&node, "B");
    push_all(&node, 2, 2);
    receive(&node, fake_confirm(FEED_CONTROL, 1, 0, 0));
    receive(&node, fake_hello(&node));
    flush();
    assert_int_equal(received_at_hub(&node), 1);
    for (unsigned i = 0; i < 3; i++)
        refused(&node, ERR_DENIED);
    assert_int_equal(out_count, 0); /* and nothing of the feed */
}

static void malformed_truncated_and_flipped_frames_are_answered_and_change_nothing(void **state)
{
    (void)state;
    uint8_t frame[FRAME_BYTES_MAX + 1] = { 0 };
    struct message message;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    struct bytes good = fake_push(fake_bundle(&node, 1, 1, true), 1, 0, 0);
    memcpy(frame, good.at, good.len);
    for (size_t cut = 0; cut < good.len; cut += 7) {
        out_count = 0;
        receive(&node, bytes_of(frame, cut));
    }
    for (size_t at = 0; at < good.len; at++) {
        out_count = 0;
        frame[at] ^= 0x10;
        receive(&node, bytes_of(frame, good.len));
        frame[at] ^= 0x10;
    }
    flush();
    assert_int_equal(received_at_hub(&node), 0);
    out_count = 0;
    receive(&node, bytes_of(frame, sizeof frame));
    refused(&node, ERR_LIMIT);
    memset(frame, 0x91, 64); /* arrays in arrays in arrays */
    receive(&node, bytes_of(frame, 64));
    assert_true(take(&node, MESSAGE_REFUSE, &message));
    const uint8_t hungry[] = { 0xdd, 0xff, 0xff, 0xff, 0xff }; /* five bytes that ask for 8 GiB */
    receive(&node, bytes_of(hungry, sizeof hungry));
    refused(&node, ERR_MALFORMED);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
}

static void messages_that_only_a_hub_sends_are_refused(void **state)
{
    (void)state;
    const struct message message = { .type = MESSAGE_PROGRESS, .progress = { .first = 1 } };
    receive(&node, fake_frame(&message));
    refused(&node, ERR_MALFORMED);
}

static void nothing_is_taken_before_hello_nor_from_another_connection(void **state)
{
    (void)state;
    fake_create(&node, "A");
    push_all(&node, 1, 1);
    refused(&node, ERR_STATE);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    struct fake_node second = node;
    second.peer.route[4]++;
    push_all(&second, 1, 1);
    refused(&node, ERR_STATE);
    flush();
    assert_int_equal(received_at_hub(&node), 0);
}

/* ---- store before send */

static void ack_is_sent_only_after_commit(void **state)
{
    (void)state;
    struct message message;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    out_count = 0;
    fake_create(&node, "A");
    push_all(&node, 1, 1);
    assert_false(take(&node, MESSAGE_ACK, &message));
    assert_int_equal(hub_driver_wake_ms(driver), 0);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
}

static void a_turn_that_was_not_committed_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    push_all(&node, 1, 1);
    hub_down();
    hub_up();
    assert_int_equal(received_at_hub(&node), 0);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
}

static void many_nodes_share_one_commit(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    assert_int_equal(hello(&neighbour), STANDING_ACTIVE);
    uint64_t commits = hub_driver_counters(driver)->commits;
    for (unsigned i = 0; i < 3; i++) {
        fake_create(&node, "A");
        fake_create(&neighbour, "B");
        push_all(&node, i + 1, i + 1);
        push_all(&neighbour, i + 1, i + 1);
    }
    flush();
    assert_int_equal(hub_driver_counters(driver)->commits, commits + 1);
    assert_int_equal(ack_take(&node, 3), 3);
    assert_int_equal(ack_take(&neighbour, 3), 3);
}

/* ---- bundles */

static void a_bundle_of_many_slices_is_put_together_and_survives_a_cut(void **state)
{
    (void)state;
    static uint8_t copy[BUNDLE_BYTES_MAX];
    char name[3900];
    struct message message;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    for (unsigned i = 0; i < 6; i++) {
        for (size_t at = 0; at < sizeof name - 1; at++)
            name[at] = (char)('a' + crypto_random_below(26));
        name[sizeof name - 1] = '\0';
        fake_create(&node, name);
    }
    struct bytes bundle = fake_bundle(&node, 1, 6, true);
    assert_true(bundle.len > 3 * 4096);
    memcpy(copy, bundle.at, bundle.len);
    bundle.at = copy;
    receive(&node, fake_push(bundle, 1, 0, 4096));
    receive(&node, fake_push(bundle, 1, 4096, 4096));
    flush();
    assert_true(take(&node, MESSAGE_PROGRESS, &message));
    assert_int_equal(message.progress.offset, 8192);

    node.peer.route[4]++; /* the link breaks; the node comes back */
    receive(&node, fake_hello(&node));
    flush();
    assert_true(take(&node, MESSAGE_WELCOME, &message));
    assert_true(message.welcome.partials[LANE_NORMAL].any);
    assert_int_equal(message.welcome.partials[LANE_NORMAL].first, 1);
    assert_int_equal(message.welcome.partials[LANE_NORMAL].offset, 8192);
    for (size_t at = 8192; at < bundle.len; at += 4096)
        receive(&node, fake_push(bundle, 1, at, 4096));
    flush();
    assert_int_equal(ack_take(&node, 6), 6);
    assert_int_equal(hub_driver_counters(driver)->assembly_bytes, 0);
}

static void a_bundle_whose_bytes_are_not_those_of_its_tag_is_dropped(void **state)
{
    (void)state;
    static uint8_t copy[BUNDLE_BYTES_MAX];
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    fake_create(&node, "B");
    struct bytes bundle = fake_bundle(&node, 1, 2, true);
    memcpy(copy, bundle.at, bundle.len);
    receive(&node, fake_push(bundle, 1, 0, 100));
    copy[150] ^= 1;
    struct message message = { .type = MESSAGE_PUSH,
                               .push = { .lane = LANE_NORMAL,
                                         .first = 1,
                                         .has_tag = true,
                                         .total = bundle.len,
                                         .offset = 100,
                                         .data = bytes_of(copy + 100, bundle.len - 100) } };
    bundle_tag(bundle, message.push.tag);
    receive(&node, fake_frame(&message));
    flush();
    refused(&node, ERR_MALFORMED);
    assert_int_equal(received_at_hub(&node), 0);
    assert_int_equal(hub_driver_counters(driver)->assembly_bytes, 0);
}

static void a_duplicate_bundle_is_acknowledged_again_and_merged_once(void **state)
{
    (void)state;
    struct cursor before;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    fake_create(&node, "B");
    push_all(&node, 1, 2);
    flush();
    assert_int_equal(ack_take(&node, 2), 2);
    before = hub_store_journal(store);
    push_all(&node, 1, 2);
    flush();
    assert_int_equal(ack_take(&node, 2), 2);
    assert_int_equal(hub_store_journal(store).number, before.number);
}

static void an_overlapping_bundle_merges_only_what_is_new(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    for (unsigned i = 0; i < 4; i++)
        fake_create(&node, "A");
    push_all(&node, 1, 2);
    flush();
    uint64_t number = hub_store_journal(store).number;
    push_all(&node, 2, 4);
    flush();
    assert_int_equal(received_at_hub(&node), 4);
    assert_int_equal(hub_store_journal(store).number, number + 2);
}

static void a_gap_names_the_first_missing_seq(void **state)
{
    (void)state;
    struct message message;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    for (unsigned i = 0; i < 3; i++)
        fake_create(&node, "A");
    push_all(&node, 3, 3);
    flush();
    assert_true(take(&node, MESSAGE_REFUSE, &message));
    assert_true(bytes_is(message.refuse.code, "gap"));
    assert_true(message.refuse.has_lane);
    assert_int_equal(message.refuse.seq, 1);
}

static void a_bundle_signed_by_another_device_is_refused(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    struct fix_office mixed = office;
    mixed.device = other.device;
    node.office = &mixed;
    fake_create(&node, "A");
    push_all(&node, 1, 1);
    node.office = &office;
    flush();
    refused(&node, ERR_SIGNATURE);
    assert_int_equal(received_at_hub(&node), 0);
}

static void a_missing_data_key_is_asked_for_and_nothing_is_lost(void **state)
{
    (void)state;
    struct message message;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    receive(&node, fake_push(fake_bundle(&node, 1, 1, false), 1, 0, 0));
    flush();
    assert_true(take(&node, MESSAGE_REFUSE, &message));
    assert_true(bytes_is(message.refuse.code, "key"));
    assert_int_equal(message.refuse.seq, 1);
    assert_int_equal(received_at_hub(&node), 0);
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
}

/* A transaction that is no good takes its position, with the reason, and holds nothing up. */
static void what_does_not_verify_is_rejected_in_its_place(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    struct fix_office forger = office;
    forger.operator_seed = other.operator_seed;
    node.office = &forger;
    fake_create(&node, "forged");
    node.office = &office;
    fake_create(&node, "B");
    push_all(&node, 1, 3);
    flush();
    assert_int_equal(ack_take(&node, 3), 2);
    assert_int_equal(hub_driver_counters(driver)->entries_faulty, 1);
}

static void data_keys_sealed_to_an_older_hub_key_still_open(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    struct bytes bundle = fake_bundle(&node, 1, 1, true);
    district.keys.seal[1] = secret_key_new();
    district.keys.seal_count = 2;
    crypto_box_public(district.keys.seal[1], &district.keys.seal_public);
    receive(&node, fake_push(bundle, 1, 0, 0));
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_key_that_nobody_enrolled_is_denied),
        TEST(the_identity_of_another_office_is_denied_whoever_signed_it),
        TEST(an_ended_office_has_no_influence_on_a_living_connection),
        TEST(malformed_truncated_and_flipped_frames_are_answered_and_change_nothing),
        TEST(messages_that_only_a_hub_sends_are_refused),
        TEST(nothing_is_taken_before_hello_nor_from_another_connection),
        TEST(ack_is_sent_only_after_commit),
        TEST(a_turn_that_was_not_committed_leaves_nothing),
        TEST(many_nodes_share_one_commit),
        TEST(a_bundle_of_many_slices_is_put_together_and_survives_a_cut),
        TEST(a_bundle_whose_bytes_are_not_those_of_its_tag_is_dropped),
        TEST(a_duplicate_bundle_is_acknowledged_again_and_merged_once),
        TEST(an_overlapping_bundle_merges_only_what_is_new),
        TEST(a_gap_names_the_first_missing_seq),
        TEST(a_bundle_signed_by_another_device_is_refused),
        TEST(a_missing_data_key_is_asked_for_and_nothing_is_lost),
        TEST(what_does_not_verify_is_rejected_in_its_place),
        TEST(data_keys_sealed_to_an_older_hub_key_still_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
