/* Proofs over the journal: content hash, replay, verification. Copies, backups, and whether the
 * database answers at all. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_store_state.h"
#include "proto/value.h"

#define REPLAY_BATCH 256
#define BACKUPS_KEPT 2

/* --- content hash ---------------------------------------------------------------------------- */

static void hash_piece(void *ctx, struct bytes piece)
{
    hasher_add(ctx, piece);
}

enum err hub_store_content_hash(struct hub_store *store, struct hash *ret_hash)
{
    struct hasher hasher;
    hasher_start(&hasher, "hub-content");
    enum err err = store->ops->scan(store->backend, hash_piece, &hasher);
    if (!err)
        hasher_end(&hasher, ret_hash);
    return err;
}

/* --- replay ---------------------------------------------------------------------------------- */

/* [epoch, number, kind: what follows is read by its kind. */
static struct reader entry_reader(const struct row_journal *row)
{
    struct reader reader = reader_of(row->entry);
    (void)reader_array(&reader);
    for (int i = 0; i < 3; i++)
        (void)reader_uint(&reader);
    return reader;
}

static void read_lane(struct reader *reader, char node[NODE_TEXT_MAX + 1], struct hub_entry *entry)
{
    struct bytes name = reader_str(reader);
    if (name.len > NODE_TEXT_MAX) {
        reader->err = ERR_MALFORMED;
        return;
    }
    memcpy(node, name.at, name.len);
    node[name.len] = '\0';
    entry->node = node;
    reader_fixed(reader, entry->incarnation.at, ID_BYTES);
    entry->lane = lane_decode(reader);
}

static void read_position(struct reader *reader, char node[NODE_TEXT_MAX + 1],
                          struct hub_entry *entry)
{
    read_lane(reader, node, entry);
    entry->seq = reader_uint(reader);
}

/* The bytes that a transaction's entry stands for, from the store that is replayed. */
struct replay {
    struct hub_store *from, *into;
    struct txn *txn;
    struct buf plain;
    uint8_t *item;
};

static enum err replay_body(struct replay *r, const struct row_journal *row,
                            struct hub_entry *entry, struct bundle_item *item)
{
    struct row_txn txn;
    struct bytes body;
    enum err err = r->from->ops->txn_get(r->from->backend, row->number, &txn);
    if (err == ERR_NOT_FOUND) { /* then its leaf was known already */
        bool known = false;
        err = hub_store_knows(r->into, &item->sealed.leaf, &known);
        return err || known ? err : ERR_STORE;
    }
    if (err)
        return err;
    if (txn.fault == OK) {
        err = merge_plain(r->from, &txn, &r->plain);
        if (!err)
            err = txn_decode(buf_bytes(&r->plain), r->txn);
        entry->txn = r->txn;
        entry->txn_bytes = buf_bytes(&r->plain);
        return err;
    }
    err = r->from->ops->txn_body(r->from->backend, row->number, &body);
    if (err || body.len > SEALED_BYTES_MAX)
        return err ? err : ERR_STORE;
    memcpy(r->item, body.at, body.len);
    struct reader reader = reader_of(bytes_of(r->item, body.len));
    reader_array_of(&reader, 7);
    for (int i = 0; i < 3; i++) /* kind, after, leaf: known from the journal */
        (void)reader_raw(&reader);
    item->sealed.key_number = reader_uint(&reader);
    item->sealed.dictionary = (uint32_t)reader_uint_max(&reader, UINT32_MAX);
    item->sealed.plain_bytes = (uint32_t)reader_uint_max(&reader, UINT32_MAX);
    item->sealed.body = reader_bin(&reader);
    return reader_end(&reader) == OK ? OK : ERR_STORE;
}

