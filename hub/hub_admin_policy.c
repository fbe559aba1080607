#include <stdlib.h>

#include "common/log.h"
#include "hub/hub_admin_inside.h"
#include "proto/value_form.h"

/* ---- trust_state */

static json_t *signers_json(const struct signer_list *list)
{
    json_t *keys = json_array();
    for (unsigned i = 0; i < list->count; i++) {
        json_t *signer = json_object();
        hub_json_set(signer, "key", hub_json_key(&list->list[i].key));
        hub_json_set(signer, "name", json_string(list->list[i].name));
        (void)json_array_append_new(keys, signer);
    }
    return json_pack("{s:i, s:o}", "threshold", (int)list->threshold, "keys", keys);
}

static json_t *hub_part_json(const struct trust_hub *hub)
{
    json_t *endpoints = json_array();
    for (unsigned i = 0; i < hub->endpoint_count; i++)
        (void)json_array_append_new(endpoints, json_string(hub->endpoints[i]));
    json_t *object = json_object();
    hub_json_set(object, "sign_key", hub_json_key(&hub->sign_key));
    hub_json_set(object, "seal_key", hub_json_key(&hub->seal_key));
    hub_json_set(object, "seal_number", hub_json_uint(hub->seal_number));
    hub_json_set(object, "curve_key", hub_json_key(&hub->curve_key));
    hub_json_set(object, "endpoints", endpoints);
    return object;
}

static void row_position(void *ctx, const struct hub_row *row)
{
    json_t *position = json_object();
    hub_json_set(position, "incarnation", json_string(hub_row_text(row, "incarnation")));
    hub_json_set(position, "lane", hub_json_uint(hub_row_uint(row, "lane")));
    hub_json_set(position, "seq", hub_json_uint(hub_row_uint(row, "seq")));
    (void)json_array_append_new(ctx, position);
}

static enum err node_json(struct hub_store *store, const struct trust_node *node, json_t *nodes)
{
    const char *const parameters[] = { node->name };
    json_t *positions = json_array();
    json_t *object = json_object();
    enum err err = hub_store_list(store, HUB_LIST_POSITIONS, parameters, row_position, positions);
    hub_json_set(object, "node", json_string(node->name));
    hub_json_set(object, "area", json_string(node->area));
    hub_json_set(object, "since", hub_json_uint(node->since));
    hub_json_set(object, "ended", json_string(end_reason_name(node->ended.reason)));
    hub_json_set(object, "device_key", hub_json_key(&node->device_key));
    hub_json_set(object, "curve_key", hub_json_key(&node->curve_key));
    hub_json_set(object, "seal_key", hub_json_key(&node->seal_key));
    hub_json_set(object, "positions", positions);
    (void)json_array_append_new(nodes, object);
    return err;
}

/* Entries that wait for a renewal, by operator. */
static void row_term(void *ctx, const struct hub_row *row)
{
    const char *number = hub_row_text(row, "operator");
    if (number != NULL)
        hub_json_set(ctx, number, hub_json_uint(hub_row_uint(row, "entries")));
}

enum err hub_terms_waiting(struct hub_store *store, json_t **ret_waits)
{
    json_t *waits = json_object();
    enum err err = hub_store_list(store, HUB_LIST_TERMS, NULL, row_term, waits);
    if (err == OK)
        *ret_waits = waits;
    else
        json_decref(waits);
    return err;
}

/* Whom it stands in for, where one person holds the role in an area. */
static json_t *acting_json(struct hub_store *store, const struct trust_operator *op,
                           const char *today)
{
    const struct policy *policy = hub_store_policy(store);
    const struct policy_role *role =
        policy != NULL ? policy_role(policy, bytes_text(op->role)) : NULL;
    const struct trust_operator *holder =
        role != NULL && role->single ? trust_acts_for(hub_store_trust(store), op, today) : NULL;
    return holder != NULL ? hub_json_uint(holder->number) : NULL;
}

