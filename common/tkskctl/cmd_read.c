/* What there is: lists, one record, what waits for a person. */
#include <stdlib.h>

#include "common/must.h"
#include "common/tkskctl/audit.h"
#include "common/tkskctl/blob.h"
#include "common/tkskctl/ctl.h"
#include "common/tkskctl/draft.h"
#include "common/tkskctl/fields.h"
#include "common/tkskctl/hop.h"
#include "common/tkskctl/table.h"

#define LIST_ROWS_DEFAULT 50
#define LIST_ROWS_ASK 200
#define HISTORY_FIELDS_SHOWN 3

/* --- list ----------------------------------------------------------------------------------- */

/* Titles of the summary columns: names of the fields that the first rows carry, labels where known.
 */
static size_t summary_columns(const json_t *rows, const json_t *fields, const char **ret_names,
                              const char **ret_titles, size_t max)
{
    size_t count = 0, index;
    json_t *row, *value;
    const char *name;
    json_array_foreach(rows, index, row) {
        json_object_foreach(json_object_get(row, "fields"), name, value) {
            bool known = false;
            for (size_t i = 0; i < count; i++)
                known = known || strcmp(ret_names[i], name) == 0;
            if (known || count == max)
                continue;
            const json_t *field = fields_find(fields, name);
            ret_names[count] = name;
            ret_titles[count++] = field ? text_of(field, "label") : name;
        }
    }
    return count;
}

