/* Between what people type (or keep in CSV) and canonical values. Lists are "a|b", maps "k=v|k=v"
 * (in a list of maps ";" takes the place of "|"); a backslash takes the next character as it is. */
#include <stdio.h>
#include <stdlib.h>

#include "common/crypto.h"
#include "common/must.h"
#include "proto/value_form.h"

struct parse {
    const struct policy *policy;
    const struct policy_field *field;
    const char *date;
    struct problem *problem;
};

#define HASH_HEX_BYTES ((size_t)2 * HASH_BYTES)

/* "jenis=…|nama=…": what a map looks like, in any language. */
static enum err refuse_map(const struct parse *parse, char separator)
{
    const struct policy_field *field = parse->field;
    char shape[PROBLEM_DETAIL_MAX] = "";
    size_t len = 0;
    for (size_t i = 0; i < field->map_key_count && len < sizeof shape / 2; i++)
        len += (size_t)snprintf(shape + len, sizeof shape - len, "%.*s%s=…", len > 0 ? 1 : 0,
                                &separator, field->map_keys[i]);
    return problem_set(parse->problem, ERR_VALUE, field->name,
                       len > 0 ? shape : field_type_name(field->type));
}

static enum err refuse(const struct parse *parse, enum err code, struct bytes text)
{
    char echo[ECHO_BYTES_MAX];
    text_echo(parse->field, text, echo, sizeof echo);
    bool bare =
        code == ERR_NUMBER || code == ERR_DECIMAL || code == ERR_REFERENCE || code == ERR_VALUE;
    if (bare)
        return problem_set(parse->problem, code, parse->field->name,
                           echo[0] != '\0' ? echo + 2 : field_type_name(parse->field->type));
    return problem_set(parse->problem, code, parse->field->name, echo);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "-25"; no groups, no spaces, no leading zeros dropped in silence except for the number itself. */
static bool integer_parse(struct bytes text, int64_t *ret)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    size_t at = negative ? 1 : 0;
    if (at == text.len)
        return false;
    uint64_t number = 0;
    for (; at < text.len; at++) {
        if (!is_digit(text.at[at]) || number > (INT64_MAX - 9) / 10)
            return false;
        number = number * 10 + (uint64_t)(text.at[at] - '0');
    }
    *ret = negative ? -(int64_t)number : (int64_t)number;
    return true;
}

/* "Rp 1.500.000", "1,500,000.00", "1500000,-". Groups, where there are any, are of three digits and
 * of one kind of separator, so that "1.50" or "1,5" never becomes another amount. */
static bool money_parse(struct bytes text, int64_t *ret)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    if (negative)
        text = bytes_of(text.at + 1, text.len - 1);
    if (text.len >= 2 && text_same_loose(bytes_of(text.at, 2), "rp")) {
        text = bytes_of(text.at + 2, text.len - 2);
        if (text.len > 0 && text.at[0] == '.')
            text = bytes_of(text.at + 1, text.len - 1);
        text = text_trim(text);
    }
    if (text.len > 2 && (bytes_is(bytes_of(text.at + text.len - 2, 2), ",-") ||
                         bytes_is(bytes_of(text.at + text.len - 2, 2), ".-")))
        text.len -= 2;
    uint8_t tail = text.len > 3 ? text.at[text.len - 3] : 0;
    if ((tail == ',' || tail == '.') && memcmp(text.at + text.len - 2, "00", 2) == 0)
        text.len -= 3;
    else
        tail = 0;

    char digits[32];
    size_t count = 0;
    size_t since = 0;
    uint8_t separator = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (is_digit(c)) {
            if (count + 1 >= sizeof digits)
                return false;
            digits[count++] = (char)c;
            since++;
        } else if ((c == '.' || c == ',') && (separator == 0 || separator == c) && c != tail) {
            bool first = separator == 0;
            if (first ? since < 1 || since > 3 : since != 3)
                return false;
            separator = c;
            since = 0;
        } else {
            return false;
        }
    }
    if (count == 0 || (separator != 0 && since != 3))
        return false;
    int64_t amount = 0;
    if (!integer_parse(bytes_of(digits, count), &amount))
        return false;
    *ret = negative ? -amount : amount;
    return true;
}

