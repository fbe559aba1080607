/* What the files of node_admin share: not for others.
 *
 * node_admin.c        the table of commands, who may, the lock
 * node_admin_args.c   arguments in, JSON out
 * node_admin_keys.c   enrolment, operators, unlock
 * node_admin_reset.c  lost passphrases
 * node_admin_entry.c  put, edit, delete, resolve, apply
 * node_admin_view.c   list, show, conflicts, collections
 * node_admin_tell.c   attention, explain
 * node_admin_carry.c  bundles as files
 * node_admin_countersign.c what waits for a second signature
 * node_admin_sign.c  personal signatures
 * node_admin_status.c status, what was seen
 * node_import.c       rows of a file
 * node_import_columns.c columns of a file, look-ups
 * node_admin_blob.c   photos and files that records name
 * node_admin_answer.c submissions and their answers, receipts, how far a record has come
 * node_admin_reply.c  answering a submission
 * node_admin_count.c  records counted by codes
 * node_admin_export.c records as rows of a file
 * node_admin_access.c masks, and who looked at what
 * node_admin_announce.c announcements, who read them, coverage, forum
 * node_admin_policy.c roster and rules, and who has not seen them
 * node_admin_reason.c why something was refused, in the policy's words
 * node_admin_term.c   terms of office that end
 * node_admin_books.c  the office's own books
 * node_admin_draft*.c drafts: see node_admin_draft.h
 * node_admin_credential.c unlocking by a credential of the service manager */
#pragma once

#include "common/admin_rows.h"
#include "common/keyfile.h"
#include "common/must.h"
#include "node/node_admin.h"
#include "node/node_blob.h"
#include "node/node_import.h"
#include "proto/access.h"
#include "proto/mask.h"

#define VALUE_TEXT_BYTES_MAX (2 * CHANGE_BYTES_MAX)
#define RFC3339_BYTES 32

/* An unlock belongs to a person at the socket and an operator. */
struct node_session_open {
    uid_t uid;
    char name[NAME_TEXT_MAX + 1]; /* of the operator */
    struct public_key key;
    uint64_t used_ms;
    bool by_credential; /* stays open without use, as long as the policy lets it */
};

/* A file on its way in. */
#define UPLOADS_MAX 4
#define UPLOAD_TOKEN_BYTES 40
struct node_upload {
    char token[UPLOAD_TOKEN_BYTES];
    uid_t uid;
    uint64_t total, got, used_ms;
    struct blob_writer *writer; /* NULL: free */
};

/* What the number of unread announcements depends on. */
struct unread_mark {
    uint64_t trust, rules, epoch, number, entries;
    char name[NAME_TEXT_MAX + 1];
};

struct node_admin {
    struct node_admin_parts parts;
    struct admin *socket;
    struct admin_rows *rows;
    struct admin_chunks chunks;
    struct node_upload uploads[UPLOADS_MAX];
    size_t session_count;
    struct node_session_open sessions[UNLOCKED_MAX]; /* who has unlocked, and for whom */
    char name[NAME_TEXT_MAX + 1]; /* of the operator who acts in this call; empty: nobody */
    int timer;
    bool unread_known;
    unsigned unread; /* announcements that must be read, as of the mark */
    struct unread_mark unread_mark;
    bool has_words;
    struct id words_invite;
    char words[WORDS_TEXT_MAX]; /* of that invite: half a second to make on a netbook */
    char text[VALUE_TEXT_BYTES_MAX];
};

typedef void node_command(struct node_admin *admin, struct admin_call *call);

/* ---- node_admin.c */

/* May this caller read and enter? */
bool node_admin_open_for(const struct node_admin *admin, const struct admin_call *call);
void node_admin_lock(struct node_admin *admin); /* for all */
/* For this caller: `name` only, or whoever they unlocked when it is empty. */
void node_admin_lock_for(struct node_admin *admin, const struct admin_call *call,
                         struct bytes name);
