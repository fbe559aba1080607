/* blob_put, blob_get, blob_list: the bytes that records name.
 *
 * blob_put {token, total, offset, data} takes a file in order, as many requests as it needs, and
 * answers the last one with {hash, size, type}. blob_get {id, field, n} gives rows {data}, then
 * {hash, size, type}. blob_list {collection, after} gives a page of rows {id, short, field, label,
 * blobs}. In a row of `show` a field has `blobs` too: [{hash, size, type, where, office}], where
 * is "here", "office" (with that office: it entered them), "former" (entered on a former machine of
 * this office) or "unknown". */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_inside.h"

#define LIST_PAGE 128
#define UPLOAD_IDLE_MS 60000
#define CHUNK_BYTES_MAX (ADMIN_LINE_BYTES_MAX / 4 * 3)

/* ---- in */

static void upload_end(struct node_upload *upload)
{
    node_store_blob_close(&upload->writer);
    *upload = (struct node_upload){ .token = "" };
}

void node_uploads_close(struct node_admin *admin)
{
    for (size_t i = 0; i < COUNT_OF(admin->uploads); i++)
        upload_end(&admin->uploads[i]);
}

struct chunk {
    const char *token;
    uint64_t total, offset;
    struct buf data;
};

static bool read_chunk(struct admin_call *call, struct chunk *chunk)
{
    struct problem problem = { .code = OK };
    const json_t *args = admin_call_args(call);
    const json_t *total = json_object_get(args, "total"), *offset = json_object_get(args, "offset");
    chunk->token = json_string_value(json_object_get(args, "token"));
    if (chunk->token == NULL || chunk->token[0] == '\0' ||
        strlen(chunk->token) >= UPLOAD_TOKEN_BYTES || !json_is_integer(total) ||
        !json_is_integer(offset) || json_integer_value(total) < 0 ||
        json_integer_value(offset) < 0) {
        node_admin_refuse(call, ERR_USAGE, "data", "token, total, offset and data are needed");
        return false;
    }
    chunk->total = (uint64_t)json_integer_value(total);
    chunk->offset = (uint64_t)json_integer_value(offset);
    enum err err = admin_arg_bytes(call, "data", CHUNK_BYTES_MAX, &chunk->data, &problem);
    if (err != OK)
        admin_fail(call, &problem);
    return err == OK;
}

/* Who sent the chunks before; for the first one the place that was idle longest. */
static struct node_upload *upload_for(struct node_admin *admin, const struct admin_call *call,
                                      const struct chunk *chunk)
{
    struct node_upload *oldest = &admin->uploads[0];
    for (size_t i = 0; i < COUNT_OF(admin->uploads); i++) {
        struct node_upload *upload = &admin->uploads[i];
        if (upload->writer != NULL && upload->uid == admin_call_uid(call) &&
            strcmp(upload->token, chunk->token) == 0)
            return upload;
        if (upload->writer != NULL && loop_now_ms() - upload->used_ms >= UPLOAD_IDLE_MS)
            upload_end(upload);
        if (upload->writer == NULL || (oldest->writer && upload->used_ms < oldest->used_ms))
            oldest = upload;
    }
    return chunk->offset == 0 ? oldest : NULL;
}

static enum err upload_begin(struct node_admin *admin, const struct admin_call *call,
                             const struct chunk *chunk, struct node_upload *upload,
                             struct problem *problem)
{
    upload_end(upload);
    enum err err =
        node_store_blob_begin(admin->parts.store, chunk->total, &upload->writer, problem);
    if (err != OK)
        return err;
    memcpy(upload->token, chunk->token, strlen(chunk->token) + 1);
    upload->uid = admin_call_uid(call);
    upload->total = chunk->total;
    return OK;
}

