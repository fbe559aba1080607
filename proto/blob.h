/* Bytes that a record names instead of holding them: the value [hash, size, media type] of a field
 * of type blob (PROTOCOL.md §12). The record, signed, says what the bytes are; where they are is no
 * part of it. */
#pragma once

#include "common/crypto.h"
#include "proto/limits.h"
#include "proto/policy.h"

#define BLOB_TYPE_BYTES_MAX (2 * IDENTIFIER_BYTES_MAX)

struct blob_ref {
    struct hash hash; /* H("blob", bytes) */
    uint64_t size;
    char type[BLOB_TYPE_BYTES_MAX + 1]; /* media type */
};

/* For hasher_start and crypto_hash. */
#define BLOB_HASH "blob"

/* The media type of bytes that begin like this (BLOB_HEAD_BYTES, or all of them when they are
 * fewer). A file's name says nothing. */
#define BLOB_HEAD_BYTES 16
const char *blob_media_type(struct bytes head);

/* Is it a blob, or a list of them? */
bool blob_field(const struct policy_field *field);

/* The references in a canonical value of such a field, in order; of another field, and of nil,
 * there are none. */
struct blob_iter {
    struct reader reader;
    size_t left;
};
struct blob_iter blobs_of(const struct policy_field *field, struct bytes value);
bool blobs_next(struct blob_iter *iter, struct blob_ref *ret_ref);
