/* Bundle files on their way in: looked at, handed over piece by piece, and the receipt. */
#include "common/tkskctl/bundle.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/must.h"
#include "common/tkskctl/sign.h"
#include "common/tkskctl/table.h"
#include "proto/codec.h"

#define CHUNK_BYTES (512 * 1024) /* of a piece in one request */

static const char *const lane_names[LANE_COUNT] = { "urgent", "normal", "bulk" };

/* --- what is wrong -------------------------------------------------------------------------- */

static json_t *problem_json(const struct problem *problem)
{
    char rule[PROBLEM_DETAIL_MAX + 256];
    problem_rule(problem, say_lang_now(), rule, sizeof(rule));
    return ctl_memory(json_pack("{s:s, s:s, s:s, s:s}", "code", err_name(problem->code), "thing",
                                problem->thing, "rule", rule, "remedy",
                                problem_remedy(problem, say_lang_now())));
}

/* Takes `error`. */
static void part_error(struct bundle_part *part, enum bundle_state state, json_t *error)
{
    json_decref(part->error);
    part->error = error;
    part->state = state;
}

static void part_problem(struct bundle_part *part, enum err code, const char *detail)
{
    struct problem problem;
    (void)problem_set(&problem, code, part->path, detail);
    part_error(part, BUNDLE_BAD, problem_json(&problem));
}

/* --- looking -------------------------------------------------------------------------------- */

/* The first two numbers of a piece and of a bundle in it: [kind, …] and [2, head, bundle]. */
static unsigned kind_of(struct bytes piece)
{
    if (codec_scan(piece) != OK)
        return 0;
    struct reader in = reader_of(piece);
    (void)reader_array(&in);
    uint64_t kind = reader_uint(&in);
    return in.err == OK && kind <= UINT8_MAX ? (unsigned)kind : 0;
}

static unsigned bundle_lane(struct bytes piece)
{
    struct reader in = reader_of(piece);
    (void)reader_array(&in);
    (void)reader_uint(&in);
    (void)reader_bin(&in);
    struct bytes bundle = reader_bin(&in);
    if (in.err != OK || codec_scan(bundle) != OK)
        return 0;
    in = reader_of(bundle);
    (void)reader_array(&in);
    (void)reader_uint(&in);
    uint64_t lane = reader_uint(&in);
    return in.err == OK && lane < LANE_COUNT ? (unsigned)lane : 0;
}

static void copy_text(char *ret, size_t cap, struct bytes text)
{
    (void)snprintf(ret, cap, "%.*s", (int)text.len, (const char *)text.at);
}

static void note_header(struct bundle_part *part, const struct carry_header *header)
{
    copy_text(part->district, sizeof(part->district), header->district);
    copy_text(part->node, sizeof(part->node), header->node);
    part->way = header->way;
    part->export_id = header->export_id;
    part->made_ms = header->made_ms;
    part->part = header->part;
    part->part_count = header->part_count;
}

/* Said of the header; what counts is signed and judged by the daemon. */
static void check_place(const struct bundle_import *import, struct bundle_part *part)
{
    char detail[128];
    bool elsewhere = import->hub
                         ? part->way != CARRY_TO_HUB
                         : part->way == CARRY_TO_NODE && strcmp(part->node, import->node) != 0;
    if (strcmp(part->district, import->district) != 0)
        (void)snprintf(detail, sizeof(detail), tr("it is of district %s", "milik kabupaten %s"),
                       part->district);
    else if (elsewhere)
        (void)snprintf(detail, sizeof(detail), tr("it goes to office %s", "tujuannya kantor %s"),
                       part->node);
    else if (!import->hub && part->way != CARRY_TO_NODE)
        (void)snprintf(
            detail, sizeof(detail),
            tr("it goes from office %s to the district", "dari kantor %s, tujuannya Dinas"),
            part->node);
    else
        return;
    part_problem(part, ERR_CARRY_PLACE, detail);
}

