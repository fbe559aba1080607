#include "node/node_announce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/must.h"
#include "proto/value.h"

#define PAGE 256

static struct bytes text_of(const struct record_view *view, const struct policy_field *field)
{
    return value_string(record_view_value(view, field));
}

/* `each` for all records of a collection that are not deleted. */
struct walk {
    struct id at;
    unsigned seen;
    node_record_callback *each;
    void *ctx;
};

static void walk_one(void *ctx, const struct record_view *view)
{
    struct walk *walk = ctx;
    walk->seen++;
    walk->at = view->id;
    if (!view->deleted)
        walk->each(walk->ctx, view);
}

enum err node_announce_walk(struct node_store *store, const char *collection,
                            node_record_callback *each, void *ctx)
{
    struct walk walk = { .each = each, .ctx = ctx };
    enum err err = OK;
    do {
        walk.seen = 0;
        const struct id after = walk.at;
        err = node_store_list(store, bytes_text(collection), &after, PAGE, walk_one, &walk);
    } while (err == OK && walk.seen == PAGE);
    return err;
}

/* ---- receipts of this office */

struct receipt_seen {
    struct id of;
    char on[32];
};

struct receipts {
    const struct announce_office *office;
    const struct policy_collection *collection;
    const struct policy_field *of;
    const struct id *only; /* NULL: all */
    struct receipt_seen *list;
    size_t count, cap;
    enum err err;
};

static void receipt_add(void *ctx, const struct record_view *view)
{
    struct receipts *all = ctx;
    const struct policy_field *area = &all->collection->fields[all->collection->area_field];
    const struct policy_field *when = announce_when(all->collection);
    struct receipt_seen one = { .on = "" };
    if (all->err != OK || !announce_reference(record_view_value(view, all->of), &one.of) ||
        !bytes_equal(text_of(view, area), bytes_text(all->office->area)))
        return;
    if (all->only != NULL && !id_equal(all->only, &one.of))
        return;
    struct bytes raw = record_view_value(view, when);
    if (raw.len > 0 && value_to_text(when, raw, one.on, sizeof one.on) != OK)
        one.on[0] = '\0';
    if (all->count == all->cap) {
        size_t cap = all->cap == 0 ? 64 : 2 * all->cap;
        struct receipt_seen *grown = realloc(all->list, cap * sizeof *grown);
        if (grown == NULL) {
            all->err = ERR_MEMORY;
            return;
        }
        all->list = grown;
        all->cap = cap;
    }
    all->list[all->count++] = one;
}

static enum err receipts_read(struct node_store *store, struct receipts *all)
{
    enum err err = node_announce_walk(store, all->collection->name, receipt_add, all);
    return err != OK ? err : all->err;
}

/* ---- announcements */

/* Whoever acts writes the receipt's reference and its area, and the office's area fits there. */
static bool may_confirm(const struct policy_collection *receipts, const struct policy_field *of,
                        const struct announce_office *office)
{
    char today[11];
    const struct policy_field *area = &receipts->fields[receipts->area_field];
    unsigned level = area_level(bytes_text(office->area));
    date_of_ms(office->wall_ms, today);
    return (of->authority & office->author) != 0 && (area->authority & office->author) != 0 &&
           (area->area_level == 0 || area->area_level == level) &&
           (receipts->until == NULL || strcmp(today, receipts->until) < 0);
}

struct gathering {
    const struct announce_office *office;
    const struct policy_collection *collection;
    const struct receipts *receipts;
    bool may;
    struct announced *list;
    size_t count, cap;
    enum err err;
};

static bool is_asked(const struct gathering *all, const struct record_view *view)
{
    const struct policy_collection *c = all->collection;
    struct bytes office = bytes_text(all->office->area);
    struct bytes audience = c->audience == AUDIENCE_FIELD
                                ? record_view_value(view, &c->fields[c->audience_field])
                                : bytes_of(NULL, 0);
    return all->may && view->confirmed &&
           !bytes_equal(text_of(view, &c->fields[c->area_field]), office) &&
           (c->audience == AUDIENCE_AREA || announce_in_audience(c, audience, office));
}

