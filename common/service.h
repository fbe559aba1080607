/* What both daemons do around their work: command line, configuration, state directory and its
 * lock, readiness, watchdog. A main is struct service *service = NULL; int exit_code = 0; if
 * (!service_start(&program, argc, argv, &service, &exit_code)) return exit_code; … open stores,
 * admin socket, network; on failure service_fail and service_stop … service_tells(service, …);
 *     service_probes(service, …); service_ready(service);
 *     err = service_run(service);
 *     … close …
 *     return service_stop(&service);
 */
#pragma once

#include "common/config.h"
#include "common/loop.h"
#include "common/version.h"

#define EXIT_REFUSED 1
#define EXIT_USAGE 2
#define EXIT_CONFIG 78 /* EX_CONFIG: until somebody mends the file it would be the same again */

struct service_program {
    const char *name; /* "tksk-node" */
    enum config_kind kind;
    const char *summary; /* one line of --help */
};

struct service_options {
    const char *config_path; /* NULL: the default place */
    bool check_config;
    int ready_fd; /* -1: none */
};

/* --config FILE, --check-config, --ready-fd N, --version, --help. False: the program ends with
 * *ret_exit, what there was to say is said. */
NODISCARD bool service_options(const struct service_program *program, int argc, char **argv,
                               struct service_options *ret_options, int *ret_exit);

struct service;

/* From main's arguments to a loop that can be run: reads the configuration, starts log and crypto,
 * sets umask 077 and no core dumps, makes the state directory (0700) and locks it. False: the
 * program ends with *ret_exit. */
NODISCARD bool service_start(const struct service_program *program, int argc, char **argv,
                             struct service **ret_service, int *ret_exit);

const struct config *service_config(const struct service *service);
struct loop *service_loop(const struct service *service);

/* Takes STATE/lock for the life of the returned descriptor, which the caller closes.
 * ERR_BUSY names the process that has it. */
NODISCARD enum err service_lock_state(const char *state, int *ret_fd, struct problem *problem);

/* The line that `systemctl status` shows, at most SERVICE_STATUS_MAX - 1 bytes. No personal data.
 * It is asked for at service_ready and, after service_moved, at most once a second; systemd hears
 * of it when it changed. */
#define SERVICE_STATUS_MAX 200
typedef void service_tell(void *ctx, char ret[SERVICE_STATUS_MAX]);
void service_tells(struct service *service, service_tell *tell, void *ctx);
void service_moved(struct service *service);

/* What must work for the daemon to be of use: reading its database. */
typedef enum err service_probe(void *ctx);
void service_probes(struct service *service, service_probe *probe, void *ctx);

/* Tells systemd and --ready-fd, and starts the watchdog when systemd asks for it. It is fed by a
 * pass of the loop that the probe followed with success, and, while one pass takes long, by what
 * SQLite gets done in it (db_on_progress), up to half an hour. A loop or a disk that stands still
 * feeds nothing, and systemd starts the daemon anew. */
void service_ready(struct service *service);
/* loop_run; afterwards systemd knows that the daemon is about to stop. */
NODISCARD enum err service_run(struct service *service);
/* Logs what keeps the daemon from running; service_stop will return EXIT_REFUSED. */
void service_fail(struct service *service, const char *what, const struct problem *problem);

/* Closes loop and lock; returns the exit code. */
int service_stop(struct service **service);
