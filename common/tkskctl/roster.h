/* What approving, renewing and ending have in common for offices and people. */
#pragma once

#include "common/tkskctl/sign.h"

/* Asks for the six words (or takes --words) until the hub says that they are right. `name` of an
 * operator, else NULL. */
NODISCARD enum exit_code ask_six_words(struct ctl *ctl, const char *node, const char *kind,
                                       const char *name, struct answer *ret_answer);

/* --reason; on a terminal, when it was not given, each reason is explained and one asked for. */
NODISCARD enum exit_code ask_end_reason(struct ctl *ctl, enum end_reason *ret_reason);
/* Says on stderr how much of an office's work is here, there, and kept for review (of one operator,
 * or of all with 0). What the hub does not tell is left out. */
void say_waiting(struct ctl *ctl, const char *node, uint32_t operator_number);

/* Fills the cuts of an end: the highest positions that the hub has received from `node`, the newest
 * incarnations when there are more than a statement holds. An office that never sent has none. */
NODISCARD enum exit_code roster_cuts(struct ctl *ctl, const json_t *trust_state, const char *node,
                                     struct ended *ended);

/* The operator of that number in the answer of `trust_state`; NULL. */
const json_t *roster_operator(const json_t *trust_state, uint32_t number);
/* NUMBER, or a name that only one person in force has. */
NODISCARD enum exit_code roster_find(struct ctl *ctl, const json_t *trust_state, const char *word,
                                     const json_t **ret_row);
/* Who holds the assignment of `op` on one of its days already, beside its own number and these two
 * (0: none); NULL: nobody. */
const json_t *roster_holder(const json_t *trust_state, const struct trust_operator *op,
                            uint32_t except_a, uint32_t except_b);
/* The texts of an operator of `trust_state`. */
void roster_read(const json_t *row, struct trust_operator *ret_operator);

/* An option's text into `ret`; its length is said when it does not fit. `text` may be NULL. */
NODISCARD enum exit_code fill_text(struct ctl *ctl, const char *what, const char *text, char *ret,
                                   size_t cap);
/* Nobody is approved for an area outside the district that signs. */
NODISCARD enum exit_code area_of_district(struct ctl *ctl, const char *area,
                                          const struct trust_position *position);
NODISCARD enum exit_code iso_date(struct ctl *ctl, const char *option, char ret[DATE_TEXT_BYTES]);

/* --json: {"trust_version": n}; else a sentence and the version. */
enum exit_code say_published(struct ctl *ctl, enum exit_code code, uint64_t version,
                             const char *sentence);
/* The same, with the number of a person. */
enum exit_code say_roster(struct ctl *ctl, enum exit_code code, uint64_t version, uint64_t number,
                          const char *what);
