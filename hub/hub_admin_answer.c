/* Submissions and their answers: what waits for one, and what a citizen is told for a receipt
 * number. Of the records nothing is read but state, unit and answer. */
#include <stdlib.h>

#include "hub/hub_admin_inside.h"
#include "proto/admin_answer.h"
#include "proto/label.h"
#include "proto/receipt.h"
#include "proto/value.h"

#define DAY_MS UINT64_C(86400000)
#define ID_HEX_BYTES (2 * ID_BYTES + 1)
#define NUMBER_BYTES 24

static const struct policy_collection *answered(const struct policy *policy, const char *name)
{
    const struct policy_collection *collection =
        policy != NULL && name != NULL ? policy_collection(policy, bytes_text(name)) : NULL;
    return collection != NULL && collection->answer != NULL ? collection : NULL;
}

static json_t *code_label(const struct policy *policy, const struct policy_collection *collection,
                          int field, const char *code)
{
    const char *label = field < 0 || code == NULL
                            ? NULL
                            : label_of(policy, &collection->fields[field], bytes_text(code));
    return label != NULL ? json_string(label) : NULL;
}

static struct bytes bytes_maybe(const char *text)
{
    return bytes_text(text != NULL ? text : "");
}

static json_t *text_json(const char *text)
{
    return text != NULL && text[0] != '\0' ? json_string(text) : NULL;
}

/* ---- unanswered */

struct owed {
    struct hub_admin *admin;
    const char *unit; /* as asked for; NULL: all. It lives as long as the call. */
    uint64_t days_min, now_ms;
    char since[NUMBER_BYTES], id[ID_HEX_BYTES]; /* the last row read */
    size_t read, at;
    bool ended;
    json_t *page, *units; /* rows to hand out; by unit */
    json_int_t late;
};

static void owed_row(void *ctx, const struct hub_row *row)
{
    struct owed *owed = ctx;
    const struct policy *policy = hub_store_policy(owed->admin->daemon->store);
    const char *name = hub_row_text(row, "collection"), *hex = hub_row_text(row, "id");
    const char *unit = hub_row_text(row, "unit"), *state = hub_row_text(row, "state");
    const char *number = hub_row_text(row, "short");
    const struct policy_collection *collection = answered(policy, name);
    uint64_t since_ms = hub_row_uint(row, "since_ms");
    struct id id;
    char uuid[UUID_TEXT_BYTES], receipt[RECEIPT_TEXT_MAX];
    owed->read++;
    (void)snprintf(owed->since, sizeof owed->since, "%llu",
                   (unsigned long long)hub_row_uint(row, "since"));
    (void)snprintf(owed->id, sizeof owed->id, "%s", hex != NULL ? hex : "");
    if (collection == NULL || !crypto_unhex(bytes_text(owed->id), id.at, ID_BYTES))
        return;
    const struct policy_answer *answer = collection->answer;
    uint64_t age_ms = owed->now_ms > since_ms ? owed->now_ms - since_ms : 0;
    if (age_ms < owed->days_min * DAY_MS ||
        (owed->unit != NULL &&
         (unit == NULL || answer->unit < 0 ||
          !label_means(policy, &collection->fields[answer->unit], bytes_text(unit), owed->unit))))
        return;
    bool late = age_ms > (uint64_t)answer->days * DAY_MS;
    uuid_to_text(&id, uuid);
    receipt_text(bytes_text(number != NULL ? number : ""), &id, receipt);
    json_t *object = json_object();
    hub_json_set(object, "id", json_string(uuid));
    hub_json_set(object, "short", text_json(number));
    hub_json_set(object, "receipt", text_json(receipt));
    admin_answer_state(object, policy, collection, bytes_maybe(state), bytes_maybe(unit));
    hub_json_set(object, "since", hub_json_time(since_ms));
    hub_json_set(object, "days", hub_json_uint(age_ms / DAY_MS));
    hub_json_set(object, "limit_days", json_integer(answer->days));
    hub_json_set(object, "late", json_boolean(late));
    admin_units_add(owed->units, object, late);
    owed->late += late;
    (void)json_array_append_new(owed->page, object);
}

