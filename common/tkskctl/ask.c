#include "common/tkskctl/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "common/files.h"

bool ask_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

enum exit_code ask_derived(struct ctl *ctl, const char *name, const char *keyfile,
                           struct keyfile *ret_file, struct secret_key **ret_derived)
{
    struct passphrase passphrase;
    char prompt[256];
    enum err err = keyfile_parse(bytes_text(keyfile), ret_file);
    if (err != OK)
        return ctl_problemf(ctl, err, name, "%s", "keyfile");
    (void)snprintf(prompt, sizeof(prompt), tr("Passphrase of %.150s", "Kata sandi %.150s"), name);
    enum exit_code code = ask_passphrase(ctl, prompt, false, &passphrase);
    if (code != EXIT_DONE)
        return code;
    err = keyfile_derive(ret_file, passphrase_bytes(&passphrase), ret_derived);
    passphrase_wipe(&passphrase);
    return err == OK ? EXIT_DONE : ctl_problemf(ctl, err, name, "%s", "");
}

bool ask_again(const struct ctl *ctl)
{
    return !ctl->args.passphrase_file;
}

void passphrase_wipe(struct passphrase *passphrase)
{
    crypto_wipe(passphrase, sizeof(*passphrase));
}

/* One line from `fd`. false: it ended before the first byte. */
static bool read_line(int fd, char *ret, size_t cap)
{
    size_t len = 0;
    bool any = false;
    for (;;) {
        char byte;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        any = true;
        if (byte == '\n')
            break;
        if (len + 1 < cap)
            ret[len++] = byte;
    }
    if (len > 0 && ret[len - 1] == '\r')
        len--;
    ret[len] = '\0';
    return any;
}

bool ask_line(const char *prompt, char *ret, size_t cap)
{
    (void)fputs(prompt, stderr);
    (void)fflush(stderr);
    bool any = read_line(STDIN_FILENO, ret, cap);
    if (!any && isatty(STDIN_FILENO))
        (void)fputc('\n', stderr);
    return any;
}

bool ask_yes(struct ctl *ctl, const char *question)
{
    char line[16];
    if (args_option(&ctl->args, "--yes"))
        return true;
    if (!ask_possible()) {
        (void)fprintf(stderr, "%s %s\n", question,
                      tr("Nothing was done: say --yes.", "Tidak dilakukan: pakai --yes."));
        return false;
    }
    (void)fputs(question, stderr);
    if (!ask_line(tr(" [y/N] ", " [y/T] "), line, sizeof(line)))
        return false;
    return line[0] == 'y' || line[0] == 'Y';
}

/* The terminal gets its echo back also when the person stops the program at the question. */
static int quiet_fd = -1;
static struct termios quiet_before;

