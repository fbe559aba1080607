/* Pieces of carry files on their way in. */
#include <stdlib.h>

#include "common/must.h"
#include "node/node_carry.h"
#include "node/node_driver_inside.h"
#include "proto/carry_piece.h"

#define FEED_WORK_BYTES (FEED_PLAIN_BYTES_MAX + 8 * 1024)

/* What the answer at the beginning of a file proves. */
struct answered {
    bool valid; /* ours, of the present incarnation, and not forked since */
    bool other; /* there is an answer, and it does not count here */
    struct cursor cursors[FEED_STREAMS];
    bool proven[FEED_STREAMS];
};

static bool addressed(const struct node_driver *driver, struct bytes district, struct bytes node)
{
    return bytes_is(district, driver->identity.district) && bytes_is(node, driver->identity.node);
}

/* The HELLO in it is our own, and the WELCOME is the hub's to that HELLO. */
static enum err answer_check(const struct node_driver *driver, const struct carry_piece *piece,
                             struct answered *ret_answered, struct problem *problem)
{
    const struct node_identity *identity = &driver->identity;
    const struct hello *hello = &piece->message.hello;
    const struct welcome *welcome = &piece->welcome;
    if (!addressed(driver, hello->district, hello->node) ||
        !addressed(driver, welcome->district, welcome->node))
        return problem_set(problem, ERR_CARRY_PLACE, "answer", "it is for another office");
    if (welcome->version != PROTOCOL_VERSION)
        return problem_set(problem, ERR_VERSION, "answer", NULL);
    if (!crypto_verify_typed("hello", hello->statement, &identity->device_public,
                             &hello->signature) ||
        !crypto_verify_typed("welcome", welcome->statement, &identity->hub.sign_key,
                             &welcome->signature) ||
        !id_equal(&welcome->nonce, &hello->nonce) ||
        !id_equal(&welcome->incarnation, &hello->incarnation))
        return problem_set(problem, ERR_SIGNATURE, "answer", "altered, or not the district's");
    if (!id_equal(&hello->incarnation, &identity->incarnation))
        return problem_set(problem, ERR_CARRY_LIFE, "answer", "the store began anew since");
    *ret_answered = (struct answered){ .valid = true };
    memcpy(ret_answered->cursors, hello->cursors, sizeof hello->cursors);
    memcpy(ret_answered->proven, welcome->proven, sizeof welcome->proven);
    return OK;
}

/* ---- standing */

/* Whether the hub has of this incarnation what is not in this store, or is something else there. */
static enum err is_forked(struct node_driver *driver, const struct welcome *welcome,
                          bool *ret_forked)
{
    enum err err = OK;
    *ret_forked = false;
    for (unsigned i = 0; err == OK && i < LANE_COUNT; i++) {
        struct hash head;
        if (welcome->lanes[i].received > driver->facts.lanes[i].highest) {
            *ret_forked = true;
            continue;
        }
        err = node_store_head(driver->store, (enum lane)i, welcome->lanes[i].received, &head);
        if (err == OK && !hash_equal(&head, &welcome->lanes[i].head))
            *ret_forked = true;
        if (err == ERR_NOT_FOUND)
            err = OK;
    }
    return err;
}

/* What stands at the beginning of the piece's file. An answer that does not count proves nothing;
 * where there is none, the file answers nobody. */
static enum err lead_check(struct node_driver *driver, struct bytes lead,
                           struct answered *ret_answered)
{
    struct carry_piece first;
    struct problem unused = { .code = OK };
    bool forked = false;
    if (carry_piece_decode(lead, &first) != OK || first.where.kind != CARRY_ANSWER)
        return OK;
    enum err err = OK;
    if (answer_check(driver, &first, ret_answered, &unused) == OK)
        err = is_forked(driver, &first.welcome, &forked);
    ret_answered->other = err != OK || forked || !ret_answered->valid;
    ret_answered->valid = !ret_answered->other;
    return err;
}

static enum err take_answer(struct node_driver *driver, const struct carry_piece *piece,
                            struct node_carry_taken *taken)
{
    bool forked = false;
    const struct id before = driver->identity.incarnation;
    taken->standing = piece->welcome.standing;
    enum err err = is_forked(driver, &piece->welcome, &forked);
    if (err != OK || taken->standing == STANDING_WAITING ||
        (taken->standing != STANDING_REOPEN && !forked))
        return err;
    struct node_event told = { .kind = NODE_TOLD_REOPEN };
    driver_step(driver, &told);
    err = driver_round(driver);
    taken->reopened = !id_equal(&driver->identity.incarnation, &before);
    taken->news = taken->reopened;
    return err;
}

/* ---- ACK */

