/* Bundles as files at the hub: the same judgement, checks and merge as the wire. */
#include "tests/unit/hub_driver_fixture.h"

#include "hub/hub_carry.h"
#include "proto/carry_piece.h"

static struct hub_carry_taken taken;
static struct problem problem;

/* The HELLO of a file, written now. */
static struct bytes file_hello(struct fake_node *from)
{
    static uint8_t space[2][FRAME_BYTES_MAX];
    static unsigned turn;
    uint8_t *at = space[turn++ % 2];
    struct bytes frame = fake_hello(from);
    memcpy(at, frame.at, frame.len);
    return bytes_of(at, frame.len);
}

static struct bytes piece_of(struct fake_node *from, uint64_t first, uint64_t last)
{
    static uint8_t space[BUNDLE_BYTES_MAX + 64];
    struct writer piece = writer_of(space, sizeof space);
    carry_bundle_encode(&from->heads[first - 1], fake_bundle(from, first, last, true), &piece);
    assert_ok(piece.err);
    return writer_bytes(&piece);
}

static enum err take_file(struct bytes hello_frame, struct bytes piece)
{
    problem.code = OK;
    return hub_carry_take(driver, hello_frame, piece, 0, now_ms, FIX_WALL_MS, &taken, &problem);
}

static uint64_t journal(void)
{
    return hub_store_journal(store).number;
}

static void file_is_merged_as_if_pushed_and_again_is_known(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        fake_create(&node, "Siti");
    struct bytes head = file_hello(&node);
    assert_ok(take_file(head, head)); /* the HELLO alone opens the incarnation */
    assert_ok(take_file(head, piece_of(&node, 1, 2)));
    assert_int_equal(taken.known, 0);
    assert_int_equal(taken.received, 2);
    assert_int_equal(taken.tally.counts[DISPOSITION_ACCEPTED], 2);
    uint64_t before = journal();
    assert_ok(take_file(head, piece_of(&node, 1, 2)));
    assert_int_equal(taken.known, 2);
    assert_int_equal(journal(), before);
    assert_ok(take_file(head, piece_of(&node, 2, 3)));
    assert_int_equal(taken.known, 1);
    assert_int_equal(received_at_hub(&node), 3);
}

static void gap_is_refused_with_the_first_missing_seq(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        fake_create(&node, "Siti");
    struct bytes head = file_hello(&node);
    uint64_t before = journal();
    assert_err(take_file(head, piece_of(&node, 3, 4)), ERR_CARRY_ORDER);
    assert_int_equal(taken.missing, 1);
    assert_int_equal(taken.lane, LANE_NORMAL);
    assert_int_equal(journal(), before);
    assert_ok(take_file(head, piece_of(&node, 1, 2)));
    assert_ok(take_file(head, piece_of(&node, 3, 4)));
}

static void altered_byte_is_told_apart_from_a_fork_and_merges_nothing(void **state)
{
    (void)state;
    static uint8_t copy[BUNDLE_BYTES_MAX + 64];
    fake_create(&node, "Siti");
    fake_create(&node, "Ani");
    struct bytes head = file_hello(&node);
    assert_ok(take_file(head, piece_of(&node, 1, 1)));
    uint64_t before = journal();
    struct bytes piece = piece_of(&node, 2, 2);
    for (size_t at = 0; at < piece.len; at++) {
        memcpy(copy, piece.at, piece.len);
        copy[at] ^= 0x04;
        enum err err = take_file(head, bytes_of(copy, piece.len));
        assert_true(err == ERR_SIGNATURE || err == ERR_MALFORMED || err == ERR_LIMIT ||
                    err == ERR_VERSION || err == ERR_CARRY_PLACE || err == ERR_CARRY_ORDER);
        assert_false(taken.forked);
        assert_int_equal(journal(), before);
    }
    uint8_t altered[FRAME_BYTES_MAX];
    for (size_t at = 0; at < head.len; at++) {
        memcpy(altered, head.at, head.len);
        altered[at] ^= 0x04;
        assert_int_not_equal(take_file(bytes_of(altered, head.len), piece), OK);
        assert_int_equal(journal(), before);
    }
    assert_ok(take_file(head, piece));
}

