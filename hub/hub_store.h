/* The hub's database behind one narrow interface: what the journal says, and the state that
 * follows from it. Everything that a merge decision depends on is read and written inside its
 * database transaction; memory is only a cache that a rollback throws away.
 *
 * The journal (PROTOCOL.md §9) has an entry for each position of a chain (a transaction, or a
 * policy entry), each trust statement, each rules document, and each later decision about a
 * transaction that waited. State is its fold; hub_store_replay proves it. */
#pragma once

#include "proto/feed.h"
#include "proto/policy.h"
#include "proto/txn.h"

struct hub_store;

/* `path` as for db_open. A new file is bound to `district`; another district's file is
 * ERR_STATE. */
NODISCARD enum err hub_store_open(const char *path, const char *vfs, const char *district,
                                  struct hub_store **ret_store, struct problem *problem);
void hub_store_close(struct hub_store **store);

/* One database transaction around everything below that writes. Commit is durable when it returns;
 * after ERR_* of any write the caller rolls back, and the caches are read again. */
NODISCARD enum err hub_store_begin(struct hub_store *store);
NODISCARD enum err hub_store_commit(struct hub_store *store);
void hub_store_rollback(struct hub_store *store);

/* Folded caches; valid until the next write of their kind. Policy is NULL before the first rules.
 * */
const struct trust *hub_store_trust(const struct hub_store *store);
const struct policy *hub_store_policy(const struct hub_store *store);
/* Any version that was ever published, decoded on demand and kept; NULL when unknown. */
const struct policy *hub_store_policy_at(struct hub_store *store, uint64_t rules_version);
struct policy_mark hub_store_policy_mark(const struct hub_store *store);

/* Present end of the journal. */
struct cursor hub_store_journal(const struct hub_store *store);
/* Where it ended when this store was opened: the cut that a restore names. What came after was
 * numbered anew where the lost journal had numbers of its own. */
struct cursor hub_store_opened(const struct hub_store *store);
/* The entry with that number; ERR_NOT_FOUND. */
NODISCARD enum err hub_store_journal_at(struct hub_store *store, uint64_t number,
                                        struct cursor *ret_cursor);
/* Whether (epoch, number, hash) is in this journal. Number 0 of any epoch is. */
NODISCARD enum err hub_store_proves(struct hub_store *store, const struct cursor *cursor,
                                    bool *ret_proven);

/* ---- nodes, incarnations, lanes */

enum incarnation_state {
    INCARNATION_UNKNOWN = 0,
    INCARNATION_ACTIVE = 1,
    INCARNATION_SUPERSEDED = 2,
    INCARNATION_QUARANTINED = 3
};

struct hub_lane {
    uint64_t received;      /* 0 = nothing */
    struct hash head;       /* genesis when nothing */
    uint64_t keep_from;     /* 1 until a backup moves it */
    uint64_t trust_version; /* of the lane's last policy entry; 0 = none */
    uint64_t rules_version;
};

struct hub_incarnation {
    enum incarnation_state state;
    struct hub_lane lanes[LANE_COUNT];
    uint64_t highest[LANE_COUNT]; /* as last stated by the node */
};

/* UNKNOWN (not an error) when the hub never saw it; lanes are genesis then. */
NODISCARD enum err hub_store_incarnation(struct hub_store *store, const char *node,
                                         const struct id *incarnation,
                                         struct hub_incarnation *ret_incarnation);
/* The one that is active now; `*ret_any` false when the node never spoke. */
NODISCARD enum err hub_store_active(struct hub_store *store, const char *node, bool *ret_any,
                                    struct id *ret_incarnation);
/* Makes `incarnation` the active one and the former active one superseded. */
NODISCARD enum err hub_store_incarnation_open(struct hub_store *store, const char *node,
                                              const struct id *incarnation);
/* A twin spoke: both are quarantined until a TRUST_INCARNATION decides. */
NODISCARD enum err hub_store_incarnation_twin(struct hub_store *store, const char *node,
                                              const struct id *a, const struct id *b);
/* Another device speaks for the node now: the incarnation goes on no more. */
NODISCARD enum err hub_store_incarnation_retire(struct hub_store *store, const char *node,
                                                const struct id *incarnation);
