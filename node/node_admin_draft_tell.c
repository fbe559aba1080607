/* What is told of drafts: rows for lists, one with all its values, and what is wrong with it. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_draft.h"
#include "proto/value_form.h"

void node_draft_name(uint64_t number, char ret[DRAFT_NAME_BYTES])
{
    snprintf(ret, DRAFT_NAME_BYTES, "D-%llu", (unsigned long long)number);
}

static json_t *name_json(uint64_t number)
{
    char name[DRAFT_NAME_BYTES];
    node_draft_name(number, name);
    return json_string(name);
}

const struct policy_collection *node_draft_collection(const struct node_admin *admin,
                                                      const struct draft_change *change)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    return policy != NULL ? policy_collection(policy, change->collection) : NULL;
}

static const char *origin_name(enum draft_origin origin)
{
    switch (origin) {
    case DRAFT_KEPT:
        return "kept";
    case DRAFT_REJECTED:
        return "rejected";
    case DRAFT_ASKED:
        return "asked";
    case DRAFT_TAKEN:
        return "taken";
    }
    return "kept";
}

/* What a person does about it. */
static const char *what_of(enum draft_origin origin, enum lang lang)
{
    switch (origin) {
    case DRAFT_KEPT:
        return lang == LANG_ID ? "draf, belum dikirim; lengkapi dengan `tkskctl draf kirim`"
                               : "a draft, not sent; complete it with `tkskctl draft send`";
    case DRAFT_REJECTED:
        return lang == LANG_ID ? "ditolak Dinas; perbaiki dengan `tkskctl draf kirim`"
                               : "the district office did not take it; mend it with "
                                 "`tkskctl draft send`";
    case DRAFT_ASKED:
        return lang == LANG_ID ? "Dinas memeriksa lagi aslinya; tunggu jawabannya"
                               : "the district office decides again about the original; wait";
    case DRAFT_TAKEN:
        return lang == LANG_ID
                   ? "aslinya ternyata diterima Dinas; buang dengan `tkskctl draf buang`"
                   : "the district office took the original after all; `tkskctl draft discard`";
    }
    return "";
}

/* ---- rows */

/* Whether what was typed may not stand in a list. Of a field with restricted codes only what is
 * surely another code may. */
static bool text_is_restricted(struct node_admin *admin, const struct policy_field *field,
                               struct bytes text)
{
    uint8_t space[4 * TEXT_CHARS_MAX];
    struct writer value = writer_of(space, sizeof space);
    char today[11];
    bool any = false;
    if (field->sensitivity >= SENSITIVITY_S)
        return true;
    for (size_t i = 0; field->codes != NULL && i < field->codes->version_count; i++) {
        for (size_t j = 0; j < field->codes->versions[i].code_count; j++)
            any = any || field->codes->versions[i].codes[j].restricted;
    }
    if (!any)
        return false;
    date_of_ms(loop_wall_ms(), today);
    bool hidden = field->type != FIELD_ENUM ||
                  value_from_text(node_store_policy(admin->parts.store), field, today, text, &value,
                                  NULL) != OK ||
                  node_value_is_restricted(field, writer_bytes(&value));
    crypto_wipe(space, value.buf.len);
    return hidden;
}

static const struct draft_field *field_at(const struct draft_change *change, const char *name)
{
    for (size_t i = 0; i < change->field_count; i++) {
        if (bytes_is(change->fields[i].name, name))
            return &change->fields[i];
    }
    return NULL;
}

/* As a list shows the value that it will be. */
static json_t *typed_json(const struct policy_field *field, struct bytes typed)
{
    char text[256], part[256];
    if (!mask_is_number(field))
        return node_json_bytes(typed);
    (void)snprintf(text, sizeof text, "%.*s", (int)typed.len, (const char *)typed.at);
    mask_part(text, part, sizeof part);
    crypto_wipe(text, sizeof text);
    return json_string(part);
}

/* Summary fields of the first change; those that it does not have, as the record stands. */
static json_t *summary_json(struct node_admin *admin, const struct draft_change *change)
{
    const struct policy_collection *collection = node_draft_collection(admin, change);
    const struct record_view *view = NULL;
    json_t *fields = json_object();
    if (collection == NULL)
        return fields;
    if (change->op != OP_CREATE &&
        node_store_view(admin->parts.store, &change->record, &view) != OK)
        view = NULL;
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        const struct draft_field *typed = field_at(change, field->name);
        if (!field->summary)
            continue;
        if (typed != NULL && !text_is_restricted(admin, field, typed->text))
            node_json_set(fields, field->name, typed_json(field, typed->text));
        for (size_t j = 0; typed == NULL && view != NULL && j < view->field_count; j++) {
            const struct view_field *at = &view->fields[j];
            if (bytes_is(at->name, field->name) &&
                mask_of(field, at->value, MASK_LIST) != MASK_AWAY)
                node_json_set(fields, field->name,
                              node_json_masked(admin, field, at->value, MASK_LIST));
        }
    }
    return fields;
}

