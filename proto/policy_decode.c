/* A rules document, checked whole, into a struct policy. Everything lives in one arena: a chain of
 * blocks that policy_close frees together. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/crypto.h"
#include "common/must.h"
#include "proto/policy_decode.h"

#define BLOCK_BYTES ((size_t)16 * 1024)

struct block {
    struct block *next;
    size_t used;
    size_t cap;
    _Alignas(16) uint8_t at[];
};

void *decoder_take(struct decoder *d, size_t count, size_t size)
{
    must(size > 0 && count <= RULES_BYTES_MAX);
    size_t need = (count * size + 15) & ~(size_t)15;
    struct block *block = d->policy->arena;
    if (block == NULL || block->cap - block->used < need) {
        size_t cap = need > BLOCK_BYTES ? need : BLOCK_BYTES;
        struct block *fresh = malloc(sizeof *fresh + cap);
        if (fresh == NULL) {
            if (d->err == OK)
                (void)problem_set(d->problem, ERR_MEMORY, d->place, NULL);
            d->err = ERR_MEMORY;
            return NULL;
        }
        *fresh = (struct block){ .next = block, .cap = cap };
        d->policy->arena = block = fresh;
    }
    void *at = block->at + block->used;
    block->used += need;
    memset(at, 0, need);
    return at;
}

void *decoder_take_bytes(void *decoder, size_t size)
{
    return decoder_take(decoder, size, 1);
}

bool decoder_bad(struct decoder *d, const char *fmt, ...)
{
    char detail[PROBLEM_DETAIL_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    if (d->err == OK) {
        (void)problem_set(d->problem, ERR_MALFORMED, d->place, detail);
        d->err = ERR_MALFORMED;
    }
    return false;
}

void decoder_place(struct decoder *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(d->place, sizeof d->place, fmt, args);
    va_end(args);
}

const char *decoder_copy(struct decoder *d, struct bytes text)
{
    char *copy = decoder_take(d, text.len + 1, 1);
    if (copy != NULL && text.len > 0)
        memcpy(copy, text.at, text.len);
    return copy;
}

bool decoder_map(struct decoder *d, struct bytes raw, const char *const *keys, size_t key_count,
                 struct bytes *ret_values)
{
    struct reader reader = reader_of(raw);
    size_t pairs = reader_map(&reader);
    size_t at = 0;
    memset(ret_values, 0, key_count * sizeof *ret_values);
    for (size_t i = 0; i < pairs && reader.err == OK; i++) {
        struct bytes key = reader_str(&reader);
        while (at < key_count && !bytes_is(key, keys[at])) /* both are sorted */
            at++;
        if (at == key_count)
            return decoder_bad(d, "unknown key \"%.*s\"", (int)(key.len < 40 ? key.len : 40),
                               (const char *)key.at);
        ret_values[at] = reader_raw(&reader);
    }
    return reader_end(&reader) == OK || decoder_bad(d, "is not a map");
}

static bool is_small(uint8_t c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Identifiers become names of tables and columns, so they are plain; a few belong to the stores. */
static bool name_ok(struct bytes text)
{
    static const char *const reserved[] = { "id", "rev", "rowid" };
    if (text.len == 0 || text.len > IDENTIFIER_BYTES_MAX || !is_small(text.at[0]))
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (!is_small(text.at[i]) && !is_digit(text.at[i]) && text.at[i] != '_')
            return false;
    for (size_t i = 0; i < COUNT_OF(reserved); i++)
        if (bytes_is(text, reserved[i]))
            return false;
    return true;
}

static bool code_ok(struct bytes text)
{
    if (text.len == 0 || text.len > IDENTIFIER_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        bool plain = is_small(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
        if (!plain && (i == 0 || strchr("_./-", c) == NULL)) /* no U+0000 after the scan */
            return false;
    }
    return true;
}

static bool label_ok(struct bytes text)
{
    if (text.len == 0 || text.len > LABEL_BYTES_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x20 || text.at[i] == 0x7F)
            return false;
    return true;
}

const char *decoder_string(struct decoder *d, struct bytes raw, enum string_form form,
                           const char *what)
{
    struct reader reader = reader_of(raw);
    struct bytes text = raw.at == NULL ? bytes_of(NULL, 0) : reader_str(&reader);
    if (raw.at == NULL || reader_end(&reader) != OK) {
        decoder_bad(d, "%s is missing", what);
        return NULL;
    }
    bool fits = form == FORM_NAME   ? name_ok(text)
                : form == FORM_CODE ? code_ok(text)
                : form == FORM_DATE ? date_iso(text)
                : form == FORM_AREA ? area_level(text) > 0
                                    : label_ok(text);
    if (!fits) {
        static const char *const forms[] = {
            [FORM_NAME] = "small letters, digits and _, a letter first, at most 40, not id or rev",
            [FORM_CODE] = "letters, digits and _./-, at most 40",
            [FORM_DATE] = "a date such as 2020-01-01",
            [FORM_AREA] = "an area code such as 12.34.56",
            [FORM_LABEL] = "one line of at most 200 bytes, not empty",
        };
        decoder_bad(d, "%s \"%.*s\" is not %s", what, (int)(text.len < 40 ? text.len : 40),
                    (const char *)text.at, forms[form]);
        return NULL;
    }
    return decoder_copy(d, text);
}

bool decoder_letters(struct decoder *d, struct bytes raw, authority_set *ret_set)
{
    struct reader reader = reader_of(raw);
    struct bytes text = raw.at == NULL ? bytes_of(NULL, 0) : reader_str(&reader);
    authority_set set = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < 'A' || text.at[i] > 'Z' || (i > 0 && text.at[i] <= text.at[i - 1]))
            return decoder_bad(d, "authority is not a set of capital letters");
        authority_set one = AUTHORITY(text.at[i]);
        if ((d->letters & one) == 0)
            return decoder_bad(d, "authority %c is not declared", text.at[i]);
        set |= one;
    }
    if (raw.at != NULL && reader_end(&reader) != OK)
        return decoder_bad(d, "authority is not a set of capital letters");
    *ret_set = set;
    return true;
}

