/* Terms of office at the hub: renewing one, several or all that end soon, and ending one. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/tkskctl/ask.h"
#include "common/tkskctl/roster.h"
#include "common/tkskctl/table.h"
#include "proto/value.h"
#include "proto/value_form.h"

/* An op holds an SK of 60 letters at most: so many fit a statement with all its signatures. */
#define RENEWALS_A_STATEMENT 128
static_assert(RENEWALS_A_STATEMENT * 96 + 2048 <= TRUST_STATEMENT_BYTES_MAX,
              "a batch of renewals fits a statement");

/* --- renew ----------------------------------------------------------------------------------- */

struct renewal {
    json_t *people;             /* rows of trust_state */
    size_t first, count;        /* those of the statement that is being written */
    struct trust_operator term; /* SK and end */
    struct policy *policy;
    bool acting;
};

static bool days_left(const char *today, const char *until, int64_t *ret_days)
{
    int64_t from, to;
    if (!date_days(bytes_text(today), &from) || !date_days(bytes_text(until), &to))
        return false;
    *ret_days = to - from;
    return true;
}

/* A renewal must not make two holders of one assignment that were none before. */
static enum exit_code check_renewal(struct ctl *ctl, const struct renewal *renewal,
                                    const json_t *state, const json_t *row)
{
    struct trust_operator op, holder;
    roster_read(row, &op);
    const struct trust_operator before = op;
    const struct policy_role *role =
        renewal->policy ? policy_role(renewal->policy, bytes_text(op.role)) : NULL;
    memcpy(op.until, renewal->term.until, sizeof(op.until));
    if (strcmp(text_of(row, "state"), "ended") == 0)
        return ctl_problemf(ctl, ERR_STATE, op.name, "%s",
                            tr("this assignment was ended; approve a new one",
                               "penugasan ini sudah diakhiri; setujui yang baru"));
    if (strcmp(op.from, op.until) > 0)
        return ctl_problemf(
            ctl, ERR_USAGE, "--until", "%s",
            tr("the term ends before it begins", "masa tugas berakhir sebelum dimulai"));
    const json_t *found = role && role->single ? roster_holder(state, &op, 0, 0) : NULL;
    if (!found || renewal->acting)
        return EXIT_DONE;
    roster_read(found, &holder);
    if (trust_overlaps(&before, &holder))
        return EXIT_DONE; /* one of the two stands in already */
    return ctl_problemf(ctl, ERR_HOLDER, op.name,
                        tr("number %" PRIu32 ", %s, until %s", "nomor %" PRIu32 ", %s, sampai %s"),
                        holder.number, holder.name, holder.until);
}

static enum exit_code write_renewals(struct ctl *ctl, void *ctx,
                                     const struct trust_position *position, struct writer *out)
{
    const struct renewal *renewal = ctx;
    enum exit_code code = EXIT_DONE;
    writer_array(out, renewal->count);
    for (size_t i = 0; i < renewal->count && code == EXIT_DONE; i++) {
        uint32_t number =
            (uint32_t)number_of(json_array_get(renewal->people, renewal->first + i), "number");
        const json_t *row = roster_operator(position->state, number);
        code = row ? check_renewal(ctl, renewal, position->state, row)
                   : ctl_problemf(ctl, ERR_NOT_FOUND, "operator", "%" PRIu32, number);
        trust_op_operator_until(out, number, renewal->term.sk, renewal->term.until);
    }
    return code;
}

static void add_once(json_t *people, const json_t *row)
{
    size_t index;
    json_t *one;
    json_array_foreach(people, index, one) {
        if (number_of(one, "number") == number_of(row, "number"))
            return;
    }
    (void)json_array_append_new(people, json_deep_copy(row));
}

/* In force, within so many days of their end or beyond it, and not renewed that far already. */
static enum exit_code find_expiring(struct ctl *ctl, const char *days_text, const json_t *state,
                                    struct renewal *renewal)
{
    char today[DATE_TEXT_BYTES], *end = NULL;
    long limit = strtol(days_text, &end, 10);
    size_t index;
    json_t *row;
    if (end == days_text || *end || limit < 0 || limit > 3660)
        return ctl_problemf(ctl, ERR_USAGE, "--expiring", "%s",
                            tr("a number of days", "jumlah hari"));
    date_of_ms(wall_ms(), today);
    json_array_foreach(json_object_get(state, "operators"), index, row) {
        int64_t days = 0;
        if (strcmp(text_of(row, "state"), "ended") != 0 &&
            days_left(today, text_of(row, "until"), &days) && days <= limit &&
            strcmp(text_of(row, "until"), renewal->term.until) < 0)
            add_once(renewal->people, row);
    }
    return EXIT_DONE;
}

