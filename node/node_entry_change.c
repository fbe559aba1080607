/* One change of a request: names, values and references resolved, checked, encoded. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "node/node_blob.h"
#include "node/node_countersign.h"
#include "node/node_entry_inside.h"

struct pair {
    struct bytes name, value;
};

/* One change under way. The view of its record is only valid until the next look-up: what is needed
 * of it is kept here. */
struct making {
    struct submit *submit;
    unsigned index;
    struct entry_change *asked;
    const struct policy_collection *collection;
    char date[11];
    struct change change;
    size_t pair_count;
    struct pair pairs[FIELDS_PER_CHANGE_MAX];
    struct writer values; /* encoded values, one after the other */
    size_t told_count;    /* fields whose problem was told */
    const struct policy_field *told[2 * FIELDS_PER_CHANGE_MAX];
    uint8_t *map_space, *full_space;
};

static enum err refuse_field(const struct making *making, enum err code, const char *field,
                             const char *detail)
{
    char thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%s.%s", making->collection->name, field);
    return problem_set(making->submit->problem, code, thing, detail);
}

static enum err refuse_change(const struct making *making, enum err code, const char *detail)
{
    char thing[64];
    snprintf(thing, sizeof thing, "change %u", making->index + 1);
    return problem_set(making->submit->problem, code, thing, detail);
}

/* What is queued at once must not build on what still waits: it would arrive first. */
static enum err refuse_waiting(const struct making *making, const struct record_view *view)
{
    char detail[32];
    snprintf(detail, sizeof detail, "%.*s",
             view->short_text.len < 30 ? (int)view->short_text.len : 30,
             view->short_text.len > 0 ? (const char *)view->short_text.at : "");
    return refuse_change(making, ERR_COUNTERSIGN_FIRST, detail);
}

/* ---- the record */

static enum err check_record_area(const struct making *making, const struct record_view *view)
{
    const struct policy_field *area = &making->collection->fields[making->collection->area_field];
    const struct author *author = &making->submit->author;
    for (size_t i = 0; i < view->field_count; i++) {
        if (!bytes_is(view->fields[i].name, area->name))
            continue;
        struct reader in = reader_of(view->fields[i].value);
        if (reader_peek(&in) != KIND_STR)
            return OK;
        struct bytes code = reader_str(&in);
        if (area_within(code, author->area))
            return OK;
        char detail[2 * NODE_TEXT_MAX + 16];
        snprintf(detail, sizeof detail, "%.*s",
                 code.len < NODE_TEXT_MAX ? (int)code.len : NODE_TEXT_MAX, (const char *)code.at);
        return refuse_field(making, ERR_AREA, area->name, detail);
    }
    return OK;
}

static enum err check_conflict(struct making *making)
{
    struct entry_change *asked = making->asked;
    struct node_conflict conflict;
    enum err err = node_store_conflict(making->submit->store, &asked->conflict, &conflict);
    if (err == ERR_NOT_FOUND)
        return refuse_change(making, err, "no such open conflict; see `tkskctl conflict list`");
    if (err != OK)
        return err;
    if (id_is_zero(&asked->record))
        asked->record = conflict.record;
    if (!id_equal(&asked->record, &conflict.record))
        return refuse_change(making, ERR_USAGE, "the conflict is about another record");
    if (asked->field_count != 1 || !bytes_equal(asked->fields[0].name, conflict.field))
        return refuse_change(making, ERR_USAGE,
                             "an answer gives one value, for the field of the conflict");
    making->change.conflict = asked->conflict;
    return OK;
}

/* Collection and base of a record that is there. */
static enum err existing_record(struct making *making)
{
    struct submit *submit = making->submit;
    const struct entry_change *asked = making->asked;
    struct change *change = &making->change;
    const struct record_view *view;
    enum err err = node_store_view(submit->store, &asked->record, &view);
    if (err == ERR_NOT_FOUND)
        return refuse_change(making, err, "no such record here");
    if (err != OK)
        return err;
    making->collection = policy_collection(submit->policy, view->collection);
    if (!making->collection)
        return refuse_change(making, ERR_STATE, "the policy in force does not have its collection");
    if (view->to_countersign && !submit->waits)
        return refuse_waiting(making, view);
    if (view->deleted && asked->op != OP_RESOLVE)
        return refuse_change(making, ERR_STATE, "the record has been deleted");
    if (asked->expect_rev != 0 && asked->expect_rev != view->rev)
        return refuse_change(making, ERR_STATE, "the record has changed since it was shown");
    change->has_base = true;
    change->base = (struct base){
        .epoch = view->epoch, .rev = view->base_rev, .has_leaf = view->has_leaf, .leaf = view->leaf
    };
    if (view->base_rev == 0 && !view->has_leaf)
        return refuse_change(making, ERR_STATE, "the record is still arriving from the hub");
    submit_touch(submit, view);
    return check_record_area(making, view);
}

