#include "common/service.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/files.h"

struct service {
    const struct service_program *program;
    struct config config;
    struct loop *loop;
    int ready_fd;
    int lock_fd;
    uint64_t watchdog_ms; /* 0: systemd asks for none */
    int watchdog_timer;
    bool failed;
};

/* --- command line ---------------------------------------------------------------------------- */

enum option_key { OPTION_CONFIG = 1, OPTION_CHECK, OPTION_READY_FD, OPTION_VERSION, OPTION_HELP };

static const struct option options[] = {
    { "config", required_argument, NULL, OPTION_CONFIG },
    { "check-config", no_argument, NULL, OPTION_CHECK },
    { "ready-fd", required_argument, NULL, OPTION_READY_FD },
    { "version", no_argument, NULL, OPTION_VERSION },
    { "help", no_argument, NULL, OPTION_HELP },
    { NULL, 0, NULL, 0 },
};

static void print_help(const struct service_program *program)
{
    printf("%s: %s\n\n"
           "  --config FILE    configuration (default %s)\n"
           "  --check-config   read the configuration, say what is wrong with it, end\n"
           "  --ready-fd N     write one byte to descriptor N when ready\n"
           "  --version        version of this program\n"
           "  --help           this text\n\n"
           "It stays in the foreground, logs to standard error and ends on SIGTERM or SIGINT.\n"
           "tkskctl speaks to it through its admin socket.\n",
           program->name, program->summary, config_default_path(program->kind));
}

static bool read_descriptor(const char *text, int *ret_fd)
{
    char *end = NULL;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || end == text || *end || number < 0 || number > INT_MAX ||
        fcntl((int)number, F_GETFD) < 0)
        return false;
    *ret_fd = (int)number;
    return true;
}

bool service_options(const struct service_program *program, int argc, char **argv,
                     struct service_options *ret_options, int *ret_exit)
{
    struct service_options found = { .ready_fd = -1 };
    int key = 0;
    *ret_exit = EXIT_USAGE;
    optind = 0; /* GNU: start anew, as tests parse more than one line */
    while ((key = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (key) {
        case OPTION_CONFIG:
            found.config_path = optarg;
            break;
        case OPTION_CHECK:
            found.check_config = true;
            break;
        case OPTION_READY_FD:
            if (!read_descriptor(optarg, &found.ready_fd)) {
                fprintf(stderr, "%s: --ready-fd %s: not an open descriptor\n", program->name,
                        optarg);
                return false;
            }
            break;
        case OPTION_VERSION:
            printf("%s %s\n", program->name, TKSK_VERSION);
            *ret_exit = 0;
            return false;
        case OPTION_HELP:
            print_help(program);
            *ret_exit = 0;
            return false;
        default:
            fprintf(stderr, "Try '%s --help'.\n", program->name);
            return false;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "%s: what is '%s'? Try '%s --help'.\n", program->name, argv[optind],
                program->name);
        return false;
    }
    *ret_options = found;
    return true;
}

/* --- start ----------------------------------------------------------------------------------- */

enum err service_lock_state(const char *state, int *ret_fd, struct problem *problem)
{
    char path[PATH_MAX];
    char text[32] = "";
    int len = snprintf(path, sizeof(path), "%s/lock", state);
    if (len < 0 || (size_t)len >= sizeof(path))
        return problem_set(problem, ERR_LIMIT, state, "the path is too long");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return problem_set(problem, ERR_IO, path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int lock_errno = errno;
        if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
            text[0] = '\0';
        (void)close(fd);
        if (lock_errno != EWOULDBLOCK)
            return problem_set(problem, ERR_IO, path, strerror(lock_errno));
        return problem_setf(problem, ERR_BUSY, state,
                            "a daemon already works on this store (pid %ld)",
                            strtol(text, NULL, 10));
    }
    int text_len = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)text_len, 0) != text_len) {
        enum err err =
            problem_set(problem, errno == ENOSPC ? ERR_FULL : ERR_IO, path, strerror(errno));
        (void)close(fd);
        return err;
    }
    *ret_fd = fd;
    return OK;
}

