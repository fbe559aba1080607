#include "node/node_admin.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/service.h"
#include "node/node_admin_inside.h"

#define LOOK_MS 10000 /* how often an unlocked node looks whether it is idle */

/* ---- the lock */

uint64_t node_admin_idle_minutes(const struct node_admin *admin)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    int64_t minutes = IDLE_LOCK_MINUTES_DEFAULT;
    if (policy != NULL)
        minutes = policy_setting(policy, "idle_lock_minutes", minutes);
    return minutes > 0 ? (uint64_t)minutes : IDLE_LOCK_MINUTES_DEFAULT;
}

bool node_admin_takes_credentials(const struct node_admin *admin)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    return policy == NULL || policy_setting(policy, "credential_unlock", 1) != 0;
}

static bool is_theirs(const struct node_session_open *session, const struct admin_call *call)
{
    return session->uid == admin_call_uid(call);
}

bool node_admin_open_for(const struct node_admin *admin, const struct admin_call *call)
{
    for (size_t i = 0; i < admin->session_count; i++)
        if (is_theirs(&admin->sessions[i], call))
            return true;
    return false;
}

void node_admin_changed(struct node_admin *admin)
{
    node_driver_kick(admin->parts.driver);
    admin->parts.changed(admin->parts.ctx);
}

/* The operator's key goes when nobody else at the socket holds it open. */
static void session_close(struct node_admin *admin, size_t at)
{
    const struct node_session_open gone = admin->sessions[at];
    bool held = false;
    node_admin_look(admin, &gone.key, LOOK_GO);
    admin->sessions[at] = admin->sessions[--admin->session_count];
    for (size_t i = 0; i < admin->session_count; i++)
        held = held || crypto_equal(admin->sessions[i].key.at, gone.key.at, PUBLIC_KEY_BYTES);
    if (!held)
        node_store_lock_operator(admin->parts.store, &gone.key);
    if (strcmp(admin->name, gone.name) == 0)
        admin->name[0] = '\0';
}

void node_admin_lock(struct node_admin *admin)
{
    loop_cancel(admin->parts.loop, admin->timer);
    admin->timer = 0;
    for (size_t i = 0; i < admin->session_count; i++)
        node_admin_look(admin, &admin->sessions[i].key, LOOK_GO);
    admin->session_count = 0;
    admin->name[0] = '\0';
    node_uploads_close(admin);
    if (!node_store_unlocked(admin->parts.store))
        return;
    node_store_lock(admin->parts.store);
    node_admin_changed(admin);
}

/* There were `before`. The hub hears that records are not wanted any more. */
static void sessions_went(struct node_admin *admin, size_t before)
{
    if (admin->session_count == 0) {
        node_uploads_close(admin);
        loop_cancel(admin->parts.loop, admin->timer);
        admin->timer = 0;
    }
    if (admin->session_count < before)
        node_admin_changed(admin);
}

void node_admin_lock_for(struct node_admin *admin, const struct admin_call *call, struct bytes name)
{
    size_t before = admin->session_count;
    for (size_t i = admin->session_count; i > 0; i--) {
        const struct node_session_open *session = &admin->sessions[i - 1];
        if (is_theirs(session, call) && (name.len == 0 || bytes_is(name, session->name)))
            session_close(admin, i - 1);
    }
    sessions_went(admin, before);
}

static void lock_idle(struct node_admin *admin)
{
    const uint64_t idle_ms = node_admin_idle_minutes(admin) * 60 * 1000;
    bool credentials = node_admin_takes_credentials(admin);
    size_t before = admin->session_count;
    for (size_t i = admin->session_count; i > 0; i--) {
        const struct node_session_open *session = &admin->sessions[i - 1];
        if (session->by_credential ? !credentials : loop_now_ms() - session->used_ms >= idle_ms)
            session_close(admin, i - 1);
    }
    sessions_went(admin, before);
}

static void look_idle(void *ctx)
{
    struct node_admin *admin = ctx;
    admin->timer = 0;
    lock_idle(admin);
    if (admin->session_count > 0)
        admin->timer = loop_after(admin->parts.loop, LOOK_MS, look_idle, admin);
}

static struct node_session_open *session_of(struct node_admin *admin, uid_t uid, struct bytes name)
{
    for (size_t i = 0; i < admin->session_count; i++)
        if (admin->sessions[i].uid == uid && bytes_is(name, admin->sessions[i].name))
            return &admin->sessions[i];
    return NULL;
}