static enum err upload_take(struct node_upload *upload, const struct chunk *chunk,
                            struct problem *problem)
{
    if (upload->total != chunk->total || upload->got != chunk->offset)
        return problem_set(problem, ERR_STATE, "data", "another file came in between; try again");
    if (chunk->data.len == 0)
        return problem_set(problem, ERR_USAGE, "data", "it is empty");
    enum err err = node_store_blob_add(upload->writer, buf_bytes(&chunk->data));
    if (err != OK)
        return problem_set(problem, err, "blob", err == ERR_LIMIT ? "it is too long" : NULL);
    upload->got += chunk->data.len;
    upload->used_ms = loop_now_ms();
    return OK;
}

static json_t *ref_json(const struct blob_ref *ref)
{
    json_t *object = json_object();
    node_json_set(object, "hash", node_json_hash(&ref->hash));
    node_json_set(object, "size", node_json_uint(ref->size));
    node_json_set(object, "type", node_json_bytes(bytes_text(ref->type)));
    return object;
}

void node_cmd_blob_put(struct node_admin *admin, struct admin_call *call)
{
    struct problem problem = { .code = OK };
    struct chunk chunk = { .token = NULL };
    struct blob_ref ref;
    if (!read_chunk(call, &chunk))
        return;
    struct node_upload *upload = upload_for(admin, call, &chunk);
    enum err err = OK;
    if (upload == NULL)
        err = problem_set(&problem, ERR_STATE, "data", "another file came in between; try again");
    else if (chunk.offset == 0)
        err = upload_begin(admin, call, &chunk, upload, &problem);
    if (upload != NULL && err == OK)
        err = upload_take(upload, &chunk, &problem);
    bool whole = upload != NULL && err == OK && node_store_blob_whole(upload->writer);
    if (whole)
        err = node_store_blob_end(upload->writer, loop_wall_ms(), &ref);
    if (upload != NULL && (whole || err != OK))
        upload_end(upload);
    if (err != OK)
        node_admin_refuse_problem(call, err, &problem, "blob");
    else
        admin_done(call, whole ? ref_json(&ref) : NULL);
    if (chunk.data.at != NULL)
        crypto_wipe(chunk.data.at, chunk.data.len);
    free(chunk.data.at);
}

/* ---- out */

struct sending {
    struct blob_reader *reader;
    struct blob_ref ref;
};

static enum err next_piece(void *ctx, json_t **ret_row, struct problem *problem)
{
    struct sending *sending = ctx;
    struct bytes piece;
    enum err err = node_store_blob_read(sending->reader, &piece);
    if (err != OK)
        return problem_set(problem, err, "blob", sending->ref.type);
    if (piece.len == 0) {
        *ret_row = ref_json(&sending->ref);
        return ERR_NOT_FOUND; /* the end */
    }
    json_t *data = admin_json_bytes(piece);
    *ret_row = data != NULL ? json_pack("{s:o}", "data", data) : NULL;
    return *ret_row != NULL ? OK : ERR_MEMORY;
}

static void sending_end(void *ctx)
{
    struct sending *sending = ctx;
    node_store_blob_done(&sending->reader);
    free(sending);
}

/* The `n`th (from 1) reference in a field of the record as it stands, for somebody who may see it;
 * its collection. */
static bool find_ref(struct node_admin *admin, struct admin_call *call, const struct id *record,
                     const struct node_ask *ask, struct blob_ref *ret_ref,
                     struct bytes *ret_collection)
{
    const enum mask_place place = ask->full ? MASK_RECORD_FULL : MASK_RECORD;
    const struct record_view *view;
    const struct policy *policy = node_store_policy(admin->parts.store);
    const json_t *number = json_object_get(admin_call_args(call), "n");
    json_int_t n = json_is_integer(number) ? json_integer_value(number) : 1;
    struct bytes name;
    if (!node_arg_needed(call, "field", &name))
        return false;
    enum err err = node_store_view(admin->parts.store, record, &view);
    if (err != OK) {
        node_admin_refuse(call, err, "record", NULL);
        return false;
    }
    const struct policy_collection *collection =
        policy != NULL ? policy_collection(policy, view->collection) : NULL;
    const struct policy_field *field =
        collection != NULL ? policy_field_loose(collection, name) : NULL;
    if (field == NULL || !blob_field(field)) {
        node_admin_refuse(call, ERR_FIELD, "field", "a field for photos and files is needed");
        return false;
    }
    for (size_t i = 0; i < view->field_count; i++) {
        if (!bytes_is(view->fields[i].name, field->name))
            continue;
        if (mask_of(field, view->fields[i].value, place) != MASK_NONE) {
            node_admin_refuse(call, ERR_DENIED, field->label, "say --full --reason TEXT");
            return false;
        }
        *ret_collection = bytes_text(collection->name);
        struct blob_iter blobs = blobs_of(field, view->fields[i].value);
        for (json_int_t at = 1; blobs_next(&blobs, ret_ref); at++)
            if (at == n)
                return true;
    }
    node_admin_refuse(call, ERR_NOT_FOUND, field->label, "the record names no such file");
    return false;
}

