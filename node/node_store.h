/* The node's database: identity, sealed queue and chain, policy, encrypted cache, dispositions.
 * One SQLite file, one connection. What a disk thief reads: positions, sizes, random ids,
 * dispositions; no personal data. All calls are synchronous; a call that writes is one durable
 * transaction unless it says otherwise. */
#pragma once

#include "proto/feed.h"
#include "proto/policy.h"
#include "proto/txn.h"

struct node_store;

NODISCARD enum err node_store_open(const char *path, const char *vfs, struct node_store **ret_store,
                                   struct problem *problem);
void node_store_close(struct node_store **store);
enum err node_store_idle(struct node_store *store);            /* checkpoint */
NODISCARD enum err node_store_probe(struct node_store *store); /* see db_probe */

/* ---- identity and enrolment */

enum enrolment {
    ENROLMENT_NONE = 0,
    ENROLMENT_WAITING = 1,
    ENROLMENT_DONE = 2,
    ENROLMENT_REFUSED = 3
};

struct node_identity {
    enum enrolment enrolment;
    char district[DISTRICT_TEXT_MAX + 1];
    char node[NODE_TEXT_MAX + 1];
    struct id incarnation;
    bool has_previous;
    struct id previous;
    struct public_key root_key; /* pinned by the invite */
    struct trust_hub hub;       /* from the invite, later from the trust part */
    struct public_key device_public, curve_public, seal_public;
    struct id invite;
    struct hash token;
};

NODISCARD enum err node_store_identity(struct node_store *store,
                                       struct node_identity *ret_identity);
/* Takes an invite: makes device, CURVE, seal and cache keys and the first incarnation. `one_time`
 * is the invite's CURVE secret, kept until ENROLMENT_DONE. Of `identity`: district, node, root_key,
 * hub, invite, token. Until ENROLMENT_DONE another invite for the same node replaces the first
 * (keys stay, so do operators). ERR_STATE when enrolled already, or for
 * another office than the one that people here have keys for. or when the invite is for another
 * node than before. */
NODISCARD enum err node_store_enrol(struct node_store *store, const struct node_identity *identity,
                                    const struct secret_key *one_time);
NODISCARD enum err node_store_enrolment_set(struct node_store *store, enum enrolment enrolment);
/* Device and CURVE secrets are usable while locked. Borrowed, live as long as the store (the
 * one-time key: until node_store_enrolment_set). NULL before node_store_enrol. */
const struct secret_key *node_store_device_key(const struct node_store *store);
const struct secret_key *node_store_curve_key(const struct node_store *store);
const struct secret_key *node_store_one_time_key(
    const struct node_store *store); /* NULL after use */
/* Opens the record feed. NULL while locked. Borrowed until node_store_lock. */
const struct secret_key *node_store_seal_key(const struct node_store *store);

/* ---- policy. Borrowed until the next node_store_feed. */

const struct trust *node_store_trust(const struct node_store *store);
const struct policy *node_store_policy(const struct node_store *store); /* NULL before the first */
struct policy_mark node_store_policy_mark(const struct node_store *store);
/* As signed, for a hub that lost them; valid until the next call. ERR_NOT_FOUND: never came here.
 */
NODISCARD enum err node_store_trust_get(struct node_store *store, uint64_t version,
                                        struct bytes *ret_signed);
NODISCARD enum err node_store_rules_get(struct node_store *store, uint64_t version,
                                        struct bytes *ret_signed);
/* A dictionary that came here, by its number. ERR_NOT_FOUND. */
NODISCARD enum err node_store_dictionary_get(struct node_store *store, uint64_t version,
                                             struct bytes *ret_bytes);
/* The one that the rules in force name; id 0: they name none, or it is not here yet. Valid until
 * the next call. */
NODISCARD enum err node_store_dictionary(struct node_store *store,
                                         struct dictionary *ret_dictionary);
/* [statement, signature] of the ACK that reaches furthest in a lane, of the newest of all, or of
 * the newest feed batch of a stream: proof for a hub that was rolled back. ERR_NOT_FOUND: none
 * came.
 */