static enum err take_ack(struct node_driver *driver, const struct ack *ack,
                         struct node_carry_taken *taken, struct problem *problem)
{
    struct node_ack known;
    struct node_lane before, after;
    enum err err = driver_ack_check(driver, ack, &known);
    taken->last = ack->last;
    if (err != OK)
        return problem_set(problem, err, "acknowledgement",
                           err == ERR_STATE ? "it speaks of entries that are not here"
                                            : "altered, or not about this store");
    err = node_store_lane(driver->store, ack->lane, &before);
    if (err != OK)
        return err;
    if (known.first > before.acked + 1) {
        taken->missing = before.acked + 1;
        return problem_setf(problem, ERR_CARRY_ORDER, "acknowledgement", "from number %llu on",
                            (unsigned long long)taken->missing);
    }
    driver->session.push.lanes[ack->lane].flight.repeated = true; /* no measure of the link */
    driver->ack = ack;
    struct node_event event = { .kind = NODE_GOT_ACK, .ack = &known, .carried = true };
    driver_step(driver, &event);
    err = driver_round(driver);
    if (err == OK)
        err = node_store_lane(driver->store, ack->lane, &after);
    if (err != OK)
        return err;
    taken->news = after.acked > before.acked || after.keep_from > before.keep_from;
    if (after.acked < ack->last)
        return problem_set(problem, ERR_STATE, "acknowledgement",
                           "the statement that opens its epoch is not here yet");
    return OK;
}

/* ---- feed */

/* An office that never heard of its approval: the roster in the file names its keys. */
static enum err check_approval(struct node_driver *driver, struct bytes items,
                               struct problem *problem)
{
    const struct node_identity *identity = &driver->identity;
    struct trust trust;
    struct items_iter iter = items_of(items);
    enum err err = OK;
    trust_open(&trust);
    for (; err == OK && iter.left > 0; iter.left--) {
        struct feed_item item;
        err = feed_item_decode(reader_raw(&iter.reader), &item);
        if (err == OK && item.kind == FEED_TRUST)
            err = trust_apply(&trust, item.document, &identity->root_key, problem);
    }
    const struct trust_node *node = trust_node(&trust, bytes_text(identity->node));
    bool approved = err == OK && node != NULL && node->ended.reason == END_NONE &&
                    memcmp(node->device_key.at, identity->device_public.at, PUBLIC_KEY_BYTES) == 0;
    trust_close(&trust);
    if (err != OK)
        return err;
    return approved ? node_store_enrolment_set(driver->store, ENROLMENT_DONE)
                    : problem_set(problem, ERR_STATE, "bundle",
                                  "this office's approval is not in it; ask for a new one");
}

/* Another journal than the one that we read may have taken the place of ours: a cursor counts in a
 * new epoch only as far as the hub has proved it, as on the wire. */
static enum err cursors_settle(struct node_driver *driver, const struct feed_batch *batch,
                               const struct answered *answered)
{
    const struct cursor start = { .number = 0 };
    enum err err = OK;
    if (batch->stream != FEED_CONTROL)
        return OK;
    for (unsigned i = 0; err == OK && i < FEED_STREAMS; i++) {
        struct cursor cursor;
        err = node_store_cursor(driver->store, (enum feed_stream)i, &cursor);
        if (err != OK || cursor.number == 0 || cursor.epoch >= batch->epoch)
            continue;
        const struct cursor *said = &answered->cursors[i];
        if (!answered->valid || !answered->proven[i] || said->epoch != cursor.epoch ||
            said->number != cursor.number)
            err = node_store_cursor_reset(driver->store, (enum feed_stream)i, &start);
    }
    return err;
}

static enum err batch_open(struct node_driver *driver, const struct carry_piece *piece,
                           struct feed_batch *ret_batch, struct problem *problem)
{
    const struct node_identity *identity = &driver->identity;
    enum err err = feed_batch_open(piece->body, identity->district, identity->node,
                                   &identity->hub.sign_key, ret_batch);
    if (err == ERR_DENIED)
        return problem_set(problem, ERR_CARRY_PLACE, "batch", "it is for another office");
    if (err != OK)
        return problem_set(problem, err, "batch", "altered, or not the district's");
    return OK;
}

static enum err batch_store(struct node_driver *driver, const struct feed_batch *batch,
                            const struct answered *answered, struct buf *work, struct buf *items,
                            struct problem *problem)
{
    const struct secret_key *key =
        node_store_unlocked(driver->store) ? node_store_seal_key(driver->store) : NULL;
    enum err err = feed_batch_items(batch, key, work, items);
    if (err != OK)
        return problem_set(problem, err, "batch", NULL);
    if (driver->identity.enrolment != ENROLMENT_DONE)
        err = check_approval(driver, buf_bytes(items), problem);
    if (err == OK)
        err = cursors_settle(driver, batch, answered);
    if (err != OK)
        return err;
    /* A policy that is older than ours is passed over: the file is older. */
    err = node_store_feed(driver->store, batch, buf_bytes(items), problem);
    if (err == OK)
        problem->code = OK;
    return err;
}

