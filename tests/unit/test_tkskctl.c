/* tkskctl against a scripted daemon: what it asks, what it prints, how it ends. */
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

#include "common/keyfile.h"
#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"

/* --- the scripted daemon
 * -------------------------------------------------------------------------- */

struct line {
    const char *cmd;
    const char *answer; /* lines; "" closes the connection without an answer */
};

static char directory[] = "/tmp/test_tkskctl.XXXXXX";
static char socket_path[128];
static pid_t daemon_pid;

/* Serves each command with its next line of the script; the last one serves for ever. Requests are
 * kept in DIR/requests. */
static void serve(int listener, const struct line *script)
{
    unsigned used[64] = { 0 };
    char path[160];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)snprintf(path, sizeof(path), "%s/requests", directory);
    FILE *log = fopen(path, "we");
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
        char *line = NULL;
        size_t cap = 0;
        while (in && log && getline(&line, &cap, in) > 0) {
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
    daemon_pid = fork();
    assert_true(daemon_pid >= 0);
    if (daemon_pid == 0)
        serve(listener, script);
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

/* --- connection and exit codes
 * -------------------------------------------------------------------- */

static void absent_daemon_ends_with_3_and_says_that_records_are_safe(void **state)
{
    (void)state;
    stop_daemon();
    (void)unlink(socket_path);
    assert_int_equal(run(NULL, "status", NULL), EXIT_UNREACHABLE);
    says("err", "systemctl start tksk-node");
    says("err", "are safe");
    assert_null(strstr(file_text("err"), "sudo"));
    assert_int_equal(run(NULL, "--lang", "id", "nodes", NULL), EXIT_UNREACHABLE);
    says("err", "tksk-hub");
    says("err", "aman");
}

static void exit_codes_follow_the_refusal(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"),
                                          { "show", REFUSED("not_found") },
                                          { "lock", REFUSED("locked") },
                                          { "list", "nonsense\n" },
                                          { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "show", "1", NULL), EXIT_REFUSED);
    says("err", "tkskctl: T: R\n  M\n");
    assert_int_equal(run(NULL, "lock", NULL), EXIT_LOCKED);
    assert_int_equal(run(NULL, "list", "x", NULL), EXIT_REFUSED);
    assert_int_equal(run(NULL, "show", NULL), EXIT_USAGE);
    assert_int_equal(run(NULL, "--json", "show", "1", NULL), EXIT_REFUSED);
    json_t *document = json_loads(file_text("out"), 0, NULL);
    assert_non_null(document);
    assert_int_equal(json_integer_value(json_object_get(document, "v")), 1);
    assert_string_equal(
        json_string_value(json_object_get(json_object_get(document, "error"), "code")),
        "not_found");
    json_decref(document);
    stop_daemon();
}

static void command_of_the_other_daemon_is_named(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-hub"), { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "unlock", NULL), EXIT_USAGE);
    says("err", "tksk-hub answers");
    stop_daemon();
}

static void broken_put_is_sent_again_with_the_same_request_id(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"), { "put", "" }, { "put", "" }, { "put", STORED }, { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "put", "warga", "nama=Siti", NULL), EXIT_DONE);
    json_t *first = request("put", 0), *last = request("put", 2);
    assert_non_null(last);
    assert_null(request("put", 3));
    assert_int_equal(strlen(arg_of(first, "request")), 36);
    assert_string_equal(arg_of(first, "request"), arg_of(last, "request"));
    assert_int_equal(arg_of(first, "request")[14], '7');
    json_decref(first);
    json_decref(last);
    says("out", "29-0417: stored here, not sent yet");
    says("out", "Note: NIK tidak lazim");
    stop_daemon();
}

static void language_travels_with_the_request(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"), { "put", STORED }, { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "--lang", "id", "isi", "warga", "nama=Siti", NULL), EXIT_DONE);
    json_t *put = request("put", 0);
    assert_string_equal(json_string_value(json_object_get(put, "lang")), "id");
    json_decref(put);
    says("out", "tersimpan di netbook, belum terkirim");
    stop_daemon();
}

