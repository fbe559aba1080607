#include "tests/sim/sim_carry.h"

#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_carry.h"
#include "node/node_carry.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_random.h"
#include "tests/sim/sim_work.h"

#define FILES_MAX 16
#define PIECES_MAX 128
#define ROUND_STEPS 4 /* a messenger takes its time */

struct piece {
    uint8_t *at;
    size_t len;
};

struct carried {
    bool used, to_hub;
    bool forked; /* taking it has shown a fork */
    struct sim_node *node;
    unsigned device, next, count;
    struct piece pieces[PIECES_MAX];
};

static struct carried files[FILES_MAX];

static void file_drop(struct carried *file)
{
    for (unsigned i = 0; i < file->count; i++)
        free(file->pieces[i].at);
    *file = (struct carried){ .used = false };
}

void sim_carry_stop(void)
{
    for (unsigned i = 0; i < FILES_MAX; i++)
        file_drop(&files[i]);
}

void sim_carry_start(void)
{
    sim_carry_stop();
}

/* A new one; when all are used some other one is lost. */
static struct carried *file_new(struct sim_node *node, bool to_hub)
{
    struct carried *file = &files[sim_below(FILES_MAX)];
    for (unsigned i = 0; i < FILES_MAX && file->used; i++) {
        if (!files[i].used)
            file = &files[i];
    }
    file_drop(file);
    *file =
        (struct carried){ .used = true, .to_hub = to_hub, .node = node, .device = node->devices };
    return file;
}

static void file_add(struct carried *file, struct bytes piece)
{
    must(file->count < PIECES_MAX);
    struct piece *to = &file->pieces[file->count++];
    *to = (struct piece){ .at = malloc(piece.len), .len = piece.len };
    must(to->at != NULL);
    memcpy(to->at, piece.at, piece.len);
}

static struct bytes piece_bytes(const struct carried *file, unsigned at)
{
    return bytes_of(file->pieces[at].at, file->pieces[at].len);
}

static bool hub_works(void)
{
    return world.hub.up && !sim_disk_frozen(SIM_HUB);
}

static bool node_works(const struct sim_node *node)
{
    return node->up && !node->gone && !sim_disk_frozen(node->machine);
}

/* ---- exports */

static size_t part_bytes(void)
{
    return sim_chance(500) ? CARRY_PIECE_BYTES_MAX : CARRY_PIECE_BYTES_MIN;
}

static struct carried *node_export(struct sim_node *node)
{
    struct node_carry *carry = NULL;
    struct problem problem = { .code = OK };
    struct carry_place where;
    struct bytes piece;
    if (!node_works(node))
        return NULL;
    enum err err = node_carry_open(node->driver, part_bytes(), world.now_ms, sim_wall_ms(node),
                                   &carry, &problem);
    if (err != OK)
        return NULL;
    struct carried *file = file_new(node, true);
    while ((err = node_carry_next(carry, &piece, &where, &problem)) == OK)
        file_add(file, piece);
    node_carry_close(&carry);
    if (err != ERR_NOT_FOUND && !sim_disk_is_full(node->machine) && node_works(node))
        sim_fail("%s: an export gave %s: %s", node->name, err_name(err), problem.detail);
    sim_say("%s: a file of %u pieces for the hub", node->name, file->count);
    if (err == ERR_NOT_FOUND)
        return file;
    file_drop(file);
    return NULL;
}

/* Answers what `of` brought; NULL: whatever the hub has for the office. */
static struct carried *hub_export(struct sim_node *node, const struct carried *of)
{
    struct hub_carry *carry = NULL;
    struct problem problem = { .code = OK };
    struct carry_place where;
    struct bytes piece, none = { NULL, 0 };
    if (!hub_works())
        return NULL;
    enum err err = hub_carry_open(world.hub.driver, node->name, of ? piece_bytes(of, 0) : none,
                                  of != NULL && of->forked, part_bytes(), world.now_ms,
                                  sim_wall_ms(NULL), &carry, &problem);
    if (err != OK) {
        sim_say("hub: no file for %s: %s %s", node->name, err_name(err), problem.detail);
        return NULL;
    }
    struct carried *file = file_new(node, false);
    while ((err = hub_carry_next(carry, world.now_ms, &piece, &where, &problem)) == OK)
        file_add(file, piece);
    hub_carry_close(&carry);
    if (err != ERR_NOT_FOUND && !sim_disk_is_full(SIM_HUB) && hub_works())
        sim_fail("hub: an export for %s gave %s: %s", node->name, err_name(err), problem.detail);
    sim_say("hub: a file of %u pieces for %s", file->count, node->name);
    if (err == ERR_NOT_FOUND && file->count > 0)
        return file;
    file_drop(file);
    return NULL;
}

/* ---- taking */

/* The netbook is another one than the officer has approved last. */
static bool is_other_device(const struct carried *file)
{
    if (!world.hub.up)
        return true;
    const struct trust_node *known =
        trust_node(hub_store_trust(world.hub.store), bytes_text(file->node->name));
    return file->device != file->node->devices ||
           memcmp(&known->curve_key, &file->node->curve_key, PUBLIC_KEY_BYTES) != 0;
}

