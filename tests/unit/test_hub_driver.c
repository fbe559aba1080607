#include "tests/unit/hub_fake_node.h"

#include "common/must.h"
#include "proto/policy_text.h"

#define OUT_MAX 512

static char directory[64];
static struct fix_district district;
static struct fix_office office, other;
static struct hub_store *store;
static struct hub_enrol *enrol;
static struct hub_driver *driver;
static struct fake_node node, neighbour;
static uint64_t now_ms;

/* What left, oldest first. */
static struct {
    struct hub_peer peer;
    size_t len;
    uint8_t at[FRAME_BYTES_MAX];
} out[OUT_MAX];
static unsigned out_count;
static enum err send_result;
static unsigned access_changes;

static enum err port_send(void *ctx, const struct hub_peer *peer, struct bytes frame)
{
    (void)ctx;
    if (send_result != OK)
        return send_result;
    must(out_count < OUT_MAX && frame.len <= FRAME_BYTES_MAX);
    out[out_count].peer = *peer;
    out[out_count].len = frame.len;
    memcpy(out[out_count++].at, frame.at, frame.len);
    return OK;
}

static void port_access_changed(void *ctx)
{
    (void)ctx;
    access_changes++;
}

/* ---- a hub with two offices and a small policy */

static void text_write(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/policy/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void rules_publish(void)
{
    static uint8_t document_space[RULES_BYTES_MAX], space[RULES_BYTES_MAX];
    char path[128];
    struct problem problem = { .code = OK };
    struct hash none = { .at = { 0 } };
    struct buf document = buf_of(document_space, sizeof document_space);
    snprintf(path, sizeof path, "%s/policy", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    text_write("areas.csv", "kode,nama\n36,BANTEN\n36.04,SERANG\n36.04.29,SATU\n36.04.30,DUA\n");
    text_write("rules.conf",
               "authority T { label = 'Office' }\n"
               "role tksk { label = 'Office' authority = {T} }\n"
               "settings { idle_lock_minutes = 15 }\n"
               "areas { file = 'areas.csv' within = '36.04' }\n"
               "collection person {\n"
               "  title = 'Person'\n"
               "  area_field = area\n"
               "  field area { type = area level = 3 required = true authority = {T} sensitivity = U "
               "label = 'Area' }\n"
               "  field name { type = text length = 4000 required = true summary = true authority = "
               "{T} sensitivity = P label = 'Name' }\n"
               "}\n");
    enum err err = policy_text_compile(path, FIX_DISTRICT, 1, &none, &document, &problem);
    if (err != OK)
        fail_msg("policy: %s %s %s", err_name(err), problem.thing, problem.detail);
    const struct secret_key *const signers[] = { district.root };
    struct writer signed_ = writer_of(space, sizeof space);
    assert_ok(rules_sign(buf_bytes(&document), signers, 1, &signed_));
    assert_ok(hub_store_begin(store));
    assert_ok(hub_store_rules_put(store, writer_bytes(&signed_), FIX_WALL_MS, &problem));
    assert_ok(hub_store_commit(store));
}

static void trust_publish(struct bytes statement)
{
    struct problem problem = { .code = OK };
    assert_ok(hub_store_begin(store));
    enum err err = hub_store_trust_put(store, statement, FIX_WALL_MS, &problem);
    if (err != OK)
        fail_msg("trust: %s %s %s", err_name(err), problem.thing, problem.detail);
    assert_ok(hub_store_commit(store));
    if (driver != NULL)
        hub_driver_journal_moved(driver);
}

static void hub_up(void)
{
    char path[128];
    struct problem problem = { .code = OK };
    const struct hub_driver_ports ports = { .send = port_send,
                                            .access_changed = port_access_changed };
    snprintf(path, sizeof path, "%s/hub.db", directory);
    assert_ok(hub_store_open(path, NULL, FIX_DISTRICT, &store, &problem));
    snprintf(path, sizeof path, "%s/enrol.db", directory);
    assert_ok(hub_enrol_open(path, NULL, &enrol, &problem));
    assert_ok(hub_driver_open(store, &district.keys, &ports, &driver));
    assert_ok(hub_driver_enrol(driver, enrol));
    assert_ok(hub_driver_tick(driver, now_ms, FIX_WALL_MS));
}

static void hub_down(void)
{
    hub_driver_close(&driver);
    hub_enrol_close(&enrol);
    hub_store_close(&store);
}

static int setup(void **state)
{
    (void)state;
    now_ms = 1000000;
    out_count = 0;
    send_result = OK;
    access_changes = 0;
    fix_directory(directory, sizeof directory);
    fix_district_open(&district);
    fix_office_open(&office, "36.04.29", 1);
    fix_office_open(&other, "36.04.30", 2);
    hub_up();
    trust_publish(fix_founding(&district, hub_store_trust(store)));
    trust_publish(fix_enrolment(&district, hub_store_trust(store), &office));
    trust_publish(fix_enrolment(&district, hub_store_trust(store), &other));
    rules_publish();
    fake_open(&node, &district, &office, 0xa1);
    fake_open(&neighbour, &district, &other, 0xb1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_close(&node);
    fake_close(&neighbour);
    hub_down();
    fix_office_close(&office);
    fix_office_close(&other);
    fix_district_close(&district);
    fix_directory_drop(directory);
    return 0;
}

/* ---- talking */

static void receive(const struct fake_node *from, struct bytes frame)
{
    assert_ok(hub_driver_receive(driver, &from->peer, frame, now_ms, FIX_WALL_MS));
}

static void flush(void)
{
    assert_ok(hub_driver_flush(driver, now_ms));
}

/* The next message of this type to this node, which is taken; false when there is none. */
static bool take(const struct fake_node *to, enum message_type type, struct message *ret)
{
    static uint8_t frame[FRAME_BYTES_MAX];
    for (unsigned i = 0; i < out_count; i++) {
        assert_ok(message_decode(bytes_of(out[i].at, out[i].len), ret));
        if (ret->type != type ||
            memcmp(&out[i].peer.curve_key, &to->peer.curve_key, PUBLIC_KEY_BYTES) != 0)
            continue;
        size_t len = out[i].len;
        memcpy(frame, out[i].at, len);
        memmove(&out[i], &out[i + 1], (out_count - i - 1) * sizeof out[0]);
        out_count--;
        assert_ok(message_decode(bytes_of(frame, len), ret));
        return true;
    }
    return false;
}

static enum standing hello(struct fake_node *from)
{
    struct message message;
    receive(from, fake_hello(from));
    flush();
    assert_true(take(from, MESSAGE_WELCOME, &message));
    const struct welcome *welcome = &message.welcome;
    assert_true(crypto_verify_typed("welcome", welcome->statement, &district.keys.sign_public,
                                    &welcome->signature));
    assert_true(id_equal(&welcome->nonce, &from->nonce));
    assert_true(id_equal(&welcome->incarnation, &from->incarnation));
    return welcome->standing;
}

static void refused(const struct fake_node *to, enum err code)
{
    struct message message;
    assert_true(take(to, MESSAGE_REFUSE, &message));
    assert_string_equal(err_name(err_from_name(message.refuse.code)), err_name(code));
}

static uint64_t received_at_hub(const struct fake_node *of)
{
    struct hub_incarnation incarnation;
    assert_ok(hub_store_incarnation(store, of->office->name, &of->incarnation, &incarnation));
    return incarnation.lanes[LANE_NORMAL].received;
}

/* Verifies the ACK as a node would and counts the items that say accepted. */
static unsigned ack_take(const struct fake_node *to, uint64_t last)
{
    static uint8_t space[2 * FRAME_BYTES_MAX];
    struct message message;
    assert_true(take(to, MESSAGE_ACK, &message));
    const struct ack *ack = &message.ack;
    assert_int_equal(ack->last, last);
    struct writer statement = writer_of(space, sizeof space);
    ack_statement(ack, FIX_DISTRICT, to->office->name, &to->incarnation, &to->heads[last],
                  &statement);
    assert_ok(statement.err);
    assert_true(crypto_verify_typed("ack", writer_bytes(&statement), &district.keys.sign_public,
                                    &ack->signature));
    unsigned accepted = 0;
    struct items_iter items = items_of(ack->items);
    struct ack_item item;
    while (ack_item_next(&items, &item)) {
        struct items_iter entries = items_of(item.entries);
        struct ack_entry entry;
        accepted += !ack_entry_next(&entries, &entry);
    }
    return accepted;
}

static void push_all(struct fake_node *from, uint64_t first, uint64_t last)
{
    receive(from, fake_push(fake_bundle(from, first, last, first == 1), first, 0, 0));
}

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
    assert_true(message.welcome.has_partial);
    assert_int_equal(message.welcome.partial_first, 1);
    assert_int_equal(message.welcome.partial_offset, 8192);
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

/* ---- rollback */

static void a_hub_that_lost_what_a_node_saw_stops_merging_for_all_and_remembers_it(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    assert_int_equal(hello(&neighbour), STANDING_ACTIVE);
    node.seen_epoch = 1;
    node.seen_number = hub_store_journal(store).number + 1;
    out_count = 0;
    assert_int_equal(hello(&node), STANDING_WAITING);
    assert_true(hub_driver_halt(driver)->on);
    assert_string_equal(hub_driver_halt(driver)->node, office.name);
    refused(&neighbour, ERR_WAITING);
    fake_create(&neighbour, "A");
    assert_int_equal(hello(&neighbour), STANDING_WAITING);
    push_all(&neighbour, 1, 1);
    flush();
    refused(&neighbour, ERR_WAITING);
    hub_down();
    hub_up();
    assert_true(hub_driver_halt(driver)->on);
    assert_int_equal(hello(&neighbour), STANDING_WAITING);

    uint8_t space[256];
    struct cursor journal = hub_store_journal(store);
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 1);
    trust_op_epoch(&ops, 2, journal.number, &journal.hash);
    trust_publish(fix_statement(&district, hub_store_trust(store), writer_bytes(&ops)));
    assert_false(hub_driver_halt(driver)->on);
    flush();
    refused(&neighbour, ERR_STATE);
    assert_int_equal(hello(&neighbour), STANDING_ACTIVE);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    push_all(&neighbour, 1, 1);
    flush();
    assert_int_equal(received_at_hub(&neighbour), 1);
    hub_down();
    hub_up();
    assert_false(hub_driver_halt(driver)->on);
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

static void records_reach_a_node_of_the_area_that_is_unlocked(void **state)
{
    (void)state;
    struct fix_office second;
    struct fake_node reader;
    uint8_t space[2048];
    fix_office_open(&second, "36.04", 3);
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 1);
    fix_node_op(&ops, &second);
    trust_publish(fix_statement(&district, hub_store_trust(store), writer_bytes(&ops)));
    fake_open(&reader, &district, &second, 0xe1);

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
    fake_close(&reader);
    fix_office_close(&second);
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
        TEST(a_fork_is_told_to_reopen_and_loses_nothing),
        TEST(a_known_leaf_under_a_new_incarnation_is_acknowledged_and_not_merged_twice),
        TEST(a_superseded_store_on_its_own_connection_is_a_twin),
        TEST(a_late_hello_is_no_twin_but_a_second_successor_is),
        TEST(a_node_that_was_enrolled_anew_is_no_twin),
        TEST(a_hub_that_lost_what_a_node_saw_stops_merging_for_all_and_remembers_it),
        TEST(back_pressure_of_one_peer_is_waited_out),
        TEST(policy_reaches_every_node_in_order),
        TEST(records_reach_a_node_of_the_area_that_is_unlocked),
        TEST(lost_acks_are_made_up_for_after_hello),
        TEST(keep_from_follows_what_the_copy_held_and_only_once_it_is_on_a_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
