#include "proto/trust.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/trust_ops.h"

const char *end_reason_name(enum end_reason reason)
{
    switch (reason) {
    case END_NONE:
        return "none";
    case END_SUCCESSION:
        return "succession";
    case END_ENDED:
        return "ended";
    case END_LEAKED:
        return "leaked";
    }
    must_failed("a reason", __FILE__, __LINE__);
}

void trust_open(struct trust *ret_trust)
{
    *ret_trust = (struct trust){ .epoch = 1 };
}

void trust_close(struct trust *trust)
{
    if (!trust)
        return;
    free(trust->nodes);
    free(trust->operators);
    free(trust->signed_ms);
    *trust = (struct trust){ .epoch = 1 };
}

/* --- looking up ------------------------------------------------------------------- */

const struct trust_node *trust_node(const struct trust *trust, struct bytes name)
{
    for (size_t i = 0; i < trust->node_count; i++) {
        if (bytes_is(name, trust->nodes[i].name))
            return &trust->nodes[i];
    }
    return NULL;
}

const struct trust_node *trust_node_by_curve(const struct trust *trust,
                                             const struct public_key *curve_key)
{
    for (size_t i = 0; i < trust->node_count; i++) {
        if (memcmp(trust->nodes[i].curve_key.at, curve_key->at, PUBLIC_KEY_BYTES) == 0)
            return &trust->nodes[i];
    }
    return NULL;
}

const struct trust_operator *trust_operator(const struct trust *trust, uint32_t number)
{
    return number >= 1 && number <= trust->operator_count ? &trust->operators[number - 1] : NULL;
}

const struct trust_operator *trust_operator_by_key(const struct trust *trust,
                                                   const struct public_key *key)
{
    for (size_t i = 0; i < trust->operator_count; i++) {
        if (memcmp(trust->operators[i].key.at, key->at, PUBLIC_KEY_BYTES) == 0)
            return &trust->operators[i];
    }
    return NULL;
}

uint64_t trust_signed_ms(const struct trust *trust, uint64_t version)
{
    return version >= 1 && version <= trust->version ? trust->signed_ms[version - 1] : 0;
}

bool trust_overlaps(const struct trust_operator *a, const struct trust_operator *b)
{
    return strcmp(a->role, b->role) == 0 && strcmp(a->area, b->area) == 0 &&
           strcmp(a->from, b->until) <= 0 && strcmp(b->from, a->until) <= 0;
}

const struct trust_operator *trust_acts_for(const struct trust *trust,
                                            const struct trust_operator *op, const char *today)
{
    for (size_t i = 0; i < trust->operator_count && op->ended.reason == END_NONE; i++) {
        const struct trust_operator *other = &trust->operators[i];
        if (other->number < op->number && other->ended.reason == END_NONE &&
            strcmp(other->until, today) >= 0 && trust_overlaps(op, other))
            return other;
    }
    return NULL;
}

/* --- applying --------------------------------------------------------------------- */

/* A signed statement taken apart; points into it. */
struct parts {
    struct bytes statement, signatures;
    struct bytes district;
    uint64_t version;
    struct hash previous;
    uint64_t claimed_ms;
    struct bytes ops;
};

static enum err parts_decode(struct bytes signed_statement, struct parts *ret_parts)
{
    if (signed_statement.len > TRUST_STATEMENT_BYTES_MAX)
        return ERR_LIMIT;
    enum err err = codec_scan(signed_statement);
    if (err)
        return err;
    struct parts parts;
    struct reader outer = reader_of(signed_statement);
    reader_array_of(&outer, 2);
    parts.statement = reader_bin(&outer);
    parts.signatures = reader_raw(&outer);
    err = reader_end(&outer);
    if (!err)
        err = codec_scan(parts.statement);
    if (err)
        return err;

    struct reader in = reader_of(parts.statement);
    reader_array_of(&in, 6);
    uint64_t suite = reader_uint(&in);
    if (!in.err && suite != SUITE)
        return ERR_VERSION;
    parts.district = reader_str(&in);
    parts.version = reader_uint(&in);
    reader_fixed(&in, parts.previous.at, HASH_BYTES);
    parts.claimed_ms = reader_uint(&in);
    parts.ops = reader_raw(&in);
    if (parts.district.len == 0 || parts.district.len > DISTRICT_TEXT_MAX || parts.version == 0)
        reader_refuse(&in);
    err = reader_end(&in);
    if (!err)
        *ret_parts = parts;
    return err;
}

static void parts_hash(const struct parts *parts, struct hash *ret_hash)
{
    crypto_hash("trust", &parts->statement, 1, ret_hash);
}

