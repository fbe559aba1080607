#include "common/tkskctl/ctl.h"

#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/must.h"
#include "common/tkskctl/table.h"
#include "common/version.h"

#define NODE_SOCKET "/run/tksk-node/admin.sock"
#define HUB_SOCKET "/run/tksk-hub/admin.sock"

/* --- memory and JSON ------------------------------------------------------------------------ */

void *ctl_memory(void *at)
{
    if (at)
        return at;
    struct problem problem = { .code = ERR_MEMORY };
    char rule[128];
    problem_rule(&problem, say_lang_now(), rule, sizeof(rule));
    (void)fprintf(stderr, "tkskctl: %s\n  %s\n", rule, problem_remedy(&problem, say_lang_now()));
    exit(EXIT_REFUSED);
}

const char *text_of(const json_t *object, const char *key)
{
    static char numbers[4][32];
    static unsigned turn;
    const json_t *value = json_object_get(object, key);
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value)) {
        char *text = numbers[turn++ % COUNT_OF(numbers)];
        (void)snprintf(text, sizeof(numbers[0]), "%" JSON_INTEGER_FORMAT,
                       json_integer_value(value));
        return text;
    }
    if (json_is_boolean(value))
        return json_is_true(value) ? tr("yes", "ya") : tr("no", "tidak");
    return "";
}

const char *maybe_text_of(const json_t *object, const char *key)
{
    const char *text = text_of(object, key);
    return text[0] ? text : NULL;
}

const char *say_outcome(const json_t *row, const char *disposition)
{
    bool kept = disposition && strcmp(disposition, "quarantined") == 0;
    const char *waits = kept ? say_waits_for(maybe_text_of(row, "reason")) : NULL;
    return waits ? waits : say_state_short(disposition);
}

int64_t number_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

