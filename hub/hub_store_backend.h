/* What the hub's logic (hub_store*.c, hub_merge*.c, hub_feed.c) asks of a database: rows in, rows
 * out, and nothing that decides. One table of functions a backend; hub_store_sqlite*.c is the
 * embedded one.
 *
 * Unless said otherwise: ERR_NOT_FOUND when a single row is not there, ERR_STORE, ERR_FULL,
 * ERR_MEMORY when the database fails; borrowed results are valid until the next call of the same
 * function; what writes runs between begin and commit. Texts that a row holds are copied into it.
 * */
#pragma once

#include "hub/hub_store.h"
#include "proto/txn.h"

enum journal_kind {
    JOURNAL_TXN = 1,
    JOURNAL_TRUST = 2,
    JOURNAL_RULES = 3,
    JOURNAL_AGAIN = 4,       /* a transaction that waited is decided again */
    JOURNAL_MARK = 5,        /* a policy entry of a chain */
    DOCUMENT_DICTIONARY = 6, /* no entry, a document only: the rules of its version name its hash */
    JOURNAL_KNOWN = 7        /* a roster that the office had said it holds, before this position */
};

#define JOURNAL_ENTRY_BYTES_MAX 512

struct row_journal {
    uint64_t number, epoch;
    enum journal_kind kind;
    struct bytes entry;
    struct hash hash;
    uint64_t wall_ms;
};

struct row_incarnation {
    char node[NODE_TEXT_MAX + 1];
    struct id incarnation;
    enum incarnation_state state;
    uint64_t highest[LANE_COUNT];
    uint64_t trust_version, rules_version;
    uint64_t heard_ms;
};

struct row_entry {
    const char *node;
    struct id incarnation;
    enum lane lane;
    uint64_t seq;
    uint64_t number;
    uint64_t txn; /* 0: a policy entry */
    struct hash leaf, head;
};

struct row_txn {
    uint64_t number;
    struct hash leaf;
    char node[NODE_TEXT_MAX + 1];
    struct id incarnation;
    enum lane lane;
    uint64_t seq;
    uint32_t operator_number;
    uint64_t claimed_ms, trust_version, rules_version;
    uint64_t chain_trust; /* trust version of the lane at this position */
    uint64_t chain_rules; /* rules version, likewise */
    bool twin;            /* its incarnation was quarantined when it came */
    unsigned after_count;
    struct after after[AFTER_MAX];
    enum err fault;
    enum disposition state; /* of all changes; NONE: they differ */
    enum err reason;
    uint64_t merged; /* 0: not merged */
    unsigned change_count;
    size_t plain_bytes;
};

enum change_flag { CHANGE_ECHO = 1, CHANGE_LOST = 2, CHANGE_WHOLE = 4 };

struct row_change {
    uint64_t txn;
    unsigned index;
    struct id record;
    const struct policy_collection *collection; /* of the policy in force; NULL: unknown */
    enum change_op op;
    enum disposition disposition;
    unsigned flags; /* enum change_flag */
    enum err reason;
    char field[IDENTIFIER_BYTES_MAX + 1];
    char moved_from[IDENTIFIER_BYTES_MAX + 1];
};

struct row_conflict {
    struct id id;
    const struct policy_collection *collection;
    struct id record;
    char field[IDENTIFIER_BYTES_MAX + 1];
    uint64_t number;
    uint64_t held_txn;
    unsigned held_index;
    char held_node[NODE_TEXT_MAX + 1];
    struct bytes held_value; /* raw, never empty */
    uint64_t closed;         /* 0: open */
    struct bytes chosen;
};

struct row_decision {
    uint64_t number, txn;
    bool whole;
    unsigned index;
    enum disposition disposition;
    enum err reason;
    char field[IDENTIFIER_BYTES_MAX + 1];
};

