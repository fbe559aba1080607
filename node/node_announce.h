/* What offices are told and confirm to have read, at one office: records of collections with
 * `read_by`, receipts of this office, and the messages of the forum. No domain: what is what stands
 * in the policy. Needs the store unlocked. */
#pragma once

#include "node/node_entry.h"
#include "proto/announce.h"

/* For whom: the office, and who works there. */
struct announce_office {
    char node[NODE_TEXT_MAX + 1];
    char area[NODE_TEXT_MAX + 1]; /* of receipts made here */
    authority_set author;         /* what who acts may write */
    uint64_t wall_ms;             /* as well as it is known */
};

struct announced {
    const struct policy_collection *collection;
    struct id id;
    char short_text[32];
    char since[11]; /* day of the event; "": none */
    bool must;      /* every office has to read it */
    bool asked;     /* this office confirms reading: it is another area's, and who acts may */
    bool read;
    char read_on[32]; /* as people read it; "": not known */
};
/* Newest first by the day of the event. Caller frees *ret_list. ERR_LOCKED, ERR_STORE, ERR_MEMORY.
 */
NODISCARD enum err node_announced(struct node_store *store, const struct announce_office *office,
                                  struct announced **ret_list, size_t *ret_count);
/* How many of them are asked for, must be read and are not. */
NODISCARD enum err node_announced_unread(struct node_store *store,
                                         const struct announce_office *office,
                                         unsigned *ret_unread);

/* Fields of an entry that nobody is asked for: area, days and times that are required, and the
 * field of announce_when. What `given` has stands. The fields point into this and into `given`. */
struct announce_fields {
    size_t count;
    struct entry_field list[FIELDS_PER_CHANGE_MAX];
    size_t used;
    uint8_t space[1024];
};
void announce_fill(const struct policy_collection *collection, const struct announce_office *office,
                   const struct entry_field *given, size_t given_count,
                   struct announce_fields *ret_fields);

/* All records of a collection that are not deleted. Callbacks call nothing of the store. */
NODISCARD enum err node_announce_walk(struct node_store *store, const char *collection,
                                      node_record_callback *each, void *ctx);

enum receipt { RECEIPT_NONE, RECEIPT_THERE, RECEIPT_MADE };
/* The record was shown here: makes this office's receipt, once. RECEIPT_NONE: none is asked for.
 * What refuses the entry is in *problem; the record has been read all the same. */
NODISCARD enum err node_receipt(struct node_store *store, struct node_entry *entry,
                                const struct announce_office *office, const struct id *record,
                                enum receipt *ret_receipt, struct problem *problem);
