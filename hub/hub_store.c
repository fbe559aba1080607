/* The hub's store above its backends: opening, transactions, caches, chains, ACKs. */
#include "hub/hub_store.h"

#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_store_state.h"

/* --- journal --------------------------------------------------------------------------------- */

enum err store_journal(struct hub_store *store, enum journal_kind kind, size_t items,
                       struct bytes entry, uint64_t wall_ms, uint64_t *ret_number)
{
    uint8_t space[JOURNAL_ENTRY_BYTES_MAX];
    struct writer out = writer_of(space, sizeof(space));
    must(store->writing);
    writer_array(&out, 3 + items);
    writer_uint(&out, store->trust.epoch);
    writer_uint(&out, store->journal.number + 1);
    writer_uint(&out, kind);
    writer_raw(&out, entry);
    must(!out.err);
    struct row_journal row = { .number = store->journal.number + 1,
                               .epoch = store->trust.epoch,
                               .kind = kind,
                               .entry = writer_bytes(&out),
                               .wall_ms = wall_ms };
    journal_next(&store->journal.hash, row.entry, &row.hash);
    enum err err = store->ops->journal_put(store->backend, &row);
    if (err)
        return err;
    store->journal = (struct cursor){ .epoch = row.epoch, .number = row.number, .hash = row.hash };
    *ret_number = row.number;
    return OK;
}

static enum err reload_journal(struct hub_store *store)
{
    struct row_journal row;
    enum err err = store->ops->journal_last(store->backend, &row);
    if (err && err != ERR_NOT_FOUND)
        return err;
    store->journal = (struct cursor){ .epoch = store->trust.epoch };
    if (err)
        journal_genesis(store->district, &store->journal.hash);
    else
        store->journal =
            (struct cursor){ .epoch = row.epoch, .number = row.number, .hash = row.hash };
    return OK;
}

struct cursor hub_store_journal(const struct hub_store *store)
{
    return store->journal;
}

struct cursor hub_store_opened(const struct hub_store *store)
{
    return store->opened;
}

enum err hub_store_journal_at(struct hub_store *store, uint64_t number, struct cursor *ret_cursor)
{
    struct row_journal row = { .number = 0 };
    enum err err = OK;
    if (number > 0)
        err = store->ops->journal_get(store->backend, number, &row);
    else
        journal_genesis(store->district, &row.hash);
    if (!err)
        *ret_cursor = (struct cursor){ .epoch = row.epoch, .number = number, .hash = row.hash };
    return err;
}

enum err hub_store_proves(struct hub_store *store, const struct cursor *cursor, bool *ret_proven)
{
    struct row_journal row;
    if (cursor->number == 0) {
        *ret_proven = true;
        return OK;
    }
    enum err err = store->ops->journal_get(store->backend, cursor->number, &row);
    if (err && err != ERR_NOT_FOUND)
        return err;
    *ret_proven = err == OK && row.epoch <= cursor->epoch && cursor->epoch <= store->trust.epoch &&
                  hash_equal(&row.hash, &cursor->hash);
    return OK;
}

enum err store_base_rev(struct hub_store *store, const struct base *base, uint64_t *ret_rev)
{
    uint64_t cut = 0;
    *ret_rev = base->rev;
    if (base->epoch >= store->trust.epoch || base->rev == 0)
        return OK;
    enum err err = store->ops->epoch_cut(store->backend, base->epoch, &cut);
    if (err == OK && cut < *ret_rev)
        *ret_rev = cut;
    return err == ERR_NOT_FOUND ? OK : err;
}

/* --- policy caches --------------------------------------------------------------------------- */

enum err store_reload_trust(struct hub_store *store)
{
    uint64_t last = 0;
    uint64_t number = 0;
    struct trust trust;
    enum err err = store->ops->document_last(store->backend, JOURNAL_TRUST, &last, &number);
    if (err && err != ERR_NOT_FOUND)
        return err;
    err = OK;
    trust_open(&trust);
    for (uint64_t version = 1; version <= last && !err; version++) {
        struct bytes as_signed;
        err = store->ops->document_get(store->backend, JOURNAL_TRUST, version, &as_signed);
        if (!err)
            err = trust_apply(&trust, as_signed, NULL, NULL);
    }
    if (err) {
        trust_close(&trust);
        return err;
    }
    trust_close(&store->trust);
    store->trust = trust;
    store->trust_touched = false;
    return OK;
}