/* What HELLO said: highest queued per lane, policy versions, when (a claim of the hub's clock). */
NODISCARD enum err hub_store_heard(struct hub_store *store, const char *node,
                                   const struct id *incarnation, const uint64_t highest[LANE_COUNT],
                                   const struct policy_mark *policy, uint64_t wall_ms);
/* The HELLO message itself, of whichever incarnation spoke last; it survives a restart. */
NODISCARD enum err hub_store_hello_put(struct hub_store *store, const char *node,
                                       struct bytes frame);
/* ERR_NOT_FOUND: none came yet; ERR_LIMIT: no room. Appends. */
NODISCARD enum err hub_store_hello_get(struct hub_store *store, const char *node,
                                       struct buf *ret_frame);
/* Changes of the entries first..last of a lane by their dispositions now, for a receipt; policy
 * entries hold none, and an entry that did not open counts as one. */
struct hub_tally {
    uint64_t counts[DISPOSITION_PARKED + 1];
};
NODISCARD enum err hub_store_tally(struct hub_store *store, const char *node,
                                   const struct id *incarnation, enum lane lane, uint64_t first,
                                   uint64_t last, struct hub_tally *ret_tally);
/* Head at a received position (0 = genesis). ERR_NOT_FOUND beyond `received`. */
NODISCARD enum err hub_store_head(struct hub_store *store, const char *node,
                                  const struct id *incarnation, enum lane lane, uint64_t seq,
                                  struct hash *ret_head);
/* The leaf at a received position. */
NODISCARD enum err hub_store_leaf_at(struct hub_store *store, const char *node,
                                     const struct id *incarnation, enum lane lane, uint64_t seq,
                                     struct hash *ret_leaf);
/* Whether a transaction with this leaf was taken before (from any incarnation). */
NODISCARD enum err hub_store_knows(struct hub_store *store, const struct hash *leaf,
                                   bool *ret_known);

/* Sealed data keys, as received. */
NODISCARD enum err hub_store_key_put(struct hub_store *store, const char *node,
                                     const struct id *incarnation, uint64_t number,
                                     struct bytes sealed);
NODISCARD enum err hub_store_key_get(struct hub_store *store, const char *node,
                                     const struct id *incarnation, uint64_t number,
                                     uint8_t ret_sealed[DATA_KEY_SEALED_BYTES]);

/* ---- merge */

/* One chain entry, in order, after the checkpoint verified. */
struct hub_entry {
    const char *node;
    struct id incarnation;
    enum lane lane;
    uint64_t seq;     /* received + 1 */
    struct hash head; /* after this entry */
    const struct bundle_item *item;
    /* ITEM_TXN: what opening gave. `fault` OK: `txn` decoded and hub_store_txn_verify passed
     * (or the leaf is known already: txn NULL). Else the whole transaction is rejected with that
     * reason and its sealed bytes are kept. */
    enum err fault;
    const struct txn *txn;
    struct bytes txn_bytes;
    uint64_t wall_ms; /* hub's clock at receipt: stored, never deciding */
};

/* Author and countersigners signed exactly this, and `leaf` is its leaf. ERR_KEY: one of them is
 * unknown; ERR_SIGNATURE. */
NODISCARD enum err hub_store_txn_verify(const struct hub_store *store, const struct txn *txn,
                                        const struct hash *leaf);

/* Journals and merges one entry: shape by the policy it was written under, authority there and
 * now, groups, three-way per field, dispositions; parks behind `after` and behind waiting work,
 * and decides again what this entry lets go, each in a journal entry of its own (so that a number
 * merges one transaction). Journal entry, rows, feed index, node seq and head: the caller's one
 * commit. The leaf is taken as verified when `fault` is OK; with a fault it stays unknown, so that
 * nobody can burn another's leaf with bytes that do not open. ERR_STATE when seq is not received +
 * 1 or the head does not follow (a bug of the caller); ERR_STORE, ERR_FULL. */
NODISCARD enum err hub_store_merge(struct hub_store *store, const struct hub_entry *entry);