static void print_list(const json_t *rows, const json_t *fields)
{
    const char *names[TABLE_COLUMNS_MAX], *titles[TABLE_COLUMNS_MAX];
    const char *cells[TABLE_COLUMNS_MAX];
    struct table table;
    size_t index;
    json_t *row;
    size_t count = summary_columns(rows, fields, names + 1, titles + 1, TABLE_COLUMNS_MAX - 2);
    titles[0] = tr("no", "no");
    titles[count + 1] = tr("state", "keadaan");
    table_open(&table, count + 2, titles);
    table.drops_empty = true;
    json_array_foreach(rows, index, row) {
        const json_t *values = json_object_get(row, "fields");
        const char *number = maybe_text_of(row, "short");
        cells[0] = number ? number : text_of(row, "id");
        for (size_t i = 1; i <= count; i++)
            cells[i] = text_of(values, names[i]);
        const char *hop = maybe_text_of(row, "hop");
        cells[count + 1] = hop_word(hop ? hop : maybe_text_of(row, "state"));
        table_add(&table, cells);
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

static enum exit_code row_limit(struct ctl *ctl, size_t *ret_max)
{
    const char *text = args_option(&ctl->args, "--max");
    char *end = NULL;
    unsigned long max = text ? strtoul(text, &end, 10) : LIST_ROWS_DEFAULT;
    if (text && (*end != '\0' || max == 0 || text[0] == '-'))
        return ctl_problemf(ctl, ERR_USAGE, "--max", "%s", text);
    *ret_max = max;
    return EXIT_DONE;
}

/* Pages until `max` rows are there or no more come. */
static enum exit_code collect_rows(struct ctl *ctl, json_t *find, size_t max, json_t *rows)
{
    enum exit_code code = EXIT_DONE;
    for (bool more = true; more && code == EXIT_DONE;) {
        size_t have = json_array_size(rows);
        size_t want = max - have < LIST_ROWS_ASK ? max - have : LIST_ROWS_ASK;
        json_t *last = have > 0 ? json_array_get(rows, have - 1) : NULL;
        struct answer answer;
        json_t *args = ctl_memory(json_pack("{s:s, s:O, s:I}", "collection", ctl->args.words[0],
                                            "find", find, "max", (json_int_t)want));
        code = audit_ask(ctl, args);
        if (code != EXIT_DONE) {
            json_decref(args);
            break;
        }
        if (last)
            json_object_set_new(args, "after", json_string(text_of(last, "id")));
        code = ctl_ask(ctl, "list", args, &answer);
        if (code != EXIT_DONE)
            break;
        json_array_extend(rows, answer.rows);
        more = json_array_size(answer.rows) == want && json_array_size(rows) < max;
        answer_close(&answer);
    }
    return code;
}

enum exit_code cmd_list(struct ctl *ctl)
{
    size_t max = 0;
    json_t *find, *fields = NULL;
    enum exit_code code = row_limit(ctl, &max);
    if (code == EXIT_DONE)
        code = fields_from_words(ctl, 1, &find);
    if (code != EXIT_DONE)
        return code;
    json_t *rows = ctl_memory(json_array());
    code = collect_rows(ctl, find, max, rows);
    json_decref(find);
    if (code == EXIT_DONE && ctl->args.json) {
        code = ctl_document(ctl, NULL, rows);
    } else if (code == EXIT_DONE && json_array_size(rows) == 0) {
        (void)puts(tr("Nothing found.", "Tidak ada yang cocok."));
    } else if (code == EXIT_DONE) {
        code = ctl_fields(ctl, ctl->args.words[0], &fields);
        if (code == EXIT_DONE)
            print_list(rows, json_object_get(fields, "fields"));
        if (code == EXIT_DONE && json_array_size(rows) == max)
            (void)printf(tr("The first %zu; more with --max N.\n",
                            "%zu yang pertama; selebihnya dengan --max N.\n"),
                         max);
        json_decref(fields);
    }
    json_decref(rows);
    return code;
}

/* --- show ----------------------------------------------------------------------------------- */

/* A photo or file is told by what it is and where it lies, one a line. */
static void add_blobs(struct table *table, const char *label, const json_t *blobs, const char *mark)
{
    bool several = json_array_size(blobs) > 1;
    size_t index;
    json_t *blob;
    json_array_foreach(blobs, index, blob) {
        char text[320] = "";
        if (several)
            (void)snprintf(text, sizeof(text), "%zu. ", index + 1);
        size_t used = strlen(text);
        blob_text(blob, text + used, sizeof(text) - used);
        table_add(table,
                  (const char *const[]){ index == 0 ? label : "", text, index == 0 ? mark : "" });
    }
}

/* Not even a mask is shown: few may see it. */
static bool is_hidden(const json_t *field)
{
    return truth_of(field, "masked") && !maybe_text_of(field, "value");
}

/* What an ordinary look leaves out, so that nobody takes it for empty. */
static void print_hidden(const json_t *fields)
{
    size_t index, count = 0, masked = 0;
    json_t *field;
    json_array_foreach(fields, index, field) {
        const char *label = maybe_text_of(field, "label");
        masked += truth_of(field, "masked");
        if (!is_hidden(field))
            continue;
        (void)fputs(count++ ? ", " : tr("\nNot shown: ", "\nTidak ditampilkan: "), stdout);
        text_print(stdout, label ? label : text_of(field, "name"));
    }
    if (masked > 0)
        (void)fputs(
            tr("\nAll of it: --full --reason TEXT.\n", "\nSelengkapnya: --full --reason ALASAN.\n"),
            stdout);
}

static void print_fields(const json_t *fields)
{
    struct table table;
    size_t index;
    json_t *field;
    table_open(&table, 3, NULL);
    json_array_foreach(fields, index, field) {
        const char *label = maybe_text_of(field, "label");
        const char *mark = "";
        if (is_hidden(field))
            continue;
        if (truth_of(field, "held"))
            mark = say_state("held");
        else if (truth_of(field, "pending"))
            mark = say_state("pending");
        if (json_array_size(json_object_get(field, "blobs")) > 0) {
            add_blobs(&table, label ? label : text_of(field, "name"),
                      json_object_get(field, "blobs"), mark);
            continue;
        }
        const char *text = maybe_text_of(field, "text"); /* with labels; of a mask there is none */
        table_add(&table, (const char *const[]){ label ? label : text_of(field, "name"),
                                                 text ? text : text_of(field, "value"), mark });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

/* What people call a field; its name when the record does not show it. */
static const char *label_of(const json_t *labels, const char *name)
{
    const json_t *field = fields_find(labels, name);
    const char *label = field ? maybe_text_of(field, "label") : NULL;
    return label ? label : name;
}

/* "NIK, Nama, Jenis kelamin +8": what an entry of the history touched. */
static void field_names(json_t *fields, const json_t *labels, char *ret, size_t cap)
{
    size_t index = 0, count = 0;
    const char *name;
    json_t *value;
    ret[0] = '\0';
    json_object_foreach(fields, name, value) {
        size_t used = strlen(ret);
        if (count++ < HISTORY_FIELDS_SHOWN)
            (void)snprintf(ret + used, cap - used, "%s%s", used ? ", " : "",
                           label_of(labels, name));
    }
    json_array_foreach(fields, index, value) {
        size_t used = strlen(ret);
        name = json_is_string(value) ? json_string_value(value) : text_of(value, "name");
        if (count++ < HISTORY_FIELDS_SHOWN)
            (void)snprintf(ret + used, cap - used, "%s%s", used ? ", " : "",
                           label_of(labels, name));
    }
    size_t used = strlen(ret);
    if (count > HISTORY_FIELDS_SHOWN)
        (void)snprintf(ret + used, cap - used, " +%zu", count - HISTORY_FIELDS_SHOWN);
}

/* "36.04.29 Siti": the office, and who signed there. */
static void author(const json_t *row, char *ret, size_t cap)
{
    const char *name = maybe_text_of(row, "operator_name");
    const char *number = maybe_text_of(row, "operator");
    const char *node = text_of(row, "node");
    if (name)
        (void)snprintf(ret, cap, "%s%s%s", node, *node ? " " : "", name);
    else if (number && strcmp(number, "0") != 0)
        (void)snprintf(ret, cap, "%s (%s)", node, number);
    else
        (void)snprintf(ret, cap, "%s", node);
    size_t index;
    json_t *other;
    json_array_foreach(json_object_get(row, "countersigned_by"), index, other) {
        size_t used = strlen(ret);
        (void)snprintf(ret + used, cap - used, " + %s",
                       json_is_string(other) ? json_string_value(other) : "?");
    }
}

/* An office also tells where each change is; what the hub shows is there. */
static void print_history(const json_t *history, const json_t *labels)
{
    bool office = json_object_get(json_array_get(history, 0), "own") != NULL;
    struct table table;
    size_t index, count = 0;
    json_t *row;
    const char *titles[7];
    titles[count++] = tr("when", "kapan");
    titles[count++] = tr("who", "siapa");
    titles[count++] = tr("what", "apa");
    titles[count++] = tr("fields", "isian");
    if (office)
        titles[count++] = tr("where", "sampai di mana");
    titles[count++] = tr("outcome", "hasil");
    titles[count++] = tr("why", "sebab");
    table_open(&table, count, titles);
    table.wraps = (int)count - 1;
    table.drops_empty = true;
    json_array_foreach(history, index, row) {
        char when[SAY_TIME_MAX], who[192], names[160];
        const char *cells[COUNT_OF(titles)];
        const char *why = maybe_text_of(row, "reason_text");
        const char *outcome = maybe_text_of(row, "disposition");
        if (maybe_text_of(row, "refusal"))
            why = text_of(row, "refusal");
        say_time(maybe_text_of(row, "claimed"), when);
        author(row, who, sizeof(who));
        field_names(json_object_get(row, "fields"), labels, names, sizeof(names));
        count = 0;
        cells[count++] = when;
        cells[count++] = who;
        cells[count++] = say_state(maybe_text_of(row, "op"));
        cells[count++] = names;
        if (office)
            cells[count++] =
                say_state_short(truth_of(row, "safe") ? "safe" : text_of(row, "state"));
        cells[count++] = outcome ? say_outcome(row, outcome) : "";
        cells[count++] = why ? why : text_of(row, "reason");
        table_add(&table, cells);
    }
    if (json_array_size(history) > 0) {
        (void)fputc('\n', stdout);
        table_print(&table, stdout, terminal_width(stdout));
    }
    table_close(&table);
}

/* How far it has come, and its receipt number. */
static void print_way(const json_t *done)
{
    char way[HOP_TEXT_MAX];
    hop_text(done, way);
    if (way[0])
        (void)puts(way);
    hop_receipt(done);
    (void)fputc('\n', stdout);
}

enum exit_code cmd_show(struct ctl *ctl)
{
    struct answer answer;
    json_t *args = ctl_memory(json_pack("{s:s}", "id", ctl->args.words[0]));
    enum exit_code code = audit_ask(ctl, args);
    if (code != EXIT_DONE) {
        json_decref(args);
        return code;
    }
    code = ctl_ask(ctl, "show", args, &answer);
    if (code != EXIT_DONE)
        return code;
    const json_t *done = answer.done;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, NULL);
    } else {
        const char *title = maybe_text_of(done, "title");
        text_print(stdout, title ? title : text_of(done, "collection"));
        (void)printf("%s%s: %s\n%s\n", maybe_text_of(done, "short") ? " " : "",
                     text_of(done, "short"), say_state(maybe_text_of(done, "state")),
                     text_of(done, "id"));
        print_way(done);
        print_fields(json_object_get(done, "fields"));
        print_hidden(json_object_get(done, "fields"));
        print_history(json_object_get(done, "history"), json_object_get(done, "fields"));
    }
    answer_close(&answer);
    return code;
}

/* --- what waits ----------------------------------------------------------------------------- */

/* A refused answer that needs no correction. */
static enum exit_code attention_done(struct ctl *ctl, const char *id)
{
    struct answer answer;
    bool draft = (id[0] == 'D' || id[0] == 'd') && id[1] == '-';
    if (draft)
        return ctl_problemf(ctl, ERR_USAGE, id, "%s",
                            tr("a draft is sent or discarded: `tkskctl draft discard`",
                               "draf dikirim atau dibuang: `tkskctl draf buang`"));
    enum exit_code code =
        ctl_ask(ctl, "dismiss", ctl_memory(json_pack("{s:s}", "id", id)), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)puts(tr("Done; it stays in the history.", "Selesai; tetap ada di riwayat."));
    answer_close(&answer);
    return code;
}

/* The label of a row's field, where the policy is here; else its name. */
static const char *row_field(const json_t *collections, const json_t *row)
{
    const char *collection = text_of(row, "collection");
    size_t index;
    json_t *one;
    json_array_foreach(collections, index, one) {
        if (strcmp(text_of(one, "name"), collection) == 0)
            return label_of(json_object_get(one, "fields"), text_of(row, "field"));
    }
    return text_of(row, "field");
}

enum exit_code cmd_attention(struct ctl *ctl)
{
    const char *titles[] = {
        tr("no", "no"),       tr("kind", "jenis"),  tr("what happened", "keadaan"),
        tr("since", "sejak"), tr("field", "isian"), tr("why", "sebab")
    };
    const char *done = args_option(&ctl->args, "--done");
    struct answer answer, collections;
    struct table table;
    size_t index;
    json_t *row;
    if (done)
        return attention_done(ctl, done);
    enum exit_code code = ctl_ask(ctl, "attention", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, NULL, answer.rows);
        answer_close(&answer);
        return code;
    }
    if (ctl_try(ctl, "collections", NULL, &collections) != EXIT_DONE)
        json_array_clear(collections.rows); /* then names serve */
    table_open(&table, COUNT_OF(titles), titles);
    table.wraps = (int)COUNT_OF(titles) - 1; /* a reason that is cut is none */
    table.whole[2] = true;
    table.drops_empty = true;
    json_array_foreach(answer.rows, index, row) {
        const char *why = maybe_text_of(row, "reason_text");
        const char *number = maybe_text_of(row, "draft");
        const char *kind = maybe_text_of(row, "kind");
        char what[160], since[SAY_TIME_MAX] = "", id[14];
        if (!number)
            number = maybe_text_of(row, "short");
        if (!why)
            why = maybe_text_of(row, "what");
        draft_text(row, what, sizeof(what));
        /* Numbers are known to those who unlocked; the beginning of an id serves as well. */
        (void)snprintf(id, sizeof(id), "%.13s", text_of(row, "id"));
        if (maybe_text_of(row, "since"))
            say_ago(text_of(row, "since"), since);
        table_add(&table, (const char *const[]){ number ? number : id, text_of(row, "collection"),
                                                 what[0] ? what : say_outcome(row, kind), since,
                                                 row_field(collections.rows, row),
                                                 why ? why : text_of(row, "reason") });
        table_paint(&table, 2, kind && strcmp(kind, "rejected") == 0 ? PAINT_BAD : PAINT_WAIT);
    }
    if (json_array_size(answer.rows) == 0)
        (void)puts(tr("Nothing waits for you.", "Tidak ada yang menunggu Anda."));
    else
        table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
    answer_close(&answer);
    answer_close(&collections);
    return EXIT_DONE;
}

/* "It will have gone in ± 12 minutes." */
static void print_forecast(const json_t *done)
{
    char span[SAY_TIME_MAX];
    if (!json_is_integer(json_object_get(done, "forecast_s")))
        return;
    say_span((uint64_t)number_of(done, "forecast_s"), span);
    (void)printf(
        truth_of(done, "linked")
            ? tr("It will have been sent in %s.\n", "Akan terkirim dalam %s lagi.\n")
            : tr("Once there is a link it takes %s.\n", "Setelah tersambung, terkirim dalam %s.\n"),
        span);
}

enum exit_code cmd_explain(struct ctl *ctl)
{
    struct answer answer;
    size_t index, width = terminal_width(stdout);
    json_t *step;
    enum exit_code code =
        ctl_ask(ctl, "explain", ctl_memory(json_pack("{s:s}", "id", ctl->args.words[0])), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
    } else {
        json_array_foreach(json_object_get(answer.done, "steps"), index, step)
            text_wrap(stdout, json_string_value(step) ? json_string_value(step) : "", 2, width);
        print_forecast(answer.done);
    }
    answer_close(&answer);
    return code;
}

/* --- conflicts ------------------------------------------------------------------------------ */

enum exit_code cmd_conflict_list(struct ctl *ctl)
{
    const char *titles[] = { tr("conflict", "konflik"), tr("no", "no"),
                             tr("field", "isian"),      "a",
                             tr("by", "oleh"),          "b",
                             tr("by", "oleh") };
    struct answer answer;
    struct table table;
    size_t index;
    json_t *row;
    enum exit_code code = ctl_ask(ctl, "conflict_list", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, NULL, answer.rows);
        answer_close(&answer);
        return code;
    }
    table_open(&table, COUNT_OF(titles), titles);
    json_array_foreach(answer.rows, index, row) {
        char conflict[14];
        const char *label = maybe_text_of(row, "label");
        if (!label)
            label = maybe_text_of(row, "field");
        (void)snprintf(conflict, sizeof(conflict), "%.13s", text_of(row, "conflict"));
        table_add(&table,
                  (const char *const[]){ conflict, text_of(row, "short"),
                                         label ? label : tr("the record itself", "catatannya"),
                                         text_of(row, "value_a"), text_of(row, "author_a"),
                                         text_of(row, "value_b"), text_of(row, "author_b") });
    }
    if (json_array_size(answer.rows) == 0)
        (void)puts(tr("No field has two values.", "Tidak ada isian berbeda."));
    else
        table_print(&table, stdout, terminal_width(stdout));
    if (json_array_size(answer.rows) > 0)
        text_wrap(
            stdout,
            tr("Decide with `tkskctl conflict resolve NO --choose a` (or b, or --value TEXT).",
               "Putuskan dengan `tkskctl conflict resolve NO --choose a` (atau b, atau --value "
               "ISI)."),
            2, terminal_width(stdout));
    table_close(&table);
    answer_close(&answer);
    return EXIT_DONE;
}

