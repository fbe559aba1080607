/* Policy: what is in force here, and the items of the feed that move it. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_store_inside.h"

/* ---- policy as it stands in the database */

struct bytes node_rules_document(struct bytes signed_document)
{
    if (codec_scan(signed_document) != OK)
        return bytes_of(NULL, 0);
    struct reader in = reader_of(signed_document);
    reader_array_of(&in, 2);
    struct bytes document = reader_bin(&in);
    return in.err == OK ? document : bytes_of(NULL, 0);
}

static enum err load_trust(struct node_store *store, struct trust *trust)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_trust_all);
    bool row = false;
    enum err err;
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        err = trust_apply(trust, sql_bytes(st, 0), &store->identity.root_key, NULL);
        if (err != OK)
            break;
    }
    return node_sql_end(store, st, err);
}

/* The signatures were checked when it came, against who could sign then. */
static enum err load_rules(struct node_store *store, struct policy **ret_policy)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_rules_get);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    return node_sql_end(store, st,
                        policy_decode(node_rules_document(sql_bytes(st, 0)), ret_policy, NULL));
}

static enum err load_epochs(struct node_store *store, struct epoch_cut **ret_list,
                            size_t *ret_count)
{
    struct epoch_cut *list = NULL;
    size_t count = 0;
    bool row = false;
    enum err err;
    struct sqlite3_stmt *st = node_sql(store, SQL_epoch_all);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct epoch_cut *more = realloc(list, (count + 1) * sizeof *list);
        if (!more) {
            err = ERR_MEMORY;
            break;
        }
        list = more;
        list[count++] = (struct epoch_cut){ sql_uint(st, 0), sql_uint(st, 1) };
    }
    err = node_sql_end(store, st, err);
    if (err != OK) {
        free(list);
        return err;
    }
    *ret_list = list;
    *ret_count = count;
    return OK;
}

/* Reads all three and puts them in place together, so that a failure leaves what was there. */
enum err node_load_policy(struct node_store *store)
{
    struct trust trust;
    struct policy *policy = NULL;
    struct epoch_cut *epochs = NULL;
    size_t epoch_count = 0;
    trust_open(&trust);
    enum err err = load_trust(store, &trust);
    if (err == OK)
        err = load_rules(store, &policy);
    if (err == OK)
        err = load_epochs(store, &epochs, &epoch_count);
    if (err != OK) {
        trust_close(&trust);
        policy_close(&policy);
        return err;
    }
    trust_close(&store->trust);
    policy_close(&store->policy);
    free(store->epochs);
    store->trust = trust;
    store->policy = policy;
    store->epochs = epochs;
    store->epoch_count = epoch_count;
    return OK;
}

const struct trust *node_store_trust(const struct node_store *store)
{
    return &store->trust;
}

const struct policy *node_store_policy(const struct node_store *store)
{
    return store->policy;
}

struct policy_mark node_store_policy_mark(const struct node_store *store)
{
    struct policy_mark mark = { .trust_version = store->trust.version,
                                .trust_hash = store->trust.hash };
    if (store->policy) {
        mark.rules_version = store->policy->version;
        mark.rules_hash = store->policy->hash;
    }
    return mark;
}

/* ---- policy as signed */

static enum err signed_get(struct node_store *store, struct sqlite3_stmt *st, uint64_t version,
                           struct bytes *ret_signed)
{
    sql_bind_uint(st, 1, version);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    scratch_clear(&store->scratch);
    struct bytes copy;
    err = node_sql_end(store, st, scratch_copy(&store->scratch, sql_bytes(st, 0), &copy));
    if (err == OK)
        *ret_signed = copy;
    return err;
}

enum err node_store_trust_get(struct node_store *store, uint64_t version, struct bytes *ret_signed)
{
    return signed_get(store, node_sql(store, SQL_trust_get), version, ret_signed);
}

enum err node_store_rules_get(struct node_store *store, uint64_t version, struct bytes *ret_signed)
{
    return signed_get(store, node_sql(store, SQL_rules_at), version, ret_signed);
}

enum err node_store_dictionary_get(struct node_store *store, uint64_t version,
                                   struct bytes *ret_bytes)
{
    return signed_get(store, node_sql(store, SQL_dictionary_at), version, ret_bytes);
}