static void set_reason(json_t *row, const struct problem *reason, enum lang lang)
{
    char text[PROBLEM_DETAIL_MAX + 256] = "";
    const char *point = strchr(reason->thing, '.');
    bool any = reason->code != OK;
    if (any)
        problem_rule(reason, lang, text, sizeof text);
    node_json_set(row, "reason", any ? json_string(err_name(reason->code)) : NULL);
    node_json_set(row, "reason_text", text[0] != '\0' ? json_string(text) : NULL);
    node_json_set(row, "field",
                  any && point != NULL && point[1] != '\0' ? json_string(point + 1) : NULL);
}

static void set_reason_named(json_t *row, const char *reason, const char *field, enum lang lang)
{
    char text[PROBLEM_DETAIL_MAX + 256];
    node_reason_text(bytes_text(reason), bytes_text(field), lang, text, sizeof text);
    node_json_set(row, "reason", reason[0] != '\0' ? json_string(reason) : NULL);
    node_json_set(row, "reason_text", text[0] != '\0' ? json_string(text) : NULL);
    node_json_set(row, "field", field[0] != '\0' ? json_string(field) : NULL);
}

struct marked {
    struct draft_mark mark;
    char reason[64], field[IDENTIFIER_BYTES_MAX + 1];
};

struct marks {
    size_t count, cap;
    struct marked *list;
    bool failed;
};

static void add_mark(void *ctx, const struct draft_mark *mark)
{
    struct marks *marks = ctx;
    if (marks->count == marks->cap) {
        size_t cap = marks->cap > 0 ? 2 * marks->cap : 16;
        struct marked *list = realloc(marks->list, cap * sizeof *list);
        if (list == NULL) {
            marks->failed = true;
            return;
        }
        marks->list = list;
        marks->cap = cap;
    }
    struct marked *to = &marks->list[marks->count++];
    to->mark = *mark;
    snprintf(to->reason, sizeof to->reason, "%.*s", (int)mark->reason.len,
             (const char *)mark->reason.at);
    snprintf(to->field, sizeof to->field, "%.*s", (int)mark->field.len,
             (const char *)mark->field.at);
}

static json_t *short_json(struct node_admin *admin, const struct id *record)
{
    const struct record_view *view;
    if (id_is_zero(record) || node_store_view(admin->parts.store, record, &view) != OK)
        return NULL;
    return node_json_bytes(view->short_text);
}

/* What is known without the key. */
static json_t *closed_row(const struct marked *marked, enum lang lang)
{
    const struct draft_mark *mark = &marked->mark;
    json_t *row = json_object();
    node_json_set(row, "kind", json_string("draft"));
    node_json_set(row, "draft", name_json(mark->number));
    node_json_set(row, "origin", json_string(origin_name(mark->origin)));
    node_json_set(row, "edited", json_boolean(mark->edited));
    node_json_set(row, "since", node_json_time(mark->wall_ms));
    node_json_set(row, "id", id_is_zero(&mark->record) ? NULL : node_json_uuid(&mark->record));
    set_reason_named(row, marked->reason, marked->field, lang);
    node_json_set(row, "what", json_string(what_of(mark->origin, lang)));
    node_json_set(row, "short", NULL);
    node_json_set(row, "collection", NULL);
    return row;
}

/* A group is refused for one of its changes: the one whose collection has what the answer names. */
static void set_refusal(struct node_admin *admin, const struct draft *draft, enum lang lang,
                        json_t *row)
{
    const struct draft_change *refused = &draft->changes[0];
    struct bytes field = node_arg_text(row, "field");
    for (unsigned i = draft->change_count; i > 0; i--)
        if (node_reason_knows(admin, draft->changes[i - 1].collection, field))
            refused = &draft->changes[i - 1];
    node_reason_row(admin, refused->collection, &refused->record, lang, row);
    node_countersign_refusal(admin, &draft->leaf, lang, row);
}

