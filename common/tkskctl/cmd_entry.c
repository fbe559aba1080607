/* Entering: one record, one change, one transaction. */
#include <stdlib.h>
#include <unistd.h>

#include "common/admin.h"
#include "common/files.h"
#include "common/tkskctl/ask.h"
#include "common/tkskctl/attach.h"
#include "common/tkskctl/form.h"
#include "common/tkskctl/hop.h"
#include "common/tkskctl/table.h"
#include "proto/limits.h"

static void print_warnings(const json_t *done)
{
    size_t index;
    json_t *warning;
    json_array_foreach(json_object_get(done, "warnings"), index, warning) {
        (void)fputs(tr("Note: ", "Perhatikan: "), stdout);
        text_print(stdout,
                   json_is_string(warning) ? json_string_value(warning) : text_of(warning, "text"));
        (void)fputc('\n', stdout);
    }
}

/* It is a draft now: which, why, and how it goes on. */
static enum exit_code say_kept(struct ctl *ctl, const struct answer *answer)
{
    const json_t *done = answer->done;
    const char *rule = maybe_text_of(done, "rule");
    if (ctl->args.json)
        return ctl_document(ctl, answer->done, NULL);
    (void)printf(tr("%s: kept as a draft, not sent", "%s: disimpan sebagai draf, tidak dikirim"),
                 text_of(done, "draft"));
    (void)fputc('\n', stdout);
    if (rule) {
        text_print(stdout, text_of(done, "thing"));
        (void)fputs(": ", stdout);
        text_print(stdout, rule);
        (void)fputc('\n', stdout);
    }
    (void)printf(tr("Complete it with `tkskctl draft send %s`.\n",
                    "Lengkapi dengan `tkskctl draf kirim %s`.\n"),
                 text_of(done, "draft"));
    return EXIT_DONE;
}

/* What was stored, and where it is now. `known_id` serves where the daemon's answer names no id. */
static enum exit_code say_stored(struct ctl *ctl, const struct answer *answer, const char *known_id)
{
    const json_t *done = answer->done;
    if (maybe_text_of(done, "draft"))
        return say_kept(ctl, answer);
    if (ctl->args.json)
        return ctl_document(ctl, answer->done, NULL);
    const char *id = maybe_text_of(done, "id");
    const char *number = maybe_text_of(done, "short");
    if (!number)
        number = id ? id : known_id;
    text_print(stdout, number);
    (void)printf(": %s\n",
                 say_state(truth_of(done, "to_countersign") ? "to_countersign" : "queued"));
    if (id)
        (void)printf("id %s  ", id);
    (void)printf("leaf %.12s\n", text_of(done, "leaf"));
    hop_receipt(done);
    print_warnings(done);
    return EXIT_DONE;
}

/* Keeps as a draft what the person does not finish: with --draf at once, else if they say so. Takes
 * `args`. */
static enum exit_code offer_draft(struct ctl *ctl, const char *cmd, json_t *args)
{
    struct answer answer;
    char typed[16];
    bool keep = args_option(&ctl->args, "--draf") != NULL;
    if (!keep && ask_possible() && !ctl->args.json &&
        ask_line(tr("Keep it as a draft? [Y/n] ", "Simpan sebagai draf? [Y/t] "), typed,
                 sizeof(typed)))
        keep = typed[0] == '\0' || typed[0] == 'y' || typed[0] == 'Y';
    if (!keep) {
        (void)fprintf(stderr, "%s\n", tr("Nothing was stored.", "Tidak ada yang disimpan."));
        json_decref(args);
        return EXIT_REFUSED;
    }
    json_object_set_new(args, "draft", json_string("only"));
    enum exit_code code = ctl_ask(ctl, cmd, args, &answer);
    if (code != EXIT_DONE)
        return code;
    code = say_kept(ctl, &answer);
    answer_close(&answer);
    return code;
}

/* Sends; on a terminal a refused field may be entered again, and what is refused for good may be
 * kept as a draft. The request id stays the same: a refused request has stored nothing. */