enum err node_store_dictionary(struct node_store *store, struct dictionary *ret_dictionary)
{
    const struct policy *policy = store->policy;
    struct dictionary found = { .id = 0 };
    *ret_dictionary = found;
    if (!policy || !policy->has_dictionary)
        return OK;
    struct sqlite3_stmt *st = node_sql(store, SQL_dictionary_of);
    sql_bind_hash(st, 1, &policy->dictionary);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    scratch_clear(&store->scratch);
    found.id = (uint32_t)sql_uint(st, 0);
    err = node_sql_end(store, st, scratch_copy(&store->scratch, sql_bytes(st, 1), &found.bytes));
    /* What it is was checked when it came; that the rules name it holds only now. */
    if (err == OK && found.id <= policy->version)
        *ret_dictionary = found;
    return err;
}

/* ---- policy items */

static enum err refuse(struct problem *problem, const char *part, uint64_t version, uint64_t ours)
{
    char thing[64];
    snprintf(thing, sizeof thing, "%s version %llu", part, (unsigned long long)version);
    (void)problem_setf(problem, ERR_STATE, thing, "version %llu is in force here",
                       (unsigned long long)ours);
    return OK;
}

/* The lane is received as far as nothing of it was taken back; what the hub has beyond it answers
 * again. */
static enum err take_back_lane(struct node_store *store, enum lane lane)
{
    struct lane_row row;
    struct hash head;
    enum err err = node_lane_row(store, store->life, lane, &row);
    if (err != OK)
        return err;
    uint64_t seq = row.lane.acked;
    struct sqlite3_stmt *st = node_sql(store, SQL_entry_cut);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, row.lane.acked);
    err = node_sql_row(store, st);
    if (err == OK) {
        seq = sql_uint(st, 0) - 1;
        err = node_sql_end(store, st, OK);
    } else if (err == ERR_NOT_FOUND) {
        err = OK;
    }
    if (err == OK)
        err = node_store_head(store, lane, seq, &head);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_lane_ack);
    sql_bind_uint(st, 1, store->life);
    sql_bind_uint(st, 2, lane);
    sql_bind_uint(st, 3, seq);
    sql_bind_hash(st, 4, &head);
    sql_bind_uint(st, 5, row.lane.keep_from);
    return node_sql_run(store, st);
}

/* A hub was restored: what it numbered above the cut did not happen. Own changes wait again, chains
 * are received as far as the cut, records and conflicts come anew from the start. */
static enum err take_back(struct node_store *store, uint64_t epoch, uint64_t cut)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_epoch_put);
    sql_bind_uint(st, 1, epoch);
    sql_bind_uint(st, 2, cut);
    enum err err = node_sql_run(store, st);
    const enum node_statement all[] = { SQL_change_refold,     SQL_entry_take_back,
                                        SQL_change_take_back,  SQL_change_keep,
                                        SQL_history_take_back, SQL_answered_take_back };
    for (size_t i = 0; err == OK && i < COUNT_OF(all); i++) {
        st = node_sql(store, all[i]);
        sql_bind_uint(st, 1, epoch);
        sql_bind_uint(st, 2, cut);
        if (all[i] == SQL_entry_take_back)
            sql_bind_uint(st, 3, store->life);
        err = node_sql_run(store, st);
    }
    if (err == OK)
        err = node_draft_take_back(store);
    for (enum lane lane = LANE_URGENT; err == OK && lane < LANE_COUNT; lane++)
        err = take_back_lane(store, lane);
    const struct cursor start = { .epoch = epoch };
    if (err == OK) {
        st = node_sql(store, SQL_counter_shown_cut);
        sql_bind_uint(st, 1, cut);
        err = node_sql_run(store, st);
    }
    if (err == OK)
        err = node_sql_run(store, node_sql(store, SQL_conflict_clear));
    return err == OK ? node_cursor_put(store, FEED_RECORDS, &start) : err;
}

/* How far the journal is surely the one that we read: between a restore and its discovery the hub
 * may have given numbers anew, and journals then differ below the cut. A cursor that the hub could
 * not prove was set back to 0 before anything of the feed was taken. */
static enum err proven_number(const struct feed_apply *apply, uint64_t *ret_number)
{
    struct cursor records;
    enum err err = node_store_cursor(apply->store, FEED_RECORDS, &records);
    if (err == OK)
        *ret_number = records.number > apply->batch->from ? records.number : apply->batch->from;
    return err;
}

