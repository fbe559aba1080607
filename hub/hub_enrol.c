#include "hub/hub_enrol.h"

#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"
#include "proto/invite.h"
#include "proto/policy.h"

#define HOUR_MS (3600ull * 1000)
#define MATCHES_MAX 8
#define TRANSCRIPT_BYTES_MAX (ENROL_FRAME_BYTES_MAX + 512)

struct hub_enrol {
    struct enrol_store *store;
};

enum err hub_enrol_open(const char *path, const char *vfs, struct hub_enrol **ret_enrol,
                        struct problem *problem)
{
    struct hub_enrol *enrol = calloc(1, sizeof *enrol);
    if (enrol == NULL)
        return problem_set(problem, ERR_MEMORY, path, NULL);
    enum err err = enrol_store_open(path, vfs, &enrol->store, problem);
    if (err != OK) {
        free(enrol);
        return err;
    }
    *ret_enrol = enrol;
    return OK;
}

void hub_enrol_close(struct hub_enrol **enrol)
{
    if (*enrol == NULL)
        return;
    enrol_store_close(&(*enrol)->store);
    free(*enrol);
    *enrol = NULL;
}

struct enrol_store *hub_enrol_store(struct hub_enrol *enrol)
{
    return enrol->store;
}

/* ---- invites */

static void token_hash(const struct hash *token, struct hash *ret_hash)
{
    struct bytes part = bytes_hash(token);
    crypto_hash("invite-token", &part, 1, ret_hash);
}

static void text_copy(char *ret, size_t cap, const char *text)
{
    size_t len = strlen(text);
    must(len < cap);
    memcpy(ret, text, len + 1);
}

enum err hub_enrol_invite(struct hub_enrol *enrol, const struct hub_keys *keys,
                          const struct trust *trust, const char *node, unsigned hours,
                          uint64_t wall_ms, char *ret_text, size_t cap, struct problem *problem)
{
    if (trust->version == 0)
        return problem_set(problem, ERR_STATE, "invite", "run `tkskctl trust init` first");
    if (strlen(node) > NODE_TEXT_MAX || area_level(bytes_text(node)) == 0)
        return problem_set(problem, ERR_VALUE, "the name of the office",
                           "the code of its area, such as 36.04.29");
    if (!area_within(bytes_text(node), bytes_text(trust->district)))
        return problem_set(problem, ERR_AREA_CHILD, node, trust->district);
    if (hours == 0 || hours > INVITE_HOURS_MAX)
        return problem_setf(problem, ERR_LIMIT, "hours of the invite", "1 to %d", INVITE_HOURS_MAX);

    struct secret_key *one_time = secret_key_new();
    if (one_time == NULL)
        return problem_set(problem, ERR_MEMORY, "invite", NULL);
    struct invite invite = { .invite = crypto_random_id(),
                             .root_key = trust->root.list[0].key,
                             .hub = trust->hub,
                             .expires_ms = wall_ms + hours * HOUR_MS };
    text_copy(invite.district, sizeof invite.district, trust->district);
    text_copy(invite.node, sizeof invite.node, node);
    crypto_random(invite.token.at, HASH_BYTES);
    memcpy(invite.one_time, secret_key_bytes(one_time), SECRET_KEY_BYTES);

    struct invite_row row = { .invite = invite.invite,
                              .made_ms = wall_ms,
                              .expires_ms = invite.expires_ms };
    text_copy(row.node, sizeof row.node, node);
    token_hash(&invite.token, &row.token_hash);
    crypto_box_public(one_time, &row.curve_key);
    secret_key_close(&one_time);

    enum err err = invite_format(&invite, keys->sign, ret_text, cap);
    crypto_wipe(&invite, sizeof invite);
    if (err == OK)
        err = enrol_store_invite_put(enrol->store, &row);
    return err == OK ? OK : problem_set(problem, err, "the new invite", "it could not be stored");
}

bool hub_enrol_admits(struct hub_enrol *enrol, const struct public_key *curve_key, uint64_t wall_ms)
{
    /* Used and expired ones as well, until they are swept: who holds one is told why it is refused.
     */
    struct invite_row row;
    (void)wall_ms;
    return enrol_store_invite_by_curve(enrol->store, curve_key, &row) == OK;
}