static enum exit_code submit(struct ctl *ctl, const char *cmd, json_t *args,
                             const json_t *collection, const char *known_id)
{
    struct answer answer;
    enum exit_code code;
    json_t *fields = json_object_get(args, "fields");
    bool form = collection && ask_possible() && !ctl->args.json;
    if (!form && args_option(&ctl->args, "--draf"))
        json_object_set_new(args, "draft", json_true());
    for (;;) {
        answer = (struct answer){ .rows = NULL };
        code = collection ? attach_fields(ctl, collection, NULL, fields) : EXIT_DONE;
        if (code == EXIT_DONE)
            code = ctl_try(ctl, cmd, json_incref(args), &answer);
        if (code == EXIT_DONE || !answer.error)
            break;
        code = ctl_refused(ctl, &answer);
        bool again = form && form_ask_again(ctl, collection, answer.error, fields);
        if (!again)
            break;
        answer_close(&answer);
    }
    bool offer = form && code == EXIT_REFUSED;
    if (code == EXIT_DONE)
        code = say_stored(ctl, &answer, known_id);
    answer_close(&answer);
    if (offer)
        return offer_draft(ctl, cmd, args);
    json_decref(args);
    return code;
}

enum exit_code cmd_put(struct ctl *ctl)
{
    char request[37];
    json_t *fields = NULL, *collection = NULL;
    const char *name = ctl->args.words[0];
    const char *lane = args_option(&ctl->args, "--lane");
    enum exit_code code = ctl_request_id(ctl, request);
    if (code == EXIT_DONE && ctl->args.count > 1)
        code = fields_from_words(ctl, 1, &fields);
    else if (code == EXIT_DONE)
        code = ctl_fields(ctl, name, &collection);
    if (code == EXIT_DONE && fields && (code = attach_named(ctl, name, NULL, fields)) != EXIT_DONE)
        goto out;
    if (code == EXIT_DONE && collection) {
        name = text_of(collection, "name");
        code = form_ask(ctl, collection, NULL, &fields);
    }
    if (fields) {
        json_t *args = ctl_memory(
            json_pack("{s:s, s:o, s:s}", "collection", name, "fields", fields, "request", request));
        if (lane)
            json_object_set_new(args, "lane", json_string(lane));
        code = code == EXIT_DONE ? submit(ctl, "put", args, collection, "")
                                 : offer_draft(ctl, "put", args);
        fields = NULL;
    }
out:
    json_decref(fields);
    json_decref(collection);
    return code;
}

/* The record as it stands and its collection, for a form of changes. */
static enum exit_code read_current(struct ctl *ctl, const char *id, json_t **ret_record,
                                   json_t **ret_collection)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "show", ctl_memory(json_pack("{s:s}", "id", id)), &answer);
    if (code != EXIT_DONE)
        return code;
    code = ctl_fields(ctl, text_of(answer.done, "collection"), ret_collection);
    if (code == EXIT_DONE)
        *ret_record = json_incref(answer.done);
    answer_close(&answer);
    return code;
}

enum exit_code cmd_edit(struct ctl *ctl)
{
    char request[37];
    json_t *fields = NULL, *collection = NULL, *record = NULL;
    const char *id = ctl->args.words[0];
    enum exit_code code = ctl_request_id(ctl, request);
    if (code == EXIT_DONE && ctl->args.count > 1)
        code = fields_from_words(ctl, 1, &fields);
    else if (code == EXIT_DONE)
        code = read_current(ctl, id, &record, &collection);
    if (code == EXIT_DONE && fields && (code = attach_record(ctl, id, NULL, fields)) != EXIT_DONE)
        goto out;
    if (code == EXIT_DONE && record)
        code = form_ask(ctl, collection, json_object_get(record, "fields"), &fields);
    if (fields) {
        json_t *args =
            ctl_memory(json_pack("{s:s, s:o, s:s}", "id", record ? text_of(record, "id") : id,
                                 "fields", fields, "request", request));
        /* What the person saw is what is changed. */
        if (number_of(record, "rev") > 0)
            json_object_set_new(args, "expect_rev", json_integer(number_of(record, "rev")));
        code = code == EXIT_DONE ? submit(ctl, "edit", args, collection, id)
                                 : offer_draft(ctl, "edit", args);
        fields = NULL;
    }
out:
    json_decref(fields);
    json_decref(collection);
    json_decref(record);
    return code;
}

