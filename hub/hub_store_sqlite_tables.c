/* The embedded backend: typed tables, one a collection, made and widened from the policy. Columns
 * of the store itself begin with "_", which no field does. */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_store_sqlite.h"
#include "hub/hub_views.h"

#define FIRST_FIELD                                                                                \
    8 /* ?8 on, in every statement: 1 id, 2 short, 3 rev, 4 born, 5 deleted, 6 held, 7 revs */

/* --- what there is --------------------------------------------------------------------------- */

const struct table *tables_of(const struct sqlite_backend *s,
                              const struct policy_collection *collection)
{
    must(s->policy != NULL && collection != NULL);
    int index = (int)(collection - s->policy->collections);
    for (size_t i = 0; i < s->table_count; i++)
        if (s->tables[i].policy_collection == index)
            return &s->tables[i];
    must_failed("a collection of the policy in force has a table", __FILE__, __LINE__);
}

int64_t tables_id(const struct sqlite_backend *s, const struct policy_collection *collection)
{
    return collection ? tables_of(s, collection)->id : 0;
}

const struct policy_collection *tables_collection(const struct sqlite_backend *s, int64_t id)
{
    for (size_t i = 0; i < s->table_count; i++)
        if (s->tables[i].id == id && s->tables[i].policy_collection >= 0)
            return &s->policy->collections[s->tables[i].policy_collection];
    return NULL;
}

void tables_close(struct sqlite_backend *s)
{
    for (size_t i = 0; i < s->table_count; i++) {
        struct table *t = &s->tables[i];
        sqlite3_stmt *const all[] = { t->get, t->insert, t->update, t->exists, t->scan };
        for (size_t k = 0; k < COUNT_OF(all); k++)
            (void)sqlite3_finalize(all[k]);
    }
    free(s->tables);
    s->tables = NULL;
    s->table_count = 0;
    s->policy = NULL;
}

/* SQL text under construction. */
struct sql {
    FILE *out;
    char *text;
    size_t len;
};

static enum err sql_start(struct sql *sql)
{
    *sql = (struct sql){ .out = NULL };
    sql->out = open_memstream(&sql->text, &sql->len);
    return sql->out ? OK : ERR_MEMORY;
}

static enum err sql_end(struct sql *sql)
{
    bool failed = ferror(sql->out) != 0;
    return fclose(sql->out) != 0 || failed ? ERR_MEMORY : OK;
}

static enum err sql_prepare(struct sqlite_backend *s, struct sql *sql, sqlite3_stmt **ret)
{
    enum err err = sql_end(sql);
    if (!err)
        err = db_prepare(&s->db, sql->text, ret);
    free(sql->text);
    return err;
}

static enum err sql_exec(struct sqlite_backend *s, struct sql *sql)
{
    enum err err = sql_end(sql);
    if (!err)
        err = db_exec(&s->db, sql->text);
    free(sql->text);
    return err;
}

/* --- statements of one table ----------------------------------------------------------------- */

static enum err table_prepare_reads(struct sqlite_backend *s, struct table *t)
{
    struct sql sql;
    enum err err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out, "SELECT _id, _short, _rev, _born, _deleted, _held, _revs");
    for (size_t i = 0; i < t->column_count; i++)
        fprintf(sql.out, ", \"%s\"", t->columns[i].name);
    fprintf(sql.out, " FROM \"%s\" WHERE _id = ?1", t->name);
    err = sql_prepare(s, &sql, &t->get);
    if (!err)
        err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out, "SELECT 1 FROM \"%s\" WHERE _id = ?1", t->name);
    err = sql_prepare(s, &sql, &t->exists);
    if (!err)
        err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out, "SELECT * FROM \"%s\" ORDER BY _id", t->name);
    return sql_prepare(s, &sql, &t->scan);
}

