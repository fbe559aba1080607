#include "node/node_driver.h"

#include <stdlib.h>

#include "common/must.h"
#include "node/node_driver_inside.h"

/* One event leads to a handful of actions, each of which moves something on. */
#define ACTIONS_A_ROUND_MAX 100000u

/* ---- facts */

static void count_waiting(void *ctx, const struct node_operator *op)
{
    unsigned *count = ctx;
    if (op->number == 0 && op->request.len > 0)
        (*count)++;
}

static bool same_link(const struct node_identity *a, const struct node_identity *b)
{
    if (a->enrolment != b->enrolment || a->hub.endpoint_count != b->hub.endpoint_count ||
        memcmp(&a->hub.curve_key, &b->hub.curve_key, PUBLIC_KEY_BYTES) != 0 ||
        memcmp(&a->curve_public, &b->curve_public, PUBLIC_KEY_BYTES) != 0 ||
        !id_equal(&a->invite, &b->invite))
        return false;
    for (unsigned i = 0; i < a->hub.endpoint_count; i++) {
        if (strcmp(a->hub.endpoints[i], b->hub.endpoints[i]) != 0)
            return false;
    }
    return true;
}

/* After a reset the hub seals to the old key until the roster names the new one. */
static bool seal_key_known(const struct node_driver *driver, const struct node_identity *identity)
{
    const struct trust_node *node =
        trust_node(node_store_trust(driver->store), bytes_text(identity->node));
    return node == NULL || memcmp(&node->seal_key, &identity->seal_public, PUBLIC_KEY_BYTES) == 0;
}

/* Reads what the session must know. *ret_moved: the link's keys or endpoints changed within one
 * standing. */
static enum err facts_read(struct node_driver *driver, bool *ret_moved)
{
    struct node_identity identity;
    struct node_facts facts = { .enrolled = false };
    enum err err = node_store_identity(driver->store, &identity);
    if (err != OK)
        return err;
    facts.wants_records = node_store_unlocked(driver->store) && seal_key_known(driver, &identity);
    facts.enrolling = identity.enrolment == ENROLMENT_WAITING;
    facts.enrolled = identity.enrolment == ENROLMENT_DONE;
    facts.stranded = node_store_stranded(driver->store);
    for (unsigned i = 0; facts.enrolled && i < LANE_COUNT; i++) {
        struct node_lane lane;
        err = node_store_lane(driver->store, (enum lane)i, &lane);
        if (err != OK)
            return err;
        facts.lanes[i].acked = lane.acked;
        facts.lanes[i].highest = lane.highest;
    }
    for (unsigned i = 0; facts.enrolled && i < FEED_STREAMS; i++) {
        struct cursor cursor;
        err = node_store_cursor(driver->store, (enum feed_stream)i, &cursor);
        if (err != OK)
            return err;
        facts.cursors[i].epoch = cursor.epoch;
        facts.cursors[i].number = cursor.number;
    }
    if (facts.enrolled)
        err = node_store_operators(driver->store, count_waiting, &facts.operators_waiting);
    if (err != OK)
        return err;
    *ret_moved = identity.enrolment == driver->identity.enrolment &&
                 !same_link(&identity, &driver->identity);
    driver->identity = identity;
    driver->facts = facts;
    driver->stale = false;
    return OK;
}

void driver_step(struct node_driver *driver, struct node_event *event)
{
    if (event->now_ms < driver->session.now_ms)
        event->now_ms = driver->session.now_ms;
    event->random = crypto_random_below(UINT32_MAX);
    node_session_step(&driver->session, event);
}

void driver_refused(struct node_driver *driver, const struct problem *problem)
{
    driver->refusal = *problem;
}

/* ---- actions */

static enum err reset_cursor(struct node_driver *driver, enum feed_stream stream)
{
    const struct cursor start = { .number = 0 };
    return node_store_cursor_reset(driver->store, stream, &start);
}

/* The hub asks for what it once promised never to ask again. */
static void tell_gone(struct node_driver *driver)
{
    struct problem problem = { .code = OK };
    (void)problem_set(&problem, ERR_NOT_FOUND, "queue",
                      "entries that the hub had in a backup and asks for again");
    driver_refused(driver, &problem);
}

/* ---- what the link is like */

void driver_note_link(struct node_driver *driver)
{
    const struct node_link_note note = { .hub_ms = driver->clock.floor_ms,
                                         .rate_bytes_s = node_rate_bytes_s(&driver->rate) };
    node_store_link_note(driver->store, &note);
}

