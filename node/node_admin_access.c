/* Who may see what without masks, what the access log gets, and what it tells. */
#include <stdlib.h>

#include "node/node_access.h"
#include "node/node_admin_inside.h"

#define AUDIT_ROWS_DEFAULT 50
#define AUDIT_ROWS_MAX 10000

/* ---- what is asked for */

/* The role of who acts; NULL: not approved, or no policy. */
static const struct policy_role *role_of_actor(struct node_admin *admin)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct trust_operator *op = node_store_operator(admin->parts.store);
    return policy != NULL && op != NULL ? policy_role(policy, bytes_text(op->role)) : NULL;
}

static bool role_sees_full(const struct policy_role *role)
{
    return role != NULL && role->full;
}

bool node_ask_read(struct node_admin *admin, struct admin_call *call, struct node_ask *ret_ask)
{
    const json_t *args = admin_call_args(call);
    const struct node_ask ask = { .full = json_is_true(json_object_get(args, "full")),
                                  .reason = node_arg_text(args, "reason") };
    struct problem problem = { .code = OK };
    if ((ask.full || ask.reason.len > 0) && access_reason_check(ask.reason, &problem) != OK) {
        node_admin_refuse_problem(call, ERR_USAGE, &problem, "--reason TEXT");
        return false;
    }
    if (ask.full && !role_sees_full(role_of_actor(admin))) {
        node_admin_refuse(call, ERR_DENIED, "--full", "your role does not see what is masked");
        return false;
    }
    *ret_ask = ask;
    return true;
}

/* ---- what is shown */

json_t *node_json_masked(struct node_admin *admin, const struct policy_field *field,
                         struct bytes value, enum mask_place place)
{
    char part[256];
    if (value_is_nil(value))
        return NULL;
    switch (mask_of(field, value, place)) {
    case MASK_NONE:
        return node_json_value(admin, field, value);
    case MASK_PART:
        if (value_to_text(field, value, admin->text, sizeof admin->text) != OK)
            return NULL;
        mask_part(admin->text, part, sizeof part);
        crypto_wipe(admin->text, strlen(admin->text));
        return json_string(part);
    case MASK_WHOLE:
        return json_string(MASK_TEXT);
    case MASK_AWAY:
        break;
    }
    return NULL;
}

bool node_value_is_restricted(const struct policy_field *field, struct bytes value)
{
    return mask_restricted(field, value);
}

/* ---- what is written down */

bool node_ask_log(struct node_admin *admin, struct admin_call *call, const struct node_ask *ask,
                  const struct node_looked *looked)
{
    const struct node_access access = { .op = looked->op,
                                        .full = ask != NULL && ask->full,
                                        .record = looked->record,
                                        .count = looked->record != NULL ? 1 : looked->count,
                                        .note = { .what = looked->collection,
                                                  .reason = ask != NULL ? ask->reason
                                                                        : bytes_of(NULL, 0) },
                                        .name = bytes_text(admin->name),
                                        .wall_ms = node_admin_claim_ms(admin) };
    enum err err = node_store_access(admin->parts.store, &access);
    if (err == OK)
        return true;
    node_admin_refuse(call, err, "access log",
                      err == ERR_FULL ? "what is looked at is written down first" : NULL);
    return false;
}

/* ---- audit list, audit verify */

struct telling {
    struct node_admin *admin;
    bool open; /* collections and reasons too */
    json_t *rows;
};

static void tell_row(void *ctx, const struct access_row *row, const struct access_note *note)
{
    struct telling *telling = ctx;
    json_t *object = json_object();
    bool opens = telling->open && note != NULL;
    node_json_set(object, "number", node_json_uint(row->number));
    node_json_set(object, "time", node_json_time(row->wall_ms));
    node_json_set(object, "operator", row->who > 0 ? node_json_uint(row->who) : NULL);
    node_json_set(object, "name", node_json_bytes(row->name));
    node_json_set(object, "op", json_string(access_op_name(row->op)));
    node_json_set(object, "full", json_boolean(row->full));
    node_json_set(object, "count", node_json_uint(row->count));
    node_json_set(object, "id", row->has_record ? node_json_uuid(&row->record) : NULL);
    node_json_set(object, "what", opens ? node_json_bytes(note->what) : NULL);
    node_json_set(object, "reason",
                  opens && note->reason.len > 0 ? node_json_bytes(note->reason) : NULL);
    json_array_append_new(telling->rows, object);
}

/* Short numbers are for who has unlocked; the view is one more look into the store. */
static void add_short(struct node_admin *admin, json_t *row)
{
    const struct record_view *view;
    struct id record;
    bool known = uuid_from_text(node_arg_text(row, "id"), &record) &&
                 node_store_view(admin->parts.store, &record, &view) == OK;
    node_json_set(row, "short", known ? node_json_bytes(view->short_text) : NULL);
}

void node_cmd_audit_list(struct node_admin *admin, struct admin_call *call)
{
    const json_t *args = admin_call_args(call);
    struct bytes text = node_arg_text(args, "id");
    json_int_t max = json_integer_value(json_object_get(args, "max"));
    struct telling telling = { .admin = admin, .open = node_admin_open_for(admin, call) };
    struct id record;
    /* A whole id serves while locked, and of a record that is no longer here. */
    if (text.len > 0 && !uuid_from_text(text, &record) &&
        !node_arg_record(admin, call, text, &record))
        return;
    telling.rows = json_array();
    enum err err = node_store_access_rows(admin->parts.store, text.len > 0 ? &record : NULL,
                                          max <= 0               ? AUDIT_ROWS_DEFAULT
                                          : max < AUDIT_ROWS_MAX ? (unsigned)max
                                                                 : AUDIT_ROWS_MAX,
                                          tell_row, &telling);
    for (size_t i = json_array_size(telling.rows); err == OK && i > 0; i--) {
        json_t *row = json_array_get(telling.rows, i - 1);
        if (telling.open)
            add_short(admin, row);
        admin_row(call, json_incref(row));
    }
    json_decref(telling.rows);
    if (err != OK)
        node_admin_refuse(call, err, "access log", NULL);
    else
        admin_done(call, json_pack("{s:b}", "open", (int)telling.open));
}

void node_cmd_audit_verify(struct node_admin *admin, struct admin_call *call)
{
    struct access_check check;
    enum err err = node_store_access_check(admin->parts.store, &check);
    if (err != OK) {
        node_admin_refuse(call, err, "access log", NULL);
        return;
    }
    json_t *done = json_pack("{s:b, s:s}", "sound", check.fault == ACCESS_SOUND, "fault",
                             access_fault_name(check.fault));
    node_json_set(done, "at", check.fault != ACCESS_SOUND ? node_json_uint(check.at) : NULL);
    node_json_set(done, "first", node_json_uint(check.end.first + 1));
    node_json_set(done, "last", node_json_uint(check.end.last));
    node_json_set(done, "hash", node_json_hash(&check.end.last_hash));
    admin_done(call, done);
}
