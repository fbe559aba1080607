#include "proto/value.h"

#include <stdio.h>
#include <strings.h>

#include "common/must.h"
#include "proto/endorse.h"
#include "proto/value_form.h"

struct check {
    const struct policy *policy;
    const struct policy_field *field; /* of the element, inside a list */
    const char *date;                 /* NULL: not known, what ever was in force passes */
    struct problem *problem;
    struct warnings *warnings;
};

bool value_is_nil(struct bytes value)
{
    struct reader reader = reader_of(value);
    return value.len > 0 && reader_peek(&reader) == KIND_NIL;
}

struct bytes value_or_nothing(struct bytes value)
{
    return value.len == 0 || value_is_nil(value) ? bytes_of(NULL, 0) : value;
}

struct bytes value_string(struct bytes value)
{
    struct reader reader = reader_of(value);
    return value.len > 0 && reader_peek(&reader) == KIND_STR ? reader_str(&reader)
                                                             : bytes_of(NULL, 0);
}

struct bytes text_trim(struct bytes text)
{
    while (text.len > 0 && strchr(" \t\r\n", text.at[0]) != NULL && text.at[0] != 0)
        text = bytes_of(text.at + 1, text.len - 1);
    while (text.len > 0 && strchr(" \t\r\n", text.at[text.len - 1]) != NULL &&
           text.at[text.len - 1] != 0)
        text.len--;
    return text;
}

bool text_same_loose(struct bytes text, const char *other)
{
    return text.len == strlen(other) && strncasecmp((const char *)text.at, other, text.len) == 0;
}

void text_echo(const struct policy_field *field, struct bytes text, char *ret, size_t cap)
{
    ret[0] = '\0';
    if (field->sensitivity != SENSITIVITY_U || !codec_utf8(text))
        return;
    size_t len = text.len < 40 ? text.len : 40;
    while (len < text.len && len > 0 && (text.at[len] & 0xC0) == 0x80)
        len--;
    snprintf(ret, cap, ": \"%.*s%s\"", (int)len, (const char *)text.at, len < text.len ? "…" : "");
}

struct policy_field field_of_element(const struct policy_field *field)
{
    struct policy_field element = *field;
    if (field->type == FIELD_LIST) {
        element.type = field->element;
        element.length_max = element.type == FIELD_MAP ? MAP_ITEMS_MAX : TEXT_CHARS_MAX;
    }
    return element;
}

/* Levenshtein's distance of two short ASCII-ish texts, letters of either case. */
static unsigned distance(struct bytes a, struct bytes b)
{
    unsigned row[IDENTIFIER_BYTES_MAX + 1];
    if (a.len > IDENTIFIER_BYTES_MAX)
        a.len = IDENTIFIER_BYTES_MAX;
    if (b.len > IDENTIFIER_BYTES_MAX)
        b.len = IDENTIFIER_BYTES_MAX;
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned corner = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            bool same = strncasecmp((const char *)a.at + i - 1, (const char *)b.at + j - 1, 1) == 0;
            unsigned best = corner + (same ? 0 : 1);
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[b.len];
}

void nearest_add(struct nearest *nearest, const char *name, const char *label)
{
    unsigned far = distance(nearest->typed, bytes_text(name));
    unsigned by_label = label == NULL ? far : distance(nearest->typed, bytes_text(label));
    if (by_label < far)
        far = by_label;
    size_t at = nearest->count;
    while (at > 0 && nearest->distance[at - 1] > far)
        at--;
    if (at == NEAREST_MAX)
        return;
    size_t last = nearest->count < NEAREST_MAX ? nearest->count++ : NEAREST_MAX - 1;
    for (size_t i = last; i > at; i--) {
        nearest->distance[i] = nearest->distance[i - 1];
        nearest->name[i] = nearest->name[i - 1];
    }
    nearest->distance[at] = far;
    nearest->name[at] = name;
}

