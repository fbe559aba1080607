#include "tests/sim/sim_officer.h"

#include <stdio.h>

#include "common/must.h"
#include "proto/policy_text.h"
#include "tests/sim/sim_disk.h"
#include "tests/sim/sim_office.h"
#include "tests/sim/sim_random.h"

#define SLOTS 4      /* of the hub's backups */
#define NAMED_KEPT 2 /* confirmed backups that the hub counts on, as its policy has it */
#define RESTORES_MAX 8
#define RETURN_STEPS_MIN 200 /* an office that waits asks at most 120 s apart */
#define RETURN_STEPS_MAX 2000
#define REVIEWS_MAX 64 /* in one statement */
#define FOREVER "2199-12-31"

struct backup {
    unsigned slot, number;
    bool confirmed;
};

static unsigned rules_published;
static struct backup backups[SLOTS]; /* that a restore may use, oldest first */
static unsigned backup_count, backup_numbers;
static unsigned old_copies;
static unsigned restore_count;

void sim_officer_start(void)
{
    rules_published = 1;
    backup_count = backup_numbers = old_copies = restore_count = 0;
}

static bool hub_works(void)
{
    return world.hub.up && !sim_disk_frozen(SIM_HUB);
}

/* ---- publishing */

/* Commits what the caller wrote, or rolls it back. */
static enum err publish_end(enum err err, const struct problem *problem)
{
    if (err == OK)
        err = hub_store_commit(world.hub.store);
    if (err != OK) {
        sim_say("refused: %s %s %s", err_name(err), problem->thing, problem->detail);
        hub_store_rollback(world.hub.store);
    }
    hub_driver_journal_moved(world.hub.driver);
    return err;
}

enum err sim_publish_trust(struct bytes ops)
{
    static uint8_t space[TRUST_STATEMENT_BYTES_MAX];
    const struct trust *trust = hub_store_trust(world.hub.store);
    const struct secret_key *root[] = { world.root_seed };
    const struct secret_key *officer[] = { world.officer_seed };
    struct writer out = writer_of(space, sizeof(space));
    struct problem problem = { .code = OK };
    enum err err = hub_driver_flush(world.hub.driver, world.now_ms);
    if (err == OK)
        err = trust_sign(SIM_DISTRICT, trust->version + 1, &trust->hash, sim_wall_ms(NULL), ops,
                         trust->version == 0 ? root : officer, 1, &out);
    if (err == OK)
        err = hub_store_begin(world.hub.store);
    if (err != OK)
        return err;
    err = hub_store_trust_put(world.hub.store, writer_bytes(&out), sim_wall_ms(NULL), &problem);
    return publish_end(err, &problem);
}

#define RULES_VERSIONS 2

/* What a source compiles to. Kept from seed to seed, since a dictionary takes a while to make. */
struct compiled {
    struct hash previous;
    struct buf document, dictionary;
    uint8_t document_space[RULES_BYTES_MAX], dictionary_space[DICTIONARY_BYTES_MAX];
};

static const struct compiled *compile(const char *directory, const struct policy_mark *mark)
{
    static struct compiled all[RULES_VERSIONS];
    struct problem problem = { .code = OK };
    must(mark->rules_version < RULES_VERSIONS);
    struct compiled *made = &all[mark->rules_version];
    if (made->document.len > 0 && hash_equal(&made->previous, &mark->rules_hash))
        return made;
    made->previous = mark->rules_hash;
    made->document = buf_of(made->document_space, sizeof(made->document_space));
    made->dictionary = buf_of(made->dictionary_space, sizeof(made->dictionary_space));
    enum err err =
        policy_text_compile_whole(directory, SIM_DISTRICT, mark->rules_version + 1,
                                  &mark->rules_hash, &made->document, &made->dictionary, &problem);
    if (err != OK)
        sim_fail("policy of the simulator: %s: %s %s", err_name(err), problem.thing,
                 problem.detail);
    must(made->dictionary.len > 0);
    return made;
}

enum err sim_publish_rules(const char *directory)
{
    static uint8_t space[RULES_BYTES_MAX + 1024];
    struct hub_store *store = world.hub.store;
    const struct policy_mark mark = hub_store_policy_mark(store);
    const struct compiled *made = compile(directory, &mark);
    struct writer out = writer_of(space, sizeof(space));
    struct problem problem = { .code = OK };
    const struct secret_key *officer[] = { world.officer_seed };
    enum err err = hub_driver_flush(world.hub.driver, world.now_ms);
    if (err == OK)
        err = rules_sign(buf_bytes(&made->document), officer, 1, &out);
    if (err == OK)
        err = hub_store_begin(store);
    if (err != OK)
        return err;
    err = hub_store_rules_put(store, writer_bytes(&out), sim_wall_ms(NULL), &problem);
    if (err == OK)
        err = hub_store_dictionary_put(store, hub_store_dictionary_id(store),
                                       buf_bytes(&made->dictionary), &problem);
    return publish_end(err, &problem);
}