static enum err find_collection(struct making *making)
{
    struct submit *submit = making->submit;
    if (making->asked->op != OP_CREATE)
        return existing_record(making);
    making->collection = policy_collection(submit->policy, making->asked->collection);
    if (making->collection)
        return OK;
    /* Validation names what there is. */
    const struct change unknown = { .op = OP_CREATE, .collection = making->asked->collection };
    enum err err = validate_change(submit->policy, &unknown, &submit->author,
                                   submit->request->wall_ms, submit->problem, NULL);
    must(err != OK);
    return err;
}

/* ---- references */

static enum err no_target(const struct making *making, const struct policy_field *field,
                          struct bytes text)
{
    char detail[PROBLEM_DETAIL_MAX];
    bool is_id = text.len > 0 && text.len < UUID_TEXT_BYTES;
    for (size_t i = 0; i < text.len && is_id; i++)
        is_id = isxdigit(text.at[i]) || text.at[i] == '-' || text.at[i] == '$';
    if (is_id) {
        snprintf(detail, sizeof detail, "%.*s", (int)text.len, (const char *)text.at);
    } else {
        /* What was typed may be somebody's name: say what is looked for instead. */
        size_t len = 0;
        detail[0] = '\0';
        for (size_t i = 0; i < field->target_count && len < sizeof detail; i++)
            len += (size_t)snprintf(detail + len, sizeof detail - len, "%s%s", i > 0 ? ", " : "",
                                    field->targets[i]);
    }
    return refuse_field(making, ERR_REFERENCE, field->name, detail);
}

static bool is_target(const struct policy_field *field, struct bytes collection)
{
    for (size_t i = 0; i < field->target_count; i++) {
        if (bytes_is(collection, field->targets[i]))
            return true;
    }
    return false;
}

/* "$1" → the record of change 1. False: not of that form, or no such change. */
static bool named_change(const struct submit *submit, struct bytes text, struct id *ret_id)
{
    size_t number = 0;
    if (text.len < 2 || text.len > 4 || text.at[0] != '$')
        return false;
    for (size_t i = 1; i < text.len; i++) {
        if (!isdigit(text.at[i]))
            return false;
        number = number * 10 + (size_t)(text.at[i] - '0');
    }
    if (number == 0 || number > submit->request->change_count)
        return false;
    *ret_id = submit->request->changes[number - 1].record;
    return !id_is_zero(ret_id);
}

static enum err write_reference(struct making *making, const struct policy_field *field,
                                struct bytes text)
{
    struct id id;
    while (text.len > 0 && text.at[0] == ' ')
        text = bytes_of(text.at + 1, text.len - 1);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    if (!named_change(making->submit, text, &id)) {
        enum err err = text.len > 0 && text.at[0] == '$'
                           ? ERR_NOT_FOUND
                           : node_store_find(making->submit->store, text, &id, NULL, NULL);
        if (err == ERR_NOT_FOUND)
            return no_target(making, field, text);
        if (err == ERR_AMBIGUOUS)
            return refuse_field(making, err, field->name, "several records match");
        if (err != OK)
            return err;
    }
    writer_bin(&making->values, bytes_id(&id));
    return making->values.err;
}

static enum err write_references(struct making *making, const struct policy_field *field,
                                 struct bytes text)
{
    size_t count = 1;
    for (size_t i = 0; i < text.len; i++)
        count += text.at[i] == '|';
    if (count > LIST_ITEMS_MAX)
        return refuse_field(making, ERR_LENGTH, field->name, "at most 64");
    writer_array(&making->values, count);
    size_t start = 0;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != '|')
            continue;
        enum err err = write_reference(making, field, bytes_of(text.at + start, i - start));
        if (err != OK)
            return err;
        start = i + 1;
    }
    return making->values.err;
}

