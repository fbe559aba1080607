/* Who may sign: founding a district, offices, the next epoch. */
#include <inttypes.h>
#include <stdlib.h>

#include "common/files.h"
#include "common/must.h"
#include "common/tkskctl/ask.h"
#include "common/tkskctl/roster.h"
#include "common/tkskctl/table.h"

/* --json: {"trust_version": n}; else a sentence whose two holes are thing and version. */
enum exit_code say_published(struct ctl *ctl, enum exit_code code, uint64_t version,
                             const char *sentence)
{
    if (code != EXIT_DONE)
        return code;
    if (ctl->args.json) {
        json_t *result = ctl_memory(json_pack("{s:I}", "trust_version", (json_int_t)version));
        code = ctl_document(ctl, result, NULL);
        json_decref(result);
        return code;
    }
    (void)printf("%s ", sentence);
    (void)printf(tr("Roster version %" PRIu64 ".\n", "Versi daftar %" PRIu64 ".\n"), version);
    return EXIT_DONE;
}

/* --- trust init ----------------------------------------------------------------------------- */

static void one_signer(struct signer_list *list, const struct secret_key *key, const char *name)
{
    *list = (struct signer_list){ .threshold = 1, .count = 1 };
    crypto_sign_public(key, &list->list[0].key);
    (void)snprintf(list->list[0].name, sizeof(list->list[0].name), "%s", name);
}

static bool add_endpoint(struct trust_hub *hub, const char *endpoint)
{
    if (hub->endpoint_count == ENDPOINTS_MAX || strlen(endpoint) > ENDPOINT_TEXT_MAX)
        return false;
    (void)snprintf(hub->endpoints[hub->endpoint_count++], ENDPOINT_TEXT_MAX + 1, "%s", endpoint);
    return true;
}

/* What the hub's `keys` says, with --endpoint in place of its own endpoints. */
static enum exit_code hub_of(struct ctl *ctl, const json_t *keys, struct trust_hub *ret_hub)
{
    struct trust_hub hub = { .seal_number = (uint64_t)number_of(keys, "seal_number") };
    const char *endpoint = args_option(&ctl->args, "--endpoint");
    bool good = hex_of(keys, "sign_key", hub.sign_key.at, PUBLIC_KEY_BYTES) &&
                hex_of(keys, "seal_key", hub.seal_key.at, PUBLIC_KEY_BYTES) &&
                hex_of(keys, "curve_key", hub.curve_key.at, PUBLIC_KEY_BYTES);
    size_t index;
    json_t *item;
    if (endpoint) {
        good = good && add_endpoint(&hub, endpoint);
    } else {
        json_array_foreach(json_object_get(keys, "endpoints"), index, item) {
            good = good && json_is_string(item) && add_endpoint(&hub, json_string_value(item));
        }
    }
    if (!good)
        return ctl_problemf(ctl, ERR_MALFORMED, "keys", "tksk-hub");
    if (hub.endpoint_count == 0)
        return ctl_problemf(ctl, ERR_USAGE, "--endpoint", "%s",
                            tr("offices must know where the hub is: set `advertise` in its "
                               "configuration, or say --endpoint tcp://HOST:PORT",
                               "kantor perlu tahu letak hub: isi `advertise` di konfigurasinya, "
                               "atau pakai --endpoint tcp://HOST:PORT"));
    *ret_hub = hub;
    return EXIT_DONE;
}

static enum exit_code publish_first(struct ctl *ctl, const char *district,
                                    const struct trust_hub *hub, const struct secret_key *root,
                                    const struct secret_key *officer)
{
    struct signer_list roots, signers;
    struct trust_position position = { .version = 0 };
    const char *officer_name = args_option(&ctl->args, "--officer");
    const char *root_name = args_option(&ctl->args, "--root");
    uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof(space));
    bool outrun;
    (void)snprintf(position.district, sizeof(position.district), "%s", district);
    one_signer(&roots, root, root_name ? root_name : "root");
    one_signer(&signers, officer, officer_name ? officer_name : "officer");
    writer_array(&ops, 3);
    trust_op_signers(&ops, TRUST_ROOT, &roots);
    trust_op_signers(&ops, TRUST_SIGNERS, &signers);
    trust_op_hub(&ops, hub);
    must(ops.err == OK);
    enum exit_code code = trust_publish(ctl, &position, writer_bytes(&ops),
                                        (const struct secret_key *const[]){ root }, 1, &outrun);
    if (outrun)
        code =
            ctl_problemf(ctl, ERR_STATE, district, "%s", tr("founded already", "sudah didirikan"));
    return code;
}

