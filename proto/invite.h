/* The invite file that a hub writes for one office: what enrolment needs and nothing that is
 * trusted on first use. PROTOCOL.md §11 "Enrolment".
 *
 *   tksk-sync invite 1
 *   base64 lines of [statement, signature]        signature type "invite" by the hub's signing key
 *   end
 * The signature finds damage. Against a forger who replaces every key in it stand the six words. */
#pragma once

#include "proto/trust.h"

#define INVITE_TEXT_MAX 2048
#define INVITE_FIRST_LINE "tksk-sync invite 1"

struct invite {
    char district[DISTRICT_TEXT_MAX + 1];
    char node[NODE_TEXT_MAX + 1];
    struct id invite;
    struct hash token;
    uint8_t one_time[SECRET_KEY_BYTES]; /* CURVE secret that may speak ENROL only; the caller wipes
                                           it */
    struct public_key root_key;
    struct trust_hub hub; /* seal_number is not in an invite: 0 */
    uint64_t expires_ms;
};

/* Signs and writes the file, NUL-terminated. At least one endpoint. ERR_LIMIT: no room. */
NODISCARD enum err invite_format(const struct invite *invite, const struct secret_key *hub_sign_key,
                                 char *ret, size_t cap);
/* ERR_MALFORMED: no invite, or cut off; ERR_SIGNATURE: all its lines are there but they were
 * altered; ERR_VERSION: of another version. Whether it has expired is for the caller to say. */
NODISCARD enum err invite_parse(struct bytes text, struct invite *ret_invite,
                                struct problem *problem);