bool truth_of(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

void answer_close(struct answer *answer)
{
    json_decref(answer->rows);
    json_decref(answer->done);
    json_decref(answer->error);
    *answer = (struct answer){ 0 };
}

void ctl_document_to(FILE *out, json_t *result, json_t *rows)
{
    json_t *document = ctl_memory(json_object());
    json_object_set_new(document, "v", json_integer(1));
    if (result)
        json_object_update(document, result);
    json_object_set_new(document, "rows", rows ? json_incref(rows) : json_array());
    (void)json_dumpf(document, out, JSON_INDENT(1));
    (void)fputc('\n', out);
    json_decref(document);
}

enum exit_code ctl_document(struct ctl *ctl, json_t *result, json_t *rows)
{
    must(ctl->args.json);
    ctl_document_to(stdout, result, rows);
    return EXIT_DONE;
}

/* --- what went wrong ------------------------------------------------------------------------ */

static enum exit_code exit_of(const char *code_name)
{
    if (strcmp(code_name, "locked") == 0)
        return EXIT_LOCKED;
    return strcmp(code_name, "usage") == 0 ? EXIT_USAGE : EXIT_REFUSED;
}

/* Says one error: {code, thing, rule, remedy, …}. */
static void say_error(struct ctl *ctl, json_t *error, json_t *rows)
{
    if (ctl->quiet)
        return;
    if (ctl->args.json) {
        json_t *result = ctl_memory(json_pack("{s:O}", "error", error));
        (void)ctl_document(ctl, result, rows);
        json_decref(result);
        return;
    }
    const char *thing = text_of(error, "thing"), *remedy = text_of(error, "remedy");
    size_t width = terminal_width(stderr);
    char line[PROBLEM_THING_MAX + PROBLEM_DETAIL_MAX + 512], said[PROBLEM_THING_MAX];
    thing = err_detail(thing, say_lang_now(), said, sizeof(said));
    (void)fflush(stdout);
    (void)snprintf(line, sizeof(line), "tkskctl: %s%s%s", thing, thing[0] ? ": " : "",
                   text_of(error, "rule"));
    text_wrap(stderr, line, 2, width);
    if (remedy[0]) {
        (void)snprintf(line, sizeof(line), "  %s", remedy);
        text_wrap(stderr, line, 2, width);
    }
}

/* Rows that came before a refusal are what it is about, such as the matches of a short number. */
static void say_matches(json_t *rows)
{
    static const char *const keys[] = { "short", "id", "name", "collection", "title", "state" };
    struct table table;
    size_t index;
    json_t *row;
    if (json_array_size(rows) == 0)
        return;
    table_open(&table, COUNT_OF(keys), NULL);
    json_array_foreach(rows, index, row) {
        const char *cells[COUNT_OF(keys)];
        for (size_t i = 0; i < COUNT_OF(keys); i++)
            cells[i] = i == 5 ? say_state(maybe_text_of(row, keys[i])) : text_of(row, keys[i]);
        table_add(&table, cells);
    }
    table_print(&table, stderr, 0);
    table_close(&table);
}

enum exit_code ctl_refused(struct ctl *ctl, const struct answer *answer)
{
    if (!ctl->args.json)
        say_matches(answer->rows);
    say_error(ctl, answer->error, answer->rows);
    return exit_of(text_of(answer->error, "code"));
}

enum exit_code ctl_problem(struct ctl *ctl, const struct problem *problem)
{
    char rule[PROBLEM_DETAIL_MAX + 256];
    problem_rule(problem, say_lang_now(), rule, sizeof(rule));
    json_t *error = ctl_memory(json_pack("{s:s, s:s, s:s, s:s}", "code", err_name(problem->code),
                                         "thing", problem->thing, "rule", rule, "remedy",
                                         problem_remedy(problem, say_lang_now())));
    say_error(ctl, error, NULL);
    json_decref(error);
    return exit_of(err_name(problem->code));
}

enum exit_code ctl_problemf(struct ctl *ctl, enum err code, const char *thing, const char *fmt, ...)
{
    char detail[PROBLEM_DETAIL_MAX];
    struct problem problem;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    (void)problem_set(&problem, code, thing, detail);
    return ctl_problem(ctl, &problem);
}

/* The daemon cannot be asked: how to start it, and that what is stored is safe. */
static enum exit_code say_unreachable(struct ctl *ctl, const char *path, enum err err)
{
    bool hub = strstr(path, "hub") != NULL || ctl->args.side == SIDE_HUB ||
               ctl->args.command->side == SIDE_HUB;
    const char *program = hub ? "tksk-hub" : "tksk-node";
    char rule[256], remedy[512];
    if (err == ERR_DENIED) {
        (void)snprintf(
            rule, sizeof(rule),
            tr("%s may only be asked by members of its group", "%s hanya melayani anggota grupnya"),
            program);
        (void)snprintf(remedy, sizeof(remedy), "%s",
                       tr("ask who looks after this machine to add you to the group tksk; what is "
                          "stored is safe",
                          "minta pengurus komputer ini memasukkan Anda ke grup tksk; catatan yang "
                          "tersimpan aman"));
    } else {
        (void)snprintf(rule, sizeof(rule),
                       tr("%s cannot be reached: it is not running, or has stopped",
                          "%s tidak terjangkau: belum jalan, atau berhenti"),
                       program);
        (void)snprintf(
            remedy, sizeof(remedy),
            tr("start it with `systemctl start %s`, or by hand `%s --config FILE`; the "
               "records stored on this machine are safe",
               "jalankan dengan `systemctl start %s`, atau `%s --config BERKAS`; catatan "
               "yang tersimpan di komputer ini aman"),
            program, program);
    }
    json_t *error = ctl_memory(json_pack("{s:s, s:s, s:s, s:s}", "code", "unreachable", "thing",
                                         path, "rule", rule, "remedy", remedy));
    say_error(ctl, error, NULL);
    json_decref(error);
    return EXIT_UNREACHABLE;
}

/* --- asking the daemon ---------------------------------------------------------------------- */

/* Which sockets may answer this command, best first. */
static size_t candidates(const struct ctl *ctl, const char *ret_paths[2])
{
    enum side side = ctl->args.side != SIDE_ANY ? ctl->args.side : ctl->args.command->side;
    size_t count = 0;
    if (ctl->args.socket) {
        ret_paths[count++] = ctl->args.socket;
        return count;
    }
    if (side != SIDE_HUB)
        ret_paths[count++] = NODE_SOCKET;
    if (side == SIDE_HUB || side == SIDE_ANY)
        ret_paths[count++] = HUB_SOCKET;
    return count;
}

static enum err connect_daemon(struct ctl *ctl, const char **ret_path)
{
    const char *paths[2];
    size_t count = candidates(ctl, paths);
    enum err worst = ERR_NOT_FOUND;
    for (size_t i = 0; i < count; i++) {
        enum err err = client_open(paths[i], &ctl->client);
        *ret_path = paths[i];
        if (err == OK) {
            (void)snprintf(ctl->socket, sizeof(ctl->socket), "%s", paths[i]);
            return OK;
        }
        if (err != ERR_NOT_FOUND) {
            worst = err;
            break;
        }
        *ret_path = paths[0];
    }
    return worst;
}

/* Officers write as everyone does, through a node with keys and a queue: the hub only knows where.
 */
static enum exit_code go_to_office(struct ctl *ctl, const struct hello *hello)
{
    client_close(&ctl->client);
    (void)snprintf(ctl->socket, sizeof(ctl->socket), "%s", hello->office);
    enum err err = client_open(ctl->socket, &ctl->client);
    if (err == OK)
        return EXIT_DONE;
    json_t *error = ctl_memory(json_pack(
        "{s:s, s:s, s:s, s:s}", "code", "unreachable", "thing", ctl->socket, "rule",
        tr("records are entered at the district through an office of the hub's own, and none "
           "answers",
           "di kabupaten catatan diisi melalui kantor milik hub sendiri, dan tidak ada yang "
           "menjawab"),
        "remedy",
        tr("start its tksk-node and name its socket as `office` in hub.conf, see tksk-hub(8)",
           "jalankan tksk-node-nya dan sebut soketnya sebagai `office` di hub.conf, lihat "
           "tksk-hub(8)")));
    say_error(ctl, error, NULL);
    json_decref(error);
    return EXIT_UNREACHABLE;
}

/* A daemon of the other kind would only say that it does not know the command. */
static enum exit_code check_side(struct ctl *ctl, const struct hello *hello)
{
    enum side want = ctl->args.command->side;
    if (want == SIDE_OFFICE)
        return hello->hub ? go_to_office(ctl, hello) : EXIT_DONE;
    if (want == SIDE_ANY || hello->hub == (want == SIDE_HUB))
        return EXIT_DONE;
    return ctl_problemf(ctl, ERR_USAGE, ctl->args.command->name,
                        tr("%s answers at %s, but this command belongs to the other daemon",
                           "%s menjawab di %s, padahal perintah ini untuk daemon yang lain"),
                        hello->hub ? "tksk-hub" : "tksk-node", ctl->socket);
}

static enum exit_code open_client(struct ctl *ctl)
{
    const char *path = "";
    if (ctl->client)
        return EXIT_DONE;
    enum err err = connect_daemon(ctl, &path);
    if (err == ERR_LIMIT)
        return ctl_problemf(ctl, ERR_LIMIT, path, "%s",
                            tr("the path of a socket has at most 107 bytes",
                               "jalur soket paling panjang 107 bita"));
    if (err != OK)
        return say_unreachable(ctl, path, err);
    struct hello hello;
    enum exit_code code = ctl_hello(ctl, &hello);
    return code == EXIT_DONE ? check_side(ctl, &hello) : code;
}

struct collect {
    json_t *rows;
    client_row *row;
    void *ctx;
};

static enum err collect_row(void *ctx, json_t *row)
{
    struct collect *collect = ctx;
    if (collect->row)
        return collect->row(collect->ctx, row);
    return json_array_append(collect->rows, row) == 0 ? OK : ERR_MEMORY;
}

static void show_progress(void *ctx, json_t *progress)
{
    const struct ctl *ctl = ctx;
    if (ctl->args.json || !isatty(STDERR_FILENO))
        return;
    (void)fprintf(stderr, "\r%s ", text_of(progress, "text"));
    (void)fflush(stderr);
}

/* client_ask hands one context to both callbacks. */
struct ask_ctx {
    struct collect collect;
    struct ctl *ctl;
};

static enum err on_row(void *ctx, json_t *row)
{
    return collect_row(&((struct ask_ctx *)ctx)->collect, row);
}

static void on_progress(void *ctx, json_t *progress)
{
    show_progress(((struct ask_ctx *)ctx)->ctl, progress);
}

/* The connection broke. A repeat of a request id is harmless: connect anew for up to some seconds.
 */
static bool reconnect(struct ctl *ctl, unsigned attempt)
{
    static const long wait_ms[] = { 100, 300, 1000, 2000, 4000 };
    const char *path;
    client_close(&ctl->client);
    if (attempt >= COUNT_OF(wait_ms))
        return false;
    struct timespec pause = { wait_ms[attempt] / 1000, wait_ms[attempt] % 1000 * 1000000L };
    (void)nanosleep(&pause, NULL);
    return connect_daemon(ctl, &path) == OK || reconnect(ctl, attempt + 1);
}

static enum exit_code ask(struct ctl *ctl, const char *cmd, json_t *args, client_row *row,
                          void *ctx, struct answer *ret_answer)
{
    struct answer answer = { .rows = ctl_memory(json_array()) };
    struct ask_ctx ask_ctx = { .collect = { answer.rows, row, ctx }, .ctl = ctl };
    bool repeatable = json_object_get(args, "request") != NULL;
    if (ctl->args.as) /* whose key signs, where several people are unlocked */
        json_object_set_new(args, "as", json_string(ctl->args.as));
    enum exit_code code = open_client(ctl);
    enum err err = OK;
    for (unsigned attempt = 0; code == EXIT_DONE; attempt++) {
        err = client_ask(ctl->client, cmd, args, on_row, on_progress, &ask_ctx, &answer.done,
                         &answer.error);
        if (err != ERR_IO || !repeatable || !reconnect(ctl, attempt))
            break;
        json_array_clear(answer.rows);
    }
    if (code == EXIT_DONE && err == ERR_IO) {
        client_close(&ctl->client);
        code = say_unreachable(ctl, ctl->socket, ERR_IO);
        if (repeatable && !ctl->args.json)
            (void)fprintf(stderr,
                          tr("  Whether it was stored is not known; the same command with "
                             "--request %s stores it once.\n",
                             "  Belum pasti tersimpan; perintah yang sama dengan --request %s "
                             "menyimpannya satu kali saja.\n"),
                          text_of(args, "request"));
    } else if (code == EXIT_DONE && err != OK) {
        client_close(&ctl->client);
        code = ctl_problemf(ctl, err, cmd, "%s", ctl->socket);
    }
    json_decref(args);
    if (code == EXIT_DONE && answer.error)
        code = exit_of(text_of(answer.error, "code"));
    *ret_answer = answer;
    return code;
}

enum exit_code ctl_try(struct ctl *ctl, const char *cmd, json_t *args, struct answer *ret_answer)
{
    return ask(ctl, cmd, args ? args : ctl_memory(json_object()), NULL, NULL, ret_answer);
}

enum exit_code ctl_ask(struct ctl *ctl, const char *cmd, json_t *args, struct answer *ret_answer)
{
    enum exit_code code = ctl_try(ctl, cmd, args, ret_answer);
    if (code == EXIT_DONE)
        return code;
    if (ret_answer->error)
        code = ctl_refused(ctl, ret_answer);
    answer_close(ret_answer);
    return code;
}

enum exit_code ctl_stream(struct ctl *ctl, const char *cmd, json_t *args, client_row *row,
                          void *ctx, json_t **ret_done)
{
    struct answer answer;
    enum exit_code code = ask(ctl, cmd, args ? args : ctl_memory(json_object()), row, ctx, &answer);
    if (code != EXIT_DONE && answer.error)
        code = ctl_refused(ctl, &answer);
    if (code == EXIT_DONE)
        *ret_done = json_incref(answer.done);
    answer_close(&answer);
    return code;
}

enum exit_code ctl_hello(struct ctl *ctl, struct hello *ret_hello)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "hello", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    struct hello hello = { .hub = strcmp(text_of(answer.done, "program"), "tksk-hub") == 0 };
    (void)snprintf(hello.district, sizeof(hello.district), "%s", text_of(answer.done, "district"));
    (void)snprintf(hello.node, sizeof(hello.node), "%s", text_of(answer.done, "node"));
    (void)snprintf(hello.version, sizeof(hello.version), "%s", text_of(answer.done, "version"));
    (void)snprintf(hello.office, sizeof(hello.office), "%s", text_of(answer.done, "office"));
    if (json_is_integer(json_object_get(answer.done, "utc_offset_minutes")))
        say_zone((int)number_of(answer.done, "utc_offset_minutes"));
    *ret_hello = hello;
    answer_close(&answer);
    return EXIT_DONE;
}

