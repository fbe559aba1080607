/* How things stand: one line that answers the question, then the details. */
#include <stdlib.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/screen.h"
#include "common/tkskctl/watch.h"

static void print_labels(struct table *table)
{
    table_print(table, stdout, terminal_width(stdout));
    table_close(table);
}

/* --- status --------------------------------------------------------------------------------- */

static void print_status(FILE *out, const json_t *done, size_t width)
{
    if (json_object_get(done, "journal"))
        screen_hub(out, done, width);
    else
        screen_node(out, done, width);
}

struct watching {
    struct ctl *ctl;
    json_t *last; /* the answer that is shown */
    bool gone;    /* the daemon does not answer */
    bool told;    /* that has been written, where it is written once */
};

/* Times and what follows from them alone are no change. */
static bool same_answer(const json_t *a, const json_t *b)
{
    static const char *const moving[] = { "now",        "cutoff_left_s", "clock_off_s",
                                          "forecast_s", "rate_bytes_s",  "disk_free_bytes" };
    json_t *left = ctl_memory(json_copy((json_t *)(uintptr_t)a));
    json_t *right = ctl_memory(json_copy((json_t *)(uintptr_t)b));
    for (size_t i = 0; i < COUNT_OF(moving); i++) {
        (void)json_object_del(left, moving[i]);
        (void)json_object_del(right, moving[i]);
    }
    bool same = json_equal(left, right) != 0;
    json_decref(left);
    json_decref(right);
    return same;
}

/* True when there is something that was not shown before. */
static bool look_again(struct watching *watching)
{
    struct answer answer;
    bool was_gone = watching->gone;
    enum exit_code code = ctl_ask(watching->ctl, "status", NULL, &answer);
    watching->gone = code != EXIT_DONE;
    if (watching->gone) {
        client_close(&watching->ctl->client);
        return !was_gone;
    }
    bool same = watching->last && same_answer(watching->last, answer.done);
    json_decref(watching->last);
    watching->last = json_incref(answer.done);
    answer_close(&answer);
    return !same || was_gone;
}

static void print_gone(FILE *out, size_t width, const json_t *last)
{
    char then[SAY_TIME_MAX];
    screen_line(out, PAINT_BAD, width, "%s",
                tr("The daemon does not answer any more; trying again. The records stored on this "
                   "machine are safe.",
                   "Daemon tidak menjawab lagi; terus dicoba. Catatan yang tersimpan di komputer "
                   "ini aman."));
    if (width == 0 || !maybe_text_of(last, "now"))
        return;
    say_time(text_of(last, "now"), then);
    screen_line(out, PAINT_BAD, width, tr("Last known at %s:", "Yang terakhir diketahui, %s:"),
                then);
}

static void watch_status(void *ctx, FILE *out, size_t width)
{
    struct watching *watching = ctx;
    char now[SAY_TIME_MAX];
    bool news = look_again(watching);
    if (width == 0 && !news)
        return;
    if (watching->ctl->args.json) {
        /* While the daemon is away there is no document: a reader has the last one. */
        if (!watching->gone)
            ctl_document_to(out, watching->last, NULL);
        return;
    }
    if (watching->gone) {
        print_gone(out, width, watching->last);
        paint_set(0); /* what is not known any more must not shine */
    }
    if (watching->last && (width > 0 || !watching->gone))
        print_status(out, watching->last, width);
    paint_choose();
    if (width == 0) {
        (void)fputs("--\n", out);
        return;
    }
    if (watching->gone)
        say_now(NULL); /* that of the last answer stands still */
    say_clock(now);
    screen_line(out, PAINT_DIM, width, tr("%s  Ctrl-C ends", "%s  Ctrl-C selesai"), now);
}

enum exit_code cmd_status(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "status", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (args_option(&ctl->args, "--watch")) {
        struct watching watching = { .ctl = ctl };
        answer_close(&answer);
        ctl->quiet = true;
        watch_run(watch_status, &watching);
    }
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        print_status(stdout, answer.done, terminal_width(stdout));
    answer_close(&answer);
    return code;
}

enum exit_code cmd_nodes(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "nodes", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, answer.rows);
    else
        screen_offices(stdout, answer.rows, terminal_width(stdout));
    answer_close(&answer);
    return code;
}

/* --- one office, people --------------------------------------------------------------------- */

