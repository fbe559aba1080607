/* A person as a row, and a household as the document that `apply` takes. */
#pragma once

#include <jansson.h>

#include "tests/gen/people.h"

#define PERSON_COLUMNS 9
extern const char *const person_columns[PERSON_COLUMNS];
void person_cells(const struct person *person, const char *ret[PERSON_COLUMNS]);

/* One household, its members, and who of them needs help: one transaction. *ret_refused: something
 * in it is to be refused. The caller owns the document. */
json_t *family_document(struct people *people, uint64_t number, struct family *ret_family,
                        bool *ret_refused);