/* What the hub does with a transaction that waits when it looks again. */
enum ruling {
    RULING_NONE = 0,
    RULING_ACCEPT = 1, /* a person lets it pass: no quarantine; what was parked waits no more */
    RULING_REJECT = 2,
    RULING_MOVED = 3,  /* its incarnation ended: merge as soon as what it needs is there */
    RULING_PASSED = 4, /* let pass out of quarantine, and waits for what it names */
};

struct row_wait {
    uint64_t txn;
    uint64_t on_txn; /* 0: a position */
    char node[NODE_TEXT_MAX + 1];
    struct id incarnation;
    enum lane lane;
    uint64_t seq;
    bool ready;
    enum ruling ruling;
};

/* The create of a record that was tried last: where it stands and what became of it. */
struct row_creation {
    uint64_t txn;
    const struct policy_collection *collection;
    enum disposition disposition;
};

#define SHORT_TEXT_BYTES 36

struct hub_value {
    struct bytes raw; /* canonical; {NULL, 0} = no value */
    uint64_t rev;
};

/* One record; fields by their index in the policy in force. */
struct hub_record {
    const struct policy_collection *collection;
    struct id id;
    char short_text[SHORT_TEXT_BYTES]; /* "29-0417" or empty */
    bool deleted;
    uint64_t rev, born;
    uint64_t existence_rev;
    unsigned held; /* open conflicts */
    struct hub_value fields[FIELDS_PER_CHANGE_MAX];
};

struct hub_backend;
/* Rows of one area of state for the content hash: integer → 'i' and 8 bytes big-endian, text →
 * 't', bytes → 'b', both with 4 bytes of length, nothing → 'n'; each column, then 0x0A at the end
 * of a row. */
typedef void hub_scan_callback(void *ctx, struct bytes piece);
/* False ends the walk. */
typedef bool hub_conflict_callback(void *ctx, const struct row_conflict *row);
typedef bool hub_decision_callback(void *ctx, const struct row_decision *row);
typedef bool hub_entry_callback(void *ctx, const struct row_entry *row);

struct hub_backend_ops {
    void (*close)(struct hub_backend **backend);
    enum err (*begin)(struct hub_backend *b);
    enum err (*commit)(struct hub_backend *b);
    void (*rollback)(struct hub_backend *b);
    /* Writes `value` when there is none yet; gives what stands (NUL-terminated, cut at cap). */
    enum err (*meta)(struct hub_backend *b, const char *name, const char *value, char *ret,
                     size_t cap);

    enum err (*journal_put)(struct hub_backend *b, const struct row_journal *row);
    enum err (*journal_get)(struct hub_backend *b, uint64_t number, struct row_journal *ret_row);
    enum err (*journal_last)(struct hub_backend *b, struct row_journal *ret_row);
    /* Next trust or rules entry after `after`. */
    enum err (*journal_policy_next)(struct hub_backend *b, uint64_t after, uint64_t *ret_number);
    enum err (*epoch_put)(struct hub_backend *b, uint64_t epoch, uint64_t cut,
                          const struct hash *hash);
    /* Lowest cut of the epochs after `epoch`. */
    enum err (*epoch_cut)(struct hub_backend *b, uint64_t epoch, uint64_t *ret_cut);