size_t decoder_array(struct decoder *d, struct bytes raw, struct reader *ret_reader, size_t max,
                     const char *what)
{
    *ret_reader = reader_of(raw);
    size_t count = reader_array(ret_reader);
    if (ret_reader->err != OK)
        decoder_bad(d, "%s are not a list", what);
    else if (count > max && d->err == OK)
        d->err =
            problem_setf(d->problem, ERR_LIMIT, d->place, "%zu %s, at most %zu", count, what, max);
    return d->err == OK ? count : 0;
}

const char *decoder_date_or_none(struct decoder *d, struct bytes raw, const char *what)
{
    struct reader reader = reader_of(raw);
    struct bytes text = raw.at == NULL ? bytes_of(NULL, 0) : reader_str(&reader);
    if (raw.at != NULL && reader_end(&reader) == OK && text.len == 0)
        return "";
    return decoder_string(d, raw, FORM_DATE, what);
}

static void decode_authorities(struct decoder *d, struct bytes raw)
{
    struct policy *policy = d->policy;
    struct reader reader;
    decoder_place(d, "authority");
    size_t count = decoder_array(d, raw, &reader, 26, "authorities");
    struct policy_authority *all = decoder_take(d, count, sizeof *all);
    char last = 0;
    for (size_t i = 0; i < count && d->err == OK; i++) {
        decoder_place(d, "authority");
        reader_array_of(&reader, 4);
        struct bytes letter = reader_str(&reader);
        struct bytes label = reader_raw(&reader);
        bool computed = reader_bool(&reader);
        struct bytes only = reader_raw(&reader);
        if (reader.err != OK || letter.len != 1 || letter.at[0] < 'A' || letter.at[0] > 'Z' ||
            (char)letter.at[0] <= last) {
            decoder_bad(d, "letters are capitals, each once, in order");
            return;
        }
        last = (char)letter.at[0];
        decoder_place(d, "authority %c", last);
        all[i] = (struct policy_authority){ .letter = last, .computed = computed };
        all[i].label = decoder_string(d, label, FORM_LABEL, "label");
        if (!decoder_expr(d, only, "only", &all[i].only))
            return;
        policy->narrow |= all[i].only != NULL ? AUTHORITY(last) : 0;
        if (computed && all[i].only != NULL)
            decoder_bad(d, "a computed authority has no `only`");
        d->letters |= AUTHORITY(last);
        policy->computed |= computed ? AUTHORITY(last) : 0;
    }
    policy->authorities = all;
    policy->authority_count = count;
}

static void decode_countersigners(struct decoder *d, struct bytes raw, struct policy_role *role)
{
    struct reader reader;
    size_t count = decoder_array(d, raw, &reader, ROLES_MAX, "countersigners");
    const char **all = decoder_take(d, count, sizeof *all);
    const char *before = NULL;
    for (size_t i = 0; i < count && d->err == OK; i++) {
        const char *name = decoder_string(d, reader_raw(&reader), FORM_NAME, "countersigner");
        if (name != NULL && before != NULL && strcmp(name, before) <= 0)
            decoder_bad(d, "countersigners are not unique and sorted");
        all[i] = before = name;
    }
    role->countersigners = all;
    role->countersigner_count = count;
}

