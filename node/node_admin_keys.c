/* Enrolment, operators, and the lock. */
#include <stdio.h>
#include <stdlib.h>

#include "common/keyfile.h"
#include "node/node_admin_inside.h"
#include "node/node_enrol.h"
#include "proto/invite.h"

/* ---- enrolment */

/* The words of the invite that waits; *ret_words is NULL when none does. */
static enum err words_of(struct node_admin *admin, const struct node_identity *identity,
                         const char **ret_words)
{
    *ret_words = NULL;
    if (identity->enrolment != ENROLMENT_WAITING) {
        admin->has_words = false;
        return OK;
    }
    if (!admin->has_words || !id_equal(&admin->words_invite, &identity->invite)) {
        enum err err = node_enrol_words(admin->parts.store, admin->words);
        if (err != OK)
            return err;
        admin->has_words = true;
        admin->words_invite = identity->invite;
    }
    *ret_words = admin->words;
    return OK;
}

static void answer_enrolment(struct node_admin *admin, struct admin_call *call)
{
    struct node_identity identity;
    const char *words = NULL;
    enum err err = node_store_identity(admin->parts.store, &identity);
    if (err == OK)
        err = words_of(admin, &identity, &words);
    if (err != OK) {
        node_admin_refuse(call, err, "enrolment", NULL);
        return;
    }
    json_t *done = json_object();
    bool named = identity.enrolment != ENROLMENT_NONE;
    node_json_set(done, "enrolment", json_string(node_enrolment_name(identity.enrolment)));
    node_json_set(done, "words", words != NULL ? json_string(words) : NULL);
    node_json_set(done, "node", named ? json_string(identity.node) : NULL);
    node_json_set(done, "district", named ? json_string(identity.district) : NULL);
    admin_done(call, done);
}

void node_cmd_enrol_status(struct node_admin *admin, struct admin_call *call)
{
    answer_enrolment(admin, call);
}

/* Keeps the invite, unless it is the one that waits already. Expiry is the hub's to say: the clock
 * here may be off by years. */
static enum err invite_take(struct node_admin *admin, const struct invite *invite,
                            struct problem *problem)
{
    struct node_identity identity;
    enum err err = node_store_identity(admin->parts.store, &identity);
    if (err != OK)
        return err;
    if (identity.enrolment == ENROLMENT_DONE)
        return problem_setf(problem, ERR_STATE, "enrolment", "this machine is office %s already",
                            identity.node);
    if (identity.enrolment == ENROLMENT_WAITING && id_equal(&identity.invite, &invite->invite))
        return OK;
    struct secret_key *one_time = secret_key_from(invite->one_time);
    if (one_time == NULL)
        return ERR_MEMORY;
    identity = (struct node_identity){ .enrolment = ENROLMENT_WAITING,
                                       .root_key = invite->root_key,
                                       .hub = invite->hub,
                                       .invite = invite->invite,
                                       .token = invite->token };
    memcpy(identity.district, invite->district, sizeof identity.district);
    memcpy(identity.node, invite->node, sizeof identity.node);
    err = node_store_enrol(admin->parts.store, &identity, one_time);
    secret_key_close(&one_time);
    if (err == ERR_STATE)
        (void)problem_setf(problem, err, "invite",
                           "it is for office %s, and people of another office have keys here",
                           invite->node);
    return err;
}

void node_cmd_enrol(struct node_admin *admin, struct admin_call *call)
{
    struct bytes text;
    struct invite invite;
    struct problem problem = { .code = OK };
    if (!node_arg_needed(call, "invite", &text))
        return;
    enum err err = invite_parse(text, &invite, &problem);
    if (err == OK)
        err = invite_take(admin, &invite, &problem);
    crypto_wipe(&invite, sizeof invite);
    if (err != OK) {
        node_admin_refuse_problem(call, err, &problem, "invite");
        return;
    }
    node_admin_changed(admin);
    answer_enrolment(admin, call);
}

/* ---- operators */

struct found {
    struct bytes name;       /* empty: any */
    unsigned count;          /* that match */
    struct node_operator op; /* the first of them */
    char keyfile[KEYFILE_TEXT_MAX];
    uint8_t request[1024];
    size_t request_len;
};

