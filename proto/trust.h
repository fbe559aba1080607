/* The trust part of the policy: who may sign, the roster of nodes and operators, the hub's keys. A
 * log of signed statements, version N, N+1 without gaps, each naming the hash of its predecessor;
 * the state is the fold. PROTOCOL.md §8.
 *
 *   statement = [suite, district, version, previous, claimed_ms, [op …]]
 *   signed    = [statement as bin, [[key, signature] …]]
 *   hash      = H("trust", statement)
 *
 * Signature type "trust". Version 1 is signed by the root keys that it names; SIGNERS, ROOT and new
 * hub keys always need the root threshold; everything else needs the signers' threshold (or the
 * root's). */
#pragma once

#include "common/crypto.h"
#include "proto/chain.h"

#define DATE_TEXT_BYTES 11

/* X(NAME, code) */
#define TRUST_OPS(X)                                                                               \
    X(TRUST_ROOT, 0)     /* [0, threshold, [[key, name] …]] */                                   \
    X(TRUST_SIGNERS, 1)  /* [1, threshold, [[key, name] …]] */                                   \
    X(TRUST_HUB, 2)      /* [2, sign key, seal key, seal number, curve key, [endpoint …]] */     \
    X(TRUST_NODE, 3)     /* [3, node, area, device key, curve key, seal key] */                    \
    X(TRUST_NODE_END, 4) /* [4, node, reason, [[incarnation, lane, seq] …]] */                   \
    X(TRUST_OPERATOR, 5) /* [5, number, key, node, name, role, area, sk, from, until] */           \
    X(TRUST_OPERATOR_UNTIL, 6) /* [6, number, sk, until] */                                        \
    X(TRUST_OPERATOR_END, 7)   /* [7, number, reason, [[incarnation, lane, seq] …]] */           \
    X(TRUST_RELEASE, 8)        /* [8, accept, [leaf …]] */                                       \
    X(TRUST_EPOCH, 9)          /* [9, epoch, cut number, journal hash at the cut] */               \
    X(TRUST_INCARNATION, 10)   /* [10, node, incarnation, accept] */

enum trust_op_code {
#define X(name, code) name = code,
    TRUST_OPS(X)
#undef X
};

enum end_reason { END_NONE = 0, END_SUCCESSION = 1, END_ENDED = 2, END_LEAKED = 3 };
/* "none", "succession", "ended", "leaked" */
const char *end_reason_name(enum end_reason reason);

struct signer {
    struct public_key key;
    char name[NAME_TEXT_MAX + 1];
};

struct signer_list {
    unsigned threshold;
    unsigned count;
    struct signer list[SIGNERS_MAX];
};

#define CUTS_MAX 12
struct cut {
    struct id incarnation;
    enum lane lane;
    uint64_t seq;
};

struct ended {
    enum end_reason reason; /* END_NONE: in force */
    uint64_t trust_version; /* of the statement that ended it */
    unsigned cut_count;
    struct cut cuts[CUTS_MAX]; /* highest received positions at that time */
};

struct trust_node {
    char name[NODE_TEXT_MAX + 1];
    char area[NODE_TEXT_MAX + 1];
    struct public_key device_key;
    struct public_key curve_key;
    struct public_key seal_key;
    uint64_t since; /* trust version */
    struct ended ended;
};

struct trust_operator {
    uint32_t number; /* from 1, never used again */
    struct public_key key;
    char node[NODE_TEXT_MAX + 1];
    char name[NAME_TEXT_MAX + 1];
    char role[ROLE_TEXT_MAX + 1];
    char area[NODE_TEXT_MAX + 1];
    char sk[61];
    char from[DATE_TEXT_BYTES];
    char until[DATE_TEXT_BYTES];
    uint64_t since;
    struct ended ended;
};

struct trust_hub {
    struct public_key sign_key;
    struct public_key seal_key;
    uint64_t seal_number;
    struct public_key curve_key;
    unsigned endpoint_count;
    char endpoints[ENDPOINTS_MAX][ENDPOINT_TEXT_MAX + 1];
};

struct trust {
    char district[DISTRICT_TEXT_MAX + 1];
    uint64_t version; /* 0: nothing applied yet */
    struct hash hash; /* of the last statement; zero at version 0 */
    struct signer_list root;
    struct signer_list signers;
    struct trust_hub hub;
    uint64_t epoch; /* 1 until a TRUST_EPOCH */
    size_t node_count, node_cap;
    struct trust_node *nodes; /* one per name: the latest enrolment */
    size_t operator_count, operator_cap;
    struct trust_operator *operators; /* ascending by number */
    size_t signed_cap;
    uint64_t *signed_ms; /* by version - 1: when its signers say that they signed */
};

