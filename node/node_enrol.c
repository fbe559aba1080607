#include "node/node_enrol.h"

#include "common/must.h"

#define TRANSCRIPT_BYTES_MAX (2 * ENROL_REQUEST_BYTES_MAX)

static void nonce_of(const struct secret_key *device, const struct id *invite, struct id *ret_nonce)
{
    uint8_t input[sizeof "enrol-nonce" + ID_BYTES];
    memcpy(input, "enrol-nonce", sizeof "enrol-nonce");
    memcpy(input + sizeof "enrol-nonce", invite->at, ID_BYTES);
    crypto_keyed_hash(bytes_of(secret_key_bytes(device), SECRET_KEY_BYTES),
                      bytes_of(input, sizeof input), ret_nonce->at, ID_BYTES);
}

void node_enrol_message(struct node_store *store, const struct node_identity *identity,
                        uint8_t *space, struct message *ret_message)
{
    const struct secret_key *device = node_store_device_key(store);
    must(device != NULL);
    struct message message = { .type = MESSAGE_ENROL };
    struct enrol *enrol = &message.enrol;
    enrol->district = bytes_text(identity->district);
    enrol->node = bytes_text(identity->node);
    enrol->invite = identity->invite;
    enrol->token = identity->token;
    enrol->device_key = identity->device_public;
    enrol->curve_key = identity->curve_public;
    enrol->seal_key = identity->seal_public;
    nonce_of(device, &identity->invite, &enrol->nonce);
    struct writer out = writer_of(space, ENROL_REQUEST_BYTES_MAX);
    enrol_request(enrol, &out);
    must(out.err == OK); /* every member has its limit */
    enrol->request = writer_bytes(&out);
    crypto_sign_typed("enrol", enrol->request, device, &enrol->signature);
    *ret_message = message;
}

enum err node_enrol_words(struct node_store *store, char ret[WORDS_TEXT_MAX])
{
    struct node_identity identity;
    enum err err = node_store_identity(store, &identity);
    if (err != OK)
        return err;
    if (identity.enrolment != ENROLMENT_WAITING)
        return ERR_STATE;
    uint8_t request[ENROL_REQUEST_BYTES_MAX], space[TRANSCRIPT_BYTES_MAX];
    struct message message;
    node_enrol_message(store, &identity, request, &message);
    struct writer out = writer_of(space, sizeof space);
    enrol_transcript(&message.enrol, &identity.hub, &identity.root_key, &out);
    must(out.err == OK);
    return crypto_six_words(writer_bytes(&out), ret);
}

enum err node_enrol_operator(struct node_store *store, const struct secret_key *seed,
                             struct bytes name, struct bytes role,
                             const struct public_key *seal_key, uint8_t *space,
                             struct message *ret_message)
{
    struct node_identity identity;
    enum err err = node_store_identity(store, &identity);
    if (err != OK)
        return err;
    const struct secret_key *device = node_store_device_key(store);
    if (device == NULL || identity.enrolment == ENROLMENT_NONE)
        return ERR_STATE;
    struct message message = { .type = MESSAGE_OPERATOR };
    struct operator_request *request = &message.operator_request;
    request->district = bytes_text(identity.district);
    request->node = bytes_text(identity.node);
    crypto_sign_public(seed, &request->key);
    request->name = name;
    request->role = role;
    request->nonce = crypto_random_id();
    const struct trust_node *known = trust_node(node_store_trust(store), request->node);
    if (seal_key == NULL && known != NULL &&
        memcmp(&known->seal_key, &identity.seal_public, PUBLIC_KEY_BYTES) != 0)
        seal_key = &identity.seal_public;
    request->has_seal_key = seal_key != NULL;
    if (seal_key != NULL)
        request->seal_key = *seal_key;
    struct writer out = writer_of(space, ENROL_REQUEST_BYTES_MAX);
    operator_request_encode(request, &out);
    if (out.err != OK)
        return out.err;
    request->request = writer_bytes(&out);
    request->district = request->node = (struct bytes){ NULL, 0 }; /* they lie in `identity` */
    crypto_sign_typed("operator", request->request, seed, &request->operator_signature);
    crypto_sign_typed("operator", request->request, device, &request->device_signature);
    *ret_message = message;
    return OK;
}

enum err node_enrol_operator_words(struct node_store *store, struct bytes frame,
                                   char ret[WORDS_TEXT_MAX])
{
    struct node_identity identity;
    struct message message;
    enum err err = node_store_identity(store, &identity);
    if (err == OK)
        err = message_decode(frame, &message);
    if (err != OK)
        return err;
    if (message.type != MESSAGE_OPERATOR)
        return ERR_MALFORMED;
    uint8_t space[TRANSCRIPT_BYTES_MAX];
    struct writer out = writer_of(space, sizeof space);
    operator_transcript(&message.operator_request, &identity.hub.sign_key, &out);
    if (out.err != OK)
        return out.err;
    return crypto_six_words(writer_bytes(&out), ret);
}