/* "-6,12340" → "-6.1234". False when it cannot be made canonical. */
static bool decimal_parse(struct bytes text, char ret[32], size_t *ret_len)
{
    char canonical[32];
    size_t len = 0;
    size_t at = 0;
    bool negative = text.len > 0 && text.at[0] == '-';
    if (text.len > 0 && (text.at[0] == '-' || text.at[0] == '+'))
        at++;
    while (at + 1 < text.len && text.at[at] == '0' && is_digit(text.at[at + 1]))
        at++;
    if (negative)
        canonical[len++] = '-';
    bool point = false;
    for (; at < text.len && len < sizeof canonical; at++) {
        bool here = text.at[at] == '.' || text.at[at] == ',';
        if (here && point)
            return false;
        point = point || here;
        canonical[len++] = here ? '.' : (char)text.at[at];
    }
    if (at < text.len)
        return false;
    while (point && len > 0 && canonical[len - 1] == '0')
        len--;
    if (point && len > 0 && canonical[len - 1] == '.')
        len--;
    if (len == 2 && memcmp(canonical, "-0", 2) == 0) {
        canonical[0] = '0';
        len = 1;
    }
    int64_t scaled = 0;
    if (!decimal_scaled(bytes_of(canonical, len), &scaled))
        return false;
    memcpy(ret, canonical, len);
    *ret_len = len;
    return true;
}

static bool bool_parse(struct bytes text, bool *ret)
{
    static const char *const yes[] = { "ya", "true", "1", "yes", "y" };
    static const char *const no[] = { "tidak", "false", "0", "no", "t", "n" };
    for (size_t i = 0; i < COUNT_OF(yes); i++)
        if (text_same_loose(text, yes[i])) {
            *ret = true;
            return true;
        }
    for (size_t i = 0; i < COUNT_OF(no); i++)
        if (text_same_loose(text, no[i])) {
            *ret = false;
            return true;
        }
    return false;
}

/* A code, or a label, of the version in force; letters of either case. What is unknown is passed on
 * as it is, so that the check names the nearest. */
static struct bytes code_parse(const struct parse *parse, struct bytes text)
{
    const struct policy_code_version *version = policy_codes_at(parse->field->codes, parse->date);
    if (policy_code(version, text) != NULL)
        return text;
    for (size_t i = 0; i < version->code_count; i++)
        if (text_same_loose(text, version->codes[i].code) ||
            text_same_loose(text, version->codes[i].label))
            return bytes_text(version->codes[i].code);
    return text;
}

static bool same_digits(struct bytes typed, const char *code)
{
    size_t at = 0;
    for (; *code != '\0'; code++) {
        if (*code == '.')
            continue;
        if (at == typed.len || typed.at[at] != (uint8_t)*code)
            return false;
        at++;
    }
    return at == typed.len;
}

/* A code with or without its points, or a name that is the only one at the field's level. */
static enum err area_parse(const struct parse *parse, struct bytes text, struct bytes *ret)
{
    const struct policy *policy = parse->policy;
    const struct policy_area *found = NULL;
    char several[PROBLEM_DETAIL_MAX] = "";
    size_t len = 0;
    size_t count = 0;
    if (policy_area(policy, text) != NULL) {
        *ret = text;
        return OK;
    }
    for (size_t i = 0; i < policy->area_count; i++) {
        const struct policy_area *area = &policy->areas[i];
        unsigned level = parse->field->area_level;
        if (same_digits(text, area->code)) {
            *ret = bytes_text(area->code);
            return OK;
        }
        if ((level != 0 && area_level(bytes_text(area->code)) != level) ||
            !text_same_loose(text, area->name))
            continue;
        found = area;
        if (count++ < NEAREST_MAX && len < sizeof several)
            len += (size_t)snprintf(several + len, sizeof several - len, "%s%s",
                                    len > 0 ? ", " : "", area->code);
    }
    if (count > 1)
        return problem_set(parse->problem, ERR_AMBIGUOUS, parse->field->name, several);
    *ret = found != NULL ? bytes_text(found->code) : text;
    return OK;
}

/* 16 digits as people and spreadsheets decorate them: spaces, and an apostrophe in front. */
static struct bytes digits_parse(struct bytes text, char *space, size_t cap)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == ' ' || (i == 0 && text.at[i] == '\''))
            continue;
        if (len == cap)
            return text;
        space[len++] = (char)text.at[i];
    }
    return bytes_of(space, len);
}

