/* Submissions and their answers at an office: what waits, receipts, answering, and how far a record
 * has come. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_draft.h"
#include "node/node_answer.h"
#include "proto/admin_answer.h"
#include "proto/label.h"
#include "proto/receipt.h"
#include "proto/value_form.h"

#define DAY_MS UINT64_C(86400000)

static uint64_t now_of(const struct node_admin *admin)
{
    uint64_t wall_ms;
    (void)node_driver_time(admin->parts.driver, loop_now_ms(), loop_wall_ms(), &wall_ms, NULL);
    return wall_ms;
}

static struct bytes view_value(const struct record_view *view,
                               const struct policy_collection *collection, int field)
{
    return record_view_value(view, field >= 0 ? &collection->fields[field] : NULL);
}

static struct bytes view_code(const struct record_view *view,
                              const struct policy_collection *collection, int field)
{
    return value_string(view_value(view, collection, field));
}

static const struct policy_collection *answered_by(const struct node_admin *admin,
                                                   struct bytes name)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *found = policy ? policy_collection(policy, name) : NULL;
    return found != NULL && found->answer != NULL ? found : NULL;
}

static void tell_state(const struct node_admin *admin, const struct record_view *view,
                       const struct policy_collection *collection, json_t *row)
{
    const struct policy_answer *answer = collection->answer;
    admin_answer_state(row, node_store_policy(admin->parts.store), collection,
                       view_code(view, collection, answer->state),
                       view_code(view, collection, answer->unit));
}

static void tell_answer(const struct node_admin *admin, const struct record_view *view,
                        const struct policy_collection *collection, json_t *row)
{
    const struct policy_answer *answer = collection->answer;
    struct bytes given = view_value(view, collection, answer->field);
    admin_answer_last(row, node_store_policy(admin->parts.store), collection, answer_given(given),
                      answer_last(given, answer->decision_key),
                      answer_last(given, answer->target_key));
}

static uint64_t age_ms(const struct node_owed *owed, uint64_t now_ms)
{
    return owed->since_ms > 0 && now_ms > owed->since_ms ? now_ms - owed->since_ms : 0;
}

json_t *node_json_receipt(const struct node_admin *admin, const struct record_view *view)
{
    char text[RECEIPT_TEXT_MAX];
    if (answered_by(admin, view->collection) == NULL)
        return NULL;
    receipt_text(view->short_text, &view->id, text);
    return text[0] != '\0' ? json_string(text) : NULL;
}

/* ---- how far a record has come */

const char *node_hop(const struct node_admin *admin, const struct record_view *view)
{
    const struct policy_collection *collection = answered_by(admin, view->collection);
    const char *state = node_state_of(view), *hop = "received";
    if (strcmp(state, "to_countersign") == 0)
        return "local";
    if (!view->pending && strcmp(state, "confirmed") != 0)
        return state;
    if (!view->pending) {
        bool given = collection != NULL &&
                     answer_given(view_value(view, collection, collection->answer->field));
        return given ? "answered" : "merged";
    }
    for (enum lane lane = LANE_URGENT; lane < LANE_COUNT; lane++) {
        struct node_lane row;
        uint64_t seq = view->pending_seq[lane];
        if (seq == 0 || node_store_lane(admin->parts.store, lane, &row) != OK || seq <= row.acked)
            continue;
        if (!node_driver_is_sent(admin->parts.driver, lane, seq))
            return "queued";
        hop = "sent";
    }
    return hop;
}

void node_answer_show(struct node_admin *admin, const struct record_view *view, json_t *done)
{
    const struct policy_collection *collection = answered_by(admin, view->collection);
    struct node_owed owed;
    node_json_set(done, "hop", json_string(node_hop(admin, view)));
    if (collection == NULL)
        return;
    node_json_set(done, "receipt", node_json_receipt(admin, view));
    tell_answer(admin, view, collection, done);
    bool waits = node_store_owed_one(admin->parts.store, &view->id, &owed) == OK;
    admin_answer_waits(done, collection->answer, waits, waits ? age_ms(&owed, now_of(admin)) : 0);
}

