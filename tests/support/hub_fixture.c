#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <unistd.h>

#include "proto/policy_text.h"
#include "proto/value.h"
#include "tests/support/hub_fixture.h"

static const char areas[] = "kode,nama\n36.04,DISTRICT\n36.04.29,ALPHA\n36.04.30,BETA\n"
                            "36.04.29.2001,ALPHA ONE\n36.04.29.2002,ALPHA TWO\n"
                            "36.04.30.2001,BETA ONE\n";

/* clang-format off */
/* One field of a source: name, rest of its section. */
#define F(name, rest) "field " name " { " rest " sensitivity = P label = '" name "' }\n"
#define AREA          F("area", "type = area required = true authority = {T, D}")

#define SOURCE_HEAD                                                                                \
    "authority T { label = 'Office' }\n"                                                           \
    "authority D { label = 'District' }\n"                                                         \
    "role writer { label = 'Writer' authority = {T} }\n"                                           \
    "role officer { label = 'Officer' authority = {T, D} }\n"                                      \
    "areas { file = 'areas.csv' within = '36.04' }\n"                                              \
    "code_list kind { version '2020-01-01' {\n"                                                    \
    "code open { label = 'Open' }\ncode shut { label = 'Shut' restricted = true }\n} }\n"          \
    "collection house {\ntitle = 'House'\narea_field = area\n" AREA                                \
    F("head", "type = reference targets = {person} authority = {T}")                               \
    F("street", "type = text length = 100 authority = {T}")                                        \
    "}\n"

#define SOURCE_PERSON                                                                              \
    "collection person {\ntitle = 'Person'\narea_field = area\n" AREA                              \
    F("name", "type = text length = 100 required = true lookup = true authority = {T}")            \
    F("age", "type = integer min = -5 max = 200 authority = {T, D}")                               \
    F("income", "type = money authority = {T}")                                                    \
    F("height", "type = decimal authority = {T}")                                                  \
    F("born", "type = date authority = {T}")                                                       \
    F("seen", "type = time authority = {T}")                                                       \
    F("alive", "type = bool authority = {T}")                                                      \
    F("kind", "type = enum codes = kind authority = {T}")                                          \
    F("kinds", "type = list element = enum codes = kind authority = {T}")                          \
    F("house", "type = reference targets = {house} authority = {T}")                               \
    F("friends", "type = list element = reference targets = {person} authority = {T}")             \
    F("picture", "type = blob authority = {T}")                                                    \
    F("traits", "type = map authority = {T}")                                                      \
    "field secret { type = text length = 200 authority = {T} sensitivity = R label = 's' }\n"      \
    F("verdict", "type = text length = 60 authority = {D}")

const char fixture_source[] = SOURCE_HEAD SOURCE_PERSON "}\n";
const char fixture_source_wider[] =
    SOURCE_HEAD SOURCE_PERSON
    F("nickname", "type = text length = 50 lookup = true authority = {T}")
    "}\n"
    "collection visit {\ntitle = 'Visit'\narea_field = area\n" AREA
    F("who", "type = reference targets = {person, house} required = true authority = {T}")
    "}\n";
/* clang-format on */

/* --- policy ---------------------------------------------------------------------------------- */

enum err fixture_try_trust(struct fixture *f, unsigned op_count, struct bytes ops,
                           struct problem *problem)
{
    uint8_t op_space[TRUST_STATEMENT_BYTES_MAX], space[TRUST_STATEMENT_BYTES_MAX];
    struct writer array = writer_of(op_space, sizeof(op_space));
    struct writer out = writer_of(space, sizeof(space));
    const struct trust *trust = hub_store_trust(f->store);
    const struct secret_key *keys[] = { trust->version == 0 ? f->root : f->officer };
    writer_array(&array, op_count);
    writer_raw(&array, ops);
    uint64_t signed_ms = f->statement_ms ? f->statement_ms : FIXTURE_CLAIMED_MS;
    enum err err = trust_sign(FIXTURE_DISTRICT, trust->version + 1, &trust->hash, signed_ms,
                              writer_bytes(&array), keys, 1, &out);
    assert_int_equal(err, OK);
    assert_int_equal(hub_store_begin(f->store), OK);
    err = hub_store_trust_put(f->store, writer_bytes(&out), 7, problem);
    if (err)
        hub_store_rollback(f->store);
    else
        assert_int_equal(hub_store_commit(f->store), OK);
    return err;
}