enum err node_admin_unlocked(struct node_admin *admin, const struct node_session_open *opened)
{
    struct node_session_open *session = session_of(admin, opened->uid, bytes_text(opened->name));
    bool by_credential = opened->by_credential || (session != NULL && session->by_credential);
    if (session == NULL && admin->session_count == COUNT_OF(admin->sessions))
        return ERR_LIMIT;
    if (session == NULL) {
        session = &admin->sessions[admin->session_count++];
        node_admin_look(admin, &opened->key, LOOK_COME);
    }
    *session = *opened;
    session->used_ms = loop_now_ms();
    session->by_credential = by_credential;
    loop_cancel(admin->parts.loop, admin->timer);
    admin->timer = loop_after(admin->parts.loop, LOOK_MS, look_idle, admin);
    node_admin_changed(admin);
    return OK;
}

/* Whose key signs in this call: the one that `as` names, or the only one of this caller. NULL when
 * that does not say it. */
static struct node_session_open *session_meant(struct node_admin *admin, struct admin_call *call)
{
    struct bytes as = node_arg_text(admin_call_args(call), "as");
    struct node_session_open *only = NULL;
    if (as.len > 0)
        return session_of(admin, admin_call_uid(call), as);
    for (size_t i = 0; i < admin->session_count; i++) {
        if (!is_theirs(&admin->sessions[i], call))
            continue;
        if (only != NULL)
            return NULL;
        only = &admin->sessions[i];
    }
    return only;
}

static void refuse_session(struct node_admin *admin, struct admin_call *call)
{
    struct bytes as = node_arg_text(admin_call_args(call), "as");
    char names[PROBLEM_DETAIL_MAX] = "";
    if (as.len > 0 || !node_admin_open_for(admin, call)) {
        char thing[NAME_TEXT_MAX + 1];
        snprintf(thing, sizeof thing, "%.*s", as.len < NAME_TEXT_MAX ? (int)as.len : NAME_TEXT_MAX,
                 as.len > 0 ? (const char *)as.at : "");
        node_admin_refuse(call, ERR_LOCKED, as.len > 0 ? thing : "node", NULL);
        return;
    }
    for (size_t i = 0; i < admin->session_count; i++) {
        size_t used = strlen(names);
        if (is_theirs(&admin->sessions[i], call))
            snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? ", " : "",
                     admin->sessions[i].name);
    }
    node_admin_refuse(call, ERR_WHO, "--as NAME", names);
}

/* Makes that operator act for the call; without one nobody does. */
static void act_as(struct node_admin *admin, const struct node_session_open *session)
{
    admin->name[0] = '\0';
    if (node_store_act(admin->parts.store, session != NULL ? &session->key : NULL) == OK &&
        session != NULL)
        memcpy(admin->name, session->name, sizeof admin->name);
}

/* ---- commands */

static void cmd_hello(struct node_admin *admin, struct admin_call *call)
{
    struct node_identity identity;
    enum err err = node_store_identity(admin->parts.store, &identity);
    if (err != OK) {
        node_admin_refuse(call, err, "store", NULL);
        return;
    }
    json_t *done = json_pack("{s:s, s:s}", "program", "tksk-node", "version", TKSK_VERSION);
    bool named = identity.enrolment != ENROLMENT_NONE;
    node_json_set(done, "district", named ? json_string(identity.district) : NULL);
    node_json_set(done, "node", named ? json_string(identity.node) : NULL);
    node_json_set(done, "utc_offset_minutes", node_json_zone(admin));
    admin_done(call, done);
}

/* Whose key may open what a command touches. */
enum need {
    NEED_NOTHING,
    NEED_UNLOCKED, /* by this caller */
};

