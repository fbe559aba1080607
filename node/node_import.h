/* Rows of a file: import_begin says which column is which field and where an interrupted import
 * goes on, import_rows takes up to 256 rows as one transaction, each row a group of its own. What
 * is refused comes back row by row; what validates and the ledger does not know is committed
 * together with progress, ledger and answer, so that a repeat after a crash gets the same answer
 * and enters nothing twice. With {"dry": true} all is checked alike and nothing is stored. */
#pragma once

#include "common/admin.h"
#include "node/node_store.h"

struct node_admin;

#define IMPORT_ROWS_MAX 256
#define IMPORT_COLUMN_BYTES_MAX (2 * IDENTIFIER_BYTES_MAX + 2)

void node_import_begin(struct node_admin *admin, struct admin_call *call);
void node_import_rows(struct node_admin *admin, struct admin_call *call);

/* ---- node_import_columns.c */

/* "keluarga.no_kk": a reference field, and the look-up field by which its record is found. */
struct import_column {
    const struct policy_field *field;
    const struct policy_field *by; /* NULL: a plain column */
    const struct policy_collection *target;
};
/* args.file_hash; false: refused. */
bool node_import_arg_file(struct admin_call *call, struct hash *ret_file);
/* By name or label. False: no field of this collection has that name. */
bool node_import_column(const struct policy *policy, const struct policy_collection *collection,
                        struct bytes name, struct import_column *ret_column);
/* What templates and exports call the column of a field: its name, or of a reference that can be
 * looked up "field.lookup". Numbers of 16 digits come before other look-up fields. */
void node_import_column_name(const struct policy *policy, const struct policy_field *field,
                             char ret[IMPORT_COLUMN_BYTES_MAX]);
/* How many records have this value in the look-up field, and the last of them. */
NODISCARD enum err node_import_count(struct node_store *store, const struct import_column *column,
                                     struct bytes value, unsigned *ret_count,
                                     struct id *ret_record);
/* Turns the cell of a look-up column into the UUID of the one record that it names, by value, UUID
 * or short number. `thing` ("orang.keluarga.no_kk") names it in the problem. ERR_REFERENCE: none;
 * ERR_AMBIGUOUS: several. */
NODISCARD enum err node_import_look_up(struct node_store *store, const char today[11],
                                       const struct import_column *column, const char *thing,
                                       struct bytes text, char ret[37], struct problem *problem);
/* The one area whose code is `text` but for zeros in front of its parts ("36.4.29"); NULL. */
const struct policy_area *node_import_area(const struct policy *policy, struct bytes text);