void node_cmd_blob_get(struct node_admin *admin, struct admin_call *call)
{
    struct bytes text;
    struct id record;
    struct blob_ref ref;
    struct node_ask ask;
    struct node_looked looked = { .op = ACCESS_LOOK, .record = &record };
    if (!node_arg_needed(call, "id", &text) || !node_ask_read(admin, call, &ask) ||
        !node_arg_record(admin, call, text, &record) ||
        !find_ref(admin, call, &record, &ask, &ref, &looked.collection))
        return;
    struct sending *sending = calloc(1, sizeof *sending);
    enum err err = sending != NULL ? OK : ERR_MEMORY;
    if (err == OK) {
        sending->ref = ref;
        err = node_store_blob_open(admin->parts.store, &ref.hash, &sending->reader);
    }
    if (err == OK && !node_ask_log(admin, call, &ask, &looked)) {
        sending_end(sending);
        return;
    }
    if (err == OK)
        err = admin_rows_start(&admin->rows, admin->parts.loop, call, next_piece, sending_end,
                               sending);
    if (err != OK) {
        node_admin_refuse(call, err, "blob", ref.type);
        if (sending != NULL)
            sending_end(sending);
    }
}

/* ---- where they are */

json_t *node_json_blobs(const struct policy_field *field, struct bytes value)
{
    struct blob_iter blobs = blobs_of(field, value);
    struct blob_ref ref;
    if (!blob_field(field))
        return NULL;
    json_t *list = json_array();
    while (blobs_next(&blobs, &ref))
        json_array_append_new(list, ref_json(&ref));
    return list;
}

struct locating {
    json_t *rows;
};

/* Rows of fields learn who brought them; the last one counts. */
static void note_author(void *ctx, const struct told_change *told)
{
    struct locating *locating = ctx;
    struct items_iter iter = items_of(told->field_names);
    size_t index;
    json_t *row;
    for (; iter.left > 0; iter.left--) {
        struct bytes name = reader_str(&iter.reader);
        json_array_foreach(locating->rows, index, row) {
            const char *field = json_string_value(json_object_get(row, "name"));
            if (field != NULL && bytes_is(name, field) && told->node.len > 0)
                node_json_set(row, "office", node_json_bytes(told->node));
        }
    }
}

static enum err locate(struct node_admin *admin, const json_t *row, json_t *blob, const char *self)
{
    struct hash hash;
    bool here = false;
    const char *hex = json_string_value(json_object_get(blob, "hash"));
    const char *office = json_string_value(json_object_get(row, "office"));
    must(hex != NULL && crypto_unhex(bytes_text(hex), hash.at, HASH_BYTES));
    enum err err = node_store_blob_here(admin->parts.store, &hash, &here);
    const char *where = here                        ? "here"
                        : office == NULL            ? "unknown"
                        : strcmp(office, self) == 0 ? "former"
                                                    : "office";
    node_json_set(blob, "where", json_string(where));
    node_json_set(blob, "office",
                  strcmp(where, "office") == 0 && office != NULL ? json_string(office) : NULL);
    return err;
}

