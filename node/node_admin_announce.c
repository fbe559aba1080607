/* Announcements, who has read them and where they were passed on; messages of the forum; news of
 * the rules. */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "node/node_admin_draft.h"
#include "node/node_announce.h"
#include "proto/admin_coverage.h"

#define FORUM_ROWS_DEFAULT 20
#define FORUM_ROWS_MAX 200

/* ---- who asks */

/* A receipt is the office's own, unless who acts is there for less than that. */
static void office_of(struct node_admin *admin, struct announce_office *ret)
{
    struct node_store *store = admin->parts.store;
    const struct policy *policy = node_store_policy(store);
    const struct trust *trust = node_store_trust(store);
    const struct trust_operator *op = node_store_operator(store);
    struct node_identity identity;
    *ret = (struct announce_office){ .wall_ms = node_admin_claim_ms(admin) };
    if (node_store_identity(store, &identity) == OK)
        memcpy(ret->node, identity.node, sizeof ret->node);
    const struct trust_node *node = trust_node(trust, bytes_text(ret->node));
    if (node != NULL)
        memcpy(ret->area, node->area, sizeof ret->area);
    if (op != NULL && !area_within(bytes_text(ret->area), bytes_text(op->area)))
        memcpy(ret->area, op->area, sizeof ret->area);
    ret->author = policy != NULL ? node_admin_author(admin, policy) : 0;
}

static json_t *field_text(struct node_admin *admin, const struct record_view *view,
                          const struct policy_field *field)
{
    struct bytes raw = record_view_value(view, field);
    return raw.len > 0 ? node_json_masked(admin, field, raw, MASK_RECORD) : NULL;
}

/* ---- announcements */

static json_t *announced_json(struct node_admin *admin, const struct announced *one)
{
    const struct record_view *view;
    json_t *row = json_object();
    node_json_set(row, "id", node_json_uuid(&one->id));
    node_json_set(row, "short", json_string(one->short_text));
    node_json_set(row, "collection", json_string(one->collection->name));
    if (node_store_view(admin->parts.store, &one->id, &view) == OK)
        node_json_set(row, "title", field_text(admin, view, announce_title(one->collection)));
    node_json_set(row, "since", one->since[0] != '\0' ? json_string(one->since) : NULL);
    node_json_set(row, "must_read", json_boolean(one->must));
    node_json_set(row, "asked", json_boolean(one->asked));
    node_json_set(row, "read", json_boolean(one->read));
    node_json_set(row, "read_on", one->read_on[0] != '\0' ? json_string(one->read_on) : NULL);
    return row;
}

void node_cmd_announcements(struct node_admin *admin, struct admin_call *call)
{
    bool unread = json_is_true(json_object_get(admin_call_args(call), "unread"));
    struct announce_office office;
    struct announced *list = NULL;
    size_t count = 0;
    office_of(admin, &office);
    enum err err = node_announced(admin->parts.store, &office, &list, &count);
    if (err != OK) {
        node_admin_refuse(call, err, "announcements", NULL);
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!unread || (list[i].asked && !list[i].read))
            admin_row(call, announced_json(admin, &list[i]));
    free(list);
    admin_done(call, NULL);
}

/* Whoever acts was shown the record. Says in `done` what came of it. */
void node_admin_shown(struct node_admin *admin, const struct id *record, json_t *done)
{
    static const char *const names[] = {
        [RECEIPT_NONE] = NULL, [RECEIPT_THERE] = "there", [RECEIPT_MADE] = "made"
    };
    struct announce_office office;
    struct problem problem = { .code = OK };
    enum receipt receipt = RECEIPT_NONE;
    office_of(admin, &office);
    enum err err =
        node_receipt(admin->parts.store, admin->parts.entry, &office, record, &receipt, &problem);
    if (err != OK) /* read it was; the next look tries again */
        log_warning("no receipt was made code=%s", err_name(err));
    if (names[receipt] != NULL)
        node_json_set(done, "receipt", json_string(names[receipt]));
    if (receipt == RECEIPT_MADE) {
        admin->unread_known = false;
        node_admin_changed(admin);
    }
}

