/* A personal signature on what a record says, kept in a field of type signature. It is apart from
 * the signature of the transaction that brings it: whoever enters it, it is the signer who answers
 * for the covered fields (PROTOCOL.md, §4 "Endorsements").
 *
 * As a value it is text: "operator/trust version/signed_ms/signature in hex". */
#pragma once

#include "common/crypto.h"
#include "proto/expr.h"
#include "proto/policy.h"
#include "proto/trust.h"

struct endorsement {
    uint64_t operator_number; /* as the trust part numbers its key */
    uint64_t trust_version;   /* that the signer's store had applied */
    uint64_t signed_ms;       /* a claim */
    struct signature sig;
};

#define ENDORSEMENT_TEXT_BYTES 192
#define ENDORSEMENT_BYTES_MAX (4 * CHANGE_BYTES_MAX) /* of what is signed */

/* False: not of that form. */
bool endorsement_parse(struct bytes text, struct endorsement *ret);
void endorsement_text(const struct endorsement *endorsement, char ret[ENDORSEMENT_TEXT_BYTES]);

/* What is signed: enc([district, collection, record, field, operator, trust version, signed_ms,
 * {covered field: value …}]), empty fields left out. The values come from env->field. ERR_LIMIT: no
 * room; ERR_AFTER: a value is not known here. */
NODISCARD enum err endorsement_statement(const struct endorsement *endorsement,
                                         const char *district,
                                         const struct policy_collection *collection,
                                         const struct policy_field *field, const struct id *record,
                                         const struct expr_env *env, struct writer *out);
void endorsement_sign(struct endorsement *endorsement, struct bytes statement,
                      const struct secret_key *key);
NODISCARD bool endorsement_verify(const struct endorsement *endorsement, struct bytes statement,
                                  const struct public_key *key);

/* Whose signature stands in `field`, by its words: an operator who holds a role that the field asks
 * for, and was there in the trust version that it names. NULL: nobody's. */
const struct trust_operator *endorsement_by(const struct trust *trust, const struct expr_env *env,
                                            const struct policy_field *field,
                                            struct endorsement *ret);
/* It verifies over what the record says now. `space` has ENDORSEMENT_BYTES_MAX. */
NODISCARD bool endorsement_stands(const struct endorsement *endorsement, const struct trust *trust,
                                  const struct trust_operator *op, const struct expr_env *env,
                                  const struct policy_field *field, const struct id *record,
                                  uint8_t *space);
/* OK: the record lies in the signer's area; else AREA. */
enum signature_state endorsement_place(const struct trust_operator *op, const struct expr_env *env);
