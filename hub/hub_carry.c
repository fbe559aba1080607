/* Pieces of carry files on their way in. */
#include "hub/hub_carry_inside.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"

/* ---- who speaks */

enum err carry_hello(struct hub_driver *driver, struct bytes frame, struct hello *ret_hello,
                     const struct trust_node **ret_node, struct problem *problem)
{
    const struct trust *trust = driver_trust(driver);
    struct message message;
    enum err err = message_decode(frame, &message);
    if (err == OK && message.type != MESSAGE_HELLO)
        err = ERR_MALFORMED;
    if (err != OK)
        return problem_set(problem, err, "HELLO", "the beginning of the bundle");
    const struct hello *hello = &message.hello;
    if (hello->version != PROTOCOL_VERSION)
        return problem_set(problem, ERR_VERSION, "HELLO", NULL);
    char name[NODE_TEXT_MAX + 1];
    (void)snprintf(name, sizeof name, "%.*s", (int)hello->node.len, (const char *)hello->node.at);
    const struct trust_node *node = trust_node(trust, hello->node);
    if (!bytes_is(hello->district, trust->district) || node == NULL)
        return problem_setf(problem, ERR_CARRY_PLACE, name, "district %s has no such office",
                            trust->district);
    if (node->ended.reason != END_NONE)
        return problem_set(problem, ERR_DENIED, name, "the right of this machine has ended");
    *ret_hello = *hello;
    *ret_node = node;
    if (!crypto_verify_typed("hello", hello->statement, &node->device_key, &hello->signature))
        return problem_set(problem, ERR_SIGNATURE, name,
                           "altered, or of a machine that was replaced");
    return OK;
}

static bool is_older(const struct hello *hello, const struct hello *stored)
{
    if (!id_equal(&hello->incarnation, &stored->incarnation))
        return false;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (hello->lanes[i].highest < stored->lanes[i].highest)
            return true;
    }
    if (hello->seen_epoch != stored->seen_epoch)
        return hello->seen_epoch < stored->seen_epoch;
    if (hello->seen_number != stored->seen_number)
        return hello->seen_number < stored->seen_number;
    /* Answers fall only where the office takes them back, in a new epoch. */
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (hello->lanes[i].acked < stored->lanes[i].acked)
            return true;
    }
    return false;
}

/* A file has its age: that less was queued when it was written than has come since by another way
 * says nothing about the store. Whether it forked shows in heads and leaves. */
enum err carry_settle(struct hub_driver *driver, const char *node, struct hello *hello,
                      enum hello_note *ret_note)
{
    struct hub_incarnation own = { .state = INCARNATION_UNKNOWN };
    uint8_t space[FRAME_BYTES_MAX];
    struct buf stored = buf_of(space, sizeof space);
    struct message message;
    *ret_note = HELLO_NEWS;
    enum err err = hub_store_hello_get(driver->store, node, &stored);
    if (err == OK && message_decode(buf_bytes(&stored), &message) == OK &&
        message.type == MESSAGE_HELLO && is_older(hello, &message.hello))
        *ret_note = HELLO_OLD;
    if (err == OK || err == ERR_NOT_FOUND)
        err = hub_store_incarnation(driver->store, node, &hello->incarnation, &own);
    for (unsigned i = 0; err == OK && i < LANE_COUNT; i++) {
        if (hello->lanes[i].highest < own.highest[i])
            hello->lanes[i].highest = own.highest[i];
        if (hello->lanes[i].highest < own.lanes[i].received)
            hello->lanes[i].highest = own.lanes[i].received;
    }
    return err;
}

enum err carry_slot(const struct trust_node *node, struct peer_slot **ret_slot)
{
    struct peer_slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return ERR_MEMORY;
    hub_session_init(&slot->session, 1);
    slot->peer.curve_key = node->curve_key;
    memcpy(slot->node, node->name, sizeof slot->node);
    *ret_slot = slot;
    return OK;
}

/* ---- the session over the wire */

static struct peer_slot *wire_slot(const struct hub_driver *driver, const struct peer_slot *slot)
{
    for (unsigned i = 0; i < driver->slot_count; i++) {
        if (memcmp(driver->slots[i]->peer.curve_key.at, slot->peer.curve_key.at,
                   PUBLIC_KEY_BYTES) == 0)
            return driver->slots[i];
    }
    return NULL;
}

/* After the commit: what came counts for it, and where its incarnation is not what it was it says
 * HELLO anew. */
static void wire_told(struct hub_driver *driver, const struct peer_slot *slot, bool opened)
{
    struct peer_slot *wire = wire_slot(driver, slot);
    if (wire == NULL)
        return;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        hub_session_received(&wire->session, &slot->session.incarnation, (enum lane)i,
                             slot->session.received[i]);
    if (opened && wire->session.state != SESSION_AWAY) {
        hub_session_away(&wire->session);
        hub_session_refuse(&wire->session, ERR_STATE);
    }
}

