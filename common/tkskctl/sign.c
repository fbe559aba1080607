#include "common/tkskctl/sign.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "common/files.h"
#include "common/must.h"
#include "common/tkskctl/ask.h"

/* A statement that somebody else's overtook is signed again this often. */
#define PUBLISH_ATTEMPTS 3

uint64_t wall_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool hex_of(const json_t *object, const char *key, void *ret, size_t len)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text && crypto_unhex(bytes_text(text), ret, len);
}

char *base64_of(struct bytes in)
{
    size_t cap = (in.len + 2) / 3 * 4 + 1;
    char *text = ctl_memory(malloc(cap));
    enum err err = crypto_base64(in, text, cap);
    must(err == OK);
    return text;
}

/* --- key files ------------------------------------------------------------------------------ */

enum exit_code officer_key_path(struct ctl *ctl, char *ret, size_t cap)
{
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int len;
    if (ctl->args.key)
        len = snprintf(ret, cap, "%s", ctl->args.key);
    else if (base && base[0] == '/')
        len = snprintf(ret, cap, "%s/tksk/officer.key", base);
    else if (home && home[0] == '/')
        len = snprintf(ret, cap, "%s/.config/tksk/officer.key", home);
    else
        return ctl_problemf(
            ctl, ERR_USAGE, "--key", "%s",
            tr("say where the officer's key file is", "sebutkan letak berkas kunci pejabat"));
    if (len < 0 || (size_t)len >= cap)
        return ctl_problemf(ctl, ERR_LIMIT, "--key", "%zu", cap);
    return EXIT_DONE;
}

/* Opens a parsed key file; a mistyped passphrase may be typed again. */
static enum exit_code open_keyfile(struct ctl *ctl, const char *path, const struct keyfile *file,
                                   struct secret_key **ret_key)
{
    char prompt[256];
    struct secret_key *key = NULL;
    enum exit_code code = EXIT_DONE;
    enum err err = ERR_PASSPHRASE;
    (void)snprintf(prompt, sizeof(prompt), tr("Passphrase of %.180s", "Kata sandi untuk %.180s"),
                   path);
    for (unsigned tries = 0; tries < 3 && err == ERR_PASSPHRASE; tries++) {
        struct passphrase passphrase;
        if (tries > 0 && !ask_again(ctl))
            break;
        if (tries > 0)
            (void)fprintf(stderr, "%s\n", tr("That was not it.", "Bukan itu."));
        code = ask_passphrase(ctl, prompt, false, &passphrase);
        if (code != EXIT_DONE)
            return code;
        err = keyfile_open(file, passphrase_bytes(&passphrase), &key);
        passphrase_wipe(&passphrase);
    }
    if (err != OK)
        return ctl_problemf(ctl, err, path, "%s", path);
    *ret_key = key;
    return EXIT_DONE;
}

/* *ret_file is of `kind`. ERR_NOT_FOUND is left unsaid. */
static enum err read_keyfile(const char *path, const char *kind, struct keyfile *ret_file,
                             struct problem *problem)
{
    struct buf content;
    enum err err = files_read(path, KEYFILE_TEXT_MAX * 2, &content, problem);
    if (err != OK)
        return err;
    err = keyfile_parse(buf_bytes(&content), ret_file);
    files_release(&content);
    if (err != OK)
        return problem_set(problem, err, path, tr("this is not a key file", "bukan berkas kunci"));
    if (strcmp(ret_file->kind, kind) != 0)
        return problem_setf(problem, ERR_KEY, path,
                            tr("it is a key of kind %s, not %s", "jenis kuncinya %s, bukan %s"),
                            ret_file->kind, kind);
    return OK;
}

enum exit_code officer_key_open(struct ctl *ctl, struct secret_key **ret_key)
{
    char path[512];
    struct keyfile file;
    struct problem problem;
    enum exit_code code = officer_key_path(ctl, path, sizeof(path));
    if (code != EXIT_DONE)
        return code;
    enum err err = read_keyfile(path, "officer", &file, &problem);
    if (err == ERR_NOT_FOUND)
        return ctl_problemf(ctl, ERR_KEY, path, "%s",
                            tr("there is no officer's key here; name it with --key FILE",
                               "tidak ada kunci pejabat di sini; sebutkan dengan --key BERKAS"));
    if (err != OK)
        return ctl_problem(ctl, &problem);
    return open_keyfile(ctl, path, &file, ret_key);
}

