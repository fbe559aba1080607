/* A district in miniature for tests of the hub's store: signers, nodes, operators, a small policy,
 * and transactions signed as a node would. Every call asserts that it worked, unless it returns an
 * error. Include after cmocka.h. */
#pragma once

#include "hub/hub_store_state.h"

#define FIXTURE_DISTRICT "36.04"
#define FIXTURE_ITEMS_MAX 2048
#define FIXTURE_NODES 3
#define FIXTURE_CLAIMED_MS UINT64_C(1780000000000) /* in May 2026 */

/* Nodes: two offices and the district's own. */
enum { NODE_A, NODE_B, NODE_D };
/* Operators, by their number; 1 to 3 sit at A, B, D. LATE's term ends on 2026-06-30. */
enum { OPERATOR_A = 1, OPERATOR_B = 2, OPERATOR_D = 3, OPERATOR_A2 = 4, OPERATOR_LATE = 5 };

struct fixture_chain {
    uint64_t seq;
    struct hash head;
};

struct fixture_node {
    const char *name;
    struct id incarnation;
    struct fixture_chain lanes[LANE_COUNT];
};

struct fixture {
    char directory[64];
    struct hub_store *store;
    struct secret_key *root, *officer;
    struct secret_key *operators[16]; /* by number */
    struct fixture_node nodes[FIXTURE_NODES];
    uint64_t statement_ms; /* when trust statements say that they were signed; 0 = as all else */
    uint32_t minted;       /* ids given out */
    /* Rules are compiled with a dictionary while it has room; it holds the last one then. */
    struct buf dictionary;
    bool withhold; /* the rules come without the bytes of theirs */
};

/* With trust versions 1 (signers) and 2 (roster) and rules version 1, unless `bare`. */
void fixture_open(struct fixture *f, bool bare);
/* The same with a policy of its own: the source in a directory, and which of its roles the
 * operators of the offices and of the district have. */
struct fixture_policy {
    const char *directory, *office_role, *district_role;
};
void fixture_open_policy(struct fixture *f, const struct fixture_policy *policy);
void fixture_close(struct fixture *f);
/* Setup and teardown of a test whose state is a fixture; the second also asks whether what came
 * about is a pure function of its journal. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);
#define FIXTURE_TEST(test, fixture)                                                                \
    cmocka_unit_test_prestate_setup_teardown(test, fixture_set_up, fixture_tear_down, fixture)

struct hub_store *fixture_store_at(struct fixture *f, const char *name);
/* Closes and opens the same file. */
void fixture_reopen(struct fixture *f);
struct id fixture_id(struct fixture *f);

/* ---- policy. `ops` without the array's head. */
enum err fixture_try_trust(struct fixture *f, unsigned op_count, struct bytes ops,
                           struct problem *problem);
void fixture_trust(struct fixture *f, unsigned op_count, struct bytes ops);
/* The officer rules that work which waits is taken, or not. */
void fixture_release(struct fixture *f, bool accept, const struct hash *leaves, size_t count);
/* Compiles and publishes the next version: the source of version 1 with `more` behind it, or
 * `whole`. */
enum err fixture_try_rules(struct fixture *f, const char *source, struct problem *problem);
void fixture_rules(struct fixture *f, const char *source);
extern const char fixture_source[], fixture_source_wider[];

/* ---- transactions */

enum value_kind { VALUE_NIL, VALUE_TEXT, VALUE_INT, VALUE_BOOL, VALUE_ID, VALUE_RAW };
struct value {
    const char *name; /* of the field */
    enum value_kind kind;
    const char *text;
    int64_t number;
    const struct id *id;
    struct bytes raw;
};
#define V_NIL(field) ((struct value){ .name = (field), .kind = VALUE_NIL })
#define V_TEXT(field, v) ((struct value){ .name = (field), .kind = VALUE_TEXT, .text = (v) })
#define V_INT(field, v) ((struct value){ .name = (field), .kind = VALUE_INT, .number = (v) })
#define V_BOOL(field, v) ((struct value){ .name = (field), .kind = VALUE_BOOL, .number = (v) })
#define V_ID(field, v) ((struct value){ .name = (field), .kind = VALUE_ID, .id = (v) })
#define V_RAW(field, v) ((struct value){ .name = (field), .kind = VALUE_RAW, .raw = (v) })
#define VALUES(...)                                                                                \
    (const struct value[]){ __VA_ARGS__ },                                                         \
        sizeof((const struct value[]){ __VA_ARGS__ }) / sizeof(struct value)