/* ---- attention and status */

enum err node_announce_rows(struct node_admin *admin, enum lang lang, json_t *rows)
{
    struct announce_office office;
    struct announced *list = NULL;
    size_t count = 0;
    office_of(admin, &office);
    enum err err = node_announced(admin->parts.store, &office, &list, &count);
    if (err != OK)
        return err;
    for (size_t i = 0; i < count; i++) {
        if (!list[i].asked || !list[i].must || list[i].read)
            continue;
        json_t *row = announced_json(admin, &list[i]);
        node_json_set(row, "kind", json_string("unread"));
        node_json_set(row, "reason", NULL);
        node_json_set(row, "reason_text",
                      json_sprintf("%s: `tkskctl %s %s`",
                                   json_is_string(json_object_get(row, "title"))
                                       ? json_string_value(json_object_get(row, "title"))
                                       : "",
                                   lang == LANG_ID ? "lihat" : "show", list[i].short_text));
        node_json_set(row, "field", NULL);
        node_json_set(row, "what",
                      json_string(lang == LANG_ID ? "wajib dibaca; `tkskctl lihat ID`"
                                                  : "is to be read; `tkskctl show ID`"));
        json_array_append_new(rows, row);
    }
    free(list);
    return OK;
}

static bool same_mark(const struct unread_mark *a, const struct unread_mark *b)
{
    return a->trust == b->trust && a->rules == b->rules && a->epoch == b->epoch &&
           a->number == b->number && a->entries == b->entries && strcmp(a->name, b->name) == 0;
}

/* What is unread changes with the feed, with entries, and with who asks. */
static enum err unread_mark(struct node_admin *admin, struct unread_mark *ret)
{
    struct node_store *store = admin->parts.store;
    const struct policy_mark rules = node_store_policy_mark(store);
    struct cursor cursor;
    memset(ret, 0, sizeof *ret);
    ret->trust = rules.trust_version;
    ret->rules = rules.rules_version;
    enum err err = node_store_cursor(store, FEED_RECORDS, &cursor);
    for (enum lane lane = LANE_URGENT; err == OK && lane < LANE_COUNT; lane++) {
        struct node_lane at;
        err = node_store_lane(store, lane, &at);
        ret->entries += err == OK ? at.highest + at.acked : 0;
    }
    ret->epoch = err == OK ? cursor.epoch : 0;
    ret->number = err == OK ? cursor.number : 0;
    (void)snprintf(ret->name, sizeof ret->name, "%s", admin->name);
    return err;
}

enum err node_announce_status(struct node_admin *admin, bool open, json_t *done,
                              uint64_t *ret_unread)
{
    struct unread_mark mark;
    struct announce_office office;
    enum err err = OK;
    *ret_unread = 0;
    if (!open || !node_store_unlocked(admin->parts.store)) {
        node_json_set(done, "unread", NULL);
        return OK;
    }
    err = unread_mark(admin, &mark);
    bool same = admin->unread_known && same_mark(&mark, &admin->unread_mark);
    if (err == OK && !same) {
        office_of(admin, &office);
        err = node_announced_unread(admin->parts.store, &office, &admin->unread);
        admin->unread_known = err == OK;
        admin->unread_mark = mark;
    }
    if (err != OK)
        return err;
    *ret_unread = admin->unread;
    node_json_set(done, "unread", node_json_uint(admin->unread));
    return OK;
}

/* ---- coverage */

struct covering {
    struct node_admin *admin;
    const struct policy_field *of, *place, *when;
    const struct id *record;
    json_t *found; /* area → {"count", "on"} */
};

