#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "common/config.h"
#include "common/files.h"
#include "tests/unit/place.h"

static struct config config;
static struct problem problem;

static enum err parse(enum config_kind kind, const char *text)
{
    return config_parse(kind, bytes_text(text), "x.conf", &config, &problem);
}

static void an_empty_file_means_the_usual_places(void **state)
{
    (void)state;
    assert_int_equal(parse(CONFIG_HUB, ""), OK);
    assert_string_equal(config.state, "/var/lib/tksk-hub");
    assert_string_equal(config.socket, "/run/tksk-hub/admin.sock");
    assert_string_equal(config.group, "tksk");
    assert_string_equal(config.listen, "tcp://*:7436");
    assert_int_equal(config.advertise_count, 0);
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_int_equal(parse(CONFIG_NODE, "# nothing\n\n"), OK);
    assert_string_equal(config.state, "/var/lib/tksk-node");
    assert_string_equal(config.socket, "/run/tksk-node/admin.sock");
}

static void every_key_is_taken(void **state)
{
    (void)state;
    assert_int_equal(parse(CONFIG_HUB, "state = '/s'\nsocket = \"/r/a.sock\" # here\ngroup = g\n"
                                       "listen = 'tcp://127.0.0.1:*'\nlog_level = 'debug'\n"
                                       "advertise = 'tcp://a.id:1, tcp://[::1]:2 tcp://b:3'"),
                     OK);
    assert_string_equal(config.state, "/s");
    assert_string_equal(config.socket, "/r/a.sock");
    assert_string_equal(config.group, "g");
    assert_string_equal(config.listen, "tcp://127.0.0.1:*");
    assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config.advertise_count, 3);
    assert_string_equal(config.advertise[1], "tcp://[::1]:2");
    assert_string_equal(config.advertise[2], "tcp://b:3");
}

static void assert_refused(enum config_kind kind, const char *text, const char *thing,
                           const char *rule)
{
    memset(&problem, 0, sizeof(problem));
    assert_int_equal(parse(kind, text), ERR_CONFIG);
    if (!strstr(problem.thing, thing) || !strstr(problem.detail, rule))
        fail_msg("%s -> %s: %s", text, problem.thing, problem.detail);
}

static void what_libconfuse_lets_through_is_refused_with_its_line(void **state)
{
    (void)state;
    assert_refused(CONFIG_HUB, "\nstat = 'x'", "x.conf line 2", "no such option 'stat'");
    assert_refused(CONFIG_NODE, "listen = 'tcp://*:1'", "line 1", "no such option 'listen'");
    assert_refused(CONFIG_HUB, "state = '/a'\n\nstate = '/b'", "line 3: state", "in line 1");
    assert_refused(CONFIG_HUB, "state = '/a'\nstate = '/a'", "line 2: state", "in line 1");
    assert_refused(CONFIG_HUB, "\n\nstate = \"${HOME}\"", "line 3", "${");
    assert_refused(CONFIG_HUB, "state = \"/a\\x00b\"", "line 1", "backslash");
    assert_refused(CONFIG_HUB, "state = '/a' /* never closed", "line 1", "comments");
    assert_refused(CONFIG_HUB, "# it's\nstate = '/a' // so", "line 2", "comments");
    assert_refused(CONFIG_HUB, "state = '/a", "line 1", "unterminated");
    assert_refused(CONFIG_HUB, "state =", "line 1", "end of file");
    assert_refused(CONFIG_HUB, "state /a", "line 1", "equal sign");
    assert_refused(CONFIG_HUB, "state = {'/a'}", "line 1", "");
    assert_refused(CONFIG_HUB, "state += '/a'", "line 1", "");
    assert_refused(CONFIG_HUB, "include('/etc/passwd')", "line 1", "no such option");
    static const char nul[] = "state = '/a'\n\0 = 1";
    assert_int_equal(
        config_parse(CONFIG_HUB, bytes_of(nul, sizeof(nul) - 1), "x.conf", &config, &problem),
        ERR_CONFIG);
    assert_string_equal(problem.thing, "x.conf line 2");
}

static void values_that_cannot_work_are_refused(void **state)
{
    (void)state;
    char text[400];
    assert_refused(CONFIG_HUB, "state = 'var'", "state", "path from the root");
    (void)snprintf(text, sizeof(text), "socket = '/%0107d'", 1);
    assert_refused(CONFIG_HUB, text, "socket", "107 bytes");
    (void)snprintf(text, sizeof(text), "socket = '/%0106d'", 1);
    assert_int_equal(parse(CONFIG_HUB, text), OK);
    (void)snprintf(text, sizeof(text), "state = '/%0300d'", 1);
    assert_refused(CONFIG_HUB, text, "state", "200 bytes");
    assert_refused(CONFIG_HUB, "log_level = loud", "log_level", "one of error");
    assert_refused(CONFIG_HUB, "listen = 'udp://*:1'", "listen", "tcp://");
    assert_refused(CONFIG_HUB, "listen = 'tcp://nowhere'", "listen", "tcp://");
    assert_refused(CONFIG_HUB, "listen = 'tcp://a:b'", "listen", "tcp://");
    assert_refused(CONFIG_HUB, "advertise = 'tcp://*:1'", "advertise", "tcp://NAME:PORT");
    assert_refused(CONFIG_HUB, "advertise = 'tcp://a:1 tcp://a:1 tcp://a:1 tcp://a:1 tcp://a:1'",
                   "advertise", "4 endpoints");
}

static void a_named_file_must_be_there_and_bounded(void **state)
{
    const char *path = place_path(*state, "hub.conf");
    assert_int_equal(config_load(CONFIG_HUB, path, &config, &problem), ERR_NOT_FOUND);
    assert_string_equal(problem.thing, path);
    assert_int_equal(files_write(path, 0600, bytes_text("state = '/x'\n"), &problem), OK);
    assert_int_equal(config_load(CONFIG_HUB, path, &config, &problem), OK);
    assert_string_equal(config.state, "/x");
    static char large[CONFIG_BYTES_MAX + 1];
    memset(large, '#', sizeof(large));
    assert_int_equal(files_write(path, 0600, bytes_of(large, sizeof(large)), &problem), OK);
    assert_int_equal(config_load(CONFIG_HUB, path, &config, &problem), ERR_LIMIT);
    assert_int_equal(config_load(CONFIG_HUB, place_path(*state, ""), &config, &problem), ERR_IO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_make, place_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_file_means_the_usual_places),
        TEST(every_key_is_taken),
        TEST(what_libconfuse_lets_through_is_refused_with_its_line),
        TEST(values_that_cannot_work_are_refused),
        TEST(a_named_file_must_be_there_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
