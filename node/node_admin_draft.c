/* Drafts: shown, mended, entered by one command, thrown away. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_draft.h"
#include "node/node_answer.h"
#include "proto/value_form.h"

/* ---- the handle */

/* "D-3", "d-3" or "3"; 0: none of these. */
static uint64_t number_of(struct bytes text)
{
    uint64_t number = 0;
    size_t at = 0;
    if (text.len > 2 && (text.at[0] == 'D' || text.at[0] == 'd') && text.at[1] == '-')
        at = 2;
    if (text.len == at || text.len - at > 15)
        return 0;
    for (; at < text.len; at++) {
        if (text.at[at] < '0' || text.at[at] > '9')
            return 0;
        number = number * 10 + (uint64_t)(text.at[at] - '0');
    }
    return number;
}

static void refuse_gone(struct admin_call *call, enum err err, struct bytes text)
{
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(text.len < 60 ? text.len : 60),
             (const char *)text.at);
    node_admin_refuse(call, err == ERR_NOT_FOUND ? ERR_DRAFT_GONE : err, "draft", name);
}

/* The draft that the call names. False: the call has ended. */
static bool arg_draft(struct node_admin *admin, struct admin_call *call, struct draft **ret_draft)
{
    struct bytes text;
    if (!node_arg_needed(call, "draft", &text))
        return false;
    enum err err = node_store_draft_get(admin->parts.store, number_of(text), ret_draft);
    if (err == OK)
        return true;
    refuse_gone(call, err, text);
    return false;
}

/* ---- other values */

/* "2.nama" is a field of the second change, "nama" of the only one. False: refused. */
static bool change_named(struct admin_call *call, const struct draft *draft, const char **name,
                         unsigned *ret_index)
{
    char *end;
    unsigned long number = strtoul(*name, &end, 10);
    *ret_index = 0;
    if ((*name)[0] >= '1' && (*name)[0] <= '9' && *end == '.' && number <= draft->change_count) {
        *ret_index = (unsigned)number - 1;
        *name = end + 1;
        return true;
    }
    if (draft->change_count == 1)
        return true;
    char detail[PROBLEM_DETAIL_MAX];
    snprintf(detail, sizeof detail, "the draft has %u changes: 1.%.40s to %u.%.40s",
             draft->change_count, *name, draft->change_count, *name);
    node_admin_refuse(call, ERR_USAGE, *name, detail);
    return false;
}

static bool has_field(const struct draft_change *change, const char *name)
{
    for (size_t i = 0; i < change->field_count; i++) {
        if (bytes_is(change->fields[i].name, name))
            return true;
    }
    return false;
}

/* The name under which a value is kept; NULL: refused. */
static const char *field_named(struct node_admin *admin, struct admin_call *call,
                               const struct draft_change *change, const char *name, bool out)
{
    const struct policy_collection *collection = node_draft_collection(admin, change);
    const struct policy_field *field =
        collection != NULL ? policy_field_loose(collection, bytes_text(name)) : NULL;
    char detail[PROBLEM_DETAIL_MAX] = "";
    struct nearest nearest = { .typed = bytes_text(name) };
    if (field != NULL)
        return field->name;
    if (out && has_field(change, name))
        return name; /* a name that the policy does not have can only go */
    for (size_t i = 0; collection != NULL && i < collection->field_count; i++)
        nearest_add(&nearest, collection->fields[i].name, collection->fields[i].label);
    nearest_text(&nearest, detail, sizeof detail);
    node_admin_refuse(call, ERR_FIELD, name, detail);
    return NULL;
}

/* Puts the call's fields into the draft. null takes a value out; so does an empty one of a new
 * record. *ret_any: there were some. False: the call has ended. */