void trust_open(struct trust *ret_trust); /* empty, version 0 */
void trust_close(struct trust *trust);

/* Applies one signed statement, whole or not at all: version + 1, previous hash, district,
 * thresholds, every op valid. At version 0 the statement must name root, signers and hub, and
 * `root_pin` (may be NULL) must be among its root keys. Every signature there must be by another
 * listed key and verify: a garbled or unknown one is not passed over. Names of nodes, areas and
 * roles are letters, digits, '.', '-', '_'; a node's keys belong to no other node; a node of a
 * known name replaces it and is in force again, `since` stays; operators are numbered without gaps,
 * their key is nobody else's, their node is enrolled; what has ended ends again only as leaked; a
 * new sealing key of the hub comes with a higher number; an epoch is the next one. ERR_STATE: out
 * of order (older, a gap, another predecessor); ERR_SIGNATURE; ERR_MALFORMED; ERR_LIMIT;
 * ERR_DENIED: well signed but not possible, or of another root or district; ERR_VERSION: an op, or
 * a suite, of a newer program; ERR_MEMORY. */
NODISCARD enum err trust_apply(struct trust *trust, struct bytes signed_statement,
                               const struct public_key *root_pin, struct problem *problem);

/* The ops of a signed statement, for the hub's effects (release, ends, epochs). Verifies nothing:
 * for what trust_apply has taken. */
struct trust_view {
    uint64_t version;
    struct hash hash;
    uint64_t claimed_ms;
    struct bytes ops; /* raw array */
};
NODISCARD enum err trust_view(struct bytes signed_statement, struct trust_view *ret_view);

/* Writes a signed statement with `count` signers' seeds. `ops` is a raw array of ops, with its
 * head. */
NODISCARD enum err trust_sign(const char *district, uint64_t version, const struct hash *previous,
                              uint64_t claimed_ms, struct bytes ops,
                              const struct secret_key *const *keys, unsigned count,
                              struct writer *out);

/* k-of-n signatures over a rules document (signature type "rules"): signed = [document as bin,
 * [[key, signature] …]]. `rules_open` checks the thresholds of `trust` (signers' or root's) and
 * gives the document's bytes, inside `signed_document`; they are not scanned yet. ERR_STATE: no
 * trust part yet. */
NODISCARD enum err rules_sign(struct bytes document, const struct secret_key *const *keys,
                              unsigned count, struct writer *out);
NODISCARD enum err rules_open(const struct trust *trust, struct bytes signed_document,
                              struct bytes *ret_document, struct problem *problem);

/* All borrow from `trust`, until the next trust_apply; NULL: none. Ended ones are found too. */
const struct trust_node *trust_node(const struct trust *trust, struct bytes name);
const struct trust_node *trust_node_by_curve(const struct trust *trust,
                                             const struct public_key *curve_key);
const struct trust_operator *trust_operator(const struct trust *trust, uint32_t number);
const struct trust_operator *trust_operator_by_key(const struct trust *trust,
                                                   const struct public_key *key);

/* When the statement of that version says that it was signed; 0: there is none. Who names a version
 * has seen it, so signed nothing before it. */
uint64_t trust_signed_ms(const struct trust *trust, uint64_t version);

/* Both assignments are one: the same role in the same area on the same days. */
bool trust_overlaps(const struct trust_operator *a, const struct trust_operator *b);
/* Whom `op` stands in for: who was given the same assignment before, and holds it still on `today`
 * (ISO date). NULL: nobody. Only of roles that one person holds in an area. */
const struct trust_operator *trust_acts_for(const struct trust *trust,
                                            const struct trust_operator *op, const char *today);

/* Op writers for those who sign statements (tkskctl) and for tests. */
void trust_op_signers(struct writer *out, enum trust_op_code code, const struct signer_list *list);
void trust_op_hub(struct writer *out, const struct trust_hub *hub);
void trust_op_node(struct writer *out, const struct trust_node *node);
void trust_op_node_end(struct writer *out, const char *node, const struct ended *ended);
void trust_op_operator(struct writer *out, const struct trust_operator *op);
void trust_op_operator_until(struct writer *out, uint32_t number, const char *sk,
                             const char *until);
void trust_op_operator_end(struct writer *out, uint32_t number, const struct ended *ended);
void trust_op_release(struct writer *out, bool accept, const struct hash *leaves, size_t count);
void trust_op_epoch(struct writer *out, uint64_t epoch, uint64_t cut,
                    const struct hash *journal_hash);
void trust_op_incarnation(struct writer *out, const char *node, const struct id *incarnation,
                          bool accept);
