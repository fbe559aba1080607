/* How things stand: one line that answers the question, then the details. */
#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"

static void label_number(struct table *table, const char *label, const json_t *done,
                         const char *key)
{
    if (json_object_get(done, key))
        table_label(table, label, text_of(done, key));
}

/* A count that is worth a line only when there is something. */
static void label_some(struct table *table, const char *label, const json_t *done, const char *key)
{
    if (number_of(done, key) != 0)
        table_label(table, label, text_of(done, key));
}

static void label_size(struct table *table, const char *label, const json_t *done, const char *key)
{
    char size[SAY_SIZE_MAX];
    if (!json_object_get(done, key))
        return;
    say_size((uint64_t)number_of(done, key), size);
    table_label(table, label, size);
}

static void label_time(struct table *table, const char *label, const json_t *done, const char *key)
{
    char time_text[SAY_TIME_MAX];
    if (!maybe_text_of(done, key))
        return;
    say_time(text_of(done, key), time_text);
    table_label(table, label, time_text);
}

static void print_labels(struct table *table)
{
    table_print(table, stdout, terminal_width(stdout));
    table_close(table);
}

static void print_next(const json_t *done)
{
    if (maybe_text_of(done, "next")) {
        (void)fputs(tr("Next: ", "Berikutnya: "), stdout);
        text_print(stdout, text_of(done, "next"));
        (void)fputc('\n', stdout);
    }
}

/* "Linked since 08:12. 3 records stored here, not sent yet; 245 arrived; …" */
static void node_line(const json_t *done)
{
    const char *enrolment = text_of(done, "enrolment");
    char since[SAY_TIME_MAX];
    int64_t attention = number_of(done, "attention");
    if (strcmp(enrolment, "approved") != 0 && enrolment[0]) {
        if (strcmp(enrolment, "waiting") == 0)
            (void)puts(tr("Waiting for the district office to approve this office.",
                          "Menunggu persetujuan Dinas untuk kantor ini."));
        else if (strcmp(enrolment, "refused") == 0)
            (void)puts(tr("The district office refused this office; ask for a new invite.",
                          "Dinas menolak kantor ini; mintalah undangan baru."));
        else
            (void)puts(tr("This machine does not belong to an office yet.",
                          "Komputer ini belum terdaftar sebagai kantor."));
        return;
    }
    say_time(maybe_text_of(done, "linked_since"), since);
    if (truth_of(done, "linked"))
        (void)printf(tr("Linked since %s. ", "Tersambung sejak %s. "), since);
    else
        (void)fputs(tr("No link now; entering goes on. ", "Belum tersambung; mengisi tetap bisa. "),
                    stdout);
    (void)printf(
        tr("%" PRId64 " stored here, not sent yet; %" PRId64 " arrived",
           "%" PRId64 " tersimpan di netbook, belum terkirim; %" PRId64 " sudah sampai di Dinas"),
        number_of(done, "queued"),
        number_of(done, "accepted") + number_of(done, "superseded") + number_of(done, "rejected") +
            number_of(done, "held") + number_of(done, "quarantined") + number_of(done, "parked"));
    if (attention > 0)
        (void)printf(tr("; %" PRId64 " answers wait for you (tkskctl attention)",
                        "; %" PRId64 " jawaban menunggu Anda (tkskctl perhatian)"),
                     attention);
    (void)puts(".");
}

