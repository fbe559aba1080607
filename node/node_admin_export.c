/* Records as rows of a file that can be imported again. One page a request: ids first, since a view
 * lives only until the next look into the store; then each record is read, its references are
 * written as look-ups, and what was written out is noted in the ledger, so that the file adds
 * nothing here. */
#include <stdlib.h>

#include "common/log.h"
#include "node/node_admin_inside.h"

#define EXPORT_PAGE 256

struct exporting {
    struct node_admin *admin;
    struct admin_call *call;
    const struct policy *policy;
    const struct policy_collection *collection;
    struct node_ask ask; /* full: also what few may see */
    char today[11];
    size_t column_count;
    struct import_column columns[FIELDS_PER_CHANGE_MAX];
    json_t *left_out; /* names of columns that only a full export has */

    struct node_finds finds;
    unsigned seen; /* records looked at in this page */
    unsigned id_count;
    struct id last, ids[EXPORT_PAGE];
    unsigned hidden; /* cells left empty, since few may see that value */
    unsigned mark_count;
    struct export_mark marks[EXPORT_PAGE];
    uint8_t *map, *full_map;
};

#define MAP_BYTES_MAX (2 * CHANGE_BYTES_MAX)

/* ---- columns: what the template has, in the order of the policy */

static bool find_columns(struct exporting *exporting)
{
    const struct policy_collection *collection = exporting->collection;
    authority_set author = node_admin_author(exporting->admin, exporting->policy);
    exporting->left_out = json_array();
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        char name[IMPORT_COLUMN_BYTES_MAX];
        if (!node_field_writable(field, author, exporting->today))
            continue;
        if (field->sensitivity >= SENSITIVITY_S && !exporting->ask.full) {
            json_array_append_new(exporting->left_out, json_string(field->name));
            continue;
        }
        if (exporting->column_count == FIELDS_PER_CHANGE_MAX)
            return false;
        node_import_column_name(exporting->policy, field, name);
        must(node_import_column(exporting->policy, collection, bytes_text(name),
                                &exporting->columns[exporting->column_count]));
        exporting->column_count++;
    }
    return true;
}

/* NULL: the call has been refused. */
static struct exporting *exporting_open(struct node_admin *admin, struct admin_call *call)
{
    struct exporting *exporting = calloc(1, sizeof *exporting);
    struct bytes name;
    if (exporting == NULL) {
        node_admin_refuse(call, ERR_MEMORY, "export", NULL);
        return NULL;
    }
    exporting->admin = admin;
    exporting->call = call;
    exporting->policy = node_store_policy(admin->parts.store);
    date_of_ms(loop_wall_ms(), exporting->today);
    bool good = node_arg_needed(call, "collection", &name) &&
                node_arg_collection(admin, call, name, &exporting->collection) &&
                node_ask_read(admin, call, &exporting->ask);
    if (good && !find_columns(exporting)) {
        node_admin_refuse(call, ERR_LIMIT, exporting->collection->name, "128 columns");
        good = false;
    }
    if (!good) {
        json_decref(exporting->left_out);
        free(exporting);
        return NULL;
    }
    return exporting;
}

static void map_close(uint8_t *map)
{
    if (map != NULL)
        crypto_wipe(map, MAP_BYTES_MAX);
    free(map);
}

static void exporting_close(struct exporting *exporting)
{
    json_decref(exporting->left_out);
    map_close(exporting->map);
    map_close(exporting->full_map);
    free(exporting);
}

void node_cmd_export_begin(struct node_admin *admin, struct admin_call *call)
{
    struct exporting *exporting = exporting_open(admin, call);
    json_t *columns = json_array();
    for (size_t i = 0; exporting != NULL && i < exporting->column_count; i++) {
        const struct import_column *column = &exporting->columns[i];
        char name[IMPORT_COLUMN_BYTES_MAX];
        const struct policy_field *typed = column->by != NULL ? column->by : column->field;
        node_import_column_name(exporting->policy, column->field, name);
        json_array_append_new(
            columns, json_pack("{s:s, s:s}", "name", name, "type", field_type_name(typed->type)));
    }
    if (exporting != NULL) {
        admin_done(call, json_pack("{s:s, s:O, s:O}", "collection", exporting->collection->name,
                                   "columns", columns, "left_out", exporting->left_out));
        exporting_close(exporting);
    }
    json_decref(columns);
}