static void other_places_and_ended_machines_are_refused(void **state)
{
    (void)state;
    fake_create(&node, "Siti");
    struct bytes head = file_hello(&node), piece = piece_of(&node, 1, 1);
    static uint8_t space[64];
    struct writer proof = writer_of(space, sizeof space);
    carry_proof_encode(RETURN_ACK, bytes_text("x"), &proof);
    assert_ok(take_file(head, writer_bytes(&proof))); /* nobody asked for it: passed over */
    trust_publish(fix_end(&district, hub_store_trust(store), &office));
    assert_err(take_file(head, piece), ERR_DENIED);
    assert_int_equal(received_at_hub(&node), 0);
    /* An office that the district does not have. */
    struct fix_office stranger;
    struct fake_node outside;
    fix_office_open(&stranger, "36.04.31", 7);
    fake_open(&outside, &district, &stranger, 0xc1);
    assert_err(take_file(file_hello(&outside), piece), ERR_CARRY_PLACE);
    fake_close(&outside);
    fix_office_close(&stranger);
}

static void session_on_the_wire_goes_on_from_what_a_file_brought(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        fake_create(&node, "Siti");
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    push_all(&node, 1, 1);
    flush();
    assert_int_equal(ack_take(&node, 1), 1);
    /* Slices of 2..3 are under way when the file comes. */
    static uint8_t whole[BUNDLE_BYTES_MAX];
    struct bytes bundle = fake_bundle(&node, 2, 3, true);
    memcpy(whole, bundle.at, bundle.len);
    bundle = bytes_of(whole, bundle.len);
    receive(&node, fake_push(bundle, 2, 0, 300));
    flush();
    assert_ok(take_file(file_hello(&node), piece_of(&node, 2, 3)));
    flush();
    assert_int_equal(ack_take(&node, 3), 2); /* at once, over the wire */
    uint64_t before = journal();
    receive(&node, fake_push(bundle, 2, 300, 31000));
    flush();
    assert_int_equal(journal(), before);
    assert_int_equal(ack_take(&node, 3), 2);
    push_all(&node, 4, 4);
    flush();
    assert_int_equal(ack_take(&node, 4), 1);
    assert_int_equal(received_at_hub(&node), 4);
}

static void old_file_says_nothing_about_the_store(void **state)
{
    (void)state;
    static uint8_t old_piece[BUNDLE_BYTES_MAX];
    fake_create(&node, "Siti");
    struct bytes head = file_hello(&node), piece = piece_of(&node, 1, 1);
    memcpy(old_piece, piece.at, piece.len);
    piece = bytes_of(old_piece, piece.len);
    fake_create(&node, "Ani");
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    push_all(&node, 1, 2);
    flush();
    assert_int_equal(ack_take(&node, 2), 2);
    assert_ok(take_file(head, piece));
    assert_int_equal(taken.state, SESSION_ACTIVE);
    assert_int_equal(taken.known, 1);
    /* What it claims is not noted over the newer HELLO. */
    struct hub_incarnation own;
    assert_ok(hub_store_incarnation(store, office.name, &node.incarnation, &own));
    assert_int_equal(own.highest[LANE_NORMAL], 2);
    struct hub_link link;
    assert_true(hub_driver_link(driver, office.name, &link));
    assert_int_equal(link.state, SESSION_ACTIVE);
}

/* ---- out */

struct pieces {
    unsigned count;
    struct carry_piece list[64];
    uint8_t *owned[64];
    enum err end;
};

static void pieces_close(struct pieces *pieces)
{
    for (unsigned i = 0; i < pieces->count; i++)
        free(pieces->owned[i]);
    free(pieces);
}

