/* Work that is kept until a person decides whether to take it: who wrote what, why it is kept, and
 * what would be merged. Nothing of it is in the tables yet; it is read from the transactions as
 * their authors signed them. */
#include <stdio.h>
#include <stdlib.h>

#include "hub/hub_admin_inside.h"
#include "proto/mask.h"
#include "proto/value.h"

#define SUMMARIES_MAX 256 /* later rows are told without a summary */
#define VALUE_BYTES_MAX (64 * 1024)
#define DAY_MS UINT64_C(86400000)

struct review {
    struct hub_admin *admin;
    struct hub_store *store;
    enum lang lang;
    json_t *rows;
    struct buf plain;
    struct txn *txn;
    char *text; /* VALUE_BYTES_MAX */
    char *part;
};

static enum err review_open(struct hub_admin *admin, enum lang lang, struct review *ret)
{
    *ret = (struct review){ .admin = admin,
                            .store = admin->daemon->store,
                            .lang = lang,
                            .rows = json_array(),
                            .plain = buf_of(malloc(TRANSACTION_BYTES_MAX), TRANSACTION_BYTES_MAX),
                            .txn = malloc(sizeof *ret->txn),
                            .text = malloc(VALUE_BYTES_MAX),
                            .part = malloc(VALUE_BYTES_MAX) };
    return ret->plain.at != NULL && ret->txn != NULL && ret->text != NULL && ret->part != NULL
               ? OK
               : ERR_MEMORY;
}

static void review_close(struct review *review)
{
    if (review->plain.at != NULL)
        crypto_wipe(review->plain.at, review->plain.cap);
    if (review->text != NULL)
        crypto_wipe(review->text, VALUE_BYTES_MAX);
    if (review->part != NULL)
        crypto_wipe(review->part, VALUE_BYTES_MAX);
    free(review->plain.at);
    free(review->txn);
    free(review->text);
    free(review->part);
    json_decref(review->rows);
}

static json_t *text_json(const char *text)
{
    return text != NULL ? json_string(text) : NULL;
}

/* ---- one row */

/* Why the claimed time cannot be right; NULL when nothing speaks against it. */
static json_t *doubt_json(const struct review *review, const struct hub_row *row)
{
    char claimed[11], other[11];
    uint64_t claimed_ms = hub_row_uint(row, "claimed_ms");
    uint64_t received_ms = hub_row_uint(row, "received_ms");
    uint64_t trust = hub_row_uint(row, "trust");
    bool indonesian = review->lang == LANG_ID;
    date_of_ms(claimed_ms, claimed);
    date_of_ms(trust_signed_ms(hub_store_trust(review->store), trust), other);
    if (strcmp(claimed, other) < 0)
        return json_sprintf(indonesian ? "jam di sana salah: isian bertanggal %s, padahal sudah "
                                         "memegang daftar petugas versi %llu dari %s"
                                       : "the clock there is wrong: dated %s, but roster version "
                                         "%llu of %s was there already",
                            claimed, (unsigned long long)trust, other);
    if (claimed_ms <= received_ms + DAY_MS)
        return NULL;
    date_of_ms(received_ms, other);
    return json_sprintf(indonesian
                            ? "jam di sana salah: isian bertanggal %s, padahal sudah sampai %s"
                            : "the clock there is wrong: dated %s, but it came here on %s",
                        claimed, other);
}

static void row_review(void *ctx, const struct hub_row *row)
{
    struct review *review = ctx;
    const char *state = hub_row_text(row, "state");
    const char *reason = hub_row_text(row, "reason");
    if (state == NULL || strcmp(state, "quarantined") != 0)
        return; /* what is parked follows by itself */
    uint64_t number = hub_row_uint(row, "operator");
    const struct trust_operator *op =
        number <= UINT32_MAX ? trust_operator(hub_store_trust(review->store), (uint32_t)number)
                             : NULL;
    json_t *object = json_object();
    hub_json_set(object, "leaf", text_json(hub_row_text(row, "leaf")));
    hub_json_set(object, "node", text_json(hub_row_text(row, "node")));
    hub_json_set(object, "operator", hub_json_uint(number));
    hub_json_set(object, "operator_name", op != NULL ? json_string(op->name) : NULL);
    hub_json_set(object, "state", json_string(state));
    hub_json_set(object, "reason", text_json(reason));
    hub_json_set(object, "reason_text", hub_json_reason(reason, review->lang));
    hub_json_set(object, "doubt", doubt_json(review, row));
    hub_json_set(object, "changes", hub_json_uint(hub_row_uint(row, "changes")));
    hub_json_set(object, "number", hub_json_uint(hub_row_uint(row, "number")));
    hub_json_set(object, "claimed", hub_json_time(hub_row_uint(row, "claimed_ms")));
    hub_json_set(object, "since", hub_json_time(hub_row_uint(row, "received_ms")));
    (void)json_array_append_new(review->rows, object);
}

