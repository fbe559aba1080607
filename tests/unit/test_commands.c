#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "common/tkskctl/args.h"
#include "common/tkskctl/say.h"

/* What `write` prints. The caller frees. */
static char *printed(void (*write)(FILE *out))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    write(out);
    (void)fclose(out);
    return text;
}

static char *file_text(const char *path)
{
    FILE *in = fopen(path, "r");
    if (!in)
        fail_msg("%s is missing", path);
    char *text = calloc(1, 256 * 1024);
    assert_non_null(text);
    assert_true(fread(text, 1, 256 * 1024 - 1, in) > 0);
    (void)fclose(in);
    return text;
}

static void names_and_aliases_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        for (size_t j = 0; j < command_count; j++) {
            if (i != j)
                assert_string_not_equal(commands[i].name, commands[j].name);
            if (commands[i].alias)
                assert_string_not_equal(commands[i].alias, commands[j].name);
            if (i != j && commands[i].alias && commands[j].alias)
                assert_string_not_equal(commands[i].alias, commands[j].alias);
        }
    }
}

static void every_command_is_found_by_name_and_alias(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        char name[64];
        size_t used;
        (void)snprintf(name, sizeof(name), "%s", commands[i].name);
        char *space = strchr(name, ' ');
        const char *words[] = { name, space ? space + 1 : "x" };
        if (space)
            *space = '\0';
        assert_ptr_equal(command_find(words, 2, &used), &commands[i]);
        assert_int_equal(used, space ? 2 : 1);
        if (!commands[i].alias)
            continue;
        (void)snprintf(name, sizeof(name), "%s", commands[i].alias);
        space = strchr(name, ' ');
        words[1] = space ? space + 1 : "x";
        if (space)
            *space = '\0';
        assert_ptr_equal(command_find(words, 2, &used), &commands[i]);
    }
}

static void every_command_has_help_in_both_languages_and_no_sudo(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        for (int lang = LANG_EN; lang <= LANG_ID; lang++) {
            assert_true(strlen(commands[i].help[lang]) > 8);
            assert_null(strstr(commands[i].help[lang], "sudo"));
        }
    }
    say_lang(LANG_ID);
    char *help = printed(commands_help);
    assert_non_null(strstr(help, "Cara pakai"));
    say_lang(LANG_EN);
    free(help);
}

static void every_usage_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const char *at = commands[i].usage;
        struct usage_word word;
        bool optional_seen = false;
        while (usage_next(&at, &word)) {
            assert_true(word.name.len > 0);
            assert_null(memchr(word.name.at, ']', word.name.len));
            if (!word.option) {
                /* What must be given stands before what may be left out. */
                assert_true(word.optional || !optional_seen);
                optional_seen = optional_seen || word.optional;
            }
        }
    }
}

static void manual_and_completion_are_those_of_the_table(void **state)
{
    (void)state;
    char *section = printed(commands_man);
    char *manual = file_text("common/man/tkskctl.1");
    assert_non_null(strstr(manual, section));
    free(manual);
    free(section);
    char *script = printed(commands_completion_bash);
    char *kept = file_text("common/completions/tkskctl.bash");
    assert_string_equal(kept, script);
    free(kept);
    free(script);
}

static enum err parse(struct args *args, struct problem *problem, ...)
{
    char *argv[32] = { (char *)(uintptr_t) "tkskctl" };
    int argc = 1;
    va_list words;
    va_start(words, problem);
    for (char *word; (word = va_arg(words, char *)) != NULL;)
        argv[argc++] = word;
    va_end(words);
    return args_parse(argc, argv, args, problem);
}

static void options_may_stand_anywhere(void **state)
{
    (void)state;
    struct args args;
    struct problem problem;
    assert_int_equal(parse(&args, &problem, "--json", "operator", "approve", "36.04.29", "--sk",
                           "7/2026", "--socket=/tmp/s", "Siti", "--from", "2026-01-01", "--until",
                           "2026-12-31", NULL),
                     OK);
    assert_string_equal(args.command->name, "operator approve");
    assert_true(args.json);
    assert_string_equal(args.socket, "/tmp/s");
    assert_int_equal(args.count, 2);
    assert_string_equal(args.words[0], "36.04.29");
    assert_string_equal(args.words[1], "Siti");
    assert_string_equal(args_option(&args, "--sk"), "7/2026");
    assert_null(args_option(&args, "--role"));
}

static void words_after_two_dashes_are_no_options(void **state)
{
    (void)state;
    struct args args;
    struct problem problem;
    assert_int_equal(parse(&args, &problem, "put", "x", "--", "a=1", "--json", NULL), OK);
    assert_false(args.json);
    assert_int_equal(args.count, 3);
    assert_string_equal(args.words[2], "--json");
}

static void standard_input_is_a_word(void **state)
{
    (void)state;
    struct args args;
    struct problem problem;
    assert_int_equal(parse(&args, &problem, "apply", "-", "--passphrase-file", "-", NULL), OK);
    assert_string_equal(args.words[0], "-");
    assert_string_equal(args.passphrase_file, "-");
}