static void covering_add(void *ctx, const struct record_view *view)
{
    struct covering *all = ctx;
    struct id of;
    struct bytes area = record_view_value(view, all->place);
    if (area.len == 0 || !announce_reference(record_view_value(view, all->of), &of) ||
        !id_equal(&of, all->record))
        return;
    json_t *name = node_json_value(all->admin, all->place, area);
    json_t *on = field_text(all->admin, view, all->when);
    if (name != NULL)
        coverage_add(all->found, json_string_value(name), json_string_value(on));
    json_decref(name);
    json_decref(on);
}

/* Records of the link's collection that refer to `record`, by area. */
static enum err covering_read(struct node_admin *admin, const struct policy_link *link,
                              const struct id *record, unsigned *ret_level, json_t *found)
{
    struct node_store *store = admin->parts.store;
    const struct policy_collection *c =
        policy_collection(node_store_policy(store), bytes_text(link->collection));
    struct covering all = { .admin = admin, .record = record, .found = found };
    all.of = policy_field(c, bytes_text(link->field));
    all.place = announce_place(c, ret_level);
    all.when = announce_when(c);
    return node_announce_walk(store, c->name, covering_add, &all);
}

/* Audience of the record at hand; a copy, since the view goes with the next call. */
struct audience_copy {
    const struct policy_collection *collection;
    struct bytes raw;
    uint8_t space[4096];
    char area[NODE_TEXT_MAX + 1]; /* of the record */
};

static void audience_take(struct audience_copy *copy, const struct policy_collection *c,
                          const struct record_view *view)
{
    struct bytes raw = c->audience == AUDIENCE_FIELD
                           ? record_view_value(view, &c->fields[c->audience_field])
                           : bytes_of(NULL, 0);
    struct bytes area = record_view_value(view, &c->fields[c->area_field]);
    struct reader reader = reader_of(area);
    struct bytes text = area.len > 0 ? reader_str(&reader) : area;
    copy->collection = c;
    copy->area[0] = '\0';
    if (raw.len > sizeof copy->space)
        raw.len = 0;
    if (raw.len > 0)
        memcpy(copy->space, raw.at, raw.len);
    copy->raw = bytes_of(copy->space, raw.len);
    if (reader.err == OK)
        (void)snprintf(copy->area, sizeof copy->area, "%.*s", (int)text.len, (const char *)text.at);
}

static bool audience_has(const void *ctx, const char *area)
{
    const struct audience_copy *audience = ctx;
    return audience->collection->audience == AUDIENCE_AREA ||
           announce_in_audience(audience->collection, audience->raw, bytes_text(area));
}

void node_cmd_coverage(struct node_admin *admin, struct admin_call *call)
{
    struct node_store *store = admin->parts.store;
    const struct policy *policy = node_store_policy(store);
    const struct policy_collection *c = NULL;
    const struct record_view *view;
    struct audience_copy audience;
    struct announce_office office;
    struct bytes text;
    struct id record;
    char today[11];
    unsigned level = 0, receipt_level = 0;
    if (!node_arg_needed(call, "id", &text) || !node_arg_record(admin, call, text, &record))
        return;
    enum err err = node_store_view(store, &record, &view);
    if (err == OK && policy != NULL)
        c = policy_collection(policy, view->collection);
    if (err != OK || c == NULL ||
        (c->read_by.collection == NULL && c->covered_by.collection == NULL)) {
        node_admin_refuse(call, err != OK ? err : ERR_STATE, "record",
                          err != OK ? NULL : "nobody confirms reading it, or passing it on");
        return;
    }
    audience_take(&audience, c, view);
    date_of_ms(node_admin_claim_ms(admin), today);
    json_t *done = json_object(), *receipts = json_object(), *covered = json_object();
    node_json_set(done, "id", node_json_uuid(&record));
    node_json_set(done, "short", node_json_bytes(view->short_text));
    node_json_set(done, "collection", json_string(c->name));
    node_json_set(done, "title", field_text(admin, view, announce_title(c)));
    office_of(admin, &office);
    const struct trust_node *node = trust_node(node_store_trust(store), bytes_text(office.node));
    /* Of offices and areas beyond its own it does not know. */
    const struct coverage coverage = { .policy = policy,
                                       .trust = node_store_trust(store),
                                       .area = audience.area,
                                       .within = node != NULL ? node->area : office.area,
                                       .audience_has = audience_has,
                                       .ctx = &audience };
    if (c->read_by.collection != NULL)
        err = covering_read(admin, &c->read_by, &record, &receipt_level, receipts);
    if (err == OK && c->covered_by.collection != NULL)
        err = covering_read(admin, &c->covered_by, &record, &level, covered);
    if (err == OK && c->read_by.collection != NULL)
        admin_row_all(call, coverage_offices(&coverage, receipts));
    if (err == OK && c->covered_by.collection != NULL)
        admin_row_all(call, coverage_areas(&coverage, level, today, covered));
    json_decref(receipts);
    json_decref(covered);
    if (err == OK) {
        admin_done(call, done);
        return;
    }
    json_decref(done);
    node_admin_refuse(call, err, "coverage", NULL);
}

