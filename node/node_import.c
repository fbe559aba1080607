#include "node/node_import.h"

#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_inside.h"
#include "proto/value_form.h"

#define COLUMN_NAME_BYTES_MAX (2 * IDENTIFIER_BYTES_MAX + 2)

/* ---- columns */

/* "keluarga.no_kk": a reference field, and the look-up field by which its record is found. */
struct column {
    const struct policy_field *field;
    const struct policy_field *by; /* NULL: a plain column */
    const struct policy_collection *target;
};

static const struct policy_field *reference_field(const struct policy_collection *collection,
                                                  struct bytes name)
{
    const struct policy_field *field = policy_field_loose(collection, name);
    return field != NULL && field->type == FIELD_REFERENCE ? field : NULL;
}

/* False: no field of this collection has that name. */
static bool column_find(const struct policy *policy, const struct policy_collection *collection,
                        struct bytes name, struct column *ret_column)
{
    name = text_trim(name);
    struct column column = { .field = policy_field_loose(collection, name) };
    for (size_t i = 0; column.field == NULL && i < name.len; i++) {
        if (name.at[i] != '.')
            continue;
        const struct policy_field *field = reference_field(collection, bytes_of(name.at, i));
        struct bytes rest = bytes_of(name.at + i + 1, name.len - i - 1);
        for (size_t j = 0; field != NULL && column.by == NULL && j < field->target_count; j++) {
            column.target = policy_collection(policy, bytes_text(field->targets[j]));
            column.by = column.target != NULL ? policy_field_loose(column.target, rest) : NULL;
            if (column.by != NULL && !column.by->lookup)
                column.by = NULL;
        }
        if (column.by != NULL)
            column.field = field;
    }
    *ret_column = column;
    return column.field != NULL;
}

static json_t *column_json(const struct policy *policy, const struct policy_collection *collection,
                           const json_t *name)
{
    char full[COLUMN_NAME_BYTES_MAX];
    struct column column;
    json_t *row = json_object();
    json_t *field = NULL;
    struct bytes text = bytes_of(json_string_value(name), json_string_length(name));
    /* What the hub computes comes back in exports; it is left out here. */
    if (column_find(policy, collection, text, &column) && !column.field->computed) {
        snprintf(full, sizeof full, "%s%s%s", column.field->name, column.by != NULL ? "." : "",
                 column.by != NULL ? column.by->name : "");
        field = json_string(full);
    }
    node_json_set(row, "name", json_incref((json_t *)(uintptr_t)name));
    node_json_set(row, "field", field);
    return row;
}

static bool arg_file(struct admin_call *call, struct hash *ret_file)
{
    struct bytes text;
    if (!node_arg_needed(call, "file_hash", &text))
        return false;
    if (crypto_unhex(text, ret_file->at, HASH_BYTES))
        return true;
    node_admin_refuse(call, ERR_USAGE, "file_hash", "64 hexadecimal digits");
    return false;
}

void node_import_begin(struct node_admin *admin, struct admin_call *call)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_collection *collection;
    const json_t *columns = json_object_get(admin_call_args(call), "columns");
    struct hash file;
    struct bytes name;
    uint64_t line = 0;
    if (!arg_file(call, &file) || !node_arg_needed(call, "collection", &name) ||
        !node_arg_collection(admin, call, name, &collection))
        return;
    enum err err = node_store_import_line(admin->parts.store, &file, &line);
    if (err != OK && err != ERR_NOT_FOUND) {
        node_admin_refuse(call, err, "import", NULL);
        return;
    }
    json_t *done = json_object(), *answers = json_array();
    for (size_t i = 0; i < json_array_size(columns); i++) {
        const json_t *column = json_array_get(columns, i);
        if (!json_is_string(column)) {
            json_decref(done);
            json_decref(answers);
            node_admin_refuse(call, ERR_USAGE, "columns", "a list of texts");
            return;
        }
        json_array_append_new(answers, column_json(policy, collection, column));
    }
    node_json_set(done, "line", node_json_uint(line));
    node_json_set(done, "columns", answers);
    admin_done(call, done);
}

/* ---- rows */

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
    char today[11];
    struct hash file;
    struct id request;
    enum lane lane;
    uint64_t last_line;
    struct import_row *rows; /* those that are still in */
    unsigned count;
    struct entry_change *changes; /* rebuilt from `rows` before each try */
    json_t *rejected;             /* [{line, code, thing, detail, field}] as stored */
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
}

