/* The roster at the hub: who holds which assignment, from when and until when. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/tkskctl/ask.h"
#include "common/tkskctl/roster.h"
#include "common/tkskctl/table.h"
#include "proto/value.h"

static const char *const reasons[] = {
    [END_SUCCESSION] = "succession", [END_ENDED] = "ended", [END_LEAKED] = "leaked"
};

enum exit_code ask_end_reason(struct ctl *ctl, enum end_reason *ret_reason)
{
    char typed[32];
    const char *reason = args_option(&ctl->args, "--reason");
    if (!reason && ask_possible()) {
        (void)fputs(
            tr("Why? succession (somebody else takes over), ended, or leaked (the key may be "
               "in other hands): ",
               "Sebabnya? succession (diganti), ended (berakhir), atau leaked (kunci mungkin "
               "di tangan lain): "),
            stderr);
        if (ask_line("", typed, sizeof(typed)))
            reason = typed;
    }
    for (size_t i = END_SUCCESSION; reason && i < COUNT_OF(reasons); i++) {
        if (strcmp(reason, reasons[i]) == 0) {
            *ret_reason = (enum end_reason)i;
            return EXIT_DONE;
        }
    }
    return ctl_problemf(ctl, ERR_USAGE, "--reason", "%s", "succession, ended, leaked");
}

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

/* --- operator approve ----------------------------------------------------------------------- */

struct approve_operator {
    struct trust_operator operator;
    bool has_seal_key; /* the office lost the one before: its NODE op goes along */
    struct public_key seal_key;
    uint32_t replaces; /* number of the person's former key, 0 = none */
};

/* The person's former key at this office, which the new one succeeds. */
static uint32_t former_number(const struct trust_operator *next, const json_t *state)
{
    size_t index;
    json_t *row;
    uint32_t number = 0;
    json_array_foreach(json_object_get(state, "operators"), index, row) {
        if (strcmp(text_of(row, "node"), next->node) == 0 &&
            strcmp(text_of(row, "name"), next->name) == 0 &&
            strcmp(text_of(row, "state"), "ended") != 0)
            number = (uint32_t)number_of(row, "number");
    }
    return number;
}

/* The office as it is, with the new seal key. */
static enum exit_code office_with(struct ctl *ctl, const struct approve_operator *approve,
                                  const json_t *state, struct trust_node *ret_node)
{
    size_t index;
    json_t *row;
    *ret_node = (struct trust_node){ .seal_key = approve->seal_key };
    json_array_foreach(json_object_get(state, "nodes"), index, row) {
        if (strcmp(text_of(row, "node"), approve->operator.node) != 0)
            continue;
        (void)snprintf(ret_node->name, sizeof(ret_node->name), "%s", text_of(row, "node"));
        (void)snprintf(ret_node->area, sizeof(ret_node->area), "%s", text_of(row, "area"));
        if (hex_of(row, "device_key", ret_node->device_key.at, PUBLIC_KEY_BYTES) &&
            hex_of(row, "curve_key", ret_node->curve_key.at, PUBLIC_KEY_BYTES) &&
            strcmp(text_of(row, "ended"), "none") == 0)
            return EXIT_DONE;
    }
    return ctl_problemf(ctl, ERR_STATE, approve->operator.node, "%s",
                        tr("this office is not enrolled now", "kantor ini tidak terdaftar lagi"));
}

