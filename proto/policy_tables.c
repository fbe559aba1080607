/* Dated tables of a rules document, and what they say on a day. */
#include "proto/policy_decode.h"

static bool decode_row(struct decoder *d, struct reader *reader, struct policy_setting *ret_row)
{
    reader_array_of(reader, 2);
    struct bytes key = reader_raw(reader);
    ret_row->value = reader_int(reader);
    if (reader->err != OK)
        return decoder_bad(d, "a row is not [code, number]");
    ret_row->name = decoder_string(d, key, FORM_CODE, "row");
    return ret_row->name != NULL;
}

static bool decode_version(struct decoder *d, struct reader *reader, const char *table,
                           struct policy_table_version *ret)
{
    reader_array_of(reader, 4);
    struct bytes from = reader_raw(reader);
    struct bytes until = reader_raw(reader);
    struct bytes basis = reader_raw(reader);
    struct bytes rows = reader_raw(reader);
    struct reader walk;
    if (reader->err != OK)
        return decoder_bad(d, "a version is not [from, until, basis, rows]");
    ret->from = decoder_string(d, from, FORM_DATE, "version");
    if (ret->from == NULL)
        return false;
    decoder_place(d, "table %s version %s", table, ret->from);
    ret->until = decoder_date_or_none(d, until, "until");
    ret->basis = decoder_string(d, basis, FORM_LABEL, "basis");
    if (d->err != OK)
        return false;
    if (ret->until[0] != '\0' && strcmp(ret->until, ret->from) <= 0)
        return decoder_bad(d, "until is not after its date");
    size_t count = decoder_array(d, rows, &walk, CODES_PER_VERSION_MAX, "rows");
    struct policy_setting *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++)
        if (decode_row(d, &walk, &all[i]) && i > 0 && strcmp(all[i].name, all[i - 1].name) <= 0)
            decoder_bad(d, "rows are not unique and sorted");
    ret->rows = all;
    ret->row_count = count;
    return d->err == OK;
}

void decode_tables(struct decoder *d, struct bytes raw)
{
    struct reader reader;
    decoder_place(d, "table");
    size_t count = decoder_array(d, raw, &reader, 256, "tables");
    struct policy_table *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        struct reader walk;
        decoder_place(d, "table");
        reader_array_of(&reader, 3);
        struct bytes name = reader_raw(&reader);
        struct bytes label = reader_raw(&reader);
        struct bytes versions = reader_raw(&reader);
        all[i].name = decoder_string(d, name, FORM_NAME, "name");
        if (all[i].name == NULL)
            return;
        decoder_place(d, "table %s", all[i].name);
        if (i > 0 && strcmp(all[i].name, all[i - 1].name) <= 0)
            decoder_bad(d, "names are not unique and sorted");
        all[i].label = decoder_string(d, label, FORM_LABEL, "label");
        size_t version_count = decoder_array(d, versions, &walk, 64, "versions");
        if (version_count == 0)
            decoder_bad(d, "has no version");
        struct policy_table_version *list = decoder_take(d, version_count, sizeof *list);
        for (size_t k = 0; k < version_count && d->err == OK; k++)
            if (decode_version(d, &walk, all[i].name, &list[k]) && k > 0 &&
                strcmp(list[k].from, list[k - 1].from) <= 0)
                decoder_bad(d, "versions are not unique and sorted");
        all[i].versions = list;
        all[i].version_count = version_count;
    }
    d->policy->tables = all;
    d->policy->table_count = count;
}

/* --- asking ---------------------------------------------------------------------------------- */

const struct policy_table *policy_table(const struct policy *policy, struct bytes name)
{
    for (size_t i = 0; i < policy->table_count; i++)
        if (bytes_is(name, policy->tables[i].name))
            return &policy->tables[i];
    return NULL;
}

const struct policy_table_version *policy_table_version(const struct policy_table *table,
                                                        const char date[11])
{
    const struct policy_table_version *found = NULL;
    for (size_t i = 0; i < table->version_count; i++)
        if (strcmp(table->versions[i].from, date) <= 0)
            found = &table->versions[i];
    if (found != NULL && found->until[0] != '\0' && strcmp(date, found->until) >= 0)
        return NULL;
    return found;
}

bool policy_table_at(const struct policy *policy, struct bytes table, struct bytes key,
                     const char date[11], int64_t *ret)
{
    const struct policy_table *found = policy_table(policy, table);
    const struct policy_table_version *version =
        found == NULL ? NULL : policy_table_version(found, date);
    for (size_t i = 0; version != NULL && i < version->row_count; i++)
        if (bytes_is(key, version->rows[i].name)) {
            *ret = version->rows[i].value;
            return true;
        }
    return false;
}