/* A role that countersigns for itself would let one person be both. */
static void countersigners_fit(struct decoder *d)
{
    for (size_t i = 0; i < d->policy->role_count && d->err == OK; i++) {
        const struct policy_role *role = &d->policy->roles[i];
        decoder_place(d, "role %s", role->name);
        for (size_t k = 0; k < role->countersigner_count; k++)
            if (strcmp(role->countersigners[k], role->name) == 0)
                decoder_bad(d, "a role does not countersign for itself");
            else if (policy_role(d->policy, bytes_text(role->countersigners[k])) == NULL)
                decoder_bad(d, "there is no role \"%s\"", role->countersigners[k]);
    }
}

static void decode_roles(struct decoder *d, struct bytes raw)
{
    struct reader reader;
    decoder_place(d, "role");
    size_t count = decoder_array(d, raw, &reader, ROLES_MAX, "roles");
    struct policy_role *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        decoder_place(d, "role");
        reader_array_of(&reader, 5);
        struct bytes name = reader_raw(&reader);
        struct bytes label = reader_raw(&reader);
        struct bytes letters = reader_raw(&reader);
        struct bytes countersigners = reader_raw(&reader);
        uint64_t flags = reader_uint_max(&reader, ROLE_FULL | ROLE_SINGLE);
        if (reader.err != OK) {
            decoder_bad(d, "is not [name, label, authority, countersigners, flags]");
            return;
        }
        all[i].full = (flags & ROLE_FULL) != 0;
        all[i].single = (flags & ROLE_SINGLE) != 0;
        all[i].name = decoder_string(d, name, FORM_NAME, "name");
        if (all[i].name == NULL)
            return;
        decoder_place(d, "role %s", all[i].name);
        if (i > 0 && strcmp(all[i].name, all[i - 1].name) <= 0)
            decoder_bad(d, "names are not unique and sorted");
        all[i].label = decoder_string(d, label, FORM_LABEL, "label");
        if (decoder_letters(d, letters, &all[i].authority) &&
            (all[i].authority & d->policy->computed) != 0)
            decoder_bad(d, "no role holds a computed authority");
        if (d->err == OK)
            decode_countersigners(d, countersigners, &all[i]);
    }
    d->policy->roles = all;
    d->policy->role_count = count;
    if (d->err == OK)
        countersigners_fit(d);
}

static void decode_areas(struct decoder *d, struct bytes raw)
{
    struct reader reader;
    decoder_place(d, "areas");
    size_t count = decoder_array(d, raw, &reader, RULES_BYTES_MAX / 4, "areas");
    struct policy_area *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        reader_array_of(&reader, 4);
        struct bytes code = reader_raw(&reader);
        struct bytes name = reader_raw(&reader);
        struct bytes from = reader_raw(&reader);
        struct bytes until = reader_raw(&reader);
        if (reader.err != OK) {
            decoder_bad(d, "an area is not [code, name, from, until]");
            return;
        }
        all[i].code = decoder_string(d, code, FORM_AREA, "code");
        decoder_place(d, "areas area %s", all[i].code != NULL ? all[i].code : "");
        all[i].name = decoder_string(d, name, FORM_LABEL, "name");
        all[i].from = decoder_date_or_none(d, from, "from");
        all[i].until = decoder_date_or_none(d, until, "until");
        if (all[i].code == NULL || all[i].from == NULL || all[i].until == NULL)
            return;
        if (all[i].until[0] != '\0' && strcmp(all[i].until, all[i].from) <= 0)
            decoder_bad(d, "until is not after from");
        if (d->err == OK && i > 0 && strcmp(all[i].code, all[i - 1].code) <= 0)
            decoder_bad(d, "area %s is not unique and sorted", all[i].code);
    }
    d->policy->areas = all;
    d->policy->area_count = count;
}

static void decode_settings(struct decoder *d, struct bytes raw)
{
    struct reader reader = reader_of(raw);
    decoder_place(d, "settings");
    size_t count = reader_map(&reader);
    struct policy_setting *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        struct bytes name = reader_str(&reader);
        all[i].value = reader_int(&reader);
        if (reader.err != OK || !name_ok(name))
            decoder_bad(d, "settings are names with whole numbers");
        else
            all[i].name = decoder_copy(d, name);
    }
    if (d->err == OK && reader_end(&reader) != OK)
        decoder_bad(d, "settings are names with whole numbers");
    d->policy->settings = all;
    d->policy->setting_count = count;
}

