/* A personal signature on records: what exactly is signed, then the passphrase, then the signing in
 * one transaction. */
#include <stdlib.h>

#include "common/must.h"
#include "common/tkskctl/ask.h"
#include "common/tkskctl/sign.h"
#include "common/tkskctl/table.h"

#define ATTEMPTS_MAX 3

/* --- what is shown -------------------------------------------------------------------------- */

/* A photo or file is signed by its hash; here its size and type say enough. */
static void print_blob(const json_t *field, FILE *out)
{
    size_t index;
    json_t *blob;
    json_array_foreach(json_object_get(field, "blobs"), index, blob)
        (void)fprintf(out, "    %.12s… %s, %s byte\n", text_of(blob, "hash"), text_of(blob, "type"),
                      text_of(blob, "size"));
}

static void add_field(struct table *table, const json_t *field)
{
    const char *value = maybe_text_of(field, "value");
    size_t blobs = json_array_size(json_object_get(field, "blobs"));
    char count[64];
    (void)snprintf(count, sizeof(count), tr("%zu files, see below", "%zu berkas, lihat di bawah"),
                   blobs);
    table_label(table, text_of(field, "label"),
                blobs > 0 ? count
                : value   ? value
                          : tr("(empty)", "(kosong)"));
}

static void print_record(const json_t *row, FILE *out)
{
    struct table table;
    size_t index;
    json_t *field;
    text_print(out, text_of(row, "title"));
    (void)fprintf(out, " %s: %s\n", text_of(row, "short"), text_of(row, "field_label"));
    table_open(&table, 2, NULL);
    json_array_foreach(json_object_get(row, "covered"), index, field)
        add_field(&table, field);
    table_print(&table, out, terminal_width(out));
    table_close(&table);
    json_array_foreach(json_object_get(row, "covered"), index, field)
        print_blob(field, out);
    json_array_foreach(json_object_get(row, "sets"), index, field) {
        (void)fprintf(out, "%s ", tr("You declare:", "Anda menyatakan:"));
        text_print(out, text_of(field, "label"));
        (void)fputc('\n', out);
    }
    (void)fprintf(out, "%s ", tr("It becomes:", "Menjadi:"));
    text_print(out, text_of(row, "to_label"));
    (void)fprintf(out, " (%s → %s)\n\n", text_of(row, "from"), text_of(row, "to"));
}

static void print_plan(const struct answer *plan, FILE *out)
{
    size_t index;
    json_t *row;
    json_array_foreach(plan->rows, index, row)
        print_record(row, out);
    json_array_foreach(json_object_get(plan->done, "warnings"), index, row) {
        text_wrap(out, json_is_string(row) ? json_string_value(row) : "", 0, terminal_width(out));
        (void)fputc('\n', out);
    }
    (void)fprintf(out, "%s ", tr("Signed by", "Ditandatangani oleh"));
    text_print(out, text_of(plan->done, "name"));
    (void)fprintf(out, ", %s, %s", text_of(plan->done, "role_label"), text_of(plan->done, "area"));
    if (maybe_text_of(plan->done, "area_name")) {
        (void)fputc(' ', out);
        text_print(out, text_of(plan->done, "area_name"));
    }
    (void)fputc('\n', out);
}

/* --- signing --------------------------------------------------------------------------------- */

static json_t *ids_of(const json_t *rows, json_t *marks)
{
    json_t *ids = ctl_memory(json_array()), *row;
    size_t index;
    json_array_foreach(rows, index, row) {
        json_array_append(ids, json_object_get(row, "id"));
        json_object_set(marks, text_of(row, "id"), json_object_get(row, "mark"));
    }
    return ids;
}

static enum exit_code try_sign(struct ctl *ctl, const struct answer *plan, const char *request,
                               struct answer *ret_answer)
{
    struct keyfile file;
    struct secret_key *derived = NULL;
    enum exit_code code = ask_derived(ctl, text_of(plan->done, "name"),
                                      text_of(plan->done, "keyfile"), &file, &derived);
    if (code != EXIT_DONE)
        return code;
    char *key = base64_of(bytes_of(secret_key_bytes(derived), SECRET_KEY_BYTES));
    json_t *marks = ctl_memory(json_object());
    json_t *ids = ids_of(plan->rows, marks);
    code = ctl_try(ctl, "sign",
                   ctl_memory(json_pack("{s:o, s:o, s:s, s:s}", "ids", ids, "marks", marks,
                                        "derived", key, "request", request)),
                   ret_answer);
    crypto_wipe(key, strlen(key));
    free(key);
    secret_key_close(&derived);
    return code;
}

static void print_signed(const struct answer *plan, const struct answer *answer)
{
    size_t index;
    json_t *row;
    json_array_foreach(plan->rows, index, row) {
        (void)printf("%s: ", text_of(row, "short"));
        text_print(stdout, text_of(row, "to_label"));
        (void)printf(" (%s)\n", say_state("queued"));
    }
    json_array_foreach(json_object_get(answer->done, "warnings"), index, row)
        text_wrap(stdout, json_is_string(row) ? json_string_value(row) : "", 0,
                  terminal_width(stdout));
}

static enum exit_code sign(struct ctl *ctl, const struct answer *plan, const char *request)
{
    struct answer answer = { 0 };
    enum exit_code code = EXIT_REFUSED;
    bool again = true;
    for (unsigned tries = 0; again; tries++) {
        answer_close(&answer);
        code = try_sign(ctl, plan, request, &answer);
        if (code != EXIT_DONE && answer.error)
            code = ctl_refused(ctl, &answer);
        again = code != EXIT_DONE && answer.error && tries + 1 < ATTEMPTS_MAX && ask_again(ctl) &&
                strcmp(text_of(answer.error, "code"), "passphrase") == 0;
    }
    if (code == EXIT_DONE && ctl->args.json)
        code = ctl_document(ctl, answer.done, plan->rows);
    else if (code == EXIT_DONE)
        print_signed(plan, &answer);
    answer_close(&answer);
    return code;
}

/* The passphrase is what says yes: it is asked for after all has been shown, every time. */
enum exit_code cmd_sign(struct ctl *ctl)
{
    struct answer plan;
    char request[37];
    json_t *ids = ctl_memory(json_array());
    must(ctl->args.count > 0);
    for (size_t i = 0; i < ctl->args.count; i++)
        json_array_append_new(ids, json_string(ctl->args.words[i]));
    enum exit_code code = ctl_request_id(ctl, request);
    if (code != EXIT_DONE) {
        json_decref(ids);
        return code;
    }
    code = ctl_ask(ctl, "sign_show", ctl_memory(json_pack("{s:o}", "ids", ids)), &plan);
    if (code != EXIT_DONE)
        return code;
    if (!ctl->args.json)
        print_plan(&plan, stderr);
    code = sign(ctl, &plan, request);
    answer_close(&plan);
    return code;
}
