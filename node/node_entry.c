#include "node/node_entry.h"

#include <stdlib.h>

#include "common/must.h"
#include "node/node_entry_inside.h"

enum err node_entry_open(struct node_store *store, struct node_entry **ret_entry)
{
    struct node_entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        return ERR_MEMORY;
    entry->store = store;
    *ret_entry = entry;
    return OK;
}

void node_entry_close(struct node_entry **at)
{
    struct node_entry *entry = *at;
    if (!entry)
        return;
    *at = NULL;
    secret_key_close(&entry->data_key);
    free(entry);
}

void node_entry_short(const char *node, uint32_t number, char ret[16])
{
    node_store_short(node, number, ret);
}

/* ---- the author */

enum err submit_find_author(struct submit *submit)
{
    const struct trust *trust = node_store_trust(submit->store);
    const struct policy *policy = node_store_policy(submit->store);
    struct node_identity identity;
    if (!node_store_operator_seed(submit->store))
        return problem_set(submit->problem, ERR_LOCKED, "node", NULL);
    enum err err = node_store_identity(submit->store, &identity);
    if (err != OK)
        return err;
    if (trust->version == 0 || !policy)
        return problem_set(submit->problem, ERR_STATE, "policy",
                           "no policy has arrived from the district office yet");
    const struct trust_operator *op = node_store_operator(submit->store);
    if (!op)
        return problem_set(submit->problem, ERR_STATE, "operator",
                           "the district office has not approved this operator yet");
    if (op->ended.reason != END_NONE)
        return problem_set(submit->problem, ERR_DENIED, op->name,
                           "the assignment of this operator has been ended");
    if (strcmp(op->node, identity.node) != 0)
        return problem_set(submit->problem, ERR_DENIED, op->name,
                           "this operator is assigned to another office");
    const struct policy_role *role = policy_role(policy, bytes_text(op->role));
    if (!role)
        return problem_setf(submit->problem, ERR_DENIED, op->name,
                            "the policy in force has no role %s", op->role);
    submit->operator= op;
    submit->policy = policy;
    submit->identity = identity;
    submit->author = (struct author){ role->authority, bytes_text(op->area) };
    submit->waits = role->countersigner_count > 0;
    return OK;
}

/* The hub decides about terms by position; here the clock may be wrong, so this only warns. */
static void warn_term(const struct submit *submit)
{
    char today[11];
    struct warnings *warnings = submit->warnings;
    date_of_ms(submit->request->wall_ms, today);
    const struct trust_operator *op = submit->operator;
    must(op != NULL);
    if (!warnings || warnings->count == WARNINGS_MAX ||
        ((op->from[0] == '\0' || strcmp(today, op->from) >= 0) &&
         (op->until[0] == '\0' || strcmp(today, op->until) <= 0)))
        return;
    (void)problem_setf(&warnings->list[warnings->count++],
                       strcmp(today, op->from) < 0 ? ERR_TERM_START : ERR_TERM_ENDED, op->name,
                       "%s, %s..%s", today, op->from, op->until);
}

/* ---- lane and positions */

void submit_touch(struct submit *submit, const struct record_view *view)
{
    if (view->slowest_lane > submit->lane)
        submit->lane = view->slowest_lane;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (view->pending_seq[i] > submit->pending_seq[i])
            submit->pending_seq[i] = view->pending_seq[i];
    }
}

static void fill_after(const struct submit *submit, struct bundle_item *item)
{
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++) {
        if (lane == submit->lane || submit->pending_seq[lane] == 0)
            continue;
        must(item->after_count < AFTER_MAX);
        item->after[item->after_count++] = (struct after){ lane, submit->pending_seq[lane] };
    }
}

/* ---- signing and sealing */

enum err entry_ready_key(struct node_entry *entry)
{
    const struct trust_hub *hub = &node_store_trust(entry->store)->hub;
    if (entry->data_key && entry->seal_number == hub->seal_number)
        return OK;
    uint64_t number;
    struct secret_key *key = secret_key_new();
    if (!key)
        return ERR_MEMORY;
    enum err err = node_store_next_key(entry->store, &number);
    if (err == OK)
        err = data_key_seal(key, &hub->seal_key, entry->key_sealed);
    if (err != OK) {
        secret_key_close(&key);
        return err;
    }
    secret_key_close(&entry->data_key);
    entry->data_key = key;
    entry->key_number = number;
    entry->seal_number = hub->seal_number;
    entry->key_stored = false;
    return OK;
}