static void policies_forget(struct hub_store *store)
{
    for (size_t i = 0; i < store->policy_count; i++)
        policy_close(&store->policies[i]);
    free(store->policies);
    store->policies = NULL;
    store->policy_count = 0;
    store->policy = NULL;
}

/* Decodes a stored document of any version into its place. */
static enum err policy_fetch(struct hub_store *store, uint64_t version)
{
    struct bytes as_signed;
    enum err err = store->ops->document_get(store->backend, JOURNAL_RULES, version, &as_signed);
    if (err)
        return err;
    struct reader reader = reader_of(as_signed); /* scanned when it came */
    if (reader_array(&reader) != 2)
        return ERR_STORE;
    struct bytes document = reader_bin(&reader);
    if (reader.err)
        return ERR_STORE;
    if (version > store->policy_count) {
        struct policy **grown = realloc(store->policies, version * sizeof(struct policy *));
        if (!grown)
            return ERR_MEMORY;
        for (size_t i = store->policy_count; i < version; i++)
            grown[i] = NULL;
        store->policies = grown;
        store->policy_count = (size_t)version;
    }
    return policy_decode(document, &store->policies[version - 1], NULL);
}

enum err store_reload_policy(struct hub_store *store)
{
    uint64_t version = 0;
    uint64_t number = 0;
    enum err err = store->ops->tables_load(store->backend, NULL);
    policies_forget(store);
    if (!err)
        err = store->ops->document_last(store->backend, JOURNAL_RULES, &version, &number);
    if (err == ERR_NOT_FOUND) {
        store->policy_touched = false;
        return OK;
    }
    if (!err)
        err = policy_fetch(store, version);
    if (!err) {
        must(version > 0 && version <= store->policy_count);
        store->policy = store->policies[version - 1];
        err = store->ops->tables_load(store->backend, store->policy);
    }
    if (!err)
        store->policy_touched = false;
    return err;
}

const struct trust *hub_store_trust(const struct hub_store *store)
{
    return &store->trust;
}

const struct policy *hub_store_policy(const struct hub_store *store)
{
    return store->policy;
}

const struct policy *hub_store_policy_at(struct hub_store *store, uint64_t rules_version)
{
    if (!store->policy || rules_version == 0 || rules_version > store->policy->version)
        return NULL;
    if (rules_version > store->policy_count || !store->policies[rules_version - 1]) {
        enum err err = policy_fetch(store, rules_version);
        if (err)
            return NULL;
    }
    return store->policies[rules_version - 1];
}

/* --- life ------------------------------------------------------------------------------------ */

static enum err bind_district(struct hub_store *store, const char *path, const char *district,
                              struct problem *problem)
{
    char stored[DISTRICT_TEXT_MAX + 2];
    if (district[0] == '\0' || strlen(district) > DISTRICT_TEXT_MAX)
        return problem_set(problem, ERR_LIMIT, "district", district);
    memcpy(store->district, district, strlen(district) + 1);
    enum err err = store->ops->meta(store->backend, "district", district, stored, sizeof(stored));
    if (err)
        return problem_set(problem, err, path, "district");
    if (strcmp(stored, district) != 0)
        return problem_setf(problem, ERR_STATE, path, "the file belongs to district %s, not %s",
                            stored, district);
    return OK;
}

