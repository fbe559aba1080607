/* The node's driver with its real store against a hub that is played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/support/driver_world.h"

/* ---- the way of a record */

static void entries_arrive_whole_in_order_and_once(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 40; i++)
        (void)put(w, "Maimunah");
    pass(w, 1000);
    assert_true(linked(w));
    assert_int_equal(w->transactions, 40);
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct node_lane lane = lane_of(w, (enum lane)i);
        assert_int_equal(w->received[i], lane.highest);
        assert_int_equal(lane.acked, lane.highest);
    }
    struct node_figures figures;
    assert_int_equal(node_store_figures(w->o.store, &figures), OK);
    assert_int_equal(figures.queued, 0);
    assert_int_equal(figures.accepted, 40);
}

static void buffers_are_given_back_when_nothing_is_under_way(void **state)
{
    struct world *w = *state;
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    assert_non_null(w->driver->runs[LANE_NORMAL].at);
    w->mute_acks = false;
    pass(w, 60000);
    for (unsigned i = 0; i < LANE_COUNT; i++)
        assert_null(w->driver->runs[i].at);
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        assert_null(w->driver->batches[i].at);
}

static void lost_ack_brings_the_same_bytes_again(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    struct frame first = w->last_bundle;
    w->last_bundle = (struct frame){ .at = NULL };
    assert_non_null(first.at);
    unsigned before = w->bundles;
    pass(w, NODE_WAIT_MS_FIRST);
    assert_true(w->bundles > before);
    assert_int_equal(w->last_bundle.len, first.len);
    assert_memory_equal(w->last_bundle.at, first.at, first.len);
    w->mute_acks = false;
    pass(w, 10 * NODE_WAIT_MS_FIRST);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
    assert_int_equal(w->transactions, 1);
    free(first.at);
}

static void a_hub_that_is_gone_loses_nothing(void **state)
{
    struct world *w = *state;
    w->gone = true;
    struct id id = put(w, "Maimunah");
    pass(w, 4 * 3600 * 1000);
    assert_false(linked(w));
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, 0);
    w->gone = false;
    pass(w, NODE_NO_LINK_MS_MAX);
    assert_true(linked(w));
    assert_int_equal(w->transactions, 1);
    assert_false(office_view(&w->o, &id)->pending);
}

static void a_crash_between_send_and_ack_doubles_nothing(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    assert_int_equal(w->transactions, 1);
    node_driver_close(&w->driver);
    drop_sent(w);
    office_restart(&w->o);
    driver_open(w);
    w->mute_acks = false;
    pass(w, 2 * NODE_WAIT_MS_FIRST);
    assert_int_equal(w->transactions, 1);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
}

static void a_large_bundle_goes_in_slices_with_progress(void **state)
{
    struct world *w = *state;
    char text[190];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (unsigned i = 0; i < 120; i++) {
        for (unsigned j = 0; j < sizeof text - 1; j++) /* what does not compress */
            text[j] = (char)('a' + crypto_random_below(26));
        (void)office_put(&w->o, "orang",
                         FIELDS("kec", "36.04.29", "nama", "Maimunah", "alamat", text));
    }
    node_driver_kick(w->driver);
    pass(w, 1000);
    assert_int_equal(w->transactions, 120);
    assert_true(w->driver->session.push.bundle_bytes > NODE_BUNDLE_BYTES_MIN);
}

/* ---- what must not be believed */

static void forged_ack_is_ignored(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    uint64_t highest = lane_of(w, LANE_NORMAL).highest;
    uint64_t acked = lane_of(w, LANE_NORMAL).acked;
    struct ack ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.officer);
    give_ack(w, &ack); /* another key */
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    ack.keep_from = highest + 1;
    give_ack(w, &ack); /* altered */
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    ack.lane = LANE_BULK;
    give_ack(w, &ack); /* about another lane */
    struct id own = w->incarnation;
    w->incarnation.at[0] ^= 1;
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    give_ack(w, &ack); /* for another life of the store */
    w->incarnation = own;
    struct hash head = w->heads[LANE_NORMAL][highest];
    w->heads[LANE_NORMAL][highest].at[0] ^= 1;
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    w->heads[LANE_NORMAL][highest] = head;
    give_ack(w, &ack); /* over another chain */
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, acked);
    assert_int_equal(w->driver->bad_messages, 5);
    ack = make_ack(w, LANE_NORMAL, acked + 1, highest, w->o.hub_sign);
    give_ack(w, &ack);
    give_ack(w, &ack); /* doubled */
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, highest);
}

