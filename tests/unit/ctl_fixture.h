/* A scripted daemon for tests of tkskctl: it answers from a table and keeps what it was asked. For
 * test programs of one file each. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/tkskctl/ctl.h"

/* --- the scripted daemon -------------------------------------------------------------------- */

struct line {
    const char *cmd;
    const char *answer; /* lines; "" closes the connection without an answer */
};

static char directory[] = "/tmp/test_tkskctl.XXXXXX";
static char socket_path[128];
static pid_t daemon_pid;

/* Serves each command with its next line of the script; the last one serves for ever. Requests are
 * kept in DIR/requests. */
static void serve(int listener, FILE *log, const struct line *script)
{
    unsigned used[64] = { 0 };
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
        char *line = NULL;
        size_t cap = 0;
        while (in && getline(&line, &cap, in) > 0) {
            json_t *request = json_loads(line, 0, NULL);
            const char *cmd = json_string_value(json_object_get(request, "cmd"));
            const char *answer =
                "{\"error\":{\"code\":\"usage\",\"thing\":\"?\",\"rule\":\"no such "
                "command\",\"remedy\":\"\"}}\n";
            unsigned seen = 0;
            (void)fputs(line, log);
            (void)fflush(log);
            for (size_t i = 0; cmd && script[i].cmd; i++) {
                if (strcmp(script[i].cmd, cmd) != 0)
                    continue;
                answer = script[i].answer;
                if (seen++ == used[i % 64])
                    break;
            }
            for (size_t i = 0; cmd && script[i].cmd; i++) {
                if (strcmp(script[i].cmd, cmd) == 0)
                    used[i % 64]++;
            }
            json_decref(request);
            if (answer[0] == '\0')
                break;
            (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
        }
        free(line);
        if (in)
            (void)fclose(in);
    }
}

static void start_daemon(const struct line *script)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    (void)snprintf(socket_path, sizeof(socket_path), "%s/admin.sock", directory);
    (void)unlink(socket_path);
    (void)memcpy(address.sun_path, socket_path, strlen(socket_path) + 1);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    /* Emptied here: a command that asks nothing may be done before the daemon has begun. */
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/requests", directory);
    FILE *log = fopen(path, "we");
    assert_non_null(log);
    daemon_pid = fork();
    assert_true(daemon_pid >= 0);
    if (daemon_pid == 0)
        serve(listener, log, script);
    (void)fclose(log);
    (void)close(listener);
}

static void stop_daemon(void)
{
    if (daemon_pid > 0) {
        (void)kill(daemon_pid, SIGKILL);
        (void)waitpid(daemon_pid, NULL, 0);
    }
    daemon_pid = 0;
}

static char *file_text(const char *name)
{
    static char text[8][256 * 1024];
    static unsigned turn;
    char path[256];
    char *into = text[turn++ % 8];
    (void)snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : directory,
                   name[0] == '/' ? "" : "/", name);
    FILE *in = fopen(path, "re");
    into[0] = '\0';
    if (in) {
        into[fread(into, 1, sizeof(text[0]) - 1, in)] = '\0';
        (void)fclose(in);
    }
    return into;
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    (void)fputs(text, out);
    assert_int_equal(fclose(out), 0);
}

static void redirect(int fd, const char *name, int flags)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    int file = open(path, flags | O_CLOEXEC, 0600);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(99);
}

/* Runs one command in a process of its own, in the directory of the test: the exit code. Output is
 * in the files "out" and "err". */
