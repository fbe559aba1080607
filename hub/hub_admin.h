/* The hub's commands on the admin socket. Whoever can open the socket (0660, its group) administers
 * the hub; what was done is logged with uid and command, never with its content. */
#pragma once

#include "common/admin.h"
#include "hub/hub_daemon.h"

struct hub_admin;

NODISCARD enum err hub_admin_open(struct hub_daemon *daemon, const char *socket, const char *group,
                                  struct hub_admin **ret_admin, struct problem *problem);
void hub_admin_close(struct hub_admin **admin);
