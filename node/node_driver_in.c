#include <stdlib.h>

#include "common/must.h"
#include "node/node_driver_inside.h"

#define FEED_WORK_BYTES (FEED_PLAIN_BYTES_MAX + 8 * 1024)

/* Ours: the message is not to blame. */
static bool own_failure(enum err err)
{
    return err == ERR_STORE || err == ERR_FULL || err == ERR_MEMORY || err == ERR_IO ||
           err == ERR_INTERNAL;
}

static enum err ignore(struct node_driver *driver)
{
    driver->bad_messages++;
    return OK;
}

static bool addressed(const struct node_driver *driver, struct bytes district, struct bytes node)
{
    return bytes_is(district, driver->identity.district) && bytes_is(node, driver->identity.node);
}

static enum err welcome_in(struct node_driver *driver, const struct welcome *welcome)
{
    if (!driver->has_nonce || !id_equal(&welcome->nonce, &driver->nonce) ||
        !id_equal(&welcome->incarnation, &driver->identity.incarnation) ||
        !addressed(driver, welcome->district, welcome->node) ||
        welcome->version != PROTOCOL_VERSION ||
        !crypto_verify_typed("welcome", welcome->statement, &driver->identity.hub.sign_key,
                             &welcome->signature))
        return ignore(driver);
    bool fork = false;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct hash head;
        uint64_t received = welcome->lanes[i].received;
        if (received > driver->facts.lanes[i].highest)
            continue; /* the session sees that itself */
        enum err err = node_store_head(driver->store, (enum lane)i, received, &head);
        if (err == OK && !hash_equal(&head, &welcome->lanes[i].head))
            fork = true;
        else if (err != OK && err != ERR_NOT_FOUND)
            return err;
    }
    if (welcome->standing == STANDING_ACTIVE || welcome->standing == STANDING_QUARANTINED) {
        enum err err = node_store_welcomed(driver->store, welcome->journal.number, welcome->lost);
        if (err != OK && err != ERR_FULL) /* a full disk does not keep from sending */
            return err;
    }
    driver->has_nonce = false;
    driver->refusal.code = OK;
    node_clock_hear(&driver->clock, welcome->wall_ms, driver->session.now_ms, driver->wall_ms);
    driver_note_link(driver);
    struct node_event event = { .kind = NODE_GOT_WELCOME, .welcome = welcome, .fork = fork };
    driver_step(driver, &event);
    if (welcome->standing == STANDING_WAITING)
        return driver_send_returns(driver, &welcome->policy);
    return OK;
}

/* Items ascend without gaps up to `last`; *ret_first is last + 1 when there are none. */
static bool ack_span(const struct ack *ack, uint64_t *ret_first)
{
    struct items_iter iter = items_of(ack->items);
    struct ack_item item;
    uint64_t first = 0, at = 0;
    while (ack_item_next(&iter, &item)) {
        if (item.seq == 0 || (at != 0 && item.seq != at + 1))
            return false;
        at = item.seq;
        if (first == 0)
            first = at;
    }
    if (iter.left > 0 || (at != 0 && at != ack->last))
        return false;
    *ret_first = first == 0 ? ack->last + 1 : first;
    return true;
}

enum err driver_ack_check(struct node_driver *driver, const struct ack *ack,
                          struct node_ack *ret_known)
{
    const struct node_identity *identity = &driver->identity;
    struct hash head;
    struct node_ack known = { .lane = ack->lane,
                              .last = ack->last,
                              .epoch = ack->epoch,
                              .number = ack->number,
                              .keep_from = ack->keep_from };
    if (ack->last > driver->facts.lanes[ack->lane].highest)
        return ERR_STATE;
    if (!ack_span(ack, &known.first))
        return ERR_MALFORMED;
    enum err err = node_store_head(driver->store, ack->lane, ack->last, &head);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_STATE : err;
    struct writer out = writer_of(driver->statement, sizeof driver->statement);
    ack_statement(ack, identity->district, identity->node, &identity->incarnation, &head, &out);
    if (out.err != OK ||
        !crypto_verify_typed("ack", writer_bytes(&out), &identity->hub.sign_key, &ack->signature))
        return ERR_SIGNATURE;
    *ret_known = known;
    return OK;
}

