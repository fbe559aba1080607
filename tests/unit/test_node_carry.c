/* Bundles as files at an office: what goes stays queued, what comes is taken as from the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "node/node_carry.h"
#include "proto/carry_piece.h"
#include "tests/support/driver_world.h"

#define PIECES_MAX 512

struct pieces {
    unsigned count;
    struct carry_piece list[PIECES_MAX];
    uint8_t *owned[PIECES_MAX];
    uint64_t entries;
};

static struct node_carry_taken taken;
static struct problem problem;

static struct pieces *export_all(struct world *w, size_t piece_bytes, enum err expected)
{
    struct pieces *pieces = calloc(1, sizeof *pieces);
    struct node_carry *carry = NULL;
    problem.code = OK;
    enum err err =
        node_carry_open(w->driver, piece_bytes, w->now_ms, OFFICE_WALL_MS, &carry, &problem);
    while (err == OK) {
        struct bytes piece;
        struct carry_place where;
        err = node_carry_next(carry, &piece, &where, &problem);
        if (err != OK)
            break;
        assert_true(piece.len <= piece_bytes && pieces->count < PIECES_MAX);
        uint8_t *kept = malloc(piece.len);
        memcpy(kept, piece.at, piece.len);
        struct carry_piece *to = &pieces->list[pieces->count];
        pieces->owned[pieces->count++] = kept;
        assert_int_equal(carry_piece_decode(bytes_of(kept, piece.len), to), OK);
        assert_memory_equal(&to->where, &where, sizeof where);
    }
    assert_int_equal(err, expected);
    if (carry)
        pieces->entries = node_carry_entries(carry);
    node_carry_close(&carry);
    return pieces;
}

static void pieces_close(struct pieces *pieces)
{
    for (unsigned i = 0; i < pieces->count; i++)
        free(pieces->owned[i]);
    free(pieces);
}

static uint64_t queued(struct world *w)
{
    struct node_figures figures;
    assert_int_equal(node_store_figures(w->o.store, &figures), OK);
    return figures.queued;
}

/* ---- out */

static void file_holds_all_that_is_not_acknowledged_and_marks_nothing(void **state)
{
    struct world *w = *state;
    static struct bundle bundle;
    w->gone = true;
    for (unsigned i = 0; i < 30; i++)
        (void)put(w, "Maimunah");
    uint64_t before = queued(w);
    struct pieces *pieces = export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND);
    assert_int_equal(pieces->list[0].where.kind, CARRY_HELLO);
    struct node_identity identity = identity_of(w);
    const struct hello *hello = &pieces->list[0].message.hello;
    assert_true(
        crypto_verify_typed("hello", hello->statement, &identity.device_public, &hello->signature));
    const struct bundle_context context = { .district = OFFICE_DISTRICT,
                                            .node = OFFICE_NODE,
                                            .incarnation = identity.incarnation,
                                            .hub_key = identity.hub.sign_key };
    uint64_t next[LANE_COUNT] = { 1, 1, 1 };
    for (unsigned i = 1; i < pieces->count; i++) {
        const struct carry_piece *piece = &pieces->list[i];
        struct hash before_it, after;
        if (piece->where.kind != CARRY_BUNDLE)
            continue;
        unsigned lane = piece->where.place;
        assert_int_equal(piece->where.first, next[lane]);
        assert_int_equal(node_store_head(w->o.store, (enum lane)lane, next[lane] - 1, &before_it),
                         OK);
        assert_true(hash_equal(&before_it, &piece->head_before));
        assert_int_equal(bundle_decode(piece->body, &bundle), OK);
        assert_int_equal(
            bundle_verify(&bundle, &context, &piece->head_before, &identity.device_public, &after),
            OK);
        next[lane] += bundle.item_count;
    }
    for (unsigned i = 0; i < LANE_COUNT; i++)
        assert_int_equal(next[i], lane_of(w, (enum lane)i).highest + 1);
    assert_int_equal(queued(w), before);
    pieces_close(pieces);
    /* The wire takes up where it would have without a file. */
    w->gone = false;
    pass(w, NODE_NO_LINK_MS_MAX);
    assert_int_equal(w->transactions, 30);
    pieces = export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND);
    assert_int_equal(pieces->entries, 0);
    unsigned proofs = 0;
    for (unsigned i = 0; i < pieces->count; i++)
        proofs += pieces->list[i].where.kind == CARRY_PROOF;
    assert_true(proofs > 0); /* of the ACKs that came */
    pieces_close(pieces);
}

