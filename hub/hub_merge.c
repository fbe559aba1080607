/* Taking an entry of a chain: journal, position, and what becomes of its transaction, then and
 * later. */
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_merge.h"
#include "proto/compress.h"

enum err merge_open(struct merge **ret_merge)
{
    struct merge *m = calloc(1, sizeof(*m));
    if (!m)
        return ERR_MEMORY;
    m->plain = buf_of(malloc(TRANSACTION_BYTES_MAX), TRANSACTION_BYTES_MAX);
    m->packed = buf_of(malloc(COMPRESS_BOUND(SEALED_BYTES_MAX)), COMPRESS_BOUND(SEALED_BYTES_MAX));
    *ret_merge = m;
    return m->plain.at && m->packed.at ? OK : ERR_MEMORY;
}

void merge_close(struct merge **merge)
{
    struct merge *m = *merge;
    if (!m)
        return;
    free(m->references);
    free(m->kept.at);
    free(m->plain.at);
    free(m->packed.at);
    free(m);
    *merge = NULL;
}

/* --- what it waits for ------------------------------------------------------------------------ */

/* The first position of another lane that it needs and that is not settled yet. */
static enum err check_after(struct merge *m)
{
    const struct hub_backend_ops *ops = m->store->ops;
    for (unsigned i = 0; i < m->row.after_count; i++) {
        const struct after *after = &m->row.after[i];
        struct hub_lane lane;
        struct row_entry entry;
        struct row_txn other;
        enum err err = store_lane(m->store, m->row.node, &m->row.incarnation, after->lane, &lane);
        if (err)
            return err;
        if (after->seq > lane.received) {
            m->parks = true;
            m->wait = (struct row_wait){ .txn = m->row.number,
                                         .incarnation = m->row.incarnation,
                                         .lane = after->lane,
                                         .seq = after->seq };
            memcpy(m->wait.node, m->row.node, sizeof(m->wait.node));
            return OK;
        }
        if (after->seq == 0)
            continue;
        err = ops->entry_get(m->store->backend, m->row.node, &m->row.incarnation, after->lane,
                             after->seq, &entry);
        if (!err && entry.txn > 0)
            err = ops->txn_get(m->store->backend, entry.txn, &other);
        if (err)
            return err;
        if (entry.txn > 0 && entry.txn < m->row.number &&
            (other.state == DISPOSITION_PARKED || other.state == DISPOSITION_QUARANTINED)) {
            m->parks = true;
            m->wait = (struct row_wait){ .txn = m->row.number, .on_txn = entry.txn };
            return OK;
        }
    }
    return OK;
}

/* --- outcome --------------------------------------------------------------------------------- */

static void changes_start(struct merge *m)
{
    for (unsigned i = 0; i < m->txn->change_count; i++) {
        const struct change *change = &m->txn->changes[i];
        m->now[i] =
            m->store->policy ? policy_collection(m->store->policy, change->collection) : NULL;
        m->changes[i] = (struct row_change){ .txn = m->row.number,
                                             .index = i,
                                             .record = change->record,
                                             .collection = m->now[i],
                                             .op = change->op };
    }
}

static void changes_all(struct merge *m, enum disposition disposition, enum err reason)
{
    for (unsigned i = 0; i < m->txn->change_count; i++) {
        m->changes[i].disposition = disposition;
        m->changes[i].reason = reason;
        m->changes[i].field[0] = '\0';
    }
}

/* Looks, and writes nothing yet. m->row.state: PARKED, QUARANTINED, REJECTED as a whole, or
 * ACCEPTED: its changes have their own answers. */
static enum err look(struct merge *m)
{
    enum err reason = OK;
    enum err err = OK;
    m->parks = false;
    changes_start(m);
    m->row.state = merge_gate(m, &reason);
    m->row.reason = reason;
    /* Rules that were published but cannot be read now are the hub's trouble, not the author's. */
    if (reason == ERR_VERSION && m->store->policy && m->row.rules_version > 0 &&
        m->row.rules_version <= m->store->policy->version)
        return ERR_STORE;
    if (m->row.state != DISPOSITION_ACCEPTED)
        return OK;
    if (m->ruling != RULING_ACCEPT && m->ruling != RULING_MOVED)
        err = check_after(m);
    if (!err && !m->parks)
        err = merge_check(m);
    if (!err && m->parks) {
        m->row.state = DISPOSITION_PARKED;
        m->row.reason = ERR_AFTER;
    }
    return err;
}