/* ---- what a change holds */

static const struct policy_collection *collection_of(const struct review *review, struct bytes name)
{
    const struct policy *policy = hub_store_policy(review->store);
    return policy != NULL ? policy_collection(policy, name) : NULL;
}

/* What a person may see of a value; NULL: not even that there is one. */
static json_t *value_json(struct review *review, const struct policy_field *field,
                          struct bytes value, enum mask_place place)
{
    if (value_is_nil(value))
        return NULL;
    enum mask mask = mask_of(field, value, place);
    if (mask == MASK_AWAY || field == NULL)
        return NULL;
    if (mask == MASK_WHOLE || value_to_text(field, value, review->text, VALUE_BYTES_MAX) != OK)
        return json_string(MASK_TEXT);
    if (mask == MASK_NONE)
        return json_string(review->text);
    mask_part(review->text, review->part, VALUE_BYTES_MAX);
    return json_string(review->part);
}

static void row_short(void *ctx, const struct hub_row *row)
{
    char *text = ctx;
    const char *found = hub_row_text(row, "short");
    (void)snprintf(text, 24, "%s", found != NULL ? found : "");
}

/* Its short number: of a new record as it would be, else as the record has it. */
static enum err short_of(struct review *review, const char *node, const struct change *change,
                         const char *id, char ret[24])
{
    const char *const parameters[] = { id };
    ret[0] = '\0';
    if (change->op != OP_CREATE)
        return hub_store_list(review->store, HUB_LIST_FIND, parameters, row_short, ret);
    const char *last = strrchr(node, '.');
    if (change->number > 0)
        (void)snprintf(ret, 24, "%.8s-%04u", last != NULL ? last + 1 : node,
                       (unsigned)change->number);
    return OK;
}

/* Which record it is about. */
static enum err name_change(struct review *review, const char *node, const struct change *change,
                            json_t *object)
{
    char id[UUID_TEXT_BYTES], number[24];
    const struct policy_collection *collection = collection_of(review, change->collection);
    uuid_to_text(&change->record, id);
    enum err err = short_of(review, node, change, id, number);
    hub_json_set(object, "id", json_string(id));
    hub_json_set(object, "short", number[0] != '\0' ? json_string(number) : NULL);
    hub_json_set(object, "op", json_string(change_op_name(change->op)));
    hub_json_set(object, "collection", hub_json_text(change->collection));
    hub_json_set(object, "title",
                 collection != NULL && collection->title != NULL ? json_string(collection->title)
                                                                 : NULL);
    return err;
}

/* The fields that lists show, as lists show them. */
static json_t *summary_json(struct review *review, const struct change *change)
{
    const struct policy_collection *collection = collection_of(review, change->collection);
    json_t *object = json_object();
    for (size_t i = 0; collection != NULL && i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        struct bytes value = fields_get(change->fields, bytes_text(field->name));
        json_t *shown =
            field->summary && value.len > 0 ? value_json(review, field, value, MASK_LIST) : NULL;
        if (shown != NULL)
            hub_json_set(object, field->name, shown);
    }
    return object;
}

static enum err change_read(struct review *review, const char *leaf_hex, unsigned index,
                            struct change *ret_change)
{
    struct hash leaf;
    if (!crypto_unhex(bytes_text(leaf_hex), leaf.at, sizeof leaf.at))
        return ERR_STORE;
    return hub_store_change(review->store, &leaf, index, &review->plain, review->txn, ret_change);
}