enum exit_code ctl_request_id(struct ctl *ctl, char ret[37])
{
    const char *given = args_option(&ctl->args, "--request");
    if (given && (strlen(given) != 36 || strspn(given, "0123456789abcdefABCDEF-") != 36))
        return ctl_problemf(
            ctl, ERR_USAGE, "--request", "%s",
            tr("give the UUID of the earlier attempt", "isi UUID dari percobaan sebelumnya"));
    if (given) {
        (void)snprintf(ret, 37, "%s", given);
        return EXIT_DONE;
    }
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct id id = crypto_uuid7((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
    char hex[2 * ID_BYTES + 1];
    crypto_hex(bytes_id(&id), hex);
    (void)snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
                   hex + 20);
    return EXIT_DONE;
}

/* --- the program ---------------------------------------------------------------------------- */

static enum exit_code run(struct ctl *ctl)
{
    if (ctl->args.version) {
        (void)printf("tkskctl %s\n", TKSK_VERSION);
        return EXIT_DONE;
    }
    if (ctl->args.help) {
        if (ctl->args.command)
            command_help(ctl->args.command, stdout);
        else
            commands_help(stdout);
        return EXIT_DONE;
    }
    return ctl->args.command->run(ctl);
}

static void lang_asked(int argc, char *const *argv, enum lang *lang)
{
    for (int i = 1; i < argc && argv[i] != NULL; i++) {
        const char *asked = NULL;
        if (strncmp(argv[i], "--lang=", 7) == 0)
            asked = argv[i] + 7;
        else if (strcmp(argv[i], "--lang") == 0 && i + 1 < argc)
            asked = argv[i + 1];
        if (asked && say_choose(asked, lang) == OK)
            say_lang(*lang);
    }
}

/* What is wrong with the words, and how the command is written. */
static enum exit_code say_usage(struct ctl *ctl, const struct problem *problem)
{
    const struct command *command = ctl->args.command;
    char line[512];
    enum exit_code code = ctl_problem(ctl, problem);
    if (command && !ctl->args.json) {
        (void)snprintf(line, sizeof(line), "  tkskctl %s %s", command->name, command->usage);
        text_wrap(stderr, line, 4, terminal_width(stderr));
    }
    return code;
}

int ctl_main(int argc, char *const *argv)
{
    struct ctl ctl = { 0 };
    struct problem problem;
    enum lang lang = LANG_EN;
    /* Widths of characters, whatever the person's locale; memory that held a passphrase is not
     * written to a core file. */
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    (void)prctl(PR_SET_DUMPABLE, 0);
    paint_choose();
    if (say_choose(NULL, &lang) == OK)
        say_lang(lang);
    lang_asked(argc, argv, &lang); /* what is wrong with the other words is said in it already */
    enum err err = args_parse(argc, argv, &ctl.args, &problem);
    if (err == OK && say_choose(ctl.args.lang, &lang) != OK)
        err = problem_set(&problem, ERR_USAGE, "--lang", tr("id or en", "id atau en"));
    say_lang(lang);
    if (err == OK && crypto_start() != OK)
        err = problem_set(&problem, ERR_INTERNAL, "libsodium", "start");
    enum exit_code code = EXIT_USAGE;
    if (err == OK)
        code = run(&ctl);
    else if (ctl.args.bare && !ctl.args.json)
        commands_first(stdout);
    else
        code = say_usage(&ctl, &problem);
    client_close(&ctl.client);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        (void)fprintf(stderr, "tkskctl: %s\n",
                      tr("the output could not be written", "hasil tidak bisa ditulis"));
        code = code == EXIT_DONE ? EXIT_REFUSED : code;
    }
    return (int)code;
}