/* The bundle that this ACK answers was a measure of the link, unless parts of it went twice. */
static void measure(struct node_driver *driver, const struct ack *ack)
{
    const struct node_session *session = &driver->session;
    const struct push_flight *flight = &session->push.lanes[ack->lane].flight;
    if (!flight->active || flight->repeated || ack->last < flight->run.last)
        return;
    node_rate_add(&driver->rate, flight->run.total, session->now_ms - flight->started_ms);
    driver_note_link(driver);
}

/* Carries one action out. `*ret_event` is what it brought about, TICK for nothing. */
static enum err carry_out(struct node_driver *driver, const struct node_action *action,
                          enum node_event_kind *ret_event)
{
    struct node_store *store = driver->store;
    enum err err;
    switch (action->kind) {
    case NODE_RECONNECT:
        driver->ports.reconnect(driver->ports.ctx);
        return OK;
    case NODE_SEND_ENROL:
        return driver_send_enrol(driver);
    case NODE_SEND_HELLO:
        return driver_send_hello(driver);
    case NODE_SEND_OPERATORS:
        return driver_send_operators(driver);
    case NODE_SEND_CONFIRM:
        return driver_send_confirm(driver, action);
    case NODE_SEND_SLICE:
        return driver_send_slice(driver, action);
    case NODE_LOAD_RUN:
        err = driver_load_run(driver, action);
        *ret_event = err == OK ? NODE_LOADED : NODE_MISSING;
        if (err == ERR_STATE)
            tell_gone(driver);
        return err == ERR_NOT_FOUND || err == ERR_STATE ? OK : err;
    case NODE_DROP_RUN:
        driver_drop_run(driver, action->lane);
        return OK;
    case NODE_STORE_ACK:
        must(driver->ack != NULL);
        driver->stale = true;
        measure(driver, driver->ack);
        err = node_store_ack(store, driver->ack);
        if (err == ERR_STATE || err == ERR_MALFORMED) { /* signed, but not about our entries */
            driver->bad_messages++;
            return OK;
        }
        *ret_event = NODE_ACK_STORED;
        return err;
    case NODE_TAKE_FEED:
        driver->stale = driver->stale || action->whole;
        return driver_take_feed(driver, action, ret_event);
    case NODE_DROP_FEED:
        driver_drop_feed(driver, action->stream);
        return OK;
    case NODE_STORE_STANDING:
        driver->stale = true;
        return node_store_enrolment_set(store,
                                        action->approved ? ENROLMENT_DONE : ENROLMENT_REFUSED);
    case NODE_RESET_CURSOR:
        driver->stale = true;
        return reset_cursor(driver, action->stream);
    case NODE_REOPEN:
        driver->stale = true;
        driver->has_nonce = false;
        *ret_event = NODE_REOPENED;
        return node_store_reopen(store);
    }
    must_failed("an action", __FILE__, __LINE__);
}

/* Hands `event` over with the facts as they are now, when they may have changed. */
static enum err tell(struct node_driver *driver, enum node_event_kind kind,
                     const struct node_run *run)
{
    struct node_event event = { .kind = kind, .run = run };
    bool moved = false;
    enum err err = driver->stale ? facts_read(driver, &moved) : OK;
    event.facts = err == OK ? &driver->facts : NULL;
    driver_step(driver, &event);
    if (moved && err == OK) {
        struct node_event identity = { .kind = NODE_IDENTITY };
        driver_step(driver, &identity);
    }
    return err;
}

/* Everything that is due now. The first failure of the store is given back; what can go on does. */
enum err driver_round(struct node_driver *driver)
{
    enum err result = OK;
    struct node_action action;
    unsigned count = 0;
    while (node_session_next(&driver->session, &action)) {
        must(count++ < ACTIONS_A_ROUND_MAX);
        enum node_event_kind kind = NODE_TICK;
        enum err err = carry_out(driver, &action, &kind);
        if (err == ERR_BUSY)
            kind = NODE_BUSY;
        else if (err != OK)
            kind = NODE_FAILED;
        if (err != ERR_BUSY && err != OK && result == OK)
            result = err;
        if (kind == NODE_TICK && !driver->stale)
            continue;
        const struct node_run *run = kind == NODE_LOADED ? &driver->runs[action.lane].run : NULL;
        err = tell(driver, kind, run);
        if (err != OK && result == OK)
            result = err;
        if (err != OK)
            break; /* without facts nothing more can be decided */
    }
    driver->ack = NULL;
    driver->feed = NULL;
    return result;
}