static void open_row(struct node_admin *admin, enum lang lang, const struct draft *draft,
                     json_t *row)
{
    const struct draft_change *first = &draft->changes[0];
    const struct policy_collection *collection = node_draft_collection(admin, first);
    node_json_set(row, "collection", node_json_bytes(first->collection));
    node_json_set(row, "title", collection != NULL ? json_string(collection->title) : NULL);
    node_json_set(row, "op", json_string(change_op_name(first->op)));
    node_json_set(row, "changes", json_integer((json_int_t)draft->change_count));
    node_json_set(row, "by", draft->author.len > 0 ? node_json_bytes(draft->author) : NULL);
    node_json_set(row, "summary", summary_json(admin, first));
    node_json_set(row, "short", short_json(admin, &first->record));
    if (draft->origin == DRAFT_KEPT || draft->edited)
        set_reason(row, &draft->reason, lang);
    else
        set_refusal(admin, draft, lang, row);
}

enum err node_draft_rows(struct node_admin *admin, enum lang lang, bool open, json_t *rows)
{
    struct node_store *store = admin->parts.store;
    struct marks marks = { .count = 0 };
    enum err err = node_store_drafts(store, add_mark, &marks);
    if (err == OK && marks.failed)
        err = ERR_MEMORY;
    for (size_t i = 0; err == OK && i < marks.count; i++) {
        struct draft *draft = NULL;
        json_t *row = closed_row(&marks.list[i], lang);
        if (open)
            err = node_store_draft_get(store, marks.list[i].mark.number, &draft);
        if (draft != NULL)
            open_row(admin, lang, draft, row);
        node_draft_close(&draft);
        json_array_append_new(rows, row);
    }
    free(marks.list);
    return err;
}

/* ---- one draft */

static json_t *change_json(struct node_admin *admin, unsigned index,
                           const struct draft_change *change)
{
    const struct policy_collection *collection = node_draft_collection(admin, change);
    json_t *row = json_object(), *fields = json_array();
    node_json_set(row, "change", json_integer((json_int_t)index + 1));
    node_json_set(row, "op", json_string(change_op_name(change->op)));
    node_json_set(row, "collection", node_json_bytes(change->collection));
    node_json_set(row, "title", collection != NULL ? json_string(collection->title) : NULL);
    node_json_set(row, "id", id_is_zero(&change->record) ? NULL : node_json_uuid(&change->record));
    node_json_set(row, "short", short_json(admin, &change->record));
    for (size_t i = 0; i < change->field_count; i++) {
        const struct policy_field *field =
            collection != NULL ? policy_field(collection, change->fields[i].name) : NULL;
        json_t *at = json_object();
        node_json_set(at, "name", node_json_bytes(change->fields[i].name));
        node_json_set(at, "label",
                      field != NULL ? json_string(field->label)
                                    : node_json_bytes(change->fields[i].name));
        node_json_set(at, "value", node_json_bytes(change->fields[i].text));
        json_array_append_new(fields, at);
    }
    node_json_set(row, "fields", fields);
    return row;
}

json_t *node_draft_json(struct node_admin *admin, enum lang lang, const struct draft *draft)
{
    json_t *done = json_object(), *changes = json_array();
    node_json_set(done, "draft", name_json(draft->number));
    node_json_set(done, "origin", json_string(origin_name(draft->origin)));
    node_json_set(done, "edited", json_boolean(draft->edited));
    node_json_set(done, "since", node_json_time(draft->wall_ms));
    node_json_set(done, "by", draft->author.len > 0 ? node_json_bytes(draft->author) : NULL);
    node_json_set(done, "leaf", draft->origin == DRAFT_KEPT ? NULL : node_json_hash(&draft->leaf));
    node_json_set(done, "what", json_string(what_of(draft->origin, lang)));
    set_reason(done, &draft->reason, lang);
    if (draft->origin != DRAFT_KEPT && !draft->edited)
        set_refusal(admin, draft, lang, done);
    for (unsigned i = 0; i < draft->change_count; i++)
        json_array_append_new(changes, change_json(admin, i, &draft->changes[i]));
    node_json_set(done, "changes", changes);
    return done;
}

/* ---- what is wrong */

struct telling {
    struct entering *entering;
    const struct draft *draft;
    enum lang lang;
    json_t *list;
    struct problem first;
    unsigned failed;
};

