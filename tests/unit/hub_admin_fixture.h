/* The hub's commands over its real socket, in one process: the client is watched by the daemon's
 * loop. For test programs of one file each. */
#pragma once

#include "tests/unit/hub_fixture.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "common/admin.h"
#include "common/must.h"
#include "hub/hub_daemon.h"
#include "proto/invite.h"
#include "proto/policy_text.h"
#include "proto/value.h"

#define LIMIT_MS 20000

static char directory[64];
static struct service *service;
static struct hub_daemon hub;
static struct fix_district district; /* its hub keys are replaced by the daemon's */
static struct hub_keys made_keys;

/* ---- a daemon in a fresh directory */

static void file_write(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void daemon_up(void)
{
    static const struct service_program program = { .name = "tksk-hub",
                                                    .kind = CONFIG_HUB,
                                                    .summary = "test" };
    char config[160];
    snprintf(config, sizeof config, "%s/hub.conf", directory);
    char name[] = "tksk-hub", option[] = "--config";
    char *argv[] = { name, option, config, NULL };
    struct problem problem = { .code = OK };
    int exit_code = 0;
    assert_true(service_start(&program, 3, argv, &service, &exit_code));
    enum err err = hub_daemon_open(&hub, service, &problem);
    if (err != OK)
        fail_msg("%s %s %s", err_name(err), problem.thing, problem.detail);
    district.keys = hub.keys;
}

static void daemon_down(void)
{
    hub_daemon_close(&hub);
    assert_int_equal(service_stop(&service), 0);
}

static int setup(void **state)
{
    (void)state;
    char text[512];
    fix_directory(directory, sizeof directory);
    snprintf(text, sizeof text,
             "state = '%s/state'\nsocket = '%s/admin.sock'\nlisten = 'tcp://127.0.0.1:*'\n"
             "log_level = 'error'\n",
             directory, directory);
    file_write("hub.conf", text);
    fix_district_open(&district);
    made_keys = district.keys;
    daemon_up();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    daemon_down();
    district.keys = made_keys;
    fix_district_close(&district);
    fix_directory_drop(directory);
    return 0;
}

/* ---- a client */

struct answer {
    int fd;
    size_t len;
    char line[2 * ADMIN_LINE_BYTES_MAX];
    json_t *rows;
    json_t *done;
    json_t *error;
};

static struct answer answer;

static void answer_close(void)
{
    json_decref(answer.rows);
    json_decref(answer.done);
    json_decref(answer.error);
    answer.rows = answer.done = answer.error = NULL;
}

static void answer_line(const char *line, size_t len)
{
    json_t *object = json_loadb(line, len, 0, NULL);
    assert_non_null(object);
    json_t *row = json_object_get(object, "row");
    if (row != NULL)
        json_array_append(answer.rows, row);
    answer.done = json_incref(json_object_get(object, "done"));
    answer.error = json_incref(json_object_get(object, "error"));
    json_decref(object);
    if (answer.done != NULL || answer.error != NULL)
        loop_stop(hub.loop);
}

static void on_readable(void *ctx)
{
    (void)ctx;
    ssize_t got =
        recv(answer.fd, answer.line + answer.len, sizeof answer.line - answer.len, MSG_DONTWAIT);
    if (got <= 0) {
        loop_stop(hub.loop);
        return;
    }
    answer.len += (size_t)got;
    const char *end;
    while (answer.done == NULL && answer.error == NULL &&
           (end = memchr(answer.line, '\n', answer.len)) != NULL) {
        size_t len = (size_t)(end - answer.line);
        answer_line(answer.line, len);
        memmove(answer.line, answer.line + len + 1, answer.len - len - 1);
        answer.len -= len + 1;
    }
}

static void on_late(void *ctx)
{
    (void)ctx;
    loop_stop(hub.loop);
}

/* Takes `args`. Rows, done or error stand in `answer` until the next call. */
static void ask(const char *cmd, json_t *args)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    json_t *request = json_pack("{s:i, s:s, s:o}", "v", 1, "cmd", cmd, "args",
                                args != NULL ? args : json_object());
    char *text = json_dumps(request, JSON_COMPACT);
    assert_non_null(text);
    answer_close();
    answer.rows = json_array();
    answer.len = 0;
    snprintf(address.sun_path, sizeof address.sun_path, "%s/admin.sock", directory);
    answer.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(answer.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(send(answer.fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    assert_int_equal(send(answer.fd, "\n", 1, MSG_NOSIGNAL), 1);
    free(text);
    json_decref(request);
    loop_watch(hub.loop, answer.fd, on_readable, NULL, NULL);
    int timer = loop_after(hub.loop, LIMIT_MS, on_late, NULL);
    assert_ok(loop_run(hub.loop));
    loop_cancel(hub.loop, timer);
    loop_unwatch(hub.loop, answer.fd);
    close(answer.fd);
    if (answer.done == NULL && answer.error == NULL)
        fail_msg("%s: no answer", cmd);
}

static void ask_done(const char *cmd, json_t *args)
{
    ask(cmd, args);
    if (answer.done == NULL)
        fail_msg("%s: %s", cmd, json_dumps(answer.error, 0));
}

static void ask_refused(const char *cmd, json_t *args, enum err code)
{
    ask(cmd, args);
    if (answer.error == NULL)
        fail_msg("%s: not refused", cmd);
    assert_string_equal(json_string_value(json_object_get(answer.error, "code")), err_name(code));
    assert_non_null(json_string_value(json_object_get(answer.error, "rule")));
    assert_non_null(json_string_value(json_object_get(answer.error, "remedy")));
}

static json_int_t done_int(const char *key)
{
    const json_t *value = json_object_get(answer.done, key);
    if (!json_is_integer(value))
        fail_msg("no number %s in %s", key, json_dumps(answer.done, 0));
    return json_integer_value(value);
}

static const char *done_text(const char *key)
{
    return json_string_value(json_object_get(answer.done, key));
}

static json_t *statement_args(struct bytes statement)
{
    char *text = malloc(2 * statement.len + 8);
    assert_ok(crypto_base64(statement, text, 2 * statement.len + 8));
    json_t *args = json_pack("{s:s}", "statement", text);
    free(text);
    return args;
}

static void found(void)
{
    struct trust nothing;
    trust_open(&nothing);
    ask_done("trust_publish", statement_args(fix_founding(&district, &nothing)));
    assert_int_equal(done_int("version"), 1);
    trust_close(&nothing);
}

static struct bytes rules_made(uint64_t version)
{
    static uint8_t document_space[RULES_BYTES_MAX], space[RULES_BYTES_MAX];
    char path[160];
    struct problem problem = { .code = OK };
    struct hash previous = { .at = { 0 } };
    struct buf document = buf_of(document_space, sizeof document_space);
    snprintf(path, sizeof path, "%s/policy", directory);
    (void)mkdir(path, 0700);
    file_write("policy/areas.csv", "kode,nama\n36,BANTEN\n36.04,SERANG\n36.04.29,SATU\n");
    file_write("policy/rules.conf",
               "authority T { label = 'Office' }\nrole tksk { label = 'Office' authority = {T} }\n"
               "settings { idle_lock_minutes = 15 }\n"
               "areas { file = 'areas.csv' within = '36.04' }\n"
               "collection person { title = 'Person' area_field = area\n"
               "  field area { type = area level = 3 required = true authority = {T} "
               "sensitivity = U label = 'Area' }\n"
               "  field name { type = text length = 40 required = true authority = {T} "
               "sensitivity = P label = 'Name' }\n}\n");
    enum err err = policy_text_compile(path, FIX_DISTRICT, version, &previous, &document, &problem);
    if (err != OK)
        fail_msg("policy: %s %s %s", err_name(err), problem.thing, problem.detail);
    const struct secret_key *const signers[] = { district.root };
    struct writer out = writer_of(space, sizeof space);
    assert_ok(rules_sign(buf_bytes(&document), signers, 1, &out));
    return writer_bytes(&out);
}

static json_t *document_args(struct bytes document)
{
    json_t *args = statement_args(document);
    json_object_set(args, "document", json_object_get(args, "statement"));
    json_object_del(args, "statement");
    return args;
}

static json_t *sql_args(const char *sql)
{
    return json_pack("{s:s}", "sql", sql);
}
