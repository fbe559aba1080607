/* Rules, workflows, answers, audiences and dated tables of a policy source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/policy_text_inside.h"

static void write_texts(cfg_t *section, const char *key, struct writer *out)
{
    writer_array(out, cfg_size(section, key));
    for (unsigned i = 0; i < cfg_size(section, key); i++)
        writer_text(out, cfg_getnstr(section, key, i));
}

/* --- tables ---------------------------------------------------------------------------------- */

static void write_rows(struct compile *c, const char *table, cfg_t *version, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    unsigned count = 0;
    cfg_t **rows = compile_sorted(c, version, "row", &count);
    writer_array(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++) {
        int64_t number = 0;
        snprintf(place, sizeof place, "table %s version %s row %s", table, cfg_title(version),
                 cfg_title(rows[i]));
        if (!compile_int(c, place, "value", compile_text_or(cfg_getstr(rows[i], "value"), ""),
                         &number))
            break;
        writer_array(out, 2);
        writer_text(out, cfg_title(rows[i]));
        writer_int(out, number);
    }
    free(rows);
}

void compile_tables(struct compile *c, struct writer *out)
{
    unsigned count = 0;
    cfg_t **tables = compile_sorted(c, c->cfg, "table", &count);
    writer_array(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++) {
        unsigned version_count = 0;
        const char *name = cfg_title(tables[i]);
        cfg_t **versions = compile_sorted(c, tables[i], "version", &version_count);
        writer_array(out, 3);
        writer_text(out, name);
        writer_text(out, compile_text_or(cfg_getstr(tables[i], "label"), name));
        writer_array(out, version_count);
        for (unsigned k = 0; k < version_count; k++) {
            writer_array(out, 4);
            writer_text(out, cfg_title(versions[k]));
            writer_text(out, compile_text_or(cfg_getstr(versions[k], "until"), ""));
            writer_text(out, compile_text_or(cfg_getstr(versions[k], "basis"), ""));
            write_rows(c, name, versions[k], out);
        }
        free(versions);
    }
    free(tables);
}

/* --- answers, audience, links ---------------------------------------------------------------- */

bool compile_has_answer(cfg_t *collection)
{
    return cfg_size(collection, "answer") > 0 && cfg_getsec(collection, "answer") != NULL &&
           cfg_getstr(cfg_getsec(collection, "answer"), "field") != NULL;
}

static bool answer_index(struct compile *c, const char *place, cfg_t *answer,
                         const struct field_list *fields, const char *key, struct writer *out)
{
    const char *name = cfg_getstr(answer, key);
    writer_text(out, key);
    if (name == NULL)
        return compile_fail(c, ERR_POLICY_MEANING, place, "%s is missing", key);
    return compile_index(c, place, fields, key, name, out);
}

static void answer_key(cfg_t *answer, const char *key, struct writer *out)
{
    const char *name = cfg_getstr(answer, key);
    if (name == NULL)
        return;
    writer_text(out, key);
    writer_text(out, name);
}

void compile_answer(struct compile *c, cfg_t *collection, const struct field_list *fields,
                    struct writer *out)
{
    static const char *const optional[] = { "by_key", "decision_key", "target_key", "time_key",
                                            "unit" };
    char place[PROBLEM_THING_MAX];
    cfg_t *answer = cfg_getsec(collection, "answer");
    size_t count = 4;
    int64_t days = 0;
    for (size_t i = 0; i < COUNT_OF(optional); i++)
        count += cfg_getstr(answer, optional[i]) != NULL;
    snprintf(place, sizeof place, "collection %s answer", cfg_title(collection));
    writer_text(out, "answer");
    writer_map(out, count);
    answer_key(answer, "by_key", out);
    writer_text(out, "days");
    if (!compile_int(c, place, "days", compile_text_or(cfg_getstr(answer, "days"), ""), &days))
        return;
    writer_int(out, days);
    answer_key(answer, "decision_key", out);
    if (!answer_index(c, place, answer, fields, "field", out))
        return;
    writer_text(out, "open");
    write_texts(answer, "open", out);
    if (!answer_index(c, place, answer, fields, "state", out))
        return;
    answer_key(answer, "target_key", out);
    answer_key(answer, "time_key", out);
    if (cfg_getstr(answer, "unit") != NULL)
        (void)answer_index(c, place, answer, fields, "unit", out);
}

void compile_audience(struct compile *c, cfg_t *collection, const struct field_list *fields,
                      struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    const char *all = cfg_getstr(collection, "audience");
    const char *field = cfg_getstr(collection, "audience_field");
    snprintf(place, sizeof place, "collection %s", cfg_title(collection));
    writer_text(out, "audience");
    if (all != NULL && field != NULL)
        compile_fail(c, ERR_POLICY_MEANING, place,
                     "audience and audience_field exclude each other");
    else if (all != NULL && strcmp(all, "all") != 0)
        compile_fail(c, ERR_POLICY_MEANING, place, "audience is all, not \"%s\"", all);
    else if (all != NULL)
        writer_bool(out, true);
    else
        (void)compile_index(c, place, fields, "audience_field", field, out);
}

