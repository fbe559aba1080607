/* The newest answer of each lane and the newest feed batch of each stream that the hub signed, kept
 * as [statement, signature]: what shows a hub that its database is older than what it once said.
 * Whatever a HELLO may claim to have seen, one of these says it: a position of any lane, a cursor
 * of either stream, the highest number. */
#include <stdlib.h>

#include "node/node_store_inside.h"

struct proof {
    enum return_kind kind;
    unsigned place;
    uint64_t epoch, number;
    bool replaces; /* whatever is there; else what is not newer */
};

static enum err proof_put(struct node_store *store, const struct proof *proof,
                          struct bytes statement, const struct signature *signature)
{
    size_t cap = statement.len + SIGNATURE_BYTES + 16;
    uint8_t *space = malloc(cap);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, cap);
    writer_array(&out, 2);
    writer_bin(&out, statement);
    writer_bin(&out, bytes_of(signature->at, SIGNATURE_BYTES));
    enum err err = out.err;
    if (err == OK) {
        struct sqlite3_stmt *st = node_sql(store, SQL_proof_put);
        sql_bind_uint(st, 1, proof->kind);
        sql_bind_uint(st, 2, proof->place);
        sql_bind_uint(st, 3, proof->epoch);
        sql_bind_uint(st, 4, proof->number);
        sql_bind(st, 5, writer_bytes(&out));
        sql_bind_uint(st, 6, proof->replaces);
        err = node_sql_run(store, st);
    }
    free(space);
    return err;
}

enum err node_proof_ack(struct node_store *store, const struct ack *ack, uint64_t acked)
{
    struct hash head;
    enum err err = node_store_head(store, ack->lane, ack->last, &head);
    if (err != OK)
        return err;
    uint8_t *space = malloc(FRAME_BYTES_MAX + 1024);
    if (!space)
        return ERR_MEMORY;
    struct writer out = writer_of(space, FRAME_BYTES_MAX + 1024);
    ack_statement(ack, store->identity.district, store->identity.node, &store->identity.incarnation,
                  &head, &out);
    /* A repeated answer may name a higher number and an earlier position than the one before it. */
    const struct proof newest = { RETURN_ACK, PROOF_NEWEST_ACK, ack->epoch, ack->number, false };
    const struct proof own = { RETURN_ACK, ack->lane, ack->epoch, ack->number, ack->last > acked };
    err = out.err == OK ? proof_put(store, &newest, writer_bytes(&out), &ack->signature) : out.err;
    if (err == OK && ack->last >= acked)
        err = proof_put(store, &own, writer_bytes(&out), &ack->signature);
    free(space);
    return err;
}

enum err node_proof_feed(struct node_store *store, const struct feed_batch *batch)
{
    const struct proof proof = { RETURN_FEED, batch->stream, batch->epoch, batch->to, false };
    return proof_put(store, &proof, batch->statement, &batch->signature);
}

enum err node_store_proof(struct node_store *store, enum return_kind kind, unsigned place,
                          struct bytes *ret_proof)
{
    struct sqlite3_stmt *st = node_sql(store, SQL_proof_get);
    sql_bind_uint(st, 1, kind);
    sql_bind_uint(st, 2, place);
    enum err err = node_sql_row(store, st);
    if (err != OK)
        return err;
    scratch_clear(&store->scratch);
    struct bytes copy;
    err = node_sql_end(store, st, scratch_copy(&store->scratch, sql_bytes(st, 0), &copy));
    if (err == OK)
        *ret_proof = copy;
    return err;
}
