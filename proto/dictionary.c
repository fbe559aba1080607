#include "proto/dictionary.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/txn.h"
#include "proto/value_form.h"

#define SAMPLES 1600
#define SAMPLES_BYTES_MAX (4u * 1024 * 1024)
#define SAMPLE_BYTES_MAX (16u * 1024)
#define SAMPLE_CHANGES_MAX 5
#define VALUE_BYTES_MAX 4096
#define DAY "2199-12-31"                      /* the newest version of each list */
#define TIME_FIRST_MS UINT64_C(1767225600000) /* 2026 and the ten years that follow */
#define TIME_SPAN_MS (UINT64_C(3652) * 24 * 60 * 60 * 1000)
#define DICTIONARY_BYTES_MIN 256

struct maker {
    const struct policy *policy;
    const struct dictionary_example *examples;
    size_t example_count;
    struct problem *problem;
    uint64_t random;
    struct txn *txn;
    struct secret_key *key;
    uint64_t claimed_ms;
    char area[4 * AREA_LEVELS_MAX * 4]; /* the most exact one of the sample */
    uint8_t fields[SAMPLE_BYTES_MAX], raw[SAMPLE_CHANGES_MAX * SAMPLE_BYTES_MAX];
};

/* --- made-up things (splitmix64) ---------------------------------------------------------------
 */

static uint64_t draw(struct maker *m, uint64_t bound)
{
    uint64_t z = m->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return bound == 0 ? z : z % bound;
}

static void draw_bytes(struct maker *m, uint8_t *ret, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ret[i] = (uint8_t)draw(m, 256);
}

/* As crypto_uuid7 makes them: the time of the entry, then chance. */
static struct id draw_id(struct maker *m)
{
    struct id id;
    draw_bytes(m, id.at, ID_BYTES);
    for (unsigned i = 0; i < 6; i++)
        id.at[i] = (uint8_t)(m->claimed_ms >> (40 - 8 * i));
    id.at[6] = (uint8_t)(0x70 | (id.at[6] & 0x0f));
    id.at[8] = (uint8_t)(0x80 | (id.at[8] & 0x3f));
    return id;
}

static void draw_area(struct maker *m)
{
    const struct policy *policy = m->policy;
    const char *code = policy->district;
    if (policy->area_count > 0)
        code = policy->areas[draw(m, policy->area_count)].code;
    (void)snprintf(m->area, sizeof(m->area), "%s", code);
}

/* --- values ------------------------------------------------------------------------------------
 */

static void write_digits(struct maker *m, struct writer *out, const char *start, size_t count)
{
    char digits[64];
    size_t len = 0;
    for (; *start && len < count && len < sizeof(digits); start++)
        if (*start != '.')
            digits[len++] = *start;
    for (; len < count && len < sizeof(digits); len++)
        digits[len] = (char)('0' + draw(m, 10));
    writer_str(out, bytes_of(digits, len));
}

/* Area of six digits, day, month and year, running number. */
static void write_number16(struct maker *m, struct writer *out)
{
    char start[64];
    size_t len = 0;
    for (const char *at = m->area; *at && len < 6; at++)
        if (*at != '.')
            start[len++] = *at;
    while (len < 6)
        start[len++] = '1';
    uint64_t day = 1 + draw(m, 31) + (draw(m, 2) ? 40 : 0);
    (void)snprintf(start + len, sizeof(start) - len, "%02u%02u%02u000%u", (unsigned)day,
                   1 + (unsigned)draw(m, 12), (unsigned)draw(m, 100), 1 + (unsigned)draw(m, 9));
    write_digits(m, out, start, NUMBER_16_DIGITS);
}

