/* Records typed as people type them, and the rules of the reference policy asked as the hub asks.
 */
#pragma once

#include "tests/unit/reference_fixture.h"

#include "proto/rules.h"
#include "proto/value_form.h"

#define RECORDS_MAX 16
#define FIELDS_BYTES_MAX 8192
#define TODAY "2026-11-22"

/* --- records --------------------------------------------------------------------------------- */

struct record {
    const char *collection;
    struct bytes fields;
    uint8_t space[FIELDS_BYTES_MAX];
};
static struct record records[RECORDS_MAX];
static enum signature_state signature_says;
static struct problem found;
static struct warnings warned;

static struct id id_of(size_t record)
{
    struct id id = { .at = { [6] = 0x70, [8] = 0x80, [15] = (uint8_t)record } };
    return id;
}

/* "@3" is the number of record 3, as people would type it. */
static void spell_out(const char *text, size_t len, char *ret, size_t cap)
{
    size_t at = 0;
    for (size_t i = 0; i < len; i++) {
        assert_true(at + UUID_TEXT_BYTES < cap);
        if (text[i] != '@') {
            ret[at++] = text[i];
            continue;
        }
        struct id id = id_of((size_t)(text[++i] - '0'));
        uuid_to_text(&id, ret + at);
        at += UUID_TEXT_BYTES - 1;
    }
    ret[at] = '\0';
}

struct pair {
    const struct policy_field *field;
    struct bytes value;
    uint8_t space[2048];
};

static void read_pair(const struct policy_collection *collection, const char *line, size_t len,
                      struct pair *ret)
{
    char text[2048];
    size_t name = strcspn(line, "=");
    assert_true(name < len);
    ret->field = policy_field(collection, bytes_of(line, name));
    if (ret->field == NULL)
        fail_msg("%s has no field %.*s", collection->name, (int)name, line);
    spell_out(line + name + 1, len - name - 1, text, sizeof text);
    struct writer out = writer_of(ret->space, sizeof ret->space);
    struct problem problem = { .code = OK };
    if (text[0] == '\0')
        writer_nil(&out);
    else if (value_from_text(policy, ret->field, TODAY, bytes_text(text), &out, &problem) != OK ||
             value_check(policy, ret->field, TODAY, writer_bytes(&out), &problem, NULL) != OK)
        fail_msg("%s: %s: %s", problem.thing, text, problem.detail);
    ret->value = writer_bytes(&out);
}

static int pair_order(const void *a, const void *b)
{
    return codec_compare(bytes_text(((const struct pair *)a)->field->name),
                         bytes_text(((const struct pair *)b)->field->name));
}

/* Lines of "field=value", as a person types them. */
static struct bytes read_fields(const char *name, const char *lines, uint8_t *space)
{
    static struct pair pairs[32];
    const struct policy_collection *collection = policy_collection(policy, bytes_text(name));
    size_t count = 0;
    assert_non_null(collection);
    while (*lines != '\0') {
        size_t len = strcspn(lines, "\n");
        assert_true(count < COUNT_OF(pairs));
        read_pair(collection, lines, len, &pairs[count++]);
        lines += len + (lines[len] == '\n');
    }
    /* The values point into the pairs: they are set again where they are sorted to. */
    qsort(pairs, count, sizeof pairs[0], pair_order);
    struct writer out = writer_of(space, FIELDS_BYTES_MAX);
    writer_map(&out, count);
    for (size_t i = 0; i < count; i++) {
        writer_text(&out, pairs[i].field->name);
        writer_raw(&out, bytes_of(pairs[i].space, pairs[i].value.len));
    }
    assert_int_equal(out.err, OK);
    assert_int_equal(codec_scan(writer_bytes(&out)), OK);
    return writer_bytes(&out);
}

static void set(size_t record, const char *collection, const char *lines)
{
    assert_true(record < RECORDS_MAX);
    records[record].collection = collection;
    records[record].fields = read_fields(collection, lines, records[record].space);
}

static struct bytes value_in(size_t record, struct bytes name)
{
    struct bytes raw = fields_get(records[record].fields, name);
    return raw.len == 0 || value_is_nil(raw) ? bytes_of(NULL, 0) : raw;
}

static bool stands(void *context, const struct policy_field *field, struct bytes *ret_raw)
{
    *ret_raw = value_in(*(const size_t *)context, bytes_text(field->name));
    return true;
}

static bool follow(void *context, const struct policy_field *reference, const struct id *id,
                   struct bytes name, const struct policy_collection **ret_collection,
                   struct bytes *ret_raw)
{
    (void)context;
    (void)reference;
    *ret_collection = policy_collection(policy, bytes_text(records[id->at[15]].collection));
    *ret_raw = value_in(id->at[15], name);
    return true;
}