/* One answer for all changes, where there is one. */
static void summarise(struct merge *m)
{
    const struct row_change *first = &m->changes[0];
    m->row.state = first->disposition;
    m->row.reason = first->reason;
    for (unsigned i = 0; i < m->txn->change_count; i++) {
        const struct row_change *row = &m->changes[i];
        if (row->disposition != first->disposition || row->reason != first->reason ||
            row->field[0] != '\0')
            m->row.state = DISPOSITION_NONE;
    }
    if (m->row.state == DISPOSITION_HELD)
        m->row.state = DISPOSITION_NONE;
    if (m->row.state == DISPOSITION_NONE)
        m->row.reason = OK;
}

static bool is_settled(enum disposition state)
{
    return state != DISPOSITION_PARKED && state != DISPOSITION_QUARANTINED;
}

/* Carries out what look() found, as part of entry `m->number`. The transaction's row is there
 * already; its changes' rows are not. */
static enum err settle(struct merge *m)
{
    const struct hub_backend_ops *ops = m->store->ops;
    enum err err = OK;
    if (m->row.state == DISPOSITION_ACCEPTED) {
        err = merge_apply(m);
        m->row.merged = m->number;
        summarise(m);
    } else {
        changes_all(m, m->row.state, m->row.reason);
    }
    if (!err)
        err = ops->changes_put(m->store->backend, m->changes, m->txn->change_count);
    if (!err)
        err = ops->txn_decide(m->store->backend, &m->row);
    if (err)
        return err;
    if (m->row.state == DISPOSITION_PARKED)
        return ops->wait_put(m->store->backend, &m->wait);
    return is_settled(m->row.state) ? ops->wake_txn(m->store->backend, m->row.number) : OK;
}

/* --- first receipt --------------------------------------------------------------------------- */

static enum err journal_txn(struct hub_store *store, const struct hub_entry *entry,
                            const struct hash *leaf, bool twin, uint64_t *ret_number)
{
    uint8_t space[JOURNAL_ENTRY_BYTES_MAX];
    struct writer out = writer_of(space, sizeof(space));
    writer_text(&out, entry->node);
    writer_bin(&out, bytes_id(&entry->incarnation));
    writer_uint(&out, entry->lane);
    writer_uint(&out, entry->seq);
    if (entry->item->kind == ITEM_POLICY) {
        policy_mark_encode(&entry->item->mark, &out);
        must(!out.err);
        return store_journal(store, JOURNAL_MARK, 5, writer_bytes(&out), entry->wall_ms,
                             ret_number);
    }
    writer_bin(&out, bytes_hash(leaf));
    writer_array(&out, 2 * (size_t)entry->item->after_count);
    for (unsigned i = 0; i < entry->item->after_count; i++) {
        writer_uint(&out, entry->item->after[i].lane);
        writer_uint(&out, entry->item->after[i].seq);
    }
    writer_bool(&out, twin);
    writer_text(&out, entry->fault == OK ? "" : err_name(entry->fault));
    must(!out.err);
    return store_journal(store, JOURNAL_TXN, 8, writer_bytes(&out), entry->wall_ms, ret_number);
}

/* What is kept of it: the plain transaction, or the item as it came when it did not open. */
static enum err pack_body(struct merge *m, const struct hub_entry *entry, struct bytes *ret_body)
{
    m->packed.len = 0;
    if (entry->fault == OK) {
        enum err err = compress(entry->txn_bytes, &m->packed);
        *ret_body = buf_bytes(&m->packed);
        return err;
    }
    struct writer out = writer_of(m->packed.at, m->packed.cap);
    bundle_item_encode(entry->item, &out);
    *ret_body = writer_bytes(&out);
    return out.err;
}

static enum err take_new(struct hub_store *store, const struct hub_entry *entry,
                         const struct hub_lane *lane, bool twin, uint64_t number)
{
    struct merge *m = store->merge;
    struct bytes body;
    m->store = store;
    m->ruling = RULING_NONE;
    m->number = number;
    m->txn = entry->txn;
    m->row = (struct row_txn){ .number = number,
                               .leaf = entry->item->sealed.leaf,
                               .incarnation = entry->incarnation,
                               .lane = entry->lane,
                               .seq = entry->seq,
                               .chain_trust = lane->trust_version,
                               .chain_rules = lane->rules_version,
                               .twin = twin,
                               .after_count = entry->item->after_count,
                               .fault = entry->fault,
                               .state = DISPOSITION_REJECTED,
                               .reason = entry->fault };
    memcpy(m->row.node, entry->node, strlen(entry->node) + 1);
    memcpy(m->row.after, entry->item->after, sizeof(m->row.after));
    if (entry->fault == OK) {
        m->row.operator_number = entry->txn->operator_number;
        m->row.claimed_ms = entry->txn->claimed_ms;
        m->row.trust_version = entry->txn->trust_version;
        m->row.rules_version = entry->txn->rules_version;
        m->row.change_count = entry->txn->change_count;
        m->row.plain_bytes = entry->txn_bytes.len;
    }
    enum err err = pack_body(m, entry, &body);
    if (!err)
        err = store->ops->txn_put(store->backend, &m->row, body);
    if (err || entry->fault != OK)
        return err;
    err = look(m);
    return err ? err : settle(m);
}