static enum exit_code make_key_file(struct ctl *ctl, const char *path, const char *kind,
                                    struct secret_key **ret_key)
{
    char prompt[256], text[KEYFILE_TEXT_MAX], directory[512];
    struct passphrase passphrase;
    struct public_key public_key;
    struct keyfile file;
    struct problem problem;
    (void)snprintf(
        prompt, sizeof(prompt),
        tr("New passphrase for %.160s (%s key)", "Kata sandi baru untuk %.160s (kunci %s)"), path,
        kind);
    enum exit_code code = ask_passphrase(ctl, prompt, true, &passphrase);
    if (code != EXIT_DONE)
        return code;
    struct secret_key *key = ctl_memory(secret_key_new());
    crypto_sign_public(key, &public_key);
    enum err err = keyfile_wrap(kind, &public_key, key, passphrase_bytes(&passphrase), &file);
    passphrase_wipe(&passphrase);
    if (err == OK)
        keyfile_format(&file, text);
    else
        (void)problem_set(&problem, err, path, NULL);
    (void)snprintf(directory, sizeof(directory), "%s", path);
    char *slash = strrchr(directory, '/');
    if (err == OK && slash && slash != directory) {
        *slash = '\0';
        err = files_make_directory(directory, 0700, &problem);
    }
    if (err == OK)
        err = files_write_new(path, 0600, bytes_text(text), &problem);
    if (err != OK) {
        secret_key_close(&key);
        return ctl_problem(ctl, &problem);
    }
    *ret_key = key;
    return EXIT_DONE;
}

enum exit_code key_file_open_or_make(struct ctl *ctl, const char *path, const char *kind,
                                     struct secret_key **ret_key)
{
    struct keyfile file;
    struct problem problem;
    enum err err = read_keyfile(path, kind, &file, &problem);
    if (err == ERR_NOT_FOUND)
        return make_key_file(ctl, path, kind, ret_key);
    if (err != OK)
        return ctl_problem(ctl, &problem);
    return open_keyfile(ctl, path, &file, ret_key);
}

/* --- trust statements ----------------------------------------------------------------------- */

void trust_position_close(struct trust_position *position)
{
    json_decref(position->state);
    position->state = NULL;
}

