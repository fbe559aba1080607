/* The node's admin commands through the real socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/keyfile.h"
#include "tests/support/node_world.h"

static uint64_t highest(struct admin_world *w)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct node_lane lane;
        assert_int_equal(node_store_lane(w->o.store, (enum lane)i, &lane), OK);
        sum += lane.highest;
    }
    return sum;
}

static json_t *field_row(struct admin_world *w, const char *name)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(world_done(w), "fields"), index, row) {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return row;
    }
    return NULL;
}

static const char *shown(struct admin_world *w, const char *name)
{
    const char *text = json_string_value(json_object_get(field_row(w, name), "value"));
    return text != NULL ? text : "";
}

static const char *row_text(struct admin_world *w, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(world_row(w, index), key));
    return text != NULL ? text : "";
}

static bool show(struct admin_world *w, const char *id)
{
    return world_ask(w, "show", json_pack("{s:s}", "id", id));
}

/* ---- before anything */

static void a_daemon_without_keys_says_the_next_command(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "hello", NULL));
    assert_string_equal(world_text(w, "program"), "tksk-node");
    assert_true(json_is_null(json_object_get(world_done(w), "node")));
    assert_true(world_ask(w, "status", NULL));
    assert_string_equal(world_text(w, "enrolment"), "none");
    assert_string_equal(world_text(w, "next"), "tkskctl enrol INVITE");
    assert_true(json_is_true(json_object_get(world_done(w), "locked")));
    assert_true(world_number(w, "disk_free_bytes") > 0);
    world_refused(w, "usage", "no_such_command", NULL);
}

static void without_keys_nothing_can_be_entered_or_read(void **state)
{
    static const char *const locked[] = { "put",   "edit",          "delete",      "resolve",
                                          "apply", "import_begin",  "import_rows", "list",
                                          "show",  "conflict_list", "explain" };
    struct admin_world *w = *state;
    for (size_t i = 0; i < COUNT_OF(locked); i++)
        world_refused(w, "locked", locked[i], NULL);
    world_refused(w, "state", "collections", NULL);
    world_refused(w, "not_found", "unlock", json_pack("{s:s}", "derived", "eA=="));
}

static void enrolling_shows_the_same_words_every_time(void **state)
{
    struct admin_world *w = *state;
    char words[64];
    assert_true(world_ask(w, "enrol", world_invite(w)));
    snprintf(words, sizeof words, "%s", world_text(w, "words"));
    assert_true(strlen(words) > 20);
    assert_string_equal(world_text(w, "node"), OFFICE_NODE);
    assert_true(w->changed > 0);
    assert_true(world_ask(w, "enrol", world_invite(w)));
    assert_string_equal(world_text(w, "words"), words);
    world_restart(w);
    assert_true(world_ask(w, "enrol_status", NULL));
    assert_string_equal(world_text(w, "enrolment"), "waiting");
    assert_string_equal(world_text(w, "words"), words);
    assert_true(world_ask(w, "status", NULL));
    assert_string_equal(world_text(w, "next"), "tkskctl enrol");
}

static void an_altered_invite_is_refused(void **state)
{
    struct admin_world *w = *state;
    json_t *args = world_invite(w);
    char *text = strdup(json_string_value(json_object_get(args, "invite")));
    text[60] = text[60] == 'A' ? 'B' : 'A';
    json_object_set_new(args, "invite", json_string(text));
    free(text);
    assert_false(world_ask(w, "enrol", args));
    world_refused(w, "usage", "enrol", NULL);
    world_refused(w, "malformed", "enrol", json_pack("{s:s}", "invite", "hello"));
    assert_true(world_ask(w, "status", NULL));
    assert_string_equal(world_text(w, "enrolment"), "none");
}

static void an_enrolled_machine_takes_no_other_invite(void **state)
{
    struct admin_world *w = *state;
    world_refused(w, "state", "enrol", world_invite(w));
}

