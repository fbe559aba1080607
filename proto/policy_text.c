#include "proto/policy_text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/dictionary.h"
#include "proto/policy_areas.h"
#include "proto/policy_decode.h"
#include "proto/policy_text_inside.h"

/* All options are texts here: what a text must look like is checked below, where the message can
 * name the place. */
#define TEXT(name) CFG_STR(name, NULL, CFGF_NODEFAULT)
#define TEXTS(name) CFG_STR_LIST(name, NULL, CFGF_NODEFAULT)
#define MANY (CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)

/* libconfuse reports through a function without a place for our own pointer. Compiling is one call
 * in one thread. */
static _Thread_local struct {
    unsigned line;
    char text[PROBLEM_DETAIL_MAX];
} confuse_said;

__attribute__((format(printf, 2, 0))) static void confuse_error(cfg_t *cfg, const char *fmt,
                                                                va_list args)
{
    /* The last word counts: a free key of `settings` is first called unknown, and then taken. */
    confuse_said.line = cfg != NULL && cfg->line > 0 ? (unsigned)cfg->line : 0;
    vsnprintf(confuse_said.text, sizeof confuse_said.text, fmt, args);
}

/* The sections, innermost first. */
static cfg_opt_t field_keys[] = { TEXT("type"),
                                  TEXT("element"),
                                  TEXT("label"),
                                  TEXT("required"),
                                  TEXT("lookup"),
                                  TEXT("summary"),
                                  TEXTS("authority"),
                                  TEXT("sensitivity"),
                                  TEXT("length"),
                                  TEXT("min"),
                                  TEXT("max"),
                                  TEXT("codes"),
                                  TEXTS("targets"),
                                  TEXTS("keys"),
                                  TEXT("child_of"),
                                  TEXT("level"),
                                  TEXT("default"),
                                  TEXT("until"),
                                  TEXT("nik_date"),
                                  TEXT("nik_sex"),
                                  TEXT("nik_plus_40"),
                                  TEXT("compute"),
                                  TEXTS("covers"),
                                  TEXTS("signers"),
                                  TEXT("append_only"),
                                  TEXTS("examples"), /* for the dictionary only */
                                  CFG_END() };
static cfg_opt_t rule_keys[] = { TEXT("label"), TEXT("remedy"), TEXT("field"), TEXT("when"),
                                 TEXT("check"), TEXT("on"),     CFG_END() };
static cfg_opt_t common_keys[] = { CFG_SEC("field", field_keys, MANY),
                                   CFG_SEC("rule", rule_keys, MANY), CFG_END() };
static cfg_opt_t edge_keys[] = { TEXT("to"),        TEXTS("from"),  TEXTS("authority"),
                                 TEXTS("requires"), TEXTS("rules"), CFG_END() };
static cfg_opt_t frozen_keys[] = { TEXTS("open"), CFG_END() };
static cfg_opt_t workflow_keys[] = { CFG_SEC("edge", edge_keys, MANY),
                                     CFG_SEC("frozen", frozen_keys, MANY), CFG_END() };
static cfg_opt_t answer_keys[] = {
    TEXT("field"),  TEXT("state"),        TEXT("unit"),       TEXT("days"),  TEXT("time_key"),
    TEXT("by_key"), TEXT("decision_key"), TEXT("target_key"), TEXTS("open"), CFG_END()
};
static cfg_opt_t collection_keys[] = { TEXT("title"),
                                       TEXT("area_field"),
                                       TEXT("date_field"),
                                       TEXT("lane"),
                                       TEXT("until"),
                                       TEXT("common"),
                                       TEXT("audience"),
                                       TEXT("audience_field"),
                                       TEXT("read_by"),
                                       TEXT("covered_by"),
                                       TEXT("must_read"),
                                       TEXT("forum"),
                                       CFG_SEC("field", field_keys, MANY),
                                       CFG_SEC("workflow", workflow_keys, MANY),
                                       CFG_SEC("rule", rule_keys, MANY),
                                       CFG_SEC("answer", answer_keys, CFGF_NODEFAULT),
                                       CFG_END() };
static cfg_opt_t row_keys[] = { TEXT("value"), CFG_END() };
static cfg_opt_t dated_keys[] = { TEXT("until"), TEXT("basis"), CFG_SEC("row", row_keys, MANY),
                                  CFG_END() };