enum exit_code trust_position_read(struct ctl *ctl, struct trust_position *ret_position)
{
    struct answer answer;
    struct trust_position position = { 0 };
    enum exit_code code = ctl_ask(ctl, "trust_state", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    const char *district = text_of(answer.done, "district");
    position.version = (uint64_t)number_of(answer.done, "version");
    position.rules_version = (uint64_t)number_of(answer.done, "rules_version");
    (void)snprintf(position.district, sizeof(position.district), "%s", district);
    bool hashes =
        position.version == 0 || hex_of(answer.done, "hash", position.hash.at, HASH_BYTES);
    hashes = hashes && (position.rules_version == 0 ||
                        hex_of(answer.done, "rules_hash", position.rules_hash.at, HASH_BYTES));
    if (!hashes)
        code = ctl_problemf(ctl, ERR_MALFORMED, "trust_state", "hash");
    else
        position.state = json_incref(answer.done);
    answer_close(&answer);
    if (code == EXIT_DONE)
        *ret_position = position;
    return code;
}

enum exit_code trust_publish(struct ctl *ctl, const struct trust_position *position,
                             struct bytes ops, const struct secret_key *const *keys, unsigned count,
                             bool *ret_outrun)
{
    uint8_t *space = ctl_memory(malloc(TRUST_STATEMENT_BYTES_MAX));
    struct writer statement = writer_of(space, TRUST_STATEMENT_BYTES_MAX);
    struct answer answer = { 0 };
    enum err err = trust_sign(position->district, position->version + 1, &position->hash, wall_ms(),
                              ops, keys, count, &statement);
    enum exit_code code;
    *ret_outrun = false;
    if (err != OK) {
        code = ctl_problemf(ctl, err, tr("trust statement", "pernyataan"), "%d",
                            TRUST_STATEMENT_BYTES_MAX);
    } else {
        char *text = base64_of(writer_bytes(&statement));
        code = ctl_try(ctl, "trust_publish", ctl_memory(json_pack("{s:s}", "statement", text)),
                       &answer);
        free(text);
        *ret_outrun = answer.error && strcmp(text_of(answer.error, "code"), "state") == 0;
        if (answer.error && !*ret_outrun)
            code = ctl_refused(ctl, &answer);
    }
    answer_close(&answer);
    free(space);
    return code;
}

enum exit_code trust_sign_publish_with(struct ctl *ctl, struct secret_key **key,
                                       trust_ops_write *write, void *ctx, uint64_t *ret_version)
{
    uint8_t *space = ctl_memory(malloc(TRUST_STATEMENT_BYTES_MAX));
    bool outrun = true;
    enum exit_code code = EXIT_DONE;
    for (unsigned attempt = 0; attempt < PUBLISH_ATTEMPTS && outrun; attempt++) {
        struct trust_position position;
        struct writer ops = writer_of(space, TRUST_STATEMENT_BYTES_MAX);
        outrun = false;
        code = trust_position_read(ctl, &position);
        if (code != EXIT_DONE)
            break;
        if (position.version == 0)
            code = ctl_problemf(ctl, ERR_STATE, ctl->args.command->name, "%s",
                                tr("the district is not founded; first `tkskctl trust init`",
                                   "kabupaten belum didirikan; dahulu `tkskctl trust init`"));
        if (code == EXIT_DONE)
            code = write(ctl, ctx, &position, &ops);
        if (code == EXIT_DONE && ops.err != OK)
            code = ctl_problemf(ctl, ops.err, ctl->args.command->name, "%d",
                                TRUST_STATEMENT_BYTES_MAX);
        if (code == EXIT_DONE && !*key)
            code = officer_key_open(ctl, key);
        if (code == EXIT_DONE)
            code = trust_publish(ctl, &position, writer_bytes(&ops),
                                 (const struct secret_key *const[]){ *key }, 1, &outrun);
        *ret_version = position.version + 1;
        trust_position_close(&position);
    }
    if (outrun)
        code = ctl_problemf(ctl, ERR_STATE, ctl->args.command->name, "%s",
                            tr("others published at the same moment; try again",
                               "ada yang menerbitkan bersamaan; coba lagi"));
    free(space);
    return code;
}

enum exit_code trust_sign_publish(struct ctl *ctl, trust_ops_write *write, void *ctx,
                                  uint64_t *ret_version)
{
    struct secret_key *key = NULL;
    enum exit_code code = trust_sign_publish_with(ctl, &key, write, ctx, ret_version);
    secret_key_close(&key);
    return code;
}

/* --- rules ---------------------------------------------------------------------------------- */

/* The document inside signed rules = [document bin, signatures]. The hub has checked the
 * signatures; what is wanted here is only what it says. */
static enum err document_of(struct bytes signed_rules, struct bytes *ret_document)
{
    enum err err = codec_scan(signed_rules);
    if (err != OK)
        return err;
    struct reader reader = reader_of(signed_rules);
    reader_array_of(&reader, 2);
    struct bytes document = reader_bin(&reader);
    (void)reader_raw(&reader);
    err = reader_end(&reader);
    if (err == OK)
        *ret_document = document;
    return err;
}

static enum err decode_rules(const char *base64, struct policy **ret_policy,
                             struct problem *problem)
{
    size_t cap = strlen(base64) / 4 * 3 + 3;
    struct buf signed_rules = buf_of(ctl_memory(malloc(cap)), cap);
    struct bytes document;
    enum err err = crypto_unbase64(bytes_text(base64), &signed_rules);
    if (err == OK)
        err = document_of(buf_bytes(&signed_rules), &document);
    if (err == OK)
        err = policy_decode(document, ret_policy, problem);
    else
        (void)problem_set(problem, err, "rules_get", "document");
    free(signed_rules.at);
    return err;
}

enum exit_code rules_in_force(struct ctl *ctl, struct policy **ret_policy)
{
    struct answer answer;
    struct problem problem;
    enum exit_code code = ctl_try(ctl, "rules_get", NULL, &answer);
    bool none = answer.error && (strcmp(text_of(answer.error, "code"), "not_found") == 0 ||
                                 strcmp(text_of(answer.error, "code"), "state") == 0);
    none = none || (answer.done && !maybe_text_of(answer.done, "document"));
    if (none) {
        *ret_policy = NULL;
        code = EXIT_DONE;
    } else if (answer.error) {
        code = ctl_refused(ctl, &answer);
    } else if (code == EXIT_DONE &&
               decode_rules(text_of(answer.done, "document"), ret_policy, &problem) != OK) {
        code = ctl_problem(ctl, &problem);
    }
    answer_close(&answer);
    return code;
}