static void hello_of_a_file_does_not_answer_for_the_one_on_the_wire(void **state)
{
    struct world *w = *state;
    w->mute_welcome = true;
    pass(w, 100);
    struct id asked = w->last_nonce;
    struct pieces *pieces = export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND);
    assert_false(id_equal(&pieces->list[0].message.hello.nonce, &asked));
    assert_false(linked(w));
    give_welcome(w, welcome_of(w), w->o.hub_sign);
    assert_true(linked(w));
    pieces_close(pieces);
}

/* ---- in */

static enum err take(struct world *w, struct bytes answer, struct bytes piece)
{
    problem.code = OK;
    return node_carry_take(w->driver, answer, piece, w->now_ms, OFFICE_WALL_MS, &taken, &problem);
}

static struct bytes message_piece(const struct message *message)
{
    static uint8_t space[FRAME_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    assert_int_equal(message_encode(message, &out), OK);
    return writer_bytes(&out);
}

/* The hub takes the file as take_bundle does over the wire. */
static void hub_takes(struct world *w, const struct pieces *pieces)
{
    bool muted = w->mute_acks;
    w->mute_acks = true;
    for (unsigned i = 0; i < pieces->count; i++) {
        if (pieces->list[i].where.kind == CARRY_BUNDLE)
            take_bundle(w, pieces->list[i].body);
    }
    w->mute_acks = muted;
}

static void acknowledgement_in_a_file_counts_like_one_from_the_wire(void **state)
{
    struct world *w = *state;
    static uint8_t kept[FRAME_BYTES_MAX], altered[FRAME_BYTES_MAX];
    w->gone = true;
    struct id id = put(w, "Maimunah");
    (void)put(w, "Siti");
    struct pieces *pieces = export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND);
    hub_takes(w, pieces);
    uint64_t last = lane_of(w, LANE_NORMAL).highest;
    struct ack ack = make_ack(w, LANE_NORMAL, 1, last, w->o.hub_sign);
    const struct message message = { .type = MESSAGE_ACK, .ack = ack };
    struct bytes piece = message_piece(&message);
    memcpy(kept, piece.at, piece.len);
    piece = bytes_of(kept, piece.len);
    for (size_t at = 0; at < piece.len; at++) {
        memcpy(altered, piece.at, piece.len);
        altered[at] ^= 1;
        assert_int_not_equal(take(w, bytes_of(NULL, 0), bytes_of(altered, piece.len)), OK);
        assert_int_equal(lane_of(w, LANE_NORMAL).acked, 0);
    }
    assert_int_equal(take(w, bytes_of(NULL, 0), piece), OK);
    assert_true(taken.news);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, last);
    assert_false(office_view(&w->o, &id)->pending);
    assert_int_equal(take(w, bytes_of(NULL, 0), piece), OK); /* again: harmless */
    assert_false(taken.news);
    pieces_close(pieces);
}

static void acknowledgement_ends_what_the_wire_has_under_way(void **state)
{
    struct world *w = *state;
    pass(w, 100);
    (void)put(w, "Maimunah");
    w->mute_acks = true;
    pass(w, 100);
    uint64_t last = lane_of(w, LANE_NORMAL).highest;
    struct node_link link;
    node_driver_link(w->driver, &link);
    assert_true(link.in_flight > 0);
    unsigned bundles = w->bundles;
    struct ack ack =
        make_ack(w, LANE_NORMAL, lane_of(w, LANE_NORMAL).acked + 1, last, w->o.hub_sign);
    const struct message message = { .type = MESSAGE_ACK, .ack = ack };
    assert_int_equal(take(w, bytes_of(NULL, 0), message_piece(&message)), OK);
    node_driver_link(w->driver, &link);
    assert_int_equal(lane_of(w, LANE_NORMAL).acked, last);
    assert_false(w->driver->session.push.lanes[LANE_NORMAL].flight.active);
    pass(w, 10 * NODE_WAIT_MS_FIRST);
    assert_int_equal(w->bundles, bundles); /* nothing of that lane went again */
}