static void control_characters_of_records_do_not_reach_the_terminal(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "show", "{\"done\":{\"id\":\"i\",\"title\":\"W\\u001b[2J\",\"fields\":[{\"name\":\"n\","
                  "\"value\":\"a\\u001b]0;x\\u0007\\nb\"}],\"history\":[]}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "show", "1", NULL), EXIT_DONE);
    assert_null(strchr(file_text("out"), '\033'));
    says("out", "a?]0;x? b");
    stop_daemon();
}

/* --- entering
 * ------------------------------------------------------------------------------------- */

static void lines_answer_the_form_field_by_field(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"), COLLECTIONS, { "put", STORED }, { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run("\nSiti Aminah\n2\n", "isi", "warga", NULL), EXIT_DONE);
    json_t *put = request("put", 0);
    json_t *fields = json_object_get(json_object_get(put, "args"), "fields");
    assert_int_equal(json_object_size(fields), 2);
    assert_string_equal(json_string_value(json_object_get(fields, "nama")), "Siti Aminah");
    assert_string_equal(json_string_value(json_object_get(fields, "jk")), "P");
    json_decref(put);
    assert_int_equal(run("# a note\nJenis Kelamin=perempuan\nnama=x=y\n", "isi", "Warga", NULL),
                     EXIT_DONE);
    put = request("put", 1);
    fields = json_object_get(json_object_get(put, "args"), "fields");
    assert_string_equal(json_string_value(json_object_get(fields, "nama")), "x=y");
    assert_string_equal(json_string_value(json_object_get(fields, "jk")), "perempuan");
    json_decref(put);
    assert_int_equal(run("a\nb\nL\ntoo much\n", "isi", "warga", NULL), EXIT_USAGE);
    assert_int_equal(run("1\nSiti\nX\n", "isi", "warga", NULL), EXIT_REFUSED);
    assert_int_equal(run("", "isi", "warga", NULL), EXIT_USAGE);
    assert_int_equal(run("", "isi", "nosuch", NULL), EXIT_REFUSED);
    says("err", "warga");
    stop_daemon();
}

static void changes_of_a_file_pass_through_unchanged(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"), { "apply", STORED }, { NULL, NULL } };
    start_daemon(script);
    write_file("two.json",
               "[{\"op\":\"create\",\"collection\":\"warga\",\"fields\":{\"nama\":\"A\"}},"
               "{\"op\":\"update\",\"id\":\"$1\",\"fields\":{\"jk\":\"L\"}}]");
    assert_int_equal(run(NULL, "apply", "two.json", NULL), EXIT_DONE);
    json_t *apply = request("apply", 0);
    json_t *changes = json_object_get(json_object_get(apply, "args"), "changes");
    assert_int_equal(json_array_size(changes), 2);
    assert_string_equal(json_string_value(json_object_get(json_array_get(changes, 1), "id")), "$1");
    json_decref(apply);
    write_file("bad.json", "[\n{\"op\": }]");
    assert_int_equal(run(NULL, "apply", "bad.json", NULL), EXIT_REFUSED);
    says("err", "bad.json, line 2");
    write_file("none.json", "{\"changes\":[]}");
    assert_int_equal(run(NULL, "apply", "none.json", NULL), EXIT_REFUSED);
    assert_int_equal(run(NULL, "apply", "absent.json", NULL), EXIT_REFUSED);
    stop_daemon();
}

/* --- import
 * --------------------------------------------------------------------------------------- */

#define BEGUN(line)                                                                                \
    "{\"done\":{\"line\":" line                                                                    \
    ",\"columns\":[{\"name\":\"NIK\",\"field\":\"nik\"},{\"name\":\"Nama\",\"field\":\"nama\"}]}}\n"

