/* Lives of stores, the feed and joining, as the driver carries them out. */
#include "tests/unit/hub_driver_fixture.h"

#include "proto/invite.h"

/* ---- incarnations */

static void a_fork_is_told_to_reopen_and_loses_nothing(void **state)
{
    (void)state;
    struct fake_node fork;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_open(&fork, &district, &office, 0xa1);
    fork.peer = node.peer;
    fake_create(&node, "A");
    fake_create(&fork, "B");
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
    push_all(&fork, 1, 1);
    flush();
    refused(&node, ERR_FORK);
    assert_int_equal(hello(&fork), STANDING_REOPEN);

    fork.has_previous = true; /* re-homed under a new incarnation */
    fork.previous = fork.incarnation;
    fake_incarnation(&fork, 0xa2);
    chain_next(&fork.heads[0], &fork.leaves[1], &fork.heads[1]);
    out_count = 0;
    assert_int_equal(hello(&fork), STANDING_ACTIVE);
    push_all(&fork, 1, 1);
    flush();
    assert_int_equal(ack_take(&fork, 1), 1);
    fake_close(&fork);
}

static void a_known_leaf_under_a_new_incarnation_is_acknowledged_and_not_merged_twice(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
    node.has_previous = true;
    node.previous = node.incarnation;
    fake_incarnation(&node, 0xa2);
    chain_next(&node.heads[0], &node.leaves[1], &node.heads[1]);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
    assert_int_equal(hub_driver_counters(driver)->entries_known, 1);
}

/* Two stores of one office: `twin` still lives in the incarnation that `node` has replaced. */
static void twins_make(struct fake_node *twin)
{
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_open(twin, &district, &office, 0xa1);
    node.has_previous = true;
    node.previous = node.incarnation;
    fake_incarnation(&node, 0xa2);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
}

static void both_quarantined(const struct fake_node *twin)
{
    struct hub_incarnation incarnation;
    const struct fake_node *const both[] = { &node, twin };
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        assert_ok(hub_store_incarnation(store, office.name, &both[i]->incarnation, &incarnation));
        assert_int_equal(incarnation.state, INCARNATION_QUARANTINED);
    }
    assert_int_equal(hello(&node), STANDING_QUARANTINED);
}

static void a_superseded_store_on_its_own_connection_is_a_twin(void **state)
{
    (void)state;
    struct fake_node twin;
    twins_make(&twin);
    twin.peer.route[4] = 0x77;
    assert_int_equal(hello(&twin), STANDING_QUARANTINED);
    both_quarantined(&twin);
    fake_close(&twin);
}

/* On the connection that is known a HELLO may be late; a second successor cannot be. */
static void a_late_hello_is_no_twin_but_a_second_successor_is(void **state)
{
    (void)state;
    struct fake_node twin;
    twins_make(&twin);
    assert_int_equal(hello(&twin), STANDING_REOPEN);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    twin.has_previous = true;
    twin.previous = twin.incarnation;
    fake_incarnation(&twin, 0xa3);
    assert_int_equal(hello(&twin), STANDING_QUARANTINED);
    both_quarantined(&twin);
    fake_close(&twin);
}

static void a_node_that_was_enrolled_anew_is_no_twin(void **state)
{
    (void)state;
    struct fix_office renewed;
    struct fake_node fresh;
    uint8_t space[2048];
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fix_office_open(&renewed, office.name, 1);
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 1);
    fix_node_op(&ops, &renewed);
    trust_publish(fix_statement(&district, hub_store_trust(store), writer_bytes(&ops)));
    fake_open(&fresh, &district, &renewed, 0xd1);
    out_count = 0;
    receive(&node, fake_hello(&node));
    refused(&node, ERR_DENIED);
    assert_int_equal(hello(&fresh), STANDING_ACTIVE);
    fake_close(&fresh);
    fix_office_close(&renewed);
}

/* ---- sending */

static void back_pressure_of_one_peer_is_waited_out(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    out_count = 0;
    fake_create(&node, "A");
    push_all(&node, 1, 1);
    send_result = ERR_BUSY;
    flush();
    uint64_t wake_ms = hub_driver_wake_ms(driver);
    assert_true(wake_ms > now_ms && wake_ms <= now_ms + SESSION_BUSY_MS);
    send_result = OK;
    now_ms = wake_ms;
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
}