void bundle_look(const struct bundle_import *import, struct bundle_part *part)
{
    struct carry_in *in = ctl_memory(calloc(1, sizeof(*in)));
    struct problem problem = { .code = OK };
    struct bytes piece;
    enum err err = carry_in_open(part->path, in, &problem);
    if (err == OK)
        note_header(part, &in->header);
    while (err == OK && (err = carry_in_next(in, &piece, &problem)) == OK) {
        unsigned kind = in->pieces == 1 ? kind_of(piece) : 0;
        if ((kind == CARRY_HELLO || kind == CARRY_ANSWER) && piece.len <= sizeof(part->lead)) {
            memcpy(part->lead, piece.at, piece.len);
            part->lead_bytes = piece.len;
        }
    }
    if (err != ERR_NOT_FOUND || problem.code != OK) {
        part_error(part, BUNDLE_BAD, problem_json(&problem));
    } else {
        check_place(import, part);
        if (part->state != BUNDLE_BAD && import->hub && part->lead_bytes == 0)
            part_problem(part, ERR_CARRY, tr("its first piece", "potongan pertamanya"));
    }
    carry_in_close(in);
    free(in);
}

/* --- receipts at the district --------------------------------------------------------------- */

/* {node, standing, lanes: [{lane, received, new, known, counted}], changes: {…}} */
static json_t *receipt_of(struct bundle_import *import, const char *node)
{
    size_t index;
    json_t *receipt;
    json_array_foreach(import->receipts, index, receipt) {
        if (strcmp(text_of(receipt, "node"), node) == 0)
            return receipt;
    }
    receipt = ctl_memory(json_pack("{s:s, s:[], s:{}}", "node", node, "lanes", "changes"));
    for (unsigned i = 0; i < LANE_COUNT; i++)
        json_array_append_new(json_object_get(receipt, "lanes"),
                              json_pack("{s:s, s:i, s:i, s:i, s:i}", "lane", lane_names[i],
                                        "received", 0, "new", 0, "known", 0, "counted", 0));
    json_array_append_new(import->receipts, receipt);
    return receipt;
}

static void add_number(json_t *object, const char *key, int64_t number)
{
    json_object_set_new(object, key, json_integer(number_of(object, key) + number));
}

static void receipt_add(struct bundle_import *import, json_t *receipt, const json_t *done)
{
    json_t *lane =
        json_array_get(json_object_get(receipt, "lanes"), (size_t)number_of(done, "lane"));
    json_t *changes = json_object_get(receipt, "changes");
    const char *name;
    json_t *count;
    int64_t first = number_of(done, "first"), last = number_of(done, "last");
    int64_t known = number_of(done, "known"), counted = number_of(lane, "counted");
    add_number(lane, "new", last - first + 1 - known);
    if (counted >= first) /* known from a moment ago */
        known -= (counted < last ? counted : last) - first + 1;
    add_number(lane, "known", known > 0 ? known : 0);
    json_object_set(lane, "received", json_object_get(done, "received"));
    if (last > counted)
        json_object_set_new(lane, "counted", json_integer(last));
    json_object_foreach(json_object_get(done, "changes"), name, count) {
        add_number(changes, name, json_integer_value(count));
    }
    if (last - first + 1 > number_of(done, "known"))
        import->progress = true;
}

/* --- handing over --------------------------------------------------------------------------- */

/* What the daemon said to the last chunk. */
static enum exit_code send_piece(struct ctl *ctl, const struct bundle_import *import,
                                 const struct bundle_part *part, struct bytes piece,
                                 int64_t tally_from, struct answer *ret_answer)
{
    struct id token = crypto_random_id();
    char name[2 * ID_BYTES + 1];
    enum exit_code code = EXIT_DONE;
    crypto_hex(bytes_id(&token), name);
    *ret_answer = (struct answer){ .rows = NULL };
    for (size_t at = 0; at < piece.len && code == EXIT_DONE; at += CHUNK_BYTES) {
        size_t left = piece.len - at;
        char *data = base64_of(bytes_of(piece.at + at, left < CHUNK_BYTES ? left : CHUNK_BYTES));
        char *lead = base64_of(bytes_of(part->lead, part->lead_bytes));
        json_t *args =
            ctl_memory(json_pack("{s:s, s:I, s:I, s:s}", "token", name, "total",
                                 (json_int_t)piece.len, "offset", (json_int_t)at, "data", data));
        if (part->lead_bytes > 0)
            json_object_set_new(args, import->hub ? "hello" : "answer", json_string(lead));
        if (import->hub)
            json_object_set_new(args, "tally_from", json_integer(tally_from));
        free(data);
        free(lead);
        answer_close(ret_answer);
        code = ctl_try(ctl, "bundle_take", args, ret_answer);
    }
    return code;
}