/* One value that is a reference: its record must be here or in this request. */
static enum err check_reference(struct making *making, const struct policy_field *field,
                                struct bytes value)
{
    struct submit *submit = making->submit;
    struct reader in = reader_of(value);
    struct bytes bin = reader_bin(&in);
    struct id id;
    char text[UUID_TEXT_BYTES];
    if (bin.len != ID_BYTES)
        return no_target(making, field, bytes_of(NULL, 0));
    memcpy(id.at, bin.at, ID_BYTES);
    uuid_to_text(&id, text);
    for (unsigned i = 0; i < submit->request->change_count; i++) {
        const struct entry_change *other = &submit->request->changes[i];
        if (other->op == OP_CREATE && id_equal(&other->record, &id))
            return is_target(field, other->collection) ? OK
                                                       : no_target(making, field, bytes_text(text));
    }
    const struct record_view *view;
    enum err err = node_store_view(submit->store, &id, &view);
    if (err == ERR_NOT_FOUND ||
        (err == OK && (view->deleted || !is_target(field, view->collection))))
        return no_target(making, field, bytes_text(text));
    bool made = false;
    if (err == OK && view->to_countersign && !submit->waits)
        err = node_store_waiting_before(submit->store, &id, INT64_MAX, true, &made);
    if (err == OK && made)
        return refuse_waiting(making, view);
    if (err == OK)
        submit_touch(submit, view);
    return err;
}

static enum err check_references(struct making *making)
{
    struct field_iter iter = fields_of(making->change.fields);
    struct bytes name, value;
    enum err err = OK;
    while (err == OK && fields_next(&iter, &name, &value)) {
        const struct policy_field *field = policy_field(making->collection, name);
        if (!field || value_is_nil(value))
            continue;
        if (field->type == FIELD_REFERENCE) {
            err = check_reference(making, field, value);
        } else if (field->type == FIELD_LIST && field->element == FIELD_REFERENCE) {
            struct reader in = reader_of(value);
            size_t count = reader_array(&in);
            for (size_t i = 0; err == OK && i < count; i++)
                err = check_reference(making, field, reader_raw(&in));
        }
    }
    return err;
}

/* ---- fields */

static void view_date(const struct record_view *view, const struct policy_field *field,
                      char ret_iso[11])
{
    struct bytes text = value_string(record_view_value(view, field));
    if (text.len == 10)
        memcpy(ret_iso, text.at, 10);
}

/* The day that decides which codes there are: that of the event, as validation has it. Of a record
 * that stands it is the record's. */
static void find_date(struct making *making)
{
    const struct policy_collection *collection = making->collection;
    const struct record_view *view = NULL;
    date_of_ms(making->submit->request->wall_ms, making->date);
    if (collection->date_field < 0)
        return;
    if (making->asked->op != OP_CREATE &&
        node_store_view(making->submit->store, &making->asked->record, &view) == OK)
        view_date(view, &collection->fields[collection->date_field], making->date);
    for (size_t i = 0; i < making->asked->field_count; i++) {
        const struct entry_field *given = &making->asked->fields[i];
        char iso[11];
        if (policy_field_loose(collection, given->name) ==
                &collection->fields[collection->date_field] &&
            given->text.len > 0 && date_parse(given->text, iso))
            memcpy(making->date, iso, sizeof making->date);
    }
}

static enum err write_value(struct making *making, const struct policy_field *field,
                            const struct entry_field *given)
{
    struct submit *submit = making->submit;
    if (!given->text.at && given->value.len > 0) {
        if (codec_scan(given->value) != OK)
            return refuse_field(making, ERR_MALFORMED, field->name, "not canonical");
        writer_raw(&making->values, given->value);
        return making->values.err;
    }
    if (given->text.len == 0) {
        writer_nil(&making->values);
        return making->values.err;
    }
    if (field->type == FIELD_REFERENCE)
        return write_reference(making, field, given->text);
    if (field->type == FIELD_LIST && field->element == FIELD_REFERENCE)
        return write_references(making, field, given->text);
    enum err err = value_from_text(submit->policy, field, making->date, given->text,
                                   &making->values, submit->problem);
    if (err != OK) {
        char detail[PROBLEM_DETAIL_MAX];
        memcpy(detail, submit->problem->detail, sizeof detail);
        return refuse_field(making, err, field->name, detail);
    }
    return OK;
}

