/* The pre-scan and the reader: nothing outside the input is read, and what is canonical is written
 * back as the same bytes. */
#include <stdlib.h>

#include "common/must.h"
#include "proto/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads one value by its kind and writes it again. */
static void copy(struct reader *in, struct writer *out)
{
    size_t items = 0;
    switch (reader_peek(in)) {
    case KIND_END:
        return;
    case KIND_NIL:
        reader_nil(in);
        writer_nil(out);
        return;
    case KIND_BOOL:
        writer_bool(out, reader_bool(in));
        return;
    case KIND_INT:
        writer_int(out, reader_int(in));
        return;
    case KIND_STR:
        writer_str(out, reader_str(in));
        return;
    case KIND_BIN:
        writer_bin(out, reader_bin(in));
        return;
    case KIND_ARRAY:
        items = reader_array(in);
        writer_array(out, items);
        break;
    case KIND_MAP:
        items = 2 * reader_map(in);
        writer_map(out, items / 2);
        break;
    }
    for (size_t i = 0; i < items && !in->err; i++)
        copy(in, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_of(data, size);
    struct reader walk = reader_of(in);
    while (!walk.err && walk.at < walk.end)
        (void)reader_raw(&walk);
    if (codec_scan(in))
        return 0;
    must(reader_end(&walk) == OK);

    uint8_t *space = malloc(size);
    must(space);
    struct reader reader = reader_of(in);
    struct writer out = writer_of(space, size);
    copy(&reader, &out);
    must(reader_end(&reader) == OK && !out.err && bytes_equal(writer_bytes(&out), in));
    free(space);
    return 0;
}
