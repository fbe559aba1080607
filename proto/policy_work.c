/* What a collection of a rules document says of the work on its records: rules, workflows, answers
 * that are owed, who else gets them. */
#include <stdio.h>

#include "proto/policy_decode.h"

static bool decode_text_or_none(struct decoder *d, struct bytes raw, const char *what,
                                const char **ret)
{
    struct reader reader = reader_of(raw);
    struct bytes text = reader_str(&reader);
    *ret = NULL;
    if (reader_end(&reader) == OK && text.len == 0)
        return true;
    *ret = decoder_string(d, raw, FORM_LABEL, what);
    return *ret != NULL;
}

bool decoder_expr(struct decoder *d, struct bytes raw, const char *what, const struct expr **ret)
{
    char why[PROBLEM_DETAIL_MAX];
    struct reader reader = reader_of(raw);
    struct bytes text = raw.at == NULL ? bytes_of(NULL, 0) : reader_str(&reader);
    *ret = NULL;
    if (raw.at == NULL)
        return true;
    if (reader_end(&reader) != OK)
        return decoder_bad(d, "%s is not a text", what);
    if (text.len == 0)
        return true;
    enum err err = expr_compile(text, decoder_take_bytes, d, ret, why, sizeof why);
    if (err == ERR_MEMORY)
        d->err = ERR_MEMORY;
    return err == OK || decoder_bad(d, "%s: %s", what, why);
}

/* Positions of fields of this collection, each once, ascending. */
bool decoder_indexes(struct decoder *d, struct bytes raw, const char *what, size_t field_count,
                     const uint16_t **ret, size_t *ret_count)
{
    struct reader reader;
    size_t count = decoder_array(d, raw, &reader, FIELDS_PER_CHANGE_MAX, what);
    uint16_t *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        uint64_t index = reader_uint_max(&reader, FIELDS_PER_CHANGE_MAX - 1);
        if (reader.err != OK || index >= field_count || (i > 0 && index <= all[i - 1]))
            return decoder_bad(d, "%s are not fields, each once, in order", what);
        all[i] = (uint16_t)index;
    }
    *ret = all;
    *ret_count = count;
    return d->err == OK;
}

/* --- rules ----------------------------------------------------------------------------------- */

static bool decode_rule(struct decoder *d, struct reader *reader,
                        const struct policy_collection *collection, struct policy_rule *ret)
{
    reader_array_of(reader, 7);
    struct bytes name = reader_raw(reader);
    struct bytes label = reader_raw(reader);
    struct bytes remedy = reader_raw(reader);
    struct bytes field = reader_raw(reader);
    struct bytes when = reader_raw(reader);
    struct bytes check = reader_raw(reader);
    uint64_t on = reader_uint_max(reader, RULE_ON_COUNT - 1);
    if (reader->err != OK)
        return decoder_bad(d, "a rule is not [name, label, remedy, field, when, check, on]");
    ret->name = decoder_string(d, name, FORM_NAME, "rule");
    if (ret->name == NULL)
        return false;
    decoder_place(d, "collection %s rule %s", collection->name, ret->name);
    ret->on = (enum rule_on)on;
    ret->label = decoder_string(d, label, FORM_LABEL, "label");
    if (ret->label == NULL || !decode_text_or_none(d, remedy, "remedy", &ret->remedy) ||
        !decoder_index_or_none(d, field, "field", collection->field_count, &ret->field) ||
        !decoder_expr(d, when, "when", &ret->when) || !decoder_expr(d, check, "check", &ret->check))
        return false;
    if (ret->check == NULL)
        return decoder_bad(d, "check is empty");
    if (policy_field(collection, bytes_text(ret->name)) != NULL)
        return decoder_bad(d, "has the name of a field");
    return true;
}

