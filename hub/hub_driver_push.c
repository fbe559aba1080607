#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"
#include "hub/hub_driver_inside.h"

/* ---- slices */

/* Makes room by giving up the slices of a node that has not gone on for a while. */
static void assemblies_yield(struct hub_driver *driver, size_t wanted, uint64_t now_ms)
{
    for (unsigned i = 0; i < driver->slot_count; i++) {
        struct peer_slot *slot = driver->slots[i];
        if (driver->counters.assembly_bytes + wanted <= ASSEMBLIES_BYTES_MAX)
            return;
        for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
            if (slot->assemblies[lane].at != NULL &&
                now_ms > slot->session.assemblies[lane].heard_ms + ASSEMBLY_YIELD_MS)
                driver_assembly_release(driver, slot, (enum lane)lane);
        }
    }
}

static bool assembly_make(struct hub_driver *driver, struct peer_slot *slot, enum lane lane,
                          size_t total, uint64_t now_ms)
{
    free(slot->assemblies[lane].at);
    slot->assemblies[lane].at = NULL;
    driver->counters.assembly_bytes -= slot->assemblies[lane].bytes;
    slot->assemblies[lane].bytes = 0;
    assemblies_yield(driver, total, now_ms);
    if (driver->counters.assembly_bytes + total > ASSEMBLIES_BYTES_MAX)
        return false;
    slot->assemblies[lane].at = malloc(total);
    if (slot->assemblies[lane].at == NULL)
        return false;
    slot->assemblies[lane].bytes = total;
    driver->counters.assembly_bytes += total;
    return true;
}

/* ---- data keys */

void driver_keys_forget(struct hub_driver *driver)
{
    for (unsigned i = 0; i < DATA_KEYS_OPEN_MAX; i++)
        secret_key_close(&driver->data_keys[i].key);
}

static struct open_key *key_cached(struct hub_driver *driver, const char *node,
                                   const struct id *incarnation, uint64_t number)
{
    for (unsigned i = 0; i < DATA_KEYS_OPEN_MAX; i++) {
        struct open_key *open = &driver->data_keys[i];
        if (open->key != NULL && open->number == number &&
            id_equal(&open->incarnation, incarnation) && strcmp(open->node, node) == 0)
            return open;
    }
    return NULL;
}

static struct open_key *key_place(struct hub_driver *driver)
{
    struct open_key *place = &driver->data_keys[0];
    for (unsigned i = 0; i < DATA_KEYS_OPEN_MAX; i++) {
        if (driver->data_keys[i].key == NULL)
            return &driver->data_keys[i];
        if (driver->data_keys[i].used < place->used)
            place = &driver->data_keys[i];
    }
    secret_key_close(&place->key);
    return place;
}

/* The node's data key, opened with whichever of our seal keys it was made for. ERR_NOT_FOUND: the
 * hub does not have it; ERR_DECRYPT: none of our keys opens it. */
static enum err key_open(struct hub_driver *driver, const struct trust_node *node,
                         const struct id *incarnation, uint64_t number,
                         const struct secret_key **ret_key)
{
    struct open_key *open = key_cached(driver, node->name, incarnation, number);
    if (open == NULL) {
        uint8_t sealed[DATA_KEY_SEALED_BYTES];
        struct secret_key *key = NULL;
        enum err err = hub_store_key_get(driver->store, node->name, incarnation, number, sealed);
        if (err != OK)
            return err;
        err = ERR_DECRYPT;
        for (unsigned i = driver->keys->seal_count; err == ERR_DECRYPT && i > 0; i--)
            err = data_key_open(bytes_of(sealed, sizeof sealed), driver->keys->seal[i - 1], &key);
        if (err != OK)
            return err;
        open = key_place(driver);
        *open = (struct open_key){ .key = key, .incarnation = *incarnation, .number = number };
        memcpy(open->node, node->name, sizeof open->node);
    }
    open->used = ++driver->data_key_clock;
    *ret_key = open->key;
    return OK;
}

/* ---- one entry */

/* Opens, decodes and verifies a transaction into driver->txn. `*ret_fault` is what is wrong with it
 * for good; an error is the hub's own. ERR_KEY: the data key is missing, the node sends it again.
 * ERR_DICTIONARY: so is the dictionary. */
