/* What the files of the hub's store share: the open store and its caches. Not for others.
 *
 * hub_store.c             opening, transactions, caches, chains, acknowledgements
 * hub_store_policy.c      trust statements and rules documents
 * hub_store_dictionary.c  dictionaries for compression
 * hub_store_proof.c       content hash, replay, verification; copies, backups
 * hub_store_list.c        rows for people, one change as it came
 * hub_store_carry.c       what answers that are carried by hand go by
 * hub_merge*.c            one transaction into the tables: see hub_merge.h
 * hub_feed.c              what goes down to the offices
 * hub_store_sqlite*.c     the embedded backend, behind hub_store_backend.h
 *
 * Files of their own beside the database: hub_store_enrol.c (invites, joiners), hub_store_access.c
 * (who looked at what). hub_store_query.c: questions, in a child, on a copy. */
#pragma once

#include "hub/hub_store_backend.h"
#include "proto/dictionary.h"

struct merge;

struct hub_store {
    struct hub_backend *backend;
    const struct hub_backend_ops *ops;
    char district[DISTRICT_TEXT_MAX + 1];

    /* Caches; a rollback reads again what the transaction had touched. */
    bool writing;
    bool trust_touched, policy_touched;
    struct trust trust;
    struct policy *policy;    /* in force; one of `policies`, or NULL */
    struct policy **policies; /* by version - 1; NULL where not asked for yet */
    size_t policy_count;
    struct dictionary dictionary; /* the last one asked for; its bytes are those below */
    uint8_t *dictionary_bytes;
    struct cursor journal, opened;

    struct merge *merge;        /* work space of one transaction */
    struct hub_record *record;  /* of the feed and the lists */
    struct row_change *changes; /* CHANGES_PER_TRANSACTION_MAX, of the feed, ACKs, decisions */
};

/* Appends the next journal entry. `entry` holds what follows [epoch, number, kind: `items` values.
 * *ret_number: its number. */
NODISCARD enum err store_journal(struct hub_store *store, enum journal_kind kind, size_t items,
                                 struct bytes entry, uint64_t wall_ms, uint64_t *ret_number);
/* The epoch-aware rev of a base: at most the cut of each epoch since. */
NODISCARD enum err store_base_rev(struct hub_store *store, const struct base *base,
                                  uint64_t *ret_rev);
/* Genesis when nothing was received. */
NODISCARD enum err store_lane(struct hub_store *store, const char *node,
                              const struct id *incarnation, enum lane lane,
                              struct hub_lane *ret_lane);
NODISCARD enum err store_reload_trust(struct hub_store *store);
NODISCARD enum err store_reload_policy(struct hub_store *store);
void store_dictionary_forget(struct hub_store *store);
/* Where the feed gives the newest dictionary, and its number; 0: the rules in force name none, or
 * none is here. */
NODISCARD enum err store_dictionary_place(struct hub_store *store, uint64_t *ret_number,
                                          uint64_t *ret_version);

/* hub_merge.c: takes one entry; `twin` says whether its incarnation is quarantined, `known_trust`
 * which roster its office held before it queued the entry, as far as it has said so; 0: has not. */
NODISCARD enum err merge_entry(struct hub_store *store, const struct hub_entry *entry, bool twin,
                               uint64_t known_trust);
/* Looks again at whatever is ready, until nothing is. */
NODISCARD enum err merge_ready(struct hub_store *store, uint64_t wall_ms);
/* Marks a waiting or quarantined transaction as ready under a ruling. */
NODISCARD enum err merge_rule(struct hub_store *store, uint64_t txn, enum ruling ruling);
/* Plain bytes of a transaction into a space of TRANSACTION_BYTES_MAX. */
NODISCARD enum err merge_plain(struct hub_store *store, const struct row_txn *row,
                               struct buf *ret_plain);
NODISCARD enum err merge_open(struct merge **ret_merge);
void merge_close(struct merge **merge);

/* hub_feed.c: what stands in a field, and since when; `field` NULL: the record's existence, its
 * value an encoded bool (deleted). */
struct hub_value record_stands(const struct hub_record *record, const struct policy_field *field);
/* The record goes to the office of that area by its collection's audience. */
bool feed_in_audience(const struct hub_record *record, struct bytes area);
/* Text of the record's area; empty without one. */
struct bytes record_area(const struct hub_record *record);
