#include <stdlib.h>

#include "common/must.h"
#include "node/node_driver_inside.h"
#include "node/node_enrol.h"

static enum err send_message(struct node_driver *driver, const struct message *message)
{
    struct writer out = writer_of(driver->frame, sizeof driver->frame);
    enum err err = message_encode(message, &out);
    must(err == OK); /* what we send fits a frame */
    err = driver->ports.send(driver->ports.ctx, writer_bytes(&out));
    return err == OK ? OK : ERR_BUSY;
}

enum err driver_hello_make(struct node_driver *driver, const struct id *nonce,
                           struct message *ret_message)
{
    const struct node_identity *identity = &driver->identity;
    struct message message = { .type = MESSAGE_HELLO };
    struct hello *hello = &message.hello;
    hello->version = PROTOCOL_VERSION;
    hello->district = bytes_text(identity->district);
    hello->node = bytes_text(identity->node);
    hello->incarnation = identity->incarnation;
    hello->has_previous = identity->has_previous;
    hello->previous = identity->previous;
    hello->policy = node_store_policy_mark(driver->store);
    hello->wants_records = driver->facts.wants_records;
    hello->wall_ms = driver->wall_ms;
    enum err err = node_store_seen(driver->store, &hello->seen_epoch, &hello->seen_number);
    for (unsigned i = 0; err == OK && i < LANE_COUNT; i++) {
        struct node_lane lane;
        err = node_store_lane(driver->store, (enum lane)i, &lane);
        if (err == OK)
            hello->lanes[i] = (struct hello_lane){ .acked = lane.acked,
                                                   .head = lane.acked_head,
                                                   .highest = lane.highest };
        if (err == OK)
            err = node_store_unread(driver->store, (enum lane)i, &hello->lanes[i].unread);
    }
    for (unsigned i = 0; err == OK && i < FEED_STREAMS; i++)
        err = node_store_cursor(driver->store, (enum feed_stream)i, &hello->cursors[i]);
    if (err != OK)
        return err;
    hello->nonce = *nonce;
    struct writer out = writer_of(driver->statement, sizeof driver->statement);
    hello_statement(hello, &out);
    must(out.err == OK);
    hello->statement = writer_bytes(&out);
    crypto_sign_typed("hello", hello->statement, node_store_device_key(driver->store),
                      &hello->signature);
    *ret_message = message;
    return OK;
}

enum err driver_send_hello(struct node_driver *driver)
{
    const struct id nonce = crypto_random_id();
    struct message message;
    enum err err = driver_hello_make(driver, &nonce, &message);
    if (err != OK)
        return err;
    driver->nonce = nonce;
    driver->has_nonce = true;
    return send_message(driver, &message);
}

enum err driver_send_enrol(struct node_driver *driver)
{
    struct message message;
    node_enrol_message(driver->store, &driver->identity, driver->statement, &message);
    return send_message(driver, &message);
}

static void send_operator(void *ctx, const struct node_operator *op)
{
    struct node_driver *driver = ctx;
    if (op->number != 0 || op->request.len == 0)
        return;
    /* One that does not leave goes with the next round. */
    (void)driver->ports.send(driver->ports.ctx, op->request);
}

enum err driver_send_operators(struct node_driver *driver)
{
    return node_store_operators(driver->store, send_operator, driver);
}

/* A link that is full takes the rest after the next HELLO. */
static void send_return(struct node_driver *driver, unsigned kind, uint64_t version,
                        struct bytes document)
{
    enum err err = OK;
    for (size_t at = 0; at < document.len && err == OK; at += FRAME_DATA_BYTES_MAX) {
        size_t left = document.len - at;
        const struct message message = {
            .type = MESSAGE_RETURN,
            .policy_return = { .kind = kind,
                               .version = version,
                               .total = document.len,
                               .offset = at,
                               .data = bytes_of(document.at + at, left < FRAME_DATA_BYTES_MAX
                                                                      ? left
                                                                      : FRAME_DATA_BYTES_MAX) }
        };
        err = send_message(driver, &message);
    }
}

enum err driver_send_returns(struct node_driver *driver, const struct policy_mark *hub)
{
    const struct policy_mark mine = node_store_policy_mark(driver->store);
    struct bytes document;
    enum err err = OK;
    for (unsigned i = 0; err == OK && i < PROOF_ACKS + FEED_STREAMS; i++) {
        enum return_kind kind = i < PROOF_ACKS ? RETURN_ACK : RETURN_FEED;
        err = node_store_proof(driver->store, kind, i < PROOF_ACKS ? i : i - PROOF_ACKS, &document);
        if (err == OK)
            send_return(driver, kind, 0, document);
        else if (err == ERR_NOT_FOUND)
            err = OK;
    }
    for (uint64_t v = hub->trust_version + 1; err == OK && v <= mine.trust_version; v++) {
        err = node_store_trust_get(driver->store, v, &document);
        if (err == OK)
            send_return(driver, RETURN_TRUST, v, document);
    }
    for (uint64_t v = hub->rules_version + 1; err == OK && v <= mine.rules_version; v++) {
        err = node_store_rules_get(driver->store, v, &document);
        if (err == OK)
            send_return(driver, RETURN_RULES, v, document);
        else if (err == ERR_NOT_FOUND)
            err = OK; /* only the newest came here; another office may have it */
    }
    /* After the rules that name them: before, they are nothing to the hub. */
    for (uint64_t v = hub->rules_version + 1; err == OK && v <= mine.rules_version; v++)
        err = driver_send_dictionary(driver, v);
    return err;
}