static enum err txn_open(struct hub_driver *driver, const struct trust_node *node,
                         const struct id *incarnation, const struct sealed *sealed,
                         enum err *ret_fault)
{
    const struct trust *trust = driver_trust(driver);
    const struct secret_key *key = NULL;
    enum err err = key_open(driver, node, incarnation, sealed->key_number, &key);
    if (err == ERR_NOT_FOUND)
        return ERR_KEY;
    if (err == OK) {
        driver->work.len = 0;
        driver->plain.len = 0;
        struct buf plain = buf_of(driver->plain.at, TRANSACTION_BYTES_MAX);
        struct dictionary dictionary = { .id = 0 };
        if (sealed->dictionary != 0)
            err = hub_store_dictionary(driver->store, sealed->dictionary, &dictionary);
        if (err == ERR_NOT_FOUND)
            return ERR_DICTIONARY;
        if (err == OK)
            err = envelope_open(sealed, trust->district, key, &dictionary, &driver->work, &plain);
        driver->plain.len = err == OK ? plain.len : 0;
    }
    if (err == OK)
        err = txn_decode(buf_bytes(&driver->plain), driver->txn);
    if (err == OK)
        err = hub_store_txn_verify(driver->store, driver->txn, &sealed->leaf);
    if (err == ERR_MEMORY || err == ERR_STORE || err == ERR_FULL || err == ERR_BUSY)
        return err;
    *ret_fault = err;
    return OK;
}

static enum err entry_merge(struct hub_driver *driver, struct peer_slot *slot,
                            const struct trust_node *node, enum lane lane, uint64_t seq,
                            const struct hash *leaf, const struct hash *head,
                            const struct bundle_item *item)
{
    struct hub_entry entry = { .node = node->name,
                               .incarnation = slot->session.incarnation,
                               .lane = lane,
                               .seq = seq,
                               .head = *head,
                               .item = item,
                               .wall_ms = driver->wall_ms };
    if (item->kind == ITEM_TXN) {
        bool known = false;
        enum err err = hub_store_knows(driver->store, leaf, &known);
        if (err == OK && !known)
            err = txn_open(driver, node, &entry.incarnation, &item->sealed, &entry.fault);
        if (err != OK)
            return err;
        if (known) {
            driver->counters.entries_known++;
        } else if (entry.fault == OK) {
            entry.txn = driver->txn;
            entry.txn_bytes = buf_bytes(&driver->plain);
        } else {
            driver->counters.entries_faulty++;
            log_warning("a transaction is rejected whole node=%s lane=%u seq=%llu reason=%s",
                        node->name, (unsigned)lane, (unsigned long long)seq, err_name(entry.fault));
        }
    }
    enum err err = hub_store_merge(driver->store, &entry);
    if (err != OK)
        return err;
    driver->counters.entries++;
    driver->moved = true;
    hub_session_merged(&slot->session, lane, seq);
    return OK;
}

/* ---- a whole bundle */

/* Whether the head tag belongs to the chain of the incarnation before this one. */
static enum err tag_former(struct hub_driver *driver, const struct peer_slot *slot,
                           const struct bundle *bundle, bool *ret_former)
{
    struct hash head;
    *ret_former = false;
    if (id_is_zero(&slot->session.previous))
        return OK;
    enum err err = hub_store_head(driver->store, slot->node, &slot->session.previous, bundle->lane,
                                  bundle->first - 1, &head);
    if (err == OK)
        *ret_former = memcmp(head.at, bundle->head_tag, HEAD_TAG_BYTES) == 0;
    return err == ERR_NOT_FOUND ? OK : err;
}

/* Whether the part that is here already carries the leaves that are here. */
static enum err leaves_same(struct hub_driver *driver, const struct peer_slot *slot,
                            const struct bundle *bundle, bool *ret_same)
{
    enum err err = OK;
    *ret_same = true;
    for (unsigned i = 0; err == OK && *ret_same && i < bundle->item_count; i++) {
        uint64_t seq = bundle->first + i;
        struct hash ours, theirs;
        if (seq > slot->session.received[bundle->lane])
            break;
        err = hub_store_leaf_at(driver->store, slot->node, &slot->session.incarnation, bundle->lane,
                                seq, &ours);
        bundle_item_leaf(&bundle->items[i], &theirs);
        *ret_same = err == OK && hash_equal(&ours, &theirs);
    }
    return err;
}

/* The facts of design §4.4 in their order, each only when the one before it holds. */
static enum err facts_gather(struct hub_driver *driver, const struct peer_slot *slot,
                             const struct trust_node *node, const struct bundle *bundle,
                             const struct hash *head_before, struct bundle_facts *facts)
{
    enum err err = OK;
    facts->head_fits = memcmp(head_before->at, bundle->head_tag, HEAD_TAG_BYTES) == 0;
    if (!facts->head_fits)
        return tag_former(driver, slot, bundle, &facts->head_former);
    const struct bundle_context context = { .district = driver_trust(driver)->district,
                                            .node = node->name,
                                            .incarnation = slot->session.incarnation,
                                            .hub_key = driver->keys->sign_public };
    struct hash head_after;
    facts->verified =
        bundle_verify(bundle, &context, head_before, &node->device_key, &head_after) == OK;
    if (facts->verified)
        err = leaves_same(driver, slot, bundle, &facts->same_leaves);
    return err;
}

