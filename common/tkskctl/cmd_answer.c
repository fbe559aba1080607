/* Submissions and their answers: what waits, a receipt number, answering. */
#include <stdlib.h>

#include "common/tkskctl/fields.h"
#include "common/tkskctl/hop.h"
#include "common/tkskctl/table.h"

/* --- unanswered ----------------------------------------------------------------------------- */

static const char *label_or_code(const json_t *row, const char *label, const char *code)
{
    const char *text = maybe_text_of(row, label);
    return text ? text : text_of(row, code);
}

static void unanswered_table(const json_t *rows)
{
    const char *titles[] = { tr("receipt", "tanda terima"), tr("kind", "jenis"),
                             tr("state", "keadaan"),        tr("unit", "bidang"),
                             tr("since", "sejak"),          tr("days", "hari"),
                             tr("limit", "batas") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.right[5] = table.right[6] = true;
    table.drops_empty = true;
    json_array_foreach(rows, index, row) {
        char since[SAY_TIME_MAX], days[SAY_NUMBER_MAX], limit[SAY_NUMBER_MAX];
        const char *number = maybe_text_of(row, "receipt");
        say_time(maybe_text_of(row, "since"), since);
        say_number(number_of(row, "days"), days);
        say_number(number_of(row, "limit_days"), limit);
        table_add(&table, (const char *const[]){ number ? number : text_of(row, "id"),
                                                 label_or_code(row, "title", "collection"),
                                                 label_or_code(row, "state_label", "state"),
                                                 label_or_code(row, "unit_label", "unit"), since,
                                                 days, limit });
        table_paint(&table, 5, truth_of(row, "late") ? PAINT_BAD : PAINT_NONE);
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

/* "Rehabilitasi sosial 3 (2 lewat batas); tanpa bidang 1" */
static void unanswered_units(const json_t *units)
{
    size_t index;
    json_t *unit;
    json_array_foreach(units, index, unit) {
        char count[SAY_NUMBER_MAX], late[SAY_NUMBER_MAX];
        const char *name = label_or_code(unit, "unit_label", "unit");
        say_number(number_of(unit, "count"), count);
        say_number(number_of(unit, "late"), late);
        (void)fputs(index > 0 ? "; " : "", stdout);
        text_print(stdout, name[0] ? name : tr("no unit", "tanpa bidang"));
        (void)printf(" %s", count);
        if (number_of(unit, "late") > 0)
            (void)printf(tr(" (%s over the limit)", " (%s lewat batas)"), late);
    }
    if (json_array_size(units) > 0)
        (void)fputc('\n', stdout);
}

enum exit_code cmd_unanswered(struct ctl *ctl)
{
    const char *unit = args_option(&ctl->args, "--unit");
    const char *days = args_option(&ctl->args, "--days");
    struct answer answer;
    char *end = NULL;
    unsigned long min = days ? strtoul(days, &end, 10) : 0;
    if (days && (end == days || *end != '\0' || days[0] == '-' || min > 36600))
        return ctl_problemf(ctl, ERR_USAGE, "--days", "%s", days);
    json_t *args = ctl_memory(json_pack("{s:I}", "days", (json_int_t)min));
    if (unit)
        json_object_set_new(args, "unit", json_string(unit));
    enum exit_code code = ctl_ask(ctl, "unanswered", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
    } else if (json_array_size(answer.rows) == 0) {
        (void)puts(tr("Nothing waits for an answer.", "Tidak ada yang belum dijawab."));
    } else {
        unanswered_table(answer.rows);
        unanswered_units(json_object_get(answer.done, "units"));
    }
    if (code == EXIT_DONE && number_of(answer.done, "late") > 0)
        code = EXIT_REFUSED;
    answer_close(&answer);
    return code;
}

/* --- receipt -------------------------------------------------------------------------------- */

static void receipt_print(const json_t *done)
{
    struct table table;
    char came[SAY_TIME_MAX], path[HOP_TEXT_MAX], decision[256], waits[128] = "";
    bool entered = maybe_text_of(done, "received") == NULL;
    text_print(stdout, text_of(done, "receipt"));
    (void)fputs(": ", stdout);
    text_print(stdout, label_or_code(done, "title", "collection"));
    (void)fputc('\n', stdout);
    table_open(&table, 2, NULL);
    table_label(&table, tr("state", "keadaan"), label_or_code(done, "state_label", "state"));
    say_time(text_of(done, entered ? "entered" : "received"), came);
    table_label(&table,
                entered ? tr("entered", "dimasukkan")
                        : tr("received by the district office", "diterima Dinas"),
                came);
    hop_text(done, path);
    if (maybe_text_of(done, "hop") && path[0])
        table_label(&table, tr("on its way", "perjalanan"), path);
    if (label_or_code(done, "unit_label", "unit")[0])
        table_label(&table, tr("unit", "bidang"), label_or_code(done, "unit_label", "unit"));
    if (truth_of(done, "answered")) {
        const char *label = maybe_text_of(done, "decision_label");
        const char *target = maybe_text_of(done, "target");
        (void)snprintf(decision, sizeof(decision), "%s%s%s", label ? label : tr("yes", "sudah ada"),
                       target ? tr(", to be done by ", ", target ") : "", target ? target : "");
        table_label(&table, tr("answer", "tindak lanjut"), decision);
    } else if (json_is_integer(json_object_get(done, "unanswered_days"))) {
        char days[SAY_NUMBER_MAX], limit[SAY_NUMBER_MAX];
        say_number(number_of(done, "unanswered_days"), days);
        say_number(number_of(done, "limit_days"), limit);
        (void)snprintf(waits, sizeof(waits),
                       tr("not answered, %s days (limit %s)", "belum dijawab, %s hari (batas %s)"),
                       days, limit);
        table_label(&table, tr("answer", "tindak lanjut"), waits);
        table_paint(&table, 1, truth_of(done, "late") ? PAINT_BAD : PAINT_WAIT);
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

enum exit_code cmd_receipt(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(
        ctl, "receipt", ctl_memory(json_pack("{s:s}", "number", ctl->args.words[0])), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        receipt_print(answer.done);
    answer_close(&answer);
    return code;
}

/* --- answering ------------------------------------------------------------------------------ */

enum exit_code cmd_answer(struct ctl *ctl)
{
    char request[37];
    struct answer answer;
    json_t *values;
    enum exit_code code = ctl_request_id(ctl, request);
    if (code == EXIT_DONE)
        code = fields_from_words(ctl, 1, &values);
    if (code != EXIT_DONE)
        return code;
    json_t *args = ctl_memory(json_pack("{s:s, s:o, s:s}", "id", ctl->args.words[0], "values",
                                        values, "request", request));
    code = ctl_ask(ctl, "answer", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, NULL);
    } else {
        const char *number = maybe_text_of(answer.done, "short");
        text_print(stdout, number ? number : ctl->args.words[0]);
        (void)printf(
            ": %s, %s\n", tr("answered", "dijawab"),
            say_state(truth_of(answer.done, "to_countersign") ? "to_countersign" : "queued"));
    }
    answer_close(&answer);
    return code;
}