static void reject(struct importing *importing, uint64_t line, const struct problem *problem)
{
    const char *point = strchr(problem->thing, '.');
    json_t *row =
        json_pack("{s:I, s:s, s:s, s:s}", "line", (json_int_t)line, "code", err_name(problem->code),
                  "thing", problem->thing, "detail", problem->detail);
    node_json_set(row, "field", json_string(point != NULL ? point + 1 : problem->thing));
    json_array_append_new(importing->rejected, row);
}

struct only {
    unsigned count;
    struct id record;
};

static void only_one(void *ctx, const struct record_view *view)
{
    struct only *only = ctx;
    if (view->deleted)
        return;
    only->count++;
    only->record = view->id;
}

/* Finds exactly one record by what stands in a look-up column. */
static enum err look_up(struct importing *importing, const struct column *column, struct bytes name,
                        struct bytes text, char ret[UUID_TEXT_BYTES], struct problem *problem)
{
    uint8_t space[4 * TEXT_CHARS_MAX + 16];
    char thing[PROBLEM_THING_MAX];
    struct writer value = writer_of(space, sizeof space);
    struct only only = { .count = 0 };
    snprintf(thing, sizeof thing, "%s.%.*s", importing->collection->name, (int)name.len,
             (const char *)name.at);
    enum err err =
        value_from_text(importing->policy, column->by, importing->today, text, &value, problem);
    if (err != OK)
        return problem_set(problem, err, thing, problem->detail);
    err = node_store_lookup(importing->admin->parts.store, bytes_text(column->target->name),
                            bytes_text(column->by->name), writer_bytes(&value), only_one, &only);
    crypto_wipe(space, value.buf.len);
    if (err != OK)
        return err;
    if (only.count != 1)
        return problem_set(problem, only.count == 0 ? ERR_REFERENCE : ERR_AMBIGUOUS, thing,
                           column->target->title);
    uuid_to_text(&only.record, ret);
    return OK;
}