static enum err add_pair(struct making *making, const char *name, size_t start)
{
    const struct pair pair = {
        bytes_text(name),
        bytes_of(making->values.buf.at + start, making->values.buf.len - start),
    };
    for (size_t i = 0; i < making->pair_count; i++) {
        if (bytes_equal(making->pairs[i].name, pair.name))
            return refuse_field(making, ERR_TWICE, name, name);
    }
    if (making->pair_count == FIELDS_PER_CHANGE_MAX)
        return refuse_change(making, ERR_LIMIT, "more than 128 fields");
    making->pairs[making->pair_count++] = pair;
    return OK;
}

static enum err take_field(struct making *making, const struct entry_field *given)
{
    size_t start = making->values.buf.len;
    if (making->asked->op == OP_RESOLVE && given->name.len == 0) {
        writer_raw(&making->values, given->value); /* "deleted": yes or no */
        return making->values.err == OK ? add_pair(making, "", start) : making->values.err;
    }
    const struct policy_field *field = policy_field_loose(making->collection, given->name);
    if (!field) {
        /* Validation names the nearest fields. */
        uint8_t space[IDENTIFIER_BYTES_MAX + 16];
        struct writer one = writer_of(space, sizeof space);
        struct bytes name = given->name;
        if (name.len > IDENTIFIER_BYTES_MAX)
            name.len = IDENTIFIER_BYTES_MAX;
        if (!codec_utf8(name))
            return refuse_change(making, ERR_FIELD, "a name that is not text");
        writer_map(&one, 1);
        writer_str(&one, name);
        writer_nil(&one);
        const struct change unknown = { .op = OP_UPDATE,
                                        .collection = bytes_text(making->collection->name),
                                        .fields = writer_bytes(&one) };
        enum err err =
            validate_change(making->submit->policy, &unknown, &making->submit->author,
                            making->submit->request->wall_ms, making->submit->problem, NULL);
        return err != OK ? err : refuse_change(making, ERR_FIELD, NULL);
    }
    /* An empty field of a new record is one that was not given, so that its default applies. */
    if (making->asked->op == OP_CREATE && given->text.len == 0 &&
        (given->text.at || given->value.len == 0))
        return OK;
    enum err err = write_value(making, field, given);
    return err == OK ? add_pair(making, field->name, start) : err;
}

/* ---- when all that is wrong is asked for */

/* What is wrong with this field is told; the others go on without it. */
static void tell_field(struct making *making, const struct entry_field *given, enum err err)
{
    const struct policy_field *field = policy_field_loose(making->collection, given->name);
    if (field && making->told_count < FIELDS_PER_CHANGE_MAX)
        making->told[making->told_count++] = field;
    submit_tell(making->submit, making->index, err);
}

static bool was_told(const struct making *making, const struct policy_field *field)
{
    for (size_t i = 0; i < making->told_count; i++) {
        if (making->told[i] == field)
            return true;
    }
    return false;
}

/* Values that do not fit their field, and what a new record lacks. */
static void tell_rest(struct making *making)
{
    const struct policy_collection *collection = making->collection;
    struct submit *submit = making->submit;
    for (size_t i = 0; i < collection->field_count; i++) {
        const struct policy_field *field = &collection->fields[i];
        struct bytes value = fields_get(making->change.fields, bytes_text(field->name));
        struct problem found = { .code = OK };
        enum err err = OK;
        if (was_told(making, field))
            continue;
        if (value.len > 0 && !value_is_nil(value))
            err = value_check(submit->policy, field, making->date, value, &found, NULL);
        else if (field->required && !field->computed &&
                 (value.len > 0 || making->asked->op == OP_CREATE) &&
                 !(field->until && strcmp(making->date, field->until) >= 0))
            err = ERR_REQUIRED;
        if (err == OK)
            continue;
        (void)refuse_field(making, err, field->name, found.detail);
        making->told[making->told_count++] = field;
        submit_tell(submit, making->index, err);
    }
}