json_t *node_answer_step(struct node_admin *admin, const struct id *record, enum lang lang)
{
    const struct record_view *view;
    struct node_owed owed;
    bool id = lang == LANG_ID;
    const struct policy_collection *collection =
        node_store_view(admin->parts.store, record, &view) == OK
            ? answered_by(admin, view->collection)
            : NULL;
    if (collection == NULL)
        return NULL;
    if (answer_given(view_value(view, collection, collection->answer->field)))
        return json_string(id ? "sudah ditindaklanjuti" : "answered");
    if (node_store_owed_one(admin->parts.store, record, &owed) != OK)
        return NULL;
    return json_sprintf(id ? "belum ditindaklanjuti, %llu hari (batas %llu hari)"
                           : "not answered, %llu days (limit %llu days)",
                        (unsigned long long)(age_ms(&owed, now_of(admin)) / DAY_MS),
                        (unsigned long long)owed.days);
}

/* ---- unanswered */

struct owed_ids {
    struct node_owed *list;
    size_t count, cap;
    bool failed;
};

static void owed_take(void *ctx, const struct node_owed *owed)
{
    struct owed_ids *ids = ctx;
    if (ids->count == ids->cap && !ids->failed) {
        size_t cap = ids->cap > 0 ? 2 * ids->cap : 256;
        struct node_owed *list = realloc(ids->list, cap * sizeof *list);
        ids->failed = list == NULL;
        if (list != NULL) {
            ids->list = list;
            ids->cap = cap;
        }
    }
    if (!ids->failed)
        ids->list[ids->count++] = *owed;
}

struct unanswered {
    struct node_admin *admin;
    const char *unit; /* NULL: all; it lives as long as the call */
    uint64_t days_min, now_ms;
    struct owed_ids ids;
    size_t at;
    json_t *units;
    json_int_t late;
};

/* The row of one; NULL: the filters leave it out, or it is answered already, on its way. */
static json_t *owed_json(struct unanswered *all, const struct node_owed *owed,
                         const struct record_view *view)
{
    const struct policy_collection *collection = answered_by(all->admin, view->collection);
    const struct policy *policy = node_store_policy(all->admin->parts.store);
    uint64_t age = age_ms(owed, all->now_ms);
    if (collection == NULL || view->deleted || age < all->days_min * DAY_MS)
        return NULL;
    const struct policy_answer *answer = collection->answer;
    struct bytes unit = view_code(view, collection, answer->unit);
    if (!answer_is_owed(answer, view_value(view, collection, answer->state),
                        view_value(view, collection, answer->field)) ||
        (all->unit != NULL &&
         (unit.len == 0 ||
          !label_means(policy, &collection->fields[answer->unit], unit, all->unit))))
        return NULL;
    json_t *row = json_object();
    bool late = node_owed_late(owed, all->now_ms);
    node_json_set(row, "id", node_json_uuid(&view->id));
    node_json_set(row, "short", node_json_bytes(view->short_text));
    node_json_set(row, "receipt", node_json_receipt(all->admin, view));
    tell_state(all->admin, view, collection, row);
    node_json_set(row, "since", node_json_time(owed->since_ms));
    node_json_set(row, "days", node_json_uint(age / DAY_MS));
    node_json_set(row, "limit_days", json_integer(answer->days));
    node_json_set(row, "late", json_boolean(late));
    admin_units_add(all->units, row, late);
    all->late += late;
    return row;
}

static enum err unanswered_next(void *ctx, json_t **ret_row, struct problem *problem)
{
    struct unanswered *all = ctx;
    const struct record_view *view;
    (void)problem;
    if (all->at == all->ids.count) {
        *ret_row = json_pack("{s:O, s:I}", "units", all->units, "late", all->late);
        return ERR_NOT_FOUND;
    }
    const struct node_owed *owed = &all->ids.list[all->at++];
    enum err err = node_store_view(all->admin->parts.store, &owed->record, &view);
    if (err == OK)
        *ret_row = owed_json(all, owed, view);
    return err == ERR_NOT_FOUND ? OK : err;
}