static enum err replay_chain(struct replay *r, const struct row_journal *row)
{
    char node[NODE_TEXT_MAX + 1];
    struct bundle_item item = { .kind = row->kind == JOURNAL_TXN ? ITEM_TXN : ITEM_POLICY };
    struct hub_entry entry = { .item = &item, .wall_ms = row->wall_ms };
    struct hub_lane lane;
    struct hash leaf = { .at = { 0 } };
    bool twin = false;
    struct reader reader = entry_reader(row);
    read_position(&reader, node, &entry);
    if (item.kind == ITEM_POLICY) {
        policy_mark_decode(&reader, &item.mark);
    } else {
        reader_fixed(&reader, item.sealed.leaf.at, HASH_BYTES);
        size_t after = reader_array(&reader) / 2;
        for (size_t i = 0; i < after && i < AFTER_MAX && !reader.err; i++) {
            item.after[i].lane = lane_decode(&reader);
            item.after[i].seq = reader_uint(&reader);
        }
        item.after_count = (unsigned)after;
        twin = reader_bool(&reader);
        struct bytes fault = reader_str(&reader);
        entry.fault = fault.len == 0 ? OK : err_from_name(fault);
    }
    enum err err = reader_end(&reader);
    if (err)
        return ERR_STORE;
    if (item.kind == ITEM_TXN)
        err = replay_body(r, row, &entry, &item);
    if (!err)
        err = store_lane(r->into, entry.node, &entry.incarnation, entry.lane, &lane);
    if (err)
        return err;
    bundle_item_leaf(&item, &leaf);
    chain_next(&lane.head, &leaf, &entry.head);
    return merge_entry(r->into, &entry, twin, 0);
}

static enum err replay_known(struct replay *r, const struct row_journal *row)
{
    char node[NODE_TEXT_MAX + 1];
    struct hub_entry entry = { .node = node };
    struct hub_lane lane;
    uint64_t number;
    struct reader reader = entry_reader(row);
    read_lane(&reader, node, &entry);
    uint64_t trust = reader_uint(&reader);
    enum err err = reader_end(&reader) ? ERR_STORE : OK;
    if (!err)
        err = store_lane(r->into, node, &entry.incarnation, entry.lane, &lane);
    lane.trust_version = trust;
    if (!err)
        err = r->into->ops->lane_put(r->into->backend, node, &entry.incarnation, entry.lane, &lane);
    if (err)
        return err;
    struct reader again = entry_reader(row);
    return store_journal(r->into, JOURNAL_KNOWN, 4,
                         bytes_of(again.at, (size_t)(again.end - again.at)), row->wall_ms, &number);
}

static enum err replay_policy(struct replay *r, const struct row_journal *row)
{
    uint8_t *document = NULL;
    size_t len = 0;
    struct reader reader = entry_reader(row);
    uint64_t version = reader_uint(&reader);
    bool trust = row->kind == JOURNAL_TRUST;
    enum err err = trust ? hub_store_trust_get(r->from, version, &document, &len)
                         : hub_store_rules_get(r->from, version, &document, &len);
    if (err)
        return err;
    struct bytes bytes = bytes_of(document, len);
    err = trust ? hub_store_trust_again(r->into, bytes, row->wall_ms, NULL)
                : hub_store_rules_put(r->into, bytes, row->wall_ms, NULL);
    free(document);
    if (err || trust)
        return err;
    err = r->from->ops->document_get(r->from->backend, DOCUMENT_DICTIONARY, version, &bytes);
    if (err)
        return err == ERR_NOT_FOUND ? OK : err;
    return hub_store_dictionary_put(r->into, version, bytes, NULL);
}

/* One entry; those that follow from others (decided again) must have come by themselves already. */
static enum err replay_entry(struct replay *r, const struct row_journal *row)
{
    struct row_journal made;
    enum err err = OK;
    if (row->number > r->into->journal.number) {
        switch (row->kind) {
        case JOURNAL_TXN:
        case JOURNAL_MARK:
            err = replay_chain(r, row);
            break;
        case JOURNAL_KNOWN:
            err = replay_known(r, row);
            break;
        case JOURNAL_TRUST:
        case JOURNAL_RULES:
            err = replay_policy(r, row);
            break;
        case JOURNAL_AGAIN:
        case DOCUMENT_DICTIONARY:
            return ERR_STORE;
        }
    }
    if (!err)
        err = r->into->ops->journal_get(r->into->backend, row->number, &made);
    if (!err && !hash_equal(&made.hash, &row->hash))
        err = ERR_STORE;
    return err;
}

