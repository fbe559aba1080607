/* The embedded backend: submissions that wait for their answer. One row each, from the entry that
 * brought it into an open state; it goes with the answer, or with the state. */
#include <stdio.h>
#include <stdlib.h>

#include "hub/hub_store_sqlite.h"
#include "proto/receipt.h"

/* A code as it stands in a column of text; empty for anything else. */
static struct bytes code_of(const struct hub_record *record, int field)
{
    return value_string(field < 0 ? bytes_of(NULL, 0) : record->fields[field].raw);
}

static void code_copy(struct bytes code, char ret[IDENTIFIER_BYTES_MAX + 1])
{
    size_t len = code.len <= IDENTIFIER_BYTES_MAX ? code.len : 0;
    if (len > 0)
        memcpy(ret, code.at, len);
    ret[len] = '\0';
}

enum err owed_note(struct sqlite_backend *s, const struct table *t, const struct hub_record *record,
                   bool insert)
{
    const struct policy_answer *answer = record->collection->answer;
    char state[IDENTIFIER_BYTES_MAX + 1], unit[IDENTIFIER_BYTES_MAX + 1];
    if (answer == NULL)
        return OK;
    bool owed = !record->deleted && answer_is_owed(answer, record->fields[answer->state].raw,
                                                   record->fields[answer->field].raw);
    if (!owed)
        return insert ? OK : statement_run(s, STMT_owed_drop, "d", &record->id);
    code_copy(code_of(record, answer->state), state);
    code_copy(code_of(record, answer->unit), unit);
    return statement_run(s, STMT_owed_put, "dnnsss", &record->id, (uint64_t)t->id, record->rev,
                         record->short_text, state, unit[0] != '\0' ? unit : NULL);
}

/* Codes have no quotes; names of fields neither. */
static void owed_where(FILE *out, const struct policy_collection *c)
{
    const struct policy_answer *answer = c->answer;
    const char *field = c->fields[answer->field].name;
    fprintf(out, "_deleted = 0 AND (\"%s\" IS NULL OR \"%s\" = '[]') AND \"%s\" IN (", field, field,
            c->fields[answer->state].name);
    for (size_t i = 0; i < answer->open_count; i++)
        fprintf(out, "%s'%s'", i > 0 ? ", " : "", answer->open[i]);
    fprintf(out, ")");
}

/* The unit is kept where it is a code. */
static bool unit_is_code(const struct policy_collection *c)
{
    return c->answer->unit >= 0 && (c->fields[c->answer->unit].type == FIELD_ENUM ||
                                    c->fields[c->answer->unit].type == FIELD_AREA);
}

enum err owed_migrate(struct sqlite_backend *s, int64_t id, const struct policy_collection *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return ERR_MEMORY;
    fprintf(out, "DELETE FROM tksk_owed WHERE collection = %lld", (long long)id);
    if (c->answer != NULL) {
        fprintf(out, " AND id NOT IN (SELECT _id FROM \"%s\" WHERE ", c->name);
        owed_where(out, c);
        fprintf(out,
                "); INSERT INTO tksk_owed (id, collection, since, short, state, unit) "
                "SELECT _id, %lld, _rev, coalesce(_short, ''), \"%s\", ",
                (long long)id, c->fields[c->answer->state].name);
        if (unit_is_code(c))
            fprintf(out, "\"%s\"", c->fields[c->answer->unit].name);
        else
            fprintf(out, "NULL");
        fprintf(out, " FROM \"%s\" WHERE ", c->name);
        owed_where(out, c);
        fprintf(out, " ON CONFLICT (id) DO NOTHING");
    }
    enum err err = fclose(out) != 0 ? ERR_MEMORY : db_exec(&s->db, text);
    free(text);
    return err;
}
