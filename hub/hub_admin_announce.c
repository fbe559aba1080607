/* Who has read an announcement, and where it was passed on, in the whole district. */
#include <stdio.h>

#include "hub/hub_admin_inside.h"
#include "proto/admin_coverage.h"
#include "proto/value.h"

/* ---- the record */

struct announcement {
    unsigned count; /* records of that number */
    char id[UUID_TEXT_BYTES];
    char collection[IDENTIFIER_BYTES_MAX + 1];
    char short_text[24];
    const struct policy_collection *c;
    char area[NODE_TEXT_MAX + 1];
    json_t *audience; /* areas; NULL: every office */
    json_t *title;
    json_t *matches;
};

static void copy_text(const struct hub_row *row, const char *name, char *ret, size_t cap)
{
    const char *text = hub_row_text(row, name);
    (void)snprintf(ret, cap, "%s", text != NULL ? text : "");
}

static void row_found(void *ctx, const struct hub_row *row)
{
    struct announcement *a = ctx;
    a->count++;
    copy_text(row, "id", a->id, sizeof a->id);
    copy_text(row, "collection", a->collection, sizeof a->collection);
    copy_text(row, "short", a->short_text, sizeof a->short_text);
    json_array_append_new(a->matches, json_pack("{s:s, s:s, s:s}", "id", a->id, "short",
                                                a->short_text, "collection", a->collection));
}

static void row_record(void *ctx, const struct hub_row *row)
{
    struct announcement *a = ctx;
    const struct policy_collection *c = a->c;
    const struct policy_field *title = announce_title(c);
    copy_text(row, c->fields[c->area_field].name, a->area, sizeof a->area);
    const char *text = title != NULL ? hub_row_text(row, title->name) : NULL;
    a->title = text != NULL ? json_string(text) : NULL;
    if (c->audience != AUDIENCE_FIELD)
        return;
    const struct policy_field *field = &c->fields[c->audience_field];
    text = hub_row_text(row, field->name);
    if (text != NULL && field->type == FIELD_LIST)
        a->audience = json_loads(text, 0, NULL);
    else if (text != NULL)
        a->audience = json_pack("[s]", text);
}

static bool audience_has(const void *ctx, const char *area)
{
    const struct announcement *a = ctx;
    size_t index;
    json_t *one;
    if (json_array_size(a->audience) == 0)
        return true;
    json_array_foreach(a->audience, index, one) {
        const char *code = json_string_value(one);
        if (code != NULL && announce_meets(bytes_text(code), bytes_text(area)))
            return true;
    }
    return false;
}

/* False: the call has ended. */
static bool record_read(struct hub_admin *admin, struct admin_call *call, const char *text,
                        struct announcement *a)
{
    struct hub_store *store = admin->daemon->store;
    const struct policy *policy = hub_store_policy(store);
    const char *const wanted[] = { text };
    enum err err = hub_store_list(store, HUB_LIST_FIND, wanted, row_found, a);
    if (err == OK && a->count > 1) {
        admin_row_all(call, json_incref(a->matches));
        hub_refuse(call, ERR_AMBIGUOUS, "the record", "the rows before this line");
        return false;
    }
    if (err == OK && a->count == 0)
        err = ERR_NOT_FOUND;
    if (err == OK && policy != NULL)
        a->c = policy_collection(policy, bytes_text(a->collection));
    if (err == OK && a->c != NULL && a->c->read_by.collection == NULL &&
        a->c->covered_by.collection == NULL) {
        hub_refuse(call, ERR_STATE, "the record", "nobody confirms reading it, or passing it on");
        return false;
    }
    const char *const record[] = { a->collection, a->id };
    if (err == OK)
        err = a->c != NULL ? hub_store_list(store, HUB_LIST_RECORD, record, row_record, a)
                           : ERR_NOT_FOUND;
    if (err == OK)
        return true;
    hub_refuse(call, err, "the record",
               err == ERR_NOT_FOUND ? "no record has this number, or an id that begins so"
                                    : "the database");
    return false;
}

/* ---- what refers to it */

struct referring {
    const struct policy_field *place, *when;
    json_t *found; /* area → {"count", "on"} */
};

static void row_referring(void *ctx, const struct hub_row *row)
{
    struct referring *all = ctx;
    const char *area = hub_row_text(row, all->place->name);
    const char *on = all->when != NULL ? hub_row_text(row, all->when->name) : NULL;
    if (area != NULL)
        coverage_add(all->found, area, on);
}

static enum err referring_read(struct hub_admin *admin, const struct policy_link *link,
                               const char *id, unsigned *ret_level, json_t *found)
{
    struct hub_store *store = admin->daemon->store;
    const char *const parameters[] = { link->collection, link->field, id };
    if (link->collection == NULL)
        return OK;
    const struct policy_collection *c =
        policy_collection(hub_store_policy(store), bytes_text(link->collection));
    struct referring all = { .found = found };
    all.place = announce_place(c, ret_level);
    all.when = announce_when(c);
    return hub_store_list(store, HUB_LIST_REFERRING, parameters, row_referring, &all);
}

/* ---- the answer */

void hub_cmd_coverage(struct hub_admin *admin, struct admin_call *call)
{
    struct announcement a = { .matches = json_array() };
    const char *text;
    char today[11];
    unsigned level = 0, receipt_level = 0;
    json_t *receipts = json_object(), *covered = json_object();
    if (hub_arg_text(call, "id", &text) && record_read(admin, call, text, &a)) {
        enum err err = referring_read(admin, &a.c->read_by, a.id, &receipt_level, receipts);
        if (err == OK)
            err = referring_read(admin, &a.c->covered_by, a.id, &level, covered);
        const struct coverage coverage = { .policy = hub_store_policy(admin->daemon->store),
                                           .trust = hub_store_trust(admin->daemon->store),
                                           .area = a.area,
                                           .audience_has = audience_has,
                                           .ctx = &a };
        date_of_ms(loop_wall_ms(), today);
        if (err == OK && a.c->read_by.collection != NULL)
            admin_row_all(call, coverage_offices(&coverage, receipts));
        if (err == OK && a.c->covered_by.collection != NULL)
            admin_row_all(call, coverage_areas(&coverage, level, today, covered));
        json_t *done = json_pack("{s:s, s:s, s:s}", "id", a.id, "short", a.short_text, "collection",
                                 a.collection);
        hub_json_set(done, "title", a.title != NULL ? json_incref(a.title) : NULL);
        if (err == OK)
            admin_done(call, json_incref(done));
        else
            hub_refuse(call, err, "coverage", "the database");
        json_decref(done);
    }
    json_decref(receipts);
    json_decref(covered);
    json_decref(a.matches);
    json_decref(a.audience);
    json_decref(a.title);
}
