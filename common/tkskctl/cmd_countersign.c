/* The second signature: what waits for it, what exactly is signed, and the signing in one go. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/must.h"
#include "common/tkskctl/ask.h"
#include "common/tkskctl/table.h"

#define LEAVES_ONCE 256 /* in one request to the daemon */

/* --- asking --------------------------------------------------------------------------------- */

/* Args `ids` from the words of the command line; none: all. */
static json_t *asked(struct ctl *ctl, bool falls)
{
    json_t *args = ctl_memory(json_pack("{s:b}", "refuse", falls));
    if (ctl->args.count == 0)
        return args;
    json_t *ids = ctl_memory(json_array());
    for (size_t i = 0; i < ctl->args.count; i++)
        json_array_append_new(ids, json_string(ctl->args.words[i]));
    json_object_set_new(args, "ids", ids);
    return args;
}

/* Rows that are to be signed or refused. */
static json_t *meant(const json_t *rows)
{
    json_t *list = ctl_memory(json_array());
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row) {
        if (truth_of(row, "chosen") || truth_of(row, "implied"))
            json_array_append(list, row);
    }
    return list;
}

static int64_t changes_of(const json_t *rows)
{
    int64_t changes = 0;
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
        changes += number_of(row, "changes");
    return changes;
}

/* --- the list ------------------------------------------------------------------------------- */

/* "Siti Aminah, 3604…": what people know it by. */
static void summary_text(const json_t *row, char *ret, size_t cap)
{
    const char *name;
    json_t *value;
    size_t index, count = 0;
    ret[0] = '\0';
    json_object_foreach(json_object_get(row, "summary"), name, value) {
        size_t used = strlen(ret);
        const char *text = json_string_value(value);
        if (text && text[0])
            (void)snprintf(ret + used, cap - used, "%s%s", count++ > 0 ? ", " : "", text);
    }
    count = 0;
    json_array_foreach(json_object_get(row, "fields"), index, value) {
        size_t used = strlen(ret);
        (void)snprintf(ret + used, cap - used, "%s%s",
                       count++ > 0 ? ", "
                       : used > 0  ? ": "
                                   : "",
                       json_is_string(value) ? json_string_value(value) : "");
    }
    size_t used = strlen(ret);
    if (number_of(row, "changes") > 1)
        (void)snprintf(ret + used, cap - used, tr(" and %" PRId64 " more", " dan %" PRId64 " lagi"),
                       number_of(row, "changes") - 1);
}

/* Who entered how much of what, from the first to the last: what the list comes to. */
static void print_groups(const json_t *rows, FILE *out)
{
    const char *titles[] = { tr("who", "siapa"),       tr("what", "apa"),  tr("entries", "isian"),
                             tr("records", "catatan"), tr("from", "dari"), tr("to", "sampai") };
    struct table table;
    json_t *groups = ctl_memory(json_object()), *row, *group;
    size_t index;
    const char *key;
    json_array_foreach(rows, index, row) {
        char name[256], from[SAY_TIME_MAX];
        const char *title = maybe_text_of(row, "title");
        (void)snprintf(name, sizeof(name), "%s/%s/%s", text_of(row, "operator"),
                       text_of(row, "collection"), text_of(row, "op"));
        say_time(maybe_text_of(row, "entered"), from);
        group = json_object_get(groups, name);
        if (!group) {
            group = ctl_memory(json_pack(
                "{s:s, s:s, s:s, s:I, s:I, s:s}", "who", text_of(row, "operator_name"), "what",
                title ? title : text_of(row, "collection"), "op", text_of(row, "op"), "entries",
                (json_int_t)0, "records", (json_int_t)0, "from", from));
            json_object_set_new(groups, name, group);
        }
        json_object_set_new(group, "entries", json_integer(number_of(group, "entries") + 1));
        json_object_set_new(group, "records",
                            json_integer(number_of(group, "records") + number_of(row, "changes")));
        json_object_set_new(group, "to", json_string(from));
    }
    table_open(&table, COUNT_OF(titles), titles);
    table.right[2] = table.right[3] = true;
    json_object_foreach(groups, key, group) {
        char what[256];
        (void)snprintf(what, sizeof(what), "%s, %s", text_of(group, "what"),
                       say_state(text_of(group, "op")));
        table_add(&table,
                  (const char *const[]){ text_of(group, "who"), what, text_of(group, "entries"),
                                         text_of(group, "records"), text_of(group, "from"),
                                         text_of(group, "to") });
    }
    table_print(&table, out, terminal_width(out));
    table_close(&table);
    json_decref(groups);
}

