#include "tests/sim/sim_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_office.h"
#include "tests/sim/sim_officer.h"
#include "tests/sim/sim_random.h"

#define HUB_DB "m0/hub.db"
#define ENROL_DB "m0/enrol.db"
#define DAY_MS 86400000ull
#define WALL_BASE_MS 1790000000000ull /* September 2026 */

struct sim_world world;

void sim_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "seed %llu step %u at %llu ms: ", (unsigned long long)world.seed, world.step,
            (unsigned long long)world.now_ms);
    vfprintf(stderr, fmt, args);
    fprintf(stderr, "\n  replay: build/tests/sim/sim --seed %llu --verbose\n",
            (unsigned long long)world.seed);
    va_end(args);
    exit(1);
}

void sim_say(const char *fmt, ...)
{
    if (!world.verbose)
        return;
    va_list args;
    va_start(args, fmt);
    printf("%5u %9llu ms  ", world.step, (unsigned long long)world.now_ms);
    vprintf(fmt, args);
    putchar('\n');
    va_end(args);
}

void sim_ok_named(enum err err, const char *what)
{
    if (err != OK)
        sim_fail("%s gave %s", what, err_name(err));
}

uint64_t sim_wall_ms(const struct sim_node *node)
{
    uint64_t wall = world.wall_base_ms + world.now_ms;
    return node == NULL ? wall : (uint64_t)((int64_t)wall + node->clock_error_ms);
}

/* ---- links */

static enum err node_send(void *ctx, struct bytes frame)
{
    const struct sim_node *node = ctx;
    if (sim_disk_frozen(node->machine))
        return OK;
    return sim_net_send(node->machine, SIM_HUB, node->connection, frame, world.now_ms) ? OK
                                                                                       : ERR_BUSY;
}

static void node_reconnect(void *ctx)
{
    struct sim_node *node = ctx;
    node->connection++;
}

static enum err hub_send(void *ctx, const struct hub_peer *peer, struct bytes frame)
{
    (void)ctx;
    must(peer->route_len == 2);
    if (sim_disk_frozen(SIM_HUB))
        return OK;
    /* What goes to a connection that is no more is lost on its way (see deliver). */
    return sim_net_send(SIM_HUB, peer->route[0], peer->route[1], frame, world.now_ms) ? OK
                                                                                      : ERR_BUSY;
}

static void hub_access_changed(void *ctx)
{
    (void)ctx;
}

/* ---- machines */

static void node_path(const struct sim_node *node, char ret[32])
{
    snprintf(ret, 32, "m%u/node.db", node->machine);
}

void sim_node_up(struct sim_node *node)
{
    char path[32];
    node_path(node, path);
    struct problem problem = { .code = OK };
    enum err err = node_store_open(path, SIM_VFS, &node->store, &problem);
    if (err != OK)
        sim_fail("node %s does not open: %s: %s %s", node->name, err_name(err), problem.thing,
                 problem.detail);
    sim_ok(node_entry_open(node->store, &node->entry));
    const struct node_driver_ports ports = { .ctx = node,
                                             .send = node_send,
                                             .reconnect = node_reconnect };
    sim_ok(node_driver_open(node->store, &ports, &node->driver));
    node->up = true;
    node->locked = true;
    node->connection++;
    sim_say("node %s is up", node->name);
    if (node->person_count > 0 && world.step >= node->locked_until_step && sim_chance(800))
        sim_office_unlock(node);
}

void sim_node_cut(struct sim_node *node, bool cut)
{
    sim_net_cut(node->machine, cut);
    sim_say("%s: link %s", node->name, cut ? "cut" : "back");
    if (!node->up || sim_chance(500)) /* one side may hear of it late, or never */
        return;
    if (!cut)
        node->connection++;
    node_driver_connection(node->driver, !cut);
}

void sim_node_down(struct sim_node *node, uint64_t downtime_ms)
{
    node_driver_close(&node->driver);
    node_entry_close(&node->entry);
    node_store_close(&node->store);
    sim_disk_restart(node->machine);
    node->up = false;
    node->restart_ms = world.now_ms + downtime_ms;
    sim_say("node %s is down for %llu ms", node->name, (unsigned long long)downtime_ms);
}