    enum err (*incarnation_get)(struct hub_backend *b, const char *node,
                                const struct id *incarnation, struct row_incarnation *ret_row);
    enum err (*incarnation_put)(struct hub_backend *b, const struct row_incarnation *row);
    /* The node got another device by this trust version: whoever spoke for it so far is replaced.
     */
    enum err (*incarnation_replaced)(struct hub_backend *b, const char *node, uint64_t version);
    enum err (*incarnation_active)(struct hub_backend *b, const char *node,
                                   struct id *ret_incarnation);
    /* The newest HELLO of a node, as a frame. */
    enum err (*hello_put)(struct hub_backend *b, const char *node, struct bytes frame);
    enum err (*hello_get)(struct hub_backend *b, const char *node, struct bytes *ret_frame);
    enum err (*lane_get)(struct hub_backend *b, const char *node, const struct id *incarnation,
                         enum lane lane, struct hub_lane *ret_lane);
    enum err (*lane_put)(struct hub_backend *b, const char *node, const struct id *incarnation,
                         enum lane lane, const struct hub_lane *row);
    enum err (*entry_put)(struct hub_backend *b, const struct row_entry *row);
    enum err (*entry_get)(struct hub_backend *b, const char *node, const struct id *incarnation,
                          enum lane lane, uint64_t seq, struct row_entry *ret_row);
    /* Every position, lane by lane in order of seq. */
    enum err (*entry_walk)(struct hub_backend *b, hub_entry_callback *each, void *ctx);
    enum err (*key_put)(struct hub_backend *b, const char *node, const struct id *incarnation,
                        uint64_t number, struct bytes sealed);
    enum err (*key_get)(struct hub_backend *b, const char *node, const struct id *incarnation,
                        uint64_t number, struct bytes *ret_sealed);

    enum err (*txn_put)(struct hub_backend *b, const struct row_txn *row, struct bytes body);
    enum err (*txn_get)(struct hub_backend *b, uint64_t number, struct row_txn *ret_row);
    enum err (*txn_find)(struct hub_backend *b, const struct hash *leaf, uint64_t *ret_number);
    enum err (*txn_body)(struct hub_backend *b, uint64_t number, struct bytes *ret_body);
    /* state, reason, merged of an existing row */
    enum err (*txn_decide)(struct hub_backend *b, const struct row_txn *row);
    /* The transaction that entry `number` merged. */
    enum err (*txn_merged_in)(struct hub_backend *b, uint64_t number, uint64_t *ret_txn);
    enum err (*txn_quarantined_next)(struct hub_backend *b, uint64_t after, uint64_t *ret_number);
    enum err (*changes_put)(struct hub_backend *b, const struct row_change *rows, unsigned count);
    enum err (*changes_drop)(struct hub_backend *b, uint64_t txn);
    /* ret_rows has room for CHANGES_PER_TRANSACTION_MAX; ascending by index. */
    enum err (*changes_get)(struct hub_backend *b, uint64_t txn, struct row_change *ret_rows,
                            unsigned *ret_count);
    enum err (*change_get)(struct hub_backend *b, uint64_t txn, unsigned index,
                           struct row_change *ret_row);
    /* disposition, flags, reason, field of an existing row */
    enum err (*change_decide)(struct hub_backend *b, const struct row_change *row);
    /* The best create of `record` outside transaction `except`: accepted before waiting before
     * rejected. */
    enum err (*creation)(struct hub_backend *b, const struct id *record, uint64_t except,
                         struct row_creation *ret_row);

    /* Values are valid until the next record_get. */
    enum err (*record_get)(struct hub_backend *b, const struct policy_collection *collection,
                           const struct id *id, struct hub_record *ret_record);
    enum err (*record_insert)(struct hub_backend *b, const struct hub_record *record);
    enum err (*record_update)(struct hub_backend *b, const struct hub_record *record);
    enum err (*record_exists)(struct hub_backend *b, const struct policy_collection *collection,
                              const struct id *id, bool *ret_exists);

    enum err (*conflict_put)(struct hub_backend *b,
                             const struct row_conflict *row); /* or replace */
    enum err (*conflict_get)(struct hub_backend *b, const struct id *id,
                             struct row_conflict *ret_row);
    /* The open one of `node` about a field. */
    enum err (*conflict_find)(struct hub_backend *b, const struct id *record, const char *field,
                              const char *node, struct row_conflict *ret_row);
    enum err (*conflicts_held)(struct hub_backend *b, uint64_t txn, unsigned index,
                               unsigned *ret_open);
    /* Open ones of a record, and the bytes of what they hold. */
    enum err (*conflicts_weigh)(struct hub_backend *b, const struct id *record, unsigned *ret_open,
                                size_t *ret_bytes);
    /* All open ones of a record are announced again in entry `number`. */
    enum err (*conflicts_renew)(struct hub_backend *b, const struct id *record, uint64_t number);
    /* Open ones announced in, and closed ones answered in, entry `number`. The callback may read.
     * */
    enum err (*conflicts_at)(struct hub_backend *b, uint64_t number, hub_conflict_callback *each,
                             void *ctx);