/* ---- one record */

struct cells {
    json_t *list;
    /* References among them, to be looked up once the view is no longer needed. */
    size_t reference_count;
    struct {
        size_t at;
        struct id record;
    } references[FIELDS_PER_CHANGE_MAX];
};

static const struct view_field *value_of(const struct record_view *view, const char *name)
{
    for (size_t i = 0; i < view->field_count; i++) {
        const struct view_field *at = &view->fields[i];
        if (bytes_is(at->name, name))
            return at->value.len > 0 && !value_is_nil(at->value) ? at : NULL;
    }
    return NULL;
}

static int field_order(const void *a, const void *b)
{
    const struct view_field *const *left = a, *const *right = b;
    return codec_compare((*left)->name, (*right)->name);
}

/* Marks the record by what its row will say to an import: the same fields, with defaults. A record
 * that is larger than a change may be has no mark; it cannot be imported either. */
static void mark_record(struct exporting *exporting, const struct record_view *view,
                        const struct view_field **fields, size_t count)
{
    struct writer map = writer_of(exporting->map, MAP_BYTES_MAX);
    struct writer full = writer_of(exporting->full_map, MAP_BYTES_MAX);
    qsort(fields, count, sizeof(const struct view_field *), field_order);
    writer_map(&map, count);
    for (size_t i = 0; i < count; i++) {
        writer_str(&map, fields[i]->name);
        writer_raw(&map, fields[i]->value);
    }
    if (map.err != OK ||
        validate_add_defaults(exporting->collection, writer_bytes(&map), &full) != OK)
        return;
    struct export_mark *mark = &exporting->marks[exporting->mark_count++];
    mark->record = view->id;
    node_store_row_hash(exporting->admin->parts.store, bytes_text(exporting->collection->name),
                        writer_bytes(&full), &mark->hash);
}

static void read_cells(struct exporting *exporting, const struct record_view *view,
                       struct cells *cells)
{
    const struct view_field *fields[FIELDS_PER_CHANGE_MAX] = { NULL };
    size_t count = 0;
    cells->list = json_array();
    for (size_t i = 0; i < exporting->column_count; i++) {
        const struct policy_field *field = exporting->columns[i].field;
        const struct view_field *at = value_of(view, field->name);
        if (at != NULL && !exporting->ask.full && node_value_is_restricted(field, at->value)) {
            exporting->hidden++;
            at = NULL;
        }
        json_t *text = at != NULL ? node_json_value(exporting->admin, field, at->value) : NULL;
        json_array_append_new(cells->list, text != NULL ? text : json_null());
        if (at == NULL)
            continue;
        fields[count++] = at;
        struct reader in = reader_of(at->value);
        struct bytes id = exporting->columns[i].by != NULL ? reader_bin(&in) : bytes_of(NULL, 0);
        if (id.len == ID_BYTES) {
            cells->references[cells->reference_count].at = i;
            memcpy(cells->references[cells->reference_count++].record.at, id.at, ID_BYTES);
        }
    }
    mark_record(exporting, view, fields, count);
}

/* The value by which the record is found, when it is the only one: *ret_text, else NULL. */
static enum err look_up_text(struct exporting *exporting, const struct import_column *column,
                             const struct id *record, json_t **ret_text)
{
    struct node_store *store = exporting->admin->parts.store;
    const struct record_view *view;
    unsigned count = 0;
    struct id found;
    *ret_text = NULL;
    enum err err = node_store_view(store, record, &view);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    const struct view_field *at = value_of(view, column->by->name);
    if (view->deleted || at == NULL || !bytes_is(view->collection, column->target->name) ||
        at->value.len > MAP_BYTES_MAX ||
        (!exporting->ask.full && mask_of(column->by, at->value, MASK_RECORD) != MASK_NONE))
        return OK;
    struct bytes value = bytes_of(exporting->map, at->value.len);
    memcpy(exporting->map, at->value.at, at->value.len);
    err = node_import_count(store, column, value, &count, &found);
    if (err == OK && count == 1 && id_equal(&found, record))
        *ret_text = node_json_value(exporting->admin, column->by, value);
    return err;
}