/* ---- refusals */

static const char *const lane_names[LANE_COUNT] = { "urgent", "normal", "bulk" };

static enum err refusal(const struct peer_slot *slot, struct hub_carry_taken *taken,
                        struct problem *problem)
{
    const struct session_refuse *refuse = &slot->session.refuse;
    const char *lane = lane_names[refuse->has_lane ? refuse->lane : taken->lane];
    unsigned long long seq = refuse->seq;
    must(refuse->due);
    switch (slot->session.state) {
    case SESSION_WAITING:
        return problem_set(problem, ERR_WAITING, slot->node,
                           "its database came from a backup that is older than what offices have "
                           "seen");
    case SESSION_REOPEN:
        return problem_set(problem, taken->forked ? ERR_FORK : ERR_CARRY_LIFE, slot->node,
                           "its answer file tells the office");
    case SESSION_AWAY:
    case SESSION_ACTIVE:
    case SESSION_QUARANTINED:
    case SESSION_STATES:
        break;
    }
    if (refuse->code == ERR_GAP) {
        taken->missing = refuse->seq;
        return problem_setf(problem, ERR_CARRY_ORDER, slot->node, "lane %s from number %llu", lane,
                            seq);
    }
    taken->forked = taken->forked || refuse->code == ERR_FORK;
    return problem_setf(problem, refuse->code, slot->node, "lane %s, number %llu", lane, seq);
}

/* ---- pieces */

/* The device has signed this bundle at the place that it names, wherever our own chain stands: what
 * someone altered on the way is told apart from a fork. */
static enum err bundle_is_theirs(struct hub_driver *driver, const struct peer_slot *slot,
                                 const struct trust_node *node, const struct carry_piece *piece,
                                 struct hub_carry_taken *taken)
{
    const struct bundle_context context = { .district = driver_trust(driver)->district,
                                            .node = node->name,
                                            .incarnation = slot->session.incarnation,
                                            .hub_key = driver->keys->sign_public };
    struct hash head_after;
    enum err err = bundle_decode(piece->body, driver->bundle);
    if (err == OK)
        err = bundle_verify(driver->bundle, &context, &piece->head_before, &node->device_key,
                            &head_after);
    if (err == OK)
        taken->last = taken->first + driver->bundle->item_count - 1;
    return err == ERR_STATE ? ERR_SIGNATURE : err;
}

static enum err take_bundle(struct hub_driver *driver, struct peer_slot *slot,
                            const struct trust_node *node, const struct carry_piece *piece,
                            uint64_t now_ms, struct hub_carry_taken *taken, struct problem *problem)
{
    struct hub_session *session = &slot->session;
    taken->lane = (enum lane)piece->where.place;
    taken->first = piece->where.first;
    enum err err = OK;
    if (session->state == SESSION_ACTIVE || session->state == SESSION_QUARANTINED) {
        err = bundle_is_theirs(driver, slot, node, piece, taken);
        if (err != OK)
            return problem_setf(problem, err, slot->node, "bundle of lane %s at number %llu",
                                lane_names[taken->lane], (unsigned long long)taken->first);
    }
    session->refuse.due = false;
    if (!hub_session_whole(session, taken->lane, taken->first))
        return refusal(slot, taken, problem);
    uint64_t before = session->received[taken->lane];
    session->quota_bytes =
        SESSION_QUOTA_BYTES_MAX; /* an officer brings it, not a node that floods */
    err = driver_bundle(driver, slot, node, taken->lane, taken->first, piece->body, now_ms);
    if (err != OK)
        return err;
    taken->received = session->received[taken->lane];
    taken->forked = session->forked;
    if (session->refuse.due)
        return refusal(slot, taken, problem);
    if (before >= taken->first)
        taken->known = (before < taken->last ? before : taken->last) - taken->first + 1;
    return taken->last > taken->received
               ? problem_set(problem, ERR_SIGNATURE, slot->node, "a bundle of another incarnation")
               : OK;
}

static enum err take_proof(struct hub_driver *driver, struct peer_slot *slot,
                           const struct carry_piece *piece, uint64_t now_ms)
{
    const struct policy_return back = { .kind = piece->proof,
                                        .total = piece->body.len,
                                        .data = piece->body };
    return driver_return(driver, slot, &back, now_ms);
}

enum err carry_take_piece(struct hub_driver *driver, struct peer_slot *slot,
                          const struct trust_node *node, const struct carry_piece *piece,
                          uint64_t now_ms, struct hub_carry_taken *taken, struct problem *problem)
{
    switch (piece->where.kind) {
    case CARRY_HELLO:
        if (slot->session.state == SESSION_WAITING || slot->session.state == SESSION_REOPEN) {
            hub_session_refuse(&slot->session, ERR_STATE);
            return refusal(slot, taken, problem);
        }
        return OK;
    case CARRY_BUNDLE:
        return take_bundle(driver, slot, node, piece, now_ms, taken, problem);
    case CARRY_PROOF:
        return take_proof(driver, slot, piece, now_ms);
    default:
        return problem_set(problem, ERR_CARRY_PLACE, slot->node, "it goes to an office");
    }
}