enum err node_blobs_locate(struct node_admin *admin, const struct id *record, json_t *rows)
{
    struct node_identity identity;
    struct locating locating = { .rows = json_array() };
    size_t index, at;
    json_t *row, *blob;
    enum err err = OK;
    json_array_foreach(rows, index, row) {
        if (json_array_size(json_object_get(row, "blobs")) > 0)
            json_array_append(locating.rows, row);
    }
    if (json_array_size(locating.rows) > 0) {
        err = node_store_identity(admin->parts.store, &identity);
        if (err == OK)
            err = node_store_told(admin->parts.store, record, note_author, &locating);
    }
    json_array_foreach(locating.rows, index, row) {
        json_array_foreach(json_object_get(row, "blobs"), at, blob) {
            if (err == OK)
                err = locate(admin, row, blob, identity.node);
        }
        (void)json_object_del(row, "office");
    }
    json_decref(locating.rows);
    return err;
}

/* ---- list */

struct blob_page {
    const struct policy_collection *collection;
    unsigned seen;
    struct id last;
    json_t *rows; /* {id, short, fields: […]} */
};

static void page_add(void *ctx, const struct record_view *view)
{
    struct blob_page *page = ctx;
    json_t *fields = json_array();
    page->seen++;
    page->last = view->id;
    for (size_t i = 0; i < view->field_count && !view->deleted; i++) {
        const struct policy_field *field = policy_field(page->collection, view->fields[i].name);
        const struct bytes value = view->fields[i].value;
        json_t *blobs = field != NULL && mask_of(field, value, MASK_RECORD) == MASK_NONE
                            ? node_json_blobs(field, value)
                            : NULL;
        if (field != NULL && json_array_size(blobs) > 0) {
            json_t *row = json_pack("{s:s, s:s, s:O}", "name", field->name, "label", field->label,
                                    "blobs", blobs);
            json_array_append_new(fields, row);
        }
        json_decref(blobs);
    }
    if (json_array_size(fields) > 0) {
        json_t *row = json_object();
        node_json_set(row, "id", node_json_uuid(&view->id));
        node_json_set(row, "short", node_json_bytes(view->short_text));
        node_json_set(row, "collection", json_string(page->collection->name));
        node_json_set(row, "fields", json_incref(fields));
        json_array_append_new(page->rows, row);
    }
    json_decref(fields);
}

void node_cmd_blob_list(struct node_admin *admin, struct admin_call *call)
{
    struct blob_page page = { .seen = 0 };
    struct id after = { { 0 } }, record;
    struct bytes name, text = node_arg_text(admin_call_args(call), "after");
    size_t index;
    json_t *row;
    if (!node_arg_needed(call, "collection", &name) ||
        !node_arg_collection(admin, call, name, &page.collection))
        return;
    if (text.len > 0 && !uuid_from_text(text, &after)) {
        node_admin_refuse(call, ERR_USAGE, "after", "the id of the last row seen");
        return;
    }
    page.rows = json_array();
    enum err err = node_store_list(admin->parts.store, bytes_text(page.collection->name), &after,
                                   LIST_PAGE, page_add, &page);
    const struct node_looked looked = { .op = ACCESS_LIST,
                                        .collection = bytes_text(page.collection->name),
                                        .count = json_array_size(page.rows) };
    if (err == OK && looked.count > 0 && !node_ask_log(admin, call, NULL, &looked)) {
        json_decref(page.rows);
        return;
    }
    json_array_foreach(page.rows, index, row) {
        if (err == OK && uuid_from_text(node_arg_text(row, "id"), &record))
            err = node_blobs_locate(admin, &record, json_object_get(row, "fields"));
        if (err == OK)
            admin_row(call, json_incref(row));
    }
    json_decref(page.rows);
    if (err != OK) {
        node_admin_refuse(call, err, "list", NULL);
        return;
    }
    json_t *done = json_pack("{s:b}", "more", page.seen == LIST_PAGE);
    node_json_set(done, "after", page.seen > 0 ? node_json_uuid(&page.last) : NULL);
    admin_done(call, done);
}
