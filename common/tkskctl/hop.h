/* How far a record has come: from the netbook to the answer. */
#pragma once

#include "common/tkskctl/ctl.h"

#define HOP_TEXT_MAX 256

/* "antre": the word for a step that a daemon names (`hop`); as say_state_short for what is none. */
const char *hop_word(const char *hop);
/* "lokal > antre > terkirim > [diterima Dinas]" from an answer of `show` or `receipt`, and for a
 * submission how its answer stands. Empty when the step is none of them. */
void hop_text(const json_t *done, char ret[HOP_TEXT_MAX]);
/* "Nomor tanda terima: 29-0417-KM" on a line, when `row` has one. */
void hop_receipt(const json_t *row);