void nearest_text(const struct nearest *nearest, char *ret, size_t cap)
{
    size_t len = 0;
    ret[0] = '\0';
    for (size_t i = 0; i < nearest->count && len < cap; i++)
        len += (size_t)snprintf(ret + len, cap - len, "%s%s", i > 0 ? ", " : "", nearest->name[i]);
}

bool decimal_scaled(struct bytes text, int64_t *ret_scaled)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    size_t at = negative ? 1 : 0;
    int64_t scaled = 0;
    size_t whole = 0;
    for (; at < text.len && text.at[at] >= '0' && text.at[at] <= '9'; at++, whole++) {
        if (whole == DECIMAL_DIGITS_MAX || (whole == 1 && scaled == 0))
            return false; /* too long, or a leading zero */
        scaled = scaled * 10 + (text.at[at] - '0');
    }
    if (whole == 0)
        return false;
    scaled *= DECIMAL_SCALE;
    if (at < text.len) {
        if (text.at[at] != '.' || at + 1 == text.len || text.at[text.len - 1] == '0')
            return false;
        int64_t unit = DECIMAL_SCALE;
        for (at++; at < text.len; at++) {
            if (text.at[at] < '0' || text.at[at] > '9' || unit == 1)
                return false;
            unit /= 10;
            scaled += (text.at[at] - '0') * unit;
        }
    }
    if (negative && scaled == 0)
        return false;
    *ret_scaled = negative ? -scaled : scaled;
    return true;
}

static enum err refuse(const struct check *check, enum err code, const char *detail)
{
    return problem_set(check->problem, code, check->field->name, detail);
}

static void warn(const struct check *check, enum err code, const char *detail)
{
    if (check->warnings == NULL || check->warnings->count == WARNINGS_MAX)
        return;
    struct problem *slot = &check->warnings->list[check->warnings->count++];
    (void)problem_set(slot, code, check->field->name, detail);
}

static enum err check_text(const struct check *check, struct bytes text)
{
    char detail[64];
    if (text.len == 0)
        return refuse(check, ERR_VALUE, "\"\"");
    /* Other controls break lists, CSV and terminals, or show something else than there is. */
    if (!codec_plain(text, "\t\n"))
        return refuse(check, ERR_TEXT, "a control or direction mark");
    size_t chars = 0;
    for (size_t i = 0; i < text.len; i++)
        chars += (text.at[i] & 0xC0) != 0x80;
    if (chars > check->field->length_max) {
        snprintf(detail, sizeof detail, "%zu > %u", chars, check->field->length_max);
        return refuse(check, ERR_LENGTH, detail);
    }
    return OK;
}

static enum err check_range(const struct check *check, int64_t number)
{
    const struct policy_field *field = check->field;
    if (number >= field->min && number <= field->max)
        return OK;
    char detail[64] = "";
    char low[24] = "";
    char high[24] = "";
    if (field->min != INT64_MIN)
        snprintf(low, sizeof low, "%lld", (long long)field->min);
    if (field->max != INT64_MAX)
        snprintf(high, sizeof high, "%lld", (long long)field->max);
    snprintf(detail, sizeof detail, "%s..%s", low, high);
    return refuse(check, ERR_RANGE, detail);
}

static enum err check_decimal(const struct check *check, struct bytes text)
{
    int64_t scaled = 0;
    char echo[ECHO_BYTES_MAX];
    if (!decimal_scaled(text, &scaled)) {
        text_echo(check->field, text, echo, sizeof echo);
        return refuse(check, ERR_DECIMAL, echo[0] != '\0' ? echo + 2 : "…");
    }
    /* The bounds are whole: one below the floor, or the next above, is outside. */
    int64_t down = scaled / DECIMAL_SCALE - (scaled % DECIMAL_SCALE < 0);
    int64_t up = scaled / DECIMAL_SCALE + (scaled % DECIMAL_SCALE > 0);
    enum err err = check_range(check, down);
    return err != OK ? err : check_range(check, up);
}

