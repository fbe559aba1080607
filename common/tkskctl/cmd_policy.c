/* The rules: compiled and signed here, with the rights of the person; published by the hub. */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <sys/stat.h>

#include "common/files.h"
#include "common/must.h"
#include "common/tkskctl/policy_dated.h"
#include "common/tkskctl/policy_diff.h"
#include "common/tkskctl/sign.h"
#include "common/tkskctl/table.h"
#include "proto/policy_text.h"
#include "proto/value.h"

/* A compiled source and what it follows. */
struct compiled {
    char district[DISTRICT_TEXT_MAX + 1];
    uint64_t version;
    struct hash previous;
    struct policy *before; /* NULL: the first */
    struct policy *after;
    struct buf document;
    struct buf dictionary; /* empty: none */
};

/* What `policy sign` writes and `policy publish` reads: [signed rules bin, dictionary bin | nil].
 */
#define POLICY_FILE_BYTES_MAX (SIGNED_RULES_BYTES_MAX + DICTIONARY_BYTES_MAX + 64)

static void compiled_close(struct compiled *compiled)
{
    policy_close(&compiled->before);
    policy_close(&compiled->after);
    free(compiled->document.at);
    free(compiled->dictionary.at);
    compiled->document.at = NULL;
    compiled->dictionary.at = NULL;
}

/* Version and predecessor from the hub. With --district it needs no hub, and then there is nothing
 * to compare with. */
static enum exit_code read_before(struct ctl *ctl, struct compiled *compiled)
{
    struct trust_position position;
    const char *district = args_option(&ctl->args, "--district");
    const char *version = args_option(&ctl->args, "--rules-version");
    if (version && !district)
        return ctl_problemf(ctl, ERR_USAGE, "--rules-version", "%s",
                            tr("only with --district CODE; else the hub says what comes next",
                               "hanya bersama --district KODE; tanpa itu hub yang menentukan"));
    if (district) {
        char *end;
        compiled->version = version ? strtoull(version, &end, 10) : 1;
        if (strlen(district) > DISTRICT_TEXT_MAX || compiled->version == 0 ||
            (version && *end != '\0'))
            return ctl_problemf(ctl, ERR_USAGE, "--district, --rules-version", "%s", district);
        (void)snprintf(compiled->district, sizeof(compiled->district), "%s", district);
        /* Only the first follows nothing; what another one follows is not known here. */
        if (compiled->version > 1)
            memset(&compiled->previous, 0xff, sizeof(compiled->previous));
        return EXIT_DONE;
    }
    enum exit_code code = trust_position_read(ctl, &position);
    if (code != EXIT_DONE)
        return code;
    if (position.version == 0)
        code =
            ctl_problemf(ctl, ERR_STATE, ctl->args.command->name, "%s",
                         tr("the district is not founded; first `tkskctl trust init`, or check "
                            "with --district CODE",
                            "kabupaten belum didirikan; dahulu `tkskctl trust init`, atau periksa "
                            "dengan --district KODE"));
    (void)snprintf(compiled->district, sizeof(compiled->district), "%s", position.district);
    compiled->version = position.rules_version + 1;
    compiled->previous = position.rules_hash;
    trust_position_close(&position);
    if (code == EXIT_DONE && compiled->version > 1)
        code = rules_in_force(ctl, &compiled->before);
    return code;
}

static enum exit_code compile(struct ctl *ctl, const char *directory, struct compiled *ret_compiled)
{
    struct compiled compiled = { .document = buf_of(NULL, RULES_BYTES_MAX),
                                 .dictionary = buf_of(NULL, DICTIONARY_BYTES_MAX) };
    struct problem problem;
    enum exit_code code = read_before(ctl, &compiled);
    if (code != EXIT_DONE) {
        compiled_close(&compiled);
        return code;
    }
    compiled.document.at = ctl_memory(malloc(RULES_BYTES_MAX));
    compiled.dictionary.at = ctl_memory(malloc(DICTIONARY_BYTES_MAX));
    enum err err = policy_text_compile_whole(directory, compiled.district, compiled.version,
                                             &compiled.previous, &compiled.document,
                                             &compiled.dictionary, &problem);
    if (err == OK)
        err = policy_decode(buf_bytes(&compiled.document), &compiled.after, &problem);
    if (err == OK && compiled.before)
        err = policy_may_follow(compiled.before, compiled.after, &problem);
    if (err != OK) {
        compiled_close(&compiled);
        return ctl_problem(ctl, &problem);
    }
    *ret_compiled = compiled;
    return EXIT_DONE;
}