/* What an unharmed file of this device may be told. */
static bool may_be(enum err err, const struct carried *file)
{
    switch ((int)err) {
    case OK:
    case ERR_CARRY_ORDER:
    case ERR_CARRY_LIFE:
    case ERR_FORK:
    case ERR_WAITING:
    case ERR_LOCKED:
    case ERR_STATE:
        return true;
    case ERR_SIGNATURE:
    case ERR_DECRYPT:
        return is_other_device(file) || !file->to_hub; /* sealed to a key that was given up */
    default:
        return false;
    }
}

static enum err take_at_hub(struct carried *file, struct bytes piece)
{
    struct hub_carry_taken taken;
    struct problem problem = { .code = OK };
    enum err err = hub_carry_take(world.hub.driver, piece_bytes(file, 0), piece, 0, world.now_ms,
                                  sim_wall_ms(NULL), &taken, &problem);
    file->forked = file->forked || taken.forked;
    sim_say("hub: piece of %s, kind %u lane %u first %llu: %s %s", file->node->name, taken.kind,
            taken.lane, (unsigned long long)taken.first, err_name(err), problem.detail);
    return sim_disk_is_full(SIM_HUB) || sim_disk_frozen(SIM_HUB) ? OK : err;
}

static enum err take_at_node(struct carried *file, struct bytes piece)
{
    struct sim_node *node = file->node;
    struct node_carry_taken taken;
    struct problem problem = { .code = OK };
    enum err err = node_carry_take(node->driver, piece_bytes(file, 0), piece, world.now_ms,
                                   sim_wall_ms(node), &taken, &problem);
    sim_say("%s: piece, kind %u place %u %llu to %llu: %s %s", node->name, taken.kind, taken.place,
            (unsigned long long)taken.first, (unsigned long long)taken.last, err_name(err),
            problem.detail);
    return sim_disk_is_full(node->machine) || sim_disk_frozen(node->machine) ? OK : err;
}

/* False: whoever would take it is away. */
static bool take(struct carried *file, unsigned at, bool harm)
{
    struct bytes piece = piece_bytes(file, at);
    uint8_t *copy = NULL;
    if (file->to_hub ? !hub_works() : !node_works(file->node))
        return false;
    if (harm) {
        copy = malloc(piece.len);
        must(copy != NULL);
        memcpy(copy, piece.at, piece.len);
        copy[sim_below(piece.len)] ^= (uint8_t)(1u << sim_below(8));
        piece.at = copy;
    }
    enum err err = file->to_hub ? take_at_hub(file, piece) : take_at_node(file, piece);
    free(copy);
    if (err == ERR_STORE || err == ERR_INTERNAL || err == ERR_IO || err == ERR_MEMORY ||
        (!harm && !may_be(err, file)))
        sim_fail("%s: taking piece %u of a file %s gave %s", file->node->name, at,
                 file->to_hub ? "to the hub" : "of the hub", err_name(err));
    return true;
}

/* Some pieces, mostly the next ones; a file that is through is answered, and may come again. */
static void carry_on(struct carried *file)
{
    unsigned some = 1 + (unsigned)sim_below(8);
    for (; some > 0 && file->next < file->count; some--) {
        unsigned at = sim_chance(50) ? (unsigned)sim_below(file->count) : file->next;
        if (!take(file, at, sim_chance(20)))
            return;
        if (at == file->next || sim_chance(500)) /* else that piece is lost */
            file->next++;
        if (file->to_hub ? !hub_works() : !node_works(file->node))
            return;
    }
    if (file->next < file->count)
        return;
    if (file->to_hub && sim_chance(700))
        (void)hub_export(file->node, file);
    if (!file->used)
        return; /* the answer took its place */
    if (sim_chance(300))
        file->next = 0;
    else
        file_drop(file);
}

void sim_carry_act(struct sim_node *node)
{
    struct carried *file = &files[sim_below(FILES_MAX)];
    for (unsigned i = 0; i < FILES_MAX && !file->used; i++)
        file = &files[i];
    if (!file->used || sim_chance(200))
        (void)(sim_chance(850) ? node_export(node) : hub_export(node, NULL));
    else
        carry_on(file);
    sim_reap();
}

/* ---- without a link */

void sim_carry_only(void)
{
    struct sim_node *node = &world.nodes[sim_below(world.office_count)];
    if (sim_work_plan() == PLAN_TWIN || sim_chance(700))
        return;
    node->carried = true;
    sim_net_cut(node->machine, true);
    node_driver_connection(node->driver, false);
    sim_say("%s: from now on by files", node->name);
}

static void take_whole(struct carried *file)
{
    for (unsigned i = 0; file->used && i < file->count; i++)
        (void)take(file, i, false);
}

void sim_carry_round(void)
{
    for (unsigned n = 0; n < world.office_count; n++) {
        struct sim_node *node = &world.nodes[n];
        if (!node->carried || world.step % ROUND_STEPS != 0)
            continue;
        sim_carry_stop();
        struct carried *file = node_export(node);
        if (file == NULL)
            continue;
        take_whole(file);
        struct carried *answer = hub_export(node, file);
        if (answer != NULL)
            take_whole(answer);
        sim_carry_stop();
    }
}