/* NIK: 6 digits area, ddmmyy (women: day + 40), 4 digits serial from 0001; no century. */
static void warn_nik(const struct check *check, struct bytes digits)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int day = (digits.at[6] - '0') * 10 + (digits.at[7] - '0');
    int month = (digits.at[8] - '0') * 10 + (digits.at[9] - '0');
    if (day > 40)
        day -= 40;
    if (month < 1 || month > 12 || day < 1 || day > days[month - 1])
        warn(check, ERR_NIK_ODD, "7-12");
    else if (memcmp(digits.at + 12, "0000", 4) == 0)
        warn(check, ERR_NIK_ODD, "13-16");
}

static enum err check_16_digits(const struct check *check, enum err code, struct bytes text)
{
    char detail[64];
    size_t digits = 0;
    size_t zeros = 0;
    for (size_t i = 0; i < text.len; i++) {
        digits += text.at[i] >= '0' && text.at[i] <= '9';
        zeros += text.at[i] == '0';
    }
    if (digits == NUMBER_16_DIGITS && text.len == NUMBER_16_DIGITS && zeros < NUMBER_16_DIGITS) {
        if (code == ERR_NIK)
            warn_nik(check, text);
        return OK;
    }
    for (size_t i = 1; i + 1 < text.len; i++)
        if ((text.at[i] == 'E' || text.at[i] == 'e') &&
            (text.at[i + 1] == '+' || (text.at[i + 1] >= '0' && text.at[i + 1] <= '9')) &&
            text.at[i - 1] >= '0' && text.at[i - 1] <= '9') {
            snprintf(detail, sizeof detail, "%.*s", (int)(text.len - i < 4 ? text.len - i : 4),
                     (const char *)text.at + i);
            return refuse(check, ERR_SPREADSHEET, detail);
        }
    if (digits == NUMBER_16_DIGITS && zeros == NUMBER_16_DIGITS)
        snprintf(detail, sizeof detail, "16 × 0");
    else if (digits == text.len)
        snprintf(detail, sizeof detail, "%zu", digits);
    else
        snprintf(detail, sizeof detail, "%zu digits, %zu other", digits, text.len - digits);
    return refuse(check, code, detail);
}

static enum err check_code(const struct check *check, struct bytes text)
{
    const struct policy_code_list *list = check->field->codes;
    const struct policy_code_version *version =
        check->date ? policy_codes_at(list, check->date) : &list->versions[list->version_count - 1];
    if (policy_code(version, text) != NULL)
        return OK;
    for (size_t i = 0; check->date == NULL && i < list->version_count; i++)
        if (policy_code(&list->versions[i], text) != NULL)
            return OK;
    char detail[PROBLEM_DETAIL_MAX];
    struct nearest nearest = { .typed = text };
    for (size_t i = 0; i < version->code_count; i++)
        nearest_add(&nearest, version->codes[i].code, version->codes[i].label);
    nearest_text(&nearest, detail, sizeof detail);
    return refuse(check, ERR_CODE, detail);
}

static enum err check_area(const struct check *check, struct bytes text)
{
    char echo[ECHO_BYTES_MAX];
    text_echo(check->field, text, echo, sizeof echo);
    if (policy_area(check->policy, text) == NULL)
        return refuse(check, ERR_AREA_UNKNOWN, echo);
    char detail[64];
    const struct policy_area *area = policy_area(check->policy, text);
    if (check->date && !policy_area_at(area, check->date)) {
        snprintf(detail, sizeof detail, " (%s, %s%s%s)", check->date, area->from,
                 area->until[0] != '\0' ? " – " : "", area->until);
        return refuse(check, ERR_AREA_UNKNOWN, detail);
    }
    if (check->field->area_level != 0 && area_level(text) != check->field->area_level) {
        snprintf(detail, sizeof detail, "%u, not %u", area_level(text), check->field->area_level);
        return refuse(check, ERR_AREA_LEVEL, detail);
    }
    return OK;
}

