#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"
#include "hub/hub_driver_inside.h"

#define STATEMENT_BYTES_MAX 1024
#define ACK_ITEMS_BYTES_MAX (FRAME_BYTES_MAX - 512)

static_assert(ACK_ITEMS_BYTES_MAX + 256 <= FRAME_BYTES_MAX,
              "an ACK's items and its head fit a frame");

/* ---- messages */

static enum err bytes_send(struct hub_driver *driver, const struct hub_peer *peer,
                           struct bytes frame)
{
    enum err err = driver->ports.send(driver->ports.ctx, peer, frame);
    if (err == ERR_BUSY)
        driver->counters.sends_busy++;
    return err;
}

static enum err frame_send(struct hub_driver *driver, const struct hub_peer *peer,
                           const struct message *message)
{
    struct writer out = writer_of(driver->frame, sizeof driver->frame);
    enum err err = message_encode(message, &out);
    must(err == OK); /* all that the hub says was made to fit */
    return bytes_send(driver, peer, writer_bytes(&out));
}

void driver_send_message(struct hub_driver *driver, const struct hub_peer *peer,
                         const struct message *message)
{
    (void)frame_send(driver, peer, message); /* the peer asks again */
}

static enum err refuse_send(struct hub_driver *driver, const struct hub_peer *peer,
                            const struct session_refuse *refuse)
{
    driver->counters.refusals++;
    const struct message message = { .type = MESSAGE_REFUSE,
                                     .refuse = { .code = bytes_text(err_name(refuse->code)),
                                                 .has_lane = refuse->has_lane,
                                                 .lane = refuse->lane,
                                                 .seq = refuse->seq,
                                                 .detail = bytes_text("") } };
    return frame_send(driver, peer, &message);
}

void driver_refuse(struct hub_driver *driver, const struct hub_peer *peer, enum err code)
{
    (void)refuse_send(driver, peer, &(struct session_refuse){ .code = code });
}

static void lost_add(void *ctx, const struct hub_row *row)
{
    uint64_t bounds[2] = { 0, 0 };
    for (int i = 0; i < row->count; i++) {
        if (strcmp(row->names[i], "first") == 0)
            bounds[0] = strtoull(row->values[i], NULL, 10);
        else if (strcmp(row->names[i], "last") == 0)
            bounds[1] = strtoull(row->values[i], NULL, 10);
    }
    must(bounds[0] > 0 && bounds[1] >= bounds[0]);
    *(uint64_t *)ctx += bounds[1] - bounds[0] + 1;
}

enum err driver_welcome_write(struct hub_driver *driver, const struct peer_slot *slot,
                              struct writer *out)
{
    const struct session_welcome *due = &slot->session.welcome;
    bool same = id_equal(&due->incarnation, &slot->session.incarnation);
    struct hub_incarnation own;
    enum err err = hub_store_incarnation(driver->store, slot->node, &due->incarnation, &own);
    if (err != OK)
        return err;
    uint64_t lost = 0;
    const char *const parameters[] = { slot->node };
    err = hub_store_list(driver->store, HUB_LIST_LOST, parameters, lost_add, &lost);
    if (err != OK)
        return err;
    struct message message = { .type = MESSAGE_WELCOME };
    struct welcome *welcome = &message.welcome;
    *welcome = (struct welcome){ .version = PROTOCOL_VERSION,
                                 .district = bytes_text(driver_trust(driver)->district),
                                 .node = bytes_text(slot->node),
                                 .incarnation = due->incarnation,
                                 .nonce = due->nonce,
                                 .standing = due->standing,
                                 .journal = hub_store_journal(driver->store),
                                 .policy = hub_store_policy_mark(driver->store),
                                 .lost = lost,
                                 .wall_ms = driver->wall_ms };
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        const struct session_assembly *assembly = &slot->session.assemblies[i];
        welcome->lanes[i] = (struct welcome_lane){ .received = own.lanes[i].received,
                                                   .head = own.lanes[i].head,
                                                   .keep_from = own.lanes[i].keep_from };
        welcome->partials[i].any = same && assembly->any && assembly->offset > 0;
        welcome->partials[i].first = assembly->first;
        welcome->partials[i].offset = assembly->offset;
        memcpy(welcome->partials[i].tag, assembly->tag, BUNDLE_TAG_BYTES);
    }
    memcpy(welcome->proven, due->proven, sizeof welcome->proven);
    uint8_t space[STATEMENT_BYTES_MAX];
    struct writer statement = writer_of(space, sizeof space);
    welcome_statement(welcome, &statement);
    must(statement.err == OK);
    welcome->statement = writer_bytes(&statement);
    crypto_sign_typed("welcome", welcome->statement, driver->keys->sign, &welcome->signature);
    return message_encode(&message, out);
}

