/* What the files of node_store share: not for others. The statements stand in
 * node_store_statements.sql.
 *
 * node_store.c         opening, statements, transactions, identity, enrolment
 * node_store_lock.c    operators, the lock, boxes under the cache key, scratch memory
 * node_store_queue.c   append, lanes, requests
 * node_store_import.c  progress of imports, the ledger of their rows
 * node_store_run.c     runs of entries for bundles
 * node_store_reopen.c  a new incarnation: what the hub has not is queued again
 * node_store_reset.c   a lost passphrase; where the first load is
 * node_store_ack.c     acknowledgements, decisions, own changes, figures
 * node_store_feed.c    feed batches and cursors
 * node_store_policy.c  trust and rules, here and as they come by the feed
 * node_store_history.c what the feed told of a record, change by change
 * node_store_state.c   the confirmed state of a record, folding, look-up rows
 * node_store_look.c    what operators have seen; the link
 * node_store_view.c    views, find, list, lookup, conflicts
 * node_store_draft.c   drafts, and what became of refused records
 * node_store_draft_form.c  a draft in memory, and the form of its box
 * node_store_countersign.c  what waits for a countersignature
 * node_store_blob.c    bytes that records name: files and their table
 * node_store_blob_sweep.c  which of them nothing names any more
 * node_store_answer.c  what waits for an answer, and what answers came
 * node_store_access.c  who looked at what
 * node_store_books.c   what this office entered against what became of it
 * node_store_proof.c   what the hub last signed: shows it that its database is older */
#pragma once

#include <sqlite3.h>

#include "common/db.h"
#include "node/node_store.h"

/* X(name): one named statement each */
/* clang-format off */
#define NODE_STATEMENTS(X) \
    X(node_get) X(node_put) X(node_enrolment) X(secret_get) X(secret_put) X(secret_delete) \
    X(operator_all) X(operator_put) X(operator_clash) X(operator_get) X(counter_get) \
    X(counter_number) X(counter_seen) X(counter_shape) X(counter_shown) X(counter_shown_cut) \
    X(trust_all) X(trust_get) X(trust_put) X(rules_get) X(rules_put) X(rules_at) \
    X(dictionary_put) X(dictionary_at) X(dictionary_of) X(dictionary_trim) X(epoch_all) \
    X(epoch_put) X(cursor_get) X(cursor_put) X(proof_put) X(proof_get) X(life_last) X(life_put) \
    X(lane_get) X(lane_put) X(lane_append) X(lane_ack) X(lane_close) X(lane_dropped) \
    X(lane_safe) X(lane_all) X(entry_put) X(entry_at) X(entry_sums) X(entry_run) \
    X(entry_first_key) X(entry_leaf) X(entry_received) X(entry_take_back) X(entry_unreceived) \
    X(entry_stranded) X(entry_move) X(entry_policy_at) X(entry_cut) X(item_put) X(item_get) \
    X(item_set) X(item_after) X(item_drop) X(item_drop_old) X(key_put) X(key_get) X(key_next) \
    X(change_put) X(change_of_entry) X(change_answer) X(change_folded) X(change_unfolded) \
    X(change_of_record) X(change_last_own) X(change_list) X(change_list_record) \
    X(change_attention) X(change_dismiss) X(change_refold) X(change_take_back) X(change_keep) \
    X(change_counts) X(change_boxes) X(request_put) X(request_get) X(import_put) X(import_get) \
    X(ledger_get) X(ledger_put) X(lookup_count) X(record_get) X(record_put) X(record_create) \
    X(record_list) X(record_short) X(record_prefix) X(record_all) X(record_count) \
    X(record_lookup) X(lookup_put) X(lookup_clear) X(conflict_put) X(conflict_get) \
    X(conflict_delete) X(conflict_all) X(conflict_of_record) X(conflict_clear) X(conflict_count) \
    X(history_get) X(history_put) X(history_trim) X(history_take_back) X(history_list) \
    X(looked_come) X(looked_read) X(looked_go) X(looked_get) X(looked_last) X(looked_rules) \
    X(looked_rules_put) X(entry_news) \
    X(change_news) X(held_told) X(link_get) X(link_put) X(change_group) X(change_group_done) \
    X(change_waiting) X(draft_rejected) X(draft_take_back) X(draft_next) X(draft_room) \
    X(draft_add) X(draft_set) X(draft_get) X(draft_delete) X(draft_all) X(draft_count) \
    X(draft_clear) X(corrected_put) X(corrected_get) X(wait_entry) X(wait_put) X(wait_all) \
    X(wait_get) X(wait_count) X(wait_before) X(wait_settled) X(wait_refused) X(wait_queue) \
    X(counter_welcomed) X(operator_swap) X(node_seal) X(entry_unread) X(cursor_load) \
    X(reset_wrapped) X(reset_records) X(reset_history) X(reset_changes) X(reset_entries) \
    X(reset_items) X(reset_requests) X(reset_imports) X(reset_ledger) X(reset_counters) \
    X(reset_wait_changes) X(reset_wait_entries) X(reset_waits) X(reset_reasons) \
    X(blob_put) X(blob_get) X(blob_figures) X(blob_old) X(blob_named) X(blob_delete) \
    X(blob_clear) X(blob_changes) X(blob_records) X(blob_conflicts) X(blob_drafts) \
    X(access_end_get) X(access_end_put) X(access_anchor) X(access_put) X(access_at) X(access_cut) \
    X(access_all) X(access_newest) X(access_of_record) \
    X(owed_put) X(owed_drop) X(owed_own) X(owed_all) X(owed_get) X(owed_late) X(owed_clear) \
    X(answered_put) X(answered_open) X(answered_count) X(answered_news) X(answered_done) \
    X(answered_clear) \
    X(answered_take_back) X(books_chain) X(books_answers)