static enum err bundle_merge(struct hub_driver *driver, struct peer_slot *slot,
                             const struct trust_node *node, const struct bundle *bundle,
                             const struct hash *head_before)
{
    struct hash head = *head_before;
    enum err err = driver_turn(driver);
    for (unsigned i = 0; err == OK && i < bundle->key_count; i++)
        err = hub_store_key_put(driver->store, node->name, &slot->session.incarnation,
                                bundle->keys[i].number, bundle->keys[i].sealed);
    for (unsigned i = 0; err == OK && i < bundle->item_count; i++) {
        uint64_t seq = bundle->first + i;
        struct hash leaf;
        bundle_item_leaf(&bundle->items[i], &leaf);
        chain_next(&head, &leaf, &head);
        if (seq > slot->session.received[bundle->lane])
            err =
                entry_merge(driver, slot, node, bundle->lane, seq, &leaf, &head, &bundle->items[i]);
        if (err == ERR_KEY) {
            hub_session_refuse_lane(&slot->session, ERR_KEY, bundle->lane, seq);
            return OK;
        }
        if (err == ERR_DICTIONARY) { /* which one: the node gives it back (RETURN) */
            hub_session_refuse_lane(&slot->session, err, bundle->lane,
                                    bundle->items[i].sealed.dictionary);
            return OK;
        }
    }
    /* A checkpoint may have been made before the HELLO or after it; none of these falls. */
    if (bundle->highest > slot->highest[bundle->lane])
        slot->highest[bundle->lane] = bundle->highest;
    if (bundle->trust_version > slot->policy.trust_version)
        slot->policy.trust_version = bundle->trust_version;
    if (bundle->rules_version > slot->policy.rules_version)
        slot->policy.rules_version = bundle->rules_version;
    return err != OK ? err
                     : hub_store_heard(driver->store, node->name, &slot->session.incarnation,
                                       slot->highest, &slot->policy, driver->wall_ms);
}

enum err driver_bundle(struct hub_driver *driver, struct peer_slot *slot,
                       const struct trust_node *node, enum lane lane, uint64_t first,
                       struct bytes raw, uint64_t now_ms)
{
    struct hub_session *session = &slot->session;
    struct bundle *bundle = driver->bundle;
    struct hash head_before;
    slot->touched = true;
    driver->counters.bundles++;
    enum err err = bundle_decode(raw, bundle);
    if (err == OK && (bundle->lane != lane || bundle->first != first || bundle->item_count == 0))
        err = ERR_MALFORMED;
    if (err != OK) {
        hub_session_refuse_lane(session, err, lane, first);
        return OK;
    }
    err = hub_store_head(driver->store, node->name, &session->incarnation, bundle->lane,
                         bundle->first - 1, &head_before);
    if (err != OK)
        return err;
    struct bundle_facts facts = {
        .lane = bundle->lane, .first = bundle->first, .count = bundle->item_count, .bytes = raw.len
    };
    err = facts_gather(driver, slot, node, bundle, &head_before, &facts);
    if (err != OK)
        return err;
    switch (hub_session_bundle(session, &facts, now_ms)) {
    case BUNDLE_REFUSED:
    case BUNDLE_AGAIN:
    case BUNDLE_LATE:
        return OK;
    case BUNDLE_MERGE:
        return bundle_merge(driver, slot, node, bundle, &head_before);
    }
    must_failed("a verdict", __FILE__, __LINE__);
}

static enum err assembly_take(struct hub_driver *driver, struct peer_slot *slot,
                              const struct trust_node *node, const struct push *push,
                              uint64_t now_ms)
{
    struct bytes raw =
        bytes_of(slot->assemblies[push->lane].at, slot->assemblies[push->lane].bytes);
    uint8_t tag[BUNDLE_TAG_BYTES];
    enum err err = OK;
    bundle_tag(raw, tag);
    if (memcmp(tag, slot->session.assemblies[push->lane].tag, BUNDLE_TAG_BYTES) == 0)
        err = driver_bundle(driver, slot, node, push->lane, push->first, raw, now_ms);
    else
        hub_session_refuse_lane(&slot->session, ERR_MALFORMED, push->lane, push->first);
    driver_assembly_release(driver, slot, push->lane);
    return err;
}

enum err driver_push(struct hub_driver *driver, struct peer_slot *slot,
                     const struct trust_node *node, const struct push *push, uint64_t now_ms)
{
    bool assembled = false;
    switch (hub_session_push(&slot->session, push, now_ms, &assembled)) {
    case PUSH_REFUSED:
    case PUSH_ANSWERED:
        return OK;
    case PUSH_WHOLE:
        return driver_bundle(driver, slot, node, push->lane, push->first, push->data, now_ms);
    case PUSH_START:
        if (!assembly_make(driver, slot, push->lane, (size_t)push->total, now_ms)) {
            hub_session_push_busy(&slot->session, push->lane);
            return OK;
        }
        break;
    case PUSH_COPY:
        break;
    }
    must(slot->assemblies[push->lane].at != NULL &&
         push->offset + push->data.len <= slot->assemblies[push->lane].bytes);
    memcpy(slot->assemblies[push->lane].at + push->offset, push->data.at, push->data.len);
    return assembled ? assembly_take(driver, slot, node, push, now_ms) : OK;
}