/* "hash-in-hex size media/type" */
static enum err blob_parse(const struct parse *parse, struct bytes text, struct writer *out)
{
    uint8_t hash[HASH_BYTES];
    int64_t size = 0;
    if (text.len < HASH_HEX_BYTES + 4 || text.at[HASH_HEX_BYTES] != ' ' ||
        !crypto_unhex(bytes_of(text.at, HASH_HEX_BYTES), hash, sizeof hash))
        return refuse(parse, ERR_VALUE, text);
    struct bytes rest = bytes_of(text.at + HASH_HEX_BYTES + 1, text.len - HASH_HEX_BYTES - 1);
    const uint8_t *space = memchr(rest.at, ' ', rest.len);
    if (space == NULL || !integer_parse(bytes_of(rest.at, (size_t)(space - rest.at)), &size) ||
        size <= 0)
        return refuse(parse, ERR_VALUE, text);
    writer_array(out, 3);
    writer_bin(out, bytes_of(hash, sizeof hash));
    writer_uint(out, (uint64_t)size);
    writer_str(out, bytes_of(space + 1, rest.len - (size_t)(space - rest.at) - 1));
    return OK;
}

/* Splits off the part before the next bare `separator`; false when nothing is left. */
static bool split_next(struct bytes *rest, char separator, struct bytes *ret_part)
{
    if (rest->at == NULL)
        return false;
    size_t at = 0;
    while (at < rest->len && rest->at[at] != (uint8_t)separator)
        at += rest->at[at] == '\\' && at + 1 < rest->len ? 2 : 1;
    *ret_part = bytes_of(rest->at, at);
    *rest = at < rest->len ? bytes_of(rest->at + at + 1, rest->len - at - 1) : bytes_of(NULL, 0);
    return true;
}

/* Trims and takes the backslashes away, into `space` of at least part.len bytes. */
static struct bytes unescape(struct bytes part, char *space)
{
    size_t len = 0;
    part = text_trim(part);
    for (size_t i = 0; i < part.len; i++) {
        if (part.at[i] == '\\' && i + 1 < part.len)
            i++;
        space[len++] = (char)part.at[i];
    }
    return bytes_of(space, len);
}

struct pair {
    struct bytes key;
    struct bytes value;
};