static bool take_fields(struct node_admin *admin, struct admin_call *call, struct draft *draft,
                        bool *ret_any)
{
    const json_t *object = json_object_get(admin_call_args(call), "fields");
    struct problem problem = { .code = OK };
    struct node_fields fields;
    bool good = true;
    enum err err = node_fields_open(object, &fields, &problem);
    if (err != OK)
        admin_fail(call, &problem);
    good = err == OK;
    for (size_t i = 0; good && i < fields.count; i++) {
        const char *name = (const char *)fields.list[i].name.at;
        bool null = json_is_null(json_object_get(object, name));
        struct bytes text = fields.list[i].text;
        unsigned index = 0;
        good = change_named(call, draft, &name, &index);
        if (!good)
            break;
        const struct draft_change *change = &draft->changes[index];
        bool out = null || (text.len == 0 && change->op == OP_CREATE);
        name = field_named(admin, call, change, name, out);
        good = name != NULL;
        if (good)
            err = node_draft_set(draft, index, bytes_text(name), out ? bytes_of(NULL, 0) : text);
        if (good && err != OK) {
            node_admin_refuse(call, err, "fields", err == ERR_LIMIT ? "at most 128" : NULL);
            good = false;
        }
    }
    *ret_any = fields.count > 0;
    node_fields_close(&fields);
    return good;
}

/* ---- a draft as a request */

/* "$2" for a record that this draft creates anew, the record that was entered in the stead of a
 * refused one, or NULL: it stays. The caller frees it. */
static char *renamed(struct node_admin *admin, const struct draft *draft, struct bytes part)
{
    struct id id, became;
    const struct record_view *view;
    char text[UUID_TEXT_BYTES];
    part = text_trim(part);
    if (!uuid_from_text(part, &id))
        return NULL;
    for (unsigned i = 0; i < draft->change_count; i++) {
        if (draft->changes[i].op != OP_CREATE || !id_equal(&draft->changes[i].record, &id))
            continue;
        snprintf(text, sizeof text, "$%u", i + 1);
        return strdup(text);
    }
    if (node_store_view(admin->parts.store, &id, &view) != ERR_NOT_FOUND ||
        node_store_corrected(admin->parts.store, &id, &became) != OK)
        return NULL;
    uuid_to_text(&became, text);
    return strdup(text);
}

/* References of a text, one or several, renamed where they must be; NULL: it stays. */
static char *renamed_all(struct node_admin *admin, const struct draft *draft, struct bytes text)
{
    size_t cap = text.len + LIST_ITEMS_MAX * UUID_TEXT_BYTES + 1, len = 0, start = 0;
    char *out = malloc(cap);
    bool any = false;
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != '|')
            continue;
        char *part = renamed(admin, draft, bytes_of(text.at + start, i - start));
        size_t part_len = part != NULL ? strlen(part) : i - start;
        if (len + part_len + 2 > cap) {
            free(part);
            break;
        }
        if (start > 0)
            out[len++] = '|';
        if (part_len > 0)
            memcpy(out + len, part != NULL ? part : (const char *)text.at + start, part_len);
        len += part_len;
        any = any || part != NULL;
        free(part);
        start = i + 1;
    }
    out[len] = '\0';
    if (any)
        return out;
    free(out);
    return NULL;
}

static bool open_fields(struct entering *entering, const struct draft *draft, unsigned index)
{
    const struct draft_change *from = &draft->changes[index];
    const struct policy_collection *collection = node_draft_collection(entering->admin, from);
    struct node_fields *fields = &entering->fields[index];
    fields->list = calloc(from->field_count + 1, sizeof *fields->list);
    fields->owned = calloc(from->field_count + 1, sizeof *fields->owned);
    if (fields->list == NULL || fields->owned == NULL)
        return false;
    for (; fields->count < from->field_count; fields->count++) {
        const struct draft_field *given = &from->fields[fields->count];
        const struct policy_field *field =
            collection != NULL ? policy_field(collection, given->name) : NULL;
        char *other = NULL;
        if (field != NULL && (field->type == FIELD_REFERENCE ||
                              (field->type == FIELD_LIST && field->element == FIELD_REFERENCE)))
            other = renamed_all(entering->admin, draft, given->text);
        fields->owned[fields->count] = other;
        fields->list[fields->count] =
            (struct entry_field){ .name = given->name,
                                  .text = other != NULL ? bytes_text(other) : given->text };
    }
    entering->changes[index].fields = fields->list;
    entering->changes[index].field_count = fields->count;
    return true;
}