static enum exit_code write_operator(struct ctl *ctl, void *ctx,
                                     const struct trust_position *position, struct writer *out)
{
    struct approve_operator *approve = ctx;
    int64_t highest = 0;
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(position->state, "operators"), index, row) {
        int64_t number = number_of(row, "number");
        highest = number > highest ? number : highest;
    }
    if (highest >= UINT32_MAX)
        return ctl_problemf(ctl, ERR_LIMIT, "operator", "%" PRId64, highest);
    approve->operator.number =(uint32_t) highest + 1;
    approve->replaces = former_number(&approve->operator, position->state);
    struct ended ended = { .reason = END_SUCCESSION };
    struct trust_node office;
    enum exit_code code = EXIT_DONE;
    if (approve->replaces > 0)
        code = roster_cuts(ctl, position->state, approve->operator.node, &ended);
    if (code == EXIT_DONE && approve->has_seal_key)
        code = office_with(ctl, approve, position->state, &office);
    if (code != EXIT_DONE)
        return code;
    /* One statement: there is no moment without a key, and none with two. */
    writer_array(out, 1u + (approve->replaces > 0) + approve->has_seal_key);
    if (approve->has_seal_key)
        trust_op_node(out, &office);
    if (approve->replaces > 0)
        trust_op_operator_end(out, approve->replaces, &ended);
    trust_op_operator(out, &approve->operator);
    return EXIT_DONE;
}

/* The name that is meant when none is given: the only person who waits at the office. */
static enum exit_code waiting_name(struct ctl *ctl, const char *node, char *ret, size_t cap)
{
    struct answer answer;
    size_t index, count = 0;
    char names[PROBLEM_DETAIL_MAX] = "";
    json_t *row;
    enum exit_code code = ctl_ask(ctl, "enrolments", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    json_array_foreach(answer.rows, index, row) {
        if (strcmp(text_of(row, "kind"), "operator") != 0 ||
            strcmp(text_of(row, "node"), node) != 0)
            continue;
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof(names) - used, "%s%s", count ? ", " : "",
                       text_of(row, "name"));
        (void)snprintf(ret, cap, "%s", text_of(row, "name"));
        count++;
    }
    answer_close(&answer);
    if (count == 0)
        return ctl_problemf(
            ctl, ERR_NOT_FOUND, node, "%s",
            tr("nobody waits there; first `tkskctl operator add NAME` at the office",
               "tidak ada yang menunggu; dahulu `tkskctl operator add NAMA` di "
               "kantor itu"));
    return count == 1 ? EXIT_DONE : ctl_problemf(ctl, ERR_AMBIGUOUS, node, "%s", names);
}

static enum exit_code iso_date(struct ctl *ctl, const char *option, char ret[DATE_TEXT_BYTES])
{
    if (date_parse(bytes_text(args_option(&ctl->args, option)), ret))
        return EXIT_DONE;
    return ctl_problemf(ctl, ERR_DATE, option, ": %s", args_option(&ctl->args, option));
}

/* A role must be one of the policy, once there is a policy. */
static enum exit_code check_role(struct ctl *ctl, const char *role)
{
    struct policy *policy = NULL;
    char roles[PROBLEM_DETAIL_MAX] = "";
    enum exit_code code = rules_in_force(ctl, &policy);
    if (code != EXIT_DONE)
        return code;
    for (size_t i = 0; policy && i < policy->role_count; i++) {
        size_t used = strlen(roles);
        (void)snprintf(roles + used, sizeof(roles) - used, "%s%s", i ? ", " : "",
                       policy->roles[i].name);
    }
    bool known = role[0] && (!policy || policy_role(policy, bytes_text(role)));
    policy_close(&policy);
    if (known)
        return EXIT_DONE;
    return ctl_problemf(ctl, ERR_USAGE, "--role", "%s",
                        roles[0] ? roles : tr("must be given", "harus disebut"));
}

static enum exit_code fill_text(struct ctl *ctl, const char *what, const char *text, char *ret,
                                size_t cap)
{
    if (text[0] == '\0' || strlen(text) >= cap)
        return ctl_problemf(ctl, ERR_LENGTH, what, "1..%zu", cap - 1);
    (void)snprintf(ret, cap, "%s", text);
    return EXIT_DONE;
}