/* ---- operators and the lock */

static void operators_are_listed_with_their_standing(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "operator_list", NULL));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "name"), "siti");
    assert_string_equal(row_text(w, 0, "state"), "approved");
    assert_string_equal(row_text(w, 0, "area"), OFFICE_NODE);
    assert_string_equal(row_text(w, 0, "until"), "2027-12-31");
    world_refused(w, "state", "operator_words", json_pack("{s:s}", "name", "siti"));
    world_refused(w, "not_found", "operator_words", json_pack("{s:s}", "name", "budi"));
}

static void an_operator_key_must_open_and_belong_together(void **state)
{
    struct admin_world *w = *state;
    char wrong[64];
    uint8_t zero[SECRET_KEY_BYTES] = { 1 };
    assert_int_equal(crypto_base64(bytes_of(zero, sizeof zero), wrong, sizeof wrong), OK);
    world_refused(w, "passphrase", "operator_add",
                  json_pack("{s:s, s:s, s:s, s:s}", "keyfile", w->keyfile, "derived", wrong, "name",
                            "budi", "role", "tksk"));
    /* Well wrapped, but the public half is another key's. */
    char right[64], other[KEYFILE_TEXT_MAX];
    struct keyfile file;
    assert_int_equal(keyfile_parse(bytes_text(w->keyfile), &file), OK);
    crypto_sign_public(w->o.officer, &file.public_key);
    assert_int_equal(keyfile_wrap_derived(w->derived, w->o.operator, & file), OK);
    keyfile_format(&file, other);
    assert_int_equal(crypto_base64(bytes_of(secret_key_bytes(w->derived), SECRET_KEY_BYTES), right,
                                   sizeof right),
                     OK);
    world_refused(w, "key", "operator_add",
                  json_pack("{s:s, s:s, s:s, s:s}", "keyfile", other, "derived", right, "name",
                            "budi", "role", "tksk"));
    world_refused(w, "malformed", "operator_add",
                  json_pack("{s:s, s:s, s:s, s:s}", "keyfile", "x", "derived", wrong, "name",
                            "budi", "role", "tksk"));
    assert_true(world_ask(w, "operator_list", NULL));
    assert_int_equal(world_rows(w), 1);
}

static void a_wrong_passphrase_does_not_unlock(void **state)
{
    struct admin_world *w = *state;
    char wrong[64];
    uint8_t other[SECRET_KEY_BYTES] = { 3 };
    assert_true(world_ask(w, "lock", NULL));
    assert_int_equal(crypto_base64(bytes_of(other, sizeof other), wrong, sizeof wrong), OK);
    world_refused(w, "passphrase", "unlock",
                  json_pack("{s:s, s:s}", "name", "siti", "derived", wrong));
    world_refused(w, "usage", "unlock", json_pack("{s:s, s:s}", "name", "siti", "derived", "!"));
    world_refused(w, "locked", "list", json_pack("{s:s}", "collection", "orang"));
    assert_true(world_ask(w, "unlock_params", NULL));
    assert_int_equal(world_rows(w), 1);
    assert_string_equal(row_text(w, 0, "keyfile"), w->keyfile);
    assert_true(world_unlock(w));
    assert_int_equal(world_number(w, "until_idle_minutes"), 15);
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
}

static void an_idle_node_locks_itself(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    for (unsigned i = 0; i < 2; i++) { /* each use counts anew */
        w->admin->sessions[0].used_ms -= 14 * 60 * 1000;
        assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    }
    w->admin->sessions[0].used_ms -= 15 * 60 * 1000;
    unsigned before = w->changed;
    world_refused(w, "locked", "list", json_pack("{s:s}", "collection", "orang"));
    assert_false(node_store_unlocked(w->o.store));
    assert_true(w->changed > before); /* the hub hears that records are not wanted */
}

