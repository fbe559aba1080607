/* `blob get` and `blob list`: the bytes behind photos and files. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/crypto.h"
#include "common/tkskctl/attach.h"
#include "common/tkskctl/blob.h"
#include "common/tkskctl/outfile.h"
#include "common/tkskctl/table.h"
#include "proto/blob.h"

#define PIECE_BYTES_MAX ((size_t)1024 * 1024)

void blob_place(const json_t *blob, char *ret, size_t cap)
{
    const char *where = text_of(blob, "where");
    if (strcmp(where, "here") == 0)
        (void)snprintf(ret, cap, "%s", tr("on this netbook", "di netbook ini"));
    else if (strcmp(where, "office") == 0)
        (void)snprintf(ret, cap,
                       tr("at office %s, not sent to the district office yet",
                          "di kantor %s, belum dikirim ke Dinas"),
                       text_of(blob, "office"));
    else if (strcmp(where, "former") == 0)
        (void)snprintf(ret, cap, "%s",
                       tr("not here; the former netbook of this office had it",
                          "tidak ada di sini; adanya di netbook lama kantor ini"));
    else
        (void)snprintf(
            ret, cap, "%s",
            tr("not here; where it is is not known", "tidak ada di sini; tidak diketahui di mana"));
}

void blob_text(const json_t *blob, char *ret, size_t cap)
{
    char size[SAY_SIZE_MAX], place[160];
    say_size((uint64_t)number_of(blob, "size"), size);
    blob_place(blob, place, sizeof(place));
    (void)snprintf(ret, cap, "%s, %s, %s", text_of(blob, "type"), size, place);
}

/* ---- get */

struct getting {
    struct hasher hasher;
    uint8_t *space;
    struct outfile file;
    struct problem problem;
};

static enum err take_piece(void *ctx, json_t *row)
{
    struct getting *getting = ctx;
    const char *data = json_string_value(json_object_get(row, "data"));
    struct buf piece = buf_of(getting->space, PIECE_BYTES_MAX);
    enum err err = data ? crypto_unbase64(bytes_text(data), &piece) : ERR_MALFORMED;
    if (err != OK)
        return problem_set(&getting->problem, err, getting->file.path, NULL);
    hasher_add(&getting->hasher, buf_bytes(&piece));
    if (fwrite(piece.at, 1, piece.len, getting->file.out) != piece.len)
        return outfile_failed(&getting->file, errno, &getting->problem);
    return OK;
}

/* The record is the witness: the bytes are those whose hash was signed. */
static enum exit_code get_file(struct ctl *ctl, struct getting *getting, json_t *args,
                               json_t **ret_done)
{
    struct hash hash;
    char hex[2 * HASH_BYTES + 1];
    hasher_start(&getting->hasher, BLOB_HASH);
    enum exit_code code = ctl_stream(ctl, "blob_get", args, take_piece, getting, ret_done);
    hasher_end(&getting->hasher, &hash);
    crypto_hex(bytes_hash(&hash), hex);
    if (code == EXIT_DONE && strcmp(hex, text_of(*ret_done, "hash")) != 0)
        code = ctl_problemf(ctl, ERR_BLOB_DAMAGED, getting->file.path, "%s",
                            text_of(*ret_done, "type"));
    return code;
}

static enum exit_code blob_number(struct ctl *ctl, json_int_t *ret_number)
{
    const char *text = ctl->args.count > 2 ? ctl->args.words[2] : "1";
    char *end;
    long number = strtol(text, &end, 10);
    if (*end != '\0' || end == text || number < 1)
        return ctl_problemf(ctl, ERR_USAGE, "N", "%s", text);
    *ret_number = number;
    return EXIT_DONE;
}

enum exit_code cmd_blob_get(struct ctl *ctl)
{
    const char *path = args_option(&ctl->args, "-o");
    struct getting getting = { .problem = { .code = OK } };
    json_int_t number = 1;
    json_t *done = NULL;
    char size[SAY_SIZE_MAX];
    enum exit_code code = blob_number(ctl, &number);
    if (code == EXIT_DONE && access(path, F_OK) == 0 && !args_option(&ctl->args, "--force"))
        code = ctl_problemf(ctl, ERR_EXISTS, path, "%s", "");
    if (code == EXIT_DONE && outfile_open(path, &getting.file, &getting.problem) != OK)
        code = ctl_problem(ctl, &getting.problem);
    if (code != EXIT_DONE)
        return code;
    getting.space = ctl_memory(malloc(PIECE_BYTES_MAX));
    json_t *args = ctl_memory(json_pack("{s:s, s:s, s:I}", "id", ctl->args.words[0], "field",
                                        ctl->args.words[1], "n", number));
    if (args_option(&ctl->args, "--full"))
        json_object_set_new(args, "full", json_true());
    if (args_option(&ctl->args, "--reason"))
        json_object_set_new(args, "reason",
                            ctl_memory(json_string(args_option(&ctl->args, "--reason"))));
    code = get_file(ctl, &getting, args, &done);
    struct problem problem = { .code = OK };
    if (outfile_close(&getting.file, code == EXIT_DONE, &problem) != OK)
        code = ctl_problem(ctl, &problem);
    if (code == EXIT_DONE && ctl->args.json) {
        json_object_set_new(done, "file", json_string(path));
        code = ctl_document(ctl, done, NULL);
    } else if (code == EXIT_DONE) {
        say_size((uint64_t)number_of(done, "size"), size);
        text_print(stdout, path);
        (void)printf(": %s, %s\n", text_of(done, "type"), size);
    }
    crypto_wipe(getting.space, PIECE_BYTES_MAX);
    free(getting.space);
    json_decref(done);
    return code;
}