/* Effects of a statement's ops on what this node keeps. */
static enum err trust_effects(struct feed_apply *apply, struct bytes ops)
{
    struct items_iter iter = items_of(ops);
    enum err err = OK;
    for (; err == OK && iter.left > 0; iter.left--) {
        struct reader op = reader_of(reader_raw(&iter.reader));
        (void)reader_array(&op);
        if (reader_uint(&op) != TRUST_EPOCH)
            continue;
        uint64_t epoch = reader_uint(&op), cut = reader_uint(&op), proven = 0;
        err = op.err == OK ? proven_number(apply, &proven) : ERR_MALFORMED;
        if (err == OK)
            err = take_back(apply->store, epoch, cut < proven ? cut : proven);
        apply->epoch_moved = true;
    }
    return err;
}

enum err node_apply_trust(struct feed_apply *apply, const struct feed_item *item)
{
    struct node_store *store = apply->store;
    struct trust_view view;
    enum err err = trust_view(item->document, &view);
    if (err != OK)
        return problem_set(apply->problem, err, "trust statement", NULL);
    if (view.version <= store->trust.version) {
        struct sqlite3_stmt *st = node_sql(store, SQL_trust_get);
        sql_bind_uint(st, 1, view.version);
        err = node_sql_row(store, st);
        if (err != OK && err != ERR_NOT_FOUND)
            return err;
        bool same = err == OK && bytes_equal(sql_bytes(st, 0), item->document);
        if (err == OK)
            err = node_sql_end(store, st, OK);
        return same ? err
                    : refuse(apply->problem, "trust part", view.version, store->trust.version);
    }
    err = trust_apply(&store->trust, item->document, &store->identity.root_key, apply->problem);
    if (err != OK)
        return err;
    apply->policy_moved = true;
    struct sqlite3_stmt *st = node_sql(store, SQL_trust_put);
    sql_bind_uint(st, 1, view.version);
    sql_bind(st, 2, item->document);
    err = node_sql_run(store, st);
    return err == OK ? trust_effects(apply, view.ops) : err;
}

static enum err rules_store(struct node_store *store, uint64_t version, struct bytes document)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_rules_put);
    sql_bind_uint(st, 1, version);
    sql_bind(st, 2, document);
    return node_sql_run(store, st);
}

enum err node_apply_rules(struct feed_apply *apply, const struct feed_item *item)
{
    struct node_store *store = apply->store;
    struct policy *policy = NULL;
    struct bytes document;
    const struct policy *mine = store->policy;
    enum err err = rules_open(&store->trust, item->document, &document, apply->problem);
    if (err == OK)
        err = policy_decode(document, &policy, apply->problem);
    if (err != OK)
        return err;
    if (strcmp(policy->district, store->identity.district) != 0) {
        err = problem_set(apply->problem, ERR_DENIED, "rules document", "of another district");
    } else if (mine && policy->version <= mine->version) {
        if (policy->version != mine->version || !hash_equal(&policy->hash, &mine->hash))
            (void)refuse(apply->problem, "rules", policy->version, mine->version);
    } else if (mine && policy->version == mine->version + 1 &&
               !hash_equal(&policy->previous, &mine->hash)) {
        (void)problem_set(apply->problem, ERR_POLICY_FOLLOW, "rules document",
                          "it does not name the version in force here as its predecessor");
    } else {
        err = rules_store(store, policy->version, item->document);
        if (err == OK) {
            policy_close(&store->policy);
            store->policy = policy;
            policy = NULL;
            apply->policy_moved = true;
        }
    }
    policy_close(&policy);
    return err;
}

/* It may come before the rules that name it, or after others have followed: used is only what the
 * rules in force name. One that cannot be one is left out; without it entries are larger, no more.
 */
enum err node_apply_dictionary(struct feed_apply *apply, const struct feed_item *item)
{
    struct node_store *store = apply->store;
    struct hash hash;
    if (!compress_dictionary_usable(item->document)) {
        (void)problem_set(apply->problem, ERR_DICTIONARY, "dictionary", "it is not a whole one");
        return OK;
    }
    dictionary_hash(item->document, &hash);
    struct sqlite3_stmt *st = node_sql(store, SQL_dictionary_put);
    sql_bind_uint(st, 1, item->version);
    sql_bind_hash(st, 2, &hash);
    sql_bind(st, 3, item->document);
    enum err err = node_sql_run(store, st);
    return err == OK ? node_sql_run(store, node_sql(store, SQL_dictionary_trim)) : err;
}
