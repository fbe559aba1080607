/* Do the books balance? At the hub of every office, at an office of its own, so that both can be
 * laid side by side. */
#include <inttypes.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"
#include "proto/value.h"

static const char *const figures[] = { "entered", "accepted",    "superseded", "rejected",
                                       "held",    "quarantined", "pending" };

static void print_books(const json_t *rows, bool month)
{
    const char *titles[] = { tr("office", "kantor"),       tr("entered", "masuk"),
                             tr("accepted", "diterima"),   tr("later value", "nilai baru"),
                             tr("rejected", "ditolak"),    tr("two values", "isian beda"),
                             tr("for review", "ditahan"),  tr("pending", "menunggu"),
                             tr("undated", "tanpa bulan"), "" };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.drops_empty = true;
    for (size_t i = 1; i + 1 < COUNT_OF(titles); i++)
        table.right[i] = true;
    json_array_foreach(rows, index, row) {
        char cells[COUNT_OF(figures) + 1][SAY_NUMBER_MAX], difference[64] = "";
        const char *line[COUNT_OF(titles)] = { text_of(row, "node") };
        bool even = truth_of(row, "balanced");
        for (size_t i = 0; i < COUNT_OF(figures); i++) {
            say_number(number_of(row, figures[i]), cells[i]);
            line[i + 1] = cells[i];
        }
        say_number(number_of(row, "undated"), cells[COUNT_OF(figures)]);
        line[COUNT_OF(figures) + 1] = month ? cells[COUNT_OF(figures)] : "";
        if (!even)
            (void)snprintf(difference, sizeof(difference),
                           tr("off by %" PRId64, "selisih %" PRId64), number_of(row, "difference"));
        line[COUNT_OF(titles) - 1] = difference;
        table_add(&table, line);
        if (!even)
            table_paint(&table, COUNT_OF(titles) - 1, PAINT_BAD);
        else if (number_of(row, "pending") > 0)
            table_paint(&table, 7, PAINT_WAIT);
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

/* What is in no month, and what the figures cannot know. */
static void print_notes(const json_t *rows, bool month, bool hub)
{
    int64_t undated = 0, queued = 0, waits = 0;
    size_t index, width = terminal_width(stdout);
    json_t *row;
    json_array_foreach(rows, index, row) {
        undated += number_of(row, "undated");
        queued += number_of(row, "queued");
        waits += number_of(row, "to_countersign");
    }
    if (month && undated > 0)
        text_wrap(stdout,
                  tr("Without a month: entries that are not here yet, or could not be read; they "
                     "count to their month once they are.",
                     "Tanpa bulan: kiriman yang belum sampai, atau tidak terbaca; masuk ke "
                     "bulannya setelah sampai."),
                  2, width);
    if (hub && queued > 0)
        text_wrap(stdout,
                  tr("Pending holds what the offices had queued when they were last heard; what "
                     "they entered since is in their own books (`tkskctl reconcile` there).",
                     "Menunggu berisi antrean kantor saat terakhir terdengar; yang diisi sesudah "
                     "itu ada di buku kantor sendiri (`tkskctl cocokkan` di sana)."),
                  2, width);
    if (waits > 0)
        text_wrap(stdout,
                  tr("What waits for a countersignature is not entered yet.",
                     "Yang menunggu tanda tangan belum dihitung masuk."),
                  2, width);
}

static void print_verdict(const json_t *done, const json_t *rows)
{
    char names[PROBLEM_DETAIL_MAX] = "";
    size_t index;
    json_t *name;
    json_array_foreach(json_object_get(done, "unbalanced"), index, name) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
                       json_string_value(name));
    }
    if (json_array_size(rows) == 0)
        (void)puts(tr("No office has sent anything yet.", "Belum ada kantor yang mengirim."));
    else if (names[0])
        (void)fprintf(stderr,
                      tr("DOES NOT BALANCE: %s. Run `tkskctl verify`, keep the last backup, and "
                         "report it.\n",
                         "TIDAK COCOK: %s. Jalankan `tkskctl verify`, simpan cadangan terakhir, "
                         "lalu laporkan.\n"),
                      names);
    else
        (void)puts(tr("Everything that was entered is accounted for.",
                      "Semua yang dimasukkan jelas keberadaannya."));
}

enum exit_code cmd_reconcile(struct ctl *ctl)
{
    const char *month = args_option(&ctl->args, "--month");
    struct answer answer;
    struct hello hello;
    uint64_t from_ms, until_ms;
    if (month && !month_parse(bytes_text(month), &from_ms, &until_ms))
        return ctl_problemf(ctl, ERR_USAGE, "--month", "%s: YYYY-MM", month);
    enum exit_code code = ctl_hello(ctl, &hello);
    if (code == EXIT_DONE)
        code = ctl_ask(ctl, "reconcile",
                       month ? ctl_memory(json_pack("{s:s}", "month", month)) : NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    bool even = json_array_size(json_object_get(answer.done, "unbalanced")) == 0;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
    } else {
        if (json_array_size(answer.rows) > 0)
            print_books(answer.rows, month != NULL);
        print_notes(answer.rows, month != NULL, hello.hub);
        print_verdict(answer.done, answer.rows);
    }
    answer_close(&answer);
    return code == EXIT_DONE && !even ? EXIT_REFUSED : code;
}