static enum err owed_page(struct owed *owed)
{
    const char *const parameters[] = { owed->since, owed->id };
    char since[NUMBER_BYTES], id[ID_HEX_BYTES];
    const char *const from[] = { since, id };
    memcpy(since, parameters[0], sizeof since); /* the callback moves the place on */
    memcpy(id, parameters[1], sizeof id);
    owed->read = owed->at = 0;
    (void)json_array_clear(owed->page);
    enum err err = hub_store_list(owed->admin->daemon->store, HUB_LIST_OWED, from, owed_row, owed);
    owed->ended = owed->read == 0;
    return err;
}

/* A page that the filters leave empty is followed by the next in the same turn: 500 rows of a small
 * table are a few milliseconds. */
static enum err owed_next(void *ctx, json_t **ret_row, struct problem *problem)
{
    struct owed *owed = ctx;
    (void)problem;
    enum err err = OK;
    while (err == OK && !owed->ended && owed->at == json_array_size(owed->page))
        err = owed_page(owed);
    if (err != OK)
        return err;
    if (owed->ended) {
        *ret_row = json_pack("{s:O, s:I}", "units", owed->units, "late", owed->late);
        return ERR_NOT_FOUND;
    }
    *ret_row = json_incref(json_array_get(owed->page, owed->at++));
    return OK;
}

static void owed_end(void *ctx)
{
    struct owed *owed = ctx;
    json_decref(owed->page);
    json_decref(owed->units);
    free(owed);
}

void hub_cmd_unanswered(struct hub_admin *admin, struct admin_call *call)
{
    const char *unit = json_string_value(json_object_get(admin_call_args(call), "unit"));
    char names[PROBLEM_DETAIL_MAX];
    uint64_t days;
    if (!hub_arg_uint(call, "days", 36600, 0, &days))
        return;
    if (unit != NULL &&
        !admin_unit_known(hub_store_policy(admin->daemon->store), unit, names, sizeof names)) {
        hub_refuse(call, ERR_CODE, unit, names);
        return;
    }
    struct owed *owed = calloc(1, sizeof *owed);
    if (owed == NULL) {
        hub_refuse(call, ERR_MEMORY, "unanswered", NULL);
        return;
    }
    *owed = (struct owed){ .admin = admin,
                           .unit = unit,
                           .days_min = days,
                           .now_ms = loop_wall_ms(),
                           .since = "0",
                           .page = json_array(),
                           .units = json_array() };
    enum err err =
        admin_rows_start(&admin->rows, admin->daemon->loop, call, owed_next, owed_end, owed);
    if (err != OK) {
        owed_end(owed);
        hub_refuse(call, err, "unanswered", NULL);
    }
}

/* ---- the line of `status` */

struct late {
    const struct policy *policy;
    const struct policy_collection *collection;
    json_t *alarms;
};

static void late_row(void *ctx, const struct hub_row *row)
{
    struct late *late = ctx;
    const char *unit = hub_row_text(row, "unit");
    uint64_t count = hub_row_uint(row, "late");
    if (count == 0)
        return;
    json_t *alarm = json_pack("{s:s, s:s, s:n}", "kind", "unanswered", "level", "wait", "node");
    hub_json_set(alarm, "collection", json_string(late->collection->name));
    hub_json_set(alarm, "title", json_string(late->collection->title));
    hub_json_set(alarm, "unit", text_json(unit));
    hub_json_set(alarm, "unit_label",
                 code_label(late->policy, late->collection, late->collection->answer->unit, unit));
    hub_json_set(alarm, "count", hub_json_uint(count));
    hub_json_set(alarm, "days", json_integer(late->collection->answer->days));
    (void)json_array_append_new(late->alarms, alarm);
}

