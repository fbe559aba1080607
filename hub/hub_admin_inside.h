/* What the files of hub_admin share: not for others.
 *
 * hub_admin.c         the table of commands, who did what
 * hub_admin_json.c    arguments in, JSON out
 * hub_admin_tell.c    hello, keys, metrics
 * hub_admin_setting.c settings of the policy that several commands go by
 * hub_admin_status.c  status, nodes
 * hub_admin_alarm.c   what needs a person
 * hub_admin_policy.c  trust and rules: state, publishing
 * hub_admin_join.c    invites, enrolments, six words
 * hub_admin_view.c    conflicts, one record
 * hub_admin_review.c  work that a person decides about
 * hub_admin_reconcile.c  the books of every office
 * hub_admin_history.c what became of one record, change by change
 * hub_admin_access.c  who looked at what
 * hub_admin_answer.c  submissions and their answers, receipts
 * hub_admin_count.c   records counted by codes
 * hub_admin_blob.c    which office has the bytes of photos and files
 * hub_admin_announce.c who has read an announcement, and where it was passed on
 * hub_admin_copy.c    query, verify, snapshot, backup
 * hub_admin_carry.c   bundles as files */
#pragma once

#include "common/admin_rows.h"
#include "common/must.h"
#include "hub/hub_admin.h"
#include "hub/hub_query.h"
#include "proto/access.h"

struct hub_stream; /* hub_admin_copy.c: a copy on its way out */

struct hub_admin {
    struct hub_daemon *daemon;
    struct admin *socket;
    struct hub_query *queries; /* children at work */
    struct hub_stream *streams;
    uint64_t copies; /* made so far: names them */
    struct admin_rows *rows;
    struct admin_chunks chunks;
};

typedef void hub_command(struct hub_admin *admin, struct admin_call *call);

/* ---- hub_admin_json.c. Those that give false have ended the call. */

void hub_refuse(struct admin_call *call, enum err code, const char *thing, const char *detail);
/* `problem` when it says more than `code`. */
void hub_refuse_problem(struct admin_call *call, enum err code, const struct problem *problem,
                        const char *thing);
bool hub_arg_text(struct admin_call *call, const char *name, const char **ret_text);
/* Base64 text of at most `bytes_max` bytes; the caller frees ret->at. */
bool hub_arg_base64(struct admin_call *call, const char *name, size_t bytes_max, struct buf *ret);
/* A whole number within the limits; `fallback` when missing or null. */
bool hub_arg_uint(struct admin_call *call, const char *name, uint64_t max, uint64_t fallback,
                  uint64_t *ret_value);

json_t *hub_json_uint(uint64_t value);
json_t *hub_json_hash(const struct hash *hash);
json_t *hub_json_key(const struct public_key *key);
json_t *hub_json_text(struct bytes text);                          /* null when it is not UTF-8 */
json_t *hub_json_time(uint64_t ms_utc);                            /* RFC 3339; null for 0 */
json_t *hub_json_base64(struct bytes bytes);                       /* NULL when memory is out */
void hub_json_set(json_t *object, const char *key, json_t *value); /* takes; NULL becomes null */
/* A column of a row of hub_store_list; NULL when there is none or it is NULL. */
const char *hub_row_text(const struct hub_row *row, const char *name);
uint64_t hub_row_uint(const struct hub_row *row, const char *name);
/* What people read of a column of the views for people: yes and no, lists and maps as a person
 * would write them, codes with their labels. NULL when `value` is NULL, or is not of that field. */
json_t *hub_json_shown(const struct policy *policy, const struct policy_field *field,
                       const char *value);
/* Rule and remedy of a reason's name in the caller's language; NULL when it is no such name. */
json_t *hub_json_reason(const char *reason, enum lang lang);
/* The same in the words of the policy where it has some: of a rule, of who may. `collection` and
 * `field` may be NULL. */
json_t *hub_json_refusal(const struct hub_store *store, const struct policy_collection *collection,
                         const char *reason, const char *field, enum lang lang);