static enum err welcome_send(struct hub_driver *driver, struct peer_slot *slot, enum err *ret_own)
{
    struct writer out = writer_of(driver->frame, sizeof driver->frame);
    *ret_own = driver_welcome_write(driver, slot, &out);
    if (*ret_own != OK)
        return ERR_BUSY;
    enum err err = bytes_send(driver, &slot->welcome_to, writer_bytes(&out));
    if (err == OK && id_equal(&slot->session.welcome.incarnation, &slot->session.incarnation))
        hub_session_welcomed(&slot->session, hub_store_journal(driver->store).number);
    return err;
}

enum err driver_ack_write(struct hub_driver *driver, const struct peer_slot *slot,
                          const struct session_action *action, struct writer *out,
                          uint64_t *ret_last)
{
    const struct id *incarnation = &slot->session.incarnation;
    struct hub_incarnation own;
    struct hash head;
    unsigned count = 0;
    uint64_t last = 0;
    uint8_t space[ACK_ITEMS_BYTES_MAX];
    struct writer raw = writer_of(space, sizeof space);
    enum err err = hub_store_ack_items(driver->store, slot->node, incarnation, action->lane,
                                       action->first, action->last, &raw, &count, &last);
    if (err == OK && (count == 0 || raw.err != OK || last < action->first || last > action->last))
        err = ERR_INTERNAL;
    if (err == OK)
        err = hub_store_head(driver->store, slot->node, incarnation, action->lane, last, &head);
    if (err == OK)
        err = hub_store_incarnation(driver->store, slot->node, incarnation, &own);
    if (err != OK)
        return err;

    uint8_t items_space[ACK_ITEMS_BYTES_MAX + 8];
    struct writer items = writer_of(items_space, sizeof items_space);
    writer_array(&items, count);
    writer_raw(&items, writer_bytes(&raw));
    struct cursor journal = hub_store_journal(driver->store);
    struct message message = { .type = MESSAGE_ACK,
                               .ack = { .lane = action->lane,
                                        .last = last,
                                        .epoch = journal.epoch,
                                        .number = journal.number,
                                        .keep_from = own.lanes[action->lane].keep_from,
                                        .items = writer_bytes(&items) } };
    struct writer statement = writer_of(driver->work.at, driver->work.cap);
    ack_statement(&message.ack, driver_trust(driver)->district, slot->node, incarnation, &head,
                  &statement);
    must(items.err == OK && statement.err == OK);
    crypto_sign_typed("ack", writer_bytes(&statement), driver->keys->sign, &message.ack.signature);
    driver->counters.acks++;
    *ret_last = last;
    return message_encode(&message, out);
}

static enum err ack_send(struct hub_driver *driver, struct peer_slot *slot,
                         const struct session_action *action, uint64_t *ret_last, enum err *ret_own)
{
    struct writer out = writer_of(driver->frame, sizeof driver->frame);
    *ret_own = driver_ack_write(driver, slot, action, &out, ret_last);
    return *ret_own != OK ? ERR_BUSY : bytes_send(driver, &slot->peer, writer_bytes(&out));
}

/* ---- feed */

struct feed_find {
    struct hub_reader reader;
    enum feed_stream stream;
    uint64_t from; /* looked at from here */
    uint64_t to;
    struct hash hash;
    unsigned count;
    size_t bytes;     /* of driver->plain */
    size_t bytes_max; /* of the batch */
    bool over;        /* what one number holds takes more than that */
};

static enum err feed_read(struct hub_driver *driver, struct feed_find *find, size_t cap,
                          unsigned max)
{
    struct writer items = writer_of(driver->plain.at, cap);
    enum err err = hub_store_feed(driver->store, &find->reader, find->stream, find->from, max,
                                  &items, &find->count, &find->to, &find->hash);
    find->bytes = items.buf.len;
    return err;
}