/* Two names for one file would make one key do both jobs, and lose the sense of a root. */
static enum exit_code check_init(struct ctl *ctl, const char *root_path, const char *officer_path)
{
    const char *district = args_option(&ctl->args, "--district");
    size_t len = strlen(district);
    if (len == 0 || len > DISTRICT_TEXT_MAX || area_level(bytes_text(district)) == 0)
        return ctl_problemf(ctl, ERR_USAGE, "--district", "%s",
                            tr("give the code of the district, such as 36.04",
                               "isi kode kabupaten/kota, seperti 36.04"));
    if (strcmp(root_path, officer_path) == 0)
        return ctl_problemf(ctl, ERR_USAGE, "--root-key", "%s",
                            tr("root and officer need two files; the root key is then kept away "
                               "from this machine",
                               "kunci akar dan kunci pejabat harus dua berkas; kunci akar lalu "
                               "disimpan jauh dari komputer ini"));
    return EXIT_DONE;
}

enum exit_code cmd_trust_init(struct ctl *ctl)
{
    const char *root_path = args_option(&ctl->args, "--root-key");
    const char *district = args_option(&ctl->args, "--district");
    char officer_path[512];
    struct answer state = { 0 }, keys = { 0 };
    struct trust_hub hub;
    struct secret_key *root = NULL, *officer = NULL;
    enum exit_code code = officer_key_path(ctl, officer_path, sizeof(officer_path));
    if (code == EXIT_DONE)
        code = check_init(ctl, root_path, officer_path);
    if (code != EXIT_DONE)
        return code;
    code = ctl_try(ctl, "trust_state", NULL, &state);
    if (code != EXIT_DONE && !state.error)
        return code;
    code = EXIT_DONE;
    if (number_of(state.done, "version") > 0)
        code = ctl_problemf(ctl, ERR_STATE, text_of(state.done, "district"), "%s",
                            tr("founded already; new keys are published by its officers",
                               "sudah didirikan; kunci baru diterbitkan pejabatnya"));
    if (code == EXIT_DONE)
        code = ctl_ask(ctl, "keys", NULL, &keys);
    if (code == EXIT_DONE)
        code = hub_of(ctl, keys.done, &hub);
    if (code == EXIT_DONE)
        code = key_file_open_or_make(ctl, root_path, "root", &root);
    if (code == EXIT_DONE)
        code = key_file_open_or_make(ctl, officer_path, "officer", &officer);
    if (code == EXIT_DONE)
        code = publish_first(ctl, district, &hub, root, officer);
    secret_key_close(&root);
    secret_key_close(&officer);
    answer_close(&state);
    answer_close(&keys);
    code = say_published(ctl, code, 1, tr("Founded.", "Didirikan."));
    if (code == EXIT_DONE && !ctl->args.json)
        (void)printf(tr("Keep %s away from this machine, with its passphrase, in two places.\n"
                        "Next: tkskctl policy publish DIR\n",
                        "Simpan %s jauh dari komputer ini, dengan kata sandinya, di dua tempat.\n"
                        "Berikutnya: tkskctl policy publish DIR\n"),
                     root_path);
    return code;
}

/* --- offices -------------------------------------------------------------------------------- */