static void find_operator(void *ctx, const struct node_operator *op)
{
    struct found *found = ctx;
    if (found->name.len > 0 && !bytes_is(found->name, op->name))
        return;
    if (found->count++ > 0)
        return;
    found->op = *op;
    snprintf(found->keyfile, sizeof found->keyfile, "%.*s", (int)op->keyfile.len,
             (const char *)op->keyfile.at);
    if (op->request.len <= sizeof found->request) {
        found->request_len = op->request.len;
        memcpy(found->request, op->request.at, op->request.len);
    }
    found->op.keyfile = found->op.request = (struct bytes){ NULL, 0 };
}

/* The one operator that `name` means; without a name the only one there is. */
static enum err find_one(struct node_admin *admin, struct bytes name, struct found *ret_found)
{
    ret_found->name = name;
    ret_found->count = 0;
    enum err err = node_store_operators(admin->parts.store, find_operator, ret_found);
    if (err != OK)
        return err;
    return ret_found->count == 1 ? OK : ret_found->count == 0 ? ERR_NOT_FOUND : ERR_AMBIGUOUS;
}

static bool one_operator(struct node_admin *admin, struct admin_call *call, struct found *found)
{
    char thing[NAME_TEXT_MAX + 1];
    struct bytes name = node_arg_text(admin_call_args(call), "name");
    snprintf(thing, sizeof thing, "%.*s", (int)name.len, (const char *)name.at);
    enum err err = find_one(admin, name, found);
    if (err == OK)
        return true;
    node_admin_refuse(call, err, thing[0] != '\0' ? thing : "operator",
                      err == ERR_NOT_FOUND   ? "operator; add one with `tkskctl operator add NAME`"
                      : err == ERR_AMBIGUOUS ? "operators; say --as NAME"
                                             : NULL);
    return false;
}

/* Opens the key file with what tkskctl derived from the passphrase. */
enum err node_admin_open_seed(struct bytes text, struct bytes derived_base64,
                              struct keyfile *ret_file, struct secret_key **ret_seed,
                              struct problem *problem)
{
    uint8_t space[SECRET_KEY_BYTES + 3];
    struct buf derived = buf_of(space, sizeof space);
    struct secret_key *key = NULL;
    struct public_key public_key;
    enum err err = keyfile_parse(text, ret_file);
    if (err != OK)
        return problem_set(problem, err, "keyfile", NULL);
    if (crypto_unbase64(derived_base64, &derived) != OK || derived.len != SECRET_KEY_BYTES)
        return problem_set(problem, ERR_USAGE, "derived", "32 bytes in base64");
    key = secret_key_from(space);
    crypto_wipe(space, sizeof space);
    if (key == NULL)
        return problem_set(problem, ERR_MEMORY, "keyfile", NULL);
    err = keyfile_open_derived(ret_file, key, ret_seed);
    secret_key_close(&key);
    if (err != OK)
        return problem_set(problem, err, "keyfile", NULL);
    crypto_sign_public(*ret_seed, &public_key);
    if (crypto_equal(public_key.at, ret_file->public_key.at, PUBLIC_KEY_BYTES))
        return OK;
    secret_key_close(ret_seed);
    return problem_set(problem, ERR_KEY, "keyfile",
                       "its public and secret halves do not belong together");
}

/* The role as asked for; without one, the only role that the policy knows. */
enum err node_admin_role(struct node_admin *admin, struct bytes asked, char *ret, size_t cap,
                         struct problem *problem)
{
    const struct policy *policy = node_store_policy(admin->parts.store);
    char names[PROBLEM_DETAIL_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; policy != NULL && i < policy->role_count && len < sizeof names; i++)
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i > 0 ? ", " : "",
                                policy->roles[i].name);
    if (asked.len == 0 && policy != NULL && policy->role_count == 1)
        asked = bytes_text(policy->roles[0].name);
    if (asked.len == 0)
        return problem_setf(problem, ERR_USAGE, "role", "say --role ROLE%s%s",
                            names[0] != '\0' ? "; there are: " : "", names);
    if (asked.len >= cap)
        return problem_set(problem, ERR_LIMIT, "role", "at most 31 bytes");
    if (policy != NULL && policy_role(policy, asked) == NULL)
        return problem_setf(problem, ERR_NOT_FOUND, "role", "there are: %s", names);
    snprintf(ret, cap, "%.*s", (int)asked.len, (const char *)asked.at);
    return OK;
}

