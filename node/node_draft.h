/* Drafts: what was refused or incomplete, kept at the node until a person mends it. Never queued,
 * never sent. Two kinds share one handle (D-3):
 *
 *  - kept by a person: the texts as typed, in a box under the cache key;
 *  - made of a rejected answer: the row only names transaction and group, in the commit of the
 *    answer, locked or not; its values are the changes' own boxes until a person edits it. So no
 *    schedule of answers doubles or loses one, and a rejection that is taken back takes the draft
 *    along, unless it was edited.
 *
 * A group stands or falls together, so it is one draft. Drafts belong to the node: every unlocked
 * operator sees them with the name of who made them, and whoever sends one signs it. */
#pragma once

#include "node/node_store.h"

/* Of those in a box. What is over is refused (ERR_LIMIT), nothing is dropped. */
#define DRAFTS_MAX 1000
#define DRAFT_BYTES_MAX (512 * 1024)
#define DRAFTS_BYTES_MAX (UINT64_C(32) * 1024 * 1024)

struct draft_field {
    struct bytes name; /* as the policy has it, or as typed where it has none such */
    struct bytes text; /* as typed */
};

struct draft_change {
    unsigned group;
    enum change_op op;
    struct bytes collection;
    struct id record; /* for a create: the record that was refused, zero when there was none */
    bool rejected;    /* it is change `index` of the transaction */
    unsigned index;
    struct draft_field *fields;
    size_t field_count, field_cap;
};

/* What became of the change behind a draft. */
enum draft_origin {
    DRAFT_KEPT,     /* nothing: a person kept it */
    DRAFT_REJECTED, /* the district office rejects it */
    DRAFT_ASKED,    /* its rejection was taken back; there is no answer yet */
    DRAFT_TAKEN     /* its rejection was taken back, and then it was accepted */
};

struct draft {
    uint64_t number;
    uint64_t wall_ms; /* when it was kept; of a rejected change: when that was entered */
    enum draft_origin origin;
    bool edited;           /* since the answer */
    struct hash leaf;      /* of the rejected transaction */
    struct bytes author;   /* name of who made it; empty when it is not known any more */
    struct bytes lane;     /* as asked for, empty: not */
    struct problem reason; /* why it was refused last; code OK: the person stopped */
    unsigned failed;       /* the change that `reason` speaks of */
    unsigned change_count;
    struct draft_change *changes;
    struct scratch_block *memory;
};

void node_draft_close(struct draft **draft); /* wipes */
/* A draft to be filled: `count` changes without fields. NULL: out of memory. */
struct draft *node_draft_new(unsigned count);
/* Sets a field (copied), or takes it out when `text.at` is NULL. ERR_LIMIT: too many fields. */
NODISCARD enum err node_draft_set(struct draft *draft, unsigned change, struct bytes name,
                                  struct bytes text);
/* A copy that lives as long as the draft. Its `at` is never NULL. */
NODISCARD enum err node_draft_copy(struct draft *draft, struct bytes text, struct bytes *ret_copy);

/* Number of the next new one. */
NODISCARD enum err node_store_draft_next(struct node_store *store, uint64_t *ret_number);
/* Stores a new draft (its number is node_store_draft_next) or other texts and reason of one that is
 * there: one durable transaction. Of a new one with the answer to its request, when `request` is
 * not NULL. ERR_LOCKED; ERR_LIMIT: too many, or too large; ERR_FULL: the disk is (nearly);
 * ERR_NOT_FOUND: it was sent or discarded meanwhile. */
NODISCARD enum err node_store_draft_put(struct node_store *store, const struct draft *draft,
                                        const struct id *request, struct bytes answer);
/* The caller's own copy. ERR_NOT_FOUND, ERR_LOCKED. */
NODISCARD enum err node_store_draft_get(struct node_store *store, uint64_t number,
                                        struct draft **ret_draft);
/* Takes it away for good; the rejected changes behind it leave `attention`. ERR_NOT_FOUND. */
NODISCARD enum err node_store_draft_discard(struct node_store *store, uint64_t number);

/* What can be told of it while locked. */
struct draft_mark {
    uint64_t number, wall_ms;
    enum draft_origin origin;
    bool edited;
    struct id record;           /* of the first change; zero: none, or not known while locked */
    struct bytes reason, field; /* of the answer */
};
typedef void draft_callback(void *ctx, const struct draft_mark *mark);
/* Oldest first. Callbacks call nothing of this store. */
NODISCARD enum err node_store_drafts(struct node_store *store, draft_callback *each, void *ctx);

/* The record that was entered in the stead of a refused one, by sending its draft. ERR_NOT_FOUND.
 */
NODISCARD enum err node_store_corrected(struct node_store *store, const struct id *record,
                                        struct id *ret_became);

/* A rejected answer of this record needs no correction: it leaves `attention`, and its draft goes
 * unless a person edited it (ERR_STATE, *ret_draft is its number). ERR_NOT_FOUND: none waits. */
NODISCARD enum err node_store_dismiss_record(struct node_store *store, const struct id *record,
                                             uint64_t *ret_draft);