enum err hub_store_open(const char *path, const char *vfs, const char *district,
                        struct hub_store **ret_store, struct problem *problem)
{
    struct hub_store *store = calloc(1, sizeof(*store));
    if (!store)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    trust_open(&store->trust);
    store->record = calloc(1, sizeof(*store->record));
    store->changes = calloc(CHANGES_PER_TRANSACTION_MAX, sizeof(*store->changes));
    enum err err = store->record && store->changes ? merge_open(&store->merge) : ERR_MEMORY;
    if (err) {
        (void)problem_set(problem, err, path, NULL);
        goto out;
    }
    err = hub_store_sqlite_open(path, vfs, &store->backend, problem);
    if (err)
        goto out;
    store->ops = store->backend->ops;
    err = bind_district(store, path, district, problem);
    if (err)
        goto out;
    err = store_reload_trust(store);
    if (!err)
        err = store_reload_policy(store);
    if (!err)
        err = reload_journal(store);
    store->opened = store->journal;
    if (err)
        (void)problem_set(problem, err, path, "its policy or journal cannot be read");
out:
    if (err)
        hub_store_close(&store);
    else
        *ret_store = store;
    return err;
}

void hub_store_close(struct hub_store **store)
{
    struct hub_store *s = *store;
    if (!s)
        return;
    if (s->backend)
        s->ops->close(&s->backend);
    policies_forget(s);
    store_dictionary_forget(s);
    trust_close(&s->trust);
    merge_close(&s->merge);
    free(s->record);
    free(s->changes);
    free(s);
    *store = NULL;
}

enum err hub_store_begin(struct hub_store *store)
{
    must(!store->writing);
    enum err err = store->ops->begin(store->backend);
    store->writing = err == OK;
    return err;
}

static void caches_reload(struct hub_store *store)
{
    enum err err = store->trust_touched ? store_reload_trust(store) : OK;
    if (!err && store->policy_touched)
        err = store_reload_policy(store);
    if (!err)
        err = reload_journal(store);
    /* Nothing may be decided on caches that differ from the file. */
    must(!err);
}

enum err hub_store_commit(struct hub_store *store)
{
    must(store->writing);
    enum err err = store->ops->commit(store->backend);
    store->writing = false;
    if (err)
        caches_reload(store);
    store->trust_touched = store->policy_touched = false;
    return err;
}

void hub_store_rollback(struct hub_store *store)
{
    if (!store->writing)
        return;
    store->ops->rollback(store->backend);
    store->writing = false;
    caches_reload(store);
}

enum err hub_store_idle(struct hub_store *store)
{
    return store->ops->idle(store->backend);
}

/* --- incarnations and chains ----------------------------------------------------------------- */

static void node_copy(char ret[NODE_TEXT_MAX + 1], const char *node)
{
    must(strlen(node) <= NODE_TEXT_MAX);
    memcpy(ret, node, strlen(node) + 1);
}

enum err store_lane(struct hub_store *store, const char *node, const struct id *incarnation,
                    enum lane lane, struct hub_lane *ret_lane)
{
    enum err err = store->ops->lane_get(store->backend, node, incarnation, lane, ret_lane);
    if (err != ERR_NOT_FOUND)
        return err;
    *ret_lane = (struct hub_lane){ .keep_from = 1 };
    chain_genesis(store->district, node, incarnation, lane, &ret_lane->head);
    return OK;
}

/* A row of UNKNOWN state when there is none. */
static enum err incarnation_row(struct hub_store *store, const char *node,
                                const struct id *incarnation, struct row_incarnation *ret_row)
{
    enum err err = store->ops->incarnation_get(store->backend, node, incarnation, ret_row);
    if (err != ERR_NOT_FOUND)
        return err;
    *ret_row = (struct row_incarnation){ .incarnation = *incarnation };
    node_copy(ret_row->node, node);
    return OK;
}

enum err hub_store_incarnation(struct hub_store *store, const char *node,
                               const struct id *incarnation,
                               struct hub_incarnation *ret_incarnation)
{
    struct row_incarnation row;
    struct hub_incarnation found = { .state = INCARNATION_UNKNOWN };
    enum err err = incarnation_row(store, node, incarnation, &row);
    for (int lane = 0; lane < LANE_COUNT && !err; lane++) {
        found.highest[lane] = row.highest[lane];
        err = store_lane(store, node, incarnation, (enum lane)lane, &found.lanes[lane]);
    }
    if (err)
        return err;
    found.state = row.state;
    *ret_incarnation = found;
    return OK;
}