void fixture_trust(struct fixture *f, unsigned op_count, struct bytes ops)
{
    struct problem problem = { .code = OK };
    enum err err = fixture_try_trust(f, op_count, ops, &problem);
    if (err)
        fail_msg("trust statement: %s: %s %s", err_name(err), problem.thing, problem.detail);
}

static void write_file(const struct fixture *f, const char *name, const char *content)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static enum err publish_rules(struct fixture *f, const char *directory, struct problem *problem)
{
    struct policy_mark mark = hub_store_policy_mark(f->store);
    struct buf document = buf_of(malloc(RULES_BYTES_MAX), RULES_BYTES_MAX);
    struct writer out = writer_of(malloc(RULES_BYTES_MAX + 1024), RULES_BYTES_MAX + 1024);
    const struct secret_key *keys[] = { f->officer };
    f->dictionary.len = 0;
    enum err err = policy_text_compile_whole(
        directory, FIXTURE_DISTRICT, mark.rules_version + 1, &mark.rules_hash, &document,
        f->dictionary.cap > 0 ? &f->dictionary : NULL, problem);
    if (err)
        fail_msg("policy of the fixture: %s: %s %s", err_name(err), problem->thing,
                 problem->detail);
    assert_int_equal(rules_sign(buf_bytes(&document), keys, 1, &out), OK);
    assert_int_equal(hub_store_begin(f->store), OK);
    err = hub_store_rules_put(f->store, writer_bytes(&out), 8, problem);
    if (!err && f->dictionary.len > 0 && !f->withhold)
        err = hub_store_dictionary_put(f->store, hub_store_dictionary_id(f->store),
                                       buf_bytes(&f->dictionary), problem);
    if (err)
        hub_store_rollback(f->store);
    else
        assert_int_equal(hub_store_commit(f->store), OK);
    free(document.at);
    free(out.buf.at);
    return err;
}

enum err fixture_try_rules(struct fixture *f, const char *source, struct problem *problem)
{
    write_file(f, "areas.csv", areas);
    write_file(f, "rules.conf", source);
    return publish_rules(f, f->directory, problem);
}

void fixture_rules(struct fixture *f, const char *source)
{
    struct problem problem = { .code = OK };
    enum err err = fixture_try_rules(f, source, &problem);
    if (err)
        fail_msg("rules: %s: %s %s", err_name(err), problem.thing, problem.detail);
}

/* --- life ------------------------------------------------------------------------------------ */

static struct secret_key *secret(uint8_t number)
{
    uint8_t seed[SECRET_KEY_BYTES];
    memset(seed, number, sizeof(seed));
    return secret_key_from(seed);
}

static struct public_key public_of(uint8_t number)
{
    struct public_key key;
    struct secret_key *seed = secret(number);
    crypto_sign_public(seed, &key);
    secret_key_close(&seed);
    return key;
}

static void publish_signers(struct fixture *f)
{
    uint8_t space[4096];
    struct writer ops = writer_of(space, sizeof(space));
    struct signer_list root = { .threshold = 1, .count = 1 };
    struct signer_list signers = { .threshold = 1, .count = 1 };
    struct trust_hub hub = { .sign_key = public_of(201),
                             .seal_key = public_of(202),
                             .seal_number = 1,
                             .curve_key = public_of(203),
                             .endpoint_count = 1,
                             .endpoints = { "tcp://127.0.0.1:5999" } };
    crypto_sign_public(f->root, &root.list[0].key);
    crypto_sign_public(f->officer, &signers.list[0].key);
    (void)snprintf(root.list[0].name, sizeof(root.list[0].name), "root");
    (void)snprintf(signers.list[0].name, sizeof(signers.list[0].name), "officer");
    trust_op_signers(&ops, TRUST_ROOT, &root);
    trust_op_signers(&ops, TRUST_SIGNERS, &signers);
    trust_op_hub(&ops, &hub);
    fixture_trust(f, 3, writer_bytes(&ops));
}

