/* How values of fields stand in typed tables, for every backend: which SQL type a field has, JSON
 * text for what has no SQL type (lists, maps, blobs), and the packed revs of a row's fields. */
#pragma once

#include "proto/value.h"

/* "TEXT", "INTEGER" or "BLOB". */
const char *tables_sql_type(enum field_type type);
/* Lists, maps and blobs stand as JSON text. */
bool tables_is_json(enum field_type type);

/* A scanned canonical value of the field as JSON: {"hash":"<hex>","size":n,"type":"…"} for a blob,
 * UUID text for a reference inside a list, map keys in canonical order. `ret` gets at most
 * TABLES_JSON_BYTES(value.len). */
#define TABLES_JSON_BYTES(len) ((len)*6 + 64)
NODISCARD enum err tables_to_json(const struct policy_field *field, struct bytes value,
                                  struct buf *ret);
/* The inverse, for what tables_to_json wrote. ERR_MALFORMED. */
NODISCARD enum err tables_from_json(const struct policy_field *field, struct bytes json,
                                    struct writer *out);

/* Revs of fields that differ from the row's `born`, packed: (column number, rev) pairs as LEB128.
 * Number 0 is the record's existence. */
#define TABLES_REVS_BYTES(count) ((count)*20)
void tables_revs_add(struct buf *revs, uint64_t column, uint64_t rev);
/* False at the end; *ret_err says whether what was there was whole. */
bool tables_revs_next(struct bytes *revs, uint64_t *ret_column, uint64_t *ret_rev,
                      enum err *ret_err);

/* A name that the tables can have: nothing that SQL or this store uses for itself. */
bool tables_name_fits(const char *collection);