static struct pieces *answer_to(const struct fake_node *to, struct bytes frame, bool forked,
                                size_t piece_bytes)
{
    struct pieces *pieces = calloc(1, sizeof *pieces);
    struct hub_carry *carry = NULL;
    problem.code = OK;
    pieces->end = hub_carry_open(driver, to->office->name, frame, forked, piece_bytes, now_ms,
                                 FIX_WALL_MS, &carry, &problem);
    while (pieces->end == OK) {
        struct bytes piece;
        struct carry_place where;
        pieces->end = hub_carry_next(carry, now_ms, &piece, &where, &problem);
        if (pieces->end != OK)
            break;
        assert_true(piece.len <= piece_bytes && pieces->count < COUNT_OF(pieces->list));
        uint8_t *kept = malloc(piece.len);
        memcpy(kept, piece.at, piece.len);
        struct carry_piece *to_piece = &pieces->list[pieces->count];
        pieces->owned[pieces->count++] = kept;
        assert_ok(carry_piece_decode(bytes_of(kept, piece.len), to_piece));
        assert_int_equal(to_piece->where.kind, where.kind);
        assert_int_equal(to_piece->where.place, where.place);
        assert_int_equal(to_piece->where.first, where.first);
    }
    hub_carry_close(&carry);
    return pieces;
}

static const struct carry_piece *piece_find(const struct pieces *pieces, unsigned kind,
                                            unsigned place)
{
    for (unsigned i = 0; i < pieces->count; i++) {
        if (pieces->list[i].where.kind == kind && pieces->list[i].where.place == place)
            return &pieces->list[i];
    }
    return NULL;
}

static void answer_acknowledges_what_the_office_does_not_know_yet(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        fake_create(&node, "Siti");
    struct bytes head = file_hello(&node);
    assert_ok(take_file(head, piece_of(&node, 1, 3)));
    struct pieces *pieces = answer_to(&node, head, false, CARRY_PIECE_BYTES_MAX);
    assert_err(pieces->end, ERR_NOT_FOUND);
    const struct carry_piece *first = &pieces->list[0];
    assert_int_equal(first->where.kind, CARRY_ANSWER);
    assert_int_equal(first->welcome.standing, STANDING_ACTIVE);
    assert_true(id_equal(&first->welcome.nonce, &node.nonce));
    const struct carry_piece *ack = piece_find(pieces, CARRY_ACK, LANE_NORMAL);
    const struct carry_piece *control = piece_find(pieces, CARRY_FEED, FEED_CONTROL);
    assert_non_null(ack);
    assert_non_null(control);
    assert_true(control < ack); /* an epoch opens before what was numbered in it is acknowledged */
    assert_int_equal(ack->where.first, 1);
    assert_int_equal(ack->message.ack.last, 3);
    /* Own accepted changes are not echoed: there are no records for this office. */
    assert_null(piece_find(pieces, CARRY_FEED, FEED_RECORDS));
    pieces_close(pieces);
    /* At any time, from the newest HELLO; it is here after a restart. */
    hub_down();
    hub_up();
    node.acked = 2;
    assert_ok(take_file(file_hello(&node), file_hello(&node)));
    pieces = answer_to(&node, bytes_of(NULL, 0), false, CARRY_PIECE_BYTES_MAX);
    ack = piece_find(pieces, CARRY_ACK, LANE_NORMAL);
    assert_non_null(ack);
    assert_int_equal(ack->where.first, 3);
    pieces_close(pieces);
}

static void office_that_never_spoke_gets_policy_and_records(void **state)
{
    (void)state;
    struct pieces *pieces = answer_to(&neighbour, bytes_of(NULL, 0), false, CARRY_PIECE_BYTES_MAX);
    assert_err(pieces->end, ERR_NOT_FOUND);
    assert_null(piece_find(pieces, CARRY_ANSWER, 0));
    const struct carry_piece *control = piece_find(pieces, CARRY_FEED, FEED_CONTROL);
    assert_non_null(control);
    assert_int_equal(control->where.first, 0);
    struct feed_batch batch;
    assert_ok(feed_batch_open(control->body, FIX_DISTRICT, other.name, &district.keys.sign_public,
                              &batch));
    assert_int_equal(batch.to, journal());
    assert_false(batch.sealed);
    pieces_close(pieces);
    const struct fix_office nobody = { .name = "36.04.99" };
    pieces = answer_to(&(struct fake_node){ .office = &nobody }, bytes_of(NULL, 0), false,
                       CARRY_PIECE_BYTES_MAX);
    assert_err(pieces->end, ERR_NOT_FOUND);
    assert_int_equal(pieces->count, 0);
    pieces_close(pieces);
}

