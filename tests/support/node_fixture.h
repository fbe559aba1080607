/* An office in miniature for tests of the node's store and entry: a root, an officer, a hub's keys,
 * one node with one operator, a small policy. The hub is played by the test: it hands over feed
 * batches and acknowledgements. Every call asserts that it worked, unless it returns an error.
 * Include after cmocka.h. */
#pragma once

#include "node/node_entry.h"

#define OFFICE_DISTRICT "36.04"
#define OFFICE_NODE "36.04.29"
#define OFFICE_WALL_MS UINT64_C(1780000000000) /* in May 2026 */

struct office {
    char directory[64], path[96];
    struct node_store *store;
    struct node_entry *entry;
    struct secret_key *root, *officer, *hub_sign, *hub_seal, *hub_curve, *operator;
    struct public_key operator_key;
    struct trust trust;     /* the officer's copy, ahead of what was fed */
    struct hash rules_hash; /* of the last rules made */
    uint64_t rules_version;
    uint64_t journal;      /* last journal number given out */
    struct buf dictionary; /* with room: rules come with one, and it holds the last */
    uint64_t epoch;
    struct problem problem; /* of the last call that returned an error */
};

/* A fresh directory, an enrolled store with its operator; `bare`: no policy yet, locked. Else trust
 * versions 1 and 2 and rules version 1 have arrived and the operator has unlocked. */
void office_open(struct office *o, bool bare);
void office_close(struct office *o);
/* The same around a test: *state is the office. */
int office_set_up(void **state);
int office_set_up_bare(void **state);
int office_tear_down(void **state);
#define WITH_OFFICE(test) cmocka_unit_test_setup_teardown(test, office_set_up, office_tear_down)
/* Closes (when open) and opens the same file; locked then. */
void office_restart(struct office *o);
void office_unlock(struct office *o);

/* Signed by the officer (statements: trust version + 1 of the copy, which moves on). Static memory.
 */
struct bytes office_statement(struct office *o, unsigned op_count, struct bytes ops);
struct bytes office_founding(struct office *o);
struct bytes office_roster(struct office *o);
extern const char office_source[];
/* Rules of `version` naming `previous`, signed. NULL source: office_source. */
struct bytes office_rules(struct office *o, const char *source, uint64_t version,
                          const struct hash *previous);

/* One batch from the cursor to the last item's number, built, signed, sealed, opened and handed
 * over. */
enum err office_feed(struct office *o, enum feed_stream stream, struct feed_item *items,
                     unsigned count);
/* The same with one item. Its number is the next of the journal unless it has one. */
enum err office_feed_one(struct office *o, enum feed_stream stream, struct feed_item item);
enum err office_feed_document(struct office *o, enum feed_item_kind kind, struct bytes document);
/* FEED_RECORD with text fields: name, value, …, NULL. */
struct feed_item office_record(const struct id *id, const char *collection, const char *short_text,
                               const char *const *fields);

/* Entry of one create or update with text fields: name, value, …, NULL. */
enum err office_try(struct office *o, enum change_op op, const char *collection, struct id *record,
                    const char *const *fields, enum lane lane, struct hash *ret_leaf,
                    uint64_t *ret_seq);
struct id office_put(struct office *o, const char *collection, const char *const *fields);
struct hash office_edit(struct office *o, const struct id *record, const char *const *fields);
#define FIELDS(...)                                                                                \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

/* An ACK for seqs `first` to `last` with one journal number each; `entries` speaks for the last one
 * (may be empty: accepted). */
enum err office_ack(struct office *o, enum lane lane, uint64_t first, uint64_t last,
                    uint64_t keep_from, struct bytes entries);
/* Answers everything that waits in the normal lane; `entries` for the last. */
void office_ack_all(struct office *o, struct bytes entries);
/* One entry as raw array: index < 0: whole. */
struct bytes office_answer(int index, enum disposition disposition, const char *reason,
                           const char *field);

/* A queued transaction as the hub opens it, and the item that it came in; both static memory. */
struct txn *office_sent(struct office *o, enum lane lane, uint64_t seq,
                        struct bundle_item *ret_item);

struct node_lane office_lane(struct office *o, enum lane lane);
struct node_figures office_figures(struct office *o);
/* Value of a field in a view as text, or NULL. */
const char *office_value(const struct record_view *view, const char *field);
const struct view_field *office_field(const struct record_view *view, const char *field);
const struct record_view *office_view(struct office *o, const struct id *record);
/* The text as a raw msgpack string; static memory, 8 at a time. */
struct bytes office_text(const char *text);
/* Whether a file of the store's directory holds these bytes. */
bool office_disk_holds(const struct office *o, struct bytes needle);
