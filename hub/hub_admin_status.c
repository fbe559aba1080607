/* How the district stands: figures, offices, what needs a person. */
#include <stdlib.h>
#include <sys/statvfs.h>

#include "hub/hub_admin_inside.h"

/* ---- status */

static void row_total(void *ctx, const struct hub_row *row)
{
    const char *name = hub_row_text(row, "disposition");
    if (name != NULL)
        hub_json_set(ctx, name, hub_json_uint(hub_row_uint(row, "count")));
}

static void row_records(void *ctx, const struct hub_row *row)
{
    *(uint64_t *)ctx += hub_row_uint(row, "records");
}

static void row_waits(void *ctx, const struct hub_row *row)
{
    *(uint64_t *)ctx += hub_row_uint(row, "changes");
}

static void row_count(void *ctx, const struct hub_row *row)
{
    (void)row;
    ++*(uint64_t *)ctx;
}

static void row_backup(void *ctx, const struct hub_row *row)
{
    uint64_t *newest_ms = ctx;
    uint64_t ms = hub_row_uint(row, "wall_ms");
    if (ms > *newest_ms)
        *newest_ms = ms;
}

struct figures {
    uint64_t records, conflicts, backup_ms, waiting, nodes;
    uint64_t quarantined;
    char approve[64 + NAME_TEXT_MAX]; /* the command for the first who waits */
};

static void view_count(void *ctx, const struct enrol_view *view)
{
    struct figures *figures = ctx;
    if (figures->waiting++ > 0)
        return;
    if (view->is_operator)
        (void)snprintf(figures->approve, sizeof figures->approve,
                       "tkskctl operator approve %s \"%.*s\"", view->node, (int)view->op->name.len,
                       (const char *)view->op->name.at);
    else
        (void)snprintf(figures->approve, sizeof figures->approve, "tkskctl node approve %s",
                       view->node);
}

/* Rows of `nodes`, those that need a person first; the caller drops them. */
static enum err nodes_read(struct hub_daemon *daemon, json_t **ret_rows);

static enum err figures_read(struct hub_daemon *daemon, json_t *done, struct figures *ret)
{
    struct hub_store *store = daemon->store;
    const struct trust *trust = hub_store_trust(store);
    static const char *const totals[] = { "accepted",    "superseded", "rejected",  "held",
                                          "quarantined", "parked",     "unreadable" };
    for (size_t i = 0; i < COUNT_OF(totals); i++)
        hub_json_set(done, totals[i], json_integer(0));
    *ret = (struct figures){ .records = 0 };
    for (size_t i = 0; i < trust->node_count; i++)
        ret->nodes += trust->nodes[i].ended.reason == END_NONE;
    enum err err = hub_store_list(store, HUB_LIST_TOTALS, NULL, row_total, done);
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_COLLECTIONS, NULL, row_records, &ret->records);
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_CONFLICTS, NULL, row_count, &ret->conflicts);
    uint64_t waits = 0;
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_TERMS, NULL, row_waits, &waits);
    hub_json_set(done, "awaiting_term", hub_json_uint(waits)); /* of those quarantined */
    if (err == OK)
        err = hub_store_list(store, HUB_LIST_BACKUPS, NULL, row_backup, &ret->backup_ms);
    if (err == OK)
        err = hub_enrol_waiting(daemon->enrol, trust, view_count, ret);
    ret->quarantined = (uint64_t)json_integer_value(json_object_get(done, "quarantined"));
    return err;
}

/* The one command that helps most now. */
static const char *next_of(const struct hub_daemon *daemon, const struct figures *figures)
{
    if (hub_driver_halt(daemon->driver)->on)
        return "tkskctl restore";
    if (hub_store_policy(daemon->store) == NULL)
        return "tkskctl policy publish DIR";
    if (figures->waiting > 0)
        return figures->approve;
    if (figures->nodes == 0)
        return "tkskctl node invite NODE";
    if (figures->conflicts > 0)
        return "tkskctl conflict list";
    if (figures->quarantined > 0)
        return "tkskctl review list";
    if (figures->backup_ms == 0)
        return "tkskctl backup DIR";
    return NULL;
}

