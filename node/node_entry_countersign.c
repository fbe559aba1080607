/* The second signature: who may give it, what belongs together, and into the queue. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_countersign.h"
#include "node/node_entry_inside.h"

#define GROUP_MAX 32 /* transactions queued in one commit */

/* ---- what a transaction touches */

typedef enum err record_callback(void *ctx, const struct id *record, bool touched, bool made);

static enum err each_reference(const struct policy_field *field, struct bytes value,
                               record_callback *each, void *ctx)
{
    struct reader in = reader_of(value);
    bool list = field->type == FIELD_LIST && field->element == FIELD_REFERENCE;
    if ((field->type != FIELD_REFERENCE && !list) || value_is_nil(value))
        return OK;
    size_t count = list ? reader_array(&in) : 1;
    enum err err = OK;
    for (size_t i = 0; err == OK && i < count; i++) {
        struct id id = { { 0 } };
        reader_fixed(&in, id.at, ID_BYTES);
        err = in.err == OK ? each(ctx, &id, false, false) : ERR_STORE;
    }
    return err;
}

/* The record of each change, and what its fields refer to, by the policy in force. */
static enum err each_record(struct node_store *store, const struct txn *txn, record_callback *each,
                            void *ctx)
{
    const struct policy *policy = node_store_policy(store);
    enum err err = OK;
    for (unsigned i = 0; err == OK && i < txn->change_count; i++) {
        const struct change *change = &txn->changes[i];
        const struct policy_collection *collection =
            policy ? policy_collection(policy, change->collection) : NULL;
        struct field_iter iter = fields_of(change->fields);
        struct bytes name, value;
        err = each(ctx, &change->record, true, change->op == OP_CREATE);
        while (err == OK && collection && fields_next(&iter, &name, &value)) {
            const struct policy_field *field = policy_field(collection, name);
            if (field)
                err = each_reference(field, value, each, ctx);
        }
    }
    return err;
}

/* ---- plans */

struct loading {
    struct node_store *store;
    struct waiting_plan *plan;
    struct txn *txn;
    enum err err;
};

static enum err plan_id(void *ctx, const struct id *record, bool touched, bool made)
{
    struct waiting_plan *plan = ctx;
    if (plan->id_count == plan->id_cap) {
        size_t cap = plan->id_cap > 0 ? 2 * plan->id_cap : 256;
        struct waiting_id *ids = realloc(plan->ids, cap * sizeof *ids);
        if (!ids)
            return ERR_MEMORY;
        plan->ids = ids;
        plan->id_cap = cap;
    }
    plan->ids[plan->id_count++] =
        (struct waiting_id){ .record = *record, .touched = touched, .made = made };
    return OK;
}

static void plan_add(void *ctx, const struct waiting_txn *waiting)
{
    struct loading *loading = ctx;
    struct waiting_plan *plan = loading->plan;
    if (loading->err != OK)
        return;
    if (plan->count == plan->cap) {
        size_t cap = plan->cap > 0 ? 2 * plan->cap : 64;
        struct waiting_row *rows = realloc(plan->rows, cap * sizeof *rows);
        if (!rows) {
            loading->err = ERR_MEMORY;
            return;
        }
        plan->rows = rows;
        plan->cap = cap;
    }
    struct waiting_row row = { .txn = *waiting, .first = plan->id_count };
    row.txn.txn = bytes_of(NULL, 0);
    loading->err = txn_decode(waiting->txn, loading->txn) == OK ? OK : ERR_STORE;
    if (loading->err == OK)
        loading->err = each_record(loading->store, loading->txn, plan_id, plan);
    row.count = plan->id_count - row.first;
    if (loading->err == OK)
        plan->rows[plan->count++] = row;
}

enum err waiting_plan_open(struct node_store *store, struct waiting_plan *ret_plan)
{
    *ret_plan = (struct waiting_plan){ .count = 0 };
    if (!node_store_unlocked(store))
        return ERR_LOCKED;
    struct loading loading = { .store = store,
                               .plan = ret_plan,
                               .txn = malloc(sizeof *loading.txn) };
    if (!loading.txn)
        return ERR_MEMORY;
    enum err err = node_store_waiting(store, plan_add, &loading);
    free(loading.txn);
    return err == OK ? loading.err : err;
}

void waiting_plan_close(struct waiting_plan *plan)
{
    free(plan->rows);
    free(plan->ids);
    *plan = (struct waiting_plan){ .count = 0 };
}

