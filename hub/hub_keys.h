/* The hub's own secrets, in STATE/keys (0600), made at the first start: signing (ACKs, journal
 * hashes, feed), sealing (data keys are sealed to it; old ones stay), CURVE. Kept apart from the
 * database, so that a restored database does not bring old keys back. */
#pragma once

#include "common/crypto.h"

#define HUB_SEAL_KEYS_MAX 8

struct hub_keys {
    struct secret_key *sign;
    struct secret_key *curve;
    unsigned seal_count; /* newest last */
    struct secret_key *seal[HUB_SEAL_KEYS_MAX];
    struct public_key sign_public, curve_public; /* derived */
    struct public_key seal_public;               /* of the newest */
};

/* Fresh keys in memory (tests, simulator, first start). */
NODISCARD enum err hub_keys_make(struct hub_keys *ret_keys);
/* Reads `directory`, or makes and durably writes new ones when it is empty. ERR_IO, ERR_MALFORMED.
 */
NODISCARD enum err hub_keys_open(const char *directory, struct hub_keys *ret_keys,
                                 struct problem *problem);
void hub_keys_close(struct hub_keys *keys);