/* Typed text must find one code, whatever its case and whether it is a code or a label. */
static void codes_distinct(struct decoder *d, const struct policy_code_version *version)
{
    for (size_t i = 0; i < version->code_count && d->err == OK; i++)
        for (size_t k = 0; k < i; k++) {
            const struct policy_code *a = &version->codes[i];
            const struct policy_code *b = &version->codes[k];
            must(a->code != NULL && a->label != NULL && b->code != NULL && b->label != NULL);
            if (strcasecmp(a->code, b->code) == 0 || strcasecmp(a->label, b->label) == 0 ||
                strcasecmp(a->code, b->label) == 0 || strcasecmp(a->label, b->code) == 0) {
                decoder_bad(d, "codes %s and %s cannot be told apart by code or label", b->code,
                            a->code);
                return;
            }
        }
}

static void decode_version(struct decoder *d, struct reader *reader, const char *list,
                           struct policy_code_version *ret_version)
{
    reader_array_of(reader, 2);
    struct bytes from = reader_raw(reader);
    struct bytes codes = reader_raw(reader);
    struct reader walk;
    const char *date = decoder_string(d, from, FORM_DATE, "version");
    if (date == NULL)
        return;
    memcpy(ret_version->from, date, sizeof ret_version->from);
    decoder_place(d, "code_list %s version %s", list, date);
    size_t count = decoder_array(d, codes, &walk, CODES_PER_VERSION_MAX, "codes");
    struct policy_code *all = decoder_take(d, count, sizeof *all);
    if (count == 0)
        decoder_bad(d, "has no codes");
    for (size_t i = 0; i < count && d->err == OK; i++) {
        decoder_place(d, "code_list %s version %s", list, date);
        reader_array_of(&walk, 3);
        struct bytes code = reader_raw(&walk);
        struct bytes label = reader_raw(&walk);
        all[i].restricted = reader_bool(&walk);
        if (walk.err != OK) {
            decoder_bad(d, "a code is not [code, label, restricted]");
            return;
        }
        all[i].code = decoder_string(d, code, FORM_CODE, "code");
        if (all[i].code == NULL)
            return;
        decoder_place(d, "code_list %s version %s code %s", list, date, all[i].code);
        all[i].label = decoder_string(d, label, FORM_LABEL, "label");
        if (i > 0 && strcmp(all[i].code, all[i - 1].code) <= 0)
            decoder_bad(d, "codes are not unique and sorted");
    }
    ret_version->codes = all;
    ret_version->code_count = count;
    decoder_place(d, "code_list %s version %s", list, date);
    codes_distinct(d, ret_version);
}

static void decode_lists(struct decoder *d, struct bytes raw)
{
    struct reader reader;
    decoder_place(d, "code_list");
    size_t count = decoder_array(d, raw, &reader, 256, "code lists");
    struct policy_code_list *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        reader_array_of(&reader, 2);
        struct bytes name = reader_raw(&reader);
        struct bytes versions = reader_raw(&reader);
        decoder_place(d, "code_list");
        all[i].name = decoder_string(d, name, FORM_NAME, "name");
        if (all[i].name == NULL)
            return;
        decoder_place(d, "code_list %s", all[i].name);
        if (i > 0 && strcmp(all[i].name, all[i - 1].name) <= 0)
            decoder_bad(d, "names are not unique and sorted");
        struct reader walk;
        size_t version_count = decoder_array(d, versions, &walk, 64, "versions");
        if (version_count == 0)
            decoder_bad(d, "has no version");
        struct policy_code_version *list = decoder_take(d, version_count, sizeof *list);
        for (size_t k = 0; k < version_count && d->err == OK; k++) {
            decode_version(d, &walk, all[i].name, &list[k]);
            if (d->err == OK && k > 0 && strcmp(list[k].from, list[k - 1].from) <= 0)
                decoder_bad(d, "versions are not unique and sorted");
        }
        all[i].versions = list;
        all[i].version_count = version_count;
    }
    d->policy->code_lists = all;
    d->policy->code_list_count = count;
}

enum {
    DOC_AREAS,
    DOC_AUTHORITIES,
    DOC_COLLECTIONS,
    DOC_DICTIONARY,
    DOC_DISTRICT,
    DOC_FORMAT,
    DOC_LISTS,
    DOC_PREVIOUS,
    DOC_ROLES,
    DOC_SETTINGS,
    DOC_TABLES,
    DOC_VERSION,
    DOC_COUNT
};

static const char *const doc_keys[DOC_COUNT] = { "areas",      "authorities", "collections",
                                                 "dictionary", "district",    "format",
                                                 "lists",      "previous",    "roles",
                                                 "settings",   "tables",      "version" };

