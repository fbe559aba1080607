/* A draft in memory, and the form of its box:
 *
 *   plain = [1, author, lane, reason, thing, detail, failed, [change …]]
 *   change = [group, op, collection, record / nil, index / nil, [[name, text] …]] */
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_draft.h"
#include "node/node_store_inside.h"

#define DRAFT_FORM 1
#define FIELDS_GROW 16

/* ---- a draft in memory: everything it holds lies in its own scratch */

void *node_draft_take(struct draft *draft, size_t len)
{
    struct scratch memory = { draft->memory };
    void *at = scratch_take(&memory, len);
    draft->memory = memory.blocks;
    return at;
}

struct draft *node_draft_new(unsigned count)
{
    must(count > 0 && count <= CHANGES_PER_TRANSACTION_MAX);
    struct draft *draft = calloc(1, sizeof *draft);
    if (!draft)
        return NULL;
    draft->changes = node_draft_take(draft, count * sizeof *draft->changes);
    if (!draft->changes) {
        free(draft);
        return NULL;
    }
    memset(draft->changes, 0, count * sizeof *draft->changes);
    draft->change_count = count;
    return draft;
}

void node_draft_close(struct draft **at)
{
    struct draft *draft = *at;
    if (!draft)
        return;
    *at = NULL;
    struct scratch memory = { draft->memory };
    scratch_clear(&memory);
    crypto_wipe(draft, sizeof *draft);
    free(draft);
}

enum err node_draft_copy(struct draft *draft, struct bytes text, struct bytes *ret_copy)
{
    uint8_t *at = node_draft_take(draft, text.len + 1);
    if (!at)
        return ERR_MEMORY;
    if (text.len > 0)
        memcpy(at, text.at, text.len);
    at[text.len] = '\0';
    *ret_copy = bytes_of(at, text.len);
    return OK;
}

static enum err draft_grow(struct draft *draft, struct draft_change *change)
{
    if (change->field_count < change->field_cap)
        return OK;
    if (change->field_count >= FIELDS_PER_CHANGE_MAX)
        return ERR_LIMIT;
    size_t cap = change->field_cap + FIELDS_GROW;
    struct draft_field *list = node_draft_take(draft, cap * sizeof *list);
    if (!list)
        return ERR_MEMORY;
    if (change->field_count > 0)
        memcpy(list, change->fields, change->field_count * sizeof *list);
    change->fields = list;
    change->field_cap = cap;
    return OK;
}

enum err node_draft_set(struct draft *draft, unsigned index, struct bytes name, struct bytes text)
{
    must(index < draft->change_count);
    struct draft_change *change = &draft->changes[index];
    struct bytes copy;
    size_t at = 0;
    while (at < change->field_count && !bytes_equal(change->fields[at].name, name))
        at++;
    if (!text.at) {
        if (at < change->field_count) {
            change->field_count--;
            memmove(&change->fields[at], &change->fields[at + 1],
                    (change->field_count - at) * sizeof *change->fields);
        }
        return OK;
    }
    enum err err = node_draft_copy(draft, text, &copy);
    if (err != OK)
        return err;
    if (at == change->field_count) {
        struct bytes own_name;
        err = draft_grow(draft, change);
        if (err == OK)
            err = node_draft_copy(draft, name, &own_name);
        if (err != OK)
            return err;
        change->fields[change->field_count++].name = own_name;
    }
    change->fields[at].text = copy;
    return OK;
}

/* ---- the box */

struct box_name node_draft_box(uint64_t number)
{
    uint8_t name[8];
    for (int i = 0; i < 8; i++)
        name[i] = (uint8_t)(number >> (56 - 8 * i));
    return box_name("draft", bytes_of(name, sizeof name), 0);
}

static size_t encoded_max(const struct draft *draft)
{
    size_t cap = 128 + sizeof draft->reason + draft->author.len + draft->lane.len;
    for (unsigned i = 0; i < draft->change_count; i++) {
        cap += 64 + draft->changes[i].collection.len;
        for (size_t j = 0; j < draft->changes[i].field_count; j++)
            cap += 16 + draft->changes[i].fields[j].name.len + draft->changes[i].fields[j].text.len;
    }
    return cap;
}

static void encode_change(const struct draft_change *change, struct writer *out)
{
    writer_array(out, 6);
    writer_uint(out, change->group);
    writer_uint(out, change->op);
    writer_str(out, change->collection);
    if (id_is_zero(&change->record))
        writer_nil(out);
    else
        writer_bin(out, bytes_id(&change->record));
    if (change->rejected)
        writer_uint(out, change->index);
    else
        writer_nil(out);
    writer_array(out, change->field_count);
    for (size_t i = 0; i < change->field_count; i++) {
        writer_array(out, 2);
        writer_str(out, change->fields[i].name);
        writer_str(out, change->fields[i].text);
    }
}

