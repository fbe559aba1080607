#include "common/tkskctl/form.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "common/tkskctl/ask.h"
#include "common/tkskctl/attach.h"
#include "common/tkskctl/table.h"
#include "proto/mask.h"

#define ANSWER_BYTES_MAX 8192
#define LINES_MAX 1024
#define CODES_SHOWN_MAX 20
#define STOP "." /* leaves what is left of the form as it is */

/* Is this field asked of a person? Signatures are given with a command of their own. */
static bool askable(const json_t *field)
{
    return !truth_of(field, "computed") && !json_is_false(json_object_get(field, "writable")) &&
           strcmp(text_of(field, "type"), "signature") != 0;
}

/* In what part of the form it is asked: what a new record must have, what it may have, what has a
 * value anyway, what belongs to a later step. */
enum part { PART_NEEDED, PART_OPTIONAL, PART_SETTLED, PART_LATER, PART_COUNT };

static enum part part_of(const json_t *field)
{
    bool settled = maybe_text_of(field, "default") != NULL;
    bool needed = truth_of(field, "required");
    if (truth_of(field, "later") && !needed)
        return PART_LATER;
    return settled ? PART_SETTLED : needed ? PART_NEEDED : PART_OPTIONAL;
}

/* A new record begins in its first state where there is but one. */
static bool decided(const json_t *field)
{
    const json_t *start = json_object_get(field, "start");
    const char *standing = maybe_text_of(field, "default");
    return json_is_array(start) && standing &&
           (json_array_size(start) == 0 ||
            (json_array_size(start) == 1 &&
             strcmp(json_string_value(json_array_get(start, 0)), standing) == 0));
}

/* What there is to choose from: codes, or areas by their names. */
static const json_t *choices_of(const json_t *field)
{
    const json_t *codes = json_object_get(field, "codes");
    return json_array_size(codes) > 0 ? codes : json_object_get(field, "areas");
}

static bool of_type(const json_t *field, const char *type)
{
    const char *element = maybe_text_of(field, "element");
    return strcmp(text_of(field, "type"), type) == 0 || (element && strcmp(element, type) == 0);
}

static void hint_words(const json_t *names, const char *after, const char *between)
{
    size_t index;
    json_t *name;
    json_array_foreach(names, index, name) {
        (void)fputs(index > 0 ? between : "", stderr);
        text_print(stderr, json_string_value(name));
        (void)fputs(after, stderr);
    }
}

/* How to write it, where that does not go without saying. */
static void show_hint(const json_t *field)
{
    bool list = strcmp(text_of(field, "type"), "list") == 0;
    const json_t *keys = json_object_get(field, "keys");
    const char *form = NULL;
    if (of_type(field, "date"))
        form = tr("a day, as 31/01/2026", "satu hari, seperti 31/01/2026");
    else if (of_type(field, "time"))
        form = tr("day and time, as 31/01/2026 19:30", "hari dan jam, seperti 31/01/2026 19.30");
    else if (of_type(field, "bool"))
        form = tr("yes or no", "ya atau tidak");
    if (form) {
        (void)fprintf(stderr, "  %s", form);
    } else if (of_type(field, "reference")) {
        (void)fputs(tr("  the number of a record: ", "  nomor catatan: "), stderr);
        hint_words(json_object_get(field, "targets"), "", tr(" or ", " atau "));
    } else if (json_array_size(keys) > 0) {
        (void)fputs("  ", stderr);
        hint_words(keys, "=…", list ? ";" : "|");
    } else if (list) {
        (void)fputs(" ", stderr);
    } else {
        return;
    }
    if (list)
        (void)fputs(tr(" (several: with | between)", " (bila beberapa: pisahkan dengan |)"),
                    stderr);
    (void)fputc('\n', stderr);
}

static void show_codes(const json_t *codes)
{
    size_t index;
    json_t *code;
    json_array_foreach(codes, index, code) {
        (void)fprintf(stderr, "  %2zu  ", index + 1);
        text_print(stderr, text_of(code, "code"));
        (void)fputs("  ", stderr);
        text_print(stderr, text_of(code, "label"));
        (void)fputc('\n', stderr);
    }
}