static void publish_roster(struct fixture *f, const struct fixture_policy *policy)
{
    static const struct {
        unsigned node;
        const char *until;
    } people[] = {
        { NODE_A, "2030-12-31" }, { NODE_B, "2030-12-31" }, { NODE_D, "2030-12-31" },
        { NODE_A, "2030-12-31" }, { NODE_A, "2026-06-30" },
    };
    uint8_t space[8192];
    struct writer ops = writer_of(space, sizeof(space));
    unsigned count = 0;
    for (unsigned i = 0; i < FIXTURE_NODES; i++, count++) {
        struct trust_node node = { .device_key = public_of((uint8_t)(100 + i)),
                                   .curve_key = public_of((uint8_t)(110 + i)),
                                   .seal_key = public_of((uint8_t)(120 + i)) };
        (void)snprintf(node.name, sizeof(node.name), "%s", f->nodes[i].name);
        (void)snprintf(node.area, sizeof(node.area), "%s", f->nodes[i].name);
        trust_op_node(&ops, &node);
    }
    for (unsigned i = 0; i < COUNT_OF(people); i++, count++) {
        struct trust_operator op = { .number = i + 1, .from = "2020-01-01", .sk = "SK 1" };
        const char *node = f->nodes[people[i].node].name;
        f->operators[i + 1] = secret((uint8_t)(i + 1));
        crypto_sign_public(f->operators[i + 1], &op.key);
        (void)snprintf(op.node, sizeof(op.node), "%s", node);
        (void)snprintf(op.area, sizeof(op.area), "%s", node);
        (void)snprintf(op.name, sizeof(op.name), "person %u", i + 1);
        (void)snprintf(op.role, sizeof(op.role), "%s",
                       people[i].node == NODE_D ? policy->district_role : policy->office_role);
        (void)snprintf(op.until, sizeof(op.until), "%s", people[i].until);
        trust_op_operator(&ops, &op);
    }
    assert_int_equal(ops.err, OK);
    fixture_trust(f, count, writer_bytes(&ops));
}

struct hub_store *fixture_store_at(struct fixture *f, const char *name)
{
    char path[128];
    struct hub_store *store = NULL;
    struct problem problem = { .code = OK };
    (void)snprintf(path, sizeof(path), "%s/%s", f->directory, name);
    enum err err = hub_store_open(path, NULL, FIXTURE_DISTRICT, &store, &problem);
    if (err)
        fail_msg("store: %s: %s %s", err_name(err), problem.thing, problem.detail);
    return store;
}

void fixture_reopen(struct fixture *f)
{
    hub_store_close(&f->store);
    f->store = fixture_store_at(f, "hub.db");
}

static void life_begins(struct fixture *f, unsigned node)
{
    struct fixture_node *n = &f->nodes[node];
    n->incarnation = fixture_id(f);
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        n->lanes[lane].seq = 0;
        chain_genesis(FIXTURE_DISTRICT, n->name, &n->incarnation, (enum lane)lane,
                      &n->lanes[lane].head);
    }
}

void fixture_reincarnate(struct fixture *f, unsigned node, bool open)
{
    life_begins(f, node);
    if (!open)
        return;
    assert_int_equal(hub_store_begin(f->store), OK);
    assert_int_equal(
        hub_store_incarnation_open(f->store, f->nodes[node].name, &f->nodes[node].incarnation), OK);
    assert_int_equal(hub_store_commit(f->store), OK);
}

