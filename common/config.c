#include "common/config.h"

#include <confuse.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/files.h"
#include "common/must.h"

/* libconfuse calls back without a context; one parse runs at a time. */
struct parse {
    const char *name;
    struct problem *problem;
    struct config *config;
    bool failed;
    int lines[16]; /* by key: where it was set, 0 = not yet */
};
static struct parse *current;

static void refuse(int line, const char *key, const char *rule)
{
    char thing[PROBLEM_THING_MAX];
    if (current->failed)
        return; /* the first fault is the one to mend */
    current->failed = true;
    (void)snprintf(thing, sizeof(thing), "%s line %d%s%s", current->name, line, key ? ": " : "",
                   key ? key : "");
    (void)problem_set(current->problem, ERR_CONFIG, thing, rule);
}

/* --- values ---------------------------------------------------------------------------------- */

/* Each returns NULL or the rule that the value breaks. */
typedef const char *take_value(struct config *config, const char *value);

static const char *take_text(const char *value, char *ret, size_t cap, const char *rule)
{
    if (strlen(value) >= cap)
        return rule;
    memcpy(ret, value, strlen(value) + 1);
    return NULL;
}

static const char *take_state(struct config *config, const char *value)
{
    if (value[0] != '/')
        return "a path from the root is needed (/…)";
    return take_text(value, config->state, sizeof(config->state), "200 bytes at most");
}

static const char *take_socket_path(char ret[CONFIG_SOCKET_MAX + 1], const char *value)
{
    if (value[0] != '/')
        return "a path from the root is needed (/…)";
    return take_text(value, ret, CONFIG_SOCKET_MAX + 1,
                     "107 bytes at most, a limit of Unix sockets");
}

static const char *take_socket(struct config *config, const char *value)
{
    return take_socket_path(config->socket, value);
}

static const char *take_office(struct config *config, const char *value)
{
    return take_socket_path(config->office, value);
}

static const char *take_group(struct config *config, const char *value)
{
    return take_text(value, config->group, sizeof(config->group), "63 bytes at most");
}

static const char *take_log_level(struct config *config, const char *value)
{
    return log_level_from_name(value, &config->log_level) ? NULL
                                                          : "one of error, warning, info, debug";
}

static bool is_endpoint(const char *value, size_t len)
{
    static const char scheme[] = "tcp://";
    if (len > CONFIG_ENDPOINT_MAX || strncmp(value, scheme, sizeof(scheme) - 1) != 0)
        return false;
    /* HOST:PORT or [ADDRESS]:PORT: the port stands behind the last colon. */
    const char *colon = memrchr(value, ':', len);
    const char *host = value + sizeof(scheme) - 1;
    if (!colon || colon <= host || colon == value + len - 1)
        return false;
    size_t port_len = (size_t)(value + len - colon - 1);
    return strspn(colon + 1, "0123456789*") >= port_len;
}

static const char *take_listen(struct config *config, const char *value)
{
    if (!is_endpoint(value, strlen(value)))
        return "tcp://ADDRESS:PORT is needed, for example tcp://*:7436";
    return take_text(value, config->listen, sizeof(config->listen), "127 bytes at most");
}

static const char *take_advertise(struct config *config, const char *value)
{
    config->advertise_count = 0;
    for (const char *at = value + strspn(value, ", "); *at; at += strspn(at, ", ")) {
        size_t len = strcspn(at, ", ");
        if (config->advertise_count == CONFIG_ADVERTISE_MAX)
            return "4 endpoints at most";
        if (!is_endpoint(at, len) || memchr(at, '*', len))
            return "tcp://NAME:PORT is needed, for example tcp://dinsos.example.id:7436";
        char *ret = config->advertise[config->advertise_count++];
        memcpy(ret, at, len);
        ret[len] = '\0';
        at += len;
    }
    return NULL;
}

/* --- keys ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    bool hub_only;
    take_value *take;
    const char *preset[2]; /* by enum config_kind */
} keys[] = {
    { "state", false, take_state, { "/var/lib/tksk-hub", "/var/lib/tksk-node" } },
    { "socket", false, take_socket, { "/run/tksk-hub/admin.sock", "/run/tksk-node/admin.sock" } },
    { "group", false, take_group, { "tksk", "tksk" } },
    { "log_level", false, take_log_level, { "info", "info" } },
    { "listen", true, take_listen, { "tcp://*:7436", "" } },
    { "advertise", true, take_advertise, { "", "" } },
    { "office", true, take_office, { "/run/tksk-office/admin.sock", "" } },
};

