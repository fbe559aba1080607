/* What the offices tell each other. */
#include <stdlib.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"

/* All words as one text. Caller frees. */
static char *message_of(const struct args *args)
{
    size_t cap = 1;
    for (size_t i = 0; i < args->count; i++)
        cap += strlen(args->words[i]) + 1;
    char *text = ctl_memory(calloc(cap, 1));
    for (size_t i = 0; i < args->count; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used, cap - used, "%s%s", i > 0 ? " " : "", args->words[i]);
    }
    return text;
}

static enum exit_code post(struct ctl *ctl)
{
    const char *to = args_option(&ctl->args, "--to");
    char request[37];
    struct answer answer;
    enum exit_code code = ctl_request_id(ctl, request);
    if (code != EXIT_DONE)
        return code;
    char *text = message_of(&ctl->args);
    json_t *args = ctl_memory(json_pack("{s:s, s:s}", "text", text, "request", request));
    free(text);
    if (to)
        json_object_set_new(args, "to", json_string(to));
    code = ctl_ask(ctl, "forum_post", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)printf("%s: %s\n", text_of(answer.done, "short"), say_state("queued"));
    answer_close(&answer);
    return code;
}

static void print_message(const json_t *row)
{
    const char *name = maybe_text_of(row, "operator_name");
    const char *to = maybe_text_of(row, "answers_short");
    const char *state = maybe_text_of(row, "state");
    char when[SAY_TIME_MAX];
    say_time(maybe_text_of(row, "claimed"), when);
    (void)printf("%s  %s", text_of(row, "short"), text_of(row, "node"));
    if (name) {
        (void)fputc(' ', stdout);
        text_print(stdout, name);
    }
    (void)printf(", %s", when);
    if (to)
        (void)printf(tr(", to %s", ", menjawab %s"), to);
    if (state && strcmp(state, "confirmed") != 0)
        (void)printf(" (%s)", say_state_short(state));
    (void)fputs("\n    ", stdout);
    text_wrap(stdout, text_of(row, "text"), 4, terminal_width(stdout));
}

enum exit_code cmd_forum(struct ctl *ctl)
{
    const char *max = args_option(&ctl->args, "--max");
    char *end = NULL;
    unsigned long count = max ? strtoul(max, &end, 10) : 20;
    struct answer answer;
    size_t index;
    json_t *row;
    if (ctl->args.count > 0)
        return post(ctl);
    if (args_option(&ctl->args, "--to"))
        return ctl_problemf(ctl, ERR_USAGE, "--to", "%s",
                            tr("goes with the text of an answer", "disertai isi jawabannya"));
    if (max && (*end != '\0' || count == 0 || count > 200 || max[0] == '-'))
        return ctl_problemf(ctl, ERR_USAGE, "--max", "%s", max);
    enum exit_code code = ctl_ask(
        ctl, "forum_list", ctl_memory(json_pack("{s:I}", "max", (json_int_t)count)), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        code = ctl_document(ctl, answer.done, answer.rows);
    } else if (json_array_size(answer.rows) == 0) {
        (void)puts(tr("No messages yet; write one with `tkskctl forum TEXT`.",
                      "Belum ada pesan; tulis dengan `tkskctl forum TEKS`."));
    } else {
        json_array_foreach(answer.rows, index, row)
            print_message(row);
    }
    answer_close(&answer);
    return code;
}
