#include "node/node_import.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_inside.h"
#include "proto/value_form.h"

struct import_row {
    uint64_t line;
    struct node_fields fields;
    char (*found)[UUID_TEXT_BYTES]; /* of columns that look a record up; as many as fields */
};

struct importing {
    struct node_admin *admin;
    struct admin_call *call;
    const struct policy *policy;
    const struct policy_collection *collection;
    bool dry;
    char today[11];
    authority_set author;
    struct import_file file;
    struct import_progress progress; /* line: the last one seen; marks: see below */
    struct id request;
    enum lane lane;
    struct import_row *rows; /* those that can be tried */
    unsigned count;
    struct entry_change *changes;
    struct ledger_mark marks[IMPORT_ROWS_MAX];
    json_t *rejected; /* [{line, code, thing, detail, field}] as stored */
    json_t *entered;  /* of submissions: [{line, id}] */
    unsigned accepted;
    unsigned known; /* rows that were entered before, and are not again */
    unsigned alike; /* accepted ones of which the file had the like before */
    struct warnings warnings;
};

static void row_close(struct import_row *row)
{
    node_fields_close(&row->fields);
    free(row->found);
    *row = (struct import_row){ .line = 0 };
}

static void importing_close(struct importing *importing)
{
    for (unsigned i = 0; importing->rows != NULL && i < importing->count; i++)
        row_close(&importing->rows[i]);
    free(importing->rows);
    free(importing->changes);
    json_decref(importing->rejected);
    json_decref(importing->entered);
}

static void reject(struct importing *importing, uint64_t line, const struct problem *problem)
{
    const char *field = node_problem_field(importing->admin, problem);
    const char *point = strchr(problem->thing, '.');
    if (field == NULL && point != NULL && problem->code != ERR_RULE)
        field = point + 1; /* "keluarga.no_kk" of a look-up */
    json_t *row =
        json_pack("{s:I, s:s, s:s, s:s}", "line", (json_int_t)line, "code", err_name(problem->code),
                  "thing", problem->thing, "detail", problem->detail);
    node_json_set(row, "field", json_string(field != NULL ? field : problem->thing));
    json_array_append_new(importing->rejected, row);
}

/* ---- one row */

/* Turns look-up columns into references; others stay as they are. */
static enum err row_resolve(struct importing *importing, struct import_row *row,
                            struct problem *problem)
{
    for (size_t i = 0; i < row->fields.count; i++) {
        struct entry_field *field = &row->fields.list[i];
        struct import_column column;
        char thing[PROBLEM_THING_MAX];
        if (field->text.len == 0 ||
            !node_import_column(importing->policy, importing->collection, field->name, &column) ||
            column.field->type != FIELD_REFERENCE)
            continue;
        snprintf(thing, sizeof thing, "%s.%.*s", importing->collection->name, (int)field->name.len,
                 (const char *)field->name.at);
        if (field->text.at[0] == '$') /* rows do not name each other */
            return problem_set(problem, ERR_REFERENCE, thing, column.field->name);
        if (column.by == NULL)
            continue;
        enum err err = node_import_look_up(importing->admin->parts.store, importing->today, &column,
                                           thing, field->text, row->found[i], problem);
        if (err != OK)
            return err;
        field->name = bytes_text(column.field->name);
        field->text = bytes_text(row->found[i]);
    }
    return OK;
}

/* The row is at fault, not the request or this machine. */
static bool is_row_error(enum err err, const struct problem *problem)
{
    bool validation = err > ERR_COLLECTION && err <= ERR_RULE;
    bool size = err == ERR_LIMIT && strncmp(problem->thing, "change ", 7) == 0;
    return validation || size || err == ERR_AMBIGUOUS || err == ERR_MALFORMED || err == ERR_USAGE ||
           err == ERR_COUNTERSIGN_FIRST;
}

