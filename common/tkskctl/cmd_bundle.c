/* Bundles as files: what an office has queued, and what the district answers, for a stick or a
 * messenger. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/must.h"
#include "common/tkskctl/bundle.h"
#include "common/tkskctl/sign.h"
#include "common/tkskctl/table.h"

#define PART_BYTES_USUAL (16ULL * 1024 * 1024)
#define PART_BYTES_MAX (4ULL * 1024 * 1024 * 1024)

/* --- export --------------------------------------------------------------------------------- */

struct exporting {
    struct carry_out out;
    struct carry_header header;
    struct problem problem;
    uint8_t *space;
};

static enum exit_code part_size(struct ctl *ctl, size_t *ret_bytes)
{
    const char *text = args_option(&ctl->args, "--part-size");
    char *end = NULL;
    if (!text) {
        *ret_bytes = PART_BYTES_USUAL;
        return EXIT_DONE;
    }
    unsigned long long bytes = strtoull(text, &end, 10), unit = 1;
    switch (end == text ? '?' : *end) {
    case 'k':
    case 'K':
        unit = 1024;
        end++;
        break;
    case 'm':
    case 'M':
        unit = 1024ULL * 1024;
        end++;
        break;
    default:
        break;
    }
    if (end == text || *end != '\0' || bytes > PART_BYTES_MAX / unit ||
        bytes * unit < CARRY_PART_BYTES_MIN || text[0] == '-')
        return ctl_problemf(ctl, ERR_USAGE, "--part-size",
                            tr("%s; write a size from 64K on, as 64K or 16M",
                               "%s; tulis ukuran mulai 64K, seperti 64K atau 16M"),
                            text);
    *ret_bytes = (size_t)(bytes * unit);
    return EXIT_DONE;
}

static enum err export_row(void *ctx, json_t *row)
{
    struct exporting *exporting = ctx;
    const char *data = json_string_value(json_object_get(row, "data"));
    struct buf piece = buf_of(exporting->space, CARRY_PIECE_BYTES_MAX + 4);
    const struct carry_place where = { .kind = (unsigned)number_of(row, "kind"),
                                       .place = (unsigned)number_of(row, "place"),
                                       .first = (uint64_t)number_of(row, "first") };
    enum err err = data ? crypto_unbase64(bytes_text(data), &piece) : ERR_MALFORMED;
    if (err != OK)
        return problem_set(&exporting->problem, err, exporting->out.path, NULL);
    return carry_out_add(&exporting->out, &where, buf_bytes(&piece), &exporting->problem);
}

enum exit_code bundle_write(struct ctl *ctl, const struct bundle_order *order,
                            struct bundle_written *ret_written)
{
    struct exporting *exporting = ctl_memory(calloc(1, sizeof(*exporting)));
    bool force = args_option(&ctl->args, "--force") != NULL;
    json_t *done = NULL;
    size_t bytes = 0;
    enum exit_code code = part_size(ctl, &bytes);
    exporting->space = ctl_memory(malloc(CARRY_PIECE_BYTES_MAX + 4));
    exporting->header = (struct carry_header){ .district = bytes_text(order->district),
                                               .node = bytes_text(order->node),
                                               .way = order->way,
                                               .export_id = crypto_random_id(),
                                               .made_ms = wall_ms() };
    if (code != EXIT_DONE) {
        json_decref(order->args);
    } else if (carry_out_open(order->path, bytes, force, &exporting->out, &exporting->problem) !=
               OK) {
        json_decref(order->args);
        code = ctl_problem(ctl, &exporting->problem);
    } else {
        json_object_set_new(order->args, "piece_bytes",
                            json_integer((json_int_t)(bytes - CARRY_REST_BYTES)));
        code = ctl_stream(ctl, "bundle_export", order->args, export_row, exporting, &done);
        enum err err = exporting->problem.code;
        if (code == EXIT_DONE)
            err = carry_out_write(&exporting->out, &exporting->header, force, &ret_written->parts,
                                  &ret_written->bytes, &exporting->problem);
        if (err != OK)
            code = ctl_problem(ctl, &exporting->problem);
    }
    if (code == EXIT_DONE) {
        ret_written->entries = (uint64_t)number_of(done, "entries");
        ret_written->files = ctl_memory(json_array());
        for (unsigned i = 1; i <= ret_written->parts; i++) {
            char name[4120];
            carry_out_name(&exporting->out, i, ret_written->parts, name, sizeof(name));
            json_array_append_new(ret_written->files, json_string(name));
        }
    }
    carry_out_close(&exporting->out);
    json_decref(done);
    free(exporting->space);
    free(exporting);
    return code;
}