/* Opens every whole batch of one stream as a node would; the number of items. */
static unsigned feed_take(struct fake_node *to, enum feed_stream stream)
{
    static uint8_t batch[FEED_BYTES_MAX], work_space[FEED_PLAIN_BYTES_MAX + 65536];
    static uint8_t items_space[FEED_PLAIN_BYTES_MAX];
    unsigned count = 0;
    struct message message;
    for (unsigned round = 0; round < 400; round++) {
        now_ms += SESSION_LOOK_MS;
        flush();
        if (!take(to, MESSAGE_FEED, &message))
            return count;
        const struct feed feed = message.feed;
        if (feed.stream != stream)
            continue;
        assert_true(feed.data.len <= FRAME_DATA_BYTES_MAX);
        memcpy(batch + feed.offset, feed.data.at, feed.data.len);
        if (feed.offset + feed.data.len < feed.total) {
            receive(to, fake_confirm(stream, feed.epoch, feed.from, feed.offset + feed.data.len));
            continue;
        }
        struct feed_batch opened;
        struct buf work = buf_of(work_space, sizeof work_space);
        struct buf items = buf_of(items_space, sizeof items_space);
        assert_ok(feed_batch_open(bytes_of(batch, feed.total), FIX_DISTRICT, to->office->name,
                                  &district.keys.sign_public, &opened));
        assert_int_equal(opened.from, to->cursors[stream].number);
        assert_ok(feed_batch_items(&opened, stream == FEED_RECORDS ? to->office->seal : NULL, &work,
                                   &items));
        struct items_iter iter = items_of(buf_bytes(&items));
        for (; iter.left > 0; iter.left--) {
            struct feed_item item;
            assert_ok(feed_item_decode(reader_raw(&iter.reader), &item));
            count++;
        }
        to->cursors[stream] = (struct cursor){ .epoch = opened.epoch,
                                               .number = opened.to,
                                               .hash = opened.journal_hash };
        receive(to, fake_confirm(stream, opened.epoch, opened.to, 0));
    }
    fail_msg("the feed does not end");
    return count;
}

static void policy_reaches_every_node_in_order(void **state)
{
    (void)state;
    receive(&node, fake_hello(&node));
    flush();
    assert_int_equal(feed_take(&node, FEED_CONTROL), 4); /* three statements and the rules */
    out_count = 0;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    assert_int_equal(feed_take(&node, FEED_CONTROL), 0);
    uint8_t space[256];
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 1);
    trust_op_operator_until(&ops, 2, "SK 2", "2091-01-01");
    trust_publish(fix_statement(&district, hub_store_trust(store), writer_bytes(&ops)));
    assert_int_equal(feed_take(&node, FEED_CONTROL), 1);
}

/* The district's own office, which reads all records. */
static struct fix_office second;
static struct fake_node reader;

static void reader_open(void)
{
    uint8_t space[2048];
    fix_office_open(&second, "36.04", 3);
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 1);
    fix_node_op(&ops, &second);
    trust_publish(fix_statement(&district, hub_store_trust(store), writer_bytes(&ops)));
    fake_open(&reader, &district, &second, 0xe1);
}

static void reader_close(void)
{
    fake_close(&reader);
    fix_office_close(&second);
}

static void an_entry_larger_than_a_batch_should_be_goes_alone(void **state)
{
    (void)state;
    static char name[3900];
    reader_open();
    for (size_t at = 0; at < sizeof name - 1; at++)
        name[at] = (char)('a' + at % 26);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    fake_create_many(&node, name, 2 * SESSION_BATCH_BYTES_MAX / (unsigned)sizeof name);
    fake_create(&node, "B");
    push_all(&node, 1, 3);
    flush();
    out_count = 0;
    reader.wants_records = true;
    receive(&reader, fake_hello(&reader));
    assert_int_equal(feed_take(&reader, FEED_RECORDS),
                     2 + 2 * SESSION_BATCH_BYTES_MAX / (unsigned)sizeof name);
    reader_close();
}

static void a_load_leads_to_the_end_that_welcome_named(void **state)
{
    (void)state;
    assert_int_equal(hello(&neighbour), STANDING_ACTIVE);
    fake_create(&neighbour, "of another area");
    push_all(&neighbour, 1, 1);
    flush();
    out_count = 0;
    node.wants_records = true;
    receive(&node, fake_hello(&node));
    uint64_t end = hub_store_journal(store).number;
    assert_int_equal(feed_take(&node, FEED_RECORDS), 0);
    assert_int_equal(node.cursors[FEED_RECORDS].number, end);
    fake_create(&neighbour, "later");
    push_all(&neighbour, 2, 2);
    flush();
    out_count = 0;
    assert_int_equal(feed_take(&node, FEED_RECORDS), 0); /* no news, no message */
    assert_int_equal(node.cursors[FEED_RECORDS].number, end);
}