static void pieces_are_cut_to_the_size_that_is_asked_for(void **state)
{
    (void)state;
    char name[3600];
    for (unsigned i = 0; i < 40; i++) {
        for (size_t c = 0; c + 1 < sizeof name; c++)
            name[c] = (char)('!' + crypto_random_below(90));
        name[sizeof name - 1] = '\0';
        fake_create(&node, name);
    }
    struct bytes head = file_hello(&node);
    for (uint64_t seq = 1; seq <= 40; seq += 10)
        assert_ok(take_file(head, piece_of(&node, seq, seq + 9)));
    /* A new device of the same office reads it all: nothing is its own. */
    struct pieces *pieces = answer_to(&node, bytes_of(NULL, 0), false, CARRY_PIECE_BYTES_MIN);
    assert_err(pieces->end, ERR_NOT_FOUND);
    pieces_close(pieces);
    fake_incarnation(&node, 0xee);
    struct fake_node again = node;
    again.highest = 0;
    again.has_previous = true;
    memset(again.previous.at, 0xa1, ID_BYTES);
    head = file_hello(&again);
    assert_ok(take_file(head, head));
    pieces = answer_to(&again, head, false, CARRY_PIECE_BYTES_MIN);
    assert_err(pieces->end, ERR_NOT_FOUND);
    uint64_t at = 0;
    unsigned batches = 0;
    for (unsigned i = 0; i < pieces->count; i++) {
        struct feed_batch batch;
        if (pieces->list[i].where.kind != CARRY_FEED || pieces->list[i].where.place == FEED_CONTROL)
            continue;
        assert_ok(feed_batch_open(pieces->list[i].body, FIX_DISTRICT, office.name,
                                  &district.keys.sign_public, &batch));
        assert_true(batch.sealed);
        assert_int_equal(batch.from, at);
        at = batch.to;
        batches++;
    }
    assert_true(batches >= 3);
    assert_int_equal(at, journal());
    pieces_close(pieces);
}

/* ---- lives */

static void fork_is_told_by_the_answer(void **state)
{
    (void)state;
    struct fake_node clone;
    fake_open(&clone, &district, &office, 0xa1);
    fake_create(&node, "Siti");
    fake_create(&clone, "Another");
    fake_create(&clone, "And one");
    assert_ok(take_file(file_hello(&node), piece_of(&node, 1, 1)));
    struct bytes head = file_hello(&clone);
    assert_err(take_file(head, piece_of(&clone, 1, 1)), ERR_FORK); /* the same seq, another leaf */
    assert_true(taken.forked);
    assert_err(take_file(head, piece_of(&clone, 2, 2)), ERR_FORK); /* another head */
    assert_true(taken.forked);
    assert_int_equal(received_at_hub(&node), 1);
    struct pieces *pieces = answer_to(&clone, head, true, CARRY_PIECE_BYTES_MAX);
    assert_int_equal(pieces->count, 1);
    assert_int_equal(pieces->list[0].welcome.standing, STANDING_REOPEN);
    pieces_close(pieces);
    fake_close(&clone);
}

static void file_of_an_earlier_life_takes_nothing_and_makes_no_twin(void **state)
{
    (void)state;
    static uint8_t kept[BUNDLE_BYTES_MAX];
    fake_create(&node, "Siti");
    struct bytes head = file_hello(&node), piece = piece_of(&node, 1, 1);
    memcpy(kept, piece.at, piece.len);
    piece = bytes_of(kept, piece.len);
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    struct id former = node.incarnation;
    fake_incarnation(&node, 0xa2);
    node.has_previous = true;
    node.previous = former;
    node.highest = 0;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    assert_err(take_file(head, piece), ERR_CARRY_LIFE);
    assert_int_equal(taken.state, SESSION_REOPEN);
    struct hub_incarnation own;
    assert_ok(hub_store_incarnation(store, office.name, &node.incarnation, &own));
    assert_int_equal(own.state, INCARNATION_ACTIVE);
    /* The new one over the wire is not disturbed; the answer is for it. */
    struct hub_link link;
    assert_true(hub_driver_link(driver, office.name, &link));
    assert_int_equal(link.state, SESSION_ACTIVE);
    struct pieces *pieces = answer_to(&node, head, false, CARRY_PIECE_BYTES_MAX);
    assert_true(id_equal(&pieces->list[0].welcome.incarnation, &node.incarnation));
    pieces_close(pieces);
}

