/* The roster as the hub tells it. */
#include "common/tkskctl/roster.h"

#include <inttypes.h>

#include "common/tkskctl/ask.h"
#include "common/tkskctl/table.h"
#include "proto/value.h"

static bool cut_of(const json_t *position, struct cut *ret_cut)
{
    const char *incarnation = text_of(position, "incarnation");
    int64_t lane = number_of(position, "lane");
    int64_t seq = number_of(position, "seq");
    if (!uuid_from_text(bytes_text(incarnation), &ret_cut->incarnation) || lane < 0 ||
        lane >= LANE_COUNT || seq < 0)
        return false;
    ret_cut->lane = (enum lane)lane;
    ret_cut->seq = (uint64_t)seq;
    return true;
}

enum exit_code roster_cuts(struct ctl *ctl, const json_t *trust_state, const char *node,
                           struct ended *ended)
{
    const json_t *positions = NULL;
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(trust_state, "nodes"), index, row) {
        if (strcmp(text_of(row, "node"), node) == 0)
            positions = json_object_get(row, "positions");
    }
    size_t count = json_array_size(positions);
    size_t skip = count > CUTS_MAX ? count - CUTS_MAX : 0;
    ended->cut_count = 0;
    for (size_t i = skip; i < count; i++) {
        if (!cut_of(json_array_get(positions, i), &ended->cuts[ended->cut_count++]))
            return ctl_problemf(ctl, ERR_MALFORMED, "trust_state", "positions");
    }
    return EXIT_DONE;
}

const json_t *roster_operator(const json_t *trust_state, uint32_t number)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(trust_state, "operators"), index, row) {
        if (number_of(row, "number") == (int64_t)number)
            return row;
    }
    return NULL;
}

enum exit_code roster_find(struct ctl *ctl, const json_t *trust_state, const char *word,
                           const json_t **ret_row)
{
    size_t index, count = 0;
    json_t *row;
    json_array_foreach(json_object_get(trust_state, "operators"), index, row) {
        bool by_number = strcmp(text_of(row, "number"), word) == 0;
        bool by_name =
            strcmp(text_of(row, "name"), word) == 0 && strcmp(text_of(row, "state"), "ended") != 0;
        if (!by_number && !by_name)
            continue;
        *ret_row = row;
        count++;
    }
    if (count == 1)
        return EXIT_DONE;
    return ctl_problemf(ctl, count > 1 ? ERR_AMBIGUOUS : ERR_NOT_FOUND, word, "%s",
                        tr("`tkskctl --hub operator list` shows the numbers",
                           "`tkskctl --hub operator list` menampilkan nomornya"));
}

void roster_read(const json_t *row, struct trust_operator *ret_operator)
{
    struct trust_operator op = { .number = (uint32_t)number_of(row, "number") };
    (void)snprintf(op.node, sizeof(op.node), "%s", text_of(row, "node"));
    (void)snprintf(op.name, sizeof(op.name), "%s", text_of(row, "name"));
    (void)snprintf(op.role, sizeof(op.role), "%s", text_of(row, "role"));
    (void)snprintf(op.area, sizeof(op.area), "%s", text_of(row, "area"));
    (void)snprintf(op.sk, sizeof(op.sk), "%s", text_of(row, "sk"));
    (void)snprintf(op.from, sizeof(op.from), "%s", text_of(row, "from"));
    (void)snprintf(op.until, sizeof(op.until), "%s", text_of(row, "until"));
    *ret_operator = op;
}

const json_t *roster_holder(const json_t *trust_state, const struct trust_operator *op,
                            uint32_t except_a, uint32_t except_b)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(trust_state, "operators"), index, row) {
        struct trust_operator other;
        roster_read(row, &other);
        if (other.number != op->number && other.number != except_a && other.number != except_b &&
            strcmp(text_of(row, "state"), "ended") != 0 && trust_overlaps(op, &other))
            return row;
    }
    return NULL;
}