void compile_link(struct compile *c, cfg_t *collection, const char *key, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    const char *text = cfg_getstr(collection, key);
    const char *point = text == NULL ? NULL : strchr(text, '.');
    if (text == NULL)
        return;
    writer_text(out, key);
    snprintf(place, sizeof place, "collection %s", cfg_title(collection));
    if (point == NULL) {
        compile_fail(c, ERR_POLICY_MEANING, place, "%s is collection.field, not \"%s\"", key, text);
        return;
    }
    writer_array(out, 2);
    writer_str(out, bytes_of(text, (size_t)(point - text)));
    writer_text(out, point + 1);
}

/* --- rules and workflows --------------------------------------------------------------------- */

static void write_rule(struct compile *c, const char *collection, cfg_t *rule,
                       const struct field_list *fields, struct writer *out)
{
    static const char *const when[RULE_ON_COUNT] = {
        [RULE_WRITE] = "write", [RULE_EDGE] = "edge", [RULE_WARN] = "warn", [RULE_KEEP] = "keep"
    };
    char place[PROBLEM_THING_MAX];
    const char *field = cfg_getstr(rule, "field");
    const char *on = compile_text_or(cfg_getstr(rule, "on"), when[RULE_WRITE]);
    unsigned kind = 0;
    snprintf(place, sizeof place, "collection %s rule %s", collection, cfg_title(rule));
    writer_array(out, 7);
    writer_text(out, cfg_title(rule));
    writer_text(out, compile_text_or(cfg_getstr(rule, "label"), cfg_title(rule)));
    writer_text(out, compile_text_or(cfg_getstr(rule, "remedy"), ""));
    if (field == NULL)
        writer_nil(out);
    else if (!compile_index(c, place, fields, "field", field, out))
        return;
    writer_text(out, compile_text_or(cfg_getstr(rule, "when"), ""));
    writer_text(out, compile_text_or(cfg_getstr(rule, "check"), ""));
    while (kind < RULE_ON_COUNT && strcmp(on, when[kind]) != 0)
        kind++;
    if (kind == RULE_ON_COUNT)
        compile_fail(c, ERR_POLICY_MEANING, place, "on is write, keep, edge or warn, not \"%s\"",
                     on);
    writer_uint(out, kind);
}

unsigned compile_rule_count(cfg_t *collection, const struct field_list *fields)
{
    return cfg_size(collection, "rule") +
           (fields->common != NULL ? cfg_size(fields->common, "rule") : 0);
}

void compile_rules(struct compile *c, cfg_t *collection, const struct field_list *fields,
                   struct writer *out)
{
    unsigned own = cfg_size(collection, "rule");
    unsigned count = compile_rule_count(collection, fields);
    writer_array(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++)
        write_rule(c, cfg_title(collection),
                   i < own ? cfg_getnsec(collection, "rule", i)
                           : cfg_getnsec(fields->common, "rule", i - own),
                   fields, out);
}

static void write_edge(struct compile *c, const char *workflow, cfg_t *edge,
                       const struct field_list *fields, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    snprintf(place, sizeof place, "%.*s edge %s", PROBLEM_THING_MAX - 2 * IDENTIFIER_BYTES_MAX,
             workflow, cfg_title(edge));
    writer_array(out, 6);
    writer_text(out, cfg_title(edge));
    writer_text(out, compile_text_or(cfg_getstr(edge, "to"), ""));
    write_texts(edge, "from", out);
    compile_letters(c, place, edge, out);
    compile_indexes(c, place, fields, edge, "requires", out);
    write_texts(edge, "rules", out);
}

static void write_workflow(struct compile *c, cfg_t *collection, cfg_t *workflow,
                           const struct field_list *fields, struct writer *out)
{
    char place[PROBLEM_THING_MAX];
    char frozen_place[PROBLEM_THING_MAX];
    unsigned edges = cfg_size(workflow, "edge");
    unsigned frozen = cfg_size(workflow, "frozen");
    snprintf(place, sizeof place, "collection %s workflow %s", cfg_title(collection),
             cfg_title(workflow));
    writer_map(out, 2u + (frozen > 0));
    writer_text(out, "edges");
    writer_array(out, edges);
    for (unsigned i = 0; i < edges && c->err == OK; i++)
        write_edge(c, place, cfg_getnsec(workflow, "edge", i), fields, out);
    writer_text(out, "field");
    if (!compile_index(c, place, fields, "workflow", cfg_title(workflow), out) || frozen == 0)
        return;
    writer_text(out, "frozen");
    writer_array(out, frozen);
    for (unsigned i = 0; i < frozen && c->err == OK; i++) {
        cfg_t *state = cfg_getnsec(workflow, "frozen", i);
        snprintf(frozen_place, sizeof frozen_place, "collection %s workflow %s frozen %s",
                 cfg_title(collection), cfg_title(workflow), cfg_title(state));
        writer_array(out, 2);
        writer_text(out, cfg_title(state));
        compile_indexes(c, frozen_place, fields, state, "open", out);
    }
}

void compile_workflows(struct compile *c, cfg_t *collection, const struct field_list *fields,
                       struct writer *out)
{
    unsigned count = cfg_size(collection, "workflow");
    writer_array(out, count);
    for (unsigned i = 0; i < count && c->err == OK; i++)
        write_workflow(c, collection, cfg_getnsec(collection, "workflow", i), fields, out);
}