static enum signature_state signature(void *context, const struct policy_field *field,
                                      const struct expr_env *env)
{
    (void)context;
    (void)field;
    (void)env;
    return signature_says;
}

/* --- asking ---------------------------------------------------------------------------------- */

static authority_set letters(const char *text)
{
    authority_set authority = 0;
    for (; *text != '\0'; text++)
        authority |= AUTHORITY(*text);
    return authority;
}

static uint64_t ms_of(const char *date)
{
    int64_t days = 0;
    assert_true(date_days(bytes_text(date), &days));
    return (uint64_t)days * 24 * 60 * 60 * 1000;
}

static enum err ask(const char *who, enum change_op op, size_t record, const char *collection,
                    const char *lines, const char *day)
{
    static uint8_t space[FIELDS_BYTES_MAX];
    struct author author = { .authority = letters(who) };
    struct change change = { .op = op,
                             .collection = bytes_text(collection),
                             .record = id_of(record),
                             .has_base = op != OP_CREATE,
                             .fields = read_fields(collection, lines, space) };
    struct rules_input in = { .policy = policy,
                              .change = &change,
                              .author = &author,
                              .claimed_ms = ms_of(day),
                              .decides = true,
                              .stands = stands,
                              .follow = follow,
                              .signature = signature,
                              .context = &record };
    found = (struct problem){ .code = OK };
    warned.count = 0;
    enum err err = rules_authority(&in, &found);
    return err != OK ? err : rules_check(&in, &found, &warned);
}

static void taken(const char *who, size_t record, const char *lines)
{
    if (ask(who, OP_UPDATE, record, records[record].collection, lines, TODAY) != OK)
        fail_msg("%s: %s %s", lines, found.thing, found.detail);
}

static void refused(const char *who, size_t record, const char *lines, enum err code,
                    const char *thing)
{
    assert_int_equal(ask(who, OP_UPDATE, record, records[record].collection, lines, TODAY), code);
    assert_string_equal(found.thing, thing);
}

static void begun(const char *who, const char *collection, const char *lines)
{
    if (ask(who, OP_CREATE, 0, collection, lines, TODAY) != OK)
        fail_msg("%s: %s %s", lines, found.thing, found.detail);
}

static void not_begun(const char *who, const char *collection, const char *lines, enum err code,
                      const char *thing)
{
    assert_int_equal(ask(who, OP_CREATE, 0, collection, lines, TODAY), code);
    assert_string_equal(found.thing, thing);
}

static bool warns(const char *thing)
{
    for (size_t i = 0; i < warned.count; i++)
        if (strcmp(warned.list[i].thing, thing) == 0)
            return true;
    return false;
}

/* What the hub put last, as people read it. */
static char put_text[2][200];
static size_t put_count;

static enum err put(void *context, const struct policy_field *field, struct bytes value)
{
    size_t record = *(const size_t *)context;
    char text[100] = "";
    char lines[200];
    uint8_t space[FIELDS_BYTES_MAX];
    assert_int_equal(value_to_text(field, value, text, sizeof text), OK);
    (void)snprintf(lines, sizeof lines, "%s=%s", field->name, text);
    assert_true(put_count < COUNT_OF(put_text));
    (void)snprintf(put_text[put_count++], sizeof put_text[0], "%s", lines);
    /* Only this field stands anew: enough for what is asked here. */
    struct bytes one = read_fields(records[record].collection, lines, space);
    struct field_iter iter = fields_of(records[record].fields);
    struct bytes name, raw;
    uint8_t joined[FIELDS_BYTES_MAX];
    struct writer out = writer_of(joined, sizeof joined);
    size_t count = 0;
    while (fields_next(&iter, &name, &raw))
        count += !bytes_is(name, field->name);
    writer_map(&out, count + 1);
    writer_text(&out, field->name);
    writer_raw(&out, fields_get(one, bytes_text(field->name)));
    iter = fields_of(records[record].fields);
    while (fields_next(&iter, &name, &raw))
        if (!bytes_is(name, field->name)) {
            writer_str(&out, name);
            writer_raw(&out, raw);
        }
    assert_int_equal(out.err, OK);
    memcpy(records[record].space, joined, out.buf.len);
    records[record].fields = bytes_of(records[record].space, out.buf.len);
    return OK;
}

static void finished(size_t record)
{
    struct rules_input in = { .policy = policy,
                              .claimed_ms = ms_of(TODAY),
                              .decides = true,
                              .stands = stands,
                              .follow = follow,
                              .signature = signature,
                              .context = &record };
    put_count = 0;
    assert_int_equal(
        rules_finish(&in, policy_collection(policy, bytes_text(records[record].collection)), put),
        OK);
}

static int start(void **state)
{
    (void)state;
    memset(records, 0, sizeof records);
    signature_says = SIGNATURE_OK;
    return 0;
}
