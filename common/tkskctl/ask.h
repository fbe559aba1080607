/* What is asked of the person: passphrases, lines, yes or no. */
#pragma once

#include "common/keyfile.h"
#include "common/tkskctl/ctl.h"

#define PASSPHRASE_BYTES_MAX 1024
#define PASSPHRASE_CHARS_MIN 8

struct passphrase {
    size_t len;
    char at[PASSPHRASE_BYTES_MAX];
};

/* From --passphrase-file, else from the terminal without echo; `prompt` says whose. `fresh`: asked
 * twice, and at least PASSPHRASE_CHARS_MIN long. Wipe it with passphrase_wipe. */
NODISCARD enum exit_code ask_passphrase(struct ctl *ctl, const char *prompt, bool fresh,
                                        struct passphrase *ret_passphrase);
void passphrase_wipe(struct passphrase *passphrase);
static inline struct bytes passphrase_bytes(const struct passphrase *passphrase)
{
    return bytes_of(passphrase->at, passphrase->len);
}

/* The passphrase of whom this key file belongs to, as the key that opens it. */
NODISCARD enum exit_code ask_derived(struct ctl *ctl, const char *name, const char *keyfile,
                                     struct keyfile *ret_file, struct secret_key **ret_derived);

/* May the person be asked again: is there a terminal, and no --passphrase-file? */
bool ask_again(const struct ctl *ctl);

/* Both ends are a terminal: commands may ask. */
bool ask_possible(void);

/* One line of standard input without its end, NUL-terminated; cut at `cap`. The prompt goes to
 * stderr. false: the input ended. Reads byte by byte, so that nothing is taken from who reads
 * after. */
bool ask_line(const char *prompt, char *ret, size_t cap);

/* Asks for "y" or "ya"; true at once with --yes. Without a terminal it is a no, and said. */
bool ask_yes(struct ctl *ctl, const char *question);