static bool same_key(const struct public_key *a, const struct public_key *b)
{
    return memcmp(a->at, b->at, PUBLIC_KEY_BYTES) == 0;
}

void hub_enrol_arrived(struct hub_enrol *enrol, const struct trust_node *node)
{
    struct public_key known;
    enum err err = enrol_store_invite_arrived(enrol->store, node->name);
    if (err == OK)
        err = enrol_store_device(enrol->store, node->name, &known);
    if (err == ERR_NOT_FOUND || (err == OK && !same_key(&known, &node->device_key)))
        err = enrol_store_device_put(enrol->store, node->name, &node->device_key);
    if (err != OK)
        log_warning("an arrival could not be stored node=%s code=%s", node->name, err_name(err));
}

void hub_enrol_device(struct hub_enrol *enrol, const struct trust_node *node, bool *ret_same,
                      bool *ret_other)
{
    struct public_key known;
    bool any = enrol_store_device(enrol->store, node->name, &known) == OK;
    *ret_same = any && same_key(&known, &node->device_key);
    *ret_other = any && !*ret_same;
}

/* ---- requests of nodes */

/* A stored frame was decoded before it was stored. */
static bool enrol_of(const struct invite_row *row, struct message *ret_message)
{
    return row->frame_len > 0 &&
           message_decode(bytes_of(row->frame, row->frame_len), ret_message) == OK &&
           ret_message->type == MESSAGE_ENROL;
}

static bool operator_of(const struct operator_row *row, struct message *ret_message)
{
    return message_decode(bytes_of(row->frame, row->frame_len), ret_message) == OK &&
           ret_message->type == MESSAGE_OPERATOR;
}

/* A signed statement that names the device is the approval. */
static bool approved(const struct trust *trust, const struct enrol *request)
{
    const struct trust_node *node = trust_node(trust, request->node);
    return node != NULL && node->ended.reason == END_NONE &&
           same_key(&node->device_key, &request->device_key) &&
           same_key(&node->curve_key, &request->curve_key);
}

/* The row's standing, moved to approved when the trust part says so. */
static enum err standing_settle(struct hub_enrol *enrol, const struct trust *trust,
                                const struct invite_row *row, const struct enrol *request,
                                enum enrol_standing *ret_standing, unsigned *ret_tries)
{
    enum enrol_standing standing =
        row->standing == ENROL_CAME ? ENROL_APPROVED : (enum enrol_standing)row->standing;
    if (standing == ENROL_WAITING && approved(trust, request)) {
        enum err err =
            enrol_store_invite_standing(enrol->store, &row->invite, ENROL_APPROVED, row->tries);
        if (err != OK)
            return err;
        standing = ENROL_APPROVED;
    }
    *ret_standing = standing;
    *ret_tries = row->tries;
    return OK;
}

enum err hub_enrol_standing(struct hub_enrol *enrol, const struct trust *trust,
                            const struct id *invite, enum enrol_standing *ret_standing,
                            unsigned *ret_tries)
{
    struct invite_row row;
    struct message message;
    enum err err = enrol_store_invite(enrol->store, invite, &row);
    if (err != OK)
        return err;
    if (!enrol_of(&row, &message))
        return ERR_NOT_FOUND;
    return standing_settle(enrol, trust, &row, &message.enrol, ret_standing, ret_tries);
}