/* May a credential unlock here, and keep unlocked? Policy setting credential_unlock. */
bool node_admin_takes_credentials(const struct node_admin *admin);
/* The store is unlocked by this operator, for this user. One that a credential opened stays so. */
NODISCARD enum err node_admin_unlocked(struct node_admin *admin,
                                       const struct node_session_open *session);
uint64_t node_admin_idle_minutes(const struct node_admin *admin);
void node_admin_changed(struct node_admin *admin);

/* ---- node_admin_args.c. Those that give false or an error have ended the call. */

void node_admin_refuse(struct admin_call *call, enum err code, const char *thing,
                       const char *detail);
/* `problem` when it says more than `code`. */
void node_admin_refuse_problem(struct admin_call *call, enum err code,
                               const struct problem *problem, const char *thing);
/* Optional text; empty when missing or null. */
struct bytes node_arg_text(const json_t *args, const char *name);
bool node_arg_needed(struct admin_call *call, const char *name, struct bytes *ret_text);
/* UUID of the request; zero when missing. */
bool node_arg_request(struct admin_call *call, struct id *ret_request);
/* LANE_OF_POLICY when it is missing. */
bool node_arg_lane(struct admin_call *call, enum lane *ret_lane);
/* A record by short number, UUID or prefix. Several: they are answered as rows first. */
bool node_arg_record(struct node_admin *admin, struct admin_call *call, struct bytes text,
                     struct id *ret_record);
bool node_arg_collection(struct node_admin *admin, struct admin_call *call, struct bytes text,
                         const struct policy_collection **ret_collection);

/* Fields of a JSON object as an entry takes them; names and texts live as long as the object and
 * this. */
struct node_fields {
    struct entry_field *list;
    size_t count;
    char **owned; /* texts made here; as many as `count`, NULL in between */
};
NODISCARD enum err node_fields_open(const json_t *object, struct node_fields *ret_fields,
                                    struct problem *problem);
void node_fields_close(struct node_fields *fields);

json_t *node_json_bytes(struct bytes text); /* null when it is not UTF-8 */
json_t *node_json_uuid(const struct id *id);
json_t *node_json_hash(const struct hash *hash);
json_t *node_json_uint(uint64_t value);
json_t *node_json_time(uint64_t ms_utc); /* RFC 3339; null for 0 */
/* A value as people read it; null for nil, and where the policy does not know the field. */
json_t *node_json_value(struct node_admin *admin, const struct policy_field *field,
                        struct bytes value);
/* The same with the labels of codes and areas. */
json_t *node_json_shown(struct node_admin *admin, const struct policy_field *field,
                        struct bytes value);
/* node_admin_access.c: as node_json_value, masked for that place (proto/mask.h); NULL for what is
 * not shown. */
json_t *node_json_masked(struct node_admin *admin, const struct policy_field *field,
                         struct bytes value, enum mask_place place);
/* Values that few may see are never listed; a code can be one of them. */
bool node_value_is_restricted(const struct policy_field *field, struct bytes value);
/* args.full and args.reason. False: refused, since the reason is missing or is none, or the role of
 * who acts does not see what is masked. The reason lives as long as the call. */
struct node_ask {
    bool full;
    struct bytes reason;
};
bool node_ask_read(struct node_admin *admin, struct admin_call *call, struct node_ask *ret_ask);
/* Writes into the access log that who acts is about to see this, before any of it is sent. False:
 * that failed, and the call is refused. `ask` NULL: nothing was said. */
struct node_looked {
    enum access_op op;
    struct bytes collection;
    const struct id *record; /* NULL: `count` of them */
    uint64_t count;
};
bool node_ask_log(struct node_admin *admin, struct admin_call *call, const struct node_ask *ask,
                  const struct node_looked *looked);
/* FIELD=TEXT as `list` and `export` take it: part of the value, letters of either case; the code or
 * the label of a code. */
#define FINDS_MAX 8
struct node_finds {
    bool full; /* also by values that few may see */
    size_t count;
    struct node_find {
        const struct policy_field *field;
        const char *text;
    } list[FINDS_MAX];
};
/* From args.find; false: refused, as a restricted field is unless `full`. Texts live as long as the
 * call. */
