/* The table of commands (common/commands.def) and what is made from it: look-up, help, completion,
 * manual section. */
#pragma once

#include <stdio.h>

#include "common/err.h"

enum exit_code {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1, /* refused, not found, or some rows rejected */
    EXIT_USAGE = 2,
    EXIT_UNREACHABLE = 3,
    EXIT_LOCKED = 4
};

/* SIDE_OFFICE: at an office; at the hub it goes to the hub's own office, whose socket the hub
 * names. */
enum side { SIDE_ANY, SIDE_OFFICE, SIDE_NODE, SIDE_HUB, SIDE_LOCAL };

struct ctl;
typedef enum exit_code command_handler(struct ctl *ctl);

struct command {
    const char *name;  /* one word, or two ("node approve") */
    const char *alias; /* the Indonesian word; NULL */
    enum side side;
    const char *usage;
    const char *help[2]; /* by enum lang */
    command_handler *run;
};

extern const struct command commands[];
extern const size_t command_count;

/* One handler for each row of the table. */
#define COMMAND(name, alias, side, usage, help_en, help_id, handler) command_handler handler;
#include "common/commands.def"
#undef COMMAND

/* The command whose name or alias `words` begin with; `*ret_used` is how many words that took.
 * NULL when there is none. */
const struct command *command_find(const char *const *words, size_t count, size_t *ret_used);

/* What somebody who typed `words` probably meant; NULL when nothing is near. */
const char *command_nearest(const char *const *words, size_t count);

/* One word of a usage line, read from left to right. */
struct usage_word {
    struct bytes name;  /* "--words", "NODE" */
    struct bytes value; /* of an option that takes one; else empty */
    bool option, optional, repeats;
};
/* `*at` begins at command->usage; false at its end. */
bool usage_next(const char **at, struct usage_word *ret_word);

/* Options that every command takes, in one table with their help. */
struct global_option {
    const char *name;
    const char *value; /* NULL: none */
    const char *help[2];
};
extern const struct global_option global_options[];
extern const size_t global_option_count;

/* What a person sees who types `tkskctl` alone: the few commands of a day. */
void commands_first(FILE *out);
void commands_help(FILE *out);
void command_help(const struct command *command, FILE *out);
/* The COMMANDS section of tkskctl(1), in English. */
void commands_man(FILE *out);
void commands_completion_bash(FILE *out);