void sim_hub_up(void)
{
    struct problem problem = { .code = OK };
    enum err err = hub_store_open(HUB_DB, SIM_VFS, SIM_DISTRICT, &world.hub.store, &problem);
    if (err != OK)
        sim_fail("the hub does not open: %s: %s %s", err_name(err), problem.thing, problem.detail);
    const struct hub_driver_ports ports = { .ctx = NULL,
                                            .send = hub_send,
                                            .access_changed = hub_access_changed };
    err = hub_enrol_open(ENROL_DB, SIM_VFS, &world.hub.enrol, &problem);
    if (err != OK)
        sim_fail("the hub's list of who joins does not open: %s: %s %s", err_name(err),
                 problem.thing, problem.detail);
    sim_ok(hub_driver_open(world.hub.store, &world.hub.keys, &ports, &world.hub.driver));
    sim_ok(hub_driver_enrol(world.hub.driver, world.hub.enrol));
    world.hub.up = true;
    sim_say("the hub is up");
}

void sim_hub_down(uint64_t downtime_ms)
{
    hub_driver_close(&world.hub.driver);
    hub_enrol_close(&world.hub.enrol);
    hub_store_close(&world.hub.store);
    sim_disk_restart(SIM_HUB);
    world.hub.up = false;
    world.hub.restart_ms = world.now_ms + downtime_ms;
    sim_say("the hub is down for %llu ms", (unsigned long long)downtime_ms);
}

void sim_reap(void)
{
    if (world.hub.up && sim_disk_frozen(SIM_HUB))
        sim_hub_down(500 + sim_below(20000));
    for (unsigned i = 0; i < world.node_count; i++) {
        struct sim_node *node = &world.nodes[i];
        if (node->up && sim_disk_frozen(node->machine))
            sim_node_down(node, 500 + sim_below(20000));
    }
}

static void hub_found(void)
{
    static uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof(space));
    struct signer_list root = { .threshold = 1, .count = 1 };
    root.list[0].key = world.root_key;
    snprintf(root.list[0].name, sizeof(root.list[0].name), "root");
    struct signer_list signers = root;
    signers.list[0].key = world.officer_key;
    struct trust_hub hub = { .sign_key = world.hub.keys.sign_public,
                             .seal_key = world.hub.keys.seal_public,
                             .seal_number = 1,
                             .curve_key = world.hub.keys.curve_public,
                             .endpoint_count = 1 };
    snprintf(hub.endpoints[0], sizeof(hub.endpoints[0]), "tcp://127.0.0.1:1");
    writer_array(&ops, 3);
    trust_op_signers(&ops, TRUST_ROOT, &root);
    trust_op_signers(&ops, TRUST_SIGNERS, &signers);
    trust_op_hub(&ops, &hub);
    sim_ok(sim_publish_trust(writer_bytes(&ops)));
}

/* ---- the world */

/* Clocks are right, hours off, or decades off (a dead battery says 1970 or worse). */
static int64_t clock_error(void)
{
    switch (sim_below(4)) {
    case 0:
        return 0;
    case 1:
        return (int64_t)sim_below(2 * DAY_MS) - (int64_t)DAY_MS;
    case 2:
        return -(int64_t)(WALL_BASE_MS - sim_below(DAY_MS));
    default:
        return (int64_t)(sim_below(30 * 365) * DAY_MS);
    }
}

