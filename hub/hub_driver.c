#include "hub/hub_driver_inside.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"

#define WORK_BYTES (FEED_PLAIN_BYTES_MAX + 64 * 1024)

static_assert(WORK_BYTES >= TRANSACTION_BYTES_MAX + 1024, "envelope_open's scratch fits");

/* ---- opening */

static enum err buf_make(struct buf *buf, size_t cap)
{
    uint8_t *at = malloc(cap);
    if (at == NULL)
        return ERR_MEMORY;
    *buf = buf_of(at, cap);
    return OK;
}

enum err hub_driver_open(struct hub_store *store, const struct hub_keys *keys,
                         const struct hub_driver_ports *ports, struct hub_driver **ret_driver)
{
    must(ports->send != NULL && ports->access_changed != NULL);
    struct hub_driver *driver = calloc(1, sizeof *driver);
    if (driver == NULL)
        return ERR_MEMORY;
    driver->store = store;
    driver->keys = keys;
    driver->ports = *ports;
    driver->bundle = calloc(1, sizeof *driver->bundle);
    driver->txn = calloc(1, sizeof *driver->txn);
    enum err err = driver->bundle == NULL || driver->txn == NULL ? ERR_MEMORY : OK;
    if (err == OK)
        err = buf_make(&driver->work, WORK_BYTES);
    if (err == OK)
        err = buf_make(&driver->plain, FEED_PLAIN_BYTES_MAX);
    if (err == OK)
        err = buf_make(&driver->batch, FEED_BYTES_MAX + 4096);
    if (err != OK) {
        hub_driver_close(&driver);
        return err;
    }
    driver->trust_version = driver_trust(driver)->version;
    driver->epoch = hub_store_journal(store).epoch;
    *ret_driver = driver;
    return OK;
}

void driver_assembly_release(struct hub_driver *driver, struct peer_slot *slot, enum lane lane)
{
    free(slot->assemblies[lane].at);
    slot->assemblies[lane].at = NULL;
    must(driver->counters.assembly_bytes >= slot->assemblies[lane].bytes);
    driver->counters.assembly_bytes -= slot->assemblies[lane].bytes;
    slot->assemblies[lane].bytes = 0;
    hub_session_assembly_drop(&slot->session, lane);
}

void driver_batch_release(struct hub_driver *driver, struct peer_slot *slot,
                          enum feed_stream stream)
{
    free(slot->batches[stream].at);
    slot->batches[stream].at = NULL;
    must(driver->counters.batch_bytes >= slot->batches[stream].bytes);
    driver->counters.batch_bytes -= slot->batches[stream].bytes;
    slot->batches[stream].bytes = 0;
}

static void slot_release(struct hub_driver *driver, unsigned index)
{
    struct peer_slot *slot = driver->slots[index];
    for (unsigned i = 0; i < LANE_COUNT; i++)
        driver_assembly_release(driver, slot, (enum lane)i);
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        driver_batch_release(driver, slot, (enum feed_stream)i);
    driver_returned_release(driver, slot);
    free(slot);
    driver->slots[index] = driver->slots[--driver->slot_count];
    driver->slots[driver->slot_count] = NULL;
}

static void wipe_and_free(const struct buf *buf)
{
    if (buf->at != NULL)
        crypto_wipe(buf->at, buf->cap);
    free(buf->at);
}

void hub_driver_close(struct hub_driver **driver)
{
    struct hub_driver *d = *driver;
    if (d == NULL)
        return;
    if (d->turn)
        hub_store_rollback(d->store); /* nothing of it was acknowledged */
    while (d->slot_count > 0)
        slot_release(d, d->slot_count - 1);
    driver_keys_forget(d);
    wipe_and_free(&d->plain);
    wipe_and_free(&d->work);
    free(d->batch.at);
    free(d->bundle);
    free(d->txn);
    free(d);
    *driver = NULL;
}

const struct trust *driver_trust(const struct hub_driver *driver)
{
    return hub_store_trust(driver->store);
}

/* ---- the turn */

enum err driver_turn(struct hub_driver *driver)
{
    if (driver->turn)
        return OK;
    enum err err = hub_store_begin(driver->store);
    if (err == OK)
        driver->turn = true;
    return err;
}

