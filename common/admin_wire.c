#include "common/admin_wire.h"

#include <malloc.h>
#include <stdlib.h>

#include "common/crypto.h"

static void wipe_and_free(void *at)
{
    if (at)
        crypto_wipe(at, malloc_usable_size(at));
    free(at);
}

void admin_wipe_json(void)
{
    json_set_alloc_funcs(malloc, wipe_and_free);
}

void admin_text_free(char *text)
{
    wipe_and_free(text);
}

enum err admin_request_parse(struct bytes line, struct admin_request *ret_request,
                             struct problem *problem)
{
    json_error_t error;
    if (line.len > ADMIN_LINE_BYTES_MAX)
        return problem_set(problem, ERR_LIMIT, "request", "a line of 1 MiB at most");
    json_t *root = json_loadb((const char *)line.at, line.len, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        /* Not error.text: it quotes the input. */
        return problem_setf(problem, ERR_MALFORMED, "request", "not JSON at byte %d",
                            error.position);
    enum err err = OK;
    const json_t *cmd = json_object_get(root, "cmd");
    const json_t *lang = json_object_get(root, "lang");
    const json_t *version = json_object_get(root, "v");
    json_t *args = json_object_get(root, "args");
    if (json_is_string(lang) && strcmp(json_string_value(lang), "id") == 0)
        ret_request->lang = LANG_ID;
    if (!json_is_object(root))
        err = problem_set(problem, ERR_USAGE, "request", "a JSON object is needed");
    else if (!json_is_integer(version) || json_integer_value(version) != 1)
        err = problem_set(problem, ERR_USAGE, "request", "\"v\":1 is needed");
    else if (!json_is_string(cmd) || json_string_length(cmd) == 0 ||
             json_string_length(cmd) > ADMIN_CMD_TEXT_MAX)
        err = problem_set(problem, ERR_USAGE, "request", "\"cmd\" must name a command");
    else if (args && !json_is_object(args))
        err = problem_set(problem, ERR_USAGE, "request", "\"args\" must be an object");
    else if (lang && (!json_is_string(lang) || (strcmp(json_string_value(lang), "id") != 0 &&
                                                strcmp(json_string_value(lang), "en") != 0)))
        err = problem_set(problem, ERR_USAGE, "request", "\"lang\" must be \"id\" or \"en\"");
    else {
        args = args ? json_incref(args) : json_object();
        if (!args)
            err = problem_set(problem, ERR_MEMORY, "request", NULL);
        else {
            memcpy(ret_request->cmd, json_string_value(cmd), json_string_length(cmd) + 1);
            ret_request->args = args;
        }
    }
    json_decref(root);
    return err;
}

char *admin_answer_text(const char *kind, json_t *value)
{
    char *text = NULL;
    json_t *root = json_object();
    if (!value)
        value = json_object();
    if (root && value && json_object_set(root, kind, value) == 0)
        text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    json_decref(value);
    return text;
}

json_t *admin_problem_json(const struct problem *problem, enum lang lang)
{
    char rule[PROBLEM_DETAIL_MAX + 256];
    problem_rule(problem, lang, rule, sizeof(rule));
    return json_pack("{s:s, s:s, s:s, s:s}", "code", err_name(problem->code), "thing",
                     problem->thing, "rule", rule, "remedy", problem_remedy(problem, lang));
}