enum err node_draft_encode(struct node_store *store, const struct draft *draft,
                           struct bytes *ret_plain)
{
    size_t cap = encoded_max(draft);
    if (cap > DRAFT_BYTES_MAX + 64 * 1024)
        return ERR_LIMIT;
    uint8_t *space = scratch_take(&store->scratch, cap);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, cap);
    writer_array(&out, 8);
    writer_uint(&out, DRAFT_FORM);
    writer_str(&out, draft->author);
    writer_str(&out, draft->lane);
    writer_text(&out, draft->reason.code == OK ? "" : err_name(draft->reason.code));
    writer_text(&out, draft->reason.thing);
    writer_text(&out, draft->reason.detail);
    writer_uint(&out, draft->failed);
    writer_array(&out, draft->change_count);
    for (unsigned i = 0; i < draft->change_count; i++)
        encode_change(&draft->changes[i], &out);
    if (out.err != OK)
        return out.err; /* a text that is not UTF-8 */
    if (out.buf.len > DRAFT_BYTES_MAX)
        return ERR_LIMIT;
    *ret_plain = writer_bytes(&out);
    return OK;
}

static enum err decode_change(struct draft *draft, struct reader *in, struct draft_change *change)
{
    reader_array_of(in, 6);
    change->group = (unsigned)reader_uint_max(in, CHANGES_PER_TRANSACTION_MAX);
    change->op = (enum change_op)reader_uint_max(in, OP_RESOLVE);
    change->collection = reader_str(in);
    if (reader_peek(in) == KIND_NIL)
        reader_nil(in);
    else
        reader_fixed(in, change->record.at, ID_BYTES);
    change->rejected = reader_peek(in) == KIND_INT;
    if (change->rejected)
        change->index = (unsigned)reader_uint_max(in, CHANGES_PER_TRANSACTION_MAX);
    else
        reader_nil(in);
    size_t count = reader_array(in);
    if (in->err != OK || count > FIELDS_PER_CHANGE_MAX)
        return ERR_STORE;
    change->field_cap = count + FIELDS_GROW;
    change->fields = node_draft_take(draft, change->field_cap * sizeof *change->fields);
    if (!change->fields)
        return ERR_MEMORY;
    for (; change->field_count < count; change->field_count++) {
        struct draft_field *field = &change->fields[change->field_count];
        reader_array_of(in, 2);
        field->name = reader_str(in);
        field->text = reader_str(in);
    }
    return in->err == OK ? OK : ERR_STORE;
}

void node_draft_reason(struct bytes code, struct bytes thing, struct bytes detail,
                       struct problem *ret)
{
    enum err err = code.len == 0 ? OK : err_from_name(code);
    char thing_text[PROBLEM_THING_MAX], detail_text[PROBLEM_DETAIL_MAX];
    if (err == OK)
        return;
    snprintf(thing_text, sizeof thing_text, "%.*s", (int)thing.len, (const char *)thing.at);
    snprintf(detail_text, sizeof detail_text, "%.*s", (int)detail.len, (const char *)detail.at);
    (void)problem_set(ret, err == ERR_COUNT ? ERR_DENIED : err, thing_text, detail_text);
}

enum err node_draft_decode(struct draft *draft, struct bytes plain)
{
    struct reader in = reader_of(plain);
    reader_array_of(&in, 8);
    if (reader_uint(&in) != DRAFT_FORM)
        return ERR_STORE;
    draft->author = reader_str(&in);
    draft->lane = reader_str(&in);
    struct bytes code = reader_str(&in), thing = reader_str(&in), detail = reader_str(&in);
    draft->failed = (unsigned)reader_uint_max(&in, CHANGES_PER_TRANSACTION_MAX);
    size_t count = reader_array(&in);
    if (in.err != OK || count == 0 || count > CHANGES_PER_TRANSACTION_MAX)
        return ERR_STORE;
    node_draft_reason(code, thing, detail, &draft->reason);
    draft->changes = node_draft_take(draft, CHANGES_PER_TRANSACTION_MAX * sizeof *draft->changes);
    if (!draft->changes)
        return ERR_MEMORY;
    memset(draft->changes, 0, CHANGES_PER_TRANSACTION_MAX * sizeof *draft->changes);
    enum err err = OK;
    for (; err == OK && draft->change_count < count; draft->change_count++)
        err = decode_change(draft, &in, &draft->changes[draft->change_count]);
    if (err != OK)
        return err;
    return reader_end(&in) == OK ? OK : ERR_STORE;
}