static void rejected_rows_come_back_with_their_reason(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("0") },
        { "import_rows", "{\"row\":{\"line\":4,\"code\":\"nik\",\"rule\":\"16, not 15\",\"remedy\":"
                         "\"copy it again\",\"field\":\"nik\"}}\n"
                         "{\"done\":{\"accepted\":1,\"rejected\":1,\"line\":5}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    write_file("w.csv", "Daftar warga;;\nNIK;Nama\n1;\"Budi; Jr\"\n2;Ani\n3;Cici;x\n");
    assert_int_equal(run(NULL, "import", "warga", "w.csv", NULL), EXIT_REFUSED);
    assert_string_equal(
        file_text("w.rejected.csv"),
        "NIK;Nama;baris;kolom;aturan;alasan\n"
        "2;Ani;4;NIK;nik;\"16, not 15; copy it again\"\n"
        "3;Cici;5;;cells;the row has another number of cells than the header: 3, 2\n");
    json_t *rows = request("import_rows", 0);
    json_t *sent = json_object_get(json_object_get(rows, "args"), "rows");
    assert_int_equal(json_array_size(sent), 2);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(sent, 0), "line")), 3);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_array_get(sent, 0), "fields"), "nama")),
                        "Budi; Jr");
    json_decref(rows);
    says("out", "1 rows stored here");
    says("out", "2 rejected");
    stop_daemon();
}

static void mended_rejects_are_imported_without_the_extra_columns(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("0") },
        { "import_rows", "{\"done\":{\"accepted\":1,\"rejected\":0,\"line\":2}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    write_file("m.csv", "NIK,Nama,baris,kolom,aturan,alasan\n2,Ani,4,NIK,nik,16\n");
    write_file("m.rejected.csv", "old");
    assert_int_equal(run(NULL, "--json", "import", "warga", "m.csv", NULL), EXIT_DONE);
    json_t *begin = request("import_begin", 0);
    assert_int_equal(json_array_size(json_object_get(json_object_get(begin, "args"), "columns")),
                     2);
    json_decref(begin);
    assert_string_equal(file_text("m.rejected.csv"), ""); /* a fresh start leaves no old one */
    json_t *document = json_loads(file_text("out"), 0, NULL);
    assert_int_equal(json_integer_value(json_object_get(document, "accepted")), 1);
    json_decref(document);
    stop_daemon();
}