static enum err sign(struct submit *submit, struct writer *out, struct hash *ret_leaf)
{
    struct txn *txn = submit->txn;
    const struct policy_mark mark = node_store_policy_mark(submit->store);
    must(submit->operator!= NULL);
    txn->operator_number = submit->operator->number;
    txn->trust_version = mark.trust_version;
    txn->rules_version = mark.rules_version;
    txn->request = submit->request_id;
    txn->claimed_ms = submit->request->wall_ms;
    crypto_random(txn->seed, sizeof txn->seed);
    enum err err = txn_sign(txn, submit->identity.district, node_store_operator_seed(submit->store),
                            out, ret_leaf);
    return err == ERR_LIMIT
               ? problem_set(submit->problem, ERR_LIMIT, "transaction", "larger than 512 KiB")
               : err;
}

bool sealing_open(struct sealing *space)
{
    *space = (struct sealing){ malloc(TRANSACTION_BYTES_MAX), malloc(WORK_BYTES_MAX),
                               malloc(WORK_BYTES_MAX), malloc(WORK_BYTES_MAX),
                               malloc(ANSWER_BYTES_MAX) };
    return space->txn && space->work && space->body && space->item && space->answer;
}

void sealing_close(struct sealing *space, size_t txn_len)
{
    if (space->txn)
        crypto_wipe(space->txn, txn_len);
    if (space->work)
        crypto_wipe(space->work, COMPRESS_BOUND(txn_len));
    free(space->txn);
    free(space->work);
    free(space->body);
    free(space->item);
    free(space->answer);
}

enum err entry_seal(struct node_entry *entry, struct submit *submit, struct sealing *space,
                    struct bytes txn, const struct hash *leaf, struct writer *item)
{
    struct bundle_item bundle_item = { .kind = ITEM_TXN };
    struct buf work = buf_of(space->work, WORK_BYTES_MAX);
    struct buf body = buf_of(space->body, WORK_BYTES_MAX);
    struct dictionary dictionary;
    enum err err = node_store_dictionary(submit->store, &dictionary);
    if (err == OK)
        err = envelope_seal(txn, submit->identity.district, leaf, entry->key_number,
                            entry->data_key, &dictionary, &work, &body, &bundle_item.sealed);
    if (err != OK)
        return err;
    fill_after(submit, &bundle_item);
    bundle_item_encode(&bundle_item, item);
    if (item->err != OK || item->buf.len > SEALED_BYTES_MAX)
        return problem_set(submit->problem, ERR_LIMIT, "transaction", "larger than 512 KiB");
    return OK;
}