static void operator_json(const struct hub_daemon *daemon, const struct trust_operator *op,
                          const json_t *waits, json_t *operators)
{
    struct hub_store *store = daemon->store;
    char today[11], number[16];
    int64_t days = 0;
    json_t *object = json_object();
    date_of_ms(loop_wall_ms(), today);
    (void)snprintf(number, sizeof number, "%u", (unsigned)op->number);
    bool known = op->ended.reason == END_NONE && date_days_until(today, op->until, &days);
    hub_json_set(object, "days", known ? json_integer(days) : NULL);
    hub_json_set(object, "warns", json_boolean(known && days <= hub_term_days(daemon)));
    hub_json_set(object, "acting_for", acting_json(store, op, today));
    hub_json_set(object, "waits",
                 hub_json_uint((uint64_t)json_integer_value(json_object_get(waits, number))));
    hub_json_set(object, "number", hub_json_uint(op->number));
    hub_json_set(object, "name", json_string(op->name));
    hub_json_set(object, "node", json_string(op->node));
    hub_json_set(object, "role", json_string(op->role));
    hub_json_set(object, "area", json_string(op->area));
    hub_json_set(object, "sk", json_string(op->sk));
    hub_json_set(object, "from", json_string(op->from));
    hub_json_set(object, "until", json_string(op->until));
    hub_json_set(object, "key", hub_json_key(&op->key));
    hub_json_set(object, "since", hub_json_uint(op->since));
    hub_json_set(object, "state", json_string(op->ended.reason == END_NONE ? "approved" : "ended"));
    hub_json_set(object, "ended", json_string(end_reason_name(op->ended.reason)));
    (void)json_array_append_new(operators, object);
}

void hub_cmd_trust_state(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_store *store = admin->daemon->store;
    const struct trust *trust = store != NULL ? hub_store_trust(store) : NULL;
    json_t *done = json_object();
    if (trust == NULL || trust->version == 0) {
        hub_json_set(done, "version", json_integer(0));
        hub_json_set(done, "rules_version", json_integer(0));
        hub_json_set(done, "district", NULL);
        admin_done(call, done);
        return;
    }
    const struct policy_mark mark = hub_store_policy_mark(store);
    json_t *nodes = json_array(), *operators = json_array(), *waits = NULL;
    enum err err = hub_terms_waiting(store, &waits);
    for (size_t i = 0; err == OK && i < trust->node_count; i++)
        err = node_json(store, &trust->nodes[i], nodes);
    for (size_t i = 0; i < trust->operator_count; i++)
        operator_json(admin->daemon, &trust->operators[i], waits, operators);
    json_decref(waits);
    hub_json_set(done, "district", json_string(trust->district));
    hub_json_set(done, "version", hub_json_uint(trust->version));
    hub_json_set(done, "hash", hub_json_hash(&trust->hash));
    hub_json_set(done, "epoch", hub_json_uint(trust->epoch));
    hub_json_set(done, "root", signers_json(&trust->root));
    hub_json_set(done, "signers", signers_json(&trust->signers));
    hub_json_set(done, "hub", hub_part_json(&trust->hub));
    hub_json_set(done, "rules_version", hub_json_uint(mark.rules_version));
    hub_json_set(done, "rules_hash",
                 mark.rules_version > 0 ? hub_json_hash(&mark.rules_hash) : NULL);
    hub_json_set(done, "nodes", nodes);
    hub_json_set(done, "operators", operators);
    if (err == OK) {
        admin_done(call, done);
        return;
    }
    json_decref(done);
    hub_refuse(call, err, "trust_state", "the database");
}

/* ---- publishing */

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return memcmp(a->at, b->at, PUBLIC_KEY_BYTES) == 0;
}

/* A statement that names keys which this hub does not have would cut it off from every office. */
static bool names_us(const struct hub_keys *keys, const struct trust_hub *hub)
{
    bool seal = false;
    for (unsigned i = 0; i < keys->seal_count; i++) {
        struct public_key key;
        crypto_box_public(keys->seal[i], &key);
        seal = seal || same_key(&key, &hub->seal_key);
    }
    return seal && same_key(&keys->sign_public, &hub->sign_key) &&
           same_key(&keys->curve_public, &hub->curve_key);
}

