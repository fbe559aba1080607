/* An office where one person enters and another countersigns. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/node_countersign.h"
#include "tests/support/node_fixture.h"

enum { SITI = 1, BUDI = 2, DEWI = 3 };

/* Siti is a TKSK; Budi and Dewi type, and need her. */
struct pair {
    struct office o;
    struct secret_key *seeds[4];
    struct public_key keys[4];
};

static inline struct bytes grown(struct pair *p, uint32_t number, const char *role,
                                 const char *area)
{
    uint8_t space[1024];
    struct writer ops = writer_of(space, sizeof space);
    struct trust_operator op = { .number = number,
                                 .key = p->keys[number],
                                 .node = OFFICE_NODE,
                                 .sk = "460/12/2026",
                                 .from = "2026-01-01",
                                 .until = "2027-12-31" };
    snprintf(op.name, sizeof op.name, "Operator %u", number);
    snprintf(op.role, sizeof op.role, "%s", role);
    snprintf(op.area, sizeof op.area, "%s", area);
    trust_op_operator(&ops, &op);
    return office_statement(&p->o, 1, writer_bytes(&ops));
}

static inline void add_operator(struct pair *p, uint32_t number, const char *name, const char *role)
{
    struct message request = { .type = MESSAGE_OPERATOR };
    uint8_t space[512];
    struct writer out = writer_of(space, sizeof space);
    struct node_operator op = { .keyfile = bytes_text("k") };
    p->seeds[number] = secret_key_new();
    crypto_sign_public(p->seeds[number], &p->keys[number]);
    request.operator_request.key = p->keys[number];
    request.operator_request.district = bytes_text(OFFICE_DISTRICT);
    request.operator_request.node = bytes_text(OFFICE_NODE);
    request.operator_request.name = bytes_text(name);
    request.operator_request.role = bytes_text(role);
    operator_request_encode(&request.operator_request, &out);
    request.operator_request.request = writer_bytes(&out);
    snprintf(op.name, sizeof op.name, "%s", name);
    snprintf(op.role, sizeof op.role, "%s", role);
    assert_int_equal(node_store_operator_add(p->o.store, &op, &request, p->seeds[number]), OK);
    assert_int_equal(office_feed_document(&p->o, FEED_TRUST, grown(p, number, role, OFFICE_NODE)),
                     OK);
}

static inline void unlock(struct pair *p, uint32_t number)
{
    assert_int_equal(
        node_store_unlock(p->o.store, secret_key_from(secret_key_bytes(p->seeds[number]))), OK);
}

static inline void act(struct pair *p, uint32_t number)
{
    assert_int_equal(node_store_act(p->o.store, &p->keys[number]), OK);
}

static inline void unlock_all(struct pair *p)
{
    for (uint32_t i = SITI; i <= DEWI; i++)
        unlock(p, i);
}

static inline int open_pair(void **state)
{
    static char source[16384];
    struct pair *p = calloc(1, sizeof *p);
    if (!p)
        return -1;
    office_open(&p->o, false);
    p->seeds[SITI] = secret_key_from(secret_key_bytes(p->o.operator));
    p->keys[SITI] = p->o.operator_key;
    snprintf(source, sizeof source, "%s%s", office_source,
             "role ketik { label = 'Operator' authority = {T} countersigned_by = {tksk} }\n");
    struct hash previous = p->o.rules_hash;
    assert_int_equal(
        office_feed_document(&p->o, FEED_RULES, office_rules(&p->o, source, 2, &previous)), OK);
    add_operator(p, BUDI, "budi", "ketik");
    add_operator(p, DEWI, "dewi", "ketik");
    unlock_all(p);
    act(p, BUDI);
    *state = p;
    return 0;
}

static inline int close_pair(void **state)
{
    struct pair *p = *state;
    for (uint32_t i = SITI; i <= DEWI; i++)
        secret_key_close(&p->seeds[i]);
    office_close(&p->o);
    free(p);
    return 0;
}

static inline struct id put(struct pair *p, const char *name)
{
    return office_put(&p->o, "orang", FIELDS("kec", OFFICE_NODE, "nama", name));
}

static inline uint64_t queued(struct pair *p, enum lane lane)
{
    struct node_lane row;
    assert_int_equal(node_store_lane(p->o.store, lane, &row), OK);
    return row.highest;
}

static inline uint64_t waiting(struct pair *p)
{
    struct waiting_count count;
    assert_int_equal(node_store_waiting_count(p->o.store, 0, &count), OK);
    return count.transactions;
}

static inline struct hash leaf_of(struct pair *p, const struct id *record)
{
    const struct record_view *view = office_view(&p->o, record);
    assert_true(view->has_leaf);
    return view->leaf;
}

static inline enum err countersign(struct pair *p, const struct hash *leaves, size_t count,
                                   size_t *ret_done)
{
    return node_entry_countersign(p->o.entry, leaves, count, OFFICE_WALL_MS, ret_done,
                                  &p->o.problem);
}

static inline void sign_all(struct pair *p, const struct hash *leaves, size_t count)
{
    size_t done = 0;
    act(p, SITI);
    enum err err = countersign(p, leaves, count, &done);
    if (err != OK)
        print_error("%s: %s: %s\n", err_name(err), p->o.problem.thing, p->o.problem.detail);
    assert_int_equal(err, OK);
    assert_int_equal(done, count);
}

static inline void see_change(void *ctx, const struct own_change *change)
{
    struct own_change *seen = ctx;
    *seen = *change;
}

static inline struct own_change change_of(struct pair *p, const struct id *record)
{
    struct own_change seen = { 0 };
    assert_int_equal(node_store_changes(p->o.store, record, false, see_change, &seen), OK);
    return seen;
}