static bool decode_rules(struct decoder *d, struct bytes raw, struct policy_collection *collection)
{
    struct reader reader;
    size_t count = decoder_array(d, raw, &reader, RULES_PER_COLLECTION_MAX, "rules");
    struct policy_rule *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        decoder_place(d, "collection %s", collection->name);
        if (!decode_rule(d, &reader, collection, &all[i]))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(all[k].name, all[i].name) == 0)
                return decoder_bad(d, "stands twice");
    }
    collection->rules = all;
    collection->rule_count = count;
    return d->err == OK;
}

const struct policy_rule *policy_rule(const struct policy_collection *collection, struct bytes name)
{
    for (size_t i = 0; i < collection->rule_count; i++)
        if (bytes_is(name, collection->rules[i].name))
            return &collection->rules[i];
    return NULL;
}

void policy_rule_text(const struct policy_rule *rule, char *ret, size_t cap)
{
    (void)snprintf(ret, cap, "%s%s%s", rule->label, rule->remedy != NULL ? "; " : "",
                   rule->remedy != NULL ? rule->remedy : "");
}

/* --- workflows ------------------------------------------------------------------------------- */

/* A code of any version of the list. */
static const char *decode_state(struct decoder *d, struct bytes raw,
                                const struct policy_code_list *list, const char *what)
{
    const char *state = decoder_string(d, raw, FORM_CODE, what);
    for (size_t i = 0; state != NULL && i < list->version_count; i++)
        if (policy_code(&list->versions[i], bytes_text(state)) != NULL)
            return state;
    if (state != NULL)
        decoder_bad(d, "%s \"%s\" is no code of %s", what, state, list->name);
    return NULL;
}

static bool decode_states(struct decoder *d, struct bytes raw, const struct policy_code_list *list,
                          const char *what, const char *const **ret, size_t *ret_count)
{
    struct reader reader;
    size_t count = decoder_array(d, raw, &reader, CODES_PER_VERSION_MAX, what);
    const char **all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++)
        all[i] = decode_state(d, reader_raw(&reader), list, what);
    *ret = all;
    *ret_count = count;
    return d->err == OK;
}

static bool decode_edge_rules(struct decoder *d, struct bytes raw,
                              const struct policy_collection *collection, struct policy_edge *edge)
{
    struct reader reader;
    size_t count = decoder_array(d, raw, &reader, RULES_PER_COLLECTION_MAX, "rules");
    const struct policy_rule **all =
        decoder_take(d, count, sizeof(const struct policy_rule *)); /* pointers, not rules */
    for (size_t i = 0; i < count && d->err == OK; i++) {
        struct bytes name = reader_str(&reader);
        all[i] = policy_rule(collection, name);
        if (reader.err != OK || all[i] == NULL)
            return decoder_bad(d, "there is no rule \"%.*s\"", (int)(name.len < 40 ? name.len : 40),
                               (const char *)name.at);
        if (all[i]->on != RULE_EDGE)
            return decoder_bad(d, "rule %s is not on = edge", all[i]->name);
    }
    edge->rules = all;
    edge->rule_count = count;
    return d->err == OK;
}

static bool decode_edge(struct decoder *d, struct reader *reader,
                        const struct policy_collection *collection,
                        const struct policy_field *state, struct policy_edge *ret)
{
    reader_array_of(reader, 6);
    struct bytes name = reader_raw(reader);
    struct bytes to = reader_raw(reader);
    struct bytes from = reader_raw(reader);
    struct bytes letters = reader_raw(reader);
    struct bytes required = reader_raw(reader);
    struct bytes rules = reader_raw(reader);
    if (reader->err != OK)
        return decoder_bad(d, "an edge is not [name, to, from, authority, requires, rules]");
    ret->name = decoder_string(d, name, FORM_NAME, "edge");
    if (ret->name == NULL)
        return false;
    decoder_place(d, "collection %s workflow %s edge %s", collection->name, state->name, ret->name);
    ret->to = decode_state(d, to, state->codes, "to");
    if (ret->to == NULL ||
        !decode_states(d, from, state->codes, "from", &ret->from, &ret->from_count) ||
        !decoder_letters(d, letters, &ret->authority) ||
        !decoder_indexes(d, required, "requires", collection->field_count, &ret->required,
                         &ret->required_count) ||
        !decode_edge_rules(d, rules, collection, ret))
        return false;
    bool computed = (ret->authority & d->policy->computed) != 0;
    if (ret->authority == 0 || (computed && (ret->authority & ~d->policy->computed) != 0))
        return decoder_bad(d, "authority is people's, or the hub's, and not empty");
    if ((ret->authority & ~state->authority) != 0)
        return decoder_bad(d, "authority is wider than that of field %s", state->name);
    if (computed && ret->from_count == 0)
        return decoder_bad(d, "the hub begins no records");
    return true;
}

