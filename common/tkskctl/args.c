#include "common/tkskctl/args.h"

#include "common/tkskctl/say.h"

struct parse {
    int argc, at;
    char *const *argv;
    struct args *args;
    struct problem *problem;
};

static enum err wrong(struct parse *parse, const char *thing, const char *detail)
{
    return problem_set(parse->problem, ERR_USAGE, thing, detail);
}

/* The value of option `word`, after its "=" or as the next word. */
static enum err take_value(struct parse *parse, const char *word, const char **ret_value)
{
    const char *equals = strchr(word, '=');
    if (word[0] == '-' && word[1] == '-' && equals) {
        *ret_value = equals + 1;
        return OK;
    }
    if (parse->at >= parse->argc)
        return wrong(parse, word, tr("a value must follow", "harus diikuti isinya"));
    *ret_value = parse->argv[parse->at++];
    return OK;
}

static bool names(const char *word, struct bytes name)
{
    size_t len = strncmp(word, "--", 2) == 0 ? strcspn(word, "=") : strlen(word);
    return bytes_equal(bytes_of(word, len), name);
}

/* Sets what a global option asks; *ret_known says whether `word` was one. */
static enum err global_option(struct parse *parse, const char *word, bool *ret_known)
{
    struct args *args = parse->args;
    const struct {
        const char *name;
        bool *flag;
        const char **value;
    } table[] = {
        { "--json", &args->json, NULL },
        { "--help", &args->help, NULL },
        { "-h", &args->help, NULL },
        { "--version", &args->version, NULL },
        { "--socket", NULL, &args->socket },
        { "--lang", NULL, &args->lang },
        { "--key", NULL, &args->key },
        { "--as", NULL, &args->as },
        { "--passphrase-file", NULL, &args->passphrase_file },
    };
    *ret_known = true;
    if (strcmp(word, "--node") == 0 || strcmp(word, "--hub") == 0) {
        enum side side = word[2] == 'n' ? SIDE_NODE : SIDE_HUB;
        if (args->side != SIDE_ANY && args->side != side)
            return wrong(
                parse, word,
                tr("not with the other daemon's option", "tidak bersama pilihan daemon yang lain"));
        args->side = side;
        return OK;
    }
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (!names(word, bytes_text(table[i].name)))
            continue;
        if (table[i].value)
            return take_value(parse, word, table[i].value);
        if (strchr(word, '='))
            return wrong(parse, word, tr("takes no value", "tidak memakai isi"));
        *table[i].flag = true;
        return OK;
    }
    *ret_known = false;
    return OK;
}

static enum err own_option(struct parse *parse, const char *word)
{
    struct args *args = parse->args;
    const char *at = args->command->usage;
    struct usage_word usage;
    while (usage_next(&at, &usage)) {
        if (!usage.option || !names(word, usage.name))
            continue;
        for (size_t i = 0; i < args->option_count; i++) {
            if (bytes_equal(args->options[i].name, usage.name))
                return wrong(parse, word, tr("given twice", "disebut dua kali"));
        }
        if (args->option_count == ARGS_OPTIONS_MAX)
            return wrong(parse, word, tr("too many options", "terlalu banyak pilihan"));
        const char *value = "";
        enum err err = OK;
        if (usage.value.len > 0)
            err = take_value(parse, word, &value);
        else if (strchr(word, '='))
            err = wrong(parse, word, tr("takes no value", "tidak memakai isi"));
        if (err == OK) {
            args->options[args->option_count].name = usage.name;
            args->options[args->option_count++].value = value;
        }
        return err;
    }
    return wrong(parse, word,
                 tr("no such option of this command", "perintah ini tidak punya pilihan itu"));
}

/* "node" alone: "node invite, node approve, …". Empty when no command begins with this word. */
static void second_words(const char *first, char *ret, size_t cap)
{
    size_t len = strlen(first);
    ret[0] = '\0';
    for (size_t i = 0; i < command_count; i++) {
        size_t used = strlen(ret);
        if (strncmp(commands[i].name, first, len) == 0 && commands[i].name[len] == ' ')
            (void)snprintf(ret + used, cap - used, "%s%s", used ? ", " : "", commands[i].name);
    }
}