/* Reads one member of `rows`. OK, or the request as a whole is refused. */
static enum err row_take(struct importing *importing, const json_t *item, struct problem *problem)
{
    json_int_t line = json_integer_value(json_object_get(item, "line"));
    struct import_row *row = &importing->rows[importing->count];
    struct problem own = { .code = OK };
    if (!json_is_object(item) || line <= 0 || (uint64_t)line <= importing->progress.line)
        return problem_set(problem, ERR_USAGE, "rows", "each has a line; lines ascend from 1");
    *row = (struct import_row){ .line = (uint64_t)line };
    importing->progress.line = (uint64_t)line;
    enum err err = node_fields_open(json_object_get(item, "fields"), &row->fields, &own);
    if (err == OK) {
        row->found = calloc(row->fields.count + 1, sizeof *row->found);
        err = row->found == NULL ? ERR_MEMORY : row_resolve(importing, row, &own);
    }
    if (err == OK) {
        importing->count++;
        return OK;
    }
    row_close(row);
    if (own.code == OK)
        problem_set(&own, err, "rows", NULL);
    if (!is_row_error(err, &own) && err != ERR_LIMIT)
        return problem_set(problem, err, own.thing, own.detail);
    reject(importing, (uint64_t)line, &own);
    return OK;
}

/* The typed text of a field that was refused. */
static struct bytes row_text(const struct importing *importing, const struct import_row *row,
                             const char *name)
{
    for (size_t i = 0; i < row->fields.count; i++) {
        const struct policy_field *field =
            policy_field_loose(importing->collection, row->fields.list[i].name);
        if (field != NULL && strcmp(field->name, name) == 0)
            return row->fields.list[i].text;
    }
    return bytes_of(NULL, 0);
}

static void reject_row(struct importing *importing, const struct import_row *row,
                       const struct problem *problem)
{
    struct problem better = *problem;
    const char *point = strchr(problem->thing, '.');
    if (problem->code == ERR_AREA_UNKNOWN && point != NULL) {
        const struct policy_area *area =
            node_import_area(importing->policy, row_text(importing, row, point + 1));
        if (area != NULL)
            problem_set(&better, ERR_ZEROS, problem->thing, area->code);
    }
    reject(importing, row->line, &better);
}

/* Of more records that share a look-up value each row would read too many. */
#define EQUAL_LOOKED_AT_MAX 32

struct equal {
    const struct importing *importing;
    const struct change *change;
    unsigned count;
};

static bool change_value(const struct change *change, struct bytes name, struct bytes *ret_value)
{
    struct field_iter iter = fields_of(change->fields);
    struct bytes at;
    while (fields_next(&iter, &at, ret_value)) {
        if (bytes_equal(at, name))
            return true;
    }
    return false;
}

/* The same in all that this author writes, what is absent included. */
static void count_equal(void *ctx, const struct record_view *view)
{
    struct equal *equal = ctx;
    const struct importing *importing = equal->importing;
    struct field_iter iter = fields_of(equal->change->fields);
    struct bytes name, value;
    size_t given = 0, same = 0;
    while (fields_next(&iter, &name, &value))
        given++;
    for (size_t i = 0; i < view->field_count; i++) {
        const struct view_field *at = &view->fields[i];
        const struct policy_field *field = policy_field(importing->collection, at->name);
        bool in_row = change_value(equal->change, at->name, &value);
        if (in_row && !bytes_equal(at->value, value))
            return;
        same += in_row ? 1 : 0;
        if (!in_row && field != NULL && !value_is_nil(at->value) &&
            node_field_writable(field, importing->author, importing->today))
            return;
    }
    equal->count += same == given ? 1 : 0;
}

/* Records that say the same already, typed or come from the hub: the ledger of a store that was
 * made anew does not know them. Only where a look-up value leads to few. */