static int run(const char *input, ...)
{
    const char *argv[32] = { "tkskctl", "--socket", socket_path };
    int argc = 3, status;
    va_list words;
    va_start(words, input);
    for (const char *word; (word = va_arg(words, const char *)) != NULL;)
        argv[argc++] = word;
    va_end(words);
    write_file("in", input ? input : "");
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        redirect(STDIN_FILENO, "in", O_RDONLY);
        redirect(STDOUT_FILENO, "out", O_WRONLY | O_CREAT | O_TRUNC);
        redirect(STDERR_FILENO, "err", O_WRONLY | O_CREAT | O_TRUNC);
        if (chdir(directory) != 0)
            _exit(98);
        _exit(ctl_main(argc, (char *const *)(uintptr_t)argv));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void says(const char *file, const char *text)
{
    const char *whole = file_text(file);
    if (!strstr(whole, text))
        fail_msg("%s lacks \"%s\":\n%s", file, text, whole);
}

/* The nth (from 0) request of `cmd`; the caller frees. NULL: there were fewer. */
static json_t *request(const char *cmd, unsigned nth)
{
    char *at = file_text("requests");
    for (char *line; (line = strsep(&at, "\n")) != NULL && line[0];) {
        json_t *request = json_loads(line, 0, NULL);
        assert_non_null(request);
        if (strcmp(json_string_value(json_object_get(request, "cmd")), cmd) == 0 && nth-- == 0)
            return request;
        json_decref(request);
    }
    return NULL;
}

static const char *arg_of(const json_t *request, const char *name)
{
    return json_string_value(json_object_get(json_object_get(request, "args"), name));
}

#define HELLO(program)                                                                             \
    {                                                                                              \
        "hello", "{\"done\":{\"program\":\"" program                                               \
                 "\",\"version\":\"1\",\"district\":\"36.04\",\"node\":\"36.04.29\"}}\n"           \
    }

/* An officer's commands; FOUNDING is the script of a district's first. */
#define KEY_HEX "0101010101010101010101010101010101010101010101010101010101010101"
#define PASS "--passphrase-file", "pass", "--key", "conf/officer.key"
#define PUBLISHED(version)                                                                         \
    {                                                                                              \
        "trust_publish", "{\"done\":{\"version\":" #version "}}\n"                                 \
    }
#define FOUNDING                                                                                   \
    HELLO("tksk-hub"), { "trust_state", REFUSED("state") },                                        \
        { "keys", "{\"done\":{\"sign_key\":\"" KEY_HEX "\",\"seal_key\":\"" KEY_HEX                \
                  "\",\"curve_key\":\"" KEY_HEX                                                    \
                  "\",\"seal_number\":1,\"endpoints\":[\"tcp://10.0.0.1:7436\"]}}\n" },            \
        PUBLISHED(1),                                                                              \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }

#define COLLECTIONS                                                                                \
    {                                                                                              \
        "collections",                                                                             \
            "{\"row\":{\"name\":\"warga\",\"title\":\"Warga\",\"fields\":["                        \
            "{\"name\":\"nik\",\"label\":\"NIK\",\"type\":\"nik\",\"writable\":true},"             \
            "{\"name\":\"nama\",\"label\":\"Nama\",\"type\":\"text\",\"required\":true,"           \
            "\"writable\":true},"                                                                  \
            "{\"name\":\"jk\",\"label\":\"Jenis kelamin\",\"type\":\"enum\",\"writable\":true,"    \
            "\"codes\":[{\"code\":\"L\",\"label\":\"Laki-laki\"},"                                 \
            "{\"code\":\"P\",\"label\":\"Perempuan\"}]},"                                          \
            "{\"name\":\"umur\",\"label\":\"Umur\",\"type\":\"integer\",\"computed\":true}]}}\n"   \
            "{\"done\":{}}\n"                                                                      \
    }
#define STORED                                                                                     \
    "{\"done\":{\"id\":\"01990000-0000-7000-8000-000000000001\",\"short\":\"29-0417\","            \
    "\"leaf\":\"00112233445566778899\",\"warnings\":[\"NIK tidak lazim\"]}}\n"
#define REFUSED(code)                                                                              \
    "{\"error\":{\"code\":\"" code "\",\"thing\":\"T\",\"rule\":\"R\",\"remedy\":\"M\"}}\n"

static int make_directory(void **state)
{
    (void)state;
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)setenv("LC_ALL", "C", 1);
    (void)setenv("TZ", "UTC0", 1);
    (void)unsetenv("COLUMNS");
    return crypto_start() == OK && mkdtemp(directory) ? 0 : 1;
}

static int remove_directory(void **state)
{
    (void)state;
    char command[128];
    stop_daemon();
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    return system(command);
}