static int pair_order(const void *a, const void *b)
{
    return codec_compare(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

static enum err make_fields(struct making *making)
{
    for (size_t i = 0; i < making->asked->field_count; i++) {
        enum err err = take_field(making, &making->asked->fields[i]);
        if (err == ERR_LIMIT && making->values.err == ERR_LIMIT)
            return refuse_change(making, ERR_LIMIT, "more than 32 KiB of values");
        if (err != OK && making->submit->request->tell)
            tell_field(making, &making->asked->fields[i], err);
        else if (err != OK)
            return err;
    }
    if (making->pair_count > 1)
        qsort(making->pairs, making->pair_count, sizeof making->pairs[0], pair_order);
    struct writer map = writer_of(making->map_space, 2 * CHANGE_BYTES_MAX);
    writer_map(&map, making->pair_count);
    for (size_t i = 0; i < making->pair_count; i++) {
        writer_str(&map, making->pairs[i].name);
        writer_raw(&map, making->pairs[i].value);
    }
    must(map.err == OK);
    making->change.fields = writer_bytes(&map);
    if (making->asked->op != OP_CREATE)
        return OK;
    struct writer full = writer_of(making->full_space, 2 * CHANGE_BYTES_MAX);
    enum err err = validate_add_defaults(making->collection, making->change.fields, &full);
    making->change.fields = writer_bytes(&full);
    return err == ERR_LIMIT ? refuse_change(making, err, "more than 32 KiB of values") : err;
}

/* ---- the change */

static enum err check_once(const struct making *making)
{
    const struct entry_request *request = making->submit->request;
    for (unsigned i = 0; i < making->index; i++) {
        if (id_equal(&request->changes[i].record, &making->asked->record))
            return refuse_change(making, ERR_TWICE, "a record changes once in a transaction");
    }
    return OK;
}

static enum err encode(struct making *making)
{
    struct submit *submit = making->submit;
    struct writer *raw = &submit->raw;
    size_t start = raw->buf.len;
    change_encode(&making->change, raw);
    if (raw->err != OK)
        return problem_set(submit->problem, ERR_LIMIT, "transaction", "larger than 512 KiB");
    struct bytes bytes = bytes_of(raw->buf.at + start, raw->buf.len - start);
    struct change *place = &submit->txn->changes[making->index];
    if (bytes.len > CHANGE_BYTES_MAX)
        return refuse_change(making, ERR_LIMIT, "more than 32 KiB of values");
    enum err err = change_decode(bytes, place);
    return err == OK ? OK : refuse_change(making, ERR_VALUE, "nothing is changed by it");
}

static enum err make(struct making *making)
{
    struct submit *submit = making->submit;
    struct entry_change *asked = making->asked;
    struct change *change = &making->change;
    enum err err = OK;
    if (asked->op == OP_RESOLVE)
        err = check_conflict(making);
    if (err == OK)
        err = check_once(making);
    if (err == OK)
        err = find_collection(making);
    if (err != OK)
        return err;
    must(making->collection != NULL);
    if ((enum lane)making->collection->lane < submit->policy_lane)
        submit->policy_lane = (enum lane)making->collection->lane;
    change->group = asked->group;
    change->op = asked->op;
    change->collection = bytes_text(making->collection->name);
    change->record = asked->record;
    change->number = submit->numbers[making->index];
    find_date(making);
    err = make_fields(making);
    if (err == OK && submit->request->tell) {
        tell_rest(making);
        if (making->told_count > 0)
            return OK; /* what depends on several fields is asked when each of them is right */
    }
    if (err == OK)
        err = validate_change(submit->policy, change, &submit->author, submit->request->wall_ms,
                              submit->problem, submit->warnings);
    if (err == OK)
        err = submit_rules(submit, change);
    if (err == OK)
        err = check_references(making);
    if (err == OK)
        err = node_store_blob_warn(submit->store, making->collection, change->fields,
                                   submit->warnings);
    return err == OK ? encode(making) : err;
}

enum err submit_change(struct submit *submit, unsigned index)
{
    enum err err = ERR_MEMORY;
    struct making *making = calloc(1, sizeof *making);
    uint8_t *values = malloc(CHANGE_BYTES_MAX);
    if (!making || !values)
        goto out;
    making->submit = submit;
    making->index = index;
    making->asked = &submit->request->changes[index];
    making->values = writer_of(values, CHANGE_BYTES_MAX);
    making->map_space = malloc(2 * CHANGE_BYTES_MAX);
    making->full_space = malloc(2 * CHANGE_BYTES_MAX);
    if (making->map_space && making->full_space)
        err = make(making);
    if (making->map_space)
        crypto_wipe(making->map_space, 2 * CHANGE_BYTES_MAX);
    if (making->full_space)
        crypto_wipe(making->full_space, 2 * CHANGE_BYTES_MAX);
    crypto_wipe(values, making->values.buf.len);
out:
    if (making) {
        free(making->map_space);
        free(making->full_space);
    }
    free(making);
    free(values);
    return err;
}