static void write_words(struct maker *m, const struct policy_field *field, struct writer *out)
{
    char text[64];
    size_t len = 0, words = 1 + draw(m, 3);
    if (field->length_max <= 4) { /* a house number or the like */
        len = (size_t)snprintf(text, sizeof(text), "%0*u", (int)field->length_max,
                               1 + (unsigned)draw(m, 9));
        writer_str(out, bytes_of(text, len));
        return;
    }
    for (size_t w = 0; w < words; w++) {
        if (w > 0)
            text[len++] = ' ';
        size_t letters = 3 + draw(m, 6);
        for (size_t i = 0; i < letters; i++)
            text[len++] = i % 2 ? "aiueo"[draw(m, 5)] : "bcdghjklmnprstwy"[draw(m, 16)];
    }
    writer_str(out, bytes_of(text, len < field->length_max ? len : field->length_max));
}

static void write_day(struct maker *m, struct writer *out)
{
    char day[16];
    int len = snprintf(day, sizeof(day), "%04u-%02u-%02u", 1940 + (unsigned)draw(m, 95),
                       1 + (unsigned)draw(m, 12), 1 + (unsigned)draw(m, 28));
    writer_str(out, bytes_of(day, (size_t)len));
}

static void write_area(struct maker *m, const struct policy_field *field, struct writer *out)
{
    size_t len = 0;
    for (unsigned parts = 0; m->area[len]; len++) {
        parts += m->area[len] == '.';
        if (field->area_level > 0 && parts == field->area_level)
            break;
    }
    writer_str(out, bytes_of(m->area, len));
}

static void write_code(struct maker *m, const struct policy_field *field, struct writer *out)
{
    const struct policy_code_list *list = field->codes;
    const struct policy_code_version *newest = &list->versions[list->version_count - 1];
    writer_text(out, newest->codes[draw(m, newest->code_count)].code);
}

static void write_decimal(struct maker *m, const struct policy_field *field, struct writer *out)
{
    char text[32];
    int64_t low = field->min < -180 ? -180 : field->min;
    int64_t high = field->max > 180 ? 180 : field->max;
    if (high < low)
        high = low;
    int64_t whole = low + (int64_t)draw(m, (uint64_t)(high - low) + 1);
    int len = snprintf(text, sizeof(text), "%lld.%04u", (long long)(whole == 0 ? 1 : whole),
                       (unsigned)(draw(m, 1000) * 10 + 1 + draw(m, 9)));
    writer_str(out, bytes_of(text, (size_t)len));
}

static void write_whole(struct maker *m, const struct policy_field *field, struct writer *out)
{
    int64_t low = field->min < 0 ? 0 : field->min;
    uint64_t span = field->max < low ? 1 : (uint64_t)(field->max - low);
    if (span > 5000000)
        span = 5000000;
    writer_int(out, low + (int64_t)draw(m, span + 1));
}

static void write_blob(struct maker *m, struct writer *out)
{
    uint8_t hash[HASH_BYTES];
    draw_bytes(m, hash, sizeof(hash));
    writer_array(out, 3);
    writer_bin(out, bytes_of(hash, sizeof(hash)));
    writer_uint(out, 20000 + draw(m, 300000));
    writer_text(out, "image/jpeg");
}