enum err driver_fail(struct hub_driver *driver, enum err cause)
{
    must(cause != OK);
    if (driver->turn) {
        hub_store_rollback(driver->store);
        driver->counters.rollbacks++;
    }
    driver->turn = false;
    driver->moved = false;
    driver_keys_forget(driver);
    for (unsigned i = 0; i < driver->slot_count; i++) {
        struct peer_slot *slot = driver->slots[i];
        if (!slot->touched)
            continue;
        slot->touched = false;
        slot->arrived = false;
        hub_session_away(&slot->session);
        hub_session_refuse(&slot->session, cause == ERR_FULL ? ERR_FULL : ERR_BUSY);
    }
    return cause;
}

/* ---- peers */

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return memcmp(a->at, b->at, PUBLIC_KEY_BYTES) == 0;
}

static bool same_route(const struct hub_peer *a, const struct hub_peer *b)
{
    return a->route_len == b->route_len && memcmp(a->route, b->route, a->route_len) == 0;
}

/* Whether this node has not spoken on this connection before; notes that it has now. */
static bool route_is_fresh(struct peer_slot *slot, const struct hub_peer *peer)
{
    uint64_t name = 14695981039346656037u; /* FNV-1a: tells a few connections of one node apart */
    for (size_t i = 0; i < peer->route_len; i++)
        name = (name ^ peer->route[i]) * 1099511628211u;
    name |= 1;
    for (unsigned i = 0; i < ROUTES_KNOWN; i++) {
        if (slot->routes[i] == name)
            return false;
    }
    slot->routes[slot->route_next] = name;
    slot->route_next = (slot->route_next + 1) % ROUTES_KNOWN;
    return true;
}

/* Enrolled and not ended: asked for every message, so that a revocation needs no connection to end.
 */
static const struct trust_node *member(const struct hub_driver *driver,
                                       const struct public_key *curve_key)
{
    const struct trust_node *node = trust_node_by_curve(driver_trust(driver), curve_key);
    return node != NULL && node->ended.reason == END_NONE ? node : NULL;
}

static struct peer_slot *slot_find(const struct hub_driver *driver,
                                   const struct public_key *curve_key)
{
    for (unsigned i = 0; i < driver->slot_count; i++) {
        if (same_key(&driver->slots[i]->peer.curve_key, curve_key))
            return driver->slots[i];
    }
    return NULL;
}

/* NULL when memory or the table is out. */
static struct peer_slot *slot_of(struct hub_driver *driver, const struct hub_peer *peer,
                                 const struct trust_node *node)
{
    struct peer_slot *slot = slot_find(driver, &peer->curve_key);
    if (slot != NULL || driver->slot_count == NODES_MAX)
        return slot;
    slot = calloc(1, sizeof *slot);
    if (slot == NULL)
        return NULL;
    uint32_t seed;
    memcpy(&seed, peer->curve_key.at, sizeof seed);
    hub_session_init(&slot->session, seed);
    slot->peer = *peer;
    memcpy(slot->node, node->name, sizeof slot->node);
    driver->slots[driver->slot_count++] = slot;
    return slot;
}

bool hub_driver_admits(const struct hub_driver *driver, const struct public_key *curve_key)
{
    return member(driver, curve_key) != NULL ||
           (driver->enrol != NULL && hub_enrol_admits(driver->enrol, curve_key, driver->wall_ms));
}

/* ---- receiving */

/* A peer that is no member may ask to become one, and nothing else. */
static enum err stranger_receive(struct hub_driver *driver, const struct hub_peer *peer,
                                 struct bytes frame)
{
    struct message message;
    if (driver->enrol == NULL ||
        !hub_enrol_admits(driver->enrol, &peer->curve_key, driver->wall_ms)) {
        driver->counters.frames_unknown_peer++;
        driver_refuse(driver, peer, ERR_DENIED);
        return OK;
    }
    enum err err = frame.len > FRAME_BYTES_MAX ? ERR_LIMIT : message_decode(frame, &message);
    if (err != OK || message.type != MESSAGE_ENROL) {
        driver_refuse(driver, peer, err != OK ? err : ERR_DENIED);
        return OK;
    }
    return driver_enrol_request(driver, peer, &message.enrol, frame);
}