static void print_rows(const json_t *rows, FILE *out)
{
    const char *titles[] = { tr("no", "no"),    tr("who", "siapa"),    tr("entered", "diisi"),
                             tr("what", "apa"), tr("contents", "isi"), tr("mark", "tanda") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.wraps = 4;
    json_array_foreach(rows, index, row) {
        char summary[300], when[SAY_TIME_MAX], mark[13], what[256];
        const char *title = maybe_text_of(row, "title");
        summary_text(row, summary, sizeof(summary));
        say_time(maybe_text_of(row, "entered"), when);
        (void)snprintf(mark, sizeof(mark), "%.12s", text_of(row, "leaf"));
        (void)snprintf(what, sizeof(what), "%s, %s", title ? title : text_of(row, "collection"),
                       say_state(text_of(row, "op")));
        table_add(&table,
                  (const char *const[]){ text_of(row, "short"), text_of(row, "operator_name"), when,
                                         what, summary, mark });
    }
    table_print(&table, out, terminal_width(out));
    table_close(&table);
}

enum exit_code cmd_countersign_list(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "countersign_list", asked(ctl, false), &answer);
    if (code != EXIT_DONE)
        return code;
    json_t *mine = meant(answer.rows);
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
    } else if (json_array_size(answer.rows) == 0) {
        (void)puts(
            tr("Nothing waits for a countersignature.", "Tidak ada yang menunggu tanda tangan."));
    } else {
        print_groups(answer.rows, stdout);
        (void)fputc('\n', stdout);
        print_rows(answer.rows, stdout);
        (void)fputc('\n', stdout);
        if (json_array_size(mine) > 0)
            (void)printf(tr("You may sign %zu of %zu entries: tkskctl countersign\n",
                            "Anda boleh menandatangani %zu dari %zu isian: tkskctl tandatangan\n"),
                         json_array_size(mine), json_array_size(answer.rows));
        else
            (void)puts(tr("Who countersigns them unlocks and runs: tkskctl countersign",
                          "Penanda tangan membuka kunci lalu menjalankan: tkskctl tandatangan"));
    }
    json_decref(mine);
    answer_close(&answer);
    return code;
}

/* --- one of them ---------------------------------------------------------------------------- */

