/* A lost passphrase: what its reset would cost, and the reset; the load of records that follows it
 * and a replaced netbook. */
#include "common/keyfile.h"
#include "node/node_admin_inside.h"
#include "node/node_countersign.h"
#include "node/node_enrol.h"

struct others {
    struct bytes name;
    bool found;
    char role[ROLE_TEXT_MAX + 1];
    json_t *names; /* of the others */
};

static void other_operator(void *ctx, const struct node_operator *op)
{
    struct others *others = ctx;
    if (bytes_is(others->name, op->name)) {
        others->found = true;
        memcpy(others->role, op->role, sizeof others->role);
    } else {
        json_array_append_new(others->names, json_string(op->name));
    }
}

/* Who is meant; ends the call when nobody is. `others->names` is the caller's then. */
static bool find_operator(struct node_admin *admin, struct admin_call *call, struct bytes name,
                          struct others *ret_others)
{
    char thing[NAME_TEXT_MAX + 1];
    *ret_others = (struct others){ .name = name, .names = json_array() };
    enum err err = node_store_operators(admin->parts.store, other_operator, ret_others);
    if (err == OK && ret_others->found)
        return true;
    json_decref(ret_others->names);
    snprintf(thing, sizeof thing, "%.*s", (int)name.len, (const char *)name.at);
    node_admin_refuse(call, err == OK ? ERR_NOT_FOUND : err, thing,
                      err == OK ? "operator; `tkskctl operator list` shows who is here" : NULL);
    return false;
}

/* Somebody else's session must not be reset away under them. */
static bool lock_allows(struct node_admin *admin, struct admin_call *call)
{
    if (!node_store_unlocked(admin->parts.store) || node_admin_open_for(admin, call))
        return true;
    node_admin_refuse(call, ERR_LOCKED, "node", "somebody else has unlocked; `tkskctl lock` first");
    return false;
}

void node_cmd_operator_reset_check(struct node_admin *admin, struct admin_call *call)
{
    struct bytes name;
    struct others others;
    struct node_figures figures;
    if (!node_arg_needed(call, "name", &name) || !lock_allows(admin, call) ||
        !find_operator(admin, call, name, &others))
        return;
    struct waiting_count waiting = { .transactions = 0 };
    enum err err = node_store_figures(admin->parts.store, &figures);
    if (err == OK)
        err = node_store_waiting_count(admin->parts.store, 0, &waiting);
    if (err != OK) {
        json_decref(others.names);
        node_admin_refuse(call, err, "operator", NULL);
        return;
    }
    bool open = node_store_unlocked(admin->parts.store);
    json_t *done = json_object();
    node_json_set(done, "loses", json_boolean(!open));
    node_json_set(done, "others", others.names);
    node_json_set(done, "queued", node_json_uint(figures.queued));
    node_json_set(done, "drafts", node_json_uint(figures.drafts));
    node_json_set(done, "countersign", node_json_uint(waiting.transactions));
    node_json_set(done, "records", node_json_uint(figures.records));
    admin_done(call, done);
}

static enum err reset(struct node_admin *admin, const json_t *args, const struct others *others,
                      const struct secret_key *seed, struct bytes keyfile,
                      char words[WORDS_TEXT_MAX], struct problem *problem)
{
    struct node_store *store = admin->parts.store;
    struct node_operator op = { .keyfile = keyfile };
    uint8_t space[ENROL_REQUEST_BYTES_MAX], frame[1024];
    struct public_key seal_public;
    struct secret_key *seal = NULL;
    struct message message;
    struct bytes role = node_arg_text(args, "role");
    snprintf(op.name, sizeof op.name, "%.*s", (int)others->name.len, (const char *)others->name.at);
    enum err err = node_admin_role(admin, role.len > 0 ? role : bytes_text(others->role), op.role,
                                   sizeof op.role, problem);
    if (err != OK)
        return err;
    if (!node_store_unlocked(store)) {
        if ((seal = secret_key_new()) == NULL)
            return ERR_MEMORY;
        crypto_box_public(seal, &seal_public);
    }
    err = node_enrol_operator(store, seed, bytes_text(op.name), bytes_text(op.role),
                              seal != NULL ? &seal_public : NULL, space, &message);
    if (err == OK)
        err = node_store_operator_reset(store, &op, &message, seed, seal);
    secret_key_close(&seal);
    struct writer out = writer_of(frame, sizeof frame);
    if (err == OK)
        err = message_encode(&message, &out);
    return err == OK ? node_enrol_operator_words(store, writer_bytes(&out), words) : err;
}

/* {name, keyfile, derived, role?, sure}. Without `sure` nothing is reset that would lose something.
 */
void node_cmd_operator_reset(struct node_admin *admin, struct admin_call *call)
{
    const json_t *args = admin_call_args(call);
    struct bytes name, keyfile, derived;
    struct others others;
    struct keyfile file;
    struct secret_key *seed = NULL;
    struct problem problem = { .code = OK };
    char words[WORDS_TEXT_MAX] = { 0 };
    if (!node_arg_needed(call, "name", &name) || !node_arg_needed(call, "keyfile", &keyfile) ||
        !node_arg_needed(call, "derived", &derived) || !lock_allows(admin, call) ||
        !find_operator(admin, call, name, &others))
        return;
    json_decref(others.names);
    bool open = node_store_unlocked(admin->parts.store);
    enum err err = open || json_is_true(json_object_get(args, "sure"))
                       ? OK
                       : problem_set(&problem, ERR_LOCKED, "operator",
                                     "nobody has unlocked: what is kept here under the passphrase "
                                     "would be lost");
    if (err == OK)
        err = node_admin_open_seed(keyfile, derived, &file, &seed, &problem);
    if (err == OK)
        err = reset(admin, args, &others, seed, keyfile, words, &problem);
    secret_key_close(&seed);
    if (err != OK) {
        node_admin_refuse_problem(call, err, &problem, "operator");
        return;
    }
    node_admin_changed(admin);
    admin_done(call, json_pack("{s:s, s:b}", "words", words, "lost", !open));
}

/* ---- status */

enum err node_status_load(struct node_store *store, json_t *done)
{
    struct node_load load;
    enum err err = node_store_load(store, &load);
    if (err != OK)
        return err;
    node_json_set(done, "load",
                  load.on ? json_pack("{s:I, s:I, s:I}", "from", (json_int_t)0, "number",
                                      (json_int_t)load.number, "to", (json_int_t)load.to)
                          : NULL);
    node_json_set(done, "lost", node_json_uint(load.lost));
    return OK;
}
