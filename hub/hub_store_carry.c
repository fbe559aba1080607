/* What answers that are carried by hand go by: the newest HELLO, and what became of entries. */
#include "common/must.h"
#include "hub/hub_store_state.h"

enum err hub_store_hello_put(struct hub_store *store, const char *node, struct bytes frame)
{
    must(store->writing);
    return store->ops->hello_put(store->backend, node, frame);
}

enum err hub_store_hello_get(struct hub_store *store, const char *node, struct buf *ret_frame)
{
    struct bytes frame;
    enum err err = store->ops->hello_get(store->backend, node, &frame);
    if (err)
        return err;
    if (ret_frame->cap - ret_frame->len < frame.len)
        return ERR_LIMIT;
    memcpy(ret_frame->at + ret_frame->len, frame.at, frame.len);
    ret_frame->len += frame.len;
    return OK;
}

static enum err tally_txn(struct hub_store *store, uint64_t number, struct hub_tally *tally)
{
    struct row_txn txn;
    unsigned count = 0;
    enum err err = store->ops->txn_get(store->backend, number, &txn);
    if (err)
        return err;
    if (txn.state != DISPOSITION_NONE) {
        tally->counts[txn.state] += txn.change_count > 0 ? txn.change_count : 1;
        return OK;
    }
    err = store->ops->changes_get(store->backend, number, store->changes, &count);
    for (unsigned i = 0; i < count && !err; i++)
        tally->counts[store->changes[i].disposition]++;
    return err;
}

enum err hub_store_tally(struct hub_store *store, const char *node, const struct id *incarnation,
                         enum lane lane, uint64_t first, uint64_t last, struct hub_tally *ret_tally)
{
    struct hub_tally tally = { .counts = { 0 } };
    for (uint64_t seq = first; seq <= last; seq++) {
        struct row_entry row;
        enum err err = store->ops->entry_get(store->backend, node, incarnation, lane, seq, &row);
        if (!err && row.txn != 0)
            err = tally_txn(store, row.txn, &tally);
        if (err)
            return err;
    }
    *ret_tally = tally;
    return OK;
}