#define PROOF_NEWEST_ACK LANE_COUNT
#define PROOF_ACKS (LANE_COUNT + 1)
NODISCARD enum err node_store_proof(struct node_store *store, enum return_kind kind, unsigned place,
                                    struct bytes *ret_proof);

/* ---- operators and the lock. Wrapped keys live in the store; Argon2id runs in tkskctl. */

struct node_operator {
    struct public_key key;
    uint32_t number; /* 0: not approved yet */
    char name[NAME_TEXT_MAX + 1];
    char role[32];
    struct bytes keyfile; /* text, valid until the next call */
    struct bytes request; /* the OPERATOR frame (message_encode), for resending and words */
};
typedef void node_operator_callback(void *ctx, const struct node_operator *op);
NODISCARD enum err node_store_operators(struct node_store *store, node_operator_callback *each,
                                        void *ctx);
/* Stores a new operator: key file text, signed request. The first one may be added while nothing is
 * locked yet (the cache key is in clear until then and is wrapped and wiped now); later ones need
 * an unlocked node. `seed` is the operator's secret. Of `op`: name, role, keyfile. ERR_LOCKED,
 * ERR_STATE (same key or name, or not enrolled). Adding does not unlock. */
NODISCARD enum err node_store_operator_add(struct node_store *store, const struct node_operator *op,
                                           const struct message *request,
                                           const struct secret_key *seed);
/* For a lost passphrase: the operator of `op->name` gets the key of `seed` (of `op`: name, role,
 * keyfile), in one durable transaction. While somebody has unlocked (`seal` NULL) the cache key is
 * wrapped for the new key and nothing is lost. Else `seal` is a new seal key, which the request
 * names too: the cache begins anew and empty under a new key, the records come again from the
 * start, and what only the old key opened (drafts, answers of requests, plain copies of what is
 * queued) is gone; every entry stays queued as it was sealed. ERR_NOT_FOUND: nobody has that name;
 * ERR_LOCKED, ERR_STATE: `seal` does not fit the lock. */
NODISCARD enum err node_store_operator_reset(struct node_store *store,
                                             const struct node_operator *op,
                                             const struct message *request,
                                             const struct secret_key *seed,
                                             const struct secret_key *seal);
/* Unlocks the cache with the operator's seed (from keyfile_open_derived): cache key, seal key, and
 * what was waiting is folded in. Takes ownership of `seed` in any case and keeps it until it is
 * locked. Several may be unlocked; the last one acts. ERR_KEY: no operator of this node has that
 * key; ERR_DECRYPT: the wrapped key is damaged; ERR_STATE: the cache was reset since without this
 * person; ERR_LIMIT: UNLOCKED_MAX are. Then the store is as locked or unlocked as before. */
#define UNLOCKED_MAX 8
NODISCARD enum err node_store_unlock(struct node_store *store, struct secret_key *seed);
void node_store_lock(struct node_store *store); /* for all */
/* For one; the store stays open while there is another. Nobody acts when it was the acting one. */
void node_store_lock_operator(struct node_store *store, const struct public_key *key);
/* Whose key signs from now on. NULL: nobody's. ERR_LOCKED: that operator is not unlocked. */
NODISCARD enum err node_store_act(struct node_store *store, const struct public_key *key);
bool node_store_unlocked(const struct node_store *store);
/* Seed of the operator who acts. NULL: nobody does. Borrowed until that operator is locked. */
const struct secret_key *node_store_operator_seed(const struct node_store *store);
/* Its public half; false: nobody acts. */
bool node_store_operator_key(const struct node_store *store, struct public_key *ret_key);
/* Who acts, as the roster has it; NULL: nobody, or not approved. Borrowed until the next policy. */
const struct trust_operator *node_store_operator(const struct node_store *store);

/* ---- the queue */

struct queue_change { /* index row of one change of a queued transaction */
    struct id record;
    struct id instead_of; /* the refused record that a draft is entered for; zero: none */
    struct bytes raw;     /* change bytes; kept encrypted under the cache key */
};

