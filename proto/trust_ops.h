/* Applying the ops of a trust statement, inside the trust files only. A draft changes the state in
 * place and remembers what was there, so that a statement stands whole or leaves no trace. */
#pragma once

#include "proto/trust.h"

#define TRUST_OPS_PER_STATEMENT_MAX 256

/* What must be known of a statement's ops before anything is applied. */
struct trust_survey {
    size_t op_count;
    bool has_root, has_signers, has_hub;
    bool needs_root;         /* holds an op that only the root threshold may decide */
    struct signer_list root; /* with has_root */
};
/* `why` of all functions here: a static text that says what is wrong; set with every error. */
NODISCARD enum err trust_survey(const struct trust *trust, struct bytes ops,
                                struct trust_survey *ret_survey, const char **ret_why);

/* Applies all ops, or none: after an error `trust` is as it was. */
NODISCARD enum err trust_ops_apply(struct trust *trust, uint64_t version, struct bytes ops,
                                   size_t op_count, const char **ret_why);

/* "YYYY-MM-DD" that is in the calendar. */
bool trust_date_fits(struct bytes text);

/* Each signature in the raw array [[key, signature] …] is by another key of the lists (NULL: none)
 * and verifies; counts how many of each list there are. */
struct trust_tally {
    unsigned root, signers;
};
NODISCARD enum err trust_signatures(const char *type, struct bytes message, struct bytes signatures,
                                    const struct signer_list *root,
                                    const struct signer_list *signers,
                                    struct trust_tally *ret_tally, const char **ret_why);