static enum err export_record(struct exporting *exporting, const struct id *record)
{
    const struct record_view *view;
    struct cells cells = { .reference_count = 0 };
    enum err err = node_store_view(exporting->admin->parts.store, record, &view);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    read_cells(exporting, view, &cells);
    for (size_t i = 0; err == OK && i < cells.reference_count; i++) {
        json_t *text;
        size_t at = cells.references[i].at;
        err = look_up_text(exporting, &exporting->columns[at], &cells.references[i].record, &text);
        if (text != NULL)
            json_array_set_new(cells.list, at, text);
    }
    if (err == OK) {
        json_t *row = json_object();
        node_json_set(row, "id", node_json_uuid(record));
        node_json_set(row, "cells", json_incref(cells.list));
        admin_row(exporting->call, row);
    }
    json_decref(cells.list);
    return err;
}

/* ---- a page */

static void take_id(void *ctx, const struct record_view *view)
{
    struct exporting *exporting = ctx;
    exporting->seen++;
    exporting->last = view->id;
    if (!view->deleted && node_finds_match(exporting->admin, &exporting->finds, view))
        exporting->ids[exporting->id_count++] = view->id;
}

static void export_page(struct exporting *exporting, const struct id *after)
{
    struct node_store *store = exporting->admin->parts.store;
    bool noted = true;
    enum err err = node_store_list(store, bytes_text(exporting->collection->name), after,
                                   EXPORT_PAGE, take_id, exporting);
    const struct node_looked looked = { .op = ACCESS_EXPORT,
                                        .collection = bytes_text(exporting->collection->name),
                                        .count = exporting->id_count };
    if (err == OK && !node_ask_log(exporting->admin, exporting->call, &exporting->ask, &looked))
        return;
    for (unsigned i = 0; err == OK && i < exporting->id_count; i++)
        err = export_record(exporting, &exporting->ids[i]);
    if (err != OK) {
        node_admin_refuse(exporting->call, err, "export", NULL);
        return;
    }
    /* Room for the log there was; that its marks did not fit is no reason to refuse the rest. */
    if (exporting->mark_count > 0) {
        err = node_store_ledger_export(store, exporting->marks, exporting->mark_count);
        noted = err == OK;
        if (!noted)
            log_warning("export not noted code=%s", err_name(err));
    }
    json_t *done = json_pack("{s:b, s:b, s:i}", "more", exporting->seen == EXPORT_PAGE, "noted",
                             (int)noted, "hidden", (int)exporting->hidden);
    node_json_set(done, "after", exporting->seen > 0 ? node_json_uuid(&exporting->last) : NULL);
    admin_done(exporting->call, done);
}

void node_cmd_export_rows(struct node_admin *admin, struct admin_call *call)
{
    struct bytes after_text = node_arg_text(admin_call_args(call), "after");
    struct id after = { { 0 } };
    struct exporting *exporting = exporting_open(admin, call);
    if (exporting == NULL)
        return;
    exporting->map = malloc(MAP_BYTES_MAX);
    exporting->full_map = malloc(MAP_BYTES_MAX);
    if (exporting->map == NULL || exporting->full_map == NULL)
        node_admin_refuse(call, ERR_MEMORY, "export", NULL);
    else if (after_text.len > 0 && !uuid_from_text(after_text, &after))
        node_admin_refuse(call, ERR_USAGE, "after", "the id of the last row seen");
    else if (node_finds_read(call, exporting->collection, exporting->ask.full, &exporting->finds))
        export_page(exporting, &after);
    exporting_close(exporting);
}
