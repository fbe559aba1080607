/* Asking for drafts through the admin socket: for the tests of kept ones and of rejected ones. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/node_draft.h"
#include "tests/support/node_world.h"

/* ---- asking */

#define REQUEST "0190a1b2-c3d4-7e5f-8a9b-0123456789ab"

static inline uint64_t highest(struct admin_world *w)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < LANE_COUNT; i++) {
        struct node_lane lane;
        assert_int_equal(node_store_lane(w->o.store, (enum lane)i, &lane), OK);
        sum += lane.highest;
    }
    return sum;
}

/* put with --draf: {"nama": …} as JSON text. */
static inline bool put_text(struct admin_world *w, const char *fields, const char *request)
{
    json_t *args = json_pack("{s:s, s:o, s:b}", "collection", "orang", "fields",
                             json_loads(fields, 0, NULL), "draft", 1);
    if (request)
        json_object_set_new(args, "request", json_string(request));
    return world_ask(w, "put", args);
}

static inline bool with_fields(struct admin_world *w, const char *cmd, const char *draft,
                               const char *fields, const char *request)
{
    json_t *args = json_pack("{s:s}", "draft", draft);
    if (fields)
        json_object_set_new(args, "fields", json_loads(fields, 0, NULL));
    if (request)
        json_object_set_new(args, "request", json_string(request));
    return world_ask(w, cmd, args);
}

static inline bool send_draft(struct admin_world *w, const char *draft, const char *fields)
{
    return with_fields(w, "draft_send", draft, fields, NULL);
}

static inline size_t drafts(struct admin_world *w)
{
    assert_true(world_ask(w, "draft_list", NULL));
    return world_rows(w);
}

static inline const char *row_text(struct admin_world *w, size_t index, const char *key)
{
    const char *text = json_string_value(json_object_get(world_row(w, index), key));
    return text ? text : "";
}

static inline bool show(struct admin_world *w, const char *draft)
{
    return world_ask(w, "draft_show", json_pack("{s:s}", "draft", draft));
}

/* A value of a shown draft's change (from 1). */
static inline const char *value(struct admin_world *w, size_t change, const char *name)
{
    const json_t *at = json_array_get(json_object_get(world_done(w), "changes"), change - 1);
    size_t index;
    json_t *field;
    json_array_foreach(json_object_get(at, "fields"), index, field) {
        if (strcmp(json_string_value(json_object_get(field, "name")), name) == 0)
            return json_string_value(json_object_get(field, "value"));
    }
    return NULL;
}

static inline bool has_problem(struct admin_world *w, const char *field, const char *code)
{
    size_t index;
    json_t *row;
    json_array_foreach(json_object_get(world_done(w), "problems"), index, row) {
        const char *at = json_string_value(json_object_get(row, "field"));
        if (at && strcmp(at, field) == 0 &&
            strcmp(json_string_value(json_object_get(row, "code")), code) == 0)
            return true;
    }
    return false;
}

static inline size_t problems(struct admin_world *w)
{
    return json_array_size(json_object_get(world_done(w), "problems"));
}

/* Answers all that waits in the normal lane; `entries` speaks for the last. */
static inline void ack_all(struct admin_world *w, struct bytes entries)
{
    struct node_lane row;
    assert_int_equal(node_store_lane(w->o.store, LANE_NORMAL, &row), OK);
    assert_true(row.acked < row.highest);
    assert_int_equal(office_ack(&w->o, LANE_NORMAL, row.acked + 1, row.highest, 1, entries), OK);
}

/* One person entered, and refused by the hub. The record's id: static memory. */
static inline const char *put_rejected(struct admin_world *w, const char *name)
{
    const char *id = world_put(w, name);
    ack_all(w, office_answer(0, DISPOSITION_REJECTED, "nik", "nama"));
    return id;
}

static inline uint64_t attention(struct admin_world *w)
{
    assert_true(world_ask(w, "status", NULL));
    return (uint64_t)world_number(w, "attention");
}