enum exit_code cmd_delete(struct ctl *ctl)
{
    char request[37], question[200];
    json_t *fields;
    const char *id = ctl->args.words[0];
    enum exit_code code = ctl_request_id(ctl, request);
    if (code != EXIT_DONE)
        return code;
    (void)snprintf(question, sizeof(question), tr("Delete %.100s?", "Hapus %.100s?"), id);
    if (!ask_yes(ctl, question))
        return EXIT_REFUSED;
    code = fields_from_words(ctl, 1, &fields);
    if (code != EXIT_DONE)
        return code;
    code = attach_record(ctl, id, NULL, fields);
    if (code != EXIT_DONE) {
        json_decref(fields);
        return code;
    }
    json_t *args = ctl_memory(json_pack("{s:s, s:s}", "id", id, "request", request));
    if (json_object_size(fields) > 0)
        json_object_set(args, "reason_fields", fields);
    json_decref(fields);
    return submit(ctl, "delete", args, NULL, id);
}

/* --- apply ---------------------------------------------------------------------------------- */

/* The file's changes: an array, or {"changes": […], "request": "…"}. */
static enum exit_code read_changes(struct ctl *ctl, const char *path, json_t **ret_changes,
                                   char request[37])
{
    struct buf content;
    struct problem problem;
    json_error_t where;
    enum err err = files_read(path, ADMIN_LINE_BYTES_MAX, &content, &problem);
    if (err != OK)
        return ctl_problem(ctl, &problem);
    json_t *document =
        json_loadb((const char *)content.at, content.len, JSON_REJECT_DUPLICATES, &where);
    files_release(&content);
    if (!document) {
        char thing[PROBLEM_THING_MAX];
        (void)snprintf(thing, sizeof(thing), tr("%.100s, line %d", "%.100s, baris %d"), path,
                       where.line);
        return ctl_problemf(ctl, ERR_MALFORMED, thing, "%s", where.text);
    }
    json_t *changes = json_is_array(document) ? document : json_object_get(document, "changes");
    const char *own_request = json_string_value(json_object_get(document, "request"));
    size_t count = json_array_size(changes);
    enum exit_code code = EXIT_DONE;
    if (count == 0 || count > CHANGES_PER_TRANSACTION_MAX)
        code = ctl_problemf(ctl, ERR_LIMIT, path, tr("1 to %d changes", "1 sampai %d perubahan"),
                            CHANGES_PER_TRANSACTION_MAX);
    if (code == EXIT_DONE && own_request && !args_option(&ctl->args, "--request"))
        (void)snprintf(request, 37, "%s", own_request);
    if (code == EXIT_DONE) {
        char *base = attach_base(path);
        code = attach_changes(ctl, base, changes);
        free(base);
    }
    if (code == EXIT_DONE)
        *ret_changes = json_incref(changes);
    json_decref(document);
    return code;
}

enum exit_code cmd_apply(struct ctl *ctl)
{
    char request[37];
    json_t *changes = NULL, *item;
    struct answer answer;
    size_t index;
    enum exit_code code = ctl_request_id(ctl, request);
    if (code == EXIT_DONE)
        code = read_changes(ctl, ctl->args.words[0], &changes, request);
    if (code != EXIT_DONE)
        return code;
    json_t *args = ctl_memory(json_pack("{s:o, s:s}", "changes", changes, "request", request));
    if (args_option(&ctl->args, "--draf"))
        json_object_set_new(args, "draft", json_true());
    code = ctl_ask(ctl, "apply", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (maybe_text_of(answer.done, "draft")) {
        code = say_kept(ctl, &answer);
    } else if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, NULL);
    } else {
        json_array_foreach(json_object_get(answer.done, "ids"), index, item) {
            text_print(stdout, text_of(item, "short"));
            (void)printf("  %s\n", text_of(item, "id"));
            hop_receipt(item);
        }
        (void)printf("leaf %.12s: %s\n", text_of(answer.done, "leaf"), say_state("queued"));
        print_warnings(answer.done);
    }
    answer_close(&answer);
    return code;
}
