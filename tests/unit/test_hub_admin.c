/* The hub's commands over its real socket, in one process: the client is watched by the daemon's
 * loop. */
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

/* ---- before there is a district */

static void a_daemon_without_trust_says_the_next_command(void **state)
{
    (void)state;
    ask_done("hello", NULL);
    assert_string_equal(done_text("program"), "tksk-hub");
    assert_true(json_is_null(json_object_get(answer.done, "district")));
    ask_done("status", NULL);
    assert_non_null(strstr(done_text("next"), "trust init"));
    assert_int_equal(done_int("trust_version"), 0);
    assert_null(hub.access);
    ask_done("trust_state", NULL);
    assert_int_equal(done_int("version"), 0);
    ask_refused("nodes", NULL, ERR_STATE);
    ask_refused("query", sql_args("SELECT 1"), ERR_STATE);
    ask_refused("no_such_command", NULL, ERR_USAGE);
}

static void keys_name_an_endpoint_that_offices_can_reach(void **state)
{
    (void)state;
    char hex[2 * PUBLIC_KEY_BYTES + 1];
    ask_done("keys", NULL);
    crypto_hex(bytes_of(hub.keys.sign_public.at, PUBLIC_KEY_BYTES), hex);
    assert_string_equal(done_text("sign_key"), hex);
    assert_int_equal(done_int("seal_number"), 1);
    const json_t *endpoints = json_object_get(answer.done, "endpoints");
    assert_int_equal(json_array_size(endpoints), 1);
    assert_string_equal(json_string_value(json_array_get(endpoints, 0)),
                        hub_access_endpoint(hub.access));
}

static void a_statement_that_names_other_hub_keys_founds_nothing(void **state)
{
    (void)state;
    struct trust nothing;
    trust_open(&nothing);
    district.keys = made_keys;
    ask_refused("trust_publish", statement_args(fix_founding(&district, &nothing)), ERR_KEY);
    ask_refused("trust_publish", json_pack("{s:s}", "statement", "AAAA"), ERR_MALFORMED);
    ask_refused("trust_publish", json_pack("{s:s}", "statement", "no base 64!"), ERR_MALFORMED);
    ask_refused("trust_publish", NULL, ERR_USAGE);
    assert_null(hub.store);
    trust_close(&nothing);
}

/* ---- founding */

static void founding_opens_the_door_and_outlives_a_restart(void **state)
{
    (void)state;
    char endpoint[ENDPOINT_TEXT_MAX + 1];
    found();
    assert_non_null(hub.access);
    snprintf(endpoint, sizeof endpoint, "%s", hub_access_endpoint(hub.access));
    daemon_down();
    daemon_up();
    assert_non_null(hub.access);
    assert_string_equal(hub_access_endpoint(hub.access), endpoint); /* offices know this port */
    ask_done("status", NULL);
    assert_string_equal(done_text("district"), FIX_DISTRICT);
    assert_int_equal(done_int("trust_version"), 1);
    assert_int_equal(done_int("journal"), 1);
    assert_non_null(strstr(done_text("next"), "policy publish"));
    ask_done("trust_state", NULL);
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(answer.done, "signers"), "keys")), 1);
}

static void statements_out_of_order_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct trust nothing;
    struct fix_office office;
    fix_office_open(&office, "36.04.29", 1);
    found();
    trust_open(&nothing);
    ask_refused("trust_publish", statement_args(fix_founding(&district, &nothing)), ERR_STATE);
    struct bytes statement = fix_enrolment(&district, hub_store_trust(hub.store), &office);
    uint8_t altered[TRUST_STATEMENT_BYTES_MAX];
    memcpy(altered, statement.at, statement.len);
    altered[statement.len - 1] ^= 1;
    ask_refused("trust_publish", statement_args(bytes_of(altered, statement.len)), ERR_SIGNATURE);
    assert_int_equal(hub_store_trust(hub.store)->version, 1);
    ask_done("trust_publish", statement_args(bytes_of(statement.at, statement.len)));
    assert_int_equal(done_int("version"), 2);
    ask_done("nodes", NULL);
    assert_int_equal(json_array_size(answer.rows), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(answer.rows, 0), "state")),
                        "never");
    trust_close(&nothing);
    fix_office_close(&office);
}

