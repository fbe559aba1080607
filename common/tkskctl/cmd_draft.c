/* Drafts: what was refused or is incomplete, until it becomes a record. */
#include <stdlib.h>

#include "common/tkskctl/ask.h"
#include "common/tkskctl/attach.h"
#include "common/tkskctl/draft.h"
#include "common/tkskctl/form.h"
#include "common/tkskctl/table.h"

/* What a person calls the draft's origin. */
static const char *origin_text(const json_t *draft)
{
    const char *origin = text_of(draft, "origin");
    if (strcmp(text_of(draft, "reason"), "countersign_refused") == 0)
        return tr("draft, not countersigned", "draf, tidak ditandatangani");
    if (maybe_text_of(draft, "refused_by"))
        return tr("draft, not countersigned", "draf, tidak ditandatangani");
    if (strcmp(origin, "rejected") == 0)
        return tr("draft, refused by the district office", "draf, ditolak Dinas");
    if (strcmp(origin, "asked") == 0)
        return tr("draft, the district office decides again", "draf, Dinas memeriksa lagi");
    if (strcmp(origin, "taken") == 0)
        return tr("draft, the original was accepted", "draf, aslinya sudah diterima");
    return tr("draft, not sent", "draf, belum dikirim");
}

void draft_text(const json_t *row, char *ret, size_t cap)
{
    const char *name;
    json_t *value;
    size_t count = 0;
    ret[0] = '\0';
    if (!maybe_text_of(row, "draft"))
        return;
    (void)snprintf(ret, cap, "%s", origin_text(row));
    json_object_foreach(json_object_get(row, "summary"), name, value) {
        size_t used = strlen(ret);
        const char *text = json_string_value(value);
        if (text && text[0])
            (void)snprintf(ret + used, cap - used, "%s%s", count++ > 0 ? ", " : ": ", text);
    }
    size_t used = strlen(ret);
    if (number_of(row, "changes") > 1)
        (void)snprintf(ret + used, cap - used, tr(" and %lld more", " dan %lld lagi"),
                       (long long)number_of(row, "changes") - 1);
}

/* --- list and show --------------------------------------------------------------------------- */

enum exit_code cmd_draft_list(struct ctl *ctl)
{
    const char *titles[] = { tr("no", "no"),    tr("kind", "jenis"),  tr("what", "apa"),
                             tr("by", "oleh"),  tr("since", "sejak"), tr("field", "isian"),
                             tr("why", "sebab") };
    struct answer answer;
    struct table table;
    size_t index;
    json_t *row;
    enum exit_code code = ctl_ask(ctl, "draft_list", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, NULL, answer.rows);
        answer_close(&answer);
        return code;
    }
    table_open(&table, COUNT_OF(titles), titles);
    table.wraps = (int)COUNT_OF(titles) - 1; /* a reason that is cut is none */
    json_array_foreach(answer.rows, index, row) {
        char what[160], since[SAY_TIME_MAX];
        const char *why = maybe_text_of(row, "reason_text");
        const char *label = maybe_text_of(row, "label");
        draft_text(row, what, sizeof(what));
        say_ago(maybe_text_of(row, "since"), since);
        table_add(&table,
                  (const char *const[]){ text_of(row, "draft"), text_of(row, "collection"), what,
                                         text_of(row, "by"), since,
                                         label ? label : text_of(row, "field"), why ? why : "" });
    }
    if (json_array_size(answer.rows) == 0)
        (void)puts(tr("There are no drafts.", "Tidak ada draf."));
    else
        table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
    answer_close(&answer);
    return EXIT_DONE;
}

static const char *op_text(const char *op)
{
    if (strcmp(op, "create") == 0)
        return tr("a new record", "catatan baru");
    return strcmp(op, "delete") == 0 ? tr("to be deleted", "dihapus") : tr("changes", "perubahan");
}