/* A batch that leads from `from` to the number of its last item. */
static struct bytes batch_of(struct world *w, enum feed_stream stream, uint64_t epoch,
                             uint64_t from, const struct feed_item *list, unsigned count,
                             const char *node)
{
    static uint8_t raw[65536], batch_space[65536], work_space[FEED_PLAIN_BYTES_MAX], space[65536];
    struct writer items = writer_of(raw, sizeof raw), out = writer_of(batch_space, sizeof raw);
    struct writer piece = writer_of(space, sizeof space);
    struct buf work = buf_of(work_space, sizeof work_space);
    struct node_identity identity = identity_of(w);
    for (unsigned i = 0; i < count; i++)
        feed_item_encode(&list[i], &items);
    const struct feed_batch batch = { .district = bytes_text(OFFICE_DISTRICT),
                                      .node = bytes_text(node),
                                      .stream = stream,
                                      .epoch = epoch,
                                      .from = from,
                                      .to = list[count - 1].number,
                                      .count = count };
    assert_int_equal(feed_batch_build(&batch, writer_bytes(&items),
                                      stream == FEED_RECORDS ? &identity.seal_public : NULL,
                                      w->o.hub_sign, &work, &out),
                     OK);
    carry_feed_encode(writer_bytes(&out), &piece);
    assert_int_equal(piece.err, OK);
    return writer_bytes(&piece);
}

static struct bytes batch_piece(struct world *w, enum feed_stream stream, uint64_t epoch,
                                uint64_t from, const struct feed_item *item, const char *node)
{
    return batch_of(w, stream, epoch, from, item, 1, node);
}

static struct feed_item renewal(struct world *w)
{
    static uint8_t space[1024];
    struct writer ops = writer_of(space, sizeof space);
    trust_op_operator_until(&ops, 1, "2/2026", "2031-12-31");
    return (struct feed_item){ .kind = FEED_TRUST,
                               .number = ++w->o.journal,
                               .document = office_statement(&w->o, 1, writer_bytes(&ops)) };
}

static uint64_t cursor_of(struct world *w, enum feed_stream stream)
{
    struct cursor cursor;
    assert_int_equal(node_store_cursor(w->o.store, stream, &cursor), OK);
    return cursor.number;
}

static void policy_comes_by_file_and_what_is_older_is_harmless(void **state)
{
    struct world *w = *state;
    static uint8_t kept[65536];
    uint64_t version = node_store_trust(w->o.store)->version;
    uint64_t at = cursor_of(w, FEED_CONTROL);
    struct feed_item item = renewal(w);
    struct bytes none = bytes_of(NULL, 0);
    struct bytes piece = batch_piece(w, FEED_CONTROL, 1, at, &item, OFFICE_NODE);
    memcpy(kept, piece.at, piece.len);
    piece = bytes_of(kept, piece.len);
    assert_int_equal(take(w, none, piece), OK);
    assert_true(taken.news);
    assert_int_equal(node_store_trust(w->o.store)->version, version + 1);
    assert_int_equal(take(w, none, piece), OK);
    assert_false(taken.news);
    /* One that begins earlier and ends later repeats a statement that is in force. */
    struct feed_item next = renewal(w);
    assert_int_equal(
        take(w, none, batch_piece(w, FEED_CONTROL, 1, item.number, &next, OFFICE_NODE)), OK);
    assert_int_equal(node_store_trust(w->o.store)->version, version + 2);
    /* Not addressed here, or beyond what is here. */
    struct feed_item third = renewal(w);
    assert_int_equal(
        take(w, none, batch_piece(w, FEED_CONTROL, 1, next.number, &third, "36.04.30")),
        ERR_CARRY_PLACE);
    third.number += 20;
    assert_int_equal(
        take(w, none, batch_piece(w, FEED_CONTROL, 1, next.number + 7, &third, OFFICE_NODE)),
        ERR_CARRY_ORDER);
    assert_int_equal(taken.missing, next.number);
    assert_int_equal(node_store_trust(w->o.store)->version, version + 2);
}

static void records_wait_for_an_unlocked_office(void **state)
{
    struct world *w = *state;
    static const char *const fields[] = { "kec", OFFICE_NODE, "nama", "Ani", NULL };
    struct id id = crypto_random_id();
    uint64_t at = cursor_of(w, FEED_RECORDS);
    struct feed_item item = office_record(&id, "orang", "", fields);
    item.number = ++w->o.journal;
    struct bytes piece = batch_piece(w, FEED_RECORDS, 1, at, &item, OFFICE_NODE);
    node_store_lock(w->o.store);
    assert_int_equal(take(w, bytes_of(NULL, 0), piece), ERR_LOCKED);
    assert_int_equal(cursor_of(w, FEED_RECORDS), at);
    office_unlock(&w->o);
    assert_int_equal(take(w, bytes_of(NULL, 0), piece), OK);
    assert_true(taken.news);
    assert_int_equal(cursor_of(w, FEED_RECORDS), item.number);
    assert_string_equal(office_value(office_view(&w->o, &id), "nama"), "Ani");
}

