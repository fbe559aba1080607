/* What people call a code, and which code they mean: labels of code lists, names of areas. */
#pragma once

#include "proto/policy.h"

/* The label of a code of an enum field (of the newest version of its list that has it), the name of
 * an area; NULL: none is known, or the field has neither. */
const char *label_of(const struct policy *policy, const struct policy_field *field,
                     struct bytes code);
/* What people read of a value: value_to_text, with labels where its codes or areas have some,
 * "Widow (W)"; elements of a list by ", ". Errors of value_to_text. */
NODISCARD enum err label_value(const struct policy *policy, const struct policy_field *field,
                               struct bytes value, char *ret, size_t cap);
/* `text` means this code: the code itself or its label, letters of either case; of areas also one
 * that the code lies in. */
bool label_means(const struct policy *policy, const struct policy_field *field, struct bytes code,
                 const char *text);
/* Some code of the field is meant by `text`. */
bool label_known(const struct policy *policy, const struct policy_field *field, const char *text);
/* Appends the codes of the newest version of the field's list, "a, b", as far as there is room. */
void label_codes(const struct policy_field *field, char *ret, size_t cap);
/* A code that makes the value restricted, in any version of the list. */
bool label_restricted(const struct policy_field *field, struct bytes code);