static enum err operator_take(struct node_admin *admin, const json_t *args,
                              const struct secret_key *seed, struct bytes keyfile,
                              char words[WORDS_TEXT_MAX], struct problem *problem)
{
    struct node_operator op = { .keyfile = keyfile };
    struct bytes name = node_arg_text(args, "name");
    uint8_t space[ENROL_REQUEST_BYTES_MAX], frame[1024];
    struct message message;
    if (name.len > NAME_TEXT_MAX)
        return problem_set(problem, ERR_LIMIT, "name", "at most 100 bytes");
    snprintf(op.name, sizeof op.name, "%.*s", (int)name.len, (const char *)name.at);
    enum err err =
        node_admin_role(admin, node_arg_text(args, "role"), op.role, sizeof op.role, problem);
    if (err != OK)
        return err;
    crypto_sign_public(seed, &op.key);
    err = node_enrol_operator(admin->parts.store, seed, bytes_text(op.name), bytes_text(op.role),
                              NULL, space, &message);
    if (err == ERR_STATE)
        return problem_set(problem, err, "operator",
                           "this machine belongs to no office yet: `tkskctl enrol INVITE` first");
    if (err != OK)
        return err;
    err = node_store_operator_add(admin->parts.store, &op, &message, seed);
    if (err == ERR_STATE)
        return problem_set(problem, err, op.name,
                           "an operator of this name or key is there already");
    if (err != OK)
        return err;
    struct writer out = writer_of(frame, sizeof frame);
    err = message_encode(&message, &out);
    return err == OK ? node_enrol_operator_words(admin->parts.store, writer_bytes(&out), words)
                     : err;
}

void node_cmd_operator_add(struct node_admin *admin, struct admin_call *call)
{
    struct bytes keyfile, derived, name;
    struct keyfile file;
    struct secret_key *seed = NULL;
    struct problem problem = { .code = OK };
    char words[WORDS_TEXT_MAX], key[2 * PUBLIC_KEY_BYTES + 1];
    if (!node_arg_needed(call, "keyfile", &keyfile) ||
        !node_arg_needed(call, "derived", &derived) || !node_arg_needed(call, "name", &name))
        return;
    if (node_store_unlocked(admin->parts.store) && !node_admin_open_for(admin, call)) {
        node_admin_refuse(call, ERR_LOCKED, "node", NULL);
        return;
    }
    enum err err = node_admin_open_seed(keyfile, derived, &file, &seed, &problem);
    if (err == OK)
        err = operator_take(admin, admin_call_args(call), seed, keyfile, words, &problem);
    secret_key_close(&seed);
    if (err != OK) {
        node_admin_refuse_problem(call, err, &problem, "operator");
        return;
    }
    node_admin_changed(admin);
    crypto_hex(bytes_of(file.public_key.at, PUBLIC_KEY_BYTES), key);
    admin_done(call, json_pack("{s:s, s:s}", "words", words, "key", key));
}

void node_cmd_operator_words(struct node_admin *admin, struct admin_call *call)
{
    struct found found;
    char words[WORDS_TEXT_MAX];
    if (!one_operator(admin, call, &found))
        return;
    if (found.op.number != 0) {
        node_admin_refuse(call, ERR_STATE, found.op.name, "this operator is approved already");
        return;
    }
    enum err err = node_enrol_operator_words(admin->parts.store,
                                             bytes_of(found.request, found.request_len), words);
    if (err != OK)
        node_admin_refuse(call, err, found.op.name, NULL);
    else
        admin_done(call, json_pack("{s:s}", "words", words));
}

struct operator_rows {
    const struct trust *trust;
    json_t *rows;
};

static void add_operator(void *ctx, const struct node_operator *op)
{
    struct operator_rows *rows = ctx;
    const struct trust_operator *known = trust_operator_by_key(rows->trust, &op->key);
    char key[2 * PUBLIC_KEY_BYTES + 1];
    const char *state = "waiting";
    if (known != NULL)
        state = known->ended.reason == END_NONE ? "approved" : "ended";
    crypto_hex(bytes_of(op->key.at, PUBLIC_KEY_BYTES), key);
    json_t *row = json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", op->name, "role",
                            known != NULL ? known->role : op->role, "key", key, "number",
                            (json_int_t)op->number, "state", state);
    node_json_set(row, "area", known != NULL ? json_string(known->area) : NULL);
    node_json_set(row, "from", known != NULL ? json_string(known->from) : NULL);
    node_json_set(row, "until", known != NULL ? json_string(known->until) : NULL);
    json_array_append_new(rows->rows, row);
}

