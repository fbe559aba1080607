/* Personal signatures: what exactly would be signed, and the signing, with the passphrase given
 * anew. */
#include <stdio.h>
#include <stdlib.h>

#include "node/node_admin_draft.h"
#include "node/node_sign.h"

struct signing {
    struct node_admin *admin;
    struct admin_call *call;
    const struct policy *policy;
    const struct trust *trust;
    const struct trust_operator *op;
    size_t asked, count;
    struct node_sign *list;
};

static void signing_close(struct signing *signing)
{
    for (size_t i = 0; i < signing->count; i++)
        node_sign_close(&signing->list[i]);
    free(signing->list);
}

/* ---- who, and what */

static bool find_signer(struct signing *signing)
{
    struct node_store *store = signing->admin->parts.store;
    signing->policy = node_store_policy(store);
    signing->trust = node_store_trust(store);
    if (!node_store_operator_seed(store)) {
        node_admin_refuse(signing->call, ERR_LOCKED, "node", NULL);
        return false;
    }
    signing->op = node_store_operator(store);
    if (!signing->policy)
        node_admin_refuse(signing->call, ERR_STATE, "policy",
                          "no policy has arrived from the district office yet");
    else if (!signing->op)
        node_admin_refuse(signing->call, ERR_STATE, "operator",
                          "the district office has not approved this operator yet");
    return signing->policy && signing->op;
}

/* Of several records it is said which. */
static void refuse_one(struct signing *signing, enum err err, const struct problem *problem,
                       const char *short_text)
{
    struct problem named = *problem;
    json_t *more = json_object();
    if (problem->code == OK)
        (void)problem_set(&named, err, "record", NULL);
    if (signing->asked > 1 && strcmp(named.thing, short_text) != 0)
        (void)snprintf(named.thing, sizeof named.thing, "%.15s %.100s", short_text,
                       problem->code == OK ? "" : problem->thing);
    node_json_set(more, "short", json_string(short_text));
    admin_fail_with(signing->call, &named, more);
}

static const char *short_of(const struct signing *signing, const struct id *record, char ret[16])
{
    const struct record_view *view;
    bool known = node_store_view(signing->admin->parts.store, record, &view) == OK;
    snprintf(ret, 16, "%.*s", known ? (int)view->short_text.len : 0,
             known ? (const char *)view->short_text.at : "");
    return ret;
}

static bool add_record(struct signing *signing, struct bytes text)
{
    struct problem problem = { .code = OK };
    struct id record;
    char short_text[16];
    if (!node_arg_record(signing->admin, signing->call, text, &record))
        return false;
    for (size_t i = 0; i < signing->count; i++)
        if (id_equal(&signing->list[i].record, &record))
            return true; /* named twice */
    enum err err = node_sign_open(signing->admin->parts.store, signing->policy, signing->op,
                                  &record, &signing->list[signing->count], &problem);
    if (err == OK)
        signing->count++;
    else
        refuse_one(signing, err, &problem, short_of(signing, &record, short_text));
    return err == OK;
}

/* From args.ids; false: the call has ended. */
static bool signing_open(struct node_admin *admin, struct admin_call *call, struct signing *signing)
{
    const json_t *ids = json_object_get(admin_call_args(call), "ids"), *item;
    size_t count = json_array_size(ids), index;
    *signing = (struct signing){ .admin = admin, .call = call, .asked = count };
    if (count == 0 || count > CHANGES_PER_TRANSACTION_MAX) {
        node_admin_refuse(call, ERR_LIMIT, "ids", "1 to 256 in one request");
        return false;
    }
    if (!find_signer(signing))
        return false;
    signing->list = calloc(count, sizeof *signing->list);
    if (!signing->list) {
        node_admin_refuse(call, ERR_MEMORY, "sign", NULL);
        return false;
    }
    json_array_foreach(ids, index, item) {
        if (!json_is_string(item)) {
            node_admin_refuse(call, ERR_USAGE, "ids", "a list of texts");
            return false;
        }
        if (!add_record(signing, bytes_text(json_string_value(item))))
            return false;
    }
    return true;
}

/* ---- the edits */