static unsigned take(struct admin_world *w, unsigned uid, const char *key, const char *name)
{
    char text[300];
    int len = snprintf(text, sizeof text, "tksk-unlock 1 %u %s %s\n", uid, key, name);
    return node_admin_take_credential(w->admin, bytes_of(text, (size_t)len));
}

static void a_credential_unlocks_for_its_user_and_does_not_idle_out(void **state)
{
    struct admin_world *w = *state;
    char key[64];
    unsigned me = (unsigned)getuid();
    assert_int_equal(
        crypto_base64(bytes_of(secret_key_bytes(w->derived), SECRET_KEY_BYTES), key, sizeof key),
        OK);
    assert_true(world_ask(w, "lock", json_pack("{s:b}", "all", 1)));
    assert_int_equal(take(w, me, "AAAA", "siti"), 0);
    assert_int_equal(take(w, me, key, "nobody"), 0);
    assert_int_equal(take(w, me, key, ""), 0);
    assert_int_equal(take(w, UINT32_MAX, key, "siti"), 0);
    assert_int_equal(node_admin_take_credential(w->admin, bytes_text("")), 0);
    assert_int_equal(node_admin_take_credential(w->admin, bytes_text("tksk-unlock 1 0 x\n\n")), 0);
    assert_int_equal(node_admin_take_credential(w->admin, bytes_text("tksk-unlock 1 0")), 0);
    assert_false(node_store_unlocked(w->o.store));

    /* The key of another user of this machine is not ours. */
    assert_int_equal(take(w, me + 1, key, "siti"), 1);
    assert_true(node_store_unlocked(w->o.store));
    world_refused(w, "locked", "list", json_pack("{s:s}", "collection", "orang"));
    assert_int_equal(take(w, me, key, "siti"), 1);
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));

    /* Nor does a passphrase in between make it idle out; `lock` locks it. */
    assert_true(world_unlock(w));
    for (size_t i = 0; i < w->admin->session_count; i++)
        w->admin->sessions[i].used_ms -= 24 * 60 * 60 * 1000;
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    assert_true(world_ask(w, "lock", NULL));
    world_refused(w, "locked", "list", json_pack("{s:s}", "collection", "orang"));
}

static void each_locks_what_the_own_user_unlocked(void **state)
{
    struct admin_world *w = *state;
    w->admin->sessions[1] = w->admin->sessions[0];
    w->admin->sessions[w->admin->session_count++].uid++; /* another user, the same operator */
    assert_true(world_ask(w, "lock", NULL));
    assert_true(json_is_false(json_object_get(world_done(w), "locked")));
    world_refused(w, "locked", "list", json_pack("{s:s}", "collection", "orang"));
    assert_true(world_unlock(w));
    assert_true(world_ask(w, "lock", json_pack("{s:b}", "all", 1)));
    assert_false(node_store_unlocked(w->o.store));
}

static void who_is_meant_must_be_said_where_several_are_unlocked(void **state)
{
    struct admin_world *w = *state;
    w->admin->sessions[1] = w->admin->sessions[0];
    memcpy(w->admin->sessions[1].name, "budi", sizeof "budi");
    w->admin->session_count = 2;
    world_refused(w, "who", "list", json_pack("{s:s}", "collection", "orang"));
    assert_non_null(strstr(world_text(w, "rule"), "siti, budi"));
    assert_true(world_ask(w, "list", json_pack("{s:s, s:s}", "collection", "orang", "as", "siti")));
    world_refused(w, "locked", "list", json_pack("{s:s, s:s}", "collection", "orang", "as", "ani"));
    assert_true(world_ask(w, "lock", json_pack("{s:s}", "as", "budi")));
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
}

static void a_restart_locks(void **state)
{
    struct admin_world *w = *state;
    world_restart(w);
    world_refused(w, "locked", "list", json_pack("{s:s}", "collection", "orang"));
    assert_true(world_ask(w, "status", NULL));
    assert_string_equal(world_text(w, "next"), "tkskctl unlock");
}