static void only_the_hub_that_was_asked_can_welcome(void **state)
{
    struct world *w = *state;
    w->mute_welcome = true;
    pass(w, 100);
    assert_int_equal(w->hellos, 1);
    struct welcome welcome = welcome_of(w);
    give_welcome(w, welcome, w->o.officer);
    welcome.nonce.at[0] ^= 1;
    give_welcome(w, welcome, w->o.hub_sign);
    welcome = welcome_of(w);
    welcome.incarnation.at[0] ^= 1;
    give_welcome(w, welcome, w->o.hub_sign);
    welcome = welcome_of(w);
    welcome.node = bytes_text("36.04.05");
    give_welcome(w, welcome, w->o.hub_sign);
    welcome = welcome_of(w);
    welcome.version = 2;
    give_welcome(w, welcome, w->o.hub_sign);
    assert_false(linked(w));
    assert_int_equal(w->driver->bad_messages, 5);
    give_welcome(w, welcome_of(w), w->o.hub_sign);
    assert_true(linked(w));
}

static void garbage_is_counted_and_nothing_else(void **state)
{
    struct world *w = *state;
    uint8_t junk[200];
    pass(w, 100);
    uint64_t before = w->driver->bad_messages;
    for (unsigned i = 0; i < 2000; i++) {
        size_t len = crypto_random_below(sizeof junk);
        crypto_random(junk, sizeof junk);
        if (i % 2 == 0) {
            junk[0] = (uint8_t)(0x90 + crypto_random_below(12)); /* an array … */
            junk[1] = (uint8_t)crypto_random_below(24);          /* … of some type */
        }
        assert_int_equal(node_driver_receive(w->driver, bytes_of(junk, len), w->now_ms, 0), OK);
    }
    assert_int_equal(w->driver->bad_messages, before + 2000);
    assert_true(linked(w));
}

static void messages_for_a_hub_are_not_obeyed(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    const struct message message = { .type = MESSAGE_CONFIRM, .confirm = { .number = 5 } };
    uint64_t before = w->driver->bad_messages;
    give(w, &message);
    assert_int_equal(w->driver->bad_messages, before + 1);
}

/* ---- standing */

static void fork_opens_a_new_life_and_sends_all_of_it(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    struct id old = w->incarnation;
    w->mute_acks = true;
    (void)put(w, "Maimunah");
    (void)put(w, "Aminah");
    tick(w, 100);
    w->mute_acks = false;
    w->transactions = 0;
    give_refuse(w, "fork", LANE_NORMAL, 1);
    w->standing = STANDING_REOPEN;
    w->mute_welcome = true;
    pass(w, NODE_BACKOFF_MS_MIN);
    w->mute_welcome = false;
    struct welcome welcome = welcome_of(w);
    w->standing = STANDING_ACTIVE;
    give_welcome(w, welcome, w->o.hub_sign);
    hub(w);
    pass(w, 1000);
    assert_false(id_equal(&w->incarnation, &old));
    assert_true(id_equal(&w->previous, &old));
    assert_true(linked(w));
    assert_int_equal(w->transactions, 2);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
}

static void another_head_at_the_hub_is_a_fork(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    struct id old = w->incarnation;
    w->heads[LANE_BULK][w->received[LANE_BULK]].at[3] ^= 1;
    pass(w, NODE_SILENCE_MS);
    pass(w, 1000);
    assert_false(id_equal(&w->incarnation, &old));
    assert_true(linked(w));
}

static void gap_is_sent_from_the_first_missing(void **state)
{
    struct world *w = *state;
    for (unsigned i = 0; i < 5; i++)
        (void)put(w, "Maimunah");
    pass(w, 100);
    uint64_t all = w->received[LANE_NORMAL];
    w->received[LANE_NORMAL] = 4; /* the hub lost some */
    (void)put(w, "Aminah");
    pass(w, 100);
    assert_int_equal(w->received[LANE_NORMAL], all + 1);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, all + 1);
}