/* clang-format on */
enum node_statement {
#define X(name) SQL_##name,
    NODE_STATEMENTS(X)
#undef X
        SQL_COUNT
};

/* Memory that lives until the next call from outside; wiped when it goes, since it holds plain
 * values. */
struct scratch {
    struct scratch_block *blocks;
};

struct node_store {
    struct db db;
    struct sqlite3_stmt *statements[SQL_COUNT];
    bool damaged;    /* a column did not have its form: the call ends with ERR_STORE */
    bool watch_disk; /* the file is on a real disk: its free space can be asked */
    uint64_t queue_limit_bytes;
    uint32_t next_number;

    bool enrolled;
    uint64_t life; /* of the present incarnation */
    bool stranded; /* see node_store_stranded */
    struct node_identity identity;
    struct secret_key *device, *curve, *one_time;

    struct trust trust;
    struct policy *policy;
    size_t epoch_count;
    struct epoch_cut {
        uint64_t epoch, cut;
    } * epochs; /* ascending */

    /* While unlocked. Subkeys of the cache key for boxes, for look-up hashes and for files. */
    struct secret_key *cache, *box, *index, *seal, *blob;
    struct secret_key *operators[UNLOCKED_MAX]; /* seeds of those who are unlocked */
    unsigned operator_count;
    const struct secret_key *acting; /* one of them, or NULL */

    char *blob_dir; /* NULL: the store is on no real disk */
    uint64_t blob_swept_ms;
    bool blob_unswept; /* the table, since it was locked then */

    /* For the next commit that comes by (node_store_link_note). */
    bool link_noted;
    uint64_t link_hub_ms, link_rate;

    struct scratch scratch;
    struct record_view view;
};

/* ---- statements. A statement is ended by node_sql_end before its bound bytes go away. */