static void open_lane(struct entering *entering, const struct draft *draft)
{
    if (node_arg_text(admin_call_args(entering->call), "lane").len > 0)
        return;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        if (bytes_is(draft->lane, node_lane_name((enum lane)i)))
            entering->lane = (enum lane)i;
    }
}

/* False: the call has ended, and nothing is open. */
static bool open_request(struct node_admin *admin, struct admin_call *call,
                         const struct draft *draft, struct entering *ret)
{
    const struct record_view *view;
    bool good = true;
    if (!node_entering_open(admin, call, draft->change_count, ret))
        return false;
    ret->draft = draft;
    open_lane(ret, draft);
    for (unsigned i = 0; good && i < draft->change_count; i++) {
        const struct draft_change *from = &draft->changes[i];
        struct entry_change *change = &ret->changes[i];
        struct id became;
        change->group = from->group;
        change->op = from->op;
        change->collection = from->collection;
        if (from->op == OP_CREATE)
            change->instead_of = from->record;
        else
            change->record = from->record;
        if (from->op != OP_CREATE &&
            node_store_view(admin->parts.store, &from->record, &view) == ERR_NOT_FOUND &&
            node_store_corrected(admin->parts.store, &from->record, &became) == OK)
            change->record = became;
        good = open_fields(ret, draft, i);
    }
    if (good)
        return true;
    node_entering_close(ret);
    node_admin_refuse(call, ERR_MEMORY, "draft", NULL);
    return false;
}

/* ---- commands */

void node_cmd_draft_list(struct node_admin *admin, struct admin_call *call)
{
    json_t *rows = json_array();
    enum err err = node_draft_rows(admin, admin_call_lang(call), true, rows);
    admin_row_all(call, rows);
    if (err != OK)
        node_admin_refuse(call, err, "draft", NULL);
    else
        admin_done(call, NULL);
}

/* The draft with all its values and all that is wrong. False: the call has ended. */
static bool show(struct node_admin *admin, struct admin_call *call, struct draft *draft,
                 json_t **ret_done, struct problem *ret_first, unsigned *ret_failed)
{
    struct entering entering;
    if (!open_request(admin, call, draft, &entering))
        return false;
    json_t *problems = node_draft_problems(&entering, draft, ret_first, ret_failed);
    node_entering_close(&entering);
    *ret_done = node_draft_json(admin, admin_call_lang(call), draft);
    node_json_set(*ret_done, "problems", problems);
    return true;
}

void node_cmd_draft_show(struct node_admin *admin, struct admin_call *call)
{
    struct draft *draft = NULL;
    struct problem first;
    unsigned failed;
    json_t *done;
    if (!arg_draft(admin, call, &draft))
        return;
    const struct node_looked looked = { .op = ACCESS_LOOK,
                                        .collection = bytes_text("draft"),
                                        .count = draft->change_count };
    if (show(admin, call, draft, &done, &first, &failed)) {
        if (node_ask_log(admin, call, &(struct node_ask){ .full = true }, &looked))
            admin_done(call, json_incref(done));
        json_decref(done);
    }
    node_draft_close(&draft);
}

/* Stores other texts with what is wrong with them now. */
static enum err put_changed(struct node_admin *admin, struct draft *draft,
                            const struct problem *first, unsigned failed)
{
    draft->reason = *first;
    draft->failed = failed;
    return node_store_draft_put(admin->parts.store, draft, NULL, bytes_of(NULL, 0));
}

void node_cmd_draft_edit(struct node_admin *admin, struct admin_call *call)
{
    struct draft *draft = NULL;
    struct problem first;
    unsigned failed = 0;
    bool any = false;
    json_t *done;
    if (!arg_draft(admin, call, &draft))
        return;
    if (!take_fields(admin, call, draft, &any))
        goto out;
    if (!any) {
        node_admin_refuse(call, ERR_USAGE, "fields", "an edit changes at least one field");
        goto out;
    }
    if (!show(admin, call, draft, &done, &first, &failed))
        goto out;
    enum err err = put_changed(admin, draft, &first, failed);
    if (err == OK) {
        admin_done(call, done);
    } else {
        json_decref(done);
        node_draft_refuse_put(call, err, NULL);
    }
out:
    node_draft_close(&draft);
}

