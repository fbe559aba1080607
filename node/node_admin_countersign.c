/* What waits for a second signature: the list, what exactly is to be signed, signing, refusing. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_inside.h"
#include "node/node_countersign.h"

#define REASON_BYTES_MAX 500
#define LEAVES_MAX 1024 /* in one request */

/* ---- people */

json_t *node_json_operator(const struct node_admin *admin, uint32_t number)
{
    const struct trust_operator *op = trust_operator(node_store_trust(admin->parts.store), number);
    return op != NULL ? json_string(op->name) : NULL;
}

/* By the rules in force; the last word has node_entry_countersign. */
static bool may_sign(const struct node_admin *admin, const struct trust_operator *me,
                     uint32_t author)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct trust_operator *op = trust_operator(node_store_trust(admin->parts.store), author);
    const struct policy_role *role =
        policy != NULL && op != NULL ? policy_role(policy, bytes_text(op->role)) : NULL;
    return me != NULL && op != NULL && role != NULL && me->number != author &&
           policy_countersigns(role, me->role);
}

/* ---- the plan of a call */

static bool leaf_begins(const struct hash *leaf, struct bytes text)
{
    char hex[2 * HASH_BYTES + 1];
    crypto_hex(bytes_hash(leaf), hex);
    return text.len >= 8 && text.len <= 2 * HASH_BYTES && memcmp(hex, text.at, text.len) == 0;
}

/* What is asked for by the beginning of its signature's number, or by its record. */
static bool choose(struct node_admin *admin, struct admin_call *call, struct waiting_plan *plan,
                   struct bytes text)
{
    struct id record;
    size_t chosen = 0;
    for (size_t i = 0; i < plan->count; i++) {
        if (!leaf_begins(&plan->rows[i].txn.leaf, text))
            continue;
        plan->rows[i].chosen = true;
        chosen++;
    }
    if (chosen > 0)
        return true;
    if (!node_arg_record(admin, call, text, &record))
        return false;
    if (waiting_plan_choose(plan, &record) > 0)
        return true;
    char thing[64];
    snprintf(thing, sizeof thing, "%.*s", text.len < 60 ? (int)text.len : 60,
             (const char *)text.at);
    node_admin_refuse(call, ERR_NOT_FOUND, thing, "nothing of it waits for a countersignature");
    return false;
}

/* Args `ids` (absent: all that this operator may sign) and `refuse`. False: the call has ended. */
static bool plan_of(struct node_admin *admin, struct admin_call *call, struct waiting_plan *plan)
{
    const json_t *args = admin_call_args(call), *item;
    const json_t *ids = json_object_get(args, "ids");
    const struct trust_operator *me = node_store_operator(admin->parts.store);
    size_t index;
    enum err err = waiting_plan_open(admin->parts.store, plan);
    if (err != OK) {
        node_admin_refuse(call, err, "countersign", NULL);
        return false;
    }
    for (size_t i = 0; !json_is_array(ids) && i < plan->count; i++)
        plan->rows[i].chosen = may_sign(admin, me, plan->rows[i].txn.author);
    json_array_foreach(ids, index, item) {
        const char *text = json_string_value(item);
        if (text == NULL || !choose(admin, call, plan, bytes_text(text))) {
            if (text == NULL)
                node_admin_refuse(call, ERR_USAGE, "ids", "texts");
            return false;
        }
    }
    err = json_is_true(json_object_get(args, "refuse")) ? waiting_plan_after(plan)
                                                        : waiting_plan_before(plan);
    if (err != OK)
        node_admin_refuse(call, err, "countersign", NULL);
    return err == OK;
}

/* ---- rows */

/* Summary fields of a record as it shows, of the first change. */
static json_t *summary_json(struct node_admin *admin, const struct policy_collection *collection,
                            const struct record_view *view)
{
    json_t *fields = json_object();
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        for (size_t j = 0; field->summary && j < view->field_count; j++) {
            const struct view_field *at = &view->fields[j];
            if (bytes_is(at->name, field->name) &&
                mask_of(field, at->value, MASK_LIST) != MASK_AWAY)
                node_json_set(fields, field->name,
                              node_json_masked(admin, field, at->value, MASK_LIST));
        }
    }
    return fields;
}

static json_t *labels_json(const struct policy_collection *collection, struct bytes fields)
{
    json_t *labels = json_array();
    struct field_iter iter = fields_of(fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field =
            collection != NULL ? policy_field(collection, name) : NULL;
        json_array_append_new(labels,
                              field != NULL ? json_string(field->label) : node_json_bytes(name));
    }
    return labels;
}

