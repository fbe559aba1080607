#include "common/log.h"
#include "hub/hub_admin_inside.h"
#include "proto/invite.h"

void hub_cmd_invite(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_daemon *daemon = admin->daemon;
    struct problem problem = { .code = OK };
    char text[INVITE_TEXT_MAX];
    const char *node;
    uint64_t hours;
    if (!hub_arg_text(call, "node", &node) ||
        !hub_arg_uint(call, "hours", INVITE_HOURS_MAX, 72, &hours))
        return;
    enum err err =
        hub_enrol_invite(daemon->enrol, &daemon->keys, hub_store_trust(daemon->store), node,
                         (unsigned)hours, loop_wall_ms(), text, sizeof text, &problem);
    if (err != OK) {
        hub_refuse_problem(call, err, &problem, "invite");
        return;
    }
    json_t *done = json_object();
    hub_json_set(done, "invite", json_string(text));
    crypto_wipe(text, sizeof text);
    admin_done(call, done);
}

/* ---- what waits */

static const char *area_of(const struct trust *trust, const char *node)
{
    const struct trust_node *known = trust_node(trust, bytes_text(node));
    return known != NULL ? known->area : node;
}

static void keys_put(json_t *object, const struct enrol_view *view)
{
    if (view->is_operator) {
        hub_json_set(object, "operator_key", hub_json_key(&view->op->key));
        hub_json_set(object, "name", hub_json_text(view->op->name));
        hub_json_set(object, "role", hub_json_text(view->op->role));
        hub_json_set(object, "seal_key",
                     view->op->has_seal_key ? hub_json_key(&view->op->seal_key) : NULL);
        return;
    }
    hub_json_set(object, "device_key", hub_json_key(&view->enrol->device_key));
    hub_json_set(object, "curve_key", hub_json_key(&view->enrol->curve_key));
    hub_json_set(object, "seal_key", hub_json_key(&view->enrol->seal_key));
}

static void view_row(void *ctx, const struct enrol_view *view)
{
    json_t *row = json_object();
    hub_json_set(row, "node", json_string(view->node));
    hub_json_set(row, "kind", json_string(view->is_operator ? "operator" : "node"));
    if (!view->is_operator) {
        char hex[2 * ID_BYTES + 1];
        crypto_hex(bytes_id(view->invite), hex);
        hub_json_set(row, "invite", json_string(hex));
    }
    keys_put(row, view);
    hub_json_set(row, "since", hub_json_time(view->since_ms));
    hub_json_set(row, "tries_left", hub_json_uint(view->tries_left));
    admin_row(ctx, row);
}

void hub_cmd_enrolments(struct hub_admin *admin, struct admin_call *call)
{
    enum err err = hub_enrol_waiting(admin->daemon->enrol, hub_store_trust(admin->daemon->store),
                                     view_row, call);
    if (err == OK)
        admin_done(call, NULL);
    else
        hub_refuse(call, err, "enrolments", "the database");
}

/* ---- six words */

struct answer {
    const struct trust *trust;
    json_t *done;
};

static void view_answer(void *ctx, const struct enrol_view *view)
{
    struct answer *answer = ctx;
    answer->done = json_object();
    hub_json_set(answer->done, "node", json_string(view->node));
    hub_json_set(answer->done, "area", json_string(area_of(answer->trust, view->node)));
    keys_put(answer->done, view);
}

void hub_cmd_enrolment_check(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_daemon *daemon = admin->daemon;
    struct problem problem = { .code = OK };
    struct answer answer = { .trust = hub_store_trust(daemon->store) };
    const char *node, *kind, *words, *name = NULL;
    unsigned left = 0;
    if (!hub_arg_text(call, "node", &node) || !hub_arg_text(call, "kind", &kind) ||
        !hub_arg_text(call, "words", &words))
        return;
    if (strcmp(kind, "operator") == 0) {
        if (!hub_arg_text(call, "name", &name))
            return;
    } else if (strcmp(kind, "node") != 0) {
        hub_refuse(call, ERR_USAGE, "kind", "node or operator");
        return;
    }
    enum err err = hub_enrol_check(daemon->enrol, answer.trust, node, name, words, &left,
                                   view_answer, &answer, &problem);
    if (err == OK) {
        admin_done(call, answer.done);
        return;
    }
    json_decref(answer.done);
    if (err != ERR_WORDS) {
        hub_refuse_problem(call, err, &problem, node);
        return;
    }
    log_warning("wrong words uid=%lu node=%s tries_left=%u", (unsigned long)admin_call_uid(call),
                node, left);
    if (left == 0)
        hub_daemon_moved(daemon); /* the office that waits is told */
    admin_fail_with(call, &problem, json_pack("{s:i}", "tries_left", (int)left));
}