struct draft {
    struct fixture *f;
    unsigned node;
    uint32_t operator_number;
    enum lane lane;
    uint64_t trust_version, rules_version, claimed_ms;
    unsigned after_count;
    struct after after[AFTER_MAX];
    enum err fault;        /* given to the store in place of the opened transaction */
    bool same_group;       /* the next change joins the group of the last one */
    uint32_t short_number; /* of the next create */
    struct txn txn;
    size_t used;
    uint8_t space[256 * 1024];
};
struct draft *draft_new(struct fixture *f, unsigned node, uint32_t operator_number);
void draft_create(struct draft *d, const char *collection, const struct id *id,
                  const struct value *values, size_t count);
void draft_update(struct draft *d, const char *collection, const struct id *id, struct base base,
                  const struct value *values, size_t count);
void draft_delete(struct draft *d, const char *collection, const struct id *id, struct base base);
void draft_resolve(struct draft *d, const char *collection, const struct id *id, struct base base,
                   const struct id *conflict, const struct value *values, size_t count);
static inline struct base base_rev(uint64_t rev)
{
    return (struct base){ .epoch = rev > 0 ? 1 : 0, .rev = rev };
}
static inline struct base base_leaf(uint64_t rev, const struct hash *leaf)
{
    struct base base = base_rev(rev);
    base.has_leaf = true;
    base.leaf = *leaf;
    return base;
}

/* A signed transaction as it stands in a queue; can be sent again at another place. */
struct signed_txn {
    struct hash leaf;
    enum err fault;
    unsigned after_count;
    struct after after[AFTER_MAX];
    size_t len;
    uint8_t bytes[];
};
struct signed_txn *draft_sign(struct draft *d); /* frees the draft; caller frees the result */
struct sent {
    unsigned node;
    struct id incarnation;
    enum lane lane;
    uint64_t seq;
    uint64_t number; /* of the journal entry it came with */
    struct hash leaf;
};
/* Next position of the lane, in a database transaction of its own. */
struct sent fixture_send_at(struct fixture *f, const struct signed_txn *signed_txn, unsigned node,
                            enum lane lane);
struct sent fixture_send(struct draft *d);
void fixture_policy_entry(struct fixture *f, unsigned node, enum lane lane);
/* The node's store begins another life; the hub knows unless `!open`. */
void fixture_reincarnate(struct fixture *f, unsigned node, bool open);

/* ---- answers */

/* As an ACK sent now would tell. */
struct answer {
    uint64_t number;
    enum disposition disposition;
    char reason[40], field[IDENTIFIER_BYTES_MAX + 1];
};
struct answer fixture_answer(struct fixture *f, const struct sent *sent, unsigned index);
#define assert_answer(f, sent, index, expected, why)                                               \
    do {                                                                                           \
        struct answer answer_found = fixture_answer((f), (sent), (index));                         \
        if (answer_found.disposition != DISPOSITION_##expected ||                                  \
            strcmp(answer_found.reason, (why)) != 0)                                               \
            fail_msg("change %u: %s %s %s", (unsigned)(index),                                     \
                     disposition_name(answer_found.disposition), answer_found.reason,              \
                     answer_found.field);                                                          \
    } while (0)

/* ---- what stands */

/* Rev of the record, 0 when it is not there. */
uint64_t fixture_rev(struct fixture *f, const char *collection, const struct id *id);
bool fixture_deleted(struct fixture *f, const char *collection, const struct id *id);
/* The value as text, "" for none; valid until the next call. */
const char *fixture_text(struct fixture *f, const char *collection, const struct id *id,
                         const char *field);
/* The open conflict of a node about a field; false when there is none. */
bool fixture_conflict(struct fixture *f, const struct id *record, const char *field, unsigned node,
                      struct id *ret_conflict);

/* Decoded feed items; point into memory that the fixture keeps until the next call. */
struct items {
    unsigned count;
    uint64_t to;
    struct feed_item list[FIXTURE_ITEMS_MAX];
};
const struct items *fixture_feed(struct fixture *f, unsigned node, enum feed_stream stream,
                                 uint64_t from);
const struct feed_item *items_find(const struct items *items, enum feed_item_kind kind,
                                   const struct id *record);
unsigned items_count(const struct items *items, enum feed_item_kind kind);

/* Replays into a fresh store and compares content hashes; verifies the journal. */
void fixture_check_replay(struct fixture *f);