static enum err find_equal(struct importing *importing, const struct change *change,
                           unsigned *ret_count)
{
    const struct policy_collection *collection = importing->collection;
    struct node_store *store = importing->admin->parts.store;
    struct equal equal = { .importing = importing, .change = change };
    enum err err = OK;
    for (size_t i = 0; i < collection->field_count && err == OK; i++) {
        const struct policy_field *field = &collection->fields[i];
        struct bytes value, names[] = { bytes_text(collection->name), bytes_text(field->name) };
        unsigned count = 0;
        if (!field->lookup || !change_value(change, names[1], &value) || value_is_nil(value))
            continue;
        err = node_store_lookup_count(store, names[0], names[1], value, EQUAL_LOOKED_AT_MAX + 1,
                                      &count);
        if (err != OK || count > EQUAL_LOOKED_AT_MAX)
            continue;
        if (count > 0)
            err = node_store_lookup(store, names[0], names[1], value, count_equal, &equal);
        break;
    }
    *ret_count = equal.count;
    return err;
}

/* Is it the next of its like in this file, beyond those that are known? */
static enum err weigh(void *ctx, unsigned index, enum err err, const struct problem *problem,
                      const struct change *change, bool *ret_leave_out)
{
    struct importing *importing = ctx;
    struct import_progress *progress = &importing->progress;
    struct ledger_mark *mark = &importing->marks[progress->mark_count];
    uint64_t here = 0, known = 0;
    if (err != OK) {
        if (!is_row_error(err, problem))
            return err;
        reject_row(importing, &importing->rows[index], problem);
        *ret_leave_out = true;
        return OK;
    }
    struct node_store *store = importing->admin->parts.store;
    node_store_row_hash(store, change->collection, change->fields, &mark->hash);
    err = node_store_ledger(store, &importing->file, &mark->hash, &here, &known);
    if (err != OK)
        return err;
    for (unsigned i = 0; i < progress->mark_count; i++) {
        if (id_equal(&importing->marks[i].hash, &mark->hash))
            here = importing->marks[i].seen;
    }
    mark->seen = here + 1;
    if (mark->seen > known) {
        unsigned equal = 0;
        err = find_equal(importing, change, &equal);
        if (err != OK)
            return err;
        known = equal > known ? equal : known;
    }
    progress->mark_count++;
    *ret_leave_out = mark->seen <= known;
    importing->known += *ret_leave_out ? 1 : 0;
    importing->accepted += *ret_leave_out ? 0 : 1;
    importing->alike += !*ret_leave_out && here > 0 ? 1 : 0;
    if (importing->collection->answer != NULL && !*ret_leave_out)
        json_array_append_new(importing->entered, json_pack("{s:I, s:o}", "line",
                                                            (json_int_t)importing->rows[index].line,
                                                            "id", node_json_uuid(&change->record)));
    return OK;
}

/* ---- answers. Stored: {"import": true, "accepted", "known", "alike", "rejected": [...], "line",
 * "entered": [...]}: of submissions, which line became which record. */

static json_t *answer_json(const struct importing *importing)
{
    return json_pack("{s:b, s:i, s:i, s:i, s:O, s:O, s:I}", "import", 1, "accepted",
                     (int)importing->accepted, "known", (int)importing->known, "alike",
                     (int)importing->alike, "rejected", importing->rejected, "entered",
                     importing->entered, "line", (json_int_t)importing->progress.line);
}

static void make_answer(void *ctx, const struct entry_request *request, const struct hash *leaf,
                        struct buf *ret)
{
    const struct importing *importing = ctx;
    (void)request;
    (void)leaf;
    json_t *answer = answer_json(importing);
    size_t room = ret->cap - ret->len, index;
    json_t *row;
    size_t len = json_dumpb(answer, (char *)ret->at + ret->len, room, JSON_COMPACT);
    if (len > room) { /* codes and fields always have room, hints may not */
        json_array_foreach(importing->rejected, index, row)
            node_json_set(row, "detail", json_string(""));
        len = json_dumpb(answer, (char *)ret->at + ret->len, room, JSON_COMPACT);
    }
    must(len > 0 && len <= room);
    ret->len += len;
    json_decref(answer);
}

