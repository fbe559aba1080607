/* Collections and their fields in a policy source. */
#include <stdio.h>
#include <string.h>

#include "common/must.h"
#include "proto/chain.h"
#include "proto/policy_text_inside.h"
#include "proto/value_form.h"

#define PAIR_BYTES_MAX 8192 /* options of one field */

static size_t index_of(const struct field_list *fields, const char *name)
{
    size_t at = 0;
    while (at < fields->count && strcmp(cfg_title(fields->field[at]), name) != 0)
        at++;
    return at;
}

bool compile_index(struct compile *c, const char *place, const struct field_list *fields,
                   const char *key, const char *name, struct writer *out)
{
    must(name != NULL);
    size_t at = index_of(fields, name);
    if (at == fields->count)
        return compile_fail(c, ERR_POLICY_MEANING, place, "%s: there is no field \"%s\"", key,
                            name);
    writer_uint(out, at);
    return true;
}

void compile_indexes(struct compile *c, const char *place, const struct field_list *fields,
                     cfg_t *section, const char *key, struct writer *out)
{
    bool named[FIELDS_PER_CHANGE_MAX] = { false };
    unsigned count = cfg_size(section, key);
    writer_array(out, count);
    for (unsigned i = 0; i < count; i++) {
        const char *name = cfg_getnstr(section, key, i);
        size_t at = index_of(fields, name);
        if (at == fields->count)
            compile_fail(c, ERR_POLICY_MEANING, place, "%s: there is no field \"%s\"", key, name);
        else if (named[at])
            compile_fail(c, ERR_POLICY_MEANING, place, "%s: field %s stands twice", key, name);
        else
            named[at] = true;
    }
    for (size_t at = 0; at < fields->count; at++)
        if (named[at])
            writer_uint(out, at);
}

/* The default in the form of its type; whether the field allows it, policy_decode asks. */
static void write_default(struct compile *c, const char *place, const char *type, const char *text,
                          struct writer *out)
{
    struct policy_field field = { .name = "default",
                                  .length_max = TEXT_CHARS_MAX,
                                  .min = INT64_MIN,
                                  .max = INT64_MAX,
                                  .type = FIELD_TYPE_COUNT };
    struct problem problem = { .code = OK };
    char rule[PROBLEM_DETAIL_MAX];
    static const enum field_type typed[] = { FIELD_INTEGER, FIELD_MONEY, FIELD_DECIMAL, FIELD_DATE,
                                             FIELD_BOOL };
    must(text != NULL);
    for (size_t i = 0; i < COUNT_OF(typed); i++)
        if (strcmp(type, field_type_name(typed[i])) == 0)
            field.type = typed[i];
    if (field.type == FIELD_TYPE_COUNT) {
        writer_text(out, text);
    } else if (value_from_text(NULL, &field, "2000-01-01", bytes_text(text), out, &problem) != OK) {
        problem_rule(&problem, LANG_EN, rule, sizeof rule);
        compile_fail(c, ERR_POLICY_MEANING, place, "default: %s", rule);
    }
}

struct option {
    const char *key;
    enum {
        OPTION_TEXT,
        OPTION_INT,
        OPTION_FLAG,
        OPTION_TEXTS,
        OPTION_FIELD,
        OPTION_FIELDS,
        OPTION_LETTERS,
        OPTION_DEFAULT,
        OPTION_TITLE
    } kind;
};

