/* One frame from a peer. What decodes is encoded as the same bytes. */
#include "common/must.h"
#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t space[FRAME_BYTES_MAX];
    struct message message;
    struct bytes frame = bytes_of(data, size);
    if (message_decode(frame, &message))
        return 0;

    struct writer out = writer_of(space, sizeof(space));
    must(message_encode(&message, &out) == OK);
    must(bytes_equal(writer_bytes(&out), frame));

    if (message.type == MESSAGE_ACK) {
        struct items_iter items = items_of(message.ack.items);
        struct ack_item item;
        struct ack_entry entry;
        while (ack_item_next(&items, &item)) {
            struct items_iter entries = items_of(item.entries);
            while (ack_entry_next(&entries, &entry))
                must(entry.disposition != DISPOSITION_NONE);
            must(reader_end(&entries.reader) == OK);
        }
        must(reader_end(&items.reader) == OK);
    }
    return 0;
}