struct edits {
    struct entry_change *changes;
    struct entry_field *fields; /* NODE_SIGN_FIELDS_MAX of each */
    uint8_t (*values)[ENDORSEMENT_TEXT_BYTES + 8];
};

static bool edits_open(const struct signing *signing, struct edits *edits)
{
    size_t count = signing->count;
    *edits = (struct edits){ calloc(count, sizeof *edits->changes),
                             calloc(count, NODE_SIGN_FIELDS_MAX * sizeof *edits->fields),
                             calloc(count, sizeof *edits->values) };
    return edits->changes && edits->fields && edits->values;
}

static void edits_close(struct edits *edits)
{
    free(edits->changes);
    free(edits->fields);
    free(edits->values);
}

static void edit_make(const struct signing *signing, struct edits *edits, size_t i,
                      const struct endorsement *endorsement)
{
    char text[ENDORSEMENT_TEXT_BYTES];
    struct writer out = writer_of(edits->values[i], sizeof edits->values[i]);
    struct entry_field *fields = &edits->fields[i * NODE_SIGN_FIELDS_MAX];
    endorsement_text(endorsement, text);
    writer_text(&out, text);
    must(out.err == OK);
    edits->changes[i] = (struct entry_change){ .group = (unsigned)i,
                                               .op = OP_UPDATE,
                                               .record = signing->list[i].record,
                                               .fields = fields,
                                               .field_count = node_sign_fields(
                                                   &signing->list[i], writer_bytes(&out), fields) };
}

static struct endorsement endorsement_of(const struct signing *signing, uint64_t wall_ms)
{
    return (struct endorsement){
        .operator_number = signing->op->number,
        .trust_version = node_store_policy_mark(signing->admin->parts.store).trust_version,
        .signed_ms = wall_ms
    };
}

/* All that would refuse the edits is asked before anybody types a passphrase. */
static bool would_pass(struct signing *signing, struct edits *edits, struct warnings *warnings)
{
    struct problem problem = { .code = OK };
    struct hash leaf;
    uint64_t seq = 0, now_ms = node_admin_claim_ms(signing->admin);
    unsigned failed = 0;
    const struct endorsement later = endorsement_of(signing, now_ms);
    for (size_t i = 0; i < signing->count; i++)
        edit_make(signing, edits, i, &later);
    const struct entry_request request = { .wall_ms = now_ms,
                                           .lane = LANE_OF_POLICY,
                                           .changes = edits->changes,
                                           .change_count = (unsigned)signing->count,
                                           .dry = true,
                                           .presumes_signature = true };
    enum err err = node_entry_submit(signing->admin->parts.entry, &request, &leaf, &seq, &failed,
                                     &problem, warnings);
    if (err == OK)
        return true;
    refuse_one(signing, err, &problem, signing->list[failed].short_text);
    return false;
}

/* ---- what is shown */

static json_t *state_label(const struct signing *signing, const struct node_sign *sign,
                           struct bytes state)
{
    const struct policy_field *field = &sign->collection->fields[sign->workflow->field];
    char today[11];
    date_of_ms(node_admin_claim_ms(signing->admin), today);
    const struct policy_code *code =
        field->codes ? policy_code(policy_codes_at(field->codes, today), state) : NULL;
    return code ? json_string(code->label) : node_json_bytes(state);
}

static json_t *field_json(const struct signing *signing, const struct node_sign *sign,
                          const struct policy_field *field)
{
    struct bytes raw = node_sign_value(sign, field);
    json_t *row = json_pack("{s:s, s:s}", "name", field->name, "label", field->label);
    node_json_set(row, "value", node_json_value(signing->admin, field, raw));
    json_t *blobs = node_json_blobs(field, raw);
    if (blobs)
        node_json_set(row, "blobs", blobs);
    return row;
}

