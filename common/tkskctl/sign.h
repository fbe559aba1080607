/* Keys of officers, and what is signed with them: trust statements and rules. */
#pragma once

#include "common/keyfile.h"
#include "common/tkskctl/ctl.h"
#include "proto/policy.h"
#include "proto/trust.h"

/* The officer's key: --key FILE, else $XDG_CONFIG_HOME/tksk/officer.key; asks for its passphrase.
 */
NODISCARD enum exit_code officer_key_open(struct ctl *ctl, struct secret_key **ret_key);
NODISCARD enum exit_code officer_key_path(struct ctl *ctl, char *ret, size_t cap);

/* Opens the key file of `kind` at `path`; makes one (0600, passphrase asked twice) when there is
 * none. */
NODISCARD enum exit_code key_file_open_or_make(struct ctl *ctl, const char *path, const char *kind,
                                               struct secret_key **ret_key);

/* Where the hub's trust log stands. */
struct trust_position {
    char district[DISTRICT_TEXT_MAX + 1];
    uint64_t version;
    struct hash hash;
    uint64_t rules_version;
    struct hash rules_hash;
    json_t *state; /* the whole answer; closed by trust_position_close */
};
NODISCARD enum exit_code trust_position_read(struct ctl *ctl, struct trust_position *ret_position);
void trust_position_close(struct trust_position *position);

/* Writes the array of ops that follows `position`; says itself what is wrong. */
typedef enum exit_code trust_ops_write(struct ctl *ctl, void *ctx,
                                       const struct trust_position *position, struct writer *out);

/* Reads the position, writes, signs with the officer's key and publishes; once more when somebody
 * else published in between. *ret_version is the roster version that it got. */
NODISCARD enum exit_code trust_sign_publish(struct ctl *ctl, trust_ops_write *write, void *ctx,
                                            uint64_t *ret_version);

/* The same of several statements with one key: *key is NULL before the first, and the caller's to
 * close. */
NODISCARD enum exit_code trust_sign_publish_with(struct ctl *ctl, struct secret_key **key,
                                                 trust_ops_write *write, void *ctx,
                                                 uint64_t *ret_version);

/* Signs ops for a position with given keys and publishes. */
NODISCARD enum exit_code trust_publish(struct ctl *ctl, const struct trust_position *position,
                                       struct bytes ops, const struct secret_key *const *keys,
                                       unsigned count, bool *ret_outrun);

/* The rules in force at the hub; *ret_policy is NULL when none were published yet. */
NODISCARD enum exit_code rules_in_force(struct ctl *ctl, struct policy **ret_policy);

uint64_t wall_ms(void);

/* Hex of an answer's member into fixed bytes. */
NODISCARD bool hex_of(const json_t *object, const char *key, void *ret, size_t len);
/* Base64 text of bytes; the caller frees. */
char *base64_of(struct bytes in);