void say_waiting(struct ctl *ctl, const char *node, uint32_t operator_number)
{
    struct answer nodes, review;
    char received[SAY_NUMBER_MAX], queued[SAY_NUMBER_MAX], heard[SAY_TIME_MAX];
    char kept[SAY_NUMBER_MAX], number[16];
    size_t index;
    int64_t count = 0;
    json_t *row;
    (void)snprintf(number, sizeof(number), "%" PRIu32, operator_number);
    if (ctl_try(ctl, "nodes", NULL, &nodes) == EXIT_DONE) {
        json_array_foreach(nodes.rows, index, row) {
            if (strcmp(text_of(row, "node"), node) != 0)
                continue;
            say_number(number_of(row, "received"), received);
            say_number(number_of(row, "queued"), queued);
            say_ago(maybe_text_of(row, "heard"), heard);
            (void)fprintf(stderr,
                          tr("Office %s: %s entries arrived; %s more were queued there when it was "
                             "last heard (%s).\n",
                             "Kantor %s: %s kiriman sudah sampai; %s lagi antre di sana saat "
                             "terakhir terdengar (%s).\n"),
                          node, received, queued, heard);
        }
    }
    answer_close(&nodes);
    if (ctl_try(ctl, "review", NULL, &review) == EXIT_DONE) {
        json_array_foreach(review.rows, index, row) {
            count += operator_number > 0 ? strcmp(text_of(row, "operator"), number) == 0
                                         : strcmp(text_of(row, "node"), node) == 0;
        }
        say_number(count, kept);
        if (count > 0)
            (void)fprintf(stderr, tr("%s are kept for review.\n", "%s ditahan untuk diperiksa.\n"),
                          kept);
    }
    answer_close(&review);
}

/* --- why an assignment ends ------------------------------------------------------------------ */

static const struct {
    const char *name, *word; /* as typed in English, in Indonesian */
    const char *en, *id;
} reasons[] = {
    [END_SUCCESSION] = { "succession", "diganti",
                         "somebody else takes over: what was entered before the office hears of it "
                         "is taken, what comes after goes to review",
                         "ada penggantinya: yang diisi sebelum kantor itu mengetahuinya tetap "
                         "diterima, yang sesudahnya ditahan untuk diperiksa" },
    [END_ENDED] = { "ended", "berakhir", "the same, but nobody follows",
                    "sama, tetapi tanpa pengganti" },
    [END_LEAKED] = { "leaked", "bocor",
                     "the key or machine may be in other hands: all that has not arrived yet goes "
                     "to review; nothing is lost",
                     "kunci atau netbook mungkin di tangan orang lain: semua yang belum sampai "
                     "ditahan untuk diperiksa; tidak ada yang hilang" },
};

enum exit_code ask_end_reason(struct ctl *ctl, enum end_reason *ret_reason)
{
    char typed[32];
    const char *reason = args_option(&ctl->args, "--reason");
    if (!reason && ask_possible()) {
        (void)fputs(tr("Why does it end?\n", "Apa sebabnya?\n"), stderr);
        for (size_t i = END_SUCCESSION; i < COUNT_OF(reasons); i++) {
            char line[400];
            (void)snprintf(line, sizeof(line), "%s: %s", tr(reasons[i].name, reasons[i].word),
                           tr(reasons[i].en, reasons[i].id));
            (void)fputs("  ", stderr);
            text_wrap(stderr, line, 4, terminal_width(stderr));
        }
        if (ask_line(tr("succession, ended or leaked: ", "diganti, berakhir atau bocor: "), typed,
                     sizeof(typed)))
            reason = typed;
    }
    for (size_t i = END_SUCCESSION; reason && i < COUNT_OF(reasons); i++) {
        if (strcmp(reason, reasons[i].name) == 0 || strcmp(reason, reasons[i].word) == 0) {
            *ret_reason = (enum end_reason)i;
            return EXIT_DONE;
        }
    }
    return ctl_problemf(
        ctl, ERR_USAGE, "--reason", "%s",
        tr("succession, ended, leaked", "succession (diganti), ended (berakhir), leaked (bocor)"));
}