struct sqlite3_stmt *node_sql(struct node_store *store, enum node_statement which);
void sql_bind_uint(struct sqlite3_stmt *st, int at, uint64_t value);
void sql_bind(struct sqlite3_stmt *st, int at, struct bytes blob);
void sql_bind_id(struct sqlite3_stmt *st, int at, const struct id *id);
void sql_bind_hash(struct sqlite3_stmt *st, int at, const struct hash *hash);
void sql_bind_text(struct sqlite3_stmt *st, int at, struct bytes text);
/* *ret_row: there is one. Columns live until the next step or the end. */
NODISCARD enum err node_sql_step(struct node_store *store, struct sqlite3_stmt *st, bool *ret_row);
/* Ends a statement; gives `err`, or ERR_STORE when a column was not as it must be. */
NODISCARD enum err node_sql_end(struct node_store *store, struct sqlite3_stmt *st, enum err err);
/* Step and end of a statement that gives no row. */
NODISCARD enum err node_sql_run(struct node_store *store, struct sqlite3_stmt *st);
/* Step of one that gives one row at most: without one it is ended and ERR_NOT_FOUND comes back. */
NODISCARD enum err node_sql_row(struct node_store *store, struct sqlite3_stmt *st);
uint64_t sql_uint(struct sqlite3_stmt *st, int at);
struct bytes sql_bytes(struct sqlite3_stmt *st, int at);
void node_sql_fixed(struct node_store *store, struct sqlite3_stmt *st, int at, void *ret,
                    size_t len);
void node_sql_text(struct node_store *store, struct sqlite3_stmt *st, int at, char *ret,
                   size_t cap);

NODISCARD enum err node_begin(struct node_store *store);
/* Commits when `err` is OK, else rolls back and reads the caches again; gives the final error. */
NODISCARD enum err node_end(struct node_store *store, enum err err);

/* ---- boxes and scratch */

void scratch_clear(struct scratch *scratch);
/* NULL: out of memory. */
void *scratch_take(struct scratch *scratch, size_t len);
NODISCARD enum err scratch_copy(struct scratch *scratch, struct bytes in, struct bytes *ret_copy);

/* What a box is bound to: kind and place, so that no box opens in another's stead. */
struct box_name {
    uint8_t at[64];
    size_t len;
};
struct box_name box_name(const char *kind, struct bytes id, unsigned index);
/* Both into scratch. ERR_LOCKED. */
NODISCARD enum err node_box_put(struct node_store *store, const struct box_name *name,
                                struct bytes plain, struct bytes *ret_box);
NODISCARD enum err node_box_get(struct node_store *store, const struct box_name *name,
                                struct bytes box, struct bytes *ret_plain);
/* The cache key under a subkey of an operator's seed; the seal key under the cache key, stored. */
NODISCARD enum err node_wrap(const struct secret_key *seed, const struct secret_key *cache,
                             struct buf *wrapped);
NODISCARD enum err node_seal_put(struct node_store *store, const struct secret_key *seal,
                                 const struct secret_key *cache);
/* 16-byte keyed hash over the parts with their lengths. Needs the unlocked cache. */
void node_index_hash(const struct node_store *store, const struct bytes *parts, size_t count,
                     struct id *ret_hash);

/* ---- queue */

struct lane_row {
    struct node_lane lane;
    uint64_t dropped;
};
NODISCARD enum err node_lane_row(struct node_store *store, uint64_t life, enum lane lane,
                                 struct lane_row *ret_row);
NODISCARD enum err node_lane_new(struct node_store *store, uint64_t life, enum lane lane);
NODISCARD enum err node_sums(struct node_store *store, uint64_t life, enum lane lane, uint64_t seq,
                             uint64_t *ret_changes, uint64_t *ret_bytes);
/* Next position of a lane of the present life: entry row (id as given, 0 = new) and lane row. In a
 * transaction. */
struct chain_entry {
    enum lane lane;
    enum item_kind kind;
    struct hash leaf;
    uint64_t key, changes, bytes, wall_ms;
    uint32_t author; /* number of the operator, 0 = none */
};
NODISCARD enum err node_chain_append(struct node_store *store, const struct chain_entry *entry,
                                     uint64_t *ret_id, uint64_t *ret_seq);
/* A policy entry in one lane. In a transaction. */
NODISCARD enum err node_chain_policy(struct node_store *store, enum lane lane,
                                     const struct policy_mark *mark);
NODISCARD enum err node_queued(struct node_store *store, uint64_t *ret_changes,
                               uint64_t *ret_bytes);
/* Progress and ledger. In a transaction. */
NODISCARD enum err node_import_note(struct node_store *store,
                                    const struct import_progress *progress);
