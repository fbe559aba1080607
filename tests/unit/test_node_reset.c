/* A lost passphrase: what a new key keeps, and what goes when nobody can open; the first load. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/node_enrol.h"
#include "tests/support/node_fixture.h"

static const struct bytes accepted; /* no entries: everything is accepted */
static uint8_t request_space[ENROL_REQUEST_BYTES_MAX];

static void operator_name(void *ctx, const struct node_operator *op)
{
    struct node_operator *only = ctx;
    memcpy(only->name, op->name, sizeof only->name);
    memcpy(only->role, op->role, sizeof only->role);
}

/* Gives the office's one operator the key `seed`. */
static enum err reset(struct office *o, const struct secret_key *seed,
                      const struct secret_key *seal, struct message *ret_message)
{
    struct node_operator op = { .keyfile = bytes_text("another key file") };
    struct public_key seal_public;
    assert_int_equal(node_store_operators(o->store, operator_name, &op), OK);
    if (seal)
        crypto_box_public(seal, &seal_public);
    assert_int_equal(node_enrol_operator(o->store, seed, bytes_text(op.name), bytes_text(op.role),
                                         seal ? &seal_public : NULL, request_space, ret_message),
                     OK);
    return node_store_operator_reset(o->store, &op, ret_message, seed, seal);
}

static struct secret_key *copy_of(const struct secret_key *key)
{
    return secret_key_from(secret_key_bytes(key));
}

static uint64_t unread(struct office *o, enum lane lane)
{
    uint64_t seq = 0;
    assert_int_equal(node_store_unread(o->store, lane, &seq), OK);
    return seq;
}

static struct id put(struct office *o, const char *name)
{
    return office_put(o, "orang", FIELDS("kec", "36.04.29", "nama", name));
}

static void beside_a_colleague_nothing_is_lost(void **state)
{
    struct office *o = *state;
    struct secret_key *seed = secret_key_new();
    struct message message;
    struct id person = put(o, "Maimunah");
    assert_int_equal(reset(o, seed, NULL, &message), OK);
    assert_false(message.operator_request.has_seal_key);
    assert_int_equal(unread(o, LANE_NORMAL), 0);
    office_restart(o);
    assert_int_equal(node_store_unlock(o->store, copy_of(o->operator)), ERR_KEY);
    assert_int_equal(node_store_unlock(o->store, copy_of(seed)), OK);
    assert_string_equal(office_value(office_view(o, &person), "nama"), "Maimunah");
    secret_key_close(&seed);
}

static void without_a_passphrase_the_queue_stays_and_all_else_begins_anew(void **state)
{
    struct office *o = *state;
    struct secret_key *seed = secret_key_new(), *seal = secret_key_new();
    struct message message;
    struct hash head;
    struct id answered = put(o, "Siti"), waiting, found;
    assert_int_equal(office_ack(o, LANE_NORMAL, office_lane(o, LANE_NORMAL).acked + 1,
                                office_lane(o, LANE_NORMAL).highest, 1, accepted),
                     OK);
    waiting = put(o, "Belum Terkirim");
    const struct node_figures before = office_figures(o);
    uint64_t highest = office_lane(o, LANE_NORMAL).highest;
    head = office_lane(o, LANE_NORMAL).head;
    assert_int_equal(reset(o, seed, seal, &message), ERR_STATE); /* somebody can open */
    node_store_lock(o->store);
    assert_int_equal(reset(o, seed, NULL, &message), ERR_LOCKED);
    assert_int_equal(reset(o, seed, seal, &message), OK);
    assert_true(message.operator_request.has_seal_key);

    office_restart(o); /* all of it in one commit */
    assert_int_equal(office_figures(o).queued, before.queued);
    assert_int_equal(office_figures(o).queued_bytes, before.queued_bytes);
    assert_int_equal(office_figures(o).accepted, before.accepted);
    assert_int_equal(office_figures(o).records, 0);
    assert_int_equal(office_lane(o, LANE_NORMAL).highest, highest);
    assert_memory_equal(office_lane(o, LANE_NORMAL).head.at, head.at, HASH_BYTES);
    assert_int_equal(unread(o, LANE_NORMAL), highest);
    assert_int_equal(unread(o, LANE_URGENT), 0);
    struct cursor records;
    assert_int_equal(node_store_cursor(o->store, FEED_RECORDS, &records), OK);
    assert_int_equal(records.number, 0);
    struct node_identity identity;
    assert_int_equal(node_store_identity(o->store, &identity), OK);
    assert_memory_equal(identity.seal_public.at, message.operator_request.seal_key.at,
                        PUBLIC_KEY_BYTES);

    /* Answers count as before, locked and unlocked. */
    assert_int_equal(office_ack(o, LANE_NORMAL, highest, highest, 1, accepted), OK);
    assert_int_equal(office_figures(o).queued, 0);
    assert_int_equal(node_store_unlock(o->store, copy_of(o->operator)), ERR_KEY);
    assert_int_equal(node_store_unlock(o->store, copy_of(seed)), OK);
    assert_memory_equal(node_store_seal_key(o->store) ? secret_key_bytes(seal) : NULL,
                        secret_key_bytes(seal), SECRET_KEY_BYTES);
    assert_int_equal(node_store_find(o->store, bytes_text("29-0001"), &found, NULL, NULL),
                     ERR_NOT_FOUND);

    /* The records come by the feed, own ones too; what is entered then can be read. */
    struct feed_item back =
        office_record(&waiting, "orang", "29-0002", FIELDS("kec", "36.04.29", "nama", "Sampai"));
    assert_int_equal(office_feed_one(o, FEED_RECORDS, back), OK);
    back = office_record(&answered, "orang", "29-0001", FIELDS("kec", "36.04.29", "nama", "Siti"));
    assert_int_equal(office_feed_one(o, FEED_RECORDS, back), OK);
    assert_string_equal(office_value(office_view(o, &waiting), "nama"), "Sampai");
    assert_string_equal(office_value(office_view(o, &answered), "nama"), "Siti");
    assert_false(office_view(o, &waiting)->pending);
    secret_key_close(&seed);
    secret_key_close(&seal);
}

