/* Announcements: who gets a record beside the office of its area, what a receipt says, and which
 * field tells where something was passed on. All by the options of the collections (policy.h). */
#pragma once

#include "proto/policy.h"

/* An audience of that area holds the office of the other: it lies inside, or has it inside. */
bool announce_meets(struct bytes audience, struct bytes office);
/* By the raw value of the collection's audience field (empty: every office). False for collections
 * without an audience. */
bool announce_in_audience(const struct policy_collection *collection, struct bytes raw,
                          struct bytes office);

/* Of the raw value of a reference; false: it is none. */
bool announce_reference(struct bytes raw, struct id *ret_id);
/* The collection of receipts, and its field that says of what; NULL when nobody confirms reading.
 */
const struct policy_collection *announce_receipts(const struct policy *policy,
                                                  const struct policy_collection *collection,
                                                  const struct policy_field **ret_of);
/* The field that says when: the day of the event, else the first time or date; NULL. */
const struct policy_field *announce_when(const struct policy_collection *collection);
/* The field with the smallest areas; there is always one. *ret_level: how many parts they have. */
const struct policy_field *announce_place(const struct policy_collection *collection,
                                          unsigned *ret_level);
/* What the record is called: the first field that lists show; NULL. */
const struct policy_field *announce_title(const struct policy_collection *collection);
/* The forum of the policy; NULL. */
const struct policy_collection *announce_forum(const struct policy *policy);
