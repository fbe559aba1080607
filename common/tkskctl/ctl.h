/* What all commands share: asking the daemon, saying what went wrong, printing the one JSON
 * document. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "common/tkskctl/args.h"
#include "common/tkskctl/client.h"
#include "common/tkskctl/say.h"

struct ctl {
    struct args args;
    struct client *client; /* opened by the first question */
    char socket[108];      /* that it talks to */
    bool quiet;            /* what goes wrong is not said: the caller does */
};

/* Runs tkskctl; main is nothing but this. */
int ctl_main(int argc, char *const *argv);

/* One answer, whole. `error` is set instead of `done` when the daemon refused. */
struct answer {
    json_t *rows; /* array */
    json_t *done;
    json_t *error;
};
void answer_close(struct answer *answer);

/* Asks and, when that fails, says why: EXIT_DONE, or the code to leave with. `args` is taken over;
 * NULL is no arguments. A request that carries a request id is sent again when the connection
 * breaks: the daemon answers a repeat with what it stored. */
NODISCARD enum exit_code ctl_ask(struct ctl *ctl, const char *cmd, json_t *args,
                                 struct answer *ret_answer);
/* The same, but a refusal is left in ret_answer->error, unsaid, and EXIT_REFUSED (or EXIT_LOCKED).
 */
NODISCARD enum exit_code ctl_try(struct ctl *ctl, const char *cmd, json_t *args,
                                 struct answer *ret_answer);
/* The same as ctl_ask with rows handed out as they come. */
NODISCARD enum exit_code ctl_stream(struct ctl *ctl, const char *cmd, json_t *args, client_row *row,
                                    void *ctx, json_t **ret_done);

/* Says a refusal of the daemon (prints rows of matches first). */
enum exit_code ctl_refused(struct ctl *ctl, const struct answer *answer);
/* Says a problem that was found here. */
enum exit_code ctl_problem(struct ctl *ctl, const struct problem *problem);
enum exit_code ctl_problemf(struct ctl *ctl, enum err code, const char *thing, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* "tksk-hub", district and node of the daemon; texts are empty where there is none yet. */
struct hello {
    bool hub;
    char district[32];
    char node[32];
    char version[32];
    char office[108]; /* at a hub: the socket of its own office */
};
NODISCARD enum exit_code ctl_hello(struct ctl *ctl, struct hello *ret_hello);

/* --json: prints the one document: "v", what `result` holds, "rows". Both are borrowed, may be
 * NULL. */
enum exit_code ctl_document(struct ctl *ctl, json_t *result, json_t *rows);
void ctl_document_to(FILE *out, json_t *result, json_t *rows);

/* A string, number (as text) or "" of an object; texts of numbers last until the fourth next call.
 */
const char *text_of(const json_t *object, const char *key);
/* As text_of, but NULL when it is absent, null or empty. */
const char *maybe_text_of(const json_t *object, const char *key);
/* say_state_short of a disposition; "menunggu SK" where that is what the row waits for. */
const char *say_outcome(const json_t *row, const char *disposition);
int64_t number_of(const json_t *object, const char *key); /* 0 when it is none */
bool truth_of(const json_t *object, const char *key);

/* A new UUIDv7 as text, or --request as given (ERR_USAGE said). */
NODISCARD enum exit_code ctl_request_id(struct ctl *ctl, char ret[37]);

/* Memory for a command line: what is NULL ends the process with a message. */
void *ctl_memory(void *at);
