/* The access log: who looked at, listed, exported, asked for or changed which records, and why
 * (UU 27/2022 art. 31). Kept at each node and at the hub, by itself, and never sent anywhere: it is
 * no part of the journal and of no content hash.
 *
 * Rows are numbered from 1 without gaps, and each is bound to the one before it:
 *
 *   hash = H("access", enc([previous hash bin 32, number, time in ms, operation, full, who, name
 * bin, record bin 16 | nil, count, note bin]))
 *
 * with 32 zero bytes before row 1. The previous hash is not stored twice: it is the one of the row
 * before. A store also keeps the number and hash of the last row, so that cutting off the end is
 * seen. `note` holds collection and reason as the store keeps them: at a node a box under its cache
 * key, so that a stolen disk does not tell them; the chain is over the box, so that a locked node
 * can check it.
 *
 * The chain shows that a row was changed, removed, swapped or put in between. It cannot show that
 * somebody who may write the file made all of it anew: whoever must be able to tell notes number
 * and hash that `audit verify` prints, somewhere else.
 *
 * Growth: rows that are both older than ACCESS_KEEP_MS and not among the newest ACCESS_ROWS_MIN go,
 * at most ACCESS_TRIM_ROWS at a time and not before ACCESS_TRIM_LEAST of them may. A clock that
 * jumps ahead costs no more than that. What is left is an anchor: number and hash of the last row
 * that went, from which the chain goes on; and an ACCESS_TRIM row, whose count is the anchor's
 * number, so that a forged anchor is found. */
#pragma once

#include "proto/codec.h"

/* X(NAME, "name in JSON"). Numbers are stored: add at the end. */
#define ACCESS_OPS(X)                                                                              \
    X(ACCESS_LOOK, "look")                                                                         \
    X(ACCESS_LIST, "list")                                                                         \
    X(ACCESS_EXPORT, "export")                                                                     \
    X(ACCESS_QUERY, "query")                                                                       \
    X(ACCESS_CHANGE, "change")                                                                     \
    X(ACCESS_SNAPSHOT, "snapshot")                                                                 \
    X(ACCESS_BACKUP, "backup")                                                                     \
    X(ACCESS_TRIM, "trim")

enum access_op {
#define X(name, text) name,
    ACCESS_OPS(X)
#undef X
        ACCESS_OP_COUNT
};
const char *access_op_name(enum access_op op); /* "?" for what is none */

#define ACCESS_KEEP_MS                                                                             \
    (UINT64_C(400) * 24 * 3600 * 1000) /* a year, and a month to look into it                      \
                                        */
#define ACCESS_ROWS_MIN UINT64_C(20000)
#define ACCESS_TRIM_LEAST UINT64_C(1000)
#define ACCESS_TRIM_ROWS UINT64_C(5000)

#define ACCESS_NAME_BYTES_MAX 160
#define ACCESS_REASON_CHARS_MAX 200
#define ACCESS_WHAT_BYTES_MAX 1000 /* a collection; at the hub also the question that was asked */
#define ACCESS_NOTE_BYTES_MAX (4 * ACCESS_REASON_CHARS_MAX + ACCESS_WHAT_BYTES_MAX + 16)
#define ACCESS_BOX_BYTES_MAX (ACCESS_NOTE_BYTES_MAX + 64) /* as a store keeps it */

struct access_row {
    uint64_t number;
    uint64_t wall_ms; /* as the clock said */
    enum access_op op;
    bool full;         /* asked for without masks */
    uint64_t who;      /* at a node the operator's number (0: not approved yet), at the hub a uid */
    struct bytes name; /* of that person */
    bool has_record;
    struct id record;
    uint64_t count; /* records; of a question 0 */
    struct bytes note;
};
void access_hash(const struct access_row *row, const struct hash *previous, struct hash *ret_hash);

/* [what, reason]. Both empty when there is nothing to say. */
struct access_note {
    struct bytes what;
    struct bytes reason;
};
/* `what` is cut to its limit. ERR_LIMIT: `out` is full. */
NODISCARD enum err access_note_encode(const struct access_note *note, struct writer *out);
/* Borrows from `note`. ERR_MALFORMED. */
NODISCARD enum err access_note_decode(struct bytes note, struct access_note *ret_note);

/* A reason as a person may give it: one line of at most ACCESS_REASON_CHARS_MAX characters, with at
 * least one letter. ERR_USAGE. */
NODISCARD enum err access_reason_check(struct bytes reason, struct problem *problem);

/* How many of the rows from `first` on may go now: `oldest_ms` of row `first`, `newest` the last
 * number. `ret_until_ms`: only rows older than this. 0: none. */
uint64_t access_trim_room(uint64_t first, uint64_t oldest_ms, uint64_t newest, uint64_t now_ms,
                          uint64_t *ret_until_ms);

/* ---- checking a chain, row by row in order */

enum access_fault {
    ACCESS_SOUND,
    ACCESS_MISSING, /* row `at` is not there, or not in its place */
    ACCESS_ALTERED, /* row `at` is not what it was, or what stood before it is not */
    ACCESS_CUT,     /* rows from `at` on are gone */
    ACCESS_ADDED,   /* row `at` was put behind the end */
    ACCESS_ANCHOR   /* the chain does not begin where its trimming says: row `at` and those after */
};
const char *access_fault_name(enum access_fault fault); /* "sound", "missing" … */

struct access_end { /* of a chain: where it was trimmed, and its last row */
    uint64_t first;
    struct hash first_hash;
    uint64_t last;
    struct hash last_hash;
};
struct access_check {
    struct access_end end;
    uint64_t next; /* row that is due */
    struct hash head;
    uint64_t trim; /* what the newest ACCESS_TRIM row says */
    enum access_fault fault;
    uint64_t at;
};
void access_check_start(struct access_check *check, const struct access_end *end);
/* False: the chain broke, and nothing after it says more. */
bool access_check_row(struct access_check *check, const struct access_row *row,
                      const struct hash *stored);
void access_check_end(struct access_check *check);