/* An ANSWER to the HELLO that the node exported last. */
static struct bytes answer_piece(struct world *w, const struct pieces *pieces,
                                 const struct welcome *like)
{
    static uint8_t statement[4096], frame[8192], space[8192];
    struct writer said = writer_of(statement, sizeof statement);
    struct writer out = writer_of(frame, sizeof frame), piece = writer_of(space, sizeof space);
    struct message message = { .type = MESSAGE_WELCOME, .welcome = *like };
    message.welcome.nonce = pieces->list[0].message.hello.nonce;
    welcome_statement(&message.welcome, &said);
    message.welcome.statement = writer_bytes(&said);
    crypto_sign_typed("welcome", message.welcome.statement, w->o.hub_sign,
                      &message.welcome.signature);
    assert_int_equal(message_encode(&message, &out), OK);
    carry_answer_encode(pieces->list[0].raw, writer_bytes(&out), &piece);
    assert_int_equal(piece.err, OK);
    return writer_bytes(&piece);
}

static void answer_that_tells_of_a_fork_opens_a_new_incarnation_once(void **state)
{
    struct world *w = *state;
    w->gone = true;
    (void)put(w, "Maimunah");
    struct id before = identity_of(w).incarnation;
    struct pieces *pieces = export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND);
    struct welcome welcome = welcome_of(w);
    assert_int_equal(take(w, bytes_of(NULL, 0), answer_piece(w, pieces, &welcome)), OK);
    assert_false(taken.reopened);
    welcome.standing = STANDING_WAITING;
    assert_int_equal(take(w, bytes_of(NULL, 0), answer_piece(w, pieces, &welcome)), OK);
    assert_int_equal(taken.standing, STANDING_WAITING);
    assert_false(taken.reopened);
    welcome.standing = STANDING_REOPEN;
    struct bytes answer = answer_piece(w, pieces, &welcome);
    assert_int_equal(take(w, bytes_of(NULL, 0), answer), OK);
    assert_true(taken.reopened);
    struct id after = identity_of(w).incarnation;
    assert_false(id_equal(&before, &after));
    assert_int_equal(take(w, bytes_of(NULL, 0), answer), ERR_CARRY_LIFE);
    struct id now = identity_of(w).incarnation;
    assert_true(id_equal(&after, &now));
    assert_true(queued(w) > 0); /* and nothing is lost */
    pieces_close(pieces);
}

static void answer_to_someone_else_proves_nothing(void **state)
{
    struct world *w = *state;
    w->gone = true;
    struct pieces *pieces = export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND);
    struct id before = identity_of(w).incarnation;
    struct welcome welcome = welcome_of(w);
    welcome.standing = STANDING_REOPEN;
    struct secret_key *hub = w->o.hub_sign;
    w->o.hub_sign = secret_key_new();
    assert_int_equal(take(w, bytes_of(NULL, 0), answer_piece(w, pieces, &welcome)), ERR_SIGNATURE);
    secret_key_close(&w->o.hub_sign);
    w->o.hub_sign = hub;
    welcome.node = bytes_text("36.04.30");
    assert_int_equal(take(w, bytes_of(NULL, 0), answer_piece(w, pieces, &welcome)),
                     ERR_CARRY_PLACE);
    assert_int_equal(take(w, bytes_of(NULL, 0), pieces->list[0].raw), ERR_CARRY_PLACE);
    struct id now = identity_of(w).incarnation;
    assert_true(id_equal(&before, &now));
    pieces_close(pieces);
}

