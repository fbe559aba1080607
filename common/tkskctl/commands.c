#include "common/tkskctl/commands.h"

#include "common/must.h"
#include "common/tkskctl/say.h"
#include "common/tkskctl/table.h"

const struct command commands[] = {
#define COMMAND(name, alias, side, usage, help_en, help_id, handler)                               \
    { name, alias, side, usage, { help_en, help_id }, handler },
#include "common/commands.def"
#undef COMMAND
};
const size_t command_count = COUNT_OF(commands);

const struct global_option global_options[] = {
    { "--node", NULL, { "talk to tksk-node on this machine", "bicara dengan tksk-node di sini" } },
    { "--hub", NULL, { "talk to tksk-hub on this machine", "bicara dengan tksk-hub di sini" } },
    { "--socket",
      "PATH",
      { "talk to the daemon at this admin socket", "bicara dengan daemon di soket admin ini" } },
    { "--json", NULL, { "one JSON document instead of text", "satu dokumen JSON, bukan teks" } },
    { "--lang", "id|en", { "language of texts", "bahasa tulisan" } },
    { "--as",
      "NAME",
      { "which operator, where there are several", "petugas yang mana, bila ada beberapa" } },
    { "--passphrase-file",
      "FILE|-",
      { "read the passphrase there (-: a line of standard input)",
        "kata sandi dibaca dari sini (-: satu baris masukan baku)" } },
    { "--key",
      "FILE",
      { "officer's key file (default $XDG_CONFIG_HOME/tksk/officer.key)",
        "berkas kunci pejabat (baku $XDG_CONFIG_HOME/tksk/officer.key)" } },
    { "--version", NULL, { "version of this program", "versi program ini" } },
    { "--help", NULL, { "help, also after a command", "bantuan, juga setelah perintah" } },
};
const size_t global_option_count = COUNT_OF(global_options);

/* How many of `words` make up `name`; 0 when they do not. */
static size_t name_words(const char *name, const char *const *words, size_t count)
{
    size_t first_len = strcspn(name, " ");
    const char *second = name[first_len] == ' ' ? name + first_len + 1 : NULL;
    if (count < (second ? 2U : 1U) || strlen(words[0]) != first_len ||
        strncmp(words[0], name, first_len) != 0)
        return 0;
    if (second && strcmp(words[1], second) != 0)
        return 0;
    return second ? 2 : 1;
}

/* The longest name wins: "draf kirim" is not "draf" with an argument. */
const struct command *command_find(const char *const *words, size_t count, size_t *ret_used)
{
    const struct command *found = NULL;
    for (size_t i = 0; i < command_count && count > 0; i++) {
        size_t used = name_words(commands[i].name, words, count);
        size_t alias = commands[i].alias ? name_words(commands[i].alias, words, count) : 0;
        used = alias > used ? alias : used;
        if (used > 0 && (!found || used > *ret_used)) {
            *ret_used = used;
            found = &commands[i];
        }
    }
    return found;
}

/* --- what was probably meant ---------------------------------------------------------------- */

#define NEAR_CHARS_MAX 32

/* How many characters to change, add, leave out or swap with their neighbour. */
static size_t distance(const char *a, const char *b)
{
    size_t rows[3][NEAR_CHARS_MAX + 1];
    size_t a_len = strlen(a), b_len = strlen(b);
    if (a_len > NEAR_CHARS_MAX || b_len > NEAR_CHARS_MAX)
        return NEAR_CHARS_MAX;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < best)
                best = before[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                earlier[j - 2] + 1 < best)
                best = earlier[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *command_nearest(const char *const *words, size_t count)
{
    const char *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < 2 * command_count && count > 0; i++) {
        const char *name = i % 2 == 0 ? commands[i / 2].name : commands[i / 2].alias;
        char typed[2 * NEAR_CHARS_MAX];
        if (!name)
            continue;
        bool two = strchr(name, ' ') && count > 1;
        (void)snprintf(typed, sizeof(typed), "%s%s%s", words[0], two ? " " : "",
                       two ? words[1] : "");
        size_t steps = distance(typed, name);
        bool nearer = steps < least || (steps == least && two);
        if (nearer && 3 * steps <= strlen(name) + 1) {
            least = steps;
            nearest = name;
        }
    }
    return nearest;
}