static void decode_head(struct decoder *d, const struct bytes *doc)
{
    struct policy *policy = d->policy;
    struct reader version = reader_of(doc[DOC_VERSION]);
    struct reader previous = reader_of(doc[DOC_PREVIOUS]);
    decoder_place(d, "district");
    policy->district = decoder_string(d, doc[DOC_DISTRICT], FORM_AREA, "district");
    if (policy->district != NULL && strlen(policy->district) > DISTRICT_TEXT_MAX)
        decoder_bad(d, "district is too long");
    decoder_place(d, "version");
    policy->version = reader_uint(&version);
    reader_fixed(&previous, policy->previous.at, HASH_BYTES);
    static const struct hash zero;
    if (reader_end(&version) != OK || policy->version == 0)
        decoder_bad(d, "version is not a number from 1 on");
    else if (reader_end(&previous) != OK)
        decoder_bad(d, "previous is not a hash");
    else if ((policy->version == 1) != hash_equal(&policy->previous, &zero))
        decoder_bad(d, "version 1, and no other, has a zero previous");
    policy->has_dictionary = doc[DOC_DICTIONARY].at != NULL;
    if (!policy->has_dictionary || d->err != OK)
        return;
    decoder_place(d, "dictionary");
    struct reader dictionary = reader_of(doc[DOC_DICTIONARY]);
    reader_fixed(&dictionary, policy->dictionary.at, HASH_BYTES);
    if (reader_end(&dictionary) != OK)
        decoder_bad(d, "dictionary is not a hash");
}

static void decode_document(struct decoder *d)
{
    struct bytes doc[DOC_COUNT];
    struct policy *policy = d->policy;
    decoder_place(d, "rules");
    if (!decoder_map(d, policy->document, doc_keys, DOC_COUNT, doc))
        return;
    for (size_t i = 0; i < DOC_COUNT; i++)
        if (doc[i].at == NULL && i != DOC_DICTIONARY && i != DOC_TABLES) {
            decoder_bad(d, "%s is missing", doc_keys[i]);
            return;
        }
    decode_head(d, doc);
    if (d->err == OK)
        decode_authorities(d, doc[DOC_AUTHORITIES]);
    if (d->err == OK)
        decode_roles(d, doc[DOC_ROLES]);
    if (d->err == OK)
        decode_areas(d, doc[DOC_AREAS]);
    if (d->err == OK)
        decode_settings(d, doc[DOC_SETTINGS]);
    if (d->err == OK)
        decode_lists(d, doc[DOC_LISTS]);
    if (d->err == OK && doc[DOC_TABLES].at != NULL)
        decode_tables(d, doc[DOC_TABLES]);
    if (d->err == OK)
        decode_collections(d, doc[DOC_COLLECTIONS]);
}

/* The format number before all else: a newer document may have keys that are unknown here. 0: none.
 */
static uint64_t format_of(struct bytes document)
{
    struct reader reader = reader_of(document);
    size_t pairs = reader_map(&reader);
    for (size_t i = 0; i < pairs && reader.err == OK; i++) {
        struct bytes key = reader_str(&reader);
        if (bytes_is(key, "format"))
            return reader_uint(&reader);
        (void)reader_raw(&reader);
    }
    return 0;
}

enum err policy_decode(struct bytes document, struct policy **ret_policy, struct problem *problem)
{
    if (document.len > RULES_BYTES_MAX)
        return problem_setf(problem, ERR_LIMIT, "rules", "%zu bytes, at most %d", document.len,
                            RULES_BYTES_MAX);
    enum err err = codec_scan(document);
    if (err != OK)
        return problem_set(problem, err, "rules", "not one canonical value");
    uint64_t format = format_of(document);
    if (format != RULES_FORMAT)
        return problem_set(problem, format > RULES_FORMAT ? ERR_VERSION : ERR_MALFORMED, "rules",
                           "format");

    struct policy *policy = calloc(1, sizeof *policy);
    if (policy == NULL)
        return problem_set(problem, ERR_MEMORY, "rules", NULL);
    struct decoder d = { .policy = policy, .problem = problem, .place = "rules" };
    const char *copy = decoder_copy(&d, document);
    if (copy != NULL) {
        policy->document = bytes_of(copy, document.len);
        crypto_hash("rules", &policy->document, 1, &policy->hash);
        decode_document(&d);
    }
    err = d.err;
    if (err != OK)
        policy_close(&policy);
    else
        *ret_policy = policy;
    return err;
}

void policy_close(struct policy **policy)
{
    if (*policy == NULL)
        return;
    struct block *block = (*policy)->arena;
    while (block != NULL) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(*policy);
    *policy = NULL;
}
