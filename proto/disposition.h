/* What became of a change. accepted, superseded, rejected are final; the others are interim. */
#pragma once

/* X(NAME, number on the wire, "name") */
#define DISPOSITIONS(X)                                                                            \
    X(ACCEPTED, 1, "accepted")                                                                     \
    X(SUPERSEDED, 2, "superseded")                                                                 \
    X(REJECTED, 3, "rejected")                                                                     \
    X(HELD, 4, "held")                                                                             \
    X(QUARANTINED, 5, "quarantined")                                                               \
    X(PARKED, 6, "parked")

enum disposition {
    DISPOSITION_NONE = 0, /* not answered yet */
#define X(name, number, text) DISPOSITION_##name = number,
    DISPOSITIONS(X)
#undef X
};

const char *disposition_name(enum disposition disposition);
