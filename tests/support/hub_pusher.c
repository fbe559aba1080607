#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "proto/bundle.h"
#include "tests/support/hub_pusher.h"

void pusher_open(struct pusher *pusher, const struct fixture *f, unsigned node)
{
    pusher->node = node;
    pusher->incarnation = f->nodes[node].incarnation;
    pusher->chain = f->nodes[node].lanes[LANE_NORMAL];
    pusher->device = secret_key_new();
    pusher->data_key = secret_key_new();
}

void pusher_close(struct pusher *pusher)
{
    secret_key_close(&pusher->device);
    secret_key_close(&pusher->data_key);
}

static struct bundle_context context_of(const struct fixture_node *node)
{
    struct bundle_context context = { .district = FIXTURE_DISTRICT,
                                      .node = node->name,
                                      .incarnation = node->incarnation };
    return context; /* a hub key of zeros: the same on both sides */
}

static void seal_item(const struct pusher *pusher, const struct signed_txn *txn,
                      struct writer *items)
{
    static uint8_t body_space[SEALED_BYTES_MAX], work_space[ENVELOPE_WORK_BYTES];
    struct buf body = buf_of(body_space, sizeof(body_space));
    struct buf work = buf_of(work_space, sizeof(work_space));
    struct bundle_item item = { .kind = ITEM_TXN };
    assert_int_equal(envelope_seal(bytes_of(txn->bytes, txn->len), FIXTURE_DISTRICT, &txn->leaf, 1,
                                   pusher->data_key, NULL, &work, &body, &item.sealed),
                     OK);
    bundle_item_encode(&item, items);
}

struct pushed pusher_bundle(struct pusher *pusher, struct draft **drafts, unsigned count)
{
    static uint8_t items_space[BUNDLE_BYTES_MAX], out_space[BUNDLE_BYTES_MAX];
    static const uint8_t no_keys[] = { 0x90 };
    const struct fixture *f = drafts[0]->f;
    const struct bundle_context context = context_of(&f->nodes[pusher->node]);
    const struct policy_mark mark = hub_store_policy_mark(f->store);
    const struct hash before = pusher->chain.head;
    const uint64_t first = pusher->chain.seq + 1;
    struct writer items = writer_of(items_space, sizeof(items_space));
    struct writer out = writer_of(out_space, sizeof(out_space));
    struct pushed pushed = { .changes = 0 };
    writer_array(&items, count);
    for (unsigned i = 0; i < count; i++) {
        pushed.changes += drafts[i]->txn.change_count;
        struct signed_txn *txn = draft_sign(drafts[i]);
        seal_item(pusher, txn, &items);
        chain_next(&pusher->chain.head, &txn->leaf, &pusher->chain.head);
        pusher->chain.seq++;
        free(txn);
    }
    assert_int_equal(bundle_sign(&context, LANE_NORMAL, first, pusher->chain.seq,
                                 mark.trust_version, mark.rules_version, &before,
                                 &pusher->chain.head, count, bytes_of(no_keys, sizeof(no_keys)),
                                 writer_bytes(&items), pusher->device, &out),
                     OK);
    pushed.len = out.buf.len;
    pushed.bytes = malloc(pushed.len);
    assert_non_null(pushed.bytes);
    memcpy(pushed.bytes, out_space, pushed.len);
    return pushed;
}

static void merge_item(const struct pusher *pusher, struct fixture *f,
                       const struct bundle_item *item, struct hub_entry *entry)
{
    static uint8_t plain_space[TRANSACTION_BYTES_MAX], work_space[ENVELOPE_WORK_BYTES];
    static struct txn txn;
    struct buf plain = buf_of(plain_space, sizeof(plain_space));
    struct buf work = buf_of(work_space, sizeof(work_space));
    bool known = true;
    assert_int_equal(hub_store_knows(f->store, &item->sealed.leaf, &known), OK);
    assert_false(known);
    assert_int_equal(
        envelope_open(&item->sealed, FIXTURE_DISTRICT, pusher->data_key, NULL, &work, &plain), OK);
    assert_int_equal(txn_decode(buf_bytes(&plain), &txn), OK);
    const struct trust_operator *author =
        trust_operator(hub_store_trust(f->store), txn.operator_number);
    assert_non_null(author);
    assert_int_equal(txn_verify(&txn, FIXTURE_DISTRICT, &author->key, &item->sealed.leaf), OK);
    entry->item = item;
    entry->txn = &txn;
    entry->txn_bytes = buf_bytes(&plain);
    assert_int_equal(hub_store_merge(f->store, entry), OK);
}

struct spent pusher_merge(const struct pusher *pusher, struct fixture *f,
                          const struct pushed *pushed)
{
    static struct bundle bundle;
    struct fixture_node *node = &f->nodes[pusher->node];
    struct fixture_chain *chain = &node->lanes[LANE_NORMAL];
    const struct bundle_context context = context_of(node);
    struct public_key device_key;
    struct hash after;
    crypto_sign_public(pusher->device, &device_key);
    struct spent start = bench_now();
    assert_int_equal(bundle_decode(bytes_of(pushed->bytes, pushed->len), &bundle), OK);
    assert_int_equal(bundle_verify(&bundle, &context, &chain->head, &device_key, &after), OK);
    assert_int_equal(hub_store_begin(f->store), OK);
    for (unsigned k = 0; k < bundle.item_count; k++) {
        chain_next(&chain->head, &bundle.items[k].sealed.leaf, &chain->head);
        struct hub_entry entry = { .node = node->name,
                                   .incarnation = node->incarnation,
                                   .lane = LANE_NORMAL,
                                   .seq = ++chain->seq,
                                   .head = chain->head };
        merge_item(pusher, f, &bundle.items[k], &entry);
    }
    assert_int_equal(hub_store_commit(f->store), OK);
    return bench_since(start);
}

static double seconds(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct spent bench_now(void)
{
    return (struct spent){ .wall_s = seconds(CLOCK_MONOTONIC),
                           .cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID) };
}

struct spent bench_since(struct spent start)
{
    struct spent now = bench_now();
    return (struct spent){ .wall_s = now.wall_s - start.wall_s, .cpu_s = now.cpu_s - start.cpu_s };
}

static int ascending(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double bench_median(double *list, size_t count)
{
    qsort(list, count, sizeof(*list), ascending);
    return list[count / 2];
}
