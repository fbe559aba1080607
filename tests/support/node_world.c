#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/keyfile.h"
#include "proto/invite.h"
#include "tests/support/node_world.h"

#define WAIT_MS 20000

const char world_source[] =
    "authority D { label = 'Dinas' }\n"
    "authority T { label = 'TKSK' }\n"
    "authority H { label = 'dihitung' computed = true }\n"
    "role tksk { label = 'TKSK' authority = {T} full = true }\n"
    "areas { file = 'a.csv' within = '36.04' }\n"
    "code_list jk { version '2020-01-01' { code L { label = 'Laki-laki' }\n"
    "    code P { label = 'Perempuan' } code X { label = 'Rahasia' restricted = true } } }\n"
    "collection orang { title = 'Orang' area_field = kec\n"
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"
    "field nama { type = text length = 100 required = true lookup = true summary = true\n"
    "    authority = {T, D} sensitivity = P label = 'Nama lengkap' }\n"
    "field nik { type = nik lookup = true summary = true authority = {T} sensitivity = P\n"
    "    label = 'NIK' }\n"
    "field jk { type = enum codes = jk summary = true authority = {T} sensitivity = P }\n"
    "field rahasia { type = text length = 20 authority = {T} sensitivity = R }\n"
    "field umur { type = integer min = 0 max = 150 authority = {T} sensitivity = P }\n"
    "field aktif { type = bool authority = {T} sensitivity = P }\n"
    "field catatan { type = list element = text authority = {T} sensitivity = P }\n"
    "field ukuran { type = map keys = {lantai, milik} authority = {T} sensitivity = P }\n"
    "field riwayat { type = list element = map authority = {T} sensitivity = S }\n"
    "field alasan { type = text length = 50 authority = {T} sensitivity = U }\n"
    "field status { type = text default = baru authority = {D} sensitivity = U }\n"
    "field skor { type = integer authority = {H} sensitivity = U }\n"
    "field rumah { type = reference targets = {keluarga} authority = {T} sensitivity = P }\n"
    "}\n"
    "collection keluarga { title = 'Keluarga' area_field = kec\n"
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"
    "field kk { type = kk lookup = true summary = true authority = {T} sensitivity = P\n"
    "    label = 'No KK' }\n"
    "field kepala { type = reference targets = {orang} authority = {T} sensitivity = P }\n"
    "}\n";

/* ---- the daemon */

static enum err swallow(void *ctx, struct bytes frame)
{
    (void)frame;
    ((struct admin_world *)ctx)->sent++;
    return OK;
}

static void no_link(void *ctx)
{
    (void)ctx;
}

static void changed(void *ctx)
{
    ((struct admin_world *)ctx)->changed++;
}

static void parts_open(struct admin_world *w)
{
    const struct node_driver_ports ports = { .ctx = w, .send = swallow, .reconnect = no_link };
    struct problem problem = { .code = OK };
    assert_int_equal(node_driver_open(w->o.store, &ports, &w->driver), OK);
    const struct node_admin_parts parts = { .loop = w->loop,
                                            .store = w->o.store,
                                            .entry = w->o.entry,
                                            .driver = w->driver,
                                            .state = w->o.directory,
                                            .ctx = w,
                                            .changed = changed };
    enum err err = node_admin_open(&parts, w->socket, NULL, &w->admin, &problem);
    if (err != OK)
        print_error("%s: %s\n", problem.thing, problem.detail);
    assert_int_equal(err, OK);
}

static void parts_close(struct admin_world *w)
{
    node_admin_close(&w->admin);
    node_driver_close(&w->driver);
}

int world_fresh(void **state)
{
    struct admin_world *w = calloc(1, sizeof *w);
    if (w == NULL)
        return -1;
    office_open(&w->o, true);
    /* The fixture's store is enrolled already; this one begins before that. */
    node_entry_close(&w->o.entry);
    node_store_close(&w->o.store);
    snprintf(w->o.path, sizeof w->o.path, "%s/other.db", w->o.directory);
    office_restart(&w->o);
    snprintf(w->socket, sizeof w->socket, "%s/s", w->o.directory);
    w->derived = secret_key_new();
    assert_int_equal(loop_open(&w->loop), OK);
    parts_open(w);
    *state = w;
    return 0;
}

