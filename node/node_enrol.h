/* What a node asks for before it is trusted: its own enrolment, and its operators' keys. The words
 * that node and officer compare are made from exactly what is sent. */
#pragma once

#include "node/node_store.h"

#define ENROL_REQUEST_BYTES_MAX 512

/* The ENROL message of the invite that the store holds. The same bytes every time, so that the six
 * words stay: the nonce is derived from the device key and the invite. Points into `space`
 * (ENROL_REQUEST_BYTES_MAX) and `identity`. */
void node_enrol_message(struct node_store *store, const struct node_identity *identity,
                        uint8_t *space, struct message *ret_message);

/* The six words while the enrolment waits. ERR_STATE: there is none. */
NODISCARD enum err node_enrol_words(struct node_store *store, char ret[WORDS_TEXT_MAX]);

/* The OPERATOR message for a new key, signed by it and by the device. It names `seal_key`, the
 * office's new one; without (NULL) the store's own when the roster still names another. `name` and
 * `role` are borrowed as `space` (ENROL_REQUEST_BYTES_MAX) is. ERR_STATE: not enrolled; ERR_LIMIT:
 * name or role too long. */
NODISCARD enum err node_enrol_operator(struct node_store *store, const struct secret_key *seed,
                                       struct bytes name, struct bytes role,
                                       const struct public_key *seal_key, uint8_t *space,
                                       struct message *ret_message);

/* The six words of an OPERATOR frame. */
NODISCARD enum err node_enrol_operator_words(struct node_store *store, struct bytes frame,
                                             char ret[WORDS_TEXT_MAX]);