/* How much is still at the offices, and how many of them have the newest policy. */
static void status_nodes(struct hub_daemon *daemon, const json_t *nodes, json_t *done)
{
    const struct policy_mark mark = hub_store_policy_mark(daemon->store);
    json_int_t backlog = 0, trust = 0, rules = 0;
    size_t index;
    json_t *row;
    json_array_foreach(nodes, index, row) {
        const char *state = json_string_value(json_object_get(row, "state"));
        if (!json_is_integer(json_object_get(row, "received")) || strcmp(state, "ended") == 0)
            continue;
        backlog += json_integer_value(json_object_get(row, "queued"));
        trust += (uint64_t)json_integer_value(json_object_get(row, "trust_version")) >=
                 mark.trust_version;
        rules += (uint64_t)json_integer_value(json_object_get(row, "rules_version")) >=
                 mark.rules_version;
    }
    hub_json_set(done, "backlog", json_integer(backlog));
    hub_json_set(done, "nodes_trust", json_integer(trust));
    hub_json_set(done, "nodes_rules", json_integer(rules));
}

static void status_disk(const struct hub_daemon *daemon, json_t *done)
{
    struct statvfs disk;
    if (statvfs(daemon->config->state, &disk) == 0)
        hub_json_set(done, "disk_free_bytes",
                     hub_json_uint((uint64_t)disk.f_bavail * (uint64_t)disk.f_frsize));
}

static void status_unfounded(struct hub_daemon *daemon, struct admin_call *call)
{
    json_t *done = json_object();
    static const char *const zeros[] = { "epoch", "journal",      "trust_version", "rules_version",
                                         "nodes", "nodes_linked", "records",       "conflicts" };
    hub_json_set(done, "district", NULL);
    for (size_t i = 0; i < COUNT_OF(zeros); i++)
        hub_json_set(done, zeros[i], json_integer(0));
    hub_json_set(done, "merging", json_true());
    status_disk(daemon, done);
    hub_json_set(done, "next",
                 json_string("tkskctl trust init --district CODE --root-key FILE --key FILE"));
    admin_done(call, done);
}

void hub_cmd_status(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_daemon *daemon = admin->daemon;
    if (daemon->store == NULL || hub_store_trust(daemon->store)->version == 0) {
        status_unfounded(daemon, call);
        return;
    }
    struct figures figures;
    json_t *done = json_object(), *nodes = NULL;
    enum err err = figures_read(daemon, done, &figures);
    if (err == OK)
        err = nodes_read(daemon, &nodes);
    if (err != OK) {
        json_decref(done);
        hub_refuse(call, err, "status", "the database");
        return;
    }
    const struct cursor journal = hub_store_journal(daemon->store);
    const struct policy_mark mark = hub_store_policy_mark(daemon->store);
    const struct hub_halt *halt = hub_driver_halt(daemon->driver);
    const char *next = next_of(daemon, &figures);
    hub_json_set(done, "district", json_string(hub_store_trust(daemon->store)->district));
    hub_json_set(done, "epoch", hub_json_uint(journal.epoch));
    hub_json_set(done, "journal", hub_json_uint(journal.number));
    hub_json_set(done, "journal_hash", hub_json_hash(&journal.hash));
    hub_json_set(done, "trust_version", hub_json_uint(mark.trust_version));
    hub_json_set(done, "rules_version", hub_json_uint(mark.rules_version));
    hub_json_set(done, "nodes", hub_json_uint(figures.nodes));
    hub_json_set(done, "nodes_linked", hub_json_uint(hub_driver_linked(daemon->driver)));
    hub_json_set(done, "waiting_enrolment", hub_json_uint(figures.waiting));
    hub_json_set(done, "records", hub_json_uint(figures.records));
    hub_json_set(done, "conflicts", hub_json_uint(figures.conflicts));
    hub_json_set(done, "last_backup", hub_json_time(figures.backup_ms));
    hub_json_set(done, "merging", json_boolean(!halt->on));
    if (halt->on)
        hub_json_set(done, "proved_by", json_string(halt->node));
    hub_json_set(done, "now", hub_json_time(loop_wall_ms()));
    hub_json_set(done, "utc_offset_minutes", hub_json_zone(daemon));
    status_nodes(daemon, nodes, done);
    hub_json_set(done, "alarms", hub_alarms(daemon, nodes, figures.backup_ms));
    json_decref(nodes);
    status_disk(daemon, done);
    hub_json_set(done, "next", next != NULL ? json_string(next) : NULL);
    admin_done(call, done);
}

