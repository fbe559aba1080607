/* What the feed told of a record, change by change: who, when by their own clock, which fields. No
 * values: the newest stand in the record itself. */
#include "common/must.h"
#include "node/node_store_inside.h"

#define HISTORY_BYTES_MAX                                                                          \
    (64 + NODE_TEXT_MAX + (FIELDS_PER_CHANGE_MAX + 1) * (IDENTIFIER_BYTES_MAX + 2))

enum told_flag { TOLD_FIRST = 1, TOLD_DELETED = 2, TOLD_DECIDED = 4 };

/* The number is inside, too: the name has room for its lower half only. */
static struct box_name history_name(const struct id *record, uint64_t number)
{
    return box_name("history", bytes_id(record), (unsigned)(number & UINT32_MAX));
}

static enum err told_encode(struct node_store *store, const struct told_change *told,
                            struct bytes *ret_plain)
{
    uint8_t *space = scratch_take(&store->scratch, HISTORY_BYTES_MAX);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, HISTORY_BYTES_MAX);
    unsigned flags = (told->first ? TOLD_FIRST : 0U) | (told->deleted ? TOLD_DELETED : 0U) |
                     (told->decided ? TOLD_DECIDED : 0U);
    writer_array(&out, 6);
    writer_uint(&out, told->number);
    writer_str(&out, told->node);
    writer_uint(&out, told->operator_number);
    writer_uint(&out, told->claimed_ms);
    writer_uint(&out, flags);
    writer_raw(&out, told->field_names);
    *ret_plain = writer_bytes(&out);
    return out.err;
}

static enum err told_decode(struct bytes plain, uint64_t number, struct told_change *ret_told)
{
    if (codec_scan(plain) != OK)
        return ERR_STORE;
    struct reader in = reader_of(plain);
    reader_array_of(&in, 6);
    ret_told->number = reader_uint(&in);
    ret_told->node = reader_str(&in);
    ret_told->operator_number = (uint32_t)reader_uint_max(&in, UINT32_MAX);
    ret_told->claimed_ms = reader_uint(&in);
    uint64_t flags = reader_uint(&in);
    ret_told->first = (flags & TOLD_FIRST) != 0;
    ret_told->deleted = (flags & TOLD_DELETED) != 0;
    ret_told->decided = (flags & TOLD_DECIDED) != 0;
    ret_told->field_names = reader_raw(&in);
    return reader_end(&in) == OK && ret_told->number == number ? OK : ERR_STORE;
}

/* ---- writing */

struct names {
    size_t count;
    struct bytes list[FIELDS_PER_CHANGE_MAX + 1];
};

static void names_add(struct names *names, struct bytes name)
{
    for (size_t i = 0; i < names->count; i++) {
        if (bytes_equal(names->list[i], name))
            return;
    }
    if (name.len > 0 && name.len <= IDENTIFIER_BYTES_MAX && names->count < COUNT_OF(names->list))
        names->list[names->count++] = name;
}

/* What was told of the same change before: by the other item of the entry, or before the cursor was
 * set back. A later telling may know less, since newer changes have taken its fields. */
static enum err told_before(struct node_store *store, const struct id *record, uint64_t number,
                            struct told_change *told, struct names *names)
{
    struct bytes plain;
    struct told_change before;
    struct sqlite3_stmt *st = node_sql(store, SQL_history_get);
    sql_bind_id(st, 1, record);
    sql_bind_uint(st, 2, number);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err == ERR_NOT_FOUND ? OK : err;
    const struct box_name name = history_name(record, number);
    err = node_sql_end(store, st, node_box_get(store, &name, sql_bytes(st, 0), &plain));
    if (err == OK)
        err = told_decode(plain, number, &before);
    if (err != OK)
        return err;
    if (told->node.len == 0) {
        told->node = before.node;
        told->operator_number = before.operator_number;
        told->claimed_ms = before.claimed_ms;
    }
    told->first = told->first || before.first;
    told->deleted = told->deleted || before.deleted;
    told->decided = told->decided || before.decided;
    struct items_iter iter = items_of(before.field_names);
    for (; iter.left > 0; iter.left--)
        names_add(names, reader_str(&iter.reader));
    return iter.reader.err == OK ? OK : ERR_STORE;
}

static enum err names_encode(struct node_store *store, const struct names *names,
                             struct bytes *ret_raw)
{
    uint8_t *space = scratch_take(&store->scratch, HISTORY_BYTES_MAX);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, HISTORY_BYTES_MAX);
    writer_array(&out, names->count);
    for (size_t i = 0; i < names->count; i++)
        writer_str(&out, names->list[i]);
    *ret_raw = writer_bytes(&out);
    return out.err;
}

static enum err history_put(struct feed_apply *apply, const struct id *record,
                            const struct told_change *told)
{
    struct node_store *store = apply->store;
    struct bytes plain, box;
    const struct box_name name = history_name(record, told->number);
    enum err err = told_encode(store, told, &plain);
    if (err == OK)
        err = node_box_put(store, &name, plain, &box);
    if (err != OK)
        return err;
    struct sqlite3_stmt *st = node_sql(store, SQL_history_put);
    sql_bind_id(st, 1, record);
    sql_bind_uint(st, 2, told->number);
    sql_bind_uint(st, 3, apply->batch->epoch);
    sql_bind(st, 4, box);
    err = node_sql_run(store, st);
    if (err != OK)
        return err;
    st = node_sql(store, SQL_history_trim);
    sql_bind_id(st, 1, record);
    sql_bind_uint(st, 2, HISTORY_MAX);
    return node_sql_run(store, st);
}

enum err node_history_add(struct feed_apply *apply, const struct feed_item *item, bool first)
{
    struct node_store *store = apply->store;
    struct told_change told = { .number = item->number, .first = first };
    struct names *names = scratch_take(&store->scratch, sizeof *names);
    if (!names)
        return ERR_MEMORY;
    names->count = 0;
    if (item->kind == FEED_RESOLVED) {
        told.decided = true;
        names_add(names, item->field);
    } else {
        struct field_iter iter = fields_of(item->fields);
        struct bytes field, value;
        told.node = item->origin.node;
        told.operator_number = item->origin.operator_number;
        told.claimed_ms = item->origin.claimed_ms;
        while (fields_next(&iter, &field, &value))
            names_add(names, field);
        told.deleted = item->deleted && names->count == 0; /* with fields, it may have gone later */
    }
    enum err err = told_before(store, &item->record, item->number, &told, names);
    if (err == OK)
        err = names_encode(store, names, &told.field_names);
    return err == OK ? history_put(apply, &item->record, &told) : err;
}

/* ---- reading */

enum err node_store_told(struct node_store *store, const struct id *record,
                         told_change_callback *each, void *ctx)
{
    bool row = false;
    enum err err;
    if (!store->box)
        return ERR_LOCKED;
    struct sqlite3_stmt *st = node_sql(store, SQL_history_list);
    sql_bind_id(st, 1, record);
    while ((err = node_sql_step(store, st, &row)) == OK && row) {
        struct told_change told = { 0 };
        struct bytes plain;
        uint64_t number = sql_uint(st, 0);
        const struct box_name name = history_name(record, number);
        scratch_clear(&store->scratch);
        err = node_box_get(store, &name, sql_bytes(st, 1), &plain);
        if (err == OK)
            err = told_decode(plain, number, &told);
        if (err != OK)
            break;
        each(ctx, &told);
    }
    return node_sql_end(store, st, err);
}