struct taking {
    struct bundle_part *part;
    const struct carry_header *header;
    bool stopped[UINT8_MAX + 1][LANE_COUNT]; /* by kind and place: an earlier part is needed */
    bool proofs_only;                        /* the hub waits: it only wants what shows why */
    bool over;
};

/* Which part is needed, in words, where the file's index knows it. */
static void note_order(struct taking *taking, json_t *error, unsigned kind)
{
    const char *place_key = kind == CARRY_BUNDLE ? "lane" : "place";
    struct carry_place place = { .kind = kind,
                                 .place = (unsigned)number_of(error, place_key),
                                 .first = (uint64_t)number_of(error, "missing") };
    unsigned needed = carry_part_of(taking->header, &place);
    if (place.place < LANE_COUNT)
        taking->stopped[kind][place.place] = true;
    char rule[PROBLEM_DETAIL_MAX];
    if (needed > 0 && needed < taking->header->part)
        (void)snprintf(rule, sizeof(rule),
                       tr("part %u of %u is needed first", "bagian %u dari %u diperlukan dahulu"),
                       needed, taking->header->part_count);
    else
        (void)snprintf(rule, sizeof(rule), "%s", text_of(error, "rule"));
    json_t *copy = ctl_memory(json_copy(error));
    json_object_set_new(copy, "thing", json_string(taking->part->path));
    json_object_set_new(copy, "rule", json_string(rule));
    part_error(taking->part, BUNDLE_WAITS, copy);
}

static void note_refusal(struct bundle_import *import, struct taking *taking, json_t *error,
                         unsigned kind)
{
    const char *code = text_of(error, "code");
    import->forked = import->forked || truth_of(error, "forked");
    if (strcmp(code, err_name(ERR_CARRY_ORDER)) == 0) {
        note_order(taking, error, kind);
        return;
    }
    json_t *copy = ctl_memory(json_copy(error));
    char thing[256];
    (void)snprintf(thing, sizeof(thing), "%s: %s", taking->part->path, text_of(error, "thing"));
    json_object_set_new(copy, "thing", json_string(thing));
    if (strcmp(code, err_name(ERR_LOCKED)) == 0) {
        part_error(taking->part, BUNDLE_LOCKED, copy);
        taking->over = true; /* records come last */
        return;
    }
    part_error(taking->part, BUNDLE_BAD, copy);
    if (strcmp(code, err_name(ERR_WAITING)) == 0)
        taking->proofs_only = true;
    else if (!import->hub && kind == CARRY_ANSWER && strcmp(code, err_name(ERR_CARRY_LIFE)) == 0)
        for (unsigned i = 0; i < LANE_COUNT; i++)
            taking->stopped[CARRY_ACK][i] = true; /* policy and records are for this life too */
    else
        taking->over = true;
}

static void note_done(struct bundle_import *import, const struct bundle_part *part,
                      const json_t *done, unsigned kind)
{
    const char *standing = text_of(done, "standing");
    import->quarantined = import->quarantined || strcmp(standing, "quarantined") == 0;
    if (import->hub && kind == CARRY_BUNDLE)
        receipt_add(import, receipt_of(import, part->node), done);
    if (import->hub)
        return;
    import->reopened = import->reopened || truth_of(done, "reopened");
    if (!truth_of(done, "news"))
        return;
    import->progress = true;
    import->acked += kind == CARRY_ACK;
    import->batches += kind == CARRY_FEED;
}