static enum exit_code find_people(struct ctl *ctl, struct renewal *renewal)
{
    const char *expiring = args_option(&ctl->args, "--expiring");
    struct trust_position position;
    if ((ctl->args.count > 0) == (expiring != NULL))
        return ctl_problemf(
            ctl, ERR_USAGE, "operator renew", "%s",
            tr("say NUMBER…, or --expiring DAYS", "sebut NOMOR…, atau --expiring HARI"));
    enum exit_code code = trust_position_read(ctl, &position);
    if (code != EXIT_DONE)
        return code;
    if (expiring)
        code = find_expiring(ctl, expiring, position.state, renewal);
    for (size_t i = 0; i < ctl->args.count && code == EXIT_DONE; i++) {
        const json_t *row = NULL;
        code = roster_find(ctl, position.state, ctl->args.words[i], &row);
        if (code == EXIT_DONE)
            add_once(renewal->people, row);
    }
    /* All are looked at before anything is signed. */
    for (size_t i = 0; i < json_array_size(renewal->people) && code == EXIT_DONE; i++)
        code = check_renewal(ctl, renewal, position.state, json_array_get(renewal->people, i));
    trust_position_close(&position);
    return code;
}

static void list_people(FILE *out, const json_t *people)
{
    const char *titles[] = { tr("no", "no"), tr("name", "nama"), tr("role", "peran"),
                             tr("area", "wilayah"), tr("until", "sampai") };
    struct table table;
    size_t index;
    json_t *row;
    table_open(&table, COUNT_OF(titles), titles);
    table.right[0] = true;
    json_array_foreach(people, index, row)
        table_add(&table, (const char *const[]){ text_of(row, "number"), text_of(row, "name"),
                                                 text_of(row, "role"), text_of(row, "area"),
                                                 text_of(row, "until") });
    table_print(&table, out, terminal_width(out));
    table_close(&table);
}

static bool ask_renewal(struct ctl *ctl, const struct renewal *renewal)
{
    char question[256];
    if (!args_option(&ctl->args, "--expiring"))
        return true; /* named one by one */
    list_people(stderr, renewal->people);
    (void)snprintf(question, sizeof(question),
                   tr("Renew these %zu until %s under SK %s?",
                      "Perpanjang %zu orang ini sampai %s dengan SK %s?"),
                   json_array_size(renewal->people), renewal->term.until, renewal->term.sk);
    return ask_yes(ctl, question);
}

static enum exit_code say_renewed(struct ctl *ctl, const struct renewal *renewal, uint64_t version)
{
    size_t index, count = json_array_size(renewal->people);
    json_t *row;
    if (!ctl->args.json && count == 1)
        return say_roster(ctl, EXIT_DONE, version,
                          (uint64_t)number_of(json_array_get(renewal->people, 0), "number"),
                          tr("Renewed.", "Diperpanjang."));
    if (!ctl->args.json) {
        (void)printf(tr("Renewed: %zu people, until %s. Roster version %" PRIu64 ".\n",
                        "Diperpanjang: %zu orang, sampai %s. Versi daftar %" PRIu64 ".\n"),
                     count, renewal->term.until, version);
        return EXIT_DONE;
    }
    json_t *result = ctl_memory(
        json_pack("{s:I, s:o}", "trust_version", (json_int_t)version, "renewed", json_array()));
    json_array_foreach(renewal->people, index, row)
        (void)json_array_append_new(json_object_get(result, "renewed"),
                                    json_pack("{s:I, s:s}", "number",
                                              (json_int_t)number_of(row, "number"), "name",
                                              text_of(row, "name")));
    if (count == 1)
        json_object_set_new(result, "number",
                            json_integer(number_of(json_array_get(renewal->people, 0), "number")));
    enum exit_code code = ctl_document(ctl, result, NULL);
    json_decref(result);
    return code;
}