void bundle_say_files(const struct bundle_written *written)
{
    char size[SAY_SIZE_MAX];
    say_size(written->bytes, size);
    const char *first = json_string_value(json_array_get(written->files, 0));
    const char *last = json_string_value(json_array_get(written->files, written->parts - 1));
    text_print(stdout, first);
    if (written->parts > 1) {
        (void)fputs(" … ", stdout);
        text_print(stdout, last);
        (void)printf(tr(", %u parts", ", %u bagian"), written->parts);
    }
    (void)printf(", %s. ", size);
}

static enum exit_code say_exported(struct ctl *ctl, const struct bundle_order *order,
                                   const struct bundle_written *written)
{
    if (ctl->args.json) {
        json_t *result = ctl_memory(
            json_pack("{s:O, s:I, s:I, s:s, s:s}", "files", written->files, "bytes",
                      (json_int_t)written->bytes, "entries", (json_int_t)written->entries, "node",
                      order->node, "way", order->way == CARRY_TO_HUB ? "to_hub" : "to_node"));
        enum exit_code code = ctl_document(ctl, result, NULL);
        json_decref(result);
        return code;
    }
    bundle_say_files(written);
    if (order->way == CARRY_TO_NODE)
        (void)printf(tr("Carry it to office %s: `tkskctl bundle import`.\n",
                        "Bawa ke kantor %s: `tkskctl bundle import`.\n"),
                     order->node);
    else if (written->entries == 0)
        (void)puts(
            tr("Nothing is waiting to be sent; the answer to it brings policy and records.",
               "Tidak ada yang menunggu dikirim; jawabannya membawa kebijakan dan catatan."));
    else
        (void)printf(tr("For the district, not acknowledged yet: %" PRIu64 ". All of it stays "
                        "queued here until its answer comes, by file or by link.\n",
                        "%" PRIu64 " kiriman untuk Dinas. Semua tetap antre di sini sampai jawaban "
                        "Dinas datang, lewat berkas atau sambungan.\n"),
                     written->entries);
    return EXIT_DONE;
}

enum exit_code cmd_bundle_export(struct ctl *ctl)
{
    struct hello hello;
    struct bundle_written written = { .parts = 0 };
    enum exit_code code = ctl_hello(ctl, &hello);
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.count != (hello.hub ? 2u : 1u))
        return ctl_problemf(ctl, ERR_USAGE, "bundle export", "%s",
                            hello.hub ? tr("at the district name the office: NODE FILE",
                                           "di Dinas sebutkan kantornya: NODE FILE")
                                      : tr("at an office it goes to the district: FILE alone",
                                           "di kantor tujuannya Dinas: cukup FILE"));
    const struct bundle_order order = {
        .path = ctl->args.words[hello.hub ? 1 : 0],
        .district = hello.district,
        .node = hello.hub ? ctl->args.words[0] : hello.node,
        .way = hello.hub ? CARRY_TO_NODE : CARRY_TO_HUB,
        .args =
            ctl_memory(hello.hub ? json_pack("{s:s}", "node", ctl->args.words[0]) : json_object())
    };
    if (order.node[0] == '\0' || strlen(order.node) > NODE_TEXT_MAX) {
        json_decref(order.args);
        return ctl_problemf(ctl, ERR_STATE, "bundle export", "%s",
                            tr("this office has not enrolled yet", "kantor ini belum terdaftar"));
    }
    code = bundle_write(ctl, &order, &written);
    if (code == EXIT_DONE)
        code = say_exported(ctl, &order, &written);
    json_decref(written.files);
    return code;
}

/* --- import --------------------------------------------------------------------------------- */

