#include "common/service.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/db.h"
#include "common/files.h"

#define STATUS_MS 1000                  /* between two looks at what the status line says */
#define BUSY_MS_MAX (30ull * 60 * 1000) /* of one pass of the loop that still counts as work */
#define START_SIGN_MS 5000              /* between two signs of life while starting or stopping */
#define START_MORE_MS 90000             /* what such a sign asks for */

struct service {
    const struct service_program *program;
    struct config config;
    struct loop *loop;
    int ready_fd;
    int lock_fd;
    pid_t pid; /* of this process, not of a child of it */
    bool running;
    bool failed;
    bool wrong_config;
    service_tell *tell;
    void *tell_ctx;
    int tell_timer;
    char told[SERVICE_STATUS_MAX];
    service_probe *probe;
    void *probe_ctx;
    bool probe_failed;
    uint64_t watchdog_ms; /* from sign to sign; 0: systemd asks for none */
    int watchdog_timer;
    uint64_t passed_ms; /* when the loop came by last */
    uint64_t sign_ms;   /* when systemd heard of us last */
};

static struct service *working; /* whose databases report progress */

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

/* --- signs of life --------------------------------------------------------------------------- */

static void feed(struct service *service)
{
    (void)sd_notify(0, "WATCHDOG=1");
    service->sign_ms = loop_now_ms();
}

/* SQLite is at work, for so long that it may be as well within one pass of the loop, or while the
 * daemon starts or stops. */
static void on_progress(uint64_t expect_ms)
{
    struct service *service = working;
    if (!service || getpid() != service->pid)
        return; /* systemd listens to the daemon alone */
    uint64_t now_ms = loop_now_ms();
    uint64_t quiet_ms = now_ms - service->sign_ms;
    if (!service->running) {
        if (expect_ms == 0 && quiet_ms < START_SIGN_MS)
            return;
        (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%llu",
                         (unsigned long long)(expect_ms + START_MORE_MS) * 1000);
        service->sign_ms = now_ms;
    } else if (service->watchdog_ms > 0 && quiet_ms >= service->watchdog_ms &&
               now_ms - service->passed_ms < BUSY_MS_MAX)
        feed(service);
}

static bool probe_is_good(struct service *service)
{
    enum err err = service->probe ? service->probe(service->probe_ctx) : OK;
    bool failed = err != OK;
    if (failed && !service->probe_failed)
        log_error("the database does not answer; systemd will start this daemon anew code=%s",
                  err_name(err));
    if (!failed && service->probe_failed)
        log_warning("the database answers again");
    service->probe_failed = failed;
    return !failed;
}

static void on_watchdog(void *ctx)
{
    struct service *service = ctx;
    service->passed_ms = loop_now_ms();
    if (probe_is_good(service))
        feed(service);
    service->watchdog_timer = loop_after(service->loop, service->watchdog_ms, on_watchdog, service);
}

void service_probes(struct service *service, service_probe *probe, void *ctx)
{
    service->probe = probe;
    service->probe_ctx = ctx;
}

/* --- what systemctl status shows ------------------------------------------------------------- */

/* One line: the next would be another variable of sd_notify(3). */
static void one_line(char *text)
{
    for (char *at = text; *at; at++) {
        if (*at == '\n')
            *at = ' ';
    }
}

static void ask_status(struct service *service, char ret[SERVICE_STATUS_MAX])
{
    (void)snprintf(ret, SERVICE_STATUS_MAX, "%s", "running");
    if (service->tell)
        service->tell(service->tell_ctx, ret);
    one_line(ret);
}

static void on_tell(void *ctx)
{
    struct service *service = ctx;
    char text[SERVICE_STATUS_MAX];
    service->tell_timer = 0;
    ask_status(service, text);
    if (strcmp(text, service->told) == 0)
        return;
    memcpy(service->told, text, sizeof(text));
    (void)sd_notifyf(0, "STATUS=%s", text);
}

void service_tells(struct service *service, service_tell *tell, void *ctx)
{
    service->tell = tell;
    service->tell_ctx = ctx;
}

void service_moved(struct service *service)
{
    if (service->running && service->tell_timer == 0)
        service->tell_timer = loop_after(service->loop, STATUS_MS, on_tell, service);
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
    service->pid = getpid();
    service->ready_fd = found.ready_fd;
    service->lock_fd = -1;
    enum err err = config_load(program->kind, found.config_path, &service->config, &problem);
    if (err) {
        service_fail(service, "the configuration is refused", &problem);
        service->wrong_config = err == ERR_CONFIG;
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
    working = service;
    db_on_progress(on_progress);
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

void service_ready(struct service *service)
{
    uint64_t watchdog_us = 0;
    service->running = true;
    service->passed_ms = loop_now_ms();
    ask_status(service, service->told);
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", service->told);
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
    log_info("ready status=\"%s\"", service->told);
}

enum err service_run(struct service *service)
{
    enum err err = loop_run(service->loop);
    service->running = false;
    loop_cancel(service->loop, service->tell_timer);
    loop_cancel(service->loop, service->watchdog_timer);
    service->tell_timer = service->watchdog_timer = 0;
    (void)sd_notify(0, "STOPPING=1");
    return err;
}

void service_fail(struct service *service, const char *what, const struct problem *problem)
{
    service->failed = true;
    log_problem(LOG_LEVEL_ERROR, what, problem);
    (void)snprintf(service->told, sizeof(service->told), "%.50s: %.60s: %.80s", what,
                   problem->thing, problem->detail);
    one_line(service->told);
    (void)sd_notifyf(0, "STATUS=%s", service->told);
}

int service_stop(struct service **service)
{
    struct service *s = *service;
    int exit_code = s->wrong_config ? EXIT_CONFIG : s->failed ? EXIT_REFUSED : 0;
    if (working == s) {
        db_on_progress(NULL);
        working = NULL;
    }
    loop_close(&s->loop);
    if (s->lock_fd >= 0)
        (void)close(s->lock_fd);
    free(s);
    *service = NULL;
    return exit_code;
}