/* ---- nodes */

/* What needs a person comes first. */
static const char *const node_states[] = { "quarantined", "waiting", "reopen", "away",
                                           "never",       "linked",  "ended" };

struct node_rows {
    struct hub_daemon *daemon;
    json_t *by_state[COUNT_OF(node_states)];
};

static void node_row_put(struct node_rows *rows, const char *state, json_t *row)
{
    hub_json_set(row, "state", json_string(state));
    for (size_t i = 0; i < COUNT_OF(node_states); i++) {
        if (strcmp(node_states[i], state) == 0)
            (void)json_array_append_new(rows->by_state[i], row);
    }
}

static const char *node_state(const struct hub_row *row, uint64_t heard_ms,
                              const struct hub_link *link)
{
    const char *roster = hub_row_text(row, "roster");
    const char *incarnation = hub_row_text(row, "state");
    if (roster != NULL && strcmp(roster, "enrolled") != 0)
        return "ended";
    if (incarnation != NULL && strcmp(incarnation, "quarantined") == 0)
        return "quarantined";
    if (link == NULL)
        return heard_ms == 0 ? "never" : "away";
    return session_state_name(link->state);
}

static unsigned operators_of(const struct trust *trust, const char *node)
{
    unsigned count = 0;
    for (size_t i = 0; i < trust->operator_count; i++)
        count += trust->operators[i].ended.reason == END_NONE &&
                 strcmp(trust->operators[i].node, node) == 0;
    return count;
}

static void row_lost(void *ctx, const struct hub_row *row)
{
    json_t *lanes = ctx;
    uint64_t first = hub_row_uint(row, "first"), last = hub_row_uint(row, "last");
    json_t *lane = json_object();
    hub_json_set(lane, "lane", hub_json_uint(hub_row_uint(row, "lane")));
    hub_json_set(lane, "first", hub_json_uint(first));
    hub_json_set(lane, "last", hub_json_uint(last));
    hub_json_set(lane, "entries", hub_json_uint(last - first + 1));
    hub_json_set(lane, "heard", hub_json_time(hub_row_uint(row, "heard_ms")));
    (void)json_array_append_new(lanes, lane);
}

/* What former machines of the office had queued and what never came; how far its load is. */
static void node_extras(const struct hub_daemon *daemon, const char *node,
                        const struct hub_link *link, json_t *object)
{
    const char *const parameters[] = { node };
    json_t *lanes = json_array(), *lane;
    json_int_t lost = 0;
    size_t at;
    if (hub_store_list(daemon->store, HUB_LIST_LOST, parameters, row_lost, lanes) != OK)
        log_warning("what a former machine lost cannot be read node=%s", node);
    json_array_foreach(lanes, at, lane)
        lost += json_integer_value(json_object_get(lane, "entries"));
    hub_json_set(object, "lost", json_integer(lost));
    hub_json_set(object, "lost_lanes", lanes);
    bool loads = link != NULL && link->load_number < link->load_to;
    hub_json_set(object, "load",
                 loads ? json_pack("{s:I, s:I, s:I}", "from", (json_int_t)0, "number",
                                   (json_int_t)link->load_number, "to", (json_int_t)link->load_to)
                       : NULL);
}