/* The code that `typed` means: itself, its label, or its number in the list. NULL: none. */
static const char *pick_code(const json_t *codes, const char *typed)
{
    size_t index;
    json_t *code;
    char *end;
    json_array_foreach(codes, index, code) {
        if (strcasecmp(text_of(code, "code"), typed) == 0 ||
            strcasecmp(text_of(code, "label"), typed) == 0)
            return json_string_value(json_object_get(code, "code"));
    }
    unsigned long number = strtoul(typed, &end, 10);
    if (typed[0] >= '0' && typed[0] <= '9' && *end == '\0' && number > 0)
        return json_string_value(json_object_get(json_array_get(codes, number - 1), "code"));
    return NULL;
}

/* What is typed becomes the value: picked codes, also of a list "a|b". false: it is none of the
 * codes. */
static bool pick_codes(const json_t *field, char *typed, size_t cap)
{
    const json_t *codes = choices_of(field);
    bool list = strcmp(text_of(field, "type"), "list") == 0;
    char picked[ANSWER_BYTES_MAX] = "";
    char *rest = typed;
    if (json_array_size(codes) == 0 || typed[0] == '\0')
        return true;
    while (rest) {
        char *part = list ? strsep(&rest, "|,") : strsep(&rest, "");
        part += strspn(part, " ");
        size_t len = strlen(part);
        while (len > 0 && part[len - 1] == ' ')
            part[--len] = '\0';
        const char *code = pick_code(codes, part);
        size_t used = strlen(picked);
        /* The areas are those of the writer; whether another may stand there, the office says. */
        if (!code && of_type(field, "area") && strchr(part, '.'))
            code = part;
        if (!code || used + strlen(code) + 2 > sizeof(picked))
            return false;
        (void)snprintf(picked + used, sizeof(picked) - used, "%s%s", used ? "|" : "", code);
    }
    (void)snprintf(typed, cap, "%s", picked);
    return true;
}

static void show_prompt(const json_t *field, const char *standing)
{
    const char *label = maybe_text_of(field, "label");
    text_print(stderr, label ? label : text_of(field, "name"));
    if (truth_of(field, "required"))
        (void)fputs(tr(" (required)", " (wajib)"), stderr);
    if (attach_field(field))
        (void)fputs(tr(" (@FILE)", " (@BERKAS)"), stderr);
    if (standing) {
        (void)fputs(" [", stderr);
        text_print(stderr, standing);
        (void)fputc(']', stderr);
    }
}

/* Files that are named can be read; else it is said why not. */
static bool files_fit(const json_t *field, const char *typed)
{
    struct problem problem;
    char rule[PROBLEM_DETAIL_MAX + 256];
    if (!attach_field(field) ||
        attach_readable(typed, strcmp(text_of(field, "type"), "list") == 0, &problem) == OK)
        return true;
    problem_rule(&problem, say_lang_now(), rule, sizeof(rule));
    text_print(stderr, problem.thing);
    (void)fprintf(stderr, ": %s; %s\n", rule, problem_remedy(&problem, say_lang_now()));
    return false;
}

/* One question, repeated until the answer fits. `standing` is what an empty answer leaves. false:
 * the input ended. */
