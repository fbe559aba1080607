/* tksk-node: the daemon of an office. */
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/files.h"
#include "common/log.h"
#include "common/service.h"
#include "node/node_admin.h"
#include "node/node_blob.h"
#include "node/node_uplink.h"

#define TIDY_MS 60000           /* after a turn: the write-ahead log is folded in */
#define TRIM_BYTES (128 * 1024) /* more of the heap free than that goes back */
#define FAILED_REST_MS 5000     /* after a failure of the store */

struct node {
    struct service *service;
    struct loop *loop;
    struct node_store *store;
    struct node_entry *entry;
    struct node_driver *driver;
    struct node_uplink *uplink;
    struct node_admin *admin;
    int timer, tidy_timer;
    bool linked;
    uint64_t since_ms; /* of that; the start, when it was never linked */
};

static void tick(void *ctx);

static void tidy(void *ctx)
{
    struct node *node = ctx;
    node->tidy_timer = 0;
    (void)node_store_idle(node->store); /* what does not work now works later */
    (void)node_store_blob_sweep(node->store, loop_wall_ms());
    (void)malloc_trim(0); /* what an import or a scan of the area had needed */
}

/* ---- for systemd */

static void tell(void *ctx, char ret[SERVICE_STATUS_MAX])
{
    struct node *node = ctx;
    struct node_identity identity;
    struct node_link link;
    uint64_t queued = 0, now_ms = loop_now_ms();
    char since[32] = "";
    struct tm tm;
    node_driver_link(node->driver, &link);
    if (node_store_identity(node->store, &identity) != OK ||
        node_store_queued(node->store, &queued) != OK) {
        (void)snprintf(ret, SERVICE_STATUS_MAX, "the store does not answer");
        return;
    }
    if (identity.enrolment == ENROLMENT_NONE || identity.enrolment == ENROLMENT_REFUSED) {
        (void)snprintf(ret, SERVICE_STATUS_MAX, "no office yet: tkskctl enrol INVITE");
        return;
    }
    /* From the time that passed: a clock that was put right meanwhile does not matter. */
    time_t wall = (time_t)((loop_wall_ms() - (now_ms - node->since_ms)) / 1000);
    if (localtime_r(&wall, &tm) != NULL)
        (void)strftime(since, sizeof since, " since %Y-%m-%d %H:%M", &tm);
    (void)snprintf(ret, SERVICE_STATUS_MAX, "%s: %s%s, %llu queued%s", identity.node,
                   node->linked ? "linked" : "away", since, (unsigned long long)queued,
                   identity.enrolment == ENROLMENT_WAITING ? ", waits for approval"
                   : link.standing == STANDING_QUARANTINED ? ", quarantined by the hub"
                                                           : "");
}

static enum err probe(void *ctx)
{
    struct node *node = ctx;
    return node_store_probe(node->store);
}

/* ---- turns */

/* Says what changed about the link, and sets the timer anew. */
static void settle(struct node *node, enum err err)
{
    struct node_link link;
    uint64_t now_ms = loop_now_ms(), wake_ms = node_driver_wake_ms(node->driver);
    uint64_t delay_ms = wake_ms > now_ms ? wake_ms - now_ms : 0;
    node_driver_link(node->driver, &link);
    if (link.linked != node->linked) {
        node->linked = link.linked;
        node->since_ms = now_ms;
        log_info("%s endpoint=%s", link.linked ? "linked" : "link lost",
                 node_uplink_endpoint(node->uplink));
    }
    if (err != OK) {
        log_error("the store failed code=%s", err_name(err));
        delay_ms = delay_ms < FAILED_REST_MS ? FAILED_REST_MS : delay_ms;
    }
    loop_cancel(node->loop, node->timer);
    node->timer = wake_ms == UINT64_MAX ? 0 : loop_after(node->loop, delay_ms, tick, node);
    /* Not put off by later turns: a link is never silent for so long. */
    if (node->tidy_timer == 0)
        node->tidy_timer = loop_after(node->loop, TIDY_MS, tidy, node);
    service_moved(node->service);
}