/* Items from `find->from` on, as one signed batch in driver->batch. What is too much for one batch
 * is tried with half as many; what one number holds is not torn (ERR_LIMIT, with the whole of it in
 * driver->batch). No batch (*ret_any false): nothing for this node up to `find->to`. */
static enum err feed_build(struct hub_driver *driver, const struct trust_node *node,
                           const struct session_flow *flow, struct feed_find *find, bool *ret_any)
{
    struct cursor journal = hub_store_journal(driver->store);
    const size_t room = driver->plain.cap - 16; /* the head of the array stands before the items */
    unsigned max = FEED_ITEMS_MAX;
    enum err err = feed_read(driver, find, hub_session_batch_bytes(flow), max);
    if (err == ERR_LIMIT)
        err = feed_read(driver, find, room, max = 1); /* one entry that is larger goes alone */
    *ret_any = err == OK && (find->count > 0 || hub_session_empty_due(flow, find->to));
    while (err == OK && *ret_any) {
        const struct feed_batch batch = { .district = bytes_text(driver_trust(driver)->district),
                                          .node = bytes_text(node->name),
                                          .stream = find->stream,
                                          .epoch = journal.epoch,
                                          .from = flow->number,
                                          .to = find->to,
                                          .journal_hash = find->hash,
                                          .count = find->count };
        struct writer out =
            writer_of(driver->batch.at, find->over ? driver->batch.cap : find->bytes_max);
        driver->work.len = 0;
        err = feed_batch_build(&batch, bytes_of(driver->plain.at, find->bytes),
                               find->stream == FEED_RECORDS ? &node->seal_key : NULL,
                               driver->keys->sign, &driver->work, &out);
        driver->batch.len = out.buf.len;
        if (err == OK && find->over)
            return ERR_LIMIT;
        if (err != ERR_LIMIT)
            return err;
        if (max == 1 && find->bytes_max < driver->batch.cap && !find->over) {
            find->over = true;
            err = OK;
            continue;
        }
        if (max == 1) {
            log_error("one item is too large for the feed node=%s number=%llu", node->name,
                      (unsigned long long)find->to);
            return ERR_INTERNAL;
        }
        max = (find->count < max ? find->count : max) / 2;
        err = feed_read(driver, find, room, max = max > 0 ? max : 1);
    }
    return err;
}

static struct feed_find find_of(const struct hub_driver *driver, const struct peer_slot *slot,
                                const struct trust_node *node, enum feed_stream stream,
                                uint64_t from)
{
    const struct hub_session *session = &slot->session;
    struct feed_find find = {
        .reader = { .node = node->name, .area = node->area, .incarnation = session->incarnation },
        .stream = stream,
        .from = from,
        .bytes_max = driver->batch.cap
    };
    memcpy(find.reader.unread, session->unread, sizeof find.reader.unread);
    return find;
}

enum err driver_feed_batch(struct hub_driver *driver, const struct peer_slot *slot,
                           const struct trust_node *node, enum feed_stream stream, uint64_t from,
                           size_t bytes_max, uint64_t *ret_to, size_t *ret_count)
{
    struct feed_find find = find_of(driver, slot, node, stream, from);
    const struct session_flow flow = { .number = from, .slice_bytes = FRAME_DATA_BYTES_MAX };
    bool any = false;
    if (bytes_max < find.bytes_max)
        find.bytes_max = bytes_max;
    enum err err = feed_build(driver, node, &flow, &find, &any);
    if (err == ERR_LIMIT)
        *ret_count = driver->batch.len;
    if (err != OK)
        return err;
    *ret_to = find.to;
    *ret_count = find.count;
    return OK;
}

static enum err batch_keep(struct hub_driver *driver, struct peer_slot *slot,
                           const struct feed_find *find, uint64_t confirmed)
{
    size_t bytes = driver->batch.len;
    driver_batch_release(driver, slot, find->stream);
    if (driver->counters.batch_bytes + bytes > BATCHES_BYTES_MAX)
        return ERR_BUSY;
    uint8_t *at = malloc(bytes);
    if (at == NULL)
        return ERR_MEMORY;
    memcpy(at, driver->batch.at, bytes);
    slot->batches[find->stream].at = at;
    slot->batches[find->stream].bytes = bytes;
    slot->batches[find->stream].epoch = hub_store_journal(driver->store).epoch;
    slot->batches[find->stream].from = confirmed;
    slot->batches[find->stream].to = find->to;
    driver->counters.batch_bytes += bytes;
    driver->counters.feed_batches++;
    return OK;
}