static void records_reach_a_node_of_the_area_that_is_unlocked(void **state)
{
    (void)state;
    reader_open();
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    for (unsigned i = 0; i < 20; i++)
        fake_create(&node, "Somebody");
    push_all(&node, 1, 20);
    flush();
    out_count = 0;
    assert_int_equal(hello(&reader), STANDING_ACTIVE);
    assert_int_equal(feed_take(&reader, FEED_RECORDS), 0);
    reader.wants_records = true;
    assert_int_equal(hello(&reader), STANDING_ACTIVE);
    out_count = 0;
    receive(&reader, fake_hello(&reader));
    assert_int_equal(feed_take(&reader, FEED_RECORDS), 20);
    /* The neighbour sees nothing of it, nor does the author get an echo. */
    neighbour.wants_records = node.wants_records = true;
    receive(&neighbour, fake_hello(&neighbour));
    assert_int_equal(feed_take(&neighbour, FEED_RECORDS), 0);
    receive(&node, fake_hello(&node));
    assert_int_equal(feed_take(&node, FEED_RECORDS), 0);
    reader_close();
}

static void lost_acks_are_made_up_for_after_hello(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    for (unsigned i = 0; i < 5; i++)
        fake_create(&node, "A");
    push_all(&node, 1, 5);
    flush();
    out_count = 0; /* lost */
    node.acked = 2;
    receive(&node, fake_hello(&node));
    flush();
    assert_int_equal(ack_take(&node, 5), 3);
}

static uint64_t keep_from(void)
{
    struct hub_incarnation incarnation;
    assert_ok(hub_store_incarnation(store, office.name, &node.incarnation, &incarnation));
    return incarnation.lanes[LANE_NORMAL].keep_from;
}

static enum err backup_step(bool mark, const char *name)
{
    assert_ok(hub_store_begin(store));
    enum err err = mark ? hub_store_backup_mark(store, name)
                        : hub_store_backup_confirm(store, name, FIX_WALL_MS);
    if (err == OK)
        assert_ok(hub_store_commit(store));
    else
        hub_store_rollback(store);
    return err;
}

/* What came in while the copy was on its way to the disk is not in it. */
static void keep_from_follows_what_the_copy_held_and_only_once_it_is_on_a_disk(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    fake_create(&node, "A");
    fake_create(&node, "B");
    push_all(&node, 1, 1);
    flush();
    assert_ok(backup_step(true, "first"));
    push_all(&node, 2, 2);
    flush();
    assert_int_equal(keep_from(), 1);
    assert_err(backup_step(false, "other"), ERR_NOT_FOUND);
    assert_ok(backup_step(false, "first"));
    assert_int_equal(keep_from(), 2);
    assert_err(backup_step(false, "first"), ERR_NOT_FOUND);
    assert_ok(backup_step(true, "second"));
    assert_ok(backup_step(true, "third"));
    assert_err(backup_step(false, "second"), ERR_NOT_FOUND);
}

static void row_highest(void *ctx, const struct hub_row *row)
{
    unsigned long long *ret = ctx;
    for (int i = 0; i < row->count; i++) {
        if (strcmp(row->names[0], "node") == 0 && strcmp(row->values[0], office.name) == 0 &&
            strcmp(row->names[i], "highest") == 0)
            *ret = strtoull(row->values[i], NULL, 10);
    }
}

/* `nodes` shows what waits at an office that has been linked for days. */
static void bundles_say_how_much_is_queued_behind_them(void **state)
{
    (void)state;
    unsigned long long highest = 0;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    for (unsigned i = 0; i < 9; i++)
        fake_create(&node, "A");
    push_all(&node, 1, 2);
    flush();
    assert_ok(hub_store_list(store, HUB_LIST_NODES, NULL, row_highest, &highest));
    assert_int_equal(highest, 9);
}

/* ---- joining */

/* The invite of an office that is not enrolled yet, and its ENROL under the one-time key. */
static struct bytes enrol_frame(const struct fix_office *from, struct fake_node *ret_peer)
{
    static uint8_t request_space[1024];
    char text[INVITE_TEXT_MAX];
    struct invite invite;
    struct problem problem = { .code = OK };
    assert_ok(hub_enrol_invite(enrol, &district.keys, hub_store_trust(store), from->name, 24,
                               FIX_WALL_MS, text, sizeof text, &problem));
    assert_ok(invite_parse(bytes_text(text), &invite, &problem));
    struct secret_key *one_time = secret_key_from(invite.one_time);
    *ret_peer = (struct fake_node){ .office = from };
    crypto_box_public(one_time, &ret_peer->peer.curve_key);
    ret_peer->peer.route_len = 1;
    secret_key_close(&one_time);
    struct message message = { .type = MESSAGE_ENROL };
    struct enrol *request = &message.enrol;
    *request = (struct enrol){ .district = bytes_text(FIX_DISTRICT),
                               .node = bytes_text(from->name),
                               .invite = invite.invite,
                               .token = invite.token,
                               .device_key = from->device_key,
                               .curve_key = from->curve_key,
                               .seal_key = from->seal_key };
    struct writer statement = writer_of(request_space, sizeof request_space);
    enrol_request(request, &statement);
    request->request = writer_bytes(&statement);
    crypto_sign_typed("enrol", request->request, from->device, &request->signature);
    return fake_frame(&message);
}

