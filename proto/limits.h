/* Every limit of the protocol, in one place. Over a limit is ERR_LIMIT, never a crash, never a
 * drop. */
#pragma once

#include <assert.h>

#define PROTOCOL_VERSION 1
#define SUITE 1 /* BLAKE2b-256, Ed25519, X25519 sealed box, XChaCha20-Poly1305, zstd */

#define FRAME_BYTES_MAX (32 * 1024)      /* one ZeroMQ message */
#define FRAME_DATA_BYTES_MIN (4 * 1024)  /* smallest slice a sender falls back to on a thin link */
#define FRAME_DATA_BYTES_MAX (31 * 1024) /* slice of a bundle or feed batch inside a frame */

#define CHANGE_BYTES_MAX (32 * 1024)
#define CHANGES_PER_TRANSACTION_MAX 256
#define FIELDS_PER_CHANGE_MAX 128
#define TRANSACTION_BYTES_MAX (512 * 1024) /* plain, before compression */
#define SEALED_BYTES_MAX (TRANSACTION_BYTES_MAX + 4 * 1024)
#define BUNDLE_ITEMS_MAX 512
#define BUNDLE_KEYS_MAX 16
#define BUNDLE_BYTES_MAX (1024 * 1024)
/* Slices of one bundle a lane may be under way: what a node can make the hub hold. */
#define ASSEMBLIES_A_NODE_BYTES_MAX (3 * BUNDLE_BYTES_MAX)
#define FEED_PLAIN_BYTES_MAX (1024 * 1024)
/* A sealed feed batch as sent: what one journal number holds must fit, compressible or not. */
#define FEED_BYTES_MAX (FEED_PLAIN_BYTES_MAX + 64 * 1024)
#define FEED_ITEMS_MAX 512
#define RULES_BYTES_MAX (512 * 1024)
#define RETURN_PROOF_BYTES_MAX (FRAME_BYTES_MAX + 2 * 1024) /* [statement, signature] of an ACK */
#define SIGNED_RULES_BYTES_MAX (RULES_BYTES_MAX + 2 * 1024) /* with all signatures there may be */
#define DICTIONARY_BYTES_MAX (64 * 1024)
#define DICTIONARY_BYTES_USUAL (16 * 1024) /* when the policy does not say */
#define COLLECTIONS_MAX 64
#define IDENTIFIER_BYTES_MAX 40 /* names of collections, fields, lists, roles; codes */
#define LABEL_BYTES_MAX 200
#define CODES_PER_VERSION_MAX 1024
#define AREA_LEVELS_MAX 4
#define ROLES_MAX 64
#define RULES_PER_COLLECTION_MAX 64
#define WORKFLOWS_PER_COLLECTION_MAX 4
#define EDGES_PER_WORKFLOW_MAX 64
#define COMPUTED_FIELDS_MAX 16 /* of a collection, with an expression */
#define TEXT_CHARS_MAX 4000    /* a text field without a length of its own */
#define LIST_ITEMS_MAX 64
#define MAP_ITEMS_MAX 32
#define EXPR_BYTES_MAX 400       /* text of an expression of the policy */
#define EXPR_NODES_MAX 128       /* operators, functions, names and values in it */
#define EXPR_DEPTH_MAX 16        /* inside each other */
#define EXPR_TEXT_BYTES_MAX 1024 /* of a text that an expression holds a copy of */
#define TRUST_STATEMENT_BYTES_MAX (16 * 1024)
#define SIGNERS_MAX 8
#define COUNTERSIGNATURES_MAX 4 /* of one transaction */
#define LANE_COUNT 3
#define AFTER_MAX (LANE_COUNT - 1)
#define NODES_MAX 512
#define OPERATORS_MAX 8192
#define DISTRICT_TEXT_MAX 15
#define NODE_TEXT_MAX 23
#define NAME_TEXT_MAX 100
#define ROLE_TEXT_MAX 31
#define REFUSE_CODE_MAX 31
#define ENDPOINTS_MAX 4
#define ENDPOINT_TEXT_MAX 127
#define DEPTH_MAX 8

#define ZMTP_OVERHEAD_BYTES 64 /* CURVE MESSAGE command around a frame */

static_assert(FRAME_DATA_BYTES_MAX + 1024 <= FRAME_BYTES_MAX, "a slice and its head fit a frame");
static_assert(CHANGE_BYTES_MAX <= TRANSACTION_BYTES_MAX, "a change fits a transaction");
static_assert(ASSEMBLIES_A_NODE_BYTES_MAX == LANE_COUNT * BUNDLE_BYTES_MAX, "one bundle a lane");
static_assert(SEALED_BYTES_MAX <= BUNDLE_BYTES_MAX, "a sealed transaction fits a bundle");