static bool ask_field(const json_t *field, const char *standing, char *ret, size_t cap)
{
    const json_t *codes = choices_of(field);
    size_t code_count = json_array_size(codes);
    show_hint(field);
    bool one = maybe_text_of(field, "suggested") != NULL; /* it stands in the prompt */
    if (code_count > 0 && code_count <= CODES_SHOWN_MAX && !one)
        show_codes(codes);
    for (;;) {
        show_prompt(field, standing);
        if (!ask_line(code_count > CODES_SHOWN_MAX ? tr(" (? lists): ", " (? daftarnya): ") : ": ",
                      ret, cap))
            return false;
        char before[ANSWER_BYTES_MAX];
        (void)snprintf(before, sizeof(before), "%s", ret);
        if (strcmp(ret, "?") == 0) {
            show_codes(codes);
            continue;
        }
        bool nothing = ret[0] == '\0' || strcmp(ret, STOP) == 0;
        if (nothing && !standing && truth_of(field, "required")) {
            (void)fprintf(stderr, "%s\n", tr("This one is needed.", "Ini wajib diisi."));
            continue;
        }
        if (strcmp(ret, STOP) == 0)
            return true;
        if (!files_fit(field, ret))
            continue;
        if (strcmp(ret, "-") == 0 || pick_codes(field, ret, cap))
            return true;
        (void)fputs(tr("Not in the list: ", "Tidak ada di daftar: "), stderr);
        text_print(stderr, before);
        (void)fputc('\n', stderr);
    }
}

/* The standing value: of the record, else the policy's default. */
static const char *standing_of(const json_t *field, const json_t *current)
{
    if (!current)
        return maybe_text_of(field, maybe_text_of(field, "default") ? "default" : "suggested");
    const json_t *now = fields_find(current, text_of(field, "name"));
    const char *value = now ? maybe_text_of(now, "value") : NULL;
    return now && !value && truth_of(now, "masked") ? MASK_TEXT : value; /* few may see it */
}

static void print_entered(const json_t *known, json_t *fields)
{
    struct table table;
    const char *name;
    json_t *value;
    table_open(&table, 2, NULL);
    json_object_foreach(fields, name, value) {
        const json_t *field = fields_find(known, name);
        table_add(&table, (const char *const[]){ field ? text_of(field, "label") : name,
                                                 json_string_value(value) });
    }
    (void)fputc('\n', stderr);
    table_print(&table, stderr, terminal_width(stderr));
    table_close(&table);
}

enum answered { ANSWERED, ANSWERED_ALL, ANSWERED_NEVER }; /* go on, the rest stays, given up */

static enum answered ask_one(const json_t *field, const json_t *current, json_t *fields)
{
    char typed[ANSWER_BYTES_MAX];
    const char *name = text_of(field, "name");
    const char *standing = standing_of(field, current);
    if (!ask_field(field, standing, typed, sizeof(typed)))
        return ANSWERED_NEVER;
    bool stop = strcmp(typed, STOP) == 0, nothing = stop || typed[0] == '\0';
    if (nothing && !current && standing && maybe_text_of(field, "suggested"))
        (void)snprintf(typed, sizeof(typed), "%s", standing);
    else if (nothing)
        return stop ? ANSWERED_ALL : ANSWERED;
    else if (strcmp(typed, "-") == 0)
        typed[0] = '\0';
    if (typed[0] || current)
        json_object_set_new(fields, name, json_string(typed));
    return stop ? ANSWERED_ALL : ANSWERED;
}

/* Of a new record first what it must have; of one that there is, all in the order of the policy. */
static enum answered ask_part(const json_t *known, const json_t *current, enum part part,
                              json_t *fields)
{
    size_t index;
    json_t *field;
    enum answered answered = ANSWERED;
    json_array_foreach(known, index, field) {
        bool asked = askable(field) && (current || (part_of(field) == part && !decided(field)));
        if (asked && (answered = ask_one(field, current, fields)) != ANSWERED)
            break;
    }
    return answered;
}