static bool decode_frozen(struct decoder *d, struct bytes raw,
                          const struct policy_collection *collection,
                          const struct policy_field *state, struct policy_workflow *workflow)
{
    struct reader reader;
    size_t count = decoder_array(d, raw, &reader, CODES_PER_VERSION_MAX, "frozen states");
    struct policy_frozen *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        reader_array_of(&reader, 2);
        struct bytes name = reader_raw(&reader);
        struct bytes open = reader_raw(&reader);
        all[i].state = decode_state(d, name, state->codes, "frozen");
        if (all[i].state == NULL || !decoder_indexes(d, open, "open", collection->field_count,
                                                     &all[i].open, &all[i].open_count))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(all[k].state, all[i].state) == 0)
                return decoder_bad(d, "frozen %s stands twice", all[i].state);
    }
    workflow->frozen = all;
    workflow->frozen_count = count;
    return d->err == OK;
}

enum { FLOW_EDGES, FLOW_FIELD, FLOW_FROZEN, FLOW_KEYS };

/* What an author leaves out is a state in which a record may begin. */
static bool default_begins(const struct policy_field *state, const struct policy_workflow *workflow)
{
    struct reader reader = reader_of(state->default_value);
    if (state->default_value.at == NULL)
        return true;
    struct bytes code = reader_str(&reader);
    for (size_t i = 0; i < workflow->edge_count; i++)
        if (workflow->edges[i].from_count == 0 && bytes_is(code, workflow->edges[i].to))
            return true;
    return false;
}

static bool decode_workflow(struct decoder *d, struct bytes document,
                            const struct policy_collection *collection, struct policy_workflow *ret)
{
    static const char *const keys[FLOW_KEYS] = { "edges", "field", "frozen" };
    struct bytes raw[FLOW_KEYS];
    struct reader reader;
    decoder_place(d, "collection %s workflow", collection->name);
    if (!decoder_map(d, document, keys, FLOW_KEYS, raw) ||
        !decoder_index_or_none(d, raw[FLOW_FIELD], "field", collection->field_count, &ret->field))
        return false;
    if (ret->field < 0 || collection->fields[ret->field].type != FIELD_ENUM)
        return decoder_bad(d, "is not that of a field of type enum");
    const struct policy_field *state = &collection->fields[ret->field];
    decoder_place(d, "collection %s workflow %s", collection->name, state->name);
    size_t count = decoder_array(d, raw[FLOW_EDGES], &reader, EDGES_PER_WORKFLOW_MAX, "edges");
    struct policy_edge *edges = decoder_take(d, count, sizeof *edges);
    bool begins = false;
    for (size_t i = 0; i < count && d->err == OK; i++) {
        if (!decode_edge(d, &reader, collection, state, &edges[i]))
            return false;
        begins = begins || edges[i].from_count == 0;
        for (size_t k = 0; k < i; k++)
            if (strcmp(edges[k].name, edges[i].name) == 0)
                return decoder_bad(d, "stands twice");
    }
    decoder_place(d, "collection %s workflow %s", collection->name, state->name);
    if (!begins)
        return decoder_bad(d, "has no edge without `from`, with which a record begins");
    ret->edges = edges;
    ret->edge_count = count;
    if (!default_begins(state, ret))
        return decoder_bad(d, "no edge without `from` leads to the default of the field");
    return raw[FLOW_FROZEN].at == NULL ||
           decode_frozen(d, raw[FLOW_FROZEN], collection, state, ret);
}

