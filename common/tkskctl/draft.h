/* What `attention` and `draft list` share. */
#pragma once

#include "common/tkskctl/ctl.h"

/* "draf, ditolak Dinas: Ani, 3604…" of a row of drafts; empty of any other row. */
void draft_text(const json_t *row, char *ret, size_t cap);