static void tick(void *ctx)
{
    struct node *node = ctx;
    node->timer = 0;
    settle(node, node_driver_tick(node->driver, loop_now_ms(), loop_wall_ms()));
}

static void changed(void *ctx)
{
    struct node *node = ctx;
    loop_cancel(node->loop, node->timer);
    node->timer = loop_after(node->loop, 0, tick, node);
}

static void receive(void *ctx, struct bytes frame)
{
    struct node *node = ctx;
    settle(node, node_driver_receive(node->driver, frame, loop_now_ms(), loop_wall_ms()));
}

static void connection(void *ctx, bool up)
{
    struct node *node = ctx;
    node_driver_connection(node->driver, up);
    changed(node);
}

static enum err send_frame(void *ctx, struct bytes frame)
{
    return node_uplink_send(((struct node *)ctx)->uplink, frame);
}

static void reconnect(void *ctx)
{
    node_uplink_reconnect(((struct node *)ctx)->uplink);
}

static enum err open_all(struct node *node, struct problem *problem)
{
    const struct config *config = service_config(node->service);
    const struct node_driver_ports ports = { .ctx = node,
                                             .send = send_frame,
                                             .reconnect = reconnect };
    char path[CONFIG_PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/node.db", config->state);
    enum err err = node_store_open(path, NULL, &node->store, problem);
    if (err == OK)
        err = node_entry_open(node->store, &node->entry);
    if (err == OK)
        err = node_uplink_open(node->loop, node->store, receive, connection, node, &node->uplink);
    if (err == OK)
        err = node_driver_open(node->store, &ports, &node->driver);
    if (err != OK)
        return problem->code != OK ? err : problem_set(problem, err, path, NULL);
    const struct node_admin_parts parts = { .loop = node->loop,
                                            .store = node->store,
                                            .entry = node->entry,
                                            .driver = node->driver,
                                            .state = config->state,
                                            .ctx = node,
                                            .changed = changed };
    return node_admin_open(&parts, config->socket, config->group[0] != '\0' ? config->group : NULL,
                           &node->admin, problem);
}

/* Of LoadCredential= in the unit. */
static void take_credential(struct node *node)
{
    char path[PATH_MAX];
    struct buf text = { .at = NULL };
    struct problem problem;
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    if (directory == NULL ||
        (size_t)snprintf(path, sizeof path, "%s/unlock", directory) >= sizeof path)
        return;
    enum err err = files_read(path, CREDENTIAL_BYTES_MAX, &text, &problem);
    if (err == OK)
        (void)node_admin_take_credential(node->admin, buf_bytes(&text));
    else if (err != ERR_NOT_FOUND)
        log_problem(LOG_LEVEL_ERROR, "the credential cannot be read", &problem);
    files_release(&text);
}

static void close_all(struct node *node)
{
    node_admin_close(&node->admin);
    node_uplink_close(&node->uplink);
    node_driver_close(&node->driver);
    node_entry_close(&node->entry);
    node_store_close(&node->store);
}

int main(int argc, char **argv)
{
    static const struct service_program program = { .name = "tksk-node",
                                                    .kind = CONFIG_NODE,
                                                    .summary =
                                                        "the daemon of an office: keeps what "
                                                        "is entered and sends it to the hub" };
    struct node node = { .service = NULL };
    struct problem problem = { .code = OK };
    int exit_code = 0;
    /* As it is from the start, but for good: else each large buffer that is freed raises it. */
    (void)mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    if (!service_start(&program, argc, argv, &node.service, &exit_code))
        return exit_code;
    node.loop = service_loop(node.service);
    node.since_ms = loop_now_ms();
    enum err err = open_all(&node, &problem);
    if (err == OK) {
        take_credential(&node);
        changed(&node);
        service_tells(node.service, tell, &node);
        service_probes(node.service, probe, &node);
        service_ready(node.service);
        err = service_run(node.service);
        if (err != OK)
            (void)problem_set(&problem, err, "event loop", NULL);
    }
    if (err != OK)
        service_fail(node.service, "cannot go on", &problem);
    close_all(&node);
    return service_stop(&node.service);
}