static void answer_rows(struct admin_call *call, json_t *rows, enum err err, const char *thing)
{
    admin_row_all(call, rows);
    if (err != OK)
        node_admin_refuse(call, err, thing, NULL);
    else
        admin_done(call, NULL);
}

void node_cmd_operator_list(struct node_admin *admin, struct admin_call *call)
{
    struct operator_rows rows = { .trust = node_store_trust(admin->parts.store),
                                  .rows = json_array() };
    enum err err = node_store_operators(admin->parts.store, add_operator, &rows);
    answer_rows(call, rows.rows, err, "operators");
}

/* ---- the lock */

struct param_rows {
    struct bytes name;
    json_t *rows;
};

static void add_params(void *ctx, const struct node_operator *op)
{
    struct param_rows *params = ctx;
    if (params->name.len > 0 && !bytes_is(params->name, op->name))
        return;
    json_t *row = json_pack("{s:s}", "name", op->name);
    node_json_set(row, "keyfile", node_json_bytes(op->keyfile));
    json_array_append_new(params->rows, row);
}

void node_cmd_unlock_params(struct node_admin *admin, struct admin_call *call)
{
    struct param_rows params = { .name = node_arg_text(admin_call_args(call), "name"),
                                 .rows = json_array() };
    enum err err = node_store_operators(admin->parts.store, add_params, &params);
    answer_rows(call, params.rows, err, "operators");
}

static enum err unlock_found(struct node_admin *admin, const struct found *found,
                             struct bytes derived, struct node_session_open *session,
                             struct problem *problem)
{
    struct keyfile file;
    struct secret_key *seed = NULL;
    enum err err = node_admin_open_seed(bytes_text(found->keyfile), derived, &file, &seed, problem);
    if (err == OK)
        err = node_store_unlock(admin->parts.store, seed); /* takes the seed */
    if (err == ERR_STATE)
        return problem_set(problem, err, found->op.name,
                           "the records were reset since without this person; a colleague unlocks "
                           "and runs `tkskctl operator reset NAME`");
    if (err != OK)
        return err;
    session->key = found->op.key;
    memcpy(session->name, found->op.name, sizeof session->name);
    err = node_admin_unlocked(admin, session);
    return err == ERR_LIMIT
               ? problem_setf(problem, err, "unlock", "%d operators at once", UNLOCKED_MAX)
               : err;
}

enum err node_admin_unlock(struct node_admin *admin, struct bytes derived,
                           struct node_session_open *session, struct problem *problem)
{
    struct found found;
    enum err err = find_one(admin, bytes_text(session->name), &found);
    return err == OK ? unlock_found(admin, &found, derived, session, problem) : err;
}

void node_cmd_unlock(struct node_admin *admin, struct admin_call *call)
{
    struct found found;
    struct bytes derived;
    struct problem problem = { .code = OK };
    struct node_session_open session = { .uid = admin_call_uid(call) };
    if (!node_arg_needed(call, "derived", &derived) || !one_operator(admin, call, &found))
        return;
    enum err err = unlock_found(admin, &found, derived, &session, &problem);
    if (err != OK) {
        node_admin_refuse_problem(call, err, &problem, found.op.name);
        return;
    }
    admin_done(call, json_pack("{s:s, s:I}", "name", found.op.name, "until_idle_minutes",
                               (json_int_t)node_admin_idle_minutes(admin)));
}

/* What one has unlocked oneself, or all of it: anyone who may speak here may lock. */
void node_cmd_lock(struct node_admin *admin, struct admin_call *call)
{
    const json_t *args = admin_call_args(call);
    if (json_is_true(json_object_get(args, "all")) || !node_admin_open_for(admin, call))
        node_admin_lock(admin);
    else
        node_admin_lock_for(admin, call, node_arg_text(args, "as"));
    admin_done(call, json_pack("{s:b}", "locked", !node_store_unlocked(admin->parts.store)));
}