_Static_assert(COUNT_OF(keys) <= COUNT_OF(((struct parse *)0)->lines), "a line for every key");

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
    const char *value = cfg_opt_getnstr(opt, 0);
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (strcmp(keys[i].name, opt->name) != 0)
            continue;
        char twice[64];
        (void)snprintf(twice, sizeof(twice), "set already in line %d", current->lines[i]);
        const char *rule = current->lines[i] ? twice : keys[i].take(current->config, value);
        current->lines[i] = cfg->line;
        if (rule)
            refuse(cfg->line, opt->name, rule);
    }
    return current->failed ? -1 : 0;
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *fmt,
                                                           va_list args)
{
    char text[PROBLEM_DETAIL_MAX];
    (void)vsnprintf(text, sizeof(text), fmt, args);
    refuse(cfg->line, NULL, text);
}

/* What libconfuse would take in silence: expansions, escapes, and other comments than #, of which
 * an unfinished one would swallow the rest of the file. */
static const char *silent_fault(char at, char next, char quote)
{
    if (at == '\0')
        return "a NUL byte";
    if (at == '\\')
        return "backslashes are not taken";
    if (at == '$' && next == '{')
        return "\"${\" is not taken: values are not expanded";
    if (!quote && at == '/' && (next == '*' || next == '/'))
        return "comments start with #, and such a value stands between quotes";
    return NULL;
}

static void check_text(struct bytes text)
{
    int line = 1;
    char quote = '\0';
    bool comment = false;
    for (size_t i = 0; i < text.len; i++) {
        char at = (char)text.at[i];
        char next = i + 1 < text.len ? (char)text.at[i + 1] : ' ';
        const char *fault = silent_fault(at, next, comment ? '#' : quote);
        if (fault)
            refuse(line, NULL, fault);
        if (at == '\n') {
            line++;
            comment = false;
        } else if (!comment && quote)
            quote = at == quote ? '\0' : quote;
        else if (!comment && (at == '\'' || at == '"'))
            quote = at;
        else if (at == '#')
            comment = true;
    }
}

enum err config_parse(enum config_kind kind, struct bytes text, const char *name,
                      struct config *ret_config, struct problem *problem)
{
    struct config config = { .state = "" };
    struct parse parse = { .name = name, .problem = problem, .config = &config };
    cfg_opt_t options[COUNT_OF(keys) + 1];
    size_t count = 0;
    cfg_t *cfg = NULL;
    char *copy = strndup(text.len ? (const char *)text.at : "", text.len);
    must(!current);
    if (!copy)
        return problem_set(problem, ERR_MEMORY, name, NULL);

    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        const char *rule = keys[i].take(&config, keys[i].preset[kind]);
        must(!rule || keys[i].hub_only);
        if (!keys[i].hub_only || kind == CONFIG_HUB)
            options[count++] = (cfg_opt_t)CFG_STR(keys[i].name, NULL, CFGF_NODEFAULT);
    }
    options[count] = (cfg_opt_t)CFG_END();
    current = &parse;
    check_text(text);
    if (parse.failed)
        goto out;
    cfg = cfg_init(options, CFGF_NONE);
    if (!cfg) {
        refuse(0, NULL, "out of memory");
        goto out;
    }
    (void)cfg_set_error_function(cfg, on_error);
    for (size_t i = 0; i < count; i++)
        (void)cfg_set_validate_func(cfg, options[i].name, on_value);
    if (cfg_parse_buf(cfg, copy) != CFG_SUCCESS)
        refuse(cfg->line, NULL, "not understood");
out:
    if (cfg)
        cfg_free(cfg);
    free(copy);
    current = NULL;
    if (parse.failed)
        return ERR_CONFIG;
    *ret_config = config;
    return OK;
}

const char *config_default_path(enum config_kind kind)
{
    return kind == CONFIG_HUB ? "/etc/tksk/hub.conf" : "/etc/tksk/node.conf";
}

enum err config_load(enum config_kind kind, const char *path, struct config *ret_config,
                     struct problem *problem)
{
    struct buf text = { .at = NULL };
    const char *name = path ? path : config_default_path(kind);
    enum err err = files_read(name, CONFIG_BYTES_MAX, &text, problem);
    if (err && !(err == ERR_NOT_FOUND && !path))
        return err;
    err = config_parse(kind, buf_bytes(&text), name, ret_config, problem);
    files_release(&text);
    return err;
}
