#include "common/log.h"
#include "common/must.h"
#include "hub/hub_driver_inside.h"

/* ---- the halt */

enum err hub_driver_enrol(struct hub_driver *driver, struct hub_enrol *enrol)
{
    struct halt_row row;
    driver->enrol = enrol;
    enum err err = enrol_store_halt(hub_enrol_store(enrol), &row);
    if (err == ERR_NOT_FOUND)
        return OK;
    if (err != OK)
        return err;
    driver->halt = (struct hub_halt){ .on = true };
    err = hub_store_journal_at(driver->store, row.number, &driver->halt.journal);
    if (err == ERR_NOT_FOUND) { /* of another copy than this one */
        driver->halt.journal = hub_store_opened(driver->store);
        err = OK;
    }
    if (err != OK)
        return err;
    driver->halt.journal.epoch = row.epoch;
    memcpy(driver->halt.node, row.node, sizeof driver->halt.node);
    (void)driver_halt_lift(driver);
    return OK;
}

bool driver_halt_lift(struct hub_driver *driver)
{
    if (!driver->halt.on || driver_trust(driver)->epoch <= driver->halt.journal.epoch)
        return false;
    log_info("the journal goes on in a new epoch; merging again");
    driver->halt = (struct hub_halt){ .on = false };
    if (driver->enrol != NULL) {
        enum err err = enrol_store_halt_drop(hub_enrol_store(driver->enrol));
        if (err != OK)
            log_error("the mark of the rollback stays in its file code=%s", err_name(err));
    }
    return true;
}

/* The nodes prove it again when it cannot be stored. */
static void halt_store(struct hub_driver *driver)
{
    struct halt_row row = { .epoch = driver->halt.journal.epoch,
                            .number = driver->halt.journal.number,
                            .since_ms = driver->wall_ms };
    memcpy(row.node, driver->halt.node, sizeof row.node);
    enum err err =
        driver->enrol != NULL ? enrol_store_halt_put(hub_enrol_store(driver->enrol), &row) : OK;
    if (err != OK)
        log_error("the proof of the rollback could not be stored code=%s", err_name(err));
}

void driver_halt_keep(struct hub_driver *driver)
{
    uint64_t epoch = driver_trust(driver)->epoch;
    if (!driver->halt.on || epoch <= driver->halt.journal.epoch)
        return;
    driver->halt.journal.epoch = epoch;
    halt_store(driver);
}

/* Everyone else waits as well, and asks again with HELLO. */
void driver_halt(struct hub_driver *driver, const struct peer_slot *prover)
{
    struct cursor journal = hub_store_journal(driver->store);
    log_error("this hub's database is older than what node %s has seen; merging stops until "
              "`tkskctl restore` epoch=%llu number=%llu",
              prover->node, (unsigned long long)journal.epoch, (unsigned long long)journal.number);
    driver->halt = (struct hub_halt){ .on = true, .journal = hub_store_opened(driver->store) };
    driver->halt.journal.epoch = driver_trust(driver)->epoch;
    memcpy(driver->halt.node, prover->node, sizeof driver->halt.node);
    halt_store(driver);
    for (unsigned i = 0; i < driver->slot_count; i++) {
        struct peer_slot *slot = driver->slots[i];
        if (slot == prover || slot->session.state == SESSION_AWAY)
            continue;
        hub_session_away(&slot->session);
        hub_session_refuse(&slot->session, ERR_WAITING);
    }
}

/* ---- facts */

static enum err head_fits(struct hub_driver *driver, const char *node, const struct hello *hello,
                          const struct hub_incarnation *own, enum lane lane, bool *ret_fits)
{
    uint64_t acked = hello->lanes[lane].acked;
    *ret_fits = true;
    if (acked == 0 || acked > own->lanes[lane].received)
        return OK;
    struct hash head;
    enum err err = hub_store_head(driver->store, node, &hello->incarnation, lane, acked, &head);
    if (err == OK)
        *ret_fits = hash_equal(&head, &hello->lanes[lane].head);
    return err;
}

static enum err facts_gather(struct hub_driver *driver, const struct trust_node *member,
                             const struct hello *hello, struct hello_facts *ret)
{
    const char *node = member->name;
    struct hub_store *store = driver->store;
    struct cursor journal = hub_store_journal(store);
    struct hello_facts facts = { .epoch = journal.epoch,
                                 .number = journal.number,
                                 .halted = driver->halt.on };
    if (driver->enrol != NULL)
        hub_enrol_device(driver->enrol, member, &facts.known, &facts.reenrolled);
    enum err err = hub_store_active(store, node, &facts.any_active, &facts.active);
    if (err == OK)
        err = hub_store_incarnation(store, node, &hello->incarnation, &facts.own);
    if (err == OK && hello->has_previous) {
        struct hub_incarnation previous;
        err = hub_store_incarnation(store, node, &hello->previous, &previous);
        if (err == OK)
            facts.previous = previous.state;
    }
    for (unsigned i = 0; err == OK && i < LANE_COUNT; i++)
        err = head_fits(driver, node, hello, &facts.own, (enum lane)i, &facts.head_fits[i]);
    for (unsigned i = 0; err == OK && i < FEED_STREAMS; i++)
        err = hub_store_proves(store, &hello->cursors[i], &facts.proven[i]);
    if (err == OK)
        *ret = facts;
    return err;
}