/* Keeps what was noted of the link. In a transaction. */
NODISCARD enum err node_link_keep(struct node_store *store);
/* Instead of a position: it waits for a countersignature. In a transaction. */
NODISCARD enum err node_wait_put(struct node_store *store, const struct queue_entry *entry,
                                 uint64_t *ret_id);
NODISCARD enum err node_wait_bytes(struct node_store *store, uint64_t *ret_bytes);
/* What is sent of an entry, and its data key when that is new. In a transaction. */
NODISCARD enum err node_item_put(struct node_store *store, uint64_t id,
                                 const struct queue_entry *entry);
/* Deletes items that keep_from has passed, a bounded number. In a transaction. */
NODISCARD enum err node_drop_passed(struct node_store *store, enum lane lane);

/* Free space below which nothing new is taken: ERR_FULL. */
NODISCARD enum err node_disk_room(const struct node_store *store);
/* Keeps the answer of a request. In a transaction. */
NODISCARD enum err node_request_put(struct node_store *store, const struct id *request,
                                    struct bytes answer);

/* ---- the access log */

/* The changes of an entry, as one row, for who signs it now: its author, or a countersigner. In the
 * transaction of the entry. Of `changes` only the first is read. */
NODISCARD enum err node_access_changes(struct node_store *store, const struct queue_entry *entry,
                                       uint32_t who);

/* ---- drafts */

struct draft;
/* Memory that lives as long as the draft; NULL: none left. */
void *node_draft_take(struct draft *draft, size_t len);
struct box_name node_draft_box(uint64_t number);
/* Into scratch. ERR_LIMIT: larger than a draft may be. */
NODISCARD enum err node_draft_encode(struct node_store *store, const struct draft *draft,
                                     struct bytes *ret_plain);
/* `plain` lives as long as the draft. */
NODISCARD enum err node_draft_decode(struct draft *draft, struct bytes plain);
/* A reason as it is stored: error name, thing, detail. */
void node_draft_reason(struct bytes code, struct bytes thing, struct bytes detail,
                       struct problem *ret);
/* A change was rejected: its group has a draft from now on. In the transaction of the answer. */
NODISCARD enum err node_draft_rejected(struct node_store *store, uint64_t entry_id, unsigned index);
/* After answers were taken back: what is not rejected any more has no draft, unless a person edited
 * it. In a transaction. */
NODISCARD enum err node_draft_take_back(struct node_store *store);
/* The draft became this entry: it goes, what was rejected is dealt with, and what refers to the
 * refused records follows. In the transaction of the entry. ERR_NOT_FOUND: it is not there any
 * more.
 */
NODISCARD enum err node_draft_sent(struct node_store *store, const struct queue_entry *entry);
/* For a new cache key, which cannot open them: all go, *ret_count says how many. In a transaction.
 * A change whose box was emptied with the key makes no draft later. */
NODISCARD enum err node_drafts_lost(struct node_store *store, uint64_t *ret_count);

/* ---- own changes */

/* What an ACK item or a decision says about one transaction. */
struct answer {
    uint64_t epoch, number;
    uint64_t told;        /* where the journal ended when the hub said so */
    struct bytes entries; /* raw array of ACK entries */
    bool decision;        /* names only what it decides; an ACK speaks of all changes */
};
NODISCARD enum err node_answer_entry(struct node_store *store, uint64_t entry_id,
                                     const struct answer *answer);

/* ---- confirmed state */

#define STATE_FIELDS_MAX (FIELDS_PER_CHANGE_MAX + 1)
struct state_field {
    struct bytes name; /* empty: existence, the value says "deleted" */
    struct bytes value;
    uint64_t epoch, rev;
};
struct state {
    struct bytes collection;
    size_t count;
    struct state_field fields[STATE_FIELDS_MAX];
};

/* Reads a record's row: short text and state into scratch. `state->collection` is empty when there
 * is no confirmed state. ERR_NOT_FOUND: no row. */
NODISCARD enum err node_state_load(struct node_store *store, const struct id *record,
                                   struct state *ret_state, struct bytes *ret_short);
NODISCARD enum err node_state_save(struct node_store *store, const struct id *record,
                                   const struct state *state, struct bytes short_text);