/* The hub's own failures; the others are answers. */
static bool is_own(enum err err)
{
    return err == ERR_STORE || err == ERR_FULL || err == ERR_MEMORY || err == ERR_IO ||
           err == ERR_INTERNAL || err == ERR_BUSY;
}

/* What became of the bundle's changes. */
static enum err tally(struct hub_driver *driver, const struct peer_slot *slot,
                      const struct carry_piece *piece, uint64_t tally_from,
                      struct hub_carry_taken *taken)
{
    if (piece->where.kind != CARRY_BUNDLE)
        return OK;
    return hub_store_tally(driver->store, slot->node, &slot->session.incarnation, taken->lane,
                           taken->first > tally_from ? taken->first : tally_from, taken->last,
                           &taken->tally);
}

static enum err take_as(struct hub_driver *driver, struct peer_slot *slot,
                        const struct trust_node *node, struct hello *hello,
                        const struct carry_piece *piece, uint64_t tally_from, uint64_t now_ms,
                        struct hub_carry_taken *taken, struct problem *problem)
{
    enum hello_verdict verdict;
    enum hello_note note = HELLO_NEWS;
    enum err err = carry_settle(driver, node->name, hello, &note);
    if (err == OK)
        err = driver_hello_judge(driver, slot, node, false, note, hello, now_ms, &verdict);
    if (err != OK)
        return err;
    if (verdict == HELLO_SUPERSEDED && slot->session.state == SESSION_AWAY) {
        taken->state = SESSION_REOPEN;
        return problem_set(problem, ERR_CARRY_LIFE, slot->node, "a later one has come already");
    }
    bool arrived = slot->arrived;
    taken->state = slot->session.state;
    enum err taking = carry_take_piece(driver, slot, node, piece, now_ms, taken, problem);
    if (is_own(taking))
        return taking;
    err = hub_driver_flush(driver, now_ms);
    if (err != OK)
        return err;
    if (arrived && driver->enrol != NULL)
        hub_enrol_arrived(driver->enrol, node);
    wire_told(driver, slot, verdict == HELLO_OPEN || verdict == HELLO_TWIN);
    return taking != OK ? taking : tally(driver, slot, piece, tally_from, taken);
}

static enum err take_as_former(struct hub_driver *driver, struct peer_slot *slot,
                               const struct trust_node *node, struct hello *hello,
                               const struct carry_piece *piece, uint64_t tally_from,
                               uint64_t now_ms, struct hub_carry_taken *taken,
                               struct problem *problem)
{
    enum hello_note note = HELLO_NEWS;
    enum err err = carry_settle(driver, node->name, hello, &note);
    if (err != OK)
        return err;
    enum err taking = carry_former_take(driver, slot, node, hello, piece, now_ms, taken, problem);
    if (is_own(taking))
        return taking;
    err = hub_driver_flush(driver, now_ms);
    if (err != OK || taking != OK)
        return err != OK ? err : taking;
    return tally(driver, slot, piece, tally_from, taken);
}

enum err hub_carry_take(struct hub_driver *driver, struct bytes hello, struct bytes piece,
                        uint64_t tally_from, uint64_t now_ms, uint64_t wall_ms,
                        struct hub_carry_taken *ret_taken, struct problem *problem)
{
    struct carry_piece decoded;
    struct hello said;
    struct trust_node former;
    const struct trust_node *node = NULL;
    struct peer_slot *slot = NULL;
    *ret_taken = (struct hub_carry_taken){ .state = SESSION_AWAY };
    enum err err = hub_driver_tick(driver, now_ms, wall_ms);
    if (err == OK)
        err = hub_driver_flush(driver, now_ms); /* what the wire brought is settled first */
    if (err != OK)
        return err;
    err = carry_hello(driver, hello, &said, &node, problem);
    bool is_former = err == ERR_SIGNATURE && carry_former(driver, &said, node, &former) == OK;
    if (err != OK && !is_former)
        return err;
    if (is_former) {
        node = &former;
        *problem = (struct problem){ .code = OK };
    }
    must(node != NULL);
    memcpy(ret_taken->node, node->name, sizeof ret_taken->node);
    err = carry_piece_decode(piece, &decoded);
    if (err != OK)
        return problem_set(problem, err, node->name, "a piece of the bundle");
    ret_taken->kind = decoded.where.kind;
    err = carry_slot(node, &slot);
    if (err == OK)
        err = is_former ? take_as_former(driver, slot, node, &said, &decoded, tally_from, now_ms,
                                         ret_taken, problem)
                        : take_as(driver, slot, node, &said, &decoded, tally_from, now_ms,
                                  ret_taken, problem);
    free(slot);
    if (is_own(err) && driver->turn)
        (void)driver_fail(driver, err);
    return err;
}