static cfg_opt_t table_keys[] = { TEXT("label"), CFG_SEC("version", dated_keys, MANY), CFG_END() };
static cfg_opt_t code_keys[] = { TEXT("label"), TEXT("restricted"), CFG_END() };
static cfg_opt_t version_keys[] = { CFG_SEC("code", code_keys, MANY), CFG_END() };
static cfg_opt_t list_keys[] = { CFG_SEC("version", version_keys, MANY), CFG_END() };
static cfg_opt_t authority_keys[] = { TEXT("label"), TEXT("computed"), TEXT("only"), CFG_END() };
static cfg_opt_t role_keys[] = { TEXT("label"), TEXTS("authority"), TEXTS("countersigned_by"),
                                 TEXT("full"),  TEXT("single"),     CFG_END() };
static cfg_opt_t area_keys[] = { TEXT("name"), TEXT("from"), TEXT("until"), CFG_END() };
static cfg_opt_t areas_keys[] = { TEXT("file"), TEXT("within"), CFG_SEC("area", area_keys, MANY),
                                  CFG_END() };
static cfg_opt_t settings_keys[] = { CFG_END() };
static cfg_opt_t root_keys[] = { CFG_SEC("collection", collection_keys, MANY),
                                 CFG_SEC("common", common_keys, CFGF_NONE),
                                 CFG_SEC("code_list", list_keys, MANY),
                                 CFG_SEC("table", table_keys, MANY),
                                 CFG_SEC("authority", authority_keys, MANY),
                                 CFG_SEC("role", role_keys, MANY),
                                 CFG_SEC("areas", areas_keys, CFGF_NONE),
                                 CFG_SEC("settings", settings_keys, CFGF_KEYSTRVAL),
                                 CFG_END() };

static cfg_t *confuse_open(void)
{
    cfg_t *cfg = cfg_init(root_keys, CFGF_NONE); /* copies the tables */
    if (cfg != NULL)
        cfg_set_error_function(cfg, confuse_error);
    return cfg;
}

bool compile_fail(struct compile *c, enum err code, const char *place, const char *fmt, ...)
{
    char detail[PROBLEM_DETAIL_MAX];
    char where[FILE_NAME_BYTES + 16];
    char thing[PROBLEM_THING_MAX];
    va_list args;
    va_start(args, fmt);
    vsnprintf(detail, sizeof detail, fmt, args);
    va_end(args);
    source_find(&c->files->index, place, where, sizeof where);
    snprintf(thing, sizeof thing, "%s%s%s", where, where[0] != '\0' ? " " : "", place);
    if (c->err == OK)
        c->err = problem_set(c->problem, code, thing, detail);
    return false;
}

bool compile_bool(struct compile *c, const char *place, cfg_t *section, const char *key)
{
    const char *text = cfg_getstr(section, key);
    if (text == NULL || strcmp(text, "false") == 0)
        return false;
    if (strcmp(text, "true") != 0)
        compile_fail(c, ERR_POLICY_MEANING, place, "%s is true or false, not \"%s\"", key, text);
    return true;
}

bool compile_int(struct compile *c, const char *place, const char *key, const char *text,
                 int64_t *ret)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0')
        return compile_fail(c, ERR_POLICY_MEANING, place, "%s is a whole number, not \"%s\"", key,
                            text);
    *ret = number;
    return true;
}

/* {T, D} → "DT" */
void compile_letters(struct compile *c, const char *place, cfg_t *section, struct writer *out)
{
    authority_set set = 0;
    char letters[27];
    size_t count = 0;
    for (unsigned i = 0; i < cfg_size(section, "authority"); i++) {
        const char *text = cfg_getnstr(section, "authority", i);
        if (text[0] < 'A' || text[0] > 'Z' || text[1] != '\0') {
            compile_fail(c, ERR_POLICY_MEANING, place, "authority \"%s\" is not one capital letter",
                         text);
            return;
        }
        if ((set & AUTHORITY(text[0])) != 0)
            compile_fail(c, ERR_POLICY_MEANING, place, "authority %s stands twice", text);
        set |= AUTHORITY(text[0]);
    }
    for (int letter = 'A'; letter <= 'Z'; letter++)
        if ((set & AUTHORITY(letter)) != 0)
            letters[count++] = (char)letter;
    writer_str(out, bytes_of(letters, count));
}