static void restore_echo(int number)
{
    if (quiet_fd >= 0)
        (void)tcsetattr(quiet_fd, TCSAFLUSH, &quiet_before);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static enum err read_quietly(const char *prompt, char *ret, size_t cap)
{
    static const int stops[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || tcgetattr(fd, &quiet_before) != 0) {
        if (fd >= 0)
            (void)close(fd);
        return ERR_NOT_FOUND;
    }
    struct termios quiet = quiet_before;
    struct sigaction before[COUNT_OF(stops)];
    struct sigaction restore = { .sa_handler = restore_echo };
    quiet.c_lflag &= (tcflag_t) ~(tcflag_t)ECHO;
    quiet_fd = fd;
    for (size_t i = 0; i < COUNT_OF(stops); i++)
        (void)sigaction(stops[i], &restore, &before[i]);
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    (void)dprintf(fd, "%s: ", prompt);
    bool any = read_line(fd, ret, cap);
    (void)dprintf(fd, "\n");
    (void)tcsetattr(fd, TCSAFLUSH, &quiet_before);
    for (size_t i = 0; i < COUNT_OF(stops); i++)
        (void)sigaction(stops[i], &before[i], NULL);
    quiet_fd = -1;
    (void)close(fd);
    return any ? OK : ERR_IO;
}

/* The first line of FILE, or of standard input. Further calls in one run give the same line: where
 * a command wants two passphrases, one file serves both. */
static enum exit_code from_file(struct ctl *ctl, struct passphrase *ret)
{
    static struct passphrase kept;
    static bool read_before;
    const char *path = ctl->args.passphrase_file;
    if (!read_before && strcmp(path, "-") == 0) {
        if (!read_line(STDIN_FILENO, kept.at, sizeof(kept.at)))
            kept.at[0] = '\0';
    } else if (!read_before) {
        struct buf content;
        struct problem problem;
        enum err err = files_read(path, 64 * 1024, &content, &problem);
        if (err != OK)
            return ctl_problem(ctl, &problem);
        size_t len = strcspn((const char *)content.at, "\r\n");
        if (len >= sizeof(kept.at))
            len = sizeof(kept.at) - 1;
        (void)memcpy(kept.at, content.at, len);
        kept.at[len] = '\0';
        files_release(&content);
    }
    read_before = true;
    kept.len = strlen(kept.at);
    *ret = kept;
    return EXIT_DONE;
}

static size_t characters(const struct passphrase *passphrase)
{
    size_t count = 0;
    for (size_t i = 0; i < passphrase->len; i++)
        count += ((unsigned char)passphrase->at[i] & 0xc0) != 0x80 ? 1 : 0;
    return count;
}

/* A fresh one is typed twice. Whoever slips is asked again at once: what they would type next must
 * not land on a shell. */
static enum exit_code from_terminal(struct ctl *ctl, const char *prompt, bool fresh,
                                    struct passphrase *ret)
{
    struct passphrase again = { 0 };
    enum exit_code code = EXIT_DONE;
    bool differs = false;
    enum err err = read_quietly(prompt, ret->at, sizeof(ret->at));
    if (err == ERR_NOT_FOUND) {
        return ctl_problemf(ctl, ERR_USAGE, prompt, "%s",
                            tr("there is no terminal to ask at; give --passphrase-file FILE",
                               "tidak ada terminal untuk bertanya; pakai --passphrase-file FILE"));
    }
    if (err != OK)
        return EXIT_REFUSED;
    for (unsigned tries = 0; fresh && tries < 3; tries++) {
        if (tries > 0)
            (void)fprintf(stderr, "%s\n",
                          tr("The two were not the same; from the beginning.",
                             "Keduanya tidak sama; ulangi dari awal."));
        if ((tries > 0 && read_quietly(prompt, ret->at, sizeof(ret->at)) != OK) ||
            read_quietly(tr("The same once more", "Sekali lagi yang sama"), again.at,
                         sizeof(again.at)) != OK)
            code = EXIT_REFUSED;
        differs = strcmp(again.at, ret->at) != 0;
        passphrase_wipe(&again);
        if (!differs || code != EXIT_DONE)
            break;
    }
    if (code == EXIT_DONE && differs)
        code = ctl_problemf(ctl, ERR_USAGE, prompt, "%s",
                            tr("the two were not the same", "keduanya tidak sama"));
    ret->len = strlen(ret->at);
    return code;
}

enum exit_code ask_passphrase(struct ctl *ctl, const char *prompt, bool fresh,
                              struct passphrase *ret_passphrase)
{
    struct passphrase passphrase = { 0 };
    enum exit_code code = ctl->args.passphrase_file
                              ? from_file(ctl, &passphrase)
                              : from_terminal(ctl, prompt, fresh, &passphrase);
    if (code == EXIT_DONE && fresh && characters(&passphrase) < PASSPHRASE_CHARS_MIN) {
        code =
            ctl_problemf(ctl, ERR_USAGE, prompt,
                         tr("a passphrase has at least %d characters; three or four words are good",
                            "kata sandi paling sedikit %d huruf; tiga atau empat kata itu baik"),
                         PASSPHRASE_CHARS_MIN);
    }
    if (code == EXIT_DONE)
        *ret_passphrase = passphrase;
    passphrase_wipe(&passphrase);
    return code;
}
