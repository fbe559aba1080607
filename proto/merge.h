/* The decision about one field of one change, pure. The field with the empty name is the record's
 * existence (its value: deleted or not), so that deletes follow the same rule. design.md §4, 6. */
#pragma once

#include "common/bytes.h"

enum merge_verdict {
    MERGE_TAKE, /* the new value stands */
    MERGE_SAME, /* both say the same: accepted, nothing changes */
    MERGE_HOLD, /* touched by others since: a person decides */
};

struct merge_field {
    uint64_t base_rev;  /* what the author saw, mapped into the present epoch */
    uint64_t lineage;   /* journal number of the author's last own pending change seen; 0 = none */
    uint64_t field_rev; /* journal number that last wrote the field; 0 = never */
    bool own;           /* that write came from the same node and from a chain of its lineage */
    bool equal;         /* old and new value are the same bytes */
};

enum merge_verdict merge_decide(const struct merge_field *field);

/* Names a conflict for ever: first 16 bytes of H("conflict", leaf ‖ u32be change index ‖ field
 * name). */
void merge_conflict_id(const struct hash *leaf, unsigned index, struct bytes field,
                       struct id *ret_id);
