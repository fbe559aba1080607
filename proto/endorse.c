#include "proto/endorse.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/limits.h"
#include "proto/value.h"

/* Digits up to '/', without needless zeros. */
static bool take_number(struct bytes *rest, uint64_t *ret)
{
    size_t len = 0;
    uint64_t number = 0;
    while (len < rest->len && rest->at[len] >= '0' && rest->at[len] <= '9' && len < 18)
        number = number * 10 + (uint64_t)(rest->at[len++] - '0');
    if (len == 0 || len == rest->len || rest->at[len] != '/' || (rest->at[0] == '0' && len > 1))
        return false;
    *rest = bytes_of(rest->at + len + 1, rest->len - len - 1);
    *ret = number;
    return true;
}

bool endorsement_parse(struct bytes text, struct endorsement *ret)
{
    struct endorsement found;
    if (!take_number(&text, &found.operator_number) || !take_number(&text, &found.trust_version) ||
        !take_number(&text, &found.signed_ms) || text.len != 2 * SIGNATURE_BYTES)
        return false;
    for (size_t i = 0; i < text.len; i++) /* one way to write it */
        if (text.at[i] >= 'A' && text.at[i] <= 'F')
            return false;
    if (!crypto_unhex(text, found.sig.at, SIGNATURE_BYTES))
        return false;
    *ret = found;
    return true;
}

void endorsement_text(const struct endorsement *endorsement, char ret[ENDORSEMENT_TEXT_BYTES])
{
    char hex[2 * SIGNATURE_BYTES + 1];
    crypto_hex(bytes_of(endorsement->sig.at, SIGNATURE_BYTES), hex);
    int len = snprintf(ret, ENDORSEMENT_TEXT_BYTES, "%llu/%llu/%llu/%s",
                       (unsigned long long)endorsement->operator_number,
                       (unsigned long long)endorsement->trust_version,
                       (unsigned long long)endorsement->signed_ms, hex);
    must(len > 0 && len < ENDORSEMENT_TEXT_BYTES);
}

struct covered {
    const char *name;
    struct bytes value;
};

static int covered_order(const void *a, const void *b)
{
    return codec_compare(bytes_text(((const struct covered *)a)->name),
                         bytes_text(((const struct covered *)b)->name));
}

enum err endorsement_statement(const struct endorsement *endorsement, const char *district,
                               const struct policy_collection *collection,
                               const struct policy_field *field, const struct id *record,
                               const struct expr_env *env, struct writer *out)
{
    struct covered all[FIELDS_PER_CHANGE_MAX];
    size_t count = 0;
    must(field->type == FIELD_SIGNATURE && field->cover_count <= COUNT_OF(all));
    for (size_t i = 0; i < field->cover_count; i++) {
        const struct policy_field *one = &collection->fields[field->covers[i]];
        struct covered *covered = &all[count];
        covered->name = one->name;
        if (!env->field(env->context, one, false, &covered->value))
            return ERR_AFTER;
        count += covered->value.len > 0 && covered->value.at[0] != 0xc0; /* nil */
    }
    if (count > 1)
        qsort(all, count, sizeof all[0], covered_order);
    writer_array(out, 8);
    writer_text(out, district);
    writer_text(out, collection->name);
    writer_bin(out, bytes_id(record));
    writer_text(out, field->name);
    writer_uint(out, endorsement->operator_number);
    writer_uint(out, endorsement->trust_version);
    writer_uint(out, endorsement->signed_ms);
    writer_map(out, count);
    for (size_t i = 0; i < count; i++) {
        writer_text(out, all[i].name);
        writer_raw(out, all[i].value);
    }
    return out->err;
}

static bool may_sign(const struct policy_field *field, const struct trust_operator *op,
                     const struct endorsement *endorsement)
{
    if (op->since > endorsement->trust_version)
        return false;
    for (size_t i = 0; i < field->signer_count; i++)
        if (strcmp(field->signers[i], op->role) == 0)
            return true;
    return false;
}

void endorsement_sign(struct endorsement *endorsement, struct bytes statement,
                      const struct secret_key *key)
{
    crypto_sign_typed("endorse", statement, key, &endorsement->sig);
}

bool endorsement_verify(const struct endorsement *endorsement, struct bytes statement,
                        const struct public_key *key)
{
    return crypto_verify_typed("endorse", statement, key, &endorsement->sig);
}

/* --- judging one that stands in a record ------------------------------------------------------ */

static struct bytes text_now(const struct expr_env *env, const struct policy_field *field)
{
    struct bytes raw = bytes_of(NULL, 0);
    return env->field(env->context, field, false, &raw) ? value_string(raw) : bytes_of(NULL, 0);
}

const struct trust_operator *endorsement_by(const struct trust *trust, const struct expr_env *env,
                                            const struct policy_field *field,
                                            struct endorsement *ret)
{
    if (!endorsement_parse(text_now(env, field), ret) || ret->operator_number > OPERATORS_MAX)
        return NULL;
    const struct trust_operator *op = trust_operator(trust, (uint32_t)ret->operator_number);
    return op != NULL && may_sign(field, op, ret) ? op : NULL;
}

bool endorsement_stands(const struct endorsement *endorsement, const struct trust *trust,
                        const struct trust_operator *op, const struct expr_env *env,
                        const struct policy_field *field, const struct id *record, uint8_t *space)
{
    struct writer out = writer_of(space, ENDORSEMENT_BYTES_MAX);
    return endorsement_statement(endorsement, trust->district, env->collection, field, record, env,
                                 &out) == OK &&
           endorsement_verify(endorsement, writer_bytes(&out), &op->key);
}

enum signature_state endorsement_place(const struct trust_operator *op, const struct expr_env *env)
{
    struct bytes area = text_now(env, &env->collection->fields[env->collection->area_field]);
    return area_within(area, bytes_text(op->area)) ? SIGNATURE_OK : SIGNATURE_AREA;
}