static enum err row_read(struct review *review, json_t *row)
{
    struct change change;
    const char *leaf = json_string_value(json_object_get(row, "leaf"));
    enum err err = change_read(review, leaf != NULL ? leaf : "", 0, &change);
    if (err == OK)
        err = name_change(review, json_string_value(json_object_get(row, "node")), &change, row);
    if (err == OK)
        hub_json_set(row, "summary", summary_json(review, &change));
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err hub_review_rows(struct hub_admin *admin, enum lang lang, json_t **ret_rows)
{
    struct review review;
    enum err err = review_open(admin, lang, &review);
    if (err == OK)
        err = hub_store_list(review.store, HUB_LIST_REVIEW, NULL, row_review, &review);
    for (size_t i = 0; err == OK && i < json_array_size(review.rows) && i < SUMMARIES_MAX; i++)
        err = row_read(&review, json_array_get(review.rows, i));
    if (err == OK)
        *ret_rows = json_incref(review.rows);
    review_close(&review);
    return err;
}

void hub_cmd_review(struct hub_admin *admin, struct admin_call *call)
{
    json_t *rows = NULL;
    enum err err = hub_review_rows(admin, admin_call_lang(call), &rows);
    admin_row_all(call, rows);
    if (err == OK)
        admin_done(call, NULL);
    else
        hub_refuse(call, err, "review", "the database");
}

/* ---- one of them, whole */

struct present {
    const struct policy_collection *collection;
    json_t *values; /* of the record as it stands */
};

static void row_present(void *ctx, const struct hub_row *row)
{
    struct present *present = ctx;
    const struct policy_collection *collection = present->collection;
    for (size_t i = 0; i < collection->field_count; i++) {
        const char *value = hub_row_text(row, collection->fields[i].name);
        if (value != NULL && collection->fields[i].sensitivity <= SENSITIVITY_P)
            hub_json_set(present->values, collection->fields[i].name, json_string(value));
    }
}

/* Every value that would be merged, beside the one that stands. */
static enum err fields_json(struct review *review, const struct change *change, const char *id,
                            json_t *list)
{
    char name[IDENTIFIER_BYTES_MAX + 1];
    struct present present = { .collection = collection_of(review, change->collection),
                               .values = json_object() };
    enum err err = OK;
    if (change->op != OP_CREATE && present.collection != NULL) {
        const char *const record[] = { present.collection->name, id };
        err = hub_store_list(review->store, HUB_LIST_RECORD, record, row_present, &present);
    }
    struct field_iter iter = fields_of(change->fields);
    struct bytes key, value;
    while (fields_next(&iter, &key, &value)) {
        if (key.len == 0 || key.len > IDENTIFIER_BYTES_MAX)
            continue;
        memcpy(name, key.at, key.len);
        name[key.len] = '\0';
        const struct policy_field *field =
            present.collection != NULL ? policy_field(present.collection, key) : NULL;
        json_t *object = json_object();
        hub_json_set(object, "name", json_string(name));
        hub_json_set(object, "label",
                     field != NULL && field->label != NULL ? json_string(field->label) : NULL);
        hub_json_set(object, "empties", json_boolean(value_is_nil(value)));
        hub_json_set(object, "value", value_json(review, field, value, MASK_RECORD));
        hub_json_set(object, "now", json_incref(json_object_get(present.values, name)));
        (void)json_array_append_new(list, object);
    }
    json_decref(present.values);
    return err;
}

static enum err changes_json(struct review *review, const json_t *row, json_t *changes)
{
    const char *leaf = json_string_value(json_object_get(row, "leaf"));
    const char *node = json_string_value(json_object_get(row, "node"));
    json_int_t count = json_integer_value(json_object_get(row, "changes"));
    enum err err = OK;
    for (unsigned i = 0; err == OK && i < (unsigned)count; i++) {
        struct change change;
        json_t *object = json_object(), *fields = json_array();
        err = change_read(review, leaf, i, &change);
        if (err == OK)
            err = name_change(review, node, &change, object);
        if (err == OK)
            err = fields_json(review, &change, json_string_value(json_object_get(object, "id")),
                              fields);
        hub_json_set(object, "fields", fields);
        (void)json_array_append_new(changes, object);
    }
    return err;
}

enum err hub_review_whole(struct hub_admin *admin, enum lang lang, const char *leaf,
                          json_t **ret_whole)
{
    struct review review;
    json_t *row = NULL, *changes = json_array();
    size_t at;
    enum err err = review_open(admin, lang, &review);
    if (err == OK)
        err = hub_store_list(review.store, HUB_LIST_REVIEW, NULL, row_review, &review);
    json_array_foreach(review.rows, at, row) {
        if (strcmp(json_string_value(json_object_get(row, "leaf")), leaf) == 0)
            break;
    }
    if (err == OK && at == json_array_size(review.rows))
        err = ERR_NOT_FOUND;
    if (err == OK)
        err = changes_json(&review, row, changes);
    if (err == OK) {
        hub_json_set(row, "changes", json_incref(changes));
        *ret_whole = json_incref(row);
    }
    json_decref(changes);
    review_close(&review);
    return err;
}

void hub_cmd_review_show(struct hub_admin *admin, struct admin_call *call)
{
    const char *leaf;
    json_t *whole = NULL;
    if (!hub_arg_text(call, "leaf", &leaf))
        return;
    enum err err = hub_review_whole(admin, admin_call_lang(call), leaf, &whole);
    const struct hub_looked looked = {
        .op = ACCESS_LOOK,
        .what = "review",
        .count = json_array_size(json_object_get(whole, "changes")),
    };
    if (err == OK && hub_ask_log(admin, call, NULL, &looked))
        admin_done(call, json_incref(whole));
    else if (err != OK)
        hub_refuse(call, err, "review",
                   err == ERR_NOT_FOUND ? "no such work waits" : "the database");
    json_decref(whole);
}
