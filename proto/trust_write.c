/* Op writers: for those who sign statements. */
#include "common/must.h"
#include "proto/trust.h"

static void key_write(struct writer *out, const struct public_key *key)
{
    writer_bin(out, bytes_of(key->at, PUBLIC_KEY_BYTES));
}

static void ended_write(struct writer *out, const struct ended *ended)
{
    must(ended->reason != END_NONE && ended->cut_count <= CUTS_MAX);
    writer_uint(out, ended->reason);
    writer_array(out, ended->cut_count);
    for (unsigned i = 0; i < ended->cut_count; i++) {
        writer_array(out, 3);
        writer_bin(out, bytes_id(&ended->cuts[i].incarnation));
        writer_uint(out, ended->cuts[i].lane);
        writer_uint(out, ended->cuts[i].seq);
    }
}

void trust_op_signers(struct writer *out, enum trust_op_code code, const struct signer_list *list)
{
    must((code == TRUST_ROOT || code == TRUST_SIGNERS) && list->count <= SIGNERS_MAX);
    writer_array(out, 3);
    writer_uint(out, code);
    writer_uint(out, list->threshold);
    writer_array(out, list->count);
    for (unsigned i = 0; i < list->count; i++) {
        writer_array(out, 2);
        key_write(out, &list->list[i].key);
        writer_text(out, list->list[i].name);
    }
}

void trust_op_hub(struct writer *out, const struct trust_hub *hub)
{
    must(hub->endpoint_count <= ENDPOINTS_MAX);
    writer_array(out, 6);
    writer_uint(out, TRUST_HUB);
    key_write(out, &hub->sign_key);
    key_write(out, &hub->seal_key);
    writer_uint(out, hub->seal_number);
    key_write(out, &hub->curve_key);
    writer_array(out, hub->endpoint_count);
    for (unsigned i = 0; i < hub->endpoint_count; i++)
        writer_text(out, hub->endpoints[i]);
}

void trust_op_node(struct writer *out, const struct trust_node *node)
{
    writer_array(out, 6);
    writer_uint(out, TRUST_NODE);
    writer_text(out, node->name);
    writer_text(out, node->area);
    key_write(out, &node->device_key);
    key_write(out, &node->curve_key);
    key_write(out, &node->seal_key);
}

void trust_op_node_end(struct writer *out, const char *node, const struct ended *ended)
{
    writer_array(out, 4);
    writer_uint(out, TRUST_NODE_END);
    writer_text(out, node);
    ended_write(out, ended);
}

void trust_op_operator(struct writer *out, const struct trust_operator *op)
{
    writer_array(out, 10);
    writer_uint(out, TRUST_OPERATOR);
    writer_uint(out, op->number);
    key_write(out, &op->key);
    writer_text(out, op->node);
    writer_text(out, op->name);
    writer_text(out, op->role);
    writer_text(out, op->area);
    writer_text(out, op->sk);
    writer_text(out, op->from);
    writer_text(out, op->until);
}

void trust_op_operator_until(struct writer *out, uint32_t number, const char *sk, const char *until)
{
    writer_array(out, 4);
    writer_uint(out, TRUST_OPERATOR_UNTIL);
    writer_uint(out, number);
    writer_text(out, sk);
    writer_text(out, until);
}

void trust_op_operator_end(struct writer *out, uint32_t number, const struct ended *ended)
{
    writer_array(out, 4);
    writer_uint(out, TRUST_OPERATOR_END);
    writer_uint(out, number);
    ended_write(out, ended);
}

void trust_op_release(struct writer *out, bool accept, const struct hash *leaves, size_t count)
{
    writer_array(out, 3);
    writer_uint(out, TRUST_RELEASE);
    writer_bool(out, accept);
    writer_array(out, count);
    for (size_t i = 0; i < count; i++)
        writer_bin(out, bytes_hash(&leaves[i]));
}

void trust_op_epoch(struct writer *out, uint64_t epoch, uint64_t cut,
                    const struct hash *journal_hash)
{
    writer_array(out, 4);
    writer_uint(out, TRUST_EPOCH);
    writer_uint(out, epoch);
    writer_uint(out, cut);
    writer_bin(out, bytes_hash(journal_hash));
}

void trust_op_incarnation(struct writer *out, const char *node, const struct id *incarnation,
                          bool accept)
{
    writer_array(out, 4);
    writer_uint(out, TRUST_INCARNATION);
    writer_text(out, node);
    writer_bin(out, bytes_id(incarnation));
    writer_bool(out, accept);
}
