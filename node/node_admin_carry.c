/* bundle_export, bundle_take: what tkskctl writes into and reads from carry files.
 *
 * bundle_export {piece_bytes} gives pieces as rows {kind, place, first, data}, the HELLO first;
 * bundle_take {answer, token, total, offset, data} takes one piece, in as many requests as it
 * needs. */
#include <stdlib.h>

#include "node/node_admin_inside.h"
#include "node/node_carry.h"

/* ---- out */

static enum err next_row(void *ctx, json_t **ret_row, struct problem *problem)
{
    struct node_carry *carry = ctx;
    struct carry_place where;
    struct bytes piece;
    enum err err = node_carry_next(carry, &piece, &where, problem);
    if (err == ERR_NOT_FOUND)
        *ret_row = json_pack("{s:I}", "entries", (json_int_t)node_carry_entries(carry));
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
    struct node_carry *carry = ctx;
    node_carry_close(&carry);
}

void node_cmd_bundle_export(struct node_admin *admin, struct admin_call *call)
{
    struct problem problem = { .code = OK };
    struct node_carry *carry = NULL;
    const json_t *value = json_object_get(admin_call_args(call), "piece_bytes");
    json_int_t bytes = json_is_integer(value) ? json_integer_value(value) : CARRY_PIECE_BYTES_MAX;
    if (bytes < (json_int_t)CARRY_PIECE_BYTES_MIN) {
        node_admin_refuse(call, ERR_USAGE, "piece_bytes", "it is too small");
        return;
    }
    enum err err = node_carry_open(admin->parts.driver, (size_t)bytes, loop_now_ms(),
                                   loop_wall_ms(), &carry, &problem);
    if (err == OK)
        err = admin_rows_start(&admin->rows, admin->parts.loop, call, next_row, rows_end, carry);
    if (err != OK) {
        node_admin_refuse_problem(call, err, &problem, "bundle");
        node_carry_close(&carry);
    }
}

/* ---- in */

static const char *standing_name(enum standing standing)
{
    switch (standing) {
    case STANDING_ACTIVE:
        return "active";
    case STANDING_REOPEN:
        return "reopen";
    case STANDING_QUARANTINED:
        return "quarantined";
    case STANDING_WAITING:
        return "waiting";
    }
    return NULL;
}

static json_t *taken_json(const struct node_carry_taken *taken)
{
    json_t *object = json_object();
    const char *standing = standing_name(taken->standing);
    node_json_set(object, "kind", node_json_uint(taken->kind));
    node_json_set(object, "place", node_json_uint(taken->place));
    node_json_set(object, "first", node_json_uint(taken->first));
    node_json_set(object, "last", node_json_uint(taken->last));
    node_json_set(object, "news", json_boolean(taken->news));
    node_json_set(object, "standing", standing != NULL ? json_string(standing) : NULL);
    node_json_set(object, "reopened", json_boolean(taken->reopened));
    node_json_set(object, "missing", node_json_uint(taken->missing));
    return object;
}

static void take(struct node_admin *admin, struct admin_call *call, struct bytes answer)
{
    struct node_carry_taken taken;
    struct problem problem = { .code = OK };
    struct bytes piece = bytes_of(admin->chunks.at, admin->chunks.len);
    enum err err = node_carry_take(admin->parts.driver, answer, piece, loop_now_ms(),
                                   loop_wall_ms(), &taken, &problem);
    if (err != OK && problem.code == OK)
        (void)problem_set(&problem, err, "bundle", NULL);
    if (err != OK)
        admin_fail_with(call, &problem, taken_json(&taken));
    else
        admin_done(call, taken_json(&taken));
    node_admin_changed(admin);
}

void node_cmd_bundle_take(struct node_admin *admin, struct admin_call *call)
{
    struct problem problem = { .code = OK };
    struct buf answer = { .at = NULL };
    bool whole = false;
    enum err err = admin_chunks_take(&admin->chunks, call, CARRY_PIECE_BYTES_MAX, &whole, &problem);
    if (err == OK)
        err = admin_arg_bytes(call, "answer", CARRY_LEAD_BYTES_MAX, &answer, &problem);
    if (err != OK) {
        admin_fail(call, &problem);
    } else if (!whole) {
        admin_done(call, NULL);
    } else {
        take(admin, call, buf_bytes(&answer));
        admin_chunks_release(&admin->chunks);
    }
    free(answer.at);
}
