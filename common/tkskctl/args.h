/* The command line, read by the table of commands. Options may stand anywhere; "--" ends them. */
#pragma once

#include "common/tkskctl/commands.h"

#define ARGS_WORDS_MAX 512
#define ARGS_OPTIONS_MAX 8

struct args {
    const struct command *command; /* NULL with help or version alone */
    const char *socket;
    enum side side; /* SIDE_ANY unless --node or --hub */
    bool json, help, version;
    bool bare;        /* no command was named */
    const char *lang; /* as given; NULL */
    const char *passphrase_file;
    const char *as;
    const char *key;
    size_t count; /* of arguments after the command's name */
    const char *words[ARGS_WORDS_MAX];
    size_t option_count; /* of the command's own options */
    struct {
        struct bytes name;
        const char *value; /* "" of an option without value */
    } options[ARGS_OPTIONS_MAX];
};

/* Points into argv. ERR_USAGE with what is wrong; `ret_args` then still holds json and lang. */
NODISCARD enum err args_parse(int argc, char *const *argv, struct args *ret_args,
                              struct problem *problem);

/* The value of a command's own option; NULL when it was not given. */
const char *args_option(const struct args *args, const char *name);