static void announced_add(void *ctx, const struct record_view *view)
{
    struct gathering *all = ctx;
    const struct policy_collection *c = all->collection;
    struct announced one = { .collection = c, .id = view->id };
    struct bytes since =
        c->date_field >= 0 ? text_of(view, &c->fields[c->date_field]) : bytes_of(NULL, 0);
    if (all->err != OK)
        return;
    if (all->count == all->cap) {
        size_t cap = all->cap == 0 ? 64 : 2 * all->cap;
        struct announced *grown = realloc(all->list, cap * sizeof *grown);
        if (grown == NULL) {
            all->err = ERR_MEMORY;
            return;
        }
        all->list = grown;
        all->cap = cap;
    }
    (void)snprintf(one.short_text, sizeof one.short_text, "%.*s", (int)view->short_text.len,
                   (const char *)view->short_text.at);
    (void)snprintf(one.since, sizeof one.since, "%.*s", (int)since.len, (const char *)since.at);
    if (c->must_read >= 0) {
        struct bytes raw = record_view_value(view, &c->fields[c->must_read]);
        struct reader must = reader_of(raw);
        one.must = raw.len > 0 && reader_bool(&must) && must.err == OK;
    }
    one.asked = is_asked(all, view);
    for (size_t i = 0; i < all->receipts->count; i++) {
        if (!id_equal(&all->receipts->list[i].of, &view->id))
            continue;
        one.read = true;
        memcpy(one.read_on, all->receipts->list[i].on, sizeof one.read_on);
        break;
    }
    all->list[all->count++] = one;
}

static int newest_first(const void *left, const void *right)
{
    const struct announced *a = left, *b = right;
    int order = strcmp(b->since, a->since);
    return order != 0 ? order : memcmp(b->id.at, a->id.at, ID_BYTES);
}

static enum err gather(struct node_store *store, const struct policy *policy, struct gathering *all)
{
    struct receipts receipts = { .office = all->office };
    receipts.collection = announce_receipts(policy, all->collection, &receipts.of);
    if (receipts.collection == NULL)
        return OK;
    enum err err = receipts_read(store, &receipts);
    all->receipts = &receipts;
    all->may = may_confirm(receipts.collection, receipts.of, all->office);
    if (err == OK)
        err = node_announce_walk(store, all->collection->name, announced_add, all);
    free(receipts.list);
    all->receipts = NULL;
    return err != OK ? err : all->err;
}

enum err node_announced(struct node_store *store, const struct announce_office *office,
                        struct announced **ret_list, size_t *ret_count)
{
    const struct policy *policy = node_store_policy(store);
    struct gathering all = { .office = office };
    enum err err = OK;
    for (size_t i = 0; policy != NULL && i < policy->collection_count && err == OK; i++) {
        all.collection = &policy->collections[i];
        err = gather(store, policy, &all);
    }
    if (err != OK) {
        free(all.list);
        return err;
    }
    if (all.count > 1)
        qsort(all.list, all.count, sizeof *all.list, newest_first);
    *ret_list = all.list;
    *ret_count = all.count;
    return OK;
}

enum err node_announced_unread(struct node_store *store, const struct announce_office *office,
                               unsigned *ret_unread)
{
    struct announced *list = NULL;
    size_t count = 0;
    unsigned unread = 0;
    enum err err = node_announced(store, office, &list, &count);
    if (err != OK)
        return err;
    for (size_t i = 0; i < count; i++)
        unread += list[i].asked && list[i].must && !list[i].read;
    free(list);
    *ret_unread = unread;
    return OK;
}

/* ---- what nobody is asked for */

static bool is_given(const struct policy_field *field, const struct entry_field *given,
                     size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (bytes_is(given[i].name, field->name))
            return true;
    return false;
}

/* False: not a field that is filled so. */
static bool filled(const struct policy_collection *c, const struct policy_field *field,
                   const struct announce_office *office, struct writer *out)
{
    char today[11];
    bool wanted = field->required || field == announce_when(c);
    if (field->computed || field->default_value.len > 0 || field->until != NULL)
        return false;
    if (field == &c->fields[c->area_field]) {
        writer_text(out, office->area);
    } else if (wanted && field->type == FIELD_DATE) {
        date_of_ms(office->wall_ms, today);
        writer_text(out, today);
    } else if (wanted && field->type == FIELD_TIME) {
        writer_uint(out, office->wall_ms);
    } else {
        return false;
    }
    return out->err == OK;
}