static enum exit_code ask_terminal(const json_t *known, const json_t *current, json_t *fields)
{
    char typed[ANSWER_BYTES_MAX];
    enum answered answered = ANSWERED;
    (void)fprintf(
        stderr, "%s\n",
        current ? tr("Enter keeps a value, - empties it, . ends the form, Ctrl-D stops.",
                     "Enter membiarkan isinya, - mengosongkan, . selesai, Ctrl-D batal.")
                : tr("First what is needed. Ctrl-D stops.", "Yang wajib dahulu. Ctrl-D batal."));
    for (enum part part = PART_NEEDED; part < PART_COUNT && answered == ANSWERED; part++) {
        if (!current && part == PART_OPTIONAL)
            (void)fprintf(stderr, "%s\n",
                          tr("The rest may stay empty: Enter skips one, . skips all.",
                             "Selebihnya boleh kosong: Enter melewati satu, . melewati semua."));
        answered = ask_part(known, current, part, fields);
        if (current)
            break;
    }
    if (answered == ANSWERED_NEVER)
        return EXIT_REFUSED;
    if (json_object_size(fields) == 0)
        return EXIT_REFUSED;
    print_entered(known, fields);
    if (!ask_line(tr("Store it? [Y/n] ", "Simpan? [Y/t] "), typed, sizeof(typed)))
        return EXIT_REFUSED;
    bool yes = typed[0] == '\0' || typed[0] == 'y' || typed[0] == 'Y';
    return yes ? EXIT_DONE : EXIT_REFUSED;
}

/* FIELD=VALUE with a name of this collection? Cuts the line there and gives the field. */
static const json_t *assignment(const json_t *known, char *line, const char **ret_value)
{
    char *equals = strchr(line, '=');
    const json_t *field = NULL;
    if (equals) {
        *equals = '\0';
        field = fields_find(known, line);
        if (field)
            *ret_value = equals + 1;
        else
            *equals = '=';
    }
    return field;
}

static enum exit_code set_value(struct ctl *ctl, const json_t *field, const char *value,
                                json_t *fields)
{
    json_t *text = json_string(value);
    if (!text)
        return ctl_problemf(ctl, ERR_TEXT, text_of(field, "name"), "UTF-8");
    json_object_set_new(fields, text_of(field, "name"), text);
    return EXIT_DONE;
}

static const json_t *next_askable(const json_t *known, size_t *at)
{
    while (*at < json_array_size(known)) {
        const json_t *field = json_array_get(known, (*at)++);
        if (askable(field))
            return field;
    }
    return NULL;
}

static enum exit_code read_lines(struct ctl *ctl, const json_t *known, json_t *fields)
{
    char line[ANSWER_BYTES_MAX];
    size_t at = 0, count = 0;
    bool by_name = false;
    enum exit_code code = EXIT_DONE;
    while (code == EXIT_DONE && count++ < LINES_MAX && ask_line("", line, sizeof(line))) {
        const char *value = line;
        const json_t *field = at == 0 || by_name ? assignment(known, line, &value) : NULL;
        by_name = by_name || field;
        bool comment = line[0] == '#' && (by_name || at == 0);
        if (!field && (comment || (by_name && line[0] == '\0')))
            continue;
        if (by_name && !field)
            return ctl_problemf(ctl, ERR_FIELD, line, "%s",
                                tr("write FIELD=VALUE", "tulis ISIAN=NILAI"));
        if (!field)
            field = next_askable(known, &at);
        if (!field && line[0] == '\0')
            continue;
        if (!field)
            return ctl_problemf(
                ctl, ERR_USAGE, line, "%s",
                tr("more lines than the form has fields", "baris lebih banyak daripada isian"));
        char typed[ANSWER_BYTES_MAX];
        (void)snprintf(typed, sizeof(typed), "%s", line);
        if (value == line && !pick_codes(field, line, sizeof(line))) {
            if (!args_option(&ctl->args, "--draf"))
                return ctl_problemf(ctl, ERR_CODE, text_of(field, "name"), "?");
            (void)snprintf(line, sizeof(line), "%s", typed); /* kept as it was typed */
        }
        if (value[0] || by_name)
            code = set_value(ctl, field, value, fields);
    }
    if (code == EXIT_DONE && json_object_size(fields) == 0)
        code = ctl_problemf(ctl, ERR_USAGE, ctl->args.command->name, "%s",
                            tr("no values were given", "tidak ada isian"));
    return code;
}