static void unknown_columns_refuse_the_file_unless_ignored(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", "{\"done\":{\"line\":0,\"columns\":[{\"name\":\"NIK\",\"field\":\"nik\"},"
                          "{\"name\":\"Zodiak\",\"field\":null}]}}\n" },
        { "import_rows", "{\"done\":{\"accepted\":1,\"rejected\":0,\"line\":2}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    write_file("z.csv", "NIK,Zodiak\n1,Leo\n");
    assert_int_equal(run(NULL, "import", "warga", "z.csv", NULL), EXIT_REFUSED);
    says("err", "Zodiak");
    assert_null(request("import_rows", 0));
    assert_int_equal(run(NULL, "import", "--ignore", "warga", "z.csv", NULL), EXIT_DONE);
    json_t *rows = request("import_rows", 0);
    json_t *row = json_array_get(json_object_get(json_object_get(rows, "args"), "rows"), 0);
    assert_int_equal(json_object_size(json_object_get(row, "fields")), 1);
    json_decref(rows);
    stop_daemon();
}

static void interrupted_import_repeats_its_last_batch_and_goes_on(void **state)
{
    (void)state;
    static const struct line whole[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("0") },
        { "import_rows", "{\"row\":{\"line\":3,\"code\":\"nik\",\"rule\":\"a\",\"remedy\":\"b\","
                         "\"field\":\"nik\"}}\n{\"done\":{\"accepted\":255}}\n" },
        { "import_rows", "{\"row\":{\"line\":300,\"code\":\"nik\",\"rule\":\"a\",\"remedy\":\"b\","
                         "\"field\":\"nik\"}}\n{\"done\":{\"accepted\":255}}\n" },
        { "import_rows", "{\"done\":{\"accepted\":88}}\n" },
        { NULL, NULL }
    };
    /* Lines 2..257 and 258..513 are in; it was stopped before 514. */
    static const struct line resumed[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "import_begin", BEGUN("513") },
        { "import_rows", "{\"row\":{\"line\":300,\"code\":\"nik\",\"rule\":\"a\",\"remedy\":\"b\","
                         "\"field\":\"nik\"}}\n{\"done\":{\"accepted\":255}}\n" },
        { "import_rows", "{\"done\":{\"accepted\":88}}\n" },
        { NULL, NULL }
    };
    char text[32 * 1024] = "NIK,Nama\n";
    for (int i = 0; i < 600; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%d,Warga %d\n", i, i);
    }
    write_file("long.csv", text);
    start_daemon(whole);
    assert_int_equal(run(NULL, "import", "warga", "long.csv", NULL), EXIT_REFUSED);
    json_t *second = request("import_rows", 1);
    char wanted[512];
    (void)snprintf(wanted, sizeof(wanted), "%s", file_text("long.rejected.csv"));
    stop_daemon();
    /* What a kill before the second batch's rejects were written leaves. */
    write_file("long.rejected.csv",
               "NIK,Nama,baris,kolom,aturan,alasan\n1,Warga 1,3,NIK,nik,a; b\n");
    start_daemon(resumed);
    assert_int_equal(run(NULL, "import", "warga", "long.csv", NULL), EXIT_REFUSED);
    json_t *again = request("import_rows", 0), *third = request("import_rows", 1);
    assert_non_null(third);
    assert_null(request("import_rows", 2));
    assert_string_equal(arg_of(again, "request"), arg_of(second, "request"));
    assert_string_not_equal(arg_of(again, "request"), arg_of(third, "request"));
    assert_string_equal(file_text("long.rejected.csv"), wanted);
    says("out", "Went on after line 513");
    says("out", "88 rows stored here");
    json_decref(second);
    json_decref(again);
    json_decref(third);
    stop_daemon();
}

static void template_is_the_header_of_what_a_person_fills_in(void **state)
{
    (void)state;
    static const struct line script[] = { HELLO("tksk-node"), COLLECTIONS, { NULL, NULL } };
    start_daemon(script);
    assert_int_equal(run(NULL, "import", "--template", "warga", NULL), EXIT_DONE);
    assert_string_equal(file_text("out"), "nik,nama,jk\n");
    assert_int_equal(run(NULL, "import", "warga", NULL), EXIT_USAGE);
    stop_daemon();
}

/* --- reading
 * -------------------------------------------------------------------------------------- */

static void lists_page_until_the_limit(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        COLLECTIONS,
        { "list",
          "{\"row\":{\"id\":\"i1\",\"short\":\"29-1\",\"state\":\"pending\",\"fields\":"
          "{\"nama\":\"Ani\"}}}\n{\"row\":{\"id\":\"i2\",\"short\":\"29-22\",\"state\":"
          "\"confirmed\",\"fields\":{\"nama\":\"Nyoman É\",\"jk\":\"P\"}}}\n{\"done\":{}}\n" },
        { "list", "{\"done\":{}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "cari", "warga", "nama=n", "--max", "2", NULL), EXIT_DONE);
    assert_string_equal(file_text("out"),
                        "no     Nama      Jenis kelamin  state\n"
                        "29-1   Ani                      stored here, not sent yet\n"
                        "29-22  Nyoman É  P              arrived at the district office\n"
                        "The first 2; more with --max N.\n");
    json_t *list = request("list", 0);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(json_object_get(list, "args"), "find"), "nama")),
                        "n");
    json_decref(list);
    stop_daemon();
}