bool node_finds_read(struct admin_call *call, const struct policy_collection *collection, bool full,
                     struct node_finds *ret_finds);
bool node_finds_match(struct node_admin *admin, const struct node_finds *finds,
                      const struct record_view *view);
/* What the person who unlocked may write; while locked, whatever some role may. */
authority_set node_admin_author(struct node_admin *admin, const struct policy *policy);
bool node_field_writable(const struct policy_field *field, authority_set author,
                         const char today[11]);
/* Texts of warnings. */
json_t *node_json_warnings(const struct warnings *warnings, enum lang lang);
void node_json_set(json_t *object, const char *key, json_t *value); /* takes; NULL becomes null */
const char *node_state_of(const struct record_view *view);
const char *node_lane_name(enum lane lane);
/* Rule and remedy of a reason name, for a person; empty when there is no such reason. */
void node_reason_text(struct bytes reason, struct bytes field, enum lang lang, char *ret,
                      size_t cap);
/* node_admin_reason.c: the same in the words of the policy where it has some: a rule's label and
 * remedy, the state and the steps that are open, who may. `record` NULL, or while a callback of the
 * store runs: nothing is said of what it is in. */
void node_reason_about(struct node_admin *admin, struct bytes reason, struct bytes field,
                       struct bytes collection, const struct id *record, enum lang lang, char *ret,
                       size_t cap);
/* `reason_text` of a row by its `reason` and `field`. */
void node_reason_row(struct node_admin *admin, struct bytes collection, const struct id *record,
                     enum lang lang, json_t *row);
/* The field that a refusal at entry speaks of ("orang.nama"), or that its rule names; NULL: none.
 * It lives as long as the problem and the policy. */
const char *node_problem_field(const struct node_admin *admin, const struct problem *problem);
/* The collection has a field or a rule of that name. */
bool node_reason_knows(const struct node_admin *admin, struct bytes collection, struct bytes field);

/* ---- commands */

void node_cmd_status(struct node_admin *admin, struct admin_call *call);
void node_cmd_attention(struct node_admin *admin, struct admin_call *call);
void node_cmd_explain(struct node_admin *admin, struct admin_call *call);
void node_cmd_policy_show(struct node_admin *admin, struct admin_call *call);
void node_cmd_enrol(struct node_admin *admin, struct admin_call *call);
void node_cmd_enrol_status(struct node_admin *admin, struct admin_call *call);
void node_cmd_operator_add(struct node_admin *admin, struct admin_call *call);
void node_cmd_operator_reset_check(struct node_admin *admin, struct admin_call *call);
void node_cmd_operator_reset(struct node_admin *admin, struct admin_call *call);
void node_cmd_operator_words(struct node_admin *admin, struct admin_call *call);
void node_cmd_operator_list(struct node_admin *admin, struct admin_call *call);
void node_cmd_unlock_params(struct node_admin *admin, struct admin_call *call);
void node_cmd_unlock(struct node_admin *admin, struct admin_call *call);
void node_cmd_lock(struct node_admin *admin, struct admin_call *call);
void node_cmd_put(struct node_admin *admin, struct admin_call *call);
void node_cmd_edit(struct node_admin *admin, struct admin_call *call);
void node_cmd_delete(struct node_admin *admin, struct admin_call *call);
void node_cmd_resolve(struct node_admin *admin, struct admin_call *call);
void node_cmd_apply(struct node_admin *admin, struct admin_call *call);
void node_cmd_list(struct node_admin *admin, struct admin_call *call);
void node_cmd_bundle_export(struct node_admin *admin, struct admin_call *call);
void node_cmd_bundle_take(struct node_admin *admin, struct admin_call *call);
void node_cmd_show(struct node_admin *admin, struct admin_call *call);
void node_cmd_conflict_list(struct node_admin *admin, struct admin_call *call);
void node_cmd_draft_list(struct node_admin *admin, struct admin_call *call);
void node_cmd_draft_show(struct node_admin *admin, struct admin_call *call);
void node_cmd_draft_edit(struct node_admin *admin, struct admin_call *call);
void node_cmd_draft_send(struct node_admin *admin, struct admin_call *call);
void node_cmd_draft_discard(struct node_admin *admin, struct admin_call *call);
void node_cmd_dismiss(struct node_admin *admin, struct admin_call *call);
void node_cmd_collections(struct node_admin *admin, struct admin_call *call);