/* Another user of this machine asks while siti has unlocked. */
static void an_unlocked_key_serves_only_who_unlocked_it(void **state)
{
    struct admin_world *w = *state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(w->o.directory, 0755), 0);
    assert_int_equal(chmod(w->socket, 0666), 0);
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char answer[4096];
        static const char line[] =
            "{\"v\":1,\"cmd\":\"list\",\"args\":{\"collection\":\"orang\"}}\n";
        snprintf(address.sun_path, sizeof address.sun_path, "%s", w->socket);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (setuid(65534) != 0 || fd < 0 ||
            connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
            write(fd, line, sizeof line - 1) != (ssize_t)sizeof line - 1)
            _exit(1);
        ssize_t got = read(fd, answer, sizeof answer - 1);
        if (got <= 0 || write(ends[1], answer, (size_t)got) != got)
            _exit(1);
        _exit(0);
    }
    int status = -1;
    for (unsigned i = 0; i < 200 && waitpid(child, &status, WNOHANG) == 0; i++)
        assert_true(world_ask(w, "hello", NULL)); /* runs the loop for both */
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    char text[4096] = "";
    assert_true(read(ends[0], text, sizeof text - 1) > 0);
    assert_non_null(strstr(text, "\"error\""));
    assert_non_null(strstr(text, "\"locked\""));
    close(ends[0]);
    close(ends[1]);
    assert_true(
        world_ask(w, "list", json_pack("{s:s}", "collection", "orang"))); /* siti still may */
}

/* ---- put */

static void put_answers_with_id_number_and_place(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w);
    unsigned kicks = w->changed;
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s}, s:s}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "Nama lengkap", "Maimunah", "request",
                                    "0191f0c2-0000-7000-8000-000000000001")));
    assert_int_equal(strlen(world_text(w, "id")), 36);
    assert_string_equal(world_text(w, "short"), "29-0001");
    assert_int_equal(strlen(world_text(w, "leaf")), 64);
    assert_string_equal(world_text(w, "lane"), "normal");
    assert_true(world_number(w, "seq") > 0);
    assert_true(json_is_array(json_object_get(world_done(w), "warnings")));
    assert_int_equal(highest(w), before + 1);
    assert_true(w->changed > kicks);
    assert_true(show(w, "29-0001"));
    assert_string_equal(shown(w, "nama"), "Maimunah");
    assert_string_equal(world_text(w, "state"), "pending");
}

static void the_same_request_again_gets_the_same_answer(void **state)
{
    struct admin_world *w = *state;
    char id[40], leaf[65];
    for (unsigned i = 0; i < 3; i++) {
        uint64_t before = highest(w);
        assert_true(world_ask(w, "put",
                              json_pack("{s:s, s:{s:s, s:s}, s:s}", "collection", "orang", "fields",
                                        "kec", OFFICE_NODE, "nama", i == 0 ? "Maimunah" : "Aminah",
                                        "request", "0191f0c2-0000-7000-8000-000000000002")));
        if (i == 0) {
            snprintf(id, sizeof id, "%s", world_text(w, "id"));
            snprintf(leaf, sizeof leaf, "%s", world_text(w, "leaf"));
            continue;
        }
        assert_string_equal(world_text(w, "id"), id);
        assert_string_equal(world_text(w, "leaf"), leaf);
        assert_string_equal(world_text(w, "short"), "29-0001");
        assert_int_equal(world_number(w, "seq") > 0, 1);
        assert_int_equal(highest(w), before);
        world_restart(w); /* and after a restart */
        assert_true(world_unlock(w));
    }
}

static void the_lane_that_is_asked_for_is_taken(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s}, s:s}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Maimunah", "lane", "urgent")));
    assert_string_equal(world_text(w, "lane"), "urgent");
    world_refused(w, "usage", "put",
                  json_pack("{s:s, s:{s:s}, s:s}", "collection", "orang", "fields", "nama", "x",
                            "lane", "fast"));
}