enum err hub_store_replay(struct hub_store *store, struct hub_store *into)
{
    struct replay r = { .from = store, .into = into };
    enum err err = OK;
    must(into->journal.number == 0 && strcmp(store->district, into->district) == 0);
    r.txn = malloc(sizeof(*r.txn));
    r.plain = buf_of(malloc(TRANSACTION_BYTES_MAX), TRANSACTION_BYTES_MAX);
    r.item = malloc(SEALED_BYTES_MAX);
    if (!r.txn || !r.plain.at || !r.item)
        err = ERR_MEMORY;
    for (uint64_t number = 1; number <= store->journal.number && !err; number++) {
        struct row_journal row;
        if (!into->writing)
            err = hub_store_begin(into);
        if (!err)
            err = store->ops->journal_get(store->backend, number, &row);
        if (!err)
            err = replay_entry(&r, &row);
        if (!err && (number % REPLAY_BATCH == 0 || number == store->journal.number))
            err = hub_store_commit(into);
    }
    if (err)
        hub_store_rollback(into);
    else if (into->journal.number != store->journal.number)
        err = ERR_STORE;
    free(r.txn);
    free(r.plain.at);
    free(r.item);
    return err;
}

/* --- verify ---------------------------------------------------------------------------------- */

static enum err differs(struct problem *problem, uint64_t number, const char *what)
{
    char thing[64];
    (void)snprintf(thing, sizeof(thing), "journal entry %llu", (unsigned long long)number);
    return problem_setf(problem, ERR_STORE, thing, "%s differs from what was journaled", what);
}

/* The transaction that an entry names is the one that its operator signed. */
static enum err verify_txn(struct hub_store *store, const struct row_journal *row, struct txn *txn,
                           struct buf *plain, struct problem *problem)
{
    struct row_txn stored;
    struct hub_entry position = { .node = NULL };
    char node[NODE_TEXT_MAX + 1];
    struct hash leaf = { .at = { 0 } };
    struct reader reader = entry_reader(row);
    read_position(&reader, node, &position);
    reader_fixed(&reader, leaf.at, HASH_BYTES);
    enum err err = store->ops->txn_get(store->backend, row->number, &stored);
    if (err)
        return err == ERR_NOT_FOUND ? OK : err;
    if (!hash_equal(&leaf, &stored.leaf))
        return differs(problem, row->number, "the leaf");
    enum err signed_by = OK;
    if (stored.fault != OK)
        return OK;
    if (merge_plain(store, &stored, plain) != OK || txn_decode(buf_bytes(plain), txn) != OK ||
        (signed_by = hub_store_txn_verify(store, txn, &leaf)) == ERR_SIGNATURE ||
        (signed_by == ERR_KEY &&
         stored.state != DISPOSITION_REJECTED)) /* it was rejected for that */
        return differs(problem, row->number, "the transaction");
    return OK;
}

/* What the rules of this version brought, when it is here. */
static enum err verify_dictionary(struct hub_store *store, const struct row_journal *row,
                                  uint64_t version, struct problem *problem)
{
    struct bytes bytes;
    /* First: reading rules and dictionary uses the same space. */
    const struct policy *policy = hub_store_policy_at(store, version);
    enum err err = store->ops->document_get(store->backend, DOCUMENT_DICTIONARY, version, &bytes);
    if (err)
        return err == ERR_NOT_FOUND ? OK : err;
    bool named = policy && dictionary_check(policy, bytes, NULL) == OK;
    return named ? OK : differs(problem, row->number, "the dictionary");
}

static enum err verify_document(struct hub_store *store, const struct row_journal *row,
                                struct problem *problem)
{
    struct hash expected, found;
    struct bytes document;
    struct trust_view view;
    struct reader reader = entry_reader(row);
    uint64_t version = reader_uint(&reader);
    reader_fixed(&reader, expected.at, HASH_BYTES);
    enum err err = store->ops->document_get(store->backend, row->kind, version, &document);
    if (err && err != ERR_NOT_FOUND)
        return err;
    if (err)
        return differs(problem, row->number, "the policy");
    if (row->kind == JOURNAL_TRUST) {
        if (trust_view(document, &view) != OK)
            return differs(problem, row->number, "the trust statement");
        found = view.hash;
    } else {
        struct reader in = reader_of(document);
        (void)reader_array(&in);
        struct bytes rules = reader_bin(&in);
        crypto_hash("rules", &rules, 1, &found);
    }
    if (!hash_equal(&expected, &found))
        return differs(problem, row->number, "the policy");
    return row->kind == JOURNAL_RULES ? verify_dictionary(store, row, version, problem) : OK;
}