static void unanswered_end(void *ctx)
{
    struct unanswered *all = ctx;
    free(all->ids.list);
    json_decref(all->units);
    free(all);
}

void node_cmd_unanswered(struct node_admin *admin, struct admin_call *call)
{
    const json_t *args = admin_call_args(call);
    const char *unit = json_string_value(json_object_get(args, "unit"));
    json_int_t days = json_integer_value(json_object_get(args, "days"));
    char names[PROBLEM_DETAIL_MAX];
    if (unit != NULL &&
        !admin_unit_known(node_store_policy(admin->parts.store), unit, names, sizeof names)) {
        node_admin_refuse(call, ERR_CODE, unit, names);
        return;
    }
    struct unanswered *all = calloc(1, sizeof *all);
    if (all == NULL) {
        node_admin_refuse(call, ERR_MEMORY, "unanswered", NULL);
        return;
    }
    *all = (struct unanswered){ .admin = admin,
                                .unit = unit,
                                .days_min = days > 0 && days <= 36600 ? (uint64_t)days : 0,
                                .now_ms = now_of(admin),
                                .units = json_array() };
    enum err err = node_store_owed(admin->parts.store, owed_take, &all->ids);
    if (err == OK && all->ids.failed)
        err = ERR_MEMORY;
    if (err == OK)
        err = admin_rows_start(&admin->rows, admin->parts.loop, call, unanswered_next,
                               unanswered_end, all);
    if (err != OK) {
        unanswered_end(all);
        node_admin_refuse(call, err, "unanswered", NULL);
    }
}

/* ---- receipt */

struct receipt {
    struct node_admin *admin;
    const char *letters;
    bool found;
    struct id record;
};

static void receipt_try(struct receipt *receipt, const struct record_view *view)
{
    char letters[RECEIPT_LETTERS_MAX];
    receipt_letters(&view->id, letters);
    if (view->deleted || strcmp(letters, receipt->letters) != 0 ||
        answered_by(receipt->admin, view->collection) == NULL)
        return;
    receipt->found = true;
    receipt->record = view->id;
}

static void receipt_match(void *ctx, const struct record_view *view)
{
    receipt_try(ctx, view);
}

static void entered_at(void *ctx, const struct own_change *change)
{
    uint64_t *entered_ms = ctx;
    if (change->op == OP_CREATE && change->disposition != DISPOSITION_REJECTED)
        *entered_ms = change->queued_wall_ms;
}

static void told_at(void *ctx, const struct told_change *told)
{
    uint64_t *entered_ms = ctx;
    if (*entered_ms == 0)
        *entered_ms = told->claimed_ms;
}

/* The record that a whole receipt number names. ERR_RECEIPT: none, whatever is wrong. */
static enum err receipt_find(struct node_admin *admin, struct bytes text, struct id *ret_record)
{
    struct node_store *store = admin->parts.store;
    char number[RECEIPT_TEXT_MAX], letters[RECEIPT_LETTERS_MAX];
    struct receipt receipt = { .admin = admin, .letters = letters };
    const struct record_view *view;
    struct id record;
    if (!receipt_parse(text, number, letters))
        return ERR_RECEIPT;
    enum err err = node_store_find(store, bytes_text(number), &record, receipt_match, &receipt);
    if (err == OK)
        err = node_store_view(store, &record, &view);
    if (err == OK)
        receipt_try(&receipt, view);
    if (err != OK && err != ERR_AMBIGUOUS && err != ERR_NOT_FOUND)
        return err;
    if (!receipt.found)
        return ERR_RECEIPT;
    *ret_record = receipt.record;
    return OK;
}

