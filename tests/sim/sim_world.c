#include "tests/sim/sim_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/policy_text.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_random.h"

#define HUB_DB "m0/hub.db"
#define POLICY_DIRECTORY "tests/sim/policy"
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
    return sim_net_send(node->machine, SIM_HUB, frame, world.now_ms) ? OK : ERR_BUSY;
}

static void node_reconnect(void *ctx)
{
    (void)ctx;
}

static struct sim_node *node_of_key(const struct public_key *key)
{
    for (unsigned i = 0; i < world.node_count; i++) {
        if (memcmp(&world.nodes[i].curve_key, key, sizeof(*key)) == 0)
            return &world.nodes[i];
    }
    return NULL;
}

static enum err hub_send(void *ctx, const struct hub_peer *peer, struct bytes frame)
{
    (void)ctx;
    const struct sim_node *node = node_of_key(&peer->curve_key);
    if (node == NULL)
        sim_fail("the hub sends to a key that nobody has");
    if (sim_disk_frozen(SIM_HUB))
        return OK;
    return sim_net_send(SIM_HUB, node->machine, frame, world.now_ms) ? OK : ERR_BUSY;
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

void sim_node_unlock(struct sim_node *node)
{
    enum err err =
        node_store_unlock(node->store, secret_key_from(secret_key_bytes(node->operator_seed)));
    if (err == ERR_FULL && sim_disk_is_full(node->machine))
        return; /* unlocking folds in what came meanwhile, which wants space */
    sim_ok(err);
    node->locked = false;
    node_driver_kick(node->driver);
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
    sim_say("node %s is up", node->name);
    if (node->operator_seed != NULL && sim_chance(800))
        sim_node_unlock(node);
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
    sim_ok(hub_driver_open(world.hub.store, &world.hub.keys, &ports, &world.hub.driver));
    world.hub.up = true;
    sim_say("the hub is up");
}

void sim_hub_down(uint64_t downtime_ms)
{
    hub_driver_close(&world.hub.driver);
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

/* ---- policy */

enum err sim_publish_trust(struct bytes ops)
{
    static uint8_t space[TRUST_STATEMENT_BYTES_MAX];
    const struct trust *trust = hub_store_trust(world.hub.store);
    const struct secret_key *root[] = { world.root_seed };
    const struct secret_key *officer[] = { world.officer_seed };
    struct writer out = writer_of(space, sizeof(space));
    struct problem problem = { .code = OK };
    enum err err = trust_sign(SIM_DISTRICT, trust->version + 1, &trust->hash, sim_wall_ms(NULL),
                              ops, trust->version == 0 ? root : officer, 1, &out);
    if (err == OK)
        err = hub_store_begin(world.hub.store);
    if (err != OK)
        return err;
    err = hub_store_trust_put(world.hub.store, writer_bytes(&out), sim_wall_ms(NULL), &problem);
    if (err == OK)
        err = hub_store_commit(world.hub.store);
    if (err != OK) {
        sim_say("trust refused: %s %s %s", err_name(err), problem.thing, problem.detail);
        hub_store_rollback(world.hub.store);
    }
    hub_driver_journal_moved(world.hub.driver);
    return err;
}

enum err sim_publish_rules(const char *directory)
{
    static uint8_t document_space[RULES_BYTES_MAX], space[RULES_BYTES_MAX + 1024];
    struct policy_mark mark = hub_store_policy_mark(world.hub.store);
    struct buf document = buf_of(document_space, sizeof(document_space));
    struct writer out = writer_of(space, sizeof(space));
    struct problem problem = { .code = OK };
    const struct secret_key *officer[] = { world.officer_seed };
    enum err err = policy_text_compile(directory, SIM_DISTRICT, mark.rules_version + 1,
                                       &mark.rules_hash, &document, &problem);
    if (err != OK)
        sim_fail("policy of the simulator: %s: %s %s", err_name(err), problem.thing,
                 problem.detail);
    err = rules_sign(buf_bytes(&document), officer, 1, &out);
    if (err == OK)
        err = hub_store_begin(world.hub.store);
    if (err != OK)
        return err;
    err = hub_store_rules_put(world.hub.store, writer_bytes(&out), sim_wall_ms(NULL), &problem);
    if (err == OK)
        err = hub_store_commit(world.hub.store);
    if (err != OK) {
        sim_say("rules refused: %s %s %s", err_name(err), problem.thing, problem.detail);
        hub_store_rollback(world.hub.store);
    }
    hub_driver_journal_moved(world.hub.driver);
    return err;
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

static void node_enrol(struct sim_node *node)
{
    static uint8_t space[4096];
    const struct trust *trust = hub_store_trust(world.hub.store);
    struct node_identity identity = { .enrolment = ENROLMENT_WAITING,
                                      .root_key = world.root_key,
                                      .hub = trust->hub };
    snprintf(identity.district, sizeof(identity.district), SIM_DISTRICT);
    snprintf(identity.node, sizeof(identity.node), "%s", node->name);
    struct secret_key *one_time = secret_key_new();
    sim_ok(node_store_enrol(node->store, &identity, one_time));
    secret_key_close(&one_time);
    sim_ok(node_store_identity(node->store, &identity));
    node->curve_key = identity.curve_public;

    node->operator_seed = secret_key_new();
    crypto_sign_public(node->operator_seed, &node->operator_key);
    struct message request = { .type = MESSAGE_OPERATOR };
    request.operator_request.district = bytes_text(SIM_DISTRICT);
    request.operator_request.node = bytes_text(node->name);
    request.operator_request.key = node->operator_key;
    request.operator_request.name = bytes_text(node->name);
    request.operator_request.role = bytes_text(node->role);
    uint8_t request_space[512];
    struct writer request_out = writer_of(request_space, sizeof(request_space));
    operator_request_encode(&request.operator_request, &request_out);
    request.operator_request.request = writer_bytes(&request_out);
    struct node_operator op = { .key = node->operator_key, .keyfile = bytes_text("simulated") };
    snprintf(op.name, sizeof(op.name), "%s", node->name);
    snprintf(op.role, sizeof(op.role), "%s", node->role);
    sim_ok(node_store_operator_add(node->store, &op, &request, node->operator_seed));
    sim_ok(node_store_enrolment_set(node->store, ENROLMENT_DONE));

    struct trust_node roster = { .device_key = identity.device_public,
                                 .curve_key = identity.curve_public,
                                 .seal_key = identity.seal_public };
    snprintf(roster.name, sizeof(roster.name), "%s", node->name);
    snprintf(roster.area, sizeof(roster.area), "%s", node->name);
    struct trust_operator person = { .number = (uint32_t)trust->operator_count + 1,
                                     .key = node->operator_key,
                                     .from = "1970-01-01",
                                     .until = "2199-12-31" };
    snprintf(person.node, sizeof(person.node), "%s", node->name);
    snprintf(person.name, sizeof(person.name), "%s", node->name);
    snprintf(person.role, sizeof(person.role), "%s", node->role);
    snprintf(person.area, sizeof(person.area), "%s", node->name);
    snprintf(person.sk, sizeof(person.sk), "SK/1");
    struct writer ops = writer_of(space, sizeof(space));
    writer_array(&ops, 2);
    trust_op_node(&ops, &roster);
    trust_op_operator(&ops, &person);
    sim_ok(sim_publish_trust(writer_bytes(&ops)));
    sim_node_unlock(node);
}

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
    static const char *const names[SIM_NODES_MAX] = { SIM_DISTRICT, "36.04.01", "36.04.02",
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
    sim_ok(sim_publish_rules(POLICY_DIRECTORY "/1"));
    world.node_count = 2 + (unsigned)sim_below(SIM_NODES_MAX - 1);
    for (unsigned i = 0; i < world.node_count; i++) {
        struct sim_node *node = &world.nodes[i];
        node->machine = i + 1;
        node->clock_error_ms = clock_error();
        snprintf(node->name, sizeof(node->name), "%s", names[i]);
        snprintf(node->role, sizeof(node->role), "%s", i == 0 ? "district" : "office");
        sim_node_up(node);
        node_enrol(node);
    }
}

void sim_world_close(void)
{
    for (unsigned i = 0; i < world.node_count; i++) {
        struct sim_node *node = &world.nodes[i];
        if (node->up)
            sim_node_down(node, 0);
        secret_key_close(&node->operator_seed);
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
                                 .route = { (uint8_t)packet->from },
                                 .route_len = 1 };
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
    if (node->up)
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
        if (!node->up && world.now_ms >= node->restart_ms)
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
