/* A hub with two offices and a small policy in a fresh directory, and nodes that talk to its
 * driver: for the tests of hub_driver. What leaves the hub is kept and taken from there. */
#pragma once

#include "tests/unit/hub_fake_node.h"

#include "common/must.h"
#include "proto/policy_text.h"

#define OUT_MAX 512

static char directory[64];
static struct fix_district district;
static struct fix_office office, other;
static struct hub_store *store;
static struct hub_enrol *enrol;
static struct hub_driver *driver;
static struct fake_node node, neighbour;
static uint64_t now_ms;

/* What left, oldest first. */
static struct {
    struct hub_peer peer;
    size_t len;
    uint8_t at[FRAME_BYTES_MAX];
} out[OUT_MAX];
static unsigned out_count;
static enum err send_result;
static unsigned access_changes;

static inline enum err port_send(void *ctx, const struct hub_peer *peer, struct bytes frame)
{
    (void)ctx;
    if (send_result != OK)
        return send_result;
    must(out_count < OUT_MAX && frame.len <= FRAME_BYTES_MAX);
    out[out_count].peer = *peer;
    out[out_count].len = frame.len;
    memcpy(out[out_count++].at, frame.at, frame.len);
    return OK;
}

static inline void port_access_changed(void *ctx)
{
    (void)ctx;
    access_changes++;
}

/* ---- a hub with two offices and a small policy */