static void refusals_name_the_field_and_store_nothing(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w);
    world_refused(w, "collection", "put",
                  json_pack("{s:s, s:{}}", "collection", "hantu", "fields"));
    assert_non_null(strstr(world_text(w, "rule"), "orang"));
    world_refused(w, "nik", "put",
                  json_pack("{s:s, s:{s:s, s:s, s:s}}", "collection", "orang", "fields", "kec",
                            OFFICE_NODE, "nama", "Maimunah", "nik", "123"));
    assert_string_equal(world_text(w, "field"), "nik");
    world_refused(w, "required", "put",
                  json_pack("{s:s, s:{s:s}}", "collection", "orang", "fields", "kec", OFFICE_NODE));
    assert_string_equal(world_text(w, "field"), "nama");
    world_refused(w, "field", "put",
                  json_pack("{s:s, s:{s:s}}", "collection", "orang", "fields", "namma", "x"));
    world_refused(w, "area", "put",
                  json_pack("{s:s, s:{s:s, s:s}}", "collection", "orang", "fields", "kec",
                            "36.04.05", "nama", "Maimunah"));
    world_refused(w, "usage", "put",
                  json_pack("{s:s, s:[s]}", "collection", "orang", "fields", "nama"));
    world_refused(w, "usage", "put",
                  json_pack("{s:s, s:{s:[[s]]}}", "collection", "orang", "fields", "catatan", "x"));
    world_refused(w, "usage", "put",
                  json_pack("{s:s, s:{}, s:s}", "collection", "orang", "fields", "request", "7"));
    assert_int_equal(highest(w), before);
}

static void numbers_lists_and_maps_of_json_become_values(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(
        w, "put",
        json_pack("{s:s, s:{s:s, s:s, s:i, s:b, s:[s, s], s:{s:i, s:s}, s:[{s:s, s:i}, {s:s}]}}",
                  "collection", "orang", "fields", "kec", OFFICE_NODE, "nama", "Maimunah", "umur",
                  47, "aktif", 1, "catatan", "a|b", "c\\d", "ukuran", "lantai", 3, "milik", "x=y;z",
                  "riwayat", "tahun", "2019", "ke", 1, "catatan", "pindah|kembali")));
    assert_true(show(w, world_text(w, "id")));
    assert_string_equal(shown(w, "umur"), "47");
    assert_string_not_equal(shown(w, "aktif"), "");
    assert_string_equal(shown(w, "catatan"), "a\\|b|c\\\\d");
    assert_non_null(strstr(shown(w, "ukuran"), "lantai=3"));
    assert_non_null(strstr(shown(w, "riwayat"), "\u2022")); /* there, and masked */
}

static void null_and_empty_clear_a_field(void **state)
{
    struct admin_world *w = *state;
    const char *id = world_put(w, "Maimunah");
    assert_true(
        world_ask(w, "edit", json_pack("{s:s, s:{s:s}}", "id", id, "fields", "umur", "47")));
    assert_true(show(w, id));
    assert_string_equal(shown(w, "umur"), "47");
    assert_true(world_ask(w, "edit", json_pack("{s:s, s:{s:n}}", "id", id, "fields", "umur")));
    assert_true(show(w, id));
    assert_string_equal(shown(w, "umur"), "");
}

/* ---- edit, delete, apply, resolve */

static void edit_needs_fields_and_the_revision_that_was_seen(void **state)
{
    struct admin_world *w = *state;
    const char *id = world_put(w, "Maimunah");
    world_refused(w, "usage", "edit", json_pack("{s:s, s:{}}", "id", id, "fields"));
    world_refused(
        w, "state", "edit",
        json_pack("{s:s, s:{s:s}, s:i}", "id", id, "fields", "umur", "3", "expect_rev", 99));
    world_refused(w, "not_found", "edit",
                  json_pack("{s:s, s:{s:s}}", "id", "29-0999", "fields", "umur", "3"));
    assert_true(world_ask(
        w, "edit", json_pack("{s:s, s:{s:s}}", "id", "29-0001", "fields", "nama", "Aminah")));
    assert_string_equal(world_text(w, "id"), id);
    assert_true(show(w, id));
    assert_string_equal(shown(w, "nama"), "Aminah");
    assert_int_equal(json_array_size(json_object_get(world_done(w), "history")), 2);
}