static void print_diff(json_t *rows)
{
    const char *titles[] = { tr("what", "apa"), tr("name", "nama"), tr("change", "perubahan") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    json_array_foreach(rows, index, row) {
        table_add(&table, (const char *const[]){ text_of(row, "what"), text_of(row, "name"),
                                                 text_of(row, "change") });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

enum exit_code cmd_policy_check(struct ctl *ctl)
{
    struct compiled compiled = { .version = 0 };
    enum exit_code code = compile(ctl, ctl->args.words[0], &compiled);
    if (code != EXIT_DONE)
        return code;
    must(compiled.after);
    json_t *rows = ctl_memory(json_array());
    policy_diff(compiled.before, compiled.after, rows);
    if (ctl->args.json) {
        json_t *result = ctl_memory(
            json_pack("{s:s, s:I, s:I, s:I, s:I}", "district", compiled.district, "rules_version",
                      (json_int_t)compiled.version, "bytes", (json_int_t)compiled.document.len,
                      "collections", (json_int_t)compiled.after->collection_count,
                      "dictionary_bytes", (json_int_t)compiled.dictionary.len));
        code = ctl_document(ctl, result, rows);
        json_decref(result);
    } else {
        (void)printf(tr("Good as version %" PRIu64
                        " of %s: %zu collections, %zu areas, %zu bytes, dictionary %zu bytes.\n",
                        "Baik sebagai versi %" PRIu64 " untuk %s: %zu kumpulan data, %zu wilayah, "
                        "%zu bita, kamus %zu bita.\n"),
                     compiled.version, compiled.district, compiled.after->collection_count,
                     compiled.after->area_count, compiled.document.len, compiled.dictionary.len);
        if (json_array_size(rows) == 0)
            (void)puts(tr("Nothing changes.", "Tidak ada yang berubah."));
        else
            print_diff(rows);
    }
    json_decref(rows);
    compiled_close(&compiled);
    return code;
}

/* Compiles and signs into the form of a policy file; the caller frees *ret_file. */
static enum exit_code sign_directory(struct ctl *ctl, const char *directory, struct buf *ret_file,
                                     uint64_t *ret_version)
{
    struct compiled compiled = { .version = 0 };
    struct secret_key *key = NULL;
    enum exit_code code = compile(ctl, directory, &compiled);
    if (code != EXIT_DONE)
        return code;
    code = officer_key_open(ctl, &key);
    if (code == EXIT_DONE) {
        uint8_t *space = ctl_memory(malloc(SIGNED_RULES_BYTES_MAX));
        struct writer out = writer_of(space, SIGNED_RULES_BYTES_MAX);
        enum err err = rules_sign(buf_bytes(&compiled.document),
                                  (const struct secret_key *const[]){ key }, 1, &out);
        struct writer file =
            writer_of(ctl_memory(malloc(POLICY_FILE_BYTES_MAX)), POLICY_FILE_BYTES_MAX);
        writer_array(&file, 2);
        writer_bin(&file, writer_bytes(&out));
        if (compiled.dictionary.len > 0)
            writer_bin(&file, buf_bytes(&compiled.dictionary));
        else
            writer_nil(&file);
        must(err == OK && out.err == OK && file.err == OK);
        free(space);
        *ret_file = file.buf;
        *ret_version = compiled.version;
    }
    secret_key_close(&key);
    compiled_close(&compiled);
    return code;
}

enum exit_code cmd_policy_sign(struct ctl *ctl)
{
    struct buf file;
    struct problem problem;
    uint64_t version;
    const char *path = args_option(&ctl->args, "-o");
    enum exit_code code = sign_directory(ctl, ctl->args.words[0], &file, &version);
    if (code != EXIT_DONE)
        return code;
    enum err err = files_write(path, 0644, buf_bytes(&file), &problem);
    free(file.at);
    if (err != OK)
        return ctl_problem(ctl, &problem);
    if (ctl->args.json) {
        json_t *result =
            ctl_memory(json_pack("{s:I, s:s}", "rules_version", (json_int_t)version, "file", path));
        code = ctl_document(ctl, result, NULL);
        json_decref(result);
        return code;
    }
    (void)printf(tr("Version %" PRIu64 " signed: %s\nNext: tkskctl policy publish %s\n",
                    "Versi %" PRIu64
                    " ditandatangani: %s\nBerikutnya: tkskctl policy publish %s\n"),
                 version, path, path);
    return EXIT_DONE;
}

/* The arguments of rules_publish from a policy file. */
static enum exit_code file_args(struct ctl *ctl, const char *path, struct bytes file,
                                json_t **ret_args)
{
    struct problem problem;
    struct bytes dictionary = { NULL, 0 };
    if (codec_scan(file) != OK) {
        (void)problem_set(&problem, ERR_MALFORMED, path,
                          tr("cut off, or no signed policy",
                             "terpotong, atau bukan kebijakan yang ditandatangani"));
        return ctl_problem(ctl, &problem);
    }
    struct reader in = reader_of(file);
    reader_array_of(&in, 2);
    struct bytes document = reader_bin(&in);
    if (reader_peek(&in) == KIND_NIL)
        reader_nil(&in);
    else
        dictionary = reader_bin(&in);
    if (reader_end(&in) != OK) {
        (void)problem_set(&problem, ERR_MALFORMED, path,
                          tr("no signed policy", "bukan kebijakan yang ditandatangani"));
        return ctl_problem(ctl, &problem);
    }
    char *text = base64_of(document);
    *ret_args = ctl_memory(json_pack("{s:s}", "document", text));
    free(text);
    if (dictionary.len > 0) {
        text = base64_of(dictionary);
        json_object_set_new(*ret_args, "dictionary", ctl_memory(json_string(text)));
        free(text);
    }
    return EXIT_DONE;
}

static bool is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum exit_code cmd_policy_publish(struct ctl *ctl)
{
    const char *path = ctl->args.words[0];
    struct buf file = { 0 };
    struct answer answer;
    struct problem problem;
    json_t *args = NULL;
    uint64_t version;
    enum exit_code code = EXIT_DONE;
    bool compiled_here = is_directory(path);
    if (compiled_here)
        code = sign_directory(ctl, path, &file, &version);
    else if (files_read(path, POLICY_FILE_BYTES_MAX, &file, &problem) != OK)
        code = ctl_problem(ctl, &problem);
    if (code != EXIT_DONE)
        return code;
    code = file_args(ctl, path, buf_bytes(&file), &args);
    if (compiled_here)
        free(file.at);
    else
        files_release(&file);
    if (code == EXIT_DONE)
        code = ctl_ask(ctl, "rules_publish", args, &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)printf(tr("Policy version %s is in force; offices get it as they link.\n",
                        "Kebijakan versi %s berlaku; kantor menerimanya saat tersambung.\n"),
                     text_of(answer.done, "version"));
    answer_close(&answer);
    return code;
}

/* --- policy show ---------------------------------------------------------------------------- */

static void names_line(const char *title, const json_t *list)
{
    size_t index;
    json_t *item;
    (void)printf("%s:", title);
    json_array_foreach(list, index, item) {
        (void)fputs(index ? ", " : " ", stdout);
        text_print(stdout, json_is_string(item) ? json_string_value(item) : text_of(item, "name"));
    }
    (void)fputs(json_array_size(list) == 0 ? " -\n" : "\n", stdout);
}

static void print_policy(const json_t *done)
{
    const char *titles[] = { tr("no", "no"),        tr("name", "nama"), tr("office", "kantor"),
                             tr("role", "peran"),   tr("from", "dari"), tr("until", "sampai"),
                             tr("state", "keadaan") };
    struct table table;
    size_t index;
    json_t *row;
    (void)printf(tr("Roster version %s, policy version %s", "Versi daftar %s, versi kebijakan %s"),
                 text_of(done, "trust_version"), text_of(done, "rules_version"));
    (void)printf(maybe_text_of(done, "rules_hash") ? " (%.16s)\n" : "%s\n",
                 text_of(done, "rules_hash"));
    names_line(tr("Collections", "Kumpulan data"), json_object_get(done, "collections"));
    table_open(&table, COUNT_OF(titles), titles);
    table.right[0] = true;
    json_array_foreach(json_object_get(done, "operators"), index, row) {
        table_add(&table, (const char *const[]){ text_of(row, "number"), text_of(row, "name"),
                                                 text_of(row, "node"), text_of(row, "role"),
                                                 text_of(row, "from"), text_of(row, "until"),
                                                 say_state(maybe_text_of(row, "state")) });
    }
    if (json_array_size(json_object_get(done, "operators")) > 0)
        table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
    policy_dated_print(done);
}

/* At the hub: the same form, from its trust state and the rules in force. */
static enum exit_code policy_of_hub(struct ctl *ctl, const char date[11], json_t **ret_done)
{
    struct trust_position position;
    struct policy *policy = NULL;
    enum exit_code code = trust_position_read(ctl, &position);
    if (code != EXIT_DONE)
        return code;
    code = rules_in_force(ctl, &policy);
    if (code == EXIT_DONE) {
        json_t *names = ctl_memory(json_array());
        for (size_t i = 0; policy && i < policy->collection_count; i++)
            json_array_append_new(names, json_string(policy->collections[i].name));
        json_t *done = ctl_memory(json_deep_copy(position.state));
        json_object_set_new(done, "trust_version", json_integer((json_int_t)position.version));
        json_object_set_new(done, "collections", names);
        if (policy)
            policy_dated(policy, date, done);
        *ret_done = done;
    }
    policy_close(&policy);
    trust_position_close(&position);
    return code;
}

static enum exit_code policy_of_office(struct ctl *ctl, const char *at, json_t **ret_done)
{
    struct answer answer;
    struct policy *policy = NULL;
    char date[DATE_TEXT_BYTES];
    json_t *args = ctl_memory(json_object());
    if (at)
        json_object_set_new(args, "at", json_string(at));
    enum exit_code code = ctl_ask(ctl, "policy_show", args, &answer);
    if (code != EXIT_DONE)
        return code;
    code = rules_in_force(ctl, &policy);
    if (code == EXIT_DONE) {
        if (policy && date_parse(bytes_text(text_of(answer.done, "at")), date))
            policy_dated(policy, date, answer.done);
        *ret_done = json_incref(answer.done);
    }
    policy_close(&policy);
    answer_close(&answer);
    return code;
}

enum exit_code cmd_policy_show(struct ctl *ctl)
{
    struct hello hello;
    json_t *done = NULL;
    const char *at = args_option(&ctl->args, "--at");
    char iso[DATE_TEXT_BYTES];
    if (at && !date_parse(bytes_text(at), iso))
        return ctl_problemf(ctl, ERR_DATE, "--at", ": %s", at);
    enum exit_code code = ctl_hello(ctl, &hello);
    if (code != EXIT_DONE)
        return code;
    if (!at)
        date_of_ms((uint64_t)time(NULL) * 1000, iso);
    code =
        hello.hub ? policy_of_hub(ctl, iso, &done) : policy_of_office(ctl, at ? iso : NULL, &done);
    if (code == EXIT_DONE && ctl->args.json)
        code = ctl_document(ctl, done, NULL);
    else if (code == EXIT_DONE)
        print_policy(done);
    json_decref(done);
    return code;
}
