/* tksk-hub put together: keys, enrolment, store, driver, access and admin socket around one loop.
 *
 * A hub that no district was founded on has keys, enrolment and the admin socket; the first trust
 * statement makes the rest. STATE holds: keys/ (hub_keys), enrol.db, access.db (hub_store_access),
 * district (its code, one line), hub.db, endpoint (as bound, one line) and copies/ (for questions;
 * emptied at each start). */
#pragma once

#include "common/service.h"
#include "hub/hub_access.h"
#include "hub/hub_driver.h"
#include "hub/hub_store_access.h"

#define HUB_PATH_MAX (CONFIG_PATH_MAX + 64)

struct hub_daemon {
    struct service *service;
    struct loop *loop;
    const struct config *config;
    struct hub_keys keys;
    struct hub_enrol *enrol;
    struct access_store *access_log;
    struct hub_store *store;   /* NULL: not founded */
    struct hub_driver *driver; /* NULL: not founded */
    struct hub_access *access; /* NULL: not listening */
    struct hub_admin *admin;
    int timer, tidy_timer;
    uint64_t failed_ms; /* when the store failed last, 0 = never */
};

/* `*ret` stays where it is: callbacks keep its address. */
NODISCARD enum err hub_daemon_open(struct hub_daemon *ret, struct service *service,
                                   struct problem *problem);
void hub_daemon_close(struct hub_daemon *daemon);

/* For service_tells and service_probes; `ctx` is the daemon. */
void hub_daemon_tell(void *ctx, char ret[SERVICE_STATUS_MAX]);
enum err hub_daemon_probe(void *ctx);

/* Makes the store of this district. ERR_STATE: there is one. */
NODISCARD enum err hub_daemon_found(struct hub_daemon *daemon, const char *district,
                                    struct problem *problem);
/* Opens the door and writes STATE/endpoint; fine when it is open. A "*" port stays what it was. */
NODISCARD enum err hub_daemon_listen(struct hub_daemon *daemon, struct problem *problem);

/* Ends an open turn, so that the store can be written by another hand. */
NODISCARD enum err hub_daemon_settle(struct hub_daemon *daemon);
/* The journal or the members moved: tells the driver and sends what is due. */
void hub_daemon_moved(struct hub_daemon *daemon);

/* STATE/<name>; cut only when the configuration allowed too much. */
void hub_daemon_path(const struct hub_daemon *daemon, const char *name, char ret[HUB_PATH_MAX]);