static void new_epoch_counts_cursors_only_as_far_as_the_answer_proves_them(void **state)
{
    struct world *w = *state;
    static uint8_t space[1024], kept[8192];
    struct writer ops = writer_of(space, sizeof space);
    w->gone = true;
    uint64_t control = cursor_of(w, FEED_CONTROL);
    assert_true(control > 0);
    struct pieces *pieces = export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND);
    struct welcome welcome = welcome_of(w);
    welcome.journal.epoch = 2;
    struct bytes answer = answer_piece(w, pieces, &welcome);
    memcpy(kept, answer.at, answer.len);
    answer = bytes_of(kept, answer.len);
    trust_op_epoch(&ops, 2, control, &(struct hash){ { 9 } });
    const struct feed_item item = { .kind = FEED_TRUST,
                                    .number = ++w->o.journal,
                                    .document = office_statement(&w->o, 1, writer_bytes(&ops)) };
    struct bytes piece = batch_piece(w, FEED_CONTROL, 2, control, &item, OFFICE_NODE);
    /* Without proof the cursor goes back, and the batch is beyond it. */
    assert_int_equal(take(w, answer, piece), OK);
    assert_int_equal(node_store_trust(w->o.store)->epoch, 2);
    pieces_close(pieces);
}

static void unproven_cursor_goes_back_before_a_new_epoch_begins(void **state)
{
    struct world *w = *state;
    static uint8_t space[1024];
    struct writer ops = writer_of(space, sizeof space);
    w->gone = true;
    uint64_t control = cursor_of(w, FEED_CONTROL);
    trust_op_epoch(&ops, 2, control, &(struct hash){ { 9 } });
    const struct feed_item item = { .kind = FEED_TRUST,
                                    .number = ++w->o.journal,
                                    .document = office_statement(&w->o, 1, writer_bytes(&ops)) };
    struct bytes piece = batch_piece(w, FEED_CONTROL, 2, control, &item, OFFICE_NODE);
    assert_int_not_equal(take(w, bytes_of(NULL, 0), piece), OK);
    assert_int_equal(cursor_of(w, FEED_CONTROL), 0);
    assert_int_equal(node_store_trust(w->o.store)->epoch, 1);
}

static int world_waiting(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -1;
    office_open(&w->o, true);
    assert_int_equal(node_store_enrolment_set(w->o.store, ENROLMENT_WAITING), OK);
    w->now_ms = 5000;
    w->gone = true;
    w->incarnation = identity_of(w).incarnation;
    driver_open(w);
    *state = w;
    return 0;
}

static void approval_that_never_came_is_in_the_roster_of_a_file(void **state)
{
    struct world *w = *state;
    static uint8_t founding[8192];
    pieces_close(export_all(w, CARRY_PIECE_BYTES_MAX, ERR_STATE));
    struct bytes document = office_founding(&w->o);
    memcpy(founding, document.at, document.len);
    const struct feed_item first = { .kind = FEED_TRUST,
                                     .number = ++w->o.journal,
                                     .document = bytes_of(founding, document.len) };
    struct bytes none = bytes_of(NULL, 0);
    /* A roster without this office is no approval. */
    assert_int_equal(take(w, none, batch_piece(w, FEED_CONTROL, 1, 0, &first, OFFICE_NODE)),
                     ERR_STATE);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_WAITING);
    const struct feed_item second = { .kind = FEED_TRUST,
                                      .number = ++w->o.journal,
                                      .document = office_roster(&w->o) };
    const struct feed_item both[] = { first, second };
    assert_int_equal(take(w, none, batch_of(w, FEED_CONTROL, 1, 0, both, 2, OFFICE_NODE)), OK);
    assert_int_equal(identity_of(w).enrolment, ENROLMENT_DONE);
    assert_int_equal(node_store_trust(w->o.store)->version, 2);
    pieces_close(export_all(w, CARRY_PIECE_BYTES_MAX, ERR_NOT_FOUND));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
        TEST(file_holds_all_that_is_not_acknowledged_and_marks_nothing),
        TEST(hello_of_a_file_does_not_answer_for_the_one_on_the_wire),
        TEST(acknowledgement_in_a_file_counts_like_one_from_the_wire),
        TEST(acknowledgement_ends_what_the_wire_has_under_way),
        TEST(policy_comes_by_file_and_what_is_older_is_harmless),
        TEST(records_wait_for_an_unlocked_office),
        TEST(answer_that_tells_of_a_fork_opens_a_new_incarnation_once),
        TEST(answer_to_someone_else_proves_nothing),
        TEST(new_epoch_counts_cursors_only_as_far_as_the_answer_proves_them),
        TEST(unproven_cursor_goes_back_before_a_new_epoch_begins),
#undef TEST
        cmocka_unit_test_setup_teardown(approval_that_never_came_is_in_the_roster_of_a_file,
                                        world_waiting, world_close),
    };
    if (crypto_start() != OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
