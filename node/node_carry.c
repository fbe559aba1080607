/* Pieces of carry files on their way out. */
#include "node/node_carry.h"

#include <stdlib.h>

#include "common/must.h"
#include "node/node_driver_inside.h"
#include "proto/carry_piece.h"

#define BUNDLE_USUAL_BYTES (256u * 1024) /* a part that is lost costs less again */
#define PIECE_EXTRA_BYTES 64             /* what a piece adds to the bundle in it */

enum carry_step { STEP_HELLO, STEP_PROOFS, STEP_BUNDLES, STEP_END };

struct node_carry {
    struct node_driver *driver;
    size_t piece_bytes_max;
    struct id incarnation;
    enum carry_step step;
    unsigned proof; /* the next one */
    unsigned lane;
    uint64_t next[LANE_COUNT], highest[LANE_COUNT];
    uint64_t entries;
    uint8_t space[RUN_SPACE_BYTES];
    uint8_t piece[CARRY_PIECE_BYTES_MAX];
};

enum err node_carry_open(struct node_driver *driver, size_t piece_bytes_max, uint64_t now_ms,
                         uint64_t wall_ms, struct node_carry **ret_carry, struct problem *problem)
{
    enum err err = driver_come_in(driver, now_ms, wall_ms);
    if (err != OK)
        return err;
    if (driver->identity.enrolment != ENROLMENT_DONE)
        return problem_set(problem, ERR_STATE, "bundle", "this office is not approved yet");
    if (piece_bytes_max < CARRY_PIECE_BYTES_MIN)
        return problem_set(problem, ERR_LIMIT, "piece_bytes", NULL);
    struct node_carry *carry = calloc(1, sizeof *carry);
    if (carry == NULL)
        return ERR_MEMORY;
    carry->driver = driver;
    carry->piece_bytes_max =
        piece_bytes_max < CARRY_PIECE_BYTES_MAX ? piece_bytes_max : CARRY_PIECE_BYTES_MAX;
    carry->incarnation = driver->identity.incarnation;
    for (unsigned i = 0; err == OK && i < LANE_COUNT; i++) {
        struct node_lane lane;
        err = node_store_lane(driver->store, (enum lane)i, &lane);
        carry->next[i] = lane.acked + 1;
        carry->highest[i] = lane.highest;
    }
    if (err != OK) {
        node_carry_close(&carry);
        return err;
    }
    *ret_carry = carry;
    return OK;
}

void node_carry_close(struct node_carry **carry)
{
    free(*carry);
    *carry = NULL;
}

uint64_t node_carry_entries(const struct node_carry *carry)
{
    return carry->entries;
}

static enum err hello_piece(struct node_carry *carry, struct writer *out)
{
    const struct id nonce = crypto_random_id();
    struct message message;
    enum err err = driver_hello_make(carry->driver, &nonce, &message);
    carry->step = STEP_PROOFS;
    return err == OK ? message_encode(&message, out) : err;
}

/* What shows a hub that came from a backup that it did: small, and nobody can ask for it later. */
static enum err proof_piece(struct node_carry *carry, struct writer *out, struct carry_place *where)
{
    while (carry->proof < PROOF_ACKS + FEED_STREAMS) {
        unsigned at = carry->proof++;
        enum return_kind kind = at < PROOF_ACKS ? RETURN_ACK : RETURN_FEED;
        struct bytes proof;
        enum err err = node_store_proof(carry->driver->store, kind,
                                        at < PROOF_ACKS ? at : at - PROOF_ACKS, &proof);
        if (err == ERR_NOT_FOUND || (err == OK && proof.len > RETURN_PROOF_BYTES_MAX))
            continue;
        if (err != OK)
            return err;
        *where = (struct carry_place){ .kind = CARRY_PROOF };
        carry_proof_encode(kind, proof, out);
        return out->err;
    }
    carry->step = STEP_BUNDLES;
    return OK;
}

/* Of the lane at hand, from what the hub has not acknowledged meanwhile. */
static enum err lane_piece(struct node_carry *carry, struct writer *out, struct carry_place *where,
                           struct problem *problem)
{
    struct node_driver *driver = carry->driver;
    enum lane lane = (enum lane)carry->lane;
    size_t bytes_max = carry->piece_bytes_max - PIECE_EXTRA_BYTES;
    struct queue_run run;
    struct bytes bundle;
    struct node_lane row;
    if (bytes_max > BUNDLE_BYTES_MAX)
        bytes_max = BUNDLE_BYTES_MAX;
    enum err err = node_store_lane(driver->store, lane, &row);
    if (err != OK)
        return err;
    if (carry->next[lane] <= row.acked)
        carry->next[lane] = row.acked + 1;
    if (carry->next[lane] > carry->highest[lane]) {
        carry->lane++;
        return OK;
    }
    uint64_t left = carry->highest[lane] - carry->next[lane] + 1;
    const struct node_action action = {
        .lane = lane,
        .first = carry->next[lane],
        .max_items = left < BUNDLE_ITEMS_MAX ? (unsigned)left : BUNDLE_ITEMS_MAX,
        .max_bytes = bytes_max < BUNDLE_USUAL_BYTES ? bytes_max : BUNDLE_USUAL_BYTES,
        .all_keys = true
    };
    err = driver_bundle_make(driver, &action, bytes_max, carry->space, &run, &bundle);
    if (err == ERR_LIMIT)
        return problem_set(problem, ERR_LIMIT, "--part-size",
                           "one entry is larger than a part; parts of 1M hold every entry");
    if (err != OK)
        return err;
    *where = (struct carry_place){ .kind = CARRY_BUNDLE, .place = lane, .first = run.first };
    carry->next[lane] = run.first + run.count;
    carry->entries += run.count;
    carry_bundle_encode(&run.head_before, bundle, out);
    return out->err;
}

enum err node_carry_next(struct node_carry *carry, struct bytes *ret_piece,
                         struct carry_place *ret_where, struct problem *problem)
{
    struct writer out = writer_of(carry->piece, sizeof carry->piece);
    struct node_identity identity;
    enum err err = node_store_identity(carry->driver->store, &identity);
    if (err == OK && !id_equal(&identity.incarnation, &carry->incarnation))
        err = problem_set(problem, ERR_STATE, "bundle", "the store began anew; export again");
    while (err == OK && out.buf.len == 0) {
        *ret_where = (struct carry_place){ .kind = CARRY_HELLO };
        switch (carry->step) {
        case STEP_HELLO:
            err = hello_piece(carry, &out);
            break;
        case STEP_PROOFS:
            err = proof_piece(carry, &out, ret_where);
            break;
        case STEP_BUNDLES:
            if (carry->lane == LANE_COUNT)
                carry->step = STEP_END;
            else
                err = lane_piece(carry, &out, ret_where, problem);
            break;
        case STEP_END:
            return ERR_NOT_FOUND;
        }
    }
    if (err == OK)
        *ret_piece = writer_bytes(&out);
    return err;
}
