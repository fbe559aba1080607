#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/compress.h"
#include "proto/policy_text.h"
#include "tests/support/node_fixture.h"

const char office_source[] =
    "authority D { label = 'Dinas' }\n"
    "authority T { label = 'TKSK' }\n"
    "authority H { label = 'dihitung' computed = true }\n"
    "role tksk { label = 'TKSK' authority = {T} }\n"
    "areas { file = 'a.csv' within = '36.04' }\n"
    "code_list jk { version '2020-01-01' { code L { label = 'Laki-laki' }\n"
    "    code P { label = 'Perempuan' } } }\n"
    "collection orang { title = 'Orang' area_field = kec\n"
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"
    "field nama { type = text length = 100 required = true lookup = true summary = true\n"
    "    authority = {T, D} sensitivity = P label = 'Nama lengkap' }\n"
    "field nik { type = nik lookup = true authority = {T} sensitivity = P label = 'NIK' }\n"
    "field alamat { type = text length = 200 authority = {T, D} sensitivity = P }\n"
    "field jk { type = enum codes = jk authority = {T} sensitivity = P }\n"
    "field status { type = text default = baru authority = {D} sensitivity = U }\n"
    "field ibu { type = reference targets = {orang} authority = {T} sensitivity = P }\n"
    "field anak { type = list element = reference targets = {orang} authority = {T}\n"
    "    sensitivity = P }\n"
    "field rumah { type = reference targets = {keluarga} authority = {T} sensitivity = P }\n"
    "}\n"
    "collection keluarga { title = 'Keluarga' area_field = kec\n"
    "field kec { type = area level = 3 required = true authority = {T} sensitivity = U }\n"
    "field kk { type = kk lookup = true authority = {T} sensitivity = P }\n"
    "field kepala { type = reference targets = {orang} authority = {T} sensitivity = P }\n"
    "}\n";

static const char areas[] = "kode,nama\n36,BANTEN\n36.04,KABUPATEN SERANG\n36.04.05,ANYAR\n"
                            "36.04.29,CIKEUSAL\n36.04.29.2001,SUKAMAJU\n";

static void write_text(const char *directory, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void remove_all(const char *directory)
{
    DIR *dir = opendir(directory);
    assert_non_null(dir);
    const struct dirent *one;
    while ((one = readdir(dir)) != NULL) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", directory, one->d_name);
        if (unlink(path) != 0 && one->d_name[0] != '.')
            remove_all(path); /* a directory */
    }
    closedir(dir);
    assert_int_equal(rmdir(directory), 0);
}

/* ---- policy */

struct bytes office_statement(struct office *o, unsigned op_count, struct bytes ops)
{
    static uint8_t space[TRUST_STATEMENT_BYTES_MAX], signed_space[2 * TRUST_STATEMENT_BYTES_MAX];
    struct writer all = writer_of(space, sizeof space);
    struct writer out = writer_of(signed_space, sizeof signed_space);
    struct problem problem = { .code = OK };
    const struct secret_key *keys[] = { o->root };
    writer_array(&all, op_count);
    writer_raw(&all, ops);
    assert_int_equal(all.err, OK);
    assert_int_equal(trust_sign(OFFICE_DISTRICT, o->trust.version + 1, &o->trust.hash,
                                OFFICE_WALL_MS, writer_bytes(&all), keys, 1, &out),
                     OK);
    enum err err = trust_apply(&o->trust, writer_bytes(&out), NULL, &problem);
    if (err != OK)
        print_error("%s: %s: %s\n", err_name(err), problem.thing, problem.detail);
    assert_int_equal(err, OK);
    return writer_bytes(&out);
}

struct bytes office_founding(struct office *o)
{
    uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof space);
    struct signer_list root = { .threshold = 1, .count = 1 }, signers = root;
    struct trust_hub hub = { .seal_number = 1,
                             .endpoint_count = 1,
                             .endpoints = { "tcp://127.0.0.1:7740" } };
    crypto_sign_public(o->root, &root.list[0].key);
    crypto_sign_public(o->officer, &signers.list[0].key);
    snprintf(root.list[0].name, sizeof root.list[0].name, "kepala dinas");
    snprintf(signers.list[0].name, sizeof signers.list[0].name, "petugas");
    crypto_sign_public(o->hub_sign, &hub.sign_key);
    crypto_box_public(o->hub_seal, &hub.seal_key);
    crypto_box_public(o->hub_curve, &hub.curve_key);
    trust_op_signers(&ops, TRUST_ROOT, &root);
    trust_op_signers(&ops, TRUST_SIGNERS, &signers);
    trust_op_hub(&ops, &hub);
    return office_statement(o, 3, writer_bytes(&ops));
}