/* What the options say, and what the operator's request said where they say nothing. */
static enum exit_code fill_operator(struct ctl *ctl, const json_t *request, const char *node,
                                    const char *name, struct trust_operator *operator)
{
    const char *role = args_option(&ctl->args, "--role");
    const char *area = args_option(&ctl->args, "--area");
    enum exit_code code = check_role(ctl, role ? role : text_of(request, "role"));
    if (!area)
        area = maybe_text_of(request, "area");
    if (code == EXIT_DONE && !hex_of(request, "operator_key", operator->key.at, PUBLIC_KEY_BYTES))
        code = ctl_problemf(ctl, ERR_MALFORMED, "enrolment_check", "operator_key");
    if (code == EXIT_DONE)
        code = fill_text(ctl, "--role", role ? role : text_of(request, "role"), operator->role,
                         sizeof(operator->role));
    if (code == EXIT_DONE)
        code = fill_text(ctl, "--area", area ? area : node, operator->area, sizeof(operator->area));
    if (code == EXIT_DONE)
        code = fill_text(ctl, "NODE", node, operator->node, sizeof(operator->node));
    if (code == EXIT_DONE)
        code = fill_text(ctl, "NAME", name, operator->name, sizeof(operator->name));
    if (code == EXIT_DONE && area_level(bytes_text(operator->area)) == 0)
        code = ctl_problemf(ctl, ERR_USAGE, "--area", "%s", operator->area);
    return code;
}

/* Terms are checked before anybody is asked for words. */
static enum exit_code fill_term(struct ctl *ctl, struct trust_operator *operator)
{
    enum exit_code code =
        fill_text(ctl, "--sk", args_option(&ctl->args, "--sk"), operator->sk, sizeof(operator->sk));
    if (code == EXIT_DONE)
        code = iso_date(ctl, "--from", operator->from);
    if (code == EXIT_DONE)
        code = iso_date(ctl, "--until", operator->until);
    if (code == EXIT_DONE && strcmp(operator->from, operator->until) > 0)
        code = ctl_problemf(
            ctl, ERR_USAGE, "--until", "%s",
            tr("the term ends before it begins", "masa tugas berakhir sebelum dimulai"));
    return code;
}

static enum exit_code say_roster(struct ctl *ctl, enum exit_code code, uint64_t version,
                                 uint64_t number, const char *what)
{
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        json_t *result = ctl_memory(json_pack("{s:I, s:I}", "trust_version", (json_int_t)version,
                                              "number", (json_int_t)number));
        code = ctl_document(ctl, result, NULL);
        json_decref(result);
        return code;
    }
    (void)printf(tr("%s Number %" PRIu64 ", roster version %" PRIu64 ".\n",
                    "%s Nomor %" PRIu64 ", versi daftar %" PRIu64 ".\n"),
                 what, number, version);
    return EXIT_DONE;
}

enum exit_code cmd_operator_approve(struct ctl *ctl)
{
    const char *node = ctl->args.words[0];
    const char *name = ctl->args.count > 1 ? ctl->args.words[1] : NULL;
    struct approve_operator approve = { 0 };
    struct answer answer = { 0 };
    char found[NAME_TEXT_MAX + 1] = "";
    uint64_t version = 0;
    enum exit_code code = fill_term(ctl, &approve.operator);
    if (code == EXIT_DONE && !name)
        code = waiting_name(ctl, node, found, sizeof(found));
    if (!name)
        name = found;
    if (code == EXIT_DONE)
        code = ask_six_words(ctl, node, "operator", name, &answer);
    if (code != EXIT_DONE)
        return code;
    code = fill_operator(ctl, answer.done, node, name, &approve.operator);
    approve.has_seal_key = maybe_text_of(answer.done, "seal_key") != NULL;
    if (code == EXIT_DONE && approve.has_seal_key &&
        !hex_of(answer.done, "seal_key", approve.seal_key.at, PUBLIC_KEY_BYTES))
        code = ctl_problemf(ctl, ERR_MALFORMED, "enrolment_check", "seal_key");
    answer_close(&answer);
    if (code == EXIT_DONE)
        code = trust_sign_publish(ctl, write_operator, &approve, &version);
    if (code == EXIT_DONE && approve.replaces > 0 && !ctl->args.json)
        (void)printf(tr("Number %" PRIu32 ", this person's former key, ends by succession: what it "
                        "signed and is still under way is taken.\n",
                        "Nomor %" PRIu32 ", kunci lama orang ini, berakhir karena diganti: yang "
                        "sudah ditandatanganinya dan masih di jalan tetap diterima.\n"),
                     approve.replaces);
    return say_roster(ctl, code, version, approve.operator.number, tr("Approved.", "Disetujui."));
}