static void rules_are_published_once_and_come_back_as_signed(void **state)
{
    (void)state;
    found();
    ask_refused("rules_get", NULL, ERR_NOT_FOUND);
    ask_refused("rules_publish", json_pack("{s:s}", "document", "AAAA"), ERR_MALFORMED);
    struct bytes document = rules_made(1);
    ask_done("rules_publish", document_args(document));
    assert_int_equal(done_int("version"), 1);
    ask_done("rules_get", NULL);
    struct buf back = buf_of(malloc(document.len + 64), document.len + 64);
    assert_ok(crypto_unbase64(bytes_text(done_text("document")), &back));
    assert_true(bytes_equal(buf_bytes(&back), document));
    free(back.at);
    ask("rules_publish", document_args(document));
    assert_non_null(answer.error);
    ask_refused("rules_get", json_pack("{s:i}", "version", 9), ERR_NOT_FOUND);
}

/* ---- joining */

static void an_invite_is_a_file_and_wrong_words_approve_nobody(void **state)
{
    (void)state;
    struct invite invite;
    struct problem problem = { .code = OK };
    found();
    ask_done("invite", json_pack("{s:s, s:i}", "node", "36.04.29", "hours", 24));
    assert_ok(invite_parse(bytes_text(done_text("invite")), &invite, &problem));
    assert_string_equal(invite.node, "36.04.29");
    ask_refused("invite", json_pack("{s:s, s:i}", "node", "kantor", "hours", 24), ERR_VALUE);
    ask_refused("invite", json_pack("{s:s, s:i}", "node", "36.04.29", "hours", -1), ERR_USAGE);
    ask_done("enrolments", NULL);
    assert_int_equal(json_array_size(answer.rows), 0);
    ask_refused("enrolment_check",
                json_pack("{s:s, s:s, s:s}", "node", "36.04.29", "kind", "node", "words",
                          "baku baku baku baku baku baku"),
                ERR_NOT_FOUND);
    ask_refused("enrolment_check",
                json_pack("{s:s, s:s, s:s}", "node", "36.04.29", "kind", "other", "words", "x"),
                ERR_USAGE);
}

/* ---- questions and copies */

static void one_select_is_answered_and_nothing_else(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_done("query", sql_args("SELECT count(*) AS n, 'x', NULL, x'0aff', 1.5 FROM person; "));
    json_t *columns = json_object_get(json_array_get(answer.rows, 0), "columns");
    json_t *cells = json_object_get(json_array_get(answer.rows, 1), "cells");
    assert_string_equal(json_string_value(json_array_get(columns, 0)), "n");
    assert_int_equal(json_integer_value(json_array_get(cells, 0)), 0);
    assert_string_equal(json_string_value(json_array_get(cells, 1)), "x");
    assert_true(json_is_null(json_array_get(cells, 2)));
    assert_string_equal(json_string_value(json_array_get(cells, 3)), "0aff");
    static const char *const refused[] = {
        "DELETE FROM person",
        "INSERT INTO person DEFAULT VALUES",
        "PRAGMA journal_mode",
        "ATTACH '/tmp/x.db' AS x",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP TABLE person",
        "CREATE TABLE t (a)",
        "SELECT * FROM no_such_table",
        "VACUUM INTO '/tmp/y.db'",
        "not sql",
        ";",
    };
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        ask("query", sql_args(refused[i]));
        if (answer.error == NULL)
            fail_msg("answered: %s", refused[i]);
    }
    ask_done("query", sql_args("SELECT count(*) FROM person"));
}