static inline void text_write(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/policy/%s", directory, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static inline void rules_publish(void)
{
    static uint8_t document_space[RULES_BYTES_MAX], space[RULES_BYTES_MAX];
    char path[128];
    struct problem problem = { .code = OK };
    struct hash none = { .at = { 0 } };
    struct buf document = buf_of(document_space, sizeof document_space);
    snprintf(path, sizeof path, "%s/policy", directory);
    assert_int_equal(mkdir(path, 0700), 0);
    text_write("areas.csv", "kode,nama\n36,BANTEN\n36.04,SERANG\n36.04.29,SATU\n36.04.30,DUA\n");
    text_write(
        "rules.conf",
        "authority T { label = 'Office' }\n"
        "role tksk { label = 'Office' authority = {T} }\n"
        "settings { idle_lock_minutes = 15 }\n"
        "areas { file = 'areas.csv' within = '36.04' }\n"
        "collection person {\n"
        "  title = 'Person'\n"
        "  area_field = area\n"
        "  field area { type = area level = 3 required = true authority = {T} sensitivity = U "
        "label = 'Area' }\n"
        "  field name { type = text length = 4000 required = true summary = true authority = "
        "{T} sensitivity = P label = 'Name' }\n"
        "}\n");
    enum err err = policy_text_compile(path, FIX_DISTRICT, 1, &none, &document, &problem);
    if (err != OK)
        fail_msg("policy: %s %s %s", err_name(err), problem.thing, problem.detail);
    const struct secret_key *const signers[] = { district.root };
    struct writer signed_ = writer_of(space, sizeof space);
    assert_ok(rules_sign(buf_bytes(&document), signers, 1, &signed_));
    assert_ok(hub_store_begin(store));
    assert_ok(hub_store_rules_put(store, writer_bytes(&signed_), FIX_WALL_MS, &problem));
    assert_ok(hub_store_commit(store));
}

static inline void trust_publish(struct bytes statement)
{
    struct problem problem = { .code = OK };
    assert_ok(hub_store_begin(store));
    enum err err = hub_store_trust_put(store, statement, FIX_WALL_MS, &problem);
    if (err != OK)
        fail_msg("trust: %s %s %s", err_name(err), problem.thing, problem.detail);
    assert_ok(hub_store_commit(store));
    if (driver != NULL)
        hub_driver_journal_moved(driver);
}

static inline void hub_up(void)
{
    char path[128];
    struct problem problem = { .code = OK };
    const struct hub_driver_ports ports = { .send = port_send,
                                            .access_changed = port_access_changed };
    snprintf(path, sizeof path, "%s/hub.db", directory);
    assert_ok(hub_store_open(path, NULL, FIX_DISTRICT, &store, &problem));
    snprintf(path, sizeof path, "%s/enrol.db", directory);
    assert_ok(hub_enrol_open(path, NULL, &enrol, &problem));
    assert_ok(hub_driver_open(store, &district.keys, &ports, &driver));
    assert_ok(hub_driver_enrol(driver, enrol));
    assert_ok(hub_driver_tick(driver, now_ms, FIX_WALL_MS));
}

static inline void hub_down(void)
{
    hub_driver_close(&driver);
    hub_enrol_close(&enrol);
    hub_store_close(&store);
}

static inline int setup(void **state)
{
    (void)state;
    now_ms = 1000000;
    out_count = 0;
    send_result = OK;
    access_changes = 0;
    fix_directory(directory, sizeof directory);
    fix_district_open(&district);
    fix_office_open(&office, "36.04.29", 1);
    fix_office_open(&other, "36.04.30", 2);
    hub_up();
    trust_publish(fix_founding(&district, hub_store_trust(store)));
    trust_publish(fix_enrolment(&district, hub_store_trust(store), &office));
    trust_publish(fix_enrolment(&district, hub_store_trust(store), &other));
    rules_publish();
    fake_open(&node, &district, &office, 0xa1);
    fake_open(&neighbour, &district, &other, 0xb1);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    fake_close(&node);
    fake_close(&neighbour);
    hub_down();
    fix_office_close(&office);
    fix_office_close(&other);
    fix_district_close(&district);
    fix_directory_drop(directory);
    return 0;
}

/* ---- talking */

static inline void receive(const struct fake_node *from, struct bytes frame)
{
    assert_ok(hub_driver_receive(driver, &from->peer, frame, now_ms, FIX_WALL_MS));
}

static inline void flush(void)
{
    assert_ok(hub_driver_flush(driver, now_ms));
}

/* The next message of this type to this node, which is taken; false when there is none. */
static inline bool take(const struct fake_node *to, enum message_type type, struct message *ret)
{
    static uint8_t frame[FRAME_BYTES_MAX];
    for (unsigned i = 0; i < out_count; i++) {
        assert_ok(message_decode(bytes_of(out[i].at, out[i].len), ret));
        if (ret->type != type ||
            memcmp(&out[i].peer.curve_key, &to->peer.curve_key, PUBLIC_KEY_BYTES) != 0)
            continue;
        size_t len = out[i].len;
        memcpy(frame, out[i].at, len);
        memmove(&out[i], &out[i + 1], (out_count - i - 1) * sizeof out[0]);
        out_count--;
        assert_ok(message_decode(bytes_of(frame, len), ret));
        return true;
    }
    return false;
}

static inline enum standing hello(struct fake_node *from)
{
    struct message message;
    receive(from, fake_hello(from));
    flush();
    assert_true(take(from, MESSAGE_WELCOME, &message));
    const struct welcome *welcome = &message.welcome;
    assert_true(crypto_verify_typed("welcome", welcome->statement, &district.keys.sign_public,
                                    &welcome->signature));
    assert_true(id_equal(&welcome->nonce, &from->nonce));
    assert_true(id_equal(&welcome->incarnation, &from->incarnation));
    return welcome->standing;
}

static inline void refused(const struct fake_node *to, enum err code)
{
    struct message message;
    assert_true(take(to, MESSAGE_REFUSE, &message));
    assert_string_equal(err_name(err_from_name(message.refuse.code)), err_name(code));
}

static inline uint64_t received_at_hub(const struct fake_node *of)
{
    struct hub_incarnation incarnation;
    assert_ok(hub_store_incarnation(store, of->office->name, &of->incarnation, &incarnation));
    return incarnation.lanes[LANE_NORMAL].received;
}

/* Verifies the ACK as a node would and counts the items that say accepted. */
static inline unsigned ack_take(const struct fake_node *to, uint64_t last)
{
    static uint8_t space[2 * FRAME_BYTES_MAX];
    struct message message;
    assert_true(take(to, MESSAGE_ACK, &message));
    const struct ack *ack = &message.ack;
    assert_int_equal(ack->last, last);
    struct writer statement = writer_of(space, sizeof space);
    ack_statement(ack, FIX_DISTRICT, to->office->name, &to->incarnation, &to->heads[last],
                  &statement);
    assert_ok(statement.err);
    assert_true(crypto_verify_typed("ack", writer_bytes(&statement), &district.keys.sign_public,
                                    &ack->signature));
    unsigned accepted = 0;
    struct items_iter items = items_of(ack->items);
    struct ack_item item;
    while (ack_item_next(&items, &item)) {
        struct items_iter entries = items_of(item.entries);
        struct ack_entry entry;
        accepted += !ack_entry_next(&entries, &entry);
    }
    return accepted;
}

static inline void push_all(struct fake_node *from, uint64_t first, uint64_t last)
{
    receive(from, fake_push(fake_bundle(from, first, last, first == 1), first, 0, 0));
}
