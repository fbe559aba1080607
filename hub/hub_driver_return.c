/* A hub whose database came from a backup lacks the policy that was published since. Its nodes have
 * it, as signed; what follows without a gap and verifies is journaled again, so that the officer's
 * restore statement builds on all that was ever signed. Taken only while the hub waits for that
 * statement. */
#include <stdlib.h>

#include "common/log.h"
#include "hub/hub_driver_inside.h"

#define RETURNED_BYTES_MAX (RULES_BYTES_MAX + 1024)

/* The peer's fault, or an old story; the hub's own failures are the others. */
static bool refusable(enum err err)
{
    return err != ERR_STORE && err != ERR_FULL && err != ERR_MEMORY && err != ERR_IO &&
           err != ERR_INTERNAL;
}

static enum err take(struct hub_driver *driver, uint64_t now_ms)
{
    struct problem problem = { .code = OK };
    struct bytes document = buf_bytes(&driver->returned);
    /* Its own transaction: a refusal must not cost the turn of others. */
    enum err err = hub_driver_flush(driver, now_ms);
    if (err == OK)
        err = hub_store_begin(driver->store);
    if (err != OK)
        return err;
    err = driver->returned_kind == FEED_TRUST
              ? hub_store_trust_put(driver->store, document, driver->wall_ms, &problem)
              : hub_store_rules_put(driver->store, document, driver->wall_ms, &problem);
    if (err == OK)
        err = hub_store_commit(driver->store);
    if (err != OK) {
        hub_store_rollback(driver->store);
        return refusable(err) ? OK : err;
    }
    log_info("policy came back from an office kind=%s version=%llu",
             driver->returned_kind == FEED_TRUST ? "trust" : "rules",
             (unsigned long long)driver->returned_version);
    hub_driver_journal_moved(driver);
    return OK;
}

enum err driver_return(struct hub_driver *driver, const struct policy_return *back, uint64_t now_ms)
{
    const struct policy_mark mark = hub_store_policy_mark(driver->store);
    uint64_t next = 1 + (back->kind == FEED_TRUST ? mark.trust_version : mark.rules_version);
    size_t max = back->kind == FEED_TRUST ? TRUST_STATEMENT_BYTES_MAX + 1024 : RETURNED_BYTES_MAX;
    if (!driver->halt.on || back->version != next || back->total > max ||
        back->data.len > back->total || back->offset > back->total - back->data.len)
        return OK;
    struct buf *space = &driver->returned;
    if (space->at == NULL) {
        space->at = malloc(RETURNED_BYTES_MAX);
        if (space->at == NULL)
            return ERR_MEMORY;
        space->cap = RETURNED_BYTES_MAX;
    }
    if (back->offset == 0) {
        space->len = 0;
        driver->returned_kind = back->kind;
        driver->returned_version = back->version;
    }
    if (driver->returned_kind != back->kind || driver->returned_version != back->version ||
        back->offset != space->len)
        return OK; /* another office's slices came between: the next HELLO brings it again */
    memcpy(space->at + space->len, back->data.at, back->data.len);
    space->len += back->data.len;
    if (space->len < back->total)
        return OK;
    enum err err = take(driver, now_ms);
    space->len = 0;
    driver->returned_kind = 0;
    return err;
}