void hub_alarms_unanswered(const struct hub_daemon *daemon, json_t *alarms)
{
    struct late late = { .policy = hub_store_policy(daemon->store), .alarms = alarms };
    uint64_t now_ms = loop_wall_ms();
    enum err err = OK;
    for (size_t i = 0; late.policy != NULL && i < late.policy->collection_count && err == OK; i++) {
        char limit[NUMBER_BYTES];
        late.collection = &late.policy->collections[i];
        if (late.collection->answer == NULL)
            continue;
        uint64_t days_ms = (uint64_t)late.collection->answer->days * DAY_MS;
        (void)snprintf(limit, sizeof limit, "%llu",
                       (unsigned long long)(now_ms > days_ms ? now_ms - days_ms : 0));
        const char *const parameters[] = { late.collection->name, limit };
        err = hub_store_list(daemon->store, HUB_LIST_OWED_UNITS, parameters, late_row, &late);
    }
    if (err != OK)
        log_warning("what has no answer cannot be counted code=%s", err_name(err));
}

/* ---- receipt */

struct receipt {
    const struct policy *policy;
    const char *number, *letters;
    const struct policy_collection *collection; /* NULL: not found */
    char hex[ID_HEX_BYTES], uuid[UUID_TEXT_BYTES];
    uint64_t received_ms, since_ms;
    bool of_record; /* `done` tells of the record already */
    json_t *done;
};

/* The record of that number whose letters these are. */
static void receipt_candidate(void *ctx, const struct hub_row *row)
{
    struct receipt *receipt = ctx;
    const char *number = hub_row_text(row, "short"), *text = hub_row_text(row, "id");
    const struct policy_collection *collection =
        answered(receipt->policy, hub_row_text(row, "collection"));
    char letters[RECEIPT_LETTERS_MAX];
    struct id id;
    if (collection == NULL || number == NULL || strcmp(number, receipt->number) != 0 ||
        hub_row_uint(row, "deleted") != 0 || text == NULL || !uuid_from_text(bytes_text(text), &id))
        return;
    receipt_letters(&id, letters);
    if (strcmp(letters, receipt->letters) != 0)
        return;
    receipt->collection = collection;
    uuid_to_text(&id, receipt->uuid);
    crypto_hex(bytes_id(&id), receipt->hex);
}

static void receipt_came(void *ctx, const struct hub_row *row)
{
    struct receipt *receipt = ctx;
    uint64_t ms = hub_row_uint(row, "received_ms");
    const char *op = hub_row_text(row, "op"), *outcome = hub_row_text(row, "disposition");
    bool taken = outcome == NULL || strcmp(outcome, "rejected") != 0;
    if (op != NULL && strcmp(op, "create") == 0 && taken &&
        (receipt->received_ms == 0 || ms < receipt->received_ms))
        receipt->received_ms = ms;
}

static void receipt_since(void *ctx, const struct hub_row *row)
{
    ((struct receipt *)ctx)->since_ms = hub_row_uint(row, "since_ms");
}

static void receipt_answer(struct receipt *receipt, const char *text)
{
    const struct policy_answer *answer = receipt->collection->answer;
    json_t *list = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    const json_t *last = json_array_get(list, json_array_size(list) - 1);
    const char *decision = answer->decision_key != NULL
                               ? json_string_value(json_object_get(last, answer->decision_key))
                               : NULL;
    const char *target = answer->target_key != NULL
                             ? json_string_value(json_object_get(last, answer->target_key))
                             : NULL;
    bool given = json_is_array(list) ? json_array_size(list) > 0 : text != NULL && text[0] != '\0';
    admin_answer_last(receipt->done, receipt->policy, receipt->collection, given,
                      bytes_maybe(decision), bytes_maybe(target));
    json_decref(list);
}