static int title_order(const void *a, const void *b)
{
    return strcmp(cfg_title(*(cfg_t *const *)a), cfg_title(*(cfg_t *const *)b));
}

cfg_t **compile_sorted(struct compile *c, cfg_t *parent, const char *name, unsigned *ret_count)
{
    unsigned count = cfg_size(parent, name);
    cfg_t **all = calloc(count + 1, sizeof(cfg_t *));
    *ret_count = all == NULL ? 0 : count;
    if (all == NULL) {
        compile_fail(c, ERR_MEMORY, name, "%s", "");
        return NULL;
    }
    for (unsigned i = 0; i < count; i++)
        all[i] = cfg_getnsec(parent, name, i);
    if (count > 0)
        qsort(all, count, sizeof(cfg_t *), title_order);
    return all;
}

static void write_version(struct compile *c, const char *list, cfg_t *version, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    unsigned count = 0;
    cfg_t **codes = compile_sorted(c, version, "code", &count);
    writer_array(out, 2);
    writer_text(out, cfg_title(version));
    writer_array(out, count);
    for (unsigned i = 0; i < count; i++) {
        const char *code = cfg_title(codes[i]);
        snprintf(place, sizeof place, "code_list %s version %s code %s", list, cfg_title(version),
                 code);
        writer_array(out, 3);
        writer_text(out, code);
        writer_text(out, compile_text_or(cfg_getstr(codes[i], "label"), code));
        writer_bool(out, compile_bool(c, place, codes[i], "restricted"));
    }
    free(codes);
}

static void write_lists(struct compile *c, struct writer *out)
{
    unsigned count = 0;
    cfg_t **lists = compile_sorted(c, c->cfg, "code_list", &count);
    writer_array(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++) {
        unsigned version_count = 0;
        cfg_t **versions = compile_sorted(c, lists[i], "version", &version_count);
        writer_array(out, 2);
        writer_text(out, cfg_title(lists[i]));
        writer_array(out, version_count);
        for (unsigned k = 0; k < version_count; k++)
            write_version(c, cfg_title(lists[i]), versions[k], out);
        free(versions);
    }
    free(lists);
}