static enum enrol_standing told(const struct fake_node *to)
{
    struct message message;
    assert_true(take(to, MESSAGE_ENROL_STATE, &message));
    const struct enrol_state *state = &message.enrol_state;
    assert_true(crypto_verify_typed("enrol-state", state->statement, &district.keys.sign_public,
                                    &state->signature));
    return state->standing;
}

static void a_one_time_key_may_ask_to_join_and_nothing_else(void **state)
{
    (void)state;
    struct fix_office fresh;
    struct fake_node peer;
    uint8_t frame[FRAME_BYTES_MAX];
    fix_office_open(&fresh, "36.04.31", 3);
    struct bytes ask = enrol_frame(&fresh, &peer);
    assert_true(hub_driver_admits(driver, &peer.peer.curve_key));
    assert_true(ask.len <= sizeof frame);
    memcpy(frame, ask.at, ask.len);
    receive(&peer, fake_hello(&node)); /* even with what an enrolled node signed */
    refused(&peer, ERR_DENIED);
    receive(&peer, bytes_of(frame, ask.len));
    assert_int_equal(told(&peer), ENROL_WAITING);
    receive(&node, bytes_of(frame, ask.len));
    refused(&node, ERR_USED);
    fix_office_close(&fresh);
}

static void an_office_that_waits_is_told_of_its_approval_and_can_work(void **state)
{
    (void)state;
    struct fix_office fresh;
    struct fake_node peer, joined;
    fix_office_open(&fresh, "36.04.31", 3);
    receive(&peer, enrol_frame(&fresh, &peer));
    assert_int_equal(told(&peer), ENROL_WAITING);
    assert_false(hub_driver_admits(driver, &fresh.curve_key));
    trust_publish(fix_enrolment(&district, hub_store_trust(store), &fresh));
    assert_int_equal(told(&peer), ENROL_APPROVED);
    assert_true(hub_driver_admits(driver, &fresh.curve_key));
    fake_open(&joined, &district, &fresh, 0xf1);
    joined.trust_version = hub_store_trust(store)->version;
    assert_int_equal(hello(&joined), STANDING_ACTIVE);
    receive(&peer, fake_hello(&joined));
    refused(&peer, ERR_DENIED);
    fake_close(&joined);
    fix_office_close(&fresh);
}

static void three_wrong_words_are_told_to_the_office_that_waits(void **state)
{
    (void)state;
    struct fix_office fresh;
    struct fake_node peer;
    struct problem problem = { .code = OK };
    unsigned left = 9;
    fix_office_open(&fresh, "36.04.31", 3);
    receive(&peer, enrol_frame(&fresh, &peer));
    assert_int_equal(told(&peer), ENROL_WAITING);
    for (unsigned i = 0; i < ENROL_TRIES_MAX; i++)
        assert_err(hub_enrol_check(enrol, hub_store_trust(store), fresh.name, NULL, "salah", &left,
                                   NULL, NULL, &problem),
                   ERR_WORDS);
    assert_int_equal(left, 0);
    hub_driver_journal_moved(driver);
    assert_int_equal(told(&peer), ENROL_REFUSED);
    fix_office_close(&fresh);
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_fork_is_told_to_reopen_and_loses_nothing),
        TEST(a_known_leaf_under_a_new_incarnation_is_acknowledged_and_not_merged_twice),
        TEST(a_superseded_store_on_its_own_connection_is_a_twin),
        TEST(a_late_hello_is_no_twin_but_a_second_successor_is),
        TEST(a_node_that_was_enrolled_anew_is_no_twin),
        TEST(back_pressure_of_one_peer_is_waited_out),
        TEST(policy_reaches_every_node_in_order),
        TEST(records_reach_a_node_of_the_area_that_is_unlocked),
        TEST(an_entry_larger_than_a_batch_should_be_goes_alone),
        TEST(a_load_leads_to_the_end_that_welcome_named),
        TEST(lost_acks_are_made_up_for_after_hello),
        TEST(bundles_say_how_much_is_queued_behind_them),
        TEST(a_one_time_key_may_ask_to_join_and_nothing_else),
        TEST(an_office_that_waits_is_told_of_its_approval_and_can_work),
        TEST(three_wrong_words_are_told_to_the_office_that_waits),
        TEST(keep_from_follows_what_the_copy_held_and_only_once_it_is_on_a_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