void node_cmd_receipt(struct node_admin *admin, struct admin_call *call)
{
    struct node_store *store = admin->parts.store;
    const struct record_view *view;
    struct bytes text;
    struct id record;
    uint64_t entered_ms = 0;
    char thing[PROBLEM_THING_MAX];
    if (!node_arg_needed(call, "number", &text))
        return;
    enum err err = receipt_find(admin, text, &record);
    if (err == OK)
        err = node_store_changes(store, &record, false, entered_at, &entered_ms);
    if (err == OK)
        err = node_store_told(store, &record, told_at, &entered_ms);
    if (err == OK)
        err = node_store_view(store, &record, &view);
    if (err != OK) {
        (void)snprintf(thing, sizeof thing, "%.*s", (int)(text.len < 60 ? text.len : 60),
                       (const char *)text.at);
        node_admin_refuse(call, err, thing, NULL);
        return;
    }
    const struct policy_collection *collection = answered_by(admin, view->collection);
    must(collection != NULL);
    json_t *done = json_object();
    tell_state(admin, view, collection, done);
    node_answer_show(admin, view, done);
    node_json_set(done, "entered", node_json_time(entered_ms));
    node_json_set(done, "received", NULL); /* the hub knows that time */
    admin_done(call, done);
}

/* ---- the morning line, and what waits for a look */

enum err node_answer_status(struct node_admin *admin, const struct public_key *key, json_t *done,
                            uint64_t *ret_open)
{
    struct node_answer_figures figures;
    enum err err = node_store_answer_figures(admin->parts.store, key, now_of(admin), &figures);
    if (err != OK)
        return err;
    node_json_set(done, "unanswered", node_json_uint(figures.owed));
    node_json_set(done, "unanswered_late", node_json_uint(figures.late));
    node_json_set(done, "replies", node_json_uint(figures.answered));
    node_json_set(done, "replies_new", node_json_uint(figures.fresh));
    *ret_open = figures.answered;
    return OK;
}

static void attention_answered(void *ctx, const struct node_answered *answered)
{
    json_t *row = json_object();
    node_json_set(row, "kind", json_string("answer"));
    node_json_set(row, "id", node_json_uuid(&answered->record));
    node_json_set(row, "since", node_json_time(answered->wall_ms));
    node_json_set(row, "reason", NULL);
    json_array_append_new(ctx, row);
}

/* "Disetujui; keputusan: Disetujui; sampai 2026-12-01" */
static void attention_text(json_t *row, enum lang lang)
{
    const char *state = json_string_value(json_object_get(row, "state_label"));
    const char *decision = json_string_value(json_object_get(row, "decision_label"));
    const char *target = json_string_value(json_object_get(row, "target"));
    bool id = lang == LANG_ID;
    node_json_set(row, "reason_text",
                  json_sprintf("%s%s%s%s%s", state != NULL ? state : "",
                               decision != NULL ? (id ? "; keputusan: " : "; decision: ") : "",
                               decision != NULL ? decision : "",
                               target != NULL ? (id ? "; target " : "; by ") : "",
                               target != NULL ? target : ""));
}

enum err node_answer_rows(struct node_admin *admin, enum lang lang, bool open, json_t *rows)
{
    json_t *mine = json_array(), *row;
    size_t index;
    enum err err = node_store_answered(admin->parts.store, attention_answered, mine);
    json_array_foreach(mine, index, row) {
        const struct record_view *view;
        const struct policy_collection *collection = NULL;
        struct id record;
        bool known = open && uuid_from_text(node_arg_text(row, "id"), &record) &&
                     node_store_view(admin->parts.store, &record, &view) == OK;
        if (known)
            collection = answered_by(admin, view->collection);
        node_json_set(row, "short", known ? node_json_bytes(view->short_text) : NULL);
        node_json_set(row, "collection", known ? node_json_bytes(view->collection) : NULL);
        node_json_set(
            row, "what",
            json_string(lang == LANG_ID
                            ? "sudah dijawab; `tkskctl perhatian --done ID` bila sudah dibaca"
                            : "answered; `tkskctl attention --done ID` once you have read it"));
        if (collection != NULL) {
            tell_state(admin, view, collection, row);
            tell_answer(admin, view, collection, row);
            attention_text(row, lang);
        }
    }
    if (err == OK)
        (void)json_array_extend(rows, mine);
    json_decref(mine);
    return err;
}
