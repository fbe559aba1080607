/* Files from a machine that was replaced and turned up again. Its right to connect has ended, but
 * what it holds is signed by the people who entered it: its entries take their positions, and wait
 * for a person to accept them. */
#include <stdlib.h>

#include "common/log.h"
#include "common/must.h"
#include "hub/hub_carry_inside.h"

/* The NODE op of the statement that names the office with the device that signed this HELLO. */
static bool named_in(struct bytes signed_statement, const struct hello *hello,
                     struct trust_node *node)
{
    struct trust_view view;
    if (trust_view(signed_statement, &view) != OK)
        return false;
    struct reader reader = reader_of(view.ops);
    size_t count = reader_array(&reader);
    for (size_t i = 0; i < count; i++) {
        struct reader op = reader_of(reader_raw(&reader));
        struct public_key device = { .at = { 0 } };
        (void)reader_array(&op);
        if (reader_uint(&op) != TRUST_NODE || !bytes_is(reader_str(&op), node->name))
            continue;
        (void)reader_str(&op);
        reader_fixed(&op, device.at, PUBLIC_KEY_BYTES);
        if (!op.err && crypto_verify_typed("hello", hello->statement, &device, &hello->signature)) {
            node->device_key = device;
            return true;
        }
    }
    return false;
}

enum err carry_former(struct hub_driver *driver, const struct hello *hello,
                      const struct trust_node *now, struct trust_node *ret_node)
{
    struct trust_node node = *now;
    for (uint64_t version = driver_trust(driver)->version; version > 0; version--) {
        uint8_t *statement = NULL;
        size_t len = 0;
        enum err err = hub_store_trust_get(driver->store, version, &statement, &len);
        if (err != OK)
            return err;
        bool found = named_in(bytes_of(statement, len), hello, &node);
        free(statement);
        if (found) {
            *ret_node = node;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

enum err carry_former_take(struct hub_driver *driver, struct peer_slot *slot,
                           const struct trust_node *node, const struct hello *hello,
                           const struct carry_piece *piece, uint64_t now_ms,
                           struct hub_carry_taken *taken, struct problem *problem)
{
    const struct cursor journal = hub_store_journal(driver->store);
    const struct hello_facts facts = { .epoch = journal.epoch,
                                       .number = journal.number,
                                       .halted = driver->halt.on };
    struct hub_incarnation own;
    enum err err = hub_store_incarnation(driver->store, node->name, &hello->incarnation, &own);
    if (err != OK)
        return err;
    if (own.state == INCARNATION_UNKNOWN)
        return problem_set(problem, ERR_CARRY_LIFE, node->name,
                           "its machine was replaced, and never spoke of what it holds now");
    /* In quarantine while it is read: then each transaction waits for a person (reason `twin`). */
    err = driver_turn(driver);
    if (err == OK)
        err = hub_store_incarnation_twin(driver->store, node->name, &hello->incarnation,
                                         &hello->incarnation);
    if (err != OK)
        return err;
    own.state = INCARNATION_QUARANTINED;
    hub_session_hello(&slot->session, hello, HELLO_WELCOME, &facts, &own, now_ms);
    for (unsigned i = 0; i < LANE_COUNT; i++)
        slot->highest[i] = own.highest[i];
    slot->policy = hello->policy;
    taken->state = slot->session.state;
    enum err taking = carry_take_piece(driver, slot, node, piece, now_ms, taken, problem);
    err = hub_store_incarnation_retire(driver->store, node->name, &hello->incarnation);
    if (err == OK && taking == OK && piece->where.kind == CARRY_BUNDLE)
        log_info("entries of a former machine wait for review node=%s lane=%u", node->name,
                 (unsigned)taken->lane);
    return err != OK ? err : taking;
}