static enum err ack_in(struct node_driver *driver, const struct ack *ack)
{
    struct node_ack known;
    enum err err = driver_ack_check(driver, ack, &known);
    if (err != OK)
        return own_failure(err) ? err : ignore(driver);
    driver->refusal.code = OK; /* what it refused before has been overcome */
    driver->ack = ack;
    struct node_event event = { .kind = NODE_GOT_ACK, .ack = &known };
    driver_step(driver, &event);
    return OK;
}

static void feed_in(struct node_driver *driver, const struct feed *feed)
{
    const struct feed_bytes *held = &driver->batches[feed->stream];
    size_t repeated = 0;
    if (feed->offset < held->len)
        repeated = held->len - (size_t)feed->offset < feed->data.len
                       ? held->len - (size_t)feed->offset
                       : feed->data.len;
    bool same = repeated == 0 || memcmp(held->at + feed->offset, feed->data.at, repeated) == 0;
    driver->feed = feed;
    struct node_event event = { .kind = NODE_GOT_FEED, .feed = feed, .same = same };
    driver_step(driver, &event);
}

void driver_drop_feed(struct node_driver *driver, enum feed_stream stream)
{
    free(driver->batches[stream].at);
    driver->batches[stream] = (struct feed_bytes){ .at = NULL };
}

static enum err batch_apply(struct node_driver *driver, const struct feed *feed, struct bytes raw,
                            struct problem *problem)
{
    uint8_t *space = malloc(FEED_WORK_BYTES + FEED_PLAIN_BYTES_MAX);
    if (space == NULL)
        return ERR_MEMORY;
    struct buf work = buf_of(space, FEED_WORK_BYTES);
    struct buf items = buf_of(space + FEED_WORK_BYTES, FEED_PLAIN_BYTES_MAX);
    struct feed_batch batch;
    enum err err = feed_batch_open(raw, driver->identity.district, driver->identity.node,
                                   &driver->identity.hub.sign_key, &batch);
    if (err == OK && (batch.stream != feed->stream || batch.epoch != feed->epoch ||
                      batch.from != feed->from || batch.to != feed->to))
        err = ERR_MALFORMED;
    if (err == OK)
        err = feed_batch_items(&batch, node_store_seal_key(driver->store), &work, &items);
    if (err == OK)
        err = node_store_feed(driver->store, &batch, buf_bytes(&items), problem);
    if (feed->stream == FEED_RECORDS) { /* people's data, outside of the store's own memory */
        crypto_wipe(work.at, work.len);
        crypto_wipe(items.at, items.len);
    }
    free(space);
    return err;
}

enum err driver_take_feed(struct node_driver *driver, const struct node_action *action,
                          enum node_event_kind *ret_event)
{
    struct feed_bytes *held = &driver->batches[action->stream];
    const struct feed *feed = driver->feed;
    must(feed != NULL && feed->stream == action->stream);
    if (action->start) {
        driver_drop_feed(driver, action->stream);
        held->at = malloc(action->total);
        if (held->at == NULL)
            return ERR_MEMORY;
        held->cap = action->total;
    }
    must(held->at != NULL && held->len == action->offset && action->bytes <= held->cap - held->len);
    memcpy(held->at + held->len, feed->data.at, action->bytes);
    held->len += action->bytes;
    if (!action->whole)
        return OK;
    struct problem problem = { .code = OK };
    enum err err = batch_apply(driver, feed, bytes_of(held->at, held->len), &problem);
    driver_drop_feed(driver, action->stream);
    if (err != OK && problem.code == OK)
        problem_set(&problem, err, "feed", NULL);
    if (problem.code != OK)
        driver_refused(driver, &problem);
    if (own_failure(err))
        return err;
    *ret_event = err == OK ? NODE_FEED_STORED : NODE_FEED_BAD;
    return OK;
}

