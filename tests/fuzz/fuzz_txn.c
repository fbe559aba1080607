/* A transaction, after decryption: its author may still be hostile. What decodes holds changes that
 * are encoded as the same bytes. */
#include "common/must.h"
#include "proto/txn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    static struct txn txn;
    static uint8_t space[CHANGE_BYTES_MAX];
    if (!started)
        must(crypto_start() == OK);
    started = true;
    if (txn_decode(bytes_of(data, size), &txn))
        return 0;

    for (unsigned i = 0; i < txn.change_count; i++) {
        const struct change *change = &txn.changes[i];
        struct writer out = writer_of(space, sizeof(space));
        change_encode(change, &out);
        must(!out.err && bytes_equal(writer_bytes(&out), change->raw));
        struct bytes name, value;
        for (struct field_iter iter = fields_of(change->fields); fields_next(&iter, &name, &value);)
            must(bytes_equal(fields_get(change->fields, name), value));
    }
    struct public_key key = { { 1 } };
    struct hash leaf;
    txn_leaf(&txn, "36.04", &key, &leaf);
    must(txn_verify(&txn, "36.04", &key, &leaf) == ERR_SIGNATURE);
    return 0;
}