struct bytes office_roster(struct office *o)
{
    uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof space);
    struct node_identity identity;
    assert_int_equal(node_store_identity(o->store, &identity), OK);
    struct trust_node node = { .name = OFFICE_NODE,
                               .area = OFFICE_NODE,
                               .device_key = identity.device_public,
                               .curve_key = identity.curve_public,
                               .seal_key = identity.seal_public };
    struct trust_operator op = { .number = 1,
                                 .key = o->operator_key,
                                 .node = OFFICE_NODE,
                                 .name = "Siti Aminah",
                                 .role = "tksk",
                                 .area = OFFICE_NODE,
                                 .sk = "460/12/2026",
                                 .from = "2026-01-01",
                                 .until = "2027-12-31" };
    trust_op_node(&ops, &node);
    trust_op_operator(&ops, &op);
    return office_statement(o, 2, writer_bytes(&ops));
}

struct bytes office_rules(struct office *o, const char *source, uint64_t version,
                          const struct hash *previous)
{
    static uint8_t space[RULES_BYTES_MAX], signed_space[RULES_BYTES_MAX + 4096];
    char directory[] = "/tmp/tksk-rules-XXXXXX";
    static const struct hash zero;
    struct problem problem = { .code = OK };
    struct buf document = buf_of(space, sizeof space);
    struct writer out = writer_of(signed_space, sizeof signed_space);
    const struct secret_key *keys[] = { o->officer };
    assert_non_null(mkdtemp(directory));
    write_text(directory, "10-a.conf", source ? source : office_source);
    write_text(directory, "a.csv", areas);
    o->dictionary.len = 0;
    enum err err = policy_text_compile_whole(
        directory, OFFICE_DISTRICT, version, previous ? previous : &zero, &document,
        o->dictionary.cap > 0 ? &o->dictionary : NULL, &problem);
    if (err != OK)
        print_error("%s: %s: %s\n", err_name(err), problem.thing, problem.detail);
    assert_int_equal(err, OK);
    remove_all(directory);
    struct bytes part = buf_bytes(&document);
    crypto_hash("rules", &part, 1, &o->rules_hash);
    o->rules_version = version;
    assert_int_equal(rules_sign(part, keys, 1, &out), OK);
    return writer_bytes(&out);
}

/* ---- feed */

enum err office_feed(struct office *o, enum feed_stream stream, struct feed_item *items,
                     unsigned count)
{
    static uint8_t raw[FEED_PLAIN_BYTES_MAX], batch_space[FEED_PLAIN_BYTES_MAX],
        work_space[FEED_PLAIN_BYTES_MAX + 16384], plain[FEED_PLAIN_BYTES_MAX];
    struct writer out = writer_of(raw, sizeof raw);
    struct writer batch_out = writer_of(batch_space, sizeof batch_space);
    struct buf work = buf_of(work_space, sizeof work_space), opened = buf_of(plain, sizeof plain);
    struct node_identity identity;
    struct cursor cursor;
    for (unsigned i = 0; i < count; i++) {
        if (items[i].number == 0)
            items[i].number = ++o->journal;
        feed_item_encode(&items[i], &out);
    }
    assert_int_equal(out.err, OK);
    assert_int_equal(node_store_identity(o->store, &identity), OK);
    assert_int_equal(node_store_cursor(o->store, stream, &cursor), OK);
    struct feed_batch batch = { .district = bytes_text(OFFICE_DISTRICT),
                                .node = bytes_text(OFFICE_NODE),
                                .stream = stream,
                                .epoch = o->epoch,
                                .from = cursor.number,
                                .to = o->journal,
                                .count = count };
    memset(&batch.journal_hash, (int)(o->journal & 0x7f), sizeof batch.journal_hash);
    const struct public_key *to = stream == FEED_RECORDS ? &identity.seal_public : NULL;
    assert_int_equal(
        feed_batch_build(&batch, writer_bytes(&out), to, o->hub_sign, &work, &batch_out), OK);
    struct feed_batch got;
    struct public_key sign_key;
    crypto_sign_public(o->hub_sign, &sign_key);
    assert_int_equal(
        feed_batch_open(writer_bytes(&batch_out), OFFICE_DISTRICT, OFFICE_NODE, &sign_key, &got),
        OK);
    const struct secret_key *seal = stream == FEED_RECORDS ? node_store_seal_key(o->store) : NULL;
    if (stream == FEED_RECORDS && !seal)
        return node_store_feed(o->store, &got, bytes_of("\x90", 1), &o->problem);
    work.len = 0;
    assert_int_equal(feed_batch_items(&got, seal, &work, &opened), OK);
    return node_store_feed(o->store, &got, buf_bytes(&opened), &o->problem);
}