static void status_answers_in_its_first_line(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "status",
          "{\"done\":{\"node\":\"36.04.29\",\"district\":\"36.04\",\"enrolment\":\"approved\","
          "\"linked\":false,\"queued\":3,\"accepted\":240,\"rejected\":5,\"attention\":2,"
          "\"next\":\"tkskctl attention\"}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "status", NULL), EXIT_DONE);
    assert_memory_equal(
        file_text("out"),
        "No link now; entering goes on. 3 stored here, not sent yet; 245 arrived; 2 "
        "answers wait for you (tkskctl attention).\n",
        80);
    says("out", "Next: tkskctl attention");
    assert_int_equal(run(NULL, "--lang=id", "status", NULL), EXIT_DONE);
    says("out", "3 tersimpan di netbook, belum terkirim; 245 sudah sampai di Dinas");
    stop_daemon();
}

static void several_matches_are_listed_and_nothing_is_done(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "show",
          "{\"row\":{\"id\":\"aaa1\",\"short\":\"29-1\",\"collection\":\"warga\"}}\n"
          "{\"row\":{\"id\":\"aaa2\",\"short\":\"29-9\",\"collection\":\"warga\"}}\n" REFUSED(
              "ambiguous") },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "show", "aaa", NULL), EXIT_REFUSED);
    says("err", "29-1");
    says("err", "aaa2");
    stop_daemon();
}

static void query_prints_cells_under_their_columns(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-hub"),
        { "query", "{\"row\":{\"columns\":[\"desa\",\"n\"]}}\n{\"row\":{\"cells\":[\"Anyar\",7]}}\n"
                   "{\"row\":{\"cells\":[null,123]}}\n{\"done\":{}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run(NULL, "query", "SELECT 1", NULL), EXIT_DONE);
    assert_string_equal(file_text("out"), "desa   n\nAnyar    7\n       123\n");
    assert_int_equal(run(NULL, "--json", "query", "SELECT 1", NULL), EXIT_DONE);
    json_t *document = json_loads(file_text("out"), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(document, "rows")), 2);
    assert_int_equal(json_array_size(json_object_get(document, "columns")), 2);
    json_decref(document);
    stop_daemon();
}

static void snapshot_appears_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct line good[] = {
        HELLO("tksk-hub"),
        { "snapshot", "{\"row\":{\"data\":\"aGFsbG8g\"}}\n{\"row\":{\"data\":\"ZHVuaWE=\"}}\n"
                      "{\"done\":{\"bytes\":11}}\n" },
        { NULL, NULL }
    };
    static const struct line bad[] = { HELLO("tksk-hub"),
                                       { "snapshot",
                                         "{\"row\":{\"data\":\"aGFsbG8g\"}}\n" REFUSED("store") },
                                       { NULL, NULL } };
    struct stat info;
    char path[160];
    (void)snprintf(path, sizeof(path), "%s/copy.db", directory);
    start_daemon(bad);
    assert_int_equal(run(NULL, "snapshot", "copy.db", NULL), EXIT_REFUSED);
    assert_int_not_equal(stat(path, &info), 0);
    stop_daemon();
    start_daemon(good);
    assert_int_equal(run(NULL, "snapshot", "copy.db", NULL), EXIT_DONE);
    assert_string_equal(file_text("copy.db"), "hallo dunia");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    stop_daemon();
}

/* --- keys
 * ----------------------------------------------------------------------------------------- */