/* As many statements as it takes; what the first ones renewed stays renewed. */
static enum exit_code sign_renewals(struct ctl *ctl, struct renewal *renewal)
{
    struct secret_key *key = NULL;
    uint64_t version = 0;
    size_t count = json_array_size(renewal->people);
    enum exit_code code = EXIT_DONE;
    for (renewal->first = 0; renewal->first < count && code == EXIT_DONE;
         renewal->first += renewal->count) {
        size_t left = count - renewal->first;
        renewal->count = left < RENEWALS_A_STATEMENT ? left : RENEWALS_A_STATEMENT;
        code = trust_sign_publish_with(ctl, &key, write_renewals, renewal, &version);
    }
    secret_key_close(&key);
    return code == EXIT_DONE ? say_renewed(ctl, renewal, version) : code;
}

enum exit_code cmd_operator_renew(struct ctl *ctl)
{
    struct renewal renewal = { .people = ctl_memory(json_array()),
                               .acting = args_option(&ctl->args, "--acting") != NULL };
    enum exit_code code = fill_text(ctl, "--sk", args_option(&ctl->args, "--sk"), renewal.term.sk,
                                    sizeof(renewal.term.sk));
    if (code == EXIT_DONE)
        code = iso_date(ctl, "--until", renewal.term.until);
    if (code == EXIT_DONE)
        code = rules_in_force(ctl, &renewal.policy);
    if (code == EXIT_DONE)
        code = find_people(ctl, &renewal);
    if (code == EXIT_DONE && json_array_size(renewal.people) == 0) {
        if (ctl->args.json)
            code = say_renewed(ctl, &renewal, 0);
        else
            (void)puts(tr("No term ends by then.", "Tidak ada masa tugas yang berakhir sampai "
                                                   "saat itu."));
    } else if (code == EXIT_DONE) {
        code = ask_renewal(ctl, &renewal) ? sign_renewals(ctl, &renewal) : EXIT_REFUSED;
    }
    policy_close(&renewal.policy);
    json_decref(renewal.people);
    return code;
}

/* --- end ------------------------------------------------------------------------------------- */

struct ending {
    uint32_t number;
    enum end_reason reason;
};

static enum exit_code write_end(struct ctl *ctl, void *ctx, const struct trust_position *position,
                                struct writer *out)
{
    const struct ending *ending = ctx;
    struct ended ended = { .reason = ending->reason };
    const json_t *row = roster_operator(position->state, ending->number);
    enum exit_code code = roster_cuts(ctl, position->state, text_of(row, "node"), &ended);
    writer_array(out, 1);
    trust_op_operator_end(out, ending->number, &ended);
    return code;
}

enum exit_code cmd_operator_end(struct ctl *ctl)
{
    struct ending ending = { .number = 0 };
    struct trust_position position;
    const json_t *row = NULL;
    uint64_t version = 0;
    char question[300];
    if (!args_option(&ctl->args, "--reason") && !ask_possible())
        return ask_end_reason(ctl, &ending.reason);
    enum exit_code code = trust_position_read(ctl, &position);
    if (code != EXIT_DONE)
        return code;
    code = roster_find(ctl, position.state, ctl->args.words[0], &row);
    if (code == EXIT_DONE) {
        ending.number = (uint32_t)number_of(row, "number");
        say_waiting(ctl, text_of(row, "node"), ending.number);
        (void)snprintf(
            question, sizeof(question),
            tr("End the right of %.80s (number %" PRIu32 ") to sign? Work that is not here yet "
               "goes to review or is taken, as the reason says; nothing is lost.",
               "Akhiri hak tanda tangan %.80s (nomor %" PRIu32 ")? Pekerjaan yang belum sampai "
               "diterima atau ditahan sesuai sebabnya; tidak ada yang hilang."),
            text_of(row, "name"), ending.number);
        code = ask_end_reason(ctl, &ending.reason);
    }
    trust_position_close(&position);
    if (code == EXIT_DONE && !ask_yes(ctl, question))
        code = EXIT_REFUSED;
    if (code == EXIT_DONE)
        code = trust_sign_publish(ctl, write_end, &ending, &version);
    return say_roster(ctl, code, version, ending.number, tr("Ended.", "Diakhiri."));
}
