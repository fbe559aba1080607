#include "node/node_admin.h"

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

bool node_admin_open_for(const struct node_admin *admin, const struct admin_call *call)
{
    return admin->unlocked && node_store_unlocked(admin->parts.store) &&
           admin_call_uid(call) == admin->uid;
}

void node_admin_changed(struct node_admin *admin)
{
    node_driver_kick(admin->parts.driver);
    admin->parts.changed(admin->parts.ctx);
}

void node_admin_lock(struct node_admin *admin)
{
    loop_cancel(admin->parts.loop, admin->timer);
    admin->timer = 0;
    admin->unlocked = false;
    admin->name[0] = '\0';
    if (!node_store_unlocked(admin->parts.store))
        return;
    node_store_lock(admin->parts.store);
    node_admin_changed(admin);
}

static bool idle_too_long(const struct node_admin *admin)
{
    return admin->unlocked &&
           loop_now_ms() - admin->used_ms >= node_admin_idle_minutes(admin) * 60 * 1000;
}

static void look_idle(void *ctx)
{
    struct node_admin *admin = ctx;
    admin->timer = 0;
    if (idle_too_long(admin))
        node_admin_lock(admin);
    else
        admin->timer = loop_after(admin->parts.loop, LOOK_MS, look_idle, admin);
}

void node_admin_unlocked(struct node_admin *admin, struct admin_call *call, const char *name)
{
    must(strlen(name) < sizeof admin->name);
    loop_cancel(admin->parts.loop, admin->timer);
    admin->unlocked = true;
    admin->uid = admin_call_uid(call);
    memcpy(admin->name, name, strlen(name) + 1);
    admin->used_ms = loop_now_ms();
    admin->timer = loop_after(admin->parts.loop, LOOK_MS, look_idle, admin);
    node_admin_changed(admin);
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
    { "list", NEED_UNLOCKED, node_cmd_list },
    { "show", NEED_UNLOCKED, node_cmd_show },
    { "attention", NEED_NOTHING, node_cmd_attention },
    { "conflict_list", NEED_UNLOCKED, node_cmd_conflict_list },
    { "collections", NEED_NOTHING, node_cmd_collections },
    { "explain", NEED_UNLOCKED, node_cmd_explain },
    { "policy_show", NEED_NOTHING, node_cmd_policy_show },
};

static void handle(void *ctx, struct admin_call *call)
{
    struct node_admin *admin = ctx;
    const char *name = admin_call_cmd(call);
    if (idle_too_long(admin)) /* the machine may have slept through the timer */
        node_admin_lock(admin);
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        if (commands[i].need == NEED_UNLOCKED) {
            if (!node_admin_open_for(admin, call)) {
                node_admin_refuse(call, ERR_LOCKED, "node", NULL);
                return;
            }
            admin->used_ms = loop_now_ms();
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
    admin_close(&(*admin)->socket);
    node_admin_lock(*admin);
    crypto_wipe(*admin, sizeof **admin);
    free(*admin);
    *admin = NULL;
}
    { "export_begin", NEED_UNLOCKED, node_cmd_export_begin },
    { "export_rows", NEED_UNLOCKED, node_cmd_export_rows },