/* Raw ACK items ([seq, number, entries] …, PROTOCOL.md §3) for seqs first..last with the
 * dispositions as they are now, as many as fit into `out` (which is not in error afterwards). The
 * number is that of the entry that merged the transaction: the rev of what was taken; of the entry
 * it came with until then. */
NODISCARD enum err hub_store_ack_items(struct hub_store *store, const char *node,
                                       const struct id *incarnation, enum lane lane, uint64_t first,
                                       uint64_t last, struct writer *out, unsigned *ret_count,
                                       uint64_t *ret_last);

/* ---- policy */

/* Applies, journals and carries out the effects (release, ends, renewals, epochs, incarnations). */
NODISCARD enum err hub_store_trust_put(struct hub_store *store, struct bytes signed_statement,
                                       uint64_t wall_ms, struct problem *problem);
/* One that was in force before, here or where this database was copied from: replayed, or brought
 * back by a node. The cut of an epoch need not lie in this journal; the next epoch is still to
 * come, then. */
NODISCARD enum err hub_store_trust_again(struct hub_store *store, struct bytes signed_statement,
                                         uint64_t wall_ms, struct problem *problem);
/* ERR_STATE: not version + 1; ERR_POLICY_FOLLOW. Migrates the typed tables in the same
 * transaction. */
NODISCARD enum err hub_store_rules_put(struct hub_store *store, struct bytes signed_document,
                                       uint64_t wall_ms, struct problem *problem);
/* The bytes of the dictionary that the rules of `version` brought. ERR_DICTIONARY: they name
 * another, name one that came before, or name none. What is here already stays. */
NODISCARD enum err hub_store_dictionary_put(struct hub_store *store, uint64_t version,
                                            struct bytes bytes, struct problem *problem);
/* Number of the dictionary that the rules in force name; 0 = none. */
uint32_t hub_store_dictionary_id(struct hub_store *store);
/* Borrowed until the next call. ERR_NOT_FOUND: not here, but a node or a later policy may bring it;
 * ERR_DICTIONARY: there is none of this number and never will be. */
NODISCARD enum err hub_store_dictionary(struct hub_store *store, uint32_t id,
                                        struct dictionary *ret_dictionary);
/* Signed statement of one trust version; signed rules document of one version. Caller frees with
 * free(). */
NODISCARD enum err hub_store_trust_get(struct hub_store *store, uint64_t version,
                                       uint8_t **ret_bytes, size_t *ret_len);
NODISCARD enum err hub_store_rules_get(struct hub_store *store, uint64_t version,
                                       uint8_t **ret_bytes, size_t *ret_len);

/* ---- feed */

struct hub_reader {
    const char *node; /* own accepted changes of its active incarnation are not echoed */
    const char *area; /* what it may see: records inside this area */
    struct id incarnation;
    uint64_t unread[LANE_COUNT]; /* what it lost: own changes up to there are told like others' */
};

/* Changes that one call looks at (and ends the entry), so that a reader far behind, or a record
 * that was written a hundred thousand times, does not stop the hub for all. */
#define FEED_LOOK_CHANGES 1024u

/* Items after journal number `from` that this reader sees, in order, encoded into `out` until it
 * is full or holds `max_items`; `*ret_to` is the number up to which the batch leads: the journal's
 * end when all fit, also when there was nothing to see; less when it is full or FEED_LOOK_CHANGES
 * were looked at. The items of one number are never torn: at
 * least one number's are given, also when they are more than `max_items`; merge bounds them to
 * FEED_ITEMS_MAX items and FEED_PLAIN_BYTES_MAX bytes. ERR_LIMIT: `out` is too small for that.
 *
 * Records: of entry n come the fields that n wrote last, with the values that stand; what a later
 * entry wrote comes with that one. A reader that keeps per field the value of the highest number,
 * from ACKs and from the feed, ends equal to the hub.
 *   A change of the reader's own present incarnation that was accepted in the entry it came with is
 * not echoed, unless the reader lost it (`unread`). All else of its own is: what was merged later
 * (released), and of a held or superseded change what was taken. A record that comes into the
 * reader's area, or exists again, is given whole. One that left gives only its area field, once.
 *   Restricted values (R fields, restricted codes) go to the reader whose area is the record's own;
 * for others their fields, and conflicts about them, are left out.
 *   CONFLICT stands at the entry that announced it last (made it, replaced the held value, or moved
 * the record), while it is open; RESOLVED at the entry that answered it.
 *
 * Control: every trust statement, the newest rules, and decisions: a later answer to an own
 * transaction, whole where all changes have the same. A held change is decided when the last of its
 * fields is. */
