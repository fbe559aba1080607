/* The roster at the hub: who holds which assignment, from when and until when. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/tkskctl/ask.h"
#include "common/tkskctl/roster.h"
#include "common/tkskctl/table.h"
#include "proto/value.h"

/* --- operator approve ----------------------------------------------------------------------- */

struct approve_operator {
    struct trust_operator operator;
    bool has_seal_key; /* the office lost the one before: its NODE op goes along */
    struct public_key seal_key;
    uint32_t replaces; /* number of the person's former key, 0 = none */
    uint32_t succeeds; /* number of who held the assignment before, 0 = nobody */
    bool acting;
    bool single;                     /* the role is held by one person an area */
    char beside[NAME_TEXT_MAX + 48]; /* whom it stands in for */
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

/* `--succeeds`: who is meant holds what the new one gets. */
static enum exit_code check_former(struct ctl *ctl, const struct approve_operator *approve,
                                   const json_t *state)
{
    const json_t *row = roster_operator(state, approve->succeeds);
    struct trust_operator former;
    if (!row || strcmp(text_of(row, "state"), "ended") == 0)
        return ctl_problemf(ctl, ERR_NOT_FOUND, "--succeeds", "%" PRIu32, approve->succeeds);
    roster_read(row, &former);
    if (strcmp(former.role, approve->operator.role) == 0 &&
        strcmp(former.area, approve->operator.area) == 0)
        return EXIT_DONE;
    return ctl_problemf(ctl, ERR_USAGE, "--succeeds",
                        tr("number %s holds another assignment: %s, %s",
                           "nomor %s memegang penugasan lain: %s, %s"),
                        text_of(row, "number"), former.role, former.area);
}

/* One holder in force an area, where the role asks for it; another one stands in, or takes over. */
static enum exit_code check_single(struct ctl *ctl, struct approve_operator *approve,
                                   const json_t *state)
{
    const json_t *holder = approve->single ? roster_holder(state, &approve->operator,
                                                           approve->replaces, approve->succeeds)
                                           : NULL;
    approve->beside[0] = '\0';
    if (!holder)
        return EXIT_DONE;
    (void)snprintf(approve->beside, sizeof(approve->beside),
                   tr("number %s, %s, until %s", "nomor %s, %s, sampai %s"),
                   text_of(holder, "number"), text_of(holder, "name"), text_of(holder, "until"));
    return approve->acting
               ? EXIT_DONE
               : ctl_problemf(ctl, ERR_HOLDER, approve->operator.area, "%s", approve->beside);
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
    struct ended ended = { .reason = END_SUCCESSION }, former = ended;
    struct trust_node office;
    enum exit_code code = area_of_district(ctl, approve->operator.area, position);
    if (approve->succeeds == approve->replaces)
        approve->succeeds = 0; /* the same person's former key */
    if (code == EXIT_DONE && approve->succeeds > 0)
        code = check_former(ctl, approve, position->state);
    if (code == EXIT_DONE)
        code = check_single(ctl, approve, position->state);
    if (code == EXIT_DONE && approve->succeeds > 0)
        code = roster_cuts(ctl, position->state,
                           text_of(roster_operator(position->state, approve->succeeds), "node"),
                           &former);
    if (code == EXIT_DONE && approve->replaces > 0)
        code = roster_cuts(ctl, position->state, approve->operator.node, &ended);
    if (code == EXIT_DONE && approve->has_seal_key)
        code = office_with(ctl, approve, position->state, &office);
    if (code != EXIT_DONE)
        return code;
    /* One statement: there is no moment without a key, and none with two. */
    writer_array(out,
                 1u + (approve->replaces > 0) + (approve->succeeds > 0) + approve->has_seal_key);
    if (approve->has_seal_key)
        trust_op_node(out, &office);
    if (approve->replaces > 0)
        trust_op_operator_end(out, approve->replaces, &ended);
    if (approve->succeeds > 0)
        trust_op_operator_end(out, approve->succeeds, &former);
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

enum exit_code iso_date(struct ctl *ctl, const char *option, char ret[DATE_TEXT_BYTES])
{
    if (date_parse(bytes_text(args_option(&ctl->args, option)), ret))
        return EXIT_DONE;
    return ctl_problemf(ctl, ERR_DATE, option, ": %s", args_option(&ctl->args, option));
}

/* A role must be one of the policy, once there is a policy. */
static enum exit_code check_role(struct ctl *ctl, const char *role, bool *ret_single)
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
    const struct policy_role *found = policy ? policy_role(policy, bytes_text(role)) : NULL;
    bool known = role[0] && (!policy || found);
    *ret_single = found && found->single;
    policy_close(&policy);
    if (known)
        return EXIT_DONE;
    return ctl_problemf(ctl, ERR_USAGE, "--role", "%s",
                        roles[0] ? roles : tr("must be given", "harus disebut"));
}

enum exit_code fill_text(struct ctl *ctl, const char *what, const char *text, char *ret, size_t cap)
{
    if (!text || text[0] == '\0' || strlen(text) >= cap)
        return ctl_problemf(ctl, ERR_LENGTH, what, "1..%zu", cap - 1);
    (void)snprintf(ret, cap, "%s", text);
    return EXIT_DONE;
}

enum exit_code area_of_district(struct ctl *ctl, const char *area,
                                const struct trust_position *position)
{
    if (area_within(bytes_text(area), bytes_text(position->district)))
        return EXIT_DONE;
    return ctl_problemf(ctl, ERR_AREA_CHILD, area, "%s", position->district);
}

/* What the options say, and what the operator's request said where they say nothing. */
static enum exit_code fill_operator(struct ctl *ctl, const json_t *request, const char *node,
                                    const char *name, struct trust_operator *operator,
                                    bool * ret_single)
{
    const char *role = args_option(&ctl->args, "--role");
    const char *area = args_option(&ctl->args, "--area");
    enum exit_code code = check_role(ctl, role ? role : text_of(request, "role"), ret_single);
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

enum exit_code say_roster(struct ctl *ctl, enum exit_code code, uint64_t version, uint64_t number,
                          const char *what)
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

/* --acting and --succeeds: two ways for a second holder, not both. */
static enum exit_code fill_former(struct ctl *ctl, struct approve_operator *approve)
{
    const char *succeeds = args_option(&ctl->args, "--succeeds");
    char *end = NULL;
    approve->acting = args_option(&ctl->args, "--acting") != NULL;
    if (!succeeds)
        return EXIT_DONE;
    unsigned long number = strtoul(succeeds, &end, 10);
    if (approve->acting || end == succeeds || *end || number == 0 || number > OPERATORS_MAX)
        return ctl_problemf(ctl, ERR_USAGE, "--succeeds", "%s",
                            approve->acting
                                ? tr("not together with --acting", "tidak bersama --acting")
                                : tr("a number of `tkskctl --hub operator list`",
                                     "nomor dari `tkskctl --hub operator list`"));
    approve->succeeds = (uint32_t)number;
    return EXIT_DONE;
}

/* What the approval did to others. */
static void say_others(const struct approve_operator *approve)
{
    if (approve->replaces > 0)
        (void)printf(tr("Number %" PRIu32 ", this person's former key, ends by succession: what it "
                        "signed and is still under way is taken.\n",
                        "Nomor %" PRIu32 ", kunci lama orang ini, berakhir karena diganti: yang "
                        "sudah ditandatanganinya dan masih di jalan tetap diterima.\n"),
                     approve->replaces);
    if (approve->succeeds > 0)
        (void)printf(tr("Number %" PRIu32 " ends by succession: what was entered before the office "
                        "heard of it is taken, also when it arrives late.\n",
                        "Nomor %" PRIu32 " berakhir karena diganti: yang diisi sebelum kantor itu "
                        "mengetahuinya tetap diterima, juga bila terlambat sampai.\n"),
                     approve->succeeds);
    if (approve->acting && approve->beside[0])
        (void)printf(tr("Stands in (plt) beside %s.\n", "Pelaksana tugas (plt) di samping %s.\n"),
                     approve->beside);
    else if (approve->acting)
        (void)puts(tr("Nobody else holds this assignment now, so it is listed without \"plt\".",
                      "Tidak ada pemegang lain saat ini, jadi tercatat tanpa \"plt\"."));
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
    if (code == EXIT_DONE)
        code = fill_former(ctl, &approve);
    if (code == EXIT_DONE && !name)
        code = waiting_name(ctl, node, found, sizeof(found));
    if (!name)
        name = found;
    if (code == EXIT_DONE)
        code = ask_six_words(ctl, node, "operator", name, &answer);
    if (code != EXIT_DONE)
        return code;
    code = fill_operator(ctl, answer.done, node, name, &approve.operator, & approve.single);
    approve.has_seal_key = maybe_text_of(answer.done, "seal_key") != NULL;
    if (code == EXIT_DONE && approve.has_seal_key &&
        !hex_of(answer.done, "seal_key", approve.seal_key.at, PUBLIC_KEY_BYTES))
        code = ctl_problemf(ctl, ERR_MALFORMED, "enrolment_check", "seal_key");
    answer_close(&answer);
    if (code == EXIT_DONE)
        code = trust_sign_publish(ctl, write_operator, &approve, &version);
    if (code == EXIT_DONE && !ctl->args.json)
        say_others(&approve);
    return say_roster(ctl, code, version, approve.operator.number, tr("Approved.", "Disetujui."));
}
