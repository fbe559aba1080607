/* What the files of `bundle` share: not for other commands. */
#pragma once

#include "common/tkskctl/carry_file.h"
#include "common/tkskctl/ctl.h"
#include "proto/chain.h"

/* --- cmd_bundle.c */

struct bundle_order {
    const char *path;
    const char *district, *node;
    enum carry_way way;
    json_t *args; /* of bundle_export; taken */
};

struct bundle_written {
    unsigned parts;
    uint64_t bytes, entries;
    json_t *files; /* names; the caller's */
};

/* Asks the daemon for the pieces and writes them into parts. Says itself what is wrong. */
NODISCARD enum exit_code bundle_write(struct ctl *ctl, const struct bundle_order *order,
                                      struct bundle_written *ret_written);
/* "FILE.1 … FILE.3, 3 parts, 150 KB. " */
void bundle_say_files(const struct bundle_written *written);

/* --- bundle_import.c */

enum bundle_state {
    BUNDLE_WAITS, /* not taken yet, or another part is needed first */
    BUNDLE_TAKEN,
    BUNDLE_LOCKED, /* all but the records, which need an unlocked node */
    BUNDLE_BAD,    /* refused */
};

/* One file. */
struct bundle_part {
    const char *path;
    enum bundle_state state;
    char district[DISTRICT_TEXT_MAX + 1], node[NODE_TEXT_MAX + 1];
    enum carry_way way;
    struct id export_id;
    uint64_t made_ms;
    unsigned part, part_count;
    size_t lead_bytes; /* HELLO or ANSWER */
    uint8_t lead[CARRY_LEAD_BYTES_MAX];
    json_t *error; /* why it is refused or waits */
};

struct bundle_import {
    bool hub;
    char district[32], node[32]; /* of the daemon */
    size_t count;
    struct bundle_part *parts;
    bool progress;    /* something new was taken */
    bool forked;      /* the hub found another store in the name of one of the offices */
    bool reopened;    /* this office's store began anew, as the answer says */
    bool quarantined; /* what comes is kept until a person decides */
    json_t *rows;     /* one a file, in the end */
    json_t *receipts; /* one an office, at the hub: lanes, changes */
    uint64_t acked, batches;
};

/* Reads a file from beginning to end, and whether it belongs here; else its state is BAD. */
void bundle_look(const struct bundle_import *import, struct bundle_part *part);
/* Hands its pieces to the daemon. Refusals are kept in the part; another code than EXIT_DONE means
 * that the daemon is gone. */
NODISCARD enum exit_code bundle_take_part(struct ctl *ctl, struct bundle_import *import,
                                          struct bundle_part *part);
/* After the last: says what was refused or still waits. EXIT_DONE: everything was taken. */
NODISCARD enum exit_code bundle_settle(struct ctl *ctl, struct bundle_import *import);
/* The receipt; `answer` (may be NULL) was written too. */
void bundle_say_receipt(struct ctl *ctl, struct bundle_import *import,
                        const struct bundle_written *answer);
void bundle_import_close(struct bundle_import *import);
