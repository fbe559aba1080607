/* Roster and rules at an office: which are in force, and that somebody here has not seen the rules
 * yet. */
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "node/node_admin_inside.h"

#define NOTICE_BACK_DAYS 31 /* what began so long ago is still news */
#define NOTICE_TABLES 3

/* As the hub gives signed rules, [document, signatures]; the signatures were checked when they
 * came, and are not kept. */
void node_cmd_rules_get(struct node_admin *admin, struct admin_call *call)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_mark mark = node_store_policy_mark(admin->parts.store);
    if (policy == NULL) {
        node_admin_refuse(call, ERR_NOT_FOUND, "rules", "none have arrived yet");
        return;
    }
    size_t cap = policy->document.len + 16, text_cap = (cap + 2) / 3 * 4 + 1;
    uint8_t *space = malloc(cap);
    char *text = malloc(text_cap);
    struct writer out = writer_of(space, space != NULL ? cap : 0);
    writer_array(&out, 2);
    writer_bin(&out, policy->document);
    writer_array(&out, 0);
    if (space == NULL || text == NULL || out.err != OK ||
        crypto_base64(writer_bytes(&out), text, text_cap) != OK) {
        node_admin_refuse(call, ERR_MEMORY, "rules", NULL);
    } else {
        json_t *done = json_object();
        node_json_set(done, "version", node_json_uint(mark.rules_version));
        node_json_set(done, "hash", node_json_hash(&mark.rules_hash));
        node_json_set(done, "document", json_string(text));
        admin_done(call, done);
    }
    free(space);
    free(text);
}

/* ---- news */

enum err node_rules_unseen(struct node_admin *admin, bool *ret_unseen)
{
    const struct policy_mark mark = node_store_policy_mark(admin->parts.store);
    struct public_key key;
    uint64_t seen = 0;
    *ret_unseen = false;
    if (!node_store_operator_key(admin->parts.store, &key))
        return OK;
    enum err err = node_store_rules_seen(admin->parts.store, &key, &seen);
    if (err == OK)
        *ret_unseen = seen < mark.rules_version;
    return err == ERR_NOT_FOUND ? OK : err;
}

void node_rules_see(struct node_admin *admin)
{
    const struct policy_mark mark = node_store_policy_mark(admin->parts.store);
    struct public_key key;
    bool unseen = false;
    if (node_rules_unseen(admin, &unseen) == OK && unseen &&
        node_store_operator_key(admin->parts.store, &key) &&
        node_store_rules_see(admin->parts.store, &key, mark.rules_version) != OK)
        log_warning("that the rules were seen could not be kept");
}

/* "Batas desil (2026-12-01)": tables with a version that begins soon, or has begun lately. */
static void news_text(const struct policy *policy, uint64_t wall_ms, char *ret, size_t cap)
{
    char since[11];
    unsigned count = 0;
    date_of_ms(wall_ms - UINT64_C(86400000) * NOTICE_BACK_DAYS, since);
    ret[0] = '\0';
    for (size_t i = 0; i < policy->table_count; i++) {
        const struct policy_table *table = &policy->tables[i];
        const char *from = table->versions[table->version_count - 1].from;
        size_t used = strlen(ret);
        if (strcmp(from, since) < 0)
            continue;
        if (count++ < NOTICE_TABLES)
            (void)snprintf(ret + used, cap - used, "%s%s (%s)", used > 0 ? ", " : ": ",
                           table->label, from);
    }
    size_t used = strlen(ret);
    if (count > NOTICE_TABLES)
        (void)snprintf(ret + used, cap - used, ", +%u", count - NOTICE_TABLES);
}

enum err node_rules_row(struct node_admin *admin, enum lang lang, json_t *rows)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    char news[400];
    bool unseen = false;
    enum err err = node_rules_unseen(admin, &unseen);
    if (err != OK || !unseen || policy == NULL)
        return err;
    news_text(policy, node_admin_claim_ms(admin), news, sizeof news);
    json_t *row = json_pack("{s:s, s:n, s:n, s:n, s:n, s:n}", "kind", "rules", "id", "short",
                            "collection", "reason", "field");
    node_json_set(row, "reason_text",
                  json_sprintf(lang == LANG_ID ? "aturan versi %llu berlaku di sini%s; "
                                                 "`tkskctl policy show`"
                                               : "rules version %llu are in force here%s; "
                                                 "`tkskctl policy show`",
                               (unsigned long long)policy->version, news));
    node_json_set(row, "what", json_string(lang == LANG_ID ? "aturan baru" : "new rules"));
    json_array_append_new(rows, row);
    return OK;
}

/* ---- roster and rules, as versions and names */

static json_t *nodes_json(const struct trust *trust)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < trust->node_count; i++) {
        const struct trust_node *node = &trust->nodes[i];
        json_array_append_new(
            rows, json_pack("{s:s, s:s, s:s}", "node", node->name, "area", node->area, "state",
                            node->ended.reason == END_NONE ? "approved" : "ended"));
    }
    return rows;
}

static json_t *operators_json(const struct trust *trust, const char date[11])
{
    json_t *rows = json_array();
    for (size_t i = 0; i < trust->operator_count; i++) {
        const struct trust_operator *op = &trust->operators[i];
        bool in_term = (op->from[0] == '\0' || strcmp(date, op->from) >= 0) &&
                       (op->until[0] == '\0' || strcmp(date, op->until) <= 0);
        bool good = op->ended.reason == END_NONE && in_term;
        json_array_append_new(rows, json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",
                                              "number", (json_int_t)op->number, "name", op->name,
                                              "node", op->node, "role", op->role, "area", op->area,
                                              "sk", op->sk, "from", op->from, "until", op->until,
                                              "state", good ? "active" : "ended"));
    }
    return rows;
}

void node_cmd_policy_show(struct node_admin *admin, struct admin_call *call)
{
    const struct trust *trust = node_store_trust(admin->parts.store);
    const struct policy *policy = node_store_policy(admin->parts.store);
    const struct policy_mark mark = node_store_policy_mark(admin->parts.store);
    struct bytes at = node_arg_text(admin_call_args(call), "at");
    char date[11];
    date_of_ms(loop_wall_ms(), date);
    if (at.len > 0 && !date_parse(at, date)) {
        node_admin_refuse(call, ERR_DATE, "at", NULL);
        return;
    }
    json_t *done = json_object(), *collections = json_array();
    for (size_t i = 0; policy != NULL && i < policy->collection_count; i++)
        json_array_append_new(collections, json_string(policy->collections[i].name));
    node_json_set(done, "at", json_string(date));
    node_json_set(done, "trust_version", node_json_uint(mark.trust_version));
    node_json_set(done, "rules_version", node_json_uint(mark.rules_version));
    node_json_set(done, "rules_hash", policy != NULL ? node_json_hash(&mark.rules_hash) : NULL);
    node_json_set(done, "nodes", nodes_json(trust));
    node_json_set(done, "operators", operators_json(trust, date));
    node_json_set(done, "collections", collections);
    if (node_admin_open_for(admin, call))
        node_rules_see(admin);
    admin_done(call, done);
}