enum exit_code cmd_node_invite(struct ctl *ctl)
{
    struct answer answer;
    struct problem problem;
    char path[256];
    const char *node = ctl->args.words[0];
    const char *hours_text = args_option(&ctl->args, "--hours");
    const char *given = args_option(&ctl->args, "-o");
    char *end = NULL;
    long hours = hours_text ? strtol(hours_text, &end, 10) : 72;
    if (hours < 1 || hours > 24L * 366 || (end && *end))
        return ctl_problemf(
            ctl, ERR_USAGE, "--hours", "%s",
            tr("a number of hours from 1 to 8784", "jumlah jam dari 1 sampai 8784"));
    if (strlen(node) > NODE_TEXT_MAX || strchr(node, '/'))
        return ctl_problemf(ctl, ERR_USAGE, node, "%s",
                            tr("an office is named by the code of its area",
                               "kantor disebut dengan kode wilayahnya"));
    (void)snprintf(path, sizeof(path), "%s%s", given ? given : node, given ? "" : ".invite");
    enum exit_code code = ctl_ask(
        ctl, "invite",
        ctl_memory(json_pack("{s:s, s:I}", "node", node, "hours", (json_int_t)hours)), &answer);
    if (code != EXIT_DONE)
        return code;
    /* It holds a one-time key: for this person's eyes. */
    enum err err = files_write(path, 0600, bytes_text(text_of(answer.done, "invite")), &problem);
    if (err != OK) {
        code = ctl_problem(ctl, &problem);
    } else if (ctl->args.json) {
        json_t *result = ctl_memory(json_pack("{s:s, s:s}", "node", node, "file", path));
        code = ctl_document(ctl, result, NULL);
        json_decref(result);
    } else {
        (void)printf(tr("Invite for %s written to %s, good for %ld hours and one machine.\n"
                        "There: tkskctl enrol %s, and read the six words to you.\n"
                        "Here:  tkskctl node approve %s\n",
                        "Undangan untuk %s ditulis ke %s, berlaku %ld jam untuk satu komputer.\n"
                        "Di sana: tkskctl daftar %s, lalu membacakan enam kata kepada Anda.\n"
                        "Di sini: tkskctl node approve %s\n"),
                     node, path, hours, path, node);
    }
    answer_close(&answer);
    return code;
}

struct approve_node {
    struct trust_node node;
};

/* What the machine before this one had queued, as it last said, and what never came. */
static void say_lost(struct ctl *ctl, const char *name)
{
    static const char *const lanes_en[] = { "urgent", "normal", "bulk" };
    static const char *const lanes_id[] = { "segera", "biasa", "impor" };
    struct answer answer;
    size_t index, at;
    json_t *row, *lane;
    if (ctl_ask(ctl, "nodes", NULL, &answer) != EXIT_DONE)
        return;
    json_array_foreach(answer.rows, index, row) {
        if (strcmp(text_of(row, "node"), name) != 0 || number_of(row, "lost") == 0)
            continue;
        (void)printf(tr("The former machine had %s entries queued that never arrived:\n",
                        "Komputer yang lama menyimpan %s kiriman yang belum pernah sampai:\n"),
                     text_of(row, "lost"));
        json_array_foreach(json_object_get(row, "lost_lanes"), at, lane) {
            char heard[SAY_TIME_MAX];
            int64_t number = number_of(lane, "lane");
            say_time(maybe_text_of(lane, "heard"), heard);
            if (number >= 0 && number < LANE_COUNT)
                (void)printf(tr("  %s lane: numbers %s to %s, as it said %s\n",
                                "  jalur %s: nomor %s sampai %s, menurut kabar terakhir %s\n"),
                             tr(lanes_en[number], lanes_id[number]), text_of(lane, "first"),
                             text_of(lane, "last"), heard);
        }
        (void)puts(tr("What was typed after that nobody knows here. If the machine turns up: keep "
                      "it, see \"A netbook is replaced\" in the manual.",
                      "Yang diisi sesudah itu tidak diketahui di sini. Bila komputernya ditemukan: "
                      "simpan, lihat \"Netbook diganti\" di manual."));
    }
    answer_close(&answer);
}

static enum exit_code write_node(struct ctl *ctl, void *ctx, const struct trust_position *position,
                                 struct writer *out)
{
    const struct approve_node *approve = ctx;
    enum exit_code code = area_of_district(ctl, approve->node.area, position);
    if (code != EXIT_DONE)
        return code;
    writer_array(out, 1);
    trust_op_node(out, &approve->node);
    return EXIT_DONE;
}