static void waiting_hub_keeps_the_queue_and_the_cursor(void **state)
{
    struct world *w = *state;
    struct cursor before, after;
    assert_int_equal(node_store_cursor(w->o.store, FEED_CONTROL, &before), OK);
    w->standing = STANDING_WAITING;
    (void)put(w, "Maimunah");
    pass(w, 3600 * 1000);
    assert_int_equal(w->bundles, 0);
    assert_in_range(w->hellos, 20, 70);
    assert_int_equal(node_store_cursor(w->o.store, FEED_CONTROL, &after), OK);
    assert_int_equal(after.number, before.number);
    assert_true(w->returns > 0); /* the signed policy that it lost */
    w->standing = STANDING_ACTIVE;
    pass(w, 2 * NODE_WAITING_MS);
    assert_int_equal(w->transactions, 1);
}

static void unproven_cursor_is_read_again_from_the_start(void **state)
{
    struct world *w = *state;
    struct cursor cursor;
    w->mute_welcome = true;
    pass(w, 10);
    w->mute_welcome = false;
    struct welcome welcome = welcome_of(w);
    welcome.proven[FEED_CONTROL] = false;
    give_welcome(w, welcome, w->o.hub_sign);
    assert_int_equal(node_store_cursor(w->o.store, FEED_CONTROL, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    hub(w);
    assert_int_equal(w->hellos, 2);
    assert_true(linked(w));
}

static void the_last_refusal_is_shown_until_the_next_welcome(void **state)
{
    struct world *w = *state;
    struct node_link link;
    w->mute_welcome = true;
    pass(w, 100);
    give_refuse(w, "denied", LANE_URGENT, 0);
    node_driver_link(w->driver, &link);
    assert_int_equal(link.refusal.code, ERR_DENIED);
    assert_non_null(strstr(link.last_refusal, "test"));
    w->mute_welcome = false;
    pass(w, 2 * NODE_BACKOFF_MS_MAX);
    node_driver_link(w->driver, &link);
    assert_int_equal(link.refusal.code, OK);
    assert_string_equal(link.last_refusal, "");
}

/* ---- feed */

static struct bytes make_batch(struct world *w, enum feed_stream stream, struct feed_item *item,
                               uint64_t to)
{
    static uint8_t raw[64 * 1024], space[FEED_BYTES_MAX], work_space[FEED_PLAIN_BYTES_MAX + 8192];
    struct writer items = writer_of(raw, sizeof raw), out = writer_of(space, sizeof space);
    struct buf work = buf_of(work_space, sizeof work_space);
    struct node_identity identity = identity_of(w);
    struct cursor cursor;
    assert_int_equal(node_store_cursor(w->o.store, stream, &cursor), OK);
    feed_item_encode(item, &items);
    struct feed_batch batch = { .district = bytes_text(OFFICE_DISTRICT),
                                .node = bytes_text(OFFICE_NODE),
                                .stream = stream,
                                .epoch = 1,
                                .from = cursor.number,
                                .to = to,
                                .count = 1 };
    assert_int_equal(feed_batch_build(&batch, writer_bytes(&items),
                                      stream == FEED_RECORDS ? &identity.seal_public : NULL,
                                      w->o.hub_sign, &work, &out),
                     OK);
    return writer_bytes(&out);
}

static void give_feed(struct world *w, enum feed_stream stream, struct bytes raw, uint64_t to,
                      size_t slice)
{
    struct cursor cursor;
    assert_int_equal(node_store_cursor(w->o.store, stream, &cursor), OK);
    for (size_t at = 0; at < raw.len; at += slice) {
        size_t left = raw.len - at;
        const struct message message = {
            .type = MESSAGE_FEED,
            .feed = { .stream = stream,
                      .epoch = 1,
                      .from = cursor.number,
                      .to = to,
                      .total = raw.len,
                      .offset = at,
                      .data = bytes_of(raw.at + at, left < slice ? left : slice) }
        };
        give(w, &message);
        hub(w);
    }
}

static void records_arrive_while_unlocked(void **state)
{
    struct world *w = *state;
    struct id id = crypto_uuid7(OFFICE_WALL_MS);
    pass(w, 100);
    assert_true(w->wants_records);
    struct feed_item item =
        office_record(&id, "orang", "29-0009", FIELDS("kec", "36.04.29", "nama", "Maimunah"));
    item.number = 9000;
    struct bytes raw = make_batch(w, FEED_RECORDS, &item, 9000);
    give_feed(w, FEED_RECORDS, raw, 9000, 100);
    assert_string_equal(office_value(office_view(&w->o, &id), "nama"), "Maimunah");
    assert_int_equal(w->confirm.number, 9000);
    assert_int_equal(w->confirm.offset, 0);
    assert_true(w->confirms > 2);               /* slice by slice */
    give_feed(w, FEED_RECORDS, raw, 9000, 100); /* late doubles change nothing */
    assert_int_equal(w->confirm.number, 9000);
}

static void altered_feed_is_refused_and_asked_for_anew(void **state)
{
    struct world *w = *state;
    struct id id = crypto_uuid7(OFFICE_WALL_MS);
    struct cursor cursor;
    const struct record_view *view;
    pass(w, 100);
    struct feed_item item =
        office_record(&id, "orang", "29-0009", FIELDS("kec", "36.04.29", "nama", "Maimunah"));
    item.number = 9000;
    struct bytes raw = make_batch(w, FEED_RECORDS, &item, 9000);
    uint8_t *copy = malloc(raw.len);
    memcpy(copy, raw.at, raw.len);
    copy[raw.len - 7] ^= 1;
    unsigned hellos = w->hellos;
    give_feed(w, FEED_RECORDS, bytes_of(copy, raw.len), 9000, 4096);
    assert_int_equal(node_store_cursor(w->o.store, FEED_RECORDS, &cursor), OK);
    assert_int_equal(cursor.number, 0);
    assert_int_equal(node_store_view(w->o.store, &id, &view), ERR_NOT_FOUND);
    assert_null(w->driver->batches[FEED_RECORDS].at);
    pass(w, 2 * NODE_BACKOFF_MS_MIN);
    assert_int_equal(w->hellos, hellos + 1);
    give_feed(w, FEED_RECORDS, raw, 9000, 4096);
    assert_int_equal(node_store_view(w->o.store, &id, &view), OK);
    free(copy);
}

static void locking_and_unlocking_tell_the_hub(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    assert_true(w->wants_records);
    node_store_lock(w->o.store);
    node_driver_kick(w->driver);
    pass(w, 10);
    assert_false(w->wants_records);
    office_unlock(&w->o);
    node_driver_kick(w->driver);
    pass(w, 10);
    assert_true(w->wants_records);
}

static void locked_node_still_sends(void **state)
{
    struct world *w = *state;
    w->gone = true;
    (void)put(w, "Maimunah");
    pass(w, 1000);
    node_driver_close(&w->driver);
    office_restart(&w->o); /* a restart locks */
    driver_open(w);
    w->gone = false;
    pass(w, 1000);
    assert_false(node_store_unlocked(w->o.store));
    assert_int_equal(w->transactions, 1);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, lane_of(w, LANE_NORMAL).highest);
}

/* ---- enrolment */

static int bare_open(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -1;
    office_open(&w->o, true);
    w->standing = STANDING_ACTIVE;
    w->now_ms = 5000;
    w->incarnation = identity_of(w).incarnation;
    driver_open(w);
    *state = w;
    return 0;
}

static void operators_are_asked_for_until_the_roster_has_them(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    assert_int_equal(w->operators, 1);
    pass(w, 2 * NODE_OPERATORS_MS_MIN);
    assert_int_equal(w->operators, 2);
    assert_int_equal(office_feed_document(&w->o, FEED_TRUST, office_founding(&w->o)), OK);
    assert_int_equal(office_feed_document(&w->o, FEED_TRUST, office_roster(&w->o)), OK);
    node_driver_kick(w->driver);
    pass(w, 4 * NODE_OPERATORS_MS_MAX);
    assert_int_equal(w->operators, 2);
}

/* A store that has taken an invite and is not approved. */
static void enrolling_world(struct world *w)
{
    struct node_identity identity = { .district = OFFICE_DISTRICT,
                                      .node = OFFICE_NODE,
                                      .enrolment = ENROLMENT_WAITING,
                                      .invite = crypto_random_id() };
    struct secret_key *one_time = secret_key_new();
    node_driver_close(&w->driver);
    node_entry_close(&w->o.entry);
    node_store_close(&w->o.store);
    snprintf(w->o.path, sizeof w->o.path, "%s/other.db", w->o.directory);
    office_restart(&w->o);
    crypto_sign_public(w->o.root, &identity.root_key);
    crypto_sign_public(w->o.hub_sign, &identity.hub.sign_key);
    crypto_box_public(w->o.hub_seal, &identity.hub.seal_key);
    crypto_box_public(w->o.hub_curve, &identity.hub.curve_key);
    identity.hub.endpoint_count = 1;
    snprintf(identity.hub.endpoints[0], sizeof identity.hub.endpoints[0], "tcp://127.0.0.1:7740");
    assert_int_equal(node_store_enrol(w->o.store, &identity, one_time), OK);
    secret_key_close(&one_time);
    w->incarnation = identity_of(w).incarnation;
    driver_open(w);
}

static void give_enrol_state(struct world *w, enum enrol_standing standing,
                             const struct secret_key *key)
{
    static uint8_t space[1024];
    struct node_identity identity = identity_of(w);
    struct writer out = writer_of(space, sizeof space);
    struct message message = { .type = MESSAGE_ENROL_STATE };
    struct enrol_state *state = &message.enrol_state;
    state->district = bytes_text(OFFICE_DISTRICT);
    state->node = bytes_text(OFFICE_NODE);
    state->invite = identity.invite;
    state->device_key = identity.device_public;
    state->standing = standing;
    enrol_state_statement(state, &out);
    state->statement = writer_bytes(&out);
    crypto_sign_typed("enrol-state", state->statement, key, &state->signature);
    give(w, &message);
    hub(w);
}

static void enrolment_asks_the_same_until_it_is_approved(void **state)
{
    struct world *w = *state;
    char before[WORDS_TEXT_MAX], after[WORDS_TEXT_MAX];
    enrolling_world(w);
    w->reconnects = 0;
    pass(w, 100);
    assert_int_equal(w->enrols, 1);
    assert_int_equal(w->reconnects, 1);
    struct hash first = w->enrol_request;
    assert_int_equal(node_enrol_words(w->o.store, before), OK);
    node_driver_close(&w->driver);
    office_restart(&w->o);
    driver_open(w);
    pass(w, 100);
    assert_int_equal(w->enrols, 2);
    assert_true(hash_equal(&first, &w->enrol_request));
    assert_int_equal(node_enrol_words(w->o.store, after), OK);
    assert_string_equal(before, after); /* what was read out stays true */
    give_enrol_state(w, ENROL_APPROVED, w->o.officer);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_WAITING); /* not the hub's */
    give_enrol_state(w, ENROL_WAITING, w->o.hub_sign);
    give_enrol_state(w, ENROL_APPROVED, w->o.hub_sign);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_DONE);
    assert_int_equal(w->hellos, 1);
    assert_true(linked(w));
}