static void row_node(void *ctx, const struct hub_row *row)
{
    struct node_rows *rows = ctx;
    const char *node = hub_row_text(row, "node");
    const char *area = hub_row_text(row, "area");
    const char *policy = hub_row_text(row, "policy"); /* "trust/rules" */
    uint64_t received = hub_row_uint(row, "received"), highest = hub_row_uint(row, "highest");
    uint64_t heard_ms = hub_row_uint(row, "heard_ms");
    const char *slash = policy != NULL ? strchr(policy, '/') : NULL;
    struct hub_link link;
    bool spoke = hub_driver_link(rows->daemon->driver, node, &link);
    uint64_t now_ms = loop_now_ms(), wall_ms = loop_wall_ms();
    /* A link that died in silence counts as one for some minutes: when it was heard says more. */
    if (spoke && link.heard_ms > 0 && now_ms >= link.heard_ms &&
        wall_ms > now_ms - link.heard_ms + heard_ms)
        heard_ms = wall_ms - (now_ms - link.heard_ms);
    uint64_t trust = policy != NULL ? strtoull(policy, NULL, 10) : 0;
    uint64_t rules = slash != NULL ? strtoull(slash + 1, NULL, 10) : 0;
    const struct policy_mark mark = hub_store_policy_mark(rows->daemon->store);
    json_t *object = json_object();
    hub_json_set(object, "node", json_string(node));
    hub_json_set(object, "area", area != NULL ? json_string(area) : NULL);
    hub_json_set(object, "heard", hub_json_time(heard_ms));
    hub_json_set(object, "silent_s",
                 heard_ms > 0 ? hub_json_uint(wall_ms > heard_ms ? (wall_ms - heard_ms) / 1000 : 0)
                              : NULL);
    hub_json_set(object, "clock_off_s",
                 spoke && link.has_clock ? json_integer(link.clock_off_ms / 1000) : NULL);
    hub_json_set(object, "received", hub_json_uint(received));
    hub_json_set(object, "queued", hub_json_uint(highest > received ? highest - received : 0));
    hub_json_set(object, "trust_version", hub_json_uint(trust));
    hub_json_set(object, "rules_version", hub_json_uint(rules));
    hub_json_set(object, "policy_newest",
                 json_boolean(trust >= mark.trust_version && rules >= mark.rules_version));
    hub_json_set(object, "operators",
                 hub_json_uint(operators_of(hub_store_trust(rows->daemon->store), node)));
    node_extras(rows->daemon, node, spoke ? &link : NULL, object);
    node_row_put(rows, node_state(row, heard_ms, spoke ? &link : NULL), object);
}

static void view_node(void *ctx, const struct enrol_view *view)
{
    struct node_rows *rows = ctx;
    if (view->is_operator)
        return;
    json_t *object = json_object();
    hub_json_set(object, "node", json_string(view->node));
    hub_json_set(object, "heard", hub_json_time(view->since_ms));
    node_row_put(rows, "waiting", object);
}

static enum err nodes_read(struct hub_daemon *daemon, json_t **ret_rows)
{
    struct node_rows rows = { .daemon = daemon };
    json_t *all = json_array();
    for (size_t i = 0; i < COUNT_OF(node_states); i++)
        rows.by_state[i] = json_array();
    enum err err = hub_store_list(daemon->store, HUB_LIST_NODES, NULL, row_node, &rows);
    if (err == OK)
        err = hub_enrol_waiting(daemon->enrol, hub_store_trust(daemon->store), view_node, &rows);
    for (size_t i = 0; i < COUNT_OF(node_states); i++) {
        (void)json_array_extend(all, rows.by_state[i]);
        json_decref(rows.by_state[i]);
    }
    if (err == OK)
        *ret_rows = all;
    else
        json_decref(all);
    return err;
}

void hub_cmd_nodes(struct hub_admin *admin, struct admin_call *call)
{
    json_t *nodes = NULL;
    enum err err = nodes_read(admin->daemon, &nodes);
    admin_row_all(call, nodes);
    if (err == OK)
        admin_done(call, NULL);
    else
        hub_refuse(call, err, "nodes", "the database");
}