/* ---- policy */

/* The last of what the hub has received from the office, or less. */
static void leak_cuts(const struct sim_node *node, struct ended *ended)
{
    struct id active;
    struct hub_incarnation own;
    bool any = false;
    sim_ok(hub_store_active(world.hub.store, node->name, &any, &active));
    if (!any)
        return;
    sim_ok(hub_store_incarnation(world.hub.store, node->name, &active, &own));
    for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
        struct cut *cut = &ended->cuts[ended->cut_count++];
        *cut = (struct cut){ .incarnation = active,
                             .lane = (enum lane)lane,
                             .seq = sim_below(own.lanes[lane].received + 1) };
    }
}

/* Someone else takes over: the same statement names who comes and ends who goes. */
static void succeed(void)
{
    static uint8_t space[4096];
    struct sim_node *node = &world.nodes[sim_below(world.office_count)];
    const struct trust *trust = hub_store_trust(world.hub.store);
    struct writer ops = writer_of(space, sizeof(space));
    struct sim_person *person = sim_office_newcomer(node);
    if (person == NULL || person == node->people)
        return;
    const struct trust_operator *before = NULL;
    for (struct sim_person *at = node->people; at < person; at++) {
        const struct trust_operator *op = trust_operator_by_key(trust, &at->key);
        if (op != NULL && op->ended.reason == END_NONE)
            before = op;
    }
    struct ended ended = { .reason = (enum end_reason)(1 + sim_below(3)) };
    if (ended.reason == END_LEAKED)
        leak_cuts(node, &ended);
    writer_array(&ops, before == NULL ? 1 : 2);
    sim_office_person_op(node, person, (uint32_t)trust->operator_count + 1, &ops);
    if (before != NULL)
        trust_op_operator_end(&ops, before->number, &ended);
    if (sim_publish_trust(writer_bytes(&ops)) == OK && !sim_disk_frozen(SIM_HUB)) {
        person->approved = true;
        sim_say("%s: a successor, reason %d", node->name, ended.reason);
    }
}

static void renew(uint32_t number, const char *until)
{
    static uint8_t space[512];
    struct writer ops = writer_of(space, sizeof(space));
    writer_array(&ops, 1);
    trust_op_operator_until(&ops, number, "SK/2", until);
    (void)!sim_publish_trust(writer_bytes(&ops));
}

void sim_officer_policy(void)
{
    static const char *const terms[] = { "1975-06-30", "2026-09-20", "2031-01-31",
                                         FOREVER,      FOREVER,      FOREVER };
    /* Nobody publishes on a database that was just put back: `restore` comes first, and says so. */
    if (!hub_works() || world.hub.rolled_back)
        return;
    if (rules_published == 1 && sim_chance(300)) {
        if (sim_publish_rules("tests/sim/policy/2") == OK && !sim_disk_frozen(SIM_HUB))
            rules_published = 2;
        return;
    }
    const struct trust *trust = hub_store_trust(world.hub.store);
    if (sim_chance(300))
        succeed();
    else
        renew(1 + (uint32_t)sim_below(trust->operator_count), terms[sim_below(COUNT_OF(terms))]);
}

/* ---- reviews */

struct reviews {
    unsigned seen, count, max;
    bool twins; /* also those that wait for the decision about twins */
    struct hash leaves[REVIEWS_MAX];
};

/* `max` of those in quarantine, each with the same chance. */
static void review_pick(void *ctx, const struct hub_row *row)
{
    struct reviews *reviews = ctx;
    must(strcmp(row->names[0], "leaf") == 0 && strcmp(row->names[3], "state") == 0 &&
         strcmp(row->names[4], "reason") == 0);
    if (strcmp(row->values[3], "quarantined") != 0 ||
        (!reviews->twins && strcmp(row->values[4], err_name(ERR_TWIN)) == 0))
        return;
    unsigned at = reviews->count;
    if (at == reviews->max)
        at = (unsigned)sim_below(reviews->seen + 1);
    else
        reviews->count++;
    reviews->seen++;
    if (at < reviews->max)
        must(crypto_unhex(bytes_text(row->values[0]), reviews->leaves[at].at, HASH_BYTES));
}