/* ---- forum */

static const struct policy_collection *forum_of(struct node_admin *admin, struct admin_call *call)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *forum = policy != NULL ? announce_forum(policy) : NULL;
    if (forum == NULL)
        node_admin_refuse(call, ERR_STATE, "forum", "the policy of this district has none");
    return forum;
}

struct posted {
    struct id id;
    uint64_t number; /* of the journal; UINT64_MAX: not there yet */
};

struct posts {
    struct posted list[FORUM_ROWS_MAX]; /* oldest first */
    size_t count, max;
    const struct policy_collection *forum;
};

static bool is_before(const struct posted *a, const struct posted *b)
{
    return a->number != b->number ? a->number < b->number
                                  : memcmp(a->id.at, b->id.at, ID_BYTES) < 0;
}

/* The order is that of the district's journal; what has not arrived there comes last. */
static void message_add(void *ctx, const struct record_view *view)
{
    struct posts *all = ctx;
    struct posted one = { .id = view->id, .number = UINT64_MAX };
    const char *name = all->forum->fields[all->forum->area_field].name;
    const struct view_field *area = record_view_field(view, name);
    if (area != NULL && area->rev > 0)
        one.number = area->rev;
    if (all->count == all->max) {
        if (is_before(&one, &all->list[0]))
            return;
        memmove(all->list, all->list + 1, --all->count * sizeof one);
    }
    size_t at = all->count++;
    for (; at > 0 && is_before(&one, &all->list[at - 1]); at--)
        all->list[at] = all->list[at - 1];
    all->list[at] = one;
}

struct poster {
    struct node_admin *admin;
    json_t *row;
};

static void author_told(void *ctx, const struct told_change *told)
{
    struct poster *author = ctx;
    if (json_object_get(author->row, "node") != NULL)
        return;
    node_json_set(author->row, "node", told->node.len > 0 ? node_json_bytes(told->node) : NULL);
    node_json_set(author->row, "operator_name",
                  node_json_operator(author->admin, told->operator_number));
    node_json_set(author->row, "claimed", node_json_time(told->claimed_ms));
}

static void author_own(void *ctx, const struct own_change *own)
{
    struct poster *author = ctx;
    struct node_identity identity;
    if (own->op != OP_CREATE || json_object_get(author->row, "node") != NULL)
        return;
    bool known = node_store_identity(author->admin->parts.store, &identity) == OK;
    node_json_set(author->row, "node", known ? json_string(identity.node) : NULL);
    node_json_set(author->row, "operator_name", node_json_operator(author->admin, own->author));
    node_json_set(author->row, "claimed", node_json_time(own->queued_wall_ms));
}