static void write_authorities(struct compile *c, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    unsigned count = 0;
    cfg_t **all = compile_sorted(c, c->cfg, "authority", &count);
    writer_array(out, count);
    for (unsigned i = 0; i < count; i++) {
        const char *letter = cfg_title(all[i]);
        snprintf(place, sizeof place, "authority %s", letter);
        writer_array(out, 4);
        writer_text(out, letter);
        writer_text(out, compile_text_or(cfg_getstr(all[i], "label"), letter));
        writer_bool(out, compile_bool(c, place, all[i], "computed"));
        writer_text(out, compile_text_or(cfg_getstr(all[i], "only"), ""));
    }
    free(all);
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void write_countersigners(struct compile *c, const char *place, cfg_t *role,
                                 struct writer *out)
{
    const char *names[ROLES_MAX];
    unsigned count = cfg_size(role, "countersigned_by");
    if (count > ROLES_MAX) {
        compile_fail(c, ERR_POLICY_MEANING, place, "%u countersigners, at most %d", count,
                     ROLES_MAX);
        return;
    }
    for (unsigned i = 0; i < count; i++)
        names[i] = cfg_getnstr(role, "countersigned_by", i);
    if (count > 0)
        qsort(names, count, sizeof names[0], text_order);
    writer_array(out, count);
    for (unsigned i = 0; i < count; i++)
        writer_text(out, names[i]);
}

static void write_roles(struct compile *c, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    unsigned count = 0;
    cfg_t **all = compile_sorted(c, c->cfg, "role", &count);
    writer_array(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++) {
        const char *name = cfg_title(all[i]);
        snprintf(place, sizeof place, "role %s", name);
        writer_array(out, 5);
        writer_text(out, name);
        writer_text(out, compile_text_or(cfg_getstr(all[i], "label"), name));
        compile_letters(c, place, all[i], out);
        write_countersigners(c, place, all[i], out);
        writer_uint(out, (compile_bool(c, place, all[i], "full") ? ROLE_FULL : 0u) |
                             (compile_bool(c, place, all[i], "single") ? ROLE_SINGLE : 0u));
    }
    free(all);
}

static int option_order(const void *a, const void *b)
{
    return strcmp(cfg_opt_name(*(cfg_opt_t *const *)a), cfg_opt_name(*(cfg_opt_t *const *)b));
}

static void write_settings(struct compile *c, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    cfg_t *section = cfg_getsec(c->cfg, "settings");
    unsigned count = section == NULL ? 0 : cfg_num(section);
    cfg_opt_t **all = calloc(count + 1, sizeof(cfg_opt_t *));
    if (all == NULL) {
        compile_fail(c, ERR_MEMORY, "settings", "%s", "");
        return;
    }
    for (unsigned i = 0; i < count; i++)
        all[i] = cfg_getnopt(section, i);
    if (count > 0)
        qsort(all, count, sizeof(cfg_opt_t *), option_order);
    writer_map(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++) {
        int64_t number = 0;
        snprintf(place, sizeof place, "settings %s", cfg_opt_name(all[i]));
        if (compile_int(c, place, cfg_opt_name(all[i]), compile_text_or(cfg_opt_getstr(all[i]), ""),
                        &number)) {
            writer_text(out, cfg_opt_name(all[i]));
            writer_int(out, number);
        }
    }
    free(all);
}

/* The file is a plain name, so that a source stays within its directory. */
static void write_areas(struct compile *c, struct writer *out)
{
    char path[4096];
    struct area_dated dated[AREAS_DATED_MAX];
    cfg_t *section = cfg_getsec(c->cfg, "areas");
    const char *file = section == NULL ? NULL : cfg_getstr(section, "file");
    const char *within = section == NULL ? NULL : cfg_getstr(section, "within");
    if (file == NULL) {
        writer_array(out, 0);
        return;
    }
    if (strchr(file, '/') != NULL || file[0] == '.' || strlen(file) >= FILE_NAME_BYTES) {
        compile_fail(c, ERR_POLICY_MEANING, "areas file",
                     "\"%s\" is not the plain name of a file in this directory", file);
        return;
    }
    if (within != NULL && strcmp(within, c->district) != 0) {
        compile_fail(c, ERR_POLICY_MEANING, "areas within",
                     "areas within %s, but the district is %s", within, c->district);
        return;
    }
    unsigned count = cfg_size(section, "area");
    if (count > AREAS_DATED_MAX) {
        compile_fail(c, ERR_POLICY_MEANING, "areas", "%u areas beside the file, at most %d", count,
                     AREAS_DATED_MAX);
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        cfg_t *area = cfg_getnsec(section, "area", i);
        dated[i] = (struct area_dated){ .code = cfg_title(area),
                                        .name = cfg_getstr(area, "name"),
                                        .from = compile_text_or(cfg_getstr(area, "from"), ""),
                                        .until = compile_text_or(cfg_getstr(area, "until"), "") };
    }
    int len = snprintf(path, sizeof path, "%s/%s", c->directory, file);
    if (len < 0 || (size_t)len >= sizeof path)
        compile_fail(c, ERR_LIMIT, "areas file", "path");
    else
        c->err = areas_write(path, file, bytes_text(c->district), dated, count, out, c->problem);
}

/* `dictionary`: its hash; NULL: the document names none. */
static void write_document(struct compile *c, uint64_t version, const struct hash *previous,
                           const struct hash *dictionary, struct writer *out)
{
    bool tables = cfg_size(c->cfg, "table") > 0;
    writer_map(out, 10u + (dictionary != NULL) + tables);
    writer_text(out, "areas");
    write_areas(c, out);
    writer_text(out, "authorities");
    if (c->err == OK)
        write_authorities(c, out);
    writer_text(out, "collections");
    unsigned count = cfg_size(c->cfg, "collection");
    writer_array(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++)
        compile_collection(c, cfg_getnsec(c->cfg, "collection", i), out);
    if (dictionary != NULL) {
        writer_text(out, "dictionary");
        writer_bin(out, bytes_hash(dictionary));
    }
    writer_text(out, "district");
    writer_text(out, c->district);
    writer_text(out, "format");
    writer_uint(out, 1);
    writer_text(out, "lists");
    if (c->err == OK)
        write_lists(c, out);
    writer_text(out, "previous");
    writer_bin(out, bytes_hash(previous));
    writer_text(out, "roles");
    if (c->err == OK)
        write_roles(c, out);
    writer_text(out, "settings");
    if (c->err == OK)
        write_settings(c, out);
    if (tables) {
        writer_text(out, "tables");
        compile_tables(c, out);
    }
    writer_text(out, "version");
    writer_uint(out, version);
}

static enum err parse_files(struct compile *c)
{
    char thing[PROBLEM_THING_MAX];
    for (size_t i = 0; i < c->files->count; i++) {
        confuse_said.text[0] = '\0';
        confuse_said.line = 0;
        if (cfg_parse_buf(c->cfg, c->files->text[i]) == CFG_SUCCESS)
            continue;
        snprintf(thing, sizeof thing, "%s:%u", c->files->name[i], confuse_said.line);
        return problem_set(c->problem, ERR_POLICY_SYNTAX, thing, confuse_said.text);
    }
    return OK;
}

/* Writes into `space` and decodes: what is signed has been read the way everybody reads it. */
static enum err make_document(struct compile *c, uint64_t version, const struct hash *previous,
                              const struct hash *dictionary, struct writer *out,
                              struct policy **ret_policy)
{
    struct problem found = { .code = OK };
    write_document(c, version, previous, dictionary, out);
    if (c->err == OK && out->err != OK)
        c->err = problem_setf(c->problem, ERR_LIMIT, c->directory, "%d bytes", RULES_BYTES_MAX);
    if (c->err != OK)
        return c->err;
    enum err err = policy_decode(writer_bytes(out), ret_policy, &found);
    if (err == ERR_MALFORMED)
        compile_fail(c, ERR_POLICY_MEANING, found.thing, "%s", found.detail);
    else if (err != OK)
        c->err = problem_set(c->problem, err, found.thing, found.detail);
    return c->err;
}

/* Once without a dictionary, which is then made from what was read, and once with its hash. */
static enum err compile_both(struct compile *c, uint64_t version, const struct hash *previous,
                             struct writer *out, struct buf *ret_dictionary)
{
    struct policy *policy = NULL;
    struct hash hash;
    size_t before = ret_dictionary != NULL ? ret_dictionary->len : 0;
    enum err err = make_document(c, version, previous, NULL, out, &policy);
    if (err != OK || ret_dictionary == NULL)
        goto done;
    compile_dictionary(c, policy, ret_dictionary);
    err = c->err;
    if (err != OK || ret_dictionary->len == before)
        goto done;
    dictionary_hash(bytes_of(ret_dictionary->at + before, ret_dictionary->len - before), &hash);
    policy_close(&policy);
    out->buf.len = 0;
    err = make_document(c, version, previous, &hash, out, &policy);
done:
    policy_close(&policy);
    return err;
}

enum err policy_text_compile(const char *directory, const char *district, uint64_t version,
                             const struct hash *previous, struct buf *ret, struct problem *problem)
{
    return policy_text_compile_whole(directory, district, version, previous, ret, NULL, problem);
}

enum err policy_text_compile_whole(const char *directory, const char *district, uint64_t version,
                                   const struct hash *previous, struct buf *ret,
                                   struct buf *ret_dictionary, struct problem *problem)
{
    uint8_t *space = malloc(RULES_BYTES_MAX);
    struct compile *c = calloc(1, sizeof *c);
    enum err err = ERR_MEMORY;
    if (space == NULL || c == NULL)
        goto done;
    *c = (struct compile){ .directory = directory, .district = district, .problem = problem };
    c->cfg = confuse_open();
    if (c->cfg == NULL)
        goto done;
    err = source_files_open(directory, &c->files, problem);
    if (err == OK)
        err = parse_files(c);
    if (err != OK)
        goto done;

    struct writer out = writer_of(space, RULES_BYTES_MAX);
    err = compile_both(c, version, previous, &out, ret_dictionary);
    if (err != OK)
        goto done;
    if (ret->cap - ret->len < out.buf.len) {
        err = problem_setf(problem, ERR_LIMIT, directory, "%zu bytes", out.buf.len);
    } else {
        memcpy(ret->at + ret->len, space, out.buf.len);
        ret->len += out.buf.len;
    }

done:
    if (err == ERR_MEMORY)
        (void)problem_set(problem, err, directory, NULL);
    if (c != NULL) {
        if (c->cfg != NULL)
            cfg_free(c->cfg);
        source_files_close(&c->files);
    }
    free(c);
    free(space);
    return err;
}