/* The words that name the command come before any option of the command itself. */
static enum err find_command(struct parse *parse)
{
    const char *words[2] = { NULL };
    char choices[PROBLEM_DETAIL_MAX];
    size_t count = 0, used = 0;
    for (int i = parse->at; i < parse->argc && count < COUNT_OF(words); i++) {
        if (parse->argv[i][0] == '-')
            break;
        words[count++] = parse->argv[i];
    }
    parse->args->command = command_find(words, count, &used);
    if (!parse->args->command && count == 1) /* "draft" alone is "draft list" */
        parse->args->command = command_find((const char *const[]){ words[0], "list" }, 2, &used);
    if (!parse->args->command) {
        char typed[64];
        const char *nearest = command_nearest(words, count);
        second_words(words[0], choices, sizeof(choices));
        if (nearest && (count > 1 || !choices[0]))
            (void)snprintf(choices, sizeof(choices),
                           tr("no such command; nearest: %s", "perintah ini tidak ada; yang "
                                                              "mirip: %s"),
                           nearest);
        (void)snprintf(typed, sizeof(typed), "%s%s%s", words[0], count > 1 ? " " : "",
                       count > 1 ? words[1] : "");
        return wrong(parse, typed,
                     choices[0] ? choices : tr("no such command", "perintah ini tidak ada"));
    }
    parse->at += (int)(used < count ? used : count);
    return OK;
}

/* What is missing or too much, by the usage line. */
static enum err check_usage(struct parse *parse)
{
    const struct args *args = parse->args;
    size_t least = 0, most = 0;
    bool repeats = false;
    const char *at = args->command->usage;
    struct usage_word usage;
    while (usage_next(&at, &usage)) {
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", (int)usage.name.len,
                       (const char *)usage.name.at);
        if (usage.option && !usage.optional && !args_option(args, name))
            return wrong(parse, name, tr("must be given", "harus disebut"));
        if (usage.option)
            continue;
        most++;
        least += usage.optional ? 0 : 1;
        repeats = repeats || usage.repeats;
        if (!usage.optional && args->count < least)
            return wrong(parse, name, tr("must be given", "harus disebut"));
    }
    if (!repeats && args->count > most)
        return wrong(parse, args->words[most],
                     tr("one word too many; what belongs together stands in quotes",
                        "kelebihan kata; yang satu kesatuan diberi tanda kutip"));
    return OK;
}

enum err args_parse(int argc, char *const *argv, struct args *ret_args, struct problem *problem)
{
    struct parse parse = {
        .argc = argc, .at = 1, .argv = argv, .args = ret_args, .problem = problem
    };
    *ret_args = (struct args){ .side = SIDE_ANY };
    bool ended = false;
    while (parse.at < argc) {
        const char *word = argv[parse.at];
        bool is_option = !ended && word[0] == '-' && word[1] != '\0';
        enum err err = OK;
        if (is_option && strcmp(word, "--") == 0) {
            ended = true;
            parse.at++;
        } else if (is_option) {
            bool known;
            parse.at++;
            err = global_option(&parse, word, &known);
            if (err == OK && !known && !ret_args->command)
                err = wrong(&parse, word, tr("no such option", "pilihan ini tidak ada"));
            else if (err == OK && !known)
                err = own_option(&parse, word);
        } else if (!ret_args->command) {
            err = find_command(&parse);
        } else if (ret_args->count == ARGS_WORDS_MAX) {
            err = wrong(&parse, word, tr("too many words", "kata berlebih"));
        } else {
            ret_args->words[ret_args->count++] = word;
            parse.at++;
        }
        if (err != OK)
            return err;
    }
    if (ret_args->help || ret_args->version)
        return OK;
    ret_args->bare = !ret_args->command;
    if (ret_args->bare)
        return wrong(&parse, "tkskctl", tr("which command?", "perintah yang mana?"));
    return check_usage(&parse);
}

const char *args_option(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->option_count; i++) {
        if (bytes_is(args->options[i].name, name))
            return args->options[i].value;
    }
    return NULL;
}
