#include "hub/hub_daemon.h"

#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#include "common/files.h"
#include "common/log.h"
#include "common/must.h"
#include "hub/hub_admin.h"

#define TIDY_MS 60000       /* after a turn: the write-ahead log is folded in */
#define TICK_MS_MAX 30000   /* the driver's idea of the time of day is never older */
#define FAILED_REST_MS 1000 /* after a failure of the store */
#define FAILED_LOG_MS 60000
#define SWEEP_MS                                                                                   \
    (7ull * 24 * 3600 * 1000) /* unused invites are forgotten so long after their end */
#define LINE_BYTES_MAX 512

void hub_daemon_path(const struct hub_daemon *daemon, const char *name, char ret[HUB_PATH_MAX])
{
    int n = snprintf(ret, HUB_PATH_MAX, "%s/%s", daemon->config->state, name);
    must(n > 0 && n < HUB_PATH_MAX);
}

/* ---- one line in a file */

static bool line_read(const struct hub_daemon *daemon, const char *name, char *ret, size_t cap)
{
    char path[HUB_PATH_MAX];
    struct problem problem;
    struct buf content = { .at = NULL };
    hub_daemon_path(daemon, name, path);
    if (files_read(path, LINE_BYTES_MAX, &content, &problem) != OK)
        return false;
    size_t len = content.len;
    while (len > 0 && (content.at[len - 1] == '\n' || content.at[len - 1] == '\r'))
        len--;
    bool fits = len > 0 && len < cap && memchr(content.at, '\0', len) == NULL;
    if (fits) {
        memcpy(ret, content.at, len);
        ret[len] = '\0';
    }
    files_release(&content);
    return fits;
}

static enum err line_write(const struct hub_daemon *daemon, const char *name, const char *text,
                           struct problem *problem)
{
    char path[HUB_PATH_MAX], line[LINE_BYTES_MAX];
    hub_daemon_path(daemon, name, path);
    int n = snprintf(line, sizeof line, "%s\n", text);
    must(n > 0 && (size_t)n < sizeof line);
    return files_write(path, 0600, bytes_text(line), problem);
}

/* ---- time */

static void turn(struct hub_daemon *daemon, enum err err);

static void on_tick(void *ctx)
{
    struct hub_daemon *daemon = ctx;
    uint64_t now_ms = loop_now_ms();
    daemon->timer = 0;
    enum err err = hub_driver_tick(daemon->driver, now_ms, loop_wall_ms());
    enum err flushed = hub_driver_flush(daemon->driver, now_ms);
    turn(daemon, err != OK ? err : flushed);
}

static void on_tidy(void *ctx)
{
    struct hub_daemon *daemon = ctx;
    daemon->tidy_timer = 0;
    (void)hub_store_idle(daemon->store); /* what does not work now works later */
    uint64_t wall_ms = loop_wall_ms();
    enum err err = wall_ms > SWEEP_MS
                       ? enrol_store_sweep(hub_enrol_store(daemon->enrol), wall_ms - SWEEP_MS)
                       : OK;
    if (err != OK)
        log_warning("old invites could not be cleared code=%s", err_name(err));
    (void)malloc_trim(0); /* what a rush of offices had needed */
}

/* Sets the timers anew after each turn. */
static void turn(struct hub_daemon *daemon, enum err err)
{
    uint64_t now_ms = loop_now_ms(), wake_ms = hub_driver_wake_ms(daemon->driver);
    uint64_t delay_ms = wake_ms > now_ms ? wake_ms - now_ms : 0;
    if (delay_ms > TICK_MS_MAX)
        delay_ms = TICK_MS_MAX;
    if (err != OK) {
        if (daemon->failed_ms == 0 || now_ms > daemon->failed_ms + FAILED_LOG_MS) {
            log_error("the store failed; nothing of this turn was acknowledged code=%s",
                      err_name(err));
            daemon->failed_ms = now_ms;
        }
        if (delay_ms < FAILED_REST_MS)
            delay_ms = FAILED_REST_MS;
    }
    loop_cancel(daemon->loop, daemon->timer);
    daemon->timer = loop_after(daemon->loop, delay_ms, on_tick, daemon);
    /* Not put off by later turns: a link is never silent for so long. */
    if (daemon->tidy_timer == 0)
        daemon->tidy_timer = loop_after(daemon->loop, TIDY_MS, on_tidy, daemon);
    service_moved(daemon->service);
}