/* --- renew and end -------------------------------------------------------------------------- */

/* NUMBER, or a name that only one person in force has. */
static enum exit_code find_operator(struct ctl *ctl, const struct trust_position *position,
                                    uint32_t *ret_number, const char **ret_node)
{
    const char *word = ctl->args.words[0];
    size_t index, count = 0;
    json_t *row;
    json_array_foreach(json_object_get(position->state, "operators"), index, row) {
        bool by_number = strcmp(text_of(row, "number"), word) == 0;
        bool by_name =
            strcmp(text_of(row, "name"), word) == 0 && strcmp(text_of(row, "state"), "ended") != 0;
        if (!by_number && !by_name)
            continue;
        *ret_number = (uint32_t)number_of(row, "number");
        *ret_node = text_of(row, "node");
        count++;
    }
    if (count == 1)
        return EXIT_DONE;
    return ctl_problemf(ctl, count > 1 ? ERR_AMBIGUOUS : ERR_NOT_FOUND, word, "%s",
                        tr("`tkskctl --hub operator list` shows the numbers",
                           "`tkskctl --hub operator list` menampilkan nomornya"));
}

struct change_operator {
    uint32_t number;
    bool ends;
    enum end_reason reason;
    struct trust_operator term;
};

static enum exit_code write_change(struct ctl *ctl, void *ctx,
                                   const struct trust_position *position, struct writer *out)
{
    struct change_operator *change = ctx;
    const char *node = "";
    enum exit_code code = find_operator(ctl, position, &change->number, &node);
    if (code != EXIT_DONE)
        return code;
    writer_array(out, 1);
    if (change->ends) {
        struct ended ended = { .reason = change->reason };
        code = roster_cuts(ctl, position->state, node, &ended);
        trust_op_operator_end(out, change->number, &ended);
    } else {
        trust_op_operator_until(out, change->number, change->term.sk, change->term.until);
    }
    return code;
}

enum exit_code cmd_operator_renew(struct ctl *ctl)
{
    struct change_operator change = { .ends = false };
    uint64_t version = 0;
    enum exit_code code = fill_text(ctl, "--sk", args_option(&ctl->args, "--sk"), change.term.sk,
                                    sizeof(change.term.sk));
    if (code == EXIT_DONE)
        code = iso_date(ctl, "--until", change.term.until);
    if (code == EXIT_DONE)
        code = trust_sign_publish(ctl, write_change, &change, &version);
    return say_roster(ctl, code, version, change.number, tr("Renewed.", "Diperpanjang."));
}

enum exit_code cmd_operator_end(struct ctl *ctl)
{
    struct change_operator change = { .ends = true };
    uint64_t version = 0;
    char question[200];
    enum exit_code code = ask_end_reason(ctl, &change.reason);
    if (code != EXIT_DONE)
        return code;
    (void)snprintf(
        question, sizeof(question),
        tr("End the right of %.80s to sign? Work that is not here yet goes to review or is "
           "taken, as the reason says; nothing is lost.",
           "Akhiri hak tanda tangan %.80s? Pekerjaan yang belum sampai diterima atau "
           "ditahan sesuai sebabnya; tidak ada yang hilang."),
        ctl->args.words[0]);
    if (!ask_yes(ctl, question))
        return EXIT_REFUSED;
    code = trust_sign_publish(ctl, write_change, &change, &version);
    return say_roster(ctl, code, version, change.number, tr("Ended.", "Diakhiri."));
}