static enum err table_prepare_writes(struct sqlite_backend *s, struct table *t)
{
    struct sql sql;
    enum err err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out, "INSERT INTO \"%s\" (_id, _short, _rev, _born, _deleted, _held, _revs",
            t->name);
    for (size_t i = 0; i < t->column_count; i++)
        fprintf(sql.out, ", \"%s\"", t->columns[i].name);
    fprintf(sql.out, ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7");
    for (size_t i = 0; i < t->column_count; i++)
        fprintf(sql.out, ", ?%zu", i + FIRST_FIELD);
    fprintf(sql.out, ")");
    err = sql_prepare(s, &sql, &t->insert);
    if (!err)
        err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out, "UPDATE \"%s\" SET _rev = ?3, _deleted = ?5, _held = ?6, _revs = ?7", t->name);
    for (size_t i = 0; i < t->column_count; i++)
        fprintf(sql.out, ", \"%s\" = ?%zu", t->columns[i].name, i + FIRST_FIELD);
    fprintf(sql.out, " WHERE _id = ?1");
    return sql_prepare(s, &sql, &t->update);
}

static enum err table_read_columns(struct sqlite_backend *s, struct table *t)
{
    sqlite3_stmt *st = s->statements[STMT_fields_get];
    statement_bind(st, "n", (uint64_t)t->id);
    enum err err = OK;
    while (!err && (err = statement_row(s, st)) == OK) {
        if (t->column_count == COUNT_OF(t->columns) || column_u64(st, 0) != t->column_count + 1) {
            err = ERR_STORE;
            break;
        }
        struct column *column = &t->columns[t->column_count++];
        column_text(st, 1, column->name, sizeof(column->name));
        column->policy_field = -1;
        if (t->policy_collection < 0)
            continue;
        const struct policy_collection *c = &s->policy->collections[t->policy_collection];
        const struct policy_field *field = policy_field(c, bytes_text(column->name));
        column->policy_field = field ? (int)(field - c->fields) : -1;
    }
    (void)sqlite3_reset(st);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err tables_read(struct sqlite_backend *s)
{
    sqlite3_stmt *st = s->statements[STMT_collections_get];
    enum err err = OK;
    s->tables = calloc(COLLECTIONS_MAX, sizeof(*s->tables));
    if (!s->tables)
        return ERR_MEMORY;
    while (!err && (err = statement_row(s, st)) == OK) {
        if (s->table_count == COLLECTIONS_MAX) {
            err = ERR_STORE;
            break;
        }
        struct table *t = &s->tables[s->table_count++];
        t->id = sqlite3_column_int64(st, 0);
        column_text(st, 1, t->name, sizeof(t->name));
        const struct policy_collection *c = policy_collection(s->policy, bytes_text(t->name));
        t->policy_collection = c ? (int)(c - s->policy->collections) : -1;
    }
    (void)sqlite3_reset(st);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err sqlite_tables_load(struct hub_backend *b, const struct policy *policy)
{
    struct sqlite_backend *s = sqlite_of(b);
    tables_close(s);
    if (!policy)
        return OK;
    s->policy = policy;
    enum err err = tables_read(s);
    for (size_t i = 0; i < s->table_count && !err; i++) {
        err = table_read_columns(s, &s->tables[i]);
        if (!err)
            err = table_prepare_reads(s, &s->tables[i]);
        if (!err)
            err = table_prepare_writes(s, &s->tables[i]);
    }
    return err;
}

/* --- making and widening --------------------------------------------------------------------- */

/* For people with sqlite3 or a spreadsheet. */
static enum err view_make(struct sqlite_backend *s, const struct policy_collection *c)
{
    char from[IDENTIFIER_BYTES_MAX + 3];
    struct sql sql;
    enum err err = sql_start(&sql);
    if (err)
        return err;
    (void)snprintf(from, sizeof(from), "\"%s\"", c->name);
    fprintf(sql.out, "DROP VIEW IF EXISTS \"v_%s\"; CREATE VIEW \"v_%s\" AS ", c->name, c->name);
    views_people(sql.out, c, from, false);
    return sql_exec(s, &sql);
}

static enum err field_make(struct sqlite_backend *s, int64_t id, const struct policy_collection *c,
                           const struct policy_field *field, size_t number)
{
    struct sql sql;
    enum err err = statement_run(s, STMT_field_put, "nnss", (uint64_t)id, (uint64_t)number,
                                 field->name, field_type_name(field->type));
    if (!err)
        err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s", c->name, field->name,
            tables_sql_type(field->type));
    return sql_exec(s, &sql);
}

static enum err index_make(struct sqlite_backend *s, int64_t id, const struct policy_collection *c,
                           const struct policy_field *field)
{
    struct sql sql;
    enum err err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out, "CREATE INDEX IF NOT EXISTS \"tksk_i_%lld_%s\" ON \"%s\" (\"%s\")",
            (long long)id, field->name, c->name, field->name);
    return sql_exec(s, &sql);
}