static enum err keys_differ(struct problem *problem)
{
    return problem_set(problem, ERR_KEY, "trust statement",
                       "it names other keys for the hub than this hub has");
}

/* The first statement is tried on an empty roster before anything is made for it. */
static enum err found(struct hub_daemon *daemon, struct bytes statement, struct problem *problem)
{
    struct trust trust;
    trust_open(&trust);
    enum err err = trust_apply(&trust, statement, NULL, problem);
    if (err == OK && !names_us(&daemon->keys, &trust.hub))
        err = keys_differ(problem);
    if (err == OK && daemon->store == NULL)
        err = hub_daemon_found(daemon, trust.district, problem);
    trust_close(&trust);
    return err;
}

static enum err trust_put(struct hub_daemon *daemon, struct bytes statement,
                          struct problem *problem)
{
    struct hub_store *store = daemon->store;
    enum err err = hub_daemon_settle(daemon);
    if (err == OK)
        err = hub_store_begin(store);
    if (err != OK)
        return problem_set(problem, err, "trust statement", "the database");
    err = hub_store_trust_put(store, statement, loop_wall_ms(), problem);
    if (err == OK && !names_us(&daemon->keys, &hub_store_trust(store)->hub))
        err = keys_differ(problem);
    if (err == OK) {
        err = hub_store_commit(store);
        if (err != OK)
            (void)problem_set(problem, err, "trust statement", "the database");
    }
    if (err != OK)
        hub_store_rollback(store);
    return err;
}

void hub_cmd_trust_publish(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_daemon *daemon = admin->daemon;
    struct problem problem = { .code = OK };
    struct buf statement;
    if (!hub_arg_base64(call, "statement", TRUST_STATEMENT_BYTES_MAX + 4096, &statement))
        return;
    enum err err = OK;
    if (daemon->store == NULL || hub_store_trust(daemon->store)->version == 0)
        err = found(daemon, buf_bytes(&statement), &problem);
    if (err == OK)
        err = trust_put(daemon, buf_bytes(&statement), &problem);
    free(statement.at);
    if (err != OK) {
        hub_refuse_problem(call, err, &problem, "trust statement");
        return;
    }
    hub_daemon_moved(daemon);
    log_info("trust statement published uid=%lu version=%llu", (unsigned long)admin_call_uid(call),
             (unsigned long long)hub_store_trust(daemon->store)->version);
    err = hub_daemon_listen(daemon, &problem);
    if (err != OK) { /* published it is; the door is what is missing */
        log_problem(LOG_LEVEL_ERROR, "the hub does not listen", &problem);
        hub_refuse_problem(call, err, &problem, daemon->config->listen);
        return;
    }
    admin_done(call, json_pack("{s:o}", "version",
                               hub_json_uint(hub_store_trust(daemon->store)->version)));
}

/* The bytes that the rules name, from the officer's file; they must be here before any node asks.
 */
static enum err dictionary_publish(struct hub_store *store, struct bytes bytes,
                                   struct problem *problem)
{
    struct dictionary known;
    uint32_t id = hub_store_dictionary_id(store);
    if (bytes.len > 0)
        return hub_store_dictionary_put(store, id, bytes, problem);
    enum err err = id == 0 ? OK : hub_store_dictionary(store, id, &known);
    return err == ERR_NOT_FOUND ? problem_set(problem, ERR_DICTIONARY, "dictionary",
                                              "it did not come with the rules")
                                : err;
}