/* The whole id of the conflict that `word` begins, or of the only one of a record's short number.
 */
static enum exit_code find_conflict(struct ctl *ctl, const char *word, char *ret, size_t cap)
{
    struct answer answer;
    size_t index, count = 0;
    json_t *row;
    enum exit_code code = ctl_ask(ctl, "conflict_list", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    json_array_foreach(answer.rows, index, row) {
        const char *id = text_of(row, "conflict");
        if (strncmp(id, word, strlen(word)) != 0 && strcmp(text_of(row, "short"), word) != 0)
            continue;
        (void)snprintf(ret, cap, "%s", id);
        count++;
    }
    answer_close(&answer);
    if (count == 1)
        return EXIT_DONE;
    return ctl_problemf(ctl, count ? ERR_AMBIGUOUS : ERR_NOT_FOUND, word, "%s",
                        tr("`tkskctl conflict list` shows the conflicts",
                           "`tkskctl conflict list` menampilkan semuanya"));
}

enum exit_code cmd_conflict_resolve(struct ctl *ctl)
{
    const char *choose = args_option(&ctl->args, "--choose");
    const char *value = args_option(&ctl->args, "--value");
    char conflict[64], request[37];
    struct answer answer;
    bool by_choice = choose && (strcmp(choose, "a") == 0 || strcmp(choose, "b") == 0);
    if ((choose && !by_choice) || (by_choice ? value != NULL : value == NULL))
        return ctl_problemf(ctl, ERR_USAGE, "conflict resolve", "%s",
                            "--choose a | --choose b | --value TEXT");
    enum exit_code code = ctl_request_id(ctl, request);
    if (code == EXIT_DONE)
        code = find_conflict(ctl, ctl->args.words[0], conflict, sizeof(conflict));
    if (code != EXIT_DONE)
        return code;
    json_t *args = ctl_memory(json_pack("{s:s, s:s, s:s}", "conflict", conflict, "request", request,
                                        value ? "value" : "choose", value ? value : choose));
    code = ctl_ask(ctl, "resolve", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)puts(tr("Decided; both offices are told.", "Diputuskan; kedua kantor diberi tahu."));
    answer_close(&answer);
    return code;
}