static enum err table_make(struct sqlite_backend *s, const struct policy_collection *c,
                           int64_t *ret_id)
{
    struct sql sql;
    enum err err = statement_run(s, STMT_collection_put, "s", c->name);
    int64_t id = sqlite3_last_insert_rowid(s->db.handle);
    if (!err)
        err = sql_start(&sql);
    if (err)
        return err;
    fprintf(sql.out,
            "CREATE TABLE \"%s\" (_id BLOB PRIMARY KEY, _short TEXT, _rev INTEGER NOT NULL, "
            "_born INTEGER NOT NULL, _deleted INTEGER NOT NULL, _held INTEGER NOT NULL, _revs BLOB"
            ") STRICT; CREATE INDEX \"tksk_i_%lld_\" ON \"%s\" (_short) WHERE _short IS NOT NULL",
            c->name, (long long)id, c->name);
    *ret_id = id;
    return sql_exec(s, &sql);
}

static const struct table *table_named(const struct sqlite_backend *s, const char *name)
{
    for (size_t i = 0; i < s->table_count; i++)
        if (strcmp(s->tables[i].name, name) == 0)
            return &s->tables[i];
    return NULL;
}

static bool table_has(const struct table *t, const char *field)
{
    for (size_t i = 0; t && i < t->column_count; i++)
        if (strcmp(t->columns[i].name, field) == 0)
            return true;
    return false;
}

static enum err collection_migrate(struct sqlite_backend *s, const struct policy_collection *c)
{
    const struct table *t = table_named(s, c->name);
    int64_t id = t ? t->id : 0;
    size_t columns = t ? t->column_count : 0;
    enum err err = t ? OK : table_make(s, c, &id);
    for (size_t i = 0; i < c->field_count && !err; i++) {
        if (!table_has(t, c->fields[i].name))
            err = field_make(s, id, c, &c->fields[i], ++columns);
        if (!err && (c->fields[i].lookup || (int)i == c->area_field))
            err = index_make(s, id, c, &c->fields[i]);
    }
    if (!err)
        err = owed_migrate(s, id, c);
    return err ? err : view_make(s, c);
}

enum err sqlite_tables_migrate(struct hub_backend *b, const struct policy *policy,
                               struct problem *problem)
{
    struct sqlite_backend *s = sqlite_of(b);
    for (size_t i = 0; i < policy->collection_count; i++) {
        const struct policy_collection *c = &policy->collections[i];
        must(c->field_count <= FIELDS_PER_CHANGE_MAX);
        if (!tables_name_fits(c->name))
            return problem_set(problem, ERR_POLICY_MEANING, c->name,
                               "the name is kept for the database itself");
    }
    enum err err = sqlite_tables_load(b, policy); /* as they are now */
    for (size_t i = 0; i < policy->collection_count && !err; i++)
        err = collection_migrate(s, &policy->collections[i]);
    if (!err)
        err = sqlite_tables_load(b, policy);
    return err ? problem_set(problem, err, "tables", "they could not be made from the policy") : OK;
}

/* --- records --------------------------------------------------------------------------------- */