size_t waiting_plan_choose(struct waiting_plan *plan, const struct id *record)
{
    size_t chosen = 0;
    for (size_t i = 0; i < plan->count; i++) {
        struct waiting_row *row = &plan->rows[i];
        bool changes = false;
        for (size_t j = row->first; j < row->first + row->count; j++)
            changes = changes || (plan->ids[j].touched && id_equal(&plan->ids[j].record, record));
        row->chosen = row->chosen || changes;
        chosen += changes;
    }
    return chosen;
}

/* An open hash of records: room for all ids of a plan, twice. */
struct id_set {
    size_t cap;
    const struct waiting_id **slots;
};

static size_t set_find(const struct id_set *set, const struct id *record)
{
    size_t at = 0;
    for (size_t i = 0; i < sizeof(uint32_t); i++) /* the end of a UUIDv7 is random */
        at = at << 8 | record->at[ID_BYTES - 1 - i];
    at %= set->cap;
    while (set->slots[at] && !id_equal(&set->slots[at]->record, record))
        at = (at + 1) % set->cap;
    return at;
}

static enum err set_open(const struct waiting_plan *plan, struct id_set *ret_set)
{
    ret_set->cap = 2 * plan->id_count + 1;
    ret_set->slots = calloc(ret_set->cap, sizeof(const struct waiting_id *));
    return ret_set->slots ? OK : ERR_MEMORY;
}

static void set_add(struct id_set *set, const struct waiting_id *id)
{
    set->slots[set_find(set, &id->record)] = id;
}

static bool set_has(const struct id_set *set, const struct id *record)
{
    return set->slots[set_find(set, record)] != NULL;
}

/* From the last to the first: what a row changes, and what it refers to, must be there before. */
enum err waiting_plan_before(struct waiting_plan *plan)
{
    struct id_set changed = { 0 }, referred = { 0 };
    enum err err = set_open(plan, &changed);
    if (err == OK)
        err = set_open(plan, &referred);
    for (size_t i = plan->count; err == OK && i > 0; i--) {
        struct waiting_row *row = &plan->rows[i - 1];
        for (size_t j = row->first; !row->chosen && j < row->first + row->count; j++) {
            const struct waiting_id *id = &plan->ids[j];
            if ((id->touched && set_has(&changed, &id->record)) ||
                (id->made && set_has(&referred, &id->record)))
                row->implied = true;
        }
        for (size_t j = row->first; j < row->first + row->count; j++)
            if (row->chosen || row->implied)
                set_add(plan->ids[j].touched ? &changed : &referred, &plan->ids[j]);
    }
    free(changed.slots);
    free(referred.slots);
    return err;
}

/* From the first to the last: without its record a change is nothing. */
enum err waiting_plan_after(struct waiting_plan *plan)
{
    struct id_set gone = { 0 };
    enum err err = set_open(plan, &gone);
    for (size_t i = 0; err == OK && i < plan->count; i++) {
        struct waiting_row *row = &plan->rows[i];
        for (size_t j = row->first; !row->chosen && j < row->first + row->count; j++)
            if (set_has(&gone, &plan->ids[j].record))
                row->implied = true;
        for (size_t j = row->first; j < row->first + row->count; j++)
            if (plan->ids[j].made && (row->chosen || row->implied))
                set_add(&gone, &plan->ids[j]);
    }
    free(gone.slots);
    return err;
}

/* ---- may they */

/* "TKSK, Kepala Bidang" */
static void countersigner_labels(const struct policy *policy, const struct policy_role *role,
                                 char *ret, size_t cap)
{
    size_t len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < role->countersigner_count && len < cap; i++) {
        const struct policy_role *one = policy_role(policy, bytes_text(role->countersigners[i]));
        len += (size_t)snprintf(ret + len, cap - len, "%s%s", i > 0 ? ", " : "",
                                one ? one->label : role->countersigners[i]);
    }
}

/* [document, signatures] → document */
static struct bytes document_of(struct bytes signed_document)
{
    struct reader in = reader_of(signed_document);
    (void)reader_array(&in);
    return reader_bin(&in);
}

struct countersigning {
    struct node_entry *entry;
    struct node_store *store;
    struct submit *submit; /* who acts, and lane and positions of the one under way */
    struct problem *problem;
    struct txn *txn;
    struct waiting_txn waiting; /* its bytes are a copy */
    uint8_t *plain, *signed_txn;
    struct sealing space;
    const struct hash *leaves; /* all of the request */
    size_t count;
    uint64_t wall_ms; /* of the request */
    struct waiting_plan plan;
};