/* How far a file has been dealt with, and what its rows hold (see node_store_ledger). */
struct ledger_mark {
    struct id hash; /* node_store_row_hash */
    uint64_t seen;  /* rows like this in the file so far, this one included */
};
struct import_progress {
    struct hash file;
    uint64_t line;
    const struct ledger_mark *marks; /* of rows that were entered, or known already */
    unsigned mark_count;
};

struct queue_entry {
    enum lane lane;
    struct bytes item; /* encoded bundle item, byte for byte as it will be sent */
    struct hash leaf;
    uint64_t key_number;     /* data key used; 0 for a policy entry */
    struct bytes key_sealed; /* given with the key's first use, else empty */
    struct bytes txn;        /* plain transaction: kept encrypted until keep_from has passed it */
    const struct queue_change *changes;
    unsigned change_count;
    struct id request;                    /* request id and its stored answer */
    struct bytes answer;                  /* JSON text of the `done` that the command printed */
    const struct import_progress *import; /* of rows of a file; NULL */
    uint32_t next_number; /* running short number after this transaction; 0 = unchanged */
    uint64_t wall_ms;     /* when, as the node's clock claims */
    uint32_t author;      /* number of the operator who signed */
    uint64_t draft;       /* that it was made of, and that goes with it; 0 = none */
    /* It needs a countersignature: `txn` is kept, and neither chained nor sealed until then. Item
     * and key are empty. */
    bool waits;
};
/* Queue, chain, cache, request answer, import progress: one SQLite transaction, durable when it
 * returns. ERR_LIMIT: the queue is full (visible in node_store_figures); ERR_FULL: the disk is (or
 * nearly: 16 MiB stay free); ERR_LOCKED; ERR_STATE: the request or the leaf is stored already;
 * ERR_NOT_FOUND: the draft was sent or discarded. Then nothing changed. */
NODISCARD enum err node_store_append(struct node_store *store, const struct queue_entry *entry,
                                     uint64_t *ret_seq);
/* Sealed bytes that may wait unacknowledged; QUEUE_BYTES_MAX unless set. Not stored. */
#define QUEUE_BYTES_MAX (UINT64_C(512) * 1024 * 1024)
#define QUEUE_DISK_BYTES_MIN (UINT64_C(16) * 1024 * 1024)
void node_store_queue_limit(struct node_store *store, uint64_t bytes);
/* Number for the next data key: the highest ever used here, plus 1. */
NODISCARD enum err node_store_next_key(struct node_store *store, uint64_t *ret_number);

struct node_lane {
    uint64_t highest; /* last queued seq, 0 = none */
    uint64_t acked;   /* last seq that the hub acknowledged */
    struct hash acked_head;
    uint64_t keep_from; /* as the hub last said */
    struct hash head;   /* at `highest` */
};
NODISCARD enum err node_store_lane(struct node_store *store, enum lane lane, struct node_lane *ret);

/* A run of entries from `first`, as raw arrays for bundle_sign: at most `max_items` items and about
 * `max_bytes` bytes (at least one item). Keys: those whose first use in this lane and incarnation
 * lies inside the run, plus, when `all_keys`, every key that the run needs (after HELLO to a hub
 * that may lack them). ERR_NOT_FOUND: nothing is queued at `first`; ERR_STATE: its bytes are gone
 * (before keep_from). */
struct queue_run {
    uint64_t first;
    unsigned count;
    struct hash head_before, head_after;
};
NODISCARD enum err node_store_run(struct node_store *store, enum lane lane, uint64_t first,
                                  unsigned max_items, size_t max_bytes, bool all_keys,
                                  struct writer *keys, struct writer *items,
                                  struct queue_run *ret_run);

/* Request ids: the stored answer of a repeat; ERR_NOT_FOUND when new; ERR_STATE when it was stored
 * and its answer is lost with a passphrase. Valid until the next call. */
NODISCARD enum err node_store_answer(struct node_store *store, const struct id *request,
                                     struct bytes *ret_answer);

