#include "proto/blob.h"

#include <string.h>

#include "proto/value.h"

/* `at` is where the mark stands. */
struct mark {
    const char *type;
    const char *bytes;
    size_t len, at;
    const char *also; /* four bytes at 0; NULL: none */
};

static const struct mark marks[] = {
    { "image/jpeg", "\xff\xd8\xff", 3, 0, NULL }, { "image/png", "\x89PNG\r\n\x1a\n", 8, 0, NULL },
    { "image/webp", "WEBP", 4, 8, "RIFF" },       { "application/pdf", "%PDF-", 5, 0, NULL },
    { "image/tiff", "II*\0", 4, 0, NULL },        { "image/tiff", "MM\0*", 4, 0, NULL },
};

const char *blob_media_type(struct bytes head)
{
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        const struct mark *mark = &marks[i];
        if (head.len >= mark->at + mark->len &&
            memcmp(head.at + mark->at, mark->bytes, mark->len) == 0 &&
            (mark->also == NULL || memcmp(head.at, mark->also, 4) == 0))
            return mark->type;
    }
    return "application/octet-stream";
}

bool blob_field(const struct policy_field *field)
{
    return field->type == FIELD_BLOB || (field->type == FIELD_LIST && field->element == FIELD_BLOB);
}

struct blob_iter blobs_of(const struct policy_field *field, struct bytes value)
{
    struct blob_iter iter = { .reader = reader_of(value) };
    if (!blob_field(field) || value.len == 0 || value_is_nil(value))
        return iter;
    iter.left = field->type == FIELD_LIST ? reader_array(&iter.reader) : 1;
    return iter;
}

bool blobs_next(struct blob_iter *iter, struct blob_ref *ret_ref)
{
    struct blob_ref ref = { .size = 0 };
    if (iter->left == 0)
        return false;
    reader_array_of(&iter->reader, 3);
    reader_fixed(&iter->reader, ref.hash.at, HASH_BYTES);
    ref.size = reader_uint(&iter->reader);
    struct bytes type = reader_str(&iter->reader);
    if (iter->reader.err != OK || type.len > BLOB_TYPE_BYTES_MAX) {
        iter->left = 0;
        return false;
    }
    if (type.len > 0)
        memcpy(ref.type, type.at, type.len);
    iter->left--;
    *ret_ref = ref;
    return true;
}