static void write_map(struct maker *m, const struct policy_field *field, struct writer *out)
{
    size_t first = field->map_key_count > 0 ? draw(m, field->map_key_count) : 0;
    size_t count = field->map_key_count - first;
    writer_map(out, field->map_key_count > 0 ? count : 1);
    if (field->map_key_count == 0) {
        writer_text(out, "a");
        write_whole(m, field, out);
    }
    /* The keys stand in the order of the document, which is that of the source: sorted here. */
    const char *keys[FIELDS_PER_CHANGE_MAX];
    must(count <= COUNT_OF(keys));
    for (size_t i = 0; i < count; i++) {
        const char *key = field->map_keys[first + i];
        size_t at = i;
        for (; at > 0 && codec_compare(bytes_text(keys[at - 1]), bytes_text(key)) > 0; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
    for (size_t i = 0; i < count; i++) {
        writer_text(out, keys[i]);
        write_words(m, &(struct policy_field){ .length_max = 40 }, out);
    }
}

/* One of the examples of the field; false: it has none. */
static bool write_example(struct maker *m, const struct policy_field *field, struct writer *out)
{
    size_t count = 0;
    for (size_t i = 0; i < m->example_count; i++)
        count += m->examples[i].field == field;
    if (count == 0)
        return false;
    size_t which = draw(m, count);
    for (size_t i = 0; i < m->example_count; i++) {
        if (m->examples[i].field != field || which-- > 0)
            continue;
        enum err err = value_from_text(m->policy, field, DAY, bytes_text(m->examples[i].text), out,
                                       m->problem);
        must(err == OK); /* all were tried before */
        break;
    }
    return true;
}

static void write_value(struct maker *m, const struct policy_field *field, struct writer *out)
{
    if (write_example(m, field, out))
        return;
    switch (field->type) {
    case FIELD_TEXT:
        write_words(m, field, out);
        break;
    case FIELD_INTEGER:
    case FIELD_MONEY:
        write_whole(m, field, out);
        break;
    case FIELD_DECIMAL:
        write_decimal(m, field, out);
        break;
    case FIELD_DATE:
        write_day(m, out);
        break;
    case FIELD_TIME:
        writer_uint(out, m->claimed_ms - draw(m, UINT64_C(30) * 24 * 60 * 60 * 1000));
        break;
    case FIELD_BOOL:
        writer_bool(out, draw(m, 2) == 1);
        break;
    case FIELD_ENUM:
        write_code(m, field, out);
        break;
    case FIELD_NIK:
    case FIELD_KK:
        write_number16(m, out);
        break;
    case FIELD_AREA:
        write_area(m, field, out);
        break;
    case FIELD_REFERENCE: {
        struct id id = draw_id(m);
        writer_bin(out, bytes_id(&id));
        break;
    }
    case FIELD_BLOB:
        write_blob(m, out);
        break;
    case FIELD_LIST: {
        struct policy_field element = field_of_element(field);
        writer_array(out, 1);
        write_value(m, &element, out);
        break;
    }
    case FIELD_MAP:
        write_map(m, field, out);
        break;
    case FIELD_SIGNATURE:
        writer_text(out, "1/1/0/"); /* the rest of it is random */
        break;
    case FIELD_TYPE_COUNT:
        must_failed("a type", __FILE__, __LINE__);
    }
}

/* --- changes -----------------------------------------------------------------------------------
 */

/* What an entry mostly has: all that is required, what has a default, and half of the rest. */
static bool is_given(struct maker *m, const struct policy_field *field, bool create, size_t few)
{
    if (field->computed || field->until)
        return false;
    if (!create)
        return draw(m, few) == 0;
    if (field->default_value.at)
        return true;
    if (field->required)
        return true;
    return draw(m, field->summary || field->lookup ? 4 : 2) != 0;
}

static void write_field(struct maker *m, const struct policy_field *field, bool create,
                        struct writer *out)
{
    writer_text(out, field->name);
    if (create && field->default_value.at && draw(m, 8) != 0)
        writer_raw(out, field->default_value);
    else
        write_value(m, field, out);
}

/* Map keys stand in bytewise order. */
static struct bytes make_fields(struct maker *m, const struct policy_collection *collection,
                                bool create)
{
    const struct policy_field *given[FIELDS_PER_CHANGE_MAX];
    size_t count = 0;
    while (count == 0) {
        for (size_t i = 0; i < collection->field_count && count < COUNT_OF(given); i++) {
            const struct policy_field *field = &collection->fields[i];
            if (!is_given(m, field, create, collection->field_count))
                continue;
            size_t at = count++;
            for (; at > 0 &&
                   codec_compare(bytes_text(given[at - 1]->name), bytes_text(field->name)) > 0;
                 at--)
                given[at] = given[at - 1];
            given[at] = field;
        }
    }
    struct writer out = writer_of(m->fields, sizeof(m->fields));
    writer_map(&out, count);
    for (size_t i = 0; i < count; i++)
        write_field(m, given[i], create, &out);
    return out.err ? bytes_of(NULL, 0) : writer_bytes(&out);
}

static void draw_base(struct maker *m, struct change *change)
{
    change->has_base = true;
    change->base = (struct base){ .epoch = 1, .rev = 1 + draw(m, 60000) };
    change->base.has_leaf = draw(m, 3) == 0;
    if (change->base.has_leaf)
        draw_bytes(m, change->base.leaf.at, HASH_BYTES);
}

/* Writes `count` changes into the transaction; false: one grew too large for a sample. */
static bool make_changes(struct maker *m, const struct policy_collection *collection,
                         unsigned count)
{
    struct writer out = writer_of(m->raw, sizeof(m->raw));
    bool forms = draw(m, 2) == 0; /* one form each, or one form of several records */
    bool create = count > 1 || draw(m, 4) != 0;
    for (unsigned i = 0; i < count; i++) {
        struct change change = { .group = forms ? 0 : i,
                                 .op = create ? OP_CREATE : OP_UPDATE,
                                 .collection = bytes_text(collection->name),
                                 .record = draw_id(m),
                                 .fields = make_fields(m, collection, create) };
        if (!change.fields.at)
            return false;
        if (create)
            change.number = (uint32_t)(1 + draw(m, 4000)) + i;
        else
            draw_base(m, &change);
        size_t start = out.buf.len;
        change_encode(&change, &out);
        if (out.err)
            return false;
        m->txn->changes[i].raw = bytes_of(out.buf.at + start, out.buf.len - start);
    }
    m->txn->change_count = count;
    return true;
}

/* --- samples -----------------------------------------------------------------------------------
 */

/* Each has its turns; what the source gives more examples of has more, since that is entered most.
 */
static const struct policy_collection *draw_collection(struct maker *m)
{
    const struct policy *policy = m->policy;
    uint64_t at = draw(m, policy->collection_count + m->example_count);
    return at < policy->collection_count ? &policy->collections[at]
                                         : m->examples[at - policy->collection_count].collection;
}

/* Most are what one person enters in one go; some are a family or a few rows of a list. */
static enum err make_sample(struct maker *m, struct writer *out)
{
    const struct policy *policy = m->policy;
    const struct policy_collection *collection = draw_collection(m);
    struct txn *txn = m->txn;
    struct hash leaf;
    m->claimed_ms = TIME_FIRST_MS + draw(m, TIME_SPAN_MS);
    draw_area(m);
    unsigned count = draw(m, 5) == 0 ? 2 + (unsigned)draw(m, SAMPLE_CHANGES_MAX - 1) : 1;
    if (!make_changes(m, collection, count))
        return ERR_LIMIT;
    txn->operator_number = 1 + (uint32_t)draw(m, 60);
    txn->trust_version = 1 + draw(m, 120);
    txn->rules_version = 1 + draw(m, 20);
    draw_bytes(m, txn->request.at, ID_BYTES);
    txn->claimed_ms = m->claimed_ms;
    draw_bytes(m, txn->seed, SEED_BYTES);
    return txn_sign(txn, policy->district, m->key, out, &leaf);
}

static enum err make_samples(struct maker *m, struct writer *out, size_t *sizes,
                             unsigned *ret_count)
{
    unsigned count = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t before = out->buf.len;
        enum err err = make_sample(m, out);
        if (err == ERR_LIMIT) { /* it does not fit: others do */
            out->buf.len = before;
            out->err = OK;
            continue;
        }
        if (err)
            return err;
        sizes[count++] = out->buf.len - before;
    }
    *ret_count = count;
    return OK;
}

static enum err check_examples(struct maker *m)
{
    uint8_t space[VALUE_BYTES_MAX];
    for (size_t i = 0; i < m->example_count; i++) {
        const struct dictionary_example *example = &m->examples[i];
        char thing[PROBLEM_THING_MAX], detail[PROBLEM_DETAIL_MAX];
        struct writer out = writer_of(space, sizeof(space));
        struct problem problem = { .code = OK };
        if (value_from_text(m->policy, example->field, DAY, bytes_text(example->text), &out,
                            &problem) == OK &&
            !out.err)
            continue;
        (void)snprintf(thing, sizeof(thing), "collection %s field %s examples",
                       example->collection->name, example->field->name);
        (void)snprintf(detail, sizeof(detail), "'%s' is no value of it (%s)", example->text,
                       problem.code ? err_name(problem.code) : err_name(ERR_LIMIT));
        return problem_set(m->problem, ERR_MALFORMED, thing, detail);
    }
    return OK;
}

enum err dictionary_size(const struct policy *policy, size_t *ret_bytes, struct problem *problem)
{
    int64_t bytes = policy_setting(policy, "dictionary_bytes", DICTIONARY_BYTES_USUAL);
    if (bytes != 0 && (bytes < DICTIONARY_BYTES_MIN || bytes > DICTIONARY_BYTES_MAX))
        return problem_setf(problem, ERR_LIMIT, "settings dictionary_bytes", "0, or %d to %d",
                            DICTIONARY_BYTES_MIN, DICTIONARY_BYTES_MAX);
    *ret_bytes = (size_t)bytes;
    return OK;
}

enum err dictionary_make(const struct policy *policy, const struct dictionary_example *examples,
                         size_t example_count, struct buf *ret, struct problem *problem)
{
    static const uint8_t seed[SECRET_KEY_BYTES] = "made-up transactions, made-up k";
    unsigned count = 0;
    must(policy->collection_count > 0);
    struct maker *m = calloc(1, sizeof(*m));
    struct txn *txn = calloc(1, sizeof(*txn));
    uint8_t *space = malloc(SAMPLES_BYTES_MAX);
    size_t *sizes = calloc(SAMPLES, sizeof(*sizes));
    struct secret_key *key = secret_key_from(seed);
    enum err err = ERR_MEMORY;
    if (!m || !txn || !space || !sizes || !key)
        goto out;
    *m = (struct maker){ .policy = policy,
                         .examples = examples,
                         .example_count = example_count,
                         .problem = problem,
                         .txn = txn,
                         .key = key };
    struct writer out = writer_of(space, SAMPLES_BYTES_MAX);
    err = check_examples(m);
    if (!err)
        err = make_samples(m, &out, sizes, &count);
    if (!err)
        err = compress_dictionary_train(writer_bytes(&out), sizes, count, ret);
    if (err == ERR_LIMIT)
        (void)problem_set(problem, err, "dictionary", "no dictionary comes of these collections");
out:
    if (err == ERR_MEMORY)
        (void)problem_set(problem, err, "dictionary", NULL);
    secret_key_close(&key);
    free(sizes);
    free(space);
    free(txn);
    free(m);
    return err;
}

/* --- use ---------------------------------------------------------------------------------------
 */

void dictionary_hash(struct bytes dictionary, struct hash *ret_hash)
{
    crypto_hash("dictionary", &dictionary, 1, ret_hash);
}

enum err dictionary_check(const struct policy *policy, struct bytes dictionary,
                          struct problem *problem)
{
    struct hash hash;
    dictionary_hash(dictionary, &hash);
    if (!policy->has_dictionary || !hash_equal(&hash, &policy->dictionary))
        return problem_set(problem, ERR_DICTIONARY, "dictionary", "the rules name another or none");
    if (!compress_dictionary_usable(dictionary))
        return problem_set(problem, ERR_DICTIONARY, "dictionary", "it is not a whole one");
    return OK;
}