void node_cmd_audit_list(struct node_admin *admin, struct admin_call *call);
void node_cmd_audit_verify(struct node_admin *admin, struct admin_call *call);
void node_cmd_export_begin(struct node_admin *admin, struct admin_call *call);
void node_cmd_export_rows(struct node_admin *admin, struct admin_call *call);

/* node_admin_answer.c. "29-0417-KM"; NULL: none is given for such records. */
json_t *node_json_receipt(const struct node_admin *admin, const struct record_view *view);
/* local, queued, sent, received (no answer yet), merged, answered; held, deleted. */
const char *node_hop(const struct node_admin *admin, const struct record_view *view);
/* Adds to `show`: hop, and of submissions the receipt number and how the answer stands. */
void node_answer_show(struct node_admin *admin, const struct record_view *view, json_t *done);
/* The last line of `explain`: whether it was answered; NULL: none is owed. */
json_t *node_answer_step(struct node_admin *admin, const struct id *record, enum lang lang);
/* Members of `status`; *ret_open: answers that nobody has put away. `key` NULL: nobody is known. */
NODISCARD enum err node_answer_status(struct node_admin *admin, const struct public_key *key,
                                      json_t *done, uint64_t *ret_open);
/* Rows of `attention`: answers that nobody has put away. */
NODISCARD enum err node_answer_rows(struct node_admin *admin, enum lang lang, bool open,
                                    json_t *rows);
void node_cmd_unanswered(struct node_admin *admin, struct admin_call *call);
void node_cmd_receipt(struct node_admin *admin, struct admin_call *call);
void node_cmd_answer(struct node_admin *admin, struct admin_call *call);
void node_cmd_count(struct node_admin *admin, struct admin_call *call);

/* node_admin_status.c: keeps what an operator has seen; `key` NULL: who acts in this call. */
void node_admin_look(struct node_admin *admin, const struct public_key *key, enum node_look look);
json_t *node_json_zone(const struct node_admin *admin); /* NULL: the policy names none */
/* node_admin_term.c: {number, name, role, sk, until, days, acting_for} of who signs here and whose
 * term ends within the setting alarm_term_days, or has ended; and the same as rows of `attention`.
 * Whether work with this answer waits for an SK. */
json_t *node_terms_json(const struct node_admin *admin);
void node_term_rows(const struct node_admin *admin, enum lang lang, json_t *rows);
bool node_waits_for_term(struct bytes reason);
void node_cmd_reconcile(struct node_admin *admin, struct admin_call *call); /* node_admin_books.c */
/* The time that an entry made now claims: the hub's where it is known. */
uint64_t node_admin_claim_ms(const struct node_admin *admin);

void node_cmd_countersign_list(struct node_admin *admin, struct admin_call *call);
void node_cmd_countersign_show(struct node_admin *admin, struct admin_call *call);
void node_cmd_countersign_sign(struct node_admin *admin, struct admin_call *call);
void node_cmd_countersign_refuse(struct node_admin *admin, struct admin_call *call);

void node_cmd_sign_show(struct node_admin *admin, struct admin_call *call);
void node_cmd_sign(struct node_admin *admin, struct admin_call *call);