static void receipt_record(void *ctx, const struct hub_row *row)
{
    struct receipt *receipt = ctx;
    const struct policy_collection *collection = receipt->collection;
    const struct policy_answer *answer = collection->answer;
    const char *state = hub_row_text(row, collection->fields[answer->state].name);
    receipt_answer(receipt, hub_row_text(row, collection->fields[answer->field].name));
    if (receipt->of_record)
        return;
    const char *unit =
        answer->unit < 0 ? NULL : hub_row_text(row, collection->fields[answer->unit].name);
    admin_answer_state(receipt->done, receipt->policy, collection, bytes_maybe(state),
                       bytes_maybe(unit));
}

static enum err receipt_read(struct hub_store *store, struct receipt *receipt)
{
    const char *const record[] = { receipt->collection->name, receipt->uuid };
    const char *const uuid[] = { receipt->uuid }, *const hex[] = { receipt->hex };
    enum err err = hub_store_list(store, HUB_LIST_RECORD_FULL, record, receipt_record, receipt);
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_HISTORY, uuid, receipt_came, receipt);
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_OWED_ONE, hex, receipt_since, receipt);
    return err;
}

/* How long it has waited for its answer. */
static void receipt_waits(const struct receipt *receipt)
{
    uint64_t now_ms = loop_wall_ms();
    uint64_t age_ms = now_ms > receipt->since_ms ? now_ms - receipt->since_ms : 0;
    admin_answer_waits(receipt->done, receipt->collection->answer, receipt->since_ms > 0, age_ms);
}

void hub_cmd_receipt(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_store *store = admin->daemon->store;
    char number[RECEIPT_TEXT_MAX], letters[RECEIPT_LETTERS_MAX];
    struct receipt receipt = { .policy = hub_store_policy(store),
                               .number = number,
                               .letters = letters };
    const char *text;
    enum err err = OK;
    if (!hub_arg_text(call, "number", &text))
        return;
    if (receipt_parse(bytes_text(text), number, letters)) {
        const char *const parameters[] = { number };
        err = hub_store_list(store, HUB_LIST_FIND, parameters, receipt_candidate, &receipt);
    }
    if (err != OK || receipt.collection == NULL) { /* one answer, whatever is wrong */
        hub_refuse(call, err != OK ? err : ERR_RECEIPT, text, NULL);
        return;
    }
    receipt.done = json_sprintf("%s-%s", number, letters);
    receipt.done = json_pack("{s:o}", "receipt", receipt.done);
    err = receipt_read(store, &receipt);
    if (err != OK) {
        json_decref(receipt.done);
        hub_refuse(call, err, "receipt", "the database");
        return;
    }
    hub_json_set(receipt.done, "received", hub_json_time(receipt.received_ms));
    receipt_waits(&receipt);
    admin_done(call, receipt.done);
}

void hub_answer_show(struct hub_admin *admin, const struct policy_collection *collection,
                     const char *id, const char *number, json_t *done)
{
    struct receipt receipt = { .policy = hub_store_policy(admin->daemon->store),
                               .of_record = true,
                               .done = done };
    struct id record;
    char text[RECEIPT_TEXT_MAX];
    const char *state = json_string_value(json_object_get(done, "state"));
    hub_json_set(done, "hop",
                 json_string(state != NULL && strcmp(state, "confirmed") == 0 ? "merged" : state));
    receipt.collection = collection != NULL && collection->answer != NULL ? collection : NULL;
    if (receipt.collection == NULL || !uuid_from_text(bytes_text(id), &record))
        return;
    (void)snprintf(receipt.uuid, sizeof receipt.uuid, "%s", id);
    crypto_hex(bytes_id(&record), receipt.hex);
    receipt_text(bytes_text(number), &record, text);
    hub_json_set(done, "receipt", text_json(text));
    if (receipt_read(admin->daemon->store, &receipt) != OK) {
        log_warning("how the answer stands cannot be read record=%s", id);
        return;
    }
    receipt_waits(&receipt);
    if (state != NULL && strcmp(state, "confirmed") == 0 &&
        json_is_true(json_object_get(done, "answered")))
        hub_json_set(done, "hop", json_string("answered"));
}
