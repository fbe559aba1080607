/* The bytes that records name (fields of type blob), in STATE/blobs of an office. A file is called
 * by a keyed hash of its content's hash and holds the bytes in authenticated pieces under a subkey
 * of the cache key, so that a stolen disk tells sizes only. It is whole and durable under its name
 * before a record can name it; what nothing names after a day is removed. Bringing the bytes to the
 * hub comes later: `state` in the table is for that.
 *
 * node_blob.c        the form of a file, without I/O
 * node_store_blob.c  files and the table */
#pragma once

#include "node/node_store.h"
#include "proto/blob.h"
#include "proto/value.h"

/* When the policy does not say (setting blob_bytes_max), and the most that it may say. */
#define BLOB_BYTES_USUAL (INT64_C(4) * 1024 * 1024)
#define BLOB_BYTES_MAX (INT64_C(64) * 1024 * 1024)
#define BLOB_KEPT_MS (UINT64_C(24) * 60 * 60 * 1000) /* what nothing names stays so long */

/* ---- the form: a lead, then pieces of BLOB_PIECE_BYTES (the last one: 1 to as many), each
 * nonce ‖ XChaCha20-Poly1305 and bound to the lead, its index and whether it is the last one. */

#define BLOB_PIECE_BYTES ((size_t)64 * 1024)
#define BLOB_BOX_BYTES_MAX (BLOB_PIECE_BYTES + BOX_EXTRA_BYTES)
#define BLOB_LEAD_BYTES 32

struct blob_seal {
    uint8_t lead[BLOB_LEAD_BYTES];
    uint32_t next;
    bool over; /* the last piece has passed */
};
void blob_seal_new(struct blob_seal *ret_seal);
/* ERR_DECRYPT: no such file. */
NODISCARD enum err blob_seal_open(struct bytes lead, struct blob_seal *ret_seal);
/* Append one piece, sealed or plain. ERR_DECRYPT: damaged, of another file or place, or not the end
 * where it should be. */
NODISCARD enum err blob_seal_put(struct blob_seal *seal, const struct secret_key *key,
                                 struct bytes plain, bool last, struct buf *ret_box);
NODISCARD enum err blob_seal_get(struct blob_seal *seal, const struct secret_key *key,
                                 struct bytes box, bool last, struct buf *ret_plain);
/* Length of the file for `size` bytes. */
uint64_t blob_sealed_bytes(uint64_t size);

/* ---- writing. All need the unlocked cache: ERR_LOCKED, also in the middle. */

struct blob_writer;

/* `size` bytes are to come, at least one. ERR_BLOB_LARGE: more than the policy takes, ERR_FULL: the
 * disk needs the room (both with their figures), ERR_BLOB_EMPTY, ERR_IO. */
NODISCARD enum err node_store_blob_begin(struct node_store *store, uint64_t size,
                                         struct blob_writer **ret_writer, struct problem *problem);
/* ERR_LIMIT: more than `size`. */
NODISCARD enum err node_store_blob_add(struct blob_writer *writer, struct bytes part);
bool node_store_blob_whole(const struct blob_writer *writer); /* all of it is there */
/* Names the file and notes it: durable when this returns. The same bytes are kept once. `wall_ms`:
 * now. */
NODISCARD enum err node_store_blob_end(struct blob_writer *writer, uint64_t wall_ms,
                                       struct blob_ref *ret_ref);
/* Frees; what was not ended is gone. */
void node_store_blob_close(struct blob_writer **writer);

/* ---- reading */

struct blob_reader;

/* ERR_BLOB_GONE: the bytes are not here; ERR_BLOB_DAMAGED: the file is not as it was written. */
NODISCARD enum err node_store_blob_open(struct node_store *store, const struct hash *hash,
                                        struct blob_reader **ret_reader);
/* The next piece, valid until the next call; empty after the last one, when the whole has the hash.
 * ERR_LOCKED, ERR_BLOB_DAMAGED. */
NODISCARD enum err node_store_blob_read(struct blob_reader *reader, struct bytes *ret_piece);
void node_store_blob_done(struct blob_reader **reader);

/* Are the bytes here? Unlocked only. */
NODISCARD enum err node_store_blob_here(struct node_store *store, const struct hash *hash,
                                        bool *ret_here);
/* Adds a warning (ERR_BLOB_GONE) for each field whose value names bytes that are not here. The
 * entry is taken all the same: a reference may be imported before its bytes come. `warnings` NULL:
 * none are wanted. */
NODISCARD enum err node_store_blob_warn(struct node_store *store,
                                        const struct policy_collection *collection,
                                        struct bytes fields, struct warnings *warnings);
/* Of all that is here: how many, and their bytes. */
NODISCARD enum err node_store_blob_figures(struct node_store *store, uint64_t *ret_count,
                                           uint64_t *ret_bytes);

/* Removes what no record, change, draft or conflict names, and files that the table does not have,
 * BLOB_KEPT_MS after they came. Call when idle; while locked only the files. */
enum err node_store_blob_sweep(struct node_store *store, uint64_t wall_ms);