static enum err check_blob(const struct check *check, struct reader *reader)
{
    uint8_t hash[HASH_BYTES];
    reader_array_of(reader, 3);
    reader_fixed(reader, hash, sizeof hash);
    uint64_t size = reader_uint(reader);
    struct bytes media = reader_str(reader);
    bool slash = media.len > 0 && memchr(media.at, '/', media.len) != NULL;
    for (size_t i = 0; i < media.len; i++)
        if (media.at[i] <= ' ' || media.at[i] >= 0x7F || media.at[i] == '|')
            slash = false;
    if (reader->err != OK || size == 0 || !slash || media.len > IDENTIFIER_BYTES_MAX * 2)
        return refuse(check, ERR_VALUE, field_type_name(FIELD_BLOB));
    return OK;
}

static bool map_key_known(const struct policy_field *field, struct bytes key)
{
    if (field->map_key_count == 0)
        return true;
    for (size_t i = 0; i < field->map_key_count; i++)
        if (bytes_is(key, field->map_keys[i]))
            return true;
    return false;
}

static enum err check_map(const struct check *check, struct reader *reader)
{
    char detail[PROBLEM_DETAIL_MAX];
    size_t count = reader_map(reader);
    if (count == 0)
        return refuse(check, ERR_VALUE, "0");
    if (count > check->field->length_max) {
        snprintf(detail, sizeof detail, "%zu > %u", count, check->field->length_max);
        return refuse(check, ERR_LENGTH, detail);
    }
    struct policy_field text_field = *check->field;
    text_field.length_max = TEXT_CHARS_MAX;
    struct check text_check = *check;
    text_check.field = &text_field;
    for (size_t i = 0; i < count; i++) {
        struct bytes key = reader_str(reader);
        if (!map_key_known(check->field, key)) {
            struct nearest nearest = { .typed = key };
            for (size_t k = 0; k < check->field->map_key_count; k++)
                nearest_add(&nearest, check->field->map_keys[k], NULL);
            nearest_text(&nearest, detail, sizeof detail);
            return refuse(check, ERR_PART, detail);
        }
        text_field.length_max = IDENTIFIER_BYTES_MAX;
        enum err err = check_text(&text_check, key);
        text_field.length_max = TEXT_CHARS_MAX;
        enum codec_kind kind = reader_peek(reader);
        if (err == OK && kind == KIND_STR)
            err = check_text(&text_check, reader_str(reader));
        else if (err == OK && kind == KIND_INT)
            (void)reader_int(reader);
        else if (err == OK && kind == KIND_BOOL)
            (void)reader_bool(reader);
        else if (err == OK)
            err = refuse(check, ERR_VALUE, field_type_name(FIELD_MAP));
        if (err != OK)
            return err;
    }
    return OK;
}

/* What the first byte of a value of this type may announce. */
static enum codec_kind kind_of(enum field_type type)
{
    switch (type) {
    case FIELD_TEXT:
    case FIELD_DECIMAL:
    case FIELD_DATE:
    case FIELD_ENUM:
    case FIELD_NIK:
    case FIELD_KK:
    case FIELD_AREA:
    case FIELD_SIGNATURE:
        return KIND_STR;
    case FIELD_INTEGER:
    case FIELD_MONEY:
    case FIELD_TIME:
        return KIND_INT;
    case FIELD_BOOL:
        return KIND_BOOL;
    case FIELD_REFERENCE:
        return KIND_BIN;
    case FIELD_BLOB:
    case FIELD_LIST:
        return KIND_ARRAY;
    case FIELD_MAP:
        return KIND_MAP;
    case FIELD_TYPE_COUNT:
        break;
    }
    must(type < FIELD_TYPE_COUNT);
    return KIND_END;
}

