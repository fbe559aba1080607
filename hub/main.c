/* tksk-hub: the daemon of a district. */
#include "hub/hub_daemon.h"

int main(int argc, char **argv)
{
    static const struct service_program program = {
        .name = "tksk-hub",
        .kind = CONFIG_HUB,
        .summary = "the daemon of a district: merges what its offices send and answers them"
    };
    static struct hub_daemon daemon;
    struct service *service = NULL;
    struct problem problem = { .code = OK };
    int exit_code = 0;
    if (!service_start(&program, argc, argv, &service, &exit_code))
        return exit_code;
    enum err err = hub_daemon_open(&daemon, service, &problem);
    if (err == OK) {
        service_tells(service, hub_daemon_tell, &daemon);
        service_probes(service, hub_daemon_probe, &daemon);
        service_ready(service);
        err = service_run(service);
        if (err != OK)
            (void)problem_set(&problem, err, "event loop", NULL);
    }
    if (err != OK)
        service_fail(service, "cannot go on", &problem);
    hub_daemon_close(&daemon);
    return service_stop(&service);
}