static void node_status(const json_t *done)
{
    struct table table;
    node_line(done);
    if (truth_of(done, "locked") && strcmp(text_of(done, "enrolment"), "approved") == 0)
        (void)puts(tr("Locked: sending goes on, entering and reading wait for `tkskctl unlock`.",
                      "Terkunci: pengiriman tetap jalan, mengisi dan membaca menunggu `tkskctl "
                      "buka`."));
    table_open(&table, 2, NULL);
    table_label(&table, tr("office", "kantor"), maybe_text_of(done, "node"));
    table_label(&table, tr("district", "kabupaten/kota"), maybe_text_of(done, "district"));
    label_number(&table, tr("operators", "petugas"), done, "operators");
    label_number(&table, tr("records here", "catatan di sini"), done, "records");
    label_some(&table, tr("on their way", "sedang dikirim"), done, "in_flight");
    label_number(&table, say_state("accepted"), done, "accepted");
    label_some(&table, say_state("superseded"), done, "superseded");
    label_some(&table, say_state("rejected"), done, "rejected");
    label_some(&table, say_state("held"), done, "held");
    label_some(&table, say_state("quarantined"), done, "quarantined");
    label_some(&table, say_state("parked"), done, "parked");
    label_number(&table, say_state("safe"), done, "safe");
    label_some(&table, tr("open conflicts", "isian berbeda"), done, "conflicts");
    label_size(&table, tr("queue", "antrean"), done, "queued_bytes");
    label_number(&table, tr("roster version", "versi daftar petugas"), done, "trust_version");
    label_number(&table, tr("policy version", "versi kebijakan"), done, "rules_version");
    table_label(&table, tr("last refusal", "penolakan terakhir"),
                maybe_text_of(done, "last_refusal"));
    label_size(&table, tr("free disk space", "sisa ruang disk"), done, "disk_free_bytes");
    print_labels(&table);
    print_next(done);
}

static void hub_line(const json_t *done)
{
    if (number_of(done, "trust_version") == 0) {
        (void)puts(tr("This district is not founded yet.", "Kabupaten ini belum didirikan."));
        return;
    }
    if (json_is_false(json_object_get(done, "merging")))
        (void)fputs(tr("NOT MERGING: the database is older than what offices have seen. ",
                       "TIDAK MENERIMA: basis data lebih tua dari yang sudah dilihat kantor. "),
                    stdout);
    (void)printf(tr("%" PRId64 " of %" PRId64 " offices linked; %" PRId64 " records; ",
                    "%" PRId64 " dari %" PRId64 " kantor tersambung; %" PRId64 " catatan; "),
                 number_of(done, "nodes_linked"), number_of(done, "nodes"),
                 number_of(done, "records"));
    (void)printf(tr("to decide: %" PRId64 " conflicts, %" PRId64 " for review, %" PRId64
                    " enrolments.\n",
                    "perlu keputusan: %" PRId64 " isian berbeda, %" PRId64 " ditahan, %" PRId64
                    " pendaftaran.\n"),
                 number_of(done, "conflicts"), number_of(done, "quarantined"),
                 number_of(done, "waiting_enrolment"));
}

static void hub_status(const json_t *done)
{
    struct table table;
    hub_line(done);
    table_open(&table, 2, NULL);
    table_label(&table, tr("district", "kabupaten/kota"), maybe_text_of(done, "district"));
    label_number(&table, tr("journal", "jurnal"), done, "journal");
    label_number(&table, tr("epoch", "zaman"), done, "epoch");
    label_number(&table, say_state("accepted"), done, "accepted");
    label_some(&table, say_state("superseded"), done, "superseded");
    label_some(&table, say_state("rejected"), done, "rejected");
    label_some(&table, say_state("held"), done, "held");
    label_some(&table, say_state("quarantined"), done, "quarantined");
    label_some(&table, say_state("parked"), done, "parked");
    label_number(&table, tr("roster version", "versi daftar petugas"), done, "trust_version");
    label_number(&table, tr("policy version", "versi kebijakan"), done, "rules_version");
    if (maybe_text_of(done, "last_backup"))
        label_time(&table, tr("last backup", "cadangan terakhir"), done, "last_backup");
    else
        table_label(&table, tr("last backup", "cadangan terakhir"), tr("none", "belum ada"));
    label_size(&table, tr("free disk space", "sisa ruang disk"), done, "disk_free_bytes");
    print_labels(&table);
    print_next(done);
}

static enum exit_code status_once(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "status", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        (void)ctl_document(ctl, answer.done, NULL);
    else if (json_object_get(answer.done, "journal"))
        hub_status(answer.done);
    else
        node_status(answer.done);
    answer_close(&answer);
    return EXIT_DONE;
}