static enum err member_receive(struct hub_driver *driver, struct peer_slot *slot,
                               const struct trust_node *node, const struct hub_peer *peer,
                               const struct message *message, struct bytes frame, uint64_t now_ms)
{
    struct cursor journal;
    bool said_hello = slot->session.state != SESSION_AWAY && same_route(&slot->peer, peer);
    bool fresh = route_is_fresh(slot, peer);
    switch (message->type) {
    case MESSAGE_HELLO:
        return driver_hello(driver, slot, node, peer, fresh, &message->hello, now_ms);
    case MESSAGE_PUSH:
        if (!said_hello)
            break;
        return driver_push(driver, slot, node, &message->push, now_ms);
    case MESSAGE_CONFIRM:
        if (!said_hello)
            break;
        journal = hub_store_journal(driver->store);
        hub_session_confirm(&slot->session, &message->confirm, journal.epoch, journal.number,
                            now_ms);
        return OK;
    case MESSAGE_OPERATOR:
        return driver_operator_request(driver, peer, node, &message->operator_request, frame);
    case MESSAGE_RETURN:
        if (!said_hello)
            break;
        return driver_return(driver, slot, &message->policy_return, now_ms);
    case MESSAGE_ENROL:
        driver_refuse(driver, peer, ERR_USED);
        return OK;
    case MESSAGE_WELCOME:
    case MESSAGE_PROGRESS:
    case MESSAGE_ACK:
    case MESSAGE_FEED:
    case MESSAGE_ENROL_STATE:
    case MESSAGE_OPERATOR_STATE:
    case MESSAGE_REFUSE:
        driver->counters.frames_malformed++;
        driver_refuse(driver, peer, ERR_MALFORMED);
        return OK;
    }
    driver_refuse(driver, peer, ERR_STATE); /* HELLO first, on this connection */
    return OK;
}

enum err hub_driver_receive(struct hub_driver *driver, const struct hub_peer *peer,
                            struct bytes frame, uint64_t now_ms, uint64_t wall_ms)
{
    must(peer->route_len <= ROUTE_BYTES_MAX);
    driver->wall_ms = wall_ms;
    driver->counters.frames++;
    const struct trust_node *node = member(driver, &peer->curve_key);
    if (node == NULL) {
        enum err err = stranger_receive(driver, peer, frame);
        return err == OK ? OK : driver_fail(driver, err);
    }
    struct message message;
    enum err err = frame.len > FRAME_BYTES_MAX ? ERR_LIMIT : message_decode(frame, &message);
    if (err != OK) {
        driver->counters.frames_malformed++;
        driver_refuse(driver, peer, err);
        return OK;
    }
    struct peer_slot *slot = slot_of(driver, peer, node);
    if (slot == NULL) {
        driver_refuse(driver, peer, ERR_BUSY);
        return OK;
    }
    hub_session_heard(&slot->session, now_ms);
    err = member_receive(driver, slot, node, peer, &message, frame, now_ms);
    return err == OK ? OK : driver_fail(driver, err);
}

static void slot_committed(struct hub_driver *driver, struct peer_slot *slot)
{
    const struct trust_node *node = member(driver, &slot->peer.curve_key);
    if (slot->arrived && driver->enrol != NULL && node != NULL)
        hub_enrol_arrived(driver->enrol, node);
    slot->arrived = false;
    slot->touched = false;
    if (driver->moved)
        hub_session_moved(&slot->session, false);
}

enum err hub_driver_flush(struct hub_driver *driver, uint64_t now_ms)
{
    enum err err = OK;
    if (driver->turn) {
        err = hub_store_commit(driver->store);
        if (err != OK) {
            (void)driver_fail(driver, err);
        } else {
            driver->turn = false;
            driver->counters.commits++;
            for (unsigned i = 0; i < driver->slot_count; i++)
                slot_committed(driver, driver->slots[i]);
            driver->moved = false;
        }
    }
    must(!driver->turn);
    for (unsigned i = 0; i < driver->slot_count; i++) {
        enum err sent = driver_pump(driver, driver->slots[i], now_ms);
        if (err == OK)
            err = sent;
    }
    return err;
}

/* ---- policy and time */

