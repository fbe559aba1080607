/* An office with its admin socket: a loop, the socket, and a caller in the same process. For the
 * tests of node_admin and node_import. Include after cmocka.h. */
#pragma once

#include "common/loop.h"
#include "node/node_admin_inside.h"
#include "tests/support/node_fixture.h"

struct caller;

struct admin_world {
    struct office o;
    struct loop *loop;
    struct node_driver *driver;
    struct node_admin *admin;
    unsigned changed;
    unsigned sent;              /* frames; nothing answers */
    struct secret_key *derived; /* what the passphrase of `siti` becomes */
    char keyfile[512];
    char socket[100];
    json_t *answer; /* of the last question: rows, and done or error */
};

extern const char world_source[]; /* the policy of these offices */

/* A store that has taken no invite; daemon parts are open. */
int world_fresh(void **state);
/* Enrolled, operator siti approved, policy there, unlocked through the socket. */
int world_ready(void **state);
int world_close(void **state);
/* The daemon ends and starts again: locked. */
void world_restart(struct admin_world *w);

/* Asks; the answer is w->answer. Takes `args` (NULL: none). True when it ended with done. */
bool world_ask(struct admin_world *w, const char *cmd, json_t *args);
/* The same, and it must be refused with this code. */
void world_refused(struct admin_world *w, const char *code, const char *cmd, json_t *args);
/* A text of done (or of error), "" when it is none. */
const char *world_text(struct admin_world *w, const char *key);
json_int_t world_number(struct admin_world *w, const char *key);
json_t *world_done(struct admin_world *w);
size_t world_rows(struct admin_world *w);
json_t *world_row(struct admin_world *w, size_t index);
json_t *world_invite(struct admin_world *w); /* args of enrol */
bool world_unlock(struct admin_world *w);
/* Creates an orang; static memory: its id. */
const char *world_put(struct admin_world *w, const char *name);
