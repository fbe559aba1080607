/* `coverage` on the admin socket, the same at an office and at the hub: which offices have read an
 * announcement, and in which areas it was passed on. How records are read is each daemon's own. */
#pragma once

#include <jansson.h>

#include "proto/announce.h"
#include "proto/trust.h"

struct coverage {
    const struct policy *policy;
    const struct trust *trust;
    const char *area;   /* of the announcement: the office that wrote it does not count */
    const char *within; /* what this side knows of; NULL: the whole district */
    bool (*audience_has)(const void *ctx, const char *area);
    const void *ctx;
};

/* One more record that refers to the announcement, in that area, on that day (NULL: no day).
 * `found`: {area: {"count", "on"}}, the newest day. */
void coverage_add(json_t *found, const char *area, const char *on);
/* Rows of the offices that should read it, by the receipts found (an office is known by its area);
 * rows of the areas of that level in force `today`, by the records found. The caller's. */
json_t *coverage_offices(const struct coverage *coverage, const json_t *receipts);
json_t *coverage_areas(const struct coverage *coverage, unsigned level, const char today[11],
                       const json_t *covered);