enum err hub_store_active(struct hub_store *store, const char *node, bool *ret_any,
                          struct id *ret_incarnation)
{
    enum err err = store->ops->incarnation_active(store->backend, node, ret_incarnation);
    if (err && err != ERR_NOT_FOUND)
        return err;
    *ret_any = err == OK;
    return OK;
}

static enum err incarnation_set(struct hub_store *store, const char *node,
                                const struct id *incarnation, enum incarnation_state state)
{
    struct row_incarnation row;
    enum err err = incarnation_row(store, node, incarnation, &row);
    if (err)
        return err;
    row.state = state;
    return store->ops->incarnation_put(store->backend, &row);
}

enum err hub_store_incarnation_open(struct hub_store *store, const char *node,
                                    const struct id *incarnation)
{
    bool any = false;
    struct id active;
    must(store->writing);
    enum err err = hub_store_active(store, node, &any, &active);
    if (!err && any && !id_equal(&active, incarnation))
        err = incarnation_set(store, node, &active, INCARNATION_SUPERSEDED);
    return err ? err : incarnation_set(store, node, incarnation, INCARNATION_ACTIVE);
}

enum err hub_store_incarnation_twin(struct hub_store *store, const char *node, const struct id *a,
                                    const struct id *b)
{
    must(store->writing);
    enum err err = incarnation_set(store, node, a, INCARNATION_QUARANTINED);
    return err ? err : incarnation_set(store, node, b, INCARNATION_QUARANTINED);
}

enum err hub_store_incarnation_retire(struct hub_store *store, const char *node,
                                      const struct id *incarnation)
{
    must(store->writing);
    return incarnation_set(store, node, incarnation, INCARNATION_SUPERSEDED);
}

enum err hub_store_heard(struct hub_store *store, const char *node, const struct id *incarnation,
                         const uint64_t highest[LANE_COUNT], const struct policy_mark *policy,
                         uint64_t wall_ms)
{
    struct row_incarnation row;
    must(store->writing);
    enum err err = incarnation_row(store, node, incarnation, &row);
    if (err)
        return err;
    for (int lane = 0; lane < LANE_COUNT; lane++)
        row.highest[lane] = highest[lane];
    row.trust_version = policy->trust_version;
    row.rules_version = policy->rules_version;
    row.heard_ms = wall_ms;
    return store->ops->incarnation_put(store->backend, &row);
}

enum err hub_store_head(struct hub_store *store, const char *node, const struct id *incarnation,
                        enum lane lane, uint64_t seq, struct hash *ret_head)
{
    struct row_entry row;
    if (seq == 0) {
        chain_genesis(store->district, node, incarnation, lane, ret_head);
        return OK;
    }
    enum err err = store->ops->entry_get(store->backend, node, incarnation, lane, seq, &row);
    if (!err)
        *ret_head = row.head;
    return err;
}

enum err hub_store_leaf_at(struct hub_store *store, const char *node, const struct id *incarnation,
                           enum lane lane, uint64_t seq, struct hash *ret_leaf)
{
    struct row_entry row;
    enum err err = store->ops->entry_get(store->backend, node, incarnation, lane, seq, &row);
    if (!err)
        *ret_leaf = row.leaf;
    return err;
}

enum err hub_store_knows(struct hub_store *store, const struct hash *leaf, bool *ret_known)
{
    uint64_t number;
    enum err err = store->ops->txn_find(store->backend, leaf, &number);
    if (err && err != ERR_NOT_FOUND)
        return err;
    *ret_known = err == OK;
    return OK;
}

enum err hub_store_key_put(struct hub_store *store, const char *node, const struct id *incarnation,
                           uint64_t number, struct bytes sealed)
{
    must(store->writing);
    if (sealed.len != DATA_KEY_SEALED_BYTES)
        return ERR_MALFORMED;
    return store->ops->key_put(store->backend, node, incarnation, number, sealed);
}