static void operator_key_is_made_here_and_the_passphrase_stays(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "operator_add",
          "{\"done\":{\"words\":\"baku remo sati luna dabo kera\",\"key\":\"00\"}}\n" },
        { NULL, NULL }
    };
    struct keyfile file;
    struct buf derived;
    uint8_t bytes[64];
    struct secret_key *key = NULL, *secret = NULL;
    struct public_key public_key;
    start_daemon(script);
    assert_int_equal(run("rahasia dapur kami\n", "--passphrase-file", "-", "operator", "add",
                         "Siti Aminah", NULL),
                     EXIT_DONE);
    says("out", "baku remo sati luna dabo kera");
    assert_null(strstr(file_text("requests"), "rahasia"));
    json_t *add = request("operator_add", 0);
    assert_string_equal(arg_of(add, "name"), "Siti Aminah");
    assert_int_equal(keyfile_parse(bytes_text(arg_of(add, "keyfile")), &file), OK);
    derived = buf_of(bytes, sizeof(bytes));
    assert_int_equal(crypto_unbase64(bytes_text(arg_of(add, "derived")), &derived), OK);
    assert_int_equal(derived.len, SECRET_KEY_BYTES);
    key = secret_key_from(derived.at);
    assert_int_equal(keyfile_open_derived(&file, key, &secret), OK);
    crypto_sign_public(secret, &public_key);
    assert_memory_equal(public_key.at, file.public_key.at, PUBLIC_KEY_BYTES);
    secret_key_close(&key);
    secret_key_close(&secret);
    json_decref(add);
    assert_int_equal(run("short\n", "--passphrase-file", "-", "operator", "add", "Siti", NULL),
                     EXIT_USAGE);
    stop_daemon();
}

static void several_operators_are_listed_never_guessed(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-node"),
        { "unlock_params", "{\"row\":{\"name\":\"Ani\",\"keyfile\":\"x\"}}\n{\"row\":{\"name\":"
                           "\"Budi\",\"keyfile\":\"x\"}}\n{\"done\":{}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run("rahasia dapur\n", "--passphrase-file", "-", "unlock", NULL),
                     EXIT_REFUSED);
    says("err", "Ani, Budi");
    stop_daemon();
}

static void words_are_typed_again_while_tries_are_left(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-hub"),
        { "enrolment_check",
          "{\"error\":{\"code\":\"words\",\"thing\":\"36.04.29\",\"rule\":\"other "
          "words\",\"remedy\":\"again\",\"tries_left\":2}}\n" },
        { "enrolment_check",
          "{\"error\":{\"code\":\"denied\",\"thing\":\"36.04.29\",\"rule\":\"over\","
          "\"remedy\":\"\",\"tries_left\":0}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run("Satu, dua  TIGA\nempat\nlima\n", "node", "approve", "36.04.29", NULL),
                     EXIT_REFUSED);
    json_t *first = request("enrolment_check", 0), *second = request("enrolment_check", 1);
    assert_string_equal(arg_of(first, "words"), "satu dua tiga");
    assert_string_equal(arg_of(second, "words"), "empat");
    assert_null(request("enrolment_check", 2));
    json_decref(first);
    json_decref(second);
    stop_daemon();
}

static void founding_makes_two_keys_and_a_statement_that_the_trust_part_takes(void **state)
{
    (void)state;
    static const char zero_key[] =
        "0101010101010101010101010101010101010101010101010101010101010101";
    char keys[1024];
    (void)snprintf(keys, sizeof(keys),
                   "{\"done\":{\"sign_key\":\"%s\",\"seal_key\":\"%s\",\"curve_key\":\"%s\","
                   "\"seal_number\":1,\"endpoints\":[\"tcp://10.0.0.1:7436\"]}}\n",
                   zero_key, zero_key, zero_key);
    const struct line script[] = { HELLO("tksk-hub"),
                                   { "trust_state", REFUSED("state") },
                                   { "keys", keys },
                                   { "trust_publish", "{\"done\":{\"version\":1}}\n" },
                                   { NULL, NULL } };
    struct stat info;
    char path[160];
    start_daemon(script);
    assert_int_equal(run("rahasia dapur kami\n", "--passphrase-file", "-", "trust", "init",
                         "--district", "36.04", "--root-key", "root.key", "--key",
                         "conf/officer.key", NULL),
                     EXIT_DONE);
    (void)snprintf(path, sizeof(path), "%s/conf/officer.key", directory);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    says("root.key", "tksk-key 1 root ");
    says("conf/officer.key", "tksk-key 1 officer ");
    json_t *publish = request("trust_publish", 0);
    uint8_t *space = malloc(64 * 1024);
    assert_non_null(space);
    struct buf statement = buf_of(space, 64 * 1024);
    assert_int_equal(crypto_unbase64(bytes_text(arg_of(publish, "statement")), &statement), OK);
    assert_true(statement.len > 200);
    free(space);
    json_decref(publish);
    /* The same two keys serve when the first attempt did not get through. */
    assert_int_equal(run("another passphrase\n", "--passphrase-file", "-", "trust", "init",
                         "--district", "36.04", "--root-key", "root.key", "--key",
                         "conf/officer.key", NULL),
                     EXIT_REFUSED);
    stop_daemon();
}

