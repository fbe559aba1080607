#include "hub/hub_views.h"

#include "proto/mask.h"

static bool list_is_restricted(const struct policy_code_list *list)
{
    for (size_t v = 0; v < list->version_count; v++)
        for (size_t i = 0; i < list->versions[v].code_count; i++)
            if (list->versions[v].codes[i].restricted)
                return true;
    return false;
}

static void without_restricted_codes(FILE *out, const struct policy_field *field)
{
    fprintf(out, ", CASE WHEN \"%s\" IN (''", field->name);
    for (size_t v = 0; v < field->codes->version_count; v++)
        for (size_t i = 0; i < field->codes->versions[v].code_count; i++) {
            const struct policy_code *code = &field->codes->versions[v].codes[i];
            if (code->restricted)
                fprintf(out, ", '%s'", code->code);
        }
    fprintf(out, ") THEN NULL ELSE \"%s\" END AS \"%s\"", field->name, field->name);
}

/* ---- for people */

#define UUID_SQL                                                                                   \
    "lower(substr(hex(\"%s\"), 1, 8) || '-' || substr(hex(\"%s\"), 9, 4) || '-' || "               \
    "substr(hex(\"%s\"), 13, 4) || '-' || substr(hex(\"%s\"), 17, 4) || '-' || "                   \
    "substr(hex(\"%s\"), 21))"

static void uuid_text(FILE *out, const char *column, const char *as)
{
    fprintf(out, "iif(\"%s\" IS NULL, NULL, " UUID_SQL ") AS \"%s\"", column, column, column,
            column, column, column, as);
}

static void people_field(FILE *out, const struct policy_field *field, bool full)
{
    bool restricted = !full && field->codes && list_is_restricted(field->codes);
    if ((!full && field->sensitivity == SENSITIVITY_R) || (restricted && field->type == FIELD_LIST))
        return;
    if (restricted) {
        without_restricted_codes(out, field);
    } else if (field->type == FIELD_REFERENCE) {
        fprintf(out, ", ");
        uuid_text(out, field->name, field->name);
    } else if (field->type == FIELD_TIME) {
        fprintf(out, ", strftime('%%Y-%%m-%%dT%%H:%%M:%%SZ', \"%s\" / 1000, 'unixepoch') AS \"%s\"",
                field->name, field->name);
    } else {
        fprintf(out, ", \"%s\"", field->name);
    }
}

void views_people(FILE *out, const struct policy_collection *collection, const char *from,
                  bool full)
{
    static const char *const own[] = { "id", "short", "rev" };
    static const char *const columns[] = { "_id", "_short", "_rev" };
    fprintf(out, "SELECT ");
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        /* The name without "_" where no field has it. */
        const char *as = policy_field(collection, bytes_text(own[i])) ? columns[i] : own[i];
        fprintf(out, "%s", i > 0 ? ", " : "");
        if (i == 0)
            uuid_text(out, columns[i], as);
        else
            fprintf(out, "%s AS \"%s\"", columns[i], as);
    }
    for (size_t i = 0; i < collection->field_count; i++)
        people_field(out, &collection->fields[i], full);
    fprintf(out, " FROM %s WHERE _deleted = 0", from);
}

/* ---- masked */

/* As far as the field alone decides. */
static enum mask mask_of_column(const struct policy_field *field)
{
    enum mask mask = mask_of(field, bytes_of(NULL, 0), MASK_LIST);
    bool list = field->type == FIELD_LIST;
    if (list && (mask == MASK_PART || (field->codes && list_is_restricted(field->codes))))
        return MASK_AWAY; /* it stands as one JSON text */
    return mask;
}

static void masked_field(FILE *out, const struct policy_field *field)
{
    const char *name = field->name;
    switch (mask_of_column(field)) {
    case MASK_NONE:
        if (field->codes && list_is_restricted(field->codes))
            without_restricted_codes(out, field);
        else
            fprintf(out, ", \"%s\"", name);
        break;
    case MASK_PART:
        fprintf(out,
                ", CASE WHEN length(\"%s\") >= 12 THEN substr(\"%s\", 1, 4) || '" MASK_MIDDLE
                "' || substr(\"%s\", -4) WHEN \"%s\" IS NOT NULL THEN '" MASK_TEXT
                "' END AS \"%s\"",
                name, name, name, name, name);
        break;
    case MASK_WHOLE:
    case MASK_AWAY:
        fprintf(out, ", NULL AS \"%s\"", name);
        break;
    }
}

void views_masked(FILE *out, const struct policy_collection *collection, const char *from)
{
    fprintf(out, "SELECT _id, _short, _rev, _born, _deleted, _held, _revs");
    for (size_t i = 0; i < collection->field_count; i++)
        masked_field(out, &collection->fields[i]);
    fprintf(out, " FROM %s", from);
}

bool views_masks(const struct policy_collection *collection, const char *column)
{
    const struct policy_field *field = policy_field(collection, bytes_text(column));
    return field && (mask_of_column(field) != MASK_NONE ||
                     (field->codes && list_is_restricted(field->codes)));
}
