/* Trust statements and rules documents: applied, journaled, and what follows from them. */
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_store_state.h"

/* --- effects of trust statements ------------------------------------------------------------- */

/* Every quarantined transaction that `fits` is looked at again. */
typedef bool quarantined_fits(const struct row_txn *row, const void *which);

static enum err rule_quarantined(struct hub_store *store, enum ruling ruling,
                                 quarantined_fits *fits, const void *which)
{
    uint64_t number = 0;
    enum err err;
    while ((err = store->ops->txn_quarantined_next(store->backend, number, &number)) == OK) {
        struct row_txn row;
        err = store->ops->txn_get(store->backend, number, &row);
        if (!err && fits(&row, which))
            err = merge_rule(store, number, ruling);
        if (err)
            return err;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

/* Its author's term, or that of who countersigned it. */
static bool by_term(const struct row_txn *row, const void *which)
{
    (void)which;
    return row->reason == ERR_TERM_ENDED || row->reason == ERR_TERM_START;
}

/* [8, accept, [leaf …]] */
static enum err effect_release(struct hub_store *store, struct reader *op)
{
    enum ruling ruling = reader_bool(op) ? RULING_ACCEPT : RULING_REJECT;
    size_t count = reader_array(op);
    for (size_t i = 0; i < count; i++) {
        struct hash leaf = { .at = { 0 } };
        struct row_txn row;
        uint64_t number;
        reader_fixed(op, leaf.at, HASH_BYTES);
        must(!op->err); /* trust_apply has taken it */
        enum err err = store->ops->txn_find(store->backend, &leaf, &number);
        if (err == ERR_NOT_FOUND)
            continue;
        if (!err)
            err = store->ops->txn_get(store->backend, number, &row);
        if (!err && (row.state == DISPOSITION_QUARANTINED || row.state == DISPOSITION_PARKED))
            err = merge_rule(store, number, ruling);
        if (err)
            return err;
    }
    return OK;
}

struct twin_of {
    const char *node;
    struct id incarnation;
};

static bool by_twin(const struct row_txn *row, const void *which)
{
    const struct twin_of *twin = which;
    return row->reason == ERR_TWIN && strcmp(row->node, twin->node) == 0 &&
           id_equal(&row->incarnation, &twin->incarnation);
}

/* [10, node, incarnation, accept]. The one that is let go on becomes the active one when none is; a
 * refused one stays quarantined, so that what it may still say waits for a person again. */
static enum err effect_incarnation(struct hub_store *store, struct reader *op)
{
    char node[NODE_TEXT_MAX + 1];
    struct twin_of twin = { .node = node };
    struct row_incarnation row;
    struct id active;
    struct bytes name = reader_str(op);
    reader_fixed(op, twin.incarnation.at, ID_BYTES);
    bool accept = reader_bool(op);
    must(!op->err && name.len <= NODE_TEXT_MAX);
    memcpy(node, name.at, name.len);
    node[name.len] = '\0';
    enum err err = store->ops->incarnation_get(store->backend, node, &twin.incarnation, &row);
    if (!err && accept) {
        err = store->ops->incarnation_active(store->backend, node, &active);
        row.state = err == ERR_NOT_FOUND || id_equal(&active, &twin.incarnation)
                        ? INCARNATION_ACTIVE
                        : INCARNATION_SUPERSEDED;
        if (!err || err == ERR_NOT_FOUND)
            err = store->ops->incarnation_put(store->backend, &row);
    }
    if (err && err != ERR_NOT_FOUND)
        return err;
    return rule_quarantined(store, accept ? RULING_ACCEPT : RULING_REJECT, by_twin, &twin);
}

static enum err effects(struct hub_store *store, struct bytes ops, uint64_t wall_ms)
{
    struct reader reader = reader_of(ops);
    size_t count = reader_array(&reader);
    enum err err = OK;
    bool renewed = false;
    for (size_t i = 0; i < count && !err; i++) {
        struct reader op = reader_of(reader_raw(&reader));
        (void)reader_array(&op);
        switch ((enum trust_op_code)reader_uint(&op)) {
        case TRUST_OPERATOR_UNTIL:
            if (!renewed) /* of all at once */
                err = rule_quarantined(store, RULING_NONE, by_term, NULL);
            renewed = true;
            break;
        case TRUST_RELEASE:
            err = effect_release(store, &op);
            break;
        case TRUST_INCARNATION:
            err = effect_incarnation(store, &op);
            break;
        case TRUST_ROOT:
        case TRUST_SIGNERS:
        case TRUST_HUB:
        case TRUST_NODE:
        case TRUST_NODE_END:
        case TRUST_OPERATOR:
        case TRUST_OPERATOR_END:
        case TRUST_EPOCH:
            break; /* they are in the roster now and say what happens to what comes next */
        }
    }
    return err ? err : merge_ready(store, wall_ms);
}

/* The cut of an EPOCH op; *ret_epoch is false without one. */
static enum err find_epoch(struct bytes ops, bool *ret_epoch, struct cursor *ret_cut,
                           struct problem *problem)
{
    struct reader reader = reader_of(ops);
    size_t count = reader_array(&reader);
    *ret_epoch = false;
    for (size_t i = 0; i < count; i++) {
        struct reader op = reader_of(reader_raw(&reader));
        (void)reader_array(&op);
        if (reader_uint(&op) != TRUST_EPOCH)
            continue;
        (void)reader_uint(&op);
        ret_cut->number = reader_uint(&op);
        reader_fixed(&op, ret_cut->hash.at, HASH_BYTES);
        if (op.err)
            return problem_set(problem, ERR_MALFORMED, "trust statement", "epoch");
        *ret_epoch = true;
    }
    return OK;
}

/* A new epoch's cut must lie in this journal. */
static enum err check_epoch(struct hub_store *store, struct cursor cut, struct problem *problem)
{
    bool proven = false;
    cut.epoch = store->trust.epoch;
    enum err err = hub_store_proves(store, &cut, &proven);
    if (err)
        return problem_set(problem, err, "epoch", "the journal cannot be read");
    return proven ? OK
                  : problem_setf(problem, ERR_STATE, "epoch",
                                 "the cut is %llu, the journal ends at %llu or differs there",
                                 (unsigned long long)cut.number,
                                 (unsigned long long)store->journal.number);
}

static enum err journal_policy(struct hub_store *store, enum journal_kind kind, uint64_t version,
                               const struct hash *hash, struct bytes as_signed, uint64_t wall_ms)
{
    uint8_t space[64];
    uint64_t number;
    struct writer out = writer_of(space, sizeof(space));
    writer_uint(&out, version);
    writer_bin(&out, bytes_hash(hash));
    must(!out.err);
    enum err err = store_journal(store, kind, 2, writer_bytes(&out), wall_ms, &number);
    return err ? err
               : store->ops->document_put(store->backend, kind, version, number, hash, as_signed);
}

/* Offices that get another device by this statement. Before it is applied, since the roster knows
 * the present device only. */
static enum err note_replaced(struct hub_store *store, const struct trust_view *view)
{
    struct reader reader = reader_of(view->ops);
    size_t count = reader_array(&reader);
    enum err err = OK;
    for (size_t i = 0; i < count && !err; i++) {
        struct reader op = reader_of(reader_raw(&reader));
        struct public_key device = { .at = { 0 } };
        (void)reader_array(&op);
        if (reader_uint(&op) != TRUST_NODE)
            continue;
        struct bytes name = reader_str(&op);
        (void)reader_str(&op);
        reader_fixed(&op, device.at, PUBLIC_KEY_BYTES);
        const struct trust_node *known = op.err ? NULL : trust_node(&store->trust, name);
        if (known && memcmp(known->device_key.at, device.at, PUBLIC_KEY_BYTES) != 0)
            err = store->ops->incarnation_replaced(store->backend, known->name, view->version);
    }
    return err;
}

static enum err trust_take(struct hub_store *store, struct bytes signed_statement, bool anew,
                           uint64_t wall_ms, struct problem *problem)
{
    struct trust_view view;
    struct cursor cut = { .number = 0 };
    bool epoch = false;
    must(store->writing);
    enum err err = trust_view(signed_statement, &view);
    if (err)
        return problem_set(problem, err, "trust statement", "it cannot be read");
    err = find_epoch(view.ops, &epoch, &cut, problem);
    if (!err && epoch && anew)
        err = check_epoch(store, cut, problem);
    if (err)
        return err;
    err = note_replaced(store, &view);
    if (err)
        return problem_set(problem, err, "trust statement", "it could not be stored");
    err = trust_apply(&store->trust, signed_statement, NULL, problem);
    if (err)
        return err;
    store->trust_touched = true;
    if (strcmp(store->trust.district, store->district) != 0)
        return problem_setf(problem, ERR_DENIED, "trust statement", "it is of district %s",
                            store->trust.district);
    if (epoch)
        err = store->ops->epoch_put(store->backend, store->trust.epoch, cut.number, &cut.hash);
    if (!err)
        err = journal_policy(store, JOURNAL_TRUST, store->trust.version, &store->trust.hash,
                             signed_statement, wall_ms);
    if (!err)
        err = effects(store, view.ops, wall_ms);
    return err ? problem_set(problem, err, "trust statement", "it could not be stored") : OK;
}

enum err hub_store_trust_put(struct hub_store *store, struct bytes signed_statement,
                             uint64_t wall_ms, struct problem *problem)
{
    return trust_take(store, signed_statement, true, wall_ms, problem);
}

enum err hub_store_trust_again(struct hub_store *store, struct bytes signed_statement,
                               uint64_t wall_ms, struct problem *problem)
{
    return trust_take(store, signed_statement, false, wall_ms, problem);
}

/* --- rules ----------------------------------------------------------------------------------- */

static enum err check_rules(const struct hub_store *store, const struct policy *next,
                            struct problem *problem)
{
    static const struct hash zero;
    uint64_t version = store->policy ? store->policy->version + 1 : 1;
    if (strcmp(next->district, store->district) != 0)
        return problem_setf(problem, ERR_POLICY_FOLLOW, "district",
                            "this is %s, the rules are of %s", store->district, next->district);
    if (next->version != version)
        return problem_setf(problem, ERR_STATE, "rules", "version %llu comes next, this is %llu",
                            (unsigned long long)version, (unsigned long long)next->version);
    if (!store->policy)
        return hash_equal(&next->previous, &zero)
                   ? OK
                   : problem_set(problem, ERR_POLICY_FOLLOW, "previous", "the first has none");
    return policy_may_follow(store->policy, next, problem);
}

/* Takes ownership of `next`. */
static enum err policy_keep(struct hub_store *store, struct policy *next)
{
    size_t at = (size_t)next->version - 1;
    if (at >= store->policy_count) {
        struct policy **grown = realloc(store->policies, (at + 1) * sizeof(struct policy *));
        if (!grown) {
            policy_close(&next);
            return ERR_MEMORY;
        }
        for (size_t i = store->policy_count; i <= at; i++)
            grown[i] = NULL;
        store->policies = grown;
        store->policy_count = at + 1;
    }
    must(store->policies[at] == NULL);
    store->policies[at] = next;
    store->policy = next;
    return OK;
}

enum err hub_store_rules_put(struct hub_store *store, struct bytes signed_document,
                             uint64_t wall_ms, struct problem *problem)
{
    struct bytes document;
    struct policy *next = NULL;
    must(store->writing);
    enum err err = rules_open(&store->trust, signed_document, &document, problem);
    if (err)
        return err;
    err = policy_decode(document, &next, problem);
    if (err)
        return err;
    err = check_rules(store, next, problem);
    if (err) {
        policy_close(&next);
        return err;
    }
    store->policy_touched = true;
    err = policy_keep(store, next);
    if (!err)
        err = store->ops->tables_migrate(store->backend, next, problem);
    if (err)
        return err;
    err =
        journal_policy(store, JOURNAL_RULES, next->version, &next->hash, signed_document, wall_ms);
    return err ? problem_set(problem, err, "rules", "they could not be stored") : OK;
}

/* --- reading --------------------------------------------------------------------------------- */

struct policy_mark hub_store_policy_mark(const struct hub_store *store)
{
    struct policy_mark mark = { .trust_version = store->trust.version,
                                .trust_hash = store->trust.hash };
    if (store->policy) {
        mark.rules_version = store->policy->version;
        mark.rules_hash = store->policy->hash;
    }
    return mark;
}

static enum err document_copy(struct hub_store *store, enum journal_kind kind, uint64_t version,
                              uint8_t **ret_bytes, size_t *ret_len)
{
    struct bytes found;
    enum err err = store->ops->document_get(store->backend, kind, version, &found);
    if (err)
        return err;
    uint8_t *copy = malloc(found.len + 1);
    if (!copy)
        return ERR_MEMORY;
    memcpy(copy, found.at, found.len);
    *ret_bytes = copy;
    *ret_len = found.len;
    return OK;
}

enum err hub_store_trust_get(struct hub_store *store, uint64_t version, uint8_t **ret_bytes,
                             size_t *ret_len)
{
    return document_copy(store, JOURNAL_TRUST, version, ret_bytes, ret_len);
}

enum err hub_store_rules_get(struct hub_store *store, uint64_t version, uint8_t **ret_bytes,
                             size_t *ret_len)
{
    return document_copy(store, JOURNAL_RULES, version, ret_bytes, ret_len);
}