static enum err refuse(struct countersigning *c, enum err code, const char *detail)
{
    char thing[2 * HASH_BYTES + 1];
    crypto_hex(bytes_of(c->waiting.leaf.at, 6), thing);
    return problem_set(c->problem, code, thing, detail);
}

/* The rules that its author signed under; *ret_own is set when they are not those in force. */
static const struct policy *rules_then(struct countersigning *c, struct policy **ret_own)
{
    const struct policy *policy = node_store_policy(c->store);
    struct bytes signed_document;
    if (!policy || policy->version == c->txn->rules_version)
        return policy;
    if (node_store_rules_get(c->store, c->txn->rules_version, &signed_document) != OK ||
        policy_decode(document_of(signed_document), ret_own, NULL) != OK)
        return policy;
    return *ret_own;
}

static bool role_lists(const struct policy *policy, const char *author, const char *countersigner)
{
    const struct policy_role *role = policy ? policy_role(policy, bytes_text(author)) : NULL;
    return role && policy_countersigns(role, countersigner);
}

static enum err check_role(struct countersigning *c)
{
    must(c->submit != NULL);
    const struct trust *trust = node_store_trust(c->store);
    const struct trust_operator *author = trust_operator(trust, c->txn->operator_number);
    const struct trust_operator *me = c->submit->operator;
    struct policy *own = NULL;
    must(me != NULL);
    if (!author)
        return refuse(c, ERR_KEY, "its author");
    if (author->number == me->number)
        return refuse(c, ERR_DENIED, "nobody countersigns what they entered themselves");
    const struct policy *then = rules_then(c, &own);
    bool may = role_lists(node_store_policy(c->store), author->role, me->role) ||
               role_lists(then, author->role, me->role);
    char roles[PROBLEM_DETAIL_MAX / 2] = "";
    const struct policy_role *role = then ? policy_role(then, bytes_text(author->role)) : NULL;
    if (!may && role)
        countersigner_labels(then, role, roles, sizeof roles);
    policy_close(&own);
    if (may)
        return OK;
    char detail[PROBLEM_DETAIL_MAX];
    snprintf(detail, sizeof detail, "only %s countersigns it", roles);
    return refuse(c, ERR_DENIED, detail);
}

static enum err check_area(struct countersigning *c, const struct change *change)
{
    const struct policy *policy = node_store_policy(c->store);
    const struct policy_collection *collection = policy_collection(policy, change->collection);
    const struct record_view *view;
    if (!collection)
        return OK; /* the hub has the last word */
    const char *name = collection->fields[collection->area_field].name;
    struct bytes areas[2] = { value_string(fields_get(change->fields, bytes_text(name))),
                              bytes_of(NULL, 0) };
    enum err err = node_store_view(c->store, &change->record, &view);
    if (err != OK && err != ERR_NOT_FOUND)
        return err;
    if (err == OK)
        areas[1] =
            value_string(record_view_value(view, &collection->fields[collection->area_field]));
    for (size_t i = 0; i < COUNT_OF(areas); i++) {
        char detail[IDENTIFIER_BYTES_MAX + 1];
        if (areas[i].len == 0 || area_within(areas[i], c->submit->author.area))
            continue;
        snprintf(detail, sizeof detail, "%.*s", (int)areas[i].len, (const char *)areas[i].at);
        return refuse(c, ERR_AREA, detail);
    }
    return OK;
}

/* Reads one that waits into c->waiting and c->txn. */
static enum err load(struct countersigning *c, const struct hash *leaf)
{
    struct waiting_txn waiting;
    c->waiting.leaf = *leaf;
    enum err err = node_store_waiting_get(c->store, leaf, &waiting);
    if (err == ERR_NOT_FOUND)
        return refuse(c, err, "it does not wait for a countersignature");
    if (err != OK)
        return err;
    if (waiting.txn.len > TRANSACTION_BYTES_MAX)
        return ERR_STORE;
    must(c->plain != NULL);
    memcpy(c->plain, waiting.txn.at, waiting.txn.len);
    c->waiting = waiting;
    c->waiting.txn = bytes_of(c->plain, waiting.txn.len);
    return txn_decode(c->waiting.txn, c->txn) == OK ? OK : ERR_STORE;
}

static enum err check_one(struct countersigning *c)
{
    enum err err = check_role(c);
    for (unsigned i = 0; err == OK && i < c->txn->change_count; i++)
        err = check_area(c, &c->txn->changes[i]);
    return err;
}