const struct state_field *state_field(const struct state *state, struct bytes name);
/* Sets a field unless what stands there is newer (or equally new, when `older_only`). ERR_LIMIT. */
NODISCARD enum err state_set(struct state *state, const struct state_field *field, bool older_only);
bool state_deleted(const struct state *state);
extern const struct bytes STATE_TRUE, STATE_FALSE;

bool held_names(struct bytes held, struct bytes name);
/* The held fields of a change are all of them: the answer named none that it has. */
bool held_all(struct bytes held, const struct change *change);

/* Folds what is accepted and not folded yet, `max` changes at most, in a transaction of the caller;
 * *ret_left: there may be more. */
NODISCARD enum err node_fold(struct node_store *store, unsigned max, bool *ret_left);
NODISCARD enum err node_fold_all(struct node_store *store);
/* The keyed hash by which look-up rows stand. */
void node_lookup_hash(const struct node_store *store, struct bytes collection, struct bytes field,
                      struct bytes value, struct id *ret_hash);
/* Look-up rows of a fields map. */
NODISCARD enum err node_lookup_add(struct node_store *store, struct bytes collection,
                                   struct bytes fields, const struct id *record);
/* Makes all look-up rows anew when the policy's look-up fields are others than the rows were made
 * for. */
NODISCARD enum err node_lookup_refresh(struct node_store *store);
void node_kind(const struct node_store *store, struct bytes collection, struct id *ret_kind);

/* ---- policy and caches */

NODISCARD enum err node_load_policy(struct node_store *store);
NODISCARD enum err node_cursor_put(struct node_store *store, enum feed_stream stream,
                                   const struct cursor *cursor);
/* Keep what the hub signed, in the transaction of what it brought. */
NODISCARD enum err node_proof_ack(struct node_store *store, const struct ack *ack, uint64_t acked);
NODISCARD enum err node_proof_feed(struct node_store *store, const struct feed_batch *batch);
NODISCARD enum err node_any_operator(struct node_store *store, bool *ret_any);
NODISCARD enum err node_load_stranded(struct node_store *store);
/* The plain document inside a signed one. */
struct bytes node_rules_document(struct bytes signed_document);

/* ---- a feed batch under way */

struct feed_apply {
    struct node_store *store;
    const struct feed_batch *batch;
    struct problem *problem;
    bool policy_moved, epoch_moved;
};
NODISCARD enum err node_apply_trust(struct feed_apply *apply, const struct feed_item *item);
NODISCARD enum err node_apply_rules(struct feed_apply *apply, const struct feed_item *item);
NODISCARD enum err node_apply_dictionary(struct feed_apply *apply, const struct feed_item *item);

/* node_store_history.c: notes what a RECORD or RESOLVED item tells of a record. `first`: nothing
 * was known of the record before. In the transaction of the batch. */
NODISCARD enum err node_history_add(struct feed_apply *apply, const struct feed_item *item,
                                    bool first);

/* ---- answers (node_answer.h). In the transaction of what they speak of. */

/* After a record's confirmed state was written: whether it waits for an answer, since `wall_ms` if
 * it did not before. `own`: the fields of the office's own change that wrote it, or empty. */
NODISCARD enum err node_owed_note(struct node_store *store, const struct id *record,
                                  const struct state *state, struct bytes own, uint64_t wall_ms);
/* The same when the policy changed, so that its collection may be owed none any more. */
NODISCARD enum err node_owed_again(struct node_store *store, const struct id *record,
                                   const struct state *state, uint64_t wall_ms);
/* Whether this office brought the record there that it waits, or was told an answer to it before.
 */
NODISCARD enum err node_owed_own(struct node_store *store, const struct id *record, bool *ret_own);
/* After a RECORD item about a record that was known: whether it is an answer to this office. `own`:
 * what node_owed_own said before it. */
NODISCARD enum err node_answer_told(struct feed_apply *apply, const struct feed_item *item,
                                    bool own);

/* ---- blobs (node_blob.h): sets the directory beside the database at `path`, and clears it of what
 * a killed process left half written. */
NODISCARD enum err node_blob_open(struct node_store *store, const char *path);