static int pair_order(const void *a, const void *b)
{
    return codec_compare(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

/* Digits without a leading zero are a number, true and false a bool, all else text. */
static void map_value(struct bytes text, struct writer *out)
{
    int64_t number = 0;
    size_t first = text.len > 0 && text.at[0] == '-' ? 1 : 0;
    bool plain = text.len > first && (text.at[first] != '0' || text.len == 1);
    if (plain && integer_parse(text, &number))
        writer_int(out, number);
    else if (bytes_is(text, "true") || bytes_is(text, "false"))
        writer_bool(out, bytes_is(text, "true"));
    else
        writer_str(out, text);
}

static enum err map_parse(const struct parse *parse, struct bytes text, char separator,
                          struct writer *out)
{
    struct pair pairs[MAP_ITEMS_MAX];
    size_t count = 0;
    char detail[64];
    struct bytes part;
    enum err err = OK;
    char *space = malloc(text.len + 1);
    if (space == NULL)
        return problem_set(parse->problem, ERR_MEMORY, parse->field->name, NULL);
    char *next = space;
    while (err == OK && split_next(&text, separator, &part)) {
        if (text_trim(part).len == 0)
            continue;
        struct bytes value = part;
        struct bytes key;
        (void)split_next(&value, '=', &key);
        if (value.at == NULL || count == MAP_ITEMS_MAX) {
            err = value.at == NULL
                      ? refuse_map(parse, separator)
                      : problem_set(parse->problem, ERR_LENGTH, parse->field->name, "> 32");
            break;
        }
        key = unescape(key, next);
        next += key.len;
        value = unescape(value, next);
        next += value.len;
        pairs[count++] = (struct pair){ .key = key, .value = value };
    }
    qsort(pairs, count, sizeof pairs[0], pair_order);
    for (size_t i = 1; i < count && err == OK; i++)
        if (bytes_equal(pairs[i - 1].key, pairs[i].key)) {
            snprintf(detail, sizeof detail, "%.*s",
                     (int)(pairs[i].key.len < 40 ? pairs[i].key.len : 40),
                     (const char *)pairs[i].key.at);
            err = problem_set(parse->problem, ERR_TWICE, parse->field->name, detail);
        }
    if (err == OK) {
        writer_map(out, count);
        for (size_t i = 0; i < count; i++) {
            writer_str(out, pairs[i].key);
            map_value(pairs[i].value, out);
        }
    }
    free(space);
    return err;
}

static enum err write_number(const struct parse *parse, struct bytes text, struct writer *out)
{
    int64_t number = 0;
    enum field_type type = parse->field->type;
    if (type == FIELD_INTEGER && !integer_parse(text, &number))
        return refuse(parse, ERR_NUMBER, text);
    if (type == FIELD_MONEY && !money_parse(text, &number))
        return refuse(parse, ERR_MONEY, text);
    if (type == FIELD_TIME && !time_parse(text, &number))
        return refuse(parse, ERR_TIME, text);
    writer_int(out, number);
    return OK;
}

static enum err write_one(const struct parse *parse, struct bytes text, char separator,
                          struct writer *out)
{
    char space[64];
    size_t len = 0;
    bool truth = false;
    char iso[11];
    struct id id;
    struct bytes code = { 0 };
    enum err err = OK;
    switch (parse->field->type) {
    case FIELD_TEXT:
        writer_str(out, text);
        return OK;
    case FIELD_INTEGER:
    case FIELD_MONEY:
    case FIELD_TIME:
        return write_number(parse, text, out);
    case FIELD_DECIMAL:
        if (!decimal_parse(text, space, &len))
            return refuse(parse, ERR_DECIMAL, text);
        writer_str(out, bytes_of(space, len));
        return OK;
    case FIELD_DATE:
        if (!date_parse(text, iso))
            return refuse(parse, ERR_DATE, text);
        writer_text(out, iso);
        return OK;
    case FIELD_BOOL:
        if (!bool_parse(text, &truth))
            return refuse(parse, ERR_BOOL, text);
        writer_bool(out, truth);
        return OK;
    case FIELD_ENUM:
        writer_str(out, code_parse(parse, text));
        return OK;
    case FIELD_NIK:
    case FIELD_KK:
        writer_str(out, digits_parse(text, space, sizeof space));
        return OK;
    case FIELD_AREA:
        err = area_parse(parse, text, &code);
        if (err == OK)
            writer_str(out, code);
        return err;
    case FIELD_SIGNATURE:
        writer_str(out, text); /* its form is for value_check to judge */
        return OK;
    case FIELD_REFERENCE:
        if (!uuid_from_text(text, &id))
            return refuse(parse, ERR_REFERENCE, text);
        writer_bin(out, bytes_id(&id));
        return OK;
    case FIELD_BLOB:
        return blob_parse(parse, text, out);
    case FIELD_MAP:
        return map_parse(parse, text, separator, out);
    case FIELD_LIST:
    case FIELD_TYPE_COUNT:
        break;
    }
    must(parse->field->type != FIELD_LIST); /* lists do not nest */
    return ERR_INTERNAL;
}

static enum err list_parse(const struct parse *parse, struct bytes text, struct writer *out)
{
    size_t count = 0;
    struct bytes rest = text;
    struct bytes part;
    while (split_next(&rest, '|', &part))
        count += text_trim(part).len > 0;
    if (count == 0) {
        writer_nil(out);
        return OK;
    }
    struct policy_field element = field_of_element(parse->field);
    struct parse element_parse = *parse;
    element_parse.field = &element;
    char *space = malloc(text.len + 1);
    if (space == NULL)
        return problem_set(parse->problem, ERR_MEMORY, parse->field->name, NULL);
    enum err err = OK;
    writer_array(out, count);
    rest = text;
    while (err == OK && split_next(&rest, '|', &part)) {
        if (text_trim(part).len == 0)
            continue;
        /* A map takes its own backslashes away, pair by pair. */
        struct bytes item = element.type == FIELD_MAP ? text_trim(part) : unescape(part, space);
        err = write_one(&element_parse, item, ';', out);
    }
    free(space);
    return err;
}

enum err value_from_text(const struct policy *policy, const struct policy_field *field,
                         const char date[11], struct bytes text, struct writer *out,
                         struct problem *problem)
{
    struct parse parse = { .policy = policy, .field = field, .date = date, .problem = problem };
    const size_t before = out->buf.len;
    if (out->err != OK)
        return problem_set(problem, out->err, field->name, NULL);
    text = text_trim(text);
    if (text.len > 0 && !codec_utf8(text))
        return problem_set(problem, ERR_TEXT, field->name, "UTF-8");
    enum err err = OK;
    if (text.len == 0)
        writer_nil(out);
    else if (field->type == FIELD_LIST)
        err = list_parse(&parse, text, out);
    else
        err = write_one(&parse, text, '|', out);
    if (err == OK && out->err != OK)
        err = problem_set(problem, out->err, field->name, "value");
    if (err == OK)
        err = value_check(policy, field, date,
                          bytes_of(out->buf.at + before, out->buf.len - before), problem, NULL);
    if (err != OK) {
        out->buf.len = before;
        out->err = OK;
    }
    return err;
}