static void delete_keeps_its_reasons_and_hides_the_record(void **state)
{
    struct admin_world *w = *state;
    const char *id = world_put(w, "Maimunah");
    uint64_t before = highest(w);
    for (unsigned i = 0; i < 2; i++) { /* the second time is a repeat */
        assert_true(
            world_ask(w, "delete",
                      json_pack("{s:s, s:{s:s}, s:s}", "id", id, "reason_fields", "alasan", "ganda",
                                "request", "0191f0c2-0000-7000-8000-000000000003")));
        assert_int_equal(highest(w), before + 2);
    }
    assert_true(world_ask(w, "list", json_pack("{s:s}", "collection", "orang")));
    assert_int_equal(world_rows(w), 0);
    assert_true(show(w, id));
    assert_string_equal(world_text(w, "state"), "deleted");
    assert_int_equal(json_array_size(json_object_get(world_done(w), "history")), 3);
    world_refused(w, "state", "edit", json_pack("{s:s, s:{s:s}}", "id", id, "fields", "umur", "3"));
}

static void a_crash_between_reasons_and_delete_is_made_good(void **state)
{
    struct admin_world *w = *state;
    const char *id = world_put(w, "Maimunah");
    struct id request, record;
    struct hash leaf;
    uint64_t seq;
    unsigned failed;
    assert_true(uuid_from_text(bytes_text("0191f0c2-0000-7000-8000-000000000004"), &request));
    assert_true(uuid_from_text(bytes_text(id), &record));
    const struct entry_field field = { .name = bytes_text("alasan"), .text = bytes_text("ganda") };
    struct entry_change change = {
        .op = OP_UPDATE, .record = record, .fields = &field, .field_count = 1
    };
    struct entry_request reasons = {
        .wall_ms = OFFICE_WALL_MS, .lane = LANE_NORMAL, .changes = &change, .change_count = 1
    };
    crypto_keyed_hash(bytes_id(&request), bytes_text("reason"), reasons.request.at, ID_BYTES);
    assert_int_equal(node_entry_submit(w->o.entry, &reasons, &leaf, &seq, &failed, NULL, NULL), OK);
    uint64_t before = highest(w);
    assert_true(world_ask(w, "delete",
                          json_pack("{s:s, s:{s:s}, s:s}", "id", id, "reason_fields", "alasan",
                                    "ganda", "request", "0191f0c2-0000-7000-8000-000000000004")));
    assert_int_equal(highest(w), before + 1); /* the delete alone */
}

static void apply_creates_records_that_name_each_other(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w);
    char person[40];
    assert_true(world_ask(
        w, "apply",
        json_pack("{s:[{s:s, s:s, s:{s:s, s:s, s:s}}, {s:s, s:s, s:{s:s, s:s, s:s}}]}", "changes",
                  "op", "create", "collection", "orang", "fields", "kec", OFFICE_NODE, "nama",
                  "Maimunah", "rumah", "$2", "op", "create", "collection", "keluarga", "fields",
                  "kec", OFFICE_NODE, "kk", "3604290112090003", "kepala", "$1")));
    assert_int_equal(highest(w), before + 1); /* one transaction */
    json_t *ids = json_object_get(world_done(w), "ids");
    assert_int_equal(json_array_size(ids), 2);
    snprintf(person, sizeof person, "%s",
             json_string_value(json_object_get(json_array_get(ids, 0), "id")));
    char family[40];
    snprintf(family, sizeof family, "%s",
             json_string_value(json_object_get(json_array_get(ids, 1), "id")));
    assert_true(show(w, person));
    assert_string_equal(shown(w, "rumah"), family);
    assert_true(show(w, family));
    assert_string_equal(shown(w, "kepala"), person);
}

