/* What a submission is owed, and the number that a citizen is given for it.
 *
 * A receipt number is the record's short number and two check letters, "29-0417-KM". The letters
 * follow from the record's id, which nobody outside the offices knows: of 529 pairs one is right,
 * so that a slip or a guess is noticed. */
#pragma once

#include "proto/policy.h"

#define RECEIPT_LETTERS_MAX 3 /* two letters and NUL */
#define RECEIPT_TEXT_MAX 64

void receipt_letters(const struct id *record, char ret[RECEIPT_LETTERS_MAX]);
/* Empty when the record has no short number. */
void receipt_text(struct bytes short_text, const struct id *record, char ret[RECEIPT_TEXT_MAX]);
/* " 29-0417-km" → "29-0417" and "KM". False: not of that form. */
NODISCARD bool receipt_parse(struct bytes text, char ret_short[RECEIPT_TEXT_MAX],
                             char ret_letters[RECEIPT_LETTERS_MAX]);

/* The value of an answer field says something: neither nil nor an empty list. */
bool answer_given(struct bytes value);
/* The state, a raw value, is one in which an answer is owed. */
bool answer_is_open(const struct policy_answer *answer, struct bytes state);
/* Both: the record waits for its answer. `answer` may be NULL: none is ever owed. */
bool answer_is_owed(const struct policy_answer *answer, struct bytes state, struct bytes given);
/* The text under `key` in the last map of the list; empty when there is none. */
struct bytes answer_last(struct bytes given, const char *key);