static void wrong_use_is_refused_and_named(void **state)
{
    (void)state;
    struct args args;
    struct problem problem;
    assert_int_equal(parse(&args, &problem, NULL), ERR_USAGE);
    assert_int_equal(parse(&args, &problem, "fly", NULL), ERR_USAGE);
    assert_string_equal(problem.thing, "fly");
    assert_int_equal(parse(&args, &problem, "node", NULL), ERR_USAGE);
    assert_non_null(strstr(problem.detail, "node approve"));
    assert_int_equal(parse(&args, &problem, "status", "x", NULL), ERR_USAGE);
    assert_string_equal(problem.thing, "x");
    assert_int_equal(parse(&args, &problem, "show", NULL), ERR_USAGE);
    assert_string_equal(problem.thing, "ID");
    assert_int_equal(parse(&args, &problem, "show", "1", "--words", "a", NULL), ERR_USAGE);
    assert_string_equal(problem.thing, "--words");
    assert_int_equal(parse(&args, &problem, "operator", "renew", "3", "--sk", "1", NULL),
                     ERR_USAGE);
    assert_string_equal(problem.thing, "--until");
    assert_int_equal(parse(&args, &problem, "operator", "renew", "3", "--until", NULL), ERR_USAGE);
    assert_int_equal(parse(&args, &problem, "list", "x", "--max", "1", "--max", "2", NULL),
                     ERR_USAGE);
    assert_int_equal(parse(&args, &problem, "status", "--json=1", NULL), ERR_USAGE);
    assert_int_equal(parse(&args, &problem, "--hub", "--node", "status", NULL), ERR_USAGE);
    assert_int_equal(parse(&args, &problem, "--passphrase", "x", "unlock", NULL), ERR_USAGE);
}

static void help_and_version_need_no_arguments(void **state)
{
    (void)state;
    struct args args;
    struct problem problem;
    assert_int_equal(parse(&args, &problem, "--version", NULL), OK);
    assert_true(args.version);
    assert_int_equal(parse(&args, &problem, "show", "--help", NULL), OK);
    assert_string_equal(args.command->name, "show");
}

/* An option that every command has is read first: one of the command by that name is never seen. */
static void no_option_of_a_command_is_named_as_one_that_all_have(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++) {
        const char *at = commands[i].usage;
        struct usage_word usage;
        while (usage_next(&at, &usage)) {
            for (size_t j = 0; usage.option && j < global_option_count; j++) {
                if (bytes_equal(usage.name, bytes_text(global_options[j].name)))
                    fail_msg("%s: %s", commands[i].name, global_options[j].name);
            }
        }
    }
    struct args args;
    struct problem problem;
    assert_int_equal(parse(&args, &problem, "policy", "check", "hub/policy", "--district", "36.04",
                           "--rules-version", "7", NULL),
                     OK);
    assert_false(args.version);
    assert_string_equal(args_option(&args, "--rules-version"), "7");
}

static void language_follows_option_then_locale(void **state)
{
    (void)state;
    enum lang lang;
    (void)setenv("LC_ALL", "", 1);
    (void)setenv("LC_MESSAGES", "", 1);
    (void)setenv("LANG", "id_ID.UTF-8", 1);
    assert_int_equal(say_choose(NULL, &lang), OK);
    assert_int_equal(lang, LANG_ID);
    (void)setenv("LC_ALL", "C", 1);
    assert_int_equal(say_choose(NULL, &lang), OK);
    assert_int_equal(lang, LANG_EN);
    assert_int_equal(say_choose("id", &lang), OK);
    assert_int_equal(lang, LANG_ID);
    assert_int_equal(say_choose("fr", &lang), ERR_USAGE);
    (void)setenv("LC_ALL", "idle", 1);
    assert_int_equal(say_choose(NULL, &lang), OK);
    assert_int_equal(lang, LANG_EN);
}

static void sizes_are_short(void **state)
{
    (void)state;
    char text[SAY_SIZE_MAX];
    say_size(999, text);
    assert_string_equal(text, "999 B");
    say_size(1234567, text);
    assert_string_equal(text, "1.2 MB");
    say_size(UINT64_MAX, text);
    assert_true(strlen(text) < SAY_SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_aliases_are_unique),
        cmocka_unit_test(every_command_is_found_by_name_and_alias),
        cmocka_unit_test(every_command_has_help_in_both_languages_and_no_sudo),
        cmocka_unit_test(every_usage_can_be_read),
        cmocka_unit_test(manual_and_completion_are_those_of_the_table),
        cmocka_unit_test(options_may_stand_anywhere),
        cmocka_unit_test(words_after_two_dashes_are_no_options),
        cmocka_unit_test(standard_input_is_a_word),
        cmocka_unit_test(wrong_use_is_refused_and_named),
        cmocka_unit_test(help_and_version_need_no_arguments),
        cmocka_unit_test(no_option_of_a_command_is_named_as_one_that_all_have),
        cmocka_unit_test(language_follows_option_then_locale),
        cmocka_unit_test(sizes_are_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
