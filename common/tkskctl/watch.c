#include "common/tkskctl/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/tkskctl/ctl.h"
#include "common/tkskctl/table.h"

/* The alternate screen without cursor and without automatic new lines; and back. */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[2J"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static struct termios before;
static volatile sig_atomic_t on_screen, has_before;

/* All of these may be called from a signal handler. */
static void send_text(const char *text, size_t len)
{
    while (len > 0) {
        ssize_t wrote = write(STDOUT_FILENO, text, len);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return;
        text += wrote;
        len -= (size_t)wrote;
    }
}

static void screen_leave(void)
{
    if (!on_screen)
        return;
    on_screen = 0;
    send_text(LEAVE, sizeof(LEAVE) - 1);
    if (has_before)
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

/* Keys that are pressed while nobody reads them would spoil the picture. */
static void screen_enter(void)
{
    if (has_before) {
        struct termios silent = before;
        silent.c_lflag &= ~(tcflag_t)(ECHO);
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &silent);
    }
    on_screen = 1;
    send_text(ENTER, sizeof(ENTER) - 1);
}

static void on_end(int number)
{
    (void)number;
    screen_leave();
    _exit(EXIT_DONE);
}

static void on_stop(int number)
{
    int saved = errno;
    bool was = on_screen != 0;
    (void)number;
    screen_leave();
    (void)raise(SIGSTOP); /* goes on here after `fg` */
    if (was)
        screen_enter();
    errno = saved;
}

static void on_size(int number)
{
    (void)number; /* it ends the wait */
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };
    (void)sigemptyset(&action.sa_mask);
    /* Questions to the daemon go on after a change of size. */
    action.sa_flags = SA_RESTART;
    (void)sigaction(number, &action, NULL);
}

static void watch_signals(bool terminal)
{
    static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
    for (size_t i = 0; i < COUNT_OF(ends); i++)
        handle(ends[i], on_end);
    if (!terminal)
        return;
    handle(SIGTSTP, on_stop);
    handle(SIGCONT, on_size);
    handle(SIGWINCH, on_size);
}

/* Until it is time, or the window changed. */
static void wait_a_little(const sigset_t *open)
{
    const struct timespec pause = { .tv_sec = WATCH_MS / 1000,
                                    .tv_nsec = WATCH_MS % 1000 * 1000000L };
    (void)ppoll(NULL, 0, &pause, open);
}

static size_t screen_rows(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2)
        return 24;
    return size.ws_row;
}

/* What does not fit is not scrolled away: the last line says that there is more. */
static void paint_lines(FILE *out, const char *text, size_t rows)
{
    size_t count = 0, shown = 0;
    for (const char *at = text; *at; at++)
        count += *at == '\n';
    (void)fputs("\033[H", out);
    while (*text && shown < (count > rows ? rows - 1 : rows)) {
        size_t len = strcspn(text, "\n");
        (void)fprintf(out, "%s%.*s\033[K", shown > 0 ? "\r\n" : "", (int)len, text);
        text += len + (text[len] == '\n' ? 1 : 0);
        shown++;
    }
    if (count > rows)
        (void)fprintf(out,
                      tr("\r\n… %zu more lines: make the window higher\033[K",
                         "\r\n… %zu baris lagi: tinggikan jendelanya\033[K"),
                      count - shown);
    (void)fputs("\033[J", out);
}

static void show(watch_picture *picture, void *ctx, bool terminal)
{
    char *text = NULL, *screen = NULL;
    size_t len = 0, screen_len = 0;
    FILE *out = ctl_memory(open_memstream(&text, &len));
    picture(ctx, out, terminal ? terminal_width(stdout) : 0);
    (void)fclose(out);
    ctl_memory(text);
    if (terminal) {
        out = ctl_memory(open_memstream(&screen, &screen_len));
        paint_lines(out, text, screen_rows());
        (void)fclose(out);
        ctl_memory(screen);
        send_text(screen, screen_len);
    } else if (len > 0 && (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)) {
        exit(EXIT_REFUSED);
    }
    free(text);
    free(screen);
}

_Noreturn void watch_run(watch_picture *picture, void *ctx)
{
    sigset_t closed, open;
    bool terminal = isatty(STDOUT_FILENO) != 0;
    (void)fflush(stdout);
    has_before = terminal && tcgetattr(STDIN_FILENO, &before) == 0;
    /* A change of size while a picture is made must end the wait that follows. */
    (void)sigemptyset(&closed);
    (void)sigaddset(&closed, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &closed, &open);
    watch_signals(terminal);
    if (terminal)
        screen_enter();
    for (;;) {
        show(picture, ctx, terminal);
        wait_a_little(&open);
    }
}