static enum err bind_field(struct sqlite_backend *s, sqlite3_stmt *st, int at,
                           const struct policy_field *field, struct bytes raw, struct buf *json)
{
    struct reader in = reader_of(raw);
    struct bytes text;
    int code = SQLITE_OK;
    enum err err = OK;
    if (raw.len == 0)
        return db_err(&s->db, sqlite3_bind_null(st, at));
    if (tables_is_json(field->type)) {
        size_t start = json->len;
        err = tables_to_json(field, raw, json);
        code = err ? SQLITE_OK
                   : sqlite3_bind_text64(st, at, (char *)json->at + start, json->len - start,
                                         SQLITE_STATIC, SQLITE_UTF8);
    } else if (field->type == FIELD_BOOL) {
        code = sqlite3_bind_int(st, at, reader_bool(&in));
    } else if (field->type == FIELD_REFERENCE) {
        text = reader_bin(&in);
        code = sqlite3_bind_blob64(st, at, text.at, text.len, SQLITE_STATIC);
    } else if (strcmp(tables_sql_type(field->type), "INTEGER") == 0) {
        code = sqlite3_bind_int64(st, at, reader_int(&in));
    } else {
        text = reader_str(&in);
        code = sqlite3_bind_text64(st, at, (const char *)text.at, text.len, SQLITE_STATIC,
                                   SQLITE_UTF8);
    }
    if (err || in.err)
        return ERR_INTERNAL; /* values were checked before they came here */
    return db_err(&s->db, code);
}

static enum err bind_fields(struct sqlite_backend *s, const struct table *t, sqlite3_stmt *st,
                            const struct hub_record *record)
{
    size_t json_bytes = 0;
    const struct policy_field *fields = record->collection->fields;
    for (size_t i = 0; i < t->column_count; i++) {
        int f = t->columns[i].policy_field;
        if (f >= 0 && tables_is_json(fields[f].type))
            json_bytes += TABLES_JSON_BYTES(record->fields[f].raw.len);
    }
    enum err err = space_need(&s->json, json_bytes);
    struct buf json = buf_of(s->json.at, s->json.cap);
    for (size_t i = 0; i < t->column_count && !err; i++) {
        int f = t->columns[i].policy_field;
        int at = (int)i + FIRST_FIELD;
        if (f >= 0)
            err = bind_field(s, st, at, &fields[f], record->fields[f].raw, &json);
        else
            err = db_err(&s->db, sqlite3_bind_null(st, at));
    }
    return err;
}

static enum err record_write(struct hub_backend *b, const struct hub_record *record, bool insert)
{
    struct sqlite_backend *s = sqlite_of(b);
    const struct table *t = tables_of(s, record->collection);
    sqlite3_stmt *st = insert ? t->insert : t->update;
    uint8_t space[TABLES_REVS_BYTES(FIELDS_PER_CHANGE_MAX + 1)];
    struct buf revs = buf_of(space, sizeof(space));
    if (record->existence_rev != record->born)
        tables_revs_add(&revs, 0, record->existence_rev);
    for (size_t i = 0; i < t->column_count; i++) {
        int f = t->columns[i].policy_field;
        if (f >= 0 && record->fields[f].rev != record->born)
            tables_revs_add(&revs, i + 1, record->fields[f].rev);
    }
    statement_bind(st, "dsnniib", &record->id, record->short_text[0] ? record->short_text : NULL,
                   record->rev, record->born, (int)record->deleted, (int)record->held,
                   revs.len > 0 ? buf_bytes(&revs) : bytes_of(NULL, 0));
    enum err err = bind_fields(s, t, st, record);
    if (err)
        return err;
    int code = sqlite3_step(st);
    (void)sqlite3_reset(st);
    err = db_err(&s->db, code);
    must(err || insert || sqlite3_changes(s->db.handle) == 1);
    return err ? err : owed_note(s, t, record, insert);
}

enum err sqlite_record_insert(struct hub_backend *b, const struct hub_record *record)
{
    return record_write(b, record, true);
}

enum err sqlite_record_update(struct hub_backend *b, const struct hub_record *record)
{
    return record_write(b, record, false);
}

