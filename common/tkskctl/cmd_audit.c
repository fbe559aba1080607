/* `audit`: who looked at what, and whether the log of it is whole. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/tkskctl/audit.h"
#include "common/tkskctl/table.h"
#include "proto/access.h"

enum exit_code audit_ask(struct ctl *ctl, json_t *args)
{
    const char *reason = args_option(&ctl->args, "--reason");
    bool full = args_option(&ctl->args, "--full") != NULL;
    struct problem problem;
    if (full && !reason)
        return ctl_problemf(ctl, ERR_USAGE, "--full", "%s",
                            tr("it needs --reason TEXT: why all of it is looked at",
                               "perlu --reason ALASAN: mengapa semuanya dilihat"));
    if (reason && access_reason_check(bytes_text(reason), &problem) != OK)
        return ctl_problem(ctl, &problem);
    if (full)
        json_object_set_new(args, "full", json_true());
    if (reason)
        json_object_set_new(args, "reason", json_string(reason));
    return EXIT_DONE;
}

/* --- list ----------------------------------------------------------------------------------- */

static const char *say_op(const char *op)
{
    static const char *const words[][3] = {
        { "look", "looked", "melihat" },     { "list", "listed", "mendaftar" },
        { "export", "exported", "ekspor" },  { "query", "asked", "menanyakan" },
        { "change", "changed", "mengubah" }, { "snapshot", "copied all", "menyalin semua" },
        { "backup", "backup", "cadangan" },  { "trim", "old rows cut", "baris lama dihapus" },
    };
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcmp(op, words[i][0]) == 0)
            return tr(words[i][1], words[i][2]);
    return op;
}

static void print_row(struct table *table, json_t *row)
{
    char number[24], when[SAY_TIME_MAX], who[200], what[64], count[24] = "";
    const char *person = maybe_text_of(row, "name");
    const char *record = maybe_text_of(row, "short");
    (void)snprintf(number, sizeof(number), "%" PRIu64, (uint64_t)number_of(row, "number"));
    say_time(maybe_text_of(row, "time"), when);
    if (json_is_integer(json_object_get(row, "uid")))
        (void)snprintf(who, sizeof(who), "%s (uid %" PRIu64 ")", person ? person : "",
                       (uint64_t)number_of(row, "uid"));
    else
        (void)snprintf(who, sizeof(who), "%s", person ? person : "");
    (void)snprintf(what, sizeof(what), "%s%s", say_op(text_of(row, "op")),
                   truth_of(row, "full") ? tr(", in full", ", lengkap") : "");
    if (!record)
        record = maybe_text_of(row, "id");
    if (!record && number_of(row, "count") > 0)
        (void)snprintf(count, sizeof(count), "%" PRIu64, (uint64_t)number_of(row, "count"));
    table_add(table, (const char *const[]){ number, when, who, what, text_of(row, "what"),
                                            record ? record : count, text_of(row, "reason") });
}

enum exit_code cmd_audit_list(struct ctl *ctl)
{
    const char *titles[] = { tr("no", "no"),     tr("when", "kapan"),
                             tr("who", "siapa"), tr("what", "apa"),
                             tr("of", "dari"),   tr("record or how many", "catatan atau jumlah"),
                             tr("why", "sebab") };
    const char *max = args_option(&ctl->args, "--max");
    char *end = NULL;
    long rows = max ? strtol(max, &end, 10) : 0;
    struct answer answer;
    struct table table;
    size_t index;
    json_t *row;
    if (max && (*end != '\0' || rows <= 0))
        return ctl_problemf(ctl, ERR_USAGE, "--max", "%s", max);
    json_t *args = ctl_memory(json_object());
    if (ctl->args.count > 0)
        json_object_set_new(args, "id", json_string(ctl->args.words[0]));
    if (max)
        json_object_set_new(args, "max", json_integer(rows));
    enum exit_code code = ctl_ask(ctl, "audit_list", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
        answer_close(&answer);
        return code;
    }
    table_open(&table, COUNT_OF(titles), titles);
    table.wraps = (int)COUNT_OF(titles) - 1;
    table.drops_empty = true;
    json_array_foreach(answer.rows, index, row)
        print_row(&table, row);
    if (json_array_size(answer.rows) == 0)
        (void)puts(tr("Nobody has looked.", "Belum ada yang melihat."));
    else
        table_print(&table, stdout, terminal_width(stdout));
    if (json_array_size(answer.rows) > 0 && !truth_of(answer.done, "open"))
        (void)puts(tr("Of which data and why is shown after `tkskctl unlock`.",
                      "Data apa dan sebabnya tampil setelah `tkskctl buka`."));
    table_close(&table);
    answer_close(&answer);
    return EXIT_DONE;
}

/* --- verify --------------------------------------------------------------------------------- */

static void say_fault(const json_t *done)
{
    static const char *const words[][3] = {
        { "missing", "row %s is missing or not in its place",
          "baris %s hilang atau tidak pada tempatnya" },
        { "altered", "row %s was altered, or what stands before it",
          "baris %s diubah, atau yang di depannya" },
        { "cut", "the rows from %s on were cut off", "baris mulai %s dipotong" },
        { "added", "row %s was put behind the end", "baris %s ditambahkan di belakang" },
        { "anchor", "the rows before %s were not cut by this program",
          "baris sebelum %s bukan dipotong program ini" },
    };
    char at[24];
    const char *fault = text_of(done, "fault");
    (void)snprintf(at, sizeof(at), "%" PRIu64, (uint64_t)number_of(done, "at"));
    (void)fputs(tr("The access log is BROKEN: ", "Catatan akses RUSAK: "), stdout);
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        if (strcmp(fault, words[i][0]) != 0)
            continue;
        const char *text = tr(words[i][1], words[i][2]);
        const char *place = strstr(text, "%s");
        (void)printf("%.*s%s%s.\n", (int)(place - text), text, at, place + 2);
        break;
    }
    (void)puts(tr("Keep a copy of the file and tell the district office; it goes on being written.",
                  "Simpan salinan berkasnya dan beri tahu Dinas; pencatatan tetap berjalan."));
}

enum exit_code cmd_audit_verify(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "audit_verify", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    const json_t *done = answer.done;
    bool sound = truth_of(done, "sound");
    uint64_t first = (uint64_t)number_of(done, "first");
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, NULL);
    } else if (!sound) {
        say_fault(done);
    } else {
        (void)printf(tr("The access log is whole: %" PRIu64 " rows, the last is %" PRIu64 ".\n",
                        "Catatan akses utuh: %" PRIu64 " baris, yang terakhir %" PRIu64 ".\n"),
                     (uint64_t)number_of(done, "last") + 1 - first,
                     (uint64_t)number_of(done, "last"));
        if (first > 1)
            (void)printf(tr("Rows before %" PRIu64 " were more than a year old and are gone.\n",
                            "Baris sebelum %" PRIu64 " lebih dari setahun dan sudah dihapus.\n"),
                         first);
        (void)puts(text_of(done, "hash"));
    }
    answer_close(&answer);
    return code == EXIT_DONE && !sound ? EXIT_REFUSED : code;
}