static enum err append(struct node_entry *entry, struct submit *submit, struct sealing *space,
                       struct bytes txn, const struct hash *leaf, uint64_t *ret_seq)
{
    struct queue_change changes[CHANGES_PER_TRANSACTION_MAX];
    struct writer item = writer_of(space->item, WORK_BYTES_MAX);
    struct buf answer = buf_of(space->answer, ANSWER_BYTES_MAX);
    const struct entry_request *request = submit->request;
    enum err err = submit->waits ? OK : entry_seal(entry, submit, space, txn, leaf, &item);
    if (err != OK)
        return err;
    for (unsigned i = 0; i < submit->txn->change_count; i++)
        changes[i] = (struct queue_change){ .record = submit->txn->changes[i].record,
                                            .instead_of = request->changes[i].instead_of,
                                            .raw = submit->txn->changes[i].raw };
    if (request->answer)
        request->answer(request->ctx, request, leaf, &answer);
    const struct queue_entry queue = {
        .lane = submit->lane,
        .item = writer_bytes(&item),
        .leaf = *leaf,
        .waits = submit->waits,
        .key_number = submit->waits ? 0 : entry->key_number,
        .key_sealed = submit->waits || entry->key_stored
                          ? bytes_of(NULL, 0)
                          : bytes_of(entry->key_sealed, DATA_KEY_SEALED_BYTES),
        .txn = txn,
        .changes = changes,
        .change_count = submit->txn->change_count,
        .request = submit->request_id,
        .answer = buf_bytes(&answer),
        .import = request->import,
        .next_number = submit->next_number,
        .wall_ms = request->wall_ms,
        .author = submit->txn->operator_number,
        .draft = request->draft,
    };
    err = node_store_append(submit->store, &queue, ret_seq);
    if (err == ERR_LIMIT)
        return problem_set(submit->problem, err, "queue",
                           "too much waits for the hub; connect, or carry a bundle there");
    if (err == ERR_FULL)
        return problem_set(submit->problem, err, "disk", "less than 16 MiB are free");
    if (err == ERR_STATE)
        return problem_set(submit->problem, err, "request", "it was stored already");
    if (err == ERR_NOT_FOUND)
        return problem_set(submit->problem, err, "draft", "it was sent or discarded already");
    if (err != OK)
        return problem_set(submit->problem, err, "queue", NULL);
    if (!submit->waits)
        entry->key_stored = true;
    return OK;
}

/* ---- submit */

static enum err check_request(struct submit *submit)
{
    const struct entry_request *request = submit->request;
    struct bytes answer;
    if (request->change_count == 0 || request->change_count > CHANGES_PER_TRANSACTION_MAX)
        return problem_set(submit->problem, ERR_LIMIT, "transaction", "it holds 1 to 256 changes");
    for (unsigned i = 0; i < request->change_count; i++) {
        unsigned group = request->changes[i].group;
        unsigned before = i > 0 ? request->changes[i - 1].group : 0;
        if (i == 0 ? group != 0 : group != before && group != before + 1)
            return problem_set(submit->problem, ERR_USAGE, "groups",
                               "they begin at 0, never fall and leave no gap");
    }
    /* ERR_LOCKED would mean that it is there: any answer but "not found" refuses. */
    if (!id_is_zero(&request->request) &&
        node_store_answer(submit->store, &request->request, &answer) != ERR_NOT_FOUND)
        return problem_set(submit->problem, ERR_STATE, "request", "it was stored already");
    submit->request_id = id_is_zero(&request->request) ? crypto_random_id() : request->request;
    submit->lane = LANE_URGENT;
    submit->policy_lane = LANE_BULK;
    submit->next_number = node_store_next_number(submit->store);
    return OK;
}

/* Ids and short numbers of creates first, since changes may name each other in either direction. */
static void mint(struct submit *submit)
{
    for (unsigned i = 0; i < submit->request->change_count; i++) {
        struct entry_change *change = &submit->request->changes[i];
        if (change->op != OP_CREATE)
            continue;
        change->record = crypto_uuid7(submit->request->wall_ms);
        if (!submit->request->each)
            submit->numbers[i] = submit->next_number++;
    }
}

static enum err build_all(struct submit *submit, unsigned *ret_failed)
{
    for (unsigned i = 0; i < submit->request->change_count; i++) {
        enum err err = submit_change(submit, i);
        if (err != OK && submit->request->tell) {
            submit_tell(submit, i, err);
        } else if (err != OK) {
            *ret_failed = i;
            return err;
        }
    }
    submit->txn->change_count = submit->request->change_count;
    return OK;
}

/* As build_all, where the request decides about each change by itself. What stays closes ranks, so
 * that groups, indexes and short numbers have no gap. */