/* Versions never fall along a lane, and a node cannot have what this hub has not published: an
 * entry that says so takes its position and moves nothing. */
static void lane_follow(const struct hub_store *store, const struct policy_mark *mark,
                        struct hub_lane *lane)
{
    const struct policy_mark mine = hub_store_policy_mark(store);
    bool trust = mark->trust_version > lane->trust_version &&
                 mark->trust_version <= mine.trust_version &&
                 (mark->trust_version < mine.trust_version ||
                  hash_equal(&mark->trust_hash, &mine.trust_hash));
    bool rules = mark->rules_version > lane->rules_version &&
                 mark->rules_version <= mine.rules_version &&
                 (mark->rules_version < mine.rules_version ||
                  hash_equal(&mark->rules_hash, &mine.rules_hash));
    if (trust)
        lane->trust_version = mark->trust_version;
    if (rules)
        lane->rules_version = mark->rules_version;
}

/* An office that leaves policy entries out of its chain goes on as if it had never heard of them;
 * but it has said in HELLO what it holds. */
static enum err journal_known(struct hub_store *store, const struct hub_entry *entry,
                              uint64_t known_trust, struct hub_lane *lane)
{
    uint8_t space[JOURNAL_ENTRY_BYTES_MAX];
    struct writer out = writer_of(space, sizeof(space));
    uint64_t number;
    if (entry->item->kind != ITEM_TXN || known_trust <= lane->trust_version)
        return OK;
    writer_text(&out, entry->node);
    writer_bin(&out, bytes_id(&entry->incarnation));
    writer_uint(&out, entry->lane);
    writer_uint(&out, known_trust);
    must(!out.err);
    lane->trust_version = known_trust;
    return store_journal(store, JOURNAL_KNOWN, 4, writer_bytes(&out), entry->wall_ms, &number);
}

enum err merge_entry(struct hub_store *store, const struct hub_entry *entry, bool twin,
                     uint64_t known_trust)
{
    struct hub_lane lane;
    struct hash leaf, head;
    uint64_t number = 0;
    uint64_t known = 0;
    bool waiting = false;
    must(strlen(entry->node) <= NODE_TEXT_MAX);
    enum err err = store_lane(store, entry->node, &entry->incarnation, entry->lane, &lane);
    if (err)
        return err;
    bundle_item_leaf(entry->item, &leaf);
    chain_next(&lane.head, &leaf, &head);
    if (entry->seq != lane.received + 1 || !hash_equal(&head, &entry->head))
        return ERR_STATE;

    err = journal_known(store, entry, known_trust, &lane);
    if (!err)
        err = journal_txn(store, entry, &leaf, twin, &number);
    if (err)
        return err;
    lane.received = entry->seq;
    lane.head = head;
    struct row_entry row = { .node = entry->node,
                             .incarnation = entry->incarnation,
                             .lane = entry->lane,
                             .seq = entry->seq,
                             .number = number,
                             .leaf = leaf,
                             .head = head };
    if (entry->item->kind == ITEM_POLICY) {
        lane_follow(store, &entry->item->mark, &lane);
    } else {
        err = store->ops->txn_find(store->backend, &leaf, &known);
        if (err && err != ERR_NOT_FOUND)
            return err;
        must(err == OK || entry->fault != OK || entry->txn != NULL);
        row.txn = err == OK ? known : number;
    }
    err = store->ops->entry_put(store->backend, &row);
    if (!err)
        err = store->ops->lane_put(store->backend, entry->node, &entry->incarnation, entry->lane,
                                   &lane);
    if (!err && row.txn == number)
        err = take_new(store, entry, &lane, twin, number);
    if (!err)
        err = store->ops->wait_any(store->backend, &waiting);
    if (!err && waiting)
        err = store->ops->wake_lane(store->backend, entry->node, &entry->incarnation, entry->lane,
                                    entry->seq);
    if (!err && waiting)
        err = store->ops->wake_moved(store->backend, entry->node, &entry->incarnation);
    if (err || !waiting)
        return err;
    return merge_ready(store, entry->wall_ms);
}

