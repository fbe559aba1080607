/* The hub's second, small file: invites, requests that wait for an officer, and the proof that the
 * hub's database was rolled back. None of it is in the journal: it becomes true only by a signed
 * statement. Each call that writes is one durable transaction. The rules stand in hub_enrol. */
#pragma once

#include "proto/message.h"

struct enrol_store;

#define ENROL_CAME 4 /* approved, and came under its own key since */
#define ENROL_OPEN 0 /* an invite that nobody has used; else enum enrol_standing */
#define ENROL_FRAME_BYTES_MAX 2048

struct invite_row {
    struct id invite;
    char node[NODE_TEXT_MAX + 1];
    struct hash token_hash;
    struct public_key curve_key;
    uint64_t made_ms, expires_ms;
    unsigned standing;
    unsigned tries;
    uint64_t since_ms;
    size_t frame_len; /* 0: no request yet */
    uint8_t frame[ENROL_FRAME_BYTES_MAX];
};

struct operator_row {
    struct public_key key;
    char node[NODE_TEXT_MAX + 1];
    unsigned standing;
    unsigned tries;
    uint64_t since_ms;
    size_t frame_len;
    uint8_t frame[ENROL_FRAME_BYTES_MAX];
};

struct halt_row {
    char node[NODE_TEXT_MAX + 1]; /* which node proved it */
    uint64_t epoch, number;       /* the hub's journal then */
    uint64_t since_ms;
};

NODISCARD enum err enrol_store_open(const char *path, const char *vfs,
                                    struct enrol_store **ret_store, struct problem *problem);
void enrol_store_close(struct enrol_store **store);

NODISCARD enum err enrol_store_invite_put(struct enrol_store *store, const struct invite_row *row);
/* ERR_NOT_FOUND. */
NODISCARD enum err enrol_store_invite(struct enrol_store *store, const struct id *invite,
                                      struct invite_row *ret_row);
NODISCARD enum err enrol_store_invite_by_curve(struct enrol_store *store,
                                               const struct public_key *curve_key,
                                               struct invite_row *ret_row);
NODISCARD enum err enrol_store_invite_request(struct enrol_store *store, const struct id *invite,
                                              uint64_t since_ms, struct bytes frame);
NODISCARD enum err enrol_store_invite_standing(struct enrol_store *store, const struct id *invite,
                                               unsigned standing, unsigned tries);
/* Forgets the approved invites of a node. */
NODISCARD enum err enrol_store_invite_arrived(struct enrol_store *store, const char *node);
/* Forgets unused and refused invites that expired before `before_ms`. */
NODISCARD enum err enrol_store_sweep(struct enrol_store *store, uint64_t before_ms);

NODISCARD enum err enrol_store_operator_put(struct enrol_store *store,
                                            const struct operator_row *row);
NODISCARD enum err enrol_store_operator(struct enrol_store *store, const struct public_key *key,
                                        struct operator_row *ret_row);
NODISCARD enum err enrol_store_operator_standing(struct enrol_store *store,
                                                 const struct public_key *key, unsigned standing,
                                                 unsigned tries);
/* Requests of a node that wait. */
NODISCARD enum err enrol_store_operator_count(struct enrol_store *store, const char *node,
                                              unsigned *ret_count);

/* What waits, oldest first. The callback must not call the store. */
typedef void enrol_invite_callback(void *ctx, const struct invite_row *row);
typedef void enrol_operator_callback(void *ctx, const struct operator_row *row);
NODISCARD enum err enrol_store_waiting(struct enrol_store *store, enrol_invite_callback *invite,
                                       enrol_operator_callback *op, void *ctx);

/* The device key of the office's active incarnation; ERR_NOT_FOUND: none was ever active. */
NODISCARD enum err enrol_store_device(struct enrol_store *store, const char *node,
                                      struct public_key *ret_key);
NODISCARD enum err enrol_store_device_put(struct enrol_store *store, const char *node,
                                          const struct public_key *key);

/* ERR_NOT_FOUND: the hub was not rolled back. */
NODISCARD enum err enrol_store_halt(struct enrol_store *store, struct halt_row *ret_row);
NODISCARD enum err enrol_store_halt_put(struct enrol_store *store, const struct halt_row *row);
NODISCARD enum err enrol_store_halt_drop(struct enrol_store *store);