/* Sorted, as map keys are. */
static const struct option field_options[] = {
    { "append_only", OPTION_FLAG }, { "authority", OPTION_LETTERS }, { "child_of", OPTION_FIELD },
    { "codes", OPTION_TEXT },       { "compute", OPTION_TEXT },      { "covers", OPTION_FIELDS },
    { "default", OPTION_DEFAULT },  { "element", OPTION_TEXT },      { "keys", OPTION_TEXTS },
    { "label", OPTION_TEXT },       { "length", OPTION_INT },        { "level", OPTION_INT },
    { "lookup", OPTION_FLAG },      { "max", OPTION_INT },           { "min", OPTION_INT },
    { "name", OPTION_TITLE },       { "nik_date", OPTION_FIELD },    { "nik_plus_40", OPTION_TEXT },
    { "nik_sex", OPTION_FIELD },    { "required", OPTION_FLAG },     { "sensitivity", OPTION_TEXT },
    { "signers", OPTION_TEXTS },    { "summary", OPTION_FLAG },      { "targets", OPTION_TEXTS },
    { "type", OPTION_TEXT },        { "until", OPTION_TEXT },
};

static bool option_given(struct compile *c, const char *place, const struct option *option,
                         cfg_t *field)
{
    if (option->kind == OPTION_TITLE)
        return true;
    if (option->kind == OPTION_FLAG)
        return compile_bool(c, place, field, option->key);
    return cfg_size(field, option->key) > 0;
}

static void write_option(struct compile *c, const char *place, const struct option *option,
                         cfg_t *field, const struct field_list *fields, struct writer *out)
{
    int64_t number = 0;
    const char *text = option->kind == OPTION_TITLE || option->kind == OPTION_FLAG
                           ? NULL
                           : cfg_getstr(field, option->key);
    switch (option->kind) {
    case OPTION_TEXT:
        writer_text(out, text);
        break;
    case OPTION_INT:
        if (compile_int(c, place, option->key, text, &number))
            writer_int(out, number);
        break;
    case OPTION_FLAG:
        writer_bool(out, true);
        break;
    case OPTION_TEXTS:
        writer_array(out, cfg_size(field, option->key));
        for (unsigned i = 0; i < cfg_size(field, option->key); i++)
            writer_text(out, cfg_getnstr(field, option->key, i));
        break;
    case OPTION_FIELD:
        (void)compile_index(c, place, fields, option->key, text, out);
        break;
    case OPTION_FIELDS:
        compile_indexes(c, place, fields, field, option->key, out);
        break;
    case OPTION_LETTERS:
        compile_letters(c, place, field, out);
        break;
    case OPTION_DEFAULT:
        write_default(c, place, compile_text_or(cfg_getstr(field, "type"), ""), text, out);
        break;
    case OPTION_TITLE:
        writer_text(out, cfg_title(field));
        break;
    }
}

static void write_field(struct compile *c, const char *collection, cfg_t *field,
                        const struct field_list *fields, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    uint8_t space[PAIR_BYTES_MAX];
    struct writer pairs = writer_of(space, sizeof space);
    size_t count = 0;
    snprintf(place, sizeof place, "collection %s field %s", collection, cfg_title(field));
    for (size_t i = 0; i < COUNT_OF(field_options) && c->err == OK; i++) {
        if (!option_given(c, place, &field_options[i], field))
            continue;
        count++;
        writer_text(&pairs, field_options[i].key);
        write_option(c, place, &field_options[i], field, fields, &pairs);
    }
    if (pairs.err != OK)
        compile_fail(c, ERR_POLICY_MEANING, place, "options are too long");
    writer_map(out, count);
    writer_raw(out, writer_bytes(&pairs));
}

static void write_lane(struct compile *c, const char *place, const char *text, struct writer *out)
{
    static const char *const names[LANE_COUNT] = {
        [LANE_URGENT] = "urgent", [LANE_NORMAL] = "normal", [LANE_BULK] = "bulk"
    };
    for (unsigned lane = 0; lane < LANE_COUNT; lane++)
        if (strcmp(text, names[lane]) == 0) {
            writer_text(out, "lane");
            writer_uint(out, lane);
            return;
        }
    compile_fail(c, ERR_POLICY_MEANING, place, "lane is urgent, normal or bulk, not \"%s\"", text);
}

