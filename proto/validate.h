/* One change against the policy it was written under: what both the node (before it takes an entry)
 * and the hub (before it merges) ask. Pure; references to other records are the store's to check.
 */
#pragma once

#include "proto/txn.h"
#include "proto/value.h"

/* Who writes, resolved from the trust part: the authority set of the role, and the area. */
struct author {
    authority_set authority;
    struct bytes area;
};

/* Shape and fields: known collection and fields, forms, codes at the event's date, required fields
 * given at create and never cleared, computed fields not given (unless the author is the hub
 * itself), child areas inside their parent where both are in the change, `until` of retired
 * collections and fields (their default stays allowed), record area of a create inside the author's
 * area. `claimed_ms` dates the event where the collection has no date field, or a create gives
 * none; an update that leaves the date alone is held against the record's date by rules_check.
 * Things are "collection.field". Errors: err.def, section "validation"; details never hold personal
 * values. */
NODISCARD enum err validate_change(const struct policy *policy, const struct change *change,
                                   const struct author *author, uint64_t claimed_ms,
                                   struct problem *problem, struct warnings *warnings);

/* ERR_AUTHORITY with the first field that the author may not write; the detail says who may.
 * (A create may carry fields outside the author's authority only when they equal the default.)
 * Deleting, and resolving whether a record is deleted, ask for authority over the area field. */
NODISCARD enum err validate_authority(const struct policy *policy, const struct change *change,
                                      const struct author *author, struct problem *problem);

/* Adds the defaults of fields that a create does not give: writes a whole `fields` map to `out`.
 * `fields` is a scanned map. ERR_MALFORMED: it is none; ERR_LIMIT: no room, or too many fields. */
NODISCARD enum err validate_add_defaults(const struct policy_collection *collection,
                                         struct bytes fields, struct writer *out);