static void tell(void *ctx, unsigned index, const struct problem *problem)
{
    struct telling *telling = ctx;
    char rule[PROBLEM_DETAIL_MAX + 256];
    json_t *row = json_object();
    must(index < telling->draft->change_count);
    const char *about = node_problem_field(telling->entering->admin, problem);
    const char *name = about != NULL ? about : "";
    const struct policy_collection *collection =
        node_draft_collection(telling->entering->admin, &telling->draft->changes[index]);
    const struct policy_field *field =
        collection != NULL ? policy_field(collection, bytes_text(name)) : NULL;
    problem_rule(problem, telling->lang, rule, sizeof rule);
    node_json_set(row, "change", json_integer((json_int_t)index + 1));
    node_json_set(row, "field", name[0] != '\0' ? json_string(name) : NULL);
    node_json_set(row, "label", field != NULL ? json_string(field->label) : NULL);
    node_json_set(row, "code", json_string(err_name(problem->code)));
    node_json_set(row, "thing", json_string(problem->thing));
    node_json_set(row, "rule", json_string(rule));
    node_json_set(row, "remedy", json_string(problem_remedy(problem, telling->lang)));
    json_array_append_new(telling->list, row);
    if (telling->first.code == OK) {
        telling->first = *problem;
        telling->failed = index;
    }
}

struct looking {
    const struct id *record;
    uint64_t self, found;
};

static void look(void *ctx, const struct draft_mark *mark)
{
    struct looking *looking = ctx;
    if (mark->number != looking->self && id_equal(&mark->record, looking->record))
        looking->found = mark->number;
}

/* A change of a record that was refused itself, and waits as another draft. */
static bool tell_order(struct telling *telling)
{
    struct node_store *store = telling->entering->admin->parts.store;
    bool any = false;
    for (unsigned i = 0; i < telling->draft->change_count; i++) {
        const struct entry_change *change = &telling->entering->changes[i];
        const struct record_view *view;
        struct looking looking = { .record = &change->record, .self = telling->draft->number };
        struct problem problem = { .code = OK };
        if (change->op == OP_CREATE ||
            node_store_view(store, &change->record, &view) != ERR_NOT_FOUND ||
            node_store_drafts(store, look, &looking) != OK || looking.found == 0)
            continue;
        char thing[32];
        snprintf(thing, sizeof thing, "change %u", i + 1);
        (void)problem_setf(&problem, ERR_DRAFT_ORDER, thing, "D-%llu",
                           (unsigned long long)looking.found);
        tell(telling, i, &problem);
        any = true;
    }
    return any;
}

/* What was taken, or is being decided again, is not entered a second time. */
static bool tell_origin(struct telling *telling)
{
    const struct draft *draft = telling->draft;
    struct problem problem = { .code = OK };
    bool creates = false;
    for (unsigned i = 0; i < draft->change_count; i++)
        creates = creates || (draft->changes[i].rejected && draft->changes[i].op == OP_CREATE);
    if (!creates || (draft->origin != DRAFT_ASKED && draft->origin != DRAFT_TAKEN))
        return false;
    char name[DRAFT_NAME_BYTES];
    node_draft_name(draft->number, name);
    (void)problem_set(&problem, draft->origin == DRAFT_TAKEN ? ERR_DRAFT_TAKEN : ERR_DRAFT_ASKED,
                      name, NULL);
    tell(telling, 0, &problem);
    return true;
}

json_t *node_draft_problems(struct entering *entering, const struct draft *draft,
                            struct problem *ret_first, unsigned *ret_failed)
{
    struct telling telling = { .entering = entering,
                               .draft = draft,
                               .lang = admin_call_lang(entering->call),
                               .list = json_array() };
    const struct entry_request request = { .wall_ms = node_admin_claim_ms(entering->admin),
                                           .lane = entering->lane,
                                           .changes = entering->changes,
                                           .change_count = entering->count,
                                           .dry = true,
                                           .tell = tell,
                                           .ctx = &telling };
    struct problem problem = { .code = OK };
    struct hash leaf;
    uint64_t seq;
    unsigned failed = 0;
    if (!tell_origin(&telling) && !tell_order(&telling)) {
        enum err err = node_entry_submit(entering->admin->parts.entry, &request, &leaf, &seq,
                                         &failed, &problem, NULL);
        if (err != OK && telling.first.code == OK) {
            if (problem.code == OK)
                (void)problem_set(&problem, err, "entry", NULL);
            tell(&telling, failed, &problem);
        }
    }
    *ret_first = telling.first;
    *ret_failed = telling.failed;
    return telling.list;
}
