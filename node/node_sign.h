/* A personal signature on a record, and the step that it opens: which fields it covers, which edge
 * of which workflow asks for it, and the one edit that brings both (PROTOCOL.md, §4
 * "Endorsements"). */
#pragma once

#include "node/node_entry.h"
#include "proto/endorse.h"

/* One record as the signer sees it; what it holds is its own, apart from the store's. */
struct node_sign {
    struct id record;
    char short_text[16];
    const struct policy_collection *collection;
    const struct policy_field *field; /* that holds the signature */
    const struct policy_workflow *workflow;
    const struct policy_edge *edge; /* that asks for it */
    struct bytes state;             /* that the record is in; empty: none yet */
    size_t value_count;
    struct node_sign_value {
        const struct policy_field *field;
        struct bytes raw;
        bool sets; /* by the signing: a statement that the same edge asks for, or the state */
    } values[FIELDS_PER_CHANGE_MAX];
    uint8_t *space;
    size_t space_len;
    char area[IDENTIFIER_BYTES_MAX + 1]; /* where the record belongs */
};

/* What `op`, with these letters, would sign of the record. ERR_STATE: records of its collection are
 * not signed, or it was deleted. ERR_WORKFLOW: not in this state, the detail says what is open.
 * ERR_AUTHORITY: another role signs. ERR_AREA: another area's. ERR_REQUIRED: the step asks for a
 * field that is empty. */
NODISCARD enum err node_sign_open(struct node_store *store, const struct policy *policy,
                                  const struct trust_operator *op, const struct id *record,
                                  struct node_sign *ret_sign, struct problem *problem);
void node_sign_close(struct node_sign *sign);

/* The value of one of its fields as it will be signed; empty: none. */
struct bytes node_sign_value(const struct node_sign *sign, const struct policy_field *field);

/* The bytes that are signed. ERR_LIMIT. */
NODISCARD enum err node_sign_statement(const struct node_sign *sign, const char *district,
                                       const struct endorsement *endorsement, struct writer *out);
/* Stands for all that is shown before the signing: the same when the same would be signed. */
NODISCARD enum err node_sign_mark(const struct node_sign *sign, const char *district,
                                  const struct trust_operator *op, struct hash *ret_mark);

/* The fields of the edit. `signature` is the encoded value; */
#define NODE_SIGN_FIELDS_MAX FIELDS_PER_CHANGE_MAX
size_t node_sign_fields(const struct node_sign *sign, struct bytes signature,
                        struct entry_field ret[NODE_SIGN_FIELDS_MAX]);