static void show_node(const json_t *row, const json_t *trust, const char *name)
{
    struct table table;
    size_t index;
    json_t *item;
    table_open(&table, 2, NULL);
    table_label(&table, tr("office", "kantor"), name);
    table_label(&table, tr("state", "keadaan"), say_state(maybe_text_of(row, "state")));
    screen_time(&table, tr("heard", "terakhir terdengar"), row, "heard");
    screen_number(&table, tr("entries received", "kiriman diterima"), row, "received");
    screen_number(&table, tr("entries queued there", "kiriman antre di sana"), row, "queued");
    screen_load(&table, tr("reads records", "memuat catatan"), row);
    screen_some(
        &table,
        tr("never arrived from the former machine", "dari komputer lama, tak pernah sampai"), row,
        "lost", PAINT_WAIT);
    json_array_foreach(json_object_get(trust, "nodes"), index, item) {
        if (strcmp(text_of(item, "node"), name) != 0)
            continue;
        table_label(&table, tr("area", "wilayah"), maybe_text_of(item, "area"));
        screen_number(&table, tr("since roster version", "sejak versi daftar"), item, "since");
        if (strcmp(text_of(item, "ended"), "none") != 0)
            table_label(&table, tr("ended", "berakhir"), maybe_text_of(item, "ended"));
        table_label(&table, tr("device key", "kunci perangkat"), maybe_text_of(item, "device_key"));
    }
    json_array_foreach(json_object_get(trust, "operators"), index, item) {
        char person[512];
        if (strcmp(text_of(item, "node"), name) != 0)
            continue;
        (void)snprintf(person, sizeof(person), "%s %s, %s, SK %s, %s .. %s, %s",
                       text_of(item, "number"), text_of(item, "name"), text_of(item, "role"),
                       text_of(item, "sk"), text_of(item, "from"), text_of(item, "until"),
                       say_state(maybe_text_of(item, "state")));
        table_label(&table, tr("operator", "petugas"), person);
    }
    print_labels(&table);
}

enum exit_code cmd_node_show(struct ctl *ctl)
{
    struct answer nodes, trust;
    const char *name = ctl->args.words[0];
    size_t index;
    json_t *row, *found = NULL;
    enum exit_code code = ctl_ask(ctl, "nodes", NULL, &nodes);
    if (code != EXIT_DONE)
        return code;
    code = ctl_ask(ctl, "trust_state", NULL, &trust);
    if (code != EXIT_DONE) {
        answer_close(&nodes);
        return code;
    }
    json_array_foreach(nodes.rows, index, row) {
        if (strcmp(text_of(row, "node"), name) == 0)
            found = row;
    }
    if (!found)
        code = ctl_problemf(ctl, ERR_NOT_FOUND, name, "%s", tr("no such office", "kantor ini"));
    else if (ctl->args.json)
        code = ctl_document(ctl, found, NULL);
    else
        show_node(found, trust.done, name);
    answer_close(&nodes);
    answer_close(&trust);
    return code;
}

/* "plt for 3; ends in 12 days; 14 wait for an SK" */
static void operator_note(const json_t *row, char *ret, size_t cap)
{
    const json_t *days = json_object_get(row, "days");
    char number[SAY_NUMBER_MAX];
    size_t used = 0;
    ret[0] = '\0';
    if (maybe_text_of(row, "acting_for"))
        (void)snprintf(ret, cap, tr("stands in for %s", "plt di samping %s"),
                       text_of(row, "acting_for"));
    used = strlen(ret);
    if (json_is_integer(days) && json_integer_value(days) < 0)
        (void)snprintf(ret + used, cap - used, "%s%s", used ? "; " : "",
                       tr("term has ended", "masa tugas habis"));
    else if (json_is_integer(days) && truth_of(row, "warns")) {
        say_number(json_integer_value(days), number);
        (void)snprintf(ret + used, cap - used, tr("%sends in %s days", "%sberakhir %s hari lagi"),
                       used ? "; " : "", number);
    } else if (strcmp(text_of(row, "ended"), "leaked") == 0) {
        (void)snprintf(ret, cap, "%s", tr("key leaked", "kunci bocor"));
    } else if (strcmp(text_of(row, "ended"), "succession") == 0) {
        (void)snprintf(ret, cap, "%s", tr("succeeded", "diganti"));
    }
    used = strlen(ret);
    if (number_of(row, "waits") > 0) {
        say_number(number_of(row, "waits"), number);
        (void)snprintf(ret + used, cap - used, tr("%s%s wait for an SK", "%s%s menunggu SK"),
                       used ? "; " : "", number);
    }
}

