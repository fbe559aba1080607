#include "tests/sim/sim_office.h"

#include <stdio.h>

#include "common/must.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_officer.h"
#include "tests/sim/sim_random.h"

/* ---- people */

static void person_name(const struct sim_node *node, const struct sim_person *person,
                        char ret[NAME_TEXT_MAX + 1])
{
    if (person == &node->typist)
        snprintf(ret, NAME_TEXT_MAX + 1, "%s-typist", node->name);
    else
        snprintf(ret, NAME_TEXT_MAX + 1, "%s-%u", node->name, person->named);
}

static const char *person_role(const struct sim_node *node, const struct sim_person *person)
{
    return person == &node->typist ? "typist" : node->role;
}

/* The request that asks for approval; it points into `space` and `name`. */
static void person_request(const struct sim_node *node, const struct sim_person *person,
                           const struct secret_key *seal, char name[NAME_TEXT_MAX + 1],
                           struct writer *space, struct message *ret)
{
    *ret = (struct message){ .type = MESSAGE_OPERATOR };
    struct operator_request *asked = &ret->operator_request;
    person_name(node, person, name);
    asked->district = bytes_text(SIM_DISTRICT);
    asked->node = bytes_text(node->name);
    asked->key = person->key;
    asked->name = bytes_text(name);
    asked->role = bytes_text(person_role(node, person));
    asked->has_seal_key = seal != NULL;
    if (seal != NULL)
        crypto_box_public(seal, &asked->seal_key);
    operator_request_encode(asked, space);
    asked->request = writer_bytes(space);
}

/* Into the node's store: as a new person, or (`reset`) with a new key in place of the old one. */
static enum err person_put(struct sim_node *node, const struct sim_person *person, bool reset,
                           const struct secret_key *seal)
{
    char name[NAME_TEXT_MAX + 1];
    uint8_t space[512];
    struct writer out = writer_of(space, sizeof(space));
    struct message request;
    struct node_operator op = { .key = person->key, .keyfile = bytes_text("simulated") };
    person_request(node, person, seal, name, &out, &request);
    snprintf(op.name, sizeof(op.name), "%s", name);
    snprintf(op.role, sizeof(op.role), "%s", person_role(node, person));
    return reset ? node_store_operator_reset(node->store, &op, &request, person->seed, seal)
                 : node_store_operator_add(node->store, &op, &request, person->seed);
}

static enum err person_register(struct sim_node *node, const struct sim_person *person)
{
    return person_put(node, person, false, NULL);
}

static struct sim_person *person_new(struct sim_node *node)
{
    must(node->person_count < SIM_PEOPLE_MAX);
    struct sim_person *person = &node->people[node->person_count++];
    *person =
        (struct sim_person){ .seed = secret_key_new(), .named = (unsigned)(person - node->people) };
    crypto_sign_public(person->seed, &person->key);
    return person;
}

void sim_office_person_op(const struct sim_node *node, const struct sim_person *person,
                          uint32_t number, struct writer *ops)
{
    struct trust_operator op = {
        .number = number, .key = person->key, .from = "1970-01-01", .until = "2199-12-31"
    };
    snprintf(op.node, sizeof(op.node), "%s", node->name);
    person_name(node, person, op.name);
    snprintf(op.role, sizeof(op.role), "%s", person_role(node, person));
    snprintf(op.area, sizeof(op.area), "%s", node->name);
    snprintf(op.sk, sizeof(op.sk), "SK/1");
    trust_op_operator(ops, &op);
}

struct sim_person *sim_office_newcomer(struct sim_node *node)
{
    struct sim_person *last = &node->people[node->person_count - 1];
    if (!node->up || node->locked || sim_disk_frozen(node->machine))
        return NULL;
    if (last->approved) {
        if (node->person_count == SIM_PEOPLE_MAX)
            return NULL;
        last = person_new(node);
    }
    /* ERR_STATE: an earlier attempt left it there. */
    enum err err = person_register(node, last);
    if ((err != OK && err != ERR_STATE) || sim_disk_frozen(node->machine))
        return NULL;
    return last;
}