enum exit_code form_ask(struct ctl *ctl, const json_t *collection, const json_t *current,
                        json_t **ret_fields)
{
    const json_t *known = json_object_get(collection, "fields");
    json_t *fields = ctl_memory(json_object());
    enum exit_code code = isatty(STDIN_FILENO) ? ask_terminal(known, current, fields)
                                               : read_lines(ctl, known, fields);
    bool stopped = code == EXIT_REFUSED && isatty(STDIN_FILENO) && json_object_size(fields) > 0;
    if (code == EXIT_DONE || stopped)
        *ret_fields = fields;
    else
        json_decref(fields);
    return code;
}

bool form_ask_again(struct ctl *ctl, const json_t *collection, const json_t *error, json_t *fields)
{
    char typed[ANSWER_BYTES_MAX];
    const char *name = maybe_text_of(error, "field");
    const json_t *field = name ? fields_find(json_object_get(collection, "fields"), name) : NULL;
    if (!field || !askable(field) || !ask_possible() || ctl->args.json)
        return false;
    const json_t *was = json_object_get(fields, text_of(field, "name"));
    const char *standing = json_string_value(was);
    if (standing && standing[0])
        (void)fprintf(stderr, "%s\n",
                      tr("Type it again; - empties it, Enter stops.",
                         "Ketik lagi; - mengosongkan, Enter berhenti."));
    if (!ask_field(field, standing && standing[0] ? standing : NULL, typed, sizeof(typed)))
        return false;
    if (typed[0] == '\0' || strcmp(typed, STOP) == 0)
        return false; /* the same again would be refused again */
    json_object_set_new(fields, text_of(field, "name"),
                        json_string(strcmp(typed, "-") == 0 ? "" : typed));
    return true;
}

/* --- what a draft lacks ---------------------------------------------------------------------- */

/* The field that a problem is about, and the text that stands in the draft. NULL: none to ask. */
static const json_t *problem_field(struct ctl *ctl, const json_t *draft, const json_t *problem,
                                   json_t **collection, const char **ret_standing)
{
    const char *name = maybe_text_of(problem, "field");
    size_t at = (size_t)number_of(problem, "change");
    const json_t *change = json_array_get(json_object_get(draft, "changes"), at > 0 ? at - 1 : 0);
    const char *wanted = maybe_text_of(change, "collection");
    if (!name || !wanted)
        return NULL;
    if (!*collection || strcmp(text_of(*collection, "name"), wanted) != 0) {
        json_decref(*collection);
        *collection = NULL;
        if (ctl_fields(ctl, wanted, collection) != EXIT_DONE)
            return NULL;
    }
    const json_t *field = fields_find(json_object_get(*collection, "fields"), name);
    const json_t *typed = fields_find(json_object_get(change, "fields"), name);
    *ret_standing = typed ? maybe_text_of(typed, "value") : NULL;
    return field && askable(field) ? field : NULL;
}

bool form_ask_problems(struct ctl *ctl, const json_t *draft, const json_t *problems, json_t *fields)
{
    char typed[ANSWER_BYTES_MAX];
    json_t *collection = NULL, *problem;
    size_t index;
    bool any = false;
    if (!ask_possible() || ctl->args.json)
        return false;
    json_array_foreach(problems, index, problem) {
        const char *standing = NULL;
        const json_t *field = problem_field(ctl, draft, problem, &collection, &standing);
        if (!field)
            continue;
        text_print(stderr, text_of(problem, "rule"));
        (void)fputc('\n', stderr);
        if (!ask_field(field, standing, typed, sizeof(typed))) {
            any = false;
            break;
        }
        if (typed[0] == '\0' || strcmp(typed, STOP) == 0)
            continue;
        char key[128];
        (void)snprintf(key, sizeof(key), "%s.%.100s", text_of(problem, "change"),
                       text_of(field, "name"));
        json_object_set_new(fields, key, json_string(strcmp(typed, "-") == 0 ? "" : typed));
        any = true;
    }
    json_decref(collection);
    return any;
}