/* ---- HELLO */

/* What a person reads about a HELLO that was not simply welcomed. */
static void verdict_log(const struct peer_slot *slot, enum hello_verdict verdict)
{
    switch (verdict) {
    case HELLO_WELCOME:
        return;
    case HELLO_ROLLED_BACK: /* a claim, until it proves it: hub_driver_return.c */
        log_warning("a node says that it has seen what is not here; it waits until it proves it "
                    "node=%s",
                    slot->node);
        return;
    case HELLO_OPEN:
        log_info("a node opened a new incarnation node=%s", slot->node);
        return;
    case HELLO_TWIN:
        log_warning("two living stores speak for one node; both are quarantined node=%s",
                    slot->node);
        return;
    case HELLO_REOPEN:
    case HELLO_SUPERSEDED:
        log_info("a node's store is older than what came from it, or forked; it is told to open a "
                 "new incarnation node=%s",
                 slot->node);
        return;
    }
}

/* What the verdict asks of the store. */
static enum err verdict_store(struct hub_driver *driver, const char *node,
                              const struct hello *hello, const struct hello_facts *facts,
                              enum hello_verdict verdict, enum hello_note note)
{
    if (facts->halted || verdict == HELLO_ROLLED_BACK || verdict == HELLO_SUPERSEDED ||
        note == HELLO_LOOK)
        return OK;
    enum err err = driver_turn(driver);
    if (err != OK)
        return err;
    if (verdict == HELLO_OPEN)
        err = hub_store_incarnation_open(driver->store, node, &hello->incarnation);
    else if (verdict == HELLO_TWIN)
        err = hub_store_incarnation_twin(driver->store, node,
                                         facts->any_active ? &facts->active : &hello->incarnation,
                                         &hello->incarnation);
    if (err != OK || note == HELLO_OLD)
        return err;
    uint64_t highest[LANE_COUNT];
    for (unsigned i = 0; i < LANE_COUNT; i++)
        highest[i] = hello->lanes[i].highest;
    err = hub_store_heard(driver->store, node, &hello->incarnation, highest, &hello->policy,
                          driver->wall_ms);
    const struct message message = { .type = MESSAGE_HELLO, .hello = *hello };
    struct writer out = writer_of(driver->frame, sizeof driver->frame);
    if (err == OK)
        err = message_encode(&message, &out);
    return err == OK ? hub_store_hello_put(driver->store, node, writer_bytes(&out)) : err;
}

enum err driver_hello_judge(struct hub_driver *driver, struct peer_slot *slot,
                            const struct trust_node *node, bool fresh, enum hello_note note,
                            const struct hello *hello, uint64_t now_ms,
                            enum hello_verdict *ret_verdict)
{
    struct hello_facts facts;
    struct hub_incarnation own;
    enum err err = facts_gather(driver, node, hello, &facts);
    if (err != OK)
        return err;
    facts.fresh = fresh && facts.any_active && id_equal(&slot->session.incarnation, &facts.active);
    enum hello_verdict verdict = hub_session_judge(&slot->session, hello, &facts);
    if (note != HELLO_LOOK)
        verdict_log(slot, verdict);
    err = verdict_store(driver, node->name, hello, &facts, verdict, note);
    if (err == OK)
        err = hub_store_incarnation(driver->store, node->name, &hello->incarnation, &own);
    if (err != OK)
        return err;
    hub_session_hello(&slot->session, hello, verdict, &facts, &own, now_ms);
    slot->arrived = slot->session.state == SESSION_ACTIVE;
    if (id_equal(&slot->session.incarnation, &hello->incarnation)) {
        for (unsigned i = 0; i < LANE_COUNT; i++)
            slot->highest[i] = hello->lanes[i].highest;
        slot->policy = hello->policy;
        slot->has_clock = hello->wall_ms < INT64_MAX && driver->wall_ms < INT64_MAX;
        if (slot->has_clock)
            slot->clock_off_ms = (int64_t)hello->wall_ms - (int64_t)driver->wall_ms;
    }
    *ret_verdict = verdict;
    return OK;
}

enum err driver_hello(struct hub_driver *driver, struct peer_slot *slot,
                      const struct trust_node *node, const struct hub_peer *peer, bool fresh,
                      const struct hello *hello, uint64_t now_ms)
{
    driver->counters.hellos++;
    if (hello->version != PROTOCOL_VERSION) {
        driver_refuse(driver, peer, ERR_VERSION);
        return OK;
    }
    if (!bytes_is(hello->district, driver_trust(driver)->district) ||
        !bytes_is(hello->node, node->name)) {
        driver_refuse(driver, peer, ERR_DENIED);
        return OK;
    }
    if (!crypto_verify_typed("hello", hello->statement, &node->device_key, &hello->signature)) {
        driver_refuse(driver, peer, ERR_SIGNATURE);
        return OK;
    }
    enum hello_verdict verdict;
    slot->touched = true;
    enum err err =
        driver_hello_judge(driver, slot, node, fresh, HELLO_NEWS, hello, now_ms, &verdict);
    if (err != OK)
        return err;
    slot->welcome_to = *peer;
    if (verdict != HELLO_SUPERSEDED || driver->halt.on)
        slot->peer = *peer;
    return OK;
}