static void print_change(const json_t *change)
{
    const char *title = maybe_text_of(change, "title");
    const char *number = maybe_text_of(change, "short");
    struct table table;
    size_t index;
    json_t *field;
    (void)fputc('\n', stdout);
    text_print(stdout, title ? title : text_of(change, "collection"));
    (void)printf(" %s: %s\n", number ? number : text_of(change, "id"),
                 say_state(text_of(change, "op")));
    table_open(&table, 2, NULL);
    json_array_foreach(json_object_get(change, "fields"), index, field) {
        const char *label = maybe_text_of(field, "label");
        const char *value = maybe_text_of(field, "value");
        table_add(&table,
                  (const char *const[]){ label ? label : text_of(field, "name"),
                                         value ? value : tr("(emptied)", "(dikosongkan)") });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

enum exit_code cmd_countersign_show(struct ctl *ctl)
{
    struct answer answer;
    size_t index, at;
    json_t *row, *change;
    enum exit_code code = ctl_ask(ctl, "countersign_show", asked(ctl, false), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, NULL, answer.rows);
        answer_close(&answer);
        return code;
    }
    json_array_foreach(answer.rows, index, row) {
        char when[SAY_TIME_MAX];
        const char *why = maybe_text_of(row, "why");
        say_time(maybe_text_of(row, "entered"), when);
        (void)printf("%s%.12s: ", index > 0 ? "\n" : "", text_of(row, "leaf"));
        text_print(stdout, text_of(row, "operator_name"));
        (void)printf(", %s\n", when);
        json_array_foreach(json_object_get(row, "contents"), at, change)
            print_change(change);
        if (why) {
            (void)fputc('\n', stdout);
            text_print(stdout, why);
            (void)fputc('\n', stdout);
        }
    }
    answer_close(&answer);
    return code;
}

/* --- signing and refusing -------------------------------------------------------------------- */

/* Says what is about to be signed or refused, so that the question has one meaning. */
static void print_plan(const json_t *rows, bool falls)
{
    size_t index, implied = 0;
    json_t *row;
    json_array_foreach(rows, index, row)
        implied += truth_of(row, "implied");
    print_groups(rows, stderr);
    if (implied > 0)
        (void)fprintf(stderr,
                      falls ? tr("%zu of them cannot be without the others.\n",
                                 "%zu di antaranya tidak bisa berdiri tanpa yang lain.\n")
                            : tr("%zu of them go along because the others build on them.\n",
                                 "%zu di antaranya ikut karena menjadi dasar yang lain.\n"),
                      implied);
}

/* Hands the leaves over, some at a time; *ret_count is how many it was. */
static enum exit_code send_leaves(struct ctl *ctl, const char *cmd, const json_t *rows,
                                  const char *counted, int64_t *ret_count)
{
    enum exit_code code = EXIT_DONE;
    size_t total = json_array_size(rows);
    *ret_count = 0;
    for (size_t from = 0; code == EXIT_DONE && from < total; from += LEAVES_ONCE) {
        struct answer answer;
        json_t *leaves = ctl_memory(json_array());
        for (size_t i = from; i < total && i < from + LEAVES_ONCE; i++)
            json_array_append(leaves, json_object_get(json_array_get(rows, i), "leaf"));
        code = ctl_try(ctl, cmd, ctl_memory(json_pack("{s:o}", "leaves", leaves)), &answer);
        if (code == EXIT_DONE)
            *ret_count += number_of(answer.done, counted);
        else if (answer.error)
            *ret_count += number_of(answer.error, counted);
        if (code != EXIT_DONE && answer.error)
            code = ctl_refused(ctl, &answer);
        answer_close(&answer);
    }
    return code;
}

static enum exit_code sign(struct ctl *ctl, const json_t *rows)
{
    char question[160];
    int64_t signed_count = 0;
    size_t total = json_array_size(rows);
    print_plan(rows, false);
    (void)snprintf(question, sizeof(question),
                   tr("Sign these %zu entries (%" PRId64 " records)?",
                      "Tandatangani %zu isian ini (%" PRId64 " catatan)?"),
                   total, changes_of(rows));
    if (!ask_yes(ctl, question))
        return EXIT_REFUSED;
    enum exit_code code = send_leaves(ctl, "countersign_sign", rows, "signed", &signed_count);
    if (ctl->args.json && code == EXIT_DONE) {
        json_t *done = ctl_memory(json_pack("{s:I}", "signed", (json_int_t)signed_count));
        code = ctl_document(ctl, done, NULL);
        json_decref(done);
    } else if (!ctl->args.json && (code == EXIT_DONE || signed_count > 0)) {
        (void)printf(
            tr("Signed: %" PRId64 " of %zu; %s.\n", "Ditandatangani: %" PRId64 " dari %zu; %s.\n"),
            signed_count, total, say_state("queued"));
    }
    return code;
}

/* Without words: all that this person may sign. */
enum exit_code cmd_countersign(struct ctl *ctl)
{
    struct answer answer;
    if (ctl->args.count > 0 && args_option(&ctl->args, "--all"))
        return ctl_problemf(ctl, ERR_USAGE, "--all", "%s",
                            tr("either all, or those that are named", "semua, atau yang disebut"));
    enum exit_code code = ctl_ask(ctl, "countersign_list", asked(ctl, false), &answer);
    if (code != EXIT_DONE)
        return code;
    json_t *rows = meant(answer.rows);
    if (json_array_size(rows) > 0)
        code = sign(ctl, rows);
    else if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)puts(
            tr("Nothing waits for your signature.", "Tidak ada yang menunggu tanda tangan Anda."));
    json_decref(rows);
    answer_close(&answer);
    return code;
}

static enum exit_code refuse(struct ctl *ctl, const json_t *rows, const char *reason)
{
    struct answer answer;
    char question[160];
    size_t index;
    json_t *row, *leaves = ctl_memory(json_array());
    print_plan(rows, true);
    (void)snprintf(question, sizeof(question),
                   tr("Give back these %zu entries (%" PRId64 " records)?",
                      "Kembalikan %zu isian ini (%" PRId64 " catatan)?"),
                   json_array_size(rows), changes_of(rows));
    if (!ask_yes(ctl, question)) {
        json_decref(leaves);
        return EXIT_REFUSED;
    }
    json_array_foreach(rows, index, row)
        json_array_append(leaves, json_object_get(row, "leaf"));
    enum exit_code code =
        ctl_ask(ctl, "countersign_refuse",
                ctl_memory(json_pack("{s:o, s:s}", "leaves", leaves, "reason", reason)), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)printf(tr("Given back: %s; they are drafts now, with your reason.\n",
                        "Dikembalikan: %s; kini menjadi draf dengan alasan Anda.\n"),
                     text_of(answer.done, "refused"));
    answer_close(&answer);
    return code;
}

enum exit_code cmd_countersign_refuse(struct ctl *ctl)
{
    struct answer answer;
    const char *reason = args_option(&ctl->args, "--reason");
    must(reason != NULL && ctl->args.count > 0);
    enum exit_code code = ctl_ask(ctl, "countersign_list", asked(ctl, true), &answer);
    if (code != EXIT_DONE)
        return code;
    json_t *rows = meant(answer.rows);
    code = refuse(ctl, rows, reason);
    json_decref(rows);
    answer_close(&answer);
    return code;
}