/* The next run of characters without spaces; empty at the end. */
static struct bytes next_token(const char **at)
{
    *at += strspn(*at, " ");
    size_t len = strcspn(*at, " ");
    struct bytes token = bytes_of(*at, len);
    *at += len;
    return token;
}

bool usage_next(const char **at, struct usage_word *ret_word)
{
    struct usage_word word = { 0 };
    struct bytes token = next_token(at);
    if (token.len == 0)
        return false;
    if (token.at[0] == '[') {
        word.optional = true;
        token = bytes_of(token.at + 1, token.len - 1);
    }
    bool closed = token.len > 0 && token.at[token.len - 1] == ']';
    if (closed)
        token.len--;
    word.option = token.len > 0 && token.at[0] == '-';
    if (word.option && !(word.optional && closed)) {
        word.value = next_token(at);
        must(word.value.len > 0);
        if (word.optional) {
            must(word.value.at[word.value.len - 1] == ']');
            word.value.len--;
        }
    }
    if (token.len > 3 && memcmp(token.at + token.len - 3, "...", 3) == 0) {
        word.repeats = true;
        token.len -= 3;
    }
    word.name = token;
    *ret_word = word;
    return true;
}

static int help_index(void)
{
    return say_lang_now() == LANG_ID ? 1 : 0;
}

/* "  name     what it is", on a terminal in as many lines as it takes. */
static void print_pair(FILE *out, const char *name, int room, const char *text)
{
    char line[512];
    (void)snprintf(line, sizeof(line), "  %-*s%s%s", room, name,
                   strlen(name) < (size_t)room ? "" : " ", text);
    text_wrap(out, line, (size_t)room + 2, terminal_width(out));
}

static void print_side(FILE *out, enum side side, const char *title)
{
    (void)fprintf(out, "\n%s\n", title);
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        if (command->side != side)
            continue;
        char name[64];
        (void)snprintf(name, sizeof(name), "%s%s%s", command->name, command->alias ? ", " : "",
                       command->alias ? command->alias : "");
        print_pair(out, name, 22, command->help[help_index()]);
    }
}

static void print_options(FILE *out)
{
    (void)fprintf(out, "\n%s\n", tr("Options of every command:", "Pilihan semua perintah:"));
    for (size_t i = 0; i < global_option_count; i++) {
        const struct global_option *option = &global_options[i];
        char name[64];
        (void)snprintf(name, sizeof(name), "%s%s%s", option->name, option->value ? " " : "",
                       option->value ? option->value : "");
        print_pair(out, name, 27, option->help[help_index()]);
    }
}

void commands_first(FILE *out)
{
    static const struct {
        const char *name[2], *text[2];
    } lines[] = {
        { { "status", "status" },
          { "how things stand, and what to do next", "keadaan sekarang, dan langkah berikutnya" } },
        { { "unlock", "buka" }, { "begin: your passphrase", "mulai bekerja: kata sandi Anda" } },
        { { "put COLLECTION", "isi KUMPULAN" },
          { "enter a record; it asks field by field", "mengisi catatan; ditanya satu per satu" } },
        { { "import COLLECTION FILE", "impor KUMPULAN BERKAS" },
          { "enter the rows of a CSV file", "memasukkan baris berkas CSV" } },
        { { "list COLLECTION", "cari KUMPULAN" }, { "find records", "mencari catatan" } },
        { { "show ID", "lihat ID" },
          { "one record and what became of it", "satu catatan dan nasibnya" } },
        { { "attention", "perhatian" },
          { "answers and questions that wait for you", "jawaban dan pertanyaan untuk Anda" } },
        { { "help", "bantuan" },
          { "all commands; help COMMAND tells more",
            "semua perintah; bantuan PERINTAH menjelaskan" } },
    };
    int lang = help_index();
    (void)fprintf(
        out, "%s\n\n",
        tr("Usage: tkskctl COMMAND …, for example:", "Cara pakai: tkskctl PERINTAH …, misalnya:"));
    for (size_t i = 0; i < COUNT_OF(lines); i++)
        (void)fprintf(out, "  tkskctl %-23s %s\n", lines[i].name[lang], lines[i].text[lang]);
}

