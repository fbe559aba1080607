#include "hub/hub_admin.h"

#include <stdlib.h>

#include "common/log.h"
#include "hub/hub_admin_inside.h"

/* What a command needs before it can say anything. */
enum need {
    NEED_NOTHING,
    NEED_DISTRICT, /* a founded district */
};

static const struct {
    const char *name;
    enum need need;
    bool changes; /* logged with who asked */
    hub_command *run;
} commands[] = {
    { "hello", NEED_NOTHING, false, hub_cmd_hello },
    { "status", NEED_NOTHING, false, hub_cmd_status },
    { "keys", NEED_NOTHING, false, hub_cmd_keys },
    { "trust_state", NEED_NOTHING, false, hub_cmd_trust_state },
    { "trust_publish", NEED_NOTHING, true, hub_cmd_trust_publish },
    { "nodes", NEED_DISTRICT, false, hub_cmd_nodes },
    { "metrics", NEED_NOTHING, false, hub_cmd_metrics },
    { "rules_publish", NEED_DISTRICT, true, hub_cmd_rules_publish },
    { "rules_get", NEED_DISTRICT, false, hub_cmd_rules_get },
    { "restore_info", NEED_DISTRICT, false, hub_cmd_restore_info },
    { "invite", NEED_DISTRICT, true, hub_cmd_invite },
    { "enrolments", NEED_DISTRICT, false, hub_cmd_enrolments },
    { "enrolment_check", NEED_DISTRICT, true, hub_cmd_enrolment_check },
    { "conflict_list", NEED_DISTRICT, true, hub_cmd_conflict_list },
    { "review", NEED_DISTRICT, false, hub_cmd_review },
    { "review_show", NEED_DISTRICT, true, hub_cmd_review_show },
    { "reconcile", NEED_DISTRICT, false, hub_cmd_reconcile },
    { "coverage", NEED_DISTRICT, false, hub_cmd_coverage },
    { "audit_list", NEED_DISTRICT, false, hub_cmd_audit_list },
    { "audit_verify", NEED_NOTHING, false, hub_cmd_audit_verify },
    { "show", NEED_DISTRICT, true, hub_cmd_show },
    { "unanswered", NEED_DISTRICT, false, hub_cmd_unanswered },
    { "receipt", NEED_DISTRICT, false, hub_cmd_receipt },
    { "count", NEED_DISTRICT, false, hub_cmd_count },
    { "query", NEED_DISTRICT, true, hub_cmd_query },
    { "verify", NEED_DISTRICT, false, hub_cmd_verify },
    { "snapshot", NEED_DISTRICT, true, hub_cmd_snapshot },
    { "backup", NEED_DISTRICT, true, hub_cmd_backup },
    { "backup_done", NEED_DISTRICT, true, hub_cmd_backup_done },
    { "bundle_take", NEED_DISTRICT, false, hub_cmd_bundle_take }, /* one line a file, there */
    { "bundle_export", NEED_DISTRICT, true, hub_cmd_bundle_export },
};

static void handle(void *ctx, struct admin_call *call)
{
    struct hub_admin *admin = ctx;
    const char *name = admin_call_cmd(call);
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        bool founded =
            admin->daemon->store != NULL && hub_store_trust(admin->daemon->store)->version > 0;
        if (commands[i].need == NEED_DISTRICT && !founded) {
            hub_refuse(call, ERR_STATE, "the district",
                       "it is not founded; first `tkskctl trust init`");
            return;
        }
        if (commands[i].changes)
            log_info("asked for uid=%lu command=%s", (unsigned long)admin_call_uid(call), name);
        commands[i].run(admin, call);
        return;
    }
    hub_refuse(call, ERR_USAGE, name, "a hub has no such command");
}

enum err hub_admin_open(struct hub_daemon *daemon, const char *socket, const char *group,
                        struct hub_admin **ret_admin, struct problem *problem)
{
    struct hub_admin *admin = calloc(1, sizeof *admin);
    if (admin == NULL)
        return problem_set(problem, ERR_MEMORY, "admin socket", NULL);
    admin->daemon = daemon;
    enum err err = admin_open(daemon->loop, socket, group, handle, admin, &admin->socket, problem);
    if (err != OK) {
        free(admin);
        return err;
    }
    *ret_admin = admin;
    return OK;
}

void hub_admin_close(struct hub_admin **admin)
{
    if (*admin == NULL)
        return;
    hub_queries_close(&(*admin)->queries);
    hub_streams_close(*admin);
    admin_rows_stop(&(*admin)->rows);
    admin_chunks_release(&(*admin)->chunks);
    admin_close(&(*admin)->socket);
    free(*admin);
    *admin = NULL;
}