static void incarnation_that_a_file_opens_ends_the_one_on_the_wire(void **state)
{
    (void)state;
    assert_int_equal(hello(&node), STANDING_ACTIVE);
    struct fake_node next = node;
    fake_incarnation(&next, 0xa2);
    next.has_previous = true;
    next.previous = node.incarnation;
    struct bytes head = file_hello(&next);
    assert_ok(take_file(head, head));
    flush();
    refused(&node, ERR_STATE);
    struct hub_link link;
    assert_true(hub_driver_link(driver, office.name, &link));
    assert_int_equal(link.state, SESSION_AWAY);
}

static void hub_that_was_rolled_back_takes_the_proof_and_no_bundle(void **state)
{
    (void)state;
    static uint8_t statement_space[4096], proof_space[4096], piece_space[8192];
    fake_create(&node, "Siti");
    fake_create(&node, "Ani");
    assert_ok(take_file(file_hello(&node), piece_of(&node, 1, 1)));
    /* What it signed about a journal that it does not have. */
    struct writer items = writer_of(proof_space, sizeof proof_space);
    writer_array(&items, 0);
    struct ack ack = { .lane = LANE_NORMAL,
                       .last = 2,
                       .epoch = 1,
                       .number = journal() + 5,
                       .keep_from = 1,
                       .items = writer_bytes(&items) };
    struct writer statement = writer_of(statement_space, sizeof statement_space);
    ack_statement(&ack, FIX_DISTRICT, office.name, &node.incarnation, &node.heads[2], &statement);
    crypto_sign_typed("ack", writer_bytes(&statement), district.keys.sign, &ack.signature);
    struct writer proof = writer_of(proof_space, sizeof proof_space);
    writer_array(&proof, 2);
    writer_bin(&proof, writer_bytes(&statement));
    writer_bin(&proof, bytes_of(ack.signature.at, SIGNATURE_BYTES));
    struct writer piece = writer_of(piece_space, sizeof piece_space);
    carry_proof_encode(RETURN_ACK, writer_bytes(&proof), &piece);

    node.acked = 2;
    node.seen_epoch = 1;
    node.seen_number = journal() + 5;
    struct bytes head = file_hello(&node);
    uint64_t before = journal();
    assert_err(take_file(head, head), ERR_WAITING);
    assert_err(take_file(head, piece_of(&node, 2, 2)), ERR_WAITING);
    assert_false(hub_driver_halt(driver)->on); /* a claim */
    assert_ok(take_file(head, writer_bytes(&piece)));
    assert_true(hub_driver_halt(driver)->on);
    assert_err(take_file(head, piece_of(&node, 2, 2)), ERR_WAITING);
    assert_int_equal(journal(), before);
    struct pieces *pieces = answer_to(&node, head, false, CARRY_PIECE_BYTES_MAX);
    assert_int_equal(pieces->count, 1);
    assert_int_equal(pieces->list[0].welcome.standing, STANDING_WAITING);
    pieces_close(pieces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(file_is_merged_as_if_pushed_and_again_is_known),
        TEST(gap_is_refused_with_the_first_missing_seq),
        TEST(altered_byte_is_told_apart_from_a_fork_and_merges_nothing),
        TEST(other_places_and_ended_machines_are_refused),
        TEST(session_on_the_wire_goes_on_from_what_a_file_brought),
        TEST(old_file_says_nothing_about_the_store),
        TEST(answer_acknowledges_what_the_office_does_not_know_yet),
        TEST(office_that_never_spoke_gets_policy_and_records),
        TEST(pieces_are_cut_to_the_size_that_is_asked_for),
        TEST(fork_is_told_by_the_answer),
        TEST(file_of_an_earlier_life_takes_nothing_and_makes_no_twin),
        TEST(incarnation_that_a_file_opens_ends_the_one_on_the_wire),
        TEST(hub_that_was_rolled_back_takes_the_proof_and_no_bundle),
#undef TEST
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
