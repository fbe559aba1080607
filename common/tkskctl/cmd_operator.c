/* People: their keys at the office, their assignment at the hub; unlocking. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/files.h"
#include "common/must.h"
#include "common/tkskctl/ask.h"
#include "common/tkskctl/roster.h"
#include "common/tkskctl/table.h"
#include "proto/value.h"

#define INVITE_BYTES_MAX (64U * 1024)

/* --- six words ------------------------------------------------------------------------------ */

/* Lower case, one space between words, whatever was typed. */
static void tidy_words(const char *typed, char *ret, size_t cap)
{
    size_t len = 0;
    for (; *typed && len + 2 < cap; typed++) {
        if (isalpha((unsigned char)*typed))
            ret[len++] = (char)tolower((unsigned char)*typed);
        else if (len > 0 && ret[len - 1] != ' ')
            ret[len++] = ' ';
    }
    while (len > 0 && ret[len - 1] == ' ')
        len--;
    ret[len] = '\0';
}

enum exit_code ask_six_words(struct ctl *ctl, const char *node, const char *kind, const char *name,
                             struct answer *ret_answer)
{
    const char *given = args_option(&ctl->args, "--words");
    for (;;) {
        char typed[256], words[256];
        if (!given && !ask_line(tr("The six words that they read out to you: ",
                                   "Enam kata yang mereka bacakan: "),
                                typed, sizeof(typed)))
            return ctl_problemf(ctl, ERR_USAGE, "--words", "%s",
                                tr("must be given", "harus disebut"));
        tidy_words(given ? given : typed, words, sizeof(words));
        json_t *args =
            ctl_memory(json_pack("{s:s, s:s, s:s}", "node", node, "kind", kind, "words", words));
        if (name)
            json_object_set_new(args, "name", json_string(name));
        enum exit_code code = ctl_try(ctl, "enrolment_check", args, ret_answer);
        if (code == EXIT_DONE)
            return code;
        if (!ret_answer->error)
            return code;
        bool again = !given && number_of(ret_answer->error, "tries_left") > 0;
        code = ctl_refused(ctl, ret_answer);
        answer_close(ret_answer);
        if (!again)
            return code;
    }
}

static enum exit_code show_words(struct ctl *ctl, const struct answer *answer, const char *lead)
{
    if (ctl->args.json)
        return ctl_document(ctl, answer->done, NULL);
    (void)printf("%s\n\n    %s\n\n", lead, text_of(answer->done, "words"));
    return EXIT_DONE;
}

/* --- at the office -------------------------------------------------------------------------- */

enum exit_code cmd_enrol(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code;
    if (ctl->args.count == 0) {
        code = ctl_ask(ctl, "enrol_status", NULL, &answer);
    } else {
        struct buf invite;
        struct problem problem;
        enum err err = files_read(ctl->args.words[0], INVITE_BYTES_MAX, &invite, &problem);
        if (err != OK)
            return ctl_problem(ctl, &problem);
        json_t *text = json_stringn((const char *)invite.at, invite.len);
        files_release(&invite);
        if (!text)
            return ctl_problemf(ctl, ERR_MALFORMED, ctl->args.words[0], "%s",
                                tr("this is not an invite", "bukan undangan"));
        code = ctl_ask(ctl, "enrol", ctl_memory(json_pack("{s:o}", "invite", text)), &answer);
    }
    if (code != EXIT_DONE)
        return code;
    if (maybe_text_of(answer.done, "words"))
        code = show_words(ctl, &answer,
                          tr("Call the district office at the number you know, and read these six "
                             "words:",
                             "Telepon Dinas di nomor yang Anda kenal, bacakan enam kata ini:"));
    else if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)printf(tr("Enrolment: %s.\n", "Pendaftaran: %s.\n"),
                     say_state(maybe_text_of(answer.done, "enrolment")));
    answer_close(&answer);
    return code;
}