static void operators_table(const json_t *rows)
{
    const char *titles[] = { tr("no", "no"),        tr("name", "nama"),     tr("role", "peran"),
                             tr("area", "wilayah"), tr("state", "keadaan"), tr("from", "dari"),
                             tr("until", "sampai"), tr("note", "catatan") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.right[0] = true;
    table.drops_empty = true;
    table.whole[1] = true;
    table.wraps = (int)COUNT_OF(titles) - 1;
    json_array_foreach(rows, index, row) {
        char note[160];
        operator_note(row, note, sizeof(note));
        table_add(&table, (const char *const[]){
                              text_of(row, "number"), text_of(row, "name"), text_of(row, "role"),
                              text_of(row, "area"), say_state(maybe_text_of(row, "state")),
                              text_of(row, "from"), text_of(row, "until"), note });
        table_paint(&table, COUNT_OF(titles) - 1, PAINT_WAIT);
    }
    if (json_array_size(rows) == 0)
        (void)puts(tr("Nobody may sign here yet; begin with `tkskctl operator add NAME`.",
                      "Belum ada petugas; mulai dengan `tkskctl operator add NAMA`."));
    else
        table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

enum exit_code cmd_operator_list(struct ctl *ctl)
{
    struct answer answer;
    struct hello hello;
    enum exit_code code = ctl_hello(ctl, &hello);
    if (code != EXIT_DONE)
        return code;
    code = ctl_ask(ctl, hello.hub ? "trust_state" : "operator_list", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    json_t *rows = hello.hub ? json_object_get(answer.done, "operators") : answer.rows;
    if (ctl->args.json)
        code = ctl_document(ctl, NULL, rows);
    else
        operators_table(rows);
    answer_close(&answer);
    return code;
}

/* A command whose whole answer is one object: --json as it is, else a labelled list of its members.
 */
static enum exit_code show_object(struct ctl *ctl, const char *cmd)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, cmd, NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
    } else {
        json_t *members = json_object_get(answer.done, "counters");
        struct table table;
        const char *key;
        json_t *value;
        table_open(&table, 2, NULL);
        if (!json_is_object(members))
            members = answer.done;
        json_object_foreach(members, key, value) {
            if (!json_is_object(value) && !json_is_array(value))
                table_label(&table, key, text_of(members, key));
        }
        print_labels(&table);
    }
    answer_close(&answer);
    return code;
}

enum exit_code cmd_metrics(struct ctl *ctl)
{
    return show_object(ctl, "metrics");
}

enum exit_code cmd_verify(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "verify", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)printf(tr("The journal is whole up to number %s, and the content follows from it.\n"
                        "content hash %s\n",
                        "Jurnal utuh sampai nomor %s, dan isinya sesuai dengannya.\n"
                        "hash isi %s\n"),
                     text_of(answer.done, "journal"), text_of(answer.done, "content_hash"));
    answer_close(&answer);
    return code;
}

enum exit_code cmd_help(struct ctl *ctl)
{
    size_t used;
    if (args_option(&ctl->args, "--man")) {
        commands_man(stdout);
        return EXIT_DONE;
    }
    if (ctl->args.count == 0) {
        commands_help(stdout);
        return EXIT_DONE;
    }
    const struct command *command = command_find(ctl->args.words, ctl->args.count, &used);
    if (command) {
        command_help(command, stdout);
        return EXIT_DONE;
    }
    const char *nearest = command_nearest(ctl->args.words, ctl->args.count);
    return ctl_problemf(
        ctl, ERR_USAGE, ctl->args.words[0],
        nearest ? tr("no such command; nearest: %s", "perintah ini tidak ada; yang mirip: %s")
                : tr("no such command%s", "perintah ini tidak ada%s"),
        nearest ? nearest : "");
}

enum exit_code cmd_completion(struct ctl *ctl)
{
    if (strcmp(ctl->args.words[0], "bash") != 0)
        return ctl_problemf(ctl, ERR_USAGE, ctl->args.words[0], "%s",
                            tr("only bash", "hanya bash"));
    commands_completion_bash(stdout);
    return EXIT_DONE;
}