enum err hub_store_key_get(struct hub_store *store, const char *node, const struct id *incarnation,
                           uint64_t number, uint8_t ret_sealed[DATA_KEY_SEALED_BYTES])
{
    struct bytes sealed;
    enum err err = store->ops->key_get(store->backend, node, incarnation, number, &sealed);
    if (!err && sealed.len != DATA_KEY_SEALED_BYTES)
        err = ERR_STORE;
    if (!err)
        memcpy(ret_sealed, sealed.at, DATA_KEY_SEALED_BYTES);
    return err;
}

/* --- ACKs ------------------------------------------------------------------------------------ */

static bool entry_is_plain(const struct row_change *row)
{
    return row->disposition == DISPOSITION_ACCEPTED;
}

static void ack_entries_differing(const struct row_change *rows, unsigned count, struct writer *out)
{
    size_t named = 0;
    for (unsigned i = 0; i < count; i++)
        named += !entry_is_plain(&rows[i]);
    writer_array(out, named);
    for (unsigned i = 0; i < count; i++) {
        if (entry_is_plain(&rows[i]))
            continue;
        struct ack_entry entry = {
            .index = rows[i].index,
            .disposition = rows[i].disposition,
            .reason = bytes_text(rows[i].reason ? err_name(rows[i].reason) : ""),
            .field = bytes_text(rows[i].field),
        };
        ack_entry_encode(&entry, out);
    }
}

static enum err ack_entries(struct hub_store *store, const struct row_txn *txn, struct writer *out)
{
    if (txn->state == DISPOSITION_ACCEPTED) {
        writer_array(out, 0);
        return OK;
    }
    if (txn->state != DISPOSITION_NONE) {
        struct ack_entry entry = {
            .whole = true,
            .disposition = txn->state,
            .reason = bytes_text(txn->reason ? err_name(txn->reason) : ""),
            .field = bytes_text(""),
        };
        writer_array(out, 1);
        ack_entry_encode(&entry, out);
        return OK;
    }
    unsigned count = 0;
    enum err err = store->ops->changes_get(store->backend, txn->number, store->changes, &count);
    if (!err)
        ack_entries_differing(store->changes, count, out);
    return err;
}

static enum err ack_item(struct hub_store *store, const struct row_entry *entry, struct writer *out)
{
    /* An entry with reason and field is at most 90 bytes. */
    static uint8_t space[CHANGES_PER_TRANSACTION_MAX * 128];
    struct writer entries = writer_of(space, sizeof(space));
    struct ack_item item = { .seq = entry->seq, .number = entry->number };
    enum err err = OK;
    if (entry->txn == 0) {
        writer_array(&entries, 0);
    } else {
        struct row_txn txn;
        err = store->ops->txn_get(store->backend, entry->txn, &txn);
        if (!err)
            err = ack_entries(store, &txn, &entries);
        if (!err)
            item.number = txn.merged > 0 ? txn.merged : txn.number;
    }
    must(err || !entries.err);
    item.entries = writer_bytes(&entries);
    if (!err)
        ack_item_encode(&item, out);
    return err;
}

enum err hub_store_ack_items(struct hub_store *store, const char *node,
                             const struct id *incarnation, enum lane lane, uint64_t first,
                             uint64_t last, struct writer *out, unsigned *ret_count,
                             uint64_t *ret_last)
{
    unsigned count = 0;
    uint64_t seq = first;
    for (; seq <= last; seq++) {
        struct row_entry entry;
        enum err err = store->ops->entry_get(store->backend, node, incarnation, lane, seq, &entry);
        if (err == ERR_NOT_FOUND)
            break;
        size_t before = out->buf.len;
        if (!err)
            err = ack_item(store, &entry, out);
        if (err)
            return err;
        if (out->err) {
            out->buf.len = before;
            out->err = OK;
            break;
        }
        count++;
    }
    *ret_count = count;
    *ret_last = seq - 1;
    return OK;
}