static enum err check_string(const struct check *check, struct bytes text)
{
    struct endorsement endorsement;
    char echo[ECHO_BYTES_MAX];
    enum field_type type = check->field->type;
    if (type == FIELD_TEXT)
        return check_text(check, text);
    if (type == FIELD_DECIMAL)
        return check_decimal(check, text);
    if (type == FIELD_ENUM)
        return check_code(check, text);
    if (type == FIELD_NIK)
        return check_16_digits(check, ERR_NIK, text);
    if (type == FIELD_KK)
        return check_16_digits(check, ERR_KK, text);
    if (type == FIELD_AREA)
        return check_area(check, text);
    if (type == FIELD_SIGNATURE)
        return endorsement_parse(text, &endorsement)
                   ? OK
                   : refuse(check, ERR_VALUE, field_type_name(FIELD_SIGNATURE));
    must(type == FIELD_DATE);
    text_echo(check->field, text, echo, sizeof echo);
    return date_iso(text) ? OK : refuse(check, ERR_DATE, echo);
}

/* Any type but list: lists do not nest. */
static enum err check_one(const struct check *check, struct reader *reader)
{
    char text[TIME_TEXT_BYTES];
    const struct policy_field *field = check->field;
    if (reader_peek(reader) != kind_of(field->type))
        return refuse(check, ERR_VALUE, field_type_name(field->type));
    switch (kind_of(field->type)) {
    case KIND_STR:
        return check_string(check, reader_str(reader));
    case KIND_INT: {
        int64_t number = reader_int(reader);
        if (field->type == FIELD_TIME)
            return time_to_text(number, text) ? OK : refuse(check, ERR_TIME, "");
        return check_range(check, number);
    }
    case KIND_BOOL:
        (void)reader_bool(reader);
        return OK;
    case KIND_BIN: {
        struct bytes id = reader_bin(reader);
        return id.len == ID_BYTES ? OK : refuse(check, ERR_VALUE, field_type_name(field->type));
    }
    case KIND_ARRAY:
        return check_blob(check, reader);
    case KIND_MAP:
        return check_map(check, reader);
    case KIND_NIL:
    case KIND_END:
        break;
    }
    must(kind_of(field->type) != KIND_END); /* every type has a kind of its own above */
    return ERR_INTERNAL;
}

static enum err check_list(const struct check *check, struct reader *reader)
{
    char detail[64];
    struct bytes seen[LIST_ITEMS_MAX];
    if (reader_peek(reader) != KIND_ARRAY)
        return refuse(check, ERR_VALUE, field_type_name(FIELD_LIST));
    size_t count = reader_array(reader);
    if (count == 0)
        return refuse(check, ERR_VALUE, "0");
    if (count > check->field->length_max || count > LIST_ITEMS_MAX) {
        snprintf(detail, sizeof detail, "%zu > %u", count, check->field->length_max);
        return refuse(check, ERR_LENGTH, detail);
    }
    struct policy_field element = field_of_element(check->field);
    struct check element_check = *check;
    element_check.field = &element;
    for (size_t i = 0; i < count; i++) {
        seen[i] = reader_raw(reader);
        struct reader one = reader_of(seen[i]);
        enum err err = check_one(&element_check, &one);
        if (err != OK)
            return err;
        for (size_t k = 0; k < i; k++)
            if (bytes_equal(seen[i], seen[k])) {
                snprintf(detail, sizeof detail, "%zu = %zu", k + 1, i + 1);
                return refuse(check, ERR_TWICE, detail);
            }
    }
    return OK;
}

enum err value_check(const struct policy *policy, const struct policy_field *field,
                     const char *date, struct bytes value, struct problem *problem,
                     struct warnings *warnings)
{
    struct check check = {
        .policy = policy, .field = field, .date = date, .problem = problem, .warnings = warnings
    };
    if (value_is_nil(value))
        return OK;
    struct reader reader = reader_of(value);
    enum err err =
        field->type == FIELD_LIST ? check_list(&check, &reader) : check_one(&check, &reader);
    if (err == OK && reader_end(&reader) != OK)
        err = refuse(&check, ERR_VALUE, field_type_name(field->type));
    return err;
}
