/* Entering a request, and what becomes of it when it is refused: what node_admin_entry.c and
 * node_admin_draft.c share. */
#pragma once

#include "node/node_admin_inside.h"
#include "node/node_draft.h"

enum keep {
    KEEP_NOT,
    KEEP_REFUSED, /* as a draft, if it is refused */
    KEEP_ONLY     /* as a draft in any case: the person stopped */
};

/* One request under way. */
struct entering {
    struct node_admin *admin;
    struct admin_call *call;
    struct id request;
    enum lane lane;
    struct entry_change *changes;
    struct node_fields *fields; /* of each change */
    unsigned count;
    bool single; /* one record: the answer names it itself */
    enum keep keep;
    const struct draft *draft; /* that is sent, borrowed; NULL: none */
    bool draft_changed;        /* its texts are not the stored ones */
    struct warnings warnings;
};

/* False: the call has ended. */
bool node_entering_open(struct node_admin *admin, struct admin_call *call, unsigned count,
                        struct entering *ret);
void node_entering_close(struct entering *entering);
/* True when the request has been stored before: then the call is answered. */
bool node_entering_answered(struct entering *entering);
/* Signs, seals and stores. The call ends here either way. */
void node_entering_submit(struct entering *entering);

/* Is it the entry that was refused, and not the machine that failed? */
bool node_draft_may_keep(const struct problem *problem);
/* Keeps the request as a draft and ends the call. `problem` NULL: the person stopped. */
void node_draft_keep(struct entering *entering, const struct problem *problem, unsigned failed);
/* A draft that was to be sent is refused: its new texts are kept, and all that is wrong is said. */
void node_draft_refused(struct entering *entering, const struct problem *problem, unsigned failed);
/* Ends the call with the stored answer of a request that became a draft. */
void node_draft_answer(struct admin_call *call, const json_t *answer);

/* A draft could not be stored. `refused` (may be NULL): why it should have been one. */
void node_draft_refuse_put(struct admin_call *call, enum err err, const struct problem *refused);

/* Rows of all drafts, for `attention` and `draft list`: contents only where `open`. */
enum err node_draft_rows(struct node_admin *admin, enum lang lang, bool open, json_t *rows);

/* ---- node_admin_draft_tell.c */

#define DRAFT_NAME_BYTES 24
void node_draft_name(uint64_t number, char ret[DRAFT_NAME_BYTES]); /* "D-3" */
/* The collection of a change as the policy in force has it; NULL: it has none such. */
const struct policy_collection *node_draft_collection(const struct node_admin *admin,
                                                      const struct draft_change *change);
/* The whole draft, with every value. */
json_t *node_draft_json(struct node_admin *admin, enum lang lang, const struct draft *draft);
/* All that keeps the draft from being entered: rows {change, field, label, code, rule, remedy}. The
 * first one also as *ret_first, of change *ret_failed; code OK: nothing is wrong. Checked as the
 * entry is, and nothing stored. */
json_t *node_draft_problems(struct entering *entering, const struct draft *draft,
                            struct problem *ret_first, unsigned *ret_failed);