/* Receipt numbers of what was entered: short numbers are looked up, they are not stored. */
static json_t *receipts(struct node_admin *admin, const json_t *entered)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < json_array_size(entered); i++) {
        json_t *row = json_array_get(entered, i);
        const struct record_view *view;
        struct id record;
        if (!uuid_from_text(node_arg_text(row, "id"), &record) ||
            node_store_view(admin->parts.store, &record, &view) != OK)
            continue;
        node_json_set(row, "short", node_json_bytes(view->short_text));
        node_json_set(row, "receipt", node_json_receipt(admin, view));
        json_array_append(rows, row);
    }
    return rows;
}

static void answer_with(struct node_admin *admin, struct admin_call *call, json_t *answer)
{
    enum lang lang = admin_call_lang(call);
    json_t *rejected = json_object_get(answer, "rejected");
    size_t index;
    json_t *item;
    json_array_foreach(rejected, index, item) {
        struct problem problem = { .code = OK };
        char rule[PROBLEM_DETAIL_MAX + 256];
        struct bytes code = node_arg_text(item, "code");
        problem_set(&problem, err_from_name(code),
                    json_string_value(json_object_get(item, "thing")),
                    json_string_value(json_object_get(item, "detail")));
        problem_rule(&problem, lang, rule, sizeof rule);
        admin_row(call,
                  json_pack("{s:O, s:O, s:s, s:s, s:O}", "line", json_object_get(item, "line"),
                            "code", json_object_get(item, "code"), "rule", rule, "remedy",
                            problem_remedy(&problem, lang), "field",
                            json_object_get(item, "field")));
    }
    json_t *done = json_copy(answer);
    json_object_del(done, "import");
    json_object_del(done, "entered");
    node_json_set(done, "receipts", receipts(admin, json_object_get(answer, "entered")));
    node_json_set(done, "rejected", node_json_uint(json_array_size(rejected)));
    admin_done(call, done);
}

static void answer_stored(struct node_admin *admin, struct admin_call *call, struct bytes stored)
{
    json_t *answer = json_loadb((const char *)stored.at, stored.len, 0, NULL);
    if (json_is_true(json_object_get(answer, "import")))
        answer_with(admin, call, answer);
    else
        node_admin_refuse(call, ERR_STATE, "request", "it belongs to another command");
    json_decref(answer);
}

/* ---- storing */

static enum err store_nothing(struct importing *importing)
{
    const size_t cap = 128 * 1024;
    struct buf answer = buf_of(malloc(cap), cap);
    if (answer.at == NULL)
        return ERR_MEMORY;
    make_answer(importing, NULL, NULL, &answer);
    enum err err = node_store_import_put(importing->admin->parts.store, &importing->progress,
                                         &importing->request, buf_bytes(&answer));
    free(answer.at);
    return err;
}

static enum err store_rows(struct importing *importing, struct problem *problem)
{
    struct hash leaf;
    uint64_t seq = 0;
    unsigned failed;
    enum err err = OK;
    for (unsigned i = 0; i < importing->count; i++) {
        const struct import_row *row = &importing->rows[i];
        importing->changes[i] =
            (struct entry_change){ .group = i,
                                   .op = OP_CREATE,
                                   .collection = bytes_text(importing->collection->name),
                                   .fields = row->fields.list,
                                   .field_count = row->fields.count };
    }
    const struct entry_request request = { .request = importing->request,
                                           .wall_ms = node_admin_claim_ms(importing->admin),
                                           .lane = importing->lane,
                                           .changes = importing->changes,
                                           .change_count = importing->count,
                                           .import = &importing->progress,
                                           .dry = importing->dry,
                                           .each = weigh,
                                           .answer = make_answer,
                                           .ctx = importing };
    importing->progress.marks = importing->marks;
    if (importing->count > 0)
        err = node_entry_submit(importing->admin->parts.entry, &request, &leaf, &seq, &failed,
                                problem, &importing->warnings);
    if (err == OK && seq == 0 && !importing->dry)
        err = store_nothing(importing);
    return err;
}