/* Whether an earlier refusal settles this piece too. */
static bool is_stopped(const struct taking *taking, unsigned kind, struct bytes piece)
{
    if (taking->proofs_only)
        return kind != CARRY_PROOF;
    return kind == CARRY_BUNDLE ? taking->stopped[kind][bundle_lane(piece)]
                                : kind == CARRY_ACK && taking->stopped[kind][0];
}

static enum exit_code take_piece(struct ctl *ctl, struct bundle_import *import,
                                 struct taking *taking, struct bytes piece)
{
    unsigned kind = kind_of(piece);
    struct answer answer;
    int64_t tally_from = 0;
    if (is_stopped(taking, kind, piece))
        return EXIT_DONE;
    if (import->hub && kind == CARRY_BUNDLE) {
        const json_t *lanes = json_object_get(receipt_of(import, taking->part->node), "lanes");
        tally_from = number_of(json_array_get(lanes, bundle_lane(piece)), "counted") + 1;
    }
    enum exit_code code = send_piece(ctl, import, taking->part, piece, tally_from, &answer);
    if (answer.error)
        note_refusal(import, taking, answer.error, kind);
    else if (code == EXIT_DONE)
        note_done(import, taking->part, answer.done, kind);
    code = answer.error ? EXIT_DONE : code;
    answer_close(&answer);
    return code;
}

enum exit_code bundle_take_part(struct ctl *ctl, struct bundle_import *import,
                                struct bundle_part *part)
{
    struct carry_in *in = ctl_memory(calloc(1, sizeof(*in)));
    struct taking *taking = ctl_memory(calloc(1, sizeof(*taking)));
    struct problem problem = { .code = OK };
    struct bytes piece;
    enum exit_code code = EXIT_DONE;
    enum err err = carry_in_open(part->path, in, &problem);
    taking->part = part;
    taking->header = &in->header;
    part_error(part, BUNDLE_TAKEN, NULL);
    while (err == OK && code == EXIT_DONE && !taking->over &&
           (err = carry_in_next(in, &piece, &problem)) == OK)
        code = take_piece(ctl, import, taking, piece);
    if (err != OK && err != ERR_NOT_FOUND)
        part_error(part, BUNDLE_BAD, problem_json(&problem));
    carry_in_close(in);
    free(taking);
    free(in);
    return code;
}

/* --- the receipt ---------------------------------------------------------------------------- */

static const char *state_name(enum bundle_state state)
{
    switch (state) {
    case BUNDLE_WAITS:
        return "waits";
    case BUNDLE_TAKEN:
        return "taken";
    case BUNDLE_LOCKED:
        return "locked";
    case BUNDLE_BAD:
        break;
    }
    return "refused";
}

enum exit_code bundle_settle(struct ctl *ctl, struct bundle_import *import)
{
    enum exit_code worst = EXIT_DONE;
    for (size_t i = 0; i < import->count; i++) {
        struct bundle_part *part = &import->parts[i];
        json_t *row = ctl_memory(json_pack(
            "{s:s, s:s, s:i, s:i, s:s}", "file", part->path, "node", part->node, "part",
            (int)part->part, "parts", (int)part->part_count, "state", state_name(part->state)));
        if (part->error)
            json_object_set(row, "error", part->error);
        json_array_append_new(import->rows, row);
        if (part->error && !ctl->args.json) {
            struct answer answer = { .error = part->error };
            (void)ctl_refused(ctl, &answer);
        }
        if (part->state == BUNDLE_LOCKED && worst == EXIT_DONE)
            worst = EXIT_LOCKED;
        else if (part->state == BUNDLE_BAD || part->state == BUNDLE_WAITS)
            worst = EXIT_REFUSED;
    }
    return worst;
}

static void say_changes(const json_t *changes)
{
    static const char *const names[] = { "accepted", "superseded",  "rejected",
                                         "held",     "quarantined", "parked" };
    const char *comma = "  ";
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (number_of(changes, names[i]) == 0)
            continue;
        char number[SAY_NUMBER_MAX];
        say_number(number_of(changes, names[i]), number);
        (void)printf("%s%s %s", comma, say_state(names[i]), number);
        comma = ", ";
    }
    if (comma[0] == ',')
        (void)putchar('\n');
}