enum err hub_enrol_request(struct hub_enrol *enrol, const struct trust *trust,
                           const struct public_key *curve_key, const struct enrol *request,
                           struct bytes frame, uint64_t wall_ms, enum enrol_standing *ret_standing,
                           unsigned *ret_tries)
{
    struct invite_row row;
    struct hash hash;
    enum err err = enrol_store_invite_by_curve(enrol->store, curve_key, &row);
    if (err != OK)
        return err == ERR_NOT_FOUND ? ERR_DENIED : err;
    token_hash(&request->token, &hash);
    if (!id_equal(&row.invite, &request->invite) ||
        !crypto_equal(hash.at, row.token_hash.at, HASH_BYTES) ||
        !bytes_is(request->district, trust->district) || !bytes_is(request->node, row.node))
        return ERR_DENIED;
    if (frame.len > ENROL_FRAME_BYTES_MAX)
        return ERR_LIMIT;
    if (!crypto_verify_typed("enrol", request->request, &request->device_key, &request->signature))
        return ERR_SIGNATURE;

    struct message stored;
    if (enrol_of(&row, &stored)) {
        if (!same_key(&stored.enrol.device_key, &request->device_key) ||
            !same_key(&stored.enrol.curve_key, &request->curve_key))
            return ERR_USED;
        return standing_settle(enrol, trust, &row, &stored.enrol, ret_standing, ret_tries);
    }
    if (row.expires_ms < wall_ms)
        return ERR_EXPIRED;
    /* The invite's key is for one time, and a key serves one office. */
    if (same_key(&request->curve_key, curve_key) ||
        trust_node_by_curve(trust, &request->curve_key) != NULL)
        return ERR_DENIED;
    err = enrol_store_invite_request(enrol->store, &row.invite, wall_ms, frame);
    if (err != OK)
        return err;
    log_info("an office asks to be enrolled node=%s", row.node);
    *ret_standing = ENROL_WAITING;
    *ret_tries = 0;
    return OK;
}

/* ---- requests of operators */

static enum enrol_standing operator_known(const struct trust_operator *op)
{
    return op->ended.reason == END_NONE ? ENROL_APPROVED : ENROL_REFUSED;
}

enum err hub_enrol_operator(struct hub_enrol *enrol, const struct trust *trust,
                            const struct trust_node *node, const struct operator_request *request,
                            struct bytes frame, uint64_t wall_ms, enum enrol_standing *ret_standing)
{
    if (!bytes_is(request->district, trust->district) || !bytes_is(request->node, node->name))
        return ERR_DENIED;
    if (frame.len > ENROL_FRAME_BYTES_MAX || request->name.len == 0 ||
        request->name.len > NAME_TEXT_MAX || request->role.len == 0 || request->role.len > 31)
        return ERR_LIMIT;
    if (!crypto_verify_typed("operator", request->request, &request->key,
                             &request->operator_signature) ||
        !crypto_verify_typed("operator", request->request, &node->device_key,
                             &request->device_signature))
        return ERR_SIGNATURE;

    const struct trust_operator *known = trust_operator_by_key(trust, &request->key);
    if (known != NULL) {
        *ret_standing = operator_known(known);
        return OK;
    }
    struct operator_row row;
    enum err err = enrol_store_operator(enrol->store, &request->key, &row);
    if (err == OK) {
        struct message stored;
        if (strcmp(row.node, node->name) != 0)
            return ERR_DENIED;
        if (operator_of(&row, &stored) &&
            bytes_equal(stored.operator_request.request, request->request)) {
            *ret_standing = (enum enrol_standing)row.standing;
            return OK;
        }
    } else if (err != ERR_NOT_FOUND) {
        return err;
    }
    unsigned waiting = 0;
    err = enrol_store_operator_count(enrol->store, node->name, &waiting);
    if (err == OK && waiting >= OPERATORS_WAITING_MAX)
        err = ERR_LIMIT;
    if (err != OK)
        return err;
    row = (struct operator_row){ .key = request->key, .since_ms = wall_ms, .frame_len = frame.len };
    text_copy(row.node, sizeof row.node, node->name);
    memcpy(row.frame, frame.at, frame.len);
    err = enrol_store_operator_put(enrol->store, &row);
    if (err == OK)
        *ret_standing = ENROL_WAITING;
    return err;
}

/* ---- what an officer sees */

struct waiting {
    size_t invite_count, invite_cap;
    struct invite_row *invites;
    size_t operator_count, operator_cap;
    struct operator_row *operators;
    enum err err;
};

/* Room for one more; false and err set when memory is out. */
static bool grow(struct waiting *waiting, void **items, size_t count, size_t *cap, size_t bytes)
{
    if (waiting->err != OK)
        return false;
    if (count < *cap)
        return true;
    size_t wanted = *cap == 0 ? 8 : *cap * 2;
    void *more = realloc(*items, wanted * bytes);
    if (more == NULL) {
        waiting->err = ERR_MEMORY;
        return false;
    }
    *items = more;
    *cap = wanted;
    return true;
}