void hub_cmd_rules_publish(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_daemon *daemon = admin->daemon;
    struct hub_store *store = daemon->store;
    struct problem problem = { .code = OK };
    struct buf document, dictionary = { .at = NULL };
    if (!hub_arg_base64(call, "document", RULES_BYTES_MAX + 4096, &document))
        return;
    const json_t *given = json_object_get(admin_call_args(call), "dictionary");
    if (given != NULL && !json_is_null(given) &&
        !hub_arg_base64(call, "dictionary", DICTIONARY_BYTES_MAX, &dictionary)) {
        free(document.at);
        return;
    }
    enum err err = hub_daemon_settle(daemon);
    if (err == OK)
        err = hub_store_begin(store);
    if (err == OK) {
        err = hub_store_rules_put(store, buf_bytes(&document), loop_wall_ms(), &problem);
        if (err == OK)
            err = dictionary_publish(store, buf_bytes(&dictionary), &problem);
        if (err == OK)
            err = hub_store_commit(store);
        if (err != OK)
            hub_store_rollback(store);
    }
    free(document.at);
    free(dictionary.at);
    if (err != OK) {
        hub_refuse_problem(call, err, &problem, "rules");
        return;
    }
    hub_daemon_moved(daemon);
    const struct policy_mark mark = hub_store_policy_mark(store);
    log_info("rules published uid=%lu version=%llu", (unsigned long)admin_call_uid(call),
             (unsigned long long)mark.rules_version);
    json_t *done = json_object();
    hub_json_set(done, "version", hub_json_uint(mark.rules_version));
    hub_json_set(done, "hash", hub_json_hash(&mark.rules_hash));
    hub_json_set(done, "dictionary", hub_json_uint(hub_store_dictionary_id(store)));
    admin_done(call, done);
}

void hub_cmd_rules_get(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_store *store = admin->daemon->store;
    const struct policy_mark mark = hub_store_policy_mark(store);
    uint64_t version;
    uint8_t *bytes = NULL;
    size_t len = 0;
    if (!hub_arg_uint(call, "version", INT64_MAX, mark.rules_version, &version))
        return;
    enum err err = version == 0 ? ERR_NOT_FOUND : hub_store_rules_get(store, version, &bytes, &len);
    if (err != OK) {
        hub_refuse(call, err, "rules", version == 0 ? "none were published yet" : "this version");
        return;
    }
    json_t *done = json_object();
    hub_json_set(done, "version", hub_json_uint(version));
    hub_json_set(done, "hash",
                 version == mark.rules_version ? hub_json_hash(&mark.rules_hash) : NULL);
    hub_json_set(done, "document", hub_json_base64(bytes_of(bytes, len)));
    free(bytes);
    admin_done(call, done);
}

void hub_cmd_restore_info(struct hub_admin *admin, struct admin_call *call)
{
    struct hub_daemon *daemon = admin->daemon;
    const struct hub_halt *halt = hub_driver_halt(daemon->driver);
    enum err err = hub_daemon_settle(daemon);
    const struct cursor journal = hub_store_journal(daemon->store);
    if (err != OK) {
        hub_refuse(call, err, "restore_info", "the database");
        return;
    }
    if (!halt->on) {
        hub_refuse(call, ERR_STATE, "restore", "no office has seen more than this database holds");
        return;
    }
    json_t *done = json_object();
    hub_json_set(done, "epoch", hub_json_uint(journal.epoch));
    hub_json_set(done, "number", hub_json_uint(halt->journal.number));
    hub_json_set(done, "hash", hub_json_hash(&halt->journal.hash));
    const char *ahead = hub_driver_policy_ahead(daemon->driver);
    bool indonesian = admin_call_lang(call) == LANG_ID;
    hub_json_set(
        done, "why",
        ahead != NULL
            ? json_sprintf(indonesian
                               ? "Kantor %s masih memegang aturan yang lebih baru; tunggu "
                                 "sampai kembali ke sini (beberapa menit)."
                               : "Office %s still holds newer policy; wait until it has come "
                                 "back here (some minutes).",
                           ahead)
            : json_sprintf(indonesian
                               ? "Kantor %s sudah melihat lebih banyak daripada isi basis data ini."
                               : "Office %s has seen more than this database holds.",
                           halt->node));
    admin_done(call, done);
}