static enum err build_each(struct submit *submit, unsigned *ret_failed)
{
    const struct entry_request *request = submit->request;
    unsigned kept = 0;
    for (unsigned i = 0; i < request->change_count; i++) {
        struct entry_change *asked = &request->changes[i];
        const size_t before = submit->raw.buf.len;
        const uint32_t number = submit->next_number;
        bool leave_out = false;
        *ret_failed = i;
        asked->group = kept;
        if (asked->op == OP_CREATE)
            submit->numbers[i] = submit->next_number++;
        *submit->problem = (struct problem){ .code = OK };
        enum err err = submit_change(submit, i);
        if (submit->raw.err == OK)
            err = request->each(request->ctx, i, err, submit->problem, &submit->txn->changes[i],
                                &leave_out);
        if (err != OK)
            return err;
        if (leave_out) {
            crypto_wipe(submit->raw.buf.at + before, submit->raw.buf.len - before);
            submit->raw.buf.len = before;
            submit->next_number = number;
        } else {
            submit->txn->changes[kept++] = submit->txn->changes[i];
        }
    }
    *submit->problem = (struct problem){ .code = OK };
    submit->txn->change_count = kept;
    return OK;
}

void submit_tell(struct submit *submit, unsigned index, enum err err)
{
    if (submit->problem->code == OK)
        (void)problem_set(submit->problem, err, "entry", NULL);
    submit->request->tell(submit->request->ctx, index, submit->problem);
    submit->told++;
    *submit->problem = (struct problem){ .code = OK };
}

static enum err build(struct submit *submit, unsigned *ret_failed)
{
    mint(submit);
    enum err err =
        submit->request->each ? build_each(submit, ret_failed) : build_all(submit, ret_failed);
    enum lane asked = submit->request->lane;
    if (asked == LANE_OF_POLICY)
        asked = submit->policy_lane;
    if (asked > submit->lane)
        submit->lane = asked;
    return err;
}

/* What was filled in for a request that was not stored must not look like a record. */
static void unmint(const struct submit *submit)
{
    for (unsigned i = 0; i < submit->request->change_count; i++) {
        if (submit->request->changes[i].op == OP_CREATE)
            submit->request->changes[i].record = (struct id){ { 0 } };
    }
}

enum err node_entry_submit(struct node_entry *entry, const struct entry_request *request,
                           struct hash *ret_leaf, uint64_t *ret_seq, unsigned *ret_failed,
                           struct problem *problem, struct warnings *warnings)
{
    struct problem unused = { .code = OK };
    struct sealing space = { 0 };
    struct writer out = { 0 };
    struct hash leaf;
    struct submit *submit = calloc(1, sizeof *submit);
    if (!submit)
        return problem_set(problem, ERR_MEMORY, "entry", NULL);
    submit->store = entry->store;
    submit->request = request;
    submit->problem = problem ? problem : &unused;
    *submit->problem = (struct problem){ .code = OK };
    *ret_failed = 0;
    submit->warnings = warnings;

    enum err err = submit_find_author(submit);
    if (err == OK)
        err = check_request(submit);
    if (err != OK)
        goto out;
    submit->txn = calloc(1, sizeof *submit->txn);
    submit->raw_space = malloc(TRANSACTION_BYTES_MAX);
    if (!submit->txn || !submit->raw_space || !sealing_open(&space)) {
        err = ERR_MEMORY;
        goto out;
    }
    submit->raw = writer_of(submit->raw_space, TRANSACTION_BYTES_MAX);
    warn_term(submit);
    err = build(submit, ret_failed);
    if (err == OK && (request->dry || submit->txn->change_count == 0)) {
        unmint(submit);
        *ret_leaf = (struct hash){ { 0 } };
        *ret_seq = 0;
        if (submit->told > 0)
            err = ERR_VALUE;
        goto out;
    }
    out = writer_of(space.txn, TRANSACTION_BYTES_MAX);
    if (err == OK)
        err = sign(submit, &out, &leaf);
    if (err == OK && !submit->waits)
        err = entry_ready_key(entry);
    if (err == OK)
        err = append(entry, submit, &space, writer_bytes(&out), &leaf, ret_seq);
    if (err == OK)
        *ret_leaf = leaf;
    else
        unmint(submit);
out:
    if (err != OK && submit->problem->code == OK)
        (void)problem_set(submit->problem, err, "entry", NULL);
    sealing_close(&space, out.buf.len);
    if (submit->raw_space)
        crypto_wipe(submit->raw_space, submit->raw.buf.len);
    free(submit->raw_space);
    free(submit->txn);
    free(submit);
    return err;
}