static enum err feed_fill(struct hub_driver *driver, struct peer_slot *slot,
                          const struct session_action *action, uint64_t now_ms)
{
    struct hub_session *session = &slot->session;
    const struct session_flow *flow = &session->flows[action->stream];
    const struct trust_node *node =
        trust_node_by_curve(driver_trust(driver), &slot->peer.curve_key);
    must(node != NULL); /* else journal_moved took the slot away */
    struct feed_find find = find_of(driver, slot, node, action->stream, action->first);
    bool any = false;
    enum err err = feed_build(driver, node, flow, &find, &any);
    if (err == OK && !any) {
        bool more = find.to < hub_store_journal(driver->store).number;
        hub_session_fed_nothing(session, action->stream, find.to, more, now_ms);
        return OK;
    }
    if (err == OK)
        err = batch_keep(driver, slot, &find, flow->number);
    if (err != OK) {
        hub_session_feed_later(session, action->stream, now_ms);
        return err == ERR_BUSY ? OK : err;
    }
    hub_session_fed(session, action->stream, find.to, slot->batches[action->stream].bytes, now_ms);
    return OK;
}

static enum err slice_send(struct hub_driver *driver, struct peer_slot *slot,
                           const struct session_action *action)
{
    must(slot->batches[action->stream].at != NULL &&
         action->offset + action->bytes <= slot->batches[action->stream].bytes);
    const struct message message = {
        .type = MESSAGE_FEED,
        .feed = { .stream = action->stream,
                  .epoch = slot->batches[action->stream].epoch,
                  .from = slot->batches[action->stream].from,
                  .to = slot->batches[action->stream].to,
                  .total = slot->batches[action->stream].bytes,
                  .offset = action->offset,
                  .data =
                      bytes_of(slot->batches[action->stream].at + action->offset, action->bytes) }
    };
    return frame_send(driver, &slot->peer, &message);
}

/* ---- what is due */

static enum err action_send(struct hub_driver *driver, struct peer_slot *slot,
                            const struct session_action *action, uint64_t *ret_last,
                            enum err *ret_own)
{
    const struct session_progress *progress = &slot->session.progress[action->lane];
    const struct message message = {
        .type = MESSAGE_PROGRESS,
        .progress = { .lane = action->lane, .first = progress->first, .offset = progress->offset }
    };
    switch (action->kind) {
    case SESSION_SEND_REFUSE:
        return refuse_send(driver, &slot->peer, &slot->session.refuse);
    case SESSION_SEND_WELCOME:
        return welcome_send(driver, slot, ret_own);
    case SESSION_SEND_PROGRESS:
        return frame_send(driver, &slot->peer, &message);
    case SESSION_SEND_ACK:
        return ack_send(driver, slot, action, ret_last, ret_own);
    case SESSION_SEND_FEED:
        return slice_send(driver, slot, action);
    case SESSION_BUILD_FEED:
        break;
    }
    must_failed("an action that sends", __FILE__, __LINE__);
}

enum err driver_pump(struct hub_driver *driver, struct peer_slot *slot, uint64_t now_ms)
{
    struct session_action action;
    enum err own = OK;
    for (unsigned i = 0; own == OK && i < ACTIONS_A_TURN; i++) {
        if (!hub_session_next(&slot->session, now_ms, &action))
            break;
        if (action.kind == SESSION_BUILD_FEED) {
            own = feed_fill(driver, slot, &action, now_ms);
            continue;
        }
        uint64_t last = 0;
        enum err sent = action_send(driver, slot, &action, &last, &own);
        hub_session_sent(&slot->session, &action, last, sent, now_ms);
    }
    for (unsigned i = 0; i < FEED_STREAMS; i++) {
        if (!slot->session.flows[i].batch && slot->batches[i].at != NULL)
            driver_batch_release(driver, slot, (enum feed_stream)i);
    }
    return own;
}