enum err driver_send_dictionary(struct node_driver *driver, uint64_t version)
{
    struct bytes bytes;
    enum err err = node_store_dictionary_get(driver->store, version, &bytes);
    if (err == OK)
        send_return(driver, RETURN_DICTIONARY, version, bytes);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err driver_send_confirm(struct node_driver *driver, const struct node_action *action)
{
    const struct message message = { .type = MESSAGE_CONFIRM,
                                     .confirm = { .stream = action->stream,
                                                  .epoch = action->epoch,
                                                  .number = action->number,
                                                  .offset = action->offset } };
    return send_message(driver, &message);
}

enum err driver_send_slice(struct node_driver *driver, const struct node_action *action)
{
    const struct run_bytes *kept = &driver->runs[action->lane];
    must(kept->at != NULL && action->offset + action->bytes <= kept->run.total);
    struct message message = { .type = MESSAGE_PUSH };
    message.push = (struct push){ .lane = action->lane,
                                  .first = kept->run.first,
                                  .has_tag = action->bytes < kept->run.total,
                                  .total = kept->run.total,
                                  .offset = action->offset,
                                  .data = bytes_of(kept->at + action->offset, action->bytes) };
    memcpy(message.push.tag, kept->run.tag, BUNDLE_TAG_BYTES);
    return send_message(driver, &message);
}

void driver_drop_run(struct node_driver *driver, enum lane lane)
{
    free(driver->runs[lane].at);
    driver->runs[lane] = (struct run_bytes){ .at = NULL };
}

/* Signs the entries of `run` and keeps the bundle. */
static enum err run_sign(struct node_driver *driver, enum lane lane, const struct queue_run *run,
                         struct bytes keys, struct bytes items, struct writer *out)
{
    struct bundle_context context = { .district = driver->identity.district,
                                      .node = driver->identity.node,
                                      .incarnation = driver->identity.incarnation,
                                      .hub_key = driver->identity.hub.sign_key };
    struct policy_mark mark = node_store_policy_mark(driver->store);
    return bundle_sign(&context, lane, run->first, driver->facts.lanes[lane].highest,
                       mark.trust_version, mark.rules_version, &run->head_before, &run->head_after,
                       run->count, keys, items, node_store_device_key(driver->store), out);
}

enum err driver_bundle_make(struct node_driver *driver, const struct node_action *action,
                            size_t bytes_max, uint8_t *space, struct queue_run *ret_run,
                            struct bytes *ret_bundle)
{
    must(bytes_max <= BUNDLE_BYTES_MAX);
    struct queue_run run = { .count = action->max_items };
    unsigned max_items = action->max_items;
    for (;;) {
        struct writer keys = writer_of(space, RUN_KEYS_BYTES);
        struct writer items = writer_of(space + RUN_KEYS_BYTES, BUNDLE_BYTES_MAX);
        struct writer out = writer_of(space + RUN_KEYS_BYTES + BUNDLE_BYTES_MAX, bytes_max);
        enum err err = node_store_run(driver->store, action->lane, action->first, max_items,
                                      action->max_bytes, action->all_keys, &keys, &items, &run);
        if (err == OK)
            err = keys.err != OK ? keys.err : items.err;
        if (err == OK)
            err = run_sign(driver, action->lane, &run, writer_bytes(&keys), writer_bytes(&items),
                           &out);
        if (err == OK) {
            *ret_run = run;
            *ret_bundle = writer_bytes(&out);
        }
        /* Too many keys, or items that only just do not fit: fewer of them do. */
        if (err != ERR_LIMIT || max_items == 1)
            return err;
        max_items = (run.count < max_items ? run.count : max_items) / 2;
        if (max_items == 0)
            max_items = 1;
    }
}

enum err driver_load_run(struct node_driver *driver, const struct node_action *action)
{
    must(driver->runs[action->lane].at == NULL);
    struct queue_run run = { .count = 0 };
    struct bytes bundle = { NULL, 0 };
    /* Large, but only what is written gets pages, and it goes back at once. */
    uint8_t *space = malloc(RUN_SPACE_BYTES);
    if (space == NULL)
        return ERR_MEMORY;
    enum err err = driver_bundle_make(driver, action, BUNDLE_BYTES_MAX, space, &run, &bundle);
    uint8_t *kept = NULL;
    if (err == OK) {
        kept = malloc(bundle.len);
        err = kept == NULL ? ERR_MEMORY : OK;
    }
    if (err == OK) {
        must(run.first == action->first && run.count > 0);
        memcpy(kept, bundle.at, bundle.len);
        struct run_bytes *to = &driver->runs[action->lane];
        to->at = kept;
        to->run = (struct node_run){ .lane = action->lane,
                                     .first = run.first,
                                     .last = run.first + run.count - 1,
                                     .total = bundle.len };
        bundle_tag(bundle, to->run.tag);
    }
    free(space);
    return err;
}