static void refused_enrolment_is_kept_and_silent(void **state)
{
    struct world *w = *state;
    enrolling_world(w);
    pass(w, 100);
    give_enrol_state(w, ENROL_REFUSED, w->o.hub_sign);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_REFUSED);
    unsigned asked = w->enrols;
    pass(w, 3600 * 1000);
    assert_int_equal(w->enrols, asked);
    assert_int_equal(w->hellos, 0);
}

int main(void)
{
#define WITH(world, test) cmocka_unit_test_setup_teardown(test, world##_open, world_close)
    const struct CMUnitTest tests[] = {
        WITH(world, entries_arrive_whole_in_order_and_once),
        WITH(world, buffers_are_given_back_when_nothing_is_under_way),
        WITH(world, lost_ack_brings_the_same_bytes_again),
        WITH(world, a_hub_that_is_gone_loses_nothing),
        WITH(world, a_crash_between_send_and_ack_doubles_nothing),
        WITH(world, a_large_bundle_goes_in_slices_with_progress),
        WITH(world, forged_ack_is_ignored),
        WITH(world, only_the_hub_that_was_asked_can_welcome),
        WITH(world, garbage_is_counted_and_nothing_else),
        WITH(world, messages_for_a_hub_are_not_obeyed),
        WITH(world, fork_opens_a_new_life_and_sends_all_of_it),
        WITH(world, another_head_at_the_hub_is_a_fork),
        WITH(world, gap_is_sent_from_the_first_missing),
        WITH(world, waiting_hub_keeps_the_queue_and_the_cursor),
        WITH(world, unproven_cursor_is_read_again_from_the_start),
        WITH(world, the_last_refusal_is_shown_until_the_next_welcome),
        WITH(world, records_arrive_while_unlocked),
        WITH(world, altered_feed_is_refused_and_asked_for_anew),
        WITH(world, locking_and_unlocking_tell_the_hub),
        WITH(world, locked_node_still_sends),
        WITH(bare, operators_are_asked_for_until_the_roster_has_them),
        WITH(bare, enrolment_asks_the_same_until_it_is_approved),
        WITH(bare, refused_enrolment_is_kept_and_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