enum exit_code cmd_node_approve(struct ctl *ctl)
{
    const char *name = ctl->args.words[0];
    const char *area = args_option(&ctl->args, "--area");
    struct approve_node approve = { 0 };
    struct answer answer;
    char sentence[160];
    uint64_t version;
    enum exit_code code = ask_six_words(ctl, name, "node", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    bool good = hex_of(answer.done, "device_key", approve.node.device_key.at, PUBLIC_KEY_BYTES) &&
                hex_of(answer.done, "curve_key", approve.node.curve_key.at, PUBLIC_KEY_BYTES) &&
                hex_of(answer.done, "seal_key", approve.node.seal_key.at, PUBLIC_KEY_BYTES);
    answer_close(&answer);
    if (!good)
        return ctl_problemf(ctl, ERR_MALFORMED, "enrolment_check", "tksk-hub");
    if (!area)
        area = name;
    if (strlen(name) > NODE_TEXT_MAX || strlen(area) > NODE_TEXT_MAX ||
        area_level(bytes_text(area)) == 0)
        return ctl_problemf(ctl, ERR_USAGE, area, "%s",
                            tr("not the code of an area; say --area CODE",
                               "bukan kode wilayah; pakai --area KODE"));
    (void)snprintf(approve.node.name, sizeof(approve.node.name), "%s", name);
    (void)snprintf(approve.node.area, sizeof(approve.node.area), "%s", area);
    code = trust_sign_publish(ctl, write_node, &approve, &version);
    (void)snprintf(sentence, sizeof(sentence), tr("Office %s approved.", "Kantor %s disetujui."),
                   name);
    bool said = code == EXIT_DONE && !ctl->args.json;
    code = say_published(ctl, code, version, sentence);
    if (said)
        say_lost(ctl, name);
    return code;
}

struct revoke_node {
    const char *name;
    enum end_reason reason;
};

static enum exit_code write_node_end(struct ctl *ctl, void *ctx,
                                     const struct trust_position *position, struct writer *out)
{
    const struct revoke_node *revoke = ctx;
    struct ended ended = { .reason = revoke->reason };
    enum exit_code code = roster_cuts(ctl, position->state, revoke->name, &ended);
    writer_array(out, 1);
    trust_op_node_end(out, revoke->name, &ended);
    return code;
}

enum exit_code cmd_node_revoke(struct ctl *ctl)
{
    struct revoke_node revoke = { .name = ctl->args.words[0] };
    char question[200], sentence[200];
    uint64_t version;
    if (args_option(&ctl->args, "--reason") || ask_possible())
        say_waiting(ctl, revoke.name, 0);
    enum exit_code code = ask_end_reason(ctl, &revoke.reason);
    if (code != EXIT_DONE)
        return code;
    (void)snprintf(
        question, sizeof(question),
        tr("End the right of the machine of %.60s to connect? Its unsent work stays there.",
           "Akhiri hak sambung komputer %.60s? Pekerjaan yang belum terkirim tetap di "
           "sana."),
        revoke.name);
    if (!ask_yes(ctl, question))
        return EXIT_REFUSED;
    code = trust_sign_publish(ctl, write_node_end, &revoke, &version);
    (void)snprintf(sentence, sizeof(sentence), tr("Office %.60s revoked.", "Kantor %.60s dicabut."),
                   revoke.name);
    return say_published(ctl, code, version, sentence);
}

/* --- restore -------------------------------------------------------------------------------- */

struct next_epoch {
    uint64_t epoch, number;
    struct hash hash;
};

static enum exit_code write_epoch(struct ctl *ctl, void *ctx, const struct trust_position *position,
                                  struct writer *out)
{
    const struct next_epoch *next = ctx;
    (void)ctl;
    (void)position;
    writer_array(out, 1);
    trust_op_epoch(out, next->epoch, next->number, &next->hash);
    return EXIT_DONE;
}

enum exit_code cmd_restore(struct ctl *ctl)
{
    struct answer answer;
    struct next_epoch next = { .epoch = 0 };
    char question[400];
    uint64_t version = 0;
    enum exit_code code = ctl_ask(ctl, "restore_info", NULL, &answer);
    if (code != EXIT_DONE)
        return code;
    next.epoch = (uint64_t)number_of(answer.done, "epoch") + 1;
    next.number = (uint64_t)number_of(answer.done, "number");
    if (!hex_of(answer.done, "hash", next.hash.at, HASH_BYTES))
        code = ctl_problemf(ctl, ERR_MALFORMED, "restore_info", "hash");
    (void)snprintf(question, sizeof(question),
                   tr("%.200s\nGo on from number %" PRIu64 " as epoch %" PRIu64
                      "? Offices then send again what this database lacks.",
                      "%.200s\nLanjut dari nomor %" PRIu64 " sebagai zaman %" PRIu64
                      "? Kantor lalu mengirim lagi yang tidak ada di sini."),
                   text_of(answer.done, "why"), next.number, next.epoch);
    answer_close(&answer);
    if (code == EXIT_DONE && !ask_yes(ctl, question))
        return EXIT_REFUSED;
    if (code == EXIT_DONE)
        code = trust_sign_publish(ctl, write_epoch, &next, &version);
    return say_published(ctl, code, version,
                         tr("The next epoch has begun.", "Zaman berikutnya dimulai."));
}