static void print_change(const json_t *change, bool several)
{
    const json_t *fields = json_object_get(change, "fields");
    const char *title = maybe_text_of(change, "title");
    const char *number = maybe_text_of(change, "short");
    struct table table;
    size_t index;
    json_t *field;
    (void)fputc('\n', stdout);
    if (several)
        (void)printf("%s. ", text_of(change, "change"));
    text_print(stdout, title ? title : text_of(change, "collection"));
    (void)printf("%s%s: %s\n", number ? " " : "", number ? number : "",
                 op_text(text_of(change, "op")));
    table_open(&table, 2, NULL);
    json_array_foreach(fields, index, field)
        table_add(&table,
                  (const char *const[]){ text_of(field, "label"), text_of(field, "value") });
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

static const char *problem_label(const json_t *problem)
{
    const char *label = maybe_text_of(problem, "label");
    if (!label)
        label = maybe_text_of(problem, "field");
    return label ? label : text_of(problem, "thing");
}

/* What is empty and must not be, in one line; then every field that is wrong, with what to do. */
static void print_problems(FILE *out, const json_t *problems, bool several)
{
    char line[PROBLEM_DETAIL_MAX + 1024] = "";
    size_t index, width = terminal_width(out);
    json_t *problem;
    json_array_foreach(problems, index, problem) {
        size_t used = strlen(line);
        if (strcmp(text_of(problem, "code"), "required") == 0 && used < sizeof(line) - 1)
            (void)snprintf(line + used, sizeof(line) - used, "%s%s%s%s",
                           used > 0 ? ", " : tr("- Still empty: ", "- Masih kosong: "),
                           several ? text_of(problem, "change") : "", several ? "." : "",
                           problem_label(problem));
    }
    if (line[0])
        text_wrap(out, line, 2, width);
    json_array_foreach(problems, index, problem) {
        if (strcmp(text_of(problem, "code"), "required") == 0)
            continue;
        (void)snprintf(line, sizeof(line), "- %s%s%s: %s; %s",
                       several ? text_of(problem, "change") : "", several ? "." : "",
                       problem_label(problem), text_of(problem, "rule"),
                       text_of(problem, "remedy"));
        text_wrap(out, line, 2, width);
    }
}

static void print_draft(const json_t *done)
{
    const json_t *changes = json_object_get(done, "changes");
    const json_t *problems = json_object_get(done, "problems");
    bool several = json_array_size(changes) > 1;
    const char *why = maybe_text_of(done, "reason_text");
    const char *by = maybe_text_of(done, "by");
    char since[SAY_TIME_MAX];
    size_t index;
    json_t *change;
    say_time(maybe_text_of(done, "since"), since);
    (void)printf("%s: %s\n%s%s%s\n", text_of(done, "draft"), origin_text(done), since,
                 by ? ", " : "", by ? by : "");
    /* What a person kept is refused for what stands below. */
    if (why && strcmp(text_of(done, "origin"), "kept") != 0)
        text_wrap(stdout, why, 2, terminal_width(stdout));
    json_array_foreach(changes, index, change)
        print_change(change, several);
    (void)fputc('\n', stdout);
    if (json_array_size(problems) > 0)
        print_problems(stdout, problems, several);
    else
        (void)printf(tr("Complete: `tkskctl draft send %s` enters it.\n",
                        "Lengkap: `tkskctl draf kirim %s` memasukkannya.\n"),
                     text_of(done, "draft"));
}

static enum exit_code ask_show(struct ctl *ctl, const char *draft, struct answer *ret_answer)
{
    return ctl_ask(ctl, "draft_show", ctl_memory(json_pack("{s:s}", "draft", draft)), ret_answer);
}

enum exit_code cmd_draft_show(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ask_show(ctl, ctl->args.words[0], &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        print_draft(answer.done);
    answer_close(&answer);
    return code;
}

/* --- edit and send --------------------------------------------------------------------------- */

/* FIELD=VALUE words, and the field to take out. */
static enum exit_code given_fields(struct ctl *ctl, json_t **ret_fields)
{
    const char *drop = args_option(&ctl->args, "--drop");
    json_t *fields = NULL;
    enum exit_code code = fields_from_words(ctl, 1, &fields);
    if (code == EXIT_DONE)
        code = attach_draft(ctl, ctl->args.words[0], fields);
    if (code == EXIT_DONE && drop)
        json_object_set_new(fields, drop, json_null());
    if (code == EXIT_DONE)
        *ret_fields = fields;
    else
        json_decref(fields);
    return code;
}

enum exit_code cmd_draft_edit(struct ctl *ctl)
{
    const char *draft = ctl->args.words[0];
    struct answer answer;
    json_t *fields = NULL;
    enum exit_code code = given_fields(ctl, &fields);
    if (code != EXIT_DONE)
        return code;
    if (json_object_size(fields) == 0) {
        code = ask_show(ctl, draft, &answer);
        if (code == EXIT_DONE) {
            bool any = form_ask_problems(ctl, answer.done, json_object_get(answer.done, "problems"),
                                         fields);
            answer_close(&answer);
            if (!any)
                code = ctl_problemf(ctl, ERR_USAGE, draft, "%s",
                                    tr("no values were given", "tidak ada isian"));
        }
    }
    if (code != EXIT_DONE) {
        json_decref(fields);
        return code;
    }
    code = ctl_ask(ctl, "draft_edit",
                   ctl_memory(json_pack("{s:s, s:o}", "draft", draft, "fields", fields)), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        print_draft(answer.done);
    answer_close(&answer);
    return code;
}

static void print_sent(const json_t *done)
{
    const json_t *ids = json_object_get(done, "ids");
    size_t index;
    json_t *item, *warning;
    if (maybe_text_of(done, "id")) {
        const char *number = maybe_text_of(done, "short");
        text_print(stdout, number ? number : text_of(done, "id"));
        (void)printf(": %s\nid %s  ", say_state("queued"), text_of(done, "id"));
    }
    json_array_foreach(ids, index, item) {
        text_print(stdout, text_of(item, "short"));
        (void)printf("  %s\n", text_of(item, "id"));
    }
    (void)printf("leaf %.12s%s%s\n", text_of(done, "leaf"), ids ? ": " : "",
                 ids ? say_state("queued") : "");
    json_array_foreach(json_object_get(done, "warnings"), index, warning) {
        (void)fputs(tr("Note: ", "Perhatikan: "), stdout);
        text_print(stdout, json_string_value(warning) ? json_string_value(warning) : "");
        (void)fputc('\n', stdout);
    }
}

/* All that is missing; that the draft is still there, and with it what was typed. */
static void print_refused(const json_t *error)
{
    const json_t *problems = json_object_get(error, "problems");
    if (json_array_size(problems) > 1) {
        (void)fprintf(stderr, "%s\n",
                      tr("All that is missing or wrong:", "Semua yang kurang atau salah:"));
        print_problems(stderr, problems, number_of(error, "changes") > 1);
    }
    if (maybe_text_of(error, "draft"))
        (void)fprintf(
            stderr,
            json_is_false(json_object_get(error, "kept"))
                ? tr("%s stays as it was.\n", "%s tetap seperti semula.\n")
                : tr("%s stays, with these values.\n", "%s tetap ada, dengan isian ini.\n"),
            text_of(error, "draft"));
}

/* What the draft lacks is asked for first. EXIT_REFUSED: the person stopped. */
static enum exit_code ask_first(struct ctl *ctl, const char *draft, json_t *fields)
{
    struct answer answer;
    enum exit_code code = ask_show(ctl, draft, &answer);
    if (code != EXIT_DONE)
        return code;
    const json_t *problems = json_object_get(answer.done, "problems");
    bool any = form_ask_problems(ctl, answer.done, problems, fields);
    if (!any && json_array_size(problems) > 0)
        code = EXIT_REFUSED;
    if (code == EXIT_REFUSED)
        print_draft(answer.done);
    answer_close(&answer);
    return code;
}

/* After a refusal: the same again for what is still wrong. */
static bool ask_more(struct ctl *ctl, const char *draft, const json_t *error, json_t *fields)
{
    struct answer answer;
    json_t *more = ctl_memory(json_object());
    const json_t *problems = json_object_get(error, "problems");
    bool any = false;
    if (json_array_size(problems) > 0 && ask_possible() && !ctl->args.json &&
        ask_show(ctl, draft, &answer) == EXIT_DONE) {
        any = form_ask_problems(ctl, answer.done, problems, more);
        answer_close(&answer);
    }
    if (any)
        json_object_update(fields, more);
    json_decref(more);
    return any;
}

enum exit_code cmd_draft_send(struct ctl *ctl)
{
    const char *draft = ctl->args.words[0];
    const char *lane = args_option(&ctl->args, "--lane");
    char request[37];
    struct answer answer = { .rows = NULL };
    json_t *fields = NULL;
    enum exit_code code = ctl_request_id(ctl, request);
    if (code == EXIT_DONE)
        code = given_fields(ctl, &fields);
    if (code == EXIT_DONE && json_object_size(fields) == 0 && ask_possible() && !ctl->args.json)
        code = ask_first(ctl, draft, fields);
    if (code != EXIT_DONE) {
        json_decref(fields);
        return code;
    }
    json_t *args = ctl_memory(
        json_pack("{s:s, s:o, s:s}", "draft", draft, "fields", fields, "request", request));
    if (lane)
        json_object_set_new(args, "lane", json_string(lane));
    for (;;) {
        answer = (struct answer){ .rows = NULL };
        code = attach_draft(ctl, draft, fields);
        if (code == EXIT_DONE)
            code = ctl_try(ctl, "draft_send", json_incref(args), &answer);
        if (code == EXIT_DONE || !answer.error)
            break;
        code = ctl_refused(ctl, &answer);
        if (!ctl->args.json)
            print_refused(answer.error);
        if (!ask_more(ctl, draft, answer.error, fields))
            break;
        answer_close(&answer);
    }
    if (code == EXIT_DONE && ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else if (code == EXIT_DONE)
        print_sent(answer.done);
    answer_close(&answer);
    json_decref(args);
    return code;
}

enum exit_code cmd_draft_discard(struct ctl *ctl)
{
    char question[200];
    struct answer answer;
    const char *draft = ctl->args.words[0];
    (void)snprintf(
        question, sizeof(question),
        tr("Throw away %.60s? What was typed is gone then.", "Buang %.60s? Isinya akan hilang."),
        draft);
    if (!ask_yes(ctl, question))
        return EXIT_REFUSED;
    enum exit_code code =
        ctl_ask(ctl, "draft_discard", ctl_memory(json_pack("{s:s}", "draft", draft)), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)printf(tr("%s is gone.\n", "%s sudah dibuang.\n"), text_of(answer.done, "draft"));
    answer_close(&answer);
    return code;
}