/* node_admin_countersign.c. Name of an operator; NULL: not known. */
json_t *node_json_operator(const struct node_admin *admin, uint32_t number);
/* One row for `attention` of each author who waits for who acts. */
NODISCARD enum err node_countersign_rows(struct node_admin *admin, enum lang lang, json_t *rows);
/* Members of `status`; *ret_mine: transactions that who acts may sign. */
NODISCARD enum err node_countersign_status(struct node_admin *admin, json_t *done,
                                           uint64_t *ret_mine);
/* Why somebody did not countersign the transaction behind a draft, into the draft's row. */
void node_countersign_refusal(struct node_admin *admin, const struct hash *leaf, enum lang lang,
                              json_t *row);
/* The same in a row of `attention` that names its leaf: of a delete, which makes no draft. */
void node_countersign_refusal_row(struct node_admin *admin, enum lang lang, json_t *row);
/* Who countersigned or refused, and why, in a row of `show`'s history. */
void node_countersign_history(struct node_admin *admin, json_t *row);
/* node_admin_reset.c: `load` (records on their way to a new or reset office, or null) and `lost`
 * (entries of a former device). */
NODISCARD enum err node_status_load(struct node_store *store, json_t *done);
/* node_admin_keys.c. Opens the key file with what tkskctl derived from the passphrase. */
NODISCARD enum err node_admin_open_seed(struct bytes text, struct bytes derived_base64,
                                        struct keyfile *ret_file, struct secret_key **ret_seed,
                                        struct problem *problem);
/* The role as asked for; without one, the only role that the policy knows. */
NODISCARD enum err node_admin_role(struct node_admin *admin, struct bytes asked, char *ret,
                                   size_t cap, struct problem *problem);

/* node_admin_keys.c: unlocks for operator session->name with what was derived from the passphrase
 * (base64); session->key is found out. */
NODISCARD enum err node_admin_unlock(struct node_admin *admin, struct bytes derived,
                                     struct node_session_open *session, struct problem *problem);

/* node_admin_tell.c: where an own change is: "queued", "sent", "received". */
const char *node_change_place(const struct node_admin *admin, const struct own_change *change);
const char *node_enrolment_name(enum enrolment enrolment);

/* node_admin_policy.c */
void node_cmd_rules_get(struct node_admin *admin, struct admin_call *call);
/* Who acts has not seen the rules in force (`policy show`). */
NODISCARD enum err node_rules_unseen(struct node_admin *admin, bool *ret_unseen);
void node_rules_see(struct node_admin *admin);
/* One row of `attention` that says so. */
NODISCARD enum err node_rules_row(struct node_admin *admin, enum lang lang, json_t *rows);

/* node_admin_announce.c */
void node_cmd_announcements(struct node_admin *admin, struct admin_call *call);
void node_cmd_coverage(struct node_admin *admin, struct admin_call *call);
void node_cmd_forum_list(struct node_admin *admin, struct admin_call *call);
void node_cmd_forum_post(struct node_admin *admin, struct admin_call *call);
/* `show` was answered with this record: where reading is confirmed, its receipt is made. Adds
 * "receipt" to `done`. */
void node_admin_shown(struct node_admin *admin, const struct id *record, json_t *done);
/* Rows of `attention`: what must be read and is not. */
NODISCARD enum err node_announce_rows(struct node_admin *admin, enum lang lang, json_t *rows);
/* Their number in `status`; null while locked. */
NODISCARD enum err node_announce_status(struct node_admin *admin, bool open, json_t *done,
                                        uint64_t *ret_unread);

/* node_admin_blob.c */
void node_cmd_blob_put(struct node_admin *admin, struct admin_call *call);
void node_cmd_blob_get(struct node_admin *admin, struct admin_call *call);
void node_cmd_blob_list(struct node_admin *admin, struct admin_call *call);
void node_uploads_close(struct node_admin *admin);
/* [{hash, size, type}] of a value; NULL when the field is for something else. */
json_t *node_json_blobs(const struct policy_field *field, struct bytes value);
/* Adds to the `blobs` of rows {name, blobs} of a record where the bytes are. */
NODISCARD enum err node_blobs_locate(struct node_admin *admin, const struct id *record,
                                     json_t *rows);
