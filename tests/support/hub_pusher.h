/* What an office pushes and the hub's driver takes: transactions sealed under one data key, in
 * bundles that a device signs. For benches that merge from the bytes on. Include after cmocka.h. */
#pragma once

#include "tests/support/hub_fixture.h"

/* One lane of one office. */
struct pusher {
    unsigned node;
    struct id incarnation;
    struct secret_key *device, *data_key;
    struct fixture_chain chain; /* after what was signed */
};

/* Begins where the office's normal lane stands. */
void pusher_open(struct pusher *pusher, const struct fixture *f, unsigned node);
void pusher_close(struct pusher *pusher);

/* On a busy machine the second says more, where two of the same kind are compared. */
struct spent {
    double wall_s, cpu_s;
};
struct spent bench_now(void);
struct spent bench_since(struct spent start);

struct pushed {
    unsigned changes;
    size_t len;
    uint8_t *bytes; /* the caller's, from malloc */
};

/* Signs the drafts and frees them. */
struct pushed pusher_bundle(struct pusher *pusher, struct draft **drafts, unsigned count);
/* Takes the bundle as the hub's driver does, with every check of PROTOCOL.md §6 and one commit; any
 * store will do that stands where the fixture stood which it was signed for. */
struct spent pusher_merge(const struct pusher *pusher, struct fixture *f,
                          const struct pushed *pushed);

/* Sorts the list. */
double bench_median(double *list, size_t count);
