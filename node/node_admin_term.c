/* Terms of office as the office sees them. */
#include "node/node_admin_inside.h"
#include "proto/value.h"
#include "proto/value_form.h"

#define TERM_DAYS 60

bool node_waits_for_term(struct bytes reason)
{
    return bytes_is(reason, "term_ended") || bytes_is(reason, "term_start");
}

/* ---- terms that end */

static json_t *term_json(const struct trust *trust, const struct policy *policy,
                         const struct trust_operator *op, const char *today, int64_t days)
{
    const struct policy_role *role =
        policy != NULL ? policy_role(policy, bytes_text(op->role)) : NULL;
    const struct trust_operator *holder =
        role != NULL && role->single ? trust_acts_for(trust, op, today) : NULL;
    json_t *row = json_pack("{s:I, s:s, s:s, s:s, s:s, s:I}", "number", (json_int_t)op->number,
                            "name", op->name, "role", op->role, "sk", op->sk, "until", op->until,
                            "days", (json_int_t)days);
    node_json_set(row, "acting_for",
                  holder != NULL ? json_integer((json_int_t)holder->number) : NULL);
    return row;
}

json_t *node_terms_json(const struct node_admin *admin)
{
    const struct trust *trust = node_store_trust(admin->parts.store);
    const struct policy *policy = node_store_policy(admin->parts.store);
    struct node_identity identity;
    int64_t limit =
        policy != NULL ? policy_setting(policy, "alarm_term_days", TERM_DAYS) : TERM_DAYS;
    json_t *rows = json_array();
    char today[11];
    date_of_ms(node_admin_claim_ms(admin), today);
    if (node_store_identity(admin->parts.store, &identity) != OK)
        return rows;
    for (size_t i = 0; i < trust->operator_count; i++) {
        const struct trust_operator *op = &trust->operators[i];
        int64_t days = 0;
        if (op->ended.reason == END_NONE && strcmp(op->node, identity.node) == 0 &&
            date_days_until(today, op->until, &days) && days <= limit)
            json_array_append_new(rows, term_json(trust, policy, op, today, days));
    }
    return rows;
}

/* For `attention`: nothing to answer there, but a person has to ask for the SK. */
void node_term_rows(const struct node_admin *admin, enum lang lang, json_t *rows)
{
    json_t *terms = node_terms_json(admin), *term;
    size_t index;
    bool indonesian = lang == LANG_ID;
    json_array_foreach(terms, index, term) {
        json_int_t days = json_integer_value(json_object_get(term, "days"));
        const char *name = json_string_value(json_object_get(term, "name"));
        const char *sk = json_string_value(json_object_get(term, "sk"));
        const char *until = json_string_value(json_object_get(term, "until"));
        json_t *row = json_object();
        node_json_set(row, "kind", json_string("term"));
        node_json_set(row, "operator", json_incref(json_object_get(term, "number")));
        node_json_set(row, "until", json_string(until));
        node_json_set(row, "days", json_integer(days));
        node_json_set(
            row, "what",
            days < 0
                ? json_sprintf(indonesian ? "%s: SK %s berakhir %s; isian baru menunggu SK, tidak "
                                            "hilang"
                                          : "%s: SK %s ended on %s; new entries wait for an SK, "
                                            "none is lost",
                               name, sk, until)
                : json_sprintf(indonesian
                                   ? "%s: SK %s berakhir %s, %lld hari lagi; mintalah perpanjangan"
                                   : "%s: SK %s ends on %s, in %lld days; ask for the next one",
                               name, sk, until, (long long)days));
        json_array_append_new(rows, row);
    }
    json_decref(terms);
}