static enum err take_rows(struct importing *importing, const json_t *rows, uint64_t before,
                          struct problem *problem)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *item = json_array_get(rows, i);
        json_int_t line = json_integer_value(json_object_get(item, "line"));
        if (line > 0 && (uint64_t)line <= before)
            continue; /* dealt with in an earlier request */
        enum err err = row_take(importing, item, problem);
        if (err != OK)
            return err;
    }
    return OK;
}

/* A repeat gets what was stored; *ret_answered. */
static enum err look_back(struct importing *importing, bool *ret_answered)
{
    struct node_store *store = importing->admin->parts.store;
    struct bytes stored;
    enum err err =
        importing->dry ? ERR_NOT_FOUND : node_store_answer(store, &importing->request, &stored);
    *ret_answered = err == OK;
    if (err == OK)
        answer_stored(importing->admin, importing->call, stored);
    if (err == ERR_NOT_FOUND)
        err = node_store_import(store, &importing->progress.file, &importing->file);
    return err;
}

static void import_rows(struct importing *importing, const json_t *rows)
{
    struct node_store *store = importing->admin->parts.store;
    struct problem problem = { .code = OK };
    struct bytes stored;
    bool answered;
    enum err err = look_back(importing, &answered);
    if (answered)
        return;
    if (err == OK)
        err = take_rows(importing, rows, importing->file.line, &problem);
    bool nothing_new = importing->progress.line == 0;
    if (nothing_new)
        importing->progress.line = importing->file.line;
    if (err == OK && !nothing_new)
        err = store_rows(importing, &problem);
    if (err != OK) {
        node_admin_refuse_problem(importing->call, err, &problem, "import");
        return;
    }
    if (nothing_new || importing->dry) {
        json_t *answer = answer_json(importing);
        answer_with(importing->admin, importing->call, answer);
        json_decref(answer);
        return;
    }
    node_admin_changed(importing->admin);
    err = node_store_answer(store, &importing->request, &stored);
    if (err == OK)
        answer_stored(importing->admin, importing->call, stored);
    else
        node_admin_refuse(importing->call, err, "import", NULL);
}

void node_import_rows(struct node_admin *admin, struct admin_call *call)
{
    const json_t *args = admin_call_args(call);
    const json_t *rows = json_object_get(args, "rows");
    size_t count = json_array_size(rows);
    struct bytes name;
    if (count == 0 || count > IMPORT_ROWS_MAX) {
        node_admin_refuse(call, ERR_LIMIT, "rows", "1 to 256 in one request");
        return;
    }
    struct importing *importing = calloc(1, sizeof *importing);
    if (importing == NULL) {
        node_admin_refuse(call, ERR_MEMORY, "import", NULL);
        return;
    }
    importing->admin = admin;
    importing->call = call;
    importing->policy = node_store_policy(admin->parts.store);
    importing->dry = json_is_true(json_object_get(args, "dry"));
    if (!node_import_arg_file(call, &importing->progress.file) ||
        !node_arg_needed(call, "collection", &name) ||
        !node_arg_collection(admin, call, name, &importing->collection) ||
        !node_arg_request(call, &importing->request) || !node_arg_lane(call, &importing->lane))
        goto out;
    if (node_arg_text(args, "lane").len == 0)
        importing->lane = LANE_BULK;
    if (id_is_zero(&importing->request))
        importing->request = crypto_random_id();
    date_of_ms(node_admin_claim_ms(admin), importing->today);
    importing->author = node_admin_author(admin, importing->policy);
    importing->rejected = json_array();
    importing->entered = json_array();
    importing->rows = calloc(count, sizeof *importing->rows);
    importing->changes = calloc(count, sizeof *importing->changes);
    if (importing->rows != NULL && importing->changes != NULL)
        import_rows(importing, rows);
    else
        node_admin_refuse(call, ERR_MEMORY, "import", NULL);
out:
    importing_close(importing);
    free(importing);
}