static unsigned review(unsigned max, bool twins)
{
    static uint8_t space[TRUST_STATEMENT_BYTES_MAX];
    struct reviews reviews = { .max = max, .twins = twins };
    sim_ok(hub_store_list(world.hub.store, HUB_LIST_REVIEW, NULL, review_pick, &reviews));
    if (reviews.count == 0)
        return 0;
    struct writer ops = writer_of(space, sizeof(space));
    writer_array(&ops, 1);
    trust_op_release(&ops, sim_chance(700), reviews.leaves, reviews.count);
    if (sim_publish_trust(writer_bytes(&ops)) == OK)
        sim_say("hub: %u of %u in quarantine decided", reviews.count, reviews.seen);
    return reviews.count;
}

void sim_officer_review(void)
{
    if (hub_works() && !world.hub.rolled_back &&
        hub_driver_flush(world.hub.driver, world.now_ms) == OK && !sim_disk_frozen(SIM_HUB))
        (void)review(1, false);
}

/* ---- backups */

static enum err backup_write(bool mark, unsigned number)
{
    char name[32];
    struct problem problem = { .code = OK };
    snprintf(name, sizeof(name), "backup-%u", number);
    enum err err = hub_driver_flush(world.hub.driver, world.now_ms);
    if (err == OK)
        err = hub_store_begin(world.hub.store);
    if (err != OK)
        return err;
    err = mark ? hub_store_backup_mark(world.hub.store, name)
               : hub_store_backup_confirm(world.hub.store, name, sim_wall_ms(NULL));
    return publish_end(err, &problem);
}

static unsigned free_slot(void)
{
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        bool taken = false;
        for (unsigned i = 0; i < backup_count; i++)
            taken = taken || backups[i].slot == slot;
        if (!taken)
            return slot;
    }
    must_failed("a slot is free", __FILE__, __LINE__);
}

/* What the hub's oldest named backup is older than is not used any more. */
static void backups_forget(void)
{
    unsigned confirmed = 0, oldest = backup_count;
    while (oldest > 0 && confirmed < NAMED_KEPT)
        confirmed += backups[--oldest].confirmed;
    if (confirmed < NAMED_KEPT)
        return;
    backup_count -= oldest;
    memmove(backups, backups + oldest, backup_count * sizeof(*backups));
}

void sim_officer_backup(void)
{
    if (!hub_works() || world.hub.rolled_back)
        return;
    struct backup *last = backup_count == 0 ? NULL : &backups[backup_count - 1];
    if (last != NULL && !last->confirmed && sim_chance(700)) {
        if (backup_write(false, last->number) == OK && !sim_disk_frozen(SIM_HUB)) {
            last->confirmed = true;
            backups_forget();
            sim_say("hub: backup %u counts", last->number);
        }
        return;
    }
    if (last != NULL && !last->confirmed)
        backup_count--; /* never arrived */
    unsigned number = ++backup_numbers;
    if (backup_write(true, number) != OK || sim_disk_frozen(SIM_HUB))
        return;
    unsigned slot = free_slot();
    sim_disk_save(SIM_HUB, slot);
    backups[backup_count++] = (struct backup){ .slot = slot, .number = number };
    sim_say("hub: backup %u taken", number);
}

void sim_officer_old_copy(void)
{
    if (!world.hub.up || world.hub.rolled_back || backup_count == 0 || old_copies == 2)
        return;
    unsigned chosen = (unsigned)sim_below(backup_count);
    sim_hub_down(1000);
    sim_disk_load(SIM_HUB, backups[chosen].slot);
    world.hub.rolled_back = true;
    world.hub.trust_version = world.hub.rules_version = 0;
    old_copies++;
    sim_say("hub: backup %u is back", backups[chosen].number);
    backup_count = chosen + 1;         /* later ones are of a journal that is given up now */
    backups[chosen].confirmed = false; /* the copy was made before it counted */
}

/* ---- restore */

/* All policy that some office has is here. */
static bool policy_came_back(void)
{
    const struct policy_mark here = hub_store_policy_mark(world.hub.store);
    for (unsigned n = 0; n < world.node_count; n++) {
        const struct sim_node *node = &world.nodes[n];
        if (!node->up && !node->gone)
            return false;
        if (node->gone)
            continue;
        struct policy_mark mark = node_store_policy_mark(node->store);
        if (mark.trust_version > here.trust_version || mark.rules_version > here.rules_version)
            return false;
    }
    return hub_driver_policy_ahead(world.hub.driver) == NULL;
}