/* Makes the key here: the daemon gets the wrapped key and what opens it, never the passphrase. */
static enum exit_code make_operator_key(struct ctl *ctl, const char *name, json_t **ret_args)
{
    char prompt[256], text[KEYFILE_TEXT_MAX];
    struct keyfile file = { .kind = "operator",
                            .mem_kib = KEYFILE_MEM_KIB_DEFAULT,
                            .passes = KEYFILE_PASSES_DEFAULT };
    struct passphrase passphrase;
    struct secret_key *derived = NULL;
    const char *role = args_option(&ctl->args, "--role");
    (void)snprintf(prompt, sizeof(prompt), tr("New passphrase of %.150s", "Kata sandi baru %.150s"),
                   name);
    enum exit_code code = ask_passphrase(ctl, prompt, true, &passphrase);
    if (code != EXIT_DONE)
        return code;
    struct secret_key *seed = ctl_memory(secret_key_new());
    crypto_sign_public(seed, &file.public_key);
    crypto_random(file.salt, sizeof(file.salt));
    enum err err = keyfile_derive(&file, passphrase_bytes(&passphrase), &derived);
    passphrase_wipe(&passphrase);
    if (err == OK)
        err = keyfile_wrap_derived(derived, seed, &file);
    if (err == OK) {
        keyfile_format(&file, text);
        char *key = base64_of(bytes_of(secret_key_bytes(derived), SECRET_KEY_BYTES));
        *ret_args = ctl_memory(json_pack("{s:s, s:s, s:s, s:s}", "keyfile", text, "derived", key,
                                         "name", name, "role", role ? role : ""));
        crypto_wipe(key, strlen(key));
        free(key);
    } else {
        code = ctl_problemf(ctl, err, name, "%s", "");
    }
    secret_key_close(&seed);
    secret_key_close(&derived);
    return code;
}

enum exit_code cmd_operator_add(struct ctl *ctl)
{
    const char *name = ctl->args.words[0];
    json_t *args = NULL;
    struct answer answer;
    if (strlen(name) == 0 || strlen(name) > NAME_TEXT_MAX)
        return ctl_problemf(ctl, ERR_USAGE, "NAME", "%d", NAME_TEXT_MAX);
    enum exit_code code = make_operator_key(ctl, name, &args);
    if (code == EXIT_DONE)
        code = ctl_ask(ctl, "operator_add", args, &answer);
    if (code != EXIT_DONE)
        return code;
    code =
        show_words(ctl, &answer,
                   tr("Call the district office at the number you know, and read these six words:",
                      "Telepon Dinas di nomor yang Anda kenal, bacakan enam kata ini:"));
    if (!ctl->args.json)
        (void)puts(tr("After the approval: tkskctl unlock", "Setelah disetujui: tkskctl buka"));
    answer_close(&answer);
    return code;
}