static enum err order_check(const struct trust *trust, const struct parts *parts,
                            const char **ret_why)
{
    if (trust->version > 0 && !bytes_is(parts->district, trust->district)) {
        *ret_why = "it belongs to another district";
        return ERR_DENIED;
    }
    if (parts->version <= trust->version) {
        *ret_why = "it has been applied, or a later one has";
        return ERR_STATE;
    }
    if (parts->version > trust->version + 1) {
        *ret_why = "one that comes before it is missing";
        return ERR_STATE;
    }
    if (!hash_equal(&parts->previous, &trust->hash)) {
        *ret_why = "it follows another statement than the one that stands";
        return ERR_STATE;
    }
    return OK;
}

static bool pin_holds(const struct trust_survey *survey, const struct public_key *root_pin)
{
    for (unsigned i = 0; i < survey->root.count; i++) {
        if (memcmp(survey->root.list[i].key.at, root_pin->at, PUBLIC_KEY_BYTES) == 0)
            return true;
    }
    return false;
}

/* The first statement founds everything: it is signed by the root keys that it names. */
static enum err founding_check(const struct parts *parts, const struct trust_survey *survey,
                               const struct public_key *root_pin, const char **ret_why)
{
    if (!survey->has_root || !survey->has_signers || !survey->has_hub) {
        *ret_why = "the first one must name root, signers and hub";
        return ERR_MALFORMED;
    }
    if (root_pin && !pin_holds(survey, root_pin)) {
        *ret_why = "the root key of the invite is not in it";
        return ERR_DENIED;
    }
    struct trust_tally tally;
    enum err err = trust_signatures("trust", parts->statement, parts->signatures, &survey->root,
                                    NULL, &tally, ret_why);
    if (!err && tally.root < survey->root.threshold) {
        *ret_why = "too few root keys have signed";
        err = ERR_SIGNATURE;
    }
    return err;
}

static enum err signed_check(const struct trust *trust, const struct parts *parts,
                             const struct trust_survey *survey, const char **ret_why)
{
    struct trust_tally tally;
    enum err err = trust_signatures("trust", parts->statement, parts->signatures, &trust->root,
                                    &trust->signers, &tally, ret_why);
    if (err)
        return err;
    if (tally.root >= trust->root.threshold)
        return OK;
    if (survey->needs_root) {
        *ret_why = "who may sign and the hub's keys are changed by root keys only";
        return ERR_SIGNATURE;
    }
    if (tally.signers < trust->signers.threshold) {
        *ret_why = "too few of those who may sign have signed";
        return ERR_SIGNATURE;
    }
    return OK;
}

/* Room for the time of one more version. */
static enum err signed_grow(struct trust *trust)
{
    if (trust->version < trust->signed_cap)
        return OK;
    size_t cap = trust->signed_cap ? 2 * trust->signed_cap : 16;
    uint64_t *more = realloc(trust->signed_ms, cap * sizeof(*more));
    if (!more)
        return ERR_MEMORY;
    trust->signed_ms = more;
    trust->signed_cap = cap;
    return OK;
}

static enum err parts_apply(struct trust *trust, const struct parts *parts,
                            const struct public_key *root_pin, const char **ret_why)
{
    enum err err = order_check(trust, parts, ret_why);
    if (err)
        return err;
    struct trust_survey survey;
    err = trust_survey(trust, parts->ops, &survey, ret_why);
    if (err)
        return err;
    err = trust->version == 0 ? founding_check(parts, &survey, root_pin, ret_why)
                              : signed_check(trust, parts, &survey, ret_why);
    if (err)
        return err;
    err = signed_grow(trust);
    if (err)
        return err;
    err = trust_ops_apply(trust, parts->version, parts->ops, survey.op_count, ret_why);
    if (err)
        return err;

    memcpy(trust->district, parts->district.at, parts->district.len);
    trust->district[parts->district.len] = '\0';
    trust->signed_ms[parts->version - 1] = parts->claimed_ms;
    trust->version = parts->version;
    parts_hash(parts, &trust->hash);
    return OK;
}

enum err trust_apply(struct trust *trust, struct bytes signed_statement,
                     const struct public_key *root_pin, struct problem *problem)
{
    struct parts parts;
    enum err err = parts_decode(signed_statement, &parts);
    if (err)
        return problem_set(problem, err, "trust statement", "damaged or cut off");
    const char *why = "";
    err = parts_apply(trust, &parts, root_pin, &why);
    if (err) {
        char thing[48];
        (void)snprintf(thing, sizeof(thing), "trust statement %llu",
                       (unsigned long long)parts.version);
        return problem_set(problem, err, thing, why);
    }
    return OK;
}

enum err trust_view(struct bytes signed_statement, struct trust_view *ret_view)
{
    struct parts parts;
    enum err err = parts_decode(signed_statement, &parts);
    if (err)
        return err;
    ret_view->version = parts.version;
    ret_view->claimed_ms = parts.claimed_ms;
    ret_view->ops = parts.ops;
    parts_hash(&parts, &ret_view->hash);
    return OK;
}
