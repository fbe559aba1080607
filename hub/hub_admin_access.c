/* Who asked at the hub's socket, what the access log gets, and what it tells. A hub knows people by
 * the user that they are on this machine: there are no roles here, a reason is enough. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

#include "hub/hub_admin_inside.h"
#include "proto/value.h"

#define AUDIT_ROWS_DEFAULT 50
#define AUDIT_ROWS_MAX 10000

/* ---- what is asked for */

bool hub_ask_read(struct admin_call *call, struct hub_ask *ret_ask)
{
    const json_t *args = admin_call_args(call);
    const char *reason = json_string_value(json_object_get(args, "reason"));
    const struct hub_ask ask = { .full = json_is_true(json_object_get(args, "full")),
                                 .reason = bytes_text(reason != NULL ? reason : "") };
    struct problem problem = { .code = OK };
    if ((ask.full || ask.reason.len > 0) && access_reason_check(ask.reason, &problem) != OK) {
        hub_refuse_problem(call, ERR_USAGE, &problem, "--reason TEXT");
        return false;
    }
    *ret_ask = ask;
    return true;
}

bool hub_ask_log(struct hub_admin *admin, struct admin_call *call, const struct hub_ask *ask,
                 const struct hub_looked *looked)
{
    char space[1024];
    struct passwd entry;
    const struct passwd *user = NULL;
    uid_t uid = admin_call_uid(call);
    if (getpwuid_r(uid, &entry, space, sizeof space, (struct passwd **)(uintptr_t)&user) != 0)
        user = NULL;
    struct bytes name = bytes_text(user != NULL ? user->pw_name : "");
    struct access_row row = { .wall_ms = loop_wall_ms(),
                              .op = looked->op,
                              .full = ask != NULL && ask->full,
                              .who = uid,
                              .name = name.len <= ACCESS_NAME_BYTES_MAX ? name : bytes_text(""),
                              .count = looked->count };
    row.has_record =
        looked->record != NULL && uuid_from_text(bytes_text(looked->record), &row.record);
    if (row.has_record)
        row.count = 1;
    const struct access_note note = { .what = bytes_text(looked->what != NULL ? looked->what : ""),
                                      .reason = ask != NULL ? ask->reason : bytes_of(NULL, 0) };
    enum err err = access_store_put(admin->daemon->access_log, &row, &note);
    if (err == OK)
        return true;
    hub_refuse(call, err, "access log",
               err == ERR_FULL ? "what is looked at is written down first" : NULL);
    return false;
}

/* ---- audit list, audit verify */

static void tell_row(void *ctx, const struct access_row *row, const struct access_note *note)
{
    char id[UUID_TEXT_BYTES];
    json_t *object = json_object();
    bool reason = note != NULL && note->reason.len > 0;
    uuid_to_text(&row->record, id);
    hub_json_set(object, "number", hub_json_uint(row->number));
    hub_json_set(object, "time", hub_json_time(row->wall_ms));
    hub_json_set(object, "uid", hub_json_uint(row->who));
    hub_json_set(object, "name", hub_json_text(row->name));
    hub_json_set(object, "op", json_string(access_op_name(row->op)));
    hub_json_set(object, "full", json_boolean(row->full));
    hub_json_set(object, "count", hub_json_uint(row->count));
    hub_json_set(object, "id", row->has_record ? json_string(id) : NULL);
    hub_json_set(object, "what", note != NULL ? hub_json_text(note->what) : NULL);
    hub_json_set(object, "reason", reason ? hub_json_text(note->reason) : NULL);
    (void)json_array_append_new(ctx, object);
}

struct found {
    unsigned count;
    char id[UUID_TEXT_BYTES];
};

static void take_found(void *ctx, const struct hub_row *row)
{
    struct found *found = ctx;
    const char *id = hub_row_text(row, "id");
    found->count++;
    (void)snprintf(found->id, sizeof found->id, "%s", id != NULL ? id : "");
}

/* A whole id serves for a record that is not there. */
static bool arg_record(struct hub_admin *admin, struct admin_call *call, const char *text,
                       struct id *ret_record)
{
    struct found found = { .count = 0 };
    const char *const parameters[] = { text };
    if (uuid_from_text(bytes_text(text), ret_record))
        return true;
    enum err err =
        hub_store_list(admin->daemon->store, HUB_LIST_FIND, parameters, take_found, &found);
    if (err == OK && found.count == 1 && uuid_from_text(bytes_text(found.id), ret_record))
        return true;
    if (err != OK)
        hub_refuse(call, err, "the record", "the database");
    else
        hub_refuse(call, found.count == 0 ? ERR_NOT_FOUND : ERR_AMBIGUOUS, "the record",
                   found.count == 0 ? "no record has this number, or an id that begins so"
                                    : "give its whole id");
    return false;
}

void hub_cmd_audit_list(struct hub_admin *admin, struct admin_call *call)
{
    const char *text = json_string_value(json_object_get(admin_call_args(call), "id"));
    struct id record;
    uint64_t max;
    if (!hub_arg_uint(call, "max", AUDIT_ROWS_MAX, AUDIT_ROWS_DEFAULT, &max) ||
        (text != NULL && !arg_record(admin, call, text, &record)))
        return;
    json_t *rows = json_array();
    enum err err = access_store_rows(admin->daemon->access_log, text != NULL ? &record : NULL,
                                     (unsigned)max, tell_row, rows);
    for (size_t i = json_array_size(rows); err == OK && i > 0; i--)
        admin_row(call, json_incref(json_array_get(rows, i - 1)));
    json_decref(rows);
    if (err == OK)
        admin_done(call, json_pack("{s:b}", "open", 1));
    else
        hub_refuse(call, err, "access log", NULL);
}

void hub_cmd_audit_verify(struct hub_admin *admin, struct admin_call *call)
{
    struct access_check check;
    enum err err = access_store_check(admin->daemon->access_log, &check);
    if (err != OK) {
        hub_refuse(call, err, "access log", NULL);
        return;
    }
    bool sound = check.fault == ACCESS_SOUND;
    json_t *done =
        json_pack("{s:b, s:s}", "sound", (int)sound, "fault", access_fault_name(check.fault));
    hub_json_set(done, "at", sound ? NULL : hub_json_uint(check.at));
    hub_json_set(done, "first", hub_json_uint(check.end.first + 1));
    hub_json_set(done, "last", hub_json_uint(check.end.last));
    hub_json_set(done, "hash", hub_json_hash(&check.end.last_hash));
    admin_done(call, done);
}