enum err office_feed_one(struct office *o, enum feed_stream stream, struct feed_item item)
{
    return office_feed(o, stream, &item, 1);
}

enum err office_feed_document(struct office *o, enum feed_item_kind kind, struct bytes document)
{
    return office_feed_one(o, FEED_CONTROL,
                           (struct feed_item){ .kind = kind, .document = document });
}

struct bytes office_text(const char *text)
{
    static uint8_t space[8][512];
    static unsigned next;
    struct writer out = writer_of(space[next % 8], sizeof space[0]);
    next++;
    writer_text(&out, text);
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

struct feed_item office_record(const struct id *id, const char *collection, const char *short_text,
                               const char *const *fields)
{
    static uint8_t space[8][2048];
    static unsigned next;
    struct writer out = writer_of(space[next % 8], sizeof space[0]);
    next++;
    size_t count = 0;
    while (fields[2 * count])
        count++;
    writer_map(&out, count);
    for (size_t i = 0; i < count; i++) {
        writer_text(&out, fields[2 * i]);
        writer_text(&out, fields[2 * i + 1]);
    }
    assert_int_equal(out.err, OK);
    assert_int_equal(codec_scan(writer_bytes(&out)), OK); /* names in bytewise order */
    return (struct feed_item){ .kind = FEED_RECORD,
                               .collection = bytes_text(collection),
                               .record = *id,
                               .short_text = bytes_text(short_text),
                               .fields = writer_bytes(&out),
                               .origin = { bytes_text("36.04"), 2, OFFICE_WALL_MS } };
}

/* ---- opening */

static void enrol(struct office *o)
{
    struct node_identity identity = { .district = OFFICE_DISTRICT, .node = OFFICE_NODE };
    struct secret_key *one_time = secret_key_new();
    crypto_sign_public(o->root, &identity.root_key);
    crypto_sign_public(o->hub_sign, &identity.hub.sign_key);
    crypto_box_public(o->hub_seal, &identity.hub.seal_key);
    crypto_box_public(o->hub_curve, &identity.hub.curve_key);
    identity.hub.endpoint_count = 1;
    snprintf(identity.hub.endpoints[0], sizeof identity.hub.endpoints[0], "tcp://127.0.0.1:7740");
    assert_int_equal(node_store_enrol(o->store, &identity, one_time), OK);
    secret_key_close(&one_time);

    struct message request = { .type = MESSAGE_OPERATOR };
    uint8_t space[512];
    struct writer out = writer_of(space, sizeof space);
    request.operator_request.district = bytes_text(OFFICE_DISTRICT);
    request.operator_request.node = bytes_text(OFFICE_NODE);
    request.operator_request.key = o->operator_key;
    request.operator_request.name = bytes_text("Siti Aminah");
    request.operator_request.role = bytes_text("tksk");
    operator_request_encode(&request.operator_request, &out);
    request.operator_request.request = writer_bytes(&out);
    struct node_operator op = { .name = "siti", .role = "tksk", .keyfile = bytes_text("keyfile") };
    assert_int_equal(node_store_operator_add(o->store, &op, &request, o->operator), OK);
    assert_int_equal(node_store_enrolment_set(o->store, ENROLMENT_DONE), OK);
}

void office_open(struct office *o, bool bare)
{
    *o = (struct office){ .epoch = 1 };
    assert_int_equal(crypto_start(), OK);
    snprintf(o->directory, sizeof o->directory, "/tmp/tksk-office-XXXXXX");
    assert_non_null(mkdtemp(o->directory));
    snprintf(o->path, sizeof o->path, "%s/node.db", o->directory);
    o->root = secret_key_new();
    o->officer = secret_key_new();
    o->hub_sign = secret_key_new();
    o->hub_seal = secret_key_new();
    o->hub_curve = secret_key_new();
    o->operator= secret_key_new();
    crypto_sign_public(o->operator, & o->operator_key);
    trust_open(&o->trust);
    office_restart(o);
    enrol(o);
    if (bare)
        return;
    assert_int_equal(office_feed_document(o, FEED_TRUST, office_founding(o)), OK);
    assert_int_equal(office_feed_document(o, FEED_TRUST, office_roster(o)), OK);
    assert_int_equal(office_feed_document(o, FEED_RULES, office_rules(o, NULL, 1, NULL)), OK);
    office_unlock(o);
}

void office_restart(struct office *o)
{
    struct problem problem = { .code = OK };
    node_entry_close(&o->entry);
    node_store_close(&o->store);
    enum err err = node_store_open(o->path, NULL, &o->store, &problem);
    if (err != OK)
        print_error("%s: %s: %s\n", err_name(err), problem.thing, problem.detail);
    assert_int_equal(err, OK);
    assert_int_equal(node_entry_open(o->store, &o->entry), OK);
}

void office_unlock(struct office *o)
{
    assert_int_equal(node_store_unlock(o->store, secret_key_from(secret_key_bytes(o->operator))),
                     OK);
}

void office_close(struct office *o)
{
    node_entry_close(&o->entry);
    node_store_close(&o->store);
    trust_close(&o->trust);
    secret_key_close(&o->root);
    secret_key_close(&o->officer);
    secret_key_close(&o->hub_sign);
    secret_key_close(&o->hub_seal);
    secret_key_close(&o->hub_curve);
    secret_key_close(&o->operator);
    remove_all(o->directory);
}

static int set_up(void **state, bool bare)
{
    struct office *o = malloc(sizeof *o);
    if (!o)
        return -1;
    office_open(o, bare);
    *state = o;
    return 0;
}

int office_set_up(void **state)
{
    return set_up(state, false);
}

int office_set_up_bare(void **state)
{
    return set_up(state, true);
}

int office_tear_down(void **state)
{
    office_close(*state);
    free(*state);
    return 0;
}

/* ---- entries and answers */

enum err office_try(struct office *o, enum change_op op, const char *collection, struct id *record,
                    const char *const *fields, enum lane lane, struct hash *ret_leaf,
                    uint64_t *ret_seq)
{
    struct entry_field list[32];
    size_t count = 0;
    for (; fields && fields[2 * count]; count++) {
        list[count] = (struct entry_field){ .name = bytes_text(fields[2 * count]),
                                            .text = bytes_text(fields[2 * count + 1]) };
    }
    struct entry_change change = { .op = op,
                                   .collection =
                                       collection ? bytes_text(collection) : bytes_of(NULL, 0),
                                   .fields = list,
                                   .field_count = count };
    if (op != OP_CREATE)
        change.record = *record;
    const struct entry_request request = {
        .wall_ms = OFFICE_WALL_MS, .lane = lane, .changes = &change, .change_count = 1
    };
    unsigned failed;
    struct warnings warnings = { .count = 0 };
    enum err err =
        node_entry_submit(o->entry, &request, ret_leaf, ret_seq, &failed, &o->problem, &warnings);
    *record = change.record;
    return err;
}

static void worked(const struct office *o, enum err err)
{
    if (err != OK)
        print_error("%s: %s: %s\n", err_name(err), o->problem.thing, o->problem.detail);
    assert_int_equal(err, OK);
}

struct id office_put(struct office *o, const char *collection, const char *const *fields)
{
    struct hash leaf;
    uint64_t seq;
    struct id record;
    worked(o, office_try(o, OP_CREATE, collection, &record, fields, LANE_NORMAL, &leaf, &seq));
    return record;
}

struct hash office_edit(struct office *o, const struct id *record, const char *const *fields)
{
    struct hash leaf;
    uint64_t seq;
    struct id id = *record;
    worked(o, office_try(o, OP_UPDATE, NULL, &id, fields, LANE_NORMAL, &leaf, &seq));
    return leaf;
}

struct bytes office_answer(int index, enum disposition disposition, const char *reason,
                           const char *field)
{
    static uint8_t space[256];
    struct writer out = writer_of(space, sizeof space);
    writer_array(&out, 1);
    writer_array(&out, 4);
    if (index < 0)
        writer_nil(&out);
    else
        writer_uint(&out, (uint64_t)index);
    writer_uint(&out, disposition);
    writer_text(&out, reason);
    writer_text(&out, field);
    assert_int_equal(out.err, OK);
    return writer_bytes(&out);
}

enum err office_ack(struct office *o, enum lane lane, uint64_t first, uint64_t last,
                    uint64_t keep_from, struct bytes entries)
{
    static uint8_t space[64 * 1024];
    struct writer out = writer_of(space, sizeof space);
    writer_array(&out, last + 1 - first);
    for (uint64_t seq = first; seq <= last; seq++) {
        writer_array(&out, 3);
        writer_uint(&out, seq);
        writer_uint(&out, ++o->journal);
        if (seq == last && entries.len > 0)
            writer_raw(&out, entries);
        else
            writer_array(&out, 0);
    }
    assert_int_equal(out.err, OK);
    const struct ack ack = { .lane = lane,
                             .last = last,
                             .epoch = o->epoch,
                             .number = o->journal,
                             .keep_from = keep_from,
                             .items = writer_bytes(&out) };
    return node_store_ack(o->store, &ack);
}

void office_ack_all(struct office *o, struct bytes entries)
{
    struct node_lane row = office_lane(o, LANE_NORMAL);
    assert_true(row.acked < row.highest);
    worked(o, office_ack(o, LANE_NORMAL, row.acked + 1, row.highest, 1, entries));
}

struct txn *office_sent(struct office *o, enum lane lane, uint64_t seq,
                        struct bundle_item *ret_item)
{
    static uint8_t keys_space[8192], items_space[BUNDLE_BYTES_MAX], bundle_space[BUNDLE_BYTES_MAX],
        work_space[COMPRESS_BOUND(TRANSACTION_BYTES_MAX) + 4096], plain[TRANSACTION_BYTES_MAX];
    static struct bundle bundle;
    static struct txn txn;
    struct writer keys = writer_of(keys_space, sizeof keys_space);
    struct writer items = writer_of(items_space, sizeof items_space);
    struct writer out = writer_of(bundle_space, sizeof bundle_space);
    struct node_identity identity;
    struct queue_run run;
    struct secret_key *data_key = NULL;
    assert_int_equal(node_store_identity(o->store, &identity), OK);
    assert_int_equal(node_store_run(o->store, lane, seq, 1, 1 << 20, true, &keys, &items, &run),
                     OK);
    const struct bundle_context context = { OFFICE_DISTRICT, OFFICE_NODE, identity.incarnation,
                                            identity.hub.sign_key };
    assert_int_equal(bundle_sign(&context, lane, seq, seq, 2, 1, &run.head_before, &run.head_after,
                                 1, writer_bytes(&keys), writer_bytes(&items),
                                 node_store_device_key(o->store), &out),
                     OK);
    assert_int_equal(bundle_decode(writer_bytes(&out), &bundle), OK);
    assert_int_equal(bundle.key_count, 1);
    assert_int_equal(data_key_open(bundle.keys[0].sealed, o->hub_seal, &data_key), OK);
    struct buf work = buf_of(work_space, sizeof work_space), opened = buf_of(plain, sizeof plain);
    assert_int_equal(
        envelope_open(&bundle.items[0].sealed, OFFICE_DISTRICT, data_key, NULL, &work, &opened),
        OK);
    secret_key_close(&data_key);
    assert_int_equal(txn_decode(buf_bytes(&opened), &txn), OK);
    *ret_item = bundle.items[0];
    return &txn;
}

/* ---- looking */

struct node_lane office_lane(struct office *o, enum lane lane)
{
    struct node_lane row;
    worked(o, node_store_lane(o->store, lane, &row));
    return row;
}

struct node_figures office_figures(struct office *o)
{
    struct node_figures now;
    worked(o, node_store_figures(o->store, &now));
    return now;
}

const struct record_view *office_view(struct office *o, const struct id *record)
{
    const struct record_view *view = NULL;
    worked(o, node_store_view(o->store, record, &view));
    return view;
}

const struct view_field *office_field(const struct record_view *view, const char *field)
{
    for (size_t i = 0; i < view->field_count; i++) {
        if (bytes_is(view->fields[i].name, field))
            return &view->fields[i];
    }
    return NULL;
}

const char *office_value(const struct record_view *view, const char *field)
{
    static char space[4][512];
    static unsigned next;
    const struct view_field *found = office_field(view, field);
    if (!found || found->value.len == 0)
        return NULL;
    struct reader in = reader_of(found->value);
    if (reader_peek(&in) != KIND_STR)
        return NULL;
    struct bytes text = reader_str(&in);
    char *ret = space[next++ % 4];
    snprintf(ret, sizeof space[0], "%.*s", (int)text.len, (const char *)text.at);
    return ret;
}

bool office_disk_holds(const struct office *o, struct bytes needle)
{
    bool found = false;
    DIR *dir = opendir(o->directory);
    assert_non_null(dir);
    const struct dirent *one;
    while ((one = readdir(dir)) != NULL) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", o->directory, one->d_name);
        bool plain = one->d_name[0] != '.' && one->d_type != DT_DIR;
        FILE *file = plain ? fopen(path, "rb") : NULL;
        if (!file)
            continue;
        static char space[16 * 1024 * 1024];
        size_t len = fread(space, 1, sizeof space, file);
        assert_true(feof(file));
        fclose(file);
        found = found || memmem(space, len, needle.at, needle.len) != NULL;
    }
    closedir(dir);
    return found;
}