void commands_help(FILE *out)
{
    (void)fprintf(out, "%s\n",
                  tr("Usage: tkskctl [OPTION...] COMMAND [ARGUMENT...]",
                     "Cara pakai: tkskctl [PILIHAN...] PERINTAH [ISI...]"));
    print_side(out, SIDE_ANY, tr("At an office and at the hub:", "Di kantor dan di hub:"));
    print_side(out, SIDE_OFFICE,
               tr("At an office, and at the hub through its own office:",
                  "Di kantor, dan di hub melalui kantornya sendiri:"));
    print_side(out, SIDE_NODE, tr("At an office:", "Di kantor:"));
    print_side(out, SIDE_HUB, tr("At the hub:", "Di hub:"));
    print_side(out, SIDE_LOCAL, tr("Without a daemon:", "Tanpa daemon:"));
    print_options(out);
    (void)fputc('\n', out);
    text_wrap(out,
              tr("Exit codes: 0 done; 1 refused, not found or some rows rejected; 2 wrong use; "
                 "3 daemon not reachable; 4 locked.",
                 "Kode keluar: 0 selesai; 1 ditolak, tidak ditemukan atau sebagian baris "
                 "ditolak; 2 cara pakai salah; 3 daemon tak terjangkau; 4 terkunci."),
              2, terminal_width(out));
}

void command_help(const struct command *command, FILE *out)
{
    char line[512];
    size_t width = terminal_width(out);
    bool local = command->alias && say_lang_now() == LANG_ID;
    (void)snprintf(line, sizeof(line), "tkskctl %s%s%s", local ? command->alias : command->name,
                   command->usage[0] ? " " : "", command->usage);
    text_wrap(out, line, 8, width);
    (void)snprintf(line, sizeof(line), "  %s", command->help[help_index()]);
    text_wrap(out, line, 2, width);
    if (command->alias)
        (void)fprintf(out, "  %s: %s\n", tr("Also", "Juga"),
                      local ? command->name : command->alias);
    print_options(out);
}

/* Hyphens and backslashes as roff wants them. */
static void man_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '-' || *text == '\\')
            (void)fputc('\\', out);
        (void)fputc(*text == '\\' ? 'e' : *text, out);
    }
}

static void man_side(FILE *out, enum side side, const char *title)
{
    (void)fprintf(out, ".SS %s\n", title);
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        if (command->side != side)
            continue;
        (void)fputs(".TP\n.B ", out);
        man_text(out, command->name);
        if (command->usage[0]) {
            (void)fputs(" \\fR", out);
            man_text(out, command->usage);
        }
        (void)fputc('\n', out);
        man_text(out, command->help[0]);
        if (command->alias) {
            (void)fputs(" Also:\n.BR \"", out);
            man_text(out, command->alias);
            (void)fputs("\" .", out);
        }
        (void)fputc('\n', out);
    }
}

void commands_man(FILE *out)
{
    (void)fputs(".SH COMMANDS\n", out);
    man_side(out, SIDE_ANY, "At an office and at the hub");
    man_side(out, SIDE_OFFICE, "At an office, and at the hub through its own office");
    man_side(out, SIDE_NODE, "At an office");
    man_side(out, SIDE_HUB, "At the hub");
    man_side(out, SIDE_LOCAL, "Without a daemon");
    (void)fputs(".SH OPTIONS\n", out);
    for (size_t i = 0; i < global_option_count; i++) {
        const struct global_option *option = &global_options[i];
        (void)fputs(".TP\n.B ", out);
        man_text(out, option->name);
        if (option->value) {
            (void)fputs(" \\fI", out);
            man_text(out, option->value);
        }
        (void)fputc('\n', out);
        man_text(out, option->help[0]);
        (void)fputs("\n", out);
    }
}