static void begin(struct fixture *f)
{
    static const char *const names[] = { "36.04.29", "36.04.30", "36.04" };
    *f = (struct fixture){ .minted = 1 };
    assert_int_equal(crypto_start(), OK);
    (void)snprintf(f->directory, sizeof(f->directory), "/tmp/tksk-hub-test-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->root = secret(250);
    f->officer = secret(251);
    f->store = fixture_store_at(f, "hub.db");
    for (unsigned i = 0; i < FIXTURE_NODES; i++) {
        f->nodes[i].name = names[i];
        life_begins(f, i);
    }
}

static void admit_nodes(struct fixture *f)
{
    assert_int_equal(hub_store_begin(f->store), OK);
    for (unsigned i = 0; i < FIXTURE_NODES; i++)
        assert_int_equal(
            hub_store_incarnation_open(f->store, f->nodes[i].name, &f->nodes[i].incarnation), OK);
    assert_int_equal(hub_store_commit(f->store), OK);
}

void fixture_open(struct fixture *f, bool bare)
{
    begin(f);
    if (bare)
        return;
    publish_signers(f);
    publish_roster(f, &(struct fixture_policy){ NULL, "writer", "officer" });
    fixture_rules(f, fixture_source);
    admit_nodes(f);
}

void fixture_open_policy(struct fixture *f, const struct fixture_policy *policy)
{
    struct problem problem = { .code = OK };
    begin(f);
    publish_signers(f);
    publish_roster(f, policy);
    enum err err = publish_rules(f, policy->directory, &problem);
    if (err)
        fail_msg("rules: %s: %s %s", err_name(err), problem.thing, problem.detail);
    admit_nodes(f);
}

void fixture_close(struct fixture *f)
{
    char command[128];
    hub_store_close(&f->store);
    secret_key_close(&f->root);
    secret_key_close(&f->officer);
    for (size_t i = 0; i < COUNT_OF(f->operators); i++)
        secret_key_close(&f->operators[i]);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", f->directory);
    assert_int_equal(system(command), 0);
}

struct id fixture_id(struct fixture *f)
{
    struct id id = { .at = { 0x01, 0x90, 0, 0, 0, 0, 0x70, 0, 0x80 } };
    uint32_t number = f->minted++;
    for (size_t i = 0; i < 4; i++)
        id.at[ID_BYTES - 1 - i] = (uint8_t)(number >> (8 * i));
    return id;
}

/* --- drafts ---------------------------------------------------------------------------------- */

struct draft *draft_new(struct fixture *f, unsigned node, uint32_t operator_number)
{
    struct draft *d = calloc(1, sizeof(*d));
    assert_non_null(d);
    d->f = f;
    d->node = node;
    d->operator_number = operator_number;
    d->lane = LANE_NORMAL;
    d->trust_version = hub_store_trust(f->store)->version;
    d->rules_version = hub_store_policy(f->store) ? hub_store_policy(f->store)->version : 0;
    d->claimed_ms = FIXTURE_CLAIMED_MS;
    return d;
}

static void value_write(const struct value *value, struct writer *out)
{
    switch (value->kind) {
    case VALUE_NIL:
        writer_nil(out);
        break;
    case VALUE_TEXT:
        writer_text(out, value->text);
        break;
    case VALUE_INT:
        writer_int(out, value->number);
        break;
    case VALUE_BOOL:
        writer_bool(out, value->number != 0);
        break;
    case VALUE_ID:
        writer_bin(out, bytes_id(value->id));
        break;
    case VALUE_RAW:
        writer_raw(out, value->raw);
        break;
    }
}

static void fields_write(const struct value *values, size_t count, struct writer *out)
{
    const struct value *sorted[64];
    assert_true(count <= COUNT_OF(sorted));
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        for (; at > 0 &&
               codec_compare(bytes_text(sorted[at - 1]->name), bytes_text(values[i].name)) > 0;
             at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = &values[i];
    }
    writer_map(out, count);
    for (size_t i = 0; i < count; i++) {
        writer_text(out, sorted[i]->name);
        value_write(sorted[i], out);
    }
}

static void draft_add(struct draft *d, struct change change, const struct value *values,
                      size_t count)
{
    static uint8_t field_space[CHANGE_BYTES_MAX * 2];
    struct writer fields = writer_of(field_space, sizeof(field_space));
    struct writer out = writer_of(d->space + d->used, sizeof(d->space) - d->used);
    struct txn *txn = &d->txn;
    assert_true(txn->change_count < CHANGES_PER_TRANSACTION_MAX);
    fields_write(values, count, &fields);
    change.fields = writer_bytes(&fields);
    if (txn->change_count > 0)
        change.group = txn->changes[txn->change_count - 1].group + (d->same_group ? 0 : 1);
    change_encode(&change, &out);
    assert_int_equal(fields.err, OK);
    assert_int_equal(out.err, OK);
    txn->changes[txn->change_count] = change;
    txn->changes[txn->change_count++].raw = writer_bytes(&out);
    d->used += out.buf.len;
    d->same_group = false;
}

void draft_create(struct draft *d, const char *collection, const struct id *id,
                  const struct value *values, size_t count)
{
    draft_add(d,
              (struct change){ .op = OP_CREATE,
                               .collection = bytes_text(collection),
                               .record = *id,
                               .number = d->short_number },
              values, count);
    d->short_number = 0;
}

void draft_update(struct draft *d, const char *collection, const struct id *id, struct base base,
                  const struct value *values, size_t count)
{
    draft_add(d,
              (struct change){ .op = OP_UPDATE,
                               .collection = bytes_text(collection),
                               .record = *id,
                               .has_base = true,
                               .base = base },
              values, count);
}

void draft_delete(struct draft *d, const char *collection, const struct id *id, struct base base)
{
    draft_add(d,
              (struct change){ .op = OP_DELETE,
                               .collection = bytes_text(collection),
                               .record = *id,
                               .has_base = true,
                               .base = base },
              NULL, 0);
}

void draft_resolve(struct draft *d, const char *collection, const struct id *id, struct base base,
                   const struct id *conflict, const struct value *values, size_t count)
{
    draft_add(d,
              (struct change){ .op = OP_RESOLVE,
                               .collection = bytes_text(collection),
                               .record = *id,
                               .has_base = true,
                               .base = base,
                               .conflict = *conflict },
              values, count);
}

struct signed_txn *draft_sign(struct draft *d)
{
    struct signed_txn *s = calloc(1, sizeof(*s) + TRANSACTION_BYTES_MAX);
    assert_non_null(s);
    struct writer out = writer_of(s->bytes, TRANSACTION_BYTES_MAX);
    struct txn *txn = &d->txn;
    txn->operator_number = d->operator_number;
    txn->trust_version = d->trust_version;
    txn->rules_version = d->rules_version;
    txn->claimed_ms = d->claimed_ms;
    txn->request = fixture_id(d->f);
    memset(txn->seed, 5, sizeof(txn->seed));
    enum err err =
        txn_sign(txn, FIXTURE_DISTRICT, d->f->operators[d->operator_number], &out, &s->leaf);
    if (err)
        fail_msg("signing: %s", err_name(err));
    s->len = out.buf.len;
    s->fault = d->fault;
    s->after_count = d->after_count;
    memcpy(s->after, d->after, sizeof(s->after));
    free(d);
    return s;
}

/* --- sending --------------------------------------------------------------------------------- */

static uint64_t send_entry(struct fixture *f, unsigned node, enum lane lane,
                           struct bundle_item *item, struct hub_entry *entry)
{
    struct fixture_node *n = &f->nodes[node];
    struct fixture_chain *chain = &n->lanes[lane];
    struct hash leaf;
    bundle_item_leaf(item, &leaf);
    chain_next(&chain->head, &leaf, &chain->head);
    entry->node = n->name;
    entry->incarnation = n->incarnation;
    entry->lane = lane;
    entry->seq = ++chain->seq;
    entry->head = chain->head;
    entry->item = item;
    entry->wall_ms = 1000 + f->minted;
    uint64_t number = hub_store_journal(f->store).number + 1;
    assert_int_equal(hub_store_begin(f->store), OK);
    enum err err = hub_store_merge(f->store, entry);
    if (err)
        fail_msg("merge: %s", err_name(err));
    assert_int_equal(hub_store_commit(f->store), OK);
    return number;
}

struct sent fixture_send_at(struct fixture *f, const struct signed_txn *s, unsigned node,
                            enum lane lane)
{
    static struct txn txn;
    static const uint8_t sealed[] = "sealed bytes";
    bool known = false;
    struct bundle_item item = { .kind = ITEM_TXN,
                                .after_count = s->after_count,
                                .sealed = { .leaf = s->leaf,
                                            .key_number = 1,
                                            .plain_bytes = (uint32_t)s->len,
                                            .body = bytes_of(sealed, sizeof(sealed)) } };
    struct hub_entry entry = { .fault = s->fault };
    memcpy(item.after, s->after, sizeof(item.after));
    assert_int_equal(hub_store_knows(f->store, &s->leaf, &known), OK);
    if (s->fault == OK && !known) {
        assert_int_equal(txn_decode(bytes_of(s->bytes, s->len), &txn), OK);
        entry.txn = &txn;
        entry.txn_bytes = bytes_of(s->bytes, s->len);
    }
    struct sent sent = {
        .node = node, .incarnation = f->nodes[node].incarnation, .lane = lane, .leaf = s->leaf
    };
    sent.number = send_entry(f, node, lane, &item, &entry);
    sent.seq = f->nodes[node].lanes[lane].seq;
    return sent;
}

struct sent fixture_send(struct draft *d)
{
    struct fixture *f = d->f;
    unsigned node = d->node;
    enum lane lane = d->lane;
    struct signed_txn *s = draft_sign(d);
    struct sent sent = fixture_send_at(f, s, node, lane);
    free(s);
    return sent;
}

void fixture_policy_entry(struct fixture *f, unsigned node, enum lane lane)
{
    struct bundle_item item = { .kind = ITEM_POLICY, .mark = hub_store_policy_mark(f->store) };
    struct hub_entry entry = { .fault = OK };
    (void)send_entry(f, node, lane, &item, &entry);
}

int fixture_set_up(void **state)
{
    fixture_open(*state, false);
    return 0;
}

int fixture_tear_down(void **state)
{
    fixture_check_replay(*state);
    fixture_close(*state);
    return 0;
}

void fixture_release(struct fixture *f, bool accept, const struct hash *leaves, size_t count)
{
    uint8_t space[1024];
    struct writer ops = writer_of(space, sizeof space);
    trust_op_release(&ops, accept, leaves, count);
    fixture_trust(f, 1, writer_bytes(&ops));
}