static void say_office(const json_t *receipt)
{
    size_t index;
    json_t *lane;
    int64_t fresh = 0, known = 0;
    json_array_foreach(json_object_get(receipt, "lanes"), index, lane) {
        fresh += number_of(lane, "new");
        known += number_of(lane, "known");
    }
    (void)printf(tr("%s: %" PRId64 " entries came, %" PRId64 " were here already.\n",
                    "%s: %" PRId64 " kiriman baru diterima, %" PRId64 " sudah ada sebelumnya.\n"),
                 text_of(receipt, "node"), fresh, known);
    json_array_foreach(json_object_get(receipt, "lanes"), index, lane) {
        if (number_of(lane, "received") > 0)
            (void)printf(tr("  lane %s received up to %s\n", "  jalur %s diterima sampai %s\n"),
                         text_of(lane, "lane"), text_of(lane, "received"));
    }
    say_changes(json_object_get(receipt, "changes"));
}

static void say_node(const struct bundle_import *import, const char *queued)
{
    if (import->reopened)
        (void)puts(tr("The district knew another store in the name of this office. This one "
                      "goes on under a new number; nothing is lost. Export again.",
                      "Dinas mengenal penyimpanan lain atas nama kantor ini. Yang ini "
                      "melanjutkan dengan nomor baru; tidak ada yang hilang. Ekspor lagi."));
    if (import->acked + import->batches == 0)
        (void)puts(tr("Nothing new in it.", "Tidak ada yang baru di dalamnya."));
    else
        (void)puts(tr("Taken: answers, policy and records of the district.",
                      "Diterima: jawaban, kebijakan dan catatan dari Dinas."));
    (void)printf(tr("Still queued here: %s.\n", "Masih antre di sini: %s.\n"), queued);
}

void bundle_say_receipt(struct ctl *ctl, struct bundle_import *import,
                        const struct bundle_written *answer)
{
    struct answer status = { .rows = NULL };
    size_t index, refused = 0;
    json_t *receipt;
    for (size_t i = 0; i < import->count; i++)
        refused += import->parts[i].state == BUNDLE_BAD;
    if (refused == import->count && !ctl->args.json && json_array_size(import->receipts) == 0 &&
        !answer)
        return; /* that is said */
    if (!import->hub && ctl_ask(ctl, "status", NULL, &status) != EXIT_DONE)
        return;
    json_array_foreach(import->receipts, index, receipt) {
        json_t *lane;
        size_t at;
        json_array_foreach(json_object_get(receipt, "lanes"), at, lane) {
            (void)json_object_del(lane, "counted");
        }
    }
    if (ctl->args.json) {
        json_t *result = ctl_memory(
            json_pack("{s:O, s:b}", "offices", import->receipts, "reopened", import->reopened));
        if (status.done)
            json_object_set(result, "queued", json_object_get(status.done, "queued"));
        if (answer)
            json_object_set(result, "answer", answer->files);
        (void)ctl_document(ctl, result, import->rows);
        json_decref(result);
    } else {
        json_array_foreach(import->receipts, index, receipt) {
            say_office(receipt);
        }
        if (!import->hub)
            say_node(import, text_of(status.done, "queued"));
        else if (import->quarantined)
            (void)puts(tr("Two stores speak for an office: what came is kept, see `review list`.",
                          "Dua penyimpanan memakai nama satu kantor: isinya disimpan, lihat "
                          "`review list`."));
        if (answer) {
            bundle_say_files(answer);
            (void)puts(tr("The answer: carry it back to the office.",
                          "Jawabannya: bawa kembali ke kantor."));
        }
    }
    answer_close(&status);
}

void bundle_import_close(struct bundle_import *import)
{
    for (size_t i = 0; i < import->count; i++)
        json_decref(import->parts[i].error);
    free(import->parts);
    json_decref(import->rows);
    json_decref(import->receipts);
    free(import);
}