/* The first change speaks for the transaction. */
static void first_change(struct node_admin *admin, const struct txn *txn, json_t *row)
{
    const struct change *change = &txn->changes[0];
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *collection =
        policy != NULL ? policy_collection(policy, change->collection) : NULL;
    const struct record_view *view;
    node_json_set(row, "op", json_string(change_op_name(change->op)));
    node_json_set(row, "collection", node_json_bytes(change->collection));
    node_json_set(row, "title", collection != NULL ? json_string(collection->title) : NULL);
    node_json_set(row, "id", node_json_uuid(&change->record));
    if (change->op == OP_UPDATE)
        node_json_set(row, "fields", labels_json(collection, change->fields));
    bool known = node_store_view(admin->parts.store, &change->record, &view) == OK;
    node_json_set(row, "short", known ? node_json_bytes(view->short_text) : NULL);
    node_json_set(row, "summary",
                  known && collection != NULL ? summary_json(admin, collection, view) : NULL);
}

/* A copy of one that waits, decoded; NULL when memory is out or it is damaged. Caller frees
 * *ret_raw with wipe_copy. */
static struct txn *read_txn(struct node_admin *admin, const struct hash *leaf,
                            struct bytes *ret_raw)
{
    struct waiting_txn waiting;
    struct txn *txn = malloc(sizeof *txn);
    uint8_t *raw = NULL;
    if (txn != NULL && node_store_waiting_get(admin->parts.store, leaf, &waiting) == OK)
        raw = malloc(waiting.txn.len);
    if (raw != NULL)
        memcpy(raw, waiting.txn.at, waiting.txn.len);
    if (raw != NULL && txn_decode(bytes_of(raw, waiting.txn.len), txn) == OK) {
        *ret_raw = bytes_of(raw, waiting.txn.len);
        return txn;
    }
    free(raw);
    free(txn);
    return NULL;
}

static void close_txn(struct txn *txn, struct bytes raw)
{
    void *at = NULL;
    memcpy(&at, &raw.at, sizeof at); /* it was allocated as writable */
    crypto_wipe(at, raw.len);
    free(at);
    free(txn);
}

static json_t *row_json(struct node_admin *admin, const struct waiting_row *waiting)
{
    json_t *row = json_object();
    struct bytes raw;
    node_json_set(row, "leaf", node_json_hash(&waiting->txn.leaf));
    node_json_set(row, "operator", node_json_uint(waiting->txn.author));
    node_json_set(row, "operator_name", node_json_operator(admin, waiting->txn.author));
    node_json_set(row, "entered", node_json_time(waiting->txn.wall_ms));
    node_json_set(row, "changes", node_json_uint(waiting->txn.change_count));
    node_json_set(row, "lane", json_string(node_lane_name(waiting->txn.lane)));
    node_json_set(row, "chosen", json_boolean(waiting->chosen));
    node_json_set(row, "implied", json_boolean(waiting->implied));
    node_json_set(row, "mine",
                  json_boolean(may_sign(admin, node_store_operator(admin->parts.store),
                                        waiting->txn.author)));
    struct txn *txn = read_txn(admin, &waiting->txn.leaf, &raw);
    if (txn != NULL) {
        first_change(admin, txn, row);
        close_txn(txn, raw);
    }
    return row;
}

void node_cmd_countersign_list(struct node_admin *admin, struct admin_call *call)
{
    struct waiting_plan plan;
    uint64_t transactions = 0, changes = 0;
    if (plan_of(admin, call, &plan)) {
        for (size_t i = 0; i < plan.count; i++) {
            const struct waiting_row *row = &plan.rows[i];
            if (row->chosen || row->implied) {
                transactions++;
                changes += row->txn.change_count;
            }
            admin_row(call, row_json(admin, row));
        }
        admin_done(call,
                   json_pack("{s:I, s:I, s:I}", "waiting", (json_int_t)plan.count, "transactions",
                             (json_int_t)transactions, "changes", (json_int_t)changes));
    }
    waiting_plan_close(&plan);
}

/* ---- what exactly is signed */

