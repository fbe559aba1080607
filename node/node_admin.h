/* The node's side of the admin socket: every command of an office. An unlocked key serves only the
 * uid that unlocked it, and locks itself after a while without use (policy setting
 * idle_lock_minutes). */
#pragma once

#include "common/admin.h"
#include "common/loop.h"
#include "node/node_driver.h"
#include "node/node_entry.h"

struct node_admin;

/* All borrowed; they outlive the admin. */
struct node_admin_parts {
    struct loop *loop;
    struct node_store *store;
    struct node_entry *entry;
    struct node_driver *driver;
    const char *state; /* directory, whose free space status shows */
    void *ctx;
    void (*changed)(
        void *ctx); /* something for the driver: it is kicked already and wants a tick soon */
};

#define IDLE_LOCK_MINUTES_DEFAULT 15

/* Errors as admin_open. */
NODISCARD enum err node_admin_open(const struct node_admin_parts *parts, const char *socket,
                                   const char *group, struct node_admin **ret_admin,
                                   struct problem *problem);

/* Unlocks as a credential says that systemd handed over: lines "tksk-unlock 1 UID KEY NAME", made
 * by `tkskctl operator credential`. What it unlocks serves that user alone, and stays unlocked
 * without use, unless the policy says credential_unlock = 0. Each line that does not work is
 * logged; the number of those that did is returned. */
#define CREDENTIAL_BYTES_MAX 4096
unsigned node_admin_take_credential(struct node_admin *admin, struct bytes text);

void node_admin_close(struct node_admin **admin); /* locks */
