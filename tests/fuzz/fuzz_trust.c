/* The trust part. The input is taken as a signed statement, and as ops that those who may sign have
 * signed: whatever they decide, a statement that is refused leaves no trace. */
#include "common/must.h"
#include "proto/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct secret_key *root;

static struct hash fingerprint(const struct trust *trust)
{
    struct bytes parts[] = {
        bytes_of(&trust->version, sizeof(trust->version)),
        bytes_hash(&trust->hash),
        bytes_of(&trust->root, sizeof(trust->root)),
        bytes_of(&trust->signers, sizeof(trust->signers)),
        bytes_of(&trust->hub, sizeof(trust->hub)),
        bytes_of(&trust->epoch, sizeof(trust->epoch)),
        bytes_of(trust->nodes, trust->node_count * sizeof(*trust->nodes)),
        bytes_of(trust->operators, trust->operator_count * sizeof(*trust->operators)),
    };
    struct hash hash;
    crypto_hash("test", parts, COUNT_OF(parts), &hash);
    return hash;
}

static enum err sign_and_apply(struct trust *trust, struct bytes ops)
{
    static uint8_t space[TRUST_STATEMENT_BYTES_MAX];
    struct writer out = writer_of(space, sizeof(space));
    const struct secret_key *keys[] = { root };
    enum err err = trust_sign("36.04", trust->version + 1, &trust->hash, 1, ops, keys, 1, &out);
    return err ? err : trust_apply(trust, writer_bytes(&out), NULL, NULL);
}

/* Root and signers are one key; one node and one operator are there. */
static void found(struct trust *trust)
{
    uint8_t space[2048];
    struct writer ops = writer_of(space, sizeof(space));
    struct signer_list list = { .threshold = 1, .count = 1 };
    struct trust_hub hub = { .seal_number = 1 };
    struct trust_node node = { .name = "36.04.29", .area = "36.04.29", .curve_key = { { 7 } } };
    struct trust_operator op = { .number = 1,
                                 .key = { { 9 } },
                                 .node = "36.04.29",
                                 .role = "tksk",
                                 .area = "36.04.29",
                                 .from = "2026-01-01",
                                 .until = "2027-01-01" };
    crypto_sign_public(root, &list.list[0].key);
    hub.seal_key.at[0] = 1;
    writer_array(&ops, 5);
    trust_op_signers(&ops, TRUST_ROOT, &list);
    trust_op_signers(&ops, TRUST_SIGNERS, &list);
    trust_op_hub(&ops, &hub);
    trust_op_node(&ops, &node);
    trust_op_operator(&ops, &op);
    trust_open(trust);
    must(!ops.err && sign_and_apply(trust, writer_bytes(&ops)) == OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t seed[SECRET_KEY_BYTES] = { 1 };
    struct trust trust;
    struct trust_view view;
    struct bytes in = bytes_of(data, size);
    if (!root) {
        must(crypto_start() == OK);
        root = secret_key_from(seed);
        must(root);
    }
    found(&trust);
    struct hash before = fingerprint(&trust);
    if (trust_view(in, &view) == OK)
        must(view.version > 0);
    must(trust_apply(&trust, in, NULL, NULL) != OK);
    if (codec_scan(in) == OK && sign_and_apply(&trust, in) == OK) {
        must(trust.version == 2);
    } else {
        struct hash after = fingerprint(&trust);
        must(hash_equal(&before, &after));
    }
    trust_close(&trust);
    return 0;
}