static json_t *values_json(struct node_admin *admin, const struct policy_collection *collection,
                           struct bytes fields)
{
    json_t *rows = json_array();
    struct field_iter iter = fields_of(fields);
    struct bytes name, value;
    while (fields_next(&iter, &name, &value)) {
        const struct policy_field *field =
            collection != NULL ? policy_field(collection, name) : NULL;
        json_t *row = json_object();
        node_json_set(row, "name", node_json_bytes(name));
        node_json_set(row, "label", field != NULL ? json_string(field->label) : NULL);
        node_json_set(row, "value", node_json_value(admin, field, value));
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *change_json(struct node_admin *admin, const struct change *change)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *collection =
        policy != NULL ? policy_collection(policy, change->collection) : NULL;
    const struct record_view *view;
    json_t *row = json_object();
    node_json_set(row, "op", json_string(change_op_name(change->op)));
    node_json_set(row, "collection", node_json_bytes(change->collection));
    node_json_set(row, "title", collection != NULL ? json_string(collection->title) : NULL);
    node_json_set(row, "id", node_json_uuid(&change->record));
    node_json_set(row, "fields", values_json(admin, collection, change->fields));
    bool known = node_store_view(admin->parts.store, &change->record, &view) == OK;
    node_json_set(row, "short", known ? node_json_bytes(view->short_text) : NULL);
    return row;
}

/* Whoever is to sign sees every value without masks: that is written down. */
static bool log_look(struct node_admin *admin, struct admin_call *call,
                     const struct waiting_plan *plan)
{
    struct node_looked looked = { .op = ACCESS_LOOK, .collection = bytes_text("countersign") };
    for (size_t i = 0; i < plan->count; i++)
        looked.count += plan->rows[i].chosen ? plan->rows[i].txn.change_count : 0;
    return node_ask_log(admin, call, &(struct node_ask){ .full = true }, &looked);
}

void node_cmd_countersign_show(struct node_admin *admin, struct admin_call *call)
{
    struct waiting_plan plan;
    struct problem problem = { .code = OK };
    struct bytes raw;
    if (!plan_of(admin, call, &plan) || !log_look(admin, call, &plan)) {
        waiting_plan_close(&plan);
        return;
    }
    for (size_t i = 0; i < plan.count; i++) {
        const struct waiting_row *row = &plan.rows[i];
        json_t *object, *changes = json_array();
        if (!row->chosen) {
            json_decref(changes);
            continue;
        }
        object = row_json(admin, row);
        struct txn *txn = read_txn(admin, &row->txn.leaf, &raw);
        for (unsigned j = 0; txn != NULL && j < txn->change_count; j++)
            json_array_append_new(changes, change_json(admin, &txn->changes[j]));
        if (txn != NULL)
            close_txn(txn, raw);
        char why[PROBLEM_DETAIL_MAX + 256] = "";
        enum err err = node_entry_may_countersign(admin->parts.entry, &row->txn.leaf, &problem);
        if (err != OK)
            problem_rule(&problem, admin_call_lang(call), why, sizeof why);
        node_json_set(object, "contents", changes);
        node_json_set(object, "mine", json_boolean(err == OK));
        node_json_set(object, "why", why[0] != '\0' ? json_string(why) : NULL);
        admin_row(call, object);
    }
    waiting_plan_close(&plan);
    admin_done(call, NULL);
}

/* ---- signing and refusing */

/* Args `leaves`, whole and hexadecimal: what was shown, and nothing else. Caller frees. */
static struct hash *leaves_of(struct admin_call *call, size_t *ret_count)
{
    const json_t *list = json_object_get(admin_call_args(call), "leaves"), *item;
    size_t count = json_array_size(list), index;
    struct hash *leaves = count > 0 && count <= LEAVES_MAX ? calloc(count, sizeof *leaves) : NULL;
    if (leaves == NULL) {
        node_admin_refuse(call, count > 0 && count <= LEAVES_MAX ? ERR_MEMORY : ERR_LIMIT, "leaves",
                          "1 to 1024 in one request");
        return NULL;
    }
    json_array_foreach(list, index, item) {
        const char *text = json_string_value(item);
        if (text == NULL || !crypto_unhex(bytes_text(text), leaves[index].at, HASH_BYTES)) {
            node_admin_refuse(call, ERR_USAGE, "leaves",
                              "hexadecimal, as `countersign list` has it");
            free(leaves);
            return NULL;
        }
    }
    *ret_count = count;
    return leaves;
}

void node_cmd_countersign_sign(struct node_admin *admin, struct admin_call *call)
{
    size_t count = 0, done = 0;
    struct problem problem = { .code = OK };
    struct waiting_count left = { 0 };
    struct hash *leaves = leaves_of(call, &count);
    if (leaves == NULL)
        return;
    enum err err = node_entry_countersign(admin->parts.entry, leaves, count,
                                          node_admin_claim_ms(admin), &done, &problem);
    free(leaves);
    if (done > 0)
        node_admin_changed(admin);
    if (err == OK)
        err = node_store_waiting_count(admin->parts.store, 0, &left);
    if (err != OK) {
        json_t *more = json_pack("{s:I}", "signed", (json_int_t)done);
        if (problem.code == OK)
            (void)problem_set(&problem, err, "countersign", NULL);
        admin_fail_with(call, &problem, more);
        return;
    }
    admin_done(call, json_pack("{s:I, s:I}", "signed", (json_int_t)done, "left",
                               (json_int_t)left.transactions));
}

void node_cmd_countersign_refuse(struct node_admin *admin, struct admin_call *call)
{
    size_t count = 0;
    struct problem problem = { .code = OK };
    struct bytes reason;
    if (!node_arg_needed(call, "reason", &reason))
        return;
    if (reason.len > REASON_BYTES_MAX) {
        node_admin_refuse(call, ERR_LIMIT, "reason", "at most 500 bytes");
        return;
    }
    struct hash *leaves = leaves_of(call, &count);
    if (leaves == NULL)
        return;
    enum err err = node_entry_refuse(admin->parts.entry, leaves, count, reason, &problem);
    free(leaves);
    if (err != OK) {
        node_admin_refuse_problem(call, err, &problem, "countersign");
        return;
    }
    node_admin_changed(admin);
    admin_done(call, json_pack("{s:I}", "refused", (json_int_t)count));
}

/* ---- for status, attention and history */

/* Labels of the roles that somebody here would need and nobody has; empty: nothing is missing. */
static void missing_roles(struct node_admin *admin, char *ret, size_t cap)
{
    const struct trust *trust = node_store_trust(admin->parts.store);
    const struct policy *policy = node_store_policy(admin->parts.store);
    struct node_identity identity;
    ret[0] = '\0';
    if (policy == NULL || node_store_identity(admin->parts.store, &identity) != OK)
        return;
    for (size_t i = 0; i < trust->operator_count; i++) {
        const struct trust_operator *op = &trust->operators[i];
        const struct policy_role *role = policy_role(policy, bytes_text(op->role));
        if (op->ended.reason != END_NONE || strcmp(op->node, identity.node) != 0 || role == NULL ||
            role->countersigner_count == 0)
            continue;
        if (!node_entry_has_countersigner(admin->parts.store, role, ret, cap))
            return;
        ret[0] = '\0';
    }
}

/* What waits for who acts, by its author. */
struct for_me {
    struct node_admin *admin;
    const struct trust_operator *me;
    size_t count;
    struct {
        uint32_t author;
        uint64_t transactions, changes, since_ms;
    } authors[16]; /* more people than sit at one netbook; the rest joins the last */
};

static void count_for_me(void *ctx, const struct waiting_txn *txn)
{
    struct for_me *mine = ctx;
    size_t at = 0;
    if (!may_sign(mine->admin, mine->me, txn->author))
        return;
    while (at < mine->count && mine->authors[at].author != txn->author)
        at++;
    if (at == COUNT_OF(mine->authors))
        at--;
    if (at == mine->count) {
        mine->authors[at].author = txn->author;
        mine->authors[at].since_ms = txn->wall_ms;
        mine->count++;
    }
    mine->authors[at].transactions++;
    mine->authors[at].changes += txn->change_count;
}

static enum err for_me(struct node_admin *admin, struct for_me *ret)
{
    *ret = (struct for_me){ .admin = admin, .me = node_store_operator(admin->parts.store) };
    return ret->me != NULL ? node_store_waiting(admin->parts.store, count_for_me, ret) : OK;
}

enum err node_countersign_rows(struct node_admin *admin, enum lang lang, json_t *rows)
{
    struct for_me mine;
    enum err err = for_me(admin, &mine);
    for (size_t i = 0; err == OK && i < mine.count; i++) {
        json_t *row = json_object();
        json_t *name = node_json_operator(admin, mine.authors[i].author);
        node_json_set(row, "kind", json_string("to_countersign"));
        node_json_set(row, "id", NULL);
        node_json_set(row, "operator_name", name);
        node_json_set(row, "count", node_json_uint(mine.authors[i].transactions));
        node_json_set(row, "changes", node_json_uint(mine.authors[i].changes));
        node_json_set(row, "since", node_json_time(mine.authors[i].since_ms));
        node_json_set(row, "reason", NULL);
        node_json_set(row, "reason_text", NULL);
        node_json_set(row, "what",
                      json_sprintf(lang == LANG_ID
                                       ? "%llu isian dari %s menunggu tanda tangan Anda: `tkskctl "
                                         "tandatangan`"
                                       : "%llu entries of %s wait for your signature: `tkskctl "
                                         "countersign`",
                                   (unsigned long long)mine.authors[i].transactions,
                                   name != NULL ? json_string_value(name) : "?"));
        json_array_append_new(rows, row);
    }
    return err;
}

enum err node_countersign_status(struct node_admin *admin, json_t *done, uint64_t *ret_mine)
{
    struct for_me mine;
    struct waiting_count all = { 0 };
    char roles[PROBLEM_DETAIL_MAX];
    enum err err = for_me(admin, &mine);
    if (err == OK)
        err = node_store_waiting_count(admin->parts.store, 0, &all);
    if (err != OK)
        return err;
    *ret_mine = 0;
    for (size_t i = 0; i < mine.count; i++)
        *ret_mine += mine.authors[i].transactions;
    missing_roles(admin, roles, sizeof roles);
    node_json_set(done, "operator", admin->name[0] != '\0' ? json_string(admin->name) : NULL);
    node_json_set(done, "to_countersign", node_json_uint(all.changes));
    node_json_set(done, "to_countersign_mine", node_json_uint(*ret_mine));
    node_json_set(done, "countersigner_missing", roles[0] != '\0' ? json_string(roles) : NULL);
    return OK;
}

void node_countersign_history(struct node_admin *admin, json_t *row)
{
    struct hash leaf;
    struct countersign_fate fate;
    const char *hex = json_string_value(json_object_get(row, "leaf"));
    if (hex == NULL || !crypto_unhex(bytes_text(hex), leaf.at, sizeof leaf.at) ||
        node_store_countersign_fate(admin->parts.store, &leaf, &fate) != OK)
        return;
    json_t *name = node_json_operator(admin, fate.operator_number);
    switch (fate.state) {
    case COUNTERSIGN_SIGNED:
        node_json_set(row, "countersigned_by", json_pack("[o]", name != NULL ? name : json_null()));
        break;
    case COUNTERSIGN_REFUSED:
        node_json_set(row, "refused_by", name);
        node_json_set(row, "refusal", node_json_bytes(fate.reason));
        break;
    case COUNTERSIGN_WAITS:
    case COUNTERSIGN_NONE:
        json_decref(name);
        break;
    }
}

void node_countersign_refusal(struct node_admin *admin, const struct hash *leaf, enum lang lang,
                              json_t *row)
{
    struct countersign_fate fate;
    if (node_store_countersign_fate(admin->parts.store, leaf, &fate) != OK ||
        fate.state != COUNTERSIGN_REFUSED)
        return;
    json_t *name = node_json_operator(admin, fate.operator_number);
    node_json_set(row, "refused_by", name);
    node_json_set(row, "refusal", node_json_bytes(fate.reason));
    node_json_set(row, "reason_text",
                  json_sprintf(lang == LANG_ID ? "tidak ditandatangani %s: %.*s"
                                               : "not countersigned by %s: %.*s",
                               name != NULL ? json_string_value(name) : "?", (int)fate.reason.len,
                               fate.reason.len > 0 ? (const char *)fate.reason.at : ""));
    node_json_set(row, "what",
                  json_string(lang == LANG_ID ? "dikembalikan; perbaiki dengan `tkskctl draf kirim`"
                                              : "given back; mend it with `tkskctl draft send`"));
}

void node_countersign_refusal_row(struct node_admin *admin, enum lang lang, json_t *row)
{
    struct hash leaf;
    const char *hex = json_string_value(json_object_get(row, "leaf"));
    const char *reason = json_string_value(json_object_get(row, "reason"));
    if (hex == NULL || reason == NULL || strcmp(reason, err_name(ERR_COUNTERSIGN_REFUSED)) != 0 ||
        !crypto_unhex(bytes_text(hex), leaf.at, sizeof leaf.at))
        return;
    node_countersign_refusal(admin, &leaf, lang, row);
    node_json_set(row, "what",
                  json_string(lang == LANG_ID
                                  ? "dikembalikan; `tkskctl perhatian --done ID` bila sudah dibaca"
                                  : "given back; `tkskctl attention --done ID` once you know"));
}