/* A rolled-back hub waits for a person: the officer signs a new epoch that names the cut. */
static enum err restore(void)
{
    static uint8_t space[512];
    const struct hub_halt *halt = hub_driver_halt(world.hub.driver);
    const struct cursor cut = halt->journal;
    struct writer ops = writer_of(space, sizeof(space));
    must(halt->on && restore_count < RESTORES_MAX);
    writer_array(&ops, 1);
    trust_op_epoch(&ops, cut.epoch + 1, cut.number, &cut.hash);
    enum err err = sim_publish_trust(writer_bytes(&ops));
    if (err != OK)
        return err;
    restore_count++;
    sim_say("hub: epoch %llu opened, cut at %llu", (unsigned long long)cut.epoch + 1,
            (unsigned long long)cut.number);
    if (!sim_disk_frozen(SIM_HUB))
        world.hub.rolled_back = false;
    return OK;
}

void sim_officer_restore(void)
{
    if (hub_works() && world.hub.rolled_back && hub_driver_halt(world.hub.driver)->on &&
        policy_came_back() && restore_count < RESTORES_MAX)
        (void)!restore();
}

/* The person waits until every office has been heard: they bring back what was signed since. */
void sim_officer_finish_restore(void)
{
    for (unsigned i = 0; world.hub.rolled_back && i < RETURN_STEPS_MAX; i++) {
        sim_advance(1000);
        if (i < RETURN_STEPS_MIN || !policy_came_back())
            continue;
        if (!hub_driver_halt(world.hub.driver)->on)
            world.hub.rolled_back = false; /* no office had seen more */
        else
            sim_ok(restore());
    }
    if (world.hub.rolled_back)
        sim_fail(
            "I4: an office has policy that the restored hub lacks, and does not bring it back");
}

/* ---- decisions */

struct positions {
    unsigned count;
    struct id ids[32];
};

static void position_note(void *ctx, const struct hub_row *row)
{
    struct positions *found = ctx;
    char hex[2 * ID_BYTES];
    size_t len = 0;
    struct id id = { .at = { 0 } };
    must(strcmp(row->names[0], "incarnation") == 0);
    for (const char *at = row->values[0]; *at != '\0'; at++) {
        if (*at != '-' && len < sizeof(hex))
            hex[len++] = *at;
    }
    must(crypto_unhex(bytes_of(hex, len), id.at, ID_BYTES));
    for (unsigned i = 0; i < found->count; i++) {
        if (id_equal(&found->ids[i], &id))
            return;
    }
    must(found->count < COUNT_OF(found->ids));
    found->ids[found->count++] = id;
}

static void decide_incarnation(const struct sim_node *node, const struct id *id, bool accept)
{
    static uint8_t space[512];
    struct hub_incarnation seen;
    struct writer ops = writer_of(space, sizeof(space));
    sim_ok(hub_store_incarnation(world.hub.store, node->name, id, &seen));
    if (seen.state != INCARNATION_QUARANTINED)
        return;
    writer_array(&ops, 1);
    trust_op_incarnation(&ops, node->name, id, accept);
    sim_ok(sim_publish_trust(writer_bytes(&ops)));
    sim_say("hub: an incarnation of %s is let %s", node->name, accept ? "go on" : "fall");
}

/* The living one goes on; of the other the officer decides one way or the other. */
static void decide_twins(const struct sim_node *node)
{
    struct node_identity identity;
    struct positions found = { .count = 0 };
    const char *const parameters[] = { node->name };
    sim_ok(node_store_identity(node->store, &identity));
    sim_ok(hub_store_list(world.hub.store, HUB_LIST_POSITIONS, parameters, position_note, &found));
    decide_incarnation(node, &identity.incarnation, true);
    for (unsigned i = 0; i < found.count; i++)
        decide_incarnation(node, &found.ids[i], sim_chance(500));
}

void sim_officer_decide_all(void)
{
    const struct trust *trust = hub_store_trust(world.hub.store);
    for (unsigned n = 0; n < world.office_count; n++)
        decide_twins(&world.nodes[n]);
    for (uint32_t number = 1; number <= trust->operator_count; number++) {
        if (trust_operator(trust, number)->ended.reason == END_NONE)
            renew(number, FOREVER);
    }
    while (review(REVIEWS_MAX, true) > 0)
        ;
}
