/* The simulated district: one hub, some offices, and the district's own office, each a machine with
 * a disk (sim_disk), a wall clock that may be wrong by decades, and real stores, sessions and
 * drivers. */
#pragma once

#include "hub/hub_driver.h"
#include "node/node_driver.h"
#include "node/node_entry.h"
#include "tests/sim/sim_net.h"

#define SIM_OFFICES_MAX 5
#define SIM_NODES_MAX (SIM_OFFICES_MAX + 1) /* and a twin */
#define SIM_PEOPLE_MAX 8
#define SIM_DISTRICT "36.04"

/* Who enters data at an office, one after the other. */
struct sim_person {
    struct secret_key *seed;
    struct public_key key;
    bool approved;  /* its statement was published */
    bool reset;     /* the new key of someone whose passphrase was lost, or whose netbook was */
    unsigned named; /* index of the first one of this name */
};

struct sim_node {
    unsigned machine;
    unsigned office; /* index of the node that it is, or is a copy of */
    char name[NODE_TEXT_MAX + 1];
    char role[16];
    bool up;
    bool gone;                  /* taken away for good */
    uint8_t connection;         /* number of its present connection: another one each time */
    uint64_t restart_ms;        /* when down */
    unsigned locked_until_step; /* nobody unlocks it before */
    int64_t clock_error_ms;
    struct node_store *store;
    struct node_entry *entry;
    struct node_driver *driver;
    struct public_key curve_key;
    unsigned person_count;
    struct sim_person people[SIM_PEOPLE_MAX];
    unsigned acting;          /* index of the one who unlocked */
    bool has_typist;          /* the district's own office has none */
    struct sim_person typist; /* enters too; whoever acts countersigns */
    bool locked;
    uint64_t trust_version, rules_version; /* the highest seen applied: never falls */
    bool restored;         /* an old copy came back: what was not yet at the hub may be gone */
    unsigned devices;      /* how many netbooks it has had before this one */
    unsigned load_crashes; /* that the first load on a new netbook still meets */
    bool carried;          /* no link any more: files only */
};

struct sim_hub {
    bool up;
    uint64_t restart_ms;
    struct hub_store *store;
    struct hub_driver *driver;
    struct hub_enrol *enrol;
    struct hub_keys keys;
    uint64_t trust_version, rules_version;
    bool rolled_back;
};

struct sim_world {
    uint64_t seed;
    uint64_t now_ms;
    unsigned step;
    bool verbose;
    unsigned node_count, office_count;
    struct sim_node nodes[SIM_NODES_MAX];
    struct sim_hub hub;
    struct secret_key *root_seed, *officer_seed;
    struct public_key root_key, officer_key;
    uint64_t wall_base_ms;
};

extern struct sim_world world;

/* Prints seed, step and what is wrong, and exits 1. */
__attribute__((noreturn)) void sim_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
void sim_say(const char *fmt, ...) PRINTF_LIKE(1, 2); /* only when verbose */
#define sim_ok(call) sim_ok_named(call, #call)
void sim_ok_named(enum err err, const char *what);

void sim_world_open(uint64_t seed, bool verbose);
void sim_world_close(void);

void sim_node_up(struct sim_node *node); /* after a crash: reopens from what the disk kept */
void sim_node_down(struct sim_node *node, uint64_t downtime_ms);
/* The link went, or a new connection took its place. */
void sim_node_cut(struct sim_node *node, bool cut);
void sim_hub_up(void);
void sim_hub_down(uint64_t downtime_ms);
/* Anyone whose disk froze during the last call dies now. */
void sim_reap(void);

uint64_t sim_wall_ms(const struct sim_node *node); /* NULL: the hub's clock */

/* One step of virtual time: due packets, ticks, restarts. */
void sim_advance(uint64_t ms);
