/* A secret wrapped by a passphrase, as text that can stand in a file or a database:
 * "tksk-key 1 <kind> <public-hex> argon2id <mem_kib> <passes> <salt-hex> <box-base64>\n".
 * Argon2id runs where the passphrase is (tkskctl); daemons get the derived key only. */
#pragma once

#include "common/crypto.h"

#define KEYFILE_TEXT_MAX 512
#define KEYFILE_MEM_KIB_DEFAULT (46 * 1024)
#define KEYFILE_PASSES_DEFAULT 1
/* What a file may ask of this machine at most. */
#define KEYFILE_MEM_KIB_MAX (512 * 1024)
#define KEYFILE_PASSES_MAX 16

struct keyfile {
    char kind[16];                /* "root", "officer", "operator", "cache" … */
    struct public_key public_key; /* all zero when the kind has none */
    uint32_t mem_kib;
    uint32_t passes;
    uint8_t salt[ARGON_SALT_BYTES];
    uint8_t box[BOX_EXTRA_BYTES + SECRET_KEY_BYTES];
};

/* Wraps `secret` under a key derived from `passphrase` with a fresh salt. */
NODISCARD enum err keyfile_wrap(const char *kind, const struct public_key *public_key,
                                const struct secret_key *secret, struct bytes passphrase,
                                struct keyfile *ret_file);
/* The same under a derived key whose salt and costs stand in `*file` already (daemon side). */
NODISCARD enum err keyfile_wrap_derived(const struct secret_key *derived,
                                        const struct secret_key *secret, struct keyfile *file);
/* ERR_PASSPHRASE when it does not open. */
NODISCARD enum err keyfile_derive(const struct keyfile *file, struct bytes passphrase,
                                  struct secret_key **ret_derived);
NODISCARD enum err keyfile_open_derived(const struct keyfile *file,
                                        const struct secret_key *derived,
                                        struct secret_key **ret_secret);
NODISCARD enum err keyfile_open(const struct keyfile *file, struct bytes passphrase,
                                struct secret_key **ret_secret);

void keyfile_format(const struct keyfile *file, char ret[KEYFILE_TEXT_MAX]);
/* ERR_MALFORMED; ERR_LIMIT when the costs are beyond what this machine should spend. */
NODISCARD enum err keyfile_parse(struct bytes text, struct keyfile *ret_file);