static bool decode_workflows(struct decoder *d, struct bytes raw,
                             struct policy_collection *collection)
{
    struct reader reader;
    size_t count = decoder_array(d, raw, &reader, WORKFLOWS_PER_COLLECTION_MAX, "workflows");
    struct policy_workflow *all = decoder_take(d, count, sizeof *all);
    for (size_t i = 0; i < count && d->err == OK; i++) {
        if (!decode_workflow(d, reader_raw(&reader), collection, &all[i]))
            return false;
        for (size_t k = 0; k < i; k++)
            if (all[k].field == all[i].field)
                return decoder_bad(d, "stands twice");
    }
    collection->workflows = all;
    collection->workflow_count = count;
    return d->err == OK;
}

/* --- answers, audience, links ---------------------------------------------------------------- */

enum {
    ANSWER_BY,
    ANSWER_DAYS,
    ANSWER_DECISION,
    ANSWER_FIELD,
    ANSWER_OPEN,
    ANSWER_STATE,
    ANSWER_TARGET,
    ANSWER_TIME,
    ANSWER_UNIT,
    ANSWER_KEYS
};

/* A key of the maps that the field holds. */
static bool decode_answer_key(struct decoder *d, struct bytes raw, const char *what,
                              const struct policy_field *field, const char **ret)
{
    if (raw.at == NULL)
        return true;
    *ret = decoder_string(d, raw, FORM_NAME, what);
    if (*ret == NULL)
        return false;
    if (field->type != FIELD_LIST || field->element != FIELD_MAP)
        return decoder_bad(d, "%s is for a list of maps", what);
    for (size_t i = 0; i < field->map_key_count; i++)
        if (strcmp(field->map_keys[i], *ret) == 0)
            return true;
    return field->map_key_count == 0 ||
           decoder_bad(d, "%s is no key of the field's maps: %s", what, *ret);
}

static bool decode_answer(struct decoder *d, struct bytes document,
                          struct policy_collection *collection)
{
    static const char *const keys[ANSWER_KEYS] = { "by_key",     "days",     "decision_key",
                                                   "field",      "open",     "state",
                                                   "target_key", "time_key", "unit" };
    struct bytes raw[ANSWER_KEYS];
    struct policy_answer *answer = decoder_take(d, 1, sizeof *answer);
    decoder_place(d, "collection %s answer", collection->name);
    if (answer == NULL || !decoder_map(d, document, keys, ANSWER_KEYS, raw))
        return false;
    struct reader days = reader_of(raw[ANSWER_DAYS]);
    answer->days = reader_int(&days);
    if (reader_end(&days) != OK || answer->days < 1 || answer->days > 3660)
        return decoder_bad(d, "days is not 1 to 3660");
    size_t count = collection->field_count;
    if (!decoder_index_or_none(d, raw[ANSWER_FIELD], "field", count, &answer->field) ||
        !decoder_index_or_none(d, raw[ANSWER_STATE], "state", count, &answer->state) ||
        !decoder_index_or_none(d, raw[ANSWER_UNIT], "unit", count, &answer->unit))
        return false;
    if (answer->field < 0 || answer->state < 0 ||
        collection->fields[answer->state].type != FIELD_ENUM)
        return decoder_bad(d, "needs a field for the answer, and a state of type enum");
    const struct policy_field *field = &collection->fields[answer->field];
    if (!decode_answer_key(d, raw[ANSWER_BY], "by_key", field, &answer->by_key) ||
        !decode_answer_key(d, raw[ANSWER_DECISION], "decision_key", field, &answer->decision_key) ||
        !decode_answer_key(d, raw[ANSWER_TARGET], "target_key", field, &answer->target_key) ||
        !decode_answer_key(d, raw[ANSWER_TIME], "time_key", field, &answer->time_key))
        return false;
    collection->answer = answer;
    return decode_states(d, raw[ANSWER_OPEN], collection->fields[answer->state].codes, "open",
                         &answer->open, &answer->open_count) &&
           (answer->open_count > 0 || decoder_bad(d, "open is empty"));
}