static void apply_takes_all_or_nothing_and_says_which_change(void **state)
{
    struct admin_world *w = *state;
    uint64_t before = highest(w);
    world_refused(w, "nik", "apply",
                  json_pack("{s:[{s:s, s:s, s:{s:s, s:s}}, {s:s, s:s, s:{s:s, s:s, s:s}}]}",
                            "changes", "op", "create", "collection", "orang", "fields", "kec",
                            OFFICE_NODE, "nama", "Maimunah", "op", "create", "collection", "orang",
                            "fields", "kec", OFFICE_NODE, "nama", "Aminah", "nik", "9"));
    assert_int_equal(world_number(w, "change"), 2);
    assert_string_equal(world_text(w, "field"), "nik");
    assert_int_equal(highest(w), before);
    world_refused(w, "limit", "apply", json_pack("{s:[]}", "changes"));
    world_refused(w, "usage", "apply", json_pack("{s:[{s:s}]}", "changes", "op", "burn"));
    world_refused(w, "usage", "apply", json_pack("{s:[i]}", "changes", 5));
}

static void references_take_short_numbers(void **state)
{
    struct admin_world *w = *state;
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s}}", "collection", "keluarga", "fields",
                                    "kec", OFFICE_NODE, "kk", "3604290112090003")));
    char family[40];
    snprintf(family, sizeof family, "%s", world_text(w, "id"));
    assert_true(world_ask(w, "put",
                          json_pack("{s:s, s:{s:s, s:s, s:s}}", "collection", "orang", "fields",
                                    "kec", OFFICE_NODE, "nama", "Maimunah", "rumah", "29-0001")));
    assert_true(show(w, world_text(w, "id")));
    assert_string_equal(shown(w, "rumah"), family);
    world_refused(w, "reference", "put",
                  json_pack("{s:s, s:{s:s, s:s, s:s}}", "collection", "orang", "fields", "kec",
                            OFFICE_NODE, "nama", "Maimunah", "rumah", "29-0777"));
}

int main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, world_fresh, world_close)
#define READY(test) cmocka_unit_test_setup_teardown(test, world_ready, world_close)
    const struct CMUnitTest tests[] = {
        FRESH(a_daemon_without_keys_says_the_next_command),
        FRESH(without_keys_nothing_can_be_entered_or_read),
        FRESH(enrolling_shows_the_same_words_every_time),
        FRESH(an_altered_invite_is_refused),
        READY(an_enrolled_machine_takes_no_other_invite),
        READY(operators_are_listed_with_their_standing),
        READY(an_operator_key_must_open_and_belong_together),
        READY(a_wrong_passphrase_does_not_unlock),
        READY(an_idle_node_locks_itself),
        READY(a_credential_unlocks_for_its_user_and_does_not_idle_out),
        READY(each_locks_what_the_own_user_unlocked),
        READY(who_is_meant_must_be_said_where_several_are_unlocked),
        READY(a_restart_locks),
        READY(an_unlocked_key_serves_only_who_unlocked_it),
        READY(put_answers_with_id_number_and_place),
        READY(the_same_request_again_gets_the_same_answer),
        READY(the_lane_that_is_asked_for_is_taken),
        READY(refusals_name_the_field_and_store_nothing),
        READY(numbers_lists_and_maps_of_json_become_values),
        READY(null_and_empty_clear_a_field),
        READY(edit_needs_fields_and_the_revision_that_was_seen),
        READY(delete_keeps_its_reasons_and_hides_the_record),
        READY(a_crash_between_reasons_and_delete_is_made_good),
        READY(apply_creates_records_that_name_each_other),
        READY(apply_takes_all_or_nothing_and_says_which_change),
        READY(references_take_short_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