NODISCARD enum err hub_store_feed(struct hub_store *store, const struct hub_reader *reader,
                                  enum feed_stream stream, uint64_t from, unsigned max_items,
                                  struct writer *out, unsigned *ret_count, uint64_t *ret_to,
                                  struct hash *ret_hash);

/* ---- proofs, copies, status */

/* Hash over all state that follows from the journal, in a fixed order: its end and epochs, lanes
 * and heads, positions, transactions, dispositions, conflicts, decisions, feed index, what waits,
 * policy versions, and the records with the revs of their fields. Wall times, incarnation states
 * and backups are left out. */
NODISCARD enum err hub_store_content_hash(struct hub_store *store, struct hash *ret_hash);
/* Replays the journal of `store` into the empty store `into` (same code as merge). ERR_STORE: it
 * does not give the same journal, so that one of the two was altered. */
NODISCARD enum err hub_store_replay(struct hub_store *store, struct hub_store *into);
/* Checks running hashes of the whole journal, what its entries stand for (signatures of operators,
 * policy), heads. ERR_STORE with the entry that does not fit. */
NODISCARD enum err hub_store_verify(struct hub_store *store, struct problem *problem);
/* A copy in journal mode DELETE for sqlite3, LibreOffice, BI and for `query`. */
NODISCARD enum err hub_store_copy(struct hub_store *store, const char *path,
                                  struct problem *problem);
/* Remembers that a backup holds everything up to now: keep_from follows the oldest one named. */
NODISCARD enum err hub_store_backup_done(struct hub_store *store, const char *name,
                                         uint64_t wall_ms);
/* The same in two steps, for a copy that is still on its way to a disk: the mark holds the
 * positions of the copy (taken in the same turn), the confirmation makes them count. A new mark
 * ends the one before it; ERR_NOT_FOUND: there is no such mark. */
NODISCARD enum err hub_store_backup_mark(struct hub_store *store, const char *name);
NODISCARD enum err hub_store_backup_confirm(struct hub_store *store, const char *name,
                                            uint64_t wall_ms);
enum err hub_store_idle(struct hub_store *store); /* checkpoint */
/* Does the database answer, and what it stands on? For the watchdog. */
NODISCARD enum err hub_store_probe(struct hub_store *store);

/* Rows for `status`, `nodes`, `conflict list`, `show`: one callback a row, columns as the query
 * names them. Queries stand in hub_store_statements.sql; there is no free SQL on the live file. */
struct hub_row {
    const char *const *names;
    const char *const *values; /* text; NULL for SQL NULL; ids as UUID text, hashes as hex */
    int count;
};
typedef void hub_row_callback(void *ctx, const struct hub_row *row);

/* One change as its author signed it: number `index` of the transaction with this leaf. `plain`
 * holds TRANSACTION_BYTES_MAX and `txn` is work space; `ret_change` points into `plain`.
 * ERR_NOT_FOUND: no such transaction or change, or its entry did not open. */
NODISCARD enum err hub_store_change(struct hub_store *store, const struct hash *leaf,
                                    unsigned index, struct buf *plain, struct txn *txn,
                                    struct change *ret_change);