/* ---- the lock */

static enum err unlock_as(struct sim_node *node, unsigned person)
{
    return node_store_unlock(node->store,
                             secret_key_from(secret_key_bytes(node->people[person].seed)));
}

/* Who is tried in turn: from the newest whom the roster knows downwards, each after the newer keys
 * of the same person; then whom the roster does not know yet. */
static unsigned unlock_order(const struct sim_node *node, unsigned wanted,
                             unsigned ret[SIM_PEOPLE_MAX])
{
    unsigned count = 0;
    bool used[SIM_PEOPLE_MAX] = { false };
    for (unsigned i = wanted + 1; i-- > 0;) {
        for (unsigned k = node->person_count; k-- > wanted + 1;) {
            if (used[k] || !node->people[k].reset || node->people[k].named != node->people[i].named)
                continue;
            ret[count++] = k;
            used[k] = true;
        }
        ret[count++] = i;
    }
    for (unsigned k = node->person_count; k-- > wanted + 1;) {
        if (!used[k])
            ret[count++] = k;
    }
    return count;
}

/* An old copy of the disk does not know who came later: they register again, or their new key takes
 * the place of the old one again. */
static bool come_again(struct sim_node *node, unsigned wanted)
{
    enum err err = person_register(node, &node->people[wanted]);
    if (err == ERR_STATE && node->people[wanted].reset)
        err = person_put(node, &node->people[wanted], true, NULL);
    if (err != OK || sim_disk_frozen(node->machine))
        return false;
    node_store_lock(node->store);
    sim_ok(unlock_as(node, wanted));
    return true;
}

/* Whose key was given up in a reset gets it wrapped again by whoever can open. */
static bool unlock_typist(struct sim_node *node)
{
    const uint8_t *seed = secret_key_bytes(node->typist.seed);
    enum err err = node_store_unlock(node->store, secret_key_from(seed));
    if (err == ERR_STATE || err == ERR_KEY) {
        err = person_put(node, &node->typist, true, NULL);
        if (err == OK && !sim_disk_frozen(node->machine))
            err = node_store_unlock(node->store, secret_key_from(seed));
    }
    if (sim_disk_frozen(node->machine) || sim_disk_is_full(node->machine))
        return err == OK;
    sim_ok(err);
    return true;
}

void sim_office_unlock(struct sim_node *node)
{
    const struct trust *trust = node_store_trust(node->store);
    enum err err = ERR_KEY;
    unsigned wanted = node->person_count - 1, order[SIM_PEOPLE_MAX], person = 0;
    while (wanted > 0 && trust_operator_by_key(trust, &node->people[wanted].key) == NULL)
        wanted--;
    unsigned count = unlock_order(node, wanted, order);
    for (unsigned i = 0; (err == ERR_KEY || err == ERR_STATE) && i < count; i++) {
        person = order[i];
        err = unlock_as(node, person);
    }
    if (sim_disk_frozen(node->machine) || (err == ERR_FULL && sim_disk_is_full(node->machine)))
        return; /* unlocking folds in what came meanwhile, which wants space */
    sim_ok(err);
    if (person < wanted && come_again(node, wanted))
        person = wanted;
    if (sim_disk_frozen(node->machine) || (node->has_typist && !unlock_typist(node))) {
        node_store_lock(node->store);
        return;
    }
    node->acting = person;
    node->locked = false;
    sim_office_act(node, false);
    node_driver_kick(node->driver);
}

void sim_office_act(struct sim_node *node, bool typist)
{
    must(!node->locked && (!typist || node->has_typist));
    sim_ok(
        node_store_act(node->store, typist ? &node->typist.key : &node->people[node->acting].key));
}

void sim_office_lock(struct sim_node *node)
{
    node_store_lock(node->store);
    node->locked = true;
    node_driver_kick(node->driver);
}