int world_close(void **state)
{
    struct admin_world *w = *state;
    parts_close(w);
    loop_close(&w->loop);
    json_decref(w->answer);
    secret_key_close(&w->derived);
    office_close(&w->o);
    free(w);
    return 0;
}

void world_restart(struct admin_world *w)
{
    parts_close(w);
    office_restart(&w->o);
    parts_open(w);
}

/* ---- the caller */

struct caller {
    struct admin_world *w;
    int fd;
    bool ended;
    size_t len;
    char text[4 * 1024 * 1024];
};

static void take_line(struct caller *caller, const char *line, size_t len)
{
    json_t *object = json_loadb(line, len, 0, NULL);
    json_t *answer = caller->w->answer;
    const char *key;
    json_t *value;
    assert_non_null(object);
    json_object_foreach(object, key, value) {
        if (strcmp(key, "row") == 0) {
            json_array_append(json_object_get(answer, "rows"), value);
        } else if (strcmp(key, "progress") != 0) {
            json_object_set(answer, key, value);
            caller->ended = true;
        }
    }
    json_decref(object);
}

static void readable(void *ctx)
{
    struct caller *caller = ctx;
    ssize_t got =
        recv(caller->fd, caller->text + caller->len, sizeof caller->text - caller->len, 0);
    if (got < 0 && errno == EAGAIN)
        return;
    assert_true(got > 0);
    caller->len += (size_t)got;
    size_t start = 0;
    for (size_t i = 0; i < caller->len && !caller->ended; i++) {
        if (caller->text[i] != '\n')
            continue;
        take_line(caller, caller->text + start, i - start);
        start = i + 1;
    }
    memmove(caller->text, caller->text + start, caller->len - start);
    caller->len -= start;
    if (caller->ended)
        loop_stop(caller->w->loop);
}

static void too_late(void *ctx)
{
    loop_stop(((struct caller *)ctx)->w->loop);
}

bool world_ask(struct admin_world *w, const char *cmd, json_t *args)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct caller *caller = calloc(1, sizeof *caller);
    assert_non_null(caller);
    caller->w = w;
    json_decref(w->answer);
    w->answer = json_pack("{s:[]}", "rows");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", w->socket);
    caller->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_true(caller->fd >= 0);
    assert_int_equal(connect(caller->fd, (const struct sockaddr *)&address, sizeof address), 0);
    json_t *request = json_pack("{s:i, s:s, s:o}", "v", 1, "cmd", cmd, "args",
                                args != NULL ? args : json_object());
    assert_non_null(request);
    char *text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    size_t len = strlen(text), at = 0;
    text[len++] = '\n'; /* in place of the NUL */
    loop_watch(w->loop, caller->fd, readable, NULL, caller);
    int timer = loop_after(w->loop, WAIT_MS, too_late, caller);
    while (at < len) {
        ssize_t put = send(caller->fd, text + at, len - at, MSG_NOSIGNAL);
        if (put < 0 && errno == EAGAIN) { /* a long line: let the daemon read some of it */
            int pause = loop_after(w->loop, 1, too_late, caller);
            assert_int_equal(loop_run(w->loop), OK);
            loop_cancel(w->loop, pause);
            continue;
        }
        assert_true(put > 0);
        at += (size_t)put;
    }
    if (!caller->ended)
        assert_int_equal(loop_run(w->loop), OK);
    loop_cancel(w->loop, timer);
    loop_unwatch(w->loop, caller->fd);
    close(caller->fd);
    assert_true(caller->ended);
    free(caller);
    free(text);
    return json_object_get(w->answer, "done") != NULL;
}

void world_refused(struct admin_world *w, const char *code, const char *cmd, json_t *args)
{
    assert_false(world_ask(w, cmd, args));
    const json_t *error = json_object_get(w->answer, "error");
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    /* Thing, rule and remedy, whatever it is. */
    assert_true(json_string_length(json_object_get(error, "thing")) > 0);
    assert_true(json_string_length(json_object_get(error, "rule")) > 0);
    assert_true(json_string_length(json_object_get(error, "remedy")) > 0);
}

