#include "proto/disposition.h"

const char *disposition_name(enum disposition disposition)
{
    switch (disposition) {
    case DISPOSITION_NONE:
        break;
#define X(name, number, text)                                                                      \
    case DISPOSITION_##name:                                                                       \
        return text;
        DISPOSITIONS(X)
#undef X
    }
    return "pending";
}