static enum err prepare(struct service *service, struct problem *problem)
{
    const struct rlimit no_core = { .rlim_cur = 0, .rlim_max = 0 };
    const char *state = service->config.state;
    (void)umask(077);
    (void)setrlimit(RLIMIT_CORE, &no_core); /* a core would hold keys */
    enum err err = crypto_start();
    if (err)
        return problem_set(problem, err, "libsodium", "it does not start");
    err = files_make_directory(state, 0700, problem);
    if (err)
        return err;
    err = service_lock_state(state, &service->lock_fd, problem);
    if (err)
        return err;
    err = loop_open(&service->loop);
    return err ? problem_set(problem, err, service->program->name, "no event loop") : OK;
}

bool service_start(const struct service_program *program, int argc, char **argv,
                   struct service **ret_service, int *ret_exit)
{
    struct service_options found;
    struct problem problem;
    if (!service_options(program, argc, argv, &found, ret_exit))
        return false;
    *ret_exit = EXIT_REFUSED;
    struct service *service = calloc(1, sizeof(*service));
    if (!service)
        return false;
    service->program = program;
    service->ready_fd = found.ready_fd;
    service->lock_fd = -1;
    if (config_load(program->kind, found.config_path, &service->config, &problem)) {
        service_fail(service, "the configuration is refused", &problem);
        goto end;
    }
    if (found.check_config) {
        printf("%s: the configuration is good\n",
               found.config_path ? found.config_path : config_default_path(program->kind));
        goto end;
    }
    log_start(service->config.log_level);
    if (prepare(service, &problem)) {
        service_fail(service, "cannot start", &problem);
        goto end;
    }
    log_info("%s %s starts state=%s socket=%s", program->name, TKSK_VERSION, service->config.state,
             service->config.socket);
    *ret_service = service;
    return true;
end:
    *ret_exit = service_stop(&service);
    return false;
}

const struct config *service_config(const struct service *service)
{
    return &service->config;
}

struct loop *service_loop(const struct service *service)
{
    return service->loop;
}

/* --- life ------------------------------------------------------------------------------------ */

/* From the loop: one that hangs says nothing, and systemd starts the daemon anew. */
static void on_watchdog(void *ctx)
{
    struct service *service = ctx;
    (void)sd_notify(0, "WATCHDOG=1");
    service->watchdog_timer = loop_after(service->loop, service->watchdog_ms, on_watchdog, service);
}

void service_ready(struct service *service, const char *status)
{
    uint64_t watchdog_us = 0;
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
    if (sd_watchdog_enabled(0, &watchdog_us) > 0) {
        service->watchdog_ms = watchdog_us / 1000 / 3;
        on_watchdog(service);
    }
    if (service->ready_fd >= 0) {
        if (write(service->ready_fd, "\n", 1) != 1)
            log_warning("nobody waits at the ready descriptor text=\"%s\"", strerror(errno));
        (void)close(service->ready_fd);
        service->ready_fd = -1;
    }
    log_info("ready status=\"%s\"", status);
}

void service_status(struct service *service, const char *fmt, ...)
{
    char text[256];
    va_list args;
    (void)service;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (char *at = text; len > 0 && *at; at++) {
        if (*at == '\n')
            *at = ' '; /* one line: the next would be another variable */
    }
    if (len > 0)
        (void)sd_notifyf(0, "STATUS=%s", text);
}

void service_fail(struct service *service, const char *what, const struct problem *problem)
{
    service->failed = true;
    log_problem(LOG_LEVEL_ERROR, what, problem);
    service_status(service, "%s: %s: %s", what, problem->thing, problem->detail);
}

int service_stop(struct service **service)
{
    struct service *s = *service;
    int exit_code = s->failed ? EXIT_REFUSED : 0;
    if (s->loop) {
        (void)sd_notify(0, "STOPPING=1");
        loop_cancel(s->loop, s->watchdog_timer);
    }
    loop_close(&s->loop);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    free(s);
    *service = NULL;
    return exit_code;
}