/* ---- hub_admin_access.c */

/* args.full and args.reason. False: refused, since the reason is missing or is none. The reason
 * lives as long as the call. */
struct hub_ask {
    bool full;
    struct bytes reason;
};
bool hub_ask_read(struct admin_call *call, struct hub_ask *ret_ask);
/* Writes into the access log that this caller is about to see this, before any of it is sent.
 * False: that failed, and the call is refused. `ask` NULL: nothing was said. */
struct hub_looked {
    enum access_op op;
    const char *what;   /* a collection, or the question; NULL: the whole database */
    const char *record; /* id text; NULL: `count` of them */
    uint64_t count;
};
bool hub_ask_log(struct hub_admin *admin, struct admin_call *call, const struct hub_ask *ask,
                 const struct hub_looked *looked);

/* ---- commands */

void hub_cmd_audit_list(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_audit_verify(struct hub_admin *admin, struct admin_call *call);

void hub_cmd_coverage(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_unanswered(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_receipt(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_count(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_hello(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_status(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_nodes(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_keys(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_metrics(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_trust_state(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_trust_publish(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_rules_publish(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_rules_get(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_restore_info(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_invite(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_enrolments(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_enrolment_check(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_conflict_list(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_review(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_review_show(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_reconcile(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_show(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_query(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_verify(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_snapshot(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_backup(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_backup_done(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_bundle_take(struct hub_admin *admin, struct admin_call *call);
void hub_cmd_bundle_export(struct hub_admin *admin, struct admin_call *call);

/* hub_admin_setting.c. The zone is NULL when no policy names one. */
int64_t hub_setting(const struct hub_daemon *daemon, const char *name, int64_t otherwise);
json_t *hub_json_zone(const struct hub_daemon *daemon);
/* How long before the end of a term both sides are told. */
int64_t hub_term_days(const struct hub_daemon *daemon);

/* hub_admin_alarm.c: what needs a person, worst first, from the rows of `nodes`. */
json_t *hub_alarms(const struct hub_daemon *daemon, const json_t *nodes, uint64_t backup_ms);

/* hub_admin_answer.c: adds to `show` how far the record has come, and of a submission its receipt
 * number and how the answer stands. */
void hub_answer_show(struct hub_admin *admin, const struct policy_collection *collection,
                     const char *id, const char *number, json_t *done);
/* hub_admin_answer.c: submissions over their time, one alarm a kind and unit. */
void hub_alarms_unanswered(const struct hub_daemon *daemon, json_t *alarms);

/* hub_admin_policy.c: {number of an operator: entries that wait for a renewal}; the caller's. */
NODISCARD enum err hub_terms_waiting(struct hub_store *store, json_t **ret_waits);

/* hub_admin_review.c: what waits for a person, as `review` tells it; one of them with every value.
 * ERR_NOT_FOUND: it does not wait. The caller's. */
NODISCARD enum err hub_review_rows(struct hub_admin *admin, enum lang lang, json_t **ret_rows);
NODISCARD enum err hub_review_whole(struct hub_admin *admin, enum lang lang, const char *leaf,
                                    json_t **ret_whole);

/* hub_admin_history.c: appends every change of `record` to `rows`, oldest first. */
NODISCARD enum err hub_history(struct hub_admin *admin, const char *record,
                               const struct policy_collection *collection, enum lang lang,
                               json_t *rows);

/* hub_admin_copy.c: a copy of the present state under a new name in STATE/copies; false: the call
 * is ended. */
bool hub_copy_make(struct hub_admin *admin, struct admin_call *call, char ret_path[HUB_PATH_MAX]);
/* Ends what is under way. */
void hub_streams_close(struct hub_admin *admin);

/* hub_admin_blob.c: [{hash, size, type, where, office}] of a column's text; NULL when the field is
 * for something else. Where is "unknown" until the record's history has told it. */
json_t *hub_json_blobs(const struct policy_field *field, const char *text);
void hub_blobs_locate(json_t *fields, const json_t *history);