static enum err message_row(struct node_admin *admin, struct admin_call *call,
                            const struct policy_collection *forum, const struct posted *message)
{
    struct node_store *store = admin->parts.store;
    const struct record_view *view;
    struct poster author = { .admin = admin, .row = json_object() };
    struct id answered = { { 0 } };
    enum err err = node_store_view(store, &message->id, &view);
    if (err == OK) {
        if (forum->reply >= 0)
            (void)announce_reference(record_view_value(view, &forum->fields[forum->reply]),
                                     &answered);
        node_json_set(author.row, "id", node_json_uuid(&message->id));
        node_json_set(author.row, "short", node_json_bytes(view->short_text));
        node_json_set(author.row, "state", json_string(node_state_of(view)));
        node_json_set(author.row, "text", field_text(admin, view, &forum->fields[forum->message]));
        err = node_store_changes(store, &message->id, false, author_own, &author);
    }
    if (err == OK)
        err = node_store_told(store, &message->id, author_told, &author);
    if (err == OK && !id_is_zero(&answered)) {
        bool here = node_store_view(store, &answered, &view) == OK;
        node_json_set(author.row, "answers", node_json_uuid(&answered));
        node_json_set(author.row, "answers_short", here ? node_json_bytes(view->short_text) : NULL);
    }
    if (err != OK)
        json_decref(author.row);
    else
        admin_row(call, author.row);
    return err;
}

void node_cmd_forum_list(struct node_admin *admin, struct admin_call *call)
{
    json_int_t max = json_integer_value(json_object_get(admin_call_args(call), "max"));
    struct posts *all = calloc(1, sizeof *all);
    if (all == NULL) {
        node_admin_refuse(call, ERR_MEMORY, "forum", NULL);
        return;
    }
    all->max = max <= 0 ? FORUM_ROWS_DEFAULT : max < FORUM_ROWS_MAX ? (size_t)max : FORUM_ROWS_MAX;
    all->forum = forum_of(admin, call);
    if (all->forum != NULL) {
        enum err err = node_announce_walk(admin->parts.store, all->forum->name, message_add, all);
        for (size_t i = 0; i < all->count && err == OK; i++)
            err = message_row(admin, call, all->forum, &all->list[i]);
        if (err != OK)
            node_admin_refuse(call, err, "forum", NULL);
        else
            admin_done(call, NULL);
    }
    free(all);
}

void node_cmd_forum_post(struct node_admin *admin, struct admin_call *call)
{
    struct bytes text, to = node_arg_text(admin_call_args(call), "to");
    const struct policy_collection *forum = forum_of(admin, call);
    struct announce_office office;
    struct announce_fields fields;
    struct entry_field given[2];
    struct entering entering;
    uint8_t space[ID_BYTES + 2];
    struct writer reply = writer_of(space, sizeof space);
    struct id answered;
    size_t count = 1;
    if (forum == NULL || !node_arg_needed(call, "text", &text))
        return;
    given[0] = (struct entry_field){ .name = bytes_text(forum->fields[forum->message].name),
                                     .text = text };
    if (to.len > 0 && forum->reply < 0) {
        node_admin_refuse(call, ERR_USAGE, "--to", "messages of this forum answer no other");
        return;
    }
    if (to.len > 0) {
        if (!node_arg_record(admin, call, to, &answered))
            return;
        writer_bin(&reply, bytes_id(&answered));
        must(reply.err == OK);
        given[count++] = (struct entry_field){ .name = bytes_text(forum->fields[forum->reply].name),
                                               .value = writer_bytes(&reply) };
    }
    if (!node_entering_open(admin, call, 1, &entering))
        return;
    if (!node_entering_answered(&entering)) {
        office_of(admin, &office);
        announce_fill(forum, &office, given, count, &fields);
        entering.changes[0].op = OP_CREATE;
        entering.changes[0].collection = bytes_text(forum->name);
        entering.changes[0].fields = fields.list;
        entering.changes[0].field_count = fields.count;
        node_entering_submit(&entering);
    }
    node_entering_close(&entering);
}