/* Time, and what changed by other hands, before anything else happens. */
enum err driver_come_in(struct node_driver *driver, uint64_t now_ms, uint64_t wall_ms)
{
    driver->wall_ms = wall_ms;
    struct node_event event = { .kind = NODE_TICK, .now_ms = now_ms };
    driver_step(driver, &event);
    if (!driver->stale && !driver->kicked)
        return OK;
    driver->kicked = false;
    driver->stale = true;
    return tell(driver, NODE_KICK, NULL);
}

/* ---- for others */

enum err node_driver_open(struct node_store *store, const struct node_driver_ports *ports,
                          struct node_driver **ret_driver)
{
    must(ports->send != NULL && ports->reconnect != NULL);
    struct node_driver *driver = calloc(1, sizeof *driver);
    if (driver == NULL)
        return ERR_MEMORY;
    driver->store = store;
    driver->ports = *ports;
    driver->stale = true;
    driver->kicked = true;
    struct node_link_note note;
    enum err err = node_store_link(store, &note);
    if (err != OK) {
        free(driver);
        return err;
    }
    driver->clock.floor_ms = note.hub_ms;
    node_rate_restore(&driver->rate, note.rate_bytes_s);
    node_session_open(&driver->session, 0);
    *ret_driver = driver;
    return OK;
}

void node_driver_close(struct node_driver **driver)
{
    if (*driver == NULL)
        return;
    for (unsigned i = 0; i < LANE_COUNT; i++)
        driver_drop_run(*driver, (enum lane)i);
    for (unsigned i = 0; i < FEED_STREAMS; i++)
        driver_drop_feed(*driver, (enum feed_stream)i);
    free(*driver);
    *driver = NULL;
}

enum err node_driver_receive(struct node_driver *driver, struct bytes frame, uint64_t now_ms,
                             uint64_t wall_ms)
{
    enum err err = driver_come_in(driver, now_ms, wall_ms);
    if (err != OK)
        return err;
    struct message message;
    if (message_decode(frame, &message) != OK) {
        driver->bad_messages++;
        return OK;
    }
    err = driver_message(driver, &message);
    enum err done = driver_round(driver);
    return err != OK ? err : done;
}

enum err node_driver_tick(struct node_driver *driver, uint64_t now_ms, uint64_t wall_ms)
{
    enum err err = driver_come_in(driver, now_ms, wall_ms);
    return err != OK ? err : driver_round(driver);
}

uint64_t node_driver_wake_ms(const struct node_driver *driver)
{
    if (driver->kicked)
        return 0;
    if (driver->stale) /* the store failed */
        return driver->session.now_ms + NODE_REST_MS;
    return node_session_wake_ms(&driver->session);
}

void node_driver_connection(struct node_driver *driver, bool up)
{
    struct node_event lost = { .kind = NODE_LINK_LOST };
    if (!up)
        driver_step(driver, &lost);
    node_driver_kick(driver);
}

void node_driver_kick(struct node_driver *driver)
{
    driver->kicked = true;
}

void node_driver_link(const struct node_driver *driver, struct node_link *ret_link)
{
    const struct node_session *session = &driver->session;
    struct node_link link = { .linked = session->state == NODE_LINKED,
                              .since_ms = session->since_ms,
                              .standing = session->standing,
                              .in_flight = node_push_in_flight(&session->push) };
    link.refusal = driver->refusal;
    if (driver->refusal.code != OK)
        problem_rule(&driver->refusal, LANG_EN, link.last_refusal, sizeof link.last_refusal);
    *ret_link = link;
}

bool node_driver_is_sent(const struct node_driver *driver, enum lane lane, uint64_t seq)
{
    must(lane < LANE_COUNT);
    const struct push_flight *flight = &driver->session.push.lanes[lane].flight;
    return flight->active && flight->sent > 0 && seq >= flight->run.first &&
           seq <= flight->run.last;
}

enum clock_source node_driver_time(const struct node_driver *driver, uint64_t now_ms,
                                   uint64_t wall_ms, uint64_t *ret_ms, int64_t *ret_off_ms)
{
    if (ret_off_ms != NULL && !node_clock_off(&driver->clock, now_ms, wall_ms, ret_off_ms))
        *ret_off_ms = 0;
    return node_clock_now(&driver->clock, now_ms, wall_ms, ret_ms);
}

uint64_t node_driver_claim_ms(const struct node_driver *driver, uint64_t now_ms, uint64_t wall_ms)
{
    return node_clock_claim(&driver->clock, now_ms, wall_ms);
}

uint64_t node_driver_rate(const struct node_driver *driver)
{
    return node_rate_bytes_s(&driver->rate);
}

bool node_driver_forecast(const struct node_driver *driver, uint64_t bytes, uint64_t *ret_s)
{
    return node_forecast(&driver->rate, bytes, ret_s);
}