static void invite_collect(void *ctx, const struct invite_row *row)
{
    struct waiting *waiting = ctx;
    void *items = waiting->invites;
    if (grow(waiting, &items, waiting->invite_count, &waiting->invite_cap, sizeof *row)) {
        waiting->invites = items;
        waiting->invites[waiting->invite_count++] = *row;
    }
}

static void operator_collect(void *ctx, const struct operator_row *row)
{
    struct waiting *waiting = ctx;
    void *items = waiting->operators;
    if (grow(waiting, &items, waiting->operator_count, &waiting->operator_cap, sizeof *row)) {
        waiting->operators = items;
        waiting->operators[waiting->operator_count++] = *row;
    }
}

/* Rows that wait, copied out so that the store may be written while they are walked. */
static enum err waiting_read(struct hub_enrol *enrol, struct waiting *ret)
{
    *ret = (struct waiting){ .err = OK };
    enum err err = enrol_store_waiting(enrol->store, invite_collect, operator_collect, ret);
    return err != OK ? err : ret->err;
}

static void waiting_release(struct waiting *waiting)
{
    free(waiting->invites);
    free(waiting->operators);
}

static struct enrol_view view_of_node(const struct invite_row *row, const struct enrol *enrol)
{
    return (struct enrol_view){ .node = row->node,
                                .invite = &row->invite,
                                .enrol = enrol,
                                .since_ms = row->since_ms,
                                .tries_left = ENROL_TRIES_MAX - row->tries };
}

static struct enrol_view view_of_operator(const struct operator_row *row,
                                          const struct operator_request *op)
{
    return (struct enrol_view){ .is_operator = true,
                                .node = row->node,
                                .op = op,
                                .since_ms = row->since_ms,
                                .tries_left = ENROL_TRIES_MAX - row->tries };
}

enum err hub_enrol_waiting(struct hub_enrol *enrol, const struct trust *trust,
                           enrol_view_callback *each, void *ctx)
{
    struct waiting waiting;
    struct message message;
    enum err err = waiting_read(enrol, &waiting);
    for (size_t i = 0; err == OK && i < waiting.invite_count; i++) {
        enum enrol_standing standing = ENROL_WAITING;
        unsigned tries;
        if (!enrol_of(&waiting.invites[i], &message))
            continue;
        err = standing_settle(enrol, trust, &waiting.invites[i], &message.enrol, &standing, &tries);
        struct enrol_view view = view_of_node(&waiting.invites[i], &message.enrol);
        if (err == OK && standing == ENROL_WAITING)
            each(ctx, &view);
    }
    for (size_t i = 0; err == OK && i < waiting.operator_count; i++) {
        const struct operator_row *row = &waiting.operators[i];
        const struct trust_operator *known = trust_operator_by_key(trust, &row->key);
        if (known != NULL) {
            err = enrol_store_operator_standing(enrol->store, &row->key, operator_known(known),
                                                row->tries);
        } else if (operator_of(row, &message)) {
            struct enrol_view view = view_of_operator(row, &message.operator_request);
            each(ctx, &view);
        }
    }
    waiting_release(&waiting);
    return err;
}

/* ---- six words */

/* Lower case, single spaces: as the words are made. */
static void words_normalise(const char *typed, char ret[WORDS_TEXT_MAX])
{
    size_t len = 0;
    memset(ret, 0, WORDS_TEXT_MAX);
    for (; *typed != '\0' && len < WORDS_TEXT_MAX - 1; typed++) {
        char c = *typed;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c >= 'a' && c <= 'z')
            ret[len++] = c;
        else if (len > 0 && ret[len - 1] != ' ')
            ret[len++] = ' ';
    }
    if (len > 0 && ret[len - 1] == ' ')
        ret[len - 1] = '\0';
}

static bool words_fit(const struct writer *transcript, const char typed[WORDS_TEXT_MAX])
{
    char words[WORDS_TEXT_MAX] = { 0 }, made[WORDS_TEXT_MAX];
    if (transcript->err != OK || crypto_six_words(writer_bytes(transcript), words) != OK)
        return false;
    words_normalise(words, made);
    return crypto_equal(made, typed, WORDS_TEXT_MAX);
}