/* Whether it leads on from where this store is. */
static enum err batch_place(struct node_driver *driver, const struct feed_batch *batch,
                            struct node_carry_taken *taken, struct problem *problem)
{
    struct cursor cursor = { .number = 0 };
    taken->last = batch->to;
    if (driver->identity.enrolment == ENROLMENT_DONE) {
        enum err err = node_store_cursor(driver->store, batch->stream, &cursor);
        if (err != OK)
            return err;
    }
    taken->news = batch->epoch > cursor.epoch || batch->to > cursor.number;
    if (batch->epoch < cursor.epoch) {
        taken->news = false; /* a journal that was given up */
        return OK;
    }
    if (batch->from <= cursor.number)
        return OK;
    taken->missing = cursor.number;
    return problem_setf(problem, ERR_CARRY_ORDER, "batch",
                        "it begins at number %llu and this store stands at %llu",
                        (unsigned long long)batch->from, (unsigned long long)cursor.number);
}

static enum err take_feed(struct node_driver *driver, const struct carry_piece *piece,
                          const struct answered *answered, struct node_carry_taken *taken,
                          struct problem *problem)
{
    struct feed_batch batch;
    enum err err = batch_open(driver, piece, &batch, problem);
    if (err == OK)
        err = batch_place(driver, &batch, taken, problem);
    if (err != OK || !taken->news)
        return err;
    /* Own changes of the incarnation that it answers are left out of it. */
    if (batch.stream == FEED_RECORDS && answered->other) {
        taken->news = false;
        return problem_set(problem, ERR_CARRY_LIFE, "records",
                           "they are for this store as it was when it asked");
    }
    if (batch.stream == FEED_RECORDS && !node_store_unlocked(driver->store)) {
        taken->news = false;
        return problem_set(problem, ERR_LOCKED, "records", NULL);
    }
    uint8_t *space = malloc(FEED_WORK_BYTES + FEED_PLAIN_BYTES_MAX);
    if (space == NULL)
        return ERR_MEMORY;
    struct buf work = buf_of(space, FEED_WORK_BYTES);
    struct buf items = buf_of(space + FEED_WORK_BYTES, FEED_PLAIN_BYTES_MAX);
    err = batch_store(driver, &batch, answered, &work, &items, problem);
    if (batch.stream == FEED_RECORDS) {
        crypto_wipe(work.at, work.len);
        crypto_wipe(items.at, items.len);
    }
    free(space);
    taken->news = err == OK;
    driver->stale = true;
    return err;
}

/* ---- one piece */

static enum err take_kind(struct node_driver *driver, const struct carry_piece *piece,
                          const struct answered *answered, struct node_carry_taken *taken,
                          struct problem *problem)
{
    bool done = driver->identity.enrolment == ENROLMENT_DONE;
    switch (piece->where.kind) {
    case CARRY_ANSWER:
        return take_answer(driver, piece, taken);
    case CARRY_ACK:
        return done ? take_ack(driver, &piece->message.ack, taken, problem)
                    : problem_set(problem, ERR_STATE, "bundle", "this office is not approved yet");
    case CARRY_FEED:
        return take_feed(driver, piece, answered, taken, problem);
    default:
        return problem_set(problem, ERR_CARRY_PLACE, "bundle", "it goes to the district");
    }
}

enum err node_carry_take(struct node_driver *driver, struct bytes answer, struct bytes piece,
                         uint64_t now_ms, uint64_t wall_ms, struct node_carry_taken *ret_taken,
                         struct problem *problem)
{
    struct carry_piece decoded;
    struct answered answered = { .valid = false };
    *ret_taken = (struct node_carry_taken){ .kind = 0 };
    enum err err = driver_come_in(driver, now_ms, wall_ms);
    if (err != OK)
        return err;
    if (driver->identity.enrolment != ENROLMENT_DONE &&
        driver->identity.enrolment != ENROLMENT_WAITING)
        return problem_set(problem, ERR_STATE, "bundle", "this office has not enrolled yet");
    err = carry_piece_decode(piece, &decoded);
    if (err != OK)
        return problem_set(problem, err, "bundle", "one of its pieces");
    ret_taken->kind = decoded.where.kind;
    ret_taken->place = decoded.where.place;
    ret_taken->first = decoded.where.first;
    if (decoded.where.kind == CARRY_ANSWER)
        err = answer_check(driver, &decoded, &answered, problem);
    else if (answer.len > 0)
        err = lead_check(driver, answer, &answered);
    if (err != OK)
        return err;
    err = take_kind(driver, &decoded, &answered, ret_taken, problem);
    node_driver_kick(driver);
    return err;
}