static enum err enrol_state_in(struct node_driver *driver, const struct enrol_state *state)
{
    const struct node_identity *identity = &driver->identity;
    if (identity->enrolment != ENROLMENT_WAITING ||
        !addressed(driver, state->district, state->node) ||
        !id_equal(&state->invite, &identity->invite) ||
        memcmp(state->device_key.at, identity->device_public.at, PUBLIC_KEY_BYTES) != 0 ||
        !crypto_verify_typed("enrol-state", state->statement, &identity->hub.sign_key,
                             &state->signature))
        return ignore(driver);
    if (state->standing == ENROL_WAITING)
        driver->refusal.code = OK;
    struct node_event event = { .kind = NODE_GOT_ENROL_STATE, .standing = state->standing };
    driver_step(driver, &event);
    return OK;
}

static void operator_state_in(struct node_driver *driver, const struct operator_state *state)
{
    if (state->standing == ENROL_REFUSED) {
        struct problem problem = { .code = OK };
        problem_set(&problem, ERR_DENIED, "operator", "operator add");
        driver_refused(driver, &problem);
    }
    struct node_event event = { .kind = NODE_GOT_OPERATOR_STATE, .standing = state->standing };
    driver_step(driver, &event);
}

static enum err refuse_in(struct node_driver *driver, const struct refuse *refuse)
{
    char detail[PROBLEM_DETAIL_MAX];
    size_t len = refuse->detail.len < sizeof detail - 1 ? refuse->detail.len : sizeof detail - 1;
    if (len > 0)
        memcpy(detail, refuse->detail.at, len);
    detail[len] = '\0';
    enum err code = err_from_name(refuse->code);
    struct problem problem = { .code = OK };
    if (code == OK || code == ERR_COUNT)
        code = ERR_DENIED;
    problem_set(&problem, code, "hub", detail);
    driver_refused(driver, &problem);
    if (driver->identity.enrolment == ENROLMENT_WAITING &&
        (code == ERR_USED || code == ERR_EXPIRED)) {
        struct node_event over = { .kind = NODE_GOT_ENROL_STATE, .standing = ENROL_REFUSED };
        driver_step(driver, &over);
        return OK;
    }
    /* It goes first, so that what is sent again finds it. */
    enum err err = code == ERR_DICTIONARY ? driver_send_dictionary(driver, refuse->seq) : OK;
    struct node_event event = { .kind = NODE_GOT_REFUSE,
                                .code = code,
                                .has_lane = refuse->has_lane,
                                .lane = refuse->lane,
                                .seq = refuse->seq };
    driver_step(driver, &event);
    return err;
}

enum err driver_message(struct node_driver *driver, const struct message *message)
{
    struct node_event event = { .kind = NODE_GOT_PROGRESS };
    if (driver->identity.enrolment == ENROLMENT_NONE)
        return ignore(driver);
    switch (message->type) {
    case MESSAGE_WELCOME:
        return welcome_in(driver, &message->welcome);
    case MESSAGE_PROGRESS:
        event.progress = &message->progress;
        driver_step(driver, &event);
        return OK;
    case MESSAGE_ACK:
        return ack_in(driver, &message->ack);
    case MESSAGE_FEED:
        feed_in(driver, &message->feed);
        return OK;
    case MESSAGE_ENROL_STATE:
        return enrol_state_in(driver, &message->enrol_state);
    case MESSAGE_OPERATOR_STATE:
        operator_state_in(driver, &message->operator_state);
        return OK;
    case MESSAGE_REFUSE:
        return refuse_in(driver, &message->refuse);
    case MESSAGE_HELLO:
    case MESSAGE_PUSH:
    case MESSAGE_CONFIRM:
    case MESSAGE_ENROL:
    case MESSAGE_OPERATOR:
    case MESSAGE_RETURN:
        break; /* those go to a hub */
    }
    return ignore(driver);
}