/* ---- list */

/* One row each file: {id, short, collection, field, label, n, hash, size, type, where, office}. */
static void add_files(json_t *list, const json_t *record, const char *collection,
                      const json_t *fields)
{
    size_t index, at;
    json_t *field, *blob;
    json_array_foreach(fields, index, field) {
        json_array_foreach(json_object_get(field, "blobs"), at, blob) {
            json_t *row = ctl_memory(json_pack(
                "{s:s, s:s, s:s, s:s, s:s, s:I}", "id", text_of(record, "id"), "short",
                text_of(record, "short"), "collection", collection, "field", text_of(field, "name"),
                "label", text_of(field, "label"), "n", (json_int_t)at + 1));
            json_object_update(row, blob);
            json_array_append_new(list, row);
        }
    }
}

static enum exit_code list_record(struct ctl *ctl, const char *id, json_t *list)
{
    struct answer answer;
    enum exit_code code = ctl_ask(ctl, "show", ctl_memory(json_pack("{s:s}", "id", id)), &answer);
    if (code != EXIT_DONE)
        return code;
    add_files(list, answer.done, text_of(answer.done, "collection"),
              json_object_get(answer.done, "fields"));
    answer_close(&answer);
    return EXIT_DONE;
}

static enum exit_code list_collection(struct ctl *ctl, const char *collection, json_t *list)
{
    char after[64] = "";
    enum exit_code code = EXIT_DONE;
    for (bool more = true; more && code == EXIT_DONE;) {
        struct answer answer;
        size_t index;
        json_t *row;
        json_t *args =
            ctl_memory(json_pack("{s:s, s:s}", "collection", collection, "after", after));
        code = ctl_ask(ctl, "blob_list", args, &answer);
        if (code != EXIT_DONE)
            break;
        json_array_foreach(answer.rows, index, row)
            add_files(list, row, collection, json_object_get(row, "fields"));
        more = truth_of(answer.done, "more");
        (void)snprintf(after, sizeof(after), "%s", text_of(answer.done, "after"));
        answer_close(&answer);
    }
    return code;
}

static enum exit_code list_all(struct ctl *ctl, json_t *list)
{
    struct answer answer;
    size_t index, at;
    json_t *collection, *field;
    struct hello hello;
    enum exit_code code = ctl_hello(ctl, &hello);
    if (code == EXIT_DONE && hello.hub)
        return ctl_problemf(ctl, ERR_USAGE, "ID", "%s",
                            tr("the district office keeps no bytes; say which record",
                               "Dinas tidak menyimpan berkasnya; sebut catatan yang mana"));
    if (code == EXIT_DONE)
        code = ctl_ask(ctl, "collections", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    json_array_foreach(answer.rows, index, collection) {
        bool any = false;
        json_array_foreach(json_object_get(collection, "fields"), at, field)
            any = any || attach_field(field);
        if (any && code == EXIT_DONE)
            code = list_collection(ctl, text_of(collection, "name"), list);
    }
    answer_close(&answer);
    return code;
}

static void print_files(const json_t *list)
{
    const char *titles[] = { tr("no", "no"),      tr("field", "isian"), tr("file", "berkas ke"),
                             tr("kind", "jenis"), tr("size", "ukuran"), tr("where", "di mana") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.wraps = (int)COUNT_OF(titles) - 1;
    json_array_foreach(list, index, row) {
        char size[SAY_SIZE_MAX], place[160];
        const char *number = maybe_text_of(row, "short");
        const char *label = maybe_text_of(row, "label");
        say_size((uint64_t)number_of(row, "size"), size);
        blob_place(row, place, sizeof(place));
        table_add(&table,
                  (const char *const[]){ number ? number : text_of(row, "id"),
                                         label ? label : text_of(row, "field"), text_of(row, "n"),
                                         text_of(row, "type"), size, place });
    }
    table_print(&table, stdout, terminal_width(stdout));
    table_close(&table);
}

enum exit_code cmd_blob_list(struct ctl *ctl)
{
    json_t *list = ctl_memory(json_array());
    enum exit_code code =
        ctl->args.count > 0 ? list_record(ctl, ctl->args.words[0], list) : list_all(ctl, list);
    if (code == EXIT_DONE && ctl->args.json)
        code = ctl_document(ctl, NULL, list);
    else if (code == EXIT_DONE && json_array_size(list) == 0)
        (void)puts(tr("No photos or files.", "Tidak ada foto atau berkas."));
    else if (code == EXIT_DONE)
        print_files(list);
    json_decref(list);
    return code;
}