static json_t *sign_json(const struct signing *signing, const struct node_sign *sign,
                         const struct hash *mark)
{
    json_t *row = json_object(), *covered = json_array(), *sets = json_array();
    node_json_set(row, "id", node_json_uuid(&sign->record));
    node_json_set(row, "short", json_string(sign->short_text));
    node_json_set(row, "collection", json_string(sign->collection->name));
    node_json_set(row, "title", json_string(sign->collection->title));
    node_json_set(row, "field", json_string(sign->field->name));
    node_json_set(row, "field_label", json_string(sign->field->label));
    node_json_set(row, "area", json_string(sign->area));
    node_json_set(row, "from", node_json_bytes(sign->state));
    node_json_set(row, "from_label", state_label(signing, sign, sign->state));
    node_json_set(row, "to", json_string(sign->edge->to));
    node_json_set(row, "to_label", state_label(signing, sign, bytes_text(sign->edge->to)));
    node_json_set(row, "mark", node_json_hash(mark));
    for (size_t i = 0; i < sign->field->cover_count; i++)
        json_array_append_new(
            covered, field_json(signing, sign, &sign->collection->fields[sign->field->covers[i]]));
    for (size_t i = 0; i < sign->value_count; i++)
        if (sign->values[i].sets &&
            sign->values[i].field != &sign->collection->fields[sign->workflow->field])
            json_array_append_new(sets, field_json(signing, sign, sign->values[i].field));
    node_json_set(row, "covered", covered);
    node_json_set(row, "sets", sets);
    return row;
}

struct keyfile_search {
    struct public_key key;
    json_t *keyfile;
};

static void find_keyfile(void *ctx, const struct node_operator *op)
{
    struct keyfile_search *search = ctx;
    if (!search->keyfile && crypto_equal(op->key.at, search->key.at, PUBLIC_KEY_BYTES))
        search->keyfile = node_json_bytes(op->keyfile);
}

static enum err keyfile_of(const struct signing *signing, struct keyfile_search *ret_search)
{
    *ret_search = (struct keyfile_search){ .key = signing->op->key };
    enum err err = node_store_operators(signing->admin->parts.store, find_keyfile, ret_search);
    return err == OK && !ret_search->keyfile ? ERR_NOT_FOUND : err;
}

static void answer_show(struct signing *signing, const struct warnings *warnings)
{
    const struct policy_role *role = policy_role(signing->policy, bytes_text(signing->op->role));
    const struct policy_area *area = policy_area(signing->policy, bytes_text(signing->op->area));
    struct keyfile_search search;
    struct hash mark;
    enum err err = keyfile_of(signing, &search);
    for (size_t i = 0; i < signing->count && err == OK; i++) {
        const struct node_looked looked = { .op = ACCESS_LOOK,
                                            .collection =
                                                bytes_text(signing->list[i].collection->name),
                                            .record = &signing->list[i].record };
        err = node_sign_mark(&signing->list[i], signing->trust->district, signing->op, &mark);
        if (err != OK)
            continue;
        if (!node_ask_log(signing->admin, signing->call, NULL, &looked)) {
            json_decref(search.keyfile);
            return;
        }
        admin_row(signing->call, sign_json(signing, &signing->list[i], &mark));
    }
    if (err != OK) {
        json_decref(search.keyfile);
        node_admin_refuse(signing->call, err, "sign", NULL);
        return;
    }
    json_t *done = json_object();
    node_json_set(done, "name", json_string(signing->op->name));
    node_json_set(done, "role", json_string(signing->op->role));
    node_json_set(done, "role_label", json_string(role ? role->label : signing->op->role));
    node_json_set(done, "area", json_string(signing->op->area));
    node_json_set(done, "area_name", area ? json_string(area->name) : NULL);
    node_json_set(done, "keyfile", search.keyfile);
    node_json_set(done, "warnings", node_json_warnings(warnings, admin_call_lang(signing->call)));
    admin_done(signing->call, done);
}

/* {ids} → rows {id, short, collection, title, field, from, to, covered, sets, mark}; done{name,
 * role, area, keyfile}. */
void node_cmd_sign_show(struct node_admin *admin, struct admin_call *call)
{
    struct signing signing;
    struct edits edits = { .changes = NULL };
    struct warnings warnings = { .count = 0 };
    if (signing_open(admin, call, &signing)) {
        if (!edits_open(&signing, &edits))
            node_admin_refuse(call, ERR_MEMORY, "sign", NULL);
        else if (would_pass(&signing, &edits, &warnings))
            answer_show(&signing, &warnings);
    }
    edits_close(&edits);
    signing_close(&signing);
}

/* ---- signing */