/* ---- imports (node_store_import.c). All need the unlocked cache: what names a file or a row is
 * hashed under a subkey of the cache key, so that the disk alone does not tell what was imported.
 */

/* A file that rows came from; zeros: nothing came from it yet. */
struct import_file {
    uint64_t number;
    uint64_t line; /* the last one that was dealt with */
};
NODISCARD enum err node_store_import(struct node_store *store, const struct hash *file,
                                     struct import_file *ret_file);
/* Progress without a transaction: no row of the batch was entered. The answer is kept as with an
 * entry, so that a repeat gets it again. */
NODISCARD enum err node_store_import_put(struct node_store *store,
                                         const struct import_progress *progress,
                                         const struct id *request, struct bytes answer);
/* What a row holds: collection and fields of its create, defaults included. Columns that are
 * ordered or named otherwise give the same hash. Unlocked only. */
void node_store_row_hash(const struct node_store *store, struct bytes collection,
                         struct bytes fields, struct id *ret_hash);
/* The ledger: rows like this that `file` has had so far (0 when it is new), and rows like this that
 * are known: the most that any one file had, or the count of records that an export wrote out with
 * just this content. A row is new when it is the file's (known + 1)st: of two rows that are alike
 * both are entered, and neither again from a corrected file. A new cache key (operator reset) or a
 * new store begins an empty ledger. */
NODISCARD enum err node_store_ledger(struct node_store *store, const struct import_file *file,
                                     const struct id *hash, uint64_t *ret_here,
                                     uint64_t *ret_known);
/* How many records may have this value in a look-up field, counted up to `max`: before
 * node_store_lookup, which reads them all. ERR_LOCKED. */
NODISCARD enum err node_store_lookup_count(struct node_store *store, struct bytes collection,
                                           struct bytes field, struct bytes value, unsigned max,
                                           unsigned *ret_count);
/* Notes what an export wrote out, so that its file can be imported here and adds nothing. One
 * durable transaction. ERR_FULL. */
struct export_mark {
    struct id record, hash;
};
NODISCARD enum err node_store_ledger_export(struct node_store *store,
                                            const struct export_mark *marks, size_t count);

/* ---- what the hub says */

/* Verified ACK of the present epoch (else ERR_STATE): dispositions, acked seq and head, keep_from,
 * seen number; drops what keep_from has passed. Locked: dispositions only, the cache follows at
 * unlock. A final disposition changes only when the hub's later word differs, which shows that it
 * went back to a backup. ERR_STATE: it acknowledges what was never queued. */
NODISCARD enum err node_store_ack(struct node_store *store, const struct ack *ack);
/* Head of own chain at `seq` (to check an ACK's signature, and for HELLO). */
NODISCARD enum err node_store_head(struct node_store *store, enum lane lane, uint64_t seq,
                                   struct hash *ret_head);
/* One opened feed batch (`items` from feed_batch_items), whole or not at all, with the cursor. When
 * it moved the policy, a policy entry with the new mark is appended to every lane's chain in the
 * same commit. The record stream needs the unlocked cache (ERR_LOCKED) and an epoch that the trust
 * part knows. ERR_STATE: it begins after the cursor, or the trust log has a gap before it;
 * ERR_SIGNATURE, ERR_MALFORMED …: an item is bad. Then the store is as it was. A policy older than
 * ours is refused alone: OK is returned and `problem` (may be NULL; its code is OK when nothing was
 * refused) names it. */
NODISCARD enum err node_store_feed(struct node_store *store, const struct feed_batch *batch,
                                   struct bytes items, struct problem *problem);
NODISCARD enum err node_store_cursor(struct node_store *store, enum feed_stream stream,
                                     struct cursor *ret_cursor);