/* Who acts may countersign here at all. */
static enum err countersigning_open(struct node_entry *entry, struct problem *problem,
                                    struct countersigning *ret)
{
    *ret = (struct countersigning){ .entry = entry, .store = entry->store, .problem = problem };
    ret->submit = calloc(1, sizeof *ret->submit);
    ret->txn = malloc(sizeof *ret->txn);
    ret->plain = malloc(TRANSACTION_BYTES_MAX);
    ret->signed_txn = malloc(TRANSACTION_BYTES_MAX);
    if (!ret->submit || !ret->txn || !ret->plain || !ret->signed_txn || !sealing_open(&ret->space))
        return problem_set(problem, ERR_MEMORY, "countersign", NULL);
    ret->submit->store = entry->store;
    ret->submit->problem = problem;
    return submit_find_author(ret->submit);
}

static void countersigning_close(struct countersigning *c)
{
    sealing_close(&c->space, TRANSACTION_BYTES_MAX);
    if (c->plain)
        crypto_wipe(c->plain, TRANSACTION_BYTES_MAX);
    if (c->signed_txn)
        crypto_wipe(c->signed_txn, TRANSACTION_BYTES_MAX);
    free(c->plain);
    free(c->signed_txn);
    free(c->txn);
    free(c->submit);
    waiting_plan_close(&c->plan);
}

enum err node_entry_may_countersign(struct node_entry *entry, const struct hash *leaf,
                                    struct problem *problem)
{
    struct countersigning c;
    enum err err = countersigning_open(entry, problem, &c);
    if (err == OK)
        err = load(&c, leaf);
    if (err == OK)
        err = check_one(&c);
    countersigning_close(&c);
    return err;
}

/* ---- signing */

static enum err touch(void *ctx, const struct id *record, bool touched, bool made)
{
    struct countersigning *c = ctx;
    const struct record_view *view;
    (void)touched;
    (void)made;
    enum err err = node_store_view(c->store, record, &view);
    if (err == OK)
        submit_touch(c->submit, view);
    return err == ERR_NOT_FOUND ? OK : err; /* a reference to what has gone meanwhile */
}

/* Signs, seals and puts c->waiting, in the order of the queue as it is now. */
static enum err sign_one(struct countersigning *c)
{
    struct submit *submit = c->submit;
    struct node_entry *entry = c->entry;
    struct countersignature one;
    struct writer out = writer_of(c->signed_txn, TRANSACTION_BYTES_MAX);
    struct writer item = writer_of(c->space.item, WORK_BYTES_MAX);
    must(submit->operator!= NULL);
    submit->lane = c->waiting.lane;
    memset(submit->pending_seq, 0, sizeof submit->pending_seq);
    enum err err = each_record(c->store, c->txn, touch, c);
    if (err != OK)
        return err;
    txn_countersign(&c->waiting.leaf, submit->operator->number, node_store_operator_seed(c->store),
                    &one);
    err = txn_add_countersignature(c->waiting.txn, c->txn, &one, &out);
    if (err == OK)
        err = entry_ready_key(entry);
    if (err == OK)
        err = entry_seal(entry, submit, &c->space, writer_bytes(&out), &c->waiting.leaf, &item);
    if (err != OK)
        return err;
    const struct queue_change first = { .raw = c->txn->changes[0].raw }; /* for the access log */
    const struct queue_entry queue = {
        .lane = submit->lane,
        .item = writer_bytes(&item),
        .leaf = c->waiting.leaf,
        .key_number = entry->key_number,
        .key_sealed = entry->key_stored ? bytes_of(NULL, 0)
                                        : bytes_of(entry->key_sealed, DATA_KEY_SEALED_BYTES),
        .txn = writer_bytes(&out),
        .changes = &first,
        .change_count = c->waiting.change_count,
        .wall_ms = c->wall_ms,
    };
    err = node_store_countersign_put(c->store, c->waiting.number, &queue, submit->operator->number);
    if (err == OK)
        entry->key_stored = true;
    return err;
}