void announce_fill(const struct policy_collection *collection, const struct announce_office *office,
                   const struct entry_field *given, size_t given_count,
                   struct announce_fields *ret_fields)
{
    must(given_count <= COUNT_OF(ret_fields->list));
    ret_fields->used = 0;
    ret_fields->count = given_count;
    memcpy(ret_fields->list, given, given_count * sizeof *given);
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        uint8_t *at = ret_fields->space + ret_fields->used;
        struct writer out = writer_of(at, sizeof ret_fields->space - ret_fields->used);
        if (is_given(field, given, given_count) ||
            ret_fields->count == COUNT_OF(ret_fields->list) ||
            !filled(collection, field, office, &out))
            continue;
        ret_fields->list[ret_fields->count++] =
            (struct entry_field){ .name = bytes_text(field->name),
                                  .value = bytes_of(at, out.buf.len) };
        ret_fields->used += out.buf.len;
    }
}

/* ---- the receipt */

/* Names the receipt of this record under these rules: whoever asks again gets the same. A refusal
 * stands until the rules are others. */
static struct id receipt_request(const struct id *record, const struct policy *policy)
{
    char text[40];
    struct id request = { .at = { 0 } };
    (void)snprintf(text, sizeof text, "receipt %llu", (unsigned long long)policy->version);
    crypto_keyed_hash(bytes_id(record), bytes_text(text), request.at, ID_BYTES);
    return request;
}

static enum err receipt_submit(struct node_store *store, struct node_entry *entry,
                               const struct announce_office *office, const struct receipts *all,
                               enum receipt *ret_receipt, struct problem *problem)
{
    uint8_t space[ID_BYTES + 2];
    struct writer of = writer_of(space, sizeof space);
    struct announce_fields fields;
    struct warnings warnings = { .count = 0 };
    struct hash leaf;
    struct bytes stored;
    uint64_t seq = 0;
    unsigned failed = 0;
    const struct id request_id = receipt_request(all->only, node_store_policy(store));
    if (node_store_answer(store, &request_id, &stored) == OK) {
        *ret_receipt = RECEIPT_THERE;
        return OK;
    }
    writer_bin(&of, bytes_id(all->only));
    must(of.err == OK);
    const struct entry_field given = { .name = bytes_text(all->of->name),
                                       .value = writer_bytes(&of) };
    announce_fill(all->collection, office, &given, 1, &fields);
    struct entry_change change = { .op = OP_CREATE,
                                   .collection = bytes_text(all->collection->name),
                                   .fields = fields.list,
                                   .field_count = fields.count };
    const struct entry_request request = { .request = request_id,
                                           .wall_ms = office->wall_ms,
                                           .lane = LANE_OF_POLICY,
                                           .changes = &change,
                                           .change_count = 1 };
    enum err err = node_entry_submit(entry, &request, &leaf, &seq, &failed, problem, &warnings);
    if (err == OK)
        *ret_receipt = RECEIPT_MADE;
    return err;
}

enum err node_receipt(struct node_store *store, struct node_entry *entry,
                      const struct announce_office *office, const struct id *record,
                      enum receipt *ret_receipt, struct problem *problem)
{
    const struct policy *policy = node_store_policy(store);
    const struct record_view *view;
    struct receipts receipts = { .office = office, .only = record };
    struct gathering all = { .office = office };
    enum err err = policy != NULL ? node_store_view(store, record, &view) : ERR_NOT_FOUND;
    if (err == ERR_NOT_FOUND) {
        *ret_receipt = RECEIPT_NONE;
        return OK;
    }
    if (err != OK)
        return err;
    all.collection = policy_collection(policy, view->collection);
    if (all.collection != NULL)
        receipts.collection = announce_receipts(policy, all.collection, &receipts.of);
    all.may = receipts.collection != NULL && may_confirm(receipts.collection, receipts.of, office);
    if (view->deleted || receipts.collection == NULL || !is_asked(&all, view)) {
        *ret_receipt = RECEIPT_NONE;
        return OK;
    }
    err = receipts_read(store, &receipts);
    bool there = receipts.count > 0;
    free(receipts.list);
    if (err == OK && there)
        *ret_receipt = RECEIPT_THERE;
    return err != OK || there
               ? err
               : receipt_submit(store, entry, office, &receipts, ret_receipt, problem);
}