static void founding_twice_is_refused(void **state)
{
    (void)state;
    static const struct line script[] = {
        HELLO("tksk-hub"),
        { "trust_state", "{\"done\":{\"version\":3,\"district\":\"36.04\",\"hash\":\"00\"}}\n" },
        { NULL, NULL }
    };
    start_daemon(script);
    assert_int_equal(run("x\n", "--passphrase-file", "-", "trust", "init", "--district", "36.04",
                         "--root-key", "other.key", "--key", "other2.key", NULL),
                     EXIT_REFUSED);
    assert_string_equal(file_text("other.key"), "");
    stop_daemon();
}

/* --- tables
 * --------------------------------------------------------------------------------------- */

static void columns_align_by_what_is_seen(void **state)
{
    (void)state;
    assert_int_equal(text_width("É“x”"), 4);
    assert_int_equal(text_width("日本"), 4);
    assert_int_equal(text_width("e\u0301"), 1);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct table table;
    table_open(&table, 2, (const char *const[]){ "desa", "n" });
    table.right[1] = true;
    table_add(&table, (const char *const[]){ "Ma’arif日", "7" });
    table_add(&table, (const char *const[]){ "x", "1234" });
    table_print(&table, out, 0);
    table_print(&table, out, 12);
    (void)fclose(out);
    table_close(&table);
    assert_string_equal(text, "desa       n\n"
                              "Ma’arif日     7\n"
                              "x          1234\n"
                              "desa       n\n"
                              "Ma’arif日  7\n"
                              "x          …\n");
    free(text);
}

static int make_directory(void **state)
{
    (void)state;
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)setenv("LC_ALL", "C", 1);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_daemon_ends_with_3_and_says_that_records_are_safe),
        cmocka_unit_test(exit_codes_follow_the_refusal),
        cmocka_unit_test(command_of_the_other_daemon_is_named),
        cmocka_unit_test(broken_put_is_sent_again_with_the_same_request_id),
        cmocka_unit_test(language_travels_with_the_request),
        cmocka_unit_test(control_characters_of_records_do_not_reach_the_terminal),
        cmocka_unit_test(lines_answer_the_form_field_by_field),
        cmocka_unit_test(changes_of_a_file_pass_through_unchanged),
        cmocka_unit_test(rejected_rows_come_back_with_their_reason),
        cmocka_unit_test(mended_rejects_are_imported_without_the_extra_columns),
        cmocka_unit_test(unknown_columns_refuse_the_file_unless_ignored),
        cmocka_unit_test(interrupted_import_repeats_its_last_batch_and_goes_on),
        cmocka_unit_test(template_is_the_header_of_what_a_person_fills_in),
        cmocka_unit_test(lists_page_until_the_limit),
        cmocka_unit_test(status_answers_in_its_first_line),
        cmocka_unit_test(several_matches_are_listed_and_nothing_is_done),
        cmocka_unit_test(query_prints_cells_under_their_columns),
        cmocka_unit_test(snapshot_appears_whole_or_not_at_all),
        cmocka_unit_test(operator_key_is_made_here_and_the_passphrase_stays),
        cmocka_unit_test(several_operators_are_listed_never_guessed),
        cmocka_unit_test(words_are_typed_again_while_tries_are_left),
        cmocka_unit_test(founding_makes_two_keys_and_a_statement_that_the_trust_part_takes),
        cmocka_unit_test(founding_twice_is_refused),
        cmocka_unit_test(columns_align_by_what_is_seen),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