/* What a reset costs, in words, and whether to go on. */
static bool ask_reset(struct ctl *ctl, const char *name, const json_t *check)
{
    char others[200] = "", question[900];
    size_t index, used = 0;
    json_t *other;
    json_array_foreach(json_object_get(check, "others"), index, other) {
        int len = snprintf(others + used, sizeof(others) - used, "%s%.60s", index ? ", " : "",
                           json_string_value(other));
        if (len > 0 && used + (size_t)len < sizeof(others))
            used += (size_t)len;
    }
    if (!truth_of(check, "loses")) {
        (void)snprintf(question, sizeof(question),
                       tr("Make a new key for %.60s? Nothing is lost.",
                          "Buat kunci baru untuk %.60s? Tidak ada yang hilang."),
                       name);
        return ask_yes(ctl, question);
    }
    int len = 0;
    if (others[0])
        len = snprintf(question, sizeof(question),
                       tr("Does one of these still know their passphrase: %s? Then stop here; they "
                          "run `tkskctl unlock`, then this command again, and nothing is lost.\n",
                          "Apakah salah satu dari mereka masih ingat kata sandinya: %s? Kalau ya, "
                          "berhenti; dia menjalankan `tkskctl buka`, lalu ulangi perintah ini, dan "
                          "tidak ada yang hilang.\n"),
                       others);
    (void)snprintf(
        question + len, sizeof(question) - (size_t)len,
        tr("Without any passphrase the records on this netbook cannot be opened any more.\n"
           "- %" PRId64 " entries stored here and not sent yet still get sent, and are answered.\n"
           "- The records come back from the district office after its approval.\n"
           "- LOST: %" PRId64 " drafts, %" PRId64 " entries that wait for a countersignature; an "
           "import that was not finished begins anew.\n"
           "Go on with a new key for %.60s?",
           "Tanpa kata sandi, catatan di netbook ini tidak bisa dibuka lagi.\n"
           "- %" PRId64 " isian yang tersimpan dan belum terkirim tetap dikirim dan dijawab.\n"
           "- Catatan datang lagi dari Dinas setelah disetujui.\n"
           "- HILANG: %" PRId64 " draf, %" PRId64 " isian yang menunggu tanda tangan kedua; impor "
           "yang belum selesai mulai dari awal.\n"
           "Lanjut dengan kunci baru untuk %.60s?"),
        number_of(check, "queued"), number_of(check, "drafts"), number_of(check, "countersign"),
        name);
    return ask_yes(ctl, question);
}

enum exit_code cmd_operator_reset(struct ctl *ctl)
{
    const char *name = ctl->args.words[0];
    json_t *args = NULL;
    struct answer check, answer;
    enum exit_code code =
        ctl_ask(ctl, "operator_reset_check", ctl_memory(json_pack("{s:s}", "name", name)), &check);
    if (code != EXIT_DONE)
        return code;
    bool loses = truth_of(check.done, "loses");
    if (!ask_reset(ctl, name, check.done))
        code = EXIT_REFUSED;
    answer_close(&check);
    if (code == EXIT_DONE)
        code = make_operator_key(ctl, name, &args);
    if (code != EXIT_DONE)
        return code;
    json_object_set_new(args, "sure", json_boolean(loses));
    code = ctl_ask(ctl, "operator_reset", args, &answer);
    if (code != EXIT_DONE)
        return code;
    code =
        show_words(ctl, &answer,
                   tr("Call the district office at the number you know, and read these six words:",
                      "Telepon Dinas di nomor yang Anda kenal, bacakan enam kata ini:"));
    if (!ctl->args.json && truth_of(answer.done, "lost"))
        (void)puts(tr("What was stored here still gets sent. After the approval: tkskctl unlock; "
                      "the records then come back by themselves.",
                      "Yang tersimpan di sini tetap dikirim. Setelah disetujui: tkskctl buka; "
                      "catatan lalu datang lagi sendiri."));
    else if (!ctl->args.json)
        (void)puts(tr("Nothing is lost. After the approval: tkskctl unlock",
                      "Tidak ada yang hilang. Setelah disetujui: tkskctl buka"));
    answer_close(&answer);
    return code;
}

enum exit_code cmd_operator_words(struct ctl *ctl)
{
    struct answer answer;
    enum exit_code code = ctl_ask(
        ctl, "operator_words", ctl_memory(json_pack("{s:s}", "name", ctl->args.words[0])), &answer);
    if (code != EXIT_DONE)
        return code;
    code = show_words(ctl, &answer, tr("The six words:", "Enam katanya:"));
    answer_close(&answer);
    return code;
}

