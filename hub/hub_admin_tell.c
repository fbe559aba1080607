#include "hub/hub_admin_inside.h"

void hub_cmd_hello(struct hub_admin *admin, struct admin_call *call)
{
    json_t *done = json_pack("{s:s, s:s}", "program", "tksk-hub", "version", TKSK_VERSION);
    bool founded =
        admin->daemon->store != NULL && hub_store_trust(admin->daemon->store)->version > 0;
    hub_json_set(done, "district",
                 founded ? json_string(hub_store_trust(admin->daemon->store)->district) : NULL);
    hub_json_set(done, "node", NULL);
    hub_json_set(done, "office", json_string(admin->daemon->config->office));
    hub_json_set(done, "utc_offset_minutes", hub_json_zone(admin->daemon));
    admin_done(call, done);
}

/* ---- keys */

static json_t *endpoints_json(struct hub_daemon *daemon)
{
    json_t *list = json_array();
    for (size_t i = 0; i < daemon->config->advertise_count; i++)
        (void)json_array_append_new(list, json_string(daemon->config->advertise[i]));
    if (daemon->config->advertise_count > 0 || daemon->access == NULL)
        return list;
    /* Without `advertise` only an address that others can reach as it stands. */
    const char *endpoint = hub_access_endpoint(daemon->access);
    if (strstr(endpoint, "//0.0.0.0:") == NULL && strstr(endpoint, "//[::]:") == NULL)
        (void)json_array_append_new(list, json_string(endpoint));
    return list;
}

void hub_cmd_keys(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_daemon *daemon = admin->daemon;
    const struct hub_keys *keys = &daemon->keys;
    struct problem problem = { .code = OK };
    /* A port of "*" is known only once it is bound; before the first statement nobody is let in. */
    if (daemon->config->advertise_count == 0) {
        enum err err = hub_daemon_listen(daemon, &problem);
        if (err != OK) {
            hub_refuse_problem(call, err, &problem, daemon->config->listen);
            return;
        }
    }
    json_t *done = json_object();
    hub_json_set(done, "sign_key", hub_json_key(&keys->sign_public));
    hub_json_set(done, "seal_key", hub_json_key(&keys->seal_public));
    hub_json_set(done, "seal_number", hub_json_uint(keys->seal_count));
    hub_json_set(done, "curve_key", hub_json_key(&keys->curve_public));
    hub_json_set(done, "endpoints", endpoints_json(daemon));
    admin_done(call, done);
}

/* ---- metrics */

void hub_cmd_metrics(struct hub_admin *admin, struct admin_call *call)
{
    json_t *counters = json_object();
    if (admin->daemon->driver != NULL) {
        const struct hub_counters *driver = hub_driver_counters(admin->daemon->driver);
#define X(member) hub_json_set(counters, #member, hub_json_uint(driver->member));
        HUB_COUNTERS(X)
#undef X
    }
    if (admin->daemon->access != NULL) {
        const struct hub_access_counters *access = hub_access_counters(admin->daemon->access);
#define X(member) hub_json_set(counters, #member, hub_json_uint(access->member));
        ACCESS_COUNTERS(X)
#undef X
    }
    admin_done(call, json_pack("{s:o}", "counters", counters));
}