/* By office, then as they were made: parts of one export in their order. */
static int part_compare(const void *a, const void *b)
{
    const struct bundle_part *x = a, *y = b;
    int node = strcmp(x->node, y->node);
    if (node != 0)
        return node;
    if (x->made_ms != y->made_ms)
        return x->made_ms < y->made_ms ? -1 : 1;
    int id = memcmp(x->export_id.at, y->export_id.at, ID_BYTES);
    return id != 0 ? id : x->part < y->part ? -1 : x->part > y->part;
}

/* A file that was put off because another was needed first gets its turn again when something new
 * has come. */
static enum exit_code take_all(struct ctl *ctl, struct bundle_import *import)
{
    enum exit_code code = EXIT_DONE;
    do {
        import->progress = false;
        for (size_t i = 0; i < import->count && code == EXIT_DONE; i++) {
            if (import->parts[i].state == BUNDLE_WAITS)
                code = bundle_take_part(ctl, import, &import->parts[i]);
        }
    } while (import->progress && code == EXIT_DONE);
    return code;
}

/* Whom the answer goes to: the one office that the files came from. */
static enum exit_code write_answer(struct ctl *ctl, struct bundle_import *import, const char *path,
                                   struct bundle_written *ret_written)
{
    const struct bundle_part *last = NULL;
    for (size_t i = 0; i < import->count; i++) {
        const struct bundle_part *part = &import->parts[i];
        if (part->lead_bytes == 0 || part->state == BUNDLE_BAD)
            continue;
        if (last && strcmp(last->node, part->node) != 0)
            return ctl_problemf(ctl, ERR_USAGE, "-o", "%s",
                                tr("files of several offices; import those of one at a time, or "
                                   "use `bundle export NODE FILE`",
                                   "berkas dari beberapa kantor; impor satu kantor sekali jalan, "
                                   "atau pakai `bundle export NODE FILE`"));
        last = part;
    }
    if (!last)
        return EXIT_REFUSED; /* why is said already */
    char *hello = base64_of(bytes_of(last->lead, last->lead_bytes));
    const struct bundle_order order = { .path = path,
                                        .district = import->district,
                                        .node = last->node,
                                        .way = CARRY_TO_NODE,
                                        .args = ctl_memory(json_pack("{s:s, s:s, s:b}", "node",
                                                                     last->node, "hello", hello,
                                                                     "forked", import->forked)) };
    free(hello);
    return bundle_write(ctl, &order, ret_written);
}

static void open_all(const struct ctl *ctl, struct bundle_import *import)
{
    import->parts = ctl_memory(calloc(ctl->args.count, sizeof(*import->parts)));
    import->count = ctl->args.count;
    for (size_t i = 0; i < import->count; i++) {
        import->parts[i].path = ctl->args.words[i];
        bundle_look(import, &import->parts[i]);
    }
    qsort(import->parts, import->count, sizeof(*import->parts), part_compare);
}

enum exit_code cmd_bundle_import(struct ctl *ctl)
{
    struct hello hello;
    struct bundle_written answer = { .parts = 0 };
    const char *path = args_option(&ctl->args, "-o");
    enum exit_code code = ctl_hello(ctl, &hello);
    if (code != EXIT_DONE)
        return code;
    if (path && !hello.hub)
        return ctl_problemf(ctl, ERR_USAGE, "-o", "%s",
                            tr("the district answers; here `bundle export` writes what is queued",
                               "yang menjawab adalah Dinas; di sini `bundle export` menulis "
                               "antrean"));
    struct bundle_import *import = ctl_memory(calloc(1, sizeof(*import)));
    import->hub = hello.hub;
    import->rows = ctl_memory(json_array());
    import->receipts = ctl_memory(json_array());
    (void)snprintf(import->district, sizeof(import->district), "%s", hello.district);
    (void)snprintf(import->node, sizeof(import->node), "%s", hello.node);
    open_all(ctl, import);
    code = take_all(ctl, import);
    enum exit_code said = code == EXIT_DONE ? bundle_settle(ctl, import) : code;
    if (code == EXIT_DONE && path)
        code = write_answer(ctl, import, path, &answer);
    if (said != EXIT_UNREACHABLE)
        bundle_say_receipt(ctl, import, answer.parts > 0 ? &answer : NULL);
    json_decref(answer.files);
    bundle_import_close(import);
    return code != EXIT_DONE ? code : said;
}
