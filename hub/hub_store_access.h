/* The hub's access log: a third, small file beside the database and the enrolment file. It stays
 * when an older database is put in place, and nobody who reads a snapshot or a backup reads it. The
 * note stands in the clear, as all does at the hub. Form and chain: proto/access.h. */
#pragma once

#include "proto/access.h"

struct access_store;

/* Errors as db_open. `vfs` NULL = the default one. */
NODISCARD enum err access_store_open(const char *path, const char *vfs,
                                     struct access_store **ret_store, struct problem *problem);
void access_store_close(struct access_store **store);

/* Appends one row (its number and note are filled in) in one durable transaction, and trims when it
 * is time. ERR_FULL, ERR_STORE: then what was to be looked at is not shown. */
NODISCARD enum err access_store_put(struct access_store *store, const struct access_row *row,
                                    const struct access_note *note);

/* `note` NULL: it is damaged. */
typedef void access_store_callback(void *ctx, const struct access_row *row,
                                   const struct access_note *note);
/* The newest `max` rows, newest first; of one record, or of all (NULL). */
NODISCARD enum err access_store_rows(struct access_store *store, const struct id *record,
                                     unsigned max, access_store_callback *each, void *ctx);
/* Walks all of it. OK, also when the chain is broken: `ret_check` says that. */
NODISCARD enum err access_store_check(struct access_store *store, struct access_check *ret_check);