enum exit_code cmd_status(struct ctl *ctl)
{
    const struct timespec pause = { .tv_sec = 2 };
    if (!args_option(&ctl->args, "--watch"))
        return status_once(ctl);
    for (;;) {
        if (!ctl->args.json && isatty(STDOUT_FILENO))
            (void)fputs("\033[H\033[2J", stdout);
        enum exit_code code = status_once(ctl);
        if (code != EXIT_DONE || fflush(stdout) != 0)
            return code;
        (void)nanosleep(&pause, NULL);
    }
}

enum exit_code cmd_nodes(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "nodes", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
        answer_close(&answer);
        return code;
    }
    const char *titles[] = { tr("office", "kantor"),    tr("state", "keadaan"),
                             tr("heard", "terakhir"),   tr("received", "diterima"),
                             tr("queued", "antrean"),   tr("roster", "daftar"),
                             tr("policy", "kebijakan"), tr("people", "petugas") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    for (size_t i = 3; i < COUNT_OF(titles); i++)
        table.right[i] = true;
    json_array_foreach(answer.rows, index, row) {
        char heard[SAY_TIME_MAX];
        const json_t *operators = json_object_get(row, "operators");
        char people[16];
        say_time(maybe_text_of(row, "heard"), heard);
        (void)snprintf(people, sizeof(people), "%zu",
                       json_is_array(operators) ? json_array_size(operators)
                                                : (size_t)json_integer_value(operators));
        table_add(&table, (const char *const[]){ text_of(row, "node"),
                                                 say_state(maybe_text_of(row, "state")), heard,
                                                 text_of(row, "received"), text_of(row, "queued"),
                                                 text_of(row, "trust_version"),
                                                 text_of(row, "rules_version"), people });
    }
    if (json_array_size(answer.rows) == 0)
        (void)puts(tr("No office yet; invite one with `tkskctl node invite NODE`.",
                      "Belum ada kantor; undang dengan `tkskctl node invite KANTOR`."));
    else
        print_labels(&table);
    answer_close(&answer);
    return EXIT_DONE;
}

static void show_node(const json_t *row, const json_t *trust, const char *name)
{
    struct table table;
    size_t index;
    json_t *item;
    table_open(&table, 2, NULL);
    table_label(&table, tr("office", "kantor"), name);
    table_label(&table, tr("state", "keadaan"), say_state(maybe_text_of(row, "state")));
    label_time(&table, tr("heard", "terakhir terdengar"), row, "heard");
    label_number(&table, tr("received", "diterima"), row, "received");
    label_number(&table, tr("queued there", "antrean di sana"), row, "queued");
    json_array_foreach(json_object_get(trust, "nodes"), index, item) {
        if (strcmp(text_of(item, "node"), name) != 0)
            continue;
        table_label(&table, tr("area", "wilayah"), maybe_text_of(item, "area"));
        label_number(&table, tr("since roster version", "sejak versi daftar"), item, "since");
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

static void operators_table(const json_t *rows)
{
    const char *titles[] = { tr("no", "no"),        tr("name", "nama"),     tr("role", "peran"),
                             tr("area", "wilayah"), tr("state", "keadaan"), tr("from", "dari"),
                             tr("until", "sampai") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.right[0] = true;
    json_array_foreach(rows, index, row) {
        table_add(&table, (const char *const[]){ text_of(row, "number"), text_of(row, "name"),
                                                 text_of(row, "role"), text_of(row, "area"),
                                                 say_state(maybe_text_of(row, "state")),
                                                 text_of(row, "from"), text_of(row, "until") });
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
    return ctl_problemf(ctl, ERR_USAGE, ctl->args.words[0], "%s",
                        tr("no such command", "perintah ini tidak ada"));
}

enum exit_code cmd_completion(struct ctl *ctl)
{
    if (strcmp(ctl->args.words[0], "bash") != 0)
        return ctl_problemf(ctl, ERR_USAGE, ctl->args.words[0], "%s",
                            tr("only bash", "hanya bash"));
    commands_completion_bash(stdout);
    return EXIT_DONE;
}
