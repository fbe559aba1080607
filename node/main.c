/* tksk-node: the daemon of an office. */
#include <stdio.h>

#include "common/log.h"
#include "common/service.h"
#include "node/node_admin.h"
#include "node/node_uplink.h"

#define IDLE_MS 60000       /* without work for so long: the write-ahead log is folded in */
#define FAILED_REST_MS 5000 /* after a failure of the store */

struct node {
    struct service *service;
    struct loop *loop;
    struct node_store *store;
    struct node_entry *entry;
    struct node_driver *driver;
    struct node_uplink *uplink;
    struct node_admin *admin;
    int timer, idle_timer;
    bool linked;
};

static void tick(void *ctx);

static void idle(void *ctx)
{
    struct node *node = ctx;
    node->idle_timer = 0;
    (void)node_store_idle(node->store); /* what does not work now works later */
}

/* Says what changed about the link, and sets the timer anew. */
static void settle(struct node *node, enum err err)
{
    struct node_link link;
    uint64_t now_ms = loop_now_ms(), wake_ms = node_driver_wake_ms(node->driver);
    uint64_t delay_ms = wake_ms > now_ms ? wake_ms - now_ms : 0;
    node_driver_link(node->driver, &link);
    if (link.linked != node->linked) {
        node->linked = link.linked;
        log_info("%s endpoint=%s", link.linked ? "linked" : "link lost",
                 node_uplink_endpoint(node->uplink));
        service_status(node->service, "%s", link.linked ? "linked" : "no link");
    }
    if (err != OK) {
        log_error("the store failed code=%s", err_name(err));
        delay_ms = delay_ms < FAILED_REST_MS ? FAILED_REST_MS : delay_ms;
    }
    loop_cancel(node->loop, node->timer);
    node->timer = wake_ms == UINT64_MAX ? 0 : loop_after(node->loop, delay_ms, tick, node);
    loop_cancel(node->loop, node->idle_timer);
    node->idle_timer = loop_after(node->loop, IDLE_MS, idle, node);
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
    if (!service_start(&program, argc, argv, &node.service, &exit_code))
        return exit_code;
    node.loop = service_loop(node.service);
    enum err err = open_all(&node, &problem);
    if (err == OK) {
        changed(&node);
        service_ready(node.service, "no link");
        err = loop_run(node.loop);
        if (err != OK)
            (void)problem_set(&problem, err, "event loop", NULL);
    }
    if (err != OK)
        service_fail(node.service, "cannot go on", &problem);
    close_all(&node);
    return service_stop(&node.service);
}
