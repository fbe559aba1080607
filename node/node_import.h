/* Rows of a file: import_begin says which column is which field and where an interrupted import
 * goes on, import_rows takes up to 256 rows as one transaction, each row a group of its own. What
 * is refused comes back row by row; what validates is committed together with the progress and the
 * answer, so that a repeat after a crash gets the same answer and enters nothing twice. */
#pragma once

#include "common/admin.h"

struct node_admin;

#define IMPORT_ROWS_MAX 256

void node_import_begin(struct node_admin *admin, struct admin_call *call);
void node_import_rows(struct node_admin *admin, struct admin_call *call);