/* The last seq of a lane whose changes nobody here can read any more; 0: none. */
NODISCARD enum err node_store_unread(struct node_store *store, enum lane lane, uint64_t *ret_seq);
/* A WELCOME named the journal's end, and what a former device of this office lost. */
NODISCARD enum err node_store_welcomed(struct node_store *store, uint64_t number, uint64_t lost);
/* Where the first load is. */
struct node_load {
    bool on;
    uint64_t number, to; /* the cursor; the journal's end when it began, 0 = not known yet */
    uint64_t lost;       /* entries of the office's former device that never came to the hub */
};
NODISCARD enum err node_store_load(struct node_store *store, struct node_load *ret_load);
/* The highest journal number seen in any ACK or feed. */
NODISCARD enum err node_store_seen(struct node_store *store, uint64_t *ret_epoch,
                                   uint64_t *ret_number);
/* The cursor of a stream starts again at 0 (the hub could not prove it, or a new epoch). */
NODISCARD enum err node_store_cursor_reset(struct node_store *store, enum feed_stream stream,
                                           const struct cursor *to);
/* Opens a new incarnation and re-homes, in their order, what the hub has not received: transactions
 * keep leaf, sealed bytes and data keys; positions, `after` and policy entries are made anew. The
 * incarnation so far becomes `previous`. */
NODISCARD enum err node_store_reopen(struct node_store *store);
/* The hub was restored and lost entries of an earlier incarnation: node_store_reopen takes them
 * along. */
bool node_store_stranded(const struct node_store *store);

/* ---- the cache: confirmed state with own pending changes on top. All need the unlocked cache. */

struct view_field {
    struct bytes name;
    struct bytes value;      /* raw */
    uint64_t rev;            /* of the confirmed value; 0 = none */
    bool pending;            /* an own change on top */
    bool held;               /* in an open conflict: `value` is the hub's until someone decides */
    struct bytes held_value; /* the value that waits for the decision; empty when not known here */
};

struct record_view {
    struct id id;
    struct bytes collection;
    struct bytes short_text; /* "29-0417" */
    uint64_t rev;            /* highest confirmed */
    /* What a change may name as its base: everything up to there has been shown. Own values that
     * the hub numbered beyond what the record feed has brought are not in it: others' changes in
     * between may still be on their way; `leaf` speaks for them. epoch is 0 with base_rev 0. */
    uint64_t epoch, base_rev;
    bool confirmed, deleted, pending;
    bool to_countersign; /* an own change on top waits for a countersignature */
    bool has_leaf;
    struct hash leaf;                 /* last own transaction on it that base_rev does not cover */
    enum lane slowest_lane;           /* of the pending ones; LANE_URGENT when none */
    uint64_t pending_seq[LANE_COUNT]; /* last pending seq per lane, 0 = none */
    size_t field_count;
    struct view_field fields[FIELDS_PER_CHANGE_MAX];
};
/* Valid until the next call. ERR_NOT_FOUND (also when all that there was is a refused create),
 * ERR_LOCKED. */
NODISCARD enum err node_store_view(struct node_store *store, const struct id *record,
                                   const struct record_view **ret_view);
/* One field of it; NULL: it holds none of that name. */
const struct view_field *record_view_field(const struct record_view *view, const char *name);
/* What the field holds; empty: nothing, or `field` is NULL. Both live as long as the view. */
struct bytes record_view_value(const struct record_view *view, const struct policy_field *field);
/* By short number ("29-0417"), UUID or UUID prefix (8+ hex). ERR_AMBIGUOUS: `each` (may be NULL)
 * got every match, 32 at most. A refused create is found too (its history is there) unless others
 * match. Callbacks get views that live until they return, and call nothing of this store. */
typedef void node_record_callback(void *ctx, const struct record_view *view);
NODISCARD enum err node_store_find(struct node_store *store, struct bytes text,
                                   struct id *ret_record, node_record_callback *each, void *ctx);
/* Records of a collection, ascending by id, starting after `after` (zero: from the start). */
NODISCARD enum err node_store_list(struct node_store *store, struct bytes collection,
                                   const struct id *after, unsigned max, node_record_callback *each,
                                   void *ctx);
/* Records whose look-up field has exactly this value. */
NODISCARD enum err node_store_lookup(struct node_store *store, struct bytes collection,
                                     struct bytes field, struct bytes value,
                                     node_record_callback *each, void *ctx);