static void what_cannot_be_read_follows_into_a_new_incarnation(void **state)
{
    struct office *o = *state;
    struct secret_key *seed = secret_key_new(), *seal = secret_key_new();
    struct message message;
    (void)put(o, "Satu");
    (void)put(o, "Dua");
    node_store_lock(o->store);
    assert_int_equal(reset(o, seed, seal, &message), OK);
    assert_int_equal(node_store_reopen(o->store), OK);
    /* The policy that opens the chain comes first, then the two. */
    assert_int_equal(unread(o, LANE_NORMAL), office_lane(o, LANE_NORMAL).highest);
    assert_true(unread(o, LANE_NORMAL) >= 2);
    secret_key_close(&seed);
    secret_key_close(&seal);
}

static void a_colleague_whose_key_opens_nothing_is_told_so(void **state)
{
    struct office *o = *state;
    struct secret_key *other = secret_key_new(), *seed = secret_key_new();
    struct secret_key *seal = secret_key_new();
    struct node_operator op = { .name = "Kedua", .role = "tksk", .keyfile = bytes_text("k") };
    struct message message;
    assert_int_equal(node_enrol_operator(o->store, other, bytes_text(op.name), bytes_text(op.role),
                                         NULL, request_space, &message),
                     OK);
    assert_int_equal(node_store_operator_add(o->store, &op, &message, other), OK);
    node_store_lock(o->store);
    assert_int_equal(node_enrol_operator(o->store, seed, bytes_text(op.name), bytes_text(op.role),
                                         NULL, request_space, &message),
                     OK);
    assert_int_equal(node_store_operator_reset(o->store, &op, &message, seed, seal), OK);
    assert_int_equal(node_store_unlock(o->store, copy_of(o->operator)), ERR_STATE);
    assert_int_equal(node_store_unlock(o->store, copy_of(other)), ERR_KEY);
    assert_int_equal(node_store_unlock(o->store, copy_of(seed)), OK);
    snprintf(op.name, sizeof op.name, "Tidak Ada");
    assert_int_equal(node_store_operator_reset(o->store, &op, &message, seed, NULL), ERR_NOT_FOUND);
    secret_key_close(&other);
    secret_key_close(&seed);
    secret_key_close(&seal);
}

static void no_key_of_before_is_left_on_the_disk(void **state)
{
    struct office *o = *state;
    static const char former[] = "the key file that the first reset wrote";
    struct node_operator op = { .name = "siti", .role = "tksk", .keyfile = bytes_text(former) };
    struct secret_key *seed = secret_key_new(), *seal = secret_key_new();
    struct message message;
    assert_int_equal(node_enrol_operator(o->store, seed, bytes_text(op.name), bytes_text(op.role),
                                         NULL, request_space, &message),
                     OK);
    assert_int_equal(node_store_operator_reset(o->store, &op, &message, seed, NULL), OK);
    assert_true(office_disk_holds(o, bytes_text(former)));
    node_store_lock(o->store);
    assert_int_equal(reset(o, seed, seal, &message), OK);
    assert_false(office_disk_holds(o, bytes_text(former)));
    secret_key_close(&seed);
    secret_key_close(&seal);
}

static void a_load_is_measured_from_the_first_welcome(void **state)
{
    struct office *o = *state;
    struct node_load load;
    const struct cursor start = { .number = 0 };
    assert_int_equal(node_store_cursor_reset(o->store, FEED_RECORDS, &start), OK);
    assert_int_equal(node_store_load(o->store, &load), OK);
    assert_false(load.on); /* nobody has said how much there is */
    assert_int_equal(node_store_welcomed(o->store, o->journal + 10, 3), OK);
    assert_int_equal(node_store_load(o->store, &load), OK);
    assert_true(load.on);
    assert_int_equal(load.to, o->journal + 10);
    assert_int_equal(load.lost, 3);
    assert_int_equal(node_store_welcomed(o->store, o->journal + 99, 0), OK); /* another link */
    office_restart(o);
    office_unlock(o);
    assert_int_equal(node_store_load(o->store, &load), OK);
    assert_int_equal(load.to, o->journal + 10);
    assert_int_equal(load.lost, 0);
    struct id person = { .at = { 7 } };
    struct feed_item item =
        office_record(&person, "orang", "29-0700", FIELDS("kec", "36.04.29", "nama", "Akhir"));
    item.number = o->journal = load.to;
    assert_int_equal(office_feed_one(o, FEED_RECORDS, item), OK);
    assert_int_equal(node_store_load(o->store, &load), OK);
    assert_false(load.on);
    assert_int_equal(node_store_next_number(o->store), 701); /* numbers of the life before */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_OFFICE(beside_a_colleague_nothing_is_lost),
        WITH_OFFICE(without_a_passphrase_the_queue_stays_and_all_else_begins_anew),
        WITH_OFFICE(what_cannot_be_read_follows_into_a_new_incarnation),
        WITH_OFFICE(a_colleague_whose_key_opens_nothing_is_told_so),
        WITH_OFFICE(no_key_of_before_is_left_on_the_disk),
        WITH_OFFICE(a_load_is_measured_from_the_first_welcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