/* ---- for systemd */

void hub_daemon_tell(void *ctx, char ret[SERVICE_STATUS_MAX])
{
    struct hub_daemon *daemon = ctx;
    const struct trust *trust = daemon->store != NULL ? hub_store_trust(daemon->store) : NULL;
    if (trust == NULL || trust->version == 0) {
        (void)snprintf(ret, SERVICE_STATUS_MAX, "no district yet: tkskctl trust init");
        return;
    }
    unsigned long offices = 0;
    for (size_t i = 0; i < trust->node_count; i++)
        offices += trust->nodes[i].ended.reason == END_NONE;
    int len = snprintf(ret, SERVICE_STATUS_MAX, "%u of %lu offices linked, journal %llu%s",
                       hub_driver_linked(daemon->driver), offices,
                       (unsigned long long)hub_store_journal(daemon->store).number,
                       daemon->access == NULL ? ", not listening" : "");
    if (hub_driver_halt(daemon->driver)->on && len > 0 && len < SERVICE_STATUS_MAX)
        (void)snprintf(ret + len, SERVICE_STATUS_MAX - (size_t)len,
                       "; NOT MERGING, older than what %s has seen: tkskctl restore",
                       hub_driver_halt(daemon->driver)->node);
}

enum err hub_daemon_probe(void *ctx)
{
    struct hub_daemon *daemon = ctx;
    return daemon->store != NULL ? hub_store_probe(daemon->store) : OK;
}

/* ---- access and driver */

static bool on_admits(void *ctx, const struct public_key *curve_key)
{
    struct hub_daemon *daemon = ctx;
    return daemon->driver != NULL && hub_driver_admits(daemon->driver, curve_key);
}

static void on_frame(void *ctx, const struct hub_peer *peer, struct bytes frame)
{
    struct hub_daemon *daemon = ctx;
    must(daemon->driver != NULL); /* nobody is admitted before */
    enum err err = hub_driver_receive(daemon->driver, peer, frame, loop_now_ms(), loop_wall_ms());
    if (err != OK)
        turn(daemon, err);
}

static void on_turn_end(void *ctx)
{
    struct hub_daemon *daemon = ctx;
    if (daemon->driver != NULL)
        turn(daemon, hub_driver_flush(daemon->driver, loop_now_ms()));
}

static enum err on_send(void *ctx, const struct hub_peer *peer, struct bytes frame)
{
    struct hub_daemon *daemon = ctx;
    return daemon->access != NULL ? hub_access_send(daemon->access, peer, frame) : ERR_NOT_FOUND;
}

/* Access asks the driver live at each handshake: there is nothing to refresh. */
static void on_access_changed(void *ctx)
{
    (void)ctx;
}

static enum err store_open(struct hub_daemon *daemon, const char *district, struct problem *problem)
{
    char path[HUB_PATH_MAX];
    const struct hub_driver_ports ports = { .ctx = daemon,
                                            .send = on_send,
                                            .access_changed = on_access_changed };
    hub_daemon_path(daemon, "hub.db", path);
    enum err err = hub_store_open(path, NULL, district, &daemon->store, problem);
    if (err != OK)
        return err;
    err = hub_driver_open(daemon->store, &daemon->keys, &ports, &daemon->driver);
    if (err == OK)
        err = hub_driver_enrol(daemon->driver, daemon->enrol);
    if (err == OK)
        err = hub_driver_tick(daemon->driver, loop_now_ms(), loop_wall_ms());
    if (err != OK)
        return problem_set(problem, err, path, NULL);
    if (hub_driver_halt(daemon->driver)->on)
        log_error("the hub does not merge: its database is older than what node %s has seen; see "
                  "`tkskctl restore`",
                  hub_driver_halt(daemon->driver)->node);
    turn(daemon, OK);
    return OK;
}

enum err hub_daemon_found(struct hub_daemon *daemon, const char *district, struct problem *problem)
{
    if (daemon->store != NULL)
        return problem_set(problem, ERR_STATE, "district", "it was founded already");
    enum err err = line_write(daemon, "district", district, problem);
    return err == OK ? store_open(daemon, district, problem) : err;
}

