/* The dictionary that transactions are compressed with. Small ones are mostly names of fields,
 * codes and areas, which both sides know from the rules; it is made from them and from the examples
 * that the policy's source gives, never from people's data. Pure. PROTOCOL.md §5, §12. */
#pragma once

#include "proto/compress.h"
#include "proto/policy.h"

/* What an envelope was or shall be compressed with. */
struct dictionary {
    uint32_t id; /* the rules version that named it first; 0 = none */
    struct bytes bytes;
};

/* A value as a person would type it, for one field of one collection; all borrowed. */
struct dictionary_example {
    const struct policy_collection *collection;
    const struct policy_field *field;
    const char *text;
};

/* Bytes of the dictionary that a policy asks for: its setting `dictionary_bytes`, else
 * DICTIONARY_BYTES_USUAL; 0: none. ERR_LIMIT: too large, or too small to be of use. */
NODISCARD enum err dictionary_size(const struct policy *policy, size_t *ret_bytes,
                                   struct problem *problem);
/* Transactions of the policy's collections as they go over the wire, with made-up values, and
 * trained on them a dictionary that fills the room of `ret`. The same policy and examples give the
 * same bytes. Errors name the field whose example is no value of it. */
NODISCARD enum err dictionary_make(const struct policy *policy,
                                   const struct dictionary_example *examples, size_t example_count,
                                   struct buf *ret, struct problem *problem);
/* H("dictionary", bytes): what the rules name. */
void dictionary_hash(struct bytes dictionary, struct hash *ret_hash);
/* ERR_DICTIONARY unless it is the one that the rules name, and usable. */
NODISCARD enum err dictionary_check(const struct policy *policy, struct bytes dictionary,
                                    struct problem *problem);