/* Turns look-up columns into references; others stay as they are. */
static enum err row_resolve(struct importing *importing, struct import_row *row,
                            struct problem *problem)
{
    for (size_t i = 0; i < row->fields.count; i++) {
        struct entry_field *field = &row->fields.list[i];
        struct column column;
        if (!column_find(importing->policy, importing->collection, field->name, &column) ||
            column.by == NULL || field->text.len == 0)
            continue;
        enum err err =
            look_up(importing, &column, field->name, field->text, row->found[i], problem);
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
    bool validation = err > ERR_COLLECTION && err <= ERR_RETIRED;
    bool size = err == ERR_LIMIT && strncmp(problem->thing, "change ", 7) == 0;
    return validation || size || err == ERR_AMBIGUOUS || err == ERR_MALFORMED || err == ERR_USAGE;
}

/* Reads one member of `rows`. OK, or the request as a whole is refused. */
static enum err row_take(struct importing *importing, const json_t *item, struct problem *problem)
{
    json_int_t line = json_integer_value(json_object_get(item, "line"));
    struct import_row *row = &importing->rows[importing->count];
    struct problem own = { .code = OK };
    if (!json_is_object(item) || line <= 0 || (uint64_t)line <= importing->last_line)
        return problem_set(problem, ERR_USAGE, "rows", "each has a line; lines ascend from 1");
    *row = (struct import_row){ .line = (uint64_t)line };
    importing->last_line = (uint64_t)line;
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

/* ---- answers. Stored: {"import": true, "accepted", "rejected": [...], "line"}. */

static void make_answer(void *ctx, const struct entry_request *request, const struct hash *leaf,
                        struct buf *ret)
{
    struct importing *importing = ctx;
    (void)leaf;
    json_t *answer =
        json_pack("{s:b, s:I, s:O, s:I}", "import", 1, "accepted",
                  (json_int_t)(request != NULL ? request->change_count : 0), "rejected",
                  importing->rejected, "line", (json_int_t)importing->last_line);
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

static void answer_stored(struct admin_call *call, struct bytes stored)
{
    json_t *answer = json_loadb((const char *)stored.at, stored.len, 0, NULL);
    enum lang lang = admin_call_lang(call);
    size_t index;
    json_t *item;
    if (!json_is_true(json_object_get(answer, "import"))) {
        json_decref(answer);
        node_admin_refuse(call, ERR_STATE, "request", "it belongs to another command");
        return;
    }
    json_t *rejected = json_object_get(answer, "rejected");
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
    admin_done(call, json_pack("{s:O, s:I, s:O}", "accepted", json_object_get(answer, "accepted"),
                               "rejected", (json_int_t)json_array_size(rejected), "line",
                               json_object_get(answer, "line")));
    json_decref(answer);
}

/* ---- storing */

static enum err submit_rows(struct importing *importing, unsigned *ret_failed,
                            struct problem *problem)
{
    struct hash leaf;
    uint64_t seq;
    for (unsigned i = 0; i < importing->count; i++) {
        const struct import_row *row = &importing->rows[i];
        importing->changes[i] =
            (struct entry_change){ .group = i,
                                   .op = OP_CREATE,
                                   .collection = bytes_text(importing->collection->name),
                                   .fields = row->fields.list,
                                   .field_count = row->fields.count };
    }
    importing->warnings.count = 0;
    const struct entry_request request = { .request = importing->request,
                                           .wall_ms = loop_wall_ms(),
                                           .lane = importing->lane,
                                           .changes = importing->changes,
                                           .change_count = importing->count,
                                           .import_hash = bytes_hash(&importing->file),
                                           .import_line = importing->last_line,
                                           .answer = make_answer,
                                           .ctx = importing };
    return node_entry_submit(importing->admin->parts.entry, &request, &leaf, &seq, ret_failed,
                             problem, &importing->warnings);
}

static enum err store_nothing(struct importing *importing)
{
    const size_t cap = 128 * 1024;
    struct buf answer = buf_of(malloc(cap), cap);
    if (answer.at == NULL)
        return ERR_MEMORY;
    make_answer(importing, NULL, NULL, &answer);
    enum err err =
        node_store_import_put(importing->admin->parts.store, &importing->file, importing->last_line,
                              &importing->request, buf_bytes(&answer));
    free(answer.at);
    return err;
}

/* Rows that are refused leave, one after the other, until the rest stands. */
static enum err store_rows(struct importing *importing, struct problem *problem)
{
    while (importing->count > 0) {
        unsigned failed = 0;
        *problem = (struct problem){ .code = OK };
        enum err err = submit_rows(importing, &failed, problem);
        if (err == OK || !is_row_error(err, problem))
            return err;
        must(failed < importing->count);
        reject(importing, importing->rows[failed].line, problem);
        row_close(&importing->rows[failed]);
        importing->count--;
        memmove(&importing->rows[failed], &importing->rows[failed + 1],
                (importing->count - failed) * sizeof *importing->rows);
    }
    *problem = (struct problem){ .code = OK };
    return store_nothing(importing);
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

static void import_rows(struct importing *importing, const json_t *rows)
{
    struct node_store *store = importing->admin->parts.store;
    struct problem problem = { .code = OK };
    struct bytes stored;
    uint64_t before = 0;
    enum err err = node_store_answer(store, &importing->request, &stored);
    if (err == OK) {
        answer_stored(importing->call, stored);
        return;
    }
    if (err == ERR_NOT_FOUND)
        err = node_store_import_line(store, &importing->file, &before);
    if (err == OK || err == ERR_NOT_FOUND)
        err = take_rows(importing, rows, before, &problem);
    if (err == OK && importing->last_line == 0) { /* nothing that is new */
        admin_done(importing->call, json_pack("{s:i, s:i, s:I}", "accepted", 0, "rejected", 0,
                                              "line", (json_int_t)before));
        return;
    }
    if (err == OK)
        err = store_rows(importing, &problem);
    if (err == OK) {
        node_admin_changed(importing->admin);
        err = node_store_answer(store, &importing->request, &stored);
    }
    if (err == OK)
        answer_stored(importing->call, stored);
    else
        node_admin_refuse_problem(importing->call, err, &problem, "import");
}

void node_import_rows(struct node_admin *admin, struct admin_call *call)
{
    struct importing importing = { .admin = admin,
                                   .call = call,
                                   .policy = node_store_policy(admin->parts.store) };
    const json_t *rows = json_object_get(admin_call_args(call), "rows");
    size_t count = json_array_size(rows);
    struct bytes name;
    if (count == 0 || count > IMPORT_ROWS_MAX) {
        node_admin_refuse(call, ERR_LIMIT, "rows", "1 to 256 in one request");
        return;
    }
    if (!arg_file(call, &importing.file) || !node_arg_needed(call, "collection", &name) ||
        !node_arg_collection(admin, call, name, &importing.collection) ||
        !node_arg_request(call, &importing.request) || !node_arg_lane(call, &importing.lane))
        return;
    if (id_is_zero(&importing.request))
        importing.request = crypto_random_id();
    date_of_ms(loop_wall_ms(), importing.today);
    importing.rejected = json_array();
    importing.rows = calloc(count, sizeof *importing.rows);
    importing.changes = calloc(count, sizeof *importing.changes);
    if (importing.rows != NULL && importing.changes != NULL)
        import_rows(&importing, rows);
    else
        node_admin_refuse(call, ERR_MEMORY, "import", NULL);
    importing_close(&importing);
}