static enum exit_code ask_operator(struct ctl *ctl, const json_t *rows, const char *names,
                                   const json_t **ret_row)
{
    char typed[NAME_TEXT_MAX + 1], *end;
    size_t index;
    json_t *row;
    json_array_foreach(rows, index, row)
        (void)fprintf(stderr, "  %zu  %s\n", index + 1, text_of(row, "name"));
    if (!ask_line(tr("Who? ", "Siapa? "), typed, sizeof(typed)))
        return EXIT_REFUSED;
    unsigned long number = strtoul(typed, &end, 10);
    if (end != typed && *end == '\0' && number > 0)
        *ret_row = json_array_get(rows, number - 1);
    json_array_foreach(rows, index, row) {
        if (strcasecmp(text_of(row, "name"), typed) == 0)
            *ret_row = row;
    }
    return *ret_row ? EXIT_DONE
                    : ctl_problemf(ctl, ERR_NOT_FOUND, typed, tr("here are %s", "di sini ada %s"),
                                   names);
}

/* The one operator that is meant; several are listed, never guessed. */
static enum exit_code choose_operator(struct ctl *ctl, const json_t *rows, const json_t **ret_row)
{
    size_t count = json_array_size(rows), index;
    char names[PROBLEM_DETAIL_MAX] = "";
    json_t *row;
    if (count == 1) {
        *ret_row = json_array_get(rows, 0);
        return EXIT_DONE;
    }
    json_array_foreach(rows, index, row) {
        if (ctl->args.as && strcmp(text_of(row, "name"), ctl->args.as) == 0) {
            *ret_row = row;
            return EXIT_DONE;
        }
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof(names) - used, "%s%s", index ? ", " : "",
                       text_of(row, "name"));
    }
    if (count == 0)
        return ctl_problemf(ctl, ERR_NOT_FOUND, ctl->args.as ? ctl->args.as : "", "%s",
                            tr("nobody has a key here; begin with `tkskctl operator add NAME`",
                               "belum ada petugas; mulai dengan `tkskctl operator add NAMA`"));
    if (ctl->args.as)
        return ctl_problemf(ctl, ERR_NOT_FOUND, ctl->args.as, tr("here are %s", "di sini ada %s"),
                            names);
    if (ask_possible() && !ctl->args.json)
        return ask_operator(ctl, rows, names, ret_row);
    return ctl_problemf(ctl, ERR_AMBIGUOUS, "--as NAME", "%s", names);
}

static enum exit_code try_unlock(struct ctl *ctl, const json_t *row, struct answer *ret_answer)
{
    struct keyfile file;
    struct secret_key *derived = NULL;
    const char *name = text_of(row, "name");
    enum exit_code code = ask_derived(ctl, name, text_of(row, "keyfile"), &file, &derived);
    if (code != EXIT_DONE)
        return code;
    char *key = base64_of(bytes_of(secret_key_bytes(derived), SECRET_KEY_BYTES));
    code = ctl_try(ctl, "unlock", ctl_memory(json_pack("{s:s, s:s}", "name", name, "derived", key)),
                   ret_answer);
    crypto_wipe(key, strlen(key));
    free(key);
    secret_key_close(&derived);
    return code;
}

enum exit_code cmd_unlock(struct ctl *ctl)
{
    struct answer params, answer = { 0 };
    const json_t *row = NULL;
    json_t *args = ctl->args.as ? ctl_memory(json_pack("{s:s}", "name", ctl->args.as)) : NULL;
    enum exit_code code = ctl_ask(ctl, "unlock_params", args, &params);
    if (code != EXIT_DONE)
        return code;
    code = choose_operator(ctl, params.rows, &row);
    bool again = code == EXIT_DONE;
    for (unsigned tries = 0; again; tries++) {
        answer_close(&answer);
        code = try_unlock(ctl, row, &answer);
        if (code != EXIT_DONE && answer.error)
            code = ctl_refused(ctl, &answer);
        again = code != EXIT_DONE && answer.error && tries < 2 && ask_again(ctl) &&
                strcmp(text_of(answer.error, "code"), "passphrase") == 0;
    }
    if (code == EXIT_DONE && ctl->args.json) {
        code = ctl_document(ctl, answer.done, NULL);
    } else if (code == EXIT_DONE) {
        (void)printf(tr("Unlocked for %s", "Terbuka untuk %s"), text_of(answer.done, "name"));
        if (number_of(answer.done, "until_idle_minutes") > 0)
            (void)printf(tr("; locks itself after %s minutes without use",
                            "; terkunci sendiri setelah %s menit tidak dipakai"),
                         text_of(answer.done, "until_idle_minutes"));
        (void)puts(".");
    }
    answer_close(&answer);
    answer_close(&params);
    return code;
}

