#include "common/must.h"
#include "hub/hub_driver_inside.h"

/* ---- offices */

static void state_send(struct hub_driver *driver, const struct hub_peer *peer,
                       const struct enrol *request, enum enrol_standing standing, unsigned tries)
{
    uint8_t space[512];
    struct message message = { .type = MESSAGE_ENROL_STATE };
    struct enrol_state *state = &message.enrol_state;
    *state = (struct enrol_state){ .district = request->district,
                                   .node = request->node,
                                   .invite = request->invite,
                                   .device_key = request->device_key,
                                   .standing = standing,
                                   .tries = tries };
    struct writer statement = writer_of(space, sizeof space);
    enrol_state_statement(state, &statement);
    must(statement.err == OK);
    state->statement = writer_bytes(&statement);
    crypto_sign_typed("enrol-state", state->statement, driver->keys->sign, &state->signature);
    driver_send_message(driver, peer, &message);
}

/* Remembers where to send the answer of an officer; the oldest gives way. */
static void joiner_note(struct hub_driver *driver, const struct hub_peer *peer,
                        const struct id *invite, enum enrol_standing told)
{
    struct joiner *place = NULL;
    for (unsigned i = 0; place == NULL && i < JOINERS_MAX; i++) {
        if (driver->joiners[i].any && id_equal(&driver->joiners[i].invite, invite))
            place = &driver->joiners[i];
    }
    if (place == NULL) {
        place = &driver->joiners[driver->joiner_next];
        driver->joiner_next = (driver->joiner_next + 1) % JOINERS_MAX;
    }
    *place = (struct joiner){ .any = true, .peer = *peer, .invite = *invite, .told = told };
}

enum err driver_enrol_request(struct hub_driver *driver, const struct hub_peer *peer,
                              const struct enrol *request, struct bytes frame)
{
    enum enrol_standing standing = ENROL_WAITING;
    unsigned tries = 0;
    enum err err = hub_enrol_request(driver->enrol, driver_trust(driver), &peer->curve_key, request,
                                     frame, driver->wall_ms, &standing, &tries);
    switch ((int)err) {
    case OK:
        joiner_note(driver, peer, &request->invite, standing);
        state_send(driver, peer, request, standing, tries);
        return OK;
    case ERR_DENIED:
    case ERR_EXPIRED:
    case ERR_USED:
    case ERR_SIGNATURE:
    case ERR_LIMIT:
        driver_refuse(driver, peer, err);
        return OK;
    default:
        driver_refuse(driver, peer, err == ERR_FULL ? ERR_FULL : ERR_BUSY);
        return err;
    }
}

void driver_joiners_tell(struct hub_driver *driver)
{
    for (unsigned i = 0; driver->enrol != NULL && i < JOINERS_MAX; i++) {
        struct joiner *joiner = &driver->joiners[i];
        struct invite_row row;
        struct message message;
        enum enrol_standing standing;
        unsigned tries;
        if (!joiner->any ||
            hub_enrol_standing(driver->enrol, driver_trust(driver), &joiner->invite, &standing,
                               &tries) != OK ||
            standing == joiner->told ||
            enrol_store_invite(hub_enrol_store(driver->enrol), &joiner->invite, &row) != OK ||
            message_decode(bytes_of(row.frame, row.frame_len), &message) != OK ||
            message.type != MESSAGE_ENROL)
            continue;
        joiner->told = standing;
        state_send(driver, &joiner->peer, &message.enrol, standing, tries);
        joiner->any = standing == ENROL_WAITING;
    }
}

/* ---- operators */

enum err driver_operator_request(struct hub_driver *driver, const struct hub_peer *peer,
                                 const struct trust_node *node,
                                 const struct operator_request *request, struct bytes frame)
{
    enum enrol_standing standing = ENROL_REFUSED;
    enum err err = driver->enrol == NULL
                       ? ERR_DENIED
                       : hub_enrol_operator(driver->enrol, driver_trust(driver), node, request,
                                            frame, driver->wall_ms, &standing);
    /* A refusal of the person, not of the node: REFUSE would send the whole office away. */
    if (err == ERR_DENIED) {
        standing = ENROL_REFUSED;
        err = OK;
    }
    struct message message = { .type = MESSAGE_OPERATOR_STATE,
                               .operator_state = { .key = request->key, .standing = standing } };
    switch ((int)err) {
    case OK:
        driver_send_message(driver, peer, &message);
        return OK;
    case ERR_SIGNATURE:
    case ERR_LIMIT:
        driver_refuse(driver, peer, err);
        return OK;
    default:
        driver_refuse(driver, peer, err == ERR_FULL ? ERR_FULL : ERR_BUSY);
        return err;
    }
}