void node_draft_refused(struct entering *entering, const struct problem *problem, unsigned failed)
{
    struct node_admin *admin = entering->admin;
    struct problem first;
    unsigned first_failed = failed;
    char name[DRAFT_NAME_BYTES];
    json_t *more = json_object();
    json_t *problems = node_draft_problems(entering, entering->draft, &first, &first_failed);
    if (first.code == OK) {
        first = *problem;
        first_failed = failed;
    }
    bool kept = true;
    if (entering->draft_changed && node_draft_may_keep(&first)) {
        /* The texts are those of the borrowed one; only why and where change. */
        struct draft copy = *entering->draft;
        kept = put_changed(admin, &copy, &first, first_failed) == OK;
    }
    node_draft_name(entering->draft->number, name);
    const char *field = node_problem_field(admin, &first);
    node_json_set(more, "draft", json_string(name));
    node_json_set(more, "kept", json_boolean(kept));
    node_json_set(more, "problems", problems);
    node_json_set(more, "changes", json_integer((json_int_t)entering->count));
    node_json_set(more, "change", json_integer((json_int_t)first_failed + 1));
    if (field != NULL)
        node_json_set(more, "field", json_string(field));
    admin_fail_with(entering->call, &first, more);
}

/* A repeat of a request that was stored: the draft is gone by then. */
static bool sent_before(struct node_admin *admin, struct admin_call *call)
{
    struct entering entering;
    if (!node_entering_open(admin, call, 1, &entering))
        return true;
    bool answered = node_entering_answered(&entering);
    node_entering_close(&entering);
    return answered;
}

void node_cmd_draft_send(struct node_admin *admin, struct admin_call *call)
{
    struct entering entering;
    struct draft *draft = NULL;
    struct problem first;
    unsigned failed;
    bool changed = false;
    if (sent_before(admin, call) || !arg_draft(admin, call, &draft))
        return;
    if (take_fields(admin, call, draft, &changed) && open_request(admin, call, draft, &entering)) {
        entering.draft_changed = changed;
        json_t *problems = node_draft_problems(&entering, draft, &first, &failed);
        json_decref(problems);
        if (first.code != OK)
            node_draft_refused(&entering, &first, failed);
        else
            node_entering_submit(&entering);
        node_entering_close(&entering);
    }
    node_draft_close(&draft);
}

void node_cmd_draft_discard(struct node_admin *admin, struct admin_call *call)
{
    struct bytes text;
    if (!node_arg_needed(call, "draft", &text))
        return;
    char name[DRAFT_NAME_BYTES];
    uint64_t number = number_of(text);
    enum err err =
        number > 0 ? node_store_draft_discard(admin->parts.store, number) : ERR_NOT_FOUND;
    if (err != OK) {
        refuse_gone(call, err, text);
        return;
    }
    node_draft_name(number, name);
    admin_done(call, json_pack("{s:s}", "draft", name));
}

void node_cmd_dismiss(struct node_admin *admin, struct admin_call *call)
{
    struct bytes id;
    struct id record;
    uint64_t number = 0;
    if (!node_arg_needed(call, "id", &id) || !node_arg_record(admin, call, id, &record))
        return;
    enum err answered = node_store_answered_done(admin->parts.store, &record);
    enum err err = node_store_dismiss_record(admin->parts.store, &record, &number);
    if (err == ERR_NOT_FOUND)
        err = answered;
    if (err == OK) {
        json_t *done = json_object();
        node_json_set(done, "id", node_json_uuid(&record));
        admin_done(call, done);
        return;
    }
    char name[DRAFT_NAME_BYTES], thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%.*s", (int)(id.len < 100 ? id.len : 100), (const char *)id.at);
    node_draft_name(number, name);
    if (err == ERR_STATE)
        node_admin_refuse(call, ERR_DRAFT_EDITED, thing, name);
    else
        node_admin_refuse(call, err, thing,
                          err == ERR_NOT_FOUND ? "neither a refusal nor an answer waits there"
                                               : NULL);
}