json_t *world_done(struct admin_world *w)
{
    json_t *done = json_object_get(w->answer, "done");
    return done != NULL ? done : json_object_get(w->answer, "error");
}

const char *world_text(struct admin_world *w, const char *key)
{
    const char *text = json_string_value(json_object_get(world_done(w), key));
    return text != NULL ? text : "";
}

json_int_t world_number(struct admin_world *w, const char *key)
{
    return json_integer_value(json_object_get(world_done(w), key));
}

size_t world_rows(struct admin_world *w)
{
    return json_array_size(json_object_get(w->answer, "rows"));
}

json_t *world_row(struct admin_world *w, size_t index)
{
    return json_array_get(json_object_get(w->answer, "rows"), index);
}

/* ---- a ready office */

json_t *world_invite(struct admin_world *w)
{
    static char text[INVITE_TEXT_MAX];
    struct invite invite = { .district = OFFICE_DISTRICT, .node = OFFICE_NODE };
    invite.invite = (struct id){ .at = { 7, 7 } };
    invite.token = (struct hash){ .at = { 9 } };
    invite.expires_ms = 1; /* long ago: the clock of a netbook says nothing */
    memset(invite.one_time, 5, sizeof invite.one_time);
    crypto_sign_public(w->o.root, &invite.root_key);
    crypto_sign_public(w->o.hub_sign, &invite.hub.sign_key);
    crypto_box_public(w->o.hub_seal, &invite.hub.seal_key);
    crypto_box_public(w->o.hub_curve, &invite.hub.curve_key);
    invite.hub.endpoint_count = 1;
    snprintf(invite.hub.endpoints[0], sizeof invite.hub.endpoints[0], "tcp://127.0.0.1:7740");
    assert_int_equal(invite_format(&invite, w->o.hub_sign, text, sizeof text), OK);
    return json_pack("{s:s}", "invite", text);
}

static void derived_text(const struct admin_world *w, char ret[64])
{
    assert_int_equal(
        crypto_base64(bytes_of(secret_key_bytes(w->derived), SECRET_KEY_BYTES), ret, 64), OK);
}

bool world_unlock(struct admin_world *w)
{
    char derived[64];
    derived_text(w, derived);
    return world_ask(w, "unlock", json_pack("{s:s, s:s}", "name", "siti", "derived", derived));
}

int world_ready(void **state)
{
    char derived[64];
    if (world_fresh(state) != 0)
        return -1;
    struct admin_world *w = *state;
    struct keyfile file = { .kind = "operator",
                            .public_key = w->o.operator_key,
                            .mem_kib = KEYFILE_MEM_KIB_DEFAULT,
                            .passes = KEYFILE_PASSES_DEFAULT };
    assert_true(world_ask(w, "enrol", world_invite(w)));
    assert_int_equal(node_store_enrolment_set(w->o.store, ENROLMENT_DONE), OK);
    crypto_random(file.salt, sizeof file.salt);
    assert_int_equal(keyfile_wrap_derived(w->derived, w->o.operator, & file), OK);
    keyfile_format(&file, w->keyfile);
    derived_text(w, derived);
    assert_true(world_ask(w, "operator_add",
                          json_pack("{s:s, s:s, s:s, s:s}", "keyfile", w->keyfile, "derived",
                                    derived, "name", "siti", "role", "tksk")));
    assert_int_equal(office_feed_document(&w->o, FEED_TRUST, office_founding(&w->o)), OK);
    assert_int_equal(office_feed_document(&w->o, FEED_TRUST, office_roster(&w->o)), OK);
    assert_int_equal(
        office_feed_document(&w->o, FEED_RULES, office_rules(&w->o, world_source, 1, NULL)), OK);
    assert_true(world_unlock(w));
    return 0;
}

const char *world_put(struct admin_world *w, const char *name)
{
    static char id[40];
    if (!world_ask(w, "put",
                   json_pack("{s:s, s:{s:s, s:s}}", "collection", "orang", "fields", "kec",
                             OFFICE_NODE, "nama", name)))
        fail_msg("%s: %s", world_text(w, "thing"), world_text(w, "rule"));
    snprintf(id, sizeof id, "%s", world_text(w, "id"));
    return id;
}