void sim_office_take_over(struct sim_node *node)
{
    const struct secret_key *seed = node_store_operator_seed(node->store);
    struct public_key key;
    if (node->locked || seed == NULL)
        return;
    crypto_sign_public(seed, &key);
    const struct trust_operator *op = trust_operator_by_key(node_store_trust(node->store), &key);
    if (op == NULL || op->ended.reason == END_NONE)
        return;
    sim_office_lock(node);
    sim_office_unlock(node);
}

/* ---- enrolment */

static void office_store(struct sim_node *node, struct node_identity *identity)
{
    const struct trust *trust = hub_store_trust(world.hub.store);
    *identity = (struct node_identity){ .enrolment = ENROLMENT_WAITING,
                                        .root_key = world.root_key,
                                        .hub = trust->hub };
    snprintf(identity->district, sizeof(identity->district), SIM_DISTRICT);
    snprintf(identity->node, sizeof(identity->node), "%s", node->name);
    struct secret_key *one_time = secret_key_new();
    sim_ok(node_store_enrol(node->store, identity, one_time));
    secret_key_close(&one_time);
    sim_ok(node_store_identity(node->store, identity));
    node->curve_key = identity->curve_public;
}

/* The first people on an empty disk: whoever is in charge, and a typist. */
static struct sim_person *office_people(struct sim_node *node)
{
    struct sim_person *person = person_new(node);
    sim_ok(person_register(node, person));
    node->has_typist = strcmp(node->name, SIM_DISTRICT) != 0;
    if (node->has_typist) {
        sim_ok(node_store_unlock(node->store, secret_key_from(secret_key_bytes(person->seed))));
        secret_key_close(&node->typist.seed);
        node->typist.seed = secret_key_new();
        crypto_sign_public(node->typist.seed, &node->typist.key);
        sim_ok(person_register(node, &node->typist));
    }
    sim_ok(node_store_enrolment_set(node->store, ENROLMENT_DONE));
    return person;
}

void sim_office_enrol(struct sim_node *node)
{
    static uint8_t space[4096];
    struct node_identity identity;
    struct trust_node roster = { .name = "" };
    struct writer ops = writer_of(space, sizeof(space));
    uint32_t number = (uint32_t)hub_store_trust(world.hub.store)->operator_count + 1;
    office_store(node, &identity);
    struct sim_person *person = office_people(node);
    roster.device_key = identity.device_public;
    roster.curve_key = identity.curve_public;
    roster.seal_key = identity.seal_public;
    snprintf(roster.name, sizeof(roster.name), "%s", node->name);
    snprintf(roster.area, sizeof(roster.area), "%s", node->name);
    writer_array(&ops, node->has_typist ? 3 : 2);
    trust_op_node(&ops, &roster);
    sim_office_person_op(node, person, number, &ops);
    if (node->has_typist)
        sim_office_person_op(node, &node->typist, number + 1, &ops);
    sim_ok(sim_publish_trust(writer_bytes(&ops)));
    person->approved = true;
    sim_office_unlock(node);
}

void sim_office_move(struct sim_node *node)
{
    struct node_identity identity;
    unsigned people = node->person_count;
    node->person_count = 0; /* nobody unlocks an empty store */
    sim_node_up(node);
    node->person_count = people;
    office_store(node, &identity);
    struct sim_person *person = office_people(node);
    person->reset = true;
    sim_office_unlock(node);
}

enum err sim_office_reset(struct sim_node *node)
{
    struct sim_person *person = person_new(node);
    struct secret_key *seal = node->locked ? secret_key_new() : NULL;
    unsigned of = node->locked ? node->person_count - 2 : node->acting;
    person->reset = true;
    person->named = node->people[of].named;
    enum err err = person_put(node, person, true, seal);
    secret_key_close(&seal);
    if (err != OK && !sim_disk_frozen(node->machine)) {
        secret_key_close(&person->seed);
        node->person_count--;
    } else if (err == OK && !sim_disk_frozen(node->machine)) {
        sim_office_lock(node);
        if (world.step >= node->locked_until_step)
            sim_office_unlock(node);
    }
    return err;
}