/* The roster may have changed: whoever is no member any more loses the session now. */
static void roster_settle(struct hub_driver *driver, bool anew)
{
    for (unsigned i = driver->slot_count; i > 0; i--) {
        struct peer_slot *slot = driver->slots[i - 1];
        if (member(driver, &slot->peer.curve_key) == NULL) {
            log_info("an office is no member any more node=%s", slot->node);
            driver_refuse(driver, &slot->peer, ERR_DENIED);
            slot_release(driver, i - 1);
        } else if (anew) {
            hub_session_away(&slot->session);
            hub_session_refuse(&slot->session, ERR_STATE);
        }
    }
    driver->trust_version = driver_trust(driver)->version;
}

void hub_driver_journal_moved(struct hub_driver *driver)
{
    /* In another life of the journal everyone says HELLO anew. */
    uint64_t epoch = hub_store_journal(driver->store).epoch;
    bool lifted = driver_halt_lift(driver);
    bool anew = lifted || driver->epoch != epoch;
    driver->epoch = epoch;
    if (anew || driver->trust_version != driver_trust(driver)->version)
        roster_settle(driver, anew);
    driver_joiners_tell(driver);
    for (unsigned i = 0; i < driver->slot_count; i++)
        hub_session_moved(&driver->slots[i]->session, true);
    driver->ports.access_changed(driver->ports.ctx);
}

enum err hub_driver_tick(struct hub_driver *driver, uint64_t now_ms, uint64_t wall_ms)
{
    driver->wall_ms = wall_ms;
    for (unsigned i = 0; i < driver->slot_count; i++) {
        struct peer_slot *slot = driver->slots[i];
        hub_session_tick(&slot->session, now_ms);
        if (slot->session.state == SESSION_AWAY)
            driver_returned_release(driver, slot);
        for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
            const struct session_assembly *assembly = &slot->session.assemblies[lane];
            if (assembly->any && now_ms > assembly->heard_ms + ASSEMBLY_IDLE_MS)
                driver_assembly_release(driver, slot, (enum lane)lane);
        }
    }
    return OK;
}

uint64_t hub_driver_wake_ms(const struct hub_driver *driver)
{
    if (driver->turn)
        return 0;
    uint64_t wake_ms = UINT64_MAX;
    for (unsigned i = 0; i < driver->slot_count; i++) {
        uint64_t one_ms = hub_session_wake_ms(&driver->slots[i]->session);
        if (one_ms < wake_ms)
            wake_ms = one_ms;
    }
    return wake_ms;
}

/* ---- status */

const struct hub_halt *hub_driver_halt(const struct hub_driver *driver)
{
    return &driver->halt;
}

const char *hub_driver_policy_ahead(const struct hub_driver *driver)
{
    const struct policy_mark here = hub_store_policy_mark(driver->store);
    for (unsigned i = 0; i < driver->slot_count; i++) {
        const struct policy_mark *there = &driver->slots[i]->policy;
        if (there->trust_version > here.trust_version || there->rules_version > here.rules_version)
            return driver->slots[i]->node;
    }
    return NULL;
}

bool hub_driver_link(const struct hub_driver *driver, const char *node, struct hub_link *ret_link)
{
    for (unsigned i = 0; i < driver->slot_count; i++) {
        const struct peer_slot *slot = driver->slots[i];
        if (strcmp(slot->node, node) != 0)
            continue;
        *ret_link = (struct hub_link){ .state = slot->session.state,
                                       .since_ms = slot->session.since_ms,
                                       .heard_ms = slot->session.heard_ms,
                                       .has_clock = slot->has_clock,
                                       .clock_off_ms = slot->clock_off_ms };
        const struct session_flow *records = &slot->session.flows[FEED_RECORDS];
        if (records->open && records->end > 0) {
            ret_link->load_number = records->number < records->end ? records->number : records->end;
            ret_link->load_to = records->end;
        }
        for (unsigned lane = 0; lane < LANE_COUNT; lane++)
            ret_link->receiving = ret_link->receiving || slot->session.assemblies[lane].any;
        return true;
    }
    return false;
}

unsigned hub_driver_linked(const struct hub_driver *driver)
{
    unsigned count = 0;
    for (unsigned i = 0; i < driver->slot_count; i++)
        count += driver->slots[i]->session.state != SESSION_AWAY;
    return count;
}

const struct hub_counters *hub_driver_counters(const struct hub_driver *driver)
{
    return &driver->counters;
}