static const struct {
    const char *name;
    enum need need;
    node_command *run;
} commands[] = {
    { "hello", NEED_NOTHING, cmd_hello },
    { "status", NEED_NOTHING, node_cmd_status },
    { "enrol", NEED_NOTHING, node_cmd_enrol },
    { "enrol_status", NEED_NOTHING, node_cmd_enrol_status },
    { "operator_add", NEED_NOTHING, node_cmd_operator_add },
    { "operator_reset_check", NEED_NOTHING, node_cmd_operator_reset_check },
    { "operator_reset", NEED_NOTHING, node_cmd_operator_reset },
    { "operator_words", NEED_NOTHING, node_cmd_operator_words },
    { "operator_list", NEED_NOTHING, node_cmd_operator_list },
    { "unlock_params", NEED_NOTHING, node_cmd_unlock_params },
    { "unlock", NEED_NOTHING, node_cmd_unlock },
    { "lock", NEED_NOTHING, node_cmd_lock },
    { "put", NEED_UNLOCKED, node_cmd_put },
    { "edit", NEED_UNLOCKED, node_cmd_edit },
    { "delete", NEED_UNLOCKED, node_cmd_delete },
    { "resolve", NEED_UNLOCKED, node_cmd_resolve },
    { "apply", NEED_UNLOCKED, node_cmd_apply },
    { "import_begin", NEED_UNLOCKED, node_import_begin },
    { "import_rows", NEED_UNLOCKED, node_import_rows },
    { "export_begin", NEED_UNLOCKED, node_cmd_export_begin },
    { "export_rows", NEED_UNLOCKED, node_cmd_export_rows },
    { "list", NEED_UNLOCKED, node_cmd_list },
    { "show", NEED_UNLOCKED, node_cmd_show },
    { "unanswered", NEED_UNLOCKED, node_cmd_unanswered },
    { "receipt", NEED_UNLOCKED, node_cmd_receipt },
    { "answer", NEED_UNLOCKED, node_cmd_answer },
    { "count", NEED_UNLOCKED, node_cmd_count },
    { "audit_list", NEED_NOTHING, node_cmd_audit_list },
    { "audit_verify", NEED_NOTHING, node_cmd_audit_verify },
    { "attention", NEED_NOTHING, node_cmd_attention },
    { "reconcile", NEED_NOTHING, node_cmd_reconcile },
    { "draft_list", NEED_UNLOCKED, node_cmd_draft_list },
    { "draft_show", NEED_UNLOCKED, node_cmd_draft_show },
    { "draft_edit", NEED_UNLOCKED, node_cmd_draft_edit },
    { "draft_send", NEED_UNLOCKED, node_cmd_draft_send },
    { "draft_discard", NEED_UNLOCKED, node_cmd_draft_discard },
    { "dismiss", NEED_UNLOCKED, node_cmd_dismiss },
    { "countersign_list", NEED_UNLOCKED, node_cmd_countersign_list },
    { "countersign_show", NEED_UNLOCKED, node_cmd_countersign_show },
    { "countersign_sign", NEED_UNLOCKED, node_cmd_countersign_sign },
    { "sign_show", NEED_UNLOCKED, node_cmd_sign_show },
    { "sign", NEED_UNLOCKED, node_cmd_sign },
    { "countersign_refuse", NEED_UNLOCKED, node_cmd_countersign_refuse },
    { "conflict_list", NEED_UNLOCKED, node_cmd_conflict_list },
    { "collections", NEED_NOTHING, node_cmd_collections },
    { "explain", NEED_UNLOCKED, node_cmd_explain },
    { "rules_get", NEED_NOTHING, node_cmd_rules_get },
    { "policy_show", NEED_NOTHING, node_cmd_policy_show },
    { "blob_put", NEED_UNLOCKED, node_cmd_blob_put },
    { "blob_get", NEED_UNLOCKED, node_cmd_blob_get },
    { "blob_list", NEED_UNLOCKED, node_cmd_blob_list },
    { "announcements", NEED_UNLOCKED, node_cmd_announcements },
    { "coverage", NEED_UNLOCKED, node_cmd_coverage },
    { "forum_list", NEED_UNLOCKED, node_cmd_forum_list },
    { "forum_post", NEED_UNLOCKED, node_cmd_forum_post },
    { "bundle_export", NEED_NOTHING, node_cmd_bundle_export },
    { "bundle_take", NEED_NOTHING, node_cmd_bundle_take },
};

static void handle(void *ctx, struct admin_call *call)
{
    struct node_admin *admin = ctx;
    const char *name = admin_call_cmd(call);
    lock_idle(admin); /* the machine may have slept through the timer */
    struct node_session_open *session = session_meant(admin, call);
    act_as(admin, session);
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (commands[i].need == NEED_UNLOCKED) {
            if (session == NULL) {
                refuse_session(admin, call);
                return;
            }
            session->used_ms = loop_now_ms();
        }
        commands[i].run(admin, call);
        return;
    }
    node_admin_refuse(call, ERR_USAGE, name, "a node has no such command");
}

/* ---- life */

enum err node_admin_open(const struct node_admin_parts *parts, const char *socket,
                         const char *group, struct node_admin **ret_admin, struct problem *problem)
{
    must(parts->changed != NULL && parts->driver != NULL);
    struct node_admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        return problem_set(problem, ERR_MEMORY, "admin socket", NULL);
    admin->parts = *parts;
    enum err err = admin_open(parts->loop, socket, group, handle, admin, &admin->socket, problem);
    if (err != OK) {
        free(admin);
        return err;
    }
    *ret_admin = admin;
    return OK;
}

void node_admin_close(struct node_admin **admin)
{
    if (*admin == NULL)
        return;
    admin_rows_stop(&(*admin)->rows);
    admin_close(&(*admin)->socket);
    admin_chunks_release(&(*admin)->chunks);
    node_admin_lock(*admin);
    crypto_wipe(*admin, sizeof **admin);
    free(*admin);
    *admin = NULL;
}