static bool gather_fields(struct compile *c, const char *place, cfg_t *section,
                          struct field_list *ret)
{
    cfg_t *common = cfg_getsec(c->cfg, "common");
    const char *wants = cfg_getstr(section, "common");
    unsigned own = cfg_size(section, "field");
    unsigned shared = common == NULL ? 0 : cfg_size(common, "field");
    if (wants != NULL && !compile_bool(c, place, section, "common"))
        shared = 0;
    if (own + shared > FIELDS_PER_CHANGE_MAX)
        return compile_fail(c, ERR_POLICY_MEANING, place, "%u fields, at most %d", own + shared,
                            FIELDS_PER_CHANGE_MAX);
    for (unsigned i = 0; i < own; i++)
        ret->field[ret->count++] = cfg_getnsec(section, "field", i);
    for (unsigned i = 0; i < shared; i++)
        ret->field[ret->count++] = cfg_getnsec(common, "field", i);
    ret->common = shared > 0 ? common : NULL;
    return true;
}

static void write_text_pair(struct writer *out, const char *key, const char *text)
{
    if (text == NULL)
        return;
    writer_text(out, key);
    writer_text(out, text);
}

/* The keys behind `fields`, in the order of the alphabet. */
static void write_rest(struct compile *c, const char *place, cfg_t *section,
                       const struct field_list *fields, struct writer *out)
{
    const char *lane = cfg_getstr(section, "lane");
    const char *must_read = cfg_getstr(section, "must_read");
    if (compile_bool(c, place, section, "forum")) {
        writer_text(out, "forum");
        writer_bool(out, true);
    }
    if (lane != NULL)
        write_lane(c, place, lane, out);
    if (must_read != NULL) {
        writer_text(out, "must_read");
        (void)compile_index(c, place, fields, "must_read", must_read, out);
    }
    write_text_pair(out, "name", cfg_title(section));
    compile_link(c, section, "read_by", out);
    if (compile_rule_count(section, fields) > 0) {
        writer_text(out, "rules");
        compile_rules(c, section, fields, out);
    }
    write_text_pair(out, "title",
                    compile_text_or(cfg_getstr(section, "title"), cfg_title(section)));
    write_text_pair(out, "until", cfg_getstr(section, "until"));
    if (cfg_size(section, "workflow") > 0) {
        writer_text(out, "workflows");
        compile_workflows(c, section, fields, out);
    }
}

void compile_collection(struct compile *c, cfg_t *section, struct writer *out)
{
    struct field_list fields = { .count = 0 };
    char place[PROBLEM_THING_MAX];
    static const char *const plain[] = { "lane",    "until",      "date_field",
                                         "read_by", "covered_by", "must_read" };
    const char *area = cfg_getstr(section, "area_field");
    const char *date = cfg_getstr(section, "date_field");
    bool audience = cfg_getstr(section, "audience") || cfg_getstr(section, "audience_field");
    size_t count = 4;
    snprintf(place, sizeof place, "collection %s", cfg_title(section));
    if (!gather_fields(c, place, section, &fields))
        return;
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        count += cfg_getstr(section, plain[i]) != NULL;
    count += compile_rule_count(section, &fields) > 0;
    count += cfg_size(section, "workflow") > 0;
    count += compile_bool(c, place, section, "forum");
    writer_map(out, count + audience + compile_has_answer(section));
    if (compile_has_answer(section))
        compile_answer(c, section, &fields, out);
    writer_text(out, "area");
    if (area == NULL)
        compile_fail(c, ERR_POLICY_MEANING, place, "area_field is missing");
    else
        (void)compile_index(c, place, &fields, "area_field", area, out);
    if (audience)
        compile_audience(c, section, &fields, out);
    compile_link(c, section, "covered_by", out);
    if (date != NULL) {
        writer_text(out, "date");
        (void)compile_index(c, place, &fields, "date_field", date, out);
    }
    writer_text(out, "fields");
    writer_array(out, fields.count);
    for (size_t i = 0; i < fields.count && c->err == OK; i++)
        write_field(c, cfg_title(section), fields.field[i], &fields, out);
    write_rest(c, place, section, &fields, out);
}