enum err sqlite_record_exists(struct hub_backend *b, const struct policy_collection *collection,
                              const struct id *id, bool *ret_exists)
{
    struct sqlite_backend *s = sqlite_of(b);
    sqlite3_stmt *st = tables_of(s, collection)->exists;
    statement_bind(st, "d", id);
    enum err err = statement_row(s, st);
    if (err && err != ERR_NOT_FOUND)
        return err;
    *ret_exists = err == OK;
    (void)sqlite3_reset(st);
    return OK;
}

static enum err value_read(sqlite3_stmt *st, int column, const struct policy_field *field,
                           struct writer *out, struct bytes *ret_raw)
{
    size_t start = out->buf.len;
    enum err err = OK;
    if (sqlite3_column_type(st, column) == SQLITE_NULL) {
        *ret_raw = bytes_of(NULL, 0);
        return OK;
    }
    if (tables_is_json(field->type))
        err = tables_from_json(field, column_bytes(st, column), out);
    else if (field->type == FIELD_BOOL)
        writer_bool(out, sqlite3_column_int(st, column) != 0);
    else if (field->type == FIELD_REFERENCE)
        writer_bin(out, column_bytes(st, column));
    else if (strcmp(tables_sql_type(field->type), "INTEGER") == 0)
        writer_int(out, sqlite3_column_int64(st, column));
    else
        writer_str(out, column_bytes(st, column));
    if (err || out->err)
        return ERR_STORE;
    *ret_raw = bytes_of(out->buf.at + start, out->buf.len - start);
    return OK;
}

static enum err revs_read(const struct table *t, struct bytes revs, struct hub_record *record)
{
    uint64_t column;
    uint64_t rev;
    enum err err;
    while (tables_revs_next(&revs, &column, &rev, &err)) {
        if (column > t->column_count)
            return ERR_STORE;
        if (column == 0)
            record->existence_rev = rev;
        else if (t->columns[column - 1].policy_field >= 0)
            record->fields[t->columns[column - 1].policy_field].rev = rev;
    }
    return err;
}

static enum err record_read(struct sqlite_backend *s, const struct table *t, sqlite3_stmt *st,
                            struct hub_record *record)
{
    size_t bytes = 64;
    for (int i = FIRST_FIELD - 1; i < sqlite3_column_count(st); i++)
        bytes += (size_t)sqlite3_column_bytes(st, i) + 16;
    enum err err = space_need(&s->values, bytes);
    if (err)
        return err;
    struct writer out = writer_of(s->values.at, s->values.cap);
    const struct policy_field *fields = record->collection->fields;
    column_text(st, 1, record->short_text, sizeof(record->short_text));
    record->rev = column_u64(st, 2);
    record->born = column_u64(st, 3);
    record->deleted = sqlite3_column_int(st, 4) != 0;
    record->held = (unsigned)sqlite3_column_int(st, 5);
    record->existence_rev = record->born;
    for (size_t i = 0; i < record->collection->field_count; i++)
        record->fields[i] = (struct hub_value){ .rev = record->born };
    for (size_t i = 0; i < t->column_count && !err; i++) {
        int f = t->columns[i].policy_field;
        if (f >= 0)
            err =
                value_read(st, (int)i + FIRST_FIELD - 1, &fields[f], &out, &record->fields[f].raw);
    }
    return err ? err : revs_read(t, column_bytes(st, 6), record);
}

enum err sqlite_record_get(struct hub_backend *b, const struct policy_collection *collection,
                           const struct id *id, struct hub_record *ret_record)
{
    struct sqlite_backend *s = sqlite_of(b);
    const struct table *t = tables_of(s, collection);
    statement_bind(t->get, "d", id);
    enum err err = statement_row(s, t->get);
    if (err)
        return err;
    ret_record->collection = collection;
    ret_record->id = *id;
    err = record_read(s, t, t->get, ret_record);
    (void)sqlite3_reset(t->get);
    return err;
}