/* A line that node_admin_take_credential understands. */
static enum exit_code write_credential(struct ctl *ctl, const char *name,
                                       const struct secret_key *derived)
{
    struct problem problem;
    const char *path = args_option(&ctl->args, "-o");
    char *key = base64_of(bytes_of(secret_key_bytes(derived), SECRET_KEY_BYTES));
    char line[64 + 2 * SECRET_KEY_BYTES + NAME_TEXT_MAX];
    int len = snprintf(line, sizeof(line), "tksk-unlock 1 %lu %s %s\n", (unsigned long)getuid(),
                       key, name);
    enum err err = OK;
    must(len > 0 && (size_t)len < sizeof(line));
    if (path)
        err = files_write_new(path, 0600, bytes_of(line, (size_t)len), &problem);
    else if (fwrite(line, 1, (size_t)len, stdout) != (size_t)len || fflush(stdout) != 0)
        err = problem_set(&problem, ERR_IO, "-", strerror(errno));
    crypto_wipe(line, sizeof(line));
    crypto_wipe(key, strlen(key));
    free(key);
    return err == OK ? EXIT_DONE : ctl_problem(ctl, &problem);
}

enum exit_code cmd_operator_credential(struct ctl *ctl)
{
    struct answer params;
    const json_t *row = NULL;
    struct keyfile file;
    struct secret_key *derived = NULL, *seed = NULL;
    const char *named = ctl->args.count > 0 ? ctl->args.words[0] : ctl->args.as;
    if (!args_option(&ctl->args, "-o") && isatty(STDOUT_FILENO))
        return ctl_problemf(
            ctl, ERR_USAGE, "-o FILE", "%s",
            tr("it is a secret: say -o FILE, or pipe it into `systemd-creds encrypt`",
               "ini rahasia: sebut -o BERKAS, atau alirkan ke `systemd-creds encrypt`"));
    json_t *args = named ? ctl_memory(json_pack("{s:s}", "name", named)) : NULL;
    enum exit_code code = ctl_ask(ctl, "unlock_params", args, &params);
    if (code != EXIT_DONE)
        return code;
    code = choose_operator(ctl, params.rows, &row);
    if (code == EXIT_DONE)
        code = ask_derived(ctl, text_of(row, "name"), text_of(row, "keyfile"), &file, &derived);
    if (code == EXIT_DONE) {
        enum err err = keyfile_open_derived(&file, derived, &seed);
        secret_key_close(&seed);
        code = err == OK ? write_credential(ctl, text_of(row, "name"), derived)
                         : ctl_problemf(ctl, err, text_of(row, "name"), "%s", "");
        secret_key_close(&derived);
    }
    answer_close(&params);
    return code;
}

enum exit_code cmd_lock(struct ctl *ctl)
{
    struct answer answer;
    bool all = args_option(&ctl->args, "--all") != NULL;
    enum exit_code code = ctl_ask(ctl, "lock", ctl_memory(json_pack("{s:b}", "all", all)), &answer);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json)
        code = ctl_document(ctl, answer.done, NULL);
    else
        (void)puts(truth_of(answer.done, "locked")
                       ? tr("Locked; sending goes on.", "Terkunci; pengiriman tetap jalan.")
                       : tr("Locked for you; somebody else here is still unlocked.",
                            "Terkunci untuk Anda; petugas lain di sini masih terbuka."));
    answer_close(&answer);
    return code;
}
