/* Dictionaries for compression. The rules name one by its hash; its number is the version of the
 * rules that brought it, and stays as long as the versions that follow name the same. The bytes are
 * no part of the journal, which has their hash: they are stored when they come, from the officer
 * with the rules or, after a restore, from a node, and kept for what was sealed under them. */
#include <stdlib.h>

#include "common/must.h"
#include "hub/hub_store_state.h"

static bool same_dictionary(const struct policy *a, const struct policy *b)
{
    return a && b && a->has_dictionary && b->has_dictionary &&
           hash_equal(&a->dictionary, &b->dictionary);
}

/* The rules of `version`, when they bring a dictionary; else NULL. */
static const struct policy *brings_one(struct hub_store *store, uint64_t version)
{
    const struct policy *policy = hub_store_policy_at(store, version);
    if (!policy || !policy->has_dictionary ||
        same_dictionary(policy, hub_store_policy_at(store, version - 1)))
        return NULL;
    return policy;
}

uint32_t hub_store_dictionary_id(struct hub_store *store)
{
    const struct policy *policy = store->policy;
    if (!policy || !policy->has_dictionary)
        return 0;
    uint64_t version = policy->version;
    while (same_dictionary(policy, hub_store_policy_at(store, version - 1)))
        version--;
    return (uint32_t)version;
}

void store_dictionary_forget(struct hub_store *store)
{
    free(store->dictionary_bytes);
    store->dictionary_bytes = NULL;
    store->dictionary = (struct dictionary){ .id = 0 };
}

enum err hub_store_dictionary(struct hub_store *store, uint32_t id, struct dictionary *ret)
{
    struct bytes found;
    if (id == 0)
        return ERR_DICTIONARY;
    if (store->dictionary.id == id) {
        *ret = store->dictionary;
        return OK;
    }
    enum err err = store->ops->document_get(store->backend, DOCUMENT_DICTIONARY, id, &found);
    if (err == ERR_NOT_FOUND)
        return !store->policy || id > store->policy->version || brings_one(store, id)
                   ? ERR_NOT_FOUND
                   : ERR_DICTIONARY;
    if (err)
        return err;
    uint8_t *copy = malloc(found.len + 1);
    if (!copy)
        return ERR_MEMORY;
    memcpy(copy, found.at, found.len);
    store_dictionary_forget(store);
    store->dictionary_bytes = copy;
    store->dictionary = (struct dictionary){ .id = id, .bytes = bytes_of(copy, found.len) };
    *ret = store->dictionary;
    return OK;
}

enum err hub_store_dictionary_put(struct hub_store *store, uint64_t version, struct bytes bytes,
                                  struct problem *problem)
{
    struct bytes known;
    must(store->writing);
    const struct policy *policy = brings_one(store, version);
    if (!policy)
        return problem_set(problem, ERR_DICTIONARY, "dictionary", "the rules name another or none");
    enum err err = dictionary_check(policy, bytes, problem);
    if (err)
        return err;
    err = store->ops->document_get(store->backend, DOCUMENT_DICTIONARY, version, &known);
    if (err != ERR_NOT_FOUND)
        return err;
    err = store->ops->document_put(store->backend, DOCUMENT_DICTIONARY, version,
                                   store->journal.number, &policy->dictionary, bytes);
    return err ? problem_set(problem, err, "dictionary", "it could not be stored") : OK;
}

/* Where the feed gives the newest one; 0: the rules in force name none, or it is not here. */
enum err store_dictionary_place(struct hub_store *store, uint64_t *ret_number,
                                uint64_t *ret_version)
{
    uint64_t version = 0, number = 0;
    *ret_number = 0;
    *ret_version = 0;
    if (!store->policy || !store->policy->has_dictionary)
        return OK;
    enum err err =
        store->ops->document_last(store->backend, DOCUMENT_DICTIONARY, &version, &number);
    if (err)
        return err == ERR_NOT_FOUND ? OK : err;
    *ret_number = number;
    *ret_version = version;
    return OK;
}
