/* Who may join: invites, enrolment and operator requests, six words. Nothing here makes anyone a
 * member; an officer's signed statement does, after the words were compared by voice. PROTOCOL.md
 * §11. */
#pragma once

#include "hub/hub_keys.h"
#include "hub/hub_store_enrol.h"

#define ENROL_TRIES_MAX 3
#define INVITE_HOURS_MAX (24 * 366)
#define OPERATORS_WAITING_MAX 8 /* of one node */

struct hub_enrol;

/* `path` as for db_open. The store of invites is opened and closed with it. */
NODISCARD enum err hub_enrol_open(const char *path, const char *vfs, struct hub_enrol **ret_enrol,
                                  struct problem *problem);
void hub_enrol_close(struct hub_enrol **enrol);
struct enrol_store *hub_enrol_store(struct hub_enrol *enrol);

/* Makes an invite for `node` and writes its file. ERR_STATE before there is trust; ERR_VALUE: no
 * name of an office; ERR_LIMIT: hours. */
NODISCARD enum err hub_enrol_invite(struct hub_enrol *enrol, const struct hub_keys *keys,
                                    const struct trust *trust, const char *node, unsigned hours,
                                    uint64_t wall_ms, char *ret_text, size_t cap,
                                    struct problem *problem);

/* Whether this CURVE key belongs to an invite: used and expired ones too until they are swept, so
 * that who holds one is told why it is refused. */
bool hub_enrol_admits(struct hub_enrol *enrol, const struct public_key *curve_key,
                      uint64_t wall_ms);
/* The node said HELLO with its own key and that is committed: the one-time key of its invite has
 * done its work, and its active incarnation belongs to this device. A failure is logged; the next
 * HELLO mends it. */
void hub_enrol_arrived(struct hub_enrol *enrol, const struct trust_node *node);
/* Whether an incarnation of this node's name was active before: under the device key that it has
 * now, or under another one. */
void hub_enrol_device(struct hub_enrol *enrol, const struct trust_node *node, bool *ret_same,
                      bool *ret_other);

/* An ENROL from a peer with `curve_key`; `frame` is the message as received. A repeat gets the same
 * answer. ERR_DENIED: another invite, district, node or token; ERR_EXPIRED; ERR_USED: by another
 * device; ERR_SIGNATURE; ERR_LIMIT; ERR_STORE, ERR_FULL. */
NODISCARD enum err hub_enrol_request(struct hub_enrol *enrol, const struct trust *trust,
                                     const struct public_key *curve_key,
                                     const struct enrol *request, struct bytes frame,
                                     uint64_t wall_ms, enum enrol_standing *ret_standing,
                                     unsigned *ret_tries);
/* What became of an invite's request by now; ERR_NOT_FOUND. */
NODISCARD enum err hub_enrol_standing(struct hub_enrol *enrol, const struct trust *trust,
                                      const struct id *invite, enum enrol_standing *ret_standing,
                                      unsigned *ret_tries);

/* An OPERATOR request of an enrolled node. ERR_DENIED, ERR_SIGNATURE, ERR_LIMIT, ERR_STORE,
 * ERR_FULL. */
NODISCARD enum err hub_enrol_operator(struct hub_enrol *enrol, const struct trust *trust,
                                      const struct trust_node *node,
                                      const struct operator_request *request, struct bytes frame,
                                      uint64_t wall_ms, enum enrol_standing *ret_standing);

/* What an officer is shown. Pointers live during the callback. */
struct enrol_view {
    bool is_operator;
    const char *node;
    const struct id *invite;           /* node requests */
    const struct enrol *enrol;         /* node requests */
    const struct operator_request *op; /* operator requests */
    uint64_t since_ms;
    unsigned tries_left;
};
typedef void enrol_view_callback(void *ctx, const struct enrol_view *view);
/* What still waits; requests that a statement has answered meanwhile are marked so and left out. */
NODISCARD enum err hub_enrol_waiting(struct hub_enrol *enrol, const struct trust *trust,
                                     enrol_view_callback *each, void *ctx);

/* Compares the words that the officer typed with those of the waiting request of `node` (of its
 * operator `name`, when that is not NULL). OK: `each` is called once with the request. ERR_WORDS:
 * `*ret_left` tries are left; at 0 the request is refused. ERR_NOT_FOUND; ERR_AMBIGUOUS. */
NODISCARD enum err hub_enrol_check(struct hub_enrol *enrol, const struct trust *trust,
                                   const char *node, const char *name, const char *words,
                                   unsigned *ret_left, enrol_view_callback *each, void *ctx,
                                   struct problem *problem);