    enum err (*conflicts_open)(struct hub_backend *b, hub_conflict_callback *each, void *ctx);

    /* For every node that has sent the transaction. */
    enum err (*decision_put)(struct hub_backend *b, const char *author,
                             const struct row_decision *row);
    enum err (*decision_next)(struct hub_backend *b, const char *node, uint64_t after,
                              uint64_t *ret_number);
    enum err (*decisions_at)(struct hub_backend *b, const char *node, uint64_t number,
                             hub_decision_callback *each, void *ctx);
    enum err (*scope_put)(struct hub_backend *b, struct bytes area, uint64_t number, uint64_t txn);
    enum err (*scope_next)(struct hub_backend *b, const char *area, uint64_t after,
                           uint64_t *ret_number, uint64_t *ret_txn);

    enum err (*wait_put)(struct hub_backend *b, const struct row_wait *row); /* or replace */
    enum err (*wait_drop)(struct hub_backend *b, uint64_t txn);
    enum err (*wait_any)(struct hub_backend *b, bool *ret_any);
    /* The ready one with the lowest number. */
    enum err (*wait_ready)(struct hub_backend *b, struct row_wait *ret_row);
    enum err (*wake_txn)(struct hub_backend *b, uint64_t on_txn);
    enum err (*wake_lane)(struct hub_backend *b, const char *node, const struct id *incarnation,
                          enum lane lane, uint64_t seq);
    /* Those that wait for positions in other incarnations of the node, as RULING_MOVED. */
    enum err (*wake_moved)(struct hub_backend *b, const char *node, const struct id *incarnation);

    enum err (*document_put)(struct hub_backend *b, enum journal_kind kind, uint64_t version,
                             uint64_t number, const struct hash *hash, struct bytes as_signed);
    enum err (*document_get)(struct hub_backend *b, enum journal_kind kind, uint64_t version,
                             struct bytes *ret_signed);
    enum err (*document_last)(struct hub_backend *b, enum journal_kind kind, uint64_t *ret_version,
                              uint64_t *ret_number);
    /* Makes and widens the typed tables; `policy` is borrowed until the next of these calls.
     * ERR_POLICY_MEANING: a collection's name is not possible here. */
    enum err (*tables_migrate)(struct hub_backend *b, const struct policy *policy,
                               struct problem *problem);
    enum err (*tables_load)(struct hub_backend *b, const struct policy *policy);

    enum err (*scan)(struct hub_backend *b, hub_scan_callback *each, void *ctx);
    enum err (*list)(struct hub_backend *b, enum hub_list list, const char *const *parameters,
                     hub_row_callback *row, void *ctx);
    enum err (*copy)(struct hub_backend *b, const char *path, struct problem *problem);
    /* Remembers the positions of now, forgets all but the newest `kept` and moves keep_from. */
    enum err (*backup_put)(struct hub_backend *b, const char *name, uint64_t number,
                           uint64_t wall_ms, unsigned kept);
    /* The same in two steps: the positions of now, which count when they are confirmed. One mark
     * at a time; ERR_NOT_FOUND: no such mark. */
    enum err (*backup_mark)(struct hub_backend *b, const char *name, uint64_t number);
    enum err (*backup_confirm)(struct hub_backend *b, const char *name, uint64_t wall_ms,
                               unsigned kept);
    enum err (*idle)(struct hub_backend *b);
    enum err (*probe)(struct hub_backend *b);
};

struct hub_backend {
    const struct hub_backend_ops *ops;
};

NODISCARD enum err hub_store_sqlite_open(const char *path, const char *vfs,
                                         struct hub_backend **ret_backend, struct problem *problem);
