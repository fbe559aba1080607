/* Carry files on a disk (proto/carry.h): written in parts, read piece by piece. */
#pragma once

#include <stdio.h>

#include "common/crypto.h"
#include "proto/carry.h"

/* ---- writing. Pieces are spooled beside FILE, under no name, until it is known how many parts
 * they make. */

struct carry_spooled {
    struct carry_place where;
    size_t bytes;
};

struct carry_out {
    char path[4096];
    size_t part_bytes;
    FILE *spool;
    size_t count, cap;
    struct carry_spooled *pieces;
    uint8_t lead[CARRY_LEAD_BYTES_MAX]; /* what begins each part */
    size_t lead_bytes;
};

/* ERR_EXISTS: FILE or FILE.1 is there already and it is not `force`. */
NODISCARD enum err carry_out_open(const char *path, size_t part_bytes, bool force,
                                  struct carry_out *ret_out, struct problem *problem);
NODISCARD enum err carry_out_add(struct carry_out *out, const struct carry_place *where,
                                 struct bytes piece, struct problem *problem);
/* Writes FILE, or FILE.1, FILE.2, … where one part does not hold it all: each durable under its
 * name, or none. `header` names what it is and for whom; part, count and begins are set here. */
NODISCARD enum err carry_out_write(struct carry_out *out, struct carry_header *header, bool force,
                                   unsigned *ret_parts, uint64_t *ret_bytes,
                                   struct problem *problem);
void carry_out_close(struct carry_out *out);
/* Name of part `part` of `parts`. */
void carry_out_name(const struct carry_out *out, unsigned part, unsigned parts, char *ret,
                    size_t cap);

/* ---- reading */

struct carry_in {
    const char *path; /* borrowed */
    FILE *file;
    uint8_t *space; /* CARRY_PIECE_BYTES_MAX */
    uint64_t pieces;
    struct hasher hasher;
    struct carry_header header;
    uint8_t header_space[CARRY_HEADER_BYTES_MAX];
};

/* Reads as far as the header. ERR_CARRY: damaged, or something else; ERR_VERSION; ERR_NOT_FOUND,
 * ERR_DENIED, ERR_IO. */
NODISCARD enum err carry_in_open(const char *path, struct carry_in *ret_in,
                                 struct problem *problem);
/* The next piece, valid until the next call. ERR_NOT_FOUND: the end, and the file is whole as far
 * as its own sum says. ERR_CARRY: cut off or altered. */
NODISCARD enum err carry_in_next(struct carry_in *in, struct bytes *ret_piece,
                                 struct problem *problem);
void carry_in_close(struct carry_in *in);
