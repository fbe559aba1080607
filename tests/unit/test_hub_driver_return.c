/* A hub whose database came from a backup, and what its offices give back. */
#include "tests/unit/hub_driver_fixture.h"

static void return_send(struct fake_node *from, struct bytes whole, size_t offset, size_t bytes)
{
    uint8_t space[2048];
    const struct message message = { .type = MESSAGE_RETURN,
                                     .policy_return = { .kind = RETURN_ACK,
                                                        .total = whole.len,
                                                        .offset = offset,
                                                        .data =
                                                            bytes_of(whole.at + offset, bytes) } };
    struct writer frame = writer_of(space, sizeof space);
    assert_ok(message_encode(&message, &frame));
    receive(from, writer_bytes(&frame));
    flush();
}

/* A proof by an ACK at journal number `number` to `to`, signed by whoever. */
static struct bytes proof_of(const struct fake_node *from, const char *to, uint64_t number,
                             const struct secret_key *signer, uint8_t proof_space[1024])
{
    uint8_t statement_space[512], empty[] = { 0x90 };
    const struct ack ack = { .lane = LANE_NORMAL,
                             .epoch = 1,
                             .number = number,
                             .keep_from = 1,
                             .items = bytes_of(empty, sizeof empty) };
    struct signature signature;
    struct writer statement = writer_of(statement_space, sizeof statement_space);
    ack_statement(&ack, FIX_DISTRICT, to, &from->incarnation, &from->heads[0], &statement);
    crypto_sign_typed("ack", writer_bytes(&statement), signer, &signature);
    struct writer proof = writer_of(proof_space, 1024);
    writer_array(&proof, 2);
    writer_bin(&proof, writer_bytes(&statement));
    writer_bin(&proof, bytes_of(signature.at, SIGNATURE_BYTES));
    return writer_bytes(&proof);
}

/* RETURN of it, in one slice. */
static void proof_send(struct fake_node *from, const char *to, uint64_t number,
                       const struct secret_key *signer)
{
    uint8_t space[1024];
    struct bytes proof = proof_of(from, to, number, signer, space);
    return_send(from, proof, 0, proof.len);
}

static void claim_more_than_there_is(void)
{
    node.seen_epoch = 1;
    node.seen_number = hub_store_journal(store).number + 1;
    out_count = 0;
    assert_int_equal(hello(&node), STANDING_WAITING);
}

static void a_claim_without_the_hubs_signature_stops_only_who_makes_it(void **state)
{
    (void)state;
    assert_int_equal(hello(&neighbour), STANDING_ACTIVE);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    claim_more_than_there_is();
    uint64_t number = hub_store_journal(store).number;
    proof_send(&node, office.name, number + 1, office.device);
    proof_send(&node, neighbour.office->name, number + 1, district.keys.sign);
    proof_send(&node, office.name, number, district.keys.sign);
    assert_false(hub_driver_halt(driver)->on);
    fake_create(&neighbour, "A");
    push_all(&neighbour, 1, 1);
    flush();
    assert_int_equal(received_at_hub(&neighbour), 1);
}

static void a_hub_that_lost_what_a_node_saw_stops_merging_for_all_and_remembers_it(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    assert_int_equal(hello(&neighbour), STANDING_ACTIVE);
    claim_more_than_there_is();
    proof_send(&node, office.name, node.seen_number, district.keys.sign);
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

static void what_one_office_gives_back_another_cannot_disturb(void **state)
{
    (void)state;
    uint8_t space[1024], noise[500] = { 0 };
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    claim_more_than_there_is();
    neighbour.seen_epoch = 1;
    neighbour.seen_number = node.seen_number;
    assert_int_equal(hello(&neighbour), STANDING_WAITING);
    struct bytes proof = proof_of(&node, office.name, node.seen_number, district.keys.sign, space);
    return_send(&node, proof, 0, 100);
    uint64_t held = hub_driver_counters(driver)->assembly_bytes;
    for (unsigned i = 0; i < 100; i++) {
        return_send(&neighbour, bytes_of(noise, sizeof noise), 0, 100); /* never finished */
        return_send(&neighbour, bytes_of(noise, sizeof noise), 300, 100);
    }
    assert_int_equal(hub_driver_counters(driver)->assembly_bytes, held + sizeof noise);
    assert_false(hub_driver_halt(driver)->on);
    return_send(&node, proof, 100, proof.len - 100);
    assert_true(hub_driver_halt(driver)->on);
    assert_int_equal(hub_driver_counters(driver)->assembly_bytes, sizeof noise);
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_claim_without_the_hubs_signature_stops_only_who_makes_it),
        TEST(a_hub_that_lost_what_a_node_saw_stops_merging_for_all_and_remembers_it),
        TEST(what_one_office_gives_back_another_cannot_disturb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
