/* What the parts of a rules document name is there: links between collections, what expressions ask
 * for, roles of signers. Asked once all parts are read. */
#include "proto/policy_decode.h"

static bool link_fits(struct decoder *d, const struct policy_collection *from,
                      const struct policy_link *link, const char *what)
{
    if (link->collection == NULL)
        return true;
    const struct policy_collection *other =
        policy_collection(d->policy, bytes_text(link->collection));
    const struct policy_field *field =
        other == NULL ? NULL : policy_field(other, bytes_text(link->field));
    if (field == NULL || field->type != FIELD_REFERENCE)
        return decoder_bad(d, "%s: there is no reference %s.%s", what, link->collection,
                           link->field);
    for (size_t i = 0; i < field->target_count; i++)
        if (strcmp(field->targets[i], from->name) == 0)
            return true;
    return decoder_bad(d, "%s: %s.%s does not refer to it", what, link->collection, link->field);
}

/* A receipt is made without asking anybody: all that it needs is known. */
static bool receipt_fits(struct decoder *d, const struct policy_link *link)
{
    const struct policy_collection *c =
        link->collection == NULL ? NULL
                                 : policy_collection(d->policy, bytes_text(link->collection));
    for (size_t i = 0; c != NULL && i < c->field_count; i++) {
        const struct policy_field *field = &c->fields[i];
        if (field->required && !field->computed && field->default_value.len == 0 &&
            field->until == NULL && (int)i != c->area_field && field->type != FIELD_DATE &&
            field->type != FIELD_TIME && strcmp(field->name, link->field) != 0)
            return decoder_bad(d, "read_by: %s.%s is required, and nobody is asked for it", c->name,
                               field->name);
    }
    return true;
}

static bool list_is_there(const struct policy *policy, struct bytes name)
{
    for (size_t i = 0; i < policy->code_list_count; i++)
        if (bytes_is(name, policy->code_lists[i].name))
            return true;
    return false;
}

static struct bytes path_next(struct bytes *rest)
{
    size_t len = 0;
    while (len < rest->len && rest->at[len] != '.')
        len++;
    struct bytes name = bytes_of(rest->at, len);
    *rest = len < rest->len ? bytes_of(rest->at + len + 1, rest->len - len - 1) : bytes_of(NULL, 0);
    return name;
}

/* A path leads somewhere: a field, then a key of its maps, or a field of what it refers to. What it
 * says of records further on is theirs. */
static bool path_fits(const struct policy *policy, const struct policy_collection *collection,
                      struct bytes path)
{
    const struct policy_field *field = policy_field(collection, path_next(&path));
    struct bytes next = path_next(&path);
    if (field == NULL || next.len == 0)
        return field != NULL;
    for (size_t i = 0; i < field->map_key_count; i++)
        if (bytes_is(next, field->map_keys[i]))
            return true;
    for (size_t i = 0; i < field->target_count && field->type == FIELD_REFERENCE; i++) {
        const struct policy_collection *target =
            policy_collection(policy, bytes_text(field->targets[i]));
        if (target != NULL && policy_field(target, next) != NULL)
            return true;
    }
    return field->type == FIELD_MAP && field->map_key_count == 0;
}

/* A name that is misspelled would only ever be nil. `only` speaks of records of any collection: it
 * has none. */
static bool names_fit(struct decoder *d, const struct policy_collection *collection,
                      const struct expr_name *name)
{
    const struct policy_field *field = policy_field(collection, name->name);
    const struct bytes text = name->kind == EXPR_PATH ? name->path : name->name;
    int len = text.len < 60 ? (int)text.len : 60;
    if (name->kind == EXPR_PATH && !path_fits(d->policy, collection, text))
        return decoder_bad(d, "there is no field \"%.*s\"", len, (const char *)text.at);
    if (name->kind == EXPR_SIGNATURE && (field == NULL || field->type != FIELD_SIGNATURE))
        return decoder_bad(d, "\"%.*s\" is no field of type signature", len, (const char *)text.at);
    return true;
}

static bool expr_fits(struct decoder *d, const struct policy_collection *collection,
                      const struct expr *expr)
{
    struct expr_name name;
    for (size_t i = 0; expr != NULL && expr_names(expr, i, &name); i++) {
        if (collection != NULL && !names_fit(d, collection, &name))
            return false;
        bool there = name.kind == EXPR_LIST    ? list_is_there(d->policy, name.name)
                     : name.kind == EXPR_TABLE ? policy_table(d->policy, name.name) != NULL
                                               : true;
        if (!there)
            return decoder_bad(
                d, "there is no %s \"%.*s\"", name.kind == EXPR_LIST ? "code list" : "table",
                (int)(name.name.len < 40 ? name.name.len : 40), (const char *)name.name.at);
    }
    return true;
}

static bool signers_fit(struct decoder *d, const struct policy_field *field)
{
    for (size_t i = 0; i < field->signer_count; i++)
        if (policy_role(d->policy, bytes_text(field->signers[i])) == NULL)
            return decoder_bad(d, "signers: there is no role \"%s\"", field->signers[i]);
    return true;
}

bool document_fits(struct decoder *d)
{
    const struct policy *policy = d->policy;
    for (size_t i = 0; i < policy->authority_count; i++) {
        decoder_place(d, "authority %c", policy->authorities[i].letter);
        if (!expr_fits(d, NULL, policy->authorities[i].only))
            return false;
    }
    for (size_t i = 0; i < policy->collection_count; i++) {
        const struct policy_collection *c = &policy->collections[i];
        for (size_t k = 0; k < c->rule_count; k++) {
            decoder_place(d, "collection %s rule %s", c->name, c->rules[k].name);
            if (!expr_fits(d, c, c->rules[k].when) || !expr_fits(d, c, c->rules[k].check))
                return false;
        }
        for (size_t k = 0; k < c->field_count; k++) {
            decoder_place(d, "collection %s field %s", c->name, c->fields[k].name);
            if (!expr_fits(d, c, c->fields[k].compute) || !signers_fit(d, &c->fields[k]))
                return false;
        }
        decoder_place(d, "collection %s", c->name);
        if (!link_fits(d, c, &c->read_by, "read_by") ||
            !link_fits(d, c, &c->covered_by, "covered_by") || !receipt_fits(d, &c->read_by))
            return false;
    }
    return true;
}