enum err hub_daemon_listen(struct hub_daemon *daemon, struct problem *problem)
{
    if (daemon->access != NULL)
        return OK;
    const struct hub_access_events events = {
        .ctx = daemon, .admits = on_admits, .receive = on_frame, .turn_end = on_turn_end
    };
    struct hub_access_options options = { .listen = daemon->config->listen,
                                          .curve = daemon->keys.curve };
    char before[ENDPOINT_TEXT_MAX + 1];
    size_t len = strlen(options.listen);
    bool any_port = len > 2 && strcmp(options.listen + len - 2, ":*") == 0;
    enum err err = ERR_BUSY;
    /* Offices know the port from their invites: it stays, as long as it is free. */
    if (any_port && line_read(daemon, "endpoint", before, sizeof before)) {
        options.listen = before;
        err = hub_access_open(daemon->loop, &options, &events, &daemon->access, problem);
        options.listen = daemon->config->listen;
    }
    if (err != OK)
        err = hub_access_open(daemon->loop, &options, &events, &daemon->access, problem);
    if (err != OK)
        return err;
    log_info("listening endpoint=%s", hub_access_endpoint(daemon->access));
    return line_write(daemon, "endpoint", hub_access_endpoint(daemon->access), problem);
}

enum err hub_daemon_settle(struct hub_daemon *daemon)
{
    if (daemon->driver == NULL)
        return OK;
    enum err err = hub_driver_flush(daemon->driver, loop_now_ms());
    turn(daemon, err);
    return err;
}

void hub_daemon_moved(struct hub_daemon *daemon)
{
    if (daemon->driver == NULL)
        return;
    hub_driver_journal_moved(daemon->driver);
    on_turn_end(daemon);
}

/* ---- life */

/* Copies for questions that a crash left behind. */
static enum err copies_empty(const struct hub_daemon *daemon, struct problem *problem)
{
    char path[HUB_PATH_MAX];
    hub_daemon_path(daemon, "copies", path);
    enum err err = files_make_directory(path, 0700, problem);
    DIR *directory = err == OK ? opendir(path) : NULL;
    if (directory == NULL)
        return err;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.')
            (void)unlinkat(dirfd(directory), entry->d_name, 0);
    }
    (void)closedir(directory);
    return OK;
}

enum err hub_daemon_open(struct hub_daemon *ret, struct service *service, struct problem *problem)
{
    char path[HUB_PATH_MAX], district[DISTRICT_TEXT_MAX + 1];
    *ret = (struct hub_daemon){ .service = service,
                                .loop = service_loop(service),
                                .config = service_config(service) };
    hub_daemon_path(ret, "keys", path);
    enum err err = hub_keys_open(path, &ret->keys, problem);
    if (err == OK)
        err = copies_empty(ret, problem);
    if (err == OK) {
        hub_daemon_path(ret, "enrol.db", path);
        err = hub_enrol_open(path, NULL, &ret->enrol, problem);
    }
    if (err == OK) {
        hub_daemon_path(ret, "access.db", path);
        err = access_store_open(path, NULL, &ret->access_log, problem);
    }
    if (err == OK && line_read(ret, "district", district, sizeof district)) {
        err = store_open(ret, district, problem);
        if (err == OK && hub_store_trust(ret->store)->version > 0)
            err = hub_daemon_listen(ret, problem);
    }
    const char *group = ret->config->group;
    if (err == OK)
        err = hub_admin_open(ret, ret->config->socket, group[0] != '\0' ? group : NULL, &ret->admin,
                             problem);
    return err;
}

void hub_daemon_close(struct hub_daemon *daemon)
{
    if (daemon->loop == NULL)
        return;
    hub_admin_close(&daemon->admin);
    hub_access_close(&daemon->access);
    loop_cancel(daemon->loop, daemon->timer);
    loop_cancel(daemon->loop, daemon->tidy_timer);
    hub_driver_close(&daemon->driver);
    hub_store_close(&daemon->store);
    hub_enrol_close(&daemon->enrol);
    access_store_close(&daemon->access_log);
    hub_keys_close(&daemon->keys);
}
