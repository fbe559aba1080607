/* A hub whose database came from a backup. Its nodes hold what proves it: an ACK or a feed batch
 * that this hub signed about a journal that it does not have. A claim alone stops only the node
 * that makes it; the proof stops all merging. And they hold the policy that was published since, as
 * signed: what follows without a gap and verifies is journaled again, so that the officer's restore
 * statement builds on all that was ever signed. */
#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"
#include "hub/hub_driver_inside.h"

#define RETURNED_BYTES_MAX (RULES_BYTES_MAX + 1024)

/* The peer's fault, or an old story; the hub's own failures are the others. */
static bool refusable(enum err err)
{
    return err != ERR_STORE && err != ERR_FULL && err != ERR_MEMORY && err != ERR_IO &&
           err != ERR_INTERNAL;
}

static const char *const kind_names[] = {
    [RETURN_TRUST] = "trust", [RETURN_RULES] = "rules", [RETURN_DICTIONARY] = "dictionary"
};

static enum err give_back(struct hub_driver *driver, const struct returned *back,
                          struct problem *problem)
{
    struct bytes document = buf_bytes(&back->space);
    struct hub_store *store = driver->store;
    if (back->kind == RETURN_TRUST)
        return hub_store_trust_again(store, document, driver->wall_ms, problem);
    if (back->kind == RETURN_RULES)
        return hub_store_rules_put(store, document, driver->wall_ms, problem);
    return hub_store_dictionary_put(store, back->version, document, problem);
}

static enum err take(struct hub_driver *driver, const struct returned *back, uint64_t now_ms)
{
    struct problem problem = { .code = OK };
    /* Its own transaction: a refusal must not cost the turn of others. */
    enum err err = hub_driver_flush(driver, now_ms);
    if (err == OK)
        err = hub_store_begin(driver->store);
    if (err != OK)
        return err;
    err = give_back(driver, back, &problem);
    if (err == OK)
        err = hub_store_commit(driver->store);
    if (err != OK) {
        hub_store_rollback(driver->store);
        return refusable(err) ? OK : err;
    }
    log_info("policy came back from an office kind=%s version=%llu", kind_names[back->kind],
             (unsigned long long)back->version);
    if (back->kind != RETURN_DICTIONARY)
        driver_halt_keep(driver);
    hub_driver_journal_moved(driver);
    return OK;
}

/* ---- proof */

/* [suite, district, node, incarnation, lane, last, head, epoch, number, keep_from, items] */
static enum err ack_proves(struct hub_driver *driver, const char *node, struct reader *in,
                           bool *ret_proven)
{
    struct id incarnation;
    struct hash head, mine;
    struct hub_incarnation own;
    reader_fixed(in, incarnation.at, ID_BYTES);
    enum lane lane = (enum lane)reader_uint_max(in, LANE_COUNT - 1);
    uint64_t last = reader_uint(in);
    reader_fixed(in, head.at, HASH_BYTES);
    uint64_t epoch = reader_uint(in), number = reader_uint(in);
    const struct cursor journal = hub_store_journal(driver->store);
    *ret_proven = false;
    if (in->err != OK || epoch < journal.epoch)
        return OK;
    *ret_proven = epoch > journal.epoch || number > journal.number;
    if (*ret_proven)
        return OK;
    enum err err = hub_store_incarnation(driver->store, node, &incarnation, &own);
    if (err != OK)
        return err;
    *ret_proven = own.lanes[lane].received < last;
    if (*ret_proven || last == 0)
        return OK;
    err = hub_store_head(driver->store, node, &incarnation, lane, last, &mine);
    *ret_proven = err == OK && !hash_equal(&mine, &head);
    return err == ERR_NOT_FOUND ? OK : err;
}

/* [suite, district, node, stream, epoch, from, to, journal hash at to, …] */
static enum err feed_proves(struct hub_driver *driver, struct reader *in, bool *ret_proven)
{
    struct cursor claimed = { .epoch = 0 };
    (void)reader_uint(in);
    claimed.epoch = reader_uint(in);
    (void)reader_uint(in);
    claimed.number = reader_uint(in);
    reader_fixed(in, claimed.hash.at, HASH_BYTES);
    const struct cursor journal = hub_store_journal(driver->store);
    bool ours = true;
    *ret_proven = false;
    if (in->err != OK || claimed.epoch < journal.epoch)
        return OK;
    enum err err = hub_store_proves(driver->store, &claimed, &ours);
    *ret_proven = err == OK && !ours;
    return err;
}