enum err hub_store_merge(struct hub_store *store, const struct hub_entry *entry)
{
    struct row_incarnation row;
    must(store->writing);
    enum err err =
        store->ops->incarnation_get(store->backend, entry->node, &entry->incarnation, &row);
    if (err && err != ERR_NOT_FOUND)
        return err;
    if (err)
        return merge_entry(store, entry, false, 0);
    /* What lies beyond the positions that HELLO named was queued after it. */
    bool later = entry->seq > row.highest[entry->lane] && row.trust_version <= store->trust.version;
    return merge_entry(store, entry, row.state == INCARNATION_QUARANTINED,
                       later ? row.trust_version : 0);
}

/* --- looking again --------------------------------------------------------------------------- */

enum err merge_plain(struct hub_store *store, const struct row_txn *row, struct buf *ret_plain)
{
    struct bytes body;
    enum err err = store->ops->txn_body(store->backend, row->number, &body);
    ret_plain->len = 0;
    return err ? err : decompress(body, row->plain_bytes, ret_plain);
}

enum err merge_rule(struct hub_store *store, uint64_t txn, enum ruling ruling)
{
    struct row_wait wait = { .txn = txn, .ready = true, .ruling = ruling };
    return store->ops->wait_put(store->backend, &wait);
}

/* The author's node learns what became of it, change by change where they differ. */
static enum err tell(struct merge *m)
{
    struct row_decision decision = { .number = m->number,
                                     .txn = m->row.number,
                                     .whole = m->row.state != DISPOSITION_NONE,
                                     .disposition = m->row.state,
                                     .reason = m->row.reason };
    if (decision.whole)
        return m->store->ops->decision_put(m->store->backend, m->row.node, &decision);
    enum err err = OK;
    for (unsigned i = 0; i < m->txn->change_count && !err; i++) {
        decision.index = i;
        decision.disposition = m->changes[i].disposition;
        decision.reason = m->changes[i].reason;
        memcpy(decision.field, m->changes[i].field, sizeof(decision.field));
        err = m->store->ops->decision_put(m->store->backend, m->row.node, &decision);
    }
    return err;
}

static enum err look_again(struct hub_store *store, const struct row_wait *wait, uint64_t wall_ms)
{
    struct merge *m = store->merge;
    const struct hub_backend_ops *ops = store->ops;
    enum err err = ops->txn_get(store->backend, wait->txn, &m->row);
    m->store = store;
    m->ruling = wait->ruling;
    m->wait = *wait; /* goes on waiting for the same unless look() says for what */
    m->wait.ready = false;
    if (!err)
        err = merge_plain(store, &m->row, &m->plain);
    if (!err)
        err = txn_decode(buf_bytes(&m->plain), &m->decoded);
    if (err)
        return err;
    m->txn = &m->decoded;
    enum disposition before = m->row.state;
    enum err reason_before = m->row.reason;
    /* Whoever lets it pass says nothing of what has not arrived yet. */
    if (m->ruling == RULING_ACCEPT && before == DISPOSITION_QUARANTINED)
        m->ruling = RULING_PASSED;
    err = look(m);
    m->wait.ruling = m->ruling; /* that stays while it waits */
    if (!err)
        err = ops->wait_drop(store->backend, m->row.number);
    if (err)
        return err;
    if (m->row.state == before && m->row.reason == reason_before)
        return before == DISPOSITION_PARKED ? ops->wait_put(store->backend, &m->wait) : OK;

    uint8_t space[64];
    struct writer out = writer_of(space, sizeof(space));
    writer_uint(&out, m->row.number);
    writer_bin(&out, bytes_hash(&m->row.leaf));
    must(!out.err);
    err = store_journal(store, JOURNAL_AGAIN, 2, writer_bytes(&out), wall_ms, &m->number);
    if (!err)
        err = ops->changes_drop(store->backend, m->row.number);
    if (!err)
        err = settle(m);
    return err ? err : tell(m);
}

enum err merge_ready(struct hub_store *store, uint64_t wall_ms)
{
    struct row_wait wait;
    enum err err;
    while ((err = store->ops->wait_ready(store->backend, &wait)) == OK) {
        err = look_again(store, &wait, wall_ms);
        if (err)
            return err;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}
