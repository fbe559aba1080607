/* A bundle, from the wire or from a USB stick. What decodes holds items that are encoded as the
 * same bytes; checking its signature and chain does not leave it. */
#include "common/must.h"
#include "proto/bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    static struct bundle bundle;
    static uint8_t space[BUNDLE_BYTES_MAX];
    if (!started)
        must(crypto_start() == OK);
    started = true;
    if (bundle_decode(bytes_of(data, size), &bundle))
        return 0;

    struct writer out = writer_of(space, sizeof(space));
    writer_array(&out, bundle.key_count);
    for (unsigned i = 0; i < bundle.key_count; i++) {
        writer_array(&out, 2);
        writer_uint(&out, bundle.keys[i].number);
        writer_bin(&out, bundle.keys[i].sealed);
    }
    writer_array(&out, bundle.item_count);
    for (unsigned i = 0; i < bundle.item_count; i++)
        bundle_item_encode(&bundle.items[i], &out);
    must(!out.err && bytes_equal(writer_bytes(&out), bundle.body));

    struct bundle_context context = { .district = "36.04", .node = "36.04.29" };
    struct hash before = { { 0 } }, after;
    struct public_key key = { { 1 } };
    memcpy(before.at, bundle.head_tag, HEAD_TAG_BYTES);
    must(bundle_verify(&bundle, &context, &before, &key, &after) == ERR_SIGNATURE);
    return 0;
}