/* proof = [statement bin, signature]: ours, to this node, about more than we have? */
static enum err judge_proof(struct hub_driver *driver, struct peer_slot *slot,
                            const struct returned *back)
{
    struct bytes document = buf_bytes(&back->space);
    const bool is_ack = back->kind == RETURN_ACK;
    struct signature signature;
    bool proven = false;
    if (codec_scan(document) != OK)
        return OK;
    struct reader in = reader_of(document);
    reader_array_of(&in, 2);
    struct bytes statement = reader_bin(&in);
    reader_fixed(&in, signature.at, SIGNATURE_BYTES);
    if (reader_end(&in) != OK || codec_scan(statement) != OK ||
        !crypto_verify_typed(is_ack ? "ack" : "feed", statement, &driver->keys->sign_public,
                             &signature))
        return OK;
    struct reader st = reader_of(statement);
    reader_array_of(&st, is_ack ? 11 : 12);
    (void)reader_uint(&st);
    struct bytes district = reader_str(&st), node = reader_str(&st);
    if (st.err != OK || !bytes_is(district, driver_trust(driver)->district) ||
        !bytes_is(node, slot->node))
        return OK;
    enum err err =
        is_ack ? ack_proves(driver, slot->node, &st, &proven) : feed_proves(driver, &st, &proven);
    if (err == OK && proven)
        driver_halt(driver, slot);
    return err;
}

/* ---- assembly */

/* Whether this is wanted now, and how large it may be. */
static bool wanted(struct hub_driver *driver, const struct peer_slot *slot,
                   const struct policy_return *back, size_t *ret_max)
{
    const struct policy_mark mark = hub_store_policy_mark(driver->store);
    struct dictionary known;
    switch ((enum return_kind)back->kind) {
    case RETURN_TRUST:
        *ret_max = TRUST_STATEMENT_BYTES_MAX + 1024;
        return driver->halt.on && back->version == mark.trust_version + 1;
    case RETURN_RULES:
        *ret_max = RETURNED_BYTES_MAX;
        return driver->halt.on && back->version == mark.rules_version + 1;
    case RETURN_ACK:
    case RETURN_FEED:
        *ret_max = RETURN_PROOF_BYTES_MAX;
        return !driver->halt.on && slot->session.state == SESSION_WAITING;
    case RETURN_DICTIONARY:
        *ret_max = DICTIONARY_BYTES_MAX;
        return back->version <= mark.rules_version &&
               hub_store_dictionary(driver->store, (uint32_t)back->version, &known) ==
                   ERR_NOT_FOUND;
    }
    return false;
}

void driver_returned_release(struct hub_driver *driver, struct peer_slot *slot)
{
    struct buf *space = &slot->returned.space;
    must(driver->counters.assembly_bytes >= space->cap);
    driver->counters.assembly_bytes -= space->cap;
    free(space->at);
    *space = (struct buf){ .at = NULL };
}

/* False: there is no room now; the next HELLO brings it again. */
static bool returned_make(struct hub_driver *driver, struct peer_slot *slot,
                          const struct policy_return *back)
{
    const size_t total = (size_t)back->total;
    driver_returned_release(driver, slot);
    uint8_t *at = driver->counters.assembly_bytes + total <= ASSEMBLIES_BYTES_MAX && total > 0
                      ? malloc(total)
                      : NULL;
    if (at == NULL)
        return false;
    driver->counters.assembly_bytes += total;
    slot->returned.space = buf_of(at, total);
    slot->returned.kind = back->kind;
    slot->returned.version = back->version;
    return true;
}

enum err driver_return(struct hub_driver *driver, struct peer_slot *slot,
                       const struct policy_return *back, uint64_t now_ms)
{
    size_t max = 0;
    if (!wanted(driver, slot, back, &max) || back->total > max || back->data.len > back->total ||
        back->offset > back->total - back->data.len)
        return OK;
    if (back->offset == 0 && !returned_make(driver, slot, back))
        return OK;
    struct buf *space = &slot->returned.space;
    if (space->at == NULL || slot->returned.kind != back->kind ||
        slot->returned.version != back->version || space->cap != back->total ||
        back->offset != space->len)
        return OK; /* the next HELLO brings it again */
    memcpy(space->at + space->len, back->data.at, back->data.len);
    space->len += back->data.len;
    if (space->len < back->total)
        return OK;
    /* Out of the slot: what came back may end this office's right, and with it the slot. */
    const struct returned whole = slot->returned;
    slot->returned.space = (struct buf){ .at = NULL };
    driver->counters.assembly_bytes -= whole.space.cap;
    const bool proof = back->kind == RETURN_ACK || back->kind == RETURN_FEED;
    enum err err = proof ? judge_proof(driver, slot, &whole) : take(driver, &whole, now_ms);
    free(whole.space.at);
    return err;
}
