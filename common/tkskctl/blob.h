/* Photos and files that records name, as the daemons tell of them: {hash, size, type, where,
 * office}. */
#pragma once

#include "common/tkskctl/ctl.h"

/* "di netbook ini", "di kantor 36.04.29, belum dikirim ke Dinas". */
void blob_place(const json_t *blob, char *ret, size_t cap);
/* "image/jpeg, 1,2 MB, di netbook ini" */
void blob_text(const json_t *blob, char *ret, size_t cap);