/* The key of who acts, out of the key file: being unlocked is not enough. False: ended. */
static bool open_key(struct signing *signing, struct secret_key **ret_seed)
{
    struct problem problem = { .code = OK };
    struct keyfile_search search;
    struct keyfile file;
    struct bytes derived;
    if (!node_arg_needed(signing->call, "derived", &derived))
        return false;
    enum err err = keyfile_of(signing, &search);
    if (err == OK)
        err = node_admin_open_seed(bytes_text(json_string_value(search.keyfile)), derived, &file,
                                   ret_seed, &problem);
    json_decref(search.keyfile);
    if (err == OK && !crypto_equal(file.public_key.at, signing->op->key.at, PUBLIC_KEY_BYTES)) {
        secret_key_close(ret_seed);
        err = ERR_KEY;
    }
    if (err != OK)
        node_admin_refuse_problem(signing->call, err, &problem, signing->op->name);
    return err == OK;
}

/* What is signed now is what was shown. False: ended. */
static bool as_shown(const struct signing *signing)
{
    const json_t *marks = json_object_get(admin_call_args(signing->call), "marks");
    char hex[2 * HASH_BYTES + 1];
    struct hash mark;
    for (size_t i = 0; i < signing->count; i++) {
        const struct node_sign *sign = &signing->list[i];
        char id[UUID_TEXT_BYTES];
        uuid_to_text(&sign->record, id);
        struct bytes shown = node_arg_text(marks, id);
        enum err err = node_sign_mark(sign, signing->trust->district, signing->op, &mark);
        if (err != OK) {
            node_admin_refuse(signing->call, err, sign->short_text, NULL);
            return false;
        }
        crypto_hex(bytes_hash(&mark), hex);
        if (bytes_is(shown, hex))
            continue;
        node_admin_refuse(signing->call, ERR_STATE, sign->short_text,
                          "the record has changed since it was shown");
        return false;
    }
    return true;
}

static enum err sign_all(const struct signing *signing, struct edits *edits,
                         const struct secret_key *seed, uint64_t now_ms)
{
    uint8_t *space = malloc(ENDORSEMENT_BYTES_MAX);
    enum err err = space ? OK : ERR_MEMORY;
    for (size_t i = 0; i < signing->count && err == OK; i++) {
        struct endorsement endorsement = endorsement_of(signing, now_ms);
        struct writer out = writer_of(space, ENDORSEMENT_BYTES_MAX);
        err = node_sign_statement(&signing->list[i], signing->trust->district, &endorsement, &out);
        if (err == OK) {
            endorsement_sign(&endorsement, writer_bytes(&out), seed);
            edit_make(signing, edits, i, &endorsement);
        }
        crypto_wipe(space, out.buf.len);
    }
    free(space);
    return err;
}

/* {ids, marks: {id: mark}, derived, request}: one transaction. */
void node_cmd_sign(struct node_admin *admin, struct admin_call *call)
{
    struct signing signing;
    struct edits edits = { .changes = NULL };
    struct entering entering;
    struct secret_key *seed = NULL;
    size_t count = json_array_size(json_object_get(admin_call_args(call), "ids"));
    if (count == 0 || count > CHANGES_PER_TRANSACTION_MAX) {
        node_admin_refuse(call, ERR_LIMIT, "ids", "1 to 256 in one request");
        return;
    }
    if (!node_entering_open(admin, call, (unsigned)count, &entering))
        return;
    entering.single = false;
    if (node_entering_answered(&entering)) {
        node_entering_close(&entering);
        return;
    }
    if (signing_open(admin, call, &signing) && as_shown(&signing) && open_key(&signing, &seed)) {
        enum err err = edits_open(&signing, &edits)
                           ? sign_all(&signing, &edits, seed, node_admin_claim_ms(admin))
                           : ERR_MEMORY;
        entering.count = (unsigned)signing.count; /* what was named twice counts once */
        if (err != OK) {
            node_admin_refuse(call, err, "sign", NULL);
        } else {
            memcpy(entering.changes, edits.changes, signing.count * sizeof *edits.changes);
            node_entering_submit(&entering);
        }
    }
    secret_key_close(&seed);
    node_entering_close(&entering);
    edits_close(&edits);
    signing_close(&signing);
}