void sim_world_open(uint64_t seed, bool verbose)
{
    static const char *const names[SIM_OFFICES_MAX] = { SIM_DISTRICT, "36.04.01", "36.04.02",
                                                        "36.04.03", "36.04.04" };
    sim_random_start(seed);
    crypto_random_replace(sim_random_fill);
    sim_disk_start();
    world = (struct sim_world){
        .seed = seed, .verbose = verbose, .wall_base_ms = WALL_BASE_MS, .now_ms = 1000
    };
    const struct sim_net_faults faults = { .loss = (unsigned)sim_below(200),
                                           .duplicate = (unsigned)sim_below(100),
                                           .corrupt = (unsigned)sim_below(30),
                                           .delay_ms_max = 1 + sim_below(3000) };
    sim_net_start(&faults);
    world.root_seed = secret_key_new();
    world.officer_seed = secret_key_new();
    crypto_sign_public(world.root_seed, &world.root_key);
    crypto_sign_public(world.officer_seed, &world.officer_key);
    sim_ok(hub_keys_make(&world.hub.keys));
    sim_hub_up();
    hub_found();
    sim_ok(sim_publish_rules("tests/sim/policy/1"));
    world.office_count = 2 + (unsigned)sim_below(SIM_OFFICES_MAX - 1);
    for (unsigned i = 0; i < world.office_count; i++) {
        struct sim_node *node = &world.nodes[i];
        world.node_count = i + 1;
        node->office = i;
        node->machine = i + 1;
        node->clock_error_ms = clock_error();
        snprintf(node->name, sizeof(node->name), "%s", names[i]);
        snprintf(node->role, sizeof(node->role), "%s", i == 0 ? "district" : "office");
        sim_node_up(node);
        sim_office_enrol(node);
    }
}

void sim_world_close(void)
{
    for (unsigned i = 0; i < world.node_count; i++) {
        struct sim_node *node = &world.nodes[i];
        if (node->up)
            sim_node_down(node, 0);
        for (unsigned k = 0; node->office == i && k < node->person_count; k++)
            secret_key_close(&node->people[k].seed);
        if (node->office == i)
            secret_key_close(&node->typist.seed);
    }
    if (world.hub.up)
        sim_hub_down(0);
    hub_keys_close(&world.hub.keys);
    secret_key_close(&world.root_seed);
    secret_key_close(&world.officer_seed);
    sim_net_stop();
}

/* ---- time */

/* A daemon may report its own full disk; it may report nothing else. */
static void driver_ok(unsigned machine, enum err err, const char *what)
{
    if (err != OK && !sim_disk_is_full(machine) && !sim_disk_frozen(machine))
        sim_ok_named(err, what);
}

static void deliver(const struct sim_packet *packet)
{
    struct bytes frame = bytes_of(packet->at, packet->len);
    if (packet->to == SIM_HUB) {
        if (!world.hub.up)
            return;
        struct hub_peer peer = { .curve_key = world.nodes[packet->from - 1].curve_key,
                                 .route = { (uint8_t)packet->from, packet->connection },
                                 .route_len = 2 };
        driver_ok(
            SIM_HUB,
            hub_driver_receive(world.hub.driver, &peer, frame, world.now_ms, sim_wall_ms(NULL)),
            "hub_driver_receive");
        if (sim_chance(300))
            driver_ok(SIM_HUB, hub_driver_flush(world.hub.driver, world.now_ms),
                      "hub_driver_flush");
        return;
    }
    struct sim_node *node = &world.nodes[packet->to - 1];
    if (node->up && node->connection == packet->connection)
        driver_ok(node->machine,
                  node_driver_receive(node->driver, frame, world.now_ms, sim_wall_ms(node)),
                  "node_driver_receive");
}

static void tick_all(void)
{
    if (!world.hub.up && world.now_ms >= world.hub.restart_ms)
        sim_hub_up();
    if (world.hub.up) {
        driver_ok(SIM_HUB, hub_driver_tick(world.hub.driver, world.now_ms, sim_wall_ms(NULL)),
                  "hub_driver_tick");
        driver_ok(SIM_HUB, hub_driver_flush(world.hub.driver, world.now_ms), "hub_driver_flush");
        sim_reap();
    }
    for (unsigned i = 0; i < world.node_count; i++) {
        struct sim_node *node = &world.nodes[i];
        if (!node->up && !node->gone && world.now_ms >= node->restart_ms)
            sim_node_up(node);
        if (node->up)
            driver_ok(node->machine,
                      node_driver_tick(node->driver, world.now_ms, sim_wall_ms(node)),
                      "node_driver_tick");
        sim_reap();
    }
}

void sim_advance(uint64_t ms)
{
    uint64_t end = world.now_ms + ms;
    tick_all();
    while (world.now_ms < end) {
        struct sim_packet packet;
        while (sim_net_take(world.now_ms, &packet)) {
            deliver(&packet);
            free(packet.at);
            sim_reap();
        }
        uint64_t next = sim_net_next_ms();
        world.now_ms = next < end && next > world.now_ms ? next : end;
        tick_all();
    }
}