/* X(NAME, name in hub_store_statements.sql, parameter count): text parameters. Columns:
 * NODES: node, area, roster, state, heard_ms, received, highest, policy ("trust/rules").
 * CONFLICTS (open): conflict, collection, record, short, field, value_a (the hub's), value_b (the
 *   held one), author_a, author_b (nodes), number; "(restricted)" in place of R values.
 * REVIEW (quarantined, parked): leaf, node, operator, state, reason, changes, claimed_ms, number,
 *   trust (version named), received_ms.
 * TERMS (what waits for a renewal): operator, entries, changes.
 * BOOKS_LANES: node, received, queued (not here, as last heard), lost (of a former machine), in
 *   positions; heard_ms.
 * BOOKS_ENTRIES(from, until: claimed milliseconds): node, positions, policy, again (of transactions
 *   that have an older position), dated (transactions with a claimed time in between).
 * BOOKS_ANSWERS(from, until): node, disposition (0: entries that did not open), entries, dated,
 *   changes, short (changes without an answer).
 * TOTALS: disposition, count; "unreadable" counts entries that did not open.
 * COLLECTIONS: collection, records.
 * HISTORY(record id text): number, node, operator, claimed_ms, op, disposition, reason, field,
 *   leaf, index, received_ms of every change.
 * RECORDS(collection, area or '%'): rows of the collection's view, in that area or inside it.
 * FIND(short number, or 8 and more hex digits of an id): collection, id, short, deleted.
 * RECORD(collection, record id text): its view's row. RECORD_FULL: with restricted values.
 * OWED(since, id): submissions without an answer after that one, 500 at most, the longest waiting
 *   first: collection, id (hex), short, state, unit, since (number of the entry that brought it
 *   into an open state), since_ms. Begins with "0" and "".
 * OWED_ONE(id as 32 hex digits): since, since_ms.
 * OWED_UNITS(collection, milliseconds): collection, unit, count, late (since before that time).
 * VALUES(collection, id as 32 hex digits or "", fields joined by commas): 2000 records at most
 * after that one, by id: id, and these fields as they stand; nothing deleted. REFERRING(collection,
 * its reference field, record id text): rows of the collection's view that refer to that record.
 * POSITIONS(node): incarnation, lane, seq received; active first.
 * LOST(node or '%'): node, replaced (trust version), heard_ms, lane, first, last: positions that a
 *   device had queued, as it last said, when the office got another one, and that never came.
 * BACKUPS: name, number, wall_ms; newest first. */
#define HUB_LISTS(X)                                                                               \
    X(HUB_LIST_NODES, "list_nodes", 0)                                                             \
    X(HUB_LIST_CONFLICTS, "list_conflicts", 0)                                                     \
    X(HUB_LIST_REVIEW, "list_review", 0)                                                           \
    X(HUB_LIST_TERMS, "list_terms", 0)                                                             \
    X(HUB_LIST_BOOKS_LANES, "list_books_lanes", 0)                                                 \
    X(HUB_LIST_BOOKS_ENTRIES, "list_books_entries", 2)                                             \
    X(HUB_LIST_BOOKS_ANSWERS, "list_books_answers", 2)                                             \
    X(HUB_LIST_TOTALS, "list_totals", 0)                                                           \
    X(HUB_LIST_COLLECTIONS, "list_collections", 0)                                                 \
    X(HUB_LIST_HISTORY, "list_history", 1)                                                         \
    X(HUB_LIST_RECORDS, "list_records", 2)                                                         \
    X(HUB_LIST_FIND, "list_find", 1)                                                               \
    X(HUB_LIST_RECORD, "list_record", 2)                                                           \
    X(HUB_LIST_RECORD_FULL, "list_record_full", 2)                                                 \
    X(HUB_LIST_OWED, "list_owed", 2)                                                               \
    X(HUB_LIST_OWED_ONE, "list_owed_one", 1)                                                       \
    X(HUB_LIST_OWED_UNITS, "list_owed_units", 2)                                                   \
    X(HUB_LIST_VALUES, "list_values", 3)                                                           \
    X(HUB_LIST_REFERRING, "list_referring", 3)                                                     \
    X(HUB_LIST_POSITIONS, "list_positions", 1)                                                     \
    X(HUB_LIST_LOST, "list_lost", 1)                                                               \
    X(HUB_LIST_BACKUPS, "list_backups", 0)

#define HUB_VALUES_ROWS 2000 /* a page of HUB_LIST_VALUES */

enum hub_list {
#define X(name, sql, parameters) name,
    HUB_LISTS(X)
#undef X
        HUB_LIST_COUNT
};
NODISCARD enum err hub_store_list(struct hub_store *store, enum hub_list list,
                                  const char *const *parameters, hub_row_callback *row, void *ctx);