static const char *logged(const char *key)
{
    ask_done("audit_list", json_pack("{s:i}", "max", 1));
    const json_t *row = json_array_get(answer.rows, 0);
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

static void questions_and_copies_are_logged_with_user_and_reason(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_refused("query", json_pack("{s:s, s:b}", "sql", "SELECT 1", "full", 1), ERR_USAGE);
    ask_refused("query", json_pack("{s:s, s:b, s:s}", "sql", "SELECT 1", "full", 1, "reason", "  "),
                ERR_USAGE);
    ask_done("audit_list", NULL);
    assert_int_equal(json_array_size(answer.rows), 0); /* nothing was asked */
    ask_done("query", json_pack("{s:s, s:b, s:s}", "sql", "SELECT 1", "full", 1, "reason",
                                "pemadanan DTSEN"));
    assert_string_equal(logged("op"), "query");
    assert_string_equal(logged("what"), "SELECT 1");
    assert_string_equal(logged("reason"), "pemadanan DTSEN");
    const json_t *row = json_array_get(answer.rows, 0);
    assert_int_equal(json_integer_value(json_object_get(row, "uid")), getuid());
    assert_true(json_is_true(json_object_get(row, "full")));
    ask_done("snapshot", json_pack("{s:s}", "reason", "untuk BI"));
    assert_string_equal(logged("op"), "snapshot");
    assert_string_equal(logged("reason"), "untuk BI");
    ask_done("backup", NULL);
    assert_string_equal(logged("op"), "backup");
    daemon_down();
    daemon_up();
    ask_done("audit_verify", NULL);
    assert_true(json_is_true(json_object_get(answer.done, "sound")));
    assert_int_equal(done_int("last"), 3);
}

static void a_slow_question_ends_and_the_daemon_lives_on(void **state)
{
    (void)state;
    found();
    ask_refused("query",
                json_pack("{s:s, s:i}", "sql",
                          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                          "SELECT count(*) FROM n",
                          "limit_ms", 200),
                ERR_LIMIT);
    ask_done("status", NULL);
}

static void verify_replays_the_journal_of_a_copy(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_done("verify", NULL);
    assert_int_equal(done_int("journal"), 2);
    assert_int_equal(strlen(done_text("content_hash")), 2 * HASH_BYTES);
}

static void a_snapshot_is_a_whole_database(void **state)
{
    (void)state;
    static uint8_t space[8 * 1024 * 1024];
    struct buf file = buf_of(space, sizeof space);
    size_t at;
    json_t *row;
    found();
    ask_done("snapshot", NULL);
    json_array_foreach(answer.rows, at, row) {
        struct buf chunk = buf_of(file.at + file.len, file.cap - file.len);
        assert_ok(
            crypto_unbase64(bytes_text(json_string_value(json_object_get(row, "data"))), &chunk));
        file.len += chunk.len;
    }
    assert_int_equal(done_int("bytes"), file.len);
    assert_memory_equal(file.at, "SQLite format 3", 16);
}

static void a_backup_counts_once_it_is_confirmed(void **state)
{
    (void)state;
    char name[80];
    found();
    ask_done("backup", NULL);
    snprintf(name, sizeof name, "%s", done_text("name"));
    ask_done("status", NULL);
    assert_true(json_is_null(json_object_get(answer.done, "last_backup")));
    ask_refused("backup_done", json_pack("{s:s}", "name", "other"), ERR_NOT_FOUND);
    ask_done("backup_done", json_pack("{s:s}", "name", name));
    ask_refused("backup_done", json_pack("{s:s}", "name", name), ERR_NOT_FOUND);
    ask_done("status", NULL);
    assert_true(json_is_string(json_object_get(answer.done, "last_backup")));
}

static const json_t *alarm_of(const char *kind)
{
    size_t index;
    json_t *alarm;
    json_array_foreach(json_object_get(answer.done, "alarms"), index, alarm) {
        if (strcmp(json_string_value(json_object_get(alarm, "kind")), kind) == 0)
            return alarm;
    }
    return NULL;
}

static void status_warns_of_terms_and_backups(void **state)
{
    (void)state;
    static uint8_t space[1024];
    struct fix_office office;
    char soon[11];
    fix_office_open(&office, "36.04.29", 1);
    found();
    ask_done("trust_publish",
             statement_args(fix_enrolment(&district, hub_store_trust(hub.store), &office)));
    ask_done("status", NULL);
    assert_non_null(alarm_of("no_backup"));
    assert_null(alarm_of("term_ending")); /* 2090 */
    assert_null(alarm_of("silent"));      /* it has not begun */
    assert_null(alarm_of("rolled_back"));
    date_of_ms(loop_wall_ms() + UINT64_C(59) * 24 * 3600 * 1000, soon);
    struct writer ops = writer_of(space, sizeof space);
    writer_array(&ops, 1);
    trust_op_operator_until(&ops, office.operator_number, "SK 2", soon);
    ask_done("trust_publish", statement_args(fix_statement(&district, hub_store_trust(hub.store),
                                                           writer_bytes(&ops))));
    ask_done("status", NULL);
    const json_t *alarm = alarm_of("term_ending");
    assert_non_null(alarm);
    assert_int_equal(json_integer_value(json_object_get(alarm, "days")), 59);
    assert_string_equal(json_string_value(json_object_get(alarm, "until")), soon);
    assert_int_equal(done_int("nodes_trust"), 0); /* it has not heard of any version yet */
    fix_office_close(&office);
}

static void copies_leave_no_file_behind(void **state)
{
    (void)state;
    char command[160];
    found();
    ask_done("snapshot", NULL);
    ask_done("query", sql_args("SELECT 1"));
    ask_done("verify", NULL);
    ask_done("status", NULL); /* a turn later the children are gone */
    snprintf(command, sizeof command, "test -z \"$(ls -A '%s/state/copies')\"", directory);
    assert_int_equal(system(command), 0);
}

static void a_record_that_is_not_there_is_not_found(void **state)
{
    (void)state;
    found();
    ask_done("rules_publish", document_args(rules_made(1)));
    ask_refused("show", json_pack("{s:s}", "id", "29-0001"), ERR_NOT_FOUND);
    ask_refused("show", json_pack("{s:s}", "id", "' OR 1=1 --"), ERR_NOT_FOUND);
    ask_refused("show", NULL, ERR_USAGE);
    ask_done("conflict_list", NULL);
    ask_done("review", NULL);
    assert_int_equal(json_array_size(answer.rows), 0);
    ask_refused("restore_info", NULL, ERR_STATE);
    ask_done("metrics", NULL);
    assert_true(json_is_object(json_object_get(answer.done, "counters")));
}

int main(void)
{
    if (crypto_start() != OK)
        return 1;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_daemon_without_trust_says_the_next_command),
        TEST(keys_name_an_endpoint_that_offices_can_reach),
        TEST(a_statement_that_names_other_hub_keys_founds_nothing),
        TEST(founding_opens_the_door_and_outlives_a_restart),
        TEST(statements_out_of_order_are_refused_and_change_nothing),
        TEST(rules_are_published_once_and_come_back_as_signed),
        TEST(an_invite_is_a_file_and_wrong_words_approve_nobody),
        TEST(one_select_is_answered_and_nothing_else),
        TEST(questions_and_copies_are_logged_with_user_and_reason),
        TEST(a_slow_question_ends_and_the_daemon_lives_on),
        TEST(verify_replays_the_journal_of_a_copy),
        TEST(a_snapshot_is_a_whole_database),
        TEST(a_backup_counts_once_it_is_confirmed),
        TEST(status_warns_of_terms_and_backups),
        TEST(copies_leave_no_file_behind),
        TEST(a_record_that_is_not_there_is_not_found),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    answer_close();
    return failed;
}