struct check {
    struct hub_enrol *enrol;
    const struct trust *trust;
    const char *typed; /* normalised */
    unsigned seen;     /* waiting requests that were meant */
    unsigned left;     /* tries that are left for the one with most */
    bool matched;
    enrol_view_callback *each;
    void *ctx;
};

static void check_count(struct check *check, unsigned tries)
{
    unsigned left = tries >= ENROL_TRIES_MAX ? 0 : ENROL_TRIES_MAX - tries;
    if (left > check->left)
        check->left = left;
}

static enum err check_node(struct check *check, const struct invite_row *row,
                           const struct enrol *request)
{
    uint8_t space[TRANSCRIPT_BYTES_MAX];
    struct writer transcript = writer_of(space, sizeof space);
    enrol_transcript(request, &check->trust->hub, &check->trust->root.list[0].key, &transcript);
    check->seen++;
    if (words_fit(&transcript, check->typed)) {
        struct enrol_view view = view_of_node(row, request);
        check->matched = true;
        check->each(check->ctx, &view);
        return OK;
    }
    check_count(check, row->tries + 1);
    return enrol_store_invite_standing(
        check->enrol->store, &row->invite,
        row->tries + 1 >= ENROL_TRIES_MAX ? ENROL_REFUSED : ENROL_WAITING, row->tries + 1);
}

static enum err check_operator(struct check *check, const struct operator_row *row,
                               const struct operator_request *request)
{
    uint8_t space[TRANSCRIPT_BYTES_MAX];
    struct writer transcript = writer_of(space, sizeof space);
    operator_transcript(request, &check->trust->hub.sign_key, &transcript);
    check->seen++;
    if (words_fit(&transcript, check->typed)) {
        struct enrol_view view = view_of_operator(row, request);
        check->matched = true;
        check->each(check->ctx, &view);
        return OK;
    }
    check_count(check, row->tries + 1);
    return enrol_store_operator_standing(
        check->enrol->store, &row->key,
        row->tries + 1 >= ENROL_TRIES_MAX ? ENROL_REFUSED : ENROL_WAITING, row->tries + 1);
}

/* Several requests of one office may wait (a stolen invite beside the real one): the words say
 * which is meant, and a wrong guess costs each of them a try. */
enum err hub_enrol_check(struct hub_enrol *enrol, const struct trust *trust, const char *node,
                         const char *name, const char *words, unsigned *ret_left,
                         enrol_view_callback *each, void *ctx, struct problem *problem)
{
    char typed[WORDS_TEXT_MAX];
    words_normalise(words, typed);
    struct check check = {
        .enrol = enrol, .trust = trust, .typed = typed, .each = each, .ctx = ctx
    };
    struct waiting waiting;
    struct message message;
    if (trust->version == 0)
        return problem_set(problem, ERR_STATE, "approval", "run `tkskctl trust init` first");
    enum err err = waiting_read(enrol, &waiting);
    for (size_t i = 0; err == OK && !check.matched && name == NULL && i < waiting.invite_count;
         i++) {
        const struct invite_row *row = &waiting.invites[i];
        if (strcmp(row->node, node) == 0 && enrol_of(row, &message) &&
            !approved(trust, &message.enrol))
            err = check_node(&check, row, &message.enrol);
    }
    for (size_t i = 0; err == OK && !check.matched && name != NULL && i < waiting.operator_count;
         i++) {
        const struct operator_row *row = &waiting.operators[i];
        if (strcmp(row->node, node) == 0 && operator_of(row, &message) &&
            bytes_is(message.operator_request.name, name) &&
            trust_operator_by_key(trust, &row->key) == NULL)
            err = check_operator(&check, row, &message.operator_request);
    }
    waiting_release(&waiting);
    if (err != OK)
        return problem_set(problem, err, "the requests that wait", NULL);
    if (check.matched)
        return OK;
    if (check.seen == 0)
        return problem_set(problem, ERR_NOT_FOUND, node,
                           name == NULL
                               ? "no office of that name waits for approval; see `tkskctl status`"
                               : "nobody of that name waits there; a request comes once that "
                                 "office is linked");
    *ret_left = check.left;
    return problem_setf(problem, ERR_WORDS, node,
                        check.left > 0
                            ? "%u tries left"
                            : "%u tries left; the request is refused, it must be made again",
                        check.left);
}
