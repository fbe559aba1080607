/* bundle_take, bundle_export: what tkskctl reads from and writes into carry files.
 *
 * bundle_take {hello, tally_from, token, total, offset, data} takes one piece under the HELLO of
 * its file, in as many requests as it needs; bundle_export {node, hello, forked, piece_bytes} gives
 * pieces as rows {kind, place, first, data}. */
#include "hub/hub_admin_inside.h"

#include <stdlib.h>

#include "common/log.h"
#include "hub/hub_carry.h"

/* ---- in */

static json_t *taken_json(const struct hub_carry_taken *taken)
{
    json_t *object = json_object();
    hub_json_set(object, "node", json_string(taken->node));
    hub_json_set(object, "standing",
                 taken->state == SESSION_AWAY ? NULL
                                              : json_string(session_state_name(taken->state)));
    hub_json_set(object, "kind", hub_json_uint(taken->kind));
    hub_json_set(object, "lane", hub_json_uint(taken->lane));
    hub_json_set(object, "first", hub_json_uint(taken->first));
    hub_json_set(object, "last", hub_json_uint(taken->last));
    hub_json_set(object, "known", hub_json_uint(taken->known));
    hub_json_set(object, "received", hub_json_uint(taken->received));
    hub_json_set(object, "missing", hub_json_uint(taken->missing));
    hub_json_set(object, "forked", json_boolean(taken->forked));
    json_t *counts = json_object();
    for (unsigned i = DISPOSITION_ACCEPTED; i <= DISPOSITION_PARKED; i++)
        hub_json_set(counts, disposition_name((enum disposition)i),
                     hub_json_uint(taken->tally.counts[i]));
    hub_json_set(object, "changes", counts);
    return object;
}

static void take(struct hub_admin *admin, struct admin_call *call, struct bytes hello,
                 uint64_t tally_from)
{
    struct hub_carry_taken taken;
    struct problem problem = { .code = OK };
    struct bytes piece = bytes_of(admin->chunks.at, admin->chunks.len);
    enum err err = hub_carry_take(admin->daemon->driver, hello, piece, tally_from, loop_now_ms(),
                                  loop_wall_ms(), &taken, &problem);
    enum err settled = hub_daemon_settle(admin->daemon);
    if (taken.kind == CARRY_HELLO)
        log_info("a bundle file came node=%s uid=%lu result=%s", taken.node,
                 (unsigned long)admin_call_uid(call), err_name(err));
    if (err == OK)
        err = settled;
    if (err != OK && problem.code == OK)
        (void)problem_set(&problem, err, "bundle", NULL);
    if (err != OK)
        admin_fail_with(call, &problem, taken_json(&taken));
    else
        admin_done(call, taken_json(&taken));
}

void hub_cmd_bundle_take(struct hub_admin *admin, struct admin_call *call)
{
    struct problem problem = { .code = OK };
    struct buf hello = { .at = NULL };
    bool whole = false;
    uint64_t tally_from;
    if (!hub_arg_uint(call, "tally_from", INT64_MAX, 0, &tally_from))
        return;
    enum err err = admin_chunks_take(&admin->chunks, call, CARRY_PIECE_BYTES_MAX, &whole, &problem);
    if (err == OK)
        err = admin_arg_bytes(call, "hello", FRAME_BYTES_MAX, &hello, &problem);
    if (err != OK) {
        admin_fail(call, &problem);
    } else if (!whole) {
        admin_done(call, NULL);
    } else {
        take(admin, call, buf_bytes(&hello), tally_from);
        admin_chunks_release(&admin->chunks);
    }
    free(hello.at);
}

/* ---- out */

static enum err next_row(void *ctx, json_t **ret_row, struct problem *problem)
{
    struct hub_carry *carry = ctx;
    struct carry_place where;
    struct bytes piece;
    enum err err = hub_carry_next(carry, loop_now_ms(), &piece, &where, problem);
    if (err == ERR_NOT_FOUND)
        *ret_row = json_pack("{s:o?}", "answers", hub_json_time(hub_carry_answers_ms(carry)));
    if (err != OK)
        return err;
    json_t *data = admin_json_bytes(piece);
    if (data == NULL)
        return ERR_MEMORY;
    *ret_row = json_pack("{s:i, s:i, s:I, s:o}", "kind", (int)where.kind, "place", (int)where.place,
                         "first", (json_int_t)where.first, "data", data);
    return *ret_row == NULL ? ERR_MEMORY : OK;
}

static void rows_end(void *ctx)
{
    struct hub_carry *carry = ctx;
    hub_carry_close(&carry);
}

void hub_cmd_bundle_export(struct hub_admin *admin, struct admin_call *call)
{
    struct problem problem = { .code = OK };
    struct buf hello = { .at = NULL };
    struct hub_carry *carry = NULL;
    const char *node;
    uint64_t bytes;
    bool forked = json_is_true(json_object_get(admin_call_args(call), "forked"));
    if (!hub_arg_text(call, "node", &node) ||
        !hub_arg_uint(call, "piece_bytes", UINT32_MAX, CARRY_PIECE_BYTES_MAX, &bytes))
        return;
    enum err err = admin_arg_bytes(call, "hello", FRAME_BYTES_MAX, &hello, &problem);
    if (err == OK)
        err = hub_carry_open(admin->daemon->driver, node, buf_bytes(&hello), forked, (size_t)bytes,
                             loop_now_ms(), loop_wall_ms(), &carry, &problem);
    if (err == OK)
        err = admin_rows_start(&admin->rows, admin->daemon->loop, call, next_row, rows_end, carry);
    if (err != OK) {
        hub_refuse_problem(call, err, &problem, "bundle");
        hub_carry_close(&carry);
    }
    free(hello.at);
}