static void completion_words(FILE *out, const struct command *command)
{
    const char *at = command->usage;
    struct usage_word word;
    while (usage_next(&at, &word)) {
        if (word.option)
            (void)fprintf(out, " %.*s", (int)word.name.len, (const char *)word.name.at);
    }
    if (command->run == cmd_completion)
        (void)fputs(" bash", out);
}

/* Second words of all commands whose first word is that of command `first`. */
static void completion_seconds(FILE *out, size_t first)
{
    size_t len = strcspn(commands[first].name, " ");
    for (size_t i = first; i < command_count; i++) {
        const char *name = commands[i].name;
        if (strncmp(name, commands[first].name, len + 1) == 0)
            (void)fprintf(out, " %s", name + len + 1);
    }
}

static bool first_of_its_word(size_t index)
{
    size_t len = strcspn(commands[index].name, " ");
    for (size_t i = 0; i < index; i++) {
        if (strncmp(commands[i].name, commands[index].name, len) == 0 &&
            (commands[i].name[len] == ' ' || commands[i].name[len] == '\0'))
            return false;
    }
    return true;
}

void commands_completion_bash(FILE *out)
{
    (void)fputs(
        "# bash completion for tkskctl; made by `tkskctl completion bash`\n"
        "_tkskctl()\n{\n"
        "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
        "    local first='' second='' words='' i\n"
        "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
        "        case ${COMP_WORDS[i]} in\n"
        "        --socket|--lang|--as|--passphrase-file|--key) ((i++)) ;;\n"
        "        -*) ;;\n"
        "        *) if [ -z \"$first\" ]; then first=${COMP_WORDS[i]}\n"
        "           elif [ -z \"$second\" ]; then second=${COMP_WORDS[i]}; fi ;;\n"
        "        esac\n"
        "    done\n"
        "    case $prev in\n"
        "    --lang) COMPREPLY=($(compgen -W 'id en' -- \"$cur\")); return ;;\n"
        "    --socket|--passphrase-file|--key|--root-key|-o)\n"
        "        COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
        "    --reason)\n"
        "        COMPREPLY=($(compgen -W 'succession ended leaked' -- \"$cur\")); return ;;\n"
        "    --lane) COMPREPLY=($(compgen -W 'urgent normal bulk' -- \"$cur\")); return ;;\n"
        "    esac\n"
        "    case $first in\n    '') words='",
        out);
    for (size_t i = 0; i < command_count; i++) {
        if (first_of_its_word(i))
            (void)fprintf(out, " %.*s", (int)strcspn(commands[i].name, " "), commands[i].name);
        if (commands[i].alias)
            (void)fprintf(out, " %s", commands[i].alias);
    }
    for (size_t i = 0; i < global_option_count; i++)
        (void)fprintf(out, " %s", global_options[i].name);
    (void)fputs("' ;;\n", out);
    for (size_t i = 0; i < command_count; i++) {
        const struct command *command = &commands[i];
        size_t len = strcspn(command->name, " ");
        if (command->name[len] == ' ' && first_of_its_word(i)) {
            (void)fprintf(out, "    %.*s) if [ -z \"$second\" ]; then words='", (int)len,
                          command->name);
            completion_seconds(out, i);
            (void)fputs("'; fi ;;\n", out);
        } else if (command->name[len] == '\0') {
            (void)fprintf(out, "    %s%s%s) words='", command->name, command->alias ? "|" : "",
                          command->alias ? command->alias : "");
            completion_words(out, command);
            (void)fputs("' ;;\n", out);
        }
    }
    (void)fputs("    esac\n    case \"$first $second\" in\n", out);
    for (size_t i = 0; i < command_count; i++) {
        if (!strchr(commands[i].name, ' '))
            continue;
        (void)fprintf(out, "    '%s') words='", commands[i].name);
        completion_words(out, &commands[i]);
        (void)fputs("' ;;\n", out);
    }
    (void)fputs("    esac\n"
                "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                "    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n"
                "}\n"
                "complete -F _tkskctl tkskctl\n",
                out);
}