static enum err verify_journal(struct hub_store *store, struct txn *txn, struct buf *plain,
                               struct problem *problem)
{
    struct hash hash;
    enum err err = OK;
    journal_genesis(store->district, &hash);
    for (uint64_t number = 1; number <= store->journal.number && !err; number++) {
        struct row_journal row;
        err = store->ops->journal_get(store->backend, number, &row);
        if (err)
            return err == ERR_NOT_FOUND ? differs(problem, number, "the journal (a gap)") : err;
        journal_next(&hash, row.entry, &hash);
        struct reader reader = reader_of(row.entry);
        (void)reader_array(&reader);
        bool same = reader_uint(&reader) == row.epoch && reader_uint(&reader) == number &&
                    reader_uint(&reader) == (uint64_t)row.kind;
        if (!same || reader.err || !hash_equal(&hash, &row.hash))
            return differs(problem, number, "the running hash");
        if (row.kind == JOURNAL_TXN)
            err = verify_txn(store, &row, txn, plain, problem);
        else if (row.kind == JOURNAL_TRUST || row.kind == JOURNAL_RULES)
            err = verify_document(store, &row, problem);
    }
    return err;
}

struct chain_walk {
    struct hub_store *store;
    char node[NODE_TEXT_MAX + 1];
    struct id incarnation;
    enum lane lane;
    uint64_t seq;
    struct hash head;
    uint64_t broken; /* number of the entry where a chain does not fit */
};

static bool walk_chain(void *ctx, const struct row_entry *row)
{
    struct chain_walk *walk = ctx;
    if (strcmp(walk->node, row->node) != 0 || !id_equal(&walk->incarnation, &row->incarnation) ||
        walk->lane != row->lane || walk->seq == 0) {
        (void)snprintf(walk->node, sizeof(walk->node), "%s", row->node);
        walk->incarnation = row->incarnation;
        walk->lane = row->lane;
        walk->seq = 0;
        chain_genesis(walk->store->district, row->node, &row->incarnation, row->lane, &walk->head);
    }
    chain_next(&walk->head, &row->leaf, &walk->head);
    if (row->seq != walk->seq + 1 || !hash_equal(&walk->head, &row->head))
        walk->broken = row->number;
    walk->seq = row->seq;
    return walk->broken == 0;
}

enum err hub_store_verify(struct hub_store *store, struct problem *problem)
{
    struct chain_walk walk = { .store = store };
    struct txn *txn = malloc(sizeof(*txn));
    struct buf plain = buf_of(malloc(TRANSACTION_BYTES_MAX), TRANSACTION_BYTES_MAX);
    enum err err = txn && plain.at ? OK : ERR_MEMORY;
    if (!err)
        err = verify_journal(store, txn, &plain, problem);
    if (!err)
        err = store->ops->entry_walk(store->backend, walk_chain, &walk);
    if (!err && walk.broken > 0)
        err = differs(problem, walk.broken, "the chain of its node");
    free(txn);
    free(plain.at);
    return err;
}

/* --- copies, backups ------------------------------------------------------------------------- */

enum err hub_store_copy(struct hub_store *store, const char *path, struct problem *problem)
{
    return store->ops->copy(store->backend, path, problem);
}

static unsigned backups_kept(const struct hub_store *store)
{
    int64_t kept =
        store->policy ? policy_setting(store->policy, "backups_kept", BACKUPS_KEPT) : BACKUPS_KEPT;
    return kept < 1 ? 1 : (unsigned)kept;
}

enum err hub_store_backup_done(struct hub_store *store, const char *name, uint64_t wall_ms)
{
    must(store->writing);
    return store->ops->backup_put(store->backend, name, store->journal.number, wall_ms,
                                  backups_kept(store));
}

enum err hub_store_backup_mark(struct hub_store *store, const char *name)
{
    must(store->writing);
    return store->ops->backup_mark(store->backend, name, store->journal.number);
}

enum err hub_store_backup_confirm(struct hub_store *store, const char *name, uint64_t wall_ms)
{
    must(store->writing);
    return store->ops->backup_confirm(store->backend, name, wall_ms, backups_kept(store));
}

enum err hub_store_probe(struct hub_store *store)
{
    return store->ops->probe(store->backend);
}