static bool decode_audience(struct decoder *d, struct bytes raw,
                            struct policy_collection *collection)
{
    struct reader reader = reader_of(raw);
    collection->audience = AUDIENCE_ALL;
    collection->audience_field = -1;
    if (reader_peek(&reader) == KIND_BOOL)
        return (reader_bool(&reader) && reader_end(&reader) == OK) ||
               decoder_bad(d, "audience is not true");
    collection->audience = AUDIENCE_FIELD;
    if (!decoder_index_or_none(d, raw, "audience", collection->field_count,
                               &collection->audience_field))
        return false;
    const struct policy_field *field =
        collection->audience_field < 0 ? NULL : &collection->fields[collection->audience_field];
    return (field != NULL && field->element == FIELD_AREA) ||
           decoder_bad(d, "audience_field is not of areas");
}

static bool decode_link(struct decoder *d, struct bytes raw, const char *what,
                        struct policy_link *ret)
{
    struct reader reader = reader_of(raw);
    if (raw.at == NULL)
        return true;
    reader_array_of(&reader, 2);
    struct bytes collection = reader_raw(&reader);
    struct bytes field = reader_raw(&reader);
    if (reader_end(&reader) != OK)
        return decoder_bad(d, "%s is not [collection, field]", what);
    ret->collection = decoder_string(d, collection, FORM_NAME, what);
    ret->field = decoder_string(d, field, FORM_NAME, what);
    return d->err == OK;
}

static bool decode_must_read(struct decoder *d, struct bytes raw,
                             struct policy_collection *collection)
{
    if (raw.at == NULL)
        return true;
    if (!decoder_index_or_none(d, raw, "must_read", collection->field_count,
                               &collection->must_read))
        return false;
    if (collection->must_read < 0 || collection->fields[collection->must_read].type != FIELD_BOOL)
        return decoder_bad(d, "must_read is not a field of type bool");
    return collection->read_by.collection != NULL ||
           decoder_bad(d, "must_read stands only with read_by");
}

/* A message is the first required text that people write; an answer names the message before it. */
static bool decode_forum(struct decoder *d, struct bytes raw, struct policy_collection *collection)
{
    struct reader reader = reader_of(raw);
    if (raw.at == NULL)
        return true;
    if (!reader_bool(&reader) || reader_end(&reader) != OK)
        return decoder_bad(d, "forum is not true");
    for (size_t i = collection->field_count; i > 0; i--) {
        const struct policy_field *field = &collection->fields[i - 1];
        if (field->type == FIELD_TEXT && field->required && !field->computed &&
            field->default_value.len == 0 && field->until == NULL)
            collection->message = (int)i - 1;
        if (field->type == FIELD_REFERENCE && !field->required && !field->computed &&
            field->target_count == 1 && strcmp(field->targets[0], collection->name) == 0)
            collection->reply = (int)i - 1;
    }
    collection->forum = true;
    if (collection->audience == AUDIENCE_AREA)
        return decoder_bad(d, "a forum has an audience");
    return collection->message >= 0 || decoder_bad(d, "a forum has a required field of type text");
}

bool decode_work(struct decoder *d, const struct work_raw *raw,
                 struct policy_collection *collection)
{
    collection->audience_field = -1;
    collection->must_read = collection->message = collection->reply = -1;
    if ((raw->rules.at != NULL && !decode_rules(d, raw->rules, collection)) ||
        (raw->workflows.at != NULL && !decode_workflows(d, raw->workflows, collection)) ||
        (raw->answer.at != NULL && !decode_answer(d, raw->answer, collection)))
        return false;
    decoder_place(d, "collection %s", collection->name);
    return (raw->audience.at == NULL || decode_audience(d, raw->audience, collection)) &&
           decode_link(d, raw->read_by, "read_by", &collection->read_by) &&
           decode_link(d, raw->covered_by, "covered_by", &collection->covered_by) &&
           decode_must_read(d, raw->must_read, collection) &&
           decode_forum(d, raw->forum, collection);
}