/* ---- answers: own changes with their dispositions; usable while locked (no personal data) */

enum countersign_state {
    COUNTERSIGN_WAITS = 0,
    COUNTERSIGN_SIGNED = 1,
    COUNTERSIGN_REFUSED = 2,
    COUNTERSIGN_NONE /* nobody had to */
};

struct own_change {
    struct id record;
    struct hash leaf;
    unsigned index;
    enum lane lane;
    uint64_t seq;
    enum disposition disposition; /* NONE: not answered */
    struct bytes reason, field;
    uint64_t number; /* journal number, 0 = none */
    bool safe;       /* before keep_from */
    enum change_op op;
    struct bytes raw; /* change bytes; empty while locked */
    uint64_t queued_wall_ms;
    uint32_t author; /* number of the operator who signed; 0: not known */
    enum countersign_state countersign;
    uint32_t countersigner; /* who signed or refused */
};
typedef void own_change_callback(void *ctx, const struct own_change *change);
/* Of one record (NULL: of all), oldest first; only those that wait for a person when `attention`:
 * held, quarantined, and rejected unless dismissed or followed by a later own change of that
 * record. */
NODISCARD enum err node_store_changes(struct node_store *store, const struct id *record,
                                      bool attention, own_change_callback *each, void *ctx);

/* What the record feed told of a record's past: each change of others (and of former lives of this
 * node) that reached its fields, or its existence, and each decision. What this store knows as its
 * own change is not among them. A feed that starts late tells only what still stands of a change;
 * the newest HISTORY_MAX of a record are kept. */
#define HISTORY_MAX 64
struct told_change {
    uint64_t number;          /* journal number */
    struct bytes node;        /* empty: a decision whose author the feed did not name */
    uint32_t operator_number; /* as the trust part numbers operators */
    uint64_t claimed_ms;      /* the author's clock: a claim */
    bool first;               /* nothing was known of the record before */
    bool deleted;             /* the record went */
    bool decided;             /* a conflict was answered */
    struct bytes field_names; /* raw array; walk with items_of and reader_str */
};
typedef void told_change_callback(void *ctx, const struct told_change *change);
/* Oldest first. ERR_LOCKED. */
NODISCARD enum err node_store_told(struct node_store *store, const struct id *record,
                                   told_change_callback *each, void *ctx);

/* The operator has dealt with a rejected change: it leaves `attention`, not the history. */
NODISCARD enum err node_store_dismiss(struct node_store *store, const struct hash *leaf,
                                      unsigned index);

struct node_conflict {
    struct id conflict, record;
    struct bytes collection, field, value_a, value_b, author_a, author_b;
    uint64_t number;
};
typedef void node_conflict_callback(void *ctx, const struct node_conflict *conflict);
NODISCARD enum err node_store_conflicts(struct node_store *store, node_conflict_callback *each,
                                        void *ctx);
/* One of them, valid until the next call. ERR_NOT_FOUND: not known here, or answered. */
NODISCARD enum err node_store_conflict(struct node_store *store, const struct id *conflict,
                                       struct node_conflict *ret_conflict);

struct node_figures {      /* counted in the database, never kept beside it */
    uint64_t queued;       /* changes not acknowledged */
    uint64_t queued_bytes; /* their sealed bytes */
    uint64_t queue_limit_bytes;
    uint64_t accepted, superseded, rejected, held, quarantined, parked;
    uint64_t safe;
    uint64_t records;   /* in the cache */
    uint64_t conflicts; /* open, known here */
    uint64_t drafts;
    uint64_t to_countersign; /* changes that wait here for a countersignature */
};
/* The first of these alone, at once: changes not acknowledged. */
NODISCARD enum err node_store_queued(struct node_store *store, uint64_t *ret_queued);
NODISCARD enum err node_store_figures(struct node_store *store, struct node_figures *ret_figures);
uint32_t node_store_next_number(struct node_store *store); /* next running short number */
/* "29-0417": the last part of the node's name, and the number. */
void node_store_short(const char *node, uint32_t number, char ret[16]);