/* The rows of the plan that the request names; each must wait, or be countersigned already. */
static enum err choose(struct countersigning *c)
{
    enum err err = waiting_plan_open(c->store, &c->plan);
    for (size_t i = 0; err == OK && i < c->count; i++) {
        struct countersign_fate fate;
        bool found = false;
        for (size_t j = 0; j < c->plan.count && !found; j++) {
            found = hash_equal(&c->plan.rows[j].txn.leaf, &c->leaves[i]);
            if (found)
                c->plan.rows[j].chosen = true;
        }
        c->waiting.leaf = c->leaves[i];
        if (!found && (node_store_countersign_fate(c->store, &c->leaves[i], &fate) != OK ||
                       fate.state != COUNTERSIGN_SIGNED))
            err = refuse(c, ERR_NOT_FOUND, "it does not wait for a countersignature");
    }
    return err == OK ? waiting_plan_before(&c->plan) : err;
}

static enum err check_all(struct countersigning *c)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < c->plan.count; i++) {
        const struct waiting_row *row = &c->plan.rows[i];
        c->waiting.leaf = row->txn.leaf;
        if (row->implied)
            return refuse(c, ERR_COUNTERSIGN_FIRST, "what is to be countersigned builds on it");
        if (row->chosen)
            err = load(c, &row->txn.leaf);
        if (err == OK && row->chosen)
            err = check_one(c);
    }
    return err;
}

/* One commit's worth from row *at on. */
static enum err sign_group(struct countersigning *c, size_t *at, size_t *ret_signed)
{
    const bool key_stored = c->entry->key_stored;
    const uint64_t key_number = c->entry->key_number;
    size_t signed_now = 0;
    enum err err = node_store_countersign_begin(c->store);
    if (err != OK)
        return err;
    for (; err == OK && *at < c->plan.count && signed_now < GROUP_MAX; (*at)++) {
        if (!c->plan.rows[*at].chosen)
            continue;
        err = load(c, &c->plan.rows[*at].txn.leaf);
        if (err == OK)
            err = sign_one(c);
        signed_now += err == OK;
    }
    err = node_store_countersign_end(c->store, err);
    if (err == OK)
        *ret_signed += signed_now;
    else if (c->entry->key_number == key_number)
        c->entry->key_stored = key_stored;
    else
        c->entry->key_stored = false;
    return err;
}

enum err node_entry_countersign(struct node_entry *entry, const struct hash *leaves, size_t count,
                                uint64_t wall_ms, size_t *ret_done, struct problem *problem)
{
    struct countersigning c;
    size_t at = 0;
    *ret_done = 0;
    *problem = (struct problem){ .code = OK };
    enum err err = countersigning_open(entry, problem, &c);
    c.leaves = leaves;
    c.count = count;
    c.wall_ms = wall_ms;
    if (err == OK)
        err = choose(&c);
    if (err == OK)
        err = check_all(&c);
    while (err == OK && at < c.plan.count)
        err = sign_group(&c, &at, ret_done);
    if (err == ERR_FULL)
        (void)problem_set(problem, err, "disk", "less than 16 MiB are free");
    else if (err != OK && problem->code == OK)
        (void)problem_set(problem, err, "countersign", NULL);
    countersigning_close(&c);
    return err;
}

enum err node_entry_refuse(struct node_entry *entry, const struct hash *leaves, size_t count,
                           struct bytes reason, struct problem *problem)
{
    struct countersigning c;
    *problem = (struct problem){ .code = OK };
    enum err err = countersigning_open(entry, problem, &c);
    for (size_t i = 0; err == OK && i < count; i++) {
        err = load(&c, &leaves[i]);
        if (err == OK)
            err = check_role(&c);
    }
    if (err == OK) {
        must(c.submit != NULL && c.submit->operator!= NULL);
        err = node_store_countersign_refuse(c.store, leaves, count, c.submit->operator->number,
                                            reason);
    }
    if (err != OK && problem->code == OK)
        (void)problem_set(problem, err, "countersign", NULL);
    countersigning_close(&c);
    return err;
}

/* ---- is there anybody */

bool node_entry_has_countersigner(struct node_store *store, const struct policy_role *role,
                                  char *ret_roles, size_t cap)
{
    const struct trust *trust = node_store_trust(store);
    const struct policy *policy = node_store_policy(store);
    struct node_identity identity;
    must(policy != NULL && cap > 0);
    countersigner_labels(policy, role, ret_roles, cap);
    if (node_store_identity(store, &identity) != OK)
        return true;
    for (size_t i = 0; i < trust->operator_count; i++) {
        const struct trust_operator *op = &trust->operators[i];
        if (op->ended.reason == END_NONE && strcmp(op->node, identity.node) == 0 &&
            policy_countersigns(role, op->role))
            return true;
    }
    return false;
}
